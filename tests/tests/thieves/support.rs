//! A custodian on a disk, its owner, and what thieves work with.

use std::{
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use rand::{SeedableRng as _, rngs::StdRng};
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use twoshare::{
    Client, DeviceState, MemoryDevice, Method, Recovered, Recovery, Wallet,
    core::{
        curve::AnySigningKey,
        id::{CurveId, Epoch, OperationId, Purpose, WalletId},
        method::RecoveryCode,
        proof::{Operation, Stage},
        secret::SecretBytes,
        share::AnyClientShare,
    },
    device::{Counter, DeleteError, DeviceFault, DiscardError, LoadError, Record, SaveError},
    error::RecoverError,
    protocol::{
        Custodian,
        custodian::{BeginError, PrepareError},
        rules::{Policy, Time},
    },
};
use twoshare_custodian::{Clock, Config, Limits, LocalSession, Service, UserId, local::DataDir};
use twoshare_protocol::conformance::device::{Device, Failure, With};

pub(crate) const USER: &str = "alice";
pub(crate) const THIEF: &str = "mallory";
pub(crate) const BOTH: &[CurveId] = &[CurveId::Secp256k1, CurveId::Ed25519];
pub(crate) const ONE: &[CurveId] = &[CurveId::Ed25519];
pub(crate) const HOUR: Time = 60 * 60;
pub(crate) const START: Time = 1_800_000_000;

/// A clock that stands still until it is turned.
#[derive(Debug, Clone)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl Clock for TestClock {
    fn now(&self) -> Time {
        self.0.load(Ordering::Relaxed)
    }
}

/// A custodian as its operator runs it: a directory with the database and the keys.
pub(crate) struct World {
    dir: TempDir,
    clock: TestClock,
    policy: Policy,
    pub(crate) service: Service,
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Policy::default()).await
    }

    pub(crate) async fn with(policy: Policy) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = TestClock(Arc::new(AtomicU64::new(START)));
        let service = open(dir.path(), &clock, &policy, false).await;
        Self { dir, clock, policy, service }
    }

    pub(crate) fn login(&self, name: &str) -> LocalSession {
        self.service.login(&user(name))
    }

    pub(crate) fn turn(&self, seconds: Time) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn data(&self) -> DataDir {
        DataDir::new(self.dir.path())
    }

    pub(crate) async fn restart(&mut self, restored: bool) {
        self.service.close().await;
        self.service = open(self.dir.path(), &self.clock, &self.policy, restored).await;
    }

    /// The files of the database, as somebody copies them while it is in use.
    pub(crate) fn database(&self) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = fs::read_dir(self.dir.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("custodian.db"))
            .map(|name| {
                let bytes = fs::read(self.dir.path().join(&name)).unwrap();
                (name, bytes)
            })
            .collect();
        files.sort();
        files
    }

    /// A directory with a copy of the database, and with the master key or without.
    pub(crate) fn stolen(&self, with_master_key: bool) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        for (name, bytes) in self.database() {
            fs::write(copy.path().join(name), bytes).unwrap();
        }
        if with_master_key {
            fs::copy(self.data().master_key(), copy.path().join("master.key")).unwrap();
        }
        copy
    }

    /// A connection to the database itself.
    pub(crate) async fn sql(&self) -> SqliteConnection {
        connect(&self.data().database()).await
    }

    /// A new MPC wallet that is backed up.
    pub(crate) async fn mpc(&self, name: &str, curves: &[CurveId]) -> Device<LocalSession> {
        let (session, identity) = (self.login(name), self.service.identity());
        let mut device = Device::keygen(session, identity, name, curves).await.unwrap();
        device.run(Operation::FirstBackup, With::Device).await.unwrap();
        device
    }

    /// A new single-key wallet that is backed up.
    pub(crate) async fn single(&self, name: &str, curves: &[CurveId]) -> Device<LocalSession> {
        let (session, identity) = (self.login(name), self.service.identity());
        let mut device = Device::import(session, identity, name, curves);
        device.run(Operation::FirstBackup, With::Device).await.unwrap();
        device
    }

    /// A client of the owner's on this device, with the custodian's own store.
    pub(crate) fn client(&self, device: impl DeviceState + 'static) -> Client {
        let builder = Client::builder().custodian(self.login(USER));
        builder.pinned(self.service.identity()).user(USER).device(device).build().unwrap()
    }
}

