//! Requests and objections: what waits, how it is cancelled, what freezes a wallet, and what its
//! operator then decides.

use thiserror::Error;
use twoshare_core::{id::OperationId, proof::Operation};

use super::{Authority, Evidence, Frozen, Moved, Outcome, Policy, Request, Restored, Time, Wallet};

/// Why a recovery, a conversion or an eject has to wait.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WaitRefusal {
    /// The operator lets everybody wait: come back then and ask again.
    #[error("the operation waits")]
    Waiting {
        /// The request that waits, begun now or earlier.
        request: OperationId,
        /// From when on it may be used.
        until: Time,
    },
    /// Another of them is waiting, on a proof of at least this rank.
    #[error("another request is waiting")]
    RequestWaiting {
        /// Its id.
        request: OperationId,
    },
}

/// In whose favour the operator ends a dispute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Favour {
    /// The device was its owner's: the request is denied.
    Device,
    /// The request was its owner's: it proceeds, and cannot be cancelled again.
    Request(OperationId),
}

/// Why nothing was cancelled. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CancelRefusal {
    /// The wallet is with another custodian.
    #[error(transparent)]
    Moved(#[from] Moved),
    /// No such request is waiting.
    #[error("no such request is waiting")]
    NoSuchRequest,
    /// Only the device, or the operator, can object.
    #[error("this needs the proof of the wallet's device")]
    NotEntitled,
    /// The operator has settled a dispute in favour of this request.
    #[error("the operator has settled this request: it cannot be cancelled again")]
    Settled,
}

/// Why the wallet stays frozen. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnfreezeRefusal {
    /// The wallet is not frozen in this way.
    #[error("the wallet is not frozen in this way")]
    NotFrozen,
    /// A dispute ends in somebody's favour: say whose.
    #[error("the wallet is in dispute: say who won")]
    Dispute {
        /// The disputed request.
        request: OperationId,
    },
    /// Another request is in dispute.
    #[error("another request is in dispute")]
    OtherRequest {
        /// The disputed request.
        request: OperationId,
    },
}

impl<M, P> Wallet<M, P> {
    /// Lets a recovery, a conversion or an eject wait: the first call starts the wait, a call after it passes.
    pub(super) fn wait(
        &mut self,
        operation: Operation,
        id: OperationId,
        evidence: Evidence,
        policy: &Policy,
    ) -> Result<(), WaitRefusal> {
        let wait = match operation {
            // A conversion makes a device of whoever opened a method, and ends the one there was, as a
            // recovery does: without a wait of its own it would be the way around a recovery's.
            Operation::Recover | Operation::Convert => policy.recovery_wait,
            Operation::Eject | Operation::Move => policy.eject_wait,
            _ => 0,
        };
        if wait == 0 {
            return Ok(());
        }
        if let Some(request) = &self.request {
            if request.operation == operation && request.evidence == evidence {
                return if self.now >= request.ready {
                    Ok(())
                } else {
                    Err(WaitRefusal::Waiting { request: request.id, until: request.ready })
                };
            }
            let waiting = self.authority(request.evidence);
            let asking = self.authority(evidence);
            let recovery_over_eject =
                operation == Operation::Recover && request.operation != Operation::Recover;
            if asking < waiting || (asking == waiting && !recovery_over_eject) {
                return Err(WaitRefusal::RequestWaiting { request: request.id });
            }
        }
        let ready = self.now.saturating_add(wait);
        let expires = ready.saturating_add(policy.request_validity);
        self.request = Some(Request { id, operation, evidence, ready, expires, settled: false });
        Err(WaitRefusal::Waiting { request: id, until: ready })
    }

    /// The device objects to a waiting request. It does not end it, for a thief with the phone must
    /// not be able to veto its owner: the wallet stands still until the operator has decided.
    ///
    /// # Errors
    ///
    /// The rule that forbids it.
    pub fn dispute(&mut self, id: OperationId, evidence: Evidence) -> Result<(), CancelRefusal> {
        self.check_here()?;
        if self.freezes.dispute == Some(id) {
            return Ok(());
        }
        let request = self.find_request(id)?;
        if request.settled {
            return Err(CancelRefusal::Settled);
        }
        if self.standing(evidence) != Some(Authority::Device) {
            return Err(CancelRefusal::NotEntitled);
        }
        self.freezes.dispute = Some(id);
        Ok(())
    }

