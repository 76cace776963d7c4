//! The transport of whoever brings none.

use std::{error::Error, sync::Arc, time::Duration};

use async_trait::async_trait;
use reqwest::{
    Client,
    header::{
        ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, IF_NONE_MATCH, RETRY_AFTER,
    },
    redirect, retry,
};
use twoshare_core::secret::SecretBytes;
use twoshare_protocol::http::{Method, PROBLEM, REQUEST_ID};

use super::{
    HttpRequest, HttpResponse, HttpTransport, Precondition, TransportError, UrlError, check_url,
};

/// The slowest connection that is waited for, in bytes a second: what a request may take grows with
/// its body.
const SLOWEST: u64 = 32 * 1024;

/// An [`HttpTransport`] over reqwest, with TLS by rustls and the roots of the platform.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    client: Client,
    timeouts: Timeouts,
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

impl ReqwestTransport {
    /// A transport to servers at `url`, which is checked first: without TLS only to this machine.
    ///
    /// # Errors
    ///
    /// See [`UrlError`].
    pub fn new(url: &str, timeouts: Timeouts) -> Result<Self, UrlError> {
        Self::with(&check_url(url, false)?, timeouts)
    }

    pub(crate) fn with(url: &str, timeouts: Timeouts) -> Result<Self, UrlError> {
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
        Ok(Self { client: builder.build().map_err(|error| UrlError::Tls(error.into()))?, timeouts })
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
