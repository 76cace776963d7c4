//! Writing a new envelope.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use twoshare::{
    Place, StoreId, StorePolicy, Stores,
    core::{
        container::{self, Content},
        envelope::TestOpenError,
        store::{
            EnvelopeStore as _, FetchError, GetError, IndependentOperator, Operator, PutError,
            StoreFault, TrustCustodianAlone, WriteError,
        },
    },
    protocol::custodian::UploadError,
    stores::{Failed, KeepError, StoresError, TimedOut, WriteStoresError},
};

use crate::fixture::{EVERY_FAULT, Fault, FaultyCustodian, Pin, Store, USER, World, at_least, id};

/// Whether a store that does this wrong says so in the right words.
fn is_told(fault: Fault, error: &KeepError) -> bool {
    use KeepError::{ReadBack, Upload, Write};
    match fault {
        Fault::Full => {
            matches!(error, Write(WriteError::Put(PutError::Full)) | Upload(UploadError::TooMany))
        }
        Fault::Denied => matches!(
            error,
            Write(WriteError::Put(PutError::Fault(StoreFault::Denied { .. })))
                | Upload(UploadError::TooMany)
        ),
        Fault::Unreachable => matches!(
            error,
            Write(WriteError::Put(PutError::Fault(StoreFault::Unavailable {
                retry_after: Some(7),
                ..
            }))) | Upload(UploadError::Unavailable(_))
        ),
        Fault::Hangs => is_timed_out(error),
        Fault::Loses => matches!(error, ReadBack(FetchError::Get(GetError::NotFound))),
        Fault::Damages => {
            matches!(error, ReadBack(FetchError::Container(_) | FetchError::Envelope(_)))
                || matches!(error, ReadBack(FetchError::OtherEnvelope { .. }))
        }
        Fault::MixesUp => matches!(error, ReadBack(FetchError::OtherEnvelope { .. })),
    }
}

fn is_timed_out(error: &KeepError) -> bool {
    let KeepError::Write(WriteError::Put(PutError::Fault(StoreFault::Unavailable {
        source, ..
    }))) = error
    else {
        return false;
    };
    source.is::<TimedOut>()
}

#[tokio::test]
async fn every_store_has_what_was_written() {
    let world = World::new().await;
    let (stores, places) = world.stores::<3>(StorePolicy::All);
    let written = places.write(&world.sealed, &world.ready).await.unwrap();
    assert_eq!(written.name, world.name());
    assert_eq!(written.kept, [id(0), id(1), id(2), StoreId::custodian()]);
    assert!(written.missing.is_empty());
    for store in &stores {
        assert!(world.is_in(store).await);
    }
    for surveyed in places.survey(world.name()).await {
        assert_eq!(surveyed.result.unwrap().as_bytes(), world.sealed.bytes);
    }
    // Again is a repetition.
    places.write(&world.sealed, &world.ready).await.unwrap();
}

/// Every fault, in every set of the stores, under every policy.
#[tokio::test(start_paused = true)]
async fn the_policy_decides_whatever_fails_wherever() {
    let world = World::new().await;
    for (fault, failing) in
        EVERY_FAULT.iter().flat_map(|fault| (0..8u32).map(move |set| (fault, set)))
    {
        for policy in [StorePolicy::All, at_least(1), at_least(2), at_least(3)] {
            let (stores, places) = world.only::<3>(policy);
            let is_failing = |index: usize| failing & (1 << index) != 0;
            for (index, store) in stores.iter().enumerate() {
                store.fail(is_failing(index).then_some(*fault));
            }
            let start = Instant::now();
            let outcome = places.write(&world.sealed, &world.ready).await;
            assert!(start.elapsed() <= Duration::from_secs(31), "{:?}", start.elapsed());

            let good = (0..3).filter(|index| !is_failing(*index));
            let (expected, needed): (Vec<_>, _) = (good.map(id).collect(), policy.needed(3));
            let (kept, missing) = match outcome {
                Ok(written) => {
                    assert!(expected.len() >= needed, "{fault:?} {failing:b} {policy:?}");
                    (written.kept, written.missing)
                }
                Err(WriteStoresError::Policy { needed: asked, kept, missing }) => {
                    assert!(asked == needed && expected.len() < needed);
                    (kept, missing)
                }
                Err(error) => panic!("{error:?}"),
            };
            assert_eq!(kept, expected);
            assert_eq!(missing.len(), 3 - expected.len());
            for Failed { store, error } in missing {
                assert!(!expected.contains(&store));
                assert!(is_told(*fault, &error), "{fault:?}: {error:?}");
            }
        }
    }
}

/// The custodian's own store is one of them.
#[tokio::test(start_paused = true)]
async fn the_custodians_own_store_fails_like_the_others() {
    let world = World::new().await;
    for fault in EVERY_FAULT {
        let session = world.custodian.login(USER);
        let another = world.another.clone();
        let faulty = Arc::new(FaultyCustodian { session, fault: Some(fault), another });
        let place = Place::store(Store::default(), Operator::User);
        let places = vec![(StoreId::custodian(), Place::Custodian), (id(1), place)];
        let all = Stores::new(faulty.clone(), places.clone(), StorePolicy::All).unwrap();
        let refusal = all.write(&world.sealed, &world.ready).await.unwrap_err();
        let WriteStoresError::Policy { kept, missing, .. } = refusal else { panic!("{refusal:?}") };
        assert_eq!((kept, missing.len()), (vec![id(1)], 1));
        assert_eq!(missing[0].store, StoreId::custodian());
        assert!(is_told(fault, &missing[0].error), "{fault:?}: {:?}", missing[0].error);
        let one = Stores::new(faulty, places, at_least(1)).unwrap();
        assert_eq!(one.write(&world.sealed, &world.ready).await.unwrap().kept, [id(1)]);
    }
}

