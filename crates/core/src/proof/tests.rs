use k256::elliptic_curve::{Field, Group};
use proptest::prelude::*;

use super::*;
use crate::{
    curve::{
        AnySigningKey,
        testing::{on_every_curve, rng},
    },
    id::{CurveId, Sharing},
    share::{ClientShare, CustodianShare, KeyId, split},
};

fn wallet() -> WalletId {
    WalletId::from_bytes([7; 16])
}

fn sharing(purpose: Purpose) -> Sharing {
    Sharing { wallet: wallet(), purpose, epoch: Epoch::FIRST }
}

fn make<C: Curve>(seed: u8) -> (SigningKey<C>, ClientShare<C>, CustodianShare<C>) {
    let key = SigningKey::make(&mut rng(seed));
    let id = KeyId { sharing: sharing(Purpose::Backup), index: 0 };
    let (client, custodian) = split(&key, id, &mut rng(seed.wrapping_add(1)));
    (key, client, custodian)
}

fn statement(commitments: Vec<AnyCommitment>) -> Statement {
    let stage = |epoch| Some(Stage { purpose: Purpose::Backup, epoch: Epoch::new(epoch).unwrap() });
    Statement {
        operation: Operation::Refresh,
        operation_id: OperationId::from_bytes([1; 16]),
        custodian: [2; 32],
        user: "user".to_owned(),
        wallet: wallet(),
        kind: WalletKind::Mpc,
        epochs: vec![Transition { from: stage(1), to: stage(2) }],
        commitments,
        client_nonce: [3; 32],
        custodian_nonce: [4; 32],
        body: [5; 32],
    }
}

fn any<C: Curve>(commitment: &Commitment<C>) -> AnyCommitment {
    AnyCommitment::from_bytes(C::ID, &commitment.to_bytes()).unwrap()
}

/// The statement with one thing changed, in every way.
fn others(statement: &Statement) -> Vec<(&'static str, Statement)> {
    let mut others = Vec::new();
    let mut change = |name, change: &dyn Fn(&mut Statement)| {
        let mut other = statement.clone();
        change(&mut other);
        others.push((name, other));
    };
    let key = AnySigningKey::make(CurveId::Secp256k1, &mut rng(77));
    let (extra, _) = key.split(KeyId { sharing: sharing(Purpose::Backup), index: 1 }, &mut rng(78));
    change("operation", &|s| s.operation = Operation::Recover);
    change("operation id (a replay in another session)", &|s| {
        s.operation_id = OperationId::from_bytes([9; 16]);
    });
    change("custodian", &|s| s.custodian[31] ^= 1);
    change("user", &|s| s.user.push('2'));
    change("user and what follows it", &|s| s.user = "use".to_owned());
    change("wallet", &|s| s.wallet = WalletId::from_bytes([8; 16]));
    change("kind", &|s| s.kind = WalletKind::SingleKey);
    change("from epoch", &|s| s.epochs[0].from.as_mut().unwrap().epoch = Epoch::new(3).unwrap());
    change("to epoch", &|s| s.epochs[0].to.as_mut().unwrap().epoch = Epoch::new(3).unwrap());
    change("from purpose", &|s| s.epochs[0].from.as_mut().unwrap().purpose = Purpose::Signing);
    change("to purpose", &|s| s.epochs[0].to.as_mut().unwrap().purpose = Purpose::Signing);
    change("no from", &|s| s.epochs[0].from = None);
    change("no to", &|s| s.epochs[0].to = None);
    change("no epochs", &|s| s.epochs.clear());
    change("one more epoch", &|s| s.epochs.push(s.epochs[0]));
    change("no commitments", &|s| s.commitments.clear());
    change("one more commitment", &|s| s.commitments.push(extra.commitment()));
    change("another commitment in its place", &|s| {
        s.commitments.iter_mut().for_each(|commitment| *commitment = extra.commitment());
    });
    change("client nonce", &|s| s.client_nonce[0] ^= 1);
    change("custodian nonce", &|s| s.custodian_nonce[0] ^= 1);
    change("nonces exchanged", &|s| core::mem::swap(&mut s.client_nonce, &mut s.custodian_nonce));
    change("body", &|s| s.body[0] ^= 1);
    others
}

