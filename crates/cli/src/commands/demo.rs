use std::{
    error::Error,
    fs,
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
    answer::{Answer, Failure},
    codes::with_sources,
    demo::{self, Given},
};

/// The longest file that is read as a secret.
const MAX_FILE: u64 = 64 * 1024;

#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// Also do it with this secp256k1 private key: 32 raw bytes, or hex.
    #[arg(long, value_name = "FILE")]
    secp256k1_file: Option<PathBuf>,

    /// Also do it with this Ed25519 seed: 32 raw bytes, or hex.
    #[arg(long, value_name = "FILE")]
    ed25519_seed_file: Option<PathBuf>,

    /// Also do it with this BIP-39 mnemonic.
    #[arg(long, value_name = "FILE")]
    mnemonic_file: Option<PathBuf>,
}

impl Demo {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        let mut given = Vec::new();
        if let Some(path) = &self.secp256k1_file {
            let key = SigningKey::<Secp256k1>::from_bytes(raw(path)?.expose_secret())
                .map_err(|error| refused(path, &error))?;
            given.push(Given { from: shown(path), import: Import::Key(key) });
        }
        if let Some(path) = &self.ed25519_seed_file {
            given.push(secret(path, SecretKind::Ed25519Seed, raw(path)?)?);
        }
        if let Some(path) = &self.mnemonic_file {
            given.push(secret(path, SecretKind::Mnemonic, read(path)?)?);
        }
        let directory = tempfile::tempdir().map_err(|error| {
            Failure::new("unavailable", format!("no temporary directory: {error}"))
        })?;
        demo::run(directory.path(), given)
    }
}

fn secret(path: &Path, kind: SecretKind, bytes: SecretBytes) -> Result<Given, Failure> {
    let secret = WalletSecret::new(kind, &shown(path), bytes);
    let import = Import::Secret(secret.map_err(|error| refused(path, &error))?);
    Ok(Given { from: shown(path), import })
}

/// The bytes of a file. One line's end at the end of it is not part of the secret.
fn read(path: &Path) -> Result<SecretBytes, Failure> {
    let unreadable = |why: String| {
        Failure::new("file_unreadable", format!("{}: {why}", path.display()))
            .with("file", shown(path))
    };
    let length = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if length > MAX_FILE {
        return Err(unreadable(format!("{length} bytes are more than any such secret has")));
    }
    let mut bytes = SecretBytes::from(fs::read(path).map_err(|e| unreadable(e.to_string()))?);
    // To find the end of the line.
    let secret = bytes.expose_secret();
    let end = secret.strip_suffix(b"\n").unwrap_or(secret);
    let end = end.strip_suffix(b"\r").unwrap_or(end).len();
    if secret.len() != 32 {
        bytes.truncate(end);
    }
    Ok(bytes)
}

/// 32 bytes, as they are or in hex.
fn raw(path: &Path) -> Result<SecretBytes, Failure> {
    let bytes = read(path)?;
    // To be decoded.
    let text = bytes.expose_secret();
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
