//! What a step changed: a wallet as it was loaded, compared with what it has become.

use std::collections::BTreeMap;

use twoshare_core::{
    digest::Digest,
    id::{CurveId, Epoch, OperationId, Purpose},
};
use twoshare_protocol::{
    engine::{Damaged, Material, PendingSession, Row, StoredCommitment},
    rules::{Active, Ended, Outcome, Parts, Pending, Restorable, Time},
    wire::Message as _,
};

use crate::{
    audit::Act,
    repository::{
        EpochRecord, Kept, Over, PendingChange, PendingRecord, Status, WalletFields, WalletRecord,
    },
};

/// What is compared of a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    fields: WalletFields,
    epochs: BTreeMap<(Purpose, Epoch), Standing>,
    pending: Option<OperationId>,
    outcomes: BTreeMap<OperationId, Outcome>,
    ended: BTreeMap<Epoch, Ended>,
}

/// What an epoch is in a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    status: Status,
    envelope: Option<Digest>,
    left: Time,
}

impl Shape {
    pub(super) fn of(row: &Row, ejected: bool) -> Self {
        let mut epochs = BTreeMap::new();
        let mut add = |purpose, epoch, status, envelope, left| {
            epochs.insert((purpose, epoch), Standing { status, envelope, left });
        };
        if let Some(active) = row.signing() {
            add(Purpose::Signing, active.epoch, Status::Active, None, 0);
        }
        if let Some(active) = row.backup() {
            add(Purpose::Backup, active.epoch, Status::Active, active.envelope, 0);
        }
        if let Some(Restorable { epoch, envelope, left, .. }) = row.restorable() {
            add(Purpose::Backup, *epoch, Status::Restorable, *envelope, *left);
        }
        for purpose in [Purpose::Signing, Purpose::Backup] {
            if let Some((epoch, _)) = row.pending().and_then(|pending| pending.of(purpose)) {
                add(purpose, *epoch, Status::Pending, None, 0);
            }
        }
        let fields = WalletFields {
            kind: row.kind(),
            now: row.now(),
            highest: row.highest(),
            request: row.request().cloned(),
            freezes: row.freezes(),
            approved: row.approved(),
            window: row.window(),
            ejected,
            due: row.due(),
            custody: row.custody().cloned(),
        };
        Self {
            fields,
            epochs,
            pending: row.pending().map(|pending| pending.id),
            outcomes: row.outcomes().clone(),
            ended: row.ended().clone(),
        }
    }

    /// What time alone has ended since the wallet was saved.
    pub(super) fn ended_until(&self, later: &Self) -> Vec<(Act, Option<OperationId>)> {
        let mut ended = Vec::new();
        if let Some(id) = self.pending.filter(|_| later.pending.is_none()) {
            ended.push((Act::Expired, Some(id)));
        }
        if let (Some(request), None) = (&self.fields.request, &later.fields.request) {
            ended.push((Act::RequestExpired, Some(request.id)));
        }
        if self.has_restorable() && !later.has_restorable() {
            ended.push((Act::GraceEnded, None));
        }
        ended
    }

    /// Whether time alone has ended something that others could have seen.
    pub(super) fn is_ended_until(&self, later: &Self) -> bool {
        !self.ended_until(later).is_empty()
            || self.fields.window.is_some() && later.fields.window.is_none()
    }

    /// The operations that a step displaced.
    pub(super) fn displaced_until(&self, later: &Self) -> Vec<OperationId> {
        let is_new = |id: &OperationId| !self.outcomes.contains_key(id);
        later
            .outcomes
            .iter()
            .filter(|(id, outcome)| **outcome == Outcome::Displaced && is_new(id))
            .map(|(id, _)| *id)
            .collect()
    }

    fn has_restorable(&self) -> bool {
        self.epochs.values().any(|epoch| epoch.status == Status::Restorable)
    }
}

