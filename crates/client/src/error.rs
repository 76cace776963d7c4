//! Why an operation did not happen. One error per operation; what all of them share is in
//! [`ExchangeError`] and [`PublishError`].

use thiserror::Error;
use twoshare_core::{
    envelope::{OpenError, SealError, SlotError, SlotId, SlotTableError, TestOpenError},
    id::{Epoch, WalletId},
    identity::SignatureError,
    sealed::OpenSecretError,
    share::ReconstructError,
    store::{CustodianAlone, FetchError, WriteError},
};
use twoshare_protocol::{
    custodian::{BeginError, CommitError, PrepareError, ReadError},
    session::SessionError,
};

/// Why the custodian's state of a wallet is not known.
#[derive(Debug, Error)]
pub enum StateError {
    /// The custodian did not give it.
    #[error("the custodian did not give the wallet's state")]
    Read(#[from] ReadError),
    /// It is not signed by the pinned custodian: check the custodian's key.
    #[error("the state is not signed by the pinned custodian")]
    WrongCustodian(#[source] SignatureError),
    /// It is an old state, or of another wallet or user: somebody is between us and the custodian.
    #[error("the state is not the one that was asked for")]
    OtherState,
}

/// Why custodian and device did not get to new shares. Nothing has changed.
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

/// Why a new backup was not written and committed.
#[derive(Debug, Error)]
pub enum PublishError {
    /// The client has no store: give it one.
    #[error("there is no store to write the backup to")]
    NoStore,
    /// The envelope cannot be sealed.
    #[error("the envelope cannot be sealed")]
    Seal(#[source] SealError),
    /// See there.
    #[error(transparent)]
    CustodianAlone(#[from] CustodianAlone),
    /// A store did not take it. The last backup is as it was.
    #[error("store {store} did not take the envelope")]
    Write {
        /// The store's place in the client.
        store: usize,
        /// Why.
        source: WriteError,
    },
    /// A store did not give back what was written. The last backup is as it was.
    #[error("store {store} did not give the envelope back")]
    ReadBack {
        /// The store's place in the client.
        store: usize,
        /// Why.
        source: FetchError,
    },
    /// What a store gave back does not open. The last backup is as it was.
    #[error("what store {store} gave back does not open")]
    TestOpen {
        /// The store's place in the client.
        store: usize,
        /// Why.
        source: TestOpenError,
    },
    /// The commit was refused, or its answer was lost: look at the wallet's state before doing it
    /// again.
    #[error("the custodian did not say that the epoch is committed")]
    Commit(#[from] CommitError),
    /// The receipt does not hold.
    #[error("the custodian's receipt does not hold")]
    Receipt(#[from] SessionError),
}

/// Why no wallet was made.
#[derive(Debug, Error)]
pub enum CreateError {
    /// See there.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The commit was refused, or its answer was lost: make another wallet.
    #[error("the custodian did not say that the wallet is committed")]
    Commit(#[from] CommitError),
    /// The receipt does not hold.
    #[error("the custodian's receipt does not hold")]
    Receipt(#[from] SessionError),
}

/// Why no wallet was imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
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

/// Why there is no new backup. The last one is as it was, unless the source says that a commit's
/// answer was lost.
#[derive(Debug, Error)]
pub enum BackupError {
    /// See there.
    #[error(transparent)]
    Methods(#[from] MethodsError),
    /// See there.
    #[error(transparent)]
    State(#[from] StateError),
    /// See there.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// See there.
    #[error(transparent)]
    Publish(#[from] PublishError),
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
    /// operator has to approve the recovery first: [`Client::recover_approved`](crate::Client::recover_approved).
    #[error("the custodian was restored from a copy, which has epoch {custodian}")]
    Restored {
        /// The epoch that the copy calls active.
        custodian: Epoch,
    },
    /// No store has the envelope that the custodian names.
    #[error("no store has the backup's envelope intact")]
    NotFound {
        /// What each store said.
        stores: Vec<FetchError>,
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

/// Why there is no refreshed backup. The last one is as it was, unless the source says that a
/// commit's answer was lost.
#[derive(Debug, Error)]
pub enum RefreshError {
    /// See there.
    #[error(transparent)]
    Open(#[from] OpenBackupError),
    /// See there.
    #[error(transparent)]
    Methods(#[from] MethodsError),
    /// See there.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// See there.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// Why the wallet was not recovered. Nothing has changed, unless the source says that a commit's
/// answer was lost.
#[derive(Debug, Error)]
pub enum RecoverError {
    /// See there.
    #[error(transparent)]
    Open(#[from] OpenBackupError),
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

/// Why a drill failed: the backup cannot be relied on.
#[derive(Debug, Error)]
pub enum DrillError {
    /// See there.
    #[error(transparent)]
    Open(#[from] OpenBackupError),
    /// The custodian gave no proof.
    #[error("the custodian gave no proof of its half")]
    Read(#[from] ReadError),
    /// The proof does not hold.
    #[error("the custodian's proof of its half does not hold")]
    NotHeld(#[from] SessionError),
}
