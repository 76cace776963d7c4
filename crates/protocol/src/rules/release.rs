//! Letting go: of the custodian's share in an eject, and of the envelopes of ended epochs.

use thiserror::Error;
use twoshare_core::{
    id::{Epoch, OperationId},
    proof::Operation,
};

use super::{Active, Authority, Ended, Evidence, Frozen, Moved, Policy, Time, WaitRefusal, Wallet};

/// Why no window was opened. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WindowRefusal {
    /// The wallet is with another custodian.
    #[error(transparent)]
    Moved(#[from] Moved),
    /// The wallet stands still.
    #[error(transparent)]
    Frozen(#[from] Frozen),
    /// A replaced backup can still be restored.
    #[error("a replaced backup can still be restored, for {left} seconds at least")]
    GraceRunning {
        /// Seconds until it ends, if nothing stops its clock.
        left: Time,
    },
}

/// Why the custodian's share was not released. Nothing has changed, except that
/// [`ReleaseRefusal::Wait`] may have started its wait.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReleaseRefusal {
    /// The wallet is with another custodian.
    #[error(transparent)]
    Moved(#[from] Moved),
    /// The wallet stands still.
    #[error(transparent)]
    Frozen(#[from] Frozen),
    /// The operator has not opened a window, or it is over: ask the operator.
    #[error("the operator has not opened a window")]
    WindowClosed,
    /// A replaced backup can still be restored.
    #[error("a replaced backup can still be restored, for {left} seconds at least")]
    GraceRunning {
        /// Seconds until it ends, if nothing stops its clock.
        left: Time,
    },
    /// What was proven is not the active backup share: open a method of the current backup.
    #[error("this needs the proof of the active backup share")]
    NotEntitled,
    /// An eject waits first.
    #[error(transparent)]
    Wait(#[from] WaitRefusal),
}

/// Why an envelope is kept. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RetireRefusal {
    /// The wallet stands still.
    #[error(transparent)]
    Frozen(#[from] Frozen),
    /// This epoch has not ended, or was never committed, or was retired already: whoever repeats a
    /// retire whose answer was lost hears this.
    #[error("the epoch has not ended, or is retired already")]
    NotEnded,
    /// Too early: a replaced backup can still be restored, or an old copy of the database may.
    #[error("the envelope is kept until {until}")]
    TooEarly {
        /// When to try again.
        until: Time,
    },
}

impl<M, P> Wallet<M, P> {
    /// The operator lets the key be released until then.
    ///
    /// # Errors
    ///
    /// The rule that forbids it.
    pub fn open_window(&mut self, until: Time) -> Result<(), WindowRefusal> {
        self.check_here()?;
        self.check_thawed()?;
        if let Some(restorable) = &self.restorable {
            return Err(WindowRefusal::GraceRunning { left: restorable.left });
        }
        self.window = Some(until);
        Ok(())
    }

    /// Releases what the custodian holds of the active backup epoch, for an eject. The caller has
    /// checked the proof of the client's share.
    ///
    /// # Errors
    ///
    /// The rule that forbids it.
    pub fn release(
        &mut self,
        id: OperationId,
        evidence: Evidence,
        policy: &Policy,
    ) -> Result<&Active<M>, ReleaseRefusal> {
        self.check_here()?;
        self.check_thawed()?;
        if let Some(restorable) = &self.restorable {
            return Err(ReleaseRefusal::GraceRunning { left: restorable.left });
        }
        if self.standing(evidence) != Some(Authority::Active) {
            return Err(ReleaseRefusal::NotEntitled);
        }
        if self.window.is_none() {
            return Err(ReleaseRefusal::WindowClosed);
        }
        self.wait(Operation::Eject, id, evidence, policy)?;
        self.backup.as_ref().ok_or(ReleaseRefusal::NotEntitled)
    }

    /// Whether the envelope of this pending operation may be written.
    ///
    /// # Errors
    ///
    /// The wallet stands still.
    pub fn may_write(&self, id: OperationId) -> Result<(), Frozen> {
        match self.pending.as_ref().filter(|pending| pending.id == id) {
            Some(pending) => self.check_thawed_for(pending.operation, id),
            None => self.check_thawed(),
        }
    }

    /// Lets the envelope of an ended epoch go, when neither its owner's grace nor a restored
    /// database can need it any more.
    ///
    /// # Errors
    ///
    /// The rule that keeps it.
    pub fn retire(&mut self, epoch: Epoch, policy: &Policy) -> Result<Ended, RetireRefusal> {
        self.check_thawed()?;
        let ended = *self.ended.get(&epoch).ok_or(RetireRefusal::NotEnded)?;
        let until = match &self.restorable {
            Some(restorable) => self.now.saturating_add(restorable.left),
            None => ended.at.saturating_add(policy.restore_window),
        };
        if until > self.now {
            return Err(RetireRefusal::TooEarly { until });
        }
        self.ended.remove(&epoch);
        Ok(ended)
    }
}
