//! Every message of a real conversation, cut, changed and lengthened: each is either refused or is
//! the one encoding of what is read.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use std::collections::BTreeMap;

use rand::{SeedableRng as _, rngs::StdRng};
use twoshare_core::{
    digest::Digest,
    id::{CurveId, Epoch, OperationId, Purpose, WalletId, WalletKind},
    identity::CustodianKeys,
    proof::{Operation, Proof, Stage},
    secret::SecretBytes,
};
use twoshare_protocol::{
    Custodian, Nonce,
    conformance::{
        device::{Device, With},
        tap::Tap,
    },
    engine::PendingSession,
    memory::{MemoryCustodian, MemorySession},
    message::{
        Arriving, Begin, Begun, Commit, CommitBody, Dealt, Depart, DepartBody, Departed,
        DepartedSecret, Drilled, Ejected, Parcel, ParcelBody, Plan, Prepare, PrepareBody, Prepared,
        PreparedSecret, Receipt, Released, Request, RequestBody, Signed, State, Tombstone, Upload,
    },
    rules::{Evidence, Policy},
    session::{Asked, AskedArrival, Offered, Proving, Ready},
    wire::{DecodeError, Message},
};

const BOTH: &[CurveId] = &[CurveId::Secp256k1, CurveId::Ed25519];
const USER: &str = "alice";

/// A decoder, and what it would write for what it read.
type Reread = fn(&[u8]) -> Result<Vec<u8>, DecodeError>;

fn reread<M: Message>(bytes: &[u8]) -> Result<Vec<u8>, DecodeError> {
    M::from_bytes(bytes).map(|message| message.to_bytes().expose_secret().to_vec())
}

const DECODERS: &[(&str, Reread)] = &[
    ("begin", reread::<Begin>),
    ("begun", reread::<Signed<Begun>>),
    ("prepare body", reread::<PrepareBody>),
    ("prepare", reread::<Prepare>),
    ("dealt", reread::<Dealt>),
    ("prepared", reread::<Prepared>),
    ("prepared secret", reread::<PreparedSecret>),
    ("commit body", reread::<CommitBody>),
    ("commit", reread::<Commit>),
    ("receipt", reread::<Signed<Receipt>>),
    ("request body", reread::<RequestBody>),
    ("request", reread::<Request>),
    ("tombstone", reread::<Signed<Tombstone>>),
    ("ejected", reread::<Ejected>),
    ("released", reread::<Released>),
    ("upload", reread::<Upload>),
    ("drilled", reread::<Drilled>),
    ("state", reread::<Signed<State>>),
    ("depart body", reread::<DepartBody>),
    ("depart", reread::<Depart>),
    ("departed", reread::<Departed>),
    ("departed secret", reread::<DepartedSecret>),
    ("parcel body", reread::<ParcelBody>),
    ("parcel", reread::<Signed<Parcel>>),
    ("arriving", reread::<Arriving>),
    ("offered", |bytes| Offered::from_bytes(bytes).map(|o| o.to_bytes().expose_secret().to_vec())),
    ("pending session", reread::<PendingSession>),
    ("ready", |bytes| Ready::from_bytes(bytes).map(|o| o.to_bytes().expose_secret().to_vec())),
];

fn decoder(name: &str) -> Reread {
    DECODERS.iter().find(|(known, _)| *known == name).unwrap().1
}

