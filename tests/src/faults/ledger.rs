//! The reference model: what must be true of the wallet, kept by somebody who sees every message arrive
//! and knows who means what, and written without a look at the rules' own code.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use twoshare::{
    core::{
        digest::Digest,
        id::{Epoch, OperationId, WalletId, WalletKind},
        proof::Operation,
    },
    protocol::{
        message::{Begin, Commit, Receipt, State},
        rules::{Evidence, Time},
    },
};

use super::{
    methods::{Change, Set},
    stage::{Actor, Who},
};

/// Everything that is known of all wallets.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// Nobody keeps it: messages arrive at once, and in no order that it could follow.
    closed: bool,
    wallets: BTreeMap<WalletId, Model>,
    broken: Vec<String>,
    /// Since the last look at the state somebody has sent a cancel, which may have arrived.
    cancelled: bool,
}

/// One wallet.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub(super) kind: WalletKind,
    /// How long a replaced backup stays restorable.
    grace: Time,
    attempts: BTreeMap<OperationId, Attempt>,
    pub(super) signing: Option<Epoch>,
    pub(super) backup: Option<Backup>,
    pub(super) restorable: Option<Backup>,
    /// Since the restorable epoch was replaced: how long the clock ran at least, and at most.
    ran: (Time, Time),
    /// The highest numbers given out, and those of which the owner had a receipt.
    highest: [u64; 2],
    told: [u64; 2],
    /// The operator ordered it to stand still.
    pub(super) ordered: bool,
    /// A request is in dispute.
    pub(super) disputed: bool,
    /// The custodian was restored from a copy.
    pub(super) held: bool,
    approved: Option<OperationId>,
    /// The grace of the owner's backup has passed while somebody else's counted.
    pub(super) over: bool,
    /// On which device of the owner's the signing share is.
    pub(super) signs_on: Option<usize>,
    /// How many commits there were.
    pub(super) commits: u64,
}

/// A backup epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Backup {
    pub(super) epoch: Epoch,
    pub(super) digest: Digest,
    /// Who made it.
    pub(super) who: Who,
    /// What opens it: exactly these, or none but these.
    pub(super) opens: Set,
    pub(super) exactly: bool,
}

/// An operation that somebody has begun.
#[derive(Debug, Clone)]
struct Attempt {
    who: Who,
    device: usize,
    change: Change,
    kind: WalletKind,
    operation: Operation,
    evidence: Evidence,
    makes: [Option<Epoch>; 2],
    sent: Vec<Option<Digest>>,
    prepared: bool,
    committed: bool,
    /// Something goes wrong in it, such as that a store does not say which numbers it has.
    faulty: bool,
}

