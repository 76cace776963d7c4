//! The owner's client, as it really works: each step is on the device's disk before the next, so
//! that a crash between any two is the same as doing nothing for a while. A device may at any time
//! repeat its step, ask for the status, or give up.

use twoshare_core::{
    id::{Epoch, Purpose, WalletKind},
    proof::Operation,
};
use twoshare_protocol::rules::{CommitRefusal, Evidence, Outcome, PrepareRefusal};

use super::{
    config::{Config, Plan},
    custodian::{Refused, pending_syms},
    symbols::{EJECT, Envelope, Methods, Sym, operation_id},
    world::{Journal, Made, Phase, Request, Sent, Violation, Who, World},
};

/// Which message of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Message {
    /// Its prepare.
    Prepare,
    /// Its commit.
    Commit,
    /// Its abandon.
    Abandon,
}

/// What one method of the owner's opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// The envelope: its slot table is whom the next one is sealed for.
    pub envelope: Envelope,
    /// Whether the custodian lists it as restorable.
    pub restorable: bool,
}

impl World {
    /// The envelope that the owner opens: the restorable one if a method opens it, else the one that
    /// the custodian calls active; found by its digest in the honest store, whatever the others
    /// withhold or bring back. A thief's replace may be sealed for the owner's methods too: where the
    /// older epoch still opens, the newer one is not what its owner made when they were forgotten.
    #[must_use]
    pub fn open(&self) -> Option<Opened> {
        let active = self.wallet.backup().map(|a| (a.epoch, a.material, a.envelope, false));
        let restorable = self.wallet.restorable();
        let restorable = restorable.map(|r| (r.epoch, r.material, r.envelope, true));
        restorable.into_iter().chain(active).find_map(|(epoch, sym, digest, restorable)| {
            let named = |e: &&Envelope| Some(e.digest()) == digest;
            let envelope = *self.store.iter().find(named)?;
            let fits = envelope.epoch == epoch && envelope.sym == sym;
            let opens = fits && envelope.methods.meets(self.methods);
            opens.then_some(Opened { envelope, restorable })
        })
    }

    /// One more than the highest number that the custodian, any device, any envelope in the honest
    /// store or any receipt has.
    #[must_use]
    pub fn next_epoch(&self, purpose: Purpose) -> Option<Epoch> {
        let known = match purpose {
            Purpose::Backup => self.store.iter().map(|e| e.epoch.get()).max(),
            Purpose::Signing => {
                let devices = self.devices.iter();
                devices.filter_map(|d| d.signing).map(|(epoch, _)| epoch.get()).max()
            }
        };
        let highest = self.wallet.highest().of(purpose).max(self.ghost.told.of(purpose));
        Epoch::new(highest.max(known.unwrap_or(0)) + 1)
    }

    /// The methods that a recovery from this envelope seals for: those of its slot table, and
    /// after a restore only those that are also in every newer envelope which the owner opens, or
    /// else one entered now. A removed method does not come back with an old copy.
    fn still_wanted(&self, opened: Envelope) -> Methods {
        if self.wallet.freezes().restored.is_none() {
            return opened.methods;
        }
        let newer = self.store.iter().filter(|e| e.epoch > opened.epoch);
        let newer = newer.filter(|e| e.methods.meets(self.methods));
        let left = newer.fold(opened.methods, |left, e| left.without(left.without(e.methods)));
        if left == Methods::NONE { Methods::NEW } else { left }
    }

