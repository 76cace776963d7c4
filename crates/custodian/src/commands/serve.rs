//! The server.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    net::{IpAddr, SocketAddr},
    panic,
    path::{Path, PathBuf},
    time::Instant,
};

use clap::Args;
use serde::Deserialize;
use serde_json::json;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};
use tracing_subscriber::{EnvFilter, Layer as _, filter::filter_fn, layer::SubscriberExt as _};
use twoshare_custodian::{
    Service,
    http::{HttpLimits, Serving, router_with, serve},
    local::DataDir,
};
use twoshare_protocol::rules::Policy;

use crate::answer::{Answer, Failure, line};

/// The longest file of defaults, in bytes.
const MAX_CONFIG: u64 = 64 * 1024;

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where everything is kept; made on the first start.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where to listen, such as 127.0.0.1:8420; a port of 0 is any free one. The server speaks
    /// HTTP: put a proxy with TLS in front of it.
    #[arg(long, value_name = "ADDR")]
    listen: String,
    /// The database was restored from a copy: every wallet waits for an approved recovery. Once:
    /// not at the next start.
    #[arg(long)]
    restored: bool,
    /// A JSON file with defaults for the options below, named in snake case.
    #[arg(long, value_name = "F")]
    config: Option<PathBuf>,
    /// What is logged, to standard error: error, warn, info, debug or trace.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log: String,
    #[command(flatten)]
    options: Options,
}

/// What the operator decides. Times such as 15m, 72h or 30days.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// How long a pending epoch waits for its commit. [15m]
    #[arg(long, value_name = "TIME")]
    pending: Option<String>,
    /// How long a replaced backup can be restored. [72h]
    #[arg(long, value_name = "TIME")]
    grace: Option<String>,
    /// How long a recovery or a conversion waits, so that its owner can object. [none]
    #[arg(long, value_name = "TIME")]
    recovery_wait: Option<String>,
    /// How long an eject waits. [none]
    #[arg(long, value_name = "TIME")]
    eject_wait: Option<String>,
    /// How long a request that has waited may still be used. [72h]
    #[arg(long, value_name = "TIME")]
    request_validity: Option<String>,
    /// How old a copy of the database may be restored. [30days]
    #[arg(long, value_name = "TIME")]
    restore_window: Option<String>,
    /// A proxy whose X-Forwarded-For is believed; may be repeated. This machine is always one.
    #[arg(long = "proxy", value_name = "IP")]
    proxies: Vec<IpAddr>,
    /// Requests a second from one address, 0 for no limit. [500]
    #[arg(long, value_name = "N")]
    address_rate: Option<u32>,
    /// Requests a second of one user, 0 for no limit. [100]
    #[arg(long, value_name = "N")]
    user_rate: Option<u32>,
    /// Operations that a user may begin in a second, over time, 0 for no limit. [20]
    #[arg(long, value_name = "N")]
    begin_rate: Option<u32>,
}

impl Options {
    /// These, and the defaults where they say nothing.
    fn or(self, defaults: Self) -> Self {
        Self {
            pending: self.pending.or(defaults.pending),
            grace: self.grace.or(defaults.grace),
            recovery_wait: self.recovery_wait.or(defaults.recovery_wait),
            eject_wait: self.eject_wait.or(defaults.eject_wait),
            request_validity: self.request_validity.or(defaults.request_validity),
            restore_window: self.restore_window.or(defaults.restore_window),
            proxies: [self.proxies, defaults.proxies].concat(),
            address_rate: self.address_rate.or(defaults.address_rate),
            user_rate: self.user_rate.or(defaults.user_rate),
            begin_rate: self.begin_rate.or(defaults.begin_rate),
        }
    }

    fn policy(&self) -> Result<Policy, Failure> {
        let default = Policy::default();
        Ok(Policy {
            pending: seconds("pending", self.pending.as_deref(), default.pending)?,
            grace: seconds("grace", self.grace.as_deref(), default.grace)?,
            recovery_wait: seconds(
                "recovery_wait",
                self.recovery_wait.as_deref(),
                default.recovery_wait,
            )?,
            eject_wait: seconds("eject_wait", self.eject_wait.as_deref(), default.eject_wait)?,
            request_validity: seconds(
                "request_validity",
                self.request_validity.as_deref(),
                default.request_validity,
            )?,
            restore_window: seconds(
                "restore_window",
                self.restore_window.as_deref(),
                default.restore_window,
            )?,
        })
    }

