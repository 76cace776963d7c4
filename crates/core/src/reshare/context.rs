use sha2::Sha256;
use thiserror::Error;

use crate::{
    exchange::{MAX_USER_LEN, MessageError},
    id::{CurveId, Epoch, OperationId, Purpose, Sharing, WalletId, WalletKind},
    proof::{Operation, Stage, Statement, Transition},
    share::{AnyCommitment, KeyId},
    wire::{Malformed, Reader, Transcript, Writer},
};

/// How many sharings one exchange can make.
pub const MAX_ITEMS: usize = 256;

/// What an exchange is about. Both parties build it from what they know themselves; a message that
/// was made for any other is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The digest of the custodian's identity.
    pub custodian: [u8; 32],
    /// The user, as the custodian knows them: at most [`MAX_USER_LEN`] bytes.
    pub user: String,
    /// The wallet.
    pub wallet: WalletId,
    /// What kind of wallet it is.
    pub kind: WalletKind,
    /// What the new sharings are made for.
    pub operation: Operation,
    /// The operation that the exchange belongs to; a new one for every exchange.
    pub operation_id: OperationId,
    /// The sharings to make: at least one, at most [`MAX_ITEMS`].
    pub items: Vec<Item>,
}

/// One sharing to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Which of the wallet's keys, from 0.
    pub index: u8,
    /// Its curve.
    pub curve: CurveId,
    /// The present sharing. Several items may begin with one.
    pub from: Stage,
    /// The new sharing.
    pub to: Stage,
}

impl Context {
    /// What a proof in this exchange states, with what the context does not have. The transitions
    /// are those of the items, each once, in their order.
    #[must_use]
    pub fn statement(
        &self,
        commitments: Vec<AnyCommitment>,
        client_nonce: [u8; 32],
        custodian_nonce: [u8; 32],
        body: [u8; 32],
    ) -> Statement {
        let mut epochs = Vec::new();
        for item in &self.items {
            let transition = Transition { from: Some(item.from), to: Some(item.to) };
            if !epochs.contains(&transition) {
                epochs.push(transition);
            }
        }
        Statement {
            operation: self.operation,
            operation_id: self.operation_id,
            custodian: self.custodian,
            user: self.user.clone(),
            wallet: self.wallet,
            kind: self.kind,
            epochs,
            commitments,
            client_nonce,
            custodian_nonce,
            body,
        }
    }

    /// SHA-256 over all fields, once they are found to make sense.
    ///
    /// # Errors
    ///
    /// See [`ContextError`].
    pub fn digest(&self) -> Result<[u8; 32], ContextError> {
        self.check()?;
        let mut transcript = Transcript::<Sha256>::new("twoshare/v1/reshare/context")
            .fixed(&self.custodian)
            .variable(self.user.as_bytes())
            .fixed(&self.wallet.to_bytes())
            .u8(self.kind.number())
            .u8(self.operation.number())
            .fixed(&self.operation_id.to_bytes())
            .count(self.items.len());
        for item in &self.items {
            transcript = transcript.u8(item.index).u8(item.curve.number());
            for stage in [item.from, item.to] {
                transcript = transcript.u8(stage.purpose.number()).u64(stage.epoch.get());
            }
        }
        Ok(transcript.finish().into())
    }

    fn check(&self) -> Result<(), ContextError> {
        if self.user.len() > MAX_USER_LEN {
            return Err(ContextError::UserTooLong { len: self.user.len(), max: MAX_USER_LEN });
        }
        if self.items.is_empty() || self.items.len() > MAX_ITEMS {
            return Err(ContextError::ItemCount { count: self.items.len(), max: MAX_ITEMS });
        }
        for (place, item) in self.items.iter().enumerate() {
            if item.from.purpose == item.to.purpose && item.to.epoch <= item.from.epoch {
                return Err(ContextError::EpochNotLater { item: place });
            }
            let same = |other: &&Item| (other.index, other.to) == (item.index, item.to);
            if self.items.iter().take(place).any(|other| same(&other)) {
                return Err(ContextError::SameTarget { item: place });
            }
        }
        Ok(())
    }

