//! A sealed record: a data key of its own, wrapped, and what it seals.
//!
//! ```text
//! record = 1 (u8) ‖ length of wrapped (u16) ‖ wrapped ‖ A256GCM(data key, iv 0, aad, secret)
//! ```
//!
//! The data key is random and seals once, so that the initialisation vector can be zero.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use twoshare_core::secret::SecretBytes;

use super::{Kms, KmsError, KmsKey};

const VERSION: u8 = 1;
const DATA_KEY_LEN: usize = 32;
const IV: [u8; 12] = [0; 12];

/// Why a record was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordError {
    /// It is not what was sealed, or not in its place.
    Damaged,
    /// The key-management service cannot be asked.
    Unavailable,
}

/// Seals a secret under a new data key.
pub(crate) async fn seal(
    kms: &dyn Kms,
    key: KmsKey,
    aad: &[u8],
    secret: &SecretBytes,
) -> Result<Vec<u8>, RecordError> {
    let mut data_key = SecretBytes::from(vec![0; DATA_KEY_LEN]);
    // Exposed: to be made.
    rand::Rng::fill_bytes(&mut rand::rng(), data_key.expose_secret_mut());
    let wrapped = kms.wrap(key, aad, &data_key).await.map_err(|_| RecordError::Unavailable)?;
    let length = u16::try_from(wrapped.len()).map_err(|_| RecordError::Unavailable)?;
    // Exposed: to the cipher, which seals it.
    let payload = Payload { msg: secret.expose_secret(), aad };
    let sealed =
        cipher(&data_key)?.encrypt(&IV.into(), payload).map_err(|_| RecordError::Unavailable)?;
    Ok([[VERSION].as_slice(), &length.to_be_bytes(), &wrapped, &sealed].concat())
}

/// Opens what [`seal`] made, in the same place.
pub(crate) async fn open(
    kms: &dyn Kms,
    key: KmsKey,
    aad: &[u8],
    record: &[u8],
) -> Result<SecretBytes, RecordError> {
    let (wrapped, sealed) = parts(record).ok_or(RecordError::Damaged)?;
    let data_key = kms.unwrap(key, aad, wrapped).await.map_err(|error| match error {
        KmsError::Refused => RecordError::Damaged,
        KmsError::Unavailable => RecordError::Unavailable,
    })?;
    let opened = cipher(&data_key)?.decrypt(&IV.into(), Payload { msg: sealed, aad });
    opened.map(SecretBytes::from).map_err(|_| RecordError::Damaged)
}

/// The wrapped data key of a record.
pub(crate) fn wrapped(record: &[u8]) -> Option<&[u8]> {
    parts(record).map(|(wrapped, _)| wrapped)
}

fn parts(record: &[u8]) -> Option<(&[u8], &[u8])> {
    let (version, rest) = record.split_first()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    (*version == VERSION).then_some(())?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

fn cipher(data_key: &SecretBytes) -> Result<Aes256Gcm, RecordError> {
    // Exposed: to the cipher.
    Aes256Gcm::new_from_slice(data_key.expose_secret()).map_err(|_| RecordError::Damaged)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "in a test a panic is the failure")]
mod tests {
    use twoshare_core::{
        digest::Digest,
        id::{CurveId, Epoch, OperationId, Purpose, WalletId},
    };

    use super::*;
    use crate::{
        UserId,
        kms::{LocalKms, Place},
    };

    #[tokio::test]
    async fn a_record_opens_in_its_own_place_only() {
        let (alice, bob) = (UserId::new("alice").unwrap(), UserId::new("bob").unwrap());
        let here = Place {
            purpose: Purpose::Backup,
            user: &alice,
            wallet: WalletId::from_bytes([1; 16]),
            key: 0,
            curve: CurveId::Ed25519,
            epoch: Epoch::FIRST,
            operation: OperationId::from_bytes([2; 16]),
            commitment: Digest::of(b"commitment"),
        };
        let kms = LocalKms::make(&mut rand::rng());
        let secret = SecretBytes::from(b"a share".as_slice());
        let sealed = seal(&kms, KmsKey::Shares, &here.to_bytes(), &secret).await.unwrap();
        let opened = open(&kms, KmsKey::Shares, &here.to_bytes(), &sealed).await.unwrap();
        assert_eq!(opened.expose_secret(), secret.expose_secret());

        let elsewhere = [
            Place { purpose: Purpose::Signing, ..here },
            Place { user: &bob, ..here },
            Place { wallet: WalletId::from_bytes([9; 16]), ..here },
            Place { key: 1, ..here },
            Place { curve: CurveId::Secp256k1, ..here },
            Place { epoch: Epoch::FIRST.next().unwrap(), ..here },
            Place { operation: OperationId::from_bytes([9; 16]), ..here },
            Place { commitment: Digest::of(b"another"), ..here },
        ];
        for place in elsewhere {
            let opened = open(&kms, KmsKey::Shares, &place.to_bytes(), &sealed).await;
            assert_eq!(opened.unwrap_err(), RecordError::Damaged, "{place:?}");
        }
        let methods = open(&kms, KmsKey::Methods, &here.to_bytes(), &sealed).await;
        assert_eq!(methods.unwrap_err(), RecordError::Damaged);
        let other = LocalKms::make(&mut rand::rng());
        let other = open(&other, KmsKey::Shares, &here.to_bytes(), &sealed).await;
        assert_eq!(other.unwrap_err(), RecordError::Damaged);
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            let opened = open(&kms, KmsKey::Shares, &here.to_bytes(), &damaged).await;
            assert_eq!(opened.unwrap_err(), RecordError::Damaged, "byte {at}");
            let cut = open(&kms, KmsKey::Shares, &here.to_bytes(), &sealed[..at]).await;
            assert_eq!(cut.unwrap_err(), RecordError::Damaged, "cut at {at}");
        }
        let again = seal(&kms, KmsKey::Shares, &here.to_bytes(), &secret).await.unwrap();
        assert_ne!(sealed, again, "each record has a key of its own");
    }
}
