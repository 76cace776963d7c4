//! A wallet as storage keeps it: taken apart, with no more of its history than is at hand.

use super::*;

#[test]
fn a_wallet_is_put_together_again() {
    let mut wallet = replaced();
    wallet.freeze();
    let again = Wallet::from_parts(wallet.clone().into_parts());
    assert_eq!(again, wallet);
}

#[test]
fn what_is_not_at_hand_changes_nothing() {
    let mut full = mpc();
    for number in 3..9 {
        let active = full.backup().unwrap().epoch;
        let (mut parts, at_hand) = (full.clone().into_parts(), id(number));
        parts.outcomes.retain(|id, _| *id == at_hand);
        parts.ended.clear();
        let mut slim = Wallet::from_parts(parts);
        for wallet in [&mut full, &mut slim] {
            done(wallet, Operation::Refresh, number, Evidence::Backup(active));
            let repeated = wallet.commit(at_hand, Some(digest(number)), &policy());
            assert!(repeated.is_ok(), "{repeated:?}");
        }
        let (mut parts, all) = (slim.into_parts(), full.clone().into_parts());
        assert!(parts.outcomes.iter().all(|(id, outcome)| all.outcomes.get(id) == Some(outcome)));
        assert_eq!(parts.ended.len(), 1);
        assert!(parts.ended.iter().all(|(epoch, ended)| all.ended.get(epoch) == Some(ended)));
        (parts.outcomes, parts.ended) = (all.outcomes, all.ended);
        assert_eq!(Wallet::from_parts(parts), full);
    }
}

#[test]
fn something_ends_when_it_is_due_and_not_before() {
    let mut wallet = replaced();
    let due = wallet.due().unwrap();
    assert_eq!(due, wallet.now() + policy().grace);
    wallet.advance(due - 1);
    assert!(wallet.restorable().is_some());
    assert_eq!(wallet.due(), Some(due), "time alone does not move it");
    wallet.advance(due);
    assert!(wallet.restorable().is_none());
    assert_eq!(wallet.due(), None);

    let active = wallet.backup().unwrap().epoch;
    prepare(&mut wallet, Operation::Refresh, 9, Evidence::Backup(active)).unwrap();
    let due = wallet.due().unwrap();
    wallet.advance(due - 1);
    assert!(wallet.pending().is_some());
    wallet.advance(due);
    assert!(wallet.pending().is_none());

    // What stands still is not due.
    let mut wallet = replaced();
    wallet.freeze();
    assert_eq!(wallet.due(), None);
}
