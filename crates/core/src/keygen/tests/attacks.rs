//! What a party that does not keep to the session tries, and the check that stops it.

use k256::elliptic_curve::{Group, PrimeField};

use super::*;
use crate::{
    keygen::message::LineBytes,
    proof::{Proof, UnprovenError},
};

on_every_curve! {
    a_custodian_that_answers_with_a_rogue_key_is_refused,
    a_client_that_changes_its_line_is_refused,
    proofs_of_other_lines_are_refused,
    parts_that_cancel_are_refused,
    points_that_are_none_are_refused,
    values_off_the_line_are_refused,
    messages_of_other_sessions_are_refused,
    a_custodian_that_has_no_share_is_refused,
}

struct Setup {
    committed: ClientCommitted,
    hash: [u8; 32],
    answered: CustodianAnswered,
    answer: Answer,
}

fn setup<C: Curve>() -> Setup {
    setup_of(session(vec![C::ID]))
}

fn setup_of(session: Session) -> Setup {
    let (committed, hash) = ClientCommitted::new(session.clone(), &mut rng(1)).unwrap();
    let (answered, answer) = CustodianAnswered::new(session, hash, &mut rng(2)).unwrap();
    Setup { committed, hash, answered, answer }
}

impl Setup {
    fn digest(&self) -> [u8; 32] {
        self.committed.session.digest().unwrap()
    }

    /// The client's verdict on an answer with these lines.
    fn answer_verdict(&self, lines: Vec<LineBytes>) -> Option<KeygenError> {
        let committed =
            ClientCommitted::from_bytes(self.committed.to_bytes().expose_secret()).unwrap();
        let answer = Answer::new(self.digest(), lines);
        let answer = Answer::from_bytes(answer.to_bytes().expose_secret()).unwrap();
        committed.open(&answer).err()
    }

    /// The custodian's verdict on an opening with these lines, which the client had committed to.
    fn opening_verdict(
        &self,
        lines: Vec<LineBytes>,
        values: Vec<SecretBytes>,
    ) -> Option<KeygenError> {
        let hash = commitment(&self.digest(), &[9; 32], &lines);
        let session = self.committed.session.clone();
        let (answered, _) = CustodianAnswered::new(session, hash, &mut rng(2)).unwrap();
        let opening = Opening::new(self.digest(), [9; 32], lines, values);
        let opening = Opening::from_bytes(opening.to_bytes().expose_secret()).unwrap();
        answered.finish(&opening).err()
    }
}

fn value<C: Curve>(scalar: C::Scalar) -> SecretBytes {
    SecretBytes::from(C::scalar_to_bytes(&scalar).as_slice())
}

fn scalar<C: Curve>(bytes: &SecretBytes) -> C::Scalar {
    C::scalar_from_bytes(bytes.expose_secret().try_into().unwrap()).unwrap()
}

fn point<C: Curve>(scalar: C::Scalar) -> Vec<u8> {
    C::encode([C::Point::generator() * scalar])[0].as_ref().to_vec()
}

/// `z` and `ρ` of a line.
fn coefficients<C: Curve>(line: &AnyLine) -> [C::Scalar; 2] {
    let at = |role| scalar::<C>(&line.at(role));
    let slope = at(Role::Custodian) - at(Role::Client);
    [at(Role::Client) - slope, slope]
}

const NOT_PROVEN: Option<KeygenError> =
    Some(KeygenError::Proof { key: 0, source: ProofError::Invalid });

/// It learned `Z₁` all the same, and answers `Z₂ = y·G − Z₁`, so that the key is its own `y`.
fn a_custodian_that_answers_with_a_rogue_key_is_refused<C: Curve>() {
    let setup = setup::<C>();
    let [z1, _] = coefficients::<C>(&setup.committed.lines[0]);
    let y = C::Scalar::from(12345);
    let honest = setup.answered.lines[0].public();
    let mut rogue = honest.clone();
    rogue.constant = point::<C>(y - z1);
    assert_eq!(setup.answer_verdict(vec![honest]), None);
    assert_eq!(setup.answer_verdict(vec![rogue]), NOT_PROVEN);
    // The hash tells it nothing about Z₁: with another salt it is another.
    let lines = [setup.committed.lines[0].public()];
    let digest = setup.digest();
    assert_eq!(setup.hash, commitment(&digest, &setup.committed.salt, &lines));
    assert_ne!(setup.hash, commitment(&digest, &[9; 32], &lines));
}

