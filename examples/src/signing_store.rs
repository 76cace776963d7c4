//! The signing shares of an app's own MPC server, in a database of its own: what the custodian stages and
//! settles there, and what the server signs with.
//!
//! It keeps the shares as they come. A real server seals them, under a key that is not in the database.

use std::{path::Path, time::Duration};

use async_trait::async_trait;
use sqlx::{
    Connection as _, Row as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use twoshare::core::{
    id::{Epoch, OperationId, WalletId},
    secret::SecretBytes,
    share::AnyCustodianShare,
};
use twoshare_custodian::{
    SigningShares, UserId,
    signing::{HeldError, SettleError, SigningEpoch, StageError, Staging, Standing},
};

/// One row per wallet that was ever heard of, with the last version and the epoch that signs; one per share.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS wallets (
    user TEXT NOT NULL,
    wallet BLOB NOT NULL,
    version INTEGER NOT NULL,
    signs INTEGER,
    signs_operation BLOB,
    PRIMARY KEY (user, wallet)
) STRICT;
CREATE TABLE IF NOT EXISTS shares (
    user TEXT NOT NULL,
    wallet BLOB NOT NULL,
    epoch INTEGER NOT NULL,
    operation BLOB NOT NULL,
    place INTEGER NOT NULL,
    share BLOB NOT NULL,
    PRIMARY KEY (user, wallet, epoch, operation, place)
) STRICT;
";

/// The server's database.
#[derive(Debug, Clone)]
pub struct SigningStore {
    pool: SqlitePool,
}

/// Why nothing is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such wallet.
    Unknown,
    /// A recovery is under way, or the wallet stands still: ask again later.
    Paused,
    /// Another epoch signs: this device's has ended.
    Ended,
    /// The database cannot be read. Then nobody signs.
    Unavailable,
}

impl SigningStore {
    /// Opens the database in this file, and makes it where it is missing.
    ///
    /// # Errors
    ///
    /// It cannot be opened.
    pub async fn open(path: &Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            // What was answered is on the disk, and what was dropped is overwritten.
            .synchronous(SqliteSynchronous::Full)
            .pragma("secure_delete", "ON")
            .busy_timeout(Duration::from_secs(5));
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
        sqlx::raw_sql(SCHEMA).execute(&pool).await?;
        Ok(Self { pool })
    }

    /// The server's share of a key of this epoch, for one signature. It is read from the database each time:
    /// what was paused or revoked a moment ago signs no more.
    ///
    /// # Errors
    ///
    /// See [`Refusal`].
    pub async fn to_sign_with(
        &self,
        user: &UserId,
        wallet: WalletId,
        epoch: Epoch,
        key: u8,
    ) -> Result<AnyCustodianShare, Refusal> {
        let mut shares = self.signing(user, wallet).await?;
        if shares.first().is_none_or(|share| share.id().sharing.epoch != epoch) {
            return Err(Refusal::Ended);
        }
        let place = shares.iter().position(|share| share.id().index == key);
        place.map(|place| shares.swap_remove(place)).ok_or(Refusal::Unknown)
    }

    /// The shares of the epoch that signs now.
    ///
    /// # Errors
    ///
    /// See [`Refusal`].
    pub async fn signing(
        &self,
        user: &UserId,
        wallet: WalletId,
    ) -> Result<Vec<AnyCustodianShare>, Refusal> {
        let read = async || -> Result<_, sqlx::Error> {
            let mut connection = self.pool.acquire().await?;
            // One statement, and so one moment.
            let rows = sqlx::query(
                "SELECT s.share FROM wallets w LEFT JOIN shares s ON s.user = w.user \
                 AND s.wallet = w.wallet AND s.epoch = w.signs AND s.operation = w.signs_operation \
                 WHERE w.user = ? AND w.wallet = ? ORDER BY s.place",
            );
            let rows = rows.bind(user.as_str()).bind(wallet.to_bytes().to_vec());
            rows.fetch_all(&mut *connection).await
        };
        let rows = read().await.map_err(|_| Refusal::Unavailable)?;
        let shares: Option<Vec<_>> = rows.iter().map(decode).collect();
        match shares {
            Some(shares) if shares.is_empty() => Err(Refusal::Unknown),
            Some(shares) => Ok(shares),
            None => Err(Refusal::Paused),
        }
    }

