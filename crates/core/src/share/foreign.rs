use core::fmt;

use k256::elliptic_curve::Field;
use thiserror::Error;

use super::{Commitment, CommitmentError, HasRole, KeyId, Share, ShareError};
use crate::{
    curve::{Curve, SCALAR_LEN, SecretScalar, VerifyingKey, wiping},
    id::Role,
};

/// A sharing of a key between two parties that another library made, as far as it is public: a linear
/// one, `x = λ₁·s₁ + λ₂·s₂`.
///
/// Either party makes its half of *our* sharing out of its own, without a word to the other:
/// `f(1) = λ₁/2 · s₁` and `f(2) = −λ₂ · s₂` lie on one line, whose value at 0 is `x`. A sharing of two
/// among more than two has no such form: the shares of the others would stay alive.
pub struct ForeignSharing<C: Curve> {
    client: Part<C>,
    custodian: Part<C>,
}

/// `λ` and `s·G` of one party.
#[derive(Clone, Copy)]
struct Part<C: Curve> {
    coefficient: C::Scalar,
    point: VerifyingKey<C>,
}

impl<C: Curve> ForeignSharing<C> {
    /// The key is the sum of two parts, of which these are the public sides.
    #[must_use]
    pub fn additive(client: VerifyingKey<C>, custodian: VerifyingKey<C>) -> Self {
        let part = |point| Part { coefficient: C::Scalar::ONE, point };
        Self { client: part(client), custodian: part(custodian) }
    }

    /// The parts are the values of a line at two indices, and the key is its value at 0 (Shamir 1979).
    /// An index is a scalar of 32 bytes in the curve's byte order.
    ///
    /// # Errors
    ///
    /// See [`IndexError`].
    pub fn shamir(
        client: (&[u8; SCALAR_LEN], VerifyingKey<C>),
        custodian: (&[u8; SCALAR_LEN], VerifyingKey<C>),
    ) -> Result<Self, IndexError> {
        let index = |bytes| {
            C::scalar_from_bytes(bytes)
                .filter(|index| !bool::from(index.is_zero()))
                .ok_or(IndexError::OutOfRange)
        };
        let (ours, theirs) = (index(client.0)?, index(custodian.0)?);
        let over: Option<C::Scalar> = (theirs - ours).invert().into();
        let over = over.ok_or(IndexError::Equal)?;
        Ok(Self {
            client: Part { coefficient: theirs * over, point: client.1 },
            custodian: Part { coefficient: -(ours * over), point: custodian.1 },
        })
    }

    /// The commitment of our sharing, and with it the key.
    ///
    /// # Errors
    ///
    /// See [`CommitmentError`]: what is no sharing of a key, or one of whose parts says everything.
    pub fn commitment(&self) -> Result<Commitment<C>, CommitmentError> {
        let part = |part: &Part<C>| *part.point.point() * part.coefficient;
        let (ours, theirs) = (part(&self.client), part(&self.custodian));
        let key = VerifyingKey::from_point(ours + theirs).map_err(CommitmentError::Key)?;
        Commitment::from_points(key, ours * half::<C>() - key.point())
    }

    /// The share of our sharing out of this role's part, once that is found to be the one whose public
    /// side is known. 32 bytes in the curve's byte order.
    ///
    /// # Errors
    ///
    /// See [`ShareError`].
    pub fn share<R: HasRole>(&self, id: KeyId, part: &[u8]) -> Result<Share<C, R>, ShareError> {
        let commitment = self.commitment()?;
        let bytes = part
            .try_into()
            .map_err(|_| ShareError::Length { expected: SCALAR_LEN, found: part.len() })?;
        wiping(|| {
            let part = SecretScalar::<C>::from_bytes(bytes).ok_or(ShareError::OutOfRange)?;
            let factor = match R::ROLE {
                Role::Client => self.client.coefficient * half::<C>(),
                Role::Custodian => -self.custodian.coefficient,
            };
            // Says of the part what it says of the share: the factor is not zero.
            let value = part.mul(&factor);
            commitment.verify(R::ROLE, &value)?;
            Ok(Share::from_parts(id, commitment, value))
        })
    }
}

fn half<C: Curve>() -> C::Scalar {
    C::Scalar::ONE.double().invert().expect("the order of the group is odd")
}

impl<C: Curve> fmt::Debug for ForeignSharing<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignSharing")
            .field("client", &self.client.point)
            .field("custodian", &self.custodian.point)
            .finish()
    }
}

