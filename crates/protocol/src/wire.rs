//! How messages are written: deterministic CBOR, one array per message, its fields in order.
//!
//! A top-level message begins with the version and its own number, so that nothing is taken for
//! something else. Every value has one encoding, and nothing is allocated beyond the bytes read.

use thiserror::Error;
use twoshare_core::{
    channel::EphemeralKey,
    digest::Digest,
    id::{CurveId, Epoch, OperationId, Purpose, WalletId, WalletKind},
    identity::{CustodianIdentity, Signature},
    proof::{Operation, Proof},
    secret::SecretBytes,
    share::AnyCommitment,
    wire::{Malformed, Reader, Writer},
};

use crate::Nonce;

/// The version of every message.
const VERSION: u64 = 1;

/// The most items of any list in a message: 16 curves or keys, each with two purposes.
const MAX_ITEMS: usize = 64;

/// The longest text in a message, in bytes.
pub const MAX_TEXT: usize = 256;

/// Why bytes are not the message that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// A newer version of this protocol: update.
    #[error("version {found} of the message is newer than {supported}, the newest known here")]
    NewerVersion {
        /// The version of these bytes.
        found: u64,
        /// The newest version read here.
        supported: u64,
    },
    /// Another message than the one that belongs here.
    #[error("this is another message (number {number})")]
    Other {
        /// The number of that message.
        number: u64,
    },
    /// Cut, damaged, or not written by this protocol.
    #[error("the message is malformed")]
    Malformed,
}

impl From<Malformed> for DecodeError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// A top-level message.
pub trait Message: Wire {
    /// What tells it from the others.
    const NUMBER: u64;

    /// Its bytes.
    #[must_use]
    fn to_bytes(&self) -> SecretBytes {
        let writer = Writer::new(512).array(3).uint(VERSION).uint(Self::NUMBER);
        self.write(writer).finish()
    }

    /// The message with these bytes.
    ///
    /// # Errors
    ///
    /// Why they are not it.
    fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.array_of(3)?;
        match reader.uint()? {
            VERSION => {}
            0 => return Err(DecodeError::Malformed),
            found => return Err(DecodeError::NewerVersion { found, supported: VERSION }),
        }
        match reader.uint()? {
            number if number == Self::NUMBER => {}
            number => return Err(DecodeError::Other { number }),
        }
        let message = Self::read(&mut reader)?;
        reader.end()?;
        Ok(message)
    }
}

/// A part of a message.
pub trait Wire: Sized {
    /// Appends it.
    #[must_use]
    fn write(&self, writer: Writer) -> Writer;

    /// Reads it.
    ///
    /// # Errors
    ///
    /// The bytes are not the one encoding of anything of this type.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed>;
}

impl Wire for u64 {
    fn write(&self, writer: Writer) -> Writer {
        writer.uint(*self)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.uint()
    }
}

impl Wire for u8 {
    fn write(&self, writer: Writer) -> Writer {
        writer.uint(u64::from(*self))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.u8()
    }
}

impl Wire for bool {
    fn write(&self, writer: Writer) -> Writer {
        writer.uint(u64::from(*self))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.uint()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }
}

impl<const N: usize> Wire for [u8; N] {
    fn write(&self, writer: Writer) -> Writer {
        writer.bytes(self)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.fixed().copied()
    }
}

impl Wire for SecretBytes {
    fn write(&self, writer: Writer) -> Writer {
        // Exposed: a message is written into wiped memory, and sealed before it is sent.
        writer.bytes(self.expose_secret())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(reader.bytes()?.into())
    }
}

impl Wire for String {
    fn write(&self, writer: Writer) -> Writer {
        writer.text(self)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(reader.text(MAX_TEXT)?.to_owned())
    }
}

