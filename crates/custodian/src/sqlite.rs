//! Everything in one SQLite file.
//!
//! In write-ahead mode, synchronised in full: an answer comes after the disk has it. One
//! connection writes; what arrives while it commits shares the next commit, so that many callers
//! share one synchronisation and a single one waits for nothing. A few connections read. What is
//! deleted is overwritten, and the journal truncated soon afterwards.
//!
//! After the disk was full, or a write or its synchronisation failed, nobody knows what is on the
//! disk: the writer stops for good, and says so. What was acknowledged can be read.

mod batch;
mod change;
mod decode;
mod read;
mod writer;

use core::{fmt, num::NonZeroUsize};
use std::{
    path::{Path, PathBuf},
    str::FromStr as _,
    time::Duration,
};

use async_trait::async_trait;
use sqlx::{
    ConnectOptions as _, Connection as _, SqliteConnection, SqlitePool,
    migrate::{Migrate as _, MigrateError, Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use thiserror::Error;
use twoshare_core::{digest::Digest, id::WalletId, identity::CustodianIdentity};
use twoshare_protocol::rules::Time;

use self::{batch::Batch, writer::Writer};
use crate::{
    Repository, UserId,
    audit::Event,
    files,
    repository::{
        Change, NewEnvelope, NewEvent, NewNotice, Notice, NoticeError, PutEnvelopeError, SaveError,
        StoppedWriting, StoreError, TrustedCustodian, WalletRecord, Wanted,
    },
    token::TokenHash,
};

/// How many connections read at most. Each has a thread of its own.
const MAX_READERS: u32 = 8;

/// How long a connection waits for another process.
const PATIENCE: Duration = Duration::from_secs(5);

/// Prepared statements that a connection keeps: a writer's are made of several.
const STATEMENTS: usize = 512;

/// A [`Repository`] in a SQLite file.
pub struct SqliteRepository {
    path: PathBuf,
    readers: SqlitePool,
    writer: Writer,
}

/// Why the database was not opened.
#[derive(Debug, Error)]
pub enum SqliteError {
    /// The file cannot be made or read: check its rights and the disk.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It was written by a newer version: use that one.
    #[error("the database is of a newer version")]
    Newer,
    /// The database refused: see the source.
    #[error("the database cannot be opened")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// How the file is used: for tests of what goes wrong, and for measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SqliteOptions {
    /// The most pages of 4 KiB that the file may have: a disk that is full sooner.
    pub max_pages: Option<u32>,
    /// The most writes that share a commit. 128; with 1, each is committed by itself.
    pub max_group: Option<NonZeroUsize>,
}

impl SqliteRepository {
    /// Opens a database, and makes it where it is missing.
    ///
    /// # Errors
    ///
    /// See [`SqliteError`].
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, SqliteError> {
        Self::open_with(path, SqliteOptions::default()).await
    }

    /// The same, with these options.
    ///
    /// # Errors
    ///
    /// See [`SqliteError`].
    pub async fn open_with(
        path: impl AsRef<Path>,
        options: SqliteOptions,
    ) -> Result<Self, SqliteError> {
        let path = path.as_ref().to_owned();
        let database = |error: sqlx::Error| SqliteError::Database(error.into());
        let to_file = |source| SqliteError::File { path: path.clone(), source };
        files::touch_private(&path).map_err(to_file)?;
        let connect = SqliteConnectOptions::from_str("sqlite:")
            .map_err(database)?
            .filename(&path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("fullfsync", "ON")
            .pragma("checkpoint_fullfsync", "ON")
            .pragma("secure_delete", "ON")
            .foreign_keys(true)
            .busy_timeout(PATIENCE)
            .statement_cache_capacity(STATEMENTS)
            .disable_statement_logging();
        let mut connection = SqliteConnection::connect_with(&connect).await.map_err(database)?;
        if let Some(pages) = options.max_pages {
            let mut batch = Batch::new();
            batch.push(&format!("PRAGMA max_page_count = {pages}"));
            batch.run(&mut connection).await.map_err(database)?;
        }
        migrate(&mut connection).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(readers())
            .min_connections(1)
            .test_before_acquire(false)
            .connect_with(connect.pragma("query_only", "ON"))
            .await
            .map_err(database)?;
        Ok(Self { path, readers, writer: Writer::start(connection, options.max_group) })
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Copies everything, as it is at one moment, into a new file, while the service runs. The copy
    /// is as secret as the database: sealed, and of use only with the same key-management service.
    /// A service that is started on it must be told so
    /// ([`Config::restored`](crate::Config::restored)).
    ///
    /// # Errors
    ///
    /// The file is there already, or cannot be written.
    pub async fn copy_to(&self, path: impl AsRef<Path>) -> Result<(), SqliteError> {
        let path = path.as_ref().to_owned();
        let database = |error: sqlx::Error| SqliteError::Database(error.into());
        if path.exists() {
            let source = std::io::ErrorKind::AlreadyExists.into();
            return Err(SqliteError::File { path, source });
        }
        files::touch_private(&path)
            .map_err(|source| SqliteError::File { path: path.clone(), source })?;
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .busy_timeout(PATIENCE)
            .disable_statement_logging();
        let mut connection = SqliteConnection::connect_with(&options).await.map_err(database)?;
        let text = path.to_string_lossy().into_owned();
        let copied = sqlx::query("VACUUM INTO ?").bind(text).execute(&mut connection).await;
        connection.close().await.map_err(database)?;
        copied.map_err(database)?;
        files::sync(&path).map_err(|source| SqliteError::File { path, source })
    }

    /// How often the disk was synchronised, and how many writes were acknowledged.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.writer.counts()
    }

    /// Lets the next commit fail as a disk does that cannot synchronise: for tests.
    pub fn hazmat_fail_next_commit(&self) {
        self.writer.fail_next();
    }
}

/// What the writer has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Commits, each of which synchronised the disk once.
    pub commits: u64,
    /// Writes that were acknowledged.
    pub writes: u64,
}

/// How many connections read: as many as there are processors. More would only take turns, and wake
/// each other up for it.
fn readers() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(processors).unwrap_or(MAX_READERS).clamp(2, MAX_READERS)
}

/// The schema, step by step. A step that was released is never changed: another is added.
const MIGRATIONS: &[(&str, &str)] = &[
    ("initial", include_str!("../migrations/0001_initial.sql")),
    ("kind of commits", include_str!("../migrations/0002_kind_of_commits.sql")),
    ("adopt", include_str!("../migrations/0003_adopt.sql")),
    ("holder", include_str!("../migrations/0004_holder.sql")),
    ("custody", include_str!("../migrations/0005_custody.sql")),
];

/// Brings the schema up to date.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), SqliteError> {
    let database = |error: MigrateError| SqliteError::Database(error.into());
    let migrations: Vec<_> = (1_i64..)
        .zip(MIGRATIONS)
        .map(|(version, (name, sql))| {
            let sql = sqlx::SqlSafeStr::into_sql_str(*sql);
            Migration::new(version, (*name).into(), MigrationType::Simple, sql, false)
        })
        .collect();
    let newest = migrations.iter().map(|migration| migration.version).max();
    let migrator = Migrator::with_migrations(migrations);
    connection.ensure_migrations_table("_sqlx_migrations").await.map_err(database)?;
    let applied = connection.list_applied_migrations("_sqlx_migrations").await.map_err(database)?;
    if applied.iter().map(|applied| applied.version).max() > newest {
        return Err(SqliteError::Newer);
    }
    migrator.run_direct(None, connection, false).await.map_err(database)
}

