//! What a custodian whose database was restored from a copy has forgotten: receipts, numbers, and which
//! methods were removed since.

use std::cmp::Reverse;

use twoshare_core::{
    envelope::{Envelope, Expected, Opened, Slot, SlotId, SlotTable},
    id::{Epoch, WalletId},
    identity::CustodianIdentity,
    store::Part,
};
use twoshare_protocol::{
    message::{Receipt, Signed, State},
    rules::MAX_EPOCH_JUMP,
    wire::Message as _,
};

use crate::{
    client::Client,
    method::{Method, make_slot, open},
    record::Record,
};

/// How many envelopes of later epochs are opened after a restore: each costs what the method costs.
const MAX_ENVELOPES: usize = 16;

impl Client {
    /// This custodian's receipts of backup epochs after `epoch` that the stores have: of the newest
    /// backup epoch first, then, if it is another, of the newest signing epoch.
    pub(crate) async fn newest_receipts(
        &self,
        wallet: WalletId,
        epoch: Epoch,
        identity: &CustodianIdentity,
    ) -> Vec<Signed<Receipt>> {
        let found = self.stores().receipts(wallet, Some(epoch)).await.found;
        let receipts: Vec<_> = found
            .into_iter()
            .filter_map(|found| {
                let receipt = Signed::<Receipt>::from_bytes(&found.bytes).ok()?;
                let said = receipt.verify(identity).ok()?;
                let is_ours = said.wallet == wallet
                    && said.user == self.user()
                    && said.backup == Some(found.name.epoch);
                is_ours.then_some(receipt)
            })
            .collect();
        newest(receipts)
    }

    /// The receipts that this device has of epochs that the custodian does not seem to know.
    pub(crate) fn own_receipts(
        &self,
        record: &Record,
        state: Option<&State>,
    ) -> Vec<Signed<Receipt>> {
        let highest = state.map_or(0, |state| state.highest_backup);
        let own = record.backup.iter().filter_map(|backup| backup.receipt.clone());
        own.filter(|receipt| receipt.unverified().backup.is_some_and(|own| own.get() > highest))
            .collect()
    }

    /// Under a restore: the highest epoch that any store has an envelope of, as far as a custodian
    /// follows. A store may make numbers up, and would else be in the way of every recovery.
    pub(crate) async fn highest_stored(
        &self,
        wallet: WalletId,
        state: Option<&State>,
        receipts: &[Signed<Receipt>],
    ) -> u64 {
        let Some(state) = state.filter(|state| state.restored) else { return 0 };
        let receipts = receipts.iter().filter_map(|receipt| receipt.unverified().backup);
        let known = receipts.map(Epoch::get).max().unwrap_or(0).max(state.highest_backup);
        let cap = known.saturating_add(MAX_EPOCH_JUMP - 1);
        let listed = self.stores().list(wallet).await.objects.into_iter();
        let epochs = listed.map(|listed| listed.name.envelope.epoch.get());
        epochs.filter(|epoch| *epoch <= cap).max().unwrap_or(0)
    }

    /// Of the slots of an epoch that an old copy calls active, those that are also in every newer
    /// envelope which this method opens: what was removed since the copy was taken stays removed. Where
    /// none is left, one for this method.
    pub(crate) async fn slots_kept_since(&self, method: &Method, opened: &Opened) -> SlotTable {
        let (wallet, mut slots) = (opened.header.wallet, opened.slots.clone());
        let keys = Some(opened.payload.verifying_keys());
        let expected = Expected { wallet: Some(wallet), keys, ..Expected::default() };
        for newer in self.envelopes_after(wallet, opened.header.epoch).await {
            // One that does not open was not made by whoever has this method.
            let Ok(newer) = open(newer, method, expected.clone()).await else { continue };
            let kept: Vec<SlotId> = newer.slots.iter().map(Slot::id).collect();
            let removed: Vec<SlotId> =
                slots.iter().map(Slot::id).filter(|slot| !kept.contains(slot)).collect();
            for slot in removed {
                slots.remove(slot);
            }
        }
        if slots.is_empty()
            && let Ok(slot) = make_slot(method, wallet, &opened.payload.verifying_keys()).await
        {
            // The method was set up anew since, and its old slot with it: it is the one that was entered
            // now. An empty table takes it.
            let _fits = slots.add(slot);
        }
        slots
    }

    /// The envelopes of later epochs that any store has intact, the newest first.
    async fn envelopes_after(&self, wallet: WalletId, epoch: Epoch) -> Vec<Envelope> {
        let listed = self.stores().list(wallet).await.objects.into_iter().map(|listed| listed.name);
        let mut names: Vec<_> = listed
            .filter(|name| name.part == Part::Envelope && name.envelope.epoch > epoch)
            .map(|name| name.envelope)
            .collect();
        names.sort_unstable_by_key(|name| (Reverse(name.epoch), name.digest.to_bytes()));
        names.dedup();
        let mut envelopes = Vec::new();
        for name in names.into_iter().take(MAX_ENVELOPES) {
            envelopes.extend(self.stores().read(name).await.ok().map(|found| found.envelope));
        }
        envelopes
    }
}

/// Of verified receipts, the one of the newest backup epoch first, then, if it is another, that of the
/// newest signing epoch.
pub(crate) fn newest(receipts: Vec<Signed<Receipt>>) -> Vec<Signed<Receipt>> {
    let signing = receipts.iter().max_by_key(|receipt| receipt.unverified().signing).cloned();
    let backup = receipts.into_iter().max_by_key(|receipt| receipt.unverified().backup);
    let mut newest: Vec<_> = backup.into_iter().chain(signing).collect();
    newest.dedup_by_key(|receipt| receipt.unverified().id);
    newest
}
