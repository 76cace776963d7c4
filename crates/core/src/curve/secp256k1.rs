use core::array;

use k256::{
    AffinePoint, CompressedPoint, ProjectivePoint, Scalar, WideBytes,
    elliptic_curve::{
        BatchNormalize, PrimeField,
        group::GroupEncoding,
        ops::{MulByGeneratorVartime, Reduce},
    },
};

use super::{Curve, PointError, arithmetic::Arithmetic};
use crate::id::CurveId;

/// secp256k1 (SEC 2, version 2, section 2.4.1): Bitcoin, Ethereum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Secp256k1;

impl Curve for Secp256k1 {
    const ID: CurveId = CurveId::Secp256k1;
    const POINT_LEN: usize = 33;
}

/// The order of the field, p = 2²⁵⁶ − 2³² − 977, big-endian: x-coordinates are below it.
const FIELD_ORDER: [u8; 32] = {
    let mut order = [0xff; 32];
    order[27] = 0xfe;
    order[30] = 0xfc;
    order[31] = 0x2f;
    order
};

impl Arithmetic for Secp256k1 {
    type Scalar = Scalar;
    type Point = ProjectivePoint;
    type PointBytes = [u8; 33];

    fn scalar_from_bytes(bytes: &[u8; 32]) -> Option<Scalar> {
        Scalar::from_repr((*bytes).into()).into()
    }

    fn scalar_to_bytes(scalar: &Scalar) -> [u8; 32] {
        scalar.to_bytes().into()
    }

    fn scalar_from_wide(bytes: &[u8; 64]) -> Scalar {
        Scalar::reduce(&WideBytes::from(*bytes))
    }

    fn decode(bytes: &[u8]) -> Result<(ProjectivePoint, [u8; 33]), PointError> {
        let bytes: [u8; 33] = bytes
            .try_into()
            .map_err(|_| PointError::Length { expected: Self::POINT_LEN, found: bytes.len() })?;
        if bytes == [0; 33] {
            return Err(PointError::Identity);
        }
        let (prefix, x) = bytes.split_first().expect("33 bytes have a first");
        if !matches!(prefix, 2 | 3) || x >= FIELD_ORDER.as_slice() {
            return Err(PointError::NotCanonical);
        }
        let point: Option<AffinePoint> =
            AffinePoint::from_bytes(&CompressedPoint::from(bytes)).into();
        Ok((point.ok_or(PointError::NotOnCurve)?.into(), bytes))
    }

    fn encode<const N: usize>(points: [ProjectivePoint; N]) -> [[u8; 33]; N] {
        let affine =
            <ProjectivePoint as BatchNormalize<[ProjectivePoint; N]>>::batch_normalize(&points);
        let mut affine = affine.iter();
        array::from_fn(|_| affine.next().expect("one for each").to_bytes().into())
    }

    fn mul_base(scalar: &Scalar) -> ProjectivePoint {
        ProjectivePoint::mul_by_generator(scalar)
    }

    fn mul_base_sub_mul_vartime(
        s: &Scalar,
        c: &Scalar,
        point: &ProjectivePoint,
    ) -> ProjectivePoint {
        ProjectivePoint::mul_by_generator_and_mul_add_vartime(s, &-c, point)
    }
}
