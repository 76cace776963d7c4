//! FROST's own key generation and signing, with a backup and a recovery of ours in between, for each of its
//! ciphersuites.

#![cfg(all(feature = "frost-ed25519", feature = "frost-secp256k1-tr"))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

mod common;

use rand_core_06::OsRng;
use twoshare_core::{
    id::{CurveId, Purpose, Role, WalletId},
    share::{AnyShare, ShareError},
};
use twoshare_interop::{ExportError, ImportError};

use common::{Pair, dealt, key_id, recover, signing};

const MESSAGE: &[u8] = b"pay 1 to bob";

/// The tests that are the same for every ciphersuite.
macro_rules! ciphersuite {
    ($tests:ident, $suite:ident, $curve:expr, $verify:path) => {
        mod $tests {
            use std::collections::BTreeMap;

            use ::$suite::{
                Error, Identifier, SigningPackage, aggregate,
                keys::{
                    IdentifierList, KeyPackage, PublicKeyPackage, SigningShare, VerifyingShare,
                    dkg, generate_with_dealer,
                },
                round1, round2,
            };
            use twoshare_interop::$suite::{
                Parties, client_key_package, client_share, custodian_key_package, custodian_share,
                public_key_package,
            };

            use super::*;

            type Packages = (BTreeMap<Identifier, KeyPackage>, PublicKeyPackage);

            fn id(number: u16) -> Identifier {
                number.try_into().unwrap()
            }

            /// Their distributed key generation between these two.
            pub(super) fn generate(one: Identifier, other: Identifier) -> Packages {
                let (secret_1, package_1) = dkg::part1(one, 2, 2, OsRng).unwrap();
                let (secret_2, package_2) = dkg::part1(other, 2, 2, OsRng).unwrap();
                let (from_1, from_2) =
                    (BTreeMap::from([(one, package_1)]), BTreeMap::from([(other, package_2)]));
                let (secret_1, to_2) = dkg::part2(secret_1, &from_2).unwrap();
                let (secret_2, to_1) = dkg::part2(secret_2, &from_1).unwrap();
                let to_1 = BTreeMap::from([(other, to_1[&one].clone())]);
                let to_2 = BTreeMap::from([(one, to_2[&other].clone())]);
                let (first, public) = dkg::part3(&secret_1, &from_2, &to_1).unwrap();
                let (second, same) = dkg::part3(&secret_2, &from_1, &to_2).unwrap();
                assert_eq!(public, same);
                (BTreeMap::from([(one, first), (other, second)]), public)
            }

            /// Their dealer.
            fn deal(max: u16, min: u16, identifiers: IdentifierList) -> Packages {
                let (shares, public) = generate_with_dealer(max, min, identifiers, OsRng).unwrap();
                let package = |share| KeyPackage::try_from(share).unwrap();
                (shares.into_iter().map(|(id, share)| (id, package(share))).collect(), public)
            }

            /// Their signing, between two.
            fn sign(
                packages: [&KeyPackage; 2],
                public: &PublicKeyPackage,
            ) -> Result<Vec<u8>, Error> {
                let (mut nonces, mut commitments) = (Vec::new(), BTreeMap::new());
                for package in packages {
                    let (nonce, commitment) = round1::commit(package.signing_share(), &mut OsRng);
                    nonces.push(nonce);
                    commitments.insert(*package.identifier(), commitment);
                }
                let signing = SigningPackage::new(commitments, MESSAGE);
                let mut shares = BTreeMap::new();
                for (package, nonce) in packages.iter().zip(&nonces) {
                    shares.insert(*package.identifier(), round2::sign(&signing, nonce, package)?);
                }
                aggregate(&signing, &shares, public)?.serialize()
            }

            /// Both sides' shares, taken over.
            fn import(
                (packages, public): &Packages,
                parties: Parties,
            ) -> Result<Pair, ImportError> {
                let mine = &packages[&parties.client];
                let theirs = &packages[&parties.custodian];
                let client = client_share(signing(1), &parties, mine, public)?;
                let custodian = custodian_share(signing(1), &parties, theirs, public)?;
                Ok((client.into(), custodian.into()))
            }

            /// A signature of this pair, checked by a verifier that is not FROST's.
            fn signs(pair: &Pair, key: &[u8]) {
                let packages =
                    [client_key_package(&pair.0).unwrap(), custodian_key_package(&pair.1).unwrap()];
                let public = public_key_package(&pair.0).unwrap();
                assert_eq!(public, public_key_package(&pair.1).unwrap());
                let signature = sign([&packages[0], &packages[1]], &public).unwrap();
                $verify(key, &signature);
            }

            fn key(public: &PublicKeyPackage) -> Vec<u8> {
                public.verifying_key().serialize().unwrap()
            }

            #[test]
            fn any_key_of_theirs_is_backed_up_recovered_and_signs() {
                let named = |name: &str| Identifier::derive(name.as_bytes()).unwrap();
                let (phone, server) = (named("phone"), named("server"));
                let in_order = Parties::default();
                let reversed = Parties { client: id(2), custodian: id(1) };
                let other = Parties { client: phone, custodian: server };
                let runs = (0..4).flat_map(|_| {
                    [
                        (generate(id(1), id(2)), in_order),
                        (deal(2, 2, IdentifierList::Default), in_order),
                        (deal(2, 2, IdentifierList::Default), reversed),
                        (generate(phone, server), other),
                        (deal(2, 2, IdentifierList::Custom(&[server, phone])), other),
                    ]
                });
                for (packages, parties) in runs {
                    let pair = import(&packages, parties).unwrap();
                    let key = key(&packages.1);
                    assert_eq!(pair.0.verifying_key().to_bytes(), key);
                    signs(&pair, &key);
                    let again = recover(&pair);
                    signs(&again, &key);
                    signs(&recover(&again), &key);
                }
            }

            #[test]
            fn a_wallet_of_ours_signs_before_and_after() {
                let pair = dealt($curve, signing(1));
                let key = pair.0.verifying_key().to_bytes();
                signs(&pair, &key);
                signs(&recover(&pair), &key);
            }

            #[test]
            fn packages_come_back_as_they_were() {
                for packages in [generate(id(1), id(2)), deal(2, 2, IdentifierList::Default)] {
                    let (client, custodian) = import(&packages, Parties::default()).unwrap();
                    let (packages, public) = packages;
                    assert_eq!(client_key_package(&client).unwrap(), packages[&id(1)]);
                    assert_eq!(custodian_key_package(&custodian).unwrap(), packages[&id(2)]);
                    assert_eq!(public_key_package(&client).unwrap(), public);
                }
            }

            #[test]
            fn old_and_new_shares_sign_nothing() {
                let pair = import(&generate(id(1), id(2)), Parties::default()).unwrap();
                let new = recover(&pair);
                let clients = [&pair.0, &new.0].map(|share| client_key_package(share).unwrap());
                let custodians =
                    [&pair.1, &new.1].map(|share| custodian_key_package(share).unwrap());
                for (mine, theirs) in [(0, 1), (1, 0)] {
                    for share in [&pair.0, &new.0] {
                        let public = public_key_package(share).unwrap();
                        let signed = sign([&clients[mine], &custodians[theirs]], &public);
                        let Err(Error::InvalidSignatureShare { culprits }) = signed else {
                            panic!("{signed:?}");
                        };
                        assert_eq!(culprits.len(), 1);
                    }
                }
            }

            #[test]
            fn what_does_not_fit_is_refused_by_name() {
                let packages = generate(id(1), id(2));
                let (mine, theirs, public) =
                    (&packages.0[&id(1)], &packages.0[&id(2)], &packages.1);
                let parties = Parties::default();
                let refused = |mine: &KeyPackage, public: &PublicKeyPackage| {
                    client_share(signing(1), &parties, mine, public).map(|_| ()).unwrap_err()
                };
                let with = |share: SigningShare, verifying: VerifyingShare| {
                    KeyPackage::new(id(1), share, verifying, *mine.verifying_key(), 2)
                };

                // The wrong role, and both roles the same.
                assert_eq!(refused(theirs, public), ImportError::Role { expected: Role::Client });
                let same = Parties { client: id(1), custodian: id(1) };
                let same = client_share(signing(1), &same, mine, public).map(|_| ());
                assert!(matches!(same, Err(ImportError::Index(_))), "{same:?}");
                let stranger = Parties { client: id(1), custodian: id(3) };
                let stranger = client_share(signing(1), &stranger, mine, public).map(|_| ());
                assert_eq!(stranger, Err(ImportError::OtherParties));

                // A share is a signing share.
                let backup = key_id(common::wallet(), Purpose::Backup, 1);
                let backup = client_share(backup, &parties, mine, public).map(|_| ());
                assert_eq!(backup, Err(ImportError::Purpose { found: Purpose::Backup }));

                // Another wallet's, and another sharing of the same key.
                let other = generate(id(1), id(2));
                assert_eq!(refused(mine, &other.1), ImportError::OtherKey);
                let pair = import(&packages, parties).unwrap();
                let newer = public_key_package(&recover(&pair).0).unwrap();
                assert_eq!(refused(mine, &newer), ImportError::OtherSharing);

                // A tampered verifying share, in one place and in both.
                let foreign = *other.0[&id(1)].verifying_share();
                let tampered = with(*mine.signing_share(), foreign);
                assert_eq!(refused(&tampered, public), ImportError::OtherSharing);
                let mut shares = public.verifying_shares().clone();
                shares.insert(id(1), foreign);
                let both = PublicKeyPackage::new(shares, *public.verifying_key(), Some(2));
                assert_eq!(refused(&tampered, &both), ImportError::Inconsistent);

                // The other party's secret, and another wallet's.
                for secret in [theirs, &other.0[&id(1)]] {
                    let tampered = with(*secret.signing_share(), *mine.verifying_share());
                    let refused = refused(&tampered, public);
                    assert_eq!(refused, ImportError::Share(ShareError::NotCommitted));
                }

                // Other sizes.
                let three = deal(3, 2, IdentifierList::Default);
                let found = refused(&three.0[&id(1)], &three.1);
                assert_eq!(found, ImportError::Parties { found: 3 });
                let threshold = KeyPackage::new(
                    id(1),
                    *mine.signing_share(),
                    *mine.verifying_share(),
                    *mine.verifying_key(),
                    3,
                );
                assert_eq!(refused(&threshold, public), ImportError::Threshold { found: 3 });
            }

            #[test]
            fn only_signing_shares_of_the_curve_are_given_out() {
                let backup = key_id(common::wallet(), Purpose::Backup, 1);
                let (client, custodian) = dealt($curve, backup);
                assert_eq!(client_key_package(&client), Err(ExportError::BackupShare));
                assert_eq!(custodian_key_package(&custodian), Err(ExportError::BackupShare));
                assert_eq!(public_key_package(&client), Err(ExportError::BackupShare));
                for found in CurveId::ALL.iter().filter(|curve| **curve != $curve) {
                    let (client, _) = dealt(*found, signing(1));
                    let curve = ExportError::Curve { expected: $curve, found: *found };
                    assert_eq!(client_key_package(&client), Err(curve));
                }
            }
        }
    };
}

