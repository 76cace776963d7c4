//! What keeps the device's secrets.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use twoshare::{
    core::{id::WalletId, method::Password, secret::SecretBytes},
    device::{self, Counter, Protection},
};

use crate::{
    error::{
        DeleteError, DeviceFault, DiscardError, LoadError, OpenDeviceError, PasswordChangeError,
        PasswordError, SaveError, SettingsError,
    },
    foreign::{self, TIMEOUT},
    runtime,
};

/// What keeps the secrets of this device's wallets from one start of the app to the next.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum Device {
    /// A directory of sealed files.
    File {
        /// The directory.
        device: Arc<FileDevice>,
    },
    /// Memory, for tests and demonstrations.
    Memory {
        /// The device.
        device: Arc<MemoryDevice>,
    },
    /// Storage of the app's own.
    Own {
        /// What the app has written.
        state: Arc<dyn DeviceState>,
        /// How long one call of it is waited for before it has failed as timed out; 30 s without one.
        timeout: Option<Duration>,
    },
}

/// Keeps a secret record per wallet: for an app that has a place of its own for them. Most apps take the
/// ready one of their language, which is a [`FileDevice`] whose key the platform's key store has.
///
/// - **Durable.** What `save` and `delete` have returned from survives the end of the process and a loss of
///   power.
/// - **Atomic.** Killed at any instant, the record is the old one or the new one, whole.
/// - **Compare and set.** Every change names the counter of the record that it was made from, and is refused
///   if that is no longer the one there. Counters of a wallet only rise, also over a deletion, so that a
///   writer that comes late, or a copy of the app that has the same record, cannot bring an old record back.
/// - **Repeatable.** Every call may be repeated. One that was cancelled, timed out or failed has happened or
///   not: `load` says which.
/// - **Apart.** Wallets do not see each other's records.
/// - **Secret.** Records are protected at rest, **on this device only**: sealed under the platform's key
///   store, readable by this app only, and excluded from backups to a cloud and from the transfer to a new
///   device. Whoever reads one has what the device has.
///
/// Calls come from several tasks at once, about different wallets. One that throws something else than the
/// error of its signature has failed, and one that does not return in time has too; neither harms the app.
/// None may call the client about the same wallet and wait for it: the client waits for this.
#[uniffi::export(with_foreign)]
#[async_trait]
pub trait DeviceState: Send + Sync {
    /// The wallets that have a record, damaged ones included.
    ///
    /// # Errors
    ///
    /// The storage failed.
    async fn wallets(&self) -> Result<Vec<WalletId>, DeviceFault>;

    /// The record of this wallet, if there is one.
    ///
    /// # Errors
    ///
    /// It is damaged, or the storage failed.
    async fn load(&self, wallet: WalletId) -> Result<Option<Record>, LoadError>;

    /// Makes `contents` the wallet's record, in the place of the one whose counter is `expected`, or of none.
    /// Gives the counter that it has now: one more than the wallet's last record had, 1 for the first.
    ///
    /// `contents` are secret, up to 64 MiB, and mostly a few KiB.
    ///
    /// # Errors
    ///
    /// `Conflict` where another record is there than was expected.
    async fn save(
        &self,
        wallet: WalletId,
        contents: Vec<u8>,
        expected: Option<Counter>,
    ) -> Result<Counter, SaveError>;

    /// Makes the wallet have no record any more, if the one there is the one whose counter is `expected`. The
    /// counter is remembered. Where there is none, that is no error.
    ///
    /// # Errors
    ///
    /// `Conflict` where another record is there than was expected.
    async fn delete(&self, wallet: WalletId, expected: Counter) -> Result<(), DeleteError>;

    /// Makes a wallet whose record is damaged have none, so that it can be recovered onto this device. Where
    /// there is none, that is no error.
    ///
    /// # Errors
    ///
    /// `Intact` where the record is not damaged.
    async fn discard(&self, wallet: WalletId) -> Result<(), DiscardError>;
}

impl fmt::Debug for dyn DeviceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceState")
    }
}

/// What is kept of a wallet.
#[derive(Clone, uniffi::Record)]
pub struct Record {
    /// Which one it is: what the next `save` expects.
    pub counter: Counter,
    /// What was saved, byte for byte. Secret.
    pub contents: Vec<u8>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("counter", &self.counter).finish_non_exhaustive()
    }
}

/// A device in a directory: a sealed file per wallet. Killed at any instant, or without power, it has the old
/// record or the new one.
///
/// Leave the directory out of backups and of the transfer to a new device: what is restored from one is an
/// old device, and a copy of it in a cloud is a second one. One process at a time has the directory.
#[derive(Debug, uniffi::Object)]
pub struct FileDevice(twoshare::FileDevice);

