use core::fmt;

use super::{KeygenError, MAX_KEYS};
use crate::{
    exchange::{Kind, MessageError, read_head, write_head},
    proof::Proof,
    secret::SecretBytes,
    wire::{Reader, Writer},
};

/// The public side of a line, `Z` and `R` in the encodings of the key's curve, and the proof of
/// `z`; unchecked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LineBytes {
    pub(super) constant: Vec<u8>,
    pub(super) slope: Vec<u8>,
    pub(super) proof: Proof,
}

impl LineBytes {
    /// At least as many bytes as one is encoded in.
    const ENCODED_LEN: usize = 1 + 2 * 35 + 66;

    fn write_to(&self, writer: Writer) -> Writer {
        writer.array(3).bytes(&self.constant).bytes(&self.slope).bytes(&self.proof.to_bytes())
    }

    fn read_from(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        reader.array_of(3)?;
        Ok(Self {
            constant: reader.bytes()?.to_vec(),
            slope: reader.bytes()?.to_vec(),
            proof: Proof::from_bytes(*reader.fixed()?),
        })
    }
}

/// The custodian's lines: `Z₂`, `R₂` and a proof of `z₂` for each key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    session: [u8; 32],
    lines: Vec<LineBytes>,
}

impl Answer {
    pub(super) const fn new(session: [u8; 32], lines: Vec<LineBytes>) -> Self {
        Self { session, lines }
    }

    /// The lines, if the answer was made for the session with this digest.
    pub(super) fn lines_for(
        &self,
        session: &[u8; 32],
        expected: usize,
    ) -> Result<&[LineBytes], KeygenError> {
        for_session(&self.session, session, self.lines.len(), expected)?;
        Ok(&self.lines)
    }

    /// `[1, 5, session, [[Z₂, R₂, proof₂], …]]` in deterministic CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let capacity = 48 + self.lines.len() * LineBytes::ENCODED_LEN;
        let writer = write_head(Kind::KeygenAnswer, 2, capacity).bytes(&self.session);
        write_all(writer, &self.lines).finish()
    }

    /// The answer that [`to_bytes`](Self::to_bytes) wrote. Its points are checked when it is taken.
    ///
    /// # Errors
    ///
    /// See [`MessageError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MessageError> {
        let mut reader = Reader::new(bytes);
        read_head(&mut reader, Kind::KeygenAnswer, 2)?;
        let session = *reader.fixed()?;
        let lines = read_all(&mut reader)?;
        reader.end()?;
        Ok(Self { session, lines })
    }
}

/// The client's lines, `Z₁`, `R₁` and a proof of `z₁` for each key, with the salt of its early
/// commitment; and its values `f₁(2)`. A secret.
pub struct Opening {
    session: [u8; 32],
    pub(super) salt: [u8; 32],
    pub(super) lines: Vec<LineBytes>,
    pub(super) values: Vec<SecretBytes>,
}

impl Opening {
    pub(super) const fn new(
        session: [u8; 32],
        salt: [u8; 32],
        lines: Vec<LineBytes>,
        values: Vec<SecretBytes>,
    ) -> Self {
        Self { session, salt, lines, values }
    }

    /// Whether the opening was made for the session with this digest.
    pub(super) fn is_for(&self, session: &[u8; 32], expected: usize) -> Result<(), KeygenError> {
        for_session(&self.session, session, self.lines.len(), expected)?;
        for_session(&self.session, session, self.values.len(), expected)
    }

    /// `[1, 6, session, salt, [[Z₁, R₁, proof₁], …], [f₁(2), …]]` in deterministic CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let capacity = 80 + self.lines.len() * (LineBytes::ENCODED_LEN + 34);
        let writer = write_head(Kind::KeygenOpening, 4, capacity);
        let writer = write_all(writer.bytes(&self.session).bytes(&self.salt), &self.lines);
        write_values(writer, &self.values).finish()
    }

    /// The opening that [`to_bytes`](Self::to_bytes) wrote. Its points and values are checked when
    /// it is taken.
    ///
    /// # Errors
    ///
    /// See [`MessageError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MessageError> {
        let mut reader = Reader::new(bytes);
        read_head(&mut reader, Kind::KeygenOpening, 4)?;
        let (session, salt) = (*reader.fixed()?, *reader.fixed()?);
        let lines = read_all(&mut reader)?;
        let values = read_values(&mut reader)?;
        reader.end()?;
        Ok(Self { session, salt, lines, values })
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Opening(redacted, {} keys)", self.lines.len())
    }
}

/// The custodian's values `f₂(1)`. A secret.
pub struct Closing {
    session: [u8; 32],
    values: Vec<SecretBytes>,
}

impl Closing {
    pub(super) const fn new(session: [u8; 32], values: Vec<SecretBytes>) -> Self {
        Self { session, values }
    }

    /// The values, if the closing was made for the session with this digest.
    pub(super) fn values_for(
        &self,
        session: &[u8; 32],
        expected: usize,
    ) -> Result<&[SecretBytes], KeygenError> {
        for_session(&self.session, session, self.values.len(), expected)?;
        Ok(&self.values)
    }

    /// `[1, 7, session, [f₂(1), …]]` in deterministic CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let writer = write_head(Kind::KeygenClosing, 2, 48 + self.values.len() * 34);
        write_values(writer.bytes(&self.session), &self.values).finish()
    }

    /// The closing that [`to_bytes`](Self::to_bytes) wrote. Its values are checked when it is
    /// taken.
    ///
    /// # Errors
    ///
    /// See [`MessageError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MessageError> {
        let mut reader = Reader::new(bytes);
        read_head(&mut reader, Kind::KeygenClosing, 2)?;
        let session = *reader.fixed()?;
        let values = read_values(&mut reader)?;
        reader.end()?;
        Ok(Self { session, values })
    }
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Closing(redacted, {} keys)", self.values.len())
    }
}

fn for_session(
    found: &[u8; 32],
    session: &[u8; 32],
    count: usize,
    expected: usize,
) -> Result<(), KeygenError> {
    if found != session {
        return Err(KeygenError::SessionMismatch);
    }
    if count != expected {
        return Err(KeygenError::Count { expected, found: count });
    }
    Ok(())
}

fn write_all(writer: Writer, lines: &[LineBytes]) -> Writer {
    lines.iter().fold(writer.array(lines.len()), |writer, line| line.write_to(writer))
}

fn read_all(reader: &mut Reader<'_>) -> Result<Vec<LineBytes>, MessageError> {
    (0..reader.array(MAX_KEYS)?).map(|_| LineBytes::read_from(reader)).collect()
}

fn write_values(writer: Writer, values: &[SecretBytes]) -> Writer {
    // Written to be sealed for the other party.
    let write = |writer: Writer, value: &SecretBytes| writer.bytes(value.expose_secret());
    values.iter().fold(writer.array(values.len()), write)
}

fn read_values(reader: &mut Reader<'_>) -> Result<Vec<SecretBytes>, MessageError> {
    (0..reader.array(MAX_KEYS)?).map(|_| Ok(reader.bytes()?.into())).collect()
}
