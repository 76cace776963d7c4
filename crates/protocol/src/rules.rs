//! The rules of a wallet's epochs, as a pure state machine: who may do what, what a commit ends,
//! what waits, what is frozen, what expires. It has no cryptography, storage or clock of its own.
//!
//! A custodian looks the wallet up, checks the possession proof that a request carries against the
//! commitment of the epoch it names, says here *what was proven* ([`Evidence`]) and stores the
//! wallet as it is afterwards, in one transaction. What the proof is worth today (active,
//! restorable, ended) is decided here and nowhere else.
//!
//! `M` is what the custodian keeps of one epoch (its shares), `P` what it keeps of a pending
//! operation besides (its answer, as it was sent). The machine moves them and drops them when
//! their time is over; it never looks inside. That is what lets the same code run under the
//! in-memory custodian with real shares and under a model checker with symbols.

use std::collections::BTreeMap;

use thiserror::Error;
use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, Purpose, WalletKind},
    proof::Operation,
};

mod clock;
mod commit;
mod custody;
mod prepare;
mod release;
mod request;
#[cfg(test)]
mod tests;

pub use self::{
    commit::{AbandonRefusal, CommitRefusal, Committed},
    custody::{Custody, DepartRefusal, Gone, HandOverRefusal, Leaving, Moved},
    prepare::{Admission, Admitted, Ask, PrepareRefusal},
    release::{ReleaseRefusal, RetireRefusal, WindowRefusal},
    request::{CancelRefusal, Favour, UnfreezeRefusal, WaitRefusal},
};

/// Seconds since the Unix epoch, by the custodian's clock.
pub type Time = u64;

/// What the operator decides. All times in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Policy {
    /// How long a pending epoch waits for its commit. 15 minutes.
    pub pending: Time,
    /// How long a replaced epoch stays restorable. 72 hours.
    pub grace: Time,
    /// How long a recovery or a conversion waits, so that its owner can object. None.
    pub recovery_wait: Time,
    /// How long an eject waits. None.
    pub eject_wait: Time,
    /// How long a request that has waited long enough may still be used. 72 hours.
    pub request_validity: Time,
    /// How old a copy of the database may be restored: the envelope of an ended epoch is kept that
    /// long. 30 days.
    pub restore_window: Time,
}

impl Default for Policy {
    fn default() -> Self {
        const HOUR: Time = 60 * 60;
        Self {
            pending: HOUR / 4,
            grace: 72 * HOUR,
            recovery_wait: 0,
            eject_wait: 0,
            request_validity: 72 * HOUR,
            restore_window: 30 * 24 * HOUR,
        }
    }
}

/// How far past the highest epoch that a custodian knows, or has given a receipt for, the next one
/// may be.
pub const MAX_EPOCH_JUMP: u64 = 1024;

/// What the caller has proven, beyond being logged in as the wallet's user. The proof itself has
/// been checked; whether the epoch it is about still counts has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// Nothing: a session token alone.
    Token,
    /// Possession of the client's signing share of this epoch: the device of an MPC wallet.
    Signing(Epoch),
    /// Possession of the key itself: a device of a single-key wallet.
    Key,
    /// Possession of the client's backup share of this epoch: a method was opened.
    Backup(Epoch),
    /// Possession of the client's shares of this operation's pending epoch.
    Pending(OperationId),
}

/// What a proof is worth, in rising rank: a higher one displaces the pending epoch of a lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Authority {
    /// A session token, for a wallet that does not exist yet.
    Newcomer,
    /// The device's proof: of the active signing share, or of the key of a single-key wallet.
    Device,
    /// The active backup share.
    Active,
    /// The restorable backup share.
    Restorable,
}

/// One epoch that counts, and what the custodian holds of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Active<M> {
    /// Its number.
    pub epoch: Epoch,
    /// What the custodian holds of it.
    pub material: M,
    /// The envelope of a backup epoch. A signing epoch has none.
    pub envelope: Option<Digest>,
}

/// The backup epoch that a replace superseded, while its owner can still object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Restorable<M> {
    /// Its number.
    pub epoch: Epoch,
    /// What the custodian holds of it.
    pub material: M,
    /// Its envelope.
    pub envelope: Option<Digest>,
    /// Seconds of grace left, as long as its clock runs.
    pub left: Time,
}

