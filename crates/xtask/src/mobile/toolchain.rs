//! What the libraries of apps are compiled with. The standard library is compiled along, as small as all
//! the rest and without what names the functions of a backtrace; it also is how it comes to be for a
//! platform that rustup cannot be asked about. Stable Rust does both when it is told that it is not stable.
//!
//! It is the toolchain of this workspace where that has, or rustup gives it, the sources of the standard
//! library; else, on Linux, Debian's, unpacked below `target/tools`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::{
    debian::{self, Package},
    run::{Failed, cargo, output, root, run},
    tools::on_path,
};

/// The newest Rust that Debian has for its own browsers, and the sources of its standard library.
const DEBIAN: [Package; 3] = [
    Package { name: "rustc-web", version: None },
    Package { name: "libstd-rust-web-dev", version: None },
    Package { name: "rust-web-src", version: None },
];

/// What is compiled along. Panics unwind: the border makes errors of them.
const STD: [&str; 2] = [
    "-Zbuild-std=std,panic_unwind",
    // Without names and lines in a backtrace, which no app shows.
    "-Zbuild-std-features=optimize_for_size,backtrace-trace-only",
];

/// Sources are named from their package on, not from a folder of this machine.
const PATHS: [&str; 3] = ["-Ztrim-paths", "--config", "profile.mobile.trim-paths=\"all\""];

/// Of everything but build scripts and macros.
const FLAGS: [&str; 6] = [
    // On phones this is what is used anyway; on x86-64 it leaves out what is for the newest processors.
    "--cfg",
    "curve25519_dalek_backend=\"serial\"",
    // A panic unwinds from a call, never from between two instructions.
    "-Zuse-sync-unwind=yes",
    // Where the frame is in a register, as on phones, the tables say less: 100 KiB on x86-64.
    "-Cforce-frame-pointers=yes",
    // Nothing of an app's library is shown as its fields' names and values, secrets that forgot to redact
    // themselves among them. What people read is `Display`.
    "-Zfmt-debug=none",
    // No app has the sources that a panic would name; what it says is what the border's error has.
    "-Zlocation-detail=none",
];

/// A compiler, with the sources of its standard library.
#[derive(Debug)]
pub(super) struct Toolchain {
    /// Debian's. None is that of the workspace.
    unpacked: Option<Unpacked>,
}

#[derive(Debug)]
struct Unpacked {
    rustc: PathBuf,
    /// The folder of its shared libraries.
    libraries: PathBuf,
}

impl Toolchain {
    /// What is here, after fetching what is not.
    pub(super) fn find() -> Result<&'static Self, Failed> {
        static FOUND: OnceLock<Toolchain> = OnceLock::new();
        if let Some(found) = FOUND.get() {
            return Ok(found);
        }
        let unpacked = match of_the_workspace() {
            Ok(()) => None,
            Err(why) if cfg!(target_os = "linux") => {
                eprintln!("{why}; taking Debian's");
                Some(unpacked().map_err(|Failed(also)| {
                    Failed(format!("{why}; and Debian's Rust cannot be taken either: {also}"))
                })?)
            }
            Err(why) => return Err(why),
        };
        Ok(FOUND.get_or_init(|| Self { unpacked }))
    }

    /// `cargo rustc` for this platform, to which what is to be compiled is still to be said.
    pub(super) fn cargo_rustc(&self, triple: &str) -> Command {
        let mut command = cargo(["rustc", "--target", triple]);
        command.args(STD).args(PATHS);
        command.env("RUSTC_BOOTSTRAP", "1");
        // Stronger than what a developer may have set, which is not for what others get.
        command.env("CARGO_ENCODED_RUSTFLAGS", FLAGS.join("\u{1f}"));
        if let Some(Unpacked { rustc, libraries }) = &self.unpacked {
            command.env("RUSTC", rustc).env("LD_LIBRARY_PATH", libraries);
        }
        command
    }
}

/// The linker that comes with the workspace's toolchain, which knows every processor; or the PATH's.
pub(super) fn lld() -> Option<Command> {
    let of_the_workspace = sysroot().ok().and_then(|sysroot| {
        let platforms = fs::read_dir(sysroot.join("lib/rustlib")).ok()?;
        let mut found = platforms.flatten().map(|platform| platform.path().join("bin/rust-lld"));
        found.find(|lld| lld.is_file())
    });
    if let Some(lld) = of_the_workspace {
        let mut command = Command::new(lld);
        command.args(["-flavor", "gnu"]);
        return Some(command);
    }
    on_path("ld.lld").map(Command::new)
}

/// Whether the workspace's toolchain has the sources, after asking rustup for them.
fn of_the_workspace() -> Result<(), Failed> {
    let sysroot = sysroot()?;
    if has_sources(&sysroot) {
        return Ok(());
    }
    let lacking = format!("{} has no sources of the standard library", sysroot.display());
    let Some(rustup) = on_path("rustup") else {
        return Err(Failed(format!("{lacking}, and there is no rustup to fetch them")));
    };
    let mut add = Command::new(rustup);
    run(add.args(["component", "add", "rust-src"]).current_dir(root()))
        .map_err(|Failed(why)| Failed(format!("{lacking}, and {why}")))?;
    match has_sources(&sysroot) {
        true => Ok(()),
        false => Err(Failed(format!("{lacking}, although rustup fetched them"))),
    }
}

fn sysroot() -> Result<PathBuf, Failed> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut ask = Command::new(rustc);
    let sysroot = output(ask.args(["--print", "sysroot"]).current_dir(root()))?;
    Ok(PathBuf::from(sysroot.trim()))
}

fn has_sources(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib/src/rust/library/std/Cargo.toml").is_file()
}

/// Debian's toolchain, unpacked.
fn unpacked() -> Result<Unpacked, Failed> {
    let root = debian::unpacked_with_libraries("rust", &DEBIAN)?;
    let usr = root.join("usr");
    let folders = usr.join("lib");
    let libraries = fs::read_dir(&folders)
        .map_err(|error| Failed(format!("{}: {error}", folders.display())))?
        .flatten()
        .map(|entry| entry.path())
        .find(|folder| has_driver(folder))
        .ok_or_else(|| Failed(format!("{} has no librustc_driver", folders.display())))?;
    let rustc = usr.join("bin/rustc");
    let mut ask = Command::new(&rustc);
    let version = output(ask.arg("--version").env("LD_LIBRARY_PATH", &libraries))?;
    if !has_sources(&usr) {
        return Err(Failed(format!("{} has no sources of the standard library", usr.display())));
    }
    println!("{}", version.trim());
    Ok(Unpacked { rustc, libraries })
}

fn has_driver(folder: &Path) -> bool {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.into_iter().any(|file| file.file_name().to_string_lossy().starts_with("librustc_driver-"))
}
