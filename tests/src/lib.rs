//! What the end-to-end tests share, and the model of the rules of epochs.

pub mod directory;
#[cfg(target_os = "linux")]
pub mod memory;
pub mod model;
pub mod vector;
