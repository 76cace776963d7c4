//! Crockford's base 32, for what people read out and type: no `I`, `L`, `O`, `U`; case and
//! separators do not matter, and the look-alikes are read as what was meant.
//!
//! <https://www.crockford.com/base32.html>

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

/// The character for the low five bits of `value`.
pub(crate) fn character(value: u8) -> char {
    char::from(*ALPHABET.get(usize::from(value & 31)).expect("five bits index 32 characters"))
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
    let character = match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    let position = ALPHABET.iter().position(|c| char::from(*c) == character)?;
    u8::try_from(position).ok()
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
    fn bits_left_over_are_refused() {
        assert_eq!(decode("00"), Some(vec![0]));
        assert_eq!(decode("01"), None);
        assert_eq!(decode("000"), None);
        assert_eq!(decode("0U"), None);
    }
}
