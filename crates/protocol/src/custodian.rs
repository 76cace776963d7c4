//! The other party, as a client sees it.

use async_trait::async_trait;
use thiserror::Error;
use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, WalletId},
};

use crate::{
    Nonce,
    message::{
        Begin, Begun, Commit, Depart, Departed, Drilled, Ejected, Prepare, Prepared, Receipt,
        Request, Signed, State, Tombstone, Upload,
    },
    rules::{
        AbandonRefusal, CancelRefusal, CommitRefusal, DepartRefusal, Frozen, HandOverRefusal,
        Moved, PrepareRefusal, ReleaseRefusal, RetireRefusal,
    },
};

/// A custodian, on behalf of one logged-in user: over HTTP, or in the same process.
///
/// The contract, which [the conformance suite](crate::conformance) holds every implementation to:
///
/// - Every call may be repeated after its answer was lost, and then gives the same answer or says
///   how the operation ended. A call that fails has changed nothing, unless its error says so.
/// - An answer is given after what it says is durable. Proofs are made from what was read back.
/// - A user sees and touches its own wallets only; another's do not exist for it.
/// - Every call may be cancelled (its future dropped) at any time, with the effect of a lost
///   message.
#[async_trait]
pub trait Custodian: Send + Sync {
    /// The ids of the user's wallets.
    async fn wallets(&self) -> Result<Vec<WalletId>, ReadError>;

    /// The wallet as it stands, signed for this nonce.
    async fn state(&self, wallet: WalletId, nonce: Nonce) -> Result<Signed<State>, ReadError>;

    /// The receipt of a committed operation.
    async fn receipt(
        &self,
        wallet: WalletId,
        id: OperationId,
    ) -> Result<Signed<Receipt>, ReadError>;

    /// Opens a session: the custodian's nonce and early commitments.
    async fn begin(&self, begin: Begin) -> Result<Signed<Begun>, BeginError>;

    /// Makes new epochs pending.
    async fn prepare(&self, prepare: Prepare) -> Result<Prepared, PrepareError>;

    /// Makes the pending epochs active.
    async fn commit(&self, commit: Commit) -> Result<Signed<Receipt>, CommitError>;

    /// Gives an operation up for good.
    async fn abandon(&self, request: Request) -> Result<Signed<Tombstone>, AbandonError>;

    /// Objects to a waiting recovery or eject, which freezes the wallet.
    async fn cancel(&self, request: Request) -> Result<(), CancelError>;

    /// Releases the custodian's shares of the active backup epoch.
    async fn eject(&self, request: Request) -> Result<Ejected, EjectError>;

    /// Proves that the custodian holds its half of the active backup epoch.
    async fn drill(&self, wallet: WalletId, nonce: Nonce) -> Result<Drilled, ReadError>;

    /// Writes an envelope into the custodian's own store.
    async fn put_envelope(&self, upload: Upload, envelope: Vec<u8>) -> Result<(), UploadError>;

    /// The envelope with this digest, from the custodian's own store.
    async fn envelope(&self, wallet: WalletId, digest: Digest) -> Result<Vec<u8>, ReadError>;

    /// Deletes the envelope of an ended epoch from the custodian's own store, and says that the
    /// other stores may do so.
    async fn retire(&self, wallet: WalletId, epoch: Epoch) -> Result<(), RetireError>;

    /// Lets a wallet leave for another custodian that the operator trusts: gives the client its part of
    /// the new sharing, and a parcel that only that custodian opens. Until the
    /// [hand-over](Self::hand_over) the wallet is here as it was.
    ///
    /// A session gives it once, so that no two parcels have one secret; repeated with the same bytes, it
    /// has the same answer. Where the session is over, begin again under the same id.
    async fn depart(&self, depart: Depart) -> Result<Departed, DepartError>;

    /// Ends a wallet here that has left, with the receipt of the custodian that has it now.
    async fn hand_over(&self, receipt: Signed<Receipt>) -> Result<(), HandOverError>;
}

/// The custodian could not be asked, or could not answer. Nothing is known about what it did: when
/// the cause is gone, ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the custodian is unavailable: {cause}")]
pub struct Unavailable {
    /// Why, and so what to do first.
    pub cause: Outage,
    /// In how many seconds to ask again, where the custodian said so.
    pub retry_after: Option<u64>,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Outage {
    /// It could not be reached, or broke off: ask again when there is a network.
    #[error("it cannot be reached")]
    Unreachable,
    /// It has too much to do, or is just starting or stopping: ask again a little later.
    #[error("it is busy")]
    Busy,
    /// It failed in a way that its operator has to look at.
    #[error("it failed")]
    Failed,
    /// It does not know the user any more: let the user sign in again.
    #[error("the user is not signed in")]
    NotSignedIn,
    /// What answered is not a custodian that speaks this version: check the address, or update.
    #[error("its answer is not understood")]
    NotUnderstood,
}

impl Unavailable {
    /// For this reason, with no word about when to ask again.
    #[must_use]
    pub const fn because(cause: Outage) -> Self {
        Self { cause, retry_after: None }
    }
}

/// Why a proof is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EvidenceError {
    /// The session is unknown, over, or was used by another request: begin again.
    #[error("the session is over: begin again")]
    NoSession,
    /// The request does not belong to its session: another wallet, operation or evidence.
    #[error("the request does not belong to its session")]
    OtherSession,
    /// A proof does not fit the share that it is about.
    #[error("the proof for key {key} does not hold")]
    Invalid {
        /// The index of the key.
        key: u8,
    },
    /// There is not one proof per key.
    #[error("a proof per key is needed: {needed}, not {given}")]
    Count {
        /// How many are needed.
        needed: usize,
        /// How many there are.
        given: usize,
    },
}

