//! The thief of an unlocked phone, at whatever moment it was copied.

use twoshare::{
    Converted, MemoryDevice, Method, MethodChange, Resumed,
    core::{
        curve::{Secp256k1, SigningKey},
        id::{Purpose, WalletId, WalletKind},
        proof::Operation,
        sealed::{SecretKind, WalletSecret},
        secret::SecretBytes,
    },
    error::RecoverError,
    protocol::{Custodian as _, Nonce, rules::Policy},
};
use twoshare_protocol::conformance::device::{Device, With};

use crate::support::{
    Camera, HOUR, ONE, USER, World, code, misuse, record, recover, shares_in, user,
};

/// What the owner is in the middle of when the phone is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    FirstBackup,
    Replace,
    Refresh,
    AddMethod,
    RecoverHere,
    Convert,
}

/// The owner, their phone, and a backup made before, except where the first is being made.
struct Owner {
    world: World,
    phone: Camera,
    wallet: WalletId,
    method: Method,
    /// What they enter in the middle of it.
    new: Method,
    kind: WalletKind,
}

impl Owner {
    async fn new(kind: WalletKind, doing: Doing) -> Self {
        let world = World::new().await;
        let phone = Camera::new();
        let client = world.client(phone.clone());
        let wallet = match kind {
            WalletKind::Mpc => client.create_wallet(ONE, None).await.unwrap().id(),
            WalletKind::SingleKey => {
                let key = SigningKey::make(&mut twoshare::rng());
                let import = vec![twoshare::Import::Key(key)];
                client.import_wallet(import, None).await.unwrap().id()
            }
        };
        let (method, new) = (code(), code());
        if doing != Doing::FirstBackup {
            client.backup(wallet, std::slice::from_ref(&method)).await.unwrap();
        }
        Self { world, phone, wallet, method, new, kind }
    }

    /// Does it, as far as the phone lets them. Whether it was done.
    async fn act(&self, doing: Doing) -> bool {
        let client = self.world.client(self.phone.clone());
        let (wallet, method) = (self.wallet, &self.method);
        match doing {
            Doing::FirstBackup => client.backup(wallet, std::slice::from_ref(method)).await.is_ok(),
            Doing::Replace => client.replace(wallet, std::slice::from_ref(&self.new)).await.is_ok(),
            Doing::Refresh => client.refresh(wallet, method).await.is_ok(),
            Doing::AddMethod => {
                let add = vec![MethodChange::Add(self.new.clone())];
                client.change_methods(wallet, method, add).await.is_ok()
            }
            Doing::RecoverHere => recover(&client, wallet, method).await.is_ok(),
            Doing::Convert => {
                matches!(client.convert(wallet, method).await, Ok(Converted::Done(_)))
            }
        }
    }

    /// The kind that the custodian states.
    async fn kind(&self) -> WalletKind {
        let session = self.world.login(USER);
        let state = session.state(self.wallet, Nonce::from_bytes([5; 32])).await;
        state.map_or(self.kind, |state| state.unverified().kind)
    }

    /// Whether the backup has what only its owner's method could have written there.
    async fn recovers(&self) -> Result<(), RecoverError> {
        let client = self.world.client(MemoryDevice::new());
        let found = match recover(&client, self.wallet, &self.method).await {
            // Replaced by the owner, who entered another.
            Err(_) => recover(&client, self.wallet, &self.new).await?,
            found => found?,
        };
        assert_eq!(found.kind(), self.kind().await);
        Ok(())
    }

    /// Everything that the thief can do with what is on the phone.
    async fn rob(&self, phone: &MemoryDevice) {
        let client = self.world.client(phone.clone());
        let (wallet, mine) = (self.wallet, code());
        let _ = client.resume(wallet).await;
        assert!(client.eject(wallet, &mine).await.is_err());
        assert!(client.refresh(wallet, &mine).await.is_err());
        assert!(client.convert(wallet, &mine).await.is_err());
        assert!(recover(&self.world.client(MemoryDevice::new()), wallet, &mine).await.is_err());
        let _ = client.replace(wallet, std::slice::from_ref(&mine)).await;
        // Not a second time, so that the owner's is gone.
        let again = client.replace(wallet, std::slice::from_ref(&code())).await;
        assert!(again.is_err());
        assert!(client.eject(wallet, &mine).await.is_err(), "no window opened");
        let _ = client.refresh(wallet, &mine).await;
    }

