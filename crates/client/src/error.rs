//! Why an operation did not happen. One error per operation; what several of them share comes first.

use thiserror::Error;
use twoshare_core::{
    envelope::{OpenError, SealError, SlotError, SlotId, SlotTableError},
    id::{Epoch, WalletId},
    identity::{CustodianIdentity, SignatureError},
    proof::Operation,
    sealed::OpenSecretError,
    share::ReconstructError,
    store::FetchError,
};
use twoshare_protocol::{
    adopt::NotAHalf,
    custodian::{
        AbandonError, BeginError, CancelError as CancelRefused, CommitError, DepartError,
        EjectError as EjectRefused, HandOverError, PrepareError, ReadError,
    },
    rules::{CommitRefusal, Freezes, Frozen, Moved, Restored, Time},
    session::SessionError,
    wire::DecodeError,
};

use crate::{
    device::{DeleteError, DeviceFault, LoadError, SaveError},
    recover::Waiting,
    stores::{Failed, KeepError, StoreId, WriteStoresError},
    wallet::WhatIsSealed,
};

/// Why the device's own record of a wallet could not be used.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// The device does not have this wallet: create, import or recover it.
    #[error("the wallet {wallet} is not on this device")]
    NotHere {
        /// The wallet.
        wallet: WalletId,
    },
    /// Another device has recovered the wallet, or converted it: what this one has does nothing any
    /// more, and may be older than what counts. Recover here, or forget it ([`Client::forget`](crate::Client::forget)).
    #[error("another device has recovered or converted the wallet {wallet}")]
    Revoked {
        /// The wallet.
        wallet: WalletId,
    },
    /// The record is another user's: log in as that user.
    #[error("the device's record is another user's")]
    OtherUser,
    /// The record is another wallet's: the device's storage was meddled with. Recover.
    #[error("the device's record is another wallet's")]
    OtherWallet,
    /// The record cannot be read: see the source. Recover, if it is not for a newer version.
    #[error("the device's record cannot be read")]
    Record(#[from] DecodeError),
    /// See there.
    #[error("the device's record was not loaded")]
    Load(#[from] LoadError),
    /// See there. What was being done can be resumed. [`SaveError::Conflict`]: another process uses the
    /// same device.
    #[error("the device's record was not saved")]
    Save(#[from] SaveError),
    /// See there.
    #[error("the device's record was not deleted")]
    Delete(#[from] DeleteError),
    /// See there.
    #[error(transparent)]
    Fault(#[from] DeviceFault),
}

/// Why the custodian's state of a wallet is not known.
#[derive(Debug, Error)]
pub enum StateError {
    /// The custodian did not give it.
    #[error("the custodian did not give the wallet's state")]
    Read(#[from] ReadError),
    /// It is not signed by the custodian of this wallet: check the custodian's key.
    #[error("the state is not signed by the wallet's custodian")]
    WrongCustodian(#[source] SignatureError),
    /// It is an old state, or of another wallet or user: somebody is between us and the custodian.
    #[error("the state is not the one that was asked for")]
    OtherState,
    /// The wallet has moved to another custodian: build the client for that one. Nothing of it works here
    /// any more.
    #[error(transparent)]
    Moved(#[from] Moved),
    /// No custodian is pinned, and this device does not know the wallet's: pin one.
    #[error("the custodian's identity is not known: pin it")]
    Unpinned,
    /// The wallet is with another custodian than the pinned one.
    #[error("the wallet is with another custodian than the pinned one")]
    OtherCustodian,
}

/// Why custodian and device did not get to new shares. Nothing has changed, unless the custodian was
/// unavailable: then [`Client::resume`](crate::Client::resume) goes on.
#[derive(Debug, Error)]
pub enum ExchangeError {
    /// The custodian did not begin.
    #[error("the custodian did not begin")]
    Begin(#[from] BeginError),
    /// The custodian did not prepare.
    #[error("the custodian did not prepare the new epoch")]
    Prepare(#[from] PrepareError),
    /// What the custodian answered does not hold.
    #[error("the custodian's part does not hold")]
    Session(#[from] SessionError),
    /// The epoch numbers are used up.
    #[error("the epoch numbers are used up")]
    NoEpochLeft,
}

/// Why a new backup was not stored and committed.
#[derive(Debug, Error)]
pub enum PublishError {
    /// The envelope cannot be sealed.
    #[error("the envelope cannot be sealed")]
    Seal(#[source] SealError),
    /// Too few stores took it and gave it back intact. The last backup is as it was.
    #[error(transparent)]
    Stores(#[from] WriteStoresError),
    /// The commit was refused, and the last backup is as it was; or its answer was lost
    /// ([`CommitError::Unavailable`]), or it has to wait (frozen): then
    /// [`Client::resume`](crate::Client::resume) goes on.
    #[error("the custodian did not say that the epoch is committed")]
    Commit(#[from] CommitError),
    /// The receipt does not hold: the custodian lies. What is committed is not known.
    #[error("the custodian's receipt does not hold")]
    Receipt(#[from] SessionError),
}

/// Why an operation that makes new epochs did not come to its end.
#[derive(Debug, Error)]
pub enum RunError {
    /// See there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The device's journal of the operation cannot be read.
    #[error("the device's journal cannot be read")]
    Journal(#[source] DecodeError),
    /// The operator lets everybody wait: call again when it is ready.
    #[error("the operation waits")]
    Waiting(Waiting),
    /// See there.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The shares do not give the wallet's key. No key is returned.
    #[error("the shares do not give the wallet's key")]
    Reconstruct(#[from] ReconstructError),
    /// A sealed secret does not open. No secret is returned.
    #[error("a sealed secret does not open")]
    Secret(#[from] OpenSecretError),
    /// See there.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// Why what was interrupted is neither finished nor given up. It is as it was: resume again later.
#[derive(Debug, Error)]
pub enum ResumeError {
    /// See there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// See there.
    #[error(transparent)]
    State(#[from] StateError),
    /// The wallet stands still, and the operation with it.
    #[error(transparent)]
    Frozen(#[from] Frozen),
    /// It was gone on with, and stopped again.
    #[error("the interrupted {operation} could not be finished")]
    Run {
        /// What was interrupted.
        operation: Operation,
        /// Why.
        source: Box<RunError>,
    },
    /// See there.
    #[error(transparent)]
    GiveUp(#[from] GiveUpError),
    /// Whether it is committed is not known.
    #[error("the custodian did not give the operation's receipt")]
    Receipt(#[source] ReadError),
    /// A move between two custodians is interrupted, and the other one is needed:
    /// [`Client::resume_move`](crate::Client::resume_move), or
    /// [`Client::move_wallet`](crate::Client::move_wallet) again.
    #[error("an interrupted move needs the other custodian too")]
    NeedsCustodian {
        /// Which one is needed.
        identity: Box<CustodianIdentity>,
    },
    /// An interrupted move was gone on with, and stopped again.
    #[error("the interrupted move could not be finished")]
    Move(#[source] Box<MoveError>),
}

/// Why a wallet was not moved. It is with its custodian as it was, unless this says otherwise.
#[derive(Debug, Error)]
pub enum MoveError {
    /// See there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// An operation was interrupted before, and has to end first.
    #[error("an interrupted operation has to end first")]
    Unsettled(#[from] ResumeError),
    /// See there.
    #[error(transparent)]
    Open(#[from] OpenBackupError),
    /// It is to move to where it is.
    #[error("the wallet is with that custodian already")]
    SameCustodian,
    /// The other custodian has a wallet of this id: nothing is put over it.
    #[error("the other custodian has this wallet already")]
    IsThere,
    /// One of the two custodians did not give its state of the wallet.
    #[error(transparent)]
    State(#[from] StateError),
    /// The custodian does not let the wallet leave. Its operator opens the window, and names whom it may
    /// go to.
    #[error("the custodian does not let the wallet leave")]
    Refused(#[from] DepartError),
    /// See there.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Another device has committed something with the old custodian while this one was moving the wallet.
    /// Before the other custodian had it, the move is given up. Afterwards
    /// the wallet is with both: decide for one, and have the operator of the other delete it.
    #[error("another device has changed the wallet meanwhile")]
    Overtaken,
    /// The wallet is with the other custodian, and this one did not take note: move again, or
    /// [`Client::resume`](crate::Client::resume), which goes on.
    #[error("the custodian that the wallet left did not take note")]
    HandOver(#[from] HandOverError),
    /// The same: it said that it did, and its state says otherwise. Ask its operator.
    #[error("the custodian that the wallet left still has it")]
    NotGone,
    /// The custodian that the wallet went to does not have it any more as it committed it: its database
    /// was put back from a copy. The one that it left still has it, and is not told. Recover the wallet
    /// on an empty device, with that one ([`Recovery::accept_moved`](crate::Recovery::accept_moved)).
    #[error("the custodian that the wallet went to does not have it any more")]
    NotHeld,
}

impl From<ExchangeError> for MoveError {
    fn from(error: ExchangeError) -> Self {
        RunError::from(error).into()
    }
}

impl MoveError {
    /// Whether the move is still in progress: it may have happened, or goes on when it is called again.
    pub(crate) const fn is_interrupted(&self) -> bool {
        match self {
            Self::Device(_) | Self::Unsettled(_) | Self::HandOver(_) => true,
            Self::NotGone | Self::NotHeld => true,
            Self::State(error) => {
                matches!(error, StateError::Read(ReadError::Unavailable(_)))
            }
            Self::Refused(error) => matches!(error, DepartError::Unavailable(_)),
            Self::Run(error) => error.is_interrupted(),
            Self::Open(_) | Self::SameCustodian | Self::IsThere | Self::Overtaken => false,
        }
    }
}

/// Why an operation that has failed is not known to be over yet. It expires by itself; what was written of
/// it stays until it is known.
#[derive(Debug, Error)]
pub enum GiveUpError {
    /// See there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The device's journal of the operation cannot be read.
    #[error("the device's journal cannot be read")]
    Journal(#[source] DecodeError),
    /// The custodian did not begin.
    #[error("the custodian did not begin")]
    Begin(#[source] BeginError),
    /// The custodian did not abandon it.
    #[error("the custodian did not abandon the operation")]
    Abandon(#[source] AbandonError),
    /// What the custodian answered does not hold.
    #[error("the custodian's answer does not hold")]
    Session(#[from] SessionError),
}

/// Why no wallet was made.
#[derive(Debug, Error)]
pub enum CreateError {
    /// See there. Without a pinned custodian no wallet is made.
    #[error(transparent)]
    State(#[from] StateError),
    /// See there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// See there.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Why a wallet that existed before was not taken up. Nothing has changed.
#[derive(Debug, Error)]
pub enum AdoptError {
    /// The shares are not the device's half of this wallet.
    #[error(transparent)]
    Half(#[from] NotAHalf),
    /// The device has this wallet already.
    #[error("the wallet {wallet} is on this device already")]
    AlreadyHere {
        /// The wallet.
        wallet: WalletId,
    },
    /// See there. [`ReadError::NotFound`]: the custodian does not have its half yet, or has it for
    /// another user.
    #[error(transparent)]
    State(#[from] StateError),
    /// The custodian has a single-key wallet of this id.
    #[error("the custodian has a wallet of another kind")]
    WrongKind,
    /// The custodian's half is of another signing epoch: the wallet was recovered elsewhere, or the
    /// shares are old.
    #[error("the custodian's signing epoch is another than {epoch}")]
    OtherEpoch {
        /// The epoch of the device's shares.
        epoch: Epoch,
        /// The one that counts at the custodian; none has one without a signing pair.
        custodian: Option<Epoch>,
    },
    /// The custodian's half is of another sharing of these keys, or of other keys: the two do not fit.
    #[error("the custodian's half of key {index} belongs to another sharing")]
    OtherSharing {
        /// The index of the first key whose halves do not fit.
        index: usize,
    },
    /// See there.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// Why no wallet was imported.
#[derive(Debug, Error)]
pub enum ImportError {
    /// There is nothing to import.
    #[error("there is nothing to import")]
    Empty,
    /// A wallet has 16 keys and secrets at most: make two.
    #[error("{count} keys and secrets are more than a wallet's {cap}")]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many there may be.
        cap: usize,
    },
    /// See there.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

/// Why a method could not be made into a slot. Nothing has changed.
#[derive(Debug, Error)]
pub enum MethodsError {
    /// The method made none.
    #[error("a backup method could not be set up")]
    Slot(#[source] SlotError),
    /// The envelope has no room for it, or has it already.
    #[error("the method does not fit the envelope")]
    Table(#[from] SlotTableError),
    /// There is no slot of this id.
    #[error("there is no method {slot}")]
    NoSuchSlot {
        /// The slot that was named.
        slot: SlotId,
    },
}

/// Why there is no new backup. The last one is as it was; [`RunError`] says where it may be otherwise.
#[derive(Debug, Error)]
pub enum BackupError {
    /// See there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// An operation was interrupted before, and has to end first.
    #[error("an interrupted operation has to end first")]
    Unsettled(#[from] ResumeError),
    /// See there.
    #[error(transparent)]
    Methods(#[from] MethodsError),
    /// See there.
    #[error(transparent)]
    State(#[from] StateError),
    /// See there.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Why a backup was not opened. Nothing has changed.
#[derive(Debug, Error)]
pub enum OpenBackupError {
    /// See there.
    #[error(transparent)]
    State(#[from] StateError),
    /// The wallet has no backup.
    #[error("the wallet {wallet} has no backup")]
    NotBackedUp {
        /// The wallet.
        wallet: WalletId,
    },
    /// The custodian calls an older epoch active than this device has seen committed: its database was
    /// restored from an old copy, or it lies. Ask its operator.
    #[error("the custodian has gone back to epoch {custodian}; this device has seen {seen}")]
    RolledBack {
        /// The epoch that the custodian calls active.
        custodian: Epoch,
        /// The newest epoch that this device has seen.
        seen: Epoch,
    },
    /// The custodian's database was restored from a copy, and may have forgotten newer epochs. Its
    /// operator has to approve the recovery first: [`Recovery::approved`](crate::Recovery::approved).
    #[error("the custodian was restored from a copy, which has epoch {custodian}")]
    Restored {
        /// The epoch that the copy calls active.
        custodian: Epoch,
    },
    /// No store has the envelope that the custodian names, nor another of that epoch.
    #[error("no store has the backup's envelope intact")]
    NotFound {
        /// What each store said.
        stores: Vec<Failed<FetchError>>,
    },
    /// The envelope did not open with this method.
    #[error("the backup did not open with this method")]
    Open(#[source] OpenError),
    /// The backup names another custodian than the pinned one: check the custodian's key.
    #[error("the backup is with another custodian")]
    OtherCustodian,
    /// The backup replaced another one, which can still be restored and which this method opens too:
    /// whoever replaced it may not have been its owner. Recover, which goes back to the older one and
    /// ends the newer, or wait for the end of the grace.
    #[error("the backup of epoch {restorable} was replaced, and this method opens it too")]
    Contested {
        /// The epoch that can still be restored.
        restorable: Epoch,
    },
    /// The custodian states other commitments than the envelope has: do not go on with it.
    #[error("the custodian's state does not fit the envelope")]
    OtherEpoch,
}

/// Why there is no refreshed backup. The last one is as it was; [`RunError`] says where it may be
/// otherwise.
#[derive(Debug, Error)]
pub enum RefreshError {
    /// See there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// An operation was interrupted before, and has to end first.
    #[error("an interrupted operation has to end first")]
    Unsettled(#[from] ResumeError),
    /// See there.
    #[error(transparent)]
    Open(#[from] OpenBackupError),
    /// See there.
    #[error(transparent)]
    Methods(#[from] MethodsError),
    /// See there.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Why the wallet was not recovered. Nothing has changed; [`RunError`] says where that may be
/// otherwise.
#[derive(Debug, Error)]
pub enum RecoverError {
    /// See there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// An operation was interrupted before, and has to end first.
    #[error("an interrupted operation has to end first")]
    Unsettled(#[from] ResumeError),
    /// See there.
    #[error(transparent)]
    Open(#[from] OpenBackupError),
    /// See there.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Why a wallet was not converted. It is a single-key wallet, as it was; [`RunError`] says where that may
/// be otherwise.
#[derive(Debug, Error)]
pub enum ConvertError {
    /// See there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The wallet has seeds, mnemonics or other bytes sealed under its keys, and no half of those signs
    /// anything. It stays a single-key wallet. For an MPC wallet make a new one
    /// ([`Client::create_wallet`](crate::Client::create_wallet)) and move the funds there:
    /// [`manual::more_curves`](crate::manual::more_curves) has the steps.
    #[error("{} of the wallet's secrets are not scalars: make a new wallet and move the funds", sealed.len())]
    SealedSecrets {
        /// Those that are not.
        sealed: Vec<WhatIsSealed>,
    },
    /// It is an MPC wallet already: there is nothing to do.
    #[error("the wallet is an MPC wallet already")]
    AlreadyMpc,
    /// A replaced backup can still be restored: convert when it cannot any more.
    #[error("a replaced backup can still be restored, for {left} seconds at least")]
    GraceRunning {
        /// Seconds until it cannot, if nothing stops its clock.
        left: Time,
    },
    /// An operation was interrupted before, and has to end first.
    #[error("an interrupted operation has to end first")]
    Unsettled(#[from] ResumeError),
    /// See there.
    #[error(transparent)]
    Open(#[from] OpenBackupError),
    /// See there.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Why a drill failed: the backup cannot be relied on. What failed is kept with its time, and
/// [`Client::status`](crate::Client::status) says so.
#[derive(Debug, Error)]
pub enum DrillError {
    /// See there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// See there.
    #[error(transparent)]
    Open(#[from] OpenBackupError),
    /// Too few stores have the envelope, after what could be mended was.
    #[error("{} of {needed} stores have the envelope", have.len())]
    Stores {
        /// How many should have it, as the policy says.
        needed: usize,
        /// Those that have it.
        have: Vec<StoreId>,
        /// Those that have not, and why they could not be mended.
        missing: Vec<Failed<KeepError>>,
    },
    /// The custodian gave no proof.
    #[error("the custodian gave no proof of its half")]
    Read(#[from] ReadError),
    /// The proof does not hold.
    #[error("the custodian's proof of its half does not hold")]
    NotHeld(#[from] SessionError),
}

/// Why no key was given out.
#[derive(Debug, Error)]
pub enum EjectError {
    /// See there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// An operation was interrupted before, and has to end first.
    #[error("an interrupted operation has to end first")]
    Unsettled(#[from] ResumeError),
    /// See there.
    #[error(transparent)]
    Open(#[from] OpenBackupError),
    /// The custodian did not begin.
    #[error("the custodian did not begin")]
    Begin(#[from] BeginError),
    /// The custodian released nothing. Without a window: ask its operator to open one. Where it was
    /// unavailable, it may have: eject again inside the window.
    #[error("the custodian released nothing")]
    Refused(#[from] EjectRefused),
    /// What the custodian answered does not hold.
    #[error("the custodian's answer does not hold")]
    Session(#[from] SessionError),
    /// The shares do not give the wallet's key. No key is returned.
    #[error("the shares do not give the wallet's key")]
    Reconstruct(#[from] ReconstructError),
    /// A sealed secret does not open. No secret is returned.
    #[error("a sealed secret does not open")]
    Secret(#[from] OpenSecretError),
}

/// Why a request was not objected to.
#[derive(Debug, Error)]
pub enum CancelError {
    /// See there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// See there.
    #[error(transparent)]
    State(#[from] StateError),
    /// The custodian did not begin.
    #[error("the custodian did not begin")]
    Begin(#[from] BeginError),
    /// The custodian did not cancel it. Where the proof is not believed, this device was revoked:
    /// [`Client::status`](crate::Client::status).
    #[error("the custodian did not cancel the request")]
    Refused(#[from] CancelRefused),
    /// What the custodian answered does not hold.
    #[error("the custodian's answer does not hold")]
    Session(#[from] SessionError),
}

impl RunError {
    /// Whether the operation is still in the journal: it may have happened, or may go on.
    #[must_use]
    pub const fn is_interrupted(&self) -> bool {
        match self {
            Self::Device(_) | Self::Journal(_) => true,
            Self::Waiting(_) | Self::Reconstruct(_) | Self::Secret(_) => false,
            Self::Exchange(error) => matches!(
                error,
                ExchangeError::Begin(BeginError::Unavailable(_))
                    | ExchangeError::Prepare(PrepareError::Unavailable(_))
            ),
            Self::Publish(error) => match error {
                PublishError::Seal(_) | PublishError::Stores(_) => false,
                PublishError::Commit(error) => match error {
                    CommitError::Unavailable(_) => true,
                    CommitError::Refused(CommitRefusal::Frozen(frozen)) => {
                        !is_another_approved(frozen.0)
                    }
                    _ => false,
                },
                PublishError::Receipt(_) => true,
            },
        }
    }
}

/// Whether the operator of a restored custodian has approved another operation than the one that was
/// refused with this: then that one is over.
const fn is_another_approved(freezes: Freezes) -> bool {
    matches!(
        freezes,
        Freezes { dispute: None, operator: false, restored: Some(Restored::Approved) }
    )
}
