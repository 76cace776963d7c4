//! What a device holds of a wallet.

use std::sync::Arc;

use twoshare::core::{
    check_code::CheckCode,
    curve::AnyVerifyingKey,
    digest::Digest,
    id::{CurveId, Epoch, WalletId, WalletKind},
    store,
};

use twoshare::StoreId;

use crate::{
    error::OpenSecretError,
    runtime,
    secret::{Attachment, ClientShare, Exported},
};

/// A wallet on its device, as it was when it was asked for: a view, which nothing is changed through.
#[derive(Debug, uniffi::Object)]
pub struct Wallet(twoshare::Wallet);

#[uniffi::export]
impl Wallet {
    /// The wallet's id.
    #[must_use]
    pub fn id(&self) -> WalletId {
        self.0.id()
    }

    /// Where the whole key is.
    #[must_use]
    pub fn kind(&self) -> WalletKind {
        self.0.kind()
    }

    /// The name that it was given, which is public.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        self.0.name().map(str::to_owned)
    }

    /// The public keys, in their order. They never change.
    #[must_use]
    pub fn verifying_keys(&self) -> Vec<VerifyingKey> {
        self.0.verifying_keys().iter().map(VerifyingKey::from).collect()
    }

    /// The code that every device of this wallet shows. Have the user keep it.
    #[must_use]
    pub fn check_code(&self) -> CheckCode {
        self.0.check_code()
    }

    /// The device's signing shares of an MPC wallet, for the signing library; none of a single-key wallet.
    #[must_use]
    pub fn signing_shares(&self) -> Vec<Arc<ClientShare>> {
        self.0.signing_shares().iter().map(|share| Arc::new(share.clone().into())).collect()
    }

    /// What signing libraries keep with the keys. A per-device one has to be made anew after a recovery: see
    /// `to_regenerate`.
    #[must_use]
    pub fn attachments(&self) -> Vec<Arc<Attachment>> {
        self.0.attachments().iter().map(|attachment| Arc::new(attachment.into())).collect()
    }

    /// The secrets of a single-key wallet, in the order in which they were imported; none of an MPC wallet, whose key is
    /// nowhere.
    ///
    /// # Errors
    ///
    /// A secret is damaged.
    pub async fn export(&self) -> Result<Vec<Exported>, OpenSecretError> {
        let wallet = self.0.clone();
        runtime::aside(move || Ok(wallet.export()?.into_iter().map(Exported::from).collect())).await
    }

    /// The names of the per-device attachments that the signing library has to make anew, on both sides, before it
    /// signs: those of a wallet whose signing pair is new, as it is after every recovery. Say that it has by
    /// `Client.keep_attachments`.
    #[must_use]
    pub fn to_regenerate(&self) -> Vec<String> {
        self.0.to_regenerate().to_vec()
    }

    /// The last backup that this device knows to be committed and stored.
    #[must_use]
    pub fn backup(&self) -> Option<Backup> {
        self.0.backup().cloned().map(Backup::from)
    }
}

impl From<twoshare::Wallet> for Wallet {
    fn from(wallet: twoshare::Wallet) -> Self {
        Self(wallet)
    }
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq, Hash, uniffi::Record)]
pub struct VerifyingKey {
    /// The curve that it is on.
    pub curve: CurveId,
    /// Its bytes: on secp256k1 33, compressed (SEC 1); on Ed25519 32 (RFC 8032).
    pub bytes: Vec<u8>,
}

impl From<&AnyVerifyingKey> for VerifyingKey {
    fn from(key: &AnyVerifyingKey) -> Self {
        Self { curve: key.curve(), bytes: key.to_bytes() }
    }
}

/// The last backup that this device knows to be committed and stored.
#[derive(Debug, Clone, PartialEq, Eq, Hash, uniffi::Record)]
pub struct Backup {
    /// Its envelope's name in every store.
    pub envelope: EnvelopeName,
    /// The stores that do not have it, where the policy did without them. `Client.resume` copies it there.
    pub missing: Vec<StoreId>,
}

impl From<twoshare::Backup> for Backup {
    fn from(backup: twoshare::Backup) -> Self {
        let twoshare::Backup { envelope, missing } = backup;
        Self { envelope: envelope.into(), missing }
    }
}

/// What an envelope is called: its wallet, its epoch and the SHA-256 of its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Record)]
pub struct EnvelopeName {
    /// The wallet.
    pub wallet: WalletId,
    /// The epoch of the backup.
    pub epoch: Epoch,
    /// SHA-256 of the bytes.
    pub digest: Digest,
}

impl From<store::EnvelopeName> for EnvelopeName {
    fn from(name: store::EnvelopeName) -> Self {
        let store::EnvelopeName { wallet, epoch, digest } = name;
        Self { wallet, epoch, digest }
    }
}

impl From<EnvelopeName> for store::EnvelopeName {
    fn from(name: EnvelopeName) -> Self {
        let EnvelopeName { wallet, epoch, digest } = name;
        Self { wallet, epoch, digest }
    }
}
