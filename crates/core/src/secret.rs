//! Bytes that must not be left behind: wiped on drop and on growth, redacted in `Debug`.

use core::{convert::Infallible, fmt};

use zeroize::Zeroize;

/// Secret bytes. They are wiped when dropped, and also when the buffer grows and its old memory is
/// given back, which a plain `Vec` does not do.
///
/// There is no `PartialEq`: compare secrets in constant time (`subtle`).
#[derive(Clone, Default)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// No bytes yet, with room for `capacity`.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    /// The bytes themselves. Say beside each call why they must be seen there.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8] {
        &self.0
    }

    /// The bytes themselves, to be changed in place. Say beside each call why.
    pub fn expose_secret_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends `bytes`.
    pub fn extend(&mut self, bytes: &[u8]) {
        let needed = self.0.len() + bytes.len();
        if needed > self.0.capacity() {
            let mut grown = Vec::with_capacity(needed.max(self.0.capacity() * 2));
            grown.extend_from_slice(&self.0);
            self.0.zeroize();
            self.0 = grown;
        }
        self.0.extend_from_slice(bytes);
    }

    /// Keeps the first `len` bytes and wipes the rest.
    pub fn truncate(&mut self, len: usize) {
        if let Some(rest) = self.0.get_mut(len..) {
            rest.zeroize();
            self.0.truncate(len);
        }
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for SecretBytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl zeroize::ZeroizeOnDrop for SecretBytes {}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes(redacted, {} bytes)", self.0.len())
    }
}

/// CBOR is written straight into wiped memory.
impl minicbor::encode::Write for SecretBytes {
    type Error = Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.extend(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_is_redacted() {
        let secret = SecretBytes::from(b"hunter2hunter2".as_slice());
        assert_eq!(format!("{secret:?}"), "SecretBytes(redacted, 14 bytes)");
    }

    #[test]
    fn growing_and_truncating_keep_the_bytes() {
        let mut secret = SecretBytes::with_capacity(1);
        secret.extend(b"abc");
        secret.extend(b"def");
        secret.truncate(4);
        assert_eq!(secret.expose_secret(), b"abcd");
    }
}
