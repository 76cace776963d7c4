//! The demo's custodian: the real one, over HTTP on this machine and SQLite, in this process.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use tokio::{net::TcpListener, task::JoinHandle};
use twoshare::{
    HttpCustodian, Token,
    core::{
        id::Sharing,
        identity::CustodianIdentity,
        secret::SecretBytes,
        share::{AnyClientShare, AnyCustodianShare, KeyId},
    },
};
use twoshare_custodian::{
    Service, SigningShares, SigningSharesError, UserId,
    http::{HttpLimits, router, serve},
    kms::Place,
    local::DataDir,
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
    token: Token,
    signing: Arc<Signing>,
    serving: JoinHandle<()>,
}

impl Server {
    /// One whose data directory is this.
    pub(super) async fn start(data: &Path) -> Result<Self, Failure> {
        let mut config = DataDir::new(data).open().await.map_err(failed("open the custodian"))?;
        let signing = Arc::new(Signing::default());
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
        Ok(Self { service, url, token, signing, serving })
    }

    pub(super) fn identity(&self) -> CustodianIdentity {
        self.service.identity()
    }

    /// The custodian as the demo's user speaks to it.
    pub(super) fn connect(&self) -> Result<HttpCustodian, Failure> {
        HttpCustodian::builder(&*self.url, self.token.clone()).build().map_err(failed("connect"))
    }

    /// The custodian's half of this signing share, for its part of a signature.
    pub(super) fn other_half(&self, mine: &AnyClientShare) -> Option<AnyCustodianShare> {
        let kept = self.signing.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (id, value) = kept.values().find(|(id, _)| *id == mine.id())?;
        // Exposed: to the share, which checks it.
        AnyCustodianShare::new(*id, mine.commitment(), value.expose_secret()).ok()
    }

    /// Ends it, with everything written.
    pub(super) async fn stop(self) {
        self.serving.abort();
        self.service.close().await;
    }
}

/// What a signing service of the custodian's would be: it has the signing shares, to sign with them.
#[derive(Debug, Default)]
struct Signing {
    /// By their references.
    kept: Mutex<BTreeMap<Vec<u8>, (KeyId, SecretBytes)>>,
    next: AtomicU64,
}

#[async_trait]
impl SigningShares for Signing {
    async fn put(
        &self,
        place: &Place<'_>,
        share: &SecretBytes,
    ) -> Result<Vec<u8>, SigningSharesError> {
        let Place { wallet, purpose, epoch, key, .. } = *place;
        let id = KeyId { sharing: Sharing { wallet, purpose, epoch }, index: key };
        let reference = self.next.fetch_add(1, Ordering::Relaxed).to_be_bytes().to_vec();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(reference.clone(), (id, share.clone()));
        Ok(reference)
    }

    async fn get(
        &self,
        _: &Place<'_>,
        reference: &[u8],
    ) -> Result<SecretBytes, SigningSharesError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(reference).map(|(_, share)| share.clone());
        found.ok_or(SigningSharesError::Damaged)
    }

    async fn forget(&self, reference: &[u8]) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(reference);
    }
}
