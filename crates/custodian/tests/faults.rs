//! What goes wrong around a service, and what must hold all the same.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

#[path = "support/home.rs"]
mod home;

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use home::{Home, START, contains, user};
use sqlx::{Connection as _, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};
use twoshare_core::{id::CurveId, proof::Operation};
use twoshare_custodian::{
    Config, Health, LocalSession, OpenError, Service,
    audit::Act,
    kms::LocalKms,
    local::DataDir,
    repository::{Repository as _, StoreError},
    sqlite::{SqliteError, SqliteOptions, SqliteRepository},
};
use twoshare_protocol::{
    Custodian as _, Nonce,
    conformance::device::{Device, Failure, With},
    custodian::{CommitError, Outage, PrepareError, ReadError},
    rules::{CommitRefusal, Policy, PrepareRefusal},
};

const BOTH: &[CurveId] = &[CurveId::Secp256k1, CurveId::Ed25519];

async fn backed_up(service: &Service, name: &str) -> Device<LocalSession> {
    let session = service.login(&user(name));
    let mut device = Device::keygen(session, service.identity(), name, BOTH).await.unwrap();
    device.run(Operation::FirstBackup, With::Device).await.unwrap();
    device
}

/// A connection beside the service's, as an operator with a shell has.
async fn aside(home: &Home) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(home.database());
    SqliteConnection::connect_with(&options).await.unwrap()
}

async fn sealed_records(home: &Home) -> Vec<Vec<u8>> {
    let mut connection = aside(home).await;
    let rows = sqlx::query("SELECT sealed FROM epoch_shares").fetch_all(&mut connection).await;
    let records = rows.unwrap().iter().map(|row| row.get(0)).collect();
    connection.close().await.unwrap();
    records
}

#[tokio::test]
async fn the_schema_is_made_once_and_a_newer_one_is_refused() {
    let home = Home::new();
    let (service, _) = home.open().await;
    let identity = service.identity();
    service.close().await;
    let (service, _) = home.open().await;
    assert_eq!(service.identity(), identity);
    service.close().await;

    let mut connection = aside(&home).await;
    let names = sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
    let names = names.fetch_all(&mut connection).await.unwrap();
    let names: Vec<String> = names.iter().map(|row| row.get(0)).collect();
    let expected = [
        "_sqlx_migrations",
        "audit",
        "envelopes",
        "epoch_shares",
        "epochs",
        "keys",
        "notice_version",
        "notices",
        "operations",
        "operator_keys",
        "pendings",
        "requests",
        "secrets",
        "sessions",
        "sqlite_sequence",
        "trusted_custodians",
        "users",
        "wallets",
    ];
    assert_eq!(names, expected);
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
                 execution_time) VALUES (99, 'later', TRUE, x'00', 0)";
    sqlx::query(newer).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let refused = SqliteRepository::open(home.database()).await;
    assert!(matches!(refused, Err(SqliteError::Newer)), "{refused:?}");
}

