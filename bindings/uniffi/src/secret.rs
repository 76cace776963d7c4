//! Keys and secrets, as they go in and come out. They are kept, and wiped, by the library; what is exposed is the app's to
//! guard.

use std::sync::Arc;

use twoshare::{
    core::id::{Epoch, Purpose, Sharing, WalletId},
    core::{
        attachment::{self, AttachmentClass},
        curve::{self, Secp256k1},
        id::CurveId,
        sealed::{self, SecretKind},
        secret::SecretBytes,
        share::{AnyClientShare, AnyCommitment, KeyId},
    },
};
use zeroize::Zeroizing;

use crate::{
    error::{AttachmentError, ShareError, SigningKeyError, WalletSecretError},
    recovery::Waiting,
    wallet::VerifyingKey,
};

/// A private key that is a scalar on secp256k1, wiped when it is dropped.
#[derive(Debug, uniffi::Object)]
pub struct SigningKey(curve::SigningKey<Secp256k1>);

#[uniffi::export]
impl SigningKey {
    /// A new key.
    #[uniffi::constructor]
    #[must_use]
    pub fn make() -> Self {
        Self(curve::SigningKey::make(&mut twoshare::rng()))
    }

    /// The key with these 32 bytes, big-endian, as Bitcoin and Ethereum software has it.
    ///
    /// # Errors
    ///
    /// They are no key.
    #[uniffi::constructor]
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, SigningKeyError> {
        let bytes = Zeroizing::new(bytes);
        Ok(Self(curve::SigningKey::from_bytes(&bytes)?))
    }

    /// The public key.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        (&curve::AnyVerifyingKey::from(*self.0.verifying_key())).into()
    }

    /// The 32 bytes themselves, big-endian. They stay in your app's memory until that is used for something else.
    #[must_use]
    pub fn expose_secret(&self) -> Vec<u8> {
        // Exposed: to the app, which asked for it.
        self.0.expose_secret().expose_secret().to_vec()
    }
}

/// A secret that is not a scalar: an Ed25519 seed, a mnemonic, bytes. Wiped when it is dropped.
#[derive(Debug, uniffi::Object)]
pub struct WalletSecret(sealed::WalletSecret);

#[uniffi::export]
impl WalletSecret {
    /// The secret with these bytes, 1 byte to 1 MiB, called `label` in lists: at most 128 bytes of UTF-8.
    ///
    /// # Errors
    ///
    /// The bytes are not of that kind, or too many; the label is too long.
    #[uniffi::constructor]
    pub fn new(kind: SecretKind, label: String, bytes: Vec<u8>) -> Result<Self, WalletSecretError> {
        Ok(Self(sealed::WalletSecret::new(kind, &label, SecretBytes::from(bytes))?))
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> SecretKind {
        self.0.kind()
    }

    /// What it is called.
    #[must_use]
    pub fn label(&self) -> String {
        self.0.label().to_owned()
    }

    /// The bytes, as they were imported. They stay in your app's memory until that is used for something else.
    #[must_use]
    pub fn expose_secret(&self) -> Vec<u8> {
        // Exposed: to the app, which asked for it.
        self.0.bytes().expose_secret().to_vec()
    }

    /// Of an Ed25519 seed, its public key: 32 bytes.
    #[must_use]
    pub fn public_key(&self) -> Option<Vec<u8>> {
        self.0.public_key().map(Vec::from)
    }
}

/// A secret that a single-key wallet is made of.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum Import {
    /// A private key that is a scalar: it is shared as it is.
    Key {
        /// The key.
        key: Arc<SigningKey>,
    },
    /// Anything else. It is sealed under a scalar which is shared.
    Secret {
        /// The secret.
        secret: Arc<WalletSecret>,
    },
}

impl From<&Import> for twoshare::Import {
    fn from(import: &Import) -> Self {
        match import {
            Import::Key { key } => Self::Key(key.0.clone()),
            Import::Secret { secret } => Self::Secret(secret.0.clone()),
        }
    }
}

/// A secret as it comes back out of a single-key wallet.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum Exported {
    /// A private key that is a scalar.
    Key {
        /// The key.
        key: Arc<SigningKey>,
    },
    /// Anything else, byte for byte as it was imported.
    Secret {
        /// The secret.
        secret: Arc<WalletSecret>,
    },
}

