//! Another sharing of the same key, made by the two who hold the present one, without the key
//! ever being anywhere: a refresh of the backup pair, or one pair from the other (Herzberg and
//! others 1995; PROTOCOL.md has the equations and why they are safe).
//!
//! ```text
//! client                                            custodian
//!                                                   CustodianCommitted::new
//!            ◀── per item: H(R₂, salt, context) ──
//! ClientOffered::new
//!            ─── Offer: g₁(2), R₁ ───────────────▶
//!                                                   CustodianCommitted::respond → new shares
//!            ◀── Response: g₂(1), R₂, salt ───────
//! ClientOffered::finish → UnprovenShares
//!            ◀── the custodian's proofs of its new shares
//! UnprovenShares::accept → new shares
//! ```
//!
//! A sharing that moves to another custodian is made by three ([`CustodianCommitted::depart`],
//! [`arrive`], [`ClientOffered::finish_moved`]): the old custodian's part goes to the next one in a
//! [`Parcel`] that nobody else may open.
//!
//! Each step consumes the state before it. Both messages are secrets: together with an old share
//! they lead to the new one.

mod context;
mod item;
mod message;
mod parcel;
#[cfg(test)]
mod tests;

use core::fmt;

use rand_core::CryptoRng;
use thiserror::Error;

use self::item::{AnyClientItem, AnyCustodianItem};
pub use self::{
    context::{Context, ContextError, Item, MAX_ITEMS},
    message::{Offer, Response},
    parcel::{Parcel, arrive},
};
use crate::{
    exchange::{Kind, read_head, write_head},
    proof::{Statement, UnprovenShares},
    secret::SecretBytes,
    share::{AnyClientShare, AnyCommitment, AnyCustodianShare, AnyShare, HasRole},
    wire::Reader,
};

pub use crate::exchange::{MAX_USER_LEN, MessageError};

/// The custodian has committed to its part of the new slopes, before it has seen the client's.
pub struct CustodianCommitted {
    context: Context,
    digest: [u8; 32],
    items: Vec<AnyCustodianItem>,
}

impl CustodianCommitted {
    /// Begins an exchange. The hashes, one per item, go to the client.
    ///
    /// # Errors
    ///
    /// [`ReshareError::Context`].
    pub fn new<R: CryptoRng + ?Sized>(
        context: Context,
        rng: &mut R,
    ) -> Result<(Self, Vec<[u8; 32]>), ReshareError> {
        let digest = context.digest()?;
        let items: Vec<_> =
            context.items.iter().map(|item| AnyCustodianItem::make(item.curve, rng)).collect();
        let early =
            items.iter().enumerate().map(|(place, item)| item.commit(&digest, place)).collect();
        Ok((Self { context, digest, items }, early))
    }

    /// Answers the client's offer: the custodian's new shares in the order of the items, and what
    /// the client needs for its own. `shares` are the present ones; each is enough for all the
    /// items that begin with it.
    ///
    /// Call it only after the client has proven its present shares, and keep the new shares before
    /// the response is sent. The same state and offer give the same answer.
    ///
    /// # Errors
    ///
    /// See [`ReshareError`]. The exchange is over then, and nothing has changed.
    pub fn respond(
        self,
        offer: &Offer,
        shares: &[AnyCustodianShare],
    ) -> Result<(Vec<AnyCustodianShare>, Response), ReshareError> {
        let offered = offer.items_for(&self.digest, self.items.len())?;
        let mut new_shares = Vec::with_capacity(self.items.len());
        let mut answers = Vec::with_capacity(self.items.len());
        let mut slopes = Vec::with_capacity(self.items.len());
        let items = self.context.items.iter().zip(self.items.iter().zip(offered));
        for (place, (item, (ours, theirs))) in items.enumerate() {
            let share = find(shares, &self.context, place)?;
            let id = self.context.target(item);
            let (new_share, answer) = ours.respond(place, id, share, theirs)?;
            let commitment = new_share.commitment();
            refuse_known_slope(place, &commitment, slopes.iter().chain([&share.commitment()]))?;
            slopes.push(commitment);
            new_shares.push(new_share);
            answers.push(answer);
        }
        Ok((new_shares, Response::new(self.digest, answers)))
    }

