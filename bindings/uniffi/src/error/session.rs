//! What does not hold of what the custodian answered.

use super::{CurveId, Ended, Epoch, Mirrors, PointError, ShareError, WalletId};

mirror! {
    /// Why an exchange was given up. The custodian is not the pinned one, is broken, or lies: nothing
    /// of it is to be used, and nothing has changed on this side.
    part SessionError = twoshare::protocol::session::SessionError {
        /// An answer is not signed by the pinned custodian: check the custodian's key.
        WrongCustodian(source: SignatureError),
        /// An answer belongs to another question.
        OtherSession,
        /// A sealed answer cannot be opened.
        Sealed(source: ChannelOpenError),
        /// What is to be sealed is too long.
        TooLong(source: ChannelSealError),
        /// A sealed answer is not the message that belongs there.
        Malformed(source: DecodeError),
        /// The custodian's part of the exchange is not the message that belongs there.
        MalformedPart(source: MessageError),
        /// The custodian's part of the key generation does not hold.
        Keygen(source: KeygenError),
        /// The custodian's part of the resharing does not hold.
        Reshare(source: ReshareError),
        /// The custodian has not proven that it holds its new shares.
        Unproven(source: UnprovenError),
        /// The custodian has not proven that it holds its share of an epoch that was dealt or drilled.
        NotHeld {
            /// The index of the key.
            key: u8,
        },
        /// A share that the custodian released does not hold.
        Released(source: ShareError),
        /// A share that the custodian released is not the other half of the one it was asked for.
        OtherHalf {
            /// The index of the key.
            key: u8,
        },
        /// What was given does not fit the operation: shares of another wallet, epoch or curve.
        Misuse,
        /// The receipt or proof says something else than what was done.
        OtherReceipt,
    }

    /// Why bytes are not the message that was expected.
    part DecodeError = twoshare::protocol::wire::DecodeError {
        /// A newer version of this protocol: update.
        NewerVersion {
            /// The version of these bytes.
            found: u64,
            /// The newest version read here.
            supported: u64,
        },
        /// Another message than the one that belongs here.
        Other {
            /// The number of that message.
            number: u64,
        },
        /// Cut, damaged, or not written by this protocol.
        Malformed,
    }

    /// Why shares are not one side's half of the signing pair of one wallet.
    part NotAHalf = twoshare::protocol::adopt::NotAHalf {
        /// There is none: give one for each key of the wallet.
        Empty,
        /// A wallet has so many keys at most: make two.
        TooMany {
            /// How many shares there are.
            count: u64,
            /// How many there may be.
            cap: u64,
        },
        /// A share is of another wallet.
        OtherWallet {
            /// Its place among the shares.
            index: u64,
            /// The wallet that it is of.
            found: WalletId,
        },
        /// A share is of a backup pair: those are made here, by resharing.
        NotSigning {
            /// Its place among the shares.
            index: u64,
        },
        /// A share is of another epoch than the first one.
        OtherEpoch {
            /// Its place among the shares.
            index: u64,
            /// The epoch of the first.
            epoch: Epoch,
            /// Its own.
            found: Epoch,
        },
        /// The epoch's number is higher than a custodian takes that knows none of the wallet.
        EpochJump {
            /// The shares' epoch.
            epoch: Epoch,
            /// The highest that is taken.
            cap: u64,
        },
        /// The shares are not those of the keys 0, 1, … in this order.
        OutOfOrder {
            /// Its place among the shares.
            index: u64,
            /// The key that it is of.
            found: u8,
        },
        /// Two shares are of the same public key: a wallet has each key once.
        RepeatedKey {
            /// The place of the second among the shares.
            index: u64,
            /// The key's curve.
            curve: CurveId,
        },
    }

    /// Why a sealed message is not opened, in the order of the checks. Until the last one nothing is
    /// known to be authentic: the others say what the message *claims*, so that an honest mistake can
    /// be told from damage.
    part ChannelOpenError = twoshare::core::channel::OpenError {
        /// It is shorter than any message: ask for it again.
        TooShort {
            /// How many bytes it has.
            found: u64,
        },
        /// It is longer than any message: refuse it.
        TooLong {
            /// How many bytes the message in it would have.
            found: u64,
        },
        /// The other side is newer: update.
        NewerVersion {
            /// The version of the message.
            found: u64,
            /// The newest version read here.
            supported: u64,
        },
        /// It is this side's own message, sent back: refuse it; something between is broken or hostile.
        Reflected,
        /// It belongs to other ephemeral keys or another custodian: it is old, or for somebody else.
        /// Refuse it, and start a new operation if the other side insists.
        OtherSession,
        /// Its context differs, such as another wallet, user or operation: refuse it.
        OtherContext,
        /// It is of a step that was taken before: refuse it, or repeat the answer of that step.
        Replayed {
            /// The step that is due.
            expected: u8,
            /// The step of the message.
            found: u8,
        },
        /// It is of a step that is not due yet: one in between was lost; ask for that.
        OutOfOrder {
            /// The step that is due.
            expected: u8,
            /// The step of the message.
            found: u8,
        },
        /// It was changed on the way, or sealed by somebody without the keys: refuse it.
        Damaged,
    }

    /// Why a message is not sealed.
    part ChannelSealError = twoshare::core::channel::SealError {
        /// Split what is to be said.
        TooLong {
            /// How many bytes it has.
            found: u64,
        },
    }

    /// Why a signature is not one, or not of this message.
    part SignatureError = twoshare::core::identity::SignatureError {
        /// It is not 64 bytes long: refuse the message.
        Length {
            /// How many bytes there are.
            found: u64,
        },
        /// `r` or `s` is zero or not below the order: refuse the message.
        OutOfRange,
        /// It is the other encoding of a signature: refuse the message.
        HighS,
        /// Somebody else signed, or something else was signed: do not believe the message.
        Invalid,
    }

    /// Why bytes are not the message, or the kept state, that was expected. The exchange is over:
    /// begin a new one.
    part MessageError = twoshare::core::reshare::MessageError {
        /// Not an encoding of it: damaged, or something else, such as the message of another step.
        Malformed,
        /// Written by a newer version of this library: update it.
        NewerVersion {
            /// The version of these bytes.
            found: u64,
            /// The newest version read here.
            supported: u64,
        },
    }

    /// Why no key was made. The session is over: begin again with a new operation. Where the other
    /// party is at fault, it lied. `key` is the place of the key among the session's curves, from 0.
    part KeygenError = twoshare::core::keygen::KeygenError {
        /// The session is none: the caller's mistake.
        Session(source: KeygenSessionError),
        /// The message is of another session: another operation, wallet, user, custodian or other
        /// curves. Perhaps a replay.
        SessionMismatch,
        /// The message has more or fewer keys than the session.
        Count {
            /// How many the session has.
            expected: u64,
            /// How many there were.
            found: u64,
        },
        /// A point in the message is refused. The other party is at fault.
        Point {
            /// The key.
            key: u8,
            /// Why.
            source: PointError,
        },
        /// The other party did not prove that it knows its part of the key. It is at fault.
        Proof {
            /// The key.
            key: u8,
            /// Why.
            source: ProofError,
        },
        /// The client did not open what it had committed to. It is at fault.
        NotOpened,
        /// The key, the slope or a share would be zero: one part is the negative of the other. The
        /// other party is at fault.
        Degenerate {
            /// The key.
            key: u8,
        },
        /// A number in the message is not below the order of the group. The other party is at fault.
        OutOfRange {
            /// The key.
            key: u8,
        },
        /// The value is not on the line that the other party has shown. It is at fault.
        NotCommitted {
            /// The key.
            key: u8,
        },
    }

    /// Why a session is none: the caller's mistake.
    part KeygenSessionError = twoshare::core::keygen::SessionError {
        /// The name of the user is too long.
        UserTooLong {
            /// How many bytes it has.
            len: u64,
            /// How many it can have.
            max: u64,
        },
        /// There is no key to make, or there are too many.
        KeyCount {
            /// How many there are.
            count: u64,
            /// How many there can be.
            max: u64,
        },
    }

    /// Why no new sharing was made. The exchange is over, the present sharing is as it was: begin
    /// again with a new operation. Where the other party is at fault, it lied, or holds another
    /// sharing than ours. `item` counts the items of the context from 0.
    part ReshareError = twoshare::core::reshare::ReshareError {
        /// The context is none: the caller's mistake.
        Context(source: ContextError),
        /// The caller gave no share that this item begins with: of this wallet, purpose, epoch, key
        /// and curve.
        MissingShare {
            /// The item.
            item: u64,
        },
        /// The message is of another exchange: another operation, wallet, user, custodian, purpose,
        /// epoch or curve. Perhaps a replay.
        ContextMismatch,
        /// A message, or the caller, has more or fewer items than the context.
        Count {
            /// How many the context has.
            expected: u64,
            /// How many there were.
            found: u64,
        },
        /// A number in the message is not below the order of the group. The other party is at fault.
        OutOfRange {
            /// The item.
            item: u64,
        },
        /// The values of the message do not fit the present commitment: the other party has another
        /// sharing, or the message was changed.
        NotCommitted {
            /// The item.
            item: u64,
        },
        /// The custodian did not open what it had committed to. It is at fault.
        NotOpened {
            /// The item.
            item: u64,
        },
        /// A part of the new slope, the slope or a new share would be zero.
        Degenerate {
            /// The item.
            item: u64,
        },
        /// The new slope is that of an epoch that is known. The custodian is at fault.
        KnownSlope {
            /// The item.
            item: u64,
        },
    }

    /// Why a context is none: the caller's mistake.
    part ContextError = twoshare::core::reshare::ContextError {
        /// The name of the user is too long.
        UserTooLong {
            /// How many bytes it has.
            len: u64,
            /// How many it can have.
            max: u64,
        },
        /// There is nothing to make, or too much.
        ItemCount {
            /// How many items there are.
            count: u64,
            /// How many there can be.
            max: u64,
        },
        /// The new epoch of an item's pair is not after its present one.
        EpochNotLater {
            /// The item, from 0.
            item: u64,
        },
        /// Two items make one sharing of one key.
        SameTarget {
            /// The later item, from 0.
            item: u64,
        },
    }

    /// Why the shares stay unproven. The exchange is over and has changed nothing: begin again with a
    /// new operation.
    part UnprovenError = twoshare::core::proof::UnprovenError {
        /// The statement is not of this exchange, or not over its new commitments: the caller's
        /// mistake.
        StatementMismatch,
        /// There are more or fewer proofs than shares. The custodian is at fault.
        Count {
            /// How many shares there are.
            expected: u64,
            /// How many proofs there were.
            found: u64,
        },
        /// The custodian did not prove that it holds its new share.
        Proof {
            /// Which share, in the order of the exchange, from 0.
            item: u64,
            /// Why.
            source: ProofError,
        },
    }

    /// Why a proof proves nothing. The other party is refused what it asked for.
    part ProofError = twoshare::core::proof::ProofError {
        /// `c` or `s` is not below the order of the group.
        Malformed,
        /// Made without the secret, or for another statement: another operation, wallet, epoch, body …
        Invalid,
    }
}
