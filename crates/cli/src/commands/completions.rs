use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::json;

use crate::{
    Cli,
    answer::{Answer, Failure},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "twoshare", &mut script);
        let script = String::from_utf8(script)
            .map_err(|error| Failure::new("completions", error.to_string()))?;
        let json = json!({ "shell": self.shell.to_string(), "script": script });
        Ok(Answer { json, text: script.trim_end().to_owned() })
    }
}
