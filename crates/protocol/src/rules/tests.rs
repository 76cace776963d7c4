//! One test per rule. The interleavings are the model checker's.

mod convert;
mod parts;

use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, Purpose, WalletKind},
    proof::Operation,
};

use super::{
    AbandonRefusal, Admission, Ask, Authority, CancelRefusal, CommitRefusal, Evidence, Favour,
    Highest, MAX_EPOCH_JUMP, Outcome, Policy, PrepareRefusal, ReleaseRefusal, RetireRefusal,
    UnfreezeRefusal, WaitRefusal, Wallet as Rules, WindowRefusal,
};

/// What the custodian holds of an epoch is its name here.
type Wallet = Rules<String, ()>;

const HOUR: u64 = 60 * 60;

fn policy() -> Policy {
    Policy::default()
}

fn waiting() -> Policy {
    Policy { recovery_wait: 24 * HOUR, eject_wait: 24 * HOUR, ..Policy::default() }
}

fn id(number: u8) -> OperationId {
    OperationId::from_bytes([number; 16])
}

fn epoch(number: u64) -> Epoch {
    Epoch::new(number).unwrap()
}

fn digest(number: u8) -> Digest {
    Digest::from_bytes([number; 32])
}

/// The next epochs that this operation makes.
fn ask(wallet: &Wallet, operation: Operation, number: u8, evidence: Evidence) -> Ask {
    let next = |purpose| Epoch::new(wallet.highest().of(purpose) + 1);
    let signing = matches!(operation, Operation::Keygen | Operation::Convert)
        || operation == Operation::Recover && wallet.kind() == WalletKind::Mpc;
    let backup = operation != Operation::Keygen;
    Ask {
        operation,
        id: id(number),
        request: digest(number),
        evidence,
        signing: next(Purpose::Signing).filter(|_| signing),
        backup: next(Purpose::Backup).filter(|_| backup),
        receipts: Highest::default(),
    }
}

fn prepare_with(wallet: &mut Wallet, ask: &Ask, policy: &Policy) -> Result<(), PrepareRefusal> {
    match wallet.admit(ask, policy)? {
        Admission::Repeated => Ok(()),
        Admission::New(admitted) => {
            let name = |purpose: &str, epoch: Epoch| format!("{purpose} {epoch}");
            let signing = ask.signing.map(|epoch| name("signing", epoch));
            let backup = ask.backup.map(|epoch| name("backup", epoch));
            wallet.pend(admitted, signing, backup, (), policy);
            Ok(())
        }
    }
}

fn prepare(
    wallet: &mut Wallet,
    operation: Operation,
    number: u8,
    evidence: Evidence,
) -> Result<(), PrepareRefusal> {
    let ask = ask(wallet, operation, number, evidence);
    prepare_with(wallet, &ask, &policy())
}

fn commit(wallet: &mut Wallet, number: u8) -> Result<(), CommitRefusal> {
    let backup = wallet.pending().is_some_and(|pending| pending.backup.is_some());
    let envelope = backup.then(|| digest(number));
    wallet.commit(id(number), envelope, &policy()).map(|_| ())
}

fn done(wallet: &mut Wallet, operation: Operation, number: u8, evidence: Evidence) {
    prepare(wallet, operation, number, evidence).unwrap();
    commit(wallet, number).unwrap();
}

/// An MPC wallet with signing epoch 1 and backup epoch 1.
fn mpc() -> Wallet {
    let mut wallet = Wallet::new(WalletKind::Mpc, 1000);
    done(&mut wallet, Operation::Keygen, 1, Evidence::Token);
    done(&mut wallet, Operation::FirstBackup, 2, Evidence::Signing(Epoch::FIRST));
    wallet
}

fn single_key() -> Wallet {
    let mut wallet = Wallet::new(WalletKind::SingleKey, 1000);
    done(&mut wallet, Operation::FirstBackup, 1, Evidence::Key);
    wallet
}

