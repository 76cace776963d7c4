//! Drills, recoveries, and what was interrupted.

use std::sync::Arc;

use twoshare::{
    Level, StoreId,
    core::{
        check_code::CheckCode,
        envelope,
        id::{Epoch, OperationId},
        identity::CustodianIdentity,
        proof::Operation,
    },
};

use crate::{HttpCustodian, Method, Wallet, error::RunError};

/// A drill that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, uniffi::Record)]
pub struct Drill {
    /// How much it has shown.
    pub level: Level,
    /// The epoch that was drilled.
    pub epoch: Epoch,
    /// When: seconds since 1970, by the custodian's clock.
    pub at: u64,
    /// The stores that lacked the envelope, or had it damaged, and have it again.
    pub mended: Vec<StoreId>,
}

impl From<twoshare::Drill> for Drill {
    fn from(drill: twoshare::Drill) -> Self {
        let twoshare::Drill { level, epoch, at, mended } = drill;
        Self { level, epoch, at, mended }
    }
}

/// What a recovery is done with.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Recovery {
    /// The method that opens the backup.
    pub method: Arc<Method>,
    /// What vouches for the wallet: the method itself where this is left out.
    #[uniffi(default = None)]
    pub vouched_by: Option<VouchedBy>,
    /// The operation that the operator of a restored custodian has approved (`OpenBackupError.Restored`): make its
    /// id with `make_operation_id`, and read it out to the operator and to nobody else.
    #[uniffi(default = None)]
    pub approved: Option<OperationId>,
    /// Recovers with the custodian that is asked, although what lies in the stores says that the wallet has moved to
    /// another one: where that one has lost it. Should it still have it, the wallet is with both then, and a
    /// lost device is revoked at one of them only.
    #[uniffi(default = false)]
    pub accept_moved: bool,
}

impl From<Recovery> for twoshare::Recovery {
    fn from(recovery: Recovery) -> Self {
        let Recovery { method, vouched_by, approved, accept_moved } = recovery;
        let mut rust = Self::with(method.inner());
        if let Some(vouched_by) = vouched_by {
            rust = rust.vouched_by(vouched_by.into());
        }
        if let Some(approved) = approved {
            rust = rust.approved(approved);
        }
        if accept_moved { rust.accept_moved() } else { rust }
    }
}

/// What shows that a backup is of the user's own wallet.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum VouchedBy {
    /// The method. One that cannot is refused.
    Method,
    /// The check code that the user kept. It is compared whether the method vouches or not.
    CheckCode {
        /// The code.
        code: CheckCode,
    },
    /// Nothing. A custodian and a store that conspire can put a wallet of their own in the place of the user's;
    /// whatever is then paid to its addresses is theirs.
    AcceptUnvouched,
}

impl From<VouchedBy> for envelope::VouchedBy {
    fn from(vouched_by: VouchedBy) -> Self {
        match vouched_by {
            VouchedBy::Method => Self::Method,
            VouchedBy::CheckCode { code } => Self::CheckCode(code),
            VouchedBy::AcceptUnvouched => Self::AcceptUnvouched,
        }
    }
}

/// A new operation's id, which its owner reads out to the operator of a custodian that was restored from a copy, and
/// to nobody else.
#[uniffi::export]
#[must_use]
pub fn make_operation_id() -> OperationId {
    twoshare::make_operation_id()
}

/// What became of a recovery.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum Recovered {
    /// The wallet is here. Its old device can do nothing any more. `Wallet.to_regenerate` names what its signing
    /// library makes anew before it signs.
    Done {
        /// The wallet.
        wallet: Arc<Wallet>,
    },
    /// The operator lets everybody wait: call again when it is ready, with the same method. Whoever has the old
    /// device hears of it, and can object.
    Waiting {
        /// What waits.
        waiting: Waiting,
    },
}

impl From<twoshare::Recovered> for Recovered {
    fn from(recovered: twoshare::Recovered) -> Self {
        match recovered {
            twoshare::Recovered::Done(wallet) => Self::Done { wallet: Arc::new(wallet.into()) },
            twoshare::Recovered::Waiting(waiting) => Self::Waiting { waiting: waiting.into() },
        }
    }
}