    /// What this plan would ask for on this device; none when the device cannot.
    #[must_use]
    pub fn plan(&self, device: usize, plan: Plan, number: u8) -> Option<Sent> {
        let device = self.devices.get(device)?;
        let kind = self.wallet.kind();
        let proof_of_device = match kind {
            WalletKind::Mpc => {
                device.signing.map(|(epoch, sym)| (Evidence::Signing(epoch), Some(sym)))
            }
            WalletKind::SingleKey => device.key.then_some((Evidence::Key, None)),
        };
        let opened = self.open();
        let of =
            |opened: Opened| (Evidence::Backup(opened.envelope.epoch), Some(opened.envelope.sym));
        let all = Methods::FIRST.or(Methods::SECOND);
        let (operation, (evidence, proof), methods) = match plan {
            Plan::Keygen => {
                let new = self.wallet.signing().is_none() && kind == WalletKind::Mpc;
                let token = (Evidence::Token, None);
                (Operation::Keygen, new.then_some(token)?, Methods::NONE)
            }
            Plan::FirstBackup => {
                let proof = proof_of_device.filter(|_| self.wallet.backup().is_none())?;
                (Operation::FirstBackup, proof, all)
            }
            Plan::Refresh => {
                // Of the restorable epoch too: a client may try, and the rules refuse it.
                let opened = opened?;
                (Operation::Refresh, of(opened), opened.envelope.methods)
            }
            Plan::RemoveFirst => {
                let opened = opened.filter(|opened| !opened.restorable)?;
                let methods = opened.envelope.methods;
                let left = methods.without(Methods::FIRST);
                (left != methods && left != Methods::NONE).then_some(())?;
                (Operation::Refresh, of(opened), left)
            }
            Plan::Replace => {
                let forgot = opened.is_none() && self.wallet.backup().is_some();
                (Operation::Replace, proof_of_device.filter(|_| forgot)?, Methods::NEW)
            }
            Plan::Convert => {
                // Of the restorable epoch too, as above; on a device that has the whole key, also where
                // it has not heard that another has converted the wallet.
                let opened = opened.filter(|_| device.key)?;
                (Operation::Convert, of(opened), opened.envelope.methods)
            }
            Plan::Recover => {
                let opened = opened?;
                (Operation::Recover, of(opened), self.still_wanted(opened.envelope))
            }
        };
        let signs = matches!(operation, Operation::Keygen | Operation::Convert)
            || (operation == Operation::Recover && kind == WalletKind::Mpc);
        let backs_up = operation != Operation::Keygen;
        let signing = if signs { Some(self.next_epoch(Purpose::Signing)?) } else { None };
        let backup = if backs_up { Some(self.next_epoch(Purpose::Backup)?) } else { None };
        let request =
            Request { number, maker: number, operation, evidence, proof, signing, backup };
        let held = self.wallet.freezes().restored.is_some();
        Some(Sent { request, methods, made: None, commit: false, abandon: false, held })
    }

    /// Begins an operation: its journal is on disk, its prepare on its way.
    pub fn begin(&mut self, device: usize, plan: Plan) -> Option<()> {
        let number = u8::try_from(self.sent.len()).ok()? + 1;
        (number < EJECT).then_some(())?;
        let sent = self.plan(device, plan, number)?;
        let device = self.devices.get_mut(device).filter(|device| device.journal.is_none())?;
        device.journal = Some(Journal { sent: number - 1, phase: Phase::Asking });
        if sent.methods == Methods::NEW {
            self.methods = self.methods.or(Methods::NEW);
        }
        if sent.methods.meets(Methods::THIEFS) && self.ghost.owners.is_some() {
            self.broken(Violation::SealedForThief);
        }
        self.sent.push(sent);
        Some(())
    }

    fn journal(&self, device: usize) -> Option<(Journal, Sent)> {
        let journal = self.devices.get(device)?.journal?;
        Some((journal, self.sent.get(usize::from(journal.sent))?.clone()))
    }

    fn set_phase(&mut self, device: usize, phase: Option<Phase>) {
        let Some(device) = self.devices.get_mut(device) else { return };
        device.journal = match (device.journal, phase) {
            (Some(journal), Some(phase)) => Some(Journal { phase, ..journal }),
            (_, None) | (None, _) => None,
        };
    }

    fn update(&mut self, sent: u8, update: impl FnOnce(&mut Sent)) {
        if let Some(sent) = self.sent.get_mut(usize::from(sent)) {
            update(sent);
        }
    }

