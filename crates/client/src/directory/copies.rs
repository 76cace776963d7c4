//! Files of which every one is kept in three folders. All of this blocks.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use tempfile::TempPath;
use twoshare_core::{
    container::{self, Content},
    digest::Digest,
    envelope::MAX_LEN,
    store::{ObjectName, Part},
};

use super::CopyHealth;

/// How many copies there are.
pub(super) const COPIES: usize = 3;

/// The longest container.
pub(super) const MAX_CONTAINER: usize = container::HEADER_LEN + MAX_LEN;

/// What is being written is called so until it is complete; nothing that is kept is.
const TEMPORARY: &str = ".new-";

/// Three folders that hold the same files, each a container.
#[derive(Debug, Clone)]
pub(super) struct Copies {
    root: PathBuf,
    folders: [PathBuf; COPIES],
}

/// What is in all folders under one name.
#[derive(Debug)]
pub(super) enum Found {
    /// No folder has it.
    Nothing,
    /// This container.
    Container(Vec<u8>),
    /// Files are there, but no container can be made out of them.
    Lost,
}

/// What came of writing.
#[derive(Debug)]
pub(super) enum Written {
    /// Every copy is on the disk.
    Safe,
    /// Something else is there, and stays.
    Exists,
}

/// What is in one folder under one name.
#[derive(Debug)]
enum OnDisk {
    /// A container, of this kind of content.
    Intact(Vec<u8>),
    /// No such file.
    Missing,
    /// A file that is no such container any more, and its bytes.
    Damaged(Vec<u8>),
    /// A file that cannot be read.
    Unreadable(io::Error),
}

impl Copies {
    /// The three folders below `root`, made where they are missing.
    pub(super) fn create(root: &Path) -> io::Result<Self> {
        let copies = Self::at(root);
        make_folder(root)?;
        for folder in &copies.folders {
            make_folder(folder)?;
        }
        sync_folder(root)?;
        if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            // The root's own entry is in its parent, which may be somebody else's.
            let _ = sync_folder(parent);
        }
        Ok(copies)
    }

    /// The three folders below `root`, of which one at least is there.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        let copies = Self::at(root);
        match copies.folders.iter().any(|folder| folder.is_dir()) {
            true => Ok(copies),
            false => Err(ErrorKind::NotFound.into()),
        }
    }

    fn at(root: &Path) -> Self {
        let folders = [1, 2, 3].map(|number| root.join(format!("copy-{number}")));
        Self { root: root.to_owned(), folders }
    }

    /// The first copy that is intact, else what the majority of them says.
    pub(super) fn read(&self, name: ObjectName) -> io::Result<Found> {
        let mut left: [Vec<u8>; COPIES] = Default::default();
        let (mut nothing, mut misnamed, mut unreadable) = (true, None, None);
        for (left, path) in left.iter_mut().zip(self.paths(name)) {
            match read_copy(&path, name) {
                OnDisk::Intact(container) if has_digest(name, &container) => {
                    return Ok(Found::Container(container));
                }
                OnDisk::Intact(container) => misnamed = misnamed.or(Some(container)),
                OnDisk::Damaged(bytes) => *left = bytes,
                OnDisk::Unreadable(error) => unreadable = Some(error),
                OnDisk::Missing => continue,
            }
            nothing = false;
        }
        if nothing {
            return Ok(Found::Nothing);
        }
        let majority = container::majority(left.each_ref().map(Vec::as_slice));
        let majority = Some(majority).filter(|bytes| is_intact(name, bytes));
        match (majority, misnamed, unreadable) {
            (Some(container), _, _) if has_digest(name, &container) => {
                Ok(Found::Container(container))
            }
            // The one that cannot be read now may be the good one.
            (_, _, Some(error)) => Err(error),
            // Somebody put it here; whoever asked for it finds out that it is another.
            (_, Some(container), None) | (Some(container), None, None) => {
                Ok(Found::Container(container))
            }
            (None, None, None) => Ok(Found::Lost),
        }
    }

    /// How each copy is.
    pub(super) fn health(&self, name: ObjectName) -> [CopyHealth; COPIES] {
        self.paths(name).map(|path| match read_copy(&path, name) {
            OnDisk::Intact(container) if has_digest(name, &container) => CopyHealth::Intact,
            OnDisk::Intact(_) | OnDisk::Damaged(_) => CopyHealth::Damaged,
            OnDisk::Missing => CopyHealth::Missing,
            OnDisk::Unreadable(_) => CopyHealth::Unreadable,
        })
    }

    /// Makes all copies this container, unless something else is there.
    pub(super) fn write(&self, name: ObjectName, container: &[u8]) -> io::Result<Written> {
        let _lock = self.lock()?;
        match self.read(name)? {
            Found::Container(there) if there != container => return Ok(Written::Exists),
            // Nobody can read what is left of it, and this is what it was.
            Found::Lost if !has_digest(name, container) => return Ok(Written::Exists),
            Found::Nothing | Found::Container(_) | Found::Lost => {}
        }
        self.complete(name, container)?;
        Ok(Written::Safe)
    }

    /// Writes the copies that are not intact again, as long as the container can be made out.
    pub(super) fn repair(&self, name: ObjectName) -> io::Result<Found> {
        let _lock = self.lock()?;
        let found = self.read(name)?;
        if let Found::Container(container) = &found {
            self.complete(name, container)?;
        }
        Ok(found)
    }

    /// Removes all copies.
    pub(super) fn remove(&self, name: ObjectName) -> io::Result<()> {
        let _lock = self.lock()?;
        for (path, folder) in self.paths(name).iter().zip(&self.folders) {
            match fs::remove_file(path) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            sync_folder(folder)?;
        }
        Ok(())
    }

    /// The names of all objects that are in any of the folders, in order.
    pub(super) fn list(&self) -> io::Result<Vec<ObjectName>> {
        let mut names = Vec::new();
        for folder in &self.folders {
            let entries = match fs::read_dir(folder) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                // Other files are none of ours.
                let file = entry?.file_name();
                names.extend(file.to_str().and_then(|name| name.parse::<ObjectName>().ok()));
            }
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// Where the copies are: a name as text has no separator, and so never leads out of the folder.
    fn paths(&self, name: ObjectName) -> [PathBuf; COPIES] {
        self.folders.each_ref().map(|folder| folder.join(name.to_string()))
    }

    /// Writes every copy that is not this container. All new ones are on the disk, and read back,
    /// before the first old one goes.
    fn complete(&self, name: ObjectName, container: &[u8]) -> io::Result<()> {
        let mut staged = Vec::new();
        for (path, folder) in self.paths(name).into_iter().zip(&self.folders) {
            let missing = match read_copy(&path, name) {
                OnDisk::Intact(there) if there == container => continue,
                OnDisk::Missing => true,
                OnDisk::Intact(_) | OnDisk::Damaged(_) | OnDisk::Unreadable(_) => false,
            };
            staged.push((path, stage(folder, container)?, missing));
        }
        for (path, file, missing) in staged {
            match missing {
                // Never over a file that somebody who takes no lock has put there meanwhile.
                true => file.persist_noclobber(&path),
                false => file.persist(&path),
            }
            .map_err(|error| error.error)?;
            read_back(&path, container)?;
        }
        // Also of the copies that were there: a put that was killed may not have come so far.
        self.folders.iter().try_for_each(|folder| sync_folder(folder))
    }

    /// Waits until no other process or thread writes here, and sweeps what a killed one left.
    ///
    /// Where the file system has no locks, whoever comes first still wins, because what is there is
    /// not written over.
    fn lock(&self) -> io::Result<Option<File>> {
        let file = private(OpenOptions::new().create(true).truncate(false).write(true))
            .open(self.root.join("lock"))?;
        match file.lock() {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(None),
            Err(error) => return Err(error),
        }
        for folder in &self.folders {
            // A whole folder may be what is damaged.
            make_folder(folder)?;
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_name().as_encoded_bytes().starts_with(TEMPORARY.as_bytes()) {
                    fs::remove_file(entry.path())?;
                }
            }
        }
        Ok(Some(file))
    }
}