async fn open(dir: &Path, clock: &TestClock, policy: &Policy, restored: bool) -> Service {
    let config = DataDir::new(dir).open().await.unwrap();
    // Tests do in a moment what users do in hours.
    let limits = Limits { begin_burst: 1_000_000, ..Limits::default() };
    let (clock, policy) = (Arc::new(clock.clone()), policy.clone());
    Service::open(Config { clock, policy, limits, restored, ..config }).await.unwrap()
}

pub(crate) async fn connect(database: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(database).connect().await.unwrap()
}

/// Changes the database behind the server's back; how many rows.
pub(crate) async fn change(database: &mut SqliteConnection, sql: &'static str) -> u64 {
    sqlx::query(sql).execute(database).await.unwrap().rows_affected()
}

/// Everything that counts in the database, as text: all tables but those that say what was asked.
pub(crate) async fn dump(world: &World) -> String {
    use sqlx::{Column as _, Row as _, ValueRef as _};
    let mut connection = world.sql().await;
    let mut all = String::new();
    for table in [
        "SELECT id, user, wallet, kind, highest_signing, highest_backup, frozen, dispute, \
         restored, approved, window_until, ejected FROM wallets ORDER BY id",
        "SELECT * FROM keys ORDER BY wallet, place",
        "SELECT * FROM epochs ORDER BY wallet, purpose, number",
        "SELECT * FROM epoch_shares ORDER BY wallet, purpose, number, place",
        "SELECT * FROM pendings ORDER BY wallet",
        "SELECT * FROM operations ORDER BY wallet, id",
        "SELECT * FROM requests ORDER BY wallet",
        "SELECT * FROM envelopes ORDER BY wallet, digest",
    ] {
        for row in sqlx::query(table).fetch_all(&mut connection).await.unwrap() {
            for (place, column) in row.columns().iter().enumerate() {
                let raw = row.try_get_raw(place).unwrap();
                let text = match raw.is_null() {
                    true => "-".to_owned(),
                    false => match row.try_get::<Vec<u8>, _>(place) {
                        Ok(bytes) => hex::encode(bytes),
                        Err(_) => row.try_get::<i64, _>(place).unwrap().to_string(),
                    },
                };
                all.push_str(&format!("{}={text} ", column.name()));
            }
            all.push('\n');
        }
    }
    connection.close().await.unwrap();
    all
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

/// Whether these bytes are in there: as they are, reversed (as a machine keeps numbers), or written
/// in hexadecimal or base64.
pub(crate) fn is_in(secret: &[u8], place: &[u8]) -> bool {
    let reversed: Vec<u8> = secret.iter().rev().copied().collect();
    let lower = hex::encode(secret);
    // The middle of it: its ends depend on what stands beside it.
    let base64 = |bytes: &[u8]| -> Vec<Vec<u8>> {
        (0..3).map(|skip| in_base64(&bytes[skip..skip + (bytes.len() - skip) / 3 * 3])).collect()
    };
    [secret.to_vec(), reversed, lower.to_uppercase().into_bytes(), lower.into_bytes()]
        .into_iter()
        .chain(base64(secret))
        .any(|needle| contains(place, &needle))
}

fn in_base64(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks_exact(3)
        .flat_map(|three| {
            let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
            [18, 12, 6, 0].map(|shift| LETTERS[(bits >> shift & 63) as usize])
        })
        .collect()
}

pub(crate) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let (first, rest) = needle.split_first().unwrap();
    let mut from = 0;
    while let Some(at) = haystack[from..].iter().position(|byte| byte == first) {
        from += at + 1;
        if haystack[from..].starts_with(rest) {
            return true;
        }
    }
    false
}

/// Shares of another key, which say that they are of this wallet's sharing: what somebody has who
/// has none.
pub(crate) fn forged(curves: &[CurveId], like: &AnyClientShare) -> Vec<AnyClientShare> {
    let rng = &mut StdRng::from_rng(&mut rand::rng());
    let id = like.id();
    (0..)
        .zip(curves)
        .map(|(index, curve)| {
            let key = AnySigningKey::make(*curve, rng);
            key.split(twoshare::core::share::KeyId { index, ..id }, rng).0
        })
        .collect()
}

/// The client shares that are in there, as they are written to a device.
pub(crate) fn shares_in(record: &[u8]) -> Vec<AnyClientShare> {
    let mut shares: Vec<AnyClientShare> = Vec::new();
    for at in 0..record.len() {
        let string = match record[at..] {
            [0x58, length, ref rest @ ..] => rest.get(..usize::from(length)),
            [0x59, high, low, ref rest @ ..] => {
                rest.get(..usize::from(u16::from_be_bytes([high, low])))
            }
            _ => None,
        };
        let Some(Ok(share)) = string.map(AnyClientShare::from_bytes) else { continue };
        // Exposed: to be compared.
        let bytes = share.to_bytes();
        if !shares.iter().any(|s| s.to_bytes().expose_secret() == bytes.expose_secret()) {
            shares.push(share);
        }
    }
    shares
}

