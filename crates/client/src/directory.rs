//! A store in a directory: three copies of every envelope.

mod copies;

use std::{
    fmt, io,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use thiserror::Error;
use tokio::runtime::Handle;
use twoshare_core::{
    id::WalletId,
    store::{EnvelopeStore, GetError, ObjectName, PutError, StoreFault},
};

use self::copies::{COPIES, Copies, Found, MAX_CONTAINER, Written, is_intact};

/// A directory in which every envelope is kept three times, in the folders `copy-1` to `copy-3`.
///
/// A copy is written under another name, synced to the disk, read back and only then given its name,
/// and its folder is synced too. `put` returns once all three are there; killed in between, it has
/// left nothing, or copies that are whole, and repeating it makes them three. Reading takes the first
/// copy that is intact; where none is, what two of three say for every bit. Damage stays until
/// [`repair`](Self::repair) is asked for, which removes nothing before what replaces it is safe.
///
/// Processes and threads may share a directory: writers take turns by locking a file in it. Other
/// files in it are left alone. On Unix the folders are readable by their owner only (0700, files
/// 0600).
///
/// The work is done on the threads that tokio keeps for blocking work or, outside a tokio runtime, on
/// the thread that polls. It goes on to its end when a future is dropped.
#[derive(Debug, Clone)]
pub struct DirectoryStore {
    root: PathBuf,
    copies: Copies,
}

impl DirectoryStore {
    /// The store in this directory, which is made if there is none.
    ///
    /// # Errors
    ///
    /// See [`DirectoryError`].
    pub fn create(path: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        let root = path.into();
        match Copies::create(&root) {
            Ok(copies) => Ok(Self { root, copies }),
            Err(error) => Err(DirectoryError::from_io(error, root)),
        }
    }

    /// The store that is in this directory already.
    ///
    /// # Errors
    ///
    /// See [`DirectoryError`].
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, DirectoryError> {
        let root = path.into();
        match Copies::open(&root) {
            Ok(copies) => Ok(Self { root, copies }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(DirectoryError::NotAStore { path: root })
            }
            Err(error) => Err(DirectoryError::from_io(error, root)),
        }
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// How every object of every wallet is, in the order of their names. Reads all of them.
    ///
    /// # Errors
    ///
    /// See [`StoreFault`].
    pub async fn health(&self) -> Result<Vec<ObjectHealth>, StoreFault> {
        self.blocking(|copies| {
            Ok(copies.list()?.into_iter().map(|name| health_of(copies, name)).collect())
        })
        .await
        .map_err(|error| self.fault(error))
    }

    /// Writes the copies of an object that are missing or damaged again, and says how they were
    /// before. An intact copy is not touched, a damaged one is replaced in one step, and not before
    /// everything that replaces one is on the disk.
    ///
    /// # Errors
    ///
    /// See [`RepairError`].
    pub async fn repair(&self, name: &ObjectName) -> Result<ObjectHealth, RepairError> {
        let name = *name;
        let result =
            self.blocking(move |copies| Ok((health_of(copies, name), copies.repair(name)?))).await;
        match result {
            Ok((before, Found::Container(_))) => Ok(before),
            Ok((_, Found::Nothing)) => Err(RepairError::NotFound),
            Ok((_, Found::Lost)) => Err(RepairError::Damaged),
            Err(error) if is_full(&error) => Err(RepairError::Full),
            Err(error) => Err(RepairError::Fault(self.fault(error))),
        }
    }

    /// Does `work` where it may block.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Copies) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let Ok(runtime) = Handle::try_current() else { return work(&self.copies) };
        let copies = self.copies.clone();
        // Fails when the runtime is shut down before the work has begun.
        runtime.spawn_blocking(move || work(&copies)).await.map_err(io::Error::other)?
    }

    fn fault(&self, error: io::Error) -> StoreFault {
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                StoreFault::Denied { scope: self.root.display().to_string() }
            }
            ErrorKind::TimedOut
            | ErrorKind::Interrupted
            | ErrorKind::StaleNetworkFileHandle
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown => {
                StoreFault::Unavailable { retry_after: None, source: error.into() }
            }
            _ => StoreFault::Broken(error.into()),
        }
    }
}

