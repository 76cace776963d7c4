//! The key tag: what binds a slot's identity to the wallet's public keys.
//!
//! ```text
//! P   = hash_to_curve(wallet id)    P256_XMD:SHA-256_SSWU_RO_ (RFC 9380) with the DST below
//! k   = HKDF-SHA256(x(identity · P), salt = "twoshare/v1/key-tag", info = wallet id, 32 bytes)
//! tag = HMAC-SHA-256(k, "twoshare/v1/key-tag" ‖ wallet id ‖ number of keys ‖ each key)
//! ```
//!
//! Nobody knows the discrete logarithm of `P`, so that only the identity's holder can compute `k`,
//! and `k` says nothing about what the identity agrees upon with ephemeral keys. COSE's key
//! derivation has no salt and ends in other bytes, so that even a common shared point would give
//! unrelated keys; an ephemeral key that is ±P is refused all the same, before the identity is asked.

use core::fmt;

use hmac::{Hmac, KeyInit as _, Mac};
use p256::NistP256;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::{
    check_code::wallet_and_keys,
    curve::AnyVerifyingKey,
    id::WalletId,
    method::{AgreementKey, Identity, MethodError},
};

const DST: &[u8] = b"twoshare/v1/key-tag";
const H2C_DST: &[u8] = b"twoshare/v1/key-tag/P256_XMD:SHA-256_SSWU_RO_";

/// What only the holder of a slot's identity can make for a wallet's public keys. Public.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyTag([u8; 32]);

impl KeyTag {
    /// The tag with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Debug for KeyTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyTag(")?;
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("…)")
    }
}

/// The point of a wallet's key tags.
#[derive(Debug, Clone, Copy)]
pub(super) struct TagPoint(AgreementKey);

impl TagPoint {
    pub(super) fn of(wallet: WalletId) -> Self {
        let point = p256::hash2curve::hash_from_bytes::<
            NistP256,
            p256::hash2curve::ExpandMsgXmd<Sha256>,
        >(&[&wallet.to_bytes()], &[H2C_DST])
        .expect("the tag is neither empty nor over 255 bytes");
        // That the point is the identity has a probability of 2⁻²⁵⁶, and nobody can look for such an id.
        Self(
            AgreementKey::from_point(&point)
                .expect("no wallet id is known to hash to the identity"),
        )
    }

    #[cfg(test)]
    pub(super) const fn key_for_tests(&self) -> AgreementKey {
        self.0
    }

    /// Whether `key` is this point or its negative, with which an identity must not agree as if it
    /// were an ephemeral key.
    pub(super) fn is_plus_or_minus(&self, key: &AgreementKey) -> bool {
        self.0.x() == key.x()
    }

    /// One agreement of the identity.
    pub(super) async fn tag(
        &self,
        identity: &dyn Identity,
        wallet: WalletId,
        keys: &[AnyVerifyingKey],
    ) -> Result<KeyTag, MethodError> {
        let key = identity.agree(&self.0).await?.derive(Some(DST), &wallet.to_bytes());
        let mut mac = <Hmac<Sha256>>::new_from_slice(key.0.as_slice())
            .expect("HMAC takes keys of any length");
        mac.update(DST);
        mac.update(&wallet_and_keys(wallet, keys));
        Ok(KeyTag(mac.finalize().into_bytes().into()))
    }
}

/// In constant time: a tag that is compared byte by byte can be guessed byte by byte.
pub(super) fn tags_equal(one: &KeyTag, other: &KeyTag) -> bool {
    one.0.ct_eq(&other.0).into()
}
