//! Where the custodian's signing shares live.

use core::fmt;

use async_trait::async_trait;
use thiserror::Error;
use twoshare_core::secret::SecretBytes;

use crate::kms::Place;

/// Keeps the custodian's signing shares for the signing service that uses them: an HSM, or another
/// database. Without one they are sealed into the repository like everything else.
///
/// The service puts a share when its epoch is prepared, and keeps the reference in the place where
/// the sealed share would be; a share that is put and never committed is forgotten with
/// [`forget`](Self::forget), as is one whose epoch has ended.
#[async_trait]
pub trait SigningShares: Send + Sync + fmt::Debug {
    /// Keeps a share, durably, and says under which reference (at most 1024 bytes). Repeating it
    /// for the same place may give another reference.
    async fn put(
        &self,
        place: &Place<'_>,
        share: &SecretBytes,
    ) -> Result<Vec<u8>, SigningSharesError>;

    /// The share under this reference.
    async fn get(
        &self,
        place: &Place<'_>,
        reference: &[u8],
    ) -> Result<SecretBytes, SigningSharesError>;

    /// The share under this reference is over. Called after what ended it is durable; a crash in
    /// between loses the call, so that a holder that must know compares with what is active.
    async fn forget(&self, reference: &[u8]);
}

/// Why a signing share was not kept or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SigningSharesError {
    /// What is there is not what was put.
    #[error("the signing share is damaged or gone")]
    Damaged,
    /// It could not be asked: try again.
    #[error("the holder of signing shares is unavailable")]
    Unavailable,
}
