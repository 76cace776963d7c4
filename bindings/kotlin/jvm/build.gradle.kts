// The jar, for servers and desktops. The library itself is beside it, where JNA looks: in a folder of
// `jna.library.path`, or in the jar as PLATFORM/libtwoshare_ffi.so (src/generated/resources).
plugins {
    kotlin("jvm")
    `java-library`
}

kotlin { jvmToolchain(17) }

sourceSets.main {
    kotlin.setSrcDirs(listOf("../src/main/kotlin", "../src/generated/kotlin"))
    resources.setSrcDirs(listOf("../src/generated/resources"))
}

dependencies {
    api("org.jetbrains.kotlinx:kotlinx-coroutines-core:${rootProject.extra["coroutines"]}")
    implementation("net.java.dev.jna:jna:${rootProject.extra["jna"]}")
}

tasks.jar { archiveBaseName = "twoshare" }
