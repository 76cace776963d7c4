//! Giving an operation up, and what was interrupted before.

use twoshare_core::{proof::Operation, share::AnyClientShare};
use twoshare_protocol::{
    custodian::{AbandonError, BeginError, ReadError},
    message::State,
    rules::{AbandonRefusal, Freezes, Frozen, Restored},
    session::{AskedRequest, Proving, Ready},
};

use super::proving;
use crate::{
    client::{Client, rng},
    error::{GiveUpError, ResumeError, RunError, StateError},
    kept::Kept,
    progress::{Step, Track},
    record::{Journal, Named, Phase, Proven},
};

/// What became of what was interrupted.
#[derive(Debug)]
pub(crate) enum Settled {
    /// Nothing was.
    Nothing,
    /// It is finished: what was to happen has happened.
    Finished(Operation),
    /// It is given up: everything is as if it had not begun.
    GivenUp(Operation, Option<RunError>),
}

/// What the custodian said of an operation that was to be abandoned.
enum Over {
    /// That it ended without a commit, and what was written of it is nobody's.
    Said,
    /// Nothing that would show it.
    NotSaid,
}

impl Client {
    /// Finishes or gives up what the journal has, after asking the custodian how it stands.
    pub(crate) async fn settle(
        &self,
        kept: &mut Kept,
        track: &Track,
    ) -> Result<(Settled, Option<State>), ResumeError> {
        if kept.record.is_moving() {
            track.at(Step::Settle);
            let settled = self.settle_move_alone(kept, &track.of_settling()).await?;
            return Ok((settled, None));
        }
        self.settle_operation(kept, track).await
    }

    /// The same for an operation with this client's custodian alone.
    pub(crate) async fn settle_operation(
        &self,
        kept: &mut Kept,
        track: &Track,
    ) -> Result<(Settled, Option<State>), ResumeError> {
        let Some(journal) = &kept.record.journal else { return Ok((Settled::Nothing, None)) };
        track.at(Step::Settle);
        let track = &track.of_settling();
        let (operation, id) = (journal.operation, journal.id);
        let state = match self.ask_state(kept.record.wallet, &journal.custodian).await {
            Ok(state) => Some(state),
            // It has not heard of the wallet, or not any more.
            Err(StateError::Read(ReadError::NotFound)) => None,
            Err(error) => return Err(error.into()),
        };
        let settled = |settled| Ok((settled, state.clone()));
        if journal.giving_up {
            self.give_up(kept).await?;
            return settled(Settled::GivenUp(operation, None));
        }
        let mut pending = state.as_ref().and_then(|state| state.pending.as_ref());
        let is_pending = pending.take_if(|pending| pending.id == id).is_some();
        if let Some(state) = &state {
            if state.restored && !journal.restored {
                // What it was begun for may never have happened. Nothing is deleted: the copy may be the
                // wrong one.
                kept.record.journal = None;
                self.save_or_forget(kept).await?;
                return settled(Settled::GivenUp(operation, None));
            }
            if is_pending && !state.restored && (state.frozen || state.dispute.is_some()) {
                return Err(ResumeError::Frozen(frozen(state)));
            }
        }
        if let (false, Phase::Ready(bytes) | Phase::Committing(bytes, _)) =
            (is_pending, &journal.phase)
        {
            // Exposed: to the decoder.
            let ready = Ready::from_bytes(bytes.expose_secret()).map_err(GiveUpError::Journal)?;
            match self.custodian().receipt(kept.record.wallet, id).await {
                Ok(receipt) => {
                    let finished = self.finish(kept, &ready, receipt, track).await;
                    finished.map_err(|error| stopped(operation, error))?;
                    return settled(Settled::Finished(operation));
                }
                Err(ReadError::NotFound) => {
                    self.give_up(kept).await?;
                    return settled(Settled::GivenUp(operation, None));
                }
                Err(error) => return Err(ResumeError::Receipt(error)),
            }
        }
        match self.run(kept, track).await {
            Ok(()) => settled(Settled::Finished(operation)),
            Err(error) if kept.record.journal.is_some() => Err(stopped(operation, error)),
            Err(error) => settled(Settled::GivenUp(operation, Some(error))),
        }
    }

