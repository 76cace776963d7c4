//! Clients that lie about their part, and users who reach for another's wallet.

use twoshare_core::{
    curve::AnySigningKey,
    id::{CurveId, Epoch, WalletId},
    proof::Operation,
};

use super::{ONE, SETUP, backed_up, generated, imported, refusal, run};
use crate::{
    Custodian, Nonce,
    conformance::{Harness, device::With},
    custodian::{BeginError, EvidenceError, PrepareError, ReadError},
    message::Plan,
    rules::{MAX_EPOCH_JUMP, Policy, PrepareRefusal},
    session::{Asked, Proving},
};

/// A client that offers to reshare with the shares of another wallet.
pub fn an_offer_of_somebody_without_the_old_share_is_refused<H: Harness>() {
    let custodian = H::start(Policy::default());
    let device = backed_up(&custodian);
    let mut thief = generated(&custodian);
    thief.party = device.party.clone();
    thief.backup = thief.signing.clone();
    // Its own side refuses first: the shares are not of this wallet.
    let asked = custodian.block_on(thief.ask(Operation::Refresh, With::Method));
    assert!(asked.is_err());
    // With the right words and the wrong shares, the custodian refuses.
    let mut owner = device.clone();
    let asked = custodian.block_on(owner.ask(Operation::Refresh, With::Method)).expect(SETUP);
    let begun = custodian.block_on(owner.custodian.begin(asked.message().clone())).expect(SETUP);
    let offered = owner.offer_to(asked, &begun, With::Method, Vec::new()).expect(SETUP);
    let mut message = offered.message().clone();
    if let Some(byte) = message.body.sealed.expose_secret_mut().last_mut() {
        *byte ^= 1;
    }
    let refused = custodian.block_on(owner.custodian.prepare(message)).map(|_| ());
    assert_eq!(refused, Err(PrepareError::Sealed));
}

/// A device that deals a share of another key than the wallet's.
pub fn a_dealt_share_of_another_key_is_refused<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = imported(&custodian);
    let real = device.keys.clone();
    device.keys = real.iter().map(|key| AnySigningKey::make(key.curve(), device.rng())).collect();
    let refused = custodian.block_on(device.prepare(Operation::Replace, With::Device)).map(|_| ());
    assert_eq!(refused, Err(PrepareError::Material.into()));
    device.keys = real;
    run(&custodian, &mut device, Operation::Replace, With::Device).expect("the real keys are");
}

/// A device that deals for another epoch than it asked for.
pub fn a_dealt_share_of_another_epoch_is_refused<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = imported(&custodian);
    let id = device.operation();
    let (party, keys) = (device.party.clone(), device.keys.clone());
    let epoch = |number| Epoch::new(number).expect("not zero");
    let honest = Asked::deal(party.clone(), Operation::Replace, id, &keys, epoch(2));
    let begun = custodian.block_on(device.custodian.begin(honest.message().clone())).expect(SETUP);
    // The client that asked for epoch 3 refuses the answer to the question for epoch 2.
    let other = Asked::deal(party, Operation::Replace, id, &keys, epoch(3));
    let refused = other.prepare(&begun, Proving::Keys(&keys), Vec::new(), device.rng());
    assert!(refused.is_err());
}

/// Two users of one custodian.
pub fn another_users_wallet_does_not_exist<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let other = custodian.login("mallory");
    assert_eq!(custodian.block_on(other.wallets()), Ok(Vec::new()));
    let wallet = device.party.wallet;
    let state = custodian.block_on(other.state(wallet, Nonce::from_bytes([0; 32]))).map(|_| ());
    assert_eq!(state, Err(ReadError::NotFound));
    let drill = custodian.block_on(other.drill(wallet, Nonce::from_bytes([0; 32]))).map(|_| ());
    assert_eq!(drill, Err(ReadError::NotFound));
    let asked = custodian.block_on(device.ask(Operation::Refresh, With::Method)).expect(SETUP);
    let begin = custodian.block_on(other.begin(asked.message().clone())).map(|_| ());
    assert_eq!(begin, Err(BeginError::NotFound));

    // A session of one user is not another's.
    let offered = custodian.block_on(device.offer(asked, With::Method)).expect(SETUP);
    let stolen = custodian.block_on(other.prepare(offered.message().clone())).map(|_| ());
    assert_eq!(stolen, Err(EvidenceError::NoSession.into()));
    custodian.block_on(device.custodian.prepare(offered.message().clone())).expect(SETUP);
}

