//! A single-key wallet becomes an MPC wallet.

use twoshare_core::{
    curve::AnySigningKey, id::WalletKind, proof::Operation, share::AnyCustodianShare,
};

use super::{BOTH, HOUR, ONE, SETUP, USER, backed_up, imported, refusal, run};
use crate::{
    Custodian, Nonce,
    conformance::{
        Harness,
        device::{Device, Failure, With},
    },
    custodian::{BeginError, CancelError, EjectError, EvidenceError, PrepareError},
    rules::{Policy, PrepareRefusal, WaitRefusal},
    session::{Asked, Proving, check_drill},
    wire::Message as _,
};

/// A single-key wallet, and the same wallet as its device had it before it was converted.
fn converted<H: Harness>(custodian: &H) -> (Device<H::Session>, Device<H::Session>) {
    let mut device = imported(custodian);
    let before = device.clone();
    run(custodian, &mut device, Operation::Convert, With::Method).expect("it is converted");
    (device, before)
}

/// Under the same keys, with a signing pair, and no custodian's share of the old epoch given out.
pub fn a_single_key_wallet_becomes_an_mpc_wallet<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = imported(&custodian);
    let (keys, shares) = (device.verifying_keys(), device.backup.clone());
    let before = custodian.block_on(device.state()).expect(SETUP);
    let ready = custodian.block_on(device.prepare(Operation::Convert, With::Method)).expect(SETUP);
    assert!(ready.opened().is_empty(), "nothing of the old epoch is released");
    assert_eq!(ready.party().kind, WalletKind::SingleKey);
    let receipt = custodian.block_on(device.commit(&ready)).expect(SETUP);
    assert_eq!(receipt.unverified().kind, WalletKind::Mpc);
    device.adopt(&ready);

    let after = custodian.block_on(device.state()).expect(SETUP);
    assert_eq!((before.kind, after.kind), (WalletKind::SingleKey, WalletKind::Mpc));
    assert_eq!(device.verifying_keys(), keys);
    let numbers = |state: &crate::message::State| (state.highest_signing, state.highest_backup);
    assert_eq!((numbers(&before), numbers(&after)), ((0, 1), (1, 2)));
    let signing = after.signing.expect("there is a signing pair").commitments;
    let backup = after.backup.expect("and a backup pair").commitments;
    for (((old, signing), backup), key) in shares.iter().zip(&signing).zip(&backup).zip(&keys) {
        assert!([signing, backup].iter().all(|pair| pair.verifying_key() == *key));
        assert!(signing != backup && *signing != old.commitment() && *backup != old.commitment());
    }

    // It is like any other from here on.
    let nonce = Nonce::from_bytes([3; 32]);
    let drilled = custodian.block_on(device.custodian.drill(device.party.wallet, nonce));
    check_drill(&device.party, nonce, &drilled.expect(SETUP), &device.backup).expect("it is held");
    for (operation, with) in [
        (Operation::Refresh, With::Method),
        (Operation::Recover, With::Method),
        (Operation::Replace, With::Device),
    ] {
        run(&custodian, &mut device, operation, with).expect("an MPC wallet's operation");
    }
    assert_eq!(device.verifying_keys(), keys);
}

