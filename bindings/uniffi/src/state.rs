//! A wallet as its custodian sees it, and what is in a backup.

use std::sync::Arc;

use twoshare::{
    core::{
        digest::Digest,
        envelope,
        id::{Epoch, OperationId, WalletId, WalletKind},
        identity::CustodianIdentity,
        proof::Operation,
    },
    protocol::{
        message,
        rules::{self},
    },
};

use crate::{
    error::SlotsAltered,
    secret::Attachment,
    status::{PendingOperation, SlotKind},
    wallet::VerifyingKey,
};
use twoshare::core::envelope::SlotId;

/// A wallet as its custodian sees it, signed by the custodian for the call that asked.
#[derive(Debug, Clone, uniffi::Record)]
pub struct State {
    /// The custodian's identity.
    pub custodian: CustodianIdentity,
    /// Whose wallet.
    pub user: String,
    /// The wallet.
    pub wallet: WalletId,
    /// Its kind.
    pub kind: WalletKind,
    /// The signing epoch that counts.
    pub signing: Option<EpochState>,
    /// The backup epoch that counts.
    pub backup: Option<EpochState>,
    /// The replaced backup epoch that can still be restored.
    pub restorable: Option<RestorableState>,
    /// What is prepared and not committed.
    pub pending: Option<PendingOperation>,
    /// The recovery, conversion or eject that waits.
    pub request: Option<RequestState>,
    /// The request in dispute, which freezes the wallet.
    pub dispute: Option<OperationId>,
    /// Whether the operator froze the wallet.
    pub frozen: bool,
    /// Whether the custodian's database was restored, so that only a recovery that the operator approved goes on.
    pub restored: bool,
    /// Until when the operator lets the key be released: seconds since 1970.
    pub window: Option<u64>,
    /// The highest number given to a signing epoch; 0 before the first.
    pub highest_signing: u64,
    /// The highest number given to a backup epoch; 0 before the first.
    pub highest_backup: u64,
    /// The custodian's time: seconds since 1970.
    pub at: u64,
    /// That the wallet is leaving for another custodian.
    pub leaving: Option<Leaving>,
}

/// An epoch that counts.
#[derive(Debug, Clone, uniffi::Record)]
pub struct EpochState {
    /// Its number.
    pub epoch: Epoch,
    /// The public key of each sharing, in order.
    pub keys: Vec<VerifyingKey>,
    /// The commitment of each key, in the same order: the public key and the slope, one point after the other.
    pub commitments: Vec<Vec<u8>>,
    /// Its envelope, where it is a backup epoch.
    pub envelope: Option<Digest>,
}

/// A replaced backup epoch that can still be restored.
#[derive(Debug, Clone, uniffi::Record)]
pub struct RestorableState {
    /// The epoch.
    pub epoch: EpochState,
    /// Seconds until it ends, if nothing stops its clock.
    pub left: u64,
}

/// A recovery, a conversion or an eject that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Record)]
pub struct RequestState {
    /// Its id.
    pub id: OperationId,
    /// What it is.
    pub operation: Operation,
    /// From when on it may be used: seconds since 1970.
    pub ready: u64,
}

/// A wallet that leaves for another custodian. Until that one's receipt is here, the wallet is here as it was.
#[derive(Debug, Clone, PartialEq, Eq, Hash, uniffi::Record)]
pub struct Leaving {
    /// The operation.
    pub id: OperationId,
    /// To whom.
    pub to: CustodianIdentity,
    /// The signing epoch that it makes there.
    pub signing: Option<Epoch>,
    /// The backup epoch that it makes there.
    pub backup: Epoch,
}

