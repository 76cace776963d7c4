//! The custodian's own store of envelopes.

use twoshare_core::{
    digest::Digest,
    envelope::{Header, Payload, Sealed, Slot, SlotTable, seal},
    method::RecoveryCode,
    proof::Operation,
};

use super::{HOUR, SETUP, backed_up, run};
use crate::{
    Custodian,
    conformance::{
        Harness,
        device::{Device, With},
    },
    custodian::{EvidenceError, ReadError, RetireError, UploadError},
    message::Upload,
    rules::{Policy, RetireRefusal},
    session::{Proving, Ready},
};

/// A real envelope of what is ready, for a recovery code.
fn sealed<H: Harness>(custodian: &H, device: &mut Device<H::Session>, ready: &Ready) -> Sealed {
    let payload = Payload {
        kind: device.party.kind,
        keys: ready.backup().to_vec(),
        secrets: Vec::new(),
        attachments: Vec::new(),
        custodian: device.party.custodian,
    };
    let wallet = device.party.wallet;
    let code = RecoveryCode::make(device.rng());
    let keys = payload.verifying_keys();
    let slot = Slot::make(&code, wallet, &keys, device.rng());
    let mut slots = SlotTable::new();
    slots.add(custodian.block_on(slot).expect(SETUP)).expect(SETUP);
    let epoch = ready.backup().first().expect(SETUP).id().sharing.epoch;
    seal(&Header::new(wallet, epoch, 0), &payload, &slots, device.rng()).expect(SETUP)
}

fn upload<H: Harness>(
    custodian: &H,
    device: &mut Device<H::Session>,
    ready: &Ready,
    sealed: &Sealed,
) -> Result<(), UploadError> {
    let upload = ready.upload(sealed.name().epoch, &sealed.bytes, device.rng());
    custodian.block_on(device.custodian.put_envelope(upload, sealed.bytes.clone()))
}

fn read<H: Harness>(
    custodian: &H,
    device: &Device<H::Session>,
    digest: Digest,
) -> Result<Vec<u8>, ReadError> {
    custodian.block_on(device.custodian.envelope(device.party.wallet, digest))
}

/// Whoever has the new shares writes their envelope, and reads it back.
pub fn a_pending_epochs_envelope_is_kept<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let ready = custodian.block_on(device.prepare(Operation::Refresh, With::Method)).expect(SETUP);
    let sealed = sealed(&custodian, &mut device, &ready);
    upload(&custodian, &mut device, &ready, &sealed).expect("it is the pending epoch's");
    upload(&custodian, &mut device, &ready, &sealed).expect("and can be written again");
    assert_eq!(read(&custodian, &device, sealed.digest), Ok(sealed.bytes.clone()));
    let commit = ready.commit(Some(sealed.digest), device.rng());
    custodian.block_on(device.custodian.commit(commit)).expect(SETUP);
    assert_eq!(read(&custodian, &device, sealed.digest), Ok(sealed.bytes));
    let none = read(&custodian, &device, Digest::from_bytes([0; 32]));
    assert_eq!(none, Err(ReadError::NotFound));
}

/// Nobody else does, and nothing else is kept.
pub fn an_envelope_needs_the_new_shares<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let ready = custodian.block_on(device.prepare(Operation::Refresh, With::Method)).expect(SETUP);
    let sealed = sealed(&custodian, &mut device, &ready);
    let good = ready.upload(sealed.name().epoch, &sealed.bytes, device.rng());
    let put = |upload: Upload, bytes: &[u8]| {
        custodian.block_on(device.custodian.put_envelope(upload, bytes.to_vec()))
    };

    let mut without = good.clone();
    without.proofs.clear();
    let count = EvidenceError::Count { needed: 2, given: 0 };
    assert_eq!(put(without, &sealed.bytes), Err(count.into()));
    let mut nothing_pending = good.clone();
    nothing_pending.id = None;
    assert_eq!(put(nothing_pending, &sealed.bytes), Err(UploadError::NotFound));
    assert_eq!(put(good.clone(), b"no envelope"), Err(UploadError::WrongEnvelope));
    let mut other_epoch = good.clone();
    other_epoch.epoch = other_epoch.epoch.next().expect(SETUP);
    assert_eq!(put(other_epoch, &sealed.bytes), Err(UploadError::WrongEnvelope));
    assert_eq!(read(&custodian, &device, sealed.digest), Err(ReadError::NotFound));
    put(good, &sealed.bytes).expect("the right one is kept");
}

/// A proof for one envelope does not write another.
pub fn an_upload_proof_is_for_its_bytes<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let ready = custodian.block_on(device.prepare(Operation::Refresh, With::Method)).expect(SETUP);
    let one = sealed(&custodian, &mut device, &ready);
    let other = sealed(&custodian, &mut device, &ready);
    let upload = ready.upload(one.name().epoch, &one.bytes, device.rng());
    let refused = custodian.block_on(device.custodian.put_envelope(upload, other.bytes));
    assert_eq!(refused, Err(EvidenceError::Invalid { key: 0 }.into()));
}

