//! The operation in progress.

use twoshare_core::{
    digest::Digest,
    id::{CurveId, OperationId, Purpose, WalletKind},
    identity::CustodianIdentity,
    proof::{Operation, Stage},
    secret::SecretBytes,
    share::AnyCommitment,
};
use twoshare_protocol::message::{Receipt, Signed};

use super::{
    Leaves, Named,
    wire::{Attachments, Keys, Secrets, Shares, Text, record},
};

record! {
    /// What was begun, how far it got, and everything that is needed to finish it. It is saved before
    /// each message that could change the other side.
    pub(crate) struct Journal {
        operation: Operation,
        id: OperationId,
        /// The custodian it is with: of an empty device, the one that the opened envelope names.
        custodian: CustodianIdentity,
        /// Begun when the custodian was known to be restored from a copy. What was begun before is given
        /// up then.
        restored: bool,
        /// The user was told that it failed: it is abandoned, and not finished.
        giving_up: bool,
        /// What it is proven with.
        proven: Proven,
        /// The epochs that it makes.
        to: Vec<Stage>,
        /// The curves of a key generation.
        curves: Vec<CurveId>,
        /// The commitments of the epochs that were known: no new one may have the same slope.
        known: Vec<AnyCommitment>,
        receipts: Vec<Signed<Receipt>>,
        /// What the envelope keeps beside the new shares.
        secrets: Secrets,
        attachments: Attachments,
        /// The slots that it is sealed for.
        slots: SecretBytes,
        /// When the method of each was set up.
        created: Vec<u64>,
        /// In the recovery of a single-key wallet: its keys, once they are rebuilt.
        keys: Keys,
        /// The envelopes of the epochs that it ends.
        ends: Vec<Named>,
        /// The digests of what may have been written to stores, the newest last.
        written: Vec<Digest>,
        /// The stores that have what is committed.
        stored: Vec<Text>,
        /// Of a move, whom the wallet leaves.
        leaves: Option<Leaves>,
        phase: Phase,
    }
}

/// What an operation is proven with.
#[derive(Debug, Clone)]
pub(crate) enum Proven {
    /// Nothing: a key generation.
    Nothing,
    /// What the device holds.
    Device,
    /// The backup shares of an opened envelope; empty once they are not needed any more.
    Backup(Shares),
}

/// How far an operation got.
#[derive(Debug, Clone)]
pub(crate) enum Phase {
    /// The custodian has not been told anything that counts.
    Planned,
    /// Its prepare may have arrived: the bytes of an [`Offered`](twoshare_protocol::session::Offered).
    Offered(SecretBytes),
    /// The new shares are there: the bytes of a [`Ready`](twoshare_protocol::session::Ready). Envelopes
    /// may have been written.
    Ready(SecretBytes),
    /// What is committed is fixed: the same, and the envelope's digest. It is in the stores, was read
    /// back and opened through every slot, and its commit may have arrived.
    Committing(SecretBytes, Option<Digest>),
}

impl Journal {
    /// The kind in its proofs and messages: the wallet's when it begins. A record of before the wallet
    /// was converted elsewhere, or of before its custodian was restored from a copy, has another.
    pub(crate) fn kind(&self, known: WalletKind) -> WalletKind {
        match self.operation {
            Operation::Convert => WalletKind::SingleKey,
            Operation::Recover if self.makes(Purpose::Signing).is_some() => WalletKind::Mpc,
            Operation::Recover => WalletKind::SingleKey,
            _ => known,
        }
    }

    /// The epoch that it makes for this purpose.
    pub(crate) fn makes(&self, purpose: Purpose) -> Option<twoshare_core::id::Epoch> {
        self.to.iter().find(|stage| stage.purpose == purpose).map(|stage| stage.epoch)
    }
}
