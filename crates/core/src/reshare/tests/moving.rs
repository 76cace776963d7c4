//! A sharing that moves from one custodian to another.

use super::*;
use crate::proof::UnprovenError;

/// What all three have said, before the next custodian believes any of it.
struct Said {
    context: Context,
    key: AnySigningKey,
    client: AnyClientShare,
    custodian: AnyCustodianShare,
    offered: ClientOffered,
    offer: Offer,
    response: Response,
    parcel: Parcel,
}

fn said<C: Curve>(seed: u8) -> Said {
    let rng = &mut rng(seed);
    let (key, client, custodian) = dealt(0, C::ID, backup(1), rng);
    let signing = stage(Purpose::Signing, 4);
    let items = vec![item(0, C::ID, backup(1), signing), item(0, C::ID, backup(1), backup(2))];
    let context = Context { operation: Operation::Move, ..context(items) };
    let (committed, early) = CustodianCommitted::new(context.clone(), rng).unwrap();
    let (offered, offer) =
        ClientOffered::new(context.clone(), &early, from_ref(&client), rng).unwrap();
    let (response, parcel) = committed.depart(from_ref(&custodian)).unwrap();
    Said { context, key, client, custodian, offered, offer, response, parcel }
}

impl Said {
    fn arrive(&self) -> Result<Vec<AnyCustodianShare>, ReshareError> {
        arrive(&self.context, &self.offer, &self.parcel, &[self.client.commitment()])
    }

    /// The same message with another byte string in it.
    fn tampered_parcel(&self, find: &[u8], put: &[u8]) -> Parcel {
        Parcel::from_bytes(&replaced(self.parcel.to_bytes().expose_secret(), find, put)).unwrap()
    }
}

fn replaced(bytes: &[u8], find: &[u8], put: &[u8]) -> Vec<u8> {
    let at = bytes.windows(find.len()).position(|window| window == find).unwrap();
    [&bytes[..at], put, &bytes[at + find.len()..]].concat()
}

on_every_curve! {
    the_key_moves,
    what_moved_does_not_combine_with_what_was,
    what_the_old_one_gives_away_is_its_share,
    tampered_parts_are_refused,
    another_exchange_is_refused,
    only_the_next_custodian_can_prove,
    parcels_come_back_and_nothing_else_is_read,
}

fn the_key_moves<C: Curve>() {
    proptest!(ProptestConfig::with_cases(16), |(seed: u8)| {
        let said = said::<C>(seed);
        let theirs = said.arrive().unwrap();
        let Said { context, key, offered, response, .. } = said;
        let moved = offered.finish_moved(&response, &[], [8; 32], "other").unwrap();
        let mut statement = context.statement(moved.commitments(), [3; 32], [4; 32], [5; 32]);
        (statement.custodian, statement.user) = ([8; 32], "other".to_owned());
        let rng = &mut rng(seed);
        let proofs: Vec<_> = theirs.iter().map(|share| share.prove(&statement, rng)).collect();
        let mine = moved.accept(&statement, &proofs).unwrap();
        prop_assert_eq!(mine.len(), 2);
        for (mine, theirs) in mine.iter().zip(&theirs) {
            prop_assert_eq!(mine.id(), theirs.id());
            let read = AnyCustodianShare::from_bytes(theirs.to_bytes().expose_secret());
            prop_assert!(read.is_ok());
            let again = AnySigningKey::reconstruct(mine, theirs, &key.verifying_key()).unwrap();
            let (again, key) = (again.expose_secret(), key.expose_secret());
            prop_assert_eq!(again.expose_secret(), key.expose_secret());
        }
    });
}

fn what_moved_does_not_combine_with_what_was<C: Curve>() {
    let said = said::<C>(1);
    let theirs = said.arrive().unwrap();
    let Said { key, client, custodian, offered, response, .. } = said;
    let mine = offered.combine(&response, &[]).unwrap();
    let key = key.verifying_key();
    for (mine, theirs) in [(&client, &theirs[1]), (&mine[1], &custodian), (&mine[0], &theirs[1])] {
        let combined = AnySigningKey::reconstruct(mine, theirs, &key);
        assert!(matches!(
            combined,
            Err(ReconstructError::EpochMismatch { .. } | ReconstructError::PurposeMismatch { .. })
        ));
        // Not even under a false name.
        let value = theirs.expose_secret();
        let renamed = AnyCustodianShare::new(mine.id(), mine.commitment(), value.expose_secret());
        assert!(renamed.is_err());
    }
}

/// Why a parcel is sealed to the next custodian, and the client never sees it.
fn what_the_old_one_gives_away_is_its_share<C: Curve>() {
    let said = said::<C>(2);
    // −f(2) = 2·g₂(1) − g₂(2)
    let value = |bytes: &SecretBytes| {
        let bytes = bytes.expose_secret().try_into().unwrap();
        crate::curve::SecretScalar::<C>::from_bytes(bytes).unwrap()
    };
    let first = value(&said.response.items[1].value);
    let second = value(&said.parcel.items[1].value);
    let share = second.sub(&first.double()).expose_secret();
    let found = AnyCustodianShare::new(
        said.custodian.id(),
        said.custodian.commitment(),
        share.expose_secret(),
    );
    assert!(found.is_ok());
}

