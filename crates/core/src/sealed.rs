//! Secrets that are not scalars: Ed25519 seeds, mnemonics, keystores, another library's key share,
//! anything of 1 byte to 1 MiB.
//!
//! Such a secret is sealed with AES-256-GCM under a key derived from a fresh secp256k1 scalar `k`,
//! and `k` is what is shared, reshared, proven and backed up: one mechanism for everything. The
//! ciphertext travels in the envelope and in the device's sealed state; without both shares of `k`
//! it says how long the secret is, to a factor of two, and nothing else.
//!
//! The one `k` seals the one secret: [`SealedSecret::seal`] makes it, and nothing takes it.
//!
//! ```
//! use twoshare_core::{id::WalletId, sealed::{SealedSecret, SecretKind, WalletSecret}};
//! # use rand::SeedableRng;
//! # let mut rng = rand::rngs::ChaCha20Rng::seed_from_u64(1);
//!
//! let wallet = WalletId::make(&mut rng);
//! let secret = WalletSecret::new(SecretKind::Opaque, "an API key", b"hunter2".as_slice().into())?;
//! let (k, sealed) = SealedSecret::seal(wallet, 0, &secret, &mut rng);
//! let opened = sealed.open(wallet, 0, &k)?;
//! assert_eq!(opened.bytes().expose_secret(), b"hunter2");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod mnemonic;

use core::fmt;

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use curve25519_dalek::EdwardsPoint;
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::{Digest, Sha256, Sha512};
use thiserror::Error;
use zeroize::{ZeroizeOnDrop, Zeroizing};

pub use self::mnemonic::MnemonicFault;
use crate::{
    curve::{Secp256k1, SigningKey, VerifyingKey, wiping},
    id::WalletId,
    secret::SecretBytes,
    wire::{Malformed, Reader, Writer, ct_eq},
};

/// The longest secret, in bytes.
pub const MAX_SECRET: usize = 1024 * 1024;

/// The longest label, in bytes of UTF-8.
pub const MAX_LABEL: usize = 128;

/// The length of an Ed25519 seed (RFC 8032: "private key"), in bytes.
pub const SEED_LEN: usize = 32;

const VERSION: u64 = 1;
const HKDF_LABEL: &[u8] = b"twoshare/v1/sealed";
const TAG_LEN: usize = 16;

/// What is encrypted is padded to 160 · 2ⁿ bytes. The smallest holds a seed, or a mnemonic of
/// twelve English words, with what is stored beside it; the second any English mnemonic.
const SMALLEST_BUCKET: usize = 160;

/// The smallest bucket that holds the longest secret.
const LARGEST_BUCKET: usize = bucket(MAX_SECRET + MAX_BESIDE);

/// How much longer than the secret what is encrypted can be, unpadded: the heads of the CBOR, the
/// digest, a public key.
const MAX_BESIDE: usize = 1 + 1 + 1 + (2 + 32) + (2 + 32) + 5;

crate::id::wire_enum! {
    /// What a secret is.
    SecretKind {
        /// The 32 bytes that RFC 8032 calls a private key: Solana, NEAR, SSH. Its public key is
        /// kept with it and checked when it is opened.
        Ed25519Seed = 1 "ed25519_seed",
        /// A BIP-39 mnemonic, in any of its languages; given back byte for byte. One of another
        /// scheme (Electrum, SLIP-39) is [`SecretKind::Opaque`].
        Mnemonic = 2 "mnemonic",
        /// A keystore: a file that another program wrote, usually encrypted once more.
        Keystore = 3 "keystore",
        /// The key share of another library.
        KeyShare = 4 "key_share",
        /// Anything else.
        Opaque = 5 "opaque",
    }
}

/// A secret that is not a scalar, found to be what its kind says.
///
/// Wiped on drop.
#[derive(Clone)]
pub struct WalletSecret {
    kind: SecretKind,
    label: String,
    bytes: SecretBytes,
    public_key: Option<[u8; 32]>,
}

