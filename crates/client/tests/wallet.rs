//! What an app does with a wallet, over a real custodian (in memory) and stores that fail.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

mod common;

use std::{
    slice::from_ref,
    sync::{Arc, atomic::Ordering},
};

use common::{BOTH, HOUR, USER, World, client_on, code, recover};
use twoshare::{
    Client, Exported, Import, MemoryDevice, Method, MethodChange, Wallet,
    core::{
        attachment::Attachment,
        curve::{Secp256k1, SigningKey},
        envelope::{OpenError, SlotId},
        id::{OperationId, WalletId},
        identity::CustodianKeys,
        method::{Password, SlotKind},
        proof::{Operation, Stage},
        sealed::{SecretKind, WalletSecret},
        secret::SecretBytes,
        store::EnvelopeStoreExt,
    },
    error::{
        BackupError, ExchangeError, OpenBackupError, PublishError, RecoverError, RefreshError,
        RunError, StateError,
    },
    protocol::{
        Party,
        custodian::{BeginError, Custodian, PrepareError, ReadError},
        rules::PrepareRefusal,
        session::Asked,
    },
    stores::WriteStoresError,
};

async fn slot_of(client: &Client, wallet: WalletId, with: &Method, kind: SlotKind) -> SlotId {
    let opened = client.open(wallet, with).await.unwrap();
    let slot = opened.slots.iter().find(|slot| slot.header().kind == kind);
    slot.unwrap().id()
}

#[tokio::test]
async fn any_method_recovers_whatever_the_others_did() {
    let world = World::new();
    let (one, other) = (code(), code());
    let wallet = world.mpc(from_ref(&one)).await;
    let id = wallet.id();
    let changes = vec![MethodChange::Add(other.clone())];
    world.client.change_methods(id, &one, changes).await.unwrap();
    world.client.refresh(id, &other).await.unwrap();
    world.client.drill(id, Some(&one)).await.unwrap();
    for method in [&one, &other, &one] {
        let recovered = recover(&world.empty_device(), id, method).await.unwrap();
        assert_eq!(recovered.verifying_keys(), wallet.verifying_keys());
    }
    // And on the device that it was made on.
    let recovered = recover(&world.client, id, &other).await.unwrap();
    assert_eq!(recovered.verifying_keys(), wallet.verifying_keys());
}

#[tokio::test]
async fn what_is_per_device_is_made_anew_after_each_recovery_and_not_forgotten() {
    let world = World::new();
    let code = code();
    let per_device = |name| Attachment::per_device(name).unwrap();
    let chain_code = Attachment::durable("chain code", vec![7; 32].into()).unwrap();
    let stale = |wallet: &Wallet| wallet.to_regenerate().to_vec();

    let id = world.client.create_wallet(BOTH, None).await.unwrap().id();
    let kept = vec![per_device("Paillier keys"), chain_code.clone(), per_device("seeds")];
    world.client.keep_attachments(id, kept).await.unwrap();
    world.client.backup(id, from_ref(&code)).await.unwrap();
    world.client.refresh(id, &code).await.unwrap();
    assert!(stale(&world.client.wallet(id).await.unwrap()).is_empty(), "the pair is the same");

    let device = MemoryDevice::new();
    let recovered = recover(&world.client_on(device.clone()), id, &code).await.unwrap();
    assert_eq!(stale(&recovered), ["Paillier keys", "seeds"]);
    let durable = recovered.attachments().iter().find(|kept| kept.name() == "chain code");
    assert_eq!(durable.unwrap().bytes().unwrap().expose_secret(), [7; 32]);

    // After a restart, and while one is missing; leaving it out does not lose it.
    let again = world.client_on(device.clone());
    assert_eq!(stale(&again.wallet(id).await.unwrap()), ["Paillier keys", "seeds"]);
    again.refresh(id, &code).await.unwrap();
    let kept = vec![chain_code.clone(), per_device("Paillier keys")];
    again.keep_attachments(id, kept).await.unwrap();
    let wallet = again.wallet(id).await.unwrap();
    assert_eq!(stale(&wallet), ["seeds"]);
    assert_eq!(wallet.attachments().len(), 3);
    let kept = vec![chain_code, per_device("seeds"), per_device("Paillier keys")];
    again.keep_attachments(id, kept).await.unwrap();
    assert!(stale(&again.wallet(id).await.unwrap()).is_empty());

    // On the device itself too: its pair is new.
    assert_eq!(stale(&recover(&again, id, &code).await.unwrap()).len(), 2);
}

