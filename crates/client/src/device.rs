//! What a device keeps of its wallets, between one start of the app and the next.
//!
//! A [`DeviceState`] keeps one opaque, secret record per wallet: the device's shares or keys, what it
//! is in the middle of, and what it has seen. [`FileDevice`] keeps them in a directory. An app on a
//! phone implements the trait over the platform's key store and holds it to
//! `device_state_conformance!` (feature `conformance`).

mod file;
mod memory;

use std::{error::Error, fmt, num::NonZeroU64};

use async_trait::async_trait;
use thiserror::Error;
use twoshare_core::{id::WalletId, secret::SecretBytes};

pub use self::{
    file::{
        FileDevice, OpenDeviceError, PasswordChangeError, PlatformKey, Protection, SettingsError,
    },
    memory::MemoryDevice,
};

/// The longest record, in bytes: 64 MiB. A wallet of sixteen secrets of 1 MiB each, in the middle of an
/// operation, is a little over half of that.
pub const MAX_RECORD: usize = 64 * 1024 * 1024;

/// Keeps a secret record per wallet. The contract, which `device_state_conformance!` (feature
/// `conformance`) tests:
///
/// - **Durable.** What `save` and `delete` have returned from survives the end of the process and a
///   loss of power.
/// - **Atomic.** Killed at any instant, the record is the old one or the new one, whole.
/// - **Compare and set.** Every change names the [`Counter`] of the record that it was made from, and
///   is refused if that is no longer the one there. Counters of a wallet only rise, also over a
///   deletion, so that a writer that comes late, or a copy of the app that has the same record, cannot
///   bring an old record back.
/// - **Repeatable.** Every call may be repeated. One whose future was dropped, or that failed, has
///   happened or not: `load` says which.
/// - **Apart.** Wallets do not see each other's records.
/// - **Secret.** Records are protected at rest, on this device only: sealed under the platform's key
///   store or a password, readable by this app only, and out of backups to a cloud. Whoever reads one
///   has what the device has.
///
/// What it does not promise: that nobody who can write to the device puts back an old copy of
/// everything, counters included. The custodian's signed state shows that.
#[async_trait]
pub trait DeviceState: fmt::Debug + Send + Sync {
    /// The wallets that have a record, damaged ones included, in the order of their ids.
    ///
    /// # Errors
    ///
    /// See [`DeviceFault`].
    async fn wallets(&self) -> Result<Vec<WalletId>, DeviceFault>;

    /// The record of this wallet, if there is one.
    ///
    /// # Errors
    ///
    /// See [`LoadError`].
    async fn load(&self, wallet: WalletId) -> Result<Option<Record>, LoadError>;

    /// Makes this the wallet's record, in the place of the one whose counter is `expected`, or of none.
    /// Gives the counter that it has now.
    ///
    /// # Errors
    ///
    /// See [`SaveError`].
    async fn save(
        &self,
        wallet: WalletId,
        contents: &SecretBytes,
        expected: Option<Counter>,
    ) -> Result<Counter, SaveError>;

    /// Makes the wallet have no record any more, if the one there is the one whose counter is
    /// `expected`. Where there is none, that is no error.
    ///
    /// # Errors
    ///
    /// See [`DeleteError`].
    async fn delete(&self, wallet: WalletId, expected: Counter) -> Result<(), DeleteError>;

    /// Makes a wallet whose record is damaged have none, so that it can be recovered onto this device.
    /// Where there is none, that is no error.
    ///
    /// # Errors
    ///
    /// See [`DiscardError`]. A record that is not damaged is refused.
    async fn discard(&self, wallet: WalletId) -> Result<(), DiscardError>;
}

/// Says which record of a wallet it is: the first is 1, and every change raises it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Counter(NonZeroU64);

