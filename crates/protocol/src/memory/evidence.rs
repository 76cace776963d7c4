//! Checking what a request proves, against what is stored.

use twoshare_core::{
    digest::Digest,
    id::{Purpose, Role, WalletKind},
    proof::{Operation, Proof},
    share::AnyCommitment,
};

use super::{Material, PendingSession};
use crate::{
    binding::{Nonces, Party, statement},
    custodian::EvidenceError,
    message::Begin,
    rules::{Evidence, Wallet as Rules},
};

/// What a request says that it proves, and how.
pub(super) struct Claim<'a> {
    pub(super) party: &'a Party,
    pub(super) begin: &'a Begin,
    pub(super) operation: Operation,
    pub(super) nonces: Nonces,
    pub(super) body: Digest,
    pub(super) proofs: &'a [Proof],
}

impl Claim<'_> {
    /// Whether the proofs show what the session's evidence names. Whether that still counts for
    /// anything, the rules say.
    pub(super) fn check(
        &self,
        rules: &Rules<Material, PendingSession>,
    ) -> Result<(), EvidenceError> {
        let found = match self.begin.evidence {
            Evidence::Token => return self.check_count(0),
            Evidence::Signing(epoch) => rules.material(Purpose::Signing, epoch),
            Evidence::Backup(epoch) => rules.material(Purpose::Backup, epoch),
            Evidence::Key => {
                let material = rules.backup().map(|active| &active.material);
                return self.check_keys(&commitments(material.ok_or(EvidenceError::NoSession)?));
            }
            Evidence::Pending(id) => {
                let pending = rules.pending().filter(|pending| pending.id == id);
                let pending = pending.ok_or(EvidenceError::NoSession)?;
                let new = pending.signing.iter().chain(&pending.backup);
                return self.check_shares(new.flat_map(|(_, material)| material));
            }
        };
        // An epoch that has ended since the session began has nothing left to check against.
        self.check_shares(found.ok_or(EvidenceError::NoSession)?)
    }

    /// Whether the proofs show possession of the client's shares that belong to these.
    pub(super) fn check_shares<'m>(
        &self,
        shares: impl IntoIterator<Item = &'m twoshare_core::share::AnyCustodianShare>,
    ) -> Result<(), EvidenceError> {
        let shares: Vec<_> = shares.into_iter().collect();
        self.check_count(shares.len())?;
        let all = shares.iter().map(|share| share.commitment()).collect();
        let statement =
            statement(self.party, self.begin, self.operation, self.nonces, all, self.body);
        for (share, proof) in shares.iter().zip(self.proofs) {
            let id = share.id();
            share
                .commitment()
                .verify_possession(Role::Client, id.sharing.purpose, id.index, &statement, proof)
                .map_err(|_| EvidenceError::Invalid { key: id.index })?;
        }
        Ok(())
    }

    /// Whether the proofs show possession of the keys themselves, which these are commitments to.
    pub(super) fn check_keys(&self, keys: &[AnyCommitment]) -> Result<(), EvidenceError> {
        if self.party.kind != WalletKind::SingleKey {
            return Err(EvidenceError::OtherSession);
        }
        self.check_count(keys.len())?;
        let statement =
            statement(self.party, self.begin, self.operation, self.nonces, Vec::new(), self.body);
        for ((index, key), proof) in (0..).zip(keys).zip(self.proofs) {
            key.verifying_key()
                .verify_possession(index, &statement, proof)
                .map_err(|_| EvidenceError::Invalid { key: index })?;
        }
        Ok(())
    }

    fn check_count(&self, needed: usize) -> Result<(), EvidenceError> {
        match self.proofs.len() {
            given if given == needed => Ok(()),
            given => Err(EvidenceError::Count { needed, given }),
        }
    }
}

pub(super) fn commitments(material: &Material) -> Vec<AnyCommitment> {
    material.iter().map(|share| share.commitment()).collect()
}
