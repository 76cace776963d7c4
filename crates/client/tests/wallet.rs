//! What an app does with a wallet, over a real custodian (in memory) and stores that fail.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use async_trait::async_trait;
use twoshare::{
    Client, Exported, Import, MethodChange, Wallet,
    core::{
        curve::{Secp256k1, SigningKey},
        envelope::{OpenError, SlotId, VouchedBy},
        id::{CurveId, WalletId},
        identity::CustodianKeys,
        method::{BackupMethod, Password, RecoveryCode, SlotKind},
        sealed::{SecretKind, WalletSecret},
        secret::SecretBytes,
        store::{
            EnvelopeName, EnvelopeStore, EnvelopeStoreExt, GetError, MemoryStore, ObjectName,
            Operator, PutError, StoreFault,
        },
    },
    error::{
        BackupError, ExchangeError, OpenBackupError, PublishError, RecoverError, RefreshError,
        StateError,
    },
    protocol::{
        Party,
        custodian::{BeginError, Custodian, PrepareError, ReadError},
        memory::MemoryCustodian,
        rules::PrepareRefusal,
        session::Asked,
    },
};
use twoshare_core::proof::{Operation, Stage};

const USER: &str = "alice";
const BOTH: &[CurveId] = &[CurveId::Secp256k1, CurveId::Ed25519];
const HOUR: u64 = 60 * 60;

/// A store that can be made to fail, and that several clients share.
#[derive(Debug, Clone, Default)]
struct Store {
    kept: Arc<MemoryStore>,
    full: Arc<AtomicBool>,
    flips: Arc<AtomicBool>,
}

#[async_trait]
impl EnvelopeStore for Store {
    async fn put(&self, name: &ObjectName, bytes: &[u8]) -> Result<(), PutError> {
        if self.full.load(Ordering::Relaxed) {
            return Err(PutError::Full);
        }
        self.kept.put(name, bytes).await
    }

    async fn get(&self, name: &ObjectName) -> Result<Vec<u8>, GetError> {
        let mut bytes = self.kept.get(name).await?;
        if self.flips.load(Ordering::Relaxed)
            && let Some(byte) = bytes.last_mut()
        {
            *byte ^= 1;
        }
        Ok(bytes)
    }

    async fn list(&self, wallet: WalletId) -> Result<Vec<ObjectName>, StoreFault> {
        self.kept.list(wallet).await
    }

    async fn delete(&self, name: &ObjectName) -> Result<(), StoreFault> {
        self.kept.delete(name).await
    }
}

struct World {
    custodian: Arc<MemoryCustodian>,
    first: Store,
    second: Store,
    client: Client,
}

impl World {
    fn new() -> Self {
        let custodian = MemoryCustodian::start(twoshare::rng());
        let (first, second) = (Store::default(), Store::default());
        let client = Client::new(custodian.login(USER), custodian.identity(), USER)
            .with_store(first.clone(), Operator::User)
            .with_store(second.clone(), Operator::Custodian);
        Self { custodian, first, second, client }
    }

    async fn mpc(&self, methods: &[&dyn BackupMethod]) -> Wallet {
        let mut wallet = self.client.create_wallet(BOTH).await.unwrap();
        self.client.backup(&mut wallet, methods).await.unwrap();
        wallet
    }

    async fn names(&self, wallet: &Wallet) -> Vec<EnvelopeName> {
        let mut names = self.first.list(wallet.id()).await.unwrap();
        names.extend(self.second.list(wallet.id()).await.unwrap());
        let mut names: Vec<_> = names.into_iter().map(|name| name.envelope).collect();
        names.sort_by_key(|name| (name.epoch, name.digest.to_bytes()));
        names.dedup();
        names
    }
}

fn code() -> RecoveryCode {
    RecoveryCode::make(&mut twoshare::rng())
}

async fn slot_of(client: &Client, wallet: &Wallet, with: &RecoveryCode, kind: SlotKind) -> SlotId {
    let opened = client.open(wallet, with).await.unwrap();
    let slot = opened.slots.iter().find(|slot| slot.header().kind == kind);
    slot.unwrap().id()
}

