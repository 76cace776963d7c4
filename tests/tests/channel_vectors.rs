//! The vectors of PROTOCOL.md's sections "The custodian's identity", "The channel" and "Secrets
//! that are not scalars", in `tests/vectors/protocol`: one file each, with all that went in
//! (randomness too) and all that came out. Version 1 is frozen, so these files never change.
//!
//! The channel's keys are derived a second time here, from the specification and bare primitives.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use std::{convert::Infallible, fs, path::PathBuf};

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use hkdf::Hkdf;
use rand::{TryCryptoRng, TryRng};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use twoshare_core::{
    channel::{ClientChannel, CustodianChannel, EphemeralKey, EphemeralSecret, OpenError, Step},
    id::WalletId,
    identity::{
        CustodianIdentity, CustodianKeys, IdentityError, RotationStatement, Signature,
        SignatureError, SigningDomain,
    },
    sealed::{SealedSecret, SecretKind, WalletSecret},
    secret::SecretBytes,
};

/// The domain that the vectors sign in.
const DOMAIN: SigningDomain = SigningDomain::new("vector");

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/protocol")
}

/// One file: its name, what it shows, and its fields.
struct Vector(Map<String, Value>);

impl Vector {
    fn read(name: &str) -> Self {
        let path = directory().join(name).with_extension("json");
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        let Value::Object(fields) = value else { panic!("{name} is not an object") };
        assert_eq!(fields.get("vector"), Some(&json!(name)));
        Self(fields)
    }

    fn text(&self, field: &str) -> &str {
        let value = self.0.get(field).unwrap_or_else(|| panic!("no field {field}"));
        value.as_str().unwrap_or_else(|| panic!("{field} is not a text"))
    }

    fn bytes(&self, field: &str) -> Vec<u8> {
        hex::decode(self.text(field)).unwrap_or_else(|e| panic!("{field}: {e}"))
    }

    fn number(&self, field: &str) -> u8 {
        let number = self.0.get(field).and_then(Value::as_u64);
        number.and_then(|n| u8::try_from(n).ok()).unwrap_or_else(|| panic!("{field} is no byte"))
    }
}

/// Gives out the recorded random bytes, and nothing else.
struct Recorded(Vec<u8>);

impl Recorded {
    fn end(self) {
        assert!(self.0.is_empty(), "{} random bytes were not used", self.0.len());
    }
}

impl TryRng for Recorded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        assert!(bytes.len() <= self.0.len(), "more random bytes are used than were recorded");
        let rest = self.0.split_off(bytes.len());
        bytes.copy_from_slice(&self.0);
        self.0 = rest;
        Ok(())
    }
}

impl TryCryptoRng for Recorded {}

/// Bytes for the generator: SHA-256 of what they are for.
fn fixed(what: &str) -> [u8; 32] {
    Sha256::digest(format!("twoshare vector: {what}")).into()
}

fn custodian_keys(what: &str) -> CustodianKeys {
    let (signing, sealing) = (fixed(&format!("{what} signing")), fixed(&format!("{what} sealing")));
    CustodianKeys::from_bytes(&[&[1][..], &signing, &sealing].concat()).unwrap()
}

fn ephemeral(what: &str) -> EphemeralSecret {
    EphemeralSecret::from_bytes(&[&[1][..], &fixed(what)].concat()).unwrap()
}

#[test]
fn the_identity_is_read_as_written() {
    let vector = Vector::read("custodian-identity");
    let keys = CustodianKeys::from_bytes(&vector.bytes("keys")).unwrap();
    let identity = keys.identity();
    assert_eq!(identity.to_bytes(), *vector.bytes("identity"));
    assert_eq!(identity.digest(), *vector.bytes("custodian_id"));
    assert_eq!(identity.to_string(), vector.text("text"));
    assert_eq!(vector.text("text").parse().as_ref(), Ok(identity));

    let message = vector.bytes("message");
    let signature = Signature::from_bytes(&vector.bytes("signature")).unwrap();
    assert_eq!(vector.text("domain"), "vector");
    assert_eq!(keys.sign(DOMAIN, &message), signature);
    assert_eq!(identity.verify(DOMAIN, &message, &signature), Ok(()));
    assert_eq!(DOMAIN.digest(&message), *vector.bytes("signed_digest"));
}

