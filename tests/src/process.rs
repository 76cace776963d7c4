//! The real commands, as processes: started, spoken to in JSON, killed.

#![allow(clippy::indexing_slicing, reason = "a JSON object without the member gives null")]

use std::{
    env,
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// Longer than any command of a test takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Set by whoever has just built the whole workspace: the commands are not built again, with other
/// features of their dependencies.
const AS_BUILT: &str = "TWOSHARE_COMMANDS_AS_BUILT";

/// Where the two commands are.
#[derive(Debug)]
pub struct Commands {
    /// The user's side.
    pub twoshare: PathBuf,
    /// The server and its operator.
    pub custodian: PathBuf,
}

impl Commands {
    /// The commands as the code is now, built beside the running test.
    ///
    /// # Panics
    ///
    /// They do not build.
    pub fn built() -> &'static Self {
        static BUILT: OnceLock<Commands> = OnceLock::new();
        BUILT.get_or_init(|| {
            let folder = folder();
            if env::var_os(AS_BUILT).is_none() {
                build(&folder);
            }
            let named = |name: &str| folder.join(name).with_extension(env::consts::EXE_EXTENSION);
            Self { twoshare: named("twoshare"), custodian: named("twoshare-custodian") }
        })
    }
}

/// Builds the commands into this folder.
fn build(folder: &Path) {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--all-features", "--manifest-path"]).arg(manifest);
    build.args(["--package", "twoshare-cli", "--package", "twoshare-custodian"]);
    if folder.ends_with("release") {
        build.arg("--release");
    }
    let built = build.status().expect("cargo runs");
    assert!(built.success(), "the commands do not build");
}

/// The folder of the running profile's programs.
fn folder() -> PathBuf {
    let running = env::current_exe().expect("the running program has a path");
    let folder = running.parent().expect("it is in a folder");
    let is_test = folder.ends_with("deps");
    let folder = if is_test { folder.parent().expect("deps is in a folder") } else { folder };
    folder.to_owned()
}

/// What became of a command.
#[derive(Debug)]
pub enum Ended {
    /// It exited with 0 and answered this object.
    Done(Value),
    /// It exited otherwise, with this error object and exit code.
    Failed(Value, i32),
    /// It was killed before it ended.
    Killed,
}

impl Ended {
    /// The answer.
    ///
    /// # Panics
    ///
    /// There is none.
    #[track_caller]
    pub fn done(self) -> Value {
        match self {
            Self::Done(answer) => answer,
            other => panic!("not done: {other:?}"),
        }
    }

    /// The error's code.
    ///
    /// # Panics
    ///
    /// It did not fail.
    #[track_caller]
    pub fn code(self) -> String {
        match self {
            Self::Failed(error, _) => error["code"].as_str().expect("a code").to_owned(),
            other => panic!("did not fail: {other:?}"),
        }
    }
}

/// Runs a command with `--json` to its end, or kills it when the time is over.
///
/// # Panics
///
/// It cannot be started, hangs, or answers something that is not JSON.
pub fn run(command: &mut Command, kill_after: Option<Duration>) -> Ended {
    command.arg("--json").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command.spawn().expect("the command starts");
    loop {
        if child.try_wait().expect("a child can be waited for").is_some() {
            let output = child.wait_with_output().expect("its output can be read");
            return answer(command, &output);
        }
        if kill_after.is_some_and(|after| started.elapsed() >= after) {
            child.kill().expect("a child can be killed");
            child.wait().expect("a killed child ends");
            return Ended::Killed;
        }
        assert!(started.elapsed() < PATIENCE, "{command:?} hangs");
        thread::sleep(Duration::from_millis(1));
    }
}

fn answer(command: &Command, output: &Output) -> Ended {
    let text = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    let answer: Value = serde_json::from_str(text.trim())
        .unwrap_or_else(|_| panic!("{command:?} answered {text:?}\n{said}"));
    match output.status.code() {
        Some(0) => Ended::Done(answer),
        Some(code) => Ended::Failed(answer["error"].clone(), code),
        None => panic!("{command:?} was killed by somebody else\n{said}"),
    }
}

/// A custodian's process over a data directory.
#[derive(Debug)]
pub struct Server {
    data: PathBuf,
    listen: String,
    log: PathBuf,
    more: Vec<String>,
    environment: Vec<(OsString, OsString)>,
    child: Child,
    /// Where it listens: the same after every start.
    pub url: String,
    /// Its identity key, as text.
    pub identity: String,
}

