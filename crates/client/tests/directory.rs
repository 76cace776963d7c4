//! The directory store: three copies, and what becomes of them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use twoshare::{CopyHealth, DirectoryError, DirectoryStore, RepairError, Verdict};
use twoshare_core::{
    container::{self, Content},
    digest::Digest,
    id::{Epoch, WalletId},
    store::{EnvelopeName, EnvelopeStore, GetError, ObjectName, PutError},
};

const WALLET: WalletId = WalletId::from_bytes([7; 16]);
const ALL: [CopyHealth; 3] = [CopyHealth::Intact; 3];

/// A store with one envelope in it.
struct Kept {
    folder: TempDir,
    store: DirectoryStore,
    name: ObjectName,
    container: Vec<u8>,
}

impl Kept {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = DirectoryStore::create(folder.path().join("backups")).unwrap();
        let (name, container) = object(b"an envelope, as far as a store can see");
        store.put(&name, &container).await.unwrap();
        Self { folder, store, name, container }
    }

    fn copy(&self, number: usize) -> PathBuf {
        let folder = self.store.path().join(format!("copy-{number}"));
        folder.join(self.name.to_string())
    }

    fn set(&self, number: usize, bytes: &[u8]) {
        fs::write(self.copy(number), bytes).unwrap();
    }

    /// The container with one bit of this byte changed.
    fn flipped(&self, at: usize) -> Vec<u8> {
        let mut bytes = self.container.clone();
        bytes[at] ^= 1 << (at % 8);
        bytes
    }

    async fn reads(&self) -> bool {
        match self.store.get(&self.name).await {
            Ok(container) => {
                assert_eq!(container, self.container, "another container than was put");
                true
            }
            Err(GetError::Damaged | GetError::NotFound) => false,
            Err(GetError::Fault(fault)) => panic!("{fault:?}"),
        }
    }

    async fn health(&self) -> ([CopyHealth; 3], Verdict) {
        let [health] = &self.store.health().await.unwrap()[..] else { panic!("one object") };
        assert_eq!(health.name, self.name);
        (health.copies, health.verdict)
    }

    /// Repairs, and looks whether everything is as it was when it was put.
    async fn repairs(&self) {
        self.store.repair(&self.name).await.unwrap();
        for number in 1..=3 {
            assert_eq!(fs::read(self.copy(number)).unwrap(), self.container);
        }
        assert_eq!(self.health().await, (ALL, Verdict::Intact));
    }
}

