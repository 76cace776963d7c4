//! The Kotlin package, compiled and tested by a real compiler on a real custodian.
//!
//! `kotlinc` and a JDK are taken from this machine where they are there; the compiler is otherwise fetched
//! from npm, and JUnit, JNA and the JDK from Debian, each once and at a fixed version, below
//! `target/tools`. Where that does not suit: `TWOSHARE_KOTLIN_CLASSPATH` names the jars of JNA and of
//! JUnit 5 with its console launcher, `TWOSHARE_JNA_LIBRARY_PATH` the folder with JNA's native half where
//! its jar does not bring it.

mod adapt;
mod compile;
mod readme;
mod toolchain;

use std::{
    fs,
    path::{Path, PathBuf},
};

use self::{compile::Part, toolchain::Toolchain};
use crate::{
    bindings::{self, Language},
    run::{Failed, Steps, root, run, target},
};

/// Builds the library and the package, and runs its tests, or those whose class has `filter` in its name.
pub(crate) fn kotlin(steps: &mut Steps, args: &[&str]) -> Result<(), Failed> {
    let filter = match args {
        [] => None,
        [filter] if !filter.starts_with('-') => Some(*filter),
        _ => {
            return Err(Failed(
                "kotlin takes a part of a test class's name, or nothing".to_owned(),
            ));
        }
    };
    steps.step("kotlin", || tests(filter));
    Ok(())
}

/// Has the toolchain here.
pub(crate) fn fetch() -> Result<(), Failed> {
    Toolchain::find().map(drop)
}

/// Compiles what has changed, and runs the tests.
pub(crate) fn tests(filter: Option<&str>) -> Result<(), Failed> {
    let tools = Toolchain::find()?;
    Built::make(&tools)?.test(&tools, filter)
}

/// Writes the generated code to where the package has it, and gives that folder.
pub(crate) fn generated() -> Result<PathBuf, Failed> {
    let file = bindings::generate(Language::Kotlin)?.join("io/twoshare/twoshare.kt");
    let text = fs::read_to_string(&file).map_err(|error| failed(&file, &error))?;
    let folder = package().join("src/generated/kotlin");
    write_changed(&folder.join("Twoshare.kt"), &adapt::adapt(&text)?)?;
    Ok(folder)
}

/// The relay, compiled: other languages meet this one by it.
pub(crate) fn relay() -> Result<std::process::Command, Failed> {
    let tools = Toolchain::find()?;
    let mut java = Built::make(&tools)?.java(&tools)?;
    java.arg("io.twoshare.relay.RelayKt");
    Ok(java)
}

/// What an app has of the package, and the module files of both: the folders of the classes of every
/// platform and of Android's, as `cargo xtask kotlin` has compiled them.
pub(crate) fn compiled() -> Result<[(PathBuf, String); 2], Failed> {
    let parts = ["library", "android"].map(|part| {
        let module = format!("META-INF/{}.kotlin_module", compile::module(part));
        (target().join("kotlin").join(part), module)
    });
    match parts.iter().find(|(folder, module)| !folder.join(module).is_file()) {
        None => Ok(parts),
        Some((missing, _)) => Err(Failed(format!(
            "{} has no classes: `cargo xtask kotlin` compiles them, and tests them",
            missing.display()
        ))),
    }
}

/// The border benchmark, with the library of this folder.
pub(crate) fn border(library: &Path) -> Result<std::process::Command, Failed> {
    let tools = Toolchain::find()?;
    let mut java = tools.java(library, &Built::make(&tools)?.classes)?;
    java.arg("io.twoshare.border.BorderKt");
    Ok(java)
}

fn package() -> PathBuf {
    root().join("bindings/kotlin")
}

/// The folders of compiled classes.
#[derive(Debug)]
struct Built {
    classes: Vec<PathBuf>,
    tests: PathBuf,
}