#[uniffi::export]
impl FileDevice {
    /// The device in this directory, which is made if there is none; then it has this password, if one is
    /// given. Without one, its files are protected by their permissions and nothing else: on a phone use the
    /// ready device of your language, whose key is in the platform's key store.
    ///
    /// # Errors
    ///
    /// Why it was not opened. Nothing has changed then.
    #[uniffi::constructor(default(password = None))]
    pub async fn open(path: String, password: Option<String>) -> Result<Self, OpenDeviceError> {
        runtime::run(None, async move {
            let password = password.map(device_password).transpose()?;
            Ok(Self(twoshare::FileDevice::open(path, password).await?))
        })
        .await
    }

    /// The same for a device that the platform keeps the key of. A new one gets this key; so keep it in the platform's key
    /// store **before** this call, and make one only where that has none.
    ///
    /// # Errors
    ///
    /// `WrongPlatformKey` is what a directory says that was brought here from another device.
    #[uniffi::constructor]
    pub async fn open_with_platform_key(
        path: String,
        key: Arc<PlatformKey>,
    ) -> Result<Self, OpenDeviceError> {
        runtime::run(None, async move {
            let key = key.0.clone();
            Ok(Self(twoshare::FileDevice::open_with_platform_key(path, key).await?))
        })
        .await
    }

    /// What keeps others from reading the files.
    ///
    /// # Errors
    ///
    /// The storage failed.
    pub async fn protection(&self) -> Result<Protection, DeviceFault> {
        let device = self.0.clone();
        runtime::run(None, async move { Ok(device.protection().await?) }).await
    }

    /// Sets, changes or (with none) removes the device password, in the place of a platform key too. Everything is sealed
    /// anew, under a new key. Killed in between, the password is the old or the new one, and nothing is lost.
    ///
    /// # Errors
    ///
    /// It is the old or the new one: try again with both.
    pub async fn set_password(&self, password: Option<String>) -> Result<(), PasswordChangeError> {
        let device = self.0.clone();
        runtime::run(None, async move {
            let password = password.map(device_password).transpose()?;
            Ok(device.set_password(password).await?)
        })
        .await
    }

    /// Puts the device under this platform key, in the place of another one, of a password or of nothing. Keep both keys
    /// until this has returned.
    ///
    /// # Errors
    ///
    /// It is the old or the new one: try again with both.
    pub async fn set_platform_key(&self, key: Arc<PlatformKey>) -> Result<(), PasswordChangeError> {
        let device = self.0.clone();
        runtime::run(None, async move { Ok(device.set_platform_key(key.0.clone()).await?) }).await
    }

    /// What the app keeps beside the wallets, sealed as they are: addresses, a session token.
    ///
    /// # Errors
    ///
    /// It is damaged, or the storage failed.
    pub async fn settings(&self) -> Result<Option<Vec<u8>>, LoadError> {
        let device = self.0.clone();
        runtime::run(None, async move {
            // Exposed: to the app, whose they are.
            Ok(device.settings().await?.map(|settings| settings.expose_secret().to_vec()))
        })
        .await
    }

    /// Keeps these settings, in the place of those that are there, damaged ones included.
    ///
    /// # Errors
    ///
    /// They were not saved.
    pub async fn save_settings(&self, settings: Vec<u8>) -> Result<(), SettingsError> {
        let device = self.0.clone();
        let settings = SecretBytes::from(settings);
        runtime::run(None, async move { Ok(device.save_settings(&settings).await?) }).await
    }

    /// Makes a wallet whose record is damaged (`LoadError.Damaged`) have none, so that it can be recovered onto this device.
    ///
    /// # Errors
    ///
    /// `Intact` where the record is not damaged.
    pub async fn discard(&self, wallet: WalletId) -> Result<(), DiscardError> {
        let device = self.0.clone();
        runtime::run(None, async move { Ok(device::DeviceState::discard(&device, wallet).await?) })
            .await
    }
}

/// Whether there is a device in this directory, and what is needed to open it.
///
/// # Errors
///
/// It cannot be looked at.
#[uniffi::export]
pub async fn file_device_protection(path: String) -> Result<Option<Protection>, OpenDeviceError> {
    runtime::run(None, async move { Ok(twoshare::FileDevice::protection_of(path).await?) }).await
}

/// What keeps others from reading the files of a device in a directory.
#[uniffi::remote(Enum)]
pub enum Protection {
    /// A device password.
    Password,
    /// A key that the platform keeps.
    PlatformKey,
    /// The permissions of the key file, and nothing else.
    KeyFile,
}

/// 32 secret bytes that the platform keeps for a device in a directory: in the Keychain, for this device only and while it is
/// unlocked, or sealed by a key of the Keystore. Wiped when it is dropped.
#[derive(Debug, uniffi::Object)]
pub struct PlatformKey(device::PlatformKey);

#[uniffi::export]
impl PlatformKey {
    /// A new one. Keep it in the platform's key store before a device is opened with it.
    #[uniffi::constructor]
    #[must_use]
    pub fn make() -> Self {
        Self(device::PlatformKey::make(&mut twoshare::rng()))
    }

