//! Where envelopes are kept.

use std::{fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use async_trait::async_trait;
use twoshare::{
    CopyHealth, StoreId, Verdict,
    core::{
        id::WalletId,
        store::{self, IndependentOperator, ObjectName, Part},
    },
};

use crate::{
    HttpConfig,
    error::{DirectoryError, GetError, PutError, RepairError, StoreFault, UrlError},
    foreign::{self, TIMEOUT},
    runtime,
    wallet::EnvelopeName,
};

/// A store under its name.
#[derive(Debug, Clone, uniffi::Record)]
pub struct NamedPlace {
    /// What it is called, on this device and in `Status.stores`.
    pub id: StoreId,
    /// Where it is.
    pub place: Place,
}

/// Where envelopes are kept.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum Place {
    /// The custodian's own store. Nothing is written there without the proofs of an operation, and nothing deleted
    /// but by the custodian.
    Custodian,
    /// A directory.
    Directory {
        /// The store.
        store: Arc<DirectoryStore>,
        /// Who can read it.
        operator: Operator,
    },
    /// The app's own backend.
    SelfManaged {
        /// The store.
        store: Arc<SelfManagedStore>,
        /// Who can read it: the custodian, unless somebody else runs the backend.
        operator: Operator,
    },
    /// Memory, for tests and demonstrations.
    Memory {
        /// The store.
        store: Arc<MemoryStore>,
        /// Who can read it.
        operator: Operator,
    },
    /// A store that the app has written.
    Own {
        /// The store.
        store: Arc<dyn EnvelopeStore>,
        /// Who can read it.
        operator: Operator,
        /// How long one call of it is waited for before it has failed as timed out; 30 s without one. `StoreLimits` hold
        /// besides.
        timeout: Option<Duration>,
    },
}

impl From<Place> for twoshare::Place {
    fn from(place: Place) -> Self {
        match place {
            Place::Custodian => Self::Custodian,
            Place::Directory { store, operator } => Self::store(store.0.clone(), operator.into()),
            Place::SelfManaged { store, operator } => Self::store(store.0.clone(), operator.into()),
            Place::Memory { store, operator } => {
                Self::Store { store: store.0.clone(), operator: operator.into() }
            }
            Place::Own { store, operator, timeout } => {
                let timeout = timeout.unwrap_or(TIMEOUT);
                Self::store(OwnStore { store, timeout }, operator.into())
            }
        }
    }
}

/// Whoever can read a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Enum)]
pub enum Operator {
    /// The user alone: a directory on the user's disk, the user's own drive.
    User,
    /// Somebody who has nothing to do with the custodian and gives it nothing, as the app declares by naming this. If
    /// that is untrue, a PIN protects from nobody: the custodian, with the envelope, can try them all.
    Independent,
    /// The custodian, or whoever operates it, or nobody knows: every store that is not the user's own, unless it is
    /// declared independent.
    Custodian,
}

impl From<Operator> for store::Operator {
    fn from(operator: Operator) -> Self {
        match operator {
            Operator::User => Self::User,
            Operator::Independent => Self::Independent(IndependentOperator),
            Operator::Custodian => Self::Custodian,
        }
    }
}

/// How many of the stores must have an envelope before it is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Enum)]
pub enum StorePolicy {
    /// Every one. This is what holds without a policy.
    All,
    /// At least so many. The others are mended later.
    AtLeast {
        /// How many: 1 or more. None is the same as 1.
        count: u32,
    },
}

impl From<StorePolicy> for twoshare::StorePolicy {
    fn from(policy: StorePolicy) -> Self {
        match policy {
            StorePolicy::All => Self::All,
            StorePolicy::AtLeast { count } => {
                let count = usize::try_from(count).ok().and_then(NonZeroUsize::new);
                Self::AtLeast(count.unwrap_or(NonZeroUsize::MIN))
            }
        }
    }
}

/// How long stores are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Record)]
pub struct StoreLimits {
    /// What one store may take for one envelope: to write it, and read it back. 30 seconds by default.
    pub each: Duration,
    /// What the others may still take once the policy is met. 5 seconds by default.
    pub others: Duration,
    /// How long a store is read from before the next one is asked as well. 3 seconds by default.
    pub head_start: Duration,
}

