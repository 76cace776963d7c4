//! What is fuzzed: one body for every decoder, with the seeds that its corpus starts from.
//!
//! libFuzzer runs the bodies from `fuzz/` (`cargo xtask fuzz`). The ordinary tests run them too,
//! over the seeds and random changes of them, so that a body is never broken for long.
//!
//! A body panics where its decoder broke a promise: it panicked itself, or accepted bytes that are
//! not the ones it would write for the same value.

mod custodian;
mod envelope;
mod ids;
mod messages;
mod secrets;
mod sharing;

use rand::{SeedableRng as _, rngs::ChaCha20Rng};

/// One decoder under test.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name of the libFuzzer binary too.
    pub name: &'static str,
    /// Decodes any bytes at all, and holds the result to what the decoder promises.
    pub body: fn(&[u8]),
    /// Bytes that the decoder accepts, or nearly.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All of them.
pub const TARGETS: &[Target] = &[
    ids::BASE32,
    ids::WALLET_ID,
    custodian::IDENTITY,
    custodian::IDENTITY_TEXT,
    custodian::KEYS,
    custodian::SIGNATURE,
    custodian::ROTATION,
    custodian::EPHEMERAL,
    custodian::CHANNEL,
    sharing::VERIFYING_KEY,
    sharing::SIGNING_KEY,
    sharing::COMMITMENT,
    sharing::SHARE,
    secrets::SEALED_SECRET,
    secrets::WALLET_SECRET,
    secrets::ATTACHMENT,
    envelope::ENVELOPE,
    envelope::PAYLOAD,
    envelope::SLOT_TABLE,
    envelope::CONTAINER,
    envelope::UR_TEXT,
    envelope::UR_PARTS,
    envelope::RECOVERY_CODE,
    envelope::CHECK_CODE,
    envelope::OBJECT_NAME,
    envelope::AGREEMENT_KEY,
    messages::EXCHANGE,
    messages::MESSAGE,
    messages::JOURNAL,
];

/// Runs the body of this name; what the libFuzzer binaries call.
///
/// # Panics
///
/// When there is no such target, and when the decoder broke a promise.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("the binaries in fuzz/ name targets of this crate").body)(bytes);
}

/// The same randomness every time: what fails once fails again.
fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

/// Exactly one byte string is accepted for a value: the one that is written for it.
fn assert_canonical(read: &[u8], written: &[u8]) {
    assert_eq!(read, written, "accepted bytes that it would not write");
}
