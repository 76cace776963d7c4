//! Every operation, with every single call to the device, the custodian and the store going wrong in every
//! way; and what must hold afterwards: the last good backup is recoverable with each of its methods, what
//! was told to be done is done, and nothing is left behind.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

mod common;

use std::{slice::from_ref, sync::Arc};

use common::{
    BOTH, Store, USER, World, client_on, code,
    faults::{Fate, FaultyCustodian, FaultyDevice, FaultyStore, Mode},
    id, recover,
};
use pollster::block_on;
use twoshare::{
    Client, Converted, DeviceState as _, Exported, Import, MemoryDevice, Method, MethodChange,
    Place, Recovered, Recovery, Resumed, StoreId, Wallet,
    core::{
        attachment::Attachment,
        curve::{Secp256k1, SigningKey},
        id::{WalletId, WalletKind},
        sealed::{SecretKind, WalletSecret},
        secret::SecretBytes,
        share::{AnyCommitment, AnyShare},
        store::{EnvelopeName, EnvelopeStore, Operator, Part},
    },
};

/// What a signing library has to make anew after a recovery.
const PER_DEVICE: &str = "Paillier keys";

/// What is done while something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    FirstBackup,
    Replace,
    Refresh,
    Change,
    /// On the device that has the wallet.
    RecoverHere,
    /// On another one.
    RecoverThere,
    Drill,
    /// A single-key wallet becomes an MPC wallet.
    Convert,
}

/// A wallet before something goes wrong.
struct Scene {
    world: World,
    /// The device on which it goes wrong.
    device: MemoryDevice,
    wallet: Wallet,
    /// A method of the last backup.
    old: Method,
    /// One that the operation adds, or makes a new backup with.
    new: Method,
    act: Act,
    before: Vec<EnvelopeName>,
}

impl Scene {
    fn new(kind: WalletKind, act: Act) -> Self {
        let world = World::new();
        let (old, new) = (code(), code());
        let wallet = match kind {
            WalletKind::Mpc => block_on(world.client.create_wallet(BOTH, None)),
            WalletKind::SingleKey => {
                Ok(block_on(world.client.import_wallet(imports(act), None)).unwrap())
            }
        };
        let wallet = wallet.unwrap();
        if kind == WalletKind::Mpc {
            let kept = vec![Attachment::per_device(PER_DEVICE).unwrap()];
            block_on(world.client.keep_attachments(wallet.id(), kept)).unwrap();
        }
        if act != Act::FirstBackup {
            block_on(world.client.backup(wallet.id(), from_ref(&old))).unwrap();
        }
        let device = match act {
            Act::RecoverThere => MemoryDevice::new(),
            _ => world.device.clone(),
        };
        let before = envelopes(&world, wallet.id());
        Self { world, device, wallet, old, new, act, before }
    }

    fn id(&self) -> WalletId {
        self.wallet.id()
    }

    /// The client on whose calls fate strikes.
    fn faulty(&self, fate: &Fate) -> Client {
        let custodian = &self.world.custodian;
        let store =
            |store: &Store| Place::store(FaultyStore(store.clone(), fate.clone()), Operator::User);
        let session = FaultyCustodian(custodian.login(USER), fate.clone());
        let builder = Client::builder().custodian(session).pinned(custodian.identity()).user(USER);
        builder
            .device(FaultyDevice(self.device.clone(), fate.clone()))
            .store(id("store-0"), store(&self.world.first))
            .store(StoreId::custodian(), Place::Custodian)
            .build()
            .unwrap()
    }

    /// The same after the app was started again.
    fn again(&self) -> Client {
        self.faulty(&Fate::default())
    }

    /// Whether it was told to be done.
    async fn act(&self, client: &Client) -> bool {
        let (id, old, new) = (self.id(), &self.old, &self.new);
        match self.act {
            Act::FirstBackup | Act::Replace => {
                let methods = [new.clone()];
                let backup = match self.act {
                    Act::FirstBackup => client.backup(id, &methods).await,
                    _ => client.replace(id, &methods).await,
                };
                backup.is_ok()
            }
            Act::Refresh => client.refresh(id, old).await.is_ok(),
            Act::Change => {
                let changes = vec![MethodChange::Add(new.clone())];
                client.change_methods(id, old, changes).await.is_ok()
            }
            Act::RecoverHere | Act::RecoverThere => {
                let recovered = client.recover(id, Recovery::with(old.clone())).await;
                matches!(recovered, Ok(Recovered::Done(_)))
            }
            Act::Drill => client.drill(id, Some(old)).await.is_ok(),
            Act::Convert => matches!(client.convert(id, old).await, Ok(Converted::Done(_))),
        }
    }

