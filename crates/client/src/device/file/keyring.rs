//! The key file.
//!
//! ```text
//! magic       8   89 54 57 4F 4B 0D 0A 1A   ("\x89TWOK\r\n\x1a")
//! version     1   01
//! kind        1   01 in plain, 02 under a password
//! with a password:
//!   salt     16
//!   cost     12   memory in KiB, passes, lanes of Argon2id: three times 4, big-endian
//!   nonce    12
//! keys        …   one, or, while everything is sealed anew, the new one and the old one: each of 32
//!                 bytes; with a password AES-256-GCM of them under Argon2id of it, the additional data
//!                 being everything before the nonce
//! checksum   32   SHA-256 of everything before
//! ```
//!
//! Where the checksum fits and the keys do not open, the password is wrong; where it does not fit, the
//! file is damaged.

use aes_gcm::{Aes256Gcm, KeyInit as _, aead::AeadInOut};
use rand_core::Rng as _;
use sha2::{Digest as _, Sha256};
use twoshare_core::{
    method::{Argon2Cost, MethodError, Password, PasswordPolicy},
    secret::SecretBytes,
};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Protection, vault::Fault};
use crate::client::rng;

const MAGIC: [u8; 8] = *b"\x89TWOK\r\n\x1a";
const VERSION: u8 = 1;
const PLAIN: u8 = 1;
const UNDER_PASSWORD: u8 = 2;
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

/// How the keys are kept.
pub(super) enum Lock {
    /// In plain.
    KeyFile,
    /// Under what a password was stretched to.
    Password { salt: [u8; 16], cost: Argon2Cost, key: Key },
}

impl Lock {
    /// A new one.
    pub(super) fn make(password: Option<&Password>) -> Result<Self, Fault> {
        let Some(password) = password else { return Ok(Self::KeyFile) };
        let mut salt = [0; 16];
        rng().fill_bytes(&mut salt);
        let cost = PasswordPolicy::default().cost();
        Ok(Self::Password { salt, cost, key: stretch(password, &salt, cost)? })
    }

    pub(super) const fn protection(&self) -> Protection {
        match self {
            Self::KeyFile => Protection::KeyFile,
            Self::Password { .. } => Protection::Password,
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
        file.extend(&[VERSION]);
        match self {
            Self::KeyFile => {
                file.extend(&[PLAIN]);
                // Exposed: a key file in plain is what was asked for.
                file.extend(plain.expose_secret());
            }
            Self::Password { salt, cost, key } => {
                file.extend(&[UNDER_PASSWORD]);
                file.extend(salt);
                for number in [cost.memory_kib(), cost.passes(), cost.lanes()] {
                    file.extend(&number.to_be_bytes());
                }
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
                // Exposed: it is ciphertext by now.
                file.extend(plain.expose_secret());
                file.extend(&tag);
            }
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
        _ => Err(Fault::Damaged),
    }
}

/// The keys of a key file, the one to seal with first.
pub(super) fn open(file: &[u8], password: Option<&Password>) -> Result<(Lock, Vec<Key>), Fault> {
    match (check(file)?, password) {
        ((PLAIN, keys), None) => Ok((Lock::KeyFile, read_keys(keys)?)),
        ((PLAIN, _), Some(_)) => Err(Fault::NoPassword),
        ((UNDER_PASSWORD, _), None) => Err(Fault::PasswordNeeded),
        ((UNDER_PASSWORD, rest), Some(password)) => open_with(file, rest, password),
        _ => Err(Fault::Damaged),
    }
}

fn open_with(file: &[u8], rest: &[u8], password: &Password) -> Result<(Lock, Vec<Key>), Fault> {
    let (salt, rest) = rest.split_first_chunk::<16>().ok_or(Fault::Damaged)?;
    let (&[m0, m1, m2, m3, p0, p1, p2, p3, l0, l1, l2, l3], rest) =
        rest.split_first_chunk::<12>().ok_or(Fault::Damaged)?;
    let [memory, passes, lanes] =
        [[m0, m1, m2, m3], [p0, p1, p2, p3], [l0, l1, l2, l3]].map(u32::from_be_bytes);
    // Bounded before any work.
    let cost = Argon2Cost::read(memory, passes, lanes).map_err(work)?;
    let public = file.get(..8 + 1 + 1 + 16 + 12).ok_or(Fault::Damaged)?;
    let (nonce, rest) = rest.split_first_chunk::<12>().ok_or(Fault::Damaged)?;
    let (sealed, tag) = rest.split_last_chunk::<TAG>().ok_or(Fault::Damaged)?;
    let key = stretch(password, salt, cost)?;
    let mut keys = SecretBytes::from(sealed);
    Aes256Gcm::new((&*key.0).into())
        .decrypt_inout_detached(
            nonce.into(),
            public,
            // Exposed: decrypted in place.
            keys.expose_secret_mut().into(),
            tag.into(),
        )
        .map_err(|_| Fault::WrongPassword)?;
    // Exposed: to be moved to where they are used.
    let keys = read_keys(keys.expose_secret())?;
    Ok((Lock::Password { salt: *salt, cost, key }, keys))
}

/// The kind of an intact key file, and what follows it.
fn check(file: &[u8]) -> Result<(u8, &[u8]), Fault> {
    let (body, checksum) = file.split_last_chunk::<CHECKSUM>().ok_or(Fault::Damaged)?;
    let is_whole = Sha256::digest(body).as_slice() == checksum;
    match body.split_first_chunk::<8>() {
        Some((magic, [version, kind, rest @ ..])) if is_whole && *magic == MAGIC => {
            match *version {
                VERSION => Ok((*kind, rest)),
                version if version > VERSION => Err(Fault::Newer { version }),
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

fn work(error: MethodError) -> Fault {
    match error {
        MethodError::ExcessiveWork(_) | MethodError::NotAvailable { .. } => Fault::Memory,
        _ => Fault::Damaged,
    }
}
