use core::fmt;

use thiserror::Error;

use super::{PasswordError, SlotKind};

/// Why a method could not make or open its slot.
#[derive(Debug, Error)]
pub enum MethodError {
    /// What the user entered is wrong: ask again. Only methods that learn it from somebody else say
    /// this; a wrong password shows in the derived public key.
    #[error("wrong {kind}")]
    WrongSecret {
        /// The kind of the slot.
        kind: SlotKind,
        /// How many attempts are left, where they are counted.
        attempts_left: Option<u32>,
    },
    /// Too many wrong attempts: wait, or use another method.
    #[error("locked")]
    Locked {
        /// Seconds until the next attempt; `None` when only the operator can unlock.
        retry_after: Option<u64>,
    },
    /// The user dismissed the prompt. Nothing else is tried.
    #[error("cancelled by the user")]
    Cancelled,
    /// The password was refused when a slot was to be made: ask for a better one.
    #[error("the password is refused")]
    Password(#[source] PasswordError),
    /// The slot asks for more work than any honest one does: it was not made by this software, or was
    /// changed. Use another copy or another method.
    #[error("the slot asks for too much work")]
    ExcessiveWork(#[source] ExcessiveWork),
    /// The slot's parameters cannot be read: it is damaged, or was made by another program.
    #[error("the parameters of the {kind} slot cannot be read")]
    Parameters {
        /// The kind of the slot.
        kind: SlotKind,
    },
    /// This device cannot do it (no authenticator, no secure hardware, too little memory): use another
    /// method.
    #[error("{kind} is not available on this device")]
    NotAvailable {
        /// The kind of the slot.
        kind: SlotKind,
    },
    /// The drive is another account's: sign in with the one that the hint names.
    #[error("signed in with another account")]
    WrongAccount {
        /// A hint of the account that has the identity, from the slot.
        expected: String,
    },
    /// Signed in, but without the permission: ask the user to grant it.
    #[error("permission is missing: {scope}")]
    Denied {
        /// The scope or permission that is missing.
        scope: String,
    },
    /// The identity could not be stored because the drive is full: free space or use another.
    #[error("the drive is full")]
    Full,
    /// The custodian answered something that its own public key disproves. Do not retry: report it.
    #[error("the custodian's answer is false")]
    CustodianFault,
    /// A service that the method needs cannot be reached: try again later.
    #[error("a service cannot be reached")]
    Unreachable(#[source] Box<dyn core::error::Error + Send + Sync>),
}

impl MethodError {
    /// A stable name of the variant, for JSON, logs and the vectors.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WrongSecret { .. } => "wrong_secret",
            Self::Locked { .. } => "locked",
            Self::Cancelled => "cancelled",
            Self::Password(_) => "password_refused",
            Self::ExcessiveWork(_) => "excessive_work",
            Self::Parameters { .. } => "slot_parameters",
            Self::NotAvailable { .. } => "not_available",
            Self::WrongAccount { .. } => "wrong_account",
            Self::Denied { .. } => "denied",
            Self::Full => "full",
            Self::CustodianFault => "custodian_fault",
            Self::Unreachable(_) => "unreachable",
        }
    }
}

/// Work that a slot or a file asks for, above what is done for anyone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{required} {work} where at most {cap} are done")]
pub struct ExcessiveWork {
    /// What is counted.
    pub work: Work,
    /// How much is asked for.
    pub required: u64,
    /// The most that is done.
    pub cap: u64,
}

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// Memory of Argon2id, in KiB.
    MemoryKib,
    /// Passes of Argon2id over its memory.
    Passes,
    /// Lanes of Argon2id.
    Lanes,
    /// Memory of Argon2id in KiB times passes, of all slots that one opening tries.
    Total,
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MemoryKib => "KiB of memory",
            Self::Passes => "passes",
            Self::Lanes => "lanes",
            Self::Total => "KiB times passes in all slots",
        })
    }
}