    /// The methods that must recover, now that the custodian calls this epoch active, and those that must
    /// not.
    fn methods(&self, is_new: bool) -> (Vec<Method>, Vec<Method>) {
        let (old, new) = (self.old.clone(), self.new.clone());
        match (self.act, is_new) {
            (Act::FirstBackup, false) => (vec![], vec![new]),
            (Act::FirstBackup, true) => (vec![new], vec![]),
            // The old one takes it back, and would be in the way of the other then.
            (Act::Replace, true) => (vec![new], vec![]),
            (Act::Change, true) => (vec![old, new], vec![]),
            _ => (vec![old], vec![new]),
        }
    }

    fn epoch(&self) -> u64 {
        let state = block_on(self.world.client.state(self.id()));
        let backup = state.ok().and_then(|state| state.backup);
        backup.map_or(0, |backup| backup.epoch.get())
    }

    /// What must hold once the device has resumed.
    fn check(&self, told_done: bool, context: &str) {
        let makes_epoch = self.act != Act::Drill;
        let first = u64::from(self.act != Act::FirstBackup);
        let is_new = self.epoch() > first;
        assert!(!(told_done && makes_epoch) || is_new, "{context}: told done, and is not");

        // The device can do what it could.
        let client = self.again();
        if let Ok(wallet) = block_on(client.wallet(self.id())) {
            self.check_same(&wallet, is_new, context);
            self.check_wiped(&wallet, context);
            let state = block_on(client.state(self.id()));
            if let (Ok(state), WalletKind::Mpc) = (&state, wallet.kind()) {
                let mine = wallet.signing_shares().iter().map(|share| share.commitment());
                let theirs = state.signing.as_ref().unwrap();
                assert!(mine.eq(theirs.commitments.iter().cloned()), "{context}: signing pair");
            }
            if let (Ok(state), true) = (state, is_new || first > 0) {
                let known = wallet.backup().map(|backup| backup.envelope.digest);
                assert_eq!(known, state.backup.unwrap().envelope, "{context}: last backup");
            }
        } else {
            assert!(self.act == Act::RecoverThere && !is_new, "{context}: it is gone");
        }
        // Nothing is left behind in the stores.
        let active = block_on(self.world.client.state(self.id())).ok().and_then(|s| s.backup);
        let active = active.and_then(|active| active.envelope);
        // Of an imported wallet whose first backup expired the custodian knows nothing, and says nothing.
        let is_unheard = self.wallet.kind() == WalletKind::SingleKey && self.epoch() == 0;
        for name in envelopes(&self.world, self.id()) {
            let is_known = self.before.contains(&name) || Some(name.digest) == active;
            assert!(is_known || is_unheard, "{context}: {name:?} is left behind");
        }
        self.recover_elsewhere(is_new, context);
    }

    /// Every method of the last backup recovers on an empty device, with nothing of this one's help.
    fn recover_elsewhere(&self, is_new: bool, context: &str) {
        let (good, bad) = self.methods(is_new);
        for method in &bad {
            let empty = self.empty();
            assert!(block_on(recover(&empty, self.id(), method)).is_err(), "{context}: opens");
        }
        for method in &good {
            self.check_same(&self.recover_in_time(method, context), is_new, context);
        }
    }

    /// What another device has prepared is in the way of one of the same rank until it expires.
    fn recover_in_time(&self, method: &Method, context: &str) -> Wallet {
        let mut recovered = block_on(recover(&self.empty(), self.id(), method));
        if let Err(error) = &recovered
            && format!("{error:?}").contains("Conflict")
        {
            self.world.custodian.advance(15 * 60);
            recovered = block_on(recover(&self.empty(), self.id(), method));
        }
        recovered.unwrap_or_else(|error| panic!("{context}: {error:?}"))
    }

    fn empty(&self) -> Client {
        let custodian = &self.world.custodian;
        let (login, identity) = (custodian.login(USER), custodian.identity());
        client_on(login, identity, MemoryDevice::new(), &[&self.world.first])
    }

