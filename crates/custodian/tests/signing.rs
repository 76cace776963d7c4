//! Signing shares that a holder has: what it is told, killed at every step.
//!
//! Each story is told once to count its steps (every write of the repository, every call of the holder),
//! and then once for each step and each way in which it can go wrong there. Afterwards everything works
//! again, and it has to be as if nothing had: exactly what counts signs, and nothing else is kept.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

#[path = "support/fate.rs"]
mod fate;
#[path = "support/home.rs"]
mod home;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use fate::{FatedHolder, FatedRepository, How, Watch};
use home::{Home, user};
use twoshare_core::{
    curve::AnySigningKey,
    id::{CurveId, Epoch, Purpose, Sharing, WalletId},
    proof::{Operation, Stage},
    share::{AnyCustodianShare, KeyId},
};
use twoshare_custodian::{
    Config, LocalSession, OperatorError, Repository as _, Service, SigningError, SigningShares,
    UserId,
    repository::Wanted,
    signing::{
        HeldError, MemorySigningShares, NotSigning, SettleError, SigningEpoch, StageError, Staging,
        Standing,
    },
    sqlite::SqliteRepository,
};
use twoshare_protocol::{
    Custodian as _, Party,
    conformance::device::{Device, Failure, With, envelope_of},
    custodian::{CancelError, CommitError, EvidenceError, PrepareError},
    message::{Receipt, Signed},
    rules::{Favour, Policy, PrepareRefusal, WaitRefusal},
    session::{AskedArrival, Proving, Ready},
};

const CURVES: &[CurveId] = &[CurveId::Secp256k1, CurveId::Ed25519];

/// A custodian with a holder, both of which can fail, and the device of one wallet.
struct World {
    home: Home,
    holder: Arc<MemorySigningShares>,
    watch: Arc<Watch>,
    service: Service,
    wallet: WalletId,
    device: Option<Device<LocalSession>>,
    /// What was sent to be committed.
    committing: Option<Ready>,
    /// Another custodian, and what it said when it had the wallet.
    other: Option<(Home, Service)>,
    arrived: Option<Signed<Receipt>>,
}

impl World {
    async fn new() -> Self {
        Self::with(Policy::default()).await
    }

    async fn with(policy: Policy) -> Self {
        let (home, holder) = (Home::with(policy), Arc::new(MemorySigningShares::new()));
        let wallet = WalletId::make(&mut rand::rng());
        let repository = Arc::new(SqliteRepository::open(home.database()).await.unwrap());
        let watch = Arc::new(Watch::new(repository.clone(), holder.clone(), wallet));
        let service = open(&home, repository, &watch, false).await;
        let (device, committing, other, arrived) = (None, None, None, None);
        Self { home, holder, watch, service, wallet, device, committing, other, arrived }
    }

    /// With a wallet that is backed up.
    async fn backed_up() -> Self {
        let mut world = Self::new().await;
        keygen(&mut world).await.unwrap();
        world.device().run(Operation::FirstBackup, With::Device).await.unwrap();
        world
    }

    /// The process is dead, and another one starts on what it left.
    async fn restart(&mut self) {
        self.start(false).await;
    }

    async fn start(&mut self, restored: bool) {
        let repository = Arc::new(SqliteRepository::open(self.home.database()).await.unwrap());
        self.watch.revive(repository.clone());
        self.service = open(&self.home, repository, &self.watch, restored).await;
        if let Some(device) = &mut self.device {
            device.custodian = self.service.login(&user("alice"));
        }
    }

    fn device(&mut self) -> &mut Device<LocalSession> {
        self.device.as_mut().unwrap()
    }

    async fn prepare_recovery(&mut self) -> Result<Ready, Failure> {
        self.device().prepare(Operation::Recover, With::Method).await
    }

    async fn commit(&mut self, ready: Ready) -> Result<(), Failure> {
        self.committing = Some(copy(&ready));
        self.device().commit(&ready).await?;
        self.device().adopt(&ready);
        let signs = self.holder.signs(&user("alice"), self.wallet);
        let made = ready.signing().first().map(|share| share.id().sharing.epoch);
        assert_eq!(signs.map(|epoch| epoch.epoch), made, "an answered commit is settled");
        self.committing = None;
        Ok(())
    }

    fn signs(&self) -> Option<SigningEpoch> {
        self.holder.signs(&user("alice"), self.wallet)
    }

