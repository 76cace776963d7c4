//! Custody: a wallet leaves for another custodian, and is gone once that one has it.

use thiserror::Error;
use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, WalletKind},
    identity::CustodianIdentity,
    proof::Operation,
};

use super::{
    Active, Authority, Evidence, Frozen, MAX_EPOCH_JUMP, Outcome, Policy, Time, WaitRefusal, Wallet,
};

/// That a wallet is not, or not only, this custodian's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Custody {
    /// This custodian gave its part of a new sharing away. Until it has the receipt of whom it gave it
    /// to, the wallet is here as it was.
    Leaving(Leaving),
    /// The wallet is with another custodian.
    Gone(Gone),
}

/// A wallet that leaves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Leaving {
    /// The operation.
    pub id: OperationId,
    /// To whom.
    pub to: Box<CustodianIdentity>,
    /// The signing epoch that it makes there.
    pub signing: Option<Epoch>,
    /// The backup epoch that it makes there.
    pub backup: Epoch,
}

/// A wallet that is with another custodian.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Gone {
    /// The operation that moved it.
    pub id: OperationId,
    /// With whom it is.
    pub to: Box<CustodianIdentity>,
    /// What stands for its public keys: no other wallet comes back under its id.
    pub keys: Digest,
    /// Since when.
    pub at: Time,
}

/// The wallet has moved: nothing of it works here any more. Build the client for the custodian that
/// it is with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the wallet has moved to another custodian")]
pub struct Moved {
    /// With whom it is.
    pub to: Box<CustodianIdentity>,
}

