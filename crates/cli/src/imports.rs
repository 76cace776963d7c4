//! Secrets from the user's files, for wallets that are made of them.

use std::{
    error::Error,
    fs::File,
    io,
    path::{Path, PathBuf},
};

use twoshare::{
    Import,
    core::{
        curve::{Secp256k1, SigningKey},
        sealed::{SecretKind, WalletSecret},
        secret::SecretBytes,
    },
};

use crate::{
    answer::Failure,
    codes::with_sources,
    files::unreadable,
    secrets::{read_bounded, standard_input},
};

/// The longest file that is read as a secret: 1 MiB, and a line's end.
const MAX_FILE: usize = (1 << 20) + 2;

/// The files that say what a wallet is made of, each given as often as there are such secrets.
#[derive(Debug, clap::Args)]
pub(crate) struct SecretFiles {
    /// A secp256k1 private key: 32 raw bytes, or hex.
    #[arg(long, value_name = "FILE")]
    secp256k1_file: Vec<PathBuf>,

    /// An Ed25519 seed: 32 raw bytes, or hex.
    #[arg(long, value_name = "FILE")]
    ed25519_seed_file: Vec<PathBuf>,

    /// A BIP-39 mnemonic.
    #[arg(long, value_name = "FILE")]
    mnemonic_file: Vec<PathBuf>,
}

/// One secret of the user.
#[derive(Debug)]
pub(crate) struct Given {
    /// The name of its file.
    pub(crate) from: String,
    /// What it is.
    pub(crate) import: Import,
}

impl SecretFiles {
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        let Self { secp256k1_file, ed25519_seed_file, mnemonic_file } = self;
        [secp256k1_file, ed25519_seed_file, mnemonic_file]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
    }

    /// Reads them: keys first, then seeds, then mnemonics.
    pub(crate) fn read(&self) -> Result<Vec<Given>, Failure> {
        let mut given = Vec::new();
        for path in &self.secp256k1_file {
            // To be decoded.
            let key = SigningKey::<Secp256k1>::from_bytes(raw(path)?.expose_secret())
                .map_err(|error| refused(path, &error))?;
            given.push(Given { from: shown(path), import: Import::Key(key) });
        }
        for path in &self.ed25519_seed_file {
            given.push(secret(path, SecretKind::Ed25519Seed, &shown(path), raw(path)?)?);
        }
        for path in &self.mnemonic_file {
            given.push(secret(path, SecretKind::Mnemonic, &shown(path), line(path)?)?);
        }
        Ok(given)
    }
}

/// A file of bytes that only their owner understands; every byte is kept.
pub(crate) fn opaque(path: &Path, label: &str) -> Result<Given, Failure> {
    secret(path, SecretKind::Opaque, label, read(path)?)
}

fn secret(
    path: &Path,
    kind: SecretKind,
    label: &str,
    bytes: SecretBytes,
) -> Result<Given, Failure> {
    let secret = WalletSecret::new(kind, label, bytes).map_err(|error| refused(path, &error))?;
    Ok(Given { from: shown(path), import: Import::Secret(secret) })
}

/// The bytes of a file, or of standard input for `-`.
fn read(path: &Path) -> Result<SecretBytes, Failure> {
    let bytes = match path == Path::new("-") {
        true => standard_input().and_then(|input| read_bounded(input, MAX_FILE)),
        false => File::open(path).and_then(|file| read_bounded(file, MAX_FILE)),
    };
    let bytes = bytes.map_err(unreadable(path))?;
    if bytes.len() > MAX_FILE {
        let why = io::Error::other(format!("more than the {MAX_FILE} bytes of any such secret"));
        return Err(unreadable(path)(why));
    }
    Ok(bytes)
}

/// The text of a file. One line's end at the end of it is not part of the secret.
fn line(path: &Path) -> Result<SecretBytes, Failure> {
    let mut bytes = read(path)?;
    // To find the end of the line.
    let secret = bytes.expose_secret();
    let end = secret.strip_suffix(b"\n").unwrap_or(secret);
    let end = end.strip_suffix(b"\r").unwrap_or(end).len();
    bytes.truncate(end);
    Ok(bytes)
}

/// 32 bytes, as they are or in hex.
fn raw(path: &Path) -> Result<SecretBytes, Failure> {
    let bytes = read(path)?;
    if bytes.len() == 32 {
        return Ok(bytes);
    }
    // To be decoded.
    let text = bytes.expose_secret().trim_ascii_end();
    let text = text.strip_prefix(b"0x").unwrap_or(text);
    if text.len() != 64 {
        return Ok(bytes);
    }
    let mut raw = SecretBytes::with_capacity(32);
    for pair in text.chunks_exact(2) {
        let mut digits = pair.iter().map(|digit| char::from(*digit).to_digit(16));
        let byte = digits.try_fold(0, |byte, digit| Some(byte * 16 + digit?));
        match byte.and_then(|byte| u8::try_from(byte).ok()) {
            Some(byte) => raw.extend(&[byte]),
            None => return Ok(bytes),
        }
    }
    Ok(raw)
}

fn refused(path: &Path, error: &dyn Error) -> Failure {
    let message = format!("{}: {}", path.display(), with_sources(error));
    Failure::misuse("secret_refused", message).with("file", shown(path))
}

fn shown(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
