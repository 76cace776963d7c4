//! Sessions: what a custodian commits itself to before it hears what is proven.

use twoshare_core::{
    channel::EphemeralSecret,
    id::{CurveId, Purpose, WalletKind},
    keygen,
    proof::{Operation, Stage},
    reshare,
};

use super::Inner;
use crate::{
    Nonce,
    binding::Party,
    custodian::BeginError,
    message::{Begin, Begun, MAX_KEYS, Plan, Signed, digest},
    rules::{Evidence, Time},
};

/// How many sessions a user may have open; the oldest gives way.
const MAX_SESSIONS: usize = 64;

/// A session between the custodian's nonce and the request that uses it.
pub(super) struct Session {
    pub(super) party: Party,
    pub(super) begin: Begin,
    pub(super) begun: Begun,
    pub(super) expires: Time,
    /// How many were opened before it: many begin in one second.
    pub(super) number: u64,
    /// Used once; what is left then only tells a repeated request from a late one.
    pub(super) secrets: Option<Secrets>,
}

pub(super) struct Secrets {
    pub(super) ephemeral: EphemeralSecret,
    pub(super) exchange: Exchange,
}

/// The custodian's side of what the plan exchanges.
pub(super) enum Exchange {
    None,
    Keygen(keygen::CustodianAnswered),
    Reshare(reshare::CustodianCommitted),
}

impl Inner {
    pub(super) fn begin(&mut self, user: &str, begin: Begin) -> Result<Signed<Begun>, BeginError> {
        let curves = self.check_begin(user, &begin)?;
        let party = Party {
            custodian: *self.keys.identity(),
            user: user.to_owned(),
            wallet: begin.wallet,
            kind: begin.kind,
        };
        let (exchange, early, keygen) = match &begin.plan {
            Plan::Nothing | Plan::Deal { .. } => (Exchange::None, Vec::new(), None),
            Plan::Keygen { hash, .. } => {
                let session = crate::exchange::keygen_session(&party, &begin, &curves);
                let (answered, answer) =
                    keygen::CustodianAnswered::new(session, *hash, &mut self.rng)
                        .map_err(|_| BeginError::WrongPlan)?;
                (Exchange::Keygen(answered), Vec::new(), Some(answer.to_bytes()))
            }
            Plan::Reshare { .. } => {
                let context = crate::exchange::reshare_context(&party, &begin);
                let (committed, early) = reshare::CustodianCommitted::new(context, &mut self.rng)
                    .map_err(|_| BeginError::WrongPlan)?;
                (Exchange::Reshare(committed), early, None)
            }
        };
        let ephemeral = EphemeralSecret::make(&mut self.rng);
        let begun = Begun {
            begin: digest(&begin),
            nonce: Nonce::make(&mut self.rng),
            ephemeral: ephemeral.public_key(),
            early,
            keygen,
        };
        self.make_room(user);
        let number = self.opened;
        self.opened = number.saturating_add(1);
        let session = Session {
            party,
            begin,
            begun: begun.clone(),
            expires: self.now.saturating_add(self.policy.pending),
            number,
            secrets: Some(Secrets { ephemeral, exchange }),
        };
        self.sessions.insert(begun.nonce, session);
        Ok(Signed::sign(begun, &self.keys))
    }

    /// Whether the plan is one that this operation of this wallet can have; then the wallet's
    /// curves, as far as the plan names them.
    fn check_begin(&mut self, user: &str, begin: &Begin) -> Result<Vec<CurveId>, BeginError> {
        use Operation as Op;
        let row = self.find(user, begin.wallet);
        let starts_wallet = matches!(
            (begin.operation, begin.kind),
            (Op::Keygen, WalletKind::Mpc) | (Op::FirstBackup, WalletKind::SingleKey)
        );
        let rules = match &row {
            Some(row) => Some(&row.rules),
            None if starts_wallet => None,
            None => return Err(BeginError::NotFound),
        };
        if rules.is_some_and(|rules| rules.kind() != begin.kind) {
            return Err(BeginError::WrongKind);
        }
        let stored = |stage: Stage| -> Result<Vec<CurveId>, BeginError> {
            let material = rules.and_then(|rules| rules.material(stage.purpose, stage.epoch));
            let material = material.ok_or(BeginError::EpochEnded)?;
            Ok(material.iter().map(|share| share.curve()).collect())
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
            (Plan::Reshare { from, to, curves }, operation, kind)
                if proven == Some(*from) && reshapes(operation, kind, *from, to) =>
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

    fn make_room(&mut self, user: &str) {
        let now = self.now;
        self.sessions.retain(|_, session| session.expires > now);
        let mut mine: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.party.user == user)
            .map(|(nonce, session)| (session.number, *nonce))
            .collect();
        mine.sort_unstable();
        let surplus = mine.len().saturating_sub(MAX_SESSIONS - 1);
        for (_, nonce) in mine.into_iter().take(surplus) {
            self.sessions.remove(&nonce);
        }
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
        (Operation::Refresh, _) | (Operation::Recover, WalletKind::SingleKey) => {
            from == Purpose::Backup && made == [Purpose::Backup]
        }
        (Operation::Recover, WalletKind::Mpc) => {
            from == Purpose::Backup && made == [Purpose::Signing, Purpose::Backup]
        }
        _ => false,
    }
}
