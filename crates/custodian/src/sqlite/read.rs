//! What is read, each by one statement and so at one moment.

use sqlx::{Row as _, SqlitePool, sqlite::SqliteRow};
use twoshare_core::{digest::Digest, id::WalletId, identity::CustodianIdentity};
use twoshare_protocol::rules::Time;

use super::{
    change::{number, seconds},
    decode::Columns,
};
use crate::{
    UserId,
    audit::{Act, Actor, Event},
    repository::{Notice, StoreError, TrustedCustodian, WalletRecord, Wanted},
    token::TokenHash,
};

/// Where the columns of an epoch begin in [`LOAD`], and where the envelopes of the wanted one stand.
const EPOCH_AT: usize = 37;
const ENVELOPES_AT: usize = 46;

const LOAD: &str = "\
    SELECT w.id, w.version, w.kind, w.now, w.highest_signing, w.highest_backup, w.frozen, \
    w.dispute, w.restored, w.approved, w.window_until, w.ejected, w.due, w.custody, \
    r.id, r.operation, r.evidence, r.ready, r.expires, r.settled, \
    p.id, p.operation, p.request, p.authority, p.expires, p.session, p.origin, \
    o.outcome, o.operation, o.kind, o.signing, o.backup, o.envelope, o.at, o.origin, \
    x.envelope, x.ended_at, \
    e.purpose, e.number, e.status, e.operation, e.envelope, e.grace_left, \
    s.curve, s.commitment, s.sealed, \
    (SELECT group_concat(hex(v.digest)) FROM envelopes v \
    WHERE v.wallet = w.id AND v.epoch = ?4) \
    FROM users u \
    JOIN wallets w ON w.user = u.id \
    LEFT JOIN requests r ON r.wallet = w.id \
    LEFT JOIN pendings p ON p.wallet = w.id \
    LEFT JOIN operations o ON o.wallet = w.id AND o.id = ?3 \
    LEFT JOIN epochs x ON x.wallet = w.id AND x.purpose = 2 AND x.number = ?4 AND x.status = 4 \
    LEFT JOIN epochs e ON e.wallet = w.id AND e.status < 4 \
    LEFT JOIN epoch_shares s \
    ON s.wallet = e.wallet AND s.purpose = e.purpose AND s.number = e.number \
    WHERE u.name = ?1 AND w.wallet = ?2 \
    ORDER BY e.purpose, e.number, s.place";

pub(super) async fn load(
    pool: &SqlitePool,
    user: &UserId,
    wallet: WalletId,
    wanted: Wanted,
) -> Result<Option<WalletRecord>, StoreError> {
    let id = wallet.to_bytes();
    let operation = wanted.operation.map(|id| id.to_bytes().to_vec());
    let rows = sqlx::query(LOAD)
        .bind(user.as_str())
        .bind(id.as_slice())
        .bind(operation)
        .bind(wanted.epoch.map(number))
        .fetch_all(pool)
        .await
        .map_err(judge)?;
    let Some(first) = rows.first() else { return Ok(None) };
    let mut columns = Columns::new(first);
    let (version, fields) = columns.fields()?;
    let (pending, outcome, ended) = (columns.pending()?, columns.outcome()?, columns.ended()?);
    let mut record = WalletRecord {
        version,
        fields,
        epochs: Vec::new(),
        pending,
        outcome,
        ended,
        envelopes: Vec::new(),
    };
    for row in &rows {
        add_epoch(&mut record, row)?;
    }
    if let Some(digests) = Columns::at(first, ENVELOPES_AT).maybe_text()? {
        for digest in digests.split(',') {
            record.envelopes.push(digest.parse().map_err(|_| StoreError::Damaged)?);
        }
    }
    Ok(Some(record))
}

fn add_epoch(record: &mut WalletRecord, row: &SqliteRow) -> Result<(), StoreError> {
    let mut columns = Columns::at(row, EPOCH_AT);
    let Some(epoch) = columns.epoch()? else { return Ok(()) };
    let share = columns.share()?;
    let is_same = record
        .epochs
        .last()
        .is_some_and(|last| last.purpose == epoch.purpose && last.epoch == epoch.epoch);
    if !is_same {
        record.epochs.push(epoch);
    }
    if let (Some(last), Some(share)) = (record.epochs.last_mut(), share) {
        last.shares.push(share);
    }
    Ok(())
}

