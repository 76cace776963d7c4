//! What both ends of HTTP share: which path does what, in which media type, how large it may be,
//! and how a refusal travels.
//!
//! The messages of [`message`](crate::message) travel as their CBOR, small things as JSON, and every
//! refusal as a [`Problem`] (RFC 9457) whose `code` is stable: the name of the error's variant in
//! snake case, after what it is about where it would say too little alone. A [`Verdict`] is an error
//! that comes out at the other end as it went in, with its data. A [`Fault`] is about the request or
//! the server rather than about a wallet.

use twoshare_core::{channel, digest::Digest, envelope::MAX_LEN, secret::SecretBytes};

use crate::{Nonce, message::Upload, wire::message};

mod fault;
mod problem;
mod route;
#[cfg(test)]
mod tests;
mod verdict;

pub use self::{
    fault::Fault,
    problem::{Data, Problem},
    route::{Caller, Method, Route},
    verdict::{Coded, Verdict},
};

/// The media type of a message.
pub const CBOR: &str = "application/cbor";

/// The media type of small things.
pub const JSON: &str = "application/json";

/// The media type of an envelope, as bytes that the custodian cannot read.
pub const OCTETS: &str = "application/octet-stream";

/// The media type of a refusal (RFC 9457).
pub const PROBLEM: &str = "application/problem+json";

/// The header that names one request in logs at both ends.
pub const REQUEST_ID: &str = "x-request-id";

/// The longest problem, in bytes.
pub const MAX_PROBLEM: usize = 16 * 1024;

/// The longest body of a message, in bytes: what is sealed in it at its longest, and the proofs and
/// receipts beside it.
pub const MAX_MESSAGE: usize = channel::MAX_MESSAGE + 64 * 1024;

/// The longest body of an upload, in bytes: an envelope and its message.
pub const MAX_UPLOAD: usize = MAX_LEN + MAX_MESSAGE;

/// The longest list, in bytes.
pub const MAX_LIST: usize = 1024 * 1024;

message! {
    /// The body of an upload: an envelope, after what allows it to be written.
    pub struct EnvelopeUpload = 19 {
        /// What allows it.
        upload: Upload,
        /// The envelope's bytes.
        envelope: SecretBytes,
    }
}

/// A nonce as it stands in a path: 64 hexadecimal digits.
#[must_use]
pub fn nonce_text(nonce: Nonce) -> String {
    Digest::from_bytes(nonce.to_bytes()).to_string()
}

/// The nonce that is written so.
#[must_use]
pub fn parse_nonce(text: &str) -> Option<Nonce> {
    text.parse::<Digest>().ok().map(|digits| Nonce::from_bytes(digits.to_bytes()))
}
