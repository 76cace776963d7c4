//! Liveness, as an invariant: from this very state, an owner with an empty device, one method and
//! the honest store gets the wallet back, with an operator who helps and a thief who rests, before
//! the grace is over.

use twoshare_core::id::WalletKind;
use twoshare_protocol::rules::{PrepareRefusal, Time, WaitRefusal};

use super::{
    config::{Config, Plan},
    custodian::{Refused, counted},
    symbols::{Methods, Sym, TRIAL, operation_id},
    world::{Device, Phase, Sent, Violation, Who, World},
};

/// How often the script is tried anew before it is called stuck.
const ATTEMPTS: u8 = 12;

/// Why the owner did not get the wallet back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stuck {
    /// No method of the owner's opens an envelope that still counts.
    NothingOpens,
    /// What counts and opens is not the owner's.
    Foreign,
    /// The custodian refuses for good.
    Refused(PrepareRefusal),
    /// The envelope could not be written, or the commit was refused.
    NotCommitted,
    /// It was committed, and is not what it should be.
    Wrong(Option<Violation>),
    /// The operator could not let the wallet go on.
    Held,
    /// There is no end to it.
    Endless,
}

impl World {
    /// Whether the owner is owed a recovery: the last backup that the owner committed has a method
    /// that the owner knows, and was not lost by letting a whole grace pass.
    fn owed(&self) -> Option<Sym> {
        let owners = self.ghost.owners?;
        let opens =
            |e: &&super::symbols::Envelope| e.sym == owners && e.methods.meets(self.methods);
        self.written.iter().find(opens).map(|_| owners)
    }

    /// Recovers from here.
    ///
    /// # Errors
    ///
    /// Where it got stuck.
    pub fn recovers(&self, config: &Config) -> Result<(), Stuck> {
        if self.owed().is_none() {
            return Ok(());
        }
        self.clone().tries(0, Plan::Recover, config)
    }

    /// Makes a new backup from here, with what is on the device alone, by an owner whose methods
    /// open nothing that counts.
    ///
    /// # Errors
    ///
    /// Where it got stuck.
    pub fn replaces(&self, config: &Config) -> Result<(), Stuck> {
        if self.ghost.over || self.wallet.backup().is_none() || self.open().is_some() {
            return Ok(());
        }
        let signing = self.wallet.signing().map(|active| (active.epoch, active.material));
        let whole = self.wallet.kind() == WalletKind::SingleKey;
        let has = |device: &Device| {
            whole && device.key || (signing.is_some() && device.signing == signing)
        };
        match self.devices.iter().position(has) {
            Some(device) => self.clone().tries(device, Plan::Replace, config),
            None => Ok(()),
        }
    }

    fn tries(mut self, device: usize, plan: Plan, config: &Config) -> Result<(), Stuck> {
        for _ in 0..ATTEMPTS {
            let freezes = self.wallet.freezes();
            if freezes.dispute.is_some() || freezes.operator {
                self.unfreeze().ok_or(Stuck::Held)?;
            }
            if self.wallet.freezes().restored.is_some() {
                self.approve(TRIAL).ok_or(Stuck::Held)?;
            }
            let mut sent = self.plan(device, plan, TRIAL).ok_or(Stuck::NothingOpens)?;
            if plan == Plan::Recover && sent.request.proof.is_some_and(|sym| !sym.is_owners()) {
                return Err(Stuck::Foreign);
            }
            match self.prepare(Who::Owner, &sent.request, config) {
                Ok(made) => {
                    sent.made = Some(made);
                    return self.finishes(&sent, config);
                }
                Err(Refused::BadProof) => return Err(Stuck::Foreign),
                Err(Refused::Rules(refusal)) => match refusal {
                    PrepareRefusal::Frozen(_) => {}
                    PrepareRefusal::Conflict { until, .. } => {
                        let pending = self.wallet.pending().map(|pending| pending.id);
                        let pending = pending.ok_or(Stuck::Endless)?;
                        let proof = sent.request.proof;
                        if !self.abandon(Who::Owner, sent.request.evidence, proof, pending) {
                            self.pass(until, config);
                        }
                    }
                    PrepareRefusal::Wait(WaitRefusal::Waiting { until, .. }) => {
                        self.pass(until, config);
                    }
                    PrepareRefusal::Wait(WaitRefusal::RequestWaiting { request }) => {
                        if !self.request_is_thiefs() {
                            return Err(Stuck::Endless);
                        }
                        drop(self.change(|wallet| wallet.deny(request)));
                    }
                    PrepareRefusal::GraceRunning { left } if plan == Plan::Replace => {
                        if let Some(request) = self.wallet.request().map(|request| request.id) {
                            drop(self.change(|wallet| wallet.deny(request)));
                        }
                        self.pass(self.clock + left, config);
                    }
                    refusal => return Err(Stuck::Refused(refusal)),
                },
            }
        }
        Err(Stuck::Endless)
    }

