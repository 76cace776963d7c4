//! Writes the vectors of `tests/vectors/envelope`, with fixed randomness: run with
//! `cargo test -p twoshare-core generate_vectors -- --ignored`. What reads them is
//! `crates/core/tests/vectors.rs`, and a reader in another language.

mod decided;
mod refused;

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{
    super::*,
    adversary::Target,
    fixture::{Fixture, PASSWORD, Stranger},
};
use crate::{
    check_code::CheckCode,
    curve::{AnySigningKey, AnyVerifyingKey},
    id::CurveId,
    method::{Argon2Cost, BackupMethod, Password, PasswordPolicy, RecoveryCode, SlotKind},
};

struct Vector {
    name: &'static str,
    about: &'static str,
    input: Value,
    /// What reading gives: "ok" or a refusal's code.
    read: &'static str,
    header: Option<Value>,
    attempts: Vec<Value>,
    payload: Option<Value>,
    /// Intermediate values, for whoever writes a reader.
    worked: Option<Value>,
    /// What its objects are called, where that is the matter.
    names: Option<Value>,
}

impl Vector {
    fn new(name: &'static str, about: &'static str, bytes: &[u8]) -> Self {
        let envelope = Envelope::from_bytes(bytes);
        let header = envelope.as_ref().ok().map(header_json);
        let read = envelope.err().map_or("ok", |error| error.code());
        let input = json!({ "cose": hex::encode(bytes) });
        Self {
            name,
            about,
            input,
            read,
            header,
            attempts: Vec::new(),
            payload: None,
            worked: None,
            names: None,
        }
    }

    fn unread(name: &'static str, about: &'static str, input: Value, read: &'static str) -> Self {
        Self {
            name,
            about,
            input,
            read,
            header: None,
            attempts: Vec::new(),
            payload: None,
            worked: None,
            names: None,
        }
    }

    fn attempt(mut self, attempt: Value) -> Self {
        self.attempts.push(attempt);
        self
    }

    fn password(self, result: &str) -> Self {
        self.attempt(json!({ "method": "password", "secret": PASSWORD, "result": result }))
    }

    fn code(self, code: &RecoveryCode, result: &str) -> Self {
        let secret = code.to_text().to_string();
        self.attempt(json!({ "method": "recovery_code", "secret": secret, "result": result }))
    }

    /// Adds `field` to the last attempt.
    fn with(mut self, field: &str, value: Value) -> Self {
        self.attempts.last_mut().unwrap()[field] = value;
        self
    }

    fn altered(self, added: usize, missing: usize) -> Self {
        self.with("altered", json!({ "added": added, "missing": missing }))
    }

    fn payload(mut self, fixture: &Fixture, slots: &SlotTable) -> Self {
        self.payload = Some(payload_json(&fixture.payload, slots));
        self
    }

    /// With what `method` opens.
    fn payload_of(mut self, method: &dyn BackupMethod) -> Self {
        let bytes = hex::decode(self.input["cose"].as_str().unwrap()).unwrap();
        let envelope = Envelope::from_bytes(&bytes).unwrap();
        let opened = pollster::block_on(envelope.open(method, &Expected::default())).unwrap();
        self.payload = Some(payload_json(&opened.payload, &opened.slots));
        self
    }

    fn write(&self, folder: &Path) {
        let mut vector = json!({
            "format": "twoshare envelope, version 1",
            "name": self.name,
            "about": self.about,
            "input": self.input,
            "read": self.read,
            "header": self.header,
            "attempts": self.attempts,
            "payload": self.payload,
            "worked": self.worked,
        });
        if let Some(names) = &self.names {
            vector["names"] = names.clone();
        }
        let text = serde_json::to_string_pretty(&vector).unwrap() + "\n";
        fs::write(folder.join(format!("{}.json", self.name)), text).unwrap();
    }
}

fn header_json(envelope: &Envelope) -> Value {
    let header = envelope.header();
    json!({
        "wallet": hex::encode(header.wallet.to_bytes()),
        "epoch": header.epoch.get(),
        "created": header.created,
        "kind": header.kind.map(|kind| kind.name()),
        "name": header.name,
        "network": header.network,
        "digest": envelope.digest().to_string(),
    })
}

