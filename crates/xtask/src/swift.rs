//! The Swift package, built and tested with a real compiler.
//!
//! `swift` is taken from the PATH where it is there. Elsewhere Debian's is unpacked once into a folder
//! of its own below `target/tools`, which is entered with `chroot`: nothing is installed on this machine.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    bindings::{self, Language},
    run::{Failed, output, root, run, target},
    tools::{on_path, tools},
};

/// Builds the package and runs its tests on the real custodian. `args` are for `swift test`.
pub(crate) fn test(args: &[&str]) -> Result<(), Failed> {
    // What is missing on this machine is said before anything is built.
    let swift = Swift::find()?;
    package()?;
    readme()?;
    every_name()?;
    let folder = root().join("bindings/swift");
    let mut test = swift.command("swift", &folder);
    run(test.arg("test").args(flags(&scratch(), "debug")).args(args))?;
    // The benchmark is a package of its own, for which all of this would be compiled once more.
    let mut check = swift.command("swiftc", &root().join("benches/border"));
    check.args(["-typecheck", "-parse-as-library", "Border.swift", "-I"]);
    run(check
        .arg(scratch().join("debug/Modules"))
        .arg("-I")
        .arg(folder.join("Sources/TwoshareFFI")))?;
    // SwiftUI is not on Linux: that the screen is Swift is all that can be seen of it here.
    let sample = root().join("examples/ios");
    let mut parse = swift.command("swiftc", &sample);
    run(parse.arg("-parse").args(sources(&sample)?))
}

/// The relay: what has a wallet go from one language to the others.
pub(crate) fn relay() -> Result<Command, Failed> {
    let swift = Swift::find()?;
    let folder = root().join("bindings/swift");
    package()?;
    let mut build = swift.command("swift", &folder);
    run(build.args(["build", "--product", "relay"]).args(flags(&scratch(), "debug")))?;
    let built = scratch().join("debug/relay");
    Ok(swift.command(&built, &root()))
}

/// Has the toolchain here.
pub(crate) fn fetch() -> Result<(), Failed> {
    Swift::find().map(drop)
}

/// The border benchmark, with the library of this profile: a package of its own, which uses this one as an app
/// does.
pub(crate) fn border(profile: &str) -> Result<Command, Failed> {
    let swift = Swift::find()?;
    package()?;
    let scratch = target().join("bindings/swift-border");
    let mut build = swift.command("swift", &root().join("benches/border"));
    run(build.args(["build", "--configuration", "release"]).args(flags(&scratch, profile)))?;
    Ok(swift.command(scratch.join("release/border"), &root()))
}

/// Puts what is generated into the package: Swift's side of the library and its C header; that every
/// error describes itself as the platform's are asked to; and the long calls as most apps make them, which
/// end when their task is cancelled. Gives the folder of what was generated.
pub(crate) fn package() -> Result<PathBuf, Failed> {
    let generated = bindings::generate(Language::Swift)?;
    let package = root().join("bindings/swift/Sources");
    let swift = read(&generated.join("Twoshare.swift"))?;
    let twoshare = package.join("Twoshare/Generated");
    place(&twoshare.join("Twoshare.swift"), &swift)?;
    place(&twoshare.join("EveryError.swift"), &every_error(&swift))?;
    place(&twoshare.join("EveryCall.swift"), &every_call(&swift)?)?;
    place(&package.join("TwoshareFFI/TwoshareFFI.h"), &read(&generated.join("TwoshareFFI.h"))?)?;
    Ok(generated)
}

/// Has every error enum of a generated file conform to `TwoshareError`.
fn every_error(swift: &str) -> String {
    let mut errors =
        "// Written by `cargo xtask swift`: every error of Twoshare.swift.\n\n".to_owned();
    let declared = swift.lines().filter(|line| line.contains(": Swift.Error"));
    for line in declared {
        if let Some(name) = line.strip_prefix("enum ").and_then(|line| line.split(':').next()) {
            let (first, rest) = name.split_at_checked(1).unwrap_or((name, ""));
            let case = first.to_ascii_lowercase() + rest;
            errors.push_str(&format!(
                "extension {name}: TwoshareError {{\n    \
                 public func text() -> String {{ errorText(error: .{case}(error: self)) }}\n}}\n"
            ));
        }
    }
    errors
}

