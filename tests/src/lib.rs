//! What the end-to-end tests share.

pub mod directory;
#[cfg(target_os = "linux")]
pub mod memory;
