//! All cryptography and formats of twoshare.

pub mod attachment;
pub mod base32;
pub mod channel;
pub mod check_code;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod container;
pub mod curve;
pub mod digest;
pub mod envelope;
pub mod id;
pub mod identity;
pub mod keygen;
pub mod method;
pub mod proof;
pub mod reshare;
pub mod sealed;
pub mod secret;
pub mod share;
pub mod store;
pub mod text;
pub mod wire;

mod exchange;
mod vss;
