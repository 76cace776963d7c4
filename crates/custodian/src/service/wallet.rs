//! One wallet in one step: loaded, changed by the engine, sealed, saved.

use core::fmt::Write as _;

use twoshare_core::{
    digest::Digest,
    id::Sharing,
    id::{CurveId, Epoch, OperationId, Purpose, WalletId},
    share::{AnyCustodianShare, KeyId},
};
use twoshare_protocol::engine::{Row, StoredCommitment, arrive};

use super::{
    Inner,
    holder::{Held, signing_epoch},
    shape::{self, Shape},
};
use crate::{
    UserId,
    audit::{Act, Actor},
    kms::{KmsKey, Place, record},
    repository::{
        Becomes, Change, EpochRecord, NewEvent, NoticeChange, SaveError, ShareRecord, Status,
        StoreError, WalletRecord, Wanted,
    },
};

/// A wallet, or the place where there is none yet.
pub(super) struct Loaded {
    user: UserId,
    wallet: WalletId,
    record: Option<WalletRecord>,
    /// As it was saved, and as it stood when the step began.
    saved: Option<Shape>,
    arrived: Option<Shape>,
    /// As it stands now.
    pub(super) row: Option<Row>,
    /// Whether its key was ever released.
    pub(super) ejected: bool,
    /// Whether its keys must be in no other wallet.
    pub(super) is_adopted: bool,
    /// Under which version new shares were given to their holder.
    pub(super) staged: Option<u64>,
}

/// New shares, kept: here, or by their holder.
pub(super) struct Sealed {
    pub(super) epochs: Vec<EpochRecord>,
    /// They as what keeps them gives them back, in the same order.
    pub(super) stored: Vec<AnyCustodianShare>,
    /// Under which version their holder was given some.
    pub(super) staged: Option<u64>,
}

/// What a step did, for the audit log.
pub(super) struct Done {
    pub(super) actor: Actor,
    pub(super) act: Act,
    pub(super) operation: Option<OperationId>,
    pub(super) detail: String,
}

impl Done {
    pub(super) fn by_user(act: Act, operation: OperationId) -> Self {
        let (operation, detail) = (Some(operation), String::new());
        Self { actor: Actor::User, act, operation, detail }
    }

    pub(super) const fn by_operator(act: Act, operation: Option<OperationId>) -> Self {
        Self { actor: Actor::Operator, act, operation, detail: String::new() }
    }

    pub(super) fn with(mut self, detail: impl core::fmt::Display) -> Self {
        // Writing to a string does not fail.
        let _always = write!(self.detail, "{detail}");
        self
    }
}

impl Loaded {
    /// Whose wallet, and which.
    pub(super) fn place(&self) -> (UserId, WalletId) {
        (self.user.clone(), self.wallet)
    }

    /// The envelopes that are stored of the wanted epoch.
    pub(super) fn written(&self) -> &[Digest] {
        self.record.as_ref().map(|record| record.envelopes.as_slice()).unwrap_or_default()
    }

    /// What an envelope is written against.
    pub(super) fn version(&self) -> Option<crate::repository::Version> {
        self.record.as_ref().map(|record| record.version)
    }

    /// What the holder of signing shares had of it when it was loaded.
    pub(super) fn held(&self) -> Held {
        self.record.as_ref().map(Held::of).unwrap_or_default()
    }

    /// The sealed shares of an epoch.
    pub(super) fn sealed(&self, purpose: Purpose, epoch: Epoch) -> Option<&EpochRecord> {
        let mut epochs = self.record.as_ref()?.epochs.iter();
        epochs.find(|record| record.purpose == purpose && record.epoch == epoch)
    }
}

