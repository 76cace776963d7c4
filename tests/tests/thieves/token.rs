//! The thief of a session token, who has nothing else.

use twoshare::{
    core::{
        envelope::Envelope,
        id::{OperationId, Purpose, WalletId, WalletKind},
        proof::Operation,
    },
    protocol::{
        Custodian, Nonce,
        custodian::{EjectError, EvidenceError, PrepareError, RetireError, UploadError},
        message::Upload,
        rules::{Policy, ReleaseRefusal, RetireRefusal},
        session::Proving,
    },
};
use twoshare_protocol::conformance::device::{Device, With};

use crate::support::{BOTH, HOUR, USER, World, code, dump, forged, recover, told};

/// Asks for the custodian's shares.
pub(crate) async fn eject<C: Custodian>(
    thief: &mut Device<C>,
    with: With,
) -> Result<(), EjectError> {
    let shares = match with {
        With::Device => thief.signing.clone(),
        With::Method => thief.backup.clone(),
    };
    let proving = match with {
        _ if shares.is_empty() => Proving::Nothing,
        With::Device => Proving::Signing(&shares),
        With::Method => Proving::Backup(&shares),
    };
    let id = thief.operation();
    let requested = thief.request(Operation::Eject, id, proving).await.unwrap();
    thief.custodian.eject(requested.message().clone()).await.map(drop)
}

/// A thief who has what everybody can see of this wallet, and made the rest up.
fn stranger<C: Custodian + Clone>(owner: &Device<C>) -> Device<C> {
    let mut thief = owner.clone();
    if let Some(share) = owner.signing.first() {
        thief.signing = forged(BOTH, share);
    }
    thief.keys = Vec::new();
    if owner.party.kind == WalletKind::SingleKey {
        let curves = BOTH.iter();
        thief.keys = curves
            .map(|curve| twoshare::core::curve::AnySigningKey::make(*curve, thief.rng()))
            .collect();
    }
    thief.backup = forged(BOTH, &owner.backup[0]);
    thief
}

#[tokio::test]
async fn a_token_alone_moves_nothing() {
    let world = World::with(Policy { recovery_wait: HOUR, ..Policy::default() }).await;
    for kind in [WalletKind::Mpc, WalletKind::SingleKey] {
        let mut owner = match kind {
            WalletKind::Mpc => world.mpc(USER, BOTH).await,
            WalletKind::SingleKey => world.single(USER, BOTH).await,
        };
        // At its weakest: an eject window is open, something is pending, and a recovery waits.
        let user = crate::support::user(USER);
        world.service.open_window(&user, owner.party.wallet, HOUR).await.unwrap();
        assert!(owner.prepare(Operation::Recover, With::Method).await.is_err(), "it waits");
        let waiting = world.service.requests().await.unwrap();
        let waiting = waiting.iter().find(|r| r.wallet == owner.party.wallet).unwrap().id;
        let ready = owner.prepare(Operation::Refresh, With::Method).await.unwrap();
        let before = dump(&world).await;

        let mut thief = stranger(&owner);
        let invalid = PrepareError::Evidence(EvidenceError::Invalid { key: 0 });
        for (operation, with) in [
            (Operation::Replace, With::Device),
            (Operation::Refresh, With::Method),
            (Operation::Recover, With::Method),
        ] {
            let refused = told(thief.prepare(operation, with).await);
            // What is dealt of another key is not even looked at.
            let deals = kind == WalletKind::SingleKey && operation == Operation::Replace;
            let expected = if deals { PrepareError::Material } else { invalid.clone() };
            assert_eq!(refused, Ok(expected), "{kind:?} {operation:?}");
        }
        let invalid = EjectError::Evidence(EvidenceError::Invalid { key: 0 });
        assert_eq!(eject(&mut thief, With::Method).await, Err(invalid));
        thief.backup.clear();
        let refused = ReleaseRefusal::NotEntitled;
        assert_eq!(eject(&mut thief, With::Method).await, Err(refused.into()));
        give_up(&mut stranger(&owner), &owner, ready.id(), waiting).await;
        upload_and_retire(&thief).await;
        assert_eq!(dump(&world).await, before, "{kind:?}");

        // The owner's own goes on.
        owner.commit(&ready).await.unwrap();
        owner.adopt(&ready);
    }
}

