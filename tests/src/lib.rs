//! What the end-to-end tests share.

#[cfg(target_os = "linux")]
pub mod memory;
