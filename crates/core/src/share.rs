//! Two shares of a key, of which both are needed: degree-1 Feldman sharing (Feldman 1987).
//!
//! `f(z) = x + a·z`; the client holds `f(1)`, the custodian `f(2)`; `x = 2·f(1) − f(2)`. The
//! [`Commitment`] `[X, A] = [x·G, a·G]` is known to both, gives the public key, and lets either
//! check its share: `f(i)·G = X + i·A`. Alone, a share says nothing about the key.

mod any;
mod commitment;
mod encoding;
mod foreign;

use core::{fmt, marker::PhantomData};

use rand_core::CryptoRng;
use thiserror::Error;

pub use self::{
    any::{AnyClientShare, AnyCommitment, AnyCustodianShare, AnyShare},
    commitment::{Commitment, CommitmentError, VerifyingShare},
    foreign::{ForeignSharing, IndexError},
};
use crate::{
    curve::{Curve, SCALAR_LEN, SecretScalar, SigningKey, VerifyingKey, wiping},
    id::{CurveId, Epoch, Purpose, Role, Sharing, WalletId},
    secret::SecretBytes,
    vss,
    wire::Malformed,
};

/// Which key of which sharing a share is of. Its curve is in the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId {
    /// The sharing: wallet, purpose and epoch.
    pub sharing: Sharing,
    /// Which of the wallet's keys, from 0.
    pub index: u8,
}

/// The share of one role. Its value fits its commitment: there is no other way to make one.
///
/// Wiped on drop.
pub struct Share<C: Curve, R: HasRole> {
    id: KeyId,
    commitment: Commitment<C>,
    value: SecretScalar<C>,
    role: PhantomData<R>,
}

/// `f(1)`: what is on the user's device.
pub type ClientShare<C> = Share<C, Client>;

/// `f(2)`: what the custodian's server holds.
pub type CustodianShare<C> = Share<C, Custodian>;

/// The role of a client, as a type.
#[derive(Debug, Clone, Copy)]
pub enum Client {}

/// The role of a custodian, as a type.
#[derive(Debug, Clone, Copy)]
pub enum Custodian {}

/// A role as a type: [`Client`] or [`Custodian`]. Sealed.
pub trait HasRole: sealed::Sealed + Copy + fmt::Debug + Send + Sync + 'static {
    /// The same role as a value.
    const ROLE: Role;
}

impl HasRole for Client {
    const ROLE: Role = Role::Client;
}

impl HasRole for Custodian {
    const ROLE: Role = Role::Custodian;
}

mod sealed {
    /// Keeps the roles two.
    pub trait Sealed {}
    impl Sealed for super::Client {}
    impl Sealed for super::Custodian {}
}

impl<C: Curve, R: HasRole> Share<C, R> {
    /// The share with this value, 32 bytes in the curve's byte order, once it is found to be what
    /// `commitment` says.
    ///
    /// # Errors
    ///
    /// [`ShareError::Length`], [`ShareError::OutOfRange`] and [`ShareError::NotCommitted`].
    pub fn new(id: KeyId, commitment: Commitment<C>, value: &[u8]) -> Result<Self, ShareError> {
        let value = value
            .try_into()
            .map_err(|_| ShareError::Length { expected: SCALAR_LEN, found: value.len() })?;
        wiping(|| {
            let value = SecretScalar::from_bytes(value).ok_or(ShareError::OutOfRange)?;
            commitment.verify(R::ROLE, &value)?;
            Ok(Self::from_parts(id, commitment, value))
        })
    }

