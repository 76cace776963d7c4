//! A thief with an unlocked phone, a store that fails at the wrong moment, and a custodian that has
//! forgotten: what they do not get.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the failure")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use twoshare::{
    Client, MethodChange, Wallet,
    core::{
        digest::Digest,
        envelope::VouchedBy,
        id::{CurveId, Epoch, OperationId, Purpose, WalletId},
        identity::CustodianKeys,
        method::RecoveryCode,
        store::{
            EnvelopeName, EnvelopeStore, GetError, MemoryStore, ObjectName, Operator, PutError,
            StoreFault,
        },
    },
    error::{OpenBackupError, PublishError, RecoverError, RefreshError},
    protocol::{
        Nonce,
        custodian::{
            AbandonError, BeginError, CancelError, CommitError, Custodian, EjectError,
            PrepareError, ReadError, RetireError, Unavailable, UploadError,
        },
        memory::{MemoryCustodian, MemorySession},
        message::{
            Begin, Begun, Commit, Drilled, Ejected, Plan, Prepare, Prepared, Receipt, Request,
            Signed, State, Tombstone, Upload,
        },
        rules::Policy,
    },
};

const USER: &str = "alice";
const LOST: Unavailable = Unavailable { retry_after: None };

#[derive(Debug, Clone, Default)]
struct Shared(Arc<MemoryStore>);

#[async_trait]
impl EnvelopeStore for Shared {
    async fn put(&self, name: &ObjectName, bytes: &[u8]) -> Result<(), PutError> {
        self.0.put(name, bytes).await
    }

    async fn get(&self, name: &ObjectName) -> Result<Vec<u8>, GetError> {
        self.0.get(name).await
    }

    async fn list(&self, wallet: WalletId) -> Result<Vec<ObjectName>, StoreFault> {
        self.0.list(wallet).await
    }

    async fn delete(&self, name: &ObjectName) -> Result<(), StoreFault> {
        self.0.delete(name).await
    }
}

/// A store that takes nothing.
#[derive(Debug)]
struct Full;

#[async_trait]
impl EnvelopeStore for Full {
    async fn put(&self, _: &ObjectName, _: &[u8]) -> Result<(), PutError> {
        Err(PutError::Full)
    }

    async fn get(&self, _: &ObjectName) -> Result<Vec<u8>, GetError> {
        Err(GetError::NotFound)
    }

    async fn list(&self, _: WalletId) -> Result<Vec<ObjectName>, StoreFault> {
        Ok(Vec::new())
    }

    async fn delete(&self, _: &ObjectName) -> Result<(), StoreFault> {
        Ok(())
    }
}

fn code() -> RecoveryCode {
    RecoveryCode::make(&mut twoshare::rng())
}

fn client(custodian: &Arc<MemoryCustodian>, store: &Shared) -> Client {
    Client::new(custodian.login(USER), custodian.identity(), USER)
        .with_store(store.clone(), Operator::User)
}

async fn backed_up(client: &Client, method: &RecoveryCode) -> Wallet {
    let mut wallet = client.create_wallet(&[CurveId::Secp256k1]).await.unwrap();
    client.backup(&mut wallet, &[method]).await.unwrap();
    wallet
}

/// A replaced backup may have been made by a thief, who can copy the owner's slot beside his own: what
/// the owner recovers is sealed for neither but the slots of before.
#[tokio::test]
async fn a_thiefs_slot_does_not_survive_the_owners_recovery() {
    let custodian = MemoryCustodian::start(twoshare::rng());
    let client = client(&custodian, &Shared::default());
    let (owners, thiefs) = (code(), code());
    let mut stolen = backed_up(&client, &owners).await;
    let id = stolen.id();
    client.replace(&mut stolen, &[&thiefs, &owners]).await.unwrap();

    client.recover(id, &owners, VouchedBy::Method).await.unwrap();
    let refusal = client.recover(id, &thiefs, VouchedBy::Method).await.unwrap_err();
    assert!(matches!(refusal, RecoverError::Open(OpenBackupError::Open(_))), "{refusal:?}");
}

