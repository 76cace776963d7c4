//! What an app calls when it starts.

use twoshare_core::{
    id::{Purpose, WalletId, WalletKind},
    proof::Operation,
};
use twoshare_protocol::message::State;

use crate::{
    client::Client,
    error::{DeviceError, ResumeError, RunError, StateError},
    kept::Kept,
    operate::Settled,
    progress::{Call, Step},
};

/// What [`Client::resume`] found and did.
#[derive(Debug)]
pub enum Resumed {
    /// Nothing was interrupted.
    Nothing,
    /// What was interrupted is finished: what was to happen has happened.
    Finished {
        /// What it was.
        operation: Operation,
    },
    /// What was interrupted is given up: everything is as if it had not begun, and can be done again.
    GivenUp {
        /// What it was.
        operation: Operation,
        /// Why, where it was tried to go on.
        why: Option<RunError>,
    },
    /// Another device has recovered or converted the wallet: what this one has does nothing any more. Recover here, or
    /// forget it ([`Client::forget`]).
    Revoked,
}

impl Client {
    /// Finishes or gives up what was interrupted on this wallet, learns what has happened to it
    /// elsewhere, and tidies up: copies the last backup to stores that lack it, and deletes what is not
    /// needed any more. An app calls it for each of [`Client::wallets_here`] when it starts, and after a
    /// call that was interrupted.
    ///
    /// # Errors
    ///
    /// See [`ResumeError`].
    pub async fn resume(&self, wallet: WalletId) -> Result<Resumed, ResumeError> {
        let track = self.track(wallet, Call::Resume);
        let mut kept = self.load_known(wallet).await?;
        track.at(Step::State);
        let (settled, _) = self.settle(&mut kept, &track).await?;
        let resumed = match settled {
            Settled::Nothing => Resumed::Nothing,
            Settled::Finished(operation) => Resumed::Finished { operation },
            Settled::GivenUp(operation, why) => Resumed::GivenUp { operation, why },
        };
        if !kept.record.is_here() {
            if matches!(resumed, Resumed::Nothing) {
                // Nothing but what is left to be deleted.
                self.tidy(&mut kept, None).await?;
            }
            return Ok(resumed);
        }
        // Asked after what was interrupted is settled.
        let state = match self.identity_of(&kept.record) {
            Ok(identity) => match self.ask_state(wallet, &identity).await {
                Ok(state) => Some(state),
                // Of an imported wallet it hears with the first backup.
                Err(StateError::Read(_)) if kept.record.backup.is_none() => None,
                Err(error) => return Err(error.into()),
            },
            Err(StateError::Unpinned) => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(state) = &state
            && self.learn(&mut kept, state).await?
        {
            return Ok(Resumed::Revoked);
        }
        self.tidy(&mut kept, state.as_ref()).await?;
        if let Some(moving) = kept.record.moving.as_ref().filter(|moving| !moving.told) {
            // The wallet is here and works; the custodian that it left is still to be told.
            let identity = Box::new(moving.leaves.custodian);
            return Err(ResumeError::NeedsCustodian { identity });
        }
        track.at(Step::Done);
        Ok(resumed)
    }

    /// Refuses what a device must not do once another has recovered or converted the wallet.
    pub(crate) async fn check_not_revoked(
        &self,
        kept: &mut Kept,
        state: &State,
    ) -> Result<(), DeviceError> {
        let wallet = kept.record.wallet;
        if self.learn(kept, state).await? { Err(DeviceError::Revoked { wallet }) } else { Ok(()) }
    }

    /// Takes note of what the custodian's state says of this device: whether it was revoked.
    async fn learn(&self, kept: &mut Kept, state: &State) -> Result<bool, DeviceError> {
        let revoked = is_revoked(kept, state);
        if kept.record.marks.revoked != revoked {
            kept.record.marks.revoked = revoked;
            self.save(kept).await?;
        }
        Ok(revoked)
    }

    /// Makes this device have nothing of a wallet any more: its shares, or its keys. Unless it is backed
    /// up, or on another device, it is gone.
    ///
    /// # Errors
    ///
    /// An operation is interrupted and could not be ended, or the device failed.
    pub async fn forget(&self, wallet: WalletId) -> Result<(), ResumeError> {
        let mut kept = self.load_known(wallet).await?;
        let track = self.track(wallet, Call::Resume);
        self.settle(&mut kept, &track).await?;
        self.erase(kept).await?;
        Ok(())
    }
}

/// Whether another device has recovered the wallet since: the signing epoch that this one has a share of
/// has ended, or it has the key of a wallet that was converted. What this device itself is in the middle
/// of revokes nothing.
pub(crate) fn is_revoked(kept: &Kept, state: &State) -> bool {
    let record = &kept.record;
    let Some(stated) = state.signing.as_ref().map(|stated| stated.epoch) else { return false };
    let makes = record.journal.as_ref().and_then(|journal| journal.makes(Purpose::Signing));
    if makes == Some(stated) {
        return false;
    }
    match record.signing_epoch() {
        Some(mine) => mine < stated,
        None => record.is_here() && state.kind == WalletKind::Mpc,
    }
}