#[tokio::test]
async fn a_password_is_changed_by_whoever_opens_another_method() {
    let world = World::new();
    let code = code();
    let password = |text| -> Method { Arc::new(Password::new(text).unwrap()) };
    let (forgotten, new) =
        (password("orbit-velvet-93-lantern"), password("saddle.quartz.58.meadow"));
    let id = world.mpc(&[forgotten.clone(), code.clone()]).await.id();
    let slot = slot_of(&world.client, id, &code, SlotKind::Password).await;
    let changes = vec![MethodChange::Replace(slot, new.clone())];
    world.client.change_methods(id, &code, changes).await.unwrap();

    recover(&world.client, id, &new).await.unwrap();
    let old = recover(&world.client, id, &forgotten).await;
    let Err(RecoverError::Open(OpenBackupError::Open(error))) = old else { panic!("{old:?}") };
    assert!(matches!(error, OpenError::WrongSecret { kind: SlotKind::Password }), "{error:?}");
    let none = vec![MethodChange::Remove(slot)];
    let none = world.client.change_methods(id, &code, none).await;
    assert!(matches!(none, Err(RefreshError::Methods(_))), "{none:?}");
}

#[tokio::test]
async fn a_removed_method_with_an_old_envelope_gets_nothing_from_the_custodian() {
    let world = World::new();
    let (kept, removed) = (code(), code());
    let wallet = world.mpc(&[kept.clone(), removed.clone()]).await;
    let old = world.names(wallet.id()).await[0];
    let opened = world.client.open(wallet.id(), &removed).await.unwrap();
    let changes = vec![MethodChange::Remove(opened.opened_with)];
    world.client.change_methods(wallet.id(), &kept, changes).await.unwrap();

    // The old envelope still opens: what was encrypted to it stays readable by it.
    let envelope = world.first.get_envelope(old).await.unwrap();
    let opened = envelope.open(&*removed, &Default::default()).await.unwrap();
    let party = Party {
        custodian: world.custodian.identity(),
        user: USER.to_owned(),
        wallet: wallet.id(),
        kind: wallet.kind(),
    };
    let to = twoshare_core::id::Epoch::new(9).unwrap();
    let stages = [twoshare_core::id::Purpose::Signing, twoshare_core::id::Purpose::Backup];
    let to = stages.map(|purpose| Stage { purpose, epoch: to }).to_vec();
    let id = OperationId::make(&mut twoshare::rng());
    let asked = Asked::reshare(party, Operation::Recover, id, &opened.payload.keys, to).unwrap();
    let refused = world.custodian.login(USER).begin(asked.message().clone()).await;
    assert_eq!(refused.map(|_| ()), Err(BeginError::EpochEnded));
}

#[tokio::test]
async fn a_store_that_fails_leaves_the_last_backup_as_it_was() {
    let world = World::new();
    let code = code();
    let id = world.mpc(from_ref(&code)).await.id();
    let backup = || async { world.client.wallet(id).await.unwrap().backup().cloned() };
    let before = (world.names(id).await, backup().await);
    for (store, name) in [(&world.first, "store-0"), (&world.second, "store-1")] {
        store.fail(true);
        let failed = world.client.refresh(id, &code).await;
        store.fail(false);
        let Err(RefreshError::Run(RunError::Publish(PublishError::Stores(
            WriteStoresError::Policy { missing, .. },
        )))) = failed
        else {
            panic!("{failed:?}");
        };
        assert_eq!(missing[0].store.as_str(), name);
        let after = (world.names(id).await, backup().await);
        assert_eq!(after, before, "nothing is left, nothing is gone");
        let state = world.client.state(id).await.unwrap();
        assert!(state.pending.is_none(), "the operation was abandoned");
    }
    recover(&world.client, id, &code).await.unwrap();
}

#[tokio::test]
async fn what_a_store_gives_back_is_read_before_the_commit() {
    let world = World::new();
    let code = code();
    let id = world.client.create_wallet(BOTH, None).await.unwrap().id();
    world.second.flips.store(true, Ordering::Relaxed);
    let failed = world.client.backup(id, from_ref(&code)).await;
    assert!(
        matches!(failed, Err(BackupError::Run(RunError::Publish(PublishError::Stores(_))))),
        "{failed:?}"
    );
    assert!(world.client.wallet(id).await.unwrap().backup().is_none());
    assert!(world.client.state(id).await.unwrap().backup.is_none());

    world.second.flips.store(false, Ordering::Relaxed);
    world.client.backup(id, from_ref(&code)).await.unwrap();
    // One store that gives it intact is enough.
    for name in world.names(id).await {
        world.first.delete_envelope(name).await.unwrap();
    }
    recover(&world.empty_device(), id, &code).await.unwrap();
    for name in world.names(id).await {
        world.first.delete_envelope(name).await.unwrap();
    }
    world.second.flips.store(true, Ordering::Relaxed);
    recover(&world.empty_device(), id, &code).await.unwrap_err();
}