on_every_curve! {
    a_proof_holds_for_its_statement_only,
    a_proof_of_a_key_is_none_of_a_share,
    a_proof_without_the_share_fails,
    every_flipped_bit_is_refused,
    scalars_out_of_range_are_refused,
    proofs_do_not_repeat_their_nonce,
    forgeries_by_algebra_fail,
    random_secrets_prove,
    every_field_is_in_the_challenge,
}

fn a_proof_holds_for_its_statement_only<C: Curve>() {
    let (_, client, custodian) = make::<C>(1);
    let commitment = client.commitment();
    let statement = statement(vec![any(commitment)]);
    let proofs = [
        (Role::Client, client.prove(&statement, &mut rng(3))),
        (Role::Custodian, custodian.prove(&statement, &mut rng(3))),
    ];
    for (role, proof) in proofs {
        let verify = |role, purpose, index, statement: &Statement| {
            commitment.verify_possession(role, purpose, index, statement, &proof)
        };
        let other_role = if role == Role::Client { Role::Custodian } else { Role::Client };
        assert_eq!(verify(role, Purpose::Backup, 0, &statement), Ok(()));
        let refused = Err(ProofError::Invalid);
        assert_eq!(verify(other_role, Purpose::Backup, 0, &statement), refused);
        assert_eq!(verify(role, Purpose::Signing, 0, &statement), refused);
        assert_eq!(verify(role, Purpose::Backup, 1, &statement), refused);
        for (what, other) in others(&statement) {
            assert_eq!(verify(role, Purpose::Backup, 0, &other), refused, "{what}");
        }
        // Another sharing of the same key under the same statement.
        let (key, ..) = make::<C>(1);
        let (again, _) = split(&key, client.id(), &mut rng(9));
        let result =
            again.commitment().verify_possession(role, Purpose::Backup, 0, &statement, &proof);
        assert_eq!(result, refused);
    }
}

fn a_proof_of_a_key_is_none_of_a_share<C: Curve>() {
    let (key, client, _) = make::<C>(1);
    let statement = statement(Vec::new());
    let proof = key.prove(0, &statement, &mut rng(3));
    let public = key.verifying_key();
    assert_eq!(public.verify_possession(0, &statement, &proof), Ok(()));
    assert_eq!(public.verify_possession(1, &statement, &proof), Err(ProofError::Invalid));
    for (what, other) in others(&statement).into_iter().filter(|(_, other)| *other != statement) {
        assert_eq!(public.verify_possession(0, &other, &proof), Err(ProofError::Invalid), "{what}");
    }
    let share = client.prove(&statement, &mut rng(3));
    assert_eq!(public.verify_possession(0, &statement, &share), Err(ProofError::Invalid));
}

fn a_proof_without_the_share_fails<C: Curve>() {
    let (_, client, custodian) = make::<C>(1);
    let statement = statement(vec![any(client.commitment())]);
    // With the other role's share, and with one of another wallet.
    let (_, other, _) = make::<C>(5);
    for value in [custodian.value(), other.value()] {
        let challenge =
            Challenge::of_share(&statement, Role::Client, Purpose::Backup, 0, client.commitment());
        let proof = prove(&challenge, value, &mut rng(3));
        let verdict = client.commitment().verify_possession(
            Role::Client,
            Purpose::Backup,
            0,
            &statement,
            &proof,
        );
        assert_eq!(verdict, Err(ProofError::Invalid));
    }
}

fn every_flipped_bit_is_refused<C: Curve>() {
    let (_, client, _) = make::<C>(1);
    let statement = statement(vec![any(client.commitment())]);
    let proof = client.prove(&statement, &mut rng(3)).to_bytes();
    for bit in 0..Proof::LEN * 8 {
        let mut bytes = proof;
        bytes[bit / 8] ^= 1 << (bit % 8);
        let verdict = client.commitment().verify_possession(
            Role::Client,
            Purpose::Backup,
            0,
            &statement,
            &Proof::from_bytes(bytes),
        );
        assert!(verdict.is_err(), "bit {bit}");
    }
}

/// `s + q` would be a second encoding of the same proof.
fn scalars_out_of_range_are_refused<C: Curve>() {
    let (_, client, _) = make::<C>(1);
    let statement = statement(vec![any(client.commitment())]);
    let proof = client.prove(&statement, &mut rng(3)).to_bytes();
    for half in 0..2 {
        let mut bytes = proof;
        bytes[half * 32..][..32].fill(0xff);
        let verdict = client.commitment().verify_possession(
            Role::Client,
            Purpose::Backup,
            0,
            &statement,
            &Proof::from_bytes(bytes),
        );
        assert_eq!(verdict, Err(ProofError::Malformed));
    }
}

