//! The session as it should go. What should be refused is in `attacks`.

mod attacks;

use proptest::prelude::*;
use rand::rngs::ChaCha20Rng;

use super::*;
use crate::{
    curve::{
        AnySigningKey, Curve,
        testing::{on_every_curve, rng},
    },
    id::{CurveId, Epoch, OperationId, Purpose, WalletId},
    share::{AnyClientShare, AnyShare},
};

fn session(curves: Vec<CurveId>) -> Session {
    Session {
        custodian: [2; 32],
        user: "user".to_owned(),
        wallet: WalletId::from_bytes([7; 16]),
        operation_id: OperationId::from_bytes([1; 16]),
        curves,
    }
}

/// The whole session between two who keep to it.
fn generate(
    session: &Session,
    rng: &mut ChaCha20Rng,
) -> (Vec<AnyClientShare>, Vec<AnyCustodianShare>) {
    let (committed, hash) = ClientCommitted::new(session.clone(), rng).unwrap();
    let (answered, answer) = CustodianAnswered::new(session.clone(), hash, rng).unwrap();
    let (opened, opening) = committed.open(&answer).unwrap();
    let (custodian, closing) = answered.finish(&opening).unwrap();
    let unproven = opened.finish(&closing).unwrap();
    (accept(session, unproven, &custodian), custodian)
}

fn accept(
    session: &Session,
    unproven: UnprovenShares,
    custodian: &[AnyCustodianShare],
) -> Vec<AnyClientShare> {
    let statement = session.statement(unproven.commitments(), [3; 32], [4; 32], [5; 32]);
    let proofs: Vec<_> =
        custodian.iter().map(|share| share.prove(&statement, &mut rng(9))).collect();
    unproven.accept(&statement, &proofs).unwrap()
}

on_every_curve! {
    both_shares_give_the_key_of_the_commitment,
    both_resume_after_a_crash,
    bytes_come_back_and_nothing_else_is_read,
}

fn both_shares_give_the_key_of_the_commitment<C: Curve>() {
    proptest!(ProptestConfig::with_cases(16), |(seed: u8)| {
        let (client, custodian) = generate(&session(vec![C::ID]), &mut rng(seed));
        let (client, custodian) = (&client[0], &custodian[0]);
        prop_assert_eq!(client.commitment(), custodian.commitment());
        prop_assert_eq!(client.id(), custodian.id());
        prop_assert_eq!(client.id().sharing.purpose, Purpose::Signing);
        prop_assert_eq!(client.id().sharing.epoch, Epoch::FIRST);
        let read = AnyShare::from_bytes(client.to_bytes().expose_secret());
        let _: AnyClientShare = read.unwrap();
        let read = AnyCustodianShare::from_bytes(custodian.to_bytes().expose_secret());
        prop_assert!(read.is_ok());
        let key = client.verifying_key();
        prop_assert!(AnySigningKey::reconstruct(client, custodian, &key).is_ok());
    });
}

#[test]
fn several_curves_go_in_one_session() {
    use CurveId::{Ed25519, Secp256k1};
    let curves = vec![Secp256k1, Ed25519, Secp256k1, Secp256k1];
    let (client, custodian) = generate(&session(curves.clone()), &mut rng(1));
    for (index, (client, custodian)) in client.iter().zip(&custodian).enumerate() {
        assert_eq!(usize::from(client.id().index), index);
        assert_eq!(client.curve(), curves[index]);
        let key = client.verifying_key();
        assert!(AnySigningKey::reconstruct(client, custodian, &key).is_ok());
    }
    assert_ne!(client[0].verifying_key(), client[2].verifying_key());
}

fn both_resume_after_a_crash<C: Curve>() {
    let rng = &mut rng(1);
    let session = session(vec![C::ID]);
    let (committed, hash) = ClientCommitted::new(session.clone(), rng).unwrap();
    let committed = ClientCommitted::from_bytes(committed.to_bytes().expose_secret()).unwrap();
    let (answered, answer) = CustodianAnswered::new(session.clone(), hash, rng).unwrap();
    let again = CustodianAnswered::from_bytes(answered.to_bytes().expose_secret()).unwrap();
    let (opened, opening) = committed.open(&answer).unwrap();
    let opened = ClientOpened::from_bytes(opened.to_bytes().expose_secret()).unwrap();
    let same = opened.opening();
    assert_eq!(same.to_bytes().expose_secret(), opening.to_bytes().expose_secret());
    let (custodian, closing) = answered.finish(&opening).unwrap();
    let (same_custodian, same_closing) = again.finish(&same).unwrap();
    assert_eq!(same_closing.to_bytes().expose_secret(), closing.to_bytes().expose_secret());
    let (first, second) = (custodian[0].to_bytes(), same_custodian[0].to_bytes());
    assert_eq!(first.expose_secret(), second.expose_secret());
    let client = accept(&session, opened.finish(&closing).unwrap(), &custodian);
    let key = client[0].verifying_key();
    assert!(AnySigningKey::reconstruct(&client[0], &custodian[0], &key).is_ok());
}