#[tokio::test]
async fn any_method_recovers_whatever_the_others_did() {
    let world = World::new();
    let (one, other) = (code(), code());
    let mut wallet = world.mpc(&[&one]).await;
    let keys = wallet.verifying_keys();
    let changes = vec![MethodChange::Add(&other)];
    world.client.change_methods(&mut wallet, &one, changes).await.unwrap();
    world.client.refresh(&mut wallet, &other).await.unwrap();
    world.client.drill(&wallet, &one).await.unwrap();
    for method in [&one, &other, &one] {
        let recovered = world.client.recover(wallet.id(), method, VouchedBy::Method).await;
        assert_eq!(recovered.unwrap().verifying_keys(), keys);
    }
}

#[tokio::test]
async fn a_password_is_changed_by_whoever_opens_another_method() {
    let world = World::new();
    let code = code();
    let (forgotten, new) =
        (Password::new("orbit-velvet-93-lantern"), Password::new("saddle.quartz.58.meadow"));
    let (forgotten, new) = (forgotten.unwrap(), new.unwrap());
    let mut wallet = world.mpc(&[&forgotten, &code]).await;
    let slot = slot_of(&world.client, &wallet, &code, SlotKind::Password).await;
    let changes = vec![MethodChange::Replace(slot, &new)];
    world.client.change_methods(&mut wallet, &code, changes).await.unwrap();

    world.client.recover(wallet.id(), &new, VouchedBy::Method).await.unwrap();
    let old = world.client.recover(wallet.id(), &forgotten, VouchedBy::Method).await;
    let Err(RecoverError::Open(OpenBackupError::Open(error))) = old else { panic!("{old:?}") };
    assert!(matches!(error, OpenError::WrongSecret { kind: SlotKind::Password }), "{error:?}");
    let none = vec![MethodChange::Remove(slot)];
    let none = world.client.change_methods(&mut wallet, &code, none).await;
    assert!(matches!(none, Err(RefreshError::Methods(_))), "{none:?}");
}

#[tokio::test]
async fn a_removed_method_with_an_old_envelope_gets_nothing_from_the_custodian() {
    let world = World::new();
    let (kept, removed) = (code(), code());
    let mut wallet = world.mpc(&[&kept, &removed]).await;
    let old = world.names(&wallet).await[0];
    let opened = world.client.open(&wallet, &removed).await.unwrap();
    let changes = vec![MethodChange::Remove(opened.opened_with)];
    world.client.change_methods(&mut wallet, &kept, changes).await.unwrap();

    // The old envelope still opens: what was encrypted to it stays readable by it.
    let envelope = world.first.get_envelope(old).await.unwrap();
    let opened = envelope.open(&removed, &Default::default()).await.unwrap();
    let party = Party {
        custodian: world.custodian.identity(),
        user: USER.to_owned(),
        wallet: wallet.id(),
        kind: wallet.kind(),
    };
    let to = twoshare_core::id::Epoch::new(9).unwrap();
    let stages = [twoshare_core::id::Purpose::Signing, twoshare_core::id::Purpose::Backup];
    let to = stages.map(|purpose| Stage { purpose, epoch: to }).to_vec();
    let id = twoshare_core::id::OperationId::make(&mut twoshare::rng());
    let asked = Asked::reshare(party, Operation::Recover, id, &opened.payload.keys, to).unwrap();
    let refused = world.custodian.login(USER).begin(asked.message().clone()).await;
    assert_eq!(refused.map(|_| ()), Err(BeginError::EpochEnded));
}

#[tokio::test]
async fn a_store_that_fails_leaves_the_last_backup_as_it_was() {
    let world = World::new();
    let code = code();
    let mut wallet = world.mpc(&[&code]).await;
    let before = (world.names(&wallet).await, *wallet.backup().unwrap());
    for (fault, store) in [(&world.first.full, 0), (&world.second.full, 1)] {
        fault.store(true, Ordering::Relaxed);
        let failed = world.client.refresh(&mut wallet, &code).await;
        fault.store(false, Ordering::Relaxed);
        let Err(RefreshError::Publish(PublishError::Write { store: failing, .. })) = failed else {
            panic!("{failed:?}");
        };
        assert_eq!(failing, store);
        let after = (world.names(&wallet).await, *wallet.backup().unwrap());
        assert_eq!(after, before, "nothing is left, nothing is gone");
        let state = world.client.state(wallet.id()).await.unwrap();
        assert!(state.pending.is_none(), "the operation was abandoned");
    }
    world.client.recover(wallet.id(), &code, VouchedBy::Method).await.unwrap();
}

