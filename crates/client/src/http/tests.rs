//! What is repeated and what is not, and what never leaves the machine.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::Instant,
};
use twoshare_core::id::{Epoch, WalletId};
use twoshare_protocol::{
    Custodian as _,
    custodian::{Outage, ReadError, RetireError, Unavailable},
    http::{Fault, JSON, PROBLEM, Verdict},
};

use super::*;

const WALLET: WalletId = WalletId::from_bytes([1; 16]);
const SECRET: &str = "s3cret-token";

type Answer = Result<HttpResponse, TransportError>;

/// Answers in order; the last one again and again.
#[derive(Clone)]
struct Scripted {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<(Instant, HttpRequest)>>>,
}

impl Scripted {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers = Arc::new(Mutex::new(answers.into_iter().collect()));
        Self { answers, asked: Arc::default() }
    }

    fn custodian(&self, tokens: impl TokenProvider + 'static) -> HttpCustodian {
        let builder = HttpCustodian::builder("https://custodian.example/", tokens);
        builder.transport(self.clone()).build().unwrap()
    }

    fn asked(&self) -> Vec<HttpRequest> {
        self.asked.lock().unwrap().iter().map(|(_, request)| request.clone()).collect()
    }

    fn pauses(&self) -> Vec<Duration> {
        let asked = self.asked.lock().unwrap();
        asked.windows(2).map(|two| two[1].0 - two[0].0).collect()
    }
}

#[async_trait]
impl HttpTransport for Scripted {
    async fn send(&self, request: HttpRequest) -> Answer {
        self.asked.lock().unwrap().push((Instant::now(), request));
        let mut answers = self.answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers[0].clone() }
    }
}

/// Gives another token every time.
#[derive(Default)]
struct Counting(AtomicUsize);

#[async_trait]
impl TokenProvider for Counting {
    async fn token(&self, refused: Option<&Token>) -> Result<Token, TokenError> {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        let before = refused.map(|token| token.expose_secret().to_owned());
        assert_eq!(before, count.checked_sub(1).map(|before| before.to_string()));
        Ok(Token::new(count.to_string()).unwrap())
    }
}

fn token() -> Token {
    Token::new(SECRET).unwrap()
}

fn answer(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    let media_type = Some(if status < 300 { JSON } else { PROBLEM }.to_owned());
    Ok(HttpResponse { status, media_type, retry_after: None, body: body.into().into() })
}

fn problem(error: impl Verdict) -> Answer {
    let problem = error.to_problem();
    answer(problem.status, problem.to_bytes())
}

fn proxy(status: u16, retry_after: Option<u64>) -> Answer {
    let media_type = Some("text/html".to_owned());
    Ok(HttpResponse { status, media_type, retry_after, body: b"<p>".to_vec().into() })
}

fn lost() -> Answer {
    Err(TransportError::Unreachable(Arc::new(std::io::Error::other("gone"))))
}

