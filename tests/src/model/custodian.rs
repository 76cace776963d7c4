//! The custodian, which is the reference rules themselves, and what is claimed of each of its steps.

use twoshare_core::{
    digest::Digest,
    id::{Epoch, Purpose, WalletKind},
    proof::Operation,
};
use twoshare_protocol::rules::{
    Admission, Ask, Authority, CommitRefusal, Evidence, Highest, Pending, PrepareRefusal, Time,
    WaitRefusal,
};

use super::{
    config::Config,
    symbols::{Envelope, Methods, Sym, Syms, operation_id},
    world::{Made, Request, Rules, Violation, Who, World},
};

/// Why a request was refused before the rules were asked, or by them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused<E> {
    /// Its proof does not fit the sharing that is kept of its epoch.
    BadProof,
    /// The rules refuse it.
    Rules(E),
}

/// What counts, and what is about to.
pub fn counted(wallet: &Rules) -> Syms {
    let pending = wallet.pending();
    let active = wallet.signing().into_iter().chain(wallet.backup()).map(|active| active.material);
    active
        .chain(wallet.restorable().map(|restorable| restorable.material))
        .chain(pending.and_then(|p| p.signing.map(|(_, sym)| sym)))
        .chain(pending.and_then(|p| p.backup.map(|(_, sym)| sym)))
        .collect()
}

/// The sharings that a pending operation makes.
pub fn pending_syms(pending: &Pending<Sym, ()>) -> Syms {
    pending.signing.iter().chain(&pending.backup).map(|(_, sym)| *sym).collect()
}

/// Whether the specification stops the clock of the grace: the checker's own reading of it.
fn grace_stands(wallet: &Rules) -> bool {
    wallet.freezes().any()
        || wallet.request().is_some()
        || wallet.pending().is_some_and(|pending| pending.authority == Authority::Restorable)
}

impl World {
    /// Notes that a property is broken; the first counts.
    pub fn broken(&mut self, violation: Violation) {
        self.ghost.violation.get_or_insert(violation);
    }

    /// Whether this proof is of the sharing that is kept of the epoch it names. Where none is kept
    /// the proof passes here, so that the rules have to refuse it themselves.
    fn proof_fits(&self, evidence: Evidence, proof: Option<Sym>) -> bool {
        let (purpose, epoch) = match evidence {
            Evidence::Token | Evidence::Key | Evidence::Pending(_) => return true,
            Evidence::Signing(epoch) => (Purpose::Signing, epoch),
            Evidence::Backup(epoch) => (Purpose::Backup, epoch),
        };
        self.wallet.material(purpose, epoch).is_none_or(|kept| Some(*kept) == proof)
    }

    /// Lets the rules change the wallet, and judges the change.
    pub fn change<R>(&mut self, change: impl FnOnce(&mut Rules) -> R) -> R {
        let before = counted(&self.wallet);
        let kind = self.wallet.kind();
        let result = change(&mut self.wallet);
        if self.wallet.kind() != kind && (kind == WalletKind::Mpc || self.ghost.converted) {
            self.broken(Violation::KindChanged);
        }
        let after = counted(&self.wallet);
        self.ghost.ended = self.ghost.ended.or(before.without(after));
        if self.wallet.restorable().is_none() {
            self.ghost.grace = None;
        }
        self.judge();
        result
    }

