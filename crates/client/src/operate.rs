//! How an operation that makes new epochs gets from its plan to its receipt, and from wherever it was
//! interrupted: one step per phase of the [`Journal`], which is saved before each message that could
//! change the other side.

use twoshare_core::{
    digest::Digest,
    envelope::{Header, Payload, SlotTable, seal},
    id::{Epoch, Purpose, WalletKind},
    proof::Operation,
    secret::SecretBytes,
    share::AnyClientShare,
    store::Operator,
};
use twoshare_protocol::{
    custodian::{CommitError, EvidenceError, Outage, PrepareError, Unavailable},
    message::{Receipt, Signed},
    rules::{CommitRefusal, PrepareRefusal, WaitRefusal},
    session::{Asked, Offered, Proving, Ready, SessionError},
};

use crate::{
    client::{Client, now, rng},
    error::{ExchangeError, GiveUpError, PublishError, RunError},
    kept::Kept,
    progress::{Step, Track},
    record::{Holding, Journal, Keys, Phase, Proven, Record, Shares, Text},
    recover::Waiting,
    stores::StoreId,
};

mod abandon;
mod finish;
mod moving;
mod plan;

pub(crate) use self::{
    abandon::{Settled, frozen},
    finish::created,
    plan::Plan,
};

impl Client {
    /// Goes on with what is in the journal, to its receipt. When it fails, the operation has been given
    /// up, as far as the custodian could be reached, or is still in the journal:
    /// [`RunError::is_interrupted`].
    pub(crate) async fn run(&self, kept: &mut Kept, track: &Track) -> Result<(), RunError> {
        let mut began_again = false;
        // What was made in this very call need not be read, and agreed on, again.
        let mut made = None;
        while let Some(journal) = &mut kept.record.journal {
            let done = match journal.phase.clone() {
                // A move leaves its old custodian first: see `run_move`.
                Phase::Planned if journal.operation == Operation::Move => return Ok(()),
                Phase::Planned => match self.offer(kept, track).await {
                    Ok(offered) => {
                        made = offered;
                        Ok(())
                    }
                    Err(error) => Err(error),
                },
                Phase::Offered(bytes) => match self.prepare(kept, &bytes, made.take()).await {
                    // It has not arrived, and cannot any more: its session is over.
                    Err(RunError::Exchange(ExchangeError::Prepare(PrepareError::Evidence(
                        EvidenceError::NoSession,
                    )))) if !began_again => {
                        began_again = true;
                        if let Some(journal) = &mut kept.record.journal {
                            journal.phase = Phase::Planned;
                        }
                        Ok(())
                    }
                    done => done,
                },
                Phase::Ready(ready) => self.store(kept, ready, track).await,
                Phase::Committing(ready, digest) => self.commit(kept, &ready, digest, track).await,
            };
            match done {
                Ok(()) => {}
                Err(error) if error.is_interrupted() => return Err(error),
                Err(error) => {
                    // What is not known to be over stays in the journal, to be given up later.
                    return match self.give_up(kept).await {
                        Err(GiveUpError::Device(fault)) => Err(RunError::Device(fault)),
                        Ok(()) | Err(_) => Err(error),
                    };
                }
            }
        }
        Ok(())
    }

    /// Asks the custodian to begin, and makes the client's part. It is saved before it is sent.
    async fn offer(&self, kept: &mut Kept, track: &Track) -> Result<Option<Offered>, RunError> {
        track.at(Step::Exchange);
        let Some(journal) = &kept.record.journal else { return Ok(None) };
        let asked = self.ask(&kept.record, journal).map_err(ExchangeError::from)?;
        let begun = self.custodian().begin(asked.message().clone()).await;
        let begun = begun.map_err(ExchangeError::from)?;
        let receipts = journal.receipts.clone();
        let proving = proving(&kept.record, journal);
        let offered = asked.prepare(&begun, proving, receipts, &mut rng());
        let offered = offered.map_err(ExchangeError::from)?;
        let (signing, backup) = (journal.makes(Purpose::Signing), journal.makes(Purpose::Backup));
        kept.record.raise(signing, backup);
        self.advance(kept, Phase::Offered(offered.to_bytes())).await?;
        Ok(Some(offered))
    }

