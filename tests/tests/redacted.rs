//! No `Debug` of anything that holds a secret shows it: not in hexadecimal, not as a list of numbers, not
//! as text.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

use std::{fmt::Debug, sync::Arc};

use pollster::block_on;
use rand::{SeedableRng as _, rngs::ChaCha20Rng};
use twoshare::{
    Client, Import, MemoryDevice, Method, Place,
    core::{
        attachment::Attachment,
        channel::{ClientChannel, CustodianChannel, EphemeralSecret},
        curve::{AnySigningKey, Ed25519, Secp256k1, SigningKey},
        envelope::{Envelope, Expected, Header, Payload, Slot, SlotTable, seal},
        id::{CurveId, Epoch, OperationId, Purpose, Sharing, WalletId, WalletKind},
        identity::CustodianKeys,
        keygen,
        method::{
            AgreedSecret, BackupMethod, Identity as _, MakeContext, OpenContext, Password,
            RecoveryCode, SoftwareIdentity,
        },
        proof::{Operation, Stage},
        reshare,
        sealed::{SealedSecret, SecretKind, WalletSecret},
        secret::SecretBytes,
        share::{AnyClientShare, AnyCustodianShare, KeyId, split},
        store::{MemoryStore, Operator},
    },
    protocol::{
        Custodian, Party,
        memory::MemoryCustodian,
        message::{Dealt, PreparedSecret, Released},
        session::{Asked, Proving},
    },
};

/// Secrets, and what they look like when they are shown.
#[derive(Default)]
struct Secrets(Vec<(String, Vec<String>)>);

impl Secrets {
    fn bytes(&mut self, name: &str, secret: &[u8]) {
        let ways = |piece: &[u8]| {
            let decimal: Vec<_> = piece.iter().map(u8::to_string).collect();
            let padded: Vec<_> = piece.iter().map(|byte| format!("0x{byte:02x}")).collect();
            vec![
                hex::encode(piece),
                hex::encode_upper(piece),
                decimal.join(", "),
                padded.join(", "),
            ]
        };
        // A piece of it would be too much, from whichever end it is written.
        let reversed: Vec<u8> = secret.iter().rev().copied().collect();
        let pieces = secret.windows(6).chain(reversed.windows(6)).flat_map(ways).collect();
        self.0.push((name.to_owned(), pieces));
    }

    fn text(&mut self, name: &str, secret: &str) {
        self.0.push((name.to_owned(), vec![secret.to_owned()]));
        self.bytes(name, secret.as_bytes());
    }

    fn client(&mut self, shares: &[AnyClientShare]) {
        shares
            .iter()
            .for_each(|share| self.bytes("client share", share.expose_secret().expose_secret()));
    }

    fn custodian(&mut self, shares: &[AnyCustodianShare]) {
        shares
            .iter()
            .for_each(|share| self.bytes("custodian share", share.expose_secret().expose_secret()));
    }

    /// The byte strings of 32 bytes in the encoding of a state or message: numbers, salts.
    fn encoded(&mut self, name: &str, encoding: &SecretBytes, public: &[[u8; 32]]) {
        let bytes = encoding.expose_secret();
        for at in 0..bytes.len().saturating_sub(33) {
            let found = bytes[at..].starts_with(&[0x58, 32]).then(|| &bytes[at + 2..at + 34]);
            if let Some(found) = found.filter(|found| !public.iter().any(|known| known == found)) {
                self.bytes(name, found);
            }
        }
    }

