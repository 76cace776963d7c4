//! The thief of a method that its owner has removed, who kept the old envelope.

use twoshare::{
    MemoryDevice, MethodChange,
    core::{
        envelope::{Envelope, Expected, OpenError},
        proof::Operation,
    },
    error::{OpenBackupError, RecoverError},
    protocol::{Custodian as _, custodian::BeginError},
};
use twoshare_protocol::conformance::device::{Device, With};

use crate::support::{ONE, USER, World, code, recover, shares_in, told};

#[tokio::test]
async fn a_removed_method_opens_what_counts_for_nothing() {
    let world = World::new().await;
    let phone = MemoryDevice::new();
    let client = world.client(phone.clone());
    let (kept, removed) = (code(), code());
    let wallet = client.create_wallet(ONE, None).await.unwrap();
    let id = wallet.id();
    let before = client.backup(id, &[kept.clone(), removed.clone()]).await.unwrap();
    let old = world.login(USER).envelope(id, before.envelope.digest).await.unwrap();
    let expected = Expected { wallet: Some(id), ..Expected::default() };
    let opened = client.open(id, &removed).await.unwrap();
    let slot = opened.opened_with;
    client.change_methods(id, &kept, vec![MethodChange::Remove(slot)]).await.unwrap();

    // It opens the old envelope for ever, and no other.
    let opened = Envelope::from_bytes(&old).unwrap().open(&*removed, &expected).await.unwrap();
    let stolen = opened.payload.keys;
    let refused = recover(&world.client(MemoryDevice::new()), id, &removed).await;
    assert!(
        matches!(
            &refused,
            Err(RecoverError::Open(OpenBackupError::Open(
                OpenError::NoSlot { .. } | OpenError::WrongSecret { .. }
            )))
        ),
        "{refused:?}"
    );
    // The old share begins nothing, also with a token and the custodian's window open.
    let user = crate::support::user(USER);
    world.service.open_window(&user, id, 600).await.unwrap();
    let (session, identity) = (world.login(USER), world.service.identity());
    let mut thief = Device::import(session, identity, USER, ONE);
    thief.party.wallet = id;
    thief.party.kind = wallet.kind();
    thief.keys.clear();
    thief.backup = stolen;
    for operation in [Operation::Refresh, Operation::Recover] {
        let refused = told(thief.prepare(operation, With::Method).await);
        assert_eq!(refused, Err(BeginError::EpochEnded), "{operation:?}");
    }
    let ejected = crate::token::eject(&mut thief, With::Method).await;
    assert!(ejected.is_err(), "{ejected:?}");
    // Nor does an old envelope bring the old method back by being written again, or as another.
    let upload = twoshare::protocol::message::Upload {
        wallet: id,
        epoch: before.envelope.epoch,
        id: None,
        proofs: Vec::new(),
    };
    world.login(USER).put_envelope(upload, old).await.unwrap();
    assert!(recover(&world.client(MemoryDevice::new()), id, &removed).await.is_err());
    // Its owner goes on, on this device and on another; and no old share is on either.
    client.refresh(id, &kept).await.unwrap();
    let phone = crate::support::record(&phone, id).await;
    assert!(shares_in(&phone).iter().all(|share| share.id().sharing.purpose.number() == 1));
    let found = recover(&world.client(MemoryDevice::new()), id, &kept).await.unwrap();
    assert_eq!(found.verifying_keys(), wallet.verifying_keys());
}