impl Inner {
    /// Loads a wallet, and lets time pass in it.
    pub(super) async fn load(
        &self,
        user: &UserId,
        wallet: WalletId,
        wanted: Wanted,
    ) -> Result<Loaded, StoreError> {
        let record = self.config.repository.load(user, wallet, wanted).await?;
        let mut loaded = Loaded {
            user: user.clone(),
            wallet,
            ejected: record.as_ref().is_some_and(|record| record.fields.ejected),
            record,
            saved: None,
            arrived: None,
            row: None,
            is_adopted: false,
            staged: None,
        };
        if let Some(record) = &loaded.record {
            let row = shape::row_of(record, wanted, |curve, bytes| self.commitment(curve, bytes))
                .map_err(|_| StoreError::Damaged)?;
            loaded.saved = Some(Shape::of(&row, loaded.ejected));
            loaded.row = arrive(row, self.config.clock.now());
            loaded.arrived = loaded.row.as_ref().map(|row| Shape::of(row, loaded.ejected));
        }
        Ok(loaded)
    }

    /// The same, without letting time pass.
    pub(super) async fn load_as_it_is(
        &self,
        user: &UserId,
        wallet: WalletId,
    ) -> Result<Loaded, StoreError> {
        let wanted = Wanted::default();
        let record = self.config.repository.load(user, wallet, wanted).await?;
        let row = match &record {
            Some(record) => {
                let commitment = |curve, bytes: &[u8]| self.commitment(curve, bytes);
                Some(shape::row_of(record, wanted, commitment).map_err(|_| StoreError::Damaged)?)
            }
            None => None,
        };
        let ejected = record.as_ref().is_some_and(|record| record.fields.ejected);
        let saved = row.as_ref().map(|row| Shape::of(row, ejected));
        let (user, arrived) = (user.clone(), saved.clone());
        let (is_adopted, staged) = (false, None);
        Ok(Loaded { user, wallet, record, saved, arrived, row, ejected, is_adopted, staged })
    }

    /// Saves what has become of a wallet, with what is said of it in the audit log; nothing where
    /// nothing happened.
    pub(super) async fn save(
        &self,
        loaded: &Loaded,
        made: Vec<EpochRecord>,
        retired: Option<Epoch>,
        done: Option<Done>,
    ) -> Result<(), SaveError> {
        let shape = loaded.row.as_ref().map(|row| Shape::of(row, loaded.ejected));
        let is_ended = match (&loaded.saved, &loaded.arrived) {
            (Some(saved), Some(arrived)) => saved.is_ended_until(arrived),
            (Some(_), None) => true,
            (None, _) => false,
        };
        if !is_ended && shape == loaded.arrived && retired.is_none() {
            return Ok(());
        }
        self.write(loaded, shape, made, retired, done).await
    }

    /// The same, for what is written down each time it is done.
    pub(super) async fn save_always(&self, loaded: &Loaded, done: Done) -> Result<(), SaveError> {
        let shape = loaded.row.as_ref().map(|row| Shape::of(row, loaded.ejected));
        self.write(loaded, shape, Vec::new(), None, Some(done)).await
    }