impl From<message::State> for State {
    fn from(state: message::State) -> Self {
        let message::State {
            custodian,
            user,
            wallet,
            kind,
            signing,
            backup,
            restorable,
            pending,
            request,
            dispute,
            frozen,
            restored,
            window,
            highest_signing,
            highest_backup,
            at,
            nonce: _,
            custody,
        } = state;
        Self {
            custodian,
            user,
            wallet,
            kind,
            signing: signing.map(EpochState::from),
            backup: backup.map(EpochState::from),
            restorable: restorable.map(|restorable| {
                let message::RestorableState { epoch, left } = restorable;
                RestorableState { epoch: epoch.into(), left }
            }),
            pending: pending.map(|pending| PendingOperation {
                id: pending.id,
                operation: pending.operation,
                expires: pending.expires,
            }),
            request: request.map(|request| {
                let message::RequestState { id, operation, ready } = request;
                RequestState { id, operation, ready }
            }),
            dispute,
            frozen,
            restored,
            window,
            highest_signing,
            highest_backup,
            at,
            leaving: match custody {
                Some(rules::Custody::Leaving(leaving)) => {
                    let rules::Leaving { id, to, signing, backup } = leaving;
                    Some(Leaving { id, to: *to, signing, backup })
                }
                // `Client.state` ends with `Moved` instead.
                Some(rules::Custody::Gone(_)) | None => None,
            },
        }
    }
}

impl From<message::EpochState> for EpochState {
    fn from(state: message::EpochState) -> Self {
        let message::EpochState { epoch, commitments, envelope } = state;
        Self {
            epoch,
            keys: commitments.iter().map(|one| (&one.verifying_key()).into()).collect(),
            commitments: commitments.iter().map(|one| one.to_bytes()).collect(),
            envelope,
        }
    }
}

/// An opened backup, as far as an app looks inside: the device's shares in it stay where they are.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Opened {
    /// The wallet.
    pub wallet: WalletId,
    /// The epoch of the backup.
    pub epoch: Epoch,
    /// When it was sealed, in seconds since 1970, by the clock of whoever sealed it.
    pub created: u64,
    /// Where the wallet's whole key is.
    pub kind: WalletKind,
    /// The wallet's public name, if it has one.
    pub name: Option<String>,
    /// The network that the wallet is for, if that is public.
    pub network: Option<String>,
    /// SHA-256 of the envelope's bytes.
    pub digest: Digest,
    /// The public keys, in their order.
    pub keys: Vec<VerifyingKey>,
    /// Who holds the other shares.
    pub custodian: CustodianIdentity,
    /// The attachments of the signing library.
    pub attachments: Vec<Arc<Attachment>>,
    /// The methods that open it.
    pub slots: Vec<Slot>,
    /// The one that has opened it.
    pub opened_with: SlotId,
    /// Set when the slots in the store are not those that the owner wrote. What was opened is intact; the store is not to be
    /// trusted, and another copy is to be written.
    pub altered: Option<SlotsAltered>,
}

/// A method's place in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Hash, uniffi::Record)]
pub struct Slot {
    /// Its id: the same in every epoch.
    pub id: SlotId,
    /// The kind of its method.
    pub kind: SlotKind,
    /// Its public label.
    pub label: String,
}

impl From<envelope::Opened> for Opened {
    fn from(opened: envelope::Opened) -> Self {
        let envelope::Opened { header, digest, payload, slots, opened_with, altered } = opened;
        let keys = payload.verifying_keys();
        let envelope::Header { wallet, epoch, created, kind: _, name, network } = header;
        Self {
            wallet,
            epoch,
            created,
            kind: payload.kind,
            name,
            network,
            digest,
            keys: keys.iter().map(VerifyingKey::from).collect(),
            custodian: payload.custodian,
            attachments: payload.attachments.iter().map(|one| Arc::new(one.into())).collect(),
            slots: slots
                .iter()
                .map(|slot| Slot {
                    id: slot.id(),
                    kind: slot.header().kind.into(),
                    label: slot.header().label.clone(),
                })
                .collect(),
            opened_with,
            altered: altered.map(crate::error::Mirrors::mirror),
        }
    }
}
