//! What is wrong with an envelope, or with what is in it.

use super::{
    Content, CurveId, Damage, Digest, Ended, Epoch, IdentityError, MethodError, Mirrors, Purpose,
    ShareError, SlotId, SlotKind, SlotsAltered, WalletId, WalletKind,
};

mirror! {
    /// Why an envelope was not opened.
    part OpenError = twoshare::core::envelope::OpenError {
        /// An envelope of another wallet: choose the right one.
        WrongWallet {
            /// The wallet that was asked for.
            expected: WalletId,
            /// The wallet of the envelope.
            found: WalletId,
        },
        /// An envelope of another epoch: fetch the one that the custodian names.
        WrongEpoch {
            /// The epoch that was asked for.
            expected: Epoch,
            /// The epoch of the envelope.
            found: Epoch,
        },
        /// Not the envelope that was named: changed, or another sealing of the same epoch.
        WrongDigest {
            /// The digest that was asked for.
            expected: Digest,
            /// The digest of the envelope.
            found: Digest,
        },
        /// No slot is of this method: use one that the envelope has.
        NoSlot {
            /// The kind of the method.
            kind: SlotKind,
        },
        /// The secret is wrong: ask again. The envelope is intact as far as can be told.
        WrongSecret {
            /// The kind of the method.
            kind: SlotKind,
        },
        /// The method could not do its part; it says what to do.
        Method(source: MethodError),
        /// The secret is right, and the envelope is damaged: use another copy.
        Damaged(damage: Damage),
        /// A slot's algorithm is not ECDH-ES + A256KW: it was not made by this software.
        UnsupportedAlgorithm,
        /// The slot was made to abuse the identity. Nothing was computed with it. Report the store.
        ForbiddenEphemeral,
        /// Not the user's wallet, but one that somebody else made and put in its place. Do not use it:
        /// report the custodian and the store, and use another copy.
        Substituted,
        /// The method cannot vouch for the wallet: ask for the check code, or have the user accept.
        Unvouched,
        /// The wallet has a key on another curve than the caller knows.
        WrongCurve {
            /// Which key.
            index: u64,
            /// The curve that was expected.
            expected: CurveId,
            /// The curve in the envelope.
            found: CurveId,
        },
        /// What was decrypted is not what an envelope keeps: it was sealed by faulty software.
        Payload(source: PayloadError),
    }

    /// Why bytes are not an envelope that can be read.
    part ParseError = twoshare::core::envelope::ParseError {
        /// Something else altogether: another file was chosen.
        NotAnEnvelope,
        /// Written by a newer version of the software: update, then try again.
        NewerVersion {
            /// The version it has.
            version: u64,
        },
        /// Longer than any envelope: not one, or not made by this software.
        TooLarge {
            /// Its length in bytes.
            len: u64,
            /// The longest that is read.
            cap: u64,
        },
        /// More slots than any envelope has.
        TooManySlots {
            /// The slots that it claims to have.
            count: u64,
            /// The most that are read.
            cap: u64,
        },
        /// The end is missing: fetch or copy it again.
        Truncated,
        /// Something follows the envelope: fetch or copy it again.
        TrailingBytes {
            /// How many bytes too many there are.
            count: u64,
        },
        /// Another algorithm than A256GCM. None is read that was not chosen for this version.
        UnsupportedAlgorithm,
        /// It begins like an envelope, but is none: damaged. Use another copy.
        Malformed,
    }

    /// Why what is in an envelope, or is to be sealed, is refused.
    part PayloadError = twoshare::core::envelope::PayloadError {
        /// Not the encoding of a payload.
        Malformed,
        /// A share that cannot be used: of the other role, on another curve, not fitting its commitment.
        Share {
            /// Which key.
            index: u64,
            /// What is wrong with it.
            source: ShareError,
        },
        /// Something of another wallet.
        WrongWallet {
            /// The wallet of the envelope.
            expected: WalletId,
            /// The wallet of the share or secret.
            found: WalletId,
        },
        /// A share of another epoch.
        WrongEpoch {
            /// The epoch of the envelope.
            expected: Epoch,
            /// The epoch of the share.
            found: Epoch,
        },
        /// A share that is not a backup share.
        WrongPurpose {
            /// What the share is for.
            found: Purpose,
        },
        /// A share that is not in its place.
        WrongIndex {
            /// Its place.
            expected: u64,
            /// The key it is of.
            found: u8,
        },
        /// The header says another kind of wallet.
        WrongKind {
            /// The kind in the payload.
            payload: WalletKind,
        },
        /// There is no key in it.
        NoKeys,
        /// More items than are read.
        TooMany {
            /// How many there are.
            count: u64,
            /// The most that are read.
            cap: u64,
        },
        /// A sealed secret that cannot be read.
        Secret {
            /// Which one.
            index: u64,
            /// What is wrong with it.
            source: SealedSecretError,
        },
        /// A sealed secret whose key is not among the wallet's, or is that of another secret.
        SecretWithoutKey {
            /// The key that it names.
            index: u8,
        },
        /// An attachment that cannot be read.
        Attachment {
            /// Which one.
            index: u64,
            /// What is wrong with it.
            source: AttachmentError,
        },
        /// The custodian's identity cannot be read.
        Custodian(source: IdentityError),
        /// The slot table cannot be read.
        SlotTable,
        /// The slot that was opened is not in the table that its owner wrote.
        UnlistedSlot,
    }

    /// Why nothing was sealed.
    part SealError = twoshare::core::envelope::SealError {
        /// An envelope that nobody could open: add a slot.
        NoSlots,
        /// Name or network are over 256 bytes: shorten them.
        HeaderTooLarge,
        /// What is to be sealed does not belong together.
        Payload(source: PayloadError),
        /// Over 8 MiB: keep less in it.
        TooLarge {
            /// Its length in bytes.
            len: u64,
            /// The longest that there may be.
            cap: u64,
        },
    }

    /// Why a slot was not made.
    part SlotError = twoshare::core::envelope::SlotError {
        /// The method could not do its part; it says what to do.
        Method(source: MethodError),
        /// The label is over 256 bytes, or the method's parameters over 2 KiB.
        TooLarge,
        /// The method says that it vouches for the wallet, but has no identity to do so: a fault in the
        /// method.
        NoIdentity,
    }

    /// Why a slot was not added to a table, or a table not read.
    part SlotTableError = twoshare::core::envelope::SlotTableError {
        /// The table has as many slots as it may: remove one first.
        Full {
            /// The most there may be.
            cap: u64,
        },
        /// A slot with the same public key is there: remove it first.
        Duplicate {
            /// The slot that is there.
            slot: SlotId,
        },
        /// Not what was written into the journal.
        Malformed,
    }

    /// Why an envelope that was written and read back does not pass.
    part TestOpenError = twoshare::core::envelope::TestOpenError {
        /// What was read back is not an envelope.
        Parse(source: ParseError),
        /// What was read back is not what was written.
        OtherBytes {
            /// The digest of what was written.
            expected: Digest,
            /// The digest of what was read back.
            found: Digest,
        },
        /// A slot does not open.
        Slot {
            /// Which slot.
            slot: SlotId,
            /// What is wrong with it.
            damage: Damage,
        },
        /// The ciphertext does not open.
        Ciphertext,
        /// What is in it cannot be used.
        Payload(source: PayloadError),
        /// The slots are not those that were written.
        Altered(altered: SlotsAltered),
    }

    /// Why bytes are not an intact container.
    part ContainerError = twoshare::core::container::ContainerError {
        /// It does not begin like a container, and the rest is not one either: another file was chosen.
        NotAContainer,
        /// Written by a newer version of the software: update, then try again.
        NewerVersion {
            /// The version it claims.
            version: u8,
        },
        /// The end is missing: fetch or copy it again.
        Truncated {
            /// Bytes that the whole container has.
            expected: u64,
            /// Bytes that are there.
            found: u64,
        },
        /// Bytes were changed: use another copy.
        Damaged,
        /// An intact container of another content than was asked for.
        OtherContent {
            /// What is in it.
            found: Content,
        },
        /// It claims more than the largest envelope may have.
        TooLarge {
            /// The claimed length of the content.
            len: u64,
            /// The most that is accepted.
            cap: u64,
        },
    }

    /// Why something is not an attachment.
    part AttachmentError = twoshare::core::attachment::AttachmentError {
        /// The name is empty or too long: give it another.
        Name {
            /// How many bytes it has.
            found: u64,
        },
        /// It is too large: keep it elsewhere, encrypted, and attach its key.
        TooLarge {
            /// How many bytes it has.
            found: u64,
        },
        /// A newer version of this library knows more classes: update.
        Class {
            /// The number of the class.
            number: u64,
        },
        /// It is damaged: use another copy.
        Malformed,
    }

    /// Why bytes are not a sealed secret.
    part SealedSecretError = twoshare::core::sealed::SealedSecretError {
        /// A newer version of this library wrote it: update.
        NewerVersion {
            /// The version of these bytes.
            found: u64,
            /// The newest version read here.
            supported: u64,
        },
        /// A newer version of this library knows more kinds: update.
        Kind {
            /// The number of the kind.
            number: u64,
        },
        /// It is damaged: use another copy.
        Malformed,
    }

    /// Why a sealed secret is not opened.
    operation OpenSecretError = twoshare::core::sealed::OpenSecretError {
        /// It belongs to another wallet: take the one of this wallet.
        WrongWallet {
            /// The wallet that was asked for.
            expected: WalletId,
            /// The wallet it belongs to.
            found: WalletId,
        },
        /// It is opened by another key of the wallet: take that.
        WrongIndex {
            /// The key that was asked for.
            expected: u8,
            /// The key it belongs to.
            found: u8,
        },
        /// The key is not the one that was made for it.
        WrongKey,
        /// It was changed since it was sealed: use another copy.
        Damaged,
        /// What was sealed is not what its kind says, or its public key is of another seed: the
        /// program that sealed it was broken. Report this; do not use the secret.
        Inconsistent,
    }
}
