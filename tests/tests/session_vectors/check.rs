//! What a vector says, checked from its bytes: hashes, statements and contexts are put together here
//! a second time, as PROTOCOL.md says.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use twoshare_core::{
    channel::{ClientChannel, CustodianChannel, EphemeralSecret, Step},
    curve::AnySigningKey,
    id::{OperationId, Purpose, Role, WalletId, WalletKind},
    identity::CustodianKeys,
    keygen::{self, CustodianAnswered},
    proof::{Operation, Proof, Stage, Statement, Transition},
    reshare::{self, Context, CustodianCommitted, Item},
    secret::SecretBytes,
    share::{AnyClientShare, AnyCommitment, AnyCustodianShare},
    wire::Reader,
};
use twoshare_protocol::{
    Nonce, Party,
    message::{
        Begin, Begun, Commit, Dealt, Drilled, Ejected, Plan, Prepare, Prepared, PreparedSecret,
        Receipt, Released, Request, Signed, State, Tombstone,
    },
    rules::Evidence,
    wire::{Message, Wire},
};
use twoshare_tests::vector::{Recorded, hex_of};

/// Checks every message, and opens what is sealed.
pub(crate) fn check(field: &dyn Fn(&str) -> Value) -> Value {
    let mut checker = Checker::new(field);
    for said in field("messages").as_array().unwrap() {
        let (bytes, random) = (bytes(&said["bytes"]), bytes(&said["random"]));
        match said["message"].as_str().unwrap() {
            "begin" => checker.begin(&bytes),
            "begun" => checker.begun(&bytes, random),
            "prepare" => checker.prepare(&bytes),
            "prepared" => checker.prepared(&bytes),
            "commit" => checker.commit(&bytes),
            "receipt" => checker.receipt(&bytes),
            "request" => checker.request(&bytes, random),
            "ejected" => checker.ejected(&bytes),
            "tombstone" => checker.tombstone(&bytes),
            "drilled" => checker.drilled(&bytes),
            "state" => checker.state(&bytes),
            other => panic!("no message {other}"),
        }
    }
    checker.opened.into()
}

struct Checker<'a> {
    field: &'a dyn Fn(&str) -> Value,
    keys: CustodianKeys,
    user: String,
    wallet: WalletId,
    begin: Option<Begin>,
    begun: Option<Begun>,
    custodian_ephemeral: Option<EphemeralSecret>,
    client_ephemeral: Option<EphemeralSecret>,
    prepare: Option<Prepare>,
    opened: Vec<Value>,
}

impl<'a> Checker<'a> {
    fn new(field: &'a dyn Fn(&str) -> Value) -> Self {
        let keys = CustodianKeys::from_bytes(&bytes(&field("custodian_keys"))).unwrap();
        assert_eq!(hex::encode(keys.identity().to_bytes()), field("custodian_identity"));
        Self {
            field,
            keys,
            user: field("user").as_str().unwrap().to_owned(),
            wallet: WalletId::from_bytes(bytes(&field("wallet")).try_into().unwrap()),
            begin: None,
            begun: None,
            custodian_ephemeral: None,
            client_ephemeral: None,
            prepare: None,
            opened: Vec::new(),
        }
    }

    fn begin(&mut self, bytes: &[u8]) {
        let begin = Begin::from_bytes(bytes).unwrap();
        assert_eq!(begin.wallet, self.wallet);
        assert_eq!(begin.kind.name(), (self.field)("kind"));
        self.begin = Some(begin);
    }

