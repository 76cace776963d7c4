//! A wallet moves from one custodian to another.

use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, Purpose, WalletKind},
    proof::{Operation, Stage},
    share::AnyClientShare,
};

use super::{BOTH, HOUR, ONE, SETUP, USER, backed_up, imported, run};
use crate::{
    Custodian, Party,
    conformance::{
        Harness,
        device::{Device, Failure, With, envelope_of},
    },
    custodian::{
        AbandonError, BeginError, DepartError, EvidenceError, HandOverError, PrepareError,
        ReadError,
    },
    memory::OperatorError,
    message::{Departed, Plan, Receipt, Signed},
    rules::{
        Custody, DepartRefusal, Favour, HandOverRefusal, Moved, Policy, PrepareRefusal,
        WaitRefusal, WindowRefusal,
    },
    session::{AskedArrival, Departing, Offered, Proving, Ready, SessionError},
};

/// Who the user is at the other custodian.
const THERE: &str = "alice of the other app";

/// Two custodians, the first of which lets wallets go to the second.
fn pair<H: Harness>(policy: Policy) -> (H, H) {
    let (old, new) = (H::start(policy.clone()), H::start(policy));
    old.trust(new.identity());
    (old, new)
}

fn party<H: Harness>(new: &H, user: &str, device: &Device<H::Session>) -> Party {
    Party { custodian: new.identity(), user: user.to_owned(), ..device.party.clone() }
}

/// The epochs that a move of this wallet makes.
fn stages<H: Harness>(old: &H, device: &Device<H::Session>) -> Vec<Stage> {
    let state = old.block_on(device.state()).expect(SETUP);
    let stage = |purpose, highest: u64| Stage {
        purpose,
        epoch: Epoch::new(highest + 1).expect("it is above zero"),
    };
    let signing = stage(Purpose::Signing, state.highest_signing);
    let backup = stage(Purpose::Backup, state.highest_backup);
    match device.party.kind {
        WalletKind::Mpc => vec![signing, backup],
        WalletKind::SingleKey => vec![backup],
    }
}

/// The move as far as what is sent to the old custodian.
fn departing<H: Harness>(
    (old, new): (&H, &H),
    device: &mut Device<H::Session>,
    id: OperationId,
) -> Result<Departing, Failure> {
    let stages = stages(old, device);
    let to = party(new, THERE, device);
    let asked = AskedArrival::new(to, old.identity(), id, &device.backup, stages)?;
    let theirs = new.block_on(new.login(THERE).begin(asked.message().clone()))?;
    let asked = asked.depart(theirs, &device.party.user)?;
    let begun = old.block_on(device.custodian.begin(asked.message().clone()))?;
    let backup = device.backup.clone();
    Ok(asked.request(&begun, &backup, device.rng())?)
}

fn depart<H: Harness>(
    (old, new): (&H, &H),
    device: &mut Device<H::Session>,
    id: OperationId,
) -> Result<Offered, DepartError> {
    let departing = departing((old, new), device, id).expect(SETUP);
    let departed = old.block_on(device.custodian.depart(departing.message().clone()))?;
    Ok(arrive(departing, &departed, device).expect("the old custodian's part holds"))
}

fn arrive<C: Custodian>(
    departing: Departing,
    departed: &Departed,
    device: &mut Device<C>,
) -> Result<Offered, SessionError> {
    let known = device.signing.iter().chain(&device.backup).map(AnyClientShare::commitment);
    let known: Vec<_> = known.collect();
    departing.arrive(departed, &known, device.rng())
}

fn ready<H: Harness>(new: &H, offered: Offered) -> Result<Ready, PrepareError> {
    let prepared = new.block_on(new.login(THERE).prepare(offered.message().clone()))?;
    // Kept and read again, as a device does.
    let offered = Offered::from_bytes(offered.to_bytes().expose_secret()).expect(SETUP);
    let ready = offered.finish(&prepared, &[]).expect("the new custodian proves its half");
    Ok(Ready::from_bytes(ready.to_bytes().expose_secret()).expect(SETUP))
}

fn commit<H: Harness>(new: &H, device: &mut Device<H::Session>, ready: &Ready) -> Signed<Receipt> {
    let envelope = Some(envelope_of(ready.id()));
    let commit = ready.commit(envelope, device.rng());
    let receipt = new.block_on(new.login(THERE).commit(commit)).expect("it arrives");
    ready.check_receipt(&receipt, envelope).expect("it is the receipt of this move");
    receipt
}

