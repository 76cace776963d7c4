//! Power losses, kills and faults at every operation on the directory.

#![allow(clippy::indexing_slicing, reason = "in a test a panic is the failure")]

mod sim;

use twoshare_core::{id::WalletId, secret::SecretBytes};

use self::sim::{Blow, Loss, SimDisk};
use super::{
    keyring::Opener,
    vault::{Fault, Vault},
};
use crate::device::Counter;

const ONE: WalletId = WalletId::from_bytes([1; 16]);
const TWO: WalletId = WalletId::from_bytes([2; 16]);

/// The length of a key file with one key in it.
const KEY_FILE: usize = 8 + 1 + 1 + 32 + 32;

type Device = Vault<SimDisk>;

fn secret(bytes: &[u8]) -> SecretBytes {
    SecretBytes::from(bytes)
}

fn open(disk: &SimDisk) -> Device {
    Vault::open(disk.clone(), &Opener::Nothing).unwrap()
}

fn loaded(device: &mut Device, wallet: WalletId) -> Option<(Counter, Vec<u8>)> {
    let record = device.load(wallet).unwrap()?;
    Some((record.counter, record.contents.expose_secret().to_vec()))
}

/// A device with two wallets, of which nothing can be lost any more.
fn settled() -> SimDisk {
    let disk = SimDisk::default();
    let mut device = open(&disk);
    let old = device.save(ONE, &secret(b"older"), None).unwrap();
    device.save(ONE, &secret(b"old"), Some(old)).unwrap();
    device.save(TWO, &secret(b"other"), None).unwrap();
    disk.survivor(Loss::NOTHING)
}

fn old() -> Option<(Counter, Vec<u8>)> {
    Some((Counter::new(2).unwrap(), b"old".to_vec()))
}

/// Does something to a device, kills it at every operation of that, loses what may be lost then in every
/// way, and hands what came of it and what is left to `check`.
fn killed_anywhere(
    from: &SimDisk,
    act: impl Fn(&SimDisk) -> Result<(), Fault>,
    check: impl Fn(&mut Device, bool),
) {
    let mut cases = 0;
    for at in 0.. {
        let disk = from.survivor(Loss::NOTHING);
        disk.strike(at, Blow::Kill);
        let done = act(&disk).is_ok();
        for loss in disk.losses() {
            let left = disk.survivor(loss);
            check(&mut open(&left), done);
            // What the first start after it has cleaned up stays clean.
            assert!(left.names().iter().all(|name| !name.starts_with(".new-")), "{left:?}");
            check(&mut open(&left.survivor(Loss::EVERYTHING)), done);
            open(&left).save(WalletId::from_bytes([3; 16]), &secret(b"goes on"), None).unwrap();
            cases += 1;
        }
        let struck = disk.calm();
        disk.revive();
        let found = loaded(&mut open(&disk), ONE);
        // What was loaded does not go away any more, nor does the old key stay.
        for left in disk.losses().into_iter().map(|loss| disk.survivor(loss)) {
            assert_eq!(loaded(&mut open(&left), ONE), found);
            assert_eq!(left.file("device.key").len(), KEY_FILE);
        }
        if !struck {
            assert!(done && at > 0);
            break;
        }
    }
    assert!(cases > 10, "{cases}");
}

#[test]
fn a_save_killed_anywhere_leaves_the_old_or_the_new_record() {
    let save = |disk: &SimDisk| {
        Vault::open(disk.clone(), &Opener::Nothing)?
            .save(ONE, &secret(b"new"), Counter::new(2))
            .map(drop)
    };
    killed_anywhere(&settled(), save, |device, done| {
        let new = Some((Counter::new(3).unwrap(), b"new".to_vec()));
        let found = loaded(device, ONE);
        assert!(found == new || (!done && found == old()), "{found:?} {done}");
        assert_eq!(loaded(device, TWO), Some((Counter::FIRST, b"other".to_vec())));
    });
}

#[test]
fn a_first_record_killed_anywhere_is_there_or_not() {
    let save = |disk: &SimDisk| {
        Vault::open(disk.clone(), &Opener::Nothing)?.save(ONE, &secret(b"new"), None).map(drop)
    };
    // Opening makes the key.
    killed_anywhere(&SimDisk::default(), save, |device, done| {
        let found = loaded(device, ONE);
        let new = Some((Counter::FIRST, b"new".to_vec()));
        assert!(found == new || (!done && found.is_none()), "{found:?} {done}");
    });
}

