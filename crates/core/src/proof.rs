//! Proofs that a party holds a share, or a key, now and for one purpose: Schnorr (1989), made
//! non-interactive by Fiat–Shamir, bound to everything that the proof is meant to allow.
//!
//! The prover of `f` with `P = f·G` picks `k`, sends `(c, s)` where `c = H(… ‖ P ‖ k·G)` and
//! `s = k + c·f`; the verifier recomputes `R = s·G − c·P` and the hash. The [`Statement`] is what
//! is hashed: each side builds it from what it knows itself, and takes none of it from the other.

mod any;
mod unproven;

use core::{fmt, marker::PhantomData};

use k256::elliptic_curve::Group;
use rand_core::CryptoRng;
use sha2::{Sha256, Sha512};
use thiserror::Error;
use zeroize::Zeroizing;

pub use self::unproven::{UnprovenError, UnprovenShares};
use crate::{
    curve::{Curve, SCALAR_LEN, SecretScalar, SigningKey, VerifyingKey, wiping},
    id::{Epoch, OperationId, Purpose, Role, WalletId, WalletKind, wire_enum},
    share::{AnyCommitment, Commitment, HasRole, KeyId, Share},
    wire::Transcript,
};

wire_enum! {
    /// What a proof allows.
    Operation {
        /// Making the signing pair of a new MPC wallet.
        Keygen = 1 "keygen",
        /// Making the first backup of a wallet.
        FirstBackup = 2 "first_backup",
        /// A new backup when every method is forgotten.
        Replace = 3 "replace",
        /// A new device.
        Recover = 4 "recover",
        /// A new epoch of the backup pair; methods may change.
        Refresh = 5 "refresh",
        /// Making a pending epoch active.
        Commit = 6 "commit",
        /// Giving a pending epoch up.
        Abandon = 7 "abandon",
        /// Writing a pending epoch's envelope to the custodian's store.
        Upload = 8 "upload",
        /// Cancelling a waiting request.
        Cancel = 9 "cancel",
        /// Proving that a recovery would succeed.
        Drill = 10 "drill",
        /// Giving the whole key to the user.
        Eject = 11 "eject",
        /// Giving the user what an offline recovery needs.
        Export = 12 "export",
        /// Moving to another custodian.
        Move = 13 "move",
        /// Making a single-key wallet an MPC wallet.
        Convert = 14 "convert",
    }
}

/// A pair of shares at one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stage {
    /// What the pair is for.
    pub purpose: Purpose,
    /// Which sharing of that purpose.
    pub epoch: Epoch,
}

/// One sharing that an operation begins with, or makes, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Transition {
    /// What there was; nothing where the new sharing is dealt or generated.
    pub from: Option<Stage>,
    /// What there will be; nothing where the operation makes no new sharing.
    pub to: Option<Stage>,
}

/// What a proof is bound to. It proves nothing under any other statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// What the proof allows.
    pub operation: Operation,
    /// The operation that it belongs to.
    pub operation_id: OperationId,
    /// The digest of the custodian's identity.
    pub custodian: [u8; 32],
    /// The user, as the custodian knows them.
    pub user: String,
    /// The wallet.
    pub wallet: WalletId,
    /// What kind of wallet it is.
    pub kind: WalletKind,
    /// The sharings that the operation reads and makes, in the order of the exchange.
    pub epochs: Vec<Transition>,
    /// The commitments of all keys of the sharing that is proven, in the order of the keys; none
    /// for a proof of keys themselves.
    pub commitments: Vec<AnyCommitment>,
    /// The client's nonce of this exchange.
    pub client_nonce: [u8; 32],
    /// The custodian's nonce of this exchange.
    pub custodian_nonce: [u8; 32],
    /// SHA-256 of the rest of the message that the proof comes with.
    pub body: [u8; 32],
}

