//! A single-key wallet becomes an MPC wallet.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

mod common;

use std::{collections::BTreeMap, slice::from_ref};

use common::{
    BOTH, HOUR, USER, World, client_on, code,
    faults::{Fate, FaultyCustodian},
    recover,
};
use frost_secp256k1_tr as frost;
use pollster::block_on;
use twoshare::{
    Converted, DeviceState as _, Exported, Hazard, Import, MemoryDevice, Recovery, Resumed, Wallet,
    WhatIsSealed,
    core::{
        attachment::Attachment,
        curve::{Secp256k1, SigningKey},
        id::{Purpose, WalletId, WalletKind},
        sealed::{SecretKind, WalletSecret},
        share::{AnyClientShare, AnyCustodianShare},
    },
    error::{BackupError, ConvertError, DeviceError, OpenBackupError, RecoverError, RefreshError},
    protocol::{
        memory::MemoryCustodian,
        rules::{Favour, Policy},
    },
    status::OnDevice,
};
use twoshare_core::identity::CustodianKeys;

const KEY: [u8; 32] = [0x5c; 32];
const OTHER: [u8; 32] = [0x31; 32];

fn keys() -> Vec<Import> {
    let key = |bytes| Import::Key(SigningKey::<Secp256k1>::from_bytes(bytes).unwrap());
    vec![key(&KEY), key(&OTHER)]
}

async fn imported(world: &World, methods: &[twoshare::Method]) -> Wallet {
    let wallet = world.client.import_wallet(keys(), Some("Old".into())).await.unwrap();
    world.client.backup(wallet.id(), methods).await.unwrap();
    wallet
}

#[track_caller]
fn done(converted: Result<Converted, ConvertError>) -> Wallet {
    match converted.unwrap() {
        Converted::Done(wallet) => wallet,
        Converted::Waiting(waiting) => panic!("{waiting:?}"),
    }
}

/// Whether a whole key is on the device.
async fn has_key(device: &MemoryDevice, wallet: WalletId) -> bool {
    let record = device.load(wallet).await.unwrap().unwrap().contents;
    let record = record.expose_secret();
    [KEY, OTHER].iter().any(|key| record.windows(key.len()).any(|bytes| bytes == key))
}

fn was_whole(hazards: &[Hazard]) -> bool {
    hazards.iter().any(|hazard| matches!(hazard, Hazard::KeyWasWhole { .. }))
}

/// The custodian's share beside each of the client's signing shares.
fn other_halves(world: &World, wallet: &Wallet) -> Vec<AnyCustodianShare> {
    let stored = world.custodian.hazmat_stored_shares();
    let beside = |mine: &AnyClientShare| {
        let found = stored.iter().find(|theirs| theirs.id() == mine.id());
        found.unwrap().clone()
    };
    wallet.signing_shares().iter().map(beside).collect()
}

#[test]
fn it_has_the_same_keys_and_both_sides_sign() {
    block_on(async {
        let world = World::new();
        let (first, second) = (code(), code());
        let before = imported(&world, &[first.clone(), second.clone()]).await;
        assert!(has_key(&world.device, before.id()).await);
        let after = done(world.client.convert(before.id(), &first).await);
        assert_eq!((before.kind(), after.kind()), (WalletKind::SingleKey, WalletKind::Mpc));
        assert_eq!(after.verifying_keys(), before.verifying_keys());
        assert_eq!(after.check_code(), before.check_code());
        assert_eq!((after.id(), after.name()), (before.id(), before.name()));
        assert!(after.export().unwrap().is_empty());
        assert!(!has_key(&world.device, before.id()).await, "the key is not on the device");
        assert!(after.signing_shares().iter().all(|s| s.id().sharing.purpose == Purpose::Signing));

        // Both together sign under the key that there was, and only both of one epoch.
        let theirs = other_halves(&world, &after);
        for ((mine, theirs), key) in
            after.signing_shares().iter().zip(&theirs).zip(before.verifying_keys())
        {
            assert_eq!(mine.verifying_key(), *key);
            sign(mine, theirs).unwrap();
        }
        let later = recover(&world.empty_device(), before.id(), &second).await.unwrap();
        assert_eq!(later.kind(), WalletKind::Mpc);
        let newer = other_halves(&world, &later);
        for index in 0..2 {
            sign(&later.signing_shares()[index], &newer[index]).unwrap();
            assert!(sign(&after.signing_shares()[index], &newer[index]).is_err());
            assert!(sign(&later.signing_shares()[index], &theirs[index]).is_err());
        }
    });
}

