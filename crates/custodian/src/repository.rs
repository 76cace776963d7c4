//! What a custodian keeps, and what it asks of whatever keeps it.
//!
//! A repository stores and finds; it decides nothing. It sees sealed records, envelopes and hashes,
//! never a share, a token or a key.

use core::fmt;
use std::collections::BTreeMap;

use async_trait::async_trait;
use thiserror::Error;
use twoshare_core::{
    digest::Digest,
    id::{CurveId, Epoch, OperationId, Purpose, WalletId, WalletKind},
    identity::CustodianIdentity,
    proof::Operation,
};
use twoshare_protocol::rules::{
    Authority, Custody, Ended, Freezes, Highest, Outcome, Request, Time,
};

use crate::{
    UserId,
    audit::{Act, Actor, Event},
    token::TokenHash,
};

/// Where everything is kept. An answer is given after what it says is durable; what is deleted is
/// overwritten, also in journals, soon afterwards.
#[async_trait]
pub trait Repository: Send + Sync + fmt::Debug {
    /// The ids of a user's wallets.
    async fn wallets(&self, user: &UserId) -> Result<Vec<WalletId>, StoreError>;

    /// A wallet as it was last saved, all at one moment; `None` when the user has no such wallet.
    async fn load(
        &self,
        user: &UserId,
        wallet: WalletId,
        wanted: Wanted,
    ) -> Result<Option<WalletRecord>, StoreError>;

    /// Saves all of a change, or nothing.
    async fn save(&self, change: Change) -> Result<(), SaveError>;

    /// The wallets in which something falls due at or before this time, the earliest first.
    async fn due(&self, now: Time, limit: u32) -> Result<Vec<(UserId, WalletId)>, StoreError>;

    /// Writes an envelope, if the wallet is still at this version and has fewer than `most` other
    /// envelopes of that epoch.
    async fn put_envelope(&self, envelope: NewEnvelope) -> Result<(), PutEnvelopeError>;

    /// An envelope by its digest.
    async fn envelope(
        &self,
        user: &UserId,
        wallet: WalletId,
        digest: Digest,
    ) -> Result<Option<Vec<u8>>, StoreError>;

    /// All wallets at which a request waits.
    async fn requests(&self) -> Result<Vec<(UserId, WalletId)>, StoreError>;