ciphersuite!(ed25519, frost_ed25519, CurveId::Ed25519, verify_rfc8032);
ciphersuite!(taproot, frost_secp256k1_tr, CurveId::Secp256k1, verify_bip340);

fn verify_rfc8032(key: &[u8], signature: &[u8]) {
    let key = ed25519_dalek::VerifyingKey::from_bytes(key.try_into().unwrap()).unwrap();
    let signature = ed25519_dalek::Signature::from_slice(signature).unwrap();
    key.verify_strict(MESSAGE, &signature).unwrap();
}

fn verify_bip340(key: &[u8], signature: &[u8]) {
    let signature = k256::schnorr::Signature::try_from(signature).unwrap();
    // BIP-340 knows a key by its x-coordinate.
    let key = k256::schnorr::VerifyingKey::from_slice(&key[1..]).unwrap();
    key.verify_raw(MESSAGE, &signature).unwrap();
}

/// What BIP-341 does to a key is done once, by whoever did it first.
mod tweaks {
    use frost_secp256k1_tr::{
        SigningPackage, aggregate, aggregate_with_tweak,
        keys::{EvenY, KeyPackage, PublicKeyPackage, Tweak},
        round1, round2,
    };
    use twoshare_interop::frost_secp256k1_tr::{
        Parties, client_key_package, client_share, custodian_key_package, custodian_share,
        public_key_package,
    };

