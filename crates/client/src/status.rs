//! What an app's screens show of a wallet.

use twoshare_core::{
    check_code::CheckCode,
    curve::AnyVerifyingKey,
    envelope::SlotId,
    id::{CurveId, Epoch, OperationId, WalletId, WalletKind},
    method::SlotKind,
    proof::Operation,
};
use twoshare_protocol::{
    custodian::ReadError,
    message::State,
    rules::{Frozen, Time},
};

use crate::{
    client::{Client, now},
    drill::Level,
    error::{DeviceError, StateError},
    kept::Kept,
    operate::frozen,
    record::{BackupRecord, Record},
    recover::Waiting,
    resume::is_revoked,
    stores::{Place, StoreId},
};

const DAY: Time = 24 * 60 * 60;

/// When a backup has to be drilled, or refreshed, to be called complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrillPolicy {
    /// After this many seconds without a drill at [`Level::Matches`] it is unverified. 90 days: about as
    /// long as people remember a password that they do not use. The commit counts as a drill: it was
    /// read back, opened through every slot, and proven.
    pub verify_within: Time,
    /// After this many seconds its epoch is stale, and should be refreshed: what leaked of an older one
    /// is worth nothing then. 365 days.
    pub refresh_within: Time,
}

impl Default for DrillPolicy {
    fn default() -> Self {
        Self { verify_within: 90 * DAY, refresh_within: 365 * DAY }
    }
}

/// A wallet, as this device and its custodian know it at a moment.
#[derive(Debug)]
pub struct Status {
    /// The wallet.
    pub wallet: WalletId,
    /// Where its whole key is.
    pub kind: WalletKind,
    /// Its public name.
    pub name: Option<String>,
    /// What this device has of it.
    pub on_device: OnDevice,
    /// What every device of the wallet shows. Of a wallet that is not on this device, it is only as true
    /// as the custodian.
    pub check_code: CheckCode,
    /// The keys, in their order.
    pub keys: Vec<KeyStatus>,
    /// Whether an empty device could recover it with one of the methods.
    pub recoverable: Recoverable,
    /// The epoch of the last backup.
    pub epoch: Option<Epoch>,
    /// When it was committed: seconds since 1970, by the custodian's clock.
    pub since: Option<Time>,
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
    pub frozen: Option<Frozen>,
    /// A recovery, a conversion or an eject that waits. If it is not the user's, cancel it: [`Client::cancel`].
    pub waiting: Option<WaitingRequest>,
    /// An operation that is prepared and not committed: this device's or another's.
    pub pending: Option<PendingOperation>,
    /// Until when the operator lets the key be ejected.
    pub window: Option<Time>,
    /// When the custodian said so, by its clock; or why what is here is only what the device knows.
    pub asked: Result<Time, StateError>,
}

/// What a device has of a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDevice {
    /// Nothing: recover it.
    No,
    /// All that it needs.
    Here,
    /// Something was interrupted: [`Client::resume`] finishes it or gives it up. Whether it can be used
    /// meanwhile, [`Client::wallet`] says.
    Interrupted {
        /// What.
        operation: Operation,
    },
    /// Shares that do nothing any more: another device has recovered the wallet, or converted it. A key
    /// that was whole here still is: [`Client::forget`] it, or recover here.
    Revoked,
}

/// A key of a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// Its curve.
    pub curve: CurveId,
    /// The public key.
    pub public_key: AnyVerifyingKey,
    /// Whether it is backed up.
    pub backup: BackupState,
}

/// Whether a key is backed up: never a yes or no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackupState {
    /// It is not: back it up.
    None,
    /// Committed, read back, test-opened through every slot, proven by the custodian; all of it recently.
    Complete,
    /// Some of the stores do not have it: [`Client::resume`] copies it there when they can be reached.
    Partial {
        /// Those stores.
        missing: Vec<StoreId>,
    },
    /// Its epoch is old: refresh it.
    Stale {
        /// When it was committed.
        since: Time,
    },
    /// Nothing recent shows that it can be recovered from: drill it.
    Unverified {
        /// When it was shown last; `None` for an epoch of another device, which this one has not opened.
        since: Option<Time>,
        /// When a drill failed since.
        failed: Option<Time>,
    },
}

impl BackupState {
    /// The name used in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Complete => "complete",
            Self::Partial { .. } => "partial",
            Self::Stale { .. } => "stale",
            Self::Unverified { .. } => "unverified",
        }
    }
}

