use thiserror::Error;

use super::{Proof, ProofError, Statement};
use crate::{
    id::Role,
    share::{AnyClientShare, AnyCommitment, AnyShare, KeyId},
};

/// New shares of the client, whose counterparts nobody has proven yet: the custodian may have
/// answered without its old share, or may not have kept the new one.
///
/// They cannot be used before that, so that no backup counts and no address is funded whose other
/// half is missing.
#[derive(Debug)]
#[must_use = "the shares are in here, until the custodian has proven the others"]
pub struct UnprovenShares {
    shares: Vec<AnyClientShare>,
    exchange: Statement,
}

impl UnprovenShares {
    /// `exchange` is the statement of the exchange, but for the commitments, nonces and body.
    pub(crate) const fn new(shares: Vec<AnyClientShare>, exchange: Statement) -> Self {
        Self { shares, exchange }
    }

    /// The commitments of the new sharings, in the order of the exchange: what the custodian's
    /// proofs are to cover.
    #[must_use]
    pub fn commitments(&self) -> Vec<AnyCommitment> {
        self.shares.iter().map(AnyShare::commitment).collect()
    }

    /// The shares, once the custodian has proven that it holds the others: one proof per share,
    /// under a statement of this exchange over [`commitments`](Self::commitments).
    ///
    /// # Errors
    ///
    /// See [`UnprovenError`].
    pub fn accept(
        self,
        statement: &Statement,
        proofs: &[Proof],
    ) -> Result<Vec<AnyClientShare>, UnprovenError> {
        let expected = Statement {
            commitments: self.commitments(),
            client_nonce: statement.client_nonce,
            custodian_nonce: statement.custodian_nonce,
            body: statement.body,
            ..self.exchange
        };
        if expected != *statement {
            return Err(UnprovenError::StatementMismatch);
        }
        if proofs.len() != self.shares.len() {
            return Err(UnprovenError::Count { expected: self.shares.len(), found: proofs.len() });
        }
        for (item, (share, proof)) in self.shares.iter().zip(proofs).enumerate() {
            let KeyId { sharing, index } = share.id();
            share
                .commitment()
                .verify_possession(Role::Custodian, sharing.purpose, index, statement, proof)
                .map_err(|source| UnprovenError::Proof { item, source })?;
        }
        Ok(self.shares)
    }
}

/// Why the shares stay unproven. The exchange is over and has changed nothing: begin again with a
/// new operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum UnprovenError {
    /// The statement is not of this exchange, or not over its new commitments: the caller's
    /// mistake.
    #[error("the statement is about something else")]
    StatementMismatch,
    /// There are more or fewer proofs than shares. The custodian is at fault.
    #[error("{expected} proofs were expected, not {found}")]
    Count {
        /// How many shares there are.
        expected: usize,
        /// How many proofs there were.
        found: usize,
    },
    /// The custodian did not prove that it holds its new share.
    #[error("the custodian's share of item {item} is not proven")]
    Proof {
        /// Which share, in the order of the exchange, from 0.
        item: usize,
        /// Why.
        source: ProofError,
    },
}
