//! Prepare: new shares, made with the client, stored pending and proven from what was stored.

use core::fmt;

use twoshare_core::{
    channel::{CustodianChannel, Step},
    digest::Digest,
    id::{Epoch, Purpose, Sharing, WalletKind},
    keygen,
    proof::{Operation, Stage},
    reshare,
    secret::SecretBytes,
    share::{AnyCommitment, AnyCustodianShare, KeyId},
};

use super::{
    Desk, Material, PendingSession, Row,
    evidence::Claim,
    session::{Exchange, Session},
};
use crate::{
    binding::{Nonces, Party, channel_context, statement},
    custodian::{EvidenceError, PrepareError},
    message::{Begin, Dealt, Plan, Prepare, Prepared, PreparedSecret, Receipt, Signed, digest},
    rules::{self, Admission, Ask, Evidence, Highest},
    wire::Message,
};

/// A prepare that is proven and admitted; its new shares are yet to be made.
pub struct Checked {
    party: Party,
    begin: Begin,
    nonces: Nonces,
    body: Digest,
    channel: CustodianChannel,
    exchange: Exchange,
    opened: SecretBytes,
    /// New shares that need no exchange: dealt, or arrived from another custodian.
    dealt: Option<Vec<AnyCustodianShare>>,
    origin: Option<Digest>,
    admitted: rules::Admitted,
}

/// New shares, to be kept and read back before they are pending.
pub struct Made {
    party: Party,
    begin: Begin,
    nonces: Nonces,
    body: Digest,
    channel: CustodianChannel,
    response: SecretBytes,
    released: Vec<SecretBytes>,
    shares: Vec<AnyCustodianShare>,
    origin: Option<Digest>,
    admitted: rules::Admitted,
}

/// A prepare that was refused.
#[derive(Debug)]
pub struct Refused {
    /// Why. Where it is a wait, the wallet has changed: save it.
    pub error: PrepareError,
    /// The session, where nothing of it was spent: put it back. A wait has begun, or a conflict may
    /// pass.
    pub session: Option<Box<Session>>,
}

impl<E: Into<PrepareError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self { error: error.into(), session: None }
    }
}

impl Desk<'_> {
    /// The answer to a prepare that is pending already: these very bytes are, so that they need no
    /// new proof.
    ///
    /// # Errors
    ///
    /// The operation has ended, or its id was used for another request.
    pub fn repeated(&self, row: &Row, prepare: &Prepare) -> Result<Option<Prepared>, PrepareError> {
        if !row.is_repeated(prepare.body.id, digest(prepare))? {
            return Ok(None);
        }
        let pending = row.pending().ok_or(EvidenceError::NoSession)?;
        Ok(Some(pending.session.answer.clone()))
    }

    /// The wallet that this session's operation starts.
    #[must_use]
    pub fn new_row(&self, session: &Session) -> Row {
        let mut row = Row::new(session.begin.kind, self.now);
        row.advance(self.now);
        row
    }

    /// Checks what is said and proven, and whether the rules admit it.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub fn check_prepare(
        &mut self,
        row: &mut Row,
        session: Box<Session>,
        prepare: &Prepare,
    ) -> Result<Checked, Refused> {
        let Session { party, begin, begun, ephemeral, .. } = &*session;
        if prepare.body.wallet != begin.wallet || prepare.body.id != begin.id {
            // Nothing of the session was spent.
            let error = EvidenceError::OtherSession.into();
            return Err(Refused { error, session: Some(session) });
        }
        let context = channel_context(party, begin, begun);
        let channel =
            CustodianChannel::new(ephemeral, &prepare.body.ephemeral, self.keys, &context);
        // Exposed: ciphertext.
        let opened = channel
            .open(Step::FIRST, prepare.body.sealed.expose_secret())
            .map_err(|_| PrepareError::Sealed)?;

        let nonces = Nonces { client: prepare.body.client_nonce, custodian: begun.nonce };
        let body = digest(&prepare.body);
        let (operation, proofs) = (begin.operation, prepare.proofs.as_slice());
        let claim = Claim { party, begin, operation, nonces, body, proofs };
        let (dealt, origin) = match &begin.plan {
            Plan::Deal { .. } => (Some(decode_dealt(begin, &opened, row)?), None),
            Plan::Arrive { .. } => {
                // Refused first, where there is such a wallet: what arrives is looked at later.
                row.check_arrives()?;
                row.welcome(begin.kind);
                let (shares, origin) = self.open_parcel(session.as_ref(), &opened, row)?;
                (Some(shares), Some(origin))
            }
            _ => (None, None),
        };
        match (&begin.plan, &dealt) {
            (Plan::Deal { .. }, Some(dealt)) => claim.check_dealt(row, &commitments(dealt))?,
            _ => claim.check(row).map_err(PrepareError::from)?,
        }
        let ask = Ask {
            operation: begin.operation,
            id: begin.id,
            request: digest(prepare),
            evidence: begin.evidence,
            signing: begin.plan.makes(Purpose::Signing),
            backup: begin.plan.makes(Purpose::Backup),
            receipts: check_receipts(party, &prepare.body.receipts)?,
        };
        let admitted = match row.admit(&ask, self.policy) {
            Ok(Admission::New(admitted)) => admitted,
            Ok(Admission::Repeated) => return Err(EvidenceError::NoSession.into()),
            Err(refusal) => {
                return Err(Refused { error: refusal.into(), session: Some(session) });
            }
        };
        let Session { party, begin, exchange, ephemeral: _erased, .. } = *session;
        let opened = if dealt.is_some() { SecretBytes::default() } else { opened };
        Ok(Checked {
            party,
            begin,
            nonces,
            body,
            channel,
            exchange,
            opened,
            dealt,
            origin,
            admitted,
        })
    }
}

