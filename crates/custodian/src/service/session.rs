//! The service as one user sees it.

use core::future::Future;

use async_trait::async_trait;
use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, Purpose, WalletId},
};
use twoshare_protocol::{
    Custodian, Nonce,
    custodian::{
        AbandonError, BeginError, CancelError, CommitError, DepartError, EjectError, EvidenceError,
        HandOverError, PrepareError, ReadError, RetireError, Unavailable, UploadError,
    },
    engine::drill_epoch,
    message::{
        Begin, Begun, Commit, Depart, Departed, Drilled, Ejected, Prepare, Prepared, Receipt,
        Request, Signed, State, Tombstone, Upload,
    },
};

use super::{
    LocalSession, failed, lock,
    wallet::{Done, Loaded},
};
use crate::repository::{SaveError, StoreError, Wanted};

/// How often a step is redone because another process changed the wallet in between.
const MAX_REDONE: usize = 8;

/// Why a step is not done.
pub(super) enum Stop<E> {
    /// It is refused, or cannot be.
    Refused(E),
    /// Somebody else changed the wallet: do it again.
    Redo,
}

impl<E: From<Unavailable>> Stop<E> {
    pub(super) fn store(error: &StoreError) -> Self {
        Self::Refused(unavailable(error).into())
    }

    pub(super) fn save(error: &SaveError) -> Self {
        match error {
            SaveError::Conflict => Self::Redo,
            SaveError::TooManyWallets | SaveError::KeyInUse => Self::Refused(failed().into()),
            SaveError::Store(error) => Self::store(error),
        }
    }
}

pub(super) fn unavailable(error: &StoreError) -> Unavailable {
    use twoshare_protocol::custodian::Outage;
    match error {
        StoreError::Unavailable => Unavailable { cause: Outage::Busy, retry_after: Some(1) },
        StoreError::Damaged | StoreError::StoppedWriting(_) => failed(),
    }
}

/// Those that have a word for damage.
fn read_error(error: &StoreError) -> ReadError {
    match error {
        StoreError::Damaged => ReadError::Damaged,
        other => unavailable(other).into(),
    }
}

pub(super) fn of_operation(id: OperationId) -> Wanted {
    Wanted { operation: Some(id), epoch: None }
}

pub(super) fn of_epoch(epoch: Epoch) -> Wanted {
    Wanted { operation: None, epoch: Some(epoch) }
}

#[async_trait]
impl Custodian for LocalSession {
    async fn wallets(&self) -> Result<Vec<WalletId>, ReadError> {
        let _inside = self.enter().await?;
        let ids = self.service.inner.config.repository.wallets(&self.user).await;
        let mut wallets = Vec::new();
        for wallet in ids.map_err(|error| read_error(&error))? {
            let loaded = self.look(wallet, Wanted::default()).await;
            // One that is damaged is there all the same.
            if loaded.map_or(true, |loaded| loaded.row.is_some()) {
                wallets.push(wallet);
            }
        }
        Ok(wallets)
    }

    async fn state(&self, wallet: WalletId, nonce: Nonce) -> Result<Signed<State>, ReadError> {
        let _inside = self.enter().await?;
        let loaded = self.look(wallet, Wanted::default()).await?;
        let row = loaded.row.as_ref().ok_or(ReadError::NotFound)?;
        self.service.inner.desk(&self.user, |desk| desk.state(row, wallet, nonce))
    }

    async fn receipt(
        &self,
        wallet: WalletId,
        id: OperationId,
    ) -> Result<Signed<Receipt>, ReadError> {
        let _inside = self.enter().await?;
        let loaded = self.look(wallet, of_operation(id)).await?;
        let row = loaded.row.as_ref().ok_or(ReadError::NotFound)?;
        let inner = &self.service.inner;
        let receipt = inner.desk(&self.user, |desk| desk.receipt(row, wallet, id))?;
        if inner.holder().is_some() {
            // It says that the old epoch signs no more.
            let _alone = inner.alone(&self.user, wallet).await;
            let told = inner.tell(&self.user, wallet).await;
            told.map_err(|error| read_error(&error))?;
        }
        Ok(receipt)
    }

