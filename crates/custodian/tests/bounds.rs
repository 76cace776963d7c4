//! Who is heard, how often and how long, and how a refusal reads.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

mod common;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use common::{Server, unlimited};
use serde_json::json;
use twoshare_core::id::{CurveId, WalletId};
use twoshare_core::proof::Operation;
use twoshare_custodian::http::{HttpLimits, Rate};
use twoshare_protocol::{
    Custodian as _,
    conformance::device::{Device, With},
    custodian::{Outage, ReadError, Unavailable},
    http::{MAX_MESSAGE, MAX_UPLOAD, Problem, Route},
    rules::Policy,
};

const CBOR: &str = "application/cbor";

fn server() -> Server {
    Server::new(Policy::default(), unlimited())
}

#[test]
fn nobody_is_heard_without_a_token() {
    let server = server();
    let (token, key) = (server.token("alice"), server.operator_key());
    let token = token.expose_secret();
    let wallet = "00000-00000-00000-00000-00000-0";
    for route in Route::ALL {
        let path = route.template();
        let (path, method) = (path.replace("{wallet}", wallet), route.method().name());
        let wrong = match route.caller() {
            twoshare_protocol::http::Caller::Anyone => continue,
            // A user's token is no operator's key, nor the other way round.
            twoshare_protocol::http::Caller::User => key.as_str(),
            twoshare_protocol::http::Caller::Operator => token,
        };
        let unknown = "0".repeat(64);
        for token in [None, Some(wrong), Some("x"), Some(""), Some(&unknown)] {
            let answer = server.send(method, &path, token, None);
            assert_eq!((answer.status, answer.code().as_str()), (401, "unauthenticated"), "{path}");
        }
    }
    let answer = server.ask("GET", "/v1/user", token, None);
    assert_eq!(answer.status, 200);
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let identity = server.service().identity().to_string();
    assert_eq!(body, json!({ "user": "alice", "identity": identity }));
}

#[test]
fn a_token_ends_with_its_time() {
    let server = server();
    let token = server.token("alice");
    let ask = || server.ask("GET", "/v1/wallets", token.expose_secret(), None);
    server.turn(3599);
    assert_eq!(ask().status, 200);
    server.turn(1);
    assert_eq!(ask().code(), "unauthenticated");
    // A client that can get another one does not notice.
    let client = server.login("alice");
    for _ in 0..3 {
        assert_eq!(server.runtime.block_on(client.wallets()), Ok(Vec::new()));
        server.turn(601);
    }
}

#[test]
fn another_users_wallet_is_not_there() {
    let server = server();
    let identity = server.service().identity();
    let keygen = Device::keygen(server.login("alice"), identity, "alice", &[CurveId::Ed25519]);
    let wallet = server.runtime.block_on(keygen).unwrap().party.wallet;
    let nonce = "00".repeat(32);
    let (alice, mallory) = (server.token("alice"), server.token("mallory"));
    let path = format!("/v1/wallets/{wallet}/state?nonce={nonce}");
    assert_eq!(server.ask("GET", &path, alice.expose_secret(), None).status, 200);
    let theirs = server.ask("GET", &path, mallory.expose_secret(), None);
    let other = WalletId::from_bytes([7; 16]);
    let nothing = format!("/v1/wallets/{other}/state?nonce={nonce}");
    let nothing = server.ask("GET", &nothing, mallory.expose_secret(), None);
    assert_eq!((theirs.status, theirs.code().as_str()), (404, "not_found"));
    assert_eq!(theirs.body, nothing.body);
}

