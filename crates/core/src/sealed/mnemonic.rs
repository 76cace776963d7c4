//! Whether a text is a BIP-39 mnemonic, in any of its ten languages. It is asked so that a word
//! mistyped today is found today and not on the day of a recovery; the text itself is kept as it
//! was given.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

/// What is wrong with a mnemonic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MnemonicFault {
    /// It is no text at all (not UTF-8): it was given as something else than words.
    #[error("not a text")]
    NotText,
    /// A mnemonic has 12, 15, 18, 21 or 24 words: one is missing, or there is one too many.
    #[error("{found} words, where 12, 15, 18, 21 or 24 were expected")]
    WordCount {
        /// How many words there are.
        found: usize,
    },
    /// A word is in no list: it is mistyped.
    #[error("word {position} is not a word of BIP-39")]
    UnknownWord {
        /// Which word, counted from one.
        position: usize,
    },
    /// All words are known, but the checksum does not fit: a word is the wrong one, or two are
    /// swapped.
    #[error("a word is wrong: the checksum does not fit")]
    Checksum,
}

/// More bytes than any word has: the longest of all lists has 33, decomposed.
const MAX_WORD: usize = 64;

/// How many times longer a text in UTF-8 can become by NFKD (Unicode, FAQ on normalization).
const NFKD_GROWTH: usize = 11;

/// Refuses what is no mnemonic in any language. The parser leaves the entropy on the stack, which the
/// caller wipes.
pub(super) fn check(secret: &[u8]) -> Result<(), MnemonicFault> {
    let text = str::from_utf8(secret).map_err(|_| MnemonicFault::NotText)?;
    let found = text.split_whitespace().count();
    if !matches!(found, 12 | 15 | 18 | 21 | 24) {
        return Err(MnemonicFault::WordCount { found });
    }
    if let Some(index) = text.split_whitespace().position(|word| word.len() > MAX_WORD) {
        return Err(MnemonicFault::UnknownWord { position: index + 1 });
    }
    // NFKD, as BIP-39 asks, into memory that is wiped and never moved.
    let mut normalized =
        Zeroizing::new(String::with_capacity(found * (NFKD_GROWTH * MAX_WORD + 1)));
    for word in text.split_whitespace() {
        normalized.extend(word.nfkd());
        normalized.push(' ');
    }
    // Every list is tried, since some words are in two of them and the user is not asked. What is
    // reported is the fault in the list that knows most of the words.
    let mut fault = MnemonicFault::UnknownWord { position: 1 };
    let mut valid = false;
    for list in LISTS.split("\n\n") {
        match check_in(list, &normalized, found) {
            Ok(()) => valid = true,
            Err(MnemonicFault::UnknownWord { position }) => fault = later(fault, position),
            Err(other) => fault = other,
        }
    }
    if valid { Ok(()) } else { Err(fault) }
}

static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/mnemonics.deflate"));
const LEN: usize = match usize::from_str_radix(env!("MNEMONICS_LEN"), 10) {
    Ok(len) => len,
    Err(_) => panic!("build.rs sets a number"),
};

/// The ten lists, each of 2048 words in their order, normalized.
static LISTS: LazyLock<String> = LazyLock::new(|| {
    let bytes = miniz_oxide::inflate::decompress_to_vec_with_limit(PACKED, LEN);
    String::from_utf8(bytes.expect("build.rs has packed it")).expect("build.rs has packed a text")
});

/// Eleven bits of 24 words.
const MAX_BITS: usize = 24 * 11;

/// Whether these words, of which there are so many, are a mnemonic in this language: 32 bits of entropy and
/// one of its hash for every three of them.
fn check_in(list: &str, normalized: &str, count: usize) -> Result<(), MnemonicFault> {
    let mut bits = Zeroizing::new([0_u8; MAX_BITS / 8]);
    let mut at = 0..MAX_BITS;
    for (position, word) in (1..).zip(normalized.split_whitespace()) {
        let number = list.split('\n').position(|known| known == word);
        let number = number.ok_or(MnemonicFault::UnknownWord { position })?;
        for bit in (0..11).rev().map(|place| number >> place & 1) {
            let at = at.next().unwrap_or_default();
            if let (1, Some(byte)) = (bit, bits.get_mut(at / 8)) {
                *byte |= 0x80 >> (at % 8);
            }
        }
    }
    let (entropy, rest) = bits.split_at(count / 3 * 4);
    let hash = Sha256::digest(entropy);
    let (Some(found), Some(expected)) = (rest.first(), hash.first()) else {
        return Err(MnemonicFault::Checksum);
    };
    // At most eight bits, of the highest.
    let differ = (found ^ expected) >> (8 - count / 3);
    if differ == 0 { Ok(()) } else { Err(MnemonicFault::Checksum) }
}

/// The fault that stands further on.
const fn later(fault: MnemonicFault, position: usize) -> MnemonicFault {
    match fault {
        MnemonicFault::UnknownWord { position: before } if before < position => {
            MnemonicFault::UnknownWord { position }
        }
        _ => fault,
    }
}
