//! The custodian over HTTP, by the app's own HTTP stack.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use twoshare::core::{identity::CustodianIdentity, secret::SecretBytes};

use crate::{
    error::{ReadError, TokenError, TransportError, UrlError},
    foreign::{self, TIMEOUT},
    kinds::HttpMethod,
    log::{self, Answer},
    runtime,
};

/// The slowest connection that is waited for, in bytes a second: what a request may take grows with its body.
const SLOWEST: u64 = 32 * 1024;

/// A server of the app's user, and how it is spoken to.
#[derive(Clone, uniffi::Record)]
pub struct HttpConfig {
    /// Its address, such as `https://custodian.example` or `https://api.example/custodian` where it is
    /// mounted in another service. `http://` only to this machine.
    pub url: String,
    /// Sends the requests. Your language's layer has a ready one over the platform's HTTP client.
    pub transport: Arc<dyn HttpTransport>,
    /// Where tokens come from.
    pub tokens: Arc<dyn TokenProvider>,
    /// How often and how long to ask again; the default without one.
    #[uniffi(default = None)]
    pub retry: Option<Retry>,
    /// How long one request and its whole answer are waited for, besides a second for every 32 KiB of either;
    /// 30 s without one.
    #[uniffi(default = None)]
    pub request_timeout: Option<Duration>,
    /// How long a token is waited for; 30 s without one.
    #[uniffi(default = None)]
    pub token_timeout: Option<Duration>,
    /// Speaks `http://` with another machine too.
    ///
    /// Hazard: everybody on the way reads the token, and with it may do what its user may. Meant for a network
    /// that encrypts by itself, and for an emulator that reaches its host.
    #[uniffi(default = false)]
    pub hazmat_plain_http: bool,
}

/// How often and how long a call is repeated whose answer was lost, or which came at a bad time.
#[derive(Debug, Clone, Copy, uniffi::Record)]
pub struct Retry {
    /// The first pause; each further one is twice as long. 200 ms by default.
    pub first: Duration,
    /// The longest pause that is chosen here. 5 s by default. What the server asks for may be longer.
    pub longest: Duration,
    /// No attempt begins later than this after the first. 30 s by default.
    pub total: Duration,
    /// How many attempts there are at most. 8 by default; with 1, every call is made once.
    pub attempts: u32,
}

/// How a call is repeated where an app says nothing.
#[uniffi::export]
#[must_use]
pub fn default_retry() -> Retry {
    let twoshare::Retry { first, longest, total, attempts } = twoshare::Retry::default();
    Retry { first, longest, total, attempts }
}

/// A custodian over HTTP, on behalf of one logged-in user.
#[derive(Debug, uniffi::Object)]
pub struct HttpCustodian(twoshare::HttpCustodian);

/// Who is logged in, and where, as the custodian says. Pin the identity before you believe it.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Login {
    /// The user that the token is of.
    pub user: String,
    /// The custodian's public identity.
    pub identity: CustodianIdentity,
}

#[uniffi::export]
impl HttpCustodian {
    /// The custodian at this address. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// The address is not one that is used.
    #[uniffi::constructor]
    pub fn new(config: HttpConfig) -> Result<Self, UrlError> {
        let plain = config.hazmat_plain_http;
        let (url, tokens, transport, retry) = config.into_parts();
        let mut builder = twoshare::HttpCustodian::builder(url, tokens).transport(transport);
        if let Some(retry) = retry {
            builder = builder.retry(retry);
        }
        if plain {
            builder = builder.hazmat_plain_http();
        }
        Ok(Self(builder.build()?))
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        self.0.url().to_owned()
    }

    /// Who is logged in, as the custodian says.
    ///
    /// # Errors
    ///
    /// The custodian did not say.
    pub async fn user(&self) -> Result<Login, ReadError> {
        let custodian = self.0.clone();
        runtime::run(None, async move {
            let twoshare::Login { user, identity } = custodian.user().await?;
            Ok(Login { user, identity })
        })
        .await
    }
}

impl HttpCustodian {
    pub(crate) fn inner(&self) -> twoshare::HttpCustodian {
        self.0.clone()
    }
}

impl HttpConfig {
    pub(crate) fn into_parts(self) -> (String, OwnTokens, OwnTransport, Option<twoshare::Retry>) {
        let Self { url, transport, tokens, retry, request_timeout, token_timeout, .. } = self;
        let tokens = OwnTokens { tokens, timeout: token_timeout.unwrap_or(TIMEOUT) };
        let transport = OwnTransport { transport, timeout: request_timeout.unwrap_or(TIMEOUT) };
        (url, tokens, transport, retry.map(twoshare::Retry::from))
    }
}

impl From<Retry> for twoshare::Retry {
    fn from(retry: Retry) -> Self {
        let Retry { first, longest, total, attempts } = retry;
        Self { first, longest, total, attempts }
    }
}

/// The app's own HTTP stack. It sends each request once, follows no redirect, and reads no more of an answer than
/// it may.
///
/// Of the answer's body, it must not keep a copy: it may be secret.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait HttpTransport: Send + Sync {
    /// Sends one request. An answer of any status is an answer.
    ///
    /// # Errors
    ///
    /// It could not be sent, or its answer did not arrive or was too long. Anything else that is thrown
    /// counts as unreachable.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError>;
}

impl fmt::Debug for dyn HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpTransport")
    }
}

