//! A device's access to the world: its custodian, pinned, and the stores that keep its envelopes.

use std::{
    cmp::Reverse,
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use twoshare_core::{
    envelope::{Envelope, Header, Payload, Sealed, SlotTable, seal},
    id::{Epoch, OperationId, Purpose, WalletId, WalletKind},
    identity::CustodianIdentity,
    proof::{Operation, Stage},
    share::AnyCommitment,
    store::{
        EnvelopeName, EnvelopeStore, EnvelopeStoreExt as _, FetchError, Operator, Part,
        TrustCustodianAlone, Writable,
    },
};
use twoshare_protocol::{
    Custodian, Nonce, Party,
    message::{Receipt, Signed, State},
    session::{Asked, AskedRequest, Proving, Ready, SessionError},
    wire::Message as _,
};

use crate::error::{ExchangeError, PublishError, StateError};

/// How many receipts of a store are looked at: it may have made them up.
const MAX_RECEIPTS: usize = 64;

/// How many envelopes of later epochs are opened after a restore: each costs what the method costs.
const MAX_ENVELOPES: usize = 16;

/// A custodian and the stores of one user. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    custodian: Arc<dyn Custodian>,
    identity: CustodianIdentity,
    user: String,
    stores: Vec<Place>,
    trust: Option<TrustCustodianAlone>,
}

/// A store, and who can read it.
#[derive(Debug, Clone)]
struct Place {
    store: Arc<dyn EnvelopeStore>,
    operator: Operator,
}

impl Client {
    /// A client of the custodian with this identity, logged in as `user`.
    ///
    /// The identity is part of the app's configuration, as the custodian's address is: whoever could
    /// choose it would be the custodian.
    #[must_use]
    pub fn new(
        custodian: impl Custodian + 'static,
        identity: CustodianIdentity,
        user: impl Into<String>,
    ) -> Self {
        let custodian = Arc::new(custodian);
        Self { custodian, identity, user: user.into(), stores: Vec::new(), trust: None }
    }

    /// With one more store, which `operator` can read. An operation is done when every store has the
    /// envelope; one that has it is enough to recover.
    #[must_use]
    pub fn with_store(mut self, store: impl EnvelopeStore + 'static, operator: Operator) -> Self {
        self.stores.push(Place { store: Arc::new(store), operator });
        self
    }

    /// Lets the custodian alone have the whole wallet, where a store and a method together would
    /// give it that: see [`TrustCustodianAlone`].
    #[must_use]
    pub fn trusting(mut self, trust: TrustCustodianAlone) -> Self {
        self.trust = Some(trust);
        self
    }

    /// The wallets that the custodian knows of this user.
    ///
    /// # Errors
    ///
    /// See [`StateError`].
    pub async fn wallets(&self) -> Result<Vec<WalletId>, StateError> {
        Ok(self.custodian.wallets().await?)
    }

    /// The wallet as the custodian sees it, signed by the custodian for this call.
    ///
    /// # Errors
    ///
    /// See [`StateError`].
    pub async fn state(&self, wallet: WalletId) -> Result<State, StateError> {
        let nonce = Nonce::make(&mut rng());
        let signed = self.custodian.state(wallet, nonce).await?;
        let state = signed.verify(&self.identity).map_err(StateError::WrongCustodian)?;
        if state.nonce == nonce && state.wallet == wallet && state.user == self.user {
            Ok(state.clone())
        } else {
            Err(StateError::OtherState)
        }
    }

    pub(crate) fn custodian(&self) -> &dyn Custodian {
        self.custodian.as_ref()
    }

    pub(crate) const fn identity(&self) -> &CustodianIdentity {
        &self.identity
    }

    pub(crate) fn party(&self, wallet: WalletId, kind: WalletKind) -> Party {
        Party { custodian: self.identity, user: self.user.clone(), wallet, kind }
    }

    /// From the custodian's nonce to new shares that both sides hold and have proven.
    pub(crate) async fn exchange(
        &self,
        asked: Asked,
        proving: Proving<'_>,
        known: &[AnyCommitment],
        receipts: Vec<Signed<Receipt>>,
    ) -> Result<Ready, ExchangeError> {
        let begun = self.custodian.begin(asked.message().clone()).await?;
        let offered = asked.prepare(&begun, proving, receipts, &mut rng())?;
        let prepared = self.custodian.prepare(offered.message().clone()).await?;
        Ok(offered.finish(&prepared, known)?)
    }

