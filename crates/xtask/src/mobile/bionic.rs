//! What Android's own libraries have. A function that is missing here is looked up in the lists of bionic
//! (`libc.map.txt` and its siblings), which say since when it is there.

/// Whether every phone with Android 8 has this function, or the NDK links it in.
pub(super) fn has(name: &str) -> bool {
    // Of the NDK's libunwind, which is a static library.
    LIBC.contains(&name) || OTHERS.contains(&name) || name.starts_with("_Unwind_")
}

/// What `libc.so` has, among what Rust's standard library and others of its kind call.
const LIBC: [&str; 51] = [
    "__errno",
    "abort",
    "calloc",
    "clock_gettime",
    "close",
    "closedir",
    "dirfd",
    "free",
    "fstat",
    "fsync",
    "getauxval",
    "getcwd",
    "getenv",
    "link",
    "lseek64",
    "lstat",
    "malloc",
    "memcmp",
    "memcpy",
    "memmove",
    "memset",
    "mkdir",
    "open",
    "opendir",
    "poll",
    "posix_memalign",
    "prctl",
    "pthread_attr_destroy",
    "pthread_attr_init",
    "pthread_attr_setstacksize",
    "pthread_create",
    "pthread_detach",
    "pthread_getspecific",
    "pthread_join",
    "pthread_key_create",
    "pthread_key_delete",
    "pthread_setspecific",
    "read",
    "readdir",
    "rename",
    "renameat",
    "sched_getaffinity",
    "sched_yield",
    "stat",
    "strerror_r",
    "strlen",
    "syscall",
    "sysconf",
    "unlink",
    "write",
    "writev",
];

/// Of `libdl.so` and `libm.so`.
const OTHERS: [&str; 2] = ["dlsym", "pow"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_glibc_has_is_not_here() {
        for name in
            ["__errno_location", "__xpg_strerror_r", "bcmp", "getrandom", "gnu_get_libc_version"]
        {
            assert!(!has(name), "{name}");
        }
        assert!(has("__errno") && has("_Unwind_Resume") && has("pow"));
    }
}
