use std::fmt;

use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// 32 secret bytes that the platform keeps for a [`FileDevice`](super::FileDevice): in the Keychain, for
/// this device only and while it is unlocked, or sealed by a key of the Keystore.
///
/// The bytes are random, not a password: nothing slows a guess down.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct PlatformKey(Box<[u8; 32]>);

impl PlatformKey {
    /// A new one.
    #[must_use]
    pub fn make(rng: &mut impl CryptoRng) -> Self {
        let mut key = Self(Box::new([0; 32]));
        rng.fill_bytes(key.0.as_mut_slice());
        key
    }

    /// The one with these bytes, as the platform has kept them.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut key = Self(Box::new([0; 32]));
        key.0.copy_from_slice(bytes);
        key
    }

    /// The bytes, for the platform to keep. Say beside each call why they must be seen there.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for PlatformKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlatformKey(redacted)")
    }
}
