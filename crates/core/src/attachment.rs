//! What a signing library keeps beside its share, and whether it may come back.

use core::fmt;

use thiserror::Error;
use zeroize::ZeroizeOnDrop;

use crate::{
    secret::SecretBytes,
    wire::{Malformed, Reader, Writer},
};

/// The longest name of an attachment, in bytes of UTF-8.
pub const MAX_NAME: usize = 128;

/// The longest attachment, in bytes.
pub const MAX_ATTACHMENT: usize = 1024 * 1024;

crate::id::wire_enum! {
    /// Whether an attachment comes back in a recovery.
    AttachmentClass {
        /// It does, bit for bit: a chain code, say.
        Durable = 1 "durable",
        /// It never does: a Paillier key, the seeds of oblivious transfers. Whoever found the old
        /// device has the old ones, so that a recovery has the signing library make new ones on
        /// both sides. Only its name is kept, as a reminder.
        PerDevice = 2 "per_device",
    }
}

/// Something that a signing library keeps beside its share. What must not come back is not even
/// held: a per-device attachment has no bytes.
///
/// Wiped on drop.
#[derive(Clone)]
pub struct Attachment {
    name: String,
    durable: Option<SecretBytes>,
}

impl Attachment {
    /// What a recovery restores bit for bit.
    ///
    /// # Errors
    ///
    /// The name or the bytes are too long.
    pub fn durable(name: &str, bytes: SecretBytes) -> Result<Self, AttachmentError> {
        if bytes.len() > MAX_ATTACHMENT {
            return Err(AttachmentError::TooLarge { found: bytes.len() });
        }
        Ok(Self { name: checked(name)?, durable: Some(bytes) })
    }

    /// What a recovery has to make anew.
    ///
    /// # Errors
    ///
    /// The name is too long.
    pub fn per_device(name: &str) -> Result<Self, AttachmentError> {
        Ok(Self { name: checked(name)?, durable: None })
    }

    /// What the signing library calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it comes back.
    #[must_use]
    pub const fn class(&self) -> AttachmentClass {
        match self.durable {
            Some(_) => AttachmentClass::Durable,
            None => AttachmentClass::PerDevice,
        }
    }

    /// The bytes of a durable attachment.
    #[must_use]
    pub const fn bytes(&self) -> Option<&SecretBytes> {
        self.durable.as_ref()
    }

    /// Deterministic CBOR: `[1, name, bytes]`, or `[2, name]` for a per-device attachment.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let durable = self.durable.as_ref();
        let writer = Writer::new(self.name.len() + durable.map_or(0, SecretBytes::len) + 16)
            .array(if durable.is_some() { 3 } else { 2 })
            .uint(self.class().number().into())
            .text(&self.name);
        match durable {
            // Into wiped memory, on the way into an envelope.
            Some(bytes) => writer.bytes(bytes.expose_secret()).finish(),
            None => writer.finish(),
        }
    }

    /// The attachment that [`Attachment::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes; an attachment has exactly one encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AttachmentError> {
        let mut reader = Reader::new(bytes);
        let items = reader.array(3)?;
        let number = reader.uint()?;
        let class =
            AttachmentClass::from_number(number).ok_or(AttachmentError::Class { number })?;
        let name = reader.text(usize::MAX)?;
        let attachment = match (class, items) {
            (AttachmentClass::Durable, 3) => {
                Self::durable(name, SecretBytes::from(reader.bytes()?))?
            }
            (AttachmentClass::PerDevice, 2) => Self::per_device(name)?,
            (AttachmentClass::Durable | AttachmentClass::PerDevice, _) => {
                return Err(AttachmentError::Malformed);
            }
        };
        reader.end()?;
        Ok(attachment)
    }
}

fn checked(name: &str) -> Result<String, AttachmentError> {
    match name.len() {
        1..=MAX_NAME => Ok(name.to_owned()),
        found => Err(AttachmentError::Name { found }),
    }
}

impl ZeroizeOnDrop for Attachment {}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Attachment({:?}, {}, redacted)", self.name, self.class())
    }
}