    /// Gives up the operation in the journal. What was written of it is deleted once the custodian has
    /// said that it ended without a commit, and not otherwise. Where that fails it expires by itself,
    /// and its envelope, which no receipt names, lies unused.
    pub(crate) async fn give_up(&self, kept: &mut Kept) -> Result<(), GiveUpError> {
        let Some(journal) = &mut kept.record.journal else { return Ok(()) };
        if !matches!(journal.phase, Phase::Planned) && !journal.giving_up {
            journal.giving_up = true;
            self.save(kept).await?;
        }
        let Some(journal) = &kept.record.journal else { return Ok(()) };
        let over = match self.abandon(kept, journal).await {
            Err(GiveUpError::Abandon(AbandonError::Refused(AbandonRefusal::AlreadyCommitted))) => {
                // Then it is to be finished.
                if let Some(journal) = &mut kept.record.journal {
                    journal.giving_up = false;
                }
                self.save(kept).await?;
                return Err(GiveUpError::Abandon(AbandonRefusal::AlreadyCommitted.into()));
            }
            over => over?,
        };
        let epoch = journal.makes(twoshare_core::id::Purpose::Backup);
        if let (Over::Said, Some(epoch)) = (over, epoch) {
            let written = journal.written.clone();
            kept.record.strays.extend(written.into_iter().map(|digest| Named { epoch, digest }));
        }
        kept.record.journal = None;
        self.save_or_forget(kept).await?;
        Ok(self.sweep(kept).await?)
    }

    async fn abandon(&self, kept: &Kept, journal: &Journal) -> Result<Over, GiveUpError> {
        let shares: Vec<AnyClientShare>;
        let proving = match &journal.phase {
            Phase::Planned => return Ok(Over::NotSaid),
            Phase::Offered(_) => match journal.proven {
                // Nobody can: it expires.
                Proven::Nothing => return Ok(Over::NotSaid),
                Proven::Backup(_) if journal.operation == Operation::Move => {
                    return Ok(Over::NotSaid);
                }
                Proven::Device | Proven::Backup(_) => proving(&kept.record, journal),
            },
            Phase::Ready(bytes) | Phase::Committing(bytes, _) => {
                // Exposed: to the decoder.
                let ready = Ready::from_bytes(bytes.expose_secret());
                let ready = ready.map_err(GiveUpError::Journal)?;
                shares = ready.signing().iter().chain(ready.backup()).cloned().collect();
                Proving::Pending(journal.id, &shares)
            }
        };
        let kind = journal.kind(kept.record.kind);
        let party = self.party(journal.custodian, kept.record.wallet, kind);
        let asked = AskedRequest::new(party, Operation::Abandon, journal.id, proving)?;
        let begun = match self.custodian().begin(asked.message().clone()).await {
            Ok(begun) => begun,
            Err(error @ (BeginError::Unavailable(_) | BeginError::TooMany)) => {
                return Err(GiveUpError::Begin(error));
            }
            Err(BeginError::WrongKind) if journal.operation == Operation::Convert => {
                return self.converted_by(kept, journal).await;
            }
            Err(_) => return Ok(Over::NotSaid),
        };
        let request = asked.request(&begun, proving, &mut rng())?;
        match self.custodian().abandon(request.message().clone()).await {
            Ok(tombstone) => {
                request.check_tombstone(&tombstone)?;
                Ok(Over::Said)
            }
            Err(
                error @ (AbandonError::Unavailable(_)
                | AbandonError::Refused(AbandonRefusal::AlreadyCommitted)),
            ) => Err(GiveUpError::Abandon(error)),
            Err(_) => Ok(Over::NotSaid),
        }
    }
}

impl Client {
    /// Of a conversion that was to be given up, at a custodian that calls the wallet converted: whether
    /// it was this one.
    async fn converted_by(&self, kept: &Kept, journal: &Journal) -> Result<Over, GiveUpError> {
        match self.custodian().receipt(kept.record.wallet, journal.id).await {
            Ok(_) => Err(GiveUpError::Abandon(AbandonRefusal::AlreadyCommitted.into())),
            Err(ReadError::NotFound) => Ok(Over::NotSaid),
            Err(_) => Err(GiveUpError::Begin(BeginError::WrongKind)),
        }
    }
}

fn stopped(operation: Operation, error: RunError) -> ResumeError {
    ResumeError::Run { operation, source: Box::new(error) }
}

/// Why the wallet stands still, as its state says.
pub(crate) fn frozen(state: &State) -> Frozen {
    Frozen(Freezes {
        dispute: state.dispute,
        operator: state.frozen,
        restored: state.restored.then_some(Restored::AwaitsApproval),
    })
}
