//! Secrets are gone from memory once whoever handled them has dropped them.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the failure")]

use std::process::{Command, Output};

fn run(scenario: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_forget")).args(scenario).output().unwrap()
}

/// What the scenario left in memory; nothing where all is well.
fn left_behind(scenario: &[&str]) -> String {
    let output = run(scenario);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}: {stderr}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_search_finds_what_was_not_wiped() {
    assert!(left_behind(&["leak"]).contains("left behind at"));
    assert!(left_behind(&["stack"]).contains("[stack]"));
    assert_eq!(run(&["no such scenario"]).status.code(), Some(2));
}

macro_rules! nothing_is_left {
    ($($test:ident = $scenario:literal,)+) => {
        $(
            #[test]
            fn $test() {
                assert_eq!(left_behind(&[$scenario]), "");
            }
        )+
    };
}

nothing_is_left! {
    shares_of_secp256k1_are_forgotten = "share-secp256k1",
    shares_of_ed25519_are_forgotten = "share-ed25519",
    what_crosses_the_channel_is_forgotten = "channel",
    sealed_seeds_are_forgotten = "seed",
    sealed_mnemonics_are_forgotten = "mnemonic",
    everything_of_a_single_key_wallet_is_forgotten = "single-key",
    everything_of_an_mpc_wallet_is_forgotten = "mpc",
    what_a_method_derives_is_forgotten = "identity",
    the_key_of_an_envelope_is_forgotten = "content-key",
    the_keys_of_a_channel_are_forgotten = "channel-keys",
    the_key_of_a_sealed_secret_is_forgotten = "sealing-key",
}

#[test]
fn a_password_that_opens_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("envelope");
    let file = file.to_str().unwrap();
    assert_eq!(run(&["choose-password", file]).status.code(), Some(0));
    assert_eq!(left_behind(&["open-with-password", file]), "");
}
