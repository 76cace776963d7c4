//! The custodian on a socket, and somebody in between who writes down what passes.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use twoshare::{
    HttpCustodian, HttpRequest, HttpResponse, HttpTransport, ReqwestTransport, Retry, Timeouts,
    Token, TransportError,
};
use twoshare_custodian::http::{HttpLimits, Rate, router_with, serve};

use crate::support::{HOUR, World, user};

/// What was asked, and what was answered.
#[derive(Debug, Clone)]
pub(crate) struct Passed {
    pub(crate) request: HttpRequest,
    pub(crate) response: HttpResponse,
}

/// Somebody who reads everything, as if there were no TLS.
#[derive(Debug, Clone)]
pub(crate) struct Listener {
    transport: ReqwestTransport,
    passed: Arc<Mutex<Vec<Passed>>>,
}

#[async_trait]
impl HttpTransport for Listener {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let response = self.transport.send(request.clone()).await?;
        self.passed.lock().unwrap().push(Passed { request, response: response.clone() });
        Ok(response)
    }
}

/// A world that is served.
pub(crate) struct Served {
    pub(crate) world: World,
    pub(crate) address: SocketAddr,
    listener: Listener,
    _stop: oneshot::Sender<()>,
}

pub(crate) fn unlimited() -> HttpLimits {
    HttpLimits { user: Rate::UNLIMITED, address: Rate::UNLIMITED, ..HttpLimits::default() }
}

impl Served {
    pub(crate) async fn new(world: World, limits: HttpLimits) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let router = router_with(world.service.clone(), limits.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(async move {
            serve(socket, router, &limits, async { drop(stopped.await) }).await;
        });
        let url = format!("http://{address}");
        let transport = ReqwestTransport::new(&url, Timeouts::default()).unwrap();
        let listener = Listener { transport, passed: Arc::default() };
        Self { world, address, listener, _stop: stop }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn token(&self, name: &str) -> Token {
        let issued = self.world.service.issue_session(&user(name), HOUR).await.unwrap();
        Token::new(issued.token.expose_secret()).unwrap()
    }

    /// The custodian, with the listener in between.
    pub(crate) async fn login(&self, name: &str) -> HttpCustodian {
        let builder = HttpCustodian::builder(self.url(), self.token(name).await);
        builder.transport(self.listener.clone()).retry(Retry::NEVER).build().unwrap()
    }

    pub(crate) fn passed(&self) -> Vec<Passed> {
        self.listener.passed.lock().unwrap().clone()
    }

    /// Sends what was sent before, with this token.
    pub(crate) async fn again(&self, request: &HttpRequest, token: &Token) -> HttpResponse {
        let request = HttpRequest { token: Some(token.clone()), ..request.clone() };
        self.listener.transport.send(request).await.unwrap()
    }

    /// Sends these bytes, and reads the status.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> u16 {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.unwrap();
        str::from_utf8(&head[9..]).unwrap().parse().unwrap()
    }
}
