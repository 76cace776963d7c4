//! The two encodings that everything here is made of: deterministic CBOR for what is sent or kept,
//! and prefixed fields for what is hashed. Both are written so that one value has one byte string.

mod item;

use minicbor::{Decoder, Encoder};
use sha2::{Digest, digest::Output};
use subtle::ConstantTimeEq;
use thiserror::Error;

pub(crate) use self::item::{ItemError, item_end};
use crate::secret::SecretBytes;

/// Bytes that are not the one encoding of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a canonical encoding")]
pub struct Malformed;

impl From<minicbor::decode::Error> for Malformed {
    fn from(_: minicbor::decode::Error) -> Self {
        Self
    }
}

/// Reads deterministic CBOR (RFC 8949, section 4.2.1): shortest heads, definite lengths. Nothing
/// is allocated, whatever lengths the bytes claim.
#[derive(Debug)]
pub struct Reader<'b>(Decoder<'b>);

impl<'b> Reader<'b> {
    /// A reader at the beginning of `bytes`.
    #[must_use]
    pub fn new(bytes: &'b [u8]) -> Self {
        Self(Decoder::new(bytes))
    }

    /// The head of an array: how many items follow, at most `limit`.
    ///
    /// # Errors
    ///
    /// See [`Malformed`].
    pub fn array(&mut self, limit: usize) -> Result<usize, Malformed> {
        let start = self.0.position();
        let len = self.0.array()?.ok_or(Malformed)?;
        self.shortest(start, len, 0)?;
        usize::try_from(len).ok().filter(|len| *len <= limit).ok_or(Malformed)
    }

    /// The head of an array of exactly `len` items.
    ///
    /// # Errors
    ///
    /// See [`Malformed`].
    pub fn array_of(&mut self, len: usize) -> Result<(), Malformed> {
        if self.array(len)? == len { Ok(()) } else { Err(Malformed) }
    }

    /// An unsigned integer.
    ///
    /// # Errors
    ///
    /// See [`Malformed`].
    pub fn uint(&mut self) -> Result<u64, Malformed> {
        let start = self.0.position();
        let number = self.0.u64()?;
        self.shortest(start, number, 0)?;
        Ok(number)
    }

    /// An unsigned integer below 256.
    ///
    /// # Errors
    ///
    /// See [`Malformed`].
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        u8::try_from(self.uint()?).map_err(|_| Malformed)
    }

    /// A byte string.
    ///
    /// # Errors
    ///
    /// See [`Malformed`].
    pub fn bytes(&mut self) -> Result<&'b [u8], Malformed> {
        let start = self.0.position();
        let bytes = self.0.bytes()?;
        self.shortest(start, bytes.len() as u64, bytes.len())?;
        Ok(bytes)
    }

    /// A byte string of exactly `N` bytes.
    ///
    /// # Errors
    ///
    /// See [`Malformed`].
    pub fn fixed<const N: usize>(&mut self) -> Result<&'b [u8; N], Malformed> {
        self.bytes()?.try_into().map_err(|_| Malformed)
    }

    /// A text of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// See [`Malformed`].
    pub fn text(&mut self, limit: usize) -> Result<&'b str, Malformed> {
        let start = self.0.position();
        let text = self.0.str()?;
        self.shortest(start, text.len() as u64, text.len())?;
        if text.len() <= limit { Ok(text) } else { Err(Malformed) }
    }

    /// What has not been read.
    #[must_use]
    pub fn rest(&self) -> &'b [u8] {
        self.0.input().get(self.0.position()..).unwrap_or_default()
    }

    /// Nothing may follow.
    ///
    /// # Errors
    ///
    /// See [`Malformed`].
    pub fn end(&self) -> Result<(), Malformed> {
        if self.0.position() == self.0.input().len() { Ok(()) } else { Err(Malformed) }
    }

    /// Whether the head read since `start`, for `value` and before `content` bytes, was as short
    /// as it can be.
    fn shortest(&self, start: usize, value: u64, content: usize) -> Result<(), Malformed> {
        let head = match value {
            0..=23 => 1,
            24..=0xff => 2,
            0x100..=0xffff => 3,
            0x1_0000..=0xffff_ffff => 5,
            _ => 9,
        };
        if self.0.position() - start == head + content { Ok(()) } else { Err(Malformed) }
    }
}

/// Writes deterministic CBOR straight into wiped memory.
#[derive(Debug)]
pub struct Writer(Encoder<SecretBytes>);

