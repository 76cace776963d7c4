//! The command on devices, each call a process of its own, against a custodian over HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

#[path = "../common/command.rs"]
mod command;
mod crashes;
mod custodian;
mod grammar;
mod moving;
mod refusals;
mod secrets;
mod wallets;

/// Strong enough for the policy.
const PASSWORD: &str = "copper-meadow-41-tangent";
/// Another one.
const OTHER_PASSWORD: &str = "window-gravel-77-orchid";
