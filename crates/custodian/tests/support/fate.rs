//! A repository and a holder of signing shares that fail at one step, and somebody who watches what
//! signs after each of them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use twoshare_core::{
    digest::Digest, id::WalletId, identity::CustodianIdentity, share::AnyCustodianShare,
};
use twoshare_custodian::{
    Repository, SigningShares, TokenHash, UserId,
    audit::Event,
    repository::{
        Change, NewEnvelope, NewEvent, NewNotice, Notice, NoticeError, PutEnvelopeError, SaveError,
        Status, StoppedWriting, StoreError, TrustedCustodian, WalletRecord, Wanted,
    },
    signing::{
        HeldError, MemorySigningShares, SettleError, SigningEpoch, StageError, Staging, Standing,
    },
    sqlite::SqliteRepository,
};
use twoshare_protocol::rules::Time;

use crate::home::user;

/// What goes wrong at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// It does not happen, and says so.
    FailsBefore,
    /// It happens, and says that it did not.
    FailsAfter,
    /// The process ends instead.
    DiesBefore,
    /// The process ends after it.
    DiesAfter,
}

impl How {
    pub(crate) const ALL: [Self; 4] =
        [Self::FailsBefore, Self::FailsAfter, Self::DiesBefore, Self::DiesAfter];
}

#[derive(Debug, Default)]
struct Plan {
    /// The steps so far, since they are counted.
    steps: Vec<&'static str>,
    /// What is to happen at which.
    fault: Option<(How, usize)>,
    is_dead: bool,
}

/// How the wallet stands in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Truth {
    pub(crate) active: Option<SigningEpoch>,
    pub(crate) pending: Option<SigningEpoch>,
    pub(crate) frozen: bool,
    is_there: bool,
}

/// See there.
#[derive(Debug)]
pub(crate) struct Watch {
    plan: Mutex<Plan>,
    repository: Mutex<Arc<SqliteRepository>>,
    holder: Arc<MemorySigningShares>,
    wallet: WalletId,
    is_down: AtomicBool,
    is_deleted: AtomicBool,
    is_frozen: AtomicBool,
    is_leaving: AtomicBool,
    /// What should not have been: a panic in the service would be an error like others.
    seen: Mutex<Vec<String>>,
}

impl Watch {
    pub(crate) fn new(
        repository: Arc<SqliteRepository>,
        holder: Arc<MemorySigningShares>,
        wallet: WalletId,
    ) -> Self {
        Self {
            plan: Mutex::default(),
            repository: Mutex::new(repository),
            holder,
            wallet,
            is_down: AtomicBool::new(false),
            is_deleted: AtomicBool::new(false),
            is_frozen: AtomicBool::new(false),
            is_leaving: AtomicBool::new(false),
            seen: Mutex::default(),
        }
    }

    pub(crate) fn repository(&self) -> Arc<SqliteRepository> {
        self.repository.lock().unwrap().clone()
    }

    /// Counts from here.
    pub(crate) fn count(&self) {
        self.plan.lock().unwrap().steps.clear();
    }

