//! A client is built step by step; what cannot be left out, the types ask for.

use std::{fmt, sync::Arc};

use twoshare_core::{identity::CustodianIdentity, store::TrustCustodianAlone};
use twoshare_protocol::Custodian;

use super::{Client, Inner};
use crate::{
    device::DeviceState,
    kept::Turns,
    progress::Progress,
    status::DrillPolicy,
    stores::{Place, StoreId, StoreLimits, StorePolicy, Stores, StoresError},
};

/// A client in the making: first the custodian, then its identity, the user, and the device.
///
/// ```
/// # use twoshare::{Client, MemoryDevice, protocol::memory::MemoryCustodian};
/// # let custodian = MemoryCustodian::start(twoshare::rng());
/// let client = Client::builder()
///     .custodian(custodian.login("alice"))
///     .pinned(custodian.identity())
///     .user("alice")
///     .device(MemoryDevice::new())
///     .build()?;
/// # Ok::<(), twoshare::stores::StoresError>(())
/// ```
pub struct Builder<S>(S);

/// Which custodian?
#[derive(Debug)]
pub struct NeedsCustodian;

/// With which identity?
pub struct NeedsIdentity {
    custodian: Arc<dyn Custodian>,
}

/// Who is logged in there?
pub struct NeedsUser {
    custodian: Arc<dyn Custodian>,
    pinned: Option<CustodianIdentity>,
}

/// What keeps the device's secrets?
pub struct NeedsDevice {
    custodian: Arc<dyn Custodian>,
    pinned: Option<CustodianIdentity>,
    user: String,
}

/// Everything that is needed.
pub struct Complete {
    custodian: Arc<dyn Custodian>,
    pinned: Option<CustodianIdentity>,
    user: String,
    device: Arc<dyn DeviceState>,
    places: Vec<(StoreId, Place)>,
    store_policy: StorePolicy,
    limits: StoreLimits,
    trust: Option<TrustCustodianAlone>,
    policy: DrillPolicy,
    listener: Option<Arc<dyn Progress>>,
}

impl Client {
    /// Begins a client.
    #[must_use]
    pub const fn builder() -> Builder<NeedsCustodian> {
        Builder(NeedsCustodian)
    }
}

impl Builder<NeedsCustodian> {
    /// With this custodian: over HTTP, or in the same process.
    #[must_use]
    pub fn custodian(self, custodian: impl Custodian + 'static) -> Builder<NeedsIdentity> {
        Builder(NeedsIdentity { custodian: Arc::new(custodian) })
    }
}

impl Builder<NeedsIdentity> {
    /// With the identity that the app's configuration has. Whoever could choose it would be the
    /// custodian.
    #[must_use]
    pub fn pinned(self, identity: CustodianIdentity) -> Builder<NeedsUser> {
        self.identity(Some(identity))
    }

    /// With no identity: an empty device takes it from the envelope that it opens, and believes nothing
    /// before that. Wallets are not made, and not backed up for the first time, without one.
    #[must_use]
    pub fn unpinned(self) -> Builder<NeedsUser> {
        self.identity(None)
    }

    fn identity(self, pinned: Option<CustodianIdentity>) -> Builder<NeedsUser> {
        Builder(NeedsUser { custodian: self.0.custodian, pinned })
    }
}

impl Builder<NeedsUser> {
    /// Logged in as this user: the name by which the custodian knows them, 1 to 256 bytes.
    #[must_use]
    pub fn user(self, user: impl Into<String>) -> Builder<NeedsDevice> {
        let NeedsUser { custodian, pinned } = self.0;
        Builder(NeedsDevice { custodian, pinned, user: user.into() })
    }
}

impl Builder<NeedsDevice> {
    /// On this device, which keeps the wallets' secrets from one start of the app to the next.
    #[must_use]
    pub fn device(self, device: impl DeviceState + 'static) -> Builder<Complete> {
        let NeedsDevice { custodian, pinned, user } = self.0;
        Builder(Complete {
            custodian,
            pinned,
            user,
            device: Arc::new(device),
            places: Vec::new(),
            store_policy: StorePolicy::default(),
            limits: StoreLimits::default(),
            trust: None,
            policy: DrillPolicy::default(),
            listener: None,
        })
    }
}

impl Builder<Complete> {
    /// With one more store, in the order in which they are read from: the nearest first. Without any,
    /// envelopes are kept by the custodian.
    #[must_use]
    pub fn store(mut self, id: StoreId, place: Place) -> Self {
        self.0.places.push((id, place));
        self
    }

    /// With this policy of how many stores must have an envelope before it is committed. Without one, all
    /// must.
    #[must_use]
    pub fn store_policy(mut self, policy: StorePolicy) -> Self {
        self.0.store_policy = policy;
        self
    }

    /// With these limits to how long stores are waited for.
    #[must_use]
    pub fn store_limits(mut self, limits: StoreLimits) -> Self {
        self.0.limits = limits;
        self
    }

    /// Lets the custodian alone have the whole wallet, where a store and a method together would give
    /// it that: see [`TrustCustodianAlone`]. The wallet's hazards say so from then on.
    #[must_use]
    pub fn trusting(mut self, trust: TrustCustodianAlone) -> Self {
        self.0.trust = Some(trust);
        self
    }

    /// With this policy of when a backup has to be drilled or refreshed.
    #[must_use]
    pub fn drill_policy(mut self, policy: DrillPolicy) -> Self {
        self.0.policy = policy;
        self
    }

    /// Telling this listener how far long calls have got.
    #[must_use]
    pub fn progress(mut self, listener: impl Progress + 'static) -> Self {
        self.0.listener = Some(Arc::new(listener));
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// The stores do not fit their policy.
    pub fn build(self) -> Result<Client, StoresError> {
        let Complete { custodian, pinned, user, device, mut places, listener, .. } = self.0;
        if places.is_empty() {
            places.push((StoreId::custodian(), Place::Custodian));
        }
        let stores = Stores::new(Arc::clone(&custodian), places, self.0.store_policy)?;
        let stores = stores.with_limits(self.0.limits);
        let stores = match self.0.trust {
            Some(trust) => stores.trusting(trust),
            None => stores,
        };
        let (policy, turns) = (self.0.policy, Turns::default());
        let inner = Inner { custodian, pinned, user, device, stores, policy, turns };
        Ok(Client { inner: Arc::new(inner), listener })
    }
}

impl<S> fmt::Debug for Builder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}

macro_rules! redacted {
    ($($name:ident),+) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )+ };
}

redacted!(NeedsIdentity, NeedsUser, NeedsDevice, Complete);