impl Statement {
    /// SHA-256 over all fields. PROTOCOL.md lists every byte.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut transcript = Transcript::<Sha256>::new("twoshare/v1/statement")
            .u8(self.operation.number())
            .fixed(&self.operation_id.to_bytes())
            .fixed(&self.custodian)
            .variable(self.user.as_bytes())
            .fixed(&self.wallet.to_bytes())
            .u8(self.kind.number())
            .count(self.epochs.len());
        for transition in &self.epochs {
            for stage in [transition.from, transition.to] {
                let (purpose, epoch) =
                    stage.map_or((0, 0), |s| (s.purpose.number(), s.epoch.get()));
                transcript = transcript.u8(purpose).u64(epoch);
            }
        }
        transcript = transcript.count(self.commitments.len());
        for commitment in &self.commitments {
            transcript = transcript.u8(commitment.curve().number()).fixed(&commitment.to_bytes());
        }
        transcript
            .fixed(&self.client_nonce)
            .fixed(&self.custodian_nonce)
            .fixed(&self.body)
            .finish()
            .into()
    }
}

/// A proof of possession: `(c, s)`, two scalars of the curve of what is proven.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proof([u8; Self::LEN]);

impl Proof {
    /// How many bytes a proof has.
    pub const LEN: usize = 2 * SCALAR_LEN;

    /// The proof with these bytes. Whether it proves anything, `verify_possession` says.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// `c`, then `s`.
    #[must_use]
    pub const fn to_bytes(&self) -> [u8; Self::LEN] {
        self.0
    }

    fn halves(&self) -> (&[u8; SCALAR_LEN], &[u8; SCALAR_LEN]) {
        let (challenge, rest) = self.0.split_first_chunk().expect("64 bytes begin with 32");
        (challenge, rest.first_chunk().expect("and end with 32"))
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(")?;
        crate::curve::write_hex(f, &self.0)?;
        f.write_str(")")
    }
}

impl<C: Curve, R: HasRole> Share<C, R> {
    /// Proves that this share is held.
    pub fn prove<Rng: CryptoRng + ?Sized>(&self, statement: &Statement, rng: &mut Rng) -> Proof {
        let KeyId { sharing, index } = self.id();
        let challenge =
            Challenge::of_share(statement, R::ROLE, sharing.purpose, index, self.commitment());
        prove(&challenge, self.value(), rng)
    }
}

impl<C: Curve> Commitment<C> {
    /// Whether `proof` shows that `role`'s share of this commitment is held: of key `index`, for
    /// `purpose`.
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
        let challenge = Challenge::of_share(statement, role, purpose, index, self);
        verify(&challenge, self.share_point(role), proof)
    }
}

impl<C: Curve> SigningKey<C> {
    /// Proves that the key itself is held: key `index` of a single-key wallet, on its device.
    pub fn prove<R: CryptoRng + ?Sized>(
        &self,
        index: u8,
        statement: &Statement,
        rng: &mut R,
    ) -> Proof {
        prove(&Challenge::of_key(statement, index, self.verifying_key()), self.scalar(), rng)
    }
}

impl<C: Curve> VerifyingKey<C> {
    /// Whether `proof` shows that this key itself is held: see [`SigningKey::prove`].
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
        verify(&Challenge::of_key(statement, index, self), self.point(), proof)
    }
}

/// What the challenge is a hash of, but for the nonce's point.
pub(crate) struct Challenge<C> {
    tag: &'static str,
    nonce_tag: &'static str,
    fields: Vec<u8>,
    curve: PhantomData<C>,
}

impl<C: Curve> Challenge<C> {
    fn of_share(
        statement: &Statement,
        role: Role,
        purpose: Purpose,
        index: u8,
        commitment: &Commitment<C>,
    ) -> Self {
        let numbers = [role.number(), purpose.number(), index, C::ID.number()];
        Self::new(
            "twoshare/v1/proof",
            "twoshare/v1/proof/nonce",
            [
                &statement.digest(),
                &numbers,
                commitment.verifying_key().as_bytes(),
                commitment.slope().as_bytes(),
            ],
        )
    }

