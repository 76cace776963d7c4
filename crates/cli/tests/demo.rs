//! The demo, as a user runs it: its story, and its signatures under verifiers of others.

use std::{fs, path::Path, process::Command};

use serde_json::Value;

/// What the demo signs.
const MESSAGE: &[u8] = b"twoshare: recovered, refreshed, and still the same key";

fn demo(args: &[&str]) -> (Option<i32>, Value, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_twoshare"))
        .arg("demo")
        .arg("--json")
        .args(args)
        .output()
        .expect("the command runs");
    let json = serde_json::from_slice(&output.stdout).expect("one JSON object");
    (output.status.code(), json, String::from_utf8(output.stderr).expect("text"))
}

fn bytes(hex: &Value) -> Vec<u8> {
    hex::decode(hex.as_str().expect("hex")).expect("hex")
}

fn file(directory: &Path, name: &str, content: &[u8]) -> String {
    let path = directory.join(name);
    fs::write(&path, content).expect("a temporary file");
    path.to_str().expect("text").to_owned()
}

#[test]
fn the_recovered_shares_sign_under_the_original_keys() {
    let (exit, told, _) = demo(&[]);
    assert_eq!(exit, Some(0));
    let key = |index: usize| bytes(&told["keys"][index]["public_key"]);

    // BIP-340 knows the x-coordinate only.
    let verifying = k256::schnorr::VerifyingKey::from_slice(&key(0)[1..]).expect("a key");
    let signature = bytes(&told["signature_secp256k1"]);
    let signature = k256::schnorr::Signature::try_from(signature.as_slice()).expect("a signature");
    verifying.verify_raw(MESSAGE, &signature).expect("BIP-340 accepts it");

    let verifying = ed25519_dalek::VerifyingKey::try_from(key(1).as_slice()).expect("a key");
    let signature = bytes(&told["signature_ed25519"]);
    let signature = ed25519_dalek::Signature::from_slice(&signature).expect("a signature");
    verifying.verify_strict(MESSAGE, &signature).expect("RFC 8032 accepts it");

    assert_eq!(told["removed_method_refused"], true);
    assert_eq!(told["recovered_with"], serde_json::json!(["password", "code"]));
    if cfg!(target_os = "linux") {
        assert_eq!(told["key_found_in_memory"], false);
    }
}

#[test]
fn secrets_of_the_users_own_come_back() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let directory = directory.path();
    let words = b"legal winner thank year wave sausage worth useful legal winner thank yellow\n";
    let mut seed = [0x0a; 32];
    seed[0] = 7;
    let (exit, told, text) = demo(&[
        "--secp256k1-file",
        &file(directory, "key", [b"0x", "5c".repeat(32).as_bytes(), b"\r\n"].concat().as_slice()),
        // Its last byte is a line's end, and is part of it.
        "--ed25519-seed-file",
        &file(directory, "seed", &seed),
        "--mnemonic-file",
        &file(directory, "words", words),
    ]);
    assert_eq!(exit, Some(0), "{text}");
    let returned = told["returned"].as_array().expect("a list");
    assert_eq!(returned.len(), 3);
    assert!(returned.iter().all(|secret| secret["byte_for_byte"] == true));
    assert!(text.contains("every secret byte for byte"));
    assert!(!text.contains("legal winner"), "secrets are not printed");
    assert!(!text.contains(&"5c".repeat(8)), "secrets are not printed");
}

#[test]
fn secrets_that_are_none_are_refused_by_name() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let directory = directory.path();
    let zero = file(directory, "zero", &[0; 32]);
    let long = file(directory, "long", &[7; 33]);
    let words = file(directory, "words", b"legal winner thank year wave sausage worth useful");
    let empty = file(directory, "empty", b"");
    for (option, path) in [
        ("--secp256k1-file", &zero),
        ("--secp256k1-file", &long),
        ("--secp256k1-file", &empty),
        ("--ed25519-seed-file", &long),
        ("--mnemonic-file", &words),
        ("--mnemonic-file", &empty),
    ] {
        let (exit, told, _) = demo(&[option, path]);
        assert_eq!(exit, Some(2), "{option} {path}: {told}");
        assert_eq!(told["error"]["code"], "secret_refused");
    }
    let (exit, told, _) = demo(&["--mnemonic-file", &format!("{zero}-missing")]);
    assert_eq!(exit, Some(1));
    assert_eq!(told["error"]["code"], "file_unreadable");
}