    fn begun(&mut self, bytes: &[u8], random: Vec<u8>) {
        let begin = self.begin.as_ref().unwrap();
        let signed = Signed::<Begun>::from_bytes(bytes).unwrap();
        let begun = signed.verify(self.keys.identity()).unwrap();
        assert_eq!(begun.begin.to_bytes(), sha256(begin));

        // What the custodian made for the session, in this order.
        let mut random = Recorded::new(random);
        match &begin.plan {
            Plan::Nothing | Plan::Deal { .. } => {}
            Plan::Keygen { curves, hash } => {
                let session = keygen::Session {
                    custodian: self.keys.identity().digest(),
                    user: self.user.clone(),
                    wallet: self.wallet,
                    operation_id: begin.id,
                    curves: curves.clone(),
                };
                let (_, answer) = CustodianAnswered::new(session, *hash, &mut random).unwrap();
                let sent = begun.keygen.as_ref().unwrap();
                assert_eq!(answer.to_bytes().expose_secret(), sent.expose_secret());
            }
            Plan::Reshare { .. } => {
                let (_, early) = CustodianCommitted::new(self.context(), &mut random).unwrap();
                assert_eq!(early, begun.early);
            }
            Plan::Depart { .. } | Plan::Arrive { .. } => panic!("nothing moves in these"),
        }
        let ephemeral = EphemeralSecret::make(&mut random);
        assert_eq!(ephemeral.public_key(), begun.ephemeral);
        assert_eq!(Nonce::make(&mut random), begun.nonce);
        random.end();
        self.custodian_ephemeral = Some(ephemeral);
        self.begun = Some(begun.clone());
    }

    fn prepare(&mut self, bytes: &[u8]) {
        let prepare = Prepare::from_bytes(bytes).unwrap();
        let begin = self.begin.as_ref().unwrap();
        let (body, proofs) = (&prepare.body, &prepare.proofs);
        assert_eq!((body.wallet, body.id), (self.wallet, begin.id));
        assert_eq!(body.nonce, self.begun.as_ref().unwrap().nonce);
        let kept = (self.field)("client_keeps");
        let (ephemeral, exchange) = offered(&self::bytes(&kept[0]));
        assert_eq!(ephemeral.public_key(), body.ephemeral);

        let of = |commitments| {
            self.statement(begin.operation, commitments, body.client_nonce, sha256(body))
        };
        match begin.evidence {
            Evidence::Token => assert!(proofs.is_empty()),
            Evidence::Key => {
                let keys = (self.field)("client_keys");
                let curves = match &begin.plan {
                    Plan::Deal { curves, .. } => curves.clone(),
                    _ => panic!("keys are proven in a deal"),
                };
                assert_eq!(proofs.len(), curves.len());
                for (index, curve) in curves.iter().enumerate() {
                    let key =
                        AnySigningKey::from_bytes(*curve, &self::bytes(&keys[index])).unwrap();
                    let index_of = u8::try_from(index).unwrap();
                    let statement = of(Vec::new());
                    let public = key.verifying_key();
                    public.verify_possession(index_of, &statement, &proofs[index]).unwrap();
                }
            }
            Evidence::Signing(_) => self.held("client_signing_shares", proofs, &of),
            Evidence::Backup(_) => self.held("client_backup_shares", proofs, &of),
            Evidence::Pending(_) => panic!("a prepare does not prove what is pending"),
        }

        let custodian = self.custodian_ephemeral.as_ref().unwrap();
        let channel =
            CustodianChannel::new(custodian, &body.ephemeral, &self.keys, &self.channel_context());
        let plain = channel.open(Step::FIRST, body.sealed.expose_secret()).unwrap();
        match &begin.plan {
            Plan::Keygen { .. } => {
                drop(keygen::Opening::from_bytes(plain.expose_secret()).unwrap())
            }
            Plan::Reshare { .. } => {
                drop(reshare::Offer::from_bytes(plain.expose_secret()).unwrap())
            }
            Plan::Deal { .. } => {
                let dealt = Dealt::from_bytes(plain.expose_secret()).unwrap();
                for (theirs, mine) in dealt.shares.iter().zip(&exchange) {
                    let theirs = AnyCustodianShare::from_bytes(theirs.expose_secret()).unwrap();
                    let mine = AnyClientShare::from_bytes(mine.expose_secret()).unwrap();
                    assert_eq!(theirs.commitment(), mine.commitment());
                }
            }
            Plan::Depart { .. } | Plan::Arrive { .. } => panic!("nothing moves in these"),
            Plan::Nothing => panic!("there is nothing to prepare"),
        }
        self.client_ephemeral = Some(ephemeral);
        self.open("prepare", &plain);
        self.prepare = Some(prepare);
    }

