//! What client and custodian say to each other, and what each keeps sealed in between.

use std::sync::LazyLock;

use pollster::block_on;
use twoshare_core::{
    curve::AnySigningKey,
    digest::Digest,
    id::{CurveId, Epoch, OperationId, Purpose, Sharing, WalletId, WalletKind},
    keygen::{self, Session},
    proof::{Operation, Stage},
    reshare,
    secret::SecretBytes,
    share::{AnyClientShare, KeyId},
};
use twoshare_protocol::{
    Custodian, Nonce, Party,
    memory::MemoryCustodian,
    message::{
        Arriving, Begin, Begun, Commit, CommitBody, Dealt, Depart, DepartBody, Departed,
        DepartedSecret, Drilled, Ejected, Parcel, ParcelBody, Prepare, PrepareBody, Prepared,
        PreparedSecret, Receipt, Released, Request, RequestBody, Signed, State, Tombstone, Upload,
    },
    session::{Asked, AskedArrival, Offered, Proving, Ready},
    wire::Message,
};

use crate::{Target, assert_canonical, rng};

/// Decodes as each of these, of which at most one may accept; what is accepted is written the same.
macro_rules! at_most_one {
    ($bytes:ident: $($type:ty),+ $(,)?) => {{
        let mut accepted = Vec::new();
        $(
            if let Ok(value) = <$type>::from_bytes($bytes) {
                // Seen here because they are the fuzzer's own bytes.
                assert_canonical($bytes, value.to_bytes().expose_secret());
                accepted.push(stringify!($type));
            }
        )+
        assert!(accepted.len() < 2, "taken for each of {accepted:?}");
        accepted.pop()
    }};
}

/// The plaintexts of the exchanges, and the states between them.
pub(crate) const EXCHANGE: Target =
    Target { name: "exchange", body: |bytes| _ = exchange(bytes), seeds: exchanged };

/// The messages of the protocol.
pub(crate) const MESSAGE: Target = Target {
    name: "protocol_message",
    body: |bytes| _ = message(bytes),
    seeds: || SAID.messages.clone(),
};

/// What a device keeps sealed while an operation is on its way.
pub(crate) const JOURNAL: Target =
    Target { name: "journal", body: |bytes| _ = journal(bytes), seeds: || SAID.journals.clone() };

fn exchange(bytes: &[u8]) -> Option<&'static str> {
    at_most_one!(bytes:
        keygen::Answer, keygen::Opening, keygen::Closing, keygen::ClientCommitted,
        keygen::ClientOpened, keygen::CustodianAnswered, reshare::Offer, reshare::Response,
        reshare::Parcel,
        reshare::ClientOffered, reshare::CustodianCommitted,
    )
}

fn message(bytes: &[u8]) -> Option<&'static str> {
    // A statement has one number with its signature and without: the two are never in one place.
    let bare = at_most_one!(bytes: Begun, Receipt, Tombstone, State, Parcel);
    let sent = at_most_one!(bytes:
        Begin, Signed<Begun>, PrepareBody, Prepare, Dealt, Prepared, PreparedSecret, CommitBody,
        Commit, Signed<Receipt>, RequestBody, Request, Signed<Tombstone>, Ejected, Released,
        Upload, Drilled, Signed<State>, DepartBody, Depart, Departed, DepartedSecret, ParcelBody,
        Signed<Parcel>, Arriving,
    );
    sent.or(bare)
}

fn journal(bytes: &[u8]) -> Option<&'static str> {
    at_most_one!(bytes: Offered, Ready)
}

