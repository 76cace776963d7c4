//! The way to the custodian: messages get lost on it, arrive twice or late, and either end dies.

use std::{
    fmt,
    future::poll_fn,
    sync::{Arc, Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use twoshare::{
    core::{
        digest::Digest,
        id::{Epoch, OperationId, WalletId},
    },
    protocol::{
        Custodian, Nonce,
        custodian::{
            AbandonError, BeginError, CancelError, CommitError, DepartError, EjectError,
            HandOverError, Outage, PrepareError, ReadError, RetireError, Unavailable, UploadError,
        },
        message::{
            Begin, Begun, Commit, Depart, Departed, Drilled, Ejected, Prepare, Prepared, Receipt,
            Request, Signed, State, Tombstone, Upload,
        },
    },
};

use super::{
    ledger::Ledger,
    server::Server,
    stage::{ActorId, Boxed, Fault, Stage},
};

/// A message that is still on its way, to be delivered as often as somebody likes.
pub(super) type Late = Arc<dyn Fn() -> Boxed<'static, ()> + Send + Sync>;

/// Every message that is still on its way.
#[derive(Clone, Default)]
pub(super) struct Mail(Arc<Mutex<Vec<(String, Late)>>>);

impl Mail {
    pub(super) fn send(&self, what: String, late: Late) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((what, late));
    }

    /// One of them, which stays to be delivered again with `again`.
    pub(super) fn take(&self, nth: usize, again: bool) -> Option<(String, Late)> {
        let mut mail = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let nth = nth.checked_rem(mail.len())?;
        if again { mail.get(nth).cloned() } else { Some(mail.remove(nth)) }
    }
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mail")
    }
}

/// The custodian as a device reaches it.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    pub(super) stage: Stage,
    pub(super) server: Arc<Server>,
    pub(super) ledger: Ledger,
    pub(super) mail: Mail,
    /// Who is logged in.
    pub(super) user: Arc<str>,
}

const UNREACHABLE: Unavailable = Unavailable::because(Outage::Unreachable);

impl Wire {
    /// Sends a message, with whatever happens to it.
    async fn send<T, E>(
        &self,
        what: &str,
        deliver: impl Fn() -> Boxed<'static, Result<T, E>> + Send + Sync + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
    {
        let fault = self.stage.gate(what).await;
        let inside = self.stage.inside();
        let answer = match fault {
            None => deliver().await,
            Some(Fault::Lost | Fault::Damaged) => Err(UNREACHABLE.into()),
            Some(Fault::Unanswered) => {
                drop(deliver().await);
                Err(UNREACHABLE.into())
            }
            Some(Fault::Twice) if self.stage.is_free() => {
                let (_first, second) = tokio::join!(deliver(), deliver());
                second
            }
            Some(Fault::Twice) => {
                drop(deliver().await);
                deliver().await
            }
            Some(Fault::Late) if self.stage.is_free() => {
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    drop(deliver().await);
                });
                Err(UNREACHABLE.into())
            }
            Some(Fault::Late) => {
                let deliver = Arc::new(deliver);
                let late: Late = Arc::new(move || {
                    let deliver = Arc::clone(&deliver);
                    Box::pin(async move { drop(deliver().await) })
                });
                self.mail.send(what.to_owned(), late);
                Err(UNREACHABLE.into())
            }
            Some(Fault::Broken) => {
                let mut delivered = Some(deliver());
                let mut polls = 0;
                // It is dropped in the middle, after it has been woken twice.
                let answer = poll_fn(|context| {
                    let Some(future) = &mut delivered else { return Poll::Ready(None) };
                    polls += 1;
                    match future.as_mut().poll(context) {
                        Poll::Ready(answer) => Poll::Ready(Some(answer)),
                        Poll::Pending if polls > 2 => Poll::Ready(None),
                        Poll::Pending => Poll::Pending,
                    }
                })
                .await;
                drop(delivered);
                if !self.stage.is_free() {
                    self.server.settle().await;
                }
                drop(answer);
                Err(UNREACHABLE.into())
            }
            Some(Fault::DiesBefore) => {
                drop(inside);
                return self.stage.die().await;
            }
            Some(Fault::DiesAfter) => {
                drop(deliver().await);
                drop(inside);
                return self.stage.die().await;
            }
            Some(fault @ (Fault::CustodianDies | Fault::CustodianDiesAfter)) => {
                let saves = fault == Fault::CustodianDiesAfter;
                if self.server.will_die(saves) {
                    drop(deliver().await);
                }
                self.server.restart().await;
                Err(UNREACHABLE.into())
            }
        };
        drop(inside);
        answer
    }

    fn actor(&self) -> Option<ActorId> {
        Stage::current()
    }
}

