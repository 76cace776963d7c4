//! The thief: everything it can say with what it has.

use twoshare_core::{
    id::{Epoch, OperationId, Purpose, WalletKind},
    proof::Operation,
};
use twoshare_protocol::rules::Evidence;

use super::{
    config::Config,
    custodian::pending_syms,
    symbols::{Envelope, Methods, OPERATIONS, Sym, operation_number},
    world::{Phase, Request, Sent, Violation, Who, World},
};

/// One thing that the thief does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Copies what is on this device.
    Steal(usize),
    /// Learns the removed method.
    Learn,
    /// Prepares, proving this.
    Prepare(Operation, Evidence),
    /// The same under the id of the request that waits, which everybody sees.
    PrepareSeen(Operation, Evidence),
    /// Commits what is pending, with an envelope of its own.
    Commit,
    /// The same, sealed for the owner's methods as well: their slots can be copied from any
    /// envelope, key tags and all.
    CommitForBoth,
    /// Abandons this operation, proving this.
    Abandon(OperationId, Evidence),
    /// Objects to the waiting request, proving this.
    Dispute(Evidence),
    /// Asks for the custodian's share, proving this.
    Eject(Evidence),
}

impl World {
    /// Everything the thief can prove, true or not today.
    fn provable(&self) -> Vec<(Evidence, Option<Sym>)> {
        let key = self.thief.key.then_some((Evidence::Key, None));
        let shares = self.thief_client();
        let shares = self.ghost.epochs.iter().filter(move |(sym, _)| shares.has(**sym));
        let shares = shares.map(|(sym, epoch)| match sym.purpose() {
            Purpose::Signing => (Evidence::Signing(*epoch), Some(*sym)),
            Purpose::Backup => (Evidence::Backup(*epoch), Some(*sym)),
        });
        let pending = self.wallet.pending();
        let pending = pending.filter(|p| pending_syms(p).without(self.thief_client()).is_empty());
        let pending = pending.map(|pending| (Evidence::Pending(pending.id), None));
        [(Evidence::Token, None)].into_iter().chain(key).chain(pending).chain(shares).collect()
    }

    /// The sharing with which the thief proves this: the one that the custodian keeps, where the
    /// thief has it.
    fn proof(&self, evidence: Evidence) -> Option<Sym> {
        let mut last = None;
        for (provable, sym) in self.provable() {
            let kept = match provable {
                Evidence::Signing(epoch) => self.wallet.material(Purpose::Signing, epoch),
                Evidence::Backup(epoch) => self.wallet.material(Purpose::Backup, epoch),
                Evidence::Token | Evidence::Key | Evidence::Pending(_) => None,
            };
            if provable == evidence {
                last = sym;
                if kept.copied() == sym {
                    return sym;
                }
            }
        }
        last
    }

    /// Everything the thief could do now.
    pub fn thief_acts(&self, config: &Config, acts: &mut Vec<Act>) {
        if !config.thief.token {
            return;
        }
        if config.thief.phone {
            acts.extend([Act::Steal(0), Act::Steal(1)]);
        }
        if config.thief.removed_method {
            acts.push(Act::Learn);
        }
        let mut provable: Vec<_> = self.provable().into_iter().map(|(e, _)| e).collect();
        provable.dedup();
        let pending = self.wallet.pending().map(|pending| pending.id);
        let request = self.wallet.request().map(|request| request.id);
        for evidence in provable {
            use Operation::{Convert, FirstBackup, Keygen, Recover, Refresh, Replace};
            acts.extend(
                [Keygen, FirstBackup, Replace, Refresh, Recover, Convert]
                    .map(|op| Act::Prepare(op, evidence)),
            );
            if request.is_some() {
                let seen = [Replace, Recover, Convert];
                acts.extend(seen.map(|op| Act::PrepareSeen(op, evidence)));
            }
            acts.extend(pending.map(|id| Act::Abandon(id, evidence)));
            acts.extend(request.map(|id| Act::Abandon(id, evidence)));
            acts.extend(request.map(|_| Act::Dispute(evidence)));
            acts.push(Act::Eject(evidence));
        }
        acts.extend([Act::Commit, Act::CommitForBoth]);
    }

