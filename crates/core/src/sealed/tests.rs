#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use bip39::{Language, Mnemonic};
use proptest::prelude::*;
use rand::{SeedableRng, rngs::ChaCha20Rng};
use unicode_normalization::UnicodeNormalization;

use super::*;

const WALLET: WalletId = WalletId::from_bytes([7; 16]);
const WORDS: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn secret(kind: SecretKind, bytes: &[u8]) -> Result<WalletSecret, WalletSecretError> {
    WalletSecret::new(kind, "label", SecretBytes::from(bytes))
}

fn opaque(bytes: &[u8]) -> WalletSecret {
    secret(SecretKind::Opaque, bytes).unwrap()
}

fn refusal(kind: SecretKind, bytes: &[u8]) -> WalletSecretError {
    secret(kind, bytes).map(|_| ()).unwrap_err()
}

/// Seals, encodes, decodes and opens.
fn round_trip(secret: &WalletSecret) -> WalletSecret {
    let (k, sealed) = SealedSecret::seal(WALLET, 3, secret, &mut rng());
    let read = SealedSecret::from_bytes(&sealed.to_bytes()).unwrap();
    assert_eq!(read, sealed);
    read.open(WALLET, 3, &k).unwrap()
}

#[test]
fn every_kind_comes_back_byte_for_byte() {
    let seed = [1; 32];
    for (kind, bytes) in [
        (SecretKind::Ed25519Seed, &seed[..]),
        (SecretKind::Mnemonic, WORDS.as_bytes()),
        (SecretKind::Keystore, b"{\"version\":3}"),
        (SecretKind::KeyShare, &[0; 5000]),
        (SecretKind::Opaque, b"\0"),
    ] {
        let opened = round_trip(&secret(kind, bytes).unwrap());
        assert_eq!(opened.bytes().expose_secret(), bytes);
        assert_eq!((opened.kind(), opened.label()), (kind, "label"));
        assert_eq!(opened.public_key().is_some(), kind == SecretKind::Ed25519Seed);
    }
}

#[test]
fn the_shortest_and_the_longest_come_back() {
    for length in [1, 100, 159, 160, 161, MAX_SECRET - 1, MAX_SECRET] {
        let bytes = vec![0xab; length];
        assert_eq!(round_trip(&opaque(&bytes)).bytes().expose_secret(), bytes);
    }
    assert_eq!(refusal(SecretKind::Opaque, b""), WalletSecretError::Empty);
    let found = MAX_SECRET + 1;
    let too_large = WalletSecretError::TooLarge { found };
    assert_eq!(refusal(SecretKind::Opaque, &vec![0; found]), too_large);
}

#[test]
fn a_label_is_bounded() {
    let with = |label: &str| {
        WalletSecret::new(SecretKind::Opaque, label, SecretBytes::from(&b"x"[..])).map(|_| ())
    };
    assert_eq!(with(&"x".repeat(128)), Ok(()));
    assert_eq!(with(&"x".repeat(129)), Err(WalletSecretError::LabelTooLong { found: 129 }));
}

/// RFC 8032, section 7.1, tests 1 and 2.
#[test]
fn a_seed_has_the_public_key_of_the_standard() {
    for (seed, public_key) in [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        ),
    ] {
        let seed = secret(SecretKind::Ed25519Seed, &hex::decode(seed).unwrap()).unwrap();
        assert_eq!(hex::encode(seed.public_key().unwrap()), public_key);
    }
    for length in [1, 31, 33, 64] {
        let error = WalletSecretError::SeedLength { found: length };
        assert_eq!(refusal(SecretKind::Ed25519Seed, &vec![1; length]), error);
    }
}

