use core::fmt;

use async_trait::async_trait;
use hkdf::Hkdf;
use p256::{
    NistP256, NonZeroScalar, PublicKey, Scalar,
    elliptic_curve::{
        PrimeField,
        array::Array,
        bigint::{ArrayEncoding, NonZero, U256, U384},
        ecdh::diffie_hellman,
        sec1::{FromSec1Point, Sec1Point, ToSec1Point},
    },
};
use rand_core::CryptoRng;
use sha2::Sha256;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::{Identity, MethodError};
use crate::{curve::wiping, secret::SecretBytes};

/// The public side of a P-256 key agreement: a slot's key, an ephemeral key, or the point of a key
/// tag. Never the identity element.
///
/// It is written uncompressed, so that reading it takes no square root.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AgreementKey {
    point: PublicKey,
    bytes: [u8; Self::LEN],
}

impl AgreementKey {
    /// The length of the encoding.
    pub const LEN: usize = 65;

    /// Reads an uncompressed point: `04 ‖ x ‖ y` (SEC 1, 2.3.4). The point must be on the curve.
    ///
    /// # Errors
    ///
    /// [`AgreementKeyError`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AgreementKeyError> {
        let bytes: [u8; Self::LEN] = bytes.try_into().map_err(|_| AgreementKeyError)?;
        // Of this length there is only the uncompressed form.
        let encoded = Sec1Point::<NistP256>::from_bytes(bytes).map_err(|_| AgreementKeyError)?;
        let point = Option::from(PublicKey::from_sec1_point(&encoded)).ok_or(AgreementKeyError)?;
        Ok(Self { point, bytes })
    }

    /// The uncompressed point: `04 ‖ x ‖ y`.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        self.bytes
    }

    pub(crate) fn from_coordinates(x: &[u8], y: &[u8]) -> Result<Self, AgreementKeyError> {
        Self::from_bytes(&[&[4], x, y].concat())
    }

    pub(crate) fn x(&self) -> &[u8] {
        self.bytes.get(1..33).expect("65 bytes")
    }

    pub(crate) fn y(&self) -> &[u8] {
        self.bytes.get(33..).expect("65 bytes")
    }

    /// `None` for the identity element.
    pub(crate) fn from_point(point: &p256::ProjectivePoint) -> Option<Self> {
        PublicKey::from_affine(point.to_affine()).ok().map(Self::from)
    }
}

impl From<PublicKey> for AgreementKey {
    fn from(point: PublicKey) -> Self {
        let encoded = point.to_sec1_point(false);
        let bytes = encoded.as_bytes().try_into().expect("65 bytes of an uncompressed point");
        Self { point, bytes }
    }
}

impl fmt::Debug for AgreementKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgreementKey(")?;
        self.x().iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("…)")
    }
}

/// Bytes that are not an uncompressed point of P-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not an uncompressed P-256 point")]
pub struct AgreementKeyError;

/// The secret that both sides of a key agreement have: the x-coordinate of the common point.
///
/// On the heap, so that moving it leaves no copies behind; wiped on drop.
#[derive(Clone)]
pub struct AgreedSecret(Box<[u8; 32]>);

impl AgreedSecret {
    /// The secret with these bytes, as hardware returns them.
    #[must_use]
    pub fn from_bytes(mut x: [u8; 32]) -> Self {
        let secret = Self(Box::new(x));
        x.zeroize();
        secret
    }

    #[cfg(test)]
    pub(crate) fn x_for_tests(&self) -> [u8; 32] {
        *self.0
    }

    /// HKDF-SHA256 (RFC 5869) of the secret, 32 bytes.
    pub(crate) fn derive(&self, salt: Option<&[u8]>, info: &[u8]) -> DerivedKey {
        let mut key = DerivedKey(Box::new([0; 32]));
        wiping(|| Hkdf::<Sha256>::new(salt, self.0.as_slice()).expand(info, key.0.as_mut_slice()))
            .expect("32 bytes are less than 255 blocks");
        key
    }
}

/// A key derived from an agreed secret, on the heap like that.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct DerivedKey(pub(crate) Box<[u8; 32]>);

impl fmt::Debug for AgreedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgreedSecret(redacted)")
    }
}

impl Drop for AgreedSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for AgreedSecret {}

/// An identity whose scalar is in memory: derived from a password or a code, or random and kept
/// somewhere by a method.
///
/// On the heap, so that moving it leaves no copies behind; wiped on drop.
pub struct SoftwareIdentity {
    scalar: Box<NonZeroScalar>,
    public_key: AgreementKey,
}

impl SoftwareIdentity {
    /// A random identity.
    #[must_use]
    pub fn make<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut seed = SecretBytes::from(vec![0; 32]);
        // Random bytes are drawn into memory that is wiped.
        rng.fill_bytes(seed.expose_secret_mut());
        Self::derive(&seed, &[], "twoshare/v1/identity/random")
    }

    /// The identity of a secret with at least 128 bits of entropy:
    ///
    /// scalar = 1 + (OS2IP(HKDF-SHA256(secret, salt, domain, 48 bytes)) mod (n − 1))
    ///
    /// whose distance from uniform is below 2⁻¹²⁸ (FIPS 186-5, A.2.1). Constant-time. `domain` keeps
    /// the uses of one secret apart.
    #[must_use]
    pub fn derive(secret: &SecretBytes, salt: &[u8], domain: &str) -> Self {
        wiping(|| {
            let scalar = Box::new(scalar_from_wide(&stretch(secret, salt, domain)));
            let public_key = AgreementKey::from(PublicKey::from_secret_scalar(&scalar));
            Self { scalar, public_key }
        })
    }

    #[cfg(test)]
    pub(crate) fn scalar_for_tests(&self) -> [u8; 32] {
        self.scalar.to_repr().into()
    }

    pub(crate) const fn public(&self) -> AgreementKey {
        self.public_key
    }

    /// One variable-base multiplication.
    pub(crate) fn agree_with(&self, point: &AgreementKey) -> AgreedSecret {
        wiping(|| {
            let shared = diffie_hellman::<NistP256>(*self.scalar, point.point.as_affine());
            AgreedSecret::from_bytes((*shared.raw_secret_bytes()).into())
        })
    }
}

