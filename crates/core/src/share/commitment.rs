use core::fmt;

use k256::elliptic_curve::Group;
use thiserror::Error;

use super::ShareError;
use crate::{
    curve::{Curve, PointError, SecretScalar, VerifyingKey, write_hex},
    id::Role,
};

/// The Feldman commitment `[X, A]` of one sharing of one key: public, and the same for both roles.
///
/// Neither `X` (the public key), `A` (the slope), nor either verifying share `F_i = X + i·A` is
/// the identity, and all are in the prime-order subgroup.
#[derive(Clone)]
pub struct Commitment<C: Curve> {
    verifying_key: VerifyingKey<C>,
    slope: VerifyingKey<C>,
    /// `F_1` and `F_2`, computed once.
    verifying_shares: [C::Point; 2],
}

impl<C: Curve> Commitment<C> {
    /// The commitment with this encoding: `X`, then `A`.
    ///
    /// # Errors
    ///
    /// See [`CommitmentError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CommitmentError> {
        let expected = 2 * C::POINT_LEN;
        let (key, slope) = bytes
            .split_at_checked(C::POINT_LEN)
            .filter(|_| bytes.len() == expected)
            .ok_or(CommitmentError::Length { expected, found: bytes.len() })?;
        Self::from_keys(
            VerifyingKey::from_bytes(key).map_err(CommitmentError::Key)?,
            VerifyingKey::from_bytes(slope).map_err(CommitmentError::Slope)?,
        )
    }

    /// The encodings of `X` and `A`, one after the other.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.verifying_key.as_bytes(), self.slope.as_bytes()].concat()
    }

    /// `X`, the public key that is shared.
    #[must_use]
    pub const fn verifying_key(&self) -> &VerifyingKey<C> {
        &self.verifying_key
    }

    /// `F_i = f(i)·G`, which belongs to the share of `role`.
    #[must_use]
    pub const fn verifying_share(&self, role: Role) -> VerifyingShare<C> {
        VerifyingShare { role, point: *self.share_point(role) }
    }

    /// For an `X` that is known and a point of the subgroup that is to be its slope.
    pub(crate) fn from_points(
        verifying_key: VerifyingKey<C>,
        slope: C::Point,
    ) -> Result<Self, CommitmentError> {
        Self::from_keys(
            verifying_key,
            VerifyingKey::from_point(slope).map_err(CommitmentError::Slope)?,
        )
    }

    pub(crate) fn from_keys(
        verifying_key: VerifyingKey<C>,
        slope: VerifyingKey<C>,
    ) -> Result<Self, CommitmentError> {
        let client = *verifying_key.point() + slope.point();
        let custodian = client + slope.point();
        for (role, point) in [(Role::Client, client), (Role::Custodian, custodian)] {
            if point.is_identity().into() {
                return Err(CommitmentError::ZeroShare { role });
            }
        }
        Ok(Self { verifying_key, slope, verifying_shares: [client, custodian] })
    }

    /// Whether `value` is the share of `role`: `value·G = F_i`.
    pub(crate) fn verify(&self, role: Role, value: &SecretScalar<C>) -> Result<(), ShareError> {
        if value.mul_base() == *self.share_point(role) {
            Ok(())
        } else {
            Err(ShareError::NotCommitted)
        }
    }

    pub(crate) const fn share_point(&self, role: Role) -> &C::Point {
        let [client, custodian] = &self.verifying_shares;
        match role {
            Role::Client => client,
            Role::Custodian => custodian,
        }
    }

    /// `A`: two sharings of a key whose slopes are equal are one.
    pub(crate) const fn slope(&self) -> &VerifyingKey<C> {
        &self.slope
    }
}

/// Two commitments are equal when their encodings are.
impl<C: Curve> PartialEq for Commitment<C> {
    fn eq(&self, other: &Self) -> bool {
        self.verifying_key == other.verifying_key && self.slope == other.slope
    }
}

impl<C: Curve> Eq for Commitment<C> {}

impl<C: Curve> fmt::Debug for Commitment<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({} ", C::ID)?;
        write_hex(f, self.verifying_key.as_bytes())?;
        f.write_str(" ")?;
        write_hex(f, self.slope.as_bytes())?;
        f.write_str(")")
    }
}

/// `F_i = f(i)·G`: the public side of one role's share, as signing libraries want it.
#[derive(Clone, Copy)]
pub struct VerifyingShare<C: Curve> {
    role: Role,
    point: C::Point,
}

impl<C: Curve> VerifyingShare<C> {
    /// Whose share it is of.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The encoding of the point, as of a [`VerifyingKey`].
    #[must_use]
    pub fn to_bytes(&self) -> C::PointBytes {
        let [bytes] = C::encode([self.point]);
        bytes
    }
}

impl<C: Curve> fmt::Debug for VerifyingShare<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingShare({} {} ", self.role, C::ID)?;
        write_hex(f, self.to_bytes().as_ref())?;
        f.write_str(")")
    }
}

/// Why bytes are not a commitment. What came over a wire is refused; what came from a file is
/// damaged, or was not made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CommitmentError {
    /// Another number of bytes than two points have: another curve, or another threshold.
    #[error("a commitment of {expected} bytes was expected, not {found}")]
    Length {
        /// How many bytes a commitment on this curve has.
        expected: usize,
        /// How many there were.
        found: usize,
    },
    /// `X` is not a public key.
    #[error("the public key in the commitment is refused")]
    Key(#[source] PointError),
    /// `A` is not a slope. For the identity both shares would be the key itself.
    #[error("the slope in the commitment is refused")]
    Slope(#[source] PointError),
    /// This role's share would be zero: the other one alone would be the key.
    #[error("the {role}'s share would be zero")]
    ZeroShare {
        /// Whose share it is.
        role: Role,
    },
}
