//! What is wrong with a method, and with what the user entered.

use super::{Ended, Mirrors, SlotKind, SourceError, Work, rust};

mirror! {
    /// Why a method could not make or open its slot.
    part MethodError = twoshare::core::method::MethodError {
        /// What the user entered is wrong: ask again. Only methods that learn it from somebody else say
        /// this; a wrong password shows in the derived public key.
        WrongSecret {
            /// The kind of the slot.
            kind: SlotKind,
            /// How many attempts are left, where they are counted.
            attempts_left: Option<u32>,
        },
        /// Too many wrong attempts: wait, or use another method.
        Locked {
            /// Seconds until the next attempt; `None` when only the operator can unlock.
            retry_after: Option<u64>,
        },
        /// The user dismissed the prompt. Nothing else is tried.
        Cancelled,
        /// The password was refused when a slot was to be made: ask for a better one.
        Password(source: PasswordError),
        /// The slot asks for more work than any honest one does: it was not made by this software, or was
        /// changed. Use another copy or another method.
        ExcessiveWork [ExcessiveWork {
            /// What of.
            work = work: Work,
            /// How much it asks for.
            required = required: u64,
            /// How much is done at most.
            cap = cap: u64,
        }],
        /// The slot's parameters cannot be read: it is damaged, or was made by another program.
        Parameters {
            /// The kind of the slot.
            kind: SlotKind,
        },
        /// This device cannot do it (no authenticator, no secure hardware, too little memory): use another
        /// method.
        NotAvailable {
            /// The kind of the slot.
            kind: SlotKind,
        },
        /// The drive is another account's: sign in with the one that the hint names.
        WrongAccount {
            /// A hint of the account that has the identity, from the slot.
            expected: String,
        },
        /// Signed in, but without the permission: ask the user to grant it.
        Denied {
            /// The scope or permission that is missing.
            scope: String,
        },
        /// The identity could not be stored because the drive is full: free space or use another.
        Full,
        /// The custodian answered something that its own public key disproves. Do not retry: report it.
        CustodianFault,
        /// A service that the method needs cannot be reached: try again later.
        Unreachable(source: SourceError),
    }

    /// Why a text cannot be a password, or not a new one.
    operation PasswordError = twoshare::core::method::PasswordError {
        /// Nothing was entered.
        Empty,
        /// Longer than 1 KiB: something else was pasted.
        TooLong {
            /// Bytes of UTF-8 that were entered.
            found: u64,
            /// The most there may be.
            max: u64,
        },
        /// Shorter than the policy allows: ask for a longer one.
        TooShort {
            /// Characters that were entered.
            found: u64,
            /// The fewest there may be.
            min: u64,
        },
        /// It has control characters, or others that not every keyboard and system writes the same way
        /// (RFC 8264, FreeformClass): ask for another.
        Characters,
        /// Too easy to guess: show the warning and ask for another.
        TooWeak [Weakness {
            /// From 0, the easiest to guess, to 4.
            score = score: u8,
            /// The score that is needed.
            min = min: u8,
            /// What is wrong with it, in English, where that is known.
            warning = warning: Option<String>,
        }],
    }

    /// Why a text is not a recovery code. Nothing was tried with it.
    part CodeError = twoshare::core::method::CodeError {
        /// A character is wrong: have this group compared with the paper, or all where none is named.
        Mistyped {
            /// The group, counted from 1.
            group: Option<u8>,
        },
        /// Characters are missing or too many: have this group compared with the paper, or all where
        /// none is named.
        Length {
            /// Characters that were typed, spaces and dashes aside.
            found: u64,
            /// Characters that a code has.
            expected: u64,
            /// The group that has not five, counted from 1, where the groups can be told.
            group: Option<u8>,
        },
    }
}
