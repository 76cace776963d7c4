use core::fmt;

use sha2::Sha256;

use super::{MAX_ITEMS, ReshareError};
use crate::{
    exchange::{Kind, MessageError, read_head, write_head},
    secret::SecretBytes,
    wire::{Reader, Transcript},
};

/// What the client offers: `g₁(2)` and `R₁` for each item. A secret.
pub struct Offer {
    context: [u8; 32],
    items: Vec<OfferItem>,
}

/// `g₁(2)` and `R₁` in the encodings of the item's curve, unchecked.
pub(super) struct OfferItem {
    pub(super) value: SecretBytes,
    pub(super) point: Vec<u8>,
}

impl Offer {
    pub(super) const fn new(context: [u8; 32], items: Vec<OfferItem>) -> Self {
        Self { context, items }
    }

    /// The items, if the offer was made for the context with this digest.
    pub(super) fn items_for(
        &self,
        context: &[u8; 32],
        expected: usize,
    ) -> Result<&[OfferItem], ReshareError> {
        for_context(&self.context, context, &self.items, expected)
    }

    /// What stands for this offer where it must not be seen: SHA-256 of its tagged bytes. It hides
    /// the offer, whose numbers are random, and binds whoever gave it away.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let bytes = self.to_bytes();
        Transcript::<Sha256>::new("twoshare/v1/reshare/offer")
            // Exposed: to the hash.
            .variable(bytes.expose_secret())
            .finish()
            .into()
    }

    /// `[1, 1, context, [[g₁(2), R₁], …]]` in deterministic CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let mut writer = write_head(Kind::ReshareOffer, 2, 48 + self.items.len() * 72)
            .bytes(&self.context)
            .array(self.items.len());
        for item in &self.items {
            // Written to be sealed for the custodian.
            writer = writer.array(2).bytes(item.value.expose_secret()).bytes(&item.point);
        }
        writer.finish()
    }

    /// The offer that [`to_bytes`](Self::to_bytes) wrote. Its values are checked when it is
    /// answered.
    ///
    /// # Errors
    ///
    /// See [`MessageError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MessageError> {
        let mut reader = Reader::new(bytes);
        read_head(&mut reader, Kind::ReshareOffer, 2)?;
        let context = *reader.fixed()?;
        let items = (0..reader.array(MAX_ITEMS)?)
            .map(|_| {
                reader.array_of(2)?;
                Ok(OfferItem { value: reader.bytes()?.into(), point: reader.bytes()?.to_vec() })
            })
            .collect::<Result<_, MessageError>>()?;
        reader.end()?;
        Ok(Self { context, items })
    }
}

impl fmt::Debug for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Offer(redacted, {} items)", self.items.len())
    }
}

/// What the custodian answers: `g₂(1)`, `R₂` and the salt of its early commitment for each item.
/// A secret.
pub struct Response {
    context: [u8; 32],
    pub(super) items: Vec<ResponseItem>,
}

/// `g₂(1)` and `R₂` in the encodings of the item's curve, and the salt, unchecked.
pub(super) struct ResponseItem {
    pub(super) value: SecretBytes,
    pub(super) point: Vec<u8>,
    pub(super) salt: [u8; 32],
}

impl Response {
    pub(super) const fn new(context: [u8; 32], items: Vec<ResponseItem>) -> Self {
        Self { context, items }
    }

    /// The items, if the response was made for the context with this digest.
    pub(super) fn items_for(
        &self,
        context: &[u8; 32],
        expected: usize,
    ) -> Result<&[ResponseItem], ReshareError> {
        for_context(&self.context, context, &self.items, expected)
    }

    /// `[1, 2, context, [[g₂(1), R₂, salt], …]]` in deterministic CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let mut writer = write_head(Kind::ReshareResponse, 2, 48 + self.items.len() * 106)
            .bytes(&self.context)
            .array(self.items.len());
        for item in &self.items {
            // Written to be sealed for the client.
            let value = item.value.expose_secret();
            writer = writer.array(3).bytes(value).bytes(&item.point).bytes(&item.salt);
        }
        writer.finish()
    }

    /// The response that [`to_bytes`](Self::to_bytes) wrote. Its values are checked when it is
    /// taken.
    ///
    /// # Errors
    ///
    /// See [`MessageError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MessageError> {
        let mut reader = Reader::new(bytes);
        read_head(&mut reader, Kind::ReshareResponse, 2)?;
        let context = *reader.fixed()?;
        let items = (0..reader.array(MAX_ITEMS)?)
            .map(|_| {
                reader.array_of(3)?;
                Ok(ResponseItem {
                    value: reader.bytes()?.into(),
                    point: reader.bytes()?.to_vec(),
                    salt: *reader.fixed()?,
                })
            })
            .collect::<Result<_, MessageError>>()?;
        reader.end()?;
        Ok(Self { context, items })
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response(redacted, {} items)", self.items.len())
    }
}

pub(super) fn for_context<'a, T>(
    found: &[u8; 32],
    context: &[u8; 32],
    items: &'a [T],
    expected: usize,
) -> Result<&'a [T], ReshareError> {
    if found != context {
        return Err(ReshareError::ContextMismatch);
    }
    if items.len() != expected {
        return Err(ReshareError::Count { expected, found: items.len() });
    }
    Ok(items)
}
