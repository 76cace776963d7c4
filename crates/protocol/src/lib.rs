//! The messages between a client and its custodian, and the rules of their epochs.

pub mod rules;

/// A SHA-256 digest.
pub type Digest = [u8; 32];
