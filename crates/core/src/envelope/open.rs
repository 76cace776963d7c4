use super::{
    Damage, Envelope, Header, OpenError, Payload, PayloadError, SlotHeader, SlotId, SlotTable,
    error::SlotFault,
    kdf::{ContentKey, kek},
    read::{OuterSlot, ReadSlot},
    tag::{TagPoint, tags_equal},
};
use crate::{
    check_code::CheckCode,
    curve::AnyVerifyingKey,
    digest::Digest,
    id::{Epoch, WalletId},
    method::{
        Argon2Cost, BackupMethod, ExcessiveWork, Identity, MethodError, OpenContext, Vouching, Work,
    },
};

/// What the caller already knows of the envelope that it opens. What is `None` is not compared.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The wallet.
    pub wallet: Option<WalletId>,
    /// The epoch.
    pub epoch: Option<Epoch>,
    /// The digest, which the custodian or a receipt named.
    pub digest: Option<Digest>,
    /// The wallet's public keys. Whoever knows them needs nobody else to vouch.
    pub keys: Option<Vec<AnyVerifyingKey>>,
    /// What vouches for the wallet where the method cannot.
    pub vouched_by: VouchedBy,
}

/// What shows that an envelope is of the user's own wallet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum VouchedBy {
    /// The method: its slot has a key tag. A method that cannot have one is refused.
    #[default]
    Method,
    /// The check code that the user kept. It is compared whether the method vouches or not.
    CheckCode(CheckCode),
    /// Nothing. A custodian and a store that conspire can put a wallet of their own in the place of
    /// the user's; whatever is then paid to its addresses is theirs. A method that can vouch is asked
    /// to all the same.
    AcceptUnvouched,
}

/// An opened envelope. Everything in it is authenticated.
#[derive(Debug)]
pub struct Opened {
    /// The public header.
    pub header: Header,
    /// The digest of the COSE bytes.
    pub digest: Digest,
    /// What the envelope keeps.
    pub payload: Payload,
    /// The slots, as their owner wrote them: what the next epoch is sealed for.
    pub slots: SlotTable,
    /// The slot that was opened.
    pub opened_with: SlotId,
    /// Set when the recipients are not those of the table. What was opened is intact; the store
    /// is not to be trusted, and another copy is to be written.
    pub altered: Option<SlotsAltered>,
}

/// How the recipients of an envelope differ from the table that its owner wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotsAltered {
    /// Recipients that the owner did not write; `None` for one that cannot be read.
    pub added: Vec<Option<SlotHeader>>,
    /// Slots of the owner that are not there any more.
    pub missing: Vec<SlotHeader>,
}

impl Envelope {
    /// Opens the envelope with `method`, through whichever slot is the method's.
    ///
    /// In this order: what the caller expects of the header; for each slot of the method's kind, its
    /// parameters and their cost, the derived public key against the slot's, that there is a tag
    /// where one is required, the ephemeral key against the tag's point, the wrapped key, the key
    /// commitment; then the ciphertext, everything inside, the key tag, the caller's keys and check
    /// code. A slot that fails leaves the others to be tried.
    ///
    /// Costs, beside what the method does: a hash to the curve and, with a key tag, two agreements
    /// of the identity.
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub async fn open(
        &self,
        method: &dyn BackupMethod,
        expected: &Expected,
    ) -> Result<Opened, OpenError> {
        self.check_expected(expected)?;
        let vouching = method.vouching();
        let unvouched = expected.vouched_by == VouchedBy::Method && expected.keys.is_none();
        if vouching == Vouching::CheckCode && unvouched {
            return Err(OpenError::Unvouched);
        }
        let tag_point = TagPoint::of(self.header().wallet);
        let (slot, key, identity) = self.find_key(method, &tag_point).await?;

        let plaintext = self.decrypt(&key).ok_or(OpenError::Damaged(Damage::Ciphertext))?;
        // Decoded into types that wipe themselves.
        let (payload, slots) =
            Payload::read(plaintext.expose_secret(), self.header()).map_err(OpenError::Payload)?;
        if !slots.iter().any(|listed| listed.header() == &slot.header) {
            return Err(OpenError::Payload(PayloadError::UnlistedSlot));
        }
        let keys = payload.verifying_keys();
        if vouching == Vouching::KeyTag {
            let computed = tag_point.tag(identity.as_ref(), self.header().wallet, &keys).await;
            let computed = computed.map_err(OpenError::Method)?;
            if !slot.header.tag.is_some_and(|tag| tags_equal(&tag, &computed)) {
                return Err(OpenError::Substituted);
            }
        }
        check_keys(expected, self.header().wallet, &keys)?;
        let altered = self.altered(&slots);
        Ok(Opened {
            header: self.header().clone(),
            digest: self.digest(),
            payload,
            slots,
            opened_with: SlotId::of(&slot.header),
            altered,
        })
    }

    fn check_expected(&self, expected: &Expected) -> Result<(), OpenError> {
        let Header { wallet, epoch, .. } = *self.header();
        if let Some(expected) = expected.wallet.filter(|expected| *expected != wallet) {
            return Err(OpenError::WrongWallet { expected, found: wallet });
        }
        if let Some(expected) = expected.epoch.filter(|expected| *expected != epoch) {
            return Err(OpenError::WrongEpoch { expected, found: epoch });
        }
        if let Some(expected) = expected.digest.filter(|expected| *expected != self.digest()) {
            return Err(OpenError::WrongDigest { expected, found: self.digest() });
        }
        Ok(())
    }