/// A key generation and a resharing, without the sealing of messages. Nobody's keys.
fn exchanged() -> Vec<Vec<u8>> {
    let mut rng = rng();
    let wallet = WalletId::make(&mut rng);
    let curves = vec![CurveId::Secp256k1, CurveId::Ed25519];
    let session = Session {
        custodian: [7; 32],
        user: "fuzz".to_owned(),
        wallet,
        operation_id: OperationId::make(&mut rng),
        curves: curves.clone(),
    };
    let mut written = Vec::new();
    // Kept to be changed by the fuzzer.
    let mut keep = |bytes: SecretBytes| written.push(bytes.expose_secret().to_vec());

    let client = keygen::ClientCommitted::new(session.clone(), &mut rng);
    let (client, hash) = client.expect("within the bounds");
    keep(client.to_bytes());
    let custodian = keygen::CustodianAnswered::new(session, hash, &mut rng);
    let (custodian, answer) = custodian.expect("within the bounds");
    keep(custodian.to_bytes());
    keep(answer.to_bytes());
    let (client, opening) = client.open(&answer).expect("an honest answer");
    keep(client.to_bytes());
    keep(opening.to_bytes());
    let (_, closing) = custodian.finish(&opening).expect("an honest opening");
    keep(closing.to_bytes());

    let from = Stage { purpose: Purpose::Signing, epoch: Epoch::FIRST };
    let to = Stage { purpose: Purpose::Backup, epoch: Epoch::FIRST };
    let items = curves.iter().zip(0..);
    let context = reshare::Context {
        custodian: [7; 32],
        user: "fuzz".to_owned(),
        wallet,
        kind: WalletKind::Mpc,
        operation: Operation::FirstBackup,
        operation_id: OperationId::make(&mut rng),
        items: items
            .map(|(curve, index)| reshare::Item { index, curve: *curve, from, to })
            .collect(),
    };
    let custodian = reshare::CustodianCommitted::new(context.clone(), &mut rng);
    let (custodian, early) = custodian.expect("within the bounds");
    keep(custodian.to_bytes());
    let sharing = Sharing { wallet, purpose: from.purpose, epoch: from.epoch };
    let split = curves.iter().zip(0..).map(|(curve, index)| {
        AnySigningKey::make(*curve, &mut rng).split(KeyId { sharing, index }, &mut rng)
    });
    let (client_shares, custodian_shares): (Vec<_>, Vec<_>) = split.unzip();
    let offered = reshare::ClientOffered::new(context, &early, &client_shares, &mut rng);
    let (client, offer) = offered.expect("shares of the context");
    keep(client.to_bytes());
    keep(offer.to_bytes());
    let leaves = custodian.to_bytes();
    let leaves = reshare::CustodianCommitted::from_bytes(leaves.expose_secret());
    let leaves = leaves.expect("as it was written").depart(&custodian_shares);
    let (_, parcel) = leaves.expect("shares of the context");
    keep(parcel.to_bytes());
    let (_, response) = custodian.respond(&offer, &custodian_shares).expect("an honest offer");
    keep(response.to_bytes());
    written
}

/// What was said in a key generation and a first backup with a custodian in memory.
struct Said {
    messages: Vec<Vec<u8>>,
    journals: Vec<Vec<u8>>,
}

static SAID: LazyLock<Said> = LazyLock::new(|| {
    let mut rng = rng();
    let custodian = MemoryCustodian::start(crate::rng());
    let login = custodian.login("fuzz");
    let mut said = Said { messages: Vec::new(), journals: Vec::new() };
    let party = Party {
        custodian: custodian.identity(),
        user: "fuzz".to_owned(),
        wallet: WalletId::make(&mut rng),
        kind: WalletKind::Mpc,
    };
    let curves = vec![CurveId::Secp256k1, CurveId::Ed25519];
    let id = OperationId::make(&mut rng);
    let keygen = Asked::keygen(party.clone(), id, curves, &mut rng).expect("within the bounds");
    let ready = said.exchange(&login, keygen, Proving::Nothing);
    said.commit(&login, &ready, None);

    let signing = ready.signing();
    let to = vec![Stage { purpose: Purpose::Backup, epoch: Epoch::FIRST }];
    let id = OperationId::make(&mut rng);
    let reshare = Asked::reshare(party.clone(), Operation::FirstBackup, id, signing, to);
    let reshare = reshare.expect("shares of the wallet");
    let ready = said.exchange(&login, reshare, Proving::Signing(signing));
    said.keep(&ready.upload(Epoch::FIRST, b"an envelope", &mut rng));
    said.commit(&login, &ready, Some(Digest::of(b"an envelope")));
    said.keep(
        &block_on(login.state(party.wallet, Nonce::from_bytes([9; 32]))).expect("it is there"),
    );
    said.keep(
        &block_on(login.drill(party.wallet, Nonce::from_bytes([9; 32]))).expect("it is there"),
    );
    said.moved(&custodian, party, ready.backup());
    said
});

