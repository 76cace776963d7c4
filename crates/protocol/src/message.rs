//! What client and custodian say to each other, in the order in which they say it.
//!
//! Share material travels in the `sealed` fields only ([`channel`](twoshare_core::channel)); what
//! stands beside it is public to whoever may read the wallet. The transport below (TLS) is trusted
//! with nothing but availability.

use twoshare_core::{
    channel::EphemeralKey,
    digest::Digest,
    id::{CurveId, Epoch, OperationId, Purpose, WalletId, WalletKind},
    identity::{CustodianIdentity, CustodianKeys, Signature, SignatureError, SigningDomain},
    proof::{Operation, Proof, Stage},
    secret::SecretBytes,
    share::AnyCommitment,
    wire::{Malformed, Reader, Writer},
};

use crate::{
    Nonce,
    rules::{Custody, Evidence, Gone, Leaving, Time},
    wire::{Message, Wire, message},
};

/// The most keys that a wallet has.
pub const MAX_KEYS: usize = 16;

message! {
    /// Asks the custodian for its nonce, and says what for.
    pub struct Begin = 1 {
        /// The wallet.
        wallet: WalletId,
        /// Its kind, which every proof binds.
        kind: WalletKind,
        /// What is about to be done.
        operation: Operation,
        /// Its operation id.
        id: OperationId,
        /// What will be proven.
        evidence: Evidence,
        /// Which new epochs it makes, and how.
        plan: Plan,
    }
}

/// How an operation makes new epochs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// It makes none: abandon, cancel, eject.
    Nothing,
    /// Both sides generate the signing pair's first epoch together.
    Keygen {
        /// A key for each.
        curves: Vec<CurveId>,
        /// The client's commitment to its half ([`keygen`](twoshare_core::keygen)).
        hash: [u8; 32],
    },
    /// Both sides make new epochs from one they share ([`reshare`](twoshare_core::reshare)).
    Reshare {
        /// The sharing that both hold.
        from: Stage,
        /// The epochs to make.
        to: Vec<Stage>,
        /// The curves of the wallet's keys, in order.
        curves: Vec<CurveId>,
    },
    /// The device, which holds the key, deals a new backup epoch.
    Deal {
        /// The epoch to make.
        to: Epoch,
        /// The curves of the wallet's keys, in order.
        curves: Vec<CurveId>,
    },
    /// The custodian gives its part of new epochs away, to another custodian.
    Depart {
        /// The sharing that both hold.
        from: Stage,
        /// The epochs to make, with the other custodian.
        to: Vec<Stage>,
        /// The curves of the wallet's keys, in order.
        curves: Vec<CurveId>,
        /// The other custodian.
        destination: Box<CustodianIdentity>,
    },
    /// The custodian takes over what another one gives away.
    Arrive {
        /// The sharing that the client and the other custodian hold.
        from: Stage,
        /// The epochs to make here.
        to: Vec<Stage>,
        /// The curves of the wallet's keys, in order.
        curves: Vec<CurveId>,
        /// The other custodian.
        source: Box<CustodianIdentity>,
    },
}

impl Plan {
    /// The epoch that it makes for this purpose.
    #[must_use]
    pub fn makes(&self, purpose: Purpose) -> Option<Epoch> {
        match self {
            Self::Nothing => None,
            Self::Keygen { .. } => (purpose == Purpose::Signing).then_some(Epoch::FIRST),
            Self::Reshare { to, .. } | Self::Depart { to, .. } | Self::Arrive { to, .. } => {
                to.iter().find(|stage| stage.purpose == purpose).map(|stage| stage.epoch)
            }
            Self::Deal { to, .. } => (purpose == Purpose::Backup).then_some(*to),
        }
    }
}

message! {
    /// The custodian's nonce, with what it commits itself to before it hears more.
    pub struct Begun = 2 {
        /// The digest of the [`Begin`] that it answers.
        begin: Digest,
        /// The custodian's nonce. It also names the session.
        nonce: Nonce,
        /// The custodian's ephemeral key for this session.
        ephemeral: EphemeralKey,
        /// For a resharing: the early commitment to each item.
        early: Vec<[u8; 32]>,
        /// For a key generation: the custodian's half.
        keygen: Option<SecretBytes>,
    }
}