impl Ledger {
    /// One that nobody keeps.
    pub(super) fn closed() -> Self {
        let ledger = Self::default();
        ledger.lock().closed = true;
        ledger
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was found broken so far.
    pub(super) fn broken(&self) -> Vec<String> {
        self.lock().broken.clone()
    }

    pub(super) fn breaks(&self, what: impl Into<String>) {
        self.lock().broken.push(what.into());
    }

    pub(super) fn model(&self, wallet: WalletId) -> Option<Model> {
        self.lock().wallets.get(&wallet).cloned()
    }

    /// Lets somebody change what is known of a wallet.
    pub(super) fn with<T>(
        &self,
        wallet: WalletId,
        change: impl FnOnce(&mut Model) -> T,
    ) -> Option<T> {
        self.lock().wallets.get_mut(&wallet).map(change)
    }

    /// Somebody has sent a begin.
    pub(super) fn begins(&self, actor: &Actor, begin: &Begin, grace: Time) {
        use twoshare::core::id::Purpose::{Backup, Signing};
        let operation = begin.operation;
        let makes = [Signing, Backup].map(|purpose| begin.plan.makes(purpose));
        if makes == [None, None] {
            return;
        }
        let mut inner = self.lock();
        let model =
            inner.wallets.entry(begin.wallet).or_insert_with(|| Model::new(begin.kind, grace));
        model.attempts.entry(begin.id).or_insert_with(|| Attempt {
            who: actor.who,
            device: actor.device,
            change: actor.change,
            kind: begin.kind,
            operation,
            evidence: begin.evidence,
            makes,
            sent: Vec::new(),
            prepared: false,
            committed: false,
            faulty: !actor.faults.is_empty(),
        });
    }

    /// The custodian has said that it is prepared.
    pub(super) fn prepared(&self, wallet: WalletId, id: OperationId) {
        self.judge(wallet, |model| model.prepared(id));
    }

    /// Somebody has sent a commit.
    pub(super) fn commits(&self, commit: &Commit) {
        self.with(commit.body.wallet, |model| {
            if let Some(attempt) = model.attempts.get_mut(&commit.body.id) {
                attempt.sent.push(commit.body.envelope);
            }
        });
    }

    /// The custodian has said that it is committed.
    pub(super) fn committed(&self, receipt: &Receipt) {
        self.judge(receipt.wallet, |model| model.committed(receipt));
    }

    /// Somebody has sent a cancel.
    pub(super) fn cancels(&self) {
        self.lock().cancelled = true;
    }

    /// The custodian's state of the wallet, at rest.
    pub(super) fn compare(&self, state: &State) {
        let cancelled = core::mem::take(&mut self.lock().cancelled);
        self.judge(state.wallet, |model| {
            if cancelled {
                model.disputed = state.dispute.is_some();
            }
            model.compare(state)
        });
    }

    fn judge(&self, wallet: WalletId, judge: impl FnOnce(&mut Model) -> Result<(), String>) {
        let mut inner = self.lock();
        if inner.closed {
            return;
        }
        let Some(model) = inner.wallets.get_mut(&wallet) else {
            inner.broken.push("something happened to a wallet that nobody has begun".to_owned());
            return;
        };
        if let Err(broken) = judge(model) {
            inner.broken.push(broken);
        }
    }
}

impl Model {
    const fn new(kind: WalletKind, grace: Time) -> Self {
        Self {
            kind,
            grace,
            attempts: BTreeMap::new(),
            signing: None,
            backup: None,
            restorable: None,
            ran: (0, 0),
            highest: [0; 2],
            told: [0; 2],
            ordered: false,
            disputed: false,
            held: false,
            approved: None,
            over: false,
            signs_on: None,
            commits: 0,
        }
    }

    const fn is_frozen(&self) -> bool {
        self.ordered || self.disputed
    }

    /// The epoch with this number, where it counts.
    fn counts(&self, epoch: Epoch) -> Option<Backup> {
        self.backup.iter().chain(&self.restorable).find(|backup| backup.epoch == epoch).copied()
    }

    /// The owner's last backup, while it counts.
    pub(super) fn owners(&self) -> Option<Backup> {
        self.backup.iter().chain(&self.restorable).find(|b| b.who == Who::Owner).copied()
    }

    /// Whether this backup was ever committed.
    pub(super) fn was_committed(&self, epoch: Epoch, digest: Digest) -> bool {
        self.attempts.values().any(|attempt| {
            attempt.committed
                && attempt.makes[1] == Some(epoch)
                && attempt.sent.contains(&Some(digest))
        })
    }

    fn prepared(&mut self, id: OperationId) -> Result<(), String> {
        let (is_held, is_approved) = (self.held, self.approved == Some(id));
        let Some(attempt) = self.attempts.get(&id).cloned() else {
            return Err("an operation was prepared that nobody has begun".to_owned());
        };
        if attempt.prepared || attempt.committed {
            return Ok(());
        }
        let Attempt { kind, operation, evidence, makes, .. } = attempt;
        if kind != self.kind {
            return Err(format!("a {operation:?} of a {kind} wallet was prepared of {self:?}"));
        }
        if self.is_frozen() || (is_held && !is_approved) {
            return Err(format!("a {operation:?} was prepared while the wallet stood still"));
        }
        let active = self.backup.map(|backup| backup.epoch);
        let entitled = match (operation, evidence) {
            (Operation::Keygen, Evidence::Token) => self.signing.is_none(),
            (Operation::FirstBackup, Evidence::Signing(epoch)) => {
                active.is_none() && self.signing == Some(epoch)
            }
            (Operation::FirstBackup, Evidence::Key) => {
                active.is_none() && self.kind == WalletKind::SingleKey
            }
            (Operation::Replace, Evidence::Signing(epoch)) => {
                self.signing == Some(epoch) && (is_held || self.restorable.is_none())
            }
            (Operation::Replace, Evidence::Key) => {
                self.kind == WalletKind::SingleKey && (is_held || self.restorable.is_none())
            }
            (Operation::Refresh, Evidence::Backup(epoch)) => active == Some(epoch),
            (Operation::Recover, Evidence::Backup(epoch)) => self.counts(epoch).is_some(),
            (Operation::Convert, Evidence::Backup(epoch)) => {
                let is_single = self.kind == WalletKind::SingleKey;
                is_single && active == Some(epoch) && self.restorable.is_none() && !is_held
            }
            _ => false,
        };
        if !entitled {
            return Err(format!("a {operation:?} was prepared on {evidence:?} of {self:?}"));
        }
        for ((made, highest), what) in
            makes.into_iter().zip(&mut self.highest).zip(["signing", "backup"])
        {
            let Some(made) = made.map(Epoch::get) else { continue };
            if made <= *highest {
                return Err(format!("{what} epoch {made} was given out again, after {highest}"));
            }
            *highest = made;
        }
        if let Some(attempt) = self.attempts.get_mut(&id) {
            attempt.prepared = true;
        }
        Ok(())
    }

