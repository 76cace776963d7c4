//! What a party that does not keep to the exchange tries, and the check that stops it.

use k256::elliptic_curve::{Field, Group, PrimeField};

use super::*;
use crate::{
    curve::{SecretScalar, testing::rng},
    id::Role,
    proof::{Proof, ProofError, Statement, UnprovenError},
    reshare::{
        item::opening,
        message::{OfferItem, ResponseItem},
    },
    share::{Client, Custodian, Share},
};

on_every_curve! {
    offers_that_do_not_fit_are_refused,
    responses_that_do_not_fit_are_refused,
    points_that_are_none_are_refused,
    a_custodian_that_chooses_its_share_late_is_refused,
    a_zero_slope_is_refused,
    a_known_slope_is_refused,
    a_custodian_without_its_old_share_is_refused,
    a_client_without_its_old_share_proves_nothing,
    parties_of_two_sharings_do_not_meet,
    proofs_for_something_else_are_refused,
    messages_of_other_exchanges_are_refused,
}

/// Both parties of a refresh, up to the offer.
struct Setup<C: Curve> {
    context: Context,
    client: AnyClientShare,
    custodian: AnyCustodianShare,
    offered: ClientOffered,
    offer: Offer,
    committed: CustodianCommitted,
    r1: C::Scalar,
}

fn scalar<C: Curve>(bytes: &SecretBytes) -> C::Scalar {
    C::scalar_from_bytes(bytes.expose_secret().try_into().unwrap()).unwrap()
}

fn point<C: Curve>(scalar: C::Scalar) -> Vec<u8> {
    C::encode([C::Point::generator() * scalar])[0].as_ref().to_vec()
}

fn bytes<C: Curve>(scalar: C::Scalar) -> SecretBytes {
    SecretBytes::from(C::scalar_to_bytes(&scalar).as_slice())
}

/// The setup, where the custodian may choose its `r₂` knowing everything, `r₁` included. A real
/// one would have to break the early commitment for that; the checks that come after it must hold
/// all the same.
fn setup_with<C: Curve>(
    items: Vec<Item>,
    choose: impl Fn(C::Scalar) -> Option<C::Scalar>,
) -> Setup<C> {
    let (_, client, custodian) = dealt(0, C::ID, backup(1), &mut rng(1));
    let context = context(items);
    let offer_with = |early: &[[u8; 32]]| {
        let shares = from_ref(&client);
        ClientOffered::new(context.clone(), early, shares, &mut rng(3)).unwrap()
    };
    // The same random numbers give the same r₁, whatever the custodian has committed to.
    let (_, offer) = offer_with(&vec![[0; 32]; context.items.len()]);
    let digest = context.digest().unwrap();
    let items = offer.items_for(&digest, context.items.len()).unwrap();
    let r1s: Vec<_> = items
        .iter()
        .map(|item| {
            scalar::<C>(&item.value) * C::Scalar::TWO_INV - scalar::<C>(&client.expose_secret())
        })
        .collect();

    let (committed, mut early) = CustodianCommitted::new(context.clone(), &mut rng(2)).unwrap();
    let mut kept = committed.to_bytes().expose_secret().to_vec();
    if choose(r1s[0]).is_some() {
        // The state of a custodian that has chosen: each item is [r₂, salt].
        let mut writer = write_head(Kind::ReshareCustodianCommitted, 2, 1024);
        writer = context.write_to(writer).array(r1s.len());
        for r1 in &r1s {
            let r2 = C::scalar_to_bytes(&choose(*r1).unwrap());
            writer = writer.array(2).bytes(&r2).bytes(&[9; 32]);
        }
        kept = writer.finish().expose_secret().to_vec();
        let chosen = CustodianCommitted::from_bytes(&kept).unwrap();
        early = chosen.items.iter().enumerate().map(|(i, item)| item.commit(&digest, i)).collect();
    }
    let committed = CustodianCommitted::from_bytes(&kept).unwrap();
    let (offered, offer) = offer_with(&early);
    Setup { context, client, custodian, offered, offer, committed, r1: r1s[0] }
}

