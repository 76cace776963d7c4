//! A wallet moves from one custodian to another, with every single call to the device, to either custodian
//! and to the store going wrong in every way: the wallet is recoverable throughout, and ends with one.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

mod common;

use std::{
    slice::from_ref,
    sync::{Arc, Mutex},
};

use common::{
    BOTH, HOUR, Store, USER, code,
    faults::{Fate, FaultyCustodian, FaultyDevice, FaultyStore, Mode},
    id, recover,
};
use pollster::block_on;
use twoshare::{
    Call, Client, Destination, Import, MemoryDevice, Method, Moved, Place, Progressed, Recovered,
    Recovery, Resumed, Step, StoreId, Wallet,
    core::{
        curve::{AnySigningKey, Secp256k1, SigningKey},
        id::{WalletId, WalletKind},
        sealed::{SecretKind, WalletSecret},
        store::{EnvelopeStore, Operator},
    },
    error::{DeviceError, MoveError, OpenBackupError, RefreshError, ResumeError, StateError},
    protocol::{
        custodian::DepartError,
        memory::MemoryCustodian,
        rules::{DepartRefusal, Policy},
    },
};

/// Who the user is at the other custodian.
const THERE: &str = "alice-there";

struct Scene {
    old: Arc<MemoryCustodian>,
    new: Arc<MemoryCustodian>,
    store: Store,
    device: MemoryDevice,
    method: Method,
    wallet: Wallet,
}

impl Scene {
    fn new(kind: WalletKind) -> Self {
        Self::with(kind, Policy::default())
    }

    fn with(kind: WalletKind, policy: Policy) -> Self {
        let start = || {
            let mut rng = twoshare::rng();
            let keys = twoshare::core::identity::CustodianKeys::make(&mut rng);
            MemoryCustodian::new(keys, policy.clone(), 1_800_000_000, rng)
        };
        let (old, new) = (start(), start());
        old.trust(new.identity());
        let (store, device, method) = (Store::default(), MemoryDevice::new(), code());
        let client = client(&old, USER, &store, &device, &Fate::default());
        let wallet = match kind {
            WalletKind::Mpc => block_on(client.create_wallet(BOTH, None)).unwrap(),
            WalletKind::SingleKey => block_on(client.import_wallet(imports(), None)).unwrap(),
        };
        block_on(client.backup(wallet.id(), from_ref(&method))).unwrap();
        let scene = Self { old, new, store, device, method, wallet };
        scene.open_window();
        scene
    }

    fn id(&self) -> WalletId {
        self.wallet.id()
    }

    fn open_window(&self) {
        self.old.open_window(USER, self.id(), 4 * HOUR).unwrap();
    }

    /// The client of the custodian that the wallet leaves.
    fn here(&self, fate: &Fate) -> Client {
        client(&self.old, USER, &self.store, &self.device, fate)
    }

    /// The client of the one that it goes to, on this device.
    fn there(&self) -> Client {
        client(&self.new, THERE, &self.store, &self.device, &Fate::default())
    }

    fn to(&self, fate: &Fate) -> Destination {
        let session = FaultyCustodian(self.new.login(THERE), fate.clone());
        Destination::new(session, self.new.identity()).user(THERE)
    }

    fn from(&self) -> Destination {
        Destination::new(self.old.login(USER), self.old.identity()).user(USER)
    }

    async fn act(&self, client: &Client, fate: &Fate) -> Result<Moved, MoveError> {
        client.move_wallet(self.id(), &self.method, &self.to(fate)).await
    }

    /// Which of the two has shares of the wallet.
    fn with_old_and_new(&self) -> (bool, bool) {
        let has = |custodian: &MemoryCustodian| {
            custodian
                .hazmat_stored_shares()
                .iter()
                .any(|share| share.id().sharing.wallet == self.id())
        };
        (has(&self.old), has(&self.new))
    }

    /// Recovers on an empty device with this custodian.
    fn recover_with(&self, new: bool) -> Result<Wallet, twoshare::error::RecoverError> {
        let empty = MemoryDevice::new();
        let (custodian, user) = if new { (&self.new, THERE) } else { (&self.old, USER) };
        // What the device has prepared there is in nobody's way for long.
        custodian.advance(HOUR);
        let client = client(custodian, user, &self.store, &empty, &Fate::default());
        block_on(recover(&client, self.id(), &self.method))
    }

    fn check_same(&self, wallet: &Wallet, context: &str) {
        assert_eq!(wallet.verifying_keys(), self.wallet.verifying_keys(), "{context}");
    }
}

