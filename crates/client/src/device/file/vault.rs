//! What is kept in the directory, whatever the directory is. All of this blocks.

use std::{
    collections::BTreeMap,
    io::{self, ErrorKind},
};

use thiserror::Error;
use twoshare_core::{id::WalletId, secret::SecretBytes, store::ObjectName};

use super::{
    Protection,
    disk::{Disk, Unlocked},
    keyring::{self, Key, Lock, Opener},
    record::{self, Opened, Subject},
};
use crate::device::{Counter, Record};

const KEY: &str = "device.key";
const SETTINGS: &str = "device.settings";
const WALLET: &str = ".wallet";
/// What is being written is called so until it is complete; nothing that is kept is.
const TEMPORARY: &str = ".new-";

/// Why something was not done.
#[derive(Debug, Error)]
pub(super) enum Fault {
    #[error("the file system failed")]
    Io(#[from] io::Error),
    #[error("damaged")]
    Damaged,
    #[error("version {version} is newer")]
    Newer { version: u8 },
    #[error("another record is there")]
    Conflict { found: Option<Counter> },
    #[error("too large")]
    TooLarge { len: usize, cap: usize },
    #[error("a password is needed")]
    PasswordNeeded,
    #[error("there is no password")]
    NoPassword,
    #[error("wrong password")]
    WrongPassword,
    #[error("a platform key is needed")]
    PlatformKeyNeeded,
    #[error("there is no platform key")]
    NoPlatformKey,
    #[error("wrong platform key")]
    WrongPlatformKey,
    #[error("more memory or work than there is")]
    Memory,
}

/// An opened device.
pub(super) struct Vault<D> {
    disk: D,
    lock: Lock,
    /// What is sealed with, and while everything is sealed anew what was.
    keys: Vec<Key>,
    /// The counters that were there since it was opened. Nobody else writes meanwhile, so what is older
    /// than these was put back.
    seen: BTreeMap<WalletId, Counter>,
    /// Whether names were changed since they were last made durable.
    unsynced: bool,
}

/// What protects the device that is in a directory, if there is one.
pub(super) fn protection(folder: &Unlocked) -> Result<Option<Protection>, Fault> {
    match folder.read(KEY, keyring::MAX_FILE)? {
        // Exposed: to see how it begins.
        Some(file) => keyring::protection(SecretBytes::from(file).expose_secret()).map(Some),
        None => Ok(None),
    }
}

impl<D: Disk> Vault<D> {
    pub(super) fn open(disk: D, opener: &Opener) -> Result<Self, Fault> {
        let key = disk.read(KEY, keyring::MAX_FILE)?.map(SecretBytes::from);
        let (lock, keys) = match &key {
            // Exposed: to be read.
            Some(file) => keyring::open(file.expose_secret(), opener)?,
            // Whatever is there was sealed with a key that is gone.
            None if disk.names()?.iter().any(|name| subject(name).is_some()) => {
                return Err(Fault::Damaged);
            }
            None => (Lock::make(opener)?, Vec::new()),
        };
        // A process that was killed may not have come to make its last name durable.
        let mut vault = Self { disk, lock, keys, seen: BTreeMap::new(), unsynced: true };
        vault.sweep()?;
        match vault.keys.len() {
            0 => {
                vault.keys = vec![Key::make()];
                vault.write_keys()?;
            }
            1 => {}
            _ => vault.seal_anew()?,
        }
        Ok(vault)
    }

    pub(super) const fn protection(&self) -> Protection {
        self.lock.protection()
    }

    pub(super) fn wallets(&mut self) -> Result<Vec<WalletId>, Fault> {
        self.settle()?;
        let mut wallets = Vec::new();
        for name in self.disk.names()? {
            let Some(Subject::Wallet(wallet)) = subject(&name) else { continue };
            match self.read(Subject::Wallet(wallet)) {
                Ok(None | Some(Opened { contents: None, .. })) => {}
                Ok(Some(_)) | Err(Fault::Damaged | Fault::Newer { .. }) => wallets.push(wallet),
                Err(error) => return Err(error),
            }
        }
        wallets.sort_unstable();
        Ok(wallets)
    }