/// Receipts of another wallet, or of another custodian.
pub fn a_foreign_receipt_vouches_for_nothing<H: Harness>() {
    let custodian = H::start(Policy::default());
    let elsewhere = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let mut receipts = Vec::new();
    for (custodian, mut other) in
        [(&custodian, backed_up(&custodian)), (&elsewhere, backed_up(&elsewhere))]
    {
        let ready =
            custodian.block_on(other.prepare(Operation::Refresh, With::Method)).expect(SETUP);
        receipts.push(custodian.block_on(other.commit(&ready)).expect(SETUP));
    }
    for receipt in receipts {
        let asked = custodian.block_on(device.ask(Operation::Refresh, With::Method)).expect(SETUP);
        let begun = custodian.block_on(device.custodian.begin(asked.message().clone()));
        let offered =
            device.offer_to(asked, &begun.expect(SETUP), With::Method, vec![receipt]).expect(SETUP);
        let refused = custodian.block_on(device.custodian.prepare(offered.message().clone()));
        assert_eq!(refused.map(|_| ()), Err(PrepareError::ForeignReceipt));
    }
}

/// A custodian that has forgotten, and is shown its own receipt.
pub fn an_own_receipt_lets_epochs_jump<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let mut jump = |to: u64, receipts: Vec<_>| {
        let mut to_stages = custodian.block_on(device.next(Operation::Refresh)).expect(SETUP);
        for stage in &mut to_stages {
            stage.epoch = Epoch::new(to).expect("not zero");
        }
        let id = device.operation();
        let asked = device.ask_as(Operation::Refresh, With::Method, id, to_stages).expect(SETUP);
        let begun = custodian.block_on(device.custodian.begin(asked.message().clone()));
        let offered =
            device.offer_to(asked, &begun.expect(SETUP), With::Method, receipts).expect(SETUP);
        let prepared = custodian.block_on(device.custodian.prepare(offered.message().clone()))?;
        let ready = device.finish(offered, &prepared).expect(SETUP);
        let receipt = custodian.block_on(device.commit(&ready)).expect(SETUP);
        device.adopt(&ready);
        Ok::<_, PrepareError>(receipt)
    };
    let too_far = jump(MAX_EPOCH_JUMP + 2, Vec::new()).map(|_| ());
    let refusal = PrepareRefusal::EpochJump { asked: MAX_EPOCH_JUMP + 2, highest: 1 };
    assert_eq!(too_far, Err(refusal.into()));
    let receipt = jump(MAX_EPOCH_JUMP + 1, Vec::new()).expect("as far as it may");
    jump(2 * MAX_EPOCH_JUMP, vec![receipt]).expect("vouched for by its own receipt");
}

/// A number that was given to an epoch which was never committed.
pub fn a_used_epoch_number_is_refused<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let used = custodian.block_on(device.next(Operation::Refresh)).expect(SETUP);
    custodian.block_on(device.prepare(Operation::Refresh, With::Method)).expect(SETUP);
    custodian.advance(Policy::default().pending);
    let id = device.operation();
    let again = custodian.block_on(async {
        let asked = device.ask_as(Operation::Refresh, With::Method, id, used)?;
        let offered = device.offer(asked, With::Method).await?;
        Ok(device.custodian.prepare(offered.message().clone()).await?)
    });
    assert_eq!(refusal(again), PrepareRefusal::EpochUsed { asked: 2, highest: 2 });
}

/// Plans that an operation cannot have.
pub fn the_wrong_plan_is_refused<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let asked = custodian.block_on(device.ask(Operation::Refresh, With::Method)).expect(SETUP);
    let good = asked.message().clone();
    let refused = |begin| custodian.block_on(device.custodian.begin(begin)).map(|_| ());

    let mut begin = good.clone();
    begin.operation = Operation::Eject;
    assert_eq!(refused(begin), Err(BeginError::WrongPlan));
    let mut begin = good.clone();
    if let Plan::Reshare { curves, .. } = &mut begin.plan {
        curves.reverse();
    }
    assert_eq!(refused(begin), Err(BeginError::WrongPlan));
    let mut begin = good.clone();
    if let Plan::Reshare { to, .. } = &mut begin.plan {
        to.extend(to.clone());
    }
    assert_eq!(refused(begin), Err(BeginError::WrongPlan));
    let mut begin = good.clone();
    begin.kind = twoshare_core::id::WalletKind::SingleKey;
    assert_eq!(refused(begin), Err(BeginError::WrongKind));
    let mut begin = good.clone();
    begin.wallet = WalletId::from_bytes([0; 16]);
    assert_eq!(refused(begin), Err(BeginError::NotFound));
    let mut begin = good;
    begin.plan = Plan::Deal { to: Epoch::FIRST, curves: vec![CurveId::Ed25519] };
    assert_eq!(refused(begin), Err(BeginError::WrongPlan));

    let mut party = device.party.clone();
    party.wallet = WalletId::make(device.rng());
    let id = device.operation();
    Asked::keygen(party.clone(), id, Vec::new(), device.rng()).expect_err("no key to make");
    let asked = Asked::keygen(party, id, ONE.to_vec(), device.rng()).expect(SETUP);
    let mut begin = asked.message().clone();
    if let Plan::Keygen { curves, .. } = &mut begin.plan {
        curves.clear();
    }
    let refused = custodian.block_on(device.custodian.begin(begin)).map(|_| ());
    assert_eq!(refused, Err(BeginError::WrongPlan));
}
