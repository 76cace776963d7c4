//! What a user is logged in with.

use std::fmt;

use async_trait::async_trait;
use thiserror::Error;
use twoshare_core::secret::SecretBytes;

/// The longest token, in bytes.
const MAX_LEN: usize = 8 * 1024;

/// A session token of one user: a secret that is worth as much as being logged in.
#[derive(Clone)]
pub struct Token(SecretBytes);

/// A text that is no token: a token is printable ASCII without spaces, up to 8 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a token: printable ASCII without spaces is expected")]
pub struct TokenTextError;

impl Token {
    /// The token with this text.
    ///
    /// # Errors
    ///
    /// It cannot be one.
    pub fn new(text: impl Into<String>) -> Result<Self, TokenTextError> {
        let text = SecretBytes::from(text.into().into_bytes());
        // Exposed: to this check.
        let fits = text.expose_secret().iter().all(u8::is_ascii_graphic);
        match fits && (1..=MAX_LEN).contains(&text.len()) {
            true => Ok(Self(text)),
            false => Err(TokenTextError),
        }
    }

    /// The text. Say beside each call why it must be seen there.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        // Exposed: to the caller, who says why. It was checked to be ASCII.
        str::from_utf8(self.0.expose_secret()).unwrap_or_default()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// Where tokens come from: an app asks its own backend.
#[async_trait]
pub trait TokenProvider: Send + Sync {
    /// A token for the user who is logged in. `refused` is the one that the custodian has just
    /// refused, probably because its time was over: give another.
    ///
    /// # Errors
    ///
    /// See [`TokenError`].
    async fn token(&self, refused: Option<&Token>) -> Result<Token, TokenError>;
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TokenError {
    /// The user has to sign in again.
    #[error("the user is not signed in")]
    NotSignedIn,
    /// Whoever gives tokens cannot be asked now: the call fails as unreachable.
    #[error("no token can be had now")]
    Unavailable,
}

/// A single token: when it is refused, the user has to sign in again.
#[async_trait]
impl TokenProvider for Token {
    async fn token(&self, refused: Option<&Token>) -> Result<Token, TokenError> {
        match refused {
            None => Ok(self.clone()),
            Some(_) => Err(TokenError::NotSignedIn),
        }
    }
}

#[async_trait]
impl<P: TokenProvider + ?Sized> TokenProvider for std::sync::Arc<P> {
    async fn token(&self, refused: Option<&Token>) -> Result<Token, TokenError> {
        (**self).token(refused).await
    }
}
