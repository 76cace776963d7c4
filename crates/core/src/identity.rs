//! The custodian's identity: what a client pins before it believes anything that a custodian says.
//!
//! Two P-256 keys, because that is the curve which key-management services, HSMs and secure
//! elements hold: one signs (nonces, receipts, states), the other seals
//! ([`channel`](crate::channel)). The identity is part of the app's configuration and of every
//! envelope's payload; a [`RotationStatement`] leads from one to its successor.

use core::{cmp::Ordering, fmt, hash, str::FromStr};

use p256::{
    ecdsa::{
        self,
        signature::{MultipartSigner, MultipartVerifier},
    },
    elliptic_curve::{Generate, sec1::ToSec1Point},
};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{base32, curve::wiping, secret::SecretBytes};

/// Prefixed to everything that an identity signs.
const SIGNATURE_LABEL: &[u8] = b"twoshare/v1/custodian/sign";

/// Prefixed to an identity where its text's checksum is computed.
const CHECKSUM_LABEL: &[u8] = b"twoshare/v1/custodian/text";

const CHECKSUM_LEN: usize = 4;
const POINT_LEN: usize = 33;
const SCALAR_LEN: usize = 32;

/// The version of [`CustodianKeys::to_bytes`].
const KEYS_VERSION: u8 = 1;

/// A custodian's public identity: its signing key and its sealing key.
///
/// As text it is 112 letters and digits that survive being pasted with line breaks, spaces and
/// changed case, and that catch a mistyped character.
#[derive(Clone, Copy)]
pub struct CustodianIdentity {
    bytes: [u8; Self::LEN],
    signing: ecdsa::VerifyingKey,
    sealing: p256::PublicKey,
}

impl CustodianIdentity {
    /// How many bytes an identity has: two SEC 1 compressed points.
    pub const LEN: usize = 2 * POINT_LEN;

    /// The identity with these bytes: the signing key, then the sealing key, each a SEC 1
    /// compressed point of P-256.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes; an identity has exactly one encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdentityError> {
        let bytes: [u8; Self::LEN] =
            bytes.try_into().map_err(|_| IdentityError::Length { found: bytes.len() })?;
        let (signing, sealing) = bytes.split_at(POINT_LEN);
        let identity = Self {
            bytes,
            signing: decode_point(signing).ok_or(IdentityError::SigningKey)?.into(),
            sealing: decode_point(sealing).ok_or(IdentityError::SealingKey)?,
        };
        // A key and its negative are the same secret, so the sign is left out.
        if signing.get(1..) == sealing.get(1..) {
            return Err(IdentityError::SameKey);
        }
        Ok(identity)
    }

    /// The 66 bytes of this identity.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; Self::LEN] {
        self.bytes
    }

    /// The custodian id: SHA-256 of the 66 bytes. It stands for the custodian in every proof,
    /// context and key schedule.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.bytes).into()
    }

    /// Checks that the holder of this identity signed `message` in `domain`.
    ///
    /// # Errors
    ///
    /// The signature is not this identity's, or of another message or domain.
    pub fn verify(
        &self,
        domain: SigningDomain,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), SignatureError> {
        let length = [domain.length()];
        self.signing
            .multipart_verify(
                &[SIGNATURE_LABEL, &length, domain.0.as_bytes(), message],
                &signature.0,
            )
            .map_err(|_| SignatureError::Invalid)
    }

    /// The key that messages are sealed to.
    pub(crate) const fn sealing_key(&self) -> &p256::PublicKey {
        &self.sealing
    }

    fn checksum(&self) -> [u8; CHECKSUM_LEN] {
        let digest = Sha256::new().chain_update(CHECKSUM_LABEL).chain_update(self.bytes).finalize();
        let mut checksum = [0; CHECKSUM_LEN];
        checksum.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        checksum
    }
}

impl PartialEq for CustodianIdentity {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for CustodianIdentity {}

impl PartialOrd for CustodianIdentity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CustodianIdentity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes.cmp(&other.bytes)
    }
}

impl hash::Hash for CustodianIdentity {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

impl fmt::Display for CustodianIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; Self::LEN + CHECKSUM_LEN];
        bytes
            .iter_mut()
            .zip(self.bytes.into_iter().chain(self.checksum()))
            .for_each(|(to, from)| *to = from);
        f.write_str(&base32::encode(&bytes))
    }
}

impl fmt::Debug for CustodianIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustodianIdentity({self})")
    }
}

