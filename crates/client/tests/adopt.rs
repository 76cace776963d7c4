//! Wallets that existed before: what their devices take up, and what a first backup proves.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

mod common;

use std::{slice::from_ref, sync::Arc};

use async_trait::async_trait;
use common::{USER, World, client_on, code, recover};
use twoshare::{
    Client, MemoryDevice,
    core::{
        curve::AnySigningKey,
        digest::Digest,
        id::{CurveId, Epoch, OperationId, Purpose, Sharing, WalletId},
        identity::CustodianKeys,
        share::{AnyClientShare, AnyCustodianShare, KeyId},
    },
    error::{AdoptError, BackupError, ExchangeError, RunError, StateError},
    protocol::{
        Custodian, Nonce,
        adopt::NotAHalf,
        custodian::{
            AbandonError, BeginError, CancelError, CommitError, DepartError, EjectError,
            EvidenceError, HandOverError, PrepareError, ReadError, RetireError, UploadError,
        },
        memory::{self, MemoryCustodian, MemorySession},
        message::{
            Begin, Begun, Commit, Depart, Departed, Drilled, Ejected, Prepare, Prepared, Receipt,
            Request, Signed, State, Tombstone, Upload,
        },
        rules::Policy,
    },
    status::BackupState,
};

/// A wallet that somebody else made: both halves of its signing pair.
struct Before {
    wallet: WalletId,
    keys: Vec<AnySigningKey>,
    mine: Vec<AnyClientShare>,
    theirs: Vec<AnyCustodianShare>,
}

impl Before {
    fn new() -> Self {
        let mut rng = twoshare::rng();
        let wallet = WalletId::make(&mut rng);
        let keys = [CurveId::Secp256k1, CurveId::Ed25519];
        let keys = keys.map(|curve| AnySigningKey::make(curve, &mut rng)).to_vec();
        Self::sharing(wallet, keys, Epoch::FIRST)
    }

    fn sharing(wallet: WalletId, keys: Vec<AnySigningKey>, epoch: Epoch) -> Self {
        let sharing = Sharing { wallet, purpose: Purpose::Signing, epoch };
        let shares = (0..).zip(&keys);
        let shares =
            shares.map(|(index, key)| key.split(KeyId { sharing, index }, &mut twoshare::rng()));
        let (mine, theirs) = shares.unzip();
        Self { wallet, keys, mine, theirs }
    }

    /// Another sharing of the same keys.
    fn again(&self) -> Self {
        Self::sharing(self.wallet, self.keys.clone(), Epoch::FIRST)
    }
}

async fn backup_state(client: &Client, wallet: WalletId) -> BackupState {
    let status = client.status(wallet).await.unwrap();
    status.keys[0].backup.clone()
}

#[tokio::test]
async fn a_wallet_that_existed_before_is_backed_up_and_recovered() {
    let (world, before, method) = (World::new(), Before::new(), code());
    let id = before.wallet;
    world.custodian.adopt(USER, id, before.theirs.clone()).unwrap();
    let name = Some("from before".to_owned());
    let wallet = world.client.adopt_wallet(id, before.mine.clone(), name).await.unwrap();
    let keys: Vec<_> = before.keys.iter().map(AnySigningKey::verifying_key).collect();
    assert_eq!((wallet.id(), wallet.name()), (id, Some("from before")));
    assert_eq!(wallet.verifying_keys(), keys);
    assert!(wallet.backup().is_none());

    world.client.backup(id, from_ref(&method)).await.unwrap();
    let recovered = recover(&world.empty_device(), id, &method).await.unwrap();
    assert_eq!(recovered.verifying_keys(), keys);
    let epoch = recovered.signing_shares()[0].id().sharing.epoch;
    assert_eq!(epoch.get(), 2, "above the one that was adopted");
    // The halves from before have ended.
    let late = world.empty_device().adopt_wallet(id, before.mine.clone(), None).await;
    let Err(AdoptError::OtherEpoch { custodian: Some(custodian), .. }) = late else {
        panic!("{late:?}")
    };
    assert_eq!(custodian, epoch);
}