fn tampered_parts_are_refused<C: Curve>() {
    let mut said = said::<C>(3);
    let mut other = super::moving::said::<C>(4);
    let places = [0, 1];
    for place in places {
        let refused = Err(ReshareError::NotCommitted { item: place });
        let [value, point] =
            [&said.parcel, &other.parcel].map(|parcel| parcel.items[place].value.clone());
        let tampered = said.tampered_parcel(value.expose_secret(), point.expose_secret());
        let intact = std::mem::replace(&mut said.parcel, tampered);
        assert_eq!(said.arrive().map(drop), refused);
        said.parcel = intact;
        let [mine, theirs] =
            [&said.parcel, &other.parcel].map(|parcel| parcel.items[place].point.clone());
        let tampered = said.tampered_parcel(&mine, &theirs);
        let intact = std::mem::replace(&mut said.parcel, tampered);
        assert_eq!(said.arrive().map(drop), refused);
        said.parcel = intact;
        let tampered = said.tampered_parcel(value.expose_secret(), &[0xff; 32]);
        let intact = std::mem::replace(&mut said.parcel, tampered);
        assert_eq!(said.arrive().map(drop), Err(ReshareError::OutOfRange { item: place }));
        said.parcel = intact;
    }
    // Another client's part, for the very same exchange.
    std::mem::swap(&mut said.offer, &mut other.offer);
    assert_eq!(said.arrive().map(drop), Err(ReshareError::NotCommitted { item: 0 }));
    std::mem::swap(&mut said.offer, &mut other.offer);
    // Of another sharing than the one that is vouched for.
    let present = [other.client.commitment()];
    let refused = arrive(&said.context, &said.offer, &said.parcel, &present).map(drop);
    assert_eq!(refused, Err(ReshareError::NotCommitted { item: 0 }));
    let refused = arrive(&said.context, &said.offer, &said.parcel, &[]).map(drop);
    assert_eq!(refused, Err(ReshareError::MissingShare { item: 0 }));
    assert!(said.arrive().is_ok());
    // What the client is told by another.
    let finished = said.offered.finish_moved(&other.response, &[], [8; 32], "user").map(drop);
    assert_eq!(finished, Err(ReshareError::NotCommitted { item: 0 }));
}

fn another_exchange_is_refused<C: Curve>() {
    let said = said::<C>(5);
    let mut contexts = vec![said.context.clone(); 5];
    contexts[0].custodian = [9; 32];
    contexts[1].user = "other".to_owned();
    contexts[2].operation_id = OperationId::from_bytes([9; 16]);
    contexts[3].kind = WalletKind::SingleKey;
    contexts[4].operation = Operation::Recover;
    for context in contexts {
        let arrived = arrive(&context, &said.offer, &said.parcel, &[said.client.commitment()]);
        assert_eq!(arrived.map(drop), Err(ReshareError::ContextMismatch));
    }
    let short = Context { items: said.context.items[..1].to_vec(), ..said.context.clone() };
    let arrived = arrive(&short, &said.offer, &said.parcel, &[said.client.commitment()]);
    assert_eq!(arrived.map(drop), Err(ReshareError::ContextMismatch));
    // Two offers of one exchange have two digests.
    assert_ne!(said.offer.digest(), super::moving::said::<C>(6).offer.digest());
}

fn only_the_next_custodian_can_prove<C: Curve>() {
    let said = said::<C>(7);
    let theirs = said.arrive().unwrap();
    let Said { context, offered, response, .. } = said;
    let moved = offered.finish_moved(&response, &[], [8; 32], "other").unwrap();
    // In the old custodian's name.
    let statement = context.statement(moved.commitments(), [3; 32], [4; 32], [5; 32]);
    let proofs: Vec<_> = theirs.iter().map(|share| share.prove(&statement, &mut rng(9))).collect();
    let refused = moved.accept(&statement, &proofs).map(drop);
    assert_eq!(refused, Err(UnprovenError::StatementMismatch));
}

fn parcels_come_back_and_nothing_else_is_read<C: Curve>() {
    let said = said::<C>(8);
    let bytes = said.parcel.to_bytes();
    let bytes = bytes.expose_secret();
    assert_eq!(Parcel::from_bytes(bytes).unwrap().to_bytes().expose_secret(), bytes);
    for cut in 0..bytes.len() {
        assert!(Parcel::from_bytes(&bytes[..cut]).is_err(), "{cut}");
    }
    assert!(Parcel::from_bytes(&[bytes, &[0]].concat()).is_err());
    assert!(Parcel::from_bytes(said.offer.to_bytes().expose_secret()).is_err());
    assert!(Offer::from_bytes(bytes).is_err());
    assert!(format!("{:?}", said.parcel).contains("redacted"));
}
