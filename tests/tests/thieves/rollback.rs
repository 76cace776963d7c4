//! Somebody who puts an old copy of the device's record back, of whatever moment.

use std::sync::Arc;

use twoshare::{
    Client, DeviceState, MemoryDevice, Method, MethodChange, Place, StorePolicy,
    core::{
        id::WalletId,
        store::{EnvelopeName, EnvelopeStore as _, MemoryStore, Operator, Part},
    },
    protocol::{Custodian as _, Nonce, message::State},
};

use crate::support::{Camera, HOUR, ONE, USER, World, code, recover};

/// The owner's own store, which deletes what it is told to.
struct Scene {
    world: World,
    store: Arc<MemoryStore>,
}

impl Scene {
    fn client(&self, device: impl DeviceState + 'static) -> Client {
        let builder = Client::builder().custodian(self.world.login(USER));
        let builder = builder.pinned(self.world.service.identity()).user(USER).device(device);
        let place = Place::Store { store: self.store.clone(), operator: Operator::User };
        let builder = builder.store("own".parse().unwrap(), place);
        builder.store_policy(StorePolicy::All).build().unwrap()
    }

    async fn state(&self, wallet: WalletId) -> State {
        let session = self.world.login(USER);
        let state = session.state(wallet, Nonce::from_bytes([5; 32])).await.unwrap();
        state.unverified().clone()
    }

    /// The envelopes that count are there.
    async fn check(&self, wallet: WalletId, at: &str) {
        let state = self.state(wallet).await;
        let restorable = state.restorable.as_ref().map(|restorable| &restorable.epoch);
        let listed = self.store.list(wallet).await.unwrap();
        for epoch in state.backup.iter().chain(restorable) {
            let digest = epoch.envelope.unwrap();
            let name = EnvelopeName { wallet, epoch: epoch.epoch, digest };
            let is_there = listed.iter().any(|n| n.part == Part::Envelope && n.envelope == name);
            assert!(is_there, "{at}: the envelope of {:?} is gone", epoch.epoch);
        }
    }
}

/// It never costs a backup, nor moves the custodian back.
#[tokio::test]
async fn an_old_record_costs_no_backup() {
    let scene = Scene { world: World::new().await, store: Arc::default() };
    let phone = Camera::new();
    let (method, other): (Method, Method) = (code(), code());
    let client = scene.client(phone.clone());
    let wallet = client.create_wallet(ONE, None).await.unwrap().id();
    client.backup(wallet, std::slice::from_ref(&method)).await.unwrap();
    client.refresh(wallet, &method).await.unwrap();
    // Some that were interrupted, some given up, one replaced.
    for stop in [1, 2, 3] {
        phone.stop_after(Some(stop));
        assert!(client.refresh(wallet, &method).await.is_err());
        phone.stop_after(None);
        client.resume(wallet).await.unwrap();
    }
    let add = vec![MethodChange::Add(other.clone())];
    client.change_methods(wallet, &method, add).await.unwrap();
    client.replace(wallet, &[method.clone(), other.clone()]).await.unwrap();
    scene.world.turn(100 * HOUR);
    client.refresh(wallet, &other).await.unwrap();
    recover(&client, wallet, &method).await.unwrap();
    scene.check(wallet, "before").await;
    let taken = phone.taken();
    assert!(taken.len() > 20, "{}", taken.len());
    for (number, old) in taken.iter().enumerate() {
        let at = format!("record {number}");
        let before = scene.state(wallet).await;
        let client = scene.client(old.snapshot());
        let _ = client.resume(wallet).await;
        let _ = client.status(wallet).await;
        scene.check(wallet, &at).await;
        let after = scene.state(wallet).await;
        let epoch = |state: &State| state.backup.as_ref().map(|backup| backup.epoch);
        assert!(epoch(&after) >= epoch(&before), "{at}");
        assert_eq!(before.signing.map(|s| s.epoch), after.signing.map(|s| s.epoch), "{at}");
        // Also with the old envelopes due to be deleted.
        scene.world.turn(HOUR);
        client.resume(wallet).await.ok();
        scene.check(wallet, &at).await;
    }
    scene.world.turn(40 * 24 * HOUR);
    for old in &taken {
        scene.client(old.snapshot()).resume(wallet).await.ok();
    }
    scene.check(wallet, "at the end").await;
    let found = recover(&scene.client(MemoryDevice::new()), wallet, &method).await.unwrap();
    assert_eq!(found.id(), wallet);
}
