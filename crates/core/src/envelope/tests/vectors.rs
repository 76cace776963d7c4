//! Writes the vectors of `tests/vectors/envelope`, with fixed randomness: run with
//! `cargo test -p twoshare-core write_the_vectors -- --ignored`. What reads them is
//! `crates/core/tests/vectors.rs`, and a reader in another language.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::{
    super::*,
    adversary::{Target, change_recipients},
    fixture::{Fixture, PASSWORD, Stranger},
};
use crate::{
    check_code::CheckCode,
    container::{self, Content},
    curve::{AnySigningKey, AnyVerifyingKey},
    id::{CurveId, Epoch, Purpose, Sharing, WalletId},
    method::{Argon2Cost, BackupMethod, Password, PasswordPolicy, RecoveryCode, SlotKind},
    share::KeyId,
    text,
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
}

impl Vector {
    fn new(name: &'static str, about: &'static str, bytes: &[u8]) -> Self {
        let envelope = Envelope::from_bytes(bytes);
        let header = envelope.as_ref().ok().map(header_json);
        let read = envelope.err().map_or("ok", |error| error.code());
        let input = json!({ "cose": hex::encode(bytes) });
        Self { name, about, input, read, header, attempts: Vec::new(), payload: None, worked: None }
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

    fn write(&self, folder: &Path) {
        let vector = json!({
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
        "key_encryption_key": hex::encode(agreed.derive(None, &kdf::context(&slot.protected, &envelope.body_hash)).0),
        "wrapped_key": hex::encode(slot.wrapped),
        "content_key": hex::encode(key.0),
        "key_commitment": hex::encode(key.commitment(envelope.header())),
        "iv": hex::encode(envelope.iv_for_tests()),
        "enc_structure": hex::encode(envelope.aad_for_tests()),
        "plaintext": hex::encode(plaintext.expose_secret()),
        "tag_point": hex::encode(point.to_bytes()),
        "tag_agreed_x": hex::encode(tag_agreed.x_for_tests()),
        "tag_key": hex::encode(tag_agreed.derive(Some(b"twoshare/v1/key-tag"), &wallet.to_bytes()).0),
        "wallet_and_keys": hex::encode(crate::check_code::wallet_and_keys(wallet, keys)),
        "key_tag": hex::encode(slot.header.tag.unwrap().to_bytes()),
    })
}

#[test]
#[ignore = "writes the frozen vectors; run by hand"]
fn write_the_vectors() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/envelope");
    fs::create_dir_all(&folder).unwrap();
    let mut vectors = Vec::new();
    vectors.extend(good());
    vectors.extend(secrets());
    vectors.extend(by_stores());
    vectors.extend(by_writers());
    vectors.extend(malformed());
    vectors.extend(containers());
    vectors.extend(texts());
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

    vec![password_only, code_only, both, next, unvouched, sixteen, normalised]
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

fn by_stores() -> Vec<Vector> {
    let mut target = Target::new(120);
    let payload = |target: &Target, vector: Vector| vector.payload(&target.fixture, &target.slots);
    let bytes = target.slot_injected();
    let injected = Vector::new(
        "slot-injected",
        "A store has added a slot of its own: the others open.",
        &bytes,
    )
    .password("ok")
    .altered(1, 0)
    .code(&target.code, "ok")
    .altered(1, 0);
    let injected = payload(&target, injected);
    let removed = Vector::new(
        "slot-removed",
        "A store has removed the password's slot.",
        &target.slot_removed(),
    )
    .password("no_slot")
    .code(&target.code, "ok")
    .altered(0, 1);
    let removed = payload(&target, removed);
    let unreadable =
        change_recipients(&target.sealed.bytes, |recipients| recipients[0] = vec![0xF6]);
    let unreadable = Vector::new(
        "slot-unreadable",
        "Null stands in the place of the password's slot.",
        &unreadable,
    )
    .password("damaged_slot")
    .code(&target.code, "ok")
    .altered(1, 1);
    let unreadable = payload(&target, unreadable);
    let bytes = target.slot_changed(1, |header| header.tag = None);
    let stripped =
        Vector::new("tag-stripped", "A store has removed the key tag of the code's slot.", &bytes)
            .code(&target.code, "substituted");
    let bytes = target.slot_changed(1, |header| header.tag = Some(KeyTag::from_bytes([7; 32])));
    let changed =
        Vector::new("tag-changed", "A store has changed the key tag of the code's slot.", &bytes)
            .code(&target.code, "damaged_wrapped_key");
    let cost = Argon2Cost::for_tests(0x0100_0000, 3, 4);
    let bytes = target.slot_changed(0, |header| {
        header.parameters = Password::parameters_for_tests([1; 16], cost)
    });
    let memory = Vector::new("absurd-memory", "The password's slot asks for 16 GiB.", &bytes)
        .password("excessive_work")
        .code(&target.code, "ok")
        .altered(1, 1);
    let memory = payload(&target, memory);
    let cost = Argon2Cost::for_tests(64, 17, 4);
    let bytes = target.slot_changed(0, |header| {
        header.parameters = Password::parameters_for_tests([1; 16], cost)
    });
    let passes = Vector::new("absurd-passes", "The password's slot asks for 17 passes.", &bytes)
        .password("excessive_work");
    let bytes = target.slot_changed(0, |header| header.parameters = vec![0x80]);
    let parameters =
        Vector::new("unreadable-parameters", "The password's slot has other parameters.", &bytes)
            .password("slot_parameters");
    let forbidden = Vector::new(
        "forbidden-ephemeral",
        "The ephemeral key of the code's slot is the point of the wallet's key tags.",
        &target.forbidden_ephemeral(false),
    )
    .code(&target.code, "forbidden_ephemeral");
    let negative = Vector::new(
        "forbidden-ephemeral-negative",
        "The ephemeral key of the code's slot is the negative of the point of the wallet's key tags.",
        &target.forbidden_ephemeral(true),
    )
    .code(&target.code, "forbidden_ephemeral");

    let mut bytes = target.sealed.bytes.clone();
    let ciphertext = Envelope::from_bytes(&bytes).unwrap().ciphertext_for_tests();
    let at = target.fixture.find(&bytes, &ciphertext);
    bytes[at + 40] ^= 0x10;
    let ciphertext =
        Vector::new("damaged-ciphertext", "One bit of the ciphertext is flipped.", &bytes)
            .password("damaged_ciphertext")
            .code(&target.code, "damaged_ciphertext");
    let mut bytes = target.sealed.bytes.clone();
    *bytes.last_mut().unwrap() ^= 1;
    let wrapped = Vector::new(
        "damaged-wrapped-key",
        "The last bit, of the code's wrapped key, is flipped.",
        &bytes,
    )
    .password("ok")
    .code(&target.code, "damaged_wrapped_key");
    let wrapped = payload(&target, wrapped);
    let mut bytes = target.sealed.bytes.clone();
    let at = target.fixture.find(&bytes, b"Savings");
    bytes[at] = b'R';
    let renamed =
        Vector::new("header-changed", "The public name is another: no slot fits any more.", &bytes)
            .password("damaged_wrapped_key")
            .code(&target.code, "damaged_wrapped_key");
    vec![
        injected, removed, unreadable, stripped, changed, memory, passes, parameters, forbidden,
        negative, ciphertext, wrapped, renamed,
    ]
}

fn by_writers() -> Vec<Vector> {
    let mut target = Target::new(130);
    let copied = Vector::new(
        "tag-copied",
        "A wallet that somebody else knows, sealed to the user's slots, tags included.",
        &target.substituted(|_| {}),
    )
    .password("substituted")
    .code(&target.code, "substituted")
    .code(&target.code, "substituted")
    .with("accept_unvouched", json!(true));
    let untagged = Vector::new(
        "tag-omitted",
        "A wallet that somebody else knows, sealed to the user's slots without tags.",
        &target.substituted(|header| header.tag = None),
    )
    .password("substituted")
    .code(&target.code, "substituted");
    let bytes = target.two_keys();
    let two_keys = Vector::new(
        "two-keys",
        "One ciphertext that is authentic under two keys; the code's slot wraps the one that is not committed to.",
        &bytes,
    )
    .password("ok")
    .code(&target.code, "damaged_key_commitment")
    .payload_of(&target.password);
    let mut table = SlotTable::new();
    table.add(target.slots.iter().nth(1).unwrap().clone()).unwrap();
    let (slots, code) = (target.slots.clone(), target.code.to_text());
    let code = RecoveryCode::from_text(&code).unwrap();
    let bytes = target.fixture.seal_fields(&slots, &table, |_| {});
    let unlisted =
        Vector::new("slot-unlisted", "The password's slot is not in the slot table.", &bytes)
            .password("payload_unlisted_slot")
            .code(&code, "ok")
            .altered(1, 0)
            .payload_of(&code);

    let fixture = &mut target.fixture;
    let id = fixture.payload.keys[0].id();
    let share = |fixture: &mut Fixture, id: KeyId| {
        let (client, _) =
            AnySigningKey::make(CurveId::Secp256k1, &mut fixture.rng).split(id, &mut fixture.rng);
        client.to_bytes().expose_secret().to_vec()
    };
    let refused = |fixture: &mut Fixture, name, about, share: Vec<u8>, result| {
        let bytes = fixture.seal_fields(&slots, &slots, |fields| fields.keys[0] = share);
        Vector::new(name, about, &bytes).code(&code, result)
    };
    let custodian =
        AnySigningKey::make(CurveId::Secp256k1, &mut fixture.rng).split(id, &mut fixture.rng).1;
    let custodian = custodian.to_bytes().expose_secret().to_vec();
    let role =
        refused(fixture, "payload-role", "The custodian's share.", custodian, "payload_wrong_role");
    let wallet =
        KeyId { sharing: Sharing { wallet: WalletId::from_bytes([1; 16]), ..id.sharing }, ..id };
    let wallet = share(fixture, wallet);
    let wallet = refused(
        fixture,
        "payload-wallet",
        "A share of another wallet.",
        wallet,
        "payload_wrong_wallet",
    );
    let epoch = KeyId { sharing: Sharing { epoch: Epoch::new(2).unwrap(), ..id.sharing }, ..id };
    let epoch = share(fixture, epoch);
    let epoch = refused(
        fixture,
        "payload-epoch",
        "A share of another epoch.",
        epoch,
        "payload_wrong_epoch",
    );
    let purpose = KeyId { sharing: Sharing { purpose: Purpose::Signing, ..id.sharing }, ..id };
    let purpose = share(fixture, purpose);
    let purpose =
        refused(fixture, "payload-purpose", "A signing share.", purpose, "payload_wrong_purpose");
    let index = share(fixture, KeyId { index: 1, ..id });
    let index = refused(
        fixture,
        "payload-index",
        "A share of key 1 in the place of key 0.",
        index,
        "payload_wrong_index",
    );
    let mut uncommitted = fixture.payload.keys[0].to_bytes().expose_secret().to_vec();
    *uncommitted.last_mut().unwrap() ^= 1;
    let uncommitted = refused(
        fixture,
        "payload-share",
        "A share that does not fit its commitment.",
        uncommitted,
        "payload_share",
    );
    let bytes = fixture.seal_fields(&slots, &slots, |fields| fields.keys.clear());
    let empty = Vector::new("payload-empty", "A payload without keys.", &bytes)
        .code(&code, "payload_no_keys");
    let bytes = fixture.seal_fields(&slots, &slots, |fields| fields.kind = 1);
    let kind =
        Vector::new("payload-kind", "A payload of another kind than the header says.", &bytes)
            .code(&code, "payload_wrong_kind");
    vec![
        copied,
        untagged,
        two_keys,
        unlisted,
        role,
        wallet,
        epoch,
        purpose,
        index,
        uncommitted,
        empty,
        kind,
    ]
}

fn malformed() -> Vec<Vector> {
    let mut fixture = Fixture::small(140);
    let (code, sealed) = fixture.code_and_sealed();
    let bytes = sealed.bytes;
    let protected = Envelope::from_bytes(&bytes).unwrap().protected_for_tests();
    let change = |from: &[u8], to: &[u8]| {
        let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
        [&bytes[..at], to, &bytes[at + from.len()..]].concat()
    };
    let version = [0x3A, 0x00, 0x01, 0x11, 0x70];
    let newer = change(&[&version[..], &[1]].concat(), &[&version[..], &[2]].concat());
    let slot_alg = change(&[0x01, 0x38, 0x1E], &[0x01, 0x38, 0x1C]);
    let seventeen =
        change_recipients(&bytes, |recipients| *recipients = vec![recipients[0].clone(); 17]);
    let twice = change_recipients(&bytes, |recipients| recipients.push(recipients[0].clone()));
    let twice = Vector::new("slot-twice", "A store has written the code's slot twice.", &twice)
        .code(&code, "ok")
        .altered(1, 0);
    let head = [0x58, u8::try_from(protected.len()).unwrap()];
    let longer_head = change(&head, &[0x59, 0, head[1]]);
    vec![
        twice.payload_of(&code),
        Vector::new("newer-version", "Version 2.", &newer),
        Vector::new("body-algorithm", "A128GCM.", &change(&protected[..3], &[protected[0], 1, 1])),
        Vector::new("slot-algorithm", "ECDH-ES + A128KW.", &slot_alg)
            .code(&code, "unsupported_slot_algorithm"),
        Vector::new("too-many-slots", "Seventeen slots.", &seventeen),
        Vector::new("no-slots", "No slots.", &change_recipients(&bytes, Vec::clear)),
        Vector::new("truncated", "The last byte is missing.", &bytes[..bytes.len() - 1]),
        Vector::new("truncated-early", "Only 30 bytes are there.", &bytes[..30]),
        Vector::new("trailing-bytes", "A byte follows.", &[&bytes[..], &[0]].concat()),
        Vector::new("not-an-envelope", "A text.", b"ur:twoshare-backup/ is a text"),
        Vector::new(
            "another-cose",
            "A COSE_Encrypt of something else.",
            &[0xD8, 0x60, 0x84, 0x43, 0xA1, 1, 3, 0xA0, 0x40, 0x80],
        ),
        Vector::new("longer-head", "A length of one byte is written in two.", &longer_head),
        Vector::new(
            "indefinite-array",
            "The message is an array of indefinite length.",
            &change(&[0xD8, 0x60, 0x84], &[0xD8, 0x60, 0x9F]),
        ),
        Vector::new(
            "wrong-tag",
            "COSE_Mac instead of COSE_Encrypt.",
            &change(&[0xD8, 0x60, 0x84], &[0xD8, 0x61, 0x84]),
        ),
    ]
}

impl Vector {
    /// With what `method` opens.
    fn payload_of(mut self, method: &dyn BackupMethod) -> Self {
        let bytes = hex::decode(self.input["cose"].as_str().unwrap()).unwrap();
        let envelope = Envelope::from_bytes(&bytes).unwrap();
        let opened = pollster::block_on(envelope.open(method, &Expected::default())).unwrap();
        self.payload = Some(payload_json(&opened.payload, &opened.slots));
        self
    }
}

fn containers() -> Vec<Vector> {
    let mut fixture = Fixture::small(150);
    let (code, sealed) = fixture.code_and_sealed();
    let intact = container::wrap(Content::Envelope, &sealed.bytes).unwrap();
    let input = |bytes: &[u8]| json!({ "container": hex::encode(bytes) });
    let refused = |name, about, bytes: &[u8]| {
        let code = container::unwrap(Content::Envelope, bytes).unwrap_err().code();
        Vector::unread(name, about, input(bytes), code)
    };
    let changed = |at: usize, to: u8| {
        let mut bytes = intact.clone();
        bytes[at] = to;
        bytes
    };
    let mut newer = changed(8, 2);
    newer[20] ^= 1;
    let receipt = container::wrap(Content::Receipt, b"a receipt").unwrap();
    let mut huge = changed(10, 0xFF);
    huge[20] ^= 1;
    let mut good = Vector::new("container", "An envelope in its container.", &sealed.bytes)
        .code(&code, "ok")
        .payload_of(&code);
    good.input = input(&intact);
    vec![
        good,
        refused("container-damaged", "One bit of the content is flipped.", &changed(60, intact[60] ^ 4)),
        refused("container-damaged-magic", "One bit of the magic is flipped.", &changed(1, intact[1] ^ 4)),
        refused("container-damaged-version", "The version is flipped, everything else is intact.", &changed(8, 3)),
        refused("container-newer", "Version 2, with a checksum of its own.", &newer),
        refused("container-truncated", "The last byte is missing.", &intact[..intact.len() - 1]),
        refused("container-trailing", "A byte follows.", &[&intact[..], &[0]].concat()),
        refused("container-receipt", "A receipt.", &receipt),
        refused("container-huge", "Almost 4 GiB are claimed.", &huge),
        refused("container-other-file", "A PNG.", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\0\0\0"),
    ]
}

fn texts() -> Vec<Vector> {
    let mut fixture = Fixture::small(160);
    let (code, sealed) = fixture.code_and_sealed();
    let whole = text::write(&sealed.bytes);
    let good = |name, about, text: String| {
        let mut vector =
            Vector::new(name, about, &sealed.bytes).code(&code, "ok").payload_of(&code);
        vector.input = json!({ "text": text });
        vector
    };
    let refused = |name, about, text: String| {
        let code = text::read(&text).unwrap_err().code();
        Vector::unread(name, about, json!({ "text": text }), code)
    };
    let lines: Vec<&str> =
        whole.as_bytes().chunks(64).map(|line| core::str::from_utf8(line).unwrap()).collect();
    let pasted = format!(
        "Anna, 9:41: here it is!\n> {}\nTalk to you later.",
        lines.join("\n> ").to_uppercase()
    );
    let parts = text::write_parts(&sealed.bytes, 120, 12).unwrap();
    let plain = parts.len() - 12;
    let lossy: Vec<&str> = parts.iter().skip(3).map(String::as_str).collect();
    let other = text::write_parts(&sealed.bytes[..sealed.bytes.len() - 1], 120, 0).unwrap();
    let mut typo = whole.clone().into_bytes();
    typo[60] = if typo[60] == b'q' { b'z' } else { b'q' };
    typo[61] = b'q';
    let mut swapped = whole.clone();
    let (first, second) = (&whole[201..203], &whole[203..205]);
    swapped.replace_range(201..205, &format!("{second}{first}"));
    vec![
        good("text", "As one Uniform Resource.", whole.clone()),
        good(
            "text-pasted",
            "From a chat: in upper case, quoted line by line, with words around it.",
            pasted,
        ),
        good("text-parts", "In parts.", parts[..plain].join("\n")),
        good(
            "text-parts-lost",
            "In parts, the first three lost, with mixed ones in their place.",
            lossy.join(" "),
        ),
        refused(
            "text-truncated",
            "The last ten letters are missing.",
            whole[..whole.len() - 10].to_owned(),
        ),
        refused(
            "text-mistyped",
            "A pair of letters that is no byteword.",
            String::from_utf8(typo).unwrap(),
        ),
        refused("text-changed", "Two pairs of letters have changed places.", swapped),
        refused(
            "text-missing-part",
            "The second part is missing.",
            [&parts[..1], &parts[2..plain]].concat().join("\n"),
        ),
        refused(
            "text-mixed-parts",
            "Parts of two texts.",
            [&parts[..1], &other[1..]].concat().join("\n"),
        ),
        refused(
            "text-absurd-parts",
            "Four billion parts are claimed.",
            parts[0].replace(&format!("1-{plain}/"), "1-4000000000/"),
        ),
        refused("text-other-type", "Another Uniform Resource.", "ur:bytes/iehsjyhspmwfwfia".into()),
        refused("text-none", "No Uniform Resource.", "my backup is in the drawer".into()),
    ]
}
