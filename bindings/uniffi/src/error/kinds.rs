//! What errors name and nothing else does: Rust's own types, listed again so that a new variant does not
//! compile until it is here.

use twoshare::WhatIsSealed;
use twoshare::core::{
    container::Content,
    envelope::{self, Damage, SlotHeader, SlotId},
    id::Role,
    method::{self, Work},
    sealed::SecretKind,
    store,
};
use twoshare::protocol::custodian::Outage;

use super::{Ended, Mirrors};
use crate::{status::SlotKind, wallet::EnvelopeName};

/// Whose share.
#[uniffi::remote(Enum)]
pub enum Role {
    /// The user's device.
    Client,
    /// The server.
    Custodian,
}

/// What is the matter with a custodian that is unavailable.
#[uniffi::remote(Enum)]
pub enum Outage {
    /// It cannot be reached, or did not answer: the request may have been acted on.
    Unreachable,
    /// It has too much to do now.
    Busy,
    /// It failed.
    Failed,
    /// The session token is not, or no longer, accepted: have the user sign in again.
    NotSignedIn,
    /// What answered is not this custodian's interface: check the address, update the app.
    NotUnderstood,
}

/// Which part of an envelope does not fit, though the right secret was used.
#[uniffi::remote(Enum)]
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

/// What is in a container.
#[uniffi::remote(Enum)]
pub enum Content {
    /// An envelope.
    Envelope,
    /// The custodian's receipt for an envelope.
    Receipt,
}

/// What a slot asks for too much of.
#[uniffi::remote(Enum)]
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

/// What kind of secret that is not a scalar.
#[uniffi::remote(Enum)]
pub enum SecretKind {
    /// The 32 bytes that RFC 8032 calls a private key: Solana, NEAR, SSH.
    Ed25519Seed,
    /// A BIP-39 mnemonic, in any of its languages.
    Mnemonic,
    /// A keystore: a file that another program wrote, usually encrypted once more.
    Keystore,
    /// The key share of another library.
    KeyShare,
    /// Anything else.
    Opaque,
}

/// A sealed secret, by what is known of it without opening it.
#[uniffi::remote(Record)]
pub struct WhatIsSealed {
    /// Which of the wallet's keys it is sealed under: its place among what was imported, from 0.
    pub index: u8,
    /// What it is.
    pub kind: SecretKind,
    /// The label that it was given.
    pub label: String,
}

/// How the slots of an envelope differ from those that its owner wrote.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct SlotsAltered {
    /// Slots that the owner did not write; none for one that cannot be read.
    pub added: Vec<Option<AlteredSlot>>,
    /// Slots of the owner that are not there any more.
    pub missing: Vec<AlteredSlot>,
}

/// A slot that was added or taken away.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct AlteredSlot {
    /// Its id.
    pub slot: SlotId,
    /// The kind of its method.
    pub kind: SlotKind,
    /// Its public label.
    pub label: String,
}

impl From<SlotHeader> for AlteredSlot {
    fn from(header: SlotHeader) -> Self {
        Self { slot: SlotId::of(&header), kind: header.kind.into(), label: header.label }
    }
}

impl Mirrors<envelope::SlotsAltered> for SlotsAltered {
    fn mirror(rust: envelope::SlotsAltered) -> Self {
        let envelope::SlotsAltered { added, missing } = rust;
        Self {
            added: added.into_iter().map(|header| header.map(AlteredSlot::from)).collect(),
            missing: missing.into_iter().map(AlteredSlot::from).collect(),
        }
    }

    /// The text names no slot.
    fn unmirror(&self) -> Result<envelope::SlotsAltered, Ended> {
        Ok(envelope::SlotsAltered { added: Vec::new(), missing: Vec::new() })
    }
}

impl Mirrors<method::SlotKind> for SlotKind {
    fn mirror(rust: method::SlotKind) -> Self {
        rust.into()
    }

    fn unmirror(&self) -> Result<method::SlotKind, Ended> {
        Ok(match self {
            Self::Password => method::SlotKind::Password,
            Self::RecoveryCode => method::SlotKind::RecoveryCode,
            Self::Pin => method::SlotKind::Pin,
            Self::Passkey => method::SlotKind::Passkey,
            Self::CustodialPasskey => method::SlotKind::CustodialPasskey,
            Self::Drive => method::SlotKind::Drive,
            Self::Hardware => method::SlotKind::Hardware,
            Self::Device => method::SlotKind::Device,
            Self::Other { number } => method::SlotKind::from_number(*number),
        })
    }
}

impl Mirrors<store::EnvelopeName> for EnvelopeName {
    fn mirror(rust: store::EnvelopeName) -> Self {
        rust.into()
    }

    fn unmirror(&self) -> Result<store::EnvelopeName, Ended> {
        let Self { wallet, epoch, digest } = *self;
        Ok(store::EnvelopeName { wallet, epoch, digest })
    }
}