    /// The one with these 32 bytes, as the platform has kept them.
    ///
    /// # Errors
    ///
    /// They are not 32.
    #[uniffi::constructor]
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, PlatformKeyError> {
        let bytes = zeroize::Zeroizing::new(bytes);
        match bytes.as_slice().try_into() {
            Ok(bytes) => Ok(Self(device::PlatformKey::from_bytes(bytes))),
            Err(_) => {
                let found = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                Err(PlatformKeyError::Length { found })
            }
        }
    }

    /// The 32 bytes, for the platform to keep and for nobody else.
    #[must_use]
    pub fn expose_secret(&self) -> Vec<u8> {
        // Exposed: to the platform's key store.
        self.0.expose_secret().to_vec()
    }
}

/// Why bytes are no platform key.
#[derive(Debug, Clone, thiserror::Error, uniffi::Error)]
pub enum PlatformKeyError {
    /// There are not 32: what the key store gave is something else.
    #[error("a platform key has 32 bytes, not {found}")]
    Length {
        /// How many there are.
        found: u64,
    },
}

/// The password of a device, as it was entered.
fn device_password(entered: String) -> Result<Password, PasswordError> {
    let entered = zeroize::Zeroizing::new(entered);
    Ok(Password::new(&entered)?)
}

/// A device in memory, for tests and demonstrations: what it keeps ends with it.
#[derive(Debug, uniffi::Object)]
pub struct MemoryDevice(twoshare::MemoryDevice);

#[uniffi::export]
impl MemoryDevice {
    /// A device with nothing on it.
    #[uniffi::constructor]
    #[must_use]
    pub fn new() -> Self {
        Self(twoshare::MemoryDevice::new())
    }

    /// A copy of everything as it is now, which goes its own way: a device restored from a backup, or one that
    /// a thief has copied.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        Self(self.0.snapshot())
    }
}

impl Default for MemoryDevice {
    fn default() -> Self {
        Self::new()
    }
}

/// Any of them, as the client has it.
#[derive(Debug)]
pub(crate) struct AnyDevice(Box<dyn device::DeviceState>);

impl From<Device> for AnyDevice {
    fn from(device: Device) -> Self {
        Self(match device {
            Device::File { device } => Box::new(device.0.clone()),
            Device::Memory { device } => Box::new(device.0.clone()),
            Device::Own { state, timeout } => {
                Box::new(OwnDevice { state, timeout: timeout.unwrap_or(TIMEOUT) })
            }
        })
    }
}

#[async_trait]
impl device::DeviceState for AnyDevice {
    async fn wallets(&self) -> Result<Vec<WalletId>, device::DeviceFault> {
        self.0.wallets().await
    }

    async fn load(&self, wallet: WalletId) -> Result<Option<device::Record>, device::LoadError> {
        self.0.load(wallet).await
    }

    async fn save(
        &self,
        wallet: WalletId,
        contents: &SecretBytes,
        expected: Option<Counter>,
    ) -> Result<Counter, device::SaveError> {
        self.0.save(wallet, contents, expected).await
    }

    async fn delete(&self, wallet: WalletId, expected: Counter) -> Result<(), device::DeleteError> {
        self.0.delete(wallet, expected).await
    }

    async fn discard(&self, wallet: WalletId) -> Result<(), device::DiscardError> {
        self.0.discard(wallet).await
    }
}

/// The app's own, with a bound on how long it is waited for.
#[derive(Debug)]
struct OwnDevice {
    state: Arc<dyn DeviceState>,
    timeout: Duration,
}

#[async_trait]
impl device::DeviceState for OwnDevice {
    async fn wallets(&self) -> Result<Vec<WalletId>, device::DeviceFault> {
        let mut wallets =
            foreign::call("DeviceState.wallets", self.timeout, self.state.wallets()).await?;
        wallets.sort_unstable();
        wallets.dedup();
        Ok(wallets)
    }

    async fn load(&self, wallet: WalletId) -> Result<Option<device::Record>, device::LoadError> {
        let record =
            foreign::call("DeviceState.load", self.timeout, self.state.load(wallet)).await?;
        Ok(record.map(|Record { counter, contents }| device::Record {
            counter,
            contents: SecretBytes::from(contents),
        }))
    }

    async fn save(
        &self,
        wallet: WalletId,
        contents: &SecretBytes,
        expected: Option<Counter>,
    ) -> Result<Counter, device::SaveError> {
        // Exposed: to the app's own storage, which protects it at rest.
        let contents = contents.expose_secret().to_vec();
        Ok(foreign::call(
            "DeviceState.save",
            self.timeout,
            self.state.save(wallet, contents, expected),
        )
        .await?)
    }

    async fn delete(&self, wallet: WalletId, expected: Counter) -> Result<(), device::DeleteError> {
        Ok(foreign::call("DeviceState.delete", self.timeout, self.state.delete(wallet, expected))
            .await?)
    }

    async fn discard(&self, wallet: WalletId) -> Result<(), device::DiscardError> {
        Ok(foreign::call("DeviceState.discard", self.timeout, self.state.discard(wallet)).await?)
    }
}
