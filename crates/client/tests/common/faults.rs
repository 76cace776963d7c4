//! A device, a custodian and a store of which one call goes wrong: the process is killed before or after
//! it, it fails, or it takes effect and its answer is lost.

use std::{
    future::{Future, pending},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use twoshare::{
    DeviceState, MemoryDevice,
    core::{
        digest::Digest,
        id::{Epoch, OperationId, WalletId},
        secret::SecretBytes,
        store::{EnvelopeStore, GetError, ObjectName, PutError, StoreFault},
    },
    device::{Counter, DeleteError, DeviceFault, DiscardError, LoadError, Record, SaveError},
    protocol::{
        Custodian, Nonce,
        custodian::{
            AbandonError, BeginError, CancelError, CommitError, DepartError, EjectError,
            HandOverError, Outage, PrepareError, ReadError, RetireError, Unavailable, UploadError,
        },
        memory::MemorySession,
        message::{
            Begin, Begun, Commit, Depart, Departed, Drilled, Ejected, Prepare, Prepared, Receipt,
            Request, Signed, State, Tombstone, Upload,
        },
        rules::CommitRefusal,
    },
};

use super::Store;

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    KillBefore,
    KillAfter,
    Fail,
    LoseAnswer,
}

impl Mode {
    pub(crate) const ALL: [Self; 4] =
        [Self::KillBefore, Self::KillAfter, Self::Fail, Self::LoseAnswer];
}

/// Which call goes wrong, and how.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fate(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    calls: AtomicUsize,
    fault: Mutex<Option<(usize, Mode)>>,
    killed: AtomicBool,
    /// What is committed is answered with a refusal.
    denies: AtomicBool,
    /// Names of the calls, for messages.
    log: Mutex<Vec<&'static str>>,
}

impl Fate {
    /// From now on, the call with this number goes wrong, counted from 0.
    pub(crate) fn strike(&self, at: usize, mode: Mode) {
        self.0.calls.store(0, Ordering::Relaxed);
        self.0.killed.store(false, Ordering::Relaxed);
        self.0.log.lock().unwrap().clear();
        *self.0.fault.lock().unwrap() = Some((at, mode));
    }

    /// From now on, commits take effect and are said not to, until this is called again.
    pub(crate) fn deny_commits(&self, denies: bool) {
        self.0.denies.store(denies, Ordering::Relaxed);
    }

    /// Whether the call that was to go wrong has been made.
    pub(crate) fn has_struck(&self) -> bool {
        let (calls, fault) = (self.0.calls.load(Ordering::Relaxed), *self.0.fault.lock().unwrap());
        fault.is_some_and(|(at, _)| calls > at)
    }

    pub(crate) fn log(&self) -> Vec<&'static str> {
        self.0.log.lock().unwrap().clone()
    }

    /// Runs a future until it is done or its process is killed.
    pub(crate) fn drive<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            match future.as_mut().poll(&mut context) {
                Poll::Ready(output) => return Some(output),
                Poll::Pending if self.0.killed.load(Ordering::Relaxed) => return None,
                Poll::Pending => {}
            }
        }
    }

    /// The same inside of a runtime, whose timers go on.
    pub(crate) async fn drive_in_runtime<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        std::future::poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.0.killed.load(Ordering::Relaxed) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    async fn call<T>(
        &self,
        name: &'static str,
        call: impl Future<Output = T>,
        failure: impl FnOnce() -> T,
    ) -> T {
        let number = self.0.calls.fetch_add(1, Ordering::Relaxed);
        self.0.log.lock().unwrap().push(name);
        let fault = *self.0.fault.lock().unwrap();
        match fault.filter(|(at, _)| *at == number).map(|(_, mode)| mode) {
            None => call.await,
            Some(Mode::KillBefore) => self.kill().await,
            Some(Mode::KillAfter) => {
                call.await;
                self.kill().await
            }
            Some(Mode::Fail) => failure(),
            Some(Mode::LoseAnswer) => {
                call.await;
                failure()
            }
        }
    }

    async fn kill<T>(&self) -> T {
        self.0.killed.store(true, Ordering::Relaxed);
        pending().await
    }
}

const LOST: Unavailable = Unavailable::because(Outage::Unreachable);

#[derive(Debug, Clone)]
pub(crate) struct FaultyDevice(pub(crate) MemoryDevice, pub(crate) Fate);

fn fault() -> DeviceFault {
    DeviceFault::Failed("struck".into())
}

#[async_trait]
impl DeviceState for FaultyDevice {
    async fn wallets(&self) -> Result<Vec<WalletId>, DeviceFault> {
        self.0.wallets().await
    }

    async fn load(&self, wallet: WalletId) -> Result<Option<Record>, LoadError> {
        self.1.call("load", self.0.load(wallet), || Err(fault().into())).await
    }

