//! Why messages are sealed and ephemeral keys erased: an old share and the messages since lead to
//! today's share. First that walk, with the messages in plaintext; then the same resharings with
//! sealed messages, for an attacker who has every long-term key besides.

use rand::rngs::ChaCha20Rng;

use super::*;
use crate::{
    curve::{
        AnySigningKey, Curve, SecretScalar,
        testing::{on_every_curve, rng},
    },
    id::{Epoch, OperationId, Purpose, Sharing, WalletId, WalletKind},
    proof::{Operation, Stage},
    reshare::{ClientOffered, Context, CustodianCommitted, Item, Offer, Response},
    share::{AnyClientShare, AnyCustodianShare, AnyShare, HasRole, KeyId},
    wire::Reader,
};

const LAST_EPOCH: u64 = 4;

fn stage(epoch: u64) -> Stage {
    Stage { purpose: Purpose::Backup, epoch: Epoch::new(epoch).unwrap() }
}

fn context<C: Curve>(from: u64) -> Context {
    Context {
        custodian: [1; 32],
        user: "user".to_owned(),
        wallet: WalletId::from_bytes([7; 16]),
        kind: WalletKind::Mpc,
        operation: Operation::Refresh,
        operation_id: OperationId::from_bytes(
            [from.to_be_bytes(), [0; 8]].concat().try_into().unwrap(),
        ),
        items: vec![Item { index: 0, curve: C::ID, from: stage(from), to: stage(from + 1) }],
    }
}

/// A wallet's key, and its shares at one epoch.
struct Wallet {
    key: AnySigningKey,
    client: AnyClientShare,
    custodian: AnyCustodianShare,
}

impl Wallet {
    fn new<C: Curve>(rng: &mut ChaCha20Rng) -> Self {
        let key = AnySigningKey::make(C::ID, rng);
        let Stage { purpose, epoch } = stage(1);
        let sharing = Sharing { wallet: WalletId::from_bytes([7; 16]), purpose, epoch };
        let (client, custodian) = key.split(KeyId { sharing, index: 0 }, rng);
        Self { key, client, custodian }
    }

    /// One resharing; what was said in it, in plaintext.
    fn reshare<C: Curve>(&mut self, from: u64, rng: &mut ChaCha20Rng) -> [SecretBytes; 2] {
        let context = context::<C>(from);
        let (committed, early) = CustodianCommitted::new(context.clone(), rng).unwrap();
        let clients = [self.client.clone()];
        let (offered, offer) = ClientOffered::new(context.clone(), &early, &clients, rng).unwrap();
        let (offer, said) = (offer.to_bytes(), offer.to_bytes());
        let offer = Offer::from_bytes(offer.expose_secret()).unwrap();
        let (custodians, response) =
            committed.respond(&offer, std::slice::from_ref(&self.custodian)).unwrap();
        let answered = response.to_bytes();
        let response = Response::from_bytes(answered.expose_secret()).unwrap();
        let reshared = offered.finish(&response, &[]).unwrap();
        let statement = context.statement(reshared.commitments(), [0; 32], [0; 32], [0; 32]);
        let proof = custodians[0].prove(&statement, rng);
        self.client = reshared.accept(&statement, &[proof]).unwrap().remove(0);
        self.custodian = custodians[0].clone();
        [said, answered]
    }
}

fn value<C: Curve, R: HasRole>(share: &AnyShare<R>) -> SecretScalar<C> {
    let secret = match share {
        AnyShare::Secp256k1(share) => share.expose_secret(),
        AnyShare::Ed25519(share) => share.expose_secret(),
    };
    SecretScalar::from_bytes(secret.expose_secret().try_into().unwrap()).unwrap()
}

