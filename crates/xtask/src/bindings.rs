//! The library that apps load, and the sides of it that are generated.

use std::{
    fmt, fs,
    path::PathBuf,
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::run::{Failed, cargo, root, run, target};

/// A language that a side is generated for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// Swift, with a C header and a module map.
    Swift,
    /// Kotlin, for the JVM and Android.
    Kotlin,
    /// Python.
    Python,
}

impl Language {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Swift, Self::Kotlin, Self::Python];

    /// The language of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.name() == name)
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Swift => "swift",
            Self::Kotlin => "kotlin",
            Self::Python => "python",
        }
    }

    /// A file that must be there once it is generated, below its folder.
    const fn wanted(self) -> &'static str {
        match self {
            Self::Swift => "Twoshare.swift",
            Self::Kotlin => "io/twoshare/twoshare.kt",
            Self::Python => "twoshare.py",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Names the folder with the library and the commands, to the tests of every language.
pub(crate) const FOLDER: &str = "TWOSHARE_BIN_DIR";

/// Whether everything was built for the workspace's tests just before.
static WITH_THE_WORKSPACE: AtomicBool = AtomicBool::new(false);

/// From now on everything is built as it was for the tests of the whole workspace, which shares what those
/// have compiled. Alone, it would be with fewer features, and so anew.
pub(crate) fn share_with_the_workspace() {
    WITH_THE_WORKSPACE.store(true, Ordering::Relaxed);
}

/// Builds what the languages and their tests need, once and in one go, and gives the folder with it: the
/// shared library as the tests load it (unoptimised, but for its dependencies), the generator, and the
/// commands `twoshare` and `twoshare-custodian`.
pub(crate) fn programs() -> Result<PathBuf, Failed> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(folder) = BUILT.get() {
        return Ok(folder.clone());
    }
    let mut build = cargo(["build", "--quiet"]);
    if WITH_THE_WORKSPACE.load(Ordering::Relaxed) {
        build.args(["--workspace", "--all-features", "--all-targets"]);
    } else {
        for package in ["twoshare-ffi", "twoshare-bindgen", "twoshare-cli", "twoshare-custodian"] {
            build.args(["--package", package]);
        }
    }
    run(&mut build)?;
    Ok(BUILT.get_or_init(|| target().join("debug")).clone())
}

/// The shared library, built.
pub(crate) fn library() -> Result<PathBuf, Failed> {
    let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let library = programs()?.join(format!("{prefix}twoshare_ffi{suffix}"));
    match library.is_file() {
        true => Ok(library),
        false => Err(Failed(format!("cargo built no {}", library.display()))),
    }
}

/// Writes one language's side of the library into `target/bindings/LANGUAGE`, which is emptied first, and
/// gives that folder. The library is built before.
pub(crate) fn generate(language: Language) -> Result<PathBuf, Failed> {
    let library = library()?;
    let folder = target().join("bindings").join(language.name());
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
    }
    fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
    let bindgen = format!("uniffi-bindgen{}", std::env::consts::EXE_SUFFIX);
    let mut generate = Command::new(programs()?.join(bindgen));
    generate.current_dir(root()).arg("generate").arg(&library);
    generate.args(["--language", language.name(), "--no-format", "--out-dir"]).arg(&folder);
    run(&mut generate)?;
    match folder.join(language.wanted()).is_file() {
        true => Ok(folder),
        false => Err(Failed(format!(
            "nothing was generated for {language}: {} is missing in {}",
            language.wanted(),
            folder.display()
        ))),
    }
}

fn failed(folder: &std::path::Path, error: &std::io::Error) -> Failed {
    Failed(format!("{}: {error}", folder.display()))
}