#[tokio::test]
async fn the_audit_log_is_append_only() {
    let home = Home::new();
    let (service, _) = home.open().await;
    backed_up(&service, "alice").await;
    let mut connection = aside(&home).await;
    for statement in ["DELETE FROM audit", "UPDATE audit SET detail = 'nothing'"] {
        let refused = sqlx::query(statement).execute(&mut connection).await;
        assert!(refused.unwrap_err().to_string().contains("append-only"));
    }
    let acts: Vec<_> =
        service.audit(None, 0, 100).await.unwrap().into_iter().map(|event| event.act).collect();
    assert_eq!(acts, [Act::Prepared, Act::Committed, Act::Prepared, Act::Committed]);
    let second = service.audit(None, 2, 1).await.unwrap();
    assert_eq!((second.len(), second[0].number), (1, 3));
    service.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_users_at_once() {
    let home = Home::new();
    let (service, repository) = home.open().await;
    let mut users = tokio::task::JoinSet::new();
    for number in 0..100 {
        let service = service.clone();
        users.spawn(async move {
            let mut device = backed_up(&service, &format!("user {number}")).await;
            let with = if number % 2 == 0 { With::Method } else { With::Device };
            let operation = if number % 2 == 0 { Operation::Recover } else { Operation::Replace };
            let asked = device.ask(operation, with).await.unwrap();
            let offered = device.offer(asked, with).await.unwrap();
            // Answers are lost, and questions arrive twice at the same time.
            let prepare = || device.custodian.prepare(offered.message().clone());
            let (first, second) = tokio::join!(prepare(), prepare());
            let (first, second) = (first.unwrap(), second.unwrap());
            assert_eq!(first.sealed.expose_secret(), second.sealed.expose_secret());
            let ready = device.finish(offered, &first).unwrap();
            let envelope = twoshare_core::digest::Digest::of(b"an envelope");
            let commit = ready.commit(Some(envelope), device.rng());
            let commit = || device.custodian.commit(commit.clone());
            let (first, second) = tokio::join!(commit(), commit());
            for receipt in [first.unwrap(), second.unwrap()] {
                ready.check_receipt(&receipt, Some(envelope)).unwrap();
            }
            let keys = device.verifying_keys();
            device.adopt(&ready);
            let state = device.state().await.unwrap();
            assert_eq!(state.backup.unwrap().epoch.get(), 2);
            assert_eq!(state.restorable.is_some(), with == With::Device);
            assert!(state.pending.is_none());
            assert_eq!(device.verifying_keys(), keys);
            device.custodian.drill(device.party.wallet, Nonce::from_bytes([1; 32])).await.unwrap();
            assert_eq!(device.custodian.wallets().await.unwrap(), [device.party.wallet]);
        });
    }
    users.join_all().await;
    let counts = repository.counts();
    assert_eq!(counts.writes, 600 + 1, "three operations of two writes each, and the identity");
    assert!(counts.commits <= counts.writes);
    service.close().await;
}

#[tokio::test]
async fn writes_that_arrive_together_share_a_commit() {
    let home = Home::new();
    let (service, repository) = home.open().await;
    let before = repository.counts();
    let mut all = tokio::task::JoinSet::new();
    for number in 0..100 {
        let service = service.clone();
        all.spawn(async move {
            service.issue_session(&user(&format!("user {number}")), 60).await.unwrap();
        });
    }
    all.join_all().await;
    let after = repository.counts();
    assert_eq!(after.writes - before.writes, 100);
    assert!(after.commits - before.commits <= 10, "{before:?} {after:?}");
    // One of them that is refused takes none of the others with it.
    let events = service.audit(None, 0, 1000).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.act == Act::SessionIssued).count(), 100);
    service.close().await;
}

#[tokio::test]
async fn where_groups_are_of_one_each_write_is_committed_by_itself() {
    let home = Home::new();
    let options = SqliteOptions { max_group: NonZeroUsize::new(1), ..SqliteOptions::default() };
    let repository = SqliteRepository::open_with(home.database(), options).await.unwrap();
    let repository = Arc::new(repository);
    let service = Service::open(home.config(Arc::<_>::clone(&repository))).await.unwrap();
    let mut users = tokio::task::JoinSet::new();
    for number in 0..30 {
        let service = service.clone();
        users.spawn(async move {
            service.issue_session(&user(&format!("user {number}")), 60).await.unwrap();
        });
    }
    users.join_all().await;
    let counts = repository.counts();
    assert_eq!((counts.writes, counts.commits), (31, 31), "thirty sessions, and the identity");
    service.close().await;
}

#[tokio::test]
async fn a_copy_is_taken_while_the_service_runs_and_started_frozen() {
    let home = Home::new();
    let (service, repository) = home.open().await;
    let mut device = backed_up(&service, "alice").await;
    let copy = home.dir.path().join("copy.db");
    repository.copy_to(&copy).await.unwrap();
    assert!(matches!(repository.copy_to(&copy).await, Err(SqliteError::File { .. })));
    let mut removed = device.clone();
    device.run(Operation::Refresh, With::Method).await.unwrap();
    let next = device.next(Operation::Recover).await.unwrap();
    service.close().await;

    let copy = SqliteRepository::open(copy).await.unwrap();
    let config = Config { restored: true, ..home.config(Arc::new(copy)) };
    let restored = Service::open(config).await.unwrap();
    assert_eq!(restored.identity(), device.party.custodian);
    removed.custodian = restored.login(&user("alice"));
    assert!(removed.run(Operation::Recover, With::Method).await.is_err());
    let id = removed.operation();
    restored.approve(&user("alice"), removed.party.wallet, id).await.unwrap();
    let asked = removed.ask_as(Operation::Recover, With::Method, id, next).unwrap();
    let offered = removed.offer(asked, With::Method).await.unwrap();
    let prepared = removed.custodian.prepare(offered.message().clone()).await.unwrap();
    let ready = removed.finish(offered, &prepared).unwrap();
    removed.commit(&ready).await.unwrap();
    let state = removed.state().await.unwrap();
    assert!(!state.restored && state.backup.unwrap().epoch.get() == 3);
    restored.close().await;
}

