use core::{fmt, str::FromStr};

use thiserror::Error;

use crate::{
    base32,
    digest::Digest,
    id::{Epoch, WalletId},
};

/// What an envelope is called: its wallet, its epoch and the SHA-256 of its COSE bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvelopeName {
    /// The wallet.
    pub wallet: WalletId,
    /// The epoch of the backup pair.
    pub epoch: Epoch,
    /// SHA-256 of the COSE bytes.
    pub digest: Digest,
}

impl EnvelopeName {
    /// The object that keeps the envelope.
    #[must_use]
    pub const fn object(self) -> ObjectName {
        ObjectName { envelope: self, part: Part::Envelope }
    }

    /// The object beside it that keeps the custodian's receipt.
    #[must_use]
    pub const fn receipt(self) -> ObjectName {
        ObjectName { envelope: self, part: Part::Receipt }
    }
}

/// What a store keeps of an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The envelope itself.
    Envelope,
    /// The custodian's receipt for it.
    Receipt,
}

/// The name of an object in a store.
///
/// As text it is `WALLET-EPOCH-DIGEST.envelope` or `.receipt`: 26 characters of lower-case base 32, a
/// number of 20 digits and 64 hexadecimal digits. No two differ in case only, and it is a valid file
/// name and object key everywhere; sorted as text, epochs of a wallet are in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// The envelope that it is part of.
    pub envelope: EnvelopeName,
    /// Which part.
    pub part: Part,
}

impl ObjectName {
    /// What the names of all objects of `wallet` begin with.
    #[must_use]
    pub fn prefix(wallet: WalletId) -> String {
        let mut prefix = base32::encode(&wallet.to_bytes()).to_lowercase();
        prefix.push('-');
        prefix
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let EnvelopeName { wallet, epoch, digest } = self.envelope;
        let part = match self.part {
            Part::Envelope => "envelope",
            Part::Receipt => "receipt",
        };
        write!(f, "{}{:020}-{digest}.{part}", Self::prefix(wallet), epoch.get())
    }
}

/// A text that names no object: some other file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not the name of an envelope or receipt")]
pub struct ObjectNameError;

impl FromStr for ObjectName {
    type Err = ObjectNameError;

    /// Exactly what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, ObjectNameError> {
        let parse = || {
            let (stem, part) = text.split_once('.')?;
            let part = match part {
                "envelope" => Part::Envelope,
                "receipt" => Part::Receipt,
                _ => return None,
            };
            let mut fields = stem.splitn(3, '-');
            let wallet = fields.next()?.parse().ok()?;
            let epoch = Epoch::new(fields.next()?.parse().ok()?)?;
            let digest = fields.next()?.parse().ok()?;
            let name = Self { envelope: EnvelopeName { wallet, epoch, digest }, part };
            (name.to_string() == text).then_some(name)
        };
        parse().ok_or(ObjectNameError)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_come_back(wallet: [u8; 16], epoch in 1..=u64::MAX, digest: [u8; 32], receipt: bool) {
            let envelope = EnvelopeName {
                wallet: WalletId::from_bytes(wallet),
                epoch: Epoch::new(epoch).unwrap(),
                digest: Digest::from_bytes(digest),
            };
            let name = if receipt { envelope.receipt() } else { envelope.object() };
            prop_assert_eq!(name.to_string().parse(), Ok(name));
            prop_assert!(name.to_string().starts_with(&ObjectName::prefix(envelope.wallet)));
        }

        #[test]
        fn any_text_is_refused_or_comes_back(text: String) {
            if let Ok(name) = text.parse::<ObjectName>() {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }

    #[test]
    fn other_spellings_are_other_files() {
        let name = EnvelopeName {
            wallet: WalletId::from_bytes([9; 16]),
            epoch: Epoch::FIRST,
            digest: Digest::of(b""),
        };
        let text = name.object().to_string();
        for other in [
            text.to_uppercase(),
            text.replace("-0", "-"),
            format!("{text}~"),
            format!("x{text}"),
            text.replace(".envelope", ""),
        ] {
            assert_eq!(other.parse::<ObjectName>(), Err(ObjectNameError), "{other}");
        }
    }
}
