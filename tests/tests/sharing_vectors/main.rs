//! The vectors of PROTOCOL.md's sections "Sharing", "Possession proofs", "Resharing" and "Key
//! generation", in `tests/vectors/protocol`: one file each. Version 1 is frozen, so these files
//! never change.
//!
//! Every hash that the specification defines is computed a second time here, from its bytes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

mod digest;
mod generate;
mod json;

use serde_json::Value;
use sha2::{Digest, Sha256};
use twoshare_core::{
    curve::{AnySigningKey, AnyVerifyingKey},
    id::{CurveId, Role, Sharing, WalletId},
    keygen::{Answer, ClientCommitted, ClientOpened, Closing, CustodianAnswered, Opening},
    proof::Proof,
    reshare::{ClientOffered, CustodianCommitted, Offer, Response},
    share::{AnyClientShare, AnyCommitment, AnyCustodianShare, KeyId},
};
use twoshare_tests::vector::{Recorded, Vector, hex_of};

use crate::{
    digest::{context_digest, count, session_digest, statement_digest, variable},
    json::{array, bytes, context, curve, list, number, session, share, stage, statement},
};

const FOLDER: &str = "protocol";

fn of(curve: CurveId) -> &'static str {
    match curve {
        CurveId::Secp256k1 => "secp256k1",
        CurveId::Ed25519 => "ed25519",
    }
}

#[test]
fn keys_are_shared_as_written() {
    for curve_id in CurveId::ALL {
        let vector = Vector::read(FOLDER, &format!("sharing-{}", of(*curve_id)));
        let field = |name: &str| vector.field(name);
        assert_eq!(curve(field("curve")), *curve_id);
        let key = AnySigningKey::from_bytes(*curve_id, &bytes(field("key"))).unwrap();
        assert_eq!(key.verifying_key().to_bytes(), bytes(field("verifying_key")));
        let at = stage(field("at")).unwrap();
        let (wallet, index) =
            (WalletId::from_bytes(array(field("wallet"))), number(field("index")));
        let sharing = Sharing { wallet, purpose: at.purpose, epoch: at.epoch };
        let id = KeyId { sharing, index: index.try_into().unwrap() };

        // Version 1 fixes the bytes of a share, not how a dealer finds a slope.
        let client: AnyClientShare = share(field("client_share"));
        let custodian: AnyCustodianShare = share(field("custodian_share"));
        for (id_found, commitment) in
            [(client.id(), client.commitment()), (custodian.id(), custodian.commitment())]
        {
            assert_eq!(id_found, id);
            assert_eq!(commitment.to_bytes(), bytes(field("commitment")));
        }
        let commitment = client.commitment();
        for (role, value, public, value_field, public_field) in [
            (Role::Client, client.expose_secret(), &commitment, "f1", "F1"),
            (Role::Custodian, custodian.expose_secret(), &commitment, "f2", "F2"),
        ] {
            assert_eq!(value.expose_secret(), bytes(field(value_field)));
            assert_eq!(public.verifying_share(role), bytes(field(public_field)));
        }
        let again = AnySigningKey::reconstruct(&client, &custodian, &key.verifying_key()).unwrap();
        assert_eq!(again.expose_secret().expose_secret(), bytes(field("key")));
        assert_eq!(client.to_bytes().expose_secret(), bytes(field("client_share")));
        assert_eq!(custodian.to_bytes().expose_secret(), bytes(field("custodian_share")));
        // The parts make the same share.
        let made = AnyClientShare::new(id, commitment, &bytes(field("f1"))).unwrap();
        assert_eq!(made.to_bytes().expose_secret(), bytes(field("client_share")));
    }
}

