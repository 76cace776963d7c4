//! A real custodian, over HTTP on a port of this machine, with SQLite in a temporary directory.

use std::net::Ipv4Addr;

use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use twoshare::{
    Client, HttpCustodian, MemoryDevice, Place, StoreId, Token,
    core::{
        id::WalletId,
        share::{AnyClientShare, AnyCustodianShare},
    },
};
use twoshare_custodian::{
    Service, UserId,
    http::{HttpLimits, router, serve},
    local::DataDir,
};

use crate::Result;

/// The one user of the stories.
const USER: &str = "alice";

/// The custodian, and the server-side signer of the same operator.
#[derive(Debug)]
pub struct Custodian {
    service: Service,
    user: UserId,
    url: String,
    token: Token,
    serving: JoinHandle<()>,
    _data: TempDir,
}

impl Custodian {
    /// Starts one.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub async fn start() -> Result<Self> {
        let data = tempfile::tempdir()?;
        let service = Service::open(DataDir::new(data.path()).open().await?).await?;
        let user = UserId::new(USER)?;
        let session = service.issue_session(&user, 60 * 60).await?;
        // Exposed: given to its user.
        let token = Token::new(session.token.expose_secret())?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let app = router(service.clone());
        let serving = tokio::spawn(async move {
            serve(listener, app, &HttpLimits::default(), std::future::pending()).await;
        });
        Ok(Self { service, user, url, token, serving, _data: data })
    }

    /// The SDK on a device of the user's, speaking to this custodian over HTTP and keeping backups there.
    ///
    /// # Errors
    ///
    /// It cannot be set up.
    pub fn client(&self, device: MemoryDevice) -> Result<Client> {
        let custodian = HttpCustodian::builder(&*self.url, self.token.clone()).build()?;
        let client = Client::builder()
            .custodian(custodian)
            .pinned(self.service.identity())
            .user(USER)
            .device(device)
            .store(StoreId::custodian(), Place::Custodian)
            .build()?;
        Ok(client)
    }

    /// The operator hands the custodian the server's halves of a wallet that existed before.
    ///
    /// # Errors
    ///
    /// The custodian refuses them.
    pub async fn adopt(&self, wallet: WalletId, shares: Vec<AnyCustodianShare>) -> Result<()> {
        self.service.adopt(&self.user, wallet, shares).await?;
        Ok(())
    }

    /// What the server signs with today.
    ///
    /// # Errors
    ///
    /// There is nothing, or nothing may be signed now.
    pub async fn signing_shares(&self, wallet: WalletId) -> Result<Vec<AnyCustodianShare>> {
        Ok(self.service.signing_shares(&self.user, wallet).await?)
    }

    /// Both halves of one key, where the client's is from a device, and the custodian's from the server.
    ///
    /// # Errors
    ///
    /// As [`signing_shares`](Self::signing_shares).
    pub async fn beside(
        &self,
        mine: &AnyClientShare,
    ) -> Result<(AnyClientShare, AnyCustodianShare)> {
        let id = mine.id();
        let theirs = self.signing_shares(id.sharing.wallet).await?;
        let theirs = theirs.into_iter().find(|share| share.id().index == id.index);
        Ok((mine.clone(), theirs.ok_or("the server has no share of this key")?))
    }

    /// Ends it, with everything written.
    pub async fn stop(self) {
        self.serving.abort();
        self.service.close().await;
    }
}
