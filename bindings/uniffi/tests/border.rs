//! Whatever the app's code does, and whenever a call is ended: a typed error, the last backup as it was, and the wallet free for
//! the next call.

#![expect(clippy::unwrap_used, reason = "a panic is the failure message")]

mod common;

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc,
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use proptest::prelude::*;
use twoshare::{Call, Level, Step, core::id::CurveId, status::Recoverable};
use twoshare_ffi::{
    Cancellation, Client, ClientConfig, Device, EnvelopeStore, MemoryDevice, Method, MethodChange,
    Operator, ProgressListener, Progressed, Recovered, Recovery, RecoveryCode, Wallet,
    error::{
        BackupError, DeviceError, DeviceFault, LoadError, ReadError, RefreshError, SourceError,
    },
};

use common::{NEVER, Part, TIMEOUT, USER, World, Wrong, backed_up, code, wait};

/// The backup is as it was, and everything about the wallet goes on, here and on an empty device.
fn all_is_well(world: &World, client: &Client, wallet: &Wallet, method: &Arc<Method>) {
    world.app.behaves();
    let id = wallet.id();
    wait(client.resume(id, None)).expect("what was interrupted ends");
    let status = wait(client.status(id, None)).unwrap();
    assert_eq!(status.recoverable, Recoverable::Yes);
    let drill = wait(client.drill(id, Some(method.clone()), None)).expect("the backup is there");
    assert_eq!(drill.level, Level::Matches);
    wait(client.refresh(id, method.clone(), None)).expect("the wallet is free");
    let empty = world.client();
    let recovery =
        Recovery { method: method.clone(), vouched_by: None, approved: None, accept_moved: false };
    let recovered = wait(empty.recover(id, recovery, None)).expect("it is recovered");
    let Recovered::Done { wallet: recovered } = recovered else { panic!("it waits") };
    assert_eq!(recovered.verifying_keys(), wallet.verifying_keys());
    assert_eq!(recovered.check_code(), wallet.check_code());
}

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![Just(Part::Transport), Just(Part::Tokens), Just(Part::Device), Just(Part::Store)]
}

