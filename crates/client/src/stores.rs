//! Where a wallet's envelopes are kept: one or several stores at once.
//!
//! [`Stores`] writes a new envelope to all of them, reads it back from each and opens it; whether that
//! is enough, the [`StorePolicy`] says. It reads the committed envelope from whichever store has it
//! intact, and mends the others from it.
//!
//! A store that hangs holds nobody up for longer than [`StoreLimits`] say. That needs a tokio runtime
//! with its timer enabled; outside of a runtime nothing is bounded.

mod error;
mod id;
mod keep;
mod read;
mod receipts;
mod retire;
#[cfg(feature = "http")]
mod self_managed;

use std::{fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use twoshare_core::store::{EnvelopeStore, Operator, TrustCustodianAlone};
use twoshare_protocol::Custodian;

use crate::together::{Boxed, together};

#[cfg(feature = "http")]
pub use self::self_managed::{SelfManagedStore, SelfManagedStoreBuilder};
pub use self::{
    error::{Failed, KeepError, RetireStoresError, StoresError, TimedOut, WriteStoresError},
    id::{StoreId, StoreIdError, StoreKind},
    keep::{Condition, Mended, Written},
    read::{Found, NoEnvelope, Surveyed},
    receipts::{FoundReceipt, Listed, Listing, Receipts},
};

/// Where envelopes are kept.
#[derive(Debug, Clone)]
pub enum Place {
    /// A store, and who can read it.
    Store {
        /// The store.
        store: Arc<dyn EnvelopeStore>,
        /// Who can read it.
        operator: Operator,
    },
    /// The custodian's own store. Nothing is written there without the proofs of an operation, and
    /// nothing deleted but by the custodian.
    Custodian,
}

impl Place {
    /// A store, which `operator` can read.
    pub fn store(store: impl EnvelopeStore + 'static, operator: Operator) -> Self {
        Self::Store { store: Arc::new(store), operator }
    }

    pub(crate) const fn operator(&self) -> Operator {
        match self {
            Self::Store { operator, .. } => *operator,
            Self::Custodian => Operator::Custodian,
        }
    }
}

/// Everybody is waited for.
const ALL: usize = usize::MAX;

/// How many of the stores must have an envelope before it is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum StorePolicy {
    /// Every one.
    #[default]
    All,
    /// At least so many. The others are mended later.
    AtLeast(NonZeroUsize),
}

impl StorePolicy {
    /// How many of so many stores that is.
    #[must_use]
    pub const fn needed(self, stores: usize) -> usize {
        match self {
            Self::All => stores,
            Self::AtLeast(count) => count.get(),
        }
    }
}

/// How long stores are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreLimits {
    /// What one store may take for one envelope: to write it, and read it back. 30 seconds.
    pub each: Duration,
    /// What the others may still take once the policy is met. 5 seconds.
    pub others: Duration,
    /// How long a store is read from before the next one is asked as well. 3 seconds.
    pub head_start: Duration,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            each: Duration::from_secs(30),
            others: Duration::from_secs(5),
            head_start: Duration::from_secs(3),
        }
    }
}

/// The stores of one user. Cheap to clone.
#[derive(Clone)]
pub struct Stores {
    custodian: Arc<dyn Custodian>,
    places: Arc<[(StoreId, Place)]>,
    policy: StorePolicy,
    trust: Option<TrustCustodianAlone>,
    limits: StoreLimits,
}

impl Stores {
    /// These stores, in the order in which they are read from: the nearest first.
    ///
    /// # Errors
    ///
    /// See [`StoresError`].
    pub fn new(
        custodian: Arc<dyn Custodian>,
        places: Vec<(StoreId, Place)>,
        policy: StorePolicy,
    ) -> Result<Self, StoresError> {
        for (index, (id, _)) in places.iter().enumerate() {
            if places.iter().skip(index + 1).any(|(other, _)| other == id) {
                return Err(StoresError::Twice { store: id.clone() });
            }
        }
        let needed = policy.needed(places.len());
        if needed > places.len() {
            return Err(StoresError::TooFew { needed, stores: places.len() });
        }
        let (trust, limits) = (None, StoreLimits::default());
        Ok(Self { custodian, places: places.into(), policy, trust, limits })
    }

    /// Lets the custodian alone have the whole wallet, where a store and a method together would give
    /// it that: see [`TrustCustodianAlone`].
    #[must_use]
    pub fn trusting(mut self, trust: TrustCustodianAlone) -> Self {
        self.trust = Some(trust);
        self
    }

    /// The same stores, with another custodian's own in the place of this one's.
    pub(crate) fn at(&self, custodian: Arc<dyn Custodian>) -> Self {
        Self { custodian, ..self.clone() }
    }

    /// With these limits.
    #[must_use]
    pub fn with_limits(mut self, limits: StoreLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The stores, in their order.
    #[must_use]
    pub fn places(&self) -> &[(StoreId, Place)] {
        &self.places
    }

    /// How many must have an envelope before it is committed.
    #[must_use]
    pub const fn policy(&self) -> StorePolicy {
        self.policy
    }

    /// Runs them all at once, and gives what each said within the time that it has.
    async fn ask<'a, T, E: From<TimedOut>>(
        &self,
        each: impl Iterator<Item = Boxed<'a, Result<T, E>>>,
        enough: usize,
    ) -> Vec<Result<T, E>> {
        let limits = (enough, self.limits.others);
        let answers = together(each, self.limits.each, limits, Result::is_ok).await;
        let timed_out = || TimedOut { after: self.limits.each };
        answers
            .into_iter()
            .map(|answer| answer.unwrap_or_else(|| Err(timed_out().into())))
            .collect()
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores")
            .field("places", &self.places)
            .field("policy", &self.policy)
            .field("trust", &self.trust)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
