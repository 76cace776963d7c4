//! How a move gets from its plan to its end, and from wherever it was interrupted. `self` is the client
//! of the custodian that the wallet leaves, `there` that of the one that it goes to.

use twoshare_core::{envelope::SlotTable, id::Purpose, proof::Operation};
use twoshare_protocol::{
    custodian::{DepartError, EvidenceError, HandOverError, PrepareError, ReadError, RetireError},
    message::{Receipt, Signed, State},
    rules::{Custody, DepartRefusal, HandOverRefusal, RetireRefusal, WaitRefusal},
    session::{AskedArrival, Ready},
};

use super::{Plan, Settled};
use crate::{
    client::{Client, make_operation_id, rng},
    error::{
        DeviceError, ExchangeError, GiveUpError, MoveError, ResumeError, RunError, StateError,
    },
    kept::Kept,
    progress::{Step, Track},
    record::{Phase, Proven, Shares},
    recover::Waiting,
};

impl Client {
    /// Goes on with the move that is in the record, to its end: the other custodian has the wallet, this
    /// one knows it, and the backup was refreshed there.
    ///
    /// While nothing is committed there, a failure gives the move up, as far as the other custodian
    /// could be reached, or leaves it in the record. Afterwards it only goes on.
    pub(crate) async fn run_move(
        &self,
        kept: &mut Kept,
        there: Option<&Self>,
        track: &Track,
    ) -> Result<(), MoveError> {
        let mut began_again = false;
        while kept.record.journal.as_ref().is_some_and(|j| j.operation == Operation::Move) {
            let there = there.ok_or_else(|| needs_destination(kept))?;
            let Some(journal) = &kept.record.journal else { break };
            let done = match journal.phase.clone() {
                Phase::Planned => self.leave(kept, there, track).await,
                Phase::Offered(bytes) => {
                    match there.prepare(kept, &bytes, None).await {
                        // Its session there is over, and with it what was given away for it.
                        Err(RunError::Exchange(ExchangeError::Prepare(
                            PrepareError::Evidence(EvidenceError::NoSession),
                        ))) if !began_again => {
                            began_again = true;
                            if let Some(journal) = &mut kept.record.journal {
                                journal.phase = Phase::Planned;
                            }
                            Ok(())
                        }
                        done => done.map_err(MoveError::from),
                    }
                }
                Phase::Ready(ready) => {
                    there.store(kept, ready, track).await.map_err(MoveError::from)
                }
                Phase::Committing(ready, digest) => match self.check_leaving(kept).await {
                    Ok(()) => {
                        let done = there.commit(kept, &ready, digest, track).await;
                        done.map_err(MoveError::from)
                    }
                    Err(error) => Err(error),
                },
            };
            match done {
                Ok(()) => {}
                Err(error) if error.is_interrupted() => return Err(error),
                Err(error) => {
                    return match there.give_up(kept).await {
                        Err(GiveUpError::Device(fault)) => Err(fault.into()),
                        Ok(()) | Err(_) => Err(error),
                    };
                }
            }
        }
        self.hand_over(kept, there, track).await?;
        if kept.record.has_to_refresh() {
            let there = there.ok_or_else(|| needs_destination(kept))?;
            there.refresh_moved(kept, track).await?;
        }
        Ok(())
    }

