//! The commands, one module each.

mod adopt;
mod backup;
mod operator;
mod pages;
mod remote;
mod serve;

use std::{
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use clap::{Args, Subcommand};
use twoshare_custodian::{Service, local::DataDir};

use crate::answer::{Answer, Failure};

use remote::Remote;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the server; the first start makes everything it needs.
    Serve(serve::Serve),
    /// Print a session token for one user, as the app's backend asks for it.
    Session(operator::Session),
    /// Let the key of a wallet be released for some time.
    EjectWindow(operator::EjectWindow),
    /// Let a wallet stand still.
    Freeze(operator::Freeze),
    /// Let a wallet go on; a dispute in somebody's favour.
    Unfreeze(operator::Unfreeze),
    /// Take over the custodian's half of an MPC wallet that existed before.
    Adopt(adopt::Adopt),
    /// Let one recovery go on after the database was restored.
    Approve(operator::Approve),
    /// The recoveries and ejects that wait.
    #[command(subcommand)]
    Requests(operator::Requests),
    /// Name a custodian that wallets may be moved to, list them, or take one back.
    TrustCustodian(operator::TrustCustodian),
    /// Print the audit log, one JSON line per event.
    Audit(operator::Audit),
    /// Remove everything of a user but the audit log.
    DeleteUser(operator::DeleteUser),
    /// Copy the database while it is in use. The master key is not copied.
    Backup(backup::Backup),
    /// Print a shell's completions for this command.
    Completions(pages::Completions),
    /// Write the manual pages of this command.
    Man(pages::Man),
}

impl Command {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        let runtime = match &self {
            Self::Serve(_) => tokio::runtime::Builder::new_multi_thread().enable_all().build(),
            _ => tokio::runtime::Builder::new_current_thread().enable_all().build(),
        };
        let runtime = runtime.map_err(|error| {
            Failure::because("runtime", "the process may not start threads", &error)
        })?;
        runtime.block_on(async {
            match self {
                Self::Serve(serve) => serve.run().await,
                Self::Session(session) => session.run().await,
                Self::EjectWindow(window) => window.run().await,
                Self::Freeze(freeze) => freeze.run().await,
                Self::Unfreeze(unfreeze) => unfreeze.run().await,
                Self::Adopt(adopt) => adopt.run().await,
                Self::Approve(approve) => approve.run().await,
                Self::Requests(requests) => requests.run().await,
                Self::TrustCustodian(trust) => trust.run().await,
                Self::Audit(audit) => audit.run().await,
                Self::DeleteUser(delete) => delete.run().await,
                Self::Backup(backup) => backup.run().await,
                Self::Completions(completions) => completions.run(),
                Self::Man(man) => man.run(),
            }
        })
    }
}

/// Where the custodian is: its directory, also while it is being served, or its address.
#[derive(Debug, Args)]
#[group(skip)]
pub(crate) struct At {
    /// The custodian's data directory.
    #[arg(long, value_name = "DIR", required_unless_present = "custodian")]
    data: Option<PathBuf>,
    /// The custodian's address, instead of its directory.
    #[arg(long, value_name = "URL", conflicts_with = "data", requires = "operator_key_file")]
    custodian: Option<String>,
    /// The operator's key, for a custodian at an address; `-` for standard input.
    #[arg(long, value_name = "F", requires = "custodian")]
    operator_key_file: Option<PathBuf>,
}

/// A custodian within reach.
enum Reached {
    Here(Service),
    There(Remote),
}

impl At {
    async fn reach(self) -> Result<Reached, Failure> {
        match self {
            Self { data: Some(data), .. } => Ok(Reached::Here(open(&existing(data)?).await?)),
            Self { custodian: Some(url), operator_key_file: Some(key), .. } => {
                Ok(Reached::There(Remote::new(&url, &key)?))
            }
            _ => Err(Failure::misuse("usage", "--data, or --custodian and --operator-key-file")),
        }
    }
}

/// A data directory that a server has made.
fn existing(data: PathBuf) -> Result<DataDir, Failure> {
    let dir = DataDir::new(data);
    match dir.database().is_file() {
        true => Ok(dir),
        false => {
            let path = dir.path().display().to_string();
            let message = format!("{path} has no custodian: `serve` makes one");
            Err(Failure::new("no_custodian", message).with("path", path))
        }
    }
}

async fn open(dir: &DataDir) -> Result<Service, Failure> {
    Ok(Service::open(dir.open().await?).await?)
}

/// A time for people, and for programs: RFC 3339.
fn rfc3339(seconds: u64) -> String {
    match UNIX_EPOCH.checked_add(Duration::from_secs(seconds)) {
        Some(time) if time <= SystemTime::now() + Duration::from_secs(u64::from(u32::MAX)) => {
            humantime::format_rfc3339_seconds(time).to_string()
        }
        // Past what a calendar shows.
        _ => "never".to_owned(),
    }
}