/// Whether bytes are an intact container of what the name is for.
pub(super) fn is_intact(name: ObjectName, bytes: &[u8]) -> bool {
    container::unwrap(content(name), bytes).is_ok()
}

/// Whether an intact container has the very bytes that the name is of. A receipt is known by its
/// signature instead.
fn has_digest(name: ObjectName, container: &[u8]) -> bool {
    match name.part {
        Part::Receipt => true,
        Part::Envelope => container::unwrap(Content::Envelope, container)
            .is_ok_and(|envelope| Digest::of(envelope) == name.envelope.digest),
    }
}

const fn content(name: ObjectName) -> Content {
    match name.part {
        Part::Envelope => Content::Envelope,
        Part::Receipt => Content::Receipt,
    }
}

fn read_copy(path: &Path, name: ObjectName) -> OnDisk {
    match read_bounded(path) {
        Ok(bytes) if is_intact(name, &bytes) => OnDisk::Intact(bytes),
        Ok(bytes) => OnDisk::Damaged(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => OnDisk::Missing,
        Err(error) => OnDisk::Unreadable(error),
    }
}

/// A file's bytes, no more of them than a container can have.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for its writer.
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidData, "not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_CONTAINER as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A new file in `folder` under a temporary name, with these bytes, on the disk.
fn stage(folder: &Path, bytes: &[u8]) -> io::Result<TempPath> {
    // Only its owner can read it.
    let mut file = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let path = file.into_temp_path();
    read_back(&path, bytes)?;
    Ok(path)
}

fn read_back(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match read_bounded(path)? == bytes {
        true => Ok(()),
        false => Err(io::Error::new(ErrorKind::InvalidData, "other bytes were read than written")),
    }
}

/// A folder that only its owner can look into; one that is there stays as it is.
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

/// Makes what was created, renamed or removed in a folder survive a loss of power.
fn sync_folder(path: &Path) -> io::Result<()> {
    // Elsewhere than on Unix a folder cannot be opened like a file.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}