#[tokio::test]
async fn what_a_store_gives_back_is_read_before_the_commit() {
    let world = World::new();
    let code = code();
    let mut wallet = world.client.create_wallet(BOTH).await.unwrap();
    world.second.flips.store(true, Ordering::Relaxed);
    let failed = world.client.backup(&mut wallet, &[&code]).await;
    assert!(
        matches!(failed, Err(BackupError::Publish(PublishError::ReadBack { store: 1, .. }))),
        "{failed:?}"
    );
    assert!(wallet.backup().is_none());
    assert!(world.client.state(wallet.id()).await.unwrap().backup.is_none());

    world.second.flips.store(false, Ordering::Relaxed);
    world.client.backup(&mut wallet, &[&code]).await.unwrap();
    // One store that gives it intact is enough.
    world.first.flips.store(true, Ordering::Relaxed);
    world.client.recover(wallet.id(), &code, VouchedBy::Method).await.unwrap_err();
    for name in world.names(&wallet).await {
        world.first.delete_envelope(name).await.unwrap();
    }
    world.first.flips.store(false, Ordering::Relaxed);
    world.client.recover(wallet.id(), &code, VouchedBy::Method).await.unwrap();
}

#[tokio::test]
async fn without_a_store_there_is_no_backup() {
    let world = World::new();
    let client = Client::new(world.custodian.login(USER), world.custodian.identity(), USER);
    let mut wallet = client.create_wallet(BOTH).await.unwrap();
    let failed = client.backup(&mut wallet, &[&code()]).await;
    assert!(matches!(failed, Err(BackupError::Publish(PublishError::NoStore))), "{failed:?}");
}

#[tokio::test]
async fn the_owner_of_a_replaced_backup_takes_it_back() {
    let world = World::new();
    let (owners, thiefs) = (code(), code());
    let wallet = world.mpc(&[&owners]).await;
    let mut stolen = wallet.clone();
    world.client.replace(&mut stolen, &[&thiefs]).await.unwrap();
    let again = world.client.replace(&mut stolen, &[&thiefs]).await;
    let Err(BackupError::Exchange(ExchangeError::Prepare(PrepareError::Refused(refusal)))) = again
    else {
        panic!("{again:?}");
    };
    assert!(matches!(refusal, PrepareRefusal::GraceRunning { .. }));

    world.custodian.advance(71 * HOUR);
    let back = world.client.recover(wallet.id(), &owners, VouchedBy::Method).await.unwrap();
    assert_eq!(back.verifying_keys(), wallet.verifying_keys());
    for method in [&thiefs, &code()] {
        world.client.recover(wallet.id(), method, VouchedBy::Method).await.unwrap_err();
    }
    world.client.replace(&mut stolen, &[&thiefs]).await.unwrap_err();
}

#[tokio::test]
async fn a_thief_who_seals_for_the_owner_too_gets_no_slot_of_the_next_backup() {
    let world = World::new();
    let (owners, thiefs) = (code(), code());
    let mut wallet = world.mpc(&[&owners]).await;
    // A slot and its key tag can be copied from any envelope; the method itself stands for that here.
    world.client.replace(&mut wallet.clone(), &[&owners, &thiefs]).await.unwrap();
    let refreshed = world.client.refresh(&mut wallet, &owners).await;
    let contested = format!("{:?}", refreshed.unwrap_err());
    assert!(contested.contains("Contested"), "{contested}");
    world.client.recover(wallet.id(), &owners, VouchedBy::Method).await.unwrap();
    world.client.recover(wallet.id(), &thiefs, VouchedBy::Method).await.unwrap_err();
    world.client.recover(wallet.id(), &owners, VouchedBy::Method).await.unwrap();
}