    /// The operator ends a waiting request, and what was already prepared for it.
    ///
    /// # Errors
    ///
    /// No such request is waiting.
    pub fn deny(&mut self, id: OperationId) -> Result<(), CancelRefusal> {
        self.find_request(id)?;
        self.drop_request();
        if self.freezes.dispute == Some(id) {
            self.freezes.dispute = None;
        }
        Ok(())
    }

    /// The operator orders the wallet to stand still.
    pub fn freeze(&mut self) {
        self.freezes.operator = true;
    }

    /// The operator lets the wallet go on: what the operator ordered, and the dispute in somebody's
    /// favour.
    ///
    /// # Errors
    ///
    /// A dispute needs to know who won.
    pub fn unfreeze(&mut self, favour: Option<Favour>) -> Result<(), UnfreezeRefusal> {
        match (self.freezes.dispute, favour) {
            (None, None) if self.freezes.operator => {}
            (None, _) => return Err(UnfreezeRefusal::NotFrozen),
            (Some(request), None) => return Err(UnfreezeRefusal::Dispute { request }),
            (Some(request), Some(Favour::Request(named))) if request != named => {
                return Err(UnfreezeRefusal::OtherRequest { request });
            }
            (Some(_), Some(Favour::Device)) => self.drop_request(),
            (Some(_), Some(Favour::Request(_))) => {
                if let Some(request) = &mut self.request {
                    request.settled = true;
                }
            }
        }
        self.freezes.dispute = None;
        self.freezes.operator = false;
        Ok(())
    }

    /// The database was restored from a copy: nothing but what the operator approves goes on from
    /// here, since epochs that the copy calls active may have ended. What was pending, waiting or in
    /// dispute in the copy is given up.
    ///
    /// To be called on the copy as it is, before [`Wallet::advance`]: the time since the copy was
    /// taken must not run on what the copy calls restorable.
    pub fn restored(&mut self) {
        self.end_pending(Outcome::Expired);
        self.request = None;
        self.window = None;
        self.freezes.dispute = None;
        self.approved = None;
        if self.gone().is_some() {
            // There is nothing here that could count again.
            return;
        }
        self.freezes.restored = Some(Restored::AwaitsApproval);
        self.approved = None;
    }

    /// The operator has satisfied itself, outside of this protocol, that this recovery (or replace,
    /// where no method of the copy is known any more) is its owner's, who read out its operation id,
    /// and lets it be prepared and committed. Its commit ends everything that the copy had.
    ///
    /// # Errors
    ///
    /// The wallet is not held by a restore.
    pub fn approve(&mut self, operation: OperationId) -> Result<(), UnfreezeRefusal> {
        match self.freezes.restored {
            None => Err(UnfreezeRefusal::NotFrozen),
            Some(Restored::AwaitsApproval | Restored::Approved) => {
                self.freezes.restored = Some(Restored::Approved);
                self.approved = Some(operation);
                Ok(())
            }
        }
    }

    /// Whether the custodian may take part in signing with this wallet now.
    ///
    /// # Errors
    ///
    /// The wallet stands still.
    pub fn may_sign(&self) -> Result<(), Frozen> {
        self.check_thawed()
    }

    fn find_request(&self, id: OperationId) -> Result<&Request, CancelRefusal> {
        self.request.as_ref().filter(|request| request.id == id).ok_or(CancelRefusal::NoSuchRequest)
    }

    /// Denies the request, and a pending recovery that came of it.
    fn drop_request(&mut self) {
        let Some(request) = self.request.take() else { return };
        if request.operation == Operation::Move {
            // What left for it stays.
            self.stay();
        }
        self.outcomes.insert(request.id, Outcome::Abandoned);
        let came_of_it = self.pending.as_ref().is_some_and(|pending| {
            pending.operation == request.operation
                && self.authority(request.evidence) == Some(pending.authority)
        });
        if came_of_it {
            self.end_pending(Outcome::Abandoned);
        }
    }
}
