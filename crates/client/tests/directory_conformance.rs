//! The directory store keeps the contract of every store, with a runtime and without.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the failure")]

use std::cell::RefCell;

use tempfile::TempDir;
use twoshare::DirectoryStore;

thread_local! {
    /// Removed when the thread of the test ends.
    static FOLDERS: RefCell<Vec<TempDir>> = const { RefCell::new(Vec::new()) };
}

fn new_store() -> DirectoryStore {
    let folder = TempDir::new().unwrap();
    let store = DirectoryStore::create(folder.path()).unwrap();
    FOLDERS.with_borrow_mut(|folders| folders.push(folder));
    store
}

fn on_tokio<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread().build().unwrap().block_on(future)
}

mod without_a_runtime {
    twoshare_core::envelope_store_conformance!(super::new_store());
}

mod on_a_runtime {
    twoshare_core::envelope_store_conformance!(super::new_store(), super::on_tokio);
}
