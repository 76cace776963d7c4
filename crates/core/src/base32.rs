//! Crockford's base 32, for what people read out and type: no `I`, `L`, `O`, `U`; case and
//! separators do not matter, and the look-alikes are read as what was meant.
//!
//! <https://www.crockford.com/base32.html>

use subtle::{ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater};

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// `bytes` in base 32, most significant bit first, the last character padded with zero bits.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut buffer, mut bits) = (0u32, 0u32);
    for &byte in bytes {
        buffer = (buffer << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(character((buffer >> bits).to_le_bytes()[0]));
        }
    }
    if bits > 0 {
        text.push(character((buffer << (5 - bits)).to_le_bytes()[0]));
    }
    text
}

/// The character for the low five bits of `value`. The whole alphabet is read and nothing branches
/// on the value: it may be a recovery code's.
pub(crate) fn character(value: u8) -> char {
    let found = (0u8..).zip(ALPHABET).fold(0, |found, (digit, character)| {
        u8::conditional_select(&found, character, digit.ct_eq(&(value & 31)))
    });
    char::from(found)
}

/// The bytes of `text`, or `None` where it has a character that is neither a digit of base 32 nor
/// a separator, or bits left over that are not zero.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut buffer, mut bits) = (0u32, 0u32);
    for character in text.chars().filter(|c| !is_separator(*c)) {
        buffer = (buffer << 5) | u32::from(digit(character)?);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            let [.., low] = (buffer >> bits).to_be_bytes();
            bytes.push(low);
            buffer &= (1 << bits) - 1;
        }
    }
    (bits < 5 && buffer == 0).then_some(bytes)
}

/// The value of one character of base 32, in either case, look-alikes included.
#[must_use]
pub fn digit(character: char) -> Option<u8> {
    let character = u8::try_from(character).ok().filter(u8::is_ascii)?;
    // Like `character`, this takes the same time for every digit.
    let lower = character.ct_gt(&(b'a' - 1)) & !character.ct_gt(&b'z');
    let mut upper = u8::conditional_select(&character, &(character & !0x20), lower);
    for (looks_like, meant) in [(b'O', b'0'), (b'I', b'1'), (b'L', b'1')] {
        upper.conditional_assign(&meant, upper.ct_eq(&looks_like));
    }
    let found = (0u8..).zip(ALPHABET).fold(u8::MAX, |found, (digit, character)| {
        u8::conditional_select(&found, &digit, character.ct_eq(&upper))
    });
    (found != u8::MAX).then_some(found)
}

/// Whether people put this character between groups.
#[must_use]
pub fn is_separator(character: char) -> bool {
    character.is_whitespace() || matches!(character, '-' | '‐' | '‑' | '–' | '—' | '_')
}

/// `text` in groups of `size` characters with dashes between.
#[must_use]
pub fn group(text: &str, size: usize) -> String {
    let mut grouped = String::with_capacity(text.len() + text.len() / size.max(1));
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index % size.max(1) == 0 {
            grouped.push('-');
        }
        grouped.push(character);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(bytes: Vec<u8>) {
            let text = group(&encode(&bytes), 5);
            prop_assert_eq!(decode(&text), Some(bytes.clone()));
            prop_assert_eq!(decode(&text.to_lowercase().replace('0', "o").replace('1', "l")), Some(bytes));
        }

        #[test]
        fn any_text_is_decoded_or_refused(text: String) {
            let _ = decode(&text);
        }
    }

    #[test]
    fn every_character_is_read_as_the_table_says() {
        for (digit, character) in ALPHABET.iter().enumerate() {
            assert_eq!(super::character(digit as u8), char::from(*character));
            assert_eq!(super::character(digit as u8 | 0xE0), char::from(*character));
        }
        for character in (0..=0x2FFu32).filter_map(char::from_u32) {
            let meant = match character.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let position = ALPHABET.iter().position(|c| char::from(*c) == meant);
            assert_eq!(super::digit(character).map(usize::from), position, "{character}");
        }
    }

    #[test]
    fn bits_left_over_are_refused() {
        assert_eq!(decode("00"), Some(vec![0]));
        assert_eq!(decode("01"), None);
        assert_eq!(decode("000"), None);
        assert_eq!(decode("0U"), None);
    }
}