#[test]
fn what_is_not_there_is_a_problem_too() {
    let server = server();
    let token = server.token("alice");
    let token = token.expose_secret();
    let wallet = "00000-00000-00000-00000-00000-0";
    for (method, path, status, code) in [
        ("GET", "/", 404, "no_such_path"),
        ("GET", "/v1/nothing", 404, "no_such_path"),
        ("DELETE", "/v1/user", 405, "method_not_allowed"),
        ("POST", "/v1/wallets", 405, "method_not_allowed"),
        ("POST", "/v1/begin", 415, "unsupported_media_type"),
        ("GET", "/v1/wallets/nonsense/state", 400, "malformed"),
        ("GET", &format!("/v1/wallets/{wallet}/state"), 400, "malformed"),
        ("GET", &format!("/v1/wallets/{wallet}/state?nonce=00"), 400, "malformed"),
        ("GET", "/v1/wallets/%ff/state", 400, "malformed"),
        ("DELETE", &format!("/v1/wallets/{wallet}/epochs/0"), 400, "malformed"),
    ] {
        let answer = server.ask(method, path, token, None);
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{method} {path}");
    }
    let say =
        |bytes: &[u8]| server.send("POST", "/v1/begin", Some(token), Some((CBOR, bytes.to_vec())));
    assert_eq!(say(b"").code(), "malformed");
    assert_eq!(say(&[0x83, 2, 1, 0x80]).code(), "newer_version");
    assert_eq!(say(&[0x83, 1, 9, 0x80]).code(), "other_message");
    // The operator's bodies have no room for mistakes.
    let key = server.operator_key();
    for body in [
        json!({}),
        json!({ "user": "" }),
        json!({ "user": "a", "tll": 1 }),
        json!({ "user": "a", "ttl": 0 }),
    ] {
        let answer = server.ask("POST", "/v1/operator/session", &key, Some(body));
        assert_eq!((answer.status, answer.code().as_str()), (400, "malformed"));
    }
}

#[test]
fn a_long_body_is_not_read() {
    let server = server();
    let token = server.token("alice");
    let token = token.expose_secret();
    let wallet = "00000-00000-00000-00000-00000-0";
    let envelope = format!("/v1/wallets/{wallet}/envelopes/{}", "00".repeat(32));
    for (method, path, cap) in [
        ("POST", "/v1/commit", MAX_MESSAGE),
        ("PUT", envelope.as_str(), MAX_UPLOAD),
        ("GET", "/v1/user", 0),
    ] {
        // It says how long it is, and nothing more needs to arrive.
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
             content-type: {CBOR}\r\ncontent-length: {}\r\n\r\n",
            cap + 1
        );
        let answer = raw(&server, head.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains(&format!("\"cap\":{cap}")), "{answer}");
    }
    // It does not say, and goes on and on.
    let head = format!(
        "POST /v1/commit HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
         content-type: {CBOR}\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n",
        MAX_MESSAGE + 1
    );
    let body = [head.into_bytes(), vec![0; MAX_MESSAGE + 1]].concat();
    let answer = raw(&server, &body);
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

/// Sends these bytes, and reads the head and the beginning of what is answered.
fn raw(server: &Server, bytes: &[u8]) -> String {
    let mut stream = connect(server);
    stream.write_all(bytes).unwrap();
    let mut answer = vec![0; 4096];
    let read = stream.read(&mut answer).unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}

