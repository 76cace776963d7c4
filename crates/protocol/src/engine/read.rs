//! What a session token alone may ask for.

use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, WalletId},
    share::AnyCustodianShare,
};

use super::{Damaged, Desk, Material, Row};
use crate::{
    Nonce,
    binding::{Nonces, drill_statement},
    custodian::ReadError,
    message::{
        Drilled, EpochState, PendingState, Receipt, RequestState, RestorableState, Signed, State,
    },
    rules::Outcome,
};

impl From<Damaged> for ReadError {
    fn from(_: Damaged) -> Self {
        Self::Damaged
    }
}

impl Desk<'_> {
    /// The wallet as it stands, signed for this nonce.
    ///
    /// # Errors
    ///
    /// What is stored is damaged.
    pub fn state(
        &self,
        row: &Row,
        wallet: WalletId,
        nonce: Nonce,
    ) -> Result<Signed<State>, ReadError> {
        let epoch = |epoch: Epoch, material: &Material, envelope: Option<Digest>| {
            Ok::<_, Damaged>(EpochState { epoch, commitments: material.commitments()?, envelope })
        };
        let active = |active: &crate::rules::Active<Material>| {
            epoch(active.epoch, &active.material, active.envelope)
        };
        let state = State {
            custodian: *self.keys.identity(),
            user: self.user.to_owned(),
            wallet,
            kind: row.kind(),
            signing: row.signing().map(active).transpose()?,
            backup: row.backup().map(active).transpose()?,
            restorable: match row.restorable() {
                Some(restorable) => Some(RestorableState {
                    epoch: epoch(restorable.epoch, &restorable.material, restorable.envelope)?,
                    left: restorable.left,
                }),
                None => None,
            },
            pending: row.pending().map(|pending| PendingState {
                operation: pending.operation,
                id: pending.id,
                signing: pending.signing.as_ref().map(|(epoch, _)| *epoch),
                backup: pending.backup.as_ref().map(|(epoch, _)| *epoch),
                expires: pending.expires,
            }),
            request: row.request().map(|request| RequestState {
                id: request.id,
                operation: request.operation,
                ready: request.ready,
            }),
            dispute: row.freezes().dispute,
            frozen: row.freezes().operator,
            restored: row.freezes().restored.is_some(),
            window: row.window(),
            highest_signing: row.highest().signing,
            highest_backup: row.highest().backup,
            at: row.now(),
            nonce,
            custody: row.custody().cloned(),
        };
        Ok(Signed::sign(state, self.keys))
    }

    /// The receipt of a committed operation.
    ///
    /// # Errors
    ///
    /// It was not committed.
    pub fn receipt(
        &self,
        row: &Row,
        wallet: WalletId,
        id: OperationId,
    ) -> Result<Signed<Receipt>, ReadError> {
        match row.outcome(id) {
            Some(Outcome::Committed(committed)) => Ok(self.sign_receipt(wallet, id, *committed)),
            _ => Err(ReadError::NotFound),
        }
    }

    /// Proves these shares of the active backup epoch, as storage gives them back.
    ///
    /// # Errors
    ///
    /// There is no backup.
    pub fn drill(
        &mut self,
        row: &Row,
        wallet: WalletId,
        nonce: Nonce,
        shares: &[AnyCustodianShare],
    ) -> Result<Drilled, ReadError> {
        let epoch = drill_epoch(row)?;
        let party = self.party(wallet, row.kind());
        let nonces = Nonces { client: nonce, custodian: Nonce::make(self.rng) };
        let commitments = shares.iter().map(AnyCustodianShare::commitment).collect();
        let statement = drill_statement(&party, epoch, nonces, commitments);
        let proofs = shares.iter().map(|share| share.prove(&statement, self.rng)).collect();
        Ok(Drilled { epoch, nonce: nonces.custodian, proofs })
    }
}

/// The backup epoch whose shares a drill proves.
///
/// # Errors
///
/// There is no backup.
pub fn drill_epoch(row: &Row) -> Result<Epoch, ReadError> {
    row.check_here()?;
    row.backup().map(|active| active.epoch).ok_or(ReadError::NotFound)
}
