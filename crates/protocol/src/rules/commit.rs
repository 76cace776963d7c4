//! Commit and abandon: the two ways in which a pending epoch ends on purpose.

use thiserror::Error;
use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, WalletKind},
    proof::Operation,
};

use super::{
    Active, Authority, Evidence, Frozen, Moved, Outcome, Policy, Restorable, Time, Wallet,
};

/// What a commit did: what its receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Committed {
    /// What it was for.
    pub operation: Operation,
    /// What kind of wallet it left behind: a receipt that is asked for again says the same, whatever
    /// the wallet has become since.
    pub kind: WalletKind,
    /// The signing epoch it made active.
    pub signing: Option<Epoch>,
    /// The backup epoch it made active.
    pub backup: Option<Epoch>,
    /// The envelope of that backup epoch.
    pub envelope: Option<Digest>,
    /// Of an arriving wallet, what stands for where it came from.
    pub origin: Option<Digest>,
    /// When.
    pub at: Time,
}

/// Why nothing was committed. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CommitRefusal {
    /// The wallet is with another custodian.
    #[error(transparent)]
    Moved(#[from] Moved),
    /// The wallet stands still.
    #[error(transparent)]
    Frozen(#[from] Frozen),
    /// No such operation: prepare it first.
    #[error("there is no such pending operation")]
    NotPending,
    /// This operation was abandoned, expired, or was displaced: begin again with a new id.
    #[error("the operation has ended without a commit")]
    OperationEnded,
    /// It was committed with another envelope.
    #[error("the operation was committed with another envelope")]
    OtherEnvelope {
        /// The envelope that was committed.
        committed: Option<Digest>,
    },
    /// A backup epoch is committed with its envelope's digest, a signing epoch without one.
    #[error("a backup is committed with the digest of its envelope, and nothing else is")]
    WrongEnvelope,
}

/// Why nothing was abandoned. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AbandonRefusal {
    /// The wallet is with another custodian.
    #[error(transparent)]
    Moved(#[from] Moved),
    /// What was proven ranks below what the operation was prepared with.
    #[error("this needs the pending share, or a proof of at least the rank it was prepared with")]
    NotEntitled,
    /// The epoch that was proven has ended.
    #[error("the epoch that was proven has ended")]
    EpochEnded,
    /// It is committed: there is nothing to abandon any more.
    #[error("the operation is committed already")]
    AlreadyCommitted,
}

impl<M, P> Wallet<M, P> {
    /// Makes the pending epochs of this operation active, and ends what they replace. The caller
    /// has checked the proof of every pending share.
    ///
    /// Repeated, it gives the same answer.
    ///
    /// # Errors
    ///
    /// The rule that forbids it.
    pub fn commit(
        &mut self,
        id: OperationId,
        envelope: Option<Digest>,
        policy: &Policy,
    ) -> Result<Committed, CommitRefusal> {
        match self.outcomes.get(&id) {
            None => {}
            Some(Outcome::Committed(committed)) if committed.envelope == envelope => {
                return Ok(*committed);
            }
            Some(Outcome::Committed(committed)) => {
                return Err(CommitRefusal::OtherEnvelope { committed: committed.envelope });
            }
            Some(Outcome::Abandoned | Outcome::Expired | Outcome::Displaced) => {
                return Err(CommitRefusal::OperationEnded);
            }
        }
        if self.pending.is_none() {
            self.check_here()?;
        }
        let pending =
            self.pending.take_if(|pending| pending.id == id).ok_or(CommitRefusal::NotPending)?;
        if let Err(frozen) = self.check_thawed_for(pending.operation, pending.id) {
            self.pending = Some(pending);
            return Err(frozen.into());
        }
        if pending.backup.is_some() != envelope.is_some() {
            self.pending = Some(pending);
            return Err(CommitRefusal::WrongEnvelope);
        }

        if pending.operation == Operation::Convert {
            self.kind = WalletKind::Mpc;
            // It was opened for the key of a wallet that had a whole one.
            self.window = None;
        }
        let committed = Committed {
            operation: pending.operation,
            kind: self.kind,
            signing: pending.signing.as_ref().map(|(epoch, _)| *epoch),
            backup: pending.backup.as_ref().map(|(epoch, _)| *epoch),
            envelope,
            origin: pending.origin,
            at: self.now,
        };
        // Here it is, and stays.
        self.custody = None;
        if let Some((epoch, material)) = pending.signing {
            self.signing = Some(Active { epoch, material, envelope: None });
        }
        if let Some((epoch, material)) = pending.backup {
            self.end_replaced(pending.authority, policy);
            self.backup = Some(Active { epoch, material, envelope });
        }
        // Under a restore freeze only what its operator approved gets here.
        self.freezes.restored = None;
        self.approved = None;
        self.drop_served_request(pending.operation);
        self.outcomes.insert(id, Outcome::Committed(committed));
        Ok(committed)
    }

    /// What ends the old backup epoch is decided by what was proven at prepare: its own share ends
    /// it at once, the device's proof leaves it restorable. What its operator approved after a
    /// restore ends all that the old copy had, since any of it may have ended before.
    fn end_replaced(&mut self, authority: Authority, policy: &Policy) {
        match authority {
            _ if self.freezes.restored.is_some() => {
                self.end_backup();
                self.end_restorable();
            }
            Authority::Newcomer | Authority::Device => {
                // It was opened for whoever had the old epoch, and may outlast the grace.
                self.window = None;
                self.restorable = self.backup.take().map(|active| Restorable {
                    epoch: active.epoch,
                    material: active.material,
                    envelope: active.envelope,
                    left: policy.grace,
                });
            }
            Authority::Active => self.end_backup(),
            Authority::Restorable => {
                self.end_backup();
                self.end_restorable();
            }
        }
    }

    /// The request of a recovery or a conversion is served by its commit; one of an epoch that ended is
    /// void.
    fn drop_served_request(&mut self, operation: Operation) {
        let Some(request) = &self.request else { return };
        if request.operation == operation || self.authority(request.evidence).is_none() {
            self.request = None;
        }
    }

    /// Gives an operation up for good, whether or not its prepare has arrived: one that arrives
    /// later is refused.
    ///
    /// # Errors
    ///
    /// The rule that forbids it.
    pub fn abandon(&mut self, id: OperationId, evidence: Evidence) -> Result<(), AbandonRefusal> {
        match self.outcomes.get(&id) {
            None => {}
            Some(Outcome::Committed(_)) => return Err(AbandonRefusal::AlreadyCommitted),
            Some(Outcome::Abandoned | Outcome::Expired | Outcome::Displaced) => return Ok(()),
        }
        if !matches!(evidence, Evidence::Pending(_)) {
            self.check_here()?;
        }
        let authority = match evidence {
            // A key generation ranks no higher, and is its device's all the same.
            Evidence::Token => return Err(AbandonRefusal::NotEntitled),
            Evidence::Pending(own) if own != id => return Err(AbandonRefusal::NotEntitled),
            _ => self.authority(evidence).ok_or(AbandonRefusal::EpochEnded)?,
        };
        let needed = match self.pending.as_ref().filter(|pending| pending.id == id) {
            Some(pending) => pending.authority,
            // What let it leave keeps it here.
            None if self.is_leaving(id) => Authority::Active,
            None => Authority::Device,
        };
        if authority < needed {
            return Err(AbandonRefusal::NotEntitled);
        }
        if self.is_leaving(id) {
            self.stay();
        }
        if self.pending.as_ref().is_some_and(|pending| pending.id == id) {
            self.end_pending(Outcome::Abandoned);
        } else {
            self.outcomes.insert(id, Outcome::Abandoned);
        }
        Ok(())
    }
}