    /// Begins at both, lets the wallet leave here, and makes what is to be sent there. That is saved before
    /// it is sent; until then nothing counts anywhere.
    async fn leave(&self, kept: &mut Kept, there: &Self, track: &Track) -> Result<(), MoveError> {
        track.at(Step::Leave);
        let Some(journal) = &kept.record.journal else { return Ok(()) };
        let (Proven::Backup(Shares(backup)), Some(leaves)) = (&journal.proven, &journal.leaves)
        else {
            return Ok(());
        };
        let (backup, leaves) = (backup.clone(), leaves.clone());
        let party = there.party(journal.custodian, kept.record.wallet, kept.record.kind);
        let stages = journal.to.clone();
        let asked = AskedArrival::new(party, leaves.custodian, journal.id, &backup, stages)
            .map_err(ExchangeError::from)?;
        let theirs = there.custodian().begin(asked.message().clone()).await;
        let asked = asked
            .depart(theirs.map_err(ExchangeError::from)?, &leaves.user)
            .map_err(ExchangeError::from)?;
        let begun = self.custodian().begin(asked.message().clone()).await;
        let begun = begun.map_err(ExchangeError::from)?;
        let departing = asked.request(&begun, &backup, &mut rng()).map_err(ExchangeError::from)?;
        let (signing, epoch) = (journal.makes(Purpose::Signing), journal.makes(Purpose::Backup));
        let known = journal.known.clone();
        kept.record.raise(signing, epoch);
        // From here on its id counts at the custodian that it leaves.
        self.save(kept).await?;
        let departed = match self.custodian().depart(departing.message().clone()).await {
            Ok(departed) => departed,
            Err(error @ DepartError::Unavailable(_)) => return Err(error.into()),
            Err(error) => {
                kept.record.lower(signing, epoch);
                return Err(match error {
                    DepartError::Refused(DepartRefusal::Wait(WaitRefusal::Waiting {
                        request,
                        until,
                    })) => RunError::Waiting(Waiting { request, ready_at: until }).into(),
                    error => error.into(),
                });
            }
        };
        let offered =
            departing.arrive(&departed, &known, &mut rng()).map_err(ExchangeError::from)?;
        if let Some(journal) = &mut kept.record.journal {
            journal.phase = Phase::Offered(offered.to_bytes());
        }
        Ok(self.save(kept).await?)
    }

    /// Whether the wallet is still leaving for this move: nothing was committed here meanwhile. Were it
    /// committed there all the same, it would be with both.
    async fn check_leaving(&self, kept: &Kept) -> Result<(), MoveError> {
        let Some(journal) = &kept.record.journal else { return Ok(()) };
        let Some(leaves) = &journal.leaves else { return Ok(()) };
        let state = self.ask_state(kept.record.wallet, &leaves.custodian).await?;
        match state.custody {
            Some(Custody::Leaving(leaving)) if leaving.id == journal.id => Ok(()),
            Some(_) | None => Err(MoveError::Overtaken),
        }
    }

    /// Tells the custodian that the wallet has left, with the receipt of the one that has it, once that one
    /// says that it still has it: what is told here ends the wallet here.
    async fn hand_over(
        &self,
        kept: &mut Kept,
        there: Option<&Self>,
        track: &Track,
    ) -> Result<(), MoveError> {
        let Some(moving) = kept.record.moving.as_ref().filter(|moving| !moving.told) else {
            return Ok(());
        };
        let custodian = moving.leaves.custodian;
        if self.pinned().is_some_and(|pinned| pinned != custodian) {
            return Err(ResumeError::NeedsCustodian { identity: Box::new(custodian) }.into());
        }
        let (receipt, wallet) = (moving.receipt.clone(), kept.record.wallet);
        let there = there.ok_or_else(|| needs_destination(kept))?;
        there.check_held(&receipt).await?;
        track.at(Step::HandOver);
        match self.custodian().hand_over(receipt.clone()).await {
            Ok(()) => {
                // It says so itself, and signs it.
                let signed = self.ask_signed_state(wallet).await?;
                let state = signed.verify(&custodian).map_err(StateError::WrongCustodian)?;
                if !is_gone(state, receipt.unverified().id) {
                    return Err(MoveError::NotGone);
                }
            }
            // It has nothing of the wallet: its operator has deleted the user.
            Err(HandOverError::NotFound) => {}
            Err(HandOverError::Refused(
                HandOverRefusal::NotLeaving | HandOverRefusal::Moved(_),
            )) => {
                // The wallet is with the other one, and that is where this device is: nothing is left to
                // be told. Here it lives on, and its envelopes with it.
                self.told(kept, u64::MAX).await?;
                return Err(MoveError::Overtaken);
            }
            Err(error) => return Err(error.into()),
        }
        let mut until = 0;
        for ended in kept.record.ended.clone() {
            until = until.max(match self.custodian().retire(wallet, ended.name.epoch).await {
                Ok(()) | Err(RetireError::Refused(RetireRefusal::NotEnded)) => 0,
                Err(RetireError::Refused(RetireRefusal::TooEarly { until })) => until,
                // Nobody says how long a copy of its database may need them.
                Err(_) => u64::MAX,
            });
        }
        self.told(kept, until).await
    }

