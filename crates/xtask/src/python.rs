//! The Python package and its tests. They need Python and nothing else.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    bindings::{self, Language},
    run::{Failed, Steps, output, root, run},
    tools,
};

/// The oldest that has what the tests use.
const OLDEST: (u8, u8) = (3, 11);

/// Builds the package, and runs its tests, or those whose names contain one of `args`. `build` is only the package.
pub(crate) fn python(steps: &mut Steps, args: &[&str]) -> Result<(), Failed> {
    steps.step("python package", || package().map(|_| ()));
    if args != ["build"] {
        steps.step("python", || tests(args));
    }
    Ok(())
}

/// The tests, over the package as it was built.
pub(crate) fn tests(wanted: &[&str]) -> Result<(), Failed> {
    let mut tests = interpreter()?;
    tests.arg(folder().join("tests/run.py")).args(wanted);
    run(tests.env(bindings::FOLDER, bindings::programs()?))
}

/// Makes the package in `bindings/python` whole: what is generated, and the library beside it.
pub(crate) fn package() -> Result<PathBuf, Failed> {
    let from = bindings::generate(Language::Python)?;
    let into = folder().join("twoshare/_generated");
    let _ = fs::remove_dir_all(&into);
    fs::create_dir_all(&into).map_err(|error| failed(&into, &error))?;
    let module = "twoshare.py";
    fs::copy(from.join(module), into.join(module)).map_err(|error| failed(&into, &error))?;
    let library = bindings::library()?;
    let name = library.file_name().unwrap_or_default();
    link(&library, &into.join(name)).map_err(|error| failed(&into, &error))?;
    Ok(folder())
}

/// The program that makes and recovers a wallet in Python.
pub(crate) fn relay() -> Result<Command, Failed> {
    let mut relay = interpreter()?;
    relay.arg(folder().join("relay.py"));
    Ok(relay)
}

/// Python, new enough, writing no caches beside the sources.
pub(crate) fn interpreter() -> Result<Command, Failed> {
    let python = tools::system_python("the Python package needs it")?;
    let (major, minor) = OLDEST;
    let new_enough = format!("import sys; print(sys.version_info >= ({major}, {minor}))");
    if output(Command::new(&python).args(["-c", &new_enough]))?.trim() != "True" {
        return Err(Failed(format!("{}: Python {major}.{minor} is needed", python.display())));
    }
    let mut command = Command::new(python);
    command.arg("-B").current_dir(root());
    Ok(command)
}

pub(crate) fn folder() -> PathBuf {
    root().join("bindings/python")
}

/// The library is large: it is linked to where that is possible.
fn link(library: &Path, at: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::symlink(library, at);
    #[cfg(not(unix))]
    return fs::copy(library, at).map(|_| ());
}

fn failed(path: &Path, error: &std::io::Error) -> Failed {
    Failed(format!("{}: {error}", path.display()))
}
