use core::{fmt, str::FromStr};

use coset::ProtectedHeader;
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::{
    MAX_SLOTS, SlotError, SlotHeader, SlotTableError,
    header::{MAX_PARAMETERS, MAX_TEXT, protected_bytes},
    tag::TagPoint,
};
use crate::{
    base32,
    curve::AnyVerifyingKey,
    id::WalletId,
    method::{BackupMethod, MakeContext, Vouching},
    secret::SecretBytes,
    wire::{Reader, Writer},
};

/// Names a slot: the first 10 bytes of SHA-256 of its public key. The same in every epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId([u8; 10]);

impl SlotId {
    /// The id of the slot with this header.
    #[must_use]
    pub fn of(header: &SlotHeader) -> Self {
        let hash = Sha256::digest(header.public_key.to_bytes());
        let mut id = [0; 10];
        id.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
        Self(id)
    }
}

impl fmt::Display for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base32::group(&base32::encode(&self.0), 4))
    }
}

impl FromStr for SlotId {
    type Err = SlotIdError;

    /// Case and separators do not matter, and look-alikes are read as what was meant.
    fn from_str(text: &str) -> Result<Self, SlotIdError> {
        let bytes = base32::decode(text).ok_or(SlotIdError)?;
        Ok(Self(bytes.as_slice().try_into().map_err(|_| SlotIdError)?))
    }
}

/// A text that names no slot: wrong characters or wrong length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a slot: 16 letters and digits are expected, dashes and spaces aside")]
pub struct SlotIdError;

impl fmt::Debug for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlotId({self})")
    }
}

/// One method slot, to be written into envelopes: made on this device from a method that the user
/// entered, or from the authenticated table of an opened envelope.
#[derive(Debug, Clone)]
pub struct Slot {
    header: SlotHeader,
    protected: ProtectedHeader,
}

impl Slot {
    /// Makes a slot for `method`, with a key tag for the wallet's `keys` where the method vouches by
    /// one.
    ///
    /// Costs, beside what the method does: a hash to the curve, and one agreement of the identity.
    ///
    /// # Errors
    ///
    /// See [`SlotError`].
    pub async fn make(
        method: &dyn BackupMethod,
        wallet: WalletId,
        keys: &[AnyVerifyingKey],
        rng: &mut (dyn CryptoRng + Send),
    ) -> Result<Self, SlotError> {
        let made = method.make(MakeContext { wallet, rng }).await.map_err(SlotError::Method)?;
        if made.label.len() > MAX_TEXT || made.parameters.len() > MAX_PARAMETERS {
            return Err(SlotError::TooLarge);
        }
        let tag = match (method.vouching(), &made.identity) {
            (Vouching::CheckCode, _) => None,
            (Vouching::KeyTag, None) => return Err(SlotError::NoIdentity),
            (Vouching::KeyTag, Some(identity)) => {
                let tag = TagPoint::of(wallet).tag(identity.as_ref(), wallet, keys).await;
                Some(tag.map_err(SlotError::Method)?)
            }
        };
        Ok(Self::new(SlotHeader {
            kind: method.kind(),
            label: made.label,
            parameters: made.parameters,
            public_key: made.public_key,
            tag,
        }))
    }

    pub(super) fn new(header: SlotHeader) -> Self {
        let protected = header.encode();
        Self { header, protected }
    }

    /// What the slot says of itself.
    #[must_use]
    pub const fn header(&self) -> &SlotHeader {
        &self.header
    }

    /// Names the slot in every epoch.
    #[must_use]
    pub fn id(&self) -> SlotId {
        SlotId::of(&self.header)
    }

    pub(super) const fn protected(&self) -> &ProtectedHeader {
        &self.protected
    }

    pub(super) fn protected_bytes(&self) -> &[u8] {
        protected_bytes(&self.protected)
    }
}

