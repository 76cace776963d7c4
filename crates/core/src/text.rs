//! An envelope as text: a Uniform Resource (BCR-2020-005), `ur:twoshare-backup/…`, whose letters are
//! minimal bytewords (BCR-2020-012) of the COSE bytes and a CRC-32 after them.
//!
//! One text ([`write()`]), or parts for QR codes that are shown one after the other
//! ([`write_parts`]), of which any sufficient number in any order will do (fountain codes,
//! BCR-2024-001).
//!
//! [`read()`] takes what a person pasted: with line breaks, spaces, quotation marks, changed case, and
//! words before and after. [`PartReader`] takes parts one by one, as a camera sees them.
//!
//! Where a text ends among the words around it is not guessed from the words: the checksum says where
//! it fits.

mod fountain;
mod letters;
mod parts;

use thiserror::Error;

use self::letters::Body;
pub use self::parts::{PartReader, Progress, write_parts};
use crate::envelope::MAX_LEN;

/// The type of the Uniform Resource.
pub const TYPE: &str = "twoshare-backup";

/// The longest pasted text that is looked at: an envelope of 8 MiB takes 16 Mi letters, and may be
/// broken into lines and parts.
pub const MAX_TEXT: usize = 5 * MAX_LEN;

/// Why a text is not an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TextError {
    /// There is nothing in it that begins with `ur:`. Have the whole message copied.
    #[error("no backup in this text")]
    NoBackup,
    /// A Uniform Resource of another type: something else was pasted.
    #[error("this is a {found}, not a {TYPE}")]
    OtherType {
        /// Its type.
        found: String,
    },
    /// It stops before its end: have the rest copied, too.
    #[error("the text stops after {letters} letters, before its end")]
    Truncated {
        /// Letters of the envelope that are there.
        letters: usize,
    },
    /// Something in it does not belong there.
    #[error("letter {letter} is wrong")]
    Mistyped {
        /// The first letter that is wrong, or one of its pair, counted from 1 after the last slash.
        letter: usize,
    },
    /// It is complete, but the checksum does not fit: letters were changed. Have it copied again.
    #[error("letters were changed")]
    Checksum,
    /// Parts are missing: have these scanned or pasted, or any others.
    #[error("{have} of {total} parts are there")]
    MissingParts {
        /// How many parts' worth of the envelope is there.
        have: usize,
        /// How many it takes.
        total: usize,
        /// Which of the plain parts are not there, counted from 1; at most 16 are listed.
        missing: Vec<usize>,
    },
    /// Parts of two envelopes: begin anew with one of them.
    #[error("parts of two backups")]
    MixedParts,
    /// A part contradicts itself, or was not made by this software.
    #[error("part {sequence} is malformed")]
    MalformedPart {
        /// The number that it has.
        sequence: u64,
    },
    /// A part claims more than any envelope has.
    #[error("{claimed} are claimed where at most {cap} are accepted")]
    TooLarge {
        /// Parts, or bytes, that are claimed.
        claimed: u64,
        /// The most that is accepted.
        cap: u64,
    },
}

impl TextError {
    /// A stable name of the variant, for JSON, logs and the vectors.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoBackup => "text_no_backup",
            Self::OtherType { .. } => "text_other_type",
            Self::Truncated { .. } => "text_truncated",
            Self::Mistyped { .. } => "text_mistyped",
            Self::Checksum => "text_checksum",
            Self::MissingParts { .. } => "text_missing_parts",
            Self::MixedParts => "text_mixed_parts",
            Self::MalformedPart { .. } => "text_malformed_part",
            Self::TooLarge { .. } => "text_too_large",
        }
    }
}

/// The COSE bytes of an envelope as one text of lower-case letters. Twice as long as the bytes, and
/// 27 characters more.
#[must_use]
pub fn write(cose: &[u8]) -> String {
    ur::ur::encode(cose, &ur::ur::Type::Custom(TYPE))
}