/// Numbers are given out again by a custodian whose database was restored: what is in a store under one
/// may be the last good backup of a wallet.
#[tokio::test]
async fn giving_up_deletes_only_what_this_operation_wrote() {
    let custodian = MemoryCustodian::start(twoshare::rng());
    let (store, method) = (Shared::default(), code());
    let client = client(&custodian, &store);
    let mut wallet = backed_up(&client, &method).await;
    let other = EnvelopeName {
        wallet: wallet.id(),
        epoch: Epoch::new(2).unwrap(),
        digest: Digest::of(b"committed once"),
    };
    store.put(&other.object(), b"committed once").await.unwrap();
    store.put(&other.receipt(), b"its receipt").await.unwrap();

    let failing = client.with_store(Full, Operator::User);
    let refusal = failing.refresh(&mut wallet, &method).await.unwrap_err();
    assert!(matches!(refusal, RefreshError::Publish(_)), "{refusal:?}");
    assert!(store.get(&other.object()).await.is_ok() && store.get(&other.receipt()).await.is_ok());
    // The first backup and its receipt, and these two.
    assert_eq!(store.list(wallet.id()).await.unwrap().len(), 4);
}

/// A custodian that shows an old state, as if nothing had happened since, or whose answers to commits
/// are lost.
struct Forgetful {
    session: MemorySession,
    keys: CustodianKeys,
    old: Option<State>,
    heard: Heard,
}

/// The last of each that arrived.
type Heard = Arc<Mutex<(Option<Begin>, Option<Prepare>)>>;

/// Whether a commit whose answer was lost has happened, nobody on this side knows: nothing is deleted,
/// neither before nor after, and every method recovers.
#[tokio::test]
async fn a_commit_whose_answer_is_lost_costs_nothing() {
    let keys = CustodianKeys::make(&mut twoshare::rng());
    let again = CustodianKeys::from_bytes(keys.to_bytes().expose_secret()).unwrap();
    let custodian = MemoryCustodian::new(again, Policy::default(), 0, twoshare::rng());
    let (store, method) = (Shared::default(), code());
    let client = client(&custodian, &store);
    let mut wallet = backed_up(&client, &method).await;
    let id = wallet.id();

    let lossy =
        Forgetful { session: custodian.login(USER), keys, old: None, heard: Heard::default() };
    let lossy =
        Client::new(lossy, custodian.identity(), USER).with_store(store.clone(), Operator::User);
    let failure = lossy.refresh(&mut wallet, &method).await.unwrap_err();
    assert!(matches!(failure, RefreshError::Publish(PublishError::Commit(_))), "{failure:?}");
    lossy.recover(id, &method, VouchedBy::Method).await.unwrap_err();
    // Three envelopes, of which the last is committed, and the first one's receipt.
    assert_eq!(store.list(id).await.unwrap().len(), 4);
    assert_eq!(client.state(id).await.unwrap().backup.unwrap().epoch.get(), 3);

    client.drill(&wallet, &method).await.unwrap();
    let recovered = client.recover(id, &method, VouchedBy::Method).await.unwrap();
    assert_eq!(recovered.verifying_keys(), wallet.verifying_keys());
}

#[tokio::test]
async fn an_empty_device_believes_a_receipt_over_an_older_state() {
    let keys = CustodianKeys::make(&mut twoshare::rng());
    let again = CustodianKeys::from_bytes(keys.to_bytes().expose_secret()).unwrap();
    let custodian = MemoryCustodian::new(again, Policy::default(), 0, twoshare::rng());
    let (store, kept, removed) = (Shared::default(), code(), code());
    let client = client(&custodian, &store);
    let mut wallet = client.create_wallet(&[CurveId::Secp256k1]).await.unwrap();
    client.backup(&mut wallet, &[&kept, &removed]).await.unwrap();
    let old = client.state(wallet.id()).await.unwrap();
    client.refresh(&mut wallet, &kept).await.unwrap();

    let forgetful =
        Forgetful { session: custodian.login(USER), keys, old: Some(old), heard: Heard::default() };
    let identity = custodian.identity();
    let empty = Client::new(forgetful, identity, USER).with_store(store, Operator::User);
    let refusal = empty.recover(wallet.id(), &removed, VouchedBy::Method).await.unwrap_err();
    let RecoverError::Open(OpenBackupError::RolledBack { custodian, seen }) = refusal else {
        panic!("{refusal:?}")
    };
    assert_eq!((custodian.get(), seen.get()), (1, 2));
}