/// The slots of an envelope, as its owner wrote them: the only recipients that are ever written to.
///
/// One is had from an opened envelope, which authenticates it ([`Opened::slots`](super::Opened)), or
/// begins empty and is filled with slots made from methods. There is none from what a store or a
/// custodian returns: whoever could add a slot there would read the next epoch.
///
/// ```compile_fail
/// # use twoshare_core::envelope::{Envelope, SlotTable};
/// fn recipients(stored: &Envelope) -> SlotTable {
///     stored.slots().into() // claims of bytes that anyone may have written
/// }
/// ```
#[derive(Debug, Clone, Default)]
pub struct SlotTable(Vec<Slot>);

impl SlotTable {
    /// A table without slots.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a slot.
    ///
    /// # Errors
    ///
    /// [`SlotTableError`]: 16 are there, or one with the same public key.
    pub fn add(&mut self, slot: Slot) -> Result<(), SlotTableError> {
        if self.0.len() >= MAX_SLOTS {
            return Err(SlotTableError::Full { cap: MAX_SLOTS });
        }
        if self.0.iter().any(|present| present.header.public_key == slot.header.public_key) {
            return Err(SlotTableError::Duplicate { slot: slot.id() });
        }
        self.0.push(slot);
        Ok(())
    }

    /// Removes a slot. What was encrypted to it stays readable by it: it is removed from the next
    /// epoch on.
    pub fn remove(&mut self, id: SlotId) -> Option<Slot> {
        let position = self.0.iter().position(|slot| slot.id() == id)?;
        Some(self.0.remove(position))
    }

    /// The slots, in the order in which they are written.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Slot> {
        self.0.iter()
    }

    /// How many slots there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For the device's own journal, where an operation that was interrupted finds the slots to seal
    /// for.
    #[must_use]
    pub fn to_journal(&self) -> SecretBytes {
        let length: usize = self.protected().map(|bytes| bytes.len() + 5).sum();
        let writer = Writer::new(length + 5).array(self.len());
        self.protected().fold(writer, Writer::bytes).finish()
    }

    /// The table that [`to_journal`](Self::to_journal) wrote. Only for what this device itself
    /// sealed, and whose seal was found intact: whoever else can choose these bytes chooses who reads
    /// the wallet's shares.
    ///
    /// # Errors
    ///
    /// [`SlotTableError::Malformed`].
    pub fn from_sealed_journal(bytes: &SecretBytes) -> Result<Self, SlotTableError> {
        let parse = || {
            // Not secret in themselves; they are in wiped memory because the journal is.
            let mut reader = Reader::new(bytes.expose_secret());
            let mut slots = Vec::new();
            for _ in 0..reader.array(MAX_SLOTS).ok()? {
                slots.push(reader.bytes().ok()?);
            }
            reader.end().ok()?;
            Self::read(slots)
        };
        parse().ok_or(SlotTableError::Malformed)
    }

    pub(super) fn protected(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Slot::protected_bytes)
    }

    /// Of an authenticated payload. `None` where a slot cannot be read, or two have one key.
    pub(super) fn read<'b>(slots: impl IntoIterator<Item = &'b [u8]>) -> Option<Self> {
        let mut table = Self::new();
        for bytes in slots {
            let (header, protected) = SlotHeader::read(bytes).ok()?;
            table.add(Slot { header, protected }).ok()?;
        }
        Some(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_names_the_slot() {
        let id = SlotId([7, 0, 255, 1, 2, 3, 4, 5, 6, 8]);
        let text = id.to_string();
        assert_eq!(text.split('-').map(str::len).collect::<Vec<_>>(), [4; 4]);
        for typed in [text.clone(), text.to_lowercase(), text.replace('-', " ")] {
            assert_eq!(typed.parse(), Ok(id));
        }
        for typed in ["", &text[1..], &format!("{text}0"), &text.replacen(&text[..1], "U", 1)] {
            assert_eq!(typed.parse::<SlotId>(), Err(SlotIdError), "{typed}");
        }
    }
}