/// Whether a wallet can be recovered now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recoverable {
    /// There is no backup.
    No,
    /// With any of its methods.
    Yes,
    /// Once the custodian's operator lets the wallet go on, or has approved the recovery.
    ByOperator,
}

/// A method that opens the backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodStatus {
    /// Its slot: the same in every epoch.
    pub slot: SlotId,
    /// Its kind.
    pub kind: SlotKind,
    /// Its public label.
    pub label: String,
    /// When it was set up, seconds since 1970; of one that another device set up, when the first backup
    /// with it was sealed that this device has opened.
    pub created: Time,
}

/// A store, and what it had when this device looked last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreStatus {
    /// The store.
    pub store: StoreId,
    /// What it has.
    pub has: StoreHas,
}

/// What a store has of the last backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreHas {
    /// Nothing that is known.
    Nothing,
    /// The envelope.
    Envelope,
    /// The envelope, and the receipt that names it (the custodian's own store needs none).
    Everything,
}

/// A drill that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastDrill {
    /// How much it has shown.
    pub level: Level,
    /// The epoch that was drilled.
    pub epoch: Epoch,
    /// When, by the custodian's clock.
    pub at: Time,
}

/// A replaced backup that can still be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contested {
    /// Its epoch.
    pub restorable: Epoch,
    /// Seconds until it cannot any more, if nothing stops its clock.
    pub left: Time,
}

/// A request that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingRequest {
    /// Its id, and from when on it may go on.
    pub request: Waiting,
    /// Recover, convert or eject.
    pub operation: Operation,
}

/// An operation that is prepared and not committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingOperation {
    /// Its id.
    pub id: OperationId,
    /// What it is.
    pub operation: Operation,
    /// When it is given up.
    pub expires: Time,
}

/// Something that the user should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hazard {
    /// The wallet was recovered here, and its lost device still knows the key: move the funds.
    LostDeviceKnowsKey,
    /// The wallet was a single-key wallet once, and is an MPC wallet since: whatever had its key then (a
    /// device, a paper, another app's memory) still knows it, alone. Where that can be in wrong hands,
    /// move the funds to a new wallet.
    KeyWasWhole {
        /// Until when: seconds since 1970, by the custodian's clock.
        until: Time,
    },
    /// The whole key was given out.
    Ejected {
        /// When.
        at: Time,
    },
    /// A release of the whole key was asked for, and its answer may have got lost on the way.
    EjectUnanswered {
        /// When.
        at: Time,
    },
    /// An envelope that the custodian can open is where the custodian can read it.
    TrustsCustodianAlone,
    /// Whoever holds the unlocked device may open this method without knowing anything: what protects a
    /// backup from a thief of the phone does not protect this one.
    MethodOpenableByDevice {
        /// The method's slot.
        slot: SlotId,
    },
    /// Whoever holds the unlocked device can delete the backup from every store: none of them refuses
    /// that. The custodian's does.
    StoresDeletable,
    /// The custodian states an older backup than this device has seen committed: its database was
    /// restored from a copy, or it lies. Ask its operator.
    CustodianRolledBack {
        /// What it states.
        custodian: Option<Epoch>,
        /// What this device has seen.
        seen: Epoch,
    },
}

impl Hazard {
    /// The name used in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::LostDeviceKnowsKey => "lost_device_knows_key",
            Self::KeyWasWhole { .. } => "key_was_whole",
            Self::Ejected { .. } => "ejected",
            Self::EjectUnanswered { .. } => "eject_unanswered",
            Self::TrustsCustodianAlone => "trusts_custodian_alone",
            Self::MethodOpenableByDevice { .. } => "method_openable_by_device",
            Self::StoresDeletable => "stores_deletable",
            Self::CustodianRolledBack { .. } => "custodian_rolled_back",
        }
    }
}

impl Client {
    /// Everything that an app's screens need of a wallet. Where the custodian cannot be reached, it is
    /// what this device knows.
    ///
    /// # Errors
    ///
    /// The device's record cannot be read; or it has none, and the custodian says nothing either
    /// ([`DeviceError::NotHere`]).
    pub async fn status(&self, wallet: WalletId) -> Result<Status, DeviceError> {
        match self.load(wallet).await? {
            Ok(kept) => Ok(self.status_here(&kept).await),
            Err(_) => {
                let pinned = self.pinned().ok_or(DeviceError::NotHere { wallet })?;
                let state = self.ask_state(wallet, &pinned).await;
                let state = state.map_err(|_| DeviceError::NotHere { wallet })?;
                let record = Record::new(wallet, self.user(), state.kind, 0);
                Ok(self.describe(&record, OnDevice::No, Ok(state)))
            }
        }
    }