/// The COSE bytes in what a person pasted: one text, or parts.
///
/// What is not a letter or a digit is skipped. Of several single texts, the first that can be read
/// is taken.
///
/// # Errors
///
/// See [`TextError`]: that of the first text of this type, where all parts that are good by
/// themselves have one together.
pub fn read(pasted: &str) -> Result<Vec<u8>, TextError> {
    if pasted.len() > MAX_TEXT {
        return Err(TextError::TooLarge { claimed: pasted.len() as u64, cap: MAX_TEXT as u64 });
    }
    let mut refused = None;
    let mut parts = PartReader::new();
    // What the parts lead to, if they lead nowhere, stands where the first of them does.
    let (mut first_part_leads, mut any_part, mut mixed) = (false, false, false);
    for candidate in candidates(pasted) {
        let error = match Candidate::parse(candidate) {
            Ok(Candidate::Single(body)) => match body.read() {
                Ok(bytes) => return Ok(bytes),
                Err(error) => error,
            },
            Ok(Candidate::Part { sequence, total, body }) => {
                let received = parts.receive_body(sequence, total, body);
                mixed |= received == Err(TextError::MixedParts);
                match received {
                    Ok(_) | Err(TextError::MixedParts) => {
                        first_part_leads |= !any_part && refused.as_ref().is_none_or(says_little);
                        any_part = true;
                        continue;
                    }
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        if refused.as_ref().is_none_or(|first| says_little(first) && !says_little(&error)) {
            refused = Some(error);
        }
    }
    let joined = match mixed {
        true => Err(TextError::MixedParts),
        false => parts.finish(),
    };
    match joined {
        Ok(bytes) => Ok(bytes),
        Err(error) if first_part_leads => Err(error),
        Err(_) => Err(refused.unwrap_or(TextError::NoBackup)),
    }
}

/// A word that ends in `ur:` says less than a backup that cannot be read.
const fn says_little(error: &TextError) -> bool {
    matches!(error, TextError::NoBackup | TextError::OtherType { .. })
}

/// What stands between each `ur:` and the next. Nothing is collected: a text may be full of them.
fn candidates(text: &str) -> impl Iterator<Item = &str> {
    let mut last_two = [None; 2];
    let mut starts = text.char_indices().filter_map(move |(position, character)| {
        match character.to_ascii_lowercase() {
            ':' => {
                if let [Some((begin, 'u')), Some((_, 'r'))] = last_two {
                    last_two = [None; 2];
                    return Some((begin, position + 1));
                }
            }
            letter if letter.is_ascii_alphanumeric() => {
                last_two = [last_two[1], Some((position, letter))];
            }
            _ => {}
        }
        None
    });
    let mut next = starts.next();
    core::iter::from_fn(move || {
        let (_, start) = next?;
        next = starts.next();
        text.get(start..next.map_or(text.len(), |(end, _)| end))
    })
}

/// What follows one `ur:`.
enum Candidate<'t> {
    Single(Body<'t>),
    Part { sequence: u64, total: u64, body: Body<'t> },
}

impl<'t> Candidate<'t> {
    fn parse(text: &'t str) -> Result<Self, TextError> {
        let Some((kind, rest)) = text.split_once('/') else {
            // `ur:` in a word, or a text that stops in its first characters.
            let start: String = letters_of(text).collect();
            let begins = !start.is_empty() && TYPE.starts_with(start.as_str());
            return Err(if begins {
                TextError::Truncated { letters: 0 }
            } else {
                TextError::NoBackup
            });
        };
        let kind: String = letters_of(kind).take(64).collect();
        if kind != TYPE {
            return Err(TextError::OtherType { found: kind });
        }
        // A part has its number and a slash before the letters; a single text has letters only.
        match rest.find(|c: char| c.is_ascii_alphabetic() || c == '/') {
            Some(slash) if rest.get(slash..).is_some_and(|rest| rest.starts_with('/')) => {
                let (numbers, body) = rest.split_at_checked(slash).ok_or(TextError::NoBackup)?;
                let number: String = numbers.chars().filter(|c| !c.is_whitespace()).collect();
                let numbers = number
                    .split_once('-')
                    .and_then(|(sequence, total)| Some((decimal(sequence)?, decimal(total)?)));
                let (sequence, total) = numbers.ok_or(TextError::MalformedPart { sequence: 0 })?;
                Ok(Self::Part {
                    sequence,
                    total,
                    body: Body::new(body.get(1..).unwrap_or_default()),
                })
            }
            None if rest.contains(|c: char| c.is_ascii_digit()) => {
                Err(TextError::Truncated { letters: 0 })
            }
            Some(_) | None => Ok(Self::Single(Body::new(rest))),
        }
    }
}

/// A number as this software writes it: without a sign or zeros before it, of at most ten digits.
fn decimal(text: &str) -> Option<u64> {
    let plain = text.len() <= 10 && text.bytes().all(|digit| digit.is_ascii_digit());
    (plain && !text.starts_with('0')).then(|| text.parse().ok())?
}

/// Letters, digits and dashes, in lower case.
fn letters_of(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').map(|c| c.to_ascii_lowercase())
}

#[cfg(test)]
mod tests;
