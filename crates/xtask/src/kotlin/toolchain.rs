//! A JDK, a Kotlin compiler, JNA and JUnit 5: this machine's, else fetched once.

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    debian::{self, Package},
    run::{Failed, output, run, target},
    tools::on_path,
};

/// The compiler: npm has it as JetBrains builds it, with the coroutines and the standard library.
const KOTLIN: &str = "2.4.20";
const KOTLIN_INTEGRITY: &str = "sha512-IF5IVM7LpPhA/ntHQQpaVt1yxpaaQovtEVYLyqWMuaLr0XelLPPm7/sM6HLhtcRjjjoSsK7I7lP2kzYJkMy73w==";

/// The oldest Java that runs all of it, and for which it is compiled.
pub(crate) const JAVA: u32 = 17;

/// The JDK of Debian 12 gets security fixes: the newest is taken.
const JDK: [Package; 2] = [
    Package { name: "openjdk-17-jdk-headless", version: None },
    Package { name: "openjdk-17-jre-headless", version: None },
];

/// JNA with its native half; JUnit 5.9.2 with its console launcher and what that needs.
const JARS: [Package; 8] = [
    Package { name: "libjna-java", version: Some("5.13.0-2") },
    Package { name: "libjna-jni", version: Some("5.13.0-2") },
    Package { name: "junit5", version: Some("5.9.2-1") },
    Package { name: "libapiguardian-java", version: Some("1.1.2-1") },
    Package { name: "libopentest4j-java", version: Some("1.2.0-4") },
    Package { name: "libopentest4j-reporting-java", version: Some("0.1.0-M1-2") },
    Package { name: "libpicocli-java", version: Some("4.6.2-2") },
    Package { name: "libunivocity-parsers-java", version: Some("2.9.1-1") },
];

/// What of them is on the class path, without their versions.
const CLASSPATH: [&str; 15] = [
    "jna",
    "junit-jupiter",
    "junit-jupiter-api",
    "junit-jupiter-engine",
    "junit-jupiter-params",
    "junit-platform-commons",
    "junit-platform-console",
    "junit-platform-engine",
    "junit-platform-launcher",
    "junit-platform-reporting",
    "apiguardian-api",
    "opentest4j",
    "opentest4j-reporting-events",
    "picocli",
    "univocity-parsers",
];

/// Everything that Kotlin is compiled and run with.
#[derive(Debug)]
pub(crate) struct Toolchain {
    /// A JDK's home.
    jdk: PathBuf,
    /// The compiler's home.
    kotlinc: PathBuf,
    /// JNA and JUnit.
    jars: Vec<PathBuf>,
    /// Where JNA's native half is, unless its jar brings it.
    natives: Option<PathBuf>,
}

impl Toolchain {
    /// What is here, after fetching what is not.
    pub(crate) fn find() -> Result<Self, Failed> {
        let (jars, natives) = jars()?;
        Ok(Self { jdk: jdk()?, kotlinc: kotlinc()?, jars, natives })
    }

    /// What compiled Kotlin needs: the standard library, the coroutines, JNA, JUnit.
    pub(crate) fn jars(&self) -> impl Iterator<Item = PathBuf> {
        let kotlin = ["kotlin-stdlib.jar", "kotlinx-coroutines-core-jvm.jar"];
        let kotlin = kotlin.map(|jar| self.kotlinc.join("lib").join(jar));
        kotlin.into_iter().chain(self.jars.iter().cloned())
    }

    /// The compiler of Kotlin.
    pub(crate) fn kotlinc(&self) -> Command {
        let lib = self.kotlinc.join("lib");
        let mut command = self.tool("java");
        command.arg("-Xmx1500m").arg("-cp").arg(lib.join("kotlin-preloader.jar"));
        command.args(["org.jetbrains.kotlin.preloading.Preloader", "-cp"]);
        command.arg(lib.join("kotlin-compiler.jar"));
        command.arg("org.jetbrains.kotlin.cli.jvm.K2JVMCompiler");
        command.args(["-jvm-target", &JAVA.to_string()]);
        command
    }

