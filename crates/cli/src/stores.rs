//! Stores as they are named on the command line.

use std::{path::PathBuf, str::FromStr};

use twoshare::DirectoryStore;

use crate::answer::Failure;

/// `dir:PATH`.
#[derive(Debug, Clone)]
pub(crate) struct StoreName(PathBuf);

impl FromStr for StoreName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("dir:") {
            Some("") => Err("a path is missing after dir:".to_owned()),
            Some(path) => Ok(Self(PathBuf::from(path))),
            None => Err("stores are named dir:PATH".to_owned()),
        }
    }
}

impl std::fmt::Display for StoreName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "dir:{}", self.0.display())
    }
}

impl StoreName {
    /// The store, which is there.
    pub(crate) fn open(&self) -> Result<DirectoryStore, Failure> {
        Ok(DirectoryStore::open(&self.0)?)
    }

    /// The store, which is made if it is not there.
    pub(crate) fn create(&self) -> Result<DirectoryStore, Failure> {
        Ok(DirectoryStore::create(&self.0)?)
    }
}

/// Runs a future of a store or a method to its end.
pub(crate) fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| Failure::new("runtime", error.to_string()))?;
    Ok(runtime.block_on(future))
}
