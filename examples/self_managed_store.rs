//! A store of envelopes in the app's own backend, in files: the reference for
//! `docs/self-managed-store.openapi.json`. Each line of TOKENS is a user, a space and a token.
//!
//! ```sh
//! cargo run -p twoshare-examples --example self_managed_store -- DIRECTORY 127.0.0.1:8500 TOKENS
//! ```
//!
//! What counts is what it does to the files: an object appears whole or not at all, is never written over,
//! and is on the disk before the answer goes out. Take your own users and your own database.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, ErrorKind, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{self, DefaultBodyLimit, FromRequestParts, Query},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{net::TcpListener, task::spawn_blocking};
use twoshare::core::{digest::Digest, id::WalletId, store::ObjectName};

type Name = extract::Path<String>;
type Answer<T> = Result<T, StatusCode>;
/// The folder of each user, by the digest of the user's token.
type Folders = Arc<HashMap<Digest, PathBuf>>;

/// The routes of the contract, for these tokens and their users, each of whom has a folder.
///
/// # Errors
///
/// A folder cannot be made.
pub fn router(root: &Path, users: &[(String, String)]) -> io::Result<Router> {
    let mut folders = HashMap::new();
    for (user, token) in users {
        // Whatever users are called, this is the name of a folder.
        let folder = root.join(Digest::of(user.as_bytes()).to_string());
        fs::create_dir_all(&folder)?;
        folders.insert(Digest::of(token.as_bytes()), folder);
    }
    File::open(root)?.sync_all()?;
    Ok(Router::new()
        .route("/objects", get(list_objects))
        .route("/objects/{name}", get(get_object).put(put_object).delete(delete_object))
        // An envelope of 8 MiB in its container.
        .layer(DefaultBodyLimit::max(8 * 1024 * 1024 + 46))
        .with_state(Arc::new(folders)))
}

/// The folder of the user whose token it is: nobody gets at another's.
struct Folder(PathBuf);

impl FromRequestParts<Folders> for Folder {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, folders: &Folders) -> Answer<Self> {
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|text| text.to_str().ok());
        let token = header.and_then(|text| text.strip_prefix("Bearer "));
        let folder = token.and_then(|token| folders.get(&Digest::of(token.as_bytes())));
        folder.cloned().map(Self).ok_or(StatusCode::UNAUTHORIZED)
    }
}

/// The file of an object: no name of an envelope or a receipt leads anywhere else.
fn file(folder: &Folder, name: &str) -> Answer<PathBuf> {
    name.parse::<ObjectName>().map(|_| folder.0.join(name)).map_err(|_| StatusCode::BAD_REQUEST)
}

async fn put_object(
    folder: Folder,
    name: Name,
    headers: HeaderMap,
    body: Bytes,
) -> Answer<StatusCode> {
    let file = file(&folder, &name)?;
    if headers.get(header::IF_NONE_MATCH).is_none_or(|value| value != "*") {
        return Err(StatusCode::PRECONDITION_REQUIRED);
    }
    blocking(move || {
        let mut new = tempfile::NamedTempFile::new_in(&folder.0)?;
        new.write_all(&body)?;
        new.as_file().sync_all()?;
        let status = match new.persist_noclobber(file).map_err(|error| error.error) {
            Ok(_) => StatusCode::CREATED,
            Err(there) if there.kind() == ErrorKind::AlreadyExists => {
                StatusCode::PRECONDITION_FAILED
            }
            Err(error) => return Err(error),
        };
        // Also of what was there: whoever wrote it may not have come so far.
        File::open(folder.0)?.sync_all().map(|()| status)
    })
    .await
}

async fn get_object(folder: Folder, name: Name) -> Answer<Vec<u8>> {
    let file = file(&folder, &name)?;
    blocking(|| fs::read(file)).await
}

async fn delete_object(folder: Folder, name: Name) -> Answer<StatusCode> {
    let file = file(&folder, &name)?;
    blocking(move || match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => File::open(folder.0)?.sync_all().map(|()| StatusCode::NO_CONTENT),
    })
    .await
}

async fn list_objects(folder: Folder, query: Query<HashMap<String, String>>) -> Answer<Response> {
    let wallet = query.get("wallet").and_then(|text| text.parse::<WalletId>().ok());
    // What is still being written has another name.
    let prefix = ObjectName::prefix(wallet.ok_or(StatusCode::BAD_REQUEST)?);
    let list = blocking(move || fs::read_dir(folder.0)?.collect::<io::Result<Vec<_>>>()).await?;
    let names = list.into_iter().filter_map(|entry| entry.file_name().into_string().ok());
    let names: Vec<_> = names.filter(|name| name.starts_with(&prefix)).collect();
    Ok(Json(HashMap::from([("objects", names)])).into_response())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Answer<T> {
    let done = spawn_blocking(work).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    done.map_err(|error| match error.kind() {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [root, address, tokens] = &*args else { Err("usage: DIRECTORY ADDRESS TOKENS")? };
    let tokens = fs::read_to_string(tokens)?;
    let users = tokens.lines().filter_map(|line| line.split_once(' '));
    let users: Vec<_> = users.map(|(user, token)| (user.to_owned(), token.to_owned())).collect();
    fs::create_dir_all(root)?;
    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, router(Path::new(root), &users)?).await?)
}
