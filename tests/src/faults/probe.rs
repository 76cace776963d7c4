//! A look at everything, at rest and from outside: is it as the reference model says, and could the owner
//! recover now?

use std::collections::BTreeMap;

use twoshare::{
    core::{
        digest::Digest,
        envelope::{Envelope, Expected, OpenError, Opened, SlotId},
        share::AnyCommitment,
        store::{EnvelopeName, EnvelopeStoreExt as _},
    },
    protocol::{
        Nonce, Party,
        custodian::ReadError,
        message::{EpochState, State},
        session::check_drill,
    },
};

use super::{
    Broken,
    ledger::Backup,
    methods::{Set, THIEFS, label},
    server::USER,
    stage::Who,
    world::World,
};

/// What is in an envelope, once and for all: it is immutable.
#[derive(Debug, Clone)]
pub(super) struct Contents {
    pub(super) opens: Set,
    pub(super) slots: BTreeMap<usize, SlotId>,
}

impl World {
    /// Compares everything with the model. Nothing goes wrong here, and nobody acts.
    pub(super) async fn check(&mut self) -> Result<(), Broken> {
        self.no_complaint()?;
        let Some(wallet) = self.wallet else { return Ok(()) };
        let session = self.server.login(USER);
        let nonce = Nonce::make(&mut twoshare::rng());
        let signed = match session.state(wallet, nonce).await {
            Ok(signed) => signed,
            Err(ReadError::NotFound) => {
                self.last = None;
                let counts =
                    self.model().is_some_and(|m| m.signing.is_some() || m.backup.is_some());
                return match counts {
                    true => Err(Broken::new("the custodian has forgotten the wallet")),
                    false => Ok(()),
                };
            }
            Err(error) => return Err(Broken::new(format!("no state: {error:?}"))),
        };
        let identity = self.server.identity();
        let state = signed.verify(&identity).map_err(|e| Broken::new(format!("{e:?}")))?.clone();
        self.ledger.compare(&state);
        self.no_complaint()?;
        if state.nonce != nonce || state.wallet != wallet || state.user != USER {
            return Err(Broken::new("the state is not the one that was asked for"));
        }
        let Some(model) = self.model() else {
            return Err(Broken::new("there is a wallet that nobody has begun"));
        };
        let owners = [model.backup, model.restorable].into_iter().flatten();
        for backup in owners.filter(|backup| backup.who == Who::Owner) {
            let stated = state.backup.iter().chain(state.restorable.as_ref().map(|r| &r.epoch));
            let Some(stated) = stated.into_iter().find(|stated| stated.epoch == backup.epoch)
            else {
                return Err(Broken::new(format!("{backup:?} does not count")));
            };
            let is_active = model.backup == Some(backup);
            self.recovers(&state, stated, backup, is_active).await?;
        }
        if let Some(signing) = &state.signing {
            self.has_keys(&signing.commitments)?;
        }
        if let Some(database) = self.server.database() {
            database.check(wallet, &state).await?;
        }
        self.last = Some(state);
        Ok(())
    }

    fn no_complaint(&self) -> Result<(), Broken> {
        self.ledger.broken().first().map_or(Ok(()), |broken| Err(Broken::new(broken.clone())))
    }

    fn has_keys(&self, commitments: &[AnyCommitment]) -> Result<(), Broken> {
        let keys: Vec<_> = commitments.iter().map(AnyCommitment::verifying_key).collect();
        match keys == self.keys {
            true => Ok(()),
            false => Err(Broken::new("these are not the wallet's keys")),
        }
    }