    fn judge(&mut self) {
        let wallet = &self.wallet;
        let counts = counted(wallet);
        let highest = wallet.highest();
        let backup = wallet.backup().map(|active| active.epoch.get());
        let signing = wallet.signing().map(|active| active.epoch.get());
        let restorable = wallet.restorable().map(|r| r.epoch.get());
        let pending =
            |purpose| wallet.pending().and_then(|p| p.of(purpose)).map(|(epoch, _)| epoch.get());
        let in_order = backup <= Some(highest.backup)
            && signing <= Some(highest.signing)
            && (restorable.is_none() || restorable < backup)
            && pending(Purpose::Backup).is_none_or(|p| Some(p) > backup && p <= highest.backup)
            && pending(Purpose::Signing).is_none_or(|p| Some(p) > signing && p <= highest.signing);
        let kept = wallet
            .backup()
            .map(|active| (active.material, active.envelope))
            .into_iter()
            .chain(wallet.restorable().map(|r| (r.material, r.envelope)))
            .filter(|(sym, _)| sym.is_owners())
            .all(|(_, digest)| self.store.iter().any(|e| Some(e.digest()) == digest));
        let resurrected = !counts.and(self.ghost.ended).is_empty();
        if !in_order {
            self.broken(Violation::Structure);
        }
        if !kept {
            self.broken(Violation::EnvelopeLost);
        }
        let held = self.wallet.freezes().restored.is_some();
        let pending: Syms = self.wallet.pending().map(pending_syms).unwrap_or_default();
        let guarded = if held { pending } else { counts };
        let leaked = self.thief.methods.meets(Methods::FIRST);
        let opens = |e: &Envelope| {
            e.methods.meets(Methods::FIRST) && e.sym.is_owners() && guarded.has(e.sym)
        };
        if leaked && self.written.iter().any(opens) {
            self.broken(Violation::RemovedOpens);
        }
        if resurrected && self.wallet.freezes().restored.is_none() {
            self.broken(Violation::EndedCounts);
        }
    }

    /// A prepare arrives at the custodian.
    ///
    /// # Errors
    ///
    /// The rule that forbids it.
    pub fn prepare(
        &mut self,
        who: Who,
        request: &Request,
        config: &Config,
    ) -> Result<Made, Refused<PrepareRefusal>> {
        if !self.proof_fits(request.evidence, request.proof) {
            return Err(Refused::BadProof);
        }
        let Request { number, maker, operation, evidence, proof, signing, backup } = *request;
        let mut digest = [number; 32];
        digest[0] = maker;
        let ask = Ask {
            operation,
            id: operation_id(number),
            request: Digest::from_bytes(digest),
            evidence,
            signing,
            backup,
            receipts: Highest::default(),
        };
        let waiting = self.wallet.request().cloned();
        let held = waiting.as_ref().and_then(|request| self.rank(request.evidence));
        let rank = self.rank(evidence);
        let admission = self.change(|wallet| wallet.admit(&ask, &config.policy));
        let held_up = matches!(
            admission,
            Err(PrepareRefusal::Wait(WaitRefusal::RequestWaiting { .. })) if rank > held
        );
        let taken_over = waiting.as_ref().is_some_and(|waiting| {
            let now = self.wallet.request().map(|request| request.evidence);
            now.is_some() && now != Some(waiting.evidence) && rank < held
        });
        if held_up || taken_over {
            self.broken(Violation::Outranked);
        }
        let began = matches!(admission, Ok(Admission::New(_)));
        if began || self.wallet.request() != waiting.as_ref() {
            self.judge_proof(who, number, proof, Violation::EndedAdmitted);
            self.judge_token(evidence);
            self.judge_key(evidence);
        }
        if let (Err(PrepareRefusal::Conflict { .. }), Some(pending)) =
            (&admission, self.wallet.pending())
        {
            let recovers = operation == Operation::Recover
                && pending.operation != Operation::Recover
                && rank == Some(pending.authority);
            if rank > Some(pending.authority) || recovers {
                self.broken(Violation::Outranked);
            }
        }
        let from = self.wallet_sym(evidence);
        match admission.map_err(Refused::Rules)? {
            Admission::Repeated => {}
            Admission::New(admitted) => {
                let waits = matches!(operation, Operation::Recover | Operation::Convert);
                if waits && self.wallet.freezes().restored.is_none() {
                    self.judge_wait(operation, config.policy.recovery_wait);
                }
                let dealt = self.wallet.kind() == WalletKind::SingleKey
                    && matches!(operation, Operation::Replace | Operation::FirstBackup);
                let mut make = |purpose, epoch| {
                    let mut sym = Sym::new(maker, false, purpose);
                    if self.ghost.made.has(sym) && !dealt {
                        sym = Sym::new(maker, true, purpose);
                    }
                    self.number(sym, epoch);
                    sym
                };
                let signing = signing.map(|epoch| make(Purpose::Signing, epoch));
                let backup = backup.map(|epoch| make(Purpose::Backup, epoch));
                let recovers = |operation| operation == Operation::Recover;
                let before = self.wallet.pending().map(|p| (p.authority, recovers(p.operation)));
                let displaced = before.map(|(authority, _)| authority);
                self.change(|wallet| wallet.pend(admitted, signing, backup, (), &config.policy));
                let by = self.wallet.pending().map(|pending| pending.authority);
                let is_equal = before == by.map(|authority| (authority, true))
                    || displaced.is_some() && displaced == by && !recovers(operation);
                if displaced == Some(Authority::Restorable) || displaced > by || is_equal {
                    self.broken(Violation::Outranked);
                }
            }
        }
        // A single-key wallet's recovery is answered with the share of the epoch it opened.
        if self.wallet.kind() == WalletKind::SingleKey
            && operation == Operation::Recover
            && let Some(from) = from
        {
            self.released(who, from);
        }
        let pending = self.wallet.pending();
        let made = |purpose| pending.and_then(|p| p.of(purpose)).map(|(_, sym)| *sym);
        Ok(Made { signing: made(Purpose::Signing), backup: made(Purpose::Backup) })
    }

