//! The thief of the database: a copy of it, with the master key or without, old copies, and a hand
//! in it.

use std::collections::BTreeMap;

use aes_gcm::{
    Aes256Gcm, KeyInit as _,
    aead::{Aead as _, Payload},
};
use sqlx::Row as _;
use twoshare::{
    MemoryDevice, Method,
    core::{
        curve::AnySigningKey,
        digest::Digest,
        envelope::{Envelope, Expected, OpenError},
        id::{CurveId, Epoch, OperationId, Purpose, Sharing, WalletId},
        method::{Password, SlotKind},
        proof::Operation,
        secret::SecretBytes,
        share::{AnyClientShare, AnyCommitment, AnyCustodianShare, KeyId},
    },
    protocol::{
        Custodian as _, Nonce,
        custodian::{PrepareError, ReadError},
    },
};
use twoshare_custodian::{
    Kms, OpenError as StartError, Token,
    kms::{KmsKey, LocalKms, Place},
    local::DataDir,
};
use twoshare_protocol::conformance::device::With;

use crate::support::{
    BOTH, HOUR, ONE, THIEF, USER, World, change, code, connect, contains, is_in, told, user,
};

/// A sealed share as the thief finds it.
struct Found {
    place: PlaceOf,
    commitment: AnyCommitment,
    sealed: Vec<u8>,
}

/// Where it is, owned.
#[derive(Clone)]
struct PlaceOf {
    user: String,
    wallet: WalletId,
    purpose: Purpose,
    epoch: Epoch,
    key: u8,
    curve: CurveId,
    operation: OperationId,
}

impl Found {
    /// What the master key makes of it, as the custodian's documentation says.
    async fn open(&self, kms: &LocalKms) -> Option<AnyCustodianShare> {
        let PlaceOf { wallet, purpose, epoch, key, curve, operation, .. } = self.place;
        let user = user(&self.place.user);
        let commitment = Digest::of(&self.commitment.to_bytes());
        let place =
            Place { purpose, user: &user, wallet, key, curve, epoch, operation, commitment };
        let value = open(kms, &place.to_bytes(), &self.sealed).await?;
        let id = KeyId { sharing: Sharing { wallet, purpose, epoch }, index: key };
        // Exposed: to the share, which checks it.
        AnyCustodianShare::new(id, self.commitment.clone(), value.expose_secret()).ok()
    }
}

async fn open(kms: &LocalKms, aad: &[u8], record: &[u8]) -> Option<SecretBytes> {
    let (&1, rest) = record.split_first()? else { return None };
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (wrapped, msg) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let key = kms.unwrap(KmsKey::Shares, aad, wrapped).await.ok()?;
    // Exposed: to the cipher.
    let cipher = Aes256Gcm::new_from_slice(key.expose_secret()).unwrap();
    cipher.decrypt(&[0; 12].into(), Payload { msg, aad }).ok().map(SecretBytes::from)
}