pub(super) async fn wallets(pool: &SqlitePool, user: &UserId) -> Result<Vec<WalletId>, StoreError> {
    let rows = sqlx::query(
        "SELECT w.wallet FROM users u JOIN wallets w ON w.user = u.id WHERE u.name = ? \
         ORDER BY w.wallet",
    )
    .bind(user.as_str())
    .fetch_all(pool)
    .await
    .map_err(judge)?;
    rows.iter().map(|row| Columns::new(row).maybe_wallet()?.ok_or(StoreError::Damaged)).collect()
}

pub(super) async fn due(
    pool: &SqlitePool,
    now: Time,
    limit: u32,
) -> Result<Vec<(UserId, WalletId)>, StoreError> {
    let query = sqlx::query(
        "SELECT u.name, w.wallet FROM wallets w JOIN users u ON u.id = w.user \
         WHERE w.due IS NOT NULL AND w.due <= ? ORDER BY w.due LIMIT ?",
    );
    let rows =
        query.bind(seconds(now)).bind(i64::from(limit)).fetch_all(pool).await.map_err(judge)?;
    rows.iter().map(place).collect()
}

pub(super) async fn requests(pool: &SqlitePool) -> Result<Vec<(UserId, WalletId)>, StoreError> {
    let rows = sqlx::query(
        "SELECT u.name, w.wallet FROM requests r JOIN wallets w ON w.id = r.wallet \
         JOIN users u ON u.id = w.user ORDER BY r.ready, r.id",
    )
    .fetch_all(pool)
    .await
    .map_err(judge)?;
    rows.iter().map(place).collect()
}

pub(super) async fn all_wallets(
    pool: &SqlitePool,
    after: Option<(UserId, WalletId)>,
    limit: u32,
) -> Result<Vec<(UserId, WalletId)>, StoreError> {
    let (user, wallet) = after.map_or_else(Default::default, |(user, wallet)| {
        (user.as_str().to_owned(), wallet.to_bytes().to_vec())
    });
    let rows = sqlx::query(
        "SELECT u.name, w.wallet FROM users u JOIN wallets w ON w.user = u.id \
         WHERE (u.name, w.wallet) > (?, ?) ORDER BY u.name, w.wallet LIMIT ?",
    )
    .bind(user)
    .bind(wallet)
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await
    .map_err(judge)?;
    rows.iter().map(place).collect()
}

pub(super) async fn notice(
    pool: &SqlitePool,
    user: &UserId,
    wallet: WalletId,
) -> Result<Option<Notice>, StoreError> {
    let row = sqlx::query("SELECT version, staging FROM notices WHERE user = ? AND wallet = ?")
        .bind(user.as_str())
        .bind(wallet.to_bytes().to_vec())
        .fetch_optional(pool)
        .await
        .map_err(judge)?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::new(&row);
    Ok(Some(Notice { version: columns.uint()?, is_staging: columns.uint()? != 0 }))
}

pub(super) async fn notices(
    pool: &SqlitePool,
    after: Option<(UserId, WalletId)>,
    limit: u32,
) -> Result<Vec<(UserId, WalletId)>, StoreError> {
    let (user, wallet) = after.map_or_else(Default::default, |(user, wallet)| {
        (user.as_str().to_owned(), wallet.to_bytes().to_vec())
    });
    let rows = sqlx::query(
        "SELECT user, wallet FROM notices WHERE (user, wallet) > (?, ?) \
         ORDER BY user, wallet LIMIT ?",
    )
    .bind(user)
    .bind(wallet)
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await
    .map_err(judge)?;
    rows.iter().map(place).collect()
}

pub(super) async fn envelope(
    pool: &SqlitePool,
    user: &UserId,
    wallet: WalletId,
    digest: Digest,
) -> Result<Option<Vec<u8>>, StoreError> {
    let row = sqlx::query(
        "SELECT e.bytes FROM users u JOIN wallets w ON w.user = u.id \
         JOIN envelopes e ON e.wallet = w.id \
         WHERE u.name = ? AND w.wallet = ? AND e.digest = ?",
    )
    .bind(user.as_str())
    .bind(wallet.to_bytes().to_vec())
    .bind(digest.to_bytes().to_vec())
    .fetch_optional(pool)
    .await
    .map_err(judge)?;
    row.map(|row| Columns::new(&row).bytes().map(<[u8]>::to_vec)).transpose()
}

