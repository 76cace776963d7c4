//! A custodian in memory behind an HTTP stack of the app's own, and an app that misbehaves.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic is the failure message")]
#![allow(dead_code, reason = "not every test uses all of it")]

use std::{
    collections::BTreeMap,
    future::pending,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use twoshare::{
    core::{
        id::{CurveId, WalletId},
        secret::SecretBytes,
        store::ObjectName,
    },
    device::Counter,
    protocol::{
        Custodian,
        http::{CBOR, EnvelopeUpload, JSON, OCTETS, PROBLEM, Verdict, parse_nonce},
        memory::{MemoryCustodian, MemorySession},
        wire::Message,
    },
};
use twoshare_ffi::{
    Client, ClientConfig, Device, DeviceState, EnvelopeStore, HttpConfig, HttpCustodian,
    HttpMethod, HttpRequest, HttpResponse, HttpTransport, LogSink, Method, NamedPlace, Operator,
    Place, Record, RecoveryCode, Retry, TokenProvider, Wallet,
    error::{
        DeleteError, DeviceFault, DiscardError, GetError, LoadError, PutError, SaveError,
        StoreFault, TokenError, TransportError,
    },
};
use uniffi::UnexpectedUniFFICallbackError;

pub(crate) const USER: &str = "alice";
pub(crate) const TOKEN: &str = "TOKEN-that-nobody-may-see";

/// How long a call into the app's code is waited for here. What answers, answers when it is first polled, so that nothing
/// else is ever timed out.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(30);

/// As good as never: what is let go of in a test with this was not timed out.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

/// What an app does instead of answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// It never returns.
    Hangs,
    /// It throws what it does not declare.
    Throws,
    /// It answers what cannot be.
    Nonsense,
    /// It answers more than was asked for: what is right, and then spaces.
    Long,
    /// It panics, as code in Rust might.
    Panics,
}

/// Which of an app's traits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Transport,
    Tokens,
    Device,
    Store,
}

/// What the app does inside of a call to it.
pub(crate) type Inside = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// An app, which does one thing wrong: the call number `at` to one of its traits, and every later one where it lasts.
#[derive(Default)]
pub(crate) struct App {
    wrong: Mutex<Option<(Part, Wrong, usize, bool)>>,
    calls: AtomicUsize,
    /// Called at every call of a part, with its number.
    #[allow(clippy::type_complexity)]
    hook: Mutex<Option<(Part, Arc<dyn Fn(usize) -> bool + Send + Sync>)>>,
    /// What the next call of the device does first.
    pub(crate) inside: Mutex<Option<Inside>>,
}

impl App {
    pub(crate) fn goes_wrong(&self, part: Part, how: Wrong, at: usize, lasts: bool) {
        self.calls.store(0, Ordering::SeqCst);
        *self.wrong.lock().unwrap() = Some((part, how, at, lasts));
    }

    pub(crate) fn behaves(&self) {
        *self.wrong.lock().unwrap() = None;
        *self.hook.lock().unwrap() = None;
    }

    /// Hears the number of every call of this part. The call hangs where it says so.
    pub(crate) fn hears(&self, part: Part, hook: impl Fn(usize) -> bool + Send + Sync + 'static) {
        self.calls.store(0, Ordering::SeqCst);
        *self.hook.lock().unwrap() = Some((part, Arc::new(hook)));
    }

    /// What a call to this part does wrong, if anything.
    async fn at(&self, part: Part) -> Option<Wrong> {
        let inside = self.inside.lock().unwrap().take_if(|_| part == Part::Device);
        if let Some(inside) = inside {
            inside().await;
        }
        let hook = self.hook.lock().unwrap().clone();
        if let Some((_, hook)) = hook.filter(|(heard, _)| *heard == part)
            && hook(self.calls.fetch_add(1, Ordering::SeqCst))
        {
            pending::<()>().await;
        }
        let (wrong, how, at, lasts) = (*self.wrong.lock().unwrap())?;
        if wrong != part {
            return None;
        }
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if call != at && !(lasts && call > at) {
            return None;
        }
        match how {
            Wrong::Hangs => pending().await,
            Wrong::Panics => panic!("the app's code panicked"),
            Wrong::Throws | Wrong::Nonsense | Wrong::Long => Some(how),
        }
    }
}

pub(crate) fn thrown<E: From<UnexpectedUniFFICallbackError>>() -> E {
    UnexpectedUniFFICallbackError::new("IllegalStateException: SECRET-of-the-app").into()
}

