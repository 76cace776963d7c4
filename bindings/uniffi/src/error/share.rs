//! What is wrong with a share, a key or a point.

use super::{CurveId, Ended, Epoch, Mirrors, Purpose, Role, WalletId};

mirror! {
    /// Why bytes are not a share. Nothing of the share is used then.
    part ShareError = twoshare::core::share::ShareError {
        /// Not an encoding of a share: damaged, or something else. Try another copy.
        Malformed,
        /// Written by a newer version of this library: update it.
        NewerVersion {
            /// The version of these bytes.
            found: u64,
            /// The newest version read here.
            supported: u64,
        },
        /// The other party's share: the caller confused the two.
        RoleMismatch {
            /// Whose share was asked for.
            expected: Role,
            /// Whose share it is.
            found: Role,
        },
        /// A share of a key on another curve: the caller confused two keys of the wallet.
        CurveMismatch {
            /// The curve that was asked for.
            expected: CurveId,
            /// The curve of the share.
            found: CurveId,
        },
        /// The commitment is none. Try another copy; a share with such a commitment was never made here.
        Commitment(source: CommitmentError),
        /// The value has another number of bytes than 32.
        Length {
            /// How many bytes a value has.
            expected: u64,
            /// How many there were.
            found: u64,
        },
        /// The value is not below the order of the group: damaged. Try another copy.
        OutOfRange,
        /// The value is not the one committed to: damaged, or of another epoch, wallet or role. Try
        /// another copy.
        NotCommitted,
    }

    /// Why two shares do not give the key that is expected. No key is returned then: shares that were
    /// mixed up would give a wrong one.
    part ReconstructError = twoshare::core::share::ReconstructError {
        /// The shares are of two wallets: choose those of one.
        WalletMismatch {
            /// The wallet of the client's share.
            client: WalletId,
            /// The wallet of the custodian's share.
            custodian: WalletId,
        },
        /// One is a signing share, the other a backup share: choose two of one purpose.
        PurposeMismatch {
            /// The purpose of the client's share.
            client: Purpose,
            /// The purpose of the custodian's share.
            custodian: Purpose,
        },
        /// The shares are of two epochs: get both of the newer one, or of the one that the other party
        /// still has.
        EpochMismatch {
            /// The epoch of the client's share.
            client: Epoch,
            /// The epoch of the custodian's share.
            custodian: Epoch,
        },
        /// The shares are of two keys of the wallet: choose those of one.
        KeyIndexMismatch {
            /// The key of the client's share.
            client: u8,
            /// The key of the custodian's share.
            custodian: u8,
        },
        /// The shares are on two curves: choose those of one.
        CurveMismatch {
            /// The curve of the client's share.
            client: CurveId,
            /// The curve of the custodian's share.
            custodian: CurveId,
        },
        /// Both name the same sharing, but were made by two: an operation that one side abandoned, or
        /// a forgery. Do not trust either until the custodian's state says which one was committed.
        CommitmentMismatch,
        /// The shares fit each other, but their key is not the one expected: another wallet's, or one
        /// that somebody substituted.
        KeyMismatch,
    }

    /// Why bytes are not a commitment. What came over a wire is refused; what came from a file is
    /// damaged, or was not made here.
    part CommitmentError = twoshare::core::share::CommitmentError {
        /// Another number of bytes than two points have: another curve, or another threshold.
        Length {
            /// How many bytes a commitment on this curve has.
            expected: u64,
            /// How many there were.
            found: u64,
        },
        /// `X` is not a public key.
        Key(source: PointError),
        /// `A` is not a slope. For the identity both shares would be the key itself.
        Slope(source: PointError),
        /// This role's share would be zero: the other one alone would be the key.
        ZeroShare {
            /// Whose share it is.
            role: Role,
        },
    }

    /// Why bytes are not a point that a key, a share or a commitment may be. What came over a wire is
    /// refused; what came from a file is damaged or was made by something else.
    part PointError = twoshare::core::curve::PointError {
        /// Another number of bytes than this curve's points have: perhaps a key of another curve.
        Length {
            /// How many bytes a point of this curve has.
            expected: u64,
            /// How many there were.
            found: u64,
        },
        /// Not the one encoding of a point: an unknown prefix, or a coordinate not below the field's
        /// order.
        NotCanonical,
        /// The coordinate belongs to no point of the curve.
        NotOnCurve,
        /// The point has a component of small order (Ed25519 only), which would make one share look
        /// like several.
        NotInSubgroup,
        /// The identity: the public key of zero.
        Identity,
    }

    /// Why bytes are not a private key.
    part SigningKeyError = twoshare::core::curve::SigningKeyError {
        /// Another number of bytes than 32.
        Length {
            /// How many bytes a private key has.
            expected: u64,
            /// How many there were.
            found: u64,
        },
        /// Not below the group's order. An Ed25519 *seed* is no scalar: seal it as a secret instead.
        OutOfRange,
        /// Zero is no key.
        Zero,
    }
}
