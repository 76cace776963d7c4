//! An app changes its custodian: a wallet moves from one to another.

use std::{fmt, sync::Arc};

use twoshare_core::{
    id::{Purpose, WalletId, WalletKind},
    identity::CustodianIdentity,
    proof::Operation,
};
use twoshare_protocol::{Custodian, custodian::ReadError, message::State, rules::MAX_EPOCH_JUMP};

use crate::{
    client::{Client, make_operation_id},
    error::{DeviceError, MoveError, ResumeError, RunError, StateError},
    kept::Kept,
    method::Method,
    operate::{Plan, Settled, created},
    progress::{Call, Step, Track},
    record::{Leaves, Proven, Secrets, Shares},
    recover::Waiting,
    resume::Resumed,
    wallet::Wallet,
};

/// Another custodian: the one that a wallet is moved to, or that it comes from.
#[derive(Clone)]
pub struct Destination {
    custodian: Arc<dyn Custodian>,
    identity: CustodianIdentity,
    user: Option<String>,
}

impl Destination {
    /// This custodian, with the identity that the app's configuration has. Whoever could choose it would
    /// be the custodian.
    #[must_use]
    pub fn new(custodian: impl Custodian + 'static, identity: CustodianIdentity) -> Self {
        Self { custodian: Arc::new(custodian), identity, user: None }
    }

    /// Logged in there as this user, where that is another name than here.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Who it is.
    #[must_use]
    pub const fn identity(&self) -> &CustodianIdentity {
        &self.identity
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination").field("identity", &self.identity).finish_non_exhaustive()
    }
}

/// What became of a move.
#[derive(Debug)]
pub enum Moved {
    /// The wallet is with the other custodian, and with no other. Build the client for that one from here
    /// on: this one's calls about the wallet fail with [`StateError::Moved`].
    Done(Wallet),
    /// The operator lets everybody wait: call again when it is ready, with the same method, inside the
    /// window.
    Waiting(Waiting),
}

impl Client {
    /// Moves the wallet from this client's custodian to another one: its signing pair (MPC) and its
    /// backup, in one step, without the key being anywhere. One method is opened; nothing is asked of
    /// the others. The operator of this client's custodian must have named the other one
    /// (`trust-custodian`), and opened the wallet's window.
    ///
    /// A move that was interrupted on this device is finished first, and is this one then. Until the other
    /// custodian has the wallet, it is here as it was; from then on, the device works with the other, and
    /// what is left is told to this client's custodian. What a library keeps per device with the signing
    /// pair has to be made again, as after a recovery.
    ///
    /// # Errors
    ///
    /// See [`MoveError`].
    pub async fn move_wallet(
        &self,
        wallet: WalletId,
        method: &Method,
        to: &Destination,
    ) -> Result<Moved, MoveError> {
        let track = self.track(wallet, Call::Move);
        let mut kept = self.load_known(wallet).await?;
        let there = self.at(to);
        if kept.record.is_moving() {
            track.at(Step::Settle);
            let settled = self.settle_move(&mut kept, Some(&there), &track).await?;
            if let Settled::Finished(_) = settled {
                track.at(Step::Done);
                return done(&kept);
            }
        }
        self.settle(&mut kept, &track).await?;
        if !kept.record.is_here() {
            return Err(DeviceError::NotHere { wallet }.into());
        }
        let backup = self.open_known(&kept.record, method, &track).await?;
        self.check_not_revoked(&mut kept, &backup.state).await?;
        if backup.identity == to.identity {
            return Err(MoveError::SameCustodian);
        }
        // The numbers that it has there, where it was there before: as far as the custodian here follows,
        // since whoever is logged in there could make them up.
        if let Some(state) = there.state_there(wallet).await? {
            if state.backup.is_some() || state.signing.is_some() {
                return Err(MoveError::IsThere);
            }
            let raise = |known: &mut u64, here: u64, there: u64| {
                if there < here.saturating_add(MAX_EPOCH_JUMP) {
                    *known = there.max(*known);
                }
            };
            let (here, record) = (&backup.state, &mut kept.record);
            raise(&mut record.highest_signing, here.highest_signing, state.highest_signing);
            raise(&mut record.highest_backup, here.highest_backup, state.highest_backup);
        }
        let (state, opened) = (backup.state, backup.opened);
        let purposes: &[Purpose] = match opened.payload.kind {
            WalletKind::Mpc => &[Purpose::Signing, Purpose::Backup],
            WalletKind::SingleKey => &[Purpose::Backup],
        };
        let slots = opened.slots;
        let plan = Plan {
            operation: Operation::Move,
            id: make_operation_id(),
            custodian: to.identity,
            created: created(kept.record.backup.as_ref(), &slots, opened.header.created),
            slots,
            proven: Proven::Backup(Shares(opened.payload.keys)),
            secrets: Secrets(opened.payload.secrets),
            attachments: kept.record.attachments.clone(),
        };
        let mut journal = plan
            .journal(&kept.record, Some(&state), purposes, Vec::new(), 0)
            .map_err(RunError::from)?;
        journal.leaves = Some(Leaves { custodian: backup.identity, user: self.user().to_owned() });
        kept.record.journal = Some(journal);
        match self.run_move(&mut kept, Some(&there), &track).await {
            Ok(()) => {}
            Err(MoveError::Run(RunError::Waiting(waiting))) => return Ok(Moved::Waiting(waiting)),
            Err(error) => return Err(error),
        }
        there.sweep(&mut kept).await?;
        track.at(Step::Done);
        done(&kept)
    }

