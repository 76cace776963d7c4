//! The in-memory custodian, held to what every custodian must do.

use std::sync::Arc;

use rand::{SeedableRng, rngs::StdRng};
use twoshare_core::{
    id::{OperationId, WalletId},
    identity::{CustodianIdentity, CustodianKeys},
};
use twoshare_protocol::{
    conformance::Harness,
    custodian_conformance,
    memory::{MemoryCustodian, MemorySession, OperatorError, Snapshot},
    rules::{Favour, Policy, Time},
};

struct Memory(Arc<MemoryCustodian>);

impl Harness for Memory {
    type Session = MemorySession;
    type Snapshot = Snapshot;

    fn start(policy: Policy) -> Self {
        let mut rng = StdRng::from_rng(&mut rand::rng());
        let keys = CustodianKeys::make(&mut rng);
        Self(MemoryCustodian::new(keys, policy, 1_800_000_000, rng))
    }

    fn block_on<F: Future>(&self, future: F) -> F::Output {
        pollster::block_on(future)
    }

    fn identity(&self) -> CustodianIdentity {
        self.0.identity()
    }

    fn login(&self, user: &str) -> MemorySession {
        self.0.login(user)
    }

    fn advance(&self, seconds: Time) {
        self.0.advance(seconds);
    }

    fn restart(&self) {
        self.0.restart();
    }

    fn snapshot(&self) -> Snapshot {
        self.0.snapshot()
    }

    fn restore(&self, snapshot: Snapshot) {
        self.0.restore(snapshot);
    }

    fn open_window(
        &self,
        user: &str,
        wallet: WalletId,
        seconds: Time,
    ) -> Result<(), OperatorError> {
        self.0.open_window(user, wallet, seconds)
    }

    fn freeze(&self, user: &str, wallet: WalletId) -> Result<(), OperatorError> {
        self.0.freeze(user, wallet)
    }

    fn unfreeze(
        &self,
        user: &str,
        wallet: WalletId,
        favour: Option<Favour>,
    ) -> Result<(), OperatorError> {
        self.0.unfreeze(user, wallet, favour)
    }

    fn approve(&self, user: &str, wallet: WalletId, id: OperationId) -> Result<(), OperatorError> {
        self.0.approve(user, wallet, id)
    }

    fn deny(&self, user: &str, wallet: WalletId, id: OperationId) -> Result<(), OperatorError> {
        self.0.deny(user, wallet, id)
    }

    fn trust(&self, custodian: CustodianIdentity) {
        self.0.trust(custodian);
    }

    fn distrust(&self, custodian: CustodianIdentity) {
        self.0.distrust(&custodian);
    }
}

custodian_conformance!(Memory);