/// How long stores are waited for where an app says nothing.
#[uniffi::export]
#[must_use]
pub fn default_store_limits() -> StoreLimits {
    let twoshare::stores::StoreLimits { each, others, head_start } = Default::default();
    StoreLimits { each, others, head_start }
}

impl From<StoreLimits> for twoshare::stores::StoreLimits {
    fn from(limits: StoreLimits) -> Self {
        let StoreLimits { each, others, head_start } = limits;
        Self { each, others, head_start }
    }
}

/// A place of the app's own that keeps objects of bytes: a bucket, a drive.
///
/// - **Opaque.** The bytes are at most 8 MiB and 46 bytes; the store gives back what it was given.
/// - **Create if absent, atomically.** `put` makes the object exist with all its bytes, or not at all, also when the
///   process or the connection dies in between: a reader never sees a part. When it returns, the object is durable
///   and the next `get` and `list` see it.
/// - **Immutable.** What exists is never overwritten. A second `put` of the same bytes succeeds; other bytes are
///   `PutError.Exists`. Of two at the same time with different bytes, one succeeds.
/// - **Repeatable.** Every call may be repeated after an error or a lost answer. Deleting what is not there succeeds.
/// - **Apart.** Wallets do not see each other's objects, and other files in the same place are not listed and not
///   touched.
///
/// A call that throws something else than the error of its signature has failed, and one that does not return in time has
/// too; neither harms the app. None may call the client about the same wallet and wait for it.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait EnvelopeStore: Send + Sync {
    /// Makes `name` exist with these bytes, if it does not exist yet.
    ///
    /// # Errors
    ///
    /// `Exists` where other bytes are there under this name.
    async fn put(&self, name: ObjectName, bytes: Vec<u8>) -> Result<(), PutError>;

    /// The bytes of `name`.
    ///
    /// # Errors
    ///
    /// `NotFound` where there is no such object.
    async fn get(&self, name: ObjectName) -> Result<Vec<u8>, GetError>;

    /// The names of all objects of `wallet`, in no order.
    ///
    /// # Errors
    ///
    /// The store failed.
    async fn list(&self, wallet: WalletId) -> Result<Vec<ObjectName>, StoreFault>;

    /// Makes `name` not exist.
    ///
    /// # Errors
    ///
    /// The store failed.
    async fn delete(&self, name: ObjectName) -> Result<(), StoreFault>;
}

impl fmt::Debug for dyn EnvelopeStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnvelopeStore")
    }
}

/// The app's own store, with a bound on how long it is waited for.
#[derive(Debug)]
struct OwnStore {
    store: Arc<dyn EnvelopeStore>,
    timeout: Duration,
}

#[async_trait]
impl store::EnvelopeStore for OwnStore {
    async fn put(&self, name: &ObjectName, bytes: &[u8]) -> Result<(), store::PutError> {
        let call = self.store.put(*name, bytes.to_vec());
        Ok(foreign::call("EnvelopeStore.put", self.timeout, call).await?)
    }

    async fn get(&self, name: &ObjectName) -> Result<Vec<u8>, store::GetError> {
        Ok(foreign::call("EnvelopeStore.get", self.timeout, self.store.get(*name)).await?)
    }

    async fn list(&self, wallet: WalletId) -> Result<Vec<ObjectName>, store::StoreFault> {
        let call = self.store.list(wallet);
        let mut names = foreign::call("EnvelopeStore.list", self.timeout, call).await?;
        // Other wallets' are none of this one's.
        names.retain(|name| name.envelope.wallet == wallet);
        Ok(names)
    }

    async fn delete(&self, name: &ObjectName) -> Result<(), store::StoreFault> {
        Ok(foreign::call("EnvelopeStore.delete", self.timeout, self.store.delete(*name)).await?)
    }
}

/// A directory in which every envelope is kept three times, in the folders `copy-1` to `copy-3`. Processes may share one.
#[derive(Debug, uniffi::Object)]
pub struct DirectoryStore(twoshare::DirectoryStore);