fn hand_over<H: Harness>(
    old: &H,
    device: &Device<H::Session>,
    receipt: &Signed<Receipt>,
) -> Result<(), HandOverError> {
    old.block_on(device.custodian.hand_over(receipt.clone()))
}

/// A whole move, up to the new custodian's receipt.
fn moved<H: Harness>(
    (old, new): (&H, &H),
    device: &mut Device<H::Session>,
) -> (Ready, Signed<Receipt>) {
    let id = device.operation();
    let wallet = device.party.wallet;
    let user = device.party.user.clone();
    old.open_window(&user, wallet, HOUR).expect(SETUP);
    let offered = depart((old, new), device, id).expect("it may leave");
    let ready = ready(new, offered).expect("it arrives");
    let receipt = commit(new, device, &ready);
    (ready, receipt)
}

/// The device goes on with the new custodian.
fn follow<H: Harness>(new: &H, device: &mut Device<H::Session>, ready: &Ready) {
    (device.custodian, device.party) = (new.login(THERE), party(new, THERE, device));
    device.adopt(ready);
}

fn to<H: Harness>(new: &H) -> Moved {
    Moved { to: Box::new(new.identity()) }
}

/// From the first word to the last, and what is left at the old custodian: nothing that works.
pub fn a_wallet_moves<H: Harness>() {
    let (old, new) = pair::<H>(Policy::default());
    let mut device = backed_up(&old);
    let wallet = device.party.wallet;
    let before = device.clone();
    let keys = device.verifying_keys();
    let (ready, receipt) = moved((&old, &new), &mut device);
    // Until the old one hears of it, the wallet is there as it was.
    let state = old.block_on(device.state()).expect(SETUP);
    assert!(
        matches!(state.custody, Some(Custody::Leaving(ref leaving)) if leaving.id == ready.id())
    );
    assert_eq!(state.backup.map(|backup| backup.epoch), Some(Epoch::FIRST));
    hand_over(&old, &device, &receipt).expect("it is the receipt of what left");
    hand_over(&old, &device, &receipt).expect("it may be said again");

    let state = old.block_on(before.state()).expect("reading is allowed");
    let Some(Custody::Gone(gone)) = &state.custody else { panic!("{:?}", state.custody) };
    assert_eq!((gone.id, *gone.to), (ready.id(), new.identity()));
    assert!(state.signing.is_none() && state.backup.is_none() && state.pending.is_none());
    assert_eq!((state.highest_signing, state.highest_backup), (2, 2));

    let mut old_device = before.clone();
    for (operation, with) in [
        (Operation::Refresh, With::Method),
        (Operation::Recover, With::Method),
        (Operation::Replace, With::Device),
    ] {
        let refused = run(&old, &mut old_device, operation, with);
        assert_eq!(refused, Err(Failure::Begin(BeginError::Moved(to(&new)))), "{operation:?}");
    }
    let refused = old.block_on(before.custodian.drill(wallet, crate::Nonce::from_bytes([1; 32])));
    assert_eq!(refused.map(drop), Err(ReadError::Moved(to(&new))));
    let refused = old.open_window(USER, wallet, HOUR);
    assert_eq!(refused, Err(OperatorError::Window(WindowRefusal::Moved(to(&new)))));

    follow(&new, &mut device, &ready);
    assert_eq!(device.verifying_keys(), keys);
    for (operation, with) in [
        (Operation::Refresh, With::Method),
        (Operation::Recover, With::Method),
        (Operation::Replace, With::Device),
    ] {
        run(&new, &mut device, operation, with).expect("it is all there");
    }
}

/// Of a single-key wallet the backup moves; its key is its device's.
pub fn a_single_key_wallet_moves<H: Harness>() {
    let (old, new) = pair::<H>(Policy::default());
    let mut device = imported(&old);
    let (ready, receipt) = moved((&old, &new), &mut device);
    assert!(ready.signing().is_empty());
    hand_over(&old, &device, &receipt).expect("it left");
    follow(&new, &mut device, &ready);
    let recovered =
        new.block_on(device.run(Operation::Recover, With::Method)).expect("it is all there");
    assert_eq!(recovered.opened().len(), BOTH.len());
    run(&new, &mut device, Operation::Replace, With::Device).expect("with its keys too");
}