    /// The next step of what the device is in the middle of, with its answer.
    pub fn step(&mut self, device: usize, config: &Config) -> Option<()> {
        let (journal, sent) = self.journal(device)?;
        let number = sent.request.number;
        match journal.phase {
            Phase::Asking => match self.prepare(Who::Owner, &sent.request, config) {
                Ok(made) => {
                    self.update(journal.sent, |sent| sent.made = Some(made));
                    self.set_phase(device, Some(Phase::Prepared));
                }
                Err(Refused::Rules(
                    PrepareRefusal::Frozen(_)
                    | PrepareRefusal::Wait(_)
                    | PrepareRefusal::Conflict { .. }
                    | PrepareRefusal::GraceRunning { .. },
                )) => {}
                Err(Refused::Rules(PrepareRefusal::AlreadyCommitted)) => {
                    return self.status(device, config);
                }
                Err(Refused::BadProof | Refused::Rules(_)) => self.set_phase(device, None),
            },
            Phase::Prepared => {
                // Only who proves the pending share may write to the custodian's store.
                let id = operation_id(number);
                let pending = self.wallet.pending().filter(|pending| pending.id == id);
                let mine = pending.map(pending_syms);
                if mine != sent.made.map(Made::syms) {
                    return self.status(device, config);
                }
                if let Some(envelope) = sent.envelope() {
                    self.store.insert(envelope);
                    self.written.insert(envelope);
                }
                self.update(journal.sent, |sent| sent.commit = true);
                self.set_phase(device, Some(Phase::Written));
            }
            Phase::Written => {
                let proof = sent.made?.syms();
                match self.commit(Who::Owner, number, proof, sent.envelope(), config) {
                    Ok(()) => self.done(device, &sent),
                    Err(Refused::Rules(CommitRefusal::Frozen(_))) => {}
                    Err(Refused::BadProof | Refused::Rules(_)) => {
                        self.delete(&sent);
                        self.set_phase(device, None);
                    }
                }
            }
        }
        Some(())
    }

    /// The receipt arrives: the operation is done, and the device may say so.
    fn done(&mut self, device: usize, sent: &Sent) {
        let made = sent.made.unwrap_or_default();
        let told = &mut self.ghost.told;
        let number = |epoch: Option<Epoch>| epoch.map_or(0, Epoch::get);
        told.signing = told.signing.max(number(sent.request.signing));
        told.backup = told.backup.max(number(sent.request.backup));
        if let Some(device) = self.devices.get_mut(device) {
            device.journal = None;
            device.signing = sent.request.signing.zip(made.signing).or(device.signing);
            // With signing shares it has no whole key any more; in a single-key recovery it rebuilt it.
            device.key |= sent.request.operation == Operation::Recover;
            device.key &= made.signing.is_none();
        }
    }

    /// An operation that has ended without a commit leaves an envelope, which is deleted only when
    /// the custodian says that it has ended.
    fn delete(&mut self, sent: &Sent) {
        let outcome = self.wallet.outcome(operation_id(sent.request.number));
        let ended =
            matches!(outcome, Some(Outcome::Abandoned | Outcome::Expired | Outcome::Displaced));
        if let Some(envelope) = sent.envelope().filter(|_| ended) {
            self.store.remove(&envelope);
            self.change(|_| ());
        }
    }

    /// A message arrives, for the first time or again, and its answer arrives nowhere.
    pub fn unanswered(&mut self, sent: u8, message: Message, config: &Config) -> Option<()> {
        let sent = self.sent.get(usize::from(sent))?.clone();
        let before = self.wallet.clone();
        match message {
            Message::Prepare => drop(self.prepare(Who::Owner, &sent.request, config)),
            Message::Commit => {
                sent.commit.then_some(())?;
                let proof = sent.made?.syms();
                drop(self.commit(Who::Owner, sent.request.number, proof, sent.envelope(), config));
            }
            Message::Abandon => {
                sent.abandon.then_some(())?;
                self.send_abandon(&sent);
            }
        }
        (self.wallet != before).then_some(())
    }

