//! The operator, who is honest and fallible: it restores old copies, freezes, opens windows, and
//! decides disputes for whoever is the true owner.

use twoshare_core::{id::Epoch, proof::Operation};
use twoshare_protocol::rules::{Evidence, Favour, Time};

use super::{
    config::Config,
    custodian::counted,
    symbols::{Envelope, Sym, operation_id},
    world::{OldCopy, Phase, Violation, World},
};

/// How long a window stays open: longer than a grace and a wait together.
const WINDOW: Time = 12;

/// One thing that the operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// Copies the database.
    Copy,
    /// Restores that copy.
    Restore,
    /// Orders the wallet to stand still.
    Freeze,
    /// Lets it go on, and decides a dispute for its owner.
    Unfreeze,
    /// Ends a request of the thief's.
    Deny,
    /// Approves the recovery, or the replace, that its owner is asking for on this device.
    Approve(usize),
    /// Opens a window.
    OpenWindow,
    /// Lets the envelope of an ended epoch go.
    Retire(Epoch),
}

impl World {
    /// Everything the operator could do now.
    pub fn decisions(&self, config: &Config, decisions: &mut Vec<Decision>) {
        let freezes = self.wallet.freezes();
        if self.budget.restores > 0 {
            let copied = self.copy.is_some();
            decisions.push(if copied { Decision::Restore } else { Decision::Copy });
        }
        if self.budget.operator > 0 {
            decisions.push(Decision::Freeze);
            if self.request_is_thiefs() {
                decisions.push(Decision::Deny);
            }
        }
        if freezes.dispute.is_some() || freezes.operator {
            decisions.push(Decision::Unfreeze);
        }
        if freezes.restored.is_some() {
            decisions.extend([Decision::Approve(0), Decision::Approve(1)]);
        }
        if self.budget.windows > 0 {
            decisions.push(Decision::OpenWindow);
        }
        if config.retires {
            decisions.extend(self.wallet.ended().keys().map(|epoch| Decision::Retire(*epoch)));
        }
    }

    /// The operator does this; none when it cannot.
    pub fn decide(&mut self, decision: Decision, config: &Config) -> Option<()> {
        match decision {
            Decision::Copy => {
                let owners = self.ghost.owners;
                let (grace, converted) = (self.ghost.grace, self.ghost.converted);
                let wallet = self.wallet.clone();
                self.copy = Some(OldCopy { wallet, owners, grace, converted });
            }
            Decision::Restore => self.restore(config)?,
            Decision::Freeze => {
                self.budget.operator -= 1;
                self.change(|wallet| wallet.freeze());
            }
            Decision::Unfreeze => self.unfreeze()?,
            Decision::Deny => {
                self.budget.operator -= 1;
                let request = self.wallet.request()?.clone();
                self.change(|wallet| wallet.deny(request.id)).ok()?;
                self.judge_denied(request.evidence);
            }
            Decision::Approve(device) => {
                let journal = self.devices.get(device)?.journal?;
                let sent = self.sent.get(usize::from(journal.sent))?;
                let may = matches!(sent.request.operation, Operation::Recover | Operation::Replace);
                (may && sent.held && journal.phase == Phase::Asking).then_some(())?;
                let number = sent.request.number;
                self.approve(number)?;
            }
            Decision::OpenWindow => {
                // For the true owner, who asks for it with a method of the active epoch in hand.
                self.open().filter(|o| !o.restorable && o.envelope.sym.is_owners())?;
                self.budget.windows -= 1;
                let until = self.clock + WINDOW;
                self.change(|wallet| wallet.open_window(until)).ok()?;
                self.ghost.window = Some(until);
            }
            Decision::Retire(epoch) => {
                let ended = self.change(|wallet| wallet.retire(epoch, &config.policy)).ok()?;
                self.store.retain(|envelope| Some(envelope.digest()) != ended.envelope);
                self.change(|_| ());
            }
        }
        Some(())
    }

    /// The operator approves this recovery of the owner's.
    pub fn approve(&mut self, number: u8) -> Option<()> {
        self.ghost.approved = Some(number);
        self.change(|wallet| wallet.approve(operation_id(number))).ok()
    }

    /// The operator lets the wallet go on: a dispute ends for the true owner's side.
    pub fn unfreeze(&mut self) -> Option<()> {
        let thiefs = self.request_is_thiefs();
        let favour = self
            .wallet
            .freezes()
            .dispute
            .map(|request| if thiefs { Favour::Device } else { Favour::Request(request) });
        let evidence = self.wallet.request().map(|request| request.evidence);
        self.change(|wallet| wallet.unfreeze(favour)).ok()?;
        if let (Some(Favour::Device), Some(evidence)) = (favour, evidence) {
            self.judge_denied(evidence);
        }
        if let Some(Favour::Request(id)) = favour {
            let request = self.wallet.request().filter(|request| request.id == id);
            if !request.is_some_and(|request| request.settled) {
                self.broken(Violation::SettledForgotten);
            }
        }
        Some(())
    }

    /// A request was denied: no recovery with the same proof is pending.
    fn judge_denied(&mut self, evidence: Evidence) {
        let proven = self.wallet_sym(evidence);
        let of_a_request = |op| matches!(op, Operation::Recover | Operation::Convert);
        let pending = self.wallet.pending().filter(|p| of_a_request(p.operation));
        let made = pending.and_then(|pending| pending.backup).map(|(_, sym)| sym.is_owners());
        let stays = self.wallet.request().is_some_and(|request| request.evidence == evidence);
        if stays || (made.is_some() && made == proven.map(Sym::is_owners)) {
            self.broken(Violation::DeniedGoesOn);
        }
    }

    /// The database is lost, and its old copy put in its place, before the operator's promised
    /// window is over. The copy is held back before any time passes on it.
    fn restore(&mut self, config: &Config) -> Option<()> {
        let copy = self.copy.as_ref()?;
        let age = self.clock - copy.wallet.now();
        (age < config.policy.restore_window).then_some(())?;
        let copy = self.copy.take()?;
        self.budget.restores -= 1;
        let to = self.clock;
        let before = counted(&self.wallet);
        self.ghost.restored = true;
        self.ghost.approved = None;
        self.ghost.window = None;
        self.ghost.owners = copy.owners;
        self.ghost.grace = copy.grace;
        self.ghost.converted = copy.converted;
        self.wallet = copy.wallet;
        self.wallet.restored();
        self.wallet.advance(to);
        let after = counted(&self.wallet);
        self.ghost.ended = self.ghost.ended.or(before.without(after));
        self.change(|_| ());
        self.keep_window();
        Some(())
    }

    /// A restored custodian has every envelope of the copy: none of them was retired in the window.
    fn keep_window(&mut self) {
        let has = |envelope: &Envelope| self.store.contains(envelope);
        let owners = self.ghost.owners;
        let lost = self.written.iter().any(|e| Some(e.sym) == owners && !has(e));
        if lost && owners.is_some() {
            self.broken(Violation::EnvelopeLost);
        }
    }
}
