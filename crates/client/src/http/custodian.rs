//! The trait `Custodian`, spoken over HTTP.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use serde_json::Value;
use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, WalletId},
    identity::CustodianIdentity,
    secret::SecretBytes,
};
use twoshare_protocol::{
    Custodian, Nonce,
    custodian::{
        AbandonError, BeginError, CancelError, CommitError, DepartError, EjectError, HandOverError,
        PrepareError, ReadError, RetireError, Unavailable, UploadError,
    },
    http::{
        CBOR, EnvelopeUpload, Fault, JSON, MAX_PROBLEM, OCTETS, PROBLEM, Problem, Route, Verdict,
        nonce_text,
    },
    message::{
        Begin, Begun, Commit, Depart, Departed, Drilled, Ejected, Prepare, Prepared, Receipt,
        Request, Signed, State, Tombstone, Upload,
    },
    wire::Message,
};

use super::{
    HttpResponse, HttpTransport, NoTransport, OwnTransport, Retry, TokenProvider, UrlError,
    call::{Call, Caller, Heard, NOT_UNDERSTOOD, read_status},
    check_url,
};
#[cfg(feature = "reqwest")]
use super::{ReqwestTransport, Timeouts};

/// A custodian over HTTP, on behalf of one logged-in user. Cloning is cheap.
#[derive(Clone)]
pub struct HttpCustodian {
    inner: Arc<Caller>,
}

/// Who is logged in, and where, as the custodian says. Pin the identity before you believe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The user that the token is of.
    pub user: String,
    /// The custodian's public identity.
    pub identity: CustodianIdentity,
}

/// Makes an [`HttpCustodian`].
#[must_use]
pub struct HttpCustodianBuilder<T = NoTransport> {
    url: String,
    tokens: Box<dyn TokenProvider>,
    transport: T,
    retry: Retry,
    allow_plain: bool,
}

