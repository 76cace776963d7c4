//! The stores of a placement, opened.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use twoshare::{
    DirectoryError, DirectoryStore, Place, SelfManagedStore, StoreId,
    core::{
        id::WalletId,
        store::{
            EnvelopeStore, GetError, IndependentOperator, ObjectName, Operator, PutError,
            StoreFault,
        },
    },
    stores::StoreKind,
};

use crate::{
    answer::Failure,
    config::{Placement, StoreConfig},
    stores::settled,
    tokens::TokenFile,
};

/// What a directory is that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The user names it now: it is made.
    IsMade,
    /// It was there once: a disk that is not plugged in is not made anew, and the other stores do.
    IsAbsent,
}

/// The stores of a placement.
pub(crate) fn open(
    placement: &Placement,
    missing: Missing,
) -> Result<Vec<(StoreId, Place)>, Failure> {
    let mut places = Vec::new();
    for config in &placement.stores {
        let id = config.store.parse::<StoreId>();
        let id = id.map_err(|error| Failure::misuse("store_refused", error.to_string()))?;
        let id = settled(&id)?;
        places.push((id.clone(), place(&id, config, missing)?));
    }
    Ok(places)
}

fn place(id: &StoreId, config: &StoreConfig, missing: Missing) -> Result<Place, Failure> {
    Ok(match id.kind() {
        StoreKind::Directory(path) => match missing {
            Missing::IsMade => Place::store(DirectoryStore::create(path)?, Operator::User),
            Missing::IsAbsent => match DirectoryStore::open(path) {
                Ok(store) => Place::store(store, Operator::User),
                Err(error) => Place::store(Absent::new(error), Operator::User),
            },
        },
        StoreKind::SelfManaged(url) => {
            let operator = match config.independent {
                true => Operator::Independent(IndependentOperator),
                false => Operator::Custodian,
            };
            Place::store(backend(url, config)?, operator)
        }
        _ => Place::Custodian,
    })
}

fn backend(url: &str, config: &StoreConfig) -> Result<SelfManagedStore, Failure> {
    let Some(path) = &config.token_file else {
        let message = format!("{url}: the app's backend asks for a token: --store-token-file FILE");
        return Err(Failure::misuse("secret_missing", message)
            .with("option", "--store-token-file")
            .with("store", url));
    };
    Ok(SelfManagedStore::builder(url, TokenFile::at(path)).build()?)
}

/// A directory that is not there now.
#[derive(Clone)]
struct Absent(Arc<DirectoryError>);

impl Absent {
    fn new(error: DirectoryError) -> Self {
        Self(Arc::new(error))
    }

    fn fault(&self) -> StoreFault {
        StoreFault::Unavailable { retry_after: None, source: Box::new(Arc::clone(&self.0)) }
    }
}

impl fmt::Debug for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Absent").field(&self.0).finish()
    }
}

#[async_trait]
impl EnvelopeStore for Absent {
    async fn put(&self, _: &ObjectName, _: &[u8]) -> Result<(), PutError> {
        Err(self.fault().into())
    }

    async fn get(&self, _: &ObjectName) -> Result<Vec<u8>, GetError> {
        Err(self.fault().into())
    }

    async fn list(&self, _: WalletId) -> Result<Vec<ObjectName>, StoreFault> {
        Err(self.fault())
    }

    async fn delete(&self, _: &ObjectName) -> Result<(), StoreFault> {
        Err(self.fault())
    }
}
