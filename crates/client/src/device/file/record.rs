//! A sealed file.
//!
//! ```text
//! magic       8   89 54 57 4F 44 0D 0A 1A   ("\x89TWOD\r\n\x1a")
//! version     1   01
//! counter     8   big-endian
//! nonce      12   fresh for every file
//! sealed      …   AES-256-GCM of: 01 and the contents; or 00, for what was deleted
//! checksum   32   SHA-256 of everything before
//! ```
//!
//! The additional data are magic ‖ version ‖ subject ‖ counter, the subject being 01 ‖ wallet, or 02 for
//! the settings. The checksum tells a version that is newer from one that is damaged; nothing else hangs
//! on it.

use aes_gcm::{Aes256Gcm, KeyInit as _, aead::AeadInOut};
use rand_core::Rng as _;
use sha2::{Digest as _, Sha256};
use twoshare_core::{id::WalletId, secret::SecretBytes};

use super::{
    super::{Counter, MAX_RECORD},
    keyring::Key,
    vault::Fault,
};
use crate::client::rng;

const MAGIC: [u8; 8] = *b"\x89TWOD\r\n\x1a";
const VERSION: u8 = 1;
/// Magic, version, counter, nonce.
const HEADER: usize = 8 + 1 + 8 + 12;
const TAG: usize = 16;
const CHECKSUM: usize = 32;

/// The longest file.
pub(super) const MAX_FILE: usize = HEADER + 1 + MAX_RECORD + TAG + CHECKSUM;

/// What a file is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Wallet(WalletId),
    Settings,
}

/// What is in a file: a counter, and the contents unless they were deleted.
pub(super) struct Opened {
    pub(super) counter: Counter,
    pub(super) contents: Option<SecretBytes>,
}

/// Seals the contents, or the fact that there are none any more.
pub(super) fn seal(
    key: &Key,
    subject: Subject,
    counter: Counter,
    contents: Option<&SecretBytes>,
) -> Result<Vec<u8>, Fault> {
    let len = contents.map_or(0, SecretBytes::len);
    if len > MAX_RECORD {
        return Err(Fault::TooLarge { len, cap: MAX_RECORD });
    }
    let mut nonce = [0; 12];
    rng().fill_bytes(&mut nonce);
    let mut sealed = SecretBytes::with_capacity(1 + len);
    sealed.extend(&[u8::from(contents.is_some())]);
    if let Some(contents) = contents {
        // Exposed: to be encrypted where they are copied to.
        sealed.extend(contents.expose_secret());
    }
    let tag = Aes256Gcm::new((&*key.0).into())
        .encrypt_inout_detached(
            (&nonce).into(),
            &additional(subject, counter.get().to_be_bytes()),
            // Exposed: encrypted in place.
            sealed.expose_secret_mut().into(),
        )
        .map_err(|_| Fault::TooLarge { len, cap: MAX_RECORD })?;
    let mut file = Vec::with_capacity(HEADER + sealed.len() + TAG + CHECKSUM);
    file.extend_from_slice(&MAGIC);
    file.push(VERSION);
    file.extend_from_slice(&counter.get().to_be_bytes());
    file.extend_from_slice(&nonce);
    // Exposed: it is ciphertext by now.
    file.extend_from_slice(sealed.expose_secret());
    file.extend_from_slice(&tag);
    let checksum = Sha256::digest(&file);
    file.extend_from_slice(&checksum);
    Ok(file)
}

/// Opens a file with the one of the keys that it was sealed with.
pub(super) fn open(keys: &[Key], subject: Subject, file: &[u8]) -> Result<Opened, Fault> {
    let (body, checksum) = file.split_last_chunk::<CHECKSUM>().ok_or(Fault::Damaged)?;
    let is_whole = Sha256::digest(body).as_slice() == checksum;
    let (header, sealed) = body.split_first_chunk::<HEADER>().ok_or(Fault::Damaged)?;
    let (magic, header) = header.split_first_chunk::<8>().ok_or(Fault::Damaged)?;
    let [version, header @ ..] = header else { return Err(Fault::Damaged) };
    if !is_whole || *magic != MAGIC {
        return Err(Fault::Damaged);
    }
    match *version {
        VERSION => {}
        version if version > VERSION => return Err(Fault::Newer { version }),
        _ => return Err(Fault::Damaged),
    }
    let (number, nonce) = header.split_first_chunk::<8>().ok_or(Fault::Damaged)?;
    let nonce: &[u8; 12] = nonce.try_into().map_err(|_| Fault::Damaged)?;
    let counter = Counter::new(u64::from_be_bytes(*number)).ok_or(Fault::Damaged)?;
    let (ciphertext, tag) = sealed.split_last_chunk::<TAG>().ok_or(Fault::Damaged)?;
    for key in keys {
        let mut opened = SecretBytes::from(ciphertext);
        let decrypted = Aes256Gcm::new((&*key.0).into()).decrypt_inout_detached(
            nonce.into(),
            &additional(subject, *number),
            // Exposed: decrypted in place.
            opened.expose_secret_mut().into(),
            tag.into(),
        );
        if decrypted.is_err() {
            continue;
        }
        // Exposed: to be told apart, and moved.
        return match opened.expose_secret() {
            [0] => Ok(Opened { counter, contents: None }),
            [1, contents @ ..] => Ok(Opened { counter, contents: Some(contents.into()) }),
            _ => Err(Fault::Damaged),
        };
    }
    Err(Fault::Damaged)
}

/// The counter that a damaged file may have had, so that the next one is above it.
pub(super) fn counter_of_damaged(file: &[u8]) -> Counter {
    // A bit that is flipped high up would use the numbers up.
    const HIGHEST: u64 = 1 << 48;
    let number = file.get(9..17).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
    let number = number.filter(|number| *number <= HIGHEST).unwrap_or(HIGHEST);
    Counter::new(number).unwrap_or(Counter::FIRST)
}

fn additional(subject: Subject, counter: [u8; 8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(8 + 1 + 17 + 8);
    data.extend_from_slice(&MAGIC);
    data.push(VERSION);
    match subject {
        Subject::Wallet(wallet) => {
            data.push(1);
            data.extend_from_slice(&wallet.to_bytes());
        }
        Subject::Settings => data.push(2),
    }
    data.extend_from_slice(&counter);
    data
}
