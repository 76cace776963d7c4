//! The programs are beside this file's folder, one file each: `cargo run -p twoshare-examples --example NAME`.
//! Here is what several of them have in common.

pub mod connection;
pub mod custodian;
pub mod signing_store;

use std::{error::Error, fmt::Display, sync::Arc};

use twoshare::{Method, core::method::Password};

/// Whatever goes wrong ends a story.
pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// Where the keys of a story come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The library's own key generation: the wallet existed before it was backed up.
    Before,
    /// The device and the custodian.
    Created,
}

/// The user's password.
///
/// # Errors
///
/// It is none.
pub fn password() -> Result<Method> {
    Ok(Arc::new(Password::new("orbit-velvet-93-lantern")?))
}

/// One line of a story.
pub fn say(line: impl Display) {
    println!("{line}");
}

/// The first bytes of something public, in hexadecimal.
#[must_use]
pub fn short(bytes: &[u8]) -> String {
    let shown: String = bytes.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("{shown}…")
}
