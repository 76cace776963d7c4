//! What a caller shows: session tokens and operator keys. The server keeps their hashes.

use core::fmt;

use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use twoshare_core::secret::SecretBytes;
use zeroize::Zeroize as _;

/// How many random bytes a token has.
const RANDOM_LEN: usize = 32;

/// A session token or an operator key: 64 hexadecimal digits, of 256 random bits. Wiped on drop.
#[derive(Clone)]
pub struct Token(SecretBytes);

impl Token {
    /// A new one.
    ///
    /// # Panics
    ///
    /// Never: the digits of 32 bytes fit into 64.
    #[must_use]
    pub fn make<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut random = [0; RANDOM_LEN];
        rng.fill_bytes(&mut random);
        let mut text = SecretBytes::from(vec![0; 2 * RANDOM_LEN]);
        // Exposed: to be written. The length fits.
        hex::encode_to_slice(random, text.expose_secret_mut()).expect("two digits for a byte");
        random.zeroize();
        Self(text)
    }

    /// The token that this text is. White space around it is not part of it.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let text = text.trim().as_bytes();
        let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        if text.len() == 2 * RANDOM_LEN && text.iter().all(is_digit) {
            Ok(Self(text.into()))
        } else {
            Err(TokenError)
        }
    }

    /// The text. Say beside each call why it must be seen there.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        // Exposed: ASCII, as both constructors see to.
        core::str::from_utf8(self.0.expose_secret()).unwrap_or_default()
    }

    /// What is kept of it. A guess at 256 random bits needs no slow hash to be hopeless.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        // Exposed: to the hash.
        TokenHash(Sha256::digest(self.0.expose_secret()).into())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// SHA-256 of a [`Token`]'s text: what is stored, and looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// The text is not a token: check what was pasted, or ask for a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this is not a token: 64 hexadecimal digits are expected")]
pub struct TokenError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_never_shown() {
        let token = Token::make(&mut rand::rng());
        // Exposed: in a test.
        let again = Token::parse(&format!(" {}\n", token.expose_secret())).expect("its own text");
        assert_eq!(token.hash(), again.hash());
        assert_eq!(format!("{token:?}"), "Token(redacted)");
        assert_eq!(Token::parse("short").unwrap_err(), TokenError);
        assert_eq!(Token::parse(&"G".repeat(64)).unwrap_err(), TokenError);
    }
}
