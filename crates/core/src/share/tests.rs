use k256::elliptic_curve::{Group, PrimeField};
use proptest::prelude::*;

use super::*;
use crate::curve::{
    AnySigningKey, Ed25519, PointError, Secp256k1,
    testing::{on_every_curve, rng},
};

fn id() -> KeyId {
    let wallet = WalletId::from_bytes([7; 16]);
    KeyId { sharing: Sharing { wallet, purpose: Purpose::Backup, epoch: Epoch::FIRST }, index: 0 }
}

fn make<C: Curve>(seed: u8, id: KeyId) -> (SigningKey<C>, ClientShare<C>, CustodianShare<C>) {
    let key = SigningKey::make(&mut rng(seed));
    let (client, custodian) = split(&key, id, &mut rng(seed.wrapping_add(1)));
    (key, client, custodian)
}

on_every_curve! {
    split_then_reconstruct_is_the_key,
    shares_come_back_from_their_bytes,
    every_flipped_bit_is_refused_or_means_another_sharing,
    every_truncation_and_extension_is_refused,
    shares_mixed_in_any_way_are_refused,
    values_that_are_not_committed_are_refused,
    degenerate_commitments_are_refused,
    commitments_of_another_length_are_refused,
    any_bytes_are_read_or_refused,
    the_expected_key_is_insisted_on,
    unknown_numbers_are_refused,
    debug_is_redacted,
}

fn split_then_reconstruct_is_the_key<C: Curve>() {
    proptest!(|(seed: u8)| {
        let (key, client, custodian) = make::<C>(seed, id());
        let again = reconstruct(&client, &custodian, key.verifying_key()).unwrap();
        prop_assert_eq!(again.scalar().to_bytes(), key.scalar().to_bytes());
        prop_assert_eq!(client.verifying_key(), key.verifying_key());
        prop_assert_eq!(client.commitment(), custodian.commitment());
    });
}

fn shares_come_back_from_their_bytes<C: Curve>() {
    let (_, client, custodian) = make::<C>(1, id());
    let bytes = client.to_bytes();
    let again = ClientShare::<C>::from_bytes(bytes.expose_secret()).unwrap();
    assert_eq!(again.to_bytes().expose_secret(), bytes.expose_secret());
    assert_eq!((again.id(), again.commitment()), (client.id(), client.commitment()));
    let any = AnyClientShare::from_bytes(bytes.expose_secret()).unwrap();
    assert_eq!((any.curve(), any.id()), (C::ID, id()));
    assert_eq!(any.to_bytes().expose_secret(), bytes.expose_secret());

    let confused = CustodianShare::<C>::from_bytes(bytes.expose_secret()).unwrap_err();
    let expected = ShareError::RoleMismatch { expected: Role::Custodian, found: Role::Client };
    assert_eq!(confused, expected);
    assert_eq!(AnyCustodianShare::from_bytes(bytes.expose_secret()).unwrap_err(), expected);
    let bytes = custodian.to_bytes();
    assert!(AnyCustodianShare::from_bytes(bytes.expose_secret()).is_ok());
}

/// Every flip of a bit is refused, or found to name another sharing when it is put to use: the
/// wallet, the purpose, the epoch and the index are not part of the commitment.
fn every_flipped_bit_is_refused_or_means_another_sharing<C: Curve>() {
    let (key, client, custodian) = make::<C>(1, id());
    let mut verdicts = Vec::new();
    let bytes = client.to_bytes();
    for bit in 0..bytes.len() * 8 {
        let mut bytes = bytes.expose_secret().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        match ClientShare::<C>::from_bytes(&bytes) {
            Err(error) => verdicts.push(core::mem::discriminant(&error)),
            Ok(share) => {
                assert_ne!(share.id(), client.id());
                assert_eq!(share.to_bytes().expose_secret(), bytes);
                reconstruct(&share, &custodian, key.verifying_key()).unwrap_err();
            }
        }
    }
    for expected in [
        ShareError::Malformed,
        ShareError::NewerVersion { found: 3, supported: 1 },
        ShareError::Commitment(CommitmentError::Length { expected: 0, found: 0 }),
        ShareError::NotCommitted,
    ] {
        assert!(verdicts.contains(&core::mem::discriminant(&expected)), "{expected:?}");
    }
}

fn every_truncation_and_extension_is_refused<C: Curve>() {
    let (_, client, _) = make::<C>(1, id());
    let bytes = client.to_bytes();
    for len in 0..bytes.len() {
        let error = ClientShare::<C>::from_bytes(&bytes.expose_secret()[..len]).unwrap_err();
        assert_eq!(error, ShareError::Malformed);
    }
    let longer = [bytes.expose_secret(), &[0]].concat();
    assert_eq!(ClientShare::<C>::from_bytes(&longer).unwrap_err(), ShareError::Malformed);
}

