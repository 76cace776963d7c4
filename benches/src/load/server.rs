//! The handle of a server that runs in a process of its own.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    num::NonZeroUsize,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use serde::de::DeserializeOwned;
use twoshare::{
    HttpCustodian, ReqwestTransport, Timeouts, Token, core::identity::CustodianIdentity,
};

use super::{
    Failure, Load, machine,
    serve::{Listening, Order, User, Written},
    syncs::{Library, Syncs},
};

/// A server, until it is dropped.
pub(super) struct Server {
    process: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    pub(super) url: String,
    pub(super) identity: CustodianIdentity,
    transport: ReqwestTransport,
    syncs: Option<Syncs>,
    // Removed with it.
    _directory: tempfile::TempDir,
}

/// What a server has done so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Done {
    pub(super) written: Written,
    pub(super) syncs: f64,
    pub(super) sync_millis: f64,
    pub(super) processor_millis: f64,
    pub(super) disk_bytes: f64,
}

impl Server {
    /// Starts one, on an empty database.
    pub(super) fn start(load: &Load, library: Option<&Library>) -> Result<Self, Failure> {
        Self::start_with(load, library, None, Duration::ZERO)
    }

    /// The same, with at most so many writes in a commit, on a disk that takes at least so long to
    /// synchronise.
    pub(super) fn start_with(
        load: &Load,
        library: Option<&Library>,
        group: Option<NonZeroUsize>,
        disk: Duration,
    ) -> Result<Self, Failure> {
        let directory = tempfile::tempdir_in(&load.directory)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve").arg(directory.path());
        command.args(group.map(|group| group.to_string()));
        let name = directory.path().file_name().and_then(|name| name.to_str()).unwrap_or("syncs");
        let syncs = library.map(|library| library.count(&mut command, name, disk)).transpose()?;
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let orders = process.stdin.take();
        let mut answers = BufReader::new(process.stdout.take().ok_or("no output")?);
        let Listening { url, identity } = read(&mut answers)?;
        Ok(Self {
            process,
            orders,
            answers,
            identity: identity.parse()?,
            transport: ReqwestTransport::new(&url, Timeouts::default())?,
            url,
            syncs,
            _directory: directory,
        })
    }

    /// So many new users.
    pub(super) fn users(&mut self, count: usize) -> Result<Vec<User>, Failure> {
        self.order(&Order::Users(count))
    }

    /// The custodian as this user reaches it. All share their connections.
    pub(super) fn custodian(&self, user: &User) -> Result<HttpCustodian, Failure> {
        let token = Token::new(user.token.clone())?;
        let builder = HttpCustodian::builder(&self.url, token);
        Ok(builder.transport(self.transport.clone()).build()?)
    }

    pub(super) fn done(&mut self) -> Result<Done, Failure> {
        let written = self.order(&Order::Counts)?;
        let process = self.process.id();
        let counted = self.syncs.as_ref().and_then(Syncs::read);
        let time = machine::processor_time(process);
        Ok(Done {
            written,
            syncs: counted.map_or(f64::NAN, |counted| counted.calls as f64),
            sync_millis: counted.map_or(f64::NAN, |counted| counted.millis),
            processor_millis: time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3),
            disk_bytes: machine::written(process).map_or(f64::NAN, |bytes| bytes as f64),
        })
    }

    /// The memory that it holds now, in MiB.
    pub(super) fn resident(&self) -> f64 {
        machine::resident(self.process.id()).unwrap_or(f64::NAN)
    }

    fn order<T: DeserializeOwned>(&mut self, order: &Order) -> Result<T, Failure> {
        let orders = self.orders.as_mut().ok_or("no input")?;
        serde_json::to_writer(&mut *orders, order)?;
        orders.write_all(b"\n")?;
        orders.flush()?;
        read(&mut self.answers)
    }
}

fn read<T: DeserializeOwned>(from: &mut BufReader<ChildStdout>) -> Result<T, Failure> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    Ok(serde_json::from_str(&line).map_err(|_| "the server did not start, or has ended")?)
}

impl Done {
    /// What was done since.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            written: Written {
                commits: self.written.commits.saturating_sub(before.written.commits),
                writes: self.written.writes.saturating_sub(before.written.writes),
            },
            syncs: self.syncs - before.syncs,
            sync_millis: self.sync_millis - before.sync_millis,
            processor_millis: self.processor_millis - before.processor_millis,
            disk_bytes: self.disk_bytes - before.disk_bytes,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.orders.take());
        let _ended = self.process.wait();
    }
}