fn client(
    custodian: &Arc<MemoryCustodian>,
    user: &str,
    store: &Store,
    device: &MemoryDevice,
    fate: &Fate,
) -> Client {
    let session = FaultyCustodian(custodian.login(user), fate.clone());
    let place = Place::store(FaultyStore(store.clone(), fate.clone()), Operator::User);
    Client::builder()
        .custodian(session)
        .pinned(custodian.identity())
        .user(user)
        .device(FaultyDevice(device.clone(), fate.clone()))
        .store(id("store-0"), place)
        .store(StoreId::custodian(), Place::Custodian)
        .build()
        .unwrap()
}

fn imports() -> Vec<Import> {
    let seed = WalletSecret::new(SecretKind::Ed25519Seed, "sol", vec![7; 32].into()).unwrap();
    vec![Import::Key(SigningKey::<Secp256k1>::make(&mut twoshare::rng())), Import::Secret(seed)]
}

fn done(moved: Result<Moved, MoveError>) -> Wallet {
    match moved.unwrap() {
        Moved::Done(wallet) => wallet,
        Moved::Waiting(waiting) => panic!("{waiting:?}"),
    }
}

const KINDS: [WalletKind; 2] = [WalletKind::Mpc, WalletKind::SingleKey];

#[test]
fn a_wallet_moves() {
    for kind in KINDS {
        let scene = Scene::new(kind);
        let heard = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&heard);
        let here = scene.here(&Fate::default()).with_progress(move |at: Progressed| {
            if at.call == Call::Move {
                listener.lock().unwrap().push(at.step);
            }
        });
        let moved = done(block_on(scene.act(&here, &Fate::default())));
        scene.check_same(&moved, "moved");
        let heard = heard.lock().unwrap().clone();
        let steps = [Step::Open, Step::Leave, Step::Store, Step::Commit, Step::HandOver];
        let mut heard = heard.iter();
        assert!(steps.iter().all(|step| heard.any(|at| at == step)));
        assert_eq!(scene.with_old_and_new(), (false, true));

        // Refreshed there: what crossed the wire leads to nothing.
        let there = scene.there();
        let state = block_on(there.state(scene.id())).unwrap();
        assert_eq!(state.backup.as_ref().unwrap().epoch.get(), 3);
        assert_eq!(moved.backup().unwrap().envelope.epoch.get(), 3);
        assert!(matches!(block_on(there.resume(scene.id())).unwrap(), Resumed::Nothing));
        block_on(there.drill(scene.id(), Some(&scene.method))).unwrap();
        block_on(there.refresh(scene.id(), &scene.method)).unwrap();

        // The client of before says where it is, whatever is asked.
        let to = scene.new.identity();
        let refreshed = block_on(here.refresh(scene.id(), &scene.method));
        let Err(RefreshError::Open(OpenBackupError::State(StateError::Moved(moved)))) = refreshed
        else {
            panic!("{refreshed:?}")
        };
        assert_eq!(*moved.to, to);
        let resumed = block_on(here.resume(scene.id()));
        assert!(matches!(resumed, Err(ResumeError::State(StateError::Moved(_)))), "{resumed:?}");
        let again = block_on(scene.act(&here, &Fate::default()));
        assert!(
            matches!(again, Err(MoveError::Open(OpenBackupError::State(StateError::Moved(_))))),
            "{again:?}"
        );
        scene.check_same(&scene.recover_with(true).unwrap(), "on an empty device");
        assert!(scene.recover_with(false).is_err(), "not with the old one");
    }
}

#[test]
fn an_old_device_hears_that_it_moved() {
    for kind in KINDS {
        let scene = Scene::new(kind);
        // Another phone of the same user, as it was before.
        let other = MemoryDevice::new();
        let fate = Fate::default();
        let elsewhere = client(&scene.old, USER, &scene.store, &other, &fate);
        block_on(recover(&elsewhere, scene.id(), &scene.method)).unwrap();
        let mover = Scene { device: other.clone(), ..scene };
        let stale = other;
        let copy = block_on(async {
            let copy = MemoryDevice::new();
            let record = twoshare::DeviceState::load(&stale, mover.id()).await.unwrap().unwrap();
            let contents = record.contents;
            twoshare::DeviceState::save(&copy, mover.id(), &contents, None).await.unwrap();
            copy
        });
        done(block_on(mover.act(&mover.here(&fate), &fate)));
        let stale = client(&mover.old, USER, &mover.store, &copy, &fate);
        let resumed = block_on(stale.resume(mover.id()));
        let Err(ResumeError::State(StateError::Moved(moved))) = resumed else {
            panic!("{resumed:?}")
        };
        assert_eq!(*moved.to, mover.new.identity());
        let there = client(&mover.new, THERE, &mover.store, &copy, &fate);
        let resumed = block_on(there.resume(mover.id()));
        assert!(resumed.is_err(), "its shares are the old custodian's: {resumed:?}");
    }
}

