//! Commit, abandon, and the envelopes that are written in between.

use twoshare_core::{
    digest::Digest,
    envelope::Envelope,
    id::{Epoch, Purpose, WalletId, WalletKind},
    proof::{Operation, Proof},
};

use super::{Inner, Material, PendingSession, Row, StoredEnvelope, evidence::Claim};
use crate::{
    binding::Party,
    custodian::{AbandonError, CommitError, EvidenceError, UploadError},
    message::{Commit, Receipt, Request, Signed, Tombstone, Upload, digest},
    rules::{Outcome, Pending},
};

/// How often the envelope of one operation may be written: a device that lost its answer seals
/// again, with new keys and so with another digest.
const MAX_UPLOADS: usize = 8;

impl Inner {
    pub(super) fn commit(
        &mut self,
        user: &str,
        commit: &Commit,
    ) -> Result<Signed<Receipt>, CommitError> {
        let policy = self.policy.clone();
        let party = self.party(user);
        let body = &commit.body;
        let row = self.find(user, body.wallet).ok_or(CommitError::NotFound)?;
        let kind = row.rules.kind();
        if let Some(pending) = row.rules.pending().filter(|pending| pending.id == body.id) {
            let party = party(body.wallet, kind);
            check_pending(&party, pending, Operation::Commit, digest(body), &commit.proofs)?;
        }
        let committed = row.rules.commit(body.id, body.envelope, &policy)?;
        Ok(self.sign_receipt(user, body.wallet, kind, body.id, committed))
    }

    pub(super) fn abandon(
        &mut self,
        user: &str,
        request: &Request,
    ) -> Result<Signed<Tombstone>, AbandonError> {
        let (party, begin, nonces) = self.session(user, request, Operation::Abandon)?;
        let row = self.find(user, begin.wallet).ok_or(AbandonError::NotFound)?;
        // What has ended already needs no proof to be heard of again.
        let ended = matches!(
            row.rules.outcome(begin.id),
            Some(Outcome::Abandoned | Outcome::Expired | Outcome::Displaced)
        );
        if !ended {
            let body = digest(&request.body);
            let (operation, proofs) = (begin.operation, request.proofs.as_slice());
            let claim = Claim { party: &party, begin: &begin, operation, nonces, body, proofs };
            claim.check(&row.rules)?;
            let epoch = row.rules.pending().filter(|pending| pending.id == begin.id);
            let epoch =
                epoch.and_then(|pending| pending.of(Purpose::Backup)).map(|(epoch, _)| *epoch);
            row.rules.abandon(begin.id, begin.evidence)?;
            if let Some(epoch) = epoch {
                row.delete_envelopes(epoch);
            }
        }
        let tombstone = Tombstone {
            custodian: party.custodian,
            user: user.to_owned(),
            wallet: begin.wallet,
            id: begin.id,
            at: row.rules.now(),
        };
        Ok(Signed::sign(tombstone, &self.keys))
    }

    pub(super) fn put_envelope(
        &mut self,
        user: &str,
        upload: &Upload,
        bytes: Vec<u8>,
    ) -> Result<(), UploadError> {
        let party = self.party(user);
        let row = self.find(user, upload.wallet).ok_or(UploadError::NotFound)?;
        let digest = Digest::of(&bytes);
        let envelope = Envelope::from_bytes(&bytes).map_err(|_| UploadError::WrongEnvelope)?;
        if envelope.header().wallet != upload.wallet || envelope.header().epoch != upload.epoch {
            return Err(UploadError::WrongEnvelope);
        }
        match upload.id {
            // To repair what is committed, its digest is proof enough.
            None if row.keeps(upload.epoch, digest) => {}
            None => return Err(UploadError::NotFound),
            Some(id) => {
                let pending = row.rules.pending().filter(|pending| pending.id == id);
                let pending = pending.ok_or(UploadError::NotFound)?;
                let made = pending.of(Purpose::Backup).map(|(epoch, _)| *epoch);
                if made != Some(upload.epoch) {
                    return Err(UploadError::WrongEnvelope);
                }
                let party = party(upload.wallet, row.rules.kind());
                check_pending(&party, pending, Operation::Upload, digest, &upload.proofs)?;
                row.rules.may_write(id)?;
                let written =
                    row.envelopes.values().filter(|stored| stored.epoch == upload.epoch).count();
                if written >= MAX_UPLOADS && !row.envelopes.contains_key(&digest) {
                    return Err(UploadError::TooMany);
                }
            }
        }
        row.envelopes.insert(digest, StoredEnvelope { epoch: upload.epoch, bytes });
        Ok(())
    }

    /// Who a message of this user is about, once its wallet is known.
    fn party(&self, user: &str) -> impl Fn(WalletId, WalletKind) -> Party + use<> {
        let (custodian, user) = (*self.keys.identity(), user.to_owned());
        move |wallet, kind| Party { custodian, user: user.clone(), wallet, kind }
    }
}

/// Whether the proofs show possession of every new client share of what is pending.
fn check_pending(
    party: &Party,
    pending: &Pending<Material, PendingSession>,
    operation: Operation,
    body: Digest,
    proofs: &[Proof],
) -> Result<(), EvidenceError> {
    let PendingSession { begin, nonces, .. } = &pending.session;
    let claim = Claim { party, begin, operation, nonces: *nonces, body, proofs };
    claim.check_shares(pending.signing.iter().chain(&pending.backup).flat_map(|(_, made)| made))
}

impl Row {
    /// Whether this envelope is that of a committed backup epoch, ended ones included as long as
    /// they are kept.
    fn keeps(&self, epoch: Epoch, digest: Digest) -> bool {
        let rules = &self.rules;
        let active = rules.backup().map(|active| (active.epoch, active.envelope));
        let restorable =
            rules.restorable().map(|restorable| (restorable.epoch, restorable.envelope));
        let ended = rules.ended().iter().map(|(epoch, ended)| (*epoch, ended.envelope));
        active.into_iter().chain(restorable).chain(ended).any(|kept| kept == (epoch, Some(digest)))
    }
}