message! {
    /// Everything that a prepare says, except its proofs.
    pub struct PrepareBody = 3 {
        /// The wallet.
        wallet: WalletId,
        /// The operation's id.
        id: OperationId,
        /// The custodian's nonce.
        nonce: Nonce,
        /// The client's nonce.
        client_nonce: Nonce,
        /// The client's ephemeral key for this session.
        ephemeral: EphemeralKey,
        /// Receipts of this custodian for epochs that it may have forgotten.
        receipts: Vec<Signed<Receipt>>,
        /// What the plan needs from the client, sealed.
        sealed: SecretBytes,
    }
}

message! {
    /// Makes new epochs pending.
    pub struct Prepare = 4 {
        /// What is said.
        body: PrepareBody,
        /// A proof per key of the wallet, of what [`Begin::evidence`] names.
        proofs: Vec<Proof>,
    }
}

message! {
    /// New custodian shares, dealt by the device: what is sealed in the prepare of a deal.
    pub struct Dealt = 5 {
        /// A share per key.
        shares: Vec<SecretBytes>,
    }
}

message! {
    /// The answer to a prepare, sealed: the client opens it to a [`PreparedSecret`].
    pub struct Prepared = 6 {
        /// The sealed answer. Repeating the prepare gives the same bytes.
        sealed: SecretBytes,
    }
}

message! {
    /// What is sealed in a [`Prepared`].
    pub struct PreparedSecret = 7 {
        /// The custodian's part of the resharing or of the key generation; empty after a deal.
        response: SecretBytes,
        /// In the recovery of a single-key wallet: the custodian's shares of the opened epoch.
        opened: Vec<SecretBytes>,
        /// A proof per new custodian share, read back from storage.
        proofs: Vec<Proof>,
    }
}

message! {
    /// Everything that a commit says, except its proofs.
    pub struct CommitBody = 8 {
        /// The wallet.
        wallet: WalletId,
        /// The operation that was prepared.
        id: OperationId,
        /// The digest of the envelope of the new backup epoch.
        envelope: Option<Digest>,
    }
}

message! {
    /// Makes the pending epochs active.
    pub struct Commit = 9 {
        /// What is said.
        body: CommitBody,
        /// A proof per new client share.
        proofs: Vec<Proof>,
    }
}

message! {
    /// The custodian's statement that an epoch is committed.
    pub struct Receipt = 10 {
        /// The custodian's identity.
        custodian: CustodianIdentity,
        /// Whose wallet.
        user: String,
        /// The wallet.
        wallet: WalletId,
        /// Its kind.
        kind: WalletKind,
        /// What was done.
        operation: Operation,
        /// Its operation id.
        id: OperationId,
        /// The signing epoch that became active.
        signing: Option<Epoch>,
        /// The backup epoch that became active.
        backup: Option<Epoch>,
        /// The envelope of that backup epoch.
        envelope: Option<Digest>,
        /// When, in seconds since the Unix epoch.
        at: Time,
        ;
        /// Of a wallet that arrived from another custodian, what stands for where it came from.
        origin: Digest,
    }
}

message! {
    /// Everything that a request without a plan says, except its proofs: abandon, cancel, eject.
    /// Its session's operation id is that of the operation to abandon, of the request to cancel, or
    /// of the eject itself.
    pub struct RequestBody = 11 {
        /// The custodian's nonce.
        nonce: Nonce,
        /// The client's nonce.
        client_nonce: Nonce,
        /// The client's ephemeral key, to which an eject is answered.
        ephemeral: EphemeralKey,
    }
}

message! {
    /// A request without a plan.
    pub struct Request = 12 {
        /// What is said.
        body: RequestBody,
        /// A proof per key of what [`Begin::evidence`] names.
        proofs: Vec<Proof>,
    }
}

message! {
    /// The custodian's statement that an operation was abandoned, for good.
    pub struct Tombstone = 13 {
        /// The custodian's identity.
        custodian: CustodianIdentity,
        /// Whose wallet.
        user: String,
        /// The wallet.
        wallet: WalletId,
        /// The abandoned operation.
        id: OperationId,
        /// When, in seconds since the Unix epoch.
        at: Time,
    }
}

message! {
    /// The custodian's shares of the active backup epoch, sealed: the answer to an eject. The
    /// client opens it to a [`Released`].
    pub struct Ejected = 14 {
        /// The sealed answer.
        sealed: SecretBytes,
    }
}

