//! dkls23's own key generation and signing, with a backup and a recovery of ours in between.

#![cfg(feature = "dkls23")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

mod common;

use std::{collections::BTreeMap, sync::LazyLock};

use dkls23::{
    DkgSession, SignSession,
    protocols::{
        AbortReason, Parameters, PartyIndex, re_key::re_key, signature::EcdsaSignature,
        signing::SignData,
    },
    secp256k1::{Party, PublicKeyPackage, compute_eth_address},
};
use k256::{
    Secp256k1 as K,
    ecdsa::{Signature, VerifyingKey, signature::hazmat::PrehashVerifier as _},
    elliptic_curve::{Field as _, group::GroupEncoding as _},
};
use sha2::{Digest as _, Sha256};
use twoshare_core::{
    attachment::AttachmentClass,
    id::{CurveId, Epoch, Purpose, Role, WalletId},
    share::{KeyId, ShareError},
};
use twoshare_interop::{
    BoundError, ExportError, ImportError, UnfitError,
    dkls23::{
        CHAIN_CODE, PARTY, Parties, RenewError, Renewal, Signer, attachments, chain_code,
        client_share, custodian_share,
    },
};

use common::{Pair, dealt, key_id, recover, signing};

fn index(number: u8) -> PartyIndex {
    PartyIndex::new(number).unwrap()
}

/// Their key generation between two: parties 1 and 2.
fn generate() -> ([Party; 2], PublicKeyPackage) {
    let two = Parameters::new(2, 2).unwrap();
    let mut sessions = [1, 2].map(|i| DkgSession::<K>::new(two.clone(), index(i), b"dkg".to_vec()));
    let points = [sessions[0].phase1(), sessions[1].phase1()];
    let mut second = Vec::new();
    for (i, session) in sessions.iter_mut().enumerate() {
        second.push(session.phase2(&[points[0][i], points[1][i]]).unwrap());
    }
    let third: Vec<_> = sessions.iter_mut().map(|session| session.phase3().unwrap()).collect();
    let proofs: Vec<_> = second.iter().map(|(proof, ..)| proof.clone()).collect();
    let derivation_2: BTreeMap<_, _> =
        second.iter().map(|(.., sent)| (sent.sender_index, sent.clone())).collect();
    let derivation_3: BTreeMap<_, _> =
        third.iter().map(|(.., sent)| (sent.sender_index, sent.clone())).collect();
    let mut public = None;
    let mut party = |i: usize, session: DkgSession<K>| {
        let other = 1 - i;
        let (party, package) = session
            .phase4(
                &proofs,
                &second[other].1,
                &third[other].0,
                &third[other].1,
                &derivation_2,
                &derivation_3,
                compute_eth_address,
            )
            .unwrap();
        public = Some(package);
        party
    };
    let [one, other] = sessions;
    let parties = [party(0, one), party(1, other)];
    (parties, public.unwrap())
}

/// Their dealer, who splits a key that was whole.
fn deal(threshold: u8, count: u8) -> (Vec<Party>, PublicKeyPackage) {
    let key = k256::Scalar::random(&mut rand::rng());
    let parameters = Parameters::new(threshold, count).unwrap();
    re_key::<K>(&parameters, b"dealt", &key, None, compute_eth_address)
}

fn digest() -> [u8; 32] {
    Sha256::digest(b"pay 1 to bob").into()
}

/// Their signing, between two who may not fit.
fn sign(one: &Party, other: &Party) -> Option<EcdsaSignature> {
    let data = |counterparty: &Party| SignData {
        sign_id: b"signing".to_vec(),
        counterparties: vec![counterparty.party_index],
        message_hash: digest(),
    };
    let (mut ours, first) = SignSession::new(one, data(other)).ok()?;
    let (mut theirs, second) = SignSession::new(other, data(one)).ok()?;
    let (first, second) = (theirs.phase2(&first), ours.phase2(&second));
    let (second, first) = (second.ok()?, first.ok()?);
    let (one, other) = (ours.phase3(&first).ok()?, theirs.phase3(&second).ok()?);
    ours.phase4(&[one, other], true).ok()
}

/// Checks a signature with a verifier that is not theirs.
fn verify(key: &[u8], signature: &EcdsaSignature) -> bool {
    let key = VerifyingKey::from_sec1_bytes(key).unwrap();
    let signature = Signature::from_slice(&signature.to_bytes()).unwrap();
    key.verify_prehash(&digest(), &signature).is_ok()
}

