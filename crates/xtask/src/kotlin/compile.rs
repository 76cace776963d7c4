//! Compiling, where something has changed since.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

use super::toolchain::{Toolchain, joined};
use crate::run::{Failed, target};

/// Something that is compiled by itself, and may use what was compiled before it.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    pub(crate) name: &'a str,
    /// Folders and files with its sources.
    pub(crate) sources: Vec<PathBuf>,
    /// What it may use besides JNA, the coroutines and JUnit.
    pub(crate) uses: Vec<PathBuf>,
    /// Whether a warning fails it. What UniFFI writes has some.
    pub(crate) strict: bool,
}

/// The name of the module of this part, for which apps have none.
pub(crate) fn module(part: &str) -> String {
    format!("twoshare-{part}")
}

impl Part<'_> {
    /// The folder of its classes, compiled unless nothing has changed.
    pub(crate) fn compile(&self, tools: &Toolchain) -> Result<PathBuf, Failed> {
        let mut sources = Vec::new();
        for folder in &self.sources {
            collect(folder, &mut sources)?;
        }
        sources.sort_unstable();
        if sources.is_empty() {
            return Err(Failed(format!("there is nothing to compile of {}", self.name)));
        }
        let classes = target().join("kotlin").join(self.name);
        let stamp = classes.with_extension("stamp");
        let is_java = sources.iter().all(|source| source.extension() == Some("java".as_ref()));
        let mut command = if is_java { tools.javac() } else { tools.kotlinc() };
        if !is_java {
            // Names the file that says which functions are outside of classes.
            command.arg("-module-name").arg(module(self.name));
        }
        let uses: Vec<PathBuf> = self.uses.iter().cloned().chain(tools.jars()).collect();
        command.arg("-cp").arg(joined(&uses)?).arg("-d").arg(&classes);
        match (is_java, self.strict) {
            // The jars name others by where Debian would have installed them.
            (true, _) => command.args(["-Xlint:all,-path", "-Werror"]),
            // The class path has the standard library already.
            (false, true) => command.args(["-no-stdlib", "-no-reflect", "-Werror"]),
            (false, false) => command.args(["-no-stdlib", "-no-reflect", "-nowarn"]),
        };
        let print = fingerprint(&format!("{command:?}"), &sources, &self.uses)?;
        if fs::read_to_string(&stamp).is_ok_and(|kept| kept == print) {
            return Ok(classes);
        }
        let _ = fs::remove_file(&stamp);
        let _ = fs::remove_dir_all(&classes);
        fs::create_dir_all(&classes).map_err(|error| failed(&classes, &error))?;
        // The sources by a file: their names alone would be pages.
        let list = classes.with_extension("sources");
        let names: String = sources.iter().map(|path| format!("{}\n", path.display())).collect();
        fs::write(&list, names).map_err(|error| failed(&list, &error))?;
        eprintln!("compiling {} ({} files)", self.name, sources.len());
        quiet(command.arg(format!("@{}", list.display())), self.name)?;
        fs::write(&stamp, print).map_err(|error| failed(&stamp, &error))?;
        Ok(classes)
    }
}

/// Runs a compiler, whose class path nobody wants to read.
fn quiet(command: &mut std::process::Command, name: &str) -> Result<(), Failed> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Failed(format!("{name} does not compile"))),
        Err(error) => Err(Failed(format!("the compiler did not start: {error}"))),
    }
}

/// The sources below a folder, or the file itself.
fn collect(path: &Path, sources: &mut Vec<PathBuf>) -> Result<(), Failed> {
    if path.is_dir() {
        for entry in fs::read_dir(path).map_err(|error| failed(path, &error))? {
            collect(&entry.map_err(|error| failed(path, &error))?.path(), sources)?;
        }
        return Ok(());
    }
    let known = ["kt", "java"].iter().any(|known| path.extension() == Some((*known).as_ref()));
    if known {
        sources.push(path.to_owned());
    }
    Ok(())
}

/// What changes when a source, the command or something that it uses does.
fn fingerprint(command: &str, sources: &[PathBuf], uses: &[PathBuf]) -> Result<String, Failed> {
    let mut hasher = DefaultHasher::new();
    command.hash(&mut hasher);
    let stamps = uses.iter().map(|classes| classes.with_extension("stamp"));
    for path in sources.iter().cloned().chain(stamps) {
        path.hash(&mut hasher);
        fs::read(&path).map_err(|error| failed(&path, &error))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn failed(path: &Path, error: &std::io::Error) -> Failed {
    Failed(format!("{}: {error}", path.display()))
}