message! {
    /// What is sealed in an [`Ejected`].
    pub struct Released = 15 {
        /// A share per key.
        shares: Vec<SecretBytes>,
    }
}

message! {
    /// Writes an envelope into the custodian's own store.
    pub struct Upload = 16 {
        /// The wallet.
        wallet: WalletId,
        /// The epoch of the envelope.
        epoch: Epoch,
        /// The pending operation whose envelope it is; none to repair one that is committed.
        id: Option<OperationId>,
        /// A proof per new client share of that operation.
        proofs: Vec<Proof>,
    }
}

message! {
    /// The custodian's proof that it holds its half of the active backup epoch.
    pub struct Drilled = 17 {
        /// That epoch.
        epoch: Epoch,
        /// The custodian's nonce.
        nonce: Nonce,
        /// A proof per custodian share, read back from storage.
        proofs: Vec<Proof>,
    }
}

message! {
    /// A wallet as its custodian sees it, signed for the asker's nonce.
    pub struct State = 18 {
        /// The custodian's identity.
        custodian: CustodianIdentity,
        /// Whose wallet.
        user: String,
        /// The wallet.
        wallet: WalletId,
        /// Its kind.
        kind: WalletKind,
        /// The signing epoch that counts.
        signing: Option<EpochState>,
        /// The backup epoch that counts.
        backup: Option<EpochState>,
        /// The replaced backup epoch that can still be restored.
        restorable: Option<RestorableState>,
        /// What is prepared and not committed.
        pending: Option<PendingState>,
        /// The recovery or eject that waits.
        request: Option<RequestState>,
        /// The request in dispute, which freezes the wallet.
        dispute: Option<OperationId>,
        /// Whether the operator froze the wallet.
        frozen: bool,
        /// Whether the custodian's database was restored, so that only a recovery that the operator
        /// approved goes on.
        restored: bool,
        /// Until when the operator lets the key be released.
        window: Option<Time>,
        /// The highest number given to a signing epoch; 0 before the first.
        highest_signing: u64,
        /// The highest number given to a backup epoch; 0 before the first.
        highest_backup: u64,
        /// The custodian's time, in seconds since the Unix epoch.
        at: Time,
        /// The asker's nonce.
        nonce: Nonce,
        ;
        /// That the wallet leaves for another custodian, or is there.
        custody: Custody,
    }
}

message! {
    /// An epoch that counts.
    pub struct EpochState {
        /// Its number.
        epoch: Epoch,
        /// The commitment of each key, in order.
        commitments: Vec<AnyCommitment>,
        /// Its envelope, where it is a backup epoch.
        envelope: Option<Digest>,
    }
}

message! {
    /// A replaced backup epoch that can still be restored.
    pub struct RestorableState {
        /// The epoch.
        epoch: EpochState,
        /// Seconds until it ends, if nothing stops its clock.
        left: Time,
    }
}

message! {
    /// What is prepared and not committed.
    pub struct PendingState {
        /// What for.
        operation: Operation,
        /// Its operation id.
        id: OperationId,
        /// The signing epoch it makes.
        signing: Option<Epoch>,
        /// The backup epoch it makes.
        backup: Option<Epoch>,
        /// When it is given up.
        expires: Time,
    }
}

message! {
    /// A recovery or an eject that waits.
    pub struct RequestState {
        /// Its id.
        id: OperationId,
        /// Recover or eject.
        operation: Operation,
        /// From when on it may be used.
        ready: Time,
    }
}

message! {
    /// Everything that a [`Depart`] says, except its proofs.
    pub struct DepartBody = 20 {
        /// The custodian's nonce.
        nonce: Nonce,
        /// The client's nonce.
        client_nonce: Nonce,
        /// The client's ephemeral key, to which it is answered.
        ephemeral: EphemeralKey,
        /// What the other custodian was asked.
        arrival: Begin,
        /// What it answered: its session's key, which the parcel is sealed to.
        begun: Signed<Begun>,
        /// The digest of the client's part, which is the other custodian's only: the client is bound to
        /// it before it is answered.
        offer: Digest,
    }
}

message! {
    /// Lets a wallet leave for another custodian.
    pub struct Depart = 21 {
        /// What is said.
        body: DepartBody,
        /// A proof per key of the active backup share.
        proofs: Vec<Proof>,
    }
}

