use std::fmt;

use thiserror::Error;

use super::{SlotId, SlotsAltered};
use crate::{
    attachment::AttachmentError,
    digest::Digest,
    id::{CurveId, Epoch, Purpose, WalletId, WalletKind},
    identity::IdentityError,
    method::{MethodError, SlotKind},
    sealed::SealedSecretError,
    share::ShareError,
    wire::Malformed,
};

/// Why bytes are not an envelope that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParseError {
    /// Something else altogether: another file was chosen.
    #[error("not a twoshare envelope")]
    NotAnEnvelope,
    /// Written by a newer version of the software: update, then try again.
    #[error("envelope version {version} is newer than this software")]
    NewerVersion {
        /// The version it has.
        version: u64,
    },
    /// Longer than any envelope: not one, or not made by this software.
    #[error("{len} bytes are more than the {cap} of the longest envelope")]
    TooLarge {
        /// Its length in bytes.
        len: usize,
        /// The longest that is read.
        cap: usize,
    },
    /// More slots than any envelope has.
    #[error("{count} slots are more than {cap}")]
    TooManySlots {
        /// The slots that it claims to have.
        count: usize,
        /// The most that are read.
        cap: usize,
    },
    /// The end is missing: fetch or copy it again.
    #[error("the envelope is cut off")]
    Truncated,
    /// Something follows the envelope: fetch or copy it again.
    #[error("{count} bytes follow the envelope")]
    TrailingBytes {
        /// How many bytes too many there are.
        count: usize,
    },
    /// Another algorithm than A256GCM. None is read that was not chosen for this version.
    #[error("the envelope's algorithm is not supported")]
    UnsupportedAlgorithm,
    /// It begins like an envelope, but is none: damaged. Use another copy.
    #[error("the envelope is damaged")]
    Malformed,
}

impl ParseError {
    /// A stable name of the variant, for JSON, logs and the vectors.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAnEnvelope => "not_an_envelope",
            Self::NewerVersion { .. } => "newer_version",
            Self::TooLarge { .. } => "too_large",
            Self::TooManySlots { .. } => "too_many_slots",
            Self::Truncated => "truncated",
            Self::TrailingBytes { .. } => "trailing_bytes",
            Self::UnsupportedAlgorithm => "unsupported_algorithm",
            Self::Malformed => "malformed",
        }
    }
}

/// Which part of an envelope does not fit, though the right secret was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Damage {
    /// A slot that cannot be read.
    Slot,
    /// The content key in the slot.
    WrappedKey,
    /// The content key is not the one that the body commits to.
    KeyCommitment,
    /// The ciphertext.
    Ciphertext,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Slot => "a slot cannot be read",
            Self::WrappedKey => "its content key does not unwrap",
            Self::KeyCommitment => "its content key is another one",
            Self::Ciphertext => "its content was changed",
        })
    }
}

