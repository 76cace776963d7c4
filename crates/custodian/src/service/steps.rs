//! The steps that change a wallet: loaded, taken, saved, answered.

use twoshare_core::{
    id::{Epoch, Purpose, WalletId},
    share::AnyCustodianShare,
};
use twoshare_protocol::{
    custodian::{
        AbandonError, CancelError, CommitError, EjectError, EvidenceError, PrepareError,
        RetireError, Unavailable, UploadError,
    },
    engine::{MAX_UPLOADS, Material, PendingSession},
    message::{Commit, Ejected, Prepare, Prepared, Receipt, Request, Signed, Tombstone, Upload},
    rules::{PrepareRefusal, ReleaseRefusal},
    wire::Message as _,
};

use super::{
    LocalSession, failed, lock,
    session::{Stop, of_epoch, of_operation, unavailable},
    wallet::{Done, Loaded, Sealed},
};
use crate::{
    audit::{Act, Actor},
    repository::{
        EpochRecord, NewEnvelope, NewEvent, PutEnvelopeError, SaveError, StoreError, Wanted,
    },
};

impl LocalSession {
    pub(super) async fn do_prepare(&self, prepare: &Prepare) -> Result<Prepared, PrepareError> {
        let inner = &self.service.inner;
        let wallet = prepare.body.wallet;
        let _alone = inner.alone(&self.user, wallet).await;
        let (prepared, displaces) = match self.prepare_alone(prepare).await {
            Ok((answer, displaces)) => (Ok(answer), displaces),
            Err(error) => (Err(error), false),
        };
        // What was staged and is not pending does not pause the wallet any longer, and what was displaced
        // is not kept. Of the rest the holder hears when it ends.
        if prepared.is_err() || displaces {
            inner.try_tell(&self.user, wallet).await;
        }
        prepared
    }

    /// The answer, and whether something that was pending is over.
    async fn prepare_alone(&self, prepare: &Prepare) -> Result<(Prepared, bool), PrepareError> {
        let inner = &self.service.inner;
        let (wallet, id) = (prepare.body.wallet, prepare.body.id);
        let loaded = inner.load(&self.user, wallet, of_operation(id)).await;
        let mut loaded = loaded.map_err(|error| prepare_error(&error))?;
        if let Some(row) = &loaded.row {
            let repeated = inner.desk(&self.user, |desk| desk.repeated(row, prepare));
            if let Some(answer) = repeated? {
                return Ok((answer, false));
            }
        }
        let now = inner.config.clock.now();
        let session = lock(&inner.sessions).take(self.user.as_str(), prepare.body.nonce, now)?;
        let session = Box::new(session);
        let (mut row, is_new) = match loaded.row.take() {
            Some(row) => (row, false),
            None => (inner.desk(&self.user, |desk| desk.new_row(&session)), true),
        };
        let checked = inner.desk(&self.user, |desk| desk.check_prepare(&mut row, session, prepare));
        let checked = match checked {
            Ok(checked) => checked,
            Err(refused) => {
                if let Some(session) = refused.session {
                    lock(&inner.sessions).put_back(*session);
                }
                if matches!(refused.error, PrepareError::Refused(PrepareRefusal::Wait(_)))
                    && !is_new
                {
                    loaded.row = Some(row);
                    let done = Done::by_user(Act::Waiting, id).with("recover");
                    self.save_prepare(&loaded, Vec::new(), done).await?;
                }
                return Err(refused.error);
            }
        };
        let held = match checked.needs() {
            None => Vec::new(),
            Some(from) => {
                let sealed =
                    loaded.sealed(from.purpose, from.epoch).ok_or(PrepareError::Damaged)?;
                let held = inner.unseal(&self.user, wallet, sealed).await;
                held.map_err(|error| prepare_error(&error))?
            }
        };
        let made = checked.make(&held)?;
        drop(held);
        let sealed = inner.seal(&self.user, id, made.shares()).await;
        let Sealed { epochs, stored, staged } = sealed.map_err(|error| prepare_error(&error))?;
        loaded.staged = staged;
        let displaces = loaded.held().is_pending();
        let answer = inner.desk(&self.user, |desk| {
            made.pend(desk, &mut row, stored, |shares| sealed_material(&shares))
        })?;
        let detail = row.pending().map(|pending| pending.operation.name()).unwrap_or_default();
        loaded.row = Some(row);
        let done = Done::by_user(Act::Prepared, id).with(detail);
        self.save_prepare(&loaded, epochs.clone(), done).await?;
        self.compare(wallet, &epochs, &answer).await?;
        Ok((answer, displaces))
    }