    /// The share that `item` begins with.
    pub(super) const fn source(&self, item: &Item) -> KeyId {
        self.key(item.index, item.from)
    }

    /// The share that `item` makes.
    pub(super) const fn target(&self, item: &Item) -> KeyId {
        self.key(item.index, item.to)
    }

    const fn key(&self, index: u8, stage: Stage) -> KeyId {
        let Stage { purpose, epoch } = stage;
        KeyId { sharing: Sharing { wallet: self.wallet, purpose, epoch }, index }
    }

    /// At least as many bytes as [`write_to`](Self::write_to) writes.
    pub(super) fn encoded_len(&self) -> usize {
        96 + self.user.len() + self.items.len() * 26
    }

    /// `[custodian, user, wallet, kind, operation, operation id, [[index, curve, purpose, epoch,
    /// purpose, epoch], …]]`
    pub(super) fn write_to(&self, writer: Writer) -> Writer {
        let mut writer = writer
            .array(7)
            .bytes(&self.custodian)
            .text(&self.user)
            .bytes(&self.wallet.to_bytes())
            .uint(self.kind.number().into())
            .uint(self.operation.number().into())
            .bytes(&self.operation_id.to_bytes())
            .array(self.items.len());
        for item in &self.items {
            writer = writer.array(6).uint(item.index.into()).uint(item.curve.number().into());
            for stage in [item.from, item.to] {
                writer = writer.uint(stage.purpose.number().into()).uint(stage.epoch.get());
            }
        }
        writer
    }

    pub(super) fn read_from(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        reader.array_of(7)?;
        let mut context = Self {
            custodian: *reader.fixed()?,
            user: reader.text(MAX_USER_LEN)?.to_owned(),
            wallet: WalletId::from_bytes(*reader.fixed()?),
            kind: WalletKind::from_number(reader.uint()?).ok_or(Malformed)?,
            operation: Operation::from_number(reader.uint()?).ok_or(Malformed)?,
            operation_id: OperationId::from_bytes(*reader.fixed()?),
            items: Vec::new(),
        };
        for _ in 0..reader.array(MAX_ITEMS)? {
            context.items.push(Item::read_from(reader)?);
        }
        context.check().map_err(|_| MessageError::Malformed)?;
        Ok(context)
    }
}

impl Item {
    fn read_from(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.array_of(6)?;
        Ok(Self {
            index: reader.u8()?,
            curve: CurveId::from_number(reader.uint()?).ok_or(Malformed)?,
            from: read_stage(reader)?,
            to: read_stage(reader)?,
        })
    }
}

fn read_stage(reader: &mut Reader<'_>) -> Result<Stage, Malformed> {
    Ok(Stage {
        purpose: Purpose::from_number(reader.uint()?).ok_or(Malformed)?,
        epoch: Epoch::new(reader.uint()?).ok_or(Malformed)?,
    })
}

/// Why a context is none: the caller's mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ContextError {
    /// The name of the user is too long.
    #[error("the name of the user has {len} bytes, more than {max}")]
    UserTooLong {
        /// How many bytes it has.
        len: usize,
        /// How many it can have.
        max: usize,
    },
    /// There is nothing to make, or too much.
    #[error("an exchange makes 1 to {max} sharings, not {count}")]
    ItemCount {
        /// How many items there are.
        count: usize,
        /// How many there can be.
        max: usize,
    },
    /// The new epoch of an item's pair is not after its present one.
    #[error("the new epoch of item {item} is not after its present one")]
    EpochNotLater {
        /// The item, from 0.
        item: usize,
    },
    /// Two items make one sharing of one key.
    #[error("item {item} makes the same sharing as one before it")]
    SameTarget {
        /// The later item, from 0.
        item: usize,
    },
}
