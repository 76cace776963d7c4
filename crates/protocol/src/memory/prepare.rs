//! Prepare: new shares, made with the client, stored pending and proven from what was stored.

use twoshare_core::{
    channel::{CustodianChannel, Step},
    id::{Epoch, Purpose, Sharing, WalletKind},
    keygen,
    proof::Operation,
    reshare,
    secret::SecretBytes,
    share::{AnyCustodianShare, KeyId},
};

use super::{
    Inner, Material, PendingSession, Row,
    evidence::{Claim, commitments},
    read_back,
    session::{Exchange, Secrets},
};
use crate::{
    binding::{Nonces, Party, channel_context, statement},
    custodian::{EvidenceError, PrepareError, ReadError},
    message::{Begin, Dealt, Plan, Prepare, Prepared, PreparedSecret, Receipt, Signed, digest},
    rules::{Admission, Ask, Evidence, Highest, PrepareRefusal, Wallet as Rules},
    wire::Message,
};

impl Inner {
    pub(super) fn prepare(
        &mut self,
        user: &str,
        prepare: &Prepare,
    ) -> Result<Prepared, PrepareError> {
        let (now, policy, request) = (self.now, self.policy.clone(), digest(prepare));
        let nonce = prepare.body.nonce;
        let found = self.find(user, prepare.body.wallet).map(|row| row.clone());
        if let Some(row) = &found
            && row.rules.is_repeated(prepare.body.id, request)?
        {
            let pending = row.rules.pending().ok_or(EvidenceError::NoSession)?;
            return Ok(pending.session.answer.clone());
        }

        let session = self.sessions.get_mut(&nonce).filter(|session| session.party.user == user);
        let session = session.filter(|session| session.expires > now);
        let session = session.ok_or(EvidenceError::NoSession)?;
        let (party, begin, begun) =
            (session.party.clone(), session.begin.clone(), session.begun.clone());
        if prepare.body.wallet != begin.wallet || prepare.body.id != begin.id {
            return Err(EvidenceError::OtherSession.into());
        }
        let mut row = found.unwrap_or_else(|| Row::new(begin.kind, now));
        let secrets = session.secrets.take().ok_or(EvidenceError::NoSession)?;
        let channel = CustodianChannel::new(
            &secrets.ephemeral,
            &prepare.body.ephemeral,
            &self.keys,
            &channel_context(&party, &begin, &begun),
        );
        // Exposed: ciphertext.
        let opened = channel
            .open(Step::FIRST, prepare.body.sealed.expose_secret())
            .map_err(|_| PrepareError::Sealed)?;

        let nonces = Nonces { client: prepare.body.client_nonce, custodian: nonce };
        let body = digest(&prepare.body);
        let proofs = prepare.proofs.as_slice();
        let claim = Claim {
            party: &party,
            begin: &begin,
            operation: begin.operation,
            nonces,
            body,
            proofs,
        };
        let dealt = match &begin.plan {
            Plan::Deal { .. } => Some(decode_dealt(&begin, &opened, &row.rules)?),
            _ => None,
        };
        match &dealt {
            Some(dealt) => claim.check_keys(&commitments(dealt))?,
            None => claim.check(&row.rules)?,
        }
        let ask = Ask {
            operation: begin.operation,
            id: begin.id,
            request,
            evidence: begin.evidence,
            signing: begin.plan.makes(Purpose::Signing),
            backup: begin.plan.makes(Purpose::Backup),
            receipts: self.check_receipts(&party, &prepare.body.receipts)?,
        };
        let admitted = match row.rules.admit(&ask, &policy) {
            Ok(Admission::New(admitted)) => admitted,
            Ok(Admission::Repeated) => return Err(EvidenceError::NoSession.into()),
            Err(refusal) => {
                // A wait has begun, or a conflict may pass: the session can be used again.
                if matches!(refusal, PrepareRefusal::Wait(_)) {
                    self.rows.insert((user.to_owned(), begin.wallet), row);
                }
                if let Some(session) = self.sessions.get_mut(&nonce) {
                    session.secrets = Some(secrets);
                }
                return Err(refusal.into());
            }
        };

        let Secrets { exchange, ephemeral: _erased } = secrets;
        let (response, made) = match dealt {
            Some(dealt) => (SecretBytes::default(), dealt),
            None => self.respond(exchange, &begin, &opened, &row.rules)?,
        };
        let opened = match (party.kind, begin.operation, begin.evidence) {
            (WalletKind::SingleKey, Operation::Recover, Evidence::Backup(epoch)) => {
                let material =
                    row.rules.material(Purpose::Backup, epoch).ok_or(PrepareError::Damaged)?;
                material.iter().map(AnyCustodianShare::to_bytes).collect()
            }
            _ => Vec::new(),
        };
        let made = read_back(&made).map_err(|_: ReadError| PrepareError::Damaged)?;
        let statement =
            statement(&party, &begin, begin.operation, nonces, commitments(&made), body);
        let proofs = made.iter().map(|share| share.prove(&statement, &mut self.rng)).collect();
        let secret = PreparedSecret { response, opened, proofs };
        let sealed = channel
            // Exposed: to the channel, which seals it.
            .seal(Step::FIRST, secret.to_bytes().expose_secret(), &mut self.rng)
            .map_err(|_| PrepareError::Sealed)?;
        let answer = Prepared { sealed: sealed.into() };

        let (signing, backup) =
            made.into_iter().partition(|share| share.id().sharing.purpose == Purpose::Signing);
        let session = PendingSession { begin: begin.clone(), nonces, answer: answer.clone() };
        row.rules.pend(admitted, Some(signing), Some(backup), session, &policy);
        self.sessions.remove(&nonce);
        self.rows.insert((user.to_owned(), begin.wallet), row);
        Ok(answer)
    }

