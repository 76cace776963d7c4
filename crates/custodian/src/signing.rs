//! Where the custodian's signing shares live.

use core::fmt;

use async_trait::async_trait;
use thiserror::Error;
use twoshare_core::{
    id::{Epoch, OperationId, WalletId},
    share::AnyCustodianShare,
};

use crate::UserId;

#[cfg(feature = "conformance")]
pub mod conformance;
mod memory;

pub use self::memory::{MemorySigningShares, NotSigning};

/// Keeps the custodian's signing shares in the signing service that uses them: an app's own MPC
/// server, an HSM, another database. Without one they are sealed into the repository like everything
/// else, and [`Service::signing_shares`](crate::Service::signing_shares) gives them out.
///
/// A recovery ends what a lost phone can sign with. With the shares in another system that has to be
/// true in two places, of which each can fail at any moment. So a holder is never told what to *do*: it
/// is told how things *stand*, with a number that only grows, again and again until it has heard.
///
/// ```text
/// stage(7: epoch 2)             durable, and from here on no epoch of the wallet signs
///    the custodian makes epoch 2 pending, or dies on the way
/// settle(9: active 2)           it was committed: 2 signs, what is not named is dropped
/// settle(9: active 1)           or it was given up, expired or displaced: 1 signs again
/// ```
///
/// The custodian writes down that the holder is to be told before it stages, and in the transaction of
/// every change that concerns it: a commit, an abandon, an expiry, a displacement, a freeze and its end,
/// a deletion. Every crash in between therefore ends in a `settle`, when the custodian starts again or
/// a few seconds later. A commit, a freeze and a deletion are answered after the holder has settled;
/// where it cannot be reached they are durable all the same, are answered with *unavailable*, and
/// answer when they are repeated. What only lets a wallet sign again is answered at once.
///
/// # The contract
///
/// The suite `signing::conformance` (feature `conformance`) holds an implementation to it, as
/// [`MemorySigningShares`] is.
///
/// - **Durable.** What was answered outlives the holder's process. Whoever signs reads the same durable
///   state, at each signature: a copy in memory that `stage` and `settle` do not reach signs for a lost
///   phone. Where that state cannot be read, nothing is signed. What was put back from a copy is
///   told again ([`Service::tell_holder_again`](crate::Service::tell_holder_again)) before it signs.
/// - **Whole.** `stage` takes all shares of an epoch or none; `settle` all of a standing or nothing.
/// - **Apart.** A wallet is its user's: the same id of two users is two wallets. An epoch is its number
///   *and* the operation that made it; after a key generation that was given up the number comes again.
/// - **In order.** For each wallet a holder keeps the highest version that it has heard, also after it
///   has forgotten the wallet. What comes with a lower one is late: it changes nothing and is answered
///   `Superseded`. What comes again with the same one changes nothing either and is answered with
///   success. A `stage` and a `settle` never share a version.
/// - **It signs** with the epoch that [`Standing::signs`] names in the last `settle`, unless a `stage`
///   came after it; at no other time, and with no other epoch, whatever a device asks for.
/// - **It forgets** what a `settle` does not name, for good, also from its backups as soon as it can: a
///   share of an ended epoch together with a lost phone is the key.
/// - **It refuses** what it does not understand rather than guess.
///
/// # Who can make it pause
///
/// Staging pauses a wallet until the operation is committed, given up or expired
/// ([`Policy::pending`](twoshare_protocol::rules::Policy::pending), 15 minutes). Only what makes a signing epoch
/// stages: a key generation, for a wallet that does not exist yet; and what is proven with a backup
/// share (a recovery, or the conversion of a single-key wallet), for which a backup method was opened.
/// Whoever opened one could revoke the device outright, so that a pause gives them nothing; a token
/// alone, or a phone that was found, pauses nothing.
///
/// # A holder that is down
///
/// It signs nothing, for nobody. One that signs and cannot be told is the danger: then a recovery stops
/// at its `stage`, and the lost phone keeps signing. Let the path that signs depend on the path that
/// settles, as *Durable* asks, so that both fail together; and let the operator be able to stop it by
/// hand. After a `stage` was answered the phone signs no more, whatever fails then.
#[async_trait]
pub trait SigningShares: Send + Sync + fmt::Debug {
    /// Keeps the custodian's shares of a new epoch, one per key and in their order, and pauses the
    /// wallet: from its answer on no epoch of it signs, until the next [`settle`](Self::settle).
    ///
    /// # Errors
    ///
    /// See [`StageError`]. Where it is not known whether the shares are kept, a `settle` follows that
    /// does not name them.
    async fn stage(
        &self,
        staging: &Staging<'_>,
        shares: &[AnyCustodianShare],
    ) -> Result<(), StageError>;

