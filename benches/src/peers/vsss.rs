//! vsss-rs 6, its Feldman sharing.

use std::hint::black_box;

use curve25519_dalek::EdwardsPoint;
use k256::{
    ProjectivePoint,
    elliptic_curve::{
        PrimeField,
        group::{Group, GroupEncoding},
    },
};
use twoshare_core::id::CurveId;
use vsss_rs::{
    DefaultShare, FeldmanVerifierSet, IdentifierPrimeField, ReadableShareSet, ShareVerifierGroup,
    ValuePrimeField, feldman,
};

use crate::{ours::rng, pair::Work};

type Share<G> =
    DefaultShare<IdentifierPrimeField<<G as Group>::Scalar>, ValuePrimeField<<G as Group>::Scalar>>;

type Secret<G> = ValuePrimeField<<G as Group>::Scalar>;

/// A group as vsss-rs wants it, and its fastest multiplication of the generator for the check of
/// the public key, which is the caller's.
trait Peer: Group<Scalar: PrimeField> + GroupEncoding + Default {
    fn mul_base(scalar: &Self::Scalar) -> Self;
}

impl Peer for ProjectivePoint {
    fn mul_base(scalar: &Self::Scalar) -> Self {
        Self::mul_by_generator(scalar)
    }
}

impl Peer for EdwardsPoint {
    fn mul_base(scalar: &Self::Scalar) -> Self {
        Self::mul_base(scalar)
    }
}

macro_rules! on {
    ($curve:expr, $function:ident) => {
        match $curve {
            CurveId::Secp256k1 => $function::<ProjectivePoint>(),
            CurveId::Ed25519 => $function::<EdwardsPoint>(),
        }
    };
}

fn secret<G: Peer>() -> Secret<G> {
    IdentifierPrimeField(<G::Scalar as k256::elliptic_curve::Field>::random(&mut rng()))
}

pub(crate) fn split(curve: CurveId) -> Work {
    fn work<G: Peer>() -> Work {
        let (secret, mut rng) = (secret::<G>(), rng());
        Box::new(move || {
            let shares = feldman::split_secret::<Share<G>, ShareVerifierGroup<G>>(
                2,
                2,
                black_box(&secret),
                None,
                &mut rng,
            );
            black_box(shares).expect("two of two");
        })
    }
    on!(curve, work)
}

pub(crate) fn verify(curve: CurveId) -> Work {
    fn work<G: Peer>() -> Work {
        let (shares, verifiers) = feldman::split_secret::<Share<G>, ShareVerifierGroup<G>>(
            2,
            2,
            &secret::<G>(),
            None,
            &mut rng(),
        )
        .expect("two of two");
        let share = *shares.first().expect("two of two");
        Box::new(move || {
            black_box(&verifiers).verify_share(black_box(&share)).expect("it was split just now");
        })
    }
    on!(curve, work)
}

pub(crate) fn whole(curve: CurveId) -> Work {
    fn work<G: Peer>() -> Work {
        let (secret, mut rng) = (secret::<G>(), rng());
        let public = <G as Peer>::mul_base(&secret.0);
        Box::new(move || {
            let (shares, verifiers) = feldman::split_secret::<Share<G>, ShareVerifierGroup<G>>(
                2,
                2,
                black_box(&secret),
                None,
                &mut rng,
            )
            .expect("two of two");
            for share in &shares {
                verifiers.verify_share(share).expect("it was split just now");
            }
            let again = shares.combine().expect("two of two");
            assert!(<G as Peer>::mul_base(&again.0) == *black_box(&public));
        })
    }
    on!(curve, work)
}