/// To another custodian and back: its numbers go on, and its keys are the same.
pub fn a_wallet_comes_back<H: Harness>() {
    let (old, new) = pair::<H>(Policy::default());
    new.trust(old.identity());
    let mut device = backed_up(&old);
    let keys = device.verifying_keys();
    let (ready, receipt) = moved((&old, &new), &mut device);
    hand_over(&old, &device, &receipt).expect("it left");
    follow(&new, &mut device, &ready);

    // Nobody else's wallet takes its place meanwhile.
    let mut mallory = Device::import(new.login("mallory"), new.identity(), "mallory", ONE);
    mallory.party.wallet = device.party.wallet;
    run(&new, &mut mallory, Operation::FirstBackup, With::Device).expect(SETUP);
    new.open_window("mallory", mallory.party.wallet, HOUR).expect(SETUP);
    let id = mallory.operation();
    let stages = vec![Stage { purpose: Purpose::Backup, epoch: Epoch::new(9).expect(SETUP) }];
    let back = party(&old, USER, &mallory);
    let asked = AskedArrival::new(back, new.identity(), id, &mallory.backup, stages).expect(SETUP);
    let theirs = old.block_on(old.login(USER).begin(asked.message().clone())).expect(SETUP);
    let asked = asked.depart(theirs, "mallory").expect(SETUP);
    let begun = new.block_on(mallory.custodian.begin(asked.message().clone())).expect(SETUP);
    let backup = mallory.backup.clone();
    let departing = asked.request(&begun, &backup, mallory.rng()).expect(SETUP);
    let departed = new.block_on(mallory.custodian.depart(departing.message().clone()));
    let offered = arrive(departing, &departed.expect(SETUP), &mut mallory).expect(SETUP);
    let refused = old.block_on(old.login(USER).prepare(offered.message().clone())).map(drop);
    assert_eq!(refused, Err(PrepareError::Material));

    // The owner's does.
    new.open_window(THERE, device.party.wallet, HOUR).expect(SETUP);
    let stages = self::stages(&new, &device);
    let id = device.operation();
    let back = party(&old, USER, &device);
    let asked = AskedArrival::new(back, new.identity(), id, &device.backup, stages).expect(SETUP);
    let theirs = old.block_on(old.login(USER).begin(asked.message().clone())).expect("it may");
    let asked = asked.depart(theirs, THERE).expect(SETUP);
    let begun = new.block_on(device.custodian.begin(asked.message().clone())).expect(SETUP);
    let backup = device.backup.clone();
    let departing = asked.request(&begun, &backup, device.rng()).expect(SETUP);
    let departed = new.block_on(device.custodian.depart(departing.message().clone()));
    let offered = arrive(departing, &departed.expect("it may leave"), &mut device).expect(SETUP);
    let prepared = old.block_on(old.login(USER).prepare(offered.message().clone()));
    let ready = offered.finish(&prepared.expect("it comes back"), &[]).expect("it is proven");
    let commit = ready.commit(Some(envelope_of(ready.id())), device.rng());
    let receipt = old.block_on(old.login(USER).commit(commit)).expect("it is back");
    hand_over(&new, &device, &receipt).expect("it left");
    (device.custodian, device.party) = (old.login(USER), party(&old, USER, &device));
    device.adopt(&ready);
    let state = old.block_on(device.state()).expect(SETUP);
    assert!(state.custody.is_none());
    assert_eq!(state.backup.map(|backup| backup.epoch.get()), Some(3));
    assert_eq!(device.verifying_keys(), keys);
    run(&old, &mut device, Operation::Recover, With::Method).expect("it works");
}

