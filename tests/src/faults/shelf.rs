//! A store, and the way to it.

use std::sync::Arc;

use async_trait::async_trait;
use twoshare::core::{
    id::WalletId,
    store::{EnvelopeStore, GetError, MemoryStore, ObjectName, PutError, StoreFault},
};

use super::{
    stage::{Fault, Stage},
    wire::{Late, Mail},
};

/// A store as a device reaches it.
#[derive(Debug, Clone)]
pub(super) struct Shelf {
    pub(super) stage: Stage,
    pub(super) store: Arc<MemoryStore>,
    pub(super) mail: Mail,
}

fn unavailable() -> StoreFault {
    StoreFault::Unavailable { retry_after: None, source: "the network is down".into() }
}

impl Shelf {
    /// Whether the call is made, and then whether its answer is heard.
    async fn gate(&self, what: &str) -> (bool, bool, Option<Fault>) {
        let fault = self.stage.gate(what).await;
        match fault {
            Some(Fault::DiesBefore) => self.stage.die().await,
            None | Some(Fault::Twice | Fault::CustodianDies | Fault::CustodianDiesAfter) => {
                (true, true, fault)
            }
            Some(Fault::Unanswered | Fault::Broken | Fault::DiesAfter) => (true, false, fault),
            Some(Fault::Lost | Fault::Late | Fault::Damaged) => (false, false, fault),
        }
    }

    async fn die_after(&self, fault: Option<Fault>) {
        if fault == Some(Fault::DiesAfter) {
            self.stage.die::<()>().await;
        }
    }

    fn later(&self, what: &str, late: Late) {
        self.mail.send(what.to_owned(), late);
    }
}

#[async_trait]
impl EnvelopeStore for Shelf {
    async fn put(&self, name: &ObjectName, bytes: &[u8]) -> Result<(), PutError> {
        let (made, heard, fault) = self.gate("store put").await;
        if fault == Some(Fault::Late) {
            let (store, name, bytes) = (Arc::clone(&self.store), *name, bytes.to_vec());
            self.later(
                "store put",
                Arc::new(move || {
                    let (store, bytes) = (Arc::clone(&store), bytes.clone());
                    Box::pin(async move { drop(store.put(&name, &bytes).await) })
                }),
            );
        }
        let mut answer = Err(unavailable().into());
        if made {
            answer = self.store.put(name, bytes).await;
            if fault == Some(Fault::Twice) {
                answer = self.store.put(name, bytes).await;
            }
        }
        self.die_after(fault).await;
        if heard { answer } else { Err(unavailable().into()) }
    }

    async fn get(&self, name: &ObjectName) -> Result<Vec<u8>, GetError> {
        let (made, heard, fault) = self.gate("store get").await;
        if fault == Some(Fault::Damaged) {
            let mut bytes = self.store.get(name).await?;
            if let Some(byte) = bytes.last_mut() {
                *byte ^= 1;
            }
            return Ok(bytes);
        }
        self.die_after(fault).await;
        if made && heard { self.store.get(name).await } else { Err(unavailable().into()) }
    }

    async fn list(&self, wallet: WalletId) -> Result<Vec<ObjectName>, StoreFault> {
        let (made, heard, fault) = self.gate("store list").await;
        self.die_after(fault).await;
        if made && heard { self.store.list(wallet).await } else { Err(unavailable()) }
    }

    async fn delete(&self, name: &ObjectName) -> Result<(), StoreFault> {
        let (made, heard, fault) = self.gate("store delete").await;
        if fault == Some(Fault::Late) {
            let (store, name) = (Arc::clone(&self.store), *name);
            self.later(
                "store delete",
                Arc::new(move || {
                    let store = Arc::clone(&store);
                    Box::pin(async move { drop(store.delete(&name).await) })
                }),
            );
        }
        if made {
            self.store.delete(name).await?;
        }
        self.die_after(fault).await;
        if heard { Ok(()) } else { Err(unavailable()) }
    }
}
