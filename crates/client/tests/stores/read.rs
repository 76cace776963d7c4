//! Reading the envelope that the custodian names, and mending what a store has lost.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use twoshare::{
    Place, StoreId, StorePolicy, Stores,
    core::{
        container::{self, Content},
        store::{EnvelopeStore as _, FetchError, GetError, Operator, StoreFault},
    },
    stores::{Condition, KeepError, Mended, TimedOut},
};

use crate::fixture::{EVERY_FAULT, Fault, FaultyCustodian, Store, USER, World, at_least, id};

fn is_told(fault: Fault, error: &FetchError) -> bool {
    match (fault, error) {
        (Fault::Full | Fault::Loses, FetchError::Get(GetError::NotFound))
        | (Fault::Denied, FetchError::Get(GetError::Fault(StoreFault::Denied { .. })))
        | (Fault::Damages, FetchError::Container(_))
        | (Fault::MixesUp, FetchError::OtherEnvelope { .. }) => true,
        (
            Fault::Unreachable | Fault::Hangs,
            FetchError::Get(GetError::Fault(StoreFault::Unavailable { source, .. })),
        ) => source.is::<TimedOut>() == (fault == Fault::Hangs),
        _ => false,
    }
}

/// Every fault in every set of the stores: the first that is intact gives it.
#[tokio::test(start_paused = true)]
async fn the_first_store_that_has_it_intact_gives_it() {
    let world = World::new().await;
    for fault in EVERY_FAULT {
        for failing in 0..8u32 {
            let (stores, places) = world.only::<3>(StorePolicy::All);
            for (index, store) in stores.iter().enumerate() {
                world.put_into(store).await;
                store.fail((failing & (1 << index) != 0).then_some(fault));
            }
            let start = Instant::now();
            let outcome = places.read(world.name()).await;
            let took = start.elapsed();
            let first = (0..3).find(|index| failing & (1 << index) == 0);
            let failed = match (outcome, first) {
                (Ok(found), Some(first)) => {
                    assert_eq!(found.envelope.as_bytes(), world.sealed.bytes);
                    assert_eq!(found.store, id(first));
                    // One that hangs has not said anything yet.
                    let said = if fault == Fault::Hangs { 0 } else { first };
                    assert_eq!(found.failed.len(), said, "{fault:?} {failing:b}");
                    assert!(took <= Duration::from_secs(7), "{fault:?} {failing:b}: {took:?}");
                    found.failed
                }
                (Err(none), None) => {
                    assert_eq!(none.stores.len(), 3);
                    assert!(took <= Duration::from_secs(37), "{fault:?}: {took:?}");
                    none.stores
                }
                (outcome, _) => panic!("{fault:?} {failing:b}: {outcome:?}"),
            };
            for (index, failed) in failed.iter().enumerate() {
                assert_eq!(failed.store, id(index));
                assert!(is_told(fault, &failed.error), "{fault:?}: {:?}", failed.error);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_custodians_own_store_is_read_by_digest_and_checked() {
    let mut world = World::new().await;
    let (_, places) = world.stores::<0>(StorePolicy::All);
    places.write(&world.sealed, &world.ready).await.unwrap();
    world.commit().await;
    let found = places.read(world.name()).await.unwrap();
    assert_eq!((found.store, found.envelope.name()), (StoreId::custodian(), world.name()));
    for fault in [Fault::Damages, Fault::MixesUp, Fault::Unreachable, Fault::Hangs] {
        let session = world.custodian.login(USER);
        let another = world.another.clone();
        let faulty = Arc::new(FaultyCustodian { session, fault: Some(fault), another });
        let places = vec![(StoreId::custodian(), Place::Custodian)];
        let stores = Stores::new(faulty, places, StorePolicy::All).unwrap();
        let none = stores.read(world.name()).await.unwrap_err();
        let error = &none.stores[0].error;
        let is_told = match fault {
            Fault::Damages => {
                matches!(error, FetchError::Envelope(_) | FetchError::OtherEnvelope { .. })
            }
            fault => is_told(fault, error),
        };
        assert!(is_told, "{fault:?}: {error:?}");
    }
}

/// Absent, damaged, another's, or there: what mending finds and what it leaves.
#[tokio::test]
async fn what_a_store_has_lost_is_mended() {
    let mut world = World::new().await;
    let (stores, places) = world.stores::<5>(at_least(1));
    world.put_into(&stores[0]).await;
    let object = world.name().object();
    stores[2].kept.put(&object, b"half an envel").await.unwrap();
    stores[3].kept.put(&object, &world.another).await.unwrap();
    let receipt = container::wrap(Content::Receipt, b"a receipt").unwrap();
    stores[4].kept.put(&object, &receipt).await.unwrap();
    world.commit().await;

    let found = places.read(world.name()).await.unwrap();
    let mended = places.mend(&found.envelope).await;
    let conditions: Vec<_> =
        mended.into_iter().map(|Mended { store, result }| (store, result.unwrap())).collect();
    assert_eq!(
        conditions,
        [
            (id(0), Condition::Intact),
            (id(1), Condition::Absent),
            (id(2), Condition::Damaged),
            (id(3), Condition::Damaged),
            (id(4), Condition::Damaged),
            (StoreId::custodian(), Condition::Absent),
        ]
    );
    for store in &stores {
        assert!(world.is_in(store).await);
    }
    for Mended { result, .. } in places.mend(&found.envelope).await {
        assert_eq!(result.unwrap(), Condition::Intact);
    }
}

/// A store that goes on failing says why it is not mended, and holds nobody up.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_mended_is_told() {
    let world = World::new().await;
    for fault in EVERY_FAULT {
        let (stores, places) = world.only::<2>(at_least(1));
        world.put_into(&stores[0]).await;
        if fault != Fault::Loses {
            world.put_into(&stores[1]).await;
        }
        stores[1].fail(fault);
        let start = Instant::now();
        let [one, two] = places.mend(&world.envelope()).await.try_into().unwrap();
        assert!(start.elapsed() <= Duration::from_secs(31));
        assert_eq!(one.result.unwrap(), Condition::Intact);
        let error = two.result.unwrap_err();
        let is_told = match fault {
            Fault::Full => matches!(error, KeepError::Write(_)),
            Fault::Denied | Fault::Unreachable => matches!(error, KeepError::Look(_)),
            Fault::Hangs => matches!(error, KeepError::Write(_) | KeepError::Look(_)),
            Fault::Loses | Fault::Damages | Fault::MixesUp => {
                matches!(error, KeepError::ReadBack(_))
            }
        };
        assert!(is_told, "{fault:?}: {error:?}");
    }
}

/// What newer software has written is not damage.
#[tokio::test]
async fn a_newer_container_is_left_alone() {
    let world = World::new().await;
    let (stores, places) = world.only::<1>(StorePolicy::All);
    let mut newer = container::wrap(Content::Envelope, &world.sealed.bytes).unwrap();
    newer[8] = 2;
    newer[20] ^= 1;
    stores[0].kept.put(&world.name().object(), &newer).await.unwrap();
    let [mended] = places.mend(&world.envelope()).await.try_into().unwrap();
    assert!(matches!(mended.result, Err(KeepError::Look(FetchError::Container(_)))));
    assert_eq!(stores[0].kept.get(&world.name().object()).await.unwrap(), newer);
}

/// The custodian takes what is committed, and nothing else, without a proof.
#[tokio::test]
async fn the_custodian_is_mended_with_what_is_committed_only() {
    let world = World::new().await;
    let (_, places) = world.stores::<0>(StorePolicy::All);
    let [mended] = places.mend(&world.envelope()).await.try_into().unwrap();
    assert!(matches!(mended.result, Err(KeepError::Upload(_))), "{mended:?}");
}

/// Outside of a runtime nothing hangs that does not hang by itself.
#[test]
fn stores_need_no_runtime() {
    pollster::block_on(async {
        let world = World::new().await;
        let store = Store::default();
        let places = vec![(id(0), Place::store(store.clone(), Operator::User))];
        let session = Arc::new(world.custodian.login(USER));
        let stores = Stores::new(session, places, StorePolicy::All).unwrap();
        stores.write(&world.sealed, &world.ready).await.unwrap();
        stores.read(world.name()).await.unwrap();
    });
}
