//! What a custodian refuses of a wallet that arrives, field by field.

use std::collections::BTreeMap;

use rand::{SeedableRng as _, rngs::StdRng};
use twoshare_core::{
    channel::EphemeralSecret,
    curve::AnySigningKey,
    id::{CurveId, Epoch, OperationId, Purpose, Sharing, WalletId, WalletKind},
    identity::CustodianKeys,
    proof::Stage,
    share::KeyId,
};

use super::*;
use crate::{
    engine::Material,
    rules::{Active, Freezes, Highest, Parts, Policy},
    session::AskedArrival,
};

const USER: &str = "alice";
const THERE: &str = "alice there";

/// A wallet that has left one custodian, on its way to the other.
struct Way {
    source: CustodianKeys,
    destination: CustodianKeys,
    session: Session,
    arriving: Arriving,
    /// The same client's, for the same exchange, made when it had its answer.
    late: SecretBytes,
    policy: Policy,
}

fn desk<'a>(
    keys: &'a CustodianKeys,
    policy: &'a Policy,
    user: &'a str,
    rng: &'a mut StdRng,
) -> Desk<'a> {
    Desk { keys, policy, user, now: 10, rng }
}

fn epoch(number: u64) -> Epoch {
    Epoch::new(number).unwrap()
}

fn new_row() -> Row {
    Row::new(WalletKind::SingleKey, 10)
}

fn way(seed: u64) -> Way {
    let mut rng = StdRng::seed_from_u64(seed);
    let (source, destination) = (CustodianKeys::make(&mut rng), CustodianKeys::make(&mut rng));
    let policy = Policy::default();
    let wallet = WalletId::from_bytes([7; 16]);
    let sharing = Sharing { wallet, purpose: Purpose::Backup, epoch: epoch(1) };
    let (mine, theirs): (Vec<_>, Vec<_>) = [CurveId::Secp256k1, CurveId::Ed25519]
        .into_iter()
        .zip(0..)
        .map(|(curve, index)| {
            AnySigningKey::make(curve, &mut rng).split(KeyId { sharing, index }, &mut rng)
        })
        .unzip();
    let material = Material::of_shares(theirs.clone());
    let mut row = Row::from_parts(Parts {
        kind: WalletKind::SingleKey,
        now: 10,
        signing: None,
        backup: Some(Active { epoch: epoch(1), material, envelope: None }),
        restorable: None,
        pending: None,
        request: None,
        freezes: Freezes::default(),
        approved: None,
        window: Some(1000),
        highest: Highest { signing: 0, backup: 1 },
        ended: BTreeMap::new(),
        outcomes: BTreeMap::new(),
        custody: None,
    });
    let to = Party {
        custodian: *destination.identity(),
        user: THERE.to_owned(),
        wallet,
        kind: WalletKind::SingleKey,
    };
    let stages = vec![Stage { purpose: Purpose::Backup, epoch: epoch(2) }];
    let id = OperationId::from_bytes([1; 16]);
    let asked = AskedArrival::new(to, *source.identity(), id, &mine, stages).unwrap();
    let there = desk(&destination, &policy, THERE, &mut rng).begin(None, asked.message().clone());
    let (session, begun) = there.unwrap();
    let asked = asked.depart(begun, USER).unwrap();
    let here = desk(&source, &policy, USER, &mut rng).begin(Some(&row), asked.message().clone());
    let (leaves, begun) = here.unwrap();
    let party = Party {
        custodian: *source.identity(),
        user: USER.to_owned(),
        wallet,
        kind: WalletKind::SingleKey,
    };
    let context = reshare_context(&party, asked.message());
    let early = &begun.unverified().early;
    let (_, late) = reshare::ClientOffered::new(context, early, &mine, &mut rng).unwrap();
    let departing = asked.request(&begun, &mine, &mut rng).unwrap();
    let mut desk = desk(&source, &policy, USER, &mut rng);
    let known = *destination.identity();
    let checked =
        desk.check_depart(&mut row, Box::new(leaves), departing.message(), |other| *other == known);
    let (departed, _) = checked.unwrap().answer(&mut desk, &theirs).unwrap();
    let (secret, offer) = departing.peek(&departed);
    let arriving = Arriving { offer, parcel: secret.parcel };
    Way { source, destination, session, arriving, late: late.to_bytes(), policy }
}

impl Way {
    fn arrive(&self, arriving: &Arriving) -> Result<(), PrepareError> {
        let mut rng = StdRng::seed_from_u64(9);
        let desk = desk(&self.destination, &self.policy, THERE, &mut rng);
        desk.open_parcel(&self.session, &arriving.to_bytes(), &new_row()).map(drop)
    }