/// The change that makes of a loaded wallet what it has become. `made` are the new pending epochs.
pub(super) fn change(
    before: Option<(&WalletRecord, &Shape)>,
    row: &Row,
    shape: &Shape,
    made: Vec<EpochRecord>,
    retired: Option<Epoch>,
) -> Kept {
    let (before, saved) = before.unzip();
    let old = before.map(|record| record.epochs.as_slice()).unwrap_or_default();
    let mut moved = Vec::new();
    let mut over = Vec::new();
    for epoch in old {
        match shape.epochs.get(&(epoch.purpose, epoch.epoch)) {
            Some(Standing { status, envelope, left }) => {
                let same =
                    (epoch.status, epoch.envelope, epoch.left) == (*status, *envelope, *left);
                if !same {
                    moved.push(EpochRecord {
                        purpose: epoch.purpose,
                        epoch: epoch.epoch,
                        status: *status,
                        operation: epoch.operation,
                        envelope: *envelope,
                        left: *left,
                        shares: Vec::new(),
                    });
                }
            }
            None => over.push(Over {
                purpose: epoch.purpose,
                epoch: epoch.epoch,
                ended: shape
                    .ended
                    .get(&epoch.epoch)
                    .filter(|_| epoch.purpose == Purpose::Backup)
                    .copied(),
            }),
        }
    }
    let old_pending = before.and_then(|record| record.pending.as_ref()).map(|pending| pending.id);
    let pending = match row.pending() {
        Some(pending) if Some(pending.id) == old_pending => PendingChange::Same,
        Some(pending) => PendingChange::Put(pending_record(pending)),
        None if old_pending.is_some() => PendingChange::Over,
        None => PendingChange::Same,
    };
    let is_known = |id: &OperationId, outcome: &Outcome| {
        saved.is_some_and(|saved| saved.outcomes.get(id) == Some(outcome))
    };
    let outcomes = shape.outcomes.iter().filter(|(id, outcome)| !is_known(id, outcome));
    let is_first = !old.iter().any(|epoch| epoch.status != Status::Pending);
    let keys = if is_first { keys(row) } else { Vec::new() };
    Kept {
        fields: shape.fields.clone(),
        made,
        moved,
        over,
        pending,
        outcomes: outcomes.map(|(id, outcome)| (*id, outcome.clone())).collect(),
        keys,
        retired,
    }
}

fn pending_record(pending: &Pending<Material, PendingSession>) -> PendingRecord {
    PendingRecord {
        operation: pending.operation,
        id: pending.id,
        request: pending.request,
        authority: pending.authority,
        expires: pending.expires,
        origin: pending.origin,
        // Exposed: it holds nothing that a key of the custodian's opens.
        session: pending.session.to_bytes().expose_secret().to_vec(),
    }
}

/// The public keys of a wallet: the first half of each commitment.
fn keys(row: &Row) -> Vec<(CurveId, Vec<u8>)> {
    let active = row.signing().or(row.backup());
    let commitments = active.map(|active| active.material.stored()).unwrap_or_default();
    let key = |commitment: &StoredCommitment| {
        let bytes = commitment.as_bytes();
        (commitment.curve(), bytes.get(..bytes.len() / 2).unwrap_or_default().to_vec())
    };
    commitments.iter().map(key).collect()
}

/// A loaded wallet as the rules see it. `wanted` is the operation whose outcome was asked for, and
/// the epoch whose end.
pub(super) fn row_of(
    record: &WalletRecord,
    wanted: crate::repository::Wanted,
    commitment: impl Fn(CurveId, &[u8]) -> StoredCommitment,
) -> Result<Row, Damaged> {
    let material = |epoch: &EpochRecord| {
        let stored = epoch.shares.iter().map(|share| commitment(share.curve, &share.commitment));
        Material::sealed(stored.collect())
    };
    let find = |purpose, status| {
        let mut epochs = record.epochs.iter();
        epochs.find(|epoch| epoch.purpose == purpose && epoch.status == status)
    };
    let active = |purpose| {
        find(purpose, Status::Active).map(|epoch| Active {
            epoch: epoch.epoch,
            material: material(epoch),
            envelope: epoch.envelope,
        })
    };
    let made = |purpose| find(purpose, Status::Pending).map(|epoch| (epoch.epoch, material(epoch)));
    let pending = match &record.pending {
        None => None,
        Some(pending) => Some(Pending {
            operation: pending.operation,
            id: pending.id,
            request: pending.request,
            authority: pending.authority,
            expires: pending.expires,
            signing: made(Purpose::Signing),
            backup: made(Purpose::Backup),
            origin: pending.origin,
            session: PendingSession::from_bytes(&pending.session).map_err(|_| Damaged)?,
        }),
    };
    let restorable = find(Purpose::Backup, Status::Restorable).map(|epoch| Restorable {
        epoch: epoch.epoch,
        material: material(epoch),
        envelope: epoch.envelope,
        left: epoch.left,
    });
    let fields = &record.fields;
    Ok(Row::from_parts(Parts {
        kind: fields.kind,
        now: fields.now,
        signing: active(Purpose::Signing),
        backup: active(Purpose::Backup),
        restorable,
        pending,
        request: fields.request.clone(),
        freezes: fields.freezes,
        approved: fields.approved,
        window: fields.window,
        highest: fields.highest,
        ended: wanted.epoch.zip(record.ended).into_iter().collect(),
        outcomes: wanted.operation.zip(record.outcome.clone()).into_iter().collect(),
        custody: fields.custody.clone(),
    }))
}
