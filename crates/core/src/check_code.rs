//! The check code: 100 bits of a wallet's id and public keys, the same on every device that has the
//! same wallet.

use core::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::{base32, curve::AnyVerifyingKey, id::WalletId};

const DST: &[u8] = b"twoshare/v1/check-code";
const CHARACTERS: usize = 20;

/// 100 bits computed from a wallet's id and its public keys, shown as four groups of five
/// characters. Equal codes mean the same wallet: whoever keeps the code notices a wallet that
/// somebody else made and put in its place, also with methods that cannot vouch for themselves.
///
/// It is not a secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CheckCode(String);

impl CheckCode {
    /// The code of the wallet with these keys, in their order: the first 100 bits of
    /// SHA-256("twoshare/v1/check-code" ‖ wallet id (16) ‖ number of keys (1) ‖ for each key: number
    /// of its curve (1) ‖ length (1) ‖ the key).
    #[must_use]
    pub fn of(wallet: WalletId, keys: &[AnyVerifyingKey]) -> Self {
        let hash =
            Sha256::new().chain_update(DST).chain_update(wallet_and_keys(wallet, keys)).finalize();
        let mut text = base32::encode(&hash);
        text.truncate(CHARACTERS);
        Self(text)
    }
}

/// wallet id (16) ‖ number of keys (1) ‖ for each key: number of its curve (1) ‖ length (1) ‖ the key.
pub(crate) fn wallet_and_keys(wallet: WalletId, keys: &[AnyVerifyingKey]) -> Vec<u8> {
    let mut bytes = wallet.to_bytes().to_vec();
    bytes.push(u8::try_from(keys.len()).unwrap_or(u8::MAX));
    for key in keys {
        let encoded = key.to_bytes();
        bytes.push(key.curve().number());
        bytes.push(u8::try_from(encoded.len()).unwrap_or(u8::MAX));
        bytes.extend_from_slice(&encoded);
    }
    bytes
}

/// Why a text is not a check code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CheckCodeError {
    /// A character that no check code has: ask for it again.
    #[error("character {position} does not belong to a check code")]
    Character {
        /// Which character, counted from 1 without spaces and dashes.
        position: usize,
    },
    /// Too short or too long: ask for it again.
    #[error("a check code has 20 characters, this has {found}")]
    Length {
        /// How many characters there are without spaces and dashes.
        found: usize,
    },
}

impl fmt::Display for CheckCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base32::group(&self.0, 5))
    }
}

impl fmt::Debug for CheckCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckCode({self})")
    }
}

impl FromStr for CheckCode {
    type Err = CheckCodeError;

    fn from_str(text: &str) -> Result<Self, CheckCodeError> {
        let characters = || text.chars().filter(|c| !base32::is_separator(*c));
        let found = characters().count();
        if found != CHARACTERS {
            return Err(CheckCodeError::Length { found });
        }
        let mut code = String::with_capacity(CHARACTERS);
        for (index, character) in characters().enumerate() {
            let digit = base32::digit(character)
                .ok_or(CheckCodeError::Character { position: index + 1 })?;
            code.push(base32::character(digit));
        }
        Ok(Self(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_the_code_or_what_is_wrong_with_it() {
        let code = CheckCode::of(WalletId::from_bytes([3; 16]), &[]);
        let text = code.to_string();
        assert_eq!(text.split('-').map(str::len).collect::<Vec<_>>(), [5; 4]);
        for typed in
            [text.clone(), text.to_lowercase(), text.replace('-', " "), text.replace('-', "")]
        {
            assert_eq!(typed.parse(), Ok(code.clone()));
        }
        let short = &text[..text.len() - 1];
        assert_eq!(short.parse::<CheckCode>(), Err(CheckCodeError::Length { found: 19 }));
        let long = format!("{text}0");
        assert_eq!(long.parse::<CheckCode>(), Err(CheckCodeError::Length { found: 21 }));
        let wrong = text.replacen(|c: char| c.is_ascii_alphanumeric(), "U", 7);
        assert_eq!(wrong.parse::<CheckCode>(), Err(CheckCodeError::Character { position: 1 }));
        assert_eq!("".parse::<CheckCode>(), Err(CheckCodeError::Length { found: 0 }));
    }

    #[test]
    fn the_code_depends_on_the_wallet_the_keys_and_their_order() {
        use crate::{curve::AnySigningKey, id::CurveId};
        let mut rng = <rand::rngs::ChaCha20Rng as rand::SeedableRng>::seed_from_u64(3);
        let keys = CurveId::ALL.iter().map(|curve| AnySigningKey::make(*curve, &mut rng));
        let keys: Vec<_> = keys.map(|key| key.verifying_key()).collect();
        let swapped: Vec<_> = keys.iter().rev().copied().collect();
        let wallet = WalletId::from_bytes([3; 16]);
        let codes = [
            CheckCode::of(wallet, &keys),
            CheckCode::of(wallet, &swapped),
            CheckCode::of(wallet, &keys[..1]),
            CheckCode::of(WalletId::from_bytes([4; 16]), &keys),
        ];
        for (index, code) in codes.iter().enumerate() {
            assert!(codes.iter().skip(index + 1).all(|other| other != code));
        }
    }
}