    /// Whether this custodian, which has given the receipt, still has what it says: its database may have
    /// been put back from a copy of before.
    async fn check_held(&self, receipt: &Signed<Receipt>) -> Result<(), MoveError> {
        let Receipt { wallet, custodian, backup: committed, .. } = receipt.unverified();
        let state = match self.ask_state(*wallet, custodian).await {
            Ok(state) => state,
            Err(StateError::Read(ReadError::NotFound) | StateError::Moved(_)) => {
                return Err(MoveError::NotHeld);
            }
            Err(error) => return Err(error.into()),
        };
        let active = state.backup.as_ref().map(|backup| backup.epoch);
        if state.restored || active < *committed { Err(MoveError::NotHeld) } else { Ok(()) }
    }

    /// Envelopes of before stay as long as a copy of the old custodian's database may need them.
    async fn told(&self, kept: &mut Kept, until: u64) -> Result<(), MoveError> {
        for ended in &mut kept.record.ended {
            ended.not_before = match ended.not_before {
                u64::MAX => until,
                known => known.max(until),
            };
        }
        if let Some(moving) = &mut kept.record.moving {
            moving.told = true;
        }
        kept.record.forget_moving();
        Ok(self.save(kept).await?)
    }

    /// The refresh that ends a move: what crossed the wire for it leads to nothing any more. The device
    /// still has the new backup shares, and no method is asked for.
    pub(crate) async fn refresh_moved(
        &self,
        kept: &mut Kept,
        track: &Track,
    ) -> Result<(), MoveError> {
        track.at(Step::Refresh);
        let Some(moving) = &kept.record.moving else { return Ok(()) };
        let Some(identity) = kept.record.custodian else { return Ok(()) };
        let state = match self.ask_state(kept.record.wallet, &identity).await {
            // What its operator approves comes first; the refresh follows, or is not needed any more.
            Ok(state) if state.restored => return Ok(()),
            Err(StateError::Read(ReadError::NotFound)) => return Ok(()),
            state => state?,
        };
        let epoch = super::epoch_of(&moving.backup.0);
        if state.backup.as_ref().map(|backup| backup.epoch) != epoch {
            // It was refreshed already, by this device or another.
            if let Some(moving) = &mut kept.record.moving {
                moving.backup.0.clear();
            }
            kept.record.forget_moving();
            return Ok(self.save(kept).await?);
        }
        let plan = Plan {
            operation: Operation::Refresh,
            id: make_operation_id(),
            custodian: identity,
            proven: Proven::Backup(moving.backup.clone()),
            slots: SlotTable::from_sealed_journal(&moving.slots).unwrap_or_default(),
            created: moving.created.clone(),
            secrets: moving.secrets.clone(),
            attachments: kept.record.attachments.clone(),
        };
        let journal = plan.journal(&kept.record, Some(&state), &[Purpose::Backup], Vec::new(), 0);
        kept.record.journal = Some(journal.map_err(RunError::from)?);
        Ok(self.run(kept, &track.of_settling()).await?)
    }

    /// Finishes or gives up a move that was interrupted.
    pub(crate) async fn settle_move(
        &self,
        kept: &mut Kept,
        there: Option<&Self>,
        track: &Track,
    ) -> Result<Settled, MoveError> {
        let of_move = kept.record.journal.as_ref().filter(|j| j.operation == Operation::Move);
        if of_move.is_none_or(|journal| !matches!(journal.phase, Phase::Planned))
            && let (Some(there), Some(to)) = (there, kept.record.moves_to())
            && there.pinned().is_some_and(|pinned| pinned != to)
        {
            // What another custodian says of it ends nothing.
            return Err(needs_destination(kept));
        }
        let Some(journal) = of_move else {
            if let Some(to) = there.filter(|_| kept.record.journal.is_some()) {
                // The refresh at its end.
                to.settle_operation(kept, track).await?;
            }
            self.run_move(kept, there, track).await?;
            return Ok(Settled::Finished(Operation::Move));
        };
        if matches!(journal.phase, Phase::Planned) {
            // Nothing of it counts anywhere.
            kept.record.journal = None;
            self.save_or_forget(kept).await?;
            return Ok(Settled::GivenUp(Operation::Move, None));
        }
        let to = there.ok_or_else(|| needs_destination(kept))?;
        if let Some(settled) = to.settle_committing(kept, track).await? {
            if let Settled::GivenUp(..) = settled {
                return Ok(settled);
            }
        } else {
            match self.run_move(kept, there, track).await {
                Ok(()) => return Ok(Settled::Finished(Operation::Move)),
                Err(error) if kept.record.is_moving() => return Err(error),
                Err(MoveError::Run(error)) => {
                    return Ok(Settled::GivenUp(Operation::Move, Some(error)));
                }
                Err(_) => return Ok(Settled::GivenUp(Operation::Move, None)),
            }
        }
        self.run_move(kept, there, track).await?;
        Ok(Settled::Finished(Operation::Move))
    }

