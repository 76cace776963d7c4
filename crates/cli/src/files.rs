//! Files that are there with all their bytes, or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    path::Path,
};

use crate::answer::Failure;

/// Makes a file that was not there, durable when this returns.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path)?;
    sync_folder(folder)
}

/// Makes a file that nobody else may read, and that was not there; durable when this returns.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // A part of it is worth nothing, and is in the way of the next attempt.
        let _ = fs::remove_file(path);
        return Err(error);
    }
    sync_folder(folder_of(path))
}

/// What a file that cannot be made is called.
pub(crate) fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> Failure {
    move |error| {
        let shown = path.display().to_string();
        match error.kind() {
            ErrorKind::AlreadyExists => {
                Failure::new("file_exists", format!("{shown} is there already"))
            }
            _ => Failure::new("file_unwritable", format!("{shown}: {error}")),
        }
        .with("path", shown)
    }
}

/// What a file that cannot be read is called.
pub(crate) fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Failure {
    move |error| {
        let shown = path.display().to_string();
        Failure::new("file_unreadable", format!("{shown}: {error}")).with("path", shown)
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A new name is durable when its folder is.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