impl Counter {
    /// That of a wallet's first record.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The counter with this number; `None` for zero, which no record has.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// That of the next record. It stands still at 2⁶⁴ − 1, which nobody reaches.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is kept of a wallet.
#[derive(Debug, Clone)]
pub struct Record {
    /// Which one it is: what the next `save` expects.
    pub counter: Counter,
    /// What was saved.
    pub contents: SecretBytes,
}

/// The device's storage failed. The record is the old or the new one: load it.
#[derive(Debug, Error)]
pub enum DeviceFault {
    /// It is locked: have the user unlock it.
    #[error("the device's storage is locked")]
    Locked,
    /// The permission is missing: have the user grant it.
    #[error("permission is missing: {scope}")]
    Denied {
        /// The permission or path.
        scope: String,
    },
    /// It failed otherwise: see the source.
    #[error("the device's storage failed")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}

/// Why a record was not loaded.
#[derive(Debug, Error)]
pub enum LoadError {
    /// It is not what was saved, as a whole or in part: recover the wallet, after
    /// [`discard`](DeviceState::discard).
    #[error("the device's record of the wallet is damaged")]
    Damaged,
    /// It was saved by a newer version of the software: update.
    #[error("the device's record has version {version}, which is newer than this software")]
    NewerVersion {
        /// The version it has.
        version: u8,
    },
    /// See there.
    #[error(transparent)]
    Fault(#[from] DeviceFault),
}

/// Why a record was not saved. Unless there was a fault, nothing has changed.
#[derive(Debug, Error)]
pub enum SaveError {
    /// Another record is there than the one that was expected: somebody else has saved. Load it, and
    /// begin again from it.
    #[error("another record is there than was expected")]
    Conflict {
        /// The counter of what is there.
        found: Option<Counter>,
    },
    /// The record that is there is damaged, and is not written over: see [`LoadError::Damaged`].
    #[error("the device's record of the wallet is damaged")]
    Damaged,
    /// The record that is there was saved by a newer version of the software: update.
    #[error("the device's record has version {version}, which is newer than this software")]
    NewerVersion {
        /// The version it has.
        version: u8,
    },
    /// There is no space left: have the user free some, then try again.
    #[error("the device is full")]
    Full,
    /// More than [`MAX_RECORD`], or than this device takes.
    #[error("{len} bytes are more than the {cap} of the longest record")]
    TooLarge {
        /// Its length in bytes.
        len: usize,
        /// The longest that is taken.
        cap: usize,
    },
    /// See there.
    #[error(transparent)]
    Fault(#[from] DeviceFault),
}

/// Why a record was not deleted. Unless there was a fault, nothing has changed.
#[derive(Debug, Error)]
pub enum DeleteError {
    /// Another record is there than the one that was expected: somebody else has saved. Load it, and
    /// see whether it is to be deleted too.
    #[error("another record is there than was expected")]
    Conflict {
        /// The counter of what is there.
        found: Counter,
    },
    /// The record that is there is damaged: see [`LoadError::Damaged`].
    #[error("the device's record of the wallet is damaged")]
    Damaged,
    /// The record that is there was saved by a newer version of the software: update.
    #[error("the device's record has version {version}, which is newer than this software")]
    NewerVersion {
        /// The version it has.
        version: u8,
    },
    /// There is no space left for what remembers the counter: have the user free some.
    #[error("the device is full")]
    Full,
    /// See there.
    #[error(transparent)]
    Fault(#[from] DeviceFault),
}

/// Why a damaged record was not discarded. Unless there was a fault, nothing has changed.
#[derive(Debug, Error)]
pub enum DiscardError {
    /// It is intact: load it.
    #[error("the device's record of the wallet is not damaged")]
    Intact {
        /// Its counter.
        found: Counter,
    },
    /// It was saved by a newer version of the software, and may well be intact: update.
    #[error("the device's record has version {version}, which is newer than this software")]
    NewerVersion {
        /// The version it has.
        version: u8,
    },
    /// There is no space left: have the user free some.
    #[error("the device is full")]
    Full,
    /// See there.
    #[error(transparent)]
    Fault(#[from] DeviceFault),
}
