//! The vectors of PROTOCOL.md's section "Sessions and messages", in `tests/vectors/protocol`: two
//! wallets, operation by operation, every message with the random bytes that went into it.
//!
//! They are read in two ways. Both sides hold the conversation again, with the same random bytes,
//! and say the same, byte for byte. And every signature, proof and sealed message is checked from
//! the bytes in the file alone, with statements and contexts put together here from the
//! specification.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

mod check;
mod script;
mod story;

use rand::{SeedableRng as _, rngs::ChaCha20Rng};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use twoshare_core::identity::CustodianKeys;
use twoshare_tests::vector::Vector;

use crate::{
    check::check,
    script::Random,
    story::{Operations, Story},
};

const FOLDER: &str = "protocol";

/// The operations of the two wallets, in their order, and what each vector shows.
const MPC: Operations = &[
    ("session-keygen", "An MPC wallet is made.", Story::keygen),
    (
        "session-first-backup",
        "Its first backup, proven with its signing share.",
        Story::first_backup,
    ),
    ("session-refresh", "A new epoch of the backup pair.", Story::refresh),
    ("session-drill", "The custodian proves that it holds its half.", Story::drill),
    ("session-eject", "The custodian's share is released, inside a window.", Story::eject),
    ("session-abandon", "A refresh is prepared and given up.", Story::abandon),
    ("session-recover", "Both pairs are made anew from the backup share.", Story::recover),
    ("session-state", "What the custodian says of the wallet.", Story::state),
];
const SINGLE_KEY: Operations = &[
    ("session-deal", "The first backup of a single-key wallet, dealt by its device.", Story::deal),
    (
        "session-recover-single-key",
        "The other half of the opened epoch comes back.",
        Story::recover,
    ),
    (
        "session-convert",
        "The same wallet becomes an MPC wallet: its kind is single-key up to the commit, and MPC in the receipt.",
        Story::convert,
    ),
];

#[test]
fn both_sides_say_the_same_again() {
    for operations in [MPC, SINGLE_KEY] {
        let first = Vector::read(FOLDER, operations[0].0);
        let keys = hex::decode(first.field("custodian_keys").as_str().unwrap()).unwrap();
        let keys = CustodianKeys::from_bytes(&keys).unwrap();
        let mut story = Story::new(operations, keys, Random::kept(), Random::kept());
        for (name, _, run) in operations {
            let vector = Vector::read(FOLDER, name);
            story.expect(&vector);
            run(&mut story);
            let mut told = story.tell();
            for (field, value) in told.as_object_mut().unwrap() {
                assert_eq!(vector.field(field), value, "{name}: {field}");
            }
        }
    }
}

#[test]
fn every_message_holds_from_its_bytes_alone() {
    for (name, _, _) in [MPC, SINGLE_KEY].concat() {
        let vector = Vector::read(FOLDER, name);
        let found = check(&|field| vector.field(field).clone());
        assert_eq!(*vector.field("opened"), found, "{name}");
    }
}

#[test]
#[ignore = "writes the vectors anew, which never change once released: `cargo xtask vectors`"]
fn generate_vectors_of_sessions() {
    let rng = |what: &str| {
        ChaCha20Rng::from_seed(Sha256::digest(format!("twoshare vector: {what}")).into())
    };
    for (wallet, operations) in [("mpc", MPC), ("single-key", SINGLE_KEY)] {
        let random = |side: &str| Random::made(rng(&format!("session {side} {wallet}")));
        let keys = CustodianKeys::make(&mut rng("session custodian"));
        let mut story = Story::new(operations, keys, random("client"), random("custodian"));
        let mut after = Value::Null;
        for (name, what, run) in operations {
            run(&mut story);
            let mut fields = story.tell();
            fields["opened"] = check(&|field| fields[field].clone());
            fields["after"] = after;
            after = Value::String((*name).to_owned());
            Vector::write(FOLDER, name, what, fields);
        }
    }
}
