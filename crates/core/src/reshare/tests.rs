//! The exchange as it should go. What should be refused is in `attacks`; what three do
//! together, and what is refused of it, in `moving`.

mod attacks;
mod moving;

use core::slice::from_ref;

use proptest::prelude::*;
use rand::rngs::ChaCha20Rng;

use super::*;
use crate::{
    curve::{
        AnySigningKey, Curve,
        testing::{on_every_curve, rng},
    },
    id::{CurveId, Epoch, OperationId, Purpose, Sharing, WalletId, WalletKind},
    proof::{Operation, Stage},
    share::{KeyId, ReconstructError},
};

fn stage(purpose: Purpose, epoch: u64) -> Stage {
    Stage { purpose, epoch: Epoch::new(epoch).unwrap() }
}

fn backup(epoch: u64) -> Stage {
    stage(Purpose::Backup, epoch)
}

fn wallet() -> WalletId {
    WalletId::from_bytes([7; 16])
}

fn item(index: u8, curve: CurveId, from: Stage, to: Stage) -> Item {
    Item { index, curve, from, to }
}

fn context(items: Vec<Item>) -> Context {
    Context {
        custodian: [2; 32],
        user: "user".to_owned(),
        wallet: wallet(),
        kind: WalletKind::Mpc,
        operation: Operation::Recover,
        operation_id: OperationId::from_bytes([1; 16]),
        items,
    }
}

/// A refresh of one key's backup pair.
fn refresh<C: Curve>() -> Context {
    context(vec![item(0, C::ID, backup(1), backup(2))])
}

fn dealt(
    index: u8,
    curve: CurveId,
    at: Stage,
    rng: &mut ChaCha20Rng,
) -> (AnySigningKey, AnyClientShare, AnyCustodianShare) {
    let Stage { purpose, epoch } = at;
    let id = KeyId { sharing: Sharing { wallet: wallet(), purpose, epoch }, index };
    let key = AnySigningKey::make(curve, rng);
    let (client, custodian) = key.split(id, rng);
    (key, client, custodian)
}

/// The whole exchange between two who keep to it.
fn exchange(
    context: &Context,
    client: &[AnyClientShare],
    custodian: &[AnyCustodianShare],
    rng: &mut ChaCha20Rng,
) -> Result<(Vec<AnyClientShare>, Vec<AnyCustodianShare>), ReshareError> {
    let (committed, early) = CustodianCommitted::new(context.clone(), rng)?;
    let (offered, offer) = ClientOffered::new(context.clone(), &early, client, rng)?;
    let (custodian_shares, response) = committed.respond(&offer, custodian)?;
    let reshared = offered.finish(&response, &[])?;
    Ok((accept(context, reshared, &custodian_shares), custodian_shares))
}

fn accept(
    context: &Context,
    reshared: UnprovenShares,
    custodian: &[AnyCustodianShare],
) -> Vec<AnyClientShare> {
    let statement = context.statement(reshared.commitments(), [3; 32], [4; 32], [5; 32]);
    let proofs: Vec<_> =
        custodian.iter().map(|share| share.prove(&statement, &mut rng(9))).collect();
    reshared.accept(&statement, &proofs).unwrap()
}

on_every_curve! {
    the_key_stays_and_the_shares_change,
    old_and_new_shares_do_not_combine,
    one_share_makes_two_pairs,
    both_resume_after_a_crash,
    bytes_come_back_and_nothing_else_is_read,
}

fn the_key_stays_and_the_shares_change<C: Curve>() {
    proptest!(ProptestConfig::with_cases(16), |(seed: u8)| {
        let rng = &mut rng(seed);
        let (key, mut client, mut custodian) = dealt(0, C::ID, backup(1), rng);
        let mut slopes = vec![client.commitment()];
        for epoch in 2..5 {
            let context = context(vec![item(0, C::ID, backup(epoch - 1), backup(epoch))]);
            let (clients, custodians) = exchange(&context, &[client], &[custodian], rng).unwrap();
            (client, custodian) = (clients[0].clone(), custodians[0].clone());
            prop_assert_eq!(client.id(), custodian.id());
            prop_assert_eq!(client.id().sharing.epoch.get(), epoch);
            prop_assert_eq!(client.commitment(), custodian.commitment());
            prop_assert!(slopes.iter().all(|slope| !slope.has_slope_of(&client.commitment())));
            slopes.push(client.commitment());
            // Every share fits its commitment: it is read back with all checks.
            let read = AnyClientShare::from_bytes(client.to_bytes().expose_secret());
            prop_assert!(read.is_ok());
            let read = AnyCustodianShare::from_bytes(custodian.to_bytes().expose_secret());
            prop_assert!(read.is_ok());
            let again = AnySigningKey::reconstruct(&client, &custodian, &key.verifying_key()).unwrap();
            let (again, key) = (again.expose_secret(), key.expose_secret());
            prop_assert_eq!(again.expose_secret(), key.expose_secret());
        }
    });
}