#[test]
fn there_and_back_again() {
    for kind in KINDS {
        let scene = Scene::new(kind);
        scene.new.trust(scene.old.identity());
        let fate = Fate::default();
        done(block_on(scene.act(&scene.here(&fate), &fate)));
        scene.new.open_window(THERE, scene.id(), HOUR).unwrap();
        let there = scene.there();
        let back = block_on(there.move_wallet(scene.id(), &scene.method, &scene.from()));
        scene.check_same(&done(back), "back");
        assert_eq!(scene.with_old_and_new(), (true, false));
        let here = scene.here(&fate);
        let state = block_on(here.state(scene.id())).unwrap();
        assert_eq!(state.backup.unwrap().epoch.get(), 5);
        block_on(here.refresh(scene.id(), &scene.method)).unwrap();
        scene.check_same(&scene.recover_with(false).unwrap(), "on an empty device");
    }
}

#[test]
fn shares_of_before_and_after_do_not_combine() {
    let scene = Scene::new(WalletKind::Mpc);
    let before = scene.old.hazmat_stored_shares();
    let mine = scene.wallet.signing_shares().to_vec();
    let fate = Fate::default();
    let moved = done(block_on(scene.act(&scene.here(&fate), &fate)));
    let after = scene.new.hazmat_stored_shares();
    for (mine, theirs) in [(&mine, &after), (&moved.signing_shares().to_vec(), &before)] {
        for mine in mine {
            for theirs in theirs {
                let key = mine.verifying_key();
                assert!(AnySigningKey::reconstruct(mine, theirs, &key).is_err());
            }
        }
    }
}

#[test]
fn what_the_operator_has_not_allowed_is_not_done() {
    let scene = Scene::with(WalletKind::Mpc, Policy { eject_wait: HOUR, ..Policy::default() });
    let fate = Fate::default();
    let here = scene.here(&fate);
    scene.old.distrust(&scene.new.identity());
    let refused = block_on(scene.act(&here, &fate));
    assert!(matches!(refused, Err(MoveError::Refused(DepartError::Untrusted))), "{refused:?}");
    scene.old.trust(scene.new.identity());
    let Ok(Moved::Waiting(waiting)) = block_on(scene.act(&here, &fate)) else {
        panic!("the operator lets everybody wait")
    };
    let status = block_on(here.state(scene.id())).unwrap();
    assert_eq!(status.request.unwrap().id, waiting.request);
    scene.old.advance(5 * HOUR);
    let refused = block_on(scene.act(&here, &fate));
    let closed = DepartError::Refused(DepartRefusal::WindowClosed);
    assert!(
        matches!(refused, Err(MoveError::Refused(ref error)) if *error == closed),
        "{refused:?}"
    );
    scene.open_window();
    // It moves to where it is told only.
    let itself = block_on(here.move_wallet(scene.id(), &scene.method, &scene.from()));
    assert!(matches!(itself, Err(MoveError::SameCustodian)), "{itself:?}");
    done(block_on(scene.act(&here, &fate)));
    // However often it asked: the move made one epoch, and the refresh after it another.
    let state = block_on(scene.there().state(scene.id())).unwrap();
    assert_eq!(state.backup.unwrap().epoch.get(), 3);
}

/// A scene in which the process died when it was about to make this call.
fn died_before(call: &str) -> Scene {
    for at in 0..60 {
        let scene = Scene::new(WalletKind::Mpc);
        let fate = Fate::default();
        let here = scene.here(&fate);
        fate.strike(at, Mode::KillBefore);
        fate.drive(scene.act(&here, &fate));
        if fate.log().last() == Some(&call) {
            return scene;
        }
    }
    panic!("{call} is not called")
}

/// What a third custodian says of a move says nothing about it.
#[test]
fn a_move_is_finished_with_the_custodian_that_it_goes_to_and_no_other() {
    for call in ["commit", "hand_over"] {
        let scene = died_before(call);
        let fate = Fate::default();
        let here = scene.here(&fate);
        let third = MemoryCustodian::start(twoshare::rng());
        scene.old.trust(third.identity());
        let to = Destination::new(third.login(USER), third.identity());
        let refused = block_on(here.move_wallet(scene.id(), &scene.method, &to));
        let Err(MoveError::Unsettled(ResumeError::NeedsCustodian { identity })) = refused else {
            panic!("{call}: {refused:?}")
        };
        assert_eq!(*identity, scene.new.identity());
        done(block_on(scene.act(&here, &fate)));
        assert_eq!(scene.with_old_and_new(), (false, true), "{call}");
    }
}