fn setup<C: Curve>() -> Setup<C> {
    setup_with(vec![item(0, C::ID, backup(1), backup(2))], |_| None)
}

impl<C: Curve> Setup<C> {
    fn digest(&self) -> [u8; 32] {
        self.context.digest().unwrap()
    }

    fn offered_value(&self) -> C::Scalar {
        scalar::<C>(&self.offer.items_for(&self.digest(), 1).unwrap()[0].value)
    }

    /// The custodian's verdict on an offer of one item.
    fn offer_verdict(&self, value: SecretBytes, point: Vec<u8>) -> Option<ReshareError> {
        let committed =
            CustodianCommitted::from_bytes(self.committed.to_bytes().expose_secret()).unwrap();
        let offer = Offer::new(self.digest(), vec![OfferItem { value, point }]);
        let offer = Offer::from_bytes(offer.to_bytes().expose_secret()).unwrap();
        committed.respond(&offer, from_ref(&self.custodian)).err()
    }

    /// The client's verdict on a response of one item.
    fn response_verdict(
        &self,
        item: ResponseItem,
        known: &[AnyCommitment],
    ) -> Option<ReshareError> {
        let offered = ClientOffered::from_bytes(self.offered.to_bytes().expose_secret()).unwrap();
        let response = Response::new(self.digest(), vec![item]);
        let response = Response::from_bytes(response.to_bytes().expose_secret()).unwrap();
        offered.finish(&response, known).err()
    }

    /// The honest custodian's response.
    fn response(&self) -> ResponseItem {
        let committed =
            CustodianCommitted::from_bytes(self.committed.to_bytes().expose_secret()).unwrap();
        let (_, response) = committed.respond(&self.offer, from_ref(&self.custodian)).unwrap();
        let item = &response.items_for(&self.digest(), 1).unwrap()[0];
        ResponseItem { value: item.value.clone(), point: item.point.clone(), salt: item.salt }
    }
}

const NOT_COMMITTED: Option<ReshareError> = Some(ReshareError::NotCommitted { item: 0 });
const OUT_OF_RANGE: Option<ReshareError> = Some(ReshareError::OutOfRange { item: 0 });

fn offers_that_do_not_fit_are_refused<C: Curve>() {
    let setup = setup::<C>();
    let (g, r1) = (setup.offered_value(), setup.r1);
    let one = C::Scalar::from(1);
    assert_eq!(setup.offer_verdict(bytes::<C>(g), point::<C>(r1)), None);
    assert_eq!(setup.offer_verdict(bytes::<C>(g + one), point::<C>(r1)), NOT_COMMITTED);
    assert_eq!(setup.offer_verdict(bytes::<C>(g), point::<C>(r1 + one)), NOT_COMMITTED);
    assert_eq!(setup.offer_verdict(bytes::<C>(g), point::<C>(-r1)), NOT_COMMITTED);
    assert_eq!(
        setup.offer_verdict(SecretBytes::from([0xff; 32].as_slice()), point::<C>(r1)),
        OUT_OF_RANGE
    );
    assert_eq!(
        setup.offer_verdict(SecretBytes::from([1; 31].as_slice()), point::<C>(r1)),
        OUT_OF_RANGE
    );
    assert_eq!(setup.offer_verdict(SecretBytes::default(), point::<C>(r1)), OUT_OF_RANGE);
    // R₁ = 0·G with the value that fits it.
    let f1 = scalar::<C>(&setup.client.expose_secret());
    let verdict = setup.offer_verdict(bytes::<C>(f1.double()), point::<C>(C::Scalar::from(0)));
    assert_eq!(verdict, Some(ReshareError::Degenerate { item: 0 }));
}

fn responses_that_do_not_fit_are_refused<C: Curve>() {
    let setup = setup::<C>();
    let change = |change: &dyn Fn(&mut ResponseItem)| {
        let mut item = setup.response();
        change(&mut item);
        setup.response_verdict(item, &[])
    };
    let one = C::Scalar::from(1);
    assert_eq!(change(&|_| {}), None);
    assert_eq!(
        change(&|item| item.value = bytes::<C>(scalar::<C>(&item.value) + one)),
        NOT_COMMITTED
    );
    assert_eq!(change(&|item| item.point = point::<C>(one)), NOT_COMMITTED);
    assert_eq!(change(&|item| item.value = [0xff; 32].as_slice().into()), OUT_OF_RANGE);
    assert_eq!(change(&|item| item.value = [1; 33].as_slice().into()), OUT_OF_RANGE);
    assert_eq!(change(&|item| item.salt[0] ^= 1), Some(ReshareError::NotOpened { item: 0 }));
}