fn payload_json(payload: &Payload, slots: &SlotTable) -> Value {
    let wallet = payload.keys[0].id().sharing.wallet;
    let keys: Vec<Value> = payload
        .keys
        .iter()
        .map(|share| {
            json!({
                "curve": share.verifying_key().curve().name(),
                "verifying_key": hex::encode(share.verifying_key().to_bytes()),
                "commitment": hex::encode(share.commitment().to_bytes()),
                "share": hex::encode(share.expose_secret().expose_secret()),
                "encoding": hex::encode(share.to_bytes().expose_secret()),
            })
        })
        .collect();
    let secrets: Vec<String> =
        payload.secrets.iter().map(|secret| hex::encode(secret.to_bytes())).collect();
    let attachments: Vec<Value> = payload
        .attachments
        .iter()
        .map(|attachment| {
            json!({
                "name": attachment.name(),
                "class": attachment.class().name(),
                "bytes": attachment.bytes().map(|bytes| hex::encode(bytes.expose_secret())),
            })
        })
        .collect();
    let slots: Vec<Value> = slots
        .iter()
        .map(|slot| {
            json!({
                "id": slot.id().to_string(),
                "kind": slot.header().kind.number(),
                "label": slot.header().label,
                "protected": hex::encode(slot.protected_bytes()),
            })
        })
        .collect();
    json!({
        "kind": payload.kind.name(),
        "keys": keys,
        "secrets": secrets,
        "attachments": attachments,
        "custodian": hex::encode(payload.custodian.to_bytes()),
        "slots": slots,
        "check_code": CheckCode::of(wallet, &payload.verifying_keys()).to_string(),
    })
}

/// Everything that is computed on the way from a code to the payload.
fn worked(envelope: &Envelope, code: &RecoveryCode, keys: &[AnyVerifyingKey]) -> Value {
    let slot = envelope.readable_slots().next().unwrap();
    let identity = code.identity_for_tests(&slot.header.parameters);
    let agreed = identity.agree_with(&slot.ephemeral);
    let key =
        kdf::kek(&agreed, &slot.protected, &envelope.body_hash).unwrap(&slot.wrapped).unwrap();
    let plaintext = envelope.decrypt(&key).unwrap();
    let wallet = envelope.header().wallet;
    let point = tag::TagPoint::of(wallet).key_for_tests();
    let tag_agreed = identity.agree_with(&point);
    json!({
        "body_protected": hex::encode(envelope.protected_for_tests()),
        "slot_protected": hex::encode(slot.protected.original_data.as_ref().unwrap()),
        "identity_scalar": hex::encode(identity.scalar_for_tests()),
        "ephemeral_key": hex::encode(slot.ephemeral.to_bytes()),
        "agreed_x": hex::encode(agreed.x_for_tests()),
        "body_hash": hex::encode(envelope.body_hash),
        "kdf_context": hex::encode(kdf::context(&slot.protected, &envelope.body_hash)),
        "key_encryption_key": hex::encode(*agreed.derive(None, &kdf::context(&slot.protected, &envelope.body_hash)).0),
        "wrapped_key": hex::encode(slot.wrapped),
        "content_key": hex::encode(*key.0),
        "key_commitment": hex::encode(key.commitment(envelope.header())),
        "iv": hex::encode(envelope.iv_for_tests()),
        "enc_structure": hex::encode(envelope.aad_for_tests()),
        "plaintext": hex::encode(plaintext.expose_secret()),
        "tag_point": hex::encode(point.to_bytes()),
        "tag_agreed_x": hex::encode(tag_agreed.x_for_tests()),
        "tag_key": hex::encode(*tag_agreed.derive(Some(b"twoshare/v1/key-tag"), &wallet.to_bytes()).0),
        "wallet_and_keys": hex::encode(crate::check_code::wallet_and_keys(wallet, keys)),
        "key_tag": hex::encode(slot.header.tag.unwrap().to_bytes()),
    })
}

#[test]
#[ignore = "writes the frozen vectors anew: `cargo xtask vectors`"]
fn generate_vectors() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/envelope");
    fs::create_dir_all(&folder).unwrap();
    let mut vectors = Vec::new();
    vectors.extend(good());
    vectors.extend(secrets());
    vectors.extend(refused::by_stores());
    vectors.extend(refused::by_writers());
    vectors.extend(refused::malformed());
    vectors.extend(refused::containers());
    vectors.extend(refused::texts());
    vectors.extend(decided::structures());
    vectors.extend(decided::names_and_copies());
    vectors.extend(decided::texts());
    for vector in &vectors {
        vector.write(&folder);
    }
    let mut names: Vec<_> = vectors.iter().map(|vector| vector.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), vectors.len(), "two vectors have one name");
}