/// The other custodian committed, and its database was put back from a copy of before: the one that the
/// wallet left is not told that it may forget it.
#[test]
fn a_custodian_lets_nothing_go_that_the_other_has_lost() {
    let scene = died_before("hand_over");
    let lost = MemoryCustodian::start(twoshare::rng()).snapshot();
    scene.new.restore(lost);
    assert_eq!(scene.with_old_and_new(), (true, false));
    let fate = Fate::default();
    let here = scene.here(&fate);
    let resumed = block_on(here.resume_move(scene.id(), &scene.to(&fate)));
    assert!(matches!(resumed, Err(MoveError::NotHeld)), "{resumed:?}");
    assert_eq!(scene.with_old_and_new(), (true, false));

    let empty = MemoryDevice::new();
    let elsewhere = client(&scene.old, USER, &scene.store, &empty, &fate);
    let recovery = || Recovery::with(scene.method.clone());
    let refused = block_on(elsewhere.recover(scene.id(), recovery()));
    assert!(refused.is_err(), "the stores say that it moved: {refused:?}");
    let recovered = block_on(elsewhere.recover(scene.id(), recovery().accept_moved())).unwrap();
    let Recovered::Done(recovered) = recovered else { panic!("nothing waits") };
    scene.check_same(&recovered, "with the custodian that it left");
}

/// Every call goes wrong in every way; the app is started again, and moves again, or resumes.
#[test]
fn a_move_survives_everything() {
    for kind in KINDS {
        for mode in Mode::ALL {
            for at in 0.. {
                let scene = Scene::new(kind);
                let fate = Fate::default();
                let here = scene.here(&fate);
                fate.strike(at, mode);
                let told = fate.drive(scene.act(&here, &fate));
                if !fate.has_struck() {
                    assert!(at > 20, "everything was struck");
                    break;
                }
                let context = format!("{kind:?}, {mode:?} at {at}, {:?}", fate.log());
                if let Some(Ok(Moved::Done(wallet))) = &told {
                    scene.check_same(wallet, &context);
                }
                let (old, new) = scene.with_old_and_new();
                assert!(old || new, "{context}: it is nowhere");
                scene.finish(at % 3, &context);
            }
        }
    }
}

impl Scene {
    /// What an app does that was started again: it resumes with what it has, or moves again.
    fn finish(&self, how: usize, context: &str) {
        let fate = Fate::default();
        let here = self.here(&fate);
        match how {
            0 => {
                let resumed = block_on(here.resume_move(self.id(), &self.to(&fate)));
                resumed.unwrap_or_else(|error| panic!("{context}: {error:?}"));
            }
            // The app has the new configuration already.
            1 => {
                match block_on(self.there().resume_move(self.id(), &self.from())) {
                    Ok(_) => {}
                    // It had not begun.
                    Err(MoveError::Device(DeviceError::OtherUser)) => {
                        assert_eq!(self.with_old_and_new(), (true, false), "{context}");
                    }
                    Err(error) => panic!("{context}: {error:?}"),
                }
            }
            _ => match block_on(here.resume(self.id())) {
                Ok(_) | Err(ResumeError::State(StateError::Moved(_))) => {}
                Err(ResumeError::NeedsCustodian { identity }) => {
                    assert_eq!(*identity, self.new.identity(), "{context}");
                    let resumed = block_on(self.there().resume_move(self.id(), &self.from()));
                    resumed.unwrap_or_else(|error| panic!("{context}: {error:?}"));
                }
                Err(error) => panic!("{context}: {error:?}"),
            },
        }
        let (old, new) = self.with_old_and_new();
        if !new {
            // Nothing has changed: it can be done again.
            assert!(old, "{context}");
            self.new.advance(HOUR);
            let moved = block_on(self.act(&here, &fate));
            let moved = moved.unwrap_or_else(|error| panic!("{context}: {error:?}"));
            assert!(matches!(moved, Moved::Done(_)), "{context}");
        }
        assert_eq!(self.with_old_and_new(), (false, true), "{context}");
        let there = self.there();
        let resumed = block_on(there.resume(self.id()));
        resumed.unwrap_or_else(|error| panic!("{context}: {error:?}"));
        self.check_same(&block_on(there.wallet(self.id())).unwrap(), context);
        let state = block_on(there.state(self.id())).unwrap();
        // A refresh at the least.
        assert!(state.backup.unwrap().epoch.get() >= 3, "{context}: refreshed");
        block_on(there.refresh(self.id(), &self.method))
            .unwrap_or_else(|error| panic!("{context}: {error:?}"));
        self.check_same(&self.recover_with(true).unwrap(), context);
        assert!(self.recover_with(false).is_err(), "{context}: not with the old one");
    }
}

