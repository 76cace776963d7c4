use core::{fmt, hint::black_box};

use k256::elliptic_curve::Field;
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

use super::{Curve, SCALAR_LEN};
use crate::secret::SecretBytes;

/// A secret integer modulo the group's order: a key, a share, a nonce or a step between them. All
/// secret arithmetic goes through it.
///
/// On the heap, so that moving it leaves no copies behind; wiped on drop.
pub(crate) struct SecretScalar<C: Curve>(Box<C::Scalar>);

impl<C: Curve> SecretScalar<C> {
    pub(crate) fn new(mut scalar: C::Scalar) -> Self {
        let secret = Self(Box::new(scalar));
        scalar.zeroize();
        secret
    }

    /// Uniform over the field: 512 random bits modulo the order.
    pub(crate) fn make<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut wide = Zeroizing::new([0; 64]);
        rng.fill_bytes(wide.as_mut());
        Self::from_wide(&wide)
    }

    pub(crate) fn from_wide(wide: &[u8; 64]) -> Self {
        Self::new(C::scalar_from_wide(wide))
    }

    /// `None` unless below the order.
    pub(crate) fn from_bytes(bytes: &[u8; SCALAR_LEN]) -> Option<Self> {
        C::scalar_from_bytes(bytes).map(Self::new)
    }

    pub(crate) fn expose_secret(&self) -> SecretBytes {
        wiping(|| SecretBytes::from(self.to_bytes().as_slice()))
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<[u8; SCALAR_LEN]> {
        Zeroizing::new(C::scalar_to_bytes(&self.0))
    }

    /// The integer itself, for the modules that hand it to a library.
    pub(crate) const fn expose_scalar(&self) -> &C::Scalar {
        &self.0
    }

    pub(crate) fn mul_base(&self) -> C::Point {
        C::mul_base(&self.0)
    }

    pub(crate) fn add(&self, other: &Self) -> Self {
        Self::new(*self.0 + *other.0)
    }

    pub(crate) fn sub(&self, other: &Self) -> Self {
        Self::new(*self.0 - *other.0)
    }

    pub(crate) fn mul(&self, public: &C::Scalar) -> Self {
        Self::new(*self.0 * public)
    }

    pub(crate) fn double(&self) -> Self {
        Self::new(self.0.double())
    }
}

impl<C: Curve> Clone for SecretScalar<C> {
    fn clone(&self) -> Self {
        wiping(|| Self::new(*self.0))
    }
}

impl<C: Curve> Drop for SecretScalar<C> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<C: Curve> zeroize::ZeroizeOnDrop for SecretScalar<C> {}

impl<C: Curve> fmt::Debug for SecretScalar<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretScalar({}, redacted)", C::ID)
    }
}

/// Does `work` with secrets, then overwrites the part of the stack that it used: arithmetic passes
/// secrets by value, and `Drop` wipes only where they ended up. What is returned holds its secrets
/// on the heap.
pub(crate) fn wiping<T>(work: impl FnOnce() -> T) -> T {
    #[inline(never)]
    fn apart<T>(work: impl FnOnce() -> T) -> T {
        work()
    }
    let result = apart(work);
    wipe_stack();
    result
}

/// More than any operation here needs; the deepest copies a table of 31 KiB.
const STACK: usize = 48 * 1024;

/// Overwrites the part of the stack that the calls before this one used.
#[inline(never)]
fn wipe_stack() {
    black_box(&mut [0u8; STACK]);
}
