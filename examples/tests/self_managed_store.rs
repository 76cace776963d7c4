//! The reference store: it keeps the contract of every store over a real socket, and does what its
//! document says, no more and no less.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

#[path = "../self_managed_store.rs"]
#[allow(dead_code, unreachable_pub, reason = "its main is not used here")]
mod server;

use std::{
    cell::RefCell, collections::BTreeSet, fs, net::TcpListener, path::Path, sync::LazyLock, thread,
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;
use twoshare::{
    SelfManagedStore, Token,
    core::{
        container::HEADER_LEN,
        digest::Digest,
        envelope::MAX_LEN,
        id::{Epoch, WalletId},
        store::{EnvelopeName, EnvelopeStore as _, GetError, ObjectName, PutError, StoreFault},
    },
};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../docs/self-managed-store.openapi.json")).unwrap()
});

const ALICE: &str = "alices-token";
const BOB: &str = "bobs-token";
const ONE: WalletId = WalletId::from_bytes([1; 16]);

fn name() -> ObjectName {
    EnvelopeName { wallet: ONE, epoch: Epoch::FIRST, digest: Digest::of(b"any") }.object()
}

fn router(root: &Path) -> Router {
    let user = |user: &str, token: &str| (user.to_owned(), token.to_owned());
    server::router(root, &[user("alice", ALICE), user("bob", BOB)]).unwrap()
}

/// The server on a socket, every answer of it compared with the document.
fn serve(root: &Path) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = router(root).layer(middleware::from_fn(as_documented));
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    url
}

fn store(url: &str, token: &str) -> SelfManagedStore {
    SelfManagedStore::builder(url, Token::new(token).unwrap()).build().unwrap()
}

thread_local! {
    /// Removed when the thread of the test ends.
    static FOLDERS: RefCell<Vec<TempDir>> = const { RefCell::new(Vec::new()) };
}

fn new_store() -> SelfManagedStore {
    let folder = TempDir::new().unwrap();
    let store = store(&serve(folder.path()), ALICE);
    FOLDERS.with_borrow_mut(|folders| folders.push(folder));
    store
}

fn on_tokio<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}

mod the_contract_of_every_store {
    twoshare_core::envelope_store_conformance!(super::new_store(), super::on_tokio);
}

#[test]
fn users_do_not_see_each_other() {
    let folder = TempDir::new().unwrap();
    let url = serve(folder.path());
    let (alice, bob, nobody) = (store(&url, ALICE), store(&url, BOB), store(&url, "guessed"));
    on_tokio(async {
        alice.put(&name(), b"hers").await.unwrap();
        assert!(matches!(bob.get(&name()).await, Err(GetError::NotFound)));
        assert!(bob.list(ONE).await.unwrap().is_empty());
        bob.delete(&name()).await.unwrap();
        bob.put(&name(), b"his").await.unwrap();
        assert_eq!(alice.get(&name()).await.unwrap(), b"hers");
        let refusal = nobody.put(&name(), b"x").await.unwrap_err();
        assert!(matches!(refusal, PutError::Fault(StoreFault::NotSignedIn)), "{refusal:?}");
        assert!(matches!(nobody.list(ONE).await, Err(StoreFault::NotSignedIn)));
    });
}

/// What was answered for is there after the server was killed; what was on its way is not seen.
#[test]
fn objects_survive_the_server() {
    let folder = TempDir::new().unwrap();
    on_tokio(async {
        store(&serve(folder.path()), ALICE).put(&name(), b"kept").await.unwrap();
        let home = folder.path().join(Digest::of(b"alice").to_string());
        fs::write(home.join(".tmpAbCdEf"), b"half of it").unwrap();
        let again = store(&serve(folder.path()), ALICE);
        assert_eq!(again.get(&name()).await.unwrap(), b"kept");
        assert_eq!(again.list(ONE).await.unwrap(), [name()]);
    });
}

/// The operations of the document: method, path, and what it says of it.
fn operations() -> Vec<(Method, &'static str, &'static Value)> {
    let mut operations = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if method != "parameters" {
                let method = method.to_uppercase().parse().unwrap();
                operations.push((method, path.as_str(), operation));
            }
        }
    }
    operations
}

fn operation_of(method: &Method, path: &str) -> Option<&'static Value> {
    let template = match path.strip_prefix("/objects") {
        Some("") => "/objects",
        Some(name) if name.starts_with('/') => "/objects/{name}",
        _ => return None,
    };
    let mut operations = operations().into_iter();
    operations.find(|(m, path, _)| m == method && *path == template).map(|(_, _, found)| found)
}

