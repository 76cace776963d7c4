use std::{fmt, time::Duration};

use thiserror::Error;
use twoshare_core::{
    envelope::TestOpenError,
    store::{CustodianAlone, FetchError, GetError, PutError, StoreFault, WriteError},
};
use twoshare_protocol::custodian::{RetireError, UploadError};

use super::StoreId;

/// Why these stores cannot be used together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoresError {
    /// The same store is named twice: name it once.
    #[error("the store {store} is named twice")]
    Twice {
        /// The store.
        store: StoreId,
    },
    /// The policy asks for more stores than there are: add stores, or ask for less.
    #[error("{needed} stores are asked for, and there are {stores}")]
    TooFew {
        /// How many the policy needs.
        needed: usize,
        /// How many there are.
        stores: usize,
    },
}

/// What one of the stores said.
#[derive(Debug)]
pub struct Failed<E> {
    /// Which store.
    pub store: StoreId,
    /// What it said.
    pub error: E,
}

impl<E> fmt::Display for Failed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "store {} failed", self.store)
    }
}

impl<E: std::error::Error + 'static> std::error::Error for Failed<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Why a new envelope is not kept as the policy asks. What was written of it lies in the stores: once
/// the operation is given up, [`Stores::delete`](super::Stores::delete) it.
#[derive(Debug, Error)]
pub enum WriteStoresError {
    /// There is no store: name one.
    #[error("there is no store to write the envelope to")]
    NoStore,
    /// Too few of the stores have it, read back and opened: see what each said, and try again.
    #[error("{} stores have the envelope where {needed} are needed", kept.len())]
    Policy {
        /// How many must have it.
        needed: usize,
        /// Those that have it.
        kept: Vec<StoreId>,
        /// Those that do not, and why.
        missing: Vec<Failed<KeepError>>,
    },
}

/// Why one store does not have an envelope or a receipt. It did not answer in time where it is said to
/// be unavailable because of [`TimedOut`].
#[derive(Debug, Error)]
pub enum KeepError {
    /// See there: it is not written to this store.
    #[error(transparent)]
    CustodianAlone(#[from] CustodianAlone),
    /// What it has cannot be looked at: try again later.
    #[error("what the store has cannot be read")]
    Look(#[source] FetchError),
    /// It did not take it.
    #[error("the store did not take it")]
    Write(#[source] WriteError),
    /// What is damaged there could not be deleted, and is in the way.
    #[error("what is damaged in the store was not deleted")]
    Delete(#[source] StoreFault),
    /// The custodian did not take it.
    #[error("the custodian did not take the envelope")]
    Upload(#[source] UploadError),
    /// It did not give back what was written.
    #[error("the store did not give it back")]
    ReadBack(#[source] FetchError),
    /// What it gave back does not open: use another store.
    #[error("what the store gave back does not open")]
    TestOpen(#[source] TestOpenError),
}

/// Why a replaced envelope was not deleted. Nothing was.
#[derive(Debug, Error)]
pub enum RetireStoresError {
    /// Not every store has the envelope that replaced it: mend them first.
    #[error("{} stores do not have the newer envelope", missing.len())]
    Missing {
        /// Those that do not, and why.
        missing: Vec<Failed<FetchError>>,
    },
    /// The custodian says that it may still be needed.
    #[error("the custodian keeps the envelope")]
    Custodian(#[from] RetireError),
}

/// A store did not answer in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no answer within {} seconds", after.as_secs())]
pub struct TimedOut {
    /// How long it was waited for.
    pub after: Duration,
}

impl From<TimedOut> for StoreFault {
    fn from(timed_out: TimedOut) -> Self {
        Self::Unavailable { retry_after: None, source: Box::new(timed_out) }
    }
}

impl From<TimedOut> for FetchError {
    fn from(timed_out: TimedOut) -> Self {
        Self::Get(GetError::Fault(timed_out.into()))
    }
}

impl From<TimedOut> for KeepError {
    fn from(timed_out: TimedOut) -> Self {
        Self::Write(WriteError::Put(PutError::Fault(timed_out.into())))
    }
}