    /// What the custodian that the wallet goes to knows of a move in progress: `None` where it is pending
    /// there, or may become so.
    async fn settle_committing(
        &self,
        kept: &mut Kept,
        track: &Track,
    ) -> Result<Option<Settled>, MoveError> {
        let Some(journal) = &kept.record.journal else { return Ok(None) };
        let id = journal.id;
        if journal.giving_up {
            self.give_up(kept).await.map_err(ResumeError::from)?;
            return Ok(Some(Settled::GivenUp(Operation::Move, None)));
        }
        let (Phase::Ready(bytes) | Phase::Committing(bytes, _)) = journal.phase.clone() else {
            return Ok(None);
        };
        // Exposed: to the decoder.
        let ready = Ready::from_bytes(bytes.expose_secret()).map_err(RunError::Journal)?;
        match self.custodian().receipt(kept.record.wallet, id).await {
            Ok(receipt) => {
                self.finish(kept, &ready, receipt, track).await?;
                return Ok(Some(Settled::Finished(Operation::Move)));
            }
            Err(ReadError::NotFound) => {}
            Err(error) => return Err(ResumeError::Receipt(error).into()),
        }
        let pending = match self.ask_state(kept.record.wallet, &ready.party().custodian).await {
            Ok(state) => state.pending.is_some_and(|pending| pending.id == id),
            // Of a wallet that came back, what is pending is not told.
            Err(StateError::Moved(_)) => true,
            Err(StateError::Read(ReadError::NotFound)) => false,
            Err(error) => return Err(error.into()),
        };
        if pending {
            return Ok(None);
        }
        self.give_up(kept).await.map_err(ResumeError::from)?;
        Ok(Some(Settled::GivenUp(Operation::Move, None)))
    }

    /// What the client of the custodian that the wallet goes to can do of a move alone: everything but
    /// telling the other one.
    pub(crate) async fn settle_arrival(
        &self,
        kept: &mut Kept,
        track: &Track,
    ) -> Result<Settled, ResumeError> {
        let of_move = |kept: &Kept| {
            kept.record.journal.as_ref().is_some_and(|j| j.operation == Operation::Move)
        };
        if of_move(kept) {
            let planned = kept.record.journal.as_ref();
            let planned = planned.is_some_and(|journal| matches!(journal.phase, Phase::Planned));
            let settled = match planned {
                true => None,
                false => match self.settle_committing(kept, track).await {
                    Ok(settled) => settled,
                    Err(error) => return Err(moved_error(error)),
                },
            };
            match settled {
                Some(settled @ Settled::GivenUp(..)) => return Ok(settled),
                Some(_) => {}
                None => {
                    // Whether it is still leaving, only the other custodian can say.
                    let from = kept.record.journal.as_ref().and_then(|j| j.leaves.as_ref());
                    let identity = from.map(|leaves| Box::new(leaves.custodian));
                    let Some(identity) = identity else { return Ok(Settled::Nothing) };
                    return Err(ResumeError::NeedsCustodian { identity });
                }
            }
        }
        if kept.record.journal.is_some() {
            // The refresh at its end.
            self.settle_operation(kept, track).await?;
        }
        if kept.record.has_to_refresh() {
            self.refresh_moved(kept, track).await.map_err(moved_error)?;
        }
        Ok(Settled::Finished(Operation::Move))
    }
}

fn is_gone(state: &State, id: twoshare_core::id::OperationId) -> bool {
    matches!(&state.custody, Some(Custody::Gone(gone)) if gone.id == id)
}

fn moved_error(error: MoveError) -> ResumeError {
    match error {
        MoveError::Unsettled(error) => error,
        MoveError::Device(error) => error.into(),
        MoveError::State(error) => error.into(),
        error => ResumeError::Move(Box::new(error)),
    }
}

fn needs_destination(kept: &Kept) -> MoveError {
    match kept.record.moves_to() {
        Some(identity) => ResumeError::NeedsCustodian { identity: Box::new(identity) }.into(),
        None => DeviceError::NotHere { wallet: kept.record.wallet }.into(),
    }
}