/// An epoch, or one of each purpose, prepared and not yet committed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pending<M, P> {
    /// What it is for.
    pub operation: Operation,
    /// Its operation id.
    pub id: OperationId,
    /// The digest of the request that made it: the same id with other bytes is refused.
    pub request: Digest,
    /// What was proven when it was prepared.
    pub authority: Authority,
    /// When it is given up.
    pub expires: Time,
    /// The new signing epoch.
    pub signing: Option<(Epoch, M)>,
    /// The new backup epoch.
    pub backup: Option<(Epoch, M)>,
    /// Of an arriving wallet, what stands for where it came from.
    pub origin: Option<Digest>,
    /// What else is kept until it ends.
    pub session: P,
}

impl<M, P> Pending<M, P> {
    /// The epoch it makes for this purpose.
    pub fn of(&self, purpose: Purpose) -> Option<&(Epoch, M)> {
        match purpose {
            Purpose::Signing => self.signing.as_ref(),
            Purpose::Backup => self.backup.as_ref(),
        }
    }
}

/// A recovery, a conversion or an eject that waits, so that whoever else could be the owner hears of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// The operation that asked first.
    pub id: OperationId,
    /// Recover, convert or eject.
    pub operation: Operation,
    /// What was proven. Whoever proves the same again uses this request.
    pub evidence: Evidence,
    /// From when on it may be used.
    pub ready: Time,
    /// When it is forgotten.
    pub expires: Time,
    /// Whether the operator has settled a dispute in its favour: it cannot be cancelled again.
    pub settled: bool,
}

/// Why a wallet stands still. Several can hold at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Freezes {
    /// The device has objected to this request.
    pub dispute: Option<OperationId>,
    /// The operator ordered it.
    pub operator: bool,
    /// The database was restored from a copy that may be old.
    pub restored: Option<Restored>,
}

impl Freezes {
    /// Whether anything holds the wallet.
    #[must_use]
    pub const fn any(self) -> bool {
        self.dispute.is_some() || self.operator || self.restored.is_some()
    }
}

/// How a wallet of a restored database gets going again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Restored {
    /// The operator has to approve a recovery first, or a replace where the copy's methods are all
    /// forgotten: what the copy calls active may have ended, and whoever still has a removed method
    /// or a revoked device could use it.
    AwaitsApproval,
    /// The operation whose id its owner read out to the operator may be committed, which ends the
    /// freeze. The id is shown to nobody: whoever has a removed method could use it first.
    Approved,
}

/// The wallet stands still; only its operator can let it go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the wallet is frozen; ask the operator of the custodian")]
pub struct Frozen(pub Freezes);

/// How an operation ended. Kept, so that whoever repeats a step hears the same again.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Its epochs became active.
    Committed(Committed),
    /// Somebody entitled to it gave it up.
    Abandoned,
    /// Its time was over.
    Expired,
    /// Somebody with a stronger proof began another operation.
    Displaced,
}

/// A wallet as the custodian keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wallet<M, P> {
    kind: WalletKind,
    /// The latest time seen: a clock that is set back does not bring time back.
    now: Time,
    signing: Option<Active<M>>,
    backup: Option<Active<M>>,
    restorable: Option<Restorable<M>>,
    pending: Option<Pending<M, P>>,
    request: Option<Request>,
    freezes: Freezes,
    /// The recovery or replace that the operator approved under a restore freeze.
    approved: Option<OperationId>,
    /// Until when the operator lets the key be released.
    window: Option<Time>,
    /// The highest number given to an epoch of each purpose, committed or not; 0 before the first.
    highest: Highest,
    /// When each ended backup epoch ended, until its envelope is retired.
    ended: BTreeMap<Epoch, Ended>,
    outcomes: BTreeMap<OperationId, Outcome>,
    /// That it leaves for another custodian, or is there.
    custody: Option<Custody>,
}

/// Everything a wallet is, for storage to keep in columns of its own.
///
/// Of `ended` and `outcomes` only those of the epoch and the operation at hand need to be there: no
/// rule looks at another's. What a step adds is to be kept beside the others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Parts<M, P> {
    /// MPC or single-key.
    pub kind: WalletKind,
    /// The latest time seen.
    pub now: Time,
    /// The signing epoch that counts.
    pub signing: Option<Active<M>>,
    /// The backup epoch that counts.
    pub backup: Option<Active<M>>,
    /// The backup epoch that a replace superseded, during its grace.
    pub restorable: Option<Restorable<M>>,
    /// What is prepared and not yet committed.
    pub pending: Option<Pending<M, P>>,
    /// What waits.
    pub request: Option<Request>,
    /// Why the wallet stands still, where it does.
    pub freezes: Freezes,
    /// What the operator approved under a restore freeze. To be shown to nobody.
    pub approved: Option<OperationId>,
    /// Until when the operator lets the key be released.
    pub window: Option<Time>,
    /// The highest number given out, per purpose.
    pub highest: Highest,
    /// When backup epochs ended, until their envelopes are retired.
    pub ended: BTreeMap<Epoch, Ended>,
    /// How operations ended.
    pub outcomes: BTreeMap<OperationId, Outcome>,
    /// That it leaves for another custodian, or is there.
    pub custody: Option<Custody>,
}

