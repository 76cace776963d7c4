//! Writes that share a commit, some of which fail.

use std::sync::Arc;

use rand::Rng as _;
use twoshare_custodian::{
    Repository as _, TokenHash,
    audit::{Act, Actor},
    repository::NewEvent,
    sqlite::SqliteRepository,
};

use crate::support::{START, user};

fn event(name: &str) -> NewEvent {
    NewEvent {
        at: START,
        actor: Actor::Operator,
        act: Act::SessionIssued,
        user: Some(user(name)),
        wallet: None,
        operation: None,
        detail: String::new(),
    }
}

fn hash() -> TokenHash {
    let mut hash = [0; 32];
    rand::rng().fill_bytes(&mut hash);
    TokenHash(hash)
}

/// Nobody's failure is another's, nor half of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_fails_undoes_itself_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let repository = SqliteRepository::open(dir.path().join("custodian.db")).await.unwrap();
    let repository = Arc::new(repository);
    let taken = hash();
    repository.put_session(taken, &user("first"), START, event("first")).await.unwrap();
    let put = |name: String, hash: TokenHash| {
        let repository = Arc::clone(&repository);
        async move { repository.put_session(hash, &user(&name), START, event(&name)).await }
    };
    // Alone: it has made its user when it finds that the hash is taken.
    put("bad alone".into(), taken).await.unwrap_err();
    put("good alone".into(), hash()).await.unwrap();
    let before = repository.counts();
    let mut all = tokio::task::JoinSet::new();
    for number in 0..120 {
        let (name, hash) = match number % 3 {
            0 => (format!("bad {number}"), taken),
            _ => (format!("good {number}"), hash()),
        };
        let put = put(name.clone(), hash);
        all.spawn(async move { (name.starts_with("good"), put.await) });
    }
    while let Some(done) = all.join_next().await {
        let (is_good, done) = done.unwrap();
        assert_eq!(done.is_ok(), is_good, "{done:?}");
    }
    let after = repository.counts();
    assert_eq!(after.writes - before.writes, 80);
    assert!(after.commits - before.commits < 80, "they share commits");
    let events = repository.audit(None, 0, 1000).await.unwrap();
    let mut names: Vec<_> = events.iter().map(|event| event.user.clone().unwrap()).collect();
    names.sort();
    names.dedup();
    assert_eq!((events.len(), names.len()), (82, 82));
    assert!(names.iter().all(|name| !name.as_str().starts_with("bad")), "{names:?}");
    repository.close().await;
    // And so it is on the disk: no user of theirs is there.
    let mut database = crate::support::connect(&dir.path().join("custodian.db")).await;
    let users: i64 =
        sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(&mut database).await.unwrap();
    assert_eq!(users, 82);
}
