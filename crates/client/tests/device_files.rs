//! A device in a directory: its password, its lock, and what is seen of it from outside.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use twoshare::{
    DeviceState, FileDevice,
    core::{id::WalletId, method::Password, secret::SecretBytes},
    device::{
        Counter, LoadError, OpenDeviceError, PlatformKey, Protection, SaveError, SettingsError,
    },
};

const ONE: WalletId = WalletId::from_bytes([1; 16]);
const SECRET: &[u8] = b"a share that nobody may find on the disk";
const SETTINGS: &[u8] = b"a token that nobody may find on the disk";

fn password(entered: &str) -> Option<Password> {
    Some(Password::new(entered).unwrap())
}

fn secret(bytes: &[u8]) -> SecretBytes {
    SecretBytes::from(bytes)
}

async fn with_record(path: &Path, password: Option<Password>) -> FileDevice {
    let device = FileDevice::open(path, password).await.unwrap();
    device.save(ONE, &secret(SECRET), None).await.unwrap();
    device.save_settings(&secret(SETTINGS)).await.unwrap();
    device
}

async fn assert_keeps(device: &FileDevice) {
    let record = device.load(ONE).await.unwrap().unwrap();
    assert_eq!((record.counter, record.contents.expose_secret()), (Counter::FIRST, SECRET));
    assert_eq!(device.settings().await.unwrap().unwrap().expose_secret(), SETTINGS);
}