/// `g₁(2)` of an offer, or `g₂(1)` of a response: the first field of the first item.
fn sent<C: Curve>(message: &SecretBytes) -> SecretScalar<C> {
    let mut reader = Reader::new(message.expose_secret());
    reader.array(9).unwrap();
    for _ in 0..2 {
        reader.uint().unwrap();
    }
    reader.bytes().unwrap();
    reader.array_of(1).unwrap();
    reader.array(9).unwrap();
    SecretScalar::from_bytes(reader.fixed().unwrap()).unwrap()
}

/// `f′(1) = 2·f(1) + r₁ + g₂(1)` with `r₁ = g₁(2)/2 − f(1)`, that is `f(1) + g₁(2)/2 + g₂(1)`.
fn next_client<C: Curve>(old: &SecretScalar<C>, messages: &[SecretBytes; 2]) -> SecretScalar<C> {
    use k256::elliptic_curve::PrimeField;

    let [offer, response] = messages;
    old.add(&sent(offer).mul(&C::Scalar::TWO_INV)).add(&sent(response))
}

/// `f′(2) = g₁(2) − f(2) + 2·r₂` with `r₂ = g₂(1) + f(2)`, that is `g₁(2) + f(2) + 2·g₂(1)`.
fn next_custodian<C: Curve>(old: &SecretScalar<C>, messages: &[SecretBytes; 2]) -> SecretScalar<C> {
    let [offer, response] = messages;
    sent(offer).add(old).add(&sent(response).double())
}

on_every_curve! {
    an_old_share_and_plaintext_messages_lead_to_todays,
    sealed_and_erased_messages_lead_nowhere,
}

fn an_old_share_and_plaintext_messages_lead_to_todays<C: Curve>() {
    let rng = &mut rng(1);
    let mut wallet = Wallet::new::<C>(rng);
    let mut stolen_client = value::<C, _>(&wallet.client);
    let mut stolen_custodian = value::<C, _>(&wallet.custodian);
    for from in 1..LAST_EPOCH {
        let logged = wallet.reshare::<C>(from, rng);
        stolen_client = next_client(&stolen_client, &logged);
        stolen_custodian = next_custodian(&stolen_custodian, &logged);
    }
    assert_eq!(*stolen_client.to_bytes(), *value::<C, _>(&wallet.client).to_bytes());
    assert_eq!(*stolen_custodian.to_bytes(), *value::<C, _>(&wallet.custodian).to_bytes());
    // Whoever has one old share and breaks into the other party today has the key.
    let key = stolen_client.double().sub(&value(&wallet.custodian));
    assert_eq!(key.to_bytes().as_slice(), wallet.key.expose_secret().expose_secret());
}

/// What crossed the wire in one resharing.
struct Traffic {
    client: EphemeralKey,
    custodian: EphemeralKey,
    context: Vec<u8>,
    sealed: [Vec<u8>; 2],
}

/// Somebody with secret scalars of P-256, and with all that is public.
struct Attacker<'a> {
    secrets: Vec<&'a p256::SecretKey>,
    identity: &'a CustodianIdentity,
}

impl Attacker<'_> {
    /// Tries every pair of agreements that can be computed, in either place of the key schedule,
    /// on both messages, and returns what opened.
    fn open(&self, traffic: &Traffic) -> Option<[SecretBytes; 2]> {
        let identity = self.identity.to_bytes();
        let mut points = vec![traffic.client.0, traffic.custodian.0];
        points.extend(
            [decode_point(&identity[..33]), decode_point(&identity[33..])].map(Option::unwrap),
        );
        points.extend(self.secrets.iter().map(|secret| secret.public_key()));
        let mut agreements: Vec<[u8; 32]> = vec![[0; 32]];
        agreements.extend(points.iter().map(|point| {
            // Not an agreement, but as public as can be: the x-coordinate itself.
            <[u8; 32]>::try_from(&EphemeralKey(*point).to_bytes()[1..]).unwrap()
        }));
        for secret in &self.secrets {
            agreements.push((*Zeroizing::new(secret.to_bytes())).into());
            agreements.extend(points.iter().map(|point| *agree(secret, point)));
        }
        for ephemeral in &agreements {
            for with_identity in &agreements {
                let mut keys = Keys::new(
                    ephemeral,
                    with_identity,
                    &traffic.client,
                    &traffic.custodian,
                    self.identity,
                    &traffic.context,
                );
                let mut opened = Vec::new();
                for (sender, sealed) in [Role::Client, Role::Custodian].iter().zip(&traffic.sealed)
                {
                    // The names in the header are taken as they come: only the seal is in the way.
                    keys.session.copy_from_slice(&sealed[3..11]);
                    keys.context.copy_from_slice(&sealed[11..19]);
                    opened.extend(keys.open(*sender, Step::FIRST, sealed));
                }
                if let Ok(opened) = opened.try_into() {
                    return Some(opened);
                }
            }
        }
        None
    }
}