    /// The audit log after this number, in order: of one wallet, or all of it.
    async fn audit(
        &self,
        wallet: Option<WalletId>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError>;

    /// Keeps the hash of a session token until it expires.
    async fn put_session(
        &self,
        hash: TokenHash,
        user: &UserId,
        expires: Time,
        event: NewEvent,
    ) -> Result<(), StoreError>;

    /// Whose session token has this hash, and until when.
    async fn session(&self, hash: TokenHash) -> Result<Option<(UserId, Time)>, StoreError>;

    /// Forgets the session tokens that have expired.
    async fn delete_sessions(&self, expired: Time) -> Result<(), StoreError>;

    /// The hashes of the operator keys that count.
    async fn operator_keys(&self) -> Result<Vec<TokenHash>, StoreError>;

    /// Makes this the only operator key that counts.
    async fn put_operator_key(&self, hash: TokenHash, event: NewEvent) -> Result<(), StoreError>;

    /// What the custodian keeps of its own under this name, sealed.
    async fn secret(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps a sealed secret under this name, unless there is one; then the one that there is.
    async fn put_secret(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, StoreError>;

    /// The word about this wallet that is owed to the holder of signing shares; `None` where none is.
    async fn notice(&self, user: &UserId, wallet: WalletId) -> Result<Option<Notice>, StoreError>;

    /// The wallets that such words are about, a page at a time, in their order, after this one.
    async fn notices(
        &self,
        after: Option<(UserId, WalletId)>,
        limit: u32,
    ) -> Result<Vec<(UserId, WalletId)>, StoreError>;

    /// Writes one in the place of another. Its version is higher than that of every notice before, of
    /// any wallet, whether or not those are still there.
    async fn put_notice(
        &self,
        user: &UserId,
        wallet: WalletId,
        notice: NewNotice,
    ) -> Result<(), NoticeError>;

    /// Deletes the one with this version; another one stays.
    async fn delete_notice(
        &self,
        user: &UserId,
        wallet: WalletId,
        version: u64,
    ) -> Result<(), StoreError>;

    /// The custodians that wallets may be moved to.
    async fn trusted_custodians(&self) -> Result<Vec<TrustedCustodian>, StoreError>;

    /// Lets wallets be moved to this custodian; its address may change.
    async fn put_trusted_custodian(
        &self,
        custodian: TrustedCustodian,
        event: NewEvent,
    ) -> Result<(), StoreError>;

    /// Takes that word back.
    async fn delete_trusted_custodian(
        &self,
        identity: &CustodianIdentity,
        event: NewEvent,
    ) -> Result<(), StoreError>;

    /// Deletes a user and everything of theirs but the audit log; how many wallets there were. About
    /// those of which the holder of signing shares has something, it writes a [`Notice`] with it.
    async fn delete_user(&self, user: &UserId, event: NewEvent) -> Result<u64, StoreError>;

    /// Every wallet that is stored, a page at a time, after this one.
    async fn all_wallets(
        &self,
        after: Option<(UserId, WalletId)>,
        limit: u32,
    ) -> Result<Vec<(UserId, WalletId)>, StoreError>;

    /// Whether a start after a restore has begun and not finished.
    async fn is_restoring(&self) -> Result<bool, StoreError>;

    /// Remembers that it has begun, or that it has finished.
    async fn set_restoring(&self, is_restoring: bool) -> Result<(), StoreError>;

    /// Whether writes are still accepted.
    ///
    /// # Errors
    ///
    /// They are not, for good.
    fn health(&self) -> Result<(), StoppedWriting>;

    /// Waits until everything deleted so far is gone from the journals too.
    async fn scrub(&self) -> Result<(), StoreError>;

    /// Finishes what is being written and closes everything.
    async fn close(&self);
}

/// A custodian that wallets may be moved to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedCustodian {
    /// Who it is.
    pub identity: CustodianIdentity,
    /// Where it is: for people, and nothing is sent there.
    pub url: String,
}

/// What is wanted of a wallet besides what counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// The outcome of this operation.
    pub operation: Option<OperationId>,
    /// When this backup epoch ended, and the envelopes that are stored of it.
    pub epoch: Option<Epoch>,
}

/// A wallet as it is stored.
#[derive(Debug, Clone)]
pub struct WalletRecord {
    /// What a [`Change`] is made against.
    pub version: Version,
    /// What stands in the wallet's own row.
    pub fields: WalletFields,
    /// Its epochs that are pending, active or restorable.
    pub epochs: Vec<EpochRecord>,
    /// What is kept beside the pending epochs.
    pub pending: Option<PendingRecord>,
    /// How the wanted operation ended.
    pub outcome: Option<Outcome>,
    /// When the wanted epoch ended.
    pub ended: Option<Ended>,
    /// The envelopes that are stored of the wanted epoch.
    pub envelopes: Vec<Digest>,
}

/// Which state of which stored wallet: what a repository sees in it is its own affair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// Where the wallet is stored.
    pub row: i64,
    /// How often it was saved.
    pub number: i64,
}

/// A word that is owed to the holder of signing shares: how the wallet stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// It only grows, and is another after every change that the holder has to hear of.
    pub version: u64,
    /// An epoch is being given to the holder under this version, and is not pending yet.
    pub is_staging: bool,
}