    fn are_not_in(&self, shown: &dyn Debug) {
        // Of a list, every number has its own line in the other form.
        let (one, two) = (format!("{shown:?}"), format!("{shown:#?}"));
        let lines: Vec<&str> = two.lines().map(str::trim).collect();
        let two = lines.join(" ");
        for (name, pieces) in &self.0 {
            for piece in pieces {
                assert!(!one.contains(piece), "{name}: {one}");
                assert!(!two.contains(piece), "{name}: {two}");
            }
        }
    }
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn id(wallet: WalletId, purpose: Purpose) -> KeyId {
    KeyId { sharing: Sharing { wallet, purpose, epoch: Epoch::FIRST }, index: 0 }
}

#[test]
fn keys_shares_and_secrets() {
    let (mut secrets, mut rng) = (Secrets::default(), rng(1));
    let wallet = WalletId::make(&mut rng);
    let (k, e) = (SigningKey::<Secp256k1>::make(&mut rng), SigningKey::<Ed25519>::make(&mut rng));
    let (mine, theirs) = split(&k, id(wallet, Purpose::Backup), &mut rng);
    let any: AnySigningKey = e.clone().into();
    let (any_mine, any_theirs) = any.split(id(wallet, Purpose::Signing), &mut rng);
    let words = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    let mnemonic =
        WalletSecret::new(SecretKind::Mnemonic, "label", words.as_bytes().into()).unwrap();
    let (sealing, sealed) = SealedSecret::seal(wallet, 0, &mnemonic, &mut rng);
    let attached = Attachment::durable("chain code", words.as_bytes().into()).unwrap();

    secrets.text("mnemonic", words);
    secrets.bytes("sealing key", sealing.expose_secret().expose_secret());
    secrets.bytes("key", k.expose_secret().expose_secret());
    secrets.bytes("key", e.expose_secret().expose_secret());
    secrets.client(&[mine.clone().into(), any_mine.clone()]);
    secrets.custodian(&[theirs.clone().into(), any_theirs.clone()]);
    let bytes = k.expose_secret();
    let opened = sealed.open(wallet, 0, &sealing).unwrap();
    let shown: [&dyn Debug; 14] = [
        &k,
        &e,
        &any,
        &mine,
        &theirs,
        &any_mine,
        &any_theirs,
        &mnemonic,
        &sealing,
        &sealed,
        &attached,
        &bytes,
        &opened,
        &(Import::Key(k.clone()), Import::Secret(mnemonic.clone())),
    ];
    shown.iter().for_each(|shown| secrets.are_not_in(*shown));
}

#[test]
fn identities_and_channels() {
    let (mut secrets, mut rng) = (Secrets::default(), rng(2));
    let keys = CustodianKeys::make(&mut rng);
    let (ours, theirs) = (EphemeralSecret::make(&mut rng), EphemeralSecret::make(&mut rng));
    for bytes in [keys.to_bytes(), ours.to_bytes(), theirs.to_bytes()] {
        bytes.expose_secret()[1..].chunks(32).for_each(|scalar| secrets.bytes("scalar", scalar));
    }
    let client = ClientChannel::new(&ours, &theirs.public_key(), keys.identity(), b"");
    let custodian = CustodianChannel::new(&theirs, &ours.public_key(), &keys, b"");
    let agreed = AgreedSecret::from_bytes([0xA5; 32]);
    secrets.bytes("agreed", &[0xA5; 32]);
    let shown: [&dyn Debug; 6] = [&keys, &ours, &theirs, &client, &custodian, &agreed];
    shown.iter().for_each(|shown| secrets.are_not_in(*shown));
}

#[test]
fn the_states_of_a_key_generation_and_a_resharing() {
    let (mut secrets, mut rng) = (Secrets::default(), rng(3));
    let wallet = WalletId::make(&mut rng);
    let curves = vec![CurveId::Secp256k1, CurveId::Ed25519];
    let operation_id = OperationId::make(&mut rng);
    let user = "user".to_owned();
    let session =
        keygen::Session { custodian: [2; 32], user: user.clone(), wallet, operation_id, curves };
    let (committed, hash) = keygen::ClientCommitted::new(session.clone(), &mut rng).unwrap();
    let (answered, answer) = keygen::CustodianAnswered::new(session, hash, &mut rng).unwrap();
    secrets.encoded("key generation", &committed.to_bytes(), &[[2; 32], hash]);
    secrets.encoded("key generation", &answered.to_bytes(), &[[2; 32], hash]);
    // The verdict on what is public in them is that of the messages that are sent in the clear.
    let public = answer.to_bytes();
    let is_public = |pieces: &[String]| {
        let shown = hex::encode(public.expose_secret());
        pieces.iter().any(|piece| shown.contains(piece))
    };
    secrets.0.retain(|(_, pieces)| !is_public(pieces));
    secrets.are_not_in(&committed);
    secrets.are_not_in(&answered);
    let (opened, opening) = committed.open(&answer).unwrap();
    let (theirs, closing) = answered.finish(&opening).unwrap();
    secrets.custodian(&theirs);
    let shown: [&dyn Debug; 4] = [&opened, &opening, &theirs, &closing];
    shown.iter().for_each(|shown| secrets.are_not_in(*shown));
    let unproven = opened.finish(&closing).unwrap();
    secrets.are_not_in(&unproven);

    let key = SigningKey::<Ed25519>::make(&mut rng);
    let (mine, theirs) = split(&key, id(wallet, Purpose::Backup), &mut rng);
    let stage = |epoch| Stage { purpose: Purpose::Backup, epoch: Epoch::new(epoch).unwrap() };
    let item = reshare::Item { index: 0, curve: CurveId::Ed25519, from: stage(1), to: stage(2) };
    let context = reshare::Context {
        custodian: [2; 32],
        user,
        wallet,
        kind: WalletKind::Mpc,
        operation: Operation::Refresh,
        operation_id,
        items: vec![item],
    };
    let (committed, early) = reshare::CustodianCommitted::new(context.clone(), &mut rng).unwrap();
    secrets.encoded("resharing", &committed.to_bytes(), &[[2; 32]]);
    secrets.are_not_in(&committed);
    let (offered, offer) =
        reshare::ClientOffered::new(context, &early, &[mine.into()], &mut rng).unwrap();
    secrets.encoded("resharing", &offered.to_bytes(), &[[2; 32], early[0]]);
    let (new, response) = committed.respond(&offer, &[theirs.into()]).unwrap();
    secrets.custodian(&new);
    let shown: [&dyn Debug; 4] = [&offered, &offer, &new, &response];
    shown.iter().for_each(|shown| secrets.are_not_in(*shown));
    secrets.are_not_in(&offered.finish(&response, &[]).unwrap());
}

#[test]
fn methods_and_envelopes() {
    let (mut secrets, mut rng) = (Secrets::default(), rng(4));
    let wallet = WalletId::make(&mut rng);
    let text = "gravel mitten ocean 41";
    let (password, code) = (Password::new(text).unwrap(), RecoveryCode::make(&mut rng));
    secrets.text("password", text);
    secrets.text("code", &code.to_text());
    secrets.text("code", &code.to_text().replace('-', ""));
    let identity = SoftwareIdentity::make(&mut rng);

    let (k, key) = (SigningKey::<Secp256k1>::make(&mut rng), SigningKey::<Ed25519>::make(&mut rng));
    secrets.bytes("key", k.expose_secret().expose_secret());
    let (mine, _) = split(&k, id(wallet, Purpose::Backup), &mut rng);
    drop(key);
    secrets.client(&[mine.clone().into()]);
    let attachment = Attachment::durable("chain code", [0xC7; 32].as_slice().into()).unwrap();
    secrets.bytes("attachment", &[0xC7; 32]);
    let payload = Payload {
        kind: WalletKind::Mpc,
        keys: vec![mine.into()],
        secrets: Vec::new(),
        attachments: vec![attachment],
        custodian: *CustodianKeys::make(&mut rng).identity(),
    };
    let methods: [&dyn BackupMethod; 2] = [&password, &code];
    let mut slots = SlotTable::new();
    for method in methods {
        let slot = block_on(Slot::make(method, wallet, &payload.verifying_keys(), &mut rng));
        secrets.are_not_in(&slot);
        slots.add(slot.unwrap()).unwrap();
        let made = block_on(method.make(MakeContext { wallet, rng: &mut rng })).unwrap();
        secrets.are_not_in(&made);
        let found = slots.iter().last().unwrap().header();
        secrets.are_not_in(&block_on(method.open(found, OpenContext { wallet })).unwrap());
    }
    let header = Header::new(wallet, Epoch::FIRST, 0);
    let sealed = seal(&header, &payload, &slots, &mut rng).unwrap();
    let envelope = Envelope::from_bytes(&sealed.bytes).unwrap();
    let opened = block_on(envelope.open(&code, &Expected::default())).unwrap();
    let agreed = block_on(identity.agree(&identity.public_key())).unwrap();
    let shown: [&dyn Debug; 10] = [
        &password,
        &code,
        &identity,
        &payload,
        &slots,
        &sealed,
        &sealed.keys,
        &envelope,
        &opened,
        &agreed,
    ];
    shown.iter().for_each(|shown| secrets.are_not_in(*shown));
}

#[test]
fn sessions_wallets_and_custodians() {
    let mut secrets = Secrets::default();
    let custodian = MemoryCustodian::start(rng(5));
    let session = custodian.login("user");
    let builder = Client::builder().custodian(session.clone()).pinned(custodian.identity());
    let builder = builder.user("user").device(MemoryDevice::new());
    let store = Place::store(MemoryStore::new(), Operator::User);
    let client = builder.store("memory".parse().unwrap(), store).build().unwrap();
    let code: Method = Arc::new(RecoveryCode::make(&mut rng(6)));
    let wallet = block_on(client.create_wallet(&[CurveId::Secp256k1], None)).unwrap();
    block_on(client.backup(wallet.id(), &[Arc::clone(&code)])).unwrap();
    let backup = block_on(client.open(wallet.id(), &code)).unwrap().payload.keys;
    secrets.client(wallet.signing_shares());
    secrets.client(&backup);
    secrets.custodian(&custodian.hazmat_stored_shares());

    let party = Party {
        custodian: custodian.identity(),
        user: "user".to_owned(),
        wallet: wallet.id(),
        kind: WalletKind::Mpc,
    };
    let to = vec![Stage { purpose: Purpose::Backup, epoch: Epoch::new(2).unwrap() }];
    let operation = OperationId::make(&mut rng(7));
    let asked = Asked::reshare(party, Operation::Refresh, operation, &backup, to).unwrap();
    let proving = Proving::Backup(&backup);
    secrets.are_not_in(&(&asked, &proving));
    let begun = block_on(session.begin(asked.message().clone())).unwrap();
    let offered = asked.prepare(&begun, proving, Vec::new(), &mut rng(8)).unwrap();
    let prepared = block_on(session.prepare(offered.message().clone())).unwrap();
    secrets.custodian(&custodian.hazmat_stored_shares());
    secrets.are_not_in(&(&begun, &offered, offered.message(), &prepared));
    let ready = offered.finish(&prepared, &[]).unwrap();
    secrets.client(ready.backup());
    let commit = ready.commit(None, &mut rng(9));
    let shares = || custodian.hazmat_stored_shares().iter().map(|one| one.to_bytes()).collect();
    let answer = PreparedSecret {
        response: SecretBytes::default(),
        opened: shares(),
        proofs: commit.proofs.clone(),
    };
    let shown: [&dyn Debug; 10] = [
        &ready,
        &commit,
        &answer,
        &Dealt { shares: shares() },
        &Released { shares: shares() },
        &wallet,
        &client,
        &custodian,
        &custodian.snapshot(),
        &session,
    ];
    shown.iter().for_each(|shown| secrets.are_not_in(*shown));

    let (mut secrets, key) = (Secrets::default(), SigningKey::<Secp256k1>::make(&mut rng(10)));
    secrets.bytes("key", key.expose_secret().expose_secret());
    let single = block_on(client.import_wallet(vec![Import::Key(key)], None)).unwrap();
    secrets.are_not_in(&(&single, single.export().unwrap()));
}

#[test]
#[should_panic(expected = "not hidden")]
fn what_is_shown_is_found() {
    let mut secrets = Secrets::default();
    secrets.bytes("not hidden", &[7, 200, 3, 44, 5, 6, 70, 8]);
    secrets.are_not_in(&("something", [1, 7, 200, 3, 44, 5, 6, 70, 8]));
}