impl Checked {
    /// Of which epoch the custodian's shares are needed to go on; `None` where none are.
    #[must_use]
    pub const fn needs(&self) -> Option<Stage> {
        match &self.begin.plan {
            Plan::Reshare { from, .. } => Some(*from),
            Plan::Nothing
            | Plan::Keygen { .. }
            | Plan::Deal { .. }
            | Plan::Depart { .. }
            | Plan::Arrive { .. } => None,
        }
    }

    /// Makes the new shares. `held` are the custodian's of the epoch that was
    /// [needed](Self::needs), one per key.
    ///
    /// # Errors
    ///
    /// The client's part does not hold.
    pub fn make(self, held: &[AnyCustodianShare]) -> Result<Made, PrepareError> {
        let Self { party, begin, nonces, body, channel, exchange, opened, dealt, origin, admitted } =
            self;
        let (response, shares) = match dealt {
            Some(dealt) => (SecretBytes::default(), dealt),
            None => respond(exchange, &begin, &opened, held)?,
        };
        // Not in a conversion: there the key of a single-key wallet stops being whole.
        let released = match (party.kind, begin.operation, begin.evidence) {
            (WalletKind::SingleKey, Operation::Recover, Evidence::Backup(_)) => {
                held.iter().map(AnyCustodianShare::to_bytes).collect()
            }
            _ => Vec::new(),
        };
        Ok(Made {
            party,
            begin,
            nonces,
            body,
            channel,
            response,
            released,
            shares,
            origin,
            admitted,
        })
    }
}

impl Made {
    /// The custodian's new shares: signing before backup, the keys in their order.
    #[must_use]
    pub fn shares(&self) -> &[AnyCustodianShare] {
        &self.shares
    }

    /// Proves the new shares and makes them pending. `stored` are they as storage gives them back,
    /// in the same order; `keep` says what the wallet keeps of them.
    ///
    /// # Errors
    ///
    /// They are not what was made.
    pub fn pend(
        self,
        desk: &mut Desk<'_>,
        row: &mut Row,
        stored: Vec<AnyCustodianShare>,
        keep: impl Fn(Vec<AnyCustodianShare>) -> Material,
    ) -> Result<Prepared, PrepareError> {
        let Self {
            party,
            begin,
            nonces,
            body,
            channel,
            response,
            released,
            shares,
            origin,
            admitted,
        } = self;
        let same = |(made, stored): (&AnyCustodianShare, &AnyCustodianShare)| {
            made.id() == stored.id() && made.commitment() == stored.commitment()
        };
        if shares.len() != stored.len() || !shares.iter().zip(&stored).all(same) {
            return Err(PrepareError::Damaged);
        }
        let statement =
            statement(&party, &begin, begin.operation, nonces, commitments(&stored), body);
        let proofs = stored.iter().map(|share| share.prove(&statement, desk.rng)).collect();
        let secret = PreparedSecret { response, opened: released, proofs };
        let sealed = channel
            // Exposed: to the channel, which seals it.
            .seal(Step::FIRST, secret.to_bytes().expose_secret(), desk.rng)
            .map_err(|_| PrepareError::Sealed)?;
        let answer = Prepared { sealed: sealed.into() };

        let (signing, backup) =
            stored.into_iter().partition(|share| share.id().sharing.purpose == Purpose::Signing);
        let session = PendingSession {
            begin,
            client_nonce: nonces.client,
            custodian_nonce: nonces.custodian,
            answer: answer.clone(),
        };
        row.pend(admitted, Some(keep(signing)), Some(keep(backup)), session, desk.policy);
        if let Some(origin) = origin {
            row.vouch(origin);
        }
        Ok(answer)
    }
}