    pub(crate) fn counted(&self) -> Vec<&'static str> {
        self.plan.lock().unwrap().steps.clone()
    }

    /// This will happen at that step from here.
    pub(crate) fn will(&self, how: How, at: usize) {
        *self.plan.lock().unwrap() =
            Plan { fault: Some((how, at)), steps: Vec::new(), is_dead: false };
    }

    /// Nothing goes wrong any more; whether the process is dead.
    pub(crate) fn heal(&self) -> bool {
        let mut plan = self.plan.lock().unwrap();
        plan.fault = None;
        plan.is_dead
    }

    /// Whether nothing is to go wrong and nothing has.
    pub(crate) fn is_well(&self) -> bool {
        let plan = self.plan.lock().unwrap();
        plan.fault.is_none() && !plan.is_dead
    }

    pub(crate) fn revive(&self, repository: Arc<SqliteRepository>) {
        *self.repository.lock().unwrap() = repository;
        self.plan.lock().unwrap().is_dead = false;
    }

    pub(crate) fn holder_is_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    /// The deletion was answered.
    pub(crate) fn is_deleted(&self) {
        self.is_deleted.store(true, Ordering::SeqCst);
    }

    /// A freeze was answered; or its end is asked for.
    pub(crate) fn is_frozen(&self, is_frozen: bool) {
        self.is_frozen.store(is_frozen, Ordering::SeqCst);
    }

    /// It is handed over: until that is answered, the holder may not have heard that it is gone.
    pub(crate) fn is_leaving(&self, is_leaving: bool) {
        self.is_leaving.store(is_leaving, Ordering::SeqCst);
    }

    pub(crate) async fn truth(&self) -> Truth {
        let alice = user("alice");
        let record = self.repository().load(&alice, self.wallet, Wanted::default()).await.unwrap();
        let Some(record) = record else { return Truth::default() };
        let find = |status| {
            let mut epochs = record.epochs.iter().filter(|epoch| epoch.is_held());
            let epoch = epochs.find(|epoch| epoch.status == status)?;
            Some(SigningEpoch { epoch: epoch.epoch, operation: epoch.operation })
        };
        Truth {
            active: find(Status::Active),
            pending: find(Status::Pending),
            frozen: record.fields.freezes.any(),
            is_there: true,
        }
    }

    #[track_caller]
    pub(crate) fn assert_nothing_seen(&self, when: &str) {
        let seen = self.seen.lock().unwrap();
        assert!(seen.is_empty(), "{when}: {seen:?}");
    }

    /// What holds at every moment, whatever is going on.
    async fn look(&self, step: &'static str) {
        let alice = user("alice");
        let Some(signs) = self.holder.signs(&alice, self.wallet) else { return };
        let (truth, held) = (self.truth().await, self.holder.held(&alice, self.wallet));
        let see = |what: &str| {
            let text = format!("after {step}, {what}: {signs:?} signs, {truth:?}, {held:?}");
            self.seen.lock().unwrap().push(text);
        };
        if held != [signs] {
            see("it signs while another epoch is staged");
        }
        if truth.pending.is_some() {
            see("it signs while another epoch is pending");
        }
        let is_leaving = truth.active.is_none() && self.is_leaving.load(Ordering::SeqCst);
        if truth.is_there && truth.active != Some(signs) && !is_leaving {
            see("it signs and does not count");
        }
        if truth.frozen && self.is_frozen.load(Ordering::SeqCst) {
            see("it signs and stands still");
        }
        if !truth.is_there && self.is_deleted.load(Ordering::SeqCst) {
            see("it signs and was deleted");
        }
    }

    fn is_alive(&self) -> bool {
        !self.plan.lock().unwrap().is_dead
    }

    fn lives(&self) -> Result<(), StoreError> {
        if self.is_alive() { Ok(()) } else { Err(StoreError::Unavailable) }
    }

    /// Whether this step happens, and whether anybody hears of it.
    fn step(&self, name: &'static str) -> (bool, bool) {
        let mut plan = self.plan.lock().unwrap();
        if plan.is_dead {
            return (false, false);
        }
        plan.steps.push(name);
        let at = plan.steps.len() - 1;
        match plan.fault.filter(|(_, step)| *step == at) {
            None => (true, true),
            Some((How::FailsBefore, _)) => (false, false),
            Some((How::FailsAfter, _)) => (true, false),
            Some((how, _)) => {
                plan.is_dead = true;
                (how == How::DiesAfter, false)
            }
        }
    }

    async fn write<E: From<StoreError>, F: Future<Output = Result<T, E>>, T>(
        &self,
        name: &'static str,
        write: F,
    ) -> Result<T, E> {
        let (happens, is_heard) = self.step(name);
        let done = if happens { write.await } else { Err(StoreError::Unavailable.into()) };
        self.look(name).await;
        if is_heard { done } else { Err(StoreError::Unavailable.into()) }
    }

    async fn call<T, E: Copy, F: Future<Output = Result<T, E>>>(
        &self,
        name: &'static str,
        unavailable: E,
        call: F,
    ) -> Result<T, E> {
        if self.is_down.load(Ordering::SeqCst) {
            return Err(unavailable);
        }
        let (happens, is_heard) = self.step(name);
        let done = if happens { call.await } else { Err(unavailable) };
        self.look(name).await;
        if is_heard { done } else { Err(unavailable) }
    }
}

/// The holder, as the custodian reaches it.
#[derive(Debug)]
pub(crate) struct FatedHolder(Arc<Watch>);

impl FatedHolder {
    pub(crate) fn new(watch: Arc<Watch>) -> Self {
        Self(watch)
    }
}

#[async_trait]
impl SigningShares for FatedHolder {
    async fn stage(
        &self,
        staging: &Staging<'_>,
        shares: &[AnyCustodianShare],
    ) -> Result<(), StageError> {
        let stage = self.0.holder.stage(staging, shares);
        self.0.call("stage", StageError::Unavailable, stage).await
    }

    async fn get(
        &self,
        user: &UserId,
        wallet: WalletId,
        epoch: SigningEpoch,
    ) -> Result<Vec<AnyCustodianShare>, HeldError> {
        let get = self.0.holder.get(user, wallet, epoch);
        self.0.call("get", HeldError::Unavailable, get).await
    }

    async fn settle(&self, standing: &Standing<'_>) -> Result<(), SettleError> {
        let settle = self.0.holder.settle(standing);
        self.0.call("settle", SettleError::Unavailable, settle).await
    }
}

/// The repository, as the custodian reaches it.
#[derive(Debug)]
pub(crate) struct FatedRepository {
    inner: Arc<SqliteRepository>,
    watch: Arc<Watch>,
}

impl FatedRepository {
    pub(crate) fn new(inner: Arc<SqliteRepository>, watch: Arc<Watch>) -> Self {
        Self { inner, watch }
    }
}