impl HttpCustodian {
    /// The custodian at this address, such as `https://custodian.example` or
    /// `https://api.example/custodian` where it is mounted in another service.
    pub fn builder(
        url: impl Into<String>,
        tokens: impl TokenProvider + 'static,
    ) -> HttpCustodianBuilder {
        HttpCustodianBuilder {
            url: url.into(),
            tokens: Box::new(tokens),
            transport: NoTransport::default(),
            retry: Retry::default(),
            allow_plain: false,
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    /// Who is logged in.
    ///
    /// # Errors
    ///
    /// See [`ReadError`].
    pub async fn user(&self) -> Result<Login, ReadError> {
        let path = Route::User.path(&[]);
        let answer = self.call::<ReadError>(Route::User, path, JSON, None).await?;
        // Exposed: to the decoder.
        let value = serde_json::from_slice::<Value>(answer.expose_secret()).map_err(strange)?;
        let member = |name| value.get(name).and_then(Value::as_str);
        let login = member("user").map(str::to_owned).zip(member("identity").map(str::parse));
        match login {
            Some((user, Ok(identity))) => Ok(Login { user, identity }),
            _ => Err(NOT_UNDERSTOOD.into()),
        }
    }

    /// Sends a message, and decodes the message that answers it.
    async fn message<A: Message, E: Verdict + From<Unavailable>>(
        &self,
        route: Route,
        path: String,
        body: Option<SecretBytes>,
    ) -> Result<A, E> {
        let answer = self.call::<E>(route, path, CBOR, body).await?;
        // Exposed: to the decoder.
        A::from_bytes(answer.expose_secret()).map_err(|error| strange(error).into())
    }

    /// Calls until there is an answer, or nothing more to try.
    async fn call<E: Verdict + From<Unavailable>>(
        &self,
        route: Route,
        path: String,
        accept: &'static str,
        body: Option<SecretBytes>,
    ) -> Result<SecretBytes, E> {
        let call = Call {
            method: route.method(),
            path,
            body: body.map(|body| (CBOR, body)),
            precondition: None,
            accept,
            max_answer: route.max_answer().max(MAX_PROBLEM),
        };
        self.inner.call(call, read::<E>).await.map(|response| response.body)
    }
}

fn read<E: Verdict + From<Unavailable>>(response: &HttpResponse) -> Heard<E> {
    let HttpResponse { status, media_type, retry_after, body } = response;
    let (status, retry_after) = (*status, *retry_after);
    if matches!(status, 200 | 204) {
        return Heard::Answer;
    }
    // Exposed: to the decoder.
    let problem = Some(body.expose_secret())
        .filter(|body| media_type.as_deref() == Some(PROBLEM) && body.len() <= MAX_PROBLEM)
        .and_then(Problem::from_bytes);
    let Some(problem) = problem else {
        // A proxy's words, or those of something that is no custodian.
        return read_status(status, retry_after);
    };
    if let Some(mut unavailable) = Unavailable::from_problem(&problem) {
        unavailable.retry_after = unavailable.retry_after.or(retry_after);
        return Heard::Later(unavailable);
    }
    if let Some(verdict) = E::from_problem(&problem) {
        return Heard::Final(verdict);
    }
    let Some(fault) = Fault::from_problem(&problem) else {
        return Heard::Final(NOT_UNDERSTOOD.into());
    };
    let mut unavailable = Unavailable::from(&fault);
    unavailable.retry_after = unavailable.retry_after.or(retry_after);
    match fault {
        Fault::Unauthenticated => Heard::TokenRefused,
        Fault::TimedOut | Fault::RateLimited { .. } | Fault::Internal | Fault::Stopping => {
            Heard::Later(unavailable)
        }
        // Its operator has to look first.
        Fault::StoppedWriting
        | Fault::Malformed
        | Fault::NewerVersion { .. }
        | Fault::OtherMessage { .. }
        | Fault::OtherDigest
        | Fault::NoSuchPath
        | Fault::MethodNotAllowed
        | Fault::TooLarge { .. }
        | Fault::UnsupportedMediaType => Heard::Final(unavailable.into()),
    }
}

fn strange<T>(_: T) -> Unavailable {
    NOT_UNDERSTOOD
}

#[async_trait]
impl Custodian for HttpCustodian {
    async fn wallets(&self) -> Result<Vec<WalletId>, ReadError> {
        let path = Route::Wallets.path(&[]);
        let answer = self.call::<ReadError>(Route::Wallets, path, JSON, None).await?;
        // Exposed: to the decoder.
        let value = serde_json::from_slice::<Value>(answer.expose_secret()).map_err(strange)?;
        let wallets = value.get("wallets").and_then(Value::as_array).ok_or(NOT_UNDERSTOOD)?;
        let parse = |wallet: &Value| wallet.as_str().and_then(|text| text.parse().ok());
        Ok(wallets.iter().map(parse).collect::<Option<_>>().ok_or(NOT_UNDERSTOOD)?)
    }

    async fn state(&self, wallet: WalletId, nonce: Nonce) -> Result<Signed<State>, ReadError> {
        let path = format!("{}?nonce={}", Route::State.path(&[&wallet]), nonce_text(nonce));
        self.message(Route::State, path, None).await
    }

    async fn receipt(
        &self,
        wallet: WalletId,
        id: OperationId,
    ) -> Result<Signed<Receipt>, ReadError> {
        self.message(Route::Receipt, Route::Receipt.path(&[&wallet, &id]), None).await
    }

    async fn begin(&self, begin: Begin) -> Result<Signed<Begun>, BeginError> {
        self.message(Route::Begin, Route::Begin.path(&[]), Some(begin.to_bytes())).await
    }

    async fn prepare(&self, prepare: Prepare) -> Result<Prepared, PrepareError> {
        self.message(Route::Prepare, Route::Prepare.path(&[]), Some(prepare.to_bytes())).await
    }

    async fn commit(&self, commit: Commit) -> Result<Signed<Receipt>, CommitError> {
        self.message(Route::Commit, Route::Commit.path(&[]), Some(commit.to_bytes())).await
    }

    async fn abandon(&self, request: Request) -> Result<Signed<Tombstone>, AbandonError> {
        self.message(Route::Abandon, Route::Abandon.path(&[]), Some(request.to_bytes())).await
    }

    async fn cancel(&self, request: Request) -> Result<(), CancelError> {
        let (path, body) = (Route::Cancel.path(&[]), Some(request.to_bytes()));
        self.call::<CancelError>(Route::Cancel, path, CBOR, body).await.map(drop)
    }

    async fn eject(&self, request: Request) -> Result<Ejected, EjectError> {
        self.message(Route::Eject, Route::Eject.path(&[]), Some(request.to_bytes())).await
    }

    async fn drill(&self, wallet: WalletId, nonce: Nonce) -> Result<Drilled, ReadError> {
        let path = format!("{}?nonce={}", Route::Drill.path(&[&wallet]), nonce_text(nonce));
        self.message(Route::Drill, path, None).await
    }

    async fn put_envelope(&self, upload: Upload, envelope: Vec<u8>) -> Result<(), UploadError> {
        let path = Route::PutEnvelope.path(&[&upload.wallet, &Digest::of(&envelope)]);
        let body = EnvelopeUpload { upload, envelope: envelope.into() }.to_bytes();
        self.call::<UploadError>(Route::PutEnvelope, path, CBOR, Some(body)).await.map(drop)
    }

    async fn envelope(&self, wallet: WalletId, digest: Digest) -> Result<Vec<u8>, ReadError> {
        let path = Route::Envelope.path(&[&wallet, &digest]);
        let envelope = self.call::<ReadError>(Route::Envelope, path, OCTETS, None).await?;
        // Exposed: an envelope is ciphertext.
        Ok(envelope.expose_secret().to_vec())
    }

    async fn retire(&self, wallet: WalletId, epoch: Epoch) -> Result<(), RetireError> {
        let path = Route::Retire.path(&[&wallet, &epoch]);
        self.call::<RetireError>(Route::Retire, path, CBOR, None).await.map(drop)
    }

    async fn depart(&self, depart: Depart) -> Result<Departed, DepartError> {
        self.message(Route::Depart, Route::Depart.path(&[]), Some(depart.to_bytes())).await
    }

    async fn hand_over(&self, receipt: Signed<Receipt>) -> Result<(), HandOverError> {
        let path = Route::HandOver.path(&[&receipt.unverified().wallet]);
        let body = Some(receipt.to_bytes());
        self.call::<HandOverError>(Route::HandOver, path, CBOR, body).await.map(drop)
    }
}

impl fmt::Debug for HttpCustodian {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpCustodian").field("url", &self.inner.url).finish_non_exhaustive()
    }
}

impl<T> HttpCustodianBuilder<T> {
    /// Asks through the app's own HTTP stack. The timeouts are then its own.
    pub fn transport(
        self,
        transport: impl HttpTransport + 'static,
    ) -> HttpCustodianBuilder<OwnTransport> {
        let Self { url, tokens, transport: _, retry, allow_plain } = self;
        let transport = OwnTransport(Arc::new(transport));
        HttpCustodianBuilder { url, tokens, transport, retry, allow_plain }
    }

