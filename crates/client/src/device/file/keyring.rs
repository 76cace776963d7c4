//! The key file.
//!
//! ```text
//! magic       8   89 54 57 4F 4B 0D 0A 1A   ("\x89TWOK\r\n\x1a")
//! version     1   01, or 02 with a platform key
//! kind        1   01 in plain, 02 under a password, 03 under a platform key
//! with a password:
//!   salt     16
//!   cost     12   memory in KiB, passes, lanes of Argon2id: three times 4, big-endian
//!   nonce    12
//! with a platform key:
//!   salt     16
//!   nonce    12
//! keys        …   one, or, while everything is sealed anew, the new one and the old one: each of 32
//!                 bytes; with a password or a platform key AES-256-GCM of them under Argon2id of the one
//!                 or HKDF-SHA256 of the other (info "twoshare device key"), the additional data being
//!                 everything before the nonce
//! checksum   32   SHA-256 of everything before
//! ```
//!
//! Where the checksum fits and the keys do not open, the password or the platform key is wrong; where it
//! does not fit, the file is damaged.

use aes_gcm::{Aes256Gcm, KeyInit as _, aead::AeadInOut};
use hkdf::Hkdf;
use rand_core::Rng as _;
use sha2::{Digest as _, Sha256};
use twoshare_core::{
    method::{Argon2Cost, MethodError, Password, PasswordPolicy},
    secret::SecretBytes,
};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{PlatformKey, Protection, vault::Fault};
use crate::client::rng;

const MAGIC: [u8; 8] = *b"\x89TWOK\r\n\x1a";
const VERSION: u8 = 1;
/// That of the one kind which the first version does not know.
const VERSION_OF_PLATFORM_KEY: u8 = 2;
const PLAIN: u8 = 1;
const UNDER_PASSWORD: u8 = 2;
const UNDER_PLATFORM_KEY: u8 = 3;
const INFO: &[u8] = b"twoshare device key";
const CHECKSUM: usize = 32;
const TAG: usize = 16;

/// The longest key file.
pub(super) const MAX_FILE: usize = 8 + 1 + 1 + 16 + 12 + 12 + 2 * 32 + TAG + CHECKSUM;

/// What records are sealed with. On the heap, so that moving it leaves no copies behind.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Key(pub(super) Box<[u8; 32]>);

impl Key {
    pub(super) fn make() -> Self {
        let mut key = Self(Box::new([0; 32]));
        rng().fill_bytes(key.0.as_mut_slice());
        key
    }

    fn read(bytes: &[u8; 32]) -> Self {
        let mut key = Self(Box::new([0; 32]));
        key.0.copy_from_slice(bytes);
        key
    }
}

/// What a key file is opened with, or a new one is to be.
pub(super) enum Opener {
    /// Nothing.
    Nothing,
    Password(Password),
    PlatformKey(PlatformKey),
}

impl From<Option<Password>> for Opener {
    fn from(password: Option<Password>) -> Self {
        password.map_or(Self::Nothing, Self::Password)
    }
}

/// How the keys are kept.
pub(super) enum Lock {
    /// In plain.
    KeyFile,
    /// Under what a password was stretched to.
    Password { salt: [u8; 16], cost: Argon2Cost, key: Key },
    /// Under what a platform key was derived to.
    PlatformKey { salt: [u8; 16], key: Key },
}

impl Lock {
    /// A new one.
    pub(super) fn make(opener: &Opener) -> Result<Self, Fault> {
        let mut salt = [0; 16];
        rng().fill_bytes(&mut salt);
        match opener {
            Opener::Nothing => Ok(Self::KeyFile),
            Opener::Password(password) => {
                let cost = PasswordPolicy::default().cost();
                Ok(Self::Password { salt, cost, key: stretch(password, &salt, cost)? })
            }
            Opener::PlatformKey(key) => Ok(Self::PlatformKey { salt, key: derive(key, &salt) }),
        }
    }

    pub(super) const fn protection(&self) -> Protection {
        match self {
            Self::KeyFile => Protection::KeyFile,
            Self::Password { .. } => Protection::Password,
            Self::PlatformKey { .. } => Protection::PlatformKey,
        }
    }

