//! What each operation makes and ends.

use twoshare_core::{
    curve::{AnySigningKey, AnyVerifyingKey},
    id::{Purpose, WalletKind},
    proof::Operation,
    share::{AnyClientShare, AnyCustodianShare},
};

use super::{BOTH, HOUR, SETUP, USER, backed_up, generated, imported, refusal, run};
use crate::{
    conformance::{
        Harness,
        device::{Device, With, envelope_of},
    },
    custodian::{BeginError, ReadError},
    message::{EpochState, State},
    rules::{Policy, PrepareRefusal},
};

fn keys_of(epoch: &EpochState) -> Vec<AnyVerifyingKey> {
    epoch.commitments.iter().map(|commitment| commitment.verifying_key()).collect()
}

fn state<H: Harness>(custodian: &H, device: &Device<H::Session>) -> State {
    custodian.block_on(device.state()).expect(SETUP)
}

/// A key generation that is committed.
pub fn a_new_wallet_has_a_signed_state<H: Harness>() {
    let custodian = H::start(Policy::default());
    let device = generated(&custodian);
    let state = state(&custodian, &device);
    assert_eq!(state.kind, WalletKind::Mpc);
    assert_eq!(keys_of(&state.signing.expect("it signs")), device.verifying_keys());
    assert!(state.backup.is_none() && state.restorable.is_none() && state.pending.is_none());
    let wallets = custodian.block_on(crate::Custodian::wallets(&device.custodian));
    assert_eq!(wallets, Ok(vec![device.party.wallet]));
}

/// Nothing of one wallet is in another.
pub fn two_generations_of_keys_differ<H: Harness>() {
    let custodian = H::start(Policy::default());
    let (one, other) = (generated(&custodian), generated(&custodian));
    for (one, other) in one.verifying_keys().iter().zip(other.verifying_keys()) {
        assert_ne!(*one, other);
    }
}

/// The backup pair is another sharing of the same keys.
pub fn a_first_backup_is_of_the_same_keys<H: Harness>() {
    let custodian = H::start(Policy::default());
    let device = backed_up(&custodian);
    let state = state(&custodian, &device);
    let (signing, backup) = (state.signing.expect("it signs"), state.backup.expect("backed up"));
    assert_eq!(keys_of(&signing), device.verifying_keys());
    assert_eq!(keys_of(&backup), device.verifying_keys());
    for (signing, backup) in signing.commitments.iter().zip(&backup.commitments) {
        assert_ne!(signing.to_bytes(), backup.to_bytes());
    }
    assert!(backup.envelope.is_some());
}

/// A single-key wallet, whose device deals.
pub fn an_imported_wallet_is_backed_up_by_dealing<H: Harness>() {
    let custodian = H::start(Policy::default());
    let device = imported(&custodian);
    let state = state(&custodian, &device);
    assert_eq!(state.kind, WalletKind::SingleKey);
    assert!(state.signing.is_none());
    assert_eq!(keys_of(&state.backup.expect("backed up")), device.verifying_keys());
}

/// A refresh of the backup pair.
pub fn a_refresh_makes_shares_that_combine_with_no_older_ones<H: Harness>() {
    let custodian = H::start(Policy::default());
    for mut device in [backed_up(&custodian), imported(&custodian)] {
        let (before, old) = (state(&custodian, &device), device.backup.clone());
        run(&custodian, &mut device, Operation::Refresh, With::Method).expect(SETUP);
        let after = state(&custodian, &device);
        let signing = |state: &State| state.signing.as_ref().map(|signing| signing.epoch);
        assert_eq!(signing(&before), signing(&after));
        assert_eq!(keys_of(&after.backup.expect("backed up")), device.verifying_keys());
        for (old, new) in old.iter().zip(&device.backup) {
            assert_ne!(old.commitment().to_bytes(), new.commitment().to_bytes());
        }
        device.backup = old;
        let refused = custodian.block_on(device.run(Operation::Refresh, With::Method));
        assert_eq!(refused.map(|_| ()), Err(BeginError::EpochEnded.into()));
    }
}

/// The recovery of an MPC wallet.
pub fn a_recovery_makes_both_pairs_and_ends_the_old_ones<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut lost = backed_up(&custodian);
    let mut new = lost.clone();
    new.signing.clear();
    let ready = custodian.block_on(new.prepare(Operation::Recover, With::Method)).expect(SETUP);
    let keys: Vec<_> = ready.signing().iter().map(AnyClientShare::verifying_key).collect();
    assert_eq!(keys, lost.verifying_keys());
    // Until the commit, the lost phone counts; from the commit on, it does not.
    custodian.block_on(lost.next(Operation::Replace)).expect(SETUP);
    custodian.block_on(new.commit(&ready)).expect(SETUP);
    new.adopt(&ready);
    for with in [With::Device, With::Method] {
        let refused = custodian.block_on(lost.run(Operation::Replace, with));
        assert!(refused.is_err(), "the lost phone is revoked");
    }
    let replaced = run(&custodian, &mut new, Operation::Replace, With::Device);
    assert_eq!(replaced, Ok(()));
}