#[test]
fn identities_that_are_none_are_refused() {
    let vector = Vector::read("custodian-identity-refused");
    let refused = |field: &str| CustodianIdentity::from_bytes(&vector.bytes(field)).unwrap_err();
    assert_eq!(refused("compact_signing_key"), IdentityError::SigningKey);
    assert_eq!(refused("sealing_key_off_the_curve"), IdentityError::SealingKey);
    assert_eq!(refused("same_key_twice"), IdentityError::SameKey);
    assert_eq!(refused("negated_key_twice"), IdentityError::SameKey);
    assert_eq!(refused("cut"), IdentityError::Length { found: 65 });
    let mistyped = vector.text("mistyped_text").parse::<CustodianIdentity>();
    assert_eq!(mistyped, Err(IdentityError::Mistyped));
    let high = Signature::from_bytes(&vector.bytes("signature_with_high_s"));
    assert_eq!(high, Err(SignatureError::HighS));
}

#[test]
fn the_rotation_is_read_as_written() {
    let vector = Vector::read("custodian-rotation");
    let old = CustodianKeys::from_bytes(&vector.bytes("old_keys")).unwrap();
    let new = CustodianKeys::from_bytes(&vector.bytes("new_keys")).unwrap();
    let statement = RotationStatement::from_bytes(&vector.bytes("statement")).unwrap();
    assert_eq!(statement, old.rotate_to(&new));
    assert_eq!(statement.verify(old.identity()).as_ref(), Ok(new.identity()));
}

#[test]
fn the_channel_is_read_as_written() {
    for name in ["channel-client", "channel-custodian", "channel-empty"] {
        let vector = Vector::read(name);
        let keys = CustodianKeys::from_bytes(&vector.bytes("custodian_keys")).unwrap();
        let clients = EphemeralSecret::from_bytes(&vector.bytes("client_ephemeral")).unwrap();
        let custodians = EphemeralSecret::from_bytes(&vector.bytes("custodian_ephemeral")).unwrap();
        let context = vector.bytes("context");
        let client =
            ClientChannel::new(&clients, &custodians.public_key(), keys.identity(), &context);
        let custodian = CustodianChannel::new(&custodians, &clients.public_key(), &keys, &context);
        let (step, message) = (Step::new(vector.number("step")), vector.bytes("message"));
        let mut random = Recorded(vector.bytes("random"));
        let (sealed, opened) = match vector.text("sender") {
            "client" => {
                let sealed = client.seal(step, &message, &mut random).unwrap();
                let opened = custodian.open(step, &sealed);
                (sealed, opened)
            }
            "custodian" => {
                let sealed = custodian.seal(step, &message, &mut random).unwrap();
                let opened = client.open(step, &sealed);
                (sealed, opened)
            }
            other => panic!("sender {other}"),
        };
        random.end();
        assert_eq!(hex::encode(&sealed), vector.text("sealed"), "{name}");
        assert_eq!(opened.unwrap().expose_secret(), message, "{name}");
        assert_eq!(hex::encode(derive_anew(&vector)), vector.text("sealed"), "{name}");
    }
}

