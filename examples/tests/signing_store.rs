//! The example's own store of signing shares, held to what every holder must do.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the failure")]

use tempfile::TempDir;
use tokio::runtime::Runtime;
use twoshare::core::{id::WalletId, share::AnyCustodianShare};
use twoshare_custodian::{UserId, signing::conformance::Harness, signing_shares_conformance};
use twoshare_examples::signing_store::SigningStore;

struct InSqlite {
    runtime: Runtime,
    dir: TempDir,
    store: SigningStore,
}

impl Harness for InSqlite {
    type Holder = SigningStore;

    fn start() -> Self {
        let (runtime, dir) = (Runtime::new().unwrap(), TempDir::new().unwrap());
        let store = runtime.block_on(SigningStore::open(&dir.path().join("shares.db"))).unwrap();
        Self { runtime, dir, store }
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    fn holder(&self) -> &SigningStore {
        &self.store
    }

    fn restart(&mut self) {
        let path = self.dir.path().join("shares.db");
        self.store = self.runtime.block_on(SigningStore::open(&path)).unwrap();
    }

    fn signing(&self, user: &UserId, wallet: WalletId) -> Option<Vec<AnyCustodianShare>> {
        self.block_on(self.store.signing(user, wallet)).ok()
    }
}

signing_shares_conformance!(InSqlite);
