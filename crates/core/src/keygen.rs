//! A new key that never exists whole: the signing pair of a new MPC wallet, for several curves at
//! once. Each party deals a random line of its own (Pedersen 1991, over Feldman's commitments), the
//! client commits to its line before it sees the custodian's, and shares flow only after both
//! lines are open and proven (PROTOCOL.md).
//!
//! ```text
//! client                                            custodian
//! ClientCommitted::new
//!            ─── H(Z₁, R₁, proofs, salt) ────────▶
//!                                                   CustodianAnswered::new
//!            ◀── Answer: Z₂, R₂, proofs ──────────
//! ClientCommitted::open
//!            ─── Opening: Z₁, R₁, proofs, salt, f₁(2) ▶
//!                                                   CustodianAnswered::finish → shares
//!            ◀── Closing: f₂(1) ──────────────────
//! ClientOpened::finish → UnprovenShares
//!            ◀── the custodian's proofs of its shares
//! UnprovenShares::accept → shares
//! ```
//!
//! It ends with prepare and commit like every epoch: the custodian shows no public key to anyone
//! before the client's proof of its share, nor the client before the custodian's.

mod line;
mod message;
mod session;
#[cfg(test)]
mod tests;

use core::fmt;

use rand_core::CryptoRng;
use sha2::Sha256;
use thiserror::Error;

use self::line::{AnyLine, AnyPublicLine};
pub use self::{
    message::{Answer, Closing, Opening},
    session::{MAX_KEYS, Session, SessionError},
};
use crate::{
    curve::PointError,
    exchange::{Kind, read_head, write_head},
    id::Role,
    proof::{ProofError, UnprovenShares},
    secret::SecretBytes,
    share::AnyCustodianShare,
    wire::{Reader, Transcript, Writer},
};

pub use crate::exchange::{MAX_USER_LEN, MessageError};

/// The client has committed to its lines.
pub struct ClientCommitted {
    session: Session,
    digest: [u8; 32],
    salt: [u8; 32],
    lines: Vec<AnyLine>,
}

impl ClientCommitted {
    /// Begins a session. The hash goes to the custodian. Keep the state sealed if the session must
    /// outlive a crash.
    ///
    /// # Errors
    ///
    /// [`KeygenError::Session`].
    pub fn new<R: CryptoRng + ?Sized>(
        session: Session,
        rng: &mut R,
    ) -> Result<(Self, [u8; 32]), KeygenError> {
        let digest = session.digest()?;
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        let lines: Vec<_> = session
            .places()
            .map(|(index, curve)| AnyLine::make(curve, &line::Binding::client(&digest, index), rng))
            .collect();
        let public: Vec<_> = lines.iter().map(AnyLine::public).collect();
        let hash = commitment(&digest, &salt, &public);
        Ok((Self { session, digest, salt, lines }, hash))
    }

    /// Takes the custodian's lines, and opens the client's.
    ///
    /// # Errors
    ///
    /// See [`KeygenError`]. The session is over then.
    pub fn open(self, answer: &Answer) -> Result<(ClientOpened, Opening), KeygenError> {
        let digest = self.digest;
        let theirs = answer.lines_for(&digest, self.lines.len())?;
        let public: Vec<_> = self.lines.iter().map(AnyLine::public).collect();
        let hash = commitment(&digest, &self.salt, &public);
        let mut checked = Vec::with_capacity(self.lines.len());
        for ((index, _), (ours, theirs)) in self.session.places().zip(self.lines.iter().zip(theirs))
        {
            let binding = line::Binding::custodian(&digest, index, &hash);
            checked.push(ours.check(&binding, theirs)?);
        }
        let opened = ClientOpened {
            session: self.session,
            digest,
            salt: self.salt,
            ours: self.lines,
            theirs: checked,
        };
        let opening = opened.opening();
        Ok((opened, opening))
    }

    /// What the session is about.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// The state, to be kept sealed.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let capacity = self.session.encoded_len() + self.lines.len() * 140 + 48;
        let writer = write_head(Kind::KeygenClientCommitted, 3, capacity);
        let writer = self.session.write_to(writer).bytes(&self.salt);
        write_lines(writer, &self.lines).finish()
    }

    /// The state that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// See [`MessageError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MessageError> {
        let mut reader = Reader::new(bytes);
        read_head(&mut reader, Kind::KeygenClientCommitted, 3)?;
        let session = Session::read_from(&mut reader)?;
        let salt = *reader.fixed()?;
        let lines = read_lines(&mut reader, &session)?;
        reader.end()?;
        let digest = session.digest().map_err(|_| MessageError::Malformed)?;
        Ok(Self { session, digest, salt, lines })
    }
}

