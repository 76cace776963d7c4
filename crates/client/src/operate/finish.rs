//! After the receipt: the device moves to the new epoch, and what is not needed any more goes.

use twoshare_core::{
    digest::Digest, envelope::SlotTable, id::WalletKind, proof::Operation, secret::SecretBytes,
};
use twoshare_protocol::{
    custodian::RetireError,
    message::{Receipt, Signed, State},
    rules::RetireRefusal,
    session::Ready,
    wire::Message as _,
};

use super::epoch_of;
use crate::{
    client::Client,
    error::DeviceError,
    kept::Kept,
    record::{BackupRecord, Ended, Holding, Marks, Moving, Named, Shares, StoreMark, Text},
    stores::{RetireStoresError, StoreId},
};

impl Kept {
    /// Whether this may be what is committed: nothing for an operation without a backup, an envelope
    /// that it has written otherwise.
    pub(super) fn wrote(&self, digest: Option<Digest>) -> bool {
        let written = self.record.journal.as_ref().map_or(&[][..], |journal| &journal.written);
        digest.map_or(written.is_empty(), |digest| written.contains(&digest))
    }

    /// From the journal to what is committed. With it go the backup shares, which are in the envelope
    /// only from here on.
    pub(super) fn move_on(&mut self, ready: &Ready, receipt: Signed<Receipt>) {
        let record = &mut self.record;
        let Some(journal) = record.journal.take() else { return };
        // The receipt was checked against the operation.
        let committed = receipt.unverified();
        record.raise(committed.signing, committed.backup);
        record.custodian = Some(journal.custodian);
        if let Some(leaves) = &journal.leaves {
            record.user.clone_from(&ready.party().user);
            record.came_from = Some(leaves.clone());
            record.moving = Some(Moving {
                leaves: leaves.clone(),
                receipt: receipt.clone(),
                told: false,
                backup: Shares(ready.backup().to_vec()),
                slots: journal.slots.clone(),
                created: journal.created.clone(),
                secrets: journal.secrets.clone(),
            });
        } else if let Some(moving) = &mut record.moving {
            // Whatever was committed since is another epoch.
            moving.backup.0.clear();
            record.forget_moving();
        }
        let was_here = record.is_here();
        record.kind = ready.kind();
        match journal.operation {
            Operation::Recover if ready.kind() == WalletKind::SingleKey => {
                record.marks.recovered |= !was_here;
                record.holding = Holding::SingleKey(journal.keys, journal.secrets);
                record.restore_attachments(journal.attachments);
            }
            _ if epoch_of(ready.signing()).is_some() => {
                // Where it was converted, or was whole on this device before it was converted elsewhere,
                // the key is wiped with what was held.
                record.holding = Holding::Mpc(Shares(ready.signing().to_vec()), journal.secrets);
                record.restore_attachments(journal.attachments);
                record.marks = Marks { revoked: false, ..record.marks };
            }
            _ => {}
        }
        let Some((epoch, digest)) = committed.backup.zip(committed.envelope) else { return };
        let at = committed.at;
        let known = record.backup.take().map(|backup| backup.named());
        for named in journal.ends.into_iter().chain(known) {
            let is_new = named.epoch != epoch;
            if is_new && !record.ended.iter().any(|ended| ended.name == named) {
                // Not before the custodian that it left has said so.
                let not_before = if journal.leaves.is_some() { u64::MAX } else { 0 };
                record.ended.push(Ended { name: named, not_before });
            }
        }
        // Other sealings of the same epoch, of before a crash.
        let others = journal.written.into_iter().filter(|written| *written != digest);
        record.strays.extend(others.map(|digest| Named { epoch, digest }));
        record.failed_drill = None;
        record.backup = Some(BackupRecord {
            epoch,
            digest,
            receipt: Some(receipt),
            at,
            slots: journal.slots,
            created: journal.created,
            stores: Vec::new(),
        });
        for store in journal.stored {
            self.mark_text(store, |mark| mark.envelope = true);
        }
    }

    /// Marks what the stores have of the last backup.
    pub(crate) fn mark(&mut self, store: &StoreId, has: impl FnOnce(&mut StoreMark)) {
        self.mark_text(Text(store.as_str().to_owned()), has);
    }

    fn mark_text(&mut self, store: Text, has: impl FnOnce(&mut StoreMark)) {
        let Some(backup) = &mut self.record.backup else { return };
        match backup.stores.iter_mut().find(|mark| mark.store == store) {
            Some(mark) => has(mark),
            None => {
                let mut mark = StoreMark { store, envelope: false, receipt: false };
                has(&mut mark);
                backup.stores.push(mark);
            }
        }
    }

    /// Whether this store is known to have the last backup and its receipt.
    fn is_complete_at(&self, store: &StoreId) -> bool {
        self.record.backup.as_ref().is_none_or(|backup| {
            let mark = backup.stores.iter().find(|mark| mark.store.0 == store.as_str());
            mark.is_some_and(|mark| mark.envelope && (mark.receipt || backup.receipt.is_none()))
        })
    }

