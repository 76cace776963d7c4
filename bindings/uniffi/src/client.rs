//! A device's access to the world.

use std::{fmt, sync::Arc};

use twoshare::core::{
    id::{CurveId, OperationId, WalletId},
    identity::CustodianIdentity,
    store::TrustCustodianAlone,
};

use crate::{
    Backup, Cancellation, Device, Drill, HttpCustodian, Method, Recovered, Recovery, Resumed,
    Wallet,
    device::AnyDevice,
    error::{
        AdoptError, BackupError, CancelError, ConvertError, CreateError, DeviceError, DrillError,
        EjectError, ImportError, MoveError, Named, OpenBackupError, RecoverError, RefreshError,
        ResumeError, StateError, StoresError,
    },
    log::{self, Log, LogSink},
    method::{self, MethodChange},
    progress::{self, Listener, ProgressListener, Steps},
    recovery::{Converted, Destination, Moved},
    runtime::{self, Call, Ending, Work},
    secret::{Attachment, ClientShare, Ejected, Import},
    state::{Opened, State},
    status::{DrillPolicy, Status},
    store::{NamedPlace, StoreLimits, StorePolicy},
    survey::Stores,
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
    /// The stores, in the order in which they are read from: the nearest first. Without any, envelopes are kept by the
    /// custodian.
    #[uniffi(default = [])]
    pub stores: Vec<NamedPlace>,
    /// How many stores must have an envelope before it is committed: all, without a policy.
    #[uniffi(default = None)]
    pub store_policy: Option<StorePolicy>,
    /// How long stores are waited for; `default_store_limits` without.
    #[uniffi(default = None)]
    pub store_limits: Option<StoreLimits>,
    /// Lets the custodian alone have the whole wallet, where a store and a method together would give it that. The wallet's
    /// hazards say so from then on.
    #[uniffi(default = false)]
    pub trust_custodian_alone: bool,
    /// When a backup has to be drilled or refreshed: after 90 and 365 days, without a policy.
    #[uniffi(default = None)]
    pub drill_policy: Option<DrillPolicy>,
    /// Hears of what the library does, for the app's own log.
    #[uniffi(default = None)]
    pub log: Option<Arc<dyn LogSink>>,
}

