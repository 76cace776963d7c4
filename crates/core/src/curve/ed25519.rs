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
        let point = CompressedEdwardsY(bytes).decompress().ok_or(PointError::NotOnCurve)?;
        // The library reads y ≥ p and the negative zero; there is one encoding only.
        if point.compress().to_bytes() != bytes {
            return Err(PointError::NotCanonical);
        }
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