/// It has seen the custodian's line, and opens another than it had committed to.
fn a_client_that_changes_its_line_is_refused<C: Curve>() {
    let setup = setup::<C>();
    let session = setup.committed.session.clone();
    let (other, _) = ClientCommitted::new(session, &mut rng(5)).unwrap();
    let (other_line, value) = (other.lines[0].public(), other.lines[0].at(Role::Custodian));
    // The custodian's proof is bound to the hash that it was told.
    assert_eq!(other.open(&setup.answer).err(), NOT_PROVEN);
    let opening = Opening::new(setup.digest(), setup.committed.salt, vec![other_line], vec![value]);
    let error = setup.answered.finish(&opening).unwrap_err();
    assert_eq!(error, KeygenError::NotOpened);
    // The same line under another salt.
    let setup = self::setup::<C>();
    let line = &setup.committed.lines[0];
    let (lines, values) = (vec![line.public()], vec![line.at(Role::Custodian)]);
    let opening = Opening::new(setup.digest(), [8; 32], lines, values);
    assert_eq!(setup.answered.finish(&opening).unwrap_err(), KeygenError::NotOpened);
}

fn proofs_of_other_lines_are_refused<C: Curve>() {
    let setup = setup::<C>();
    let honest = setup.answered.lines[0].public();
    // The client's own line, mirrored.
    let mirrored = setup.committed.lines[0].public();
    assert_eq!(setup.answer_verdict(vec![mirrored.clone()]), NOT_PROVEN);
    // The proof of another role, hash, key, session.
    let [z2, rho2] = coefficients::<C>(&setup.answered.lines[0]);
    let digest = setup.digest();
    let prove = |binding: &line::Binding| line::remake::<C>(binding, z2, rho2).public();
    let good = line::Binding::custodian(&digest, 0, &setup.hash);
    assert_eq!(setup.answer_verdict(vec![prove(&good)]), None);
    let mut other_role = line::Binding::custodian(&digest, 0, &setup.hash);
    other_role.role = Role::Client;
    for binding in [
        other_role,
        line::Binding::client(&digest, 0),
        line::Binding::custodian(&digest, 1, &setup.hash),
        line::Binding::custodian(&digest, 0, &[1; 32]),
        line::Binding::custodian(&[1; 32], 0, &setup.hash),
    ] {
        assert_eq!(setup.answer_verdict(vec![prove(&binding)]), NOT_PROVEN);
    }
    // Another slope than the one that the proof names.
    let mut other = honest.clone();
    other.slope = point::<C>(rho2 + C::Scalar::from(1));
    assert_eq!(setup.answer_verdict(vec![other]), NOT_PROVEN);
    let mut malformed = honest;
    malformed.proof = Proof::from_bytes([0xff; 64]);
    let expected = KeygenError::Proof { key: 0, source: ProofError::Malformed };
    assert_eq!(setup.answer_verdict(vec![malformed]), Some(expected));
    // The client's line without its proof.
    let mut unproven = mirrored;
    unproven.proof = Proof::from_bytes([0; 64]);
    let values = vec![setup.committed.lines[0].at(Role::Custodian)];
    assert_eq!(setup.opening_verdict(vec![unproven], values), NOT_PROVEN);
}

/// It learned the client's secrets all the same, and answers with what makes the key, the slope or
/// a share zero, duly proven.
fn parts_that_cancel_are_refused<C: Curve>() {
    let setup = setup::<C>();
    let [z1, rho1] = coefficients::<C>(&setup.committed.lines[0]);
    let (digest, one) = (setup.digest(), C::Scalar::from(1));
    let degenerate = Some(KeygenError::Degenerate { key: 0 });
    for (z2, rho2) in [
        (-z1, one),
        (one, -rho1),
        // f(1) = z₁ + z₂ + ρ₁ + ρ₂ and f(2), with twice the slope
        (one, -rho1 - z1 - one),
        (one, -rho1 - (z1 + one) * C::Scalar::TWO_INV),
    ] {
        let binding = line::Binding::custodian(&digest, 0, &setup.hash);
        let line = line::remake::<C>(&binding, z2, rho2);
        assert_eq!(setup.answer_verdict(vec![line.public()]), degenerate);
    }
    // The client the same, against a custodian whose line it knows.
    let [z2, rho2] = coefficients::<C>(&setup.answered.lines[0]);
    for (z1, rho1) in [(-z2, one), (one, -rho2)] {
        let line = line::remake::<C>(&line::Binding::client(&digest, 0), z1, rho1);
        let values = vec![line.at(Role::Custodian).expose_secret()];
        assert_eq!(setup.opening_verdict(vec![line.public()], values), degenerate);
    }
}