    /// Exactly what counts signs, and nothing else is kept.
    async fn assert_settled(&self, when: &str) {
        let truth = self.watch.truth().await;
        let expected = truth.active.filter(|_| truth.pending.is_none() && !truth.frozen);
        assert_eq!(self.signs(), expected, "{when}: what signs, by {truth:?}");
        let mut kept = self.holder.held(&user("alice"), self.wallet);
        let mut counts: Vec<_> = truth.active.into_iter().chain(truth.pending).collect();
        kept.sort();
        counts.sort();
        assert_eq!(kept, counts, "{when}: what is kept");
        let owed = self.watch.repository().notices(None, 10).await.unwrap();
        assert!(owed.is_empty(), "{when}: nothing is owed");
        self.watch.assert_nothing_seen(when);
    }

    /// Everything works again: it settles, whoever was not answered asks again, time passes, and the
    /// wallet can be recovered.
    async fn come_to_rest(mut self, when: &str) {
        if self.watch.heal() {
            self.restart().await;
        }
        self.service.sweep().await.unwrap();
        self.assert_settled(when).await;
        if let Some(ready) = self.committing.take()
            && self.device().commit(&ready).await.is_ok()
        {
            self.device().adopt(&ready);
            self.assert_settled(when).await;
        }
        if let Some(receipt) = self.arrived.take() {
            self.device().custodian.hand_over(receipt).await.unwrap();
            self.watch.is_leaving(false);
            assert_eq!(self.holder.held(&user("alice"), self.wallet), [], "{when}: it is gone");
            self.assert_settled(when).await;
        }
        self.home.clock.advance(Policy::default().pending + 1);
        self.service.sweep().await.unwrap();
        self.assert_settled(when).await;
        let truth = self.watch.truth().await;
        assert!(truth.pending.is_none(), "{when}: it has expired");
        if truth.frozen {
            self.service.unfreeze(&user("alice"), self.wallet, None).await.unwrap();
            self.service.sweep().await.unwrap();
            self.watch.is_frozen(false);
        }
        if truth.active.is_some() && self.device.as_ref().is_some_and(|d| !d.backup.is_empty()) {
            let before = self.signs();
            let ready = self.prepare_recovery().await.unwrap();
            assert_eq!(self.signs(), None, "{when}: paused");
            self.commit(ready).await.unwrap();
            assert!(self.signs().is_some() && self.signs() != before);
            self.assert_settled(when).await;
        }
        self.service.close().await;
    }
}

fn copy(ready: &Ready) -> Ready {
    Ready::from_bytes(ready.to_bytes().expose_secret()).unwrap()
}

async fn open(
    home: &Home,
    repository: Arc<SqliteRepository>,
    watch: &Arc<Watch>,
    restored: bool,
) -> Service {
    let config = home.config(repository.clone());
    let repository = Arc::new(FatedRepository::new(repository, watch.clone()));
    let holder = Arc::new(FatedHolder::new(watch.clone()));
    let config = Config { repository, signing_shares: Some(holder), restored, ..config };
    Service::open(config).await.unwrap()
}

/// Tells a story without a fault, then with each fault at each of its steps.
macro_rules! stories {
    ($($name:ident: $setup:expr, $story:expr;)+) => { $(
        #[tokio::test]
        async fn $name() {
            let mut world = $setup.await;
            world.watch.count();
            $story(&mut world).await.unwrap();
            let steps = world.watch.counted();
            println!("{} steps", steps.len());
            assert!(steps.len() > 1, "{steps:?}");
            world.come_to_rest("without a fault").await;
            for (at, step) in steps.iter().enumerate() {
                for how in How::ALL {
                    let mut world = $setup.await;
                    world.watch.will(how, at);
                    let _may_fail = $story(&mut world).await;
                    let when = format!("{how:?} at step {at}, {step}, of {steps:?}");
                    world.come_to_rest(&when).await;
                }
            }
        }
    )+ };
}

stories! {
    a_key_generation: World::new(), keygen;
    a_wallet_that_existed_before: World::new(), adoption;
    a_first_backup: not_backed_up(), first_backup;
    a_recovery: World::backed_up(), recovery;
    a_recovery_that_is_abandoned: World::backed_up(), abandon;
    a_recovery_that_expires: World::backed_up(), expiry;
    a_recovery_that_is_displaced_by_a_stronger_proof: replaced(), displacement;
    a_replace: World::backed_up(), replace;
    a_conversion: single_key(), conversion;
    a_freeze_and_its_end: World::backed_up(), freeze;
    a_freeze_while_a_recovery_is_pending: World::backed_up(), freeze_pending;
    a_move_to_another_custodian: to_be_moved(), departure;
    a_deletion: World::backed_up(), deletion;
    a_deletion_while_a_recovery_is_pending: World::backed_up(), deletion_pending;
}