#[tokio::test]
async fn a_full_disk_stops_writing_and_loses_nothing_that_was_acknowledged() {
    let home = Home::new();
    let options = SqliteOptions { max_pages: Some(80), ..SqliteOptions::default() };
    let repository = SqliteRepository::open_with(home.database(), options).await.unwrap();
    let service = Service::open(home.config(Arc::new(repository))).await.unwrap();
    let mut devices = Vec::new();
    let failure = loop {
        let name = format!("user {}", devices.len());
        let session = service.login(&user(&name));
        match Device::keygen(session, service.identity(), &name, BOTH).await {
            Ok(device) => devices.push(device),
            Err(failure) => break failure,
        }
        assert!(devices.len() < 1000, "the disk is never full");
    };
    let unavailable = match failure {
        Failure::Prepare(PrepareError::Unavailable(unavailable)) => unavailable,
        Failure::Commit(CommitError::Unavailable(unavailable)) => unavailable,
        other => panic!("{other:?}"),
    };
    assert_eq!(unavailable.cause, Outage::Failed);
    assert!(matches!(service.health(), Health::StoppedWriting(_)), "{:?}", service.health());
    assert!(!devices.is_empty());
    for device in &devices {
        assert!(device.state().await.unwrap().signing.is_some(), "what is there can be read");
    }
    let again = devices[0].run(Operation::FirstBackup, With::Device).await;
    assert!(matches!(again, Err(Failure::Prepare(PrepareError::Unavailable(_)))));
    service.close().await;

    let (service, _) = home.open().await;
    for device in &mut devices {
        device.custodian = service.login(&user(&device.party.user));
        device.run(Operation::FirstBackup, With::Device).await.unwrap();
    }
    service.close().await;
}

#[tokio::test]
async fn a_failed_synchronisation_stops_writing() {
    let home = Home::new();
    let (service, repository) = home.open().await;
    let mut device = backed_up(&service, "alice").await;
    let ready = device.prepare(Operation::Refresh, With::Method).await.unwrap();
    repository.hazmat_fail_next_commit();
    let failed = device.commit(&ready).await;
    assert!(matches!(failed, Err(Failure::Commit(CommitError::Unavailable(_)))), "{failed:?}");
    assert!(matches!(service.health(), Health::StoppedWriting(_)));
    assert!(matches!(repository.scrub().await, Err(StoreError::StoppedWriting(_))));
    service.close().await;
    let (service, _) = home.open().await;
    device.custodian = service.login(&user("alice"));
    device.commit(&ready).await.expect("it is pending still, and can be committed");
    service.close().await;
}

