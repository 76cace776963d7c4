//! A service on a database in a temporary directory, with a clock that a test sets.

#![allow(dead_code, reason = "each test uses what it needs of this")]

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use twoshare_custodian::{
    Clock, Config, Limits, Service, UserId, kms::LocalKms, sqlite::SqliteRepository,
};
use twoshare_protocol::rules::{Policy, Time};

/// A clock that stands still until it is set.
#[derive(Debug, Clone)]
pub(crate) struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub(crate) fn new(now: Time) -> Self {
        Self(Arc::new(AtomicU64::new(now)))
    }

    pub(crate) fn set(&self, now: Time) {
        self.0.store(now, Ordering::Relaxed);
    }

    pub(crate) fn advance(&self, seconds: Time) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Time {
        self.0.load(Ordering::Relaxed)
    }
}

pub(crate) const START: Time = 1_800_000_000;

/// Where a service lives, and what outlives its restarts.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) clock: TestClock,
    pub(crate) kms: Arc<LocalKms>,
    pub(crate) policy: Policy,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self::with(Policy::default())
    }

    pub(crate) fn with(policy: Policy) -> Self {
        let kms = Arc::new(LocalKms::make(&mut rand::rng()));
        let dir = tempfile::tempdir().unwrap();
        Self { dir, clock: TestClock::new(START), kms, policy }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.dir.path().join("custodian.db")
    }

    pub(crate) fn config(&self, repository: Arc<SqliteRepository>) -> Config {
        Config {
            repository,
            kms: self.kms.clone(),
            authenticator: None,
            signing_shares: None,
            clock: Arc::new(self.clock.clone()),
            policy: self.policy.clone(),
            // Tests do in a moment what users do in hours.
            limits: Limits { begin_burst: 1_000_000, ..Limits::default() },
            restored: false,
        }
    }

    pub(crate) async fn open(&self) -> (Service, Arc<SqliteRepository>) {
        let repository = Arc::new(SqliteRepository::open(self.database()).await.unwrap());
        (Service::open(self.config(repository.clone())).await.unwrap(), repository)
    }

    pub(crate) async fn open_restored(&self) -> Service {
        let repository = Arc::new(SqliteRepository::open(self.database()).await.unwrap());
        let config = Config { restored: true, ..self.config(repository) };
        Service::open(config).await.unwrap()
    }

    /// Copies the database as an operator does who stopped the server.
    pub(crate) fn copy(&self) -> Vec<(String, Vec<u8>)> {
        files(self.dir.path())
    }

    /// Puts a copy back.
    pub(crate) fn put_back(&self, copy: &[(String, Vec<u8>)]) {
        for (name, _) in files(self.dir.path()) {
            std::fs::remove_file(self.dir.path().join(name)).unwrap();
        }
        for (name, bytes) in copy {
            std::fs::write(self.dir.path().join(name), bytes).unwrap();
        }
    }

    /// Every byte on the disk: database, journal, and what else there is.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        files(self.dir.path()).into_iter().flat_map(|(_, bytes)| bytes).collect()
    }
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

pub(crate) fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub(crate) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