    fn prepared(&mut self, bytes: &[u8]) {
        let prepared = Prepared::from_bytes(bytes).unwrap();
        let plain = self.client_channel().open(Step::FIRST, prepared.sealed.expose_secret());
        let plain = plain.unwrap();
        let secret = PreparedSecret::from_bytes(plain.expose_secret()).unwrap();
        let begin = self.begin.as_ref().unwrap();
        match &begin.plan {
            Plan::Keygen { .. } => {
                drop(keygen::Closing::from_bytes(secret.response.expose_secret()).unwrap());
            }
            Plan::Reshare { .. } => {
                drop(reshare::Response::from_bytes(secret.response.expose_secret()).unwrap());
            }
            _ => assert!(secret.response.expose_secret().is_empty()),
        }
        let body = &self.prepare.as_ref().unwrap().body;
        let new = self.new_shares();
        let commitments: Vec<_> = new.iter().map(AnyClientShare::commitment).collect();
        let statement =
            self.statement(begin.operation, commitments, body.client_nonce, sha256(body));
        verify(Role::Custodian, &new, &statement, &secret.proofs);
        self.open("prepared", &plain);
    }

    fn commit(&mut self, bytes: &[u8]) {
        let commit = Commit::from_bytes(bytes).unwrap();
        let begin = self.begin.as_ref().unwrap();
        assert_eq!((commit.body.wallet, commit.body.id), (self.wallet, begin.id));
        let new = self.new_shares();
        let commitments: Vec<_> = new.iter().map(AnyClientShare::commitment).collect();
        // The nonces are those of the prepare.
        let client_nonce = self.prepare.as_ref().unwrap().body.client_nonce;
        let statement =
            self.statement(Operation::Commit, commitments, client_nonce, sha256(&commit.body));
        verify(Role::Client, &new, &statement, &commit.proofs);
    }

    fn receipt(&mut self, bytes: &[u8]) {
        let signed = Signed::<Receipt>::from_bytes(bytes).unwrap();
        let receipt = signed.verify(self.keys.identity()).unwrap();
        let begin = self.begin.as_ref().unwrap();
        assert_eq!((receipt.wallet, receipt.id), (self.wallet, begin.id));
        assert_eq!((&receipt.user, receipt.operation), (&self.user, begin.operation));
        let converts = begin.operation == Operation::Convert;
        let kind = if converts { WalletKind::Mpc } else { begin.kind };
        assert_eq!(receipt.kind, kind);
        assert_eq!(receipt.signing, begin.plan.makes(Purpose::Signing));
        assert_eq!(receipt.backup, begin.plan.makes(Purpose::Backup));
    }

    fn request(&mut self, bytes: &[u8], random: Vec<u8>) {
        let request = Request::from_bytes(bytes).unwrap();
        let ephemeral = EphemeralSecret::make(&mut Recorded::new(random));
        assert_eq!(ephemeral.public_key(), request.body.ephemeral);
        assert_eq!(request.body.nonce, self.begun.as_ref().unwrap().nonce);
        let begin = self.begin.as_ref().unwrap();
        let body = &request.body;
        let of = |commitments| {
            self.statement(begin.operation, commitments, body.client_nonce, sha256(body))
        };
        match begin.evidence {
            Evidence::Backup(_) => self.held("client_backup_shares", &request.proofs, &of),
            Evidence::Pending(_) => self.held("client_new_backup_shares", &request.proofs, &of),
            _ => panic!("no request here proves anything else"),
        }
        self.client_ephemeral = Some(ephemeral);
    }

    fn ejected(&mut self, bytes: &[u8]) {
        let ejected = Ejected::from_bytes(bytes).unwrap();
        let plain = self.client_channel().open(Step::FIRST, ejected.sealed.expose_secret());
        let plain = plain.unwrap();
        let released = Released::from_bytes(plain.expose_secret()).unwrap();
        let mine = self.shares("client_backup_shares");
        assert_eq!(released.shares.len(), mine.len());
        for (theirs, mine) in released.shares.iter().zip(mine) {
            let theirs = AnyCustodianShare::from_bytes(theirs.expose_secret()).unwrap();
            AnySigningKey::reconstruct(&mine, &theirs, &mine.verifying_key()).unwrap();
        }
        self.open("ejected", &plain);
    }

