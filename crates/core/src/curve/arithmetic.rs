//! What the protocols need from a curve. Public only so that it can seal [`Curve`](super::Curve):
//! its path is private, and nothing outside this crate can name, implement or call it.

use core::{fmt::Debug, hash::Hash};

use k256::elliptic_curve::{Group, PrimeField};
use zeroize::Zeroize;

use super::PointError;

/// The arithmetic of a curve.
pub trait Arithmetic: Copy + Debug + PartialEq + Eq + Hash + Send + Sync + 'static {
    /// An integer modulo the group's order. Its operations take the same time for every value.
    type Scalar: PrimeField + Zeroize;

    /// A point of the prime-order subgroup.
    type Point: Group<Scalar = Self::Scalar>;

    /// The encoding of a point.
    type PointBytes: AsRef<[u8]> + Copy + Debug + Eq + Ord + Hash + Send + Sync + 'static;

    /// The scalar with these bytes, in the curve's own byte order; `None` unless below the order.
    fn scalar_from_bytes(bytes: &[u8; 32]) -> Option<Self::Scalar>;

    /// The one encoding of a scalar.
    fn scalar_to_bytes(scalar: &Self::Scalar) -> [u8; 32];

    /// The integer with these bytes, in the curve's own byte order, modulo the group's order.
    fn scalar_from_wide(bytes: &[u8; 64]) -> Self::Scalar;

    /// The point with these bytes, checked in every way that [`PointError`] lists.
    fn decode(bytes: &[u8]) -> Result<(Self::Point, Self::PointBytes), PointError>;

    /// The encodings of several points, none the identity, with one field inversion.
    fn encode<const N: usize>(points: [Self::Point; N]) -> [Self::PointBytes; N];

    /// `scalar · G` in constant time, from the precomputed table.
    fn mul_base(scalar: &Self::Scalar) -> Self::Point;

    /// `s · G − c · P` in variable time: of public values only.
    fn mul_base_sub_mul_vartime(
        s: &Self::Scalar,
        c: &Self::Scalar,
        point: &Self::Point,
    ) -> Self::Point;
}