async fn keygen(world: &mut World) -> Result<(), Failure> {
    let alice = world.service.login(&user("alice"));
    let identity = world.service.identity();
    let device = Device::keygen_in(alice, identity, "alice", world.wallet, CURVES).await?;
    assert!(world.signs().is_some(), "an answered commit is settled");
    world.device = Some(device);
    Ok(())
}

async fn adoption(world: &mut World) -> Result<(), Failure> {
    let epoch = Epoch::new(5).unwrap();
    let sharing = Sharing { wallet: world.wallet, purpose: Purpose::Signing, epoch };
    let (mut mine, mut theirs) = (Vec::new(), Vec::new());
    for (index, curve) in (0..).zip(CURVES) {
        let key = AnySigningKey::make(*curve, &mut rand::rng());
        let (client, custodian) = key.split(KeyId { sharing, index }, &mut rand::rng());
        mine.push(client);
        theirs.push(custodian);
    }
    let alice = user("alice");
    if world.service.adopt(&alice, world.wallet, theirs.clone()).await.is_err() {
        // Whoever was not answered asks again.
        if world.watch.heal() {
            world.restart().await;
        }
        world.service.adopt(&alice, world.wallet, theirs).await.unwrap();
    }
    assert_eq!(world.signs().map(|signs| signs.epoch), Some(epoch));
    let (alice, identity) = (world.service.login(&alice), world.service.identity());
    world.device = Some(Device::adopted(alice, identity, "alice", world.wallet, mine));
    world.device().run(Operation::FirstBackup, With::Device).await?;
    Ok(())
}

async fn not_backed_up() -> World {
    let mut world = World::new().await;
    keygen(&mut world).await.unwrap();
    world
}

async fn first_backup(world: &mut World) -> Result<(), Failure> {
    let ready = world.device().prepare(Operation::FirstBackup, With::Device).await?;
    assert!(world.signs().is_some(), "a backup pauses nothing");
    world.committing = Some(copy(&ready));
    world.device().commit(&ready).await?;
    world.device().adopt(&ready);
    world.committing = None;
    Ok(())
}

async fn recovery(world: &mut World) -> Result<(), Failure> {
    let ready = world.prepare_recovery().await?;
    assert_eq!(world.signs(), None, "paused while it is pending");
    world.commit(ready).await
}

async fn abandon(world: &mut World) -> Result<(), Failure> {
    let old = world.signs();
    let ready = world.prepare_recovery().await?;
    let shares: Vec<_> = ready.signing().iter().chain(ready.backup()).cloned().collect();
    let proving = Proving::Pending(ready.id(), &shares);
    world.device().abandon(ready.id(), proving).await?;
    let _may_fail = world.service.sweep().await;
    if world.watch.is_well() {
        assert_eq!(world.signs(), old, "the old one signs again");
    }
    Ok(())
}

async fn expiry(world: &mut World) -> Result<(), Failure> {
    let old = world.signs();
    world.prepare_recovery().await?;
    world.home.clock.advance(Policy::default().pending);
    let _may_fail = world.service.sweep().await;
    if world.watch.is_well() {
        assert_eq!(world.signs(), old, "the old one signs again");
    }
    Ok(())
}

/// A wallet whose backup was replaced: the older one can be restored, and proves more.
async fn replaced() -> World {
    let mut world = World::backed_up().await;
    let older = world.device().backup.clone();
    world.device().run(Operation::Replace, With::Device).await.unwrap();
    world.device().signing = older;
    world
}

async fn displacement(world: &mut World) -> Result<(), Failure> {
    let newer = world.device().backup.clone();
    let older = world.device().signing.clone();
    world.prepare_recovery().await?;
    let displaced = world.holder.held(&user("alice"), world.wallet);
    world.device().backup = older;
    let ready = world.prepare_recovery().await;
    if ready.is_err() {
        world.device().backup = newer;
    }
    let ready = ready?;
    assert_eq!(world.signs(), None, "paused while it is pending");
    if world.watch.is_well() {
        let kept = world.holder.held(&user("alice"), world.wallet);
        assert!(!displaced.iter().all(|epoch| kept.contains(epoch)), "it was dropped at once");
    }
    world.commit(ready).await
}

