//! A wallet leaves for another custodian, and arrives from one.

use core::fmt;

use twoshare_core::{
    channel::{ClientChannel, CustodianChannel, EphemeralSecret, Step},
    digest::Digest,
    id::{Epoch, Purpose},
    identity::CustodianIdentity,
    proof::Operation,
    reshare,
    secret::SecretBytes,
    share::{AnyCommitment, AnyCustodianShare},
};

use super::{
    Desk, Row,
    evidence::{Claim, ClaimError},
    session::{Exchange, Session},
};
use crate::{
    binding::{Nonces, Party, channel_context, keys_digest, origin, parcel_context},
    custodian::{DepartError, EvidenceError, HandOverError, Outage, PrepareError, Unavailable},
    exchange::reshare_context,
    message::{
        Arriving, Begin, Begun, Depart, Departed, DepartedSecret, Parcel, ParcelBody, Plan,
        Receipt, Signed, digest,
    },
    rules::{Custody, Evidence, Leaving, Time},
    wire::Message,
};

/// A wallet that may leave, and whose custodian's part is yet to be given away.
pub struct Departing {
    party: Party,
    begin: Begin,
    depart: Depart,
    epoch: Epoch,
    commitments: Vec<AnyCommitment>,
    channel: CustodianChannel,
    exchange: Exchange,
    begun: Begun,
    expires: Time,
    number: u64,
}

/// A departure that was refused.
#[derive(Debug)]
pub struct RefusedDeparture {
    /// Why. Where it is a wait, the wallet has changed: save it.
    pub error: DepartError,
    /// The session, of which nothing was spent: put it back.
    pub session: Box<Session>,
}

impl From<ClaimError> for DepartError {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Evidence(error) => error.into(),
            ClaimError::Damaged => Self::Damaged,
        }
    }
}