/// Without any store of its own, the envelope is with the custodian.
#[tokio::test]
async fn the_custodian_keeps_envelopes_too() {
    let world = World::new();
    let (custodian, code) = (&world.custodian, code());
    let client = |device| client_on(custodian.login(USER), custodian.identity(), device, &[]);
    let first = client(MemoryDevice::new());
    let wallet = first.create_wallet(BOTH, None).await.unwrap();
    first.backup(wallet.id(), from_ref(&code)).await.unwrap();
    first.refresh(wallet.id(), &code).await.unwrap();
    let recovered = recover(&client(MemoryDevice::new()), wallet.id(), &code).await.unwrap();
    assert_eq!(recovered.check_code(), wallet.check_code());
}

#[tokio::test]
async fn the_owner_of_a_replaced_backup_takes_it_back() {
    let world = World::new();
    let (owners, thiefs) = (code(), code());
    let wallet = world.mpc(from_ref(&owners)).await;
    let id = wallet.id();
    let stolen = world.client_on(world.device.snapshot());
    stolen.replace(id, from_ref(&thiefs)).await.unwrap();
    let again = stolen.replace(id, from_ref(&thiefs)).await;
    let Err(BackupError::Run(RunError::Exchange(ExchangeError::Prepare(PrepareError::Refused(
        refusal,
    ))))) = again
    else {
        panic!("{again:?}");
    };
    assert!(matches!(refusal, PrepareRefusal::GraceRunning { .. }));

    world.custodian.advance(71 * HOUR);
    let back = recover(&world.client, id, &owners).await.unwrap();
    assert_eq!(back.verifying_keys(), wallet.verifying_keys());
    for method in [&thiefs, &code()] {
        recover(&world.empty_device(), id, method).await.unwrap_err();
    }
    stolen.replace(id, &[thiefs]).await.unwrap_err();
}

#[tokio::test]
async fn a_thief_who_seals_for_the_owner_too_gets_no_slot_of_the_next_backup() {
    let world = World::new();
    let (owners, thiefs) = (code(), code());
    let id = world.mpc(from_ref(&owners)).await.id();
    let stolen = world.client_on(world.device.snapshot());
    // A slot and its key tag can be copied from any envelope; the method itself stands for that here.
    stolen.replace(id, &[owners.clone(), thiefs.clone()]).await.unwrap();
    let refreshed = world.client.refresh(id, &owners).await;
    let contested = format!("{:?}", refreshed.unwrap_err());
    assert!(contested.contains("Contested"), "{contested}");
    recover(&world.empty_device(), id, &owners).await.unwrap();
    recover(&world.empty_device(), id, &thiefs).await.unwrap_err();
    recover(&world.empty_device(), id, &owners).await.unwrap();
}

#[tokio::test]
async fn after_the_grace_the_replaced_backup_is_gone() {
    let world = World::new();
    let (old, new) = (code(), code());
    let id = world.mpc(from_ref(&old)).await.id();
    world.client.replace(id, from_ref(&new)).await.unwrap();
    world.custodian.advance(72 * HOUR);
    recover(&world.client, id, &old).await.unwrap_err();
    recover(&world.client, id, &new).await.unwrap();
}

#[tokio::test]
async fn imported_secrets_come_back_byte_for_byte() {
    let world = World::new();
    let code = code();
    let words = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    let given = |kind, bytes: &[u8]| {
        Import::Secret(WalletSecret::new(kind, "label", SecretBytes::from(bytes)).unwrap())
    };
    let key = SigningKey::<Secp256k1>::from_bytes(&[0x5c; 32]).unwrap();
    let imports = vec![
        given(SecretKind::Opaque, &[0]),
        Import::Key(key.clone()),
        given(SecretKind::Ed25519Seed, &[7; 32]),
        given(SecretKind::Mnemonic, words.as_bytes()),
    ];
    let wallet = world.client.import_wallet(imports, Some("mine".to_owned())).await.unwrap();
    let id = wallet.id();
    world.client.backup(id, from_ref(&code)).await.unwrap();

    let empty = world.empty_device();
    let recovered = recover(&empty, id, &code).await.unwrap();
    assert_eq!(recovered.verifying_keys(), wallet.verifying_keys());
    assert_eq!(recovered.name(), Some("mine"));
    let exported: Vec<Vec<u8>> = recovered
        .export()
        .unwrap()
        .iter()
        .map(|exported| match exported {
            Exported::Key(key) => key.expose_secret().expose_secret().to_vec(),
            Exported::Secret(secret) => secret.bytes().expose_secret().to_vec(),
        })
        .collect();
    let expected: [&[u8]; 4] = [&[0], &[0x5c; 32], &[7; 32], words.as_bytes()];
    assert_eq!(exported, expected);
    // And once more from the refreshed epoch.
    let again = recover(&empty, id, &code).await.unwrap();
    assert_eq!(again.export().unwrap().len(), 4);
}