    /// The thief does this; none when nothing changes.
    pub fn thief_does(&mut self, act: Act, config: &Config) -> Option<()> {
        let before = (self.wallet.clone(), self.thief.clone(), self.written.len());
        match act {
            Act::Steal(device) => self.steal(device)?,
            Act::Learn => self.learn()?,
            Act::Prepare(operation, evidence) => {
                self.thief_prepares(operation, evidence, self.thief.next, config)?;
            }
            Act::PrepareSeen(operation, evidence) => {
                let seen = operation_number(self.wallet.request()?.id);
                self.thief_prepares(operation, evidence, seen, config)?;
            }
            Act::Commit => self.thief_commits(Methods::THIEFS, config)?,
            Act::CommitForBoth => {
                let slots = self.written.iter().map(|envelope| envelope.methods);
                self.thief_commits(slots.fold(Methods::THIEFS, Methods::or), config)?;
            }
            Act::Abandon(id, evidence) => {
                self.abandon(Who::Thief, evidence, self.proof(evidence), id);
            }
            Act::Dispute(evidence) => self.thief_disputes(evidence)?,
            Act::Eject(evidence) => {
                let proof = self.proof(evidence);
                let number = self.thief.next;
                self.eject(Who::Thief, number, evidence, proof, config);
            }
        }
        if (&self.wallet, &self.thief, self.written.len()) == (&before.0, &before.1, before.2) {
            return None;
        }
        self.thief.next = (self.thief.next + 1).min(OPERATIONS - 1);
        Some(())
    }

    /// Takes what is on the device, at a moment at which no backup share is.
    fn steal(&mut self, device: usize) -> Option<()> {
        let device = self.devices.get(device)?;
        let asking = device.journal.is_none_or(|journal| journal.phase == Phase::Asking);
        asking.then_some(())?;
        if let Some((_, sym)) = device.signing {
            self.thief.client.add(sym);
        }
        self.thief.key |= device.key;
        Some(())
    }

    /// Learns the first method, once nothing that counts is opened by it and the owner knows.
    fn learn(&mut self) -> Option<()> {
        let told = self.ghost.told.backup;
        let newest = self.wallet.backup().filter(|active| active.epoch.get() <= told)?;
        let opens =
            |sym: Sym| self.written.iter().any(|e| e.sym == sym && e.methods.meets(Methods::FIRST));
        let restorable = self.wallet.restorable().map(|r| r.material);
        let pending = self.wallet.pending().and_then(|p| p.backup).map(|(_, sym)| sym);
        let mut counts = [newest.material].into_iter().chain(restorable).chain(pending);
        let held_back = self.wallet.freezes().restored.is_some();
        (!held_back && !counts.any(opens)).then_some(())?;
        // Operations under way that would seal for it again are the owner's to give up first.
        let sealing = |sent: &Sent| sent.methods.meets(Methods::FIRST);
        let under_way = self.devices.iter().filter_map(|device| device.journal);
        let mut under_way = under_way.filter_map(|j| self.sent.get(usize::from(j.sent)));
        (!under_way.any(sealing)).then_some(())?;
        self.thief.methods = self.thief.methods.or(Methods::FIRST);
        Some(())
    }

    fn thief_prepares(
        &mut self,
        operation: Operation,
        evidence: Evidence,
        number: u8,
        config: &Config,
    ) -> Option<()> {
        let maker = self.thief.next;
        let next = |purpose| Epoch::new(self.wallet.highest().of(purpose) + 1);
        let makes = operation == Operation::Keygen;
        let recovers = operation == Operation::Recover && self.wallet.kind() == WalletKind::Mpc;
        let signs = makes || recovers || operation == Operation::Convert;
        let signing = if signs { Some(next(Purpose::Signing)?) } else { None };
        let backup = if makes { None } else { Some(next(Purpose::Backup)?) };
        let proof = self.proof(evidence);
        let request = Request { number, maker, operation, evidence, proof, signing, backup };
        if let Ok(made) = self.prepare(Who::Thief, &request, config) {
            self.thief.client = self.thief.client.or(made.syms());
        }
        Some(())
    }

    fn thief_commits(&mut self, methods: Methods, config: &Config) -> Option<()> {
        let pending = self.wallet.pending()?;
        let proof = pending_syms(pending);
        (proof.without(self.thief_client()).is_empty()).then_some(())?;
        let number = operation_number(pending.id);
        let envelope = pending.backup.map(|(epoch, sym)| Envelope { epoch, sym, methods });
        self.commit(Who::Thief, number, proof, envelope, config).ok()?;
        self.store.extend(envelope);
        self.written.extend(envelope);
        Some(())
    }

    fn thief_disputes(&mut self, evidence: Evidence) -> Option<()> {
        let request = self.wallet.request()?.clone();
        let kept = match evidence {
            Evidence::Signing(epoch) => self.wallet.material(Purpose::Signing, epoch),
            Evidence::Backup(epoch) => self.wallet.material(Purpose::Backup, epoch),
            Evidence::Token | Evidence::Key | Evidence::Pending(_) => None,
        };
        if kept.is_some_and(|kept| Some(*kept) != self.proof(evidence)) {
            return None;
        }
        let accepted = self.change(|wallet| wallet.dispute(request.id, evidence).is_ok());
        accepted.then_some(())?;
        self.judge_objection(Who::Thief, evidence, self.proof(evidence));
        self.judge_token(evidence);
        if request.settled || self.wallet.freezes().dispute != Some(request.id) {
            self.broken(Violation::SettledForgotten);
        }
        Some(())
    }
}