impl From<twoshare::Exported> for Exported {
    fn from(exported: twoshare::Exported) -> Self {
        match exported {
            twoshare::Exported::Key(key) => Self::Key { key: Arc::new(SigningKey(key)) },
            twoshare::Exported::Secret(secret) => {
                Self::Secret { secret: Arc::new(WalletSecret(secret)) }
            }
        }
    }
}

/// What became of an eject.
#[derive(Debug, uniffi::Enum)]
pub enum Ejected {
    /// The keys, in the order of the wallet's. Whoever has them has the wallet: what was two shares is one key from here
    /// on, and the wallet's hazards say so ever after.
    Done {
        /// The keys.
        keys: Vec<Arc<EjectedKey>>,
    },
    /// The operator lets everybody wait: call again when it is ready, with the same method, inside the window.
    Waiting {
        /// What waits.
        waiting: Waiting,
    },
}

impl From<twoshare::Ejected> for Ejected {
    fn from(ejected: twoshare::Ejected) -> Self {
        match ejected {
            twoshare::Ejected::Done(keys) => {
                Self::Done { keys: keys.into_iter().map(|key| Arc::new(EjectedKey(key))).collect() }
            }
            twoshare::Ejected::Waiting(waiting) => Self::Waiting { waiting: waiting.into() },
        }
    }
}

/// A whole private key, wiped when it is dropped.
#[derive(Debug, uniffi::Object)]
pub struct EjectedKey(twoshare::EjectedKey);

#[uniffi::export]
impl EjectedKey {
    /// The curve.
    #[must_use]
    pub fn curve(&self) -> CurveId {
        self.0.curve()
    }

    /// The public key.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        (&self.0.verifying_key()).into()
    }

    /// Of a single-key wallet, the secret that was sealed under this key: then that is what the user wants, and the key
    /// itself is nothing outside of twoshare.
    #[must_use]
    pub fn secret(&self) -> Option<Arc<WalletSecret>> {
        self.0.secret().map(|secret| Arc::new(WalletSecret(secret.clone())))
    }

    /// The private key as 32 bytes: of secp256k1 big-endian, as Bitcoin and Ethereum software takes it; of Ed25519 the
    /// little-endian scalar, see `note`. They stay in your app's memory until that is used for something else.
    #[must_use]
    pub fn expose_secret(&self) -> Vec<u8> {
        // Exposed: to the app, whose user asked for it.
        self.0.expose_secret().expose_secret().to_vec()
    }

    /// The same as 64 hexadecimal digits, which is what most software imports.
    #[must_use]
    pub fn expose_hex(&self) -> String {
        // Exposed: to the app, whose user asked for it. They are ASCII.
        String::from_utf8_lossy(self.0.expose_hex().expose_secret()).into_owned()
    }

    /// What a wallet that expects a seed makes of an Ed25519 key, in English: the explanation, for people.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        self.0.note().map(|note| note.to_string())
    }
}

/// Which key of which sharing a share is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, uniffi::Record)]
pub struct ShareId {
    /// The wallet.
    pub wallet: WalletId,
    /// What the pair is for.
    pub purpose: Purpose,
    /// Which sharing of that purpose.
    pub epoch: Epoch,
    /// The key's place among the wallet's keys, from 0.
    pub index: u8,
}

impl From<ShareId> for KeyId {
    fn from(id: ShareId) -> Self {
        let ShareId { wallet, purpose, epoch, index } = id;
        Self { sharing: Sharing { wallet, purpose, epoch }, index }
    }
}

impl From<KeyId> for ShareId {
    fn from(id: KeyId) -> Self {
        let KeyId { sharing: Sharing { wallet, purpose, epoch }, index } = id;
        Self { wallet, purpose, epoch, index }
    }
}

/// The device's share of one key of an MPC wallet: `f(1)` of the line `f` whose value at 0 is the key. Hand it to the signing
/// library. Wiped when it is dropped.
#[derive(Debug, uniffi::Object)]
pub struct ClientShare(AnyClientShare);