#[test]
fn that_the_key_was_whole_is_said_for_ever() {
    block_on(async {
        let world = World::new();
        let method = code();
        let wallet = imported(&world, from_ref(&method)).await.id();
        let chain_code = || vec![Attachment::durable("chain code", vec![9; 32].into()).unwrap()];
        world.client.keep_attachments(wallet, chain_code()).await.unwrap();
        assert!(!was_whole(&world.client.status(wallet).await.unwrap().hazards));
        world.custodian.set_time(7 * HOUR);
        let converted = done(world.client.convert(wallet, &method).await);
        let names = |wallet: &Wallet| -> Vec<String> {
            wallet.attachments().iter().map(|kept| kept.name().to_owned()).collect()
        };
        assert_eq!(names(&converted), ["chain code"], "the app sees its own");

        let status = world.client.status(wallet).await.unwrap();
        assert_eq!(status.hazards[0], Hazard::KeyWasWhole { until: 7 * HOUR });
        // The app keeps others; a new epoch; a new backup; a new device.
        world.client.keep_attachments(wallet, Vec::new()).await.unwrap();
        world.client.refresh(wallet, &method).await.unwrap();
        let replaced = code();
        world.client.replace(wallet, from_ref(&replaced)).await.unwrap();
        world.custodian.advance(100 * HOUR);
        let empty = world.empty_device();
        let found = recover(&empty, wallet, &replaced).await.unwrap();
        assert_eq!(names(&found), [""; 0]);
        let status = empty.status(wallet).await.unwrap();
        assert_eq!(status.hazards[0], Hazard::KeyWasWhole { until: 7 * HOUR });
    });
}

#[test]
fn what_is_sealed_is_refused_by_name_before_anything_is_begun() {
    block_on(async {
        let world = World::new();
        let method = code();
        let seed = WalletSecret::new(SecretKind::Ed25519Seed, "Solana", vec![7; 32].into());
        let imports = [keys(), vec![Import::Secret(seed.unwrap())]].concat();
        let wallet = world.client.import_wallet(imports, None).await.unwrap();
        world.client.backup(wallet.id(), from_ref(&method)).await.unwrap();

        let fate = Fate::default();
        let session = FaultyCustodian(world.custodian.login(USER), fate.clone());
        let (device, identity) = (world.device.clone(), world.custodian.identity());
        let client = client_on(session, identity, device, &[&world.first, &world.second]);
        let Err(ConvertError::SealedSecrets { sealed }) =
            client.convert(wallet.id(), &method).await
        else {
            panic!("it has a seed");
        };
        let label = "Solana".to_owned();
        assert_eq!(sealed, [WhatIsSealed { index: 2, kind: SecretKind::Ed25519Seed, label }]);
        assert_eq!(fate.log(), [""; 0], "the custodian hears nothing of it");
        let state = world.client.state(wallet.id()).await.unwrap();
        assert_eq!((state.kind, state.highest_backup), (WalletKind::SingleKey, 1));
        let found = recover(&world.empty_device(), wallet.id(), &method).await.unwrap();
        assert_eq!(found.export().unwrap().len(), 3);
    });
}

#[test]
fn the_phone_of_before_can_do_nothing_and_recovers_like_any_other() {
    block_on(async {
        let world = World::new();
        let method = code();
        let wallet = imported(&world, from_ref(&method)).await.id();
        let old = world.device.snapshot();
        done(world.client.convert(wallet, &method).await);

        let thief = world.client_on(old.snapshot());
        assert_eq!(thief.status(wallet).await.unwrap().on_device, OnDevice::Revoked);
        let mine = code();
        let revoked = |error: &DeviceError| matches!(error, DeviceError::Revoked { .. });
        let replaced = thief.replace(wallet, from_ref(&mine)).await.unwrap_err();
        assert!(matches!(replaced, BackupError::Device(error) if revoked(&error)));
        let refreshed = thief.refresh(wallet, &method).await.unwrap_err();
        assert!(matches!(refreshed, RefreshError::Device(error) if revoked(&error)));
        let converted = thief.convert(wallet, &method).await.unwrap_err();
        assert!(matches!(converted, ConvertError::Device(error) if revoked(&error)));
        assert!(thief.cancel(wallet, twoshare::make_operation_id()).await.is_err());
        assert!(thief.eject(wallet, &mine).await.is_err());
        assert!(matches!(thief.resume(wallet).await.unwrap(), Resumed::Revoked));
        // A drill of what counts now is one all the same, and finds no fault.
        thief.drill(wallet, Some(&method)).await.unwrap();
        // What it had is still there: no word of the custodian's wipes a key.
        assert_eq!(thief.wallet(wallet).await.unwrap().export().unwrap().len(), 2);
        assert!(has_key(&old, wallet).await);

        // In its owner's hands it recovers, as what the wallet is now.
        let home = world.client_on(old.clone());
        assert!(matches!(home.resume(wallet).await.unwrap(), Resumed::Revoked));
        let found = recover(&home, wallet, &method).await.unwrap();
        assert_eq!(found.kind(), WalletKind::Mpc);
        assert!(!has_key(&old, wallet).await);
        let status = home.status(wallet).await.unwrap();
        assert_eq!((status.on_device, status.kind), (OnDevice::Here, WalletKind::Mpc));
        assert!(was_whole(&status.hazards));
        assert!(matches!(world.client.resume(wallet).await.unwrap(), Resumed::Revoked));
    });
}

