//! A custodian served on a real socket, with a clock that tests turn and a network that they break.

#![allow(dead_code, reason = "not every test needs everything")]

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot, task::JoinHandle};
use twoshare::{
    HttpCustodian, HttpRequest, HttpResponse, HttpTransport, ReqwestTransport, Retry, Timeouts,
    Token, TokenError, TokenProvider, TransportError,
};
use twoshare_core::{
    id::{OperationId, WalletId},
    identity::CustodianIdentity,
};
use twoshare_custodian::{
    Clock, Limits, Service, UserId,
    http::{HttpLimits, Rate, router_with, serve},
    local::DataDir,
};
use twoshare_protocol::{
    conformance::Harness,
    http::{Method, Problem, Route, Verdict},
    memory::OperatorError,
    rules::{Favour, Policy, Time},
};

/// A clock that stands still until it is turned.
#[derive(Debug)]
pub(crate) struct TestClock(AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Time {
        self.0.load(Ordering::SeqCst)
    }
}

struct Running {
    service: Service,
    stop: oneshot::Sender<()>,
    done: JoinHandle<()>,
}

/// A custodian on a loopback socket.
pub(crate) struct Server {
    pub(crate) runtime: Runtime,
    dir: TempDir,
    clock: Arc<TestClock>,
    policy: Policy,
    limits: HttpLimits,
    address: SocketAddr,
    /// Shared with the token providers, which a restart gives another service.
    running: Arc<Mutex<Option<Running>>>,
}

pub(crate) fn unlimited() -> HttpLimits {
    HttpLimits { user: Rate::UNLIMITED, address: Rate::UNLIMITED, ..HttpLimits::default() }
}

impl Server {
    pub(crate) fn new(policy: Policy, limits: HttpLimits) -> Self {
        let runtime = Runtime::new().unwrap();
        let mut server = Self {
            runtime,
            dir: TempDir::new().unwrap(),
            clock: Arc::new(TestClock(AtomicU64::new(1_800_000_000))),
            policy,
            limits,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            running: Arc::default(),
        };
        server.open(false);
        server
    }

