//! What an app's screens show of a wallet.

use twoshare::{
    Hazard, Level, StoreId,
    core::{
        check_code::CheckCode,
        envelope::SlotId,
        id::{CurveId, Epoch, OperationId, WalletId, WalletKind},
        method,
        proof::Operation,
    },
    protocol::rules::{Freezes, Restored},
    status::{self, BackupState, OnDevice, Recoverable, StoreHas},
};

use crate::{error::StateError, recovery::Waiting, wallet::VerifyingKey};

/// When a backup has to be drilled or refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Record)]
pub struct DrillPolicy {
    /// After this many seconds without a drill that matches, a backup is unverified. 90 days by default: about as long as
    /// people remember a password that they do not use. The commit counts as a drill.
    #[uniffi(default = 7776000)]
    pub verify_within: u64,
    /// After this many seconds its epoch is stale, and should be refreshed. 365 days by default.
    #[uniffi(default = 31536000)]
    pub refresh_within: u64,
}

impl From<DrillPolicy> for twoshare::DrillPolicy {
    fn from(policy: DrillPolicy) -> Self {
        let DrillPolicy { verify_within, refresh_within } = policy;
        Self { verify_within, refresh_within }
    }
}

/// Everything that an app's screens need of a wallet. Times are seconds since 1970, by the custodian's clock unless
/// they say otherwise.
#[derive(Debug, uniffi::Record)]
pub struct Status {
    /// The wallet.
    pub wallet: WalletId,
    /// Where its whole key is.
    pub kind: WalletKind,
    /// Its public name.
    pub name: Option<String>,
    /// What this device has of it.
    pub on_device: OnDevice,
    /// What every device of the wallet shows. Of a wallet that is not on this device, it is only as true as the
    /// custodian.
    pub check_code: CheckCode,
    /// The keys, in their order.
    pub keys: Vec<KeyStatus>,
    /// Whether an empty device could recover it with one of the methods.
    pub recoverable: Recoverable,
    /// The epoch of the last backup.
    pub epoch: Option<Epoch>,
    /// When it was committed.
    pub since: Option<u64>,
    /// The methods that open it, as far as this device knows.
    pub methods: Vec<MethodStatus>,
    /// The stores.
    pub stores: Vec<StoreStatus>,
    /// The last drill that succeeded.
    pub last_drill: Option<LastDrill>,
    /// What the user should know.
    pub hazards: Vec<Hazard>,
    /// A replaced backup can still be restored: whoever replaced it may not have been its owner.
    pub contested: Option<Contested>,
    /// The wallet stands still, and why.
    pub frozen: Option<Freezes>,
    /// A recovery, a conversion or an eject that waits. If it is not the user's, cancel it: `Client.cancel`.
    pub waiting: Option<WaitingRequest>,
    /// An operation that is prepared and not committed: this device's or another's.
    pub pending: Option<PendingOperation>,
    /// Until when the operator lets the key be ejected.
    pub window: Option<u64>,
    /// When the custodian said so; or why what is here is only what the device knows.
    pub asked: Asked,
}

/// Whether the custodian was heard.
#[derive(Debug, uniffi::Enum)]
pub enum Asked {
    /// It was.
    At {
        /// When, by its clock: seconds since 1970.
        at: u64,
    },
    /// It was not: the rest is what the device knows.
    Unheard {
        /// Why.
        why: StateError,
    },
}

/// What this device has of a wallet.
#[uniffi::remote(Enum)]
pub enum OnDevice {
    /// Nothing: recover it.
    No,
    /// All that it needs.
    Here,
    /// Something was interrupted: `Client.resume` finishes it or gives it up. Whether it can be used meanwhile,
    /// `Client.wallet` says.
    Interrupted {
        /// What.
        operation: Operation,
    },
    /// Shares that do nothing any more: another device has recovered the wallet, or converted it. A key that was whole
    /// here still is: `Client.forget` it, or recover here.
    Revoked,
}

/// One key of a wallet.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct KeyStatus {
    /// Its curve.
    pub curve: CurveId,
    /// The public key.
    pub public_key: VerifyingKey,
    /// Whether it is backed up.
    pub backup: BackupState,
}