/// The identity, and for each curve what is off it, not canonical, or of small order: refused in
/// either message without ever being decoded.
fn points_that_are_none_are_refused<C: Curve>() {
    let setup = setup::<C>();
    let g = bytes::<C>(setup.offered_value());
    let mut points =
        vec![vec![0; C::POINT_LEN], vec![0xff; C::POINT_LEN], Vec::new(), vec![0; 200]];
    for first in 0..=255 {
        let mut point = point::<C>(setup.r1);
        if point[0] != first {
            point[0] = first;
            points.push(point);
        }
    }
    if C::ID == CurveId::Ed25519 {
        let r1 = C::Point::generator() * setup.r1;
        let r1 = C::encode([r1])[0].as_ref().try_into().unwrap();
        let r1 = curve25519_dalek::edwards::CompressedEdwardsY(r1).decompress().unwrap();
        for torsion in &curve25519_dalek::constants::EIGHT_TORSION[1..] {
            points.push((r1 + torsion).compress().to_bytes().to_vec());
            points.push(torsion.compress().to_bytes().to_vec());
        }
    }
    for point in points {
        assert_eq!(setup.offer_verdict(g.clone(), point.clone()), NOT_COMMITTED);
        let mut item = setup.response();
        item.point = point;
        assert_eq!(setup.response_verdict(item, &[]), NOT_COMMITTED);
    }
}

/// It would answer with another `r₂` than it had committed to, chosen after it has seen `R₁`: here
/// the one that repeats its old share.
fn a_custodian_that_chooses_its_share_late_is_refused<C: Curve>() {
    let setup = setup::<C>();
    let f2 = scalar::<C>(&setup.custodian.expose_secret());
    // f′(2) = g₁(2) − f(2) + 2·r₂ = f(2)
    let r2 = (f2.double() - setup.offered_value()) * C::Scalar::TWO_INV;
    let item = ResponseItem {
        value: bytes::<C>(r2 - f2),
        point: point::<C>(r2),
        salt: setup.response().salt,
    };
    let verdict = setup.response_verdict(item, &[]);
    assert_eq!(verdict, Some(ReshareError::NotOpened { item: 0 }));
}

/// Both new shares would be the key itself.
fn a_zero_slope_is_refused<C: Curve>() {
    let setup = setup_with::<C>(vec![item(0, C::ID, backup(1), backup(2))], |r1| Some(-r1));
    let degenerate = Some(ReshareError::Degenerate { item: 0 });
    // By an honest custodian,
    let fitting = point::<C>(setup.r1);
    assert_eq!(setup.offer_verdict(bytes::<C>(setup.offered_value()), fitting), degenerate);
    // and by the client when the custodian is not.
    let (f2, r2) = (scalar::<C>(&setup.custodian.expose_secret()), -setup.r1);
    let item = ResponseItem { value: bytes::<C>(r2 - f2), point: point::<C>(r2), salt: [9; 32] };
    assert_eq!(setup.response_verdict(item, &[]), degenerate);
}

