//! One operation on a random secret, for `cargo xtask callgrind`, which counts the instructions of
//! [`measured`] alone: the same number for every secret is evidence that no branch and no loop
//! depends on one. Without arguments it prints the names of the operations.
//!
//! `ops NAME SEED`
//!
//! Where a proof or a signature is checked, the time depends on it, and it is public: the names of
//! such operations end in `_public`. Not here: whether words are a BIP-39 mnemonic, which is looked
//! up in a dictionary, once, on the device where they were typed.

use std::{hint::black_box, process::ExitCode};

use pollster::block_on;
use rand::{SeedableRng, rngs::ChaCha20Rng};
use twoshare_benches::{Kept, Refresh, id};
use twoshare_core::{
    channel::{ClientChannel, CustodianChannel, EphemeralSecret, Step},
    curve::{AnySigningKey, Curve, Ed25519, Secp256k1, SigningKey},
    id::{CurveId, OperationId, Purpose, Role},
    identity::{CustodianKeys, SigningDomain},
    keygen::{ClientCommitted, CustodianAnswered, Session},
    method::{Identity, SoftwareIdentity},
    reshare::{ClientOffered, CustodianCommitted},
    sealed::{SealedSecret, SecretKind, WalletSecret},
    secret::SecretBytes,
    share::{ClientShare, CustodianShare, reconstruct, split},
};

/// An operation: prepares, and does what counts inside [`measured`].
type Operation = fn(&mut ChaCha20Rng);

const OPERATIONS: &[(&str, Operation)] = &[
    ("make_key_secp256k1", make_key::<Secp256k1>),
    ("make_key_ed25519", make_key::<Ed25519>),
    ("split_secp256k1", split_key::<Secp256k1>),
    ("split_ed25519", split_key::<Ed25519>),
    ("verify_share_secp256k1", verify_share::<Secp256k1>),
    ("verify_share_ed25519", verify_share::<Ed25519>),
    ("reconstruct_secp256k1", reconstruct_key::<Secp256k1>),
    ("reconstruct_ed25519", reconstruct_key::<Ed25519>),
    ("encode_share_secp256k1", encode_share::<Secp256k1>),
    ("encode_share_ed25519", encode_share::<Ed25519>),
    ("prove_secp256k1", |rng| prove(CurveId::Secp256k1, rng)),
    ("prove_ed25519", |rng| prove(CurveId::Ed25519, rng)),
    ("verify_proof_secp256k1_public", |rng| verify_proof(CurveId::Secp256k1, rng)),
    ("verify_proof_ed25519_public", |rng| verify_proof(CurveId::Ed25519, rng)),
    ("reshare_commit_secp256k1", |rng| reshare_commit(CurveId::Secp256k1, rng)),
    ("reshare_commit_ed25519", |rng| reshare_commit(CurveId::Ed25519, rng)),
    ("reshare_offer_secp256k1", |rng| reshare_offer(CurveId::Secp256k1, rng)),
    ("reshare_offer_ed25519", |rng| reshare_offer(CurveId::Ed25519, rng)),
    ("reshare_respond_secp256k1", |rng| reshare_respond(CurveId::Secp256k1, rng)),
    ("reshare_respond_ed25519", |rng| reshare_respond(CurveId::Ed25519, rng)),
    ("reshare_finish_secp256k1", |rng| reshare_finish(CurveId::Secp256k1, rng)),
    ("reshare_finish_ed25519", |rng| reshare_finish(CurveId::Ed25519, rng)),
    ("keygen_commit", keygen_commit),
    ("keygen_answer", keygen_answer),
    ("keygen_open_public", keygen_open),
    ("keygen_custodian_finish_public", keygen_custodian_finish),
    ("keygen_client_finish", keygen_client_finish),
    ("ed25519_seed", ed25519_seed),
    ("seal_secret", seal_secret),
    ("open_secret", open_secret),
    ("channel_seal", channel_seal),
    ("channel_open", channel_open),
    ("custodian_sign", custodian_sign),
    ("custodian_verify_public", custodian_verify),
    ("derive_identity", derive_identity),
    ("agree", agree),
    ("make_slot", make_slot),
    ("seal_envelope", seal_envelope),
    ("open_envelope", open_envelope),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, seed] = arguments.as_slice() else {
        OPERATIONS.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    };
    let operation = OPERATIONS.iter().find(|(known, _)| known == name);
    match (operation, seed.parse()) {
        (Some((_, operation)), Ok(seed)) => {
            // The tables of the curves are computed when they are first needed.
            let rng = &mut ChaCha20Rng::seed_from_u64(0);
            black_box((SigningKey::<Secp256k1>::make(rng), SigningKey::<Ed25519>::make(rng)));
            black_box(SoftwareIdentity::make(rng));
            operation(&mut ChaCha20Rng::seed_from_u64(seed));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: ops NAME SEED; without arguments it lists the names");
            ExitCode::from(2)
        }
    }
}