fn files(path: &Path) -> Vec<PathBuf> {
    fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn a_password_is_asked_for_and_checked() {
    let folder = TempDir::new().unwrap();
    assert_eq!(FileDevice::protection_of(folder.path()).await.unwrap(), None);
    drop(with_record(folder.path(), password("right")).await);
    let protection = FileDevice::protection_of(folder.path()).await.unwrap();
    assert_eq!(protection, Some(Protection::Password));

    let refusal = FileDevice::open(folder.path(), None).await.unwrap_err();
    assert!(matches!(refusal, OpenDeviceError::PasswordNeeded), "{refusal:?}");
    let refusal = FileDevice::open(folder.path(), password("wrong")).await.unwrap_err();
    assert!(matches!(refusal, OpenDeviceError::WrongPassword), "{refusal:?}");
    assert_keeps(&FileDevice::open(folder.path(), password("right")).await.unwrap()).await;
}

#[tokio::test]
async fn a_device_without_a_password_takes_none() {
    let folder = TempDir::new().unwrap();
    drop(with_record(folder.path(), None).await);
    let refusal = FileDevice::open(folder.path(), password("any")).await.unwrap_err();
    assert!(matches!(refusal, OpenDeviceError::NoPassword), "{refusal:?}");
    let device = FileDevice::open(folder.path(), None).await.unwrap();
    assert_eq!(device.protection().await.unwrap(), Protection::KeyFile);
    assert_keeps(&device).await;
}

#[tokio::test]
async fn a_password_is_set_changed_and_removed() {
    let folder = TempDir::new().unwrap();
    let mut device = with_record(folder.path(), None).await;
    let mut old: Option<&str> = None;
    for new in [Some("first"), Some("second"), None] {
        let before: Vec<_> =
            files(folder.path()).into_iter().map(|path| fs::read(path).unwrap()).collect();
        device.set_password(new.and_then(password)).await.unwrap();
        assert_keeps(&device).await;
        drop(device);
        let refused = FileDevice::open(folder.path(), old.and_then(password)).await.unwrap_err();
        assert!(
            matches!(
                refused,
                OpenDeviceError::PasswordNeeded
                    | OpenDeviceError::WrongPassword
                    | OpenDeviceError::NoPassword
            ),
            "{refused:?}"
        );
        device = FileDevice::open(folder.path(), new.and_then(password)).await.unwrap();
        assert_keeps(&device).await;
        // Everything but the empty lock is another file now.
        for path in files(folder.path()) {
            let bytes = fs::read(&path).unwrap();
            assert!(bytes.is_empty() || !before.contains(&bytes), "{path:?}");
        }
        old = new;
    }
}

/// Whoever kept the key file and the password of before has nothing.
#[tokio::test]
async fn an_old_key_file_opens_nothing_any_more() {
    let folder = TempDir::new().unwrap();
    let device = with_record(folder.path(), password("leaked")).await;
    let key = folder.path().join("device.key");
    let old = fs::read(&key).unwrap();
    device.set_password(password("new")).await.unwrap();
    drop(device);
    fs::write(&key, old).unwrap();
    let device = FileDevice::open(folder.path(), password("leaked")).await.unwrap();
    assert!(matches!(device.load(ONE).await, Err(LoadError::Damaged)));
    assert!(matches!(device.settings().await, Err(LoadError::Damaged)));
    assert_eq!(device.wallets().await.unwrap(), [ONE], "it is there to be seen");
}

fn platform_key(number: u8) -> PlatformKey {
    PlatformKey::from_bytes(&[number; 32])
}

async fn open_with(path: &Path, key: u8) -> Result<FileDevice, OpenDeviceError> {
    FileDevice::open_with_platform_key(path, platform_key(key)).await
}

/// What was copied to another device is there without the key that stays behind.
#[tokio::test]
async fn a_platform_key_is_asked_for_and_checked() {
    let folder = TempDir::new().unwrap();
    let device = open_with(folder.path(), 1).await.unwrap();
    assert_eq!(device.protection().await.unwrap(), Protection::PlatformKey);
    device.save(ONE, &secret(SECRET), None).await.unwrap();
    device.save_settings(&secret(SETTINGS)).await.unwrap();
    drop(device);
    let protection = FileDevice::protection_of(folder.path()).await.unwrap();
    assert_eq!(protection, Some(Protection::PlatformKey));

    let refusal = open_with(folder.path(), 2).await.unwrap_err();
    assert!(matches!(refusal, OpenDeviceError::WrongPlatformKey), "{refusal:?}");
    for other in [None, password("any")] {
        let refusal = FileDevice::open(folder.path(), other).await.unwrap_err();
        assert!(matches!(refusal, OpenDeviceError::PlatformKeyNeeded), "{refusal:?}");
    }
    assert_keeps(&open_with(folder.path(), 1).await.unwrap()).await;

    for file in files(folder.path()) {
        let bytes = fs::read(&file).unwrap();
        for secret in [SECRET, SETTINGS, &[1; 32]] {
            let found = bytes.windows(8).any(|part| secret.windows(8).any(|any| any == part));
            assert!(!found, "{file:?}");
        }
    }
}

#[tokio::test]
async fn a_device_of_another_kind_takes_no_platform_key() {
    let folder = TempDir::new().unwrap();
    drop(with_record(folder.path(), None).await);
    let refusal = open_with(folder.path(), 1).await.unwrap_err();
    assert!(matches!(refusal, OpenDeviceError::NoPlatformKey), "{refusal:?}");
    let folder = TempDir::new().unwrap();
    drop(with_record(folder.path(), password("right")).await);
    let refusal = open_with(folder.path(), 1).await.unwrap_err();
    assert!(matches!(refusal, OpenDeviceError::PasswordNeeded), "{refusal:?}");
}

/// From nothing to a platform key, to another one, to a password, and back; and nothing of before opens.
#[tokio::test]
async fn a_platform_key_is_set_changed_and_removed() {
    let folder = TempDir::new().unwrap();
    let device = with_record(folder.path(), None).await;
    device.set_platform_key(platform_key(1)).await.unwrap();
    assert_eq!(device.protection().await.unwrap(), Protection::PlatformKey);
    drop(device);
    let refusal = FileDevice::open(folder.path(), None).await.unwrap_err();
    assert!(matches!(refusal, OpenDeviceError::PlatformKeyNeeded), "{refusal:?}");

    let device = open_with(folder.path(), 1).await.unwrap();
    device.set_platform_key(platform_key(2)).await.unwrap();
    drop(device);
    let refusal = open_with(folder.path(), 1).await.unwrap_err();
    assert!(matches!(refusal, OpenDeviceError::WrongPlatformKey), "{refusal:?}");

    let device = open_with(folder.path(), 2).await.unwrap();
    device.set_password(password("right")).await.unwrap();
    drop(device);
    let device = FileDevice::open(folder.path(), password("right")).await.unwrap();
    assert_keeps(&device).await;
    device.set_platform_key(platform_key(3)).await.unwrap();
    drop(device);
    assert_keeps(&open_with(folder.path(), 3).await.unwrap()).await;
}

/// A whole old copy that was put back is refused, once its key is another one.
#[tokio::test]
async fn an_old_copy_is_refused_after_the_platform_key_was_changed() {
    let folder = TempDir::new().unwrap();
    let device = open_with(folder.path(), 1).await.unwrap();
    device.save(ONE, &secret(SECRET), None).await.unwrap();
    let copied: Vec<_> =
        files(folder.path()).into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect();
    device.set_platform_key(platform_key(2)).await.unwrap();
    drop(device);
    for (bytes, path) in copied {
        fs::write(path, bytes).unwrap();
    }
    let refusal = open_with(folder.path(), 2).await.unwrap_err();
    assert!(matches!(refusal, OpenDeviceError::WrongPlatformKey), "{refusal:?}");
}

/// While a device is open, nobody brings an old record back, or takes one away.
#[tokio::test]
async fn an_old_record_put_back_while_the_device_is_open_is_damage() {
    let folder = TempDir::new().unwrap();
    let device = open_with(folder.path(), 1).await.unwrap();
    let first = device.save(ONE, &secret(b"old"), None).await.unwrap();
    let is_record = |path: &PathBuf| path.extension().is_some_and(|name| name == "wallet");
    let path = files(folder.path()).into_iter().find(is_record).unwrap();
    let old = fs::read(&path).unwrap();
    let second = device.save(ONE, &secret(b"new"), Some(first)).await.unwrap();
    let new = fs::read(&path).unwrap();

    fs::write(&path, &old).unwrap();
    assert!(matches!(device.load(ONE).await, Err(LoadError::Damaged)));
    let late = device.save(ONE, &secret(b"late"), Some(first)).await.unwrap_err();
    assert!(matches!(late, SaveError::Damaged), "{late:?}");
    fs::remove_file(&path).unwrap();
    assert!(matches!(device.load(ONE).await, Err(LoadError::Damaged)));
    fs::write(&path, &new).unwrap();
    assert_eq!(device.load(ONE).await.unwrap().unwrap().counter, second);

    // What is discarded stays above what was seen.
    fs::write(&path, &old).unwrap();
    device.discard(ONE).await.unwrap();
    assert!(device.save(ONE, &secret(b"recovered"), None).await.unwrap() > second);
}

/// The first version, which knows no platform keys, is told that it is too old; and a kind that is none
/// of its version's is damage.
#[tokio::test]
async fn a_platform_key_is_of_the_second_version() {
    let folder = TempDir::new().unwrap();
    drop(open_with(folder.path(), 1).await.unwrap());
    let key = folder.path().join("device.key");
    let intact = fs::read(&key).unwrap();
    assert_eq!(intact[8..10], [2, 3]);
    let with = |version: u8, kind: u8| {
        let mut file = intact[..intact.len() - 32].to_vec();
        file[8..10].copy_from_slice(&[version, kind]);
        let checksum = Sha256::digest(&file);
        file.extend_from_slice(&checksum);
        fs::write(&key, file).unwrap();
    };
    for (version, kind) in [(1, 3), (2, 1), (2, 2), (2, 4)] {
        with(version, kind);
        let refusal = open_with(folder.path(), 1).await.unwrap_err();
        assert!(matches!(refusal, OpenDeviceError::Damaged { .. }), "{refusal:?}");
    }
    with(3, 3);
    let refusal = open_with(folder.path(), 1).await.unwrap_err();
    assert!(matches!(refusal, OpenDeviceError::NewerVersion { version: 3 }), "{refusal:?}");
}

#[tokio::test]
async fn damage_is_told_from_a_wrong_platform_key() {
    let folder = TempDir::new().unwrap();
    drop(open_with(folder.path(), 1).await.unwrap());
    let key = folder.path().join("device.key");
    let intact = fs::read(&key).unwrap();
    for bit in 0..intact.len() * 8 {
        let mut flipped = intact.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&key, flipped).unwrap();
        let refusal = open_with(folder.path(), 1).await.unwrap_err();
        assert!(matches!(refusal, OpenDeviceError::Damaged { .. }), "bit {bit}: {refusal:?}");
    }
    for length in 0..intact.len() {
        fs::write(&key, &intact[..length]).unwrap();
        let refusal = open_with(folder.path(), 1).await.unwrap_err();
        assert!(matches!(refusal, OpenDeviceError::Damaged { .. }), "{length}: {refusal:?}");
    }
}

