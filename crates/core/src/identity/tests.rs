#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use proptest::prelude::*;
use rand::{SeedableRng, rngs::ChaCha20Rng};

use super::*;

const DOMAIN: SigningDomain = SigningDomain::new("test");

fn keys(seed: u64) -> CustodianKeys {
    CustodianKeys::make(&mut ChaCha20Rng::seed_from_u64(seed))
}

#[test]
fn an_identity_survives_bytes_and_text() {
    let identity = *keys(1).identity();
    assert_eq!(CustodianIdentity::from_bytes(&identity.to_bytes()), Ok(identity));
    let text = identity.to_string();
    assert_eq!(text.len(), 112);
    assert_eq!(text.parse(), Ok(identity));
    let pasted = format!("  {}\r\n{} ", base32::group(&text[..50], 7), text[50..].to_lowercase());
    assert_eq!(pasted.parse(), Ok(identity));
    assert_ne!(identity.digest(), keys(2).identity().digest());
}

#[test]
fn every_mistyped_character_is_caught() {
    let text = keys(1).identity().to_string();
    for (index, character) in text.char_indices() {
        for other in "07AZ".chars().filter(|other| *other != character) {
            let mut typed = text.clone();
            typed.replace_range(index..=index, &other.to_string());
            assert_eq!(typed.parse::<CustodianIdentity>(), Err(IdentityError::Mistyped));
        }
    }
    assert_eq!("".parse::<CustodianIdentity>(), Err(IdentityError::Length { found: 0 }));
    assert_eq!(text[..104].parse::<CustodianIdentity>(), Err(IdentityError::Length { found: 65 }));
    assert_eq!(
        format!("{text}00000000").parse::<CustodianIdentity>(),
        Err(IdentityError::Length { found: 75 })
    );
    assert_eq!("key=?".parse::<CustodianIdentity>(), Err(IdentityError::Text));
}

#[test]
fn points_that_are_none_are_refused() {
    let good = keys(1).identity().to_bytes();
    let with = |at: usize, point: &[u8]| {
        let mut bytes = good;
        bytes[at..at + point.len()].copy_from_slice(point);
        CustodianIdentity::from_bytes(&bytes)
    };
    // x = p is the non-canonical encoding of x = 0, of which P-256 has a point.
    let p =
        hex::decode("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff").unwrap();
    assert!(p256::PublicKey::from_sec1_bytes(&[&[2][..], &[0; 32]].concat()).is_ok());
    // x = 4 is not the x-coordinate of a point.
    let off_curve = [&[2][..], &[0; 31], &[4]].concat();
    assert!(p256::PublicKey::from_sec1_bytes(&off_curve).is_err());
    for (at, error) in [(0, IdentityError::SigningKey), (33, IdentityError::SealingKey)] {
        assert_eq!(with(at, &[0; 33]), Err(error));
        assert_eq!(with(at, &[4]), Err(error));
        assert_eq!(with(at, &[5]), Err(error));
        assert_eq!(with(at, &[&[2][..], &p].concat()), Err(error));
        assert_eq!(with(at, &off_curve), Err(error));
    }
    for len in (0..CustodianIdentity::LEN).chain([67, 132]) {
        let bytes = vec![2; len];
        assert_eq!(
            CustodianIdentity::from_bytes(&bytes),
            Err(IdentityError::Length { found: len })
        );
    }
}

#[test]
fn one_key_for_both_uses_is_refused() {
    let mut bytes = keys(1).identity().to_bytes();
    bytes.copy_within(..33, 33);
    assert_eq!(CustodianIdentity::from_bytes(&bytes), Err(IdentityError::SameKey));
    bytes[0] ^= 1;
    assert_eq!(CustodianIdentity::from_bytes(&bytes), Err(IdentityError::SameKey));
    let secret = [&[1][..], &[7; 32], &[7; 32]].concat();
    assert_eq!(CustodianKeys::from_bytes(&secret).map(|_| ()), Err(CustodianKeysError::SameKey));
}

#[test]
fn keys_survive_their_bytes() {
    let keys = keys(1);
    let again = CustodianKeys::from_bytes(keys.to_bytes().expose_secret()).unwrap();
    assert_eq!(again.identity(), keys.identity());
    assert_eq!(again.sign(DOMAIN, b"message"), keys.sign(DOMAIN, b"message"));
}

#[test]
fn keys_that_are_none_are_refused() {
    let good = keys(1).to_bytes();
    let refusal = |bytes: &[u8]| CustodianKeys::from_bytes(bytes).map(|_| ()).unwrap_err();
    for len in 1..65 {
        let cut = &good.expose_secret()[..len];
        assert_eq!(refusal(cut), CustodianKeysError::Length { found: len });
    }
    assert_eq!(refusal(&[]), CustodianKeysError::Length { found: 0 });
    assert_eq!(refusal(&[1; 66]), CustodianKeysError::Length { found: 66 });
    assert_eq!(refusal(&[2; 65]), CustodianKeysError::NewerVersion { found: 2, supported: 1 });
    assert_eq!(refusal(&[0; 65]), CustodianKeysError::Damaged);
    for at in [1, 33] {
        for scalar in [[0; 32], [0xff; 32]] {
            let mut bytes = good.expose_secret().to_vec();
            bytes[at..at + 32].copy_from_slice(&scalar);
            assert_eq!(refusal(&bytes), CustodianKeysError::Damaged);
        }
    }
}

