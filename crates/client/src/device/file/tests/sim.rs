//! A disk that knows what is durable, and loses the rest.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::device::file::disk::Disk;

/// A disk in memory. Clones are the same disk.
#[derive(Clone, Default)]
pub(super) struct SimDisk(Arc<Mutex<State>>);

#[derive(Clone, Default)]
struct State {
    files: Vec<File>,
    names: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    /// What was done to names since they were last synced.
    changes: Vec<Change>,
    operations: usize,
    blow: Option<(usize, Blow)>,
    struck: bool,
    dead: bool,
}

#[derive(Clone)]
struct File {
    bytes: Vec<u8>,
    synced: bool,
}

#[derive(Clone)]
enum Change {
    Create(String, usize),
    Rename(String, String, usize),
    Remove(String),
}

/// What happens at an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blow {
    /// The process ends in the middle of it.
    Kill,
    /// It fails, and has done nothing.
    Fail,
    /// It fails, and has done everything but make it durable.
    FailLate,
}

/// What is lost with the power: which changes of names were not made, and what is in files that were not
/// synced.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loss {
    lost_changes: u32,
    contents: Contents,
}

#[derive(Debug, Clone, Copy)]
enum Contents {
    Whole,
    Half,
    Zeros,
    Empty,
}

impl Loss {
    pub(super) const NOTHING: Self = Self { lost_changes: 0, contents: Contents::Whole };
    pub(super) const EVERYTHING: Self = Self { lost_changes: u32::MAX, contents: Contents::Empty };
}

impl SimDisk {
    /// Strikes at the operation of this number, counted from now.
    pub(super) fn strike(&self, at: usize, blow: Blow) {
        let mut state = self.state();
        state.blow = Some((state.operations + at, blow));
    }

    /// Strikes no more. Says whether it has.
    pub(super) fn calm(&self) -> bool {
        let mut state = self.state();
        state.blow = None;
        state.struck
    }

    /// The process is started again; the power was not lost.
    pub(super) fn revive(&self) {
        self.state().dead = false;
    }

    /// Every way in which what is not durable may be lost.
    pub(super) fn losses(&self) -> Vec<Loss> {
        let changes = self.state().changes.len();
        assert!(changes < 8, "that would be many cases");
        let each = |lost_changes| {
            [Contents::Whole, Contents::Half, Contents::Zeros, Contents::Empty]
                .map(|contents| Loss { lost_changes, contents })
        };
        (0..1 << changes).flat_map(each).collect()
    }

    /// The disk after the power was lost.
    pub(super) fn survivor(&self, loss: Loss) -> Self {
        let state = self.state();
        let mut names = state.durable.clone();
        for (index, change) in state.changes.iter().enumerate() {
            if loss.lost_changes & (1 << index) != 0 {
                continue;
            }
            match change {
                Change::Create(name, file) => _ = names.insert(name.clone(), *file),
                Change::Rename(from, to, file) => {
                    names.remove(from);
                    names.insert(to.clone(), *file);
                }
                Change::Remove(name) => _ = names.remove(name),
            }
        }
        let files = state.files.iter().map(|file| {
            let len = file.bytes.len();
            let bytes = match loss.contents {
                _ if file.synced => file.bytes.clone(),
                Contents::Whole => file.bytes.clone(),
                Contents::Half => file.bytes[..len / 2].to_vec(),
                Contents::Zeros => vec![0; len],
                Contents::Empty => Vec::new(),
            };
            File { bytes, synced: true }
        });
        let files = files.collect();
        let left = State { files, durable: names.clone(), names, ..State::default() };
        Self(Arc::new(Mutex::new(left)))
    }

    pub(super) fn file(&self, name: &str) -> Vec<u8> {
        let state = self.state();
        state.files[state.names[name]].bytes.clone()
    }

    pub(super) fn set_file(&self, name: &str, bytes: Vec<u8>) {
        let mut state = self.state();
        let file = state.files.len();
        state.files.push(File { bytes, synced: true });
        state.names.insert(name.to_owned(), file);
        state.durable.insert(name.to_owned(), file);
    }

    pub(super) fn remove_file(&self, name: &str) {
        let mut state = self.state();
        state.names.remove(name);
        state.durable.remove(name);
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl State {
    /// Counts an operation and does it, unless it is the one.
    fn act<T>(
        &mut self,
        whole: impl FnOnce(&mut Self) -> io::Result<T>,
        half: impl FnOnce(&mut Self),
    ) -> io::Result<T> {
        if self.dead {
            return Err(io::Error::other("killed"));
        }
        let now = self.operations;
        self.operations += 1;
        match self.blow {
            Some((at, blow)) if at == now => {
                self.struck = true;
                match blow {
                    Blow::Kill => {
                        half(self);
                        self.dead = true;
                    }
                    Blow::Fail => {}
                    Blow::FailLate => {
                        whole(self)?;
                    }
                }
                Err(io::Error::other("struck"))
            }
            _ => whole(self),
        }
    }

    fn create(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        if self.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = self.files.len();
        self.files.push(File { bytes: bytes.to_vec(), synced: false });
        self.names.insert(name.to_owned(), file);
        self.changes.push(Change::Create(name.to_owned(), file));
        Ok(())
    }
}

impl Disk for SimDisk {
    fn names(&self) -> io::Result<Vec<String>> {
        self.state().act(|state| Ok(state.names.keys().cloned().collect()), |_| ())
    }

    fn read(&self, name: &str, cap: usize) -> io::Result<Option<Vec<u8>>> {
        let read = |state: &mut State| {
            let file = state.names.get(name).map(|file| &state.files[*file].bytes);
            Ok(file.map(|bytes| bytes[..bytes.len().min(cap + 1)].to_vec()))
        };
        self.state().act(read, |_| ())
    }

    fn create(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.state().act(
            |state| state.create(name, bytes),
            |state| _ = state.create(name, &bytes[..bytes.len() / 2]),
        )
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let sync = |state: &mut State| {
            let file = *state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
            state.files[file].synced = true;
            Ok(())
        };
        self.state().act(sync, |_| ())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let rename = |state: &mut State| {
            let file = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            state.names.insert(to.to_owned(), file);
            state.changes.push(Change::Rename(from.to_owned(), to.to_owned(), file));
            Ok(())
        };
        self.state().act(rename, |_| ())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let remove = |state: &mut State| {
            if state.names.remove(name).is_some() {
                state.changes.push(Change::Remove(name.to_owned()));
            }
            Ok(())
        };
        self.state().act(remove, |_| ())
    }

    fn sync_names(&mut self) -> io::Result<()> {
        let sync = |state: &mut State| {
            state.durable = state.names.clone();
            state.changes.clear();
            Ok(())
        };
        self.state().act(sync, |_| ())
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