    pub(super) fn load(&mut self, wallet: WalletId) -> Result<Option<Record>, Fault> {
        self.settle()?;
        let opened = self.read(Subject::Wallet(wallet))?;
        Ok(opened.and_then(|Opened { counter, contents }| {
            contents.map(|contents| Record { counter, contents })
        }))
    }

    pub(super) fn save(
        &mut self,
        wallet: WalletId,
        contents: &SecretBytes,
        expected: Option<Counter>,
    ) -> Result<Counter, Fault> {
        self.settle()?;
        let there = self.read(Subject::Wallet(wallet))?;
        let found = there.as_ref().filter(|there| there.contents.is_some());
        let found = found.map(|there| there.counter);
        if found != expected {
            return Err(Fault::Conflict { found });
        }
        let counter = there.map_or(Counter::FIRST, |there| there.counter.next());
        self.write_record(Subject::Wallet(wallet), counter, Some(contents))?;
        Ok(counter)
    }

    /// Leaves a file that remembers the counter.
    pub(super) fn delete(&mut self, wallet: WalletId, expected: Counter) -> Result<(), Fault> {
        self.settle()?;
        match self.read(Subject::Wallet(wallet))? {
            None | Some(Opened { contents: None, .. }) => Ok(()),
            Some(Opened { counter, .. }) if counter != expected => {
                Err(Fault::Conflict { found: Some(counter) })
            }
            Some(_) => self.write_record(Subject::Wallet(wallet), expected.next(), None),
        }
    }