/// An MPC wallet whose backup epoch 1 was replaced by epoch 2 and is restorable.
fn replaced() -> Wallet {
    let mut wallet = mpc();
    done(&mut wallet, Operation::Replace, 3, Evidence::Signing(Epoch::FIRST));
    wallet
}

#[test]
fn a_recovery_ends_both_old_epochs_at_its_commit() {
    let mut wallet = mpc();
    prepare(&mut wallet, Operation::Recover, 3, Evidence::Backup(epoch(1))).unwrap();
    assert_eq!(wallet.signing().unwrap().epoch, epoch(1));
    commit(&mut wallet, 3).unwrap();
    assert_eq!(wallet.signing().unwrap().material, "signing 2");
    assert_eq!(wallet.backup().unwrap().material, "backup 2");
    assert_eq!(wallet.material(Purpose::Backup, epoch(1)), None);
    let old = [Evidence::Backup(epoch(1)), Evidence::Signing(epoch(1))];
    for evidence in old {
        let refused = prepare(&mut wallet, Operation::Recover, 4, evidence);
        assert_eq!(refused, Err(PrepareRefusal::EpochEnded));
    }
}

#[test]
fn a_refresh_leaves_the_signing_pair_alone() {
    let mut wallet = mpc();
    done(&mut wallet, Operation::Refresh, 3, Evidence::Backup(epoch(1)));
    assert_eq!(wallet.signing().unwrap().epoch, epoch(1));
    assert_eq!(wallet.backup().unwrap().epoch, epoch(2));
    assert_eq!(wallet.restorable(), None);
}

#[test]
fn what_is_proven_decides_what_may_be_done() {
    let device = Evidence::Signing(epoch(1));
    let method = Evidence::Backup(epoch(1));
    let refused = |operation, evidence| prepare(&mut mpc(), operation, 9, evidence).unwrap_err();
    for operation in [Operation::Refresh, Operation::Recover] {
        assert_eq!(refused(operation, Evidence::Token), PrepareRefusal::NotEntitled);
        assert_eq!(refused(operation, device), PrepareRefusal::NotEntitled);
    }
    assert_eq!(refused(Operation::Replace, Evidence::Token), PrepareRefusal::NotEntitled);
    assert_eq!(refused(Operation::Replace, method), PrepareRefusal::NotEntitled);
    assert_eq!(refused(Operation::Replace, Evidence::Key), PrepareRefusal::EpochEnded);
    assert_eq!(refused(Operation::FirstBackup, device), PrepareRefusal::AlreadyBackedUp);
    assert_eq!(refused(Operation::Keygen, Evidence::Token), PrepareRefusal::AlreadyExists);
    let keygen = prepare(&mut single_key(), Operation::Keygen, 9, Evidence::Key);
    assert_eq!(keygen, Err(PrepareRefusal::WrongKind(WalletKind::SingleKey)));
}

/// What is pending was prepared with a share that counts, and does not count itself.
#[test]
fn a_pending_share_begins_nothing() {
    let mut wallet = mpc();
    prepare(&mut wallet, Operation::Refresh, 3, Evidence::Backup(Epoch::FIRST)).unwrap();
    let refused = prepare(&mut wallet, Operation::Recover, 4, Evidence::Pending(id(3)));
    assert_eq!(refused, Err(PrepareRefusal::EpochEnded));
    commit(&mut wallet, 3).unwrap();
}

#[test]
fn a_restorable_epoch_can_be_recovered_from_and_nothing_else() {
    let restorable = Evidence::Backup(epoch(1));
    let refused = prepare(&mut replaced(), Operation::Refresh, 9, restorable);
    assert_eq!(refused, Err(PrepareRefusal::NotEntitled));

    let mut wallet = replaced();
    done(&mut wallet, Operation::Recover, 9, restorable);
    assert_eq!(wallet.restorable(), None);
    assert_eq!(wallet.backup().unwrap().epoch, epoch(3));
    assert_eq!(wallet.material(Purpose::Backup, epoch(2)), None);
}

