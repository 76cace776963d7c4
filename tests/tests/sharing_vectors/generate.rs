//! How the vectors were made.

use rand::{SeedableRng, rngs::ChaCha20Rng};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use twoshare_core::{
    curve::AnySigningKey,
    id::{CurveId, Epoch, OperationId, Purpose, Role, Sharing, WalletId, WalletKind},
    keygen::{ClientCommitted, CustodianAnswered, Session},
    proof::{Operation, Stage, Statement, Transition},
    reshare::{ClientOffered, Context, CustodianCommitted, Item},
    secret::SecretBytes,
    share::{AnyClientShare, AnyCommitment, AnyCustodianShare, AnyShare, HasRole, KeyId},
    wire::{Malformed, Reader},
};
use twoshare_tests::vector::{Recorder, Vector, hex_of};

use crate::{
    FOLDER, RESHARES,
    json::{context_json, session_json, stage_json, statement_json},
    of, verdict,
};

#[test]
#[ignore = "writes the vectors anew, which never change once released: `cargo xtask vectors`"]
fn generate_vectors_of_sharing() {
    for curve in CurveId::ALL {
        write_sharing(*curve);
        write_proof(*curve);
        write_refused(*curve);
    }
    let (secp256k1, ed25519) = (CurveId::Secp256k1, CurveId::Ed25519);
    write_reshare(RESHARES[0], "A refresh of one key on secp256k1.", &[(secp256k1, &[backup(2)])]);
    write_reshare(RESHARES[1], "A refresh of one key on Ed25519.", &[(ed25519, &[backup(2)])]);
    let both = [backup(9), Stage { purpose: Purpose::Signing, epoch: Epoch::new(2).unwrap() }];
    write_reshare(
        RESHARES[2],
        "A recovery of two keys: one exchange makes both pairs from the backup pair.",
        &[(secp256k1, &both), (ed25519, &both)],
    );
    write_keygen();
}

/// Random bytes for the generator: the same in every run.
fn rng(what: &str) -> ChaCha20Rng {
    ChaCha20Rng::from_seed(Sha256::digest(format!("twoshare vector: {what}")).into())
}

fn backup(epoch: u64) -> Stage {
    Stage { purpose: Purpose::Backup, epoch: Epoch::new(epoch).unwrap() }
}

fn wallet() -> WalletId {
    WalletId::make(&mut rng("wallet"))
}

fn key_id(index: u8) -> KeyId {
    let Stage { purpose, epoch } = backup(1);
    KeyId { sharing: Sharing { wallet: wallet(), purpose, epoch }, index }
}

fn dealt(curve: CurveId, index: u8) -> (AnySigningKey, AnyClientShare, AnyCustodianShare) {
    let mut rng = rng(&format!("key {index}"));
    let key = AnySigningKey::make(curve, &mut rng);
    let (client, custodian) = key.split(key_id(index), &mut rng);
    (key, client, custodian)
}

fn write_sharing(curve: CurveId) {
    let (key, client, custodian) = dealt(curve, 3);
    let commitment = client.commitment();
    let fields = json!({
        "curve": curve.name(),
        "wallet": hex::encode(wallet().to_bytes()),
        "at": stage_json(Some(backup(1))),
        "index": 3,
        "key": hex_of(&key.expose_secret()),
        "verifying_key": hex::encode(key.verifying_key().to_bytes()),
        "commitment": hex::encode(commitment.to_bytes()),
        "f1": hex_of(&client.expose_secret()),
        "f2": hex_of(&custodian.expose_secret()),
        "F1": hex::encode(commitment.verifying_share(Role::Client)),
        "F2": hex::encode(commitment.verifying_share(Role::Custodian)),
        "client_share": hex_of(&client.to_bytes()),
        "custodian_share": hex_of(&custodian.to_bytes()),
    });
    let name = format!("sharing-{}", of(curve));
    Vector::write(FOLDER, &name, "A key, its two shares and their commitment.", fields);
}

fn a_statement(commitments: Vec<AnyCommitment>) -> Statement {
    Statement {
        operation: Operation::Recover,
        operation_id: OperationId::make(&mut rng("operation")),
        custodian: Sha256::digest("custodian").into(),
        user: "Ирина".to_owned(),
        wallet: wallet(),
        kind: WalletKind::Mpc,
        epochs: vec![
            Transition { from: Some(backup(1)), to: Some(backup(2)) },
            Transition { from: None, to: None },
        ],
        commitments,
        client_nonce: Sha256::digest("client nonce").into(),
        custodian_nonce: Sha256::digest("custodian nonce").into(),
        body: Sha256::digest("body").into(),
    }
}

