use std::{fs, path::PathBuf};

use clap::{Command, CommandFactory as _};
use serde_json::json;

use crate::{
    Cli,
    answer::{Answer, Failure},
    files::unwritable,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// The directory that gets a page for each command, made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Man {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        fs::create_dir_all(&self.out).map_err(unwritable(&self.out))?;
        clap_mangen::generate_to(Cli::command(), &self.out).map_err(unwritable(&self.out))?;
        let mut root = Cli::command().disable_help_subcommand(true);
        root.build();
        let mut pages = Vec::new();
        name_pages(&root, "twoshare", &mut pages);
        let json = json!({ "out": self.out.display().to_string(), "pages": pages });
        let text = format!("{} pages written to {}", pages.len(), self.out.display());
        Ok(Answer { json, text })
    }
}

fn name_pages(command: &Command, name: &str, pages: &mut Vec<String>) {
    pages.push(format!("{name}.1"));
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        name_pages(inner, &format!("{name}-{}", inner.get_name()), pages);
    }
}
