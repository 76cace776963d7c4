//! The command, as a process of its own.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use twoshare::{HttpCustodian, Retry, Token};
use twoshare_core::{
    curve::AnySigningKey,
    id::{CurveId, Epoch, Purpose, Sharing, WalletId},
    identity::CustodianIdentity,
    proof::Operation,
    share::KeyId,
};
use twoshare_protocol::{
    Custodian as _, Nonce,
    conformance::device::{Device, Failure, With},
    custodian::{PrepareError, ReadError},
    rules::PrepareRefusal,
};

const USER: &str = "alice@example.org";

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_twoshare-custodian"));
    command.args(args).stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// The one object that a command with `--json` answers.
#[track_caller]
fn success(args: &[&str]) -> Value {
    let output = run(&[args, &["--json"]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The error of a command with `--json`, and its exit code. One that goes on for ever is ended.
#[track_caller]
fn failure(args: &[&str]) -> (i32, Value) {
    let mut child = command(&[args, &["--json"]].concat());
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() {
        if Instant::now() > deadline {
            child.kill().unwrap();
            panic!("it goes on: {args:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let mut answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let error = answer["error"].take();
    assert!(error["message"].is_string(), "{error}");
    (output.status.code().unwrap(), error)
}

/// A served directory.
struct Served {
    child: Child,
    stdout: BufReader<ChildStdout>,
    ready: Value,
    log: PathBuf,
}

impl Served {
    fn start(data: &Path, more: &[&str]) -> Self {
        let log = data.with_extension("log");
        let data = data.to_str().unwrap();
        let args = [&["serve", "--data", data, "--listen", "127.0.0.1:0"], more].concat();
        let stderr = fs::File::options().create(true).append(true).open(&log).unwrap();
        let mut child = command(&args).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let log_text = || fs::read_to_string(&log).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{}", log_text()));
        Self { child, stdout, ready, log }
    }

    fn url(&self) -> &str {
        self.ready["listening"].as_str().unwrap()
    }

    fn identity(&self) -> CustodianIdentity {
        self.ready["identity"].as_str().unwrap().parse().unwrap()
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// Stops it as an operator does; what it printed after the first line.
    fn stop(mut self) -> String {
        self.signal("-TERM");
        let status = self.child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{}", fs::read_to_string(&self.log).unwrap());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        rest
    }

    fn user(&self, token: &str) -> HttpCustodian {
        let token = Token::new(token).unwrap();
        let builder = HttpCustodian::builder(self.url(), token).retry(Retry::NEVER);
        builder.build().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // Stopped already, where the test got that far.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Place {
    _dir: TempDir,
    data: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        Self { data: dir.path().join("data"), _dir: dir }
    }

    fn text(&self) -> &str {
        self.data.to_str().unwrap()
    }

    fn session(&self) -> String {
        let answer = success(&["session", "--data", self.text(), "--user", USER]);
        answer["token"].as_str().unwrap().to_owned()
    }
}

fn runtime() -> Runtime {
    Runtime::new().unwrap()
}

/// An MPC wallet at this custodian, backed up.
fn backed_up(served: &Served, token: &str, runtime: &Runtime) -> Device<HttpCustodian> {
    let user = served.user(token);
    runtime.block_on(async {
        let keygen = Device::keygen(user, served.identity(), USER, &[CurveId::Secp256k1]);
        let mut device = keygen.await.unwrap();
        device.run(Operation::FirstBackup, With::Device).await.unwrap();
        device
    })
}

#[test]
fn it_starts_stops_and_is_itself_again() {
    let place = Place::new();
    let served = Served::start(&place.data, &[]);
    assert!(served.url().starts_with("http://127.0.0.1:"));
    assert_eq!(served.ready["data"], place.text());
    let identity = served.identity();
    let ms = served.ready["started_in_ms"].as_u64().unwrap();
    println!("started in {ms} ms");
    assert!(ms < 10_000);

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.data), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&place.data).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    for name in ["custodian.db", "master.key", "operator.key", "serve.lock"] {
        assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
    }
    assert_eq!(served.stop(), "", "one line, and no more");

    let again = Served::start(&place.data, &[]);
    assert_eq!(again.identity(), identity);
    again.stop();
}

#[test]
fn one_process_serves_a_directory() {
    let place = Place::new();
    let mut served = Served::start(&place.data, &[]);
    let args = ["serve", "--data", place.text(), "--listen", "127.0.0.1:0"];
    let (exit, error) = failure(&args);
    assert_eq!((exit, &error["code"]), (1, &"already_serving".into()));
    // Killed, it leaves nothing that is in the way.
    served.child.kill().unwrap();
    served.child.wait().unwrap();
    Served::start(&place.data, &[]).stop();
}

#[test]
fn what_cannot_be_done_is_said_with_a_code() {
    let place = Place::new();
    let text = place.text();
    for (args, exit, code) in [
        (&["session", "--user", USER][..], 2, "usage"),
        (&["session", "--data", text, "--user", ""], 2, "usage"),
        (&["session", "--data", text, "--user", USER], 1, "no_custodian"),
        (&["freeze", "--data", text, "--user", USER, "--wallet", "nonsense"], 2, "usage"),
        (&["requests", "cancel", "--data", text, "nonsense"], 2, "usage"),
        (&["serve", "--data", text, "--listen", "nonsense"], 1, "cannot_listen"),
        (&["serve", "--data", text, "--listen", "127.0.0.1:0", "--grace", "soon"], 2, "grace"),
    ] {
        let (found, error) = failure(args);
        assert_eq!((found, &error["code"]), (exit, &code.into()), "{args:?}");
    }
    let key = place.data.with_extension("key");
    fs::write(&key, "0".repeat(64)).unwrap();
    let key = key.to_str().unwrap();
    let away = |url| failure(&["audit", "--custodian", url, "--operator-key-file", key]);
    assert_eq!(away("http://127.0.0.1:1").1["code"], "unavailable");
    assert_eq!(away("http://custodian.example").1["code"], "plain");
    let served = Served::start(&place.data, &[]);
    assert_eq!(away(served.url()).1["code"], "unauthenticated");
    let wallet = "00000-00000-00000-00000-00000-0";
    let args = ["freeze", "--data", text, "--user", USER, "--wallet", wallet];
    let (exit, error) = failure(&args);
    assert_eq!((exit, &error["code"]), (1, &"not_found".into()));
}

/// The half of a wallet that existed before, from files, beside a running server.
#[test]
fn a_wallet_that_existed_before_is_adopted_from_files() {
    let (place, runtime) = (Place::new(), runtime());
    let served = Served::start(&place.data, &[]);
    let token = place.session();
    let sharing = Sharing {
        wallet: WalletId::make(&mut rand::rng()),
        purpose: Purpose::Signing,
        epoch: Epoch::FIRST,
    };
    let (mut mine, mut files) = (Vec::new(), Vec::new());
    for (index, curve) in [(0, CurveId::Secp256k1), (1, CurveId::Ed25519)] {
        let key = AnySigningKey::make(curve, &mut rand::rng());
        let (client, custodian) = key.split(KeyId { sharing, index }, &mut rand::rng());
        let bytes = custodian.to_bytes();
        let path = place.data.with_extension(format!("share-{index}"));
        // One raw, one as text.
        match index {
            0 => fs::write(&path, bytes.expose_secret()).unwrap(),
            _ => fs::write(&path, hex::encode(bytes.expose_secret()) + "\n").unwrap(),
        }
        files.push(path.to_str().unwrap().to_owned());
        mine.push(client);
    }
    let here = ["adopt", "--data", place.text(), "--user", USER];
    let turned = [&here[..], &["--share-file", &files[1], "--share-file", &files[0]]].concat();
    let (exit, error) = failure(&turned);
    assert_eq!((exit, &error["code"], &error["found"]), (1, &"out_of_order".into(), &1.into()));
    let (exit, error) = failure(&[&here[..], &["--share-file", place.text()]].concat());
    assert_eq!((exit, &error["code"]), (1, &"file".into()));
    let key = place.data.join("operator.key");
    let (exit, error) = failure(&[&here[..], &["--share-file", key.to_str().unwrap()]].concat());
    assert_eq!((exit, &error["code"]), (1, &"share".into()));
    assert_eq!(failure(&here).0, 2, "a share is needed");

    let args = [&here[..], &["--share-file", &files[0], "--share-file", &files[1]]].concat();
    let answer = success(&args);
    assert_eq!(answer["wallet"], sharing.wallet.to_string());
    assert_eq!((&answer["epoch"], &answer["new"]), (&1.into(), &true.into()));
    assert_eq!(answer["keys"][1]["curve"], "ed25519");
    assert_eq!(success(&args)["new"], false);

    let identity = served.identity();
    let mut device = Device::adopted(served.user(&token), identity, USER, sharing.wallet, mine);
    runtime.block_on(device.run(Operation::FirstBackup, With::Device)).unwrap();
    served.stop();
}

/// Each act in the directory that is being served, and again over HTTP: the server sees both.
#[test]
fn the_operator_acts_while_it_serves() {
    let (place, runtime) = (Place::new(), runtime());
    let served = Served::start(&place.data, &[]);
    let token = place.session();
    let mut device = backed_up(&served, &token, &runtime);
    let wallet = device.party.wallet.to_string();
    let key = place.data.join("operator.key");
    let here = ["--data", place.text()];
    let there = ["--custodian", served.url(), "--operator-key-file", key.to_str().unwrap()];
    for at in [&here[..], &there[..]] {
        let on = |name: &'static str, more: &[&str]| {
            success(&[&[name], at, &["--user", USER, "--wallet", &wallet], more].concat())
        };
        assert_eq!(on("freeze", &[])["frozen"], true);
        let state = runtime.block_on(device.state()).unwrap();
        assert!(state.frozen);
        let refused = runtime.block_on(device.run(Operation::Refresh, With::Method));
        let frozen = matches!(
            refused,
            Err(Failure::Prepare(PrepareError::Refused(PrepareRefusal::Frozen(_))))
        );
        assert!(frozen, "{refused:?}");
        let args = [&["eject-window"], at, &["--user", USER, "--wallet", &wallet]].concat();
        assert_eq!(failure(&args).1["code"], "frozen");
        assert_eq!(on("unfreeze", &[])["frozen"], false);
        runtime.block_on(device.run(Operation::Refresh, With::Method)).unwrap();
        let until = on("eject-window", &["--for", "7m"]);
        assert!(until["until"].as_str().unwrap().ends_with('Z'), "{until}");
        assert!(runtime.block_on(device.state()).unwrap().window.is_some());

        assert_eq!(
            success(&[&["requests", "list"], at].concat())["requests"],
            Value::Array(vec![])
        );
        let id = "00000-00000-00000-00000-00000-0";
        let cancel = failure(&[&["requests", "cancel"], at, &[id]].concat());
        assert_eq!((cancel.0, cancel.1["code"].is_string()), (1, true));
        let args = [&["approve"], at, &["--user", USER, "--wallet", &wallet, "--operation", id]];
        assert_eq!(failure(&args.concat()).1["code"], "not_frozen");

        let session = success(&[&["session"], at, &["--user", USER, "--ttl", "1m"]].concat());
        let other = served.user(session["token"].as_str().unwrap());
        assert_eq!(runtime.block_on(other.user()).unwrap().user, USER);
        // Without --json there is the token, and nothing else.
        let plain = run(&[&["session"], at, &["--user", USER]].concat());
        assert_eq!(String::from_utf8(plain.stdout).unwrap().trim().len(), 64);
    }

    let lines = |at: &[&str], more: &[&str]| {
        let output = run(&[&["audit"], at, more].concat());
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>()
    };
    let all = lines(&here, &[]);
    assert_eq!(all, lines(&there, &[]));
    let acts: Vec<_> = all.iter().map(|event| event["act"].as_str().unwrap()).collect();
    for act in ["session_issued", "committed", "frozen", "unfrozen", "window_opened"] {
        assert!(acts.contains(&act), "{act}: {acts:?}");
    }
    assert!(all[0]["at"].as_str().unwrap().ends_with('Z'));
    let of_wallet = lines(&there, &["--wallet", &wallet]);
    assert!(!of_wallet.is_empty() && of_wallet.len() < all.len());
    assert!(of_wallet.iter().all(|event| event["wallet"] == *wallet));
    let last = all.last().unwrap()["number"].as_u64().unwrap();
    assert_eq!(lines(&here, &["--after", &(last - 1).to_string()]).len(), 1);

    let deleted = success(&[&["delete-user"], &here[..], &["--user", USER]].concat());
    assert_eq!(deleted["wallets"], 1);
    let gone = runtime.block_on(device.state());
    assert!(gone.is_err(), "{gone:?}");
    served.stop();
}

/// What was asked before the signal is answered after it; nothing new is.
#[test]
fn a_stopping_server_answers_what_was_asked() {
    let place = Place::new();
    let served = Served::start(&place.data, &[]);
    let key = fs::read_to_string(place.data.join("operator.key")).unwrap();
    let body = format!("{{\"user\":\"{USER}\"}}");
    let (first, rest) = body.split_at(5);
    let address = served.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    let head = format!(
        "POST /v1/operator/session HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        key.trim(),
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut goes_on = [0; 25];
    stream.read_exact(&mut goes_on).unwrap();
    assert_eq!(&goes_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(first.as_bytes()).unwrap();
    served.signal("-TERM");
    let refuses = || TcpStream::connect(&address).is_err();
    let deadline = Instant::now() + Duration::from_secs(10);
    while !refuses() {
        assert!(Instant::now() < deadline, "it still accepts");
        thread::sleep(Duration::from_millis(10));
    }
    stream.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("\"token\""), "{answer}");
    let mut served = served;
    assert_eq!(served.child.wait().unwrap().code(), Some(0));
}

#[test]
fn options_come_from_a_file_or_from_the_command() {
    let (place, runtime) = (Place::new(), runtime());
    let config = place.data.with_extension("json");
    fs::write(&config, r#"{"recovery_wait":"2h","eject_wait":"1h"}"#).unwrap();
    let config = config.to_str().unwrap();
    let served = Served::start(&place.data, &["--config", config, "--eject-wait", "0s"]);
    let token = place.session();
    let mut device = backed_up(&served, &token, &runtime);
    let waits = runtime.block_on(device.run(Operation::Recover, With::Method));
    let is_waiting =
        matches!(waits, Err(Failure::Prepare(PrepareError::Refused(PrepareRefusal::Wait(_)))));
    assert!(is_waiting, "{waits:?}");
    let requests = success(&["requests", "list", "--data", place.text()]);
    let request = &requests["requests"][0];
    assert_eq!((&request["operation"], &request["user"]), (&"recover".into(), &USER.into()));
    let id = request["request"].as_str().unwrap();
    success(&["requests", "cancel", "--data", place.text(), id]);
    let requests = success(&["requests", "list", "--data", place.text()]);
    assert_eq!(requests["requests"], Value::Array(vec![]));
    served.stop();

    fs::write(config, r#"{"recovery_weight":"2h"}"#).unwrap();
    let args = ["serve", "--data", place.text(), "--listen", "127.0.0.1:0", "--config", config];
    assert_eq!(failure(&args).1["code"], "config");
}

/// Today's copy of the database, put back tomorrow: wallets stand still until their owners recover
/// with the operator's word.
#[test]
fn a_copy_brings_the_custodian_back() {
    let (place, runtime) = (Place::new(), runtime());
    let served = Served::start(&place.data, &[]);
    let token = place.session();
    let mut device = backed_up(&served, &token, &runtime);
    let identity = served.identity();
    let out = place.data.with_extension("copy");
    let out_text = out.to_str().unwrap();
    let copied = success(&["backup", "--data", place.text(), "--out", out_text]);
    assert!(copied["bytes"].as_u64().unwrap() > 0);
    let copy = out.join("custodian.db");
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    let names: Vec<_> = fs::read_dir(&out).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["custodian.db"], "not the master key");
    let again = failure(&["backup", "--data", place.text(), "--out", out_text]);
    assert_eq!(again.1["code"], "exists");
    // Time goes on after the copy.
    let before = device.backup.clone();
    runtime.block_on(device.run(Operation::Refresh, With::Method)).unwrap();
    served.stop();

    // Without the key it is nothing; with it, it is the same custodian.
    let args = ["serve", "--data", out_text, "--listen", "127.0.0.1:0", "--restored"];
    let (exit, error) = failure(&args);
    assert_eq!((exit, &error["code"]), (1, &"master_key_missing".into()));
    fs::copy(place.data.join("master.key"), out.join("master.key")).unwrap();
    let restored = Served::start(&out, &["--restored"]);
    assert_eq!(restored.identity(), identity);
    let session = success(&["session", "--data", out_text, "--user", USER]);
    device.custodian = restored.user(session["token"].as_str().unwrap());
    let state = runtime.block_on(device.state()).unwrap();
    assert!(state.restored);
    assert_eq!(state.highest_backup, 1, "the refresh is not in the copy");
    let refused = runtime.block_on(device.run(Operation::Refresh, With::Method));
    assert!(refused.is_err(), "{refused:?}");
    // Its owner recovers with what the copy has, and with the operator's word.
    device.backup = before;
    runtime.block_on(async {
        let (operation, with) = (Operation::Recover, With::Method);
        let (id, to) = (device.operation(), device.next(operation).await.unwrap());
        let asked = device.ask_as(operation, with, id, to.clone()).unwrap();
        let offered = device.offer(asked, with).await.unwrap();
        let refused = device.custodian.prepare(offered.message().clone()).await;
        let frozen = matches!(refused, Err(PrepareError::Refused(PrepareRefusal::Frozen(_))));
        assert!(frozen, "{refused:?}");
        let (wallet, read_out) = (device.party.wallet.to_string(), id.to_string());
        let which = ["--data", out_text, "--user", USER, "--wallet", &wallet];
        let approved = success(&[&["approve"], &which[..], &["--operation", &read_out]].concat());
        assert_eq!(approved["operation"], read_out);

        let asked = device.ask_as(operation, with, id, to).unwrap();
        let offered = device.offer(asked, with).await.unwrap();
        let prepared = device.custodian.prepare(offered.message().clone()).await.unwrap();
        let ready = device.finish(offered, &prepared).unwrap();
        device.commit(&ready).await.unwrap();
        device.adopt(&ready);
        assert!(!device.state().await.unwrap().restored);
        device.run(Operation::Refresh, With::Method).await.unwrap();
    });
    restored.stop();
}

#[test]
fn no_secret_is_logged_at_any_level() {
    let (place, runtime) = (Place::new(), runtime());
    let served = Served::start(&place.data, &["--log", "trace"]);
    let token = place.session();
    let mut device = backed_up(&served, &token, &runtime);
    let wallet = device.party.wallet;
    let nonce = Nonce::from_bytes([0xab; 32]);
    runtime.block_on(async {
        device.run(Operation::Recover, With::Method).await.unwrap();
        device.custodian.drill(wallet, nonce).await.unwrap();
        let missing = device.custodian.state(WalletId::from_bytes([9; 16]), nonce).await;
        assert_eq!(missing.unwrap_err(), ReadError::NotFound);
    });
    let operator = fs::read_to_string(place.data.join("operator.key")).unwrap();
    let key = place.data.join("operator.key");
    let there = ["--custodian", served.url(), "--operator-key-file", key.to_str().unwrap()];
    success(&[&["session"], &there[..], &["--user", USER]].concat());
    let log = served.log.clone();
    served.stop();

    let log = fs::read_to_string(log).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    // What the libraries below say may quote what they carry.
    let ours = |line: &Value| line["target"].as_str().unwrap().starts_with("twoshare");
    assert!(lines.iter().all(ours), "{log}");
    let requests: Vec<_> = lines.iter().filter(|line| line["message"] == "request").collect();
    assert!(requests.len() > 10, "{log}");
    let state = "/v1/wallets/{wallet}/state";
    let missing = requests.iter().find(|line| line["route"] == state && line["status"] == 404);
    let missing = missing.unwrap();
    assert_eq!(missing["code"], "not_found");
    assert_eq!(missing["user"].as_str().unwrap().len(), 16);
    assert!(missing["ms"].is_number() && missing["id"].is_string());

    let mut secrets = vec![
        ("the token", token),
        ("the operator's key", operator.trim().to_owned()),
        ("the user", USER.to_owned()),
        ("the wallet", wallet.to_string()),
        ("a nonce", "ab".repeat(32)),
        ("a header", "authorization".to_owned()),
        ("a header", "Bearer".to_owned()),
        ("the address", "127.0.0.1".to_owned()),
    ];
    for share in device.signing.iter().chain(&device.backup) {
        let bytes = share.to_bytes();
        let bytes = bytes.expose_secret();
        secrets.push(("a share", bytes.iter().map(|byte| format!("{byte:02x}")).collect()));
    }
    let master = fs::read(place.data.join("master.key")).unwrap();
    secrets.push(("the master key", String::from_utf8_lossy(&master).trim().to_owned()));
    for (what, secret) in secrets {
        assert!(!secret.is_empty());
        assert!(!log.to_lowercase().contains(&secret.to_lowercase()), "{what} is in the log");
    }
}

#[test]
fn completions_and_pages_are_made() {
    let script = success(&["completions", "bash"])["script"].as_str().unwrap().to_owned();
    assert!(script.contains("eject-window"));
    let place = Place::new();
    success(&["man", "--out", place.text()]);
    assert!(place.data.join("twoshare-custodian-serve.1").is_file());
}
