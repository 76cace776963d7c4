//! A custodian in memory: the complete reference model of the protocol, and what tests, demos and
//! other custodians are compared with.
//!
//! Everything that a real one does with a database it does with a map, and with the same
//! [engine](crate::engine). Its state can be copied and put back, as an operator does with a
//! database.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use rand_core::CryptoRng;
use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, Purpose, WalletId},
    identity::{CustodianIdentity, CustodianKeys},
    share::AnyCustodianShare,
};

use crate::{
    Nonce,
    adopt::{NotAHalf, check_half},
    custodian::{
        AbandonError, BeginError, CancelError, CommitError, Custodian, DepartError, EjectError,
        HandOverError, Outage, PrepareError, ReadError, RetireError, Unavailable, UploadError,
    },
    engine::{
        Damaged, Desk, Material, Row, Session, Sessions, arrive, drill_epoch, keeps_envelopes_of,
        read_back,
    },
    message::{
        Begin, Begun, Commit, Depart, Departed, Drilled, Ejected, Prepare, Prepared, Receipt,
        Request, Signed, State, Tombstone, Upload,
    },
    rules::{
        CancelRefusal, DepartRefusal, Favour, Policy, PrepareRefusal, Time, UnfreezeRefusal,
        WindowRefusal,
    },
};

/// The custodian's side, for all its users.
pub struct MemoryCustodian {
    inner: Mutex<Inner>,
}

/// A copy of everything a custodian has stored, as an operator's backup of the database is.
#[derive(Clone)]
pub struct Snapshot(Rows);

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

/// Why a wallet that existed before was not taken. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdoptError {
    /// The shares are not the custodian's half of this wallet.
    #[error(transparent)]
    Half(#[from] NotAHalf),
    /// The user has a wallet of this id already.
    #[error("the user has this wallet already")]
    AlreadyExists,
    /// Another wallet has one of these keys. Were one key in two wallets, a recovery of the one
    /// would leave the other's phone signing.
    #[error("another wallet has one of these keys")]
    KeyInUse,
}

type Rows = BTreeMap<(String, WalletId), Stored>;