#[test]
fn mnemonics_of_every_language_and_length_come_back() {
    for language in Language::ALL {
        for length in [16, 20, 24, 28, 32] {
            let words = Mnemonic::from_entropy_in(*language, &[0x5a; 32][..length]).unwrap();
            let words = words.to_string();
            for text in [words.clone(), format!("  {}\r\n", words.replace(' ', "\u{3000}"))] {
                let opened = round_trip(&secret(SecretKind::Mnemonic, text.as_bytes()).unwrap());
                assert_eq!(opened.bytes().expose_secret(), text.as_bytes());
            }
        }
    }
}

/// A composed accent is what a keyboard makes; the lists are decomposed. What comes back is what
/// was typed.
#[test]
fn composed_accents_are_understood_and_kept() {
    let words = Mnemonic::from_entropy_in(Language::French, &[0xd6; 16]).unwrap().to_string();
    let composed: String = words.nfc().collect();
    assert_ne!(words, composed);
    let opened = round_trip(&secret(SecretKind::Mnemonic, composed.as_bytes()).unwrap());
    assert_eq!(opened.bytes().expose_secret(), composed.as_bytes());
}

#[test]
fn what_is_wrong_with_a_mnemonic_is_said() {
    let fault = |text: &str| match refusal(SecretKind::Mnemonic, text.as_bytes()) {
        WalletSecretError::Mnemonic(fault) => fault,
        other => panic!("{other:?}"),
    };
    let mistyped = WORDS.replace("sausage", "sausages");
    assert_eq!(fault(&mistyped), MnemonicFault::UnknownWord { position: 6 });
    let swapped = WORDS.replace("legal winner thank year", "winner legal thank year");
    assert_eq!(fault(&swapped), MnemonicFault::Checksum);
    assert_eq!(fault(&WORDS.replace("yellow", "zoo")), MnemonicFault::Checksum);
    assert_eq!(fault(&WORDS.replace(" yellow", "")), MnemonicFault::WordCount { found: 11 });
    assert_eq!(fault("legal"), MnemonicFault::WordCount { found: 1 });
    assert_eq!(fault(&WORDS.to_uppercase()), MnemonicFault::UnknownWord { position: 1 });
    let long = WORDS.replace("yellow", &"y".repeat(2000));
    assert_eq!(fault(&long), MnemonicFault::UnknownWord { position: 12 });
    let spaced = WORDS.replace(' ', &" \n".repeat(10_000));
    assert!(secret(SecretKind::Mnemonic, spaced.as_bytes()).is_ok());
    // The character that grows most by normalisation, into words of its own.
    let growing = "\u{fdfa} ".repeat(12);
    assert_eq!(fault(&growing), MnemonicFault::UnknownWord { position: 1 });
    let not_text = refusal(SecretKind::Mnemonic, &[0xff; 80]);
    assert_eq!(not_text, WalletSecretError::Mnemonic(MnemonicFault::NotText));
}

#[test]
fn length_is_told_to_a_factor_of_two_only() {
    let length = |bytes: &[u8], kind| {
        let (_, sealed) = SealedSecret::seal(WALLET, 0, &secret(kind, bytes).unwrap(), &mut rng());
        sealed.ciphertext.len() - TAG_LEN
    };
    assert_eq!(length(&[1; 32], SecretKind::Ed25519Seed), 160);
    assert_eq!(length(WORDS.as_bytes(), SecretKind::Mnemonic), 160);
    for entropy in [16, 20, 24, 28, 32] {
        let words = Mnemonic::from_entropy(&[0; 32][..entropy]).unwrap().to_string();
        assert!(length(words.as_bytes(), SecretKind::Mnemonic) <= 320);
    }
    let lengths: std::collections::BTreeSet<_> =
        (1..2000).map(|n| length(&vec![1; n], SecretKind::Opaque)).collect();
    assert_eq!(Vec::from_iter(lengths), [160, 320, 640, 1280, 2560]);
    assert_eq!(LARGEST_BUCKET, 160 << 13);
}