#[test]
fn a_platform_key_is_never_printed() {
    assert_eq!(format!("{:?}", platform_key(7)), "PlatformKey(redacted)");
}

/// A wrong password is told from damage: whatever bit of the key file flips, it is damage.
#[tokio::test]
async fn damage_is_told_from_a_wrong_password() {
    let folder = TempDir::new().unwrap();
    drop(with_record(folder.path(), password("right")).await);
    let key = folder.path().join("device.key");
    let intact = fs::read(&key).unwrap();
    for bit in 0..intact.len() * 8 {
        let mut flipped = intact.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&key, flipped).unwrap();
        let refusal = FileDevice::open(folder.path(), password("right")).await.unwrap_err();
        assert!(matches!(refusal, OpenDeviceError::Damaged { .. }), "bit {bit}: {refusal:?}");
    }
    fs::write(&key, &intact[..20]).unwrap();
    let refusal = FileDevice::open(folder.path(), password("right")).await.unwrap_err();
    assert!(matches!(refusal, OpenDeviceError::Damaged { .. }), "{refusal:?}");
    fs::remove_file(&key).unwrap();
    let refusal = FileDevice::open(folder.path(), password("right")).await.unwrap_err();
    assert!(matches!(refusal, OpenDeviceError::Damaged { .. }), "{refusal:?}");
    fs::write(&key, intact).unwrap();
    assert_keeps(&FileDevice::open(folder.path(), password("right")).await.unwrap()).await;
}

