/* A disk that fails when it is told to: preloaded into a process, it stands before the system's own
 * calls. The file named by TWOSHARE_TEST_DISK says what fails: "fsync", "full", or nothing. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static int fails(int fd, const char *how) {
    struct stat what;
    /* Files only, and not the log. */
    if (fd <= 2 || fstat(fd, &what) != 0 || !S_ISREG(what.st_mode)) return 0;
    const char *path = getenv("TWOSHARE_TEST_DISK");
    if (!path) return 0;
    int control = open(path, O_RDONLY | O_CLOEXEC);
    if (control < 0) return 0;
    char said[16] = {0};
    ssize_t length = read(control, said, sizeof said - 1);
    close(control);
    return length > 0 && strncmp(said, how, strlen(how)) == 0;
}

#define REAL(name) __typeof__(name) *real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

int fsync(int fd) {
    REAL(fsync);
    if (fails(fd, "fsync")) { errno = EIO; return -1; }
    return real(fd);
}

int fdatasync(int fd) {
    REAL(fdatasync);
    if (fails(fd, "fsync")) { errno = EIO; return -1; }
    return real(fd);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    REAL(write);
    if (fails(fd, "full")) { errno = ENOSPC; return -1; }
    return real(fd, bytes, count);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    REAL(pwrite);
    if (fails(fd, "full")) { errno = ENOSPC; return -1; }
    return real(fd, bytes, count, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    REAL(pwrite64);
    if (fails(fd, "full")) { errno = ENOSPC; return -1; }
    return real(fd, bytes, count, at);
}
