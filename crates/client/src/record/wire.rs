//! How a record is written: as the protocol's messages are, in deterministic CBOR, its fields in order.

use twoshare_core::{
    attachment::Attachment,
    curve::AnySigningKey,
    id::CurveId,
    sealed::SealedSecret,
    share::AnyClientShare,
    wire::{Malformed, Reader, Writer},
};
use twoshare_protocol::wire::{Message, Wire};

use super::{Holding, Phase, Proven, Record};

/// The most items of a list: 16 keys, two purposes, and room.
const MAX_ITEMS: usize = 64;

/// The longest name of a store: a path, as the system allows.
const MAX_NAME: usize = 4096;

/// Numbers up to 31 are the protocol's messages, 32 and 33 its journal. A record that is written
/// differently gets another number.
impl Message for Record {
    const NUMBER: u64 = 41;
}

/// A struct that is written as the array of its fields.
macro_rules! record {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$fmeta:meta])* $field:ident: $type:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        $vis struct $name { $($(#[$fmeta])* pub(crate) $field: $type,)+ }

        impl twoshare_protocol::wire::Wire for $name {
            fn write(&self, writer: twoshare_core::wire::Writer) -> twoshare_core::wire::Writer {
                let writer = writer.array([$(stringify!($field)),+].len());
                $(let writer = twoshare_protocol::wire::Wire::write(&self.$field, writer);)+
                writer
            }

            fn read(
                reader: &mut twoshare_core::wire::Reader<'_>,
            ) -> Result<Self, twoshare_core::wire::Malformed> {
                reader.array_of([$(stringify!($field)),+].len())?;
                Ok(Self { $($field: twoshare_protocol::wire::Wire::read(reader)?,)+ })
            }
        }
    };
}

pub(crate) use record;

/// A text that may be longer than a message's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl Wire for Text {
    fn write(&self, writer: Writer) -> Writer {
        writer.text(&self.0)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self(reader.text(MAX_NAME)?.to_owned()))
    }
}

/// The client's shares of one epoch.
#[derive(Debug, Clone)]
pub(crate) struct Shares(pub(crate) Vec<AnyClientShare>);

/// The keys of a single-key wallet.
#[derive(Debug, Clone)]
pub(crate) struct Keys(pub(crate) Vec<AnySigningKey>);

/// The secrets that are sealed under them.
#[derive(Debug, Clone)]
pub(crate) struct Secrets(pub(crate) Vec<SealedSecret>);

/// What signing libraries keep.
#[derive(Debug, Clone)]
pub(crate) struct Attachments(pub(crate) Vec<Attachment>);

fn list<'b, T>(
    reader: &mut Reader<'b>,
    read: impl Fn(&mut Reader<'b>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    (0..reader.array(MAX_ITEMS)?).map(|_| read(reader)).collect()
}

impl Wire for Shares {
    fn write(&self, writer: Writer) -> Writer {
        let writer = writer.array(self.0.len());
        // Exposed here and below: into wiped memory, on the way to the device's sealed state.
        self.0.iter().fold(writer, |writer, share| writer.bytes(share.to_bytes().expose_secret()))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let share = |reader: &mut Reader<'_>| {
            AnyClientShare::from_bytes(reader.bytes()?).map_err(|_| Malformed)
        };
        list(reader, share).map(Self)
    }
}

impl Wire for Keys {
    fn write(&self, writer: Writer) -> Writer {
        self.0.iter().fold(writer.array(self.0.len()), |writer, key| {
            let writer = key.curve().write(writer.array(2));
            writer.bytes(key.expose_secret().expose_secret())
        })
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let key = |reader: &mut Reader<'_>| {
            reader.array_of(2)?;
            let curve = CurveId::read(reader)?;
            AnySigningKey::from_bytes(curve, reader.bytes()?).map_err(|_| Malformed)
        };
        list(reader, key).map(Self)
    }
}

impl Wire for Secrets {
    fn write(&self, writer: Writer) -> Writer {
        let writer = writer.array(self.0.len());
        self.0.iter().fold(writer, |writer, secret| writer.bytes(&secret.to_bytes()))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let secret = |reader: &mut Reader<'_>| {
            SealedSecret::from_bytes(reader.bytes()?).map_err(|_| Malformed)
        };
        list(reader, secret).map(Self)
    }
}

impl Wire for Attachments {
    fn write(&self, writer: Writer) -> Writer {
        let writer = writer.array(self.0.len());
        self.0.iter().fold(writer, |writer, kept| writer.bytes(kept.to_bytes().expose_secret()))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let kept = |reader: &mut Reader<'_>| {
            Attachment::from_bytes(reader.bytes()?).map_err(|_| Malformed)
        };
        list(reader, kept).map(Self)
    }
}

impl Wire for Holding {
    fn write(&self, writer: Writer) -> Writer {
        match self {
            Self::Nothing => writer.array(1).uint(0),
            Self::Mpc(shares, secrets) if secrets.0.is_empty() => {
                shares.write(writer.array(2).uint(1))
            }
            Self::Mpc(shares, secrets) => secrets.write(shares.write(writer.array(3).uint(1))),
            Self::SingleKey(keys, secrets) => secrets.write(keys.write(writer.array(3).uint(2))),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match (reader.array(3)?, reader.uint()?) {
            (1, 0) => Ok(Self::Nothing),
            (2, 1) => Ok(Self::Mpc(Wire::read(reader)?, Secrets(Vec::new()))),
            (3, 1) => match (Wire::read(reader)?, Secrets::read(reader)?) {
                (_, secrets) if secrets.0.is_empty() => Err(Malformed),
                (shares, secrets) => Ok(Self::Mpc(shares, secrets)),
            },
            (3, 2) => Ok(Self::SingleKey(Wire::read(reader)?, Wire::read(reader)?)),
            _ => Err(Malformed),
        }
    }
}

impl Wire for Proven {
    fn write(&self, writer: Writer) -> Writer {
        match self {
            Self::Nothing => writer.array(1).uint(0),
            Self::Device => writer.array(1).uint(1),
            Self::Backup(shares) => shares.write(writer.array(2).uint(2)),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match (reader.array(2)?, reader.uint()?) {
            (1, 0) => Ok(Self::Nothing),
            (1, 1) => Ok(Self::Device),
            (2, 2) => Wire::read(reader).map(Self::Backup),
            _ => Err(Malformed),
        }
    }
}

impl Wire for Phase {
    fn write(&self, writer: Writer) -> Writer {
        match self {
            Self::Planned => writer.array(1).uint(0),
            Self::Offered(offered) => offered.write(writer.array(2).uint(1)),
            Self::Ready(ready) => ready.write(writer.array(2).uint(2)),
            Self::Committing(ready, digest) => digest.write(ready.write(writer.array(3).uint(3))),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match (reader.array(3)?, reader.uint()?) {
            (1, 0) => Ok(Self::Planned),
            (2, 1) => Wire::read(reader).map(Self::Offered),
            (2, 2) => Wire::read(reader).map(Self::Ready),
            (3, 3) => Ok(Self::Committing(Wire::read(reader)?, Wire::read(reader)?)),
            _ => Err(Malformed),
        }
    }
}