    fn committed(&mut self, receipt: &Receipt) -> Result<(), String> {
        let was_held = self.held;
        let Some(attempt) = self.attempts.get_mut(&receipt.id) else {
            return Err("an operation was committed that nobody has begun".to_owned());
        };
        if attempt.committed {
            return Ok(());
        }
        attempt.committed = true;
        let Attempt { who, device, change, kind, operation, evidence, makes, faulty, .. } =
            attempt.clone();
        let left = if operation == Operation::Convert { WalletKind::Mpc } else { kind };
        if receipt.kind != left {
            return Err(format!("the receipt of a {left} wallet says {receipt:?}"));
        }
        if receipt.operation != operation || [receipt.signing, receipt.backup] != makes {
            return Err(format!("what was committed is not what was begun: {receipt:?}"));
        }
        if !attempt.sent.contains(&receipt.envelope) {
            return Err("an envelope was committed that nobody has asked for".to_owned());
        }
        if self.is_frozen() || (was_held && self.approved != Some(receipt.id)) {
            return Err(format!("a {operation:?} was committed while the wallet stood still"));
        }
        self.commits += 1;
        for ((made, highest), told) in makes.into_iter().zip(&mut self.highest).zip(&mut self.told)
        {
            let Some(made) = made.map(Epoch::get) else { continue };
            *highest = made.max(*highest);
            if made <= *told && !(was_held && faulty) {
                return Err(format!("epoch {made} was committed again, after {told}"));
            }
            *told = made;
        }
        let source = match evidence {
            Evidence::Backup(epoch) => {
                let Some(source) = self.counts(epoch) else {
                    return Err(format!("a {operation:?} was committed on ended epoch {epoch}"));
                };
                if who != source.who && !self.over {
                    return Err(format!("{who:?} built a {operation:?} on the other's {source:?}"));
                }
                Some(source)
            }
            _ => None,
        };
        if operation == Operation::Convert && self.restorable.is_some() {
            return Err(format!("converted, with {:?} restorable", self.restorable));
        }
        self.kind = left;
        if let Some(signing) = makes[0] {
            self.signing = Some(signing);
            self.signs_on = (who == Who::Owner).then_some(device);
        }
        let Some((epoch, digest)) = makes[1].zip(receipt.envelope) else { return Ok(()) };
        let opens = source.map_or(Set::NONE, |source| source.opens).changed(change);
        let exactly = source.is_none_or(|source| source.exactly) && !was_held;
        let made = Backup { epoch, digest, who, opens, exactly };
        let before = self.backup.replace(made);
        if was_held {
            self.restorable = None;
            (self.held, self.approved) = (false, None);
            return Ok(());
        }
        match operation {
            Operation::Replace => {
                self.restorable = before;
                self.ran = (0, 0);
            }
            Operation::Recover if source == self.restorable => self.restorable = None,
            _ => {
                if who == Who::Thief && before.is_some_and(|b| b.who == Who::Owner) && !self.over {
                    return Err(format!("the thief ended the owner's {before:?}"));
                }
            }
        }
        Ok(())
    }

    /// Time passes; the clock of the grace may stand still in it, as the last state says.
    pub(super) fn pass(&mut self, (least, most): (Time, Time), stopped: bool) {
        self.ran.1 += most;
        if !stopped {
            self.ran.0 += least;
        }
    }

    /// The clock is set back: what the wallet has seen of it and not saved may be gone.
    pub(super) const fn clock_back(&mut self) {
        self.ran.0 = 0;
    }