    /// The key file with these keys, of which there are one or two.
    pub(super) fn seal(&self, keys: &[Key]) -> SecretBytes {
        let mut file = SecretBytes::with_capacity(MAX_FILE);
        let mut plain = SecretBytes::with_capacity(2 * 32);
        for key in keys {
            plain.extend(key.0.as_slice());
        }
        file.extend(&MAGIC);
        let key = match self {
            Self::KeyFile => {
                file.extend(&[VERSION, PLAIN]);
                None
            }
            Self::Password { salt, cost, key } => {
                file.extend(&[VERSION, UNDER_PASSWORD]);
                file.extend(salt);
                for number in [cost.memory_kib(), cost.passes(), cost.lanes()] {
                    file.extend(&number.to_be_bytes());
                }
                Some(key)
            }
            Self::PlatformKey { salt, key } => {
                file.extend(&[VERSION_OF_PLATFORM_KEY, UNDER_PLATFORM_KEY]);
                file.extend(salt);
                Some(key)
            }
        };
        let tag = key.map(|key| {
            let mut nonce = [0; 12];
            rng().fill_bytes(&mut nonce);
            let tag = Aes256Gcm::new((&*key.0).into())
                .encrypt_inout_detached(
                    (&nonce).into(),
                    // Exposed: what is there so far is public.
                    file.expose_secret(),
                    // Exposed: encrypted in place.
                    plain.expose_secret_mut().into(),
                )
                .expect("64 bytes are encrypted");
            file.extend(&nonce);
            tag
        });
        // Exposed: it is ciphertext by now, unless a key file in plain is what was asked for.
        file.extend(plain.expose_secret());
        if let Some(tag) = tag {
            file.extend(&tag);
        }
        // Exposed: only to the hash.
        let checksum = Sha256::digest(file.expose_secret());
        file.extend(&checksum);
        file
    }
}

/// What keeps others from reading this key file.
pub(super) fn protection(file: &[u8]) -> Result<Protection, Fault> {
    match check(file)? {
        (PLAIN, _) => Ok(Protection::KeyFile),
        (UNDER_PASSWORD, _) => Ok(Protection::Password),
        (UNDER_PLATFORM_KEY, _) => Ok(Protection::PlatformKey),
        _ => Err(Fault::Damaged),
    }
}

/// The keys of a key file, the one to seal with first.
pub(super) fn open(file: &[u8], opener: &Opener) -> Result<(Lock, Vec<Key>), Fault> {
    match (check(file)?, opener) {
        ((PLAIN, keys), Opener::Nothing) => Ok((Lock::KeyFile, read_keys(keys)?)),
        ((PLAIN, _), Opener::Password(_)) => Err(Fault::NoPassword),
        ((PLAIN, _), Opener::PlatformKey(_)) => Err(Fault::NoPlatformKey),
        ((UNDER_PASSWORD, rest), Opener::Password(password)) => {
            open_with_password(file, rest, password)
        }
        ((UNDER_PASSWORD, _), Opener::Nothing | Opener::PlatformKey(_)) => {
            Err(Fault::PasswordNeeded)
        }
        ((UNDER_PLATFORM_KEY, rest), Opener::PlatformKey(key)) => {
            open_with_platform_key(file, rest, key)
        }
        ((UNDER_PLATFORM_KEY, _), Opener::Nothing | Opener::Password(_)) => {
            Err(Fault::PlatformKeyNeeded)
        }
        _ => Err(Fault::Damaged),
    }
}

fn open_with_password(
    file: &[u8],
    rest: &[u8],
    password: &Password,
) -> Result<(Lock, Vec<Key>), Fault> {
    let (salt, rest) = rest.split_first_chunk::<16>().ok_or(Fault::Damaged)?;
    let (&[m0, m1, m2, m3, p0, p1, p2, p3, l0, l1, l2, l3], rest) =
        rest.split_first_chunk::<12>().ok_or(Fault::Damaged)?;
    let [memory, passes, lanes] =
        [[m0, m1, m2, m3], [p0, p1, p2, p3], [l0, l1, l2, l3]].map(u32::from_be_bytes);
    // Bounded before any work.
    let cost = Argon2Cost::read(memory, passes, lanes).map_err(work)?;
    let public = file.get(..8 + 1 + 1 + 16 + 12).ok_or(Fault::Damaged)?;
    let key = stretch(password, salt, cost)?;
    let keys = open_keys(&key, public, rest)?.ok_or(Fault::WrongPassword)?;
    Ok((Lock::Password { salt: *salt, cost, key }, keys))
}