    fn limits(&self) -> HttpLimits {
        let mut limits = HttpLimits { proxies: self.proxies.clone(), ..HttpLimits::default() };
        if let Some(rate) = self.address_rate {
            limits.address.per_second = rate;
        }
        if let Some(rate) = self.user_rate {
            limits.user.per_second = rate;
        }
        limits
    }
}

fn seconds(name: &str, text: Option<&str>, default: u64) -> Result<u64, Failure> {
    let Some(text) = text else { return Ok(default) };
    let parsed = humantime::parse_duration(text).map(|time| time.as_secs());
    parsed.map_err(|_| Failure::misuse(name, format!("{name}: {text} is no time, such as 72h")))
}

impl Serve {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let began = Instant::now();
        let Self { data, listen, restored, config, log, options } = self;
        start_log(&log)?;
        quiet_panics();
        let options = match config {
            Some(path) => options.or(read_config(&path)?),
            None => options,
        };
        let (policy, limits) = (options.policy()?, options.limits());
        // Before anything else, so that none is missed.
        let stop = Stop::new()?;

        let dir = DataDir::new(&data);
        let lock = lock(&dir)?;
        let mut config = dir.open().await?;
        config.policy = policy;
        config.restored = restored;
        if let Some(rate) = options.begin_rate {
            config.limits = config.limits.with_begin_rate(rate);
        }
        let service = Service::open(config).await?;
        let cannot = |error: io::Error| {
            Failure::because("cannot_listen", &format!("cannot listen on {listen}"), &error)
                .with("address", listen.clone())
        };
        let listener = TcpListener::bind(&listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        announce(address, &service, &data, began)?;

        let router = router_with(service.clone(), limits.clone());
        let ended = serve(listener, router, &limits, stop.asked()).await;
        service.close().await;
        tracing::info!(target: "twoshare_custodian", drained = ended == Serving::Drained, "stopped");
        drop(lock);
        Ok(Answer::printed())
    }
}

/// Says that requests are answered from now on.
fn announce(
    address: SocketAddr,
    service: &Service,
    data: &Path,
    began: Instant,
) -> Result<(), Failure> {
    let ready = json!({
        "listening": format!("http://{address}"),
        "identity": service.identity().to_string(),
        "data": data.display().to_string(),
        "started_in_ms": u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    });
    line(&mut io::stdout(), &ready.to_string())
        .map_err(|error| Failure::because("output", "cannot print", &error))
}

/// Makes sure that no other process serves this directory, as long as the file is open: also when
/// this one is killed, the system lets go of it.
fn lock(dir: &DataDir) -> Result<File, Failure> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
    let path = dir.path().join("serve.lock");
    let failed = |error: io::Error| {
        Failure::because("file", &format!("cannot use {}", path.display()), &error)
            .with("path", path.display().to_string())
    };
    if !dir.path().exists() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir.path()).map_err(failed)?;
    }
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).mode(0o600).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let at = dir.path().display().to_string();
            let message = format!("{at} is being served by another process");
            Err(Failure::new("already_serving", message).with("path", at))
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

fn read_config(path: &Path) -> Result<Options, Failure> {
    let at = path.display();
    let failed = |error: &dyn std::error::Error| {
        Failure::because("config", &format!("cannot use {at}"), error)
    };
    let length = fs::metadata(path).map_err(|error| failed(&error))?.len();
    if length > MAX_CONFIG {
        return Err(Failure::new("config", format!("{at} is longer than {MAX_CONFIG} bytes")));
    }
    let bytes = fs::read(path).map_err(|error| failed(&error))?;
    serde_json::from_slice(&bytes).map_err(|error| failed(&error))
}

/// Logs our own lines only, at whatever level: those of the libraries below may quote what they
/// carry.
fn start_log(level: &str) -> Result<(), Failure> {
    let level: tracing::level_filters::LevelFilter =
        level.parse().map_err(|_| Failure::misuse("log", "error, warn, info, debug or trace"))?;
    let ours = filter_fn(|metadata| metadata.target().starts_with("twoshare"));
    let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(io::stderr);
    let subscriber = tracing_subscriber::registry()
        .with(EnvFilter::default().add_directive(level.into()))
        .with(layer.with_filter(ours));
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|error| Failure::because("log", "cannot log", &error))
}

/// Logs where a panic was, and not what it said: that may quote what it was about.
fn quiet_panics() {
    panic::set_hook(Box::new(|info| {
        let location = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(target: "twoshare_custodian", location, "panic");
    }));
}

/// Somebody wants the server to stop.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::because("signal", "cannot hear signals", &error))
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Returns at the first signal. A second one ends the process at once: nothing that was
    /// acknowledged is lost.
    async fn asked(mut self) {
        self.next().await;
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(1);
        });
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
