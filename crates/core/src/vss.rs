//! The dealer's polynomial, from vsss-rs. The one module that names that library: its shares print
//! their scalar, compare in variable time and do not wipe themselves, so that none leaves here.

use rand_core::CryptoRng;
use vsss_rs::{IdentifierPrimeField, Polynomial, PrimeFieldShare, Share as _};
use zeroize::Zeroize;

use crate::{
    curve::{Curve, SecretScalar},
    id::Role,
};

/// f(z) = key + slope · z, and its values at the indices of both roles.
pub(crate) struct Dealt<C: Curve> {
    pub(crate) slope: SecretScalar<C>,
    pub(crate) client: SecretScalar<C>,
    pub(crate) custodian: SecretScalar<C>,
}

/// Shares `key` with a random line through it, whose slope is uniform over the whole field.
pub(crate) fn deal<C: Curve, R: CryptoRng + ?Sized>(
    key: &SecretScalar<C>,
    rng: &mut R,
) -> Dealt<C> {
    // The library's `split_secret` would leave the coefficients behind unwiped and multiply a
    // point that it does not know to be the generator; so it is asked for the polynomial alone.
    let mut line: [PrimeFieldShare<C::Scalar>; 2] = Polynomial::create(2);
    let mut intercept = IdentifierPrimeField(*key.expose_scalar());
    line.fill(&intercept, rng, 2).expect("a line has two coefficients");
    intercept.0.zeroize();

    let at = |role: Role| {
        let index = IdentifierPrimeField(C::Scalar::from(u64::from(role.number())));
        let mut value = line.evaluate(&index, 2);
        let scalar = SecretScalar::new(value.0);
        value.0.zeroize();
        scalar
    };
    let (client, custodian) = (at(Role::Client), at(Role::Custodian));
    let [_, linear] = &line;
    let slope = SecretScalar::new(linear.identifier().0);
    for coefficient in &mut line {
        coefficient.identifier.0.zeroize();
        coefficient.value.0.zeroize();
    }
    Dealt { slope, client, custodian }
}

#[cfg(test)]
mod tests {
    use k256::elliptic_curve::{Group, group::GroupEncoding};
    use proptest::prelude::*;
    use vsss_rs::{
        DefaultShare, FeldmanVerifierSet, ReadableShareSet, ShareVerifierGroup, ValueGroup, feldman,
    };

    use super::*;
    use crate::{
        curve::{
            SigningKey, VerifyingKey,
            testing::{on_every_curve, rng},
        },
        id::{Epoch, Purpose, Sharing, WalletId},
        share::{ClientShare, Commitment, CustodianShare, KeyId, reconstruct, split},
    };

    type Scalar<C> = IdentifierPrimeField<<C as crate::curve::Arithmetic>::Scalar>;
    type VsssShare<C> = DefaultShare<Scalar<C>, Scalar<C>>;
    type Verifier<C> = ShareVerifierGroup<<C as crate::curve::Arithmetic>::Point>;

    fn id() -> KeyId {
        let wallet = WalletId::from_bytes([7; 16]);
        KeyId {
            sharing: Sharing { wallet, purpose: Purpose::Backup, epoch: Epoch::FIRST },
            index: 0,
        }
    }

    on_every_curve! {
        what_vsss_splits_we_verify_and_reconstruct,
        what_we_split_vsss_verifies_and_reconstructs,
    }

    fn what_vsss_splits_we_verify_and_reconstruct<C: Curve>()
    where
        C::Point: GroupEncoding + Default,
    {
        proptest!(|(seed: u8)| {
            let key = SigningKey::<C>::make(&mut rng(seed));
            let secret = IdentifierPrimeField(*key.scalar().expose_scalar());
            let (shares, verifiers): (Vec<VsssShare<C>>, Vec<Verifier<C>>) =
                feldman::split_secret(2, 2, &secret, None, &mut rng(!seed)).unwrap();
            let [_, x, a] = verifiers.as_slice() else { panic!("three verifiers") };
            let keys = [x, a].map(|point| VerifyingKey::<C>::from_point(point.0).unwrap());
            let commitment = Commitment::from_keys(keys[0], keys[1]).unwrap();
            let value = |i: usize| C::scalar_to_bytes(&shares[i].value.0);
            let client = ClientShare::new(id(), commitment.clone(), &value(0)).unwrap();
            let custodian = CustodianShare::new(id(), commitment.clone(), &value(1)).unwrap();
            assert!(ClientShare::new(id(), commitment.clone(), &value(1)).is_err());
            assert!(CustodianShare::new(id(), commitment, &value(0)).is_err());
            let again = reconstruct(&client, &custodian, key.verifying_key()).unwrap();
            prop_assert_eq!(again.scalar().to_bytes(), key.scalar().to_bytes());
        });
    }

    fn what_we_split_vsss_verifies_and_reconstructs<C: Curve>()
    where
        C::Point: GroupEncoding + Default,
    {
        proptest!(|(seed: u8)| {
            let key = SigningKey::<C>::make(&mut rng(seed));
            let (client, custodian) = split(&key, id(), &mut rng(!seed));
            let share = |index: u64, value: &SecretScalar<C>| VsssShare::<C> {
                identifier: IdentifierPrimeField(C::Scalar::from(index)),
                value: IdentifierPrimeField(*value.expose_scalar()),
            };
            let shares = vec![share(1, client.value()), share(2, custodian.value())];
            let commitment = client.commitment();
            let verifiers = [
                ValueGroup(C::Point::generator()),
                ValueGroup(*commitment.verifying_key().point()),
                ValueGroup(*commitment.slope().point()),
            ];
            for share in &shares {
                verifiers.verify_share(share).unwrap();
            }
            let again = shares.combine().unwrap();
            prop_assert_eq!(C::scalar_to_bytes(&again.0), *key.scalar().to_bytes());
        });
    }
}