#[test]
fn a_replaced_epoch_outlives_everything_but_its_grace() {
    let mut wallet = replaced();
    let second = prepare(&mut wallet, Operation::Replace, 4, Evidence::Signing(epoch(1)));
    assert_eq!(second, Err(PrepareRefusal::GraceRunning { left: 72 * HOUR }));
    assert_eq!(wallet.open_window(u64::MAX), Err(WindowRefusal::GraceRunning { left: 72 * HOUR }));
    done(&mut wallet, Operation::Refresh, 4, Evidence::Backup(epoch(2)));
    done(&mut wallet, Operation::Recover, 5, Evidence::Backup(epoch(3)));
    assert_eq!(wallet.restorable().unwrap().epoch, epoch(1));

    wallet.advance(wallet.now() + 72 * HOUR - 1);
    assert_eq!(wallet.restorable().unwrap().left, 1);
    wallet.advance(wallet.now() + 1);
    assert_eq!(wallet.restorable(), None);
}

#[test]
fn a_window_that_was_open_releases_nothing_after_a_replace() {
    let mut wallet = mpc();
    wallet.open_window(wallet.now() + HOUR).unwrap();
    done(&mut wallet, Operation::Replace, 3, Evidence::Signing(epoch(1)));
    let released = wallet.release(id(9), Evidence::Backup(epoch(2)), &policy());
    assert_eq!(released, Err(ReleaseRefusal::GraceRunning { left: 72 * HOUR }));
}

#[test]
fn what_stops_the_clock_of_a_grace() {
    let from_restorable = |wallet: &mut Wallet| {
        prepare(wallet, Operation::Recover, 4, Evidence::Backup(epoch(1))).unwrap();
    };
    let mut wallet = replaced();
    from_restorable(&mut wallet);
    wallet.advance(wallet.now() + HOUR);
    // The pending recovery stopped it for the quarter of an hour that it lived.
    assert_eq!(wallet.restorable().unwrap().left, 72 * HOUR - 3 * HOUR / 4);

    let mut wallet = replaced();
    wallet.freeze();
    wallet.advance(wallet.now() + 1000 * HOUR);
    assert_eq!(wallet.restorable().unwrap().left, 72 * HOUR);

    let mut wallet = replaced();
    let ask = ask(&wallet, Operation::Recover, 4, Evidence::Backup(epoch(1)));
    let waits = prepare_with(&mut wallet, &ask, &waiting());
    assert!(matches!(waits, Err(PrepareRefusal::Wait(WaitRefusal::Waiting { .. }))));
    wallet.advance(wallet.now() + 90 * HOUR);
    assert_eq!(wallet.restorable().unwrap().left, 72 * HOUR);
    prepare_with(&mut wallet, &ask, &waiting()).unwrap();
    commit(&mut wallet, 4).unwrap();
    assert_eq!(wallet.backup().unwrap().epoch, epoch(3));
}

#[test]
fn what_was_ordered_outlives_what_was_pending() {
    let mut wallet = Wallet::new(WalletKind::SingleKey, 0);
    prepare(&mut wallet, Operation::FirstBackup, 1, Evidence::Key).unwrap();
    wallet.freeze();
    wallet.advance(wallet.now() + HOUR);
    assert!(wallet.pending().is_none() && !wallet.is_empty());
    wallet.unfreeze(None).unwrap();
    assert!(wallet.is_empty());
}

