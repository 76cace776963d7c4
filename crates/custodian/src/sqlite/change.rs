//! What is written, as statements.

use twoshare_core::wire::Writer;
use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, WalletId},
    identity::CustodianIdentity,
};
use twoshare_protocol::{
    rules::{Authority, Outcome, Restored, Time},
    wire::Wire,
};

use super::batch::Batch;
use crate::{
    UserId,
    repository::{
        Becomes, Change, EpochRecord, Kept, NewEnvelope, NewEvent, NewNotice, Over, PendingChange,
        Status, TrustedCustodian, WalletFields,
    },
    token::TokenHash,
};

/// How many ended operations of a wallet are remembered, besides its commits. Their sessions are
/// long over: a prepare that arrives later than this many others finds none.
const MAX_TOMBSTONES: i64 = 256;

pub(super) fn save(change: &Change) -> Batch {
    let mut batch = Batch::new();
    match (change.version, &change.becomes) {
        (None, Becomes::Forgotten) => {}
        (None, Becomes::Kept(kept)) => {
            let row = new_row();
            let user = change.user.as_str();
            batch.push("INSERT INTO expected_wallets (user, most) VALUES (?, ?)");
            batch.bind(user.to_owned()).bind(i64::from(change.most_wallets));
            batch.push("INSERT INTO users (name) VALUES (?) ON CONFLICT DO NOTHING");
            batch.bind(user.to_owned());
            batch.push(
                "INSERT INTO wallets (id, user, wallet, version, kind, now, highest_signing, \
                 highest_backup, frozen, restored, ejected) \
                 SELECT ?, id, ?, 0, 0, 0, 0, 0, 0, 0, 0 FROM users WHERE name = ?",
            );
            batch.bind(row).bind(change.wallet.to_bytes().to_vec()).bind(user.to_owned());
            for (curve, public_key) in kept.keys.iter().filter(|_| change.new_keys) {
                batch.push("INSERT INTO expected_new_keys (curve, public_key) VALUES (?, ?)");
                batch.bind(i64::from(curve.number())).bind(public_key.clone());
            }
            keep(&mut batch, row, kept);
        }
        (Some(version), becomes) => {
            batch.push("INSERT INTO expected_version (wallet, version) VALUES (?, ?)");
            batch.bind(version.row).bind(version.number);
            match becomes {
                Becomes::Forgotten => {
                    batch.push("DELETE FROM wallets WHERE id = ?").bind(version.row);
                    batch.deletes = true;
                }
                Becomes::Kept(kept) => keep(&mut batch, version.row, kept),
            }
        }
    }
    if let Some(notice) = change.notice {
        let notice = NewNotice { expects: notice.staged, above: 0, is_staging: false };
        add_notice(&mut batch, &change.user, change.wallet, notice);
    }
    change.events.iter().for_each(|event| audit(&mut batch, event));
    batch
}

pub(super) fn put_notice(user: &UserId, wallet: WalletId, notice: NewNotice) -> Batch {
    let mut batch = Batch::new();
    add_notice(&mut batch, user, wallet, notice);
    batch
}

fn add_notice(batch: &mut Batch, user: &UserId, wallet: WalletId, notice: NewNotice) {
    let (name, wallet) = (user.as_str().to_owned(), wallet.to_bytes().to_vec());
    if let Some(version) = notice.expects {
        batch.push("INSERT INTO expected_notice (user, wallet, version) VALUES (?, ?, ?)");
        batch.bind(name.clone()).bind(wallet.clone()).bind(seconds(version));
    }
    batch.push("UPDATE notice_version SET version = max(version, ?) + 1");
    batch.bind(seconds(notice.above));
    batch.push(
        "INSERT OR REPLACE INTO notices (user, wallet, version, staging) \
         SELECT ?, ?, version, ? FROM notice_version",
    );
    batch.bind(name).bind(wallet).bind(i64::from(notice.is_staging));
}

pub(super) fn delete_notice(user: &UserId, wallet: WalletId, version: u64) -> Batch {
    let mut batch = Batch::new();
    batch.push("DELETE FROM notices WHERE user = ? AND wallet = ? AND version = ?");
    batch.bind(user.as_str().to_owned()).bind(wallet.to_bytes().to_vec()).bind(seconds(version));
    batch
}

