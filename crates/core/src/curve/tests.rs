use core::ops::Add;

use curve25519_dalek::{
    constants::EIGHT_TORSION,
    edwards::{CompressedEdwardsY, EdwardsPoint},
};
use k256::elliptic_curve::{Field, Group};
use proptest::prelude::*;

use super::{
    testing::{on_every_curve, rng},
    *,
};

on_every_curve! {
    keys_come_back_from_their_bytes,
    public_keys_are_those_of_the_library,
    double_multiplication_is_that_of_the_library,
    encoding_at_once_is_encoding_one_by_one,
    scalars_that_are_no_keys_are_refused,
    points_of_another_length_are_refused,
    the_identity_is_refused,
    any_bytes_are_read_or_refused,
    debug_is_redacted,
}

fn keys_come_back_from_their_bytes<C: Curve>() {
    let key = SigningKey::<C>::make(&mut rng(1));
    let bytes = key.expose_secret();
    let again = SigningKey::<C>::from_bytes(bytes.expose_secret()).unwrap();
    assert_eq!(again.expose_secret().expose_secret(), bytes.expose_secret());
    assert_eq!(again.verifying_key(), key.verifying_key());

    let public = key.verifying_key().to_bytes();
    assert_eq!(public.as_ref().len(), C::POINT_LEN);
    assert_eq!(VerifyingKey::<C>::from_bytes(public.as_ref()).unwrap(), *key.verifying_key());
}

fn public_keys_are_those_of_the_library<C: Curve>() {
    proptest!(|(seed: u8)| {
        let key = SigningKey::<C>::make(&mut rng(seed));
        let expected = C::Point::generator() * key.scalar().expose_scalar();
        prop_assert_eq!(*key.verifying_key().point(), expected);
    });
}

fn double_multiplication_is_that_of_the_library<C: Curve>() {
    proptest!(|(seed: u8)| {
        let [s, c, p] = [0, 1, 2].map(|i: u8| {
            let scalar = SecretScalar::<C>::make(&mut rng(seed.wrapping_mul(3).wrapping_add(i)));
            *scalar.expose_scalar()
        });
        let point = C::Point::generator() * p;
        let expected = C::Point::generator() * s - point * c;
        prop_assert_eq!(C::mul_base_sub_mul_vartime(&s, &c, &point), expected);
    });
}

fn encoding_at_once_is_encoding_one_by_one<C: Curve>() {
    let points =
        [1, 2, 3].map(|seed| *SigningKey::<C>::make(&mut rng(seed)).verifying_key().point());
    assert_eq!(C::encode(points), points.map(|point| C::encode([point])[0]));
}

fn scalars_that_are_no_keys_are_refused<C: Curve>() {
    let refused = |bytes: &[u8]| SigningKey::<C>::from_bytes(bytes).unwrap_err();
    assert_eq!(refused(&[0; 32]), SigningKeyError::Zero);
    assert_eq!(refused(&[0xff; 32]), SigningKeyError::OutOfRange);
    assert_eq!(refused(&[1; 31]), SigningKeyError::Length { expected: 32, found: 31 });
    assert_eq!(refused(&[1; 33]), SigningKeyError::Length { expected: 32, found: 33 });

    // The order itself is one more than −1.
    let minus_one = C::scalar_to_bytes(&-C::Scalar::ONE);
    assert!(SigningKey::<C>::from_bytes(&minus_one).is_ok());
    let mut order = minus_one;
    *match C::ID {
        CurveId::Secp256k1 => order.last_mut(),
        CurveId::Ed25519 => order.first_mut(),
    }
    .unwrap() += 1;
    assert_eq!(refused(&order), SigningKeyError::OutOfRange);
}

fn points_of_another_length_are_refused<C: Curve>() {
    let public = SigningKey::<C>::make(&mut rng(1)).verifying_key().to_bytes();
    for found in (0..100).filter(|len| *len != C::POINT_LEN) {
        let bytes: Vec<u8> = public.as_ref().iter().copied().cycle().take(found).collect();
        let expected = PointError::Length { expected: C::POINT_LEN, found };
        assert_eq!(VerifyingKey::<C>::from_bytes(&bytes).unwrap_err(), expected);
    }
}

fn the_identity_is_refused<C: Curve>() {
    assert_eq!(
        VerifyingKey::<C>::from_point(C::Point::identity()).unwrap_err(),
        PointError::Identity
    );
    let mut bytes = vec![0; C::POINT_LEN];
    if C::ID == CurveId::Ed25519 {
        bytes[0] = 1;
    }
    assert_eq!(VerifyingKey::<C>::from_bytes(&bytes).unwrap_err(), PointError::Identity);
}

fn any_bytes_are_read_or_refused<C: Curve>() {
    proptest!(|(bytes in proptest::collection::vec(any::<u8>(), C::POINT_LEN))| {
        if let Ok(key) = VerifyingKey::<C>::from_bytes(&bytes) {
            let again = key.to_bytes();
            prop_assert_eq!(again.as_ref(), bytes.as_slice());
            prop_assert_eq!(C::encode([*key.point()]), [key.to_bytes()]);
        }
    });
}

