//! What the app's backend may answer, and what becomes of it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use twoshare::{
    HttpRequest, HttpResponse, HttpTransport, Precondition, SelfManagedStore, Token, TokenError,
    TokenProvider, TransportError, UrlError,
    core::{
        digest::Digest,
        id::{Epoch, WalletId},
        secret::SecretBytes,
        store::{EnvelopeName, EnvelopeStore as _, GetError, ObjectName, PutError, StoreFault},
    },
    protocol::http::Method,
};

const ONE: WalletId = WalletId::from_bytes([1; 16]);

fn name() -> ObjectName {
    EnvelopeName { wallet: ONE, epoch: Epoch::FIRST, digest: Digest::of(b"any") }.object()
}

/// A status and a body.
type Answer = (u16, Vec<u8>);

/// Answers in order; the last one again and again.
#[derive(Clone)]
struct Scripted {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<HttpRequest>>>,
}

impl Scripted {
    fn new<const N: usize>(answers: [(u16, &[u8]); N]) -> (Self, SelfManagedStore) {
        let answers = answers.map(|(status, body)| (status, body.to_vec())).into();
        let transport = Self { answers: Arc::new(Mutex::new(answers)), asked: Arc::default() };
        let builder = SelfManagedStore::builder("https://api.example/backups/", Tokens);
        (transport.clone(), builder.transport(transport).build().unwrap())
    }

    fn asked(&self) -> Vec<HttpRequest> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl HttpTransport for Scripted {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        self.asked.lock().unwrap().push(request);
        let mut answers = self.answers.lock().unwrap();
        let (status, body) = match answers.len() {
            1 => answers[0].clone(),
            _ => answers.pop_front().unwrap(),
        };
        let body = SecretBytes::from(body);
        Ok(HttpResponse { status, media_type: None, retry_after: None, body })
    }
}

/// The first token is over, and the next one is not.
struct Tokens;