async fn replace(world: &mut World) -> Result<(), Failure> {
    let ready = world.device().prepare(Operation::Replace, With::Device).await?;
    assert!(world.signs().is_some(), "a backup pauses nothing");
    world.committing = Some(copy(&ready));
    world.device().commit(&ready).await?;
    world.device().adopt(&ready);
    world.committing = None;
    Ok(())
}

/// A wallet whose whole key the device has.
async fn single_key() -> World {
    let mut world = World::new().await;
    let (alice, identity) = (world.service.login(&user("alice")), world.service.identity());
    let mut device = Device::import(alice, identity, "alice", &[CurveId::Secp256k1]);
    device.party.wallet = world.wallet;
    device.run(Operation::FirstBackup, With::Device).await.unwrap();
    world.device = Some(device);
    world
}

async fn conversion(world: &mut World) -> Result<(), Failure> {
    let ready = world.device().prepare(Operation::Convert, With::Method).await?;
    assert_eq!(world.signs(), None, "nothing counts yet");
    world.commit(ready).await
}

async fn freeze(world: &mut World) -> Result<(), Failure> {
    let (alice, wallet, old) = (user("alice"), world.wallet, world.signs());
    if world.service.freeze(&alice, wallet).await.is_err() {
        return Ok(());
    }
    world.watch.is_frozen(true);
    assert_eq!(world.signs(), None, "an answered freeze is settled");
    world.watch.is_frozen(false);
    if world.service.unfreeze(&alice, wallet, None).await.is_ok() && world.watch.is_well() {
        assert_eq!(world.signs(), old);
    }
    Ok(())
}

async fn freeze_pending(world: &mut World) -> Result<(), Failure> {
    let ready = world.prepare_recovery().await?;
    let (alice, wallet) = (user("alice"), world.wallet);
    if world.service.freeze(&alice, wallet).await.is_err() {
        return Ok(());
    }
    world.watch.is_frozen(true);
    let refused = world.device().commit(&ready).await.map(|_| ());
    assert!(matches!(refused, Err(Failure::Commit(_))), "{refused:?}");
    world.watch.is_frozen(false);
    if world.service.unfreeze(&alice, wallet, None).await.is_err() {
        return Ok(());
    }
    assert_eq!(world.signs(), None, "it is pending still");
    world.commit(ready).await
}

async fn to_be_moved() -> World {
    let mut world = World::backed_up().await;
    let home = Home::new();
    let (other, _) = home.open().await;
    world.service.trust_custodian(other.identity(), "https://other.example").await.unwrap();
    world.other = Some((home, other));
    world
}

async fn departure(world: &mut World) -> Result<(), Failure> {
    let (alice, wallet, signs) = (user("alice"), world.wallet, world.signs());
    let (here, there) = (world.service.identity(), world.other.as_ref().unwrap().1.clone());
    if world.service.open_window(&alice, wallet, 3600).await.is_err() {
        return Ok(());
    }
    let device = world.device();
    let state = device.state().await?;
    let stage = |purpose, highest: u64| Stage { purpose, epoch: Epoch::new(highest + 1).unwrap() };
    let stages = vec![
        stage(Purpose::Signing, state.highest_signing),
        stage(Purpose::Backup, state.highest_backup),
    ];
    let to = Party { custodian: there.identity(), ..device.party.clone() };
    let there = there.login(&alice);
    let (id, backup) = (device.operation(), device.backup.clone());
    let asked = AskedArrival::new(to, here, id, &backup, stages)?;
    let theirs = there.begin(asked.message().clone()).await?;
    let asked = asked.depart(theirs, "alice")?;
    let begun = device.custodian.begin(asked.message().clone()).await?;
    let departing = asked.request(&begun, &backup, device.rng())?;
    let Ok(departed) = device.custodian.depart(departing.message().clone()).await else {
        return Ok(());
    };
    let known = device.signing.iter().chain(&device.backup).map(|share| share.commitment());
    let known: Vec<_> = known.collect();
    let offered = departing.arrive(&departed, &known, device.rng())?;
    let prepared = there.prepare(offered.message().clone()).await?;
    let ready = offered.finish(&prepared, &known)?;
    let envelope = Some(envelope_of(ready.id()));
    let receipt = there.commit(ready.commit(envelope, device.rng())).await?;
    assert_eq!(world.signs(), signs, "here it is as it was");
    world.arrived = Some(receipt.clone());
    world.watch.is_leaving(true);
    if world.device().custodian.hand_over(receipt).await.is_ok() {
        assert_eq!(world.holder.held(&alice, wallet), [], "an answered departure is settled");
        world.watch.is_leaving(false);
    }
    Ok(())
}

