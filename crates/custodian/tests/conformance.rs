//! The service on SQLite, held to what every custodian must do.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

#[path = "support/home.rs"]
mod home;

use std::sync::Mutex;

use home::{Home, user};
use tokio::runtime::Runtime;
use twoshare_core::{
    id::{OperationId, WalletId},
    identity::CustodianIdentity,
};
use twoshare_custodian::{LocalSession, Service};
use twoshare_protocol::{
    Custodian, Nonce,
    conformance::Harness,
    custodian::{
        AbandonError, BeginError, CancelError, CommitError, DepartError, EjectError, HandOverError,
        PrepareError, ReadError, RetireError, UploadError,
    },
    custodian_conformance,
    memory::OperatorError,
    message::{
        Begin, Begun, Commit, Depart, Departed, Drilled, Ejected, Prepare, Prepared, Receipt,
        Request, Signed, State, Tombstone, Upload,
    },
    rules::{Favour, Policy, Time},
};

/// The service is another one after each restart; a session finds the one that runs.
struct Sqlite {
    shared: std::sync::Arc<Shared>,
    runtime: Runtime,
}

struct Shared {
    home: Home,
    service: Mutex<Option<Service>>,
}

#[derive(Clone)]
struct Session {
    shared: std::sync::Arc<Shared>,
    user: String,
}

impl Shared {
    fn service(&self) -> Service {
        self.service.lock().unwrap().clone().unwrap()
    }
}

impl Session {
    fn now(&self) -> LocalSession {
        self.shared.service().login(&user(&self.user))
    }
}

impl Sqlite {
    fn stop(&self) {
        let service = self.shared.service.lock().unwrap().take().unwrap();
        self.runtime.block_on(service.close());
    }

    fn put(&self, service: Service) {
        *self.shared.service.lock().unwrap() = Some(service);
    }
}

fn told(error: twoshare_custodian::OperatorError) -> OperatorError {
    use twoshare_custodian::OperatorError as Error;
    match error {
        Error::NotFound => OperatorError::NotFound,
        Error::Window(refusal) => refusal.into(),
        Error::Unfreeze(refusal) => refusal.into(),
        Error::Cancel(refusal) => refusal.into(),
        Error::Unavailable(error) => panic!("{error}"),
    }
}

impl Harness for Sqlite {
    type Session = Session;
    type Snapshot = Vec<(String, Vec<u8>)>;

    fn start(policy: Policy) -> Self {
        let runtime = Runtime::new().unwrap();
        let home = Home::with(policy);
        let (service, _) = runtime.block_on(home.open());
        let service = Mutex::new(Some(service));
        Self { shared: std::sync::Arc::new(Shared { home, service }), runtime }
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    fn identity(&self) -> CustodianIdentity {
        self.shared.service().identity()
    }

    fn login(&self, user: &str) -> Session {
        Session { shared: self.shared.clone(), user: user.to_owned() }
    }

    fn advance(&self, seconds: Time) {
        self.shared.home.clock.advance(seconds);
    }

    fn restart(&self) {
        self.stop();
        self.put(self.runtime.block_on(self.shared.home.open()).0);
    }

    fn snapshot(&self) -> Self::Snapshot {
        self.stop();
        let copy = self.shared.home.copy();
        self.put(self.runtime.block_on(self.shared.home.open()).0);
        copy
    }

    fn restore(&self, snapshot: Self::Snapshot) {
        self.stop();
        self.shared.home.put_back(&snapshot);
        self.put(self.runtime.block_on(self.shared.home.open_restored()));
    }

    fn open_window(
        &self,
        name: &str,
        wallet: WalletId,
        seconds: Time,
    ) -> Result<(), OperatorError> {
        let service = self.shared.service();
        let opened = self.runtime.block_on(service.open_window(&user(name), wallet, seconds));
        opened.map(|_| ()).map_err(told)
    }

    fn freeze(&self, name: &str, wallet: WalletId) -> Result<(), OperatorError> {
        let service = self.shared.service();
        self.runtime.block_on(service.freeze(&user(name), wallet)).map_err(told)
    }

    fn unfreeze(
        &self,
        name: &str,
        wallet: WalletId,
        favour: Option<Favour>,
    ) -> Result<(), OperatorError> {
        let service = self.shared.service();
        self.runtime.block_on(service.unfreeze(&user(name), wallet, favour)).map_err(told)
    }

    fn approve(&self, name: &str, wallet: WalletId, id: OperationId) -> Result<(), OperatorError> {
        let service = self.shared.service();
        self.runtime.block_on(service.approve(&user(name), wallet, id)).map_err(told)
    }

    fn deny(&self, name: &str, wallet: WalletId, id: OperationId) -> Result<(), OperatorError> {
        let service = self.shared.service();
        self.runtime.block_on(service.deny(&user(name), wallet, id)).map_err(told)
    }

    fn trust(&self, custodian: CustodianIdentity) {
        let service = self.shared.service();
        self.runtime.block_on(service.trust_custodian(custodian, "https://other.example")).unwrap();
    }

    fn distrust(&self, custodian: CustodianIdentity) {
        let service = self.shared.service();
        self.runtime.block_on(service.distrust_custodian(&custodian)).unwrap();
    }
}

#[async_trait::async_trait]
impl Custodian for Session {
    async fn wallets(&self) -> Result<Vec<WalletId>, ReadError> {
        self.now().wallets().await
    }

    async fn state(&self, wallet: WalletId, nonce: Nonce) -> Result<Signed<State>, ReadError> {
        self.now().state(wallet, nonce).await
    }

    async fn receipt(
        &self,
        wallet: WalletId,
        id: OperationId,
    ) -> Result<Signed<Receipt>, ReadError> {
        self.now().receipt(wallet, id).await
    }

    async fn begin(&self, begin: Begin) -> Result<Signed<Begun>, BeginError> {
        self.now().begin(begin).await
    }

    async fn prepare(&self, prepare: Prepare) -> Result<Prepared, PrepareError> {
        self.now().prepare(prepare).await
    }

    async fn commit(&self, commit: Commit) -> Result<Signed<Receipt>, CommitError> {
        self.now().commit(commit).await
    }

    async fn abandon(&self, request: Request) -> Result<Signed<Tombstone>, AbandonError> {
        self.now().abandon(request).await
    }

    async fn cancel(&self, request: Request) -> Result<(), CancelError> {
        self.now().cancel(request).await
    }

    async fn eject(&self, request: Request) -> Result<Ejected, EjectError> {
        self.now().eject(request).await
    }

    async fn drill(&self, wallet: WalletId, nonce: Nonce) -> Result<Drilled, ReadError> {
        self.now().drill(wallet, nonce).await
    }

    async fn put_envelope(&self, upload: Upload, envelope: Vec<u8>) -> Result<(), UploadError> {
        self.now().put_envelope(upload, envelope).await
    }

    async fn envelope(
        &self,
        wallet: WalletId,
        digest: twoshare_core::digest::Digest,
    ) -> Result<Vec<u8>, ReadError> {
        self.now().envelope(wallet, digest).await
    }

    async fn retire(
        &self,
        wallet: WalletId,
        epoch: twoshare_core::id::Epoch,
    ) -> Result<(), RetireError> {
        self.now().retire(wallet, epoch).await
    }

    async fn depart(&self, depart: Depart) -> Result<Departed, DepartError> {
        self.now().depart(depart).await
    }

    async fn hand_over(&self, receipt: Signed<Receipt>) -> Result<(), HandOverError> {
        self.now().hand_over(receipt).await
    }
}

custodian_conformance!(Sqlite);
