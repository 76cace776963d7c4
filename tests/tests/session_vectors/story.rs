//! Two wallets and what is done with them: the client's side by the sessions of the protocol crate,
//! the custodian's by the one in memory.

use std::sync::Arc;

use pollster::block_on;
use serde_json::{Map, Value, json};
use twoshare_core::{
    curve::AnySigningKey,
    digest::Digest,
    id::{CurveId, Epoch, OperationId, Purpose, WalletId, WalletKind},
    identity::CustodianKeys,
    proof::{Operation, Stage},
    share::AnyClientShare,
};
use twoshare_protocol::{
    Custodian as _, Nonce, Party,
    memory::{MemoryCustodian, MemorySession},
    rules::Policy,
    session::{Asked, AskedRequest, Offered, Proving, Ready, Requested, check_drill},
};
use twoshare_tests::vector::{Vector, hex_of};

use crate::script::{Random, Script};

/// The name of a vector, what it shows, and what happens in it.
pub(crate) type Operations = &'static [(&'static str, &'static str, fn(&mut Story))];

const USER: &str = "alice";
const START: u64 = 1_800_000_000;
const CURVES: [CurveId; 2] = [CurveId::Secp256k1, CurveId::Ed25519];

pub(crate) struct Story {
    script: Script,
    custodian: Arc<MemoryCustodian>,
    keys_of_custodian: CustodianKeys,
    session: MemorySession,
    party: Party,
    /// The keys themselves (single-key).
    keys: Vec<AnySigningKey>,
    signing: Vec<AnyClientShare>,
    backup: Vec<AnyClientShare>,
    /// How many operations there were: each has the id of its number.
    operations: u8,
    epochs: [u64; 2],
    /// What the client holds and keeps in this operation.
    fields: Map<String, Value>,
}

impl Story {
    pub(crate) fn new(
        operations: Operations,
        keys_of_custodian: CustodianKeys,
        client: Random,
        custodian: Random,
    ) -> Self {
        let again = CustodianKeys::from_bytes(keys_of_custodian.to_bytes().expose_secret());
        let memory =
            MemoryCustodian::new(again.unwrap(), Policy::default(), START, custodian.clone());
        let kind = match operations[0].0 {
            "session-keygen" => WalletKind::Mpc,
            _ => WalletKind::SingleKey,
        };
        let party = Party {
            custodian: *keys_of_custodian.identity(),
            user: USER.to_owned(),
            wallet: WalletId::from_bytes([0x10 + kind.number(); 16]),
            kind,
        };
        // Small numbers, for everyone to see.
        let key = |curve: &CurveId| {
            let mut bytes = [0; 32];
            let place = if *curve == CurveId::Ed25519 { 0 } else { 31 };
            bytes[place] = 7;
            AnySigningKey::from_bytes(*curve, &bytes).unwrap()
        };
        Self {
            script: Script::new(client, custodian),
            session: memory.login(USER),
            custodian: memory,
            keys_of_custodian,
            keys: match kind {
                WalletKind::Mpc => Vec::new(),
                WalletKind::SingleKey => CURVES.iter().map(key).collect(),
            },
            party,
            signing: Vec::new(),
            backup: Vec::new(),
            operations: 0,
            epochs: [0; 2],
            fields: Map::new(),
        }
    }

    pub(crate) fn expect(&mut self, vector: &Vector) {
        self.script.expect(vector.field("messages").as_array().unwrap().clone());
        // How a dealer finds its slopes is not fixed: a deal is held again from what the client kept.
        self.fields.insert("expected_offered".to_owned(), vector.field("client_keeps")[0].clone());
    }

    /// The vector of what has happened since this was last asked.
    pub(crate) fn tell(&mut self) -> Value {
        let mut fields = std::mem::take(&mut self.fields);
        fields.remove("expected_offered");
        let shares = self.custodian.hazmat_stored_shares();
        let shares = shares.iter().map(|share| hex_of(&share.to_bytes())).collect::<Vec<_>>();
        for (name, value) in [
            ("custodian_keys", json!(hex_of(&self.keys_of_custodian.to_bytes()))),
            ("custodian_identity", json!(hex::encode(self.party.custodian.to_bytes()))),
            ("user", json!(self.party.user)),
            ("wallet", json!(hex::encode(self.party.wallet.to_bytes()))),
            ("kind", json!(self.party.kind.name())),
            ("time", json!(START)),
            ("messages", json!(self.script.take())),
            ("custodian_shares_afterwards", json!(shares)),
        ] {
            fields.insert(name.to_owned(), value);
        }
        fields.entry("client_keeps").or_insert_with(|| json!([]));
        fields.into()
    }