    async fn status_here(&self, kept: &Kept) -> Status {
        let record = &kept.record;
        let state = match self.identity_of(record) {
            Ok(identity) => self.ask_state(record.wallet, &identity).await,
            Err(error) => Err(error),
        };
        let revoked = state.as_ref().map_or(record.marks.revoked, |state| is_revoked(kept, state));
        let on_device = match &record.journal {
            _ if revoked => OnDevice::Revoked,
            Some(journal) => OnDevice::Interrupted { operation: journal.operation },
            // It works here; its end is not reached.
            None if record.moving.is_some() => OnDevice::Interrupted { operation: Operation::Move },
            None if record.is_here() => OnDevice::Here,
            None => OnDevice::No,
        };
        self.describe(record, on_device, state)
    }

    fn describe(
        &self,
        record: &Record,
        on_device: OnDevice,
        state: Result<State, StateError>,
    ) -> Status {
        let stated = state.as_ref().ok();
        let at = stated.map_or_else(now, |state| state.at);
        // An imported wallet is not known before its first backup.
        let is_new = matches!(state, Err(StateError::Read(ReadError::NotFound)));
        let active = stated.and_then(|state| state.backup.as_ref());
        let backup = match stated {
            Some(_) => record.backup.as_ref().filter(|known| {
                active.is_some_and(|a| (a.epoch, a.envelope) == (known.epoch, Some(known.digest)))
            }),
            None => record.backup.as_ref(),
        };
        let epoch = match stated {
            Some(_) => active.map(|active| active.epoch),
            None => record.backup_epoch(),
        };
        let is_moved = matches!(state, Err(StateError::Moved(_)));
        let backed_up = match (epoch, backup) {
            (None, _) => BackupState::None,
            // What the other custodian has, that one's client says.
            (Some(_), _) if is_moved => {
                BackupState::Unverified { since: None, failed: record.failed_drill }
            }
            (Some(_), None) => BackupState::Unverified { since: None, failed: record.failed_drill },
            (Some(_), Some(backup)) => self.judge(record, backup, at),
        };
        let keys = if record.is_here() { record.verifying_keys() } else { stated_keys(stated) };
        let frozen = stated.map(frozen).filter(|frozen| frozen.0.any());
        let recoverable = match (epoch, &frozen) {
            (None, _) => Recoverable::No,
            (Some(_), Some(_)) => Recoverable::ByOperator,
            (Some(_), None) => Recoverable::Yes,
        };
        Status {
            wallet: record.wallet,
            kind: record.kind,
            name: record.name.clone().map(|name| name.0),
            on_device,
            check_code: CheckCode::of(record.wallet, &keys),
            keys: keys
                .into_iter()
                .map(|public_key| KeyStatus {
                    curve: public_key.curve(),
                    public_key,
                    backup: backed_up.clone(),
                })
                .collect(),
            recoverable,
            epoch,
            since: backup.map(|backup| backup.at),
            methods: backup.map_or_else(Vec::new, methods),
            stores: self.stores_of(backup),
            last_drill: record.last_drill.map(|drill| LastDrill {
                level: Level::from_number(drill.level),
                epoch: drill.epoch,
                at: drill.at,
            }),
            hazards: self.hazards(record, backup, stated),
            contested: stated.and_then(|state| state.restorable.as_ref()).map(|restorable| {
                Contested { restorable: restorable.epoch.epoch, left: restorable.left }
            }),
            frozen,
            waiting: stated.and_then(|state| state.request.as_ref()).map(|request| {
                let waiting = Waiting { request: request.id, ready_at: request.ready };
                WaitingRequest { request: waiting, operation: request.operation }
            }),
            pending: stated.and_then(|state| state.pending.as_ref()).map(|pending| {
                let (id, operation, expires) = (pending.id, pending.operation, pending.expires);
                PendingOperation { id, operation, expires }
            }),
            window: stated.and_then(|state| state.window),
            asked: match state {
                Err(_) if is_new && record.is_here() => Ok(at),
                state => state.map(|state| state.at),
            },
        }
    }

