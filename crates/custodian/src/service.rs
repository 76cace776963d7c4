//! The custodian's service, without a network.

mod adopt;
mod custody;
mod holder;
mod open;
mod operator;
mod session;
mod shape;
mod steps;
mod tokens;
mod wallet;

use core::fmt;
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use thiserror::Error;
use tokio::{sync::OwnedRwLockReadGuard, task::AbortHandle};
use twoshare_core::{
    id::{OperationId, WalletId},
    identity::{CustodianIdentity, CustodianKeys},
    proof::Operation,
};
use twoshare_protocol::{
    custodian::{Outage, Unavailable},
    engine::{Desk, Sessions, StoredCommitment},
    rules::{CancelRefusal, Frozen, Policy, Time, UnfreezeRefusal, WindowRefusal},
};

pub use self::adopt::{AdoptError, Adopted};
pub(crate) use self::open::put_operator_key;
use self::tokens::Remembered;
use crate::{
    Authenticator, Clock, Kms, Repository, SigningShares, Token, UserId,
    repository::{StoppedWriting, StoreError},
    token::TokenHash,
};

/// What a service is made of.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where everything is kept.
    pub repository: Arc<dyn Repository>,
    /// What seals it.
    pub kms: Arc<dyn Kms>,
    /// Whose token it is; without one, the service issues tokens of its own.
    pub authenticator: Option<Arc<dyn Authenticator>>,
    /// Where signing shares live; without one, in the repository.
    pub signing_shares: Option<Arc<dyn SigningShares>>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// What the operator decides.
    pub policy: Policy,
    /// How much anybody may use.
    pub limits: Limits,
    /// Whether the repository was restored from a copy: every wallet is frozen until its operator
    /// approves a recovery.
    pub restored: bool,
}

/// How much anybody may use.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Wallets of one user. 64.
    pub wallets: u32,
    /// Sessions that one user may begin at once. 60.
    pub begin_burst: u32,
    /// Sessions that one user may begin in a second, over time. 20.
    pub begin_rate: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { wallets: 64, begin_burst: 60, begin_rate: 20.0 }
    }
}

impl Limits {
    /// With this many sessions a second, and three times as many at once; 0 for no limit.
    #[must_use]
    pub fn with_begin_rate(self, rate: u32) -> Self {
        match rate {
            0 => Self { begin_burst: u32::MAX, begin_rate: f64::MAX, ..self },
            _ => Self { begin_burst: rate.saturating_mul(3), begin_rate: f64::from(rate), ..self },
        }
    }
}

/// The custodian, for all its users. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    keys: CustodianKeys,
    sessions: Mutex<Sessions>,
    /// A step on a wallet is taken alone; wallets share a lock by chance only.
    locks: Box<[tokio::sync::Mutex<()>]>,
    /// Whoever does something holds it; closing waits for them. Whether it is closed.
    gate: Arc<tokio::sync::RwLock<bool>>,
    buckets: Mutex<HashMap<UserId, Bucket>>,
    tokens: Mutex<HashMap<TokenHash, Remembered>>,
    commitments: Mutex<HashMap<Box<[u8]>, StoredCommitment>>,
    sweeper: Mutex<Option<AbortHandle>>,
    backoffs: Mutex<HashMap<(UserId, WalletId), holder::Backoff>>,
}

/// How many sessions a user may still begin.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// How many locks wallets share.
const LOCKS: usize = 4096;

/// How many users' rates are remembered; those that are full again are forgotten.
const MAX_BUCKETS: usize = 65_536;

/// The service as one logged-in user sees it: a [`Custodian`](twoshare_protocol::Custodian) in
/// process.
#[derive(Debug, Clone)]
pub struct LocalSession {
    service: Service,
    user: UserId,
}

/// A new session token. It is shown once.
#[derive(Debug, Clone)]
pub struct IssuedSession {
    /// The token.
    pub token: Token,
    /// When it expires, in seconds since the Unix epoch.
    pub expires: Time,
}

/// A recovery or an eject that waits, as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingRequest {
    /// Whose.
    pub user: UserId,
    /// Of which wallet.
    pub wallet: WalletId,
    /// Its id.
    pub id: OperationId,
    /// Recover or eject.
    pub operation: Operation,
    /// From when on it may be used.
    pub ready: Time,
    /// When it is forgotten.
    pub expires: Time,
    /// Whether the device has objected.
    pub is_disputed: bool,
}

/// Why no signing share is given.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SigningError {
    /// The user has no such wallet, or it has no signing pair.
    #[error("not found")]
    NotFound,
    /// The wallet stands still: nobody signs with it.
    #[error(transparent)]
    Frozen(#[from] Frozen),
    /// A new epoch is with the holder of signing shares and not committed yet: ask again when it is, or
    /// has been given up.
    #[error("the wallet is paused until {until}, or until what is pending ends")]
    Paused {
        /// When it ends by itself.
        until: Time,
    },
    /// What is stored does not fit together: restore it.
    #[error("what the custodian holds of this wallet is damaged: its operator must restore it")]
    Damaged,
    /// See there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What a deletion removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleted {
    /// How many wallets.
    pub wallets: u64,
}

/// How the service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It reads and writes.
    Ready,
    /// It reads, and writes no more until it is started again: its operator must mend the cause.
    StoppedWriting(Why),
    /// It was closed.
    Closed,
}