/// Why an envelope was not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// An envelope of another wallet: choose the right one.
    #[error("the envelope is of wallet {found}, not of {expected}")]
    WrongWallet {
        /// The wallet that was asked for.
        expected: WalletId,
        /// The wallet of the envelope.
        found: WalletId,
    },
    /// An envelope of another epoch: fetch the one that the custodian names.
    #[error("the envelope is of epoch {found}, not of {expected}")]
    WrongEpoch {
        /// The epoch that was asked for.
        expected: Epoch,
        /// The epoch of the envelope.
        found: Epoch,
    },
    /// Not the envelope that was named: changed, or another sealing of the same epoch.
    #[error("the envelope's digest is not the expected one")]
    WrongDigest {
        /// The digest that was asked for.
        expected: Digest,
        /// The digest of the envelope.
        found: Digest,
    },
    /// No slot is of this method: use one that the envelope has.
    #[error("the envelope has no {kind} slot")]
    NoSlot {
        /// The kind of the method.
        kind: SlotKind,
    },
    /// The secret is wrong: ask again. The envelope is intact as far as can be told.
    #[error("wrong {kind}")]
    WrongSecret {
        /// The kind of the method.
        kind: SlotKind,
    },
    /// The method could not do its part; it says what to do.
    #[error("the method failed")]
    Method(#[source] MethodError),
    /// The secret is right, and the envelope is damaged: use another copy.
    #[error("the envelope is damaged: {0}")]
    Damaged(Damage),
    /// A slot's algorithm is not ECDH-ES + A256KW: it was not made by this software.
    #[error("the slot's algorithm is not supported")]
    UnsupportedAlgorithm,
    /// The slot was made to abuse the identity. Nothing was computed with it. Report the store.
    #[error("the slot's ephemeral key is forbidden")]
    ForbiddenEphemeral,
    /// Not the user's wallet, but one that somebody else made and put in its place. Do not use it:
    /// report the custodian and the store, and use another copy.
    #[error("the wallet was substituted")]
    Substituted,
    /// The method cannot vouch for the wallet: ask for the check code, or have the user accept.
    #[error("nothing vouches for the wallet")]
    Unvouched,
    /// The wallet has a key on another curve than the caller knows.
    #[error("key {index} is on {found}, not on {expected}")]
    WrongCurve {
        /// Which key.
        index: usize,
        /// The curve that was expected.
        expected: CurveId,
        /// The curve in the envelope.
        found: CurveId,
    },
    /// What was decrypted is not what an envelope keeps: it was sealed by faulty software.
    #[error("the content of the envelope is refused")]
    Payload(#[source] PayloadError),
}

impl OpenError {
    /// A stable name of the variant, for JSON, logs and the vectors.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WrongWallet { .. } => "wrong_wallet",
            Self::WrongEpoch { .. } => "wrong_epoch",
            Self::WrongDigest { .. } => "wrong_digest",
            Self::NoSlot { .. } => "no_slot",
            Self::WrongSecret { .. } => "wrong_secret",
            Self::Method(error) => error.code(),
            Self::Damaged(Damage::Slot) => "damaged_slot",
            Self::Damaged(Damage::WrappedKey) => "damaged_wrapped_key",
            Self::Damaged(Damage::KeyCommitment) => "damaged_key_commitment",
            Self::Damaged(Damage::Ciphertext) => "damaged_ciphertext",
            Self::UnsupportedAlgorithm => "unsupported_slot_algorithm",
            Self::ForbiddenEphemeral => "forbidden_ephemeral",
            Self::Substituted => "substituted",
            Self::Unvouched => "unvouched",
            Self::WrongCurve { .. } => "wrong_curve",
            Self::Payload(error) => error.code(),
        }
    }
}

/// Why what is in an envelope, or is to be sealed, is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PayloadError {
    /// Not the encoding of a payload.
    #[error("not the encoding of a payload")]
    Malformed,
    /// A share that cannot be used: of the other role, on another curve, not fitting its commitment.
    #[error("the share of key {index} is refused")]
    Share {
        /// Which key.
        index: usize,
        /// What is wrong with it.
        source: ShareError,
    },
    /// Something of another wallet.
    #[error("of wallet {found}, not of {expected}")]
    WrongWallet {
        /// The wallet of the envelope.
        expected: WalletId,
        /// The wallet of the share or secret.
        found: WalletId,
    },
    /// A share of another epoch.
    #[error("a share of epoch {found}, not of {expected}")]
    WrongEpoch {
        /// The epoch of the envelope.
        expected: Epoch,
        /// The epoch of the share.
        found: Epoch,
    },
    /// A share that is not a backup share.
    #[error("a share for {found}")]
    WrongPurpose {
        /// What the share is for.
        found: Purpose,
    },
    /// A share that is not in its place.
    #[error("a share of key {found} in the place of key {expected}")]
    WrongIndex {
        /// Its place.
        expected: usize,
        /// The key it is of.
        found: u8,
    },
    /// The header says another kind of wallet.
    #[error("the wallet is {payload}, the header says otherwise")]
    WrongKind {
        /// The kind in the payload.
        payload: WalletKind,
    },
    /// There is no key in it.
    #[error("no keys")]
    NoKeys,
    /// More items than are read.
    #[error("{count} items are more than {cap}")]
    TooMany {
        /// How many there are.
        count: usize,
        /// The most that are read.
        cap: usize,
    },
    /// A sealed secret that cannot be read.
    #[error("sealed secret {index} is refused")]
    Secret {
        /// Which one.
        index: usize,
        /// What is wrong with it.
        source: SealedSecretError,
    },
    /// A sealed secret whose key is not among the wallet's, or is that of another secret.
    #[error("key {index} of the wallet is not one that was made for the sealed secret")]
    SecretWithoutKey {
        /// The key that it names.
        index: u8,
    },
    /// An attachment that cannot be read.
    #[error("attachment {index} is refused")]
    Attachment {
        /// Which one.
        index: usize,
        /// What is wrong with it.
        source: AttachmentError,
    },
    /// The custodian's identity cannot be read.
    #[error("the custodian's identity is refused")]
    Custodian(#[source] IdentityError),
    /// The slot table cannot be read.
    #[error("the slot table is refused")]
    SlotTable,
    /// The slot that was opened is not in the table that its owner wrote.
    #[error("the slot is not in the slot table")]
    UnlistedSlot,
}

