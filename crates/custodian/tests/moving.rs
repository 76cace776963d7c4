//! A wallet moves between two custodians on SQLite, each of which is killed before and after every
//! single call, and started again from the files as they were at that moment.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

#[path = "support/home.rs"]
mod home;

use std::{
    slice::from_ref,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use home::{Home, user};
use twoshare::{
    Client, Destination, MemoryDevice, Method, Moved, Place, Recovered, Recovery, StoreId,
    core::{
        digest::Digest,
        id::{CurveId, Epoch, OperationId, WalletId},
        method::RecoveryCode,
        store::{MemoryStore, Operator},
    },
};
use twoshare_custodian::{
    Config, LocalSession, Service, SigningShares, audit::Act, signing::MemorySigningShares,
    sqlite::SqliteRepository,
};
use twoshare_protocol::{
    Custodian, Nonce,
    custodian::{
        AbandonError, BeginError, CancelError, CommitError, DepartError, EjectError, HandOverError,
        Outage, PrepareError, ReadError, RetireError, Unavailable, UploadError,
    },
    message::{
        Begin, Begun, Commit, Depart, Departed, Drilled, Ejected, Prepare, Prepared, Receipt,
        Request, Signed, State, Tombstone, Upload,
    },
    rules::Custody,
};

const USER: &str = "alice";
const LOST: Unavailable = Unavailable::because(Outage::Unreachable);

/// A custodian, and what outlives it.
struct Site {
    home: Home,
    /// What keeps its signing shares, where that is not the custodian itself.
    holder: Option<Arc<MemorySigningShares>>,
    service: Mutex<Option<Service>>,
}

impl Site {
    async fn start(holder: Option<Arc<MemorySigningShares>>) -> Arc<Self> {
        let site = Self { home: Home::new(), holder, service: Mutex::new(None) };
        let service = site.open().await;
        *site.service.lock().unwrap() = Some(service);
        Arc::new(site)
    }

    async fn open(&self) -> Service {
        let repository = Arc::new(SqliteRepository::open(self.home.database()).await.unwrap());
        let holder = self.holder.clone().map(|holder| holder as Arc<dyn SigningShares>);
        let config = Config { signing_shares: holder, ..self.home.config(repository) };
        Service::open(config).await.unwrap()
    }

    fn service(&self) -> Service {
        self.service.lock().unwrap().clone().unwrap()
    }

    /// As a power cut leaves it: with the files of this moment, whatever it would still have written.
    async fn crash(&self) {
        let files = self.home.copy();
        let service = self.service.lock().unwrap().take().unwrap();
        service.close().await;
        self.home.put_back(&files);
        let service = self.open().await;
        *self.service.lock().unwrap() = Some(service);
    }

    fn login(self: &Arc<Self>, fate: &Arc<Fate>) -> Mortal {
        Mortal { site: Arc::clone(self), fate: Arc::clone(fate) }
    }
}

/// Which call its custodian dies at, before or after it.
struct Fate {
    calls: AtomicUsize,
    at: usize,
    after: bool,
}

impl Fate {
    fn new(at: usize, after: bool) -> Arc<Self> {
        Arc::new(Self { calls: AtomicUsize::new(0), at, after })
    }

    fn none() -> Arc<Self> {
        Self::new(usize::MAX, false)
    }

    fn has_struck(&self) -> bool {
        self.calls.load(Ordering::Relaxed) > self.at
    }
}

/// A session of a custodian that dies.
#[derive(Clone)]
struct Mortal {
    site: Arc<Site>,
    fate: Arc<Fate>,
}

impl Mortal {
    async fn call<T, E: From<Unavailable>>(
        &self,
        call: impl AsyncFnOnce(LocalSession) -> Result<T, E>,
    ) -> Result<T, E> {
        let number = self.fate.calls.fetch_add(1, Ordering::Relaxed);
        let strikes = number == self.fate.at;
        if strikes && !self.fate.after {
            self.site.crash().await;
            return Err(LOST.into());
        }
        let answer = call(self.site.service().login(&user(USER))).await;
        if strikes {
            self.site.crash().await;
            return Err(LOST.into());
        }
        answer
    }
}

macro_rules! mortal {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty, $error:ty;)+) => {
        #[async_trait::async_trait]
        impl Custodian for Mortal {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$answer, $error> {
                self.call(async move |session| session.$name($($argument),*).await).await
            })+
        }
    };
}

