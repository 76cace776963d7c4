//! A custodian in memory: the complete reference model of the protocol, and what tests, demos and
//! other custodians are compared with.
//!
//! Everything that a real one does with a database it does with a map, in the same order: look the
//! wallet up, let time pass, check what is proven, ask [the rules](crate::rules), make the new
//! shares, store, read back, answer. Its state can be copied and put back, as an operator does with
//! a database.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use rand_core::CryptoRng;
use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, WalletId},
    identity::{CustodianIdentity, CustodianKeys},
    share::AnyCustodianShare,
};

use crate::{
    Nonce,
    custodian::{
        AbandonError, BeginError, CancelError, CommitError, Custodian, EjectError, PrepareError,
        ReadError, RetireError, UploadError,
    },
    message::{
        Begin, Begun, Commit, Drilled, Ejected, Prepare, Prepared, Receipt, Request, Signed, State,
        Tombstone, Upload,
    },
    rules::{CancelRefusal, Favour, Policy, Time, UnfreezeRefusal, Wallet as Rules, WindowRefusal},
};

use self::session::Session;

mod commit;
mod evidence;
mod prepare;
mod read;
mod request;
mod session;

/// The custodian's side, for all its users.
pub struct MemoryCustodian {
    inner: Mutex<Inner>,
}

/// A copy of everything a custodian has stored, as an operator's backup of the database is.
#[derive(Clone)]
pub struct Snapshot(BTreeMap<(String, WalletId), Row>);