    /// The compiler of Java.
    pub(crate) fn javac(&self) -> Command {
        let mut command = self.tool("javac");
        command.args(["--release", &JAVA.to_string()]);
        command
    }

    /// A Java program that finds JNA's native half, and loads the library from `library`.
    pub(crate) fn java(&self, library: &Path, classpath: &[PathBuf]) -> Result<Command, Failed> {
        let mut command = self.tool("java");
        command.arg(option("-Djna.library.path=", library));
        if let Some(natives) = &self.natives {
            command.arg("-Djna.nosys=false").arg(option("-Djava.library.path=", natives));
        }
        let all: Vec<PathBuf> = classpath.iter().cloned().chain(self.jars()).collect();
        command.arg("-cp").arg(joined(&all)?);
        Ok(command)
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.jdk.join("bin").join(name));
        // What a developer has set for other programs.
        for variable in ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH"] {
            command.env_remove(variable);
        }
        command
    }
}

/// Paths as one argument.
pub(crate) fn joined(paths: &[PathBuf]) -> Result<OsString, Failed> {
    std::env::join_paths(paths).map_err(|error| Failed(error.to_string()))
}

fn option(name: &str, path: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(path);
    option
}

/// A JDK: that of `JAVA_HOME`, of the PATH, or Debian's unpacked.
fn jdk() -> Result<PathBuf, Failed> {
    let from_path = on_path("javac").and_then(|javac| javac.canonicalize().ok());
    let from_path = from_path.and_then(|javac| Some(javac.parent()?.parent()?.to_owned()));
    let named = std::env::var_os("JAVA_HOME").map(PathBuf::from);
    if let Some(home) = [named, from_path].into_iter().flatten().find(|home| is_jdk(home)) {
        return Ok(home);
    }
    let root = debian::unpacked("jdk", &JDK).map_err(|Failed(why)| {
        Failed(format!(
            "no JDK {JAVA} or newer is on the PATH or at JAVA_HOME, and Debian's cannot be fetched: {why}"
        ))
    })?;
    let jvm = root.join("usr/lib/jvm");
    let homes = fs::read_dir(&jvm).map_err(|error| failed(&jvm, &error))?;
    let mut homes = homes.filter_map(Result::ok).map(|entry| entry.path());
    let home = homes
        .find(|home| !home.is_symlink() && home.join("bin/javac").is_file())
        .ok_or_else(|| Failed(format!("no JDK was unpacked to {}", jvm.display())))?;
    settle_links(&root, &home)?;
    if is_jdk(&home) {
        return Ok(home);
    }
    Err(Failed(format!("the JDK that was unpacked to {} does not run", home.display())))
}

fn is_jdk(home: &Path) -> bool {
    let version = output(Command::new(home.join("bin/javac")).arg("-version"));
    // `javac 17.0.15`
    let major = version.ok().and_then(|text| {
        let number = text.split_whitespace().nth(1)?.to_owned();
        number.split('.').next()?.parse::<u32>().ok()
    });
    major.is_some_and(|major| major >= JAVA) && home.join("bin/java").is_file()
}

/// Debian's JDK has its settings in `/etc`, which is where it was unpacked to here.
fn settle_links(root: &Path, folder: &Path) -> Result<(), Failed> {
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, &error))? {
        let path = entry.map_err(|error| failed(folder, &error))?.path();
        if let Ok(to) = fs::read_link(&path) {
            let inside = to.strip_prefix("/").map(|inside| root.join(inside));
            if let Some(inside) = inside.ok().filter(|inside| inside.exists()) {
                fs::remove_file(&path).map_err(|error| failed(&path, &error))?;
                symlink(inside, &path).map_err(|error| failed(&path, &error))?;
            }
        } else if path.is_dir() {
            settle_links(root, &path)?;
        }
    }
    Ok(())
}

