//! What the operator does.

use twoshare_core::{
    id::{OperationId, Purpose, WalletId},
    share::AnyCustodianShare,
};
use twoshare_protocol::{
    custodian::Unavailable,
    engine::Row,
    rules::{CancelRefusal, Favour, Time},
};

use super::{
    Deleted, OperatorError, Service, SigningError, WaitingRequest, session::unavailable,
    wallet::Done,
};
use crate::{
    UserId,
    audit::{Act, Actor, Event},
    repository::{NewEvent, SaveError, StoreError, Wanted},
};

/// How often an act is redone because a user was in between.
const MAX_REDONE: usize = 16;

/// The most events of the audit log in one answer.
const MAX_EVENTS: u32 = 1000;

impl Service {
    /// Lets the key of a wallet be released, for some seconds; then until when.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub async fn open_window(
        &self,
        user: &UserId,
        wallet: WalletId,
        seconds: Time,
    ) -> Result<Time, OperatorError> {
        self.act(user, wallet, Act::WindowOpened, None, |row| {
            let until = row.now().saturating_add(seconds);
            row.open_window(until)?;
            Ok(until)
        })
        .await
    }

    /// Lets a wallet stand still. Where the holder of signing shares cannot be told, it is frozen here, and
    /// the answer is *unavailable*: stop the holder, or call again.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub async fn freeze(&self, user: &UserId, wallet: WalletId) -> Result<(), OperatorError> {
        self.act(user, wallet, Act::Frozen, None, |row| {
            row.freeze();
            Ok(())
        })
        .await
    }

    /// Lets a wallet go on; a dispute in somebody's favour.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub async fn unfreeze(
        &self,
        user: &UserId,
        wallet: WalletId,
        favour: Option<Favour>,
    ) -> Result<(), OperatorError> {
        let operation = match favour {
            Some(Favour::Request(id)) => Some(id),
            Some(Favour::Device) | None => None,
        };
        self.act(user, wallet, Act::Unfrozen, operation, |row| Ok(row.unfreeze(favour)?)).await
    }

    /// Lets one recovery or replace go on after a restore.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub async fn approve(
        &self,
        user: &UserId,
        wallet: WalletId,
        id: OperationId,
    ) -> Result<(), OperatorError> {
        self.act(user, wallet, Act::Approved, Some(id), |row| Ok(row.approve(id)?)).await
    }

    /// The recoveries and ejects that wait.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn requests(&self) -> Result<Vec<WaitingRequest>, Unavailable> {
        let _inside = self.enter().await?;
        let places = self.inner.config.repository.requests().await;
        let mut waiting = Vec::new();
        for (user, wallet) in places.map_err(|error| unavailable(&error))? {
            let loaded = self.inner.load(&user, wallet, Wanted::default()).await;
            // One that is damaged hides no other.
            let Ok(loaded) = loaded else { continue };
            let Some(row) = loaded.row else { continue };
            if let Some(request) = row.request() {
                waiting.push(WaitingRequest {
                    user,
                    wallet,
                    id: request.id,
                    operation: request.operation,
                    ready: request.ready,
                    expires: request.expires,
                    is_disputed: row.freezes().dispute == Some(request.id),
                });
            }
        }
        Ok(waiting)
    }

    /// Ends a waiting request, for whichever wallet it is. Ids are drawn at random, by clients: where
    /// several that wait have this one, somebody has copied it, and none of them is hidden behind
    /// another. All end.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub async fn cancel_request(&self, id: OperationId) -> Result<(), OperatorError> {
        let mut ended = Err(OperatorError::NotFound);
        for waiting in self.requests().await?.into_iter().filter(|waiting| waiting.id == id) {
            match self.deny(&waiting.user, waiting.wallet, id).await {
                Ok(()) => ended = Ok(()),
                // It was used or forgotten meanwhile.
                Err(OperatorError::NotFound | OperatorError::Cancel(_)) => {}
                Err(error) => return Err(error),
            }
        }
        ended
    }

    /// Ends a waiting request of this wallet.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub async fn deny(
        &self,
        user: &UserId,
        wallet: WalletId,
        id: OperationId,
    ) -> Result<(), OperatorError> {
        let deny = |row: &mut Row| Ok::<_, CancelRefusal>(row.deny(id)?).map_err(Into::into);
        self.act(user, wallet, Act::RequestCancelled, Some(id), deny).await
    }

    /// The audit log after this number, at most `limit` events (and at most 1000): of one wallet, or
    /// all of it.
    ///
    /// # Errors
    ///
    /// The database cannot be read.
    pub async fn audit(
        &self,
        wallet: Option<WalletId>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, Unavailable> {
        let _inside = self.enter().await?;
        let events = self.inner.config.repository.audit(wallet, after, limit.min(MAX_EVENTS)).await;
        events.map_err(|error| unavailable(&error))
    }

    /// Deletes everything of a user but the audit log, which says so. Where the holder of signing shares
    /// cannot be told, it is deleted and the answer is *unavailable*: the holder is told as soon as it can
    /// be, and the same call says when it was.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub async fn delete_user(&self, user: &UserId) -> Result<Deleted, OperatorError> {
        let _inside = self.enter().await?;
        let event = NewEvent {
            at: self.inner.config.clock.now(),
            actor: Actor::Operator,
            act: Act::UserDeleted,
            user: Some(user.clone()),
            wallet: None,
            operation: None,
            detail: String::new(),
        };
        let wallets = self.inner.config.repository.delete_user(user, event).await;
        let wallets = wallets.map_err(|error| unavailable(&error))?;
        self.forget_tokens();
        self.tell_deleted(user).await?;
        Ok(Deleted { wallets })
    }

    /// Lets the holder of signing shares forget those of a user that was deleted.
    async fn tell_deleted(&self, user: &UserId) -> Result<(), Unavailable> {
        const PAGE: u32 = 256;
        let inner = &self.inner;
        if inner.holder().is_none() {
            return Ok(());
        }
        let mut after = (user.clone(), WalletId::from_bytes([0; 16]));
        loop {
            let page = inner.config.repository.notices(Some(after), PAGE).await;
            let page = page.map_err(|error| unavailable(&error))?;
            for (_, wallet) in page.iter().filter(|(owner, _)| owner == user) {
                let _alone = inner.alone(user, *wallet).await;
                inner.tell(user, *wallet).await.map_err(|error| unavailable(&error))?;
            }
            match page.last() {
                Some(last) if last.0 == *user => after = last.clone(),
                Some(_) | None => return Ok(()),
            }
        }
    }

    /// The custodian's signing shares of a wallet, one per key, for the signing service of the same
    /// operator: never for a user. Ask for them each time, since a recovery or a freeze ends what
    /// they are good for.
    ///
    /// # Errors
    ///
    /// See [`SigningError`].
    pub async fn signing_shares(
        &self,
        user: &UserId,
        wallet: WalletId,
    ) -> Result<Vec<AnyCustodianShare>, SigningError> {
        let _inside = self.enter().await?;
        let judge = |error: StoreError| match error {
            StoreError::Damaged => SigningError::Damaged,
            other => unavailable(&other).into(),
        };
        let loaded = self.inner.load(user, wallet, Wanted::default()).await.map_err(judge)?;
        let row = loaded.row.as_ref().ok_or(SigningError::NotFound)?;
        let epoch = row.signing().ok_or(SigningError::NotFound)?.epoch;
        row.may_sign()?;
        if let Some(pending) = row.pending().filter(|_| loaded.held().is_pending()) {
            return Err(SigningError::Paused { until: pending.expires });
        }
        let sealed = loaded.sealed(Purpose::Signing, epoch).ok_or(SigningError::Damaged)?;
        self.inner.unseal(user, wallet, sealed).await.map_err(judge)
    }

    /// Waits until everything deleted so far is gone from the database's journals too.
    ///
    /// # Errors
    ///
    /// The database cannot be written.
    pub async fn scrub(&self) -> Result<(), Unavailable> {
        let _inside = self.enter().await?;
        self.inner.config.repository.scrub().await.map_err(|error| unavailable(&error))
    }

    /// Lets time pass in the wallets in which something is due, forgets what has expired, and tells the
    /// holder of signing shares what it was not told before. A service does this by itself, every few
    /// seconds; where the holder fails, it tries again ever more rarely, once a minute at least.
    ///
    /// # Errors
    ///
    /// The database cannot be read or written.
    pub async fn sweep(&self) -> Result<(), Unavailable> {
        self.sweep_resting(false).await
    }

    pub(super) async fn sweep_resting(&self, rests: bool) -> Result<(), Unavailable> {
        const PAGE: u32 = 256;
        let _inside = self.enter().await?;
        let inner = &self.inner;
        let now = inner.config.clock.now();
        super::lock(&inner.sessions).expire(now);
        let due = inner.config.repository.due(now, PAGE).await;
        for (user, wallet) in due.map_err(|error| unavailable(&error))? {
            let _alone = inner.alone(&user, wallet).await;
            let swept = match inner.load(&user, wallet, Wanted::default()).await {
                Ok(loaded) => inner.save(&loaded, Vec::new(), None, None).await,
                Err(error) => Err(error.into()),
            };
            match swept {
                // The next time; one that is damaged keeps none of the others waiting.
                Ok(()) | Err(SaveError::Conflict | SaveError::Store(StoreError::Damaged)) => {}
                Err(SaveError::TooManyWallets | SaveError::KeyInUse) => {}
                Err(SaveError::Store(error)) => return Err(unavailable(&error)),
            }
        }
        self.tell_all(rests).await?;
        let deleted = inner.config.repository.delete_sessions(now).await;
        deleted.map_err(|error| unavailable(&error))
    }

    /// Changes one wallet.
    async fn act<T>(
        &self,
        user: &UserId,
        wallet: WalletId,
        act: Act,
        operation: Option<OperationId>,
        change: impl Fn(&mut Row) -> Result<T, OperatorError> + Send + Sync,
    ) -> Result<T, OperatorError> {
        let _inside = self.enter().await?;
        let inner = &self.inner;
        let _alone = inner.alone(user, wallet).await;
        for _ in 0..MAX_REDONE {
            let loaded = inner.load(user, wallet, Wanted::default()).await;
            let mut loaded = loaded.map_err(|error| unavailable(&error))?;
            let row = loaded.row.as_mut().ok_or(OperatorError::NotFound)?;
            let changed = change(row)?;
            match inner.save_always(&loaded, Done::by_operator(act, operation)).await {
                Ok(()) => {
                    let told = inner.tell(user, wallet).await;
                    // A wallet that still signs does not stand still. What lets it sign again can wait.
                    if act == Act::Frozen {
                        told.map_err(|error| unavailable(&error))?;
                    }
                    return Ok(changed);
                }
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(unavailable(&error).into()),
                Err(SaveError::TooManyWallets | SaveError::KeyInUse) => {
                    return Err(super::failed().into());
                }
            }
        }
        Err(unavailable(&StoreError::Unavailable).into())
    }
}
