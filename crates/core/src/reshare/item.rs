//! One item of the exchange, on its curve: the equations.

use core::fmt;

use k256::elliptic_curve::{Group, PrimeField};
use rand_core::CryptoRng;
use sha2::Sha256;

use super::{
    ReshareError,
    message::{OfferItem, ResponseItem},
    parcel::ParcelItem,
};
use crate::{
    curve::{Curve, SCALAR_LEN, SecretScalar, VerifyingKey, any_curve, each, wiping},
    exchange::MessageError,
    id::{CurveId, Role},
    secret::SecretBytes,
    share::{
        AnyClientShare, AnyCommitment, AnyCustodianShare, AnyShare, ClientShare, Commitment,
        CustodianShare, KeyId, Share,
    },
    wire::{Reader, Transcript, Writer},
};

/// The custodian's side: `r₂`, `R₂ = r₂·G` and the salt that hides it until it is opened.
pub(super) struct CustodianItem<C: Curve> {
    blind: SecretScalar<C>,
    point: VerifyingKey<C>,
    salt: [u8; 32],
}

impl<C: Curve> CustodianItem<C> {
    fn make<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        loop {
            let blind = SecretScalar::make(rng);
            if let Ok(point) = VerifyingKey::from_point(blind.mul_base()) {
                return Self { blind, point, salt };
            }
        }
    }

    /// `f′(2) = g₁(2) − f(2) + 2·r₂` and `g₂(1) = −f(2) + r₂`, after `g₁(2)·G = 2·F₁ + 2·R₁`.
    fn respond(
        &self,
        place: usize,
        id: KeyId,
        share: &CustodianShare<C>,
        theirs: &OfferItem,
    ) -> Result<(CustodianShare<C>, ResponseItem), ReshareError> {
        let commitment = share.commitment();
        let value = scalar::<C>(&theirs.value, place)?;
        // The equation, solved for R₁: what was sent is compared with the one point that fits, so
        // that no point of theirs is ever decoded.
        let half = value.mul(&C::Scalar::TWO_INV);
        let theirs_point = half.mul_base() - commitment.share_point(Role::Client);
        let slope = theirs_point + self.point.point();
        let [theirs_bytes, slope_bytes] = C::encode([theirs_point, slope]);
        if theirs_bytes.as_ref() != theirs.point {
            return Err(ReshareError::NotCommitted { item: place });
        }
        let new_commitment =
            next_commitment(place, commitment, theirs_point, (slope, slope_bytes))?;

        let answer = self.blind.sub(share.value());
        let new_value = value.add(&answer).add(&self.blind);
        let answer = ResponseItem {
            value: answer.expose_secret(),
            point: self.point.as_bytes().to_vec(),
            salt: self.salt,
        };
        Ok((Share::from_parts(id, new_commitment, new_value), answer))
    }

    /// `g₂(1) = −f(2) + r₂` for the client and `g₂(2) = −f(2) + 2·r₂` for the custodian that comes
    /// next. Whoever has both has `f(2)`.
    fn depart(&self, share: &CustodianShare<C>) -> (ResponseItem, ParcelItem) {
        let first = self.blind.sub(share.value());
        let second = first.add(&self.blind);
        let point = self.point.as_bytes().to_vec();
        let answer =
            ResponseItem { value: first.expose_secret(), point: point.clone(), salt: self.salt };
        (answer, ParcelItem { value: second.expose_secret(), point })
    }

    /// `[r₂, salt]`
    fn write_to(&self, writer: Writer) -> Writer {
        writer.array(2).bytes(self.blind.to_bytes().as_slice()).bytes(&self.salt)
    }

    fn read_from(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        reader.array_of(2)?;
        let (blind, point) = read_blind(reader)?;
        Ok(Self { blind, point, salt: *reader.fixed()? })
    }
}

impl<C: Curve> fmt::Debug for CustodianItem<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CustodianItem(redacted)")
    }
}

/// The client's side: its present share, `r₁`, `R₁ = r₁·G`, and what the custodian has committed
/// to.
pub(super) struct ClientItem<C: Curve> {
    share: ClientShare<C>,
    blind: SecretScalar<C>,
    point: VerifyingKey<C>,
    early: [u8; 32],
}

impl<C: Curve> ClientItem<C> {
    fn make<R: CryptoRng + ?Sized>(share: ClientShare<C>, early: [u8; 32], rng: &mut R) -> Self {
        loop {
            let blind = SecretScalar::make(rng);
            if let Ok(point) = VerifyingKey::from_point(blind.mul_base()) {
                return Self { share, blind, point, early };
            }
        }
    }

    /// `g₁(2) = 2·f(1) + 2·r₁`
    fn offer(&self) -> OfferItem {
        let value = self.share.value().add(&self.blind).double();
        OfferItem { value: value.expose_secret(), point: self.point.as_bytes().to_vec() }
    }

