//! What an app may write down of what the library does: nothing secret.

use std::{
    fmt::{self, Write as _},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use twoshare::{Call, Step, core::id::WalletId};

use crate::{
    Cancellation,
    kinds::HttpMethod,
    queue::Queue,
    runtime::{self, Answer as Answered, Ended, Work},
};

/// Hears what the library does, for the app's own log.
///
/// There is nothing secret in it: no token, share, key, password, code or envelope, no body, no header and no query of a
/// request, and no text that the app's code or a user has written. Ids of wallets, operations and requests are in it.
///
/// Entries come one after the other, on a thread of their own. What it throws is ignored.
#[uniffi::export(with_foreign)]
pub trait LogSink: Send + Sync {
    /// Something happened.
    fn log(&self, entry: LogEntry);
}

impl fmt::Debug for dyn LogSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogSink")
    }
}

/// Something that happened.
#[derive(Debug, Clone, uniffi::Record)]
pub struct LogEntry {
    /// When, by this device's clock: milliseconds since 1970.
    pub at: u64,
    /// The number of the call that it belongs to: they count from 1 while the app runs.
    pub call: u64,
    /// What.
    pub event: LogEvent,
    /// How many entries before this one were lost because the sink was too slow. Mostly 0.
    pub lost: u64,
}

/// What happened.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum LogEvent {
    /// A call began.
    Began {
        /// What was called, such as `backup`.
        name: String,
        /// The wallet that it is about.
        wallet: Option<WalletId>,
    },
    /// It ended.
    Ended {
        /// What was called.
        name: String,
        /// The wallet that it is about.
        wallet: Option<WalletId>,
        /// How long it took.
        milliseconds: u64,
        /// How it ended.
        outcome: Outcome,
    },
    /// A step of it begins.
    Step {
        /// What was called.
        call: Call,
        /// The step.
        step: Step,
    },
    /// A request was answered, or not.
    Http {
        /// Its method.
        method: HttpMethod,
        /// The path that was asked for, without the server's name and the query.
        path: String,
        /// Its id, which the server's log has too.
        id: String,
        /// How long it took.
        milliseconds: u64,
        /// The answer's status; none where there was no answer.
        status: Option<u16>,
    },
    /// The app's own code did not do what was asked of it.
    App {
        /// Which function, such as `DeviceState.save`.
        name: String,
        /// What it did instead.
        answer: Answer,
    },
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Outcome {
    /// It did what it was called for.
    Done,
    /// It did not.
    Failed {
        /// The variant of its error, and after each dot that of what it comes from: `Run.Exchange.Begin.Unavailable`.
        error: String,
    },
}

/// What the app's code did instead of what was asked of it.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Enum)]
pub enum Answer {
    /// It did not return in time, and was given up.
    TimedOut {
        /// How long it was waited for.
        after: Duration,
    },
    /// It threw.
    Threw {
        /// The variant of what it threw, and after each dot that of what it comes from.
        error: String,
    },
}

/// An entry in one line, for a log of text.
#[uniffi::export]
#[must_use]
pub fn log_text(entry: LogEntry) -> String {
    let LogEntry { at: _, call, event, lost } = entry;
    let about =
        |wallet: Option<WalletId>| wallet.map(|wallet| format!(" {wallet}")).unwrap_or_default();
    let mut text = match event {
        LogEvent::Began { name, wallet } => format!("[{call}] {name}{} began", about(wallet)),
        LogEvent::Ended { name, wallet, milliseconds, outcome } => {
            let how = match outcome {
                Outcome::Done => "done".to_owned(),
                Outcome::Failed { error } => format!("failed: {error}"),
            };
            format!("[{call}] {name}{} {how}, after {milliseconds} ms", about(wallet))
        }
        LogEvent::Step { call: name, step } => format!("[{call}] {name}: {step}"),
        LogEvent::Http { method, path, id, milliseconds, status } => {
            let status = status.map_or("no answer".to_owned(), |status| status.to_string());
            format!("[{call}] {method} {path} ({id}): {status}, after {milliseconds} ms")
        }
        LogEvent::App { name, answer } => match answer {
            Answer::TimedOut { after } => {
                format!("[{call}] {name} did not return within {} ms", after.as_millis())
            }
            Answer::Threw { error } => format!("[{call}] {name} threw {error}"),
        },
    };
    if lost > 0 {
        let _ = write!(text, " ({lost} entries before this were lost)");
    }
    text
}