/// Tries everything that these shares could be proven for. What went through?
pub(crate) async fn misuse<C: Custodian + Clone>(
    thief: &mut Device<C>,
    shares: &[AnyClientShare],
) -> Vec<Operation> {
    let purpose = shares[0].id().sharing.purpose;
    let (with, operations) = match purpose {
        Purpose::Signing => {
            thief.signing = shares.to_vec();
            (With::Device, [Operation::FirstBackup, Operation::Replace].as_slice())
        }
        Purpose::Backup => {
            thief.backup = shares.to_vec();
            (With::Method, [Operation::Refresh, Operation::Recover].as_slice())
        }
    };
    let mut done = Vec::new();
    for operation in operations {
        // What is pending is nobody's business here: a number that nobody has used.
        let to = thief.next(*operation).await.unwrap();
        let id = thief.operation();
        let Ok(asked) = thief.ask_as(*operation, with, id, to) else { continue };
        let Ok(offered) = thief.offer(asked, with).await else { continue };
        if thief.custodian.prepare(offered.message().clone()).await.is_ok() {
            done.push(*operation);
        }
    }
    done
}

/// How a prepare ended, where it was not heard.
pub(crate) fn told<T: std::fmt::Debug>(
    result: Result<T, Failure>,
) -> Result<PrepareError, BeginError> {
    match result.unwrap_err() {
        Failure::Prepare(error) => Ok(error),
        Failure::Begin(error) => Err(error),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn stage(purpose: Purpose, epoch: u64) -> Stage {
    Stage { purpose, epoch: Epoch::new(epoch).unwrap() }
}

pub(crate) fn operation_id() -> OperationId {
    twoshare::make_operation_id()
}

/// A device that remembers everything that was ever saved on it, and can be made to stop at a save.
#[derive(Debug, Clone, Default)]
pub(crate) struct Camera {
    device: MemoryDevice,
    taken: Arc<Mutex<Vec<MemoryDevice>>>,
    stop: Arc<AtomicU64>,
}

impl Camera {
    pub(crate) fn new() -> Self {
        let camera = Self::default();
        camera.stop_after(None);
        camera
    }

    /// So many saves more, and then none.
    pub(crate) fn stop_after(&self, saves: Option<u64>) {
        let taken = self.taken.lock().unwrap().len() as u64;
        self.stop.store(saves.map_or(u64::MAX, |saves| taken + saves), Ordering::Relaxed);
    }

    pub(crate) fn taken(&self) -> Vec<MemoryDevice> {
        self.taken.lock().unwrap().clone()
    }

    /// What a thief has who copies it now.
    pub(crate) fn copy(&self) -> MemoryDevice {
        self.device.snapshot()
    }
}

fn stopped() -> DeviceFault {
    DeviceFault::Failed("it was taken".into())
}

#[async_trait]
impl DeviceState for Camera {
    async fn wallets(&self) -> Result<Vec<WalletId>, DeviceFault> {
        self.device.wallets().await
    }

    async fn load(&self, wallet: WalletId) -> Result<Option<Record>, LoadError> {
        self.device.load(wallet).await
    }

    async fn save(
        &self,
        wallet: WalletId,
        contents: &SecretBytes,
        expected: Option<Counter>,
    ) -> Result<Counter, SaveError> {
        if self.taken.lock().unwrap().len() as u64 >= self.stop.load(Ordering::Relaxed) {
            return Err(stopped().into());
        }
        let counter = self.device.save(wallet, contents, expected).await?;
        self.taken.lock().unwrap().push(self.device.snapshot());
        Ok(counter)
    }

    async fn delete(&self, wallet: WalletId, expected: Counter) -> Result<(), DeleteError> {
        self.device.delete(wallet, expected).await
    }

    async fn discard(&self, wallet: WalletId) -> Result<(), DiscardError> {
        self.device.discard(wallet).await
    }
}

/// What is on a device of this wallet.
pub(crate) async fn record(device: &MemoryDevice, wallet: WalletId) -> Vec<u8> {
    let record = device.load(wallet).await.unwrap();
    // Exposed: to the thief.
    record.map(|record| record.contents.expose_secret().to_vec()).unwrap_or_default()
}
