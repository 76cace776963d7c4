//! All cryptography and formats of twoshare. No network, clock, file system or async runtime.
//!
//! In reading order:
//!
//! - What is shared: [`curve`], [`share`] (a key as two shares, checked by a Feldman commitment), [`sealed`]
//!   (secrets that are not scalars).
//! - What two parties do with it: [`keygen`] (a key that never exists whole), [`reshare`] (new shares of the
//!   same key), [`proof`] (possession), [`identity`] and [`channel`] (whom one speaks with, and how).
//! - Where the client's share is kept: [`envelope`], opened by a [`method`], carried by a [`container`] or as
//!   [`text`], kept in a [`store`]; [`check_code`] for people to compare.
//! - [`manual`]: what is defended against whom, and why the defaults are what they are.
//!
//! What has not been checked has another type: a share that exists fits its commitment, a slot table that
//! exists was authenticated, new shares can be used once the custodian has proven the others.
//!
//! `FORMAT.md` and `PROTOCOL.md` beside this crate specify every byte for readers without it.

pub mod attachment;
pub mod base32;
pub mod channel;
pub mod check_code;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod container;
pub mod curve;
pub mod digest;
pub mod envelope;
pub mod id;
pub mod identity;
pub mod keygen;
pub mod manual;
pub mod method;
pub mod proof;
pub mod reshare;
pub mod sealed;
pub mod secret;
pub mod share;
pub mod store;
pub mod text;
pub mod wire;

mod exchange;
mod vss;
