//! Every fuzz body over its seeds, random changes of them and random bytes: seconds of what
//! `cargo xtask fuzz` does for as long as it is let.

#![allow(clippy::indexing_slicing, reason = "in a test a panic is the failure")]

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::ChaCha8Rng};
use twoshare_fuzz_bodies::{TARGETS, Target};

/// How long each target is tried. Every seed is tried at least once, however slow it is.
const EACH: Duration = Duration::from_millis(1500);

#[test]
fn no_body_fails() {
    let failed: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = TARGETS
            .iter()
            .map(|target| {
                (target.name, scope.spawn(move || try_changes(target, &mut seeded(target.name))))
            })
            .collect();
        running
            .into_iter()
            .filter_map(|(name, thread)| thread.join().is_err().then(|| name.to_owned()))
            .collect()
    });
    assert!(failed.is_empty(), "these broke a promise (the panics are above): {failed:?}");
}

#[test]
fn every_target_has_its_libfuzzer_binary() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for Target { name, .. } in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "fuzz/Cargo.toml lacks {name}");
        let source = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(source.contains(&format!("\"{name}\"")), "{name}.rs runs another target");
    }
}

/// The same changes on every run: what fails here fails again.
fn seeded(name: &str) -> ChaCha8Rng {
    let mut seed = [0; 32];
    for (into, byte) in seed.iter_mut().zip(name.bytes()) {
        *into = byte;
    }
    ChaCha8Rng::from_seed(seed)
}

fn try_changes(target: &Target, rng: &mut ChaCha8Rng) {
    let seeds = (target.seeds)();
    assert!(!seeds.is_empty(), "{} has no seeds", target.name);
    let end = Instant::now() + EACH;
    for seed in &seeds {
        try_one(target, seed);
        try_one(target, seed.get(..seed.len() / 2).unwrap_or_default());
    }
    while Instant::now() < end {
        let seed = &seeds[rng.random_range(0..seeds.len())];
        try_one(target, &changed(seed, rng));
    }
}

fn try_one(target: &Target, bytes: &[u8]) {
    // The input is printed where the body fails, and only there.
    let result = std::panic::catch_unwind(|| (target.body)(bytes));
    if let Err(panic) = result {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        eprintln!("{} failed on {hex}", target.name);
        std::panic::resume_unwind(panic);
    }
}

/// One to four random changes: a bit, a byte, a piece cut, doubled or inserted, the end cut.
fn changed(seed: &[u8], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..rng.random_range(1..=4) {
        let at = rng.random_range(0..=bytes.len());
        let end = rng.random_range(at..=bytes.len());
        match rng.random_range(0..7) {
            0 | 1 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            2 if at < bytes.len() => {
                bytes[at] = [0, 1, 0x7f, 0x80, 0xff, rng.random()][rng.random_range(0..6)];
            }
            3 => drop(bytes.drain(at..end)),
            4 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            5 => bytes.truncate(at),
            _ => {
                let mut piece = vec![0; rng.random_range(0..24)];
                rng.fill_bytes(&mut piece);
                bytes.splice(at..at, piece);
            }
        }
    }
    bytes
}
