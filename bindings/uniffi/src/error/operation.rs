//! Why an operation of the client did not happen.

use super::{
    AbandonError, BeginError, CommitError, CustodianCancelError, CustodianEjectError,
    CustodianIdentity, DecodeError, DeleteError, DepartError, DeviceFault, Ended, Epoch,
    FailedFetch, FailedKeep, Freezes, HandOverError, LoadError, Mirrors, NotAHalf, OpenError,
    OpenSecretError, Operation, OperationId, PrepareError, ReadError, ReconstructError, SaveError,
    SealError, SessionError, SignatureError, SlotError, SlotId, SlotTableError, StoreId, WalletId,
    WhatIsSealed, WriteStoresError, rust,
};

mirror! {
    /// Why the device's own record of a wallet could not be used.
    operation DeviceError = twoshare::error::DeviceError {
        /// The device does not have this wallet: create, import or recover it.
        NotHere {
            /// The wallet.
            wallet: WalletId,
        },
        /// Another device has recovered the wallet, or converted it: what this one has does nothing any
        /// more, and may be older than what counts. Recover here, or forget it (`Client.forget`).
        Revoked {
            /// The wallet.
            wallet: WalletId,
        },
        /// The record is another user's: log in as that user.
        OtherUser,
        /// The record is another wallet's: the device's storage was meddled with. Recover.
        OtherWallet,
        /// The record cannot be read: see the source. Recover, if it is not for a newer version.
        Record(source: DecodeError),
        /// See there.
        Load(source: LoadError),
        /// See there. What was being done can be resumed. `SaveError.Conflict`: another process uses the
        /// same device.
        Save(source: SaveError),
        /// See there.
        Delete(source: DeleteError),
        /// See there.
        Fault(source: DeviceFault),
    }

    /// Why the custodian's state of a wallet is not known.
    operation StateError = twoshare::error::StateError {
        /// The custodian did not give it.
        Read(source: ReadError),
        /// It is not signed by the custodian of this wallet: check the custodian's key.
        WrongCustodian(source: SignatureError),
        /// It is an old state, or of another wallet or user: somebody is between us and the custodian.
        OtherState,
        /// The wallet has moved to another custodian: build the client for that one. Nothing of it works here
        /// any more.
        Moved [Moved {
            /// Where it is now.
            to = to: CustodianIdentity,
        }],
        /// No custodian is pinned, and this device does not know the wallet's: pin one.
        Unpinned,
        /// The wallet is with another custodian than the pinned one.
        OtherCustodian,
    }

    /// Why no wallet was made.
    operation CreateError = twoshare::error::CreateError {
        /// See there. Without a pinned custodian no wallet is made.
        State(source: StateError),
        /// See there.
        Device(source: DeviceError),
        /// See there.
        Run(source: RunError),
    }

    /// Why a wallet that existed before was not taken up. Nothing has changed.
    operation AdoptError = twoshare::error::AdoptError {
        /// The shares are not the device's half of this wallet.
        Half(source: NotAHalf),
        /// The device has this wallet already.
        AlreadyHere {
            /// The wallet.
            wallet: WalletId,
        },
        /// See there. `ReadError.NotFound`: the custodian does not have its half yet, or has it for
        /// another user.
        State(source: StateError),
        /// The custodian has a single-key wallet of this id.
        WrongKind,
        /// The custodian's half is of another signing epoch: the wallet was recovered elsewhere, or the
        /// shares are old.
        OtherEpoch {
            /// The epoch of the device's shares.
            epoch: Epoch,
            /// The one that counts at the custodian; none has one without a signing pair.
            custodian: Option<Epoch>,
        },
        /// The custodian's half is of another sharing of these keys, or of other keys: the two do not fit.
        OtherSharing {
            /// The index of the first key whose halves do not fit.
            index: u64,
        },
        /// See there.
        Device(source: DeviceError),
    }

    /// Why no wallet was imported.
    operation ImportError = twoshare::error::ImportError {
        /// There is nothing to import.
        Empty,
        /// A wallet has 16 keys and secrets at most: make two.
        TooMany {
            /// How many there are.
            count: u64,
            /// How many there may be.
            cap: u64,
        },
        /// See there.
        Device(source: DeviceError),
    }

    /// Why there is no new backup. The last one is as it was; `RunError` says where it may be otherwise.
    operation BackupError = twoshare::error::BackupError {
        /// See there.
        Device(source: DeviceError),
        /// An operation was interrupted before, and has to end first.
        Unsettled(source: ResumeError),
        /// See there.
        Methods(source: MethodsError),
        /// See there.
        State(source: StateError),
        /// See there.
        Run(source: RunError),
    }

    /// Why a backup was not opened. Nothing has changed.
    operation OpenBackupError = twoshare::error::OpenBackupError {
        /// See there.
        State(source: StateError),
        /// The wallet has no backup.
        NotBackedUp {
            /// The wallet.
            wallet: WalletId,
        },
        /// The custodian calls an older epoch active than this device has seen committed: its database was
        /// restored from an old copy, or it lies. Ask its operator.
        RolledBack {
            /// The epoch that the custodian calls active.
            custodian: Epoch,
            /// The newest epoch that this device has seen.
            seen: Epoch,
        },
        /// The custodian's database was restored from a copy, and may have forgotten newer epochs. Its
        /// operator has to approve the recovery first: `Recovery.approved`.
        Restored {
            /// The epoch that the copy calls active.
            custodian: Epoch,
        },
        /// No store has the envelope that the custodian names, nor another of that epoch.
        NotFound {
            /// What each store said.
            stores: Vec<FailedFetch>,
        },
        /// The envelope did not open with this method.
        Open(source: OpenError),
        /// The backup names another custodian than the pinned one: check the custodian's key.
        OtherCustodian,
        /// The backup replaced another one, which can still be restored and which this method opens too:
        /// whoever replaced it may not have been its owner. Recover, which goes back to the older one and
        /// ends the newer, or wait for the end of the grace.
        Contested {
            /// The epoch that can still be restored.
            restorable: Epoch,
        },
        /// The custodian states other commitments than the envelope has: do not go on with it.
        OtherEpoch,
    }

    /// Why there is no refreshed backup. The last one is as it was; `RunError` says where it may be
    /// otherwise.
    operation RefreshError = twoshare::error::RefreshError {
        /// See there.
        Device(source: DeviceError),
        /// An operation was interrupted before, and has to end first.
        Unsettled(source: ResumeError),
        /// See there.
        Open(source: OpenBackupError),
        /// See there.
        Methods(source: MethodsError),
        /// See there.
        Run(source: RunError),
    }

    /// Why the wallet was not recovered. Nothing has changed; `RunError` says where that may be
    /// otherwise.
    operation RecoverError = twoshare::error::RecoverError {
        /// See there.
        Device(source: DeviceError),
        /// An operation was interrupted before, and has to end first.
        Unsettled(source: ResumeError),
        /// See there.
        Open(source: OpenBackupError),
        /// See there.
        Run(source: RunError),
    }

    /// Why what was interrupted is neither finished nor given up. It is as it was: resume again later.
    operation ResumeError = twoshare::error::ResumeError {
        /// See there.
        Device(source: DeviceError),
        /// See there.
        State(source: StateError),
        /// The wallet stands still, and the operation with it.
        Frozen [Frozen {
            /// What holds it.
            freezes = 0: Freezes,
        }],
        /// It was gone on with, and stopped again.
        Run {
            /// What was interrupted.
            operation: Operation,
            /// Why.
            source: Box<RunError>,
        },
        /// See there.
        GiveUp(source: GiveUpError),
        /// Whether it is committed is not known.
        Receipt(source: ReadError),
        /// A move between two custodians is interrupted, and the other one is needed:
        /// `Client.resume_move`, or
        /// `Client.move_wallet` again.
        NeedsCustodian {
            /// Which one is needed.
            identity: CustodianIdentity,
        },
        /// An interrupted move was gone on with, and stopped again.
        Move(source: Box<MoveError>),
    }

    /// Why a wallet was not moved. It is with its custodian as it was, unless this says otherwise.
    operation MoveError = twoshare::error::MoveError {
        /// See there.
        Device(source: DeviceError),
        /// An operation was interrupted before, and has to end first.
        Unsettled(source: ResumeError),
        /// See there.
        Open(source: OpenBackupError),
        /// It is to move to where it is.
        SameCustodian,
        /// The other custodian has a wallet of this id: nothing is put over it.
        IsThere,
        /// One of the two custodians did not give its state of the wallet.
        State(source: StateError),
        /// The custodian does not let the wallet leave. Its operator opens the window, and names whom it may
        /// go to.
        Refused(source: DepartError),
        /// See there.
        Run(source: RunError),
        /// Another device has committed something with the old custodian while this one was moving the wallet.
        /// Before the other custodian had it, the move is given up. Afterwards
        /// the wallet is with both: decide for one, and have the operator of the other delete it.
        Overtaken,
        /// The wallet is with the other custodian, and this one did not take note: move again, or
        /// `Client.resume`, which goes on.
        HandOver(source: HandOverError),
        /// The same: it said that it did, and its state says otherwise. Ask its operator.
        NotGone,
        /// The custodian that the wallet went to does not have it any more as it committed it: its database
        /// was put back from a copy. The one that it left still has it, and is not told. Recover the wallet
        /// on an empty device, with that one (`Recovery.accept_moved`).
        NotHeld,
    }

    /// Why a wallet was not converted. It is a single-key wallet, as it was; `RunError` says where that may
    /// be otherwise.
    operation ConvertError = twoshare::error::ConvertError {
        /// See there.
        Device(source: DeviceError),
        /// The wallet has seeds, mnemonics or other bytes sealed under its keys, and no half of those signs
        /// anything. It stays a single-key wallet. For an MPC wallet make a new one
        /// (`Client.create_wallet`) and move the funds there: the manual of the Rust crate has the steps, under
        /// `more_curves`.
        SealedSecrets {
            /// Those that are not.
            sealed: Vec<WhatIsSealed>,
        },
        /// It is an MPC wallet already: there is nothing to do.
        AlreadyMpc,
        /// A replaced backup can still be restored: convert when it cannot any more.
        GraceRunning {
            /// Seconds until it cannot, if nothing stops its clock.
            left: u64,
        },
        /// An operation was interrupted before, and has to end first.
        Unsettled(source: ResumeError),
        /// See there.
        Open(source: OpenBackupError),
        /// See there.
        Run(source: RunError),
    }

    /// Why a drill failed: the backup cannot be relied on. What failed is kept with its time, and
    /// `Client.status` says so.
    operation DrillError = twoshare::error::DrillError {
        /// See there.
        Device(source: DeviceError),
        /// See there.
        Open(source: OpenBackupError),
        /// Too few stores have the envelope, after what could be mended was.
        Stores {
            /// How many should have it, as the policy says.
            needed: u64,
            /// Those that have it.
            have: Vec<StoreId>,
            /// Those that have not, and why they could not be mended.
            missing: Vec<FailedKeep>,
        },
        /// The custodian gave no proof.
        Read(source: ReadError),
        /// The proof does not hold.
        NotHeld(source: SessionError),
    }

    /// Why no key was given out.
    operation EjectError = twoshare::error::EjectError {
        /// See there.
        Device(source: DeviceError),
        /// An operation was interrupted before, and has to end first.
        Unsettled(source: ResumeError),
        /// See there.
        Open(source: OpenBackupError),
        /// The custodian did not begin.
        Begin(source: BeginError),
        /// The custodian released nothing. Without a window: ask its operator to open one. Where it was
        /// unavailable, it may have: eject again inside the window.
        Refused(source: CustodianEjectError),
        /// What the custodian answered does not hold.
        Session(source: SessionError),
        /// The shares do not give the wallet's key. No key is returned.
        Reconstruct(source: ReconstructError),
        /// A sealed secret does not open. No secret is returned.
        Secret(source: OpenSecretError),
    }

    /// Why a request was not objected to.
    operation CancelError = twoshare::error::CancelError {
        /// See there.
        Device(source: DeviceError),
        /// See there.
        State(source: StateError),
        /// The custodian did not begin.
        Begin(source: BeginError),
        /// The custodian did not cancel it. Where the proof is not believed, this device was revoked:
        /// `Client.status`.
        Refused(source: CustodianCancelError),
        /// What the custodian answered does not hold.
        Session(source: SessionError),
    }

    /// Why an operation that makes new epochs did not come to its end.
    part RunError = twoshare::error::RunError {
        /// See there.
        Device(source: DeviceError),
        /// The device's journal of the operation cannot be read.
        Journal(source: DecodeError),
        /// The operator lets everybody wait: call again when it is ready.
        Waiting [Waiting {
            /// Its id, by which the device's holder or the operator may cancel it.
            request = request: OperationId,
            /// From when on it may go on: seconds since 1970, by the custodian's clock.
            ready_at = ready_at: u64,
        }],
        /// See there.
        Exchange(source: ExchangeError),
        /// The shares do not give the wallet's key. No key is returned.
        Reconstruct(source: ReconstructError),
        /// A sealed secret does not open. No secret is returned.
        Secret(source: OpenSecretError),
        /// See there.
        Publish(source: PublishError),
    }

    /// Why custodian and device did not get to new shares. Nothing has changed, unless the custodian was
    /// unavailable: then `Client.resume` goes on.
    part ExchangeError = twoshare::error::ExchangeError {
        /// The custodian did not begin.
        Begin(source: BeginError),
        /// The custodian did not prepare.
        Prepare(source: PrepareError),
        /// What the custodian answered does not hold.
        Session(source: SessionError),
        /// The epoch numbers are used up.
        NoEpochLeft,
    }

    /// Why a new backup was not stored and committed.
    part PublishError = twoshare::error::PublishError {
        /// The envelope cannot be sealed.
        Seal(source: SealError),
        /// Too few stores took it and gave it back intact. The last backup is as it was.
        Stores(source: WriteStoresError),
        /// The commit was refused, and the last backup is as it was; or its answer was lost
        /// (`CommitError.Unavailable`), or it has to wait (frozen): then
        /// `Client.resume` goes on.
        Commit(source: CommitError),
        /// The receipt does not hold: the custodian lies. What is committed is not known.
        Receipt(source: SessionError),
    }

    /// Why an operation that has failed is not known to be over yet. It expires by itself; what was written of
    /// it stays until it is known.
    part GiveUpError = twoshare::error::GiveUpError {
        /// See there.
        Device(source: DeviceError),
        /// The device's journal of the operation cannot be read.
        Journal(source: DecodeError),
        /// The custodian did not begin.
        Begin(source: BeginError),
        /// The custodian did not abandon it.
        Abandon(source: AbandonError),
        /// What the custodian answered does not hold.
        Session(source: SessionError),
    }

    /// Why a method could not be made into a slot. Nothing has changed.
    part MethodsError = twoshare::error::MethodsError {
        /// The method made none.
        Slot(source: SlotError),
        /// The envelope has no room for it, or has it already.
        Table(source: SlotTableError),
        /// There is no slot of this id.
        NoSuchSlot {
            /// The slot that was named.
            slot: SlotId,
        },
    }
}
