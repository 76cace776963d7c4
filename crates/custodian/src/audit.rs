//! What happened, who did it, and when: one row for each act, written with it.

use twoshare_core::id::{OperationId, WalletId};
use twoshare_protocol::rules::Time;

use crate::UserId;

/// One act. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place in the log, from 1, without gaps while nothing is lost.
    pub number: u64,
    /// When, in seconds since the Unix epoch.
    pub at: Time,
    /// Who did it.
    pub actor: Actor,
    /// What was done.
    pub act: Act,
    /// Whose wallet, or whose session.
    pub user: Option<UserId>,
    /// To which wallet.
    pub wallet: Option<WalletId>,
    /// In which operation.
    pub operation: Option<OperationId>,
    /// More about it, for people: numbers and names, such as `recover` or `backup 3`.
    pub detail: String,
}

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The wallet's user, or whoever has their token.
    User,
    /// The operator.
    Operator,
    /// The custodian itself: time passed, or it was started.
    Custodian,
}

macro_rules! named {
    ($name:ty { $($variant:ident = $text:literal,)+ }) => {
        impl $name {
            /// The stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// The one with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

named!(Actor { User = "user", Operator = "operator", Custodian = "custodian", });

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// New epochs were made pending.
    Prepared,
    /// They were made active.
    Committed,
    /// A wallet that existed before was taken over.
    Adopted,
    /// An operation was given up.
    Abandoned,
    /// A pending operation expired.
    Expired,
    /// A pending operation was displaced by a stronger one.
    Displaced,
    /// A recovery or an eject began to wait.
    Waiting,
    /// The device objected to a waiting request: the wallet stands still.
    Disputed,
    /// A request was forgotten, unused.
    RequestExpired,
    /// The grace of a replaced backup is over.
    GraceEnded,
    /// The custodian's shares were released.
    Ejected,
    /// The custodian's part of a new sharing was given away, to another custodian.
    Departed,
    /// The wallet is with another custodian: what was held here ended.
    HandedOver,
    /// The operator let wallets be moved to another custodian.
    CustodianTrusted,
    /// The operator took that word back.
    CustodianDistrusted,
    /// An envelope was written.
    EnvelopeWritten,
    /// The envelope of an ended epoch was deleted.
    Retired,
    /// The operator opened a window.
    WindowOpened,
    /// The operator froze the wallet.
    Frozen,
    /// The operator let the wallet go on.
    Unfrozen,
    /// The operator approved an operation after a restore.
    Approved,
    /// The operator ended a waiting request.
    RequestCancelled,
    /// A session token was issued.
    SessionIssued,
    /// A user and everything of theirs was deleted.
    UserDeleted,
    /// The custodian was started on a restored database: every wallet is frozen.
    Restored,
    /// An operator key was made.
    OperatorKeyMade,
}

named!(Act {
    Prepared = "prepared",
    Committed = "committed",
    Adopted = "adopted",
    Abandoned = "abandoned",
    Expired = "expired",
    Displaced = "displaced",
    Waiting = "waiting",
    Disputed = "disputed",
    RequestExpired = "request_expired",
    GraceEnded = "grace_ended",
    Ejected = "ejected",
    Departed = "departed",
    HandedOver = "handed_over",
    CustodianTrusted = "custodian_trusted",
    CustodianDistrusted = "custodian_distrusted",
    EnvelopeWritten = "envelope_written",
    Retired = "retired",
    WindowOpened = "window_opened",
    Frozen = "frozen",
    Unfrozen = "unfrozen",
    Approved = "approved",
    RequestCancelled = "request_cancelled",
    SessionIssued = "session_issued",
    UserDeleted = "user_deleted",
    Restored = "restored",
    OperatorKeyMade = "operator_key_made",
});