    async fn save_prepare(
        &self,
        loaded: &Loaded,
        made: Vec<EpochRecord>,
        done: Done,
    ) -> Result<(), PrepareError> {
        let saved = self.service.inner.save(loaded, made, None, Some(done)).await;
        saved.map_err(|error| match error {
            // The session is spent: only another process can have been in between.
            SaveError::Conflict => EvidenceError::NoSession.into(),
            SaveError::TooManyWallets | SaveError::KeyInUse => failed().into(),
            SaveError::Store(error) => prepare_error(&error),
        })
    }

    /// Whether what was made pending is there as it was written.
    async fn compare(
        &self,
        wallet: WalletId,
        made: &[EpochRecord],
        answer: &Prepared,
    ) -> Result<(), PrepareError> {
        let repository = &self.service.inner.config.repository;
        let read = repository.load(&self.user, wallet, Wanted::default()).await;
        let read = read.map_err(|error| prepare_error(&error))?.ok_or(PrepareError::Damaged)?;
        let pending = read.pending.ok_or(PrepareError::Damaged)?;
        let session =
            PendingSession::from_bytes(&pending.session).map_err(|_| PrepareError::Damaged)?;
        // Exposed: ciphertext.
        let same_answer = session.answer.sealed.expose_secret() == answer.sealed.expose_secret();
        if same_answer && made.iter().all(|epoch| read.epochs.contains(epoch)) {
            Ok(())
        } else {
            Err(PrepareError::Damaged)
        }
    }

    pub(super) async fn do_commit(
        &self,
        commit: &Commit,
    ) -> Result<Signed<Receipt>, Stop<CommitError>> {
        let inner = &self.service.inner;
        let (wallet, id) = (commit.body.wallet, commit.body.id);
        let mut loaded = self.load(wallet, of_operation(id)).await?;
        let row = loaded.row.as_mut().ok_or(Stop::Refused(CommitError::NotFound))?;
        let receipt = inner.desk(&self.user, |desk| desk.commit(row, commit));
        let receipt = receipt.map_err(Stop::Refused)?;
        let done = Done::by_user(Act::Committed, id).with(receipt.unverified().operation.name());
        self.save(&loaded, None, done).await?;
        // A commit that was repeated waits for the holder too.
        self.told(wallet).await?;
        Ok(receipt)
    }

    pub(super) async fn do_abandon(
        &self,
        request: &Request,
    ) -> Result<Signed<Tombstone>, Stop<AbandonError>> {
        let inner = &self.service.inner;
        let session = self.take(request).map_err(|error| Stop::Refused(error.into()))?;
        let (wallet, id) = (session.begin().wallet, session.id());
        let loaded = self.load(wallet, of_operation(id)).await;
        let abandoned = loaded.and_then(|mut loaded| {
            let row = loaded.row.as_mut().ok_or(Stop::Refused(AbandonError::NotFound))?;
            let abandoned = inner.desk(&self.user, |desk| desk.abandon(row, &session, request));
            Ok((abandoned.map_err(Stop::Refused)?, loaded))
        });
        lock(&inner.sessions).put_back(session);
        let (abandoned, loaded) = abandoned?;
        self.save(&loaded, None, Done::by_user(Act::Abandoned, id)).await?;
        // That the old epoch signs again need not be waited for.
        inner.try_tell(&self.user, wallet).await;
        Ok(abandoned.tombstone)
    }

    pub(super) async fn do_cancel(&self, request: &Request) -> Result<(), Stop<CancelError>> {
        let inner = &self.service.inner;
        let session = self.take(request).map_err(|error| Stop::Refused(error.into()))?;
        let (wallet, id) = (session.begin().wallet, session.id());
        let loaded = self.load(wallet, of_operation(id)).await;
        let cancelled = loaded.and_then(|mut loaded| {
            let row = loaded.row.as_mut().ok_or(Stop::Refused(CancelError::NotFound))?;
            inner
                .desk(&self.user, |desk| desk.cancel(row, &session, request))
                .map_err(Stop::Refused)?;
            Ok(loaded)
        });
        lock(&inner.sessions).put_back(session);
        self.save(&cancelled?, None, Done::by_user(Act::Disputed, id)).await?;
        // A wallet that still signs does not stand still.
        self.told(wallet).await
    }