impl Writer {
    /// Nothing yet. `capacity` should fit everything, so that the bytes are never moved.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self(Encoder::new(SecretBytes::with_capacity(capacity)))
    }

    /// The head of an array of `len` items.
    #[must_use]
    pub fn array(mut self, len: usize) -> Self {
        written(self.0.array(len as u64));
        self
    }

    /// An unsigned integer.
    #[must_use]
    pub fn uint(mut self, number: u64) -> Self {
        written(self.0.u64(number));
        self
    }

    /// A byte string.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        written(self.0.bytes(bytes));
        self
    }

    /// A text.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        written(self.0.str(text));
        self
    }

    /// What was written.
    #[must_use]
    pub fn finish(self) -> SecretBytes {
        self.0.into_writer()
    }
}

/// Writing cannot fail: [`SecretBytes`] takes any number of bytes.
fn written<T, E: core::fmt::Debug>(result: Result<T, E>) {
    result.expect("memory takes any number of bytes");
}

/// A hash over fields, each of fixed size or after its length, so that no two lists of fields
/// give the same input.
#[derive(Debug)]
pub(crate) struct Transcript<D>(D);

impl<D: Digest> Transcript<D> {
    /// Begins with the domain-separation tag, after its length.
    pub(crate) fn new(tag: &str) -> Self {
        Self(D::new()).variable(tag.as_bytes())
    }

    /// A field whose size follows from what stands before it.
    pub(crate) fn fixed(mut self, bytes: &[u8]) -> Self {
        self.0.update(bytes);
        self
    }

    /// A field after its length: 4 bytes, big-endian.
    pub(crate) fn variable(self, bytes: &[u8]) -> Self {
        let len =
            u32::try_from(bytes.len()).expect("no field reaches 4 GiB: all are bounded when made");
        self.fixed(&len.to_be_bytes()).fixed(bytes)
    }

    pub(crate) fn u8(self, number: u8) -> Self {
        self.fixed(&[number])
    }

    /// 4 bytes, big-endian.
    pub(crate) fn count(self, count: usize) -> Self {
        let count =
            u32::try_from(count).expect("no list reaches 2³² items: all are bounded when made");
        self.fixed(&count.to_be_bytes())
    }

    /// 8 bytes, big-endian.
    pub(crate) fn u64(self, number: u64) -> Self {
        self.fixed(&number.to_be_bytes())
    }

    pub(crate) fn finish(self) -> Output<D> {
        self.0.finalize()
    }
}

/// Whether two byte strings are equal, in a time that depends on their lengths only.
pub(crate) fn ct_eq(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shortest_heads_are_read() {
        assert_eq!(Reader::new(&[0x17]).uint(), Ok(23));
        assert_eq!(Reader::new(&[0x18, 0x17]).uint(), Err(Malformed));
        assert_eq!(Reader::new(&[0x19, 0x00, 0xff]).uint(), Err(Malformed));
        assert_eq!(Reader::new(&[0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]).uint(), Err(Malformed));
        assert_eq!(Reader::new(&[0x41, 7]).bytes(), Ok([7].as_slice()));
        assert_eq!(Reader::new(&[0x58, 1, 7]).bytes(), Err(Malformed));
        assert_eq!(Reader::new(&[0x98, 1, 7]).array(9), Err(Malformed));
        assert_eq!(Reader::new(&[0x78, 1, b'a']).text(9), Err(Malformed));
    }

    #[test]
    fn indefinite_lengths_and_absurd_ones_are_refused() {
        assert_eq!(Reader::new(&[0x9f, 0xff]).array(9), Err(Malformed));
        assert_eq!(Reader::new(&[0x5f, 0x41, 0, 0xff]).bytes(), Err(Malformed));
        assert_eq!(Reader::new(&[0x7f, 0x61, b'a', 0xff]).text(9), Err(Malformed));
        assert_eq!(Reader::new(&[0x9a, 0xff, 0xff, 0xff, 0xff]).array(9), Err(Malformed));
        assert_eq!(
            Reader::new(&[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).bytes(),
            Err(Malformed)
        );
        assert_eq!(Reader::new(b"\x63abc").text(2), Err(Malformed));
    }

    #[test]
    fn nothing_may_follow() {
        let mut reader = Reader::new(&[0, 0]);
        assert_eq!(reader.uint(), Ok(0));
        assert_eq!(reader.end(), Err(Malformed));
        assert_eq!(reader.uint(), Ok(0));
        assert_eq!(reader.end(), Ok(()));
    }
}
