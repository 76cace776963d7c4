//! What a session token alone may ask for.

use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, WalletId, WalletKind},
};

use super::{Inner, Material, evidence::commitments, read_back};
use crate::{
    Nonce,
    binding::{Nonces, Party, drill_statement},
    custodian::{ReadError, RetireError},
    message::{
        Drilled, EpochState, PendingState, Receipt, RequestState, RestorableState, Signed, State,
    },
    rules::{Active, Committed, Outcome},
};

impl Inner {
    pub(super) fn wallets(&mut self, user: &str) -> Vec<WalletId> {
        let mine: Vec<_> = self
            .rows
            .keys()
            .filter(|(owner, _)| owner == user)
            .map(|(_, wallet)| *wallet)
            .collect();
        mine.into_iter().filter(|wallet| self.find(user, *wallet).is_some()).collect()
    }

    pub(super) fn state(
        &mut self,
        user: &str,
        wallet: WalletId,
        nonce: Nonce,
    ) -> Result<Signed<State>, ReadError> {
        let custodian = *self.keys.identity();
        let rules = &self.find(user, wallet).ok_or(ReadError::NotFound)?.rules;
        let epoch = |active: &Active<Material>| EpochState {
            epoch: active.epoch,
            commitments: commitments(&active.material),
            envelope: active.envelope,
        };
        let state = State {
            custodian,
            user: user.to_owned(),
            wallet,
            kind: rules.kind(),
            signing: rules.signing().map(epoch),
            backup: rules.backup().map(epoch),
            restorable: rules.restorable().map(|restorable| RestorableState {
                epoch: EpochState {
                    epoch: restorable.epoch,
                    commitments: commitments(&restorable.material),
                    envelope: restorable.envelope,
                },
                left: restorable.left,
            }),
            pending: rules.pending().map(|pending| PendingState {
                operation: pending.operation,
                id: pending.id,
                signing: pending.signing.as_ref().map(|(epoch, _)| *epoch),
                backup: pending.backup.as_ref().map(|(epoch, _)| *epoch),
                expires: pending.expires,
            }),
            request: rules.request().map(|request| RequestState {
                id: request.id,
                operation: request.operation,
                ready: request.ready,
            }),
            dispute: rules.freezes().dispute,
            frozen: rules.freezes().operator,
            restored: rules.freezes().restored.is_some(),
            window: rules.window(),
            highest_signing: rules.highest().signing,
            highest_backup: rules.highest().backup,
            at: rules.now(),
            nonce,
        };
        Ok(Signed::sign(state, &self.keys))
    }

    pub(super) fn receipt(
        &mut self,
        user: &str,
        wallet: WalletId,
        id: OperationId,
    ) -> Result<Signed<Receipt>, ReadError> {
        let row = self.find(user, wallet).ok_or(ReadError::NotFound)?;
        match row.rules.outcome(id) {
            Some(Outcome::Committed(committed)) => {
                let (committed, kind) = (*committed, row.rules.kind());
                Ok(self.sign_receipt(user, wallet, kind, id, committed))
            }
            _ => Err(ReadError::NotFound),
        }
    }

    /// The same commit has the same receipt, byte for byte.
    pub(super) fn sign_receipt(
        &self,
        user: &str,
        wallet: WalletId,
        kind: WalletKind,
        id: OperationId,
        committed: Committed,
    ) -> Signed<Receipt> {
        let receipt = Receipt {
            custodian: *self.keys.identity(),
            user: user.to_owned(),
            wallet,
            kind,
            operation: committed.operation,
            id,
            signing: committed.signing,
            backup: committed.backup,
            envelope: committed.envelope,
            at: committed.at,
        };
        Signed::sign(receipt, &self.keys)
    }

    pub(super) fn drill(
        &mut self,
        user: &str,
        wallet: WalletId,
        nonce: Nonce,
    ) -> Result<Drilled, ReadError> {
        let custodian = *self.keys.identity();
        let row = self.find(user, wallet).ok_or(ReadError::NotFound)?;
        let (kind, active) = (row.rules.kind(), row.rules.backup().ok_or(ReadError::NotFound)?);
        let (epoch, material) = (active.epoch, read_back(&active.material)?);
        let party = Party { custodian, user: user.to_owned(), wallet, kind };
        let nonces = Nonces { client: nonce, custodian: Nonce::make(&mut self.rng) };
        let statement = drill_statement(&party, epoch, nonces, commitments(&material));
        let proofs = material.iter().map(|share| share.prove(&statement, &mut self.rng)).collect();
        Ok(Drilled { epoch, nonce: nonces.custodian, proofs })
    }

    pub(super) fn envelope(
        &mut self,
        user: &str,
        wallet: WalletId,
        digest: Digest,
    ) -> Result<Vec<u8>, ReadError> {
        let row = self.find(user, wallet).ok_or(ReadError::NotFound)?;
        row.envelopes.get(&digest).map(|stored| stored.bytes.clone()).ok_or(ReadError::NotFound)
    }

    pub(super) fn retire(
        &mut self,
        user: &str,
        wallet: WalletId,
        epoch: Epoch,
    ) -> Result<(), RetireError> {
        let policy = self.policy.clone();
        let row = self.find(user, wallet).ok_or(RetireError::NotFound)?;
        row.rules.retire(epoch, &policy)?;
        row.delete_envelopes(epoch);
        Ok(())
    }
}