    /// What the exchange is about.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// The state, to be kept sealed: after a crash, it answers the same offer with the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let capacity = self.context.encoded_len() + self.items.len() * 80 + 16;
        let mut writer = write_head(Kind::ReshareCustodianCommitted, 2, capacity);
        writer = self.context.write_to(writer).array(self.items.len());
        for item in &self.items {
            writer = item.write_to(writer);
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
        read_head(&mut reader, Kind::ReshareCustodianCommitted, 2)?;
        let context = Context::read_from(&mut reader)?;
        reader.array_of(context.items.len())?;
        let items = context
            .items
            .iter()
            .map(|item| AnyCustodianItem::read_from(&mut reader, item.curve))
            .collect::<Result<_, _>>()?;
        reader.end()?;
        let digest = context.digest().map_err(|_| MessageError::Malformed)?;
        Ok(Self { context, digest, items })
    }
}

impl fmt::Debug for CustodianCommitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustodianCommitted").field("context", &self.context).finish_non_exhaustive()
    }
}

/// The client has made its offer.
pub struct ClientOffered {
    context: Context,
    digest: [u8; 32],
    items: Vec<AnyClientItem>,
}

impl ClientOffered {
    /// Takes the custodian's hashes, and makes the offer. `shares` are the present ones; each is
    /// enough for all the items that begin with it.
    ///
    /// Keep the state sealed before the offer is sent.
    ///
    /// # Errors
    ///
    /// [`ReshareError::Context`], [`ReshareError::Count`] and [`ReshareError::MissingShare`].
    pub fn new<R: CryptoRng + ?Sized>(
        context: Context,
        early: &[[u8; 32]],
        shares: &[AnyClientShare],
        rng: &mut R,
    ) -> Result<(Self, Offer), ReshareError> {
        let digest = context.digest()?;
        let expected = context.items.len();
        if early.len() != expected {
            return Err(ReshareError::Count { expected, found: early.len() });
        }
        let items = early
            .iter()
            .enumerate()
            .map(|(place, early)| {
                Ok(AnyClientItem::make(find(shares, &context, place)?, *early, rng))
            })
            .collect::<Result<_, ReshareError>>()?;
        let offered = Self { context, digest, items };
        let offer = offered.offer();
        Ok((offered, offer))
    }

    /// The offer once more, to be sent again after a crash: always the same.
    #[must_use]
    pub fn offer(&self) -> Offer {
        Offer::new(self.digest, self.items.iter().map(AnyClientItem::offer).collect())
    }

    /// Takes the custodian's response. `known` are the commitments of every epoch of these keys
    /// that the client knows: the new ones must differ from all.
    ///
    /// # Errors
    ///
    /// See [`ReshareError`]. The exchange is over then, and nothing has changed.
    pub fn finish(
        self,
        response: &Response,
        known: &[AnyCommitment],
    ) -> Result<UnprovenShares, ReshareError> {
        let shares = self.combine(response, known)?;
        let exchange = self.context.statement(Vec::new(), [0; 32], [0; 32], [0; 32]);
        Ok(UnprovenShares::new(shares, exchange))
    }

    /// The same where the new sharing is another custodian's: it is that one who has to prove it, with
    /// the digest of its identity and the user as it knows them.
    ///
    /// # Errors
    ///
    /// See [`ReshareError`].
    pub fn finish_moved(
        self,
        response: &Response,
        known: &[AnyCommitment],
        custodian: [u8; 32],
        user: &str,
    ) -> Result<UnprovenShares, ReshareError> {
        let shares = self.combine(response, known)?;
        let exchange = self.context.statement(Vec::new(), [0; 32], [0; 32], [0; 32]);
        let exchange = Statement { custodian, user: user.to_owned(), ..exchange };
        Ok(UnprovenShares::new(shares, exchange))
    }

    fn combine(
        &self,
        response: &Response,
        known: &[AnyCommitment],
    ) -> Result<Vec<AnyClientShare>, ReshareError> {
        let answers = response.items_for(&self.digest, self.items.len())?;
        let mut shares = Vec::with_capacity(self.items.len());
        let mut slopes = Vec::with_capacity(self.items.len());
        let items = self.context.items.iter().zip(self.items.iter().zip(answers));
        for (place, (item, (ours, theirs))) in items.enumerate() {
            let share = ours.finish(&self.digest, place, self.context.target(item), theirs)?;
            let commitment = share.commitment();
            let present = [&ours.commitment()];
            refuse_known_slope(place, &commitment, slopes.iter().chain(present).chain(known))?;
            slopes.push(commitment);
            shares.push(share);
        }
        Ok(shares)
    }