fn import(parties: &[Party], public: &PublicKeyPackage, order: Parties) -> Pair {
    let party = |i: u8| &parties[usize::from(i) - 1];
    let client = client_share(signing(1), order, party(order.client), public).unwrap();
    let custodian = custodian_share(signing(1), order, party(order.custodian), public).unwrap();
    (client.into(), custodian.into())
}

/// New parties on both sides.
fn renew(
    (client, custodian): &Pair,
    code: Option<[u8; 32]>,
) -> Result<(Signer, Signer), RenewError> {
    let (ours, first) = Renewal::client(client, b"run 1").unwrap();
    let (theirs, second) = Renewal::custodian(custodian, b"run 1").unwrap();
    let (ours, first) = (ours.exchange(second)?, first);
    let (theirs, second) = (theirs.exchange(first)?, ours.1);
    let ours = ours.0.finish(theirs.1, code, compute_eth_address)?;
    Ok((ours, theirs.0.finish(second, code, compute_eth_address)?))
}

/// A wallet that existed before us, and what both sides have of it before a recovery and after it.
struct Story {
    key: Vec<u8>,
    chain_code: [u8; 32],
    pairs: [Pair; 2],
    signers: [(Signer, Signer); 2],
}

static STORY: LazyLock<Story> = LazyLock::new(|| {
    let ([mine, theirs], public) = generate();
    let key = mine.pk.to_bytes().to_vec();
    let chain_code = *mine.chain_code();
    let order = Parties::default();
    let before = import(&[mine.clone(), theirs.clone()], &public, order);
    let adopted = (
        Signer::of_client(&before.0, order, mine, &public).unwrap(),
        Signer::of_custodian(&before.1, order, theirs, &public).unwrap(),
    );
    let after = recover(&before);
    let code = self::chain_code(&attachments(&chain_code)).unwrap();
    let renewed = renew(&after, code).unwrap();
    Story { key, chain_code, pairs: [before, after], signers: [adopted, renewed] }
});

impl Story {
    fn parties(&self, time: usize) -> [&Party; 2] {
        let ((client, custodian), (ours, theirs)) = (&self.pairs[time], &self.signers[time]);
        [ours.party(client).unwrap(), theirs.party(custodian).unwrap()]
    }
}

#[test]
fn a_key_of_theirs_is_backed_up_recovered_and_signs() {
    for time in [0, 1] {
        let [mine, theirs] = STORY.parties(time);
        assert!(verify(&STORY.key, &sign(mine, theirs).unwrap()));
        // Paths of an HD wallet lead to the same keys.
        for party in [mine, theirs] {
            assert_eq!(party.chain_code(), &STORY.chain_code);
            assert_eq!(party.address, STORY.parties(0)[0].address);
        }
        let child = |party: &Party| party.derive_from_path("m/0/7", compute_eth_address).unwrap();
        let (mine, theirs) = (child(mine), child(theirs));
        assert_eq!(mine.pk, child(STORY.parties(0)[0]).pk);
        assert!(verify(&mine.pk.to_bytes(), &sign(&mine, &theirs).unwrap()));
    }
}

#[test]
fn any_key_of_theirs_keeps_its_public_key() {
    for round in 0..16 {
        let (parties, public) = if round == 0 {
            let (parties, public) = generate();
            (parties.to_vec(), public)
        } else {
            deal(2, 2)
        };
        for order in [Parties::default(), Parties { client: 2, custodian: 1 }] {
            let pair = import(&parties, &public, order);
            for pair in [&pair, &recover(&pair)] {
                let key = pair.0.verifying_key().to_bytes();
                assert_eq!(key, parties[0].pk.to_bytes().to_vec());
                assert_eq!(pair.1.verifying_key().to_bytes(), key);
            }
        }
    }
    // In the other order to the end.
    let (parties, public) = deal(2, 2);
    let order = Parties { client: 2, custodian: 1 };
    let (client, custodian) = import(&parties, &public, order);
    let mine = Signer::of_client(&client, order, parties[1].clone(), &public).unwrap();
    let theirs = Signer::of_custodian(&custodian, order, parties[0].clone(), &public).unwrap();
    assert!(Signer::from_bytes(&client, mine.to_bytes().expose_secret()).is_ok());
    assert!(Signer::from_bytes(&custodian, theirs.to_bytes().expose_secret()).is_ok());
    let after = recover(&(client, custodian));
    let (mine, theirs) = renew(&after, None).unwrap();
    let signature = sign(mine.party(&after.0).unwrap(), theirs.party(&after.1).unwrap()).unwrap();
    assert!(verify(&parties[0].pk.to_bytes(), &signature));
}