impl Server {
    /// Starts one on a free port, with more arguments after those that are needed.
    ///
    /// # Panics
    ///
    /// It does not become ready.
    pub fn start(data: &Path, more: &[&str]) -> Self {
        Self::start_on(data, more, Vec::new())
    }

    /// The same, with these variables in its environment.
    ///
    /// # Panics
    ///
    /// It does not become ready.
    pub fn start_on(data: &Path, more: &[&str], environment: Vec<(OsString, OsString)>) -> Self {
        let more: Vec<String> = more.iter().map(|&arg| arg.to_owned()).collect();
        let log = data.with_extension("log");
        let (child, url, identity) = serve(data, "127.0.0.1:0", &more, &environment, &log);
        let listen = url.trim_start_matches("http://").to_owned();
        let data = data.to_owned();
        Self { data, listen, log, more, environment, child, url, identity }
    }

    /// Kills it as a power cut would.
    ///
    /// # Panics
    ///
    /// It cannot be killed.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a killed child ends");
    }

    /// Starts it again where it was, with more arguments for this time.
    ///
    /// # Panics
    ///
    /// It does not become ready, or has become another.
    pub fn restart(&mut self, more: &[&str]) {
        let more = self.more.iter().cloned().chain(more.iter().map(|&arg| arg.to_owned()));
        let more: Vec<String> = more.collect();
        let (child, url, identity) =
            serve(&self.data, &self.listen, &more, &self.environment, &self.log);
        self.child = child;
        assert_eq!((&url, &identity), (&self.url, &self.identity), "another custodian started");
    }

    /// The process, as the system numbers it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has logged.
    ///
    /// # Panics
    ///
    /// The log cannot be read.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).expect("the log can be read")).into_owned()
    }

    /// What it answers to anybody who asks for this path: the status and the body.
    ///
    /// # Panics
    ///
    /// It does not answer.
    #[must_use]
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.listen).expect("it listens");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.listen)
            .expect("it can be asked");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers in text");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("a status"), body.to_owned())
    }

    /// Asks the operator's side of the command, over the data directory.
    pub fn operate(&self, args: &[&str]) -> Ended {
        let mut command = Command::new(&Commands::built().custodian);
        command.args(args).arg("--data").arg(&self.data);
        run(&mut command, None)
    }

    /// A session token for this user, in a file of this folder.
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn session(&self, user: &str, folder: &Path) -> PathBuf {
        let answer = self.operate(&["session", "--user", user]).done();
        let token = folder.join(format!("{user}.token"));
        fs::write(&token, answer["token"].as_str().expect("a token")).expect("written");
        token
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(
    data: &Path,
    listen: &str,
    more: &[String],
    environment: &[(OsString, OsString)],
    log: &Path,
) -> (Child, String, String) {
    let log = fs::OpenOptions::new().create(true).append(true).open(log).expect("a log");
    let mut command = Command::new(&Commands::built().custodian);
    command.arg("serve").arg("--data").arg(data).args(["--listen", listen]).args(more);
    command.env("RUST_LOG", "trace").envs(environment.iter().cloned());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    let mut child = command.spawn().expect("the custodian starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("it is piped");
    BufReader::new(stdout).read_line(&mut line).expect("it says when it is ready");
    let ready: Value = serde_json::from_str(&line)
        .unwrap_or_else(|_| panic!("the custodian is not ready: {line:?}"));
    let text = |name: &str| ready[name].as_str().expect("a text").to_owned();
    (child, text("listening"), text("identity"))
}

/// A phone: a directory that the user's command works on.
#[derive(Debug, Clone)]
pub struct Phone {
    /// The directory.
    pub dir: PathBuf,
}

impl Phone {
    /// The command on this phone, with these arguments.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&Commands::built().twoshare);
        command.arg("--device").arg(&self.dir).args(args);
        command
    }

    /// Runs the command on this phone.
    pub fn run(&self, args: &[&str]) -> Ended {
        run(&mut self.command(args), None)
    }

    /// A new phone, pointed at a custodian.
    ///
    /// # Panics
    ///
    /// It cannot log in.
    #[must_use]
    pub fn new(dir: &Path, server: &Server, token: &Path) -> Self {
        let phone = Self { dir: dir.to_owned() };
        let token = token.to_str().expect("the paths of a test are text");
        let key = &server.identity;
        let login = ["login", "--custodian", &server.url, "--custodian-key", key];
        phone.run(&[&login[..], &["--token-file", token]].concat()).done();
        phone
    }
}