/// The window, whom the operator trusts, what is pending, restorable, frozen, and the wait.
pub fn a_move_needs_what_an_eject_needs<H: Harness>() {
    let policy = Policy { eject_wait: HOUR, ..Policy::default() };
    let (old, new) = (H::start(policy.clone()), H::start(policy));
    let mut device = backed_up(&old);
    let wallet = device.party.wallet;
    let attempt = |device: &mut Device<H::Session>| {
        let id = device.operation();
        depart((&old, &new), device, id).map(drop)
    };
    assert_eq!(attempt(&mut device), Err(DepartError::Untrusted));
    old.trust(old_other::<H>());
    assert_eq!(attempt(&mut device), Err(DepartError::Untrusted));
    old.trust(new.identity());
    assert_eq!(attempt(&mut device), Err(DepartRefusal::WindowClosed.into()));
    old.open_window(USER, wallet, 4 * HOUR).expect(SETUP);

    let pending = old.block_on(device.prepare(Operation::Refresh, With::Method)).expect(SETUP);
    let refused = attempt(&mut device);
    let operation = Operation::Refresh;
    assert!(
        matches!(refused, Err(DepartError::Refused(DepartRefusal::Conflict { operation: o, .. })) if o == operation),
        "{refused:?}"
    );
    let backup = device.backup.clone();
    old.block_on(device.abandon(pending.id(), Proving::Backup(&backup))).expect(SETUP);

    let refused = attempt(&mut device);
    let Err(DepartError::Refused(DepartRefusal::Wait(WaitRefusal::Waiting { request, .. }))) =
        refused
    else {
        panic!("a move waits as an eject does: {refused:?}")
    };
    let state = old.block_on(device.state()).expect(SETUP);
    assert!(state.custody.is_none());
    assert_eq!(state.request.map(|request| request.operation), Some(Operation::Move));
    old.advance(HOUR);
    old.freeze(USER, wallet).expect(SETUP);
    assert!(matches!(attempt(&mut device), Err(DepartError::Refused(DepartRefusal::Frozen(_)))));
    old.unfreeze(USER, wallet, None).expect(SETUP);
    // Its device objects, and the operator decides for the device.
    let signing = device.signing.clone();
    let proving = Proving::Signing(&signing);
    let requested = device.request(Operation::Cancel, request, proving);
    let requested = old.block_on(requested).expect(SETUP);
    old.block_on(device.custodian.cancel(requested.message().clone())).expect(SETUP);
    assert!(matches!(attempt(&mut device), Err(DepartError::Refused(DepartRefusal::Frozen(_)))));
    old.unfreeze(USER, wallet, Some(Favour::Device)).expect(SETUP);
    assert!(matches!(attempt(&mut device), Err(DepartError::Refused(DepartRefusal::Wait(_)))));
    old.advance(HOUR);
    attempt(&mut device).expect("it has waited");
    let id = device.operation();
    let offered = depart((&old, &new), &mut device, id).expect("and need not wait again");
    ready(&new, offered).expect("nor where it arrives");

    run(&old, &mut device, Operation::Replace, With::Device).expect(SETUP);
    assert!(matches!(
        attempt(&mut device),
        Err(DepartError::Refused(DepartRefusal::GraceRunning { .. }))
    ));
}

/// Somebody whom nobody moves anything to.
fn old_other<H: Harness>() -> twoshare_core::identity::CustodianIdentity {
    H::start(Policy::default()).identity()
}

