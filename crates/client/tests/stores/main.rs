//! Several stores at once, of which some lose, damage, mix up, refuse or hang; and the custodian's own.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

mod fixture;
mod read;
mod receipts;
mod retire;
mod write;
