//! What every proof of a session is bound to. Both sides build it from what they know themselves:
//! the client from what it asked and whom it pinned, the custodian from who is logged in.

use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, Purpose, WalletId, WalletKind},
    identity::CustodianIdentity,
    proof::{Operation, Stage, Statement, Transition},
    reshare::Context,
    share::AnyCommitment,
};

use crate::{
    Nonce,
    message::{Begin, Begun, ParcelBody, Plan, digest},
    rules::Evidence,
};

/// Who speaks with whom, about what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// The custodian, pinned.
    pub custodian: CustodianIdentity,
    /// The user, as the custodian knows them: 1 to 256 bytes.
    pub user: String,
    /// The wallet.
    pub wallet: WalletId,
    /// Its kind.
    pub kind: WalletKind,
}

/// The nonces of a session.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nonces {
    pub(crate) client: Nonce,
    pub(crate) custodian: Nonce,
}

/// What a proof in this session states: `operation`, of the `commitments` proven, with `body` as
/// the digest of what is said beside it.
pub(crate) fn statement(
    party: &Party,
    begin: &Begin,
    operation: Operation,
    nonces: Nonces,
    commitments: Vec<AnyCommitment>,
    body: Digest,
) -> Statement {
    Statement {
        operation,
        operation_id: begin.id,
        custodian: party.custodian.digest(),
        user: party.user.clone(),
        wallet: party.wallet,
        kind: party.kind,
        epochs: transitions(begin),
        commitments,
        client_nonce: nonces.client.to_bytes(),
        custodian_nonce: nonces.custodian.to_bytes(),
        body: body.to_bytes(),
    }
}

/// What the custodian's proof in a drill states.
pub(crate) fn drill_statement(
    party: &Party,
    epoch: Epoch,
    nonces: Nonces,
    commitments: Vec<AnyCommitment>,
) -> Statement {
    let begin = Begin {
        wallet: party.wallet,
        kind: party.kind,
        operation: Operation::Drill,
        id: OperationId::from_bytes([0; 16]),
        evidence: Evidence::Backup(epoch),
        plan: Plan::Nothing,
    };
    statement(party, &begin, Operation::Drill, nonces, commitments, digest(&begin))
}

/// The context of a session's sealed messages: everything said before the first of them, and who
/// says it.
pub(crate) fn channel_context(party: &Party, begin: &Begin, begun: &Begun) -> Vec<u8> {
    let (begin, begun) = (digest(begin).to_bytes(), digest(begun).to_bytes());
    [b"twoshare/v1/session", begin.as_slice(), &begun, party.user.as_bytes()].concat()
}

/// The context of a parcel's sealed part: everything that is said beside it.
pub(crate) fn parcel_context(body: &ParcelBody) -> Vec<u8> {
    [b"twoshare/v1/parcel".as_slice(), &digest(body).to_bytes()].concat()
}

/// What a receipt says of where a wallet came from: the resharing that it left by, and whom it left
/// for. Nobody has such a receipt who had no parcel of that very resharing.
pub(crate) fn origin(context: &Context, destination: &CustodianIdentity) -> Option<Digest> {
    let context = context.digest().ok()?;
    let destination = destination.digest();
    Some(Digest::of(&[b"twoshare/v1/origin".as_slice(), &context, &destination].concat()))
}

/// What stands for the keys of a wallet: SHA-256 over the curve and the key of each, in their order.
pub(crate) fn keys_digest(commitments: &[AnyCommitment]) -> Digest {
    let mut bytes = b"twoshare/v1/keys".to_vec();
    for commitment in commitments {
        bytes.push(commitment.curve().number());
        bytes.extend(commitment.verifying_key().to_bytes());
    }
    Digest::of(&bytes)
}

fn transitions(begin: &Begin) -> Vec<Transition> {
    match &begin.plan {
        Plan::Nothing => {
            let from = match begin.evidence {
                Evidence::Signing(epoch) => Some(Stage { purpose: Purpose::Signing, epoch }),
                Evidence::Backup(epoch) => Some(Stage { purpose: Purpose::Backup, epoch }),
                Evidence::Token | Evidence::Key | Evidence::Pending(_) => None,
            };
            from.map(|from| Transition { from: Some(from), to: None }).into_iter().collect()
        }
        Plan::Keygen { .. } | Plan::Deal { .. } => [Purpose::Signing, Purpose::Backup]
            .into_iter()
            .filter_map(|purpose| begin.plan.makes(purpose).map(|epoch| Stage { purpose, epoch }))
            .map(|to| Transition { from: None, to: Some(to) })
            .collect(),
        Plan::Reshare { from, to, .. }
        | Plan::Depart { from, to, .. }
        | Plan::Arrive { from, to, .. } => {
            to.iter().map(|to| Transition { from: Some(*from), to: Some(*to) }).collect()
        }
    }
}