/// Gives every call of `Client` that takes a cancellation last another form, without one, whose
/// cancellation is that of the task.
fn every_call(swift: &str) -> Result<String, Failed> {
    const LAST: &str = "cancellation: Cancellation? = nil)";
    let start = "open class Client: ";
    let client = swift
        .split_once(start)
        .and_then(|(_, rest)| rest.split_once("struct FfiConverterTypeClient:"));
    let (client, _) = client.ok_or(Failed("Twoshare.swift has no class Client".to_owned()))?;
    let mut calls = "// Written by `cargo xtask swift`: every call of Twoshare.swift that takes a \
                     `Cancellation`, without one.\n\nextension Client {\n"
        .to_owned();
    let mut docs: Vec<&str> = Vec::new();
    for line in client.lines() {
        let trimmed = line.trim_start();
        if trimmed.starts_with("/**") {
            docs.clear();
        }
        if trimmed.starts_with("/**") || trimmed.starts_with("* ") || ["*", "*/"].contains(&trimmed)
        {
            docs.push(trimmed);
        }
        let Some((head, end)) = line.strip_prefix("open func ").and_then(|f| f.split_once(LAST))
        else {
            continue;
        };
        let (name, others) = head.split_once('(').unwrap_or((head, ""));
        let others = others.trim_end_matches(", ");
        let labels = others.split(", ").filter_map(|other| other.split_once(':'));
        let handed: String = labels.map(|(label, _)| format!("{label}: {label}, ")).collect();
        for doc in docs.drain(..) {
            calls.push_str(&format!("    {doc}\n"));
        }
        calls.push_str(&format!(
            "    public func {name}({others}){end}\n        \
             try await cancelling {{ try await {name}({handed}cancellation: $0) }}\n    }}\n\n"
        ));
    }
    calls.push_str("}\n");
    Ok(calls)
}

/// Has the package's tests compile and run what the README shows.
fn readme() -> Result<(), Failed> {
    let package = root().join("bindings/swift");
    // Each line is where the README has it, so that the compiler's errors are found there.
    let mut code =
        "import AppleNames  // Written by `cargo xtask swift`: the code of the README.".to_owned();
    let mut is_code = false;
    for line in read(&package.join("README.md"))?.lines() {
        match line {
            "```swift" => is_code = true,
            "```" => is_code = false,
            _ if is_code => code.push_str(line),
            _ => {}
        }
        code.push('\n');
    }
    place(&package.join("Tests/TwoshareTests/Generated/Readme.swift"), &code)
}

/// Has the package's tests use every public type by its name, beside Apple's. One whose name Apple has too is used by
/// its other name.
fn every_name() -> Result<(), Failed> {
    let package = root().join("bindings/swift");
    let mut files = sources(&package.join("Sources/Twoshare"))?;
    files.extend(sources(&package.join("Sources/Twoshare/Generated"))?);
    let (mut names, mut others) = (BTreeSet::new(), BTreeMap::new());
    for file in files {
        let swift = read(&file)?;
        let words: Vec<_> = swift.split_whitespace().filter(|word| *word != "final").collect();
        for declared in words.windows(5) {
            let &["public" | "open", kind, name, _, of] = declared else { continue };
            let name = name.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or(name);
            match kind {
                "typealias" if name.strip_prefix("Twoshare") == Some(of) => {
                    others.insert(of.to_owned(), name.to_owned());
                }
                "class" | "struct" | "enum" | "protocol" | "typealias" => {
                    names.insert(name.to_owned());
                }
                _ => {}
            }
        }
    }
    // Every class has the first, and the second has a parameter. The rest is UniFFI's.
    names.retain(|name| name != "NoHandle" && name != "Following" && !name.starts_with("Ffi"));
    let mut code =
        "// Written by `cargo xtask swift`: every public type, by a name that no other has.\n\n\
                    import AppleNames\nimport Foundation\nimport Twoshare\nimport XCTest\n\n\
                    #if canImport(FoundationNetworking)\nimport FoundationNetworking\n#endif\n"
            .to_owned();
    code.push_str("\nenum EveryName {\n");
    for name in &names {
        let called = others.get(name).unwrap_or(name);
        code.push_str(&format!("    typealias The{name} = {called}\n"));
    }
    code.push_str("}\n");
    place(&package.join("Tests/TwoshareTests/Generated/EveryName.swift"), &code)
}