#[tokio::test]
async fn what_has_ended_is_gone_from_the_disk() {
    let home = Home::new();
    let (service, _) = home.open().await;
    let mut device = backed_up(&service, "alice").await;
    let first = sealed_records(&home).await;
    assert_eq!(first.len(), 4);
    assert!(first.iter().all(|record| contains(&home.bytes(), record)), "the scan finds them");

    // Recovery ends both epochs.
    device.run(Operation::Recover, With::Method).await.unwrap();
    let second = sealed_records(&home).await;
    service.scrub().await.unwrap();
    let bytes = home.bytes();
    assert!(second.iter().all(|record| contains(&bytes, record)));
    assert!(!first.iter().any(|record| contains(&bytes, record)));

    // What is pending and expires, answer included.
    device.prepare(Operation::Refresh, With::Method).await.unwrap();
    let with_pending = sealed_records(&home).await;
    let pending: Vec<_> = with_pending.iter().filter(|record| !second.contains(record)).collect();
    assert_eq!(pending.len(), 2);
    let mut connection = aside(&home).await;
    let answer = sqlx::query("SELECT session FROM pendings").fetch_one(&mut connection).await;
    let answer: Vec<u8> = answer.unwrap().get(0);
    connection.close().await.unwrap();
    home.clock.advance(Policy::default().pending);
    service.sweep().await.unwrap();
    service.scrub().await.unwrap();
    let bytes = home.bytes();
    assert!(!pending.iter().any(|record| contains(&bytes, record)));
    assert!(!contains(&bytes, &answer[answer.len() - 200..]));

    // Without being asked, soon.
    device.run(Operation::Recover, With::Method).await.unwrap();
    tokio::time::sleep(Duration::from_millis(400)).await;
    let bytes = home.bytes();
    assert!(!second.iter().any(|record| contains(&bytes, record)));

    // And everything of a user who is deleted.
    let last = sealed_records(&home).await;
    assert_eq!(service.delete_user(&user("alice")).await.unwrap().wallets, 1);
    service.scrub().await.unwrap();
    let bytes = home.bytes();
    assert!(!last.iter().any(|record| contains(&bytes, record)));
    assert!(matches!(device.state().await, Err(Failure::Read(ReadError::NotFound))));
    service.close().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_brings_nothing_back() {
    let home = Home::new();
    let (service, _) = home.open().await;
    let mut device = backed_up(&service, "alice").await;
    let ready = device.prepare(Operation::Refresh, With::Method).await.unwrap();
    home.clock.advance(Policy::default().pending);
    assert!(device.state().await.unwrap().pending.is_none(), "it was seen to have expired");
    home.clock.set(START - 1000);
    service.close().await;
    let (service, _) = home.open().await;
    device.custodian = service.login(&user("alice"));
    assert!(device.state().await.unwrap().pending.is_none());
    let ended = device.commit(&ready).await.map(|_| ());
    assert_eq!(ended, Err(Failure::Commit(CommitRefusal::OperationEnded.into())));

    // The grace of a replaced backup neither starts anew nor runs backwards.
    device.run(Operation::Replace, With::Device).await.unwrap();
    let left = device.state().await.unwrap().restorable.unwrap().left;
    home.clock.set(START - 50_000);
    assert_eq!(device.state().await.unwrap().restorable.unwrap().left, left);
    service.close().await;
}

#[tokio::test]
async fn a_restored_database_freezes_every_wallet() {
    let home = Home::new();
    let (service, _) = home.open().await;
    let mut device = backed_up(&service, "alice").await;
    let mut other = backed_up(&service, "bob").await;
    other.prepare(Operation::Refresh, With::Method).await.unwrap();
    service.close().await;
    let yesterday = home.copy();
    let (service, _) = home.open().await;
    device.custodian = service.login(&user("alice"));
    let before = device.clone();
    device.run(Operation::Refresh, With::Method).await.unwrap();
    service.close().await;

    home.put_back(&yesterday);
    // A start that is killed in the middle is taken up again by the next.
    let repository = SqliteRepository::open(home.database()).await.unwrap();
    repository.set_restoring(true).await.unwrap();
    repository.close().await;
    let (service, _) = home.open().await;
    for device in [&mut device, &mut other] {
        device.custodian = service.login(&user(&device.party.user));
        let state = device.state().await.unwrap();
        assert!(state.restored && state.pending.is_none());
        let refused = device.run(Operation::Replace, With::Device).await;
        let Err(Failure::Prepare(PrepareError::Refused(PrepareRefusal::Frozen(_)))) = refused
        else {
            panic!("{refused:?}")
        };
    }
    let mut before = before;
    before.custodian = service.login(&user("alice"));
    assert!(before.run(Operation::Recover, With::Method).await.is_err());
    let events = service.audit(None, 0, 100).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.act == Act::Restored).count(), 2);
    service.close().await;

    // Once, and not at the next start again.
    let (service, _) = home.open().await;
    let events = service.audit(None, 0, 100).await.unwrap();
    assert_eq!(events.iter().filter(|event| event.act == Act::Restored).count(), 2);
    service.close().await;
}