#[test]
fn a_deletion_killed_anywhere_has_happened_or_not() {
    let delete = |disk: &SimDisk| {
        Vault::open(disk.clone(), &Opener::Nothing)?.delete(ONE, Counter::new(2).unwrap())
    };
    killed_anywhere(&settled(), delete, |device, done| {
        let found = loaded(device, ONE);
        assert!(found.is_none() || (!done && found == old()), "{found:?} {done}");
        if found.is_none() {
            let late = device.save(ONE, &secret(b"late"), Counter::new(2));
            assert!(matches!(late, Err(Fault::Conflict { found: None })));
        }
    });
}

#[test]
fn a_password_change_killed_anywhere_loses_nothing() {
    // Without a password it does the same to the files, and takes no second for each of them.
    let change =
        |disk: &SimDisk| Vault::open(disk.clone(), &Opener::Nothing)?.set_lock(&Opener::Nothing);
    killed_anywhere(&settled(), change, |device, _| {
        assert_eq!(loaded(device, ONE), old());
        assert_eq!(loaded(device, TWO), Some((Counter::FIRST, b"other".to_vec())));
    });
}

/// What was opened with the key of before is opened by nobody who has only that.
#[test]
fn a_password_change_makes_the_old_key_useless() {
    let disk = settled();
    let before = disk.file("device.key");
    open(&disk).set_lock(&Opener::Nothing).unwrap();
    disk.set_file("device.key", before);
    assert!(matches!(open(&disk).load(ONE), Err(Fault::Damaged)));
}

/// An operation fails, with its effect or without; the app goes on.
#[test]
fn after_a_fault_anywhere_the_record_is_the_old_or_the_new_one() {
    for blow in [Blow::Fail, Blow::FailLate] {
        for at in 0.. {
            let disk = settled();
            let mut device = open(&disk);
            disk.strike(at, blow);
            let outcome = device.save(ONE, &secret(b"new"), Counter::new(2));
            let (struck, done) = (disk.calm(), outcome.is_ok());
            let found = loaded(&mut device, ONE).unwrap();
            assert!(found.1 == b"new" || (!done && Some(&found) == old().as_ref()), "{found:?}");
            // What was loaded does not go away any more.
            for loss in disk.losses() {
                assert_eq!(loaded(&mut open(&disk.survivor(loss)), ONE).as_ref(), Some(&found));
            }
            let counter = device.save(ONE, &secret(b"newer"), Some(found.0)).unwrap();
            assert_eq!(loaded(&mut device, ONE), Some((counter, b"newer".to_vec())));
            if !struck {
                assert!(done && at > 0);
                break;
            }
        }
    }
}

#[test]
fn after_a_fault_anywhere_a_password_change_can_be_repeated() {
    for blow in [Blow::Fail, Blow::FailLate] {
        for at in 0.. {
            let disk = settled();
            let mut device = open(&disk);
            disk.strike(at, blow);
            let _ = device.set_lock(&Opener::Nothing);
            let struck = disk.calm();
            assert_eq!(loaded(&mut device, ONE), old());
            let counter = device.save(ONE, &secret(b"between"), Counter::new(2)).unwrap();
            for loss in disk.losses() {
                let mut left = open(&disk.survivor(loss));
                assert_eq!(loaded(&mut left, ONE), Some((counter, b"between".to_vec())));
            }
            device.set_lock(&Opener::Nothing).unwrap();
            assert_eq!(disk.file("device.key").len(), KEY_FILE, "the old key is forgotten");
            let mut left = open(&disk.survivor(Loss::EVERYTHING));
            assert_eq!(loaded(&mut left, ONE), Some((counter, b"between".to_vec())));
            assert_eq!(loaded(&mut left, TWO), Some((Counter::FIRST, b"other".to_vec())));
            if !struck {
                assert!(at > 0);
                break;
            }
        }
    }
}

#[test]
fn other_files_are_left_alone() {
    let disk = settled();
    for name in ["notes.txt", ".new-notes", "X.wallet", ".new-x.wallet"] {
        disk.set_file(name, b"mine".to_vec());
    }
    let mut device = open(&disk);
    device.set_lock(&Opener::Nothing).unwrap();
    assert_eq!(device.wallets().unwrap(), [ONE, TWO]);
    for name in ["notes.txt", ".new-notes", "X.wallet", ".new-x.wallet"] {
        assert_eq!(disk.file(name), b"mine", "{name}");
    }
}