pub(super) fn put_envelope(envelope: NewEnvelope) -> Batch {
    let mut batch = Batch::new();
    let NewEnvelope { version, epoch, digest, bytes, most, event, .. } = envelope;
    batch.push("INSERT INTO expected_version (wallet, version) VALUES (?, ?)");
    batch.bind(version.row).bind(version.number);
    batch.push("INSERT INTO expected_envelopes (wallet, epoch, digest, most) VALUES (?, ?, ?, ?)");
    batch.bind(version.row).bind(number(epoch)).bind(bytes_of(digest)).bind(i64::from(most));
    batch.push(
        "INSERT INTO envelopes (wallet, digest, epoch, bytes) VALUES (?, ?, ?, ?) \
         ON CONFLICT DO UPDATE SET bytes = excluded.bytes",
    );
    batch.bind(version.row).bind(bytes_of(digest)).bind(number(epoch)).bind(bytes);
    audit(&mut batch, &event);
    batch
}

pub(super) fn put_session(
    hash: TokenHash,
    user: &UserId,
    expires: Time,
    event: &NewEvent,
) -> Batch {
    let mut batch = Batch::new();
    batch.push("INSERT INTO users (name) VALUES (?) ON CONFLICT DO NOTHING");
    batch.bind(user.as_str().to_owned());
    batch.push(
        "INSERT INTO sessions (hash, user, expires) SELECT ?, id, ? FROM users WHERE name = ?",
    );
    batch.bind(hash.0.to_vec()).bind(seconds(expires)).bind(user.as_str().to_owned());
    audit(&mut batch, event);
    batch
}

pub(super) fn delete_sessions(expired: Time) -> Batch {
    let mut batch = Batch::new();
    batch.push("DELETE FROM sessions WHERE expires <= ?").bind(seconds(expired));
    batch
}

pub(super) fn put_operator_key(hash: TokenHash, event: &NewEvent) -> Batch {
    let mut batch = Batch::new();
    batch.push("DELETE FROM operator_keys");
    batch.push("INSERT INTO operator_keys (hash) VALUES (?)").bind(hash.0.to_vec());
    audit(&mut batch, event);
    batch
}

pub(super) fn put_secret(name: &str, sealed: &[u8]) -> Batch {
    let mut batch = Batch::new();
    batch.push("INSERT INTO secrets (name, sealed) VALUES (?, ?) ON CONFLICT DO NOTHING");
    batch.bind(name.to_owned()).bind(sealed.to_vec());
    batch
}

/// The mark of a start after a restore that has not finished. It stands among the secrets, and is
/// none.
pub(super) const RESTORING: &str = "restoring";

pub(super) fn set_restoring(is_restoring: bool) -> Batch {
    if is_restoring {
        return put_secret(RESTORING, &[]);
    }
    let mut batch = Batch::new();
    batch.push("DELETE FROM secrets WHERE name = ?").bind(RESTORING);
    batch
}

pub(super) fn put_trusted_custodian(custodian: &TrustedCustodian, event: &NewEvent) -> Batch {
    let mut batch = Batch::new();
    batch.push(
        "INSERT INTO trusted_custodians (identity, url) VALUES (?, ?) \
         ON CONFLICT DO UPDATE SET url = excluded.url",
    );
    batch.bind(custodian.identity.to_bytes().to_vec()).bind(custodian.url.clone());
    audit(&mut batch, event);
    batch
}

pub(super) fn delete_trusted_custodian(identity: &CustodianIdentity, event: &NewEvent) -> Batch {
    let mut batch = Batch::new();
    batch.push("DELETE FROM trusted_custodians WHERE identity = ?");
    batch.bind(identity.to_bytes().to_vec());
    audit(&mut batch, event);
    batch
}

pub(super) fn delete_user(user: &UserId, event: &NewEvent) -> Batch {
    let mut batch = Batch::new();
    batch.push("UPDATE notice_version SET version = version + 1");
    batch.push(
        "INSERT OR REPLACE INTO notices (user, wallet, version, staging) \
         SELECT u.name, w.wallet, v.version, 0 \
         FROM users u JOIN wallets w ON w.user = u.id JOIN notice_version v \
         WHERE u.name = ? AND EXISTS (\
         SELECT 1 FROM epoch_shares s WHERE s.wallet = w.id AND length(s.sealed) = 0)",
    );
    batch.bind(user.as_str().to_owned());
    batch.push("DELETE FROM users WHERE name = ?").bind(user.as_str().to_owned());
    audit(&mut batch, event);
    batch.deletes = true;
    batch
}

