//! One party's line for one key: `f_i(z) = z_i + ρ_i·z`, with `Z_i = z_i·G` and `R_i = ρ_i·G`. The
//! key is `z₁ + z₂`, its commitment `[Z₁ + Z₂, R₁ + R₂]`.

use core::fmt;

use rand_core::CryptoRng;

use super::{KeygenError, message::LineBytes};
use crate::{
    curve::{Curve, SCALAR_LEN, SecretScalar, VerifyingKey, any_curve, each, wiping},
    exchange::MessageError,
    id::{CurveId, Role},
    proof::{Challenge, Proof, ProofError, prove, verify},
    secret::SecretBytes,
    share::{AnyShare, Commitment, HasRole, KeyId, Share},
    wire::{Reader, Writer},
};

/// What a proof of a line is bound to, but for the line itself.
#[derive(Debug)]
pub(super) struct Binding {
    session: [u8; 32],
    /// What the client had committed to when the custodian made its proof; zeros for the client's.
    hash: [u8; 32],
    pub(super) role: Role,
    index: u8,
}

impl Binding {
    pub(super) const fn client(session: &[u8; 32], index: u8) -> Self {
        Self { session: *session, hash: [0; 32], role: Role::Client, index }
    }

    pub(super) const fn custodian(session: &[u8; 32], index: u8, hash: &[u8; 32]) -> Self {
        Self { session: *session, hash: *hash, role: Role::Custodian, index }
    }

    fn challenge<C: Curve>(&self, line: &PublicLine<C>) -> Challenge<C> {
        let numbers = [self.role.number(), self.index, C::ID.number()];
        let points = [line.constant.as_bytes(), line.slope.as_bytes()].concat();
        Challenge::new(
            "twoshare/v1/keygen/proof",
            "twoshare/v1/keygen/proof/nonce",
            [&self.session, &self.hash, &numbers, &points],
        )
    }
}

/// `Z` and `R`: of the subgroup, and not the identity.
#[derive(Debug, Clone)]
pub(super) struct PublicLine<C: Curve> {
    constant: VerifyingKey<C>,
    slope: VerifyingKey<C>,
}

impl<C: Curve> PublicLine<C> {
    /// `f_i(role)·G`
    fn at(&self, role: Role) -> C::Point {
        let once = *self.constant.point() + self.slope.point();
        match role {
            Role::Client => once,
            Role::Custodian => once + self.slope.point(),
        }
    }

    /// The commitment of the sharing that two lines make together.
    fn join(&self, other: &Self, index: u8) -> Result<Commitment<C>, KeygenError> {
        let degenerate = KeygenError::Degenerate { key: index };
        let key = *self.constant.point() + other.constant.point();
        let slope = *self.slope.point() + other.slope.point();
        let key = VerifyingKey::from_point(key).map_err(|_| degenerate)?;
        Commitment::from_points(key, slope).map_err(|_| degenerate)
    }

    /// `[Z, R]`
    fn write_to(&self, writer: Writer) -> Writer {
        writer.array(2).bytes(self.constant.as_bytes()).bytes(self.slope.as_bytes())
    }

    fn read_from(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        reader.array_of(2)?;
        let mut point =
            || VerifyingKey::from_bytes(reader.bytes()?).map_err(|_| MessageError::Malformed);
        Ok(Self { constant: point()?, slope: point()? })
    }
}

/// A line of our own, with the proof that was made of it.
pub(super) struct Line<C: Curve> {
    constant: SecretScalar<C>,
    slope: SecretScalar<C>,
    public: PublicLine<C>,
    proof: Proof,
}

impl<C: Curve> Line<C> {
    fn make<R: CryptoRng + ?Sized>(binding: &Binding, rng: &mut R) -> Self {
        loop {
            let (constant, slope) = (SecretScalar::make(rng), SecretScalar::make(rng));
            if let Some(public) = public(&constant, &slope) {
                let proof = prove(&binding.challenge(&public), &constant, rng);
                return Self { constant, slope, public, proof };
            }
        }
    }

    pub(super) fn public(&self) -> LineBytes {
        LineBytes {
            constant: self.public.constant.as_bytes().to_vec(),
            slope: self.public.slope.as_bytes().to_vec(),
            proof: self.proof,
        }
    }

    /// `f_i(role)`
    pub(super) fn at(&self, role: Role) -> SecretScalar<C> {
        let once = self.constant.add(&self.slope);
        match role {
            Role::Client => once,
            Role::Custodian => once.add(&self.slope),
        }
    }

    /// The other party's line, once its points, its proof and what it makes with ours are found
    /// good.
    fn check(&self, binding: &Binding, theirs: &LineBytes) -> Result<PublicLine<C>, KeygenError> {
        let key = binding.index;
        let point = |bytes: &[u8]| {
            VerifyingKey::from_bytes(bytes).map_err(|source| KeygenError::Point { key, source })
        };
        let line = PublicLine { constant: point(&theirs.constant)?, slope: point(&theirs.slope)? };
        verify(&binding.challenge(&line), line.constant.point(), &theirs.proof)
            .map_err(|source: ProofError| KeygenError::Proof { key, source })?;
        self.public.join(&line, key)?;
        Ok(line)
    }