/// The sealed message of a vector, from PROTOCOL.md and bare primitives; the derived values that
/// the vector lists are compared on the way.
fn derive_anew(vector: &Vector) -> Vec<u8> {
    let scalar = |field: &str, range: std::ops::Range<usize>| {
        p256::SecretKey::from_slice(&vector.bytes(field)[range]).unwrap()
    };
    let (client, custodian) =
        (scalar("client_ephemeral", 1..33), scalar("custodian_ephemeral", 1..33));
    let (signing, sealing) = (scalar("custodian_keys", 1..33), scalar("custodian_keys", 33..65));
    let point = |secret: &p256::SecretKey| {
        let point =
            p256::elliptic_curve::sec1::ToSec1Point::to_sec1_point(&secret.public_key(), true);
        point.as_bytes().to_vec()
    };
    let agree = |one: &p256::SecretKey, other: &p256::SecretKey| {
        one.diffie_hellman(&other.public_key()).raw_secret_bytes().to_vec()
    };
    let (ee, es) = (agree(&client, &custodian), agree(&client, &sealing));
    assert_eq!(hex::encode(&ee), vector.text("ee"));
    assert_eq!(hex::encode(&es), vector.text("es"));
    let transcript = Sha256::digest(
        [
            b"twoshare/v1/channel".to_vec(),
            point(&client),
            point(&custodian),
            point(&signing),
            point(&sealing),
        ]
        .concat(),
    );
    assert_eq!(hex::encode(transcript), vector.text("transcript"));
    let (prk, hkdf) = Hkdf::<Sha256>::extract(Some(&transcript), &[ee, es].concat());
    assert_eq!(hex::encode(prk), vector.text("prk"));
    let expand = |info: &[&[u8]], length: usize| {
        let mut out = vec![0; length];
        let info = [&[&b"twoshare/v1/channel"[..]][..], info].concat().concat();
        hkdf.expand(&info, &mut out).unwrap();
        out
    };
    let context = Sha256::digest(vector.bytes("context"));
    let sender = match vector.text("sender") {
        "client" => 1,
        _ => 2,
    };
    let mut header = vec![1, sender, vector.number("step")];
    header.extend(expand(&[b"/session"], 8));
    header.extend(expand(&[b"/context", &context], 8));
    let (random, message) = (vector.bytes("random"), vector.bytes("message"));
    let salt = expand(&[b"/salt", &header, &random, &message], 32);
    header.extend(salt);
    let key = expand(&[b"/message", &header, &context], 44);
    assert_eq!(hex::encode(&key), vector.text("key_and_nonce"));
    let nonce: [u8; 12] = key[32..].try_into().unwrap();
    let sealed = Aes256Gcm::new_from_slice(&key[..32])
        .unwrap()
        .encrypt(&nonce.into(), Payload { msg: &message, aad: &header })
        .unwrap();
    [header, sealed].concat()
}

#[test]
fn messages_of_elsewhere_are_refused() {
    let vector = Vector::read("channel-refused");
    let keys = CustodianKeys::from_bytes(&vector.bytes("custodian_keys")).unwrap();
    let clients = EphemeralKey::from_bytes(&vector.bytes("client_ephemeral_key")).unwrap();
    let custodians = EphemeralSecret::from_bytes(&vector.bytes("custodian_ephemeral")).unwrap();
    let custodian = CustodianChannel::new(&custodians, &clients, &keys, &vector.bytes("context"));
    let step = Step::new(vector.number("step"));
    let refused = |field: &str| custodian.open(step, &vector.bytes(field)).map(|_| ()).unwrap_err();
    assert!(custodian.open(step, &vector.bytes("good")).is_ok());
    assert_eq!(refused("too_short"), OpenError::TooShort { found: 66 });
    assert_eq!(refused("newer_version"), OpenError::NewerVersion { found: 2, supported: 1 });
    assert_eq!(refused("reflected"), OpenError::Reflected);
    assert_eq!(refused("other_session"), OpenError::OtherSession);
    assert_eq!(refused("other_context"), OpenError::OtherContext);
    let found = Step::FIRST;
    assert_eq!(refused("step_before"), OpenError::Replayed { expected: step, found });
    let found = Step::new(2);
    assert_eq!(refused("step_after"), OpenError::OutOfOrder { expected: step, found });
    assert_eq!(refused("damaged"), OpenError::Damaged);
    for field in ["key_off_the_curve", "compact_key", "identity_point"] {
        assert!(EphemeralKey::from_bytes(&vector.bytes(field)).is_err(), "{field}");
    }
}

