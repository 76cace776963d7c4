//! What an operation is to do.

use twoshare_core::{
    curve::AnySigningKey,
    envelope::SlotTable,
    id::{CurveId, Epoch, OperationId, Purpose, WalletId},
    identity::CustodianIdentity,
    proof::{Operation, Stage},
    share::AnyCommitment,
};
use twoshare_protocol::{
    message::{Receipt, Signed, State},
    session::Ready,
};

use crate::{
    client::commitments,
    error::{ExchangeError, RunError},
    record::{Attachments, Journal, Keys, Named, Phase, Proven, Record, Secrets, Shares},
    wallet::open_all,
};

/// An operation that is about to begin.
pub(crate) struct Plan {
    pub(crate) operation: Operation,
    pub(crate) id: OperationId,
    pub(crate) custodian: CustodianIdentity,
    pub(crate) proven: Proven,
    pub(crate) slots: SlotTable,
    pub(crate) created: Vec<u64>,
    pub(crate) secrets: Secrets,
    pub(crate) attachments: Attachments,
}

impl Plan {
    /// The journal of an operation on a wallet in this state.
    pub(crate) fn journal(
        self,
        record: &Record,
        state: Option<&State>,
        purposes: &[Purpose],
        receipts: Vec<Signed<Receipt>>,
        floor: u64,
    ) -> Result<Journal, ExchangeError> {
        let to = purposes.iter().map(|purpose| {
            let floor = if *purpose == Purpose::Backup { floor } else { 0 };
            next_stage(state, *purpose, record, &receipts, floor)
        });
        let to = to.collect::<Result<_, _>>()?;
        let known = state.map_or_else(Vec::new, commitments);
        let ends = state.map_or_else(Vec::new, backups);
        let restored = state.is_some_and(|state| state.restored);
        Ok(self.with(to, known, ends, receipts, restored))
    }

    /// The journal of a key generation.
    pub(crate) fn keygen(self, curves: Vec<CurveId>) -> Journal {
        let to = vec![Stage { purpose: Purpose::Signing, epoch: Epoch::FIRST }];
        let journal = self.with(to, Vec::new(), Vec::new(), Vec::new(), false);
        Journal { curves, ..journal }
    }

    fn with(
        self,
        to: Vec<Stage>,
        known: Vec<AnyCommitment>,
        ends: Vec<Named>,
        receipts: Vec<Signed<Receipt>>,
        restored: bool,
    ) -> Journal {
        let Self { operation, id, custodian, proven, slots, created, secrets, attachments } = self;
        Journal {
            operation,
            id,
            custodian,
            restored,
            giving_up: false,
            proven,
            to,
            curves: Vec::new(),
            known,
            receipts,
            secrets,
            attachments,
            slots: slots.to_journal(),
            created,
            keys: Keys(Vec::new()),
            ends,
            written: Vec::new(),
            stored: Vec::new(),
            leaves: None,
            phase: Phase::Planned,
        }
    }
}

/// The backups that count: one of them at least ends with the next.
fn backups(state: &State) -> Vec<Named> {
    let restorable = state.restorable.as_ref().map(|restorable| &restorable.epoch);
    let epochs = state.backup.as_ref().into_iter().chain(restorable);
    epochs.filter_map(|e| Some(Named { epoch: e.epoch, digest: e.envelope? })).collect()
}

/// The epoch after the highest that the custodian has given out, the device knows, and its receipts
/// name; above `floor` too.
fn next_stage(
    state: Option<&State>,
    purpose: Purpose,
    record: &Record,
    receipts: &[Signed<Receipt>],
    floor: u64,
) -> Result<Stage, ExchangeError> {
    let stated = state.map_or(0, |state| match purpose {
        Purpose::Signing => state.highest_signing,
        Purpose::Backup => state.highest_backup,
    });
    let known = match purpose {
        Purpose::Signing => record.highest_signing,
        Purpose::Backup => record.highest_backup,
    };
    let receipts = receipts.iter().map(Signed::unverified).map(|receipt| match purpose {
        Purpose::Signing => receipt.signing,
        Purpose::Backup => receipt.backup,
    });
    let receipts = receipts.flatten().map(Epoch::get).max().unwrap_or(0);
    let highest = stated.max(known).max(receipts).max(floor);
    let next = highest.checked_add(1).and_then(Epoch::new);
    next.map(|epoch| Stage { purpose, epoch }).ok_or(ExchangeError::NoEpochLeft)
}

/// The keys of a single-key wallet, from both shares of the epoch that was opened; and whether they open
/// every secret.
pub(super) fn rebuild(
    wallet: WalletId,
    journal: &Journal,
    ready: &Ready,
) -> Result<Keys, RunError> {
    let mine: &[_] = match &journal.proven {
        Proven::Backup(Shares(shares)) => shares,
        Proven::Nothing | Proven::Device => &[],
    };
    let keys = mine.iter().zip(ready.opened());
    let keys =
        keys.map(|(mine, theirs)| AnySigningKey::reconstruct(mine, theirs, &mine.verifying_key()));
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    open_all(wallet, &keys, &journal.secrets.0)?;
    Ok(Keys(keys))
}
