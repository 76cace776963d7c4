use std::ffi::OsString;

use crate::answer::{Answer, Failure};

/// A command that the contract names and this version has not.
#[derive(Debug, clap::Args)]
pub(crate) struct Later {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    rest: Vec<OsString>,
}

impl Later {
    pub(crate) fn run(&self, name: &str) -> Result<Answer, Failure> {
        let _ = &self.rest;
        let message = format!("this version of the command has no `{name}`");
        Err(Failure::misuse("unsupported_command", message).with("command", name))
    }
}