/// What the old custodian gives away is for the custodian, the wallet, the operation and the session
/// that it was asked for, and for no other.
pub fn a_move_goes_where_it_was_begun<H: Harness>() {
    let (old, new) = pair::<H>(Policy::default());
    let third = H::start(Policy::default());
    let mut device = backed_up(&old);
    old.open_window(USER, device.party.wallet, HOUR).expect(SETUP);

    // Another custodian's word, or a word about something else, beside the trusted one's name.
    let (id, other_id) = (device.operation(), device.operation());
    let stages = stages(&old, &device);
    let ask = |custodian: &H, id, stages: Vec<Stage>, device: &Device<H::Session>| {
        let to = party(custodian, THERE, device);
        let asked = AskedArrival::new(to, old.identity(), id, &device.backup, stages).expect(SETUP);
        let begun = custodian.block_on(custodian.login(THERE).begin(asked.message().clone()));
        (asked.message().clone(), begun.expect(SETUP))
    };
    let mut later = stages.clone();
    later.iter_mut().for_each(|stage| stage.epoch = Epoch::new(9).expect(SETUP));
    let others = [
        ask(&third, id, stages.clone(), &device),
        ask(&new, other_id, stages.clone(), &device),
        ask(&new, id, later, &device),
    ];
    for (arrival, begun) in others {
        // Whoever says it proves it, too.
        let message = resaid(&old, &new, &mut device, id, |body| {
            body.arrival = arrival.clone();
            body.begun = begun.clone();
        });
        let refused = old.block_on(device.custodian.depart(message)).map(drop);
        assert_eq!(refused, Err(DepartError::NotExpected));
        let message = resaid(&old, &new, &mut device, id, |body| body.begun = begun.clone());
        let refused = old.block_on(device.custodian.depart(message)).map(drop);
        assert_eq!(refused, Err(DepartError::NotExpected));
    }
    // Changed on the way.
    let departing = departing((&old, &new), &mut device, id).expect(SETUP);
    let mut message = departing.message().clone();
    message.body.offer = Digest::of(b"another");
    let refused = old.block_on(device.custodian.depart(message)).map(drop);
    assert_eq!(refused, Err(EvidenceError::Invalid { key: 0 }.into()));
    let mut message = departing.message().clone();
    message.proofs.pop();
    let refused = old.block_on(device.custodian.depart(message)).map(drop);
    assert!(matches!(refused, Err(DepartError::Evidence(EvidenceError::Count { .. }))));
    assert!(old.block_on(device.state()).expect(SETUP).custody.is_none());

    // A session departs once: no two parcels have one secret.
    let sent = departing.message().clone();
    let departed = old.block_on(device.custodian.depart(sent.clone())).expect("it may leave");
    let again = old.block_on(device.custodian.depart(sent.clone())).expect("the same bytes");
    assert_eq!(again.sealed.expose_secret(), departed.sealed.expose_secret());
    let mut other = sent.clone();
    other.proofs.reverse();
    let refused = old.block_on(device.custodian.depart(other)).map(drop);
    assert_eq!(refused, Err(EvidenceError::NoSession.into()));
    old.restart();
    let refused = old.block_on(device.custodian.depart(sent)).map(drop);
    assert_eq!(refused, Err(EvidenceError::NoSession.into()));
    let first = arrive(departing, &departed, &mut device).expect(SETUP);
    // Begun again under the same id, it leaves again; what was given away first goes into no other
    // session.
    let second = depart((&old, &new), &mut device, id).expect("it leaves again");
    let mut mixed = first.message().clone();
    mixed.body.nonce = second.message().body.nonce;
    let refused = new.block_on(new.login(THERE).prepare(mixed)).map(drop);
    assert_eq!(refused, Err(PrepareError::Sealed));
    // Nor to anybody else's account there.
    let refused = new.block_on(new.login("mallory").prepare(first.message().clone())).map(drop);
    assert_eq!(refused, Err(EvidenceError::NoSession.into()));
    ready(&new, first).expect("its own session is open");
}

/// The message of a move, said otherwise and proven as it is said.
fn resaid<H: Harness>(
    old: &H,
    new: &H,
    device: &mut Device<H::Session>,
    id: OperationId,
    change: impl Fn(&mut crate::message::DepartBody),
) -> crate::message::Depart {
    let stages = stages(old, device);
    let to = party(new, THERE, device);
    let asked = AskedArrival::new(to, old.identity(), id, &device.backup, stages).expect(SETUP);
    let theirs = new.block_on(new.login(THERE).begin(asked.message().clone())).expect(SETUP);
    let asked = asked.depart(theirs, USER).expect(SETUP);
    let begin = asked.message().clone();
    let begun = old.block_on(device.custodian.begin(begin.clone())).expect(SETUP);
    let backup = device.backup.clone();
    let departing = asked.request(&begun, &backup, device.rng()).expect(SETUP);
    let mut message = departing.message().clone();
    change(&mut message.body);
    let nonces = crate::binding::Nonces {
        client: message.body.client_nonce,
        custodian: begun.unverified().nonce,
    };
    let commitments = backup.iter().map(AnyClientShare::commitment).collect();
    let body = crate::message::digest(&message.body);
    let statement = crate::binding::statement(
        &device.party,
        &begin,
        Operation::Move,
        nonces,
        commitments,
        body,
    );
    message.proofs = backup.iter().map(|share| share.prove(&statement, device.rng())).collect();
    message
}

/// Somebody who has the user's tokens, and no parcel, lets a wallet of the same name arrive there from
/// a custodian of his own, in the same operation: the receipt is genuine, and of something else.
fn impostor<H: Harness>(
    destination: &H,
    victim: &Device<H::Session>,
    stages: &[Stage],
    id: OperationId,
) -> Signed<Receipt> {
    let source = H::start(Policy::default());
    source.trust(destination.identity());
    let (session, identity) = (source.login(USER), source.identity());
    let device = Device::keygen_in(session, identity, USER, victim.party.wallet, BOTH);
    let mut device = source.block_on(device).expect(SETUP);
    run(&source, &mut device, Operation::FirstBackup, With::Device).expect(SETUP);
    source.open_window(USER, device.party.wallet, HOUR).expect(SETUP);
    assert_eq!(self::stages(&source, &device), stages);
    let offered = depart((&source, destination), &mut device, id).expect(SETUP);
    let ready = ready(destination, offered).expect(SETUP);
    commit(destination, &mut device, &ready)
}