#[uniffi::export]
impl DirectoryStore {
    /// The store in this directory, which is made if there is none.
    ///
    /// # Errors
    ///
    /// The directory cannot be used as a store.
    #[uniffi::constructor]
    pub async fn create(path: String) -> Result<Self, DirectoryError> {
        runtime::aside(move || Ok(Self(twoshare::DirectoryStore::create(path)?))).await
    }

    /// The store that is in this directory already.
    ///
    /// # Errors
    ///
    /// The directory cannot be used as a store.
    #[uniffi::constructor]
    pub async fn open(path: String) -> Result<Self, DirectoryError> {
        runtime::aside(move || Ok(Self(twoshare::DirectoryStore::open(path)?))).await
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> String {
        self.0.path().display().to_string()
    }

    /// How every object of every wallet is, in the order of their names. Reads all of them.
    ///
    /// # Errors
    ///
    /// The file system failed.
    pub async fn health(&self) -> Result<Vec<ObjectHealth>, StoreFault> {
        let store = self.0.clone();
        runtime::run(None, async move {
            Ok(store.health().await?.into_iter().map(ObjectHealth::from).collect())
        })
        .await
    }

    /// Writes the copies of an object that are missing or damaged again, and says how they were before.
    ///
    /// # Errors
    ///
    /// It was not repaired. Nothing was removed then.
    pub async fn repair(&self, name: ObjectName) -> Result<ObjectHealth, RepairError> {
        let store = self.0.clone();
        runtime::run(None, async move { Ok(store.repair(&name).await?.into()) }).await
    }
}

/// How the copies of an object are.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct ObjectHealth {
    /// The object.
    pub name: ObjectName,
    /// Each copy.
    pub copies: Vec<CopyHealth>,
    /// What that means for the object.
    pub verdict: Verdict,
}

impl From<twoshare::ObjectHealth> for ObjectHealth {
    fn from(health: twoshare::ObjectHealth) -> Self {
        let twoshare::ObjectHealth { name, copies, verdict } = health;
        Self { name, copies: copies.into(), verdict }
    }
}

/// How one copy is.
#[uniffi::remote(Enum)]
pub enum CopyHealth {
    /// It holds the object.
    Intact,
    /// There is none.
    Missing,
    /// It holds something else than was written.
    Damaged,
    /// The file system does not let it be read.
    Unreadable,
}

/// Whether an object can be read.
#[uniffi::remote(Enum)]
pub enum Verdict {
    /// All copies are intact.
    Intact,
    /// It can be read, but not every copy is intact: have it repaired.
    Repairable,
    /// It cannot be read: look in another store, and delete it here.
    Lost,
}

/// A store in the app's own backend: `docs/self-managed-store.openapi.json` has what that has to do.
#[derive(Debug, uniffi::Object)]
pub struct SelfManagedStore(twoshare::stores::SelfManagedStore);

#[uniffi::export]
impl SelfManagedStore {
    /// The store at this address, such as `https://api.example/backups`. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// The address is not one that is used. `hazmat_plain_http` changes nothing here.
    #[uniffi::constructor]
    pub fn new(config: HttpConfig) -> Result<Self, UrlError> {
        let (url, tokens, transport, retry) = config.into_parts();
        let mut builder =
            twoshare::stores::SelfManagedStore::builder(url, tokens).transport(transport);
        if let Some(retry) = retry {
            builder = builder.retry(retry);
        }
        Ok(Self(builder.build()?))
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.url().to_owned()
    }
}

/// A store in memory, for tests and demonstrations: what it keeps ends with it.
#[derive(Debug, uniffi::Object)]
pub struct MemoryStore(Arc<store::MemoryStore>);

#[uniffi::export]
impl MemoryStore {
    /// A store with nothing in it.
    #[uniffi::constructor]
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(store::MemoryStore::new()))
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

/// What a store keeps of an envelope.
#[uniffi::remote(Enum)]
pub enum Part {
    /// The envelope itself.
    Envelope,
    /// The custodian's receipt for it.
    Receipt,
}

/// The envelope that an object is part of.
#[uniffi::export]
#[must_use]
pub fn object_envelope(name: ObjectName) -> EnvelopeName {
    name.envelope.into()
}

/// Which part of its envelope an object is.
#[uniffi::export]
#[must_use]
pub fn object_part(name: ObjectName) -> Part {
    name.part
}
