//! A device in a directory of files.

mod disk;
mod keyring;
mod platform_key;
mod record;
#[cfg(test)]
mod tests;
mod vault;

use std::{
    fmt, io,
    io::ErrorKind,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use thiserror::Error;
use tokio::runtime::Handle;
use twoshare_core::{id::WalletId, method::Password, secret::SecretBytes};

pub use self::platform_key::PlatformKey;
use self::{
    disk::Folder,
    keyring::Opener,
    vault::{Fault, Vault},
};
use super::{
    Counter, DeleteError, DeviceFault, DeviceState, DiscardError, LoadError, Record, SaveError,
};
use crate::directory::is_full;

/// A directory that plays the device: a sealed file per wallet.
///
/// Every file is written under another name, synced to the disk, read back and only then given its
/// name, and the directory is synced too: killed at any instant, or without power, it has the old record
/// or the new one. Files are sealed with AES-256-GCM, whose additional data are the format's version,
/// the wallet and the counter, so that no file passes for another's or for a later one.
///
/// The key they are sealed with is in the file `device.key`:
///
/// - **With a device password** it is sealed under Argon2id of it. Whoever copies the directory has to
///   guess the password; [`PasswordPolicy::check`](twoshare_core::method::PasswordPolicy::check) judges
///   one before it is set.
/// - **Without one** it is there in plain, readable by its owner only (0600). That keeps out other users
///   of the machine, and whoever has some of the files without that one. It does not keep out anybody who
///   can read the whole directory: a program of the same user, a thief with the disk, a backup.
/// - **With a [`PlatformKey`]** it is sealed under HKDF-SHA256 of that, and the phone's own key store keeps
///   the platform key, on this device only. A copy of the directory on another device, or what a backup
///   has of it, is opened by nobody.
///
/// Leave the directory out of backups all the same: what is restored from one is an old device.
///
/// **An old copy that is put back.** While the device is open, a record that is older than one that was
/// there, or that was taken away, is damaged. A whole copy from before the password or the platform key
/// was changed is refused with them. Nothing else in a directory shows that somebody has put back an old
/// copy of all of it, on the same device and while it was closed; the custodian's signed state does.
///
/// One process at a time has the directory. Its lock is the kernel's, and ends with the process in
/// whatever way that ends. Clones are the same device. Other files in the directory are left alone.
///
/// The work is done on the threads that tokio keeps for blocking work or, outside a tokio runtime, on
/// the thread that polls. It goes on to its end when a future is dropped.
#[derive(Clone)]
pub struct FileDevice {
    path: PathBuf,
    vault: Arc<Mutex<Vault<Folder>>>,
}

impl FileDevice {
    /// The device in this directory, which is made if there is none; then it has this password, if one is
    /// given. What a killed process has left behind is cleaned up.
    ///
    /// # Errors
    ///
    /// See [`OpenDeviceError`].
    pub async fn open(
        path: impl Into<PathBuf>,
        password: Option<Password>,
    ) -> Result<Self, OpenDeviceError> {
        Self::open_with(path.into(), password.into()).await
    }

    /// The same for a device that the platform keeps the key of. A new one gets this key; so keep it in
    /// the platform's key store *before* this call, and make one only where that has none.
    ///
    /// # Errors
    ///
    /// See [`OpenDeviceError`]. [`WrongPlatformKey`](OpenDeviceError::WrongPlatformKey) is what a directory
    /// says that was brought here from another device.
    pub async fn open_with_platform_key(
        path: impl Into<PathBuf>,
        key: PlatformKey,
    ) -> Result<Self, OpenDeviceError> {
        Self::open_with(path.into(), Opener::PlatformKey(key)).await
    }

    async fn open_with(path: PathBuf, opener: Opener) -> Result<Self, OpenDeviceError> {
        let folder = path.clone();
        let opened = blocking(move || Vault::open(Folder::open(&folder)?, &opener)).await;
        let vault = opened.map_err(|error| OpenDeviceError::new(error.into(), path.clone()))?;
        let vault = vault.map_err(|error| OpenDeviceError::new(error, path.clone()))?;
        Ok(Self { path, vault: Arc::new(Mutex::new(vault)) })
    }

    /// Whether there is a device in this directory, and what is needed to open it.
    ///
    /// # Errors
    ///
    /// See [`OpenDeviceError`].
    pub async fn protection_of(
        path: impl Into<PathBuf>,
    ) -> Result<Option<Protection>, OpenDeviceError> {
        let path = path.into();
        let folder = path.clone();
        let read = blocking(move || vault::protection(&disk::Unlocked::new(&folder))).await;
        let read = read.map_err(|error| OpenDeviceError::new(error.into(), path.clone()))?;
        read.map_err(|error| OpenDeviceError::new(error, path))
    }

    /// What keeps others from reading the files.
    ///
    /// # Errors
    ///
    /// See [`DeviceFault`].
    pub async fn protection(&self) -> Result<Protection, DeviceFault> {
        self.with(|vault| vault.protection()).await
    }

    /// Sets, changes or (with `None`) removes the device password, in the place of a platform key too.
    /// Everything is sealed anew, under a new
    /// key: whoever has the old password, or the key file of before, opens nothing with it but what was
    /// copied before. Killed in between, the password is the old or the new one, and nothing is lost.
    ///
    /// What was on the disk before may still be found there with means that go around the file system.
    ///
    /// # Errors
    ///
    /// See [`PasswordChangeError`].
    pub async fn set_password(
        &self,
        password: Option<Password>,
    ) -> Result<(), PasswordChangeError> {
        self.set_lock(password.into()).await
    }

    /// Puts the device under this platform key, in the place of another one, of a password or of nothing,
    /// as [`set_password`](Self::set_password) does. A copy of the directory from before opens with the
    /// key of before only: once the platform has forgotten that, with none.
    ///
    /// Keep both keys until this has returned.
    ///
    /// # Errors
    ///
    /// See [`PasswordChangeError`].
    pub async fn set_platform_key(&self, key: PlatformKey) -> Result<(), PasswordChangeError> {
        self.set_lock(Opener::PlatformKey(key)).await
    }

    async fn set_lock(&self, opener: Opener) -> Result<(), PasswordChangeError> {
        let changed = self.with(move |vault| vault.set_lock(&opener)).await?;
        changed.map_err(|error| match error {
            Fault::Io(error) if is_full(&error) => PasswordChangeError::Full,
            Fault::Newer { version } => PasswordChangeError::NewerVersion { version },
            Fault::Memory => PasswordChangeError::NoMemory,
            error => PasswordChangeError::Fault(self.fault(error)),
        })
    }

    /// What the app keeps beside the wallets, sealed as they are: addresses, a session token.
    ///
    /// # Errors
    ///
    /// See [`LoadError`].
    pub async fn settings(&self) -> Result<Option<SecretBytes>, LoadError> {
        match self.with(|vault| vault.settings()).await? {
            Ok(settings) => Ok(settings),
            Err(Fault::Damaged) => Err(LoadError::Damaged),
            Err(Fault::Newer { version }) => Err(LoadError::NewerVersion { version }),
            Err(error) => Err(self.fault(error).into()),
        }
    }

    /// Keeps these settings, in the place of those that are there, damaged ones included.
    ///
    /// # Errors
    ///
    /// See [`SettingsError`].
    pub async fn save_settings(&self, settings: &SecretBytes) -> Result<(), SettingsError> {
        let settings = settings.clone();
        match self.with(move |vault| vault.save_settings(&settings)).await? {
            Ok(()) => Ok(()),
            Err(Fault::TooLarge { len, cap }) => Err(SettingsError::TooLarge { len, cap }),
            Err(Fault::Io(error)) if is_full(&error) => Err(SettingsError::Full),
            Err(error) => Err(self.fault(error).into()),
        }
    }

    /// Does `work` where it may block, one at a time.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vault<Folder>) -> T + Send + 'static,
    ) -> Result<T, DeviceFault> {
        let vault = Arc::clone(&self.vault);
        // A panic leaves what a killed process leaves, and that is whole.
        let work = move || work(&mut vault.lock().unwrap_or_else(PoisonError::into_inner));
        blocking(work).await.map_err(|error| DeviceFault::Failed(error.into()))
    }

    fn fault(&self, fault: Fault) -> DeviceFault {
        match fault {
            Fault::Io(error) if is_denied(&error) => {
                DeviceFault::Denied { scope: self.path.display().to_string() }
            }
            Fault::Io(error) => DeviceFault::Failed(error.into()),
            fault => DeviceFault::Failed(Box::new(fault)),
        }
    }
}