#[async_trait]
impl Repository for SqliteRepository {
    async fn wallets(&self, user: &UserId) -> Result<Vec<WalletId>, StoreError> {
        read::wallets(&self.readers, user).await
    }

    async fn load(
        &self,
        user: &UserId,
        wallet: WalletId,
        wanted: Wanted,
    ) -> Result<Option<WalletRecord>, StoreError> {
        read::load(&self.readers, user, wallet, wanted).await
    }

    async fn save(&self, change: Change) -> Result<(), SaveError> {
        self.writer.write(change::save(&change)).await.map_err(Into::into)
    }

    async fn due(&self, now: Time, limit: u32) -> Result<Vec<(UserId, WalletId)>, StoreError> {
        read::due(&self.readers, now, limit).await
    }

    async fn put_envelope(&self, envelope: NewEnvelope) -> Result<(), PutEnvelopeError> {
        self.writer.write(change::put_envelope(envelope)).await.map_err(Into::into)
    }

    async fn envelope(
        &self,
        user: &UserId,
        wallet: WalletId,
        digest: Digest,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        read::envelope(&self.readers, user, wallet, digest).await
    }

    async fn requests(&self) -> Result<Vec<(UserId, WalletId)>, StoreError> {
        read::requests(&self.readers).await
    }

    async fn audit(
        &self,
        wallet: Option<WalletId>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        read::audit(&self.readers, wallet, after, limit).await
    }

    async fn put_session(
        &self,
        hash: TokenHash,
        user: &UserId,
        expires: Time,
        event: NewEvent,
    ) -> Result<(), StoreError> {
        Ok(self.writer.write(change::put_session(hash, user, expires, &event)).await?)
    }

    async fn session(&self, hash: TokenHash) -> Result<Option<(UserId, Time)>, StoreError> {
        read::session(&self.readers, hash).await
    }

    async fn delete_sessions(&self, expired: Time) -> Result<(), StoreError> {
        // An idle service leaves the disk alone.
        if read::has_expired_sessions(&self.readers, expired).await? {
            self.writer.write(change::delete_sessions(expired)).await?;
        }
        Ok(())
    }

