//! What everything is about: which wallet, which curve, whose share, which epoch.

use core::{fmt, str::FromStr};

use rand_core::CryptoRng;
use thiserror::Error;

use crate::base32;

macro_rules! random_id {
    ($(#[$doc:meta])* $id:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $id([u8; 16]);

        impl $id {
            #[doc = concat!("A new random ", $what, " id.")]
            pub fn make<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
                let mut bytes = [0; 16];
                rng.fill_bytes(&mut bytes);
                Self(bytes)
            }

            #[doc = concat!("The ", $what, " id with these 16 bytes.")]
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes of this id.
            #[must_use]
            pub const fn to_bytes(self) -> [u8; 16] {
                self.0
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&base32::group(&base32::encode(&self.0), 5))
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($id), "({})"), self)
            }
        }

        impl FromStr for $id {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let bytes = base32::decode(text).ok_or(IdError)?;
                Ok(Self(bytes.as_slice().try_into().map_err(|_| IdError)?))
            }
        }
    };
}

random_id! {
    /// The random 128-bit name of a wallet: a fixed set of keys, backed up together.
    ///
    /// Shown as 26 base-32 characters in groups that a person can read out.
    WalletId, "wallet"
}

random_id! {
    /// Names one operation (a backup, a recovery, …) from its first message to its receipt, so that
    /// each step can be repeated without happening twice. 128 random bits.
    OperationId, "operation"
}

/// A text that is not an id: wrong characters or wrong length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an id: 26 letters and digits are expected, dashes and spaces aside")]
pub struct IdError;

/// A numbered sharing of a pair, counted per purpose from 1. Numbers are never reused, and shares
/// of different epochs never combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// The first epoch of a pair.
    pub const FIRST: Self = Self(1);

    /// The epoch with this number; `None` for zero, which no epoch has.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        match number {
            0 => None,
            _ => Some(Self(number)),
        }
    }

    /// The number of this epoch.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The epoch after this one; `None` past 2⁶⁴ − 1.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            None => None,
            Some(number) => Some(Self(number)),
        }
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! wire_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $number,)+ }

        impl $name {
            /// All of them, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The number that stands for it in every format.
            #[must_use]
            pub const fn number(self) -> u8 {
                self as u8
            }

            /// What this number stands for; `None` when it stands for nothing.
            #[must_use]
            pub const fn from_number(number: u64) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The name used in texts, JSON and file names.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

pub(crate) use wire_enum;

wire_enum! {
    /// The curve of a key.
    CurveId {
        /// secp256k1 (SEC 2): Bitcoin, Ethereum.
        Secp256k1 = 1 "secp256k1",
        /// The prime-order subgroup of edwards25519 (RFC 8032): Solana, Cardano, NEAR.
        Ed25519 = 2 "ed25519",
    }
}

wire_enum! {
    /// Whose share. The number is also the share's index: the point at which the polynomial is
    /// evaluated.
    Role {
        /// The user's device: share index 1.
        Client = 1 "client",
        /// The server: share index 2.
        Custodian = 2 "custodian",
    }
}

wire_enum! {
    /// What a pair of shares is for. Epochs are counted for each purpose.
    Purpose {
        /// The pair used every day to sign; MPC wallets only.
        Signing = 1 "signing",
        /// The pair that brings the wallet back.
        Backup = 2 "backup",
    }
}

wire_enum! {
    /// Where the whole key of a wallet is.
    WalletKind {
        /// Nowhere: it exists as two shares from the first moment.
        Mpc = 1 "mpc",
        /// In the app on the device, which shares it for the backup only.
        SingleKey = 2 "single_key",
    }
}

/// One sharing: the shares that combine are those of the same wallet, purpose and epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sharing {
    /// The wallet whose keys are shared.
    pub wallet: WalletId,
    /// What the pair is for.
    pub purpose: Purpose,
    /// Which sharing of that purpose.
    pub epoch: Epoch,
}