#[async_trait]
impl DeviceState for FileDevice {
    async fn wallets(&self) -> Result<Vec<WalletId>, DeviceFault> {
        self.with(Vault::wallets).await?.map_err(|error| self.fault(error))
    }

    async fn load(&self, wallet: WalletId) -> Result<Option<Record>, LoadError> {
        match self.with(move |vault| vault.load(wallet)).await? {
            Ok(record) => Ok(record),
            Err(Fault::Damaged) => Err(LoadError::Damaged),
            Err(Fault::Newer { version }) => Err(LoadError::NewerVersion { version }),
            Err(error) => Err(self.fault(error).into()),
        }
    }

    async fn save(
        &self,
        wallet: WalletId,
        contents: &SecretBytes,
        expected: Option<Counter>,
    ) -> Result<Counter, SaveError> {
        let contents = contents.clone();
        match self.with(move |vault| vault.save(wallet, &contents, expected)).await? {
            Ok(counter) => Ok(counter),
            Err(Fault::Conflict { found }) => Err(SaveError::Conflict { found }),
            Err(Fault::Damaged) => Err(SaveError::Damaged),
            Err(Fault::Newer { version }) => Err(SaveError::NewerVersion { version }),
            Err(Fault::TooLarge { len, cap }) => Err(SaveError::TooLarge { len, cap }),
            Err(Fault::Io(error)) if is_full(&error) => Err(SaveError::Full),
            Err(error) => Err(self.fault(error).into()),
        }
    }

