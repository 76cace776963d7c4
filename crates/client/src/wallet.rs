//! What a device holds of a wallet, as an app sees it.

use core::fmt;

use twoshare_core::{
    attachment::Attachment,
    check_code::CheckCode,
    curve::{AnySigningKey, AnyVerifyingKey, Secp256k1, SigningKey},
    id::{WalletId, WalletKind},
    sealed::{OpenSecretError, SealedSecret, SecretKind, WalletSecret},
    share::AnyClientShare,
    store::EnvelopeName,
};

use crate::{
    record::{Holding, Keys, Record, Secrets, Shares},
    stores::StoreId,
};

/// A wallet on its device, as it was when it was asked for: a view, which nothing is changed through.
///
/// Of an MPC wallet it has the client's signing shares: hand them to the signing library. Of a
/// single-key wallet it has the keys themselves, and the secrets sealed under them.
#[derive(Clone)]
pub struct Wallet {
    id: WalletId,
    kind: WalletKind,
    name: Option<Box<str>>,
    holding: Holding,
    verifying_keys: Vec<AnyVerifyingKey>,
    beside: Box<Beside>,
    backup: Option<Backup>,
}

/// What is kept beside the keys.
#[derive(Clone)]
struct Beside {
    attachments: Vec<Attachment>,
    to_regenerate: Vec<String>,
}

/// The last backup that this device knows to be committed and stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Its envelope's name in every store.
    pub envelope: EnvelopeName,
    /// The stores that do not have it, where the policy did without them.
    pub missing: Vec<StoreId>,
}

/// A secret that a single-key wallet is made of.
#[derive(Debug, Clone)]
pub enum Import {
    /// A private key that is a scalar: it is shared as it is.
    Key(SigningKey<Secp256k1>),
    /// Anything else: an Ed25519 seed, a mnemonic, bytes. It is sealed under a scalar which is shared.
    Secret(WalletSecret),
}

/// A sealed secret, by what is known of it without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhatIsSealed {
    /// Which of the wallet's keys it is sealed under: its place among what was imported, from 0.
    pub index: u8,
    /// What it is.
    pub kind: SecretKind,
    /// The label that it was given.
    pub label: String,
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
    /// What the record has; `None` while nothing is here yet.
    pub(crate) fn of(record: &Record) -> Option<Self> {
        let backup = record.backup.as_ref().map(|backup| Backup {
            envelope: record.name_of(backup.named()),
            missing: backup
                .stores
                .iter()
                .filter(|mark| !mark.envelope)
                .filter_map(|mark| mark.store.0.parse().ok())
                .collect(),
        });
        record.is_here().then(|| Self {
            id: record.wallet,
            kind: record.kind,
            name: record.name.clone().map(|name| name.0.into_boxed_str()),
            holding: record.holding.clone(),
            verifying_keys: record.verifying_keys(),
            beside: Box::new(Beside {
                attachments: record.attachments.of_the_app(),
                to_regenerate: record.stale.iter().map(|name| name.0.clone()).collect(),
            }),
            backup,
        })
    }

    /// The wallet's id.
    #[must_use]
    pub const fn id(&self) -> WalletId {
        self.id
    }

    /// Where the whole key is.
    #[must_use]
    pub const fn kind(&self) -> WalletKind {
        self.kind
    }

    /// The name that it was given, which is public.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The public keys, in their order. They never change.
    #[must_use]
    pub fn verifying_keys(&self) -> &[AnyVerifyingKey] {
        &self.verifying_keys
    }

    /// The code that every device of this wallet shows. Have the user keep it.
    #[must_use]
    pub fn check_code(&self) -> CheckCode {
        CheckCode::of(self.id, &self.verifying_keys)
    }

    /// The client's signing shares of an MPC wallet, for the signing library; none of a single-key
    /// wallet.
    #[must_use]
    pub fn signing_shares(&self) -> &[AnyClientShare] {
        match &self.holding {
            Holding::Mpc(Shares(signing), _) => signing,
            Holding::Nothing | Holding::SingleKey(..) => &[],
        }
    }

    /// What signing libraries keep with the keys. A per-device one has to be made anew after a
    /// recovery: see [`Wallet::to_regenerate`].
    #[must_use]
    pub fn attachments(&self) -> &[Attachment] {
        &self.beside.attachments
    }

    /// The names of the per-device attachments that the signing library has to make anew, on both sides,
    /// before it signs: those of a wallet whose signing pair is new, as it is after every recovery.
    ///
    /// Whoever has the old device has the old ones, and what is signed with them and new shares could tell
    /// him the new shares. The names are here, on this device and after a restart, until the app has made
    /// them and says so by [`Client::keep_attachments`](crate::Client::keep_attachments). The types of
    /// `twoshare-interop` give no signer before.
    #[must_use]
    pub fn to_regenerate(&self) -> &[String] {
        &self.beside.to_regenerate
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
        match &self.holding {
            Holding::SingleKey(Keys(keys), Secrets(secrets)) => open_all(self.id, keys, secrets),
            Holding::Nothing | Holding::Mpc(..) => Ok(Vec::new()),
        }
    }
}

/// What a single-key wallet with these keys was made of.
pub(crate) fn open_all(
    wallet: WalletId,
    keys: &[AnySigningKey],
    secrets: &[SealedSecret],
) -> Result<Vec<Exported>, OpenSecretError> {
    let mut exported = Vec::with_capacity(keys.len());
    for (index, key) in (0..).zip(keys) {
        // Whatever is imported is shared on secp256k1.
        let AnySigningKey::Secp256k1(key) = key else { continue };
        exported.push(match secrets.iter().find(|secret| secret.index() == index) {
            Some(secret) => Exported::Secret(secret.open(wallet, index, key)?),
            None => Exported::Key(key.clone()),
        });
    }
    Ok(exported)
}

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wallet")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("keys", &self.verifying_keys)
            .field("backup", &self.backup)
            .finish_non_exhaustive()
    }
}
