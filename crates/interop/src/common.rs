//! What is the same for every library.

use thiserror::Error;
use twoshare_core::{
    curve::{Curve, Ed25519, PointError, Secp256k1, VerifyingKey},
    id::{CurveId, Purpose, Role},
    share::{
        AnyShare, CommitmentError, ForeignSharing, HasRole, IndexError, KeyId, Share, ShareError,
    },
};

/// Why a library's share was not taken over. Nothing of it is used then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ImportError {
    /// The share was to become a backup share: only signing shares come from a library. Name the signing
    /// epoch; the backup is made of it by resharing.
    #[error("a library's share is a signing share, and none for {found}")]
    Purpose {
        /// What it was to be for.
        found: Purpose,
    },
    /// Another number of parties than two have shares of the key. A recovery could not end the shares of
    /// the others: reshare to two with the library first.
    #[error("{found} parties share the key, where two were expected")]
    Parties {
        /// How many there are.
        found: usize,
    },
    /// Another number of parties than two sign: the sharing is none of 2-of-2. Reshare with the library
    /// first.
    #[error("{found} parties sign, where two were expected")]
    Threshold {
        /// How many have to.
        found: u16,
    },
    /// The share is not this role's: the two were mixed up, or the parties are others than was said.
    #[error("the share is not that of the {expected}")]
    Role {
        /// Whose share was expected.
        expected: Role,
    },
    /// The parties that share the key are not the two that were named: name them as the library does.
    #[error("the parties are not the two that were named")]
    OtherParties,
    /// The share and what is public are of two keys: they are of two wallets, or only one of them was
    /// tweaked. Take both as one run of the library gave them.
    #[error("the share is of another key than what is public")]
    OtherKey,
    /// The share and what is public are of two sharings of one key: one of them is of before a refresh.
    #[error("the share is of another sharing than what is public")]
    OtherSharing,
    /// The public sides of the shares do not give the public key: tampered with, or another kind of sharing
    /// (parts of a sum taken for values of a line).
    #[error("the shares' public sides do not give the public key")]
    Inconsistent,
    /// The share is of a derived key: take over the one that it was derived from, and derive again.
    #[error("the share is of a key derived {depth} times")]
    Derived {
        /// How many derivations it is from its master key.
        depth: u8,
    },
    /// A public value is no point that may be: damaged, or made by something else.
    #[error("a public value is refused")]
    Point(#[from] PointError),
    /// The indices of the parties are refused.
    #[error("the parties' indices are refused")]
    Index(#[from] IndexError),
    /// The sharing is one of which a share says everything: make the key anew.
    #[error("the sharing is refused")]
    Sharing(#[from] CommitmentError),
    /// The share does not fit its public side: damaged, or another party's.
    #[error("the share is refused")]
    Share(#[from] ShareError),
}

/// Why a share is not given to a library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ExportError {
    /// A backup share signs nothing: give the library the wallet's signing shares.
    #[error("a backup share is not given to a signing library")]
    BackupShare,
    /// The library signs on another curve: give it the share of another of the wallet's keys.
    #[error("a share on {expected} was expected, not on {found}")]
    Curve {
        /// The library's curve.
        expected: CurveId,
        /// The curve of the share.
        found: CurveId,
    },
}

/// Takes over a share whose public side is known.
pub(crate) fn import<C: Curve, R: HasRole>(
    id: KeyId,
    foreign: &ForeignSharing<C>,
    key: &VerifyingKey<C>,
    secret: &[u8],
) -> Result<Share<C, R>, ImportError> {
    if id.sharing.purpose != Purpose::Signing {
        return Err(ImportError::Purpose { found: id.sharing.purpose });
    }
    if foreign.commitment()?.verifying_key() != key {
        return Err(ImportError::Inconsistent);
    }
    Ok(foreign.share(id, secret)?)
}

/// The curves, as what picks a share on them.
pub(crate) trait Picks: Curve {
    fn pick<R: HasRole>(share: &AnyShare<R>) -> Option<&Share<Self, R>>;
}

impl Picks for Secp256k1 {
    fn pick<R: HasRole>(share: &AnyShare<R>) -> Option<&Share<Self, R>> {
        match share {
            AnyShare::Secp256k1(share) => Some(share),
            AnyShare::Ed25519(_) => None,
        }
    }
}

impl Picks for Ed25519 {
    fn pick<R: HasRole>(share: &AnyShare<R>) -> Option<&Share<Self, R>> {
        match share {
            AnyShare::Ed25519(share) => Some(share),
            AnyShare::Secp256k1(_) => None,
        }
    }
}

/// A share that may be given to a library.
pub(crate) fn export<C: Picks, R: HasRole>(
    share: &AnyShare<R>,
) -> Result<&Share<C, R>, ExportError> {
    if share.id().sharing.purpose != Purpose::Signing {
        return Err(ExportError::BackupShare);
    }
    C::pick(share).ok_or(ExportError::Curve { expected: C::ID, found: share.curve() })
}