fn shares_mixed_in_any_way_are_refused<C: Curve>() {
    let (key, client, custodian) = make::<C>(1, id());
    let refused =
        |client, custodian| reconstruct(client, custodian, key.verifying_key()).unwrap_err();

    let other = |change: fn(&mut KeyId)| {
        let mut id = id();
        change(&mut id);
        split(&key, id, &mut rng(9))
    };
    let wallet = WalletId::from_bytes([8; 16]);
    let second = Epoch::new(2).unwrap();
    let (c, s) = other(|id| id.sharing.wallet = WalletId::from_bytes([8; 16]));
    let expected =
        ReconstructError::WalletMismatch { client: wallet, custodian: id().sharing.wallet };
    assert_eq!(refused(&c, &custodian), expected);
    let expected =
        ReconstructError::WalletMismatch { client: id().sharing.wallet, custodian: wallet };
    assert_eq!(refused(&client, &s), expected);

    let (c, s) = other(|id| id.sharing.purpose = Purpose::Signing);
    let expected =
        ReconstructError::PurposeMismatch { client: Purpose::Signing, custodian: Purpose::Backup };
    assert_eq!(refused(&c, &custodian), expected);
    let expected =
        ReconstructError::PurposeMismatch { client: Purpose::Backup, custodian: Purpose::Signing };
    assert_eq!(refused(&client, &s), expected);

    let (c, s) = other(|id| id.sharing.epoch = Epoch::new(2).unwrap());
    let expected = ReconstructError::EpochMismatch { client: second, custodian: Epoch::FIRST };
    assert_eq!(refused(&c, &custodian), expected);
    let expected = ReconstructError::EpochMismatch { client: Epoch::FIRST, custodian: second };
    assert_eq!(refused(&client, &s), expected);

    let (c, s) = other(|id| id.index = 3);
    let expected = ReconstructError::KeyIndexMismatch { client: 3, custodian: 0 };
    assert_eq!(refused(&c, &custodian), expected);
    let expected = ReconstructError::KeyIndexMismatch { client: 0, custodian: 3 };
    assert_eq!(refused(&client, &s), expected);

    // Two sharings under one name: of one key, and of two.
    let (c, s) = other(|_| {});
    assert_eq!(refused(&c, &custodian), ReconstructError::CommitmentMismatch);
    assert_eq!(refused(&client, &s), ReconstructError::CommitmentMismatch);
    let (_, c, s) = make::<C>(20, id());
    assert_eq!(refused(&c, &custodian), ReconstructError::CommitmentMismatch);
    assert_eq!(refused(&client, &s), ReconstructError::CommitmentMismatch);
}

fn values_that_are_not_committed_are_refused<C: Curve>() {
    let (_, client, custodian) = make::<C>(1, id());
    let client_share =
        |value: &[u8]| ClientShare::new(id(), client.commitment().clone(), value).unwrap_err();
    // The other role's share, another epoch's, zero, and what is no scalar.
    assert_eq!(client_share(custodian.value().to_bytes().as_slice()), ShareError::NotCommitted);
    let (_, other, _) = make::<C>(5, id());
    assert_eq!(client_share(other.value().to_bytes().as_slice()), ShareError::NotCommitted);
    assert_eq!(client_share(&[0; 32]), ShareError::NotCommitted);
    assert_eq!(client_share(&[0xff; 32]), ShareError::OutOfRange);
    assert_eq!(client_share(&[1; 31]), ShareError::Length { expected: 32, found: 31 });
    // The constant term is not the one committed to: the public key is another's.
    let key = *SigningKey::<C>::make(&mut rng(7)).verifying_key();
    let commitment = Commitment::from_keys(key, *client.commitment().slope()).unwrap();
    let error =
        ClientShare::new(id(), commitment, client.value().to_bytes().as_slice()).unwrap_err();
    assert_eq!(error, ShareError::NotCommitted);
}

fn degenerate_commitments_are_refused<C: Curve>() {
    let key = SigningKey::<C>::make(&mut rng(1));
    let x = *key.verifying_key();
    let bytes = |slope: C::Point| [x.as_bytes(), C::encode([slope])[0].as_ref()].concat();
    let read = |slope: C::Point| Commitment::<C>::from_bytes(&bytes(slope)).unwrap_err();
    // A = −X makes f(1) zero, A = −X/2 makes f(2) zero.
    let minus = -*x.point();
    assert_eq!(read(minus), CommitmentError::ZeroShare { role: Role::Client });
    let half = C::Point::generator() * (-*key.scalar().expose_scalar() * C::Scalar::TWO_INV);
    assert_eq!(read(half), CommitmentError::ZeroShare { role: Role::Custodian });
    // The identity in either place.
    let mut identity = vec![0; C::POINT_LEN];
    if C::ID == CurveId::Ed25519 {
        identity[0] = 1;
    }
    let no_slope = [x.as_bytes(), &identity].concat();
    let error = Commitment::<C>::from_bytes(&no_slope).unwrap_err();
    assert_eq!(error, CommitmentError::Slope(PointError::Identity));
    let no_key = [&identity, x.as_bytes()].concat();
    let error = Commitment::<C>::from_bytes(&no_key).unwrap_err();
    assert_eq!(error, CommitmentError::Key(PointError::Identity));
    let zero = Commitment::from_points(x, C::Point::identity()).unwrap_err();
    assert_eq!(zero, CommitmentError::Slope(PointError::Identity));
}

