use std::sync::LazyLock;

use crc::{CRC_32_ISO_HDLC, Crc, Digest, Table};

use super::{MAX_LEN, TextError};
use crate::wire::item_end;

static CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

pub(super) fn crc32(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}

const CHECKSUM_LEN: usize = 4;
const LETTERS: usize = 26;

/// The value of each pair of letters in minimal bytewords, taken from the encoder, so that the words
/// are not listed twice.
static PAIRS: LazyLock<[Option<u8>; LETTERS * LETTERS]> = LazyLock::new(|| {
    let mut pairs = [None; LETTERS * LETTERS];
    for byte in 0..=u8::MAX {
        let encoded = ur::bytewords::encode(&[byte], ur::bytewords::Style::Minimal);
        let mut letters = encoded.bytes().filter_map(letter);
        if let (Some(first), Some(second)) = (letters.next(), letters.next())
            && let Some(value) = pairs.get_mut(first * LETTERS + second)
        {
            *value = Some(byte);
        }
    }
    pairs
});

fn letter(character: u8) -> Option<usize> {
    character.is_ascii_alphabetic().then(|| usize::from(character.to_ascii_lowercase() - b'a'))
}

/// The letters after the last slash of a Uniform Resource, and whatever words follow them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body<'t>(&'t str);

impl<'t> Body<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self(text)
    }

    /// The bytes before the checksum. Wherever something other than a letter stands between two
    /// pairs, the text may have ended, and has if the checksum fits there.
    pub(super) fn read(self) -> Result<Vec<u8>, TextError> {
        let mut decoder = Decoder::new();
        for character in self.0.bytes() {
            match letter(character) {
                // Not a pair: the end is behind us, or there is a mistake here.
                Some(letter) if decoder.push(letter).is_none() => return decoder.unreadable(),
                Some(_) if decoder.bytes.len() > MAX_LEN + CHECKSUM_LEN => {
                    let claimed = decoder.bytes.len() as u64;
                    return Err(TextError::TooLarge { claimed, cap: MAX_LEN as u64 });
                }
                Some(_) => {}
                None if decoder.fits() => return Ok(decoder.into_message()),
                None if character.is_ascii_digit() => return decoder.unreadable(),
                None => {}
            }
        }
        if decoder.fits() { Ok(decoder.into_message()) } else { decoder.incomplete() }
    }
}

struct Decoder {
    bytes: Vec<u8>,
    /// Of all bytes but the last four.
    checksum: Digest<'static, u32, Table<1>>,
    first_of_pair: Option<usize>,
}

impl Decoder {
    fn new() -> Self {
        Self { bytes: Vec::new(), checksum: CRC.digest(), first_of_pair: None }
    }

    /// `None` when the letter makes no pair with the one before it.
    fn push(&mut self, letter: usize) -> Option<()> {
        let Some(first) = self.first_of_pair.take() else {
            self.first_of_pair = Some(letter);
            return Some(());
        };
        let byte = (*PAIRS.get(first * LETTERS + letter)?)?;
        self.bytes.push(byte);
        if let Some(behind) = self.bytes.len().checked_sub(CHECKSUM_LEN + 1) {
            self.checksum.update(self.bytes.get(behind..=behind).unwrap_or_default());
        }
        Some(())
    }

    /// Whether the last four bytes are the checksum of those before.
    fn fits(&self) -> bool {
        let Some((message, checksum)) = self.bytes.split_last_chunk::<CHECKSUM_LEN>() else {
            return false;
        };
        !message.is_empty()
            && self.first_of_pair.is_none()
            && self.checksum.clone().finalize().to_be_bytes() == *checksum
    }

    fn into_message(mut self) -> Vec<u8> {
        self.bytes.truncate(self.bytes.len().saturating_sub(CHECKSUM_LEN));
        self.bytes
    }

    fn letters(&self) -> usize {
        2 * self.bytes.len() + usize::from(self.first_of_pair.is_some())
    }

    /// Nothing more can be read after what was. If a whole message is there, letters of it were
    /// changed, or it ended without a break before the next word; if not, there is a mistake here.
    fn unreadable(mut self) -> Result<Vec<u8>, TextError> {
        match self.whole_message() {
            Some(end) => self.cut(end),
            None => Err(TextError::Mistyped { letter: self.letters() + 1 }),
        }
    }

    /// The text ended, and the checksum did not fit.
    fn incomplete(mut self) -> Result<Vec<u8>, TextError> {
        match self.whole_message() {
            Some(end) => self.cut(end),
            None => Err(TextError::Truncated { letters: self.letters() }),
        }
    }

    /// Where the message ends and the checksum begins, if both are there: a message is one item of
    /// CBOR, and says itself how long it is.
    fn whole_message(&self) -> Option<usize> {
        let end = item_end(&self.bytes, 0).ok()?;
        (end + CHECKSUM_LEN <= self.bytes.len()).then_some(end)
    }

    fn cut(&mut self, end: usize) -> Result<Vec<u8>, TextError> {
        let checksum = self.bytes.get(end..end + CHECKSUM_LEN).unwrap_or_default().to_vec();
        self.bytes.truncate(end);
        if CRC.checksum(&self.bytes).to_be_bytes() == *checksum {
            Ok(core::mem::take(&mut self.bytes))
        } else {
            Err(TextError::Checksum)
        }
    }
}
