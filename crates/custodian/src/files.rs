//! Files that hold a secret: of mode 0600, whole or not there, and durable before they count.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::Path,
};

use twoshare_core::secret::SecretBytes;

/// No key file is longer.
const MAX_LEN: u64 = 4096;

/// Reads a file.
pub(crate) fn read_secret(path: &Path) -> io::Result<SecretBytes> {
    let mut bytes = Vec::with_capacity(256);
    File::open(path)?.take(MAX_LEN).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// Makes a file with this content, which must not be there yet.
pub(crate) fn create_secret(path: &Path, content: &SecretBytes) -> io::Result<()> {
    let new = path.with_extension("new");
    // What a crash left of an earlier try counts for nothing.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    // Exposed: to the operator's own file.
    file.write_all(content.expose_secret())?;
    file.sync_all()?;
    // Unlike a rename, a link does not take the place of a file that is there.
    fs::hard_link(&new, path)?;
    fs::remove_file(&new)?;
    sync_parent(path)
}

/// Makes an empty file that only its owner can read, unless it is there.
pub(crate) fn touch_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.sync_all()?;
    sync_parent(path)
}

/// Makes a directory that only its owner can enter, unless it is there.
pub(crate) fn create_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Waits until a file and its name are on the disk.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    sync_parent(path)
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or_else(|| Path::new(".")))?.sync_all()
}