    /// The shares of an epoch that is staged, pending or active, as they were given: for resharing, and
    /// to be read back before the custodian proves that it has them. Also while the wallet is paused or
    /// frozen.
    ///
    /// # Errors
    ///
    /// See [`HeldError`].
    async fn get(
        &self,
        user: &UserId,
        wallet: WalletId,
        epoch: SigningEpoch,
    ) -> Result<Vec<AnyCustodianShare>, HeldError>;

    /// How a wallet stands: everything that is true of it. Repeated, it changes nothing.
    ///
    /// # Errors
    ///
    /// See [`SettleError`].
    async fn settle(&self, standing: &Standing<'_>) -> Result<(), SettleError>;
}

/// Which signing epoch of a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SigningEpoch {
    /// Its number.
    pub epoch: Epoch,
    /// The operation that made it.
    pub operation: OperationId,
}

/// What is about to be pending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Staging<'a> {
    /// Whose wallet.
    pub user: &'a UserId,
    /// The wallet. The holder may never have heard of it.
    pub wallet: WalletId,
    /// The new epoch.
    pub epoch: SigningEpoch,
    /// Higher than every version of this wallet before.
    pub version: u64,
}

/// How a wallet stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing<'a> {
    /// Whose wallet.
    pub user: &'a UserId,
    /// The wallet.
    pub wallet: WalletId,
    /// Only grows. The same version says the same.
    pub version: u64,
    /// The epoch that counts; `None` where there is none, or the holder was never given it. With no
    /// pending one either, nothing of the wallet is kept.
    pub active: Option<SigningEpoch>,
    /// The epoch that is prepared and not committed: it is kept, and pauses the wallet.
    pub pending: Option<SigningEpoch>,
    /// A dispute, the operator or a restore lets the wallet stand still.
    pub frozen: bool,
    /// The custodian's database was restored from a copy, which may be old: what it names may have
    /// ended, and what it does not name may count. Nothing signs, and nothing is dropped.
    pub restored: bool,
}

impl Standing<'_> {
    /// The epoch that signs now.
    #[must_use]
    pub fn signs(&self) -> Option<SigningEpoch> {
        let pauses = self.pending.is_some() || self.frozen || self.restored;
        self.active.filter(|_| !pauses)
    }

    /// Whether this epoch is kept.
    #[must_use]
    pub fn keeps(&self, epoch: SigningEpoch) -> bool {
        self.restored || self.active == Some(epoch) || self.pending == Some(epoch)
    }
}

/// Why an epoch was not staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StageError {
    /// A later word has come already. Nothing has changed.
    #[error("version {by} was heard already")]
    Superseded {
        /// The highest version that the holder has heard of this wallet.
        by: u64,
    },
    /// Nothing is known about what it did: tell it how things stand.
    #[error("the holder of signing shares is unavailable")]
    Unavailable,
}

/// Why shares were not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HeldError {
    /// It has no such epoch, or not as it was given.
    #[error("the signing shares are damaged or gone")]
    Damaged,
    /// Ask again.
    #[error("the holder of signing shares is unavailable")]
    Unavailable,
}

/// Why a wallet is not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SettleError {
    /// A later word has come already. Nothing has changed.
    #[error("version {by} was heard already")]
    Superseded {
        /// The highest version that the holder has heard of this wallet.
        by: u64,
    },
    /// An epoch that was named is not here. What was not named is dropped all the same, and nothing
    /// signs that was not named: the wallet has to be recovered from its backup.
    #[error("an epoch that counts is not here")]
    Missing,
    /// Nothing is known about what it did: tell it again.
    #[error("the holder of signing shares is unavailable")]
    Unavailable,
}