#[tokio::test]
async fn after_the_grace_the_replaced_backup_is_gone() {
    let world = World::new();
    let (old, new) = (code(), code());
    let mut wallet = world.mpc(&[&old]).await;
    world.client.replace(&mut wallet, &[&new]).await.unwrap();
    world.custodian.advance(72 * HOUR);
    world.client.recover(wallet.id(), &old, VouchedBy::Method).await.unwrap_err();
    world.client.recover(wallet.id(), &new, VouchedBy::Method).await.unwrap();
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
    let mut wallet = world
        .client
        .import_wallet(vec![
            given(SecretKind::Opaque, &[0]),
            Import::Key(key.clone()),
            given(SecretKind::Ed25519Seed, &[7; 32]),
            given(SecretKind::Mnemonic, words.as_bytes()),
        ])
        .unwrap();
    world.client.backup(&mut wallet, &[&code]).await.unwrap();
    let (id, keys) = (wallet.id(), wallet.verifying_keys());
    drop(wallet);

    let recovered = world.client.recover(id, &code, VouchedBy::Method).await.unwrap();
    assert_eq!(recovered.verifying_keys(), keys);
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
    let again = world.client.recover(id, &code, VouchedBy::Method).await.unwrap();
    assert_eq!(again.export().unwrap().len(), 4);
}

#[tokio::test]
async fn a_custodian_that_is_not_the_pinned_one_is_not_believed() {
    let world = World::new();
    let code = code();
    let wallet = world.mpc(&[&code]).await;
    let other = *CustodianKeys::make(&mut twoshare::rng()).identity();
    let client = Client::new(world.custodian.login(USER), other, USER)
        .with_store(world.first.clone(), Operator::User);
    let refused = client.recover(wallet.id(), &code, VouchedBy::Method).await;
    let Err(RecoverError::Open(OpenBackupError::State(error))) = refused else {
        panic!("{refused:?}");
    };
    assert!(matches!(error, StateError::WrongCustodian(_)));
    client.create_wallet(BOTH).await.unwrap_err();
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let world = World::new();
    let code = code();
    let nowhere = WalletId::make(&mut twoshare::rng());
    let missing = world.client.recover(nowhere, &code, VouchedBy::Method).await;
    let Err(RecoverError::Open(OpenBackupError::State(StateError::Read(error)))) = missing else {
        panic!("{missing:?}");
    };
    assert_eq!(error, ReadError::NotFound);

    let wallet = world.client.create_wallet(BOTH).await.unwrap();
    let missing = world.client.recover(wallet.id(), &code, VouchedBy::Method).await;
    assert!(
        matches!(missing, Err(RecoverError::Open(OpenBackupError::NotBackedUp { .. }))),
        "{missing:?}"
    );

    let wallet = world.mpc(&[&code]).await;
    for name in world.names(&wallet).await {
        world.first.delete_envelope(name).await.unwrap();
        world.second.delete_envelope(name).await.unwrap();
    }
    let missing = world.client.recover(wallet.id(), &code, VouchedBy::Method).await;
    let Err(RecoverError::Open(OpenBackupError::NotFound { stores })) = missing else {
        panic!("{missing:?}");
    };
    assert_eq!(stores.len(), 2);
}

#[tokio::test]
async fn a_device_does_not_go_back_to_an_older_epoch() {
    let world = World::new();
    let code = code();
    let mut wallet = world.mpc(&[&code]).await;
    let yesterday = world.custodian.snapshot();
    world.client.refresh(&mut wallet, &code).await.unwrap();
    world.custodian.restore(yesterday);
    let refused = world.client.drill(&wallet, &code).await.unwrap_err();
    let text = refused.to_string();
    assert_eq!(text, "the custodian has gone back to epoch 1; this device has seen 2");
}

#[tokio::test]
async fn wallets_of_a_user_are_listed() {
    let world = World::new();
    let code = code();
    let mut made = vec![world.mpc(&[&code]).await.id(), world.mpc(&[&code]).await.id()];
    let mut listed = world.client.wallets().await.unwrap();
    made.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, made);
}
