//! What has to be proven, and what a proof is bound to.

use twoshare_core::{digest::Digest, id::CurveId, proof::Operation};

use super::{BOTH, ONE, SETUP, USER, backed_up, generated, imported, refusal};
use crate::{
    Custodian, Nonce,
    conformance::{
        Harness,
        device::{Device, Failure, With},
    },
    custodian::{BeginError, CommitError, EvidenceError, PrepareError},
    message::Prepare,
    rules::{Policy, PrepareRefusal},
    session::{Offered, check_drill},
};

fn offered<H: Harness>(
    custodian: &H,
    device: &mut Device<H::Session>,
    operation: Operation,
    with: With,
) -> Offered {
    let offered = custodian.block_on(async {
        let asked = device.ask(operation, with).await?;
        device.offer(asked, with).await
    });
    offered.expect(SETUP)
}

#[track_caller]
fn evidence(result: Result<crate::message::Prepared, PrepareError>) -> EvidenceError {
    match result {
        Err(PrepareError::Evidence(error)) => error,
        other => panic!("this proof should not have been believed: {other:?}"),
    }
}

/// The body of a request is changed on its way.
pub fn a_proof_of_another_body_is_refused<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let offered = offered(&custodian, &mut device, Operation::Refresh, With::Method);
    let mut message = offered.message().clone();
    let receipt = custodian.block_on(async {
        let ready = device.run(Operation::Refresh, With::Method).await?;
        Ok::<_, Failure>(device.custodian.receipt(device.party.wallet, ready.id()).await?)
    });
    // The old epoch has ended meanwhile: a request that was valid is not believed any more.
    assert_eq!(
        evidence(custodian.block_on(device.custodian.prepare(message.clone()))),
        EvidenceError::NoSession
    );

    let fresh = super::proofs::offered(&custodian, &mut device, Operation::Refresh, With::Method);
    message = fresh.message().clone();
    message.body.receipts.push(receipt.expect(SETUP));
    assert_eq!(
        evidence(custodian.block_on(device.custodian.prepare(message))),
        EvidenceError::Invalid { key: 0 }
    );
}

/// The proof of one request beside the body of another.
pub fn a_proof_of_another_session_is_refused<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let one = offered(&custodian, &mut device, Operation::Refresh, With::Method);
    let other = offered(&custodian, &mut device, Operation::Refresh, With::Method);
    let mixed =
        Prepare { body: one.message().body.clone(), proofs: other.message().proofs.clone() };
    assert_eq!(
        evidence(custodian.block_on(device.custodian.prepare(mixed))),
        EvidenceError::Invalid { key: 0 }
    );
}

/// The proofs of two keys are exchanged.
pub fn a_proof_of_another_share_is_refused<H: Harness>() {
    let custodian = H::start(Policy::default());
    let curves = &[CurveId::Secp256k1, CurveId::Secp256k1];
    let device = Device::keygen(custodian.login(USER), custodian.identity(), USER, curves);
    let mut device = custodian.block_on(device).expect(SETUP);
    let offered = offered(&custodian, &mut device, Operation::FirstBackup, With::Device);
    let mut message = offered.message().clone();
    message.proofs.reverse();
    assert_eq!(
        evidence(custodian.block_on(device.custodian.prepare(message))),
        EvidenceError::Invalid { key: 0 }
    );
}

/// A wallet of two keys is not moved by whoever has one of them.
pub fn a_proof_is_needed_per_key<H: Harness>() {
    let custodian = H::start(Policy::default());
    for (mut device, with) in
        [(generated(&custodian), With::Device), (imported(&custodian), With::Method)]
    {
        let operation = match with {
            With::Device => Operation::FirstBackup,
            With::Method => Operation::Refresh,
        };
        let offered = offered(&custodian, &mut device, operation, with);
        let mut message = offered.message().clone();
        message.proofs.truncate(1);
        assert_eq!(
            evidence(custodian.block_on(device.custodian.prepare(message))),
            EvidenceError::Count { needed: 2, given: 1 }
        );
    }
}

