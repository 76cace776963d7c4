//! The few things that are done to a directory, one at a time, so that a test can stop between any two.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// A flat directory. What is written or renamed survives a loss of power once it is synced.
pub(super) trait Disk {
    /// The names of all files.
    fn names(&self) -> io::Result<Vec<String>>;
    /// A file's bytes, no more than `cap` and one; `None` where there is no such file.
    fn read(&self, name: &str, cap: usize) -> io::Result<Option<Vec<u8>>>;
    /// Makes a new file with these bytes, readable by its owner only.
    fn create(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Makes the bytes of a file durable.
    fn sync(&mut self, name: &str) -> io::Result<()>;
    /// Gives a file another name, in the place of what had that, in one step.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file, if it is there.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Makes durable which files there are.
    fn sync_names(&mut self) -> io::Result<()>;
}

/// The file that is locked.
const LOCK: &str = "device.lock";

/// How often, and how many times, the lock is asked for: 200 ms together.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// A directory that this process alone has.
#[derive(Debug)]
pub(super) struct Folder {
    files: Unlocked,
    /// Closing it ends the lock.
    _lock: File,
}

impl Folder {
    /// The directory of this path, made if there is none. [`ErrorKind::WouldBlock`] when another process
    /// has it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let files = Unlocked::new(path);
        make_folder(path)?;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            // The directory's own entry is in its parent, which may be somebody else's.
            let _ = sync_folder(parent);
        }
        let lock = private(OpenOptions::new().create(true).truncate(false).write(true))
            .open(path.join(LOCK))?;
        // A process that this one is just starting shares its locks for a moment, also a lock that was
        // given back meanwhile.
        for _ in 0..LOCK_ATTEMPTS {
            match lock.try_lock() {
                Ok(()) => return Ok(Self { files, _lock: lock }),
                Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(ErrorKind::WouldBlock.into())
    }
}

impl Disk for Folder {
    fn names(&self) -> io::Result<Vec<String>> {
        self.files.names()
    }

    fn read(&self, name: &str, cap: usize) -> io::Result<Option<Vec<u8>>> {
        self.files.read(name, cap)
    }

    fn create(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        // Never through a link that somebody has put there.
        private(OpenOptions::new().create_new(true).write(true))
            .open(self.files.0.join(name))?
            .write_all(bytes)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        OpenOptions::new().write(true).open(self.files.0.join(name))?.sync_all()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.files.0.join(from), self.files.0.join(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.files.0.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    fn sync_names(&mut self) -> io::Result<()> {
        sync_folder(&self.files.0)
    }
}

/// A directory that is only looked into.
#[derive(Debug)]
pub(super) struct Unlocked(PathBuf);

impl Unlocked {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            // No name of ours is anything but ASCII.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    pub(super) fn read(&self, name: &str, cap: usize) -> io::Result<Option<Vec<u8>>> {
        let path = self.0.join(name);
        // Opening a pipe would wait for its writer.
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Ok(metadata) if !metadata.is_file() => {
                return Err(io::Error::new(ErrorKind::InvalidData, "not a file"));
            }
            metadata => _ = metadata?,
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(cap as u64 + 1).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }
}

/// A directory that only its owner can look into; one that is there stays as it is.
fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn sync_folder(path: &Path) -> io::Result<()> {
    // Elsewhere than on Unix a folder cannot be opened like a file.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}
