//! Who may call a service, how often, and what is kept of it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

#[path = "support/home.rs"]
mod home;

use std::sync::Arc;

use home::{Home, contains, user};
use twoshare_core::{
    id::{CurveId, OperationId},
    proof::Operation,
};
use twoshare_custodian::{
    AuthError, Config, Limits, OperatorError, Service, Token, audit::Act, local::DataDir,
    sqlite::SqliteRepository,
};
use twoshare_protocol::{
    Custodian as _,
    conformance::device::{Device, Failure, With},
    custodian::{BeginError, PrepareError},
    rules::{Policy, PrepareRefusal, WaitRefusal},
    session::Proving,
};

const ONE: &[CurveId] = &[CurveId::Ed25519];

#[tokio::test]
async fn a_token_is_one_users_until_it_expires_and_is_not_stored() {
    let home = Home::new();
    let (service, _) = home.open().await;
    let issued = service.issue_session(&user("alice"), 60).await.unwrap();
    let other = service.issue_session(&user("bob"), 3600).await.unwrap();
    // Exposed: to ask with.
    let token = issued.token.expose_secret();
    assert_eq!(service.authenticate(token).await, Ok(user("alice")));
    assert_eq!(service.authenticate(other.token.expose_secret()).await, Ok(user("bob")));
    let unknown = Token::make(&mut rand::rng());
    for wrong in [unknown.expose_secret(), "", "nonsense"] {
        assert_eq!(service.authenticate(wrong).await, Err(AuthError::Unauthorized));
    }
    service.scrub().await.unwrap();
    assert!(!contains(&home.bytes(), token.as_bytes()));
    home.clock.advance(60);
    assert_eq!(service.authenticate(token).await, Err(AuthError::Unauthorized));
    service.sweep().await.unwrap();
    service.delete_user(&user("bob")).await.unwrap();
    let gone = service.authenticate(other.token.expose_secret()).await;
    assert_eq!(gone, Err(AuthError::Unauthorized));
    service.close().await;
}

#[tokio::test]
async fn the_operators_key_is_the_one_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDir::new(dir.path());
    let service = Service::open(data.open().await.unwrap()).await.unwrap();
    let key = std::fs::read_to_string(data.operator_key()).unwrap();
    service.check_operator_key(&key).await.unwrap();
    let session = service.issue_session(&user("alice"), 60).await.unwrap();
    let refused = service.check_operator_key(session.token.expose_secret()).await;
    assert_eq!(refused, Err(AuthError::Unauthorized));
    service.close().await;
    assert!(!contains(&std::fs::read(data.database()).unwrap(), key.trim().as_bytes()));

    // Removed, there is a new one at the next start, and the old one is over.
    std::fs::remove_file(data.operator_key()).unwrap();
    let service = Service::open(data.open().await.unwrap()).await.unwrap();
    assert_eq!(service.check_operator_key(&key).await, Err(AuthError::Unauthorized));
    let key = std::fs::read_to_string(data.operator_key()).unwrap();
    service.check_operator_key(&key).await.unwrap();
    service.close().await;
}

async fn limited(home: &Home, limits: Limits) -> Service {
    let repository = Arc::new(SqliteRepository::open(home.database()).await.unwrap());
    Service::open(Config { limits, ..home.config(repository) }).await.unwrap()
}

#[tokio::test]
async fn sessions_are_begun_at_a_bounded_rate() {
    let home = Home::new();
    let limits = Limits { begin_burst: 5, begin_rate: 0.001, ..Limits::default() };
    let service = limited(&home, limits).await;
    let session = service.login(&user("alice"));
    let mut begun = 0;
    for _ in 0..8 {
        match Device::keygen(session.clone(), service.identity(), "alice", ONE).await {
            Ok(_) => begun += 1,
            Err(failure) => assert_eq!(failure, Failure::Begin(BeginError::TooMany)),
        }
    }
    assert_eq!(begun, 5);
    let other = service.login(&user("bob"));
    Device::keygen(other, service.identity(), "bob", ONE).await.expect("nobody else is held up");
    service.close().await;
}

