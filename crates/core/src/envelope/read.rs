use coset::{CborSerializable, ProtectedHeader, cbor::Value};
use minicbor::Decoder;
use sha2::{Digest as _, Sha256};

use super::{
    Header, MAX_LEN, ParseError, SlotHeader, SlotTable, SlotsAltered,
    error::SlotFault,
    frame::Frame,
    header::{BodyHeader, MAX_HEADER, protected_bytes},
    kdf::ContentKey,
    seal::write_recipient,
};
use crate::{digest::Digest, method::AgreementKey, secret::SecretBytes, store::EnvelopeName};

/// The most bytes of a recipient: a protected header, and 200 of ephemeral key and wrapped key.
const MAX_RECIPIENT: usize = MAX_HEADER + 256;

/// An envelope that was read, with nothing decrypted and nothing vouched for: whoever wrote the bytes
/// wrote what it says of itself.
#[derive(Debug, Clone)]
pub struct Envelope {
    bytes: Vec<u8>,
    digest: Digest,
    header: Header,
    commitment: [u8; 32],
    protected: ProtectedHeader,
    pub(super) body_hash: [u8; 32],
    iv: [u8; 12],
    ciphertext: Vec<u8>,
    pub(super) slots: Vec<OuterSlot>,
}

/// A recipient as it stands in the bytes. One that cannot be read leaves the others intact.
#[derive(Debug, Clone)]
pub(super) struct OuterSlot {
    /// The slot's protected header, or the whole recipient where none can be found.
    pub(super) protected: Vec<u8>,
    pub(super) read: Result<ReadSlot, SlotFault>,
}

#[derive(Debug, Clone)]
pub(super) struct ReadSlot {
    pub(super) header: SlotHeader,
    pub(super) protected: ProtectedHeader,
    pub(super) ephemeral: AgreementKey,
    pub(super) wrapped: [u8; 40],
}

impl Envelope {
    /// Reads the COSE bytes of an envelope: bounded, every field checked, exactly one encoding
    /// accepted. Nothing is decrypted.
    ///
    /// # Errors
    ///
    /// See [`ParseError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let (body, frame) = Frame::read(bytes)?;
        let BodyHeader { header, commitment, protected } = body;
        Ok(Self {
            bytes: bytes.to_vec(),
            digest: Digest::of(bytes),
            header,
            commitment,
            body_hash: Sha256::digest(protected_bytes(&protected)).into(),
            protected,
            iv: frame.iv,
            ciphertext: frame.ciphertext.to_vec(),
            slots: frame.recipients.into_iter().map(OuterSlot::read).collect(),
        })
    }

    /// The COSE bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the COSE bytes.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// What the envelope says of itself.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The name under which stores keep it.
    #[must_use]
    pub const fn name(&self) -> EnvelopeName {
        EnvelopeName { wallet: self.header.wallet, epoch: self.header.epoch, digest: self.digest }
    }

    /// The slots that can be read, as the bytes have them: to show which methods may be tried. Never
    /// to be written to; see [`SlotTable`].
    #[must_use]
    pub fn slots(&self) -> Vec<&SlotHeader> {
        self.readable_slots().map(|slot| &slot.header).collect()
    }

    /// Whether the custodian alone could open one of the slots, going by what they say. A slot that
    /// cannot be read is counted as one.
    #[must_use]
    pub fn custodian_can_open(&self) -> bool {
        self.slots.iter().any(|slot| {
            slot.read.as_ref().map_or(true, |slot| slot.header.kind.custodian_can_open())
        })
    }

    #[cfg(test)]
    pub(super) fn iv_for_tests(&self) -> [u8; 12] {
        self.iv
    }

    #[cfg(test)]
    pub(super) fn protected_for_tests(&self) -> Vec<u8> {
        protected_bytes(&self.protected).to_vec()
    }

    #[cfg(test)]
    pub(super) fn aad_for_tests(&self) -> Vec<u8> {
        super::kdf::aad(&self.protected)
    }

    #[cfg(test)]
    pub(super) fn ciphertext_for_tests(&self) -> Vec<u8> {
        self.ciphertext.clone()
    }

    pub(super) fn readable_slots(&self) -> impl Iterator<Item = &ReadSlot> {
        self.slots.iter().filter_map(|slot| slot.read.as_ref().ok())
    }

    pub(super) fn is_committed(&self, key: &ContentKey) -> bool {
        key.is_committed(&self.header, &self.commitment)
    }

    pub(super) fn decrypt(&self, key: &ContentKey) -> Option<SecretBytes> {
        key.decrypt(&self.iv, &self.protected, &self.ciphertext)
    }

    /// How the recipients differ from the authenticated table, whatever their order.
    pub(super) fn altered(&self, table: &SlotTable) -> Option<SlotsAltered> {
        let mut missing: Vec<_> = table.iter().collect();
        let mut added = Vec::new();
        for outer in &self.slots {
            match missing.iter().position(|slot| slot.protected_bytes() == outer.protected) {
                Some(position) => drop(missing.remove(position)),
                None => added.push(outer.read.as_ref().ok().map(|slot| slot.header.clone())),
            }
        }
        let missing: Vec<_> = missing.into_iter().map(|slot| slot.header().clone()).collect();
        (!added.is_empty() || !missing.is_empty()).then_some(SlotsAltered { added, missing })
    }
}

const _: () =
    assert!(MAX_LEN > 16 * MAX_RECIPIENT, "the bound on slots must leave room for a payload");

impl OuterSlot {
    fn read(bytes: &[u8]) -> Self {
        let unreadable = |fault| Self { protected: bytes.to_vec(), read: Err(fault) };
        if bytes.len() > MAX_RECIPIENT {
            return unreadable(SlotFault::Malformed);
        }
        match first_bytes(bytes) {
            Some(protected) => Self { read: ReadSlot::read(&protected, bytes), protected },
            None => unreadable(SlotFault::Malformed),
        }
    }
}

/// The byte string that this array begins with, however they are encoded.
fn first_bytes(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = Decoder::new(bytes);
    decoder.array().ok()?.is_none_or(|count| count > 0).then_some(())?;
    Some(decoder.bytes_iter().ok()?.collect::<Result<Vec<_>, _>>().ok()?.concat())
}

impl ReadSlot {
    /// Takes what a recipient must have where it must be. That there is nothing else, and no other
    /// encoding of it, is seen when it is written again. coset itself does not read recipients: it
    /// follows those inside of a recipient, and headers inside of headers, until the stack is
    /// exhausted.
    fn read(protected: &[u8], bytes: &[u8]) -> Result<Self, SlotFault> {
        let (header, protected) = SlotHeader::read(protected)?;
        let Ok(Value::Array(items)) = Value::from_slice(bytes) else {
            return Err(SlotFault::Malformed);
        };
        let [_, Value::Map(unprotected), Value::Bytes(wrapped)] = items.as_slice() else {
            return Err(SlotFault::Malformed);
        };
        let [(_, Value::Map(key))] = unprotected.as_slice() else {
            return Err(SlotFault::Malformed);
        };
        let [.., (_, Value::Bytes(x)), (_, Value::Bytes(y))] = key.as_slice() else {
            return Err(SlotFault::Malformed);
        };
        let ephemeral = AgreementKey::from_coordinates(x, y).map_err(|_| SlotFault::Malformed)?;
        let wrapped = wrapped.as_slice().try_into().map_err(|_| SlotFault::Malformed)?;
        if write_recipient(&protected, &ephemeral, &wrapped) != bytes {
            return Err(SlotFault::Malformed);
        }
        Ok(Self { header, protected, ephemeral, wrapped })
    }
}