    /// The share that [`to_bytes`](Self::to_bytes) wrote, checked again.
    ///
    /// # Errors
    ///
    /// See [`ShareError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ShareError> {
        encoding::Parts::read(bytes)?.check()
    }

    /// Everything about this share, as deterministic CBOR.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        encoding::write(self)
    }

    /// Which key of which sharing this is a share of.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The commitment of its sharing.
    #[must_use]
    pub const fn commitment(&self) -> &Commitment<C> {
        &self.commitment
    }

    /// The public key that is shared.
    #[must_use]
    pub const fn verifying_key(&self) -> &VerifyingKey<C> {
        self.commitment.verifying_key()
    }

    /// The value `f(i)`, 32 bytes in the curve's byte order, for a signing library. Say beside
    /// each call why it must be seen there.
    #[must_use]
    pub fn expose_secret(&self) -> SecretBytes {
        self.value.expose_secret()
    }

    /// For a value that is known to fit.
    pub(crate) const fn from_parts(
        id: KeyId,
        commitment: Commitment<C>,
        value: SecretScalar<C>,
    ) -> Self {
        Self { id, commitment, value, role: PhantomData }
    }

    pub(crate) const fn value(&self) -> &SecretScalar<C> {
        &self.value
    }
}

impl<C: Curve, R: HasRole> Clone for Share<C, R> {
    fn clone(&self) -> Self {
        Self::from_parts(self.id, self.commitment.clone(), self.value.clone())
    }
}

impl<C: Curve, R: HasRole> zeroize::ZeroizeOnDrop for Share<C, R> {}

impl<C: Curve, R: HasRole> fmt::Debug for Share<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share")
            .field("role", &R::ROLE)
            .field("id", &self.id)
            .field("commitment", &self.commitment)
            .field("value", &format_args!("redacted"))
            .finish()
    }
}

/// Shares `key`, which the caller holds whole, into its two shares.
pub fn split<C: Curve, R: CryptoRng + ?Sized>(
    key: &SigningKey<C>,
    id: KeyId,
    rng: &mut R,
) -> (ClientShare<C>, CustodianShare<C>) {
    wiping(|| {
        loop {
            let dealt = vss::deal(key.scalar(), rng);
            let slope = dealt.slope.mul_base();
            // Fails where the slope or a share is zero: one time in 2²⁵⁰.
            if let Ok(commitment) = Commitment::from_points(*key.verifying_key(), slope) {
                return (
                    Share::from_parts(id, commitment.clone(), dealt.client),
                    Share::from_parts(id, commitment, dealt.custodian),
                );
            }
        }
    })
}

/// The key from its two shares, once they are found to be of one sharing, and the key to be the
/// one `expected`.
///
/// # Errors
///
/// See [`ReconstructError`].
pub fn reconstruct<C: Curve>(
    client: &ClientShare<C>,
    custodian: &CustodianShare<C>,
    expected: &VerifyingKey<C>,
) -> Result<SigningKey<C>, ReconstructError> {
    let (ours, theirs) = (client.id, custodian.id);
    if ours.sharing.wallet != theirs.sharing.wallet {
        return Err(ReconstructError::WalletMismatch {
            client: ours.sharing.wallet,
            custodian: theirs.sharing.wallet,
        });
    }
    if ours.sharing.purpose != theirs.sharing.purpose {
        return Err(ReconstructError::PurposeMismatch {
            client: ours.sharing.purpose,
            custodian: theirs.sharing.purpose,
        });
    }
    if ours.sharing.epoch != theirs.sharing.epoch {
        return Err(ReconstructError::EpochMismatch {
            client: ours.sharing.epoch,
            custodian: theirs.sharing.epoch,
        });
    }
    if ours.index != theirs.index {
        return Err(ReconstructError::KeyIndexMismatch {
            client: ours.index,
            custodian: theirs.index,
        });
    }
    if client.commitment != custodian.commitment {
        return Err(ReconstructError::CommitmentMismatch);
    }
    if client.verifying_key() != expected {
        return Err(ReconstructError::KeyMismatch);
    }
    wiping(|| {
        let scalar = client.value.double().sub(&custodian.value);
        // Follows from the above, unless memory failed in between; a wrong key must never leave
        // here.
        if scalar.mul_base() == *expected.point() {
            Ok(SigningKey::from_parts(scalar, *expected))
        } else {
            Err(ReconstructError::KeyMismatch)
        }
    })
}

