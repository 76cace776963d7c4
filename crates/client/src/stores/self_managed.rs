//! The app's own backend as a store.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use serde_json::Value;
use twoshare_core::{
    base32,
    container::HEADER_LEN,
    envelope::MAX_LEN,
    id::WalletId,
    secret::SecretBytes,
    store::{EnvelopeStore, GetError, ObjectName, PutError, StoreFault},
};
use twoshare_protocol::{
    custodian::Unavailable,
    http::{JSON, MAX_PROBLEM, Method, OCTETS},
};

use super::read::fault;
use crate::http::{
    HttpResponse, HttpTransport, NoTransport, OwnTransport, Precondition, Retry, TokenProvider,
    UrlError,
    call::{Call, Caller, Heard, NOT_UNDERSTOOD, read_status},
    check_url,
};
#[cfg(feature = "reqwest")]
use crate::http::{ReqwestTransport, Timeouts};

/// The longest object.
const MAX_OBJECT: usize = HEADER_LEN + MAX_LEN;

/// The longest list: of some 7,000 objects.
const MAX_LIST: usize = 1024 * 1024;

/// An [`EnvelopeStore`] in the app's own backend.
///
/// What the backend has to do is little, and written down: `docs/self-managed-store.openapi.json`, with a
/// server in `examples/self_managed_store.rs` that does it. In short: `PUT`, `GET` and `DELETE` of
/// `/objects/{name}`, and `GET /objects?wallet=`, on behalf of the user of a bearer token; what is there is
/// never overwritten; and an answer is given after what it says is durable.
///
/// Who can read the store is for the app to say: it is
/// [`Operator::Custodian`](twoshare_core::store::Operator::Custodian) unless somebody else than the
/// custodian's operator runs it.
///
/// A token is asked for again, once per call, when the backend refuses it. A call whose answer was lost is
/// repeated. Needs a Tokio runtime.
#[derive(Clone)]
pub struct SelfManagedStore {
    caller: Arc<Caller>,
}

/// Makes a [`SelfManagedStore`].
#[must_use]
pub struct SelfManagedStoreBuilder<T = NoTransport> {
    url: String,
    tokens: Box<dyn TokenProvider>,
    transport: T,
    retry: Retry,
}

impl SelfManagedStore {
    /// The store at this address, such as `https://api.example/backups`.
    pub fn builder(
        url: impl Into<String>,
        tokens: impl TokenProvider + 'static,
    ) -> SelfManagedStoreBuilder {
        SelfManagedStoreBuilder {
            url: url.into(),
            tokens: Box::new(tokens),
            transport: NoTransport::default(),
            retry: Retry::default(),
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.caller.url
    }

    /// Calls until there is an answer that says something about the object.
    async fn call(
        &self,
        method: Method,
        path: String,
        body: Option<&[u8]>,
    ) -> Result<HttpResponse, StoreFault> {
        let is_list = path.starts_with("/objects?");
        let call = Call {
            method,
            path,
            body: body.map(|body| (OCTETS, SecretBytes::from(body))),
            precondition: body.map(|_| Precondition::Absent),
            accept: if is_list { JSON } else { OCTETS },
            max_answer: match method {
                Method::Get if is_list => MAX_LIST,
                Method::Get => MAX_OBJECT,
                Method::Put | Method::Post | Method::Delete => MAX_PROBLEM,
            },
        };
        self.caller.call::<Unavailable>(call, read).await.map_err(fault)
    }

    async fn put_once(&self, name: &ObjectName, bytes: &[u8]) -> Result<Put, PutError> {
        let response = self.call(Method::Put, object(name), Some(bytes)).await?;
        match response.status {
            201 => Ok(Put::Done),
            412 => Ok(Put::Exists),
            413 => Err(PutError::TooLarge { len: bytes.len(), cap: MAX_OBJECT }),
            507 => Err(PutError::Full),
            status => Err(self.other(status).into()),
        }
    }

    /// What any call may be answered with.
    fn other(&self, status: u16) -> StoreFault {
        match status {
            403 => StoreFault::Denied { scope: self.url().to_owned() },
            _ => fault(NOT_UNDERSTOOD),
        }
    }
}

/// What became of one attempt to put an object.
enum Put {
    Done,
    Exists,
}

fn object(name: &ObjectName) -> String {
    format!("/objects/{name}")
}

fn read(response: &HttpResponse) -> Heard<Unavailable> {
    match response.status {
        200 | 201 | 204 | 403 | 404 | 412 | 413 | 507 => Heard::Answer,
        status => read_status(status, response.retry_after),
    }
}

#[async_trait]
impl EnvelopeStore for SelfManagedStore {
    async fn put(&self, name: &ObjectName, bytes: &[u8]) -> Result<(), PutError> {
        if bytes.len() > MAX_OBJECT {
            return Err(PutError::TooLarge { len: bytes.len(), cap: MAX_OBJECT });
        }
        // Once more if what was there is gone when it is looked at.
        for _ in 0..2 {
            match self.put_once(name, bytes).await? {
                Put::Done => return Ok(()),
                // Our own, where the first answer was lost.
                Put::Exists => match self.get(name).await {
                    Ok(there) if there == bytes => return Ok(()),
                    Ok(_) | Err(GetError::Damaged) => return Err(PutError::Exists),
                    Err(GetError::NotFound) => {}
                    Err(GetError::Fault(fault)) => return Err(fault.into()),
                },
            }
        }
        Err(PutError::Exists)
    }