#[test]
fn a_stronger_proof_displaces_a_weaker_one() {
    let device = Evidence::Signing(epoch(1));
    let method = Evidence::Backup(epoch(1));
    let busy = |result: Result<(), PrepareRefusal>| {
        assert!(matches!(result, Err(PrepareRefusal::Conflict { .. })), "{result:?}");
    };

    let mut wallet = mpc();
    prepare(&mut wallet, Operation::Replace, 3, device).unwrap();
    busy(prepare(&mut wallet, Operation::Replace, 4, device));
    prepare(&mut wallet, Operation::Refresh, 5, method).unwrap();
    assert_eq!(wallet.outcome(id(3)), Some(&Outcome::Displaced));
    busy(prepare(&mut wallet, Operation::Replace, 6, device));
    busy(prepare(&mut wallet, Operation::Refresh, 7, method));
    prepare(&mut wallet, Operation::Recover, 8, method).unwrap();
    busy(prepare(&mut wallet, Operation::Recover, 9, method));
    assert_eq!(commit(&mut wallet, 5), Err(CommitRefusal::OperationEnded));
    commit(&mut wallet, 8).unwrap();

    let mut wallet = replaced();
    prepare(&mut wallet, Operation::Recover, 4, Evidence::Backup(epoch(2))).unwrap();
    prepare(&mut wallet, Operation::Recover, 5, Evidence::Backup(epoch(1))).unwrap();
    busy(prepare(&mut wallet, Operation::Recover, 6, Evidence::Backup(epoch(1))));
    busy(prepare(&mut wallet, Operation::Recover, 7, Evidence::Backup(epoch(2))));
    assert_eq!(wallet.pending().unwrap().authority, Authority::Restorable);
}

#[test]
fn a_pending_epoch_expires_and_its_number_stays_used() {
    let mut wallet = mpc();
    prepare(&mut wallet, Operation::Refresh, 3, Evidence::Backup(epoch(1))).unwrap();
    wallet.advance(wallet.now() + HOUR / 4 - 1);
    assert!(wallet.pending().is_some());
    wallet.advance(wallet.now() + 1);
    assert_eq!(wallet.pending(), None);
    assert_eq!(wallet.outcome(id(3)), Some(&Outcome::Expired));
    assert_eq!(commit(&mut wallet, 3), Err(CommitRefusal::OperationEnded));
    let again = prepare(&mut wallet, Operation::Refresh, 3, Evidence::Backup(epoch(1)));
    assert_eq!(again, Err(PrepareRefusal::OperationEnded));
    let mut reused = ask(&wallet, Operation::Refresh, 4, Evidence::Backup(epoch(1)));
    reused.backup = Some(epoch(2));
    assert_eq!(
        prepare_with(&mut wallet, &reused, &policy()),
        Err(PrepareRefusal::EpochUsed { asked: 2, highest: 2 })
    );
}

#[test]
fn a_clock_that_is_set_back_brings_nothing_back() {
    let mut wallet = replaced();
    let before = wallet.clone();
    wallet.advance(0);
    assert_eq!(wallet, before);
}

#[test]
fn epochs_go_up_by_bounded_steps() {
    let mut wallet = mpc();
    let mut ask = ask(&wallet, Operation::Refresh, 3, Evidence::Backup(epoch(1)));
    ask.backup = Some(epoch(1));
    let refused = prepare_with(&mut wallet, &ask, &policy());
    assert_eq!(refused, Err(PrepareRefusal::EpochUsed { asked: 1, highest: 1 }));
    ask.backup = Some(epoch(MAX_EPOCH_JUMP + 2));
    let refused = prepare_with(&mut wallet, &ask, &policy());
    assert_eq!(refused, Err(PrepareRefusal::EpochJump { asked: MAX_EPOCH_JUMP + 2, highest: 1 }));
    ask.receipts.backup = 2;
    prepare_with(&mut wallet, &ask, &policy()).unwrap();
    assert_eq!(wallet.highest().backup, MAX_EPOCH_JUMP + 2);
}

#[test]
fn an_operation_makes_its_epochs_and_no_others() {
    let wallet = mpc();
    let mut ask = ask(&wallet, Operation::Refresh, 3, Evidence::Backup(epoch(1)));
    ask.signing = Some(epoch(2));
    let refused = prepare_with(&mut wallet.clone(), &ask, &policy());
    assert_eq!(refused, Err(PrepareRefusal::WrongEpochs));
    ask.signing = None;
    ask.backup = None;
    let refused = prepare_with(&mut wallet.clone(), &ask, &policy());
    assert_eq!(refused, Err(PrepareRefusal::WrongEpochs));
}