/// Whether a key is backed up.
#[uniffi::remote(Enum)]
pub enum BackupState {
    /// It is not: back it up.
    None,
    /// Committed, read back, test-opened through every slot, proven by the custodian; all of it recently.
    Complete,
    /// Some of the stores do not have it: `Client.resume` copies it there when they can be reached.
    Partial {
        /// Those stores.
        missing: Vec<StoreId>,
    },
    /// Its epoch is old: refresh it.
    Stale {
        /// When it was committed: seconds since 1970.
        since: u64,
    },
    /// Nothing recent shows that it can be recovered from: drill it.
    Unverified {
        /// When it was shown last, in seconds since 1970; none for an epoch of another device, which this one has not
        /// opened.
        since: Option<u64>,
        /// When a drill failed since.
        failed: Option<u64>,
    },
}

/// Whether an empty device could recover a wallet.
#[uniffi::remote(Enum)]
pub enum Recoverable {
    /// There is no backup.
    No,
    /// With any of its methods.
    Yes,
    /// Once the custodian's operator lets the wallet go on, or has approved the recovery.
    ByOperator,
}

/// A method that opens a backup.
#[derive(Debug, Clone, PartialEq, Eq, Hash, uniffi::Record)]
pub struct MethodStatus {
    /// Its slot: the same in every epoch.
    pub slot: SlotId,
    /// Its kind.
    pub kind: SlotKind,
    /// Its public label.
    pub label: String,
    /// When it was set up, in seconds since 1970 by this device's clock; of one that another device set up, when the first
    /// backup with it was sealed that this device has opened.
    pub created: u64,
}

/// The kind of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Enum)]
pub enum SlotKind {
    /// A password.
    Password,
    /// A recovery code of 128 random bits.
    RecoveryCode,
    /// A PIN, hardened by a server.
    Pin,
    /// A passkey whose PRF output is the identity.
    Passkey,
    /// A passkey that makes the custodian return the identity that it holds.
    CustodialPasskey,
    /// An identity kept in the user's cloud drive.
    Drive,
    /// An identity inside hardware of the user's own.
    Hardware,
    /// Another person's device, or a device whose key was only scanned.
    Device,
    /// A kind that this version does not know: a newer version of the app has set it up.
    Other {
        /// Its number.
        number: u64,
    },
}

impl From<method::SlotKind> for SlotKind {
    fn from(kind: method::SlotKind) -> Self {
        match kind {
            method::SlotKind::Password => Self::Password,
            method::SlotKind::RecoveryCode => Self::RecoveryCode,
            method::SlotKind::Pin => Self::Pin,
            method::SlotKind::Passkey => Self::Passkey,
            method::SlotKind::CustodialPasskey => Self::CustodialPasskey,
            method::SlotKind::Drive => Self::Drive,
            method::SlotKind::Hardware => Self::Hardware,
            method::SlotKind::Device => Self::Device,
            method::SlotKind::Other(_) => Self::Other { number: kind.number() },
        }
    }
}

/// A store, and what it has of the last backup.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct StoreStatus {
    /// The store.
    pub store: StoreId,
    /// What it has.
    pub has: StoreHas,
}

/// What a store has of the last backup, as far as this device knows.
#[uniffi::remote(Enum)]
pub enum StoreHas {
    /// Nothing that is known.
    Nothing,
    /// The envelope.
    Envelope,
    /// The envelope, and the receipt that names it (the custodian's own store needs none).
    Everything,
}

/// The last drill that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Record)]
pub struct LastDrill {
    /// How much it has shown.
    pub level: Level,
    /// The epoch that was drilled.
    pub epoch: Epoch,
    /// When, by the custodian's clock: seconds since 1970.
    pub at: u64,
}

/// What the user should know of a wallet.
#[uniffi::remote(Enum)]
pub enum Hazard {
    /// The wallet was recovered here, and its lost device still knows the key: move the funds.
    LostDeviceKnowsKey,
    /// The wallet was a single-key wallet once, and is an MPC wallet since: whatever had its key then (a device, a paper,
    /// another app's memory) still knows it, alone. Where that can be in wrong hands, move the funds to a new wallet.
    KeyWasWhole {
        /// Until when: seconds since 1970, by the custodian's clock.
        until: u64,
    },
    /// The whole key was given out.
    Ejected {
        /// When: seconds since 1970.
        at: u64,
    },
    /// A release of the whole key was asked for, and its answer may have got lost on the way.
    EjectUnanswered {
        /// When: seconds since 1970.
        at: u64,
    },
    /// An envelope that the custodian can open is where the custodian can read it.
    TrustsCustodianAlone,
    /// Whoever holds the unlocked device may open this method without knowing anything: what protects a backup from a thief
    /// of the phone does not protect this one.
    MethodOpenableByDevice {
        /// The method's slot.
        slot: SlotId,
    },
    /// Whoever holds the unlocked device can delete the backup from every store: none of them refuses that. The custodian's
    /// does.
    StoresDeletable,
    /// The custodian states an older backup than this device has seen committed: its database was restored from a copy, or it
    /// lies. Ask its operator.
    CustodianRolledBack {
        /// What it states.
        custodian: Option<Epoch>,
        /// What this device has seen.
        seen: Epoch,
    },
}

