//! Prepare: whether a new epoch may be made pending, and what it displaces.

use thiserror::Error;
use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, Purpose, WalletKind},
    proof::Operation,
};

use super::{
    Authority, Evidence, Frozen, Highest, MAX_EPOCH_JUMP, Moved, Outcome, Pending, Policy, Time,
    WaitRefusal, Wallet,
};

/// What a prepare asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Key generation, first backup, replace, refresh, recover or convert.
    pub operation: Operation,
    /// Its operation id.
    pub id: OperationId,
    /// The digest of the whole request.
    pub request: Digest,
    /// What was proven.
    pub evidence: Evidence,
    /// The signing epoch it makes.
    pub signing: Option<Epoch>,
    /// The backup epoch it makes.
    pub backup: Option<Epoch>,
    /// The highest epochs of this custodian's own receipts that the request carries.
    pub receipts: Highest,
}

impl Ask {
    fn of(&self, purpose: Purpose) -> Option<Epoch> {
        match purpose {
            Purpose::Signing => self.signing,
            Purpose::Backup => self.backup,
        }
    }
}

/// The answer to an [`Ask`] that may go on.
#[derive(Debug)]
#[must_use]
pub enum Admission {
    /// Make the new shares and hand them to [`Wallet::pend`].
    New(Admitted),
    /// This very request is pending already: give its answer again.
    Repeated,
}

/// An [`Ask`] that may go on, and what its proof is worth. Only [`Wallet::admit`] makes one.
#[derive(Debug)]
#[must_use]
pub struct Admitted {
    ask: Ask,
    authority: Authority,
}