impl FromStr for CustodianIdentity {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let bytes = base32::decode(text).ok_or(IdentityError::Text)?;
        let (identity, checksum) = bytes
            .split_at_checked(Self::LEN)
            .ok_or(IdentityError::Length { found: bytes.len() })?;
        if checksum.len() != CHECKSUM_LEN {
            return Err(IdentityError::Length { found: bytes.len() });
        }
        // The checksum first: a mistyped character should be called that, not a bad point.
        let digest = Sha256::new().chain_update(CHECKSUM_LABEL).chain_update(identity).finalize();
        if !digest.starts_with(checksum) {
            return Err(IdentityError::Mistyped);
        }
        Self::from_bytes(identity)
    }
}

/// Why bytes or a text are not a custodian's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// It has the wrong length: ask for the whole key, it was probably cut.
    #[error("a custodian's key has 66 bytes as bytes and 70 as text, not {found}")]
    Length {
        /// How many bytes there are.
        found: usize,
    },
    /// It has characters that no such text has: check what was pasted.
    #[error("not a custodian's key: letters and digits are expected")]
    Text,
    /// The checksum does not fit: a character was mistyped; compare it with the original.
    #[error("a character of the custodian's key is mistyped")]
    Mistyped,
    /// The signing key is not a point of P-256: do not use this identity.
    #[error("the custodian's signing key is not a point of P-256")]
    SigningKey,
    /// The sealing key is not a point of P-256: do not use this identity.
    #[error("the custodian's sealing key is not a point of P-256")]
    SealingKey,
    /// Both keys are the same, which no honest custodian makes: do not use this identity.
    #[error("the custodian's signing and sealing keys are the same")]
    SameKey,
}

/// What a signature is for. A signature of one domain says nothing in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SigningDomain(&'static str);

impl SigningDomain {
    /// A successor's identity, signed by the one before: [`RotationStatement`].
    pub const ROTATION: Self = Self::new("rotation");

    /// The domain with this name, of 1 to 255 bytes.
    ///
    /// # Panics
    ///
    /// The name is empty or longer. A domain is a constant, so that this is found when compiling.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        assert!(!name.is_empty() && name.len() <= 255, "a domain has 1 to 255 bytes");
        Self(name)
    }

    /// The SHA-256 digest that is signed for `message`: what a key-management service is given to
    /// sign with ECDSA, where the signing key never leaves it.
    #[must_use]
    pub fn digest(self, message: &[u8]) -> [u8; 32] {
        Sha256::new()
            .chain_update(SIGNATURE_LABEL)
            .chain_update([self.length()])
            .chain_update(self.0)
            .chain_update(message)
            .finalize()
            .into()
    }

    fn length(self) -> u8 {
        u8::try_from(self.0.len()).expect("checked when the domain was made")
    }
}

/// A signature of a custodian: ECDSA over P-256 with SHA-256 (FIPS 186-5), with the lower of the
/// two possible `s`, so that a message signed once has one signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(ecdsa::Signature);

impl Signature {
    /// How many bytes a signature has.
    pub const LEN: usize = 64;

    /// The signature with these bytes: `r`, then `s`, each 32 bytes big-endian.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes; a signature has exactly one encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SignatureError> {
        let signature = Self::normalize(bytes)?;
        if signature.0.to_bytes().as_slice() != bytes {
            return Err(SignatureError::HighS);
        }
        Ok(signature)
    }

    /// Like [`Signature::from_bytes`], of a signature that may have the higher `s`, as
    /// key-management services make them.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes.
    pub fn normalize(bytes: &[u8]) -> Result<Self, SignatureError> {
        if bytes.len() != Self::LEN {
            return Err(SignatureError::Length { found: bytes.len() });
        }
        let signature =
            ecdsa::Signature::from_slice(bytes).map_err(|_| SignatureError::OutOfRange)?;
        Ok(Self(signature.normalize_s()))
    }

    /// The 64 bytes of this signature.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        self.0.to_bytes().into()
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({})", base32::encode(&self.to_bytes()))
    }
}

/// Why a signature is not one, or not of this message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// It is not 64 bytes long: refuse the message.
    #[error("a signature has 64 bytes, not {found}")]
    Length {
        /// How many bytes there are.
        found: usize,
    },
    /// `r` or `s` is zero or not below the order: refuse the message.
    #[error("not an ECDSA signature over P-256")]
    OutOfRange,
    /// It is the other encoding of a signature: refuse the message. Whoever signs with a service
    /// that makes these uses [`Signature::normalize`] before sending.
    #[error("the signature has the higher of its two forms")]
    HighS,
    /// Somebody else signed, or something else was signed: do not believe the message.
    #[error("the custodian did not sign this")]
    Invalid,
}