/// A custodian in memory, as the app's HTTP stack reaches it.
pub(crate) struct Http {
    pub(crate) custodian: Arc<MemoryCustodian>,
    pub(crate) app: Arc<App>,
}

impl Http {
    async fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let session = self.custodian.login(USER);
        let path = request.url.split_once("://").unwrap().1.split_once('/').unwrap().1;
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let nonce = || parse_nonce(query.strip_prefix("nonce=").unwrap()).unwrap();
        let body = request.body.clone().unwrap_or_default();
        match (request.method, parts.as_slice()) {
            (HttpMethod::Get, ["user"]) => {
                let identity = self.custodian.identity();
                json(format!(r#"{{"user":"{USER}","identity":"{identity}"}}"#))
            }
            (HttpMethod::Get, ["wallets"]) => match session.wallets().await {
                Ok(wallets) => {
                    let ids: Vec<_> = wallets.iter().map(|id| format!("\"{id}\"")).collect();
                    json(format!(r#"{{"wallets":[{}]}}"#, ids.join(",")))
                }
                Err(error) => refusal(&error),
            },
            (_, ["wallets", wallet, rest @ ..]) => {
                self.about(&session, wallet.parse().unwrap(), rest, nonce, body).await
            }
            (_, ["begin"]) => message(session.begin(read(&body)).await),
            (_, ["prepare"]) => message(session.prepare(read(&body)).await),
            (_, ["commit"]) => message(session.commit(read(&body)).await),
            (_, ["abandon"]) => message(session.abandon(read(&body)).await),
            (_, ["cancel"]) => done(session.cancel(read(&body)).await),
            (_, ["eject"]) => message(session.eject(read(&body)).await),
            (_, ["depart"]) => message(session.depart(read(&body)).await),
            other => panic!("{other:?}"),
        }
    }

    async fn about(
        &self,
        session: &MemorySession,
        wallet: WalletId,
        rest: &[&str],
        nonce: impl Fn() -> twoshare::protocol::Nonce,
        body: Vec<u8>,
    ) -> HttpResponse {
        match rest {
            ["state"] => message(session.state(wallet, nonce()).await),
            ["drill"] => message(session.drill(wallet, nonce()).await),
            ["receipts", id] => message(session.receipt(wallet, id.parse().unwrap()).await),
            ["envelopes", _] if !body.is_empty() => {
                let EnvelopeUpload { upload, envelope } = read(&body);
                let envelope = envelope.expose_secret().to_vec();
                done(session.put_envelope(upload, envelope).await)
            }
            ["envelopes", digest] => {
                match session.envelope(wallet, digest.parse().unwrap()).await {
                    Ok(envelope) => response(200, OCTETS, envelope),
                    Err(error) => refusal(&error),
                }
            }
            ["epochs", epoch] => {
                let epoch = twoshare::core::id::Epoch::new(epoch.parse().unwrap()).unwrap();
                done(session.retire(wallet, epoch).await)
            }
            ["hand-over"] => done(session.hand_over(read(&body)).await),
            other => panic!("{other:?}"),
        }
    }
}

fn read<M: Message>(body: &[u8]) -> M {
    M::from_bytes(body).unwrap()
}

fn response(status: u16, media_type: &str, body: Vec<u8>) -> HttpResponse {
    HttpResponse { status, content_type: Some(media_type.to_owned()), retry_after: None, body }
}

fn json(text: String) -> HttpResponse {
    response(200, JSON, text.into_bytes())
}

fn message<M: Message, E: Verdict>(result: Result<M, E>) -> HttpResponse {
    match result {
        Ok(message) => response(200, CBOR, message.to_bytes().expose_secret().to_vec()),
        Err(error) => refusal(&error),
    }
}

fn done<E: Verdict>(result: Result<(), E>) -> HttpResponse {
    match result {
        Ok(()) => response(204, CBOR, Vec::new()),
        Err(error) => refusal(&error),
    }
}

fn refusal(error: &impl Verdict) -> HttpResponse {
    let problem = error.to_problem();
    response(problem.status, PROBLEM, problem.to_bytes())
}

#[async_trait]
impl HttpTransport for Http {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let header = |name: &str| {
            let found = request.headers.iter().find(|header| header.name == name);
            found.map(|header| header.value.clone())
        };
        assert_eq!(header("Authorization"), Some(format!("Bearer {TOKEN}")));
        assert_eq!(header("X-Request-Id"), Some(request.id.clone()));
        assert_eq!(header("Content-Type").is_some(), request.body.is_some());
        match self.app.at(Part::Transport).await {
            None => Ok(self.answer(&request).await),
            Some(Wrong::Throws) => Err(thrown()),
            Some(Wrong::Long) => {
                let mut answer = self.answer(&request).await;
                answer.body.resize(usize::try_from(request.max_answer).unwrap() + 1, b' ');
                Ok(answer)
            }
            Some(_) => Ok(response(200, CBOR, vec![0x5A; 100])),
        }
    }
}

/// The app's backend, for tokens.
pub(crate) struct Tokens(pub Arc<App>);

#[async_trait]
impl TokenProvider for Tokens {
    async fn token(&self, _: Option<String>) -> Result<String, TokenError> {
        match self.0.at(Part::Tokens).await {
            None => Ok(TOKEN.to_owned()),
            Some(Wrong::Throws) => Err(thrown()),
            Some(_) => Ok("not a token\n".to_owned()),
        }
    }
}

type Records = Mutex<BTreeMap<WalletId, (Counter, Option<SecretBytes>)>>;

/// The app's key store.
pub(crate) struct Keeper {
    pub(crate) app: Arc<App>,
    kept: Records,
}

impl Keeper {
    fn found(&self, wallet: WalletId) -> (Option<Counter>, Option<Counter>) {
        match self.kept.lock().unwrap().get(&wallet) {
            None => (None, None),
            Some((counter, None)) => (Some(*counter), None),
            Some((counter, Some(_))) => (Some(*counter), Some(*counter)),
        }
    }
}

#[async_trait]
impl DeviceState for Keeper {
    async fn wallets(&self) -> Result<Vec<WalletId>, DeviceFault> {
        match self.app.at(Part::Device).await {
            None => {
                let kept = self.kept.lock().unwrap();
                Ok(kept.iter().filter(|(_, kept)| kept.1.is_some()).map(|(id, _)| *id).collect())
            }
            Some(Wrong::Throws) => Err(thrown()),
            Some(_) => Ok(vec![WalletId::from_bytes([9; 16]); 3]),
        }
    }

    async fn load(&self, wallet: WalletId) -> Result<Option<Record>, LoadError> {
        match self.app.at(Part::Device).await {
            None => {
                let kept = self.kept.lock().unwrap();
                Ok(kept.get(&wallet).and_then(|(counter, contents)| {
                    let contents = contents.as_ref()?.expose_secret().to_vec();
                    Some(Record { counter: *counter, contents })
                }))
            }
            Some(Wrong::Throws) => Err(thrown()),
            Some(_) => Ok(Some(Record { counter: Counter::FIRST, contents: vec![0xFF; 77] })),
        }
    }

    async fn save(
        &self,
        wallet: WalletId,
        contents: Vec<u8>,
        expected: Option<Counter>,
    ) -> Result<Counter, SaveError> {
        match self.app.at(Part::Device).await {
            None => {}
            Some(Wrong::Throws) => return Err(thrown()),
            // It says that it has.
            Some(_) => return Ok(Counter::new(u64::MAX).unwrap()),
        }
        let (last, found) = self.found(wallet);
        if found != expected {
            return Err(SaveError::Conflict { found });
        }
        let counter = last.map_or(Counter::FIRST, Counter::next);
        let contents = Some(SecretBytes::from(contents));
        self.kept.lock().unwrap().insert(wallet, (counter, contents));
        Ok(counter)
    }

    async fn delete(&self, wallet: WalletId, expected: Counter) -> Result<(), DeleteError> {
        if self.app.at(Part::Device).await.is_some() {
            return Err(thrown());
        }
        match self.found(wallet).1 {
            None => {}
            Some(found) if found != expected => return Err(DeleteError::Conflict { found }),
            Some(_) => {
                self.kept.lock().unwrap().insert(wallet, (expected.next(), None));
            }
        }
        Ok(())
    }

    async fn discard(&self, _: WalletId) -> Result<(), DiscardError> {
        Ok(())
    }
}

/// The app's drive.
#[derive(Default)]
pub(crate) struct Drive {
    pub(crate) app: Arc<App>,
    kept: Mutex<BTreeMap<ObjectName, Vec<u8>>>,
}

#[async_trait]
impl EnvelopeStore for Drive {
    async fn put(&self, name: ObjectName, bytes: Vec<u8>) -> Result<(), PutError> {
        match self.app.at(Part::Store).await {
            None => {}
            Some(Wrong::Throws) => return Err(thrown()),
            // It says that it has.
            Some(_) => return Ok(()),
        }
        let mut kept = self.kept.lock().unwrap();
        match kept.get(&name) {
            Some(there) if *there != bytes => Err(PutError::Exists),
            _ => {
                kept.insert(name, bytes);
                Ok(())
            }
        }
    }

    async fn get(&self, name: ObjectName) -> Result<Vec<u8>, GetError> {
        match self.app.at(Part::Store).await {
            None => self.kept.lock().unwrap().get(&name).cloned().ok_or(GetError::NotFound),
            Some(Wrong::Throws) => Err(thrown()),
            Some(_) => Ok(vec![0xA5; 1000]),
        }
    }

    async fn list(&self, wallet: WalletId) -> Result<Vec<ObjectName>, StoreFault> {
        match self.app.at(Part::Store).await {
            None => {
                let kept = self.kept.lock().unwrap();
                Ok(kept.keys().filter(|name| name.envelope.wallet == wallet).copied().collect())
            }
            Some(Wrong::Throws) => Err(thrown()),
            Some(_) => Ok(self.kept.lock().unwrap().keys().copied().collect()),
        }
    }

    async fn delete(&self, name: ObjectName) -> Result<(), StoreFault> {
        if self.app.at(Part::Store).await.is_some() {
            return Err(thrown());
        }
        self.kept.lock().unwrap().remove(&name);
        Ok(())
    }
}

/// A custodian, and an app that is its client.
pub(crate) struct World {
    pub(crate) custodian: Arc<MemoryCustodian>,
    pub(crate) app: Arc<App>,
    pub(crate) drive: Arc<Drive>,
    pub(crate) log: Option<Arc<dyn LogSink>>,
    pub(crate) timeout: Duration,
}

impl World {
    pub(crate) fn new() -> Self {
        let custodian = MemoryCustodian::start(twoshare::rng());
        let app = Arc::new(App::default());
        let drive = Arc::new(Drive { app: app.clone(), ..Drive::default() });
        Self { custodian, app, drive, log: None, timeout: TIMEOUT }
    }

    pub(crate) fn http(&self) -> Arc<HttpCustodian> {
        let config = HttpConfig {
            url: "https://custodian.example".to_owned(),
            transport: Arc::new(Http { custodian: self.custodian.clone(), app: self.app.clone() }),
            tokens: Arc::new(Tokens(self.app.clone())),
            retry: Some(Retry {
                first: Duration::ZERO,
                longest: Duration::ZERO,
                total: Duration::ZERO,
                attempts: 1,
            }),
            request_timeout: Some(self.timeout),
            token_timeout: Some(self.timeout),
            hazmat_plain_http: false,
        };
        Arc::new(HttpCustodian::new(config).unwrap())
    }

    pub(crate) fn config(&self, device: Device) -> ClientConfig {
        ClientConfig {
            custodian: self.http(),
            pinned: Some(self.custodian.identity()),
            user: USER.to_owned(),
            device,
            stores: vec![
                NamedPlace {
                    id: "drive".parse().unwrap(),
                    place: Place::Own {
                        store: self.drive.clone(),
                        operator: Operator::User,
                        timeout: Some(self.timeout),
                    },
                },
                NamedPlace { id: "custodian".parse().unwrap(), place: Place::Custodian },
            ],
            store_policy: None,
            store_limits: None,
            trust_custodian_alone: false,
            drill_policy: None,
            log: self.log.clone(),
        }
    }

    /// A client on a new device.
    pub(crate) fn client(&self) -> Client {
        let keeper = Keeper { app: self.app.clone(), kept: Records::default() };
        let device = Device::Own { state: Arc::new(keeper), timeout: Some(self.timeout) };
        Client::new(self.config(device)).unwrap()
    }
}

/// What the app's main thread does: it has no runtime of its own.
pub(crate) fn wait<F: Future>(call: F) -> F::Output {
    pollster::block_on(call)
}

pub(crate) fn code() -> Arc<Method> {
    Arc::new(Method::recovery_code(Arc::new(RecoveryCode::make(None))))
}

/// A wallet that is backed up with this method.
pub(crate) fn backed_up(client: &Client, method: &Arc<Method>) -> Arc<Wallet> {
    let wallet = wait(client.create_wallet(vec![CurveId::Secp256k1], None, None)).unwrap();
    wait(client.backup(wallet.id(), vec![method.clone()], None)).unwrap();
    wallet
}
