//! Begin: the custodian's nonce, and what it commits itself to.

use twoshare_core::{
    channel::EphemeralSecret,
    id::{CurveId, Purpose, WalletKind},
    keygen,
    proof::{Operation, Stage},
    reshare,
};

use super::{
    Desk, Row,
    session::{Exchange, Session},
};
use crate::{
    Nonce,
    custodian::BeginError,
    message::{Begin, Begun, MAX_KEYS, Plan, Signed, digest},
    rules::Evidence,
};

impl Desk<'_> {
    /// Begins a session: to be opened ([`Sessions::open`](super::Sessions::open)), and the answer.
    ///
    /// # Errors
    ///
    /// See [`BeginError`].
    pub fn begin(
        &mut self,
        row: Option<&Row>,
        begin: Begin,
    ) -> Result<(Session, Signed<Begun>), BeginError> {
        let curves = check_begin(row, &begin)?;
        let other = match &begin.plan {
            Plan::Depart { destination: other, .. } | Plan::Arrive { source: other, .. } => {
                Some(other)
            }
            _ => None,
        };
        if other.is_some_and(|other| **other == *self.keys.identity()) {
            return Err(BeginError::WrongPlan);
        }
        let party = self.party(begin.wallet, begin.kind);
        let (exchange, early, keygen) = match &begin.plan {
            Plan::Nothing | Plan::Deal { .. } | Plan::Arrive { .. } => {
                (Exchange::None, Vec::new(), None)
            }
            Plan::Keygen { hash, .. } => {
                let session = crate::exchange::keygen_session(&party, &begin, &curves);
                let (answered, answer) = keygen::CustodianAnswered::new(session, *hash, self.rng)
                    .map_err(|_| BeginError::WrongPlan)?;
                (Exchange::Keygen(answered), Vec::new(), Some(answer.to_bytes()))
            }
            Plan::Reshare { .. } | Plan::Depart { .. } => {
                let context = crate::exchange::reshare_context(&party, &begin);
                let (committed, early) = reshare::CustodianCommitted::new(context, self.rng)
                    .map_err(|_| BeginError::WrongPlan)?;
                (Exchange::Reshare(committed), early, None)
            }
        };
        let ephemeral = EphemeralSecret::make(self.rng);
        let begun = Begun {
            begin: digest(&begin),
            nonce: Nonce::make(self.rng),
            ephemeral: ephemeral.public_key(),
            early,
            keygen,
        };
        let session = Session {
            party,
            begin,
            begun: begun.clone(),
            expires: self.now.saturating_add(self.policy.pending),
            ephemeral,
            exchange,
            departed: None,
            number: 0,
        };
        Ok((session, Signed::sign(begun, self.keys)))
    }
}

/// Whether the plan is one that this operation of this wallet can have; then the wallet's
/// curves, as far as the plan names them.
fn check_begin(row: Option<&Row>, begin: &Begin) -> Result<Vec<CurveId>, BeginError> {
    use Operation as Op;
    let starts_wallet = matches!(
        (begin.operation, begin.kind),
        (Op::Keygen, WalletKind::Mpc) | (Op::FirstBackup, WalletKind::SingleKey)
    );
    let arrives = begin.operation == Op::Move && matches!(begin.plan, Plan::Arrive { .. });
    let starts_wallet = starts_wallet || arrives;
    if let Some(row) = row.filter(|row| !arrives && row.pending().is_none()) {
        row.check_here()?;
    }
    if row.is_none() && !starts_wallet {
        return Err(BeginError::NotFound);
    }
    // One that comes back may have become another kind meanwhile.
    let is_back = arrives && row.is_some_and(|row| row.gone().is_some());
    if !is_back && row.is_some_and(|row| row.kind() != begin.kind) {
        return Err(BeginError::WrongKind);
    }
    let stored = |stage: Stage| -> Result<Vec<CurveId>, BeginError> {
        let material = row.and_then(|row| row.material(stage.purpose, stage.epoch));
        let material = material.ok_or(BeginError::EpochEnded)?;
        Ok(material.curves())
    };
    let proven = match begin.evidence {
        Evidence::Signing(epoch) => Some(Stage { purpose: Purpose::Signing, epoch }),
        Evidence::Backup(epoch) => Some(Stage { purpose: Purpose::Backup, epoch }),
        Evidence::Token | Evidence::Key | Evidence::Pending(_) => None,
    };
    match (&begin.plan, begin.operation, begin.kind) {
        (Plan::Nothing, Op::Abandon | Op::Cancel | Op::Eject, _) => Ok(Vec::new()),
        (Plan::Keygen { curves, .. }, Op::Keygen, WalletKind::Mpc)
            if begin.evidence == Evidence::Token =>
        {
            bounded(curves)
        }
        (Plan::Deal { curves, .. }, Op::FirstBackup | Op::Replace, WalletKind::SingleKey)
            if begin.evidence == Evidence::Key =>
        {
            bounded(curves)
        }
        (Plan::Arrive { from, to, curves, .. }, Op::Move, kind)
            if begin.evidence == Evidence::Token && reshapes(Op::Move, kind, *from, to) =>
        {
            bounded(curves)
        }
        (Plan::Depart { from, to, curves, .. }, operation @ Op::Move, kind)
        | (Plan::Reshare { from, to, curves }, operation, kind)
            if proven == Some(*from)
                && reshapes(operation, kind, *from, to)
                && (operation == Op::Move) == matches!(begin.plan, Plan::Depart { .. }) =>
        {
            if *curves == stored(*from)? {
                Ok(curves.clone())
            } else {
                Err(BeginError::WrongPlan)
            }
        }
        _ => Err(BeginError::WrongPlan),
    }
}

fn bounded(curves: &[CurveId]) -> Result<Vec<CurveId>, BeginError> {
    if (1..=MAX_KEYS).contains(&curves.len()) {
        Ok(curves.to_vec())
    } else {
        Err(BeginError::WrongPlan)
    }
}

/// Which sharings an operation makes from which.
fn reshapes(operation: Operation, kind: WalletKind, from: Stage, to: &[Stage]) -> bool {
    let made: Vec<Purpose> = to.iter().map(|stage| stage.purpose).collect();
    let (from, made) = (from.purpose, made.as_slice());
    match (operation, kind) {
        (Operation::FirstBackup | Operation::Replace, WalletKind::Mpc) => {
            from == Purpose::Signing && made == [Purpose::Backup]
        }
        (Operation::Refresh, _) | (Operation::Recover | Operation::Move, WalletKind::SingleKey) => {
            from == Purpose::Backup && made == [Purpose::Backup]
        }
        (Operation::Recover | Operation::Move, WalletKind::Mpc)
        | (Operation::Convert, WalletKind::SingleKey) => {
            from == Purpose::Backup && made == [Purpose::Signing, Purpose::Backup]
        }
        _ => false,
    }
}