impl<T: Wire> Wire for Box<T> {
    fn write(&self, writer: Writer) -> Writer {
        T::write(self, writer)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        T::read(reader).map(Self::new)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn write(&self, writer: Writer) -> Writer {
        let writer = writer.array(usize::from(self.is_some()));
        self.iter().fold(writer, |writer, value| value.write(writer))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match reader.array(1)? {
            0 => Ok(None),
            _ => T::read(reader).map(Some),
        }
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn write(&self, writer: Writer) -> Writer {
        self.iter().fold(writer.array(self.len()), |writer, item| item.write(writer))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        (0..reader.array(MAX_ITEMS)?).map(|_| T::read(reader)).collect()
    }
}

/// What is written as its bytes.
macro_rules! as_bytes {
    ($($name:ty),+) => { $(
        impl Wire for $name {
            fn write(&self, writer: Writer) -> Writer {
                writer.bytes(&self.to_bytes())
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                Self::from_bytes(reader.bytes()?).map_err(|_| Malformed)
            }
        }
    )+ };
}

as_bytes!(CustodianIdentity, EphemeralKey, Signature);

macro_rules! as_fixed {
    ($($name:ty),+) => { $(
        impl Wire for $name {
            fn write(&self, writer: Writer) -> Writer {
                writer.bytes(&self.to_bytes())
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                Ok(Self::from_bytes(*reader.fixed()?))
            }
        }
    )+ };
}

as_fixed!(Digest, Nonce, WalletId, OperationId, Proof);

/// What is written as its number.
macro_rules! as_number {
    ($($name:ty),+) => { $(
        impl Wire for $name {
            fn write(&self, writer: Writer) -> Writer {
                writer.uint(u64::from(self.number()))
            }

            fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
                Self::from_number(reader.uint()?).ok_or(Malformed)
            }
        }
    )+ };
}

as_number!(CurveId, Operation, Purpose, WalletKind);

impl Wire for Epoch {
    fn write(&self, writer: Writer) -> Writer {
        writer.uint(self.get())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Self::new(reader.uint()?).ok_or(Malformed)
    }
}

/// A commitment, beside its curve.
impl Wire for AnyCommitment {
    fn write(&self, writer: Writer) -> Writer {
        self.curve().write(writer.array(2)).bytes(&self.to_bytes())
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.array_of(2)?;
        let curve = CurveId::read(reader)?;
        Self::from_bytes(curve, reader.bytes()?).map_err(|_| Malformed)
    }
}

/// Defines a struct that is written as an array of its fields; with a number after the name, a
/// top-level message. A field after a semicolon may be missing, and is the last of the array where it
/// is not.
macro_rules! message {
    ($(#[$doc:meta])* $vis:vis struct $name:ident $(= $number:literal)? {
        $($(#[$fdoc:meta])* $field:ident: $type:ty,)+
        $(; $(#[$ldoc:meta])* $last:ident: $ltype:ty,)?
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        $vis struct $name {
            $($(#[$fdoc])* $vis $field: $type,)+
            $($(#[$ldoc])* $vis $last: Option<$ltype>,)?
        }

        impl $crate::wire::Wire for $name {
            fn write(&self, writer: twoshare_core::wire::Writer) -> twoshare_core::wire::Writer {
                let len = [$(stringify!($field)),+].len();
                $(let len = len + usize::from(self.$last.is_some());)?
                let writer = writer.array(len);
                $(let writer = $crate::wire::Wire::write(&self.$field, writer);)+
                $(let writer = match &self.$last {
                    Some(last) => $crate::wire::Wire::write(last, writer),
                    None => writer,
                };)?
                writer
            }

            fn read(
                reader: &mut twoshare_core::wire::Reader<'_>,
            ) -> Result<Self, twoshare_core::wire::Malformed> {
                let len = [$(stringify!($field)),+].len();
                #[allow(unused_mut, unused_assignments, reason = "most have no last field")]
                let mut most = len;
                $(most += [stringify!($last)].len();)?
                let found = reader.array(most)?;
                if found < len {
                    return Err(twoshare_core::wire::Malformed);
                }
                Ok(Self {
                    $($field: $crate::wire::Wire::read(reader)?,)+
                    $($last: match found > len {
                        true => Some(<$ltype as $crate::wire::Wire>::read(reader)?),
                        false => None,
                    },)?
                })
            }
        }

        $(impl $crate::wire::Message for $name {
            const NUMBER: u64 = $number;
        })?
    };
}

pub(crate) use message;