/// Every sealed share of a database.
async fn sealed(dir: &DataDir) -> Vec<Found> {
    let mut connection = connect(&dir.database()).await;
    let rows = sqlx::query(
        "SELECT u.name, w.wallet, e.purpose, e.number, s.place, s.curve, e.operation, \
         s.commitment, s.sealed FROM epoch_shares s \
         JOIN epochs e ON (e.wallet, e.purpose, e.number) = (s.wallet, s.purpose, s.number) \
         JOIN wallets w ON w.id = s.wallet JOIN users u ON u.id = w.user",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let number = |n: i64| u64::try_from(n).unwrap();
    rows.iter()
        .map(|row| {
            let curve = CurveId::from_number(number(row.get(5))).unwrap();
            let bytes = |place| row.get::<Vec<u8>, _>(place);
            Found {
                place: PlaceOf {
                    user: row.get(0),
                    wallet: WalletId::from_bytes(bytes(1).try_into().unwrap()),
                    purpose: Purpose::from_number(number(row.get(2))).unwrap(),
                    epoch: Epoch::new(number(row.get(3))).unwrap(),
                    key: u8::try_from(row.get::<i64, _>(4)).unwrap(),
                    curve,
                    operation: OperationId::from_bytes(bytes(6).try_into().unwrap()),
                },
                commitment: AnyCommitment::from_bytes(curve, &bytes(7)).unwrap(),
                sealed: bytes(8),
            }
        })
        .collect()
}

/// The bare values of all custodian shares that there are now.
pub(crate) async fn unsealed(world: &World) -> Vec<Vec<u8>> {
    let (dir, mut values) = (world.data(), Vec::new());
    for found in sealed(&dir).await {
        let share = found.open(&kms(&dir)).await.unwrap();
        // Exposed: to be looked for.
        values.push(share.expose_secret().expose_secret().to_vec());
    }
    values
}

/// The custodian's own keys, as whoever has the master key finds them.
pub(crate) async fn identity(world: &World) -> Vec<u8> {
    let mut connection = world.sql().await;
    let sql = "SELECT sealed FROM secrets WHERE name = 'identity'";
    let sealed: Vec<u8> = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
    let opened = open(&kms(&world.data()), b"twoshare/v1/custodian/identity", &sealed).await;
    // Exposed: to the thief.
    opened.unwrap().expose_secret().to_vec()
}

fn kms(dir: &DataDir) -> LocalKms {
    LocalKms::open(&dir.master_key()).unwrap()
}

/// The custodian's shares of a wallet that the thief of database and master key has.
async fn custodian_shares(
    dir: &DataDir,
    kms: &LocalKms,
    wallet: WalletId,
    purpose: Purpose,
) -> BTreeMap<(Epoch, u8), AnyCustodianShare> {
    let mut shares = BTreeMap::new();
    for found in sealed(dir).await {
        if (found.place.wallet, found.place.purpose) == (wallet, purpose) {
            let share = found.open(kms).await.unwrap();
            shares.insert((found.place.epoch, found.place.key), share);
        }
    }
    shares
}

/// Whether these two halves make the key.
fn make_the_key(mine: &AnyClientShare, theirs: &AnyCustodianShare) -> bool {
    AnySigningKey::reconstruct(mine, theirs, &mine.verifying_key()).is_ok()
}

/// Whether their bare numbers do, whatever they say that they belong to.
fn numbers_make_the_key(mine: &AnyClientShare, theirs: &AnyCustodianShare) -> bool {
    // As if they were of one sharing: x = 2·f(1) − f(2), which the commitment of either checks.
    let relabelled = |commitment: AnyCommitment| {
        let theirs =
            AnyCustodianShare::new(mine.id(), commitment, theirs.expose_secret().expose_secret())?;
        Ok::<_, twoshare::core::share::ShareError>(make_the_key(mine, &theirs))
    };
    [mine.commitment(), theirs.commitment()].into_iter().any(|c| relabelled(c).unwrap_or(false))
}

#[tokio::test]
async fn every_byte_of_it_is_searched_and_none_is_a_secret() {
    let mut world = World::new().await;
    let dir = world.data();
    let master = kms(&dir);
    let mut secrets: Vec<(String, Vec<u8>)> = Vec::new();
    // Exposed here and below: to be looked for.
    let token = world.service.issue_session(&user(USER), HOUR).await.unwrap().token;
    let operator = std::fs::read_to_string(dir.operator_key()).unwrap();
    for (name, token) in [("token", token.expose_secret()), ("operator key", operator.trim())] {
        secrets.push((name.into(), hex::decode(token).unwrap()));
        // It is a token, so that the search is for the right thing.
        assert!(Token::parse(token).is_ok());
    }
    let text = std::fs::read_to_string(dir.master_key()).unwrap();
    secrets.push(("master key".into(), hex::decode(text.trim()).unwrap()));

    let (mut mpc, mut single) = (world.mpc(USER, BOTH).await, world.single(USER, BOTH).await);
    let keys: Vec<_> = single.keys.iter().map(AnySigningKey::expose_secret).collect();
    secrets.extend(keys.iter().map(|key| ("key".into(), key.expose_secret().to_vec())));
    let mut copies = vec![world.database()];
    let mut custodian = 0;
    for step in [
        (Operation::Refresh, With::Method),
        (Operation::Replace, With::Device),
        (Operation::Recover, With::Method),
    ] {
        for device in [&mut mpc, &mut single] {
            let ready = device.prepare(step.0, step.1).await.unwrap();
            // In the middle of it, too.
            copies.push(world.database());
            for found in sealed(&dir).await {
                let share = found.open(&master).await.unwrap();
                secrets.push(("f(2)".into(), share.expose_secret().expose_secret().to_vec()));
                custodian += 1;
            }
            let shares = ready.signing().iter().chain(ready.backup()).chain(&device.backup);
            for share in shares.chain(&device.signing) {
                secrets.push(("f(1)".into(), share.expose_secret().expose_secret().to_vec()));
            }
            device.commit(&ready).await.unwrap();
            device.adopt(&ready);
        }
    }
    assert!(custodian > 20, "the search is for what is really there");
    secrets.push(("identity".into(), identity(&world).await[1..33].to_vec()));
    copies.push(world.database());
    world.restart(false).await;
    copies.push(world.database());

    secrets.sort();
    secrets.dedup();
    let all: Vec<u8> = copies.into_iter().flatten().flat_map(|(_, bytes)| bytes).collect();
    for (name, secret) in &secrets {
        assert!(!is_in(secret, &all), "{name} is in the database");
    }
    // The search finds what is there.
    let there = mpc.party.wallet.to_bytes();
    assert!(is_in(&there, &all) && is_in(&there, hex::encode(there).as_bytes()));
}

#[tokio::test]
async fn without_the_master_key_nothing_of_it_opens() {
    let world = World::new().await;
    let mut device = world.mpc(USER, BOTH).await;
    device.prepare(Operation::Refresh, With::Method).await.unwrap();
    let copy = world.stolen(false);
    let stolen = DataDir::new(copy.path());
    let found = sealed(&stolen).await;
    assert_eq!(found.len(), 6, "signing, backup and pending, of two keys each");
    let other = LocalKms::make(&mut rand::rng());
    for found in &found {
        assert!(found.open(&other).await.is_none());
    }
    // Nor does a server start on it, nor make another key for it.
    assert!(matches!(stolen.open().await, Err(StartError::MasterKeyMissing { .. })));
    LocalKms::create(&stolen.master_key(), &mut rand::rng()).unwrap();
    let config = stolen.open().await.unwrap();
    let started = twoshare_custodian::Service::open(config).await;
    assert!(matches!(started, Err(StartError::WrongMasterKey)));
    // With it all opens, and is one half of each.
    let copy = world.stolen(true);
    let stolen = DataDir::new(copy.path());
    for found in sealed(&stolen).await {
        assert!(found.open(&kms(&stolen)).await.is_some());
    }
}

#[tokio::test]
async fn old_copies_and_new_ones_do_not_combine() {
    let mut world = World::new().await;
    let mut device = world.mpc(USER, ONE).await;
    let wallet = device.party.wallet;
    // Everything of every epoch: the shares of the client, and the custodian's from a copy each.
    let mut clients = vec![device.signing.clone(), device.backup.clone()];
    let mut copies = vec![world.stolen(true)];
    for (operation, with) in [
        (Operation::Refresh, With::Method),
        (Operation::Replace, With::Device),
        (Operation::Recover, With::Method),
        (Operation::Refresh, With::Method),
    ] {
        device.run(operation, with).await.unwrap();
        clients.extend([device.signing.clone(), device.backup.clone()]);
        copies.push(world.stolen(true));
    }
    let mut custodian = Vec::new();
    for copy in &copies {
        let dir = DataDir::new(copy.path());
        for purpose in [Purpose::Signing, Purpose::Backup] {
            custodian.extend(custodian_shares(&dir, &kms(&dir), wallet, purpose).await);
        }
    }
    let custodian: Vec<_> = custodian.into_iter().map(|(_, share)| share).collect();
    let (mut together, mut apart) = (0, 0);
    for mine in clients.iter().flatten() {
        for theirs in &custodian {
            let same = mine.id() == theirs.id();
            assert_eq!(make_the_key(mine, theirs), same);
            assert_eq!(numbers_make_the_key(mine, theirs), same);
            if same { together += 1 } else { apart += 1 }
        }
    }
    assert!(together > 5 && apart > 20);

    // What has ended is gone from the newest copy: from tables, free pages and the journal.
    let before: Vec<_> = sealed(&DataDir::new(copies[0].path())).await;
    let journaled = world.database();
    assert!(journaled.iter().any(|(name, _)| name.ends_with("-wal")));
    world.service.scrub().await.unwrap();
    let after: Vec<u8> = world.database().into_iter().flat_map(|(_, bytes)| bytes).collect();
    for found in &before {
        assert!(!is_in(&found.sealed[64..], &after), "{:?}", found.place.epoch);
    }
    let now = sealed(&world.data()).await;
    assert!(now.iter().all(|found| is_in(&found.sealed[64..], &after)));
    // Also after a restart, which empties the journal by itself.
    device.run(Operation::Refresh, With::Method).await.unwrap();
    world.restart(false).await;
    let after: Vec<u8> = world.database().into_iter().flat_map(|(_, bytes)| bytes).collect();
    let newest = now.iter().filter(|found| found.place.purpose == Purpose::Backup);
    let newest = newest.max_by_key(|found| found.place.epoch).unwrap();
    assert!(!is_in(&newest.sealed[64..], &after));
}

/// Somebody who can write to the database, and has no key: records in the places of others.
#[tokio::test]
async fn a_record_opens_in_its_own_place_only() {
    let world = World::new().await;
    let mut alice = world.mpc(USER, &[CurveId::Ed25519, CurveId::Ed25519]).await;
    let other = world.mpc(USER, &[CurveId::Ed25519, CurveId::Ed25519]).await;
    let mallory = world.mpc(THIEF, &[CurveId::Ed25519, CurveId::Ed25519]).await;
    let mut database = world.sql().await;
    change(&mut database, "CREATE TABLE kept AS SELECT * FROM epoch_shares").await;
    let nonce = Nonce::from_bytes([1; 32]);
    let drill = || alice.custodian.drill(alice.party.wallet, nonce);
    assert!(drill().await.is_ok());

    let alices =
        format!("(SELECT id FROM wallets WHERE wallet = x'{}')", hexed(&alice.party.wallet));
    let other =
        format!("(SELECT id FROM wallets WHERE wallet = x'{}')", hexed(&other.party.wallet));
    let mallorys =
        format!("(SELECT id FROM wallets WHERE wallet = x'{}')", hexed(&mallory.party.wallet));
    let place = |wallet: &str, purpose: u8, place: u8| {
        format!(
            "(SELECT {{}} FROM kept WHERE (wallet, purpose, place) = ({wallet}, {purpose}, {place}))"
        )
    };
    for (name, from) in [
        ("another key", place(&alices, 2, 1)),
        ("another purpose", place(&alices, 1, 0)),
        ("another wallet", place(&other, 2, 0)),
        ("another user", place(&mallorys, 2, 0)),
    ] {
        // The sealed value alone, and the whole record.
        for columns in [&["sealed"][..], &["sealed", "commitment"]] {
            let set: Vec<_> = columns
                .iter()
                .map(|column| format!("{column} = {}", from.replace("{}", column)))
                .collect();
            let sql = format!(
                "UPDATE epoch_shares SET {} WHERE (wallet, purpose, place) = ({alices}, 2, 0)",
                set.join(", ")
            );
            run(&mut database, &sql).await;
            assert_eq!(drill().await.unwrap_err(), ReadError::Damaged, "{name}");
            run(&mut database, RESTORE).await;
            assert!(drill().await.is_ok());
        }
    }
    // The operation that made it, and the number of the epoch.
    for sql in [
        "UPDATE epochs SET operation = randomblob(16) WHERE purpose = 2",
        "PRAGMA foreign_keys = OFF; UPDATE epochs SET number = 9 WHERE purpose = 2; \
         UPDATE epoch_shares SET number = 9 WHERE purpose = 2",
    ] {
        run(&mut database, "CREATE TABLE epochs_kept AS SELECT * FROM epochs").await;
        run(&mut database, sql).await;
        assert_eq!(drill().await.unwrap_err(), ReadError::Damaged, "{sql}");
        let put_back = "PRAGMA foreign_keys = OFF; DELETE FROM epoch_shares; DELETE FROM epochs; \
             INSERT INTO epochs SELECT * FROM epochs_kept; \
             INSERT INTO epoch_shares SELECT * FROM kept; DROP TABLE epochs_kept";
        run(&mut database, put_back).await;
        assert!(drill().await.is_ok());
    }
    // A whole wallet in another user's hands, and a user under another name.
    for sql in [
        "UPDATE wallets SET user = (SELECT id FROM users WHERE name = 'mallory') \
         WHERE user = (SELECT id FROM users WHERE name = 'alice')",
        "UPDATE users SET name = 'nobody' WHERE name = 'mallory'; \
         UPDATE users SET name = 'mallory' WHERE name = 'alice'",
    ] {
        run(&mut database, "CREATE TABLE wallets_kept AS SELECT id, user FROM wallets").await;
        run(&mut database, "CREATE TABLE users_kept AS SELECT * FROM users").await;
        run(&mut database, sql).await;
        let stolen = world.login(THIEF).drill(alice.party.wallet, nonce).await;
        assert_eq!(stolen.unwrap_err(), ReadError::Damaged);
        let put_back = "UPDATE users SET name = 'x' || name; \
             UPDATE users SET name = (SELECT k.name FROM users_kept k WHERE k.id = users.id); \
             UPDATE wallets SET user = (SELECT k.user FROM wallets_kept k WHERE k.id = wallets.id); \
             DROP TABLE users_kept; DROP TABLE wallets_kept";
        run(&mut database, put_back).await;
    }
    alice.run(Operation::Refresh, With::Method).await.unwrap();
}

const RESTORE: &str = "UPDATE epoch_shares SET (sealed, commitment) = (SELECT k.sealed, k.commitment \
    FROM kept k WHERE (k.wallet, k.purpose, k.number, k.place) = \
    (epoch_shares.wallet, epoch_shares.purpose, epoch_shares.number, epoch_shares.place))";

fn hexed(wallet: &WalletId) -> String {
    hex::encode(wallet.to_bytes())
}

async fn run(database: &mut sqlx::SqliteConnection, sql: &str) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(database).await.unwrap();
}

