//! What the app is told, in order, by a thread of its own: nobody waits for an app that does not return.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use tokio::sync::oneshot;

/// How much is kept for an app that is slow. What comes then is lost, and counted.
const CAPACITY: usize = 1024;

/// How long is waited for the app to hear what was said before a call returns.
const PATIENCE: Duration = Duration::from_secs(3);

/// Hands items to one listener. The thread begins with the first item, and ends with the queue.
pub(crate) struct Queue<T> {
    name: &'static str,
    deliver: Arc<dyn Fn(T) + Send + Sync>,
    sender: Mutex<Option<SyncSender<Item<T>>>>,
    lost: AtomicU64,
    stuck: Arc<AtomicBool>,
}

enum Item<T> {
    One(T),
    /// Everything before this was delivered.
    Mark(oneshot::Sender<()>),
}

impl<T: Send + 'static> Queue<T> {
    pub(crate) fn new(name: &'static str, deliver: impl Fn(T) + Send + Sync + 'static) -> Self {
        Self {
            name,
            deliver: Arc::new(deliver),
            sender: Mutex::new(None),
            lost: AtomicU64::new(0),
            stuck: Arc::default(),
        }
    }

    /// Puts one item at the end. It is told how many were lost before it.
    pub(crate) fn push(&self, item: impl FnOnce(u64) -> T) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if !self.send(Item::One(item(lost))) {
            self.lost.fetch_add(lost.saturating_add(1), Ordering::Relaxed);
        }
    }

    /// Waits until everything that is in the queue has been delivered; not for long if the app hangs.
    pub(crate) async fn flush(&self) {
        let begun = self.sender.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if !begun || self.stuck.load(Ordering::Relaxed) {
            return;
        }
        let (mark, delivered) = oneshot::channel();
        if self.send(Item::Mark(mark)) && tokio::time::timeout(PATIENCE, delivered).await.is_err() {
            // Nobody waits again before the app has returned.
            self.stuck.store(true, Ordering::Relaxed);
        }
    }

    /// Whether there was room for it.
    fn send(&self, item: Item<T>) -> bool {
        let mut sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        if sender.is_none() {
            let (to, from) = sync_channel(CAPACITY);
            let (deliver, stuck) = (Arc::clone(&self.deliver), Arc::clone(&self.stuck));
            let thread = thread::Builder::new().name(self.name.to_owned());
            if thread.spawn(move || deliver_all(&from, &*deliver, &stuck)).is_err() {
                return false;
            }
            *sender = Some(to);
        }
        let sent = sender.as_ref().map(|sender| sender.try_send(item));
        match sent {
            Some(Ok(())) => true,
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => false,
        }
    }
}

fn deliver_all<T>(from: &Receiver<Item<T>>, deliver: &dyn Fn(T), stuck: &AtomicBool) {
    while let Ok(item) = from.recv() {
        match item {
            // What the app throws is its own, and ends nothing here.
            Item::One(item) => drop(catch_unwind(AssertUnwindSafe(|| deliver(item)))),
            // Nobody may be waiting any more.
            Item::Mark(mark) => drop(mark.send(())),
        }
        stuck.store(false, Ordering::Relaxed);
    }
}