/// A wallet is only handed over for the receipt of what left: of that custodian, wallet and operation,
/// and of an arrival that had the parcel.
pub fn a_receipt_of_something_else_hands_nothing_over<H: Harness>() {
    let (old, new) = pair::<H>(Policy::default());
    let mut device = backed_up(&old);
    let wallet = device.party.wallet;
    let (id, other_id) = (device.operation(), device.operation());
    let stages = stages(&old, &device);
    old.open_window(USER, wallet, HOUR).expect(SETUP);
    depart((&old, &new), &mut device, id).expect(SETUP);

    let forged = impostor(&new, &device, &stages, id);
    let refused = hand_over(&old, &device, &forged);
    assert_eq!(refused, Err(HandOverError::ForeignReceipt), "no parcel, no hand-over");
    let third = H::start(Policy::default());
    let foreign = impostor(&third, &device, &stages, id);
    assert_eq!(hand_over(&old, &device, &foreign), Err(HandOverError::Untrusted));
    old.trust(third.identity());
    let refused = hand_over(&old, &device, &foreign);
    assert_eq!(refused, Err(HandOverError::ForeignReceipt), "it did not leave for there");
    let fourth = H::start(Policy::default());
    old.trust(fourth.identity());
    let other = impostor(&fourth, &device, &stages, other_id);
    let refused = hand_over(&old, &device, &other);
    assert_eq!(refused, Err(HandOverRefusal::NotLeaving.into()), "nor in that operation");
    let state = old.block_on(device.state()).expect(SETUP);
    assert!(state.backup.is_some(), "whatever was said, it is here");
}

/// Of a wallet that left, the receipt is believed only while it may be: not frozen, and as long as the
/// operator trusts whose it is.
pub fn a_hand_over_waits_for_the_operator<H: Harness>() {
    let (old, new) = pair::<H>(Policy::default());
    let mut device = backed_up(&old);
    let wallet = device.party.wallet;
    let (_, receipt) = moved((&old, &new), &mut device);
    old.freeze(USER, wallet).expect(SETUP);
    assert!(matches!(
        hand_over(&old, &device, &receipt),
        Err(HandOverError::Refused(HandOverRefusal::Frozen(_)))
    ));
    old.unfreeze(USER, wallet, None).expect(SETUP);
    old.distrust(new.identity());
    assert_eq!(hand_over(&old, &device, &receipt), Err(HandOverError::Untrusted));
    old.trust(new.identity());
    let stranger = device.at(old.login("mallory"), device.party.clone());
    assert_eq!(hand_over(&old, &stranger, &receipt), Err(HandOverError::NotFound));
    old.restart();
    hand_over(&old, &device, &receipt).expect("it is the receipt of what left");
    old.restart();
    hand_over(&old, &device, &receipt).expect("it may be said again");
    assert!(old.block_on(device.state()).expect(SETUP).backup.is_none());
}

/// Whatever is committed here keeps the wallet here: what left was not what counts.
pub fn a_commit_keeps_a_wallet_that_was_leaving<H: Harness>() {
    let (old, new) = pair::<H>(Policy::default());
    let mut device = backed_up(&old);
    let mut mover = device.clone();
    let id = mover.operation();
    old.open_window(USER, device.party.wallet, HOUR).expect(SETUP);
    let offered = depart((&old, &new), &mut mover, id).expect(SETUP);
    run(&old, &mut device, Operation::Refresh, With::Method).expect("it is here as it was");
    let state = old.block_on(device.state()).expect(SETUP);
    assert!(state.custody.is_none());
    // The numbers that it was leaving with were given out.
    assert_eq!(state.backup.map(|backup| backup.epoch.get()), Some(3));
    let ready = ready(&new, offered).expect(SETUP);
    let receipt = commit(&new, &mut mover, &ready);
    assert_eq!(hand_over(&old, &mover, &receipt), Err(HandOverRefusal::NotLeaving.into()));
}