fn object(content: &[u8]) -> (ObjectName, Vec<u8>) {
    let name = EnvelopeName { wallet: WALLET, epoch: Epoch::FIRST, digest: Digest::of(content) };
    (name.object(), container::wrap(Content::Envelope, content).unwrap())
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

#[tokio::test]
async fn there_are_three_equal_copies() {
    let kept = Kept::new().await;
    for number in 1..=3 {
        assert_eq!(fs::read(kept.copy(number)).unwrap(), kept.container);
    }
    assert_eq!(kept.health().await, (ALL, Verdict::Intact));
    assert_eq!(files_below(kept.store.path()).len(), 4, "three copies and the lock");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_them() {
    use std::os::unix::fs::PermissionsExt;
    let kept = Kept::new().await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(kept.store.path()), 0o700);
    for file in files_below(kept.store.path()) {
        assert_eq!(mode(file.parent().unwrap()) & 0o077, 0);
        assert_eq!(mode(&file), 0o600);
    }
}

#[tokio::test]
async fn one_damaged_copy_is_passed_over() {
    let kept = Kept::new().await;
    for number in 1..=3 {
        for at in 0..kept.container.len() {
            kept.set(number, &kept.flipped(at));
            assert!(kept.reads().await, "copy {number}, byte {at}");
        }
        let (copies, verdict) = kept.health().await;
        assert_eq!((copies[number - 1], verdict), (CopyHealth::Damaged, Verdict::Repairable));
        kept.repairs().await;
    }
}

#[tokio::test]
async fn two_damaged_copies_are_passed_over() {
    let kept = Kept::new().await;
    for good in 1..=3 {
        for at in 0..kept.container.len() {
            for number in (1..=3).filter(|number| *number != good) {
                kept.set(number, &kept.flipped(at));
            }
            assert!(kept.reads().await, "all but copy {good}, byte {at}");
        }
        kept.repairs().await;
    }
}

#[tokio::test]
async fn three_copies_damaged_in_different_places_are_outvoted() {
    let kept = Kept::new().await;
    let len = kept.container.len();
    for at in 0..len {
        kept.set(1, &kept.flipped(at));
        kept.set(2, &kept.flipped((at + 1) % len));
        kept.set(3, &kept.flipped((at + len / 2) % len));
        assert!(kept.reads().await, "byte {at}");
    }
    assert_eq!(kept.health().await, ([CopyHealth::Damaged; 3], Verdict::Repairable));
    kept.repairs().await;
}

#[tokio::test]
async fn three_copies_damaged_in_the_same_place_are_lost_and_stay() {
    let kept = Kept::new().await;
    for at in 0..kept.container.len() {
        (1..=3).for_each(|number| kept.set(number, &kept.flipped(at)));
        assert!(matches!(kept.store.get(&kept.name).await, Err(GetError::Damaged)), "byte {at}");
    }
    assert_eq!(kept.health().await, ([CopyHealth::Damaged; 3], Verdict::Lost));
    let refused = kept.store.repair(&kept.name).await;
    assert!(matches!(refused, Err(RepairError::Damaged)));
    for number in 1..=3 {
        assert_eq!(fs::read(kept.copy(number)).unwrap(), kept.flipped(kept.container.len() - 1));
    }
    // The name says what was there: only that may take its place.
    let (_, other) = object(b"something else");
    assert!(matches!(kept.store.put(&kept.name, &other).await, Err(PutError::Exists)));
    kept.store.put(&kept.name, &kept.container).await.unwrap();
    assert_eq!(kept.health().await, (ALL, Verdict::Intact));
}

#[tokio::test]
async fn truncated_copies_are_passed_over() {
    let kept = Kept::new().await;
    for len in 0..kept.container.len() {
        kept.set(1, &kept.container[..len]);
        kept.set(3, &kept.container[..len]);
        assert!(kept.reads().await, "{len} bytes");
    }
    kept.repairs().await;
    for number in 1..=3 {
        kept.set(number, &kept.container[..kept.container.len() - 1]);
    }
    assert!(!kept.reads().await);
    // One has its end, another its beginning: the third decides the rest.
    let mut end = kept.container.clone();
    end[..20].fill(0);
    kept.set(1, &kept.container[..kept.container.len() - 1]);
    kept.set(2, &end);
    kept.set(3, &kept.flipped(kept.container.len() / 2));
    assert!(kept.reads().await);
}

#[tokio::test]
async fn a_longer_copy_is_a_damaged_one() {
    let kept = Kept::new().await;
    kept.set(1, &[&kept.container[..], b"\0"].concat());
    kept.set(2, &vec![0; 9 * 1024 * 1024]);
    assert!(kept.reads().await);
    let damaged = CopyHealth::Damaged;
    let expected = [damaged, damaged, CopyHealth::Intact];
    assert_eq!(kept.health().await, (expected, Verdict::Repairable));
    kept.repairs().await;
}

#[tokio::test]
async fn missing_copies_are_made_again() {
    let kept = Kept::new().await;
    fs::remove_file(kept.copy(1)).unwrap();
    fs::remove_dir_all(kept.copy(2).parent().unwrap()).unwrap();
    assert!(kept.reads().await);
    assert_eq!(kept.store.list(WALLET).await.unwrap(), [kept.name]);
    let missing = CopyHealth::Missing;
    let expected = [missing, missing, CopyHealth::Intact];
    assert_eq!(kept.health().await, (expected, Verdict::Repairable));
    kept.repairs().await;

    (1..=3).for_each(|number| fs::remove_file(kept.copy(number)).unwrap());
    assert!(matches!(kept.store.get(&kept.name).await, Err(GetError::NotFound)));
    assert!(matches!(kept.store.repair(&kept.name).await, Err(RepairError::NotFound)));
}

#[tokio::test]
async fn repeating_a_put_completes_it() {
    let kept = Kept::new().await;
    fs::remove_file(kept.copy(2)).unwrap();
    kept.set(3, b"half of it");
    kept.store.put(&kept.name, &kept.container).await.unwrap();
    assert_eq!(kept.health().await, (ALL, Verdict::Intact));
}

#[tokio::test]
async fn what_is_there_is_not_replaced() {
    let kept = Kept::new().await;
    let (_, other) = object(b"another envelope");
    assert!(matches!(kept.store.put(&kept.name, &other).await, Err(PutError::Exists)));
    assert!(kept.reads().await);
    // Nor where a single copy is left of it, and that is not the first.
    fs::remove_file(kept.copy(1)).unwrap();
    kept.set(2, &kept.flipped(50));
    assert!(matches!(kept.store.put(&kept.name, &other).await, Err(PutError::Exists)));
    assert!(kept.reads().await);
}

#[tokio::test]
async fn another_envelope_under_this_name_is_passed_over() {
    let kept = Kept::new().await;
    let (_, other) = object(b"another envelope");
    kept.set(1, &other);
    assert!(kept.reads().await);
    assert_eq!(kept.health().await.0[0], CopyHealth::Damaged);
    kept.repairs().await;
    // A receipt is none either.
    kept.set(1, &container::wrap(Content::Receipt, b"an envelope").unwrap());
    assert!(kept.reads().await);
}

#[tokio::test]
async fn only_containers_are_put() {
    let kept = Kept::new().await;
    let (name, mut container) = object(b"a new one");
    container[60 - 14] ^= 1;
    for bytes in [&b""[..], b"no container", &container] {
        assert!(matches!(kept.store.put(&name, bytes).await, Err(PutError::Fault(_))));
    }
    let receipt = container::wrap(Content::Receipt, b"a new one").unwrap();
    assert!(matches!(kept.store.put(&name, &receipt).await, Err(PutError::Fault(_))));
    kept.store.put(&name.envelope.receipt(), &receipt).await.unwrap();
    let too_large = vec![0; 8 * 1024 * 1024 + 47];
    let refused = kept.store.put(&name, &too_large).await;
    assert!(matches!(refused, Err(PutError::TooLarge { len: 8_388_655, cap: 8_388_654 })));
    assert!(matches!(kept.store.get(&name).await, Err(GetError::NotFound)));
}

#[tokio::test]
async fn other_files_are_left_alone() {
    let kept = Kept::new().await;
    let copies = kept.store.path().join("copy-1");
    let others = [
        kept.folder.path().join("notes.txt"),
        kept.store.path().join("notes.txt"),
        copies.join("notes.txt"),
        copies.join(kept.name.to_string().to_uppercase()),
        copies.join(format!("{}.bak", kept.name)),
        copies.join(format!(".{}", kept.name)),
    ];
    for other in &others {
        fs::write(other, b"other").unwrap();
    }
    assert_eq!(kept.store.list(WALLET).await.unwrap(), [kept.name]);
    assert_eq!(kept.store.list(WalletId::from_bytes([8; 16])).await.unwrap(), []);
    kept.repairs().await;
    kept.store.delete(&kept.name).await.unwrap();
    assert_eq!(kept.store.list(WALLET).await.unwrap(), []);
    for other in &others {
        assert_eq!(fs::read(other).unwrap(), b"other", "{}", other.display());
    }
}

#[tokio::test]
async fn what_is_no_file_is_passed_over() {
    let kept = Kept::new().await;
    fs::remove_file(kept.copy(1)).unwrap();
    fs::create_dir(kept.copy(1)).unwrap();
    assert!(kept.reads().await);
    assert_eq!(kept.health().await.0[0], CopyHealth::Unreadable);
    // It may be the only good one: what cannot be read is not called lost.
    kept.set(2, b"");
    kept.set(3, b"");
    assert!(matches!(kept.store.get(&kept.name).await, Err(GetError::Fault(_))));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_is_waited_for() {
    let kept = Kept::new().await;
    fs::remove_file(kept.copy(1)).unwrap();
    // Reading a pipe would wait for somebody to write into it.
    let made = std::process::Command::new("mkfifo").arg(kept.copy(1)).status().unwrap();
    assert!(made.success());
    assert!(kept.reads().await);
    kept.repairs().await;
}

#[tokio::test]
async fn leftovers_of_a_killed_put_are_swept_by_the_next() {
    let kept = Kept::new().await;
    let leftover = kept.store.path().join("copy-2").join(".new-abc");
    fs::write(&leftover, &kept.container[..10]).unwrap();
    assert_eq!(kept.store.list(WALLET).await.unwrap(), [kept.name]);
    let (name, container) = object(b"the next");
    kept.store.put(&name, &container).await.unwrap();
    assert!(!leftover.exists());
}

#[tokio::test]
async fn deleting_removes_every_copy_and_may_be_repeated() {
    let kept = Kept::new().await;
    kept.set(2, b"damaged");
    kept.store.delete(&kept.name).await.unwrap();
    kept.store.delete(&kept.name).await.unwrap();
    assert!(matches!(kept.store.get(&kept.name).await, Err(GetError::NotFound)));
    assert_eq!(files_below(kept.store.path()).len(), 1, "the lock");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_puts_at_once_one_succeeds() {
    let folder = TempDir::new().unwrap();
    let store = DirectoryStore::create(folder.path()).unwrap();
    let (name, _) = object(b"whatever is first");
    let puts: Vec<_> = (0..16_u8)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let container = container::wrap(Content::Envelope, &[number; 5000]).unwrap();
                (store.put(&name, &container).await, container)
            })
        })
        .collect();
    let mut winners = Vec::new();
    for put in puts {
        match put.await.unwrap() {
            (Ok(()), container) => winners.push(container),
            (Err(PutError::Exists), _) => {}
            (Err(error), _) => panic!("{error:?}"),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(store.get(&name).await.unwrap(), winners[0]);
}

#[tokio::test]
async fn a_directory_that_cannot_be_used_says_why() {
    let folder = TempDir::new().unwrap();
    let none = DirectoryStore::open(folder.path()).unwrap_err();
    assert!(matches!(none, DirectoryError::NotAStore { path } if path == folder.path()));
    assert!(files_below(folder.path()).is_empty(), "looking makes nothing");

    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    for path in [&file, &file.join("below")] {
        let error = DirectoryStore::create(path).unwrap_err();
        assert!(matches!(error, DirectoryError::Failed { .. }), "{error:?}");
    }
}

/// Here not even root may make a directory.
#[cfg(target_os = "linux")]
#[test]
fn a_missing_permission_is_named() {
    let error = DirectoryStore::create("/sys/twoshare").unwrap_err();
    assert!(matches!(error, DirectoryError::Denied { .. }), "{error:?}");
}

#[test]
fn it_works_outside_a_runtime_too() {
    let folder = TempDir::new().unwrap();
    let store = DirectoryStore::create(folder.path()).unwrap();
    let (name, container) = object(b"an envelope");
    pollster::block_on(store.put(&name, &container)).unwrap();
    let again = DirectoryStore::open(folder.path()).unwrap();
    assert_eq!(pollster::block_on(again.get(&name)).unwrap(), container);
}

#[test]
fn names_never_lead_out_of_the_directory() {
    for bytes in [[0; 16], [0xff; 16], *b"../../etc/passwd", [b'/'; 16]] {
        let (mut name, _) = object(&bytes);
        name.envelope.wallet = WalletId::from_bytes(bytes);
        for name in [name, name.envelope.receipt()] {
            let text = name.to_string();
            let safe =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
            assert!(text.chars().all(safe) && !text.contains("..") && !text.starts_with('.'));
            assert_eq!(Path::new(&text).components().count(), 1);
        }
    }
}