/// The secret side of a [`CustodianIdentity`]. On the heap, so that moving it leaves no copies.
pub struct CustodianKeys {
    signing: Box<ecdsa::SigningKey>,
    sealing: Box<p256::SecretKey>,
    identity: CustodianIdentity,
}

impl CustodianKeys {
    /// New random keys.
    #[must_use]
    pub fn make<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        wiping(|| {
            let signing = p256::SecretKey::generate_from_rng(rng);
            loop {
                let sealing = p256::SecretKey::generate_from_rng(rng);
                if let Ok(keys) = Self::new(signing.clone(), sealing) {
                    return keys;
                }
            }
        })
    }

    /// The keys that [`CustodianKeys::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CustodianKeysError> {
        let length = CustodianKeysError::Length { found: bytes.len() };
        let (&version, scalars) = bytes.split_first().ok_or(length)?;
        match version {
            KEYS_VERSION => {}
            0 => return Err(CustodianKeysError::Damaged),
            _ => {
                let (found, supported) = (version.into(), KEYS_VERSION.into());
                return Err(CustodianKeysError::NewerVersion { found, supported });
            }
        }
        let (signing, sealing) = scalars.split_at_checked(SCALAR_LEN).ok_or(length)?;
        if sealing.len() != SCALAR_LEN {
            return Err(length);
        }
        wiping(|| Self::new(scalar(signing)?, scalar(sealing)?))
    }

    /// The public side.
    #[must_use]
    pub const fn identity(&self) -> &CustodianIdentity {
        &self.identity
    }

    /// Signs `message` in `domain`. The same message has the same signature (RFC 6979), so that an
    /// answer can be rebuilt.
    #[must_use]
    pub fn sign(&self, domain: SigningDomain, message: &[u8]) -> Signature {
        let length = [domain.length()];
        let message = [SIGNATURE_LABEL, &length, domain.0.as_bytes(), message];
        let signature: ecdsa::Signature = wiping(|| self.signing.multipart_sign(&message));
        Signature(signature.normalize_s())
    }

    /// The statement that `next` succeeds this identity. `next` signs it too: nobody can make
    /// another's identity his own successor.
    #[must_use]
    pub fn rotate_to(&self, next: &Self) -> RotationStatement {
        let (from, to) = (self.identity, next.identity);
        let message = RotationStatement::message(&from, &to);
        RotationStatement {
            from,
            to,
            by_old: self.sign(SigningDomain::ROTATION, &message),
            by_new: next.sign(SigningDomain::ROTATION, &message),
        }
    }

    /// Both secret scalars, to be stored under the custodian's key-management service.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        wiping(|| {
            let mut bytes = SecretBytes::with_capacity(1 + 2 * SCALAR_LEN);
            bytes.extend(&[KEYS_VERSION]);
            bytes.extend(&Zeroizing::new(self.signing.to_bytes()));
            bytes.extend(&Zeroizing::new(self.sealing.to_bytes()));
            bytes
        })
    }

    /// The secret half of [`CustodianIdentity::sealing_key`].
    pub(crate) fn sealing_key(&self) -> &p256::SecretKey {
        &self.sealing
    }

    fn new(signing: p256::SecretKey, sealing: p256::SecretKey) -> Result<Self, CustodianKeysError> {
        // d and n − d have the same x-coordinate: the public side tells.
        let (signing, sealing) = (Box::new(ecdsa::SigningKey::from(signing)), Box::new(sealing));
        let mut bytes = [0; CustodianIdentity::LEN];
        let points =
            [signing.verifying_key().to_sec1_point(true), sealing.public_key().to_sec1_point(true)];
        bytes
            .iter_mut()
            .zip(points.iter().flat_map(|point| point.as_bytes()))
            .for_each(|(to, from)| *to = *from);
        let identity =
            CustodianIdentity::from_bytes(&bytes).map_err(|_| CustodianKeysError::SameKey)?;
        Ok(Self { signing, sealing, identity })
    }
}

/// The point that these 33 bytes encode as SEC 1 compressed: on the curve, its x below p. The tag is
/// checked here because the decoder knows another form of this length, "compact" with tag 5.
pub(crate) fn decode_point(bytes: &[u8]) -> Option<p256::PublicKey> {
    let compressed = bytes.len() == POINT_LEN && matches!(bytes.first(), Some(2 | 3));
    compressed.then(|| p256::PublicKey::from_sec1_bytes(bytes).ok())?
}