fn connect(server: &Server) -> TcpStream {
    let address = server.url().trim_start_matches("http://").to_owned();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

#[test]
fn whoever_is_slow_is_not_waited_for() {
    let limits =
        HttpLimits { body: Duration::ZERO, headers: Duration::from_millis(300), ..unlimited() };
    let server = Server::new(Policy::default(), limits);
    let token = server.token("alice");
    // A head that never ends: the connection is closed.
    let mut stream = connect(&server);
    let began = Instant::now();
    stream.write_all(b"GET /v1/user HTTP/1.1\r\nhost: a\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(began.elapsed() < Duration::from_secs(10));
    // A body that never comes, of a path that takes 4 KiB, so without a second for each 32.
    let head = format!(
        "POST /v1/operator/session HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{",
        server.operator_key()
    );
    let answer = raw(&server, head.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\"code\":\"timed_out\""), "{answer}");
    drop(token);
}

#[test]
fn a_user_who_asks_too_often_is_told_when_to_come_back() {
    let user = Rate { burst: 3, per_second: 1 };
    let server = Server::new(Policy::default(), HttpLimits { user, ..unlimited() });
    let (alice, bob) = (server.token("alice"), server.token("bob"));
    let ask = |token: &twoshare::Token| server.ask("GET", "/v1/user", token.expose_secret(), None);
    for _ in 0..3 {
        assert_eq!(ask(&alice).status, 200);
    }
    let answer = ask(&alice);
    assert_eq!((answer.status, answer.code().as_str()), (429, "rate_limited"));
    assert_eq!(answer.retry_after, "1");
    let data = Problem::from_bytes(&answer.body).unwrap().data;
    assert_eq!(data["retry_after"], 1);
    // Another token of the same user is the same user; another user is not.
    assert_eq!(ask(&server.token("alice")).status, 429);
    assert_eq!(ask(&bob).status, 200);
}

#[test]
fn an_address_that_asks_too_often_is_told_so_before_anything_else() {
    let address = Rate { burst: 2, per_second: 1 };
    let server = Server::new(Policy::default(), HttpLimits { address, ..unlimited() });
    // This machine is taken for a proxy: whoever it names is counted.
    let ask = |forwarded: &str| {
        let head =
            format!("GET /v1/user HTTP/1.1\r\nhost: a\r\nx-forwarded-for: {forwarded}\r\n\r\n");
        raw(&server, head.as_bytes()).split(' ').nth(1).unwrap().to_owned()
    };
    let one = "203.0.113.7";
    assert_eq!([ask(one), ask(one), ask(one)], ["401", "401", "429"]);
    // What it claims to be forwarding itself does not help.
    assert_eq!(ask(&format!("198.51.100.1, {one}")), "429");
    assert_eq!(ask("198.51.100.1"), "401");
    // Nor does what no proxy would say: whoever forwards that is counted itself, here nobody.
    assert_eq!(ask("198.51.100.1, unknown"), "401");
    // A household of IPv6 is one address.
    assert_eq!([ask("2001:db8::1"), ask("2001:db8::2"), ask("2001:db8::3")], ["401", "401", "429"]);
    assert_eq!(ask("2001:db8:0:1::1"), "401");
    // Whether it is alive may be asked at any rate.
    let live = "GET /health/live HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 203.0.113.7\r\n\r\n";
    assert!(raw(&server, live.as_bytes()).starts_with("HTTP/1.1 200"));
}

#[test]
fn connections_are_bounded() {
    let limits = HttpLimits { connections: 2, ..unlimited() };
    let server = Server::new(Policy::default(), limits);
    let live = b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n";
    let held = [connect(&server), connect(&server)];
    let mut third = connect(&server);
    third.write_all(live).unwrap();
    third.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut answer = [0; 12];
    assert!(third.read_exact(&mut answer).is_err(), "it waits");
    drop(held);
    third.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    third.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
}

#[test]
fn health_and_the_description_need_no_token() {
    let server = server();
    for path in ["/health/live", "/health/ready", "/openapi.json"] {
        let answer = server.send("GET", path, None, None);
        assert_eq!(
            (answer.status, answer.media_type.as_str()),
            (200, "application/json"),
            "{path}"
        );
        assert!(!answer.request_id.is_empty());
    }
    // Closed, it is alive and not ready.
    let service = server.service();
    server.runtime.block_on(service.close());
    assert_eq!(server.send("GET", "/health/live", None, None).status, 200);
    let ready = server.send("GET", "/health/ready", None, None);
    assert_eq!((ready.status, ready.code().as_str()), (503, "stopping"));
}

#[test]
fn an_envelope_is_written_as_often_as_one_likes() {
    let server = server();
    let identity = server.service().identity();
    let token = server.token("alice");
    let device = Device::keygen(server.login("alice"), identity, "alice", &[CurveId::Ed25519]);
    let mut device = server.runtime.block_on(device).unwrap();
    server.runtime.block_on(device.run(Operation::FirstBackup, With::Device)).unwrap();
    // Its digest is in the path: bytes with another are refused before anything else is looked at.
    let wallet = device.party.wallet;
    let upload = twoshare_protocol::message::Upload {
        wallet,
        epoch: twoshare_core::id::Epoch::FIRST,
        id: None,
        proofs: Vec::new(),
    };
    let body = twoshare_protocol::http::EnvelopeUpload { upload, envelope: b"a".to_vec().into() };
    let body = twoshare_protocol::wire::Message::to_bytes(&body).expose_secret().to_vec();
    let path = format!("/v1/wallets/{wallet}/envelopes/{}", "00".repeat(32));
    let answer = server.send("PUT", &path, Some(token.expose_secret()), Some((CBOR, body)));
    assert_eq!((answer.status, answer.code().as_str()), (400, "other_digest"));
}

#[test]
fn a_logged_out_user_is_told_so() {
    let server = server();
    let token = twoshare::Token::new("0".repeat(64)).unwrap();
    let client = twoshare::HttpCustodian::builder(server.url(), token).build().unwrap();
    let error = server.runtime.block_on(client.wallets()).unwrap_err();
    assert_eq!(error, ReadError::Unavailable(Unavailable::because(Outage::NotSignedIn)));
}

/// Whose token it is, nobody will ever know.
#[derive(Debug)]
struct Broken;

#[async_trait::async_trait]
impl twoshare_custodian::Authenticator for Broken {
    async fn authenticate(
        &self,
        _: &str,
    ) -> Result<twoshare_custodian::UserId, twoshare_custodian::AuthError> {
        panic!("a mistake in the app's own code")
    }
}

#[tokio::test]
async fn a_panic_is_one_requests_own() {
    let data = tempfile::TempDir::new().unwrap();
    let mut config = twoshare_custodian::local::DataDir::new(data.path()).open().await.unwrap();
    config.authenticator = Some(std::sync::Arc::new(Broken));
    let service = twoshare_custodian::Service::open(config).await.unwrap();
    let router = twoshare_custodian::http::router(service);
    let answer = ask(&router, "GET", "/v1/user", "a", "").await;
    assert_eq!(answer, (500, "internal".to_owned()));
    assert_eq!(ask(&router, "GET", "/health/live", "", "").await.0, 200);
}

/// One request to a router, without a socket.
async fn ask(
    router: &axum::Router,
    method: &str,
    path: &str,
    token: &str,
    body: &str,
) -> (u16, String) {
    use tower::ServiceExt as _;
    let request = axum::http::Request::builder().method(method).uri(path);
    let request = request.header("authorization", format!("Bearer {token}"));
    let request = request.header("content-type", "application/json");
    let request = request.body(axum::body::Body::from(body.to_owned())).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 65536).await.unwrap();
    (status, Problem::from_bytes(&body).map(|problem| problem.code).unwrap_or_default())
}

