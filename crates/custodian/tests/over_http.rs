//! Every promise of a custodian, over HTTP: client, router, service and database together.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

mod common;

mod on_a_network {
    twoshare_protocol::custodian_conformance!(crate::common::OverHttp<false>);
}

/// The same while requests and answers are lost, repeated and delayed: what the client repeats is
/// safe to repeat, and nobody above it notices.
mod on_a_bad_network {
    twoshare_protocol::custodian_conformance!(crate::common::OverHttp<true>);
}