/// What counts.
#[inline(never)]
fn measured<T>(work: impl FnOnce() -> T) -> T {
    black_box(work())
}

fn make_key<C: Curve>(rng: &mut ChaCha20Rng) {
    measured(|| SigningKey::<C>::make(rng));
}

fn split_key<C: Curve>(rng: &mut ChaCha20Rng) {
    let key = SigningKey::<C>::make(rng);
    measured(|| split(&key, id(), rng));
}

fn verify_share<C: Curve>(rng: &mut ChaCha20Rng) {
    let (share, _) = split(&SigningKey::<C>::make(rng), id(), rng);
    let (commitment, value) = (share.commitment().clone(), share.expose_secret());
    let share = measured(|| ClientShare::<C>::new(id(), commitment, value.expose_secret()));
    share.expect("it was split just now");
}

fn reconstruct_key<C: Curve>(rng: &mut ChaCha20Rng) {
    let key = SigningKey::<C>::make(rng);
    let (client, custodian) = split(&key, id(), rng);
    let again = measured(|| reconstruct(&client, &custodian, key.verifying_key()));
    again.expect("it was split just now");
}

fn encode_share<C: Curve>(rng: &mut ChaCha20Rng) {
    let (_, share) = split(&SigningKey::<C>::make(rng), id(), rng);
    let bytes = measured(|| CustodianShare::to_bytes(&share));
    CustodianShare::<C>::from_bytes(bytes.expose_secret()).expect("it was written just now");
}

fn prove(curve: CurveId, rng: &mut ChaCha20Rng) {
    let refresh = Refresh::new(curve, rng);
    measured(|| refresh.client.prove(&refresh.present, rng));
}

fn verify_proof(curve: CurveId, rng: &mut ChaCha20Rng) {
    let refresh = Refresh::new(curve, rng);
    let proof = refresh.client.prove(&refresh.present, rng);
    let commitment = refresh.client.commitment();
    let verified = measured(|| {
        commitment.verify_possession(Role::Client, Purpose::Backup, 0, &refresh.present, &proof)
    });
    verified.expect("it was proven just now");
}

fn reshare_commit(curve: CurveId, rng: &mut ChaCha20Rng) {
    let context = Refresh::new(curve, rng).context;
    measured(|| CustodianCommitted::new(context, rng)).expect(HONEST);
}

fn reshare_offer(curve: CurveId, rng: &mut ChaCha20Rng) {
    let Refresh { context, client, .. } = Refresh::new(curve, rng);
    let (_, early) = CustodianCommitted::new(context.clone(), rng).expect(HONEST);
    measured(|| ClientOffered::new(context, &early, &[client], rng)).expect(HONEST);
}

fn reshare_respond(curve: CurveId, rng: &mut ChaCha20Rng) {
    let Refresh { context, client, custodian, .. } = Refresh::new(curve, rng);
    let (committed, early) = CustodianCommitted::new(context.clone(), rng).expect(HONEST);
    let (_, offer) = ClientOffered::new(context, &early, &[client], rng).expect(HONEST);
    measured(|| committed.respond(&offer, &[custodian])).expect(HONEST);
}

fn reshare_finish(curve: CurveId, rng: &mut ChaCha20Rng) {
    let Refresh { context, client, custodian, .. } = Refresh::new(curve, rng);
    let (committed, early) = CustodianCommitted::new(context.clone(), rng).expect(HONEST);
    let (offered, offer) = ClientOffered::new(context, &early, &[client], rng).expect(HONEST);
    let (_, response) = committed.respond(&offer, &[custodian]).expect(HONEST);
    let _ = measured(|| offered.finish(&response, &[])).expect(HONEST);
}

fn seed(rng: &mut ChaCha20Rng) -> SecretBytes {
    // Any 32 random bytes are a seed.
    AnySigningKey::make(CurveId::Ed25519, rng).expose_secret()
}

fn ed25519_seed(rng: &mut ChaCha20Rng) {
    let seed = seed(rng);
    measured(|| WalletSecret::new(SecretKind::Ed25519Seed, "", seed)).expect("32 bytes");
}

fn seal_secret(rng: &mut ChaCha20Rng) {
    let secret = WalletSecret::new(SecretKind::Opaque, "", seed(rng)).expect("32 bytes");
    measured(|| SealedSecret::seal(id().sharing.wallet, 0, &secret, rng));
}

