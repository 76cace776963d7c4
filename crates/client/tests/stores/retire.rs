//! Deleting an envelope that was replaced.

use twoshare::{
    StorePolicy,
    core::store::EnvelopeStore as _,
    protocol::{custodian::RetireError, rules::RetireRefusal},
    stores::RetireStoresError,
};

use crate::fixture::{Fault, World, id};

const DAY: u64 = 24 * 60 * 60;

#[tokio::test(start_paused = true)]
async fn a_replaced_envelope_goes_when_nobody_can_need_it() {
    let mut world = World::new().await;
    let (stores, places) = world.stores::<2>(StorePolicy::All);
    places.write(&world.sealed, &world.ready).await.unwrap();
    let receipt = world.commit().await;
    assert!(places.write_receipt(world.name(), &receipt).await.is_empty());
    let (old, state) = (world.name(), world.device.state().await.unwrap());
    let not_ended = |refusal| {
        matches!(
            refusal,
            RetireStoresError::Custodian(RetireError::Refused(RetireRefusal::NotEnded))
        )
    };
    assert!(not_ended(places.retire(old, &state).await.unwrap_err()), "it is active");

    world.refresh().await;
    places.write(&world.sealed, &world.ready).await.unwrap();
    world.commit().await;
    let state = world.device.state().await.unwrap();
    let early = places.retire(old, &state).await.unwrap_err();
    assert!(
        matches!(
            early,
            RetireStoresError::Custodian(RetireError::Refused(RetireRefusal::TooEarly { .. }))
        ),
        "{early:?}"
    );
    world.custodian.advance(31 * DAY);

    // A store that has lost the newer one still needs the older.
    stores[1].kept.delete(&world.name().object()).await.unwrap();
    let missing = places.retire(old, &state).await.unwrap_err();
    let RetireStoresError::Missing { missing } = missing else { panic!("{missing:?}") };
    assert_eq!((missing.len(), &missing[0].store), (1, &id(1)));
    assert!(stores[0].kept.get(&old.object()).await.is_ok());
    places.mend(&world.envelope()).await;

    assert!(places.retire(old, &state).await.unwrap().is_empty());
    for store in &stores {
        assert_eq!(store.kept.list(old.wallet).await.unwrap(), [world.name().object()]);
    }
    assert!(places.survey(old).await.iter().all(|surveyed| surveyed.result.is_err()));
    // Its answer may have been lost.
    assert!(places.retire(old, &state).await.unwrap().is_empty());
    assert_eq!(
        places.survey(world.name()).await.iter().filter(|one| one.result.is_ok()).count(),
        3
    );
}

/// What can be restored is kept, whatever the custodian would say.
#[tokio::test]
async fn a_restorable_envelope_stays() {
    let mut world = World::new().await;
    let (stores, places) = world.only::<1>(StorePolicy::All);
    places.write(&world.sealed, &world.ready).await.unwrap();
    world.commit().await;
    let old = world.name();
    world.replace().await;
    places.write(&world.sealed, &world.ready).await.unwrap();
    world.commit().await;
    let state = world.device.state().await.unwrap();
    assert!(state.restorable.is_some());
    places.retire(old, &state).await.unwrap_err();
    assert!(stores[0].kept.get(&old.object()).await.is_ok());
}

/// Of an operation that was given up, nothing stays; a store that is away is named.
#[tokio::test(start_paused = true)]
async fn what_was_given_up_is_deleted() {
    let world = World::new().await;
    let (stores, places) = world.only::<3>(StorePolicy::All);
    places.write(&world.sealed, &world.ready).await.unwrap();
    stores[1].fail(Fault::Hangs);
    let failed = places.delete(world.name()).await;
    assert_eq!((failed.len(), &failed[0].store), (1, &id(1)));
    stores[1].fail(None);
    assert!(places.delete(world.name()).await.is_empty());
    for store in &stores {
        assert!(store.kept.list(world.name().wallet).await.unwrap().is_empty());
    }
}
