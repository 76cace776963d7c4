//! Moving to another custodian: the client stands between the one that has the wallet and the one that
//! is to have it, and carries what the first gives to the second, without being able to open it.
//!
//! ```text
//! AskedArrival ── Begin ──▶ Begun, of the new custodian
//! AskedDeparture ── Begin ──▶ Begun, of the old one ──▶ Departing ── Depart ──▶ Departed
//! Offered ── Prepare ──▶ Prepared ──▶ Ready ── Commit ──▶ Receipt, of the new one
//! ```

use rand_core::CryptoRng;
use twoshare_core::{
    channel::{EphemeralSecret, Step},
    digest::Digest,
    id::OperationId,
    identity::CustodianIdentity,
    proof::{Operation, Stage},
    reshare,
    secret::SecretBytes,
    share::{AnyClientShare, AnyCommitment},
};

use super::{
    Exchange, Offered, Proving, SessionError, check_begun, client_channel, seal_prepare, stage_of,
};
use crate::{
    Nonce,
    binding::{Nonces, Party, statement},
    exchange::reshare_context,
    message::{
        Arriving, Begin, Begun, Depart, DepartBody, Departed, DepartedSecret, Plan, Signed, digest,
    },
    rules::Evidence,
    wire::Message,
};

/// A move that is about to begin: [`AskedArrival::message`] goes to the new custodian.
#[derive(Debug, Clone)]
pub struct AskedArrival {
    party: Party,
    begin: Begin,
}

/// A move that the new custodian has begun: [`AskedDeparture::message`] goes to the old one.
#[derive(Debug)]
pub struct AskedDeparture {
    party: Party,
    begin: Begin,
    arrival: AskedArrival,
    theirs: Signed<Begun>,
}

/// A wallet that is about to leave: [`Departing::message`] goes to the old custodian.
#[derive(Debug)]
pub struct Departing {
    party: Party,
    begin: Begin,
    begun: Begun,
    arrival: AskedArrival,
    theirs: Signed<Begun>,
    ephemeral: EphemeralSecret,
    offered: reshare::ClientOffered,
    message: Depart,
}

impl AskedArrival {
    /// To move the wallet whose opened backup shares these are from one custodian to another. `to` is
    /// whom it is to be with, and as which user there; `source` is whom it is with.
    ///
    /// # Errors
    ///
    /// The shares are not all of one backup epoch of this wallet.
    pub fn new(
        to: Party,
        source: CustodianIdentity,
        id: OperationId,
        from: &[AnyClientShare],
        stages: Vec<Stage>,
    ) -> Result<Self, SessionError> {
        let begin = Begin {
            wallet: to.wallet,
            kind: to.kind,
            operation: Operation::Move,
            id,
            evidence: Evidence::Token,
            plan: Plan::Arrive {
                from: stage_of(&to, from)?,
                to: stages,
                curves: from.iter().map(AnyClientShare::curve).collect(),
                source: Box::new(source),
            },
        };
        Ok(Self { party: to, begin })
    }

    /// What to send.
    #[must_use]
    pub const fn message(&self) -> &Begin {
        &self.begin
    }

    /// Goes on with the new custodian's answer. `user` is who is logged in at the old one.
    ///
    /// # Errors
    ///
    /// See [`SessionError`].
    pub fn depart(self, theirs: Signed<Begun>, user: &str) -> Result<AskedDeparture, SessionError> {
        check_begun(&self.party, &self.begin, &theirs)?;
        let Plan::Arrive { from, to, curves, source } = &self.begin.plan else {
            return Err(SessionError::Misuse);
        };
        let party = Party { custodian: **source, user: user.to_owned(), ..self.party.clone() };
        let begin = Begin {
            evidence: Evidence::Backup(from.epoch),
            plan: Plan::Depart {
                from: *from,
                to: to.clone(),
                curves: curves.clone(),
                destination: Box::new(self.party.custodian),
            },
            ..self.begin.clone()
        };
        Ok(AskedDeparture { party, begin, arrival: self, theirs })
    }
}

