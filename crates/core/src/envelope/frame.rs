//! The outermost structure, `96([protected, {5: IV}, ciphertext, [+ recipient]])`, read without
//! allocating anything for what the bytes claim to have.

use minicbor::{Decoder, Encoder, data::Tag};

use super::{MAX_LEN, MAX_SLOTS, ParseError, header::BodyHeader};
use crate::wire::{ItemError, item_end};

const COSE_ENCRYPT: u64 = 96;
const IV_LABEL: u8 = 5;
const TAG_LEN: usize = 16;

/// The parts of an envelope, where they are in its bytes.
#[derive(Debug)]
pub(super) struct Frame<'b> {
    pub(super) iv: [u8; 12],
    pub(super) ciphertext: &'b [u8],
    pub(super) recipients: Vec<&'b [u8]>,
}

impl<'b> Frame<'b> {
    pub(super) fn read(bytes: &'b [u8]) -> Result<(BodyHeader, Self), ParseError> {
        if bytes.len() > MAX_LEN {
            return Err(ParseError::TooLarge { len: bytes.len(), cap: MAX_LEN });
        }
        let mut decoder = Decoder::new(bytes);
        if decoder.tag().map_err(not_an_envelope)? != Tag::new(COSE_ENCRYPT)
            || decoder.array().map_err(not_an_envelope)? != Some(4)
        {
            return Err(ParseError::NotAnEnvelope);
        }
        let protected = decoder.bytes().map_err(not_an_envelope)?;
        let body = BodyHeader::read(protected)?;
        if decoder.map()? != Some(1) || decoder.u8()? != IV_LABEL {
            return Err(ParseError::Malformed);
        }
        let iv = decoder.bytes()?.try_into().map_err(|_| ParseError::Malformed)?;
        let ciphertext = decoder.bytes()?;
        if ciphertext.len() < TAG_LEN {
            return Err(ParseError::Malformed);
        }
        let count = decoder.array()?.ok_or(ParseError::Malformed)?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > MAX_SLOTS {
            return Err(ParseError::TooManySlots { count, cap: MAX_SLOTS });
        }
        let mut recipients = Vec::with_capacity(count);
        for _ in 0..count {
            let start = decoder.position();
            let end = item_end(bytes, start)?;
            decoder.set_position(end);
            recipients.push(bytes.get(start..end).ok_or(ParseError::Malformed)?);
        }
        if decoder.position() < bytes.len() {
            return Err(ParseError::TrailingBytes { count: bytes.len() - decoder.position() });
        }
        let frame = Self { iv, ciphertext, recipients };
        // Exactly one byte string is the encoding of an envelope.
        if frame.recipients.is_empty() || frame.write(protected) != bytes {
            return Err(ParseError::Malformed);
        }
        Ok((body, frame))
    }

    pub(super) fn write(&self, protected: &[u8]) -> Vec<u8> {
        let recipients: usize = self.recipients.iter().map(|recipient| recipient.len()).sum();
        let capacity = protected.len() + self.ciphertext.len() + recipients + 64;
        let mut encoder = Encoder::new(Vec::with_capacity(capacity));
        encoder
            .tag(Tag::new(COSE_ENCRYPT))
            .and_then(|e| e.array(4))
            .and_then(|e| e.bytes(protected))
            .and_then(|e| e.map(1))
            .and_then(|e| e.u8(IV_LABEL))
            .and_then(|e| e.bytes(&self.iv))
            .and_then(|e| e.bytes(self.ciphertext))
            .and_then(|e| e.array(self.recipients.len() as u64))
            .expect("a Vec takes everything");
        let mut bytes = encoder.into_writer();
        self.recipients.iter().for_each(|recipient| bytes.extend_from_slice(recipient));
        bytes
    }
}

/// At the very beginning, other structures are other files; later they are damage.
fn not_an_envelope(error: minicbor::decode::Error) -> ParseError {
    if error.is_end_of_input() { ParseError::Truncated } else { ParseError::NotAnEnvelope }
}

impl From<minicbor::decode::Error> for ParseError {
    fn from(error: minicbor::decode::Error) -> Self {
        if error.is_end_of_input() { Self::Truncated } else { Self::Malformed }
    }
}

impl From<ItemError> for ParseError {
    fn from(error: ItemError) -> Self {
        match error {
            ItemError::Truncated => Self::Truncated,
            ItemError::Malformed => Self::Malformed,
        }
    }
}