    /// What the exchange is about.
    #[must_use]
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// The state, to be kept sealed. It exists for one purpose: to resume this exchange after a
    /// crash. It holds the present shares, so that nothing has to be opened again for that.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let capacity = self.context.encoded_len() + self.items.len() * 256 + 16;
        let mut writer = write_head(Kind::ReshareClientOffered, 2, capacity);
        writer = self.context.write_to(writer).array(self.items.len());
        for item in &self.items {
            writer = item.write_to(writer);
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
        read_head(&mut reader, Kind::ReshareClientOffered, 2)?;
        let context = Context::read_from(&mut reader)?;
        reader.array_of(context.items.len())?;
        let items = context
            .items
            .iter()
            .map(|item| AnyClientItem::read_from(&mut reader, context.source(item), item.curve))
            .collect::<Result<_, _>>()?;
        reader.end()?;
        let digest = context.digest().map_err(|_| MessageError::Malformed)?;
        Ok(Self { context, digest, items })
    }
}

impl fmt::Debug for ClientOffered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOffered").field("context", &self.context).finish_non_exhaustive()
    }
}

/// The share that item number `place` begins with.
fn find<'a, R: HasRole>(
    shares: &'a [AnyShare<R>],
    context: &Context,
    place: usize,
) -> Result<&'a AnyShare<R>, ReshareError> {
    let missing = ReshareError::MissingShare { item: place };
    let item = context.items.get(place).ok_or(missing)?;
    let id = context.source(item);
    shares.iter().find(|share| share.id() == id && share.curve() == item.curve).ok_or(missing)
}

/// A slope that was there before would make two epochs one, and their shares would combine.
fn refuse_known_slope<'a>(
    item: usize,
    commitment: &AnyCommitment,
    mut known: impl Iterator<Item = &'a AnyCommitment>,
) -> Result<(), ReshareError> {
    if known.any(|known| known.has_slope_of(commitment)) {
        return Err(ReshareError::KnownSlope { item });
    }
    Ok(())
}

/// Why no new sharing was made. The exchange is over, the present sharing is as it was: begin
/// again with a new operation. Where the other party is at fault, it lied, or holds another
/// sharing than ours. `item` counts the items of the context from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReshareError {
    /// The context is none: the caller's mistake.
    #[error("the context of the exchange is refused")]
    Context(#[from] ContextError),
    /// The caller gave no share that this item begins with: of this wallet, purpose, epoch, key
    /// and curve.
    #[error("the share that item {item} begins with is missing")]
    MissingShare {
        /// The item.
        item: usize,
    },
    /// The message is of another exchange: another operation, wallet, user, custodian, purpose,
    /// epoch or curve. Perhaps a replay.
    #[error("the message belongs to another exchange")]
    ContextMismatch,
    /// A message, or the caller, has more or fewer items than the context.
    #[error("{expected} items were expected, not {found}")]
    Count {
        /// How many the context has.
        expected: usize,
        /// How many there were.
        found: usize,
    },
    /// A number in the message is not below the order of the group. The other party is at fault.
    #[error("the value of item {item} is out of range")]
    OutOfRange {
        /// The item.
        item: usize,
    },
    /// The values of the message do not fit the present commitment: the other party has another
    /// sharing, or the message was changed.
    #[error("item {item} does not fit the present commitment")]
    NotCommitted {
        /// The item.
        item: usize,
    },
    /// The custodian did not open what it had committed to. It is at fault.
    #[error("item {item} is not what the custodian had committed to")]
    NotOpened {
        /// The item.
        item: usize,
    },
    /// A part of the new slope, the slope or a new share would be zero.
    #[error("the new sharing of item {item} would be degenerate")]
    Degenerate {
        /// The item.
        item: usize,
    },
    /// The new slope is that of an epoch that is known. The custodian is at fault.
    #[error("the new sharing of item {item} is one that there was before")]
    KnownSlope {
        /// The item.
        item: usize,
    },
}