    fn pass(&mut self, until: Time, config: &Config) {
        while self.clock < until {
            let due = self.due(config).unwrap_or(until).min(until);
            self.tick(due);
        }
    }

    fn finishes(&mut self, sent: &Sent, config: &Config) -> Result<(), Stuck> {
        let made = sent.made.ok_or(Stuck::NotCommitted)?;
        let envelope = sent.envelope().ok_or(Stuck::NotCommitted)?;
        self.methods = self.methods.or(if sent.methods == Methods::NEW {
            Methods::NEW
        } else {
            Methods::NONE
        });
        self.store.insert(envelope);
        self.written.insert(envelope);
        let committed =
            self.commit(Who::Owner, sent.request.number, made.syms(), Some(envelope), config);
        committed.map_err(|_| Stuck::NotCommitted)?;
        let active = self.wallet.backup().map(|active| active.material);
        let right = active == made.backup
            && counted(&self.wallet).without(made.syms()).and(self.ghost.ended).is_empty()
            && made.signing.is_none_or(|sym| {
                self.wallet.signing().is_some_and(|active| active.material == sym)
            })
            && self.wallet.pending().is_none()
            && !self.wallet.freezes().any()
            && self.open().is_some_and(|opened| Some(opened.envelope.sym) == made.backup)
            && self.ghost.violation.is_none();
        if right { Ok(()) } else { Err(Stuck::Wrong(self.ghost.violation)) }
    }

    /// Whether every device can bring to an end what it is in the middle of, and the owner can
    /// recover afterwards.
    ///
    /// # Errors
    ///
    /// Where it got stuck.
    pub fn resumes(&self, config: &Config) -> Result<(), Stuck> {
        let devices = if self.ghost.over { 0 } else { self.devices.len() };
        for device in 0..devices {
            let mut world = self.clone();
            let journal =
                |world: &Self| world.devices.get(device).and_then(|device| device.journal);
            for _ in 0..ATTEMPTS {
                if journal(&world).is_none() {
                    break;
                }
                let freezes = world.wallet.freezes();
                if freezes.dispute.is_some() || freezes.operator {
                    world.unfreeze().ok_or(Stuck::Held)?;
                }
                let before = world.clone();
                world.step(device, config);
                if world == before {
                    // What stands in the way of it: a wait, a grace, somebody else's operation.
                    world.status(device, config);
                    world.give_up(device);
                }
            }
            if let Some(journal) = journal(&world) {
                // Only one whose proof has ended, and of which the custodian knows nothing, is left.
                let never_made = journal.phase == Phase::Asking;
                let sent = world.sent.get(usize::from(journal.sent)).ok_or(Stuck::Endless)?;
                let pending = world.wallet.pending();
                let id = operation_id(sent.request.number);
                let nothing = pending.is_none_or(|pending| pending.id != id);
                if !(never_made && nothing) {
                    return Err(Stuck::Endless);
                }
            } else if self.devices.get(device).is_some_and(|device| device.journal.is_some()) {
                world.recovers(config)?;
            }
        }
        Ok(())
    }
}