impl fmt::Debug for ClientCommitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCommitted").field("session", &self.session).finish_non_exhaustive()
    }
}

/// The custodian has answered with its lines.
pub struct CustodianAnswered {
    session: Session,
    digest: [u8; 32],
    hash: [u8; 32],
    lines: Vec<AnyLine>,
}

impl CustodianAnswered {
    /// Takes the client's hash, and answers it.
    ///
    /// # Errors
    ///
    /// [`KeygenError::Session`].
    pub fn new<R: CryptoRng + ?Sized>(
        session: Session,
        hash: [u8; 32],
        rng: &mut R,
    ) -> Result<(Self, Answer), KeygenError> {
        let digest = session.digest()?;
        let lines: Vec<_> = session
            .places()
            .map(|(index, curve)| {
                AnyLine::make(curve, &line::Binding::custodian(&digest, index, &hash), rng)
            })
            .collect();
        let answer = Answer::new(digest, lines.iter().map(AnyLine::public).collect());
        Ok((Self { session, digest, hash, lines }, answer))
    }

    /// Takes the client's lines and values: the custodian's shares, in the order of the session's
    /// curves, and the values that the client needs for its own.
    ///
    /// Keep the shares before the closing is sent. The same state and opening give the same result.
    ///
    /// # Errors
    ///
    /// See [`KeygenError`]. The session is over then.
    pub fn finish(
        self,
        opening: &Opening,
    ) -> Result<(Vec<AnyCustodianShare>, Closing), KeygenError> {
        let digest = self.digest;
        opening.is_for(&digest, self.lines.len())?;
        if commitment(&digest, &opening.salt, &opening.lines) != self.hash {
            return Err(KeygenError::NotOpened);
        }
        let mut shares = Vec::with_capacity(self.lines.len());
        let theirs = opening.lines.iter().zip(&opening.values);
        for ((index, _), (ours, (theirs, value))) in
            self.session.places().zip(self.lines.iter().zip(theirs))
        {
            let theirs = ours.check(&line::Binding::client(&digest, index), theirs)?;
            let id = self.session.key(index);
            shares.push(ours.share(index, id, &theirs, value)?);
        }
        let values = self.lines.iter().map(|line| line.at(Role::Client)).collect();
        Ok((shares, Closing::new(digest, values)))
    }

    /// What the session is about.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// The state, to be kept sealed.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let capacity = self.session.encoded_len() + self.lines.len() * 140 + 48;
        let writer = write_head(Kind::KeygenCustodianAnswered, 3, capacity);
        let writer = self.session.write_to(writer).bytes(&self.hash);
        write_lines(writer, &self.lines).finish()
    }

    /// The state that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// See [`MessageError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MessageError> {
        let mut reader = Reader::new(bytes);
        read_head(&mut reader, Kind::KeygenCustodianAnswered, 3)?;
        let session = Session::read_from(&mut reader)?;
        let hash = *reader.fixed()?;
        let lines = read_lines(&mut reader, &session)?;
        reader.end()?;
        let digest = session.digest().map_err(|_| MessageError::Malformed)?;
        Ok(Self { session, digest, hash, lines })
    }
}

impl fmt::Debug for CustodianAnswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustodianAnswered").field("session", &self.session).finish_non_exhaustive()
    }
}

/// The client has opened its lines and sent the custodian its values.
pub struct ClientOpened {
    session: Session,
    digest: [u8; 32],
    salt: [u8; 32],
    ours: Vec<AnyLine>,
    theirs: Vec<AnyPublicLine>,
}

impl ClientOpened {
    /// The opening once more, to be sent again after a crash: always the same.
    #[must_use]
    pub fn opening(&self) -> Opening {
        let lines = self.ours.iter().map(AnyLine::public).collect();
        let values = self.ours.iter().map(|line| line.at(Role::Custodian)).collect();
        Opening::new(self.digest, self.salt, lines, values)
    }