/// One request.
#[derive(Clone, uniffi::Record)]
pub struct HttpRequest {
    /// Its method.
    pub method: HttpMethod,
    /// Where to.
    pub url: String,
    /// The headers to send, each once and as they are. `Authorization` is among them: do not log them.
    pub headers: Vec<HttpHeader>,
    /// The body, where there is one. Its media type is among the headers.
    pub body: Option<Vec<u8>>,
    /// The longest body of the answer, in bytes: read no further, and throw `TooLong`.
    pub max_answer: u64,
    /// Names the request in logs at both ends; it is among the headers.
    pub id: String,
}

/// A header of a request.
#[derive(Clone, uniffi::Record)]
pub struct HttpHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Its answer.
#[derive(Clone, uniffi::Record)]
pub struct HttpResponse {
    /// The status.
    pub status: u16,
    /// What the header `Content-Type` says.
    #[uniffi(default = None)]
    pub content_type: Option<String>,
    /// What the header `Retry-After` says.
    #[uniffi(default = None)]
    pub retry_after: Option<String>,
    /// The body, empty where there is none.
    pub body: Vec<u8>,
}

macro_rules! redacted {
    ($($name:ident),+) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )+ };
}

redacted!(HttpConfig, HttpRequest, HttpHeader, HttpResponse);

/// Where tokens come from: an app asks its own backend.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait TokenProvider: Send + Sync {
    /// A token for the user who is logged in: printable ASCII without spaces, up to 8 KiB. `refused` is the one that the
    /// custodian has just refused, probably because its time was over: give another.
    ///
    /// # Errors
    ///
    /// The user has to sign in again, or no token can be had now.
    async fn token(&self, refused: Option<String>) -> Result<String, TokenError>;
}

impl fmt::Debug for dyn TokenProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenProvider")
    }
}

/// The app's own HTTP stack, with a bound on how long it is waited for.
pub(crate) struct OwnTransport {
    transport: Arc<dyn HttpTransport>,
    timeout: Duration,
}

impl OwnTransport {
    /// What the request and its answer may take.
    fn bound(&self, sent: usize, answer: usize) -> Duration {
        let bytes = u64::try_from(sent.saturating_add(answer)).unwrap_or(u64::MAX);
        self.timeout.saturating_add(Duration::from_secs(bytes / SLOWEST))
    }
}

#[async_trait]
impl twoshare::HttpTransport for OwnTransport {
    async fn send(
        &self,
        request: twoshare::HttpRequest,
    ) -> Result<twoshare::HttpResponse, twoshare::TransportError> {
        let max_answer = request.max_answer;
        let sent = request.body.as_ref().map_or(0, |(_, body)| body.len());
        let (method, url, id) = (request.method, request.url.clone(), request.id.clone());
        let (began, bound) = (Instant::now(), self.bound(sent, max_answer));
        let send = self.transport.send(request.into());
        let answer = foreign::call("HttpTransport.send", bound, send).await;
        let status = answer.as_ref().ok().map(|answer| answer.status);
        log::http(method, &url, &id, began.elapsed(), status);
        let HttpResponse { status, content_type, retry_after, body } = answer?;
        let body = SecretBytes::from(body);
        if body.len() > max_answer {
            return Err(twoshare::TransportError::TooLong { cap: max_answer });
        }
        let media_type = content_type
            .as_deref()
            .and_then(|text| text.split(';').next())
            .map(|text| text.trim().to_ascii_lowercase());
        let retry_after = retry_after.and_then(|text| text.trim().parse().ok());
        Ok(twoshare::HttpResponse { status, media_type, retry_after, body })
    }
}

impl From<twoshare::HttpRequest> for HttpRequest {
    fn from(request: twoshare::HttpRequest) -> Self {
        let twoshare::HttpRequest {
            method,
            url,
            token,
            body,
            precondition,
            accept,
            max_answer,
            id,
        } = request;
        let header = |name: &str, value: String| HttpHeader { name: name.to_owned(), value };
        let problem = twoshare::protocol::http::PROBLEM;
        let mut headers = vec![
            header("Accept", format!("{accept}, {problem}")),
            header("X-Request-Id", id.clone()),
            header("User-Agent", concat!("twoshare/", env!("CARGO_PKG_VERSION")).to_owned()),
        ];
        if let Some(token) = token {
            // Exposed: to the server that it is for, through the app's own stack.
            headers.push(header("Authorization", format!("Bearer {}", token.expose_secret())));
        }
        if let Some(twoshare::Precondition::Absent) = precondition {
            headers.push(header("If-None-Match", "*".to_owned()));
        }
        let body = body.map(|(media_type, body)| {
            headers.push(header("Content-Type", media_type.to_owned()));
            // Exposed: what is secret in a message is sealed end to end.
            body.expose_secret().to_vec()
        });
        let max_answer = u64::try_from(max_answer).unwrap_or(u64::MAX);
        Self { method, url, headers, body, max_answer, id }
    }
}

/// The app's own tokens, with a bound on how long one is waited for.
pub(crate) struct OwnTokens {
    tokens: Arc<dyn TokenProvider>,
    timeout: Duration,
}

#[async_trait]
impl twoshare::TokenProvider for OwnTokens {
    async fn token(
        &self,
        refused: Option<&twoshare::Token>,
    ) -> Result<twoshare::Token, twoshare::TokenError> {
        // Exposed: to whoever gave it.
        let refused = refused.map(|token| token.expose_secret().to_owned());
        let call = self.tokens.token(refused);
        let token = foreign::call("TokenProvider.token", self.timeout, call).await?;
        twoshare::Token::new(token).map_err(|_| {
            // What is no token is none.
            let error = "NotAToken".to_owned();
            log::app("TokenProvider.token", Answer::Threw { error });
            twoshare::TokenError::Unavailable
        })
    }
}
