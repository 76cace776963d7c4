//! What is fuzzed of the envelope and cannot be reached from outside, and samples to begin with.

use super::method::Wallet;
use crate::{
    envelope::{Header, Payload, PayloadError, SlotTable},
    method::RecoveryCode,
    secret::SecretBytes,
};

/// An envelope, the same every time.
#[derive(Debug)]
pub struct Sample {
    /// What opens it.
    pub code: RecoveryCode,
    /// Its public header.
    pub header: Header,
    /// What is encrypted in it.
    pub plaintext: SecretBytes,
    /// The whole.
    pub cose: Vec<u8>,
}

impl Sample {
    /// The sample.
    #[must_use]
    pub fn new() -> Self {
        let mut wallet = Wallet::new();
        let code = RecoveryCode::make(&mut wallet.rng);
        let slots = super::block_on(wallet.slots(&code));
        let (header, payload) = wallet.contents(1);
        let plaintext = payload.write(&slots);
        let cose = wallet.seal(1, &slots).as_bytes().to_vec();
        Self { code, header, plaintext, cose }
    }
}

impl Default for Sample {
    fn default() -> Self {
        Self::new()
    }
}

/// Reads the plaintext of an envelope and writes it again: the same bytes.
///
/// # Errors
///
/// As when an envelope is opened.
pub fn reencode_payload(plaintext: &[u8], header: &Header) -> Result<SecretBytes, PayloadError> {
    let (payload, slots) = Payload::read(plaintext, header)?;
    Ok(payload.write(&slots))
}

/// Reads a slot table and writes it again: the same bytes. `None` when it is none.
#[must_use]
pub fn reencode_slot_table(bytes: &[u8]) -> Option<SecretBytes> {
    Some(SlotTable::from_sealed_journal(&SecretBytes::from(bytes)).ok()?.to_journal())
}

/// A slot table to begin with.
#[must_use]
pub fn sample_slot_table() -> SecretBytes {
    let mut wallet = Wallet::new();
    let code = RecoveryCode::make(&mut wallet.rng);
    super::block_on(wallet.slots(&code)).to_journal()
}