/// A move is given up at both ends, before it is committed.
pub fn a_move_can_be_abandoned<H: Harness>() {
    let (old, new) = pair::<H>(Policy::default());
    let mut device = backed_up(&old);
    let id = device.operation();
    old.open_window(USER, device.party.wallet, HOUR).expect(SETUP);
    let offered = depart((&old, &new), &mut device, id).expect(SETUP);
    let ready = ready(&new, offered).expect(SETUP);
    let mut there = device.at(new.login(THERE), party(&new, THERE, &device));
    let shares: Vec<_> = ready.signing().iter().chain(ready.backup()).cloned().collect();
    let abandoned = new.block_on(there.abandon(id, Proving::Pending(id, &shares)));
    // Of a wallet that never was, nothing is kept: whoever lost the answer and asks again hears that.
    assert!(
        matches!(abandoned, Ok(_) | Err(Failure::Abandon(AbandonError::NotFound))),
        "with what is pending: {abandoned:?}"
    );
    let signing = device.signing.clone();
    let refused = old.block_on(device.abandon(id, Proving::Signing(&signing)));
    assert!(
        matches!(refused, Err(Failure::Abandon(AbandonError::Refused(_)))),
        "the device alone keeps nothing here that a method let leave: {refused:?}"
    );
    let backup = device.backup.clone();
    old.block_on(device.abandon(id, Proving::Backup(&backup))).expect("a method does");
    assert!(old.block_on(device.state()).expect(SETUP).custody.is_none());
    run(&old, &mut device, Operation::Refresh, With::Method).expect("it is here as it was");
    let gone = new.block_on(there.state());
    assert!(matches!(gone, Err(Failure::Read(ReadError::NotFound))), "nothing is there: {gone:?}");
}

/// A wallet does not arrive where it is.
pub fn a_wallet_that_is_here_does_not_arrive<H: Harness>() {
    let (old, new) = pair::<H>(Policy::default());
    let mut device = backed_up(&old);
    let wallet = device.party.wallet;
    let (session, identity) = (new.login(THERE), new.identity());
    let squatter = Device::keygen_in(session, identity, THERE, wallet, ONE);
    new.block_on(squatter).expect(SETUP);
    let id = device.operation();
    old.open_window(USER, wallet, HOUR).expect(SETUP);
    let offered = depart((&old, &new), &mut device, id).expect(SETUP);
    let refused = new.block_on(new.login(THERE).prepare(offered.message().clone())).map(drop);
    assert_eq!(refused, Err(PrepareRefusal::AlreadyExists.into()));
    run(&old, &mut device, Operation::Refresh, With::Method).expect("it is here as it was");
}

/// No other operation has a move's plans, and no move another's.
pub fn a_move_has_its_own_plans<H: Harness>() {
    let (old, new) = pair::<H>(Policy::default());
    let mut device = backed_up(&old);
    let id = device.operation();
    let stages = stages(&old, &device);
    let to = party(&new, THERE, &device);
    let asked = AskedArrival::new(to, old.identity(), id, &device.backup, stages).expect(SETUP);
    let arrival = asked.message().clone();
    let theirs = new.block_on(new.login(THERE).begin(arrival.clone())).expect(SETUP);
    let departure = asked.depart(theirs, USER).expect(SETUP).message().clone();
    let refused = |custodian: &H, session: H::Session, begin| {
        let begun = custodian.block_on(session.begin(begin)).map(drop);
        assert_eq!(begun, Err(BeginError::WrongPlan));
    };
    for operation in [Operation::Refresh, Operation::Recover, Operation::Eject] {
        let other = crate::message::Begin { operation, ..departure.clone() };
        refused(&old, old.login(USER), other);
    }
    let (Plan::Depart { from, to, curves, .. }, mut itself) =
        (departure.plan.clone(), departure.clone())
    else {
        panic!("a departure")
    };
    itself.plan = Plan::Reshare { from, to: to.clone(), curves: curves.clone() };
    refused(&old, old.login(USER), itself.clone());
    // To itself, and from itself.
    let here = Box::new(old.identity());
    itself.plan = Plan::Depart { from, to: to.clone(), curves: curves.clone(), destination: here };
    refused(&old, old.login(USER), itself);
    let mut short = departure;
    if let Plan::Depart { to, .. } = &mut short.plan {
        to.truncate(1);
    }
    refused(&old, old.login(USER), short);
    let mut itself = arrival;
    let source = Box::new(new.identity());
    itself.plan = Plan::Arrive { from, to, curves, source };
    refused(&new, new.login(THERE), itself);
}