#[tokio::test]
async fn only_the_other_half_of_what_the_custodian_has_is_taken_up() {
    let (world, before) = (World::new(), Before::new());
    let id = before.wallet;
    let adopt = |shares| world.client.adopt_wallet(id, shares, None);
    let unknown = adopt(before.mine.clone()).await;
    let Err(AdoptError::State(StateError::Read(ReadError::NotFound))) = unknown else {
        panic!("{unknown:?}")
    };
    world.custodian.adopt(USER, id, before.theirs.clone()).unwrap();

    let refused = adopt(before.again().mine).await;
    assert!(matches!(refused, Err(AdoptError::OtherSharing { index: 0 })), "{refused:?}");
    let mixed = vec![before.mine[0].clone(), before.again().mine[1].clone()];
    let refused = adopt(mixed).await;
    assert!(matches!(refused, Err(AdoptError::OtherSharing { index: 1 })), "{refused:?}");
    let refused = adopt(before.mine[..1].to_vec()).await;
    assert!(matches!(refused, Err(AdoptError::OtherSharing { index: 1 })), "{refused:?}");
    let later = Before::sharing(id, before.keys.clone(), Epoch::new(2).unwrap());
    let refused = adopt(later.mine).await;
    assert!(matches!(refused, Err(AdoptError::OtherEpoch { .. })), "{refused:?}");
    let refused = adopt(Before::new().mine).await;
    assert!(matches!(refused, Err(AdoptError::Half(NotAHalf::OtherWallet { index: 0, .. }))));
    assert!(world.client.wallets_here().await.unwrap().is_empty(), "nothing of it is kept");

    adopt(before.mine.clone()).await.unwrap();
    let again = adopt(before.mine.clone()).await;
    assert!(matches!(again, Err(AdoptError::AlreadyHere { .. })), "{again:?}");
}

#[test]
fn one_key_is_in_one_wallet() {
    let (world, before) = (World::new(), Before::new());
    let id = before.wallet;
    world.custodian.adopt(USER, id, before.theirs.clone()).unwrap();
    let again = world.custodian.adopt(USER, id, before.again().theirs);
    assert_eq!(again, Err(memory::AdoptError::AlreadyExists));
    // Another user who has the lost phone, and an operator who makes a mistake.
    let other = world.custodian.adopt("mallory", id, before.theirs.clone());
    assert_eq!(other, Err(memory::AdoptError::KeyInUse));
    let renamed = Before::sharing(WalletId::make(&mut twoshare::rng()), before.keys, Epoch::FIRST);
    let renamed = world.custodian.adopt(USER, renamed.wallet, renamed.theirs);
    assert_eq!(renamed, Err(memory::AdoptError::KeyInUse));
}

#[tokio::test]
async fn a_wallet_that_the_user_has_no_half_of_gives_them_nothing_to_recover() {
    let (world, bogus) = (World::new(), Before::new());
    world.custodian.adopt(USER, bogus.wallet, bogus.theirs).unwrap();
    assert_eq!(world.client.wallets().await.unwrap(), [bogus.wallet]);
    assert!(world.client.wallets_here().await.unwrap().is_empty());
    let recovered = recover(&world.client, bogus.wallet, &code()).await;
    assert!(recovered.is_err(), "{recovered:?}");
}

/// A custodian that has another half than it states.
#[derive(Clone)]
struct Liar {
    inner: MemorySession,
    keys: Arc<CustodianKeys>,
    stated: Vec<AnyClientShare>,
}

