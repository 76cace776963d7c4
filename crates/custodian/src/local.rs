//! A custodian without configuration, in a directory: the database, the master key and the
//! operator's key.
//!
//! **Backing it up.** Keep the master key apart from the database: whoever has both has the
//! custodian's half of everything, and nobody who has one has anything. The key does not change, so
//! that one copy is enough. Copy the database with
//! [`SqliteRepository::copy_to`](crate::sqlite::SqliteRepository::copy_to) while the service runs,
//! or all its files while it does not.
//!
//! **Restoring it.** Put the copy in place (and no journal beside it) and start with
//! [`Config::restored`](crate::Config::restored). A copy is old: what it calls active may have ended
//! since, and a removed method or a revoked device would count again. So every wallet in it stands
//! still: what was pending or waiting is given up, and nothing goes on but one recovery (or replace)
//! for each wallet that its operator approved, by the operation id which the owner reads out. Its
//! commit ends everything that the copy had. A copy older than
//! [`Policy::restore_window`](twoshare_protocol::rules::Policy::restore_window) may miss envelopes
//! that were retired meanwhile.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use twoshare_core::secret::SecretBytes;
use twoshare_protocol::rules::Policy;

use crate::{
    Config, Limits, OpenError, SystemClock, Token, files,
    kms::{LocalKms, LocalKmsError},
    service::put_operator_key,
    sqlite::{SqliteError, SqliteRepository},
};

/// What there is in a data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir {
    path: PathBuf,
}

impl DataDir {
    /// This directory. Nothing is read or made yet.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned() }
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path.join("custodian.db")
    }

    /// The master key.
    #[must_use]
    pub fn master_key(&self) -> PathBuf {
        self.path.join("master.key")
    }

    /// The operator's key, for the operator to read. The database has its hash.
    #[must_use]
    pub fn operator_key(&self) -> PathBuf {
        self.path.join("operator.key")
    }

    /// Opens what is there, and makes what is missing: directory (0700), master key, database and
    /// operator key (0600). With the system's clock, and every default; change what should be
    /// otherwise, and hand it to [`Service::open`](crate::Service::open).
    ///
    /// # Errors
    ///
    /// See [`OpenError`].
    pub async fn open(&self) -> Result<Config, OpenError> {
        let file = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::File { path, source }
        };
        files::create_private_dir(&self.path).map_err(file(&self.path))?;
        let kms = self.kms()?;
        let path = self.database();
        let repository = SqliteRepository::open(&path).await.map_err(|error| match error {
            SqliteError::File { path, source } => OpenError::File { path, source },
            SqliteError::Newer => OpenError::NewerDatabase,
            SqliteError::Database(source) => OpenError::Database(source),
        })?;
        let config = Config {
            repository: Arc::new(repository),
            kms: Arc::new(kms),
            authenticator: None,
            signing_shares: None,
            clock: Arc::new(SystemClock),
            policy: Policy::default(),
            limits: Limits::default(),
            restored: false,
        };
        self.find_operator_key(&config).await?;
        Ok(config)
    }

    /// The master key; a new one only where nothing was sealed with another.
    fn kms(&self) -> Result<LocalKms, OpenError> {
        let path = self.master_key();
        let failed = |error| match error {
            LocalKmsError::File(source) => OpenError::File { path: path.clone(), source },
            LocalKmsError::Malformed => OpenError::MalformedKey { path: path.clone() },
        };
        if path.exists() {
            return LocalKms::open(&path).map_err(failed);
        }
        if self.database().exists() {
            return Err(OpenError::MasterKeyMissing { path });
        }
        LocalKms::create(&path, &mut rand::rng()).map_err(failed)
    }

    /// The operator's key is the one in the file; a new one where there is none.
    async fn find_operator_key(&self, config: &Config) -> Result<(), OpenError> {
        let path = self.operator_key();
        let failed = |source| OpenError::File { path: path.clone(), source };
        let key = if path.exists() {
            let text = files::read_secret(&path).map_err(failed)?;
            // Exposed: to be read as a key.
            let text = core::str::from_utf8(text.expose_secret());
            let malformed = || OpenError::MalformedKey { path: path.clone() };
            Token::parse(text.map_err(|_| malformed())?).map_err(|_| malformed())?
        } else {
            let key = Token::make(&mut rand::rng());
            // Exposed: to the operator's own file.
            let mut text = SecretBytes::from(key.expose_secret().as_bytes());
            text.extend(b"\n");
            files::create_secret(&path, &text).map_err(failed)?;
            key
        };
        let known = config.repository.operator_keys().await?;
        if known != [key.hash()] {
            put_operator_key(config, &key).await?;
        }
        Ok(())
    }
}
