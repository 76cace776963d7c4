//! Backs up wallet keys as two shares, and brings them back.
//!
//! The client share is encrypted on the device, in an envelope that any of the user's methods
//! opens; the custodian share is with a server. Neither says anything about the key. See
//! [`core::manual`] for what is promised against whom.
//!
//! The README has an example. An operation returns when it is done: the new epoch is in every store, read
//! back, opened through every slot, and committed.

mod backup;
mod client;
mod create;
mod directory;
pub mod error;
mod recover;
mod wallet;

pub use self::{
    client::{Client, Published, rng},
    directory::{CopyHealth, DirectoryError, DirectoryStore, ObjectHealth, RepairError, Verdict},
    recover::MethodChange,
    wallet::{Backup, Exported, Import, Wallet},
};

/// The README's example, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

pub use twoshare_core as core;
pub use twoshare_protocol as protocol;
