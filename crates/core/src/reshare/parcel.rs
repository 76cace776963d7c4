//! A sharing moves: the custodian that holds it gives its part away to the next one.

use core::fmt;

use super::{
    Context, CustodianCommitted, MAX_ITEMS, Offer, ReshareError, Response, item::arrive_any,
    message::for_context, refuse_known_slope,
};
use crate::{
    exchange::{Kind, MessageError, read_head, write_head},
    secret::SecretBytes,
    share::{AnyCommitment, AnyCustodianShare},
    wire::Reader,
};

/// What the old custodian gives to the next one: `g₂(2)` and `R₂` for each item. A secret, and to the
/// client above all: with what the client is told, it is the old custodian's share.
pub struct Parcel {
    context: [u8; 32],
    pub(super) items: Vec<ParcelItem>,
}

/// `g₂(2)` and `R₂` in the encodings of the item's curve, unchecked.
pub(super) struct ParcelItem {
    pub(super) value: SecretBytes,
    pub(super) point: Vec<u8>,
}

impl CustodianCommitted {
    /// Gives this custodian's part of the new sharings away: what the client needs for its shares, and
    /// a parcel for the custodian that comes next, which is to be sealed to that one alone. This
    /// custodian never has the new shares, and keeps its present ones until it hears that they are
    /// not needed any more.
    ///
    /// Call it only after the client has proven its present shares, and where the client is bound to
    /// its offer already ([`Offer::digest`]): it chooses its part of the slope before it sees ours.
    ///
    /// # Errors
    ///
    /// [`ReshareError::MissingShare`].
    pub fn depart(self, shares: &[AnyCustodianShare]) -> Result<(Response, Parcel), ReshareError> {
        let mut answers = Vec::with_capacity(self.items.len());
        let mut items = Vec::with_capacity(self.items.len());
        for (place, ours) in self.items.iter().enumerate() {
            let (answer, item) = ours.depart(place, super::find(shares, &self.context, place)?)?;
            answers.push(answer);
            items.push(item);
        }
        Ok((Response::new(self.digest, answers), Parcel { context: self.digest, items }))
    }
}

/// The new shares of a custodian that has held nothing of these keys so far, from the client's offer
/// and the old custodian's parcel. `present` are the commitments of the sharing that both begin with,
/// one for each key in its place, as the old custodian vouches for them.
///
/// # Errors
///
/// See [`ReshareError`]. Whoever vouched for the commitments, the parcel, or the client is at fault.
pub fn arrive(
    context: &Context,
    offer: &Offer,
    parcel: &Parcel,
    present: &[AnyCommitment],
) -> Result<Vec<AnyCustodianShare>, ReshareError> {
    let digest = context.digest()?;
    let expected = context.items.len();
    let offered = offer.items_for(&digest, expected)?;
    let sent = for_context(&parcel.context, &digest, &parcel.items, expected)?;
    let mut shares = Vec::with_capacity(expected);
    let mut slopes = Vec::with_capacity(expected);
    for (place, (item, (offered, sent))) in
        context.items.iter().zip(offered.iter().zip(sent)).enumerate()
    {
        let from = present.get(usize::from(item.index)).filter(|from| from.curve() == item.curve);
        let from = from.ok_or(ReshareError::MissingShare { item: place })?;
        let share = arrive_any(place, context.target(item), from, offered, sent)?;
        let commitment = share.commitment();
        refuse_known_slope(place, &commitment, slopes.iter().chain([from]))?;
        slopes.push(commitment);
        shares.push(share);
    }
    Ok(shares)
}

impl Parcel {
    /// `[1, 11, context, [[g₂(2), R₂], …]]` in deterministic CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let mut writer = write_head(Kind::ReshareParcel, 2, 48 + self.items.len() * 72)
            .bytes(&self.context)
            .array(self.items.len());
        for item in &self.items {
            // Written to be sealed for the next custodian.
            writer = writer.array(2).bytes(item.value.expose_secret()).bytes(&item.point);
        }
        writer.finish()
    }

    /// The parcel that [`to_bytes`](Self::to_bytes) wrote. Its values are checked by [`arrive`].
    ///
    /// # Errors
    ///
    /// See [`MessageError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MessageError> {
        let mut reader = Reader::new(bytes);
        read_head(&mut reader, Kind::ReshareParcel, 2)?;
        let context = *reader.fixed()?;
        let items = (0..reader.array(MAX_ITEMS)?)
            .map(|_| {
                reader.array_of(2)?;
                Ok(ParcelItem { value: reader.bytes()?.into(), point: reader.bytes()?.to_vec() })
            })
            .collect::<Result<_, MessageError>>()?;
        reader.end()?;
        Ok(Self { context, items })
    }
}

impl fmt::Debug for Parcel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parcel(redacted, {} items)", self.items.len())
    }
}
