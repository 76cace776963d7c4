//! A copy of the database, while it is in use.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use serde_json::json;
use sqlx::{
    ConnectOptions as _, Connection as _,
    sqlite::{SqliteConnectOptions, SqliteConnection},
};
use twoshare_custodian::{Repository as _, local::DataDir, sqlite::SqliteRepository};

use super::existing;
use crate::answer::{Answer, Failure};

#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The custodian's data directory; a server may be using it.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Where the copy goes: a directory without a database.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Backup {
    pub(super) async fn run(self) -> Result<Answer, Failure> {
        let (from, to) = (existing(self.data)?, DataDir::new(&self.out));
        let copy = to.database();
        make_dir(to.path()).map_err(|error| file(to.path(), &error))?;
        if copy.exists() {
            let path = copy.display().to_string();
            let message = format!("{path} is there already");
            return Err(Failure::new("exists", message).with("path", path));
        }
        // Beside it first: what bears the name is whole.
        let unfinished = copy.with_extension("unfinished");
        remove(&unfinished).map_err(|error| file(&unfinished, &error))?;
        let copied = copy_database(&from.database(), &unfinished).await;
        if copied.is_err() {
            let _ = remove(&unfinished);
        }
        copied?;
        let bytes = keep(&unfinished, &copy, to.path()).map_err(|error| file(&copy, &error))?;

        let (path, key) = (copy.display().to_string(), from.master_key().display().to_string());
        let text = format!(
            "Copied the database to {path}. It opens only with the master key {key}, which is not \
             copied: keep a copy of it somewhere else. After restoring, start with --restored."
        );
        Ok(Answer::new(json!({ "database": path, "bytes": bytes, "master_key": key }), text))
    }
}

/// Copies what is committed, without what was deleted, and reads it through.
async fn copy_database(from: &Path, to: &Path) -> Result<(), Failure> {
    let source = SqliteRepository::open(from).await.map_err(|error| database(&error))?;
    let copied = source.copy_to(to).await;
    source.close().await;
    copied.map_err(|error| database(&error))?;
    match check(to).await.map_err(|error| database(&error))?.as_str() {
        "ok" => Ok(()),
        _ => Err(Failure::new("database", "the copy is damaged: try again, on another disk")),
    }
}

async fn check(copy: &Path) -> Result<String, sqlx::Error> {
    let options = SqliteConnectOptions::new().filename(copy).read_only(true);
    let mut connection: SqliteConnection = options.connect().await?;
    let verdict = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut connection).await;
    connection.close().await?;
    verdict
}

fn database(error: &dyn std::error::Error) -> Failure {
    Failure::because("database", "the copy failed", error)
}

/// Makes the copy known by its name.
fn keep(unfinished: &Path, copy: &Path, dir: &Path) -> io::Result<u64> {
    fs::rename(unfinished, copy)?;
    File::open(dir)?.sync_all()?;
    Ok(fs::metadata(copy)?.len())
}

fn make_dir(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn file(path: &Path, error: &io::Error) -> Failure {
    let path = path.display().to_string();
    Failure::because("file", &format!("cannot use {path}"), error).with("path", path)
}