    /// The sharing that is kept of the backup epoch that this proves.
    pub fn wallet_sym(&self, evidence: Evidence) -> Option<Sym> {
        match evidence {
            Evidence::Backup(epoch) => self.wallet.material(Purpose::Backup, epoch).copied(),
            Evidence::Token | Evidence::Key | Evidence::Signing(_) | Evidence::Pending(_) => None,
        }
    }

    /// Gives a sharing its number. Without a restore a number is never given twice; with one, never
    /// a number of which the owner has had a receipt.
    fn number(&mut self, sym: Sym, epoch: Epoch) {
        let purpose = sym.purpose();
        let mut others = self.ghost.epochs.iter();
        let taken =
            others.any(|(other, e)| *other != sym && other.purpose() == purpose && *e == epoch);
        if taken && (!self.ghost.restored || epoch.get() <= self.ghost.told.of(purpose)) {
            self.broken(Violation::NumberReused);
        }
        self.ghost.made.add(sym);
        self.ghost.epochs.insert(sym, epoch);
    }

    /// A proof was taken: it has to be of something that has not ended, but for an approved one.
    pub fn judge_proof(&mut self, who: Who, number: u8, proof: Option<Sym>, broken: Violation) {
        let approved = who == Who::Owner && self.ghost.approved == Some(number);
        if proof.is_some_and(|sym| self.ghost.ended.has(sym)) && !approved {
            self.broken(broken);
        }
    }

    /// A proof was taken: it has to be more than a token, and more than a share that does not count
    /// yet.
    pub fn judge_token(&mut self, evidence: Evidence) {
        let token = evidence == Evidence::Token && self.wallet.backup().is_some();
        if token || matches!(evidence, Evidence::Pending(_)) {
            self.broken(Violation::TokenMoved);
        }
    }

    /// A proof was taken: of the key itself only while the wallet is one that has it whole.
    pub fn judge_key(&mut self, evidence: Evidence) {
        if evidence == Evidence::Key && self.ghost.converted {
            self.broken(Violation::KeyActed);
        }
    }

    /// Something goes on that has to wait: its request has waited.
    fn judge_wait(&mut self, operation: Operation, wait: Time) {
        let request = self.wallet.request().filter(|request| request.operation == operation);
        if wait > 0 && request.is_none_or(|request| request.ready > self.clock) {
            self.broken(Violation::NotWaited);
        }
    }