    async fn write(
        &self,
        loaded: &Loaded,
        shape: Option<Shape>,
        made: Vec<EpochRecord>,
        retired: Option<Epoch>,
        done: Option<Done>,
    ) -> Result<(), SaveError> {
        let now = self.config.clock.now();
        let event = |done: Done| NewEvent {
            at: now,
            actor: done.actor,
            act: done.act,
            user: Some(loaded.user.clone()),
            wallet: Some(loaded.wallet),
            operation: done.operation,
            detail: done.detail,
        };
        let mut events = Vec::new();
        let empty = || Shape::of(&Row::new(twoshare_core::id::WalletKind::Mpc, 0), false);
        if let Some(saved) = &loaded.saved {
            let arrived = loaded.arrived.clone().unwrap_or_else(empty);
            for (act, operation) in saved.ended_until(&arrived) {
                let (actor, detail) = (Actor::Custodian, String::new());
                events.push(event(Done { actor, act, operation, detail }));
            }
        }
        if let (Some(arrived), Some(shape)) = (&loaded.arrived, &shape) {
            for id in arrived.displaced_until(shape) {
                events.push(event(Done::by_user(Act::Displaced, id)));
            }
        }
        events.extend(done.map(event));
        let becomes = match (&loaded.row, &shape) {
            (Some(row), Some(shape)) => {
                let kept = shape::change(
                    loaded.record.as_ref().zip(loaded.saved.as_ref()),
                    row,
                    shape,
                    made,
                    retired,
                );
                Becomes::Kept(Box::new(kept))
            }
            _ => Becomes::Forgotten,
        };
        let over: Vec<_> = match &becomes {
            Becomes::Kept(kept) => {
                kept.over.iter().map(|over| (over.purpose, over.epoch)).collect()
            }
            Becomes::Forgotten => Vec::new(),
        };
        let before = loaded.held();
        let after = match &becomes {
            Becomes::Kept(kept) => before.after(kept),
            Becomes::Forgotten => Held::default(),
        };
        let is_owed = loaded.staged.is_some() || before.concerns_holder(&after);
        let change = Change {
            user: loaded.user.clone(),
            wallet: loaded.wallet,
            version: loaded.version(),
            most_wallets: self.config.limits.wallets,
            new_keys: loaded.is_adopted,
            becomes,
            notice: is_owed.then_some(NoticeChange { staged: loaded.staged }),
            events,
        };
        self.config.repository.save(change).await?;
        for (purpose, epoch) in over {
            if let Some(record) = loaded.sealed(purpose, epoch) {
                self.forget(record).await;
            }
        }
        Ok(())
    }

    /// Seals new shares, and gives them back as they will be stored: opened from those bytes, and
    /// checked against their commitments.
    pub(super) async fn seal(
        &self,
        user: &UserId,
        operation: OperationId,
        shares: &[AnyCustodianShare],
    ) -> Result<Sealed, StoreError> {
        let mut epochs: Vec<EpochRecord> = Vec::with_capacity(2);
        let mut stored = Vec::with_capacity(shares.len());
        let is_held = |share: &&AnyCustodianShare| share.id().sharing.purpose == Purpose::Signing;
        let (elsewhere, here) = match self.holder() {
            Some(_) => shares.split_at(shares.iter().take_while(is_held).count()),
            None => shares.split_at(0),
        };
        let mut staged = None;
        if let (Some(holder), Some(first)) = (self.holder(), elsewhere.first()) {
            let (version, kept) = self.stage(holder, user, operation, elsewhere).await?;
            let records = elsewhere.iter().map(|share| ShareRecord {
                curve: share.curve(),
                commitment: share.commitment().to_bytes(),
                sealed: Vec::new(),
            });
            epochs.push(pending_record(first.id().sharing, operation, records.collect()));
            stored.extend(kept);
            staged = Some(version);
        }
        for share in here {
            let KeyId { sharing: Sharing { wallet, purpose, epoch }, index } = share.id();
            let (commitment, curve) = (share.commitment(), share.curve());
            let bytes = commitment.to_bytes();
            let place = Place {
                purpose,
                user,
                wallet,
                key: index,
                curve,
                epoch,
                operation,
                commitment: Digest::of(&bytes),
            };
            // Exposed: to be sealed.
            let value = share.expose_secret();
            let (kms, aad) = (&*self.config.kms, place.to_bytes());
            let sealed = record::seal(kms, KmsKey::Shares, &aad, &value).await.map_err(judge)?;
            let read = self.unseal_one(&place, &sealed, share.id(), commitment).await?;
            let record = ShareRecord { curve, commitment: bytes, sealed };
            match epochs.iter_mut().find(|e| e.purpose == purpose && e.epoch == epoch) {
                Some(made) => made.shares.push(record),
                None => epochs.push(pending_record(share.id().sharing, operation, vec![record])),
            }
            stored.push(read);
        }
        Ok(Sealed { epochs, stored, staged })
    }