/// The two pairs of a conversion, released in an eject, give the key that it had before.
pub fn a_converted_wallet_has_the_same_key<H: Harness>() {
    let custodian = H::start(Policy::default());
    let (mut device, before) = converted(&custodian);
    custodian.open_window(USER, device.party.wallet, HOUR).expect(SETUP);
    let (id, mine) = (device.operation(), device.backup.clone());
    let request = device.request(Operation::Eject, id, Proving::Backup(&mine));
    let request = custodian.block_on(request).expect(SETUP);
    let ejected = custodian.block_on(device.custodian.eject(request.message().clone()));
    let theirs = request.open(&ejected.expect(SETUP), &mine).expect("they fit");
    for (((mine, theirs), old), key) in
        mine.iter().zip(&theirs).zip(&before.backup).zip(&before.keys)
    {
        let rebuilt = AnySigningKey::reconstruct(mine, theirs, &key.verifying_key());
        let rebuilt = rebuilt.expect("the shares of one epoch");
        // Exposed: to be compared, in a test.
        let (rebuilt, key) = (rebuilt.expose_secret(), key.expose_secret());
        assert_eq!(rebuilt.expose_secret(), key.expose_secret());
        let key = mine.verifying_key();
        let mixed = AnySigningKey::reconstruct(old, theirs, &key);
        assert!(mixed.is_err(), "an epoch of before combines with nothing");
    }
    // Nor do the pairs with each other.
    let signing = device.signing.iter().zip(&theirs);
    for (signing, theirs) in signing {
        let key = AnyCustodianShare::verifying_key(theirs);
        assert!(AnySigningKey::reconstruct(signing, theirs, &key).is_err());
    }
}

/// The key itself, its old share, and sessions of before are worth nothing any more.
pub fn a_converted_wallets_key_proves_nothing<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = imported(&custodian);
    let mut before = device.clone();
    // Begun before, and on their way.
    let sessions = [(Operation::Replace, With::Device), (Operation::Refresh, With::Method)];
    let offered = sessions.map(|(operation, with)| {
        custodian.block_on(async {
            let asked = before.ask(operation, with).await?;
            before.offer(asked, with).await
        })
    });
    let cancel = |device: &mut Device<H::Session>| {
        let (id, keys) = (device.operation(), device.keys.clone());
        custodian.block_on(device.request(Operation::Cancel, id, Proving::Keys(&keys)))
    };
    let objection = cancel(&mut before).expect(SETUP);
    run(&custodian, &mut device, Operation::Convert, With::Method).expect(SETUP);
    let after = custodian.block_on(device.state()).expect(SETUP);
    for offered in offered {
        let late = before.custodian.prepare(offered.expect(SETUP).message().clone());
        let late = custodian.block_on(late).map(|_| ());
        assert_eq!(late, Err(PrepareError::Evidence(EvidenceError::NoSession)));
    }
    let late = custodian.block_on(before.custodian.cancel(objection.message().clone()));
    assert_eq!(late, Err(CancelError::Evidence(EvidenceError::NoSession)));

    // What the device of before asks for now is of the wrong kind.
    let wrong_kind: Failure = BeginError::WrongKind.into();
    for (operation, with) in [
        (Operation::Replace, With::Device),
        (Operation::FirstBackup, With::Device),
        (Operation::Refresh, With::Method),
        (Operation::Recover, With::Method),
        (Operation::Convert, With::Method),
    ] {
        let refused = custodian.block_on(before.run(operation, with)).map(|_| ());
        assert_eq!(refused, Err(wrong_kind.clone()), "{operation}");
    }
    assert_eq!(cancel(&mut before).map(|_| ()), Err(wrong_kind));
    // And under the new kind it has nothing to prove with.
    before.party.kind = WalletKind::Mpc;
    let (id, keys) = (before.operation(), before.keys.clone());
    for operation in [Operation::Eject, Operation::Cancel, Operation::Abandon] {
        let request = custodian.block_on(before.request(operation, id, Proving::Keys(&keys)));
        let request = request.expect(SETUP).message().clone();
        let refused = match operation {
            Operation::Eject => {
                let refused = custodian.block_on(before.custodian.eject(request)).map(|_| ());
                refused == Err(EjectError::Evidence(EvidenceError::OtherSession))
            }
            Operation::Cancel => {
                let refused = custodian.block_on(before.custodian.cancel(request));
                refused == Err(CancelError::Evidence(EvidenceError::OtherSession))
            }
            _ => custodian.block_on(before.custodian.abandon(request)).is_err(),
        };
        assert!(refused, "{operation}");
    }
    let now = custodian.block_on(device.state()).expect(SETUP);
    assert!(now.pending.is_none() && now.dispute.is_none());
    assert_eq!(now.highest_backup, after.highest_backup);
}

