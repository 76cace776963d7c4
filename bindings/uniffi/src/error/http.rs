//! Why an HTTP request had no answer.

use std::{fmt, time::Duration};

use super::{Ended, Mirrors, Named, SourceError};

mirror! {
    /// Why there is no answer.
    part TransportError = twoshare::TransportError {
        /// It could not be sent, or its answer did not arrive. It may have been acted on.
        Unreachable(source: SourceError),
        /// The answer is longer than it may be.
        TooLong {
            /// The longest that it may be.
            cap: u64,
        },
    }

    /// Why an address is not used.
    part UrlError = twoshare::UrlError {
        /// It is not the address of a server: `https://` with a host is expected, and a path at most, in the
        /// form that is sent. A name in other letters than ASCII is written as DNS has it (`xn--…`).
        Malformed,
        /// Without TLS everybody on the way reads the token. Use `https://`, or a loopback address.
        Plain,
        /// TLS cannot be set up, for want of root certificates most likely: see the source. Never with a
        /// transport of the app's own.
        Tls(source: SourceError),
    }
}

/// Why there is no session token.
#[derive(Debug, Clone, uniffi::Error)]
pub enum TokenError {
    /// The user has to sign in again.
    NotSignedIn,
    /// Whoever gives tokens cannot be asked now: the call fails as unreachable.
    Unavailable,
    /// The app's code did not answer in time: the call fails as unreachable.
    TimedOut {
        /// How long it was waited for.
        after: Duration,
    },
    /// The app's code threw something else, or returned what is no token: correct it. The call fails as unreachable.
    Threw {
        /// What it says of itself.
        reason: String,
    },
}

impl From<twoshare::TokenError> for TokenError {
    fn from(rust: twoshare::TokenError) -> Self {
        match rust {
            twoshare::TokenError::NotSignedIn => Self::NotSignedIn,
            twoshare::TokenError::Unavailable => Self::Unavailable,
        }
    }
}

impl Named for TokenError {
    fn name(&self, path: &mut Vec<&'static str>) {
        path.push(match self {
            Self::NotSignedIn => "NotSignedIn",
            Self::Unavailable => "Unavailable",
            Self::TimedOut { .. } => "TimedOut",
            Self::Threw { .. } => "Threw",
        });
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSignedIn => twoshare::TokenError::NotSignedIn.fmt(f),
            Self::Unavailable => twoshare::TokenError::Unavailable.fmt(f),
            Self::TimedOut { after } => SourceError::TimedOut { after: *after }.fmt(f),
            Self::Threw { reason } => SourceError::Threw { reason: reason.clone() }.fmt(f),
        }
    }
}