/// The secrets of the vectors: the file's name, the kind, the label, the bytes.
fn secrets() -> [(&'static str, SecretKind, &'static str, Vec<u8>); 3] {
    let words = "legal winner thank year wave sausage worth useful legal winner thank yellow\n";
    [
        ("sealed-ed25519-seed", SecretKind::Ed25519Seed, "Solana", fixed("seed").to_vec()),
        ("sealed-mnemonic", SecretKind::Mnemonic, "Старый кошелёк", words.as_bytes().to_vec()),
        ("sealed-opaque", SecretKind::Opaque, "", vec![0]),
    ]
}

#[test]
fn sealed_secrets_are_read_as_written() {
    for (name, kind, label, bytes) in secrets() {
        let vector = Vector::read(name);
        assert_eq!(vector.text("kind"), kind.name());
        assert_eq!(vector.text("label"), label);
        assert_eq!(vector.bytes("secret"), bytes);
        let wallet = WalletId::from_bytes(vector.bytes("wallet").try_into().unwrap());
        let index = vector.number("index");
        let secret = WalletSecret::new(kind, label, SecretBytes::from(bytes.clone())).unwrap();
        let mut random = Recorded(vector.bytes("random"));
        let (k, sealed) = SealedSecret::seal(wallet, index, &secret, &mut random);
        random.end();
        assert_eq!(k.expose_secret().expose_secret(), vector.bytes("k"), "{name}");
        assert_eq!(hex::encode(sealed.to_bytes()), vector.text("sealed"), "{name}");
        let read = SealedSecret::from_bytes(&vector.bytes("sealed")).unwrap();
        let opened = read.open(wallet, index, &k).unwrap();
        assert_eq!(opened.bytes().expose_secret(), bytes, "{name}");
        let public_key = opened.public_key().map(hex::encode).unwrap_or_default();
        assert_eq!(public_key, vector.text("public_key"), "{name}");
    }
}

#[test]
#[ignore = "writes the vectors anew, which never change once released: `cargo xtask vectors`"]
fn generate_vectors_of_the_channel() {
    write_identity();
    write_rotation();
    write_channel("channel-client", "A message of the client.", "client", 0, b"prepare");
    write_channel("channel-custodian", "Its answer.", "custodian", 0, b"pending");
    write_channel("channel-empty", "An empty message, of a later step.", "client", 255, b"");
    write_refused();
    for (name, kind, label, bytes) in secrets() {
        write_sealed(name, kind, label, &bytes);
    }
}

fn write(name: &str, what: &str, mut fields: Value) {
    let object = fields.as_object_mut().unwrap();
    object.insert("vector".to_owned(), json!(name));
    object.insert("what".to_owned(), json!(what));
    object.insert("specification".to_owned(), json!("crates/core/PROTOCOL.md"));
    fs::create_dir_all(directory()).unwrap();
    let text = serde_json::to_string_pretty(&fields).unwrap() + "\n";
    fs::write(directory().join(name).with_extension("json"), text).unwrap();
}

fn hex_of(secret: &SecretBytes) -> String {
    hex::encode(secret.expose_secret())
}

