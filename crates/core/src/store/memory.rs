use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{EnvelopeStore, GetError, ObjectName, PutError, StoreFault};
use crate::id::WalletId;

/// A store in memory, for tests and demonstrations: what is in it ends with the process.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<BTreeMap<ObjectName, Vec<u8>>>);

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every change is a single insertion or removal, which a panic elsewhere leaves whole.
    fn objects(&self) -> MutexGuard<'_, BTreeMap<ObjectName, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EnvelopeStore for MemoryStore {
    async fn put(&self, name: &ObjectName, bytes: &[u8]) -> Result<(), PutError> {
        let mut objects = self.objects();
        if objects.entry(*name).or_insert_with(|| bytes.to_vec()) == bytes {
            Ok(())
        } else {
            Err(PutError::Exists)
        }
    }

    async fn get(&self, name: &ObjectName) -> Result<Vec<u8>, GetError> {
        self.objects().get(name).cloned().ok_or(GetError::NotFound)
    }

    async fn list(&self, wallet: WalletId) -> Result<Vec<ObjectName>, StoreFault> {
        Ok(self.objects().keys().filter(|name| name.envelope.wallet == wallet).copied().collect())
    }

    async fn delete(&self, name: &ObjectName) -> Result<(), StoreFault> {
        self.objects().remove(name);
        Ok(())
    }
}