fn a_known_slope_is_refused<C: Curve>() {
    let slope = |client: &AnyClientShare, custodian: &AnyCustodianShare| {
        scalar::<C>(&custodian.expose_secret()) - scalar::<C>(&client.expose_secret())
    };
    let known_slope = |item| Some(ReshareError::KnownSlope { item });
    let one = vec![item(0, C::ID, backup(1), backup(2))];
    let (_, client, custodian) = dealt(0, C::ID, backup(1), &mut rng(1));

    // The present one: nothing would have changed.
    let present = slope(&client, &custodian);
    let setup = setup_with::<C>(one.clone(), |r1| Some(present - r1));
    let f2 = scalar::<C>(&custodian.expose_secret());
    assert_eq!(
        setup.offer_verdict(bytes::<C>(setup.offered_value()), point::<C>(setup.r1)),
        known_slope(0)
    );
    let response =
        |r2| ResponseItem { value: bytes::<C>(r2 - f2), point: point::<C>(r2), salt: [9; 32] };
    assert_eq!(setup.response_verdict(response(present - setup.r1), &[]), known_slope(0));

    // That of another epoch: of the signing pair, say, whose shares would combine with these.
    let mut id = client.id();
    id.sharing.purpose = Purpose::Signing;
    let (key, ..) = dealt(0, C::ID, backup(1), &mut rng(1));
    let (other_client, other_custodian) = key.split(id, &mut rng(8));
    let other = slope(&other_client, &other_custodian);
    let setup = setup_with::<C>(one, |r1| Some(other - r1));
    let verdict =
        |known: &[AnyCommitment]| setup.response_verdict(response(other - setup.r1), known);
    assert_eq!(verdict(&[other_client.commitment()]), known_slope(0));
    assert_eq!(verdict(&[]), None);

    // That of another item of the same exchange.
    let two = vec![
        item(0, C::ID, backup(1), backup(2)),
        item(0, C::ID, backup(1), stage(Purpose::Signing, 1)),
    ];
    let setup = setup_with::<C>(two, |r1| Some(other - r1));
    let digest = setup.digest();
    let committed =
        CustodianCommitted::from_bytes(setup.committed.to_bytes().expose_secret()).unwrap();
    assert_eq!(committed.respond(&setup.offer, &[custodian]).err(), known_slope(1));
    let offers = setup.offer.items_for(&digest, 2).unwrap();
    let answers = offers
        .iter()
        .map(|item| {
            let f1 = scalar::<C>(&client.expose_secret());
            response(other - (scalar::<C>(&item.value) * C::Scalar::TWO_INV - f1))
        })
        .collect();
    let error = setup.offered.finish(&Response::new(digest, answers), &[]).unwrap_err();
    assert_eq!(Some(error), known_slope(1));
}

/// It knows `F₂` only. It commits to `R₂ = u·G + F₂` and answers `u`, so that every equation holds;
/// but it does not know its new share, and cannot prove it.
fn a_custodian_without_its_old_share_is_refused<C: Curve>() {
    let (_, client, custodian) = dealt(0, C::ID, backup(1), &mut rng(1));
    let context = refresh::<C>();
    let digest = context.digest().unwrap();
    let u = C::Scalar::from(12345);
    let f2 = scalar::<C>(&custodian.expose_secret());
    let r2_point = point::<C>(u + f2);
    let early = [opening(&digest, 0, &[9; 32], &r2_point)];
    let (offered, offer) =
        ClientOffered::new(context.clone(), &early, &[client], &mut rng(3)).unwrap();
    let answer = ResponseItem { value: bytes::<C>(u), point: r2_point, salt: [9; 32] };
    let reshared = offered.finish(&Response::new(digest, vec![answer]), &[]).unwrap();

    let statement = context.statement(reshared.commitments(), [3; 32], [4; 32], [5; 32]);
    // The best that it has: what its new share would be, had f(2) been 0.
    let g = scalar::<C>(&offer.items_for(&digest, 1).unwrap()[0].value);
    let guess = SecretScalar::<C>::new(g + u.double());
    let commitment = typed::<C>(&reshared.commitments()[0]);
    let id = context.target(&context.items[0]);
    let guess = Share::<C, Custodian>::from_parts(id, commitment, guess);
    let proof = guess.prove(&statement, &mut rng(5));
    let error = reshared.accept(&statement, &[proof]).unwrap_err();
    assert_eq!(error, UnprovenError::Proof { item: 0, source: ProofError::Invalid });
}