    /// What there is to say of a backup that this device knows.
    fn judge(&self, record: &Record, backup: &BackupRecord, at: Time) -> BackupState {
        let drills = record.last_drill.iter().filter(|drill| {
            drill.epoch == backup.epoch && Level::from_number(drill.level) == Level::Matches
        });
        let shown = drills.map(|drill| drill.at).max().unwrap_or(0).max(backup.at);
        let missing: Vec<_> = self
            .stores_of(Some(backup))
            .into_iter()
            .filter(|store| store.has == StoreHas::Nothing)
            .map(|store| store.store)
            .collect();
        let policy = self.policy();
        if record.failed_drill.is_some() {
            BackupState::Unverified { since: Some(shown), failed: record.failed_drill }
        } else if !missing.is_empty() {
            BackupState::Partial { missing }
        } else if at > shown.saturating_add(policy.verify_within) {
            BackupState::Unverified { since: Some(shown), failed: None }
        } else if at > backup.at.saturating_add(policy.refresh_within) {
            BackupState::Stale { since: backup.at }
        } else {
            BackupState::Complete
        }
    }

    fn stores_of(&self, backup: Option<&BackupRecord>) -> Vec<StoreStatus> {
        let marks = backup.map_or(&[][..], |backup| &backup.stores);
        let places = self.stores().places().iter();
        let store = |(id, place): &(StoreId, Place)| {
            let mark = marks.iter().find(|mark| mark.store.0 == id.as_str());
            let has = match mark {
                Some(mark) if mark.envelope && mark.receipt => StoreHas::Everything,
                Some(mark) if mark.envelope && matches!(place, Place::Custodian) => {
                    StoreHas::Everything
                }
                Some(mark) if mark.envelope => StoreHas::Envelope,
                Some(_) | None => StoreHas::Nothing,
            };
            StoreStatus { store: id.clone(), has }
        };
        places.map(store).collect()
    }

    fn hazards(
        &self,
        record: &Record,
        backup: Option<&BackupRecord>,
        state: Option<&State>,
    ) -> Vec<Hazard> {
        let marks = record.marks;
        let mut hazards = Vec::new();
        if marks.recovered {
            hazards.push(Hazard::LostDeviceKnowsKey);
        }
        let until = record.attachments.whole_until();
        hazards.extend(until.map(|until| Hazard::KeyWasWhole { until }));
        hazards.extend(marks.ejected.map(|at| Hazard::Ejected { at }));
        hazards.extend(marks.eject_asked.map(|at| Hazard::EjectUnanswered { at }));
        if marks.trusts_custodian {
            hazards.push(Hazard::TrustsCustodianAlone);
        }
        let Some(known) = &record.backup else { return hazards };
        let openable = methods(backup.unwrap_or(known)).into_iter();
        let openable = openable.filter(|method| opens_by_device(method.kind));
        hazards.extend(openable.map(|method| Hazard::MethodOpenableByDevice { slot: method.slot }));
        if !self.stores().places().iter().any(|(_, place)| matches!(place, Place::Custodian)) {
            hazards.push(Hazard::StoresDeletable);
        }
        let custodian = state.map(|state| state.backup.as_ref().map(|active| active.epoch));
        match custodian {
            Some(custodian) if custodian < Some(known.epoch) => {
                hazards.push(Hazard::CustodianRolledBack { custodian, seen: known.epoch });
            }
            Some(_) | None => {}
        }
        hazards
    }
}

fn methods(backup: &BackupRecord) -> Vec<MethodStatus> {
    let slots = backup.slots();
    let created = backup.created.iter().copied().chain(std::iter::repeat(backup.at));
    let method = |(slot, created): (&twoshare_core::envelope::Slot, Time)| MethodStatus {
        slot: slot.id(),
        kind: slot.header().kind,
        label: slot.header().label.clone(),
        created,
    };
    slots.iter().zip(created).map(method).collect()
}

/// Whether an unlocked device opens such a method by itself: its chip, its signed-in drive, its
/// authenticator.
const fn opens_by_device(kind: SlotKind) -> bool {
    match kind {
        SlotKind::Passkey | SlotKind::CustodialPasskey | SlotKind::Drive | SlotKind::Hardware => {
            true
        }
        SlotKind::Password
        | SlotKind::RecoveryCode
        | SlotKind::Pin
        | SlotKind::Device
        | SlotKind::Other(_) => false,
    }
}

/// The public keys, as the custodian states them.
fn stated_keys(state: Option<&State>) -> Vec<AnyVerifyingKey> {
    let epoch = state.and_then(|state| state.backup.as_ref().or(state.signing.as_ref()));
    let commitments = epoch.map_or(&[][..], |epoch| &epoch.commitments);
    commitments.iter().map(twoshare_core::share::AnyCommitment::verifying_key).collect()
}