/// Writes a file, unless it is the same: what is newer is compiled anew.
fn place(path: &Path, text: &str) -> Result<(), Failed> {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    let failed = |error| Failed(format!("{}: {error}", path.display()));
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
    fs::write(path, text).map_err(failed)
}

fn read(path: &Path) -> Result<String, Failed> {
    fs::read_to_string(path).map_err(|error| Failed(format!("{}: {error}", path.display())))
}

/// The Swift files of a folder.
fn sources(folder: &Path) -> Result<Vec<PathBuf>, Failed> {
    let entries =
        fs::read_dir(folder).map_err(|error| Failed(format!("{}: {error}", folder.display())))?;
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let files: Vec<_> = paths.filter(|path| path.extension() == Some("swift".as_ref())).collect();
    match files.is_empty() {
        true => Err(Failed(format!("{} has no Swift file", folder.display()))),
        false => Ok(files),
    }
}

/// Where the package is built.
fn scratch() -> PathBuf {
    target().join("bindings/swift-build")
}

/// How a package finds the library of this profile, and where it is built.
fn flags(scratch: &Path, profile: &str) -> Vec<OsString> {
    let library = target().join(profile);
    let mut flags = vec!["--scratch-path".into(), scratch.as_os_str().to_owned()];
    for flag in ["-L", "-rpath="] {
        let mut with = OsString::from(flag);
        with.push(&library);
        flags.extend(["-Xlinker".into(), with]);
    }
    flags
}

/// The release of Debian whose compiler it is: Swift 6.0.3.
const RELEASE: &str = "trixie";
const PACKAGES: &str = "swiftlang,libc6-dev,libstdc++-14-dev";

/// Enters the folder that has the compiler, with this project, the temporary files and `/proc`, without
/// which the compiler does not find its own library. Its mounts end with it.
const ENTER: &str = r#"
set -eu
compiler=$1 here=$2 project=$3 target=$4 temporary=$5
shift 5
mount -t proc proc "$compiler/proc"
mount --rbind /dev "$compiler/dev"
for folder in "$project" "$target" "$temporary"; do
    mkdir -p "$compiler$folder"
    mount --bind "$folder" "$compiler$folder"
done
exec chroot "$compiler" /usr/bin/env -C "$here" HOME=/root TMPDIR="$temporary" PATH=/usr/local/bin:/usr/bin:/bin "$@"
"#;

/// Where `swift` is.
#[derive(Debug)]
pub(crate) enum Swift {
    /// On the PATH.
    Here,
    /// In a folder of its own, to be entered.
    Apart(PathBuf),
}

impl Swift {
    /// Where it is, after fetching it where it is not.
    pub(crate) fn find() -> Result<Self, Failed> {
        if on_path("swift").is_some() {
            return Ok(Self::Here);
        }
        let apart = tools().join("swift");
        // It has its name once it is whole.
        if apart.is_dir() {
            can_enter()?;
            return Ok(Self::Apart(apart));
        }
        unpack(&apart)?;
        Ok(Self::Apart(apart))
    }

