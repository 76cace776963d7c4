//! The real custodian over SQLite: its deaths, its copies, and what is in its file.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tempfile::TempDir;
use twoshare::{
    core::id::{Purpose, WalletId},
    protocol::{message::State, rules::Policy},
};
use twoshare_custodian::{
    Config, Kms, Limits, LocalSession, Repository, Service, UserId,
    kms::LocalKms,
    repository::{Status, Wanted},
    sqlite::SqliteRepository,
};

use super::{
    Broken,
    mortal::{Mortal, Mortality},
    server::{HandClock, USER},
};

/// A service over a database in a directory of its own.
#[derive(Debug)]
pub(super) struct Database {
    /// Whatever it is, it is gone with the story.
    _directory: TempDir,
    file: PathBuf,
    kms: Arc<dyn Kms>,
    clock: Arc<HandClock>,
    policy: Policy,
    running: Mutex<Running>,
    /// Every sealed share, and every answer of a pending operation, that was ever stored.
    sealed: Mutex<BTreeSet<Vec<u8>>>,
}

#[derive(Debug, Clone)]
struct Running {
    service: Service,
    repository: Arc<SqliteRepository>,
    mortality: Arc<Mortality>,
}

/// The bytes of a database.
#[derive(Debug, Clone)]
pub(super) struct DatabaseCopy(Vec<u8>);

/// Where a story's database is: in memory, where there is such a directory, so that synchronising it
/// costs nothing.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

impl Database {
    pub(super) async fn open(policy: Policy, clock: Arc<HandClock>) -> Self {
        let directory = directory();
        let file = directory.path().join("custodian.db");
        let kms: Arc<dyn Kms> = Arc::new(LocalKms::make(&mut twoshare::rng()));
        let running = start(&file, &kms, &clock, &policy, false).await;
        let (running, sealed) = (Mutex::new(running), Mutex::default());
        Self { _directory: directory, file, kms, clock, policy, running, sealed }
    }

    fn running(&self) -> Running {
        self.running.lock().unwrap().clone()
    }

    pub(super) fn service(&self) -> Service {
        self.running().service
    }

    pub(super) fn user(&self) -> UserId {
        UserId::new(USER).unwrap()
    }

    pub(super) fn login(&self, user: &str) -> LocalSession {
        self.service().login(&UserId::new(user).unwrap())
    }

    pub(super) fn will_die(&self, saves: bool) {
        self.running().mortality.will_die(saves);
    }

    /// It is killed, where it is not dead already, and starts again on what is on the disk.
    pub(super) async fn restart(&self) {
        self.restart_on(None, false).await;
    }

    /// Waits until what it was asked is done, and starts it again.
    pub(super) async fn settle(&self) {
        let running = self.running();
        running.service.close().await;
        self.restart().await;
    }

    async fn restart_on(&self, copy: Option<&DatabaseCopy>, restored: bool) {
        let running = self.running();
        running.mortality.die();
        running.service.close().await;
        running.repository.close().await;
        if let Some(DatabaseCopy(bytes)) = copy {
            for journal in ["-wal", "-shm"] {
                let mut name = self.file.as_os_str().to_owned();
                name.push(journal);
                let _not_there = fs::remove_file(PathBuf::from(name));
            }
            fs::write(&self.file, bytes).unwrap();
        }
        let running = start(&self.file, &self.kms, &self.clock, &self.policy, restored).await;
        *self.running.lock().unwrap() = running;
    }

    /// A copy as the operator makes one: of the file, when nothing is in the journal.
    pub(super) async fn copy(&self) -> DatabaseCopy {
        let running = self.running();
        running.service.close().await;
        running.repository.close().await;
        let copy = DatabaseCopy(fs::read(&self.file).unwrap());
        self.restart().await;
        copy
    }

    pub(super) async fn restore(&self, copy: &DatabaseCopy, declared: bool) {
        self.restart_on(Some(copy), declared).await;
    }