#[async_trait]
impl Repository for FatedRepository {
    async fn wallets(&self, user: &UserId) -> Result<Vec<WalletId>, StoreError> {
        self.watch.lives()?;
        self.inner.wallets(user).await
    }

    async fn load(
        &self,
        user: &UserId,
        wallet: WalletId,
        wanted: Wanted,
    ) -> Result<Option<WalletRecord>, StoreError> {
        self.watch.lives()?;
        self.inner.load(user, wallet, wanted).await
    }

    async fn save(&self, change: Change) -> Result<(), SaveError> {
        self.watch.write("save", self.inner.save(change)).await
    }

    async fn due(&self, now: Time, limit: u32) -> Result<Vec<(UserId, WalletId)>, StoreError> {
        self.watch.lives()?;
        self.inner.due(now, limit).await
    }

    async fn put_envelope(&self, envelope: NewEnvelope) -> Result<(), PutEnvelopeError> {
        self.inner.put_envelope(envelope).await
    }

    async fn envelope(
        &self,
        user: &UserId,
        wallet: WalletId,
        digest: Digest,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.envelope(user, wallet, digest).await
    }

    async fn requests(&self) -> Result<Vec<(UserId, WalletId)>, StoreError> {
        self.inner.requests().await
    }

    async fn audit(
        &self,
        wallet: Option<WalletId>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        self.inner.audit(wallet, after, limit).await
    }

    async fn put_session(
        &self,
        hash: TokenHash,
        user: &UserId,
        expires: Time,
        event: NewEvent,
    ) -> Result<(), StoreError> {
        self.inner.put_session(hash, user, expires, event).await
    }

    async fn session(&self, hash: TokenHash) -> Result<Option<(UserId, Time)>, StoreError> {
        self.inner.session(hash).await
    }

    async fn delete_sessions(&self, expired: Time) -> Result<(), StoreError> {
        self.watch.lives()?;
        self.inner.delete_sessions(expired).await
    }

    async fn operator_keys(&self) -> Result<Vec<TokenHash>, StoreError> {
        self.inner.operator_keys().await
    }

    async fn put_operator_key(&self, hash: TokenHash, event: NewEvent) -> Result<(), StoreError> {
        self.inner.put_operator_key(hash, event).await
    }

    async fn trusted_custodians(&self) -> Result<Vec<TrustedCustodian>, StoreError> {
        self.inner.trusted_custodians().await
    }

    async fn put_trusted_custodian(
        &self,
        custodian: TrustedCustodian,
        event: NewEvent,
    ) -> Result<(), StoreError> {
        self.inner.put_trusted_custodian(custodian, event).await
    }

    async fn delete_trusted_custodian(
        &self,
        identity: &CustodianIdentity,
        event: NewEvent,
    ) -> Result<(), StoreError> {
        self.inner.delete_trusted_custodian(identity, event).await
    }

    async fn secret(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.secret(name).await
    }

    async fn put_secret(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.inner.put_secret(name, sealed).await
    }

    async fn notice(&self, user: &UserId, wallet: WalletId) -> Result<Option<Notice>, StoreError> {
        self.watch.lives()?;
        self.inner.notice(user, wallet).await
    }

    async fn notices(
        &self,
        after: Option<(UserId, WalletId)>,
        limit: u32,
    ) -> Result<Vec<(UserId, WalletId)>, StoreError> {
        self.watch.lives()?;
        self.inner.notices(after, limit).await
    }

    async fn put_notice(
        &self,
        user: &UserId,
        wallet: WalletId,
        notice: NewNotice,
    ) -> Result<(), NoticeError> {
        self.watch.write("put_notice", self.inner.put_notice(user, wallet, notice)).await
    }

    async fn delete_notice(
        &self,
        user: &UserId,
        wallet: WalletId,
        version: u64,
    ) -> Result<(), StoreError> {
        let delete = self.inner.delete_notice(user, wallet, version);
        self.watch.write("delete_notice", delete).await
    }

    async fn delete_user(&self, user: &UserId, event: NewEvent) -> Result<u64, StoreError> {
        self.watch.write("delete_user", self.inner.delete_user(user, event)).await
    }

    async fn all_wallets(
        &self,
        after: Option<(UserId, WalletId)>,
        limit: u32,
    ) -> Result<Vec<(UserId, WalletId)>, StoreError> {
        self.inner.all_wallets(after, limit).await
    }

    async fn is_restoring(&self) -> Result<bool, StoreError> {
        self.inner.is_restoring().await
    }

    async fn set_restoring(&self, is_restoring: bool) -> Result<(), StoreError> {
        self.inner.set_restoring(is_restoring).await
    }

    fn health(&self) -> Result<(), StoppedWriting> {
        self.inner.health()
    }

    async fn scrub(&self) -> Result<(), StoreError> {
        self.inner.scrub().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
