//! frost-secp256k1 3 and frost-ed25519 3: the dealer's sharing, and the refresh by distributed key
//! generation.

use std::hint::black_box;

use frost_secp256k1::rand_core;
use rand::rngs::ChaCha20Rng;
use twoshare_core::id::CurveId;

use crate::{ours::rng, pair::Work};

/// The random generator of all the others, for a library of the generation of rand_core 0.6.
struct Old(ChaCha20Rng);

impl rand_core::RngCore for Old {
    fn next_u32(&mut self) -> u32 {
        rand::Rng::next_u32(&mut self.0)
    }

    fn next_u64(&mut self) -> u64 {
        rand::Rng::next_u64(&mut self.0)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        rand::Rng::fill_bytes(&mut self.0, bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl rand_core::CryptoRng for Old {}

macro_rules! on {
    ($curve:expr, $function:ident) => {
        match $curve {
            CurveId::Secp256k1 => secp256k1::$function(),
            CurveId::Ed25519 => ed25519::$function(),
        }
    };
}

pub(crate) fn split(curve: CurveId) -> Work {
    on!(curve, split)
}

pub(crate) fn verify(curve: CurveId) -> Work {
    on!(curve, verify)
}

pub(crate) fn whole(curve: CurveId) -> Work {
    on!(curve, whole)
}

pub(crate) fn refresh(curve: CurveId) -> Work {
    on!(curve, refresh)
}

macro_rules! of {
    ($module:ident, $frost:ident) => {
        mod $module {
            use std::collections::BTreeMap;

            use $frost::{
                Identifier, SigningKey, VerifyingKey,
                keys::{
                    IdentifierList, KeyPackage, PublicKeyPackage, SecretShare, reconstruct,
                    refresh::{refresh_dkg_part1, refresh_dkg_part2, refresh_dkg_shares},
                },
            };

            use super::*;

            fn key() -> SigningKey {
                SigningKey::new(&mut Old(rng()))
            }

            fn dealt(
                key: &SigningKey,
                rng: &mut Old,
            ) -> (BTreeMap<Identifier, SecretShare>, PublicKeyPackage) {
                $frost::keys::split(key, 2, 2, IdentifierList::Default, rng).expect("two of two")
            }

            pub(super) fn split() -> Work {
                let (key, mut rng) = (key(), Old(rng()));
                Box::new(move || {
                    black_box(dealt(black_box(&key), &mut rng));
                })
            }

            pub(super) fn verify() -> Work {
                let (shares, _) = dealt(&key(), &mut Old(rng()));
                let (_, share) = shares.into_iter().next().expect("two of two");
                Box::new(move || {
                    let package = KeyPackage::try_from(black_box(&share).clone());
                    black_box(package).expect("it was split just now");
                })
            }

            pub(super) fn whole() -> Work {
                let (key, mut rng) = (key(), Old(rng()));
                let public = VerifyingKey::from(&key);
                Box::new(move || {
                    let (shares, _) = dealt(black_box(&key), &mut rng);
                    let packages: Vec<KeyPackage> = shares
                        .into_values()
                        .map(|share| KeyPackage::try_from(share).expect("it was split just now"))
                        .collect();
                    let again = reconstruct(&packages).expect("two of two");
                    assert!(VerifyingKey::from(&again) == *black_box(&public));
                })
            }

            /// Both participants, all three parts; the packages they begin with are decoded.
            pub(super) fn refresh() -> Work {
                let mut rng = Old(rng());
                let (shares, public) = dealt(&key(), &mut rng);
                let packages: BTreeMap<Identifier, KeyPackage> = shares
                    .into_iter()
                    .map(|(id, share)| (id, KeyPackage::try_from(share).expect("just split")))
                    .collect();
                Box::new(move || {
                    let mut first = BTreeMap::new();
                    let mut first_secret = BTreeMap::new();
                    for id in packages.keys() {
                        let (secret, package) =
                            refresh_dkg_part1(*id, 2, 2, &mut rng).expect("two of two");
                        first.insert(*id, package);
                        first_secret.insert(*id, secret);
                    }
                    let others = |id: &Identifier| {
                        let mut others = first.clone();
                        others.remove(id);
                        others
                    };
                    let mut second_secret = BTreeMap::new();
                    let mut second: BTreeMap<Identifier, BTreeMap<Identifier, _>> = BTreeMap::new();
                    for (id, secret) in first_secret {
                        let (secret, sent) =
                            refresh_dkg_part2(secret, &others(&id)).expect("two of two");
                        second_secret.insert(id, secret);
                        for (to, package) in sent {
                            second.entry(to).or_default().insert(id, package);
                        }
                    }
                    for (id, package) in &packages {
                        let refreshed = refresh_dkg_shares(
                            second_secret.get(id).expect("made above"),
                            &others(id),
                            second.get(id).expect("made above"),
                            black_box(&public).clone(),
                            package.clone(),
                        );
                        black_box(refreshed).expect("honest participants");
                    }
                })
            }
        }
    };
}

of!(secp256k1, frost_secp256k1);
of!(ed25519, frost_ed25519);