    /// Seals the new epoch for its slots, writes it to every store, reads it back from each and opens
    /// it through every slot; then commits. Until the commit the last backup is untouched; if it is not
    /// reached, the operation is abandoned and what was written is deleted.
    pub(crate) async fn publish(
        &self,
        ready: &Ready,
        payload: &Payload,
        slots: &SlotTable,
    ) -> Result<Published, PublishError> {
        let written = match self.seal(ready, payload, slots) {
            Ok(sealed) => sealed,
            Err(error) => {
                self.give_up(ready, None).await;
                return Err(error);
            }
        };
        if let Err(error) = self.write(&written).await {
            self.give_up(ready, Some(written.name())).await;
            return Err(error);
        }
        let digest = Some(written.digest);
        let receipt = self.custodian.commit(ready.commit(digest, &mut rng())).await?;
        ready.check_receipt(&receipt, digest)?;
        let mut without_receipt = Vec::new();
        for (index, place) in self.stores.iter().enumerate() {
            // The epoch is committed: a receipt that is missing somewhere can be asked for again.
            let bytes = receipt.to_bytes();
            let put = place.store.put_receipt(written.name(), bytes.expose_secret()).await;
            if put.is_err() {
                without_receipt.push(index);
            }
        }
        Ok(Published { name: written.name(), receipt, without_receipt })
    }

    fn seal(
        &self,
        ready: &Ready,
        payload: &Payload,
        slots: &SlotTable,
    ) -> Result<Sealed, PublishError> {
        if self.stores.is_empty() {
            return Err(PublishError::NoStore);
        }
        let share = ready.backup().first().ok_or(SessionError::Misuse)?;
        let sharing = share.id().sharing;
        let header = Header::new(sharing.wallet, sharing.epoch, now());
        seal(&header, payload, slots, &mut rng()).map_err(PublishError::Seal)
    }

    async fn write(&self, sealed: &Sealed) -> Result<(), PublishError> {
        for (index, place) in self.stores.iter().enumerate() {
            let writable = Writable::sealed(sealed, place.operator, self.trust)?;
            let write = place.store.put_envelope(&writable).await;
            write.map_err(|source| PublishError::Write { store: index, source })?;
        }
        for (index, place) in self.stores.iter().enumerate() {
            let read = place.store.get_envelope(sealed.name()).await;
            let read = read.map_err(|source| PublishError::ReadBack { store: index, source })?;
            let opened = sealed.keys.test_open(read.as_bytes());
            opened.map_err(|source| PublishError::TestOpen { store: index, source })?;
        }
        Ok(())
    }

    /// Abandons an operation that will not be committed, and deletes what was written of it once the
    /// custodian has said that it is over. Where that fails it expires by itself, and its envelope, which
    /// no receipt names, lies unused. Nothing else of that epoch is touched: a custodian that was
    /// restored, or lies, gives out the number of the last good backup again.
    async fn give_up(&self, ready: &Ready, written: Option<EnvelopeName>) {
        let shares: Vec<_> = ready.signing().iter().chain(ready.backup()).cloned().collect();
        let proving = Proving::Pending(ready.id(), &shares);
        let party = ready.party().clone();
        let abandon = async {
            let asked = AskedRequest::new(party, Operation::Abandon, ready.id(), proving).ok()?;
            let begun = self.custodian.begin(asked.message().clone()).await.ok()?;
            let request = asked.request(&begun, proving, &mut rng()).ok()?;
            let tombstone = self.custodian.abandon(request.message().clone()).await.ok()?;
            request.check_tombstone(&tombstone).ok().map(|_| ())
        };
        if abandon.await.is_none() {
            return;
        }
        let Some(written) = written else { return };
        for place in &self.stores {
            // Left behind, it is in nobody's way.
            let _ = place.store.delete_envelope(written).await;
        }
    }

