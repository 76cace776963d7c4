// swift-tools-version: 5.9
// A program that uses the package as an app does: built with its optimisations, and apart from it.
import PackageDescription

let package = Package(
    name: "border",
    platforms: [.macOS(.v12)],
    dependencies: [.package(path: "../../bindings/swift")],
    targets: [
        .executableTarget(
            name: "border", dependencies: [.product(name: "Twoshare", package: "swift")], path: ".",
            exclude: ["Cargo.toml", "border.rs", "Border.kt"], sources: ["Border.swift"])
    ]
)