/// It can make an offer that fits, from `F₁` alone; but it proves nothing with it, and what it gets
/// for it, were it answered all the same, does not lead to a share.
fn a_client_without_its_old_share_proves_nothing<C: Curve>() {
    let setup = setup::<C>();
    let u = C::Scalar::from(12345);
    // R₁ = u·G − F₁, g₁(2) = 2·u
    let f1 = scalar::<C>(&setup.client.expose_secret());
    let verdict = setup.offer_verdict(bytes::<C>(u.double()), point::<C>(u - f1));
    assert_eq!(verdict, None);
    let commitment = setup.client.commitment();
    let statement = setup.context.statement(vec![commitment.clone()], [3; 32], [4; 32], [5; 32]);
    let id = setup.client.id();
    let guess = Share::<C, Client>::from_parts(id, typed::<C>(&commitment), SecretScalar::new(u));
    let proof = guess.prove(&statement, &mut rng(5));
    let verdict =
        commitment.verify_possession(Role::Client, Purpose::Backup, 0, &statement, &proof);
    assert_eq!(verdict, Err(ProofError::Invalid));
}

fn typed<C: Curve>(commitment: &AnyCommitment) -> crate::share::Commitment<C> {
    crate::share::Commitment::from_bytes(&commitment.to_bytes()).unwrap()
}

/// One holds a share of another sharing under the same name: of another dealing of the same key, or
/// of another key.
fn parties_of_two_sharings_do_not_meet<C: Curve>() {
    let (key, client, custodian) = dealt(0, C::ID, backup(1), &mut rng(1));
    let (same_key_client, same_key_custodian) = key.split(client.id(), &mut rng(8));
    let (_, other_client, other_custodian) = dealt(0, C::ID, backup(1), &mut rng(9));
    for (client, custodian) in [
        (&client, &same_key_custodian),
        (&client, &other_custodian),
        (&same_key_client, &custodian),
        (&other_client, &custodian),
    ] {
        let (client, custodian) = ([client.clone()], [custodian.clone()]);
        let error = exchange(&refresh::<C>(), &client, &custodian, &mut rng(2)).unwrap_err();
        assert_eq!(Some(error), NOT_COMMITTED);
    }
}

fn proofs_for_something_else_are_refused<C: Curve>() {
    let finish = || {
        let setup = setup::<C>();
        let (shares, response) = setup.committed.respond(&setup.offer, &[setup.custodian]).unwrap();
        (setup.context, shares, setup.offered.finish(&response, &[]).unwrap())
    };
    let (context, shares, reshared) = finish();
    let statement = context.statement(reshared.commitments(), [3; 32], [4; 32], [5; 32]);
    let proof = shares[0].prove(&statement, &mut rng(5));
    assert!(reshared.accept(&statement, &[proof]).is_ok());

    let verdict = |statement: &Statement, proofs: &[Proof]| {
        let (_, _, reshared) = finish();
        reshared.accept(statement, proofs).unwrap_err()
    };
    assert_eq!(verdict(&statement, &[]), UnprovenError::Count { expected: 1, found: 0 });
    assert_eq!(verdict(&statement, &[proof; 2]), UnprovenError::Count { expected: 1, found: 2 });
    let mut other = statement.clone();
    other.body[0] ^= 1;
    let refused = UnprovenError::Proof { item: 0, source: ProofError::Invalid };
    assert_eq!(verdict(&other, &[proof]), refused);
    // A proof that holds, under a statement about something else.
    let changes: [fn(&mut Statement); 4] = [
        |s| s.operation_id = OperationId::from_bytes([8; 16]),
        |s| s.wallet = WalletId::from_bytes([8; 16]),
        |s| s.commitments.clear(),
        |s| s.epochs.clear(),
    ];
    for change in changes {
        let mut other = statement.clone();
        change(&mut other);
        let proof = shares[0].prove(&other, &mut rng(5));
        assert_eq!(verdict(&other, &[proof]), UnprovenError::StatementMismatch);
    }
}

