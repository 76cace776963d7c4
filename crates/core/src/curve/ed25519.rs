use curve25519_dalek::{
    edwards::{CompressedEdwardsY, EdwardsPoint},
    scalar::Scalar,
    traits::IsIdentity,
};

use super::{Curve, PointError, arithmetic::Arithmetic};
use crate::id::CurveId;

/// The prime-order subgroup of edwards25519 (RFC 7748, RFC 8032): Solana, Cardano, NEAR.
///
/// Points are checked to be in the subgroup once, when they are decoded; after that no equation
/// multiplies by the cofactor, and scalars are never clamped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ed25519;

impl Curve for Ed25519 {
    const ID: CurveId = CurveId::Ed25519;
    const POINT_LEN: usize = 32;
}

impl Arithmetic for Ed25519 {
    type Scalar = Scalar;
    type Point = EdwardsPoint;
    type PointBytes = [u8; 32];

    fn scalar_from_bytes(bytes: &[u8; 32]) -> Option<Scalar> {
        Scalar::from_canonical_bytes(*bytes).into()
    }

    fn scalar_to_bytes(scalar: &Scalar) -> [u8; 32] {
        scalar.to_bytes()
    }

    fn scalar_from_wide(bytes: &[u8; 64]) -> Scalar {
        Scalar::from_bytes_mod_order_wide(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<(EdwardsPoint, [u8; 32]), PointError> {
        let bytes: [u8; 32] = bytes
            .try_into()
            .map_err(|_| PointError::Length { expected: Self::POINT_LEN, found: bytes.len() })?;
        if !is_canonical(&bytes) {
            return Err(PointError::NotCanonical);
        }
        let point = CompressedEdwardsY(bytes).decompress().ok_or(PointError::NotOnCurve)?;
        if point.is_identity() {
            return Err(PointError::Identity);
        }
        if !point.is_torsion_free() {
            return Err(PointError::NotInSubgroup);
        }
        Ok((point, bytes))
    }

    fn encode<const N: usize>(points: [EdwardsPoint; N]) -> [[u8; 32]; N] {
        EdwardsPoint::compress_batch(&points).map(|point| point.to_bytes())
    }

    fn mul_base(scalar: &Scalar) -> EdwardsPoint {
        EdwardsPoint::mul_base(scalar)
    }

    fn mul_base_sub_mul_vartime(s: &Scalar, c: &Scalar, point: &EdwardsPoint) -> EdwardsPoint {
        EdwardsPoint::vartime_double_scalar_mul_basepoint(&-c, point, s)
    }
}

/// Whether these bytes are those that their point is written as: y < p = 2²⁵⁵ − 19, and the sign
/// of an x that is zero, which belongs to y = ±1, is clear. The library reads the others as well.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    const ONE: [u8; 32] = {
        let mut one = [0; 32];
        one[0] = 1;
        one
    };
    const MINUS_ONE: [u8; 32] = {
        let mut minus_one = [0xff; 32];
        minus_one[0] = 0xec;
        minus_one[31] = 0x7f;
        minus_one
    };
    let mut y = *bytes;
    let [.., last] = &mut y;
    let negative = *last >= 0x80;
    *last &= 0x7f;
    // Little-endian: the most significant bytes are compared first.
    let below_p = y.iter().rev().le(MINUS_ONE.iter().rev());
    below_p && !(negative && (y == ONE || y == MINUS_ONE))
}
