//! The custodian's identity, and the channel to it.

use std::sync::LazyLock;

use twoshare_core::{
    channel::{ClientChannel, CustodianChannel, EphemeralKey, EphemeralSecret, Step},
    identity::{CustodianIdentity, CustodianKeys, RotationStatement, Signature, SigningDomain},
};

use crate::{Target, assert_canonical, rng};

pub(crate) const IDENTITY: Target = Target {
    name: "custodian_identity",
    body: |bytes| {
        let Ok(identity) = CustodianIdentity::from_bytes(bytes) else { return };
        assert_canonical(bytes, &identity.to_bytes());
    },
    seeds: || vec![CustodianKeys::make(&mut rng()).identity().to_bytes().to_vec()],
};

pub(crate) const IDENTITY_TEXT: Target = Target {
    name: "custodian_identity_text",
    body: |bytes| {
        let Ok(identity) = String::from_utf8_lossy(bytes).parse::<CustodianIdentity>() else {
            return;
        };
        assert_eq!(identity.to_string().parse(), Ok(identity));
    },
    seeds: || vec![CustodianKeys::make(&mut rng()).identity().to_string().into_bytes()],
};

pub(crate) const KEYS: Target = Target {
    name: "custodian_keys",
    body: |bytes| {
        let Ok(keys) = CustodianKeys::from_bytes(bytes) else { return };
        // Seen here because they are the fuzzer's own bytes.
        assert_canonical(bytes, keys.to_bytes().expose_secret());
    },
    // Made for this; they are nobody's keys.
    seeds: || vec![CustodianKeys::make(&mut rng()).to_bytes().expose_secret().to_vec()],
};

pub(crate) const SIGNATURE: Target = Target {
    name: "custodian_signature",
    body: |bytes| {
        if let Ok(signature) = Signature::from_bytes(bytes) {
            assert_canonical(bytes, &signature.to_bytes());
        }
        let Ok(normalized) = Signature::normalize(bytes) else { return };
        assert_eq!(Signature::from_bytes(&normalized.to_bytes()).as_ref(), Ok(&normalized));
    },
    seeds: || {
        let signature = CustodianKeys::make(&mut rng()).sign(SigningDomain::ROTATION, b"seed");
        vec![signature.to_bytes().to_vec()]
    },
};

pub(crate) const ROTATION: Target = Target {
    name: "rotation_statement",
    body: |bytes| {
        let Ok(statement) = RotationStatement::from_bytes(bytes) else { return };
        assert_canonical(bytes, &statement.to_bytes());
    },
    seeds: || {
        let mut rng = rng();
        let (old, new) = (CustodianKeys::make(&mut rng), CustodianKeys::make(&mut rng));
        vec![old.rotate_to(&new).to_bytes()]
    },
};

pub(crate) const EPHEMERAL: Target = Target {
    name: "ephemeral_key",
    body: |bytes| {
        let Ok(key) = EphemeralKey::from_bytes(bytes) else { return };
        assert_canonical(bytes, &key.to_bytes());
    },
    seeds: || vec![EphemeralSecret::make(&mut rng()).public_key().to_bytes().to_vec()],
};

/// Both ends of one session, and what each says in it.
struct Session {
    client: ClientChannel,
    custodian: CustodianChannel,
    request: Vec<u8>,
    answer: Vec<u8>,
}

static SESSION: LazyLock<Session> = LazyLock::new(|| {
    let mut rng = rng();
    let keys = CustodianKeys::make(&mut rng);
    let (ours, theirs) = (EphemeralSecret::make(&mut rng), EphemeralSecret::make(&mut rng));
    let client = ClientChannel::new(&ours, &theirs.public_key(), keys.identity(), b"fuzz");
    let custodian = CustodianChannel::new(&theirs, &ours.public_key(), &keys, b"fuzz");
    let request = client.seal(Step::FIRST, b"request", &mut rng).expect("it is short");
    let answer = custodian.seal(Step::FIRST, b"answer", &mut rng).expect("it is short");
    Session { client, custodian, request, answer }
});

pub(crate) const CHANNEL: Target = Target {
    name: "channel",
    body: |bytes| {
        let session = &*SESSION;
        if session.custodian.open(Step::FIRST, bytes).is_ok() {
            assert_canonical(bytes, &session.request);
        }
        if session.client.open(Step::FIRST, bytes).is_ok() {
            assert_canonical(bytes, &session.answer);
        }
    },
    seeds: || vec![SESSION.request.clone(), SESSION.answer.clone()],
};