fn wrong() -> impl Strategy<Value = Wrong> {
    prop_oneof![Just(Wrong::Hangs), Just(Wrong::Throws), Just(Wrong::Nonsense), Just(Wrong::Panics)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_app_that_misbehaves_harms_nothing(
        part in part(),
        how in wrong(),
        at in 0_usize..14,
        lasts: bool,
        adds: bool,
    ) {
        let world = World::new();
        let (client, method) = (world.client(), code());
        let wallet = backed_up(&client, &method);
        world.app.goes_wrong(part, how, at, lasts);
        // Whether it succeeds is for the policy of the stores and the resumption to say. It ends, and says how.
        let changes = if adds { vec![MethodChange::Add { method: code() }] } else { Vec::new() };
        let ended = wait(client.change_methods(wallet.id(), method.clone(), changes, None));
        if let Err(error) = &ended {
            prop_assert!(!matches!(error, RefreshError::Cancelled));
            if how != Wrong::Panics {
                let panicked = matches!(error, RefreshError::Panicked { .. });
                prop_assert!(!panicked, "{error:?}");
            }
        }
        // A device that says that it has saved what it has not is one whose record is lost: nothing but a recovery helps.
        let lied = part == Part::Device && how == Wrong::Nonsense;
        if lied {
            world.app.behaves();
            let empty = world.client();
            let recovery = Recovery { method: method.clone(), vouched_by: None, approved: None, accept_moved: false };
            let recovered = wait(empty.recover(wallet.id(), recovery, None));
            let Ok(Recovered::Done { wallet: recovered }) = recovered else {
                return Err(TestCaseError::fail(format!("{recovered:?}")));
            };
            prop_assert_eq!(recovered.verifying_keys(), wallet.verifying_keys());
        } else {
            all_is_well(&world, &client, &wallet, &method);
        }
    }
}

#[test]
fn a_panic_is_a_typed_error() {
    let world = World::new();
    let (client, method) = (world.client(), code());
    let wallet = backed_up(&client, &method);
    world.app.goes_wrong(Part::Device, Wrong::Panics, 0, false);
    let error = wait(client.backup(wallet.id(), vec![method.clone()], None)).unwrap_err();
    let BackupError::Panicked { reason } = error else { panic!("{error:?}") };
    assert_eq!(reason, "the app's code panicked");
    all_is_well(&world, &client, &wallet, &method);
}

#[test]
fn a_call_is_cancelled_at_any_request_and_ends() {
    for at in 0.. {
        let mut world = World::new();
        world.timeout = NEVER;
        let (client, method) = (world.client(), code());
        let wallet = backed_up(&client, &method);
        let cancellation = Arc::new(Cancellation::new());
        let (cancelled, reached) = (cancellation.clone(), Arc::new(AtomicBool::new(false)));
        let flag = reached.clone();
        world.app.hears(Part::Transport, move |call| {
            if call == at {
                flag.store(true, Ordering::SeqCst);
                cancelled.cancel();
            }
            call == at
        });
        let changes = vec![MethodChange::Add { method: code() }];
        let call =
            client.change_methods(wallet.id(), method.clone(), changes, Some(cancellation.clone()));
        let ended = wait(call);
        if !reached.load(Ordering::SeqCst) {
            assert!(at > 3, "only {at} requests");
            ended.expect("nothing cancels it");
            break;
        }
        // What was cancelled while it told a store or tidied up is done all the same, or is not.
        assert!(matches!(ended, Err(RefreshError::Cancelled)), "at {at}: {ended:?}");
        assert!(cancellation.is_cancelled());
        all_is_well(&world, &client, &wallet, &method);
    }
}

#[test]
fn a_cancellation_that_was_used_ends_what_is_called_next() {
    let world = World::new();
    let (client, cancellation) = (world.client(), Arc::new(Cancellation::new()));
    cancellation.cancel();
    let error = wait(client.create_wallet(vec![CurveId::Ed25519], None, Some(cancellation)));
    assert!(matches!(error, Err(twoshare_ffi::error::CreateError::Cancelled)));
    assert_eq!(wait(client.wallets_here()).unwrap(), Vec::new());
}

struct Quiet;

impl Wake for Quiet {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_call_that_is_dropped_in_the_middle_lets_go() {
    for at in 0.. {
        let mut world = World::new();
        world.timeout = NEVER;
        let (client, method) = (world.client(), code());
        let wallet = backed_up(&client, &method);
        let (reached, heard) = mpsc::channel();
        let ended = reached.clone();
        world.app.hears(Part::Device, move |call| {
            if call == at {
                reached.send(true).unwrap();
            }
            call == at
        });
        {
            let changes = vec![MethodChange::Add { method: code() }];
            let call = client.change_methods(wallet.id(), method.clone(), changes, None);
            let mut call = pin!(call);
            let waker = Waker::from(Arc::new(Quiet));
            let middle = loop {
                if let Poll::Ready(result) = call.as_mut().poll(&mut Context::from_waker(&waker)) {
                    result.expect("nothing goes wrong");
                    ended.send(false).unwrap();
                }
                match heard.try_recv() {
                    Ok(middle) => break middle,
                    Err(_) => thread::yield_now(),
                }
            };
            if !middle {
                assert!(at > 3, "only {at} calls of the device");
                break;
            }
            // A coroutine is cancelled: its future is dropped here.
        }
        all_is_well(&world, &client, &wallet, &method);
    }
}

/// What a listener heard.
#[derive(Default)]
struct Heard(Mutex<Vec<Progressed>>);

impl ProgressListener for Heard {
    fn step(&self, at: Progressed) {
        if at.step == Step::Done {
            // A screen is slow.
            thread::sleep(Duration::from_millis(50));
        }
        self.0.lock().unwrap().push(at);
    }
}

#[test]
fn the_steps_of_a_call_come_in_order_before_it_returns() {
    let world = World::new();
    let heard = Arc::new(Heard::default());
    let client = world.client().with_progress(heard.clone());
    let method = code();
    let wallet = wait(client.create_wallet(vec![CurveId::Secp256k1], None, None)).unwrap();
    heard.0.lock().unwrap().clear();
    wait(client.backup(wallet.id(), vec![method], None)).unwrap();
    let steps = heard.0.lock().unwrap().clone();
    let names: Vec<_> = steps.iter().map(|at| at.step).collect();
    assert_eq!(names.first(), Some(&Step::Methods));
    assert_eq!(names.last(), Some(&Step::Done));
    assert!(names.contains(&Step::Store) && names.contains(&Step::Commit), "{names:?}");
    assert!(steps.is_sorted_by_key(|at| at.done));
    assert!(steps.iter().all(|at| at.wallet == wallet.id() && at.call == Call::Backup));
}

/// A listener that throws, hangs, or calls back in.
struct Odd(Box<dyn Fn() + Send + Sync>);

impl ProgressListener for Odd {
    fn step(&self, _: Progressed) {
        (self.0)();
    }
}

#[test]
fn a_listener_that_throws_hears_the_next_step_too() {
    let world = World::new();
    let steps = Arc::new(AtomicUsize::new(0));
    let heard = steps.clone();
    let client = world.client().with_progress(Arc::new(Odd(Box::new(move || {
        heard.fetch_add(1, Ordering::SeqCst);
        panic!("the listener's own");
    }))));
    let method = code();
    let wallet = backed_up(&client, &method);
    // Two of the creation, and more of the backup.
    assert!(steps.load(Ordering::SeqCst) > 6, "{steps:?}");
    all_is_well(&world, &client, &wallet, &method);
}

#[test]
fn a_listener_that_hangs_holds_nobody_up() {
    let world = World::new();
    let hangs = Odd(Box::new(|| {
        loop {
            thread::park();
        }
    }));
    let client = world.client().with_progress(Arc::new(hangs));
    let method = code();
    let wallet = backed_up(&client, &method);
    all_is_well(&world, &client, &wallet, &method);
}

#[test]
fn an_answer_that_is_too_long_is_not_read() {
    let world = World::new();
    assert_eq!(wait(world.http().user()).unwrap().user, USER);
    world.app.goes_wrong(Part::Transport, Wrong::Long, 0, true);
    let error = wait(world.http().user()).unwrap_err();
    assert!(matches!(error, ReadError::Unavailable { .. }), "{error:?}");
}

#[test]
fn a_listener_may_call_the_client() {
    let world = World::new();
    let client = Arc::new(world.client());
    let inside = client.clone();
    let (seen, steps) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (saw, stepped) = (seen.clone(), steps.clone());
    let calls = client.with_progress(Arc::new(Odd(Box::new(move || {
        stepped.fetch_add(1, Ordering::SeqCst);
        wait(inside.wallets_here()).unwrap();
        saw.fetch_add(1, Ordering::SeqCst);
    }))));
    let method = code();
    let wallet = backed_up(&calls, &method);
    assert!(steps.load(Ordering::SeqCst) > 0);
    assert_eq!(seen.load(Ordering::SeqCst), steps.load(Ordering::SeqCst));
    all_is_well(&world, &calls, &wallet, &method);
}

/// It is called by the very client whose steps it hears, and waits for that.
#[test]
fn a_listener_may_call_the_client_that_it_listens_to() {
    let world = World::new();
    let inside: Arc<OnceLock<Arc<Client>>> = Arc::default();
    let (client, heard) = (inside.clone(), Arc::new(Mutex::new(Vec::new())));
    let hears = Inside { client, heard: heard.clone() };
    let calls = world.client().with_progress(Arc::new(hears));
    let calls = inside.get_or_init(|| Arc::new(calls));
    let method = code();
    let wallet = backed_up(calls, &method);
    assert_eq!(heard.lock().unwrap().last(), Some(&Step::Done));
    all_is_well(&world, calls, &wallet, &method);
}

struct Inside {
    client: Arc<OnceLock<Arc<Client>>>,
    heard: Arc<Mutex<Vec<Step>>>,
}

impl ProgressListener for Inside {
    fn step(&self, at: Progressed) {
        wait(self.client.get().unwrap().wallets_here()).unwrap();
        self.heard.lock().unwrap().push(at.step);
    }
}

#[test]
fn a_device_that_calls_back_in_is_timed_out() {
    let world = World::new();
    let (client, method) = (Arc::new(world.client()), code());
    let wallet = backed_up(&client, &method);
    let (inside, id) = (client.clone(), wallet.id());
    // From inside of a call about the wallet it waits for another call about it: neither could ever end.
    *world.app.inside.lock().unwrap() = Some(Box::new(move || {
        Box::pin(async move {
            let _ = inside.status(id, None).await;
        })
    }));
    let error = wait(client.status(id, None)).unwrap_err();
    let DeviceError::Load {
        source:
            LoadError::Fault { source: DeviceFault::Failed { source: SourceError::TimedOut { after } } },
    } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(after, TIMEOUT);
    all_is_well(&world, &client, &wallet, &method);
}

#[test]
fn fifty_calls_at_once_end_as_one_does() {
    let world = World::new();
    let client = Arc::new(world.client());
    let threads: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            thread::spawn(move || backed_up(&client, &code()).id())
        })
        .collect();
    let mut made: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    made.sort_unstable();
    assert_eq!(wait(client.wallets_here()).unwrap(), made);
}