fn old_and_new_shares_do_not_combine<C: Curve>() {
    let rng = &mut rng(1);
    let (key, client, custodian) = dealt(0, C::ID, backup(1), rng);
    let (new_clients, new_custodians) =
        exchange(&refresh::<C>(), from_ref(&client), from_ref(&custodian), rng).unwrap();
    for (client, custodian) in [(&client, &new_custodians[0]), (&new_clients[0], &custodian)] {
        let error =
            AnySigningKey::reconstruct(client, custodian, &key.verifying_key()).unwrap_err();
        let (client, custodian) = (client.id().sharing.epoch, custodian.id().sharing.epoch);
        assert_eq!(error, ReconstructError::EpochMismatch { client, custodian });
    }
    // Nor under a false name: the old value does not fit the new commitment.
    let value = client.expose_secret();
    let new = &new_clients[0];
    assert!(AnyClientShare::new(new.id(), new.commitment(), value.expose_secret()).is_err());
}

fn one_share_makes_two_pairs<C: Curve>() {
    let rng = &mut rng(1);
    let (key, client, custodian) = dealt(0, C::ID, backup(1), rng);
    let context = context(vec![
        item(0, C::ID, backup(1), backup(2)),
        item(0, C::ID, backup(1), stage(Purpose::Signing, 1)),
    ]);
    let (clients, custodians) = exchange(&context, &[client], &[custodian], rng).unwrap();
    for (client, custodian) in clients.iter().zip(&custodians) {
        assert!(AnySigningKey::reconstruct(client, custodian, &key.verifying_key()).is_ok());
    }
    assert!(!clients[0].commitment().has_slope_of(&clients[1].commitment()));
    let error =
        AnySigningKey::reconstruct(&clients[0], &custodians[1], &key.verifying_key()).unwrap_err();
    assert!(matches!(error, ReconstructError::PurposeMismatch { .. }));
}

#[test]
fn several_curves_and_both_purposes_go_in_one_exchange() {
    let rng = &mut rng(1);
    let wallet = [
        dealt(0, CurveId::Secp256k1, backup(3), rng),
        dealt(1, CurveId::Ed25519, backup(3), rng),
        dealt(2, CurveId::Secp256k1, backup(3), rng),
    ];
    let items = wallet
        .iter()
        .flat_map(|(_, client, _)| {
            [backup(9), stage(Purpose::Signing, 2)]
                .map(|to| item(client.id().index, client.curve(), backup(3), to))
        })
        .collect();
    let clients: Vec<_> = wallet.iter().map(|(_, client, _)| client.clone()).collect();
    // The order in which shares are given does not matter.
    let custodians: Vec<_> = wallet.iter().rev().map(|(_, _, share)| share.clone()).collect();
    let (clients, custodians) = exchange(&context(items), &clients, &custodians, rng).unwrap();
    assert_eq!(clients.len(), 6);
    for (client, custodian) in clients.iter().zip(&custodians) {
        let (key, ..) = &wallet[usize::from(client.id().index)];
        let again = AnySigningKey::reconstruct(client, custodian, &key.verifying_key()).unwrap();
        assert_eq!(again.expose_secret().expose_secret(), key.expose_secret().expose_secret());
    }
}

fn both_resume_after_a_crash<C: Curve>() {
    let rng = &mut rng(1);
    let (key, client, custodian) = dealt(0, C::ID, backup(1), rng);
    let context = refresh::<C>();
    let (committed, early) = CustodianCommitted::new(context.clone(), rng).unwrap();
    let (offered, offer) =
        ClientOffered::new(context.clone(), &early, from_ref(&client), rng).unwrap();

    let kept = committed.to_bytes();
    let again = CustodianCommitted::from_bytes(kept.expose_secret()).unwrap();
    assert_eq!(again.to_bytes().expose_secret(), kept.expose_secret());
    let (shares, response) = committed.respond(&offer, from_ref(&custodian)).unwrap();
    let (same_shares, same_response) = again.respond(&offer, &[custodian]).unwrap();
    assert_eq!(same_response.to_bytes().expose_secret(), response.to_bytes().expose_secret());
    assert_eq!(same_shares[0].to_bytes().expose_secret(), shares[0].to_bytes().expose_secret());

    let kept = offered.to_bytes();
    let again = ClientOffered::from_bytes(kept.expose_secret()).unwrap();
    assert_eq!(again.to_bytes().expose_secret(), kept.expose_secret());
    assert_eq!(again.offer().to_bytes().expose_secret(), offer.to_bytes().expose_secret());
    let reshared = again.finish(&response, &[]).unwrap();
    let clients = accept(&context, reshared, &shares);
    assert!(AnySigningKey::reconstruct(&clients[0], &shares[0], &key.verifying_key()).is_ok());
}

