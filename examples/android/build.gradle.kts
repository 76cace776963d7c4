plugins {
    id("com.android.application")
    kotlin("android")
}

android {
    namespace = "io.twoshare.example"
    compileSdk = 35

    defaultConfig {
        applicationId = "io.twoshare.example"
        minSdk = 26
        targetSdk = 35
        versionCode = 1
        versionName = "1"
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

kotlin { jvmToolchain(17) }

dependencies { implementation(project(":android")) }