    fn ask(&self, record: &Record, journal: &Journal) -> Result<Asked, SessionError> {
        let party = self.party(journal.custodian, record.wallet, journal.kind(record.kind));
        let (operation, id, to) = (journal.operation, journal.id, journal.to.clone());
        match (&journal.proven, &record.holding) {
            (Proven::Nothing, _) => Asked::keygen(party, id, journal.curves.clone(), &mut rng()),
            (Proven::Backup(Shares(from)), _) | (Proven::Device, Holding::Mpc(Shares(from), _)) => {
                Asked::reshare(party, operation, id, from, to)
            }
            (Proven::Device, Holding::SingleKey(Keys(keys), _)) => {
                let epoch = journal.makes(Purpose::Backup).ok_or(SessionError::Misuse)?;
                Ok(Asked::deal(party, operation, id, keys, epoch))
            }
            (Proven::Device, Holding::Nothing) => Err(SessionError::Misuse),
        }
    }

    /// Sends the client's part, as often as it takes, and makes the new shares of the answer. They are
    /// saved with the envelope's digest, by the next step.
    async fn prepare(
        &self,
        kept: &mut Kept,
        bytes: &SecretBytes,
        made: Option<Offered>,
    ) -> Result<(), RunError> {
        let offered = match made {
            Some(offered) => offered,
            // Exposed here and below: to the decoder.
            None => Offered::from_bytes(bytes.expose_secret()).map_err(RunError::Journal)?,
        };
        let prepared = match self.custodian().prepare(offered.message().clone()).await {
            Ok(prepared) => prepared,
            Err(
                error @ (PrepareError::Unavailable(_)
                | PrepareError::Evidence(EvidenceError::NoSession)
                // An earlier prepare of ours is pending after all: a custodian that failed to store
                // it found it when it was started again. It is to be abandoned.
                | PrepareError::Refused(PrepareRefusal::OperationReused)),
            ) => return Err(ExchangeError::from(error).into()),
            Err(error) => {
                // Nothing of it is pending: there is nothing to abandon.
                if let Some(journal) = &mut kept.record.journal {
                    journal.phase = Phase::Planned;
                    let made = [Purpose::Signing, Purpose::Backup].map(|of| journal.makes(of));
                    kept.record.lower(made[0], made[1]);
                }
                return Err(match error {
                    PrepareError::Refused(PrepareRefusal::Wait(WaitRefusal::Waiting {
                        request,
                        until,
                    })) => RunError::Waiting(Waiting { request, ready_at: until }),
                    error => ExchangeError::from(error).into(),
                });
            }
        };
        let Some(journal) = &mut kept.record.journal else { return Ok(()) };
        let ready = offered.finish(&prepared, &journal.known).map_err(ExchangeError::from)?;
        if journal.operation == Operation::Recover && ready.kind() == WalletKind::SingleKey {
            // Whatever does not open is found before the commit.
            journal.keys = plan::rebuild(kept.record.wallet, journal, &ready)?;
        }
        journal.phase = Phase::Ready(ready.to_bytes());
        // The opened shares have done their part.
        if let Proven::Backup(Shares(shares)) = &mut journal.proven {
            shares.clear();
        }
        Ok(())
    }

