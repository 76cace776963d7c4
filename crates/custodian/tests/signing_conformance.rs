//! The holder of signing shares in memory, held to what every holder must do.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the failure")]

use tokio::runtime::Runtime;
use twoshare_core::{id::WalletId, share::AnyCustodianShare};
use twoshare_custodian::{
    UserId,
    signing::{MemorySigningShares, conformance::Harness},
    signing_shares_conformance,
};

struct Memory {
    holder: MemorySigningShares,
    runtime: Runtime,
}

impl Harness for Memory {
    type Holder = MemorySigningShares;

    fn start() -> Self {
        Self { holder: MemorySigningShares::new(), runtime: Runtime::new().unwrap() }
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    fn holder(&self) -> &MemorySigningShares {
        &self.holder
    }

    // Its memory is what it stores in.
    fn restart(&mut self) {}

    fn signing(&self, user: &UserId, wallet: WalletId) -> Option<Vec<AnyCustodianShare>> {
        self.holder.signing(user, wallet).ok()
    }
}

signing_shares_conformance!(Memory);
