//! Deleting what is not needed any more.

use twoshare_core::store::{
    CustodianAlone, EnvelopeName, EnvelopeStoreExt as _, FetchError, StoreFault, Writable,
};
use twoshare_protocol::{custodian::RetireError, message::State, rules::RetireRefusal};

use super::{ALL, Failed, RetireStoresError, Stores, Surveyed};

impl Stores {
    /// Deletes an envelope and its receipt from every store but the custodian's own. Gives those that
    /// did not: repeat it there.
    ///
    /// Hazard: only for an envelope of an operation that the custodian has said is over, or that it has
    /// retired. See [`retire`](Self::retire).
    pub async fn delete(&self, name: EnvelopeName) -> Vec<Failed<StoreFault>> {
        let each = self.external().map(|(_, store)| store.delete_envelope(name));
        let results = self.ask(each, ALL).await;
        let mut failed = Vec::new();
        for ((id, _), result) in self.external().zip(results) {
            if let Err(error) = result {
                failed.push(Failed { store: id.clone(), error });
            }
        }
        failed
    }

    /// Deletes an envelope that was replaced, once nobody can need it: every store has the one that
    /// `state`, which was verified, calls active, and the custodian says that its times are over. Gives
    /// the stores that did not delete it: repeat it.
    ///
    /// # Errors
    ///
    /// See [`RetireStoresError`].
    pub async fn retire(
        &self,
        old: EnvelopeName,
        state: &State,
    ) -> Result<Vec<Failed<StoreFault>>, RetireStoresError> {
        let not_ended = RetireError::Refused(RetireRefusal::NotEnded);
        let active = state.backup.as_ref().filter(|active| active.epoch > old.epoch);
        let current = match active.and_then(|active| Some((active.epoch, active.envelope?))) {
            Some((epoch, digest)) if state.wallet == old.wallet && state.restorable.is_none() => {
                EnvelopeName { wallet: old.wallet, epoch, digest }
            }
            _ => return Err(not_ended.into()),
        };
        let missing = self.missing(current).await;
        if !missing.is_empty() {
            return Err(RetireStoresError::Missing { missing });
        }
        match self.custodian.retire(old.wallet, old.epoch).await {
            Ok(()) => {}
            // It counts no more, and once did: the custodian has retired it already, and its answer was
            // lost.
            Err(error) if error == not_ended => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.delete(old).await)
    }

    /// The stores that do not have the envelope and should.
    async fn missing(&self, name: EnvelopeName) -> Vec<Failed<FetchError>> {
        let surveyed = self.survey(name).await;
        let envelope = surveyed.iter().find_map(|one| one.result.as_ref().ok()).cloned();
        let may_have = |place: &super::Place| {
            let writable = envelope
                .as_ref()
                .map(|envelope| Writable::copy(envelope, place.operator(), self.trust));
            !matches!(writable, Some(Err(CustodianAlone)))
        };
        let stores = self.places.iter().zip(surveyed);
        stores
            .filter(|((_, place), _)| may_have(place))
            .filter_map(|(_, Surveyed { store, result })| {
                result.err().map(|error| Failed { store, error })
            })
            .collect()
    }
}