/// After a failed fsync it says so, everywhere, and goes on reading.
#[tokio::test]
async fn a_server_that_has_stopped_writing_says_so() {
    let data = tempfile::TempDir::new().unwrap();
    let dir = twoshare_custodian::local::DataDir::new(data.path());
    let mut config = dir.open().await.unwrap();
    let repository = twoshare_custodian::sqlite::SqliteRepository::open(&dir.database()).await;
    let repository = std::sync::Arc::new(repository.unwrap());
    config.repository = repository.clone();
    let service = twoshare_custodian::Service::open(config).await.unwrap();
    let alice = twoshare_custodian::UserId::new("alice").unwrap();
    let token = service.issue_session(&alice, 60).await.unwrap().token;
    let key = std::fs::read_to_string(dir.operator_key()).unwrap();
    let router = twoshare_custodian::http::router(service);
    let session = r#"{"user":"alice"}"#;
    let write = || ask(&router, "POST", "/v1/operator/session", key.trim(), session);
    assert_eq!(write().await.0, 200);
    assert_eq!(ask(&router, "GET", "/health/ready", "", "").await.0, 200);
    repository.hazmat_fail_next_commit();
    let stopped = (503, "stopped_writing".to_owned());
    assert_eq!(write().await, stopped);
    assert_eq!(write().await, stopped);
    assert_eq!(ask(&router, "GET", "/health/ready", "", "").await, stopped);
    assert_eq!(ask(&router, "GET", "/health/live", "", "").await.0, 200);
    assert_eq!(ask(&router, "GET", "/v1/wallets", token.expose_secret(), "").await.0, 200);
}