/// Why something is not an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AttachmentError {
    /// The name is empty or too long: give it another.
    #[error("a name of {found} bytes, where 1 to {MAX_NAME} were expected")]
    Name {
        /// How many bytes it has.
        found: usize,
    },
    /// It is too large: keep it elsewhere, encrypted, and attach its key.
    #[error("an attachment of {found} bytes, where {MAX_ATTACHMENT} are the limit")]
    TooLarge {
        /// How many bytes it has.
        found: usize,
    },
    /// A newer version of this library knows more classes: update.
    #[error("an attachment of class {number}")]
    Class {
        /// The number of the class.
        number: u64,
    },
    /// It is damaged: use another copy.
    #[error("not an attachment")]
    Malformed,
}

impl From<Malformed> for AttachmentError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    fn chain_code() -> Attachment {
        Attachment::durable("chain code", SecretBytes::from(&[7; 32][..])).unwrap()
    }

    #[test]
    fn both_classes_survive_their_bytes() {
        let read = Attachment::from_bytes(chain_code().to_bytes().expose_secret()).unwrap();
        assert_eq!((read.name(), read.class()), ("chain code", AttachmentClass::Durable));
        assert_eq!(read.bytes().unwrap().expose_secret(), [7; 32]);

        let paillier = Attachment::per_device("Paillier key").unwrap();
        let read = Attachment::from_bytes(paillier.to_bytes().expose_secret()).unwrap();
        assert_eq!((read.name(), read.class()), ("Paillier key", AttachmentClass::PerDevice));
        assert!(read.bytes().is_none());
    }

    #[test]
    fn bounds_are_checked_when_made_and_when_read() {
        let empty = AttachmentError::Name { found: 0 };
        assert_eq!(Attachment::per_device("").map(|_| ()), Err(empty));
        let long = "x".repeat(MAX_NAME + 1);
        let name = AttachmentError::Name { found: 129 };
        assert_eq!(Attachment::per_device(&long).map(|_| ()), Err(name));
        let written = Writer::new(0).array(2).uint(2).text(&long).finish();
        let read = Attachment::from_bytes(written.expose_secret());
        assert_eq!(read.map(|_| ()), Err(name));

        let large = SecretBytes::from(vec![0; MAX_ATTACHMENT + 1]);
        let too_large = AttachmentError::TooLarge { found: MAX_ATTACHMENT + 1 };
        let written = Writer::new(0).array(3).uint(1).text("x").bytes(large.expose_secret());
        assert_eq!(Attachment::durable("x", large).map(|_| ()), Err(too_large));
        let read = Attachment::from_bytes(written.finish().expose_secret());
        assert_eq!(read.map(|_| ()), Err(too_large));
    }

    #[test]
    fn other_bytes_are_refused() {
        let bytes = chain_code().to_bytes();
        let bytes = bytes.expose_secret();
        for length in 0..bytes.len() {
            let read = Attachment::from_bytes(&bytes[..length]).map(|_| ());
            assert_eq!(read, Err(AttachmentError::Malformed));
        }
        let read = |bytes: &[u8]| Attachment::from_bytes(bytes).map(|_| ()).unwrap_err();
        assert_eq!(read(&[bytes, &[0]].concat()), AttachmentError::Malformed);
        let with = |writer: Writer| read(writer.finish().expose_secret());
        let per_device = Writer::new(0).array(3).uint(2).text("x").bytes(b"held");
        assert_eq!(with(per_device), AttachmentError::Malformed);
        assert_eq!(with(Writer::new(0).array(2).uint(1).text("x")), AttachmentError::Malformed);
        // A head that announces one item more, or fewer, than there are.
        assert_eq!(with(Writer::new(0).array(3).uint(2).text("x")), AttachmentError::Malformed);
        let durable = Writer::new(0).array(2).uint(1).text("x").bytes(b"held");
        assert_eq!(with(durable), AttachmentError::Malformed);
        let class = AttachmentError::Class { number: 3 };
        assert_eq!(with(Writer::new(0).array(2).uint(3).text("x")), class);
    }

    #[test]
    fn debug_is_redacted() {
        let debug = format!("{:?}", chain_code());
        assert_eq!(debug, "Attachment(\"chain code\", durable, redacted)");
    }
}