#[tokio::test]
async fn a_rate_of_zero_is_no_limit() {
    let home = Home::new();
    let service = limited(&home, Limits::default().with_begin_rate(0)).await;
    let session = service.login(&user("alice"));
    for _ in 0..8 {
        Device::keygen(session.clone(), service.identity(), "alice", ONE).await.unwrap();
    }
    service.close().await;
}

#[tokio::test]
async fn a_user_has_so_many_wallets() {
    let home = Home::new();
    let service = limited(&home, Limits { wallets: 3, ..Limits::default() }).await;
    let session = service.login(&user("alice"));
    for _ in 0..3 {
        Device::keygen(session.clone(), service.identity(), "alice", ONE).await.unwrap();
    }
    let refused = Device::keygen(session, service.identity(), "alice", ONE).await.map(|_| ());
    assert_eq!(refused, Err(Failure::Begin(BeginError::TooMany)));
    service.close().await;
}

#[tokio::test]
async fn so_many_tombstones_are_kept() {
    use sqlx::{Connection as _, Row as _};
    let home = Home::new();
    let (service, _) = home.open().await;
    let session = service.login(&user("alice"));
    let mut device = Device::keygen(session, service.identity(), "alice", ONE).await.unwrap();
    let signing = device.signing.clone();
    let mut last = OperationId::from_bytes([0; 16]);
    for _ in 0..300 {
        last = device.operation();
        home.clock.advance(1);
        device.abandon(last, Proving::Signing(&signing)).await.unwrap();
    }
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(home.database());
    let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    let count = sqlx::query("SELECT count(*) FROM operations WHERE outcome > 1");
    let count: i64 = count.fetch_one(&mut connection).await.unwrap().get(0);
    connection.close().await.unwrap();
    assert_eq!(count, 256);
    let asked = device.ask_as(
        Operation::FirstBackup,
        With::Device,
        last,
        device.next(Operation::FirstBackup).await.unwrap(),
    );
    let offered = device.offer(asked.unwrap(), With::Device).await.unwrap();
    let refused = device.custodian.prepare(offered.message().clone()).await.map(|_| ());
    assert_eq!(refused, Err(PrepareRefusal::OperationEnded.into()));
    device.run(Operation::FirstBackup, With::Device).await.unwrap();
    service.close().await;
}

#[tokio::test]
async fn the_operator_sees_what_waits_and_ends_it() {
    let home = Home::with(Policy { recovery_wait: 3600, ..Policy::default() });
    let (service, _) = home.open().await;
    let session = service.login(&user("alice"));
    let mut device = Device::keygen(session, service.identity(), "alice", ONE).await.unwrap();
    device.run(Operation::FirstBackup, With::Device).await.unwrap();
    assert_eq!(service.requests().await.unwrap(), []);
    let waits = device.run(Operation::Recover, With::Method).await;
    let Err(Failure::Prepare(PrepareError::Refused(PrepareRefusal::Wait(WaitRefusal::Waiting {
        request,
        ..
    })))) = waits
    else {
        panic!("{waits:?}")
    };
    let waiting = service.requests().await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].id, waiting[0].wallet), (request, device.party.wallet));
    let other = OperationId::from_bytes([1; 16]);
    assert_eq!(service.cancel_request(other).await, Err(OperatorError::NotFound));
    service.cancel_request(request).await.unwrap();
    assert_eq!(service.requests().await.unwrap(), []);
    let events = service.audit(Some(device.party.wallet), 0, 100).await.unwrap();
    let acts: Vec<_> = events.iter().map(|event| event.act).collect();
    assert!(acts.ends_with(&[Act::Waiting, Act::RequestCancelled]), "{acts:?}");
    service.close().await;
}