/// A client's sink, behind its queue.
pub(crate) type Log = Arc<Queue<LogEntry>>;

/// The queue of this sink.
pub(crate) fn log(sink: Arc<dyn LogSink>) -> Log {
    Arc::new(Queue::new("twoshare-log", move |entry| sink.log(entry)))
}

tokio::task_local! {
    /// The call that a task is of.
    static CALL: Logged;
}

/// Where the entries of one call go.
#[derive(Clone)]
struct Logged {
    number: u64,
    log: Option<Log>,
    has_steps: Arc<AtomicBool>,
}

impl Logged {
    fn push(&self, event: impl FnOnce() -> LogEvent) {
        if let Some(log) = &self.log {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            let at = since.map_or(0, milliseconds);
            log.push(|lost| LogEntry { at, call: self.number, event: event(), lost });
        }
    }
}

/// Runs one call to its end, with what happens in it in the log. Says too whether it had steps.
pub(crate) async fn run(
    log: Option<Log>,
    name: &'static str,
    wallet: Option<WalletId>,
    cancellation: Option<Arc<Cancellation>>,
    work: Work,
) -> (Ended, bool) {
    let mut logged = LoggedCall::begin(log, name, wallet);
    let work = CALL.scope(logged.logged.clone(), work);
    let ended = runtime::to_its_end(cancellation, Box::pin(work)).await;
    logged.end_with(match &ended {
        Ended::Answered(Answered { failed: None, .. }) => Outcome::Done,
        Ended::Answered(Answered { failed: Some(path), .. }) => failed(path),
        Ended::Cancelled => failed("Cancelled"),
        Ended::Panicked(_) => failed("Panicked"),
    });
    (ended, logged.logged.has_steps.load(Ordering::Relaxed))
}

fn failed(path: &str) -> Outcome {
    Outcome::Failed { error: path.to_owned() }
}

/// One call in the log: what is dropped without having ended was cancelled.
struct LoggedCall {
    logged: Logged,
    name: &'static str,
    wallet: Option<WalletId>,
    began: Instant,
    ended: bool,
}

impl LoggedCall {
    /// A call begins.
    fn begin(log: Option<Log>, name: &'static str, wallet: Option<WalletId>) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let logged = Logged { number, log, has_steps: Arc::default() };
        logged.push(|| LogEvent::Began { name: name.to_owned(), wallet });
        Self { logged, name, wallet, began: Instant::now(), ended: false }
    }

    fn end_with(&mut self, outcome: Outcome) {
        self.ended = true;
        self.logged.push(|| LogEvent::Ended {
            name: self.name.to_owned(),
            wallet: self.wallet,
            milliseconds: milliseconds(self.began.elapsed()),
            outcome,
        });
    }
}

impl Drop for LoggedCall {
    fn drop(&mut self) {
        if !self.ended {
            self.end_with(failed("Cancelled"));
        }
    }
}

/// A step of the call that this task is of.
pub(crate) fn step(at: &twoshare::Progressed) {
    let _ = CALL.try_with(|logged| logged.has_steps.store(true, Ordering::Relaxed));
    push(|| LogEvent::Step { call: at.call, step: at.step });
}

/// What the app's code did instead of what was asked of it.
pub(crate) fn app(name: &'static str, answer: Answer) {
    push(|| LogEvent::App { name: name.to_owned(), answer });
}

/// A request, and how it was answered.
pub(crate) fn http(method: HttpMethod, url: &str, id: &str, took: Duration, status: Option<u16>) {
    push(|| LogEvent::Http {
        method,
        path: path_of(url).to_owned(),
        id: id.to_owned(),
        milliseconds: milliseconds(took),
        status,
    });
}

fn push(event: impl FnOnce() -> LogEvent) {
    // Outside of a client's call nobody listens.
    let _ = CALL.try_with(|logged| logged.push(event));
}

/// What follows the server's name, without the query.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/");
    path.split(['?', '#']).next().unwrap_or(path)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_no_server_and_no_query() {
        assert_eq!(path_of("https://a.example/v1/wallets/x?nonce=1"), "/v1/wallets/x");
        assert_eq!(path_of("https://a.example"), "/");
        assert_eq!(path_of("http://[::1]:80/a#b"), "/a");
    }
}