fn write_proof(curve: CurveId) {
    let (key, client, custodian) = dealt(curve, 3);
    let statement = a_statement(vec![client.commitment()]);
    let random = &mut Recorder::new(rng("proof"));
    let client_proof = client.prove(&statement, random);
    let client_random = random.take();
    let custodian_proof = custodian.prove(&statement, random);
    let custodian_random = random.take();
    let key_proof = key.prove(3, &statement, random);
    let fields = json!({
        "curve": curve.name(),
        "statement": statement_json(&statement),
        "key": hex_of(&key.expose_secret()),
        "client_share": hex_of(&client.to_bytes()),
        "custodian_share": hex_of(&custodian.to_bytes()),
        "client_random": client_random,
        "client_proof": hex::encode(client_proof.to_bytes()),
        "custodian_random": custodian_random,
        "custodian_proof": hex::encode(custodian_proof.to_bytes()),
        "key_random": random.take(),
        "key_proof": hex::encode(key_proof.to_bytes()),
    });
    let name = format!("proof-{}", of(curve));
    let what = "Proofs of a client's share, a custodian's share and a key itself, all of key 3.";
    Vector::write(FOLDER, &name, what, fields);
}

fn write_reshare(name: &str, what: &str, keys: &[(CurveId, &[Stage])]) {
    let wallet_keys: Vec<_> =
        (0..).zip(keys).map(|(index, (curve, _))| dealt(*curve, index)).collect();
    let clients: Vec<_> = wallet_keys.iter().map(|(_, client, _)| client.clone()).collect();
    let custodians: Vec<_> = wallet_keys.iter().map(|(.., custodian)| custodian.clone()).collect();
    let items = (0..).zip(keys).flat_map(|(index, (curve, targets))| {
        targets.iter().map(move |to| Item { index, curve: *curve, from: backup(1), to: *to })
    });
    let statement = a_statement(Vec::new());
    let context = Context {
        custodian: statement.custodian,
        user: statement.user,
        wallet: wallet(),
        kind: statement.kind,
        operation: statement.operation,
        operation_id: statement.operation_id,
        items: items.collect(),
    };
    let random = &mut Recorder::new(rng(name));
    let (committed, early) = CustodianCommitted::new(context.clone(), random).unwrap();
    let custodian_random = random.take();
    let (offered, offer) = ClientOffered::new(context.clone(), &early, &clients, random).unwrap();
    let client_random = random.take();
    let (custodian_committed, client_offered) = (committed.to_bytes(), offered.to_bytes());
    let (new_custodians, response) = committed.respond(&offer, &custodians).unwrap();
    let unproven = offered.finish(&response, &[]).unwrap();
    let statement = context.statement(
        unproven.commitments(),
        statement.client_nonce,
        statement.custodian_nonce,
        statement.body,
    );
    let proofs: Vec<_> =
        new_custodians.iter().map(|share| share.prove(&statement, random)).collect();
    let new_clients = unproven.accept(&statement, &proofs).unwrap();
    let fields = json!({
        "context": context_json(&context),
        "client_shares": hex_list(&clients),
        "custodian_shares": hex_list(&custodians),
        "custodian_random": custodian_random,
        "custodian_committed": hex_of(&custodian_committed),
        "early": early.iter().map(hex::encode).collect::<Vec<_>>(),
        "client_random": client_random,
        "client_offered": hex_of(&client_offered),
        "offer": hex_of(&offer.to_bytes()),
        "response": hex_of(&response.to_bytes()),
        "openings": openings(&response.to_bytes(), &context),
        "statement": statement_json(&statement),
        "proofs": proofs.iter().map(|proof| hex::encode(proof.to_bytes())).collect::<Vec<_>>(),
        "new_client_shares": hex_list(&new_clients),
        "new_custodian_shares": hex_list(&new_custodians),
    });
    Vector::write(FOLDER, name, what, fields);
}

fn hex_list<R: HasRole>(shares: &[AnyShare<R>]) -> Vec<String> {
    shares.iter().map(|share| hex_of(&share.to_bytes())).collect()
}

