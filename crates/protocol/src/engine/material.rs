//! What a custodian keeps of one epoch.

use core::fmt;
use std::sync::{Arc, OnceLock};

use thiserror::Error;
use twoshare_core::{
    id::CurveId,
    share::{AnyCommitment, AnyCustodianShare},
};

/// What is stored does not fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("what is stored of the wallet does not fit together")]
pub struct Damaged;

/// A commitment as it is stored: its points are decoded when they are first needed.
#[derive(Clone)]
pub struct StoredCommitment(Arc<Stored>);

struct Stored {
    curve: CurveId,
    bytes: Vec<u8>,
    decoded: OnceLock<Option<AnyCommitment>>,
}

impl StoredCommitment {
    /// The commitment of a key of this curve with this encoding, as the caller stored it.
    #[must_use]
    pub fn new(curve: CurveId, bytes: Vec<u8>) -> Self {
        Self(Arc::new(Stored { curve, bytes, decoded: OnceLock::new() }))
    }

    /// Its curve.
    #[must_use]
    pub fn curve(&self) -> CurveId {
        self.0.curve
    }

    /// Its encoding.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0.bytes
    }

    /// The commitment.
    ///
    /// # Errors
    ///
    /// It is not what was stored.
    pub fn decode(&self) -> Result<&AnyCommitment, Damaged> {
        let decode = || AnyCommitment::from_bytes(self.0.curve, &self.0.bytes).ok();
        self.0.decoded.get_or_init(decode).as_ref().ok_or(Damaged)
    }
}

impl From<AnyCommitment> for StoredCommitment {
    fn from(commitment: AnyCommitment) -> Self {
        let (curve, bytes) = (commitment.curve(), commitment.to_bytes());
        Self(Arc::new(Stored { curve, bytes, decoded: OnceLock::from(Some(commitment)) }))
    }
}

impl fmt::Debug for StoredCommitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredCommitment({}, {} bytes)", self.0.curve, self.0.bytes.len())
    }
}

/// What a custodian keeps of one epoch: the commitments of the keys, in their order, and the shares
/// where they are at hand.
#[derive(Debug, Clone)]
pub struct Material {
    commitments: Vec<StoredCommitment>,
    shares: Option<Vec<AnyCustodianShare>>,
}

impl Material {
    /// An epoch whose shares are sealed.
    #[must_use]
    pub const fn sealed(commitments: Vec<StoredCommitment>) -> Self {
        Self { commitments, shares: None }
    }

    /// An epoch whose shares are at hand.
    #[must_use]
    pub fn of_shares(shares: Vec<AnyCustodianShare>) -> Self {
        let commitments = shares.iter().map(|share| share.commitment().into()).collect();
        Self { commitments, shares: Some(shares) }
    }

    /// The shares, unless they are sealed.
    #[must_use]
    pub fn shares(&self) -> Option<&[AnyCustodianShare]> {
        self.shares.as_deref()
    }

    /// The commitments of the keys, in their order.
    #[must_use]
    pub fn stored(&self) -> &[StoredCommitment] {
        &self.commitments
    }

    /// The same, decoded.
    ///
    /// # Errors
    ///
    /// One is not what was stored.
    pub fn commitments(&self) -> Result<Vec<AnyCommitment>, Damaged> {
        self.commitments.iter().map(|stored| stored.decode().cloned()).collect()
    }

    /// The curves of the keys, in their order.
    #[must_use]
    pub fn curves(&self) -> Vec<CurveId> {
        self.commitments.iter().map(StoredCommitment::curve).collect()
    }
}

/// The shares as storage gives them back: decoded, and checked against their commitments again.
///
/// # Errors
///
/// One of them is not what it was.
pub fn read_back(shares: &[AnyCustodianShare]) -> Result<Vec<AnyCustodianShare>, Damaged> {
    let read = |share: &AnyCustodianShare| {
        // Exposed: to the decoder only.
        AnyCustodianShare::from_bytes(share.to_bytes().expose_secret()).map_err(|_| Damaged)
    };
    shares.iter().map(read).collect()
}
