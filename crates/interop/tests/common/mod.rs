//! What the tests of every library do with its shares once they are ours.

#![allow(dead_code, reason = "each library's tests use some of it")]

use std::slice::from_ref;

use rand::{SeedableRng, rngs::ChaCha20Rng};
use twoshare_core::{
    curve::AnySigningKey,
    id::{CurveId, Epoch, OperationId, Purpose, Sharing, WalletId, WalletKind},
    proof::{Operation, Stage},
    reshare::{ClientOffered, Context, CustodianCommitted, Item},
    share::{AnyClientShare, AnyCustodianShare, KeyId},
};

/// Both halves of a pair.
pub(crate) type Pair = (AnyClientShare, AnyCustodianShare);

pub(crate) fn wallet() -> WalletId {
    WalletId::from_bytes([7; 16])
}

/// The first key of the wallet's signing pair.
pub(crate) fn signing(epoch: u64) -> KeyId {
    key_id(wallet(), Purpose::Signing, epoch)
}

pub(crate) fn key_id(wallet: WalletId, purpose: Purpose, epoch: u64) -> KeyId {
    let epoch = Epoch::new(epoch).unwrap();
    KeyId { sharing: Sharing { wallet, purpose, epoch }, index: 0 }
}

/// Random numbers that are the same in every run.
pub(crate) fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// The wallet after a first backup and a recovery: the backup pair out of the signing pair, and out of that a
/// new signing pair and another backup pair, as the core reshares them.
pub(crate) fn recover((client, custodian): &Pair) -> Pair {
    let epoch = client.id().sharing.epoch.get();
    let of = |purpose, epoch| Stage { purpose, epoch: Epoch::new(epoch).unwrap() };
    let now = of(Purpose::Signing, epoch);
    let backup = of(Purpose::Backup, epoch);
    let pair = (client.clone(), custodian.clone());
    let kept = reshare(Operation::FirstBackup, &pair, now, &[backup]);
    let next = [of(Purpose::Signing, epoch + 1), of(Purpose::Backup, epoch + 1)];
    let mut recovered = reshare(Operation::Recover, &kept[0], backup, &next);
    recovered.swap_remove(0)
}

fn reshare(
    operation: Operation,
    (client, custodian): &Pair,
    from: Stage,
    to: &[Stage],
) -> Vec<Pair> {
    let item = |to: &Stage| Item { index: 0, curve: client.curve(), from, to: *to };
    let context = Context {
        custodian: [2; 32],
        user: "alice".to_owned(),
        wallet: client.id().sharing.wallet,
        kind: WalletKind::Mpc,
        operation,
        operation_id: OperationId::make(&mut rand::rng()),
        items: to.iter().map(item).collect(),
    };
    let rng = &mut rand::rng();
    let (committed, early) = CustodianCommitted::new(context.clone(), rng).unwrap();
    let (offered, offer) =
        ClientOffered::new(context.clone(), &early, from_ref(client), rng).unwrap();
    let (custodians, response) = committed.respond(&offer, from_ref(custodian)).unwrap();
    let reshared = offered.finish(&response, &[]).unwrap();
    let statement = context.statement(reshared.commitments(), [3; 32], [4; 32], [5; 32]);
    let proofs: Vec<_> = custodians.iter().map(|share| share.prove(&statement, rng)).collect();
    let clients = reshared.accept(&statement, &proofs).unwrap();
    clients.into_iter().zip(custodians).collect()
}

/// A pair that was dealt here, of a wallet created by us.
pub(crate) fn dealt(curve: CurveId, id: KeyId) -> Pair {
    AnySigningKey::make(curve, &mut rand::rng()).split(id, &mut rand::rng())
}
