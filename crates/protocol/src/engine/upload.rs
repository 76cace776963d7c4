//! The envelopes that are written between prepare and commit, into the custodian's own store.

use twoshare_core::{
    digest::Digest,
    envelope::Envelope,
    id::{Epoch, OperationId},
    proof::Operation,
};

use super::{Desk, Row, evidence::Claim};
use crate::{custodian::UploadError, message::Upload};

/// How often the envelope of one operation may be written: a device that lost its answer seals
/// again, with new keys and so with another digest.
pub const MAX_UPLOADS: usize = 8;

/// An envelope that may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// Its epoch.
    pub epoch: Epoch,
    /// Its digest.
    pub digest: Digest,
    /// The operation whose envelope it is; none where it repairs a committed one.
    pub operation: Option<OperationId>,
}

impl Desk<'_> {
    /// Whether this envelope may be written, beside those of its epoch that are `written` already.
    ///
    /// # Errors
    ///
    /// See [`UploadError`].
    pub fn check_upload(
        &mut self,
        row: &Row,
        written: &[Digest],
        upload: &Upload,
        bytes: &[u8],
    ) -> Result<Admitted, UploadError> {
        let digest = Digest::of(bytes);
        let envelope = Envelope::from_bytes(bytes).map_err(|_| UploadError::WrongEnvelope)?;
        if envelope.header().wallet != upload.wallet || envelope.header().epoch != upload.epoch {
            return Err(UploadError::WrongEnvelope);
        }
        if upload.id.is_none() {
            row.check_here()?;
        }
        match upload.id {
            // To repair what is committed, its digest is proof enough.
            None if keeps(row, upload.epoch, digest) => {}
            None => return Err(UploadError::NotFound),
            Some(id) => {
                let pending = row.pending().filter(|pending| pending.id == id);
                let pending = pending.ok_or(UploadError::NotFound)?;
                if pending.backup.as_ref().map(|(epoch, _)| *epoch) != Some(upload.epoch) {
                    return Err(UploadError::WrongEnvelope);
                }
                let party = self.party(upload.wallet, row.kind());
                let claim = Claim {
                    party: &party,
                    begin: &pending.session.begin,
                    operation: Operation::Upload,
                    nonces: pending.session.nonces(),
                    body: digest,
                    proofs: &upload.proofs,
                };
                claim.check_pending(pending)?;
                row.may_write(id)?;
                if written.len() >= MAX_UPLOADS && !written.contains(&digest) {
                    return Err(UploadError::TooMany);
                }
            }
        }
        Ok(Admitted { epoch: upload.epoch, digest, operation: upload.id })
    }
}

/// Whether this envelope is that of a committed backup epoch, ended ones included as long as they
/// are kept.
fn keeps(row: &Row, epoch: Epoch, digest: Digest) -> bool {
    let active = row.backup().map(|active| (active.epoch, active.envelope));
    let restorable = row.restorable().map(|restorable| (restorable.epoch, restorable.envelope));
    let ended = row.ended().iter().map(|(epoch, ended)| (*epoch, ended.envelope));
    active.into_iter().chain(restorable).chain(ended).any(|kept| kept == (epoch, Some(digest)))
}
