//! A recovery code:
//!
//! ```text
//! data   = 128 random bits ‖ first 12 bits of SHA-256("twoshare/v1/recovery-code" ‖ the 128 bits)
//!        = 28 characters d of base 32 (Crockford), in 7 groups of 4
//! check  = α·d₀ + α²·d₁ + α³·d₂ + α⁴·d₃ + g   in GF(2)[α]/(α⁵ + α² + 1), for group g = 0 … 6
//! text   = 7 groups d₀ d₁ d₂ d₃ check, with dashes between
//! ```
//!
//! All five weights (1 of the check character) differ and none is zero, so that a group's check
//! finds every single wrong character and every two that changed places; the number of the group in
//! it finds groups that changed places. What slips through (one in 32 of worse mistakes) meets the 12
//! bits over everything.

use core::fmt;

use async_trait::async_trait;
use minicbor::{Decoder, Encoder};
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use super::{
    BackupMethod, Identity, MakeContext, MethodError, NewSlot, OpenContext, SlotKind,
    SoftwareIdentity, Vouching,
};
use crate::{base32, envelope::SlotHeader, secret::SecretBytes};

const DOMAIN: &str = "twoshare/v1/identity/recovery-code";
const CHECKSUM_DST: &[u8] = b"twoshare/v1/recovery-code";
const GROUPS: usize = 7;
const DATA_PER_GROUP: usize = 4;
const GROUP: usize = DATA_PER_GROUP + 1;
const CHARACTERS: usize = GROUPS * GROUP;
const ENTROPY: usize = 16;

/// A recovery code: 128 random bits in seven groups of five characters, to be kept on paper. A typing
/// mistake is noticed before any work is done, and mostly the group is named.
pub struct RecoveryCode {
    entropy: SecretBytes,
    label: String,
}

impl RecoveryCode {
    /// A new code. Show it to the user ([`to_text`](Self::to_text)), and have it typed back.
    #[must_use]
    pub fn make<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut entropy = SecretBytes::from(vec![0; ENTROPY]);
        // Random bytes are drawn into memory that is wiped.
        rng.fill_bytes(entropy.expose_secret_mut());
        Self { entropy, label: String::new() }
    }

    /// The code that a user has typed. Case, spaces and dashes do not matter, and look-alikes (`O`
    /// and `0`; `I`, `L` and `1`) are read as what was meant.
    ///
    /// # Errors
    ///
    /// [`CodeError`] for a typing mistake.
    pub fn from_text(typed: &str) -> Result<Self, CodeError> {
        let found = typed.chars().filter(|c| !base32::is_separator(*c)).count();
        if found != CHARACTERS {
            return Err(CodeError::Length {
                found,
                expected: CHARACTERS,
                group: uneven_group(typed),
            });
        }
        let mut digits = Zeroizing::new([0; CHARACTERS]);
        let characters = typed.chars().filter(|c| !base32::is_separator(*c));
        for (index, (character, digit)) in characters.zip(digits.iter_mut()).enumerate() {
            *digit = base32::digit(character)
                .ok_or(CodeError::Mistyped { group: group_number(index / GROUP) })?;
        }
        let mut data = Bits::default();
        for (index, group) in digits.chunks_exact(GROUP).enumerate() {
            let [data_digits @ .., check] = group else { continue };
            if self::check(data_digits, index) != *check {
                return Err(CodeError::Mistyped { group: group_number(index) });
            }
            data_digits.iter().for_each(|digit| data.push(*digit));
        }
        let mut bytes = core::mem::take(&mut data.bytes);
        let checksum =
            Zeroizing::new(bytes.expose_secret().get(ENTROPY..).unwrap_or_default().to_vec());
        bytes.truncate(ENTROPY);
        let whole = bool::from(checksum.as_slice().ct_eq(&self::checksum(&bytes)));
        if !whole {
            return Err(CodeError::Mistyped { group: None });
        }
        Ok(Self { entropy: bytes, label: String::new() })
    }

    /// With this public label for a new slot.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The code as the user keeps it. It is the secret itself, to be shown to the user and to nobody
    /// else.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        // Shown to its owner.
        let mut data = self.entropy.clone();
        data.extend(&checksum(&self.entropy));
        let encoded = Zeroizing::new(base32::encode(data.expose_secret()));
        let mut text = Zeroizing::new(String::with_capacity(CHARACTERS + GROUPS));
        // Room for all from the start, so that none are left behind where it grew.
        let mut digits = Zeroizing::new(Vec::with_capacity(encoded.len()));
        digits.extend(encoded.chars().filter_map(base32::digit));
        for (index, group) in digits.chunks_exact(DATA_PER_GROUP).take(GROUPS).enumerate() {
            if index > 0 {
                text.push('-');
            }
            group.iter().for_each(|digit| text.push(base32::character(*digit)));
            text.push(base32::character(check(group, index)));
        }
        text
    }

    #[cfg(test)]
    pub(crate) fn identity_for_tests(&self, parameters: &[u8]) -> SoftwareIdentity {
        self.identity(&read_parameters(parameters).unwrap())
    }

    fn identity(&self, salt: &[u8; 16]) -> SoftwareIdentity {
        SoftwareIdentity::derive(&self.entropy, salt, DOMAIN)
    }
}

