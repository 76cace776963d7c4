//! The directory store under processes that write at once, are killed, or find the disk full.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the failure")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use pollster::block_on;
use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha20Rng};
use tempfile::TempDir;
use twoshare::{CopyHealth, DirectoryStore, Verdict};
use twoshare_core::store::{EnvelopeStore as _, GetError};
use twoshare_tests::directory::{WALLET, object};

const PUTTER: &str = env!("CARGO_BIN_EXE_putter");

fn putter(folder: &Path, writer: u8, first: u32, count: u32) -> Command {
    let mut command = Command::new(PUTTER);
    command.arg(folder).args([writer.to_string(), first.to_string(), count.to_string()]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a process said of each object.
fn outcomes(output: &Output) -> BTreeMap<u32, String> {
    let lines = String::from_utf8(output.stdout.clone()).unwrap();
    let outcomes = lines.lines().map(|line| line.split_once(' ').unwrap());
    outcomes.map(|(number, outcome)| (number.parse().unwrap(), outcome.to_owned())).collect()
}

#[test]
fn of_many_processes_one_puts_each_object() {
    const WRITERS: u8 = 4;
    const COUNT: u32 = 40;
    let folder = TempDir::new().unwrap();
    let children: Vec<Child> = (0..WRITERS)
        .map(|writer| putter(folder.path(), writer, 0, COUNT).spawn().unwrap())
        .collect();
    let outputs: Vec<Output> =
        children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    for output in &outputs {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let store = DirectoryStore::open(folder.path()).unwrap();
    let outcomes: Vec<_> = outputs.iter().map(outcomes).collect();
    for number in 0..COUNT {
        let winners: Vec<u8> = (0..WRITERS)
            .zip(&outcomes)
            .filter(|(_, outcomes)| outcomes[&number] == "ok")
            .map(|(writer, _)| writer)
            .collect();
        let [winner] = winners[..] else { panic!("{number} was put by {winners:?}") };
        let (name, container) = object(number, winner);
        assert_eq!(block_on(store.get(&name)).unwrap(), container, "object {number}");
    }
}

/// `kill -9` at random instants: what was acknowledged is there, what was not is there whole or not
/// at all, and putting it again completes it.
#[test]
fn a_killed_process_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let store = DirectoryStore::create(folder.path()).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut next = 0;
    let mut interrupted = 0;
    for _ in 0..40 {
        let mut child = putter(folder.path(), 0, next, u32::MAX).spawn().unwrap();
        let mut acknowledged = BufReader::new(child.stdout.take().unwrap()).lines();
        // From the first acknowledgement on, so that the kill comes while it puts.
        assert_eq!(acknowledged.next().unwrap().unwrap(), format!("{next} ok"));
        thread::sleep(Duration::from_micros(rng.random_range(0..12_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        let last = acknowledged.map_while(Result::ok).last();
        let last = last.map_or(next, |line| line.split_once(' ').unwrap().0.parse().unwrap());

        let half = last + 1;
        let (name, container) = object(half, 0);
        match block_on(store.get(&name)) {
            Ok(read) => assert_eq!(read, container, "object {half} is not what was put"),
            Err(GetError::NotFound) => {}
            Err(error) => panic!("object {half}: {error:?}"),
        }
        let health = block_on(store.health()).unwrap();
        for object in health {
            let whole = object.copies == [CopyHealth::Intact; 3];
            let number = u32::try_from(object.name.envelope.epoch.get()).unwrap() - 1;
            assert!(whole || number == half && object.verdict == Verdict::Repairable);
        }
        interrupted += leftovers(folder.path());
        block_on(store.put(&name, &container)).unwrap();
        next = half + 1;
    }
    for number in 0..next {
        let (name, container) = object(number, 0);
        assert_eq!(block_on(store.get(&name)).unwrap(), container, "object {number}");
    }
    assert_eq!(block_on(store.list(WALLET)).unwrap().len(), usize::try_from(next).unwrap());
    assert!(interrupted > 0, "all kills came between two puts");
}

/// How many files were being written.
fn leftovers(store: &Path) -> usize {
    let copies = ["copy-1", "copy-2", "copy-3"].map(|copy| fs::read_dir(store.join(copy)).unwrap());
    let names = copies.into_iter().flatten().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with('.')).count()
}

#[cfg(unix)]
#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    let folder = TempDir::new().unwrap();
    let output = putter(folder.path(), 0, 0, 1).output().unwrap();
    assert_eq!(outcomes(&output)[&0], "ok");
    // No file of this process may be longer than 512 bytes: to a program, a disk that is full.
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh", PUTTER]);
    limited.arg(folder.path()).args(["0", "1", "3"]);
    let output = limited.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(outcomes(&output).values().all(|outcome| outcome == "full"), "{output:?}");

    let store = DirectoryStore::open(folder.path()).unwrap();
    let (name, container) = object(0, 0);
    assert_eq!(block_on(store.get(&name)).unwrap(), container);
    assert_eq!(block_on(store.list(WALLET)).unwrap(), [name]);
    for copy in ["copy-1", "copy-2", "copy-3"] {
        assert_eq!(fs::read_dir(folder.path().join(copy)).unwrap().count(), 1, "nothing is left");
    }
    let output = putter(folder.path(), 0, 1, 3).output().unwrap();
    assert!(outcomes(&output).values().all(|outcome| outcome == "ok"));
}
