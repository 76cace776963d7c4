// The sources are in src/, and shared by both projects. src/generated is written by `cargo xtask kotlin` and
// `cargo xtask aar`, from the library itself; it is not in git.
plugins {
    kotlin("jvm") version "2.4.20" apply false
    kotlin("android") version "2.4.20" apply false
    id("com.android.library") version "8.13.0" apply false
    id("com.android.application") version "8.13.0" apply false
}

extra["coroutines"] = "1.8.0"
extra["jna"] = "5.17.0"
