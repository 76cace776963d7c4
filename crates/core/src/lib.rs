//! All cryptography and formats of twoshare.

pub mod base32;
pub mod channel;
pub mod id;
pub mod identity;
pub mod secret;