fn points_that_are_none_are_refused<C: Curve>() {
    let setup = setup::<C>();
    let mut identity = vec![0; C::POINT_LEN];
    if C::ID == CurveId::Ed25519 {
        identity[0] = 1;
    }
    let mut points = vec![
        (identity, PointError::Identity),
        (Vec::new(), PointError::Length { expected: C::POINT_LEN, found: 0 }),
        (vec![0; 65], PointError::Length { expected: C::POINT_LEN, found: 65 }),
    ];
    match C::ID {
        CurveId::Secp256k1 => {
            let mut off_curve = vec![0; 33];
            (off_curve[0], off_curve[32]) = (2, 5);
            points.push((off_curve, PointError::NotOnCurve));
            points.push((vec![4; 33], PointError::NotCanonical));
        }
        CurveId::Ed25519 => {
            let mut off_curve = vec![0; 32];
            off_curve[0] = 2;
            points.push((off_curve, PointError::NotOnCurve));
            let mut not_canonical = vec![0; 32];
            (not_canonical[0], not_canonical[31]) = (1, 0x80);
            points.push((not_canonical, PointError::NotCanonical));
            let torsion = curve25519_dalek::constants::EIGHT_TORSION[1];
            points.push((torsion.compress().to_bytes().to_vec(), PointError::NotInSubgroup));
        }
    }
    let (theirs, ours) = (setup.answered.lines[0].public(), setup.committed.lines[0].public());
    let values = || vec![setup.committed.lines[0].at(Role::Custodian)];
    assert_eq!(setup.opening_verdict(vec![ours.clone()], values()), None);
    for (point, source) in points {
        let expected = Some(KeygenError::Point { key: 0, source });
        let constant = LineBytes { constant: point.clone(), ..theirs.clone() };
        let slope = LineBytes { slope: point.clone(), ..theirs.clone() };
        assert_eq!(setup.answer_verdict(vec![constant]), expected);
        assert_eq!(setup.answer_verdict(vec![slope]), expected);
        let constant = LineBytes { constant: point.clone(), ..ours.clone() };
        let slope = LineBytes { slope: point, ..ours.clone() };
        assert_eq!(setup.opening_verdict(vec![constant], values()), expected);
        assert_eq!(setup.opening_verdict(vec![slope], values()), expected);
    }
}

fn values_off_the_line_are_refused<C: Curve>() {
    let one = C::Scalar::from(1);
    let wrong = |right: &SecretBytes| {
        [
            (value::<C>(scalar::<C>(right) + one), KeygenError::NotCommitted { key: 0 }),
            (value::<C>(C::Scalar::from(0)), KeygenError::NotCommitted { key: 0 }),
            (SecretBytes::from([0xff; 32].as_slice()), KeygenError::OutOfRange { key: 0 }),
            (SecretBytes::from([1; 31].as_slice()), KeygenError::OutOfRange { key: 0 }),
            (SecretBytes::default(), KeygenError::OutOfRange { key: 0 }),
        ]
    };
    let setup = setup::<C>();
    let lines = vec![setup.committed.lines[0].public()];
    let right = setup.committed.lines[0].at(Role::Custodian);
    assert_eq!(setup.opening_verdict(lines.clone(), vec![right.clone()]), None);
    // The client's own value in place of the custodian's.
    let own = setup.committed.lines[0].at(Role::Client);
    let refused = Some(KeygenError::NotCommitted { key: 0 });
    assert_eq!(setup.opening_verdict(lines.clone(), vec![own]), refused);
    for (value, expected) in wrong(&right) {
        assert_eq!(setup.opening_verdict(lines.clone(), vec![value]), Some(expected));
    }
    let digest = setup.digest();
    let right = setup.answered.lines[0].at(Role::Client);
    let (opened, _) = setup.committed.open(&setup.answer).unwrap();
    let closing_verdict = |value: SecretBytes| {
        let opened = ClientOpened::from_bytes(opened.to_bytes().expose_secret()).unwrap();
        let closing = Closing::new(digest, vec![value]);
        let closing = Closing::from_bytes(closing.to_bytes().expose_secret()).unwrap();
        opened.finish(&closing).err()
    };
    assert_eq!(closing_verdict(right.clone()), None);
    for (value, expected) in wrong(&right) {
        assert_eq!(closing_verdict(value), Some(expected));
    }
}

