//! Requests that make no epoch: abandon, cancel, eject, and the check of a drill.

use rand_core::CryptoRng;
use twoshare_core::{
    channel::{EphemeralSecret, Step},
    id::{OperationId, Purpose, Sharing},
    proof::Operation,
    share::{AnyClientShare, AnyCustodianShare},
};

use super::{
    Proving, SessionError, check_begun, check_custodian, client_channel, decode_released, stage_of,
};
use crate::{
    Nonce,
    binding::{Nonces, Party, drill_statement, statement},
    message::{
        Begin, Begun, Drilled, Ejected, Plan, Released, Request, RequestBody, Signed, Tombstone,
        digest,
    },
    wire::Message,
};

/// A request that is about to begin: [`AskedRequest::message`] goes to
/// [`Custodian::begin`](crate::custodian::Custodian::begin).
#[derive(Debug)]
pub struct AskedRequest {
    party: Party,
    begin: Begin,
}

/// An eject whose request is on its way.
#[derive(Debug)]
pub struct Requested {
    party: Party,
    begin: Begin,
    begun: Begun,
    message: Request,
    ephemeral: EphemeralSecret,
}

impl AskedRequest {
    /// To abandon the operation `id`, to cancel the request `id`, or to eject as the new operation
    /// `id`.
    ///
    /// # Errors
    ///
    /// The shares to prove with are not all of one epoch of this wallet.
    pub fn new(
        party: Party,
        operation: Operation,
        id: OperationId,
        proving: Proving<'_>,
    ) -> Result<Self, SessionError> {
        let evidence = proving.evidence(&party)?;
        let (wallet, kind, plan) = (party.wallet, party.kind, Plan::Nothing);
        Ok(Self { party, begin: Begin { wallet, kind, operation, id, evidence, plan } })
    }

    /// What to send.
    #[must_use]
    pub const fn message(&self) -> &Begin {
        &self.begin
    }

    /// Goes on with the custodian's nonce.
    ///
    /// # Errors
    ///
    /// See [`SessionError`].
    pub fn request<R: CryptoRng + ?Sized>(
        self,
        begun: &Signed<Begun>,
        proving: Proving<'_>,
        rng: &mut R,
    ) -> Result<Requested, SessionError> {
        let Self { party, begin } = self;
        let begun = check_begun(&party, &begin, begun)?.clone();
        if proving.evidence(&party)? != begin.evidence {
            return Err(SessionError::Misuse);
        }
        let ephemeral = EphemeralSecret::make(rng);
        let body = RequestBody {
            nonce: begun.nonce,
            client_nonce: Nonce::make(rng),
            ephemeral: ephemeral.public_key(),
        };
        let nonces = Nonces { client: body.client_nonce, custodian: begun.nonce };
        let statement = statement(
            &party,
            &begin,
            begin.operation,
            nonces,
            proving.commitments(),
            digest(&body),
        );
        let message = Request { proofs: proving.prove(&statement, rng), body };
        Ok(Requested { party, begin, begun, message, ephemeral })
    }
}

impl Requested {
    /// What to send.
    #[must_use]
    pub const fn message(&self) -> &Request {
        &self.message
    }

    /// Checks the answer to an abandon: that the pinned custodian says that this very operation of
    /// this wallet is over. Whoever has an account with that custodian gets tombstones for any id, of
    /// his own wallets.
    ///
    /// # Errors
    ///
    /// It is not the pinned custodian's, or says something else: nothing is known to be over.
    pub fn check_tombstone<'a>(
        &self,
        tombstone: &'a Signed<Tombstone>,
    ) -> Result<&'a Tombstone, SessionError> {
        let tombstone =
            tombstone.verify(&self.party.custodian).map_err(SessionError::WrongCustodian)?;
        let fits = self.begin.operation == Operation::Abandon
            && tombstone.user == self.party.user
            && tombstone.wallet == self.party.wallet
            && tombstone.id == self.begin.id;
        if fits { Ok(tombstone) } else { Err(SessionError::OtherReceipt) }
    }

    /// Opens the answer to an eject: the custodian's shares beside these, of the active backup
    /// epoch.
    ///
    /// # Errors
    ///
    /// See [`SessionError`].
    pub fn open(
        &self,
        ejected: &Ejected,
        backup: &[AnyClientShare],
    ) -> Result<Vec<AnyCustodianShare>, SessionError> {
        let stage = stage_of(&self.party, backup)?;
        let channel = client_channel(&self.party, &self.begin, &self.begun, &self.ephemeral);
        let opened = channel
            // Exposed: ciphertext.
            .open(Step::FIRST, ejected.sealed.expose_secret())
            .map_err(SessionError::Sealed)?;
        // Exposed: to the decoder.
        let released = Released::from_bytes(opened.expose_secret())?;
        let sharing =
            Sharing { wallet: self.party.wallet, purpose: stage.purpose, epoch: stage.epoch };
        let shares = decode_released(sharing, &released.shares)?;
        if shares.len() != backup.len() {
            return Err(SessionError::OtherSession);
        }
        for (theirs, mine) in shares.iter().zip(backup) {
            if theirs.commitment() != mine.commitment() {
                return Err(SessionError::OtherHalf { key: mine.id().index });
            }
        }
        Ok(shares)
    }
}

/// Checks the custodian's proof that it holds its half beside these backup shares.
///
/// # Errors
///
/// It has not proven it: the drill has failed, and the backup cannot be relied on.
pub fn check_drill(
    party: &Party,
    nonce: Nonce,
    drilled: &Drilled,
    backup: &[AnyClientShare],
) -> Result<(), SessionError> {
    let stage = stage_of(party, backup)?;
    if stage.purpose != Purpose::Backup || stage.epoch != drilled.epoch {
        return Err(SessionError::OtherReceipt);
    }
    let nonces = Nonces { client: nonce, custodian: drilled.nonce };
    let commitments = backup.iter().map(AnyClientShare::commitment).collect();
    let statement = drill_statement(party, drilled.epoch, nonces, commitments);
    check_custodian(backup, &statement, &drilled.proofs)
}
