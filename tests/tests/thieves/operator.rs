//! The operator as a thief: with the operator's key, tokens for anybody, database and master key.

use twoshare::{
    MemoryDevice,
    core::{
        id::{Purpose, WalletKind},
        proof::Operation,
    },
    protocol::{
        Custodian as _,
        custodian::{EjectError, EvidenceError, PrepareError},
        rules::{Favour, Policy},
    },
};
use twoshare_protocol::conformance::device::With;

use crate::{
    support::{BOTH, HOUR, ONE, USER, World, code, forged, recover, told, user},
    token::eject,
};

/// Every window, every approval, every favour: what is missing is the owner's half.
#[tokio::test]
async fn everything_that_the_operator_may_do_gives_one_half() {
    let mut world = World::with(Policy { recovery_wait: HOUR, ..Policy::default() }).await;
    let mut owner = world.mpc(USER, BOTH).await;
    let (alice, wallet) = (user(USER), owner.party.wallet);
    let mut operator = owner.clone();
    operator.signing = forged(BOTH, &owner.signing[0]);
    operator.backup = forged(BOTH, &owner.backup[0]);
    let invalid = |purpose: Purpose| {
        let _ = purpose;
        PrepareError::Evidence(EvidenceError::Invalid { key: 0 })
    };
    // With a token of its own making, and the window open.
    world.service.issue_session(&alice, HOUR).await.unwrap();
    world.service.open_window(&alice, wallet, HOUR).await.unwrap();
    let refused = EjectError::Evidence(EvidenceError::Invalid { key: 0 });
    assert_eq!(eject(&mut operator, With::Method).await, Err(refused));
    // A recovery of its own, made to go on.
    let refused = told(operator.prepare(Operation::Recover, With::Method).await);
    assert_eq!(refused, Ok(invalid(Purpose::Backup)));
    assert!(world.service.requests().await.unwrap().is_empty(), "nothing waits for it");
    // A restored copy, with its own operation approved.
    world.restart(true).await;
    operator.custodian = world.login(USER);
    owner.custodian = world.login(USER);
    for (operation, with) in
        [(Operation::Recover, With::Method), (Operation::Replace, With::Device)]
    {
        let id = crate::support::operation_id();
        world.service.approve(&alice, wallet, id).await.unwrap();
        let to = operator.next(operation).await.unwrap();
        let asked = operator.ask_as(operation, with, id, to).unwrap();
        let offered = operator.offer(asked, with).await.unwrap();
        let refused = operator.custodian.prepare(offered.message().clone()).await;
        assert_eq!(refused.unwrap_err(), invalid(Purpose::Backup), "{operation:?}");
    }
    // Its owner, approved, goes on.
    let id = crate::support::operation_id();
    world.service.approve(&alice, wallet, id).await.unwrap();
    let to = owner.next(Operation::Recover).await.unwrap();
    let asked = owner.ask_as(Operation::Recover, With::Method, id, to).unwrap();
    let offered = owner.offer(asked, With::Method).await.unwrap();
    let prepared = owner.custodian.prepare(offered.message().clone()).await.unwrap();
    let ready = owner.finish(offered, &prepared).unwrap();
    owner.commit(&ready).await.unwrap();
}

/// Who asks to have a waiting recovery ended gets that one ended, whatever else has its id.
#[tokio::test]
async fn a_copied_request_id_hides_no_request() {
    let world = World::with(Policy { recovery_wait: HOUR, ..Policy::default() }).await;
    // The thief has a method of alice's, and asks under an id which they used before, elsewhere.
    let mut theirs = world.mpc(crate::support::THIEF, ONE).await;
    let mut alices = world.mpc(USER, ONE).await;
    let id = crate::support::operation_id();
    for device in [&mut theirs, &mut alices] {
        let to = device.next(Operation::Recover).await.unwrap();
        let asked = device.ask_as(Operation::Recover, With::Method, id, to).unwrap();
        let offered = device.offer(asked, With::Method).await.unwrap();
        let waits = device.custodian.prepare(offered.message().clone()).await;
        assert!(matches!(waits, Err(PrepareError::Refused(_))));
        world.turn(1);
    }
    assert_eq!(world.service.requests().await.unwrap().len(), 2);
    world.service.cancel_request(id).await.unwrap();
    let left = world.service.requests().await.unwrap();
    assert!(left.iter().all(|waiting| waiting.user.as_str() != USER), "{left:?}");
}

/// The favour in a dispute is for the request that was disputed, and no other.
#[tokio::test]
async fn a_dispute_is_not_won_by_another_request() {
    let world = World::with(Policy { recovery_wait: HOUR, ..Policy::default() }).await;
    let client = world.client(MemoryDevice::new());
    let method = code();
    let wallet = client.create_wallet(ONE, None).await.unwrap();
    assert_eq!(wallet.kind(), WalletKind::Mpc);
    client.backup(wallet.id(), std::slice::from_ref(&method)).await.unwrap();
    let home = world.client(MemoryDevice::new());
    let asked = home.recover(wallet.id(), twoshare::Recovery::with(method.clone())).await.unwrap();
    let twoshare::Recovered::Waiting(waiting) = asked else { panic!("it should wait") };
    client.cancel(wallet.id(), waiting.request).await.unwrap();
    let alice = user(USER);
    let other = Favour::Request(crate::support::operation_id());
    assert!(world.service.unfreeze(&alice, wallet.id(), Some(other)).await.is_err());
    assert!(world.service.unfreeze(&alice, wallet.id(), None).await.is_err());
    world.service.unfreeze(&alice, wallet.id(), Some(Favour::Device)).await.unwrap();
    // Denied: the wait begins anew.
    world.turn(HOUR);
    let asked = home.recover(wallet.id(), twoshare::Recovery::with(method.clone())).await.unwrap();
    assert!(matches!(asked, twoshare::Recovered::Waiting(_)));
    world.turn(HOUR);
    recover(&home, wallet.id(), &method).await.unwrap();
}