#[tokio::test]
async fn another_master_key_is_refused_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = DataDir::new(dir.path().join("data"));
    let service = Service::open(data.open().await.unwrap()).await.unwrap();
    backed_up(&service, "alice").await;
    service.close().await;
    for file in [data.master_key(), data.operator_key(), data.database()] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let (right, before) = (std::fs::read(data.master_key()), std::fs::read(data.database()));

    std::fs::remove_file(data.master_key()).unwrap();
    let missing = data.open().await.map(|_| ());
    assert!(matches!(missing, Err(OpenError::MasterKeyMissing { .. })), "{missing:?}");
    std::fs::write(data.master_key(), "nonsense").unwrap();
    let malformed = data.open().await.map(|_| ());
    assert!(matches!(malformed, Err(OpenError::MalformedKey { .. })), "{malformed:?}");
    std::fs::remove_file(data.master_key()).unwrap();
    LocalKms::create(&data.master_key(), &mut rand::rng()).unwrap();
    let config = data.open().await.unwrap();
    let repository = config.repository.clone();
    let wrong = Service::open(config).await.map(|_| ());
    assert!(matches!(wrong, Err(OpenError::WrongMasterKey)), "{wrong:?}");
    repository.close().await;
    assert_eq!(std::fs::read(data.database()).unwrap(), before.unwrap());

    std::fs::write(data.master_key(), right.unwrap()).unwrap();
    let service = Service::open(data.open().await.unwrap()).await.unwrap();
    assert_eq!(service.login(&user("alice")).wallets().await.unwrap().len(), 1);
    service.close().await;
}

#[tokio::test]
async fn a_damaged_record_harms_its_own_wallet_only() {
    let home = Home::new();
    let (service, _) = home.open().await;
    let mut harmed = backed_up(&service, "alice").await;
    let mut other = backed_up(&service, "bob").await;
    let wallet = harmed.party.wallet.to_bytes().to_vec();
    let mut connection = aside(&home).await;
    // A record of the same wallet in another's place fits no better than noise.
    let swap = "UPDATE epoch_shares SET sealed = (SELECT s.sealed FROM epoch_shares s WHERE \
                s.wallet = epoch_shares.wallet AND s.purpose = 1 AND s.place = epoch_shares.place) \
                WHERE purpose = 2 AND wallet = (SELECT id FROM wallets WHERE wallet = ?)";
    sqlx::query(swap).bind(&wallet).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let nonce = Nonce::from_bytes([3; 32]);
    let drilled = harmed.custodian.drill(harmed.party.wallet, nonce).await.map(|_| ());
    assert_eq!(drilled, Err(ReadError::Damaged));
    let refreshed = harmed.run(Operation::Refresh, With::Method).await.map(|_| ());
    assert_eq!(refreshed.unwrap_err(), Failure::Prepare(PrepareError::Damaged));
    harmed.run(Operation::Replace, With::Device).await.expect("the signing pair is as it was");
    other.custodian.drill(other.party.wallet, nonce).await.unwrap();
    other.run(Operation::Refresh, With::Method).await.unwrap();
    service.close().await;
}

#[tokio::test]
async fn whoever_stops_waiting_changes_nothing() {
    let home = Home::new();
    let (service, _) = home.open().await;
    let mut device = backed_up(&service, "alice").await;
    for microseconds in [0, 100, 500, 1000, 3000, 10_000] {
        let asked = device.ask(Operation::Refresh, With::Method).await.unwrap();
        let offered = device.offer(asked, With::Method).await.unwrap();
        let prepare = || device.custodian.prepare(offered.message().clone());
        let _lost = tokio::time::timeout(Duration::from_micros(microseconds), prepare()).await;
        let prepared = prepare().await.expect("asked again, it answers");
        let ready = device.finish(offered, &prepared).unwrap();
        let commit = ready.commit(Some(twoshare_core::digest::Digest::of(b"e")), device.rng());
        let again = || device.custodian.commit(commit.clone());
        let _lost = tokio::time::timeout(Duration::from_micros(microseconds), again()).await;
        again().await.unwrap();
        device.adopt(&ready);
    }
    service.close().await;
}

