//! The one connection that writes.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{Connection as _, SqliteConnection};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, timeout_at},
};

use super::{Counts, batch::Batch};
use crate::repository::{NoticeError, PutEnvelopeError, SaveError, StoppedWriting, StoreError};

/// The most writes that share a commit, unless the options say otherwise.
const MAX_GROUP: usize = 128;

/// How many writes may wait for their turn.
const QUEUE: usize = 4096;

/// How long after a deletion the journal is emptied: at once when nothing else is to be done, and
/// this late at the latest.
const IDLE: Duration = Duration::from_millis(50);
const LATEST: Duration = Duration::from_secs(1);

pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    stopped: OnceLock<StoppedWriting>,
    commits: AtomicU64,
    writes: AtomicU64,
    fail_next: AtomicBool,
}

enum Job {
    Write(Batch, oneshot::Sender<Result<(), WriteError>>),
    Scrub(oneshot::Sender<Result<(), StoreError>>),
    Close,
}

/// Why something was not written.
#[derive(Debug, Clone)]
pub(super) enum WriteError {
    Conflict,
    TooManyWallets,
    TooManyEnvelopes,
    KeyInUse,
    Store(StoreError),
}

impl From<WriteError> for SaveError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Conflict => Self::Conflict,
            WriteError::TooManyWallets => Self::TooManyWallets,
            WriteError::KeyInUse => Self::KeyInUse,
            // Nothing that is saved counts envelopes.
            WriteError::TooManyEnvelopes => Self::Store(StoreError::Damaged),
            WriteError::Store(error) => Self::Store(error),
        }
    }
}

impl From<WriteError> for PutEnvelopeError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Conflict => Self::Conflict,
            WriteError::TooManyEnvelopes => Self::TooMany,
            WriteError::TooManyWallets | WriteError::KeyInUse => Self::Store(StoreError::Damaged),
            WriteError::Store(error) => Self::Store(error),
        }
    }
}

impl From<WriteError> for NoticeError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Conflict => Self::Conflict,
            WriteError::Store(error) => Self::Store(error),
            WriteError::TooManyWallets | WriteError::TooManyEnvelopes | WriteError::KeyInUse => {
                Self::Store(StoreError::Damaged)
            }
        }
    }
}

impl From<WriteError> for StoreError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Store(error) => error,
            // What expects nothing conflicts with nothing.
            WriteError::Conflict
            | WriteError::TooManyWallets
            | WriteError::TooManyEnvelopes
            | WriteError::KeyInUse => Self::Damaged,
        }
    }
}

impl Writer {
    pub(super) fn start(connection: SqliteConnection, max_group: Option<NonZeroUsize>) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let shared = Arc::<Shared>::default();
        let max_group = max_group.map_or(MAX_GROUP, NonZeroUsize::get);
        let task = Task { connection, queue, shared: Arc::clone(&shared), scrub: None, max_group };
        Self { jobs, shared, task: Mutex::new(Some(tokio::spawn(task.run()))) }
    }

    /// Writes, durably. Dropped while it waits, it is written all the same.
    pub(super) async fn write(&self, batch: Batch) -> Result<(), WriteError> {
        let (reply, answer) = oneshot::channel();
        let unavailable = || WriteError::Store(self.unavailable());
        self.health().map_err(|stopped| WriteError::Store(stopped.into()))?;
        self.jobs.send(Job::Write(batch, reply)).await.map_err(|_| unavailable())?;
        answer.await.map_err(|_| unavailable())?
    }

    pub(super) async fn scrub(&self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Scrub(reply)).await.map_err(|_| self.unavailable())?;
        answer.await.map_err(|_| self.unavailable())?
    }

    pub(super) async fn close(&self) {
        if let Some(task) = self.task.lock().await.take() {
            let _closed_already = self.jobs.send(Job::Close).await;
            let _panicked = task.await;
        }
    }

    pub(super) fn health(&self) -> Result<(), StoppedWriting> {
        self.shared.stopped.get().cloned().map_or(Ok(()), Err)
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            commits: self.shared.commits.load(Ordering::Relaxed),
            writes: self.shared.writes.load(Ordering::Relaxed),
        }
    }

    pub(super) fn fail_next(&self) {
        self.shared.fail_next.store(true, Ordering::Relaxed);
    }

    fn unavailable(&self) -> StoreError {
        self.health().err().map_or(StoreError::Unavailable, Into::into)
    }
}