/// Why nothing was made pending. Nothing has changed, except that [`PrepareRefusal::Wait`] may
/// have started its wait.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PrepareRefusal {
    /// The wallet is with another custodian.
    #[error(transparent)]
    Moved(#[from] Moved),
    /// The wallet stands still.
    #[error(transparent)]
    Frozen(#[from] Frozen),
    /// This kind of wallet has no such operation.
    #[error("a wallet of kind {0} has no such operation")]
    WrongKind(WalletKind),
    /// What was proven is not enough: open a backup method, or use the device.
    #[error("this needs a stronger proof than the one given")]
    NotEntitled,
    /// The epoch that was proven has ended: fetch the wallet's state, and use its active backup.
    #[error("the epoch that was proven has ended")]
    EpochEnded,
    /// There is a backup already: refresh or replace it.
    #[error("the wallet is already backed up")]
    AlreadyBackedUp,
    /// The wallet has keys already.
    #[error("the wallet already exists")]
    AlreadyExists,
    /// There is no backup yet: make the first.
    #[error("the wallet has no backup yet")]
    NotBackedUp,
    /// A replaced backup can still be restored; until then there is no second replace.
    #[error("a replaced backup can still be restored, for {left} seconds at least")]
    GraceRunning {
        /// Seconds until it ends, if nothing stops its clock.
        left: Time,
    },
    /// Another operation is pending. It ends by itself, or is abandoned by whoever may.
    #[error("another operation is pending")]
    Conflict {
        /// What it is for.
        operation: Operation,
        /// When it expires.
        until: Time,
    },
    /// A recovery waits first.
    #[error(transparent)]
    Wait(#[from] WaitRefusal),
    /// The epochs asked for are not those that this operation makes.
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
    /// This number is too far ahead of what the custodian knows: bring its newest receipt.
    #[error("epoch {asked} is too far above {highest}, the highest known")]
    EpochJump {
        /// The number asked for.
        asked: u64,
        /// The highest given out or vouched for by a receipt.
        highest: u64,
    },
    /// This operation id was used for another request: use a new one.
    #[error("the operation id was used for another request")]
    OperationReused,
    /// This operation was committed already: its receipt can be asked for.
    #[error("the operation is committed already")]
    AlreadyCommitted,
    /// This operation was abandoned, expired, or was displaced: begin again with a new id.
    #[error("the operation has ended without a commit")]
    OperationEnded,
}

impl<M, P> Wallet<M, P> {
    /// Whether this request may be made pending now.
    ///
    /// # Errors
    ///
    /// The rule that forbids it.
    pub fn admit(&mut self, ask: &Ask, policy: &Policy) -> Result<Admission, PrepareRefusal> {
        if self.is_repeated(ask.id, ask.request)? {
            return Ok(Admission::Repeated);
        }
        if ask.operation != Operation::Move {
            self.check_here()?;
        }
        self.check_thawed_for(ask.operation, ask.id)?;
        let authority = self.entitle(ask)?;
        self.check_epochs(ask)?;
        if let Some(pending) = &self.pending
            && !displaces(ask.operation, authority, pending)
        {
            return Err(PrepareRefusal::Conflict {
                operation: pending.operation,
                until: pending.expires,
            });
        }
        // What its operator approved after a restore does not wait: a waiting request shows its id.
        // A wallet that arrives has waited where it comes from.
        if self.freezes.restored.is_none() && ask.operation != Operation::Move {
            self.wait(ask.operation, ask.id, ask.evidence, policy)?;
        }
        Ok(Admission::New(Admitted { ask: *ask, authority }))
    }

    /// Whether this very request is pending already. It needs no new proof then: it is the same
    /// bytes.
    ///
    /// # Errors
    ///
    /// The operation has ended, or its id was used for another request.
    pub fn is_repeated(&self, id: OperationId, request: Digest) -> Result<bool, PrepareRefusal> {
        match self.outcomes.get(&id) {
            None => {}
            Some(Outcome::Committed(_)) => return Err(PrepareRefusal::AlreadyCommitted),
            Some(Outcome::Abandoned | Outcome::Expired | Outcome::Displaced) => {
                return Err(PrepareRefusal::OperationEnded);
            }
        }
        let Some(pending) = self.pending.as_ref().filter(|pending| pending.id == id) else {
            return Ok(false);
        };
        self.check_thawed_for(pending.operation, pending.id)?;
        if pending.request == request { Ok(true) } else { Err(PrepareRefusal::OperationReused) }
    }

    /// Makes an admitted request pending, with the shares made for it, in place of what it
    /// displaces.
    pub fn pend(
        &mut self,
        admitted: Admitted,
        signing: Option<M>,
        backup: Option<M>,
        session: P,
        policy: &Policy,
    ) {
        let Admitted { ask, authority } = admitted;
        self.end_pending(Outcome::Displaced);
        for purpose in [Purpose::Signing, Purpose::Backup] {
            if let Some(epoch) = ask.of(purpose) {
                self.highest.raise(purpose, epoch);
            }
        }
        self.pending = Some(Pending {
            operation: ask.operation,
            id: ask.id,
            request: ask.request,
            authority,
            expires: self.now.saturating_add(policy.pending),
            signing: ask.signing.zip(signing),
            backup: ask.backup.zip(backup),
            origin: None,
            session,
        });
    }

    /// Who may do what: the table of the specification.
    fn entitle(&self, ask: &Ask) -> Result<Authority, PrepareRefusal> {
        let authority = self.standing(ask.evidence).ok_or(PrepareRefusal::EpochEnded)?;
        let is_new = self.signing.is_none() && self.backup.is_none();
        match (ask.operation, self.kind) {
            (Operation::Keygen, WalletKind::Mpc) if !is_new => Err(PrepareRefusal::AlreadyExists),
            (Operation::Keygen, WalletKind::Mpc) => Ok(authority),
            // It arrives from another custodian, or comes back from one.
            (Operation::Move, _) if !is_new => Err(PrepareRefusal::AlreadyExists),
            (Operation::Move, _) => entitled(authority, &[Authority::Newcomer]),
            (Operation::FirstBackup, _) if self.backup.is_some() => {
                Err(PrepareRefusal::AlreadyBackedUp)
            }
            (Operation::FirstBackup, _) => entitled(authority, &[Authority::Device]),
            (Operation::Replace | Operation::Refresh | Operation::Recover, _)
            | (Operation::Convert, WalletKind::SingleKey)
                if self.backup.is_none() =>
            {
                Err(PrepareRefusal::NotBackedUp)
            }
            (Operation::Replace, _) => {
                let authority = entitled(authority, &[Authority::Device])?;
                // An approved one ends what an old copy calls restorable, whose grace stands still.
                match self.restorable.as_ref().filter(|_| self.freezes.restored.is_none()) {
                    Some(restorable) => Err(PrepareRefusal::GraceRunning { left: restorable.left }),
                    None => Ok(authority),
                }
            }
            (Operation::Refresh, _) => entitled(authority, &[Authority::Active]),
            (Operation::Recover, _) => {
                entitled(authority, &[Authority::Active, Authority::Restorable])
            }
            (Operation::Convert, WalletKind::SingleKey) => {
                let authority = entitled(authority, &[Authority::Active])?;
                match &self.restorable {
                    Some(restorable) => Err(PrepareRefusal::GraceRunning { left: restorable.left }),
                    None => Ok(authority),
                }
            }
            _ => Err(PrepareRefusal::WrongKind(self.kind)),
        }
    }

    fn check_epochs(&self, ask: &Ask) -> Result<(), PrepareRefusal> {
        let makes_signing = match ask.operation {
            Operation::Keygen | Operation::Convert => true,
            Operation::Recover | Operation::Move => self.kind == WalletKind::Mpc,
            _ => false,
        };
        let makes_backup = ask.operation != Operation::Keygen;
        if ask.signing.is_some() != makes_signing || ask.backup.is_some() != makes_backup {
            return Err(PrepareRefusal::WrongEpochs);
        }
        for purpose in [Purpose::Signing, Purpose::Backup] {
            let Some(asked) = ask.of(purpose).map(Epoch::get) else { continue };
            let highest = self.highest.of(purpose);
            if asked <= highest {
                return Err(PrepareRefusal::EpochUsed { asked, highest });
            }
            let highest = highest.max(ask.receipts.of(purpose));
            // The numbers of an arriving wallet go on from those of the custodian that it comes from.
            if ask.operation != Operation::Move && asked > highest.saturating_add(MAX_EPOCH_JUMP) {
                return Err(PrepareRefusal::EpochJump { asked, highest });
            }
        }
        Ok(())
    }
}

fn entitled(authority: Authority, entitled: &[Authority]) -> Result<Authority, PrepareRefusal> {
    if entitled.contains(&authority) { Ok(authority) } else { Err(PrepareRefusal::NotEntitled) }
}

/// A higher proof displaces a lower one, and a recovery other operations of its rank; nothing
/// displaces what is pending from the restorable epoch.
fn displaces<M, P>(operation: Operation, authority: Authority, pending: &Pending<M, P>) -> bool {
    if pending.is_from_restorable() {
        return false;
    }
    authority > pending.authority
        || (authority == pending.authority
            && operation == Operation::Recover
            && pending.operation != Operation::Recover)
}
