//! What the end-to-end tests share, and the model of the rules of epochs.

pub mod crash;
pub mod directory;
#[cfg(target_os = "linux")]
pub mod disk;
pub mod faults;
#[cfg(target_os = "linux")]
pub mod memory;
pub mod model;
pub mod process;
pub mod vector;
