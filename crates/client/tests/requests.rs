//! Waiting, objections, eject, races between devices, and what a screen shows of all that.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

mod common;

use std::{
    slice::from_ref,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use common::faults::{Fate, FaultyCustodian, Mode};
use common::{BOTH, HOUR, Store, USER, World, client_on, code, recover};
use twoshare::{
    BackupState, Client, DeviceState as _, DrillPolicy, Ejected, Hazard, Import, Level,
    MemoryDevice, Method, Place, Progressed, Recovered, Recovery, Resumed, Step, StorePolicy,
    core::{
        curve::{Secp256k1, SigningKey},
        id::WalletId,
        identity::CustodianKeys,
        method::Password,
        store::{EnvelopeStoreExt as _, Operator},
    },
    error::{
        BackupError, CancelError, DeviceError, DrillError, EjectError, OpenBackupError,
        RecoverError, RefreshError,
    },
    protocol::{
        custodian::EjectError as EjectRefused,
        memory::MemoryCustodian,
        rules::{Favour, Policy, ReleaseRefusal},
    },
    status::{OnDevice, Recoverable, StoreHas},
};

fn patient() -> Arc<MemoryCustodian> {
    let keys = CustodianKeys::make(&mut twoshare::rng());
    let policy = Policy { recovery_wait: 24 * HOUR, eject_wait: HOUR, ..Policy::default() };
    MemoryCustodian::new(keys, policy, 1_000_000, twoshare::rng())
}

#[tokio::test]
async fn a_recovery_waits_and_goes_on() {
    let world = World::at(patient());
    let method = code();
    let wallet = world.mpc(from_ref(&method)).await;
    let empty = world.empty_device();
    let ask = || empty.recover(wallet.id(), Recovery::with(method.clone()));
    let Recovered::Waiting(waiting) = ask().await.unwrap() else { panic!("it has to wait") };
    assert_eq!(waiting.ready_at, 1_000_000 + 24 * HOUR);
    assert!(empty.wallets_here().await.unwrap().is_empty());
    world.custodian.advance(23 * HOUR);
    let Recovered::Waiting(again) = ask().await.unwrap() else { panic!("it still has to wait") };
    assert_eq!(again, waiting);
    let status = world.client.status(wallet.id()).await.unwrap();
    assert_eq!(status.waiting.unwrap().request, waiting);
    world.custodian.advance(HOUR);
    let Recovered::Done(recovered) = ask().await.unwrap() else { panic!("it has waited") };
    assert_eq!(recovered.verifying_keys(), wallet.verifying_keys());
    assert!(world.client.status(wallet.id()).await.unwrap().waiting.is_none());
}

#[tokio::test]
async fn the_device_objects_and_its_operator_decides() {
    for favour_device in [true, false] {
        let world = World::at(patient());
        let method = code();
        let id = world.mpc(from_ref(&method)).await.id();
        let empty = world.empty_device();
        let ask = || empty.recover(id, Recovery::with(method.clone()));
        let Recovered::Waiting(waiting) = ask().await.unwrap() else { panic!("it has to wait") };
        world.client.cancel(id, waiting.request).await.unwrap();
        world.client.cancel(id, waiting.request).await.unwrap();
        let frozen = world.client.status(id).await.unwrap();
        assert_eq!(frozen.frozen.unwrap().0.dispute, Some(waiting.request));
        assert_eq!(frozen.recoverable, Recoverable::ByOperator);
        world.custodian.advance(24 * HOUR);
        ask().await.unwrap_err();

        let favour = if favour_device { Favour::Device } else { Favour::Request(waiting.request) };
        world.custodian.unfreeze(USER, id, Some(favour)).unwrap();
        match (favour_device, ask().await.unwrap()) {
            (true, Recovered::Waiting(again)) => assert_ne!(again.request, waiting.request),
            (false, Recovered::Done(_)) => {
                let refused = world.client.cancel(id, waiting.request).await.unwrap_err();
                assert!(
                    matches!(refused, CancelError::Refused(_)),
                    "a revoked device: {refused:?}"
                );
            }
            (_, other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn an_eject_needs_the_window_and_may_be_repeated_in_it() {
    let world = World::new();
    let method = code();
    let wallet = world.mpc(from_ref(&method)).await;
    let id = wallet.id();
    let refused = world.client.eject(id, &method).await.unwrap_err();
    let closed = EjectRefused::Refused(ReleaseRefusal::WindowClosed);
    assert!(matches!(refused, EjectError::Refused(refused) if refused == closed));
    assert!(world.client.status(id).await.unwrap().hazards.iter().all(|hazard| !is_eject(hazard)));

    world.custodian.open_window(USER, id, 300).unwrap();
    assert_eq!(world.client.status(id).await.unwrap().window, Some(300));
    for _ in 0..2 {
        let Ejected::Done(keys) = world.client.eject(id, &method).await.unwrap() else {
            panic!("nothing waits")
        };
        let public: Vec<_> = keys.iter().map(twoshare::EjectedKey::verifying_key).collect();
        assert_eq!(public, wallet.verifying_keys());
        for key in &keys {
            let (raw, hex) = (key.expose_secret(), key.expose_hex());
            let hex = std::str::from_utf8(hex.expose_secret()).unwrap();
            let raw: String = raw.expose_secret().iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(raw, hex);
            let again = twoshare::core::curve::AnySigningKey::from_bytes(
                key.curve(),
                key.expose_secret().expose_secret(),
            );
            assert_eq!(again.unwrap().verifying_key(), key.verifying_key());
            assert!(!format!("{key:?}").contains(hex));
        }
        assert!(keys[0].note().is_none());
        assert!(keys[1].note().unwrap().to_string().contains("seed"));
    }
    world.custodian.advance(300);
    world.client.eject(id, &method).await.unwrap_err();
    // Ever after.
    world.client.refresh(id, &method).await.unwrap();
    recover(&world.client, id, &method).await.unwrap();
    assert!(world.client.status(id).await.unwrap().hazards.iter().any(is_eject));
}

fn is_eject(hazard: &Hazard) -> bool {
    matches!(hazard, Hazard::Ejected { .. } | Hazard::EjectUnanswered { .. })
}

/// The key may be out: its owner is told.
#[tokio::test]
async fn an_eject_whose_answer_is_lost_leaves_its_mark() {
    let world = World::new();
    let method = code();
    let id = world.mpc(from_ref(&method)).await.id();
    world.custodian.open_window(USER, id, 300).unwrap();
    let fate = Fate::default();
    let faulty = FaultyCustodian(world.custodian.login(USER), fate.clone());
    let (identity, device) = (world.custodian.identity(), world.device.clone());
    let client = client_on(faulty, identity, device, &[&world.first, &world.second]);
    // State, begin, eject.
    fate.strike(2, Mode::LoseAnswer);
    client.eject(id, &method).await.unwrap_err();
    assert_eq!(fate.log(), ["state", "begin", "eject"]);
    let hazards = || async { world.client.status(id).await.unwrap().hazards };
    assert!(hazards().await.iter().any(|h| matches!(h, Hazard::EjectUnanswered { .. })));
    world.client.eject(id, &method).await.unwrap();
    assert!(!hazards().await.iter().any(|h| matches!(h, Hazard::EjectUnanswered { .. })));
    assert!(hazards().await.iter().any(is_eject));
}

#[tokio::test]
async fn an_ejected_single_key_wallet_gives_its_secrets() {
    let world = World::at(patient());
    let method = code();
    let key = SigningKey::<Secp256k1>::from_bytes(&[0x5c; 32]).unwrap();
    let imported = world.client.import_wallet(vec![Import::Key(key)], None).await.unwrap();
    let id = imported.id();
    world.client.backup(id, from_ref(&method)).await.unwrap();
    world.custodian.open_window(USER, id, 2 * HOUR).unwrap();
    let Ejected::Waiting(_) = world.client.eject(id, &method).await.unwrap() else {
        panic!("it has to wait")
    };
    world.custodian.advance(HOUR);
    let Ejected::Done(keys) = world.client.eject(id, &method).await.unwrap() else {
        panic!("it has waited")
    };
    assert_eq!(keys[0].expose_secret().expose_secret(), [0x5c; 32]);
}

/// One commits; the other hears of it, and goes on from there.
#[tokio::test]
async fn two_devices_race() {
    let world = World::new();
    let method = code();
    let key = SigningKey::<Secp256k1>::from_bytes(&[9; 32]).unwrap();
    let wallet = world.client.import_wallet(vec![Import::Key(key)], None).await.unwrap();
    let id = wallet.id();
    world.client.backup(id, from_ref(&method)).await.unwrap();
    let other = world.empty_device();
    recover(&other, id, &method).await.unwrap();
    let lost = other.status(id).await.unwrap();
    assert!(lost.hazards.contains(&Hazard::LostDeviceKnowsKey));

    for round in 0..3 {
        let (one, two) =
            tokio::join!(world.client.refresh(id, &method), other.refresh(id, &method));
        assert!(one.is_ok() || two.is_ok(), "{round}: {one:?} {two:?}");
        for client in [&world.client, &other] {
            client.resume(id).await.unwrap();
            client.drill(id, Some(&method)).await.unwrap();
            let status = client.status(id).await.unwrap();
            assert_eq!(status.keys[0].backup, BackupState::Complete, "{round}");
        }
    }
    recover(&world.empty_device(), id, &method).await.unwrap();
}

/// Two calls about one wallet wait for each other, and both succeed.
#[tokio::test]
async fn calls_about_a_wallet_come_one_after_the_other() {
    let world = World::new();
    // Stretched elsewhere, so that the calls overlap.
    let method: Method = Arc::new(Password::new("orbit-velvet-93-lantern").unwrap());
    let id = world.mpc(from_ref(&method)).await.id();
    let again = world.client.clone();
    let (one, two, drilled) = tokio::join!(
        world.client.refresh(id, &method),
        again.refresh(id, &method),
        world.client.drill(id, None),
    );
    assert_eq!(one.unwrap().envelope.epoch.get() + two.unwrap().envelope.epoch.get(), 5);
    drilled.unwrap();
}

#[tokio::test]
async fn a_device_learns_that_it_was_revoked() {
    let world = World::new();
    let method = code();
    let id = world.mpc(from_ref(&method)).await.id();
    recover(&world.empty_device(), id, &method).await.unwrap();
    assert_eq!(world.client.status(id).await.unwrap().on_device, OnDevice::Revoked);
    assert!(matches!(world.client.resume(id).await.unwrap(), Resumed::Revoked));
    let refused = world.client.replace(id, &[code()]).await.unwrap_err();
    assert!(matches!(refused, BackupError::Device(DeviceError::Revoked { .. })), "{refused:?}");
    // What it keeps may be older than what counts, so that not even a method lets it refresh.
    let refused = world.client.refresh(id, &method).await.unwrap_err();
    assert!(matches!(refused, RefreshError::Device(DeviceError::Revoked { .. })), "{refused:?}");
    // It may recover like any other device.
    recover(&world.client, id, &method).await.unwrap();
    assert!(matches!(world.client.resume(id).await.unwrap(), Resumed::Nothing));
    world.client.forget(id).await.unwrap();
    assert!(world.client.wallets_here().await.unwrap().is_empty());
}

#[tokio::test]
async fn drills_say_what_they_have_shown_and_what_is_wrong() {
    let world = World::new();
    let method = code();
    let id = world.mpc(from_ref(&method)).await.id();
    assert!(world.client.status(id).await.unwrap().last_drill.is_none());
    let present = world.client.drill(id, None).await.unwrap();
    assert_eq!((present.level, present.epoch.get()), (Level::Present, 1));
    let matches = world.client.drill(id, Some(&method)).await.unwrap();
    assert_eq!(matches.level, Level::Matches);
    let last = world.client.status(id).await.unwrap().last_drill.unwrap();
    assert_eq!((last.level.name(), last.epoch.get()), ("matches", 1));

    // What one store lacks is mended.
    let name = world.client.wallet(id).await.unwrap().backup().unwrap().envelope;
    world.first.delete_envelope(name).await.unwrap();
    let mended = world.client.drill(id, None).await.unwrap().mended;
    assert_eq!(mended[0].as_str(), "store-0");

    // A wrong method shows nothing about the backup.
    let wrong = world.client.drill(id, Some(&code())).await.unwrap_err();
    assert!(matches!(wrong, DrillError::Open(OpenBackupError::Open(_))), "{wrong:?}");
    let status = world.client.status(id).await.unwrap();
    assert_eq!(status.keys[0].backup, BackupState::Complete);

    // Without any store that has it, the drill fails, and the backup is not called complete any more.
    world.first.delete_envelope(name).await.unwrap();
    world.second.delete_envelope(name).await.unwrap();
    let failed = world.client.drill(id, Some(&method)).await.unwrap_err();
    assert!(matches!(failed, DrillError::Open(OpenBackupError::NotFound { .. })), "{failed:?}");
    let status = world.client.status(id).await.unwrap();
    let BackupState::Unverified { failed: Some(_), .. } = status.keys[0].backup else {
        panic!("{status:?}")
    };
}

#[tokio::test]
async fn a_screen_shows_what_there_is() {
    let world = World::new();
    let method: Method =
        Arc::new(Password::new("orbit-velvet-93-lantern").unwrap().with_label("mine"));
    let wallet = world.client.create_wallet(BOTH, Some("savings".to_owned())).await.unwrap();
    let id = wallet.id();
    let status = world.client.status(id).await.unwrap();
    assert_eq!((status.on_device, status.recoverable), (OnDevice::Here, Recoverable::No));
    assert_eq!(status.keys.iter().map(|k| k.backup.name()).collect::<Vec<_>>(), ["none", "none"]);
    assert_eq!(status.name.as_deref(), Some("savings"));
    assert_eq!(status.check_code, wallet.check_code());

    world.client.backup(id, from_ref(&method)).await.unwrap();
    let status = world.client.status(id).await.unwrap();
    assert_eq!(status.keys[1].backup, BackupState::Complete);
    assert_eq!((status.epoch.map(|e| e.get()), status.since), (Some(1), Some(0)));
    assert_eq!(status.methods[0].label, "mine");
    assert!(status.stores.iter().all(|store| store.has == StoreHas::Everything));
    assert_eq!(status.hazards, [Hazard::StoresDeletable]);
    assert!(status.asked.is_ok());
    // A device without the wallet has the custodian's word.
    let elsewhere = world.empty_device().status(id).await.unwrap();
    assert_eq!((elsewhere.on_device, elsewhere.check_code), (OnDevice::No, wallet.check_code()));

    let policy = DrillPolicy::default();
    world.custodian.advance(policy.verify_within + 1);
    let status = world.client.status(id).await.unwrap();
    let unverified = BackupState::Unverified { since: Some(0), failed: None };
    assert_eq!(status.keys[0].backup, unverified);
    world.client.drill(id, Some(&method)).await.unwrap();
    let state = world.client.status(id).await.unwrap().keys[0].backup.clone();
    assert_eq!(state, BackupState::Complete);
    world.custodian.advance(policy.refresh_within - policy.verify_within);
    world.client.drill(id, Some(&method)).await.unwrap();
    let state = world.client.status(id).await.unwrap().keys[0].backup.clone();
    assert_eq!(state, BackupState::Stale { since: 0 });
}

#[tokio::test]
async fn a_store_that_was_away_is_caught_up_with() {
    let custodian = MemoryCustodian::start(twoshare::rng());
    let (near, far) = (Store::default(), Store::default());
    let one = std::num::NonZeroUsize::MIN;
    let client = Client::builder()
        .custodian(custodian.login(USER))
        .pinned(custodian.identity())
        .user(USER)
        .device(MemoryDevice::new())
        .store(common::id("near"), Place::store(near.clone(), Operator::User))
        .store(common::id("far"), Place::store(far.clone(), Operator::User))
        .store_policy(StorePolicy::AtLeast(one))
        .build()
        .unwrap();
    let method = code();
    let id = client.create_wallet(BOTH, None).await.unwrap().id();
    far.fail(true);
    let backup = client.backup(id, from_ref(&method)).await.unwrap();
    assert_eq!(backup.missing[0].as_str(), "far");
    let BackupState::Partial { missing } = &client.status(id).await.unwrap().keys[0].backup else {
        panic!("it is not everywhere")
    };
    assert_eq!(missing[0].as_str(), "far");
    far.fail(false);
    client.resume(id).await.unwrap();
    assert_eq!(client.status(id).await.unwrap().keys[0].backup, BackupState::Complete);
    far.get_envelope(backup.envelope).await.unwrap();
}

#[tokio::test]
async fn old_envelopes_go_when_nothing_can_need_them() {
    let world = World::new();
    let method = code();
    let id = world.mpc(from_ref(&method)).await.id();
    world.client.refresh(id, &method).await.unwrap();
    world.client.resume(id).await.unwrap();
    let epochs = || async {
        let names = world.names(id).await;
        names.iter().map(|name| name.epoch.get()).collect::<Vec<_>>()
    };
    assert_eq!(epochs().await, [1, 2]);
    world.custodian.advance(29 * 24 * HOUR);
    world.client.resume(id).await.unwrap();
    assert_eq!(epochs().await, [1, 2]);
    world.custodian.advance(24 * HOUR);
    world.client.resume(id).await.unwrap();
    assert_eq!(epochs().await, [2]);
    recover(&world.empty_device(), id, &method).await.unwrap();
}

#[tokio::test]
async fn a_rolled_back_custodian_is_said() {
    let world = World::new();
    let method = code();
    let id = world.mpc(from_ref(&method)).await.id();
    let yesterday = world.custodian.snapshot();
    world.client.refresh(id, &method).await.unwrap();
    world.custodian.restore(yesterday);
    let status = world.client.status(id).await.unwrap();
    assert!(status.frozen.unwrap().0.restored.is_some());
    assert!(status.hazards.iter().any(|h| matches!(h, Hazard::CustodianRolledBack { .. })));
    let refused = recover(&world.client, id, &method).await.unwrap_err();
    assert!(matches!(refused, RecoverError::Open(OpenBackupError::Restored { .. })));
    let approved = twoshare::make_operation_id();
    world.custodian.approve(USER, id, approved).unwrap();
    let recovery = Recovery::with(method.clone()).approved(approved);
    world.client.recover(id, recovery).await.unwrap();
    let status = world.client.status(id).await.unwrap();
    assert_eq!(status.epoch.unwrap().get(), 3, "above what was lost");
    assert_eq!(status.keys[0].backup, BackupState::Complete);
}

/// From the receipt on, what a method gives is in the envelope only.
#[tokio::test]
async fn no_backup_share_stays_on_the_device() {
    let world = World::new();
    let method = code();
    let id = world.mpc(from_ref(&method)).await.id();
    world.client.refresh(id, &method).await.unwrap();
    check_wiped(&world, id, &method).await;
    recover(&world.client, id, &method).await.unwrap();
    check_wiped(&world, id, &method).await;
    // What is on the device is found.
    let wallet = world.client.wallet(id).await.unwrap();
    assert!(holds(&world.device, id, wallet.signing_shares()).await);
}

async fn check_wiped(world: &World, id: WalletId, method: &Method) {
    let shares = world.client.open(id, method).await.unwrap().payload.keys;
    assert!(!holds(&world.device, id, &shares).await);
}

async fn holds(
    device: &MemoryDevice,
    id: WalletId,
    shares: &[twoshare::core::share::AnyClientShare],
) -> bool {
    let record = device.load(id).await.unwrap().unwrap().contents;
    shares.iter().any(|share| {
        let share = share.expose_secret();
        record.expose_secret().windows(32).any(|bytes| bytes == share.expose_secret())
    })
}

/// A password is stretched on another thread: whatever else the executor has to do goes on.
#[tokio::test]
async fn nothing_blocks_the_executor() {
    let world = World::new();
    let password: Method = Arc::new(Password::new("orbit-velvet-93-lantern").unwrap());
    let wallet = world.client.create_wallet(BOTH, None).await.unwrap();
    let longest = Arc::new(Mutex::new(Duration::ZERO));
    let ticking = tokio::spawn({
        let longest = Arc::clone(&longest);
        async move {
            let mut last = Instant::now();
            loop {
                tokio::task::yield_now().await;
                let mut longest = longest.lock().unwrap();
                *longest = last.elapsed().max(*longest);
                last = Instant::now();
            }
        }
    });
    world.client.backup(wallet.id(), from_ref(&password)).await.unwrap();
    // So that it ticks before and after.
    tokio::time::sleep(Duration::from_millis(1)).await;
    *longest.lock().unwrap() = Duration::ZERO;
    let before = Instant::now();
    world.client.drill(wallet.id(), Some(&password)).await.unwrap();
    let took = before.elapsed();
    tokio::time::sleep(Duration::from_millis(1)).await;
    ticking.abort();
    let longest = *longest.lock().unwrap();
    assert!(longest * 2 < took, "{longest:?} of {took:?}");
}

#[tokio::test]
async fn progress_is_told_in_steps() {
    let world = World::new();
    let heard: Arc<Mutex<Vec<Progressed>>> = Arc::default();
    let listener = Arc::clone(&heard);
    let client =
        world.client.clone().with_progress(move |at: Progressed| listener.lock().unwrap().push(at));
    let method = code();
    let id = client.create_wallet(BOTH, None).await.unwrap().id();
    client.backup(id, from_ref(&method)).await.unwrap();
    recover(&client, id, &method).await.unwrap();
    let heard = heard.lock().unwrap();
    for call in ["create_wallet", "backup", "recover"] {
        let steps: Vec<_> = heard.iter().filter(|at| at.call.id() == call).collect();
        assert!(steps.windows(2).all(|pair| pair[0].done < pair[1].done), "{steps:?}");
        let last = steps.last().unwrap();
        assert_eq!((last.step, last.done), (Step::Done, last.total));
    }
    assert_eq!(heard[0].step.id(), "exchange");
}

#[tokio::test]
async fn another_users_record_is_not_used() {
    let world = World::new();
    let id = world.mpc(&[code()]).await.id();
    let builder = Client::builder().custodian(world.custodian.login("mallory"));
    let builder = builder.pinned(world.custodian.identity()).user("mallory");
    let mallory = builder.device(world.device.clone()).build().unwrap();
    assert!(mallory.wallet(id).await.is_err());
    let stores: [&Store; 0] = [];
    let login = world.custodian.login(USER);
    let alice = client_on(login, world.custodian.identity(), world.device.clone(), &stores);
    assert!(alice.wallet(id).await.is_ok());
}
