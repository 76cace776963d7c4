//! Answers that were lost, and requests that arrive again or late.

use twoshare_core::{digest::Digest, proof::Operation};

use super::{SETUP, backed_up, refusal, run};
use crate::{
    Custodian,
    conformance::{
        Harness,
        device::{Failure, With, envelope_of},
    },
    custodian::{AbandonError, CommitError, EvidenceError, PrepareError},
    rules::{AbandonRefusal, CommitRefusal, Policy, PrepareRefusal},
    session::Proving,
    wire::Message,
};

/// The answer to a prepare was lost.
pub fn a_repeated_prepare_has_the_same_answer<H: Harness>() {
    repeated_prepare::<H>(|_| {});
}

/// The answer to a prepare was lost, and the custodian crashed.
pub fn a_repeated_prepare_has_the_same_answer_after_a_restart<H: Harness>() {
    repeated_prepare::<H>(H::restart);
}

fn repeated_prepare<H: Harness>(between: impl FnOnce(&H)) {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let offered = custodian.block_on(async {
        let asked = device.ask(Operation::Refresh, With::Method).await?;
        device.offer(asked, With::Method).await
    });
    let offered = offered.expect(SETUP);
    // The device persists what it sends, and reads it again after its own crash.
    let offered = crate::session::Offered::from_bytes(offered.to_bytes().expose_secret());
    let offered = offered.expect("what was kept is read");
    let prepare = || custodian.block_on(device.custodian.prepare(offered.message().clone()));
    let first = prepare().expect(SETUP);
    between(&custodian);
    let second = prepare().expect("a repeated prepare is answered");
    assert_eq!(first.to_bytes().expose_secret(), second.to_bytes().expose_secret());
    let ready = device.finish(offered, &second).expect("the answer holds");
    let ready = crate::session::Ready::from_bytes(ready.to_bytes().expose_secret());
    custodian.block_on(device.commit(&ready.expect("what was kept is read"))).expect(SETUP);
}

/// The receipt was lost.
pub fn a_repeated_commit_has_the_same_receipt<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let ready = custodian.block_on(device.prepare(Operation::Refresh, With::Method)).expect(SETUP);
    let first = custodian.block_on(device.commit(&ready)).expect(SETUP);
    custodian.advance(1);
    custodian.restart();
    let second = custodian.block_on(device.commit(&ready)).expect("a repeated commit is answered");
    assert_eq!(first.to_bytes().expose_secret(), second.to_bytes().expose_secret());
    let asked = device.custodian.receipt(device.party.wallet, ready.id());
    let asked = custodian.block_on(asked).expect("a receipt can be asked for");
    assert_eq!(first.to_bytes().expose_secret(), asked.to_bytes().expose_secret());

    let other = ready.commit(Some(Digest::from_bytes([9; 32])), device.rng());
    let other = custodian.block_on(device.custodian.commit(other)).map(|_| ());
    let committed = Some(envelope_of(ready.id()));
    assert_eq!(other, Err(CommitRefusal::OtherEnvelope { committed }.into()));
}

/// The same operation id under another request.
pub fn other_bytes_under_the_same_operation_are_refused<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let (id, to) = (device.operation(), custodian.block_on(device.next(Operation::Refresh)));
    let to = to.expect(SETUP);
    let mut prepare = || {
        custodian.block_on(async {
            let asked = device.ask_as(Operation::Refresh, With::Method, id, to.clone())?;
            let offered = device.offer(asked, With::Method).await?;
            Ok::<_, Failure>(device.custodian.prepare(offered.message().clone()).await?)
        })
    };
    prepare().expect(SETUP);
    assert_eq!(refusal(prepare()), PrepareRefusal::OperationReused);
}

/// A nonce is good for one request.
pub fn a_session_is_used_once<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let (id, to) = (device.operation(), custodian.block_on(device.next(Operation::Refresh)));
    let to = to.expect(SETUP);
    let asked = |device: &crate::conformance::device::Device<H::Session>| {
        device.ask_as(Operation::Refresh, With::Method, id, to.clone()).expect(SETUP)
    };
    let asking = asked(&device);
    let begun = custodian.block_on(device.custodian.begin(asking.message().clone())).expect(SETUP);
    let first = device.offer_to(asking, &begun, With::Method, Vec::new()).expect(SETUP);
    let second = asked(&device);
    let second = device.offer_to(second, &begun, With::Method, Vec::new()).expect(SETUP);
    custodian.block_on(device.custodian.prepare(first.message().clone())).expect(SETUP);
    let again = custodian.block_on(device.custodian.prepare(second.message().clone()));
    assert!(matches!(
        again,
        Err(PrepareError::Evidence(EvidenceError::NoSession)
            | PrepareError::Refused(PrepareRefusal::OperationReused))
    ));
}

/// A nonce is good for a quarter of an hour.
pub fn a_session_does_not_outlive_its_time<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let offered = custodian.block_on(async {
        let asked = device.ask(Operation::Refresh, With::Method).await?;
        device.offer(asked, With::Method).await
    });
    custodian.advance(Policy::default().pending);
    let prepare = device.custodian.prepare(offered.expect(SETUP).message().clone());
    let late = custodian.block_on(prepare).map(|_| ());
    assert_eq!(late, Err(EvidenceError::NoSession.into()));
}

/// Abandon is for good.
pub fn an_abandoned_operation_stays_abandoned<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let ready = custodian.block_on(device.prepare(Operation::Refresh, With::Method)).expect(SETUP);
    let shares = ready.backup().to_vec();
    let proving = Proving::Pending(ready.id(), &shares);
    let tombstone = custodian.block_on(device.abandon(ready.id(), proving)).expect(SETUP);
    let tombstone = tombstone.verify(&device.party.custodian).expect("it is signed");
    assert_eq!(tombstone.id, ready.id());
    let commit = custodian.block_on(device.commit(&ready)).map(|_| ());
    assert_eq!(commit, Err(CommitError::Refused(CommitRefusal::OperationEnded).into()));

    run(&custodian, &mut device, Operation::Refresh, With::Method).expect("it begins again");
    let committed =
        custodian.block_on(device.prepare(Operation::Refresh, With::Method)).expect(SETUP);
    custodian.block_on(device.commit(&committed)).expect(SETUP);
    device.adopt(&committed);
    let backup = device.backup.clone();
    let late = custodian.block_on(device.abandon(committed.id(), Proving::Backup(&backup)));
    let late = late.map(|_| ());
    assert_eq!(late, Err(AbandonError::Refused(AbandonRefusal::AlreadyCommitted).into()));
}

/// A prepare that was delayed until its operation was given up.
pub fn what_is_abandoned_before_it_arrives_is_refused<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let offered = custodian.block_on(async {
        let asked = device.ask(Operation::Refresh, With::Method).await?;
        device.offer(asked, With::Method).await
    });
    let offered = offered.expect(SETUP);
    let backup = device.backup.clone();
    let abandon = device.abandon(offered.id(), Proving::Backup(&backup));
    custodian.block_on(abandon).expect(SETUP);
    let late = custodian.block_on(device.custodian.prepare(offered.message().clone()));
    assert_eq!(late.map(|_| ()), Err(PrepareRefusal::OperationEnded.into()));
}