/// An operation cannot fill the custodian's disk.
pub fn uploads_are_bounded<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let ready = custodian.block_on(device.prepare(Operation::Refresh, With::Method)).expect(SETUP);
    let mut results = (0..20).map(|_| {
        let sealed = sealed(&custodian, &mut device, &ready);
        upload(&custodian, &mut device, &ready, &sealed)
    });
    assert!(results.any(|result| result == Err(UploadError::TooMany)));
}

/// What is committed can be repaired by anybody of the wallet: its digest is proof enough.
pub fn a_committed_envelope_is_repaired_by_its_digest<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let ready = custodian.block_on(device.prepare(Operation::Refresh, With::Method)).expect(SETUP);
    let sealed = sealed(&custodian, &mut device, &ready);
    let commit = ready.commit(Some(sealed.digest), device.rng());
    custodian.block_on(device.custodian.commit(commit)).expect(SETUP);
    assert_eq!(read(&custodian, &device, sealed.digest), Err(ReadError::NotFound));
    let repair = Upload {
        wallet: device.party.wallet,
        epoch: sealed.name().epoch,
        id: None,
        proofs: Vec::new(),
    };
    let put = custodian.block_on(device.custodian.put_envelope(repair, sealed.bytes.clone()));
    put.expect("the digest is the committed one");
    assert_eq!(read(&custodian, &device, sealed.digest), Ok(sealed.bytes));
}

/// The envelope of an abandoned epoch is deleted, with its tombstone.
pub fn an_abandoned_envelope_is_deleted<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let ready = custodian.block_on(device.prepare(Operation::Refresh, With::Method)).expect(SETUP);
    let sealed = sealed(&custodian, &mut device, &ready);
    upload(&custodian, &mut device, &ready, &sealed).expect(SETUP);
    let shares = ready.backup().to_vec();
    let abandon = device.abandon(ready.id(), Proving::Pending(ready.id(), &shares));
    custodian.block_on(abandon).expect(SETUP);
    assert_eq!(read(&custodian, &device, sealed.digest), Err(ReadError::NotFound));
}

/// So are those of operations that expired or were displaced, whose epochs are nobody's. Else whoever
/// may prepare could fill the custodian's disk, one epoch after the other.
pub fn an_envelope_that_is_never_committed_is_deleted<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let written = |device: &mut Device<H::Session>, operation| {
        let ready = custodian.block_on(device.prepare(operation, With::Method)).expect(SETUP);
        let sealed = sealed(&custodian, device, &ready);
        upload(&custodian, device, &ready, &sealed).expect(SETUP);
        assert_eq!(read(&custodian, device, sealed.digest), Ok(sealed.bytes));
        sealed.digest
    };
    let expired = written(&mut device, Operation::Refresh);
    custodian.advance(Policy::default().pending);
    assert_eq!(read(&custodian, &device, expired), Err(ReadError::NotFound));
    let displaced = written(&mut device, Operation::Refresh);
    let pending = written(&mut device, Operation::Recover);
    assert_eq!(read(&custodian, &device, displaced), Err(ReadError::NotFound));
    assert!(read(&custodian, &device, pending).is_ok());
}

/// The envelope of an ended epoch is kept as long as an old copy of the database could need it.
pub fn an_ended_envelope_is_kept_until_it_is_retired<H: Harness>() {
    let custodian = H::start(Policy::default());
    let mut device = backed_up(&custodian);
    let wallet = device.party.wallet;
    let ready = custodian.block_on(device.prepare(Operation::Refresh, With::Method)).expect(SETUP);
    let sealed = sealed(&custodian, &mut device, &ready);
    upload(&custodian, &mut device, &ready, &sealed).expect(SETUP);
    let commit = ready.commit(Some(sealed.digest), device.rng());
    custodian.block_on(device.custodian.commit(commit)).expect(SETUP);
    device.adopt(&ready);
    let epoch = sealed.name().epoch;
    let retire =
        |device: &Device<H::Session>| custodian.block_on(device.custodian.retire(wallet, epoch));
    assert_eq!(retire(&device), Err(RetireRefusal::NotEnded.into()));

    run(&custodian, &mut device, Operation::Refresh, With::Method).expect(SETUP);
    let early = retire(&device);
    assert!(matches!(early, Err(RetireError::Refused(RetireRefusal::TooEarly { .. }))));
    custodian.advance(29 * 24 * HOUR);
    assert_eq!(read(&custodian, &device, sealed.digest), Ok(sealed.bytes.clone()));
    custodian.advance(24 * HOUR);
    retire(&device).expect("nobody can need it any more");
    assert_eq!(read(&custodian, &device, sealed.digest), Err(ReadError::NotFound));
}