    fn parcel(&self) -> Parcel {
        let parcel = Signed::<Parcel>::from_bytes(self.arriving.parcel.expose_secret()).unwrap();
        parcel.unverified().clone()
    }

    /// With another parcel, which these keys sign.
    fn with(&self, parcel: Parcel, keys: &CustodianKeys) -> Arriving {
        let parcel = Signed::sign(parcel, keys).to_bytes();
        Arriving { parcel, offer: self.arriving.offer.clone() }
    }
}

#[test]
fn what_left_arrives() {
    let way = way(1);
    way.arrive(&way.arriving).unwrap();
    way.arrive(&way.with(way.parcel(), &way.source)).unwrap();
}

/// Even where the old custodian itself signs it.
#[test]
fn every_field_of_a_parcel_is_what_was_begun() {
    let (way, other) = (way(1), way(2));
    type Change = fn(&mut ParcelBody, &ParcelBody);
    let changes: [(&str, Change); 14] = [
        ("custodian", |body, other| body.custodian = other.custodian),
        ("user", |body, _| body.user = "mallory".to_owned()),
        ("wallet", |body, _| body.wallet = WalletId::from_bytes([8; 16])),
        ("kind", |body, _| body.kind = WalletKind::Mpc),
        ("id", |body, _| body.id = OperationId::from_bytes([2; 16])),
        ("from", |body, _| body.from.epoch = epoch(9)),
        ("to", |body, _| body.to.iter_mut().for_each(|stage| stage.epoch = epoch(9))),
        ("no stages", |body, _| body.to.clear()),
        ("commitments", |body, other| body.commitments.clone_from(&other.commitments)),
        ("fewer commitments", |body, _| body.commitments.truncate(1)),
        ("destination", |body, other| body.destination = other.destination),
        ("begun", |body, other| body.begun = other.begun),
        ("offer", |body, other| body.offer = other.offer),
        ("ephemeral", |body, other| body.ephemeral = other.ephemeral),
    ];
    for (field, change) in changes {
        let mut parcel = way.parcel();
        change(&mut parcel.body, &other.parcel().body);
        assert!(way.arrive(&way.with(parcel, &way.source)).is_err(), "{field}");
    }
}

#[test]
fn nobody_else_signs_a_parcel() {
    let (way, other) = (way(1), way(2));
    for keys in [&way.destination, &other.source] {
        let refused = way.arrive(&way.with(way.parcel(), keys));
        assert_eq!(refused, Err(PrepareError::Material));
    }
}

#[test]
fn a_flipped_bit_is_refused() {
    let way = way(1);
    for (name, bytes) in [("parcel", &way.arriving.parcel), ("offer", &way.arriving.offer)] {
        for bit in (0..8 * bytes.len()).step_by(37) {
            let mut flipped = bytes.expose_secret().to_vec();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let mut arriving = way.arriving.clone();
            match name {
                "parcel" => arriving.parcel = flipped.into(),
                _ => arriving.offer = flipped.into(),
            }
            assert!(way.arrive(&arriving).is_err(), "{name}, bit {bit}");
        }
    }
}

/// Another client's part, or one that was chosen after the old custodian had answered.
#[test]
fn an_offer_belongs_to_its_parcel() {
    let (way, other) = (way(1), way(2));
    let arriving = Arriving { offer: other.arriving.offer, ..way.arriving.clone() };
    assert_eq!(way.arrive(&arriving), Err(PrepareError::Material));
    // It fits, and is not the one that the client was bound to.
    let arriving = Arriving { offer: way.late.clone(), ..way.arriving.clone() };
    assert_eq!(way.arrive(&arriving), Err(PrepareError::Material));
}

/// It opens for the custodian that it is for, in the session that it is for.
#[test]
fn a_parcel_is_for_one_session() {
    let way = way(1);
    let mut again = way.session.begun.clone();
    let ephemeral = EphemeralSecret::make(&mut StdRng::seed_from_u64(5));
    again.ephemeral = ephemeral.public_key();
    let parcel = way.parcel();
    let mut named = parcel.clone();
    named.body.begun = digest(&again);
    let session = Session { begun: again, ephemeral, ..way.session };
    let way = Way { session, ..way };
    assert_eq!(way.arrive(&way.arriving), Err(PrepareError::Material));
    // Nor where it names this one: it was sealed for the other.
    let arriving = way.with(named, &way.source);
    assert_eq!(way.arrive(&arriving), Err(PrepareError::Sealed));
}
