//! Starting: the custodian's identity, and what a restored database needs.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use twoshare_core::{identity::CustodianKeys, secret::SecretBytes};
use twoshare_protocol::engine::Sessions;

use super::{Config, Inner, LOCKS, OpenError, Service, wallet::Done};
use crate::{
    Token,
    audit::{Act, Actor},
    kms::{KmsKey, record},
    repository::{NewEvent, SaveError, StoreError},
};

/// Under which name the identity is kept, and what its record is bound to.
const IDENTITY: &str = "identity";
const IDENTITY_AAD: &[u8] = b"twoshare/v1/custodian/identity";

/// How often wallets in which something is due are looked after.
const SWEEP: Duration = Duration::from_secs(5);

impl Service {
    /// Starts on what the repository has; makes the custodian's identity on the first start.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        let keys = identity(&config).await?;
        let is_restored = config.restored || config.repository.is_restoring().await?;
        let service = Self {
            inner: Arc::new(Inner {
                config,
                keys,
                sessions: Mutex::new(Sessions::new()),
                locks: (0..LOCKS).map(|_| tokio::sync::Mutex::new(())).collect(),
                gate: Arc::default(),
                buckets: Mutex::new(HashMap::new()),
                tokens: Mutex::new(HashMap::new()),
                commitments: Mutex::new(HashMap::new()),
                sweeper: Mutex::new(None),
                backoffs: Mutex::new(HashMap::new()),
            }),
        };
        if is_restored {
            service.restore().await?;
        }
        let sweeper = tokio::spawn(sweep(Arc::downgrade(&service.inner)));
        *super::lock(&service.inner.sweeper) = Some(sweeper.abort_handle());
        Ok(service)
    }

    /// Every wallet of a restored database may be older than what its users know: none goes on but
    /// by what its operator approves. A start that is interrupted here begins here again.
    async fn restore(&self) -> Result<(), OpenError> {
        const PAGE: u32 = 256;
        let repository = &self.inner.config.repository;
        repository.set_restoring(true).await?;
        let mut after = None;
        loop {
            let page = repository.all_wallets(after.take(), PAGE).await?;
            let Some(last) = page.last().cloned() else { break };
            let mut all = tokio::task::JoinSet::new();
            for (user, wallet) in page {
                let inner = Arc::clone(&self.inner);
                all.spawn(async move {
                    let mut loaded = inner.load_as_it_is(&user, wallet).await?;
                    if let Some(row) = &mut loaded.row {
                        row.restored();
                        if row.is_empty() {
                            loaded.row = None;
                        }
                    }
                    let (actor, act) = (Actor::Custodian, Act::Restored);
                    let (operation, detail) = (None, String::new());
                    inner.save_always(&loaded, Done { actor, act, operation, detail }).await
                });
            }
            while let Some(done) = all.join_next().await {
                match done {
                    Ok(Ok(())) => {}
                    Ok(Err(SaveError::Store(error))) => return Err(error.into()),
                    // Another process writes, or a task panicked: nothing to build on.
                    Ok(Err(
                        SaveError::Conflict | SaveError::TooManyWallets | SaveError::KeyInUse,
                    ))
                    | Err(_) => {
                        return Err(StoreError::Unavailable.into());
                    }
                }
            }
            after = Some(last);
        }
        Ok(repository.set_restoring(false).await?)
    }
}

/// The identity that is kept, or a new one on the first start.
async fn identity(config: &Config) -> Result<CustodianKeys, OpenError> {
    let kms = &*config.kms;
    let sealed = match config.repository.secret(IDENTITY).await? {
        Some(sealed) => sealed,
        None => {
            let bytes = make_identity();
            let sealed = record::seal(kms, KmsKey::Shares, IDENTITY_AAD, &bytes).await;
            let sealed = sealed.map_err(|_| OpenError::KmsUnavailable)?;
            config.repository.put_secret(IDENTITY, &sealed).await?
        }
    };
    let opened = record::open(kms, KmsKey::Shares, IDENTITY_AAD, &sealed).await;
    let opened = opened.map_err(|error| match error {
        record::RecordError::Damaged => OpenError::WrongMasterKey,
        record::RecordError::Unavailable => OpenError::KmsUnavailable,
    })?;
    // Exposed: to the decoder.
    let keys = CustodianKeys::from_bytes(opened.expose_secret());
    keys.map_err(|_| StoreError::Damaged.into())
}

fn make_identity() -> SecretBytes {
    CustodianKeys::make(&mut rand::rng()).to_bytes()
}

/// Makes this the operator's key.
pub(crate) async fn put_operator_key(config: &Config, key: &Token) -> Result<(), StoreError> {
    let event = NewEvent {
        at: config.clock.now(),
        actor: Actor::Custodian,
        act: Act::OperatorKeyMade,
        user: None,
        wallet: None,
        operation: None,
        detail: String::new(),
    };
    config.repository.put_operator_key(key.hash(), event).await
}

async fn sweep(inner: Weak<Inner>) {
    // What the holder of signing shares was not told before the last end, it hears at once.
    if let Some(inner) = inner.upgrade()
        && let Err(error) = (Service { inner }).tell_all(true).await
    {
        tracing::warn!(%error, "the holder of signing shares was not told");
    }
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(inner) = inner.upgrade() else { return };
        if let Err(error) = (Service { inner }).sweep_resting(true).await {
            tracing::warn!(%error, "wallets in which something is due were not looked after");
        }
    }
}