mortal! {
    wallets() -> Vec<WalletId>, ReadError;
    state(wallet: WalletId, nonce: Nonce) -> Signed<State>, ReadError;
    receipt(wallet: WalletId, id: OperationId) -> Signed<Receipt>, ReadError;
    begin(begin: Begin) -> Signed<Begun>, BeginError;
    prepare(prepare: Prepare) -> Prepared, PrepareError;
    commit(commit: Commit) -> Signed<Receipt>, CommitError;
    abandon(request: Request) -> Signed<Tombstone>, AbandonError;
    cancel(request: Request) -> (), CancelError;
    eject(request: Request) -> Ejected, EjectError;
    drill(wallet: WalletId, nonce: Nonce) -> Drilled, ReadError;
    put_envelope(upload: Upload, envelope: Vec<u8>) -> (), UploadError;
    envelope(wallet: WalletId, digest: Digest) -> Vec<u8>, ReadError;
    retire(wallet: WalletId, epoch: Epoch) -> (), RetireError;
    depart(depart: Depart) -> Departed, DepartError;
    hand_over(receipt: Signed<Receipt>) -> (), HandOverError;
}

struct Scene {
    old: Arc<Site>,
    new: Arc<Site>,
    store: Arc<MemoryStore>,
    device: MemoryDevice,
    method: Method,
    wallet: WalletId,
}

impl Scene {
    async fn start() -> Self {
        Self::between(Site::start(None).await, Site::start(None).await).await
    }

    async fn between(old: Arc<Site>, new: Arc<Site>) -> Self {
        let identity = new.service().identity();
        old.service().trust_custodian(identity, "https://new.example").await.unwrap();
        let method: Method = Arc::new(RecoveryCode::make(&mut twoshare::rng()));
        let (store, device) = (Arc::new(MemoryStore::default()), MemoryDevice::new());
        let wallet = WalletId::from_bytes([0; 16]);
        let mut scene = Self { old, new, store, device, method, wallet };
        let client = scene.client(&scene.old, &scene.device, &Fate::none());
        let curves = [CurveId::Secp256k1, CurveId::Ed25519];
        scene.wallet = client.create_wallet(&curves, None).await.unwrap().id();
        client.backup(scene.wallet, from_ref(&scene.method)).await.unwrap();
        scene.old.service().open_window(&user(USER), scene.wallet, 36_000).await.unwrap();
        scene
    }

    fn client(&self, site: &Arc<Site>, device: &MemoryDevice, fate: &Arc<Fate>) -> Client {
        let store = Place::Store { store: self.store.clone(), operator: Operator::User };
        Client::builder()
            .custodian(site.login(fate))
            .pinned(site.service().identity())
            .user(USER)
            .device(device.clone())
            .store("store".parse().unwrap(), store)
            .store(StoreId::custodian(), Place::Custodian)
            .build()
            .unwrap()
    }

    async fn run(&self, fate: &Arc<Fate>) -> bool {
        let here = self.client(&self.old, &self.device, fate);
        let to = Destination::new(self.new.login(fate), self.new.service().identity());
        matches!(here.move_wallet(self.wallet, &self.method, &to).await, Ok(Moved::Done(_)))
    }

    async fn custody(&self, site: &Arc<Site>) -> (bool, Option<Custody>) {
        let login = site.service().login(&user(USER));
        match login.state(self.wallet, Nonce::from_bytes([1; 32])).await {
            Ok(state) => {
                let state = state.unverified();
                (state.backup.is_some(), state.custody.clone())
            }
            Err(_) => (false, None),
        }
    }

    async fn acts(&self, site: &Arc<Site>) -> Vec<Act> {
        let events = site.service().audit(Some(self.wallet), 0, 1000).await.unwrap();
        events.into_iter().map(|event| event.act).collect()
    }
}

