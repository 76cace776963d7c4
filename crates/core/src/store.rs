//! Where envelopes are kept: a directory, the app's backend, an object store, a drive, the custodian.
//!
//! An [`EnvelopeStore`] keeps opaque bytes and never sees a key. [`EnvelopeStoreExt`] is how
//! envelopes get into one and out: always in a [`container`], always under the name that their
//! content gives them, and, where the custodian could open a slot, only into stores that the custodian
//! cannot read.

mod memory;
mod name;
mod typed;

use core::fmt;

use async_trait::async_trait;
use thiserror::Error;

pub use self::{
    memory::MemoryStore,
    name::{EnvelopeName, ObjectName, ObjectNameError, Part},
    typed::{
        CustodianAlone, EnvelopeStoreExt, FetchError, IndependentOperator, Operator,
        TrustCustodianAlone, Writable, WriteError,
    },
};
#[cfg(doc)]
use crate::container;
use crate::id::WalletId;

/// A place that keeps objects of bytes. The contract, which `envelope_store_conformance!` (feature
/// `conformance`) tests:
///
/// - **Opaque.** The bytes are a [`container`], at most 8 MiB and 46 bytes of them; a store may check
///   its checksum, and gives back what it was given.
/// - **Create if absent, atomically.** `put` makes the object exist with all its bytes, or not at all,
///   also when the process or the connection dies in between: a reader never sees a part. When it
///   returns, the object is durable and the next `get` and `list` see it.
/// - **Immutable.** What exists is never overwritten. Names contain the digest of what they name, so
///   that a second `put` of the same bytes is a repetition, and succeeds; other bytes are
///   [`PutError::Exists`]. Of two at the same time with different bytes, one succeeds.
/// - **Repeatable.** Every call may be repeated after an error or a lost answer. Deleting what is not
///   there succeeds.
/// - **Apart.** Wallets do not see each other's objects, and other files in the same place are not
///   listed and not touched.
///
/// A store says nothing about who may read it: see [`Operator`].
#[async_trait]
pub trait EnvelopeStore: fmt::Debug + Send + Sync {
    /// Makes `name` exist with these bytes, if it does not exist yet.
    ///
    /// # Errors
    ///
    /// See [`PutError`].
    async fn put(&self, name: &ObjectName, bytes: &[u8]) -> Result<(), PutError>;

    /// The bytes of `name`.
    ///
    /// # Errors
    ///
    /// See [`GetError`].
    async fn get(&self, name: &ObjectName) -> Result<Vec<u8>, GetError>;

    /// The names of all objects of `wallet`, in no order.
    ///
    /// # Errors
    ///
    /// See [`StoreFault`].
    async fn list(&self, wallet: WalletId) -> Result<Vec<ObjectName>, StoreFault>;

    /// Makes `name` not exist.
    ///
    /// # Errors
    ///
    /// See [`StoreFault`].
    async fn delete(&self, name: &ObjectName) -> Result<(), StoreFault>;
}

/// Why an object was not put.
#[derive(Debug, Error)]
pub enum PutError {
    /// Other bytes are there under this name. They are damaged, or somebody else's: read them, and
    /// delete them if they are not an intact envelope of this name.
    #[error("other bytes are there under this name")]
    Exists,
    /// The store is full: free space, or use another.
    #[error("the store is full")]
    Full,
    /// The store takes no object as large as this: use another.
    #[error("{len} bytes are more than the store's {cap}")]
    TooLarge {
        /// Length of the object in bytes.
        len: usize,
        /// The longest that the store takes.
        cap: usize,
    },
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] StoreFault),
}

/// Why an object was not got.
#[derive(Debug, Error)]
pub enum GetError {
    /// There is no such object.
    #[error("no such object")]
    NotFound,
    /// It is there, and every copy of it is damaged: use another store.
    #[error("the object is damaged")]
    Damaged,
    /// The store failed.
    #[error(transparent)]
    Fault(#[from] StoreFault),
}

/// Why a store did not do what it was asked to, whatever that was.
#[derive(Debug, Error)]
pub enum StoreFault {
    /// Not signed in: have the user sign in.
    #[error("not signed in")]
    NotSignedIn,
    /// Signed in with another account than the one that has the envelopes.
    #[error("signed in with another account than {expected}")]
    WrongAccount {
        /// A hint of the account.
        expected: String,
    },
    /// A permission is missing: have the user grant it.
    #[error("permission is missing: {scope}")]
    Denied {
        /// The scope, permission or path.
        scope: String,
    },
    /// Cannot be reached, or failed for a while: try again later.
    #[error("the store cannot be reached")]
    Unavailable {
        /// Seconds to wait before the next attempt, where the store says.
        retry_after: Option<u64>,
        /// What happened.
        source: Box<dyn core::error::Error + Send + Sync>,
    },
    /// Failed in a way that trying again does not mend: see the source.
    #[error("the store failed")]
    Broken(#[source] Box<dyn core::error::Error + Send + Sync>),
}