async fn deletion(world: &mut World) -> Result<(), Failure> {
    let alice = user("alice");
    if world.service.delete_user(&alice).await.is_ok() {
        world.watch.is_deleted();
        assert_eq!(world.holder.held(&alice, world.wallet), [], "an answered deletion is settled");
    }
    Ok(())
}

async fn deletion_pending(world: &mut World) -> Result<(), Failure> {
    world.prepare_recovery().await?;
    deletion(world).await
}

#[tokio::test]
async fn a_commit_is_answered_when_the_holder_can_be_reached_again() {
    let mut world = World::backed_up().await;
    let old = world.signs();
    let ready = world.prepare_recovery().await.unwrap();
    world.watch.holder_is_down(true);
    let unanswered = world.device().commit(&ready).await.map(|_| ());
    assert!(matches!(unanswered, Err(Failure::Commit(CommitError::Unavailable(_)))));
    let epoch = ready.signing()[0].id().sharing.epoch;
    let truth = world.watch.truth().await;
    assert_eq!(truth.active.map(|active| active.epoch), Some(epoch), "it is durable");
    assert_eq!(world.signs(), None, "and the old one does not sign");
    // Neither a repeated commit nor the receipt says that it is done before it is.
    let again = world.device().commit(&ready).await.map(|_| ());
    assert!(matches!(again, Err(Failure::Commit(CommitError::Unavailable(_)))));
    let wallet = world.wallet;
    let receipt = world.device().custodian.receipt(wallet, ready.id()).await;
    assert!(receipt.is_err(), "{receipt:?}");
    // Nor does another process.
    world.restart().await;
    let receipt = world.device().custodian.receipt(wallet, ready.id()).await;
    assert!(receipt.is_err(), "{receipt:?}");
    world.watch.holder_is_down(false);
    world.device().custodian.receipt(wallet, ready.id()).await.unwrap();
    assert!(world.signs().is_some() && world.signs() != old);
    world.device().commit(&ready).await.unwrap();
    world.device().adopt(&ready);
    world.come_to_rest("at last").await;
}

#[tokio::test]
async fn a_freeze_is_answered_when_the_holder_has_heard_of_it() {
    let mut world = World::with(Policy { recovery_wait: 60, ..Policy::default() }).await;
    keygen(&mut world).await.unwrap();
    world.device().run(Operation::FirstBackup, With::Device).await.unwrap();
    let (alice, wallet, signs) = (user("alice"), world.wallet, world.signs());

    // The device objects to a recovery.
    let waiting = world.prepare_recovery().await.map(|_| ());
    let Err(Failure::Prepare(PrepareError::Refused(PrepareRefusal::Wait(WaitRefusal::Waiting {
        request,
        ..
    })))) = waiting
    else {
        panic!("{waiting:?}")
    };
    let signing = world.device().signing.clone();
    let proving = Proving::Signing(&signing);
    let requested = world.device().request(Operation::Cancel, request, proving).await.unwrap();
    let cancel = requested.message();
    world.watch.holder_is_down(true);
    let unanswered = world.device().custodian.cancel(cancel.clone()).await;
    assert!(matches!(unanswered, Err(CancelError::Unavailable(_))), "{unanswered:?}");
    assert!(world.watch.truth().await.frozen, "it is durable");
    world.watch.holder_is_down(false);
    world.device().custodian.cancel(cancel.clone()).await.unwrap();
    assert_eq!(world.signs(), None);
    world.service.unfreeze(&alice, wallet, Some(Favour::Device)).await.unwrap();
    assert_eq!(world.signs(), signs);

    // And its operator, who may be told later that it goes on.
    world.watch.holder_is_down(true);
    let unanswered = world.service.freeze(&alice, wallet).await;
    assert!(matches!(unanswered, Err(OperatorError::Unavailable(_))), "{unanswered:?}");
    world.watch.holder_is_down(false);
    world.service.freeze(&alice, wallet).await.unwrap();
    assert_eq!(world.signs(), None);
    world.watch.holder_is_down(true);
    world.service.unfreeze(&alice, wallet, None).await.unwrap();
    assert_eq!(world.signs(), None);
    world.watch.holder_is_down(false);
    world.service.sweep().await.unwrap();
    assert_eq!(world.signs(), signs);
    world.service.close().await;
}

