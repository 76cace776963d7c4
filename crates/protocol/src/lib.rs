//! The messages between a client and its custodian, and the rules of their epochs.

mod binding;
mod exchange;
mod nonce;

pub mod adopt;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod custodian;
pub mod engine;
#[cfg(feature = "http")]
pub mod http;
pub mod memory;
pub mod message;
pub mod rules;
pub mod session;
pub mod wire;

pub use self::{binding::Party, custodian::Custodian, nonce::Nonce};
