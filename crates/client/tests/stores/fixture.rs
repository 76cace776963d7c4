//! A wallet with an operation that is ready, stores that fail as they are told, and a custodian that does.

use std::{
    future::pending,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use rand::{SeedableRng as _, rngs::StdRng};
use twoshare::{
    Place, StoreId, StorePolicy, Stores,
    core::{
        container::{self, Content},
        digest::Digest,
        envelope::{Envelope, Header, Payload, Sealed, Slot, SlotHeader, SlotTable, seal},
        id::{CurveId, Epoch, OperationId, WalletId},
        identity::CustodianKeys,
        method::{
            BackupMethod, Identity, MakeContext, MethodError, NewSlot, OpenContext, RecoveryCode,
            SlotKind, SoftwareIdentity, Vouching,
        },
        proof::Operation,
        store::{
            EnvelopeName, EnvelopeStore, EnvelopeStoreExt as _, GetError, MemoryStore, ObjectName,
            Operator, PutError, StoreFault, Writable,
        },
    },
    protocol::{
        Nonce,
        conformance::device::{Device, With},
        custodian::{
            AbandonError, BeginError, CancelError, CommitError, Custodian, DepartError, EjectError,
            HandOverError, Outage, PrepareError, ReadError, RetireError, Unavailable, UploadError,
        },
        memory::{MemoryCustodian, MemorySession},
        message::{
            Begin, Begun, Commit, Depart, Departed, Drilled, Ejected, Prepare, Prepared, Receipt,
            Request, Signed, State, Tombstone, Upload,
        },
        rules::Policy,
        session::Ready,
        wire::Message as _,
    },
};

pub(crate) const USER: &str = "alice";

/// What a store does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It has no room.
    Full,
    /// It does not let us in.
    Denied,
    /// It cannot be reached.
    Unreachable,
    /// It never answers.
    Hangs,
    /// It takes everything and has nothing.
    Loses,
    /// It gives back other bytes.
    Damages,
    /// It gives back another envelope, intact.
    MixesUp,
}

pub(crate) const EVERY_FAULT: [Fault; 7] = [
    Fault::Full,
    Fault::Denied,
    Fault::Unreachable,
    Fault::Hangs,
    Fault::Loses,
    Fault::Damages,
    Fault::MixesUp,
];

/// A store that does as it is told. Clones are the same store.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store {
    pub(crate) kept: Arc<MemoryStore>,
    fault: Arc<Mutex<Option<Fault>>>,
    /// What it gives in the place of another.
    pub(crate) another: Arc<Mutex<Vec<u8>>>,
}

impl Store {
    pub(crate) fn fail(&self, fault: impl Into<Option<Fault>>) {
        *self.fault.lock().unwrap() = fault.into();
    }

    fn fault(&self) -> Option<Fault> {
        *self.fault.lock().unwrap()
    }