    pub(super) async fn do_eject(&self, request: &Request) -> Result<Ejected, Stop<EjectError>> {
        let inner = &self.service.inner;
        let session = self.take(request).map_err(|error| Stop::Refused(error.into()))?;
        let (wallet, id) = (session.begin().wallet, session.id());
        let loaded = self.load(wallet, of_operation(id)).await;
        let checked = loaded.and_then(|mut loaded| {
            let row = loaded.row.as_mut().ok_or(Stop::Refused(EjectError::NotFound))?;
            let ejecting = inner.desk(&self.user, |desk| desk.check_eject(row, &session, request));
            Ok((ejecting, loaded))
        });
        lock(&inner.sessions).put_back(session);
        let (ejecting, mut loaded) = checked?;
        let ejecting = match ejecting {
            Ok(ejecting) => ejecting,
            Err(error) => {
                if matches!(error, EjectError::Refused(ReleaseRefusal::Wait(_))) {
                    let done = Done::by_user(Act::Waiting, id).with("eject");
                    self.save::<EjectError>(&loaded, None, done).await?;
                }
                return Err(Stop::Refused(error));
            }
        };
        let damaged = || Stop::store(&StoreError::Damaged);
        let sealed = loaded.sealed(Purpose::Backup, ejecting.epoch()).ok_or_else(damaged)?;
        let shares = inner.unseal(&self.user, wallet, sealed).await;
        let shares = shares.map_err(|error| Stop::store(&error))?;
        let epoch = ejecting.epoch();
        let ejected =
            inner.desk(&self.user, |desk| ejecting.answer(desk, &shares)).map_err(Stop::Refused)?;
        // Before anything leaves, it is on the record.
        loaded.ejected = true;
        let done = Done::by_user(Act::Ejected, id).with(format_args!("backup {}", epoch.get()));
        let event = inner.save_always(&loaded, done).await;
        event.map_err(|error| Stop::save(&error))?;
        Ok(ejected)
    }

    pub(super) async fn do_put_envelope(
        &self,
        upload: &Upload,
        bytes: &[u8],
    ) -> Result<(), Stop<UploadError>> {
        let inner = &self.service.inner;
        let loaded = self.load(upload.wallet, of_epoch(upload.epoch)).await?;
        let row = loaded.row.as_ref().ok_or(Stop::Refused(UploadError::NotFound))?;
        let admitted =
            inner.desk(&self.user, |desk| desk.check_upload(row, loaded.written(), upload, bytes));
        let admitted = admitted.map_err(Stop::Refused)?;
        if admitted.operation.is_some() && loaded.written().contains(&admitted.digest) {
            return Ok(());
        }
        let version = loaded.version().ok_or(Stop::Refused(UploadError::NotFound))?;
        let envelope = NewEnvelope {
            user: self.user.clone(),
            wallet: upload.wallet,
            version,
            epoch: admitted.epoch,
            digest: admitted.digest,
            bytes: bytes.to_vec(),
            most: MAX_UPLOADS as u32,
            event: NewEvent {
                at: inner.config.clock.now(),
                actor: Actor::User,
                act: Act::EnvelopeWritten,
                user: Some(self.user.clone()),
                wallet: Some(upload.wallet),
                operation: admitted.operation,
                detail: format!("backup {}", admitted.epoch.get()),
            },
        };
        inner.config.repository.put_envelope(envelope).await.map_err(|error| match error {
            PutEnvelopeError::Conflict => Stop::Redo,
            PutEnvelopeError::TooMany => Stop::Refused(UploadError::TooMany),
            PutEnvelopeError::Store(error) => Stop::store(&error),
        })
    }

    pub(super) async fn do_retire(
        &self,
        wallet: WalletId,
        epoch: Epoch,
    ) -> Result<(), Stop<RetireError>> {
        let inner = &self.service.inner;
        let mut loaded = self.load(wallet, of_epoch(epoch)).await?;
        let row = loaded.row.as_mut().ok_or(Stop::Refused(RetireError::NotFound))?;
        let retired = row.retire(epoch, &inner.config.policy);
        retired.map_err(|refusal| Stop::Refused(refusal.into()))?;
        let detail = format!("backup {}", epoch.get());
        let (actor, act, operation) = (Actor::User, Act::Retired, None);
        let done = Done { actor, act, operation, detail };
        self.save(&loaded, Some(epoch), done).await
    }
}

impl LocalSession {
    /// Waits until the holder of signing shares has heard how the wallet stands.
    pub(super) async fn told<E: From<Unavailable>>(&self, wallet: WalletId) -> Result<(), Stop<E>> {
        let told = self.service.inner.tell(&self.user, wallet).await;
        told.map_err(|error| Stop::store(&error))
    }
}

fn prepare_error(error: &StoreError) -> PrepareError {
    match error {
        StoreError::Damaged => PrepareError::Damaged,
        other => unavailable(other).into(),
    }
}

/// What a wallet keeps in memory of new shares: their commitments.
pub(super) fn sealed_material(shares: &[AnyCustodianShare]) -> Material {
    Material::sealed(shares.iter().map(|share| share.commitment().into()).collect())
}