    async fn save(
        &self,
        wallet: WalletId,
        contents: &SecretBytes,
        expected: Option<Counter>,
    ) -> Result<Counter, SaveError> {
        let save = self.0.save(wallet, contents, expected);
        self.1.call("save", save, || Err(fault().into())).await
    }

    async fn delete(&self, wallet: WalletId, expected: Counter) -> Result<(), DeleteError> {
        self.1.call("forget", self.0.delete(wallet, expected), || Err(fault().into())).await
    }

    async fn discard(&self, wallet: WalletId) -> Result<(), DiscardError> {
        self.0.discard(wallet).await
    }
}

#[derive(Debug, Clone)]
pub(crate) struct FaultyStore(pub(crate) Store, pub(crate) Fate);

fn unreachable() -> StoreFault {
    StoreFault::Unavailable { retry_after: None, source: "struck".into() }
}

#[async_trait]
impl EnvelopeStore for FaultyStore {
    async fn put(&self, name: &ObjectName, bytes: &[u8]) -> Result<(), PutError> {
        self.1.call("put", self.0.put(name, bytes), || Err(unreachable().into())).await
    }

    async fn get(&self, name: &ObjectName) -> Result<Vec<u8>, GetError> {
        self.1.call("get", self.0.get(name), || Err(unreachable().into())).await
    }

    async fn list(&self, wallet: WalletId) -> Result<Vec<ObjectName>, StoreFault> {
        self.1.call("list", self.0.list(wallet), || Err(unreachable())).await
    }

    async fn delete(&self, name: &ObjectName) -> Result<(), StoreFault> {
        self.1.call("delete", self.0.delete(name), || Err(unreachable())).await
    }
}

#[derive(Debug, Clone)]
pub(crate) struct FaultyCustodian(pub(crate) MemorySession, pub(crate) Fate);

#[async_trait]
impl Custodian for FaultyCustodian {
    async fn wallets(&self) -> Result<Vec<WalletId>, ReadError> {
        self.1.call("wallets", self.0.wallets(), || Err(LOST.into())).await
    }

    async fn state(&self, wallet: WalletId, nonce: Nonce) -> Result<Signed<State>, ReadError> {
        self.1.call("state", self.0.state(wallet, nonce), || Err(LOST.into())).await
    }

    async fn receipt(&self, w: WalletId, id: OperationId) -> Result<Signed<Receipt>, ReadError> {
        self.1.call("receipt", self.0.receipt(w, id), || Err(LOST.into())).await
    }

    async fn begin(&self, begin: Begin) -> Result<Signed<Begun>, BeginError> {
        self.1.call("begin", self.0.begin(begin), || Err(LOST.into())).await
    }

    async fn prepare(&self, prepare: Prepare) -> Result<Prepared, PrepareError> {
        self.1.call("prepare", self.0.prepare(prepare), || Err(LOST.into())).await
    }

    async fn commit(&self, commit: Commit) -> Result<Signed<Receipt>, CommitError> {
        let said = self.1.call("commit", self.0.commit(commit), || Err(LOST.into())).await;
        let denies = self.1.0.denies.load(Ordering::Relaxed);
        if denies { said.and(Err(CommitRefusal::NotPending.into())) } else { said }
    }

    async fn abandon(&self, request: Request) -> Result<Signed<Tombstone>, AbandonError> {
        self.1.call("abandon", self.0.abandon(request), || Err(LOST.into())).await
    }

    async fn cancel(&self, request: Request) -> Result<(), CancelError> {
        self.1.call("cancel", self.0.cancel(request), || Err(LOST.into())).await
    }

    async fn eject(&self, request: Request) -> Result<Ejected, EjectError> {
        self.1.call("eject", self.0.eject(request), || Err(LOST.into())).await
    }

    async fn drill(&self, wallet: WalletId, nonce: Nonce) -> Result<Drilled, ReadError> {
        self.1.call("drill", self.0.drill(wallet, nonce), || Err(LOST.into())).await
    }

    async fn put_envelope(&self, upload: Upload, envelope: Vec<u8>) -> Result<(), UploadError> {
        self.1.call("upload", self.0.put_envelope(upload, envelope), || Err(LOST.into())).await
    }

    async fn envelope(&self, wallet: WalletId, digest: Digest) -> Result<Vec<u8>, ReadError> {
        self.1.call("envelope", self.0.envelope(wallet, digest), || Err(LOST.into())).await
    }

    async fn retire(&self, wallet: WalletId, epoch: Epoch) -> Result<(), RetireError> {
        self.1.call("retire", self.0.retire(wallet, epoch), || Err(LOST.into())).await
    }

    async fn depart(&self, depart: Depart) -> Result<Departed, DepartError> {
        self.1.call("depart", self.0.depart(depart), || Err(LOST.into())).await
    }

    async fn hand_over(&self, receipt: Signed<Receipt>) -> Result<(), HandOverError> {
        self.1.call("hand_over", self.0.hand_over(receipt), || Err(LOST.into())).await
    }
}
