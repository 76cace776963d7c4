//! What is ours.

use std::hint::black_box;

use rand::{SeedableRng, rngs::ChaCha20Rng};
use twoshare_core::{
    curve::{Curve, Ed25519, Secp256k1, SigningKey},
    id::{CurveId, Epoch, Purpose, Sharing, WalletId},
    share::{ClientShare, CustodianShare, KeyId, reconstruct, split as deal},
};

use crate::pair::Work;

pub(crate) fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

/// The same function on the curve that is known at run time only.
macro_rules! on {
    ($curve:expr, $function:ident) => {
        match $curve {
            CurveId::Secp256k1 => $function::<Secp256k1>(),
            CurveId::Ed25519 => $function::<Ed25519>(),
        }
    };
}

fn id() -> KeyId {
    let wallet = WalletId::from_bytes([7; 16]);
    KeyId { sharing: Sharing { wallet, purpose: Purpose::Backup, epoch: Epoch::FIRST }, index: 0 }
}

pub(crate) fn split(curve: CurveId) -> Work {
    fn work<C: Curve>() -> Work {
        let mut rng = rng();
        let key = SigningKey::<C>::make(&mut rng);
        Box::new(move || {
            black_box(deal(black_box(&key), id(), &mut rng));
        })
    }
    on!(curve, work)
}

pub(crate) fn verify(curve: CurveId) -> Work {
    fn work<C: Curve>() -> Work {
        let mut rng = rng();
        let key = SigningKey::<C>::make(&mut rng);
        let (share, _) = deal(&key, id(), &mut rng);
        let (commitment, value) = (share.commitment().clone(), share.expose_secret());
        Box::new(move || {
            let value = black_box(&value).expose_secret();
            let share = ClientShare::<C>::new(id(), black_box(&commitment).clone(), value);
            black_box(share).expect("it was split just now");
        })
    }
    on!(curve, work)
}

/// Each share goes through its bytes on the way, as it would to another machine; the commitment is
/// decoded already.
pub(crate) fn whole(curve: CurveId) -> Work {
    fn work<C: Curve>() -> Work {
        let mut rng = rng();
        let key = SigningKey::<C>::make(&mut rng);
        Box::new(move || {
            let (client, custodian) = deal(black_box(&key), id(), &mut rng);
            let client = ClientShare::<C>::new(
                id(),
                client.commitment().clone(),
                client.expose_secret().expose_secret(),
            )
            .expect("it was split just now");
            let custodian = CustodianShare::<C>::new(
                id(),
                custodian.commitment().clone(),
                custodian.expose_secret().expose_secret(),
            )
            .expect("it was split just now");
            let again = reconstruct(&client, &custodian, black_box(&key).verifying_key());
            black_box(again).expect("it was split just now");
        })
    }
    on!(curve, work)
}