    /// After a crash: the custodian says how the operation went.
    pub fn status(&mut self, device: usize, config: &Config) -> Option<()> {
        let (journal, sent) = self.journal(device)?;
        let id = operation_id(sent.request.number);
        let pending = self.wallet.pending().is_some_and(|pending| pending.id == id);
        match self.wallet.outcome(id) {
            // Committed by a message of which this device never had the answer.
            Some(Outcome::Committed(_)) if sent.commit => {
                let proof = sent.made?.syms();
                let envelope = sent.envelope();
                if self.commit(Who::Owner, sent.request.number, proof, envelope, config).is_ok() {
                    self.done(device, &sent);
                } else {
                    self.set_phase(device, None);
                }
            }
            Some(_) => {
                self.delete(&sent);
                self.set_phase(device, None);
            }
            None if pending => return None,
            // Never arrived, or forgotten with a lost database: it is asked for again.
            None if journal.phase == Phase::Asking => return None,
            None => self.set_phase(device, None),
        }
        Some(())
    }

    /// The pending share where the client has it, else what it prepared with.
    fn send_abandon(&mut self, sent: &Sent) -> bool {
        let id = operation_id(sent.request.number);
        let pending = self.wallet.pending().filter(|pending| pending.id == id);
        let has_share = pending.map(pending_syms) == sent.made.map(Made::syms) && pending.is_some();
        let evidence = if has_share { Evidence::Pending(id) } else { sent.request.evidence };
        let proof = sent.request.proof;
        self.abandon(Who::Owner, evidence, proof, id)
    }

    /// Somebody abandons an operation.
    pub fn abandon(
        &mut self,
        who: Who,
        evidence: Evidence,
        proof: Option<Sym>,
        id: twoshare_core::id::OperationId,
    ) -> bool {
        let kept = match evidence {
            Evidence::Signing(epoch) => self.wallet.material(Purpose::Signing, epoch),
            Evidence::Backup(epoch) => self.wallet.material(Purpose::Backup, epoch),
            Evidence::Token | Evidence::Key | Evidence::Pending(_) => None,
        };
        if kept.is_some_and(|kept| Some(*kept) != proof) {
            return false;
        }
        let before = self.wallet.clone();
        let rank = self.rank(evidence);
        let held = self.wallet.pending().map(|pending| pending.authority);
        let abandoned = self.change(|wallet| wallet.abandon(id, evidence).is_ok());
        if self.wallet != before {
            self.judge_objection(who, evidence, proof);
        }
        if held.is_some() && self.wallet.pending().is_none() && rank < held {
            self.broken(Violation::Outranked);
        }
        abandoned
    }

    /// Something was abandoned or disputed: not by an epoch that has ended, unless an old copy brought
    /// it back, where nothing is to be gained by it.
    pub fn judge_objection(&mut self, who: Who, evidence: Evidence, proof: Option<Sym>) {
        if evidence == Evidence::Token {
            self.judge_token(evidence);
        }
        self.judge_key(evidence);
        let by_share = matches!(evidence, Evidence::Signing(_) | Evidence::Backup(_));
        if by_share && self.wallet.freezes().restored.is_none() {
            self.judge_proof(who, u8::MAX, proof, Violation::EndedObjected);
        }
    }

    /// The owner gives up what the device is in the middle of.
    pub fn give_up(&mut self, device: usize) -> Option<()> {
        let (journal, sent) = self.journal(device)?;
        self.update(journal.sent, |sent| sent.abandon = true);
        if self.send_abandon(&sent) {
            self.delete(&sent);
            self.set_phase(device, None);
        }
        Some(())
    }

    /// Another operation is in the way: this device abandons it with what it has.
    pub fn clear_the_way(&mut self, device: usize) -> Option<()> {
        let (journal, sent) = self.journal(device)?;
        (journal.phase == Phase::Asking).then_some(())?;
        let pending = self.wallet.pending()?.id;
        (pending != operation_id(sent.request.number)).then_some(())?;
        self.abandon(Who::Owner, sent.request.evidence, sent.request.proof, pending).then_some(())
    }

    /// An eject, asked for again until it is answered or refused.
    pub fn eject_own(&mut self, config: &Config) -> Option<()> {
        let opened = self.open()?.envelope;
        let evidence = Evidence::Backup(opened.epoch);
        let before = self.wallet.clone();
        let released = self.eject(Who::Owner, EJECT, evidence, Some(opened.sym), config);
        (released || self.wallet != before).then_some(())
    }
}