    /// Somebody gets a share of the custodian's.
    pub fn released(&mut self, who: Who, sym: Sym) {
        let freezes = self.wallet.freezes();
        if freezes.dispute.is_some() || freezes.operator {
            self.broken(Violation::FrozenReleased);
        }
        match who {
            Who::Owner => {
                self.ghost.owner_custodian.add(sym);
                if self.wallet.kind() == WalletKind::Mpc && !self.ghost.ejected {
                    self.broken(Violation::OwnerHasBoth);
                }
            }
            Who::Thief => {
                self.thief.custodian.add(sym);
                let both = self.thief.custodian.and(self.thief_client());
                if !both.is_empty() && !self.thief.key {
                    self.broken(Violation::ThiefHasBoth);
                }
            }
        }
    }

    /// The client shares that the thief has, those in envelopes included.
    #[must_use]
    pub fn thief_client(&self) -> Syms {
        let opened = self.written.iter().filter(|e| e.methods.meets(self.thief.methods));
        self.thief.client.or(opened.map(|envelope| envelope.sym).collect())
    }

    /// A commit arrives at the custodian, with the proof of these shares.
    ///
    /// # Errors
    ///
    /// The rule that forbids it.
    pub fn commit(
        &mut self,
        who: Who,
        number: u8,
        proof: Syms,
        envelope: Option<Envelope>,
        config: &Config,
    ) -> Result<(), Refused<CommitRefusal>> {
        let id = operation_id(number);
        let pending = self.wallet.pending().filter(|pending| pending.id == id);
        if pending.is_some_and(|pending| pending_syms(pending) != proof) {
            return Err(Refused::BadProof);
        }
        let was_pending = pending.is_some();
        let converts = pending.is_some_and(|pending| pending.operation == Operation::Convert);
        let revokes = converts
            || self.wallet.kind() == WalletKind::Mpc
                && pending.is_some_and(|pending| {
                    pending.operation == Operation::Recover
                        || pending.authority == Authority::Restorable
                });
        let held = self.wallet.freezes().restored.is_some();
        if held && pending.is_some_and(|pending| pending.operation == Operation::Replace) {
            // The exception: an approved replace vouches for the device that proves it, even where
            // a recovery that the copy does not know had revoked it.
            let signing = self.wallet.signing().map(|active| active.material);
            self.ghost.ended = self.ghost.ended.without(signing.into_iter().collect());
        }
        let before = counted(&self.wallet);
        let restorable = self.wallet.restorable().map(|r| r.material);
        let digest = envelope.as_ref().map(Envelope::digest);
        let ended = self.ghost.ended;
        self.change(|wallet| wallet.commit(id, digest, &config.policy)).map_err(Refused::Rules)?;
        if !was_pending && counted(&self.wallet) == before {
            return Ok(());
        }
        if !proof.and(ended).is_empty() {
            self.broken(Violation::EndedCommitted);
        }
        let is_mpc = self.wallet.kind() == WalletKind::Mpc;
        if converts && (self.ghost.converted || !is_mpc) {
            self.broken(Violation::KindChanged);
        }
        if converts && (restorable.is_some() || self.wallet.restorable().is_some()) {
            self.broken(Violation::ConvertedContested);
        }
        if converts {
            self.ghost.converted = true;
            // It was opened for a key that was whole on its owner's device.
            self.ghost.window = None;
        }
        if restorable != self.wallet.restorable().map(|r| r.material) {
            let began = self.wallet.restorable().is_some();
            self.ghost.grace = began.then_some(config.policy.grace);
        }
        let signing = self.wallet.signing().map(|active| active.material);
        if revokes && !signing.is_some_and(|sym| proof.has(sym)) {
            self.broken(Violation::PhoneLeft);
        }
        let lost = before.without(counted(&self.wallet));
        match who {
            Who::Owner => {
                let backup = self.wallet.backup().map(|active| active.material);
                self.ghost.owners = backup.filter(|sym| proof.has(*sym)).or(self.ghost.owners);
            }
            Who::Thief => {
                let mut lost = lost.iter().filter(|sym| sym.is_owners() && before.has(*sym));
                if lost.any(|sym| sym.purpose() == Purpose::Backup) {
                    self.broken(Violation::Undone);
                }
            }
        }
        Ok(())
    }