/// Replayed, reordered, and from another session, wallet, user, custodian or other curves.
fn messages_of_other_sessions_are_refused<C: Curve>() {
    let other_curve = if C::ID == CurveId::Ed25519 { CurveId::Secp256k1 } else { CurveId::Ed25519 };
    let changes: [&dyn Fn(&mut Session); 6] = [
        &|s| s.operation_id = OperationId::from_bytes([9; 16]),
        &|s| s.wallet = WalletId::from_bytes([8; 16]),
        &|s| s.user.push('2'),
        &|s| s.custodian[0] ^= 1,
        &|s| s.curves[0] = other_curve,
        &|s| s.curves.push(C::ID),
    ];
    for change in changes {
        let mut other = session(vec![C::ID]);
        change(&mut other);
        let (ours, other) = (setup::<C>(), setup_of(other));
        let mismatch = KeygenError::SessionMismatch;
        let (opened, opening) = ours.committed.open(&ours.answer).unwrap();
        let (other_opened, other_opening) = other.committed.open(&other.answer).unwrap();
        assert_eq!(setup::<C>().committed.open(&other.answer).unwrap_err(), mismatch);
        let (_, closing) = ours.answered.finish(&opening).unwrap();
        assert_eq!(other.answered.finish(&opening).unwrap_err(), mismatch);
        assert_eq!(setup::<C>().answered.finish(&other_opening).unwrap_err(), mismatch);
        assert_eq!(other_opened.finish(&closing).unwrap_err(), mismatch);
        assert!(opened.finish(&closing).is_ok());
    }
    // More or fewer keys than the session has.
    let setup = setup::<C>();
    let line = setup.answered.lines[0].public();
    let count = |found| Some(KeygenError::Count { expected: 1, found });
    assert_eq!(setup.answer_verdict(Vec::new()), count(0));
    assert_eq!(setup.answer_verdict(vec![line.clone(), line.clone()]), count(2));
    assert_eq!(setup.opening_verdict(Vec::new(), Vec::new()), count(0));
    assert_eq!(setup.opening_verdict(vec![line], Vec::new()), count(0));
}

fn a_custodian_that_has_no_share_is_refused<C: Curve>() {
    let Setup { committed, answered, answer, .. } = setup::<C>();
    let session = committed.session.clone();
    let (opened, opening) = committed.open(&answer).unwrap();
    let (_, closing) = answered.finish(&opening).unwrap();
    let unproven = opened.finish(&closing).unwrap();
    let statement = session.statement(unproven.commitments(), [3; 32], [4; 32], [5; 32]);
    let (_, other) = generate(&session, &mut rng(7));
    let proof = other[0].prove(&statement, &mut rng(8));
    let error = unproven.accept(&statement, &[proof]).unwrap_err();
    assert_eq!(error, UnprovenError::Proof { item: 0, source: ProofError::Invalid });
}

/// The client's commitment is to one line and proof per key, behind one salt, in one session.
#[test]
fn a_commitment_opens_once() {
    let setup = setup_of(session(vec![CurveId::Secp256k1, CurveId::Ed25519]));
    let lines: Vec<_> = setup.committed.lines.iter().map(AnyLine::public).collect();
    let other: Vec<_> = setup.answered.lines.iter().map(AnyLine::public).collect();
    let (session, salt) = (setup.digest(), setup.committed.salt);
    assert_eq!(commitment(&session, &salt, &lines), setup.hash);
    type Change<'a> = &'a dyn Fn(&mut Vec<LineBytes>);
    let changes: [Change<'_>; 6] = [
        &|lines| lines[1].constant.clone_from(&other[1].constant),
        &|lines| lines[1].slope.clone_from(&other[1].slope),
        &|lines| lines[1].proof = other[1].proof,
        &|lines| lines.swap(0, 1),
        &|lines| lines.truncate(1),
        &|lines| lines.push(other[1].clone()),
    ];
    for change in changes {
        let mut changed = lines.clone();
        change(&mut changed);
        assert_ne!(commitment(&session, &salt, &changed), setup.hash);
    }
    assert_ne!(commitment(&[1; 32], &salt, &lines), setup.hash);
    assert_ne!(commitment(&session, &[1; 32], &lines), setup.hash);
}

#[test]
fn sessions_that_make_no_sense_are_refused() {
    let verdict = |curves: Vec<CurveId>, user: &str| {
        let mut session = session(curves);
        user.clone_into(&mut session.user);
        let error = ClientCommitted::new(session.clone(), &mut rng(1)).unwrap_err();
        let again = CustodianAnswered::new(session, [0; 32], &mut rng(1)).unwrap_err();
        assert_eq!(error, again);
        error
    };
    let count = |count| KeygenError::Session(SessionError::KeyCount { count, max: MAX_KEYS });
    assert_eq!(verdict(Vec::new(), ""), count(0));
    assert_eq!(verdict(vec![CurveId::Ed25519; MAX_KEYS + 1], ""), count(MAX_KEYS + 1));
    let (len, max) = (MAX_USER_LEN + 1, MAX_USER_LEN);
    let error = verdict(vec![CurveId::Ed25519], &"u".repeat(len));
    assert_eq!(error, SessionError::UserTooLong { len, max }.into());
}
