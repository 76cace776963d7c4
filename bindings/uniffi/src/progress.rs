//! How far a long call has got.

use std::{fmt, sync::Arc};

use twoshare::{Call, Step, core::id::WalletId};

use crate::{log, queue::Queue};

/// Hears of every step of every long call, for a progress bar.
///
/// Steps come one after the other, in their order, on a thread of their own: take them to the thread that your screens are
/// on. Those of a call have come when the call returns, unless this takes seconds for one. What it throws is
/// ignored. It may call the client, and wait for calls that have no steps themselves.
#[uniffi::export(with_foreign)]
pub trait ProgressListener: Send + Sync {
    /// A step begins.
    fn step(&self, at: Progressed);
}

impl fmt::Debug for dyn ProgressListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProgressListener")
    }
}

/// Where a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Record)]
pub struct Progressed {
    /// The wallet it is about.
    pub wallet: WalletId,
    /// What was called.
    pub call: Call,
    /// What it does now.
    pub step: Step,
    /// How many steps are done; `total` with `Step.Done`.
    pub done: u32,
    /// How many steps the call has. A step may be skipped where there is nothing to do.
    pub total: u32,
}

impl From<twoshare::Progressed> for Progressed {
    fn from(at: twoshare::Progressed) -> Self {
        let twoshare::Progressed { wallet, call, step, done, total } = at;
        let count = |count| u32::try_from(count).unwrap_or(u32::MAX);
        Self { wallet, call, step, done: count(done), total: count(total) }
    }
}

/// A client's listener, behind its queue.
pub(crate) type Listener = Arc<Queue<Progressed>>;

/// The queue of this listener.
pub(crate) fn listener(listener: Arc<dyn ProgressListener>) -> Listener {
    Arc::new(Queue::new("twoshare-progress", move |at| listener.step(at)))
}

/// What every client hears its steps with.
pub(crate) struct Steps(pub(crate) Option<Listener>);

impl twoshare::Progress for Steps {
    fn step(&self, at: twoshare::Progressed) {
        log::step(&at);
        if let Some(listener) = &self.0 {
            listener.push(|_| at.into());
        }
    }
}
