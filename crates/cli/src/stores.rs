//! Stores as they are named on the command line, remembered and opened.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use twoshare::{DirectoryStore, StoreId, StorePolicy, stores::StoreKind};

use crate::{
    answer::Failure,
    config::{Placement, StoreConfig},
    files::unreadable,
};

/// Where a backup goes, as it is named on the command line.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct StoreArgs {
    /// A store: custodian, dir:PATH, or https://… for the app's own backend. Give several for
    /// several [default: those of the last time, else custodian].
    #[arg(long = "store", value_name = "S")]
    stores: Vec<StoreId>,

    /// Be content when so many of the stores have the backup [default: all].
    #[arg(long, value_name = "K", requires = "stores")]
    at_least: Option<NonZeroUsize>,

    /// The app's own backend belongs to somebody else than the custodian.
    #[arg(long, requires = "stores")]
    independent_operator: bool,

    /// Accept that the custodian alone could open the wallet, where a method and a store together
    /// would let it.
    #[arg(long)]
    trust_custodian_alone: bool,

    /// Read the token of the app's own backend from this file, whenever one is needed.
    #[arg(long, value_name = "FILE", requires = "stores")]
    store_token_file: Option<PathBuf>,
}

impl StoreArgs {
    /// What was named, else what is remembered, else the custodian.
    pub(crate) fn placement(&self, remembered: Option<&Placement>) -> Result<Placement, Failure> {
        let trust_custodian_alone = self.trust_custodian_alone;
        if self.stores.is_empty() {
            let mut placement = remembered.cloned().unwrap_or_else(Placement::custodian);
            placement.trust_custodian_alone |= trust_custodian_alone;
            return Ok(placement);
        }
        let mut stores = Vec::new();
        for store in &self.stores {
            let store = settled(store)?;
            let is_backend = matches!(store.kind(), StoreKind::SelfManaged(_));
            let token_file = self.store_token_file.as_ref().filter(|_| is_backend);
            let token_file =
                token_file.map(|path| std::path::absolute(path).map_err(unreadable(path)));
            stores.push(StoreConfig {
                store: store.to_string(),
                independent: self.independent_operator && is_backend,
                token_file: token_file.transpose()?,
            });
        }
        let at_least = self.at_least.map(NonZeroUsize::get);
        Ok(Placement { stores, at_least, trust_custodian_alone })
    }
}

impl Placement {
    /// Only the custodian's own store.
    pub(crate) fn custodian() -> Self {
        let store = StoreId::custodian().to_string();
        Self {
            stores: vec![StoreConfig { store, independent: false, token_file: None }],
            at_least: None,
            trust_custodian_alone: false,
        }
    }

    pub(crate) fn policy(&self) -> StorePolicy {
        match self.at_least.and_then(NonZeroUsize::new) {
            Some(count) => StorePolicy::AtLeast(count),
            None => StorePolicy::All,
        }
    }
}

/// The same store wherever the command is run from; refuses what this version has not.
pub(crate) fn settled(store: &StoreId) -> Result<StoreId, Failure> {
    match store.kind() {
        StoreKind::Directory(path) => {
            let path = std::path::absolute(path).map_err(unreadable(path))?;
            StoreId::directory(&path)
                .map_err(|error| Failure::misuse("store_refused", error.to_string()))
        }
        StoreKind::Custodian | StoreKind::SelfManaged(_) => Ok(store.clone()),
        StoreKind::ObjectStore(_) | StoreKind::WebDav(_) | StoreKind::Named(_) => {
            let message = format!("{store}: this version of the command has no such stores");
            Err(Failure::misuse("unsupported_store", message).with("store", store.as_str()))
        }
    }
}

/// The directory, where it is one: what can be looked at without a device.
pub(crate) fn directory(store: &StoreId) -> Result<PathBuf, Failure> {
    let settled = settled(store)?;
    match settled.kind() {
        StoreKind::Directory(path) => Ok(path.to_owned()),
        _ => Err(Failure::misuse(
            "store_not_a_directory",
            format!("{store}: this is done in directories only: dir:PATH"),
        )
        .with("store", store.as_str())),
    }
}

/// The store in this directory, which is there.
pub(crate) fn open_directory(path: &Path) -> Result<DirectoryStore, Failure> {
    Ok(DirectoryStore::open(path)?)
}

/// Runs a future to its end.
pub(crate) fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("runtime", error.to_string()))?;
    Ok(runtime.block_on(future))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(stores: &[&str]) -> StoreArgs {
        let stores = stores.iter().map(|store| store.parse().unwrap()).collect();
        StoreArgs { stores, ..StoreArgs::default() }
    }

    #[test]
    fn what_is_not_named_is_remembered() {
        let first = named(&["dir:x", "custodian"]).placement(None).unwrap();
        let [dir, custodian] = &*first.stores else { panic!("{first:?}") };
        assert!(Path::new(dir.store.strip_prefix("dir:").unwrap()).is_absolute());
        assert_eq!(custodian.store, "custodian");
        assert_eq!(named(&[]).placement(Some(&first)).unwrap(), first);
        assert_eq!(named(&[]).placement(None).unwrap(), Placement::custodian());
        assert_eq!(named(&["custodian"]).placement(Some(&first)).unwrap(), Placement::custodian());
    }

    #[test]
    fn a_declaration_is_about_the_backend_only() {
        let mut args = named(&["https://a.example", "dir:x"]);
        args.independent_operator = true;
        args.store_token_file = Some("token".into());
        let placement = args.placement(None).unwrap();
        let [backend, dir] = &*placement.stores else { panic!("{placement:?}") };
        assert!(backend.independent && backend.token_file.as_ref().unwrap().is_absolute());
        assert!(!dir.independent && dir.token_file.is_none());
    }

    #[test]
    fn what_comes_later_is_refused_by_name() {
        for later in ["s3://bucket", "webdav://host/x", "my-drive"] {
            let refused = named(&[later]).placement(None).unwrap_err();
            assert_eq!(refused.code(), "unsupported_store");
        }
    }
}
