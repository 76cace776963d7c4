//! What the holder of signing shares is told, and when.
//!
//! A notice that it is to be told is written before an epoch is staged, and with every change that
//! concerns it. Whoever finds a notice tells the holder how the wallet stands *now*, under the notice's
//! version; a change in between has another version. So nothing depends on who tells it, how often, or
//! what was lost.

use core::future::Future;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use twoshare_core::{
    id::{OperationId, Purpose, WalletId},
    share::AnyCustodianShare,
};
use twoshare_protocol::custodian::Unavailable;

use super::{Inner, Service, lock, session::unavailable};
use crate::{
    SigningShares, UserId,
    repository::{
        EpochRecord, Kept, NewNotice, NoticeError, Status, StoreError, WalletRecord, Wanted,
    },
    signing::{HeldError, SettleError, SigningEpoch, StageError, Staging, Standing},
};

/// How long the holder may take for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often the holder is told again because something changed, or it knew better, in between.
const MAX_TOLD: usize = 8;

/// How many wallets the holder may fail for before the others wait for the next sweep.
const MAX_FAILED: usize = 8;

/// How long a wallet for which the holder failed waits for the next attempt, at first and at most.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The highest version that a holder is believed to have heard.
const MAX_VERSION: u64 = 1 << 62;

/// What the holder has of a wallet, as the repository has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Held {
    epochs: BTreeMap<SigningEpoch, Status>,
    frozen: bool,
    restored: bool,
}

/// When the holder is told next about a wallet for which it failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    next: Instant,
    wait: Duration,
}

impl Held {
    pub(super) fn of(record: &WalletRecord) -> Self {
        let epochs = record.epochs.iter().filter(|epoch| epoch.is_held());
        Self {
            epochs: epochs.map(|epoch| (signing_epoch(epoch), epoch.status)).collect(),
            frozen: record.fields.freezes.any(),
            restored: record.fields.freezes.restored.is_some(),
        }
    }

    /// What a change makes of it.
    pub(super) fn after(&self, kept: &Kept) -> Self {
        let is = |purpose, number| {
            move |epoch: &SigningEpoch| purpose == Purpose::Signing && epoch.epoch == number
        };
        let mut epochs = self.epochs.clone();
        for over in &kept.over {
            epochs.retain(|epoch, _| !is(over.purpose, over.epoch)(epoch));
        }
        for moved in &kept.moved {
            let of = epochs.iter_mut().filter(|(epoch, _)| is(moved.purpose, moved.epoch)(epoch));
            of.for_each(|(_, status)| *status = moved.status);
        }
        let made = kept.made.iter().filter(|made| made.is_held());
        epochs.extend(made.map(|made| (signing_epoch(made), made.status)));
        let freezes = kept.fields.freezes;
        Self { epochs, frozen: freezes.any(), restored: freezes.restored.is_some() }
    }

    /// Whether the holder has to hear that this became that.
    pub(super) fn concerns_holder(&self, after: &Self) -> bool {
        (!self.epochs.is_empty() || !after.epochs.is_empty()) && self != after
    }

    /// Whether an epoch is pending there.
    pub(super) fn is_pending(&self) -> bool {
        self.find(Status::Pending).is_some()
    }

    fn find(&self, status: Status) -> Option<SigningEpoch> {
        self.epochs.iter().find(|(_, found)| **found == status).map(|(epoch, _)| *epoch)
    }

    fn standing<'a>(&self, user: &'a UserId, wallet: WalletId, version: u64) -> Standing<'a> {
        Standing {
            user,
            wallet,
            version,
            active: self.find(Status::Active),
            pending: self.find(Status::Pending),
            frozen: self.frozen,
            restored: self.restored,
        }
    }
}

pub(super) const fn signing_epoch(epoch: &EpochRecord) -> SigningEpoch {
    SigningEpoch { epoch: epoch.epoch, operation: epoch.operation }
}

impl Inner {
    pub(super) fn holder(&self) -> Option<&dyn SigningShares> {
        self.config.signing_shares.as_deref()
    }