message! {
    /// The answer to a [`Depart`], sealed: the client opens it to a [`DepartedSecret`].
    pub struct Departed = 22 {
        /// The sealed answer.
        sealed: SecretBytes,
    }
}

message! {
    /// What is sealed in a [`Departed`].
    pub struct DepartedSecret = 23 {
        /// The custodian's part of the resharing, as the client needs it.
        response: SecretBytes,
        /// A signed [`Parcel`], for the other custodian.
        parcel: SecretBytes,
    }
}

message! {
    /// What a custodian gives to the next one, with everything that this one needs to know of it.
    pub struct ParcelBody = 24 {
        /// The custodian that gives it away.
        custodian: CustodianIdentity,
        /// Whose wallet, as that custodian knows them.
        user: String,
        /// The wallet.
        wallet: WalletId,
        /// Its kind.
        kind: WalletKind,
        /// The operation's id.
        id: OperationId,
        /// The sharing that it begins with.
        from: Stage,
        /// The epochs that it makes.
        to: Vec<Stage>,
        /// The commitments of that sharing, in the order of the keys.
        commitments: Vec<AnyCommitment>,
        /// Whom it is for.
        destination: CustodianIdentity,
        /// The digest of what that one has begun with.
        begun: Digest,
        /// The digest of the client's part, which belongs to this one and to no other.
        offer: Digest,
        /// The key that it is sealed with, made for this and erased.
        ephemeral: EphemeralKey,
    }
}

message! {
    /// What a custodian gives to the next one.
    pub struct Parcel = 25 {
        /// What everybody may know of it.
        body: ParcelBody,
        /// The custodian's part of the resharing ([`reshare::Parcel`](twoshare_core::reshare::Parcel)),
        /// sealed for the next one.
        sealed: SecretBytes,
    }
}

message! {
    /// What is sealed in the prepare of a wallet that arrives.
    pub struct Arriving = 26 {
        /// The client's part of the resharing.
        offer: SecretBytes,
        /// A signed [`Parcel`] of the custodian that the wallet comes from.
        parcel: SecretBytes,
    }
}

/// What the custodian signs.
pub trait Statement: Message {
    /// The domain of the signature.
    const DOMAIN: SigningDomain;
}

impl Statement for Begun {
    const DOMAIN: SigningDomain = SigningDomain::new("begun");
}

impl Statement for Receipt {
    const DOMAIN: SigningDomain = SigningDomain::new("receipt");
}

impl Statement for State {
    const DOMAIN: SigningDomain = SigningDomain::new("state");
}

impl Statement for Tombstone {
    const DOMAIN: SigningDomain = SigningDomain::new("tombstone");
}

impl Statement for Parcel {
    const DOMAIN: SigningDomain = SigningDomain::new("parcel");
}

/// A statement with its signature. What it says can be read after its signature was checked only.
#[derive(Debug, Clone)]
pub struct Signed<T> {
    statement: T,
    signature: Signature,
}

impl<T: Statement> Signed<T> {
    /// Signs a statement. The same statement gets the same signature.
    #[must_use]
    pub fn sign(statement: T, keys: &CustodianKeys) -> Self {
        // Exposed: a statement is public.
        let signature = keys.sign(T::DOMAIN, statement.to_bytes().expose_secret());
        Self { statement, signature }
    }

    /// What this custodian stated.
    ///
    /// # Errors
    ///
    /// It is not this custodian's signature: believe nothing of it.
    pub fn verify(&self, identity: &CustodianIdentity) -> Result<&T, SignatureError> {
        // Exposed: a statement is public.
        let bytes = self.statement.to_bytes();
        identity.verify(T::DOMAIN, bytes.expose_secret(), &self.signature)?;
        Ok(&self.statement)
    }

    /// What is stated, whoever signed it.
    ///
    /// Hazard: believe it after [`Signed::verify`] only.
    #[must_use]
    pub const fn unverified(&self) -> &T {
        &self.statement
    }
}

impl<T: Statement> Wire for Signed<T> {
    fn write(&self, writer: Writer) -> Writer {
        self.signature.write(self.statement.write(writer.array(2)))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.array_of(2)?;
        Ok(Self { statement: Wire::read(reader)?, signature: Wire::read(reader)? })
    }
}