#[tokio::test]
async fn a_change_is_made_against_what_was_loaded() {
    use twoshare_custodian::repository::{
        Becomes, Change, Kept, PendingChange, SaveError, WalletRecord, Wanted,
    };
    let home = Home::new();
    let (service, repository) = home.open().await;
    let device = backed_up(&service, "alice").await;
    let (name, wallet) = (user("alice"), device.party.wallet);
    let loaded = repository.load(&name, wallet, Wanted::default()).await.unwrap().unwrap();
    let change = |record: &WalletRecord, is_frozen: bool| {
        let mut fields = record.fields.clone();
        fields.freezes.operator = is_frozen;
        let kept = Kept {
            fields,
            made: Vec::new(),
            moved: Vec::new(),
            over: Vec::new(),
            pending: PendingChange::Same,
            outcomes: Default::default(),
            keys: Vec::new(),
            retired: None,
        };
        Change {
            user: name.clone(),
            wallet,
            version: Some(record.version),
            most_wallets: 1,
            new_keys: false,
            becomes: Becomes::Kept(Box::new(kept)),
            notice: None,
            events: Vec::new(),
        }
    };
    repository.save(change(&loaded, true)).await.unwrap();
    assert_eq!(repository.save(change(&loaded, false)).await, Err(SaveError::Conflict));
    assert!(device.state().await.unwrap().frozen);
    let loaded = repository.load(&name, wallet, Wanted::default()).await.unwrap().unwrap();
    repository.save(change(&loaded, false)).await.unwrap();
    service.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_services_on_one_database_lose_nothing_of_each_other() {
    let home = Home::new();
    let (service, _) = home.open().await;
    let (beside, _) = home.open().await;
    assert_eq!(service.identity(), beside.identity());
    let mut device = backed_up(&service, "alice").await;
    let wallet = device.party.wallet;
    // The command beside the server: the wallet is frozen and thawed while its owner works.
    let operator = tokio::spawn({
        let beside = beside.clone();
        async move {
            for _ in 0..30 {
                beside.freeze(&user("alice"), wallet).await.unwrap();
                beside.unfreeze(&user("alice"), wallet, None).await.unwrap();
            }
        }
    });
    let mut done = 0;
    while !operator.is_finished() || done == 0 {
        if device.run(Operation::Refresh, With::Method).await.is_ok() {
            done += 1;
        } else {
            // Whatever was lost on the way is found by asking.
            let state = device.state().await.unwrap();
            let is_mine = state.backup.unwrap().commitments
                == device.backup.iter().map(|share| share.commitment()).collect::<Vec<_>>();
            assert!(is_mine || state.pending.is_none());
            if let Some(pending) = state.pending {
                let signing = device.signing.clone();
                let _may_be_frozen = device
                    .abandon(pending.id, twoshare_protocol::session::Proving::Signing(&signing))
                    .await;
                home.clock.advance(Policy::default().pending);
            }
        }
    }
    operator.await.unwrap();
    let events = service.audit(None, 0, 1000).await.unwrap();
    let count = |act| events.iter().filter(|event| event.act == act).count();
    assert_eq!((count(Act::Frozen), count(Act::Unfrozen)), (30, 30));
    assert_eq!(count(Act::Committed), 2 + done);
    let state = device.state().await.unwrap();
    assert!(!state.frozen && state.backup.unwrap().epoch.get() > done as u64);
    beside.close().await;
    service.close().await;
}

#[tokio::test]
async fn signing_shares_are_for_the_signing_service_while_the_wallet_may_sign() {
    use twoshare_core::curve::AnySigningKey;
    use twoshare_custodian::SigningError;
    let home = Home::new();
    let (service, _) = home.open().await;
    let mut device = backed_up(&service, "alice").await;
    let wallet = device.party.wallet;
    let (alice, bob) = (user("alice"), user("bob"));
    let shares = service.signing_shares(&alice, wallet).await.unwrap();
    for (mine, theirs) in device.signing.iter().zip(&shares) {
        AnySigningKey::reconstruct(mine, theirs, &mine.verifying_key()).unwrap();
    }
    let revoked = device.signing[0].clone();
    device.run(Operation::Recover, With::Method).await.unwrap();
    let shares = service.signing_shares(&alice, wallet).await.unwrap();
    AnySigningKey::reconstruct(&revoked, &shares[0], &revoked.verifying_key()).unwrap_err();
    service.freeze(&alice, wallet).await.unwrap();
    let frozen = service.signing_shares(&alice, wallet).await.map(|_| ());
    assert!(matches!(frozen, Err(SigningError::Frozen(_))));
    let other = service.signing_shares(&bob, wallet).await.map(|_| ());
    assert_eq!(other, Err(SigningError::NotFound));
    service.close().await;
}
