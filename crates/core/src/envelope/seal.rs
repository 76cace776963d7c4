use core::fmt;

use coset::{
    CborSerializable, CoseKeyBuilder, CoseRecipientBuilder, HeaderBuilder, ProtectedHeader, iana,
};
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};

use super::{
    Damage, Envelope, Header, MAX_LEN, MAX_SLOTS, Payload, SealError, Slot, SlotId, SlotTable,
    TestOpenError,
    frame::Frame,
    header::{BodyHeader, protected_bytes},
    kdf::{ContentKey, Kek, kek},
};
use crate::{
    digest::Digest,
    method::{AgreementKey, SoftwareIdentity},
    store::EnvelopeName,
};

/// The header parameter of ECDH-ES that has the ephemeral key (RFC 9053, table 19).
const EPHEMERAL_KEY: i64 = -1;

/// Encrypts `payload` for the slots of `slots`. Content key, IV and ephemeral keys are fresh.
///
/// Costs two multiplications for each slot: the ephemeral key, and its agreement with the slot's.
///
/// # Errors
///
/// See [`SealError`].
pub fn seal<R: CryptoRng + ?Sized>(
    header: &Header,
    payload: &Payload,
    slots: &SlotTable,
    rng: &mut R,
) -> Result<Sealed, SealError> {
    if !header.texts_fit() {
        return Err(SealError::HeaderTooLarge);
    }
    if slots.is_empty() {
        return Err(SealError::NoSlots);
    }
    payload.check(header).map_err(SealError::Payload)?;
    let plaintext = payload.write(slots);

    let content_key = make_content_key(rng);
    let mut iv = [0; 12];
    rng.fill_bytes(&mut iv);
    let body = BodyHeader::new(header, content_key.commitment(header));
    let ciphertext = content_key.encrypt(&iv, &body.protected, plaintext);
    let body_hash: [u8; 32] = Sha256::digest(protected_bytes(&body.protected)).into();

    let mut recipients = Vec::with_capacity(MAX_SLOTS);
    let mut keys = Vec::with_capacity(MAX_SLOTS);
    for slot in slots.iter() {
        let (recipient, kek) = wrap(slot, &content_key, &body_hash, rng);
        recipients.push(recipient);
        keys.push((slot.id(), kek));
    }
    let frame = Frame {
        iv,
        // It is ciphertext by now.
        ciphertext: ciphertext.expose_secret(),
        recipients: recipients.iter().map(Vec::as_slice).collect(),
    };
    let bytes = frame.write(protected_bytes(&body.protected));
    if bytes.len() > MAX_LEN {
        return Err(SealError::TooLarge { len: bytes.len(), cap: MAX_LEN });
    }
    let digest = Digest::of(&bytes);
    let name = EnvelopeName { wallet: header.wallet, epoch: header.epoch, digest };
    let custodian_can_open = slots.iter().any(|slot| slot.header().kind.custodian_can_open());
    Ok(Sealed { bytes, digest, keys: SlotKeys { digest, keys }, name, custodian_can_open })
}

pub(super) fn make_content_key<R: CryptoRng + ?Sized>(rng: &mut R) -> ContentKey {
    let mut key = ContentKey::zero();
    rng.fill_bytes(key.0.as_mut_slice());
    key
}

/// One recipient: the content key wrapped to a slot.
pub(super) fn wrap<R: CryptoRng + ?Sized>(
    slot: &Slot,
    content_key: &ContentKey,
    body_hash: &[u8; 32],
    rng: &mut R,
) -> (Vec<u8>, Kek) {
    // That it is ±T, which readers refuse, has a probability of 2⁻²⁵⁵.
    let ephemeral = SoftwareIdentity::make(rng);
    let kek = kek(&ephemeral.agree_with(&slot.header().public_key), slot.protected(), body_hash);
    let recipient = write_recipient(slot.protected(), &ephemeral.public(), &kek.wrap(content_key));
    (recipient, kek)
}