/// A request that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Record)]
pub struct Waiting {
    /// Its id, by which the device's holder or the operator may cancel it.
    pub request: OperationId,
    /// From when on it may go on: seconds since 1970, by the custodian's clock.
    pub ready_at: u64,
}

impl From<twoshare::Waiting> for Waiting {
    fn from(waiting: twoshare::Waiting) -> Self {
        let twoshare::Waiting { request, ready_at } = waiting;
        Self { request, ready_at }
    }
}

/// What `Client.resume` found and did.
#[derive(Debug, uniffi::Enum)]
pub enum Resumed {
    /// Nothing was interrupted.
    Nothing,
    /// What was interrupted is finished: what was to happen has happened.
    Finished {
        /// What it was.
        operation: Operation,
    },
    /// What was interrupted is given up: everything is as if it had not begun, and can be done again.
    GivenUp {
        /// What it was.
        operation: Operation,
        /// Why, where it was tried to go on.
        why: Option<RunError>,
    },
    /// Another device has recovered or converted the wallet: what this one has does nothing any more. Recover here, or
    /// forget it (`Client.forget`).
    Revoked,
}

impl From<twoshare::Resumed> for Resumed {
    fn from(resumed: twoshare::Resumed) -> Self {
        match resumed {
            twoshare::Resumed::Nothing => Self::Nothing,
            twoshare::Resumed::Finished { operation } => Self::Finished { operation },
            twoshare::Resumed::GivenUp { operation, why } => {
                Self::GivenUp { operation, why: why.map(RunError::from) }
            }
            twoshare::Resumed::Revoked => Self::Revoked,
        }
    }
}

/// What became of a conversion.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum Converted {
    /// The wallet is an MPC wallet, with its signing shares here; the whole key is not here any more.
    Done {
        /// The wallet.
        wallet: Arc<Wallet>,
    },
    /// The operator lets everybody wait, as for a recovery: call again when it is ready, with the same method. Until then
    /// the wallet is what it was.
    Waiting {
        /// What waits.
        waiting: Waiting,
    },
}

impl From<twoshare::Converted> for Converted {
    fn from(converted: twoshare::Converted) -> Self {
        match converted {
            twoshare::Converted::Done(wallet) => Self::Done { wallet: Arc::new(wallet.into()) },
            twoshare::Converted::Waiting(waiting) => Self::Waiting { waiting: waiting.into() },
        }
    }
}

/// What became of a move.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum Moved {
    /// The wallet is with the other custodian, and with no other. Make the client for that one from here on: this one's
    /// calls about the wallet fail with `StateError.Moved`.
    Done {
        /// The wallet.
        wallet: Arc<Wallet>,
    },
    /// The operator lets everybody wait: call again when it is ready, with the same method, inside the window.
    Waiting {
        /// What waits.
        waiting: Waiting,
    },
}

impl From<twoshare::Moved> for Moved {
    fn from(moved: twoshare::Moved) -> Self {
        match moved {
            twoshare::Moved::Done(wallet) => Self::Done { wallet: Arc::new(wallet.into()) },
            twoshare::Moved::Waiting(waiting) => Self::Waiting { waiting: waiting.into() },
        }
    }
}

/// Another custodian: the one that a wallet is moved to, or that it comes from.
#[derive(Debug, uniffi::Object)]
pub struct Destination(twoshare::Destination);

#[uniffi::export]
impl Destination {
    /// This custodian, with the identity that the app's configuration has: whoever could choose it would be the custodian.
    /// `user` is who is logged in there, where that is another name than here.
    #[uniffi::constructor(default(user = None))]
    #[must_use]
    pub fn new(
        custodian: Arc<HttpCustodian>,
        identity: CustodianIdentity,
        user: Option<String>,
    ) -> Self {
        let destination = twoshare::Destination::new(custodian.inner(), identity);
        Self(match user {
            Some(user) => destination.user(user),
            None => destination,
        })
    }

    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> CustodianIdentity {
        *self.0.identity()
    }
}

impl Destination {
    pub(crate) fn inner(&self) -> twoshare::Destination {
        self.0.clone()
    }
}
