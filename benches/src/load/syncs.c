/* Counts how often a process synchronises the disk, and how long it waits for that: preloaded into it,
 * it stands before the system's own calls. The counters are in the file named by TWOSHARE_BENCH_SYNCS:
 * calls, then nanoseconds, as two 64-bit numbers. With TWOSHARE_BENCH_DISK, a number of microseconds, none
 * takes less than that: as on a slower disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static uint64_t unshared[2], *counters = unshared;
static int64_t least;
static int (*real_fsync)(int), (*real_fdatasync)(int);

__attribute__((constructor)) static void start(void) {
    real_fsync = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    const char *micros = getenv("TWOSHARE_BENCH_DISK");
    if (micros) least = atoll(micros) * 1000;
    const char *path = getenv("TWOSHARE_BENCH_SYNCS");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *shared = mmap(NULL, sizeof unshared, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED) counters = shared;
    close(file);
}

static int64_t since(const struct timespec *before) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - before->tv_sec) * 1000000000LL + now.tv_nsec - before->tv_nsec;
}

static int counted(int (*real)(int), int fd) {
    struct timespec before;
    clock_gettime(CLOCK_MONOTONIC, &before);
    int result = real(fd);
    int64_t nanos = since(&before);
    if (nanos < least) {
        struct timespec rest = {(least - nanos) / 1000000000, (least - nanos) % 1000000000};
        nanosleep(&rest, NULL);
        nanos = since(&before);
    }
    __atomic_fetch_add(&counters[0], 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&counters[1], (uint64_t)nanos, __ATOMIC_RELAXED);
    return result;
}

int fsync(int fd) { return counted(real_fsync, fd); }

int fdatasync(int fd) { return counted(real_fdatasync, fd); }