fn good() -> Vec<Vector> {
    let mut small = Fixture::small(100);
    let password = small.password();
    let table = small.slots(&[&password]);
    let bytes = small.seal(&table).bytes;
    let password_only = Vector::new(
        "password",
        "One key, one password slot, nothing optional in the header.",
        &bytes,
    )
    .password("ok")
    .payload(&small, &table);

    let mut small = Fixture::small(101);
    let code = small.code();
    let table = small.slots(&[&code]);
    let bytes = small.seal(&table).bytes;
    let lower = code.to_text().to_lowercase().replace('-', " ");
    let mut code_only =
        Vector::new("recovery-code", "One key, one slot for a recovery code.", &bytes)
            .code(&code, "ok")
            .attempt(json!({ "method": "recovery_code", "secret": lower, "result": "ok" }))
            .payload(&small, &table);

    code_only.worked = Some(worked(&Envelope::from_bytes(&bytes).unwrap(), &code, &small.keys()));

    let target = Target::new(102);
    let bytes = &target.sealed.bytes;
    let keys: Vec<Value> = target
        .fixture
        .keys()
        .iter()
        .map(|key| json!({ "curve": key.curve().name(), "key": hex::encode(key.to_bytes()) }))
        .collect();
    let check_code =
        CheckCode::of(target.fixture.header.wallet, &target.fixture.keys()).to_string();
    let both = Vector::new(
        "password-and-code",
        "Both curves, a sealed mnemonic, attachments of both classes, two slots.",
        bytes,
    )
    .password("ok")
    .with("expect", json!({ "digest": target.sealed.digest.to_string(), "check_code": check_code, "keys": keys }))
    .code(&target.code, "ok")
    .payload(&target.fixture, &target.slots);

    let mut fixture = Fixture::new(103);
    let code = fixture.code();
    let table = fixture.slots(&[&code]);
    fixture.next_epoch();
    let bytes = fixture.seal(&table).bytes;
    let next = Vector::new(
        "next-epoch",
        "The slot of an earlier epoch, key tag included, in the next one.",
        &bytes,
    )
    .code(&code, "ok")
    .payload(&fixture, &table);

    let mut small = Fixture::small(104);
    let pin = Stranger::new(SlotKind::Pin, &mut small.rng);
    let code = small.code();
    let table = small.slots(&[&pin, &code]);
    let bytes = small.seal(&table).bytes;
    let check_code = CheckCode::of(small.header.wallet, &small.keys()).to_string();
    let scalar = pin.scalar_for_tests();
    let pin_attempt =
        |result: &str| json!({ "method": "pin", "identity": scalar, "result": result });
    let unvouched = Vector::new(
        "pin",
        "A slot of a kind that cannot vouch (its identity is given as the scalar, big-endian), and a code.",
        &bytes,
    )
    .attempt(pin_attempt("unvouched"))
    .attempt(pin_attempt("ok"))
    .with("expect", json!({ "check_code": check_code }))
    .attempt(pin_attempt("ok"))
    .with("accept_unvouched", json!(true))
    .attempt(pin_attempt("substituted"))
    .with("expect", json!({ "check_code": "00000-00000-00000-00000" }))
    .code(&code, "ok")
    .payload(&small, &table);

    let mut small = Fixture::small(105);
    let codes: Vec<RecoveryCode> = (0..MAX_SLOTS).map(|_| small.code()).collect();
    let methods: Vec<&dyn BackupMethod> = codes.iter().map(|code| code as _).collect();
    let table = small.slots(&methods);
    let bytes = small.seal(&table).bytes;
    let mut fixture = Fixture::small(107);
    let later = Stranger::new(SlotKind::from_number(1000), &mut fixture.rng);
    let code = fixture.code();
    let unknown_table = fixture.slots(&[&later, &code]);
    let unknown_bytes = fixture.seal(&unknown_table).bytes;
    let unknown = Vector::new(
        "unknown-kind",
        "A slot of a kind that version 1 does not know, which is kept, and a code.",
        &unknown_bytes,
    )
    .password("no_slot")
    .code(&code, "ok")
    .payload(&fixture, &unknown_table);

    let sixteen = Vector::new("sixteen-slots", "As many slots as there may be.", &bytes)
        .code(&codes[0], "ok")
        .code(&codes[15], "ok")
        .payload(&small, &table);

    let mut small = Fixture::small(106);
    let policy = PasswordPolicy::with_cost_for_tests(Argon2Cost::for_tests(64, 2, 1));
    let composed =
        Password::new("Zaun\u{A0}k\u{F6}nig, \u{212B}ngstr\u{F6}m 7").unwrap().with_policy(policy);
    let table = small.slots(&[&composed]);
    let bytes = small.seal(&table).bytes;
    let typed = |secret: &str, result: &str| json!({ "method": "password", "secret": secret, "result": result });
    let normalised = Vector::new(
        "password-normalised",
        "Entered composed and decomposed, with other spaces.",
        &bytes,
    )
    .attempt(typed("Zaun\u{A0}k\u{F6}nig, \u{212B}ngstr\u{F6}m 7", "ok"))
    .attempt(typed("Zaun ko\u{308}nig, A\u{30A}ngstro\u{308}m 7", "ok"))
    .attempt(typed("zaun k\u{F6}nig, \u{C5}ngstr\u{F6}m 7", "wrong_secret"))
    .payload(&small, &table);

    vec![password_only, code_only, both, next, unvouched, unknown, sixteen, normalised]
}