    pub(super) fn discard(&mut self, wallet: WalletId) -> Result<(), Fault> {
        self.settle()?;
        let subject = Subject::Wallet(wallet);
        match self.read(subject) {
            Ok(None | Some(Opened { contents: None, .. })) => Ok(()),
            Ok(Some(Opened { counter, .. })) => Err(Fault::Conflict { found: Some(counter) }),
            Err(Fault::Damaged) => {
                // Something else than a file has none.
                let file = self.disk.read(&file_name(subject), record::MAX_FILE).ok().flatten();
                let counter = record::counter_of_damaged(&file.unwrap_or_default());
                let counter = counter.max(self.seen.get(&wallet).copied().unwrap_or(counter));
                self.write_record(subject, counter.next(), None)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn settings(&mut self) -> Result<Option<SecretBytes>, Fault> {
        self.settle()?;
        Ok(self.read(Subject::Settings)?.and_then(|opened| opened.contents))
    }

    pub(super) fn save_settings(&mut self, settings: &SecretBytes) -> Result<(), Fault> {
        self.settle()?;
        let counter = match self.read(Subject::Settings) {
            Ok(there) => there.map_or(Counter::FIRST, |there| there.counter.next()),
            // They can be entered again.
            Err(Fault::Damaged) => Counter::FIRST,
            Err(error) => return Err(error),
        };
        self.write_record(Subject::Settings, counter, Some(settings))
    }

    /// Puts everything under a new key, and that under what is to open it from now on. The new key is kept beside the old
    /// one before the first record is sealed with it, and the old one until the last one is.
    pub(super) fn set_lock(&mut self, opener: &Opener) -> Result<(), Fault> {
        self.settle()?;
        // What this software cannot read it cannot seal anew.
        for subject in self.subjects()? {
            if let Err(error @ Fault::Newer { .. }) = self.read(subject) {
                return Err(error);
            }
        }
        let lock = Lock::make(opener)?;
        if self.keys.len() > 1 {
            self.seal_anew()?;
        }
        let old_lock = std::mem::replace(&mut self.lock, lock);
        self.keys.insert(0, Key::make());
        if let Err(error) = self.write_keys() {
            // Whichever file is there, the old key is in it, and nothing is sealed with the new one.
            self.keys.remove(0);
            self.lock = old_lock;
            return Err(error);
        }
        self.seal_anew()
    }

    /// Seals every record with the first key, and forgets the other.
    fn seal_anew(&mut self) -> Result<(), Fault> {
        for subject in self.subjects()? {
            match self.read(subject) {
                Ok(Some(Opened { counter, contents })) => {
                    self.write_record(subject, counter, contents.as_ref())?;
                }
                // Nobody can read it with any key.
                Ok(None) | Err(Fault::Damaged) => {}
                Err(error) => return Err(error),
            }
        }
        let old = self.keys.split_off(1);
        if let Err(error) = self.write_keys() {
            self.keys.extend(old);
            return Err(error);
        }
        Ok(())
    }

    fn subjects(&self) -> Result<Vec<Subject>, Fault> {
        Ok(self.disk.names()?.iter().filter_map(|name| subject(name)).collect())
    }

    /// What is in a file, or `None` if there is none.
    fn read(&mut self, subject: Subject) -> Result<Option<Opened>, Fault> {
        let opened = match self.disk.read(&file_name(subject), record::MAX_FILE) {
            Ok(Some(file)) => Some(record::open(&self.keys, subject, &file)?),
            Ok(None) => None,
            // A directory, a pipe or a link is no record.
            Err(error) if error.kind() == ErrorKind::InvalidData => return Err(Fault::Damaged),
            Err(error) => return Err(error.into()),
        };
        if let Subject::Wallet(wallet) = subject {
            let found = opened.as_ref().map(|opened| opened.counter);
            // An old record that was put back, or one that was taken away.
            if found < self.seen.get(&wallet).copied() {
                return Err(Fault::Damaged);
            }
            if let Some(found) = found {
                self.seen.insert(wallet, found);
            }
        }
        Ok(opened)
    }

    fn write_record(
        &mut self,
        subject: Subject,
        counter: Counter,
        contents: Option<&SecretBytes>,
    ) -> Result<(), Fault> {
        let key = self.keys.first().ok_or(Fault::Damaged)?;
        let file = record::seal(key, subject, counter, contents)?;
        // Opened from the bytes that will be there, before they are.
        record::open(std::slice::from_ref(key), subject, &file)?;
        self.write(&file_name(subject), &file)?;
        if let Subject::Wallet(wallet) = subject {
            self.seen.insert(wallet, counter);
        }
        Ok(())
    }

    fn write_keys(&mut self) -> Result<(), Fault> {
        let file = self.lock.seal(&self.keys);
        // Exposed: to be written. In plain, that is what was asked for.
        self.write(KEY, file.expose_secret())
    }

    /// Makes a file be these bytes in one step, durably.
    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), Fault> {
        let temporary = format!("{TEMPORARY}{name}");
        let renamed = self.stage(&temporary, bytes).and_then(|()| {
            // Also where it fails: it may have happened.
            self.unsynced = true;
            self.disk.rename(&temporary, name)
        });
        if let Err(error) = renamed {
            // Left behind it is swept later.
            let _ = self.disk.remove(&temporary);
            return Err(error.into());
        }
        self.settle()
    }

    fn stage(&mut self, temporary: &str, bytes: &[u8]) -> io::Result<()> {
        self.disk.remove(temporary)?;
        self.disk.create(temporary, bytes)?;
        self.disk.sync(temporary)?;
        match self.disk.read(temporary, bytes.len())? {
            Some(read) if read == bytes => Ok(()),
            _ => Err(io::Error::new(ErrorKind::InvalidData, "other bytes were read than written")),
        }
    }

    /// Nothing is said to be there, or built upon, before it is durable.
    fn settle(&mut self) -> Result<(), Fault> {
        if self.unsynced {
            self.disk.sync_names()?;
            self.unsynced = false;
        }
        Ok(())
    }

    /// Removes what a process that was killed has left behind.
    fn sweep(&mut self) -> Result<(), Fault> {
        for name in self.disk.names()? {
            let is_ours = name.strip_prefix(TEMPORARY);
            if is_ours.is_some_and(|name| name == KEY || subject(name).is_some()) {
                self.disk.remove(&name)?;
            }
        }
        self.settle()
    }
}

fn file_name(subject: Subject) -> String {
    match subject {
        Subject::Wallet(wallet) => {
            let prefix = ObjectName::prefix(wallet);
            format!("{}{WALLET}", prefix.trim_end_matches('-'))
        }
        Subject::Settings => SETTINGS.to_owned(),
    }
}

/// What a file is about, if it is one of ours.
fn subject(name: &str) -> Option<Subject> {
    if name == SETTINGS {
        return Some(Subject::Settings);
    }
    let subject = Subject::Wallet(name.strip_suffix(WALLET)?.parse().ok()?);
    (file_name(subject) == name).then_some(subject)
}