fn no_wallets() -> Answer {
    answer(200, r#"{"wallets":[]}"#)
}

fn unavailable(cause: Outage) -> Result<Vec<WalletId>, ReadError> {
    Err(Unavailable::because(cause).into())
}

#[tokio::test(start_paused = true)]
async fn what_was_lost_is_asked_again() {
    let refused = [
        lost(),
        proxy(502, None),
        problem(Fault::Internal),
        problem(Fault::Stopping),
        problem(Unavailable::because(Outage::Busy)),
        no_wallets(),
    ];
    let scripted = Scripted::new(refused);
    assert_eq!(scripted.custodian(token()).wallets().await, Ok(Vec::new()));
    let asked = scripted.asked();
    assert_eq!(asked.len(), 6);
    assert!(asked.iter().all(|request| request.url == "https://custodian.example/v1/wallets"));
    assert!(asked.iter().all(|request| request.id == asked[0].id));
    for (pause, most) in scripted.pauses().iter().zip([200, 400, 800, 1600, 3200]) {
        let most = Duration::from_millis(most);
        assert!((most / 2..=most).contains(pause), "{pause:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn asking_again_has_an_end() {
    let scripted = Scripted::new([lost()]);
    let began = Instant::now();
    assert_eq!(scripted.custodian(token()).wallets().await, unavailable(Outage::Unreachable));
    assert_eq!(scripted.asked().len(), 8);
    assert!(began.elapsed() <= Retry::default().total);

    let scripted = Scripted::new([lost()]);
    let custodian = HttpCustodian::builder("https://custodian.example", token())
        .transport(scripted.clone())
        .retry(Retry { total: Duration::from_secs(1), ..Retry::default() })
        .build()
        .unwrap();
    assert_eq!(custodian.wallets().await, unavailable(Outage::Unreachable));
    assert!((2..=5).contains(&scripted.asked().len()));
}

#[tokio::test(start_paused = true)]
async fn the_custodian_says_when_to_come_back() {
    let scripted = Scripted::new([
        proxy(503, Some(7)),
        problem(Fault::RateLimited { retry_after: 3 }),
        no_wallets(),
    ]);
    assert_eq!(scripted.custodian(token()).wallets().await, Ok(Vec::new()));
    let pauses = scripted.pauses();
    assert!(pauses[0] > Duration::from_secs(7) && pauses[1] > Duration::from_secs(3), "{pauses:?}");

    // Longer than anybody waits: the caller is told.
    let scripted = Scripted::new([proxy(429, Some(3600))]);
    let busy = Unavailable { cause: Outage::Busy, retry_after: Some(3600) };
    assert_eq!(scripted.custodian(token()).wallets().await, Err(busy.into()));
    assert_eq!(scripted.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_verdict_is_the_last_word() {
    for verdict in [ReadError::NotFound, ReadError::Damaged] {
        let scripted = Scripted::new([problem(verdict.clone())]);
        assert_eq!(scripted.custodian(token()).wallets().await, Err(verdict));
        assert_eq!(scripted.asked().len(), 1);
    }
    for (answer, outage) in [
        (problem(Fault::StoppedWriting), Outage::Failed),
        (problem(Fault::Malformed), Outage::NotUnderstood),
        // Another operation's verdict, and what is no custodian's at all.
        (
            problem(RetireError::Refused(twoshare_protocol::rules::RetireRefusal::NotEnded)),
            Outage::NotUnderstood,
        ),
        (proxy(404, None), Outage::NotUnderstood),
        (proxy(302, None), Outage::NotUnderstood),
        (answer(200, "not JSON"), Outage::NotUnderstood),
        (Err(TransportError::TooLong { cap: 1 }), Outage::NotUnderstood),
    ] {
        let scripted = Scripted::new([answer]);
        assert_eq!(scripted.custodian(token()).wallets().await, unavailable(outage));
        assert_eq!(scripted.asked().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once() {
    let scripted = Scripted::new([problem(Fault::Unauthenticated), no_wallets()]);
    let custodian = scripted.custodian(Counting::default());
    assert_eq!(custodian.wallets().await, Ok(Vec::new()));
    let tokens = scripted.asked().into_iter().map(|r| r.token.unwrap().expose_secret().to_owned());
    assert_eq!(tokens.collect::<Vec<_>>(), ["0", "1"]);
    assert_eq!(scripted.pauses(), [Duration::ZERO]);

    let scripted = Scripted::new([problem(Fault::Unauthenticated)]);
    let custodian = scripted.custodian(Counting::default());
    assert_eq!(custodian.wallets().await, unavailable(Outage::NotSignedIn));
    assert_eq!(scripted.asked().len(), 2);

    let scripted = Scripted::new([proxy(401, None)]);
    assert_eq!(scripted.custodian(token()).wallets().await, unavailable(Outage::NotSignedIn));
    assert_eq!(scripted.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_expires_between_repetitions_is_replaced() {
    let answers = [lost(), problem(Fault::Unauthenticated), lost(), answer(204, "")];
    let scripted = Scripted::new(answers);
    let custodian = scripted.custodian(Counting::default());
    assert_eq!(custodian.retire(WALLET, Epoch::FIRST).await, Ok(()));
    assert_eq!(scripted.asked().len(), 4);
}

#[test]
fn a_server_elsewhere_is_spoken_to_with_tls() {
    let build = |url: &str| HttpCustodian::builder(url, token()).build();
    for url in ["http://127.0.0.1:8420", "http://localhost", "http://[::1]:1/mounted/"] {
        let custodian = build(url).unwrap();
        assert!(!custodian.url().ends_with('/'), "{url}");
    }
    for url in ["http://custodian.example", "http://127.0.0.1.example", "http://10.0.0.1"] {
        assert!(matches!(build(url), Err(UrlError::Plain)), "{url}");
        assert!(HttpCustodian::builder(url, token()).hazmat_plain_http().build().is_ok());
    }
    for url in ["", "custodian.example", "ftp://a", "https://u:p@a", "https://a?b", "https://a#b"] {
        assert!(matches!(build(url), Err(UrlError::Malformed)), "{url}");
    }
}

/// One address has one reading, whoever reads it.
#[test]
fn an_address_is_read_in_one_way() {
    for (text, address) in [
        ("https://custodian.example/", "https://custodian.example"),
        ("HTTPS://Custodian.EXAMPLE:443//", "https://custodian.example"),
        ("http://LOCALHOST:80", "http://localhost"),
        ("https://a.example:8443/Mounted/Here/", "https://a.example:8443/Mounted/Here"),
        ("https://a.example./a%20b/~c;d=1", "https://a.example./a%20b/~c;d=1"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://192.0.2.1", "https://192.0.2.1"),
    ] {
        assert_eq!(check_url(text, false).ok().as_deref(), Some(address), "{text}");
        // As the stack beneath reads it.
        let read = ::reqwest::Url::parse(address).unwrap();
        assert_eq!(read.as_str().trim_end_matches('/'), address);
    }
    for text in [
        "https://",
        "https:///path",
        "https:a.example",
        "//a.example",
        "/path",
        "https://a.example?",
        "https://a.example#",
        "https://@a.example",
        "https://a@a",
        "https://a:b@a.example",
        "https://a:1@a.example",
        "https://a.example:",
        "https://a.example:+1",
        "https://a.example:65536",
        "https://a.example:0x1",
        "https://a..example",
        "https://.example",
        "https://b\u{fc}cher.example",
        "https://a%2eexample",
        "https://a.example\\@b.example",
        "https://a.example/..",
        "https://a.example/./b",
        "https://a.example/a/%2E%2e/b",
        "https://a.example/%",
        "https://a.example/%2",
        "https://a.example/%zz",
        "https://a.example/a b",
        "https://a.example/a\tb",
        " https://a.example",
        "https://a.example/\u{fc}",
        "http://127.1",
        "http://2130706433",
        "http://0x7f.0.0.0x1",
        "http://127.0.0.01",
        "https://[::1",
        "https://[::1%25lo]",
        "https://[v1.a]",
        "https://[127.0.0.1]",
    ] {
        assert!(matches!(check_url(text, true), Err(UrlError::Malformed)), "{text}");
    }
    let long = format!("https://{}", "a.".repeat(129));
    assert!(matches!(check_url(&long, false), Err(UrlError::Malformed)));
    for text in ["http://127.0.0.1.", "http://[::ffff:127.0.0.1]", "http://localhost.example"] {
        assert!(matches!(check_url(text, false), Err(UrlError::Plain)), "{text}");
    }
}

#[test]
fn a_token_is_never_printed() {
    let custodian = HttpCustodian::builder("http://localhost", token());
    let mut printed = format!("{custodian:?}{:?}", token());
    printed += &format!("{:?}", custodian.build().unwrap());
    assert!(!printed.contains(SECRET), "{printed}");
    let scripted = Scripted::new([no_wallets()]);
    pollster::block_on(scripted.custodian(token()).wallets()).unwrap();
    assert!(!format!("{:?}", scripted.asked()).contains(SECRET));
    for text in ["", "a b", "a\n", "ä"] {
        assert_eq!(Token::new(text).err(), Some(TokenTextError));
    }
}

/// A server that says these bytes to every connection, and counts them.
async fn server(says: &'static [u8]) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap_or(0);
            noted.lock().unwrap().push(String::from_utf8_lossy(&request[..read]).into_owned());
            let _ = stream.write_all(says).await;
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(5)).await;
                drop(stream);
            });
        }
    });
    (url, heard)
}

async fn ask(says: &'static [u8]) -> (Result<Vec<WalletId>, ReadError>, usize, String) {
    let (url, heard) = server(says).await;
    let timeouts = Timeouts { idle: Duration::from_millis(200), ..Timeouts::default() };
    let builder = HttpCustodian::builder(url, token()).timeouts(timeouts);
    let custodian = builder.retry(Retry::NEVER).build().unwrap();
    let result = custodian.wallets().await;
    let heard = heard.lock().unwrap().clone();
    (result, heard.len(), heard.join(""))
}

#[tokio::test]
async fn a_request_says_who_asks() {
    let (result, count, heard) =
        ask(b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"wallets\":[]}").await;
    assert_eq!((result, count), (Ok(Vec::new()), 1));
    assert!(heard.starts_with("GET /v1/wallets HTTP/1.1\r\n"), "{heard}");
    assert!(heard.contains(&format!("authorization: Bearer {SECRET}\r\n")), "{heard}");
    assert!(heard.contains("x-request-id: "), "{heard}");
}

#[tokio::test]
async fn a_redirect_takes_the_token_nowhere() {
    let says = b"HTTP/1.1 307 T\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let (result, count, _) = ask(says).await;
    assert_eq!((result, count), (unavailable(Outage::NotUnderstood), 1));
}

#[tokio::test]
async fn a_long_answer_is_not_read() {
    let (result, _, _) = ask(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n").await;
    assert_eq!(result, unavailable(Outage::NotUnderstood));
    // The same without a length, a chunk larger than the longest list.
    let chunk = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{}",
        2 << 20,
        "a".repeat(2 << 20)
    );
    let (result, _, _) = ask(chunk.leak().as_bytes()).await;
    assert_eq!(result, unavailable(Outage::NotUnderstood));
}

#[tokio::test]
async fn a_stalled_answer_is_given_up() {
    let (result, _, _) = ask(b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"wal").await;
    assert_eq!(result, unavailable(Outage::Unreachable));
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let custodian = HttpCustodian::builder("http://127.0.0.1:1", token());
    let custodian = custodian.retry(Retry::NEVER).build().unwrap();
    assert_eq!(custodian.wallets().await, unavailable(Outage::Unreachable));
}