struct Task {
    connection: SqliteConnection,
    queue: mpsc::Receiver<Job>,
    shared: Arc<Shared>,
    /// When the journal is to be emptied at the latest.
    scrub: Option<Instant>,
    /// The most writes that share a commit.
    max_group: usize,
}

type Write = (Batch, oneshot::Sender<Result<(), WriteError>>);

impl Task {
    async fn run(mut self) {
        let mut writes: Vec<Write> = Vec::with_capacity(self.max_group);
        while let Some(job) = self.next().await {
            let mut job = Some(job);
            let mut scrubs = Vec::new();
            let mut is_closing = false;
            // What came while the last commit ran shares the next one.
            while let Some(next) = job.take() {
                match next {
                    Job::Write(batch, reply) => writes.push((batch, reply)),
                    Job::Scrub(reply) => scrubs.push(reply),
                    Job::Close => is_closing = true,
                }
                if writes.len() < self.max_group {
                    job = self.queue.try_recv().ok();
                }
            }
            if !writes.is_empty() {
                self.write(&mut writes).await;
            }
            if !scrubs.is_empty() {
                let done = self.scrub().await;
                for reply in scrubs {
                    let _nobody_waits = reply.send(done.clone());
                }
            }
            if is_closing {
                break;
            }
        }
        self.queue.close();
        let _best_effort = self.scrub().await;
        let _best_effort = self.connection.close().await;
    }

    /// The next job; in between, the journal is emptied when it is time.
    async fn next(&mut self) -> Option<Job> {
        loop {
            let Some(latest) = self.scrub else { return self.queue.recv().await };
            let now = Instant::now();
            if now < latest {
                match timeout_at(latest.min(now + IDLE), self.queue.recv()).await {
                    Ok(job) => return job,
                    Err(_idle_or_late) => {}
                }
            }
            if self.scrub().await.is_err() {
                self.scrub = self.scrub.map(|_| Instant::now() + LATEST);
                if self.shared.stopped.get().is_some() {
                    self.scrub = None;
                }
            }
        }
    }

    /// Commits all of these at once; each by itself is done or not.
    async fn write(&mut self, writes: &mut Vec<Write>) {
        if let Some(stopped) = self.shared.stopped.get() {
            for (_, reply) in writes.drain(..) {
                let _nobody_waits = reply.send(Err(WriteError::Store(stopped.clone().into())));
            }
            return;
        }
        let deletes = writes.iter().any(|(batch, _)| batch.deletes);
        let mut done = Vec::with_capacity(writes.len());
        let committed = if self.shared.fail_next.swap(false, Ordering::Relaxed) {
            self.write_all(writes, &mut done, true).await
        } else {
            self.write_all(writes, &mut done, false).await
        };
        match committed {
            Ok(()) => {
                let acknowledged = done.iter().filter(|result| result.is_ok()).count();
                self.shared.commits.fetch_add(1, Ordering::Relaxed);
                self.shared.writes.fetch_add(acknowledged as u64, Ordering::Relaxed);
                if deletes {
                    self.scrub = self.scrub.or_else(|| Some(Instant::now() + LATEST));
                }
                for ((_, reply), result) in writes.drain(..).zip(done) {
                    let _nobody_waits = reply.send(result);
                }
            }
            Err(error) => {
                for (_, reply) in writes.drain(..) {
                    let _nobody_waits = reply.send(Err(error.clone()));
                }
            }
        }
    }