/// Why a wallet may not leave. Nothing has changed, except that [`DepartRefusal::Wait`] may have
/// started its wait.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DepartRefusal {
    /// It has left.
    #[error(transparent)]
    Moved(#[from] Moved),
    /// The wallet stands still.
    #[error(transparent)]
    Frozen(#[from] Frozen),
    /// This operation id was used for something that has ended: begin again with a new id.
    #[error("the operation has ended")]
    OperationEnded,
    /// A replaced backup can still be restored.
    #[error("a replaced backup can still be restored, for {left} seconds at least")]
    GraceRunning {
        /// Seconds until it ends, if nothing stops its clock.
        left: Time,
    },
    /// What was proven is not the active backup share: open a method of the current backup.
    #[error("this needs the proof of the active backup share")]
    NotEntitled,
    /// The operator has not opened a window, or it is over: ask the operator.
    #[error("the operator has not opened a window")]
    WindowClosed,
    /// Another operation is pending. It ends by itself, or is abandoned by whoever may.
    #[error("another operation is pending")]
    Conflict {
        /// What it is for.
        operation: Operation,
        /// When it expires.
        until: Time,
    },
    /// The epochs asked for are not those that a wallet of this kind has.
    #[error("the operation does not make these epochs")]
    WrongEpochs,
    /// This number was given out already: use one above the highest.
    #[error("epoch {asked} is not above {highest}, the highest known")]
    EpochUsed {
        /// The number asked for.
        asked: u64,
        /// The highest given out.
        highest: u64,
    },
    /// This number is too far ahead.
    #[error("epoch {asked} is too far above {highest}, the highest known")]
    EpochJump {
        /// The number asked for.
        asked: u64,
        /// The highest given out.
        highest: u64,
    },
    /// A move waits first, as an eject does.
    #[error(transparent)]
    Wait(#[from] WaitRefusal),
}

/// Why a wallet is still here. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HandOverRefusal {
    /// It has left in another operation.
    #[error(transparent)]
    Moved(#[from] Moved),
    /// The wallet stands still.
    #[error(transparent)]
    Frozen(#[from] Frozen),
    /// It did not leave in this operation, or something was committed here since: what the other
    /// custodian has is not what counts here.
    #[error("the wallet is not leaving in this operation")]
    NotLeaving,
}

impl<M, P> Wallet<M, P> {
    /// That it is not, or not only, here.
    #[must_use]
    pub const fn custody(&self) -> Option<&Custody> {
        self.custody.as_ref()
    }

    /// The wallet that is with another custodian.
    #[must_use]
    pub const fn gone(&self) -> Option<&Gone> {
        match &self.custody {
            Some(Custody::Gone(gone)) => Some(gone),
            Some(Custody::Leaving(_)) | None => None,
        }
    }

    /// Refuses what is done with a wallet that is here only.
    ///
    /// # Errors
    ///
    /// It is with another custodian.
    pub fn check_here(&self) -> Result<(), Moved> {
        match self.gone() {
            Some(gone) => Err(Moved { to: gone.to.clone() }),
            None => Ok(()),
        }
    }

    /// Lets the wallet leave: gives what the custodian holds of the active backup epoch, from which its
    /// part of the new sharing is made. The caller has checked the proof of the client's share, and
    /// that the operator trusts whom it leaves for. Until the [hand-over](Self::hand_over) it is here as
    /// it was, and whatever is committed here keeps it here.
    ///
    /// Asked again under the same id, before that, it leaves again.
    ///
    /// # Errors
    ///
    /// The rule that forbids it.
    pub fn depart(
        &mut self,
        leaving: Leaving,
        evidence: Evidence,
        policy: &Policy,
    ) -> Result<&Active<M>, DepartRefusal> {
        self.check_here()?;
        self.check_thawed()?;
        if self.outcomes.contains_key(&leaving.id) {
            return Err(DepartRefusal::OperationEnded);
        }
        if let Some(restorable) = &self.restorable {
            return Err(DepartRefusal::GraceRunning { left: restorable.left });
        }
        if self.standing(evidence) != Some(Authority::Active) {
            return Err(DepartRefusal::NotEntitled);
        }
        if self.window.is_none() {
            return Err(DepartRefusal::WindowClosed);
        }
        if let Some(pending) = &self.pending {
            return Err(DepartRefusal::Conflict {
                operation: pending.operation,
                until: pending.expires,
            });
        }
        self.check_leaving(&leaving)?;
        self.wait(Operation::Move, leaving.id, evidence, policy)?;
        if let Some(epoch) = leaving.signing {
            self.highest.raise(twoshare_core::id::Purpose::Signing, epoch);
        }
        self.highest.raise(twoshare_core::id::Purpose::Backup, leaving.backup);
        self.custody = Some(Custody::Leaving(leaving));
        self.backup.as_ref().ok_or(DepartRefusal::NotEntitled)
    }

    fn check_leaving(&self, leaving: &Leaving) -> Result<(), DepartRefusal> {
        if leaving.signing.is_some() != (self.kind == WalletKind::Mpc) {
            return Err(DepartRefusal::WrongEpochs);
        }
        if self.custody == Some(Custody::Leaving(leaving.clone())) {
            return Ok(());
        }
        let asked = [
            (leaving.signing.map(Epoch::get), self.highest.signing),
            (Some(leaving.backup.get()), self.highest.backup),
        ];
        for (asked, highest) in asked {
            let Some(asked) = asked else { continue };
            if asked <= highest {
                return Err(DepartRefusal::EpochUsed { asked, highest });
            }
            if asked > highest.saturating_add(MAX_EPOCH_JUMP) {
                return Err(DepartRefusal::EpochJump { asked, highest });
            }
        }
        Ok(())
    }

    /// The wallet is with another custodian from now on: what this one holds of it ends. The caller has
    /// checked that custodian's receipt for exactly what left.
    ///
    /// It lets nothing out, so that a custodian that was restored from a copy does it too, where the
    /// copy knows that the wallet was leaving.
    ///
    /// Repeated, it changes nothing.
    ///
    /// # Errors
    ///
    /// The rule that forbids it.
    pub fn hand_over(
        &mut self,
        id: OperationId,
        to: &CustodianIdentity,
        keys: Digest,
    ) -> Result<(), HandOverRefusal> {
        let leaving = match &self.custody {
            Some(Custody::Gone(gone)) if gone.id == id && *gone.to == *to => return Ok(()),
            Some(Custody::Gone(gone)) => return Err(Moved { to: gone.to.clone() }.into()),
            Some(Custody::Leaving(leaving)) if leaving.id == id && *leaving.to == *to => leaving,
            Some(Custody::Leaving(_)) | None => return Err(HandOverRefusal::NotLeaving),
        };
        let to = leaving.to.clone();
        if self.freezes.dispute.is_some() || self.freezes.operator {
            return Err(Frozen(self.freezes).into());
        }
        self.end_pending(Outcome::Displaced);
        self.end_restorable();
        self.end_backup();
        self.signing = None;
        (self.request, self.window, self.approved) = (None, None, None);
        self.freezes.restored = None;
        self.custody = Some(Custody::Gone(Gone { id, to, keys, at: self.now }));
        Ok(())
    }

    pub(super) fn is_leaving(&self, id: OperationId) -> bool {
        matches!(&self.custody, Some(Custody::Leaving(leaving)) if leaving.id == id)
    }

    /// Whatever is committed here, or given up, keeps a wallet here that was leaving.
    pub(super) fn stay(&mut self) {
        self.custody.take_if(|custody| matches!(custody, Custody::Leaving(_)));
    }

    /// Refuses a wallet to arrive where it is already.
    ///
    /// # Errors
    ///
    /// It is here.
    pub const fn check_arrives(&self) -> Result<(), super::PrepareRefusal> {
        if self.signing.is_none() && self.backup.is_none() {
            Ok(())
        } else {
            Err(super::PrepareRefusal::AlreadyExists)
        }
    }

    /// A wallet that is not here has the kind that it comes back with.
    pub fn welcome(&mut self, kind: WalletKind) {
        if self.gone().is_some() && self.pending.is_none() {
            self.kind = kind;
        }
    }

    /// What the pending operation brings here, as its receipt is to say.
    pub fn vouch(&mut self, origin: Digest) {
        if let Some(pending) = &mut self.pending {
            pending.origin = Some(origin);
        }
    }
}