/// A key file that was changed on purpose does not make the device work for minutes.
#[tokio::test]
async fn excessive_work_is_refused_before_it_is_done() {
    let folder = TempDir::new().unwrap();
    drop(with_record(folder.path(), password("right")).await);
    let key = folder.path().join("device.key");
    let mut file = fs::read(&key).unwrap();
    // 16 GiB, 16 passes.
    file[26..34].copy_from_slice(&[1, 0, 0, 0, 0, 0, 0, 16]);
    let length = file.len() - 32;
    let checksum = Sha256::digest(&file[..length]);
    file[length..].copy_from_slice(&checksum);
    fs::write(&key, file).unwrap();
    let start = Instant::now();
    let refusal = FileDevice::open(folder.path(), password("right")).await.unwrap_err();
    assert!(matches!(refusal, OpenDeviceError::ExcessiveWork), "{refusal:?}");
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_directory_has_one_owner_at_a_time() {
    let folder = TempDir::new().unwrap();
    let device = with_record(folder.path(), None).await;
    let refusal = FileDevice::open(folder.path(), None).await.unwrap_err();
    assert!(matches!(refusal, OpenDeviceError::InUse { .. }), "{refusal:?}");
    // It can be asked how it is protected all the same.
    let protection = FileDevice::protection_of(folder.path()).await.unwrap();
    assert_eq!(protection, Some(Protection::KeyFile));
    drop(device);
    assert_keeps(&FileDevice::open(folder.path(), None).await.unwrap()).await;
}

/// Not a test of its own: the process that `a_killed_process_...` kills. It saves as fast as it can.
#[tokio::test]
async fn saves_until_it_is_killed() {
    let Ok(path) = env::var("TWOSHARE_TEST_SAVES_IN") else { return };
    let device = FileDevice::open(path, None).await.unwrap();
    let mut last = device.load(ONE).await.unwrap().map(|record| record.counter);
    loop {
        let number = last.map_or(1, |last| last.get() + 1);
        let contents = secret(&number.to_be_bytes().repeat(10_000));
        last = Some(device.save(ONE, &contents, last).await.unwrap());
        println!("saved {number}");
    }
}

/// `kill -9` at any moment: the lock is gone, the record is whole, and no older than what was said to be
/// saved.
#[tokio::test]
async fn a_killed_process_leaves_the_device_free_and_whole() {
    let folder = TempDir::new().unwrap();
    for round in 0..20 {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["saves_until_it_is_killed", "--exact", "--nocapture"])
            .env("TWOSHARE_TEST_SAVES_IN", folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut lines = output.lines().map(Result::unwrap);
        // The test harness prints on the first of these lines, too.
        let saved = |line: String| line.split("saved ").nth(1)?.parse::<u64>().ok();
        let first = lines.by_ref().find_map(saved).unwrap();
        let busy = FileDevice::open(folder.path(), None).await.unwrap_err();
        assert!(matches!(busy, OpenDeviceError::InUse { .. }), "{busy:?}");
        thread::sleep(Duration::from_micros(700 * round));
        process.kill().unwrap();
        process.wait().unwrap();
        let last = lines.filter_map(saved).last().unwrap_or(first);

        let device = FileDevice::open(folder.path(), None).await.unwrap();
        let record = device.load(ONE).await.unwrap().unwrap();
        let number = record.counter.get();
        assert!(number == last || number == last + 1, "{number} after {last}");
        assert_eq!(record.contents.expose_secret(), number.to_be_bytes().repeat(10_000));
        let names: Vec<_> =
            files(folder.path()).into_iter().filter(|path| is_leftover(path)).collect();
        assert!(names.is_empty(), "{names:?}");
    }
}

fn is_leftover(path: &Path) -> bool {
    path.file_name().unwrap().to_str().unwrap().starts_with(".new-")
}

/// Neither secrets nor what they are sealed with, where there is a password.
#[tokio::test]
async fn no_secret_is_in_the_files_in_plain() {
    for password in [None, password("a device's password")] {
        let folder = TempDir::new().unwrap();
        let device = with_record(folder.path(), password).await;
        device.save(WalletId::from_bytes([2; 16]), &secret(SECRET), None).await.unwrap();
        device.delete(WalletId::from_bytes([2; 16]), Counter::FIRST).await.unwrap();
        let files = files(folder.path());
        assert_eq!(files.len(), 5, "{files:?}");
        for path in files {
            let bytes = fs::read(&path).unwrap();
            for secret in [SECRET, SETTINGS, b"a device's password"] {
                let found = bytes.windows(8).any(|part| secret.windows(8).any(|any| any == part));
                assert!(!found, "{path:?}");
            }
        }
    }
}

/// What is deleted leaves nothing but its counter.
#[tokio::test]
async fn what_is_deleted_leaves_a_short_file() {
    let folder = TempDir::new().unwrap();
    let device = FileDevice::open(folder.path(), None).await.unwrap();
    let counter = device.save(ONE, &SecretBytes::from(vec![7; 100_000]), None).await.unwrap();
    device.delete(ONE, counter).await.unwrap();
    for path in files(folder.path()) {
        assert!(fs::metadata(&path).unwrap().len() < 200, "{path:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = TempDir::new().unwrap();
    let path = folder.path().join("new").join("device");
    let _device = with_record(&path, None).await;
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    for file in files(&path) {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

/// Neither through a link that somebody has put where a file is to be made, nor for ever at a pipe.
#[cfg(unix)]
#[tokio::test]
async fn what_is_no_file_is_damage() {
    let folder = TempDir::new().unwrap();
    let device = with_record(folder.path(), None).await;
    let record = files(folder.path())
        .into_iter()
        .find(|path| path.extension().is_some_and(|extension| extension == "wallet"))
        .unwrap();
    let elsewhere = folder.path().join("elsewhere");
    fs::rename(&record, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &record).unwrap();
    assert!(matches!(device.load(ONE).await, Err(LoadError::Damaged)));
    let before = fs::read(&elsewhere).unwrap();
    device.discard(ONE).await.unwrap();
    assert_eq!(fs::read(&elsewhere).unwrap(), before);
    assert!(device.load(ONE).await.unwrap().is_none());
}

#[tokio::test]
async fn settings_are_replaced_and_bounded() {
    let folder = TempDir::new().unwrap();
    let device = FileDevice::open(folder.path(), None).await.unwrap();
    assert!(device.settings().await.unwrap().is_none());
    for settings in [b"first".as_slice(), b"", b"second"] {
        device.save_settings(&secret(settings)).await.unwrap();
        assert_eq!(device.settings().await.unwrap().unwrap().expose_secret(), settings);
    }
    assert!(device.wallets().await.unwrap().is_empty());
    let absurd = SecretBytes::from(vec![0; 64 * 1024 * 1024 + 1]);
    let refusal = device.save_settings(&absurd).await.unwrap_err();
    assert!(matches!(refusal, SettingsError::TooLarge { .. }));
    // Damaged ones are entered again.
    fs::write(folder.path().join("device.settings"), b"damaged").unwrap();
    assert!(matches!(device.settings().await, Err(LoadError::Damaged)));
    device.save_settings(&secret(b"again")).await.unwrap();
    assert_eq!(device.settings().await.unwrap().unwrap().expose_secret(), b"again");
}

/// Stretching a password takes a while, which the executor's only thread does not.
#[tokio::test(flavor = "current_thread")]
async fn the_executor_is_not_blocked() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_owned();
    let opening = tokio::spawn(async move { FileDevice::open(path, password("slow")).await });
    let mut turns = 0u64;
    while !opening.is_finished() {
        tokio::task::yield_now().await;
        turns += 1;
    }
    opening.await.unwrap().unwrap();
    assert!(turns > 100, "{turns}");
}