#[test]
fn proofs_are_made_and_checked_as_written() {
    for curve_id in CurveId::ALL {
        let vector = Vector::read(FOLDER, &format!("proof-{}", of(*curve_id)));
        let field = |name: &str| vector.field(name);
        let statement = statement(field("statement"));
        assert_eq!(statement.digest(), array(&field("statement")["digest"]));
        assert_eq!(statement.digest(), statement_digest(&statement));
        let proof = |value: &Value| Proof::from_bytes(array(value));

        let client: AnyClientShare = share(field("client_share"));
        let custodian: AnyCustodianShare = share(field("custodian_share"));
        let KeyId { sharing, index } = client.id();
        let verify = |role, proof: &Proof| {
            client.commitment().verify_possession(role, sharing.purpose, index, &statement, proof)
        };
        let mut random = Recorded::new(bytes(field("client_random")));
        assert_eq!(client.prove(&statement, &mut random), proof(field("client_proof")));
        random.end();
        assert_eq!(verify(Role::Client, &proof(field("client_proof"))), Ok(()));
        assert!(verify(Role::Custodian, &proof(field("client_proof"))).is_err());
        let mut random = Recorded::new(bytes(field("custodian_random")));
        assert_eq!(custodian.prove(&statement, &mut random), proof(field("custodian_proof")));
        random.end();
        assert_eq!(verify(Role::Custodian, &proof(field("custodian_proof"))), Ok(()));

        let key = AnySigningKey::from_bytes(*curve_id, &bytes(field("key"))).unwrap();
        let mut random = Recorded::new(bytes(field("key_random")));
        assert_eq!(key.prove(index, &statement, &mut random), proof(field("key_proof")));
        random.end();
        let public = key.verifying_key();
        assert_eq!(public.verify_possession(index, &statement, &proof(field("key_proof"))), Ok(()));
    }
}

const RESHARES: [&str; 3] = ["reshare-secp256k1", "reshare-ed25519", "reshare-several"];

#[test]
fn keys_are_reshared_as_written() {
    for name in RESHARES {
        let vector = Vector::read(FOLDER, name);
        let field = |name: &str| vector.field(name);
        let context = context(field("context"));
        let clients = list(field("client_shares"), share);
        let custodians = list(field("custodian_shares"), share);

        let mut random = Recorded::new(bytes(field("custodian_random")));
        let (committed, early) = CustodianCommitted::new(context.clone(), &mut random).unwrap();
        random.end();
        assert_eq!(early, list(field("early"), array), "{name}");
        assert_eq!(hex_of(&committed.to_bytes()), *field("custodian_committed"), "{name}");

        let mut random = Recorded::new(bytes(field("client_random")));
        let (offered, offer) =
            ClientOffered::new(context.clone(), &early, &clients, &mut random).unwrap();
        random.end();
        assert_eq!(hex_of(&offered.to_bytes()), *field("client_offered"), "{name}");
        assert_eq!(hex_of(&offer.to_bytes()), *field("offer"), "{name}");

        let offer = Offer::from_bytes(&bytes(field("offer"))).unwrap();
        let committed =
            CustodianCommitted::from_bytes(&bytes(field("custodian_committed"))).unwrap();
        let (new_custodians, response) = committed.respond(&offer, &custodians).unwrap();
        assert_eq!(hex_of(&response.to_bytes()), *field("response"), "{name}");
        for (share, expected) in
            new_custodians.iter().zip(list(field("new_custodian_shares"), bytes))
        {
            assert_eq!(share.to_bytes().expose_secret(), expected, "{name}");
        }

        let response = Response::from_bytes(&bytes(field("response"))).unwrap();
        let offered = ClientOffered::from_bytes(&bytes(field("client_offered"))).unwrap();
        let unproven = offered.finish(&response, &[]).unwrap();
        let statement = statement(field("statement"));
        assert_eq!(statement.digest(), statement_digest(&statement));
        assert_eq!(statement.commitments, unproven.commitments());
        let proofs = list(field("proofs"), |proof| Proof::from_bytes(array(proof)));
        let new_clients = unproven.accept(&statement, &proofs).unwrap();
        for (share, expected) in new_clients.iter().zip(list(field("new_client_shares"), bytes)) {
            assert_eq!(share.to_bytes().expose_secret(), expected, "{name}");
        }
        assert_eq!(new_clients.len(), context.items.len());
        for (client, custodian) in new_clients.iter().zip(&new_custodians) {
            let key = client.verifying_key();
            assert!(AnySigningKey::reconstruct(client, custodian, &key).is_ok(), "{name}");
        }

        // [1, 1, context, …]: the digest stands after two heads and two numbers and its own head.
        let digest = context_digest(&context);
        assert_eq!(bytes(field("offer"))[5..37], digest, "{name}");
        for (place, (early, item)) in
            early.iter().zip(list(field("openings"), Clone::clone)).enumerate()
        {
            let mut input = variable(b"twoshare/v1/reshare/opening");
            input.extend(digest);
            input.extend(count(place));
            input.extend(bytes(&item["salt"]));
            input.extend(bytes(&item["R2"]));
            assert_eq!(Sha256::digest(input)[..], *early, "{name}");
        }
    }
}

