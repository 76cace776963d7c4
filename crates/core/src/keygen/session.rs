use sha2::Sha256;
use thiserror::Error;

use crate::{
    exchange::{MAX_USER_LEN, MessageError},
    id::{CurveId, Epoch, OperationId, Purpose, Sharing, WalletId, WalletKind},
    proof::{Operation, Stage, Statement, Transition},
    share::{AnyCommitment, KeyId},
    wire::{Malformed, Reader, Transcript, Writer},
};

/// How many keys a session can make.
pub const MAX_KEYS: usize = 128;

/// What a session is about. Both parties build it from what they know themselves; a message that
/// was made for any other is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The digest of the custodian's identity.
    pub custodian: [u8; 32],
    /// The user, as the custodian knows them: at most [`MAX_USER_LEN`] bytes.
    pub user: String,
    /// The new wallet.
    pub wallet: WalletId,
    /// The operation that the session belongs to; a new one for every session.
    pub operation_id: OperationId,
    /// The curve of each key to make: at least one, at most [`MAX_KEYS`]. Their places are the
    /// indices of the keys.
    pub curves: Vec<CurveId>,
}

impl Session {
    /// What a proof at the end of this session states, with what the session does not have.
    #[must_use]
    pub fn statement(
        &self,
        commitments: Vec<AnyCommitment>,
        client_nonce: [u8; 32],
        custodian_nonce: [u8; 32],
        body: [u8; 32],
    ) -> Statement {
        let to = Stage { purpose: Purpose::Signing, epoch: Epoch::FIRST };
        Statement {
            operation: Operation::Keygen,
            operation_id: self.operation_id,
            custodian: self.custodian,
            user: self.user.clone(),
            wallet: self.wallet,
            kind: WalletKind::Mpc,
            epochs: vec![Transition { from: None, to: Some(to) }],
            commitments,
            client_nonce,
            custodian_nonce,
            body,
        }
    }

    /// SHA-256 over all fields, once they are found to make sense.
    pub(super) fn digest(&self) -> Result<[u8; 32], SessionError> {
        self.check()?;
        let mut transcript = Transcript::<Sha256>::new("twoshare/v1/keygen/session")
            .fixed(&self.custodian)
            .variable(self.user.as_bytes())
            .fixed(&self.wallet.to_bytes())
            .fixed(&self.operation_id.to_bytes())
            .count(self.curves.len());
        for curve in &self.curves {
            transcript = transcript.u8(curve.number());
        }
        Ok(transcript.finish().into())
    }

    fn check(&self) -> Result<(), SessionError> {
        if self.user.len() > MAX_USER_LEN {
            return Err(SessionError::UserTooLong { len: self.user.len(), max: MAX_USER_LEN });
        }
        if self.curves.is_empty() || self.curves.len() > MAX_KEYS {
            return Err(SessionError::KeyCount { count: self.curves.len(), max: MAX_KEYS });
        }
        Ok(())
    }

    /// The index and curve of each key.
    pub(super) fn places(&self) -> impl Iterator<Item = (u8, CurveId)> {
        (0..=u8::MAX).zip(self.curves.iter().copied())
    }

    /// Which key of which sharing number `index` is.
    pub(super) const fn key(&self, index: u8) -> KeyId {
        let (purpose, epoch) = (Purpose::Signing, Epoch::FIRST);
        KeyId { sharing: Sharing { wallet: self.wallet, purpose, epoch }, index }
    }

    /// At least as many bytes as [`write_to`](Self::write_to) writes.
    pub(super) const fn encoded_len(&self) -> usize {
        88 + self.user.len() + self.curves.len()
    }

    /// `[custodian, user, wallet, operation id, [curve, …]]`
    pub(super) fn write_to(&self, writer: Writer) -> Writer {
        let writer = writer
            .array(5)
            .bytes(&self.custodian)
            .text(&self.user)
            .bytes(&self.wallet.to_bytes())
            .bytes(&self.operation_id.to_bytes())
            .array(self.curves.len());
        self.curves.iter().fold(writer, |writer, curve| writer.uint(curve.number().into()))
    }

    pub(super) fn read_from(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        reader.array_of(5)?;
        let mut session = Self {
            custodian: *reader.fixed()?,
            user: reader.text(MAX_USER_LEN)?.to_owned(),
            wallet: WalletId::from_bytes(*reader.fixed()?),
            operation_id: OperationId::from_bytes(*reader.fixed()?),
            curves: Vec::new(),
        };
        for _ in 0..reader.array(MAX_KEYS)? {
            session.curves.push(CurveId::from_number(reader.uint()?).ok_or(Malformed)?);
        }
        session.check().map_err(|_| MessageError::Malformed)?;
        Ok(session)
    }
}

/// Why a session is none: the caller's mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SessionError {
    /// The name of the user is too long.
    #[error("the name of the user has {len} bytes, more than {max}")]
    UserTooLong {
        /// How many bytes it has.
        len: usize,
        /// How many it can have.
        max: usize,
    },
    /// There is no key to make, or there are too many.
    #[error("a session makes 1 to {max} keys, not {count}")]
    KeyCount {
        /// How many there are.
        count: usize,
        /// How many there can be.
        max: usize,
    },
}
