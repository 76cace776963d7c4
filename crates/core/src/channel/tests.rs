#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod forward_secrecy;

use std::collections::HashSet;

use proptest::prelude::*;
use rand::{SeedableRng, rngs::ChaCha20Rng};

use super::*;

/// Two ends of one session, made from a seed.
struct Ends {
    keys: CustodianKeys,
    client_secret: EphemeralSecret,
    custodian_secret: EphemeralSecret,
    rng: ChaCha20Rng,
}

impl Ends {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        Self {
            keys: CustodianKeys::make(&mut rng),
            client_secret: EphemeralSecret::make(&mut rng),
            custodian_secret: EphemeralSecret::make(&mut rng),
            rng,
        }
    }

    fn client(&self, context: &[u8]) -> ClientChannel {
        let custodian = self.custodian_secret.public_key();
        ClientChannel::new(&self.client_secret, &custodian, self.keys.identity(), context)
    }

    fn custodian(&self, context: &[u8]) -> CustodianChannel {
        let client = self.client_secret.public_key();
        CustodianChannel::new(&self.custodian_secret, &client, &self.keys, context)
    }
}

const CONTEXT: &[u8] = b"a wallet";

#[test]
fn both_sides_understand_each_other() {
    let mut ends = Ends::new(1);
    let (client, custodian) = (ends.client(CONTEXT), ends.custodian(CONTEXT));
    for step in [Step::FIRST, Step::new(1), Step::new(255)] {
        for message in [&b""[..], b"x", &[7; 1000]] {
            let sealed = client.seal(step, message, &mut ends.rng).unwrap();
            assert_eq!(sealed.len(), message.len() + OVERHEAD);
            assert_eq!(custodian.open(step, &sealed).unwrap().expose_secret(), message);
            let sealed = custodian.seal(step, message, &mut ends.rng).unwrap();
            assert_eq!(client.open(step, &sealed).unwrap().expose_secret(), message);
        }
    }
}

#[test]
fn a_key_service_can_make_the_agreement() {
    let mut ends = Ends::new(1);
    let agreed = agree(ends.keys.sealing_key(), &ends.client_secret.public_key().0);
    let custodian = CustodianChannel::from_agreement(
        &ends.custodian_secret,
        &ends.client_secret.public_key(),
        ends.keys.identity(),
        &agreed,
        CONTEXT,
    );
    let sealed = ends.client(CONTEXT).seal(Step::FIRST, b"hello", &mut ends.rng).unwrap();
    assert_eq!(custodian.open(Step::FIRST, &sealed).unwrap().expose_secret(), b"hello");
}

#[test]
fn a_crash_between_two_steps_changes_nothing() {
    let mut ends = Ends::new(1);
    let sealed = ends.client(CONTEXT).seal(Step::FIRST, b"hello", &mut ends.rng).unwrap();
    let reread = |secret: &EphemeralSecret| {
        EphemeralSecret::from_bytes(secret.to_bytes().expose_secret()).unwrap()
    };
    ends.client_secret = reread(&ends.client_secret);
    ends.custodian_secret = reread(&ends.custodian_secret);
    let custodian = ends.custodian(CONTEXT);
    assert_eq!(custodian.open(Step::FIRST, &sealed).unwrap().expose_secret(), b"hello");
}

/// What each end says to messages that are not for it, or not now.
#[test]
fn messages_of_another_time_and_place_are_refused() {
    let mut ends = Ends::new(1);
    let (client, custodian) = (ends.client(CONTEXT), ends.custodian(CONTEXT));
    let step = Step::new(1);
    let by_client = client.seal(step, b"question", &mut ends.rng).unwrap();
    let by_custodian = custodian.seal(step, b"answer", &mut ends.rng).unwrap();

    // Reflected.
    assert_eq!(client.open(step, &by_client).unwrap_err(), OpenError::Reflected);
    assert_eq!(custodian.open(step, &by_custodian).unwrap_err(), OpenError::Reflected);

    // Replayed, and before its time.
    let (due, of) = (Step::new(2), Step::new(1));
    let replayed = OpenError::Replayed { expected: due, found: of };
    assert_eq!(custodian.open(due, &by_client).unwrap_err(), replayed);
    assert_eq!(client.open(due, &by_custodian).unwrap_err(), replayed);
    let early = OpenError::OutOfOrder { expected: Step::FIRST, found: of };
    assert_eq!(custodian.open(Step::FIRST, &by_client).unwrap_err(), early);
    assert_eq!(client.open(Step::FIRST, &by_custodian).unwrap_err(), early);

    // The same session about another wallet.
    let (other_client, other_custodian) = (ends.client(b"another"), ends.custodian(b"another"));
    assert_eq!(other_custodian.open(step, &by_client).unwrap_err(), OpenError::OtherContext);
    assert_eq!(other_client.open(step, &by_custodian).unwrap_err(), OpenError::OtherContext);
}