#[test]
fn a_secret_of_something_else_is_called_that() {
    let mut rng = rng();
    let (k, sealed) = SealedSecret::seal(WALLET, 3, &opaque(b"secret"), &mut rng);
    let (other_k, other) = SealedSecret::seal(WALLET, 3, &opaque(b"secret"), &mut rng);
    let error = |sealed: &SealedSecret, wallet, index, k| {
        sealed.open(wallet, index, k).map(|_| ()).unwrap_err()
    };
    let expected = WalletId::from_bytes([8; 16]);
    let wrong_wallet = OpenSecretError::WrongWallet { expected, found: WALLET };
    assert_eq!(error(&sealed, expected, 3, &k), wrong_wallet);
    let wrong_index = OpenSecretError::WrongIndex { expected: 2, found: 3 };
    assert_eq!(error(&sealed, WALLET, 2, &k), wrong_index);
    assert_eq!(error(&sealed, WALLET, 3, &other_k), OpenSecretError::WrongKey);
    assert_eq!(error(&other, WALLET, 3, &k), OpenSecretError::WrongKey);

    // The names are not only compared: forging them opens nothing.
    let forge = |change: fn(&mut SealedSecret)| {
        let mut forged = sealed.clone();
        change(&mut forged);
        error(&forged, forged.wallet, forged.index, &k)
    };
    assert_eq!(forge(|s| s.wallet = WalletId::from_bytes([8; 16])), OpenSecretError::Damaged);
    assert_eq!(forge(|s| s.index = 2), OpenSecretError::Damaged);
    assert_eq!(forge(|s| s.kind = SecretKind::KeyShare), OpenSecretError::Damaged);
    assert_eq!(forge(|s| s.label = "ladel".into()), OpenSecretError::Damaged);
    assert_eq!(forge(|s| s.ciphertext.truncate(15)), OpenSecretError::Damaged);
    assert_eq!(forge(|s| s.ciphertext.truncate(16)), OpenSecretError::Damaged);
    let mut forged = sealed.clone();
    forged.key = *other_k.verifying_key();
    assert_eq!(error(&forged, WALLET, 3, &other_k), OpenSecretError::Damaged);
}

/// Every flip, cut and addition is refused when it is read or when it is opened.
#[test]
fn every_bit_counts() {
    let (k, sealed) = SealedSecret::seal(WALLET, 3, &opaque(b"secret"), &mut rng());
    let bytes = sealed.to_bytes();
    let read = |bytes: &[u8]| {
        SealedSecret::from_bytes(bytes).ok().and_then(|sealed| sealed.open(WALLET, 3, &k).ok())
    };
    assert!(read(&bytes).is_some());
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&flipped).is_none(), "bit {bit}");
    }
    for length in 0..bytes.len() {
        let cut = SealedSecret::from_bytes(&bytes[..length]);
        assert_eq!(cut, Err(SealedSecretError::Malformed), "{length} bytes");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(SealedSecret::from_bytes(&longer), Err(SealedSecretError::Malformed));
}

#[test]
fn a_newer_format_is_called_that() {
    let (_, sealed) = SealedSecret::seal(WALLET, 3, &opaque(b"secret"), &mut rng());
    let mut bytes = sealed.to_bytes();
    bytes[1] = 2;
    let newer = SealedSecretError::NewerVersion { found: 2, supported: 1 };
    assert_eq!(SealedSecret::from_bytes(&bytes), Err(newer));
    // Whatever else a newer version has.
    assert_eq!(SealedSecret::from_bytes(&[0x82, 2, 0]), Err(newer));
    let mut bytes = sealed.to_bytes();
    bytes[1] = 0;
    assert_eq!(SealedSecret::from_bytes(&bytes), Err(SealedSecretError::Malformed));
    let mut bytes = sealed.to_bytes();
    let kind = 2 + 17 + 1;
    assert_eq!(bytes[kind], SecretKind::Opaque.number());
    bytes[kind] = 6;
    assert_eq!(SealedSecret::from_bytes(&bytes), Err(SealedSecretError::Kind { number: 6 }));
}