/// A [`Notice`] that is to be written. What has been made pending, committed or ended is told under a
/// version of its own, which the change itself writes ([`Change::notice`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewNotice {
    /// The version of the one that it takes the place of; `None` for whichever is there, or none.
    pub expects: Option<u64>,
    /// Its version is above this, too.
    pub above: u64,
    /// See there.
    pub is_staging: bool,
}

/// That a change writes a [`Notice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticeChange {
    /// The version under which what it makes pending was staged: nothing is saved where the notice has
    /// another by now. `None` where nothing was staged.
    pub staged: Option<u64>,
}

/// What stands in a wallet's own row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletFields {
    /// MPC or single-key.
    pub kind: WalletKind,
    /// The latest time it has seen.
    pub now: Time,
    /// The highest epochs given out.
    pub highest: Highest,
    /// The recovery or eject that waits.
    pub request: Option<Request>,
    /// Why it stands still.
    pub freezes: Freezes,
    /// What the operator approved after a restore.
    pub approved: Option<OperationId>,
    /// Until when the operator lets the key be released.
    pub window: Option<Time>,
    /// Whether its key was ever released.
    pub ejected: bool,
    /// When something falls due in it.
    pub due: Option<Time>,
    /// That it leaves for another custodian, or is there.
    pub custody: Option<Custody>,
}

/// What an epoch is today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Prepared and not committed.
    Pending,
    /// The one that counts.
    Active,
    /// Replaced; its owner can still object.
    Restorable,
}

/// An epoch that counts or is about to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochRecord {
    /// Signing or backup.
    pub purpose: Purpose,
    /// Its number.
    pub epoch: Epoch,
    /// What it is.
    pub status: Status,
    /// The operation that made it.
    pub operation: OperationId,
    /// Its envelope.
    pub envelope: Option<Digest>,
    /// Seconds of grace left of a restorable one.
    pub left: Time,
    /// Its shares, in the order of the keys.
    pub shares: Vec<ShareRecord>,
}

/// A custodian share as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareRecord {
    /// Its curve.
    pub curve: CurveId,
    /// Its commitment: `X`, then `A`. Public.
    pub commitment: Vec<u8>,
    /// The sealed value; empty where the holder of signing shares has it.
    pub sealed: Vec<u8>,
}

impl EpochRecord {
    /// Whether the holder of signing shares has its shares.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.shares.iter().any(|share| share.sealed.is_empty())
    }
}

/// What is kept of a pending operation, until it ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingRecord {
    /// What for.
    pub operation: Operation,
    /// Its id.
    pub id: OperationId,
    /// The digest of the prepare.
    pub request: Digest,
    /// The rank of what was proven.
    pub authority: Authority,
    /// When it expires.
    pub expires: Time,
    /// Of an arriving wallet, what stands for where it came from.
    pub origin: Option<Digest>,
    /// The session with its answer, as it was sent ([`PendingSession`]).
    ///
    /// [`PendingSession`]: twoshare_protocol::engine::PendingSession
    pub session: Vec<u8>,
}

/// A step's change of one wallet, with the rows of the audit log that say so.
#[derive(Debug, Clone)]
pub struct Change {
    /// Whose wallet.
    pub user: UserId,
    /// The wallet.
    pub wallet: WalletId,
    /// The version that the step began with; `None` where there was no wallet.
    pub version: Option<Version>,
    /// At most so many wallets may the user have; counted where this makes one.
    pub most_wallets: u32,
    /// Whether none of its keys may be in another wallet, of whichever user; asked where this makes
    /// a wallet.
    pub new_keys: bool,
    /// What becomes of the wallet.
    pub becomes: Becomes,
    /// What the holder of signing shares is owed a word about, in the same transaction.
    pub notice: Option<NoticeChange>,
    /// What is added to the audit log.
    pub events: Vec<NewEvent>,
}

/// What becomes of a wallet.
#[derive(Debug, Clone)]
pub enum Becomes {
    /// It was never committed, and nothing is pending any more: nothing of it is kept.
    Forgotten,
    /// It goes on.
    Kept(Box<Kept>),
}