    async fn begin(&self, begin: Begin) -> Result<Signed<Begun>, BeginError> {
        let _inside = self.enter().await?;
        if !self.service.inner.may_begin(&self.user) {
            return Err(BeginError::TooMany);
        }
        let loaded = self.service.inner.load(&self.user, begin.wallet, Wanted::default()).await;
        let loaded = loaded.map_err(|error| unavailable(&error))?;
        if loaded.row.is_none() && begin.plan != twoshare_protocol::message::Plan::Nothing {
            let wallets = self.service.inner.config.repository.wallets(&self.user).await;
            let wallets = wallets.map_err(|error| unavailable(&error))?.len();
            if wallets >= self.service.inner.config.limits.wallets as usize {
                return Err(BeginError::TooMany);
            }
        }
        let row = loaded.row.as_ref();
        let (session, begun) =
            self.service.inner.desk(&self.user, |desk| desk.begin(row, begin))?;
        lock(&self.service.inner.sessions).open(session, self.service.inner.config.clock.now());
        Ok(begun)
    }

    async fn prepare(&self, prepare: Prepare) -> Result<Prepared, PrepareError> {
        let step = |this: LocalSession| async move { this.do_prepare(&prepare).await };
        self.finish(step).await
    }

    async fn commit(&self, commit: Commit) -> Result<Signed<Receipt>, CommitError> {
        let wallet = commit.body.wallet;
        let step =
            |this: LocalSession| async move { this.redo(wallet, || this.do_commit(&commit)).await };
        self.finish(step).await
    }

    async fn abandon(&self, request: Request) -> Result<Signed<Tombstone>, AbandonError> {
        let step = |this: LocalSession| async move {
            let wallet = this.wallet_of(&request)?;
            this.redo(wallet, || this.do_abandon(&request)).await
        };
        self.finish(step).await
    }

    async fn cancel(&self, request: Request) -> Result<(), CancelError> {
        let step = |this: LocalSession| async move {
            let wallet = this.wallet_of(&request)?;
            this.redo(wallet, || this.do_cancel(&request)).await
        };
        self.finish(step).await
    }

    async fn eject(&self, request: Request) -> Result<Ejected, EjectError> {
        let step = |this: LocalSession| async move {
            let wallet = this.wallet_of(&request)?;
            this.redo(wallet, || this.do_eject(&request)).await
        };
        self.finish(step).await
    }

    async fn drill(&self, wallet: WalletId, nonce: Nonce) -> Result<Drilled, ReadError> {
        let _inside = self.enter().await?;
        let loaded = self.look(wallet, Wanted::default()).await?;
        let row = loaded.row.as_ref().ok_or(ReadError::NotFound)?;
        let epoch = drill_epoch(row)?;
        let sealed = loaded.sealed(Purpose::Backup, epoch).ok_or(ReadError::Damaged)?;
        let shares = self.service.inner.unseal(&self.user, wallet, sealed).await;
        let shares = shares.map_err(|error| read_error(&error))?;
        self.service.inner.desk(&self.user, |desk| desk.drill(row, wallet, nonce, &shares))
    }

    async fn put_envelope(&self, upload: Upload, envelope: Vec<u8>) -> Result<(), UploadError> {
        let step = |this: LocalSession| async move {
            for _ in 0..MAX_REDONE {
                match this.do_put_envelope(&upload, &envelope).await {
                    Err(Stop::Redo) => {}
                    Err(Stop::Refused(error)) => return Err(error),
                    Ok(()) => return Ok(()),
                }
            }
            Err(unavailable(&StoreError::Unavailable).into())
        };
        self.finish(step).await
    }

    async fn envelope(&self, wallet: WalletId, digest: Digest) -> Result<Vec<u8>, ReadError> {
        let _inside = self.enter().await?;
        // What time has ended is not there any more.
        self.look(wallet, Wanted::default()).await?.row.ok_or(ReadError::NotFound)?;
        let found = self.service.inner.config.repository.envelope(&self.user, wallet, digest).await;
        found.map_err(|error| read_error(&error))?.ok_or(ReadError::NotFound)
    }

