//! Running steps: each with a heading and its duration, the failed ones named at the end.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

/// Why something did not succeed, in words for the person at the terminal.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The steps run so far. A failed step does not hide what the later ones would have said.
#[derive(Debug, Default)]
pub(crate) struct Steps(Vec<Step>);

#[derive(Debug)]
struct Step {
    name: String,
    took: Duration,
    failed: bool,
}

impl Steps {
    /// Runs one step under a heading.
    pub(crate) fn step(&mut self, name: &str, body: impl FnOnce() -> Result<(), Failed>) {
        eprintln!("\n=== {name}");
        let start = Instant::now();
        let result = body();
        let took = start.elapsed();
        match &result {
            Ok(()) => eprintln!("--- {name}: {}", seconds(took)),
            Err(why) => eprintln!("--- {name} FAILED after {}: {why}", seconds(took)),
        }
        self.0.push(Step { name: name.to_owned(), took, failed: result.is_err() });
    }

    /// What ran, how long it took and what failed.
    pub(crate) fn summary(&self) -> ExitCode {
        eprintln!();
        for step in &self.0 {
            let verdict = if step.failed { "FAILED" } else { "ok" };
            eprintln!("{verdict:>6}  {:>8}  {}", seconds(step.took), step.name);
        }
        let failed: Vec<&str> =
            self.0.iter().filter(|step| step.failed).map(|step| step.name.as_str()).collect();
        if failed.is_empty() {
            return ExitCode::SUCCESS;
        }
        eprintln!("\nfailed: {}", failed.join(", "));
        ExitCode::FAILURE
    }
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("xtask is two folders below the root").to_owned()
}

/// Where cargo builds to, and fetched tools are kept.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// A cargo command at the root of the workspace, of the toolchain that runs this.
pub(crate) fn cargo<S: AsRef<str>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    for arg in args {
        command.arg(arg.as_ref());
    }
    command
}

/// Runs a command to its end; says what it was unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<(), Failed> {
    let shown = shown(command);
    eprintln!("$ {shown}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failed(format!("`{shown}` ended with {status}"))),
        Err(error) => Err(Failed(format!("`{shown}` did not start: {error}"))),
    }
}

/// What a command prints on its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, Failed> {
    let shown = shown(command);
    match command.output() {
        Ok(out) if out.status.success() => String::from_utf8(out.stdout)
            .map_err(|_| Failed(format!("`{shown}` printed what is not UTF-8"))),
        Ok(out) => Err(Failed(format!(
            "`{shown}` ended with {}: {}",
            out.status,
            String::from_utf8_lossy(&out.stderr).trim()
        ))),
        Err(error) => Err(Failed(format!("`{shown}` did not start: {error}"))),
    }
}

fn shown(command: &Command) -> String {
    let root = root();
    let mut words = Vec::new();
    for word in std::iter::once(command.get_program()).chain(command.get_args()) {
        let path = Path::new(word);
        let short = match path.strip_prefix(&root) {
            Ok(inside) => inside,
            Err(_) if words.is_empty() => Path::new(path.file_name().unwrap_or(word)),
            Err(_) => path,
        };
        words.push(short.display().to_string());
    }
    words.join(" ")
}