    /// The rows are as the state says, one of each.
    pub(super) async fn check(&self, wallet: WalletId, state: &State) -> Result<(), Broken> {
        let repository = self.running().repository;
        let record = repository.load(&self.user(), wallet, Wanted::default()).await;
        let record = record.map_err(|error| Broken::new(format!("{error:?}")))?;
        let Some(record) = record else {
            return Err(Broken::new("the wallet is not in the database"));
        };
        let count = |purpose, status| {
            let epochs = record.epochs.iter();
            epochs.filter(|epoch| epoch.purpose == purpose && epoch.status == status).count()
        };
        for (purpose, expected) in [
            (Purpose::Signing, usize::from(state.signing.is_some())),
            (Purpose::Backup, usize::from(state.backup.is_some())),
        ] {
            let found = count(purpose, Status::Active);
            if found != expected {
                return Err(Broken::new(format!("{found} {purpose:?} epochs are active")));
            }
            if count(purpose, Status::Pending) > 1 {
                return Err(Broken::new(format!("{purpose:?} epochs are pending")));
            }
        }
        let restorable = [Purpose::Signing, Purpose::Backup].map(|p| count(p, Status::Restorable));
        if restorable[0] != 0 || restorable[1] > 1 {
            return Err(Broken::new(format!("{restorable:?} epochs are restorable")));
        }
        let mut sealed = self.sealed.lock().unwrap();
        let shares = record.epochs.iter().flat_map(|epoch| &epoch.shares);
        sealed.extend(shares.map(|share| share.sealed.clone()));
        sealed.extend(record.pending.map(|pending| pending.session));
        Ok(())
    }

    /// No byte of what has ended is in the file or in its journal.
    pub(super) async fn is_clean(&self, wallet: WalletId) -> Result<(), Broken> {
        let repository = self.running().repository;
        let failed = |error| Broken::new(format!("{error:?}"));
        repository.scrub().await.map_err(failed)?;
        let record = repository.load(&self.user(), wallet, Wanted::default()).await;
        let record = record.map_err(failed)?;
        let kept: Vec<Vec<u8>> = record
            .into_iter()
            .flat_map(|record| {
                let shares = record.epochs.into_iter().flat_map(|epoch| epoch.shares);
                let shares = shares.map(|share| share.sealed);
                shares.chain(record.pending.map(|pending| pending.session)).collect::<Vec<_>>()
            })
            .collect();
        let files: Vec<Vec<u8>> = self.files();
        let sealed = self.sealed.lock().unwrap().clone();
        let is_in = |needle: &[u8]| files.iter().any(|file| contains(file, needle));
        if let Some(kept) = kept.iter().find(|kept| !is_in(kept)) {
            return Err(Broken::new(format!("{} bytes that are kept are not found", kept.len())));
        }
        match sealed.iter().filter(|sealed| !kept.contains(sealed)).find(|sealed| is_in(sealed)) {
            None => Ok(()),
            Some(left) => Err(Broken::new(format!(
                "{} bytes of what has ended are still in the database",
                left.len()
            ))),
        }
    }

    /// The file, and whatever is beside it.
    fn files(&self) -> Vec<Vec<u8>> {
        let directory = self.file.parent().unwrap();
        let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        files.map(|file| fs::read(file).unwrap()).collect()
    }

    pub(super) async fn close(&self) {
        let running = self.running();
        running.service.close().await;
        running.repository.close().await;
    }
}

/// Whether these bytes, or a long run of their middle, are among those: a large record is split over
/// pages.
fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    let middle = needle.len() / 2;
    let half = 24.min(middle);
    let Some(needle) = needle.get(middle - half..middle + half) else { return false };
    let Some(first) = needle.first() else { return false };
    let mut from = 0;
    while let Some(at) = bytes.get(from..).and_then(|rest| rest.iter().position(|b| b == first)) {
        if bytes.get(from + at..).is_some_and(|rest| rest.starts_with(needle)) {
            return true;
        }
        from += at + 1;
    }
    false
}

async fn start(
    file: &Path,
    kms: &Arc<dyn Kms>,
    clock: &Arc<HandClock>,
    policy: &Policy,
    restored: bool,
) -> Running {
    let repository = Arc::new(SqliteRepository::open(file).await.unwrap());
    let mortality = Arc::new(Mortality::default());
    let mortal = Mortal { inner: Arc::clone(&repository), mortality: Arc::clone(&mortality) };
    let service = Service::open(Config {
        repository: Arc::new(mortal),
        kms: Arc::clone(kms),
        authenticator: None,
        signing_shares: None,
        clock: Arc::<HandClock>::clone(clock),
        policy: policy.clone(),
        limits: Limits { wallets: 64, begin_burst: 1_000_000, begin_rate: 1e6 },
        restored,
    });
    Running { service: service.await.unwrap(), repository, mortality }
}