#[test]
fn every_step_can_be_repeated_and_changes_nothing_twice() {
    let mut wallet = mpc();
    let ask = ask(&wallet, Operation::Refresh, 3, Evidence::Backup(epoch(1)));
    prepare_with(&mut wallet, &ask, &policy()).unwrap();
    let pending = wallet.clone();
    prepare_with(&mut wallet, &ask, &policy()).unwrap();
    assert_eq!(wallet, pending);
    let other = Ask { request: digest(99), ..ask };
    let reused = prepare_with(&mut wallet, &other, &policy());
    assert_eq!(reused, Err(PrepareRefusal::OperationReused));

    let first = wallet.commit(id(3), Some(digest(3)), &policy()).unwrap();
    wallet.advance(wallet.now() + 5);
    let committed = wallet.clone();
    assert_eq!(wallet.commit(id(3), Some(digest(3)), &policy()), Ok(first));
    assert_eq!(wallet, committed);
    assert_eq!(
        wallet.commit(id(3), Some(digest(4)), &policy()),
        Err(CommitRefusal::OtherEnvelope { committed: Some(digest(3)) })
    );
    let again = prepare_with(&mut wallet, &ask, &policy());
    assert_eq!(again, Err(PrepareRefusal::AlreadyCommitted));
}

#[test]
fn a_backup_is_committed_with_its_envelope() {
    let mut wallet = mpc();
    prepare(&mut wallet, Operation::Refresh, 3, Evidence::Backup(epoch(1))).unwrap();
    let without = wallet.commit(id(3), None, &policy());
    assert_eq!(without, Err(CommitRefusal::WrongEnvelope));
    commit(&mut wallet, 3).unwrap();
}

#[test]
fn who_may_abandon() {
    let (device, method) = (Evidence::Signing(epoch(1)), Evidence::Backup(epoch(1)));
    let mut wallet = mpc();
    prepare(&mut wallet, Operation::Refresh, 3, method).unwrap();
    assert_eq!(wallet.abandon(id(3), device), Err(AbandonRefusal::NotEntitled));
    assert_eq!(wallet.abandon(id(3), Evidence::Token), Err(AbandonRefusal::NotEntitled));
    wallet.abandon(id(3), method).unwrap();
    wallet.abandon(id(3), method).unwrap();
    assert_eq!(commit(&mut wallet, 3), Err(CommitRefusal::OperationEnded));

    prepare(&mut wallet, Operation::Refresh, 4, method).unwrap();
    wallet.abandon(id(4), Evidence::Pending(id(4))).unwrap();

    // Before its prepare has arrived: a delayed one finds the tombstone.
    wallet.abandon(id(5), device).unwrap();
    let late = prepare(&mut wallet, Operation::Replace, 5, device);
    assert_eq!(late, Err(PrepareRefusal::OperationEnded));
    assert_eq!(wallet.abandon(id(6), Evidence::Token), Err(AbandonRefusal::NotEntitled));

    done(&mut wallet, Operation::Refresh, 7, method);
    let committed = wallet.abandon(id(7), Evidence::Backup(epoch(4)));
    assert_eq!(committed, Err(AbandonRefusal::AlreadyCommitted));
}

