//! The curves, and the keys on them. The set is closed: each curve here has been thought through
//! (canonical encodings, subgroup, constant-time multiplication), and a curve is a type, so that
//! keys and shares of two curves cannot meet.

mod any;
mod arithmetic;
mod ed25519;
mod scalar;
mod secp256k1;

use core::{
    fmt,
    hash::{Hash, Hasher},
};

use k256::elliptic_curve::Group;
use rand_core::CryptoRng;
use thiserror::Error;

#[cfg(test)]
pub(crate) use self::arithmetic::Arithmetic;
pub use self::{
    any::{AnySigningKey, AnyVerifyingKey},
    ed25519::Ed25519,
    secp256k1::Secp256k1,
};
pub(crate) use self::{
    any::{any_curve, each},
    scalar::{SecretScalar, wiping},
};
use crate::{id::CurveId, secret::SecretBytes};

/// A prime-order group that keys live in: [`Secp256k1`] or [`Ed25519`].
///
/// Sealed: a curve is part of every format.
pub trait Curve: arithmetic::Arithmetic {
    /// The number and name of this curve in every format.
    const ID: CurveId;

    /// How many bytes encode a point: 33 (SEC 1, compressed) or 32 (RFC 8032).
    const POINT_LEN: usize;
}

/// How many bytes encode a scalar, on every curve here.
pub const SCALAR_LEN: usize = 32;

/// A public key: a point that is on the curve, in its prime-order subgroup and not the identity.
pub struct VerifyingKey<C: Curve> {
    point: C::Point,
    bytes: C::PointBytes,
}

impl<C: Curve> VerifyingKey<C> {
    /// The key with this encoding: SEC 1 compressed (33 bytes) or RFC 8032 (32 bytes).
    ///
    /// # Errors
    ///
    /// See [`PointError`]: each of its variants is checked here.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PointError> {
        let (point, bytes) = C::decode(bytes)?;
        Ok(Self { point, bytes })
    }

    /// The one encoding of this key.
    #[must_use]
    pub fn to_bytes(&self) -> C::PointBytes {
        self.bytes
    }

    pub(crate) fn from_point(point: C::Point) -> Result<Self, PointError> {
        if point.is_identity().into() {
            return Err(PointError::Identity);
        }
        let [bytes] = C::encode([point]);
        Ok(Self { point, bytes })
    }

    /// For a point whose encoding is known and which was found not to be the identity.
    pub(crate) const fn from_parts(point: C::Point, bytes: C::PointBytes) -> Self {
        Self { point, bytes }
    }

    pub(crate) const fn point(&self) -> &C::Point {
        &self.point
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

impl<C: Curve> Clone for VerifyingKey<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: Curve> Copy for VerifyingKey<C> {}

impl<C: Curve> PartialEq for VerifyingKey<C> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<C: Curve> Eq for VerifyingKey<C> {}

impl<C: Curve> Hash for VerifyingKey<C> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl<C: Curve> fmt::Debug for VerifyingKey<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({} ", C::ID)?;
        write_hex(f, self.as_bytes())?;
        f.write_str(")")
    }
}

/// A whole private key: a scalar that is not zero.
///
/// Wiped on drop.
pub struct SigningKey<C: Curve> {
    scalar: SecretScalar<C>,
    verifying_key: VerifyingKey<C>,
}

impl<C: Curve> SigningKey<C> {
    /// A new random key.
    pub fn make<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        wiping(|| {
            loop {
                if let Some(key) = Self::from_scalar(SecretScalar::make(rng)) {
                    return key;
                }
            }
        })
    }

    /// The key with these 32 bytes: big-endian on secp256k1 (SEC 1), little-endian on Ed25519
    /// (RFC 8032, where this is the scalar, reduced and never clamped; *not* the seed).
    ///
    /// # Errors
    ///
    /// See [`SigningKeyError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SigningKeyError> {
        let bytes = bytes
            .try_into()
            .map_err(|_| SigningKeyError::Length { expected: SCALAR_LEN, found: bytes.len() })?;
        wiping(|| {
            let scalar = SecretScalar::from_bytes(bytes).ok_or(SigningKeyError::OutOfRange)?;
            Self::from_scalar(scalar).ok_or(SigningKeyError::Zero)
        })
    }

    /// The 32 bytes that [`from_bytes`](Self::from_bytes) takes. Say beside each call why they
    /// must be seen there.
    #[must_use]
    pub fn expose_secret(&self) -> SecretBytes {
        self.scalar.expose_secret()
    }

    /// The public key.
    #[must_use]
    pub const fn verifying_key(&self) -> &VerifyingKey<C> {
        &self.verifying_key
    }

    /// `None` for zero.
    pub(crate) fn from_scalar(scalar: SecretScalar<C>) -> Option<Self> {
        let verifying_key = VerifyingKey::from_point(scalar.mul_base()).ok()?;
        Some(Self { scalar, verifying_key })
    }

    /// For a scalar that was found to be the discrete logarithm of `verifying_key`.
    pub(crate) const fn from_parts(
        scalar: SecretScalar<C>,
        verifying_key: VerifyingKey<C>,
    ) -> Self {
        Self { scalar, verifying_key }
    }

    pub(crate) const fn scalar(&self) -> &SecretScalar<C> {
        &self.scalar
    }
}

impl<C: Curve> Clone for SigningKey<C> {
    fn clone(&self) -> Self {
        Self { scalar: self.scalar.clone(), verifying_key: self.verifying_key }
    }
}

impl<C: Curve> zeroize::ZeroizeOnDrop for SigningKey<C> {}

impl<C: Curve> fmt::Debug for SigningKey<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey(redacted, of {:?})", self.verifying_key)
    }
}

/// Why bytes are not a point that a key, a share or a commitment may be. What came over a wire is
/// refused; what came from a file is damaged or was made by something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PointError {
    /// Another number of bytes than this curve's points have: perhaps a key of another curve.
    #[error("a point of {expected} bytes was expected, not {found}")]
    Length {
        /// How many bytes a point of this curve has.
        expected: usize,
        /// How many there were.
        found: usize,
    },
    /// Not the one encoding of a point: an unknown prefix, or a coordinate not below the field's
    /// order.
    #[error("not the canonical encoding of a point")]
    NotCanonical,
    /// The coordinate belongs to no point of the curve.
    #[error("the point is not on the curve")]
    NotOnCurve,
    /// The point has a component of small order (Ed25519 only), which would make one share look
    /// like several.
    #[error("the point is outside the prime-order subgroup")]
    NotInSubgroup,
    /// The identity: the public key of zero.
    #[error("the point is the identity")]
    Identity,
}

/// Why bytes are not a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SigningKeyError {
    /// Another number of bytes than 32.
    #[error("a private key of {expected} bytes was expected, not {found}")]
    Length {
        /// How many bytes a private key has.
        expected: usize,
        /// How many there were.
        found: usize,
    },
    /// Not below the group's order. An Ed25519 *seed* is no scalar: seal it as a secret instead.
    #[error("the private key is not below the order of the group")]
    OutOfRange,
    /// Zero is no key.
    #[error("the private key is zero")]
    Zero,
}

/// Lower-case hexadecimal, for the `Debug` of public values.
pub(crate) fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

#[cfg(test)]
pub(crate) mod testing;

#[cfg(test)]
mod tests;
