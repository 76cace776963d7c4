//! Requests that make no epoch: cancel and eject.

use core::fmt;

use twoshare_core::{
    channel::{CustodianChannel, Step},
    id::Epoch,
    proof::Operation,
    share::AnyCustodianShare,
};

use super::{Desk, Row, Session, commit::claim};
use crate::{
    binding::channel_context,
    custodian::{CancelError, EjectError, EvidenceError, Outage, Unavailable},
    message::{Ejected, Released, Request},
    wire::Message,
};

/// An eject that is proven and allowed; the custodian's shares are yet to be released.
pub struct Ejecting {
    epoch: Epoch,
    channel: CustodianChannel,
}

impl Desk<'_> {
    /// The device objects to a waiting request: the wallet stands still.
    ///
    /// # Errors
    ///
    /// See [`CancelError`].
    pub fn cancel(
        &mut self,
        row: &mut Row,
        session: &Session,
        request: &Request,
    ) -> Result<(), CancelError> {
        let begin = session.begin();
        if begin.operation != Operation::Cancel {
            return Err(EvidenceError::OtherSession.into());
        }
        claim(session, request).check(row)?;
        Ok(row.dispute(begin.id, begin.evidence)?)
    }

    /// Whether the custodian's shares of the active backup epoch may be released. Where the answer
    /// is a wait, the wallet has changed.
    ///
    /// # Errors
    ///
    /// See [`EjectError`].
    pub fn check_eject(
        &mut self,
        row: &mut Row,
        session: &Session,
        request: &Request,
    ) -> Result<Ejecting, EjectError> {
        let Session { party, begin, begun, ephemeral, .. } = session;
        if begin.operation != Operation::Eject {
            return Err(EvidenceError::OtherSession.into());
        }
        claim(session, request).check(row)?;
        let epoch = row.release(begin.id, begin.evidence, self.policy)?.epoch;
        let context = channel_context(party, begin, begun);
        let channel =
            CustodianChannel::new(ephemeral, &request.body.ephemeral, self.keys, &context);
        Ok(Ejecting { epoch, channel })
    }
}

impl Ejecting {
    /// The backup epoch whose shares are released.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Seals these shares, as storage gives them back, to the key inside the proof.
    ///
    /// # Errors
    ///
    /// They are longer than a message can be.
    pub fn answer(
        self,
        desk: &mut Desk<'_>,
        shares: &[AnyCustodianShare],
    ) -> Result<Ejected, EjectError> {
        let released =
            Released { shares: shares.iter().map(AnyCustodianShare::to_bytes).collect() };
        let sealed = self
            .channel
            // Exposed: to the channel, which seals it to the key inside the proof.
            .seal(Step::FIRST, released.to_bytes().expose_secret(), desk.rng)
            .map_err(|_| EjectError::Unavailable(Unavailable::because(Outage::Failed)))?;
        Ok(Ejected { sealed: sealed.into() })
    }
}

impl fmt::Debug for Ejecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ejecting").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}