    use super::*;

    fn x_only(public: &PublicKeyPackage) -> Vec<u8> {
        public.verifying_key().serialize().unwrap()[1..].to_vec()
    }

    /// Signs with or without FROST's own tweak.
    fn sign(packages: &[KeyPackage; 2], public: &PublicKeyPackage, tweaks: bool) -> Vec<u8> {
        let mut nonces = Vec::new();
        let mut commitments = std::collections::BTreeMap::new();
        for package in packages {
            let (nonce, commitment) = round1::commit(package.signing_share(), &mut OsRng);
            nonces.push(nonce);
            commitments.insert(*package.identifier(), commitment);
        }
        let signing = SigningPackage::new(commitments, MESSAGE);
        let shares = packages.iter().zip(&nonces).map(|(package, nonce)| {
            let share = if tweaks {
                round2::sign_with_tweak(&signing, nonce, package, None)
            } else {
                round2::sign(&signing, nonce, package)
            };
            (*package.identifier(), share.unwrap())
        });
        let shares = shares.collect();
        let signature = if tweaks {
            aggregate_with_tweak(&signing, &shares, public, None)
        } else {
            aggregate(&signing, &shares, public)
        };
        signature.unwrap().serialize().unwrap()
    }

    /// What a recovery gives back.
    fn recovered(pair: &Pair) -> ([KeyPackage; 2], PublicKeyPackage) {
        let (client, custodian) = recover(pair);
        let packages =
            [client_key_package(&client).unwrap(), custodian_key_package(&custodian).unwrap()];
        (packages, public_key_package(&client).unwrap())
    }

