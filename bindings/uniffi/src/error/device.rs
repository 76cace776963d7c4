//! Why the device's storage did not do what it was asked.

use super::{Counter, Ended, Mirrors, PasswordError, SourceError};

mirror! {
    /// The device's storage failed. The record is the old or the new one: load it.
    part DeviceFault = twoshare::device::DeviceFault {
        /// It is locked: have the user unlock it.
        Locked,
        /// The permission is missing: have the user grant it.
        Denied {
            /// The permission or path.
            scope: String,
        },
        /// It failed otherwise: see the source.
        Failed(source: SourceError),
    }

    /// Why a record was not loaded.
    part LoadError = twoshare::device::LoadError {
        /// It is not what was saved, as a whole or in part: recover the wallet, after
        /// `discard`.
        Damaged,
        /// It was saved by a newer version of the software: update.
        NewerVersion {
            /// The version it has.
            version: u8,
        },
        /// See there.
        Fault(source: DeviceFault),
    }

    /// Why a record was not saved. Unless there was a fault, nothing has changed.
    part SaveError = twoshare::device::SaveError {
        /// Another record is there than the one that was expected: somebody else has saved. Load it, and
        /// begin again from it.
        Conflict {
            /// The counter of what is there.
            found: Option<Counter>,
        },
        /// The record that is there is damaged, and is not written over: see `LoadError.Damaged`.
        Damaged,
        /// The record that is there was saved by a newer version of the software: update.
        NewerVersion {
            /// The version it has.
            version: u8,
        },
        /// There is no space left: have the user free some, then try again.
        Full,
        /// More than `MAX_RECORD`, or than this device takes.
        TooLarge {
            /// Its length in bytes.
            len: u64,
            /// The longest that is taken.
            cap: u64,
        },
        /// See there.
        Fault(source: DeviceFault),
    }

    /// Why a record was not deleted. Unless there was a fault, nothing has changed.
    part DeleteError = twoshare::device::DeleteError {
        /// Another record is there than the one that was expected: somebody else has saved. Load it, and
        /// see whether it is to be deleted too.
        Conflict {
            /// The counter of what is there.
            found: Counter,
        },
        /// The record that is there is damaged: see `LoadError.Damaged`.
        Damaged,
        /// The record that is there was saved by a newer version of the software: update.
        NewerVersion {
            /// The version it has.
            version: u8,
        },
        /// There is no space left for what remembers the counter: have the user free some.
        Full,
        /// See there.
        Fault(source: DeviceFault),
    }

    /// Why a damaged record was not discarded. Unless there was a fault, nothing has changed.
    part DiscardError = twoshare::device::DiscardError {
        /// It is intact: load it.
        Intact {
            /// Its counter.
            found: Counter,
        },
        /// It was saved by a newer version of the software, and may well be intact: update.
        NewerVersion {
            /// The version it has.
            version: u8,
        },
        /// There is no space left: have the user free some.
        Full,
        /// See there.
        Fault(source: DeviceFault),
    }

    /// Why a directory was not opened as a device. Nothing has changed.
    operation OpenDeviceError = twoshare::device::OpenDeviceError {
        /// Another process has it: wait until that has ended.
        InUse {
            /// The directory.
            path: String,
        },
        /// It has a password: ask for it.
        PasswordNeeded,
        /// It has none, and one was given: open it without, and set it.
        NoPassword,
        /// Another password than was set: ask again.
        WrongPassword,
        /// It is under a platform key: give that.
        PlatformKeyNeeded,
        /// It is under none, and one was given: open it without, and set it.
        NoPlatformKey,
        /// It is under another platform key: it was brought here from another device, or an old copy of it was
        /// put back, or the platform has lost its key. Recover the wallets onto another directory.
        WrongPlatformKey,
        /// The key file is damaged, or missing where there are records: what is sealed under it is lost.
        /// Recover the wallets onto another directory.
        Damaged {
            /// The directory.
            path: String,
        },
        /// It was made by a newer version of the software: update.
        NewerVersion {
            /// The version it has.
            version: u8,
        },
        /// Its key file asks for more work or memory than is there: it was made elsewhere, or changed.
        ExcessiveWork,
        /// The permission to read and write here is missing: choose another path, or grant it.
        Denied {
            /// The directory.
            path: String,
        },
        /// The disk is full: free space, or choose another.
        Full,
        /// The file system failed otherwise, or has no locks, or something else than a directory is there.
        Failed {
            /// The directory.
            path: String,
            /// What the file system said.
            source: SourceError,
        },
    }
    + {
        /// What was given is no password: nothing can have been protected with it.
        Password(source: PasswordError) "the password is refused",
    }

    /// Why the device password was not changed. It is the old or the new one: try again with both.
    operation PasswordChangeError = twoshare::device::PasswordChangeError {
        /// There is no space left: have the user free some, then try again.
        Full,
        /// There is not enough memory to stretch the password: try again later.
        NoMemory,
        /// A record was saved by a newer version of the software, and cannot be sealed anew by this one:
        /// update.
        NewerVersion {
            /// The version it has.
            version: u8,
        },
        /// See there.
        Fault(source: DeviceFault),
    }
    + {
        /// What was given is no password: nothing has changed.
        Password(source: PasswordError) "the password is refused",
    }

    /// Why settings were not saved. Unless there was a fault, nothing has changed.
    operation SettingsError = twoshare::device::SettingsError {
        /// There is no space left: have the user free some, then try again.
        Full,
        /// More than a record may have.
        TooLarge {
            /// Their length in bytes.
            len: u64,
            /// The most that is taken.
            cap: u64,
        },
        /// See there.
        Fault(source: DeviceFault),
    }
}

impl From<PasswordError> for OpenDeviceError {
    fn from(source: PasswordError) -> Self {
        Self::Password { source }
    }
}

impl From<PasswordError> for PasswordChangeError {
    fn from(source: PasswordError) -> Self {
        Self::Password { source }
    }
}