    /// The device of a converted wallet has nothing of the whole key.
    fn check_wiped(&self, wallet: &Wallet, context: &str) {
        if self.act != Act::Convert {
            return;
        }
        let record = block_on(self.device.load(self.id())).unwrap().unwrap().contents;
        let record = record.expose_secret();
        let has = record.windows(KEY.len()).any(|bytes| bytes == KEY);
        assert_eq!(has, wallet.kind() == WalletKind::SingleKey, "{context}: the whole key");
    }

    fn check_same(&self, wallet: &Wallet, is_new: bool, context: &str) {
        // What was made for other signing shares than today's has to be made anew, and nothing else.
        let is_new_pair =
            !self.wallet.signing_shares().is_empty() && !has_same_pair(wallet, &self.wallet);
        let stale: &[&str] = if is_new_pair { &[PER_DEVICE] } else { &[] };
        assert_eq!(wallet.to_regenerate(), stale, "{context}");
        assert_eq!(wallet.verifying_keys(), self.wallet.verifying_keys(), "{context}");
        if self.act == Act::Convert && is_new {
            assert_eq!(wallet.kind(), WalletKind::Mpc, "{context}");
            assert!(wallet.export().unwrap().is_empty(), "{context}");
            return;
        }
        assert_eq!(wallet.kind(), self.wallet.kind(), "{context}");
        let secrets = |wallet: &Wallet| -> Vec<Vec<u8>> {
            let exported = wallet.export().unwrap();
            let bytes = exported.iter().map(|exported| match exported {
                Exported::Key(key) => key.expose_secret().expose_secret().to_vec(),
                Exported::Secret(secret) => secret.bytes().expose_secret().to_vec(),
            });
            bytes.collect()
        };
        assert_eq!(secrets(wallet), secrets(&self.wallet), "{context}");
    }
}

fn has_same_pair(one: &Wallet, other: &Wallet) -> bool {
    let commitments = |wallet: &Wallet| -> Vec<AnyCommitment> {
        wallet.signing_shares().iter().map(AnyShare::commitment).collect()
    };
    commitments(one) == commitments(other)
}

const KEY: [u8; 32] = [0x5c; 32];

fn imports(act: Act) -> Vec<Import> {
    let seed = WalletSecret::new(SecretKind::Ed25519Seed, "seed", SecretBytes::from(vec![7; 32]));
    let key = SigningKey::<Secp256k1>::from_bytes(&KEY).unwrap();
    match act {
        Act::Convert => vec![Import::Key(key)],
        _ => vec![Import::Key(key), Import::Secret(seed.unwrap())],
    }
}

fn envelopes(world: &World, wallet: WalletId) -> Vec<EnvelopeName> {
    let names = block_on(world.first.list(wallet)).unwrap();
    names.into_iter().filter(|name| name.part == Part::Envelope).map(|n| n.envelope).collect()
}

/// What the device does after something has gone wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// It resumes, with the client whose call was dropped.
    Resume,
    /// It is not there while another device recovers; then it resumes.
    RecoverElsewhere,
    /// The custodian is restarted too, and it resumes a day later.
    ResumeLate,
    /// It resumes and is killed while it does, and resumes.
    ResumeTwice,
}

fn strike_everywhere(kind: WalletKind, act: Act, then: Then, modes: &[Mode]) {
    for mode in modes {
        for at in 0.. {
            let scene = Scene::new(kind, act);
            let fate = Fate::default();
            let client = scene.faulty(&fate);
            fate.strike(at, *mode);
            let told = fate.drive(scene.act(&client)) == Some(true);
            if !fate.has_struck() {
                assert!(told && at > 3, "{act:?} does not even work: {:?}", fate.log());
                break;
            }
            let last = fate.log().last().copied();
            let context = format!("{kind} {act:?} {mode:?} at {at} ({last:?}), then {then:?}");
            after(&scene, &client, then, told, at, &context);
        }
    }
}