    async fn retire(&self, wallet: WalletId, epoch: Epoch) -> Result<(), RetireError> {
        let step = |this: LocalSession| async move {
            this.redo(wallet, || this.do_retire(wallet, epoch)).await
        };
        self.finish(step).await
    }

    async fn depart(&self, depart: Depart) -> Result<Departed, DepartError> {
        let step = |this: LocalSession| async move { this.do_depart(&depart).await };
        self.finish(step).await
    }

    async fn hand_over(&self, receipt: Signed<Receipt>) -> Result<(), HandOverError> {
        let wallet = receipt.unverified().wallet;
        let step = |this: LocalSession| async move {
            this.redo(wallet, || this.do_hand_over(&receipt)).await
        };
        self.finish(step).await
    }
}

impl LocalSession {
    /// Runs a step to its end, whether or not its caller waits for it.
    async fn finish<T, E, F, S>(&self, step: S) -> Result<T, E>
    where
        S: FnOnce(Self) -> F,
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        let entered = self.enter().await?;
        let step = step(self.clone());
        let done = tokio::spawn(async move {
            let _inside = entered;
            step.await
        });
        // It panicked, which changes nothing that was not saved.
        done.await.unwrap_or_else(|_| Err(failed().into()))
    }

    /// Does a step alone on this wallet, again where another process was in between.
    async fn redo<T, E, F>(&self, wallet: WalletId, step: impl Fn() -> F) -> Result<T, E>
    where
        F: Future<Output = Result<T, Stop<E>>>,
        E: From<Unavailable>,
    {
        let _alone = self.service.inner.alone(&self.user, wallet).await;
        for _ in 0..MAX_REDONE {
            match step().await {
                Err(Stop::Redo) => {}
                Err(Stop::Refused(error)) => return Err(error),
                Ok(done) => return Ok(done),
            }
        }
        Err(unavailable(&StoreError::Unavailable).into())
    }

    fn wallet_of(&self, request: &Request) -> Result<WalletId, EvidenceError> {
        let inner = &self.service.inner;
        let sessions = lock(&inner.sessions);
        let begin = sessions.find(self.user.as_str(), request.body.nonce, inner.config.clock.now());
        Ok(begin?.wallet)
    }

    /// The wallet as it stands now. What time has ended meanwhile, and others may have seen, is
    /// saved, so that no clock that is set back brings it back.
    async fn look(&self, wallet: WalletId, wanted: Wanted) -> Result<Loaded, ReadError> {
        let inner = &self.service.inner;
        for _ in 0..MAX_REDONE {
            let loaded = inner.load(&self.user, wallet, wanted).await;
            let loaded = loaded.map_err(|error| read_error(&error))?;
            match inner.save(&loaded, Vec::new(), None, None).await {
                Ok(()) => return Ok(loaded),
                Err(SaveError::Conflict) => {}
                // What cannot be written can be read.
                Err(SaveError::Store(_) | SaveError::TooManyWallets | SaveError::KeyInUse) => {
                    return Ok(loaded);
                }
            }
        }
        Err(unavailable(&StoreError::Unavailable).into())
    }

    pub(super) async fn load<E: From<Unavailable>>(
        &self,
        wallet: WalletId,
        wanted: Wanted,
    ) -> Result<Loaded, Stop<E>> {
        let loaded = self.service.inner.load(&self.user, wallet, wanted).await;
        loaded.map_err(|error| Stop::store(&error))
    }

    pub(super) async fn save<E: From<Unavailable>>(
        &self,
        loaded: &Loaded,
        retired: Option<Epoch>,
        done: Done,
    ) -> Result<(), Stop<E>> {
        let saved = self.service.inner.save(loaded, Vec::new(), retired, Some(done)).await;
        saved.map_err(|error| Stop::save(&error))
    }

    pub(super) fn take(
        &self,
        request: &Request,
    ) -> Result<twoshare_protocol::engine::Session, EvidenceError> {
        let inner = &self.service.inner;
        let now = inner.config.clock.now();
        lock(&inner.sessions).take(self.user.as_str(), request.body.nonce, now)
    }
}
