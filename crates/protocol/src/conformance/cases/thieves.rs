//! Thieves: of a session token, of a device, of an old share, of a share of something else.

use twoshare_core::{
    channel::EphemeralSecret, id::WalletId, proof::Operation, share::AnyClientShare,
};

use super::{HOUR, ONE, SETUP, USER, backed_up, generated, run};
use crate::{
    Custodian, Nonce,
    binding::{Nonces, statement},
    conformance::{
        Harness,
        device::{Device, With},
    },
    custodian::{AbandonError, BeginError, CancelError, EjectError, EvidenceError, PrepareError},
    message::{Request, RequestBody, digest},
    rules::{AbandonRefusal, CancelRefusal, Policy, ReleaseRefusal},
    session::{Asked, AskedRequest, Proving},
};

/// The thief of a token gives up what its owner has begun.
pub fn a_token_alone_gives_nothing_up<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = generated(&custodian);
    device.party.wallet = WalletId::make(device.rng());
    let (party, id) = (device.party.clone(), device.operation());
    let asked = Asked::keygen(party.clone(), id, ONE.to_vec(), device.rng()).expect(SETUP);
    let begun = custodian.block_on(device.custodian.begin(asked.message().clone())).expect(SETUP);
    let offered = asked.prepare(&begun, Proving::Nothing, Vec::new(), device.rng()).expect(SETUP);
    let prepared = custodian.block_on(device.custodian.prepare(offered.message().clone()));
    let ready = offered.finish(&prepared.expect(SETUP), &[]).expect(SETUP);

    let stolen = custodian.block_on(device.abandon(id, Proving::Nothing)).map(|_| ());
    assert_eq!(stolen, Err(AbandonError::Refused(AbandonRefusal::NotEntitled).into()));
    custodian.block_on(device.commit(&ready)).expect("its owner goes on");

    // Nor does it get anything out.
    let mut device = backed_up(&custodian);
    let user = device.party.user.clone();
    custodian.open_window(&user, device.party.wallet, 600).expect(SETUP);
    let id = device.operation();
    let eject = custodian.block_on(device.request(Operation::Eject, id, Proving::Nothing));
    let message = eject.expect(SETUP).message().clone();
    let refused = custodian.block_on(device.custodian.eject(message)).map(|_| ());
    assert_eq!(refused, Err(EjectError::Refused(ReleaseRefusal::NotEntitled)));
}

/// Proofs with shares that are not those asked for: of the other purpose, of an ended epoch, of
/// another wallet of the same user.
pub fn shares_of_something_else_prove_nothing<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let before = device.clone();
    run(&custodian, &mut device, Operation::Refresh, With::Method).expect(SETUP);
    let other = backed_up(&custodian);
    let user = device.party.user.clone();
    custodian.open_window(&user, device.party.wallet, 600).expect(SETUP);

    let state = custodian.block_on(device.state()).expect(SETUP);
    let active = state.backup.expect(SETUP);
    let mine = device.backup.clone();
    let mut eject = |with: &[AnyClientShare], own: bool| {
        let id = device.operation();
        let backup = Proving::Backup(&device.backup);
        let asked = AskedRequest::new(device.party.clone(), Operation::Eject, id, backup);
        let begin = asked.expect(SETUP).message().clone();
        let begun = custodian.block_on(device.custodian.begin(begin.clone())).expect(SETUP);
        let commitments = match own {
            true => with.iter().map(AnyClientShare::commitment).collect(),
            false => active.commitments.clone(),
        };
        let body = RequestBody {
            nonce: begun.unverified().nonce,
            client_nonce: Nonce::make(device.rng()),
            ephemeral: EphemeralSecret::make(device.rng()).public_key(),
        };
        let nonces = Nonces { client: body.client_nonce, custodian: body.nonce };
        let operation = Operation::Eject;
        let statement =
            statement(&device.party, &begin, operation, nonces, commitments, digest(&body));
        let proofs = with.iter().map(|share| share.prove(&statement, device.rng())).collect();
        let ejected = custodian.block_on(device.custodian.eject(Request { body, proofs }));
        ejected.map(|_| ())
    };
    let not_proven = Err(EjectError::Evidence(EvidenceError::Invalid { key: 0 }));
    for own in [true, false] {
        assert_eq!(eject(&before.signing, own), not_proven, "the other purpose");
        assert_eq!(eject(&before.backup, own), not_proven, "an ended epoch");
        assert_eq!(eject(&other.backup, own), not_proven, "another wallet");
    }
    let none = eject(&[], true);
    let count = EvidenceError::Count { needed: 2, given: 0 };
    assert_eq!(none, Err(EjectError::Evidence(count)), "nothing at all");
    assert_eq!(eject(&mine, true), Ok(()), "its own");
}

