//! A server in a process of its own: this program again, which does what it reads.

use std::{
    io::{self, BufRead as _, Write as _},
    num::NonZeroUsize,
    path::Path,
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot};
use twoshare_custodian::{
    Config, Limits, Service, SystemClock, UserId,
    http::{HttpLimits, Rate, router_with},
    kms::LocalKms,
    sqlite::{SqliteOptions, SqliteRepository},
};
use twoshare_protocol::rules::Policy;

use super::Failure;

/// How long a token is good for, in seconds.
const TTL: u64 = 24 * 60 * 60;

/// What is asked of a server, a line each.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// Tokens for so many new users.
    Users(usize),
    /// What its writer has done.
    Counts,
}

/// The first line of a server.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Listening {
    pub(super) url: String,
    pub(super) identity: String,
}

/// A user with a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) token: String,
}

/// What the writer has done so far.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Written {
    pub(super) commits: u64,
    pub(super) writes: u64,
}

/// Serves from a database in this directory until its input ends. At most `group` writes share a
/// commit, or as many as ever do.
///
/// # Errors
///
/// Whatever went wrong.
pub fn serve(directory: &Path, group: Option<NonZeroUsize>) -> Result<(), Failure> {
    let runtime = Runtime::new()?;
    let (repository, service) = runtime.block_on(open(directory, group))?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let url = format!("http://{}", listener.local_addr()?);
    say(&Listening { url, identity: service.identity().to_string() })?;

    // One machine is all the users here.
    let (user, address) = (Rate::UNLIMITED, Rate::UNLIMITED);
    let limits = HttpLimits { user, address, ..HttpLimits::default() };
    let router = router_with(service.clone(), limits.clone());
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = runtime.spawn(async move {
        let stop = async { drop(stopped.await) };
        twoshare_custodian::http::serve(listener, router, &limits, stop).await
    });
    let mut known = 0;
    for line in io::stdin().lock().lines() {
        match serde_json::from_str(&line?)? {
            Order::Users(count) => {
                say(&runtime.block_on(users(&service, known, count))?)?;
                known += count;
            }
            Order::Counts => {
                let counts = repository.counts();
                say(&Written { commits: counts.commits, writes: counts.writes })?;
            }
        }
    }
    drop(stop);
    runtime.block_on(serving)?;
    runtime.block_on(service.close());
    Ok(())
}

async fn open(
    directory: &Path,
    max_group: Option<NonZeroUsize>,
) -> Result<(Arc<SqliteRepository>, Service), Failure> {
    let options = SqliteOptions { max_group, ..SqliteOptions::default() };
    let repository = SqliteRepository::open_with(directory.join("custodian.db"), options).await?;
    let repository = Arc::new(repository);
    let config = Config {
        repository: Arc::<SqliteRepository>::clone(&repository),
        kms: Arc::new(LocalKms::make(&mut rand::rng())),
        authenticator: None,
        signing_shares: None,
        clock: Arc::new(SystemClock),
        policy: Policy::default(),
        limits: Limits::default(),
        restored: false,
    };
    Ok((repository, Service::open(config).await?))
}

async fn users(service: &Service, known: usize, count: usize) -> Result<Vec<User>, Failure> {
    let mut all = tokio::task::JoinSet::new();
    for number in known..known + count {
        let service = service.clone();
        all.spawn(async move {
            let name = format!("user {number}");
            let session = service.issue_session(&UserId::new(&name)?, TTL).await?;
            // Exposed: to the process that started this one, over a pipe.
            let token = session.token.expose_secret().to_owned();
            Ok::<_, Failure>(User { name, token })
        });
    }
    all.join_all().await.into_iter().collect()
}

fn say(what: &impl Serialize) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, what)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}
