//! One HTTP request and its answer: what an app's own HTTP stack may be plugged in as.

use std::{error::Error, net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::{
    Client, Url,
    header::{
        ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, IF_NONE_MATCH, RETRY_AFTER,
    },
    redirect, retry,
};
use thiserror::Error;
use twoshare_core::secret::SecretBytes;
use twoshare_protocol::http::{Method, PROBLEM, REQUEST_ID};

use super::Token;

/// The slowest connection that is waited for, in bytes a second: what a request may take grows with
/// its body.
const SLOWEST: u64 = 32 * 1024;

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

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection. 10 s.
    pub connect: Duration,
    /// For the next bytes of an answer that has begun. 20 s.
    pub idle: Duration,
    /// For a request and its whole answer, besides a second for every 32 KiB of either. 30 s.
    pub request: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(20),
            request: Duration::from_secs(30),
        }
    }
}

/// Why an address is not used.
#[derive(Debug, Error)]
pub enum UrlError {
    /// It is not the address of a server: `https://` with a host is expected, and a path at most.
    #[error("not the address of a server")]
    Malformed,
    /// Without TLS everybody on the way reads the token. Use `https://`, or a loopback address.
    #[error("a server is spoken to with TLS, unless it is on this machine")]
    Plain,
    /// TLS cannot be set up, for want of root certificates most likely: see the source.
    #[error("TLS cannot be set up")]
    Tls(#[source] reqwest::Error),
}

/// An [`HttpTransport`] over reqwest, with TLS by rustls and the roots of the platform.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    client: Client,
    timeouts: Timeouts,
}

/// The address of a server, checked, without a slash at its end.
pub(crate) fn check_url(text: &str, allow_plain: bool) -> Result<String, UrlError> {
    let url = Url::parse(text).map_err(|_| UrlError::Malformed)?;
    let is_bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let host = url.host_str().filter(|_| is_bare).ok_or(UrlError::Malformed)?;
    match url.scheme() {
        "https" => {}
        "http" if allow_plain || is_loopback(host) => {}
        "http" => return Err(UrlError::Plain),
        _ => return Err(UrlError::Malformed),
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

impl ReqwestTransport {
    /// A transport to servers at `url`, which is checked first: without TLS only to this machine.
    ///
    /// # Errors
    ///
    /// See [`UrlError`].
    pub fn new(url: &str, timeouts: Timeouts) -> Result<Self, UrlError> {
        Self::with(&check_url(url, false)?, timeouts)
    }

    pub(super) fn with(url: &str, timeouts: Timeouts) -> Result<Self, UrlError> {
        // Whoever chose a provider before keeps it; both know what TLS needs.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("twoshare/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeouts.connect)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false);
        if url.starts_with("http:") {
            // No roots are looked for: a machine without any still reaches its own custodian. And no
            // proxy of the environment: it would read the token, on a network that nobody asked for.
            builder = builder.tls_certs_only([]).no_proxy();
        } else {
            builder = builder.https_only(true);
        }
        Ok(Self { client: builder.build().map_err(UrlError::Tls)?, timeouts })
    }

    /// What the request and its answer may take.
    fn bound(&self, sent: usize, answer: usize) -> Duration {
        let bytes = u64::try_from(sent.saturating_add(answer)).unwrap_or(u64::MAX);
        self.timeouts.request.saturating_add(Duration::from_secs(bytes / SLOWEST))
    }
}

#[async_trait]
impl HttpTransport for ReqwestTransport {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let HttpRequest { method, url, token, body, precondition, accept, max_answer, id } =
            request;
        let sent = body.as_ref().map_or(0, |(_, body)| body.len());
        let method = match method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = self
            .client
            .request(method, url)
            .header(ACCEPT, format!("{accept}, {PROBLEM}"))
            .header(REQUEST_ID, id)
            .timeout(self.bound(sent, max_answer));
        if let Some(token) = token {
            // Exposed: to the server that it is for, and kept out of reqwest's own output.
            let value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()));
            let mut value = value.map_err(unreachable)?;
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        if let Some(Precondition::Absent) = precondition {
            builder = builder.header(IF_NONE_MATCH, "*");
        }
        if let Some((media_type, body)) = body {
            // Exposed: what is secret in a message is sealed end to end.
            builder = builder.header(CONTENT_TYPE, media_type).body(body.expose_secret().to_vec());
        }
        let mut response = builder.send().await.map_err(unreachable)?;
        let too_long = TransportError::TooLong { cap: max_answer };
        let length = response.content_length().unwrap_or(0);
        if length > u64::try_from(max_answer).unwrap_or(u64::MAX) {
            return Err(too_long);
        }
        let mut body = SecretBytes::with_capacity(usize::try_from(length).unwrap_or(0));
        while let Some(chunk) = tokio::time::timeout(self.timeouts.idle, response.chunk())
            .await
            .map_err(unreachable)?
            .map_err(unreachable)?
        {
            if body.len().saturating_add(chunk.len()) > max_answer {
                return Err(too_long);
            }
            body.extend(&chunk);
        }
        let headers = response.headers();
        let media_type = text(headers, CONTENT_TYPE.as_str())
            .and_then(|text| text.split(';').next())
            .map(|text| text.trim().to_ascii_lowercase());
        let retry_after = text(headers, RETRY_AFTER.as_str()).and_then(|text| text.parse().ok());
        Ok(HttpResponse { status: response.status().as_u16(), media_type, retry_after, body })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn unreachable(error: impl Error + Send + Sync + 'static) -> TransportError {
    TransportError::Unreachable(Arc::new(error))
}