    /// This custodian's receipts of backup epochs after `epoch` that the stores have: of the newest
    /// backup epoch first, then, if it is another, of the newest signing epoch.
    pub(crate) async fn newest_receipts(
        &self,
        wallet: WalletId,
        epoch: Epoch,
    ) -> Vec<Signed<Receipt>> {
        let mut receipts = Vec::new();
        for place in &self.stores {
            let mut names = place.store.list(wallet).await.unwrap_or_default();
            names.retain(|name| name.part == Part::Receipt && name.envelope.epoch > epoch);
            names.sort_unstable_by_key(|name| Reverse(name.envelope.epoch));
            for name in names.into_iter().take(MAX_RECEIPTS).map(|name| name.envelope) {
                let Ok(bytes) = place.store.get_receipt(name).await else { continue };
                let Ok(receipt) = Signed::<Receipt>::from_bytes(&bytes) else { continue };
                let is_ours = receipt.verify(&self.identity).is_ok_and(|receipt| {
                    receipt.wallet == wallet
                        && receipt.user == self.user
                        && receipt.backup == Some(name.epoch)
                });
                if is_ours {
                    receipts.push(receipt);
                }
            }
        }
        // Verified above.
        let signing = receipts.iter().max_by_key(|receipt| receipt.unverified().signing).cloned();
        let backup = receipts.into_iter().max_by_key(|receipt| receipt.unverified().backup);
        let mut newest: Vec<_> = backup.into_iter().chain(signing).collect();
        newest.dedup_by_key(|receipt| receipt.unverified().id);
        newest
    }

    /// The envelopes of later epochs that any store has intact, the newest first.
    pub(crate) async fn envelopes_after(&self, wallet: WalletId, epoch: Epoch) -> Vec<Envelope> {
        let mut names = Vec::new();
        for place in &self.stores {
            let listed = place.store.list(wallet).await.unwrap_or_default().into_iter();
            names.extend(listed.map(|name| name.envelope).filter(|name| name.epoch > epoch));
        }
        names.sort_unstable_by_key(|name| (Reverse(name.epoch), name.digest.to_bytes()));
        names.dedup();
        let mut envelopes = Vec::new();
        for name in names.into_iter().take(MAX_ENVELOPES) {
            envelopes.extend(self.fetch(name).await.ok());
        }
        envelopes
    }

    /// The envelope of this name, from the first store that has it intact, or what each store said.
    pub(crate) async fn fetch(&self, name: EnvelopeName) -> Result<Envelope, Vec<FetchError>> {
        let mut faults = Vec::new();
        for place in &self.stores {
            match place.store.get_envelope(name).await {
                Ok(envelope) => return Ok(envelope),
                Err(fault) => faults.push(fault),
            }
        }
        Err(faults)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("identity", &self.identity)
            .field("user", &self.user)
            .field("stores", &self.stores)
            .finish_non_exhaustive()
    }
}

/// An epoch that is committed and stored.
#[derive(Debug, Clone)]
pub struct Published {
    /// The envelope's name in every store.
    pub name: EnvelopeName,
    /// The custodian's receipt.
    pub receipt: Signed<Receipt>,
    /// The stores, by their place in the client, that have the envelope but not the receipt.
    pub without_receipt: Vec<usize>,
}

/// The epoch after the highest that the custodian has given out and the device knows.
pub(crate) fn next_stage(
    state: Option<&State>,
    purpose: Purpose,
    known: Option<Epoch>,
) -> Result<Stage, ExchangeError> {
    let stated = state.map_or(0, |state| match purpose {
        Purpose::Signing => state.highest_signing,
        Purpose::Backup => state.highest_backup,
    });
    let highest = stated.max(known.map_or(0, Epoch::get));
    let next = highest.checked_add(1).and_then(Epoch::new);
    next.map(|epoch| Stage { purpose, epoch }).ok_or(ExchangeError::NoEpochLeft)
}

/// The commitments of every epoch that the custodian states.
pub(crate) fn commitments(state: Option<&State>) -> Vec<AnyCommitment> {
    let Some(state) = state else { return Vec::new() };
    let active = [&state.signing, &state.backup].into_iter().flatten();
    let restorable = state.restorable.as_ref().map(|restorable| &restorable.epoch);
    active.chain(restorable).flat_map(|epoch| epoch.commitments.clone()).collect()
}

pub(crate) fn operation_id() -> OperationId {
    OperationId::make(&mut rng())
}

/// The operating system's randomness. Should it ever fail, the caller panics: nothing is safe
/// without it.
#[must_use]
pub fn rng() -> rand_core::UnwrapErr<rand::rngs::SysRng> {
    rand_core::UnwrapErr(rand::rngs::SysRng)
}

/// Seconds since 1970. It is shown to users and decides nothing.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