/// Twelve bits, in the high bits of two bytes.
fn checksum(entropy: &SecretBytes) -> [u8; 2] {
    // Hashed where it is.
    let hash: [u8; 32] = Sha256::new()
        .chain_update(CHECKSUM_DST)
        .chain_update(entropy.expose_secret())
        .finalize()
        .into();
    let [first, second, ..] = hash;
    [first, second & 0xF0]
}

/// The check character of a group. No table is looked up, so that nothing depends on the code.
fn check(data: &[u8], group: usize) -> u8 {
    let times_alpha = |element: u8| {
        let shifted = element << 1;
        (shifted & 0x1F) ^ ((shifted >> 5) * 0b0_0101)
    };
    // Horner's rule: α·(d₀ + α·(d₁ + α·(d₂ + α·d₃))).
    let sum = data.iter().rev().fold(0, |sum, digit| times_alpha(sum ^ digit));
    sum ^ u8::try_from(group).unwrap_or(0)
}

fn group_number(index: usize) -> Option<u8> {
    u8::try_from(index + 1).ok()
}

/// Which of the groups that were typed has not five characters, counted from 1.
fn uneven_group(typed: &str) -> Option<u8> {
    let groups = || typed.split(base32::is_separator).filter(|group| !group.is_empty());
    if groups().count() != GROUPS {
        return None;
    }
    groups().position(|group| group.chars().count() != GROUP).and_then(group_number)
}

/// Collects groups of five bits.
#[derive(Default)]
struct Bits {
    bytes: SecretBytes,
    buffer: u16,
    bits: u32,
}

impl Bits {
    fn push(&mut self, digit: u8) {
        self.buffer = (self.buffer << 5) | u16::from(digit & 31);
        self.bits += 5;
        if self.bits >= 8 {
            self.bits -= 8;
            let [_, byte] = (self.buffer >> self.bits).to_be_bytes();
            self.bytes.extend(&[byte]);
        }
        // The last four bits of 28 characters make half a byte: the checksum's low half.
        if self.bytes.len() == ENTROPY + 1 && self.bits == 4 {
            let [_, byte] = (self.buffer << 4).to_be_bytes();
            self.bytes.extend(&[byte & 0xF0]);
        }
    }
}

impl Drop for Bits {
    fn drop(&mut self) {
        self.buffer.zeroize();
    }
}

/// Why a text is not a recovery code. Nothing was tried with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CodeError {
    /// A character is wrong: have this group compared with the paper, or all where none is named.
    #[error("the recovery code is mistyped")]
    Mistyped {
        /// The group, counted from 1.
        group: Option<u8>,
    },
    /// Characters are missing or too many: have this group compared with the paper, or all where
    /// none is named.
    #[error("the recovery code has {found} characters instead of {expected}")]
    Length {
        /// Characters that were typed, spaces and dashes aside.
        found: usize,
        /// Characters that a code has.
        expected: usize,
        /// The group that has not five, counted from 1, where the groups can be told.
        group: Option<u8>,
    },
}

impl CodeError {
    /// A stable name of the variant, for JSON, logs and the vectors.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Mistyped { .. } => "code_mistyped",
            Self::Length { .. } => "code_length",
        }
    }
}

/// The parameters of a recovery code's slot: the CBOR array [salt (bstr .size 16)].
fn parameters(salt: &[u8; 16]) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::with_capacity(18));
    encoder.array(1).and_then(|e| e.bytes(salt)).expect("a Vec takes everything");
    encoder.into_writer()
}

fn read_parameters(bytes: &[u8]) -> Option<[u8; 16]> {
    let mut decoder = Decoder::new(bytes);
    if decoder.array().ok()? != Some(1) {
        return None;
    }
    let salt = decoder.bytes().ok()?.try_into().ok()?;
    (parameters(&salt) == bytes).then_some(salt)
}

#[async_trait]
impl BackupMethod for RecoveryCode {
    fn kind(&self) -> SlotKind {
        SlotKind::RecoveryCode
    }

    fn vouching(&self) -> Vouching {
        Vouching::KeyTag
    }

    async fn make(&self, context: MakeContext<'_>) -> Result<NewSlot, MethodError> {
        let mut salt = [0; 16];
        context.rng.fill_bytes(&mut salt);
        Ok(NewSlot::new(self.label.clone(), parameters(&salt), Box::new(self.identity(&salt))))
    }