/// Whoever has not got the new shares commits nothing.
pub fn a_commit_needs_the_new_shares<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let ready = custodian.block_on(device.prepare(Operation::Recover, With::Method)).expect(SETUP);
    let envelope = Some(Digest::from_bytes([1; 32]));
    let good = ready.commit(envelope, device.rng());

    let mut without = good.clone();
    without.proofs.clear();
    let refused = custodian.block_on(device.custodian.commit(without)).map(|_| ());
    let count = EvidenceError::Count { needed: 4, given: 0 };
    assert_eq!(refused, Err(CommitError::Evidence(count)));

    let mut other = good.clone();
    other.body.envelope = Some(Digest::from_bytes([2; 32]));
    let refused = custodian.block_on(device.custodian.commit(other)).map(|_| ());
    assert_eq!(refused, Err(CommitError::Evidence(EvidenceError::Invalid { key: 0 })));

    custodian.block_on(device.custodian.commit(good)).expect("the right one is committed");
}

/// A session token without any share.
pub fn a_token_alone_moves_nothing<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let stranger = Device::keygen(custodian.login(USER), custodian.identity(), USER, BOTH);
    let stranger = custodian.block_on(stranger).expect(SETUP);
    let before = custodian.block_on(device.state()).expect(SETUP);
    for operation in [Operation::Refresh, Operation::Recover] {
        let mut message =
            offered(&custodian, &mut device, operation, With::Method).message().clone();
        message.proofs =
            offered(&custodian, &mut stranger.clone(), Operation::FirstBackup, With::Device)
                .message()
                .proofs
                .clone();
        assert_eq!(
            evidence(custodian.block_on(device.custodian.prepare(message))),
            EvidenceError::Invalid { key: 0 }
        );
    }
    let after = custodian.block_on(device.state()).expect(SETUP);
    assert!(after.pending.is_none());
    assert_eq!(before.highest_backup, after.highest_backup);
}

/// The device of an MPC wallet replaces, and recovers or refreshes nothing.
pub fn the_device_alone_only_replaces<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    for operation in [Operation::Refresh, Operation::Recover] {
        let asked = custodian.block_on(device.ask(operation, With::Device)).expect(SETUP);
        let refused = custodian.block_on(device.custodian.begin(asked.message().clone()));
        assert_eq!(refused.map(|_| ()), Err(BeginError::WrongPlan));
    }
    let again = custodian.block_on(device.run(Operation::FirstBackup, With::Device));
    assert_eq!(refusal(again), PrepareRefusal::AlreadyBackedUp);
}

/// The custodian proves that it holds its half, for the asker's nonce.
pub fn a_drill_is_proven_with_a_fresh_nonce<H: Harness>() {
    let custodian = H::start(Policy::default());
    let device = backed_up(&custodian);
    let drilled =
        custodian.block_on(device.custodian.drill(device.party.wallet, Nonce::from_bytes([3; 32])));
    let drilled = drilled.expect(SETUP);
    check_drill(&device.party, Nonce::from_bytes([3; 32]), &drilled, &device.backup)
        .expect("it holds its half");
    check_drill(&device.party, Nonce::from_bytes([4; 32]), &drilled, &device.backup)
        .expect_err("a proof for another nonce says nothing of today");
    check_drill(&device.party, Nonce::from_bytes([3; 32]), &drilled, &device.signing)
        .expect_err("a proof of the backup says nothing of the signing pair");
    let one = Device::keygen(custodian.login(USER), custodian.identity(), USER, ONE);
    let one = custodian.block_on(one).expect(SETUP);
    let none =
        custodian.block_on(device.custodian.drill(one.party.wallet, Nonce::from_bytes([3; 32])));
    assert!(none.is_err(), "there is no backup to drill");
}