    /// A command of the toolchain, or a program that it has built, at work in this folder of the project.
    /// It finds the commands of the workspace where the environment says.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>, here: &Path) -> Command {
        let mut command = match self {
            Self::Here => Command::new("env"),
            Self::Apart(apart) => {
                let mut enter = Command::new("unshare");
                enter.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh"]);
                enter.args([apart.as_path(), here, &root(), &target(), &std::env::temp_dir()]);
                enter
            }
        };
        let mut variable = OsString::from(bindings::FOLDER);
        variable.push("=");
        variable.push(target().join("debug"));
        command.current_dir(here).arg(variable).arg(program);
        // Cargo has it name its own folders, whose library is another profile's than the program is linked with.
        command.env_remove("LD_LIBRARY_PATH");
        command
    }
}

/// Debian's packages of the compiler, unpacked into a folder.
fn unpack(apart: &Path) -> Result<(), Failed> {
    can_enter()?;
    let mut debootstrap = debootstrap()?;
    let partial = apart.with_extension("partial");
    let _ = fs::remove_dir_all(&partial);
    run(debootstrap
        .args(["--variant=minbase", &format!("--include={PACKAGES}"), RELEASE])
        .arg(&partial))
    .map_err(|Failed(why)| Failed(format!("{why} (its log: {}/debootstrap)", partial.display())))?;
    // What was unpacked is three times as much as is needed again.
    let _ = fs::remove_dir_all(partial.join("var/cache/apt/archives"));
    fs::rename(&partial, apart).map_err(|error| Failed(format!("{}: {error}", apart.display())))
}

/// Debian's own tool for that: this machine's, or the package of it unpacked.
fn debootstrap() -> Result<Command, Failed> {
    if let Some(path) = on_path("debootstrap") {
        return Ok(Command::new(path));
    }
    let kept = tools().join("debootstrap");
    let program = kept.join("usr/sbin/debootstrap");
    if !program.is_file() {
        for needed in ["apt-get", "dpkg-deb"] {
            if on_path(needed).is_none() {
                return Err(Failed(format!(
                    "neither swift nor debootstrap is on the PATH, and debootstrap cannot be fetched \
                     without {needed}: install Swift 6 (swift.org/install)"
                )));
            }
        }
        fs::create_dir_all(&kept)
            .map_err(|error| Failed(format!("{}: {error}", kept.display())))?;
        let mut download = Command::new("apt-get");
        download.args(["--quiet=2", "download", "debootstrap"]).current_dir(&kept);
        if run(&mut download).is_err() {
            // A machine that never asked its mirror does not know of any package.
            run(Command::new("apt-get").args(["--quiet=2", "update"]))?;
            run(&mut download)?;
        }
        let entries = fs::read_dir(&kept).map_err(|error| Failed(error.to_string()))?;
        let packages = entries.filter_map(Result::ok).map(|entry| entry.path());
        let package = packages.into_iter().find(|path| path.extension() == Some("deb".as_ref()));
        let package = package.ok_or(Failed("apt-get downloaded no package".to_owned()))?;
        run(Command::new("dpkg-deb").arg("--extract").arg(package).arg(&kept))?;
    }
    let mut command = Command::new("sh");
    command.arg(program).env("DEBOOTSTRAP_DIR", kept.join("usr/share/debootstrap"));
    Ok(command)
}

/// Only root may mount and enter another root.
fn can_enter() -> Result<(), Failed> {
    let advice = "install Swift 6 (swift.org/install), or run this as root on Linux, where Debian's \
                  is fetched into target/tools";
    for needed in ["unshare", "chroot", "mount"] {
        if on_path(needed).is_none() {
            return Err(Failed(format!("neither swift nor {needed} is on the PATH: {advice}")));
        }
    }
    let mut probe = Command::new("unshare");
    match output(probe.args(["--mount", "--pid", "--fork", "true"])) {
        Ok(_) => Ok(()),
        Err(Failed(why)) => Err(Failed(format!("swift is not on the PATH: {advice} ({why})"))),
    }
}