    /// A device of the thief's, which has nothing but what is found.
    async fn thief(&self) -> Device<twoshare_custodian::LocalSession> {
        let (session, identity) = (self.world.login(USER), self.world.service.identity());
        let mut thief = Device::import(session, identity, USER, ONE);
        thief.keys.clear();
        thief.party.wallet = self.wallet;
        thief.party.kind = self.kind().await;
        thief
    }
}

const ALL: [(WalletKind, Doing); 10] = [
    (WalletKind::Mpc, Doing::FirstBackup),
    (WalletKind::Mpc, Doing::Replace),
    (WalletKind::Mpc, Doing::Refresh),
    (WalletKind::Mpc, Doing::AddMethod),
    (WalletKind::Mpc, Doing::RecoverHere),
    (WalletKind::SingleKey, Doing::FirstBackup),
    (WalletKind::SingleKey, Doing::Replace),
    (WalletKind::SingleKey, Doing::Refresh),
    (WalletKind::SingleKey, Doing::RecoverHere),
    (WalletKind::SingleKey, Doing::Convert),
];

/// Copied at every save of every operation, and used at that very moment, with a token: whoever
/// opens one of the owner's methods has the wallet back, and then the copy is worth nothing.
#[tokio::test]
async fn taken_at_any_stage_it_costs_its_owner_no_backup() {
    let mut stages = 0;
    for (kind, doing) in ALL {
        // Before the first backup the thief's phone is as good as its owner's: nothing to restore.
        for stop in u64::from(doing == Doing::FirstBackup).. {
            let owner = Owner::new(kind, doing).await;
            owner.phone.stop_after(Some(stop));
            let done = owner.act(doing).await;
            stages += 1;
            let phone = owner.phone.copy();
            let at = format!("{kind:?} {doing:?} stopped at save {stop}");
            let holds = shares_in(&record(&phone, owner.wallet).await);
            owner.rob(&phone).await;
            if doing != Doing::FirstBackup {
                owner.recovers().await.unwrap_or_else(|error| panic!("{at}: {error:?}"));
                // What was on the phone begins nothing any more.
                for purpose in [Purpose::Signing, Purpose::Backup] {
                    for share in holds.iter().filter(|s| s.id().sharing.purpose == purpose) {
                        let mut thief = owner.thief().await;
                        let misused = misuse(&mut thief, std::slice::from_ref(share)).await;
                        assert_eq!(misused, [], "{at}");
                    }
                }
                // Of a single-key wallet it has the key, until that stands for nothing.
                if owner.kind().await == WalletKind::Mpc {
                    let client = owner.world.client(phone);
                    let resumed = client.resume(owner.wallet).await;
                    assert!(!matches!(resumed, Ok(Resumed::Finished { .. })), "{at}: {resumed:?}");
                    let replaced = client.replace(owner.wallet, &[code()]).await;
                    assert!(replaced.is_err(), "{at}");
                }
            }
            if done {
                break;
            }
        }
    }
    assert!(stages > 30, "{stages} stages");
}

/// At rest no share of a backup is on a phone, and what is on it asks for no more than a replace.
#[tokio::test]
async fn at_rest_it_holds_no_share_of_a_backup() {
    for (kind, doing) in ALL {
        let owner = Owner::new(kind, doing).await;
        assert!(owner.act(doing).await);
        let phone = record(&owner.phone.copy(), owner.wallet).await;
        let shares = shares_in(&phone);
        let signing = usize::from(kind == WalletKind::Mpc || doing == Doing::Convert);
        assert_eq!(shares.len(), signing, "{kind:?} {doing:?}");
        if let Some(share) = shares.first() {
            assert_eq!(share.id().sharing.purpose, Purpose::Signing);
            let mut thief = owner.thief().await;
            let misused = misuse(&mut thief, &shares).await;
            let replaced = doing == Doing::Replace;
            let allowed: &[_] = if replaced { &[] } else { &[Operation::Replace] };
            assert_eq!(misused, allowed, "{doing:?}");
            let ejected = crate::token::eject(&mut thief, With::Device).await;
            assert!(ejected.is_err());
        }
        // The moments at which one was there are between the operation's first save and its last.
        let taken = owner.phone.taken();
        let has_one = |record: &[u8]| {
            shares_in(record).iter().any(|s| s.id().sharing.purpose == Purpose::Backup)
        };
        let mut during = 0;
        for phone in &taken {
            during += usize::from(has_one(&record(phone, owner.wallet).await));
        }
        assert!(during > 0, "the search finds a share where there is one");
    }
}