    /// Takes the custodian's values.
    ///
    /// # Errors
    ///
    /// See [`KeygenError`]. The session is over then.
    pub fn finish(self, closing: &Closing) -> Result<UnprovenShares, KeygenError> {
        let values = closing.values_for(&self.digest, self.ours.len())?;
        let mut shares = Vec::with_capacity(self.ours.len());
        for ((index, _), ((ours, theirs), value)) in
            self.session.places().zip(self.ours.iter().zip(&self.theirs).zip(values))
        {
            shares.push(ours.share(index, self.session.key(index), theirs, value)?);
        }
        let exchange = self.session.statement(Vec::new(), [0; 32], [0; 32], [0; 32]);
        Ok(UnprovenShares::new(shares, exchange))
    }

    /// What the session is about.
    #[must_use]
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// The state, to be kept sealed.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let capacity = self.session.encoded_len() + self.ours.len() * 212 + 48;
        let writer = write_head(Kind::KeygenClientOpened, 4, capacity);
        let writer = self.session.write_to(writer).bytes(&self.salt);
        let mut writer = write_lines(writer, &self.ours).array(self.theirs.len());
        for line in &self.theirs {
            writer = line.write_to(writer);
        }
        writer.finish()
    }

    /// The state that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// See [`MessageError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MessageError> {
        let mut reader = Reader::new(bytes);
        read_head(&mut reader, Kind::KeygenClientOpened, 4)?;
        let session = Session::read_from(&mut reader)?;
        let salt = *reader.fixed()?;
        let ours = read_lines(&mut reader, &session)?;
        reader.array_of(ours.len())?;
        let theirs = ours
            .iter()
            .map(|ours| ours.read_theirs(&mut reader))
            .collect::<Result<_, MessageError>>()?;
        reader.end()?;
        let digest = session.digest().map_err(|_| MessageError::Malformed)?;
        Ok(Self { session, digest, salt, ours, theirs })
    }
}

impl fmt::Debug for ClientOpened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOpened").field("session", &self.session).finish_non_exhaustive()
    }
}

/// The client's commitment: binding to its lines and proofs, and hiding them behind the salt.
fn commitment(session: &[u8; 32], salt: &[u8; 32], lines: &[message::LineBytes]) -> [u8; 32] {
    let mut transcript = Transcript::<Sha256>::new("twoshare/v1/keygen/commitment")
        .fixed(session)
        .u8(Role::Client.number())
        .fixed(salt)
        .count(lines.len());
    for line in lines {
        transcript =
            transcript.variable(&line.constant).variable(&line.slope).fixed(&line.proof.to_bytes());
    }
    transcript.finish().into()
}

fn write_lines(writer: Writer, lines: &[AnyLine]) -> Writer {
    lines.iter().fold(writer.array(lines.len()), |writer, line| line.write_to(writer))
}

fn read_lines(reader: &mut Reader<'_>, session: &Session) -> Result<Vec<AnyLine>, MessageError> {
    reader.array_of(session.curves.len())?;
    session.curves.iter().map(|curve| AnyLine::read_from(reader, *curve)).collect()
}

/// Why no key was made. The session is over: begin again with a new operation. Where the other
/// party is at fault, it lied. `key` is the place of the key among the session's curves, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeygenError {
    /// The session is none: the caller's mistake.
    #[error("the session is refused")]
    Session(#[from] SessionError),
    /// The message is of another session: another operation, wallet, user, custodian or other
    /// curves. Perhaps a replay.
    #[error("the message belongs to another session")]
    SessionMismatch,
    /// The message has more or fewer keys than the session.
    #[error("{expected} keys were expected, not {found}")]
    Count {
        /// How many the session has.
        expected: usize,
        /// How many there were.
        found: usize,
    },
    /// A point in the message is refused. The other party is at fault.
    #[error("a point of key {key} is refused")]
    Point {
        /// The key.
        key: u8,
        /// Why.
        source: PointError,
    },
    /// The other party did not prove that it knows its part of the key. It is at fault.
    #[error("the part of key {key} is not proven")]
    Proof {
        /// The key.
        key: u8,
        /// Why.
        source: ProofError,
    },
    /// The client did not open what it had committed to. It is at fault.
    #[error("the opening is not what the client had committed to")]
    NotOpened,
    /// The key, the slope or a share would be zero: one part is the negative of the other. The
    /// other party is at fault.
    #[error("key {key} would be degenerate")]
    Degenerate {
        /// The key.
        key: u8,
    },
    /// A number in the message is not below the order of the group. The other party is at fault.
    #[error("the value of key {key} is out of range")]
    OutOfRange {
        /// The key.
        key: u8,
    },
    /// The value is not on the line that the other party has shown. It is at fault.
    #[error("the value of key {key} is not the one committed to")]
    NotCommitted {
        /// The key.
        key: u8,
    },
}