#[test]
fn an_mpc_wallet_is_one_already() {
    block_on(async {
        let world = World::new();
        let method = code();
        let made = world.mpc(from_ref(&method)).await.id();
        let refused = world.client.convert(made, &method).await;
        assert!(matches!(refused, Err(ConvertError::AlreadyMpc)));
        let wallet = imported(&world, from_ref(&method)).await.id();
        done(world.client.convert(wallet, &method).await);
        let refused = world.client.convert(wallet, &method).await;
        assert!(matches!(refused, Err(ConvertError::AlreadyMpc)));
    });
}

#[test]
fn a_replaced_backup_comes_first() {
    block_on(async {
        let world = World::new();
        let (old, new) = (code(), code());
        let wallet = imported(&world, from_ref(&old)).await.id();
        world.client.replace(wallet, &[new.clone(), old.clone()]).await.unwrap();
        let refused = world.client.convert(wallet, &old).await;
        let contested =
            |error: &OpenBackupError| matches!(error, OpenBackupError::Contested { .. });
        assert!(matches!(refused, Err(ConvertError::Open(error)) if contested(&error)));
        let refused = world.client.convert(wallet, &new).await;
        assert!(matches!(refused, Err(ConvertError::GraceRunning { left }) if left == 72 * HOUR));
        world.custodian.advance(72 * HOUR);
        done(world.client.convert(wallet, &new).await);
        // No receipt, no method, no recovery goes back behind it.
        let back = recover(&world.empty_device(), wallet, &code()).await.unwrap_err();
        assert!(matches!(back, RecoverError::Open(OpenBackupError::Open(_))));
    });
}

#[test]
fn it_waits_where_recoveries_wait_and_works_as_ever_meanwhile() {
    block_on(async {
        let mut rng = twoshare::rng();
        let policy = Policy { recovery_wait: 24 * HOUR, ..Policy::default() };
        let custodian = MemoryCustodian::new(CustodianKeys::make(&mut rng), policy, 0, rng);
        let world = World::at(custodian);
        let method = code();
        let wallet = imported(&world, from_ref(&method)).await.id();
        let waiting = match world.client.convert(wallet, &method).await.unwrap() {
            Converted::Waiting(waiting) => waiting,
            Converted::Done(_) => panic!("it should wait"),
        };
        assert_eq!(waiting.ready_at, 24 * HOUR);
        let here = world.client.wallet(wallet).await.unwrap();
        assert_eq!((here.kind(), here.export().unwrap().len()), (WalletKind::SingleKey, 2));
        let status = world.client.status(wallet).await.unwrap();
        assert_eq!(status.waiting.unwrap().operation.name(), "convert");
        // Its own device, or one that was stolen, objects.
        world.client.cancel(wallet, waiting.request).await.unwrap();
        world.custodian.advance(24 * HOUR);
        assert!(world.client.convert(wallet, &method).await.is_err());
        world.custodian.unfreeze(USER, wallet, Some(Favour::Request(waiting.request))).unwrap();
        done(world.client.convert(wallet, &method).await);
        // However often it asked.
        let state = world.client.state(wallet).await.unwrap();
        assert_eq!(state.backup.unwrap().epoch.get(), 2);
    });
}

/// Somebody says that a commit was refused which was not. The wallet is of another kind then, at which
/// nothing of before can be abandoned: the device does not take that for an end without a commit.
#[test]
fn a_commit_that_was_denied_is_found_out() {
    block_on(async {
        let world = World::new();
        let method = code();
        let wallet = imported(&world, from_ref(&method)).await.id();
        let fate = Fate::default();
        let session = FaultyCustodian(world.custodian.login(USER), fate.clone());
        let (device, identity) = (world.device.clone(), world.custodian.identity());
        let client = client_on(session, identity, device, &[&world.first, &world.second]);
        fate.deny_commits(true);
        assert!(client.convert(wallet, &method).await.is_err());
        let status = client.status(wallet).await.unwrap();
        assert!(matches!(status.on_device, OnDevice::Interrupted { .. }), "{:?}", status.on_device);
        fate.deny_commits(false);
        assert!(matches!(client.resume(wallet).await.unwrap(), Resumed::Finished { .. }));
        let found = client.wallet(wallet).await.unwrap();
        assert_eq!(found.kind(), WalletKind::Mpc);
        sign(&found.signing_shares()[0], &other_halves(&world, &found)[0]).unwrap();
    });
}