fn secrets() -> Vec<Vector> {
    let target = Target::new(110);
    let bytes = &target.sealed.bytes;
    let other =
        RecoveryCode::make(&mut <rand::rngs::ChaCha20Rng as rand::SeedableRng>::seed_from_u64(9));
    let wrong = Vector::new("wrong-secret", "Another password and another code.", bytes)
        .attempt(json!({ "method": "password", "secret": "gravel mitten ocean 42", "result": "wrong_secret" }))
        .code(&other, "wrong_secret");

    let right = target.code.to_text().to_string();
    let mut group_three = right.clone();
    let replacement = if right.as_bytes()[12] == b'Q' { "R" } else { "Q" };
    group_three.replace_range(12..13, replacement);
    let mixed = format!("{}{}", &right[..6], &other.to_text()[6..]);
    let short = &right[..right.len() - 1];
    let code = |secret: &str, result: &str| json!({ "method": "recovery_code", "secret": secret, "result": result });
    let mistyped =
        Vector::new("mistyped-code", "Codes with typing mistakes, refused before any work.", bytes)
            .attempt(code(&group_three, "code_mistyped"))
            .with("group", json!(3))
            .attempt(code(&mixed, "code_mistyped"))
            .with("group", Value::Null)
            .attempt(code(short, "code_length"))
            .with("group", json!(7));

    let password = |secret: &str, result: &str| json!({ "method": "password", "secret": secret, "result": result });
    let impossible = Vector::new("impossible-password", "What no password can be.", bytes)
        .attempt(password("", "password_empty"))
        .attempt(password(&"x".repeat(1025), "password_too_long"))
        .attempt(password("bell\u{7}", "password_characters"));

    let mut keys: Vec<Value> = target
        .fixture
        .keys()
        .iter()
        .map(|key| json!({ "curve": key.curve().name(), "key": hex::encode(key.to_bytes()) }))
        .collect();
    keys.swap(0, 1);
    let stranger = AnySigningKey::make(
        CurveId::Secp256k1,
        &mut <rand::rngs::ChaCha20Rng as rand::SeedableRng>::seed_from_u64(8),
    )
    .verifying_key();
    let expected = Vector::new(
        "expectations",
        "What the caller knows of the envelope, and what it is not.",
        bytes,
    )
    .code(&target.code, "wrong_wallet")
    .with("expect", json!({ "wallet": hex::encode([0xEE; 16]) }))
    .code(&target.code, "wrong_epoch")
    .with("expect", json!({ "epoch": 4 }))
    .code(&target.code, "wrong_digest")
    .with("expect", json!({ "digest": hex::encode([0; 32]) }))
    .code(&target.code, "wrong_curve")
    .with("expect", json!({ "keys": keys }))
    .code(&target.code, "substituted")
    .with(
        "expect",
        json!({ "keys": [{ "curve": "secp256k1", "key": hex::encode(stranger.to_bytes()) }] }),
    )
    .code(&target.code, "substituted")
    .with("expect", json!({ "check_code": "00000-00000-00000-00000" }));
    vec![wrong, mistyped, impossible, expected]
}