/// The recovery of a single-key wallet, whose device rebuilds the keys before it commits.
pub fn a_single_key_recovery_brings_the_key_back<H: Harness>() {
    let custodian = H::start(Policy::default());
    let lost = imported(&custodian);
    let mut new = lost.clone();
    new.keys.clear();
    let ready = custodian.block_on(new.prepare(Operation::Recover, With::Method)).expect(SETUP);
    assert!(ready.signing().is_empty());
    let expected = lost.verifying_keys();
    assert_eq!(ready.opened().len(), expected.len());
    for ((mine, theirs), key) in new.backup.iter().zip(ready.opened()).zip(&lost.keys) {
        let rebuilt = rebuild(mine, theirs, &key.verifying_key());
        assert_eq!(rebuilt.expose_secret(), key.expose_secret().expose_secret());
    }
    custodian.block_on(new.commit(&ready)).expect(SETUP);
}

fn rebuild(
    mine: &AnyClientShare,
    theirs: &AnyCustodianShare,
    expected: &AnyVerifyingKey,
) -> twoshare_core::secret::SecretBytes {
    let key =
        AnySigningKey::reconstruct(mine, theirs, expected).expect("both shares are of one sharing");
    key.expose_secret()
}

/// A replace, and the recovery of who could still open the old methods.
pub fn a_replaced_backup_can_be_recovered_from<H: Harness>() {
    let custodian = H::start(Policy::default());
    for mut device in [backed_up(&custodian), imported(&custodian)] {
        let mut owner = device.clone();
        run(&custodian, &mut device, Operation::Replace, With::Device).expect(SETUP);
        let between = state(&custodian, &device);
        let restorable = between.restorable.expect("the old backup can be restored");
        assert_eq!(
            Some(restorable.epoch.epoch),
            owner.backup.first().map(|s| s.id().sharing.epoch)
        );

        custodian.advance(71 * HOUR);
        let again = custodian.block_on(device.run(Operation::Replace, With::Device));
        assert!(matches!(refusal(again), PrepareRefusal::GraceRunning { .. }));
        run(&custodian, &mut owner, Operation::Recover, With::Method).expect("within the grace");
        let after = state(&custodian, &owner);
        assert!(after.restorable.is_none());
        let refused = custodian.block_on(device.run(Operation::Refresh, With::Method));
        assert_eq!(refused.map(|_| ()), Err(BeginError::EpochEnded.into()));
    }
}

/// A pending epoch whose time is over.
pub fn a_pending_epoch_expires<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let ready = custodian.block_on(device.prepare(Operation::Refresh, With::Method)).expect(SETUP);
    assert!(state(&custodian, &device).pending.is_some());
    custodian.advance(HOUR / 4);
    assert!(state(&custodian, &device).pending.is_none());
    let late = custodian.block_on(device.commit(&ready));
    assert!(late.is_err(), "an expired operation cannot be committed");
    run(&custodian, &mut device, Operation::Refresh, With::Method).expect("it begins again");
    let epochs = device.backup.first().map(|share| share.id().sharing.epoch.get());
    assert_eq!(epochs, Some(3), "the number of the expired epoch is not used again");
}

/// A wallet whose keys were never committed.
pub fn an_abandoned_wallet_leaves_nothing<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = Device::import(custodian.login(USER), custodian.identity(), USER, BOTH);
    custodian.block_on(device.prepare(Operation::FirstBackup, With::Device)).expect(SETUP);
    custodian.advance(HOUR / 4);
    let state = custodian.block_on(device.state());
    assert_eq!(state.map(|_| ()), Err(ReadError::NotFound.into()));
    run(&custodian, &mut device, Operation::FirstBackup, With::Device).expect("it begins again");
}

/// Of the operations that are pending, the one that recovers comes first.
pub fn a_recovery_displaces_a_refresh<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let refresh =
        custodian.block_on(device.prepare(Operation::Refresh, With::Method)).expect(SETUP);
    let mut other = device.clone();
    let recovery = custodian.block_on(other.prepare(Operation::Recover, With::Method));
    let recovery = recovery.expect("a recovery displaces");
    assert!(custodian.block_on(device.commit(&refresh)).is_err());
    let receipt = custodian.block_on(other.commit(&recovery)).expect(SETUP);
    assert_eq!(receipt.unverified().envelope, Some(envelope_of(recovery.id())));
}

/// Two devices recover at once: one of them is told that the other was first.
pub fn two_recoveries_do_not_displace_each_other<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let mut other = device.clone();
    let first = custodian.block_on(device.prepare(Operation::Recover, With::Method)).expect(SETUP);
    let second = custodian.block_on(other.prepare(Operation::Recover, With::Method));
    assert!(matches!(
        refusal(second),
        PrepareRefusal::Conflict { operation: Operation::Recover, .. }
    ));
    custodian.block_on(device.commit(&first)).expect(SETUP);
    let state = state(&custodian, &device);
    assert_eq!(state.backup.map(|backup| backup.epoch.get()), Some(2));
    let purposes = first.backup().iter().map(|share| share.id().sharing.purpose);
    assert!(purposes.eq(BOTH.iter().map(|_| Purpose::Backup)));
}
