//! Receipts beside envelopes, and what stores say that they have.

use twoshare::{
    StorePolicy,
    core::{
        container::{self, Content},
        digest::Digest,
        id::{Epoch, WalletId},
        store::{EnvelopeName, EnvelopeStore as _, EnvelopeStoreExt as _},
    },
    protocol::{
        message::{Receipt, Signed},
        wire::Message as _,
    },
    stores::{FoundReceipt, KeepError},
};

use crate::fixture::{EVERY_FAULT, Fault, World, id};

#[tokio::test(start_paused = true)]
async fn a_receipt_is_beside_its_envelope_in_every_store() {
    let mut world = World::new().await;
    let (stores, places) = world.stores::<3>(StorePolicy::All);
    places.write(&world.sealed, &world.ready).await.unwrap();
    let receipt = world.commit().await;
    // In the way of one lies something else.
    let other = container::wrap(Content::Receipt, b"made up").unwrap();
    stores[1].kept.put(&world.name().receipt(), &other).await.unwrap();
    stores[2].fail(Fault::Hangs);
    let failed = places.write_receipt(world.name(), &receipt).await;
    assert_eq!(failed.len(), 1);
    assert!(failed[0].store == id(2) && matches!(failed[0].error, KeepError::Write(_)));

    stores[2].fail(None);
    assert!(places.write_receipt(world.name(), &receipt).await.is_empty());
    let receipts = places.receipts(world.name().wallet, None).await;
    let expected: Vec<_> = (0..3)
        .map(|index| FoundReceipt { store: id(index), name: world.name(), bytes: receipt.clone() })
        .collect();
    assert_eq!(receipts.found, expected);
    let read = Signed::<Receipt>::from_bytes(&receipts.found[0].bytes).unwrap();
    read.verify(&world.device.party.custodian).unwrap();
    assert!(places.receipts(world.name().wallet, Some(Epoch::FIRST)).await.found.is_empty());
}

/// However many a store makes up, a few are looked at; one that fails does not hide the others'.
#[tokio::test(start_paused = true)]
async fn the_newest_receipts_are_found_whatever_fails() {
    let world = World::new().await;
    for fault in EVERY_FAULT {
        let (stores, places) = world.only::<2>(StorePolicy::All);
        let wallet = world.name().wallet;
        for epoch in 1..=100 {
            let digest = Digest::of(b"any");
            let name = EnvelopeName { wallet, epoch: Epoch::new(epoch).unwrap(), digest };
            let others = EnvelopeName { wallet: WalletId::from_bytes([9; 16]), ..name };
            for store in &stores {
                store.kept.put_receipt(name, b"any").await.unwrap();
                store.kept.put_receipt(others, b"any").await.unwrap();
            }
        }
        stores[0].fail(fault);
        let another = container::wrap(Content::Receipt, b"another's").unwrap();
        *stores[0].another.lock().unwrap() = another;
        let receipts = places.receipts(wallet, Epoch::new(10)).await;
        let of = |index| receipts.found.iter().filter(move |found| found.store == id(index));
        assert_eq!(of(1).count(), 64);
        assert_eq!(of(1).map(|found| found.name.epoch.get()).max(), Some(100));
        assert_eq!(of(0).count(), 0, "{fault:?}");
        let is_silent = matches!(fault, Fault::Hangs | Fault::Denied | Fault::Unreachable);
        assert_eq!(receipts.failed.len(), usize::from(is_silent), "{fault:?}");

        let listing = places.list(wallet).await;
        assert_eq!(listing.failed.len(), usize::from(is_silent));
        // What is another wallet's is not believed.
        let listed = if is_silent || fault == Fault::MixesUp { 100 } else { 200 };
        assert_eq!(listing.objects.len(), listed);
    }
}