    pub(crate) fn keygen(&mut self) {
        let (party, id) = (self.party.clone(), self.id());
        let asked = self.script.client("begin", |rng| {
            let asked = Asked::keygen(party, id, CURVES.to_vec(), rng).unwrap();
            let message = asked.message().clone();
            (asked, message)
        });
        self.epochs[0] = 1;
        let ready = self.prepared(asked, With::Nothing);
        self.commit(&ready);
    }

    pub(crate) fn first_backup(&mut self) {
        self.reshare(Operation::FirstBackup, With::Signing, &[Purpose::Backup]);
    }

    pub(crate) fn refresh(&mut self) {
        self.reshare(Operation::Refresh, With::Backup, &[Purpose::Backup]);
    }

    pub(crate) fn recover(&mut self) {
        let both = [Purpose::Signing, Purpose::Backup];
        let made = if self.party.kind == WalletKind::Mpc { &both[..] } else { &both[1..] };
        self.reshare(Operation::Recover, With::Backup, made);
    }

    pub(crate) fn convert(&mut self) {
        let both = [Purpose::Signing, Purpose::Backup];
        self.reshare(Operation::Convert, With::Backup, &both);
    }

    pub(crate) fn deal(&mut self) {
        let (party, id, to) = (self.party.clone(), self.id(), self.next(Purpose::Backup));
        let keys = &self.keys;
        let asked = self.script.client("begin", |_| {
            let asked = Asked::deal(party, Operation::FirstBackup, id, keys, to.epoch);
            let message = asked.message().clone();
            (asked, message)
        });
        let ready = self.prepared(asked, With::Keys);
        self.commit(&ready);
    }

    pub(crate) fn drill(&mut self) {
        let nonce = Nonce::from_bytes([0xd7; 32]);
        self.fields.insert("asked_with_nonce".to_owned(), json!(hex::encode(nonce.to_bytes())));
        self.hold("client_backup_shares", &self.backup.clone());
        let (session, wallet) = (self.session.clone(), self.party.wallet);
        let drilled =
            self.script.custodian("drilled", || block_on(session.drill(wallet, nonce)).unwrap());
        check_drill(&self.party, nonce, &drilled, &self.backup).unwrap();
    }

    pub(crate) fn eject(&mut self) {
        self.custodian.open_window(USER, self.party.wallet, 600).unwrap();
        let shares = self.backup.clone();
        let id = self.id();
        let requested = self.request(Operation::Eject, id, Proving::Backup(&shares));
        let (session, message) = (self.session.clone(), requested.message().clone());
        let ejected =
            self.script.custodian("ejected", || block_on(session.eject(message)).unwrap());
        self.hold("client_backup_shares", &shares);
        let released = requested.open(&ejected, &shares).unwrap();
        for (mine, theirs) in shares.iter().zip(&released) {
            AnySigningKey::reconstruct(mine, theirs, &mine.verifying_key()).unwrap();
        }
    }

    pub(crate) fn abandon(&mut self) {
        let to = vec![self.next(Purpose::Backup)];
        let asked = self.asked(Operation::Refresh, With::Backup, to);
        let ready = self.prepared(asked, With::Backup);
        let shares = ready.backup().to_vec();
        self.hold("client_new_backup_shares", &shares);
        let proving = Proving::Pending(ready.id(), &shares);
        let requested = self.request(Operation::Abandon, ready.id(), proving);
        let (session, message) = (self.session.clone(), requested.message().clone());
        let tombstone =
            self.script.custodian("tombstone", || block_on(session.abandon(message)).unwrap());
        requested.check_tombstone(&tombstone).unwrap();
    }

    pub(crate) fn state(&mut self) {
        let nonce = Nonce::from_bytes([0x5a; 32]);
        self.fields.insert("asked_with_nonce".to_owned(), json!(hex::encode(nonce.to_bytes())));
        let (session, wallet) = (self.session.clone(), self.party.wallet);
        self.script.custodian("state", || block_on(session.state(wallet, nonce)).unwrap());
    }

    fn reshare(&mut self, operation: Operation, with: With, made: &[Purpose]) {
        let to = made.iter().map(|purpose| self.next(*purpose)).collect();
        let asked = self.asked(operation, with, to);
        let ready = self.prepared(asked, with);
        self.commit(&ready);
    }

    fn asked(&mut self, operation: Operation, with: With, to: Vec<Stage>) -> Asked {
        let (party, id) = (self.party.clone(), self.id());
        let from = if with == With::Signing { &self.signing } else { &self.backup };
        self.script.client("begin", |_| {
            let asked = Asked::reshare(party, operation, id, from, to).unwrap();
            let message = asked.message().clone();
            (asked, message)
        })
    }