impl AskedDeparture {
    /// What to send.
    #[must_use]
    pub const fn message(&self) -> &Begin {
        &self.begin
    }

    /// Goes on with the old custodian's nonce, with a proof of the opened backup shares.
    ///
    /// # Errors
    ///
    /// See [`SessionError`].
    pub fn request<R: CryptoRng + ?Sized>(
        self,
        begun: &Signed<Begun>,
        backup: &[AnyClientShare],
        rng: &mut R,
    ) -> Result<Departing, SessionError> {
        let Self { party, begin, arrival, theirs } = self;
        let begun = check_begun(&party, &begin, begun)?.clone();
        let proving = Proving::Backup(backup);
        if proving.evidence(&party)? != begin.evidence {
            return Err(SessionError::Misuse);
        }
        let context = reshare_context(&party, &begin);
        let (offered, offer) = reshare::ClientOffered::new(context, &begun.early, backup, rng)
            .map_err(SessionError::Reshare)?;
        let ephemeral = EphemeralSecret::make(rng);
        let body = DepartBody {
            nonce: begun.nonce,
            client_nonce: Nonce::make(rng),
            ephemeral: ephemeral.public_key(),
            arrival: arrival.begin.clone(),
            begun: theirs.clone(),
            offer: Digest::from_bytes(offer.digest()),
        };
        let nonces = Nonces { client: body.client_nonce, custodian: begun.nonce };
        let commitments = proving.commitments();
        let statement =
            statement(&party, &begin, Operation::Move, nonces, commitments, digest(&body));
        let message = Depart { proofs: proving.prove(&statement, rng), body };
        Ok(Departing { party, begin, begun, arrival, theirs, ephemeral, offered, message })
    }
}

impl Departing {
    /// What to send.
    #[must_use]
    pub const fn message(&self) -> &Depart {
        &self.message
    }

    /// What the old custodian's answer holds.
    #[cfg(test)]
    pub(crate) fn peek(&self, departed: &Departed) -> (DepartedSecret, SecretBytes) {
        let channel = client_channel(&self.party, &self.begin, &self.begun, &self.ephemeral);
        let opened = channel.open(Step::FIRST, departed.sealed.expose_secret()).unwrap();
        let secret = DepartedSecret::from_bytes(opened.expose_secret()).unwrap();
        (secret, self.offered.offer().to_bytes())
    }

    /// Goes on with the old custodian's part: it is checked, and what is to be sent to the new one made
    /// of it. Keep that, sealed, before it is sent. `known` are the commitments of every epoch that this
    /// side knows.
    ///
    /// # Errors
    ///
    /// See [`SessionError`].
    pub fn arrive<R: CryptoRng + ?Sized>(
        self,
        departed: &Departed,
        known: &[AnyCommitment],
        rng: &mut R,
    ) -> Result<Offered, SessionError> {
        let Self { party, begin, begun, arrival, theirs, ephemeral, offered, .. } = self;
        let channel = client_channel(&party, &begin, &begun, &ephemeral);
        let opened = channel
            // Exposed: ciphertext.
            .open(Step::FIRST, departed.sealed.expose_secret())
            .map_err(SessionError::Sealed)?;
        // Exposed here and below: to the decoders.
        let secret = DepartedSecret::from_bytes(opened.expose_secret())?;
        let response = reshare::Response::from_bytes(secret.response.expose_secret())?;
        let offer = offered.offer().to_bytes();
        let kept = offered.to_bytes();
        // Whatever does not hold is found before anybody else hears of it.
        let _checked = offered.finish(&response, known).map_err(SessionError::Reshare)?;
        let offered = reshare::ClientOffered::from_bytes(kept.expose_secret())?;

        let AskedArrival { party, begin } = arrival;
        let message: SecretBytes = Arriving { offer, parcel: secret.parcel }.to_bytes();
        let theirs = check_begun(&party, &begin, &theirs)?.clone();
        let exchange = Exchange::Moved(offered, response);
        seal_prepare(party, begin, &theirs, Proving::Nothing, Vec::new(), exchange, &message, rng)
    }
}