fn write_identity() {
    let keys = custodian_keys("custodian");
    let identity = keys.identity();
    let message = b"what is signed";
    let signature = keys.sign(DOMAIN, message);
    write(
        "custodian-identity",
        "A custodian's identity from its keys (version, signing scalar, sealing scalar), and one signature.",
        json!({
            "keys": hex_of(&keys.to_bytes()),
            "identity": hex::encode(identity.to_bytes()),
            "custodian_id": hex::encode(identity.digest()),
            "text": identity.to_string(),
            "domain": "vector",
            "message": hex::encode(message),
            "signed_digest": hex::encode(DOMAIN.digest(message)),
            "signature": hex::encode(signature.to_bytes()),
        }),
    );
    let good = identity.to_bytes();
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = good;
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    let twice = with(33, &good[..33]);
    let mut negated = twice;
    negated[33] ^= 1;
    let mut off_curve = [0; 33];
    (off_curve[0], off_curve[32]) = (2, 4);
    let (r, s) = (signature.to_bytes(), signature.to_bytes());
    let s = p256::ecdsa::Signature::from_slice(&s).unwrap().s();
    let high = (-*s).to_bytes();
    let text = identity.to_string();
    let other = if text.starts_with('0') { "1" } else { "0" };
    write(
        "custodian-identity-refused",
        "What is close to an identity or a signature and is refused.",
        json!({
            "compact_signing_key": hex::encode(with(0, &[5])),
            "sealing_key_off_the_curve": hex::encode(with(33, &off_curve)),
            "same_key_twice": hex::encode(twice),
            "negated_key_twice": hex::encode(negated),
            "cut": hex::encode(&good[..65]),
            "mistyped_text": format!("{other}{}", &text[1..]),
            "signature_with_high_s": hex::encode([&r[..32], &high].concat()),
        }),
    );
}

fn write_rotation() {
    let (old, new) = (custodian_keys("custodian"), custodian_keys("successor"));
    write(
        "custodian-rotation",
        "A custodian's statement that a new identity succeeds its own.",
        json!({
            "old_keys": hex_of(&old.to_bytes()),
            "new_keys": hex_of(&new.to_bytes()),
            "statement": hex::encode(old.rotate_to(&new).to_bytes()),
        }),
    );
}

/// The two ends of the vectors' session.
fn ends(context: &[u8]) -> (ClientChannel, CustodianChannel) {
    let keys = custodian_keys("custodian");
    let (clients, custodians) = (ephemeral("client ephemeral"), ephemeral("custodian ephemeral"));
    let client = ClientChannel::new(&clients, &custodians.public_key(), keys.identity(), context);
    let custodian = CustodianChannel::new(&custodians, &clients.public_key(), &keys, context);
    (client, custodian)
}

const CONTEXT: &[u8] = b"the context that both sides make for themselves";

fn write_channel(name: &str, what: &str, sender: &str, step: u8, message: &[u8]) {
    let keys = custodian_keys("custodian");
    let (clients, custodians) = (ephemeral("client ephemeral"), ephemeral("custodian ephemeral"));
    let (client, custodian) = ends(CONTEXT);
    let random = fixed(name);
    let mut rng = Recorded(random.to_vec());
    let step_of = Step::new(step);
    let sealed = match sender {
        "client" => client.seal(step_of, message, &mut rng),
        _ => custodian.seal(step_of, message, &mut rng),
    }
    .unwrap();
    let scalar = |bytes: &SecretBytes, range: std::ops::Range<usize>| {
        p256::SecretKey::from_slice(&bytes.expose_secret()[range]).unwrap()
    };
    let e1 = scalar(&clients.to_bytes(), 1..33);
    let e2 = scalar(&custodians.to_bytes(), 1..33);
    let s = scalar(&keys.to_bytes(), 33..65);
    let ee = e1.diffie_hellman(&e2.public_key()).raw_secret_bytes().to_vec();
    let es = e1.diffie_hellman(&s.public_key()).raw_secret_bytes().to_vec();
    let transcript = Sha256::new()
        .chain_update("twoshare/v1/channel")
        .chain_update(clients.public_key().to_bytes())
        .chain_update(custodians.public_key().to_bytes())
        .chain_update(keys.identity().to_bytes())
        .finalize();
    let (prk, hkdf) = Hkdf::<Sha256>::extract(Some(&transcript), &[&ee[..], &es].concat());
    let mut key_and_nonce = [0; 44];
    let info: [&[u8]; 3] =
        [b"twoshare/v1/channel/message", &sealed[..51], &Sha256::digest(CONTEXT)];
    hkdf.expand_multi_info(&info, &mut key_and_nonce).unwrap();
    write(
        name,
        what,
        json!({
            "custodian_keys": hex_of(&keys.to_bytes()),
            "client_ephemeral": hex_of(&clients.to_bytes()),
            "custodian_ephemeral": hex_of(&custodians.to_bytes()),
            "context": hex::encode(CONTEXT),
            "sender": sender,
            "step": step,
            "message": hex::encode(message),
            "random": hex::encode(random),
            "ee": hex::encode(ee),
            "es": hex::encode(es),
            "transcript": hex::encode(transcript),
            "prk": hex::encode(prk),
            "key_and_nonce": hex::encode(key_and_nonce),
            "sealed": hex::encode(sealed),
        }),
    );
}