#[test]
fn a_cancelled_request_freezes_the_wallet_until_the_operator_decides() {
    let (device, method) = (Evidence::Signing(epoch(1)), Evidence::Backup(epoch(1)));
    let mut wallet = mpc();
    let recover = ask(&wallet, Operation::Recover, 3, method);
    prepare_with(&mut wallet, &recover, &waiting()).unwrap_err();
    assert_eq!(wallet.dispute(id(3), method), Err(CancelRefusal::NotEntitled));
    assert_eq!(wallet.dispute(id(4), device), Err(CancelRefusal::NoSuchRequest));
    wallet.dispute(id(3), device).unwrap();
    assert!(wallet.may_sign().is_err());
    wallet.advance(wallet.now() + 24 * HOUR);
    let frozen = prepare_with(&mut wallet, &recover, &waiting());
    assert!(matches!(frozen, Err(PrepareRefusal::Frozen(_))));
    assert_eq!(wallet.unfreeze(None), Err(UnfreezeRefusal::Dispute { request: id(3) }));

    let mut for_request = wallet.clone();
    for_request.unfreeze(Some(Favour::Request(id(3)))).unwrap();
    assert_eq!(for_request.dispute(id(3), device), Err(CancelRefusal::Settled));
    prepare_with(&mut for_request, &recover, &waiting()).unwrap();

    wallet.unfreeze(Some(Favour::Device)).unwrap();
    let denied = prepare_with(&mut wallet, &recover, &waiting());
    assert_eq!(denied, Err(PrepareRefusal::OperationEnded));
    assert_eq!(wallet.request(), None);
}

#[test]
fn a_dispute_stops_a_recovery_that_is_already_pending() {
    let mut wallet = mpc();
    let recover = ask(&wallet, Operation::Recover, 3, Evidence::Backup(epoch(1)));
    prepare_with(&mut wallet, &recover, &waiting()).unwrap_err();
    wallet.advance(wallet.now() + 24 * HOUR);
    prepare_with(&mut wallet, &recover, &waiting()).unwrap();
    wallet.dispute(id(3), Evidence::Signing(epoch(1))).unwrap();
    assert!(matches!(commit(&mut wallet, 3), Err(CommitRefusal::Frozen(_))));
    wallet.unfreeze(Some(Favour::Device)).unwrap();
    assert_eq!(commit(&mut wallet, 3), Err(CommitRefusal::OperationEnded));
}

#[test]
fn a_restored_database_lets_an_approved_recovery_through_and_nothing_else() {
    let method = Evidence::Backup(epoch(1));
    let mut wallet = mpc();
    wallet.restored();
    for (operation, evidence) in [
        (Operation::Refresh, method),
        (Operation::Recover, method),
        (Operation::Replace, Evidence::Signing(epoch(1))),
    ] {
        let frozen = prepare(&mut wallet, operation, 3, evidence);
        assert!(matches!(frozen, Err(PrepareRefusal::Frozen(_))));
    }
    wallet.approve(id(4)).unwrap();
    let other = prepare(&mut wallet, Operation::Recover, 3, method);
    assert!(matches!(other, Err(PrepareRefusal::Frozen(_))));
    done(&mut wallet, Operation::Recover, 4, method);
    assert!(wallet.may_sign().is_ok());
    assert_eq!(wallet.approve(id(5)), Err(UnfreezeRefusal::NotFrozen));
}

#[test]
fn an_approved_id_is_shown_to_nobody() {
    let mut wallet = mpc();
    wallet.restored();
    wallet.approve(id(4)).unwrap();
    let other = prepare(&mut wallet, Operation::Recover, 3, Evidence::Backup(epoch(1)));
    assert!(matches!(other, Err(PrepareRefusal::Frozen(_))));
    assert!(!format!("{other:?}{:?}", wallet.freezes()).contains(&id(4).to_string()));
}

#[test]
fn an_approved_recovery_does_not_wait_where_its_id_would_be_seen() {
    let mut wallet = mpc();
    wallet.restored();
    wallet.approve(id(4)).unwrap();
    let recover = ask(&wallet, Operation::Recover, 4, Evidence::Backup(epoch(1)));
    prepare_with(&mut wallet, &recover, &waiting()).unwrap();
    assert_eq!(wallet.request(), None);
}

#[test]
fn an_approved_recovery_ends_everything_that_the_copy_had() {
    let mut wallet = replaced();
    wallet.restored();
    wallet.approve(id(4)).unwrap();
    done(&mut wallet, Operation::Recover, 4, Evidence::Backup(epoch(2)));
    let revived = prepare(&mut wallet, Operation::Recover, 5, Evidence::Backup(epoch(1)));
    assert_eq!(revived, Err(PrepareRefusal::EpochEnded));
}

