//! What the operator allows, forbids and settles.

use twoshare_core::proof::Operation;

use super::{HOUR, SETUP, USER, backed_up, refusal, run};
use crate::{
    Custodian,
    conformance::{
        Harness,
        device::{Device, Failure, With},
    },
    custodian::EjectError,
    memory::OperatorError,
    message::Ejected,
    rules::{
        CancelRefusal, Favour, Policy, PrepareRefusal, ReleaseRefusal, UnfreezeRefusal, WaitRefusal,
    },
    session::{Proving, Requested, SessionError},
};

fn eject<H: Harness>(
    custodian: &H,
    device: &mut Device<H::Session>,
    with: With,
) -> (Requested, Result<Ejected, EjectError>) {
    let id = device.operation();
    let (signing, backup) = (device.signing.clone(), device.backup.clone());
    let proving = match with {
        With::Device => Proving::Signing(&signing),
        With::Method => Proving::Backup(&backup),
    };
    let requested = custodian.block_on(device.request(Operation::Eject, id, proving)).expect(SETUP);
    let ejected = custodian.block_on(device.custodian.eject(requested.message().clone()));
    (requested, ejected)
}

/// The window, and what opens it.
pub fn an_eject_needs_the_window<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let (_, closed) = eject(&custodian, &mut device, With::Method);
    assert_eq!(closed.map(|_| ()), Err(ReleaseRefusal::WindowClosed.into()));
    custodian.open_window(USER, device.party.wallet, HOUR).expect(SETUP);
    let (_, device_only) = eject(&custodian, &mut device, With::Device);
    assert_eq!(device_only.map(|_| ()), Err(ReleaseRefusal::NotEntitled.into()));

    let (requested, ejected) = eject(&custodian, &mut device, With::Method);
    let shares = requested.open(&ejected.expect("the window is open"), &device.backup);
    for (mine, theirs) in device.backup.iter().zip(shares.expect("it is for this asker")) {
        assert_eq!(mine.verifying_key(), theirs.verifying_key());
    }
    let repeated = custodian.block_on(device.custodian.eject(requested.message().clone()));
    requested.open(&repeated.expect("it can be repeated"), &device.backup).expect("as before");

    custodian.advance(HOUR);
    let (_, over) = eject(&custodian, &mut device, With::Method);
    assert_eq!(over.map(|_| ()), Err(ReleaseRefusal::WindowClosed.into()));
    let nobody = custodian.open_window("mallory", device.party.wallet, HOUR);
    assert_eq!(nobody, Err(OperatorError::NotFound));
}

/// What one asker is told is of no use to another.
pub fn an_eject_is_sealed_to_its_asker<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    custodian.open_window(USER, device.party.wallet, HOUR).expect(SETUP);
    let (_, ejected) = eject(&custodian, &mut device, With::Method);
    let (other, _) = eject(&custodian, &mut device, With::Method);
    let opened = other.open(&ejected.expect(SETUP), &device.backup);
    assert!(matches!(opened, Err(SessionError::Sealed(_))));
}

/// Recovery with a waiting period, an objection, and both ends of it.
pub fn a_waiting_recovery_can_be_disputed<H: Harness>() {
    let custodian = H::start(Policy { recovery_wait: 24 * HOUR, ..Policy::default() });
    let mut device = backed_up(&custodian);
    let wallet = device.party.wallet;
    let recover = |device: &mut Device<H::Session>| {
        custodian.block_on(device.run(Operation::Recover, With::Method)).map(|_| ())
    };
    let request = match refusal(recover(&mut device)) {
        PrepareRefusal::Wait(WaitRefusal::Waiting { request, .. }) => request,
        other => panic!("it should wait: {other:?}"),
    };
    custodian.advance(HOUR);
    assert!(matches!(refusal(recover(&mut device)), PrepareRefusal::Wait(_)));

    let cancel = |device: &mut Device<H::Session>| {
        let signing = device.signing.clone();
        let proving = Proving::Signing(&signing);
        let asked = custodian.block_on(device.request(Operation::Cancel, request, proving));
        custodian.block_on(device.custodian.cancel(asked.expect(SETUP).message().clone()))
    };
    cancel(&mut device).expect("the device may object");
    custodian.advance(24 * HOUR);
    assert!(matches!(refusal(recover(&mut device)), PrepareRefusal::Frozen(_)));
    assert_eq!(
        custodian.unfreeze(USER, wallet, None),
        Err(UnfreezeRefusal::Dispute { request }.into())
    );
    custodian.unfreeze(USER, wallet, Some(Favour::Request(request))).expect(SETUP);
    assert_eq!(cancel(&mut device), Err(CancelRefusal::Settled.into()));
    recover(&mut device).expect("settled in its favour");

    assert!(matches!(refusal(recover(&mut device)), PrepareRefusal::Wait(_)));
    let state = custodian.block_on(device.state()).expect(SETUP);
    let second = state.request.expect("it waits").id;
    custodian.deny(USER, wallet, second).expect(SETUP);
    let state = custodian.block_on(device.state()).expect(SETUP);
    assert!(state.request.is_none() && state.dispute.is_none());
}

/// Ordered by the operator.
pub fn a_frozen_wallet_stands_still<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let wallet = device.party.wallet;
    let ready = custodian.block_on(device.prepare(Operation::Refresh, With::Method)).expect(SETUP);
    custodian.freeze(USER, wallet).expect(SETUP);
    let commit = custodian.block_on(device.commit(&ready)).map(|_| ());
    assert!(matches!(commit, Err(Failure::Commit(_))), "{commit:?}");
    for with in [With::Device, With::Method] {
        let operation = if with == With::Device { Operation::Replace } else { Operation::Recover };
        let refused = custodian.block_on(device.run(operation, with)).map(|_| ());
        assert!(matches!(refusal(refused), PrepareRefusal::Frozen(_)));
    }
    assert!(custodian.block_on(device.state()).expect(SETUP).frozen);
    custodian.unfreeze(USER, wallet, None).expect(SETUP);
    custodian.block_on(device.commit(&ready)).expect("it goes on where it stood");
}

/// Yesterday's copy of the database.
pub fn a_restored_copy_lets_an_approved_recovery_through<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let (yesterday, mut removed) = (custodian.snapshot(), device.clone());
    run(&custodian, &mut device, Operation::Refresh, With::Method).expect(SETUP);
    custodian.restore(yesterday);

    // Whoever still has what was removed since finds the copy standing still.
    let thief = custodian.block_on(removed.run(Operation::Recover, With::Method)).map(|_| ());
    assert!(matches!(refusal(thief), PrepareRefusal::Frozen(_)));
    let (id, to) = (removed.operation(), custodian.block_on(removed.next(Operation::Recover)));
    custodian.approve(USER, device.party.wallet, id).expect(SETUP);
    let thief = custodian.block_on(removed.run(Operation::Recover, With::Method)).map(|_| ());
    assert!(matches!(refusal(thief), PrepareRefusal::Frozen(_)));

    // The owner, who read the operation's id out to the operator, recovers from what the copy has.
    let recovered = custodian.block_on(async {
        let asked = removed.ask_as(Operation::Recover, With::Method, id, to?)?;
        let offered = removed.offer(asked, With::Method).await?;
        let prepared = removed.custodian.prepare(offered.message().clone()).await?;
        let ready = removed.finish(offered, &prepared)?;
        removed.commit(&ready).await
    });
    recovered.expect("approved");
    let state = custodian.block_on(removed.state()).expect(SETUP);
    assert!(!state.restored);
}
