//! The commands, one module each.

mod backups;
mod demo;
mod export;
mod import;
mod inspect;

use clap::Subcommand;

use crate::answer::{Answer, Failure};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole story in a temporary directory, with a custodian of its own; needs nothing.
    Demo(demo::Demo),
    /// Say what a backup is, without any secret; with `--method`, whether that opens it.
    Inspect(inspect::Inspect),
    /// What is in a store, and its repair.
    #[command(subcommand)]
    Backups(backups::Backups),
    /// Write a backup as a file, as text to paste or as QR codes to scan.
    Export(export::Export),
    /// Put an exported backup into a store.
    Import(import::Import),
}

impl Command {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::Demo(demo) => demo.run(),
            Self::Inspect(inspect) => inspect.run(),
            Self::Backups(backups) => backups.run(),
            Self::Export(export) => export.run(),
            Self::Import(import) => import.run(),
        }
    }
}