#[test]
fn messages_of_another_session_are_refused() {
    let mut ends = Ends::new(1);
    let step = Step::FIRST;
    let by_client = ends.client(CONTEXT).seal(step, b"question", &mut ends.rng).unwrap();
    let by_custodian = ends.custodian(CONTEXT).seal(step, b"answer", &mut ends.rng).unwrap();

    // Each of the three keys that a session depends on is another one.
    let changes: [fn(&mut Ends, Ends); 3] = [
        |ends, other| ends.keys = other.keys,
        |ends, other| ends.client_secret = other.client_secret,
        |ends, other| ends.custodian_secret = other.custodian_secret,
    ];
    for change in changes {
        let mut ends = Ends::new(1);
        change(&mut ends, Ends::new(2));
        let (client, custodian) = (ends.client(CONTEXT), ends.custodian(CONTEXT));
        assert_eq!(custodian.open(step, &by_client).unwrap_err(), OpenError::OtherSession);
        assert_eq!(client.open(step, &by_custodian).unwrap_err(), OpenError::OtherSession);
    }
}

/// The whole identity is in the key schedule, not only the key that messages are sealed to.
#[test]
fn messages_under_another_signing_key_are_refused() {
    let mut ends = Ends::new(1);
    let by_client = ends.client(CONTEXT).seal(Step::FIRST, b"question", &mut ends.rng).unwrap();
    let (keys, other) = (ends.keys.to_bytes(), Ends::new(2).keys.to_bytes());
    let mixed = [&other.expose_secret()[..33], &keys.expose_secret()[33..]].concat();
    ends.keys = CustodianKeys::from_bytes(&mixed).unwrap();
    let opened = ends.custodian(CONTEXT).open(Step::FIRST, &by_client);
    assert_eq!(opened.unwrap_err(), OpenError::OtherSession);
}

/// The names of session and context, the step and the direction in the header are there to give an
/// error its name. Forging them opens nothing: each is in the key as well.
#[test]
fn a_forged_header_opens_nothing() {
    let mut ends = Ends::new(1);
    let sealed = ends.client(CONTEXT).seal(Step::FIRST, b"question", &mut ends.rng).unwrap();
    let forge = |to: &[u8], at: usize| {
        let mut forged = sealed.clone();
        forged[at..at + to.len()].copy_from_slice(to);
        forged
    };
    let damaged = OpenError::Damaged;
    let forged = forge(&[Role::Custodian.number()], 1);
    assert_eq!(ends.client(CONTEXT).open(Step::FIRST, &forged).unwrap_err(), damaged);
    let forged = forge(&[1], 2);
    assert_eq!(ends.custodian(CONTEXT).open(Step::new(1), &forged).unwrap_err(), damaged);
    let other = ends.custodian(b"another");
    let forged = forge(&other.0.context, 3 + NAME_LEN);
    assert_eq!(other.open(Step::FIRST, &forged).unwrap_err(), damaged);
    // Two contexts whose names collide, all the same, have different keys.
    let mut colliding = ends.custodian(b"another");
    colliding.0.context = ends.custodian(CONTEXT).0.context;
    assert_eq!(colliding.open(Step::FIRST, &sealed).unwrap_err(), damaged);
    let stranger = Ends::new(2).custodian(CONTEXT);
    let forged = forge(&[stranger.0.session, stranger.0.context].concat(), 3);
    assert_eq!(stranger.open(Step::FIRST, &forged).unwrap_err(), damaged);
}

#[test]
fn an_attacker_needs_both_agreements() {
    let mut ends = Ends::new(1);
    let sealed = ends.client(CONTEXT).seal(Step::FIRST, b"question", &mut ends.rng).unwrap();
    let (client, custodian) = (ends.client_secret.public_key(), ends.custodian_secret.public_key());
    let ephemeral = agree(&ends.custodian_secret.0, &client.0);
    let identity = agree(ends.keys.sealing_key(), &client.0);
    let open = |first, second| {
        let keys = Keys::new(first, second, &client, &custodian, ends.keys.identity(), CONTEXT);
        keys.open(Role::Client, Step::FIRST, &sealed).map(|_| ())
    };
    assert_eq!(open(&ephemeral, &identity), Ok(()));
    let unknown = [0; 32];
    for (first, second) in [(&*ephemeral, &unknown), (&unknown, &*identity)] {
        assert_eq!(open(first, second), Err(OpenError::OtherSession));
    }
    assert_eq!(open(&identity, &ephemeral), Err(OpenError::OtherSession));
}

/// The custodian rebuilds an answer after a crash, and its proof, being hedged, differs each time.
/// Two messages must not share a key even if the random generator repeats itself.
#[test]
fn no_two_messages_share_a_key() {
    let ends = Ends::new(1);
    let custodian = ends.custodian(CONTEXT);
    let mut salts = HashSet::new();
    let mut count = 0;
    for step in [0, 1] {
        for message in [&b"one"[..], b"two", b"two!", b""] {
            // The same random bytes every time.
            let mut rng = ChaCha20Rng::seed_from_u64(9);
            let sealed = custodian.seal(Step::new(step), message, &mut rng).unwrap();
            salts.insert(sealed[3 + 2 * NAME_LEN..HEADER_LEN].to_vec());
            count += 1;
        }
    }
    assert_eq!(salts.len(), count);

    // Other random bytes, and the same message has another key: under one key its ciphertext would
    // be the same.
    let ciphertexts: HashSet<_> = (0..8)
        .map(|seed| {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let sealed = custodian.seal(Step::FIRST, b"the same", &mut rng).unwrap();
            sealed[HEADER_LEN..HEADER_LEN + 8].to_vec()
        })
        .collect();
    assert_eq!(ciphertexts.len(), 8);
}