/// Why two indices are none of a sharing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum IndexError {
    /// Zero, at which the key itself would be, or not below the order of the group: damaged.
    #[error("an index is zero or not below the order of the group")]
    OutOfRange,
    /// Both parties have the same index, and one could not do without a third: not a sharing between
    /// two.
    #[error("both parties have the same index")]
    Equal,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        curve::{
            SigningKey,
            testing::{on_every_curve, rng},
        },
        id::{Epoch, Purpose, Sharing, WalletId},
        share::{Client, Custodian, reconstruct},
    };

    on_every_curve! {
        parts_of_a_sum_are_shares_of_it,
        shares_at_any_two_indices_are_ours,
        ours_are_left_as_they_are,
        other_parts_and_indices_are_refused,
    }

    fn id() -> KeyId {
        let wallet = WalletId::from_bytes([7; 16]);
        let sharing = Sharing { wallet, purpose: Purpose::Signing, epoch: Epoch::FIRST };
        KeyId { sharing, index: 0 }
    }

    fn random<C: Curve>(seed: u8) -> SecretScalar<C> {
        SecretScalar::make(&mut rng(seed))
    }

    fn public<C: Curve>(secret: &SecretScalar<C>) -> VerifyingKey<C> {
        VerifyingKey::from_point(secret.mul_base()).unwrap()
    }

    /// Both halves give back `key`.
    fn gives_back<C: Curve>(
        foreign: &ForeignSharing<C>,
        parts: [&SecretScalar<C>; 2],
        key: &SecretScalar<C>,
    ) {
        let [ours, theirs] = parts.map(SecretScalar::to_bytes);
        let client = foreign.share::<Client>(id(), &*ours).unwrap();
        let custodian = foreign.share::<Custodian>(id(), &*theirs).unwrap();
        let again = reconstruct(&client, &custodian, &public(key)).unwrap();
        assert_eq!(*again.scalar().to_bytes(), *key.to_bytes());
    }

    fn parts_of_a_sum_are_shares_of_it<C: Curve>() {
        proptest!(|(seed: u8)| {
            let (ours, theirs) = (random::<C>(seed), random::<C>(seed.wrapping_add(1)));
            let foreign = ForeignSharing::additive(public(&ours), public(&theirs));
            gives_back(&foreign, [&ours, &theirs], &ours.add(&theirs));
        });
    }

    fn shares_at_any_two_indices_are_ours<C: Curve>() {
        proptest!(|(seed: u8)| {
            let [key, slope, first, second] =
                [0, 1, 2, 3].map(|offset| random::<C>(seed.wrapping_add(offset)));
            let at = |index: &SecretScalar<C>| key.add(&slope.mul(index.expose_scalar()));
            let (ours, theirs) = (at(&first), at(&second));
            let foreign = ForeignSharing::shamir(
                (&first.to_bytes(), public(&ours)),
                (&second.to_bytes(), public(&theirs)),
            );
            gives_back(&foreign.unwrap(), [&ours, &theirs], &key);
        });
    }

    fn ours_are_left_as_they_are<C: Curve>() {
        let key = SigningKey::<C>::make(&mut rng(1));
        let (client, custodian) = crate::share::split(&key, id(), &mut rng(2));
        let index = |number: u64| C::scalar_to_bytes(&C::Scalar::from(number));
        let public = [public(client.value()), public(custodian.value())];
        let foreign =
            ForeignSharing::shamir((&index(1), public[0]), (&index(2), public[1])).unwrap();
        assert_eq!(&foreign.commitment().unwrap(), client.commitment());
        let again = foreign.share::<Client>(id(), &*client.value().to_bytes()).unwrap();
        assert_eq!(*again.value().to_bytes(), *client.value().to_bytes());
        let again = foreign.share::<Custodian>(id(), &*custodian.value().to_bytes()).unwrap();
        assert_eq!(*again.value().to_bytes(), *custodian.value().to_bytes());
    }

    fn other_parts_and_indices_are_refused<C: Curve>() {
        let (ours, theirs) = (random::<C>(1), random::<C>(2));
        let foreign = ForeignSharing::additive(public(&ours), public(&theirs));
        let refused = |part: &SecretScalar<C>| {
            foreign.share::<Client>(id(), &*part.to_bytes()).map(|_| ()).unwrap_err()
        };
        assert_eq!(refused(&theirs), ShareError::NotCommitted);
        assert_eq!(refused(&ours.double()), ShareError::NotCommitted);
        let short = foreign.share::<Client>(id(), &[1; 31]).map(|_| ()).unwrap_err();
        assert_eq!(short, ShareError::Length { expected: 32, found: 31 });
        let above = foreign.share::<Client>(id(), &[0xff; 32]).map(|_| ()).unwrap_err();
        assert_eq!(above, ShareError::OutOfRange);

        let opposite = public(&SecretScalar::new(-*ours.expose_scalar()));
        let nothing = ForeignSharing::additive(public(&ours), opposite);
        assert!(matches!(nothing.commitment(), Err(CommitmentError::Key(_))));

        let shamir = |first: &[u8; 32], second: &[u8; 32]| {
            ForeignSharing::shamir((first, public(&ours)), (second, public(&theirs)))
                .map(|_| ())
                .unwrap_err()
        };
        let one = C::scalar_to_bytes(&C::Scalar::ONE);
        assert_eq!(shamir(&[0; 32], &one), IndexError::OutOfRange);
        assert_eq!(shamir(&one, &[0xff; 32]), IndexError::OutOfRange);
        assert_eq!(shamir(&one, &one), IndexError::Equal);
    }
}