/// A replaced backup that can still be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Record)]
pub struct Contested {
    /// Its epoch.
    pub restorable: Epoch,
    /// Seconds until it cannot any more, if nothing stops its clock.
    pub left: u64,
}

/// Why a wallet stands still. Several can hold at once; only the custodian's operator can let it go on.
#[uniffi::remote(Record)]
pub struct Freezes {
    /// A device has objected to this request.
    pub dispute: Option<OperationId>,
    /// The operator ordered it.
    pub operator: bool,
    /// The custodian's database was restored from a copy that may be old.
    pub restored: Option<Restored>,
}

/// How a wallet of a restored database gets going again.
#[uniffi::remote(Enum)]
pub enum Restored {
    /// The operator has to approve a recovery first, or a replace where the copy's methods are all forgotten.
    AwaitsApproval,
    /// The operation whose id its owner read out to the operator may be committed, which ends the freeze.
    Approved,
}

/// A recovery, a conversion or an eject that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Record)]
pub struct WaitingRequest {
    /// Its id, and from when on it may go on.
    pub request: Waiting,
    /// Recover, convert or eject.
    pub operation: Operation,
}

/// An operation that is prepared and not committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Record)]
pub struct PendingOperation {
    /// Its id.
    pub id: OperationId,
    /// What it is.
    pub operation: Operation,
    /// When it is given up: seconds since 1970, by the custodian's clock.
    pub expires: u64,
}

impl From<twoshare::Status> for Status {
    fn from(status: twoshare::Status) -> Self {
        let twoshare::Status {
            wallet,
            kind,
            name,
            on_device,
            check_code,
            keys,
            recoverable,
            epoch,
            since,
            methods,
            stores,
            last_drill,
            hazards,
            contested,
            frozen,
            waiting,
            pending,
            window,
            asked,
        } = status;
        Self {
            wallet,
            kind,
            name,
            on_device,
            check_code,
            keys: keys.into_iter().map(KeyStatus::from).collect(),
            recoverable,
            epoch,
            since,
            methods: methods.into_iter().map(MethodStatus::from).collect(),
            stores: stores.into_iter().map(StoreStatus::from).collect(),
            last_drill: last_drill.map(LastDrill::from),
            hazards,
            contested: contested.map(Contested::from),
            frozen: frozen.map(|frozen| frozen.0),
            waiting: waiting.map(WaitingRequest::from),
            pending: pending.map(PendingOperation::from),
            window,
            asked: match asked {
                Ok(at) => Asked::At { at },
                Err(why) => Asked::Unheard { why: why.into() },
            },
        }
    }
}

impl From<status::KeyStatus> for KeyStatus {
    fn from(key: status::KeyStatus) -> Self {
        let status::KeyStatus { curve, public_key, backup } = key;
        Self { curve, public_key: (&public_key).into(), backup }
    }
}

impl From<status::MethodStatus> for MethodStatus {
    fn from(method: status::MethodStatus) -> Self {
        let status::MethodStatus { slot, kind, label, created } = method;
        Self { slot, kind: kind.into(), label, created }
    }
}

impl From<status::StoreStatus> for StoreStatus {
    fn from(store: status::StoreStatus) -> Self {
        let status::StoreStatus { store, has } = store;
        Self { store, has }
    }
}

impl From<status::LastDrill> for LastDrill {
    fn from(drill: status::LastDrill) -> Self {
        let status::LastDrill { level, epoch, at } = drill;
        Self { level, epoch, at }
    }
}

impl From<status::Contested> for Contested {
    fn from(contested: status::Contested) -> Self {
        let status::Contested { restorable, left } = contested;
        Self { restorable, left }
    }
}

impl From<status::WaitingRequest> for WaitingRequest {
    fn from(waiting: status::WaitingRequest) -> Self {
        let status::WaitingRequest { request, operation } = waiting;
        Self { request: request.into(), operation }
    }
}

impl From<status::PendingOperation> for PendingOperation {
    fn from(pending: status::PendingOperation) -> Self {
        let status::PendingOperation { id, operation, expires } = pending;
        Self { id, operation, expires }
    }
}
