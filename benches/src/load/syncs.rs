//! Counts how often a server synchronises the disk, and how long it waits for that.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::Failure;

/// What is preloaded into a server to count.
const SOURCE: &str = include_str!("syncs.c");

/// The counter, built for this machine.
#[derive(Debug)]
pub(super) struct Library {
    // Removed with it.
    directory: tempfile::TempDir,
}

/// The counters of one process.
#[derive(Debug)]
pub(super) struct Syncs {
    path: PathBuf,
}

/// What has been counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counted {
    pub(super) calls: u64,
    pub(super) millis: f64,
}

impl Library {
    /// Builds it, with the C compiler of this machine.
    pub(super) fn build(directory: &Path) -> Result<Self, Failure> {
        let built = Self { directory: tempfile::tempdir_in(directory)? };
        let source = built.directory.path().join("syncs.c");
        fs::write(&source, SOURCE)?;
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-O2", "-o"]).arg(built.path()).arg(source).arg("-ldl");
        let compiled = compile.output().map_err(|error| format!("no C compiler: {error}"))?;
        if compiled.status.success() {
            Ok(built)
        } else {
            Err(String::from_utf8_lossy(&compiled.stderr).into_owned().into())
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("syncs.so")
    }

    /// Has the next start of this command be counted, on a disk that takes at least so long.
    pub(super) fn count(
        &self,
        command: &mut Command,
        name: &str,
        disk: Duration,
    ) -> Result<Syncs, Failure> {
        let path = self.directory.path().join(name);
        fs::write(&path, [0; 16])?;
        command.env("LD_PRELOAD", self.path()).env("TWOSHARE_BENCH_SYNCS", &path);
        command.env("TWOSHARE_BENCH_DISK", disk.as_micros().to_string());
        Ok(Syncs { path })
    }
}

impl Syncs {
    pub(super) fn read(&self) -> Option<Counted> {
        let bytes = fs::read(&self.path).ok()?;
        let (calls, nanos) = bytes.split_first_chunk::<8>()?;
        let nanos = u64::from_ne_bytes(*nanos.first_chunk()?);
        Some(Counted { calls: u64::from_ne_bytes(*calls), millis: nanos as f64 / 1e6 })
    }
}
