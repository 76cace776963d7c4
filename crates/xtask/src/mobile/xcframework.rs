//! What a Swift package links: static libraries with their header, in Apple's layout. It needs nothing of
//! Apple's, but that what came of it is compiled against.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    Platform, archive::Machine, archive::universal, bytes, copy, declared, defines_all, fresh,
    not_here, swift, write,
};
use crate::{
    run::{Failed, Steps, output, root, run, target},
    tools::on_path,
};

const NAME: &str = "TwoshareFFI.xcframework";
const LIBRARY: &str = "libtwoshare_ffi.a";
const HEADERS: &str = "Headers/TwoshareFFI";

/// One folder of an XCFramework.
#[derive(Debug)]
struct Slice {
    /// Its name, as Apple names them.
    id: &'static str,
    platform: &'static str,
    variant: Option<&'static str>,
    of: &'static [Platform],
}

const DEVICE: Slice = Slice {
    id: "ios-arm64",
    platform: "ios",
    variant: None,
    of: &[Platform::of("aarch64-apple-ios", Machine::AppleArm64)],
};
const SIMULATOR: Slice = Slice {
    id: "ios-arm64_x86_64-simulator",
    platform: "ios",
    variant: Some("simulator"),
    of: &[
        Platform::of("aarch64-apple-ios-sim", Machine::AppleArm64),
        Platform::of("x86_64-apple-ios", Machine::AppleX86),
    ],
};
const MAC: Slice = Slice {
    id: "macos-arm64_x86_64",
    platform: "macos",
    variant: None,
    of: &[
        Platform::of("aarch64-apple-darwin", Machine::AppleArm64),
        Platform::of("x86_64-apple-darwin", Machine::AppleX86),
    ],
};

/// Makes `target/xcframework/TwoshareFFI.xcframework`.
pub(super) fn make(steps: &mut Steps, all: bool) {
    let slices: &[Slice] = if all { &[DEVICE, SIMULATOR, MAC] } else { &[DEVICE] };
    let out = target().join("xcframework");
    let framework = out.join(NAME);
    let mut names = Vec::new();
    steps.step("xcframework: Swift's side", || {
        fresh(&out)?;
        let generated = swift()?;
        names = declared(&generated.join("TwoshareFFI.h"))?;
        println!("{} functions", names.len());
        Ok(())
    });
    for slice in slices {
        steps.step(&format!("xcframework: {}", slice.id), || {
            let library = slice.library(&names)?;
            let folder = framework.join(slice.id);
            write(&folder.join(LIBRARY), library)?;
            let generated = target().join("bindings/swift");
            // Everything in Headers is put beside that of other packages, whose module maps have this name too:
            // it is found in a folder with the name of its module as well.
            let headers = folder.join(HEADERS);
            copy(&generated.join("TwoshareFFI.h"), &headers.join("TwoshareFFI.h"))?;
            // By this name the compiler finds it.
            copy(&generated.join("TwoshareFFI.modulemap"), &headers.join("module.modulemap"))
        });
    }
    steps.step("xcframework: layout", || {
        write(&framework.join("Info.plist"), info(slices))?;
        check(&framework, slices)?;
        if let Some(plutil) = on_path("plutil") {
            run(Command::new(plutil).arg("-lint").arg(framework.join("Info.plist")))?;
        }
        Ok(())
    });
    steps.step("xcframework: packing", || pack(&framework, &out.join("twoshare-swift.tar.gz")));
    if !all {
        not_here(
            "the slices of the simulator and of macOS",
            "they take as long again each: `cargo xtask xcframework --all` builds them",
        );
    }
    match on_path("xcodebuild") {
        Some(xcodebuild) => steps.step("xcframework: the package, for iOS", || {
            let package = root().join("bindings/swift");
            let placed = package.join(NAME);
            fresh(&placed)?;
            run(Command::new("cp").arg("-R").arg(framework.join(".")).arg(&placed))?;
            let mut build = Command::new(xcodebuild);
            build.current_dir(&package).args(["build", "-scheme", "Twoshare", "-destination"]);
            run(build.arg("generic/platform=iOS"))
        }),
        None => not_here("compiling the package for iOS against it", "there is no Xcode"),
    }
}