/// Tries to end what is pending and what waits.
async fn give_up<C: Custodian>(
    thief: &mut Device<C>,
    owner: &Device<C>,
    pending: OperationId,
    waiting: OperationId,
) {
    let (signing, backup, keys) = (thief.signing.clone(), thief.backup.clone(), thief.keys.clone());
    let device = match owner.party.kind {
        WalletKind::Mpc => Proving::Signing(&signing),
        WalletKind::SingleKey => Proving::Keys(&keys),
    };
    let pending_shares = [signing.as_slice(), &backup].concat();
    for id in [pending, waiting] {
        for proving in [
            Proving::Nothing,
            device,
            Proving::Backup(&backup),
            Proving::Pending(id, &pending_shares),
        ] {
            assert!(thief.abandon(id, proving).await.is_err());
            let cancel = thief.request(Operation::Cancel, id, proving).await;
            if let Ok(cancel) = cancel {
                assert!(thief.custodian.cancel(cancel.message().clone()).await.is_err());
            }
        }
    }
}

/// Tries to write what was not there, and to delete what is.
async fn upload_and_retire<C: Custodian>(thief: &Device<C>) {
    let wallet = thief.party.wallet;
    for number in 1..5 {
        let stage = crate::support::stage(Purpose::Backup, number);
        let retired = thief.custodian.retire(wallet, stage.epoch).await;
        assert_eq!(retired, Err(RetireError::Refused(RetireRefusal::NotEnded)));
        let upload = Upload { wallet, epoch: stage.epoch, id: None, proofs: Vec::new() };
        let put = thief.custodian.put_envelope(upload, vec![0x5a; 100]).await;
        assert_eq!(put, Err(UploadError::WrongEnvelope));
    }
}

/// An envelope of the thief's own, of the owner's wallet: for the owner's slots and theirs.
#[tokio::test]
async fn a_token_alone_puts_no_envelope_in_the_place_of_another() {
    let world = World::new().await;
    let phone = twoshare::MemoryDevice::new();
    let client = world.client(phone);
    let method = code();
    let wallet = client.create_wallet(BOTH, None).await.unwrap();
    let id: WalletId = wallet.id();
    let backup = client.backup(id, std::slice::from_ref(&method)).await.unwrap();
    let session = world.login(USER);
    let envelope = session.envelope(id, backup.envelope.digest).await.unwrap();

    // Another of the same epoch, well-formed.
    let opened = client.open(id, &method).await.unwrap();
    let sealed = twoshare::core::envelope::seal(
        &opened.header,
        &opened.payload,
        &opened.slots,
        &mut twoshare::rng(),
    );
    let theirs = sealed.unwrap().bytes;
    assert!(Envelope::from_bytes(&theirs).is_ok());
    let before = dump(&world).await;
    for epoch in [1, 2, 3] {
        let epoch = crate::support::stage(Purpose::Backup, epoch).epoch;
        for operation in [None, Some(crate::support::operation_id())] {
            let upload = Upload { wallet: id, epoch, id: operation, proofs: Vec::new() };
            assert!(session.put_envelope(upload, theirs.clone()).await.is_err());
        }
    }
    // The committed one, byte for byte, may be written again by anybody who has it.
    let epoch = backup.envelope.epoch;
    let upload = Upload { wallet: id, epoch, id: None, proofs: Vec::new() };
    session.put_envelope(upload, envelope).await.unwrap();
    assert_eq!(dump(&world).await, before);
    let state = session.state(id, Nonce::from_bytes([3; 32])).await.unwrap();
    assert_eq!(state.unverified().backup.as_ref().unwrap().envelope, Some(backup.envelope.digest));
    recover(&world.client(twoshare::MemoryDevice::new()), id, &method).await.unwrap();
}
