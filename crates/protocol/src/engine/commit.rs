//! Commit and abandon: the two ways in which a pending epoch ends on purpose.

use twoshare_core::{
    id::{OperationId, WalletId},
    proof::Operation,
};

use super::{Desk, Row, Session, evidence::Claim};
use crate::{
    binding::Nonces,
    custodian::{AbandonError, CommitError, EvidenceError},
    message::{Commit, Receipt, Request, Signed, Tombstone, digest},
    rules::{Committed, Outcome},
};

/// An operation that ended without a commit.
#[derive(Debug)]
pub struct Abandoned {
    /// The answer.
    pub tombstone: Signed<Tombstone>,
    /// Whether it ended just now; otherwise it had ended before, and nothing has changed.
    pub is_new: bool,
}

impl Desk<'_> {
    /// Makes pending epochs active, or gives the receipt of a commit again.
    ///
    /// # Errors
    ///
    /// See [`CommitError`].
    pub fn commit(
        &mut self,
        row: &mut Row,
        commit: &Commit,
    ) -> Result<Signed<Receipt>, CommitError> {
        let body = &commit.body;
        if let Some(pending) = row.pending().filter(|pending| pending.id == body.id) {
            let (begin, nonces) = (&pending.session.begin, pending.session.nonces());
            let party = self.party(body.wallet, row.kind());
            let claim = Claim {
                party: &party,
                begin,
                operation: Operation::Commit,
                nonces,
                body: digest(body),
                proofs: &commit.proofs,
            };
            claim.check_pending(pending)?;
        }
        let committed = row.commit(body.id, body.envelope, self.policy)?;
        Ok(self.sign_receipt(body.wallet, body.id, committed))
    }

    /// Gives an operation up for good.
    ///
    /// # Errors
    ///
    /// See [`AbandonError`].
    pub fn abandon(
        &mut self,
        row: &mut Row,
        session: &Session,
        request: &Request,
    ) -> Result<Abandoned, AbandonError> {
        let Session { party, begin, .. } = session;
        if begin.operation != Operation::Abandon {
            return Err(EvidenceError::OtherSession.into());
        }
        // What has ended already needs no proof to be heard of again.
        let ended = matches!(
            row.outcome(begin.id),
            Some(Outcome::Abandoned | Outcome::Expired | Outcome::Displaced)
        );
        if !ended {
            claim(session, request).check(row)?;
            row.abandon(begin.id, begin.evidence)?;
        }
        let tombstone = Tombstone {
            custodian: party.custodian,
            user: party.user.clone(),
            wallet: begin.wallet,
            id: begin.id,
            at: row.now(),
        };
        Ok(Abandoned { tombstone: Signed::sign(tombstone, self.keys), is_new: !ended })
    }

    /// The same commit has the same receipt, byte for byte.
    pub(super) fn sign_receipt(
        &self,
        wallet: WalletId,
        id: OperationId,
        committed: Committed,
    ) -> Signed<Receipt> {
        let receipt = Receipt {
            custodian: *self.keys.identity(),
            user: self.user.to_owned(),
            wallet,
            kind: committed.kind,
            operation: committed.operation,
            id,
            signing: committed.signing,
            backup: committed.backup,
            envelope: committed.envelope,
            at: committed.at,
            origin: committed.origin,
        };
        Signed::sign(receipt, self.keys)
    }
}

/// What a request without a plan says that it proves.
pub(super) fn claim<'a>(session: &'a Session, request: &'a Request) -> Claim<'a> {
    let Session { party, begin, begun, .. } = session;
    let nonces = Nonces { client: request.body.client_nonce, custodian: begun.nonce };
    let (operation, proofs) = (begin.operation, request.proofs.as_slice());
    Claim { party, begin, operation, nonces, body: digest(&request.body), proofs }
}