/// Replayed, reordered, and from another session, wallet, user, custodian, curve, purpose or epoch.
fn messages_of_other_exchanges_are_refused<C: Curve>() {
    let other_curve = if C::ID == CurveId::Ed25519 { CurveId::Secp256k1 } else { CurveId::Ed25519 };
    let changes: [&dyn Fn(&mut Context); 12] = [
        &|c| c.operation_id = OperationId::from_bytes([9; 16]),
        &|c| c.wallet = WalletId::from_bytes([8; 16]),
        &|c| c.user.push('2'),
        &|c| c.custodian[0] ^= 1,
        &|c| c.kind = WalletKind::SingleKey,
        &|c| c.operation = Operation::Refresh,
        &|c| c.items[0].curve = other_curve,
        &|c| c.items[0].index = 1,
        &|c| c.items[0].to = backup(3),
        &|c| c.items[0].to = stage(Purpose::Signing, 1),
        &|c| c.items[0].to.purpose = Purpose::Signing,
        &|c| c.items.push(item(1, C::ID, backup(1), backup(2))),
    ];
    for change in changes {
        let (ours, setup) = (setup::<C>(), setup::<C>());
        let mut context = setup.context.clone();
        change(&mut context);
        // The message of our exchange in the other one.
        let (committed, early) = CustodianCommitted::new(context.clone(), &mut rng(2)).unwrap();
        let error = committed.respond(&setup.offer, from_ref(&setup.custodian)).unwrap_err();
        assert_eq!(error, ReshareError::ContextMismatch);
        let (_, response) = setup.committed.respond(&setup.offer, &[setup.custodian]).unwrap();
        let shares: Vec<_> = context
            .items
            .iter()
            .map(|item| {
                let mut id = context.source(item);
                id.sharing.wallet = context.wallet;
                AnySigningKey::make(item.curve, &mut rng(4)).split(id, &mut rng(5)).0
            })
            .collect();
        let (offered, other_offer) =
            ClientOffered::new(context, &early, &shares, &mut rng(3)).unwrap();
        let error = offered.finish(&response, &[]).unwrap_err();
        assert_eq!(error, ReshareError::ContextMismatch);
        // And the other way round.
        let error = ours.committed.respond(&other_offer, &[ours.custodian]).unwrap_err();
        assert_eq!(error, ReshareError::ContextMismatch);
    }
    // An offer that is answered twice by two states is two exchanges: the second response does not
    // open what the client was told first.
    let setup = setup::<C>();
    let (again, _) = CustodianCommitted::new(setup.context.clone(), &mut rng(77)).unwrap();
    let (_, response) = again.respond(&setup.offer, &[setup.custodian]).unwrap();
    let error = setup.offered.finish(&response, &[]).unwrap_err();
    assert_eq!(error, ReshareError::NotOpened { item: 0 });
}

/// The early commitment is to one point, behind one salt, at one place of one exchange.
#[test]
fn an_early_commitment_opens_once() {
    let early = opening(&[1; 32], 0, &[2; 32], &[3; 33]);
    assert_ne!(opening(&[9; 32], 0, &[2; 32], &[3; 33]), early);
    assert_ne!(opening(&[1; 32], 1, &[2; 32], &[3; 33]), early);
    assert_ne!(opening(&[1; 32], 0, &[9; 32], &[3; 33]), early);
    assert_ne!(opening(&[1; 32], 0, &[2; 32], &[9; 33]), early);
}

#[test]
fn messages_with_more_or_fewer_items_are_refused() {
    let ours = || setup::<crate::curve::Ed25519>();
    let digest = ours().digest();
    let r1 = point::<crate::curve::Ed25519>(ours().r1);
    let value = bytes::<crate::curve::Ed25519>(ours().offered_value());
    for found in [0, 2] {
        let offered = || OfferItem { value: value.clone(), point: r1.clone() };
        let offer = Offer::new(digest, (0..found).map(|_| offered()).collect());
        let Setup { committed, custodian, .. } = ours();
        let error = committed.respond(&offer, &[custodian]).unwrap_err();
        assert_eq!(error, ReshareError::Count { expected: 1, found });
        let response = Response::new(digest, (0..found).map(|_| ours().response()).collect());
        let error = ours().offered.finish(&response, &[]).unwrap_err();
        assert_eq!(error, ReshareError::Count { expected: 1, found });
    }
}