fn keep(batch: &mut Batch, row: i64, kept: &Kept) {
    fields(batch, row, &kept.fields);
    for over in &kept.over {
        end(batch, row, *over);
    }
    // What steps down makes room for what steps up.
    for status in [Status::Restorable, Status::Active, Status::Pending] {
        for epoch in kept.moved.iter().filter(|epoch| epoch.status == status) {
            batch.push(
                "UPDATE epochs SET status = ?, envelope = ?, grace_left = ? \
                 WHERE wallet = ? AND purpose = ? AND number = ?",
            );
            batch.bind(status_number(status)).bind(epoch.envelope.map(bytes_of));
            batch.bind(seconds(epoch.left)).bind(row);
            batch.bind(i64::from(epoch.purpose.number())).bind(number(epoch.epoch));
        }
    }
    for epoch in &kept.made {
        make(batch, row, epoch);
    }
    for (place, (curve, public_key)) in (0_i64..).zip(&kept.keys) {
        batch.push(
            "INSERT INTO keys (wallet, place, curve, public_key) VALUES (?, ?, ?, ?) \
             ON CONFLICT DO NOTHING",
        );
        batch.bind(row).bind(place).bind(i64::from(curve.number())).bind(public_key.clone());
    }
    pending(batch, row, &kept.pending);
    for (id, outcome) in &kept.outcomes {
        end_operation(batch, row, *id, outcome, kept.fields.now);
    }
    if let Some(epoch) = kept.retired {
        batch.push("DELETE FROM epochs WHERE wallet = ? AND purpose = 2 AND number = ?");
        batch.bind(row).bind(number(epoch));
        delete_envelopes(batch, row, epoch);
    }
}

fn fields(batch: &mut Batch, row: i64, fields: &WalletFields) {
    batch.push(
        "UPDATE wallets SET version = version + 1, kind = ?, now = ?, highest_signing = ?, \
         highest_backup = ?, frozen = ?, dispute = ?, restored = ?, approved = ?, \
         window_until = ?, ejected = ?, due = ?, custody = ? WHERE id = ?",
    );
    batch.bind(i64::from(fields.kind.number())).bind(seconds(fields.now));
    batch.bind(seconds(fields.highest.signing)).bind(seconds(fields.highest.backup));
    batch.bind(i64::from(fields.freezes.operator)).bind(fields.freezes.dispute.map(id_bytes));
    let restored: i64 = match fields.freezes.restored {
        None => 0,
        Some(Restored::AwaitsApproval) => 1,
        Some(Restored::Approved) => 2,
    };
    batch.bind(restored).bind(fields.approved.map(id_bytes));
    batch.bind(fields.window.map(seconds)).bind(i64::from(fields.ejected));
    // Exposed: it says where a wallet is, and is public to whoever may read the wallet.
    let custody = fields.custody.as_ref().map(|custody| custody.write(Writer::new(128)).finish());
    let custody = custody.map(|bytes| bytes.expose_secret().to_vec());
    batch.bind(fields.due.map(seconds)).bind(custody).bind(row);
    match &fields.request {
        None => {
            batch.push("DELETE FROM requests WHERE wallet = ?").bind(row);
        }
        Some(request) => {
            batch.push(
                "INSERT OR REPLACE INTO requests \
                 (wallet, id, operation, evidence, ready, expires, settled) \
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
            );
            // Exposed: evidence names what was proven, and is public.
            let evidence = request.evidence.write(Writer::new(32)).finish();
            batch.bind(row).bind(id_bytes(request.id));
            batch.bind(i64::from(request.operation.number()));
            batch.bind(evidence.expose_secret().to_vec());
            batch.bind(seconds(request.ready)).bind(seconds(request.expires));
            batch.bind(i64::from(request.settled));
        }
    }
}