    /// The keys of a distributed generation, tweaked by it, of which half have an odd y.
    fn generated(is_even: bool) -> ([KeyPackage; 2], PublicKeyPackage) {
        loop {
            let (one, other) = (1.try_into().unwrap(), 2.try_into().unwrap());
            let (mut packages, public) = taproot::generate(one, other);
            if public.has_even_y() == is_even {
                let take = |id| packages.remove(id).unwrap();
                return ([&one, &other].map(take), public);
            }
        }
    }

    fn import([mine, theirs]: &[KeyPackage; 2], public: &PublicKeyPackage) -> Pair {
        let parties = Parties::default();
        let client = client_share(signing(1), &parties, mine, public).unwrap();
        let custodian = custodian_share(signing(1), &parties, theirs, public).unwrap();
        (client.into(), custodian.into())
    }

    #[test]
    fn a_tweaked_key_keeps_its_address_whatever_its_y() {
        for is_even in [true, false] {
            let (packages, public) = generated(is_even);
            let (packages_after, after) = recovered(&import(&packages, &public));
            assert_eq!(after.verifying_key(), public.verifying_key());
            assert_eq!(x_only(&after), x_only(&public));
            let key = after.verifying_key().serialize().unwrap();
            verify_bip340(&key, &sign(&packages_after, &after, false));
        }
    }

    /// FROST makes y even inside each signing, and takes packages that are so already.
    #[test]
    fn packages_with_an_even_y_are_taken_as_they_are() {
        let (packages, public) = generated(false);
        let packages = packages.map(|package| package.into_even_y(None));
        let public = public.into_even_y(None);
        let (packages_after, after) = recovered(&import(&packages, &public));
        assert_eq!(after.verifying_key(), public.verifying_key());
        let key = after.verifying_key().serialize().unwrap();
        verify_bip340(&key, &sign(&packages_after, &after, false));
    }