/// Once there are enough, the others have a little longer, and no more.
#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_not_waited_for_when_the_others_are_enough() {
    let world = World::new().await;
    let (stores, places) = world.only::<3>(at_least(2));
    stores[1].fail(Fault::Hangs);
    let start = Instant::now();
    let written = places.write(&world.sealed, &world.ready).await.unwrap();
    assert_eq!(written.kept, [id(0), id(2)]);
    let took = start.elapsed();
    assert!(took > Duration::from_secs(4) && took < Duration::from_secs(6), "{took:?}");
}

/// What was left under the envelope's name, damaged or another's, is in nobody's way.
#[tokio::test]
async fn damaged_leftovers_are_written_over() {
    let world = World::new().await;
    let (stores, places) = world.only::<3>(StorePolicy::All);
    let object = world.name().object();
    stores[0].kept.put(&object, b"half an envel").await.unwrap();
    stores[1].kept.put(&object, &world.another).await.unwrap();
    let receipt = container::wrap(Content::Receipt, b"a receipt").unwrap();
    stores[2].kept.put(&object, &receipt).await.unwrap();
    stores[2].kept.put(&world.name().receipt(), &receipt).await.unwrap();
    places.write(&world.sealed, &world.ready).await.unwrap();
    for store in &stores {
        assert!(world.is_in(store).await);
    }
    assert!(stores[2].kept.get(&world.name().receipt()).await.is_ok(), "it was not in the way");
}

/// An envelope that the custodian could open goes where the custodian does not read, and nowhere else.
#[tokio::test]
async fn what_the_custodian_could_open_is_kept_from_it() {
    let world = World::with(&Pin).await;
    let session = Arc::new(world.custodian.login(USER));
    let kept: Vec<Store> = (0..3).map(|_| Store::default()).collect();
    let operators =
        [Operator::User, Operator::Custodian, Operator::Independent(IndependentOperator)];
    let places = kept.iter().zip(operators).enumerate();
    let mut places: Vec<_> = places
        .map(|(index, (store, operator))| (id(index), Place::store(store.clone(), operator)))
        .collect();
    places.push((StoreId::custodian(), Place::Custodian));

    let stores = Stores::new(session.clone(), places.clone(), StorePolicy::All).unwrap();
    let refusal = stores.write(&world.sealed, &world.ready).await.unwrap_err();
    let WriteStoresError::Policy { missing, .. } = refusal else { panic!("{refusal:?}") };
    let refused: Vec<_> = missing.iter().map(|missing| missing.store.clone()).collect();
    assert_eq!(refused, [id(1), StoreId::custodian()]);
    assert!(missing.iter().all(|missing| matches!(missing.error, KeepError::CustodianAlone(_))));
    // Nor is it mended there.
    for mended in stores.mend(&world.envelope()).await {
        let is_kept_from = refused.contains(&mended.store);
        assert_eq!(matches!(mended.result, Err(KeepError::CustodianAlone(_))), is_kept_from);
    }
    assert!(world.is_in(&kept[0]).await && world.is_in(&kept[2]).await);
    assert!(!world.is_in(&kept[1]).await);

    let trusting = Stores::new(session, places, StorePolicy::All).unwrap();
    let trusting = trusting.trusting(TrustCustodianAlone);
    let written = trusting.write(&world.sealed, &world.ready).await.unwrap();
    assert_eq!(written.kept.len(), 4);
}

/// A store that gives back what it was given is believed only after every slot has opened it.
#[tokio::test]
async fn what_does_not_open_is_not_kept() {
    let (world, other) = (World::new().await, World::new().await);
    let (_, places) = world.only::<1>(StorePolicy::All);
    let mut sealed = world.sealed;
    sealed.keys = other.sealed.keys;
    let refusal = places.write(&sealed, &world.ready).await.unwrap_err();
    let WriteStoresError::Policy { missing, .. } = refusal else { panic!("{refusal:?}") };
    let error = &missing[0].error;
    assert!(matches!(error, KeepError::TestOpen(TestOpenError::OtherBytes { .. })), "{error:?}");
}

#[tokio::test]
async fn stores_that_do_not_fit_together_are_refused() {
    let world = World::new().await;
    let session = Arc::new(world.custodian.login(USER));
    let new = |places, policy| Stores::new(session.clone(), places, policy);
    let twice =
        vec![(id(1), Place::Custodian), (id(2), Place::Custodian), (id(1), Place::Custodian)];
    let refusal = new(twice, StorePolicy::All).unwrap_err();
    assert_eq!(refusal, StoresError::Twice { store: id(1) });
    let refusal = new(vec![(id(1), Place::Custodian)], at_least(2)).unwrap_err();
    assert_eq!(refusal, StoresError::TooFew { needed: 2, stores: 1 });
    let none = new(Vec::new(), StorePolicy::All).unwrap();
    let refusal = none.write(&world.sealed, &world.ready).await.unwrap_err();
    assert!(matches!(refusal, WriteStoresError::NoStore));
}
