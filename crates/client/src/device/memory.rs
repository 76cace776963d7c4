use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use twoshare_core::{id::WalletId, secret::SecretBytes};

use super::{
    Counter, DeleteError, DeviceFault, DeviceState, DiscardError, LoadError, MAX_RECORD, Record,
    SaveError,
};

/// A device in memory, for tests and demonstrations: what it keeps ends with its last clone. Clones are
/// the same device.
#[derive(Clone, Default)]
pub struct MemoryDevice(Arc<Mutex<BTreeMap<WalletId, Kept>>>);

/// What there is of a wallet: nothing but the counter once it was deleted.
#[derive(Clone)]
struct Kept {
    counter: Counter,
    contents: Option<SecretBytes>,
}

impl MemoryDevice {
    /// A device with nothing on it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy of everything as it is now, which goes its own way: a device restored from a backup, or
    /// one that a thief has copied.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        Self(Arc::new(Mutex::new(self.kept().clone())))
    }

    /// Every change is a single insertion, which a panic elsewhere leaves whole.
    fn kept(&self) -> MutexGuard<'_, BTreeMap<WalletId, Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without the records, and without waiting for them.
impl fmt::Debug for MemoryDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryDevice").finish_non_exhaustive()
    }
}

#[async_trait]
impl DeviceState for MemoryDevice {
    async fn wallets(&self) -> Result<Vec<WalletId>, DeviceFault> {
        let kept = self.kept();
        let there = kept.iter().filter(|(_, kept)| kept.contents.is_some());
        Ok(there.map(|(wallet, _)| *wallet).collect())
    }

    async fn load(&self, wallet: WalletId) -> Result<Option<Record>, LoadError> {
        let kept = self.kept().get(&wallet).cloned();
        Ok(kept.and_then(|Kept { counter, contents }| {
            contents.map(|contents| Record { counter, contents })
        }))
    }

    async fn save(
        &self,
        wallet: WalletId,
        contents: &SecretBytes,
        expected: Option<Counter>,
    ) -> Result<Counter, SaveError> {
        if contents.len() > MAX_RECORD {
            return Err(SaveError::TooLarge { len: contents.len(), cap: MAX_RECORD });
        }
        let mut kept = self.kept();
        let (last, found) = match kept.get(&wallet) {
            None => (None, None),
            Some(Kept { counter, contents: None }) => (Some(*counter), None),
            Some(Kept { counter, contents: Some(_) }) => (Some(*counter), Some(*counter)),
        };
        if found != expected {
            return Err(SaveError::Conflict { found });
        }
        let counter = last.map_or(Counter::FIRST, Counter::next);
        kept.insert(wallet, Kept { counter, contents: Some(contents.clone()) });
        Ok(counter)
    }

    async fn delete(&self, wallet: WalletId, expected: Counter) -> Result<(), DeleteError> {
        let mut kept = self.kept();
        match kept.get(&wallet) {
            None | Some(Kept { contents: None, .. }) => Ok(()),
            Some(Kept { counter, .. }) if *counter != expected => {
                Err(DeleteError::Conflict { found: *counter })
            }
            Some(_) => {
                kept.insert(wallet, Kept { counter: expected.next(), contents: None });
                Ok(())
            }
        }
    }

    async fn discard(&self, wallet: WalletId) -> Result<(), DiscardError> {
        match self.kept().get(&wallet) {
            Some(Kept { counter, contents: Some(_) }) => {
                Err(DiscardError::Intact { found: *counter })
            }
            None | Some(Kept { contents: None, .. }) => Ok(()),
        }
    }
}