/// What the database said when it was last written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why(pub String);

/// Why the service did not start.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The database cannot be opened or read: check the path, its rights and the disk.
    #[error("the database cannot be opened")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database was written by a newer version: use that one, or a copy from before.
    #[error("the database is of a newer version")]
    NewerDatabase,
    /// A file of the data directory cannot be read or written: check its rights and the disk.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There is a database, and not the master key that it was sealed with: bring it back. Without
    /// it nothing opens.
    #[error("the master key at {path} is missing, and the database was sealed with one")]
    MasterKeyMissing {
        /// Where it was looked for.
        path: std::path::PathBuf,
    },
    /// The key is another than the database was sealed with: bring back the right one. Nothing was
    /// changed.
    #[error("the database was sealed with another master key")]
    WrongMasterKey,
    /// The file is no key: restore it.
    #[error("{path} is not a key of this program")]
    MalformedKey {
        /// Which.
        path: std::path::PathBuf,
    },
    /// See there.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key-management service cannot be asked: try again.
    #[error("the key-management service is unavailable")]
    KmsUnavailable,
}

/// Why the operator's words had no effect. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum OperatorError {
    /// No such user, wallet or request.
    #[error("not found")]
    NotFound,
    /// The window stays closed.
    #[error(transparent)]
    Window(#[from] WindowRefusal),
    /// The wallet stays frozen.
    #[error(transparent)]
    Unfreeze(#[from] UnfreezeRefusal),
    /// Nothing was cancelled.
    #[error(transparent)]
    Cancel(#[from] CancelRefusal),
    /// See there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<StoppedWriting> for Why {
    fn from(stopped: StoppedWriting) -> Self {
        Self(stopped.why)
    }
}

impl Service {
    /// The public identity, which clients pin.
    #[must_use]
    pub fn identity(&self) -> CustodianIdentity {
        *self.inner.keys.identity()
    }

    /// What the operator decided.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.inner.config.policy
    }

    /// How much anybody may use.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.inner.config.limits
    }

    /// The custodian as this user sees it. The caller vouches that it is this user.
    #[must_use]
    pub fn login(&self, user: &UserId) -> LocalSession {
        LocalSession { service: self.clone(), user: user.clone() }
    }

    /// How the service is.
    #[must_use]
    pub fn health(&self) -> Health {
        if self.inner.gate.try_read().is_ok_and(|gate| *gate) {
            return Health::Closed;
        }
        match self.inner.config.repository.health() {
            Ok(()) => Health::Ready,
            Err(stopped) => Health::StoppedWriting(stopped.into()),
        }
    }

    /// Finishes what is being done, and does nothing more.
    pub async fn close(&self) {
        let mut gate = self.inner.gate.write().await;
        if !std::mem::replace(&mut *gate, true) {
            if let Some(sweeper) = lock(&self.inner.sweeper).take() {
                sweeper.abort();
            }
            self.inner.config.repository.close().await;
        }
    }
}

impl LocalSession {
    /// The user who is logged in.
    #[must_use]
    pub const fn user(&self) -> &UserId {
        &self.user
    }

    async fn enter(&self) -> Result<Entered, Unavailable> {
        self.service.enter().await
    }
}

/// Somebody is doing something: the service does not close meanwhile.
struct Entered {
    _gate: OwnedRwLockReadGuard<bool>,
}

impl Service {
    async fn enter(&self) -> Result<Entered, Unavailable> {
        let gate = Arc::clone(&self.inner.gate).read_owned().await;
        if *gate { Err(Unavailable::because(Outage::Busy)) } else { Ok(Entered { _gate: gate }) }
    }
}

impl Inner {
    /// Takes a step of the engine.
    fn desk<T>(&self, user: &UserId, step: impl FnOnce(&mut Desk<'_>) -> T) -> T {
        step(&mut Desk {
            keys: &self.keys,
            policy: &self.config.policy,
            user: user.as_str(),
            now: self.config.clock.now(),
            rng: &mut rand::rng(),
        })
    }

    /// Waits until nobody else takes a step on this wallet.
    async fn alone(
        &self,
        user: &UserId,
        wallet: WalletId,
    ) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        (user, wallet).hash(&mut hasher);
        let locks = LOCKS as u64;
        let place = usize::try_from(hasher.finish() % locks).unwrap_or_default();
        match self.locks.get(place) {
            Some(lock) => Some(lock.lock().await),
            None => None,
        }
    }

    /// Whether this user may begin another session now.
    fn may_begin(&self, user: &UserId) -> bool {
        let Limits { begin_burst, begin_rate, .. } = self.config.limits;
        let (burst, now) = (f64::from(begin_burst), Instant::now());
        let filled = |bucket: &Bucket| {
            let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
            passed.mul_add(begin_rate, bucket.left).min(burst)
        };
        let mut buckets = lock(&self.buckets);
        if buckets.len() >= MAX_BUCKETS {
            buckets.retain(|_, bucket| filled(bucket) < burst);
        }
        let left = buckets.get(user).map_or(burst, filled);
        if left < 1.0 {
            return false;
        }
        buckets.insert(user.clone(), Bucket { left: left - 1.0, at: now });
        true
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A lock whose data is whole after every change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const fn failed() -> Unavailable {
    Unavailable::because(Outage::Failed)
}