impl WalletSecret {
    /// The secret with these bytes, called `label` in lists.
    ///
    /// # Errors
    ///
    /// The bytes are not of that kind, or too many; the label is too long.
    pub fn new(
        kind: SecretKind,
        label: &str,
        bytes: SecretBytes,
    ) -> Result<Self, WalletSecretError> {
        if label.len() > MAX_LABEL {
            return Err(WalletSecretError::LabelTooLong { found: label.len() });
        }
        // To be looked at by the checks of each kind.
        let secret = bytes.expose_secret();
        if secret.is_empty() {
            return Err(WalletSecretError::Empty);
        }
        if secret.len() > MAX_SECRET {
            return Err(WalletSecretError::TooLarge { found: secret.len() });
        }
        let public_key = match kind {
            SecretKind::Ed25519Seed => Some(ed25519_public_key(secret)?),
            SecretKind::Mnemonic => {
                wiping(|| mnemonic::check(secret))?;
                None
            }
            SecretKind::Keystore | SecretKind::KeyShare | SecretKind::Opaque => None,
        };
        Ok(Self { kind, label: label.to_owned(), bytes, public_key })
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> SecretKind {
        self.kind
    }

    /// What it is called in lists.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The secret itself, byte for byte as it was given.
    #[must_use]
    pub const fn bytes(&self) -> &SecretBytes {
        &self.bytes
    }

    /// The public key (RFC 8032) of an Ed25519 seed; the other kinds have none that is known here.
    #[must_use]
    pub const fn public_key(&self) -> Option<[u8; 32]> {
        self.public_key
    }
}

impl ZeroizeOnDrop for WalletSecret {}

impl fmt::Debug for WalletSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WalletSecret(redacted, {})", self.kind)
    }
}

/// Why bytes are not a secret of their kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WalletSecretError {
    /// There are none: nothing would be backed up.
    #[error("the secret is empty")]
    Empty,
    /// It is too large: keep it elsewhere, encrypted, and back up its key.
    #[error("a secret of {found} bytes, where {MAX_SECRET} are the limit")]
    TooLarge {
        /// How many bytes it has.
        found: usize,
    },
    /// Shorten the label.
    #[error("a label of {found} bytes, where {MAX_LABEL} are the limit")]
    LabelTooLong {
        /// How many bytes it has.
        found: usize,
    },
    /// An Ed25519 seed has 32 bytes. An expanded or extended key, or a key with its public key
    /// behind it, is not a seed: cut it, or seal it as opaque.
    #[error("an Ed25519 seed has {SEED_LEN} bytes, not {found}")]
    SeedLength {
        /// How many bytes there are.
        found: usize,
    },
    /// The words are not a BIP-39 mnemonic. Ask the user to look at them again; seal it as opaque
    /// where another scheme made it.
    #[error("not a BIP-39 mnemonic")]
    Mnemonic(#[from] MnemonicFault),
}

/// A sealed secret: what opens to a [`WalletSecret`] with the one key that was made for it. It is
/// not secret without that key, but says what kind of secret a wallet has and what the user called
/// it; so it is kept inside the envelope and inside sealed device state.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSecret {
    wallet: WalletId,
    index: u8,
    kind: SecretKind,
    label: String,
    key: VerifyingKey<Secp256k1>,
    ciphertext: Vec<u8>,
}

impl SealedSecret {
    /// Seals `secret` as the key number `index` of `wallet`. The key which opens it is new, and is
    /// to be shared like any other.
    pub fn seal<R: CryptoRng + ?Sized>(
        wallet: WalletId,
        index: u8,
        secret: &WalletSecret,
        rng: &mut R,
    ) -> (SigningKey<Secp256k1>, Self) {
        let k = SigningKey::make(rng);
        let mut sealed = Self {
            wallet,
            index,
            kind: secret.kind,
            label: secret.label.clone(),
            key: *k.verifying_key(),
            ciphertext: Vec::new(),
        };
        sealed.ciphertext = wiping(|| sealed.encrypt(&k, &encode_plaintext(secret)));
        (k, sealed)
    }