/// Messages of real conversations, by name: at least one of each, and one per variant of those
/// that have some.
struct Corpus(BTreeMap<&'static str, Vec<Vec<u8>>>);

impl Corpus {
    fn add(&mut self, name: &'static str, bytes: &[u8]) {
        self.0.entry(name).or_default().push(bytes.to_vec());
    }

    fn hear<C: Custodian>(&mut self, device: &Device<Tap<C>>) {
        device.custodian.take().iter().for_each(|said| self.add(said.message, &said.bytes));
    }

    fn iter(&self) -> impl Iterator<Item = (&'static str, Reread, &[u8])> {
        let all = self.0.iter();
        all.flat_map(|(name, all)| all.iter().map(|bytes| (*name, decoder(name), &bytes[..])))
    }

    fn run<C: Custodian>(&mut self, device: &mut Device<Tap<C>>, operation: Operation, with: With) {
        pollster::block_on(async {
            let asked = device.ask(operation, with).await.unwrap();
            let begin = asked.message().clone();
            let offered = device.offer(asked, with).await.unwrap();
            let message = offered.message().clone();
            self.add("offered", offered.to_bytes().expose_secret());
            self.add("prepare body", message.body.to_bytes().expose_secret());
            let client_nonce = message.body.client_nonce;
            let prepared = device.custodian.prepare(message).await.unwrap();
            let pending = PendingSession {
                begin,
                client_nonce,
                custodian_nonce: offered.message().body.nonce,
                answer: prepared.clone(),
            };
            self.add("pending session", pending.to_bytes().expose_secret());
            let ready = device.finish(offered, &prepared).unwrap();
            self.add("ready", ready.to_bytes().expose_secret());
            self.add(
                "upload",
                ready
                    .upload(ready.backup()[0].id().sharing.epoch, b"envelope", device.rng())
                    .to_bytes()
                    .expose_secret(),
            );
            device.commit(&ready).await.unwrap();
            device.adopt(&ready);
            device.state().await.unwrap();
        });
    }
}

fn custodian() -> std::sync::Arc<MemoryCustodian> {
    let mut rng = StdRng::seed_from_u64(1);
    let keys = CustodianKeys::make(&mut rng);
    MemoryCustodian::new(keys, Policy::default(), 1_800_000_000, rng)
}

fn corpus() -> Corpus {
    let custodian = custodian();
    let tap = || Tap::new(custodian.login(USER));
    let mut corpus = Corpus(BTreeMap::new());

    // An MPC wallet: key generation, first backup, refresh, recovery, drill, eject, abandon.
    let keygen = Device::keygen(tap(), custodian.identity(), USER, BOTH);
    let mut device = pollster::block_on(keygen).unwrap();
    corpus.run(&mut device, Operation::FirstBackup, With::Device);
    corpus.run(&mut device, Operation::Recover, With::Method);
    pollster::block_on(async {
        let (wallet, id) = (device.party.wallet, device.operation());
        device.custodian.drill(wallet, Nonce::from_bytes([3; 32])).await.unwrap();
        custodian.open_window(USER, wallet, 60).unwrap();
        let backup = device.backup.clone();
        let requested = device.request(Operation::Eject, id, Proving::Backup(&backup)).await;
        let requested = requested.unwrap();
        corpus.add("request body", requested.message().body.to_bytes().expose_secret());
        device.custodian.eject(requested.message().clone()).await.unwrap();
        // What is pending, restorable and waiting is seen in the state too.
        device.run(Operation::Replace, With::Device).await.unwrap();
        let ready = device.prepare(Operation::Recover, With::Method).await.unwrap();
        device.state().await.unwrap();
        let shares: Vec<_> = ready.signing().iter().chain(ready.backup()).cloned().collect();
        device.abandon(ready.id(), Proving::Pending(ready.id(), &shares)).await.unwrap();
    });
    corpus.hear(&device);

    // A single-key wallet: dealt, and recovered.
    let mut device = Device::import(tap(), custodian.identity(), USER, BOTH);
    corpus.run(&mut device, Operation::FirstBackup, With::Device);
    corpus.run(&mut device, Operation::Recover, With::Method);
    corpus.hear(&device);

    a_move(&mut corpus, &custodian);

    // What is only ever said sealed, and what is only ever signed over.
    let shares: Vec<SecretBytes> =
        custodian.hazmat_stored_shares().iter().map(|share| share.to_bytes()).collect();
    let proofs = vec![Proof::from_bytes([7; 64]); 2];
    corpus.add("dealt", Dealt { shares: shares.clone() }.to_bytes().expose_secret());
    let secret = PreparedSecret { response: vec![1; 90].into(), opened: shares.clone(), proofs };
    corpus.add("prepared secret", secret.to_bytes().expose_secret());
    corpus.add("released", Released { shares }.to_bytes().expose_secret());
    let (wallet, id) = (WalletId::from_bytes([1; 16]), OperationId::from_bytes([2; 16]));
    for envelope in [None, Some(Digest::from_bytes([3; 32]))] {
        let body = CommitBody { wallet, id, envelope };
        corpus.add("commit body", body.to_bytes().expose_secret());
    }
    corpus
}

/// An MPC wallet that leaves for another custodian.
fn a_move(corpus: &mut Corpus, custodian: &std::sync::Arc<MemoryCustodian>) {
    let mut rng = StdRng::seed_from_u64(2);
    let keys = CustodianKeys::make(&mut rng);
    let other = MemoryCustodian::new(keys, Policy::default(), 1_800_000_000, rng);
    let (mut rng, keys) = (StdRng::seed_from_u64(3), CustodianKeys::make(&mut rand::rng()));
    custodian.trust(other.identity());
    pollster::block_on(async {
        let tap = Tap::new(custodian.login(USER));
        let device = Device::keygen(tap, custodian.identity(), USER, BOTH).await;
        let mut device = device.unwrap();
        device.run(Operation::FirstBackup, With::Device).await.unwrap();
        custodian.open_window(USER, device.party.wallet, 60).unwrap();
        let stages = device.next(Operation::Recover).await.unwrap();
        let id = device.operation();
        let to = twoshare_protocol::Party { custodian: other.identity(), ..device.party.clone() };
        let backup = device.backup.clone();
        let asked =
            AskedArrival::new(to, custodian.identity(), id, &backup, stages.clone()).unwrap();
        let there = Tap::new(other.login(USER));
        let theirs = there.begin(asked.message().clone()).await.unwrap();
        let begun = theirs.unverified().clone();
        let asked = asked.depart(theirs, USER).unwrap();
        let ours = device.custodian.begin(asked.message().clone()).await.unwrap();
        let departing = asked.request(&ours, &backup, &mut rng).unwrap();
        let body = departing.message().body.to_bytes();
        corpus.add("depart body", body.expose_secret());
        let departed = device.custodian.depart(departing.message().clone()).await.unwrap();
        let offered = departing.arrive(&departed, &[], &mut rng).unwrap();
        corpus.add("offered", offered.to_bytes().expose_secret());
        let prepared = there.prepare(offered.message().clone()).await.unwrap();
        let ready = offered.finish(&prepared, &[]).unwrap();
        corpus.add("ready", ready.to_bytes().expose_secret());
        device.state().await.unwrap();
        let envelope = Some(Digest::from_bytes([3; 32]));
        let receipt = there.commit(ready.commit(envelope, &mut rng)).await.unwrap();
        device.custodian.hand_over(receipt).await.unwrap();
        device.state().await.unwrap();

        // What only the other custodian reads.
        let body = ParcelBody {
            custodian: custodian.identity(),
            user: USER.to_owned(),
            wallet: device.party.wallet,
            kind: WalletKind::Mpc,
            id,
            from: Stage { purpose: Purpose::Backup, epoch: Epoch::FIRST },
            to: stages,
            commitments: backup.iter().map(|share| share.commitment()).collect(),
            destination: other.identity(),
            begun: twoshare_protocol::message::digest(&begun),
            offer: Digest::from_bytes([4; 32]),
            ephemeral: begun.ephemeral,
        };
        corpus.add("parcel body", body.to_bytes().expose_secret());
        let parcel = Signed::sign(Parcel { body, sealed: vec![5; 90].into() }, &keys).to_bytes();
        corpus.add("parcel", parcel.expose_secret());
        let secret = DepartedSecret { response: vec![6; 90].into(), parcel: parcel.clone() };
        corpus.add("departed secret", secret.to_bytes().expose_secret());
        let arriving = Arriving { offer: vec![7; 90].into(), parcel };
        corpus.add("arriving", arriving.to_bytes().expose_secret());
        corpus.hear(&device);
        there.take().iter().for_each(|said| corpus.add(said.message, &said.bytes));
    });
}

#[test]
fn every_message_comes_back() {
    let corpus = corpus();
    for (name, _) in DECODERS {
        assert!(corpus.0.contains_key(name), "no {name} was said");
    }
    for (name, reread, bytes) in corpus.iter() {
        assert_eq!(reread(bytes).as_deref(), Ok(bytes), "{name}");
    }
}

/// Readers in other languages begin with a decoder of CBOR that knows nothing of us.
#[test]
fn every_message_is_one_item_of_cbor() {
    for (name, _, bytes) in corpus().iter() {
        let mut decoder = minicbor::Decoder::new(bytes);
        decoder.skip().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(decoder.position(), bytes.len(), "{name}");
    }
}

#[test]
fn every_truncation_and_every_addition_is_refused() {
    for (name, all) in &corpus().0 {
        let (reread, bytes) = (decoder(name), &all[0][..]);
        for len in 0..bytes.len() {
            assert_eq!(reread(&bytes[..len]), Err(DecodeError::Malformed), "{name} cut at {len}");
        }
        for more in [0, 0x80, 0xf6, 0xff] {
            let longer = [bytes, &[more]].concat();
            assert_eq!(reread(&longer), Err(DecodeError::Malformed), "{name} and {more:#x}");
        }
    }
}

/// A bit of a number may give another number, and then the message says so; nothing else that is
/// accepted is written otherwise.
#[test]
fn every_flipped_bit_is_refused_or_means_exactly_what_it_says() {
    for (name, all) in &corpus().0 {
        let reread = decoder(name);
        // One of each: the longest, which has the most in it.
        let bytes = all.iter().max_by_key(|bytes| bytes.len()).unwrap();
        // Every bit of the short ones, and of the long ones bits of every position in a byte.
        for bit in (0..8 * bytes.len()).step_by((8 * bytes.len() / 1200) | 1) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if let Ok(again) = reread(&flipped) {
                assert_eq!(again, flipped, "{name}, bit {bit}");
            }
        }
    }
}

