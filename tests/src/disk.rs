//! A disk that fails when it is told to.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What the disk does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// Nothing.
    Works,
    /// Every fsync fails with an input/output error.
    FsyncFails,
    /// Every write fails for want of space.
    Full,
}

/// The disk of the processes that are started with its environment.
#[derive(Debug)]
pub struct FaultyDisk {
    library: PathBuf,
    control: PathBuf,
}

impl FaultyDisk {
    /// A disk that works so far; what it needs is kept in this folder.
    ///
    /// # Panics
    ///
    /// The C compiler does not build it.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        let (library, control) = (folder.join("disk.so"), folder.join("disk"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/disk.c");
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
        let built = compile.status().expect("a C compiler");
        assert!(built.success(), "the faulty disk does not build");
        let disk = Self { library, control };
        disk.set(Disk::Works);
        disk
    }

    /// The variables that put a process on this disk.
    #[must_use]
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        vec![
            ("LD_PRELOAD".into(), self.library.clone().into()),
            ("TWOSHARE_TEST_DISK".into(), self.control.clone().into()),
        ]
    }

    /// From now on it does this.
    ///
    /// # Panics
    ///
    /// The control file cannot be written.
    pub fn set(&self, disk: Disk) {
        let said = match disk {
            Disk::Works => "",
            Disk::FsyncFails => "fsync",
            Disk::Full => "full",
        };
        fs::write(&self.control, said).expect("the control file can be written");
    }
}