    fn compare(&mut self, state: &State) -> Result<(), String> {
        if state.kind != self.kind {
            return Err(format!("the wallet is {}, not {}", state.kind, self.kind));
        }
        if state.signing.as_ref().map(|signing| signing.epoch) != self.signing {
            return Err(format!(
                "the signing epoch is {:?}, not {:?}",
                state.signing, self.signing
            ));
        }
        let named = |backup: &Backup| (backup.epoch, Some(backup.digest));
        let stated = state.backup.as_ref().map(|backup| (backup.epoch, backup.envelope));
        if stated != self.backup.as_ref().map(named) {
            return Err(format!("the backup is {stated:?}, not {:?}", self.backup));
        }
        let stated = state.restorable.as_ref();
        let stated_name = stated.map(|r| (r.epoch.epoch, r.epoch.envelope));
        let (least, most) = self.ran;
        match (stated_name, self.restorable) {
            (None, None) => {}
            (None, Some(restorable)) if most >= self.grace => {
                let thiefs = self.backup.is_some_and(|backup| backup.who == Who::Thief);
                self.over |= thiefs && restorable.who == Who::Owner;
                self.restorable = None;
            }
            (Some(stated), Some(restorable)) if stated == named(&restorable) => {
                if least >= self.grace {
                    return Err(format!("the grace of {restorable:?} has overrun: {:?}", self.ran));
                }
                let left = state.restorable.as_ref().map_or(0, |restorable| restorable.left);
                let bounds = self.grace.saturating_sub(most)..=self.grace - least;
                if !bounds.contains(&left) {
                    return Err(format!("{left} s of grace are left, and not {bounds:?}"));
                }
            }
            (stated, restorable) => {
                return Err(format!(
                    "restorable is {stated:?}, not {restorable:?} ({:?})",
                    self.ran
                ));
            }
        }
        if state.restored != self.held {
            return Err(format!("the wallet is held: {}, not {}", state.restored, self.held));
        }
        let frozen = (state.frozen, state.dispute.is_some());
        if frozen != (self.ordered, self.disputed) {
            let (ordered, disputed) = (self.ordered, self.disputed);
            return Err(format!("frozen, in dispute: {frozen:?}, not {:?}", (ordered, disputed)));
        }
        for (stated, known) in
            [state.highest_signing, state.highest_backup].into_iter().zip(self.highest)
        {
            if stated < known {
                return Err(format!("the highest number is {stated}, and {known} was given out"));
            }
        }
        self.highest = [state.highest_signing, state.highest_backup];
        if let Some(attempt) = state.pending.as_ref().and_then(|p| self.attempts.get_mut(&p.id)) {
            // It may have arrived without anybody hearing of it.
            attempt.prepared = true;
        }
        if state.pending.as_ref().is_some_and(|p| {
            [p.signing, p.backup].into_iter().flatten().count() == 0
                || p.backup.is_some_and(|new| self.backup.is_some_and(|b| new <= b.epoch))
        }) {
            return Err(format!("what is pending does not come after what is active: {state:?}"));
        }
        Ok(())
    }

    /// It was looked at what opens this one.
    pub(super) fn opens_with(&mut self, epoch: Epoch, opens: Set) {
        let counts = self.backup.iter_mut().chain(&mut self.restorable);
        for backup in counts.filter(|backup| backup.epoch == epoch) {
            (backup.opens, backup.exactly) = (opens, true);
        }
    }

    /// A store of the owner's was emptied: of what a restored custodian has forgotten, nobody tells an empty
    /// device the numbers any more.
    pub(super) const fn emptied(&mut self) {
        if self.held {
            self.told = [0; 2];
        }
    }

    /// The operator lets this one go on.
    pub(super) const fn approve(&mut self, id: OperationId) {
        self.approved = Some(id);
    }

    /// The custodian goes on from this copy. `numbers_kept` says whether a store of the owner's knows the
    /// numbers that were given out since.
    pub(super) fn restore(&mut self, copy: &Self, numbers_kept: bool) {
        // Of signing epochs only receipts say, which are written when everything else is done.
        let told = [0, if numbers_kept { self.told[1] } else { 0 }];
        let commits = self.commits;
        let mut attempts = core::mem::take(&mut self.attempts);
        *self = copy.clone();
        // What was begun since is forgotten at the custodian; what was committed is in the owner's receipts.
        attempts.values_mut().for_each(|attempt| attempt.prepared = true);
        attempts.extend(core::mem::take(&mut self.attempts));
        (self.attempts, self.told, self.commits) = (attempts, told, commits);
        (self.held, self.approved, self.signs_on) = (true, None, None);
        // What its operator ordered holds.
        self.disputed = false;
        // The hold stops the clock where the copy's row stood when it was last saved, which a look at the
        // wallet does not do: time that had passed before the copy may not count.
        self.ran.0 = 0;
    }
}
