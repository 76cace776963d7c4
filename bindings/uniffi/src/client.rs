//! A device's access to the world.

use std::sync::Arc;

use twoshare::core::{
    id::{CurveId, WalletId},
    identity::CustodianIdentity,
};

use crate::{
    Backup, Cancellation, Device, Drill, HttpCustodian, Method, Recovered, Recovery, Resumed,
    Wallet,
    device::AnyDevice,
    error::{
        BackupError, CreateError, DeviceError, DrillError, RecoverError, ResumeError, StateError,
        StoresError,
    },
    method, runtime,
    status::Status,
};

/// What a client is made of.
#[derive(Debug, Clone, uniffi::Record)]
pub struct ClientConfig {
    /// The custodian.
    pub custodian: Arc<HttpCustodian>,
    /// The identity of the custodian that the app's configuration has. Whoever could choose it would be the custodian.
    ///
    /// With none, an empty device takes it from the backup that it opens, and believes nothing before that; wallets are
    /// not made, and not backed up for the first time, without one.
    pub pinned: Option<CustodianIdentity>,
    /// The name by which the custodian knows the logged-in user, 1 to 256 bytes.
    pub user: String,
    /// What keeps the wallets' secrets from one start of the app to the next.
    pub device: Device,
}

/// A custodian, the stores and the device of one user.
///
/// Every call works on what the device keeps: nothing is kept here. Calls about one wallet wait for each other. A call that
/// is cancelled, at any moment, or whose process is killed, leaves the last good backup as it was and the device with what it
/// needs to go on: `resume`, which an app calls when it starts, finishes or gives up what was interrupted; so does every
/// other call about that wallet before it begins.
///
/// Every call runs on threads of the library's own. Every error has, besides what Rust's has, `Cancelled` and `Panicked`.
#[derive(Debug, uniffi::Object)]
pub struct Client {
    inner: twoshare::Client,
}

#[uniffi::export]
impl Client {
    /// A client of these. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// The stores do not fit their policy.
    #[uniffi::constructor]
    pub fn new(config: ClientConfig) -> Result<Self, StoresError> {
        let ClientConfig { custodian, pinned, user, device } = config;
        let builder = twoshare::Client::builder().custodian(custodian.inner());
        let builder = match pinned {
            Some(identity) => builder.pinned(identity),
            None => builder.unpinned(),
        };
        let builder = builder.user(user).device(AnyDevice::from(device));
        Ok(Self { inner: builder.build()? })
    }

    /// Who is logged in at the custodian.
    #[must_use]
    pub fn user(&self) -> String {
        self.inner.user().to_owned()
    }

    /// The wallets that the custodian knows of this user: what an empty device can recover.
    ///
    /// # Errors
    ///
    /// The custodian did not say.
    pub async fn wallets(&self) -> Result<Vec<WalletId>, StateError> {
        let client = self.inner.clone();
        runtime::run(None, async move { Ok(client.wallets().await?) }).await
    }

    /// The wallets that this device has, or is in the middle of making or recovering.
    ///
    /// # Errors
    ///
    /// The device did not say.
    pub async fn wallets_here(&self) -> Result<Vec<WalletId>, DeviceError> {
        let client = self.inner.clone();
        runtime::run(None, async move { Ok(client.wallets_here().await?) }).await
    }

    /// What this device has of a wallet.
    ///
    /// # Errors
    ///
    /// `NotHere`: create, import or recover it.
    pub async fn wallet(&self, wallet: WalletId) -> Result<Arc<Wallet>, DeviceError> {
        let client = self.inner.clone();
        runtime::run(None, async move { Ok(Arc::new(client.wallet(wallet).await?.into())) }).await
    }

    /// Everything that an app's screens need of a wallet. Where the custodian cannot be reached, it is what this device knows.
    ///
    /// # Errors
    ///
    /// The device's record cannot be read; or it has none, and the custodian says nothing either.
    pub async fn status(&self, wallet: WalletId) -> Result<Status, DeviceError> {
        let client = self.inner.clone();
        runtime::run(None, async move { Ok(client.status(wallet).await?.into()) }).await
    }

    /// Makes a wallet with a key on each of these curves, without any of them ever being whole. `name` is public.
    ///
    /// It is not backed up yet.
    ///
    /// # Errors
    ///
    /// No wallet was made.
    #[uniffi::method(default(name = None, cancellation = None))]
    pub async fn create_wallet(
        &self,
        curves: Vec<CurveId>,
        name: Option<String>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Arc<Wallet>, CreateError> {
        let client = self.inner.clone();
        runtime::run(cancellation, async move {
            Ok(Arc::new(client.create_wallet(&curves, name).await?.into()))
        })
        .await
    }

    /// Backs the wallet up: any of these methods brings it back. When this returns, the backup is in the stores that the
    /// policy asks for, read back, opened through every method, proven by the custodian and committed.
    ///
    /// # Errors
    ///
    /// There is no new backup; the last one is as it was.
    #[uniffi::method(default(cancellation = None))]
    pub async fn backup(
        &self,
        wallet: WalletId,
        methods: Vec<Arc<Method>>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Backup, BackupError> {
        let client = self.inner.clone();
        let methods = method::inner(&methods);
        runtime::run(cancellation, async move { Ok(client.backup(wallet, &methods).await?.into()) })
            .await
    }

    /// Proves that a recovery would succeed, without performing it. With a method: the envelope that the custodian names
    /// opens, the stores have it, and the custodian proves now that it holds the other half. Without: the stores have it.
    /// What a store lacks is mended on the way.
    ///
    /// # Errors
    ///
    /// The backup cannot be relied on, or could not be looked at.
    #[uniffi::method(default(cancellation = None))]
    pub async fn drill(
        &self,
        wallet: WalletId,
        method: Option<Arc<Method>>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Drill, DrillError> {
        let client = self.inner.clone();
        let method = method.map(|method| method.inner());
        runtime::run(cancellation, async move {
            Ok(client.drill(wallet, method.as_ref()).await?.into())
        })
        .await
    }

    /// Brings the wallet back on this device, with one method: a new signing pair (MPC) or the secrets themselves
    /// (single-key), and a new backup epoch for all methods, in one commit. From then on the lost device can do nothing any
    /// more; of a single-key wallet it still knows the key, and the funds must move. `wallets` lists what there is to recover.
    ///
    /// A recovery that was interrupted on this device is finished first, and is this one then.
    ///
    /// # Errors
    ///
    /// The wallet was not recovered.
    #[uniffi::method(default(cancellation = None))]
    pub async fn recover(
        &self,
        wallet: WalletId,
        recovery: Recovery,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Recovered, RecoverError> {
        let client = self.inner.clone();
        runtime::run(cancellation, async move {
            Ok(client.recover(wallet, recovery.into()).await?.into())
        })
        .await
    }

    /// Finishes or gives up what was interrupted on this wallet, learns what has happened to it elsewhere, and tidies up:
    /// copies the last backup to stores that lack it, and deletes what is not needed any more. An app calls it for each of
    /// `wallets_here` when it starts, and after a call that was interrupted.
    ///
    /// # Errors
    ///
    /// What was interrupted is neither finished nor given up: resume again later.
    #[uniffi::method(default(cancellation = None))]
    pub async fn resume(
        &self,
        wallet: WalletId,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Resumed, ResumeError> {
        let client = self.inner.clone();
        runtime::run(cancellation, async move { Ok(client.resume(wallet).await?.into()) }).await
    }
}