fn make(batch: &mut Batch, row: i64, epoch: &EpochRecord) {
    batch.push(
        "INSERT INTO epochs (wallet, purpose, number, status, operation, envelope, grace_left) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    let purpose = i64::from(epoch.purpose.number());
    batch.bind(row).bind(purpose).bind(number(epoch.epoch)).bind(status_number(epoch.status));
    batch.bind(id_bytes(epoch.operation)).bind(epoch.envelope.map(bytes_of));
    batch.bind(seconds(epoch.left));
    for (place, share) in (0_i64..).zip(&epoch.shares) {
        batch.push(
            "INSERT INTO epoch_shares (wallet, purpose, number, place, curve, commitment, sealed) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        );
        batch.bind(row).bind(purpose).bind(number(epoch.epoch)).bind(place);
        batch.bind(i64::from(share.curve.number())).bind(share.commitment.clone());
        batch.bind(share.sealed.clone());
    }
}

fn end(batch: &mut Batch, row: i64, over: Over) {
    let (purpose, epoch) = (i64::from(over.purpose.number()), number(over.epoch));
    batch.deletes = true;
    match over.ended {
        Some(ended) => {
            batch.push(
                "UPDATE epochs SET status = 4, envelope = ?, ended_at = ?, grace_left = 0 \
                 WHERE wallet = ? AND purpose = ? AND number = ?",
            );
            batch.bind(ended.envelope.map(bytes_of)).bind(seconds(ended.at));
            batch.bind(row).bind(purpose).bind(epoch);
            batch.push("DELETE FROM epoch_shares WHERE wallet = ? AND purpose = ? AND number = ?");
            batch.bind(row).bind(purpose).bind(epoch);
        }
        None => {
            batch.push("DELETE FROM epochs WHERE wallet = ? AND purpose = ? AND number = ?");
            batch.bind(row).bind(purpose).bind(epoch);
            if over.purpose == twoshare_core::id::Purpose::Backup {
                delete_envelopes(batch, row, over.epoch);
            }
        }
    }
}

fn delete_envelopes(batch: &mut Batch, row: i64, epoch: Epoch) {
    batch.push("DELETE FROM envelopes WHERE wallet = ? AND epoch = ?");
    batch.bind(row).bind(number(epoch));
    batch.deletes = true;
}

fn pending(batch: &mut Batch, row: i64, change: &PendingChange) {
    match change {
        PendingChange::Same => {}
        PendingChange::Over => {
            batch.push("DELETE FROM pendings WHERE wallet = ?").bind(row);
            batch.deletes = true;
        }
        PendingChange::Put(pending) => {
            batch.push(
                "INSERT OR REPLACE INTO pendings \
                 (wallet, id, operation, request, authority, expires, session, origin) \
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            );
            batch.bind(row).bind(id_bytes(pending.id));
            batch.bind(i64::from(pending.operation.number())).bind(bytes_of(pending.request));
            let authority: i64 = match pending.authority {
                Authority::Newcomer => 0,
                Authority::Device => 1,
                Authority::Active => 2,
                Authority::Restorable => 3,
            };
            batch.bind(authority).bind(seconds(pending.expires)).bind(pending.session.clone());
            batch.bind(pending.origin.map(bytes_of));
        }
    }
}

fn end_operation(batch: &mut Batch, row: i64, id: OperationId, outcome: &Outcome, now: Time) {
    batch.push(
        "INSERT OR REPLACE INTO operations \
         (wallet, id, outcome, operation, kind, signing, backup, envelope, at, origin) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    batch.bind(row).bind(id_bytes(id));
    let ended: i64 = match outcome {
        Outcome::Committed(committed) => {
            batch.bind(1_i64).bind(i64::from(committed.operation.number()));
            batch.bind(i64::from(committed.kind.number()));
            batch.bind(committed.signing.map(number)).bind(committed.backup.map(number));
            batch.bind(committed.envelope.map(bytes_of)).bind(seconds(committed.at));
            batch.bind(committed.origin.map(bytes_of));
            return;
        }
        Outcome::Abandoned => 2,
        Outcome::Expired => 3,
        Outcome::Displaced => 4,
    };
    batch.bind(ended).bind(None::<i64>).bind(None::<i64>).bind(None::<i64>);
    batch.bind(None::<i64>).bind(None::<Vec<u8>>).bind(seconds(now)).bind(None::<Vec<u8>>);
    batch.push(
        "DELETE FROM operations WHERE wallet = ? AND outcome > 1 AND id IN (\
         SELECT id FROM operations WHERE wallet = ? AND outcome > 1 \
         ORDER BY at DESC LIMIT -1 OFFSET ?)",
    );
    batch.bind(row).bind(row).bind(MAX_TOMBSTONES);
}

fn audit(batch: &mut Batch, event: &NewEvent) {
    batch.push(
        "INSERT INTO audit (at, actor, act, user, wallet, operation, detail) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    );
    batch.bind(seconds(event.at)).bind(event.actor.name()).bind(event.act.name());
    batch.bind(event.user.as_ref().map(|user| user.as_str().to_owned()));
    batch.bind(event.wallet.map(|wallet| wallet.to_bytes().to_vec()));
    batch.bind(event.operation.map(id_bytes)).bind(event.detail.clone());
}

/// A place for a new wallet: random, so that a deleted one's is not given out again.
fn new_row() -> i64 {
    use rand::RngExt as _;
    rand::rng().random_range(1..i64::MAX)
}

pub(super) const fn status_number(status: Status) -> i64 {
    match status {
        Status::Pending => 1,
        Status::Active => 2,
        Status::Restorable => 3,
    }
}

pub(super) fn seconds(time: Time) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

pub(super) fn number(epoch: Epoch) -> i64 {
    seconds(epoch.get())
}

fn bytes_of(digest: Digest) -> Vec<u8> {
    digest.to_bytes().to_vec()
}

fn id_bytes(id: OperationId) -> Vec<u8> {
    id.to_bytes().to_vec()
}