    fn of_key(statement: &Statement, index: u8, key: &VerifyingKey<C>) -> Self {
        let numbers = [Role::Client.number(), NO_PURPOSE, index, C::ID.number()];
        Self::new(
            "twoshare/v1/proof",
            "twoshare/v1/proof/nonce",
            [&statement.digest(), &numbers, key.as_bytes(), &[]],
        )
    }

    /// All fields are of a size that follows from what stands before them.
    pub(crate) fn new(tag: &'static str, nonce_tag: &'static str, fields: [&[u8]; 4]) -> Self {
        Self { tag, nonce_tag, fields: fields.concat(), curve: PhantomData }
    }

    /// `c = H(tag ‖ fields ‖ R)`: 512 bits modulo the order.
    fn hash(&self, nonce_point: &[u8]) -> C::Scalar {
        let wide = Transcript::<Sha512>::new(self.tag).fixed(&self.fields).fixed(nonce_point);
        C::scalar_from_wide(&wide.finish().into())
    }

    /// `k = H(tag ‖ fields ‖ randomness ‖ secret)`: never the same for two statements, even where
    /// the random numbers repeat, nor to be guessed from the secret alone.
    fn nonce<R: CryptoRng + ?Sized>(
        &self,
        secret: &SecretScalar<C>,
        rng: &mut R,
    ) -> SecretScalar<C> {
        let mut randomness = Zeroizing::new([0; 32]);
        rng.fill_bytes(randomness.as_mut());
        let wide = Transcript::<Sha512>::new(self.nonce_tag)
            .fixed(&self.fields)
            .fixed(randomness.as_slice())
            .fixed(secret.to_bytes().as_slice());
        SecretScalar::from_wide(&Zeroizing::new(wide.finish().into()))
    }
}

/// Stands for the purpose where the key itself is proven.
const NO_PURPOSE: u8 = 0;

pub(crate) fn prove<C: Curve, R: CryptoRng + ?Sized>(
    challenge: &Challenge<C>,
    secret: &SecretScalar<C>,
    rng: &mut R,
) -> Proof {
    wiping(|| {
        let (nonce, nonce_point) = loop {
            let nonce = challenge.nonce(secret, rng);
            let point = nonce.mul_base();
            if !bool::from(point.is_identity()) {
                break (nonce, point);
            }
        };
        let [nonce_point] = C::encode([nonce_point]);
        let c = challenge.hash(nonce_point.as_ref());
        let s = nonce.add(&secret.mul(&c));
        let mut proof = [0; Proof::LEN];
        let (first, second) = proof.split_at_mut(SCALAR_LEN);
        first.copy_from_slice(&C::scalar_to_bytes(&c));
        second.copy_from_slice(s.to_bytes().as_slice());
        Proof(proof)
    })
}

pub(crate) fn verify<C: Curve>(
    challenge: &Challenge<C>,
    point: &C::Point,
    proof: &Proof,
) -> Result<(), ProofError> {
    let (c, s) = proof.halves();
    let c = C::scalar_from_bytes(c).ok_or(ProofError::Malformed)?;
    let s = C::scalar_from_bytes(s).ok_or(ProofError::Malformed)?;
    let nonce_point = C::mul_base_sub_mul_vartime(&s, &c, point);
    if nonce_point.is_identity().into() {
        return Err(ProofError::Invalid);
    }
    let [nonce_point] = C::encode([nonce_point]);
    if challenge.hash(nonce_point.as_ref()) == c { Ok(()) } else { Err(ProofError::Invalid) }
}

/// Why a proof proves nothing. The other party is refused what it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProofError {
    /// `c` or `s` is not below the order of the group.
    #[error("not the encoding of a proof")]
    Malformed,
    /// Made without the secret, or for another statement: another operation, wallet, epoch, body …
    #[error("the proof does not hold")]
    Invalid,
}

#[cfg(test)]
mod tests;