    /// Opens the secret, the key number `index` of `wallet`, with its key.
    ///
    /// # Errors
    ///
    /// It belongs to something else, or is damaged. Never another secret.
    pub fn open(
        &self,
        wallet: WalletId,
        index: u8,
        k: &SigningKey<Secp256k1>,
    ) -> Result<WalletSecret, OpenSecretError> {
        if self.wallet != wallet {
            return Err(OpenSecretError::WrongWallet { expected: wallet, found: self.wallet });
        }
        if self.index != index {
            return Err(OpenSecretError::WrongIndex { expected: index, found: self.index });
        }
        if self.key != *k.verifying_key() {
            return Err(OpenSecretError::WrongKey);
        }
        wiping(|| self.decrypt(k))
    }

    /// The wallet it belongs to.
    #[must_use]
    pub const fn wallet(&self) -> WalletId {
        self.wallet
    }

    /// Which key of the wallet opens it.
    #[must_use]
    pub const fn index(&self) -> u8 {
        self.index
    }

    /// What is sealed.
    #[must_use]
    pub const fn kind(&self) -> SecretKind {
        self.kind
    }

    /// What it is called in lists.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The public side of the key that opens it.
    #[must_use]
    pub const fn verifying_key(&self) -> &VerifyingKey<Secp256k1> {
        &self.key
    }

