//! The embedded key-management service: a master key in a file.

use core::fmt;
use std::{io, path::Path};

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use async_trait::async_trait;
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::Sha256;
use thiserror::Error;
use twoshare_core::secret::SecretBytes;
use zeroize::Zeroizing;

use super::{Kms, KmsError, KmsKey};
use crate::files;

const MASTER_KEY_LEN: usize = 32;
const SALT_LEN: usize = 32;

/// Wraps data keys under a master key that is kept in a file of mode 0600.
///
/// ```text
/// wrapped = salt (32, random) ‖ A256GCM(k, iv 0, context, data key)
/// k       = HKDF-SHA-256(master key, salt, "twoshare/v1/custodian/kms/" ‖ name of the key)
/// ```
///
/// Each wrapping has a key of its own, so that there is no number of records after which random
/// initialisation vectors would repeat.
pub struct LocalKms {
    master: SecretBytes,
}

/// Why there is no master key.
#[derive(Debug, Error)]
pub enum LocalKmsError {
    /// The file cannot be read or written: check its rights and the disk.
    #[error("the master key cannot be read or written")]
    File(#[source] io::Error),
    /// The file is not a master key: restore it.
    #[error("the file is not a master key")]
    Malformed,
}

impl LocalKms {
    /// The key in this file.
    ///
    /// # Errors
    ///
    /// See [`LocalKmsError`].
    pub fn open(path: &Path) -> Result<Self, LocalKmsError> {
        let text = files::read_secret(path).map_err(LocalKmsError::File)?;
        let mut master = SecretBytes::from(vec![0; MASTER_KEY_LEN]);
        // Exposed: to be decoded.
        hex::decode_to_slice(text.expose_secret().trim_ascii(), master.expose_secret_mut())
            .map_err(|_| LocalKmsError::Malformed)?;
        Ok(Self { master })
    }

    /// A new key, written to this file durably. A file that is there already is left as it is.
    ///
    /// # Errors
    ///
    /// See [`LocalKmsError`].
    pub fn create<R: CryptoRng + ?Sized>(path: &Path, rng: &mut R) -> Result<Self, LocalKmsError> {
        let kms = Self::make(rng);
        let mut text = SecretBytes::from(vec![b'\n'; 2 * MASTER_KEY_LEN + 1]);
        let master = kms.master.expose_secret();
        if let Some(digits) = text.expose_secret_mut().get_mut(..2 * MASTER_KEY_LEN) {
            // Exposed: to be written to the operator's own file. The length fits.
            hex::encode_to_slice(master, digits).map_err(|_| LocalKmsError::Malformed)?;
        }
        files::create_secret(path, &text).map_err(LocalKmsError::File)?;
        Ok(kms)
    }

    /// A new key that is kept nowhere: for tests.
    #[must_use]
    pub fn make<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut master = SecretBytes::from(vec![0; MASTER_KEY_LEN]);
        // Exposed: to be made.
        rng.fill_bytes(master.expose_secret_mut());
        Self { master }
    }

    fn cipher(&self, key: KmsKey, salt: &[u8]) -> Result<Aes256Gcm, KmsError> {
        let mut derived = Zeroizing::new([0; 32]);
        // Exposed: to the derivation.
        Hkdf::<Sha256>::new(Some(salt), self.master.expose_secret())
            .expand_multi_info(
                &[b"twoshare/v1/custodian/kms/", key.name().as_bytes()],
                derived.as_mut(),
            )
            .map_err(|_| KmsError::Refused)?;
        Aes256Gcm::new_from_slice(derived.as_ref()).map_err(|_| KmsError::Refused)
    }
}

#[async_trait]
impl Kms for LocalKms {
    async fn wrap(
        &self,
        key: KmsKey,
        context: &[u8],
        data_key: &SecretBytes,
    ) -> Result<Vec<u8>, KmsError> {
        let mut salt = [0; SALT_LEN];
        rand::Rng::fill_bytes(&mut rand::rng(), &mut salt);
        // Exposed: to the cipher, which seals it.
        let payload = Payload { msg: data_key.expose_secret(), aad: context };
        let sealed = self
            .cipher(key, &salt)?
            .encrypt(&[0; 12].into(), payload)
            .map_err(|_| KmsError::Refused)?;
        Ok([salt.as_slice(), &sealed].concat())
    }

    async fn unwrap(
        &self,
        key: KmsKey,
        context: &[u8],
        wrapped: &[u8],
    ) -> Result<SecretBytes, KmsError> {
        let (salt, sealed) = wrapped.split_at_checked(SALT_LEN).ok_or(KmsError::Refused)?;
        let payload = Payload { msg: sealed, aad: context };
        let opened = self.cipher(key, salt)?.decrypt(&[0; 12].into(), payload);
        opened.map(SecretBytes::from).map_err(|_| KmsError::Refused)
    }
}

impl fmt::Debug for LocalKms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LocalKms(redacted)")
    }
}
