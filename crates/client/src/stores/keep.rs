//! Writing a new envelope to every store, and mending what a store has lost.

use twoshare_core::{
    container::ContainerError,
    envelope::{Envelope, Sealed},
    store::{
        EnvelopeName, EnvelopeStore, EnvelopeStoreExt as _, FetchError, GetError, PutError,
        Writable, WriteError,
    },
};
use twoshare_protocol::{message::Upload, session::Ready};

use super::{ALL, Failed, KeepError, Place, StoreId, Stores, WriteStoresError};
use crate::{client::rng, together::Boxed};

/// A new envelope that as many stores have as the policy asks for.
#[derive(Debug)]
pub struct Written {
    /// Its name in every store.
    pub name: EnvelopeName,
    /// The stores that have it: read back, and opened through every slot.
    pub kept: Vec<StoreId>,
    /// Those that do not, and why. Once it is committed, have them mended:
    /// [`Stores::mend`](super::Stores::mend).
    pub missing: Vec<Failed<KeepError>>,
}

/// What came of mending one store.
#[derive(Debug)]
pub struct Mended {
    /// Which store.
    pub store: StoreId,
    /// How it was before it had the envelope again; or why it does not have it.
    pub result: Result<Condition, KeepError>,
}

/// How a store's envelope was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// As it should be. Nothing was done.
    Intact,
    /// It was not there.
    Absent,
    /// Something else was there.
    Damaged,
}

impl Stores {
    /// Writes a new envelope to every store, reads it back from each and opens it through every slot.
    /// When it returns, as many have it as the policy asks for; commit it then.
    ///
    /// An envelope that the custodian could open is not written where the custodian reads, unless
    /// that was [trusted](Self::trusting).
    ///
    /// # Errors
    ///
    /// See [`WriteStoresError`].
    pub async fn write(&self, sealed: &Sealed, ready: &Ready) -> Result<Written, WriteStoresError> {
        if self.places.is_empty() {
            return Err(WriteStoresError::NoStore);
        }
        let each = self
            .places
            .iter()
            .map(|(_, place)| -> Boxed<'_, _> { Box::pin(self.write_to(place, sealed, ready)) });
        let needed = self.policy.needed(self.places.len());
        let results = self.ask(each, needed).await;
        let (mut kept, mut missing) = (Vec::new(), Vec::new());
        for ((id, _), result) in self.places.iter().zip(results) {
            match result {
                Ok(()) => kept.push(id.clone()),
                Err(error) => missing.push(Failed { store: id.clone(), error }),
            }
        }
        if kept.len() < needed {
            return Err(WriteStoresError::Policy { needed, kept, missing });
        }
        Ok(Written { name: sealed.name(), kept, missing })
    }

    /// Writes a committed envelope to every store that does not have it intact, and says how each was.
    /// Run it beside what the envelope was read for: nothing waits for it.
    ///
    /// What is there in its place and is damaged, or another's, is deleted only when the store will not
    /// have it otherwise.
    pub async fn mend(&self, envelope: &Envelope) -> Vec<Mended> {
        let each = self
            .places
            .iter()
            .map(|(_, place)| -> Boxed<'_, _> { Box::pin(self.mend_in(place, envelope)) });
        let stores = self.places.iter().zip(self.ask(each, ALL).await);
        stores.map(|((id, _), result)| Mended { store: id.clone(), result }).collect()
    }

    async fn write_to(
        &self,
        place: &Place,
        sealed: &Sealed,
        ready: &Ready,
    ) -> Result<(), KeepError> {
        let writable = Writable::sealed(sealed, place.operator(), self.trust)?;
        match place {
            Place::Store { store, .. } => put(store.as_ref(), &writable).await?,
            Place::Custodian => {
                let name = sealed.name();
                let upload = ready.upload(name.epoch, &sealed.bytes, &mut rng());
                let put = self.custodian.put_envelope(upload, sealed.bytes.clone());
                put.await.map_err(KeepError::Upload)?;
            }
        }
        let read = self.read_from(place, sealed.name()).await.map_err(KeepError::ReadBack)?;
        sealed.keys.test_open(read.as_bytes()).map_err(KeepError::TestOpen)
    }

    async fn mend_in(&self, place: &Place, envelope: &Envelope) -> Result<Condition, KeepError> {
        let name = envelope.name();
        let before = match self.read_from(place, name).await {
            Ok(_) => return Ok(Condition::Intact),
            Err(error) => condition(error).map_err(KeepError::Look)?,
        };
        let writable = Writable::copy(envelope, place.operator(), self.trust)?;
        match place {
            Place::Store { store, .. } => put(store.as_ref(), &writable).await?,
            Place::Custodian => {
                let (wallet, epoch) = (name.wallet, name.epoch);
                // What is committed, its digest proves.
                let upload = Upload { wallet, epoch, id: None, proofs: Vec::new() };
                let put = self.custodian.put_envelope(upload, envelope.as_bytes().to_vec());
                put.await.map_err(KeepError::Upload)?;
            }
        }
        // Its digest was compared: it is byte for byte what was sent.
        self.read_from(place, name).await.map_err(KeepError::ReadBack)?;
        Ok(before)
    }
}

/// Puts an envelope, over what is damaged there.
async fn put(store: &dyn EnvelopeStore, writable: &Writable) -> Result<(), KeepError> {
    let name = writable.name();
    match store.put_envelope(writable).await {
        Err(WriteError::Put(PutError::Exists)) => {}
        put => return put.map_err(KeepError::Write),
    }
    match store.get_envelope(name).await.map_err(condition) {
        // Another device has written it, or it is a repetition that the store did not recognise.
        Ok(_) => return Ok(()),
        Err(Err(error)) => return Err(KeepError::Look(error)),
        Err(Ok(_)) => {}
    }
    // The object alone: its receipt may be intact.
    store.delete(&name.object()).await.map_err(KeepError::Delete)?;
    store.put_envelope(writable).await.map_err(KeepError::Write)
}

/// What it means for an envelope that it was not read: that it has to be written again, or that nobody
/// knows.
fn condition(error: FetchError) -> Result<Condition, FetchError> {
    match error {
        FetchError::Get(GetError::NotFound) => Ok(Condition::Absent),
        FetchError::Get(GetError::Fault(_))
        // Newer software keeps the same envelope in another way.
        | FetchError::Container(ContainerError::NewerVersion { .. }) => Err(error),
        FetchError::Get(GetError::Damaged)
        | FetchError::Container(
            ContainerError::NotAContainer
            | ContainerError::Truncated { .. }
            | ContainerError::Damaged
            | ContainerError::OtherContent { .. }
            | ContainerError::TooLarge { .. },
        )
        | FetchError::Envelope(_)
        | FetchError::OtherEnvelope { .. } => Ok(Condition::Damaged),
    }
}