#[test]
fn debug_of_keys_is_redacted() {
    let keys = keys(1);
    assert_eq!(format!("{keys:?}"), format!("CustodianKeys(redacted, {})", keys.identity()));
}

#[test]
fn a_signature_is_of_one_identity_domain_and_message() {
    let keys_1 = keys(1);
    let signature = keys_1.sign(DOMAIN, b"message");
    let verify = |identity: &CustodianIdentity, domain, message: &[u8]| {
        identity.verify(domain, message, &signature)
    };
    assert_eq!(verify(keys_1.identity(), DOMAIN, b"message"), Ok(()));
    let invalid = Err(SignatureError::Invalid);
    assert_eq!(verify(keys(2).identity(), DOMAIN, b"message"), invalid);
    assert_eq!(verify(keys_1.identity(), DOMAIN, b"massage"), invalid);
    assert_eq!(verify(keys_1.identity(), SigningDomain::new("tent"), b"message"), invalid);
    // The border between domain and message is signed.
    assert_eq!(verify(keys_1.identity(), SigningDomain::new("tes"), b"tmessage"), invalid);
}

#[test]
fn a_signing_service_can_sign_the_digest() {
    use p256::ecdsa::signature::hazmat::PrehashSigner;

    let keys = keys(1);
    let signature: ecdsa::Signature =
        keys.signing.sign_prehash(&DOMAIN.digest(b"message")).unwrap();
    let signature = Signature::normalize(&signature.to_bytes()).unwrap();
    assert_eq!(keys.identity().verify(DOMAIN, b"message", &signature), Ok(()));
}

#[test]
fn a_message_has_one_signature() {
    let keys = keys(1);
    let signature = keys.sign(DOMAIN, b"message");
    let bytes = signature.to_bytes();
    assert_eq!(Signature::from_bytes(&bytes), Ok(signature));
    let (r, s) = (signature.0.r(), signature.0.s());
    let high = ecdsa::Signature::from_scalars(*r, -*s).unwrap().to_bytes();
    assert_eq!(Signature::from_bytes(&high), Err(SignatureError::HighS));
    assert_eq!(Signature::normalize(&high), Ok(signature));
    assert_eq!(Signature::from_bytes(&bytes[1..]), Err(SignatureError::Length { found: 63 }));
    assert_eq!(Signature::from_bytes(&[0; 64]), Err(SignatureError::OutOfRange));
    assert_eq!(Signature::from_bytes(&[0xff; 64]), Err(SignatureError::OutOfRange));
    for message in 0..64u8 {
        let bytes = keys.sign(DOMAIN, &[message]).to_bytes();
        assert!(Signature::from_bytes(&bytes).is_ok(), "the lower s is always chosen");
    }
}

#[test]
fn a_rotation_leads_to_the_new_identity() {
    let (old, new, other) = (keys(1), keys(2), keys(3));
    let statement = RotationStatement::from_bytes(&old.rotate_to(&new).to_bytes()).unwrap();
    assert_eq!(statement.verify(old.identity()), Ok(*new.identity()));
    assert_eq!(
        statement.verify(other.identity()),
        Err(RotationError::OtherIdentity { of: Box::new(*old.identity()) })
    );
    let with = |change: fn(&mut RotationStatement, &CustodianKeys)| {
        let mut changed = statement;
        change(&mut changed, &other);
        changed.verify(old.identity())
    };
    assert_eq!(with(|s, other| s.to = *other.identity()), Err(RotationError::NotByOld));
    assert_eq!(
        with(|s, other| {
            let message = RotationStatement::message(&s.from, &s.to);
            s.by_old = other.sign(SigningDomain::ROTATION, &message);
        }),
        Err(RotationError::NotByOld)
    );
    assert_eq!(
        with(|s, other| {
            let message = RotationStatement::message(&s.from, &s.to);
            s.by_new = other.sign(SigningDomain::ROTATION, &message);
        }),
        Err(RotationError::NotByNew)
    );
}

#[test]
fn a_statement_that_is_none_is_refused() {
    let bytes = keys(1).rotate_to(&keys(2)).to_bytes();
    for len in 0..RotationStatement::LEN {
        assert_eq!(
            RotationStatement::from_bytes(&bytes[..len]),
            Err(RotationError::Length { found: len })
        );
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(RotationStatement::from_bytes(&longer), Err(RotationError::Length { found: 261 }));
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let verified = RotationStatement::from_bytes(&flipped)
            .and_then(|statement| statement.verify(keys(1).identity()));
        assert!(verified.is_err(), "bit {bit}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_or_refused(bytes: Vec<u8>, text: String) {
        let _ = CustodianIdentity::from_bytes(&bytes);
        let _ = text.parse::<CustodianIdentity>();
        let _ = Signature::from_bytes(&bytes);
        let _ = RotationStatement::from_bytes(&bytes);
        let _ = CustodianKeys::from_bytes(&bytes);
    }
}
