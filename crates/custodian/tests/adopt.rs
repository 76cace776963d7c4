//! Wallets that existed before this custodian.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

#[path = "support/home.rs"]
mod home;

use home::{Home, contains, user};
use sqlx::{ConnectOptions as _, sqlite::SqliteConnectOptions};
use std::sync::Arc;
use twoshare_core::{
    curve::AnySigningKey,
    id::{CurveId, Epoch, Purpose, Sharing, WalletId},
    proof::Operation,
    share::{AnyClientShare, AnyCustodianShare, KeyId},
};
use twoshare_custodian::{
    AdoptError, Config, Limits, LocalSession, Service, SigningError,
    audit::{Act, Actor},
    sqlite::SqliteRepository,
};
use twoshare_protocol::{
    Custodian as _,
    adopt::NotAHalf,
    conformance::device::{Device, Failure, With},
    custodian::{BeginError, EvidenceError, PrepareError},
    rules::PrepareRefusal,
};

/// Both halves of the signing pair of a wallet that somebody else made.
struct Before {
    wallet: WalletId,
    keys: Vec<AnySigningKey>,
    mine: Vec<AnyClientShare>,
    theirs: Vec<AnyCustodianShare>,
}

impl Before {
    fn new() -> Self {
        let keys = [CurveId::Secp256k1, CurveId::Ed25519];
        let keys = keys.map(|curve| AnySigningKey::make(curve, &mut rand::rng()));
        Self::sharing(WalletId::make(&mut rand::rng()), keys.to_vec(), Epoch::new(7).unwrap())
    }

    fn sharing(wallet: WalletId, keys: Vec<AnySigningKey>, epoch: Epoch) -> Self {
        let sharing = Sharing { wallet, purpose: Purpose::Signing, epoch };
        let shares = (0..).zip(&keys);
        let shares =
            shares.map(|(index, key)| key.split(KeyId { sharing, index }, &mut rand::rng()));
        let (mine, theirs) = shares.unzip();
        Self { wallet, keys, mine, theirs }
    }

    fn again(&self) -> Self {
        Self::sharing(self.wallet, self.keys.clone(), Epoch::new(7).unwrap())
    }

    fn device(&self, service: &Service) -> Device<LocalSession> {
        let (alice, mine) = (service.login(&user("alice")), self.mine.clone());
        Device::adopted(alice, service.identity(), "alice", self.wallet, mine)
    }
}

#[tokio::test]
async fn a_wallet_that_existed_before_goes_on_from_its_own_epoch() {
    let home = Home::new();
    let (service, _) = home.open().await;
    let (before, alice) = (Before::new(), user("alice"));
    let adopted = service.adopt(&alice, before.wallet, before.theirs.clone()).await.unwrap();
    let keys: Vec<_> = before.keys.iter().map(AnySigningKey::verifying_key).collect();
    assert_eq!((adopted.epoch.get(), adopted.keys, adopted.is_new), (7, keys.clone(), true));
    let audit = service.audit(Some(before.wallet), 0, 10).await.unwrap();
    let told: Vec<_> = audit.iter().map(|e| (e.actor, e.act, e.detail.as_str())).collect();
    assert_eq!(told, [(Actor::Operator, Act::Adopted, "signing 7")]);

    // Again, as whoever lost the answer does: the same, and nothing is said twice.
    let again = service.adopt(&alice, before.wallet, before.theirs.clone()).await.unwrap();
    assert_eq!((again.epoch.get(), again.is_new), (7, false));
    assert_eq!(service.audit(Some(before.wallet), 0, 10).await.unwrap().len(), 1);

    // It lasts, sealed.
    service.close().await;
    for share in &before.theirs {
        assert!(!contains(&home.bytes(), share.expose_secret().expose_secret()));
    }
    let (service, _) = home.open().await;
    let held = service.signing_shares(&alice, before.wallet).await.unwrap();
    let values = |shares: &[AnyCustodianShare]| -> Vec<Vec<u8>> {
        shares.iter().map(|share| share.to_bytes().expose_secret().to_vec()).collect()
    };
    assert_eq!(values(&held), values(&before.theirs));

    // Its halves fit: it is backed up, and recovered above the number that it came with.
    let mut device = before.device(&service);
    device.run(Operation::FirstBackup, With::Device).await.unwrap();
    device.run(Operation::Recover, With::Method).await.unwrap();
    assert_eq!(device.signing[0].id().sharing.epoch.get(), 8);
    assert_eq!(device.verifying_keys(), keys);
    let late = service.adopt(&alice, before.wallet, before.theirs.clone()).await;
    assert_eq!(late, Err(AdoptError::AlreadyExists), "what was revoked does not come back");
    service.close().await;
}

