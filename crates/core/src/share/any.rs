use rand_core::CryptoRng;

use super::{
    Client, Commitment, CommitmentError, Custodian, HasRole, KeyId, ReconstructError, Share,
    ShareError, encoding::Parts, reconstruct, split,
};
use crate::{
    curve::{AnySigningKey, AnyVerifyingKey, any_curve, each},
    id::{CurveId, Role},
    secret::SecretBytes,
};

any_curve! {
    /// A [`Commitment`] on any curve.
    #[derive(Clone, PartialEq, Eq)]
    pub enum AnyCommitment = Commitment
}

impl AnyCommitment {
    /// The commitment of a key of `curve` with this encoding.
    ///
    /// # Errors
    ///
    /// See [`CommitmentError`].
    pub fn from_bytes(curve: CurveId, bytes: &[u8]) -> Result<Self, CommitmentError> {
        match curve {
            CurveId::Secp256k1 => Commitment::from_bytes(bytes).map(Self::Secp256k1),
            CurveId::Ed25519 => Commitment::from_bytes(bytes).map(Self::Ed25519),
        }
    }

    /// The encodings of `X` and `A`, one after the other; the curve is not in it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        each!(self, commitment => commitment.to_bytes())
    }

    /// `X`, the public key that is shared.
    #[must_use]
    pub fn verifying_key(&self) -> AnyVerifyingKey {
        each!(self, commitment => (*commitment.verifying_key()).into())
    }

    /// Whether both have the same slope: then the two sharings are one, whatever they are called.
    pub(crate) fn has_slope_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Secp256k1(ours), Self::Secp256k1(theirs)) => ours.slope() == theirs.slope(),
            (Self::Ed25519(ours), Self::Ed25519(theirs)) => ours.slope() == theirs.slope(),
            (Self::Secp256k1(_), Self::Ed25519(_)) | (Self::Ed25519(_), Self::Secp256k1(_)) => {
                false
            }
        }
    }

    /// The encoding of `F_i = f(i)·G`, which belongs to the share of `role`.
    #[must_use]
    pub fn verifying_share(&self, role: Role) -> Vec<u8> {
        each!(self, commitment => commitment.verifying_share(role).to_bytes().to_vec())
    }
}

any_curve! {
    /// A [`Share`] on any curve.
    #[derive(Clone)]
    pub enum AnyShare<R: HasRole> = Share
}

/// A [`ClientShare`](super::ClientShare) on any curve.
pub type AnyClientShare = AnyShare<Client>;

/// A [`CustodianShare`](super::CustodianShare) on any curve.
pub type AnyCustodianShare = AnyShare<Custodian>;

impl<R: HasRole> AnyShare<R> {
    /// The share with this value, once it is found to be what `commitment` says.
    ///
    /// # Errors
    ///
    /// As [`Share::new`].
    pub fn new(id: KeyId, commitment: AnyCommitment, value: &[u8]) -> Result<Self, ShareError> {
        match commitment {
            AnyCommitment::Secp256k1(commitment) => {
                Share::new(id, commitment, value).map(Self::Secp256k1)
            }
            AnyCommitment::Ed25519(commitment) => {
                Share::new(id, commitment, value).map(Self::Ed25519)
            }
        }
    }

    /// The share that [`to_bytes`](Self::to_bytes) wrote, checked again.
    ///
    /// # Errors
    ///
    /// See [`ShareError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ShareError> {
        let parts = Parts::read(bytes)?;
        match parts.curve {
            CurveId::Secp256k1 => parts.check().map(Self::Secp256k1),
            CurveId::Ed25519 => parts.check().map(Self::Ed25519),
        }
    }

    /// Everything about this share, as deterministic CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        each!(self, share => share.to_bytes())
    }

    /// Which key of which sharing this is a share of.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        each!(self, share => share.id())
    }

    /// The commitment of its sharing.
    #[must_use]
    pub fn commitment(&self) -> AnyCommitment {
        each!(self, share => share.commitment().clone().into())
    }

    /// The public key that is shared.
    #[must_use]
    pub fn verifying_key(&self) -> AnyVerifyingKey {
        each!(self, share => (*share.verifying_key()).into())
    }

    /// The value `f(i)`, 32 bytes in the curve's byte order, for a signing library. Say beside
    /// each call why it must be seen there.
    #[must_use]
    pub fn expose_secret(&self) -> SecretBytes {
        each!(self, share => share.expose_secret())
    }
}

impl AnySigningKey {
    /// [`split`] on any curve.
    pub fn split<R: CryptoRng + ?Sized>(
        &self,
        id: KeyId,
        rng: &mut R,
    ) -> (AnyClientShare, AnyCustodianShare) {
        each!(self, key => {
            let (client, custodian) = split(key, id, rng);
            (client.into(), custodian.into())
        })
    }

    /// [`reconstruct`] on any curve.
    ///
    /// # Errors
    ///
    /// See [`ReconstructError`].
    pub fn reconstruct(
        client: &AnyClientShare,
        custodian: &AnyCustodianShare,
        expected: &AnyVerifyingKey,
    ) -> Result<Self, ReconstructError> {
        match (client, custodian) {
            (AnyShare::Secp256k1(client), AnyShare::Secp256k1(custodian)) => {
                let AnyVerifyingKey::Secp256k1(expected) = expected else {
                    return Err(ReconstructError::KeyMismatch);
                };
                reconstruct(client, custodian, expected).map(Self::Secp256k1)
            }
            (AnyShare::Ed25519(client), AnyShare::Ed25519(custodian)) => {
                let AnyVerifyingKey::Ed25519(expected) = expected else {
                    return Err(ReconstructError::KeyMismatch);
                };
                reconstruct(client, custodian, expected).map(Self::Ed25519)
            }
            _ => Err(ReconstructError::CurveMismatch {
                client: client.curve(),
                custodian: custodian.curve(),
            }),
        }
    }
}