    /// Ends it, with everything written.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn staged(
        &self,
        staging: &Staging<'_>,
        shares: &[AnyCustodianShare],
    ) -> Result<Option<u64>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let wallet = staging.wallet.to_bytes().to_vec();
        let heard = heard(&mut transaction, staging.user, staging.wallet).await?;
        if let Some(by) = heard.filter(|heard| *heard > staging.version) {
            return Ok(Some(by));
        }
        sqlx::query("INSERT OR REPLACE INTO wallets (user, wallet, version) VALUES (?, ?, ?)")
            .bind(staging.user.as_str())
            .bind(wallet.clone())
            .bind(number(staging.version))
            .execute(&mut *transaction)
            .await?;
        for (place, share) in (0_i64..).zip(shares) {
            let insert = sqlx::query(
                "INSERT OR REPLACE INTO shares (user, wallet, epoch, operation, place, share) \
                 VALUES (?, ?, ?, ?, ?, ?)",
            );
            insert
                .bind(staging.user.as_str())
                .bind(wallet.clone())
                .bind(number(staging.epoch.epoch.get()))
                .bind(staging.epoch.operation.to_bytes().to_vec())
                .bind(place)
                // Exposed: to the server's own database.
                .bind(share.to_bytes().expose_secret().to_vec())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(None)
    }

    /// The version that was heard later, if one was; and whether everything that is named is here.
    async fn settled(&self, standing: &Standing<'_>) -> Result<Result<bool, u64>, sqlx::Error> {
        let mut connection = self.pool.acquire().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let (user, wallet) = (standing.user, standing.wallet);
        let heard = heard(&mut transaction, user, wallet).await?;
        if let Some(by) = heard.filter(|heard| *heard > standing.version) {
            return Ok(Err(by));
        }
        let mut kept = Vec::new();
        for epoch in epochs(&mut transaction, user, wallet).await? {
            if standing.keeps(epoch) {
                kept.push(epoch);
                continue;
            }
            let delete = sqlx::query(
                "DELETE FROM shares WHERE user = ? AND wallet = ? AND epoch = ? AND operation = ?",
            );
            delete
                .bind(user.as_str())
                .bind(wallet.to_bytes().to_vec())
                .bind(number(epoch.epoch.get()))
                .bind(epoch.operation.to_bytes().to_vec())
                .execute(&mut *transaction)
                .await?;
        }
        let signs = standing.signs().filter(|epoch| kept.contains(epoch));
        let replace = sqlx::query(
            "INSERT OR REPLACE INTO wallets (user, wallet, version, signs, signs_operation) \
             VALUES (?, ?, ?, ?, ?)",
        );
        replace
            .bind(user.as_str())
            .bind(wallet.to_bytes().to_vec())
            .bind(number(standing.version))
            .bind(signs.map(|epoch| number(epoch.epoch.get())))
            .bind(signs.map(|epoch| epoch.operation.to_bytes().to_vec()))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        let mut named = standing.active.iter().chain(&standing.pending);
        Ok(Ok(standing.restored || named.all(|epoch| kept.contains(epoch))))
    }
}

/// What the custodian tells.
#[async_trait]
impl SigningShares for SigningStore {
    async fn stage(
        &self,
        staging: &Staging<'_>,
        shares: &[AnyCustodianShare],
    ) -> Result<(), StageError> {
        match self.staged(staging, shares).await {
            Ok(None) => Ok(()),
            Ok(Some(by)) => Err(StageError::Superseded { by }),
            Err(_) => Err(StageError::Unavailable),
        }
    }

    async fn get(
        &self,
        user: &UserId,
        wallet: WalletId,
        epoch: SigningEpoch,
    ) -> Result<Vec<AnyCustodianShare>, HeldError> {
        let select = sqlx::query(
            "SELECT share FROM shares WHERE user = ? AND wallet = ? AND epoch = ? AND operation = ? \
             ORDER BY place",
        );
        let rows = select
            .bind(user.as_str())
            .bind(wallet.to_bytes().to_vec())
            .bind(number(epoch.epoch.get()))
            .bind(epoch.operation.to_bytes().to_vec())
            .fetch_all(&self.pool)
            .await
            .map_err(|_| HeldError::Unavailable)?;
        let shares: Option<Vec<_>> = rows.iter().map(decode).collect();
        shares.filter(|shares| !shares.is_empty()).ok_or(HeldError::Damaged)
    }

    async fn settle(&self, standing: &Standing<'_>) -> Result<(), SettleError> {
        match self.settled(standing).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(SettleError::Missing),
            Ok(Err(by)) => Err(SettleError::Superseded { by }),
            Err(_) => Err(SettleError::Unavailable),
        }
    }
}

/// The last version of this wallet. Its row stays when its shares are gone.
async fn heard(
    connection: &mut SqliteConnection,
    user: &UserId,
    wallet: WalletId,
) -> Result<Option<u64>, sqlx::Error> {
    let select = sqlx::query("SELECT version FROM wallets WHERE user = ? AND wallet = ?");
    let select = select.bind(user.as_str()).bind(wallet.to_bytes().to_vec());
    let row = select.fetch_optional(connection).await?;
    row.map(|row| row.try_get::<i64, _>(0).map(i64::unsigned_abs)).transpose()
}

async fn epochs(
    connection: &mut SqliteConnection,
    user: &UserId,
    wallet: WalletId,
) -> Result<Vec<SigningEpoch>, sqlx::Error> {
    let select =
        sqlx::query("SELECT DISTINCT epoch, operation FROM shares WHERE user = ? AND wallet = ?");
    let select = select.bind(user.as_str()).bind(wallet.to_bytes().to_vec());
    let rows = select.fetch_all(connection).await?;
    let epoch = |row: &SqliteRow| {
        let number = row.try_get::<i64, _>(0).ok()?;
        let operation: [u8; 16] = row.try_get::<Vec<u8>, _>(1).ok()?.try_into().ok()?;
        let epoch = Epoch::new(number.unsigned_abs())?;
        Some(SigningEpoch { epoch, operation: OperationId::from_bytes(operation) })
    };
    let epochs: Option<_> = rows.iter().map(epoch).collect();
    epochs.ok_or(sqlx::Error::RowNotFound)
}

fn decode(row: &SqliteRow) -> Option<AnyCustodianShare> {
    let bytes = SecretBytes::from(row.try_get::<Vec<u8>, _>(0).ok()?);
    // Exposed: to the share, which checks itself.
    AnyCustodianShare::from_bytes(bytes.expose_secret()).ok()
}

/// Versions and epochs are far below what a column holds.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