fn sealed_and_erased_messages_lead_nowhere<C: Curve>() {
    let rng = &mut rng(1);
    let custodian_keys = CustodianKeys::make(rng);
    let mut wallet = Wallet::new::<C>(rng);
    let old_share = value::<C, _>(&wallet.client);
    let mut erased = Vec::new();
    let mut logged = Vec::new();
    for from in 1..LAST_EPOCH {
        let (clients, custodians) = (EphemeralSecret::make(rng), EphemeralSecret::make(rng));
        let (client, custodian) = (clients.public_key(), custodians.public_key());
        let context = from.to_be_bytes().to_vec();
        let [offer, response] = wallet.reshare::<C>(from, rng);
        let identity = custodian_keys.identity();
        let sealed = [
            ClientChannel::new(&clients, &custodian, identity, &context)
                .seal(Step::FIRST, offer.expose_secret(), rng)
                .unwrap(),
            CustodianChannel::new(&custodians, &client, &custodian_keys, &context)
                .seal(Step::FIRST, response.expose_secret(), rng)
                .unwrap(),
        ];
        logged.push(Traffic { client, custodian, context, sealed });
        // The commit erases these; they are kept here for the counter-check.
        erased.push((clients, custodians));
    }

    // Every long-term key: both of the custodian's, the old share and today's of the other side,
    // each also as a scalar of P-256, in case two curves should ever share a secret.
    let signing = {
        let bytes = custodian_keys.to_bytes();
        p256::SecretKey::from_slice(&bytes.expose_secret()[1..33]).unwrap()
    };
    let as_p256 =
        |scalar: &SecretScalar<C>| p256::SecretKey::from_slice(scalar.to_bytes().as_slice());
    let shares = [as_p256(&old_share), as_p256(&value(&wallet.custodian))];
    let mut secrets = vec![custodian_keys.sealing_key(), &signing];
    secrets.extend(shares.iter().flatten());
    for traffic in &logged {
        let attacker = Attacker { secrets: secrets.clone(), identity: custodian_keys.identity() };
        assert!(attacker.open(traffic).is_none());
    }

    // The same attack with what is erased succeeds, so it is one: the client's ephemeral secrets
    // alone, or the custodian's with its sealing key.
    let clients: Vec<&p256::SecretKey> = erased.iter().map(|(client, _)| &*client.0).collect();
    let custodians = erased.iter().map(|(_, custodian)| &*custodian.0);
    let with_identity: Vec<_> = custodians.clone().chain([custodian_keys.sealing_key()]).collect();
    for secrets in [clients, with_identity] {
        let attacker = Attacker { secrets, identity: custodian_keys.identity() };
        let mut walked = old_share.clone();
        for traffic in &logged {
            walked = next_client(&walked, &attacker.open(traffic).unwrap());
        }
        assert_eq!(*walked.to_bytes(), *value::<C, _>(&wallet.client).to_bytes());
    }

    // The custodian's ephemeral secrets without its sealing key do not.
    let attacker = Attacker { secrets: custodians.collect(), identity: custodian_keys.identity() };
    assert!(attacker.open(&logged[0]).is_none());
}
