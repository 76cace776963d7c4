//! All cryptography and formats of twoshare.

pub mod attachment;
pub mod base32;
pub mod channel;
pub mod curve;
pub mod id;
pub mod identity;
pub mod keygen;
pub mod proof;
pub mod reshare;
pub mod sealed;
pub mod secret;
pub mod share;
pub mod wire;

mod exchange;
mod vss;
