//! Session tokens from a file, which the app's backend, or whoever logs in for the user, writes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use twoshare::{Token, TokenError, TokenProvider};
use zeroize::Zeroizing;

use crate::{answer::Failure, files::unreadable, terminal};

/// The file is read for every token that is asked for: one that was refused has perhaps been replaced.
#[derive(Debug, Clone)]
pub(crate) struct TokenFile(PathBuf);

impl TokenFile {
    /// The tokens of this file, whether it has one now or not.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The tokens of this file, which has one now.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        read(path)?;
        Ok(Self::at(path))
    }
}

#[async_trait]
impl TokenProvider for TokenFile {
    async fn token(&self, refused: Option<&Token>) -> Result<Token, TokenError> {
        let token = match read(&self.0) {
            Ok(token) => token,
            Err(failure) => {
                // The call's own error says only that nobody is signed in.
                terminal::say(&format!("twoshare: {}", failure.message()));
                return Err(TokenError::NotSignedIn);
            }
        };
        // Exposed: to be compared with the one that the custodian has just refused.
        let is_refused = refused.is_some_and(|old| old.expose_secret() == token.expose_secret());
        if is_refused { Err(TokenError::NotSignedIn) } else { Ok(token) }
    }
}

fn read(path: &Path) -> Result<Token, Failure> {
    let text = fs::read_to_string(path).map(Zeroizing::new).map_err(unreadable(path))?;
    Token::new(text.trim()).map_err(|error| {
        let message = format!("{}: {error}", path.display());
        Failure::misuse("token_refused", message).with("path", path.display().to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_again_when_its_token_was_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "first\n").unwrap();
        let tokens = TokenFile::open(&path).unwrap();
        let ask = |refused: Option<&Token>| pollster::block_on(tokens.token(refused));
        let first = ask(None).unwrap();
        // Refused, and still the same: the user has to sign in.
        assert_eq!(ask(Some(&first)).unwrap_err(), TokenError::NotSignedIn);
        fs::write(&path, "second").unwrap();
        assert_eq!(ask(Some(&first)).unwrap().expose_secret(), "second");
        fs::remove_file(&path).unwrap();
        assert_eq!(ask(None).unwrap_err(), TokenError::NotSignedIn);
    }
}