/// `R₂` and the salt of each item of `[1, 2, context, [[g₂(1), R₂, salt], …]]`.
fn openings(response: &SecretBytes, context: &Context) -> Vec<Value> {
    let mut reader = Reader::new(response.expose_secret());
    let mut read = || -> Result<Vec<Value>, Malformed> {
        reader.array(4)?;
        reader.uint()?;
        reader.uint()?;
        reader.bytes()?;
        reader.array(context.items.len())?;
        let items = context.items.iter().map(|_| {
            reader.array(3)?;
            reader.bytes()?;
            let (point, salt) = (reader.bytes()?, reader.bytes()?);
            Ok(json!({ "R2": hex::encode(point), "salt": hex::encode(salt) }))
        });
        items.collect()
    };
    read().unwrap()
}

fn write_keygen() {
    let statement = a_statement(Vec::new());
    let session = Session {
        custodian: statement.custodian,
        user: statement.user,
        wallet: wallet(),
        operation_id: statement.operation_id,
        curves: vec![CurveId::Secp256k1, CurveId::Ed25519],
    };
    let random = &mut Recorder::new(rng("keygen"));
    let (committed, hash) = ClientCommitted::new(session.clone(), random).unwrap();
    let client_random = random.take();
    let (answered, answer) = CustodianAnswered::new(session.clone(), hash, random).unwrap();
    let custodian_random = random.take();
    let (client_committed, custodian_answered) = (committed.to_bytes(), answered.to_bytes());
    let (opened, opening) = committed.open(&answer).unwrap();
    let client_opened = opened.to_bytes();
    let (custodians, closing) = answered.finish(&opening).unwrap();
    let unproven = opened.finish(&closing).unwrap();
    let statement = session.statement(
        unproven.commitments(),
        statement.client_nonce,
        statement.custodian_nonce,
        statement.body,
    );
    let proofs: Vec<_> = custodians.iter().map(|share| share.prove(&statement, random)).collect();
    let clients = unproven.accept(&statement, &proofs).unwrap();
    let (salt, lines) = client_lines(&opening.to_bytes());
    let fields = json!({
        "session": session_json(&session),
        "client_random": client_random,
        "client_committed": hex_of(&client_committed),
        "salt": salt,
        "client_lines": lines,
        "hash": hex::encode(hash),
        "custodian_random": custodian_random,
        "custodian_answered": hex_of(&custodian_answered),
        "answer": hex_of(&answer.to_bytes()),
        "client_opened": hex_of(&client_opened),
        "opening": hex_of(&opening.to_bytes()),
        "closing": hex_of(&closing.to_bytes()),
        "statement": statement_json(&statement),
        "proofs": proofs.iter().map(|proof| hex::encode(proof.to_bytes())).collect::<Vec<_>>(),
        "client_shares": hex_list(&clients),
        "custodian_shares": hex_list(&custodians),
    });
    Vector::write(FOLDER, "keygen-several", "The signing pairs of two keys.", fields);
}

/// Salt and lines of `[1, 6, session, salt, [[Z₁, R₁, proof₁], …], …]`.
fn client_lines(opening: &SecretBytes) -> (String, Vec<Value>) {
    let mut reader = Reader::new(opening.expose_secret());
    let mut read = || -> Result<(String, Vec<Value>), Malformed> {
        reader.array(6)?;
        reader.uint()?;
        reader.uint()?;
        reader.bytes()?;
        let salt = hex::encode(reader.bytes()?);
        let lines = (0..reader.array(9)?).map(|_| {
            reader.array(3)?;
            let [z, r, proof] = [reader.bytes()?, reader.bytes()?, reader.bytes()?];
            let [z, r, proof] = [z, r, proof].map(hex::encode);
            Ok::<_, Malformed>(json!({ "Z1": z, "R1": r, "proof": proof }))
        });
        Ok((salt, lines.collect::<Result<_, _>>()?))
    };
    read().unwrap()
}