    async fn open(
        &self,
        slot: &SlotHeader,
        _: OpenContext,
    ) -> Result<Option<Box<dyn Identity>>, MethodError> {
        if slot.kind != SlotKind::RecoveryCode {
            return Ok(None);
        }
        let salt = read_parameters(&slot.parameters)
            .ok_or(MethodError::Parameters { kind: SlotKind::RecoveryCode })?;
        Ok(Some(Box::new(self.identity(&salt))))
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveryCode").field("label", &self.label).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn code(entropy: [u8; 16]) -> RecoveryCode {
        RecoveryCode { entropy: SecretBytes::from(entropy.as_slice()), label: String::new() }
    }

    #[test]
    fn the_text_is_frozen() {
        let text = code(*b"sixteen bytes :)").to_text();
        assert_eq!(text.as_str(), "EDMQE-GX35X-CNQ28-0RKS9-EHJQ0-681TR-5744Z");
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_typed(entropy: [u8; 16]) {
            let text = code(entropy).to_text();
            for typed in [text.to_string(), text.to_lowercase(), text.replace('-', " "), text.replace('-', "").replace('0', "o").replace('1', "l")] {
                let read = RecoveryCode::from_text(&typed).unwrap();
                prop_assert_eq!(read.entropy.expose_secret(), entropy);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            let _ = RecoveryCode::from_text(&text);
        }
    }

    #[test]
    fn every_single_mistake_is_found_and_its_group_named() {
        let text = code(*b"0123456789abcdef").to_text().replace('-', "");
        for position in 0..CHARACTERS {
            for digit in 0..32 {
                let mut typed: Vec<char> = text.chars().collect();
                if typed[position] == base32::character(digit) {
                    continue;
                }
                typed[position] = base32::character(digit);
                let refusal =
                    RecoveryCode::from_text(&typed.iter().collect::<String>()).unwrap_err();
                assert_eq!(refusal, CodeError::Mistyped { group: group_number(position / GROUP) });
            }
        }
        let mut typed: Vec<char> = text.chars().collect();
        typed[11] = 'U';
        let refusal = RecoveryCode::from_text(&typed.iter().collect::<String>()).unwrap_err();
        assert_eq!(refusal, CodeError::Mistyped { group: Some(3) });
    }

    #[test]
    fn characters_and_groups_that_changed_places_are_found() {
        let text = code([0x35; 16]).to_text().replace('-', "");
        let characters: Vec<char> = text.chars().collect();
        for first in 0..CHARACTERS {
            for second in first + 1..(first / GROUP + 1) * GROUP {
                let mut typed = characters.clone();
                typed.swap(first, second);
                let outcome = RecoveryCode::from_text(&typed.iter().collect::<String>());
                assert!(outcome.is_err() || characters[first] == characters[second]);
            }
        }
        for first in 0..GROUPS {
            for second in first + 1..GROUPS {
                let mut groups: Vec<&[char]> = characters.chunks(GROUP).collect();
                groups.swap(first, second);
                assert!(
                    RecoveryCode::from_text(&groups.concat().iter().collect::<String>()).is_err()
                );
            }
        }
    }

    #[test]
    fn mistakes_that_the_groups_miss_meet_the_checksum() {
        // Another code's first group is valid where it stands.
        let (one, two) = (code([1; 16]).to_text(), code([2; 16]).to_text());
        let mixed = format!("{}{}", &one[..5], &two[5..]);
        assert_eq!(
            RecoveryCode::from_text(&mixed).unwrap_err(),
            CodeError::Mistyped { group: None }
        );
    }

    #[test]
    fn missing_characters_are_counted() {
        let text = code([9; 16]).to_text();
        let mut short = text.to_string();
        short.remove(13);
        let expected = CodeError::Length { found: 34, expected: 35, group: Some(3) };
        assert_eq!(RecoveryCode::from_text(&short).unwrap_err(), expected);
        let expected = CodeError::Length { found: 34, expected: 35, group: None };
        assert_eq!(RecoveryCode::from_text(&short.replace('-', "")).unwrap_err(), expected);
        assert!(matches!(RecoveryCode::from_text(""), Err(CodeError::Length { found: 0, .. })));
    }

    #[test]
    fn only_one_encoding_of_parameters_is_read() {
        let good = parameters(&[5; 16]);
        assert_eq!(read_parameters(&good), Some([5; 16]));
        assert_eq!(read_parameters(&[&good[..], &[0]].concat()), None);
        assert_eq!(read_parameters(&good[..16]), None);
    }

    #[test]
    fn debug_is_redacted() {
        let shown = format!("{:?}", code(*b"hunter2 hunter2 "));
        assert_eq!(shown, "RecoveryCode { label: \"\", .. }");
    }
}