/// Copied before a recovery, in the middle of anything, and used after it.
#[tokio::test]
async fn taken_before_a_recovery_it_is_revoked_by_it() {
    for doing in [Doing::Replace, Doing::Refresh, Doing::AddMethod, Doing::RecoverHere] {
        for stop in 0.. {
            let owner = Owner::new(WalletKind::Mpc, doing).await;
            owner.phone.stop_after(Some(stop));
            let done = owner.act(doing).await;
            let stolen = owner.phone.copy();
            let at = format!("{doing:?} stopped at save {stop}");
            let keys = {
                let home = owner.world.client(MemoryDevice::new());
                // An interrupted recovery of the same rank is not displaced: it expires.
                match recover(&home, owner.wallet, &owner.method).await {
                    Ok(found) => found.verifying_keys().to_vec(),
                    Err(_) => {
                        owner.world.turn(HOUR);
                        let home = owner.world.client(MemoryDevice::new());
                        let found = match recover(&home, owner.wallet, &owner.method).await {
                            Err(_) => recover(&home, owner.wallet, &owner.new).await,
                            found => found,
                        };
                        let found = found.unwrap_or_else(|error| panic!("{at}: {error:?}"));
                        found.verifying_keys().to_vec()
                    }
                }
            };
            let session = owner.world.login(USER);
            let nonce = Nonce::from_bytes([9; 32]);
            let state = || async {
                let state = session.state(owner.wallet, nonce).await.unwrap();
                let state = state.unverified();
                format!("{:?}", (&state.signing, &state.backup, &state.restorable))
            };
            let before = state().await;
            let old = owner.world.client(stolen.snapshot());
            let resumed = old.resume(owner.wallet).await;
            assert!(
                !matches!(resumed, Ok(Resumed::Finished { .. } | Resumed::Nothing)),
                "{at}: {resumed:?}"
            );
            let mine = code();
            assert!(old.replace(owner.wallet, std::slice::from_ref(&mine)).await.is_err(), "{at}");
            assert!(old.refresh(owner.wallet, &mine).await.is_err(), "{at}");
            assert!(old.eject(owner.wallet, &mine).await.is_err(), "{at}");
            assert!(recover(&old, owner.wallet, &mine).await.is_err(), "{at}");
            for share in shares_in(&record(&stolen, owner.wallet).await) {
                assert_eq!(misuse(&mut owner.thief().await, &[share]).await, [], "{at}");
            }
            assert_eq!(state().await, before, "{at}");
            assert_eq!(keys.len(), 1);
            if done {
                break;
            }
        }
    }
}

/// Without a token it is not even heard; and the phone itself does not have one.
#[tokio::test]
async fn without_a_token_it_is_not_heard() {
    let owner = Owner::new(WalletKind::Mpc, Doing::Refresh).await;
    let phone = owner.phone.copy();
    let issued = owner.world.service.issue_session(&user(USER), HOUR).await.unwrap();
    let contents = record(&phone, owner.wallet).await;
    // Exposed: to be looked for.
    assert!(!crate::support::is_in(issued.token.expose_secret().as_bytes(), &contents));
    // Under a name of the thief's own there is no such wallet.
    let mallory = owner.world.login(crate::support::THIEF);
    let builder = twoshare::Client::builder().custodian(mallory);
    let builder = builder.pinned(owner.world.service.identity()).user(USER).device(phone);
    let client = builder.build().unwrap();
    assert!(client.replace(owner.wallet, &[code()]).await.is_err());
    assert!(client.resume(owner.wallet).await.is_err());
    owner.recovers().await.unwrap();
}

/// A recovery that waits: the phone's thief objects, and its operator decides. Nothing is lost
/// meanwhile, and no copy of the phone vetoes quietly.
#[tokio::test]
async fn it_holds_up_a_recovery_and_does_not_end_it() {
    let policy = Policy { recovery_wait: HOUR, ..Policy::default() };
    let world = World::with(policy).await;
    let phone = MemoryDevice::new();
    let client = world.client(phone.clone());
    let method = code();
    let wallet = client.create_wallet(ONE, None).await.unwrap().id();
    client.backup(wallet, std::slice::from_ref(&method)).await.unwrap();
    let home = world.client(MemoryDevice::new());
    let recovery = || twoshare::Recovery::with(method.clone());
    let waiting = match home.recover(wallet, recovery()).await.unwrap() {
        twoshare::Recovered::Waiting(waiting) => waiting,
        twoshare::Recovered::Done(_) => panic!("it should wait"),
    };
    let thief = world.client(phone.snapshot());
    thief.cancel(wallet, waiting.request).await.unwrap();
    // It froze the thief too.
    assert!(thief.replace(wallet, &[code()]).await.is_err());
    world.turn(2 * HOUR);
    assert!(home.recover(wallet, recovery()).await.is_err());
    let favour = twoshare::protocol::rules::Favour::Request(waiting.request);
    world.service.unfreeze(&user(USER), wallet, Some(favour)).await.unwrap();
    assert!(thief.cancel(wallet, waiting.request).await.is_err());
    recover(&home, wallet, &method).await.unwrap();
    assert!(matches!(thief.resume(wallet).await, Ok(Resumed::Revoked)));
}

