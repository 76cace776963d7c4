//! Drills: proving that a recovery would succeed, without performing it.

use twoshare_core::{
    envelope::OpenError,
    id::{Epoch, WalletId},
    store::EnvelopeName,
};
use twoshare_protocol::{
    Nonce,
    custodian::ReadError,
    message::{Receipt, Signed, State},
    rules::Time,
    session::check_drill,
    wire::Message as _,
};

use crate::{
    client::{Client, rng},
    error::{DrillError, OpenBackupError},
    kept::Kept,
    method::Method,
    open::OpenedBackup,
    progress::{Call, Step, Track},
    record::{DrillRecord, Named},
    stores::{Condition, Failed, StoreId},
};

/// How much a drill has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The stores have the envelope that the custodian names, intact.
    Present,
    /// And a method opens it.
    Openable,
    /// And the custodian proved that it holds the other half.
    Matches,
}

impl Level {
    /// The name used in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Openable => "openable",
            Self::Matches => "matches",
        }
    }

    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Present => 1,
            Self::Openable => 2,
            Self::Matches => 3,
        }
    }

    pub(crate) const fn from_number(number: u8) -> Self {
        match number {
            3 => Self::Matches,
            2 => Self::Openable,
            _ => Self::Present,
        }
    }
}

/// A drill that succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drill {
    /// How much it has shown.
    pub level: Level,
    /// The epoch that was drilled.
    pub epoch: Epoch,
    /// When: seconds since 1970, by the custodian's clock.
    pub at: Time,
    /// The stores that lacked the envelope, or had it damaged, and have it again.
    pub mended: Vec<StoreId>,
}

impl Client {
    /// Proves that a recovery would succeed, without performing it. With a method: the envelope that the
    /// custodian names opens, the stores have it, and the custodian proves now that it holds the other
    /// half ([`Level::Matches`]). Without: the stores have it ([`Level::Present`]). What a store lacks is
    /// mended on the way. The drill is kept with its time.
    ///
    /// # Errors
    ///
    /// See [`DrillError`].
    pub async fn drill(
        &self,
        wallet: WalletId,
        method: Option<&Method>,
    ) -> Result<Drill, DrillError> {
        let track = self.track(wallet, Call::Drill);
        let mut kept = self.load_known(wallet).await?;
        match self.drill_kept(&mut kept, method, &track).await {
            Ok(drill) => {
                let Drill { level, epoch, at, .. } = drill;
                kept.record.last_drill = Some(DrillRecord { level: level.number(), epoch, at });
                kept.record.failed_drill = None;
                self.save(&mut kept).await?;
                track.at(Step::Done);
                Ok(drill)
            }
            Err(error) => {
                if shows_a_fault(&error) {
                    kept.record.failed_drill = Some(crate::client::now());
                    self.save(&mut kept).await?;
                }
                Err(error)
            }
        }
    }

    async fn drill_kept(
        &self,
        kept: &mut Kept,
        method: Option<&Method>,
        track: &Track,
    ) -> Result<Drill, DrillError> {
        let Some(method) = method else {
            track.at(Step::State);
            let identity = self.identity_of(&kept.record).map_err(OpenBackupError::from)?;
            let state = self.ask_state(kept.record.wallet, &identity).await;
            let state = state.map_err(OpenBackupError::from)?;
            let name = active(kept, &state)?;
            let mended = self.mend(kept, name).await?;
            return Ok(Drill { level: Level::Present, epoch: name.epoch, at: state.at, mended });
        };
        let backup = self.open_known(&kept.record, method, track).await?;
        track.at(Step::Ask);
        let name = active(kept, &backup.state)?;
        let nonce = Nonce::make(&mut rng());
        let drilled = self.custodian().drill(name.wallet, nonce).await?;
        let party = self.party(backup.identity, name.wallet, backup.opened.payload.kind);
        check_drill(&party, nonce, &drilled, &backup.opened.payload.keys)?;
        self.adopt(kept, &backup).await;
        let mended = self.mend(kept, name).await?;
        let at = backup.state.at;
        Ok(Drill { level: Level::Matches, epoch: name.epoch, at, mended })
    }