    async fn delete(&self, wallet: WalletId, expected: Counter) -> Result<(), DeleteError> {
        match self.with(move |vault| vault.delete(wallet, expected)).await? {
            Ok(()) => Ok(()),
            Err(Fault::Conflict { found: Some(found) }) => Err(DeleteError::Conflict { found }),
            Err(Fault::Damaged) => Err(DeleteError::Damaged),
            Err(Fault::Newer { version }) => Err(DeleteError::NewerVersion { version }),
            Err(Fault::Io(error)) if is_full(&error) => Err(DeleteError::Full),
            Err(error) => Err(self.fault(error).into()),
        }
    }

    async fn discard(&self, wallet: WalletId) -> Result<(), DiscardError> {
        match self.with(move |vault| vault.discard(wallet)).await? {
            Ok(()) => Ok(()),
            Err(Fault::Conflict { found: Some(found) }) => Err(DiscardError::Intact { found }),
            Err(Fault::Newer { version }) => Err(DiscardError::NewerVersion { version }),
            Err(Fault::Io(error)) if is_full(&error) => Err(DiscardError::Full),
            Err(error) => Err(self.fault(error).into()),
        }
    }
}

impl fmt::Debug for FileDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileDevice").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What keeps others from reading the files of a [`FileDevice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protection {
    /// A device password.
    Password,
    /// The permissions of the key file, and nothing else.
    KeyFile,
    /// A key that the platform keeps.
    PlatformKey,
}