impl Desk<'_> {
    /// Whether a wallet may leave. `is_trusted` says whether the operator trusts a custodian to have
    /// it: the client names one, and does not choose it.
    ///
    /// # Errors
    ///
    /// See [`RefusedDeparture`].
    pub fn check_depart(
        &mut self,
        row: &mut Row,
        session: Box<Session>,
        depart: &Depart,
        is_trusted: impl Fn(&CustodianIdentity) -> bool,
    ) -> Result<Departing, Box<RefusedDeparture>> {
        match self.may_depart(row, &session, depart, is_trusted) {
            Ok((epoch, commitments)) => {
                let Session { party, begin, begun, ephemeral, exchange, expires, number, .. } =
                    *session;
                let context = channel_context(&party, &begin, &begun);
                let key = &depart.body.ephemeral;
                let channel = CustodianChannel::new(&ephemeral, key, self.keys, &context);
                let depart = depart.clone();
                Ok(Departing {
                    party,
                    begin,
                    depart,
                    epoch,
                    commitments,
                    channel,
                    exchange,
                    begun,
                    expires,
                    number,
                })
            }
            Err(error) => Err(Box::new(RefusedDeparture { error, session })),
        }
    }

    fn may_depart(
        &self,
        row: &mut Row,
        session: &Session,
        depart: &Depart,
        is_trusted: impl Fn(&CustodianIdentity) -> bool,
    ) -> Result<(Epoch, Vec<AnyCommitment>), DepartError> {
        let Session { party, begin, begun, .. } = session;
        let Plan::Depart { from, to, curves, destination } = &begin.plan else {
            return Err(EvidenceError::OtherSession.into());
        };
        if session.departed.is_some() {
            // No two parcels have one secret.
            return Err(EvidenceError::NoSession.into());
        }
        let claim = Claim {
            party,
            begin,
            operation: Operation::Move,
            nonces: Nonces { client: depart.body.client_nonce, custodian: begun.nonce },
            body: digest(&depart.body),
            proofs: &depart.proofs,
        };
        claim.check(row)?;
        if !is_trusted(destination) {
            return Err(DepartError::Untrusted);
        }
        // That custodian has begun this very move, of a wallet that comes from here.
        let arrival = Begin {
            wallet: begin.wallet,
            kind: begin.kind,
            operation: Operation::Move,
            id: begin.id,
            evidence: Evidence::Token,
            plan: Plan::Arrive {
                from: *from,
                to: to.clone(),
                curves: curves.clone(),
                source: Box::new(*self.keys.identity()),
            },
        };
        let expected = digest(&arrival);
        let theirs = depart.body.begun.verify(destination);
        let theirs = theirs.map_err(|_| DepartError::NotExpected)?;
        if digest(&depart.body.arrival) != expected || theirs.begin != expected {
            return Err(DepartError::NotExpected);
        }
        let backup = begin.plan.makes(Purpose::Backup).ok_or(EvidenceError::OtherSession)?;
        let signing = begin.plan.makes(Purpose::Signing);
        let leaving = Leaving { id: begin.id, to: destination.clone(), signing, backup };
        let active = row.depart(leaving, begin.evidence, self.policy)?;
        let commitments = active.material.commitments().map_err(|_| DepartError::Damaged)?;
        Ok((active.epoch, commitments))
    }

    /// Ends a wallet here that has left, and says whether it has ended just now.
    ///
    /// # Errors
    ///
    /// See [`HandOverError`].
    pub fn hand_over(
        &mut self,
        row: &mut Row,
        receipt: &Signed<Receipt>,
        is_trusted: impl Fn(&CustodianIdentity) -> bool,
    ) -> Result<bool, HandOverError> {
        let signer = receipt.unverified().custodian;
        if !is_trusted(&signer) {
            return Err(HandOverError::Untrusted);
        }
        let receipt = receipt.verify(&signer).map_err(|_| HandOverError::ForeignReceipt)?;
        let is_of_move = receipt.operation == Operation::Move && receipt.kind == row.kind();
        if !is_of_move {
            return Err(HandOverError::ForeignReceipt);
        }
        let keys = match row.custody() {
            Some(Custody::Leaving(leaving)) if leaving.id == receipt.id => {
                let keys = row.backup().map(|active| active.material.commitments()).transpose();
                let keys = keys.map_err(|_| Unavailable::because(Outage::Failed))?;
                let keys = keys.unwrap_or_default();
                let expected = self.expected_origin(row, receipt, &keys);
                let fits = receipt.signing == leaving.signing
                    && receipt.backup == Some(leaving.backup)
                    && expected.is_some()
                    && receipt.origin == expected;
                if !fits {
                    return Err(HandOverError::ForeignReceipt);
                }
                keys_digest(&keys)
            }
            // The rules refuse it, or it is a repetition.
            Some(Custody::Leaving(_) | Custody::Gone(_)) | None => keys_digest(&[]),
        };
        let is_new = row.gone().is_none();
        row.hand_over(receipt.id, &signer, keys)?;
        Ok(is_new)
    }

    /// What the receipt for what left here says of its origin.
    fn expected_origin(
        &self,
        row: &Row,
        receipt: &Receipt,
        keys: &[AnyCommitment],
    ) -> Option<Digest> {
        let party = self.party(receipt.wallet, row.kind());
        let stage = |purpose, epoch| twoshare_core::proof::Stage { purpose, epoch };
        let from = stage(Purpose::Backup, row.backup()?.epoch);
        let signing = receipt.signing.map(|epoch| stage(Purpose::Signing, epoch));
        let backup = receipt.backup.map(|epoch| stage(Purpose::Backup, epoch));
        let begin = Begin {
            wallet: receipt.wallet,
            kind: row.kind(),
            operation: Operation::Move,
            id: receipt.id,
            evidence: Evidence::Backup(from.epoch),
            plan: Plan::Depart {
                from,
                to: signing.into_iter().chain(backup).collect(),
                curves: keys.iter().map(AnyCommitment::curve).collect(),
                destination: Box::new(receipt.custodian),
            },
        };
        origin(&reshare_context(&party, &begin), &receipt.custodian)
    }

    /// The new shares of a wallet that arrives, and what its receipt says of where it came from.
    pub(super) fn open_parcel(
        &self,
        session: &Session,
        opened: &SecretBytes,
        row: &Row,
    ) -> Result<(Vec<AnyCustodianShare>, Digest), PrepareError> {
        let material = || PrepareError::Material;
        let Session { party, begin, begun, ephemeral, .. } = session;
        let Plan::Arrive { from, to, curves, source } = &begin.plan else { return Err(material()) };
        // Exposed here and below: to the decoders.
        let arriving = Arriving::from_bytes(opened.expose_secret()).map_err(|_| material())?;
        let offer = reshare::Offer::from_bytes(arriving.offer.expose_secret());
        let offer = offer.map_err(|_| material())?;
        let parcel = Signed::<Parcel>::from_bytes(arriving.parcel.expose_secret());
        let parcel = parcel.map_err(|_| material())?;
        let Parcel { body, sealed } = parcel.verify(source).map_err(|_| material())?;
        let fits = body.custodian == **source
            && body.wallet == begin.wallet
            && body.kind == begin.kind
            && body.id == begin.id
            && body.from == *from
            && body.to == *to
            && body.commitments.iter().map(AnyCommitment::curve).eq(curves.iter().copied())
            && body.destination == *self.keys.identity()
            && body.begun == digest(begun)
            && body.offer.to_bytes() == offer.digest();
        if !fits {
            return Err(material());
        }
        // The keys of a wallet never change: what comes back is what was here.
        if row.gone().is_some_and(|gone| gone.keys != keys_digest(&body.commitments)) {
            return Err(material());
        }
        let context = parcel_context(body);
        let channel = CustodianChannel::new(ephemeral, &body.ephemeral, self.keys, &context);
        // Exposed: ciphertext.
        let opened = channel.open(Step::FIRST, sealed.expose_secret());
        let opened = opened.map_err(|_| PrepareError::Sealed)?;
        let parcel = reshare::Parcel::from_bytes(opened.expose_secret());
        let parcel = parcel.map_err(|_| material())?;
        // The exchange is the old custodian's.
        let theirs = Party { custodian: **source, user: body.user.clone(), ..party.clone() };
        let context = reshare_context(&theirs, begin);
        let shares = reshare::arrive(&context, &offer, &parcel, &body.commitments);
        let origin = origin(&context, &body.destination).ok_or_else(material)?;
        Ok((shares.map_err(|_| material())?, origin))
    }
}

