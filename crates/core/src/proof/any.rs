use rand_core::CryptoRng;

use super::{Proof, ProofError, Statement};
use crate::{
    curve::{AnySigningKey, AnyVerifyingKey, each},
    id::{Purpose, Role},
    share::{AnyCommitment, AnyShare, HasRole},
};

impl<R: HasRole> AnyShare<R> {
    /// Proves that this share is held.
    pub fn prove<Rng: CryptoRng + ?Sized>(&self, statement: &Statement, rng: &mut Rng) -> Proof {
        each!(self, share => share.prove(statement, rng))
    }
}

impl AnyCommitment {
    /// Whether `proof` shows that `role`'s share of key `index` is held, which this commitment is
    /// of.
    ///
    /// # Errors
    ///
    /// See [`ProofError`].
    pub fn verify_possession(
        &self,
        role: Role,
        purpose: Purpose,
        index: u8,
        statement: &Statement,
        proof: &Proof,
    ) -> Result<(), ProofError> {
        each!(self, commitment => commitment.verify_possession(role, purpose, index, statement, proof))
    }
}

impl AnySigningKey {
    /// Proves that the key itself is held: key `index` of a single-key wallet, on its device.
    pub fn prove<R: CryptoRng + ?Sized>(
        &self,
        index: u8,
        statement: &Statement,
        rng: &mut R,
    ) -> Proof {
        each!(self, key => key.prove(index, statement, rng))
    }
}

impl AnyVerifyingKey {
    /// Whether `proof` shows that this key itself is held: see [`AnySigningKey::prove`].
    ///
    /// # Errors
    ///
    /// See [`ProofError`].
    pub fn verify_possession(
        &self,
        index: u8,
        statement: &Statement,
        proof: &Proof,
    ) -> Result<(), ProofError> {
        each!(self, key => key.verify_possession(index, statement, proof))
    }
}
