//! What is ours.

use std::hint::black_box;

use pollster::block_on;
use rand::{SeedableRng, rngs::ChaCha20Rng};
use twoshare_core::{
    curve::{AnySigningKey, AnyVerifyingKey, Curve, Ed25519, Secp256k1, SigningKey},
    envelope::{Envelope, Expected, Header, Opened, Payload, Sealed, Slot, SlotTable, seal},
    id::{CurveId, Epoch, OperationId, Purpose, Role, Sharing, WalletId, WalletKind},
    identity::CustodianKeys,
    method::RecoveryCode,
    proof::{Operation, Stage, Statement},
    reshare::{ClientOffered, Context, CustodianCommitted, Item, Offer, Response},
    share::{
        AnyClientShare, AnyCommitment, AnyCustodianShare, ClientShare, CustodianShare, KeyId,
        reconstruct, split as deal,
    },
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

/// Which key of which wallet is worked on.
#[must_use]
pub fn id() -> KeyId {
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

/// A refresh of one key's backup pair, both parties: the client's proof of its old share and the
/// custodian's of its new one, each made and checked; the early commitment; both messages through
/// their bytes; and the commit's proof of the client's new share. What is not in it is the sealing
/// of messages and of what is stored.
pub(crate) fn reshare(curve: CurveId) -> Work {
    let mut rng = rng();
    let refresh = Refresh::new(curve, &mut rng);
    Box::new(move || {
        black_box(refresh.run(&mut rng));
    })
}

/// What both parties know when a refresh begins.
#[derive(Debug)]
pub struct Refresh {
    /// The exchange.
    pub context: Context,
    /// The client's present share.
    pub client: AnyClientShare,
    /// The custodian's present share.
    pub custodian: AnyCustodianShare,
    /// What the client's proof of its present share is bound to.
    pub present: Statement,
}

impl Refresh {
    /// A new key, in two shares.
    ///
    /// # Panics
    ///
    /// Never: the epochs are not zero.
    #[must_use]
    pub fn new(curve: CurveId, rng: &mut ChaCha20Rng) -> Self {
        let key = AnySigningKey::make(curve, rng);
        let (client, custodian) = key.split(id(), rng);
        let stage =
            |epoch| Stage { purpose: Purpose::Backup, epoch: Epoch::new(epoch).expect("not zero") };
        let context = Context {
            custodian: [1; 32],
            user: "user".to_owned(),
            wallet: id().sharing.wallet,
            kind: WalletKind::Mpc,
            operation: Operation::Refresh,
            operation_id: OperationId::from_bytes([2; 16]),
            items: vec![Item { index: 0, curve, from: stage(1), to: stage(2) }],
        };
        let present = context.statement(vec![client.commitment()], [3; 32], [4; 32], [5; 32]);
        Self { context, client, custodian, present }
    }

    fn run(&self, rng: &mut ChaCha20Rng) -> (Vec<AnyClientShare>, Vec<AnyCustodianShare>) {
        const HONEST: &str = "both parties are honest";
        let clients = std::slice::from_ref(&self.client);
        let custodians = std::slice::from_ref(&self.custodian);
        let (committed, early) = CustodianCommitted::new(self.context.clone(), rng).expect(HONEST);

        let (offered, offer) =
            ClientOffered::new(self.context.clone(), &early, clients, rng).expect(HONEST);
        let proof = self.client.prove(&self.present, rng);
        let offer = offer.to_bytes();

        let offer = Offer::from_bytes(offer.expose_secret()).expect(HONEST);
        possession(&self.custodian.commitment(), Role::Client, &self.present, &proof);
        let (new_custodians, response) = committed.respond(&offer, custodians).expect(HONEST);
        let new_share = new_custodians.first().expect(HONEST);
        let pending = self.pending(new_share.commitment());
        let proof = new_share.prove(&pending, rng);
        let response = response.to_bytes();

        let response = Response::from_bytes(response.expose_secret()).expect(HONEST);
        let reshared = offered.finish(&response, &[]).expect(HONEST);
        let pending = self.pending(reshared.commitments().remove(0));
        let new_clients = reshared.accept(&pending, &[proof]).expect(HONEST);
        let proof = new_clients.first().expect(HONEST).prove(&pending, rng);

        possession(&new_share.commitment(), Role::Client, &pending, &proof);
        (new_clients, new_custodians)
    }

    /// What proofs of the new shares are bound to.
    #[must_use]
    pub fn pending(&self, commitment: AnyCommitment) -> Statement {
        self.context.statement(vec![commitment], [3; 32], [4; 32], [5; 32])
    }
}

fn possession(
    commitment: &AnyCommitment,
    role: Role,
    statement: &Statement,
    proof: &twoshare_core::proof::Proof,
) {
    commitment
        .verify_possession(role, Purpose::Backup, 0, statement, proof)
        .expect("both parties are honest");
}

/// A wallet of one key and an envelope with one slot, of a recovery code: the method whose own work
/// is nothing, so that what is measured is the slot's.
#[derive(Debug)]
pub struct Kept {
    /// The envelope's header.
    pub header: Header,
    /// What it keeps.
    pub payload: Payload,
    /// The method.
    pub code: RecoveryCode,
    /// Its slot.
    pub slots: SlotTable,
    /// The envelope.
    pub sealed: Sealed,
}

impl Kept {
    /// A new wallet, sealed.
    ///
    /// # Panics
    ///
    /// The library is broken.
    #[must_use]
    pub fn new(rng: &mut ChaCha20Rng) -> Self {
        let (client, _) = AnySigningKey::make(CurveId::Secp256k1, rng).split(id(), rng);
        let KeyId { sharing, .. } = id();
        let header = Header::new(sharing.wallet, sharing.epoch, 0);
        let payload = Payload {
            kind: WalletKind::Mpc,
            keys: vec![client],
            secrets: Vec::new(),
            attachments: Vec::new(),
            custodian: *CustodianKeys::make(rng).identity(),
        };
        let code = RecoveryCode::make(rng);
        let mut slots = SlotTable::new();
        slots.add(make(&code, &payload.verifying_keys(), rng)).expect(FITS);
        let sealed = seal(&header, &payload, &slots, rng).expect(FITS);
        Self { header, payload, code, slots, sealed }
    }

    /// Makes another slot, with its key tag.
    #[must_use]
    pub fn make_slot(&self, rng: &mut ChaCha20Rng) -> Slot {
        make(&self.code, &self.payload.verifying_keys(), rng)
    }

    /// Encrypts again for the slot.
    ///
    /// # Panics
    ///
    /// The library is broken.
    #[must_use]
    pub fn seal(&self, rng: &mut ChaCha20Rng) -> Sealed {
        seal(&self.header, &self.payload, &self.slots, rng).expect(FITS)
    }

    /// Reads and opens the envelope, and checks the key tag and the share.
    ///
    /// # Panics
    ///
    /// The library is broken.
    #[must_use]
    pub fn open(&self) -> Opened {
        let envelope = Envelope::from_bytes(black_box(&self.sealed.bytes)).expect(FITS);
        block_on(envelope.open(&self.code, &Expected::default())).expect(FITS)
    }
}

const FITS: &str = "the envelope is as it should be";

fn make(code: &RecoveryCode, keys: &[AnyVerifyingKey], rng: &mut ChaCha20Rng) -> Slot {
    block_on(Slot::make(code, id().sharing.wallet, keys, rng)).expect(FITS)
}

pub(crate) fn seal_envelope() -> Work {
    let mut rng = rng();
    let kept = Kept::new(&mut rng);
    Box::new(move || {
        black_box(kept.seal(&mut rng));
    })
}

pub(crate) fn make_slot() -> Work {
    let mut rng = rng();
    let kept = Kept::new(&mut rng);
    Box::new(move || {
        black_box(kept.make_slot(&mut rng));
    })
}

pub(crate) fn open_envelope() -> Work {
    let kept = Kept::new(&mut rng());
    Box::new(move || {
        black_box(kept.open());
    })
}
