//! What a device keeps, and how that fails.

use async_trait::async_trait;
use twoshare::{
    DeviceState, MemoryDevice,
    core::{id::WalletId, secret::SecretBytes},
    device::{Counter, DeleteError, DeviceFault, DiscardError, LoadError, Record, SaveError},
};

use super::stage::{Fault, Stage};

/// A device's storage.
#[derive(Debug, Clone)]
pub(super) struct Pocket {
    pub(super) stage: Stage,
    pub(super) device: MemoryDevice,
}

fn fault() -> DeviceFault {
    DeviceFault::Failed("the storage failed".into())
}

impl Pocket {
    /// What a save or a deletion does: whether it happens, and whether it is said.
    async fn gate(&self, what: &str) -> (bool, bool, bool) {
        let fault = self.stage.gate(what).await;
        match fault {
            // Nobody dies where everybody acts at once: nobody would start them again.
            Some(Fault::Late | Fault::Broken) if self.stage.is_free() => (false, false, false),
            Some(Fault::DiesBefore | Fault::Late) => self.stage.die().await,
            None | Some(Fault::Twice | Fault::CustodianDies | Fault::CustodianDiesAfter) => {
                (true, true, false)
            }
            Some(Fault::Unanswered) => (true, false, false),
            Some(Fault::DiesAfter | Fault::Broken) => (true, false, true),
            Some(Fault::Lost | Fault::Damaged) => (false, false, false),
        }
    }
}

#[async_trait]
impl DeviceState for Pocket {
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
        let (made, heard, dies) = self.gate("device save").await;
        if !made {
            return Err(fault().into());
        }
        let saved = self.device.save(wallet, contents, expected).await;
        if dies {
            return self.stage.die().await;
        }
        if heard { saved } else { Err(fault().into()) }
    }

    async fn delete(&self, wallet: WalletId, expected: Counter) -> Result<(), DeleteError> {
        let (made, heard, dies) = self.gate("device delete").await;
        if !made {
            return Err(fault().into());
        }
        let deleted = self.device.delete(wallet, expected).await;
        if dies {
            return self.stage.die().await;
        }
        if heard { deleted } else { Err(fault().into()) }
    }

    async fn discard(&self, wallet: WalletId) -> Result<(), DiscardError> {
        self.device.discard(wallet).await
    }
}
