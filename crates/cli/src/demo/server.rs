//! The demo's custodian: the real one, over HTTP on this machine and SQLite, in this process.

use std::{net::Ipv4Addr, path::Path, sync::Arc};

use tokio::{net::TcpListener, task::JoinHandle};
use twoshare::{
    HttpCustodian, Token,
    core::{
        identity::CustodianIdentity,
        share::{AnyClientShare, AnyCustodianShare},
    },
};
use twoshare_custodian::{
    Service, UserId,
    http::{HttpLimits, router, serve},
    local::DataDir,
    signing::MemorySigningShares,
};

use super::{USER, failed};
use crate::answer::Failure;

/// How long the demo's user is logged in, in seconds.
const TTL: u64 = 60 * 60;

/// A custodian that ends with it.
#[derive(Debug)]
pub(super) struct Server {
    service: Service,
    pub(super) url: String,
    user: UserId,
    token: Token,
    signing: Arc<MemorySigningShares>,
    serving: JoinHandle<()>,
}

impl Server {
    /// One whose data directory is this.
    pub(super) async fn start(data: &Path) -> Result<Self, Failure> {
        let mut config = DataDir::new(data).open().await.map_err(failed("open the custodian"))?;
        let signing = Arc::new(MemorySigningShares::new());
        config.signing_shares = Some(signing.clone());
        let service = Service::open(config).await.map_err(failed("start the custodian"))?;
        let user = UserId::new(USER).map_err(failed("name the user"))?;
        let session = service.issue_session(&user, TTL).await.map_err(failed("log in"))?;
        // Exposed: given to its user.
        let token = Token::new(session.token.expose_secret()).map_err(failed("log in"))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.map_err(failed("listen"))?;
        let url = format!("http://{}", listener.local_addr().map_err(failed("listen"))?);
        let router = router(service.clone());
        let serving = tokio::spawn(async move {
            serve(listener, router, &HttpLimits::default(), std::future::pending()).await;
        });
        Ok(Self { service, url, user, token, signing, serving })
    }

    pub(super) fn identity(&self) -> CustodianIdentity {
        self.service.identity()
    }

    /// The custodian as the demo's user speaks to it.
    pub(super) fn connect(&self) -> Result<HttpCustodian, Failure> {
        HttpCustodian::builder(&*self.url, self.token.clone()).build().map_err(failed("connect"))
    }

    /// The custodian's half of this signing share, for its part of a signature; none of one that has
    /// ended, or is not committed yet.
    pub(super) fn other_half(&self, mine: &AnyClientShare) -> Option<AnyCustodianShare> {
        let signing = self.signing.signing(&self.user, mine.id().sharing.wallet).ok()?;
        signing.into_iter().find(|theirs| theirs.id() == mine.id())
    }

    /// Ends it, with everything written.
    pub(super) async fn stop(self) {
        self.serving.abort();
        self.service.close().await;
    }
}