/// A kept state whose context names another share than the one it keeps.
#[test]
fn a_kept_state_with_another_share_is_refused() {
    let setup = setup::<crate::curve::Ed25519>();
    let mut other = setup.context.clone();
    other.items[0].from = stage(Purpose::Signing, 1);
    let mut writer = write_head(Kind::ReshareClientOffered, 2, 1024);
    writer = other.write_to(writer).array(1);
    let kept = setup.offered.items[0].write_to(writer).finish();
    let error = ClientOffered::from_bytes(kept.expose_secret()).unwrap_err();
    assert_eq!(error, MessageError::Malformed);
}

#[test]
fn items_that_change_places_are_refused() {
    let rng = &mut rng(1);
    let (_, client, custodian) = dealt(0, CurveId::Ed25519, backup(1), rng);
    let context = context(vec![
        item(0, CurveId::Ed25519, backup(1), backup(2)),
        item(0, CurveId::Ed25519, backup(1), stage(Purpose::Signing, 1)),
    ]);
    let (committed, early) = CustodianCommitted::new(context.clone(), rng).unwrap();
    let (offered, offer) = ClientOffered::new(context, &early, &[client], rng).unwrap();
    let (_, mut response) = committed.respond(&offer, &[custodian]).unwrap();
    response.items.swap(0, 1);
    let error = offered.finish(&response, &[]).unwrap_err();
    assert_eq!(error, ReshareError::NotOpened { item: 0 });
}

#[test]
fn contexts_that_make_no_sense_are_refused() {
    let rng = &mut rng(1);
    let mut verdict = |items: Vec<Item>, user: &str| {
        let mut context = context(items);
        user.clone_into(&mut context.user);
        CustodianCommitted::new(context, rng).map(|_| ()).unwrap_err()
    };
    let good = item(0, CurveId::Ed25519, backup(1), backup(2));
    let count = |count| ReshareError::Context(ContextError::ItemCount { count, max: MAX_ITEMS });
    assert_eq!(verdict(Vec::new(), ""), count(0));
    assert_eq!(verdict(vec![good; MAX_ITEMS + 1], ""), count(MAX_ITEMS + 1));
    assert_eq!(verdict(vec![good, good], ""), ContextError::SameTarget { item: 1 }.into());
    for (from, to) in [(2, 2), (3, 2)] {
        let item = item(0, CurveId::Ed25519, backup(from), backup(to));
        assert_eq!(verdict(vec![item], ""), ContextError::EpochNotLater { item: 0 }.into());
    }
    let len = MAX_USER_LEN + 1;
    let expected = ContextError::UserTooLong { len, max: MAX_USER_LEN }.into();
    assert_eq!(verdict(vec![good], &"u".repeat(len)), expected);
}

#[test]
fn shares_that_the_items_do_not_name_are_missed() {
    let rng = &mut rng(1);
    let (_, client, _) = dealt(0, CurveId::Ed25519, backup(1), rng);
    for missing in [
        item(1, CurveId::Ed25519, backup(1), backup(3)),
        item(0, CurveId::Secp256k1, backup(1), backup(3)),
        item(0, CurveId::Ed25519, backup(2), backup(3)),
        item(0, CurveId::Ed25519, stage(Purpose::Signing, 1), backup(3)),
    ] {
        let good = item(0, CurveId::Ed25519, backup(1), backup(2));
        let context = context(vec![good, missing]);
        let (_, early) = CustodianCommitted::new(context.clone(), rng).unwrap();
        let shares = from_ref(&client);
        let error = ClientOffered::new(context.clone(), &early, shares, rng).unwrap_err();
        assert_eq!(error, ReshareError::MissingShare { item: 1 });
        let error = ClientOffered::new(context, &early[..1], shares, rng).unwrap_err();
        assert_eq!(error, ReshareError::Count { expected: 2, found: 1 });
    }
    // The custodian's side, with an offer that is right.
    let context = context(vec![item(0, CurveId::Ed25519, backup(1), backup(2))]);
    let (committed, early) = CustodianCommitted::new(context.clone(), rng).unwrap();
    let (_, offer) = ClientOffered::new(context, &early, &[client], rng).unwrap();
    let error = committed.respond(&offer, &[]).unwrap_err();
    assert_eq!(error, ReshareError::MissingShare { item: 0 });
}