fn stretch(secret: &SecretBytes, salt: &[u8], domain: &str) -> Zeroizing<[u8; 48]> {
    let mut wide = Zeroizing::new([0; 48]);
    // The secret is HKDF's input key material.
    Hkdf::<Sha256>::new(Some(salt), secret.expose_secret())
        .expand(domain.as_bytes(), wide.as_mut())
        .expect("48 bytes are less than 255 blocks");
    wide
}

/// 1 + (OS2IP(wide) mod (n − 1))
fn scalar_from_wide(wide: &[u8; 48]) -> NonZeroScalar {
    let order_less_one = NonZero::new(ORDER.wrapping_sub(&U256::ONE)).expect("n − 1 is not zero");
    let mut wide = U384::from_be_byte_array(Array(*wide));
    let mut reduced = wide.rem(&order_less_one).wrapping_add(&U256::ONE);
    wide.zeroize();
    let mut repr = reduced.to_be_byte_array();
    reduced.zeroize();
    let scalar = Option::<Scalar>::from(Scalar::from_repr(repr)).expect("at most n − 1");
    repr.zeroize();
    Option::from(NonZeroScalar::new(scalar)).expect("at least 1")
}

/// n, the order of P-256 (SP 800-186, 3.2.1.3).
const ORDER: U256 =
    U256::from_be_hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");

#[async_trait]
impl Identity for SoftwareIdentity {
    fn public_key(&self) -> AgreementKey {
        self.public_key
    }

    async fn agree(&self, point: &AgreementKey) -> Result<AgreedSecret, MethodError> {
        Ok(self.agree_with(point))
    }
}

impl fmt::Debug for SoftwareIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftwareIdentity")
            .field("public_key", &self.public_key)
            .finish_non_exhaustive()
    }
}

impl Drop for SoftwareIdentity {
    fn drop(&mut self) {
        self.scalar.zeroize();
    }
}

impl ZeroizeOnDrop for SoftwareIdentity {}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn scalars_at_the_edges_are_from_one_to_the_order_less_one() {
        let one = NonZeroScalar::new(Scalar::ONE).unwrap();
        let wide = |number: U256| {
            let mut bytes = [0; 48];
            bytes[16..].copy_from_slice(&number.to_be_byte_array());
            bytes
        };
        assert_eq!(scalar_from_wide(&[0; 48]).as_ref(), one.as_ref());
        assert_eq!(scalar_from_wide(&wide(ORDER.wrapping_sub(&U256::ONE))).as_ref(), one.as_ref());
        let largest = scalar_from_wide(&wide(ORDER.wrapping_sub(&U256::from(2u8))));
        assert_eq!(largest.as_ref(), &-Scalar::ONE);
        // 2³⁸⁴ − 1 mod (n − 1), plus 1: computed with Python's integers.
        let repr = scalar_from_wide(&[0xFF; 48]).to_repr();
        assert_eq!(hex::encode(repr), include_str!("agreement/all-ones.hex").trim());
    }

    #[test]
    fn both_sides_agree() {
        let mut rng = rand::rngs::ChaCha20Rng::seed_from_u64(7);
        let (one, two) = (SoftwareIdentity::make(&mut rng), SoftwareIdentity::make(&mut rng));
        let there = pollster::block_on(one.agree(&two.public_key())).unwrap();
        let back = pollster::block_on(two.agree(&one.public_key())).unwrap();
        assert_eq!(there.0, back.0);
    }

    #[test]
    fn only_uncompressed_points_on_the_curve_are_read() {
        let key =
            SoftwareIdentity::make(&mut rand::rngs::ChaCha20Rng::seed_from_u64(7)).public_key();
        let bytes = key.to_bytes();
        assert_eq!(AgreementKey::from_bytes(&bytes), Ok(key));
        let mut off = bytes;
        off[64] ^= 1;
        let mut hybrid = bytes;
        hybrid[0] = 6 | (bytes[64] & 1);
        let mut compressed = bytes[..33].to_vec();
        compressed[0] = 2;
        for refused in [
            &off[..],
            &hybrid,
            &compressed,
            &[0],
            &[],
            &[4; 65],
            &bytes[..64],
            &[&bytes[..], &[0]].concat(),
        ] {
            assert_eq!(AgreementKey::from_bytes(refused), Err(AgreementKeyError));
        }
    }

    #[test]
    fn debug_is_redacted() {
        let identity = SoftwareIdentity::make(&mut rand::rngs::ChaCha20Rng::seed_from_u64(7));
        let scalar = hex::encode(identity.scalar.to_repr());
        assert!(!format!("{identity:?}").contains(&scalar[..8]));
        assert_eq!(format!("{:?}", AgreedSecret::from_bytes([7; 32])), "AgreedSecret(redacted)");
    }
}
