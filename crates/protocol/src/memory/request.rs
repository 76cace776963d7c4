//! Requests that make no epoch: cancel and eject.

use twoshare_core::{
    channel::{CustodianChannel, Step},
    proof::Operation,
    share::AnyCustodianShare,
};

use super::{Inner, evidence::Claim, read_back};
use crate::{
    binding::{Nonces, Party, channel_context},
    custodian::{CancelError, EjectError, EvidenceError, Unavailable},
    message::{Begin, Ejected, Released, Request, digest},
    wire::Message,
};

impl Inner {
    pub(super) fn cancel(&mut self, user: &str, request: &Request) -> Result<(), CancelError> {
        let (party, begin, nonces) = self.session(user, request, Operation::Cancel)?;
        let row = self.find(user, begin.wallet).ok_or(CancelError::NotFound)?;
        claim(&party, &begin, nonces, request).check(&row.rules)?;
        row.rules.dispute(begin.id, begin.evidence)?;
        Ok(())
    }

    pub(super) fn eject(&mut self, user: &str, request: &Request) -> Result<Ejected, EjectError> {
        let (party, begin, nonces) = self.session(user, request, Operation::Eject)?;
        let policy = self.policy.clone();
        let row = self.find(user, begin.wallet).ok_or(EjectError::NotFound)?;
        claim(&party, &begin, nonces, request).check(&row.rules)?;
        let active = row.rules.release(begin.id, begin.evidence, &policy)?;
        let shares = read_back(&active.material)
            .map_err(|_| EjectError::Unavailable(Unavailable { retry_after: None }))?;

        let released =
            Released { shares: shares.iter().map(AnyCustodianShare::to_bytes).collect() };
        let session = self.sessions.get(&nonces.custodian).ok_or(EvidenceError::NoSession)?;
        let secrets = session.secrets.as_ref().ok_or(EvidenceError::NoSession)?;
        let context = channel_context(&party, &begin, &session.begun);
        let channel = CustodianChannel::new(
            &secrets.ephemeral,
            &request.body.ephemeral,
            &self.keys,
            &context,
        );
        // Exposed: to the channel, which seals it to the key inside the proof.
        let bytes = released.to_bytes();
        let sealed = channel
            .seal(Step::FIRST, bytes.expose_secret(), &mut self.rng)
            .map_err(|_| EjectError::Unavailable(Unavailable { retry_after: None }))?;
        Ok(Ejected { sealed: sealed.into() })
    }

    /// The session of a request without a plan, which may be repeated while it lasts.
    pub(super) fn session(
        &self,
        user: &str,
        request: &Request,
        operation: Operation,
    ) -> Result<(Party, Begin, Nonces), EvidenceError> {
        let nonce = request.body.nonce;
        let session = self.sessions.get(&nonce).filter(|session| session.party.user == user);
        let session = session.filter(|session| session.expires > self.now);
        let session = session.ok_or(EvidenceError::NoSession)?;
        if session.begin.operation != operation {
            return Err(EvidenceError::OtherSession);
        }
        let nonces = Nonces { client: request.body.client_nonce, custodian: nonce };
        Ok((session.party.clone(), session.begin.clone(), nonces))
    }
}

fn claim<'a>(
    party: &'a Party,
    begin: &'a Begin,
    nonces: Nonces,
    request: &'a Request,
) -> Claim<'a> {
    let (operation, proofs) = (begin.operation, request.proofs.as_slice());
    Claim { party, begin, operation, nonces, body: digest(&request.body), proofs }
}