#[tokio::test]
async fn either_custodian_dies_at_every_call() {
    for after in [false, true] {
        for at in 0.. {
            let scene = Scene::start().await;
            let fate = Fate::new(at, after);
            let mut is_done = scene.run(&fate).await;
            if !fate.has_struck() {
                assert!(is_done && at > 15, "every call was struck");
                break;
            }
            let context = format!("at {at}, after: {after}");
            let is_anywhere =
                scene.custody(&scene.old).await.0 || scene.custody(&scene.new).await.0;
            assert!(is_anywhere, "{context}");
            for _ in 0..3 {
                if !is_done {
                    is_done = scene.run(&Fate::none()).await;
                }
            }
            let to =
                Destination::new(scene.old.login(&Fate::none()), scene.old.service().identity());
            let there = scene.client(&scene.new, &scene.device, &Fate::none());
            there.resume_move(scene.wallet, &to).await.unwrap();
            there.resume(scene.wallet).await.unwrap_or_else(|error| panic!("{context}: {error:?}"));

            let (is_here, custody) = scene.custody(&scene.old).await;
            assert!(!is_here && matches!(custody, Some(Custody::Gone(_))), "{context}");
            assert!(scene.custody(&scene.new).await == (true, None), "{context}");
            let acts = scene.acts(&scene.old).await;
            assert_eq!(acts.iter().filter(|act| **act == Act::HandedOver).count(), 1, "{context}");
            assert!(acts.contains(&Act::Departed), "{context}");

            let empty = MemoryDevice::new();
            let client = scene.client(&scene.new, &empty, &Fate::none());
            let recovery = Recovery::with(Arc::clone(&scene.method));
            let recovered = client.recover(scene.wallet, recovery).await;
            assert!(matches!(recovered, Ok(Recovered::Done(_))), "{context}: {recovered:?}");
        }
    }
}

/// Of what left, no byte of a share is on the disk that it left.
#[tokio::test]
async fn nothing_of_a_share_is_left_where_it_was() {
    let scene = Scene::start().await;
    let service = scene.old.service();
    let before = service.signing_shares(&user(USER), scene.wallet).await.unwrap();
    assert!(scene.run(&Fate::none()).await);
    assert!(service.signing_shares(&user(USER), scene.wallet).await.is_err());
    service.scrub().await.unwrap();
    let bytes = scene.old.home.bytes();
    for share in before {
        let commitment = share.commitment().to_bytes();
        assert!(!home::contains(&bytes, &commitment[commitment.len() / 2..]));
    }
}

/// Where signers of their own keep the signing shares: the new one has its half before the commit and
/// signs after it, the old one has nothing once the wallet is handed over; whichever custodian dies.
#[tokio::test]
async fn both_signers_follow() {
    for after in [false, true] {
        for at in 0.. {
            let holders = [(); 2].map(|()| Arc::new(MemorySigningShares::new()));
            let [old, new] = holders.clone().map(Some);
            let scene = Scene::between(Site::start(old).await, Site::start(new).await).await;
            let alice = user(USER);
            assert!(holders[0].signs(&alice, scene.wallet).is_some());
            let fate = Fate::new(at, after);
            let mut is_done = scene.run(&fate).await;
            for _ in 0..3 {
                if !is_done {
                    is_done = scene.run(&Fate::none()).await;
                }
            }
            let context = format!("at {at}, after: {after}");
            let to =
                Destination::new(scene.old.login(&Fate::none()), scene.old.service().identity());
            let there = scene.client(&scene.new, &scene.device, &Fate::none());
            there.resume_move(scene.wallet, &to).await.unwrap();
            assert_eq!(holders[0].held(&alice, scene.wallet), Vec::new(), "{context}");
            let signs = holders[1].signs(&alice, scene.wallet).map(|epoch| epoch.epoch.get());
            assert!(signs.is_some(), "{context}");
            let state = there.state(scene.wallet).await.unwrap();
            assert_eq!(state.signing.map(|signing| signing.epoch.get()), signs, "{context}");
            assert_eq!(holders[1].held(&alice, scene.wallet).len(), 1, "{context}");
            if !fate.has_struck() {
                break;
            }
        }
    }
}