/// A pending epoch that is written over the active one is not answered for.
#[tokio::test]
async fn a_pending_share_does_not_pass_for_the_active_one() {
    let world = World::new().await;
    let mut device = world.mpc(USER, ONE).await;
    device.prepare(Operation::Refresh, With::Method).await.unwrap();
    let mut database = world.sql().await;
    change(
        &mut database,
        "UPDATE epoch_shares SET (sealed, commitment) = (SELECT sealed, commitment FROM \
         epoch_shares WHERE purpose = 2 AND number = 2) WHERE purpose = 2 AND number = 1",
    )
    .await;
    let nonce = Nonce::from_bytes([1; 32]);
    let drilled = device.custodian.drill(device.party.wallet, nonce).await;
    assert_eq!(drilled.unwrap_err(), ReadError::Damaged);
    // Nor does the owner's own share prove anything against another commitment.
    let refused = told(device.prepare(Operation::Recover, With::Method).await);
    assert!(matches!(refused, Ok(PrepareError::Evidence(_))), "{refused:?}");
}

/// Database, master key and all envelopes, and no method: one half of everything, and a guess costs
/// what the method says. With the right guess there is the key: that is what a password is worth.
#[tokio::test]
async fn with_every_envelope_and_the_master_key_a_password_is_left_to_guess() {
    let world = World::new().await;
    let client = world.client(MemoryDevice::new());
    let (password, code) = (|| Password::new("correct horse battery staple 92!").unwrap(), code());
    let method: Method = std::sync::Arc::new(password());
    let wallet = client.create_wallet(ONE, None).await.unwrap();
    client.backup(wallet.id(), &[method, code.clone()]).await.unwrap();
    client.refresh(wallet.id(), &code).await.unwrap();

    let copy = world.stolen(true);
    let dir = DataDir::new(copy.path());
    let mut connection = connect(&dir.database()).await;
    let envelopes: Vec<Vec<u8>> = sqlx::query_scalar("SELECT bytes FROM envelopes ORDER BY epoch")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(envelopes.len(), 2);
    let shares = custodian_shares(&dir, &kms(&dir), wallet.id(), Purpose::Backup).await;
    let [active] = shares.values().collect::<Vec<_>>()[..] else { panic!("one epoch counts") };
    for (number, bytes) in (1..).zip(&envelopes) {
        let envelope = Envelope::from_bytes(bytes).unwrap();
        // No share of either side is in it in the clear, nor a public key of the wallet.
        // Exposed: to be looked for.
        assert!(!is_in(active.expose_secret().expose_secret(), bytes));
        assert!(!is_in(&wallet.verifying_keys()[0].to_bytes(), bytes));
        let slots = envelope.slots();
        assert_eq!(slots.len(), 2);
        // What a guess costs stands in the slot: 64 MiB (in KiB, as CBOR writes it) at least.
        let slot = slots.iter().find(|slot| slot.kind == SlotKind::Password).unwrap();
        assert!(contains(&slot.parameters, &[0x1a, 0, 1, 0, 0]));
        let expected = Expected { wallet: Some(wallet.id()), ..Expected::default() };
        for guess in ["correct horse battery staple 91!", "password"] {
            let guess = Password::new(guess).unwrap();
            let opened = envelope.open(&guess, &expected).await;
            assert!(matches!(opened, Err(OpenError::WrongSecret { .. })), "{opened:?}");
        }
        let guess = crate::support::code();
        let opened = envelope.open(&*guess, &expected).await;
        assert!(matches!(opened, Err(OpenError::WrongSecret { .. })), "{opened:?}");
        // Whoever knows the method has the other half: of this epoch, and no other.
        let opened = envelope.open(&password(), &expected).await.unwrap();
        let mine = &opened.payload.keys[0];
        assert_eq!(make_the_key(mine, active), number == 2);
        assert_eq!(numbers_make_the_key(mine, active), number == 2);
    }
}