#[tokio::test]
async fn what_is_not_one_half_of_one_new_wallet_is_refused_by_name() {
    let home = Home::new();
    let repository = Arc::new(SqliteRepository::open(home.database()).await.unwrap());
    let limits = Limits { wallets: 1, ..Limits::default() };
    let service = Service::open(Config { limits, ..home.config(repository) }).await.unwrap();
    let (before, alice, mallory) = (Before::new(), user("alice"), user("mallory"));
    let adopt = |who, wallet, shares| service.adopt(who, wallet, shares);
    let elsewhere = WalletId::make(&mut rand::rng());

    let refused = adopt(&alice, before.wallet, Vec::new()).await;
    assert_eq!(refused, Err(NotAHalf::Empty.into()));
    let refused = adopt(&alice, elsewhere, before.theirs.clone()).await;
    let found = before.wallet;
    assert_eq!(refused, Err(NotAHalf::OtherWallet { index: 0, found }.into()));
    let mut turned = before.theirs.clone();
    turned.reverse();
    let refused = adopt(&alice, before.wallet, turned).await;
    assert_eq!(refused, Err(NotAHalf::OutOfOrder { index: 0, found: 1 }.into()));

    adopt(&alice, before.wallet, before.theirs.clone()).await.unwrap();
    // Another sharing of the same keys under the same id, and under another.
    let refused = adopt(&alice, before.wallet, before.again().theirs).await;
    assert_eq!(refused, Err(AdoptError::AlreadyExists));
    let renamed = Before::sharing(elsewhere, before.keys.clone(), Epoch::FIRST);
    let refused = adopt(&mallory, elsewhere, renamed.theirs).await;
    assert_eq!(refused, Err(AdoptError::KeyInUse));
    // The id that another user has, with the half that the other has: whoever has their lost phone
    // would go on signing after they recover.
    let refused = adopt(&mallory, before.wallet, before.theirs.clone()).await;
    assert_eq!(refused, Err(AdoptError::KeyInUse));
    // The same id with keys of one's own is a wallet of one's own.
    let keys = vec![AnySigningKey::make(CurveId::Secp256k1, &mut rand::rng())];
    let own = Before::sharing(before.wallet, keys, Epoch::FIRST);
    adopt(&mallory, before.wallet, own.theirs).await.unwrap();
    let refused = adopt(
        &alice,
        elsewhere,
        Before::sharing(elsewhere, Before::new().keys, Epoch::FIRST).theirs,
    );
    assert_eq!(refused.await, Err(AdoptError::TooManyWallets));
    assert_eq!(service.login(&alice).wallets().await.unwrap(), [before.wallet]);
    let nothing = service.signing_shares(&mallory, elsewhere).await;
    assert_eq!(nothing.map(|_| ()), Err(SigningError::NotFound));
    service.close().await;
}

#[tokio::test]
async fn whoever_has_another_half_moves_nothing() {
    let home = Home::new();
    let (service, _) = home.open().await;
    let (before, alice) = (Before::new(), user("alice"));
    service.adopt(&alice, before.wallet, before.theirs.clone()).await.unwrap();

    // The device's half of another sharing of the same keys.
    let mut stranger = before.again().device(&service);
    let refused = stranger.run(Operation::FirstBackup, With::Device).await.map(|_| ());
    let invalid = PrepareError::Evidence(EvidenceError::Invalid { key: 0 });
    assert_eq!(refused, Err(Failure::Prepare(invalid)));
    // Keys are not generated over it.
    let curves = [CurveId::Secp256k1];
    let keygen = Device::keygen_in(
        service.login(&alice),
        service.identity(),
        "alice",
        before.wallet,
        &curves,
    );
    let refused = keygen.await.map(|_| ());
    assert_eq!(refused, Err(Failure::Prepare(PrepareRefusal::AlreadyExists.into())));
    // Another user does not see it.
    let mallory = service.login(&user("mallory"));
    let mut mallory =
        Device::adopted(mallory, service.identity(), "mallory", before.wallet, before.mine.clone());
    let refused = mallory.run(Operation::FirstBackup, With::Device).await.map(|_| ());
    assert_eq!(refused, Err(Failure::Begin(BeginError::NotFound)));

    let state = before.device(&service).state().await.unwrap();
    assert!(state.pending.is_none() && state.backup.is_none());
    assert_eq!((state.highest_signing, state.highest_backup), (7, 0));
    service.close().await;
}

#[tokio::test]
async fn a_half_that_is_damaged_afterwards_is_found_before_anything_is_made() {
    let home = Home::new();
    let (service, _) = home.open().await;
    let before = Before::new();
    service.adopt(&user("alice"), before.wallet, before.theirs.clone()).await.unwrap();
    let mut connection =
        SqliteConnectOptions::new().filename(home.database()).connect().await.unwrap();
    sqlx::query("UPDATE epoch_shares SET sealed = zeroblob(length(sealed))")
        .execute(&mut connection)
        .await
        .unwrap();
    let mut device = before.device(&service);
    let refused = device.run(Operation::FirstBackup, With::Device).await.map(|_| ());
    assert_eq!(refused, Err(Failure::Prepare(PrepareError::Damaged)));
    assert!(device.state().await.unwrap().pending.is_none());
    service.close().await;
}