fn bytes_come_back_and_nothing_else_is_read<C: Curve>() {
    let rng = &mut rng(1);
    let (_, client, custodian) = dealt(0, C::ID, backup(1), rng);
    let context = refresh::<C>();
    let (committed, early) = CustodianCommitted::new(context.clone(), rng).unwrap();
    let (offered, offer) = ClientOffered::new(context, &early, &[client], rng).unwrap();
    let states = [committed.to_bytes(), offered.to_bytes()];
    let (_, response) = committed.respond(&offer, &[custodian]).unwrap();
    type Read = fn(&[u8]) -> Result<SecretBytes, MessageError>;
    let readers: [(SecretBytes, Read); 4] = [
        (offer.to_bytes(), |bytes| Offer::from_bytes(bytes).map(|m| m.to_bytes())),
        (response.to_bytes(), |bytes| Response::from_bytes(bytes).map(|m| m.to_bytes())),
        (states[0].clone(), |bytes| CustodianCommitted::from_bytes(bytes).map(|s| s.to_bytes())),
        (states[1].clone(), |bytes| ClientOffered::from_bytes(bytes).map(|s| s.to_bytes())),
    ];
    for (place, (bytes, read)) in readers.iter().enumerate() {
        let bytes = bytes.expose_secret();
        assert_eq!(read(bytes).unwrap().expose_secret(), bytes);
        for len in 0..bytes.len() {
            assert_eq!(read(&bytes[..len]).unwrap_err(), MessageError::Malformed);
        }
        assert_eq!(read(&[bytes, &[0]].concat()).unwrap_err(), MessageError::Malformed);
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            // One byte string per value: what is read is written as it was.
            if let Ok(again) = read(&bytes) {
                assert_eq!(again.expose_secret(), bytes);
            }
        }
        let mut newer = bytes.to_vec();
        newer[1] = 2;
        let expected = MessageError::NewerVersion { found: 2, supported: 1 };
        assert_eq!(read(&newer).unwrap_err(), expected);
        // None is taken for another.
        for (other, (_, read)) in readers.iter().enumerate() {
            assert_eq!(read(bytes).is_ok(), place == other);
        }
    }
}

#[test]
fn any_bytes_are_read_or_refused() {
    proptest!(|(bytes: Vec<u8>, kind in 1u8..5)| {
        let begun = [&[0x84, 1, kind], bytes.as_slice()].concat();
        for bytes in [&bytes, &begun] {
            let _ = Offer::from_bytes(bytes);
            let _ = Response::from_bytes(bytes);
            let _ = CustodianCommitted::from_bytes(bytes);
            let _ = ClientOffered::from_bytes(bytes);
        }
    });
}

#[test]
fn debug_is_redacted() {
    let rng = &mut rng(1);
    let (_, client, custodian) = dealt(0, CurveId::Ed25519, backup(1), rng);
    let context = context(vec![item(0, CurveId::Ed25519, backup(1), backup(2))]);
    let (committed, early) = CustodianCommitted::new(context.clone(), rng).unwrap();
    let mut secrets = vec![client.expose_secret(), custodian.expose_secret()];
    let (offered, offer) = ClientOffered::new(context.clone(), &early, &[client], rng).unwrap();
    let mut debug = format!("{committed:?} {offered:?} {offer:?} {:?}", committed.items);
    for kept in [&committed.to_bytes(), &offered.to_bytes()] {
        // Of what is kept, the context alone is shown: neither r₂ nor the salt, which are last.
        let (_, last) = kept.expose_secret().split_at(kept.len() - 32);
        assert!(!debug.contains(&hex::encode(last)) && !debug.contains(&format!("{last:?}")));
    }
    let (shares, response) = committed.respond(&offer, &[custodian]).unwrap();
    let reshared = offered.finish(&response, &[]).unwrap();
    debug.push_str(&format!("{response:?} {reshared:?}"));
    let client = accept(&context, reshared, &shares);
    secrets.extend([shares[0].expose_secret(), client[0].expose_secret()]);
    assert!(debug.contains("redacted"));
    for secret in secrets {
        assert!(!debug.contains(&hex::encode(secret.expose_secret())), "{debug}");
    }
}