    fn prepared(&mut self, asked: Asked, with: With) -> Ready {
        let (session, begin) = (self.session.clone(), asked.message().clone());
        let begun = self.script.custodian("begun", || block_on(session.begin(begin)).unwrap());
        let (signing, backup, keys) = (self.signing.clone(), self.backup.clone(), &self.keys);
        let proving = match with {
            With::Nothing => Proving::Nothing,
            With::Signing => Proving::Signing(&signing),
            With::Keys => Proving::Keys(keys),
            With::Backup => Proving::Backup(&backup),
        };
        let kept = self.fields.get("expected_offered").cloned().filter(|_| with == With::Keys);
        let offered = self.script.client("prepare", |rng| {
            let offered = match kept.as_ref().and_then(Value::as_str) {
                Some(kept) => {
                    rng.skip();
                    Offered::from_bytes(&hex::decode(kept).unwrap()).unwrap()
                }
                None => asked.prepare(&begun, proving, Vec::new(), rng).unwrap(),
            };
            let message = offered.message().clone();
            (offered, message)
        });
        match with {
            With::Nothing => {}
            With::Signing => self.hold("client_signing_shares", &signing),
            With::Backup => self.hold("client_backup_shares", &backup),
            With::Keys => {
                let keys = self.keys.iter().map(|key| hex_of(&key.expose_secret()));
                let keys = keys.collect::<Vec<_>>();
                self.fields.insert("client_keys".to_owned(), json!(keys));
            }
        }
        let (session, message) = (self.session.clone(), offered.message().clone());
        let prepared =
            self.script.custodian("prepared", || block_on(session.prepare(message)).unwrap());
        let known: Vec<_> =
            self.signing.iter().chain(&self.backup).map(AnyClientShare::commitment).collect();
        let kept = hex_of(&offered.to_bytes());
        let ready = offered.finish(&prepared, &known).unwrap();
        let kept = json!([kept, hex_of(&ready.to_bytes())]);
        self.fields.insert("client_keeps".to_owned(), kept);
        ready
    }

    fn commit(&mut self, ready: &Ready) {
        // An envelope is not part of this: any digest will do.
        let envelope = (!ready.backup().is_empty()).then(|| Digest::of(b"an envelope"));
        let commit = self.script.client("commit", |rng| {
            let commit = ready.commit(envelope, rng);
            (commit.clone(), commit)
        });
        let session = self.session.clone();
        let receipt =
            self.script.custodian("receipt", || block_on(session.commit(commit)).unwrap());
        ready.check_receipt(&receipt, envelope).unwrap();
        if !ready.signing().is_empty() {
            self.signing = ready.signing().to_vec();
            self.hold("client_new_signing_shares", &self.signing.clone());
        }
        if !ready.backup().is_empty() {
            self.backup = ready.backup().to_vec();
            self.hold("client_new_backup_shares", &self.backup.clone());
        }
        for (mine, theirs) in self.backup.iter().zip(ready.opened()) {
            assert_eq!(mine.verifying_key(), theirs.commitment().verifying_key());
        }
    }

    fn request(
        &mut self,
        operation: Operation,
        id: OperationId,
        proving: Proving<'_>,
    ) -> Requested {
        let party = self.party.clone();
        let asked = self.script.client("begin", |_| {
            let asked = AskedRequest::new(party, operation, id, proving).unwrap();
            let message = asked.message().clone();
            (asked, message)
        });
        let (session, begin) = (self.session.clone(), asked.message().clone());
        let begun = self.script.custodian("begun", || block_on(session.begin(begin)).unwrap());
        self.script.client("request", |rng| {
            let requested = asked.request(&begun, proving, rng).unwrap();
            let message = requested.message().clone();
            (requested, message)
        })
    }

    fn hold(&mut self, name: &str, shares: &[AnyClientShare]) {
        let shares = shares.iter().map(|share| hex_of(&share.to_bytes())).collect::<Vec<_>>();
        self.fields.insert(name.to_owned(), json!(shares));
    }

    fn id(&mut self) -> OperationId {
        self.operations += 1;
        OperationId::from_bytes([self.operations; 16])
    }

    fn next(&mut self, purpose: Purpose) -> Stage {
        let number = &mut self.epochs[usize::from(purpose == Purpose::Backup)];
        *number += 1;
        Stage { purpose, epoch: Epoch::new(*number).unwrap() }
    }
}

/// What a prepare proves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum With {
    Nothing,
    Signing,
    Keys,
    Backup,
}