/// What a change does to a wallet that is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its own row.
    pub fields: WalletFields,
    /// New epochs.
    pub made: Vec<EpochRecord>,
    /// Epochs with another status, envelope or grace. Their shares are as they were.
    pub moved: Vec<EpochRecord>,
    /// Epochs whose shares are over.
    pub over: Vec<Over>,
    /// What is kept of a pending operation.
    pub pending: PendingChange,
    /// How operations ended.
    pub outcomes: BTreeMap<OperationId, Outcome>,
    /// The wallet's keys, where it has them from this change on: curve and public key.
    pub keys: Vec<(CurveId, Vec<u8>)>,
    /// A backup epoch that was retired: its row and its envelopes are deleted.
    pub retired: Option<Epoch>,
}

/// An epoch whose shares are deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Over {
    /// Signing or backup.
    pub purpose: Purpose,
    /// Its number.
    pub epoch: Epoch,
    /// When it ended, for a committed backup epoch: its envelopes stay until it is retired. `None`
    /// for one that nothing is kept of, its envelopes neither.
    pub ended: Option<Ended>,
}

/// What becomes of what is kept of a pending operation.
#[derive(Debug, Clone)]
pub enum PendingChange {
    /// It stays as it is.
    Same,
    /// There is none any more.
    Over,
    /// This takes its place.
    Put(PendingRecord),
}

/// An envelope to be written.
#[derive(Debug, Clone)]
pub struct NewEnvelope {
    /// Whose wallet.
    pub user: UserId,
    /// The wallet.
    pub wallet: WalletId,
    /// The version of the wallet that the step began with.
    pub version: Version,
    /// The epoch of the envelope.
    pub epoch: Epoch,
    /// Its digest.
    pub digest: Digest,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// How many envelopes of this epoch there may be.
    pub most: u32,
    /// What is added to the audit log.
    pub event: NewEvent,
}

/// A row of the audit log before it has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// When.
    pub at: Time,
    /// Who.
    pub actor: Actor,
    /// What.
    pub act: Act,
    /// Whose wallet.
    pub user: Option<UserId>,
    /// Which wallet.
    pub wallet: Option<WalletId>,
    /// In which operation.
    pub operation: Option<OperationId>,
    /// More about it.
    pub detail: String,
}

/// No more is written, for good: start again when the cause is mended. What was acknowledged is
/// kept, and can be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the database accepts no more writes: {why}")]
pub struct StoppedWriting {
    /// What the database said.
    pub why: String,
}

/// Why nothing was read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// What is stored does not fit together: restore the database.
    #[error("what is stored does not fit together")]
    Damaged,
    /// The database could not be asked in time: try again.
    #[error("the database is busy or unreachable")]
    Unavailable,
    /// See there.
    #[error(transparent)]
    StoppedWriting(#[from] StoppedWriting),
}

/// Why a change was not saved. Nothing of it was, unless writing has stopped: then nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SaveError {
    /// Somebody else changed the wallet: load it again, and redo the step.
    #[error("the wallet was changed in between")]
    Conflict,
    /// The user has as many wallets as they may.
    #[error("the user has as many wallets as they may")]
    TooManyWallets,
    /// Another wallet has one of the keys that were to be new.
    #[error("another wallet has one of these keys")]
    KeyInUse,
    /// See there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a notice was not written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoticeError {
    /// It is another than was expected.
    #[error("the notice was changed in between")]
    Conflict,
    /// See there.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an envelope was not written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PutEnvelopeError {
    /// Somebody else changed the wallet: load it again, and redo the step.
    #[error("the wallet was changed in between")]
    Conflict,
    /// There are as many envelopes of this epoch as there may be.
    #[error("there are as many envelopes of this epoch as there may be")]
    TooMany,
    /// See there.
    #[error(transparent)]
    Store(#[from] StoreError),
}