    async fn get(&self, name: &ObjectName) -> Result<Vec<u8>, GetError> {
        let response = self.call(Method::Get, object(name), None).await?;
        match response.status {
            // Exposed: an object is public to whoever keeps it.
            200 => Ok(response.body.expose_secret().to_vec()),
            404 => Err(GetError::NotFound),
            status => Err(self.other(status).into()),
        }
    }

    async fn list(&self, wallet: WalletId) -> Result<Vec<ObjectName>, StoreFault> {
        let wallet_text = base32::encode(&wallet.to_bytes()).to_lowercase();
        let path = format!("/objects?wallet={wallet_text}");
        let response = self.call(Method::Get, path, None).await?;
        if response.status != 200 {
            return Err(self.other(response.status));
        }
        // Exposed: to the decoder.
        let answer = serde_json::from_slice::<Value>(response.body.expose_secret());
        let answer = answer.map_err(|error| StoreFault::Broken(error.into()))?;
        let names = answer.get("objects").and_then(Value::as_array);
        let names = names.ok_or_else(|| fault(NOT_UNDERSTOOD))?.iter().filter_map(Value::as_str);
        // Other files are none of ours.
        let names = names.filter_map(|name| name.parse::<ObjectName>().ok());
        Ok(names.filter(|name| name.envelope.wallet == wallet).collect())
    }

    async fn delete(&self, name: &ObjectName) -> Result<(), StoreFault> {
        let response = self.call(Method::Delete, object(name), None).await?;
        match response.status {
            204 => Ok(()),
            status => Err(self.other(status)),
        }
    }
}

impl<T> SelfManagedStoreBuilder<T> {
    /// Asks through the app's own HTTP stack. The timeouts are then its own.
    pub fn transport(
        self,
        transport: impl HttpTransport + 'static,
    ) -> SelfManagedStoreBuilder<OwnTransport> {
        let Self { url, tokens, transport: _, retry } = self;
        let transport = OwnTransport(Arc::new(transport));
        SelfManagedStoreBuilder { url, tokens, transport, retry }
    }

    /// How often and how long to ask again.
    pub const fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }
}

#[cfg(feature = "reqwest")]
impl SelfManagedStoreBuilder {
    /// How long to wait for one attempt.
    pub const fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.transport.timeouts = timeouts;
        self
    }

    /// The store, spoken to over a [`ReqwestTransport`]. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// See [`UrlError`].
    pub fn build(self) -> Result<SelfManagedStore, UrlError> {
        let transport = ReqwestTransport::new(&self.url, self.transport.timeouts)?;
        self.transport(transport).build()
    }
}

impl SelfManagedStoreBuilder<OwnTransport> {
    /// The store. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// See [`UrlError`].
    pub fn build(self) -> Result<SelfManagedStore, UrlError> {
        let Self { url, tokens, transport: OwnTransport(transport), retry } = self;
        let url = check_url(&url, false)?;
        Ok(SelfManagedStore { caller: Arc::new(Caller { url, tokens, transport, retry }) })
    }
}

impl fmt::Debug for SelfManagedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfManagedStore").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for SelfManagedStoreBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SelfManagedStoreBuilder").field("url", &self.url).finish_non_exhaustive()
    }
}