/// The highest epoch numbers known; 0 before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Highest {
    /// Of the signing pair.
    pub signing: u64,
    /// Of the backup pair.
    pub backup: u64,
}

impl Highest {
    /// The highest number of this purpose.
    #[must_use]
    pub const fn of(self, purpose: Purpose) -> u64 {
        match purpose {
            Purpose::Signing => self.signing,
            Purpose::Backup => self.backup,
        }
    }

    fn raise(&mut self, purpose: Purpose, epoch: Epoch) {
        let number = match purpose {
            Purpose::Signing => &mut self.signing,
            Purpose::Backup => &mut self.backup,
        };
        *number = epoch.get().max(*number);
    }
}

/// A backup epoch that ended, and whose envelope is still kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ended {
    /// Its envelope.
    pub envelope: Option<Digest>,
    /// When it ended.
    pub at: Time,
}

impl<M, P> Wallet<M, P> {
    /// A wallet with nothing in it yet.
    #[must_use]
    pub const fn new(kind: WalletKind, now: Time) -> Self {
        Self {
            kind,
            now,
            signing: None,
            backup: None,
            restorable: None,
            pending: None,
            request: None,
            freezes: Freezes { dispute: None, operator: false, restored: None },
            approved: None,
            window: None,
            highest: Highest { signing: 0, backup: 0 },
            ended: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            custody: None,
        }
    }

    /// An MPC wallet that existed before its custodian: this signing epoch counts from now on, and
    /// there is no backup yet.
    #[must_use]
    pub fn adopted(epoch: Epoch, material: M, now: Time) -> Self {
        let mut wallet = Self::new(WalletKind::Mpc, now);
        wallet.highest.raise(Purpose::Signing, epoch);
        wallet.signing = Some(Active { epoch, material, envelope: None });
        wallet
    }

    /// The wallet that was taken apart into these.
    #[must_use]
    pub fn from_parts(parts: Parts<M, P>) -> Self {
        let Parts {
            kind,
            now,
            signing,
            backup,
            restorable,
            pending,
            request,
            freezes,
            approved,
            window,
            highest,
            ended,
            outcomes,
            custody,
        } = parts;
        Self {
            kind,
            now,
            signing,
            backup,
            restorable,
            pending,
            request,
            freezes,
            approved,
            window,
            highest,
            ended,
            outcomes,
            custody,
        }
    }

    /// Takes it apart.
    #[must_use]
    pub fn into_parts(self) -> Parts<M, P> {
        let Self {
            kind,
            now,
            signing,
            backup,
            restorable,
            pending,
            request,
            freezes,
            approved,
            window,
            highest,
            ended,
            outcomes,
            custody,
        } = self;
        Parts {
            kind,
            now,
            signing,
            backup,
            restorable,
            pending,
            request,
            freezes,
            approved,
            window,
            highest,
            ended,
            outcomes,
            custody,
        }
    }