fn open_with_platform_key(
    file: &[u8],
    rest: &[u8],
    key: &PlatformKey,
) -> Result<(Lock, Vec<Key>), Fault> {
    let (salt, rest) = rest.split_first_chunk::<16>().ok_or(Fault::Damaged)?;
    let public = file.get(..8 + 1 + 1 + 16).ok_or(Fault::Damaged)?;
    let key = derive(key, salt);
    let keys = open_keys(&key, public, rest)?.ok_or(Fault::WrongPlatformKey)?;
    Ok((Lock::PlatformKey { salt: *salt, key }, keys))
}

/// The keys that are sealed under this one, after a nonce; `None` if they are sealed under another.
fn open_keys(key: &Key, public: &[u8], rest: &[u8]) -> Result<Option<Vec<Key>>, Fault> {
    let (nonce, rest) = rest.split_first_chunk::<12>().ok_or(Fault::Damaged)?;
    let (sealed, tag) = rest.split_last_chunk::<TAG>().ok_or(Fault::Damaged)?;
    let mut keys = SecretBytes::from(sealed);
    let opened = Aes256Gcm::new((&*key.0).into()).decrypt_inout_detached(
        nonce.into(),
        public,
        // Exposed: decrypted in place.
        keys.expose_secret_mut().into(),
        tag.into(),
    );
    match opened {
        // Exposed: to be moved to where they are used.
        Ok(()) => read_keys(keys.expose_secret()).map(Some),
        Err(_) => Ok(None),
    }
}

/// The kind of an intact key file, and what follows it.
fn check(file: &[u8]) -> Result<(u8, &[u8]), Fault> {
    let (body, checksum) = file.split_last_chunk::<CHECKSUM>().ok_or(Fault::Damaged)?;
    let is_whole = Sha256::digest(body).as_slice() == checksum;
    match body.split_first_chunk::<8>() {
        Some((magic, [version, kind, rest @ ..])) if is_whole && *magic == MAGIC => {
            match (*version, *kind) {
                (VERSION, PLAIN | UNDER_PASSWORD)
                | (VERSION_OF_PLATFORM_KEY, UNDER_PLATFORM_KEY) => Ok((*kind, rest)),
                (version, _) if version > VERSION_OF_PLATFORM_KEY => Err(Fault::Newer { version }),
                _ => Err(Fault::Damaged),
            }
        }
        _ => Err(Fault::Damaged),
    }
}

fn read_keys(bytes: &[u8]) -> Result<Vec<Key>, Fault> {
    let (keys, rest) = bytes.as_chunks::<32>();
    if rest.is_empty() && matches!(keys.len(), 1 | 2) {
        Ok(keys.iter().map(Key::read).collect())
    } else {
        Err(Fault::Damaged)
    }
}

fn stretch(password: &Password, salt: &[u8; 16], cost: Argon2Cost) -> Result<Key, Fault> {
    let stretched = password.stretch(salt, cost).map_err(work)?;
    // Exposed: it is the key.
    let key = stretched.expose_secret().try_into().map_err(|_| Fault::Damaged)?;
    Ok(Key::read(key))
}

fn derive(key: &PlatformKey, salt: &[u8; 16]) -> Key {
    let mut derived = Key(Box::new([0; 32]));
    // Exposed: it is HKDF's input key material.
    Hkdf::<Sha256>::new(Some(salt), key.expose_secret())
        .expand(INFO, derived.0.as_mut_slice())
        .expect("32 bytes are less than 255 blocks");
    derived
}

fn work(error: MethodError) -> Fault {
    match error {
        MethodError::ExcessiveWork(_) | MethodError::NotAvailable { .. } => Fault::Memory,
        _ => Fault::Damaged,
    }
}
