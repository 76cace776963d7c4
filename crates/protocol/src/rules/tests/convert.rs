//! A single-key wallet becomes an MPC wallet.

use super::*;

const FIRST: Evidence = Evidence::Backup(Epoch::FIRST);

fn converted() -> Wallet {
    let mut wallet = single_key();
    done(&mut wallet, Operation::Convert, 2, FIRST);
    wallet
}

#[test]
fn a_conversion_makes_both_pairs_and_ends_everything_before() {
    let mut wallet = converted();
    assert_eq!(wallet.kind(), WalletKind::Mpc);
    assert_eq!(wallet.signing().unwrap().material, "signing 1");
    assert_eq!(wallet.backup().unwrap().material, "backup 2");
    assert_eq!(wallet.material(Purpose::Backup, epoch(1)), None);
    assert!(wallet.ended().contains_key(&epoch(1)) && wallet.restorable().is_none());

    // The key itself, and the share that it was converted with, stand for nothing.
    for evidence in [Evidence::Key, FIRST] {
        for operation in [Operation::Replace, Operation::Recover, Operation::Convert] {
            let refused = prepare(&mut wallet, operation, 9, evidence);
            assert_eq!(refused, Err(PrepareRefusal::EpochEnded), "{operation} {evidence:?}");
        }
        let abandoned = wallet.abandon(id(9), evidence);
        assert_eq!(abandoned, Err(AbandonRefusal::EpochEnded));
    }
    // The device is whoever has the signing share.
    done(&mut wallet, Operation::Replace, 3, Evidence::Signing(epoch(1)));
    assert_eq!(wallet.restorable().unwrap().epoch, epoch(2));
    done(&mut wallet, Operation::Recover, 4, Evidence::Backup(epoch(2)));
    assert_eq!(wallet.signing().unwrap().epoch, epoch(2));
}

#[test]
fn a_wallet_is_converted_once() {
    let mut wallet = converted();
    let again = prepare(&mut wallet, Operation::Convert, 3, Evidence::Backup(epoch(2)));
    assert_eq!(again, Err(PrepareRefusal::WrongKind(WalletKind::Mpc)));
    let again = prepare(&mut mpc(), Operation::Convert, 3, FIRST);
    assert_eq!(again, Err(PrepareRefusal::WrongKind(WalletKind::Mpc)));
}

#[test]
fn only_the_active_share_converts() {
    let mut wallet = single_key();
    for evidence in [Evidence::Token, Evidence::Key] {
        let refused = prepare(&mut wallet, Operation::Convert, 2, evidence);
        assert_eq!(refused, Err(PrepareRefusal::NotEntitled));
    }
    let mut ask = ask(&wallet, Operation::Convert, 2, FIRST);
    ask.signing = None;
    assert_eq!(prepare_with(&mut wallet, &ask, &policy()), Err(PrepareRefusal::WrongEpochs));
    let nothing = prepare(
        &mut Wallet::new(WalletKind::SingleKey, 1000),
        Operation::Convert,
        2,
        Evidence::Key,
    );
    assert_eq!(nothing, Err(PrepareRefusal::NotBackedUp));
}

#[test]
fn nothing_is_converted_while_an_epoch_is_restorable() {
    let mut wallet = single_key();
    done(&mut wallet, Operation::Replace, 2, Evidence::Key);
    let active = Evidence::Backup(epoch(2));
    let refused = prepare(&mut wallet, Operation::Convert, 3, active);
    assert_eq!(refused, Err(PrepareRefusal::GraceRunning { left: 72 * HOUR }));
    let refused = prepare(&mut wallet, Operation::Convert, 3, FIRST);
    assert_eq!(refused, Err(PrepareRefusal::NotEntitled));
    wallet.advance(wallet.now() + 72 * HOUR);
    done(&mut wallet, Operation::Convert, 3, active);
}

#[test]
fn nothing_is_converted_while_the_wallet_stands_still() {
    let mut wallet = single_key();
    prepare(&mut wallet, Operation::Convert, 2, FIRST).unwrap();
    wallet.freeze();
    assert!(matches!(commit(&mut wallet, 2), Err(CommitRefusal::Frozen(_))));
    let frozen = prepare(&mut wallet, Operation::Convert, 3, FIRST);
    assert!(matches!(frozen, Err(PrepareRefusal::Frozen(_))));
    wallet.unfreeze(None).unwrap();
    commit(&mut wallet, 2).unwrap();

    // Nor out of an old copy, whatever its operator approves.
    let mut copy = single_key();
    copy.restored();
    copy.approve(id(3)).unwrap();
    let frozen = prepare(&mut copy, Operation::Convert, 3, FIRST);
    assert!(matches!(frozen, Err(PrepareRefusal::Frozen(_))));
}