    /// Our share `f(i) = f₁(i) + f₂(i)`, once the other party's value is found to be on its line.
    fn share<R: HasRole>(
        &self,
        index: u8,
        id: KeyId,
        theirs: &PublicLine<C>,
        value: &SecretBytes,
    ) -> Result<Share<C, R>, KeygenError> {
        // Decoded to compute with.
        let bytes: Option<&[u8; SCALAR_LEN]> = value.expose_secret().try_into().ok();
        let value = bytes
            .and_then(SecretScalar::from_bytes)
            .ok_or(KeygenError::OutOfRange { key: index })?;
        if value.mul_base() != theirs.at(R::ROLE) {
            return Err(KeygenError::NotCommitted { key: index });
        }
        let commitment = self.public.join(theirs, index)?;
        Ok(Share::from_parts(id, commitment, self.at(R::ROLE).add(&value)))
    }

    /// `[z, ρ, proof]`
    fn write_to(&self, writer: Writer) -> Writer {
        writer
            .array(3)
            .bytes(self.constant.to_bytes().as_slice())
            .bytes(self.slope.to_bytes().as_slice())
            .bytes(&self.proof.to_bytes())
    }

    fn read_from(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        reader.array_of(3)?;
        let mut scalar =
            || SecretScalar::from_bytes(reader.fixed()?).ok_or(MessageError::Malformed);
        let (constant, slope) = (scalar()?, scalar()?);
        let public = public(&constant, &slope).ok_or(MessageError::Malformed)?;
        Ok(Self { constant, slope, public, proof: Proof::from_bytes(*reader.fixed()?) })
    }
}

impl<C: Curve> fmt::Debug for Line<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line(redacted)")
    }
}

/// `None` where a coefficient is zero.
fn public<C: Curve>(constant: &SecretScalar<C>, slope: &SecretScalar<C>) -> Option<PublicLine<C>> {
    let constant = VerifyingKey::from_point(constant.mul_base()).ok()?;
    let slope = VerifyingKey::from_point(slope.mul_base()).ok()?;
    Some(PublicLine { constant, slope })
}

any_curve! {
    pub(super) enum AnyPublicLine = PublicLine
}

impl AnyPublicLine {
    pub(super) fn write_to(&self, writer: Writer) -> Writer {
        each!(self, line => line.write_to(writer))
    }
}

any_curve! {
    pub(super) enum AnyLine = Line
}

impl AnyLine {
    pub(super) fn make<R: CryptoRng + ?Sized>(
        curve: CurveId,
        binding: &Binding,
        rng: &mut R,
    ) -> Self {
        wiping(|| match curve {
            CurveId::Secp256k1 => Self::Secp256k1(Line::make(binding, rng)),
            CurveId::Ed25519 => Self::Ed25519(Line::make(binding, rng)),
        })
    }

    pub(super) fn public(&self) -> LineBytes {
        each!(self, line => line.public())
    }

    /// `f_i(role)`: what the party of `role` gets from us.
    pub(super) fn at(&self, role: Role) -> SecretBytes {
        wiping(|| each!(self, line => line.at(role).expose_secret()))
    }

    pub(super) fn check(
        &self,
        binding: &Binding,
        theirs: &LineBytes,
    ) -> Result<AnyPublicLine, KeygenError> {
        each!(self, line => line.check(binding, theirs).map(Into::into))
    }

    pub(super) fn share<R: HasRole>(
        &self,
        index: u8,
        id: KeyId,
        theirs: &AnyPublicLine,
        value: &SecretBytes,
    ) -> Result<AnyShare<R>, KeygenError> {
        wiping(|| match (self, theirs) {
            (Self::Secp256k1(line), AnyPublicLine::Secp256k1(theirs)) => {
                line.share(index, id, theirs, value).map(Into::into)
            }
            (Self::Ed25519(line), AnyPublicLine::Ed25519(theirs)) => {
                line.share(index, id, theirs, value).map(Into::into)
            }
            // Theirs was made by `check` or `read_theirs` of this line.
            _ => Err(KeygenError::SessionMismatch),
        })
    }

    pub(super) fn write_to(&self, writer: Writer) -> Writer {
        each!(self, line => line.write_to(writer))
    }

    pub(super) fn read_from(reader: &mut Reader<'_>, curve: CurveId) -> Result<Self, MessageError> {
        match curve {
            CurveId::Secp256k1 => Line::read_from(reader).map(Self::Secp256k1),
            CurveId::Ed25519 => Line::read_from(reader).map(Self::Ed25519),
        }
    }

    /// The other party's line on the same curve, which was found good before.
    pub(super) fn read_theirs(
        &self,
        reader: &mut Reader<'_>,
    ) -> Result<AnyPublicLine, MessageError> {
        match self {
            Self::Secp256k1(_) => PublicLine::read_from(reader).map(AnyPublicLine::Secp256k1),
            Self::Ed25519(_) => PublicLine::read_from(reader).map(AnyPublicLine::Ed25519),
        }
    }
}

/// A line with these coefficients, duly proven.
#[cfg(test)]
pub(super) fn remake<C: Curve>(binding: &Binding, z: C::Scalar, rho: C::Scalar) -> Line<C> {
    let (constant, slope) = (SecretScalar::new(z), SecretScalar::new(rho));
    let public = public(&constant, &slope).expect("the tests have no zero coefficients");
    let mut rng = crate::curve::testing::rng(1);
    let proof = prove(&binding.challenge(&public), &constant, &mut rng);
    Line { constant, slope, public, proof }
}