fn open_secret(rng: &mut ChaCha20Rng) {
    let secret = WalletSecret::new(SecretKind::Ed25519Seed, "", seed(rng)).expect("32 bytes");
    let wallet = id().sharing.wallet;
    let (k, sealed) = SealedSecret::seal(wallet, 0, &secret, rng);
    measured(|| sealed.open(wallet, 0, &k)).expect("it was sealed just now");
}

fn channel_seal(rng: &mut ChaCha20Rng) {
    let keys = CustodianKeys::make(rng);
    let (own, other) = (EphemeralSecret::make(rng), EphemeralSecret::make(rng).public_key());
    let message = seed(rng);
    let sealed = measured(|| {
        let channel = ClientChannel::new(&own, &other, keys.identity(), b"context");
        channel.seal(Step::FIRST, message.expose_secret(), rng)
    });
    sealed.expect("it is short");
}

fn channel_open(rng: &mut ChaCha20Rng) {
    let keys = CustodianKeys::make(rng);
    let (clients, custodians) = (EphemeralSecret::make(rng), EphemeralSecret::make(rng));
    let (client, custodian) = (clients.public_key(), custodians.public_key());
    let channel = ClientChannel::new(&clients, &custodian, keys.identity(), b"context");
    let message = seed(rng);
    let sealed = channel.seal(Step::FIRST, message.expose_secret(), rng).expect("it is short");
    let opened = measured(|| {
        let channel = CustodianChannel::new(&custodians, &client, &keys, b"context");
        channel.open(Step::FIRST, &sealed)
    });
    opened.expect("it was sealed just now");
}

fn session() -> Session {
    Session {
        custodian: [1; 32],
        user: "user".to_owned(),
        wallet: id().sharing.wallet,
        operation_id: OperationId::from_bytes([2; 16]),
        curves: CurveId::ALL.to_vec(),
    }
}

fn keygen_commit(rng: &mut ChaCha20Rng) {
    measured(|| ClientCommitted::new(session(), rng)).expect(HONEST);
}

fn keygen_answer(rng: &mut ChaCha20Rng) {
    let (_, hash) = ClientCommitted::new(session(), rng).expect(HONEST);
    measured(|| CustodianAnswered::new(session(), hash, rng)).expect(HONEST);
}

fn keygen_open(rng: &mut ChaCha20Rng) {
    let (committed, hash) = ClientCommitted::new(session(), rng).expect(HONEST);
    let (_, answer) = CustodianAnswered::new(session(), hash, rng).expect(HONEST);
    measured(|| committed.open(&answer)).expect(HONEST);
}

fn keygen_custodian_finish(rng: &mut ChaCha20Rng) {
    let (committed, hash) = ClientCommitted::new(session(), rng).expect(HONEST);
    let (answered, answer) = CustodianAnswered::new(session(), hash, rng).expect(HONEST);
    let (_, opening) = committed.open(&answer).expect(HONEST);
    measured(|| answered.finish(&opening)).expect(HONEST);
}

fn keygen_client_finish(rng: &mut ChaCha20Rng) {
    let (committed, hash) = ClientCommitted::new(session(), rng).expect(HONEST);
    let (answered, answer) = CustodianAnswered::new(session(), hash, rng).expect(HONEST);
    let (opened, opening) = committed.open(&answer).expect(HONEST);
    let (_, closing) = answered.finish(&opening).expect(HONEST);
    let _ = measured(|| opened.finish(&closing)).expect(HONEST);
}

fn derive_identity(rng: &mut ChaCha20Rng) {
    let secret = seed(rng);
    measured(|| SoftwareIdentity::derive(&secret, b"salt", "twoshare/count"));
}

fn agree(rng: &mut ChaCha20Rng) {
    let (own, other) = (SoftwareIdentity::make(rng), SoftwareIdentity::make(rng).public_key());
    measured(|| block_on(own.agree(&other))).expect("it is in memory");
}

fn make_slot(rng: &mut ChaCha20Rng) {
    let kept = Kept::new(rng);
    measured(|| kept.make_slot(rng));
}

fn seal_envelope(rng: &mut ChaCha20Rng) {
    let kept = Kept::new(rng);
    measured(|| kept.seal(rng));
}

fn open_envelope(rng: &mut ChaCha20Rng) {
    let kept = Kept::new(rng);
    measured(|| kept.open());
}

const DOMAIN: SigningDomain = SigningDomain::new("count");

fn custodian_sign(rng: &mut ChaCha20Rng) {
    let keys = CustodianKeys::make(rng);
    measured(|| keys.sign(DOMAIN, b"message"));
}

fn custodian_verify(rng: &mut ChaCha20Rng) {
    let keys = CustodianKeys::make(rng);
    let signature = keys.sign(DOMAIN, b"message");
    let verified = measured(|| keys.identity().verify(DOMAIN, b"message", &signature));
    verified.expect("it was signed just now");
}

const HONEST: &str = "both parties are honest";
