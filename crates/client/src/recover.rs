//! Recovery: the wallet works again here, and nowhere else.

use twoshare_core::{
    envelope::VouchedBy,
    id::{OperationId, Purpose, WalletId, WalletKind},
    proof::Operation,
};
use twoshare_protocol::rules::Time;

use crate::{
    client::{Client, make_operation_id, now},
    error::{DeviceError, RecoverError, RunError},
    kept::Kept,
    method::Method,
    open::OpenedBackup,
    operate::{Plan, Settled, created},
    progress::{Call, Step},
    record::{Attachments, Proven, Record, Secrets, Shares, Text},
    wallet::Wallet,
};

/// What a recovery is done with.
#[derive(Debug, Clone)]
pub struct Recovery {
    pub(crate) method: Method,
    pub(crate) vouched_by: VouchedBy,
    pub(crate) approved: Option<OperationId>,
    pub(crate) accepts_moved: bool,
}

/// What became of a recovery.
#[derive(Debug)]
pub enum Recovered {
    /// The wallet is here. Its old device can do nothing any more. [`Wallet::to_regenerate`] names what its
    /// signing library makes anew before it signs.
    Done(Wallet),
    /// The operator lets everybody wait: call again when it is ready, with the same method. Whoever has
    /// the old device hears of it, and can object.
    Waiting(Waiting),
}

/// A request that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Its id, by which the device's holder or the operator may cancel it.
    pub request: OperationId,
    /// From when on it may go on: seconds since 1970, by the custodian's clock.
    pub ready_at: Time,
}

impl Recovery {
    /// With this method, which vouches for the wallet itself.
    #[must_use]
    pub const fn with(method: Method) -> Self {
        Self { method, vouched_by: VouchedBy::Method, approved: None, accepts_moved: false }
    }

    /// With something else that vouches for the wallet, where the method cannot: the check code.
    #[must_use]
    pub fn vouched_by(mut self, vouched_by: VouchedBy) -> Self {
        self.vouched_by = vouched_by;
        self
    }

    /// As the operation that the operator of a restored custodian has approved
    /// ([`OpenBackupError::Restored`](crate::error::OpenBackupError::Restored)): make its id with
    /// [`make_operation_id`], and read it out to the operator and to nobody else.
    #[must_use]
    pub const fn approved(mut self, operation: OperationId) -> Self {
        self.approved = Some(operation);
        self
    }

    /// With the custodian that is asked, although what lies in the stores says that the wallet has moved to
    /// another one: where that one has lost it, its database put back from a copy of before, say. Should it
    /// still have it, the wallet is with both then, and a lost device is revoked at one of them only.
    #[must_use]
    pub const fn accept_moved(mut self) -> Self {
        self.accepts_moved = true;
        self
    }
}

impl Client {
    /// Brings the wallet back on this device, with one method: a new signing pair (MPC) or the secrets
    /// themselves (single-key), and a new backup epoch for all methods, in one commit. From then on the
    /// lost device can do nothing any more; of a single-key wallet it still knows the key, and the funds
    /// must move. [`Client::wallets`] lists what there is to recover.
    ///
    /// A recovery that was interrupted on this device is finished first, and is this one then.
    ///
    /// # Errors
    ///
    /// See [`RecoverError`].
    pub async fn recover(
        &self,
        wallet: WalletId,
        recovery: Recovery,
    ) -> Result<Recovered, RecoverError> {
        let track = self.track(wallet, Call::Recover);
        let loaded = match self.load(wallet).await? {
            Ok(mut kept) => {
                let (settled, state) = self.settle(&mut kept, &track).await?;
                if let Settled::Finished(Operation::Recover) = settled {
                    self.tidy(&mut kept, state.as_ref()).await?;
                    track.at(Step::Done);
                    return done(&kept);
                }
                Ok(kept)
            }
            Err(turn) => Err(turn),
        };
        let record = loaded.as_ref().ok().map(|kept| &kept.record);
        let backup = self.open_to_recover(wallet, record, &recovery, &track).await?;
        let mut kept = match loaded {
            Ok(kept) => kept,
            Err(turn) => Kept::new(self.empty(&backup), turn),
        };
        let id = recovery.approved.unwrap_or_else(make_operation_id);
        self.plan_recovery(&mut kept, &recovery.method, backup, id).await?;
        match self.run(&mut kept, &track).await {
            Ok(()) => {}
            Err(RunError::Waiting(waiting)) => return Ok(Recovered::Waiting(waiting)),
            Err(error) => return Err(error.into()),
        }
        self.sweep(&mut kept).await?;
        track.at(Step::Done);
        done(&kept)
    }

    /// The record of a wallet that this device does not have yet.
    fn empty(&self, backup: &OpenedBackup) -> Record {
        let header = &backup.opened.header;
        let mut record = Record::new(header.wallet, self.user(), backup.opened.payload.kind, now());
        record.name = header.name.clone().map(Text);
        record.raise(None, Some(header.epoch));
        record
    }

    async fn plan_recovery(
        &self,
        kept: &mut Kept,
        method: &Method,
        backup: OpenedBackup,
        id: OperationId,
    ) -> Result<(), RecoverError> {
        let OpenedBackup { identity, state, opened } = backup;
        let wallet = kept.record.wallet;
        // Numbers that a restored custodian has forgotten are not given out again, and methods that were
        // removed since not sealed for.
        let (slots, receipts) = match &state.backup {
            Some(active) if state.restored => {
                let mut receipts = self.newest_receipts(wallet, active.epoch, &identity).await;
                receipts.extend(self.own_receipts(&kept.record, Some(&state)));
                let slots = self.slots_kept_since(method, &opened).await;
                (slots, crate::restored::newest(receipts))
            }
            Some(_) | None => (opened.slots.clone(), self.own_receipts(&kept.record, Some(&state))),
        };
        let purposes: &[Purpose] = match opened.payload.kind {
            WalletKind::Mpc => &[Purpose::Signing, Purpose::Backup],
            WalletKind::SingleKey => &[Purpose::Backup],
        };
        let plan = Plan {
            operation: Operation::Recover,
            id,
            custodian: identity,
            proven: Proven::Backup(Shares(opened.payload.keys)),
            created: created(kept.record.backup.as_ref(), &slots, opened.header.created),
            slots,
            secrets: Secrets(opened.payload.secrets),
            attachments: Attachments(opened.payload.attachments),
        };
        let floor = self.highest_stored(wallet, Some(&state), &receipts).await;
        let journal = plan.journal(&kept.record, Some(&state), purposes, receipts, floor);
        kept.record.journal = Some(journal.map_err(RunError::from)?);
        Ok(())
    }
}

fn done(kept: &Kept) -> Result<Recovered, RecoverError> {
    let wallet = kept.record.wallet;
    let found = Wallet::of(&kept.record).ok_or(DeviceError::NotHere { wallet })?;
    Ok(Recovered::Done(found))
}
