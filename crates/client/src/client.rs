//! A device's access to the world: its custodian, its stores, and what it keeps itself.

use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use twoshare_core::{
    id::{OperationId, WalletId, WalletKind},
    identity::CustodianIdentity,
    share::AnyCommitment,
};
use twoshare_protocol::{
    Custodian, Nonce, Party,
    message::{Signed, State},
    rules::{Custody, Moved},
};

use crate::{
    device::DeviceState,
    error::{DeviceError, StateError},
    kept::Turns,
    progress::{Call, Progress, Track},
    record::Record,
    status::DrillPolicy,
    stores::Stores,
    wallet::Wallet,
};

mod builder;

pub use self::builder::{Builder, Complete, NeedsCustodian, NeedsDevice, NeedsIdentity, NeedsUser};

/// A custodian, the stores and the device of one user. Cheap to clone; clones are the same client.
///
/// Every call works on what the [`DeviceState`] keeps: nothing is kept in the client. Calls about one
/// wallet wait for each other. A call whose future is dropped, at any moment, or whose process is
/// killed, leaves the last good backup as it was and the device with what it needs to go on:
/// [`Client::resume`], which an app calls when it starts, finishes or gives up what was interrupted; so
/// does every other call about that wallet before it begins.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
    listener: Option<Arc<dyn Progress>>,
}

struct Inner {
    custodian: Arc<dyn Custodian>,
    pinned: Option<CustodianIdentity>,
    user: String,
    device: Arc<dyn DeviceState>,
    stores: Stores,
    policy: DrillPolicy,
    turns: Turns,
}

impl Client {
    /// The same client, whose long calls tell this listener how far they have got.
    #[must_use]
    pub fn with_progress(mut self, listener: impl Progress + 'static) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// Who is logged in at the custodian.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.inner.user
    }

    /// The stores.
    #[must_use]
    pub fn stores(&self) -> &Stores {
        &self.inner.stores
    }

    /// The wallets that the custodian knows of this user: what an empty device can recover.
    ///
    /// # Errors
    ///
    /// See [`StateError`].
    pub async fn wallets(&self) -> Result<Vec<WalletId>, StateError> {
        Ok(self.custodian().wallets().await?)
    }

    /// The wallets that this device has, or is in the middle of making or recovering.
    ///
    /// # Errors
    ///
    /// See [`DeviceError`].
    pub async fn wallets_here(&self) -> Result<Vec<WalletId>, DeviceError> {
        Ok(self.device().wallets().await?)
    }

    /// What this device has of a wallet.
    ///
    /// # Errors
    ///
    /// See [`DeviceError`]. [`DeviceError::NotHere`]: create, import or recover it.
    pub async fn wallet(&self, wallet: WalletId) -> Result<Wallet, DeviceError> {
        let kept = self.load_known(wallet).await?;
        Wallet::of(&kept.record).ok_or(DeviceError::NotHere { wallet })
    }

    /// The wallet as the custodian sees it, signed by the custodian for this call.
    ///
    /// # Errors
    ///
    /// See [`StateError`].
    pub async fn state(&self, wallet: WalletId) -> Result<State, StateError> {
        let identity = match self.inner.pinned {
            Some(pinned) => pinned,
            None => match self.load(wallet).await {
                Ok(Ok(kept)) => self.identity_of(&kept.record)?,
                Ok(Err(_)) | Err(_) => return Err(StateError::Unpinned),
            },
        };
        self.ask_state(wallet, &identity).await
    }

    /// The state, signed by this custodian for this question.
    pub(crate) async fn ask_state(
        &self,
        wallet: WalletId,
        identity: &CustodianIdentity,
    ) -> Result<State, StateError> {
        let signed = self.ask_signed_state(wallet).await?;
        let state = signed.verify(identity).map_err(StateError::WrongCustodian)?;
        match &state.custody {
            Some(Custody::Gone(gone)) => Err(Moved { to: gone.to.clone() }.into()),
            Some(Custody::Leaving(_)) | None => Ok(state.clone()),
        }
    }