/// What is pending is proven to finish it or to give it up, and to do nothing else.
pub fn a_pending_share_serves_its_own_operation<H: Harness>() {
    let policy = Policy { eject_wait: HOUR, ..Policy::default() };
    let custodian = H::start(policy);
    let mut device = backed_up(&custodian);
    let user = device.party.user.clone();
    custodian.open_window(&user, device.party.wallet, 2 * HOUR).expect(SETUP);
    let eject = |device: &mut Device<H::Session>, proving: Proving<'_>| {
        let id = device.operation();
        let requested = custodian.block_on(device.request(Operation::Eject, id, proving));
        let message = requested.expect(SETUP).message().clone();
        (id, custodian.block_on(device.custodian.eject(message)).map(|_| ()))
    };
    let ready = custodian.block_on(device.prepare(Operation::Refresh, With::Method)).expect(SETUP);
    let new = ready.backup().to_vec();
    let pending = Proving::Pending(ready.id(), &new);
    // It was prepared with the active share, and is not it.
    let refused = eject(&mut device, pending).1;
    assert_eq!(refused, Err(EjectError::Refused(ReleaseRefusal::NotEntitled)));
    let other = device.operation();
    let refused = custodian.block_on(device.abandon(other, pending)).map(|_| ());
    assert_eq!(refused, Err(AbandonError::Refused(AbandonRefusal::NotEntitled).into()));
    custodian.block_on(device.abandon(ready.id(), pending)).expect("its own");

    // Nor is what the device prepared the device.
    let backup = device.backup.clone();
    let (waiting, _) = eject(&mut device, Proving::Backup(&backup));
    let ready = custodian.block_on(device.prepare(Operation::Replace, With::Device)).expect(SETUP);
    let new = ready.backup().to_vec();
    let pending = Proving::Pending(ready.id(), &new);
    let requested = custodian.block_on(device.request(Operation::Cancel, waiting, pending));
    let message = requested.expect(SETUP).message().clone();
    let refused = custodian.block_on(device.custodian.cancel(message));
    assert_eq!(refused, Err(CancelError::Refused(CancelRefusal::NotEntitled)));
}

/// A request is for the operation, and in the session, that it was made for.
pub fn a_request_serves_once_and_for_one_purpose<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let user = device.party.user.clone();
    custodian.open_window(&user, device.party.wallet, 600).expect(SETUP);
    let backup = device.backup.clone();
    let proving = Proving::Backup(&backup);
    let request = |operation, device: &mut Device<H::Session>| {
        let id = device.operation();
        let requested = custodian.block_on(device.request(operation, id, proving)).expect(SETUP);
        requested.message().clone()
    };
    // An abandon is no eject and no cancel, and an eject no abandon.
    let abandon = request(Operation::Abandon, &mut device);
    let ejected = custodian.block_on(device.custodian.eject(abandon.clone())).map(|_| ());
    assert_eq!(ejected, Err(EjectError::Evidence(EvidenceError::OtherSession)));
    let cancelled = custodian.block_on(device.custodian.cancel(abandon.clone()));
    assert_eq!(cancelled, Err(CancelError::Evidence(EvidenceError::OtherSession)));
    let eject = request(Operation::Eject, &mut device);
    let abandoned = custodian.block_on(device.custodian.abandon(eject.clone())).map(|_| ());
    assert_eq!(abandoned, Err(AbandonError::Evidence(EvidenceError::OtherSession)));

    // The proofs of one session in another.
    let mut mixed = request(Operation::Eject, &mut device);
    mixed.proofs.clone_from(&eject.proofs);
    let refused = custodian.block_on(device.custodian.eject(mixed)).map(|_| ());
    assert_eq!(refused, Err(EjectError::Evidence(EvidenceError::Invalid { key: 0 })));
    let mut mixed = eject.clone();
    mixed.body.ephemeral = EphemeralSecret::make(device.rng()).public_key();
    let refused = custodian.block_on(device.custodian.eject(mixed)).map(|_| ());
    assert_eq!(refused, Err(EjectError::Evidence(EvidenceError::Invalid { key: 0 })));

    // In another user's hands, and when the session is over.
    let mallory = custodian.login("mallory");
    let refused = custodian.block_on(mallory.eject(eject.clone())).map(|_| ());
    assert_eq!(refused, Err(EjectError::Evidence(EvidenceError::NoSession)));
    custodian.block_on(device.custodian.eject(eject.clone())).expect("it is good where it belongs");
    custodian.advance(Policy::default().pending);
    let late = custodian.block_on(device.custodian.eject(eject)).map(|_| ());
    assert_eq!(late, Err(EjectError::Evidence(EvidenceError::NoSession)));
}

/// A prepare is for the wallet and the operation of its session.
pub fn a_prepare_of_another_wallet_is_refused<H: Harness>() {
    let custodian = H::start(Policy::default());
    let (mut one, two) = (backed_up(&custodian), backed_up(&custodian));
    for change in [true, false] {
        let asked = custodian.block_on(one.ask(Operation::Refresh, With::Method)).expect(SETUP);
        let offered = custodian.block_on(one.offer(asked, With::Method)).expect(SETUP);
        let mut message = offered.message().clone();
        if change {
            message.body.wallet = two.party.wallet;
        } else {
            message.body.id = one.operation();
        }
        let refused = custodian.block_on(one.custodian.prepare(message)).map(|_| ());
        assert_eq!(refused, Err(PrepareError::Evidence(EvidenceError::OtherSession)));
        custodian.block_on(one.custodian.prepare(offered.message().clone())).expect("it is good");
        custodian.advance(Policy::default().pending);
    }
}

/// However many sessions one user opens, another's stay; and of one's own the newest do, so that the
/// thief of a token has to open many between each two steps of its owner.
pub fn a_flood_of_sessions_drowns_nobody<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let flood = |device: &mut Device<H::Session>, user: &str, many: usize| {
        let session = custodian.login(user);
        let mut party = device.party.clone();
        user.clone_into(&mut party.user);
        for _ in 0..many {
            party.wallet = WalletId::make(device.rng());
            let id = device.operation();
            let asked = Asked::keygen(party.clone(), id, ONE.to_vec(), device.rng());
            match custodian.block_on(session.begin(asked.expect(SETUP).message().clone())) {
                Ok(_) | Err(BeginError::TooMany) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
    };
    flood(&mut device, USER, 200);
    let asked = custodian.block_on(device.ask(Operation::Refresh, With::Method)).expect(SETUP);
    let offered = custodian.block_on(device.offer(asked, With::Method)).expect(SETUP);
    flood(&mut device, "mallory", 200);
    flood(&mut device, USER, 30);
    custodian.block_on(device.custodian.prepare(offered.message().clone())).expect("it is open");
}