/// A copy of the custodian's database from before: the wallet is what it was then, and whole again.
#[test]
fn an_old_copy_of_the_custodian_has_a_single_key_wallet_again() {
    block_on(async {
        let world = World::new();
        let method = code();
        let before = imported(&world, from_ref(&method)).await;
        let wallet = before.id();
        let copy = world.custodian.snapshot();
        done(world.client.convert(wallet, &method).await);
        world.custodian.restore(copy);
        let approved = twoshare::make_operation_id();
        let refused = world.client.convert(wallet, &method).await;
        assert!(matches!(refused, Err(ConvertError::AlreadyMpc)));
        let recovery = || Recovery::with(method.clone());
        let refused = world.client.recover(wallet, recovery()).await;
        assert!(matches!(refused, Err(RecoverError::Open(OpenBackupError::Restored { .. }))));
        world.custodian.approve(USER, wallet, approved).unwrap();
        world.client.recover(wallet, recovery().approved(approved)).await.unwrap();
        let found = world.client.wallet(wallet).await.unwrap();
        assert_eq!(found.kind(), WalletKind::SingleKey);
        assert_eq!(found.verifying_keys(), before.verifying_keys());
        let exported = found.export().unwrap();
        assert!(exported.iter().all(|exported| matches!(exported, Exported::Key(_))));
        // And again, with numbers that nobody has used.
        let again = done(world.client.convert(wallet, &method).await);
        assert_eq!(again.kind(), WalletKind::Mpc);
        let theirs = other_halves(&world, &again);
        sign(&again.signing_shares()[0], &theirs[0]).unwrap();
    });
}

#[test]
fn new_keys_are_a_new_wallet() {
    block_on(async {
        let world = World::new();
        let (first, second) = (
            world.client.create_wallet(&BOTH[..1], None).await.unwrap(),
            world.client.create_wallet(BOTH, None).await.unwrap(),
        );
        assert_ne!(first.id(), second.id());
        assert_ne!(first.check_code(), second.check_code());
        assert_eq!(world.client.wallets().await.unwrap().len(), 2);
        let again = world.client.wallet(first.id()).await.unwrap();
        assert_eq!(again.verifying_keys(), first.verifying_keys());
    });
}

/// A BIP-340 signature under the wallet's key, by FROST, checked under it.
fn sign(mine: &AnyClientShare, theirs: &AnyCustodianShare) -> Result<(), frost::Error> {
    use frost::{Identifier, SigningPackage, aggregate, keys, round1, round2};

    let key = frost::VerifyingKey::deserialize(&mine.verifying_key().to_bytes())?;
    let (mut packages, mut public) = (BTreeMap::new(), BTreeMap::new());
    // Exposed: to the signing library, which signs with them.
    for (index, secret) in (1u16..).zip([mine.expose_secret(), theirs.expose_secret()]) {
        let identifier = Identifier::try_from(index)?;
        let share = keys::SigningShare::deserialize(secret.expose_secret())?;
        let point = keys::VerifyingShare::from(share);
        public.insert(identifier, point);
        packages.insert(identifier, keys::KeyPackage::new(identifier, share, point, key, 2));
    }
    let (mut nonces, mut commitments) = (BTreeMap::new(), BTreeMap::new());
    for (identifier, package) in &packages {
        let (nonce, commitment) = round1::commit(package.signing_share(), &mut Randomness);
        nonces.insert(*identifier, nonce);
        commitments.insert(*identifier, commitment);
    }
    let signing = SigningPackage::new(commitments, b"to be signed");
    let mut shares = BTreeMap::new();
    for ((identifier, package), nonce) in packages.iter().zip(nonces.values()) {
        shares.insert(*identifier, round2::sign(&signing, nonce, package)?);
    }
    let public = keys::PublicKeyPackage::new(public, key, Some(2));
    let signature = aggregate(&signing, &shares, &public)?;
    key.verify(b"to be signed", &signature)
}

/// The operating system's randomness for a library that speaks an older generation of its traits.
struct Randomness;

impl frost::rand_core::RngCore for Randomness {
    fn next_u32(&mut self) -> u32 {
        frost::rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        frost::rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        rand::Rng::fill_bytes(&mut twoshare::rng(), bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), frost::rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl frost::rand_core::CryptoRng for Randomness {}