    /// `f′(1) = 2·f(1) + r₁ + g₂(1)`, after `g₂(1)·G = −F₂ + R₂` and the opening of `R₂`.
    fn finish(
        &self,
        context: &[u8; 32],
        place: usize,
        id: KeyId,
        theirs: &ResponseItem,
    ) -> Result<ClientShare<C>, ReshareError> {
        let commitment = self.share.commitment();
        let value = scalar::<C>(&theirs.value, place)?;
        // The equation, solved for R₂, as the custodian does for R₁.
        let theirs_point = value.mul_base() + commitment.share_point(Role::Custodian);
        let slope = theirs_point + self.point.point();
        let [theirs_bytes, slope_bytes] = C::encode([theirs_point, slope]);
        if theirs_bytes.as_ref() != theirs.point {
            return Err(ReshareError::NotCommitted { item: place });
        }
        if opening(context, place, &theirs.salt, theirs_bytes.as_ref()) != self.early {
            return Err(ReshareError::NotOpened { item: place });
        }
        let new_commitment =
            next_commitment(place, commitment, theirs_point, (slope, slope_bytes))?;

        let new_value = self.share.value().double().add(&self.blind).add(&value);
        Ok(Share::from_parts(id, new_commitment, new_value))
    }

    /// `[early, r₁, share]`
    fn write_to(&self, writer: Writer) -> Writer {
        writer
            .array(3)
            .bytes(&self.early)
            .bytes(self.blind.to_bytes().as_slice())
            // Written to be kept sealed.
            .bytes(self.share.to_bytes().expose_secret())
    }

    fn read_from(reader: &mut Reader<'_>, id: KeyId) -> Result<Self, MessageError> {
        reader.array_of(3)?;
        let early = *reader.fixed()?;
        let (blind, point) = read_blind(reader)?;
        let share =
            ClientShare::from_bytes(reader.bytes()?).map_err(|_| MessageError::Malformed)?;
        if share.id() == id {
            Ok(Self { share, blind, point, early })
        } else {
            Err(MessageError::Malformed)
        }
    }
}

impl<C: Curve> fmt::Debug for ClientItem<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientItem(redacted)")
    }
}

any_curve! {
    pub(super) enum AnyCustodianItem = CustodianItem
}

impl AnyCustodianItem {
    pub(super) fn make<R: CryptoRng + ?Sized>(curve: CurveId, rng: &mut R) -> Self {
        wiping(|| match curve {
            CurveId::Secp256k1 => Self::Secp256k1(CustodianItem::make(rng)),
            CurveId::Ed25519 => Self::Ed25519(CustodianItem::make(rng)),
        })
    }

    /// `H(context ‖ place ‖ salt ‖ R₂)`
    pub(super) fn commit(&self, context: &[u8; 32], place: usize) -> [u8; 32] {
        each!(self, item => opening(context, place, &item.salt, item.point.as_bytes()))
    }

    pub(super) fn respond(
        &self,
        place: usize,
        id: KeyId,
        share: &AnyCustodianShare,
        theirs: &OfferItem,
    ) -> Result<(AnyCustodianShare, ResponseItem), ReshareError> {
        wiping(|| match (self, share) {
            (Self::Secp256k1(item), AnyShare::Secp256k1(share)) => {
                item.respond(place, id, share, theirs).map(|(share, answer)| (share.into(), answer))
            }
            (Self::Ed25519(item), AnyShare::Ed25519(share)) => {
                item.respond(place, id, share, theirs).map(|(share, answer)| (share.into(), answer))
            }
            _ => Err(ReshareError::MissingShare { item: place }),
        })
    }

    pub(super) fn depart(
        &self,
        place: usize,
        share: &AnyCustodianShare,
    ) -> Result<(ResponseItem, ParcelItem), ReshareError> {
        wiping(|| match (self, share) {
            (Self::Secp256k1(item), AnyShare::Secp256k1(share)) => Ok(item.depart(share)),
            (Self::Ed25519(item), AnyShare::Ed25519(share)) => Ok(item.depart(share)),
            _ => Err(ReshareError::MissingShare { item: place }),
        })
    }

    pub(super) fn write_to(&self, writer: Writer) -> Writer {
        each!(self, item => item.write_to(writer))
    }

    pub(super) fn read_from(reader: &mut Reader<'_>, curve: CurveId) -> Result<Self, MessageError> {
        match curve {
            CurveId::Secp256k1 => CustodianItem::read_from(reader).map(Self::Secp256k1),
            CurveId::Ed25519 => CustodianItem::read_from(reader).map(Self::Ed25519),
        }
    }
}

any_curve! {
    pub(super) enum AnyClientItem = ClientItem
}

impl AnyClientItem {
    pub(super) fn make<R: CryptoRng + ?Sized>(
        share: &AnyClientShare,
        early: [u8; 32],
        rng: &mut R,
    ) -> Self {
        wiping(|| match share {
            AnyShare::Secp256k1(share) => ClientItem::make(share.clone(), early, rng).into(),
            AnyShare::Ed25519(share) => ClientItem::make(share.clone(), early, rng).into(),
        })
    }

    pub(super) fn offer(&self) -> OfferItem {
        wiping(|| each!(self, item => item.offer()))
    }

