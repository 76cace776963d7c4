//! Receipts, and what else stores say that they have.

use std::{cmp::Reverse, sync::Mutex};

use twoshare_core::{
    container::{self, Content},
    id::{Epoch, WalletId},
    store::{
        EnvelopeName, EnvelopeStore, EnvelopeStoreExt as _, ObjectName, Part, PutError, StoreFault,
        WriteError,
    },
};

use super::{ALL, Failed, KeepError, Place, StoreId, Stores, read::push};
use crate::together::Boxed;

/// How many receipts of a store are looked at: it may have made them up.
const MAX_RECEIPTS: usize = 64;

/// What the stores say that they have of a wallet.
#[derive(Debug, Default)]
pub struct Listing {
    /// Every object of every store.
    pub objects: Vec<Listed>,
    /// The stores that did not say.
    pub failed: Vec<Failed<StoreFault>>,
}

/// An object that a store says it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Which store.
    pub store: StoreId,
    /// The object.
    pub name: ObjectName,
}

/// Receipts as the stores have them.
#[derive(Debug, Default)]
pub struct Receipts {
    /// The newest of every store. Whose they are, their signatures say.
    pub found: Vec<FoundReceipt>,
    /// The stores that did not give theirs, or not all.
    pub failed: Vec<Failed<StoreFault>>,
}

/// What a store keeps as a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundReceipt {
    /// Which store.
    pub store: StoreId,
    /// The envelope beside which it is.
    pub name: EnvelopeName,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Stores {
    /// What the stores have of a wallet. Of the custodian's own, the wallet's state says it.
    pub async fn list(&self, wallet: WalletId) -> Listing {
        let each = self.external().map(|(_, store)| store.list(wallet));
        let results = self.ask(each, ALL).await;
        let mut listing = Listing::default();
        for ((id, _), result) in self.external().zip(results) {
            match result {
                Ok(names) => listing.objects.extend(
                    // One that mixes wallets up is not believed.
                    names
                        .into_iter()
                        .filter(|name| name.envelope.wallet == wallet)
                        .map(|name| Listed { store: id.clone(), name }),
                ),
                Err(error) => listing.failed.push(Failed { store: id.clone(), error }),
            }
        }
        listing
    }

    /// The receipts of epochs after this one, of all without it; from each store the newest. The
    /// custodian has its own by their operations.
    pub async fn receipts(&self, wallet: WalletId, after: Option<Epoch>) -> Receipts {
        let found = Mutex::new(Vec::new());
        let each = self.external().map(|(id, store)| -> Boxed<'_, _> {
            // What a store gave before its time was over counts.
            let found = &found;
            Box::pin(async move {
                let mut names = store.list(wallet).await?;
                names.retain(|name| {
                    let EnvelopeName { wallet: of, epoch, .. } = name.envelope;
                    name.part == Part::Receipt && of == wallet && Some(epoch) > after
                });
                names.sort_unstable_by_key(|name| Reverse(name.envelope.epoch));
                for name in names.into_iter().take(MAX_RECEIPTS).map(|name| name.envelope) {
                    if let Ok(bytes) = store.get_receipt(name).await {
                        push(found, FoundReceipt { store: id.clone(), name, bytes });
                    }
                }
                Ok::<_, StoreFault>(())
            })
        });
        let results = self.ask(each, ALL).await;
        let failed = self.external().zip(results).filter_map(|((id, _), result)| {
            result.err().map(|error| Failed { store: id.clone(), error })
        });
        let failed = failed.collect();
        Receipts { found: found.into_inner().unwrap_or_default(), failed }
    }

    /// Writes a receipt, whose signature was checked, beside its envelope in every store. Gives those
    /// that did not take it: the epoch is committed all the same, and the custodian gives the receipt
    /// again.
    pub async fn write_receipt(
        &self,
        name: EnvelopeName,
        receipt: &[u8],
    ) -> Vec<Failed<KeepError>> {
        let each = self
            .external()
            .map(|(_, store)| -> Boxed<'_, _> { Box::pin(put_receipt(store, name, receipt)) });
        let results = self.ask(each, ALL).await;
        let mut failed = Vec::new();
        for ((id, _), result) in self.external().zip(results) {
            if let Err(error) = result {
                failed.push(Failed { store: id.clone(), error });
            }
        }
        failed
    }

    /// The stores that are not the custodian's own.
    pub(super) fn external(&self) -> impl Iterator<Item = (&StoreId, &dyn EnvelopeStore)> {
        self.places.iter().filter_map(|(id, place)| match place {
            Place::Store { store, .. } => Some((id, store.as_ref())),
            Place::Custodian => None,
        })
    }
}

/// Puts a receipt, over what else is there: the same commit has the same receipt, byte for byte.
async fn put_receipt(
    store: &dyn EnvelopeStore,
    name: EnvelopeName,
    receipt: &[u8],
) -> Result<(), KeepError> {
    let container = container::wrap(Content::Receipt, receipt);
    let container = container.map_err(|error| KeepError::Write(WriteError::Container(error)))?;
    let write = |error| KeepError::Write(WriteError::Put(error));
    match store.put(&name.receipt(), &container).await {
        Err(PutError::Exists) => {}
        put => return put.map_err(write),
    }
    store.delete(&name.receipt()).await.map_err(KeepError::Delete)?;
    store.put(&name.receipt(), &container).await.map_err(write)
}