#[test]
fn a_newer_version_is_told_from_damage() {
    for (name, reread, bytes) in corpus().iter() {
        // The head of the array, the version, the number of the message.
        assert_eq!(bytes[..2], [0x83, 1], "{name}");
        let mut newer = bytes.to_vec();
        newer[1] = 2;
        let expected = DecodeError::NewerVersion { found: 2, supported: 1 };
        assert_eq!(reread(&newer), Err(expected), "{name}");
        newer[1] = 0;
        assert_eq!(reread(&newer), Err(DecodeError::Malformed), "{name}");
        let far = [&[0x83, 0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &bytes[2..]];
        let expected = DecodeError::NewerVersion { found: u64::MAX, supported: 1 };
        assert_eq!(reread(&far.concat()), Err(expected), "{name}");
    }
}

#[test]
fn no_message_is_taken_for_another() {
    let corpus = corpus();
    let number = |bytes: &[u8]| match bytes[2] {
        0x18 => u64::from(bytes[3]),
        small => u64::from(small),
    };
    for (name, _, bytes) in corpus.iter() {
        for (other, reread) in DECODERS.iter().filter(|(other, _)| *other != name) {
            let expected = DecodeError::Other { number: number(bytes) };
            assert_eq!(reread(bytes), Err(expected), "{name} read as {other}");
        }
    }
}

/// Heads that claim more than there is, in every place: nothing is allocated for them.
#[test]
fn absurd_lengths_are_refused() {
    for (name, all) in &corpus().0 {
        let (reread, bytes) = (decoder(name), &all[0]);
        for at in (0..bytes.len()).step_by(2) {
            for head in [0x5b, 0x7b, 0x9b, 0xbb] {
                for len in [u64::MAX, 1 << 40] {
                    let mut absurd = bytes[..at].to_vec();
                    absurd.push(head);
                    absurd.extend(len.to_be_bytes());
                    absurd.extend(&bytes[at..]);
                    // Where the place is inside a byte string, its contents only differ.
                    if let Ok(again) = reread(&absurd) {
                        assert_eq!(again, absurd, "{name} at {at}");
                    }
                }
            }
        }
    }
}

#[test]
fn lists_and_texts_are_bounded() {
    let begin = |to: usize| Begin {
        wallet: WalletId::from_bytes([1; 16]),
        kind: WalletKind::Mpc,
        operation: Operation::Refresh,
        id: OperationId::from_bytes([2; 16]),
        evidence: Evidence::Backup(Epoch::FIRST),
        plan: Plan::Reshare {
            from: Stage { purpose: Purpose::Backup, epoch: Epoch::FIRST },
            to: vec![Stage { purpose: Purpose::Backup, epoch: Epoch::FIRST }; to],
            curves: vec![CurveId::Ed25519],
        },
    };
    assert!(reread::<Begin>(begin(64).to_bytes().expose_secret()).is_ok());
    let too_many = reread::<Begin>(begin(65).to_bytes().expose_secret());
    assert_eq!(too_many, Err(DecodeError::Malformed));

    let mut rng = StdRng::seed_from_u64(1);
    let keys = CustodianKeys::make(&mut rng);
    let tombstone = |len| Tombstone {
        custodian: *keys.identity(),
        user: "u".repeat(len),
        wallet: WalletId::from_bytes([1; 16]),
        id: OperationId::from_bytes([2; 16]),
        at: 0,
    };
    assert!(reread::<Tombstone>(tombstone(256).to_bytes().expose_secret()).is_ok());
    let too_long = reread::<Tombstone>(tombstone(257).to_bytes().expose_secret());
    assert_eq!(too_long, Err(DecodeError::Malformed));
}

/// What the custodian shows of this wallet, and everything it holds: the same before and after.
fn seen(custodian: &MemoryCustodian, device: &Device<MemorySession>) -> Vec<Vec<u8>> {
    let nonce = Nonce::from_bytes([9; 32]);
    let state = pollster::block_on(device.custodian.state(device.party.wallet, nonce)).unwrap();
    let shares = custodian.hazmat_stored_shares();
    let shares = shares.iter().map(|share| share.to_bytes().expose_secret().to_vec());
    shares.chain([state.to_bytes().expose_secret().to_vec()]).collect()
}

fn flip(bytes: &SecretBytes, bit: usize) -> Vec<u8> {
    let mut flipped = bytes.expose_secret().to_vec();
    flipped[bit / 8] ^= 1 << (bit % 8);
    flipped
}

fn one_key(custodian: &std::sync::Arc<MemoryCustodian>) -> Device<MemorySession> {
    pollster::block_on(async {
        let (session, identity) = (custodian.login(USER), custodian.identity());
        let mut device =
            Device::keygen(session, identity, USER, &[CurveId::Ed25519]).await.unwrap();
        device.run(Operation::FirstBackup, With::Device).await.unwrap();
        device
    })
}

/// Begins a refresh for the one message that is to be changed: a failed session is over.
fn asked(device: &mut Device<MemorySession>) -> Asked {
    pollster::block_on(device.ask(Operation::Refresh, With::Method)).unwrap()
}

#[test]
fn a_flipped_begin_is_refused_or_answered_for_what_it_says() {
    let custodian = custodian();
    let mut device = one_key(&custodian);
    let before = seen(&custodian, &device);
    let begin = asked(&mut device).message().to_bytes();
    for bit in 0..8 * begin.expose_secret().len() {
        let asked = asked(&mut device);
        let Ok(flipped) = Begin::from_bytes(&flip(&asked.message().to_bytes(), bit)) else {
            continue;
        };
        let Ok(begun) = pollster::block_on(device.custodian.begin(flipped)) else { continue };
        // The operation id or the new epoch changed: the answer is to another question.
        device.offer_to(asked, &begun, With::Method, Vec::new()).unwrap_err();
    }
    assert_eq!(seen(&custodian, &device), before);
}

#[test]
fn a_flipped_begun_is_refused() {
    let custodian = custodian();
    let mut device = one_key(&custodian);
    let begin = asked(&mut device);
    let begun = pollster::block_on(device.custodian.begin(begin.message().clone())).unwrap();
    let begun = begun.to_bytes();
    for bit in (0..8 * begun.expose_secret().len()).step_by(3) {
        let Ok(flipped) = Signed::<Begun>::from_bytes(&flip(&begun, bit)) else { continue };
        let again = device.ask_as(
            Operation::Refresh,
            With::Method,
            begin.message().id,
            match &begin.message().plan {
                Plan::Reshare { to, .. } => to.clone(),
                _ => unreachable!("a refresh reshares"),
            },
        );
        device.offer_to(again.unwrap(), &flipped, With::Method, Vec::new()).unwrap_err();
    }
}

#[test]
fn a_flipped_prepare_is_refused_and_changes_nothing() {
    let custodian = custodian();
    let mut device = one_key(&custodian);
    let before = seen(&custodian, &device);
    let prepare = |device: &mut Device<MemorySession>| {
        let asked = asked(device);
        let offered = pollster::block_on(device.offer(asked, With::Method)).unwrap();
        offered.message().to_bytes()
    };
    for bit in (0..8 * prepare(&mut device).expose_secret().len()).step_by(11) {
        let Ok(flipped) = Prepare::from_bytes(&flip(&prepare(&mut device), bit)) else { continue };
        pollster::block_on(device.custodian.prepare(flipped)).unwrap_err();
    }
    assert_eq!(seen(&custodian, &device), before);
    pollster::block_on(device.run(Operation::Refresh, With::Method)).expect("nothing is broken");
}

#[test]
fn a_flipped_answer_to_a_prepare_is_refused() {
    let custodian = custodian();
    let mut device = one_key(&custodian);
    let asked = asked(&mut device);
    let offered = pollster::block_on(device.offer(asked, With::Method)).unwrap();
    let prepared = pollster::block_on(device.custodian.prepare(offered.message().clone())).unwrap();
    let (kept, prepared) = (offered.to_bytes(), prepared.to_bytes());
    let offered = || Offered::from_bytes(kept.expose_secret()).unwrap();
    for bit in (0..8 * prepared.expose_secret().len()).step_by(3) {
        let Ok(flipped) = Prepared::from_bytes(&flip(&prepared, bit)) else { continue };
        device.finish(offered(), &flipped).unwrap_err();
    }
    let prepared = Prepared::from_bytes(prepared.expose_secret()).unwrap();
    device.finish(offered(), &prepared).expect("the right one is accepted");
}

#[test]
fn a_flipped_commit_is_refused_and_so_is_a_flipped_receipt() {
    let custodian = custodian();
    let mut device = one_key(&custodian);
    let ready = pollster::block_on(device.prepare(Operation::Refresh, With::Method)).unwrap();
    let before = seen(&custodian, &device);
    let envelope = Some(Digest::from_bytes([5; 32]));
    let commit = ready.commit(envelope, device.rng());
    let bytes = commit.to_bytes();
    for bit in 0..8 * bytes.expose_secret().len() {
        let Ok(flipped) = Commit::from_bytes(&flip(&bytes, bit)) else { continue };
        pollster::block_on(device.custodian.commit(flipped)).unwrap_err();
    }
    assert_eq!(seen(&custodian, &device), before);

    let receipt = pollster::block_on(device.custodian.commit(commit)).unwrap();
    ready.check_receipt(&receipt, envelope).unwrap();
    let receipt = receipt.to_bytes();
    for bit in 0..8 * receipt.expose_secret().len() {
        let Ok(flipped) = Signed::<Receipt>::from_bytes(&flip(&receipt, bit)) else { continue };
        ready.check_receipt(&flipped, envelope).unwrap_err();
    }
}