    fn tombstone(&mut self, bytes: &[u8]) {
        let signed = Signed::<Tombstone>::from_bytes(bytes).unwrap();
        let tombstone = signed.verify(self.keys.identity()).unwrap();
        assert_eq!((&tombstone.user, tombstone.wallet), (&self.user, self.wallet));
        assert_eq!(tombstone.id, self.begin.as_ref().unwrap().id);
    }

    fn drilled(&mut self, bytes: &[u8]) {
        let drilled = Drilled::from_bytes(bytes).unwrap();
        let mine = self.shares("client_backup_shares");
        let kind = twoshare_core::id::WalletKind::ALL.iter();
        let kind = *kind.clone().find(|kind| kind.name() == (self.field)("kind")).unwrap();
        // A drill has no session: this begin is never sent.
        let begin = Begin {
            wallet: self.wallet,
            kind,
            operation: Operation::Drill,
            id: OperationId::from_bytes([0; 16]),
            evidence: Evidence::Backup(drilled.epoch),
            plan: Plan::Nothing,
        };
        let asked: [u8; 32] = self::bytes(&(self.field)("asked_with_nonce")).try_into().unwrap();
        let stage = Stage { purpose: Purpose::Backup, epoch: drilled.epoch };
        let statement = Statement {
            operation: Operation::Drill,
            operation_id: begin.id,
            custodian: self.keys.identity().digest(),
            user: self.user.clone(),
            wallet: self.wallet,
            kind,
            epochs: vec![Transition { from: Some(stage), to: None }],
            commitments: mine.iter().map(AnyClientShare::commitment).collect(),
            client_nonce: asked,
            custodian_nonce: drilled.nonce.to_bytes(),
            body: sha256(&begin),
        };
        verify(Role::Custodian, &mine, &statement, &drilled.proofs);
    }

    fn state(&mut self, bytes: &[u8]) {
        let signed = Signed::<State>::from_bytes(bytes).unwrap();
        let state = signed.verify(self.keys.identity()).unwrap();
        assert_eq!((&state.user, state.wallet), (&self.user, self.wallet));
        assert_eq!(hex::encode(state.nonce.to_bytes()), (self.field)("asked_with_nonce"));
    }

    /// `twoshare/v1/session`, the digests of what was said before, and who says it.
    fn channel_context(&self) -> Vec<u8> {
        let mut context = b"twoshare/v1/session".to_vec();
        context.extend(sha256(self.begin.as_ref().unwrap()));
        context.extend(sha256(self.begun.as_ref().unwrap()));
        context.extend(self.user.as_bytes());
        context
    }

    fn client_channel(&self) -> ClientChannel {
        let custodian = &self.begun.as_ref().unwrap().ephemeral;
        let own = self.client_ephemeral.as_ref().unwrap();
        ClientChannel::new(own, custodian, self.keys.identity(), &self.channel_context())
    }

    fn context(&self) -> Context {
        let begin = self.begin.as_ref().unwrap();
        let Plan::Reshare { from, to, curves } = &begin.plan else { panic!("no resharing") };
        let mut items = Vec::new();
        for to in to {
            for (index, curve) in curves.iter().enumerate() {
                let index = u8::try_from(index).unwrap();
                items.push(Item { index, curve: *curve, from: *from, to: *to });
            }
        }
        Context {
            custodian: self.keys.identity().digest(),
            user: self.user.clone(),
            wallet: self.wallet,
            kind: begin.kind,
            operation: begin.operation,
            operation_id: begin.id,
            items,
        }
    }