    pub(crate) fn data(&self) -> DataDir {
        DataDir::new(self.dir.path().join("data"))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn service(&self) -> Service {
        self.running.lock().unwrap().as_ref().unwrap().service.clone()
    }

    pub(crate) fn turn(&self, seconds: u64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn token(&self, user: &str) -> Token {
        let user = UserId::new(user).unwrap();
        let service = self.service();
        let issued = self.runtime.block_on(service.issue_session(&user, 3600)).unwrap();
        Token::new(issued.token.expose_secret()).unwrap()
    }

    pub(crate) fn operator_key(&self) -> String {
        let key = std::fs::read_to_string(self.data().operator_key()).unwrap();
        key.trim().to_owned()
    }

    /// Serves what is in the directory, at the same address as before.
    fn open(&mut self, restored: bool) {
        let (address, running) = self.runtime.block_on(self.opened(restored));
        self.address = address;
        *self.running.lock().unwrap() = Some(running);
    }

    async fn opened(&self, restored: bool) -> (SocketAddr, Running) {
        let mut config = self.data().open().await.unwrap();
        config.clock = self.clock.clone();
        config.policy = self.policy.clone();
        config.limits = Limits { begin_burst: u32::MAX, begin_rate: 1e9, ..Limits::default() };
        config.restored = restored;
        let service = Service::open(config).await.unwrap();
        let listener = TcpListener::bind(self.address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let (router, limits) =
            (router_with(service.clone(), self.limits.clone()), self.limits.clone());
        let done = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            serve(listener, router, &limits, stopped).await;
        });
        (address, Running { service, stop, done })
    }

    /// Stops at once, as a crash does for whoever has sent something.
    fn close(&self) {
        let Running { service, stop, done } = self.running.lock().unwrap().take().unwrap();
        let _ = stop.send(());
        self.runtime.block_on(async {
            let _ = done.await;
            service.close().await;
        });
    }

    pub(crate) fn reopen(&self, restored: bool) {
        self.close();
        let (_, running) = self.runtime.block_on(self.opened(restored));
        *self.running.lock().unwrap() = Some(running);
    }

    fn provider(&self, user: &str) -> Provider {
        Provider {
            running: Arc::clone(&self.running),
            user: UserId::new(user).unwrap(),
            last: Arc::default(),
        }
    }

    /// A user over the network as it is.
    pub(crate) fn login(&self, user: &str) -> HttpCustodian {
        HttpCustodian::builder(self.url(), self.provider(user)).build().unwrap()
    }

    /// A user over a network that loses, repeats and delays.
    pub(crate) fn login_over(
        &self,
        user: &str,
        transport: impl HttpTransport + 'static,
    ) -> HttpCustodian {
        let retry = Retry {
            first: Duration::from_micros(10),
            longest: Duration::from_millis(1),
            total: Duration::from_secs(60),
            attempts: 100,
        };
        let builder = HttpCustodian::builder(self.url(), self.provider(user));
        builder.transport(transport).retry(retry).build().unwrap()
    }

    /// What the operator asks for over HTTP.
    pub(crate) fn operate(
        &self,
        route: Route,
        path: String,
        body: Option<Value>,
    ) -> Result<Value, Problem> {
        let answer = self.ask(route.method().name(), &path, &self.operator_key(), body);
        match answer.status {
            200 => Ok(serde_json::from_slice(&answer.body).unwrap()),
            204 => Ok(Value::Null),
            _ => Err(Problem::from_bytes(&answer.body).unwrap()),
        }
    }

    fn operate_on(&self, route: Route, body: Value) -> Result<Value, OperatorError> {
        let answer = self.operate(route, route.path(&[]), Some(body));
        answer
            .map_err(|problem| OperatorError::from_problem(&problem).expect("an operator's error"))
    }

    /// One request with a token, and JSON where there is a body.
    pub(crate) fn ask(&self, method: &str, path: &str, token: &str, body: Option<Value>) -> Answer {
        let body = body.map(|body| ("application/json", body.to_string().into_bytes()));
        self.send(method, path, Some(token), body)
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<(&str, Vec<u8>)>,
    ) -> Answer {
        static CLIENT: std::sync::OnceLock<()> = std::sync::OnceLock::new();
        CLIENT.get_or_init(|| drop(rustls::crypto::ring::default_provider().install_default()));
        self.runtime.block_on(async {
            let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
            let url = format!("{}{path}", self.url());
            let mut request = client.request(method.parse().unwrap(), url);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            if let Some((media_type, body)) = body {
                request = request.header("content-type", media_type).body(body);
            }
            let answer = request.send().await.unwrap();
            let header = |name| {
                let value = answer.headers().get(name);
                value.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
            };
            Answer {
                status: answer.status().as_u16(),
                media_type: header("content-type"),
                retry_after: header("retry-after"),
                request_id: header("x-request-id"),
                body: answer.bytes().await.unwrap().to_vec(),
            }
        })
    }

    fn snapshot(&self) -> PathBuf {
        let copy = self.dir.path().join(format!("copy-{}", rand::random::<u64>()));
        let (from, to) = (self.data().database(), copy.to_str().unwrap().to_owned());
        self.runtime.block_on(async {
            let mut source = SqliteConnectOptions::new().filename(from).connect().await.unwrap();
            sqlx::query("VACUUM INTO ?").bind(to).execute(&mut source).await.unwrap();
            source.close().await.unwrap();
        });
        copy
    }

    fn restore(&self, copy: PathBuf) {
        self.close();
        let database = self.data().database();
        for suffix in ["-wal", "-shm"] {
            let mut beside = database.clone().into_os_string();
            beside.push(suffix);
            let _ = std::fs::remove_file(beside);
        }
        std::fs::copy(copy, &database).unwrap();
        let (_, running) = self.runtime.block_on(self.opened(true));
        *self.running.lock().unwrap() = Some(running);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.running.lock().unwrap().is_some() {
            self.close();
        }
    }
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) media_type: String,
    pub(crate) retry_after: String,
    pub(crate) request_id: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The code of the problem that it is.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.media_type, "application/problem+json", "{self:?}");
        let problem = Problem::from_bytes(&self.body).unwrap();
        assert_eq!(problem.status, self.status);
        assert!(!self.request_id.is_empty());
        problem.code
    }
}

/// Tokens as an app's backend gives them: a new one when the last is refused.
struct Provider {
    running: Arc<Mutex<Option<Running>>>,
    user: UserId,
    last: Arc<Mutex<Option<Token>>>,
}

#[async_trait]
impl TokenProvider for Provider {
    async fn token(&self, refused: Option<&Token>) -> Result<Token, TokenError> {
        let last = self.last.lock().unwrap().clone();
        if let (Some(last), None) = (last, refused) {
            return Ok(last);
        }
        let service = self.running.lock().unwrap().as_ref().map(|running| running.service.clone());
        let service = service.ok_or(TokenError::Unavailable)?;
        let issued = service.issue_session(&self.user, 600).await;
        let issued = issued.map_err(|_| TokenError::Unavailable)?;
        let token = Token::new(issued.token.expose_secret()).unwrap();
        *self.last.lock().unwrap() = Some(token.clone());
        Ok(token)
    }
}

/// A network that loses requests and answers, repeats and delays. A refusal it delivers: it ends its
/// session, so that repeating the request would rightly be told to begin again. What deletes arrives
/// once: repeated, it is told that there is nothing, which every caller of `retire` expects.
pub(crate) struct Flaky {
    inner: ReqwestTransport,
    count: AtomicU64,
}

impl Flaky {
    pub(crate) fn new(url: &str) -> Self {
        let inner = ReqwestTransport::new(url, Timeouts::default()).unwrap();
        let first = rand::random_range(0..8);
        println!("the network begins with misfortune {first}");
        Self { inner, count: AtomicU64::new(first) }
    }
}

