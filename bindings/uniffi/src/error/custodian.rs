//! Why the custodian did not do what it was asked.

use super::{
    AbandonRefusal, CancelRefusal, CommitRefusal, CustodianIdentity, DepartRefusal, Ended, Freezes,
    HandOverRefusal, Mirrors, Outage, PrepareRefusal, ReleaseRefusal, rust,
};

mirror! {
    /// Why nothing was read.
    operation ReadError = twoshare::protocol::custodian::ReadError {
        /// The wallet is with another custodian.
        Moved [Moved {
            /// Where it is now.
            to = to: CustodianIdentity,
        }],
        /// The user has no such wallet, operation or envelope.
        NotFound,
        /// What the custodian keeps does not fit together: its operator must restore it.
        Damaged,
        /// See there.
        Unavailable [Unavailable {
            /// What is the matter.
            outage = cause: Outage,
            /// Seconds to wait before trying again, where the custodian said.
            retry_after = retry_after: Option<u64>,
        }],
    }

    /// Why a proof is not believed.
    part EvidenceError = twoshare::protocol::custodian::EvidenceError {
        /// The session is unknown, over, or was used by another request: begin again.
        NoSession,
        /// The request does not belong to its session: another wallet, operation or evidence.
        OtherSession,
        /// A proof does not fit the share that it is about.
        Invalid {
            /// The index of the key.
            key: u8,
        },
        /// There is not one proof per key.
        Count {
            /// How many are needed.
            needed: u64,
            /// How many there are.
            given: u64,
        },
    }

    /// Why no session was opened.
    part BeginError = twoshare::protocol::custodian::BeginError {
        /// The wallet is with another custodian.
        Moved [Moved {
            /// Where it is now.
            to = to: CustodianIdentity,
        }],
        /// The user has no such wallet.
        NotFound,
        /// The wallet is of another kind.
        WrongKind,
        /// The epoch to be proven has ended: fetch the wallet's state.
        EpochEnded,
        /// The plan is not one that this operation can have.
        WrongPlan,
        /// Too many sessions are open: try again later.
        TooMany,
        /// See there.
        Unavailable [Unavailable {
            /// What is the matter.
            outage = cause: Outage,
            /// Seconds to wait before trying again, where the custodian said.
            retry_after = retry_after: Option<u64>,
        }],
    }

    /// Why nothing was made pending. Nothing has changed.
    part PrepareError = twoshare::protocol::custodian::PrepareError {
        /// The user has no such wallet.
        NotFound,
        /// What was to be proven was not.
        Evidence(source: EvidenceError),
        /// A rule forbids it.
        Refused(source: PrepareRefusal),
        /// What was sealed cannot be opened or does not fit: begin again.
        Sealed,
        /// The client's part of the resharing, key generation or deal does not hold.
        Material,
        /// A receipt that the request carries is not this custodian's, or of another wallet.
        ForeignReceipt,
        /// What the custodian keeps does not fit together: its operator must restore it.
        Damaged,
        /// See there.
        Unavailable [Unavailable {
            /// What is the matter.
            outage = cause: Outage,
            /// Seconds to wait before trying again, where the custodian said.
            retry_after = retry_after: Option<u64>,
        }],
    }

    /// Why nothing was committed. Nothing has changed.
    part CommitError = twoshare::protocol::custodian::CommitError {
        /// The user has no such wallet.
        NotFound,
        /// The new shares were not proven.
        Evidence(source: EvidenceError),
        /// A rule forbids it.
        Refused(source: CommitRefusal),
        /// See there.
        Unavailable [Unavailable {
            /// What is the matter.
            outage = cause: Outage,
            /// Seconds to wait before trying again, where the custodian said.
            retry_after = retry_after: Option<u64>,
        }],
    }

    /// Why nothing was abandoned. Nothing has changed.
    part AbandonError = twoshare::protocol::custodian::AbandonError {
        /// The user has no such wallet.
        NotFound,
        /// What was to be proven was not.
        Evidence(source: EvidenceError),
        /// A rule forbids it.
        Refused(source: AbandonRefusal),
        /// See there.
        Unavailable [Unavailable {
            /// What is the matter.
            outage = cause: Outage,
            /// Seconds to wait before trying again, where the custodian said.
            retry_after = retry_after: Option<u64>,
        }],
    }

    /// Why nothing was cancelled. Nothing has changed.
    part CustodianCancelError = twoshare::protocol::custodian::CancelError {
        /// The user has no such wallet.
        NotFound,
        /// What was to be proven was not.
        Evidence(source: EvidenceError),
        /// A rule forbids it.
        Refused(source: CancelRefusal),
        /// See there.
        Unavailable [Unavailable {
            /// What is the matter.
            outage = cause: Outage,
            /// Seconds to wait before trying again, where the custodian said.
            retry_after = retry_after: Option<u64>,
        }],
    }

    /// Why nothing was released. Nothing has changed.
    part CustodianEjectError = twoshare::protocol::custodian::EjectError {
        /// The user has no such wallet.
        NotFound,
        /// What was to be proven was not.
        Evidence(source: EvidenceError),
        /// A rule forbids it.
        Refused(source: ReleaseRefusal),
        /// See there.
        Unavailable [Unavailable {
            /// What is the matter.
            outage = cause: Outage,
            /// Seconds to wait before trying again, where the custodian said.
            retry_after = retry_after: Option<u64>,
        }],
    }

    /// Why an envelope was not written.
    part UploadError = twoshare::protocol::custodian::UploadError {
        /// The wallet is with another custodian.
        Moved [Moved {
            /// Where it is now.
            to = to: CustodianIdentity,
        }],
        /// The user has no such wallet, or no such operation is pending.
        NotFound,
        /// The new shares were not proven.
        Evidence(source: EvidenceError),
        /// The wallet stands still.
        Frozen [Frozen {
            /// What holds it.
            freezes = 0: Freezes,
        }],
        /// These bytes are not an envelope of that wallet and epoch.
        WrongEnvelope,
        /// The operation has written as many envelopes as it may.
        TooMany,
        /// See there.
        Unavailable [Unavailable {
            /// What is the matter.
            outage = cause: Outage,
            /// Seconds to wait before trying again, where the custodian said.
            retry_after = retry_after: Option<u64>,
        }],
    }

    /// Why a wallet did not leave. Nothing has changed.
    part DepartError = twoshare::protocol::custodian::DepartError {
        /// The user has no such wallet.
        NotFound,
        /// The operator of this custodian does not trust whom the wallet is to go to: ask the operator.
        Untrusted,
        /// What the other custodian is said to have begun is not signed by it, or is about something else:
        /// begin there again.
        NotExpected,
        /// What was to be proven was not.
        Evidence(source: EvidenceError),
        /// A rule forbids it.
        Refused(source: DepartRefusal),
        /// What the custodian keeps does not fit together: its operator must restore it.
        Damaged,
        /// See there.
        Unavailable [Unavailable {
            /// What is the matter.
            outage = cause: Outage,
            /// Seconds to wait before trying again, where the custodian said.
            retry_after = retry_after: Option<u64>,
        }],
    }

    /// Why a wallet is still here. Nothing has changed.
    part HandOverError = twoshare::protocol::custodian::HandOverError {
        /// The user has no such wallet.
        NotFound,
        /// The operator of this custodian does not trust, or does not trust any more, whose receipt it is.
        Untrusted,
        /// It is not that custodian's receipt for what left here.
        ForeignReceipt,
        /// A rule forbids it.
        Refused(source: HandOverRefusal),
        /// See there.
        Unavailable [Unavailable {
            /// What is the matter.
            outage = cause: Outage,
            /// Seconds to wait before trying again, where the custodian said.
            retry_after = retry_after: Option<u64>,
        }],
    }
}
