//! Where calls run: on threads of the library's own, so that none computes on its caller's.

use std::{
    any::Any,
    future::pending,
    io,
    marker::PhantomData,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    task::{Context, Poll},
    thread,
};

use tokio::{
    runtime::{Builder, Runtime},
    task::{JoinError, JoinHandle},
};

use crate::{
    Cancellation,
    error::{Named, path_of},
};

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

/// The runtime, which is started by the first call: one thread that waits and computes for all calls, and
/// those for what takes long. An executor of several threads is another 50 KiB of a phone's library.
fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<&Runtime> = OnceLock::new();
    static STARTING: Mutex<()> = Mutex::new(());
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let _one_at_a_time = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    let runtime = Builder::new_current_thread()
        .max_blocking_threads(BLOCKING)
        .thread_name("twoshare")
        .enable_time()
        .build()?;
    let runtime: &Runtime = Box::leak(Box::new(runtime));
    let thread = thread::Builder::new().name("twoshare".to_owned());
    thread.spawn(|| runtime.block_on(pending::<()>()))?;
    Ok(RUNTIME.get_or_init(|| runtime))
}

/// What a call has answered, without its types. What an executor makes for each type of future is most of a
/// library otherwise.
pub(crate) struct Answer {
    /// A `Result<T, E>`.
    result: Box<dyn Any + Send>,
    /// The path of its error, if it is one.
    pub(crate) failed: Option<String>,
}

/// A call without its types.
pub(crate) type Work = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A call on its way to its end, without its types.
pub(crate) type Ending = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// How a call has ended.
pub(crate) enum Ended {
    Answered(Answer),
    Cancelled,
    Panicked(String),
}

impl Answer {
    fn of<T: Send + 'static, E: Named + Send + 'static>(result: Result<T, E>) -> Self {
        let failed = result.as_ref().err().map(path_of);
        Self { result: Box::new(result), failed }
    }
}

/// Takes the types off a call.
pub(crate) fn untyped<T, E>(call: impl Future<Output = Result<T, E>> + Send + 'static) -> Work
where
    T: Send + 'static,
    E: Named + Send + 'static,
{
    Box::pin(async { Answer::of(call.await) })
}

/// A call on its way to its end, which gives its own types.
#[must_use]
pub(crate) struct Call<T, E> {
    ending: Ending,
    types: PhantomData<fn() -> Result<T, E>>,
}

impl<T, E> Call<T, E> {
    /// The call of these types that this is.
    pub(crate) fn of(ending: Ending) -> Self {
        Self { ending, types: PhantomData }
    }
}

impl<T: 'static, E: CutShort + 'static> Future for Call<T, E> {
    type Output = Result<T, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.ending.as_mut().poll(context).map(|ended| match ended {
            Ended::Answered(Answer { result, .. }) => match result.downcast() {
                Ok(result) => *result,
                Err(_) => Err(E::panicked("a call answered for another one".to_owned())),
            },
            Ended::Cancelled => Err(E::cancelled()),
            Ended::Panicked(message) => Err(E::panicked(message)),
        })
    }
}

/// Runs one call to its end, which is its own, a cancellation or a panic. If this future is dropped, the
/// call is too. When this returns, nothing of the call is running any more, but for a password that is
/// being stretched for nothing.
pub(crate) fn run<T, E>(
    cancellation: Option<Arc<Cancellation>>,
    call: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Call<T, E>
where
    T: Send + 'static,
    E: CutShort + Named + Send + 'static,
{
    Call::of(to_its_end(cancellation, untyped(call)))
}

/// The same, without its types.
pub(crate) fn to_its_end(cancellation: Option<Arc<Cancellation>>, work: Work) -> Ending {
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
        Ended::from(ended)
    })
}

impl From<Result<Answer, JoinError>> for Ended {
    fn from(ended: Result<Answer, JoinError>) -> Self {
        match ended {
            Ok(answer) => Self::Answered(answer),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => Self::Panicked(message_of(&*panic)),
                Err(_) => Self::Cancelled,
            },
        }
    }
}

/// Waits for something that cannot fail.
pub(crate) async fn wait_for(what: Pin<Box<dyn Future<Output = ()> + Send>>) {
    if let Ok(runtime) = runtime() {
        let _ = AbortOnDrop(runtime.spawn(what)).await;
    }
}

/// Does what may block a thread for a moment where that holds nobody up.
pub(crate) fn aside<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Call<T, E>
where
    T: Send + 'static,
    E: CutShort + Named + Send + 'static,
{
    Call::of(aside_untyped(Box::new(|| Answer::of(work()))))
}

fn aside_untyped(work: Box<dyn FnOnce() -> Answer + Send>) -> Ending {
    Box::pin(async {
        match runtime() {
            Ok(runtime) => AbortOnDrop(runtime.spawn_blocking(work)).await.into(),
            Err(error) => Ended::Panicked(format!("the runtime did not start: {error}")),
        }
    })
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