impl Said {
    fn keep<M: Message>(&mut self, message: &M) {
        // Kept to be changed by the fuzzer.
        self.messages.push(message.to_bytes().expose_secret().to_vec());
    }

    fn exchange(&mut self, login: &impl Custodian, asked: Asked, proving: Proving<'_>) -> Ready {
        self.keep(asked.message());
        let begun = block_on(login.begin(asked.message().clone())).expect("an honest begin");
        self.keep(&begun);
        let offered = asked.prepare(&begun, proving, Vec::new(), &mut rng());
        let offered = offered.expect("an honest custodian");
        self.keep(offered.message());
        self.journals.push(offered.to_bytes().expose_secret().to_vec());
        let prepared = block_on(login.prepare(offered.message().clone()));
        let prepared = prepared.expect("an honest prepare");
        self.keep(&prepared);
        let ready = offered.finish(&prepared, &[]).expect("an honest custodian");
        self.journals.push(ready.to_bytes().expose_secret().to_vec());
        ready
    }

    /// The wallet leaves for another custodian.
    fn moved(
        &mut self,
        custodian: &std::sync::Arc<MemoryCustodian>,
        party: Party,
        backup: &[AnyClientShare],
    ) {
        let mut rng = rng();
        // Another draw than the first custodian's.
        let mut other = crate::rng();
        let _first = OperationId::make(&mut other);
        let other = MemoryCustodian::start(other);
        custodian.trust(other.identity());
        custodian.open_window(&party.user, party.wallet, 60).expect("it is there");
        let (login, there) = (custodian.login(&party.user), other.login(&party.user));
        let (source, user) = (party.custodian, party.user.clone());
        let to = [Purpose::Signing, Purpose::Backup]
            .map(|purpose| Stage { purpose, epoch: Epoch::new(2).expect("two") });
        let party = Party { custodian: other.identity(), ..party };
        let id = OperationId::make(&mut rng);
        let asked = AskedArrival::new(party, source, id, backup, to.to_vec());
        let asked = asked.expect("shares of the wallet");
        self.keep(asked.message());
        let theirs = block_on(there.begin(asked.message().clone())).expect("an honest begin");
        let asked = asked.depart(theirs, &user).expect("an honest custodian");
        self.keep(asked.message());
        let begun = block_on(login.begin(asked.message().clone())).expect("an honest begin");
        let departing = asked.request(&begun, backup, &mut rng).expect("an honest custodian");
        self.keep(departing.message());
        self.keep(&departing.message().body);
        let departed = block_on(login.depart(departing.message().clone()));
        let departed = departed.expect("it may leave");
        self.keep(&departed);
        let offered = departing.arrive(&departed, &[], &mut rng).expect("an honest custodian");
        self.keep(offered.message());
        self.journals.push(offered.to_bytes().expose_secret().to_vec());
        let prepared = block_on(there.prepare(offered.message().clone()));
        let prepared = prepared.expect("an honest prepare");
        let ready = offered.finish(&prepared, &[]).expect("an honest custodian");
        self.commit(&there, &ready, Some(Digest::of(b"another envelope")));
    }

    fn commit(&mut self, login: &impl Custodian, ready: &Ready, envelope: Option<Digest>) {
        let commit = ready.commit(envelope, &mut rng());
        self.keep(&commit);
        let receipt = block_on(login.commit(commit)).expect("an honest commit");
        self.keep(&receipt);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Otherwise the fuzzer would begin outside the formats, and hardly get in.
    #[test]
    fn every_seed_is_taken_for_something() {
        for (target, decode, kinds) in [
            (&EXCHANGE, exchange as fn(&[u8]) -> _, 11),
            (&MESSAGE, message, 12),
            (&JOURNAL, journal, 2),
        ] {
            let seeds = (target.seeds)();
            let taken: BTreeSet<_> = seeds.iter().map(|seed| decode(seed).unwrap()).collect();
            assert_eq!(taken.len(), kinds, "{}: {taken:?}", target.name);
        }
    }
}