fn after(scene: &Scene, dropped: &Client, then: Then, told: bool, at: usize, context: &str) {
    let resume = |client: &Client| {
        for wallet in block_on(client.wallets_here()).unwrap() {
            let resumed = block_on(client.resume(wallet));
            let resumed = resumed.unwrap_or_else(|error| panic!("{context}: {error:?}"));
            assert!(!matches!(resumed, Resumed::Revoked), "{context}");
        }
    };
    match then {
        Then::Resume => {}
        Then::ResumeLate => {
            scene.world.custodian.restart();
            scene.world.custodian.advance(24 * common::HOUR);
        }
        Then::ResumeTwice => {
            let fate = Fate::default();
            let client = scene.faulty(&fate);
            // Somewhere else than the first time.
            fate.strike(at % 7, Mode::KillAfter);
            fate.drive(async {
                for wallet in client.wallets_here().await.unwrap() {
                    let _ = client.resume(wallet).await;
                }
            });
        }
        Then::RecoverElsewhere => {
            let is_new = scene.epoch() > u64::from(scene.act != Act::FirstBackup);
            scene.recover_elsewhere(is_new, context);
            let client = scene.again();
            for wallet in block_on(client.wallets_here()).unwrap() {
                let resumed = block_on(client.resume(wallet));
                resumed.unwrap_or_else(|error| panic!("{context}: {error:?}"));
            }
            // And what it had in the works is not in the way of anybody.
            let (good, _) = scene.methods(is_new);
            for method in &good {
                scene.recover_in_time(method, context);
            }
            return;
        }
    }
    match then {
        // Only the call was dropped.
        Then::Resume => resume(dropped),
        _ => resume(&scene.again()),
    }
    scene.check(told, context);
}

macro_rules! cases {
    ($($name:ident: $kind:ident $act:ident;)+) => { $(
        mod $name {
            use super::*;

            #[test]
            fn then_it_resumes() {
                strike_everywhere(WalletKind::$kind, Act::$act, Then::Resume, &Mode::ALL);
            }

            #[test]
            fn then_another_device_recovers() {
                let kills = [Mode::KillBefore, Mode::KillAfter];
                strike_everywhere(WalletKind::$kind, Act::$act, Then::RecoverElsewhere, &kills);
            }

            #[test]
            fn then_it_resumes_late() {
                let kills = [Mode::KillAfter];
                strike_everywhere(WalletKind::$kind, Act::$act, Then::ResumeLate, &kills);
            }

            #[test]
            fn then_it_is_killed_again() {
                let kills = [Mode::KillAfter, Mode::LoseAnswer];
                strike_everywhere(WalletKind::$kind, Act::$act, Then::ResumeTwice, &kills);
            }
        }
    )+ };
}

cases! {
    first_backup_of_mpc: Mpc FirstBackup;
    first_backup_of_single_key: SingleKey FirstBackup;
    replace_of_mpc: Mpc Replace;
    replace_of_single_key: SingleKey Replace;
    refresh: Mpc Refresh;
    change: SingleKey Change;
    recovery_of_mpc: Mpc RecoverThere;
    recovery_of_mpc_on_its_device: Mpc RecoverHere;
    recovery_of_single_key: SingleKey RecoverThere;
    recovery_of_single_key_on_its_device: SingleKey RecoverHere;
    drill: Mpc Drill;
    conversion: SingleKey Convert;
}

/// A wallet that was shown is there, on both sides; one that was not is there or is not, on both.
#[test]
fn creation() {
    for mode in Mode::ALL {
        for at in 0.. {
            let world = World::new();
            let fate = Fate::default();
            let session = FaultyCustodian(world.custodian.login(USER), fate.clone());
            let device = FaultyDevice(world.device.clone(), fate.clone());
            let identity = world.custodian.identity();
            let client = client_on(session, identity, device, &[&world.first]);
            fate.strike(at, mode);
            let created = fate.drive(client.create_wallet(BOTH, None)).and_then(Result::ok);
            if !fate.has_struck() {
                created.unwrap();
                break;
            }
            let context = format!("{mode:?} at {at}: {:?}", fate.log());
            let again = &world.client;
            for wallet in block_on(again.wallets_here()).unwrap() {
                block_on(again.resume(wallet)).unwrap();
            }
            let here = block_on(again.wallets_here()).unwrap();
            if let Some(created) = created {
                assert_eq!(here, [created.id()], "{context}");
            }
            for wallet in here {
                let wallet = block_on(again.wallet(wallet)).unwrap();
                let state = block_on(again.state(wallet.id())).unwrap();
                let mine = wallet.signing_shares().iter().map(|share| share.commitment());
                assert!(mine.eq(state.signing.unwrap().commitments), "{context}");
                let method = code();
                block_on(again.backup(wallet.id(), &[Arc::clone(&method)])).unwrap();
                block_on(recover(&world.empty_device(), wallet.id(), &method)).unwrap();
            }
        }
    }
}