/// What a restored custodian has forgotten is told by the receipts in the stores: no number is given
/// out again.
#[tokio::test]
async fn a_recovery_after_a_restore_goes_on_from_the_newest_receipt() {
    let keys = CustodianKeys::make(&mut twoshare::rng());
    let again = CustodianKeys::from_bytes(keys.to_bytes().expose_secret()).unwrap();
    let custodian = MemoryCustodian::new(again, Policy::default(), 0, twoshare::rng());
    let (store, method) = (Shared::default(), code());
    let client = client(&custodian, &store);
    let mut wallet = backed_up(&client, &method).await;
    let yesterday = custodian.snapshot();
    client.refresh(&mut wallet, &method).await.unwrap();
    client.recover(wallet.id(), &method, VouchedBy::Method).await.unwrap();
    custodian.restore(yesterday);

    let heard = Heard::default();
    let told = Forgetful { session: custodian.login(USER), keys, old: None, heard: heard.clone() };
    let empty = Client::new(told, custodian.identity(), USER).with_store(store, Operator::User);
    let unasked = empty.recover(wallet.id(), &method, VouchedBy::Method).await;
    assert!(matches!(
        unasked,
        Err(RecoverError::Open(OpenBackupError::Restored { custodian })) if custodian.get() == 1
    ));
    // One id is approved, and another is not.
    let [id, other] = [(); 2].map(|()| OperationId::make(&mut twoshare::rng()));
    custodian.approve(USER, wallet.id(), id).unwrap();
    let unapproved = empty.recover_approved(wallet.id(), &method, VouchedBy::Method, other).await;
    assert!(matches!(unapproved, Err(RecoverError::Exchange(_))), "{unapproved:?}");
    let recovered = client.recover_approved(wallet.id(), &method, VouchedBy::Method, id).await;
    assert_eq!(recovered.unwrap().verifying_keys(), wallet.verifying_keys());
    let (begin, prepare) = heard.lock().unwrap().clone();
    let Plan::Reshare { to, .. } = begin.unwrap().plan else { panic!("a recovery") };
    let epoch = |purpose| to.iter().find(|stage| stage.purpose == purpose).unwrap().epoch.get();
    assert_eq!((epoch(Purpose::Signing), epoch(Purpose::Backup)), (3, 4));
    assert_eq!(prepare.unwrap().body.receipts.len(), 1);
}

/// A method that was removed after the copy was taken, and leaked since, is not sealed for again.
#[tokio::test]
async fn what_was_removed_since_the_copy_stays_removed() {
    let custodian = MemoryCustodian::start(twoshare::rng());
    let (store, kept, removed) = (Shared::default(), code(), code());
    let client = client(&custodian, &store);
    let mut wallet = client.create_wallet(&[CurveId::Ed25519]).await.unwrap();
    client.backup(&mut wallet, &[&kept, &removed]).await.unwrap();
    let yesterday = custodian.snapshot();
    let slot = client.open(&wallet, &removed).await.unwrap().opened_with;
    let changes = vec![MethodChange::Remove(slot)];
    client.change_methods(&mut wallet, &kept, changes).await.unwrap();
    custodian.restore(yesterday);

    let id = OperationId::make(&mut twoshare::rng());
    custodian.approve(USER, wallet.id(), id).unwrap();
    let recovered = client.recover_approved(wallet.id(), &kept, VouchedBy::Method, id).await;
    let opened = client.open(&recovered.unwrap(), &kept).await.unwrap();
    assert_eq!(opened.slots.len(), 1);
    client.recover(wallet.id(), &removed, VouchedBy::Method).await.unwrap_err();
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
        self.session.receipt(w, id).await
    }

    async fn begin(&self, begin: Begin) -> Result<Signed<Begun>, BeginError> {
        self.heard.lock().unwrap().0 = Some(begin.clone());
        self.session.begin(begin).await
    }

    async fn prepare(&self, prepare: Prepare) -> Result<Prepared, PrepareError> {
        self.heard.lock().unwrap().1 = Some(prepare.clone());
        self.session.prepare(prepare).await
    }

    async fn commit(&self, commit: Commit) -> Result<Signed<Receipt>, CommitError> {
        let receipt = self.session.commit(commit).await?;
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
}
