// The AAR. `cargo xtask aar` puts the library of each ABI into src/generated/jniLibs.
plugins {
    id("com.android.library")
    kotlin("android")
}

android {
    namespace = "io.twoshare"
    compileSdk = 35

    defaultConfig {
        // java.time, which the generated code has its durations from.
        minSdk = 26
        consumerProguardFiles("consumer-rules.pro")
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    sourceSets["main"].apply {
        manifest.srcFile("../src/android/AndroidManifest.xml")
        res.setSrcDirs(listOf("../src/android/res"))
        kotlin.setSrcDirs(listOf("../src/main/kotlin", "../src/generated/kotlin", "../src/android/kotlin"))
        jniLibs.setSrcDirs(listOf("../src/generated/jniLibs"))
    }
}

kotlin { jvmToolchain(17) }

dependencies {
    api("org.jetbrains.kotlinx:kotlinx-coroutines-android:${rootProject.extra["coroutines"]}")
    implementation("net.java.dev.jna:jna:${rootProject.extra["jna"]}@aar")
}