/// The same with a device that never comes back: what is in the store, and either custodian, is enough.
#[test]
fn a_phone_that_is_lost_in_the_middle_loses_nothing() {
    for kind in KINDS {
        for mode in [Mode::KillBefore, Mode::KillAfter] {
            for at in 0.. {
                let scene = Scene::new(kind);
                let fate = Fate::default();
                let here = scene.here(&fate);
                fate.strike(at, mode);
                fate.drive(scene.act(&here, &fate));
                if !fate.has_struck() {
                    break;
                }
                let context = format!("{kind:?}, {mode:?} at {at}, {:?}", fate.log());
                // The newest envelope that is committed says with whom it is.
                let asked =
                    client(&scene.new, THERE, &scene.store, &MemoryDevice::new(), &Fate::default());
                let state = block_on(asked.state(scene.id()));
                let is_there = state.is_ok_and(|state| state.backup.is_some());
                let recovered = scene.recover_with(is_there);
                let recovered = recovered.unwrap_or_else(|error| panic!("{context}: {error:?}"));
                scene.check_same(&recovered, &context);
            }
        }
    }
}

/// An empty device that asks the old custodian, before that one has heard of it, finds in the store who
/// has the wallet.
#[test]
fn an_empty_device_finds_who_has_it() {
    let scene = Scene::new(WalletKind::Mpc);
    let mut found = 0;
    for at in 0..60 {
        let scene = Scene::new(WalletKind::Mpc);
        let fate = Fate::default();
        let here = scene.here(&fate);
        fate.strike(at, Mode::KillBefore);
        fate.drive(scene.act(&here, &fate));
        if fate.log().last() != Some(&"hand_over") {
            continue;
        }
        found += 1;
        assert_eq!(scene.with_old_and_new(), (true, true));
        let refused = scene.recover_with(false);
        let Err(twoshare::error::RecoverError::Open(OpenBackupError::State(StateError::Moved(
            moved,
        )))) = refused
        else {
            panic!("{refused:?}")
        };
        assert_eq!(*moved.to, scene.new.identity());
        scene.check_same(&scene.recover_with(true).unwrap(), "with the one that is named");
    }
    assert_eq!(found, 1);
    let listed = block_on(scene.store.list(scene.id())).unwrap();
    assert!(!listed.is_empty());
}

/// Something was committed with the old custodian meanwhile: the move is given up before it counts.
#[test]
fn a_move_that_was_overtaken_is_given_up() {
    let mut overtaken = 0;
    for at in 0..60 {
        let scene = Scene::new(WalletKind::SingleKey);
        let fate = Fate::default();
        let here = scene.here(&fate);
        fate.strike(at, Mode::KillBefore);
        fate.drive(scene.act(&here, &fate));
        let there = client(&scene.new, THERE, &scene.store, &MemoryDevice::new(), &Fate::default());
        let state = block_on(there.state(scene.id()));
        let is_there = state.is_ok_and(|state| state.backup.is_some());
        if !fate.log().contains(&"depart") || is_there {
            continue;
        }
        let other = MemoryDevice::new();
        let elsewhere = client(&scene.old, USER, &scene.store, &other, &Fate::default());
        block_on(recover(&elsewhere, scene.id(), &scene.method)).unwrap();
        let resumed = block_on(
            scene.here(&Fate::default()).resume_move(scene.id(), &scene.to(&Fate::default())),
        );
        let context = format!("at {at}, {:?}: {resumed:?}", fate.log());
        assert!(matches!(resumed, Ok(Resumed::GivenUp { .. } | Resumed::Nothing)), "{context}");
        assert_eq!(scene.with_old_and_new(), (true, false), "{context}");
        overtaken += 1;
    }
    assert!(overtaken > 3);
}

#[test]
fn a_device_without_the_wallet_moves_nothing() {
    let scene = Scene::new(WalletKind::Mpc);
    let fate = Fate::default();
    let empty = client(&scene.old, USER, &scene.store, &MemoryDevice::new(), &fate);
    let refused = block_on(scene.act(&empty, &fate));
    assert!(matches!(refused, Err(MoveError::Device(DeviceError::NotHere { .. }))));
}