pub(super) async fn audit(
    pool: &SqlitePool,
    wallet: Option<WalletId>,
    after: u64,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    const COLUMNS: &str =
        "SELECT number, at, actor, act, user, wallet, operation, detail FROM audit";
    let order = "ORDER BY number LIMIT ?";
    let (after, limit) = (seconds(after), i64::from(limit));
    let rows = match wallet {
        Some(wallet) => {
            let sql = format!("{COLUMNS} WHERE wallet = ? AND number > ? {order}");
            sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(wallet.to_bytes().to_vec())
                .bind(after)
                .bind(limit)
                .fetch_all(pool)
                .await
        }
        None => {
            let sql = format!("{COLUMNS} WHERE number > ? {order}");
            sqlx::query(sqlx::AssertSqlSafe(sql)).bind(after).bind(limit).fetch_all(pool).await
        }
    };
    rows.map_err(judge)?.iter().map(event).collect()
}

fn event(row: &SqliteRow) -> Result<Event, StoreError> {
    let mut columns = Columns::new(row);
    Ok(Event {
        number: columns.uint()?,
        at: columns.uint()?,
        actor: Actor::from_name(columns.text()?).ok_or(StoreError::Damaged)?,
        act: Act::from_name(columns.text()?).ok_or(StoreError::Damaged)?,
        user: columns
            .maybe_text()?
            .map(|name| UserId::new(name).map_err(|_| StoreError::Damaged))
            .transpose()?,
        wallet: columns.maybe_wallet()?,
        operation: columns.maybe_id()?,
        detail: columns.text()?.to_owned(),
    })
}

pub(super) async fn session(
    pool: &SqlitePool,
    hash: TokenHash,
) -> Result<Option<(UserId, Time)>, StoreError> {
    let row = sqlx::query(
        "SELECT u.name, s.expires FROM sessions s JOIN users u ON u.id = s.user WHERE s.hash = ?",
    )
    .bind(hash.0.to_vec())
    .fetch_optional(pool)
    .await
    .map_err(judge)?;
    let Some(row) = row else { return Ok(None) };
    let mut columns = Columns::new(&row);
    let user = UserId::new(columns.text()?).map_err(|_| StoreError::Damaged)?;
    Ok(Some((user, columns.uint()?)))
}

pub(super) async fn has_expired_sessions(
    pool: &SqlitePool,
    expired: Time,
) -> Result<bool, StoreError> {
    let row = sqlx::query("SELECT EXISTS (SELECT 1 FROM sessions WHERE expires <= ?)")
        .bind(seconds(expired))
        .fetch_one(pool)
        .await
        .map_err(judge)?;
    Ok(Columns::new(&row).uint()? != 0)
}

pub(super) async fn operator_keys(pool: &SqlitePool) -> Result<Vec<TokenHash>, StoreError> {
    let rows =
        sqlx::query("SELECT hash FROM operator_keys").fetch_all(pool).await.map_err(judge)?;
    let hash = |row| {
        let bytes = Columns::new(row).bytes()?;
        bytes.try_into().map(TokenHash).map_err(|_| StoreError::Damaged)
    };
    rows.iter().map(hash).collect()
}

pub(super) async fn secret(pool: &SqlitePool, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let row = sqlx::query("SELECT sealed FROM secrets WHERE name = ?")
        .bind(name)
        .fetch_optional(pool)
        .await
        .map_err(judge)?;
    row.map(|row| row.try_get(0).map_err(|_| StoreError::Damaged)).transpose()
}

fn place(row: &SqliteRow) -> Result<(UserId, WalletId), StoreError> {
    let mut columns = Columns::new(row);
    let user = UserId::new(columns.text()?).map_err(|_| StoreError::Damaged)?;
    Ok((user, columns.maybe_wallet()?.ok_or(StoreError::Damaged)?))
}

/// What an error means for a reader.
fn judge(error: sqlx::Error) -> StoreError {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    match code.map(|code| code & 0xff) {
        // <https://www.sqlite.org/rescode.html>: corrupt, not a database.
        Some(11 | 26) => StoreError::Damaged,
        _ => {
            tracing::warn!(%error, "the database could not be read");
            StoreError::Unavailable
        }
    }
}

pub(super) async fn trusted_custodians(
    pool: &SqlitePool,
) -> Result<Vec<TrustedCustodian>, StoreError> {
    let query = sqlx::query("SELECT identity, url FROM trusted_custodians ORDER BY url, identity");
    let rows = query.fetch_all(pool).await.map_err(judge)?;
    let trusted = |row: &SqliteRow| {
        let mut columns = Columns::new(row);
        let identity = CustodianIdentity::from_bytes(columns.bytes()?);
        let identity = identity.map_err(|_| StoreError::Damaged)?;
        Ok(TrustedCustodian { identity, url: columns.text()?.to_owned() })
    };
    rows.iter().map(trusted).collect()
}