impl Built {
    /// Compiles what has changed.
    fn make(tools: &Toolchain) -> Result<Self, Failed> {
        let source = |name: &str| package().join("src").join(name);
        let stubs = Part {
            name: "stubs",
            sources: vec![source("stubs/java")],
            uses: Vec::new(),
            strict: true,
        };
        let stubs = stubs.compile(tools)?;
        let library = Part {
            name: "library",
            sources: vec![generated()?, source("main/kotlin")],
            uses: Vec::new(),
            strict: false,
        };
        let library = library.compile(tools)?;
        let android = Part {
            name: "android",
            sources: vec![source("android/kotlin")],
            uses: vec![library.clone(), stubs.clone()],
            strict: true,
        };
        let android = android.compile(tools)?;
        let apps = Part {
            name: "apps",
            sources: vec![
                source("relay/kotlin"),
                root().join("examples/android/src/main/kotlin"),
                root().join("benches/border/Border.kt"),
            ],
            uses: vec![library.clone(), android.clone(), stubs.clone()],
            strict: true,
        };
        let apps = apps.compile(tools)?;
        let readme = package().join("README.md");
        let text = fs::read_to_string(&readme).map_err(|error| failed(&readme, &error))?;
        let code = target().join("kotlin/readme/Readme.kt");
        write_changed(&code, &readme::functions(&text)?)?;
        let classes = vec![library, android, apps, stubs];
        let tests = Part {
            name: "tests",
            sources: vec![source("test/kotlin"), code],
            uses: classes.clone(),
            strict: true,
        };
        Ok(Self { tests: tests.compile(tools)?, classes })
    }

    /// Java, with everything but the tests on its class path.
    fn java(&self, tools: &Toolchain) -> Result<std::process::Command, Failed> {
        tools.java(&bindings::programs()?, &self.classes)
    }

    /// Runs the tests. None that ran is a failure, and so is one that was skipped.
    fn test(&self, tools: &Toolchain, filter: Option<&str>) -> Result<(), Failed> {
        let reports = target().join("kotlin/reports");
        let _ = fs::remove_dir_all(&reports);
        let mut classes = self.classes.clone();
        classes.push(self.tests.clone());
        let programs = bindings::programs()?;
        let mut java = tools.java(&programs, &classes)?;
        java.current_dir(target()).env(bindings::FOLDER, &programs);
        // The tests that measure what leaks count on it: the heap is there as a whole from the beginning.
        java.args(["-XX:+UseSerialGC", "-Xmx256m", "-Xms256m", "-XX:+AlwaysPreTouch"]);
        java.arg("org.junit.platform.console.ConsoleLauncher");
        java.args(["--disable-banner", "--fail-if-no-tests", "--details=tree", "--scan-classpath"]);
        java.arg(&self.tests).arg("--reports-dir").arg(&reports);
        let pattern = filter.map_or(".*".to_owned(), |filter| format!(".*{filter}.*"));
        java.args(["--include-engine=junit-jupiter", "--include-classname", &pattern]);
        run(&mut java)?;
        let report = reports.join("TEST-junit-jupiter.xml");
        let text = fs::read_to_string(&report).map_err(|error| failed(&report, &error))?;
        let count = |name: &str| {
            let (_, rest) = text.split_once(&format!(" {name}=\""))?;
            rest.split('"').next()?.parse::<u32>().ok()
        };
        match (count("tests"), count("skipped")) {
            (Some(tests), Some(0)) if tests > 0 => Ok(()),
            (tests, skipped) => Err(Failed(format!("of {tests:?} tests {skipped:?} did not run"))),
        }
    }
}

/// Writes a file unless it has that text already, so that what has not changed is not compiled again.
fn write_changed(path: &Path, text: &str) -> Result<(), Failed> {
    if fs::read_to_string(path).is_ok_and(|kept| kept == text) {
        return Ok(());
    }
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
    fs::write(path, text).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> Failed {
    Failed(format!("{}: {error}", path.display()))
}