fn write_refused(curve: CurveId) {
    let (key, client, custodian) = dealt(curve, 3);
    let (x, share) = (key.verifying_key().to_bytes(), client.to_bytes());
    let share = share.expose_secret();
    let slope = client.commitment().to_bytes().split_off(x.len());
    let other = dealt(curve, 4).1.commitment().to_bytes();
    let other_curve = match curve {
        CurveId::Secp256k1 => CurveId::Ed25519,
        CurveId::Ed25519 => CurveId::Secp256k1,
    };
    let changed = |position: usize, to: u8| {
        let mut bytes = share.to_vec();
        bytes[position] = to;
        bytes
    };
    let mut points = points_that_are_none(curve);
    points.push(("a point of another curve", dealt(other_curve, 3).0.verifying_key().to_bytes()));
    let mut cases = Vec::new();
    for (why, point) in &points {
        cases.push((*why, "verifying_key", point.clone()));
        cases.push((*why, "commitment", [point.as_slice(), &slope].concat()));
        cases.push((*why, "commitment", [x.as_slice(), point].concat()));
    }
    let mut swapped = share.to_vec();
    let value = swapped.len() - 32;
    swapped[value..].copy_from_slice(custodian.expose_secret().expose_secret());
    let mut replaced = share.to_vec();
    let at = value - 2 - other.len();
    replaced[at..value - 2].copy_from_slice(&other);
    cases.extend([
        ("zero", "signing_key", vec![0; 32]),
        ("not below the order", "signing_key", vec![0xff; 32]),
        ("one byte less", "signing_key", vec![1; 31]),
        ("three points", "commitment", [x.as_slice(), &slope, &slope].concat()),
        ("one point", "commitment", x.clone()),
        ("a version to come", "client_share", changed(1, 2)),
        ("role 0", "client_share", changed(2, 0)),
        ("role 3", "client_share", changed(2, 3)),
        ("the other role", "custodian_share", share.to_vec()),
        ("curve 0", "client_share", changed(3, 0)),
        ("the other curve", "client_share", changed(3, other_curve.number())),
        ("purpose 0", "client_share", changed(4, 0)),
        ("epoch 0", "client_share", changed(22, 0)),
        ("the other role's value", "client_share", swapped),
        ("the commitment of another key", "client_share", replaced),
        ("a byte more", "client_share", [share, &[0]].concat()),
        ("a byte less", "client_share", share[..share.len() - 1].to_vec()),
        ("a head that is longer than it must be", "client_share", {
            [&[0x98, 9][..], &share[1..]].concat()
        }),
        ("nothing", "client_share", Vec::new()),
    ]);
    let refused: Vec<_> = cases
        .iter()
        .map(|(why, kind, bytes)| {
            let verdict = verdict(kind, curve, bytes);
            json!({ "why": why, "kind": kind, "bytes": hex::encode(bytes), "verdict": verdict })
        })
        .collect();
    let fields = json!({ "curve": curve.name(), "refused": refused });
    let name = format!("sharing-{}-refused", of(curve));
    Vector::write(FOLDER, &name, "What is no key, commitment or share of key 3.", fields);
}

fn points_that_are_none(curve: CurveId) -> Vec<(&'static str, Vec<u8>)> {
    let point = |text: &str| hex::decode(text).unwrap();
    match curve {
        CurveId::Secp256k1 => vec![
            ("the identity", vec![0; 33]),
            (
                "x = p + 1, where x = 1 is on the curve",
                point("02fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc30"),
            ),
            (
                "not on the curve: x = 5",
                point("020000000000000000000000000000000000000000000000000000000000000005"),
            ),
            (
                "compact, tag 05",
                point("050000000000000000000000000000000000000000000000000000000000000001"),
            ),
            ("one byte less", vec![2; 32]),
            (
                "uncompressed",
                point(
                    "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8",
                ),
            ),
        ],
        CurveId::Ed25519 => vec![
            (
                "the identity",
                point("0100000000000000000000000000000000000000000000000000000000000000"),
            ),
            (
                "the identity with the sign of a zero",
                point("0100000000000000000000000000000000000000000000000000000000000080"),
            ),
            (
                "the identity as y = p + 1",
                point("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
            ),
            ("order 2", point("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")),
            ("order 4", vec![0; 32]),
            ("order 8", point("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")),
            (
                "the generator plus a point of order 8",
                point("da99e28ba529cdde35a25fba9059e78ecaee239f99755b9b1aa4f65df00803e2"),
            ),
            (
                "not on the curve: y = 2",
                point("0200000000000000000000000000000000000000000000000000000000000000"),
            ),
            ("one byte more", vec![0; 33]),
        ],
    }
}