fn is_refusal(answer: &Result<HttpResponse, TransportError>) -> bool {
    answer.as_ref().is_ok_and(|answer| (400..500).contains(&answer.status))
}

fn is_over(answer: &Result<HttpResponse, TransportError>) -> bool {
    let body = answer.as_ref().map(|answer| answer.body.expose_secret());
    body.ok().and_then(Problem::from_bytes).is_some_and(|problem| problem.code == "no_session")
}

#[async_trait]
impl HttpTransport for Flaky {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let lost = || TransportError::Unreachable(Arc::new(std::io::Error::other("lost")));
        let deletes = request.method == Method::Delete;
        match self.count.fetch_add(1, Ordering::Relaxed) % 8 {
            1..=5 if deletes => self.inner.send(request).await,
            // The request is lost.
            0 => Err(lost()),
            // The answer is lost.
            1 | 2 => {
                let answer = self.inner.send(request).await;
                if is_refusal(&answer) { answer } else { Err(lost()) }
            }
            // It arrives twice, one after the other; the second answer counts.
            3 => {
                let answer = self.inner.send(request.clone()).await;
                if is_refusal(&answer) { answer } else { self.inner.send(request).await }
            }
            // It arrives twice at the same time.
            4 => {
                let both = (self.inner.send(request.clone()), self.inner.send(request));
                let (one, other) = tokio::join!(both.0, both.1);
                if is_over(&one) { other } else { one }
            }
            // It is late, and then arrives once more.
            5 => {
                let late = request.clone();
                let answer = self.inner.send(request).await;
                tokio::time::sleep(Duration::from_millis(2)).await;
                drop(self.inner.send(late).await);
                answer
            }
            _ => self.inner.send(request).await,
        }
    }
}

/// The custodian over HTTP, on a network that works or on one that does not.
pub(crate) struct OverHttp<const FLAKY: bool>(Server);

impl<const FLAKY: bool> Harness for OverHttp<FLAKY> {
    type Session = HttpCustodian;
    type Snapshot = PathBuf;

    fn start(policy: Policy) -> Self {
        Self(Server::new(policy, unlimited()))
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.0.runtime.block_on(future)
    }

    fn identity(&self) -> CustodianIdentity {
        self.0.service().identity()
    }

    fn login(&self, user: &str) -> HttpCustodian {
        match FLAKY {
            true => self.0.login_over(user, Flaky::new(&self.0.url())),
            false => self.0.login(user),
        }
    }

    fn advance(&self, seconds: Time) {
        self.0.turn(seconds);
    }

    fn restart(&self) {
        self.0.reopen(false);
    }

    fn snapshot(&self) -> PathBuf {
        self.0.snapshot()
    }

    fn restore(&self, snapshot: PathBuf) {
        self.0.restore(snapshot);
    }

    fn open_window(
        &self,
        user: &str,
        wallet: WalletId,
        seconds: Time,
    ) -> Result<(), OperatorError> {
        let body = json!({ "user": user, "wallet": wallet.to_string(), "seconds": seconds });
        self.0.operate_on(Route::EjectWindow, body).map(drop)
    }

    fn freeze(&self, user: &str, wallet: WalletId) -> Result<(), OperatorError> {
        let body = json!({ "user": user, "wallet": wallet.to_string() });
        self.0.operate_on(Route::Freeze, body).map(drop)
    }

    fn unfreeze(
        &self,
        user: &str,
        wallet: WalletId,
        favour: Option<Favour>,
    ) -> Result<(), OperatorError> {
        let favour = favour.map(|favour| match favour {
            Favour::Device => "device".to_owned(),
            Favour::Request(id) => format!("request:{id}"),
        });
        let body = json!({ "user": user, "wallet": wallet.to_string(), "for": favour });
        self.0.operate_on(Route::Unfreeze, body).map(drop)
    }

    fn approve(&self, user: &str, wallet: WalletId, id: OperationId) -> Result<(), OperatorError> {
        let (wallet, operation) = (wallet.to_string(), id.to_string());
        let body = json!({ "user": user, "wallet": wallet, "operation": operation });
        self.0.operate_on(Route::Approve, body).map(drop)
    }

    fn deny(&self, _user: &str, _wallet: WalletId, id: OperationId) -> Result<(), OperatorError> {
        let path = Route::CancelRequest.path(&[&id]);
        let answer = self.0.operate(Route::CancelRequest, path, None);
        answer.map(drop).map_err(|problem| OperatorError::from_problem(&problem).unwrap())
    }

    fn trust(&self, custodian: CustodianIdentity) {
        let body = json!({ "identity": custodian.to_string(), "url": "https://other.example" });
        self.0.operate_on(Route::TrustCustodian, body).unwrap();
    }

    fn distrust(&self, custodian: CustodianIdentity) {
        let path = Route::DistrustCustodian.path(&[&custodian]);
        self.0.operate(Route::DistrustCustodian, path, None).unwrap();
    }
}