#[async_trait]
impl EnvelopeStore for DirectoryStore {
    /// Repairs the copies of what is there already, where `bytes` are the same.
    async fn put(&self, name: &ObjectName, bytes: &[u8]) -> Result<(), PutError> {
        if bytes.len() > MAX_CONTAINER {
            return Err(PutError::TooLarge { len: bytes.len(), cap: MAX_CONTAINER });
        }
        if !is_intact(*name, bytes) {
            // It could not be told from a damaged one afterwards.
            return Err(PutError::Fault(StoreFault::Broken(Box::new(NoContainer))));
        }
        let (name, container) = (*name, bytes.to_vec());
        match self.blocking(move |copies| copies.write(name, &container)).await {
            Ok(Written::Safe) => Ok(()),
            Ok(Written::Exists) => Err(PutError::Exists),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(PutError::Exists),
            Err(error) if is_full(&error) => Err(PutError::Full),
            Err(error) => Err(PutError::Fault(self.fault(error))),
        }
    }

    async fn get(&self, name: &ObjectName) -> Result<Vec<u8>, GetError> {
        let name = *name;
        match self.blocking(move |copies| copies.read(name)).await {
            Ok(Found::Container(container)) => Ok(container),
            Ok(Found::Nothing) => Err(GetError::NotFound),
            Ok(Found::Lost) => Err(GetError::Damaged),
            Err(error) => Err(GetError::Fault(self.fault(error))),
        }
    }

    async fn list(&self, wallet: WalletId) -> Result<Vec<ObjectName>, StoreFault> {
        let mut names = self.blocking(Copies::list).await.map_err(|error| self.fault(error))?;
        names.retain(|name| name.envelope.wallet == wallet);
        Ok(names)
    }

    async fn delete(&self, name: &ObjectName) -> Result<(), StoreFault> {
        let name = *name;
        self.blocking(move |copies| copies.remove(name)).await.map_err(|error| self.fault(error))
    }
}

/// How the copies of an object are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectHealth {
    /// The object.
    pub name: ObjectName,
    /// Each copy.
    pub copies: [CopyHealth; COPIES],
    /// What that means for the object.
    pub verdict: Verdict,
}

/// How one copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CopyHealth {
    /// It holds the object.
    Intact,
    /// There is none.
    Missing,
    /// It holds something else than was written.
    Damaged,
    /// The file system does not let it be read.
    Unreadable,
}

impl fmt::Display for CopyHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Intact => "intact",
            Self::Missing => "missing",
            Self::Damaged => "damaged",
            Self::Unreadable => "unreadable",
        })
    }
}

/// Whether an object can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// All copies are intact.
    Intact,
    /// It can be read, but not every copy is intact: have it repaired.
    Repairable,
    /// It cannot be read: look in another store, and delete it here.
    Lost,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Intact => "intact",
            Self::Repairable => "repairable",
            Self::Lost => "lost",
        })
    }
}

/// Why a directory cannot be used as a store.
#[derive(Debug, Error)]
pub enum DirectoryError {
    /// There is no store here: check the path.
    #[error("there is no store in {}", path.display())]
    NotAStore {
        /// The path that was given.
        path: PathBuf,
    },
    /// The permission to write here is missing: choose another path, or grant it.
    #[error("permission to write in {} is missing", path.display())]
    Denied {
        /// The path that was given.
        path: PathBuf,
    },
    /// The disk is full: free space, or choose another.
    #[error("the disk is full")]
    Full,
    /// The file system failed otherwise, or something else than a directory is in the way.
    #[error("{} cannot be used as a directory", path.display())]
    Failed {
        /// The path that was given.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
}

impl DirectoryError {
    fn from_io(source: io::Error, path: PathBuf) -> Self {
        match source.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::Denied { path },
            _ if is_full(&source) => Self::Full,
            _ => Self::Failed { path, source },
        }
    }
}

/// Why an object was not repaired. Nothing was removed then.
#[derive(Debug, Error)]
pub enum RepairError {
    /// There is no such object.
    #[error("no such object")]
    NotFound,
    /// No copy is intact, and together they do not give the object either: put it again from another
    /// store.
    #[error("all copies are damaged")]
    Damaged,
    /// The disk is full: free space, then try again.
    #[error("the disk is full")]
    Full,
    /// The file system failed.
    #[error(transparent)]
    Fault(StoreFault),
}

/// The caller of `put` gave bytes that are not what every store keeps.
#[derive(Debug, Error)]
#[error("the bytes to be stored are not an intact container of what the name is for")]
struct NoContainer;

fn health_of(copies: &Copies, name: ObjectName) -> ObjectHealth {
    let each = copies.health(name);
    let verdict = match copies.read(name) {
        _ if each == [CopyHealth::Intact; COPIES] => Verdict::Intact,
        Ok(Found::Container(_)) => Verdict::Repairable,
        Ok(Found::Nothing | Found::Lost) | Err(_) => Verdict::Lost,
    };
    ObjectHealth { name, copies: each, verdict }
}

pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
    )
}