impl<T: Statement> Message for Signed<T> {
    const NUMBER: u64 = T::NUMBER;
}

/// SHA-256 of a message's bytes: what a proof binds as its body.
#[must_use]
pub fn digest<M: Message>(message: &M) -> Digest {
    // Exposed: only to the hash.
    Digest::of(message.to_bytes().expose_secret())
}

/// A list whose first item says which variant follows.
impl Wire for Plan {
    fn write(&self, writer: Writer) -> Writer {
        match self {
            Self::Nothing => writer.array(1).uint(0),
            Self::Keygen { curves, hash } => hash.write(curves.write(writer.array(3).uint(1))),
            Self::Reshare { from, to, curves } => {
                curves.write(to.write(from.write(writer.array(4).uint(2))))
            }
            Self::Deal { to, curves } => curves.write(to.write(writer.array(3).uint(3))),
            Self::Depart { from, to, curves, destination } => {
                let writer = to.write(from.write(writer.array(5).uint(4)));
                destination.write(curves.write(writer))
            }
            Self::Arrive { from, to, curves, source } => {
                let writer = to.write(from.write(writer.array(5).uint(5)));
                source.write(curves.write(writer))
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match (reader.array(5)?, reader.uint()?) {
            (1, 0) => Ok(Self::Nothing),
            (3, 1) => Ok(Self::Keygen { curves: Wire::read(reader)?, hash: Wire::read(reader)? }),
            (4, 2) => Ok(Self::Reshare {
                from: Wire::read(reader)?,
                to: Wire::read(reader)?,
                curves: Wire::read(reader)?,
            }),
            (3, 3) => Ok(Self::Deal { to: Wire::read(reader)?, curves: Wire::read(reader)? }),
            (5, 4) => Ok(Self::Depart {
                from: Wire::read(reader)?,
                to: Wire::read(reader)?,
                curves: Wire::read(reader)?,
                destination: Wire::read(reader)?,
            }),
            (5, 5) => Ok(Self::Arrive {
                from: Wire::read(reader)?,
                to: Wire::read(reader)?,
                curves: Wire::read(reader)?,
                source: Wire::read(reader)?,
            }),
            _ => Err(Malformed),
        }
    }
}

impl Wire for Custody {
    fn write(&self, writer: Writer) -> Writer {
        match self {
            Self::Leaving(Leaving { id, to, signing, backup }) => {
                let writer = to.write(id.write(writer.array(5).uint(1)));
                backup.write(signing.write(writer))
            }
            Self::Gone(Gone { id, to, keys, at }) => {
                let writer = to.write(id.write(writer.array(5).uint(2)));
                at.write(keys.write(writer))
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match (reader.array(5)?, reader.uint()?) {
            (5, 1) => Ok(Self::Leaving(Leaving {
                id: Wire::read(reader)?,
                to: Wire::read(reader)?,
                signing: Wire::read(reader)?,
                backup: Wire::read(reader)?,
            })),
            (5, 2) => Ok(Self::Gone(Gone {
                id: Wire::read(reader)?,
                to: Wire::read(reader)?,
                keys: Wire::read(reader)?,
                at: Wire::read(reader)?,
            })),
            _ => Err(Malformed),
        }
    }
}

impl Wire for Stage {
    fn write(&self, writer: Writer) -> Writer {
        self.epoch.write(self.purpose.write(writer.array(2)))
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        reader.array_of(2)?;
        Ok(Self { purpose: Wire::read(reader)?, epoch: Wire::read(reader)? })
    }
}

impl Wire for Evidence {
    fn write(&self, writer: Writer) -> Writer {
        match self {
            Self::Token => writer.array(1).uint(0),
            Self::Signing(epoch) => epoch.write(writer.array(2).uint(1)),
            Self::Key => writer.array(1).uint(2),
            Self::Backup(epoch) => epoch.write(writer.array(2).uint(3)),
            Self::Pending(id) => id.write(writer.array(2).uint(4)),
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        match (reader.array(2)?, reader.uint()?) {
            (1, 0) => Ok(Self::Token),
            (2, 1) => Wire::read(reader).map(Self::Signing),
            (1, 2) => Ok(Self::Key),
            (2, 3) => Wire::read(reader).map(Self::Backup),
            (2, 4) => Wire::read(reader).map(Self::Pending),
            _ => Err(Malformed),
        }
    }
}
