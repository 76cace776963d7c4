//! A holder in memory: the reference for others, and for tests and demos.

use core::fmt;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use thiserror::Error;
use twoshare_core::{id::WalletId, share::AnyCustodianShare};

use super::{HeldError, SettleError, SigningEpoch, SigningShares, StageError, Staging, Standing};
use crate::UserId;

/// Signing shares in memory, and what a signing service asks for at each signature
/// ([`signing`](Self::signing)). Nothing of it outlives the process.
#[derive(Default)]
pub struct MemorySigningShares {
    wallets: Mutex<HashMap<(UserId, WalletId), Held>>,
}

/// What is kept of a wallet.
#[derive(Default)]
struct Held {
    /// The highest that was heard. Kept when everything else is forgotten.
    version: u64,
    epochs: BTreeMap<SigningEpoch, Vec<AnyCustodianShare>>,
    signs: Option<SigningEpoch>,
}

/// Why nothing is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotSigning {
    /// There is no such wallet.
    #[error("there is no such wallet")]
    Unknown,
    /// The wallet is paused or stands still: ask again later.
    #[error("the wallet does not sign now")]
    Paused,
}

impl MemorySigningShares {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The custodian's shares that sign now, one per key. To be asked for at each signature, and
    /// compared with the epoch that the device signs with.
    ///
    /// # Errors
    ///
    /// See [`NotSigning`].
    pub fn signing(
        &self,
        user: &UserId,
        wallet: WalletId,
    ) -> Result<Vec<AnyCustodianShare>, NotSigning> {
        let wallets = self.lock();
        let held = wallets.get(&(user.clone(), wallet));
        let held = held.filter(|held| !held.epochs.is_empty()).ok_or(NotSigning::Unknown)?;
        let shares = held.signs.and_then(|epoch| held.epochs.get(&epoch));
        shares.cloned().ok_or(NotSigning::Paused)
    }

    /// The epoch that signs now.
    #[must_use]
    pub fn signs(&self, user: &UserId, wallet: WalletId) -> Option<SigningEpoch> {
        self.lock().get(&(user.clone(), wallet)).and_then(|held| held.signs)
    }

    /// The epochs that are here.
    #[must_use]
    pub fn held(&self, user: &UserId, wallet: WalletId) -> Vec<SigningEpoch> {
        let wallets = self.lock();
        let held = wallets.get(&(user.clone(), wallet));
        held.map(|held| held.epochs.keys().copied().collect()).unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(UserId, WalletId), Held>> {
        // Each change is whole when it is made.
        self.wallets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SigningShares for MemorySigningShares {
    async fn stage(
        &self,
        staging: &Staging<'_>,
        shares: &[AnyCustodianShare],
    ) -> Result<(), StageError> {
        let mut wallets = self.lock();
        let held = wallets.entry((staging.user.clone(), staging.wallet)).or_default();
        if staging.version < held.version {
            return Err(StageError::Superseded { by: held.version });
        }
        held.version = staging.version;
        held.epochs.insert(staging.epoch, shares.to_vec());
        held.signs = None;
        Ok(())
    }

    async fn get(
        &self,
        user: &UserId,
        wallet: WalletId,
        epoch: SigningEpoch,
    ) -> Result<Vec<AnyCustodianShare>, HeldError> {
        let wallets = self.lock();
        let held = wallets.get(&(user.clone(), wallet)).and_then(|held| held.epochs.get(&epoch));
        held.cloned().ok_or(HeldError::Damaged)
    }

    async fn settle(&self, standing: &Standing<'_>) -> Result<(), SettleError> {
        let mut wallets = self.lock();
        let held = wallets.entry((standing.user.clone(), standing.wallet)).or_default();
        if standing.version < held.version {
            return Err(SettleError::Superseded { by: held.version });
        }
        held.version = standing.version;
        held.epochs.retain(|epoch, _| standing.keeps(*epoch));
        held.signs = standing.signs().filter(|epoch| held.epochs.contains_key(epoch));
        let mut named = standing.active.iter().chain(&standing.pending);
        // Of what an old copy names nothing is expected.
        if standing.restored || named.all(|epoch| held.epochs.contains_key(epoch)) {
            Ok(())
        } else {
            Err(SettleError::Missing)
        }
    }
}

impl fmt::Debug for MemorySigningShares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MemorySigningShares({} wallets, redacted)", self.lock().len())
    }
}