    /// Gives the holder the shares of a new epoch; then the version of the notice that the change must
    /// find which makes them pending, and the shares as the holder gives them back.
    pub(super) async fn stage(
        &self,
        holder: &dyn SigningShares,
        user: &UserId,
        operation: OperationId,
        shares: &[AnyCustodianShare],
    ) -> Result<(u64, Vec<AnyCustodianShare>), StoreError> {
        let sharing = shares.first().ok_or(StoreError::Damaged)?.id().sharing;
        let (wallet, epoch) = (sharing.wallet, SigningEpoch { epoch: sharing.epoch, operation });
        let repository = &self.config.repository;
        let mut above = 0;
        for _ in 0..MAX_TOLD {
            let notice = NewNotice { expects: None, above, is_staging: true };
            repository.put_notice(user, wallet, notice).await.map_err(judge_notice)?;
            let notice = repository.notice(user, wallet).await?;
            // Another process was in between.
            let Some(notice) = notice.filter(|notice| notice.is_staging) else { continue };
            let staging = Staging { user, wallet, epoch, version: notice.version };
            match patiently(holder.stage(&staging, shares)).await {
                Some(Ok(())) => {
                    let stored = self.ask_holder(holder, user, wallet, epoch).await?;
                    return Ok((notice.version, stored));
                }
                Some(Err(StageError::Superseded { by })) if by < MAX_VERSION => above = by,
                Some(Err(StageError::Superseded { .. } | StageError::Unavailable)) | None => break,
            }
        }
        Err(StoreError::Unavailable)
    }

    /// The shares of an epoch that the holder has.
    pub(super) async fn ask_holder(
        &self,
        holder: &dyn SigningShares,
        user: &UserId,
        wallet: WalletId,
        epoch: SigningEpoch,
    ) -> Result<Vec<AnyCustodianShare>, StoreError> {
        match patiently(holder.get(user, wallet, epoch)).await {
            Some(Ok(shares)) => Ok(shares),
            Some(Err(HeldError::Damaged)) => Err(StoreError::Damaged),
            Some(Err(HeldError::Unavailable)) | None => Err(StoreError::Unavailable),
        }
    }

    /// Tells the holder how a wallet stands, where it is owed a word about it. Nobody else takes a step
    /// on the wallet meanwhile.
    pub(super) async fn tell(&self, user: &UserId, wallet: WalletId) -> Result<(), StoreError> {
        let Some(holder) = self.holder() else { return Ok(()) };
        let repository = &self.config.repository;
        for _ in 0..MAX_TOLD {
            let Some(notice) = repository.notice(user, wallet).await? else { return Ok(()) };
            let version = notice.version;
            if notice.is_staging {
                // What was to be pending never was, or is about to be in another process, which then
                // finds another version.
                self.raise(user, wallet, version, version).await?;
                continue;
            }
            let record = repository.load(user, wallet, Wanted::default()).await?;
            // What was loaded is what this version says.
            if repository.notice(user, wallet).await? != Some(notice) {
                continue;
            }
            let held = record.as_ref().map(Held::of).unwrap_or_default();
            match patiently(holder.settle(&held.standing(user, wallet, version))).await {
                Some(Ok(())) => {}
                Some(Err(SettleError::Missing)) => tracing::error!(
                    "the holder of signing shares has lost some: the wallet signs again when it is \
                     recovered from its backup"
                ),
                Some(Err(SettleError::Superseded { by })) if by < MAX_VERSION => {
                    self.raise(user, wallet, version, by).await?;
                    continue;
                }
                Some(Err(SettleError::Superseded { .. } | SettleError::Unavailable)) | None => {
                    return Err(StoreError::Unavailable);
                }
            }
            // Where that fails it is told again, which changes nothing.
            let _told = repository.delete_notice(user, wallet, version).await;
            return Ok(());
        }
        Err(StoreError::Unavailable)
    }

