//! The same types with the curve known at run time only: what a wallet with keys on several curves
//! is made of.

use rand_core::CryptoRng;

use super::{Ed25519, PointError, Secp256k1, SigningKey, SigningKeyError, VerifyingKey};
use crate::{id::CurveId, secret::SecretBytes};

/// Declares `enum $any { Secp256k1($of<Secp256k1>), Ed25519($of<Ed25519>) }`.
macro_rules! any_curve {
    ($(#[$doc:meta])* $vis:vis enum $any:ident$(<$role:ident: $bound:path>)? = $of:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        $vis enum $any$(<$role: $bound>)? {
            /// On secp256k1.
            Secp256k1($of<$crate::curve::Secp256k1 $(, $role)?>),
            /// On Ed25519.
            Ed25519($of<$crate::curve::Ed25519 $(, $role)?>),
        }

        impl$(<$role: $bound>)? $any$(<$role>)? {
            /// The curve.
            #[must_use]
            #[allow(dead_code, reason = "the private ones are not asked")]
            $vis const fn curve(&self) -> $crate::id::CurveId {
                match self {
                    Self::Secp256k1(_) => $crate::id::CurveId::Secp256k1,
                    Self::Ed25519(_) => $crate::id::CurveId::Ed25519,
                }
            }
        }

        impl$(<$role: $bound>)? From<$of<$crate::curve::Secp256k1 $(, $role)?>> for $any$(<$role>)? {
            fn from(of: $of<$crate::curve::Secp256k1 $(, $role)?>) -> Self {
                Self::Secp256k1(of)
            }
        }

        impl$(<$role: $bound>)? From<$of<$crate::curve::Ed25519 $(, $role)?>> for $any$(<$role>)? {
            fn from(of: $of<$crate::curve::Ed25519 $(, $role)?>) -> Self {
                Self::Ed25519(of)
            }
        }
    };
}

/// The same expression for each curve.
macro_rules! each {
    ($value:expr, $inner:pat => $then:expr) => {
        match $value {
            Self::Secp256k1($inner) => $then,
            Self::Ed25519($inner) => $then,
        }
    };
}

pub(crate) use {any_curve, each};

any_curve! {
    /// A [`VerifyingKey`] on any curve.
    #[derive(Clone, Copy, PartialEq, Eq, Hash)]
    pub enum AnyVerifyingKey = VerifyingKey
}

impl AnyVerifyingKey {
    /// The key of `curve` with this encoding.
    ///
    /// # Errors
    ///
    /// See [`PointError`].
    pub fn from_bytes(curve: CurveId, bytes: &[u8]) -> Result<Self, PointError> {
        match curve {
            CurveId::Secp256k1 => VerifyingKey::from_bytes(bytes).map(Self::Secp256k1),
            CurveId::Ed25519 => VerifyingKey::from_bytes(bytes).map(Self::Ed25519),
        }
    }

    /// The one encoding of this key; the curve is not in it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        each!(self, key => key.to_bytes().to_vec())
    }
}

any_curve! {
    /// A [`SigningKey`] on any curve.
    #[derive(Clone)]
    pub enum AnySigningKey = SigningKey
}

impl AnySigningKey {
    /// A new random key.
    pub fn make<R: CryptoRng + ?Sized>(curve: CurveId, rng: &mut R) -> Self {
        match curve {
            CurveId::Secp256k1 => SigningKey::<Secp256k1>::make(rng).into(),
            CurveId::Ed25519 => SigningKey::<Ed25519>::make(rng).into(),
        }
    }

    /// The key of `curve` with these 32 bytes.
    ///
    /// # Errors
    ///
    /// See [`SigningKeyError`].
    pub fn from_bytes(curve: CurveId, bytes: &[u8]) -> Result<Self, SigningKeyError> {
        match curve {
            CurveId::Secp256k1 => SigningKey::from_bytes(bytes).map(Self::Secp256k1),
            CurveId::Ed25519 => SigningKey::from_bytes(bytes).map(Self::Ed25519),
        }
    }

    /// The 32 bytes that [`from_bytes`](Self::from_bytes) takes. Say beside each call why they
    /// must be seen there.
    #[must_use]
    pub fn expose_secret(&self) -> SecretBytes {
        each!(self, key => key.expose_secret())
    }

    /// The public key.
    #[must_use]
    pub fn verifying_key(&self) -> AnyVerifyingKey {
        each!(self, key => (*key.verifying_key()).into())
    }
}