    /// The last backup was found to be this one, which another device has committed.
    pub(crate) fn adopt(
        &mut self,
        named: Named,
        slots: &SlotTable,
        at: u64,
        receipt: Option<Signed<Receipt>>,
    ) {
        if self.record.backup.as_ref().is_some_and(|backup| backup.named() == named) {
            return;
        }
        self.record.raise(None, Some(named.epoch));
        let before = self.record.backup.take();
        if let Some(before) = &before
            && before.epoch != named.epoch
        {
            self.record.ended.push(Ended { name: before.named(), not_before: 0 });
        }
        let created = created(before.as_ref(), slots, at);
        self.record.backup = Some(BackupRecord {
            epoch: named.epoch,
            digest: named.digest,
            at: receipt.as_ref().map_or(at, |receipt| receipt.unverified().at),
            receipt,
            slots: slots.to_journal(),
            created,
            stores: Vec::new(),
        });
    }
}

/// When the method of each of these slots was set up: as the last backup says, or `otherwise`.
pub(crate) fn created(
    before: Option<&BackupRecord>,
    slots: &SlotTable,
    otherwise: u64,
) -> Vec<u64> {
    let known: Vec<_> = before.map_or_else(Vec::new, |before| {
        before
            .slots()
            .iter()
            .map(twoshare_core::envelope::Slot::id)
            .zip(before.created.clone())
            .collect()
    });
    let created =
        |id| known.iter().find(|(known, _)| *known == id).map_or(otherwise, |(_, at)| *at);
    slots.iter().map(|slot| created(slot.id())).collect()
}

impl Client {
    /// Writes the last backup's receipt beside it, and notes which stores have it.
    pub(super) async fn write_receipt(&self, kept: &mut Kept) {
        let Some(backup) = &kept.record.backup else { return };
        let name = kept.record.name_of(backup.named());
        // Exposed: a receipt is public.
        let Some(bytes) = backup.receipt.as_ref().map(Signed::to_bytes) else { return };
        let failed = self.stores().write_receipt(name, bytes.expose_secret()).await;
        for (store, _) in self.stores().places() {
            let has = failed.iter().all(|failed| failed.store != *store);
            kept.mark(store, |mark| mark.receipt = has);
        }
    }

    /// Finishes what may be finished at any time: copies the last backup to stores that lack it or its
    /// receipt, deletes what was given up, and lets envelopes of ended epochs go once nothing can need
    /// them. What cannot be done now is left for the next time.
    pub(crate) async fn tidy(
        &self,
        kept: &mut Kept,
        state: Option<&State>,
    ) -> Result<(), DeviceError> {
        let before = kept.record.to_bytes();
        self.delete_strays(kept).await;
        self.complete(kept).await;
        self.retire(kept, state).await;
        if changed(&before, &kept.record.to_bytes()) {
            self.save_or_forget(kept).await?;
        }
        Ok(())
    }

    /// Deletes what was given up on the way to the last backup.
    pub(crate) async fn sweep(&self, kept: &mut Kept) -> Result<(), DeviceError> {
        if kept.record.strays.is_empty() {
            return Ok(());
        }
        self.delete_strays(kept).await;
        self.save_or_forget(kept).await
    }

    async fn delete_strays(&self, kept: &mut Kept) {
        let mut left = Vec::new();
        for stray in kept.record.strays.clone() {
            if !self.stores().delete(kept.record.name_of(stray)).await.is_empty() {
                left.push(stray);
            }
        }
        kept.record.strays = left;
    }

    /// Copies the last backup to the stores that lack it, and its receipt to those that lack that.
    async fn complete(&self, kept: &mut Kept) {
        let Some(backup) = &kept.record.backup else { return };
        let name = kept.record.name_of(backup.named());
        let stores: Vec<StoreId> =
            self.stores().places().iter().map(|(id, _)| id.clone()).collect();
        if stores.iter().all(|store| kept.is_complete_at(store)) {
            return;
        }
        if let Ok(found) = self.stores().read(name).await {
            for mended in self.stores().mend(&found.envelope).await {
                kept.mark(&mended.store, |mark| mark.envelope = mended.result.is_ok());
            }
        }
        self.write_receipt(kept).await;
    }

    /// Lets envelopes of ended epochs go. The old one stays until every store has the new one.
    async fn retire(&self, kept: &mut Kept, state: Option<&State>) {
        let Some(state) = state.filter(|state| !state.restored) else { return };
        let mut left = Vec::new();
        for ended in kept.record.ended.clone() {
            let is_due = ended.not_before <= state.at;
            if !is_due {
                left.push(ended);
                continue;
            }
            match self.stores().retire(kept.record.name_of(ended.name), state).await {
                Ok(failed) if failed.is_empty() => {}
                Ok(_) => left.push(ended),
                Err(RetireStoresError::Custodian(RetireError::Refused(
                    RetireRefusal::TooEarly { until },
                ))) => left.push(Ended { not_before: until, ..ended }),
                Err(_) => left.push(ended),
            }
        }
        kept.record.ended = left;
    }
}

/// The device's own record, before and after: nobody else times this.
fn changed(before: &SecretBytes, after: &SecretBytes) -> bool {
    // Exposed: to be compared.
    before.expose_secret() != after.expose_secret()
}