    async fn reach(&self) -> Result<(), StoreFault> {
        match self.fault() {
            Some(Fault::Hangs) => pending().await,
            Some(Fault::Denied) => Err(StoreFault::Denied { scope: "any".to_owned() }),
            Some(Fault::Unreachable) => {
                Err(StoreFault::Unavailable { retry_after: Some(7), source: "away".into() })
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl EnvelopeStore for Store {
    async fn put(&self, name: &ObjectName, bytes: &[u8]) -> Result<(), PutError> {
        self.reach().await?;
        match self.fault() {
            Some(Fault::Full) => Err(PutError::Full),
            Some(Fault::Loses) => Ok(()),
            _ => self.kept.put(name, bytes).await,
        }
    }

    async fn get(&self, name: &ObjectName) -> Result<Vec<u8>, GetError> {
        self.reach().await?;
        let mut bytes = self.kept.get(name).await?;
        match self.fault() {
            Some(Fault::Loses | Fault::Full) => return Err(GetError::NotFound),
            Some(Fault::Damages) => *bytes.last_mut().unwrap() ^= 1,
            Some(Fault::MixesUp) => bytes = self.another.lock().unwrap().clone(),
            _ => {}
        }
        Ok(bytes)
    }

    async fn list(&self, wallet: WalletId) -> Result<Vec<ObjectName>, StoreFault> {
        self.reach().await?;
        let mut names = self.kept.list(wallet).await?;
        if self.fault() == Some(Fault::MixesUp) {
            names.iter_mut().for_each(|name| name.envelope.wallet = WalletId::from_bytes([9; 16]));
        }
        Ok(names)
    }

    async fn delete(&self, name: &ObjectName) -> Result<(), StoreFault> {
        self.reach().await?;
        self.kept.delete(name).await
    }
}

/// A wallet, an operation of it that is ready, and its sealed envelope.
pub(crate) struct World {
    pub(crate) custodian: Arc<MemoryCustodian>,
    pub(crate) device: Device<MemorySession>,
    pub(crate) ready: Ready,
    pub(crate) sealed: Sealed,
    /// Another envelope of the same epoch, in its container.
    pub(crate) another: Vec<u8>,
}

impl World {
    /// One whose first backup is ready, with a recovery code.
    pub(crate) async fn new() -> Self {
        Self::with(&RecoveryCode::make(&mut twoshare::rng())).await
    }

    pub(crate) async fn with(method: &dyn BackupMethod) -> Self {
        let keys = CustodianKeys::make(&mut twoshare::rng());
        let rng = StdRng::from_rng(&mut twoshare::rng());
        let custodian = MemoryCustodian::new(keys, Policy::default(), 1_800_000_000, rng);
        let session = custodian.login(USER);
        let curves = &[CurveId::Secp256k1];
        let mut device = Device::keygen(session, custodian.identity(), USER, curves).await.unwrap();
        let ready = device.prepare(Operation::FirstBackup, With::Device).await.unwrap();
        let sealed = sealed(&device, &ready, method).await;
        let another = self::sealed(&device, &ready, method).await;
        let another = container::wrap(Content::Envelope, &another.bytes).unwrap();
        Self { custodian, device, ready, sealed, another }
    }

    /// Its stores, and behind them the custodian's own, with this policy.
    pub(crate) fn stores<const N: usize>(&self, policy: StorePolicy) -> ([Store; N], Stores) {
        let stores = std::array::from_fn(|_| Store {
            another: Arc::new(Mutex::new(self.another.clone())),
            ..Store::default()
        });
        let session = Arc::new(self.custodian.login(USER));
        let mut places = places(&stores);
        places.push((StoreId::custodian(), Place::Custodian));
        (stores, Stores::new(session, places, policy).unwrap())
    }

    /// The same without the custodian's own.
    pub(crate) fn only<const N: usize>(&self, policy: StorePolicy) -> ([Store; N], Stores) {
        let (stores, _) = self.stores::<N>(StorePolicy::All);
        let session = Arc::new(self.custodian.login(USER));
        let places = Stores::new(session, places(&stores), policy).unwrap();
        (stores, places)
    }

    /// Commits what is ready.
    pub(crate) async fn commit(&mut self) -> Vec<u8> {
        let commit = self.ready.commit(Some(self.sealed.digest), &mut twoshare::rng());
        let receipt = self.device.custodian.commit(commit).await.unwrap();
        self.device.adopt(&self.ready);
        receipt.to_bytes().expose_secret().to_vec()
    }

    /// A refresh that is ready, in the place of what was.
    pub(crate) async fn refresh(&mut self) {
        self.next(Operation::Refresh, With::Method).await;
    }

    /// The same by the device alone.
    pub(crate) async fn replace(&mut self) {
        self.next(Operation::Replace, With::Device).await;
    }

    async fn next(&mut self, operation: Operation, with: With) {
        self.ready = self.device.prepare(operation, with).await.unwrap();
        let method = RecoveryCode::make(&mut twoshare::rng());
        self.sealed = sealed(&self.device, &self.ready, &method).await;
    }

    pub(crate) fn name(&self) -> EnvelopeName {
        self.sealed.name()
    }

    pub(crate) fn envelope(&self) -> Envelope {
        Envelope::from_bytes(&self.sealed.bytes).unwrap()
    }

    /// Puts the envelope straight into a store.
    pub(crate) async fn put_into(&self, store: &Store) {
        let writable = Writable::sealed(&self.sealed, Operator::User, None).unwrap();
        store.kept.put_envelope(&writable).await.unwrap();
    }

    /// Whether a store really has it.
    pub(crate) async fn is_in(&self, store: &Store) -> bool {
        store.kept.get_envelope(self.name()).await.is_ok()
    }
}

pub(crate) fn id(index: usize) -> StoreId {
    format!("store-{index}").parse().unwrap()
}

fn places(stores: &[Store]) -> Vec<(StoreId, Place)> {
    let place = |store: &Store| Place::store(store.clone(), Operator::User);
    stores.iter().enumerate().map(|(index, store)| (id(index), place(store))).collect()
}

pub(crate) fn at_least(count: usize) -> StorePolicy {
    StorePolicy::AtLeast(NonZeroUsize::new(count).unwrap())
}

async fn sealed<C: Custodian>(
    device: &Device<C>,
    ready: &Ready,
    method: &dyn BackupMethod,
) -> Sealed {
    let payload = Payload {
        kind: device.party.kind,
        keys: ready.backup().to_vec(),
        secrets: Vec::new(),
        attachments: Vec::new(),
        custodian: device.party.custodian,
    };
    let wallet = device.party.wallet;
    let mut rng = twoshare::rng();
    let slot = Slot::make(method, wallet, &payload.verifying_keys(), &mut rng).await.unwrap();
    let mut slots = SlotTable::new();
    slots.add(slot).unwrap();
    let epoch = ready.backup()[0].id().sharing.epoch;
    seal(&Header::new(wallet, epoch, 0), &payload, &slots, &mut rng).unwrap()
}

/// A method that the custodian could open.
#[derive(Debug)]
pub(crate) struct Pin;

#[async_trait]
impl BackupMethod for Pin {
    fn kind(&self) -> SlotKind {
        SlotKind::Pin
    }

    fn vouching(&self) -> Vouching {
        Vouching::CheckCode
    }

    async fn make(&self, context: MakeContext<'_>) -> Result<NewSlot, MethodError> {
        let identity = SoftwareIdentity::make(context.rng);
        Ok(NewSlot::new("", Vec::new(), Box::new(identity)))
    }

    async fn open(
        &self,
        _: &SlotHeader,
        _: OpenContext,
    ) -> Result<Option<Box<dyn Identity>>, MethodError> {
        Ok(None)
    }
}

/// A custodian whose store does as it is told.
pub(crate) struct FaultyCustodian {
    pub(crate) session: MemorySession,
    pub(crate) fault: Option<Fault>,
    pub(crate) another: Vec<u8>,
}

impl FaultyCustodian {
    async fn reach(&self) -> Result<(), Unavailable> {
        match self.fault {
            Some(Fault::Hangs) => pending().await,
            Some(Fault::Unreachable) => Err(Unavailable::because(Outage::Unreachable)),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Custodian for FaultyCustodian {
    async fn put_envelope(&self, upload: Upload, envelope: Vec<u8>) -> Result<(), UploadError> {
        self.reach().await?;
        match self.fault {
            Some(Fault::Full | Fault::Denied) => Err(UploadError::TooMany),
            Some(Fault::Loses) => Ok(()),
            _ => self.session.put_envelope(upload, envelope).await,
        }
    }

    async fn envelope(&self, wallet: WalletId, digest: Digest) -> Result<Vec<u8>, ReadError> {
        self.reach().await?;
        let mut bytes = self.session.envelope(wallet, digest).await?;
        match self.fault {
            Some(Fault::Damages) => *bytes.last_mut().unwrap() ^= 1,
            Some(Fault::MixesUp) => {
                let another = container::unwrap(Content::Envelope, &self.another);
                bytes = another.unwrap().to_vec();
            }
            _ => {}
        }
        Ok(bytes)
    }

    async fn state(&self, wallet: WalletId, nonce: Nonce) -> Result<Signed<State>, ReadError> {
        self.session.state(wallet, nonce).await
    }

    async fn wallets(&self) -> Result<Vec<WalletId>, ReadError> {
        self.session.wallets().await
    }

    async fn receipt(&self, w: WalletId, id: OperationId) -> Result<Signed<Receipt>, ReadError> {
        self.session.receipt(w, id).await
    }

    async fn begin(&self, begin: Begin) -> Result<Signed<Begun>, BeginError> {
        self.session.begin(begin).await
    }

    async fn prepare(&self, prepare: Prepare) -> Result<Prepared, PrepareError> {
        self.session.prepare(prepare).await
    }

    async fn commit(&self, commit: Commit) -> Result<Signed<Receipt>, CommitError> {
        self.session.commit(commit).await
    }

    async fn abandon(&self, request: Request) -> Result<Signed<Tombstone>, AbandonError> {
        self.session.abandon(request).await
    }

    async fn cancel(&self, request: Request) -> Result<(), CancelError> {
        self.session.cancel(request).await
    }

    async fn eject(&self, request: Request) -> Result<Ejected, EjectError> {
        self.session.eject(request).await
    }

    async fn drill(&self, wallet: WalletId, nonce: Nonce) -> Result<Drilled, ReadError> {
        self.session.drill(wallet, nonce).await
    }

    async fn retire(&self, wallet: WalletId, epoch: Epoch) -> Result<(), RetireError> {
        self.session.retire(wallet, epoch).await
    }

    async fn depart(&self, depart: Depart) -> Result<Departed, DepartError> {
        self.session.depart(depart).await
    }

    async fn hand_over(&self, receipt: Signed<Receipt>) -> Result<(), HandOverError> {
        self.session.hand_over(receipt).await
    }
}
