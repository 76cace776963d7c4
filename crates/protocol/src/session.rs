//! The client's side of every exchange, without input or output: one type per state, each step
//! consuming the state and what the custodian answered.
//!
//! ```text
//! Asked ── Begin ──▶ Begun ──▶ Offered ── Prepare ──▶ Prepared ──▶ Ready ── Commit ──▶ Receipt
//! ```
//!
//! [`Offered`] and [`Ready`] are what a device keeps, sealed, across a crash: from either the
//! operation can be finished. A failed exchange is over, and the next one begins anew.

use rand_core::CryptoRng;
use thiserror::Error;
use twoshare_core::{
    channel::{ClientChannel, EphemeralSecret, OpenError, SealError, Step},
    curve::AnySigningKey,
    id::{CurveId, Epoch, OperationId, Purpose, Role, Sharing, WalletKind},
    identity::SignatureError,
    keygen::{self, KeygenError},
    proof::{Operation, Proof, Stage, Statement, UnprovenError, UnprovenShares},
    reshare::{self, MessageError, ReshareError},
    secret::SecretBytes,
    share::{AnyClientShare, AnyCommitment, AnyCustodianShare, KeyId, ShareError},
};

use crate::{
    Nonce,
    binding::{Nonces, Party, channel_context, statement},
    exchange::{keygen_session, reshare_context},
    message::{
        Begin, Begun, Dealt, MAX_KEYS, Plan, Prepare, PrepareBody, Prepared, PreparedSecret,
        Receipt, Signed, digest,
    },
    rules::Evidence,
    wire::{DecodeError, MAX_TEXT, Message},
};

mod journal;
mod moving;
mod ready;
mod request;
#[cfg(test)]
mod tests;

pub use self::{
    moving::{AskedArrival, AskedDeparture, Departing},
    ready::Ready,
    request::{AskedRequest, Requested, check_drill},
};