fn scalar(bytes: &[u8]) -> Result<p256::SecretKey, CustodianKeysError> {
    let bytes: &p256::FieldBytes = bytes.try_into().map_err(|_| CustodianKeysError::Damaged)?;
    p256::SecretKey::from_bytes(bytes).map_err(|_| CustodianKeysError::Damaged)
}

impl ZeroizeOnDrop for CustodianKeys {}

impl fmt::Debug for CustodianKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustodianKeys(redacted, {})", self.identity)
    }
}

/// Why bytes are not a custodian's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CustodianKeysError {
    /// A newer version of this library wrote them: update.
    #[error("version {found} of the keys is newer than {supported}, the newest known here")]
    NewerVersion {
        /// The version of these bytes.
        found: u64,
        /// The newest version read here.
        supported: u64,
    },
    /// They are cut or have bytes after their end: restore them from a backup.
    #[error("custodian keys have 65 bytes, not {found}")]
    Length {
        /// How many bytes there are.
        found: usize,
    },
    /// The version is zero, or a scalar is zero or not below the order: restore them from a backup.
    #[error("not the keys of a custodian")]
    Damaged,
    /// Both keys are the same: make new ones.
    #[error("the signing and the sealing key are the same")]
    SameKey,
}

/// What leads from an identity to its successor, as it was received: nothing in it is to be
/// believed before [`RotationStatement::verify`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationStatement {
    from: CustodianIdentity,
    to: CustodianIdentity,
    by_old: Signature,
    by_new: Signature,
}

impl RotationStatement {
    /// How many bytes a statement has.
    pub const LEN: usize = 2 * (CustodianIdentity::LEN + Signature::LEN);

    /// The statement with these bytes: the old identity, the new one, the old one's signature, the
    /// new one's.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RotationError> {
        let length = || RotationError::Length { found: bytes.len() };
        let (identities, signatures) =
            bytes.split_at_checked(2 * CustodianIdentity::LEN).ok_or_else(length)?;
        if signatures.len() != 2 * Signature::LEN {
            return Err(length());
        }
        let (from, to) = identities.split_at(CustodianIdentity::LEN);
        let (by_old, by_new) = signatures.split_at(Signature::LEN);
        Ok(Self {
            from: CustodianIdentity::from_bytes(from)?,
            to: CustodianIdentity::from_bytes(to)?,
            by_old: Signature::from_bytes(by_old)?,
            by_new: Signature::from_bytes(by_new)?,
        })
    }

    /// The 260 bytes of this statement.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Self::message(&self.from, &self.to);
        bytes.extend_from_slice(&self.by_old.to_bytes());
        bytes.extend_from_slice(&self.by_new.to_bytes());
        bytes
    }

    /// The successor of `known`, the identity that is believed now.
    ///
    /// # Errors
    ///
    /// The statement is of another identity, or not signed by both.
    pub fn verify(&self, known: &CustodianIdentity) -> Result<CustodianIdentity, RotationError> {
        if self.from != *known {
            return Err(RotationError::OtherIdentity { of: Box::new(self.from) });
        }
        let message = Self::message(&self.from, &self.to);
        known
            .verify(SigningDomain::ROTATION, &message, &self.by_old)
            .map_err(|_| RotationError::NotByOld)?;
        self.to
            .verify(SigningDomain::ROTATION, &message, &self.by_new)
            .map_err(|_| RotationError::NotByNew)?;
        Ok(self.to)
    }

    fn message(from: &CustodianIdentity, to: &CustodianIdentity) -> Vec<u8> {
        [from.bytes, to.bytes].concat()
    }
}

/// Why a statement does not lead to a new identity.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RotationError {
    /// It is not 260 bytes long: ask for it again.
    #[error("a rotation statement has 260 bytes, not {found}")]
    Length {
        /// How many bytes there are.
        found: usize,
    },
    /// One of its identities is not one: refuse it.
    #[error("the rotation statement names no identity")]
    Identity(#[from] IdentityError),
    /// One of its signatures is not one: refuse it.
    #[error("the rotation statement has no signature")]
    Signature(#[from] SignatureError),
    /// It is about another custodian, or about another step of a longer chain: try the statement
    /// that starts at the identity which is believed now.
    #[error("the rotation statement starts at another identity")]
    OtherIdentity {
        /// The identity it starts at.
        of: Box<CustodianIdentity>,
    },
    /// The identity that is believed now did not sign it: keep believing that one.
    #[error("the rotation statement is not signed by the identity it replaces")]
    NotByOld,
    /// The new identity did not sign it: whoever made it may not hold that key.
    #[error("the rotation statement is not signed by the new identity")]
    NotByNew,
}

#[cfg(test)]
mod tests;