fn write_refused() {
    let keys = custodian_keys("custodian");
    let (clients, custodians) = (ephemeral("client ephemeral"), ephemeral("custodian ephemeral"));
    let (client, custodian) = ends(CONTEXT);
    let (other_client, _) = ends(b"another context");
    let stranger = ephemeral("another client");
    let stranger =
        ClientChannel::new(&stranger, &custodians.public_key(), keys.identity(), CONTEXT);
    let mut rng = Recorded(fixed("refused").repeat(8));
    let (step, message) = (Step::new(1), b"message");
    let good = client.seal(step, message, &mut rng).unwrap();
    let changed = |at: usize| {
        let mut changed = good.clone();
        changed[at] ^= 3;
        changed
    };
    let mut off_curve = [0; 33];
    (off_curve[0], off_curve[32]) = (2, 4);
    let mut compact = clients.public_key().to_bytes();
    compact[0] = 5;
    write(
        "channel-refused",
        "Messages that the custodian refuses, each with another verdict, and keys that are none.",
        json!({
            "custodian_keys": hex_of(&keys.to_bytes()),
            "client_ephemeral_key": hex::encode(clients.public_key().to_bytes()),
            "custodian_ephemeral": hex_of(&custodians.to_bytes()),
            "context": hex::encode(CONTEXT),
            "step": 1,
            "good": hex::encode(&good),
            "too_short": hex::encode(&good[..66]),
            "newer_version": hex::encode(changed(0)),
            "reflected": hex::encode(custodian.seal(step, message, &mut rng).unwrap()),
            "other_session": hex::encode(stranger.seal(step, message, &mut rng).unwrap()),
            "other_context": hex::encode(other_client.seal(step, message, &mut rng).unwrap()),
            "step_before": hex::encode(client.seal(Step::FIRST, message, &mut rng).unwrap()),
            "step_after": hex::encode(client.seal(Step::new(2), message, &mut rng).unwrap()),
            "damaged": hex::encode(changed(60)),
            "key_off_the_curve": hex::encode(off_curve),
            "compact_key": hex::encode(compact),
            "identity_point": "00",
        }),
    );
}

fn write_sealed(name: &str, kind: SecretKind, label: &str, bytes: &[u8]) {
    let wallet = WalletId::from_bytes(fixed("wallet")[..16].try_into().unwrap());
    let random = [fixed(name), fixed(label)].concat();
    let secret = WalletSecret::new(kind, label, SecretBytes::from(bytes)).unwrap();
    let (k, sealed) = SealedSecret::seal(wallet, 2, &secret, &mut Recorded(random.clone()));
    write(
        name,
        "A sealed secret, and the scalar that was made for it from 64 random bytes modulo the order.",
        json!({
            "wallet": hex::encode(wallet.to_bytes()),
            "index": 2,
            "kind": kind.name(),
            "label": label,
            "secret": hex::encode(bytes),
            "public_key": secret.public_key().map(hex::encode).unwrap_or_default(),
            "random": hex::encode(random),
            "k": hex_of(&k.expose_secret()),
            "sealed": hex::encode(sealed.to_bytes()),
        }),
    );
}