fn debug_is_redacted<C: Curve>() {
    let key = SigningKey::<C>::make(&mut rng(1));
    let hex = hex::encode(key.expose_secret().expose_secret());
    let debug = format!("{key:?} {:?}", key.scalar());
    assert!(debug.contains("redacted") && !debug.contains(&hex), "{debug}");
}

#[test]
fn secp256k1_points_have_one_encoding_each() {
    let refused = |bytes: &[u8]| VerifyingKey::<Secp256k1>::from_bytes(bytes).unwrap_err();
    let good = SigningKey::<Secp256k1>::make(&mut rng(1)).verifying_key().to_bytes();
    for prefix in (0..=255).filter(|prefix| !matches!(prefix, 2 | 3)) {
        let mut bytes = good;
        bytes[0] = prefix;
        assert_eq!(refused(&bytes), PointError::NotCanonical);
    }
    // x = p + 1 would be x = 1, which is on the curve.
    let mut one = [0; 33];
    (one[0], one[32]) = (2, 1);
    assert!(VerifyingKey::<Secp256k1>::from_bytes(&one).is_ok());
    let order =
        hex::decode("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f").unwrap();
    let mut not_reduced = [0; 33];
    not_reduced[0] = 2;
    not_reduced[1..].copy_from_slice(&order);
    not_reduced[32] += 1;
    assert_eq!(refused(&not_reduced), PointError::NotCanonical);
    // 5³ + 7 has no square root.
    let mut five = [0; 33];
    (five[0], five[32]) = (2, 5);
    assert_eq!(refused(&five), PointError::NotOnCurve);
}

#[test]
fn ed25519_points_have_one_encoding_each() {
    let refused = |bytes: &[u8]| VerifyingKey::<Ed25519>::from_bytes(bytes).unwrap_err();
    let (mut off_curve, mut not_reduced) = (0, 0);
    for y in 2..19 {
        let mut bytes = [0; 32];
        bytes[0] = y;
        let on_curve = CompressedEdwardsY(bytes).decompress().is_some();
        // y + p, little-endian: 2²⁵⁵ − 19 + y.
        let mut again = [0xff; 32];
        (again[0], again[31]) = (0xed + y, 0x7f);
        assert_eq!(refused(&again), PointError::NotCanonical);
        if on_curve {
            not_reduced += 1;
        } else {
            assert_eq!(refused(&bytes), PointError::NotOnCurve);
            off_curve += 1;
        }
    }
    assert!(off_curve > 0 && not_reduced > 0);
    // The identity, and the point of order 2, with the sign of a zero.
    let mut negative_zero = [0; 32];
    (negative_zero[0], negative_zero[31]) = (1, 0x80);
    assert_eq!(refused(&negative_zero), PointError::NotCanonical);
    let mut negative_zero = [0xff; 32];
    negative_zero[0] = 0xec;
    assert_eq!(refused(&negative_zero), PointError::NotCanonical);
    // Without it, they are not refused for that.
    negative_zero[31] = 0x7f;
    assert_eq!(refused(&negative_zero), PointError::NotInSubgroup);
    // What is read is what the library would write, on the curve and near the bounds.
    for last in [0, 1, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff] {
        for first in 0..=255 {
            for middle in [0, 0xff] {
                let mut bytes = [middle; 32];
                (bytes[0], bytes[31]) = (first, last);
                let Some(point) = CompressedEdwardsY(bytes).decompress() else { continue };
                let canonical = point.compress().to_bytes() == bytes;
                let verdict = VerifyingKey::<Ed25519>::from_bytes(&bytes);
                let refused = matches!(verdict, Err(PointError::NotCanonical));
                assert_eq!(canonical, !refused, "{first} {middle} {last}");
            }
        }
    }
}

#[test]
fn ed25519_points_outside_the_subgroup_are_refused() {
    let good = *SigningKey::<Ed25519>::make(&mut rng(1)).verifying_key().point();
    for torsion in
        EIGHT_TORSION.into_iter().filter(|point| *point != <EdwardsPoint as Group>::identity())
    {
        for point in [torsion, good.add(torsion)] {
            let error =
                VerifyingKey::<Ed25519>::from_bytes(&point.compress().to_bytes()).unwrap_err();
            assert_eq!(error, PointError::NotInSubgroup);
        }
    }
}

#[test]
fn keys_of_two_curves_do_not_meet() {
    for (ours, other) in
        [(CurveId::Secp256k1, CurveId::Ed25519), (CurveId::Ed25519, CurveId::Secp256k1)]
    {
        let key = AnySigningKey::make(ours, &mut rng(1)).verifying_key();
        assert_eq!(key.curve(), ours);
        assert_eq!(AnyVerifyingKey::from_bytes(ours, &key.to_bytes()), Ok(key));
        assert!(matches!(
            AnyVerifyingKey::from_bytes(other, &key.to_bytes()),
            Err(PointError::Length { .. })
        ));
    }
}