/// A wallet as it is stored.
#[derive(Clone)]
struct Stored {
    row: Row,
    /// The custodian's own envelope store.
    envelopes: BTreeMap<Digest, StoredEnvelope>,
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
    rows: Rows,
    sessions: Sessions,
    /// The custodians that the operator lets wallets be moved to.
    trusted: BTreeSet<CustodianIdentity>,
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
        let (rows, sessions, trusted) = (Rows::new(), Sessions::new(), BTreeSet::new());
        let inner = Inner { keys, policy, rng, now, rows, sessions, trusted };
        Arc::new(Self { inner: Mutex::new(inner) })
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
        inner.rows.values_mut().for_each(|stored| stored.row.restored());
    }

    /// Forgets what is kept in memory only, as a restart does.
    pub fn restart(&self) {
        self.lock().sessions.clear();
    }

    /// Takes over the custodian's half of an MPC wallet that existed before: see [`crate::adopt`].
    ///
    /// # Errors
    ///
    /// See [`AdoptError`].
    pub fn adopt(
        &self,
        user: &str,
        wallet: WalletId,
        shares: Vec<AnyCustodianShare>,
    ) -> Result<Epoch, AdoptError> {
        let epoch = check_half(wallet, &shares)?;
        let mut inner = self.lock();
        let now = inner.now;
        if find(&mut inner.rows, user, wallet, now).is_some() {
            return Err(AdoptError::AlreadyExists);
        }
        let keys: Vec<_> = shares.iter().map(AnyCustodianShare::verifying_key).collect();
        let has_one = |stored: &Stored| {
            let counts = stored.row.signing().or(stored.row.backup());
            let commitments = counts.and_then(|active| active.material.commitments().ok());
            commitments.iter().flatten().any(|known| keys.contains(&known.verifying_key()))
        };
        if inner.rows.values().any(has_one) {
            return Err(AdoptError::KeyInUse);
        }
        let row = Row::adopted(epoch, Material::of_shares(shares), now);
        inner.rows.insert((user.to_owned(), wallet), Stored { row, envelopes: BTreeMap::new() });
        Ok(epoch)
    }

    /// The operator lets wallets be moved to this custodian.
    pub fn trust(&self, custodian: CustodianIdentity) {
        self.lock().trusted.insert(custodian);
    }

    /// The operator takes that word back.
    pub fn distrust(&self, custodian: &CustodianIdentity) {
        self.lock().trusted.remove(custodian);
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
        Ok(inner.row(user, wallet)?.open_window(until)?)
    }

    /// The operator lets a wallet stand still.
    ///
    /// # Errors
    ///
    /// See [`OperatorError`].
    pub fn freeze(&self, user: &str, wallet: WalletId) -> Result<(), OperatorError> {
        self.lock().row(user, wallet)?.freeze();
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
        Ok(self.lock().row(user, wallet)?.unfreeze(favour)?)
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
        Ok(self.lock().row(user, wallet)?.approve(recovery)?)
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
        Ok(self.lock().row(user, wallet)?.deny(request)?)
    }

    /// Every secret byte string that is stored now: for tests that look for what should be gone.
    ///
    /// Hazard: these are the custodian's shares.
    #[must_use]
    pub fn hazmat_stored_shares(&self) -> Vec<AnyCustodianShare> {
        let inner = self.lock();
        let rows = inner.rows.values().map(|stored| &stored.row);
        rows.flat_map(|row| {
            let active = [row.signing(), row.backup()].into_iter().flatten();
            let pending = row.pending().into_iter();
            active
                .map(|active| &active.material)
                .chain(row.restorable().map(|restorable| &restorable.material))
                .chain(pending.flat_map(|p| p.signing.iter().chain(&p.backup)).map(|(_, m)| m))
                .filter_map(Material::shares)
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

    async fn depart(&self, depart: Depart) -> Result<Departed, DepartError> {
        self.custodian.lock().depart(&self.user, &depart)
    }

    async fn hand_over(&self, receipt: Signed<Receipt>) -> Result<(), HandOverError> {
        self.custodian.lock().hand_over(&self.user, &receipt)
    }
}

impl Inner {
    /// What a step is taken with, and what it is about.
    fn split<'a>(&'a mut self, user: &'a str) -> (Desk<'a>, &'a mut Rows, &'a mut Sessions) {
        let Self { keys, policy, rng, now, rows, sessions, trusted: _ } = self;
        let desk = Desk { keys, policy, user, now: *now, rng: &mut **rng };
        (desk, rows, sessions)
    }

    /// The wallet of this user as it stands now.
    fn row(&mut self, user: &str, wallet: WalletId) -> Result<&mut Row, OperatorError> {
        let found = find(&mut self.rows, user, wallet, self.now);
        found.map(|stored| &mut stored.row).ok_or(OperatorError::NotFound)
    }

    fn wallets(&mut self, user: &str) -> Vec<WalletId> {
        let mine: Vec<_> = self
            .rows
            .keys()
            .filter(|(owner, _)| owner == user)
            .map(|(_, wallet)| *wallet)
            .collect();
        mine.into_iter().filter(|wallet| self.row(user, *wallet).is_ok()).collect()
    }

    fn begin(&mut self, user: &str, begin: Begin) -> Result<Signed<Begun>, BeginError> {
        let (mut desk, rows, sessions) = self.split(user);
        let found = find(rows, user, begin.wallet, desk.now);
        let (session, begun) = desk.begin(found.map(|stored| &stored.row), begin)?;
        sessions.open(session, desk.now);
        Ok(begun)
    }

    fn prepare(&mut self, user: &str, prepare: &Prepare) -> Result<Prepared, PrepareError> {
        let (mut desk, rows, sessions) = self.split(user);
        let wallet = prepare.body.wallet;
        let found = find(rows, user, wallet, desk.now).map(|stored| stored.row.clone());
        if let Some(row) = &found
            && let Some(answer) = desk.repeated(row, prepare)?
        {
            return Ok(answer);
        }
        let session = sessions.take(user, prepare.body.nonce, desk.now)?;
        let mut row = found.unwrap_or_else(|| desk.new_row(&session));
        let prepared = match desk.check_prepare(&mut row, Box::new(session), prepare) {
            Ok(checked) => {
                let held = checked.needs().and_then(|from| row.material(from.purpose, from.epoch));
                let made = checked.make(held.and_then(Material::shares).unwrap_or_default())?;
                let stored = read_back(made.shares()).map_err(|_| PrepareError::Damaged)?;
                made.pend(&mut desk, &mut row, stored, Material::of_shares)
            }
            Err(refused) => {
                if let Some(session) = refused.session {
                    sessions.put_back(*session);
                }
                Err(refused.error)
            }
        };
        if matches!(prepared, Ok(_) | Err(PrepareError::Refused(PrepareRefusal::Wait(_)))) {
            let key = (user.to_owned(), wallet);
            let envelopes = rows.remove(&key).map(|stored| stored.envelopes).unwrap_or_default();
            rows.insert(key, Stored { row, envelopes });
        }
        prepared
    }

    fn commit(&mut self, user: &str, commit: &Commit) -> Result<Signed<Receipt>, CommitError> {
        let (mut desk, rows, _) = self.split(user);
        let found = find(rows, user, commit.body.wallet, desk.now);
        desk.commit(&mut found.ok_or(CommitError::NotFound)?.row, commit)
    }

    fn abandon(
        &mut self,
        user: &str,
        request: &Request,
    ) -> Result<Signed<Tombstone>, AbandonError> {
        let (mut desk, rows, sessions) = self.split(user);
        let session = sessions.take(user, request.body.nonce, desk.now)?;
        let found = find(rows, user, session.begin().wallet, desk.now);
        let abandoned = match found {
            Some(stored) => desk.abandon(&mut stored.row, &session, request),
            None => Err(AbandonError::NotFound),
        };
        sessions.put_back(session);
        Ok(abandoned?.tombstone)
    }

    fn cancel(&mut self, user: &str, request: &Request) -> Result<(), CancelError> {
        let (mut desk, rows, sessions) = self.split(user);
        let session = sessions.take(user, request.body.nonce, desk.now)?;
        let found = find(rows, user, session.begin().wallet, desk.now);
        let cancelled = match found {
            Some(stored) => desk.cancel(&mut stored.row, &session, request),
            None => Err(CancelError::NotFound),
        };
        sessions.put_back(session);
        cancelled
    }

    fn eject(&mut self, user: &str, request: &Request) -> Result<Ejected, EjectError> {
        let (mut desk, rows, sessions) = self.split(user);
        let session = sessions.take(user, request.body.nonce, desk.now)?;
        let ejected = match find(rows, user, session.begin().wallet, desk.now) {
            Some(stored) => release(&mut desk, stored, &session, request),
            None => Err(EjectError::NotFound),
        };
        sessions.put_back(session);
        ejected
    }

    fn state(
        &mut self,
        user: &str,
        wallet: WalletId,
        nonce: Nonce,
    ) -> Result<Signed<State>, ReadError> {
        let (desk, rows, _) = self.split(user);
        let found = find(rows, user, wallet, desk.now).ok_or(ReadError::NotFound)?;
        desk.state(&found.row, wallet, nonce)
    }

    fn receipt(
        &mut self,
        user: &str,
        wallet: WalletId,
        id: OperationId,
    ) -> Result<Signed<Receipt>, ReadError> {
        let (desk, rows, _) = self.split(user);
        let found = find(rows, user, wallet, desk.now).ok_or(ReadError::NotFound)?;
        desk.receipt(&found.row, wallet, id)
    }

    fn drill(&mut self, user: &str, wallet: WalletId, nonce: Nonce) -> Result<Drilled, ReadError> {
        let (mut desk, rows, _) = self.split(user);
        let found = find(rows, user, wallet, desk.now).ok_or(ReadError::NotFound)?;
        let shares = found.held(drill_epoch(&found.row)?)?;
        desk.drill(&found.row, wallet, nonce, &shares)
    }

    fn put_envelope(
        &mut self,
        user: &str,
        upload: &Upload,
        bytes: Vec<u8>,
    ) -> Result<(), UploadError> {
        let (mut desk, rows, _) = self.split(user);
        let found = find(rows, user, upload.wallet, desk.now).ok_or(UploadError::NotFound)?;
        let Stored { row, envelopes } = found;
        let of_epoch = envelopes.iter().filter(|(_, stored)| stored.epoch == upload.epoch);
        let written: Vec<_> = of_epoch.map(|(digest, _)| *digest).collect();
        let admitted = desk.check_upload(row, &written, upload, &bytes)?;
        envelopes.insert(admitted.digest, StoredEnvelope { epoch: admitted.epoch, bytes });
        Ok(())
    }

    fn envelope(
        &mut self,
        user: &str,
        wallet: WalletId,
        digest: Digest,
    ) -> Result<Vec<u8>, ReadError> {
        let found = find(&mut self.rows, user, wallet, self.now).ok_or(ReadError::NotFound)?;
        found.envelopes.get(&digest).map(|stored| stored.bytes.clone()).ok_or(ReadError::NotFound)
    }

    fn retire(&mut self, user: &str, wallet: WalletId, epoch: Epoch) -> Result<(), RetireError> {
        let (desk, rows, _) = self.split(user);
        let found = find(rows, user, wallet, desk.now).ok_or(RetireError::NotFound)?;
        found.row.retire(epoch, desk.policy)?;
        found.delete_strays();
        Ok(())
    }
}

impl Inner {
    fn depart(&mut self, user: &str, depart: &Depart) -> Result<Departed, DepartError> {
        let trusted = self.trusted.clone();
        let (mut desk, rows, sessions) = self.split(user);
        if let Some(answer) = sessions.departed(user, depart, desk.now) {
            return Ok(answer);
        }
        let session = Box::new(sessions.take(user, depart.body.nonce, desk.now)?);
        let Some(stored) = find(rows, user, session.begin().wallet, desk.now) else {
            sessions.put_back(*session);
            return Err(DepartError::NotFound);
        };
        let mut row = stored.row.clone();
        match desk.check_depart(&mut row, session, depart, |other| trusted.contains(other)) {
            Ok(departing) => {
                let held = stored.held(departing.epoch()).map_err(|_| DepartError::Damaged)?;
                let (departed, session) = departing.answer(&mut desk, &held)?;
                stored.row = row;
                sessions.put_back(session);
                Ok(departed)
            }
            Err(refused) => {
                let refused = *refused;
                if matches!(refused.error, DepartError::Refused(DepartRefusal::Wait(_))) {
                    stored.row = row;
                }
                sessions.put_back(*refused.session);
                Err(refused.error)
            }
        }
    }

    fn hand_over(&mut self, user: &str, receipt: &Signed<Receipt>) -> Result<(), HandOverError> {
        let trusted = self.trusted.clone();
        let (mut desk, rows, _) = self.split(user);
        let wallet = receipt.unverified().wallet;
        let stored = find(rows, user, wallet, desk.now).ok_or(HandOverError::NotFound)?;
        desk.hand_over(&mut stored.row, receipt, |other| trusted.contains(other))?;
        Ok(())
    }
}

impl Stored {
    /// The shares of a backup epoch that counts, as storage gives them back.
    fn held(&self, epoch: Epoch) -> Result<Vec<AnyCustodianShare>, ReadError> {
        let material = self.row.material(Purpose::Backup, epoch).ok_or(Damaged)?;
        Ok(read_back(material.shares().ok_or(Damaged)?)?)
    }

    fn delete_strays(&mut self) {
        let Self { row, envelopes } = self;
        envelopes.retain(|_, stored| keeps_envelopes_of(row, stored.epoch));
    }
}

/// The wallet of this user as it stands now. One that was never committed and is pending no more is
/// forgotten here.
fn find<'a>(rows: &'a mut Rows, user: &str, wallet: WalletId, now: Time) -> Option<&'a mut Stored> {
    let key = (user.to_owned(), wallet);
    let Stored { row, envelopes } = rows.remove(&key)?;
    let mut stored = Stored { row: arrive(row, now)?, envelopes };
    stored.delete_strays();
    Some(rows.entry(key).or_insert(stored))
}

fn release(
    desk: &mut Desk<'_>,
    stored: &mut Stored,
    session: &Session,
    request: &Request,
) -> Result<Ejected, EjectError> {
    let ejecting = desk.check_eject(&mut stored.row, session, request)?;
    let shares = stored.held(ejecting.epoch());
    let shares = shares.map_err(|_| EjectError::from(Unavailable::because(Outage::Failed)))?;
    ejecting.answer(desk, &shares)
}