#[test]
fn an_approved_replace_helps_who_knows_no_method_of_the_copy() {
    for mut wallet in [mpc(), replaced()] {
        wallet.restored();
        wallet.approve(id(4)).unwrap();
        done(&mut wallet, Operation::Replace, 4, Evidence::Signing(epoch(1)));
        assert!(!wallet.freezes().any());
        assert_eq!(wallet.restorable(), None);
    }
}

#[test]
fn a_restored_copy_has_no_dispute_left() {
    let mut wallet = mpc();
    let recover = ask(&wallet, Operation::Recover, 3, Evidence::Backup(epoch(1)));
    prepare_with(&mut wallet, &recover, &waiting()).unwrap_err();
    wallet.dispute(id(3), Evidence::Signing(epoch(1))).unwrap();
    wallet.restored();
    assert_eq!(wallet.freezes().dispute, None);
}

#[test]
fn a_disputed_request_outlives_the_dispute() {
    let (device, method) = (Evidence::Signing(epoch(1)), Evidence::Backup(epoch(1)));
    let mut wallet = mpc();
    let recover = ask(&wallet, Operation::Recover, 3, method);
    prepare_with(&mut wallet, &recover, &waiting()).unwrap_err();
    wallet.dispute(id(3), device).unwrap();
    wallet.advance(wallet.now() + 1000 * HOUR);
    wallet.unfreeze(Some(Favour::Request(id(3)))).unwrap();
    assert_eq!(wallet.dispute(id(3), device), Err(CancelRefusal::Settled));
    prepare_with(&mut wallet, &recover, &waiting()).unwrap();
}

#[test]
fn a_replace_closes_the_window() {
    let mut wallet = mpc();
    wallet.open_window(wallet.now() + 1000 * HOUR).unwrap();
    done(&mut wallet, Operation::Replace, 3, Evidence::Signing(epoch(1)));
    wallet.advance(wallet.now() + 72 * HOUR);
    assert_eq!(wallet.restorable(), None);
    let closed = wallet.release(id(4), Evidence::Backup(epoch(2)), &policy());
    assert_eq!(closed, Err(ReleaseRefusal::WindowClosed));
}

#[test]
fn an_eject_needs_the_window_and_the_active_share() {
    let method = Evidence::Backup(epoch(1));
    let mut wallet = mpc();
    let closed = wallet.release(id(3), method, &policy());
    assert_eq!(closed, Err(ReleaseRefusal::WindowClosed));
    wallet.open_window(wallet.now() + HOUR).unwrap();
    let device = wallet.release(id(3), Evidence::Signing(epoch(1)), &policy());
    assert_eq!(device, Err(ReleaseRefusal::NotEntitled));
    assert_eq!(wallet.release(id(3), method, &policy()).unwrap().material, "backup 1");
    assert_eq!(wallet.release(id(3), method, &policy()).unwrap().material, "backup 1");
    wallet.advance(wallet.now() + HOUR);
    let over = wallet.release(id(3), method, &policy());
    assert_eq!(over, Err(ReleaseRefusal::WindowClosed));
}

#[test]
fn an_envelope_is_kept_until_nobody_can_need_it() {
    let mut wallet = mpc();
    assert_eq!(wallet.retire(epoch(1), &policy()), Err(RetireRefusal::NotEnded));
    done(&mut wallet, Operation::Refresh, 3, Evidence::Backup(epoch(1)));
    let until = wallet.now() + policy().restore_window;
    assert_eq!(wallet.retire(epoch(1), &policy()), Err(RetireRefusal::TooEarly { until }));
    wallet.advance(until);
    assert_eq!(wallet.retire(epoch(1), &policy()).unwrap().envelope, Some(digest(2)));
    assert_eq!(wallet.retire(epoch(1), &policy()), Err(RetireRefusal::NotEnded));
}