    /// The shares of a stored epoch.
    pub(super) async fn unseal(
        &self,
        user: &UserId,
        wallet: WalletId,
        epoch: &EpochRecord,
    ) -> Result<Vec<AnyCustodianShare>, StoreError> {
        let sharing = Sharing { wallet, purpose: epoch.purpose, epoch: epoch.epoch };
        if epoch.is_held() {
            return self.ask(user, sharing, epoch).await;
        }
        let mut shares = Vec::with_capacity(epoch.shares.len());
        for (index, share) in (0..).zip(&epoch.shares) {
            let place = Place {
                purpose: epoch.purpose,
                user,
                wallet,
                key: index,
                curve: share.curve,
                epoch: epoch.epoch,
                operation: epoch.operation,
                commitment: Digest::of(&share.commitment),
            };
            let commitment = self.commitment(share.curve, &share.commitment);
            let commitment = commitment.decode().map_err(|_| StoreError::Damaged)?.clone();
            let id = KeyId { sharing, index };
            shares.push(self.unseal_one(&place, &share.sealed, id, commitment).await?);
        }
        if shares.is_empty() { Err(StoreError::Damaged) } else { Ok(shares) }
    }

    async fn unseal_one(
        &self,
        place: &Place<'_>,
        sealed: &[u8],
        id: KeyId,
        commitment: twoshare_core::share::AnyCommitment,
    ) -> Result<AnyCustodianShare, StoreError> {
        let (kms, aad) = (&*self.config.kms, place.to_bytes());
        let value = record::open(kms, KmsKey::Shares, &aad, sealed).await.map_err(judge)?;
        // Exposed: to the share, which checks it.
        AnyCustodianShare::new(id, commitment, value.expose_secret())
            .map_err(|_| StoreError::Damaged)
    }

    /// The shares of an epoch that its holder has, if they are what the repository says.
    async fn ask(
        &self,
        user: &UserId,
        sharing: Sharing,
        epoch: &EpochRecord,
    ) -> Result<Vec<AnyCustodianShare>, StoreError> {
        let Some(holder) = self.holder() else {
            tracing::error!("a signing share is with a holder, and this service has none");
            return Err(StoreError::Unavailable);
        };
        let held = signing_epoch(epoch);
        let shares = self.ask_holder(holder, user, sharing.wallet, held).await?;
        let is_same = |((index, share), stored): ((u8, &AnyCustodianShare), &ShareRecord)| {
            share.id() == KeyId { sharing, index }
                && share.curve() == stored.curve
                && share.commitment().to_bytes() == stored.commitment
        };
        let is_all = shares.len() == epoch.shares.len()
            && (0..).zip(&shares).zip(&epoch.shares).all(is_same);
        if is_all { Ok(shares) } else { Err(StoreError::Damaged) }
    }

    /// Lets the key-management service forget what it keeps for these shares.
    async fn forget(&self, epoch: &EpochRecord) {
        for share in &epoch.shares {
            if let Some(wrapped) = record::wrapped(&share.sealed) {
                self.config.kms.forget(KmsKey::Shares, wrapped).await;
            }
        }
    }

    /// A commitment, decoded at most once as long as it is remembered.
    pub(super) fn commitment(&self, curve: CurveId, bytes: &[u8]) -> StoredCommitment {
        /// Some megabytes at most.
        const MAX_REMEMBERED: usize = 8192;
        let mut remembered = super::lock(&self.commitments);
        if let Some(known) = remembered.get(bytes).filter(|known| known.curve() == curve) {
            return known.clone();
        }
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        let commitment = StoredCommitment::new(curve, bytes.to_vec());
        remembered.insert(bytes.into(), commitment.clone());
        commitment
    }
}

const fn judge(error: record::RecordError) -> StoreError {
    match error {
        record::RecordError::Damaged => StoreError::Damaged,
        record::RecordError::Unavailable => StoreError::Unavailable,
    }
}

/// An epoch that is about to be pending.
const fn pending_record(
    sharing: Sharing,
    operation: OperationId,
    shares: Vec<ShareRecord>,
) -> EpochRecord {
    EpochRecord {
        purpose: sharing.purpose,
        epoch: sharing.epoch,
        status: Status::Pending,
        operation,
        envelope: None,
        left: 0,
        shares,
    }
}