    /// Copies the envelope to the stores that lack it. Enough of them must have it then.
    async fn mend(&self, kept: &mut Kept, name: EnvelopeName) -> Result<Vec<StoreId>, DrillError> {
        let found = self.stores().read(name).await;
        let found = found.map_err(|none| OpenBackupError::NotFound { stores: none.stores })?;
        let (mut have, mut mended, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        let is_last =
            kept.record.backup.as_ref().is_some_and(|backup| backup.digest == name.digest);
        for one in self.stores().mend(&found.envelope).await {
            if is_last {
                kept.mark(&one.store, |mark| mark.envelope = one.result.is_ok());
            }
            match one.result {
                Ok(Condition::Intact) => have.push(one.store),
                Ok(Condition::Absent | Condition::Damaged) => {
                    have.push(one.store.clone());
                    mended.push(one.store);
                }
                Err(error) => missing.push(Failed { store: one.store, error }),
            }
        }
        let needed = self.stores().policy().needed(self.stores().places().len());
        if have.len() < needed {
            return Err(DrillError::Stores { needed, have, missing });
        }
        Ok(mended)
    }

    /// Takes note of a backup that another device has committed, now that it has been opened here.
    async fn adopt(&self, kept: &mut Kept, backup: &OpenedBackup) {
        let named = backup.named();
        if backup.state.backup.as_ref().and_then(|active| active.envelope) != Some(named.digest) {
            return;
        }
        let name = kept.record.name_of(named);
        let before = Epoch::new(named.epoch.get() - 1);
        let found = self.stores().receipts(kept.record.wallet, before).await.found;
        let receipt = found.into_iter().filter(|found| found.name == name).find_map(|found| {
            let receipt = Signed::<Receipt>::from_bytes(&found.bytes).ok()?;
            let said = receipt.verify(&backup.identity).ok()?;
            let fits = said.wallet == name.wallet
                && said.backup == Some(name.epoch)
                && said.envelope == Some(name.digest);
            fits.then_some(receipt)
        });
        kept.adopt(named, &backup.opened.slots, backup.opened.header.created, receipt);
    }
}

/// The envelope that the custodian calls active, which is none that this device has seen end.
fn active(kept: &Kept, state: &State) -> Result<EnvelopeName, OpenBackupError> {
    let wallet = kept.record.wallet;
    let active = state.backup.as_ref().ok_or(OpenBackupError::NotBackedUp { wallet })?;
    let digest = active.envelope.ok_or(OpenBackupError::NotBackedUp { wallet })?;
    match kept.record.backup_epoch().filter(|seen| active.epoch < *seen) {
        Some(seen) => Err(OpenBackupError::RolledBack { custodian: active.epoch, seen }),
        None => Ok(kept.record.name_of(Named { epoch: active.epoch, digest })),
    }
}

/// Whether a failure says that the backup cannot be relied on, and not that it could not be tried.
const fn shows_a_fault(error: &DrillError) -> bool {
    match error {
        DrillError::Device(_) => false,
        DrillError::Stores { .. } | DrillError::NotHeld(_) => true,
        DrillError::Read(error) => matches!(error, ReadError::NotFound | ReadError::Damaged),
        DrillError::Open(error) => match error {
            OpenBackupError::State(_)
            | OpenBackupError::NotBackedUp { .. }
            | OpenBackupError::Restored { .. }
            | OpenBackupError::Contested { .. } => false,
            OpenBackupError::RolledBack { .. }
            | OpenBackupError::NotFound { .. }
            | OpenBackupError::OtherCustodian
            | OpenBackupError::OtherEpoch => true,
            OpenBackupError::Open(error) => !matches!(
                error,
                OpenError::NoSlot { .. }
                    | OpenError::WrongSecret { .. }
                    | OpenError::Method(_)
                    | OpenError::Unvouched
            ),
        },
    }
}
