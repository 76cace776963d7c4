//! What a device holds of a wallet.

use core::fmt;

use twoshare_core::{
    attachment::Attachment,
    check_code::CheckCode,
    curve::{AnySigningKey, AnyVerifyingKey, Secp256k1, SigningKey},
    id::{Epoch, WalletId, WalletKind},
    sealed::{OpenSecretError, SealedSecret, WalletSecret},
    share::AnyClientShare,
    store::EnvelopeName,
};

use crate::client::rng;

/// A wallet on its device.
///
/// Of an MPC wallet that is the client's signing shares: hand them to the signing library. Of a
/// single-key wallet it is the keys themselves, and the secrets sealed under them.
#[derive(Clone)]
pub struct Wallet {
    pub(crate) id: WalletId,
    pub(crate) holding: Holding,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) backup: Option<Backup>,
}

#[derive(Clone)]
pub(crate) enum Holding {
    Mpc { signing: Vec<AnyClientShare> },
    SingleKey { keys: Vec<AnySigningKey>, secrets: Vec<SealedSecret> },
}

/// The last backup that this device knows to be committed and stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backup {
    /// Its envelope's name in every store.
    pub envelope: EnvelopeName,
}

/// A secret that a single-key wallet is made of.
#[derive(Debug, Clone)]
pub enum Import {
    /// A private key that is a scalar: it is shared as it is.
    Key(SigningKey<Secp256k1>),
    /// Anything else: an Ed25519 seed, a mnemonic, bytes. It is sealed under a scalar which is shared.
    Secret(WalletSecret),
}

/// A secret as it comes back out of a single-key wallet.
#[derive(Debug, Clone)]
pub enum Exported {
    /// A private key that is a scalar.
    Key(SigningKey<Secp256k1>),
    /// Anything else, byte for byte as it was imported.
    Secret(WalletSecret),
}

impl Wallet {
    /// A new single-key wallet made of these secrets, not yet backed up.
    pub(crate) fn import(imports: Vec<Import>) -> Self {
        let id = WalletId::make(&mut rng());
        let (mut keys, mut secrets) = (Vec::new(), Vec::new());
        for (index, import) in (0..).zip(imports) {
            let key = match import {
                Import::Key(key) => key,
                Import::Secret(secret) => {
                    let (key, sealed) = SealedSecret::seal(id, index, &secret, &mut rng());
                    secrets.push(sealed);
                    key
                }
            };
            keys.push(key.into());
        }
        let holding = Holding::SingleKey { keys, secrets };
        Self { id, holding, attachments: Vec::new(), backup: None }
    }

    /// The wallet's id.
    #[must_use]
    pub const fn id(&self) -> WalletId {
        self.id
    }

    /// Where the whole key is.
    #[must_use]
    pub const fn kind(&self) -> WalletKind {
        match self.holding {
            Holding::Mpc { .. } => WalletKind::Mpc,
            Holding::SingleKey { .. } => WalletKind::SingleKey,
        }
    }

    /// The public keys, in their order. They never change.
    #[must_use]
    pub fn verifying_keys(&self) -> Vec<AnyVerifyingKey> {
        match &self.holding {
            Holding::Mpc { signing } => signing.iter().map(AnyClientShare::verifying_key).collect(),
            Holding::SingleKey { keys, .. } => {
                keys.iter().map(AnySigningKey::verifying_key).collect()
            }
        }
    }

    /// The code that every device of this wallet shows. Have the user keep it.
    #[must_use]
    pub fn check_code(&self) -> CheckCode {
        CheckCode::of(self.id, &self.verifying_keys())
    }

    /// The client's signing shares of an MPC wallet, for the signing library; none of a single-key
    /// wallet.
    #[must_use]
    pub fn signing_shares(&self) -> &[AnyClientShare] {
        match &self.holding {
            Holding::Mpc { signing } => signing,
            Holding::SingleKey { .. } => &[],
        }
    }

    /// The last backup that this device knows to be committed and stored.
    #[must_use]
    pub const fn backup(&self) -> Option<&Backup> {
        self.backup.as_ref()
    }

    /// The secrets of a single-key wallet, in the order in which they were imported; none of an MPC
    /// wallet, whose key is nowhere.
    ///
    /// # Errors
    ///
    /// A secret is damaged.
    pub fn export(&self) -> Result<Vec<Exported>, OpenSecretError> {
        let Holding::SingleKey { keys, secrets } = &self.holding else { return Ok(Vec::new()) };
        let mut exported = Vec::with_capacity(keys.len());
        for (index, key) in (0..).zip(keys) {
            // Whatever is imported is shared on secp256k1.
            let AnySigningKey::Secp256k1(key) = key else { continue };
            exported.push(match secrets.iter().find(|secret| secret.index() == index) {
                Some(secret) => Exported::Secret(secret.open(self.id, index, key)?),
                None => Exported::Key(key.clone()),
            });
        }
        Ok(exported)
    }

    pub(crate) fn epoch(&self) -> Option<Epoch> {
        self.backup.map(|backup| backup.envelope.epoch)
    }

    pub(crate) fn secrets(&self) -> &[SealedSecret] {
        match &self.holding {
            Holding::Mpc { .. } => &[],
            Holding::SingleKey { secrets, .. } => secrets,
        }
    }
}

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wallet")
            .field("id", &self.id)
            .field("kind", &self.kind())
            .field("keys", &self.verifying_keys())
            .field("backup", &self.backup)
            .finish_non_exhaustive()
    }
}