    /// An eject arrives at the custodian: whether it got its share.
    pub fn eject(
        &mut self,
        who: Who,
        number: u8,
        evidence: Evidence,
        proof: Option<Sym>,
        config: &Config,
    ) -> bool {
        if !self.proof_fits(evidence, proof) {
            return false;
        }
        let waiting = self.wallet.request().cloned();
        let released = self.change(|wallet| {
            let released = wallet.release(operation_id(number), evidence, &config.policy);
            released.ok().map(|active| active.material)
        });
        if released.is_some() || self.wallet.request() != waiting.as_ref() {
            self.judge_proof(who, number, proof, Violation::EndedReleased);
            self.judge_token(evidence);
        }
        if let Some(sym) = released {
            if self.ghost.window.is_none_or(|until| until <= self.clock) {
                self.broken(Violation::OutsideWindow);
            }
            self.judge_wait(Operation::Eject, config.policy.eject_wait);
            self.ghost.ejected |= who == Who::Owner;
            self.released(who, sym);
        }
        released.is_some()
    }

    /// Time passes, by no more than until the next thing is due.
    pub fn tick(&mut self, to: Time) {
        let restorable = self.wallet.restorable().map(|r| r.material);
        let passed = to - self.clock;
        let stands = grace_stands(&self.wallet);
        let left = self.ghost.grace.map(|left| if stands { left } else { left - passed.min(left) });
        self.clock = to;
        self.change(|wallet| wallet.advance(to));
        let Some(restorable) = restorable else { return };
        if self.wallet.restorable().is_some() {
            self.ghost.grace = left;
            if left == Some(0) && !grace_stands(&self.wallet) {
                self.broken(Violation::GraceOverrun);
            }
            return;
        }
        if left != Some(0) {
            self.broken(Violation::GraceCut);
        } else if self.ghost.owners == Some(restorable) {
            // The owner let the whole grace pass: what is lost now is nobody else's fault.
            self.ghost.owners = None;
            self.ghost.over = true;
        }
    }

    /// When something is due next.
    #[must_use]
    pub fn due(&self, config: &Config) -> Option<Time> {
        let wallet = &self.wallet;
        let request = wallet.request();
        let restorable = wallet.restorable().filter(|_| !grace_stands(wallet));
        let ended = wallet.ended().values().filter(|_| config.retires);
        [
            wallet.pending().map(|pending| pending.expires),
            request.map(|request| request.ready),
            request.map(|request| request.expires),
            restorable.map(|restorable| self.clock + restorable.left),
            wallet.window(),
        ]
        .into_iter()
        .flatten()
        .chain(ended.map(|ended| ended.at + config.policy.restore_window))
        .filter(|due| *due > self.clock)
        .min()
    }

    /// What a proof is worth: the checker's own reading of the table.
    #[must_use]
    pub fn rank(&self, evidence: Evidence) -> Option<Authority> {
        let is = |epoch: Epoch, of: Option<Epoch>| of == Some(epoch);
        let active = self.wallet.backup().map(|active| active.epoch);
        let restorable = self.wallet.restorable().map(|restorable| restorable.epoch);
        let signing = self.wallet.signing().map(|active| active.epoch);
        match evidence {
            Evidence::Token => Some(Authority::Newcomer),
            Evidence::Key => (!self.ghost.converted).then_some(Authority::Device),
            Evidence::Signing(epoch) => is(epoch, signing).then_some(Authority::Device),
            Evidence::Backup(epoch) if is(epoch, active) => Some(Authority::Active),
            Evidence::Backup(epoch) => is(epoch, restorable).then_some(Authority::Restorable),
            Evidence::Pending(_) => self.wallet.pending().map(|pending| pending.authority),
        }
    }

    /// Whether the thief began the request that waits: only its maker can prove its epoch.
    #[must_use]
    pub fn request_is_thiefs(&self) -> bool {
        let evidence = self.wallet.request().map(|request| request.evidence);
        evidence.and_then(|evidence| self.wallet_sym(evidence)).is_some_and(|sym| !sym.is_owners())
    }
}