    pub(super) fn finish(
        &self,
        context: &[u8; 32],
        place: usize,
        id: KeyId,
        theirs: &ResponseItem,
    ) -> Result<AnyClientShare, ReshareError> {
        wiping(|| each!(self, item => item.finish(context, place, id, theirs).map(Into::into)))
    }

    /// The present commitment.
    pub(super) fn commitment(&self) -> AnyCommitment {
        each!(self, item => item.share.commitment().clone().into())
    }

    pub(super) fn write_to(&self, writer: Writer) -> Writer {
        each!(self, item => item.write_to(writer))
    }

    pub(super) fn read_from(
        reader: &mut Reader<'_>,
        id: KeyId,
        curve: CurveId,
    ) -> Result<Self, MessageError> {
        match curve {
            CurveId::Secp256k1 => ClientItem::read_from(reader, id).map(Self::Secp256k1),
            CurveId::Ed25519 => ClientItem::read_from(reader, id).map(Self::Ed25519),
        }
    }
}

/// `f′(2) = g₁(2) + g₂(2)`, after `g₁(2)·G = 2·F₁ + 2·R₁` and `g₂(2)·G = −F₂ + 2·R₂`: of one who has
/// held nothing of the key so far.
fn arrive<C: Curve>(
    place: usize,
    id: KeyId,
    present: &Commitment<C>,
    offer: &OfferItem,
    parcel: &ParcelItem,
) -> Result<CustodianShare<C>, ReshareError> {
    let (first, second) = (scalar::<C>(&offer.value, place)?, scalar::<C>(&parcel.value, place)?);
    let half = |value: &SecretScalar<C>| value.mul(&C::Scalar::TWO_INV);
    // Both equations, solved for the points, as the other two do.
    let client = half(&first).mul_base() - present.share_point(Role::Client);
    let custodian = half(&second).mul_base() + half_share_point(present);
    let slope = client + custodian;
    let [client_bytes, custodian_bytes, slope_bytes] = C::encode([client, custodian, slope]);
    if client_bytes.as_ref() != offer.point || custodian_bytes.as_ref() != parcel.point {
        return Err(ReshareError::NotCommitted { item: place });
    }
    if bool::from(client.is_identity()) {
        return Err(ReshareError::Degenerate { item: place });
    }
    let commitment = next_commitment(place, present, custodian, (slope, slope_bytes))?;
    Ok(Share::from_parts(id, commitment, first.add(&second)))
}

/// `F₂ / 2`
fn half_share_point<C: Curve>(commitment: &Commitment<C>) -> C::Point {
    *commitment.share_point(Role::Custodian) * C::Scalar::TWO_INV
}

pub(super) fn arrive_any(
    place: usize,
    id: KeyId,
    present: &AnyCommitment,
    offer: &OfferItem,
    parcel: &ParcelItem,
) -> Result<AnyCustodianShare, ReshareError> {
    wiping(|| match present {
        AnyCommitment::Secp256k1(c) => arrive(place, id, c, offer, parcel).map(Into::into),
        AnyCommitment::Ed25519(c) => arrive(place, id, c, offer, parcel).map(Into::into),
    })
}

/// `[X, A′]` with `A′ = R₁ + R₂`; `X` stays.
fn next_commitment<C: Curve>(
    place: usize,
    present: &Commitment<C>,
    theirs: C::Point,
    (slope, slope_bytes): (C::Point, C::PointBytes),
) -> Result<Commitment<C>, ReshareError> {
    let degenerate = ReshareError::Degenerate { item: place };
    if bool::from(theirs.is_identity() | slope.is_identity()) {
        return Err(degenerate);
    }
    let slope = VerifyingKey::from_parts(slope, slope_bytes);
    Commitment::from_keys(*present.verifying_key(), slope).map_err(|_| degenerate)
}

/// The custodian's early commitment: binding to `R₂`, and hiding it behind the salt.
pub(super) fn opening(context: &[u8; 32], place: usize, salt: &[u8; 32], point: &[u8]) -> [u8; 32] {
    Transcript::<Sha256>::new("twoshare/v1/reshare/opening")
        .fixed(context)
        .count(place)
        .fixed(salt)
        .fixed(point)
        .finish()
        .into()
}

fn scalar<C: Curve>(bytes: &SecretBytes, place: usize) -> Result<SecretScalar<C>, ReshareError> {
    // Decoded to compute with.
    let bytes: Option<&[u8; SCALAR_LEN]> = bytes.expose_secret().try_into().ok();
    bytes.and_then(SecretScalar::from_bytes).ok_or(ReshareError::OutOfRange { item: place })
}

fn read_blind<C: Curve>(
    reader: &mut Reader<'_>,
) -> Result<(SecretScalar<C>, VerifyingKey<C>), MessageError> {
    let blind = SecretScalar::<C>::from_bytes(reader.fixed()?).ok_or(MessageError::Malformed)?;
    let point = VerifyingKey::from_point(blind.mul_base()).map_err(|_| MessageError::Malformed)?;
    Ok((blind, point))
}