    /// The same whether or not a word is owed; whether the holder has something of the wallet.
    async fn tell_again(&self, user: &UserId, wallet: WalletId) -> Result<bool, StoreError> {
        let repository = &self.config.repository;
        let record = repository.load(user, wallet, Wanted::default()).await?;
        if record.is_none_or(|record| Held::of(&record).epochs.is_empty()) {
            return Ok(false);
        }
        let notice = NewNotice { expects: None, above: 0, is_staging: false };
        repository.put_notice(user, wallet, notice).await.map_err(judge_notice)?;
        self.tell(user, wallet).await?;
        Ok(true)
    }

    /// The same for what waits for nobody: a sweep tells it where this does not.
    pub(super) async fn try_tell(&self, user: &UserId, wallet: WalletId) {
        if self.tell(user, wallet).await.is_err() {
            tracing::warn!("the holder of signing shares was not told, and will be");
        }
    }

    /// Gives a notice a version above this one, unless somebody else has changed it.
    async fn raise(
        &self,
        user: &UserId,
        wallet: WalletId,
        from: u64,
        above: u64,
    ) -> Result<(), StoreError> {
        let notice = NewNotice { expects: Some(from), above, is_staging: false };
        match self.config.repository.put_notice(user, wallet, notice).await {
            Ok(()) | Err(NoticeError::Conflict) => Ok(()),
            Err(error) => Err(judge_notice(error)),
        }
    }
}

impl Service {
    /// Tells the holder of signing shares again how every wallet stands of which it has something; then how
    /// many those are. To be called when the holder's own database was put back from a copy, before it
    /// signs: the copy may have epochs that have ended. Of wallets that were deleted since, or have moved to
    /// another custodian, it hears nothing: delete them from the copy, the audit log has their names.
    ///
    /// # Errors
    ///
    /// The database or the holder cannot be asked. Those that were not told will be: ask again all the same.
    pub async fn tell_holder_again(&self) -> Result<u64, Unavailable> {
        const PAGE: u32 = 256;
        let _inside = self.enter().await?;
        let inner = &self.inner;
        let repository = &inner.config.repository;
        let (mut after, mut told) = (None, 0);
        loop {
            let page = repository.all_wallets(after.take(), PAGE).await;
            let page = page.map_err(|error| unavailable(&error))?;
            for (user, wallet) in &page {
                let _alone = inner.alone(user, *wallet).await;
                let again = inner.tell_again(user, *wallet).await;
                told += u64::from(again.map_err(|error| unavailable(&error))?);
            }
            after = page.last().cloned();
            if after.is_none() {
                return Ok(told);
            }
        }
    }

    /// Tells the holder about every wallet of which it is owed a word; with `rests`, only about those for
    /// which it has not just failed.
    pub(super) async fn tell_all(&self, rests: bool) -> Result<(), Unavailable> {
        const PAGE: u32 = 256;
        let inner = &self.inner;
        if inner.holder().is_none() {
            return Ok(());
        }
        let (mut after, mut failed) = (None, 0);
        loop {
            let page = inner.config.repository.notices(after.take(), PAGE).await;
            let page = page.map_err(|error| unavailable(&error))?;
            for (user, wallet) in &page {
                let key = (user.clone(), *wallet);
                let rested = lock(&inner.backoffs).get(&key).copied();
                if rests && rested.is_some_and(|backoff| backoff.next > Instant::now()) {
                    continue;
                }
                let _alone = inner.alone(user, *wallet).await;
                if inner.tell(user, *wallet).await.is_ok() {
                    lock(&inner.backoffs).remove(&key);
                    continue;
                }
                let wait = rested.map_or(FIRST_WAIT, |backoff| backoff.wait * 2).min(LONGEST_WAIT);
                let next = Instant::now() + wait;
                lock(&inner.backoffs).insert(key, Backoff { next, wait });
                failed += 1;
                if failed == MAX_FAILED {
                    tracing::warn!("the holder of signing shares is not told: it fails");
                    return Ok(());
                }
            }
            after = page.last().cloned();
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

/// The holder's answer, if it comes in time. A call that is late by then changes nothing: the next
/// one has a higher version.
async fn patiently<T>(answer: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(PATIENCE, answer).await.ok()
}

fn judge_notice(error: NoticeError) -> StoreError {
    match error {
        NoticeError::Conflict => StoreError::Unavailable,
        NoticeError::Store(error) => error,
    }
}
