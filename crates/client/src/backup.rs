//! The first backup, and a new one when every method is forgotten.

use twoshare_core::{
    envelope::{Payload, Slot, SlotTable},
    id::Purpose,
    method::BackupMethod,
    proof::Operation,
};
use twoshare_protocol::{
    custodian::ReadError,
    message::State,
    session::{Asked, Proving, Ready},
};

use crate::{
    client::{Client, commitments, next_stage, operation_id, rng},
    error::{BackupError, ExchangeError, MethodsError, StateError},
    wallet::{Backup, Holding, Wallet},
};

impl Client {
    /// Makes the wallet's first backup, with a slot for each of these methods. When it returns, the
    /// backup is in every store, has been read back and opened through every slot, the custodian has
    /// proven that it holds its half, and the epoch is committed.
    ///
    /// # Errors
    ///
    /// See [`BackupError`].
    pub async fn backup(
        &self,
        wallet: &mut Wallet,
        methods: &[&dyn BackupMethod],
    ) -> Result<Backup, BackupError> {
        self.back_up(wallet, methods, Operation::FirstBackup).await
    }

    /// Makes a new backup with these methods when every method of the last one is forgotten. The last
    /// one can be recovered from for a grace period: whoever can still open it was perhaps not asked.
    ///
    /// # Errors
    ///
    /// See [`BackupError`].
    pub async fn replace(
        &self,
        wallet: &mut Wallet,
        methods: &[&dyn BackupMethod],
    ) -> Result<Backup, BackupError> {
        self.back_up(wallet, methods, Operation::Replace).await
    }

    async fn back_up(
        &self,
        wallet: &mut Wallet,
        methods: &[&dyn BackupMethod],
        operation: Operation,
    ) -> Result<Backup, BackupError> {
        let keys = wallet.verifying_keys();
        let mut slots = SlotTable::new();
        for method in methods {
            let slot = Slot::make(*method, wallet.id, &keys, &mut rng()).await;
            slots.add(slot.map_err(MethodsError::Slot)?).map_err(MethodsError::Table)?;
        }
        let state = match self.state(wallet.id).await {
            Ok(state) => Some(state),
            // The custodian does not know an imported wallet before its first backup.
            Err(StateError::Read(ReadError::NotFound)) => None,
            Err(error) => return Err(error.into()),
        };
        let ready = self.prepare_backup(wallet, state.as_ref(), operation).await?;
        let payload = self.payload(wallet, &ready);
        let published = self.publish(&ready, &payload, &slots).await?;
        let backup = Backup { envelope: published.name };
        wallet.backup = Some(backup);
        Ok(backup)
    }

    async fn prepare_backup(
        &self,
        wallet: &Wallet,
        state: Option<&State>,
        operation: Operation,
    ) -> Result<Ready, ExchangeError> {
        let to = next_stage(state, Purpose::Backup, wallet.epoch())?;
        let party = self.party(wallet.id, wallet.kind());
        let (asked, proving) = match &wallet.holding {
            Holding::Mpc { signing } => {
                let asked = Asked::reshare(party, operation, operation_id(), signing, vec![to])?;
                (asked, Proving::Signing(signing))
            }
            Holding::SingleKey { keys, .. } => {
                let asked = Asked::deal(party, operation, operation_id(), keys, to.epoch);
                (asked, Proving::Keys(keys))
            }
        };
        self.exchange(asked, proving, &commitments(state), Vec::new()).await
    }

    /// What an envelope of the new epoch keeps.
    fn payload(&self, wallet: &Wallet, ready: &Ready) -> Payload {
        Payload {
            kind: wallet.kind(),
            keys: ready.backup().to_vec(),
            secrets: wallet.secrets().to_vec(),
            attachments: wallet.attachments.clone(),
            custodian: *self.identity(),
        }
    }
}