/// What one request and its answer have that the document does not say.
fn undocumented(
    operation: Option<&Value>,
    request: &Request,
    response: &Response,
) -> Option<String> {
    let Some(operation) = operation else { return Some("no such operation".to_owned()) };
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let header = parameter["name"].as_str().unwrap();
        let value = request.headers().get(header).and_then(|value| value.to_str().ok());
        let documented = parameter["schema"]["const"].as_str();
        let refused = matches!(response.status().as_u16(), 428 | 401 | 400 | 413);
        if parameter["in"] == "header" && value != documented && !refused {
            return Some(format!("{header}: {value:?}"));
        }
    }
    let answer = &operation["responses"][response.status().as_str()];
    if answer.is_null() {
        return Some(format!("status {}", response.status()));
    }
    let media_type = response.headers().get(header::CONTENT_TYPE);
    let media_type = media_type.map(|text| text.to_str().unwrap().to_owned());
    let documented = answer["content"].as_object().and_then(|content| content.keys().next());
    (documented.is_some() && documented != media_type.as_ref())
        .then(|| format!("media type {media_type:?}"))
}

/// Makes what is not documented an answer that no client understands.
async fn as_documented(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let copy = Request::from_parts(parts.clone(), Body::empty());
    let response = next.run(Request::from_parts(parts, body)).await;
    let operation = operation_of(copy.method(), copy.uri().path());
    match undocumented(operation, &copy, &response) {
        None => response,
        Some(what) => {
            eprintln!("not documented: {} {}: {what}", copy.method(), copy.uri());
            StatusCode::IM_A_TEAPOT.into_response()
        }
    }
}

/// What a backend may answer and the reference has no reason to; how clients take it is tested with them.
const BACKENDS_ONLY: [&str; 4] = ["403", "429", "503", "507"];