/// Why a directory was not opened as a device. Nothing has changed.
#[derive(Debug, Error)]
pub enum OpenDeviceError {
    /// Another process has it: wait until that has ended.
    #[error("the device in {} is in use", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// It has a password: ask for it.
    #[error("the device has a password")]
    PasswordNeeded,
    /// It has none, and one was given: open it without, and set it.
    #[error("the device has no password")]
    NoPassword,
    /// Another password than was set: ask again.
    #[error("wrong device password")]
    WrongPassword,
    /// It is under a platform key: give that.
    #[error("the device is under a key of the platform")]
    PlatformKeyNeeded,
    /// It is under none, and one was given: open it without, and set it.
    #[error("the device is under no key of the platform")]
    NoPlatformKey,
    /// It is under another platform key: it was brought here from another device, or an old copy of it was
    /// put back, or the platform has lost its key. Recover the wallets onto another directory.
    #[error("wrong platform key")]
    WrongPlatformKey,
    /// The key file is damaged, or missing where there are records: what is sealed under it is lost.
    /// Recover the wallets onto another directory.
    #[error("the key of the device in {} is damaged or missing", path.display())]
    Damaged {
        /// The directory.
        path: PathBuf,
    },
    /// It was made by a newer version of the software: update.
    #[error("the device has version {version}, which is newer than this software")]
    NewerVersion {
        /// The version it has.
        version: u8,
    },
    /// Its key file asks for more work or memory than is there: it was made elsewhere, or changed.
    #[error("the device's key asks for too much work")]
    ExcessiveWork,
    /// The permission to read and write here is missing: choose another path, or grant it.
    #[error("permission to use {} is missing", path.display())]
    Denied {
        /// The directory.
        path: PathBuf,
    },
    /// The disk is full: free space, or choose another.
    #[error("the disk is full")]
    Full,
    /// The file system failed otherwise, or has no locks, or something else than a directory is there.
    #[error("{} cannot be used as a device", path.display())]
    Failed {
        /// The directory.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
}

impl OpenDeviceError {
    fn new(fault: Fault, path: PathBuf) -> Self {
        match fault {
            Fault::Io(error) if error.kind() == ErrorKind::WouldBlock => Self::InUse { path },
            Fault::Io(error) if is_denied(&error) => Self::Denied { path },
            Fault::Io(error) if is_full(&error) => Self::Full,
            Fault::Io(source) => Self::Failed { path, source },
            Fault::PasswordNeeded => Self::PasswordNeeded,
            Fault::NoPassword => Self::NoPassword,
            Fault::WrongPassword => Self::WrongPassword,
            Fault::PlatformKeyNeeded => Self::PlatformKeyNeeded,
            Fault::NoPlatformKey => Self::NoPlatformKey,
            Fault::WrongPlatformKey => Self::WrongPlatformKey,
            Fault::Newer { version } => Self::NewerVersion { version },
            Fault::Memory => Self::ExcessiveWork,
            Fault::Damaged | Fault::Conflict { .. } | Fault::TooLarge { .. } => {
                Self::Damaged { path }
            }
        }
    }
}

/// Why the device password or the platform key was not changed. It is the old or the new one: try again
/// with both.
#[derive(Debug, Error)]
pub enum PasswordChangeError {
    /// There is no space left: have the user free some, then try again.
    #[error("the device is full")]
    Full,
    /// There is not enough memory to stretch the password: try again later.
    #[error("there is not enough memory")]
    NoMemory,
    /// A record was saved by a newer version of the software, and cannot be sealed anew by this one:
    /// update.
    #[error("a record has version {version}, which is newer than this software")]
    NewerVersion {
        /// The version it has.
        version: u8,
    },
    /// See there.
    #[error(transparent)]
    Fault(#[from] DeviceFault),
}

/// Why settings were not saved. Unless there was a fault, nothing has changed.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// There is no space left: have the user free some, then try again.
    #[error("the device is full")]
    Full,
    /// More than a record may have.
    #[error("{len} bytes are more than {cap}")]
    TooLarge {
        /// Their length in bytes.
        len: usize,
        /// The most that is taken.
        cap: usize,
    },
    /// See there.
    #[error(transparent)]
    Fault(#[from] DeviceFault),
}

/// Does `work` where it may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let Ok(runtime) = Handle::try_current() else { return Ok(work()) };
    // Fails when the runtime is shut down before the work has begun.
    runtime.spawn_blocking(work).await.map_err(io::Error::other)
}

fn is_denied(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}
