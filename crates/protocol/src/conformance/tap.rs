//! Listening to what a client and a custodian say: for tests of the encodings, seeds of fuzzers and
//! recorded sessions.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, WalletId},
};

use crate::{
    Custodian, Nonce,
    custodian::{
        AbandonError, BeginError, CancelError, CommitError, DepartError, EjectError, HandOverError,
        PrepareError, ReadError, RetireError, UploadError,
    },
    message::{
        Begin, Begun, Commit, Depart, Departed, Drilled, Ejected, Prepare, Prepared, Receipt,
        Request, Signed, State, Tombstone, Upload,
    },
    wire::Message,
};

/// One message, as it went over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The name of its type.
    pub message: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A custodian, and everything that was said to and by it.
#[derive(Debug, Clone)]
pub struct Tap<C> {
    custodian: C,
    said: Arc<Mutex<Vec<Said>>>,
}

impl<C> Tap<C> {
    /// Listens to this custodian.
    #[must_use]
    pub fn new(custodian: C) -> Self {
        Self { custodian, said: Arc::default() }
    }

    /// What was said since this was last asked.
    #[must_use]
    pub fn take(&self) -> Vec<Said> {
        std::mem::take(&mut *self.lock())
    }

    fn hear<M: Message>(&self, message: &'static str, said: &M) {
        // Exposed: to a test, which is what a tap is for.
        let bytes = said.to_bytes().expose_secret().to_vec();
        self.lock().push(Said { message, bytes });
    }

    fn heard<M: Message, E>(&self, name: &'static str, answer: Result<M, E>) -> Result<M, E> {
        if let Ok(message) = &answer {
            self.hear(name, message);
        }
        answer
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Said>> {
        // A list of what was said is whole after every push.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<C: Custodian> Custodian for Tap<C> {
    async fn wallets(&self) -> Result<Vec<WalletId>, ReadError> {
        self.custodian.wallets().await
    }

    async fn state(&self, wallet: WalletId, nonce: Nonce) -> Result<Signed<State>, ReadError> {
        self.heard("state", self.custodian.state(wallet, nonce).await)
    }

    async fn receipt(
        &self,
        wallet: WalletId,
        id: OperationId,
    ) -> Result<Signed<Receipt>, ReadError> {
        self.heard("receipt", self.custodian.receipt(wallet, id).await)
    }

    async fn begin(&self, begin: Begin) -> Result<Signed<Begun>, BeginError> {
        self.hear("begin", &begin);
        self.heard("begun", self.custodian.begin(begin).await)
    }

    async fn prepare(&self, prepare: Prepare) -> Result<Prepared, PrepareError> {
        self.hear("prepare", &prepare);
        self.heard("prepared", self.custodian.prepare(prepare).await)
    }

    async fn commit(&self, commit: Commit) -> Result<Signed<Receipt>, CommitError> {
        self.hear("commit", &commit);
        self.heard("receipt", self.custodian.commit(commit).await)
    }

    async fn abandon(&self, request: Request) -> Result<Signed<Tombstone>, AbandonError> {
        self.hear("request", &request);
        self.heard("tombstone", self.custodian.abandon(request).await)
    }

    async fn cancel(&self, request: Request) -> Result<(), CancelError> {
        self.hear("request", &request);
        self.custodian.cancel(request).await
    }

    async fn eject(&self, request: Request) -> Result<Ejected, EjectError> {
        self.hear("request", &request);
        self.heard("ejected", self.custodian.eject(request).await)
    }

    async fn drill(&self, wallet: WalletId, nonce: Nonce) -> Result<Drilled, ReadError> {
        self.heard("drilled", self.custodian.drill(wallet, nonce).await)
    }

    async fn put_envelope(&self, upload: Upload, envelope: Vec<u8>) -> Result<(), UploadError> {
        self.hear("upload", &upload);
        self.custodian.put_envelope(upload, envelope).await
    }

    async fn envelope(&self, wallet: WalletId, digest: Digest) -> Result<Vec<u8>, ReadError> {
        self.custodian.envelope(wallet, digest).await
    }

    async fn retire(&self, wallet: WalletId, epoch: Epoch) -> Result<(), RetireError> {
        self.custodian.retire(wallet, epoch).await
    }

    async fn depart(&self, depart: Depart) -> Result<Departed, DepartError> {
        self.hear("depart", &depart);
        self.heard("departed", self.custodian.depart(depart).await)
    }

    async fn hand_over(&self, receipt: Signed<Receipt>) -> Result<(), HandOverError> {
        self.hear("receipt", &receipt);
        self.custodian.hand_over(receipt).await
    }
}