impl PayloadError {
    /// A stable name of the variant, for JSON, logs and the vectors.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "payload_malformed",
            Self::Share { source: ShareError::RoleMismatch { .. }, .. } => "payload_wrong_role",
            Self::Share { .. } => "payload_share",
            Self::WrongWallet { .. } => "payload_wrong_wallet",
            Self::WrongEpoch { .. } => "payload_wrong_epoch",
            Self::WrongPurpose { .. } => "payload_wrong_purpose",
            Self::WrongIndex { .. } => "payload_wrong_index",
            Self::WrongKind { .. } => "payload_wrong_kind",
            Self::NoKeys => "payload_no_keys",
            Self::TooMany { .. } => "payload_too_many",
            Self::Secret { .. } => "payload_secret",
            Self::SecretWithoutKey { .. } => "payload_secret_without_key",
            Self::Attachment { .. } => "payload_attachment",
            Self::Custodian(_) => "payload_custodian",
            Self::SlotTable => "payload_slot_table",
            Self::UnlistedSlot => "payload_unlisted_slot",
        }
    }
}

impl From<Malformed> for PayloadError {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

/// Why nothing was sealed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SealError {
    /// An envelope that nobody could open: add a slot.
    #[error("there are no slots")]
    NoSlots,
    /// Name or network are over 256 bytes: shorten them.
    #[error("the name or the network is too long")]
    HeaderTooLarge,
    /// What is to be sealed does not belong together.
    #[error("the content is refused")]
    Payload(#[source] PayloadError),
    /// Over 8 MiB: keep less in it.
    #[error("{len} bytes are more than the {cap} of the longest envelope")]
    TooLarge {
        /// Its length in bytes.
        len: usize,
        /// The longest that there may be.
        cap: usize,
    },
}

/// Why a slot was not made.
#[derive(Debug, Error)]
pub enum SlotError {
    /// The method could not do its part; it says what to do.
    #[error("the method failed")]
    Method(#[source] MethodError),
    /// The label is over 256 bytes, or the method's parameters over 2 KiB.
    #[error("the label or the parameters are too long")]
    TooLarge,
    /// The method says that it vouches for the wallet, but has no identity to do so: a fault in the
    /// method.
    #[error("the method has no identity to vouch with")]
    NoIdentity,
}

/// Why a slot was not added to a table, or a table not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SlotTableError {
    /// The table has as many slots as it may: remove one first.
    #[error("{cap} slots are there already")]
    Full {
        /// The most there may be.
        cap: usize,
    },
    /// A slot with the same public key is there: remove it first.
    #[error("slot {slot} is there already")]
    Duplicate {
        /// The slot that is there.
        slot: SlotId,
    },
    /// Not what was written into the journal.
    #[error("not a slot table")]
    Malformed,
}

/// Why an envelope that was written and read back does not pass.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TestOpenError {
    /// What was read back is not an envelope.
    #[error("what was read back is not an envelope")]
    Parse(#[source] ParseError),
    /// What was read back is not what was written.
    #[error("what was read back is another envelope")]
    OtherBytes {
        /// The digest of what was written.
        expected: Digest,
        /// The digest of what was read back.
        found: Digest,
    },
    /// A slot does not open.
    #[error("slot {slot} does not open: {damage}")]
    Slot {
        /// Which slot.
        slot: SlotId,
        /// What is wrong with it.
        damage: Damage,
    },
    /// The ciphertext does not open.
    #[error("the ciphertext does not open")]
    Ciphertext,
    /// What is in it cannot be used.
    #[error("the content is refused")]
    Payload(#[source] PayloadError),
    /// The slots are not those that were written.
    #[error("the slots are not those that were written")]
    Altered(SlotsAltered),
}

/// Why one recipient cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SlotFault {
    UnsupportedAlgorithm,
    Malformed,
}
