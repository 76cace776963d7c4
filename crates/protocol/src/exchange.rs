//! What the resharing and the key generation of a session are about, as both sides derive it from
//! the same words.

use twoshare_core::{
    id::CurveId,
    keygen,
    reshare::{Context, Item},
};

use crate::{
    binding::Party,
    message::{Begin, Plan},
};

/// An item per new epoch and key: the epochs in the order of the plan, the keys in theirs.
pub(crate) fn reshare_context(party: &Party, begin: &Begin) -> Context {
    let items = match &begin.plan {
        Plan::Reshare { from, to, curves }
        | Plan::Depart { from, to, curves, .. }
        | Plan::Arrive { from, to, curves, .. } => to
            .iter()
            .flat_map(|to| {
                (0..).zip(curves).map(|(index, curve)| Item {
                    index,
                    curve: *curve,
                    from: *from,
                    to: *to,
                })
            })
            .collect(),
        Plan::Nothing | Plan::Keygen { .. } | Plan::Deal { .. } => Vec::new(),
    };
    Context {
        custodian: party.custodian.digest(),
        user: party.user.clone(),
        wallet: party.wallet,
        kind: party.kind,
        operation: begin.operation,
        operation_id: begin.id,
        items,
    }
}

/// The session of a key generation.
pub(crate) fn keygen_session(party: &Party, begin: &Begin, curves: &[CurveId]) -> keygen::Session {
    keygen::Session {
        custodian: party.custodian.digest(),
        user: party.user.clone(),
        wallet: party.wallet,
        operation_id: begin.id,
        curves: curves.to_vec(),
    }
}