/// Without its key, nothing there can be read; a new key would hide that.
#[test]
fn a_missing_key_is_damage() {
    let disk = settled();
    disk.remove_file("device.key");
    assert!(matches!(Vault::open(disk, &Opener::Nothing), Err(Fault::Damaged)));
}

#[test]
fn every_flipped_bit_is_damage() {
    let disk = settled();
    let name = disk.names().into_iter().find(|name| name.ends_with(".wallet")).unwrap();
    for file in [name.as_str(), "device.key"] {
        let intact = disk.file(file);
        for bit in 0..intact.len() * 8 {
            let mut flipped = intact.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            disk.set_file(file, flipped);
            let outcome =
                Vault::open(disk.clone(), &Opener::Nothing).and_then(|mut device| device.load(ONE));
            assert!(matches!(outcome, Err(Fault::Damaged)), "bit {bit} of {file}: {outcome:?}");
        }
        for length in 0..intact.len() {
            disk.set_file(file, intact[..length].to_vec());
            let outcome =
                Vault::open(disk.clone(), &Opener::Nothing).and_then(|mut device| device.load(ONE));
            assert!(matches!(outcome, Err(Fault::Damaged)), "{length} bytes of {file}");
        }
        disk.set_file(file, intact);
    }
    assert_eq!(loaded(&mut open(&disk), ONE), old());
}

/// A file in another's place, or of another time with its counter changed, is damage too.
#[test]
fn a_record_is_bound_to_its_wallet_and_counter() {
    use sha2::{Digest as _, Sha256};

    let disk = settled();
    let mut names = disk.names();
    names.retain(|name| name.ends_with(".wallet"));
    let [one, two] = names.as_slice() else { panic!("{names:?}") };
    let intact = disk.file(one);
    disk.set_file(one, disk.file(two));
    assert!(matches!(open(&disk).load(ONE), Err(Fault::Damaged)));

    let mut later = intact.clone();
    later[16] += 1;
    let length = later.len() - 32;
    let checksum = Sha256::digest(&later[..length]);
    later[length..].copy_from_slice(&checksum);
    disk.set_file(one, later);
    let mut device = open(&disk);
    assert!(matches!(device.load(ONE), Err(Fault::Damaged)));
    assert_eq!(device.wallets().unwrap(), [ONE, TWO]);
    // It is not written over, but can be discarded; and no late writer of before comes back.
    for expected in [None, Counter::new(2), Counter::new(3)] {
        assert!(matches!(device.save(ONE, &secret(b"x"), expected), Err(Fault::Damaged)));
    }
    assert!(matches!(device.delete(ONE, Counter::new(2).unwrap()), Err(Fault::Damaged)));
    device.discard(ONE).unwrap();
    assert!(device.load(ONE).unwrap().is_none());
    assert_eq!(device.wallets().unwrap(), [TWO]);
    let counter = device.save(ONE, &secret(b"recovered"), None).unwrap();
    assert!(counter > Counter::new(3).unwrap());
}

#[test]
fn a_newer_version_is_named_and_kept() {
    use sha2::{Digest as _, Sha256};

    let disk = settled();
    let name = disk.names().into_iter().find(|name| name.ends_with(".wallet")).unwrap();
    for file in [name.as_str(), "device.key"] {
        let intact = disk.file(file);
        let mut newer = intact.clone();
        newer[8] = 7;
        let length = newer.len() - 32;
        let checksum = Sha256::digest(&newer[..length]);
        newer[length..].copy_from_slice(&checksum);
        disk.set_file(file, newer.clone());
        let opened = Vault::open(disk.clone(), &Opener::Nothing);
        if file == "device.key" {
            assert!(matches!(opened.map(drop), Err(Fault::Newer { version: 7 })));
        } else {
            let mut device = opened.unwrap();
            assert!(matches!(device.load(ONE).map(drop), Err(Fault::Newer { version: 7 })));
            assert!(matches!(device.discard(ONE), Err(Fault::Newer { version: 7 })));
            assert!(matches!(device.set_lock(&Opener::Nothing), Err(Fault::Newer { version: 7 })));
            assert!(device.save(ONE, &secret(b"x"), None).is_err());
        }
        assert_eq!(disk.file(file), newer);
        disk.set_file(file, intact);
    }
}
