pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositories {
        google()
        mavenCentral()
    }
}

rootProject.name = "twoshare"

include(":jvm", ":android", ":example")

project(":example").projectDir = file("../../examples/android")