#[tokio::test]
async fn nothing_is_prepared_that_the_holder_does_not_have() {
    let mut world = World::backed_up().await;
    let old = world.signs();
    world.watch.holder_is_down(true);
    let refused = world.prepare_recovery().await.map(|_| ());
    assert!(matches!(refused, Err(Failure::Prepare(PrepareError::Unavailable(_)))));
    assert_eq!(world.watch.truth().await.pending, None);
    assert_eq!(world.signs(), old);
    world.watch.holder_is_down(false);
    world.come_to_rest("afterwards").await;
}

#[tokio::test]
async fn a_holder_that_is_told_by_nobody_is_told_by_the_service_itself() {
    let mut world = World::backed_up().await;
    let old = world.signs();
    // After the stage, before anything is pending.
    world.watch.will(How::DiesAfter, 1);
    let _dies = world.prepare_recovery().await;
    assert_eq!(world.signs(), None, "it was staged");
    assert!(world.watch.heal());
    world.restart().await;
    // At its start, without a sweep.
    for _ in 0..200 {
        if world.signs() == old {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(world.signs(), old);
    world.come_to_rest("afterwards").await;
}

/// The database was put back from a copy: the holder has heard of versions that it does not remember.
#[tokio::test]
async fn an_old_copy_of_the_database_pauses_everything_and_finds_its_way_back() {
    let mut world = World::backed_up().await;
    let (alice, wallet) = (user("alice"), world.wallet);
    world.service.close().await;
    let copy = world.home.copy();
    world.restart().await;
    let backup = world.device().backup.clone();
    for _ in 0..3 {
        recovery(&mut world).await.unwrap();
    }
    world.watch.assert_nothing_seen("before");
    let newest = world.signs().unwrap();
    world.service.close().await;
    world.home.put_back(&copy);
    world.start(true).await;
    world.service.sweep().await.unwrap();
    assert_eq!(world.signs(), None, "nothing signs");
    assert_eq!(world.holder.held(&alice, wallet), [newest], "and nothing is lost");

    // The operator approves a recovery from what the copy has.
    world.device().backup = backup;
    let (id, to) = (world.device().operation(), world.device().next(Operation::Recover).await);
    world.service.approve(&alice, wallet, id).await.unwrap();
    let asked = world.device().ask_as(Operation::Recover, With::Method, id, to.unwrap()).unwrap();
    let offered = world.device().offer(asked, With::Method).await.unwrap();
    let message = offered.message().clone();
    let prepared = world.device().custodian.prepare(message).await.unwrap();
    let ready = world.device().finish(offered, &prepared).unwrap();
    assert_eq!(world.signs(), None, "paused");
    world.commit(ready).await.unwrap();
    assert!(world.signs().is_some_and(|signs| signs != newest));
    assert_eq!(world.holder.held(&alice, wallet).len(), 1, "what signed before is gone");
    world.service.close().await;
}

/// A holder that has just read back what was staged, when another process looks after what is owed.
#[derive(Debug)]
struct Meddled {
    holder: Arc<MemorySigningShares>,
    beside: Mutex<Option<Service>>,
}

#[async_trait]
impl SigningShares for Meddled {
    async fn stage(
        &self,
        staging: &Staging<'_>,
        shares: &[AnyCustodianShare],
    ) -> Result<(), StageError> {
        self.holder.stage(staging, shares).await
    }

    async fn get(
        &self,
        user: &UserId,
        wallet: WalletId,
        epoch: SigningEpoch,
    ) -> Result<Vec<AnyCustodianShare>, HeldError> {
        let shares = self.holder.get(user, wallet, epoch).await;
        let beside = self.beside.lock().unwrap().take();
        if let Some(beside) = beside {
            beside.sweep().await.unwrap();
        }
        shares
    }

    async fn settle(&self, standing: &Standing<'_>) -> Result<(), SettleError> {
        self.holder.settle(standing).await
    }
}

#[tokio::test]
async fn what_another_process_has_settled_meanwhile_does_not_become_pending() {
    let (home, holder) = (Home::new(), Arc::new(MemorySigningShares::new()));
    let meddled = Arc::new(Meddled { holder: holder.clone(), beside: Mutex::default() });
    let open = async || {
        let repository = Arc::new(SqliteRepository::open(home.database()).await.unwrap());
        let signing_shares = Some(meddled.clone() as _);
        Service::open(Config { signing_shares, ..home.config(repository) }).await.unwrap()
    };
    let (service, beside) = (open().await, open().await);
    let (alice, identity) = (user("alice"), service.identity());
    let keygen = Device::keygen(service.login(&alice), identity, "alice", CURVES);
    let mut device = keygen.await.unwrap();
    let wallet = device.party.wallet;
    device.run(Operation::FirstBackup, With::Device).await.unwrap();
    let signs = holder.signs(&alice, wallet);

    *meddled.beside.lock().unwrap() = Some(beside.clone());
    let refused = device.prepare(Operation::Recover, With::Method).await.map(|_| ());
    let over = PrepareError::Evidence(EvidenceError::NoSession);
    assert_eq!(refused, Err(Failure::Prepare(over)));
    assert_eq!(holder.signs(&alice, wallet), signs, "the old one signs again");
    assert!(device.state().await.unwrap().pending.is_none());
    device.run(Operation::Recover, With::Method).await.expect("begun again, it goes through");
    service.close().await;
    beside.close().await;
}

#[tokio::test]
async fn what_the_holder_has_lost_is_recovered_from_the_backup() {
    let mut world = World::backed_up().await;
    let lost = world.signs().unwrap();
    let ready = world.prepare_recovery().await.unwrap();
    // It loses everything.
    let (alice, wallet) = (user("alice"), world.wallet);
    let nothing = Standing {
        user: &alice,
        wallet,
        version: 1 << 40,
        active: None,
        pending: None,
        frozen: false,
        restored: false,
    };
    world.holder.settle(&nothing).await.unwrap();
    // The commit is durable, so it is answered; and nothing signs that should not.
    world.device().commit(&ready).await.unwrap();
    world.device().adopt(&ready);
    assert_eq!(world.signs(), None);
    let replaced = world.device().run(Operation::Replace, With::Device).await.map(|_| ());
    assert_eq!(replaced, Err(Failure::Prepare(PrepareError::Damaged)));
    recovery(&mut world).await.unwrap();
    assert!(world.signs().is_some() && world.signs() != Some(lost));
    world.come_to_rest("recovered").await;
}

#[tokio::test]
async fn a_database_that_counts_from_further_back_catches_up() {
    let mut world = World::backed_up().await;
    let (alice, wallet, signs) = (user("alice"), world.wallet, world.signs());
    let standing = Standing {
        user: &alice,
        wallet,
        version: 1 << 40,
        active: signs,
        pending: None,
        frozen: false,
        restored: false,
    };
    world.holder.settle(&standing).await.unwrap();
    recovery(&mut world).await.unwrap();
    assert!(world.signs().is_some() && world.signs() != signs);
    world.come_to_rest("afterwards").await;
}

#[tokio::test]
async fn a_holder_that_was_put_back_from_a_copy_is_told_again() {
    let mut world = World::backed_up().await;
    let (alice, wallet) = (user("alice"), world.wallet);
    let revoked = world.signs().unwrap();
    let shares = world.service.signing_shares(&alice, wallet).await.unwrap();
    recovery(&mut world).await.unwrap();
    assert_eq!(world.service.tell_holder_again().await, Ok(1), "it changes nothing");
    world.assert_settled("told again").await;
    world.service.close().await;

    // As it was before the recovery.
    let old = Arc::new(MemorySigningShares::new());
    let staging = Staging { user: &alice, wallet, epoch: revoked, version: 1 };
    old.stage(&staging, &shares).await.unwrap();
    let standing = Standing {
        user: &alice,
        wallet,
        version: 2,
        active: Some(revoked),
        pending: None,
        frozen: false,
        restored: false,
    };
    old.settle(&standing).await.unwrap();
    assert_eq!(old.signs(&alice, wallet), Some(revoked));
    let repository = Arc::new(SqliteRepository::open(world.home.database()).await.unwrap());
    let signing_shares = Some(old.clone() as _);
    let config = Config { signing_shares, ..world.home.config(repository) };
    let service = Service::open(config).await.unwrap();
    assert_eq!(service.tell_holder_again().await, Ok(1));
    assert_eq!(old.signs(&alice, wallet), None);
    assert_eq!(old.held(&alice, wallet), []);
    service.close().await;
}

#[tokio::test]
async fn the_custodian_gives_no_share_of_a_paused_wallet_either() {
    let mut world = World::backed_up().await;
    let (alice, wallet) = (user("alice"), world.wallet);
    let shares = world.service.signing_shares(&alice, wallet).await.unwrap();
    assert_eq!(shares.len(), CURVES.len());
    let mine = world.device().signing.clone();
    for (mine, theirs) in mine.iter().zip(&shares) {
        AnySigningKey::reconstruct(mine, theirs, &mine.verifying_key()).unwrap();
    }
    let ready = world.prepare_recovery().await.unwrap();
    let paused = world.service.signing_shares(&alice, wallet).await.map(|_| ());
    assert!(matches!(paused, Err(SigningError::Paused { .. })), "{paused:?}");
    let asked = world.holder.signing(&alice, wallet).map(|_| ());
    assert_eq!(asked, Err(NotSigning::Paused));
    world.commit(ready).await.unwrap();
    let shares = world.service.signing_shares(&alice, wallet).await.unwrap();
    // Of before the recovery and after it: no key.
    AnySigningKey::reconstruct(&mine[0], &shares[0], &mine[0].verifying_key()).unwrap_err();
    world.come_to_rest("afterwards").await;
}

/// An operator's command beside a server with a holder: it has none itself.
#[tokio::test]
async fn whoever_changes_the_database_the_holder_is_told() {
    let world = World::backed_up().await;
    let (beside, _) = world.home.open().await;
    let alice = user("alice");
    beside.freeze(&alice, world.wallet).await.unwrap();
    let unread = beside.signing_shares(&alice, world.wallet).await.map(|_| ());
    assert!(matches!(unread, Err(SigningError::Frozen(_))), "{unread:?}");
    world.service.sweep().await.unwrap();
    assert_eq!(world.signs(), None);
    beside.unfreeze(&alice, world.wallet, None).await.unwrap();
    let unread = beside.signing_shares(&alice, world.wallet).await.map(|_| ());
    assert!(matches!(unread, Err(SigningError::Unavailable(_))), "{unread:?}");
    beside.delete_user(&alice).await.unwrap();
    beside.close().await;
    world.service.sweep().await.unwrap();
    assert_eq!(world.holder.held(&alice, world.wallet), []);
    world.come_to_rest("afterwards").await;
}

/// A company that brings a holder later: what was here stays here until it is recovered.
#[tokio::test]
async fn wallets_of_before_the_holder_come_to_it_with_their_next_recovery() {
    let mut world = World::new().await;
    let (plain, repository) = world.home.open().await;
    let alice = user("alice");
    let (login, identity) = (plain.login(&alice), plain.identity());
    let keygen = Device::keygen_in(login, identity, "alice", world.wallet, CURVES);
    let mut device = keygen.await.unwrap();
    device.run(Operation::FirstBackup, With::Device).await.unwrap();
    assert!(repository.notices(None, 1).await.unwrap().is_empty(), "nobody is to be told");
    plain.close().await;
    device.custodian = world.service.login(&alice);
    world.device = Some(device);
    assert_eq!(world.service.signing_shares(&alice, world.wallet).await.unwrap().len(), 2);
    assert_eq!(world.signs(), None);
    abandon(&mut world).await.unwrap();
    recovery(&mut world).await.unwrap();
    assert_eq!(world.signs().unwrap().epoch.get(), 3);
    let record = world.watch.repository().load(&alice, world.wallet, Wanted::default()).await;
    assert!(record.unwrap().unwrap().epochs.iter().any(|epoch| epoch.is_held()));
    world.come_to_rest("afterwards").await;
}

/// Without a holder nothing is written for one.
#[tokio::test]
async fn without_a_holder_nothing_is_written_for_one() {
    let home = Home::new();
    let (service, repository) = home.open().await;
    let (alice, wallet) = (user("alice"), WalletId::make(&mut rand::rng()));
    let writes = || repository.counts().writes;
    let (login, identity) = (service.login(&alice), service.identity());
    let before = writes();
    let keygen = Device::keygen_in(login, identity, "alice", wallet, CURVES);
    let mut device = keygen.await.unwrap();
    assert_eq!(writes() - before, 2, "a prepare and a commit");
    device.run(Operation::FirstBackup, With::Device).await.unwrap();
    device.run(Operation::Recover, With::Method).await.unwrap();
    assert_eq!(writes() - before, 6);
    service.freeze(&alice, wallet).await.unwrap();
    service.unfreeze(&alice, wallet, None).await.unwrap();
    service.delete_user(&alice).await.unwrap();
    assert_eq!(writes() - before, 9);
    assert!(repository.notices(None, 1).await.unwrap().is_empty());
    service.close().await;
}