fn bytes_come_back_and_nothing_else_is_read<C: Curve>() {
    let rng = &mut rng(1);
    let session = session(vec![C::ID, CurveId::Ed25519]);
    let (committed, hash) = ClientCommitted::new(session.clone(), rng).unwrap();
    let (answered, answer) = CustodianAnswered::new(session, hash, rng).unwrap();
    let (committed_bytes, answered_bytes) = (committed.to_bytes(), answered.to_bytes());
    let (opened, opening) = committed.open(&answer).unwrap();
    let (_, closing) = answered.finish(&opening).unwrap();
    type Read = fn(&[u8]) -> Result<SecretBytes, MessageError>;
    let readers: [(SecretBytes, Read); 6] = [
        (answer.to_bytes(), |bytes| Answer::from_bytes(bytes).map(|m| m.to_bytes())),
        (opening.to_bytes(), |bytes| Opening::from_bytes(bytes).map(|m| m.to_bytes())),
        (closing.to_bytes(), |bytes| Closing::from_bytes(bytes).map(|m| m.to_bytes())),
        (committed_bytes, |bytes| ClientCommitted::from_bytes(bytes).map(|s| s.to_bytes())),
        (answered_bytes, |bytes| CustodianAnswered::from_bytes(bytes).map(|s| s.to_bytes())),
        (opened.to_bytes(), |bytes| ClientOpened::from_bytes(bytes).map(|s| s.to_bytes())),
    ];
    for (place, (bytes, read)) in readers.iter().enumerate() {
        let bytes = bytes.expose_secret();
        assert_eq!(read(bytes).unwrap().expose_secret(), bytes);
        for len in 0..bytes.len() {
            assert_eq!(read(&bytes[..len]).unwrap_err(), MessageError::Malformed);
        }
        assert_eq!(read(&[bytes, &[0]].concat()).unwrap_err(), MessageError::Malformed);
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // One byte string per value: what is read is written as it was.
            if let Ok(again) = read(&bytes) {
                assert_eq!(again.expose_secret(), bytes);
            }
        }
        let mut newer = bytes.to_vec();
        newer[1] = 2;
        let expected = MessageError::NewerVersion { found: 2, supported: 1 };
        assert_eq!(read(&newer).unwrap_err(), expected);
        // None is taken for another.
        for (other, (_, read)) in readers.iter().enumerate() {
            assert_eq!(read(bytes).is_ok(), place == other);
        }
    }
}

#[test]
fn any_bytes_are_read_or_refused() {
    proptest!(|(bytes: Vec<u8>, len in 4u8..7, kind in 5u8..11)| {
        let begun = [&[0x80 + len, 1, kind], bytes.as_slice()].concat();
        for bytes in [&bytes, &begun] {
            let _ = Answer::from_bytes(bytes);
            let _ = Opening::from_bytes(bytes);
            let _ = Closing::from_bytes(bytes);
            let _ = ClientCommitted::from_bytes(bytes);
            let _ = CustodianAnswered::from_bytes(bytes);
            let _ = ClientOpened::from_bytes(bytes);
        }
    });
}

#[test]
fn debug_is_redacted() {
    let rng = &mut rng(1);
    let session = session(vec![CurveId::Secp256k1]);
    let (committed, hash) = ClientCommitted::new(session.clone(), rng).unwrap();
    let (answered, answer) = CustodianAnswered::new(session.clone(), hash, rng).unwrap();
    let mut debug = format!("{committed:?} {answered:?}");
    assert!(!debug.contains(&format!("{:?}", committed.salt)), "{debug}");
    let values = [committed.lines[0].at(Role::Custodian), answered.lines[0].at(Role::Client)];
    let (opened, opening) = committed.open(&answer).unwrap();
    let (custodian, closing) = answered.finish(&opening).unwrap();
    debug.push_str(&format!("{opened:?} {opening:?} {closing:?}"));
    let unproven = opened.finish(&closing).unwrap();
    debug.push_str(&format!("{unproven:?}"));
    let client = accept(&session, unproven, &custodian);
    let mut secrets = values.to_vec();
    secrets.extend([client[0].expose_secret(), custodian[0].expose_secret()]);
    assert!(debug.contains("redacted"));
    for secret in secrets {
        assert!(!debug.contains(&hex::encode(secret.expose_secret())), "{debug}");
    }
}
