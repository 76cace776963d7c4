//! A custodian in memory, stores that several clients share and that can be made to fail, and devices.

#![allow(dead_code, reason = "not every test uses all of it")]

pub(crate) mod faults;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use twoshare::{
    Client, DeviceState, MemoryDevice, Method, Place, Recovered, Recovery, StoreId, StorePolicy,
    Wallet,
    core::{
        id::{CurveId, WalletId},
        identity::CustodianIdentity,
        method::RecoveryCode,
        store::{
            EnvelopeName, EnvelopeStore, GetError, MemoryStore, ObjectName, Operator, PutError,
            StoreFault,
        },
    },
    error::RecoverError,
    protocol::{Custodian, memory::MemoryCustodian},
};

pub(crate) const USER: &str = "alice";
pub(crate) const BOTH: &[CurveId] = &[CurveId::Secp256k1, CurveId::Ed25519];
pub(crate) const HOUR: u64 = 60 * 60;

/// A store that can be made to fail, and that several clients share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    pub(crate) kept: Arc<MemoryStore>,
    pub(crate) full: Arc<AtomicBool>,
    pub(crate) flips: Arc<AtomicBool>,
}

impl Store {
    pub(crate) fn fail(&self, fails: bool) {
        self.full.store(fails, Ordering::Relaxed);
    }
}

#[async_trait]
impl EnvelopeStore for Store {
    async fn put(&self, name: &ObjectName, bytes: &[u8]) -> Result<(), PutError> {
        if self.full.load(Ordering::Relaxed) {
            return Err(PutError::Full);
        }
        self.kept.put(name, bytes).await
    }

    async fn get(&self, name: &ObjectName) -> Result<Vec<u8>, GetError> {
        let mut bytes = self.kept.get(name).await?;
        if self.flips.load(Ordering::Relaxed)
            && let Some(byte) = bytes.last_mut()
        {
            *byte ^= 1;
        }
        Ok(bytes)
    }

    async fn list(&self, wallet: WalletId) -> Result<Vec<ObjectName>, StoreFault> {
        self.kept.list(wallet).await
    }

    async fn delete(&self, name: &ObjectName) -> Result<(), StoreFault> {
        self.kept.delete(name).await
    }
}

pub(crate) fn id(name: &str) -> StoreId {
    name.parse().unwrap()
}

/// A client on a device, with these stores.
pub(crate) fn client_on(
    custodian: impl Custodian + 'static,
    identity: CustodianIdentity,
    device: impl DeviceState + 'static,
    stores: &[&Store],
) -> Client {
    let mut builder =
        Client::builder().custodian(custodian).pinned(identity).user(USER).device(device);
    for (index, store) in stores.iter().enumerate() {
        let place = Place::store((*store).clone(), Operator::User);
        builder = builder.store(id(&format!("store-{index}")), place);
    }
    builder.store_policy(StorePolicy::All).build().unwrap()
}

pub(crate) struct World {
    pub(crate) custodian: Arc<MemoryCustodian>,
    pub(crate) first: Store,
    pub(crate) second: Store,
    pub(crate) device: MemoryDevice,
    pub(crate) client: Client,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::at(MemoryCustodian::start(twoshare::rng()))
    }

    pub(crate) fn at(custodian: Arc<MemoryCustodian>) -> Self {
        let (first, second) = (Store::default(), Store::default());
        let device = MemoryDevice::new();
        let client = client_on(
            custodian.login(USER),
            custodian.identity(),
            device.clone(),
            &[&first, &second],
        );
        Self { custodian, first, second, device, client }
    }

    /// Another device of the same user, with nothing on it.
    pub(crate) fn empty_device(&self) -> Client {
        self.client_on(MemoryDevice::new())
    }

    pub(crate) fn client_on(&self, device: MemoryDevice) -> Client {
        let (custodian, stores) = (self.custodian.login(USER), [&self.first, &self.second]);
        client_on(custodian, self.custodian.identity(), device, &stores)
    }

    pub(crate) async fn mpc(&self, methods: &[Method]) -> Wallet {
        let wallet = self.client.create_wallet(BOTH, None).await.unwrap();
        self.client.backup(wallet.id(), methods).await.unwrap();
        wallet
    }

    pub(crate) async fn names(&self, wallet: WalletId) -> Vec<EnvelopeName> {
        let mut names = self.first.list(wallet).await.unwrap();
        names.extend(self.second.list(wallet).await.unwrap());
        let mut names: Vec<_> = names.into_iter().map(|name| name.envelope).collect();
        names.sort_by_key(|name| (name.epoch, name.digest.to_bytes()));
        names.dedup();
        names
    }
}

pub(crate) fn code() -> Method {
    Arc::new(RecoveryCode::make(&mut twoshare::rng()))
}

/// Recovers, where nothing waits.
pub(crate) async fn recover(
    client: &Client,
    wallet: WalletId,
    method: &Method,
) -> Result<Wallet, RecoverError> {
    match client.recover(wallet, Recovery::with(Arc::clone(method))).await? {
        Recovered::Done(wallet) => Ok(wallet),
        Recovered::Waiting(waiting) => panic!("{waiting:?}"),
    }
}
