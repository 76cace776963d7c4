//! Who is logged in.

use core::{fmt, str::FromStr};

use thiserror::Error;
use twoshare_protocol::wire::MAX_TEXT;

/// A user, as the app names them: 1 to 256 bytes of text without control characters. It stands in
/// every receipt and in every proof, and is never shown to another user.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserId(Box<str>);

impl UserId {
    /// The user with this name.
    ///
    /// # Errors
    ///
    /// See [`UserIdError`].
    pub fn new(name: &str) -> Result<Self, UserIdError> {
        if !(1..=MAX_TEXT).contains(&name.len()) {
            return Err(UserIdError::Length { found: name.len() });
        }
        // Those of Unicode Standard Annex 9 change the order in which the rest is shown.
        let acts = |c: char| {
            c.is_control()
                || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        if name.chars().any(acts) {
            return Err(UserIdError::ControlCharacter);
        }
        Ok(Self(name.into()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text names no user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UserIdError {
    /// Empty, or too long: use a shorter id.
    #[error("a user id has 1 to 256 bytes, not {found}")]
    Length {
        /// How many bytes there are.
        found: usize,
    },
    /// It has control characters, or such as change the order in which text is shown, which no log or
    /// terminal should be sent: use an id without.
    #[error("a user id has no control characters")]
    ControlCharacter,
}

impl FromStr for UserId {
    type Err = UserIdError;

    fn from_str(name: &str) -> Result<Self, UserIdError> {
        Self::new(name)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserId({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_user_acts_on_a_terminal_or_a_log() {
        for name in ["a\nb", "a\u{1b}[2J", "\u{202e}bob", "a\u{2028}b", "\u{2067}b"] {
            assert_eq!(UserId::new(name), Err(UserIdError::ControlCharacter), "{name:?}");
        }
        assert!(UserId::new("Zoë · 佐藤").is_ok());
    }
}