    /// Finishes or gives up a move that was interrupted, with the one of its two custodians that this
    /// client is not built for: what [`Client::resume`] needs where it says
    /// [`ResumeError::NeedsCustodian`].
    ///
    /// # Errors
    ///
    /// See [`MoveError`].
    pub async fn resume_move(
        &self,
        wallet: WalletId,
        other: &Destination,
    ) -> Result<Resumed, MoveError> {
        let track = self.track(wallet, Call::Resume);
        let mut kept = self.load_known(wallet).await?;
        if !kept.record.is_moving() {
            return Ok(Resumed::Nothing);
        }
        let other = self.at(other);
        let goes_there = kept.record.moves_to().is_some_and(|to| other.pinned() == Some(to));
        let (from, to) = if goes_there { (self, &other) } else { (&other, self) };
        Ok(match from.settle_move(&mut kept, Some(to), &track).await? {
            Settled::Nothing => Resumed::Nothing,
            Settled::Finished(operation) => Resumed::Finished { operation },
            Settled::GivenUp(operation, why) => Resumed::GivenUp { operation, why },
        })
    }

    /// This client, for another custodian. It takes no turns of its own.
    fn at(&self, other: &Destination) -> Self {
        let user = other.user.clone().unwrap_or_else(|| self.user().to_owned());
        self.with_custodian(Arc::clone(&other.custodian), other.identity, user)
    }

    /// The wallet where it is to go; nothing where it never was there.
    async fn state_there(&self, wallet: WalletId) -> Result<Option<State>, StateError> {
        let identity = self.pinned().ok_or(StateError::Unpinned)?;
        match self.ask_signed_state(wallet).await {
            Ok(signed) => {
                let state = signed.verify(&identity).map_err(StateError::WrongCustodian)?;
                Ok(Some(state.clone()))
            }
            Err(StateError::Read(ReadError::NotFound)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What this client can do of a move alone, for whoever calls something else.
    pub(crate) async fn settle_move_alone(
        &self,
        kept: &mut Kept,
        track: &Track,
    ) -> Result<Settled, ResumeError> {
        let is_to = kept.record.moves_to().is_some_and(|to| self.pinned() == Some(to));
        if is_to {
            return self.settle_arrival(kept, track).await;
        }
        match self.settle_move(kept, None, track).await {
            Ok(settled) => Ok(settled),
            Err(MoveError::Unsettled(error)) => Err(error),
            Err(error) => Err(ResumeError::Move(Box::new(error))),
        }
    }
}

fn done(kept: &Kept) -> Result<Moved, MoveError> {
    let wallet = kept.record.wallet;
    let found = Wallet::of(&kept.record).ok_or(DeviceError::NotHere { wallet })?;
    Ok(Moved::Done(found))
}