    /// The state as somebody answers, whose signature has yet to be checked.
    pub(crate) async fn ask_signed_state(
        &self,
        wallet: WalletId,
    ) -> Result<Signed<State>, StateError> {
        let nonce = Nonce::make(&mut rng());
        let signed = self.custodian().state(wallet, nonce).await?;
        let state = signed.unverified();
        if state.nonce == nonce && state.wallet == wallet && state.user == self.user() {
            Ok(signed)
        } else {
            Err(StateError::OtherState)
        }
    }

    /// The custodian of a wallet that this device has: the one that it was made or recovered with, which
    /// must be the pinned one, if one is pinned.
    pub(crate) fn identity_of(&self, record: &Record) -> Result<CustodianIdentity, StateError> {
        match (record.custodian, self.inner.pinned) {
            (Some(known), Some(pinned)) if known != pinned => {
                let left = record.came_from.as_ref().is_some_and(|left| left.custodian == pinned);
                match left {
                    true => Err(Moved { to: Box::new(known) }.into()),
                    false => Err(StateError::OtherCustodian),
                }
            }
            (Some(identity), _) | (None, Some(identity)) => Ok(identity),
            (None, None) => Err(StateError::Unpinned),
        }
    }

    /// The same client for another custodian.
    pub(crate) fn with_custodian(
        &self,
        custodian: Arc<dyn Custodian>,
        identity: CustodianIdentity,
        user: String,
    ) -> Self {
        let inner = Inner {
            stores: self.inner.stores.at(Arc::clone(&custodian)),
            custodian,
            pinned: Some(identity),
            user,
            device: Arc::clone(&self.inner.device),
            policy: self.inner.policy,
            turns: Turns::default(),
        };
        Self { inner: Arc::new(inner), listener: self.listener.clone() }
    }

    pub(crate) fn pinned(&self) -> Option<CustodianIdentity> {
        self.inner.pinned
    }

    pub(crate) fn custodian(&self) -> &dyn Custodian {
        self.inner.custodian.as_ref()
    }

    pub(crate) fn device(&self) -> &dyn DeviceState {
        self.inner.device.as_ref()
    }

    pub(crate) fn policy(&self) -> &DrillPolicy {
        &self.inner.policy
    }

    pub(crate) fn turns(&self) -> &Turns {
        &self.inner.turns
    }

    pub(crate) fn track(&self, wallet: WalletId, call: Call) -> Track {
        Track::new(self.listener.clone(), wallet, call)
    }

    pub(crate) fn party(
        &self,
        custodian: CustodianIdentity,
        wallet: WalletId,
        kind: WalletKind,
    ) -> Party {
        Party { custodian, user: self.user().to_owned(), wallet, kind }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("pinned", &self.inner.pinned)
            .field("user", &self.inner.user)
            .field("device", &self.inner.device)
            .field("stores", &self.inner.stores)
            .finish_non_exhaustive()
    }
}

/// The commitments of every epoch that the custodian states.
pub(crate) fn commitments(state: &State) -> Vec<AnyCommitment> {
    let active = [&state.signing, &state.backup].into_iter().flatten();
    let restorable = state.restorable.as_ref().map(|restorable| &restorable.epoch);
    active.chain(restorable).flat_map(|epoch| epoch.commitments.clone()).collect()
}

/// A new operation's id, which its owner reads out to the operator of a custodian that was restored from
/// a copy, and to nobody else: see [`Recovery::approved`](crate::Recovery::approved).
#[must_use]
pub fn make_operation_id() -> OperationId {
    OperationId::make(&mut rng())
}

/// The operating system's randomness. Should it ever fail, the caller panics: nothing is safe
/// without it.
#[must_use]
pub fn rng() -> rand_core::UnwrapErr<rand::rngs::SysRng> {
    rand_core::UnwrapErr(rand::rngs::SysRng)
}

/// Seconds since 1970. It is shown to users and decides nothing.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
