// swift-tools-version: 5.9
// The generated sources, and what they call, are not in git: `cargo xtask swift` puts them here, and a
// release has them in its archive.
import PackageDescription

#if os(Linux)
// The library is built beside this: `swift build -Xlinker -LFOLDER` says where it lies. The platform's
// Keychain is not on Linux: a small module of the same name stands for it, so that what uses it is compiled
// and run by the tests. Another one stands for the names that Apple's frameworks have.
let library = Target.systemLibrary(name: "TwoshareFFI")
let keychain: [Target.Dependency] = ["Security"]
let products: [Product] = [.executable(name: "relay", targets: ["relay"])]
let targets: [Target] = [
    .target(name: "Security", path: "Stubs/Security"),
    .target(name: "AppleNames", path: "Stubs/AppleNames"),
    .executableTarget(name: "relay", dependencies: ["Twoshare"], path: "Sources/Relay"),
    .testTarget(name: "TwoshareTests", dependencies: ["Twoshare", "AppleNames"] + keychain),
]
#else
let library = Target.binaryTarget(name: "TwoshareFFI", path: "TwoshareFFI.xcframework")
let keychain: [Target.Dependency] = []
let products: [Product] = []
let targets: [Target] = []
#endif

let package = Package(
    name: "twoshare",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "Twoshare", targets: ["Twoshare"])] + products,
    targets: [library, .target(name: "Twoshare", dependencies: ["TwoshareFFI"] + keychain)] + targets
)
