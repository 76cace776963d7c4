//! Keys that seal what is stored: each record has a data key of its own, which a key-management
//! service wraps.

use core::fmt;

use async_trait::async_trait;
use thiserror::Error;
use twoshare_core::{
    digest::Digest,
    id::{CurveId, Epoch, OperationId, Purpose, WalletId},
    secret::SecretBytes,
};

use crate::UserId;

mod local;
pub(crate) mod record;

pub use self::local::{LocalKms, LocalKmsError};

/// Which key of the key-management service: what belongs to one must not open the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KmsKey {
    /// Custodian shares, and the custodian's own identity.
    Shares,
    /// What hardens or holds a user's method: OPRF and passkey keys.
    Methods,
}

impl KmsKey {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shares => "shares",
            Self::Methods => "methods",
        }
    }
}

/// A key-management service. It sees data keys, never what they seal.
///
/// There is room for keys that live outside the database and its backups, one for each epoch: `wrap`
/// may make one and name it in what it returns, and `forget` is told what has ended.
#[async_trait]
pub trait Kms: Send + Sync + fmt::Debug {
    /// Wraps a data key of 32 bytes under this key, bound to this context. At most 1024 bytes.
    async fn wrap(
        &self,
        key: KmsKey,
        context: &[u8],
        data_key: &SecretBytes,
    ) -> Result<Vec<u8>, KmsError>;

    /// The data key that was wrapped under this key, in this context.
    async fn unwrap(
        &self,
        key: KmsKey,
        context: &[u8],
        wrapped: &[u8],
    ) -> Result<SecretBytes, KmsError>;

    /// What was wrapped as this is deleted for good. Whoever keeps a key for each epoch destroys it.
    async fn forget(&self, key: KmsKey, wrapped: &[u8]) {
        let _ = (key, wrapped);
    }
}

/// Why a data key was not wrapped or unwrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KmsError {
    /// It was not wrapped by this key in this context: the record is damaged or in another's place,
    /// or this is another master key.
    #[error("the data key was not wrapped by this key in this context")]
    Refused,
    /// It could not be asked: try again.
    #[error("the key-management service is unavailable")]
    Unavailable,
}

/// Where a share belongs: what its record is bound to, so that it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Signing or backup.
    pub purpose: Purpose,
    /// Whose wallet.
    pub user: &'a UserId,
    /// The wallet.
    pub wallet: WalletId,
    /// The index of the key in the wallet.
    pub key: u8,
    /// The curve of the key.
    pub curve: CurveId,
    /// The epoch.
    pub epoch: Epoch,
    /// The operation that made it.
    pub operation: OperationId,
    /// SHA-256 of the share's commitment.
    pub commitment: Digest,
}

impl Place<'_> {
    /// The bytes that stand for it as additional data.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let user = self.user.as_str().as_bytes();
        let length = u16::try_from(user.len()).unwrap_or(u16::MAX).to_be_bytes();
        [
            b"twoshare/v1/custodian/share".as_slice(),
            &[self.purpose.number(), self.curve.number(), self.key],
            &self.wallet.to_bytes(),
            &self.epoch.get().to_be_bytes(),
            &self.operation.to_bytes(),
            &self.commitment.to_bytes(),
            &length,
            user,
        ]
        .concat()
    }
}