    async fn write_all(
        &mut self,
        writes: &[Write],
        done: &mut Vec<Result<(), WriteError>>,
        fails: bool,
    ) -> Result<(), WriteError> {
        if let ([(batch, _)], false) = (writes, fails) {
            let whole = batch.between("BEGIN IMMEDIATE", "COMMIT");
            match whole.run(&mut self.connection).await {
                Ok(_) => done.push(Ok(())),
                Err(error) => {
                    let error = self.judge(&error)?;
                    self.roll_back().await?;
                    done.push(Err(error));
                }
            }
            return Ok(());
        }
        self.plain("BEGIN IMMEDIATE").await?;
        for (batch, _) in writes {
            let one = batch.between("SAVEPOINT one", "RELEASE one");
            match one.run(&mut self.connection).await {
                Ok(_) => done.push(Ok(())),
                Err(error) => {
                    let error = self.judge(&error)?;
                    self.plain("ROLLBACK TO one; RELEASE one").await?;
                    done.push(Err(error));
                }
            }
        }
        if fails {
            self.stop("a failure was injected");
            let _best_effort = self.roll_back().await;
            return Err(self.stopped());
        }
        self.plain("COMMIT").await
    }

    /// Runs what can only fail where nothing can be written any more, or for a while.
    async fn plain(&mut self, statement: &str) -> Result<(), WriteError> {
        let mut batch = Batch::new();
        batch.push(statement);
        match batch.run(&mut self.connection).await {
            Ok(_) => Ok(()),
            Err(error) => {
                let error = self.judge(&error)?;
                let _best_effort = self.roll_back().await;
                Err(error)
            }
        }
    }

    async fn roll_back(&mut self) -> Result<(), WriteError> {
        let mut batch = Batch::new();
        batch.push("ROLLBACK");
        match batch.run(&mut self.connection).await {
            Ok(_) => Ok(()),
            // Where there is no transaction, it was rolled back by itself, or never began.
            Err(error) => self.judge(&error).map(|_| ()),
        }
    }

    /// What an error means for one write; `Err` where nothing is written any more.
    fn judge(&self, error: &sqlx::Error) -> Result<WriteError, WriteError> {
        let Some(database) = error.as_database_error() else {
            self.stop(&error.to_string());
            return Err(self.stopped());
        };
        let code = database.code().and_then(|code| code.parse::<u32>().ok()).unwrap_or_default();
        // <https://www.sqlite.org/rescode.html>: the low byte is the kind of error.
        match (code & 0xff, database.message()) {
            (19, "conflict") => Ok(WriteError::Conflict),
            (19, "too_many_wallets") => Ok(WriteError::TooManyWallets),
            (19, "key_in_use") => Ok(WriteError::KeyInUse),
            (19, "too_many_envelopes") => Ok(WriteError::TooManyEnvelopes),
            // Two that begin the same wallet.
            (19, _) => Ok(WriteError::Conflict),
            (BUSY | LOCKED, _) => Ok(WriteError::Store(StoreError::Unavailable)),
            // There was no transaction to end.
            (1, _) => Ok(WriteError::Store(StoreError::Damaged)),
            (_, message) => {
                self.stop(message);
                Err(self.stopped())
            }
        }
    }

    fn stop(&self, why: &str) {
        let stopped = StoppedWriting { why: why.to_owned() };
        if self.shared.stopped.set(stopped).is_ok() {
            tracing::error!(why, "the database accepts no more writes");
        }
    }

    fn stopped(&self) -> WriteError {
        WriteError::Store(
            self.shared.stopped.get().cloned().map_or(StoreError::Unavailable, Into::into),
        )
    }

    /// Writes the journal into the database and empties it, so that what was deleted is gone.
    async fn scrub(&mut self) -> Result<(), StoreError> {
        use sqlx::Row as _;
        if let Some(stopped) = self.shared.stopped.get() {
            return Err(stopped.clone().into());
        }
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&mut self.connection)
            .await
            .map_err(|error| match self.judge(&error) {
                Ok(_) => StoreError::Unavailable,
                Err(error) => error.into(),
            })?;
        let busy: i64 = row.try_get(0).map_err(|_| StoreError::Damaged)?;
        if busy != 0 {
            return Err(StoreError::Unavailable);
        }
        self.scrub = None;
        Ok(())
    }
}

const BUSY: u32 = 5;
const LOCKED: u32 = 6;
