//! A thief with an unlocked phone, a store that fails at the wrong moment, and a custodian that has
//! forgotten: what they do not get.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the failure")]

mod common;

use std::{
    slice::from_ref,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use common::faults::{Fate, FaultyCustodian, Mode};
use common::{Store, USER, World, client_on, code, recover};
use twoshare::{
    Client, MemoryDevice, Method, MethodChange, Recovered, Recovery, Wallet,
    core::{
        digest::Digest,
        id::{CurveId, Epoch, OperationId, Purpose, WalletId},
        identity::CustodianKeys,
        store::{EnvelopeName, EnvelopeStore},
    },
    error::{BackupError, OpenBackupError, PublishError, RecoverError, RefreshError, RunError},
    protocol::{
        Nonce,
        custodian::{
            AbandonError, BeginError, CancelError, CommitError, Custodian, DepartError, EjectError,
            HandOverError, Outage, PrepareError, ReadError, RetireError, Unavailable, UploadError,
        },
        memory::{MemoryCustodian, MemorySession},
        message::{
            Begin, Begun, Commit, Depart, Departed, Drilled, Ejected, Plan, Prepare, Prepared,
            Receipt, Request, Signed, State, Tombstone, Upload,
        },
        rules::Policy,
    },
};

const LOST: Unavailable = Unavailable::because(Outage::Unreachable);

fn client(custodian: &Arc<MemoryCustodian>, store: &Store) -> Client {
    client_on(custodian.login(USER), custodian.identity(), MemoryDevice::new(), &[store])
}

async fn backed_up(client: &Client, method: &Method) -> Wallet {
    let wallet = client.create_wallet(&[CurveId::Secp256k1], None).await.unwrap();
    client.backup(wallet.id(), from_ref(method)).await.unwrap();
    wallet
}

/// A replaced backup may have been made by a thief, who can copy the owner's slot beside his own: what
/// the owner recovers is sealed for neither but the slots of before.
#[tokio::test]
async fn a_thiefs_slot_does_not_survive_the_owners_recovery() {
    let custodian = MemoryCustodian::start(twoshare::rng());
    let client = client(&custodian, &Store::default());
    let (owners, thiefs) = (code(), code());
    let id = backed_up(&client, &owners).await.id();
    client.replace(id, &[thiefs.clone(), owners.clone()]).await.unwrap();

    recover(&client, id, &owners).await.unwrap();
    let refusal = recover(&client, id, &thiefs).await.unwrap_err();
    assert!(matches!(refusal, RecoverError::Open(OpenBackupError::Open(_))), "{refusal:?}");
}

/// Numbers are given out again by a custodian whose database was restored: what is in a store under one
/// may be the last good backup of a wallet.
#[tokio::test]
async fn giving_up_deletes_only_what_this_operation_wrote() {
    let world = World::new();
    let method = code();
    let id = backed_up(&world.client, &method).await.id();
    let store = &world.first;
    let other = EnvelopeName {
        wallet: id,
        epoch: Epoch::new(2).unwrap(),
        digest: Digest::of(b"committed once"),
    };
    store.put(&other.object(), b"committed once").await.unwrap();
    store.put(&other.receipt(), b"its receipt").await.unwrap();

    world.second.fail(true);
    let refusal = world.client.refresh(id, &method).await.unwrap_err();
    let RefreshError::Run(RunError::Publish(PublishError::Stores(_))) = refusal else {
        panic!("{refusal:?}")
    };
    assert!(store.get(&other.object()).await.is_ok() && store.get(&other.receipt()).await.is_ok());
    // The first backup and its receipt, and these two.
    assert_eq!(store.list(id).await.unwrap().len(), 4);
}

/// A custodian that shows an old state, as if nothing had happened since, or whose answers to commits
/// are lost.
struct Forgetful {
    session: MemorySession,
    keys: CustodianKeys,
    old: Option<State>,
    heard: Heard,
    /// It knows of no session and no receipt.
    denies: bool,
    /// Its receipts name this envelope.
    names: Option<Digest>,
}

/// The last of each that arrived.
type Heard = Arc<Mutex<(Option<Begin>, Option<Prepare>)>>;

/// A custodian, and its keys.
struct Keyed {
    custodian: Arc<MemoryCustodian>,
    keys: CustodianKeys,
}

impl Keyed {
    fn start() -> Self {
        let keys = CustodianKeys::make(&mut twoshare::rng());
        let copy = CustodianKeys::from_bytes(keys.to_bytes().expose_secret()).unwrap();
        let custodian = MemoryCustodian::new(copy, Policy::default(), 0, twoshare::rng());
        Self { custodian, keys }
    }

    fn forgetful(&self, old: Option<State>, heard: &Heard) -> Forgetful {
        Forgetful {
            session: self.custodian.login(USER),
            keys: CustodianKeys::from_bytes(self.keys.to_bytes().expose_secret()).unwrap(),
            old,
            heard: Arc::clone(heard),
            denies: false,
            names: None,
        }
    }
}

/// Whether a commit whose answer was lost has happened, nobody on this side knows: nothing is deleted
/// before it is known, and every method recovers.
#[tokio::test]
async fn a_commit_whose_answer_is_lost_costs_nothing() {
    let keyed = Keyed::start();
    let custodian = Arc::clone(&keyed.custodian);
    let (store, method, device) = (Store::default(), code(), MemoryDevice::new());
    let identity = custodian.identity();
    let client = client_on(custodian.login(USER), identity, device.clone(), &[&store]);
    let id = backed_up(&client, &method).await.id();

    let lossy = keyed.forgetful(None, &Heard::default());
    let lossy = client_on(lossy, identity, device, &[&store]);
    let failure = lossy.refresh(id, &method).await.unwrap_err();
    let RefreshError::Run(interrupted) = failure else { panic!("{failure:?}") };
    assert!(interrupted.is_interrupted(), "{interrupted:?}");
    // Another device goes on meanwhile, from what was committed.
    let empty = client_on(custodian.login(USER), identity, MemoryDevice::new(), &[&store]);
    recover(&empty, id, &method).await.unwrap();
    // Three envelopes, of which the last is committed, and two receipts.
    assert_eq!(store.list(id).await.unwrap().len(), 5);
    assert_eq!(client.state(id).await.unwrap().backup.unwrap().epoch.get(), 3);
    // The device hears what became of its commit, and of itself.
    assert!(matches!(lossy.resume(id).await.unwrap(), twoshare::Resumed::Revoked));
    let last = client.wallet(id).await.unwrap().backup().unwrap().envelope;
    assert_eq!(last.epoch.get(), 2);
    assert_eq!(store.list(id).await.unwrap().len(), 6);
    client.drill(id, Some(&method)).await.unwrap();
}

#[tokio::test]
async fn an_empty_device_believes_a_receipt_over_an_older_state() {
    let keyed = Keyed::start();
    let custodian = Arc::clone(&keyed.custodian);
    let (store, kept, removed) = (Store::default(), code(), code());
    let client = client(&custodian, &store);
    let wallet = client.create_wallet(&[CurveId::Secp256k1], None).await.unwrap();
    client.backup(wallet.id(), &[kept.clone(), removed.clone()]).await.unwrap();
    let old = client.state(wallet.id()).await.unwrap();
    client.refresh(wallet.id(), &kept).await.unwrap();

    let forgetful = keyed.forgetful(Some(old), &Heard::default());
    let empty = client_on(forgetful, custodian.identity(), MemoryDevice::new(), &[&store]);
    let refusal = recover(&empty, wallet.id(), &removed).await.unwrap_err();
    let RecoverError::Open(OpenBackupError::RolledBack { custodian, seen }) = refusal else {
        panic!("{refusal:?}")
    };
    assert_eq!((custodian.get(), seen.get()), (1, 2));
}

/// What a restored custodian has forgotten is told by the receipts in the stores: no number is given
/// out again.
#[tokio::test]
async fn a_recovery_after_a_restore_goes_on_from_the_newest_receipt() {
    let keyed = Keyed::start();
    let custodian = Arc::clone(&keyed.custodian);
    let (store, method) = (Store::default(), code());
    let client = client(&custodian, &store);
    let wallet = backed_up(&client, &method).await;
    let id = wallet.id();
    let yesterday = custodian.snapshot();
    client.refresh(id, &method).await.unwrap();
    recover(&client, id, &method).await.unwrap();
    custodian.restore(yesterday);

    let heard = Heard::default();
    let told = keyed.forgetful(None, &heard);
    let device = MemoryDevice::new();
    let empty = client_on(told, custodian.identity(), device.clone(), &[&store]);
    let unasked = recover(&empty, id, &method).await;
    assert!(matches!(
        unasked,
        Err(RecoverError::Open(OpenBackupError::Restored { custodian })) if custodian.get() == 1
    ));
    // One id is approved, and another is not.
    let [approved, other] = [(); 2].map(|()| twoshare::make_operation_id());
    custodian.approve(USER, id, approved).unwrap();
    let with = |operation| Recovery::with(method.clone()).approved(operation);
    let unapproved = empty.recover(id, with(other)).await;
    let Err(RecoverError::Run(RunError::Exchange(_))) = unapproved else {
        panic!("{unapproved:?}")
    };
    assert!(empty.wallets_here().await.unwrap().is_empty());
    // The commit's answer is lost; the next start hears it.
    let lost = empty.recover(id, with(approved)).await.unwrap_err();
    assert!(matches!(lost, RecoverError::Run(error) if error.is_interrupted()));
    let again = client_on(custodian.login(USER), custodian.identity(), device, &[&store]);
    let Recovered::Done(recovered) = again.recover(id, with(approved)).await.unwrap() else {
        panic!("nothing waits")
    };
    assert_eq!(recovered.verifying_keys(), wallet.verifying_keys());
    let (begin, prepare) = heard.lock().unwrap().clone();
    let Plan::Reshare { to, .. } = begin.unwrap().plan else { panic!("a recovery") };
    let epoch = |purpose| to.iter().find(|stage| stage.purpose == purpose).unwrap().epoch.get();
    assert_eq!((epoch(Purpose::Signing), epoch(Purpose::Backup)), (3, 4));
    assert_eq!(prepare.unwrap().body.receipts.len(), 1);
}

/// A copy that was taken while an operation was pending calls it expired. It may have been committed since,
/// and its envelope be the last good backup if the right copy is found: it is not deleted.
#[tokio::test]
async fn what_a_copy_calls_expired_is_not_deleted() {
    let keyed = Keyed::start();
    let custodian = Arc::clone(&keyed.custodian);
    let (store, method, device) = (Store::default(), code(), MemoryDevice::new());
    let identity = custodian.identity();
    let client = client_on(custodian.login(USER), identity, device.clone(), &[&store]);
    let id = backed_up(&client, &method).await.id();
    let fate = Fate::default();
    let killed = FaultyCustodian(custodian.login(USER), fate.clone());
    let killed = client_on(killed, identity, device.clone(), &[&store]);
    // State, begin, prepare, commit.
    fate.strike(3, Mode::KillBefore);
    assert!(fate.drive_in_runtime(killed.refresh(id, &method)).await.is_none());
    let copy = custodian.snapshot();
    let lossy = keyed.forgetful(None, &Heard::default());
    client_on(lossy, identity, device, &[&store]).resume(id).await.unwrap_err();
    let newest = custodian.snapshot();
    custodian.restore(copy);
    assert!(matches!(client.resume(id).await.unwrap(), twoshare::Resumed::GivenUp { .. }));

    custodian.restore(newest);
    let approved = twoshare::make_operation_id();
    custodian.approve(USER, id, approved).unwrap();
    let recovery = Recovery::with(method.clone()).approved(approved);
    client.recover(id, recovery).await.unwrap();
}

/// What no receipt names, a store's list does: numbers that are lost are not used again.
#[tokio::test]
async fn a_recovery_after_a_restore_goes_on_from_what_stores_list() {
    let world = World::new();
    let method = code();
    let id = world.mpc(from_ref(&method)).await.id();
    let yesterday = world.custodian.snapshot();
    for _ in 0..4 {
        world.client.refresh(id, &method).await.unwrap();
    }
    for store in [&world.first, &world.second] {
        for name in store.list(id).await.unwrap() {
            if name.part == twoshare::core::store::Part::Receipt {
                store.delete(&name).await.unwrap();
            }
        }
    }
    world.custodian.restore(yesterday);
    let approved = twoshare::make_operation_id();
    world.custodian.approve(USER, id, approved).unwrap();
    let empty = world.empty_device();
    empty.recover(id, Recovery::with(method).approved(approved)).await.unwrap();
    assert_eq!(empty.wallet(id).await.unwrap().backup().unwrap().envelope.epoch.get(), 6);
}

/// A receipt for an envelope that this device has not written is none.
#[tokio::test]
async fn a_receipt_for_another_envelope_is_not_believed() {
    let keyed = Keyed::start();
    let custodian = Arc::clone(&keyed.custodian);
    let (store, method) = (Store::default(), code());
    let mut lying = keyed.forgetful(None, &Heard::default());
    lying.names = Some(Digest::of(b"another envelope"));
    let client = client_on(lying, custodian.identity(), MemoryDevice::new(), &[&store]);
    let id = client.create_wallet(&[CurveId::Secp256k1], None).await.unwrap().id();
    let refused = client.backup(id, from_ref(&method)).await.unwrap_err();
    let BackupError::Run(RunError::Publish(PublishError::Receipt(_))) = refused else {
        panic!("{refused:?}")
    };
    assert!(client.wallet(id).await.unwrap().backup().is_none());
}

/// A custodian, or somebody in between, denies that anything was ever committed, and says nothing that it
/// signs: the envelope may be the last good backup, and stays.
#[tokio::test]
async fn what_is_only_denied_is_not_deleted() {
    let keyed = Keyed::start();
    let custodian = Arc::clone(&keyed.custodian);
    let (store, method, device) = (Store::default(), code(), MemoryDevice::new());
    let identity = custodian.identity();
    let client = client_on(custodian.login(USER), identity, device.clone(), &[&store]);
    let id = backed_up(&client, &method).await.id();
    let before = client.state(id).await.unwrap();
    let lossy = keyed.forgetful(None, &Heard::default());
    client_on(lossy, identity, device.clone(), &[&store]).refresh(id, &method).await.unwrap_err();

    let mut denying = keyed.forgetful(Some(before), &Heard::default());
    denying.denies = true;
    let denied = client_on(denying, identity, device, &[&store]).resume(id).await;
    assert!(matches!(denied, Ok(twoshare::Resumed::GivenUp { .. })), "{denied:?}");
    let empty = client_on(custodian.login(USER), identity, MemoryDevice::new(), &[&store]);
    recover(&empty, id, &method).await.unwrap();
}

/// Without a pinned key, the envelope says whose signature the state needs.
#[tokio::test]
async fn an_unpinned_device_believes_no_forged_state() {
    let keyed = Keyed::start();
    let custodian = Arc::clone(&keyed.custodian);
    let (store, method) = (Store::default(), code());
    let client = client(&custodian, &store);
    let id = backed_up(&client, &method).await.id();
    let state = client.state(id).await.unwrap();
    let mut forging = keyed.forgetful(Some(state), &Heard::default());
    forging.keys = CustodianKeys::make(&mut twoshare::rng());
    let builder = Client::builder().custodian(forging).unpinned().user(USER);
    let place = twoshare::Place::store(store, twoshare::core::store::Operator::User);
    let empty = builder.device(MemoryDevice::new()).store(common::id("mine"), place);
    let refused = recover(&empty.build().unwrap(), id, &method).await.unwrap_err();
    let RecoverError::Open(OpenBackupError::State(error)) = refused else { panic!("{refused:?}") };
    assert!(matches!(error, twoshare::error::StateError::WrongCustodian(_)), "{error:?}");
}

/// The custodian of a wallet is the one that it was made with, whatever is pinned later.
#[tokio::test]
async fn a_wallet_does_not_change_its_custodian() {
    let world = World::new();
    let method = code();
    let id = world.mpc(from_ref(&method)).await.id();
    let other = MemoryCustodian::start(twoshare::rng());
    let moved =
        client_on(other.login(USER), other.identity(), world.device.clone(), &[&world.first]);
    let refused = moved.refresh(id, &method).await.unwrap_err();
    assert_eq!(refused.to_string(), twoshare::error::StateError::OtherCustodian.to_string());
    assert!(moved.status(id).await.unwrap().asked.is_err());
}

/// What was begun before a restore is given up: another number may be its own by now.
#[tokio::test]
async fn what_was_begun_before_a_restore_is_given_up() {
    let keyed = Keyed::start();
    let custodian = Arc::clone(&keyed.custodian);
    let (store, method, device) = (Store::default(), code(), MemoryDevice::new());
    let identity = custodian.identity();
    let client = client_on(custodian.login(USER), identity, device.clone(), &[&store]);
    let id = backed_up(&client, &method).await.id();
    let yesterday = custodian.snapshot();
    let lossy = keyed.forgetful(None, &Heard::default());
    let lossy = client_on(lossy, identity, device, &[&store]);
    lossy.refresh(id, &method).await.unwrap_err();
    custodian.restore(yesterday);

    let resumed = client.resume(id).await.unwrap();
    assert!(matches!(resumed, twoshare::Resumed::GivenUp { .. }), "{resumed:?}");
    // Nobody knows whether it was committed, and whether the copy is the right one.
    assert_eq!(store.list(id).await.unwrap().len(), 3);
    let approved = twoshare::make_operation_id();
    custodian.approve(USER, id, approved).unwrap();
    let recovery = Recovery::with(method.clone()).approved(approved);
    let Recovered::Done(_) = client.recover(id, recovery).await.unwrap() else { panic!("no wait") };
    let epoch = client.wallet(id).await.unwrap().backup().unwrap().envelope.epoch;
    assert_eq!(epoch.get(), 3, "above the number that was used once");
}

/// A method that was removed after the copy was taken, and leaked since, is not sealed for again.
#[tokio::test]
async fn what_was_removed_since_the_copy_stays_removed() {
    let custodian = MemoryCustodian::start(twoshare::rng());
    let (store, kept, removed) = (Store::default(), code(), code());
    let client = client(&custodian, &store);
    let id = client.create_wallet(&[CurveId::Ed25519], None).await.unwrap().id();
    client.backup(id, &[kept.clone(), removed.clone()]).await.unwrap();
    let yesterday = custodian.snapshot();
    let slot = client.open(id, &removed).await.unwrap().opened_with;
    let changes = vec![MethodChange::Remove(slot)];
    client.change_methods(id, &kept, changes).await.unwrap();
    custodian.restore(yesterday);

    let approved = OperationId::make(&mut twoshare::rng());
    custodian.approve(USER, id, approved).unwrap();
    let recovery = Recovery::with(kept.clone()).approved(approved);
    client.recover(id, recovery).await.unwrap();
    let opened = client.open(id, &kept).await.unwrap();
    assert_eq!(opened.slots.len(), 1);
    recover(&client, id, &removed).await.unwrap_err();
}

#[async_trait]
impl Custodian for Forgetful {
    async fn state(&self, wallet: WalletId, nonce: Nonce) -> Result<Signed<State>, ReadError> {
        match &self.old {
            Some(old) => Ok(Signed::sign(State { nonce, ..old.clone() }, &self.keys)),
            None => self.session.state(wallet, nonce).await,
        }
    }

    async fn wallets(&self) -> Result<Vec<WalletId>, ReadError> {
        self.session.wallets().await
    }

    async fn receipt(&self, w: WalletId, id: OperationId) -> Result<Signed<Receipt>, ReadError> {
        if self.denies { Err(ReadError::NotFound) } else { self.session.receipt(w, id).await }
    }

    async fn begin(&self, begin: Begin) -> Result<Signed<Begun>, BeginError> {
        if self.denies {
            return Err(BeginError::NotFound);
        }
        self.heard.lock().unwrap().0 = Some(begin.clone());
        self.session.begin(begin).await
    }

    async fn prepare(&self, prepare: Prepare) -> Result<Prepared, PrepareError> {
        self.heard.lock().unwrap().1 = Some(prepare.clone());
        self.session.prepare(prepare).await
    }

    async fn commit(&self, commit: Commit) -> Result<Signed<Receipt>, CommitError> {
        let receipt = self.session.commit(commit).await?;
        if let Some(other) = self.names {
            let mut said = receipt.unverified().clone();
            said.envelope = said.envelope.map(|_| other);
            return Ok(Signed::sign(said, &self.keys));
        }
        self.old.is_some().then_some(receipt).ok_or(CommitError::Unavailable(LOST))
    }

    async fn abandon(&self, request: Request) -> Result<Signed<Tombstone>, AbandonError> {
        self.session.abandon(request).await
    }

    async fn cancel(&self, request: Request) -> Result<(), CancelError> {
        self.session.cancel(request).await
    }

    async fn eject(&self, request: Request) -> Result<Ejected, EjectError> {
        self.session.eject(request).await
    }

    async fn drill(&self, wallet: WalletId, nonce: Nonce) -> Result<Drilled, ReadError> {
        self.session.drill(wallet, nonce).await
    }

    async fn put_envelope(&self, upload: Upload, envelope: Vec<u8>) -> Result<(), UploadError> {
        self.session.put_envelope(upload, envelope).await
    }

    async fn envelope(&self, wallet: WalletId, digest: Digest) -> Result<Vec<u8>, ReadError> {
        self.session.envelope(wallet, digest).await
    }

    async fn retire(&self, wallet: WalletId, epoch: Epoch) -> Result<(), RetireError> {
        self.session.retire(wallet, epoch).await
    }

    async fn depart(&self, depart: Depart) -> Result<Departed, DepartError> {
        self.session.depart(depart).await
    }

    async fn hand_over(&self, receipt: Signed<Receipt>) -> Result<(), HandOverError> {
        self.session.hand_over(receipt).await
    }
}