#[test]
fn a_conversion_ranks_as_a_refresh() {
    let busy = |result: Result<(), PrepareRefusal>| {
        assert!(matches!(result, Err(PrepareRefusal::Conflict { .. })), "{result:?}");
    };
    let mut wallet = single_key();
    prepare(&mut wallet, Operation::Replace, 2, Evidence::Key).unwrap();
    prepare(&mut wallet, Operation::Convert, 3, FIRST).unwrap();
    assert_eq!(wallet.outcome(id(2)), Some(&Outcome::Displaced));
    busy(prepare(&mut wallet, Operation::Replace, 4, Evidence::Key));
    busy(prepare(&mut wallet, Operation::Refresh, 5, FIRST));
    busy(prepare(&mut wallet, Operation::Convert, 6, FIRST));
    prepare(&mut wallet, Operation::Recover, 7, FIRST).unwrap();
    busy(prepare(&mut wallet, Operation::Convert, 8, FIRST));
    assert_eq!(commit(&mut wallet, 3), Err(CommitRefusal::OperationEnded));
    commit(&mut wallet, 7).unwrap();
    assert_eq!((wallet.kind(), wallet.signing()), (WalletKind::SingleKey, None));
}

#[test]
fn a_conversion_waits_as_a_recovery_does() {
    let mut wallet = single_key();
    let convert = ask(&wallet, Operation::Convert, 2, FIRST);
    let waits = prepare_with(&mut wallet, &convert, &waiting());
    let until = wallet.now() + 24 * HOUR;
    let request = id(2);
    assert_eq!(waits, Err(WaitRefusal::Waiting { request, until }.into()));
    // The device may object; and a recovery, but no eject and no second conversion, takes it over.
    let mut disputed = wallet.clone();
    disputed.dispute(request, Evidence::Key).unwrap();
    disputed.unfreeze(Some(Favour::Device)).unwrap();
    let denied = prepare_with(&mut disputed, &convert, &waiting());
    assert_eq!(denied, Err(PrepareRefusal::OperationEnded));
    let mut recovers = wallet.clone();
    let recover = ask(&recovers, Operation::Recover, 3, FIRST);
    let waits = prepare_with(&mut recovers, &recover, &waiting());
    assert!(matches!(waits, Err(PrepareRefusal::Wait(WaitRefusal::Waiting { .. }))));
    let late = prepare_with(&mut recovers, &convert, &waiting());
    assert_eq!(late, Err(WaitRefusal::RequestWaiting { request: id(3) }.into()));

    wallet.advance(until);
    prepare_with(&mut wallet, &convert, &waiting()).unwrap();
    // Prepared, it can still be disputed.
    let mut disputed = wallet.clone();
    disputed.dispute(request, Evidence::Key).unwrap();
    assert!(matches!(commit(&mut disputed, 2), Err(CommitRefusal::Frozen(_))));
    disputed.unfreeze(Some(Favour::Device)).unwrap();
    assert_eq!(commit(&mut disputed, 2), Err(CommitRefusal::OperationEnded));
    assert_eq!(disputed.kind(), WalletKind::SingleKey);
    commit(&mut wallet, 2).unwrap();
    assert_eq!(wallet.request(), None);
}

#[test]
fn what_waits_for_an_epoch_that_was_converted_is_void_and_the_window_closes() {
    let mut wallet = single_key();
    let recover = ask(&wallet, Operation::Recover, 2, FIRST);
    prepare_with(&mut wallet, &recover, &waiting()).unwrap_err();
    wallet.open_window(wallet.now() + HOUR).unwrap();
    // The operator has stopped letting anybody wait.
    done(&mut wallet, Operation::Convert, 3, FIRST);
    assert_eq!((wallet.request(), wallet.window()), (None, None));
    let active = Evidence::Backup(epoch(2));
    let closed = wallet.release(id(4), active, &policy()).map(|active| active.epoch);
    assert_eq!(closed, Err(ReleaseRefusal::WindowClosed));
    wallet.open_window(wallet.now() + HOUR).unwrap();
    wallet.release(id(4), active, &policy()).unwrap();
}

#[test]
fn what_was_committed_stays_of_its_kind() {
    let mut wallet = single_key();
    prepare(&mut wallet, Operation::Convert, 2, FIRST).unwrap();
    let first = wallet.commit(id(2), Some(digest(2)), &policy()).unwrap();
    assert_eq!(first.kind, WalletKind::Mpc);
    done(&mut wallet, Operation::Refresh, 3, Evidence::Backup(epoch(2)));
    assert_eq!(wallet.commit(id(2), Some(digest(2)), &policy()), Ok(first));
    let before = wallet.commit(id(1), Some(digest(1)), &policy()).unwrap();
    assert_eq!(before.kind, WalletKind::SingleKey);
    let again = prepare(&mut wallet, Operation::Convert, 2, FIRST);
    assert_eq!(again, Err(PrepareRefusal::AlreadyCommitted));
}