/// A custodian, the stores and the device of one user.
///
/// Every call works on what the device keeps: nothing is kept here. Calls about one wallet wait for each other. A call that
/// is cancelled, at any moment, or whose process is killed, leaves the last good backup as it was and the device with what it
/// needs to go on: `resume`, which an app calls when it starts, finishes or gives up what was interrupted; so does every
/// other call about that wallet before it begins.
///
/// Every call runs on threads of the library's own. Every error has, besides what Rust's has, `Cancelled` and `Panicked`.
#[derive(uniffi::Object)]
pub struct Client {
    inner: twoshare::Client,
    listener: Option<Listener>,
    log: Option<Log>,
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
        let ClientConfig { custodian, pinned, user, device, stores, .. } = config;
        let builder = twoshare::Client::builder().custodian(custodian.inner());
        let builder = match pinned {
            Some(identity) => builder.pinned(identity),
            None => builder.unpinned(),
        };
        let mut builder = builder.user(user).device(AnyDevice::from(device)).progress(Steps(None));
        for NamedPlace { id, place } in stores {
            builder = builder.store(id, place.into());
        }
        if let Some(policy) = config.store_policy {
            builder = builder.store_policy(policy.into());
        }
        if let Some(limits) = config.store_limits {
            builder = builder.store_limits(limits.into());
        }
        if config.trust_custodian_alone {
            builder = builder.trusting(TrustCustodianAlone);
        }
        if let Some(policy) = config.drill_policy {
            builder = builder.drill_policy(policy.into());
        }
        Ok(Self { inner: builder.build()?, listener: None, log: config.log.map(log::log) })
    }

    /// The same client, whose long calls tell this listener how far they have got.
    #[must_use]
    pub fn with_progress(&self, listener: Arc<dyn ProgressListener>) -> Self {
        let listener = progress::listener(listener);
        Self {
            inner: self.inner.clone().with_progress(Steps(Some(listener.clone()))),
            listener: Some(listener),
            log: self.log.clone(),
        }
    }

    /// Who is logged in at the custodian.
    #[must_use]
    pub fn user(&self) -> String {
        self.inner.user().to_owned()
    }

    /// The stores, for looking at what they have, and for copying a backup by hand.
    #[must_use]
    pub fn stores(&self) -> Arc<Stores> {
        Arc::new(Stores::new(self.inner.stores().clone(), self.log.clone()))
    }

    /// The wallets that the custodian knows of this user: what an empty device can recover.
    ///
    /// # Errors
    ///
    /// The custodian did not say.
    pub async fn wallets(&self) -> Result<Vec<WalletId>, StateError> {
        self.run("wallets", None, None, |client| async move { Ok(client.wallets().await?) }).await
    }

    /// The wallets that this device has, or is in the middle of making or recovering.
    ///
    /// # Errors
    ///
    /// The device did not say.
    pub async fn wallets_here(&self) -> Result<Vec<WalletId>, DeviceError> {
        let work = |client: twoshare::Client| async move { Ok(client.wallets_here().await?) };
        self.run("wallets_here", None, None, work).await
    }

    /// What this device has of a wallet.
    ///
    /// # Errors
    ///
    /// `NotHere`: create, import or recover it.
    pub async fn wallet(&self, wallet: WalletId) -> Result<Arc<Wallet>, DeviceError> {
        self.run("wallet", Some(wallet), None, move |client| async move {
            Ok(Arc::new(client.wallet(wallet).await?.into()))
        })
        .await
    }

    /// The wallet as the custodian sees it, signed by the custodian for this call.
    ///
    /// # Errors
    ///
    /// The state is not known.
    #[uniffi::method(default(cancellation = None))]
    pub async fn state(
        &self,
        wallet: WalletId,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<State, StateError> {
        self.run("state", Some(wallet), cancellation, move |client| async move {
            Ok(client.state(wallet).await?.into())
        })
        .await
    }

    /// Everything that an app's screens need of a wallet. Where the custodian cannot be reached, it is what this device knows.
    ///
    /// # Errors
    ///
    /// The device's record cannot be read; or it has none, and the custodian says nothing either.
    #[uniffi::method(default(cancellation = None))]
    pub async fn status(
        &self,
        wallet: WalletId,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Status, DeviceError> {
        self.run("status", Some(wallet), cancellation, move |client| async move {
            Ok(client.status(wallet).await?.into())
        })
        .await
    }

    /// Makes an MPC wallet with a key on each of these curves, none of which is ever whole. `name` is public. It is not backed
    /// up yet.
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
        self.run("create_wallet", None, cancellation, move |client| async move {
            Ok(Arc::new(client.create_wallet(&curves, name).await?.into()))
        })
        .await
    }

    /// Takes up a wallet whose shares were generated before, by a signing library: its halves here and at the custodian.
    ///
    /// # Errors
    ///
    /// The wallet was not taken up. Nothing has changed.
    #[uniffi::method(default(name = None, cancellation = None))]
    pub async fn adopt_wallet(
        &self,
        wallet: WalletId,
        shares: Vec<Arc<ClientShare>>,
        name: Option<String>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Arc<Wallet>, AdoptError> {
        let shares = shares.iter().map(|share| share.inner()).collect();
        self.run("adopt_wallet", Some(wallet), cancellation, move |client| async move {
            Ok(Arc::new(client.adopt_wallet(wallet, shares, name).await?.into()))
        })
        .await
    }

    /// Makes a single-key wallet of secrets that exist already, 1 to 16 of them. `name` is public. Nothing is sent, and it is
    /// not backed up yet.
    ///
    /// # Errors
    ///
    /// No wallet was imported.
    #[uniffi::method(default(name = None, cancellation = None))]
    pub async fn import_wallet(
        &self,
        imports: Vec<Import>,
        name: Option<String>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Arc<Wallet>, ImportError> {
        let imports = imports.iter().map(twoshare::Import::from).collect();
        self.run("import_wallet", None, cancellation, move |client| async move {
            Ok(Arc::new(client.import_wallet(imports, name).await?.into()))
        })
        .await
    }

    /// Keeps what a signing library keeps beside its shares: these attachments are put in the place of those of the same names.
    /// A durable one comes back in a recovery, once it is in a backup: refresh. A per-device one says that the library has made
    /// it anew.
    ///
    /// # Errors
    ///
    /// The device's record was not changed.
    #[uniffi::method(default(cancellation = None))]
    pub async fn keep_attachments(
        &self,
        wallet: WalletId,
        attachments: Vec<Arc<Attachment>>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<(), DeviceError> {
        let attachments = attachments.iter().map(|attachment| attachment.inner()).collect();
        self.run("keep_attachments", Some(wallet), cancellation, move |client| async move {
            Ok(client.keep_attachments(wallet, attachments).await?)
        })
        .await
    }

    /// Backs the wallet up for the first time: any of these methods brings it back. When this returns, the backup is in the
    /// stores that the policy asks for, read back, opened through every method, proven by the custodian and committed.
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
        let methods = method::inner(&methods);
        self.run("backup", Some(wallet), cancellation, move |client| async move {
            Ok(client.backup(wallet, &methods).await?.into())
        })
        .await
    }

    /// Makes a new backup when every method of the last one is forgotten, with what this device has. The replaced one can still
    /// be restored for a while, by whoever opens it.
    ///
    /// # Errors
    ///
    /// There is no new backup; the last one is as it was.
    #[uniffi::method(default(cancellation = None))]
    pub async fn replace(
        &self,
        wallet: WalletId,
        methods: Vec<Arc<Method>>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Backup, BackupError> {
        let methods = method::inner(&methods);
        self.run("replace", Some(wallet), cancellation, move |client| async move {
            Ok(client.replace(wallet, &methods).await?.into())
        })
        .await
    }

    /// The same at a custodian that was restored from a copy, as the operation that its operator has approved: make the id with
    /// `make_operation_id`, and read it out to the operator and to nobody else.
    ///
    /// # Errors
    ///
    /// There is no new backup; the last one is as it was.
    #[uniffi::method(default(cancellation = None))]
    pub async fn replace_approved(
        &self,
        wallet: WalletId,
        methods: Vec<Arc<Method>>,
        approved: OperationId,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Backup, BackupError> {
        let methods = method::inner(&methods);
        self.run("replace_approved", Some(wallet), cancellation, move |client| async move {
            Ok(client.replace_approved(wallet, &methods, approved).await?.into())
        })
        .await
    }

    /// Makes a new epoch of the backup, which the same methods open: what leaked of an older one is worth nothing then. One
    /// method is opened.
    ///
    /// # Errors
    ///
    /// There is no refreshed backup; the last one is as it was.
    #[uniffi::method(default(cancellation = None))]
    pub async fn refresh(
        &self,
        wallet: WalletId,
        method: Arc<Method>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Backup, RefreshError> {
        let method = method.inner();
        self.run("refresh", Some(wallet), cancellation, move |client| async move {
            Ok(client.refresh(wallet, &method).await?.into())
        })
        .await
    }

    /// Adds, removes and replaces methods, in a new epoch of the backup. One method is opened. What a removed method opened
    /// before opens nothing that counts afterwards.
    ///
    /// # Errors
    ///
    /// There is no new backup; the last one is as it was.
    #[uniffi::method(default(cancellation = None))]
    pub async fn change_methods(
        &self,
        wallet: WalletId,
        method: Arc<Method>,
        changes: Vec<MethodChange>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Backup, RefreshError> {
        let method = method.inner();
        let changes = changes.into_iter().map(twoshare::MethodChange::from).collect();
        self.run("change_methods", Some(wallet), cancellation, move |client| async move {
            Ok(client.change_methods(wallet, &method, changes).await?.into())
        })
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
        let method = method.map(|method| method.inner());
        self.run("drill", Some(wallet), cancellation, move |client| async move {
            Ok(client.drill(wallet, method.as_ref()).await?.into())
        })
        .await
    }

    /// Opens the backup, and shows what is in it. Nothing changes.
    ///
    /// # Errors
    ///
    /// The backup was not opened.
    #[uniffi::method(default(cancellation = None))]
    pub async fn open(
        &self,
        wallet: WalletId,
        method: Arc<Method>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Opened, OpenBackupError> {
        let method = method.inner();
        self.run("open", Some(wallet), cancellation, move |client| async move {
            Ok(client.open(wallet, &method).await?.into())
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
        self.run("recover", Some(wallet), cancellation, move |client| async move {
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
        self.run("resume", Some(wallet), cancellation, move |client| async move {
            Ok(client.resume(wallet).await?.into())
        })
        .await
    }

    /// Makes this device have nothing of a wallet any more: its shares, or its keys. Unless it is backed up, or on another
    /// device, it is gone.
    ///
    /// # Errors
    ///
    /// An operation is interrupted and could not be ended, or the device failed.
    #[uniffi::method(default(cancellation = None))]
    pub async fn forget(
        &self,
        wallet: WalletId,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<(), ResumeError> {
        self.run("forget", Some(wallet), cancellation, move |client| async move {
            Ok(client.forget(wallet).await?)
        })
        .await
    }

    /// Gives the user the whole key, inside the window that the custodian's operator has opened. One method is opened. It may
    /// be repeated inside the window. Of a single-key wallet, `Wallet.export` gives the same without anybody's help.
    ///
    /// # Errors
    ///
    /// No key was given out.
    #[uniffi::method(default(cancellation = None))]
    pub async fn eject(
        &self,
        wallet: WalletId,
        method: Arc<Method>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Ejected, EjectError> {
        let method = method.inner();
        self.run("eject", Some(wallet), cancellation, move |client| async move {
            Ok(client.eject(wallet, &method).await?.into())
        })
        .await
    }

    /// Objects to a recovery or an eject that waits, with this device's proof. That ends nothing: the wallet stands still, for
    /// everybody, until the custodian's operator has decided between the device and the request. `Status.waiting` has its id.
    ///
    /// # Errors
    ///
    /// The request was not objected to.
    #[uniffi::method(default(cancellation = None))]
    pub async fn cancel(
        &self,
        wallet: WalletId,
        request: OperationId,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<(), CancelError> {
        self.run("cancel", Some(wallet), cancellation, move |client| async move {
            Ok(client.cancel(wallet, request).await?)
        })
        .await
    }

    /// Makes an MPC wallet of a single-key wallet, under the same public keys and the same id: from then on signing takes this
    /// device and the custodian. One method is opened; the others open the new backup as they opened the old one.
    ///
    /// The device keeps the whole key until the custodian has committed, and wipes it then. What knew the key before still
    /// does: a `Wallet` that the app holds, another device, a paper.
    ///
    /// # Errors
    ///
    /// It is a single-key wallet, as it was. `SealedSecrets`: a wallet with a seed, a mnemonic or other sealed bytes stays
    /// what it is.
    #[uniffi::method(default(cancellation = None))]
    pub async fn convert(
        &self,
        wallet: WalletId,
        method: Arc<Method>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Converted, ConvertError> {
        let method = method.inner();
        self.run("convert", Some(wallet), cancellation, move |client| async move {
            Ok(client.convert(wallet, &method).await?.into())
        })
        .await
    }

    /// Moves the wallet from this client's custodian to another one, in one step, without the key being anywhere. One method is
    /// opened. The operator of this client's custodian must have named the other one (`trust-custodian`), and opened the
    /// wallet's window. A move that was interrupted on this device is finished first, and is this one then.
    ///
    /// # Errors
    ///
    /// It is with its custodian as it was, unless the error says otherwise.
    #[uniffi::method(default(cancellation = None))]
    pub async fn move_wallet(
        &self,
        wallet: WalletId,
        method: Arc<Method>,
        to: Arc<Destination>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Moved, MoveError> {
        let method = method.inner();
        self.run("move_wallet", Some(wallet), cancellation, move |client| async move {
            Ok(client.move_wallet(wallet, &method, &to.inner()).await?.into())
        })
        .await
    }

    /// Finishes or gives up a move that was interrupted, with the other of the two custodians: the one that the wallet goes to,
    /// or the one that it comes from.
    ///
    /// # Errors
    ///
    /// It is as it was: resume again later.
    #[uniffi::method(default(cancellation = None))]
    pub async fn resume_move(
        &self,
        wallet: WalletId,
        other: Arc<Destination>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Resumed, MoveError> {
        self.run("resume_move", Some(wallet), cancellation, move |client| async move {
            Ok(client.resume_move(wallet, &other.inner()).await?.into())
        })
        .await
    }
}

impl Client {
    /// Makes one call: on the runtime, in the log, until it is cancelled, and with its steps delivered.
    fn run<T, E, F>(
        &self,
        name: &'static str,
        wallet: Option<WalletId>,
        cancellation: Option<Arc<Cancellation>>,
        work: impl FnOnce(twoshare::Client) -> F,
    ) -> Call<T, E>
    where
        T: Send + 'static,
        E: Named + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let work = runtime::untyped(work(self.inner.clone()));
        Call::of(self.run_untyped(name, wallet, cancellation, work))
    }

    fn run_untyped(
        &self,
        name: &'static str,
        wallet: Option<WalletId>,
        cancellation: Option<Arc<Cancellation>>,
        work: Work,
    ) -> Ending {
        let (log, listener) = (self.log.clone(), self.listener.clone());
        Box::pin(async move {
            let (ended, has_steps) = log::run(log, name, wallet, cancellation, work).await;
            // A listener may make calls without steps itself, and would wait for itself.
            if let Some(listener) = listener.filter(|_| has_steps) {
                runtime::wait_for(Box::pin(async move { listener.flush().await })).await;
            }
            ended
        })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("inner", &self.inner).finish_non_exhaustive()
    }
}
