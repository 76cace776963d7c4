//! A wallet's record, while one call has its turn with it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{Mutex as Turnstile, OwnedMutexGuard};
use twoshare_core::id::WalletId;
use twoshare_protocol::wire::Message as _;

use crate::{client::Client, device::Counter, error::DeviceError, record::Record};

/// One turnstile per wallet that somebody waits at: calls about a wallet come one after the other.
#[derive(Default)]
pub(crate) struct Turns(Mutex<BTreeMap<WalletId, Weak<Turnstile<()>>>>);

/// Nobody else of this client works on the wallet until it is dropped.
pub(crate) type Turn = OwnedMutexGuard<()>;

impl Turns {
    pub(crate) async fn take(&self, wallet: WalletId) -> Turn {
        let turnstile = {
            let mut turnstiles = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            turnstiles.retain(|_, turnstile| turnstile.strong_count() > 0);
            let waiting = turnstiles.get(&wallet).and_then(Weak::upgrade);
            waiting.unwrap_or_else(|| {
                let turnstile = Arc::new(Turnstile::new(()));
                turnstiles.insert(wallet, Arc::downgrade(&turnstile));
                turnstile
            })
        };
        turnstile.lock_owned().await
    }
}

/// A wallet's record in this call's hands. What is changed counts once it is saved: a call that is
/// dropped, or whose saving fails, leaves the record as it was saved last.
pub(crate) struct Kept {
    pub(crate) record: Record,
    counter: Option<Counter>,
    _turn: Turn,
}

impl Kept {
    /// A record that the device does not have yet.
    pub(crate) const fn new(record: Record, turn: Turn) -> Self {
        Self { record, counter: None, _turn: turn }
    }
}

impl Client {
    /// The wallet's record, or the turn to make one.
    pub(crate) async fn load(&self, wallet: WalletId) -> Result<Result<Kept, Turn>, DeviceError> {
        let turn = self.turns().take(wallet).await;
        let Some(found) = self.device().load(wallet).await? else { return Ok(Err(turn)) };
        let record = Record::decode(&found.contents)?;
        if record.wallet != wallet {
            return Err(DeviceError::OtherWallet);
        }
        let left = record.came_from.as_ref().is_some_and(|left| left.user == self.user());
        // On its way, it is known by either name.
        let goes = record.moves_to().is_some_and(|to| self.pinned() == Some(to));
        if record.user != self.user() && !left && !goes {
            return Err(DeviceError::OtherUser);
        }
        Ok(Ok(Kept { record, counter: Some(found.counter), _turn: turn }))
    }

    /// The record of a wallet that the device knows.
    pub(crate) async fn load_known(&self, wallet: WalletId) -> Result<Kept, DeviceError> {
        self.load(wallet).await?.map_err(|_| DeviceError::NotHere { wallet })
    }

    /// Makes the record durable as it is.
    pub(crate) async fn save(&self, kept: &mut Kept) -> Result<(), DeviceError> {
        let bytes = kept.record.to_bytes();
        let counter = self.device().save(kept.record.wallet, &bytes, kept.counter).await?;
        kept.counter = Some(counter);
        Ok(())
    }

    /// Makes the device have no record of a wallet that never came to be here; saves it otherwise.
    pub(crate) async fn save_or_forget(&self, kept: &mut Kept) -> Result<(), DeviceError> {
        if kept.record.is_here() || kept.record.journal.is_some() || !kept.record.strays.is_empty()
        {
            return self.save(kept).await;
        }
        if let Some(counter) = kept.counter {
            self.device().delete(kept.record.wallet, counter).await?;
            kept.counter = None;
        }
        Ok(())
    }

    /// Makes the device have no record of the wallet.
    pub(crate) async fn erase(&self, kept: Kept) -> Result<(), DeviceError> {
        if let Some(counter) = kept.counter {
            self.device().delete(kept.record.wallet, counter).await?;
        }
        Ok(())
    }
}
