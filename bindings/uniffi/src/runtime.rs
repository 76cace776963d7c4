//! Where calls run: on threads of the library's own, so that none computes on its caller's.

use std::{
    any::Any,
    future::pending,
    io,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    task::{Context, Poll},
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
    task::{JoinError, JoinHandle},
};

use crate::Cancellation;

/// How many threads wait and compute.
const WORKERS: usize = 2;

/// How many threads stretch passwords and write files: each password that is stretched takes 64 MiB at
/// least, which is what a phone has for some of them at once and not for fifty.
const BLOCKING: usize = 4;

/// The error of an operation, which may have been cut short.
pub(crate) trait CutShort {
    /// The app has cancelled the call.
    fn cancelled() -> Self;
    /// The call has panicked: a bug in the library, with what it said.
    fn panicked(message: String) -> Self;
}

/// The runtime, which is started by the first call.
fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let _one_at_a_time = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(BLOCKING)
        .thread_name("twoshare")
        .enable_time()
        .build()?;
    Ok(RUNTIME.get_or_init(|| runtime))
}

/// A call without its types. What an executor makes for each type of future is most of a library
/// otherwise.
pub(crate) type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How a call has ended.
enum Ended {
    Done,
    Cancelled,
    Panicked(String),
}

/// Runs one call to its end, which is its own, a cancellation or a panic. If this future is dropped, the
/// call is too. When this returns, nothing of the call is running any more, but for a password that is
/// being stretched for nothing.
pub(crate) async fn run<T, E>(
    cancellation: Option<Arc<Cancellation>>,
    call: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: CutShort + Send + 'static,
{
    run_within(cancellation, |work| work, call).await
}

/// The same, with something around the call.
pub(crate) async fn run_within<T, E>(
    cancellation: Option<Arc<Cancellation>>,
    around: impl FnOnce(Work) -> Work,
    call: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: CutShort + Send + 'static,
{
    let (sender, mut receiver) = oneshot::channel();
    let work: Work = Box::pin(async move {
        let _ = sender.send(call.await);
    });
    match to_its_end(cancellation, around(work)).await {
        // Sent before it ended.
        Ended::Done => receiver.try_recv().unwrap_or_else(|_| Err(E::cancelled())),
        Ended::Cancelled => Err(E::cancelled()),
        Ended::Panicked(message) => Err(E::panicked(message)),
    }
}

fn to_its_end(
    cancellation: Option<Arc<Cancellation>>,
    work: Work,
) -> Pin<Box<dyn Future<Output = Ended> + Send>> {
    Box::pin(async move {
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(error) => return Ended::Panicked(format!("the runtime did not start: {error}")),
        };
        if cancellation.as_ref().is_some_and(|cancellation| cancellation.is_cancelled()) {
            return Ended::Cancelled;
        }
        let mut task = AbortOnDrop(runtime.spawn(work));
        let cancelled = async {
            match &cancellation {
                Some(cancellation) => cancellation.cancelled().await,
                None => pending().await,
            }
        };
        let ended = tokio::select! {
            biased;
            ended = &mut task => ended,
            () = cancelled => {
                task.0.abort();
                (&mut task).await
            }
        };
        match ended {
            Ok(()) => Ended::Done,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => Ended::Panicked(message_of(&*panic)),
                Err(_) => Ended::Cancelled,
            },
        }
    })
}

/// Waits for something that cannot fail.
pub(crate) async fn wait_for(what: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = runtime() {
        let _ = AbortOnDrop(runtime.spawn(what)).await;
    }
}

/// Does what may block a thread for a moment where that holds nobody up.
pub(crate) async fn aside<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: CutShort + Send + 'static,
{
    run(None, async {
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(error) => Err(match error.try_into_panic() {
                Ok(panic) => E::panicked(message_of(&*panic)),
                Err(_) => E::cancelled(),
            }),
        }
    })
    .await
}

/// What a panic said.
fn message_of(panic: &(dyn Any + Send)) -> String {
    if let Some(message) = panic.downcast_ref::<&str>() {
        (*message).to_owned()
    } else if let Some(message) = panic.downcast_ref::<String>() {
        message.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

struct AbortOnDrop<T>(JoinHandle<T>);

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