    /// An app that keeps the untweaked key and tweaks in each signing does so after a recovery too.
    #[test]
    fn an_app_that_tweaks_while_signing_keeps_its_address() {
        use frost_secp256k1_tr::keys::{IdentifierList, generate_with_dealer};
        let (shares, public) = generate_with_dealer(2, 2, IdentifierList::Default, OsRng).unwrap();
        let packages: Vec<_> =
            shares.into_values().map(|share| KeyPackage::try_from(share).unwrap()).collect();
        let packages: [KeyPackage; 2] = packages.try_into().unwrap();
        let address = public.clone().tweak::<&[u8]>(None).verifying_key().serialize().unwrap();
        verify_bip340(&address, &sign(&packages, &public, true));
        let (packages_after, after) = recovered(&import(&packages, &public));
        assert_eq!(after.verifying_key(), public.verifying_key());
        verify_bip340(&address, &sign(&packages_after, &after, true));
    }

    /// Tweaking again gives another key, of which nothing here is a share.
    #[test]
    fn a_second_tweak_cannot_slip_in() {
        let (packages, public) = generated(true);
        let (parties, [mine, theirs]) = (Parties::default(), &packages);
        let twice = mine.clone().tweak::<&[u8]>(None);
        let public_twice = public.clone().tweak::<&[u8]>(None);
        assert_ne!(x_only(&public_twice), x_only(&public));

        // One side tweaked, the other not.
        let mixed = client_share(signing(1), &parties, &twice, &public).map(|_| ());
        assert_eq!(mixed, Err(ImportError::OtherKey));
        let mixed = custodian_share(signing(1), &parties, theirs, &public_twice).map(|_| ());
        assert_eq!(mixed, Err(ImportError::OtherKey));
        // With the key of before written over it.
        let forged = KeyPackage::new(
            *twice.identifier(),
            *twice.signing_share(),
            *mine.verifying_share(),
            *mine.verifying_key(),
            2,
        );
        let forged = client_share(signing(1), &parties, &forged, &public).map(|_| ());
        assert_eq!(forged, Err(ImportError::Share(ShareError::NotCommitted)));

        // What comes back was not tweaked: it is equal, bit for bit, and signs for the same address.
        let pair = import(&packages, &public);
        assert_eq!(&client_key_package(&pair.0).unwrap(), mine);
        assert_eq!(public_key_package(&pair.0).unwrap(), public);
        // The app that would tweak it in signing would get a signature under another key.
        let signature = sign(&packages, &public, true);
        let key = public.verifying_key().serialize().unwrap();
        let signature = k256::schnorr::Signature::try_from(signature.as_slice()).unwrap();
        let key = k256::schnorr::VerifyingKey::from_slice(&key[1..]).unwrap();
        assert!(key.verify_raw(MESSAGE, &signature).is_err());
    }
}

/// An adapter's packages are of its own ciphersuite; what is left to mix up are our own shares.
#[test]
fn shares_of_another_wallet_do_not_sign() {
    use twoshare_interop::frost_ed25519::{client_key_package, custodian_key_package};
    let other = key_id(WalletId::from_bytes([8; 16]), Purpose::Signing, 1);
    let (client, _) = dealt(CurveId::Ed25519, signing(1));
    let (_, custodian) = dealt(CurveId::Ed25519, other);
    let mine = client_key_package(&client).unwrap();
    let theirs = custodian_key_package(&custodian).unwrap();
    assert_ne!(mine.verifying_key(), theirs.verifying_key());
    let taken =
        AnyShare::<twoshare_core::share::Client>::from_bytes(custodian.to_bytes().expose_secret());
    assert!(matches!(taken, Err(ShareError::RoleMismatch { .. })), "{taken:?}");
}
