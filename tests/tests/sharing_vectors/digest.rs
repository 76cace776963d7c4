//! The hashes of PROTOCOL.md, computed from its bytes.

use sha2::{Digest, Sha256};
use twoshare_core::{
    keygen::Session,
    proof::{Stage, Statement},
    reshare::Context,
};

pub(crate) fn variable(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

pub(crate) fn count(count: usize) -> [u8; 4] {
    u32::try_from(count).unwrap().to_be_bytes()
}

pub(crate) fn stage_bytes(stage: Option<Stage>) -> Vec<u8> {
    let (purpose, epoch) = stage.map_or((0, 0), |s| (s.purpose.number(), s.epoch.get()));
    [&[purpose][..], &epoch.to_be_bytes()].concat()
}

/// The digest of a statement, from the specification.
pub(crate) fn statement_digest(statement: &Statement) -> [u8; 32] {
    let mut input = variable(b"twoshare/v1/statement");
    input.push(statement.operation.number());
    input.extend(statement.operation_id.to_bytes());
    input.extend(statement.custodian);
    input.extend(variable(statement.user.as_bytes()));
    input.extend(statement.wallet.to_bytes());
    input.push(statement.kind.number());
    input.extend(count(statement.epochs.len()));
    for transition in &statement.epochs {
        input.extend(stage_bytes(transition.from));
        input.extend(stage_bytes(transition.to));
    }
    input.extend(count(statement.commitments.len()));
    for commitment in &statement.commitments {
        input.push(commitment.curve().number());
        input.extend(commitment.to_bytes());
    }
    input.extend(statement.client_nonce);
    input.extend(statement.custodian_nonce);
    input.extend(statement.body);
    Sha256::digest(input).into()
}

/// The digest of a context of resharing, from the specification.
pub(crate) fn context_digest(context: &Context) -> [u8; 32] {
    let mut input = variable(b"twoshare/v1/reshare/context");
    input.extend(context.custodian);
    input.extend(variable(context.user.as_bytes()));
    input.extend(context.wallet.to_bytes());
    input.push(context.kind.number());
    input.push(context.operation.number());
    input.extend(context.operation_id.to_bytes());
    input.extend(count(context.items.len()));
    for item in &context.items {
        input.extend([item.index, item.curve.number()]);
        input.extend(stage_bytes(Some(item.from)));
        input.extend(stage_bytes(Some(item.to)));
    }
    Sha256::digest(input).into()
}

/// The digest of a session of key generation, from the specification.
pub(crate) fn session_digest(session: &Session) -> [u8; 32] {
    let mut input = variable(b"twoshare/v1/keygen/session");
    input.extend(session.custodian);
    input.extend(variable(session.user.as_bytes()));
    input.extend(session.wallet.to_bytes());
    input.extend(session.operation_id.to_bytes());
    input.extend(count(session.curves.len()));
    input.extend(session.curves.iter().map(|curve| curve.number()));
    Sha256::digest(input).into()
}