impl fmt::Debug for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checked").field("begin", &self.begin).finish_non_exhaustive()
    }
}

impl fmt::Debug for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Made").field("begin", &self.begin).finish_non_exhaustive()
    }
}

/// The custodian's part of the exchange, and its new shares in the order of the plan.
fn respond(
    exchange: Exchange,
    begin: &Begin,
    opened: &SecretBytes,
    held: &[AnyCustodianShare],
) -> Result<(SecretBytes, Vec<AnyCustodianShare>), PrepareError> {
    // Exposed: to the decoders of the exchange.
    let bytes = opened.expose_secret();
    match (exchange, &begin.plan) {
        (Exchange::Keygen(answered), Plan::Keygen { .. }) => {
            let opening = keygen::Opening::from_bytes(bytes).map_err(|_| PrepareError::Material)?;
            let (shares, message) =
                answered.finish(&opening).map_err(|_| PrepareError::Material)?;
            Ok((message.to_bytes(), shares))
        }
        (Exchange::Reshare(committed), Plan::Reshare { .. }) => {
            let offer = reshare::Offer::from_bytes(bytes).map_err(|_| PrepareError::Material)?;
            let (shares, response) =
                committed.respond(&offer, held).map_err(|_| PrepareError::Material)?;
            Ok((response.to_bytes(), shares))
        }
        _ => Err(EvidenceError::OtherSession.into()),
    }
}

/// The highest epochs that these receipts of our own vouch for.
fn check_receipts(party: &Party, receipts: &[Signed<Receipt>]) -> Result<Highest, PrepareError> {
    let mut highest = Highest::default();
    for receipt in receipts {
        let receipt = receipt.verify(&party.custodian).map_err(|_| PrepareError::ForeignReceipt)?;
        if receipt.wallet != party.wallet || receipt.user != party.user {
            return Err(PrepareError::ForeignReceipt);
        }
        let number = |epoch: Option<Epoch>| epoch.map_or(0, |epoch| epoch.get());
        highest.signing = highest.signing.max(number(receipt.signing));
        highest.backup = highest.backup.max(number(receipt.backup));
    }
    Ok(highest)
}

fn commitments(shares: &[AnyCustodianShare]) -> Vec<AnyCommitment> {
    shares.iter().map(AnyCustodianShare::commitment).collect()
}

/// The shares that the device dealt: each checked against its commitment, for the epoch that the
/// plan names, and of the wallet's keys where those are known.
fn decode_dealt(
    begin: &Begin,
    opened: &SecretBytes,
    row: &Row,
) -> Result<Vec<AnyCustodianShare>, PrepareError> {
    let Plan::Deal { to, curves } = &begin.plan else { return Err(PrepareError::Material) };
    // Exposed: to the decoders.
    let dealt = Dealt::from_bytes(opened.expose_secret()).map_err(|_| PrepareError::Material)?;
    let sharing = Sharing { wallet: begin.wallet, purpose: Purpose::Backup, epoch: *to };
    if dealt.shares.len() != curves.len() {
        return Err(PrepareError::Material);
    }
    let known = row.backup().map(|active| active.material.commitments()).transpose();
    let known = known.map_err(|_| PrepareError::Damaged)?;
    if known.as_ref().is_some_and(|known| known.len() != curves.len()) {
        return Err(PrepareError::Material);
    }
    let mut material = Vec::with_capacity(curves.len());
    for ((index, bytes), curve) in (0..).zip(&dealt.shares).zip(curves) {
        let share = AnyCustodianShare::from_bytes(bytes.expose_secret())
            .map_err(|_| PrepareError::Material)?;
        let is_known = known.as_ref().and_then(|known| known.get(usize::from(index)));
        let fits = share.id() == KeyId { sharing, index }
            && share.curve() == *curve
            && is_known.is_none_or(|known| known.verifying_key() == share.verifying_key());
        if !fits {
            return Err(PrepareError::Material);
        }
        material.push(share);
    }
    Ok(material)
}
