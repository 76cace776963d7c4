//! The messages between a client and its custodian, and the rules of their epochs.

mod binding;
mod exchange;

#[cfg(feature = "conformance")]
pub mod conformance;
pub mod custodian;
pub mod memory;
pub mod message;
pub mod rules;
pub mod session;
pub mod wire;

pub use self::{binding::Party, custodian::Custodian};

/// A SHA-256 digest.
pub type Digest = [u8; 32];