#[uniffi::export]
impl ClientShare {
    /// The share with this value, 32 bytes in the curve's byte order (secp256k1 big-endian, Ed25519 little-endian), once it is
    /// found to be what `commitment` says: the public key and the slope, one point after the other.
    ///
    /// # Errors
    ///
    /// It is not.
    #[uniffi::constructor]
    pub fn new(
        id: ShareId,
        curve: CurveId,
        commitment: Vec<u8>,
        value: Vec<u8>,
    ) -> Result<Self, ShareError> {
        let value = Zeroizing::new(value);
        let commitment = AnyCommitment::from_bytes(curve, &commitment)
            .map_err(twoshare::core::share::ShareError::from)?;
        Ok(Self(AnyClientShare::new(id.into(), commitment, &value)?))
    }

    /// The share that `to_bytes` wrote, checked again.
    ///
    /// # Errors
    ///
    /// The bytes are no share of a device.
    #[uniffi::constructor]
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, ShareError> {
        let bytes = Zeroizing::new(bytes);
        Ok(Self(AnyClientShare::from_bytes(&bytes)?))
    }

    /// Which key of which sharing this is a share of.
    #[must_use]
    pub fn id(&self) -> ShareId {
        self.0.id().into()
    }

    /// The commitment of its sharing: the public key and the slope, one point after the other.
    #[must_use]
    pub fn commitment(&self) -> Vec<u8> {
        self.0.commitment().to_bytes()
    }

    /// The public key that is shared.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        (&self.0.verifying_key()).into()
    }

    /// The value, 32 bytes in the curve's byte order, for a signing library. They stay in your app's memory until that is used
    /// for something else.
    #[must_use]
    pub fn expose_secret(&self) -> Vec<u8> {
        // Exposed: to the app's signing library.
        self.0.expose_secret().expose_secret().to_vec()
    }

    /// Everything about this share, as deterministic CBOR; secret, as the value is.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        // Exposed: to the app's signing library.
        self.0.to_bytes().expose_secret().to_vec()
    }
}

impl From<AnyClientShare> for ClientShare {
    fn from(share: AnyClientShare) -> Self {
        Self(share)
    }
}

impl ClientShare {
    pub(crate) fn inner(&self) -> AnyClientShare {
        self.0.clone()
    }
}

/// Something that a signing library keeps beside its share. Wiped when it is dropped.
#[derive(Debug, uniffi::Object)]
pub struct Attachment(attachment::Attachment);

#[uniffi::export]
impl Attachment {
    /// What a recovery restores bit for bit, such as a chain code: at most 1 MiB. A name has 1 to 128 bytes of UTF-8.
    ///
    /// # Errors
    ///
    /// The name or the bytes are too long.
    #[uniffi::constructor]
    pub fn durable(name: String, bytes: Vec<u8>) -> Result<Self, AttachmentError> {
        Ok(Self(attachment::Attachment::durable(&name, SecretBytes::from(bytes))?))
    }

    /// What must not come back, and a recovery has to make anew: a Paillier key, the seeds of oblivious transfers. Only its name
    /// is kept, as a reminder.
    ///
    /// # Errors
    ///
    /// The name is too long.
    #[uniffi::constructor]
    pub fn per_device(name: String) -> Result<Self, AttachmentError> {
        Ok(Self(attachment::Attachment::per_device(&name)?))
    }

    /// What the signing library calls it.
    #[must_use]
    pub fn name(&self) -> String {
        self.0.name().to_owned()
    }

    /// Whether it comes back.
    #[must_use]
    pub fn class(&self) -> AttachmentClass {
        self.0.class()
    }

    /// The bytes of a durable attachment.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        // Exposed: to the app's signing library.
        self.0.bytes().map(|bytes| bytes.expose_secret().to_vec())
    }
}

impl From<&attachment::Attachment> for Attachment {
    fn from(attachment: &attachment::Attachment) -> Self {
        Self(attachment.clone())
    }
}

impl Attachment {
    pub(crate) fn inner(&self) -> attachment::Attachment {
        self.0.clone()
    }
}

/// Whether an attachment comes back in a recovery.
#[uniffi::remote(Enum)]
pub enum AttachmentClass {
    /// It does, bit for bit.
    Durable,
    /// It never does. Only its name is kept, as a reminder.
    PerDevice,
}