/// Why nothing was read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReadError {
    /// The wallet is with another custodian.
    #[error(transparent)]
    Moved(#[from] Moved),
    /// The user has no such wallet, operation or envelope.
    #[error("not found")]
    NotFound,
    /// What the custodian keeps does not fit together: its operator must restore it.
    #[error("what the custodian holds of this wallet is damaged: its operator must restore it")]
    Damaged,
    /// See there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why no session was opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BeginError {
    /// The wallet is with another custodian.
    #[error(transparent)]
    Moved(#[from] Moved),
    /// The user has no such wallet.
    #[error("not found")]
    NotFound,
    /// The wallet is of another kind.
    #[error("the wallet is of another kind")]
    WrongKind,
    /// The epoch to be proven has ended: fetch the wallet's state.
    #[error("the epoch that was to be proven has ended")]
    EpochEnded,
    /// The plan is not one that this operation can have.
    #[error("the operation has no such plan")]
    WrongPlan,
    /// Too many sessions are open: try again later.
    #[error("too many sessions are open")]
    TooMany,
    /// See there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why nothing was made pending. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PrepareError {
    /// The user has no such wallet.
    #[error("not found")]
    NotFound,
    /// What was to be proven was not.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A rule forbids it.
    #[error(transparent)]
    Refused(#[from] PrepareRefusal),
    /// What was sealed cannot be opened or does not fit: begin again.
    #[error("the sealed message is not one of this session")]
    Sealed,
    /// The client's part of the resharing, key generation or deal does not hold.
    #[error("the client's part of the exchange does not hold")]
    Material,
    /// A receipt that the request carries is not this custodian's, or of another wallet.
    #[error("a receipt is not one of this custodian's for this wallet")]
    ForeignReceipt,
    /// What the custodian keeps does not fit together: its operator must restore it.
    #[error("what the custodian holds of this wallet is damaged: its operator must restore it")]
    Damaged,
    /// See there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why nothing was committed. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CommitError {
    /// The user has no such wallet.
    #[error("not found")]
    NotFound,
    /// The new shares were not proven.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A rule forbids it.
    #[error(transparent)]
    Refused(#[from] CommitRefusal),
    /// See there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why nothing was abandoned. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AbandonError {
    /// The user has no such wallet.
    #[error("not found")]
    NotFound,
    /// What was to be proven was not.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A rule forbids it.
    #[error(transparent)]
    Refused(#[from] AbandonRefusal),
    /// See there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why nothing was cancelled. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CancelError {
    /// The user has no such wallet.
    #[error("not found")]
    NotFound,
    /// What was to be proven was not.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A rule forbids it.
    #[error(transparent)]
    Refused(#[from] CancelRefusal),
    /// See there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why nothing was released. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EjectError {
    /// The user has no such wallet.
    #[error("not found")]
    NotFound,
    /// What was to be proven was not.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A rule forbids it.
    #[error(transparent)]
    Refused(#[from] ReleaseRefusal),
    /// See there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why an envelope was not written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UploadError {
    /// The wallet is with another custodian.
    #[error(transparent)]
    Moved(#[from] Moved),
    /// The user has no such wallet, or no such operation is pending.
    #[error("not found")]
    NotFound,
    /// The new shares were not proven.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The wallet stands still.
    #[error(transparent)]
    Frozen(#[from] Frozen),
    /// These bytes are not an envelope of that wallet and epoch.
    #[error("these bytes are not an envelope of that wallet and epoch")]
    WrongEnvelope,
    /// The operation has written as many envelopes as it may.
    #[error("the operation has written as many envelopes as it may")]
    TooMany,
    /// See there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why an envelope was kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RetireError {
    /// The user has no such wallet.
    #[error("not found")]
    NotFound,
    /// A rule keeps it.
    #[error(transparent)]
    Refused(#[from] RetireRefusal),
    /// See there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a wallet did not leave. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DepartError {
    /// The user has no such wallet.
    #[error("not found")]
    NotFound,
    /// The operator of this custodian does not trust whom the wallet is to go to: ask the operator.
    #[error("the operator does not trust that custodian")]
    Untrusted,
    /// What the other custodian is said to have begun is not signed by it, or is about something else:
    /// begin there again.
    #[error("the other custodian has not begun this move")]
    NotExpected,
    /// What was to be proven was not.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// A rule forbids it.
    #[error(transparent)]
    Refused(#[from] DepartRefusal),
    /// What the custodian keeps does not fit together: its operator must restore it.
    #[error("what the custodian holds of this wallet is damaged: its operator must restore it")]
    Damaged,
    /// See there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Why a wallet is still here. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HandOverError {
    /// The user has no such wallet.
    #[error("not found")]
    NotFound,
    /// The operator of this custodian does not trust, or does not trust any more, whose receipt it is.
    #[error("the operator does not trust that custodian")]
    Untrusted,
    /// It is not that custodian's receipt for what left here.
    #[error("the receipt is not one for what left here")]
    ForeignReceipt,
    /// A rule forbids it.
    #[error(transparent)]
    Refused(#[from] HandOverRefusal),
    /// See there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