#[test]
fn old_and_new_shares_sign_nothing() {
    let [old, new] = [0, 1].map(|time| STORY.parties(time));
    assert!(sign(old[0], new[1]).is_none());
    assert!(sign(new[0], old[1]).is_none());
    // The old share with everything else new.
    let mut forged = new[0].clone();
    forged.poly_point = old[0].poly_point;
    forged.derivation_data.poly_point = old[0].poly_point;
    let signed = sign(&forged, new[1]);
    assert!(signed.is_none_or(|signature| !verify(&STORY.key, &signature)));
}

#[test]
fn everything_else_of_a_party_is_new() {
    let [old, new] = [0, 1].map(|time| STORY.parties(time));
    for side in [0, 1] {
        let other = old[1 - side].party_index;
        let seeds = |party: &Party| {
            let receiver = &party.mul_receivers[&other].ote_receiver;
            (receiver.seeds0.clone(), receiver.seeds1.clone())
        };
        assert_ne!(seeds(old[side]), seeds(new[side]));
        let seeds = |party: &Party| party.mul_senders[&other].ote_sender.seeds.clone();
        assert_ne!(seeds(old[side]), seeds(new[side]));
        let zero = |party: &Party| party.zero_share.seeds[0].seed;
        assert_ne!(zero(old[side]), zero(new[side]));
        assert_ne!(old[side].session_id, new[side].session_id);
    }
}

#[test]
fn a_party_is_given_out_with_its_own_share_only() {
    let epoch = |number| Epoch::new(number).unwrap();
    let ((client, custodian), (mine, theirs)) = (&STORY.pairs[1], &STORY.signers[0]);
    let stale = UnfitError::Epoch { expected: epoch(2), found: epoch(1) };
    assert_eq!(mine.party(client).map(|_| ()), Err(stale));
    assert_eq!(theirs.party(custodian).map(|_| ()), Err(stale));
    let bytes = mine.to_bytes();
    let read = Signer::from_bytes(client, bytes.expose_secret()).map(|_| ());
    assert_eq!(read, Err(BoundError::Unfit(stale)));
    let role = mine.party(&STORY.pairs[0].1).map(|_| ());
    assert!(matches!(role, Err(UnfitError::Role { .. })), "{role:?}");

    let refused = |id: KeyId| {
        let (other, _) = dealt(CurveId::Secp256k1, id);
        mine.party(&other).map(|_| ()).unwrap_err()
    };
    let wallet = WalletId::from_bytes([8; 16]);
    let expected = UnfitError::Wallet { expected: wallet, found: common::wallet() };
    assert_eq!(refused(key_id(wallet, Purpose::Signing, 1)), expected);
    let second = KeyId { index: 1, ..signing(1) };
    assert_eq!(refused(second), UnfitError::Key { expected: 1, found: 0 });
    assert_eq!(refused(signing(1)), UnfitError::Sharing);
}

#[test]
fn a_party_comes_back_from_its_bytes_and_nothing_else_does() {
    let ((client, custodian), (mine, theirs)) = (&STORY.pairs[1], &STORY.signers[1]);
    let bytes = mine.to_bytes();
    let bytes = bytes.expose_secret();
    let again = Signer::from_bytes(client, bytes).unwrap();
    assert_eq!(again.to_bytes().expose_secret(), bytes);
    let signature = sign(again.party(client).unwrap(), theirs.party(custodian).unwrap()).unwrap();
    assert!(verify(&STORY.key, &signature));
    for cut in (0..bytes.len()).step_by(9973) {
        let read = Signer::from_bytes(client, &bytes[..cut]).map(|_| ());
        assert_eq!(read, Err(BoundError::Malformed), "{cut}");
    }
    assert!(format!("{mine:?}").len() < 500);
}

