//! With a method opened: a new epoch for the same methods, or for others.

use twoshare_core::{
    envelope::SlotTable,
    id::{Purpose, WalletId},
    proof::Operation,
};

use crate::{
    client::{Client, make_operation_id, now},
    error::{DeviceError, MethodsError, RefreshError, RunError},
    method::{Method, MethodChange, make_slot},
    operate::{Plan, created},
    progress::{Call, Step, Track},
    record::{Proven, Record, Secrets, Shares},
    wallet::{Backup, Wallet},
};

impl Client {
    /// A new backup epoch for all methods. One is opened; nothing is asked of the others.
    ///
    /// # Errors
    ///
    /// See [`RefreshError`].
    pub async fn refresh(&self, wallet: WalletId, method: &Method) -> Result<Backup, RefreshError> {
        self.change(wallet, method, Vec::new(), &self.track(wallet, Call::Refresh)).await
    }

    /// A new backup epoch with other methods. One of the present methods is opened; nothing is asked of
    /// the others. A removed method opens nothing any more that combines with anything.
    ///
    /// # Errors
    ///
    /// See [`RefreshError`].
    pub async fn change_methods(
        &self,
        wallet: WalletId,
        method: &Method,
        changes: Vec<MethodChange>,
    ) -> Result<Backup, RefreshError> {
        self.change(wallet, method, changes, &self.track(wallet, Call::ChangeMethods)).await
    }

    async fn change(
        &self,
        wallet: WalletId,
        method: &Method,
        changes: Vec<MethodChange>,
        track: &Track,
    ) -> Result<Backup, RefreshError> {
        let mut kept = self.load_known(wallet).await?;
        self.settle(&mut kept, track).await?;
        if !kept.record.is_here() {
            return Err(DeviceError::NotHere { wallet }.into());
        }
        let backup = self.open_known(&kept.record, method, track).await?;
        self.check_not_revoked(&mut kept, &backup.state).await?;
        self.check_uncontested(&kept.record, &backup, method).await?;
        let mut slots = backup.opened.slots.clone();
        if !changes.is_empty() {
            track.at(Step::Methods);
            change_slots(&mut slots, &kept.record, changes).await?;
        }
        let before = created(
            kept.record.backup.as_ref(),
            &backup.opened.slots,
            backup.opened.header.created,
        );
        let before: Vec<_> = backup.opened.slots.iter().map(|slot| slot.id()).zip(before).collect();
        let at = |id| before.iter().find(|(known, _)| *known == id).map_or_else(now, |(_, at)| *at);
        let (state, opened) = (backup.state, backup.opened);
        let plan = Plan {
            operation: Operation::Refresh,
            id: make_operation_id(),
            custodian: backup.identity,
            proven: Proven::Backup(Shares(opened.payload.keys)),
            created: slots.iter().map(|slot| at(slot.id())).collect(),
            slots,
            secrets: Secrets(opened.payload.secrets),
            // What the device has may be newer: it goes into this epoch.
            attachments: kept.record.attachments.clone(),
        };
        let receipts = self.own_receipts(&kept.record, Some(&state));
        let journal = plan.journal(&kept.record, Some(&state), &[Purpose::Backup], receipts, 0);
        kept.record.journal = Some(journal.map_err(RunError::from)?);
        self.run(&mut kept, track).await?;
        self.sweep(&mut kept).await?;
        track.at(Step::Done);
        let backup = Wallet::of(&kept.record).and_then(|wallet| wallet.backup().cloned());
        Ok(backup.ok_or(DeviceError::NotHere { wallet })?)
    }
}

async fn change_slots(
    slots: &mut SlotTable,
    record: &Record,
    changes: Vec<MethodChange>,
) -> Result<(), MethodsError> {
    let keys = record.verifying_keys();
    for change in changes {
        let (removed, added) = match change {
            MethodChange::Add(method) => (None, Some(method)),
            MethodChange::Remove(slot) => (Some(slot), None),
            MethodChange::Replace(slot, method) => (Some(slot), Some(method)),
        };
        if let Some(slot) = removed {
            slots.remove(slot).ok_or(MethodsError::NoSuchSlot { slot })?;
        }
        if let Some(method) = added {
            let slot = make_slot(&method, record.wallet, &keys).await;
            slots.add(slot.map_err(MethodsError::Slot)?)?;
        }
    }
    Ok(())
}