/// The one encoding of a recipient.
pub(super) fn write_recipient(
    protected: &ProtectedHeader,
    ephemeral: &AgreementKey,
    wrapped: &[u8; 40],
) -> Vec<u8> {
    let key = CoseKeyBuilder::new_ec2_pub_key(
        iana::EllipticCurve::P_256,
        ephemeral.x().to_vec(),
        ephemeral.y().to_vec(),
    )
    .build();
    let key =
        coset::AsCborValue::to_cbor_value(key).expect("a key with plain values is always encoded");
    let mut recipient = CoseRecipientBuilder::new()
        .unprotected(HeaderBuilder::new().value(EPHEMERAL_KEY, key).build())
        .ciphertext(wrapped.to_vec())
        .build();
    recipient.protected = protected.clone();
    recipient.to_vec().expect("a recipient with plain values is always encoded")
}

/// An envelope that was just sealed, and what is needed to test what a store makes of it.
#[derive(Debug)]
pub struct Sealed {
    /// The COSE bytes.
    pub bytes: Vec<u8>,
    /// Their SHA-256, by which receipts name the envelope.
    pub digest: Digest,
    /// The keys of its slots, for test openings. Drop them when every store has been read back.
    pub keys: SlotKeys,
    name: EnvelopeName,
    custodian_can_open: bool,
}

impl Sealed {
    /// The name under which stores keep it.
    #[must_use]
    pub const fn name(&self) -> EnvelopeName {
        self.name
    }

    /// Whether the custodian alone could open one of its slots.
    #[must_use]
    pub const fn custodian_can_open(&self) -> bool {
        self.custodian_can_open
    }
}

/// The key-encryption key of every slot of one envelope, kept by whoever sealed it so that what was
/// written can be opened through every slot, without asking for anything. Wiped on drop.
pub struct SlotKeys {
    digest: Digest,
    keys: Vec<(SlotId, Kek)>,
}

impl SlotKeys {
    /// Opens what was read back from a store through every slot: parses it, unwraps the content key
    /// of each slot, checks its commitment, decrypts, and decodes everything inside.
    ///
    /// # Errors
    ///
    /// See [`TestOpenError`]: the write has failed.
    pub fn test_open(&self, bytes: &[u8]) -> Result<(), TestOpenError> {
        let envelope = Envelope::from_bytes(bytes).map_err(TestOpenError::Parse)?;
        if envelope.digest() != self.digest {
            return Err(TestOpenError::OtherBytes {
                expected: self.digest,
                found: envelope.digest(),
            });
        }
        let mut first: Option<ContentKey> = None;
        for (id, kek) in &self.keys {
            let unwrapped = envelope
                .readable_slots()
                .filter(|slot| SlotId::of(&slot.header) == *id)
                .find_map(|slot| kek.unwrap(&slot.wrapped));
            let damaged = |damage| TestOpenError::Slot { slot: *id, damage };
            let key = unwrapped.ok_or(damaged(Damage::WrappedKey))?;
            if !envelope.is_committed(&key) || first.as_ref().is_some_and(|first| !first.is(&key)) {
                return Err(damaged(Damage::KeyCommitment));
            }
            first.get_or_insert(key);
        }
        let key = first.ok_or(TestOpenError::Parse(super::ParseError::Malformed))?;
        let plaintext = envelope.decrypt(&key).ok_or(TestOpenError::Ciphertext)?;
        // Decoded where it is, and dropped.
        let (_, slots) = Payload::read(plaintext.expose_secret(), envelope.header())
            .map_err(TestOpenError::Payload)?;
        match envelope.altered(&slots) {
            None => Ok(()),
            Some(altered) => Err(TestOpenError::Altered(altered)),
        }
    }
}

impl fmt::Debug for SlotKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotKeys")
            .field("digest", &self.digest)
            .field("slots", &self.keys.len())
            .finish()
    }
}
