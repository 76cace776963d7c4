//! Which of its rules the custodian refused by.

use super::{
    CustodianIdentity, Digest, Ended, Freezes, Mirrors, Operation, OperationId, WalletKind, rust,
};

mirror! {
    /// Why nothing was made pending. Nothing has changed, except that `PrepareRefusal.Wait` may
    /// have started its wait.
    part PrepareRefusal = twoshare::protocol::rules::PrepareRefusal {
        /// The wallet is with another custodian.
        Moved [Moved {
            /// Where it is now.
            to = to: CustodianIdentity,
        }],
        /// The wallet stands still.
        Frozen [Frozen {
            /// What holds it.
            freezes = 0: Freezes,
        }],
        /// This kind of wallet has no such operation.
        WrongKind(kind: WalletKind),
        /// What was proven is not enough: open a backup method, or use the device.
        NotEntitled,
        /// The epoch that was proven has ended: fetch the wallet's state, and use its active backup.
        EpochEnded,
        /// There is a backup already: refresh or replace it.
        AlreadyBackedUp,
        /// The wallet has keys already.
        AlreadyExists,
        /// There is no backup yet: make the first.
        NotBackedUp,
        /// A replaced backup can still be restored; until then there is no second replace.
        GraceRunning {
            /// Seconds until it ends, if nothing stops its clock.
            left: u64,
        },
        /// Another operation is pending. It ends by itself, or is abandoned by whoever may.
        Conflict {
            /// What it is for.
            operation: Operation,
            /// When it expires.
            until: u64,
        },
        /// A recovery waits first.
        Wait(source: WaitRefusal),
        /// The epochs asked for are not those that this operation makes.
        WrongEpochs,
        /// This number was given out already: use one above the highest.
        EpochUsed {
            /// The number asked for.
            asked: u64,
            /// The highest given out.
            highest: u64,
        },
        /// This number is too far ahead of what the custodian knows: bring its newest receipt.
        EpochJump {
            /// The number asked for.
            asked: u64,
            /// The highest given out or vouched for by a receipt.
            highest: u64,
        },
        /// This operation id was used for another request: use a new one.
        OperationReused,
        /// This operation was committed already: its receipt can be asked for.
        AlreadyCommitted,
        /// This operation was abandoned, expired, or was displaced: begin again with a new id.
        OperationEnded,
    }

    /// Why nothing was committed. Nothing has changed.
    part CommitRefusal = twoshare::protocol::rules::CommitRefusal {
        /// The wallet is with another custodian.
        Moved [Moved {
            /// Where it is now.
            to = to: CustodianIdentity,
        }],
        /// The wallet stands still.
        Frozen [Frozen {
            /// What holds it.
            freezes = 0: Freezes,
        }],
        /// No such operation: prepare it first.
        NotPending,
        /// This operation was abandoned, expired, or was displaced: begin again with a new id.
        OperationEnded,
        /// It was committed with another envelope.
        OtherEnvelope {
            /// The envelope that was committed.
            committed: Option<Digest>,
        },
        /// A backup epoch is committed with its envelope's digest, a signing epoch without one.
        WrongEnvelope,
    }

    /// Why nothing was abandoned. Nothing has changed.
    part AbandonRefusal = twoshare::protocol::rules::AbandonRefusal {
        /// The wallet is with another custodian.
        Moved [Moved {
            /// Where it is now.
            to = to: CustodianIdentity,
        }],
        /// What was proven ranks below what the operation was prepared with.
        NotEntitled,
        /// The epoch that was proven has ended.
        EpochEnded,
        /// It is committed: there is nothing to abandon any more.
        AlreadyCommitted,
    }

    /// Why a wallet may not leave. Nothing has changed, except that `DepartRefusal.Wait` may have
    /// started its wait.
    part DepartRefusal = twoshare::protocol::rules::DepartRefusal {
        /// It has left.
        Moved [Moved {
            /// Where it is now.
            to = to: CustodianIdentity,
        }],
        /// The wallet stands still.
        Frozen [Frozen {
            /// What holds it.
            freezes = 0: Freezes,
        }],
        /// This operation id was used for something that has ended: begin again with a new id.
        OperationEnded,
        /// A replaced backup can still be restored.
        GraceRunning {
            /// Seconds until it ends, if nothing stops its clock.
            left: u64,
        },
        /// What was proven is not the active backup share: open a method of the current backup.
        NotEntitled,
        /// The operator has not opened a window, or it is over: ask the operator.
        WindowClosed,
        /// Another operation is pending. It ends by itself, or is abandoned by whoever may.
        Conflict {
            /// What it is for.
            operation: Operation,
            /// When it expires.
            until: u64,
        },
        /// The epochs asked for are not those that a wallet of this kind has.
        WrongEpochs,
        /// This number was given out already: use one above the highest.
        EpochUsed {
            /// The number asked for.
            asked: u64,
            /// The highest given out.
            highest: u64,
        },
        /// This number is too far ahead.
        EpochJump {
            /// The number asked for.
            asked: u64,
            /// The highest given out.
            highest: u64,
        },
        /// A move waits first, as an eject does.
        Wait(source: WaitRefusal),
    }

    /// Why a wallet is still here. Nothing has changed.
    part HandOverRefusal = twoshare::protocol::rules::HandOverRefusal {
        /// It has left in another operation.
        Moved [Moved {
            /// Where it is now.
            to = to: CustodianIdentity,
        }],
        /// The wallet stands still.
        Frozen [Frozen {
            /// What holds it.
            freezes = 0: Freezes,
        }],
        /// It did not leave in this operation, or something was committed here since: what the other
        /// custodian has is not what counts here.
        NotLeaving,
    }

    /// Why the custodian's share was not released. Nothing has changed, except that
    /// `ReleaseRefusal.Wait` may have started its wait.
    part ReleaseRefusal = twoshare::protocol::rules::ReleaseRefusal {
        /// The wallet is with another custodian.
        Moved [Moved {
            /// Where it is now.
            to = to: CustodianIdentity,
        }],
        /// The wallet stands still.
        Frozen [Frozen {
            /// What holds it.
            freezes = 0: Freezes,
        }],
        /// The operator has not opened a window, or it is over: ask the operator.
        WindowClosed,
        /// A replaced backup can still be restored.
        GraceRunning {
            /// Seconds until it ends, if nothing stops its clock.
            left: u64,
        },
        /// What was proven is not the active backup share: open a method of the current backup.
        NotEntitled,
        /// An eject waits first.
        Wait(source: WaitRefusal),
    }

    /// Why a recovery, a conversion or an eject has to wait.
    part WaitRefusal = twoshare::protocol::rules::WaitRefusal {
        /// The operator lets everybody wait: come back then and ask again.
        Waiting {
            /// The request that waits, begun now or earlier.
            request: OperationId,
            /// From when on it may be used.
            until: u64,
        },
        /// Another of them is waiting, on a proof of at least this rank.
        RequestWaiting {
            /// Its id.
            request: OperationId,
        },
    }

    /// Why nothing was cancelled. Nothing has changed.
    part CancelRefusal = twoshare::protocol::rules::CancelRefusal {
        /// The wallet is with another custodian.
        Moved [Moved {
            /// Where it is now.
            to = to: CustodianIdentity,
        }],
        /// No such request is waiting.
        NoSuchRequest,
        /// Only the device, or the operator, can object.
        NotEntitled,
        /// The operator has settled a dispute in favour of this request.
        Settled,
    }
}
