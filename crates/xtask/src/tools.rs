//! Tools that cargo does not bring: taken from this machine where they are, else fetched once into
//! `target/tools`, at versions fixed here.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::run::{Failed, cargo, output, root, run, target};

/// A cargo subcommand that is not part of the toolchain.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CargoTool {
    name: &'static str,
    version: &'static str,
}

/// Licences, sources and duplicate versions of the dependencies.
pub(crate) const DENY: CargoTool = CargoTool { name: "cargo-deny", version: "0.20.2" };
/// Coverage-guided fuzzing.
pub(crate) const FUZZ: CargoTool = CargoTool { name: "cargo-fuzz", version: "0.13.2" };

/// Where they are kept.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

impl CargoTool {
    /// Where it is, after installing it where it is not.
    pub(crate) fn find(self) -> Result<PathBuf, Failed> {
        if let Some(path) = on_path(self.name) {
            return Ok(path);
        }
        let kept = tools().join("bin").join(self.name);
        if kept.is_file() {
            return Ok(kept);
        }
        // Unoptimised: it runs for seconds, and compiles in half the time.
        let mut install = cargo(["install", "--debug", "--quiet", "--locked", "--version"]);
        install.args([self.version, self.name, "--root"]).arg(tools());
        run(&mut install)?;
        Ok(kept)
    }
}

/// The interpreter of a virtual environment that has what `requirements` pins.
pub(crate) fn python(requirements: &Path) -> Result<PathBuf, Failed> {
    let wanted = fs::read_to_string(requirements)
        .map_err(|error| Failed(format!("{}: {error}", requirements.display())))?;
    let venv = tools().join("python");
    let python = venv.join("bin").join("python");
    let stamp = venv.join("installed.txt");
    let installed = fs::read_to_string(&stamp).unwrap_or_default();
    if installed == wanted && output(Command::new(&python).arg("--version")).is_ok() {
        return Ok(python);
    }
    let system = system_python("the independent reader needs it")?;
    let _ = fs::remove_dir_all(&venv);
    run(Command::new(system).args(["-m", "venv"]).arg(&venv)).map_err(|Failed(why)| {
        Failed(format!("{why} (Debian and Ubuntu keep the module in the package python3-venv)"))
    })?;
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(requirements))?;
    fs::write(&stamp, wanted).map_err(|error| Failed(format!("{}: {error}", stamp.display())))?;
    Ok(python)
}

/// The Python of this machine; without one, who needs it is said.
pub(crate) fn system_python(who: &str) -> Result<PathBuf, Failed> {
    let python = ["python3", "python"].into_iter().find_map(on_path);
    python.ok_or_else(|| Failed(format!("Python 3 is not on the PATH; {who}")))
}

/// Whether a nightly toolchain can be asked for, with its name.
pub(crate) fn nightly(program: &str) -> Result<Command, Failed> {
    let Some(rustup) = on_path("rustup") else {
        return Err(Failed("rustup is not on the PATH; it gives the nightly toolchain".to_owned()));
    };
    output(Command::new(&rustup).args(["run", "nightly", "rustc", "--version"]))
        .map_err(|Failed(why)| Failed(format!("a nightly toolchain is needed: {why}")))?;
    let mut command = Command::new(rustup);
    command.args(["run", "nightly", program]).current_dir(root());
    // Set by the stable toolchain that runs this, they would lead back to it.
    for variable in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTC", "RUSTDOC"] {
        command.env_remove(variable);
    }
    Ok(command)
}

/// The executable of this name, if the PATH has it.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| {
            folder.join(OsString::from(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
        })
        .find(|file| file.is_file())
}

/// The PATH with the folder of this tool before everything else.
pub(crate) fn path_with(tool: &Path) -> Result<OsString, Failed> {
    let folder = tool.parent().map(Path::to_owned);
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::join_paths(folder.into_iter().chain(std::env::split_paths(&path)))
        .map_err(|error| Failed(error.to_string()))
}