    /// Seals the new epoch for its slots, writes it to the stores, reads it back and opens it through
    /// every slot. Its digest is saved before it is written, and once more when it may be committed.
    async fn store(
        &self,
        kept: &mut Kept,
        bytes: SecretBytes,
        track: &Track,
    ) -> Result<(), RunError> {
        let ready = Ready::from_bytes(bytes.expose_secret()).map_err(RunError::Journal)?;
        let Some(journal) = &mut kept.record.journal else { return Ok(()) };
        let Some(share) = ready.backup().first() else {
            return self.advance(kept, Phase::Committing(bytes, None)).await;
        };
        track.at(Step::Store);
        let epoch = share.id().sharing.epoch;
        let header = Header {
            name: kept.record.name.clone().map(|name| name.0),
            ..Header::new(kept.record.wallet, epoch, now())
        };
        let payload = Payload {
            kind: ready.kind(),
            keys: ready.backup().to_vec(),
            secrets: journal.secrets.0.clone(),
            attachments: journal.attachments.0.clone(),
            custodian: journal.custodian,
        };
        let slots = SlotTable::from_sealed_journal(&journal.slots).unwrap_or_default();
        let sealed = seal(&header, &payload, &slots, &mut rng()).map_err(PublishError::Seal)?;
        journal.written.push(sealed.digest);
        journal.phase = Phase::Ready(bytes.clone());
        self.save(kept).await?;
        let written = self.stores().write(&sealed, &ready).await.map_err(PublishError::from)?;
        let read_by_custodian = |id: &StoreId| {
            self.stores()
                .places()
                .iter()
                .any(|(place, store)| place == id && store.operator() == Operator::Custodian)
        };
        kept.record.marks.trusts_custodian |=
            sealed.custodian_can_open() && written.kept.iter().any(read_by_custodian);
        if let Some(journal) = &mut kept.record.journal {
            journal.stored = written.kept.iter().map(|id| Text(id.as_str().to_owned())).collect();
        }
        self.advance(kept, Phase::Committing(bytes, Some(sealed.digest))).await
    }

    /// Commits, as often as it takes, and moves the device to the new epoch.
    async fn commit(
        &self,
        kept: &mut Kept,
        ready: &SecretBytes,
        digest: Option<Digest>,
        track: &Track,
    ) -> Result<(), RunError> {
        track.at(Step::Commit);
        let ready = Ready::from_bytes(ready.expose_secret()).map_err(RunError::Journal)?;
        let commit = ready.commit(digest, &mut rng());
        let receipt = match self.custodian().commit(commit).await {
            Ok(receipt) => receipt,
            // An earlier commit of ours arrived after all: that envelope was stored and opened too.
            Err(CommitError::Refused(CommitRefusal::OtherEnvelope { committed }))
                if kept.wrote(committed) =>
            {
                let receipt = self.custodian().receipt(kept.record.wallet, ready.id()).await;
                receipt.map_err(|_| PublishError::Commit(unavailable()))?
            }
            Err(error) => return Err(PublishError::Commit(error).into()),
        };
        self.finish(kept, &ready, receipt, track).await
    }

    /// What the receipt says has happened: the device goes on from there.
    pub(crate) async fn finish(
        &self,
        kept: &mut Kept,
        ready: &Ready,
        receipt: Signed<Receipt>,
        track: &Track,
    ) -> Result<(), RunError> {
        let digest = receipt.unverified().envelope;
        if !kept.wrote(digest) {
            return Err(PublishError::Receipt(SessionError::OtherReceipt).into());
        }
        ready.check_receipt(&receipt, digest).map_err(PublishError::Receipt)?;
        track.at(Step::Tidy);
        kept.move_on(ready, receipt);
        self.write_receipt(kept).await;
        Ok(self.save(kept).await?)
    }

    async fn advance(&self, kept: &mut Kept, phase: Phase) -> Result<(), RunError> {
        if let Some(journal) = &mut kept.record.journal {
            journal.phase = phase;
        }
        Ok(self.save(kept).await?)
    }
}

/// What the operation is proven with.
fn proving<'a>(record: &'a Record, journal: &'a Journal) -> Proving<'a> {
    match (&journal.proven, &record.holding) {
        (Proven::Backup(Shares(shares)), _) => Proving::Backup(shares),
        (Proven::Device, Holding::Mpc(Shares(signing), _)) => Proving::Signing(signing),
        (Proven::Device, Holding::SingleKey(Keys(keys), _)) => Proving::Keys(keys),
        (Proven::Nothing, _) | (Proven::Device, Holding::Nothing) => Proving::Nothing,
    }
}

/// The epoch of these shares.
fn epoch_of(shares: &[AnyClientShare]) -> Option<Epoch> {
    shares.first().map(|share| share.id().sharing.epoch)
}

/// Nothing is known: to be asked again.
const fn unavailable() -> CommitError {
    CommitError::Unavailable(Unavailable::because(Outage::Unreachable))
}
