//! What is measured: every operation of ours beside the same operation of a library that people
//! would use otherwise. The criterion benchmarks and the program `ratios` run the same pairs.

pub mod load;
mod ours;
mod pair;
mod peers;

pub use ours::{Kept, Refresh, id};
pub use pair::{Alone, Pair};

use twoshare_core::id::CurveId;

/// The sharing: dealing, checking and bringing back together.
#[must_use]
pub fn sharing() -> Vec<Pair> {
    let mut pairs = Vec::new();
    for curve in CurveId::ALL {
        let (split, verify, whole) = match curve {
            CurveId::Secp256k1 => (0.60, 0.30, 0.45),
            CurveId::Ed25519 => (0.60, 0.30, 0.50),
        };
        pairs.extend([
            Pair::new("split", *curve, ours::split(*curve)).beside(
                "vsss-rs",
                peers::vsss::split(*curve),
                Some(split),
            ),
            Pair::new("verify one share", *curve, ours::verify(*curve)).beside(
                "vsss-rs",
                peers::vsss::verify(*curve),
                Some(verify),
            ),
            Pair::new("split, verify both, reconstruct", *curve, ours::whole(*curve)).beside(
                "vsss-rs",
                peers::vsss::whole(*curve),
                Some(whole),
            ),
            Pair::new("split", *curve, ours::split(*curve)).beside(
                "frost",
                peers::frost::split(*curve),
                None,
            ),
            Pair::new("verify one share", *curve, ours::verify(*curve)).beside(
                "frost",
                peers::frost::verify(*curve),
                None,
            ),
            Pair::new("split, verify both, reconstruct", *curve, ours::whole(*curve)).beside(
                "frost",
                peers::frost::whole(*curve),
                None,
            ),
        ]);
    }
    pairs
}

/// A new sharing of the same key, by both parties.
#[must_use]
pub fn resharing() -> Vec<Pair> {
    let pair = |curve: &CurveId| {
        let target = match curve {
            CurveId::Secp256k1 => 0.45,
            CurveId::Ed25519 => 0.6,
        };
        Pair::new("reshare", *curve, ours::reshare(*curve)).beside(
            "frost's refresh",
            peers::frost::refresh(*curve),
            Some(target),
        )
    };
    CurveId::ALL.iter().map(pair).collect()
}

/// The envelope, beside what a method itself does (a password's Argon2id takes about 90 ms).
#[must_use]
pub fn envelope() -> Vec<Alone> {
    vec![
        Alone {
            operation: "encrypt again to one slot",
            target: 450.0,
            ours: ours::seal_envelope(),
        },
        Alone { operation: "make a slot with its key tag", target: 800.0, ours: ours::make_slot() },
        Alone {
            operation: "open a slot, and check its key tag",
            target: 800.0,
            ours: ours::open_envelope(),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_measured_does_its_work() {
        for mut pair in sharing().into_iter().chain(resharing()) {
            (pair.ours)();
            (pair.theirs)();
        }
        for mut alone in envelope() {
            (alone.ours)();
        }
    }
}
