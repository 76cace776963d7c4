//! Whether a text is a BIP-39 mnemonic, in any of its ten languages. It is asked so that a word
//! mistyped today is found today and not on the day of a recovery; the text itself is kept as it
//! was given.

use bip39::{Error, Language, Mnemonic};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, Zeroizing};

use crate::curve::wipe_stack;

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

/// Refuses what is no mnemonic in any language.
pub(super) fn check(secret: &[u8]) -> Result<(), MnemonicFault> {
    let text = str::from_utf8(secret).map_err(|_| MnemonicFault::NotText)?;
    // No list has a word of more than 8 letters, which are at most 3 bytes each but 4 when
    // decomposed: what is longer than this is no mnemonic, and is not normalised.
    const LONGEST: usize = 24 * 64;
    let words = text.split_whitespace().count();
    if text.len() > LONGEST || !matches!(words, 12 | 15 | 18 | 21 | 24) {
        return Err(MnemonicFault::WordCount { found: words });
    }
    // NFKD, as BIP-39 asks, into memory that is wiped and never moved: no normalisation makes a
    // text more than 18 times as long (Unicode Standard Annex 15).
    let mut normalized = Zeroizing::new(String::with_capacity(18 * text.len()));
    normalized.extend(text.nfkd());
    // Every list is tried, since some words are in two of them and the user is not asked. What is
    // reported is the fault in the list that knows most of the words.
    let mut fault = MnemonicFault::UnknownWord { position: 1 };
    let mut found = false;
    for language in Language::ALL {
        match Mnemonic::parse_in_normalized(*language, &normalized) {
            Ok(mut mnemonic) => {
                mnemonic.zeroize();
                found = true;
            }
            Err(Error::InvalidChecksum) => fault = MnemonicFault::Checksum,
            Err(Error::UnknownWord(index)) => fault = later(fault, index + 1),
            Err(_) => {}
        }
    }
    // The parser works on the stack, with the entropy in plain arrays.
    wipe_stack();
    if found { Ok(()) } else { Err(fault) }
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