/// What a client proves with.
#[derive(Debug, Clone, Copy)]
pub enum Proving<'a> {
    /// Nothing but its session token: to make a new MPC wallet.
    Nothing,
    /// The device of an MPC wallet: its signing shares.
    Signing(&'a [AnyClientShare]),
    /// A device of a single-key wallet: the keys themselves.
    Keys(&'a [AnySigningKey]),
    /// An opened method: the backup shares in its envelope.
    Backup(&'a [AnyClientShare]),
    /// The new shares of a pending operation.
    Pending(OperationId, &'a [AnyClientShare]),
}

/// Why an exchange was given up. The custodian is not the pinned one, is broken, or lies: nothing
/// of it is to be used, and nothing has changed on this side.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SessionError {
    /// An answer is not signed by the pinned custodian: check the custodian's key.
    #[error("the answer is not signed by the pinned custodian")]
    WrongCustodian(#[source] SignatureError),
    /// An answer belongs to another question.
    #[error("the answer belongs to another session")]
    OtherSession,
    /// A sealed answer cannot be opened.
    #[error("the sealed answer cannot be opened")]
    Sealed(#[source] OpenError),
    /// What is to be sealed is too long.
    #[error("the message is too long to be sealed")]
    TooLong(#[source] SealError),
    /// A sealed answer is not the message that belongs there.
    #[error("the custodian's answer is malformed")]
    Malformed(#[from] DecodeError),
    /// The custodian's part of the exchange is not the message that belongs there.
    #[error("the custodian's part of the exchange is malformed")]
    MalformedPart(#[from] MessageError),
    /// The custodian's part of the key generation does not hold.
    #[error("the custodian's part of the key generation does not hold")]
    Keygen(#[source] KeygenError),
    /// The custodian's part of the resharing does not hold.
    #[error("the custodian's part of the resharing does not hold")]
    Reshare(#[source] ReshareError),
    /// The custodian has not proven that it holds its new shares.
    #[error("the custodian has not proven that it holds its new shares")]
    Unproven(#[source] UnprovenError),
    /// The custodian has not proven that it holds its share of an epoch that was dealt or drilled.
    #[error("the custodian has not proven that it holds its share of key {key}")]
    NotHeld {
        /// The index of the key.
        key: u8,
    },
    /// A share that the custodian released does not hold.
    #[error("a share that the custodian released does not hold")]
    Released(#[source] ShareError),
    /// A share that the custodian released is not the other half of the one it was asked for.
    #[error("the share that the custodian released is not the other half of key {key}")]
    OtherHalf {
        /// The index of the key.
        key: u8,
    },
    /// What was given does not fit the operation: shares of another wallet, epoch or curve.
    #[error("the shares given do not fit the operation")]
    Misuse,
    /// The receipt or proof says something else than what was done.
    #[error("the receipt does not say what was done")]
    OtherReceipt,
}

/// An operation that is about to begin: [`Asked::message`] goes to
/// [`Custodian::begin`](crate::custodian::Custodian::begin).
#[derive(Debug)]
pub struct Asked {
    party: Party,
    begin: Begin,
    keygen: Option<keygen::ClientCommitted>,
}

impl Asked {
    /// A new MPC wallet with a key on each of these curves.
    ///
    /// # Errors
    ///
    /// There are no curves, or too many, or the user's name is too long.
    pub fn keygen<R: CryptoRng + ?Sized>(
        party: Party,
        id: OperationId,
        curves: Vec<CurveId>,
        rng: &mut R,
    ) -> Result<Self, SessionError> {
        let mut begin = Begin {
            wallet: party.wallet,
            kind: party.kind,
            operation: Operation::Keygen,
            id,
            evidence: Evidence::Token,
            plan: Plan::Keygen { curves: curves.clone(), hash: [0; 32] },
        };
        let session = keygen_session(&party, &begin, &curves);
        let (committed, hash) =
            keygen::ClientCommitted::new(session, rng).map_err(SessionError::Keygen)?;
        begin.plan = Plan::Keygen { curves, hash };
        Ok(Self { party, begin, keygen: Some(committed) })
    }

    /// New epochs made from the shares that are proven, with the custodian.
    ///
    /// # Errors
    ///
    /// The shares are not all of one epoch of this wallet.
    pub fn reshare(
        party: Party,
        operation: Operation,
        id: OperationId,
        from: &[AnyClientShare],
        to: Vec<Stage>,
    ) -> Result<Self, SessionError> {
        let stage = stage_of(&party, from)?;
        let begin = Begin {
            wallet: party.wallet,
            kind: party.kind,
            operation,
            id,
            evidence: match stage.purpose {
                Purpose::Signing => Evidence::Signing(stage.epoch),
                Purpose::Backup => Evidence::Backup(stage.epoch),
            },
            plan: Plan::Reshare {
                from: stage,
                to,
                curves: from.iter().map(AnyClientShare::curve).collect(),
            },
        };
        Ok(Self { party, begin, keygen: None })
    }

    /// A new backup epoch of a single-key wallet, dealt by its device.
    #[must_use]
    pub fn deal(
        party: Party,
        operation: Operation,
        id: OperationId,
        keys: &[AnySigningKey],
        to: Epoch,
    ) -> Self {
        let begin = Begin {
            wallet: party.wallet,
            kind: party.kind,
            operation,
            id,
            evidence: Evidence::Key,
            plan: Plan::Deal { to, curves: keys.iter().map(AnySigningKey::curve).collect() },
        };
        Self { party, begin, keygen: None }
    }

    /// What to send.
    #[must_use]
    pub const fn message(&self) -> &Begin {
        &self.begin
    }

    /// Goes on with the custodian's nonce: [`Offered::message`] goes to
    /// [`Custodian::prepare`](crate::custodian::Custodian::prepare). `receipts` are the newest ones
    /// known of this wallet, for a custodian that may have forgotten.
    ///
    /// # Errors
    ///
    /// See [`SessionError`].
    pub fn prepare<R: CryptoRng + ?Sized>(
        self,
        begun: &Signed<Begun>,
        proving: Proving<'_>,
        receipts: Vec<Signed<Receipt>>,
        rng: &mut R,
    ) -> Result<Offered, SessionError> {
        let Self { party, begin, keygen } = self;
        let begun = check_begun(&party, &begin, begun)?;
        if proving.evidence(&party)? != begin.evidence {
            return Err(SessionError::Misuse);
        }
        let (exchange, message) = match (&begin.plan, keygen, proving) {
            (Plan::Keygen { .. }, Some(committed), _) => {
                let answer = begun.keygen.as_ref().ok_or(SessionError::OtherSession)?;
                // Exposed: to the decoder.
                let answer = keygen::Answer::from_bytes(answer.expose_secret())?;
                let (opened, opening) = committed.open(&answer).map_err(SessionError::Keygen)?;
                (Exchange::Keygen(opened), opening.to_bytes())
            }
            (Plan::Reshare { .. }, _, Proving::Signing(shares) | Proving::Backup(shares)) => {
                let context = reshare_context(&party, &begin);
                let (offered, offer) =
                    reshare::ClientOffered::new(context, &begun.early, shares, rng)
                        .map_err(SessionError::Reshare)?;
                (Exchange::Reshare(offered), offer.to_bytes())
            }
            (Plan::Deal { to, curves }, _, Proving::Keys(keys)) => {
                let dealt = keys.iter().map(AnySigningKey::curve);
                if !(1..=MAX_KEYS).contains(&curves.len()) || !dealt.eq(curves.iter().copied()) {
                    return Err(SessionError::Misuse);
                }
                let sharing =
                    Sharing { wallet: party.wallet, purpose: Purpose::Backup, epoch: *to };
                let dealt =
                    (0..).zip(keys).map(|(index, key)| key.split(KeyId { sharing, index }, rng));
                let (mine, theirs): (Vec<_>, Vec<_>) = dealt.unzip();
                let shares = theirs.iter().map(AnyCustodianShare::to_bytes).collect();
                (Exchange::Dealt(mine), Dealt { shares }.to_bytes())
            }
            _ => return Err(SessionError::Misuse),
        };

        seal_prepare(party, begin, begun, proving, receipts, exchange, &message, rng)
    }
}

/// Seals what a prepare says, and proves what it names.
#[expect(clippy::too_many_arguments, reason = "everything that a prepare is made of")]
fn seal_prepare<R: CryptoRng + ?Sized>(
    party: Party,
    begin: Begin,
    begun: &Begun,
    proving: Proving<'_>,
    receipts: Vec<Signed<Receipt>>,
    exchange: Exchange,
    message: &SecretBytes,
    rng: &mut R,
) -> Result<Offered, SessionError> {
    let ephemeral = EphemeralSecret::make(rng);
    let channel = client_channel(&party, &begin, begun, &ephemeral);
    let sealed = channel
        // Exposed: to the channel, which seals it.
        .seal(Step::FIRST, message.expose_secret(), rng)
        .map_err(SessionError::TooLong)?;
    let body = PrepareBody {
        wallet: party.wallet,
        id: begin.id,
        nonce: begun.nonce,
        client_nonce: Nonce::make(rng),
        ephemeral: ephemeral.public_key(),
        receipts,
        sealed: sealed.into(),
    };
    let nonces = Nonces { client: body.client_nonce, custodian: begun.nonce };
    let statement =
        statement(&party, &begin, begin.operation, nonces, proving.commitments(), digest(&body));
    let proofs = proving.prove(&statement, rng);
    let message = Prepare { body, proofs };
    let (begun, channel) = (begun.clone(), Some(channel));
    Ok(Offered { party, begin, begun, message, ephemeral, channel, exchange })
}

/// An operation whose prepare is on its way. Keep it, sealed, before sending: repeated, the prepare
/// gets the same answer.
#[derive(Debug)]
pub struct Offered {
    party: Party,
    begin: Begin,
    begun: Begun,
    message: Prepare,
    ephemeral: EphemeralSecret,
    /// Where this is the state that was made, and not one that was kept: the agreements of keys are
    /// most of what a session costs.
    channel: Option<ClientChannel>,
    exchange: Exchange,
}

/// The client's side of what the plan exchanges.
#[derive(Debug)]
enum Exchange {
    Keygen(keygen::ClientOpened),
    Reshare(reshare::ClientOffered),
    Dealt(Vec<AnyClientShare>),
    /// With the old custodian's part.
    Moved(reshare::ClientOffered, reshare::Response),
}

impl Offered {
    /// What to send.
    #[must_use]
    pub const fn message(&self) -> &Prepare {
        &self.message
    }

    /// The operation's id.
    #[must_use]
    pub const fn id(&self) -> OperationId {
        self.begin.id
    }

    /// Goes on with the custodian's answer: everything in it is checked, and the new shares made.
    /// `known` are the commitments of every epoch that this side knows: a slope among them is
    /// refused.
    ///
    /// # Errors
    ///
    /// See [`SessionError`].
    pub fn finish(
        self,
        prepared: &Prepared,
        known: &[AnyCommitment],
    ) -> Result<Ready, SessionError> {
        let Self { party, begin, begun, message, ephemeral, channel, exchange } = self;
        let channel = channel.unwrap_or_else(|| client_channel(&party, &begin, &begun, &ephemeral));
        let opened = channel
            // Exposed: ciphertext.
            .open(Step::FIRST, prepared.sealed.expose_secret())
            .map_err(SessionError::Sealed)?;
        // Exposed here and below: to the decoders.
        let secret = PreparedSecret::from_bytes(opened.expose_secret())?;
        let response = secret.response.expose_secret();
        let made = match exchange {
            Exchange::Keygen(opened) => {
                let closing = keygen::Closing::from_bytes(response)?;
                Made::Exchanged(Box::new(opened.finish(&closing).map_err(SessionError::Keygen)?))
            }
            Exchange::Reshare(offered) => {
                let response = reshare::Response::from_bytes(response)?;
                Made::Exchanged(Box::new(
                    offered.finish(&response, known).map_err(SessionError::Reshare)?,
                ))
            }
            Exchange::Dealt(shares) => Made::Dealt(shares),
            Exchange::Moved(offered, response) => {
                let (id, user) = (party.custodian.digest(), party.user.as_str());
                let moved = offered.finish_moved(&response, known, id, user);
                Made::Exchanged(Box::new(moved.map_err(SessionError::Reshare)?))
            }
        };
        let nonces = Nonces { client: message.body.client_nonce, custodian: begun.nonce };
        let body = digest(&message.body);
        let commitments = made.commitments();
        let statement = statement(&party, &begin, begin.operation, nonces, commitments, body);
        let made = made.accept(&statement, &secret.proofs)?;
        let opened = check_opened(&party, &begin, &secret.opened)?;
        Ok(Ready::new(party, begin, nonces, made, opened))
    }
}

/// New client shares of which the custodian has yet to prove the other halves.
enum Made {
    Exchanged(Box<UnprovenShares>),
    Dealt(Vec<AnyClientShare>),
}

impl Made {
    fn commitments(&self) -> Vec<AnyCommitment> {
        match self {
            Self::Exchanged(unproven) => unproven.commitments(),
            Self::Dealt(shares) => shares.iter().map(AnyClientShare::commitment).collect(),
        }
    }

    fn accept(
        self,
        statement: &Statement,
        proofs: &[Proof],
    ) -> Result<Vec<AnyClientShare>, SessionError> {
        match self {
            Self::Exchanged(unproven) => {
                unproven.accept(statement, proofs).map_err(SessionError::Unproven)
            }
            Self::Dealt(shares) => {
                check_custodian(&shares, statement, proofs)?;
                Ok(shares)
            }
        }
    }
}

impl Proving<'_> {
    fn evidence(&self, party: &Party) -> Result<Evidence, SessionError> {
        match self {
            Self::Nothing => Ok(Evidence::Token),
            Self::Signing(shares) => {
                Ok(Evidence::Signing(epoch_of(party, Purpose::Signing, shares)?))
            }
            Self::Keys(_) => Ok(Evidence::Key),
            Self::Backup(shares) => Ok(Evidence::Backup(epoch_of(party, Purpose::Backup, shares)?)),
            Self::Pending(id, _) => Ok(Evidence::Pending(*id)),
        }
    }

    fn commitments(&self) -> Vec<AnyCommitment> {
        match self {
            Self::Nothing | Self::Keys(_) => Vec::new(),
            Self::Signing(shares) | Self::Backup(shares) | Self::Pending(_, shares) => {
                shares.iter().map(AnyClientShare::commitment).collect()
            }
        }
    }

    fn prove<R: CryptoRng + ?Sized>(&self, statement: &Statement, rng: &mut R) -> Vec<Proof> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Keys(keys) => {
                (0..).zip(*keys).map(|(index, key)| key.prove(index, statement, rng)).collect()
            }
            Self::Signing(shares) | Self::Backup(shares) | Self::Pending(_, shares) => {
                shares.iter().map(|share| share.prove(statement, rng)).collect()
            }
        }
    }
}

/// The one epoch that these shares are of: of every key of the wallet, in order.
fn stage_of(party: &Party, shares: &[AnyClientShare]) -> Result<Stage, SessionError> {
    let sharing = shares.first().ok_or(SessionError::Misuse)?.id().sharing;
    let fits = sharing.wallet == party.wallet
        && (0..).zip(shares).all(|(index, share)| share.id() == KeyId { sharing, index });
    if fits {
        Ok(Stage { purpose: sharing.purpose, epoch: sharing.epoch })
    } else {
        Err(SessionError::Misuse)
    }
}

/// The same for shares of this purpose.
fn epoch_of(
    party: &Party,
    purpose: Purpose,
    shares: &[AnyClientShare],
) -> Result<Epoch, SessionError> {
    let stage = stage_of(party, shares)?;
    if stage.purpose == purpose { Ok(stage.epoch) } else { Err(SessionError::Misuse) }
}

fn check_begun<'a>(
    party: &Party,
    begin: &Begin,
    begun: &'a Signed<Begun>,
) -> Result<&'a Begun, SessionError> {
    if !(1..=MAX_TEXT).contains(&party.user.len()) {
        // No receipt could name them, and no state be read.
        return Err(SessionError::Misuse);
    }
    let begun = begun.verify(&party.custodian).map_err(SessionError::WrongCustodian)?;
    if begun.begin == digest(begin) { Ok(begun) } else { Err(SessionError::OtherSession) }
}

fn client_channel(
    party: &Party,
    begin: &Begin,
    begun: &Begun,
    ephemeral: &EphemeralSecret,
) -> ClientChannel {
    let context = channel_context(party, begin, begun);
    ClientChannel::new(ephemeral, &begun.ephemeral, &party.custodian, &context)
}

/// Whether the custodian has proven its share beside each of these.
fn check_custodian(
    shares: &[AnyClientShare],
    statement: &Statement,
    proofs: &[Proof],
) -> Result<(), SessionError> {
    let mut proofs = proofs.iter();
    for share in shares {
        let (key, purpose) = (share.id().index, share.id().sharing.purpose);
        let proof = proofs.next().ok_or(SessionError::NotHeld { key })?;
        share
            .commitment()
            .verify_possession(Role::Custodian, purpose, key, statement, proof)
            .map_err(|_| SessionError::NotHeld { key })?;
    }
    if proofs.next().is_some() { Err(SessionError::OtherSession) } else { Ok(()) }
}

/// In the recovery of a single-key wallet: the custodian's shares of the opened epoch.
fn check_opened(
    party: &Party,
    begin: &Begin,
    opened: &[SecretBytes],
) -> Result<Vec<AnyCustodianShare>, SessionError> {
    let expected = match (&begin.plan, begin.operation, party.kind) {
        (Plan::Reshare { from, curves, .. }, Operation::Recover, WalletKind::SingleKey) => {
            Some((from, curves.len()))
        }
        _ => None,
    };
    let Some((from, count)) = expected else {
        return if opened.is_empty() { Ok(Vec::new()) } else { Err(SessionError::OtherSession) };
    };
    let sharing = Sharing { wallet: party.wallet, purpose: from.purpose, epoch: from.epoch };
    let shares = decode_released(sharing, opened)?;
    if shares.len() == count { Ok(shares) } else { Err(SessionError::OtherSession) }
}

/// Released custodian shares: each checked against its commitment, all of this sharing.
fn decode_released(
    sharing: Sharing,
    released: &[SecretBytes],
) -> Result<Vec<AnyCustodianShare>, SessionError> {
    let decode = |(index, bytes): (u8, &SecretBytes)| {
        // Exposed: to the decoder.
        let share = AnyCustodianShare::from_bytes(bytes.expose_secret());
        let share = share.map_err(SessionError::Released)?;
        if share.id() == (KeyId { sharing, index }) {
            Ok(share)
        } else {
            Err(SessionError::OtherSession)
        }
    };
    (0..).zip(released).map(decode).collect()
}