    async fn operator_keys(&self) -> Result<Vec<TokenHash>, StoreError> {
        read::operator_keys(&self.readers).await
    }

    async fn put_operator_key(&self, hash: TokenHash, event: NewEvent) -> Result<(), StoreError> {
        Ok(self.writer.write(change::put_operator_key(hash, &event)).await?)
    }

    async fn secret(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        read::secret(&self.readers, name).await
    }

    async fn put_secret(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.writer.write(change::put_secret(name, sealed)).await?;
        self.secret(name).await?.ok_or(StoreError::Damaged)
    }

    async fn notice(&self, user: &UserId, wallet: WalletId) -> Result<Option<Notice>, StoreError> {
        read::notice(&self.readers, user, wallet).await
    }

    async fn notices(
        &self,
        after: Option<(UserId, WalletId)>,
        limit: u32,
    ) -> Result<Vec<(UserId, WalletId)>, StoreError> {
        read::notices(&self.readers, after, limit).await
    }

    async fn put_notice(
        &self,
        user: &UserId,
        wallet: WalletId,
        notice: NewNotice,
    ) -> Result<(), NoticeError> {
        self.writer.write(change::put_notice(user, wallet, notice)).await.map_err(Into::into)
    }

    async fn delete_notice(
        &self,
        user: &UserId,
        wallet: WalletId,
        version: u64,
    ) -> Result<(), StoreError> {
        Ok(self.writer.write(change::delete_notice(user, wallet, version)).await?)
    }

    async fn trusted_custodians(&self) -> Result<Vec<TrustedCustodian>, StoreError> {
        read::trusted_custodians(&self.readers).await
    }

    async fn put_trusted_custodian(
        &self,
        custodian: TrustedCustodian,
        event: NewEvent,
    ) -> Result<(), StoreError> {
        Ok(self.writer.write(change::put_trusted_custodian(&custodian, &event)).await?)
    }

    async fn delete_trusted_custodian(
        &self,
        identity: &CustodianIdentity,
        event: NewEvent,
    ) -> Result<(), StoreError> {
        Ok(self.writer.write(change::delete_trusted_custodian(identity, &event)).await?)
    }

    async fn delete_user(&self, user: &UserId, event: NewEvent) -> Result<u64, StoreError> {
        let wallets = self.wallets(user).await?.len();
        self.writer.write(change::delete_user(user, &event)).await?;
        Ok(wallets as u64)
    }

    async fn all_wallets(
        &self,
        after: Option<(UserId, WalletId)>,
        limit: u32,
    ) -> Result<Vec<(UserId, WalletId)>, StoreError> {
        read::all_wallets(&self.readers, after, limit).await
    }

    async fn is_restoring(&self) -> Result<bool, StoreError> {
        Ok(self.secret(change::RESTORING).await?.is_some())
    }

    async fn set_restoring(&self, is_restoring: bool) -> Result<(), StoreError> {
        Ok(self.writer.write(change::set_restoring(is_restoring)).await?)
    }

    fn health(&self) -> Result<(), StoppedWriting> {
        self.writer.health()
    }

    async fn scrub(&self) -> Result<(), StoreError> {
        self.writer.scrub().await
    }

    async fn close(&self) {
        // The readers first, so that the journal can be emptied.
        self.readers.close().await;
        self.writer.close().await;
    }
}

impl fmt::Debug for SqliteRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteRepository").field("path", &self.path).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{Connection as _, Row as _};

    use super::*;

    /// A database of before conversions: each receipt that is asked for again says the kind that its
    /// wallet has had all along.
    #[tokio::test]
    async fn commits_of_before_keep_the_kind_of_their_wallet() {
        let mut database = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let sql = |at: usize| MIGRATIONS[at].1;
        sqlx::raw_sql(sql(0)).execute(&mut database).await.unwrap();
        let before = "INSERT INTO users VALUES (1, 'alice'); \
            INSERT INTO wallets VALUES (1, 1, zeroblob(16), 0, 1, 0, 0, 0, 0, NULL, 0, NULL, NULL, 0, NULL); \
            INSERT INTO wallets VALUES (2, 1, randomblob(16), 0, 2, 0, 0, 0, 0, NULL, 0, NULL, NULL, 0, NULL); \
            INSERT INTO operations VALUES (1, x'01', 1, 2, NULL, 1, NULL, 0); \
            INSERT INTO operations VALUES (2, x'02', 1, 2, NULL, 1, NULL, 0); \
            INSERT INTO operations VALUES (2, x'03', 2, NULL, NULL, NULL, NULL, 0);";
        sqlx::raw_sql(before).execute(&mut database).await.unwrap();
        sqlx::raw_sql(sql(1)).execute(&mut database).await.unwrap();
        let rows = sqlx::query("SELECT kind FROM operations ORDER BY id");
        let rows = rows.fetch_all(&mut database).await.unwrap();
        let kinds: Vec<Option<i64>> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(kinds, [Some(1), Some(2), None]);
    }
}