/// Asks the reference, and keeps what was asked and answered.
struct Asking {
    router: Router,
    seen: BTreeSet<(&'static str, String)>,
}

impl Asking {
    async fn ask(
        &mut self,
        method: &str,
        uri: &str,
        token: &str,
        if_absent: bool,
        body: &[u8],
        status: u16,
    ) -> Vec<u8> {
        let mut request = Request::builder().method(method).uri(uri);
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        if if_absent {
            request = request.header(header::IF_NONE_MATCH, "*");
        }
        let (parts, body) = request.body(Body::from(body.to_vec())).unwrap().into_parts();
        let copy = Request::from_parts(parts.clone(), Body::empty());
        let request = Request::from_parts(parts, body);
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{method} {uri}");
        let operation = operation_of(copy.method(), copy.uri().path());
        assert_eq!(undocumented(operation, &copy, &response), None, "{method} {uri}");
        let operation = operation.unwrap()["operationId"].as_str().unwrap();
        self.seen.insert((operation, status.to_string()));
        axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()
    }
}

/// Every answer of the document is one of the reference, and the other way round.
#[tokio::test]
async fn document_and_reference_agree() {
    let folder = TempDir::new().unwrap();
    let router = router(folder.path());
    let (path, wallet) = (format!("/objects/{}", name()), ObjectName::prefix(ONE));
    let list = format!("/objects?wallet={}", wallet.trim_end_matches('-'));
    let large = vec![0; HEADER_LEN + MAX_LEN];
    let longer = vec![0; HEADER_LEN + MAX_LEN + 1];
    let mut asking = Asking { router, seen: BTreeSet::new() };
    asking.ask("PUT", &path, ALICE, false, b"x", 428).await;
    asking.ask("PUT", &path, ALICE, true, &longer, 413).await;
    asking.ask("PUT", "/objects/..%2Fx", ALICE, true, b"x", 400).await;
    asking.ask("GET", &path, ALICE, false, b"", 404).await;
    asking.ask("PUT", &path, ALICE, true, &large, 201).await;
    asking.ask("PUT", &path, ALICE, true, b"x", 412).await;
    assert_eq!(asking.ask("GET", &path, ALICE, false, b"", 200).await, large);
    let listed = asking.ask("GET", &list, ALICE, false, b"", 200).await;
    let listed: Value = serde_json::from_slice(&listed).unwrap();
    let required = DOCUMENT["components"]["schemas"]["List"]["required"][0].as_str().unwrap();
    assert_eq!(listed[required], serde_json::json!([name().to_string()]));
    asking.ask("DELETE", &path, ALICE, false, b"", 204).await;
    asking.ask("DELETE", &path, ALICE, false, b"", 204).await;
    asking.ask("GET", "/objects/notes.txt", ALICE, false, b"", 400).await;
    asking.ask("DELETE", "/objects/notes.txt", ALICE, false, b"", 400).await;
    asking.ask("GET", "/objects?wallet=x", ALICE, false, b"", 400).await;
    asking.ask("GET", "/objects", ALICE, false, b"", 400).await;
    for (method, uri) in [("PUT", &path), ("GET", &path), ("DELETE", &path), ("GET", &list)] {
        asking.ask(method, uri, "guessed", true, b"", 401).await;
    }
    let home = folder.path().join(Digest::of(b"bob").to_string());
    fs::remove_dir(&home).unwrap();
    fs::write(home, b"in the way").unwrap();
    for (method, uri) in [("PUT", &path), ("GET", &path), ("DELETE", &path), ("GET", &list)] {
        asking.ask(method, uri, BOB, true, b"", 500).await;
    }

    let mut documented = BTreeSet::new();
    for (_, _, operation) in operations() {
        for status in operation["responses"].as_object().unwrap().keys() {
            let operation = operation["operationId"].as_str().unwrap();
            if !BACKENDS_ONLY.contains(&status.as_str()) {
                documented.insert((operation, status.clone()));
            }
        }
    }
    assert_eq!(asking.seen, documented);
}

/// A condition that is not this one is none.
#[tokio::test]
async fn another_condition_is_refused() {
    let folder = TempDir::new().unwrap();
    let request = Request::builder()
        .method("PUT")
        .uri(format!("/objects/{}", name()))
        .header(header::AUTHORIZATION, format!("Bearer {ALICE}"))
        .header(header::IF_NONE_MATCH, "\"a tag\"")
        .body(Body::from("x"))
        .unwrap();
    let status = router(folder.path()).oneshot(request).await.unwrap().status();
    assert_eq!(status, StatusCode::PRECONDITION_REQUIRED);
}

/// There is nothing that the document does not say.
#[tokio::test]
async fn the_reference_has_no_other_routes() {
    let folder = TempDir::new().unwrap();
    let router = router(folder.path());
    let template = format!("/objects/{}", name());
    for path in ["/objects", template.as_str(), "/", "/openapi.json"] {
        for method in ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"] {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            let status = router.clone().oneshot(request).await.unwrap().status();
            let is_documented = operation_of(&method.parse().unwrap(), path).is_some();
            // Without a token, what is there says so.
            assert_eq!(status == StatusCode::UNAUTHORIZED, is_documented, "{method} {path}");
        }
    }
}

/// What the document says about bytes and names is what the code says.
#[test]
fn the_documents_numbers_and_names_are_the_codes() {
    let schemas = &DOCUMENT["components"]["schemas"];
    assert_eq!(schemas["Object"]["maxLength"], HEADER_LEN + MAX_LEN);
    let wallet = ObjectName::prefix(ONE);
    let pattern = schemas["Name"]["pattern"].as_str().unwrap();
    assert_eq!(pattern, "^[0-9a-hjkmnp-tv-z]{26}-[0-9]{20}-[0-9a-f]{64}\\.(envelope|receipt)$");
    assert_eq!(schemas["Wallet"]["pattern"], "^[0-9a-hjkmnp-tv-z]{26}$");
    for byte in 0..=u8::MAX {
        let wallet = WalletId::from_bytes([byte; 16]);
        let name = EnvelopeName { wallet, epoch: Epoch::FIRST, digest: Digest::of(&[byte]) };
        let text = name.receipt().to_string();
        let (id, rest) = text.split_at(26);
        let is_base32 =
            |c: char| c.is_ascii_digit() || (c.is_ascii_lowercase() && !"ilou".contains(c));
        assert!(id.chars().all(is_base32), "{text}");
        assert_eq!(rest.len(), 1 + 20 + 1 + 64 + ".receipt".len(), "{text}");
    }
    let list = &DOCUMENT["paths"]["/objects"]["get"]["responses"]["200"]["content"];
    for example in list["application/json"]["example"]["objects"].as_array().unwrap() {
        let example = example.as_str().unwrap();
        assert_eq!(example.parse::<ObjectName>().unwrap().to_string(), example);
    }
    assert_eq!(wallet.len(), 27);
    // Every reference of the document leads somewhere.
    let text = DOCUMENT.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(DOCUMENT.pointer(pointer).is_some(), "{pointer}");
    }
}
