//! The first backup, and a new one when every method is forgotten.

use twoshare_core::{
    curve::AnyVerifyingKey,
    envelope::SlotTable,
    id::{OperationId, Purpose, WalletId},
    proof::Operation,
};
use twoshare_protocol::custodian::ReadError;

use crate::{
    client::{Client, make_operation_id, now},
    error::{BackupError, DeviceError, MethodsError, StateError},
    method::{Method, make_slot},
    operate::Plan,
    progress::{Call, Step},
    record::{Proven, Secrets},
    wallet::{Backup, Wallet},
};

impl Client {
    /// Makes the wallet's first backup, with a slot for each of these methods. When it returns, the
    /// backup is in the stores that the policy asks for, has been read back and opened through every
    /// slot, the custodian has proven that it holds its half, and the epoch is committed.
    ///
    /// Show a new recovery code to the user *before* this is called, or write it down for them: what is
    /// interrupted may be finished by [`Client::resume`], for these very methods.
    ///
    /// # Errors
    ///
    /// See [`BackupError`].
    pub async fn backup(
        &self,
        wallet: WalletId,
        methods: &[Method],
    ) -> Result<Backup, BackupError> {
        self.back_up(wallet, methods, Operation::FirstBackup, make_operation_id()).await
    }

    /// Makes a new backup with these methods when every method of the last one is forgotten. The last
    /// one can be recovered from for a grace period: whoever can still open it was perhaps not asked.
    ///
    /// # Errors
    ///
    /// See [`BackupError`].
    pub async fn replace(
        &self,
        wallet: WalletId,
        methods: &[Method],
    ) -> Result<Backup, BackupError> {
        self.back_up(wallet, methods, Operation::Replace, make_operation_id()).await
    }

    /// The same at a custodian whose database was restored from a copy, after its operator has approved
    /// this operation ([`make_operation_id`]): for an owner who can open nothing that the copy has.
    ///
    /// # Errors
    ///
    /// See [`BackupError`].
    pub async fn replace_approved(
        &self,
        wallet: WalletId,
        methods: &[Method],
        approved: OperationId,
    ) -> Result<Backup, BackupError> {
        self.back_up(wallet, methods, Operation::Replace, approved).await
    }

    async fn back_up(
        &self,
        wallet: WalletId,
        methods: &[Method],
        operation: Operation,
        id: OperationId,
    ) -> Result<Backup, BackupError> {
        let call = if operation == Operation::Replace { Call::Replace } else { Call::Backup };
        let track = self.track(wallet, call);
        let mut kept = self.load_known(wallet).await?;
        self.settle(&mut kept, &track).await?;
        let custodian = self.identity_of(&kept.record)?;
        let keys = kept.record.verifying_keys();
        if keys.is_empty() {
            return Err(DeviceError::NotHere { wallet }.into());
        }
        track.at(Step::Methods);
        let slots = make_slots(wallet, &keys, methods).await?;
        track.at(Step::State);
        let state = match self.ask_state(wallet, &custodian).await {
            Ok(state) => Some(state),
            // The custodian does not know an imported wallet before its first backup.
            Err(StateError::Read(ReadError::NotFound)) => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(state) = &state {
            self.check_not_revoked(&mut kept, state).await?;
        }
        let record = &kept.record;
        let plan = Plan {
            operation,
            id,
            custodian,
            proven: Proven::Device,
            created: vec![now(); slots.len()],
            slots,
            secrets: Secrets(record.secrets().to_vec()),
            attachments: record.attachments.clone(),
        };
        let receipts = self.own_receipts(record, state.as_ref());
        let floor = self.highest_stored(wallet, state.as_ref(), &receipts).await;
        let journal = plan.journal(record, state.as_ref(), &[Purpose::Backup], receipts, floor);
        kept.record.journal = Some(journal.map_err(crate::error::RunError::from)?);
        self.run(&mut kept, &track).await?;
        self.sweep(&mut kept).await?;
        track.at(Step::Done);
        let backup = Wallet::of(&kept.record).and_then(|wallet| wallet.backup().cloned());
        Ok(backup.ok_or(DeviceError::NotHere { wallet })?)
    }
}

/// A slot for each of these methods.
async fn make_slots(
    wallet: WalletId,
    keys: &[AnyVerifyingKey],
    methods: &[Method],
) -> Result<SlotTable, MethodsError> {
    let mut slots = SlotTable::new();
    for method in methods {
        let slot = make_slot(method, wallet, keys).await;
        slots.add(slot.map_err(MethodsError::Slot)?)?;
    }
    Ok(slots)
}