/// The length of what is sealed must be one that sealing makes.
#[test]
fn lengths_between_buckets_are_refused() {
    let (_, mut sealed) = SealedSecret::seal(WALLET, 3, &opaque(b"secret"), &mut rng());
    for length in [0, 15, 16, 159 + 16, 161 + 16, LARGEST_BUCKET + 17, 2 * LARGEST_BUCKET + 16] {
        sealed.ciphertext = vec![0; length];
        let read = SealedSecret::from_bytes(&sealed.to_bytes());
        assert_eq!(read, Err(SealedSecretError::Malformed), "{length}");
    }
    sealed.ciphertext = vec![0; LARGEST_BUCKET + 16];
    assert_eq!(SealedSecret::from_bytes(&sealed.to_bytes()), Ok(sealed));
}

/// What is authentic but was written by something broken.
#[test]
fn a_plaintext_that_contradicts_itself_is_refused() {
    let seed = [1; 32];
    let key = ed25519_public_key(&seed).unwrap();
    let digest: [u8; 32] = Sha256::digest(seed).into();
    let written = |version: u64, kind: SecretKind, digest: &[u8], key: &[u8], bytes: &[u8]| {
        let mut plaintext = Writer::new(0)
            .array(5)
            .uint(version)
            .uint(kind.number().into())
            .bytes(digest)
            .bytes(key)
            .bytes(bytes)
            .finish();
        plaintext.extend(&vec![0; bucket(plaintext.len()) - plaintext.len()]);
        plaintext
    };
    let decode = |plaintext: &SecretBytes| {
        decode_plaintext(SecretKind::Ed25519Seed, "label", plaintext).map(|_| ())
    };
    let good = written(1, SecretKind::Ed25519Seed, &digest, &key, &seed);
    assert_eq!(decode(&good), Ok(()));
    assert_eq!(
        encode_plaintext(&secret(SecretKind::Ed25519Seed, &seed).unwrap()).expose_secret(),
        good.expose_secret()
    );
    let seed_kind = SecretKind::Ed25519Seed;
    for bad in [
        written(2, seed_kind, &digest, &key, &seed),
        written(1, SecretKind::Opaque, &digest, &key, &seed),
        written(1, seed_kind, &[0; 32], &key, &seed),
        written(1, seed_kind, &digest, &[0; 32], &seed),
        written(1, seed_kind, &digest, &[], &seed),
        written(1, seed_kind, &Sha256::digest([1; 31]), &key, &[1; 31]),
        [good.expose_secret(), &[0; 160]].concat().into(),
        good.expose_secret()[..105].into(),
        SecretBytes::default(),
    ] {
        assert_eq!(decode(&bad), Err(OpenSecretError::Inconsistent));
    }
    for index in 105..160 {
        let mut padding = good.clone();
        padding.expose_secret_mut()[index] = 1;
        assert_eq!(decode(&padding), Err(OpenSecretError::Inconsistent));
    }
    let with_key = written(1, SecretKind::Opaque, &digest, &key, &seed);
    let decoded = decode_plaintext(SecretKind::Opaque, "label", &with_key).map(|_| ());
    assert_eq!(decoded, Err(OpenSecretError::Inconsistent));
}

#[test]
fn debug_is_redacted() {
    let secret = opaque(b"hunter2");
    assert_eq!(format!("{secret:?}"), "WalletSecret(redacted, opaque)");
    let (_, sealed) = SealedSecret::seal(WALLET, 3, &secret, &mut rng());
    let debug = format!("{sealed:?}");
    assert!(debug.contains("Opaque") && !debug.contains("label"), "{debug}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>, text: String) {
        let _ = SealedSecret::from_bytes(&bytes);
        let _ = decode_plaintext(SecretKind::Opaque, "", &bytes.into());
        let _ = secret(SecretKind::Mnemonic, text.as_bytes());
    }
}
