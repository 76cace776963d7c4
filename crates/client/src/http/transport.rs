//! One HTTP request and its answer: what an app's own HTTP stack may be plugged in as.

use std::{error::Error, fmt, sync::Arc};

use async_trait::async_trait;
use thiserror::Error;
use twoshare_core::secret::SecretBytes;
use twoshare_protocol::http::Method;

use super::Token;

/// One request.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    /// Its method.
    pub method: Method,
    /// Where to.
    pub url: String,
    /// Sent as `Authorization: Bearer`.
    pub token: Option<Token>,
    /// The media type of the body, and the body.
    pub body: Option<(&'static str, SecretBytes)>,
    /// Under which precondition it is to be acted on; under any without one.
    pub precondition: Option<Precondition>,
    /// The media type of the answer, where it is not a problem.
    pub accept: &'static str,
    /// The longest body of the answer, in bytes: read no further.
    pub max_answer: usize,
    /// Names the request in logs at both ends; sent as `X-Request-Id`.
    pub id: String,
}

/// Under which precondition a request is to be acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Precondition {
    /// Nothing is there yet. Sent as `If-None-Match: *` (RFC 9110, section 13.1.2).
    Absent,
}

/// Its answer.
#[derive(Debug, Clone)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// The media type of the body, without parameters.
    pub media_type: Option<String>,
    /// What the header `Retry-After` says, where it says a number of seconds.
    pub retry_after: Option<u64>,
    /// The body.
    pub body: SecretBytes,
}

/// Why there is no answer.
#[derive(Debug, Clone, Error)]
pub enum TransportError {
    /// It could not be sent, or its answer did not arrive. It may have been acted on.
    #[error("the server cannot be reached")]
    Unreachable(#[source] Arc<dyn Error + Send + Sync>),
    /// The answer is longer than it may be.
    #[error("the answer is longer than {cap} bytes")]
    TooLong {
        /// The longest that it may be.
        cap: usize,
    },
}

/// Sends HTTP requests. It sends each once, follows no redirect, and reads no more than it may.
#[async_trait]
pub trait HttpTransport: Send + Sync {
    /// Sends one request. An answer of any status is an answer.
    ///
    /// # Errors
    ///
    /// See [`TransportError`].
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError>;
}

/// The transport of a builder that was given none: [`ReqwestTransport`](crate::ReqwestTransport) with the
/// feature `reqwest`, and without it one has to be given before anything is built.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTransport {
    #[cfg(feature = "reqwest")]
    pub(crate) timeouts: super::Timeouts,
}

/// The transport of a builder that was given one: the app's own HTTP stack.
#[derive(Clone)]
pub struct OwnTransport(pub(crate) Arc<dyn HttpTransport>);

impl fmt::Debug for OwnTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnTransport")
    }
}