    /// Whether nothing was ever committed or is about to be, and its operator has ordered nothing: such
    /// a wallet need not be kept.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        let has_epoch = self.signing.is_some() || self.backup.is_some() || self.pending.is_some();
        !has_epoch && !self.freezes.operator && self.gone().is_none()
    }

    /// MPC or single-key.
    #[must_use]
    pub const fn kind(&self) -> WalletKind {
        self.kind
    }

    /// The latest time this wallet has seen.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The signing epoch that counts.
    #[must_use]
    pub const fn signing(&self) -> Option<&Active<M>> {
        self.signing.as_ref()
    }

    /// The backup epoch that counts.
    #[must_use]
    pub const fn backup(&self) -> Option<&Active<M>> {
        self.backup.as_ref()
    }

    /// The backup epoch that a replace superseded, during its grace.
    #[must_use]
    pub const fn restorable(&self) -> Option<&Restorable<M>> {
        self.restorable.as_ref()
    }

    /// What is prepared and not yet committed.
    #[must_use]
    pub const fn pending(&self) -> Option<&Pending<M, P>> {
        self.pending.as_ref()
    }

    /// What waits.
    #[must_use]
    pub const fn request(&self) -> Option<&Request> {
        self.request.as_ref()
    }

    /// Why the wallet stands still, where it does.
    #[must_use]
    pub const fn freezes(&self) -> Freezes {
        self.freezes
    }

    /// What the operator approved under a restore freeze: for storage, and to be shown to nobody.
    #[must_use]
    pub const fn approved(&self) -> Option<OperationId> {
        self.approved
    }

    /// How operations ended, as far as they were loaded, and those that have ended since.
    #[must_use]
    pub const fn outcomes(&self) -> &BTreeMap<OperationId, Outcome> {
        &self.outcomes
    }

    /// Until when the operator lets the key be released.
    #[must_use]
    pub const fn window(&self) -> Option<Time> {
        self.window
    }

    /// When something ends by itself, if nothing happens until then and no clock is stopped.
    #[must_use]
    pub fn due(&self) -> Option<Time> {
        let grace = self.restorable.as_ref().filter(|_| !self.grace_is_stopped());
        let request = self.request.as_ref().filter(|_| !self.freezes.any());
        let ends = [
            self.pending.as_ref().map(|pending| pending.expires),
            request.map(|request| request.expires),
            self.window,
            grace.map(|restorable| self.now.saturating_add(restorable.left)),
        ];
        ends.into_iter().flatten().min()
    }

    /// The highest epoch number given out, per purpose.
    #[must_use]
    pub const fn highest(&self) -> Highest {
        self.highest
    }

    /// The ended backup epochs whose envelopes are still kept.
    #[must_use]
    pub const fn ended(&self) -> &BTreeMap<Epoch, Ended> {
        &self.ended
    }

    /// How this operation ended; `None` while it has not, or was never heard of.
    #[must_use]
    pub fn outcome(&self, id: OperationId) -> Option<&Outcome> {
        self.outcomes.get(&id)
    }

    /// The share that still counts of this epoch, where there is one: what a proof of it is
    /// checked against.
    #[must_use]
    pub fn material(&self, purpose: Purpose, epoch: Epoch) -> Option<&M> {
        let active = match purpose {
            Purpose::Signing => self.signing.as_ref(),
            Purpose::Backup => self.backup.as_ref(),
        };
        let restorable = match purpose {
            Purpose::Signing => None,
            Purpose::Backup => self.restorable.as_ref(),
        };
        active
            .filter(|active| active.epoch == epoch)
            .map(|active| &active.material)
            .or_else(|| restorable.filter(|r| r.epoch == epoch).map(|r| &r.material))
    }

    /// What this evidence is worth today; `None` when the epoch it is about has ended or never was.
    fn authority(&self, evidence: Evidence) -> Option<Authority> {
        let is =
            |active: &Option<Active<M>>, epoch| active.as_ref().is_some_and(|a| a.epoch == epoch);
        match evidence {
            Evidence::Token => Some(Authority::Newcomer),
            Evidence::Signing(epoch) => is(&self.signing, epoch).then_some(Authority::Device),
            Evidence::Key => (self.kind == WalletKind::SingleKey).then_some(Authority::Device),
            Evidence::Backup(epoch) if is(&self.backup, epoch) => Some(Authority::Active),
            Evidence::Backup(epoch) => {
                let restorable = self.restorable.as_ref().is_some_and(|r| r.epoch == epoch);
                restorable.then_some(Authority::Restorable)
            }
            Evidence::Pending(id) => {
                self.pending.as_ref().filter(|p| p.id == id).map(|pending| pending.authority)
            }
        }
    }

    /// What this evidence is worth for anything but its own operation: a share that is pending is not
    /// the one that it was prepared with.
    fn standing(&self, evidence: Evidence) -> Option<Authority> {
        match evidence {
            Evidence::Pending(_) => None,
            _ => self.authority(evidence),
        }
    }

    /// Refuses while the wallet stands still for anything but a recovery after a restore.
    fn check_thawed(&self) -> Result<(), Frozen> {
        if self.freezes.any() { Err(Frozen(self.freezes)) } else { Ok(()) }
    }

    /// The same for a step of this operation: an approved recovery or replace runs under a restore
    /// freeze.
    fn check_thawed_for(&self, operation: Operation, id: OperationId) -> Result<(), Frozen> {
        let approved = Freezes { restored: Some(Restored::Approved), ..Freezes::default() };
        let is_approved = self.freezes == approved && self.approved == Some(id);
        if matches!(operation, Operation::Recover | Operation::Replace) && is_approved {
            return Ok(());
        }
        self.check_thawed()
    }
}