#[test]
fn every_flip_cut_and_addition_is_refused() {
    let mut ends = Ends::new(1);
    let (client, custodian) = (ends.client(CONTEXT), ends.custodian(CONTEXT));
    let sealed = client.seal(Step::new(1), b"question", &mut ends.rng).unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let error = custodian.open(Step::new(1), &flipped).unwrap_err();
        match bit / 8 {
            // One flip makes the version zero.
            0 => assert!(matches!(error, OpenError::NewerVersion { .. } | OpenError::Damaged)),
            1 => assert!(matches!(error, OpenError::Reflected | OpenError::Damaged)),
            2 => {
                assert!(matches!(error, OpenError::Replayed { .. } | OpenError::OutOfOrder { .. }))
            }
            3..11 => assert_eq!(error, OpenError::OtherSession),
            11..19 => assert_eq!(error, OpenError::OtherContext),
            _ => assert_eq!(error, OpenError::Damaged),
        }
    }
    for len in 0..sealed.len() {
        let error = custodian.open(Step::new(1), &sealed[..len]).unwrap_err();
        let expected = match len {
            0..OVERHEAD => OpenError::TooShort { found: len },
            _ => OpenError::Damaged,
        };
        assert_eq!(error, expected);
    }
    let longer = [&sealed[..], &[0]].concat();
    assert_eq!(custodian.open(Step::new(1), &longer).unwrap_err(), OpenError::Damaged);
}

#[test]
fn length_is_bounded_on_both_sides() {
    let mut ends = Ends::new(1);
    let (client, custodian) = (ends.client(CONTEXT), ends.custodian(CONTEXT));
    let longest = vec![1; MAX_MESSAGE];
    let sealed = client.seal(Step::FIRST, &longest, &mut ends.rng).unwrap();
    assert_eq!(custodian.open(Step::FIRST, &sealed).unwrap().expose_secret(), longest);
    let found = MAX_MESSAGE + 1;
    let too_long = client.seal(Step::FIRST, &vec![1; found], &mut ends.rng);
    assert_eq!(too_long, Err(SealError::TooLong { found }));
    let opened = custodian.open(Step::FIRST, &vec![1; found + OVERHEAD]).unwrap_err();
    assert_eq!(opened, OpenError::TooLong { found });
}

#[test]
fn keys_that_are_none_are_refused() {
    let refusal = |bytes: &[u8]| EphemeralKey::from_bytes(bytes).unwrap_err();
    for len in (0..33).chain([34, 65]) {
        assert_eq!(refusal(&vec![2; len]), EphemeralError::Length { found: len });
    }
    let off_curve = [&[2][..], &[0; 31], &[4]].concat();
    let good = Ends::new(1).client_secret.public_key().to_bytes();
    let compact = [&[5][..], &good[1..]].concat();
    // The identity padded to length, another form of a good point, a point off the curve, x ≥ p.
    for bytes in [&[0; 33][..], &compact, &off_curve, &[&[2][..], &[0xff; 32]].concat()] {
        assert_eq!(refusal(bytes), EphemeralError::NotAPoint);
    }
    assert_eq!(EphemeralKey::from_bytes(&good).unwrap().to_bytes(), good);

    let refusal = |bytes: &[u8]| EphemeralSecret::from_bytes(bytes).unwrap_err();
    assert_eq!(refusal(&[]), EphemeralError::Length { found: 0 });
    assert_eq!(refusal(&[1; 32]), EphemeralError::Length { found: 32 });
    assert_eq!(refusal(&[1; 34]), EphemeralError::Length { found: 34 });
    assert_eq!(refusal(&[0; 33]), EphemeralError::Damaged);
    assert_eq!(refusal(&[2; 33]), EphemeralError::NewerVersion { found: 2, supported: 1 });
    assert_eq!(refusal(&[&[1][..], &[0; 32]].concat()), EphemeralError::Damaged);
    assert_eq!(refusal(&[&[1][..], &[0xff; 32]].concat()), EphemeralError::Damaged);
}

#[test]
fn debug_is_redacted() {
    let ends = Ends::new(1);
    assert_eq!(format!("{:?}", ends.client_secret), "EphemeralSecret(redacted)");
    assert_eq!(format!("{:?}", ends.client(CONTEXT)), "ClientChannel(redacted)");
    assert_eq!(format!("{:?}", ends.custodian(CONTEXT)), "CustodianChannel(redacted)");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_are_opened_or_refused(bytes: Vec<u8>) {
        prop_assert!(Ends::new(1).custodian(CONTEXT).open(Step::FIRST, &bytes).is_err());
        let _ = EphemeralKey::from_bytes(&bytes);
        let _ = EphemeralSecret::from_bytes(&bytes);
    }
}
