//! What the tests of several modules share: each test is written once and run on every curve.

use rand::{SeedableRng, rngs::ChaCha20Rng};

/// Declares, for each curve, one test per generic function named.
macro_rules! on_every_curve {
    ($($test:ident,)+) => {
        mod secp256k1 {
            $(#[test] fn $test() { super::$test::<$crate::curve::Secp256k1>(); })+
        }
        mod ed25519 {
            $(#[test] fn $test() { super::$test::<$crate::curve::Ed25519>(); })+
        }
    };
}

pub(crate) use on_every_curve;

/// Random numbers that are the same in every run.
pub(crate) fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}
