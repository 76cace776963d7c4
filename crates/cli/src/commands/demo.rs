use crate::{
    answer::{Answer, Failure},
    demo,
    imports::SecretFiles,
};

/// With files of secrets it is also the story of a single-key wallet that is made of them.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    #[command(flatten)]
    secrets: SecretFiles,
}

impl Demo {
    pub(crate) fn run(&self) -> Result<Answer, Failure> {
        let given = self.secrets.read()?;
        let directory = tempfile::tempdir().map_err(|error| {
            Failure::new("unavailable", format!("no temporary directory: {error}"))
        })?;
        demo::run(directory.path(), given)
    }
}