/// The operator's words found no wallet to act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OperatorError {
    /// The user has no such wallet.
    #[error("not found")]
    NotFound,
    /// The window stays closed.
    #[error(transparent)]
    Window(#[from] WindowRefusal),
    /// The wallet stays frozen.
    #[error(transparent)]
    Unfreeze(#[from] UnfreezeRefusal),
    /// Nothing was cancelled.
    #[error(transparent)]
    Cancel(#[from] CancelRefusal),
}

/// A wallet as it is stored.
#[derive(Clone)]
struct Row {
    rules: Rules<Material, PendingSession>,
    /// The custodian's own envelope store.
    envelopes: BTreeMap<Digest, StoredEnvelope>,
}

/// The custodian's shares of one epoch, one per key.
type Material = Vec<AnyCustodianShare>;

/// What is kept beside a pending epoch until it ends.
#[derive(Clone)]
struct PendingSession {
    begin: Begin,
    nonces: crate::binding::Nonces,
    /// The answer as it was sent. The key that sealed it is gone already: an answer that is asked
    /// for again is sent again, and a copy of the database opens nothing.
    answer: Prepared,
}

#[derive(Clone)]
struct StoredEnvelope {
    epoch: Epoch,
    bytes: Vec<u8>,
}

struct Inner {
    keys: CustodianKeys,
    policy: Policy,
    rng: Box<dyn CryptoRng + Send>,
    now: Time,
    rows: BTreeMap<(String, WalletId), Row>,
    sessions: BTreeMap<Nonce, Session>,
    /// How many sessions were ever opened.
    opened: u64,
}

impl MemoryCustodian {
    /// A custodian with this identity and policy, at the time `now`.
    #[must_use]
    pub fn new(
        keys: CustodianKeys,
        policy: Policy,
        now: Time,
        rng: impl CryptoRng + Send + 'static,
    ) -> Arc<Self> {
        let rng = Box::new(rng);
        let (rows, sessions) = (BTreeMap::new(), BTreeMap::new());
        Arc::new(Self {
            inner: Mutex::new(Inner { keys, policy, rng, now, rows, sessions, opened: 0 }),
        })
    }

    /// A custodian with a new identity and the default policy, at time 0.
    #[must_use]
    pub fn start(mut rng: impl CryptoRng + Send + 'static) -> Arc<Self> {
        Self::new(CustodianKeys::make(&mut rng), Policy::default(), 0, rng)
    }

    /// The public identity, which clients pin.
    #[must_use]
    pub fn identity(&self) -> CustodianIdentity {
        *self.lock().keys.identity()
    }

    /// The custodian as this user sees it after logging in.
    #[must_use]
    pub fn login(self: &Arc<Self>, user: &str) -> MemorySession {
        MemorySession { custodian: Arc::clone(self), user: user.to_owned() }
    }

    /// Lets time pass.
    pub fn advance(&self, seconds: Time) {
        let mut inner = self.lock();
        inner.now = inner.now.saturating_add(seconds);
    }

    /// Sets the clock, also back.
    pub fn set_time(&self, now: Time) {
        self.lock().now = now;
    }

    /// Copies everything stored.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot(self.lock().rows.clone())
    }

    /// Starts anew from a copy: every wallet in it may be older than what its users know.
    pub fn restore(&self, snapshot: Snapshot) {
        let mut inner = self.lock();
        inner.sessions.clear();
        inner.rows = snapshot.0;
        inner.rows.values_mut().for_each(|row| row.rules.restored());
    }

    /// Forgets what is kept in memory only, as a restart does.
    pub fn restart(&self) {
        self.lock().sessions.clear();
    }

    /// The operator lets the key of a wallet be released, for some seconds.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub fn open_window(
        &self,
        user: &str,
        wallet: WalletId,
        seconds: Time,
    ) -> Result<(), OperatorError> {
        let mut inner = self.lock();
        let until = inner.now.saturating_add(seconds);
        Ok(inner.row(user, wallet)?.rules.open_window(until)?)
    }

    /// The operator lets a wallet stand still.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub fn freeze(&self, user: &str, wallet: WalletId) -> Result<(), OperatorError> {
        self.lock().row(user, wallet)?.rules.freeze();
        Ok(())
    }

    /// The operator lets a wallet go on; a dispute in somebody's favour.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub fn unfreeze(
        &self,
        user: &str,
        wallet: WalletId,
        favour: Option<Favour>,
    ) -> Result<(), OperatorError> {
        Ok(self.lock().row(user, wallet)?.rules.unfreeze(favour)?)
    }

    /// The operator lets one recovery go on after a restore.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub fn approve(
        &self,
        user: &str,
        wallet: WalletId,
        recovery: OperationId,
    ) -> Result<(), OperatorError> {
        Ok(self.lock().row(user, wallet)?.rules.approve(recovery)?)
    }

    /// The operator ends a waiting request.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub fn deny(
        &self,
        user: &str,
        wallet: WalletId,
        request: OperationId,
    ) -> Result<(), OperatorError> {
        Ok(self.lock().row(user, wallet)?.rules.deny(request)?)
    }

    /// Every secret byte string that is stored now: for tests that look for what should be gone.
    ///
    /// Hazard: these are the custodian's shares.
    #[must_use]
    pub fn hazmat_stored_shares(&self) -> Vec<AnyCustodianShare> {
        let inner = self.lock();
        let rules = inner.rows.values().map(|row| &row.rules);
        rules
            .flat_map(|rules| {
                let active = [rules.signing(), rules.backup()].into_iter().flatten();
                let pending = rules.pending().into_iter();
                active
                    .map(|active| &active.material)
                    .chain(rules.restorable().map(|restorable| &restorable.material))
                    .chain(pending.flat_map(|p| p.signing.iter().chain(&p.backup)).map(|(_, m)| m))
                    .flatten()
                    .cloned()
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is made to a whole row at once, so that a panic elsewhere leaves none half made.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryCustodian {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryCustodian")
            .field("identity", &self.identity())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Snapshot({} wallets, redacted)", self.0.len())
    }
}

/// A [`MemoryCustodian`] as one logged-in user sees it.
#[derive(Debug, Clone)]
pub struct MemorySession {
    custodian: Arc<MemoryCustodian>,
    user: String,
}

impl MemorySession {
    /// The user who is logged in.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }
}

#[async_trait]
impl Custodian for MemorySession {
    async fn wallets(&self) -> Result<Vec<WalletId>, ReadError> {
        Ok(self.custodian.lock().wallets(&self.user))
    }

    async fn state(&self, wallet: WalletId, nonce: Nonce) -> Result<Signed<State>, ReadError> {
        self.custodian.lock().state(&self.user, wallet, nonce)
    }

    async fn receipt(
        &self,
        wallet: WalletId,
        id: OperationId,
    ) -> Result<Signed<Receipt>, ReadError> {
        self.custodian.lock().receipt(&self.user, wallet, id)
    }

    async fn begin(&self, begin: Begin) -> Result<Signed<Begun>, BeginError> {
        self.custodian.lock().begin(&self.user, begin)
    }

    async fn prepare(&self, prepare: Prepare) -> Result<Prepared, PrepareError> {
        self.custodian.lock().prepare(&self.user, &prepare)
    }

    async fn commit(&self, commit: Commit) -> Result<Signed<Receipt>, CommitError> {
        self.custodian.lock().commit(&self.user, &commit)
    }

    async fn abandon(&self, request: Request) -> Result<Signed<Tombstone>, AbandonError> {
        self.custodian.lock().abandon(&self.user, &request)
    }

    async fn cancel(&self, request: Request) -> Result<(), CancelError> {
        self.custodian.lock().cancel(&self.user, &request)
    }

    async fn eject(&self, request: Request) -> Result<Ejected, EjectError> {
        self.custodian.lock().eject(&self.user, &request)
    }

    async fn drill(&self, wallet: WalletId, nonce: Nonce) -> Result<Drilled, ReadError> {
        self.custodian.lock().drill(&self.user, wallet, nonce)
    }

    async fn put_envelope(&self, upload: Upload, envelope: Vec<u8>) -> Result<(), UploadError> {
        self.custodian.lock().put_envelope(&self.user, &upload, envelope)
    }

    async fn envelope(&self, wallet: WalletId, digest: Digest) -> Result<Vec<u8>, ReadError> {
        self.custodian.lock().envelope(&self.user, wallet, digest)
    }

    async fn retire(&self, wallet: WalletId, epoch: Epoch) -> Result<(), RetireError> {
        self.custodian.lock().retire(&self.user, wallet, epoch)
    }
}

impl Inner {
    /// The wallet of this user as it stands now.
    fn row(&mut self, user: &str, wallet: WalletId) -> Result<&mut Row, OperatorError> {
        self.find(user, wallet).ok_or(OperatorError::NotFound)
    }

    /// The same, for callers with their own word for not found. A wallet that was never committed
    /// and is pending no more is forgotten here.
    fn find(&mut self, user: &str, wallet: WalletId) -> Option<&mut Row> {
        let key = (user.to_owned(), wallet);
        let row = self.rows.get_mut(&key)?;
        row.rules.advance(self.now);
        if row.rules.is_empty() {
            self.rows.remove(&key);
            return None;
        }
        row.delete_strays();
        self.rows.get_mut(&key)
    }
}

impl Row {
    fn delete_envelopes(&mut self, epoch: Epoch) {
        self.envelopes.retain(|_, stored| stored.epoch != epoch);
    }

    /// Deletes the envelopes of operations that expired or were displaced: their epochs are nobody's,
    /// and never will be. Else whoever may prepare could fill the store, one epoch after the other.
    fn delete_strays(&mut self) {
        let Self { rules, envelopes } = self;
        let pending = rules.pending().and_then(|pending| pending.backup.as_ref());
        let counts = [
            rules.backup().map(|active| active.epoch),
            rules.restorable().map(|restorable| restorable.epoch),
            pending.map(|(epoch, _)| *epoch),
        ];
        envelopes.retain(|_, stored| {
            counts.contains(&Some(stored.epoch)) || rules.ended().contains_key(&stored.epoch)
        });
    }
}

/// The shares as storage gives them back: decoded, and checked against their commitments again.
fn read_back(material: &Material) -> Result<Material, ReadError> {
    let read = |share: &AnyCustodianShare| {
        // Exposed: to the decoder only.
        AnyCustodianShare::from_bytes(share.to_bytes().expose_secret())
    };
    material.iter().map(read).collect::<Result<_, _>>().map_err(|_| ReadError::Damaged)
}