/// Whoever may not, and when nobody may.
pub fn a_conversion_needs_the_active_share_and_its_time<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut mpc = backed_up(&custodian);
    let refused = custodian.block_on(mpc.run(Operation::Convert, With::Method)).map(|_| ());
    assert_eq!(refused, Err(BeginError::WrongPlan.into()));
    mpc.party.kind = WalletKind::SingleKey;
    let refused = custodian.block_on(mpc.run(Operation::Convert, With::Method)).map(|_| ());
    assert_eq!(refused, Err(BeginError::WrongKind.into()));

    let mut device = imported(&custodian);
    let wallet = device.party.wallet;
    let refused = custodian.block_on(device.run(Operation::Convert, With::Device)).map(|_| ());
    assert_eq!(refused, Err(BeginError::WrongPlan.into()));
    // Only both pairs at once.
    let (id, mut to) = (device.operation(), custodian.block_on(device.next(Operation::Convert)));
    let to = to.as_mut().expect(SETUP);
    for drop in [0, 1] {
        let mut to = to.clone();
        to.remove(drop);
        let asked = device.ask_as(Operation::Convert, With::Method, id, to).expect(SETUP);
        let refused = custodian.block_on(device.custodian.begin(asked.message().clone()));
        assert_eq!(refused.map(|_| ()), Err(BeginError::WrongPlan));
    }

    custodian.freeze(USER, wallet).expect(SETUP);
    let refused = custodian.block_on(device.run(Operation::Convert, With::Method));
    assert!(matches!(refusal(refused), PrepareRefusal::Frozen(_)));
    custodian.unfreeze(USER, wallet, None).expect(SETUP);

    run(&custodian, &mut device, Operation::Replace, With::Device).expect(SETUP);
    let refused = custodian.block_on(device.run(Operation::Convert, With::Method));
    assert!(matches!(refusal(refused), PrepareRefusal::GraceRunning { .. }));
    custodian.advance(73 * HOUR);
    run(&custodian, &mut device, Operation::Convert, With::Method).expect("its time has come");
}

/// A conversion waits where a recovery does, and its device can object.
pub fn a_conversion_waits_where_a_recovery_does<H: Harness>() {
    let custodian = H::start(Policy { recovery_wait: 24 * HOUR, ..Policy::default() });
    let mut device = imported(&custodian);
    let convert = |device: &mut Device<H::Session>| {
        custodian.block_on(device.run(Operation::Convert, With::Method)).map(|_| ())
    };
    let request = match refusal(convert(&mut device)) {
        PrepareRefusal::Wait(WaitRefusal::Waiting { request, .. }) => request,
        other => panic!("it should wait: {other:?}"),
    };
    let state = custodian.block_on(device.state()).expect(SETUP);
    assert_eq!(state.request.map(|waits| waits.operation), Some(Operation::Convert));
    custodian.restart();
    custodian.advance(24 * HOUR);
    let mut other = device.clone();
    let keys = device.keys.clone();
    let cancel = device.request(Operation::Cancel, request, Proving::Keys(&keys));
    let cancel = custodian.block_on(cancel).expect(SETUP).message().clone();
    custodian.block_on(device.custodian.cancel(cancel)).expect("the device may object");
    assert!(matches!(refusal(convert(&mut other)), PrepareRefusal::Frozen(_)));
    custodian
        .unfreeze(USER, device.party.wallet, Some(crate::rules::Favour::Request(request)))
        .expect(SETUP);
    convert(&mut other).expect("it has waited, and its operator has decided");
    let state = custodian.block_on(other.state()).expect(SETUP);
    assert!(state.kind == WalletKind::Mpc && state.request.is_none());
}

