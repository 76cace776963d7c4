//! Reading the envelope that the custodian names.

use std::sync::Mutex;

use thiserror::Error;
use twoshare_core::{
    envelope::Envelope,
    store::{EnvelopeName, EnvelopeStoreExt as _, FetchError, GetError, StoreFault},
};
use twoshare_protocol::custodian::{Outage, ReadError, Unavailable};

use super::{ALL, Failed, Place, StoreId, Stores, TimedOut};
use crate::together::{Boxed, first, within};

/// An envelope that was asked for by name, intact.
#[derive(Debug)]
pub struct Found {
    /// The envelope. Its name is the one that was asked for.
    pub envelope: Envelope,
    /// The store that gave it.
    pub store: StoreId,
    /// The stores that were asked before, and what they said. Have them mended:
    /// [`Stores::mend`](super::Stores::mend).
    pub failed: Vec<Failed<FetchError>>,
}

/// No store has the envelope intact.
#[derive(Debug, Error)]
#[error("no store has the envelope intact")]
pub struct NoEnvelope {
    /// What each store said.
    pub stores: Vec<Failed<FetchError>>,
}

/// What a store has of an envelope.
#[derive(Debug)]
pub struct Surveyed {
    /// Which store.
    pub store: StoreId,
    /// The envelope, where it has it intact.
    pub result: Result<Envelope, FetchError>,
}

impl Stores {
    /// The envelope of this name, from the first store that has it intact. A store that is slow does not
    /// keep the next one from being asked.
    ///
    /// # Errors
    ///
    /// [`NoEnvelope`], with what each store said.
    pub async fn read(&self, name: EnvelopeName) -> Result<Found, NoEnvelope> {
        let failed = Mutex::new(Vec::new());
        // Collected: a closure that is kept across an await would make the future one that no other
        // thread may run.
        let each: Vec<Boxed<'_, _>> = (self.places.iter())
            .map(|(id, place)| -> Boxed<'_, _> {
                Box::pin(async move { (id, self.read_from(place, name).await) })
            })
            .collect();
        let chosen = first(each, self.limits.head_start, |(id, result)| match result {
            Ok(envelope) => Some((id.clone(), envelope)),
            Err(error) => {
                push(&failed, Failed { store: id.clone(), error });
                None
            }
        });
        let chosen = chosen.await;
        let failed = failed.into_inner().unwrap_or_default();
        match chosen {
            Some((store, envelope)) => Ok(Found { envelope, store, failed }),
            None => Err(NoEnvelope { stores: failed }),
        }
    }

    /// What every store has of the envelope of this name.
    pub async fn survey(&self, name: EnvelopeName) -> Vec<Surveyed> {
        let each = self.places.iter().map(|(_, place)| -> Boxed<'_, _> {
            Box::pin(async move { self.read_from(place, name).await })
        });
        let stores = self.places.iter().zip(self.ask(each, ALL).await);
        stores.map(|((id, _), result)| Surveyed { store: id.clone(), result }).collect()
    }

    /// Not for longer than a store may take.
    pub(super) async fn read_from(
        &self,
        place: &Place,
        name: EnvelopeName,
    ) -> Result<Envelope, FetchError> {
        let read = async {
            match place {
                Place::Store { store, .. } => store.get_envelope(name).await,
                Place::Custodian => self.read_from_custodian(name).await,
            }
        };
        let after = self.limits.each;
        within(after, read).await.unwrap_or_else(|| Err(TimedOut { after }.into()))
    }

    async fn read_from_custodian(&self, name: EnvelopeName) -> Result<Envelope, FetchError> {
        let bytes = self.custodian.envelope(name.wallet, name.digest).await.map_err(fetch_error)?;
        let envelope = Envelope::from_bytes(&bytes)?;
        let found = envelope.name();
        if found == name { Ok(envelope) } else { Err(FetchError::OtherEnvelope { found }) }
    }
}

/// What the custodian says, in a store's words.
fn fetch_error(error: ReadError) -> FetchError {
    FetchError::Get(match error {
        ReadError::NotFound | ReadError::Moved(_) => GetError::NotFound,
        ReadError::Damaged => GetError::Damaged,
        ReadError::Unavailable(unavailable) => GetError::Fault(fault(unavailable)),
    })
}

/// Why a server has no answer, in a store's words.
pub(super) fn fault(unavailable: Unavailable) -> StoreFault {
    match unavailable.cause {
        Outage::NotSignedIn => StoreFault::NotSignedIn,
        Outage::Failed | Outage::NotUnderstood => StoreFault::Broken(unavailable.into()),
        Outage::Unreachable | Outage::Busy => StoreFault::Unavailable {
            retry_after: unavailable.retry_after,
            source: unavailable.into(),
        },
    }
}

/// Nothing panics while this is locked.
pub(super) fn push<T>(list: &Mutex<Vec<T>>, item: T) {
    list.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(item);
}