    /// The content key, through the first slot of the method that gives one. The cheapest are tried
    /// first, so that costly ones which a store has added are in nobody's way, and no more than what
    /// is done for anyone in all.
    async fn find_key(
        &self,
        method: &dyn BackupMethod,
        tag_point: &TagPoint,
    ) -> Result<(&ReadSlot, ContentKey, Box<dyn Identity>), OpenError> {
        let mut worst = OpenError::NoSlot { kind: method.kind() };
        let work = |outer: &OuterSlot| match &outer.read {
            Ok(slot) if slot.header.kind == method.kind() => method.work(&slot.header),
            Ok(_) | Err(_) => 0,
        };
        let mut slots: Vec<_> = self.slots.iter().map(|outer| (work(outer), outer)).collect();
        slots.sort_by_key(|(work, _)| *work);
        let (mut required, cap) = (0_u64, Argon2Cost::MAX_TOTAL);
        for (work, outer) in slots {
            required = required.saturating_add(work);
            let error = match &outer.read {
                Ok(slot) if slot.header.kind != method.kind() => continue,
                Ok(_) if required > cap => {
                    let excess = ExcessiveWork { work: Work::Total, required, cap };
                    OpenError::Method(MethodError::ExcessiveWork(excess))
                }
                Ok(slot) => match self.try_slot(method, slot, tag_point).await {
                    Ok(Some((key, identity))) => return Ok((slot, key, identity)),
                    Ok(None) => continue,
                    Err(cancelled @ OpenError::Method(MethodError::Cancelled)) => {
                        return Err(cancelled);
                    }
                    Err(error) => error,
                },
                Err(SlotFault::UnsupportedAlgorithm) => OpenError::UnsupportedAlgorithm,
                Err(SlotFault::Malformed) => OpenError::Damaged(Damage::Slot),
            };
            if rank(&error) > rank(&worst) {
                worst = error;
            }
        }
        Err(worst)
    }

    async fn try_slot(
        &self,
        method: &dyn BackupMethod,
        slot: &ReadSlot,
        tag_point: &TagPoint,
    ) -> Result<Option<(ContentKey, Box<dyn Identity>)>, OpenError> {
        let context = OpenContext { wallet: self.header().wallet };
        let Some(identity) = method.open(&slot.header, context).await.map_err(OpenError::Method)?
        else {
            return Ok(None);
        };
        if identity.public_key() != slot.header.public_key {
            return Err(OpenError::WrongSecret { kind: method.kind() });
        }
        if method.vouching() == Vouching::KeyTag && slot.header.tag.is_none() {
            return Err(OpenError::Substituted);
        }
        if tag_point.is_plus_or_minus(&slot.ephemeral) {
            return Err(OpenError::ForbiddenEphemeral);
        }
        let agreed = identity.agree(&slot.ephemeral).await.map_err(OpenError::Method)?;
        let key = kek(&agreed, &slot.protected, &self.body_hash).unwrap(&slot.wrapped);
        let key = key.ok_or(OpenError::Damaged(Damage::WrappedKey))?;
        if !self.is_committed(&key) {
            return Err(OpenError::Damaged(Damage::KeyCommitment));
        }
        Ok(Some((key, identity)))
    }
}

fn check_keys(
    expected: &Expected,
    wallet: WalletId,
    keys: &[AnyVerifyingKey],
) -> Result<(), OpenError> {
    if let Some(known) = &expected.keys {
        for (index, (known, found)) in known.iter().zip(keys).enumerate() {
            if known.curve() != found.curve() {
                return Err(OpenError::WrongCurve {
                    index,
                    expected: known.curve(),
                    found: found.curve(),
                });
            }
        }
        if known != keys {
            return Err(OpenError::Substituted);
        }
    }
    match &expected.vouched_by {
        VouchedBy::CheckCode(code) if *code != CheckCode::of(wallet, keys) => {
            Err(OpenError::Substituted)
        }
        VouchedBy::CheckCode(_) | VouchedBy::Method | VouchedBy::AcceptUnvouched => Ok(()),
    }
}

/// Which of several slots' failures says most about what to do. What only the right secret can find
/// outranks what may be another slot's.
fn rank(error: &OpenError) -> u8 {
    match error {
        OpenError::NoSlot { .. } => 0,
        OpenError::UnsupportedAlgorithm => 1,
        OpenError::Damaged(Damage::Slot) => 2,
        OpenError::Method(MethodError::Parameters { .. }) => 3,
        OpenError::Method(MethodError::ExcessiveWork(_)) => 4,
        OpenError::WrongSecret { .. } => 5,
        OpenError::Method(_) => 6,
        OpenError::ForbiddenEphemeral => 7,
        OpenError::Substituted => 8,
        OpenError::Damaged(Damage::WrappedKey | Damage::KeyCommitment | Damage::Ciphertext) => 9,
        OpenError::WrongWallet { .. }
        | OpenError::WrongEpoch { .. }
        | OpenError::WrongDigest { .. }
        | OpenError::WrongCurve { .. }
        | OpenError::Unvouched
        | OpenError::Payload(_) => u8::MAX,
    }
}