    /// Deterministic CBOR: `[1, wallet, index, kind, label, k·G, ciphertext]`.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let capacity = self.ciphertext.len() + self.label.len() + 128;
        let written = self.write_header(Writer::new(capacity).array(7)).bytes(&self.ciphertext);
        // Not secret: see the type.
        written.finish().expose_secret().to_vec()
    }

    /// The sealed secret with these bytes. Whether the ciphertext is intact is seen when it is
    /// opened.
    ///
    /// # Errors
    ///
    /// What is wrong with the bytes; a sealed secret has exactly one encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealedSecretError> {
        let mut reader = Reader::new(bytes);
        // The version before anything else: a newer one may have more or fewer items.
        let items = reader.array(usize::from(u8::MAX))?;
        match reader.uint()? {
            VERSION if items == 7 => {}
            VERSION | 0 => return Err(SealedSecretError::Malformed),
            found => return Err(SealedSecretError::NewerVersion { found, supported: VERSION }),
        }
        let wallet = WalletId::from_bytes(*reader.fixed()?);
        let index = reader.u8()?;
        let number = reader.uint()?;
        let kind = SecretKind::from_number(number).ok_or(SealedSecretError::Kind { number })?;
        let label = reader.text(MAX_LABEL)?.to_owned();
        let key = VerifyingKey::from_bytes(reader.bytes()?).map_err(|_| Malformed)?;
        let ciphertext = reader.bytes()?;
        let bucket_of = ciphertext.len().checked_sub(TAG_LEN).ok_or(Malformed)?;
        if bucket_of > LARGEST_BUCKET || bucket(bucket_of) != bucket_of {
            return Err(SealedSecretError::Malformed);
        }
        reader.end()?;
        Ok(Self { wallet, index, kind, label, key, ciphertext: ciphertext.to_vec() })
    }

    /// What is authenticated beside the secret: all other fields.
    fn header(&self) -> Vec<u8> {
        let written = self.write_header(Writer::new(self.label.len() + 128).array(6));
        // Not secret: see the type.
        written.finish().expose_secret().to_vec()
    }

    fn write_header(&self, writer: Writer) -> Writer {
        writer
            .uint(VERSION)
            .bytes(&self.wallet.to_bytes())
            .uint(self.index.into())
            .uint(self.kind.number().into())
            .text(&self.label)
            .bytes(&self.key.to_bytes())
    }

    fn encrypt(&self, k: &SigningKey<Secp256k1>, plaintext: &SecretBytes) -> Vec<u8> {
        let (cipher, nonce) = self.cipher(k);
        let mut ciphertext = Vec::with_capacity(plaintext.len() + TAG_LEN);
        // To be encrypted in place: afterwards that memory holds no secret.
        ciphertext.extend_from_slice(plaintext.expose_secret());
        let tag = cipher
            .encrypt_inout_detached(&nonce.into(), &self.header(), ciphertext.as_mut_slice().into())
            .expect("a secret is far shorter than 64 GiB");
        ciphertext.extend_from_slice(&tag);
        ciphertext
    }

    fn decrypt(&self, k: &SigningKey<Secp256k1>) -> Result<WalletSecret, OpenSecretError> {
        let length = self.ciphertext.len().checked_sub(TAG_LEN).ok_or(OpenSecretError::Damaged)?;
        let (body, tag) =
            self.ciphertext.split_at_checked(length).ok_or(OpenSecretError::Damaged)?;
        let (cipher, nonce) = self.cipher(k);
        let mut plaintext = SecretBytes::from(body);
        let tag = tag.try_into().map_err(|_| OpenSecretError::Damaged)?;
        cipher
            .decrypt_inout_detached(
                &nonce.into(),
                &self.header(),
                // In place, in memory that is wiped.
                plaintext.expose_secret_mut().into(),
                tag,
            )
            .map_err(|_| OpenSecretError::Damaged)?;
        decode_plaintext(self.kind, &self.label, &plaintext)
    }

    /// `HKDF-SHA-256(salt = none, ikm = k, info = label ‖ wallet ‖ index ‖ k·G)`: 32 bytes of key,
    /// then 12 of nonce. The pair is used once, since `k` is.
    fn cipher(&self, k: &SigningKey<Secp256k1>) -> (Aes256Gcm, [u8; 12]) {
        // The key is the input of the derivation.
        let hkdf = Hkdf::<Sha256>::new(None, k.expose_secret().expose_secret());
        let mut okm = Zeroizing::new([0; 44]);
        let (wallet, key) = (self.wallet.to_bytes(), self.key.to_bytes());
        let info: [&[u8]; 4] = [HKDF_LABEL, &wallet, &[self.index], key.as_ref()];
        hkdf.expand_multi_info(&info, okm.as_mut_slice()).expect("44 bytes are few enough");
        let (mut key, mut nonce) = (Zeroizing::new([0; 32]), [0; 12]);
        key.iter_mut().chain(&mut nonce).zip(okm.iter()).for_each(|(to, from)| *to = *from);
        (Aes256Gcm::new((&*key).into()), nonce)
    }
}

impl fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedSecret")
            .field("wallet", &self.wallet)
            .field("index", &self.index)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Why bytes are not a sealed secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SealedSecretError {
    /// A newer version of this library wrote it: update.
    #[error("version {found} of the secret is newer than {supported}, the newest known here")]
    NewerVersion {
        /// The version of these bytes.
        found: u64,
        /// The newest version read here.
        supported: u64,
    },
    /// A newer version of this library knows more kinds: update.
    #[error("a sealed secret of kind {number}")]
    Kind {
        /// The number of the kind.
        number: u64,
    },
    /// It is damaged: use another copy.
    #[error("not a sealed secret")]
    Malformed,
}

