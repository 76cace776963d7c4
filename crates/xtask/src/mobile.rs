//! What an app gets: libraries for devices, their size, and the packages that they are in.

mod aar;
mod archive;
mod bionic;
mod size;
mod symbols;
mod toolchain;
mod xcframework;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use self::{
    archive::{Archive, Machine},
    toolchain::Toolchain,
};
use crate::run::{Failed, Steps, cargo, run, target};

/// What all device libraries are built with: see `[profile.mobile]`.
pub(crate) const PROFILE: &str = "mobile";

/// The size of the library, and what is in it.
pub(crate) fn size(steps: &mut Steps) -> Result<(), Failed> {
    steps.step("size", size::measure);
    steps.step("size: a panic in it", size::panics);
    Ok(())
}

/// The XCFramework of a Swift package: the device's slice, or all of them.
pub(crate) fn xcframework(steps: &mut Steps, args: &[&str]) -> Result<(), Failed> {
    match args {
        [] => xcframework::make(steps, false),
        ["--all"] => xcframework::make(steps, true),
        [other, ..] => return Err(Failed(format!("xcframework: {other} is not understood"))),
    }
    Ok(())
}

/// The AAR.
pub(crate) fn aar(steps: &mut Steps) -> Result<(), Failed> {
    aar::make(steps);
    Ok(())
}

/// A platform's name in Rust, and what its object files must be.
#[derive(Debug, Clone, Copy)]
struct Platform {
    triple: &'static str,
    machine: Machine,
}

/// A static library, and what it asks of the system.
#[derive(Debug)]
struct Static {
    path: PathBuf,
    archive: Archive,
    /// The flags of the system's libraries.
    needs: Vec<String>,
}

/// The shared library of this machine, built like those of devices, and the folder that it is in.
pub(crate) fn shared_library() -> Result<PathBuf, Failed> {
    let mut build = cargo(["rustc", "--package", "twoshare-ffi", "--lib"]);
    // Alone: built with the other kinds, it would not be optimised as a whole.
    run(build.args(["--profile", PROFILE, "--crate-type", "cdylib"]))?;
    Ok(target().join(PROFILE))
}

impl Platform {
    const fn of(triple: &'static str, machine: Machine) -> Self {
        Self { triple, machine }
    }

    /// The folder that its library is built to.
    fn folder(self) -> PathBuf {
        target().join(self.triple).join(PROFILE)
    }

    /// Builds the static library.
    fn static_library(self) -> Result<Static, Failed> {
        let folder = self.folder();
        fs::create_dir_all(&folder)
            .map_err(|error| Failed(format!("{}: {error}", folder.display())))?;
        let mut build = Toolchain::find()?.cargo_rustc(self.triple);
        build.args(["--package", "twoshare-ffi", "--lib"]);
        build.args(["--profile", PROFILE, "--crate-type", "staticlib"]);
        let needs = folder.join("native-libraries.txt");
        build.arg("--").arg(format!("--print=native-static-libs={}", needs.display()));
        run(&mut build)?;
        let path = folder.join("libtwoshare_ffi.a");
        let library = bytes(&path)?;
        let archive = archive::read(&library)?;
        if archive.machines != [self.machine] {
            return Err(Failed(format!(
                "{} is for {:?}, not for {:?} alone",
                path.display(),
                archive.machines,
                self.machine
            )));
        }
        let needs = String::from_utf8_lossy(&bytes(&needs)?).into_owned();
        let needs: Vec<String> = needs.split_whitespace().map(str::to_owned).collect();
        println!(
            "{}: {} object files, {:.1} MiB, which need {}",
            self.triple,
            archive.objects,
            mib(library.len()),
            needs.join(" ")
        );
        Ok(Static { path, archive, needs })
    }
}

/// A program that links.
#[derive(Debug)]
enum Linker {
    /// A compiler of C, which adds the system's libraries.
    Compiler(Command),
    /// The linker itself: nothing is added.
    Bare(Command),
}

impl Static {
    /// Links a shared library that has the functions of the border and nothing besides: neither code that no
    /// app reaches, nor what the generators of the other languages read.
    fn link(&self, linker: Linker, options: &[&str], out: &Path) -> Result<(), Failed> {
        let border: Vec<&str> = self
            .archive
            .defined
            .iter()
            .map(String::as_str)
            .filter(|name| is_border(name))
            .collect();
        let Some(first) = border.first() else {
            return Err(Failed(format!("{} has no border", self.path.display())));
        };
        let exports = out.with_extension("exports");
        write(&exports, format!("{{ global:\n{};\nlocal: *; }};\n", border.join(";\n")))?;
        let exports = format!("--version-script={}", exports.display());
        let mut all = vec!["--gc-sections", "-zrelro", "-znow", &exports];
        // The object file that has one of them has them all.
        let undefined = format!("--undefined={first}");
        all.push(&undefined);
        all.extend(options);
        let (mut command, needs) = match linker {
            Linker::Compiler(mut compiler) => {
                compiler.args(all.iter().map(|option| format!("-Wl,{option}")));
                (compiler, self.needs.as_slice())
            }
            Linker::Bare(mut linker) => {
                linker.args(all);
                (linker, [].as_slice())
            }
        };
        run(command.arg("-shared").arg("-o").arg(out).arg(&self.path).args(needs))
    }
}

/// Whether a function is one that the other languages call.
fn is_border(name: &str) -> bool {
    name.starts_with("uniffi_twoshare_") || name.starts_with("ffi_twoshare_")
}

/// The functions that a generated C header declares: the whole border.
fn declared(header: &Path) -> Result<Vec<String>, Failed> {
    let text = String::from_utf8_lossy(&bytes(header)?).into_owned();
    let mut names: Vec<String> = text
        .split(|char: char| !char.is_ascii_alphanumeric() && char != '_')
        .filter(|word| is_border(word))
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    match names.len() {
        0 => Err(Failed(format!("{} declares no function", header.display()))),
        _ => Ok(names),
    }
}

/// Fails unless a static library defines every function of the border.
fn defines_all(archive: &Archive, names: &[String], prefix: &str) -> Result<(), Failed> {
    let missing: Vec<&str> = names
        .iter()
        .filter(|name| !archive.defined.contains(&format!("{prefix}{name}")))
        .map(String::as_str)
        .collect();
    match missing.as_slice() {
        [] => Ok(()),
        [first, ..] => Err(Failed(format!(
            "the static library lacks {} of {} functions, {first} among them",
            missing.len(),
            names.len()
        ))),
    }
}

/// Swift's generated side, whose header is that of all languages, put into the package too.
fn swift() -> Result<PathBuf, Failed> {
    crate::swift::package()
}

fn bytes(file: &Path) -> Result<Vec<u8>, Failed> {
    fs::read(file).map_err(|error| Failed(format!("{}: {error}", file.display())))
}

fn write(file: &Path, bytes: impl AsRef<[u8]>) -> Result<(), Failed> {
    let made = file.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(file, bytes))
        .map_err(|error| Failed(format!("{}: {error}", file.display())))
}

fn copy(from: &Path, to: &Path) -> Result<(), Failed> {
    write(to, bytes(from)?)
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / (1 << 20) as f64
}

/// An empty folder.
fn fresh(folder: &Path) -> Result<(), Failed> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .map_err(|error| Failed(format!("{}: {error}", folder.display())))?;
    }
    fs::create_dir_all(folder).map_err(|error| Failed(format!("{}: {error}", folder.display())))
}

/// Says what this machine cannot do, which is no failure of what it can.
fn not_here(what: &str, why: &str) {
    eprintln!("not run here: {what} ({why})");
}
