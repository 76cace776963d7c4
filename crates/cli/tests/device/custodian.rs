//! A custodian of the test's own, over HTTP, and phones: directories that the command works on.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};
use twoshare::protocol::rules::Policy;
use twoshare_custodian::{
    Service, UserId,
    http::{HttpLimits, router, serve},
    local::DataDir,
};

use crate::command::{Output, Run, twoshare};

/// A custodian in this process, over a data directory.
pub(crate) struct Custodian {
    folder: TempDir,
    address: SocketAddr,
    running: Option<(Runtime, Service)>,
    /// What its operator decided.
    policy: Policy,
    pub(crate) identity: String,
    /// Everything that commands have printed, to be searched.
    said: Mutex<String>,
}

impl Custodian {
    pub(crate) fn start() -> Self {
        Self::start_with(Policy::default())
    }

    pub(crate) fn start_with(policy: Policy) -> Self {
        let mut custodian = Self {
            policy,
            folder: TempDir::new().unwrap(),
            address: ([127, 0, 0, 1], 0).into(),
            running: None,
            identity: String::new(),
            said: Mutex::default(),
        };
        custodian.resume();
        custodian
    }

    /// Starts again where it was.
    pub(crate) fn resume(&mut self) {
        self.resume_as(false);
    }

    /// The same, on a database that was restored from a copy.
    pub(crate) fn resume_restored(&mut self) {
        self.resume_as(true);
    }

    fn resume_as(&mut self, restored: bool) {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(1).enable_all().build().unwrap();
        let data = self.folder.path().join("custodian");
        let (address, policy) = (self.address, self.policy.clone());
        let (service, address) = runtime.block_on(async move {
            let mut config = DataDir::new(data).open().await.unwrap();
            (config.policy, config.restored) = (policy, restored);
            let service = Service::open(config).await.unwrap();
            let listener = TcpListener::bind(address).await.unwrap();
            let address = listener.local_addr().unwrap();
            let router = router(service.clone());
            let limits = HttpLimits::default();
            tokio::spawn(async move {
                serve(listener, router, &limits, std::future::pending()).await;
            });
            (service, address)
        });
        self.address = address;
        self.identity = service.identity().to_string();
        self.running = Some((runtime, service));
    }

    /// Nobody answers any more.
    pub(crate) fn stop(&mut self) {
        let (runtime, service) = self.running.take().unwrap();
        runtime.block_on(service.close());
        drop(service);
        runtime.shutdown_timeout(Duration::from_secs(5));
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What its operator does.
    pub(crate) fn operate<T>(&self, act: impl AsyncFnOnce(&Service) -> T) -> T {
        let (runtime, service) = self.running.as_ref().unwrap();
        runtime.block_on(act(service))
    }

    /// A session token of this user, in a file.
    pub(crate) fn token(&self, user: &str) -> String {
        let path = self.path(&format!("{user}.token"));
        fs::write(&path, self.new_token(user, 3600)).unwrap();
        path
    }

    pub(crate) fn new_token(&self, user: &str, seconds: u64) -> String {
        let user = UserId::new(user).unwrap();
        let session = self.operate(async |service| service.issue_session(&user, seconds).await);
        session.unwrap().token.expose_secret().to_owned()
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// A new phone of this user, pointed at this custodian.
    pub(crate) fn phone(&self, name: &str, user: &str) -> Phone<'_> {
        let phone = self.blank_phone(name);
        let (url, token) = (self.url(), self.token(user));
        let login = ["login", "--custodian", &url, "--custodian-key", &self.identity];
        phone.success(&[&login[..], &["--token-file", &token]].concat());
        phone
    }

    pub(crate) fn blank_phone(&self, name: &str) -> Phone<'_> {
        Phone { custodian: self, dir: self.folder.path().join(name), variables: Vec::new() }
    }

    /// Whether a text was printed by any command so far.
    pub(crate) fn was_said(&self, text: &str) -> bool {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).contains(text)
    }

    /// All files of the custodian and of the phones, those of its token and secrets left out.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn heard(&self, output: &Output) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.push_str(&output.stdout);
        said.push_str(&output.stderr);
    }
}

/// A directory that plays a phone.
#[derive(Clone)]
pub(crate) struct Phone<'a> {
    custodian: &'a Custodian,
    pub(crate) dir: PathBuf,
    variables: Vec<(String, String)>,
}

impl Phone<'_> {
    /// The same phone, whose commands have this variable.
    pub(crate) fn with(&self, name: &str, value: &str) -> Self {
        let mut phone = self.clone();
        phone.variables.push((name.to_owned(), value.to_owned()));
        phone
    }

    pub(crate) fn command(&self, args: &[&str]) -> Run {
        let dir = self.dir.to_str().unwrap();
        let run = twoshare(["--device", dir].into_iter().chain(args.iter().copied()));
        self.variables.iter().fold(run, |run, (name, value)| run.env(name, value))
    }

    /// Runs a command as a person does, and gives what it printed.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        let output = self.command(args).run();
        self.custodian.heard(&output);
        output
    }

    /// The answer of a command that succeeds.
    #[track_caller]
    pub(crate) fn success(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--json"]].concat());
        assert_eq!(output.code, 0, "{args:?}: {}{}", output.stdout, output.stderr);
        serde_json::from_str(&output.stdout).unwrap()
    }

    /// The same, for a command whose answer is a secret: it is not counted as said.
    #[track_caller]
    pub(crate) fn reveals(&self, args: &[&str]) -> Value {
        self.command(args).arg("--json").success()
    }

    /// The error of a command that fails with this code and exit code.
    #[track_caller]
    pub(crate) fn failure(&self, args: &[&str], code: &str, exit: i32) -> Value {
        let output = self.run(&[args, &["--json"]].concat());
        let answer: Value = serde_json::from_str(&output.stdout)
            .unwrap_or_else(|_| panic!("{args:?}: {}{}", output.stdout, output.stderr));
        let error = &answer["error"];
        assert_eq!((error["code"].as_str(), output.code), (Some(code), exit), "{args:?}: {answer}");
        error.clone()
    }

    /// Starts a command and kills it after this time, if it is still running then: whether it was
    /// killed.
    pub(crate) fn killed_after(&self, args: &[&str], time: Duration) -> bool {
        let mut command = Command::new(env!("CARGO_BIN_EXE_twoshare"));
        command.arg("--device").arg(&self.dir).args(args).arg("--json");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let started = Instant::now();
        let mut child = command.spawn().unwrap();
        while started.elapsed() < time {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        true
    }
}