/// Why bytes are not a share. Nothing of the share is used then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ShareError {
    /// Not an encoding of a share: damaged, or something else. Try another copy.
    #[error("not the encoding of a share")]
    Malformed,
    /// Written by a newer version of this library: update it.
    #[error("version {found} of the encoding is newer than {supported}, the newest known here")]
    NewerVersion {
        /// The version of these bytes.
        found: u64,
        /// The newest version read here.
        supported: u64,
    },
    /// The other party's share: the caller confused the two.
    #[error("a share of the {expected} was expected, not of the {found}")]
    RoleMismatch {
        /// Whose share was asked for.
        expected: Role,
        /// Whose share it is.
        found: Role,
    },
    /// A share of a key on another curve: the caller confused two keys of the wallet.
    #[error("a share on {expected} was expected, not on {found}")]
    CurveMismatch {
        /// The curve that was asked for.
        expected: CurveId,
        /// The curve of the share.
        found: CurveId,
    },
    /// The commitment is none. Try another copy; a share with such a commitment was never made here.
    #[error("the commitment of the share is refused")]
    Commitment(#[from] CommitmentError),
    /// The value has another number of bytes than 32.
    #[error("a value of {expected} bytes was expected, not {found}")]
    Length {
        /// How many bytes a value has.
        expected: usize,
        /// How many there were.
        found: usize,
    },
    /// The value is not below the order of the group: damaged. Try another copy.
    #[error("the value is not below the order of the group")]
    OutOfRange,
    /// The value is not the one committed to: damaged, or of another epoch, wallet or role. Try
    /// another copy.
    #[error("the value is not the one that the commitment is to")]
    NotCommitted,
}

impl From<Malformed> for ShareError {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

/// Why two shares do not give the key that is expected. No key is returned then: shares that were
/// mixed up would give a wrong one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReconstructError {
    /// The shares are of two wallets: choose those of one.
    #[error("the client's share is of wallet {client}, the custodian's of wallet {custodian}")]
    WalletMismatch {
        /// The wallet of the client's share.
        client: WalletId,
        /// The wallet of the custodian's share.
        custodian: WalletId,
    },
    /// One is a signing share, the other a backup share: choose two of one purpose.
    #[error("the client's share is for {client}, the custodian's for {custodian}")]
    PurposeMismatch {
        /// The purpose of the client's share.
        client: Purpose,
        /// The purpose of the custodian's share.
        custodian: Purpose,
    },
    /// The shares are of two epochs: get both of the newer one, or of the one that the other party
    /// still has.
    #[error("the client's share is of epoch {client}, the custodian's of epoch {custodian}")]
    EpochMismatch {
        /// The epoch of the client's share.
        client: Epoch,
        /// The epoch of the custodian's share.
        custodian: Epoch,
    },
    /// The shares are of two keys of the wallet: choose those of one.
    #[error("the client's share is of key {client}, the custodian's of key {custodian}")]
    KeyIndexMismatch {
        /// The key of the client's share.
        client: u8,
        /// The key of the custodian's share.
        custodian: u8,
    },
    /// The shares are on two curves: choose those of one.
    #[error("the client's share is on {client}, the custodian's on {custodian}")]
    CurveMismatch {
        /// The curve of the client's share.
        client: CurveId,
        /// The curve of the custodian's share.
        custodian: CurveId,
    },
    /// Both name the same sharing, but were made by two: an operation that one side abandoned, or
    /// a forgery. Do not trust either until the custodian's state says which one was committed.
    #[error("the shares name the same sharing but are of two")]
    CommitmentMismatch,
    /// The shares fit each other, but their key is not the one expected: another wallet's, or one
    /// that somebody substituted.
    #[error("the key of these shares is not the one expected")]
    KeyMismatch,
}

#[cfg(test)]
mod tests;