    fn statement(
        &self,
        operation: Operation,
        commitments: Vec<AnyCommitment>,
        client_nonce: Nonce,
        body: [u8; 32],
    ) -> Statement {
        let begin = self.begin.as_ref().unwrap();
        let stage = |purpose, epoch| Some(Stage { purpose, epoch });
        let epochs = match (&begin.plan, begin.evidence) {
            (Plan::Keygen { .. }, _) => {
                let to = stage(Purpose::Signing, twoshare_core::id::Epoch::FIRST);
                vec![Transition { from: None, to }]
            }
            (Plan::Deal { to, .. }, _) => {
                vec![Transition { from: None, to: stage(Purpose::Backup, *to) }]
            }
            (Plan::Reshare { from, to, .. }, _) => {
                to.iter().map(|to| Transition { from: Some(*from), to: Some(*to) }).collect()
            }
            (Plan::Nothing, Evidence::Signing(epoch)) => {
                vec![Transition { from: stage(Purpose::Signing, epoch), to: None }]
            }
            (Plan::Nothing, Evidence::Backup(epoch)) => {
                vec![Transition { from: stage(Purpose::Backup, epoch), to: None }]
            }
            (Plan::Depart { .. } | Plan::Arrive { .. }, _) => panic!("nothing moves in these"),
            (Plan::Nothing, _) => Vec::new(),
        };
        Statement {
            operation,
            operation_id: begin.id,
            custodian: self.keys.identity().digest(),
            user: self.user.clone(),
            wallet: self.wallet,
            kind: begin.kind,
            epochs,
            commitments,
            client_nonce: client_nonce.to_bytes(),
            custodian_nonce: self.begun.as_ref().unwrap().nonce.to_bytes(),
            body,
        }
    }

    /// The client has proven the shares of this field.
    fn held(
        &self,
        field: &str,
        proofs: &[Proof],
        statement: &dyn Fn(Vec<AnyCommitment>) -> Statement,
    ) {
        let shares = self.shares(field);
        let commitments = shares.iter().map(AnyClientShare::commitment).collect();
        verify(Role::Client, &shares, &statement(commitments), proofs);
    }

    fn new_shares(&self) -> Vec<AnyClientShare> {
        let kept = bytes(&(self.field)("client_keeps")[1]);
        let mut reader = head(&kept, 33, 6);
        let _ = (Party::read(&mut reader).unwrap(), Begin::read(&mut reader).unwrap());
        let _ = (Nonce::read(&mut reader).unwrap(), Nonce::read(&mut reader).unwrap());
        let made: Vec<SecretBytes> = Wire::read(&mut reader).unwrap();
        made.iter()
            .map(|share| AnyClientShare::from_bytes(share.expose_secret()).unwrap())
            .collect()
    }

    fn shares(&self, field: &str) -> Vec<AnyClientShare> {
        let shares = (self.field)(field);
        let shares = shares.as_array().unwrap().iter();
        shares.map(|share| AnyClientShare::from_bytes(&bytes(share)).unwrap()).collect()
    }

    fn open(&mut self, message: &str, plain: &SecretBytes) {
        let ephemeral = self.client_ephemeral.as_ref().unwrap();
        self.opened.push(json!({
            "message": message,
            "client_ephemeral_secret": hex_of(&ephemeral.to_bytes()),
            "plain": hex_of(plain),
        }));
    }
}

/// The ephemeral secret and the exchange in what a client keeps once it has offered.
fn offered(kept: &[u8]) -> (EphemeralSecret, Vec<SecretBytes>) {
    let mut reader = head(kept, 32, 7);
    let _ = (Party::read(&mut reader).unwrap(), Begin::read(&mut reader).unwrap());
    let _ = (Begun::read(&mut reader).unwrap(), Prepare::read(&mut reader).unwrap());
    let ephemeral = EphemeralSecret::from_bytes(reader.bytes().unwrap()).unwrap();
    let _ = reader.uint().unwrap();
    (ephemeral, Wire::read(&mut reader).unwrap())
}

fn head(bytes: &[u8], number: u64, fields: usize) -> Reader<'_> {
    let mut reader = Reader::new(bytes);
    reader.array_of(3).unwrap();
    assert_eq!((reader.uint(), reader.uint()), (Ok(1), Ok(number)));
    reader.array_of(fields).unwrap();
    reader
}

fn verify(role: Role, shares: &[AnyClientShare], statement: &Statement, proofs: &[Proof]) {
    assert_eq!(shares.len(), proofs.len());
    for (share, proof) in shares.iter().zip(proofs) {
        let (purpose, index) = (share.id().sharing.purpose, share.id().index);
        let commitment = share.commitment();
        commitment.verify_possession(role, purpose, index, statement, proof).unwrap();
    }
}

fn sha256<M: Message>(message: &M) -> [u8; 32] {
    Sha256::digest(message.to_bytes().expose_secret()).into()
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("a text")).expect("hexadecimal")
}