#[tokio::test]
async fn a_custodian_that_is_not_the_pinned_one_is_not_believed() {
    let world = World::new();
    let code = code();
    let id = world.mpc(from_ref(&code)).await.id();
    let other = *CustodianKeys::make(&mut twoshare::rng()).identity();
    let login = world.custodian.login(USER);
    let client = client_on(login, other, MemoryDevice::new(), &[&world.first]);
    let refused = recover(&client, id, &code).await;
    let Err(RecoverError::Open(OpenBackupError::State(error))) = refused else {
        panic!("{refused:?}");
    };
    assert!(matches!(error, StateError::WrongCustodian(_)));
    client.create_wallet(BOTH, None).await.unwrap_err();
    assert!(client.wallets_here().await.unwrap().is_empty());
}

/// An empty device may not know the custodian's key: the envelope that opens says it.
#[tokio::test]
async fn an_unpinned_device_learns_the_identity_from_the_envelope() {
    let world = World::new();
    let code = code();
    let wallet = world.mpc(from_ref(&code)).await;
    let unpinned = |login| {
        let place =
            twoshare::Place::store(world.first.clone(), twoshare::core::store::Operator::User);
        let builder = Client::builder().custodian(login).unpinned().user(USER);
        let builder = builder.device(MemoryDevice::new()).store(common::id("first"), place);
        builder.build().unwrap()
    };
    let client = unpinned(world.custodian.login(USER));
    let refused = client.create_wallet(BOTH, None).await.unwrap_err();
    assert_eq!(refused.to_string(), StateError::Unpinned.to_string());
    let imported = vec![Import::Key(SigningKey::<Secp256k1>::from_bytes(&[7; 32]).unwrap())];
    let imported = client.import_wallet(imported, None).await.unwrap();
    let refused = client.backup(imported.id(), from_ref(&code)).await.unwrap_err();
    assert_eq!(refused.to_string(), StateError::Unpinned.to_string());

    let recovered = recover(&client, wallet.id(), &code).await.unwrap();
    assert_eq!(recovered.verifying_keys(), wallet.verifying_keys());
    client.drill(wallet.id(), Some(&code)).await.unwrap();
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let world = World::new();
    let code = code();
    let nowhere = WalletId::make(&mut twoshare::rng());
    let missing = recover(&world.client, nowhere, &code).await;
    let Err(RecoverError::Open(OpenBackupError::State(StateError::Read(error)))) = missing else {
        panic!("{missing:?}");
    };
    assert_eq!(error, ReadError::NotFound);

    let wallet = world.client.create_wallet(BOTH, None).await.unwrap();
    let missing = recover(&world.client, wallet.id(), &code).await;
    assert!(
        matches!(missing, Err(RecoverError::Open(OpenBackupError::NotBackedUp { .. }))),
        "{missing:?}"
    );

    let id = world.mpc(from_ref(&code)).await.id();
    for name in world.names(id).await {
        world.first.delete_envelope(name).await.unwrap();
        world.second.delete_envelope(name).await.unwrap();
    }
    let missing = recover(&world.client, id, &code).await;
    let Err(RecoverError::Open(OpenBackupError::NotFound { stores })) = missing else {
        panic!("{missing:?}");
    };
    assert_eq!(stores.len(), 2);
}

#[tokio::test]
async fn a_device_does_not_go_back_to_an_older_epoch() {
    let world = World::new();
    let code = code();
    let id = world.mpc(from_ref(&code)).await.id();
    let yesterday = world.custodian.snapshot();
    world.client.refresh(id, &code).await.unwrap();
    world.custodian.restore(yesterday);
    let refused = world.client.drill(id, Some(&code)).await.unwrap_err();
    let text = refused.to_string();
    let refreshed = world.client.refresh(id, &code).await.unwrap_err();
    assert_eq!(refreshed.to_string(), text);
    assert_eq!(text, "the custodian has gone back to epoch 1; this device has seen 2");
}

#[tokio::test]
async fn wallets_of_a_user_are_listed() {
    let world = World::new();
    let code = code();
    let mut made =
        vec![world.mpc(from_ref(&code)).await.id(), world.mpc(from_ref(&code)).await.id()];
    made.sort_unstable();
    let mut listed = world.client.wallets().await.unwrap();
    listed.sort_unstable();
    assert_eq!(listed, made);
    assert_eq!(world.client.wallets_here().await.unwrap(), made);
}