#[async_trait]
impl Custodian for Liar {
    async fn wallets(&self) -> Result<Vec<WalletId>, ReadError> {
        self.inner.wallets().await
    }
    async fn state(&self, wallet: WalletId, nonce: Nonce) -> Result<Signed<State>, ReadError> {
        let mut state = self.inner.state(wallet, nonce).await?.unverified().clone();
        if let Some(signing) = &mut state.signing {
            signing.commitments = self.stated.iter().map(AnyClientShare::commitment).collect();
        }
        Ok(Signed::sign(state, &self.keys))
    }
    async fn receipt(
        &self,
        wallet: WalletId,
        id: OperationId,
    ) -> Result<Signed<Receipt>, ReadError> {
        self.inner.receipt(wallet, id).await
    }
    async fn begin(&self, begin: Begin) -> Result<Signed<Begun>, BeginError> {
        self.inner.begin(begin).await
    }
    async fn prepare(&self, prepare: Prepare) -> Result<Prepared, PrepareError> {
        self.inner.prepare(prepare).await
    }
    async fn commit(&self, commit: Commit) -> Result<Signed<Receipt>, CommitError> {
        self.inner.commit(commit).await
    }
    async fn abandon(&self, request: Request) -> Result<Signed<Tombstone>, AbandonError> {
        self.inner.abandon(request).await
    }
    async fn cancel(&self, request: Request) -> Result<(), CancelError> {
        self.inner.cancel(request).await
    }
    async fn eject(&self, request: Request) -> Result<Ejected, EjectError> {
        self.inner.eject(request).await
    }
    async fn drill(&self, wallet: WalletId, nonce: Nonce) -> Result<Drilled, ReadError> {
        self.inner.drill(wallet, nonce).await
    }
    async fn put_envelope(&self, upload: Upload, envelope: Vec<u8>) -> Result<(), UploadError> {
        self.inner.put_envelope(upload, envelope).await
    }
    async fn envelope(&self, wallet: WalletId, digest: Digest) -> Result<Vec<u8>, ReadError> {
        self.inner.envelope(wallet, digest).await
    }
    async fn retire(&self, wallet: WalletId, epoch: Epoch) -> Result<(), RetireError> {
        self.inner.retire(wallet, epoch).await
    }

    async fn depart(&self, depart: Depart) -> Result<Departed, DepartError> {
        self.inner.depart(depart).await
    }

    async fn hand_over(&self, receipt: Signed<Receipt>) -> Result<(), HandOverError> {
        self.inner.hand_over(receipt).await
    }
}

#[tokio::test]
async fn halves_that_do_not_fit_make_no_backup() {
    let keys = Arc::new(CustodianKeys::make(&mut twoshare::rng()));
    let copy = CustodianKeys::from_bytes(keys.to_bytes().expose_secret()).unwrap();
    let custodian = MemoryCustodian::new(copy, Policy::default(), 0, twoshare::rng());
    let (world, before) = (World::at(custodian), Before::new());
    let id = before.wallet;
    world.custodian.adopt(USER, id, before.again().theirs).unwrap();
    let liar = Liar { inner: world.custodian.login(USER), keys, stated: before.mine.clone() };
    let device = MemoryDevice::new();
    let identity = world.custodian.identity();
    let client = client_on(liar, identity, device, &[&world.first, &world.second]);
    client.adopt_wallet(id, before.mine.clone(), None).await.unwrap();
    let refused = client.backup(id, &[code()]).await;
    let Err(BackupError::Run(RunError::Exchange(ExchangeError::Prepare(PrepareError::Evidence(
        EvidenceError::Invalid { key: 0 },
    ))))) = refused
    else {
        panic!("{refused:?}")
    };
    assert_eq!(backup_state(&client, id).await, BackupState::None);
    assert!(world.names(id).await.is_empty(), "nothing was written");
    let state = world.custodian.login(USER).state(id, Nonce::from_bytes([1; 32])).await.unwrap();
    assert!(state.unverified().pending.is_none() && state.unverified().backup.is_none());
    let wallet = client.wallet(id).await.unwrap();
    assert!(wallet.backup().is_none());
    let kept = wallet.signing_shares().iter().zip(&before.mine);
    assert!(
        kept.clone().count() == 2
            && kept.into_iter().all(|(kept, mine)| {
                kept.id() == mine.id() && kept.commitment() == mine.commitment()
            })
    );
}
