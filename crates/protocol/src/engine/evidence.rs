//! Checking what a request proves, against what is stored.

use twoshare_core::{
    digest::Digest,
    id::{Purpose, Role, WalletKind},
    proof::{Operation, Proof},
    share::AnyCommitment,
};

use super::{Damaged, Material, Row};
use crate::{
    binding::{Nonces, Party, statement},
    custodian::{
        AbandonError, CancelError, CommitError, EjectError, EvidenceError, Outage, PrepareError,
        Unavailable, UploadError,
    },
    message::Begin,
    rules::Evidence,
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

/// Why a claim is not believed.
pub(super) enum ClaimError {
    Evidence(EvidenceError),
    Damaged,
}

impl From<EvidenceError> for ClaimError {
    fn from(error: EvidenceError) -> Self {
        Self::Evidence(error)
    }
}

impl From<Damaged> for ClaimError {
    fn from(_: Damaged) -> Self {
        Self::Damaged
    }
}

impl From<ClaimError> for PrepareError {
    fn from(error: ClaimError) -> Self {
        match error {
            ClaimError::Evidence(error) => error.into(),
            ClaimError::Damaged => Self::Damaged,
        }
    }
}

/// These have no word for damage: the operator finds it by any step that reads.
macro_rules! unavailable_when_damaged {
    ($($error:ty),+) => { $(
        impl From<ClaimError> for $error {
            fn from(error: ClaimError) -> Self {
                match error {
                    ClaimError::Evidence(error) => error.into(),
                    ClaimError::Damaged => Unavailable::because(Outage::Failed).into(),
                }
            }
        }
    )+ };
}

unavailable_when_damaged!(CommitError, AbandonError, CancelError, EjectError, UploadError);

impl Claim<'_> {
    /// Whether the proofs show what the session's evidence names. Whether that still counts for
    /// anything, the rules say.
    pub(super) fn check(&self, row: &Row) -> Result<(), ClaimError> {
        self.check_kind(row)?;
        let (purpose, found) = match self.begin.evidence {
            Evidence::Token => return Ok(self.check_count(0)?),
            Evidence::Signing(epoch) => (Purpose::Signing, row.material(Purpose::Signing, epoch)),
            Evidence::Backup(epoch) => (Purpose::Backup, row.material(Purpose::Backup, epoch)),
            Evidence::Key => {
                let material = row.backup().map(|active| &active.material);
                let keys = material.ok_or(EvidenceError::NoSession)?.commitments()?;
                return Ok(self.check_keys(&keys)?);
            }
            Evidence::Pending(id) => {
                let pending = row.pending().filter(|pending| pending.id == id);
                return self.check_pending(pending.ok_or(EvidenceError::NoSession)?);
            }
        };
        // An epoch that has ended since the session began has nothing left to check against.
        self.check_shares(&[(purpose, found.ok_or(EvidenceError::NoSession)?)])
    }

    /// The same for keys that are only just dealt, which these are commitments to.
    pub(super) fn check_dealt(
        &self,
        row: &Row,
        keys: &[AnyCommitment],
    ) -> Result<(), EvidenceError> {
        self.check_kind(row)?;
        self.check_keys(keys)
    }

    /// The kind is in every proof: a session of before the wallet was converted is over.
    fn check_kind(&self, row: &Row) -> Result<(), EvidenceError> {
        if row.kind() == self.party.kind { Ok(()) } else { Err(EvidenceError::NoSession) }
    }

    /// Whether the proofs show possession of every new client share of what is pending.
    pub(super) fn check_pending(
        &self,
        pending: &crate::rules::Pending<Material, super::PendingSession>,
    ) -> Result<(), ClaimError> {
        let made = [Purpose::Signing, Purpose::Backup]
            .into_iter()
            .filter_map(|purpose| pending.of(purpose).map(|(_, material)| (purpose, material)));
        self.check_shares(&made.collect::<Vec<_>>())
    }

    /// Whether the proofs show possession of the client's shares that belong to these.
    fn check_shares(&self, epochs: &[(Purpose, &Material)]) -> Result<(), ClaimError> {
        self.check_count(epochs.iter().map(|(_, material)| material.stored().len()).sum())?;
        let mut all = Vec::with_capacity(self.proofs.len());
        let mut places = Vec::with_capacity(self.proofs.len());
        for (purpose, material) in epochs {
            for (index, commitment) in (0..).zip(material.commitments()?) {
                places.push((*purpose, index));
                all.push(commitment);
            }
        }
        let statement =
            statement(self.party, self.begin, self.operation, self.nonces, all, self.body);
        for ((commitment, (purpose, index)), proof) in
            statement.commitments.iter().zip(places).zip(self.proofs)
        {
            commitment
                .verify_possession(Role::Client, purpose, index, &statement, proof)
                .map_err(|_| EvidenceError::Invalid { key: index })?;
        }
        Ok(())
    }

    /// Whether the proofs show possession of the keys themselves, which these are commitments to.
    fn check_keys(&self, keys: &[AnyCommitment]) -> Result<(), EvidenceError> {
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