/// The home of a Kotlin compiler: that of the PATH, or npm's.
fn kotlinc() -> Result<PathBuf, Failed> {
    let here = on_path("kotlinc").and_then(|kotlinc| kotlinc.canonicalize().ok());
    let here = here.and_then(|kotlinc| Some(kotlinc.parent()?.parent()?.to_owned()));
    if let Some(home) = here.filter(|home| is_kotlinc(home)) {
        return Ok(home);
    }
    let kept = target().join("tools").join(format!("kotlin-{KOTLIN}"));
    if is_kotlinc(&kept) {
        return Ok(kept);
    }
    let npm = on_path("npm").ok_or_else(|| {
        Failed(
            "neither kotlinc nor npm is on the PATH: install Kotlin (kotlinlang.org/docs/command-line), \
             or Node, whose npm fetches it"
                .to_owned(),
        )
    })?;
    let partial = target().join("tools/kotlin.partial");
    let _ = fs::remove_dir_all(&partial);
    fs::create_dir_all(&partial).map_err(|error| failed(&partial, &error))?;
    let package = format!("kotlin-compiler@{KOTLIN}");
    eprintln!("fetching {package} from npm");
    let said = output(
        Command::new(npm)
            .args(["pack", &package, "--json", "--ignore-scripts", "--pack-destination"])
            .arg(&partial)
            .current_dir(&partial),
    )?;
    if !said.contains(KOTLIN_INTEGRITY) {
        return Err(Failed(format!("npm has another {package} than the one that was tried")));
    }
    let archive = partial.join(format!("kotlin-compiler-{KOTLIN}.tgz"));
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&partial))?;
    fs::rename(partial.join("package"), &kept).map_err(|error| failed(&kept, &error))?;
    let _ = fs::remove_dir_all(&partial);
    if is_kotlinc(&kept) {
        return Ok(kept);
    }
    Err(Failed(format!("{package} has no compiler")))
}

fn is_kotlinc(home: &Path) -> bool {
    let needed = [
        "kotlin-compiler.jar",
        "kotlin-preloader.jar",
        "kotlin-stdlib.jar",
        "kotlinx-coroutines-core-jvm.jar",
    ];
    needed.iter().all(|jar| home.join("lib").join(jar).is_file())
}

/// The jars of JNA and JUnit, and the folder of JNA's native half.
fn jars() -> Result<(Vec<PathBuf>, Option<PathBuf>), Failed> {
    if let Some(named) = std::env::var_os("TWOSHARE_KOTLIN_CLASSPATH") {
        let jars: Vec<PathBuf> = std::env::split_paths(&named).collect();
        if let Some(missing) = jars.iter().find(|jar| !jar.exists()) {
            return Err(Failed(format!(
                "TWOSHARE_KOTLIN_CLASSPATH names {}, which is not there",
                missing.display()
            )));
        }
        let natives = std::env::var_os("TWOSHARE_JNA_LIBRARY_PATH").map(PathBuf::from);
        return Ok((jars, natives));
    }
    // Installed, they are where they are unpacked to.
    if let Some(found) = jars_in(Path::new("/")) {
        return Ok(found);
    }
    let root = debian::unpacked("junit", &JARS).map_err(|Failed(why)| {
        Failed(format!(
            "JNA and JUnit 5 are fetched as Debian's packages, and that failed: {why}. Elsewhere name \
             their jars, the console launcher's among them, in TWOSHARE_KOTLIN_CLASSPATH"
        ))
    })?;
    jars_in(&root).ok_or_else(|| Failed(format!("{} lacks a jar of JNA or JUnit", root.display())))
}

fn jars_in(root: &Path) -> Option<(Vec<PathBuf>, Option<PathBuf>)> {
    let java = root.join("usr/share/java");
    let jars: Vec<PathBuf> = CLASSPATH.iter().map(|jar| java.join(format!("{jar}.jar"))).collect();
    let folders = fs::read_dir(root.join("usr/lib")).ok()?;
    let natives = folders
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("jni"))
        .find(|jni| jni.join("libjnidispatch.system.so").is_file())?;
    jars.iter().all(|jar| jar.is_file()).then_some((jars, Some(natives)))
}

fn failed(path: &Path, error: &std::io::Error) -> Failed {
    Failed(format!("{}: {error}", path.display()))
}