fn commitments_of_another_length_are_refused<C: Curve>() {
    let (_, client, _) = make::<C>(1, id());
    let bytes = client.commitment().to_bytes();
    let expected = 2 * C::POINT_LEN;
    for found in (0..200).filter(|found| *found != expected) {
        let bytes: Vec<u8> = bytes.iter().copied().cycle().take(found).collect();
        let error = Commitment::<C>::from_bytes(&bytes).unwrap_err();
        assert_eq!(error, CommitmentError::Length { expected, found });
    }
}

fn any_bytes_are_read_or_refused<C: Curve>() {
    proptest!(|(bytes: Vec<u8>)| {
        let _ = ClientShare::<C>::from_bytes(&bytes);
        let _ = AnyCustodianShare::from_bytes(&bytes);
        let _ = Commitment::<C>::from_bytes(&bytes);
    });
}

fn the_expected_key_is_insisted_on<C: Curve>() {
    let (_, client, custodian) = make::<C>(1, id());
    let other = SigningKey::<C>::make(&mut rng(2));
    let error = reconstruct(&client, &custodian, other.verifying_key()).unwrap_err();
    assert_eq!(error, ReconstructError::KeyMismatch);
}

/// Numbers that stand for no role (a share index of zero, or past the two), curve, purpose or epoch.
fn unknown_numbers_are_refused<C: Curve>() {
    let (_, client, _) = make::<C>(1, id());
    let bytes = client.to_bytes();
    // [head, version, role, curve, purpose, wallet (17), epoch, index, …]
    for (position, numbers) in [(2, [0, 3, 4]), (3, [0, 3, 4]), (4, [0, 3, 4]), (22, [0, 0, 0])] {
        for number in numbers {
            let mut bytes = bytes.expose_secret().to_vec();
            bytes[position] = number;
            let error = ClientShare::<C>::from_bytes(&bytes).unwrap_err();
            assert_eq!(error, ShareError::Malformed, "{number} at {position}");
        }
    }
    let mut newer = bytes.expose_secret().to_vec();
    newer[1] = 2;
    let error = ClientShare::<C>::from_bytes(&newer).unwrap_err();
    assert_eq!(error, ShareError::NewerVersion { found: 2, supported: 1 });
}

fn debug_is_redacted<C: Curve>() {
    let (_, client, custodian) = make::<C>(1, id());
    let debug = format!("{client:?} {custodian:?}");
    assert!(debug.contains("redacted"));
    for value in [client.value(), custodian.value()] {
        assert!(!debug.contains(&hex::encode(value.to_bytes().as_slice())), "{debug}");
    }
}

#[test]
fn shares_on_two_curves_are_refused() {
    let shares = |curve| {
        let key = AnySigningKey::make(curve, &mut rng(1));
        let (client, custodian) = key.split(id(), &mut rng(2));
        (key.verifying_key(), client, custodian)
    };
    let (key, client, custodian) = shares(CurveId::Secp256k1);
    let (other_key, other_client, other_custodian) = shares(CurveId::Ed25519);
    let error = AnySigningKey::reconstruct(&client, &other_custodian, &key).unwrap_err();
    let expected =
        ReconstructError::CurveMismatch { client: CurveId::Secp256k1, custodian: CurveId::Ed25519 };
    assert_eq!(error, expected);
    assert!(AnySigningKey::reconstruct(&other_client, &custodian, &key).is_err());
    let error = AnySigningKey::reconstruct(&client, &custodian, &other_key).unwrap_err();
    assert_eq!(error, ReconstructError::KeyMismatch);
    assert!(AnySigningKey::reconstruct(&client, &custodian, &key).is_ok());

    let error = ClientShare::<Ed25519>::from_bytes(client.to_bytes().expose_secret()).unwrap_err();
    let expected =
        ShareError::CurveMismatch { expected: CurveId::Ed25519, found: CurveId::Secp256k1 };
    assert_eq!(error, expected);
    let error =
        ClientShare::<Secp256k1>::from_bytes(other_client.to_bytes().expose_secret()).unwrap_err();
    let expected =
        ShareError::CurveMismatch { expected: CurveId::Secp256k1, found: CurveId::Ed25519 };
    assert_eq!(error, expected);
}