/// Of a single-key wallet the phone has the key, and says so; the backup is its owner's all the same.
#[tokio::test]
async fn of_a_single_key_wallet_it_has_the_key_and_not_the_backup() {
    let world = World::new().await;
    let phone = MemoryDevice::new();
    let client = world.client(phone.clone());
    let method = code();
    let seed = SecretBytes::from(vec![7; 32]);
    let seed = WalletSecret::new(SecretKind::Ed25519Seed, "", seed).unwrap();
    let wallet = client.import_wallet(vec![twoshare::Import::Secret(seed)], None).await.unwrap();
    client.backup(wallet.id(), std::slice::from_ref(&method)).await.unwrap();
    let home = world.client(MemoryDevice::new());
    let found = recover(&home, wallet.id(), &method).await.unwrap();
    assert_eq!(found.verifying_keys(), wallet.verifying_keys());
    // The lost phone still proves the key: what it replaces, its owner takes back.
    let thief = world.client(phone);
    let mine = code();
    thief.replace(wallet.id(), std::slice::from_ref(&mine)).await.unwrap();
    let again = world.client(MemoryDevice::new());
    recover(&again, wallet.id(), &method).await.unwrap();
    let status = again.status(wallet.id()).await.unwrap();
    assert!(!status.hazards.is_empty(), "{status:?}");
    assert!(recover(&world.client(MemoryDevice::new()), wallet.id(), &mine).await.is_err());
}

/// Of a wallet that is converted meanwhile, the phone of before has the whole key, alone, and is nothing
/// to the custodian any more.
#[tokio::test]
async fn of_a_converted_wallet_it_has_a_key_that_stands_for_nothing() {
    let owner = Owner::new(WalletKind::SingleKey, Doing::Convert).await;
    let before = owner.phone.copy();
    let key = owner.world.client(before.clone()).wallet(owner.wallet).await.unwrap();
    let stolen = record(&before, owner.wallet).await;
    let secret = match &key.export().unwrap()[..] {
        [twoshare::Exported::Key(key)] => key.expose_secret().expose_secret().to_vec(),
        other => panic!("{other:?}"),
    };
    assert!(crate::support::is_in(&secret, &stolen), "the search finds it where it is");
    assert!(owner.act(Doing::Convert).await);
    let nothing = crate::support::dump(&owner.world).await;

    let thief = owner.world.client(before);
    let (wallet, mine) = (owner.wallet, code());
    let revoked = |said: String| assert!(said.contains("Revoked"), "{said}");
    revoked(format!("{:?}", thief.replace(wallet, std::slice::from_ref(&mine)).await));
    revoked(format!("{:?}", thief.backup(wallet, std::slice::from_ref(&mine)).await));
    revoked(format!("{:?}", thief.resume(wallet).await));
    assert!(thief.convert(wallet, &mine).await.is_err());
    assert!(thief.cancel(wallet, twoshare::make_operation_id()).await.is_err());
    assert!(recover(&thief, wallet, &mine).await.is_err());
    // With the protocol itself, under either kind.
    let key = SigningKey::<Secp256k1>::from_bytes(&secret).unwrap();
    for kind in [WalletKind::SingleKey, WalletKind::Mpc] {
        let mut device = owner.thief().await;
        (device.party.kind, device.keys) = (kind, vec![key.clone().into()]);
        for operation in [Operation::FirstBackup, Operation::Replace] {
            let to = device.next(operation).await.unwrap();
            let id = device.operation();
            let deal = to.last().map(|stage| stage.epoch).unwrap();
            let party = device.party.clone();
            let asked =
                twoshare::protocol::session::Asked::deal(party, operation, id, &device.keys, deal);
            assert!(device.custodian.begin(asked.message().clone()).await.is_err(), "{operation}");
        }
    }
    assert_eq!(crate::support::dump(&owner.world).await, nothing, "nothing has changed");
    // Nor is the key anywhere on the phone that converted it, or at the custodian.
    let phone = record(&owner.phone.copy(), owner.wallet).await;
    assert!(!crate::support::is_in(&secret, &phone));
    for (name, bytes) in owner.world.database() {
        assert!(!crate::support::is_in(&secret, &bytes), "{name}");
    }
    owner.recovers().await.unwrap();
}
