//! What is wrong with a request or with the server, rather than with what it is about.

use thiserror::Error;

use crate::{
    custodian::{Outage, Unavailable},
    wire::DecodeError,
};

use super::verdict::verdicts;

/// Why a request was not heard.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// A part of the path, the query or the body is not what belongs there: a mistake of the client.
    #[error("the request is malformed")]
    Malformed,
    /// The client is newer than the server: the operator must update.
    #[error("the message has version {found}, newer than {supported}")]
    NewerVersion {
        /// The version of the message.
        found: u64,
        /// The newest that the server reads.
        supported: u64,
    },
    /// Another message than the one that belongs here.
    #[error("this is another message (number {number})")]
    OtherMessage {
        /// The number of that message.
        number: u64,
    },
    /// The body is not what the path names.
    #[error("the body has another digest than the path names")]
    OtherDigest,
    /// There is no token, its time is over, or it is not one of this server's for such a request: get
    /// a new one.
    #[error("a session token is needed, or the operator's key")]
    Unauthenticated,
    /// There is nothing at this path.
    #[error("there is nothing at this path")]
    NoSuchPath,
    /// There is something at this path, for other methods.
    #[error("the method is not one of this path's")]
    MethodNotAllowed,
    /// The request took too long to arrive, or to be answered.
    #[error("the request took too long")]
    TimedOut,
    /// The body is longer than this path takes.
    #[error("the body is longer than {cap} bytes")]
    TooLarge {
        /// The longest that is taken, in bytes.
        cap: u64,
    },
    /// The body is of another media type.
    #[error("the body is of another media type")]
    UnsupportedMediaType,
    /// Too many requests of this user, or from this address.
    #[error("too many requests")]
    RateLimited {
        /// In how many seconds to ask again.
        retry_after: u64,
    },
    /// The server failed.
    #[error("the server failed")]
    Internal,
    /// The server cannot be sure any more that what it writes is kept: its operator must look.
    #[error("the server has stopped writing")]
    StoppedWriting,
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

verdicts! { Fault {
    Malformed = "malformed" 400,
    NewerVersion { found, supported } = "newer_version" 400,
    OtherMessage { number } = "other_message" 400,
    OtherDigest = "other_digest" 400,
    Unauthenticated = "unauthenticated" 401,
    NoSuchPath = "no_such_path" 404,
    MethodNotAllowed = "method_not_allowed" 405,
    TimedOut = "timed_out" 408,
    TooLarge { cap } = "too_large" 413,
    UnsupportedMediaType = "unsupported_media_type" 415,
    RateLimited { retry_after } = "rate_limited" 429,
    Internal = "internal" 500,
    StoppedWriting = "stopped_writing" 503,
    Stopping = "stopping" 503,
} }

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::NewerVersion { found, supported } => {
                Self::NewerVersion { found, supported }
            }
            DecodeError::Other { number } => Self::OtherMessage { number },
            DecodeError::Malformed => Self::Malformed,
        }
    }
}

/// What a client says to its caller when this is the last word.
impl From<&Fault> for Unavailable {
    fn from(fault: &Fault) -> Self {
        let cause = match fault {
            Fault::Unauthenticated => Outage::NotSignedIn,
            Fault::TimedOut | Fault::RateLimited { .. } | Fault::Stopping => Outage::Busy,
            Fault::Internal | Fault::StoppedWriting => Outage::Failed,
            Fault::Malformed
            | Fault::NewerVersion { .. }
            | Fault::OtherMessage { .. }
            | Fault::OtherDigest
            | Fault::NoSuchPath
            | Fault::MethodNotAllowed
            | Fault::TooLarge { .. }
            | Fault::UnsupportedMediaType => Outage::NotUnderstood,
        };
        let retry_after = match fault {
            Fault::RateLimited { retry_after } => Some(*retry_after),
            _ => None,
        };
        Self { cause, retry_after }
    }
}