impl Departing {
    /// The backup epoch whose shares are needed.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whom it leaves for.
    #[must_use]
    pub fn destination(&self) -> Option<&CustodianIdentity> {
        match &self.begin.plan {
            Plan::Depart { destination, .. } => Some(destination),
            _ => None,
        }
    }

    /// Gives this custodian's part away: a parcel for the other custodian, and the client's answer.
    /// `held` are its present shares, as storage gives them back. What was agreed on for it is erased.
    ///
    /// Let nothing of it out before the wallet is saved. Then the session is to be put back: it has the
    /// answer, for whoever lost it, and nothing that opens anything.
    ///
    /// # Errors
    ///
    /// The shares are not those that were proven against.
    pub fn answer(
        self,
        desk: &mut Desk<'_>,
        held: &[AnyCustodianShare],
    ) -> Result<(Departed, Session), DepartError> {
        let Self {
            party,
            begin,
            depart,
            commitments,
            channel,
            exchange,
            begun,
            expires,
            number,
            epoch: _,
        } = self;
        let failed = || DepartError::Unavailable(Unavailable::because(Outage::Failed));
        let (Exchange::Reshare(committed), Plan::Depart { from, to, destination, .. }) =
            (exchange, begin.plan.clone())
        else {
            return Err(EvidenceError::OtherSession.into());
        };
        let (response, parcel) = committed.depart(held).map_err(|_| DepartError::Damaged)?;
        let theirs = depart.body.begun.unverified();
        let ephemeral = EphemeralSecret::make(desk.rng);
        let body = ParcelBody {
            custodian: party.custodian,
            user: party.user.clone(),
            wallet: party.wallet,
            kind: party.kind,
            id: begin.id,
            from,
            to,
            commitments,
            destination: *destination,
            begun: digest(theirs),
            offer: depart.body.offer,
            ephemeral: ephemeral.public_key(),
        };
        let context = parcel_context(&body);
        let to_other =
            ClientChannel::new(&ephemeral, &theirs.ephemeral, &body.destination, &context);
        // Exposed: to the channel, which seals it for the other custodian alone.
        let sealed = to_other.seal(Step::FIRST, parcel.to_bytes().expose_secret(), desk.rng);
        let parcel = Parcel { body, sealed: sealed.map_err(|_| failed())?.into() };
        let parcel = Signed::sign(parcel, desk.keys).to_bytes();
        let secret = DepartedSecret { response: response.to_bytes(), parcel };
        // Exposed: to the channel, which seals it for the client.
        let sealed = channel.seal(Step::FIRST, secret.to_bytes().expose_secret(), desk.rng);
        let departed = Departed { sealed: sealed.map_err(|_| failed())?.into() };
        let session = Session {
            party,
            begin,
            begun,
            expires,
            // Another one, in the place of that which is erased.
            ephemeral: EphemeralSecret::make(desk.rng),
            exchange: Exchange::None,
            departed: Some((digest(&depart), departed.clone())),
            number,
        };
        Ok((departed, session))
    }
}

impl fmt::Debug for Departing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Departing").field("begin", &self.begin).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