/// A call that nobody but its caller needs to know of.
macro_rules! plain {
    ($self:ident, $what:literal, $session:ident, ($($arg:ident),*), $call:expr) => {{
        let (server, user) = (Arc::clone(&$self.server), Arc::clone(&$self.user));
        $self
            .send($what, move || {
                let (server, user) = (Arc::clone(&server), Arc::clone(&user));
                $(let $arg = $arg.clone();)*
                Box::pin(async move {
                    let $session = server.login(&user);
                    $call.await
                })
            })
            .await
    }};
}

#[async_trait]
impl Custodian for Wire {
    async fn wallets(&self) -> Result<Vec<WalletId>, ReadError> {
        plain!(self, "wallets", session, (), session.wallets())
    }

    async fn state(&self, wallet: WalletId, nonce: Nonce) -> Result<Signed<State>, ReadError> {
        plain!(self, "state", session, (), session.state(wallet, nonce))
    }

    async fn receipt(
        &self,
        wallet: WalletId,
        id: OperationId,
    ) -> Result<Signed<Receipt>, ReadError> {
        plain!(self, "receipt", session, (), session.receipt(wallet, id))
    }

    async fn begin(&self, begin: Begin) -> Result<Signed<Begun>, BeginError> {
        if let Some(actor) = self.actor().and_then(|actor| self.stage.actor(actor)) {
            self.ledger.begins(&actor, &begin, self.server.policy().grace);
        }
        plain!(self, "begin", session, (begin), session.begin(begin))
    }

    async fn prepare(&self, prepare: Prepare) -> Result<Prepared, PrepareError> {
        let (server, ledger, user) =
            (Arc::clone(&self.server), self.ledger.clone(), Arc::clone(&self.user));
        self.send("prepare", move || {
            let (server, ledger, user, prepare) =
                (Arc::clone(&server), ledger.clone(), Arc::clone(&user), prepare.clone());
            Box::pin(async move {
                let (wallet, id) = (prepare.body.wallet, prepare.body.id);
                let answer = server.login(&user).prepare(prepare).await;
                if answer.is_ok() {
                    ledger.prepared(wallet, id);
                }
                answer
            })
        })
        .await
    }

    async fn commit(&self, commit: Commit) -> Result<Signed<Receipt>, CommitError> {
        let (wallet, id) = (commit.body.wallet, commit.body.id);
        self.ledger.commits(&commit);
        let (server, ledger, user) =
            (Arc::clone(&self.server), self.ledger.clone(), Arc::clone(&self.user));
        let answer = self.send("commit", move || {
            let (server, ledger, user, commit) =
                (Arc::clone(&server), ledger.clone(), Arc::clone(&user), commit.clone());
            Box::pin(async move {
                let answer = server.login(&user).commit(commit).await;
                if let Ok(receipt) = &answer {
                    ledger.committed(receipt.unverified());
                }
                answer
            })
        });
        let answer = answer.await;
        if let Err(CommitError::Unavailable(_)) = &answer
            && let Ok(receipt) = self.server.login(&self.user).receipt(wallet, id).await
        {
            // It has arrived, whatever its sender has heard.
            self.ledger.committed(receipt.unverified());
        }
        answer
    }

    async fn abandon(&self, request: Request) -> Result<Signed<Tombstone>, AbandonError> {
        plain!(self, "abandon", session, (request), session.abandon(request))
    }

    async fn cancel(&self, request: Request) -> Result<(), CancelError> {
        let (server, ledger, user) =
            (Arc::clone(&self.server), self.ledger.clone(), Arc::clone(&self.user));
        self.send("cancel", move || {
            let (server, ledger, user, request) =
                (Arc::clone(&server), ledger.clone(), Arc::clone(&user), request.clone());
            Box::pin(async move {
                ledger.cancels();
                server.login(&user).cancel(request).await
            })
        })
        .await
    }

    async fn eject(&self, request: Request) -> Result<Ejected, EjectError> {
        plain!(self, "eject", session, (request), session.eject(request))
    }

    async fn drill(&self, wallet: WalletId, nonce: Nonce) -> Result<Drilled, ReadError> {
        plain!(self, "drill", session, (), session.drill(wallet, nonce))
    }

    async fn put_envelope(&self, upload: Upload, envelope: Vec<u8>) -> Result<(), UploadError> {
        plain!(
            self,
            "put_envelope",
            session,
            (upload, envelope),
            session.put_envelope(upload, envelope)
        )
    }

    async fn envelope(&self, wallet: WalletId, digest: Digest) -> Result<Vec<u8>, ReadError> {
        plain!(self, "envelope", session, (), session.envelope(wallet, digest))
    }

    async fn retire(&self, wallet: WalletId, epoch: Epoch) -> Result<(), RetireError> {
        plain!(self, "retire", session, (), session.retire(wallet, epoch))
    }

    async fn depart(&self, depart: Depart) -> Result<Departed, DepartError> {
        plain!(self, "depart", session, (depart), session.depart(depart))
    }

    async fn hand_over(&self, receipt: Signed<Receipt>) -> Result<(), HandOverError> {
        plain!(self, "hand_over", session, (receipt), session.hand_over(receipt))
    }
}