    /// Whether this backup of the owner's opens with the methods that it should open with, and with no
    /// other, and combines with what the custodian has.
    async fn recovers(
        &mut self,
        state: &State,
        stated: &EpochState,
        backup: Backup,
        is_active: bool,
    ) -> Result<(), Broken> {
        let name =
            EnvelopeName { wallet: state.wallet, epoch: backup.epoch, digest: backup.digest };
        let Some(envelope) = self.find(name).await else {
            return Err(Broken::new(format!("the envelope of {backup:?} is nowhere")));
        };
        let mut opened = None;
        if !self.known.contains_key(&backup.digest) {
            let mut contents = Contents { opens: Set::NONE, slots: BTreeMap::new() };
            for number in 0..=THIEFS {
                match self.open(&envelope, number).await {
                    Ok(with) => {
                        contents.opens = contents.opens.with(Set::only(number));
                        for slot in with.slots.iter() {
                            let labelled = |number: &usize| label(*number) == slot.header().label;
                            if let Some(number) = (0..=THIEFS).find(labelled) {
                                contents.slots.insert(number, slot.id());
                            }
                        }
                        opened = Some(with);
                    }
                    Err(OpenError::NoSlot { .. } | OpenError::WrongSecret { .. }) => {}
                    Err(error) => return Err(Broken::new(format!("{backup:?}: {error:?}"))),
                }
            }
            self.known.insert(backup.digest, contents);
        }
        let opens = self.known.get(&backup.digest).map_or(Set::NONE, |contents| contents.opens);
        if backup.exactly && opens != backup.opens {
            return Err(Broken::new(format!("{opens:?} open {backup:?}")));
        }
        if !opens.without(backup.opens).is_empty() || opens.is_empty() {
            return Err(Broken::new(format!("{opens:?} open {backup:?}, and no others should")));
        }
        if !backup.exactly {
            self.ledger.with(state.wallet, |model| model.opens_with(backup.epoch, opens));
        }
        let Some(opened) = opened else {
            let Some(number) = opens.nth(0) else { return Ok(()) };
            let opened = self.open(&envelope, number).await;
            let opened = opened.map_err(|e| Broken::new(format!("{backup:?}: {e:?}")))?;
            return self.combines(state, stated, &opened, is_active).await;
        };
        self.combines(state, stated, &opened, is_active).await
    }

    async fn combines(
        &self,
        state: &State,
        stated: &EpochState,
        opened: &Opened,
        is_active: bool,
    ) -> Result<(), Broken> {
        let mine: Vec<_> = opened.payload.keys.iter().map(|share| share.commitment()).collect();
        if mine != stated.commitments || opened.payload.verifying_keys() != self.keys {
            return Err(Broken::new("the envelope's shares are of another sharing"));
        }
        if opened.altered.is_some() {
            return Err(Broken::new("the envelope was altered"));
        }
        if !is_active {
            return Ok(());
        }
        let nonce = Nonce::make(&mut twoshare::rng());
        let drilled = self.server.login(USER).drill(state.wallet, nonce).await;
        let drilled = drilled.map_err(|error| Broken::new(format!("no drill: {error:?}")))?;
        let custodian = self.server.identity();
        let (user, wallet, kind) = (USER.to_owned(), state.wallet, state.kind);
        let party = Party { custodian, user, wallet, kind };
        check_drill(&party, nonce, &drilled, &opened.payload.keys)
            .map_err(|error| Broken::new(format!("the custodian lacks its half: {error:?}")))
    }

    async fn open(&self, envelope: &Envelope, number: usize) -> Result<Opened, OpenError> {
        envelope.open(&*self.methods.get(number), &Expected::default()).await
    }

    /// This envelope, from wherever it is intact.
    pub(super) async fn find(&self, name: EnvelopeName) -> Option<Envelope> {
        for store in [&self.near, &self.far] {
            if let Ok(envelope) = store.get_envelope(name).await {
                return Some(envelope);
            }
        }
        let bytes = self.server.login(USER).envelope(name.wallet, name.digest).await.ok()?;
        let envelope = Envelope::from_bytes(&bytes).ok()?;
        (envelope.digest() == name.digest && Digest::of(&bytes) == name.digest).then_some(envelope)
    }
}