/// The package as an app adds it: the sources, what is generated for them, and the libraries.
fn pack(framework: &Path, file: &Path) -> Result<(), Failed> {
    let package = root().join("bindings/swift");
    let mut tar = Command::new("tar");
    tar.arg("-czf").arg(file).arg("-C").arg(&package);
    // Of the sources those of the library: the others are for the tests on Linux.
    tar.args(["Package.swift", "README.md", "Sources/Twoshare"]);
    tar.arg("-C").arg(framework.parent().unwrap_or(framework)).arg(NAME);
    run(&mut tar)?;
    let listed = output(Command::new("tar").arg("-tzf").arg(file))?;
    for wanted in [
        "Package.swift",
        "Sources/Twoshare/Generated/Twoshare.swift",
        "TwoshareFFI.xcframework/Info.plist",
    ] {
        if !listed.lines().any(|line| line == wanted) {
            return Err(Failed(format!("{} lacks {wanted}", file.display())));
        }
    }
    Ok(())
}

impl Slice {
    /// The static library of all its processors.
    fn library(&self, names: &[String]) -> Result<Vec<u8>, Failed> {
        let mut parts = Vec::new();
        for platform in self.of {
            let library = platform.static_library()?;
            // C's names have one more character on Apple's systems.
            defines_all(&library.archive, names, "_")?;
            parts.push((platform.machine, bytes(&library.path)?));
        }
        match parts.as_slice() {
            [(_, library)] => Ok(library.clone()),
            parts => universal(parts)
                .ok_or_else(|| Failed("more than 4 GiB, or for another system".to_owned())),
        }
    }

    fn architectures(&self) -> impl Iterator<Item = &'static str> {
        self.of.iter().map(|platform| match platform.machine {
            Machine::AppleX86 => "x86_64",
            _ => "arm64",
        })
    }
}

/// The property list, as `xcodebuild -create-xcframework` writes it.
fn info(slices: &[Slice]) -> String {
    let mut libraries = String::new();
    for slice in slices {
        let architectures: String = slice
            .architectures()
            .map(|name| format!("\t\t\t\t<string>{name}</string>\n"))
            .collect();
        let variant = slice.variant.map_or(String::new(), |variant| {
            format!("\t\t\t<key>SupportedPlatformVariant</key>\n\t\t\t<string>{variant}</string>\n")
        });
        libraries += &format!(
            "\t\t<dict>\n\
             \t\t\t<key>BinaryPath</key>\n\t\t\t<string>{LIBRARY}</string>\n\
             \t\t\t<key>HeadersPath</key>\n\t\t\t<string>Headers</string>\n\
             \t\t\t<key>LibraryIdentifier</key>\n\t\t\t<string>{id}</string>\n\
             \t\t\t<key>LibraryPath</key>\n\t\t\t<string>{LIBRARY}</string>\n\
             \t\t\t<key>SupportedArchitectures</key>\n\t\t\t<array>\n{architectures}\t\t\t</array>\n\
             \t\t\t<key>SupportedPlatform</key>\n\t\t\t<string>{platform}</string>\n\
             {variant}\t\t</dict>\n",
            id = slice.id,
            platform = slice.platform,
        );
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n\
         \t<key>AvailableLibraries</key>\n\t<array>\n{libraries}\t</array>\n\
         \t<key>CFBundlePackageType</key>\n\t<string>XFWK</string>\n\
         \t<key>XCFrameworkFormatVersion</key>\n\t<string>1.0</string>\n\
         </dict>\n</plist>\n"
    )
}

/// Fails unless everything that the property list names is there.
fn check(framework: &Path, slices: &[Slice]) -> Result<(), Failed> {
    for slice in slices {
        let folder = framework.join(slice.id);
        let headers = folder.join(HEADERS);
        let header = headers.join("TwoshareFFI.h");
        let wanted: [PathBuf; 2] = [folder.join(LIBRARY), header];
        if let Some(missing) = wanted.iter().find(|path| !path.is_file()) {
            return Err(Failed(format!("{} is missing", missing.display())));
        }
        let map = bytes(&headers.join("module.modulemap"))?;
        let map = String::from_utf8_lossy(&map).into_owned();
        if !map.contains("module TwoshareFFI") || !map.contains("\"TwoshareFFI.h\"") {
            return Err(Failed(format!("{} maps no module TwoshareFFI", folder.display())));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `xcodebuild` writes it for the same libraries.
    #[test]
    fn a_property_list_names_every_slice() {
        let text = info(&[DEVICE, SIMULATOR]);
        assert_eq!(text.matches("<key>LibraryIdentifier</key>").count(), 2);
        assert_eq!(text.matches("<string>arm64</string>").count(), 2);
        assert_eq!(text.matches("<string>x86_64</string>").count(), 1);
        assert_eq!(text.matches("<key>SupportedPlatformVariant</key>").count(), 1);
        for tag in ["dict", "array", "plist", "key", "string"] {
            let opened = text.matches(&format!("<{tag}>")).count()
                + text.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, text.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }
}
