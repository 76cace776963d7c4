//! A repository under a custodian that dies: when it saves, before or after, at the one moment where that
//! makes a difference.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use async_trait::async_trait;
use twoshare::{
    core::{digest::Digest, id::WalletId, identity::CustodianIdentity},
    protocol::rules::Time,
};
use twoshare_custodian::{
    Repository, TokenHash, UserId,
    audit::Event,
    repository::{
        Change, NewEnvelope, NewEvent, NewNotice, Notice, NoticeError, PutEnvelopeError, SaveError,
        StoppedWriting, StoreError, TrustedCustodian, WalletRecord, Wanted,
    },
    sqlite::SqliteRepository,
};

/// Whether the custodian lives.
#[derive(Debug, Default)]
pub(super) struct Mortality(AtomicU8);

const LIVES: u8 = 0;
const DIES_BEFORE: u8 = 1;
const DIES_AFTER: u8 = 2;
const DEAD: u8 = 3;

impl Mortality {
    pub(super) fn will_die(&self, saves: bool) {
        self.0.store(if saves { DIES_AFTER } else { DIES_BEFORE }, Ordering::SeqCst);
    }

    pub(super) fn die(&self) {
        self.0.store(DEAD, Ordering::SeqCst);
    }

    /// Whether the next save happens, and whether anybody hears of it.
    fn saves(&self) -> (bool, bool) {
        match self.0.load(Ordering::SeqCst) {
            LIVES => (true, true),
            DIES_BEFORE => {
                self.die();
                (false, false)
            }
            DIES_AFTER => {
                self.die();
                (true, false)
            }
            _ => (false, false),
        }
    }

    fn lives(&self) -> Result<(), StoreError> {
        match self.0.load(Ordering::SeqCst) {
            DEAD => Err(StoreError::Unavailable),
            _ => Ok(()),
        }
    }
}

/// See there.
#[derive(Debug)]
pub(super) struct Mortal {
    pub(super) inner: Arc<SqliteRepository>,
    pub(super) mortality: Arc<Mortality>,
}

#[async_trait]
impl Repository for Mortal {
    async fn wallets(&self, user: &UserId) -> Result<Vec<WalletId>, StoreError> {
        self.mortality.lives()?;
        self.inner.wallets(user).await
    }

    async fn load(
        &self,
        user: &UserId,
        wallet: WalletId,
        wanted: Wanted,
    ) -> Result<Option<WalletRecord>, StoreError> {
        self.mortality.lives()?;
        self.inner.load(user, wallet, wanted).await
    }

    async fn save(&self, change: Change) -> Result<(), SaveError> {
        let (saves, is_heard) = self.mortality.saves();
        let saved = if saves { self.inner.save(change).await } else { Ok(()) };
        if is_heard { saved } else { Err(StoreError::Unavailable.into()) }
    }

    async fn due(&self, now: Time, limit: u32) -> Result<Vec<(UserId, WalletId)>, StoreError> {
        self.mortality.lives()?;
        self.inner.due(now, limit).await
    }

    async fn put_envelope(&self, envelope: NewEnvelope) -> Result<(), PutEnvelopeError> {
        let (saves, is_heard) = self.mortality.saves();
        let saved = if saves { self.inner.put_envelope(envelope).await } else { Ok(()) };
        if is_heard { saved } else { Err(StoreError::Unavailable.into()) }
    }

    async fn envelope(
        &self,
        user: &UserId,
        wallet: WalletId,
        digest: Digest,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.mortality.lives()?;
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
        self.mortality.lives()?;
        self.inner.notice(user, wallet).await
    }

    async fn notices(
        &self,
        after: Option<(UserId, WalletId)>,
        limit: u32,
    ) -> Result<Vec<(UserId, WalletId)>, StoreError> {
        self.mortality.lives()?;
        self.inner.notices(after, limit).await
    }

    async fn put_notice(
        &self,
        user: &UserId,
        wallet: WalletId,
        notice: NewNotice,
    ) -> Result<(), NoticeError> {
        self.mortality.lives()?;
        self.inner.put_notice(user, wallet, notice).await
    }

    async fn delete_notice(
        &self,
        user: &UserId,
        wallet: WalletId,
        version: u64,
    ) -> Result<(), StoreError> {
        self.mortality.lives()?;
        self.inner.delete_notice(user, wallet, version).await
    }

    async fn delete_user(&self, user: &UserId, event: NewEvent) -> Result<u64, StoreError> {
        self.inner.delete_user(user, event).await
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