#[test]
fn two_epochs_or_runs_make_no_party() {
    let (old, new) = (&STORY.pairs[0], &STORY.pairs[1]);
    let refused = |pair: &Pair| renew(pair, None).map(|_| ()).unwrap_err();
    for pair in [(old.0.clone(), new.1.clone()), (new.0.clone(), old.1.clone())] {
        let refused = refused(&pair);
        assert!(matches!(refused, RenewError::Aborted { .. }), "{refused:?}");
    }
    // Another sharing of the same name, which one side gave up.
    let given_up = recover(old);
    let refused = refused(&(given_up.0, new.1.clone()));
    assert!(matches!(refused, RenewError::Aborted { .. }), "{refused:?}");

    let (ours, _) = Renewal::client(&new.0, b"run 1").unwrap();
    let (theirs, second) = Renewal::custodian(&new.1, b"run 2").unwrap();
    let (_, first) = Renewal::client(&new.0, b"run 1").unwrap();
    let (ours, _) = ours.exchange(second).unwrap();
    let (_, second) = theirs.exchange(first).unwrap();
    let refused = ours.finish(second, None, compute_eth_address).map(|_| ()).unwrap_err();
    let RenewError::Aborted { reason } = refused else { panic!("{refused:?}") };
    assert!(matches!(reason, AbortReason::ProofVerificationFailed { .. }), "{reason:?}");
    // One's own message, sent back.
    let (ours, first) = Renewal::client(&new.0, b"run 1").unwrap();
    assert_eq!(ours.exchange(first).map(|_| ()), Err(RenewError::Misrouted));
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let (parties, public) = deal(2, 2);
    let order = Parties::default();
    let refused = |party: &Party, public: &PublicKeyPackage| {
        client_share(signing(1), order, party, public).map(|_| ()).unwrap_err()
    };
    assert_eq!(refused(&parties[1], &public), ImportError::Role { expected: Role::Client });
    let other_parties = Parties { client: 1, custodian: 3 };
    let other_parties = client_share(signing(1), other_parties, &parties[0], &public).map(|_| ());
    assert_eq!(other_parties, Err(ImportError::OtherParties));
    let backup = key_id(common::wallet(), Purpose::Backup, 1);
    let backup = client_share(backup, order, &parties[0], &public).map(|_| ());
    assert_eq!(backup, Err(ImportError::Purpose { found: Purpose::Backup }));

    let other = deal(2, 2);
    assert_eq!(refused(&parties[0], &other.1), ImportError::OtherKey);
    let shares = [1, 2].map(|i| (index(i), *other.1.verifying_share(index(i)).unwrap()));
    let two = Parameters::new(2, 2).unwrap();
    let tampered = PublicKeyPackage::new(*public.verifying_key(), shares.into(), two);
    assert_eq!(refused(&parties[0], &tampered), ImportError::Inconsistent);
    for secret in [parties[1].poly_point, other.0[0].poly_point] {
        let mut tampered = parties[0].clone();
        tampered.poly_point = secret;
        let refused = refused(&tampered, &public);
        assert_eq!(refused, ImportError::Share(ShareError::NotCommitted));
    }
    let child = parties[0].derive_from_path("m/1/2", compute_eth_address).unwrap();
    assert_eq!(refused(&child, &public), ImportError::Derived { depth: 2 });
    let (three, public_of_three) = deal(2, 3);
    assert_eq!(refused(&three[0], &public_of_three), ImportError::Parties { found: 3 });
}

#[test]
fn only_signing_shares_on_the_curve_are_given_out() {
    let backup = key_id(common::wallet(), Purpose::Backup, 1);
    let (client, custodian) = dealt(CurveId::Secp256k1, backup);
    let refused = Renewal::client(&client, b"").map(|_| ());
    assert_eq!(refused, Err(ExportError::BackupShare));
    let refused = Renewal::custodian(&custodian, b"").map(|_| ());
    assert_eq!(refused, Err(ExportError::BackupShare));
    let (client, _) = dealt(CurveId::Ed25519, signing(1));
    let curve = ExportError::Curve { expected: CurveId::Secp256k1, found: CurveId::Ed25519 };
    assert_eq!(Renewal::client(&client, b"").map(|_| ()), Err(curve));
}

#[test]
fn the_chain_code_is_durable_and_the_party_is_not() {
    let kept = attachments(&STORY.chain_code);
    let classes: Vec<_> = kept.iter().map(|kept| (kept.name(), kept.class())).collect();
    assert_eq!(
        classes,
        [(PARTY, AttachmentClass::PerDevice), (CHAIN_CODE, AttachmentClass::Durable)]
    );
    assert_eq!(chain_code(&kept), Ok(Some(STORY.chain_code)));
    assert_eq!(chain_code(&[]), Ok(None));
}