/// The answers of a conversion, and of what was before, are the same when they are asked for again,
/// also by whoever knew the wallet as it was.
pub fn a_converted_wallets_receipts_stay_as_they_were<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = imported(&custodian);
    let refresh =
        custodian.block_on(device.prepare(Operation::Refresh, With::Method)).expect(SETUP);
    let refreshed = custodian.block_on(device.commit(&refresh)).expect(SETUP);
    device.adopt(&refresh);
    let asked = custodian.block_on(device.ask(Operation::Convert, With::Method)).expect(SETUP);
    let offered = custodian.block_on(device.offer(asked, With::Method)).expect(SETUP);
    let message = offered.message().clone();
    let prepared = custodian.block_on(device.custodian.prepare(message.clone())).expect(SETUP);
    let again = custodian.block_on(device.custodian.prepare(message.clone())).expect("repeated");
    assert_eq!(again.sealed.expose_secret(), prepared.sealed.expose_secret());
    let ready = device.finish(offered, &prepared).expect(SETUP);
    let first = custodian.block_on(device.commit(&ready)).expect(SETUP);
    custodian.advance(1);
    custodian.restart();
    for (ready, receipt) in [(&refresh, &refreshed), (&ready, &first)] {
        let repeated = custodian.block_on(device.commit(ready)).expect("a repeated commit");
        let read = device.custodian.receipt(device.party.wallet, ready.id());
        let read = custodian.block_on(read).expect("a receipt can be asked for");
        for again in [repeated, read] {
            let (again, receipt) = (again.to_bytes(), receipt.to_bytes());
            assert_eq!(again.expose_secret(), receipt.expose_secret());
        }
    }
    let late = custodian.block_on(device.custodian.prepare(message)).map(|_| ());
    assert_eq!(late, Err(PrepareRefusal::AlreadyCommitted.into()));
}

/// The keys of a wallet id are those that it was made with, before and after it is converted.
pub fn a_wallet_gets_no_more_keys<H: Harness>() {
    let custodian = H::start(Policy::default());
    let (mut device, before) = converted(&custodian);
    let mpc = backed_up(&custodian);
    let single = imported(&custodian);
    let more = [BOTH, ONE].concat();
    for device in [&device, &mpc, &single] {
        let (mut maker, keys) = (device.clone(), device.verifying_keys());
        let (party, id) = (device.party.clone(), maker.operation());
        let generated = custodian.block_on(async {
            let asked = Asked::keygen(party, id, more.clone(), maker.rng())?;
            let begun = maker.custodian.begin(asked.message().clone()).await?;
            let offered = asked.prepare(&begun, Proving::Nothing, Vec::new(), maker.rng())?;
            Ok::<_, Failure>(maker.custodian.prepare(offered.message().clone()).await?)
        });
        match device.party.kind {
            WalletKind::Mpc => assert_eq!(refusal(generated), PrepareRefusal::AlreadyExists),
            WalletKind::SingleKey => {
                assert_eq!(generated.map(|_| ()), Err(BeginError::WrongPlan.into()));
            }
        }
        let state = custodian.block_on(maker.state()).expect(SETUP);
        let stated = state.backup.expect(SETUP).commitments;
        assert!(stated.iter().map(|key| key.verifying_key()).eq(keys));
    }
    // Nor by dealing more of them.
    let mut dealer = single.clone();
    let rng = dealer.rng();
    let another = AnySigningKey::make(twoshare_core::id::CurveId::Secp256k1, rng);
    dealer.keys.push(another);
    let dealt = custodian.block_on(dealer.run(Operation::Replace, With::Device)).map(|_| ());
    assert_eq!(dealt, Err(PrepareError::Material.into()));
    // What was dealt before the conversion is of a kind that it is not any more.
    device.keys.clone_from(&before.keys);
    device.party.kind = WalletKind::SingleKey;
    let dealt = custodian.block_on(device.run(Operation::Replace, With::Device)).map(|_| ());
    assert_eq!(dealt, Err(BeginError::WrongKind.into()));
}
