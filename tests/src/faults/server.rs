//! The custodian under test: what it runs on, its clock, its deaths, and its operator.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use twoshare::{
    core::{
        id::{OperationId, WalletId},
        identity::{CustodianIdentity, CustodianKeys},
    },
    protocol::{
        Custodian,
        memory::{MemoryCustodian, Snapshot},
        rules::{Favour, Policy, Time},
    },
};

use super::sqlite::{Database, DatabaseCopy};

/// When every story begins: some day in 2026.
const BEGINNING: Time = 1_770_000_000;

/// The one user of a story.
pub(super) const USER: &str = "alice";

/// A clock that is set by hand.
#[derive(Debug)]
pub(super) struct HandClock(AtomicU64);

impl HandClock {
    pub(super) const fn new() -> Self {
        Self(AtomicU64::new(BEGINNING))
    }

    pub(super) fn time(&self) -> Time {
        self.0.load(Ordering::SeqCst)
    }

    fn set(&self, time: Time) {
        self.0.store(time, Ordering::SeqCst);
    }
}

impl twoshare_custodian::Clock for HandClock {
    fn now(&self) -> Time {
        self.time()
    }
}

/// The custodian, over whatever keeps its wallets.
pub(super) struct Server {
    policy: Policy,
    clock: Arc<HandClock>,
    keeps: Keeps,
}

enum Keeps {
    Memory(Arc<MemoryCustodian>),
    Sqlite(Database),
}

/// An operator's copy of the database.
#[derive(Clone)]
pub(super) enum Copy {
    Memory(Snapshot),
    Sqlite(DatabaseCopy),
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server")
    }
}

impl Server {
    /// In memory.
    pub(super) fn memory(policy: Policy) -> Self {
        let keys = CustodianKeys::make(&mut twoshare::rng());
        let memory = MemoryCustodian::new(keys, policy.clone(), BEGINNING, twoshare::rng());
        Self { policy, clock: Arc::new(HandClock::new()), keeps: Keeps::Memory(memory) }
    }

    /// The real one, in a directory of its own.
    pub(super) async fn sqlite(policy: Policy) -> Self {
        let clock = Arc::new(HandClock::new());
        let database = Database::open(policy.clone(), Arc::clone(&clock)).await;
        Self { policy, clock, keeps: Keeps::Sqlite(database) }
    }

    pub(super) const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The real one's database.
    pub(super) const fn database(&self) -> Option<&Database> {
        match &self.keeps {
            Keeps::Memory(_) => None,
            Keeps::Sqlite(database) => Some(database),
        }
    }

    pub(super) fn identity(&self) -> CustodianIdentity {
        match &self.keeps {
            Keeps::Memory(memory) => memory.identity(),
            Keeps::Sqlite(database) => database.service().identity(),
        }
    }

    /// The custodian as it runs now.
    pub(super) fn login(&self, user: &str) -> Box<dyn Custodian> {
        match &self.keeps {
            Keeps::Memory(memory) => Box::new(memory.login(user)),
            Keeps::Sqlite(database) => Box::new(database.login(user)),
        }
    }

    pub(super) fn time(&self) -> Time {
        self.clock.time()
    }

    /// Sets the clock, also back.
    pub(super) fn set_time(&self, time: Time) {
        self.clock.set(time);
        if let Keeps::Memory(memory) = &self.keeps {
            memory.set_time(time);
        }
    }

    /// It will die when it saves next: after it, or instead. Whether it is any use to ask it.
    pub(super) fn will_die(&self, saves: bool) -> bool {
        match &self.keeps {
            Keeps::Memory(_) => saves,
            Keeps::Sqlite(database) => {
                database.will_die(saves);
                true
            }
        }
    }

    /// It is dead, or killed now, and starts again.
    pub(super) async fn restart(&self) {
        match &self.keeps {
            Keeps::Memory(memory) => memory.restart(),
            Keeps::Sqlite(database) => database.restart().await,
        }
    }

    /// Waits until it has done everything that it was asked, by whoever waits for it no more.
    pub(super) async fn settle(&self) {
        if let Keeps::Sqlite(database) = &self.keeps {
            database.settle().await;
        }
    }

    pub(super) async fn copy(&self) -> Copy {
        match &self.keeps {
            Keeps::Memory(memory) => Copy::Memory(memory.snapshot()),
            Keeps::Sqlite(database) => Copy::Sqlite(database.copy().await),
        }
    }

    /// Starts it from a copy, which it is told that it is.
    pub(super) async fn restore(&self, copy: &Copy) {
        match (&self.keeps, copy) {
            (Keeps::Memory(memory), Copy::Memory(snapshot)) => memory.restore(snapshot.clone()),
            (Keeps::Sqlite(database), Copy::Sqlite(copy)) => database.restore(copy, true).await,
            _ => panic!("the copy is of another custodian"),
        }
    }

    pub(super) async fn open_window(&self, wallet: WalletId, seconds: Time) -> bool {
        match &self.keeps {
            Keeps::Memory(memory) => memory.open_window(USER, wallet, seconds).is_ok(),
            Keeps::Sqlite(database) => {
                database.service().open_window(&database.user(), wallet, seconds).await.is_ok()
            }
        }
    }

    pub(super) async fn freeze(&self, wallet: WalletId) -> bool {
        match &self.keeps {
            Keeps::Memory(memory) => memory.freeze(USER, wallet).is_ok(),
            Keeps::Sqlite(database) => {
                database.service().freeze(&database.user(), wallet).await.is_ok()
            }
        }
    }

    pub(super) async fn unfreeze(&self, wallet: WalletId, favour: Option<Favour>) -> bool {
        match &self.keeps {
            Keeps::Memory(memory) => memory.unfreeze(USER, wallet, favour).is_ok(),
            Keeps::Sqlite(database) => {
                database.service().unfreeze(&database.user(), wallet, favour).await.is_ok()
            }
        }
    }

    pub(super) async fn approve(&self, wallet: WalletId, id: OperationId) -> bool {
        match &self.keeps {
            Keeps::Memory(memory) => memory.approve(USER, wallet, id).is_ok(),
            Keeps::Sqlite(database) => {
                database.service().approve(&database.user(), wallet, id).await.is_ok()
            }
        }
    }

    pub(super) async fn deny(&self, wallet: WalletId, request: OperationId) -> bool {
        match &self.keeps {
            Keeps::Memory(memory) => memory.deny(USER, wallet, request).is_ok(),
            Keeps::Sqlite(database) => database.service().cancel_request(request).await.is_ok(),
        }
    }
}
