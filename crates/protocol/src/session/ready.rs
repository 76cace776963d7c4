//! An operation whose new shares are made and checked, and which waits for its commit.

use rand_core::CryptoRng;
use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, Purpose, WalletKind},
    proof::{Operation, Proof},
    share::{AnyClientShare, AnyCustodianShare},
};

use super::SessionError;
use crate::{
    binding::{Nonces, Party, statement},
    message::{Begin, Commit, CommitBody, Receipt, Signed, Upload, digest},
};

/// The new shares of an operation that the custodian has prepared. Keep it, sealed; write the
/// envelope; read it back and open it; then commit.
#[derive(Debug)]
pub struct Ready {
    pub(super) party: Party,
    pub(super) begin: Begin,
    pub(super) nonces: Nonces,
    pub(super) signing: Vec<AnyClientShare>,
    pub(super) backup: Vec<AnyClientShare>,
    pub(super) opened: Vec<AnyCustodianShare>,
}

impl Ready {
    pub(super) fn new(
        party: Party,
        begin: Begin,
        nonces: Nonces,
        made: Vec<AnyClientShare>,
        opened: Vec<AnyCustodianShare>,
    ) -> Self {
        let (signing, backup) =
            made.into_iter().partition(|share| share.id().sharing.purpose == Purpose::Signing);
        Self { party, begin, nonces, signing, backup, opened }
    }

    /// The operation's id.
    #[must_use]
    pub const fn id(&self) -> OperationId {
        self.begin.id
    }

    /// What the operation is.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.begin.operation
    }

    /// With whom, and about which wallet.
    #[must_use]
    pub const fn party(&self) -> &Party {
        &self.party
    }

    /// The kind of the wallet once it is committed: what the envelope and the receipt say. A
    /// [`Party`]'s is the kind before.
    #[must_use]
    pub const fn kind(&self) -> WalletKind {
        match self.begin.operation {
            Operation::Convert => WalletKind::Mpc,
            _ => self.party.kind,
        }
    }

    /// The client's shares of the new signing epoch, if it makes one.
    #[must_use]
    pub fn signing(&self) -> &[AnyClientShare] {
        &self.signing
    }

    /// The client's shares of the new backup epoch, if it makes one: what the envelope holds.
    #[must_use]
    pub fn backup(&self) -> &[AnyClientShare] {
        &self.backup
    }

    /// In the recovery of a single-key wallet: the custodian's shares of the epoch that was opened,
    /// from which the device rebuilds the key, and persists it before it commits.
    #[must_use]
    pub fn opened(&self) -> &[AnyCustodianShare] {
        &self.opened
    }

    /// The commit, with the digest of the envelope that was written, read back and opened. A key
    /// generation has none.
    pub fn commit<R: CryptoRng + ?Sized>(&self, envelope: Option<Digest>, rng: &mut R) -> Commit {
        let body = CommitBody { wallet: self.party.wallet, id: self.begin.id, envelope };
        let proofs = self.prove(Operation::Commit, digest(&body), rng);
        Commit { body, proofs }
    }

    /// What is sent beside an envelope that goes into the custodian's own store.
    pub fn upload<R: CryptoRng + ?Sized>(
        &self,
        epoch: Epoch,
        envelope: &[u8],
        rng: &mut R,
    ) -> Upload {
        let proofs = self.prove(Operation::Upload, Digest::of(envelope), rng);
        Upload { wallet: self.party.wallet, epoch, id: Some(self.begin.id), proofs }
    }

    /// Checks that this receipt is for this operation and this envelope.
    ///
    /// # Errors
    ///
    /// It is not the pinned custodian's, or says something else.
    pub fn check_receipt<'a>(
        &self,
        receipt: &'a Signed<Receipt>,
        envelope: Option<Digest>,
    ) -> Result<&'a Receipt, SessionError> {
        let receipt =
            receipt.verify(&self.party.custodian).map_err(SessionError::WrongCustodian)?;
        let epoch =
            |shares: &[AnyClientShare]| shares.first().map(|share| share.id().sharing.epoch);
        let fits = receipt.wallet == self.party.wallet
            && receipt.user == self.party.user
            && receipt.kind == self.kind()
            && receipt.id == self.begin.id
            && receipt.operation == self.begin.operation
            && receipt.signing == epoch(&self.signing)
            && receipt.backup == epoch(&self.backup)
            && receipt.envelope == envelope
            && receipt.origin.is_some() == (self.begin.operation == Operation::Move);
        if fits { Ok(receipt) } else { Err(SessionError::OtherReceipt) }
    }

    /// A proof of every new share, the signing pair's first.
    fn prove<R: CryptoRng + ?Sized>(
        &self,
        operation: Operation,
        body: Digest,
        rng: &mut R,
    ) -> Vec<Proof> {
        let new = || self.signing.iter().chain(&self.backup);
        let commitments = new().map(AnyClientShare::commitment).collect();
        let statement =
            statement(&self.party, &self.begin, operation, self.nonces, commitments, body);
        new().map(|share| share.prove(&statement, rng)).collect()
    }
}
