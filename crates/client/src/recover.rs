//! With a method opened: recover, refresh, change methods, drill.

use twoshare_core::{
    curve::AnySigningKey,
    envelope::{
        Envelope, Expected, OpenError, Opened, Payload, Slot, SlotId, SlotTable, VouchedBy,
    },
    id::{OperationId, Purpose, WalletId, WalletKind},
    method::BackupMethod,
    proof::Operation,
    store::EnvelopeName,
};
use twoshare_protocol::{
    Nonce,
    message::{EpochState, Receipt, Signed, State},
    session::{Asked, Proving, Ready, check_drill},
};

use crate::{
    client::{Client, commitments, next_stage, operation_id, rng},
    error::{DrillError, ExchangeError, MethodsError, OpenBackupError, RecoverError, RefreshError},
    wallet::{Backup, Holding, Wallet},
};

/// A change of the wallet's methods.
#[derive(Debug)]
pub enum MethodChange<'a> {
    /// A slot for one more method.
    Add(&'a dyn BackupMethod),
    /// The slot is gone from the new epoch on.
    Remove(SlotId),
    /// The slot gives way to one for this method.
    Replace(SlotId, &'a dyn BackupMethod),
}

impl Client {
    /// Brings the wallet back on this device, with one method: a new signing pair (MPC) or the secrets
    /// themselves (single-key), and a new backup epoch for all methods. From its commit on the lost
    /// device can do nothing any more; of a single-key wallet it still knows the key, and the funds must
    /// move.
    ///
    /// # Errors
    ///
    /// See [`RecoverError`].
    pub async fn recover(
        &self,
        wallet: WalletId,
        method: &dyn BackupMethod,
        vouched_by: VouchedBy,
    ) -> Result<Wallet, RecoverError> {
        self.recover_as(wallet, method, vouched_by, None).await
    }

    /// The same from a custodian whose database was restored from a copy
    /// ([`OpenBackupError::Restored`]), after its operator has approved this operation: make its id, read
    /// it out to the operator and to nobody else, and call this. The wallet comes back from what the
    /// copy has, which may be older than the last backup; the public keys are the same.
    ///
    /// # Errors
    ///
    /// See [`RecoverError`].
    pub async fn recover_approved(
        &self,
        wallet: WalletId,
        method: &dyn BackupMethod,
        vouched_by: VouchedBy,
        operation: OperationId,
    ) -> Result<Wallet, RecoverError> {
        self.recover_as(wallet, method, vouched_by, Some(operation)).await
    }

    async fn recover_as(
        &self,
        wallet: WalletId,
        method: &dyn BackupMethod,
        vouched_by: VouchedBy,
        approved: Option<OperationId>,
    ) -> Result<Wallet, RecoverError> {
        let (state, opened) =
            self.open_backup(wallet, method, vouched_by, approved.is_some()).await?;
        let slots = match approved {
            Some(_) => self.slots_kept_since(method, &opened).await,
            None => opened.slots,
        };
        let payload = opened.payload;
        let purposes: &[Purpose] = match payload.kind {
            WalletKind::Mpc => &[Purpose::Signing, Purpose::Backup],
            WalletKind::SingleKey => &[Purpose::Backup],
        };
        // Numbers that a restored custodian has forgotten are not given out again.
        let receipts = match &state.backup {
            Some(active) if state.restored => self.newest_receipts(wallet, active.epoch).await,
            Some(_) | None => Vec::new(),
        };
        let operation = Operation::Recover;
        let id = approved.unwrap_or_else(operation_id);
        let ready = self.reshare(&state, &payload, operation, id, purposes, receipts).await?;
        let holding = match payload.kind {
            WalletKind::Mpc => Holding::Mpc { signing: ready.signing().to_vec() },
            WalletKind::SingleKey => Holding::SingleKey {
                keys: rebuild(&payload, &ready)?,
                secrets: payload.secrets.clone(),
            },
        };
        let attachments = payload.attachments.clone();
        let mut recovered = Wallet { id: wallet, holding, attachments, backup: None };
        // Whatever does not open is found before the commit.
        recovered.export()?;
        let payload = Payload { keys: ready.backup().to_vec(), ..payload };
        let published = self.publish(&ready, &payload, &slots).await?;
        recovered.backup = Some(Backup { envelope: published.name });
        Ok(recovered)
    }

    /// A new backup epoch for all methods. One is opened; nothing is asked of the others.
    ///
    /// # Errors
    ///
    /// See [`RefreshError`].
    pub async fn refresh(
        &self,
        wallet: &mut Wallet,
        method: &dyn BackupMethod,
    ) -> Result<Backup, RefreshError> {
        self.change_methods(wallet, method, Vec::new()).await
    }

    /// A new backup epoch with other methods. One of the present methods is opened; nothing is asked of
    /// the others. A removed method opens nothing any more that combines with anything.
    ///
    /// # Errors
    ///
    /// See [`RefreshError`].
    pub async fn change_methods(
        &self,
        wallet: &mut Wallet,
        method: &dyn BackupMethod,
        changes: Vec<MethodChange<'_>>,
    ) -> Result<Backup, RefreshError> {
        let (state, opened) = self.open_known(wallet, method).await?;
        self.check_uncontested(wallet, &state, method).await?;
        let Opened { payload, mut slots, .. } = opened;
        let keys = payload.verifying_keys();
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
                let slot = Slot::make(method, wallet.id, &keys, &mut rng()).await;
                slots.add(slot.map_err(MethodsError::Slot)?).map_err(MethodsError::Table)?;
            }
        }
        let purposes = &[Purpose::Backup];
        let operation = Operation::Refresh;
        let ready =
            self.reshare(&state, &payload, operation, operation_id(), purposes, Vec::new()).await?;
        let payload = Payload { keys: ready.backup().to_vec(), ..payload };
        let published = self.publish(&ready, &payload, &slots).await?;
        let backup = Backup { envelope: published.name };
        wallet.backup = Some(backup);
        Ok(backup)
    }

    /// Proves that a recovery with this method would succeed, without performing it: the envelope that
    /// the custodian names opens, and the custodian proves now that it holds the other half.
    ///
    /// # Errors
    ///
    /// See [`DrillError`].
    pub async fn drill(
        &self,
        wallet: &Wallet,
        method: &dyn BackupMethod,
    ) -> Result<EnvelopeName, DrillError> {
        let (_, opened) = self.open_known(wallet, method).await?;
        let nonce = Nonce::make(&mut rng());
        let drilled = self.custodian().drill(wallet.id, nonce).await?;
        let party = self.party(wallet.id, opened.payload.kind);
        check_drill(&party, nonce, &drilled, &opened.payload.keys)?;
        let Opened { header, digest, .. } = opened;
        Ok(EnvelopeName { wallet: header.wallet, epoch: header.epoch, digest })
    }

    /// The methods of the wallet's backup, as its owner wrote them.
    ///
    /// # Errors
    ///
    /// See [`OpenBackupError`].
    pub async fn open(
        &self,
        wallet: &Wallet,
        method: &dyn BackupMethod,
    ) -> Result<Opened, OpenBackupError> {
        let (_, opened) = self.open_known(wallet, method).await?;
        Ok(opened)
    }

    /// Opens the envelope that the custodian names, on a device that knows the wallet: its keys, and
    /// the newest epoch that it has seen.
    async fn open_known(
        &self,
        wallet: &Wallet,
        method: &dyn BackupMethod,
    ) -> Result<(State, Opened), OpenBackupError> {
        let expected = Expected { keys: Some(wallet.verifying_keys()), ..Expected::default() };
        let state = self.state(wallet.id).await?;
        let active = state.backup.as_ref();
        let active = active.ok_or(OpenBackupError::NotBackedUp { wallet: wallet.id })?;
        if let Some(seen) = wallet.epoch().filter(|seen| active.epoch < *seen) {
            return Err(OpenBackupError::RolledBack { custodian: active.epoch, seen });
        }
        let opened = self.open_epoch(wallet.id, active, method, &expected).await?;
        Ok((state, opened))
    }

    /// Refuses to build on a backup that replaced another which this method opens too: it may be a
    /// thief's, with the owner's slots copied beside his own.
    async fn check_uncontested(
        &self,
        wallet: &Wallet,
        state: &State,
        method: &dyn BackupMethod,
    ) -> Result<(), OpenBackupError> {
        let Some(restorable) = &state.restorable else { return Ok(()) };
        let expected = Expected { keys: Some(wallet.verifying_keys()), ..Expected::default() };
        match self.open_epoch(wallet.id, &restorable.epoch, method, &expected).await {
            Ok(_) => Err(OpenBackupError::Contested { restorable: restorable.epoch.epoch }),
            Err(OpenBackupError::Open(
                OpenError::NoSlot { .. } | OpenError::WrongSecret { .. },
            )) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The same on a device that knows nothing but the receipts in its stores. What can still be
    /// restored comes first: who replaced it may have been a thief, who can copy the owner's slot beside
    /// his own, and would be a reader of what is recovered from there.
    async fn open_backup(
        &self,
        wallet: WalletId,
        method: &dyn BackupMethod,
        vouched_by: VouchedBy,
        approved: bool,
    ) -> Result<(State, Opened), OpenBackupError> {
        let state = self.state(wallet).await?;
        let active = state.backup.as_ref().ok_or(OpenBackupError::NotBackedUp { wallet })?;
        if state.restored && !approved {
            return Err(OpenBackupError::Restored { custodian: active.epoch });
        }
        if !state.restored {
            let newest = self.newest_receipts(wallet, active.epoch).await;
            // Verified there, and of a backup epoch.
            if let Some(seen) = newest.first().and_then(|receipt| receipt.unverified().backup) {
                return Err(OpenBackupError::RolledBack { custodian: active.epoch, seen });
            }
        }
        let expected = Expected { vouched_by, ..Expected::default() };
        if let Some(restorable) = &state.restorable {
            match self.open_epoch(wallet, &restorable.epoch, method, &expected).await {
                // Only where the method is not among its slots: a store that withholds the older
                // envelope, or damages it, does not make the newer one its owner's.
                Err(OpenBackupError::Open(
                    OpenError::NoSlot { .. } | OpenError::WrongSecret { .. },
                )) => {}
                opened => return Ok((state, opened?)),
            }
        }
        let opened = self.open_epoch(wallet, active, method, &expected).await?;
        Ok((state, opened))
    }

    /// Of the slots of an epoch that an old copy calls active, those that are also in every newer
    /// envelope which this method opens: what was removed since the copy was taken stays removed.
    async fn slots_kept_since(&self, method: &dyn BackupMethod, opened: &Opened) -> SlotTable {
        let (wallet, mut slots) = (opened.header.wallet, opened.slots.clone());
        let keys = Some(opened.payload.verifying_keys());
        let expected = Expected { wallet: Some(wallet), keys, ..Expected::default() };
        for newer in self.envelopes_after(wallet, opened.header.epoch).await {
            // One that does not open was not made by whoever has this method.
            let Ok(newer) = newer.open(method, &expected).await else { continue };
            let kept: Vec<SlotId> = newer.slots.iter().map(Slot::id).collect();
            let removed: Vec<SlotId> =
                slots.iter().map(Slot::id).filter(|slot| !kept.contains(slot)).collect();
            for slot in removed {
                slots.remove(slot);
            }
        }
        slots
    }

    async fn open_epoch(
        &self,
        wallet: WalletId,
        stated: &EpochState,
        method: &dyn BackupMethod,
        expected: &Expected,
    ) -> Result<Opened, OpenBackupError> {
        let digest = stated.envelope.ok_or(OpenBackupError::NotBackedUp { wallet })?;
        let name = EnvelopeName { wallet, epoch: stated.epoch, digest };
        let envelope: Envelope =
            self.fetch(name).await.map_err(|stores| OpenBackupError::NotFound { stores })?;
        let expected = Expected {
            wallet: Some(wallet),
            epoch: Some(stated.epoch),
            digest: Some(name.digest),
            ..expected.clone()
        };
        let opened = envelope.open(method, &expected).await.map_err(OpenBackupError::Open)?;
        if opened.payload.custodian != *self.identity() {
            return Err(OpenBackupError::OtherCustodian);
        }
        let shares = &opened.payload.keys;
        let fits = shares.len() == stated.commitments.len()
            && shares.iter().zip(&stated.commitments).all(|(s, stated)| s.commitment() == *stated);
        if fits { Ok(opened) } else { Err(OpenBackupError::OtherEpoch) }
    }

    async fn reshare(
        &self,
        state: &State,
        payload: &Payload,
        operation: Operation,
        id: OperationId,
        purposes: &[Purpose],
        receipts: Vec<Signed<Receipt>>,
    ) -> Result<Ready, ExchangeError> {
        let known = |purpose: Purpose| {
            let receipts = receipts.iter().map(Signed::unverified);
            let epoch = receipts.map(|receipt| match purpose {
                Purpose::Signing => receipt.signing,
                Purpose::Backup => receipt.backup,
            });
            epoch.max().flatten()
        };
        let to = purposes.iter().map(|purpose| next_stage(Some(state), *purpose, known(*purpose)));
        let to = to.collect::<Result<_, _>>()?;
        let party = self.party(state.wallet, payload.kind);
        let asked = Asked::reshare(party, operation, id, &payload.keys, to)?;
        let proving = Proving::Backup(&payload.keys);
        self.exchange(asked, proving, &commitments(Some(state)), receipts).await
    }
}

/// The keys of a single-key wallet, from both shares of the epoch that was opened.
fn rebuild(payload: &Payload, ready: &Ready) -> Result<Vec<AnySigningKey>, RecoverError> {
    let shares = payload.keys.iter().zip(ready.opened());
    let keys = shares
        .map(|(mine, theirs)| AnySigningKey::reconstruct(mine, theirs, &mine.verifying_key()));
    Ok(keys.collect::<Result<_, _>>()?)
}