#[test]
fn keys_are_generated_as_written() {
    let vector = Vector::read(FOLDER, "keygen-several");
    let field = |name: &str| vector.field(name);
    let session = session(field("session"));

    let mut random = Recorded::new(bytes(field("client_random")));
    let (committed, hash) = ClientCommitted::new(session.clone(), &mut random).unwrap();
    random.end();
    assert_eq!(hash, array(field("hash")));
    assert_eq!(hex_of(&committed.to_bytes()), *field("client_committed"));

    let mut random = Recorded::new(bytes(field("custodian_random")));
    let (answered, answer) = CustodianAnswered::new(session.clone(), hash, &mut random).unwrap();
    random.end();
    assert_eq!(hex_of(&answered.to_bytes()), *field("custodian_answered"));
    assert_eq!(hex_of(&answer.to_bytes()), *field("answer"));

    let committed = ClientCommitted::from_bytes(&bytes(field("client_committed"))).unwrap();
    let answer = Answer::from_bytes(&bytes(field("answer"))).unwrap();
    let (opened, opening) = committed.open(&answer).unwrap();
    assert_eq!(hex_of(&opened.to_bytes()), *field("client_opened"));
    assert_eq!(hex_of(&opening.to_bytes()), *field("opening"));

    let answered = CustodianAnswered::from_bytes(&bytes(field("custodian_answered"))).unwrap();
    let opening = Opening::from_bytes(&bytes(field("opening"))).unwrap();
    let (custodians, closing) = answered.finish(&opening).unwrap();
    assert_eq!(hex_of(&closing.to_bytes()), *field("closing"));
    for (share, expected) in custodians.iter().zip(list(field("custodian_shares"), bytes)) {
        assert_eq!(share.to_bytes().expose_secret(), expected);
    }

    let opened = ClientOpened::from_bytes(&bytes(field("client_opened"))).unwrap();
    let closing = Closing::from_bytes(&bytes(field("closing"))).unwrap();
    let unproven = opened.finish(&closing).unwrap();
    let statement = statement(field("statement"));
    let proofs = list(field("proofs"), |proof| Proof::from_bytes(array(proof)));
    let clients = unproven.accept(&statement, &proofs).unwrap();
    for (share, expected) in clients.iter().zip(list(field("client_shares"), bytes)) {
        assert_eq!(share.to_bytes().expose_secret(), expected);
    }
    for (client, custodian) in clients.iter().zip(&custodians) {
        let key = client.verifying_key();
        assert!(AnySigningKey::reconstruct(client, custodian, &key).is_ok());
    }

    let digest = session_digest(&session);
    assert_eq!(bytes(field("answer"))[5..37], digest);
    let mut input = variable(b"twoshare/v1/keygen/commitment");
    input.extend(digest);
    input.push(Role::Client.number());
    input.extend(bytes(field("salt")));
    input.extend(count(session.curves.len()));
    for line in list(field("client_lines"), Clone::clone) {
        input.extend(variable(&bytes(&line["Z1"])));
        input.extend(variable(&bytes(&line["R1"])));
        input.extend(bytes(&line["proof"]));
    }
    assert_eq!(Sha256::digest(input)[..], hash);
}

/// What reads bytes of this kind says about them.
fn verdict(kind: &str, curve: CurveId, bytes: &[u8]) -> String {
    match kind {
        "verifying_key" => format!("{:?}", AnyVerifyingKey::from_bytes(curve, bytes).err()),
        "signing_key" => format!("{:?}", AnySigningKey::from_bytes(curve, bytes).err()),
        "commitment" => format!("{:?}", AnyCommitment::from_bytes(curve, bytes).err()),
        "client_share" => format!("{:?}", AnyClientShare::from_bytes(bytes).err()),
        "custodian_share" => format!("{:?}", AnyCustodianShare::from_bytes(bytes).err()),
        other => panic!("no such kind: {other}"),
    }
}

#[test]
fn what_is_none_of_these_is_refused() {
    for curve_id in CurveId::ALL {
        let vector = Vector::read(FOLDER, &format!("sharing-{}-refused", of(*curve_id)));
        for refused in list(vector.field("refused"), Clone::clone) {
            let found =
                verdict(refused["kind"].as_str().unwrap(), *curve_id, &bytes(&refused["bytes"]));
            assert_eq!(found, refused["verdict"], "{}", refused["why"]);
            assert!(found.starts_with("Some("), "{}", refused["why"]);
        }
    }
}