#[async_trait]
impl TokenProvider for Tokens {
    async fn token(&self, refused: Option<&Token>) -> Result<Token, TokenError> {
        let text = if refused.is_some() { "second" } else { "first" };
        Ok(Token::new(text).unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn an_object_is_put_where_nothing_is() {
    let (transport, store) = Scripted::new([(201, b"")]);
    store.put(&name(), b"bytes").await.unwrap();
    let [request] = transport.asked().try_into().unwrap();
    assert_eq!(request.method, Method::Put);
    assert_eq!(request.url, format!("https://api.example/backups/objects/{}", name()));
    assert_eq!(request.precondition, Some(Precondition::Absent));
    assert_eq!(request.token.unwrap().expose_secret(), "first");
    let (media_type, body) = request.body.unwrap();
    assert_eq!((media_type, body.expose_secret()), ("application/octet-stream", &b"bytes"[..]));

    let (transport, store) = Scripted::new([(200, b"{\"objects\":[]}")]);
    store.list(ONE).await.unwrap();
    let [request] = transport.asked().try_into().unwrap();
    let prefix = ObjectName::prefix(ONE);
    let wallet = prefix.trim_end_matches('-');
    assert_eq!(request.url, format!("https://api.example/backups/objects?wallet={wallet}"));
    assert!(request.precondition.is_none() && request.body.is_none());
}

/// What is there already is ours, or it is not.
#[tokio::test(start_paused = true)]
async fn what_is_there_is_compared() {
    let (transport, store) = Scripted::new([(412, b""), (200, b"bytes")]);
    store.put(&name(), b"bytes").await.unwrap();
    assert_eq!(transport.asked().len(), 2);
    let (_, store) = Scripted::new([(412, b""), (200, b"others")]);
    assert!(matches!(store.put(&name(), b"bytes").await, Err(PutError::Exists)));
    // Gone between the two: once more.
    let (_, store) = Scripted::new([(412, b""), (404, b""), (201, b"")]);
    store.put(&name(), b"bytes").await.unwrap();
    let (transport, store) = Scripted::new([(412, b""), (404, b""), (412, b""), (404, b"")]);
    assert!(matches!(store.put(&name(), b"bytes").await, Err(PutError::Exists)));
    assert_eq!(transport.asked().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_once() {
    let (transport, store) = Scripted::new([(401, b""), (200, b"bytes")]);
    assert_eq!(store.get(&name()).await.unwrap(), b"bytes");
    let tokens = transport.asked().into_iter().map(|request| request.token.unwrap());
    let tokens: Vec<_> = tokens.map(|token| token.expose_secret().to_owned()).collect();
    assert_eq!(tokens, ["first", "second"]);
    let (transport, store) = Scripted::new([(401, b"")]);
    assert!(matches!(store.get(&name()).await, Err(GetError::Fault(StoreFault::NotSignedIn))));
    assert_eq!(transport.asked().len(), 2);
}

/// Every answer of the document that is not a success, and some that are in no document.
#[tokio::test(start_paused = true)]
async fn every_refusal_is_told_in_the_words_of_stores() {
    type Expected = fn(&StoreFault) -> bool;
    let cases: [(u16, usize, Expected); 12] = [
        (400, 1, |fault| matches!(fault, StoreFault::Broken(_))),
        (401, 2, |fault| matches!(fault, StoreFault::NotSignedIn)),
        (
            403,
            1,
            |fault| matches!(fault, StoreFault::Denied { scope } if scope.ends_with("backups")),
        ),
        (405, 1, |fault| matches!(fault, StoreFault::Broken(_))),
        (428, 1, |fault| matches!(fault, StoreFault::Broken(_))),
        (302, 1, |fault| matches!(fault, StoreFault::Broken(_))),
        (206, 1, |fault| matches!(fault, StoreFault::Broken(_))),
        (408, 3, |fault| matches!(fault, StoreFault::Unavailable { .. })),
        (429, 3, |fault| matches!(fault, StoreFault::Unavailable { .. })),
        (500, 3, |fault| matches!(fault, StoreFault::Broken(_))),
        (502, 3, |fault| matches!(fault, StoreFault::Unavailable { .. })),
        (503, 3, |fault| matches!(fault, StoreFault::Unavailable { .. })),
    ];
    for (status, at_least, is_expected) in cases {
        let (transport, store) = Scripted::new([(status, b"")]);
        let put = store.put(&name(), b"bytes").await.unwrap_err();
        assert!(matches!(&put, PutError::Fault(fault) if is_expected(fault)), "{status}: {put:?}");
        let asked = transport.asked().len();
        assert!(asked == at_least || (at_least == 3 && asked > 3), "{status}: {asked}");
        let get = store.get(&name()).await.unwrap_err();
        assert!(matches!(&get, GetError::Fault(fault) if is_expected(fault)), "{status}: {get:?}");
        let list = store.list(ONE).await.unwrap_err();
        assert!(is_expected(&list), "{status}: {list:?}");
        let delete = store.delete(&name()).await.unwrap_err();
        assert!(is_expected(&delete), "{status}: {delete:?}");
    }
    for (status, is_expected) in [
        (
            413,
            (|error| matches!(error, PutError::TooLarge { len: 5, .. })) as fn(&PutError) -> bool,
        ),
        (507, |error| matches!(error, PutError::Full)),
        (404, |error| matches!(error, PutError::Fault(StoreFault::Broken(_)))),
        (204, |error| matches!(error, PutError::Fault(StoreFault::Broken(_)))),
    ] {
        let (transport, store) = Scripted::new([(status, b"")]);
        let put = store.put(&name(), b"bytes").await.unwrap_err();
        assert!(is_expected(&put), "{status}: {put:?}");
        assert_eq!(transport.asked().len(), 1);
    }
    // Only a get says that nothing is there.
    let (_, store) = Scripted::new([(404, b"")]);
    assert!(matches!(store.get(&name()).await, Err(GetError::NotFound)));
    assert!(matches!(store.list(ONE).await, Err(StoreFault::Broken(_))));
    assert!(matches!(store.delete(&name()).await, Err(StoreFault::Broken(_))));
}

#[tokio::test(start_paused = true)]
async fn a_list_is_read_with_care() {
    let others = ObjectName {
        envelope: EnvelopeName { wallet: WalletId::from_bytes([2; 16]), ..name().envelope },
        ..name()
    };
    let list = format!(r#"{{"objects":["notes.txt","{}",7,"{others}"],"more":1}}"#, name());
    let (_, store) = Scripted::new([(200, list.as_bytes())]);
    assert_eq!(store.list(ONE).await.unwrap(), [name()]);
    for strange in [&b""[..], b"{}", b"[]", b"{\"objects\":{}}", b"<html>", b"\xff"] {
        let (_, store) = Scripted::new([(200, strange)]);
        assert!(matches!(store.list(ONE).await, Err(StoreFault::Broken(_))), "{strange:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_or_sent_without_bounds() {
    let (transport, store) = Scripted::new([(201, b"")]);
    let longer = vec![0; 8 * 1024 * 1024 + 47];
    assert!(matches!(store.put(&name(), &longer).await, Err(PutError::TooLarge { .. })));
    assert!(transport.asked().is_empty());
    let _ = store.get(&name()).await;
    let _ = store.list(ONE).await;
    let _ = store.delete(&name()).await;
    let caps: Vec<_> = transport.asked().iter().map(|request| request.max_answer).collect();
    assert_eq!(caps[..2], [8 * 1024 * 1024 + 46, 1024 * 1024]);
    assert!(caps[2] <= 64 * 1024, "{}", caps[2]);
}

#[test]
fn a_store_elsewhere_is_spoken_to_with_tls() {
    let build = |url: &str| SelfManagedStore::builder(url, Tokens).build();
    assert!(matches!(build("http://api.example/"), Err(UrlError::Plain)));
    assert!(matches!(build("ftp://api.example/"), Err(UrlError::Malformed)));
    let store = build("http://127.0.0.1:1/backups/").unwrap();
    assert_eq!(store.url(), "http://127.0.0.1:1/backups");
    assert!(!format!("{store:?}").contains("first"));
}