    /// How often and how long to ask again.
    pub const fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Speaks `http://` with another machine too.
    ///
    /// Hazard: everybody on the way reads the token, and with it may do what its user may. Meant for
    /// a network that encrypts by itself.
    pub const fn hazmat_plain_http(mut self) -> Self {
        self.allow_plain = true;
        self
    }
}

#[cfg(feature = "reqwest")]
impl HttpCustodianBuilder {
    /// How long to wait for one attempt.
    pub const fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.transport.timeouts = timeouts;
        self
    }

    /// The custodian, spoken to over a [`ReqwestTransport`]. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// See [`UrlError`].
    pub fn build(self) -> Result<HttpCustodian, UrlError> {
        let url = check_url(&self.url, self.allow_plain)?;
        let transport = ReqwestTransport::with(&url, self.transport.timeouts)?;
        self.transport(transport).build()
    }
}

impl HttpCustodianBuilder<OwnTransport> {
    /// The custodian. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// See [`UrlError`].
    pub fn build(self) -> Result<HttpCustodian, UrlError> {
        let Self { url, tokens, transport: OwnTransport(transport), retry, allow_plain } = self;
        let url = check_url(&url, allow_plain)?;
        Ok(HttpCustodian { inner: Arc::new(Caller { url, tokens, transport, retry }) })
    }
}

impl<T> fmt::Debug for HttpCustodianBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpCustodianBuilder").field("url", &self.url).finish_non_exhaustive()
    }
}