    /// The custodian's part of the exchange, and its new shares in the order of the plan.
    fn respond(
        &mut self,
        exchange: Exchange,
        begin: &Begin,
        opened: &SecretBytes,
        rules: &Rules<Material, PendingSession>,
    ) -> Result<(SecretBytes, Material), PrepareError> {
        // Exposed: to the decoders of the exchange.
        let bytes = opened.expose_secret();
        match (exchange, &begin.plan) {
            (Exchange::Keygen(answered), Plan::Keygen { .. }) => {
                let opening =
                    keygen::Opening::from_bytes(bytes).map_err(|_| PrepareError::Material)?;
                let (shares, message) =
                    answered.finish(&opening).map_err(|_| PrepareError::Material)?;
                Ok((message.to_bytes(), shares))
            }
            (Exchange::Reshare(committed), Plan::Reshare { from, .. }) => {
                let offer =
                    reshare::Offer::from_bytes(bytes).map_err(|_| PrepareError::Material)?;
                let held = rules.material(from.purpose, from.epoch);
                let held = held.ok_or(PrepareRefusal::EpochEnded)?;
                let (shares, response) =
                    committed.respond(&offer, held).map_err(|_| PrepareError::Material)?;
                Ok((response.to_bytes(), shares))
            }
            _ => Err(EvidenceError::OtherSession.into()),
        }
    }

    /// The highest epochs that these receipts of our own vouch for.
    fn check_receipts(
        &self,
        party: &Party,
        receipts: &[Signed<Receipt>],
    ) -> Result<Highest, PrepareError> {
        let mut highest = Highest::default();
        for receipt in receipts {
            let receipt =
                receipt.verify(&party.custodian).map_err(|_| PrepareError::ForeignReceipt)?;
            if receipt.wallet != party.wallet || receipt.user != party.user {
                return Err(PrepareError::ForeignReceipt);
            }
            let number = |epoch: Option<Epoch>| epoch.map_or(0, |epoch| epoch.get());
            highest.signing = highest.signing.max(number(receipt.signing));
            highest.backup = highest.backup.max(number(receipt.backup));
        }
        Ok(highest)
    }
}

impl Row {
    fn new(kind: WalletKind, now: crate::rules::Time) -> Self {
        let mut rules = Rules::new(kind, now);
        rules.advance(now);
        Self { rules, envelopes: std::collections::BTreeMap::new() }
    }
}

/// The shares that the device dealt: each checked against its commitment, for the epoch that the
/// plan names, and of the wallet's keys where those are known.
fn decode_dealt(
    begin: &Begin,
    opened: &SecretBytes,
    rules: &Rules<Material, PendingSession>,
) -> Result<Material, PrepareError> {
    let Plan::Deal { to, curves } = &begin.plan else { return Err(PrepareError::Material) };
    // Exposed: to the decoders.
    let dealt = Dealt::from_bytes(opened.expose_secret()).map_err(|_| PrepareError::Material)?;
    let sharing = Sharing { wallet: begin.wallet, purpose: Purpose::Backup, epoch: *to };
    if dealt.shares.len() != curves.len() {
        return Err(PrepareError::Material);
    }
    let known = rules.backup().map(|active| active.material.as_slice());
    if known.is_some_and(|known| known.len() != curves.len()) {
        return Err(PrepareError::Material);
    }
    let mut material = Material::with_capacity(curves.len());
    for ((index, bytes), curve) in (0..).zip(&dealt.shares).zip(curves) {
        let share = AnyCustodianShare::from_bytes(bytes.expose_secret())
            .map_err(|_| PrepareError::Material)?;
        let is_known = known.and_then(|known| known.get(usize::from(index)));
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
