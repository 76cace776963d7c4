//! What is generated from the commands themselves: completions and manual pages.

use std::{fs, io, path::PathBuf};

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use serde_json::json;

use crate::{
    Cli,
    answer::{Answer, Failure},
};

#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<Answer, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "twoshare-custodian", &mut script);
        let script = String::from_utf8(script)
            .map_err(|error| Failure::because("completions", "no script", &error))?;
        let json = json!({ "shell": self.shell.to_string(), "script": script });
        Ok(Answer::new(json, script.trim_end()))
    }
}

#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The directory that gets a page for each command, made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Man {
    pub(super) fn run(self) -> Result<Answer, Failure> {
        let out = self.out.display().to_string();
        let failed = |error: io::Error| {
            Failure::because("file", &format!("cannot use {out}"), &error).with("path", out.clone())
        };
        fs::create_dir_all(&self.out).map_err(failed)?;
        clap_mangen::generate_to(Cli::command(), &self.out).map_err(failed)?;
        Ok(Answer::new(json!({ "out": out }), format!("The pages are in {out}.")))
    }
}