#[test]
fn a_device_in_memory_and_stores_of_every_kind_work() {
    let world = World::new();
    let device = Arc::new(MemoryDevice::new());
    let ClientConfig { mut stores, .. } = world.config(Device::Memory { device: device.clone() });
    let folder = std::env::temp_dir().join(format!("twoshare-ffi-{}", std::process::id()));
    let directory = wait(twoshare_ffi::DirectoryStore::create(folder.display().to_string()));
    let directory = Arc::new(directory.unwrap());
    stores.push(twoshare_ffi::NamedPlace {
        id: "memory".parse().unwrap(),
        place: twoshare_ffi::Place::Memory {
            store: Arc::new(twoshare_ffi::MemoryStore::new()),
            operator: Operator::User,
        },
    });
    stores.push(twoshare_ffi::NamedPlace {
        id: "folder".parse().unwrap(),
        place: twoshare_ffi::Place::Directory {
            store: directory.clone(),
            operator: Operator::Independent,
        },
    });
    let config = ClientConfig { stores, ..world.config(Device::Memory { device }) };
    let client = Client::new(config).unwrap();
    let typed = RecoveryCode::make(Some("paper".to_owned())).to_text();
    let code = Arc::new(RecoveryCode::from_text(typed.to_lowercase(), None).unwrap());
    let method = Arc::new(Method::recovery_code(code));
    let wallet = backed_up(&client, &method);
    let status = wait(client.status(wallet.id(), None)).unwrap();
    assert_eq!(status.stores.len(), 4);
    let stores = client.stores();
    let name = wallet.id();
    let listing = wait(stores.list(name, None)).unwrap();
    assert!(listing.failed.is_empty());
    assert_eq!(listing.objects.len(), 6, "an envelope and a receipt in three stores");
    let backup = wait(client.wallet(name)).unwrap().backup().unwrap();
    let survey = wait(stores.survey(backup.envelope, None)).unwrap();
    assert_eq!((survey.intact.len(), survey.failed.len()), (4, 0));
    let envelope = wait(stores.read(backup.envelope, None)).unwrap();
    assert_eq!(envelope.name(), backup.envelope);
    assert_eq!(envelope.slots().len(), 1);
    for listed in listing.objects.iter().filter(|listed| listed.store.as_str() == "drive") {
        wait(EnvelopeStore::delete(&*world.drive, listed.name)).unwrap();
    }
    let kept = twoshare_ffi::Envelope::from_bytes(envelope.to_bytes()).unwrap();
    let mending = wait(stores.mend(Arc::new(kept), None)).unwrap();
    assert_eq!(mending.mended, ["drive".parse().unwrap()]);
    assert_eq!((mending.intact.len(), mending.failed.len()), (3, 0));
    let opened = wait(client.open(name, method.clone(), None)).unwrap();
    assert_eq!(opened.digest, backup.envelope.digest);
    assert_eq!(opened.keys, wallet.verifying_keys());
    let state = wait(client.state(name, None)).unwrap();
    assert_eq!(state.backup.unwrap().envelope, Some(backup.envelope.digest));
    let health = wait(directory.health()).unwrap();
    assert_eq!(health.len(), 2, "an envelope and a receipt");
    std::fs::remove_dir_all(folder).unwrap();
}