/// With random numbers that repeat, two statements still have two nonces: else
/// `(s − s′) / (c − c′)` would be the share.
fn proofs_do_not_repeat_their_nonce<C: Curve>() {
    let (_, client, _) = make::<C>(1);
    let first = statement(vec![any(client.commitment())]);
    let mut second = first.clone();
    second.body[0] ^= 1;
    let scalars = |statement| {
        let proof = client.prove(statement, &mut rng(3));
        let (c, s) = proof.halves();
        [c, s].map(|bytes| C::scalar_from_bytes(bytes).unwrap())
    };
    let ([c, s], [c2, s2]) = (scalars(&first), scalars(&second));
    let leaked = (s - s2) * (c - c2).invert().unwrap();
    assert_ne!(C::scalar_to_bytes(&leaked), *client.value().to_bytes());
    // And with other random numbers, one statement has two.
    let other = client.prove(&first, &mut rng(4));
    assert_ne!(other, client.prove(&first, &mut rng(3)));
}

/// A proof for `P` is none for `P + d·G`, nor for `−P`: the point is in the hash.
fn forgeries_by_algebra_fail<C: Curve>() {
    let (key, ..) = make::<C>(1);
    let statement = statement(Vec::new());
    let proof = key.prove(0, &statement, &mut rng(3));
    let (c, s) = proof.halves();
    let [c, s] = [c, s].map(|bytes| C::scalar_from_bytes(bytes).unwrap());
    let shifted =
        VerifyingKey::<C>::from_point(*key.verifying_key().point() + C::Point::generator())
            .unwrap();
    let forged = [C::scalar_to_bytes(&c), C::scalar_to_bytes(&(s + c))].concat();
    let forged = Proof::from_bytes(forged.try_into().unwrap());
    assert_eq!(shifted.verify_possession(0, &statement, &forged), Err(ProofError::Invalid));
    // (0, 0) and its like.
    for bytes in [[0; 64], {
        let mut b = [0; 64];
        b[..32].copy_from_slice(&C::scalar_to_bytes(&c));
        b
    }] {
        let verdict =
            key.verifying_key().verify_possession(0, &statement, &Proof::from_bytes(bytes));
        assert_eq!(verdict, Err(ProofError::Invalid));
    }
}

fn random_secrets_prove<C: Curve>() {
    proptest!(|(seed: u8, rest: [u8; 32])| {
        let (_, client, _) = make::<C>(seed);
        let mut statement = statement(vec![any(client.commitment())]);
        statement.body = rest;
        let proof = client.prove(&statement, &mut rng(!seed));
        let proof = Proof::from_bytes(proof.to_bytes());
        let commitment = any(client.commitment());
        let verdict =
            commitment.verify_possession(Role::Client, Purpose::Backup, 0, &statement, &proof);
        prop_assert_eq!(verdict, Ok(()));
    });
}

/// The fields that the point of the proof implies as well are in the hash all the same.
fn every_field_is_in_the_challenge<C: Curve>() {
    let (key, client, _) = make::<C>(1);
    let statement = statement(vec![any(client.commitment())]);
    let of = |role, purpose, index| {
        Challenge::of_share(&statement, role, purpose, index, client.commitment()).fields
    };
    let (again, _) = split(&key, client.id(), &mut rng(9));
    let (other, ..) = make::<C>(5);
    let slope = *client.commitment().slope();
    let other_key = Commitment::from_keys(*other.verifying_key(), slope).unwrap();
    let fields = [
        of(Role::Client, Purpose::Backup, 0),
        of(Role::Custodian, Purpose::Backup, 0),
        of(Role::Client, Purpose::Signing, 0),
        of(Role::Client, Purpose::Backup, 1),
        Challenge::of_share(&statement, Role::Client, Purpose::Backup, 0, again.commitment())
            .fields,
        Challenge::of_share(&statement, Role::Client, Purpose::Backup, 0, &other_key).fields,
        Challenge::of_key(&statement, 0, key.verifying_key()).fields,
    ];
    for (place, one) in fields.iter().enumerate() {
        assert!(fields[..place].iter().all(|other| other != one), "{place}");
    }
}