impl From<Malformed> for SealedSecretError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Why a sealed secret is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpenSecretError {
    /// It belongs to another wallet: take the one of this wallet.
    #[error("a secret of wallet {found}, not of {expected}")]
    WrongWallet {
        /// The wallet that was asked for.
        expected: WalletId,
        /// The wallet it belongs to.
        found: WalletId,
    },
    /// It is opened by another key of the wallet: take that.
    #[error("a secret of key {found}, not of {expected}")]
    WrongIndex {
        /// The key that was asked for.
        expected: u8,
        /// The key it belongs to.
        found: u8,
    },
    /// The key is not the one that was made for it: take the key with this
    /// [`SealedSecret::verifying_key`].
    #[error("the key does not open this secret")]
    WrongKey,
    /// It was changed since it was sealed: use another copy.
    #[error("the sealed secret is damaged")]
    Damaged,
    /// What was sealed is not what its kind says, or its public key is of another seed: the
    /// program that sealed it was broken. Report this; do not use the secret.
    #[error("what was sealed contradicts itself")]
    Inconsistent,
}

/// `[1, kind, SHA-256(secret), public key or empty, secret]`, then zeros up to the bucket.
fn encode_plaintext(secret: &WalletSecret) -> SecretBytes {
    // To be encoded in wiped memory, which is as large as it will be from the start.
    let bytes = secret.bytes.expose_secret();
    let digest = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(bytes)));
    let mut plaintext = Writer::new(bucket(bytes.len() + MAX_BESIDE))
        .array(5)
        .uint(VERSION)
        .uint(secret.kind.number().into())
        .bytes(digest.as_slice())
        .bytes(secret.public_key.as_ref().map_or(&[][..], |key| key.as_slice()))
        .bytes(bytes)
        .finish();
    let padding = bucket(plaintext.len()) - plaintext.len();
    plaintext.extend(&vec![0; padding]);
    plaintext
}

/// Strict, although it was authentic: a second implementation that writes something else is to be
/// found at once.
fn decode_plaintext(
    kind: SecretKind,
    label: &str,
    plaintext: &SecretBytes,
) -> Result<WalletSecret, OpenSecretError> {
    let inconsistent = |_: Malformed| OpenSecretError::Inconsistent;
    // To be decoded in place.
    let plaintext = plaintext.expose_secret();
    let mut reader = Reader::new(plaintext);
    reader.array_of(5).map_err(inconsistent)?;
    let version = reader.uint().map_err(inconsistent)?;
    let number = reader.uint().map_err(inconsistent)?;
    let digest: &[u8; 32] = reader.fixed().map_err(inconsistent)?;
    let public_key = reader.bytes().map_err(inconsistent)?;
    let bytes = reader.bytes().map_err(inconsistent)?;
    let padding = reader.rest();
    let consistent = version == VERSION
        && number == u64::from(kind.number())
        && ct_eq(digest, &Sha256::digest(bytes))
        && bucket(plaintext.len() - padding.len()) == plaintext.len()
        && ct_eq(padding, &vec![0; padding.len()]);
    if !consistent {
        return Err(OpenSecretError::Inconsistent);
    }
    let secret = WalletSecret::new(kind, label, SecretBytes::from(bytes))
        .map_err(|_| OpenSecretError::Inconsistent)?;
    match secret.public_key {
        Some(expected) if expected == public_key => Ok(secret),
        None if public_key.is_empty() => Ok(secret),
        Some(_) | None => Err(OpenSecretError::Inconsistent),
    }
}

/// The smallest bucket for `length` bytes.
const fn bucket(length: usize) -> usize {
    let mut bucket = SMALLEST_BUCKET;
    while bucket < length {
        bucket *= 2;
    }
    bucket
}

/// The public key of a seed: RFC 8032, section 5.1.5.
fn ed25519_public_key(seed: &[u8]) -> Result<[u8; 32], WalletSecretError> {
    if seed.len() != SEED_LEN {
        return Err(WalletSecretError::SeedLength { found: seed.len() });
    }
    Ok(wiping(|| {
        let expanded = Zeroizing::new(<[u8; 64]>::from(Sha512::digest(seed)));
        let mut scalar = Zeroizing::new([0; 32]);
        scalar.iter_mut().zip(expanded.iter()).for_each(|(to, from)| *to = *from);
        EdwardsPoint::mul_base_clamped(*scalar).compress().to_bytes()
    }))
}

#[cfg(test)]
mod tests;
