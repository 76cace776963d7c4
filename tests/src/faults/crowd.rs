//! Many users at once, on as many threads as there are, over one real custodian, with messages that get
//! lost, break off, arrive twice at the same time, or late.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc};

use twoshare::{
    Client, Import, MemoryDevice, Method, MethodChange, Place, Recovered, Recovery, StoreId,
    core::{
        curve::{AnyVerifyingKey, SigningKey},
        id::{CurveId, Epoch, OperationId, WalletId},
        store::{IndependentOperator, MemoryStore, Operator},
    },
    protocol::{Nonce, rules::Policy},
};
use twoshare_custodian::audit::{Act, Event};

use super::{
    Broken, Tally,
    ledger::Ledger,
    methods::Methods,
    pocket::Pocket,
    server::Server,
    shelf::Shelf,
    stage::Stage,
    wire::{Mail, Wire},
};

/// How often a user tries again before it is broken.
const PATIENCE: usize = 100;

/// One user's way to everything.
struct User {
    name: Arc<str>,
    stage: Stage,
    server: Arc<Server>,
    store: Arc<MemoryStore>,
    methods: Methods,
}

/// What a user has at the end.
struct Had {
    name: Arc<str>,
    wallet: WalletId,
    keys: Vec<AnyVerifyingKey>,
    /// How many operations of the wallet they were told are done.
    done: usize,
}

/// So many users, each with a wallet of their own, each through a whole life of it. Gives what happened.
///
/// # Errors
///
/// A claim does not hold.
pub async fn crowd(users: u64) -> Result<Tally, Broken> {
    let server = Arc::new(Server::sqlite(Policy::default()).await);
    let mut running = tokio::task::JoinSet::new();
    let mut stages = Vec::new();
    for number in 0..users {
        let user = User {
            name: format!("user {number}").into(),
            stage: Stage::free(number),
            server: Arc::clone(&server),
            store: Arc::default(),
            methods: Methods::make(),
        };
        stages.push(user.stage.clone());
        running.spawn(async move { user.live(number % 2 == 0).await });
    }
    let mut had = Vec::new();
    while let Some(lived) = running.join_next().await {
        had.push(lived.map_err(|error| Broken::new(format!("{error}")))??);
    }
    let events = log(&server).await?;
    for had in &had {
        had.is_so(&server, &events).await?;
    }
    is_consistent(&events)?;
    let mut tally = Tally { stories: users, ..Tally::default() };
    for stage in stages {
        let (faults, calls) = stage.happened();
        tally.calls += calls;
        for (fault, count) in faults {
            *tally.faults.entry(format!("{fault:?}")).or_default() += count;
        }
    }
    tally.commits = events.iter().filter(|event| event.act == Act::Committed).count() as u64;
    if let Some(database) = server.database() {
        database.close().await;
    }
    Ok(tally)
}

impl User {
    fn client(&self, device: MemoryDevice) -> Client {
        let (stage, mail) = (self.stage.clone(), Mail::default());
        let wire = Wire {
            stage: stage.clone(),
            server: Arc::clone(&self.server),
            ledger: Ledger::closed(),
            mail: mail.clone(),
            user: Arc::clone(&self.name),
        };
        let pocket = Pocket { stage: stage.clone(), device };
        let shelf = Shelf { stage, store: Arc::clone(&self.store), mail };
        let near = "near".parse::<StoreId>().unwrap();
        Client::builder()
            .custodian(wire)
            .pinned(self.server.identity())
            .user(&*self.name)
            .device(pocket)
            .store(near, Place::store(shelf, Operator::Independent(IndependentOperator)))
            .store(StoreId::custodian(), Place::Custodian)
            .build()
            .unwrap()
    }

    fn method(&self, number: usize) -> Method {
        self.methods.get(number)
    }

    /// A wallet's life: made, backed up, refreshed, with other methods, recovered on another device,
    /// replaced, and recovered from what was replaced.
    async fn live(self, is_mpc: bool) -> Result<Had, Broken> {
        let mut client = self.client(MemoryDevice::new());
        let (wallet, keys) = self.create(&client, is_mpc).await?;
        let mut done = usize::from(is_mpc);
        for step in 0..7 {
            if matches!(step, 3 | 5) {
                client = self.client(MemoryDevice::new());
            }
            let before = epoch(&client, wallet).await;
            self.until_done(&client, wallet, step, before).await?;
            done += 1;
        }
        // Everything is quiet now.
        self.stage.calm();
        client.resume(wallet).await.map_err(broken)?;
        let client = self.client(MemoryDevice::new());
        match client.recover(wallet, Recovery::with(self.method(0))).await.map_err(broken)? {
            Recovered::Done(found) if found.verifying_keys() == keys => {}
            other => return Err(Broken::new(format!("{}: {other:?}", self.name))),
        }
        Ok(Had { name: self.name, wallet, keys, done: done + 1 })
    }

    async fn create(
        &self,
        client: &Client,
        is_mpc: bool,
    ) -> Result<(WalletId, Vec<AnyVerifyingKey>), Broken> {
        for _ in 0..PATIENCE {
            let made = match is_mpc {
                true => client.create_wallet(&[CurveId::Secp256k1], None).await.ok(),
                false => {
                    let key = Import::Key(SigningKey::make(&mut twoshare::rng()));
                    client.import_wallet(vec![key], None).await.ok()
                }
            };
            drop(made);
            for wallet in client.wallets_here().await.unwrap_or_default() {
                drop(client.resume(wallet).await);
                if let Ok(found) = client.wallet(wallet).await {
                    return Ok((wallet, found.verifying_keys().to_vec()));
                }
            }
        }
        Err(Broken::new(format!("{} could not make a wallet", self.name)))
    }

    /// Calls, and resumes after whatever went wrong, until it is done once.
    async fn until_done(
        &self,
        client: &Client,
        wallet: WalletId,
        step: usize,
        before: Option<Epoch>,
    ) -> Result<(), Broken> {
        let mut said = Vec::new();
        for _ in 0..PATIENCE {
            match self.step(client, wallet, step).await {
                Ok(()) => return Ok(()),
                Err(error) => said.push(error),
            }
            if client.wallets_here().await.is_ok_and(|here| here.contains(&wallet)) {
                while let Err(error) = client.resume(wallet).await {
                    said.push(format!("{error:?}"));
                    if said.len() > PATIENCE {
                        return Err(Broken::new(format!("{}: step {step}: {said:?}", self.name)));
                    }
                }
            }
            if epoch(client, wallet).await > before {
                return Ok(());
            }
        }
        Err(Broken::new(format!("{}: step {step}: {said:?}", self.name)))
    }

    async fn step(&self, client: &Client, wallet: WalletId, step: usize) -> Result<(), String> {
        fn said(error: impl Debug) -> String {
            format!("{error:?}")
        }
        let first = self.method(0);
        let both = [self.method(0), self.method(1)];
        match step {
            0 => client.backup(wallet, &both).await.map(drop).map_err(said),
            1 => client.refresh(wallet, &first).await.map(drop).map_err(said),
            2 => {
                let change = vec![MethodChange::Add(self.method(2))];
                client.change_methods(wallet, &first, change).await.map(drop).map_err(said)
            }
            4 => client.replace(wallet, &both).await.map(drop).map_err(said),
            6 => client.refresh(wallet, &first).await.map(drop).map_err(said),
            _ => {
                let recovery = Recovery::with(first);
                client.recover(wallet, recovery).await.map(drop).map_err(said)
            }
        }
    }
}

fn broken(error: impl Debug) -> Broken {
    Broken::new(format!("{error:?}"))
}

/// The epoch of the last backup that this device knows of.
async fn epoch(client: &Client, wallet: WalletId) -> Option<Epoch> {
    let found = client.wallet(wallet).await.ok()?;
    found.backup().map(|backup| backup.envelope.epoch)
}

/// The whole audit log.
async fn log(server: &Server) -> Result<Vec<Event>, Broken> {
    let service = server.database().unwrap().service();
    let mut events: Vec<Event> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event.number);
        let page = service.audit(None, after, 1000).await.map_err(broken)?;
        if page.is_empty() {
            return Ok(events);
        }
        events.extend(page);
    }
}

impl Had {
    async fn is_so(&self, server: &Server, events: &[Event]) -> Result<(), Broken> {
        let Self { name, wallet, keys, done } = self;
        let session = server.login(name);
        let state =
            session.state(*wallet, Nonce::make(&mut twoshare::rng())).await.map_err(broken)?;
        let state = state.unverified();
        let active = state.backup.as_ref().ok_or_else(|| Broken::new("there is no backup"))?;
        let of = |key: &twoshare::core::share::AnyCommitment| key.verifying_key();
        if active.commitments.iter().map(of).collect::<Vec<_>>() != *keys {
            return Err(Broken::new(format!("{name}: another wallet's keys")));
        }
        if state.restorable.is_some() || state.pending.is_some() {
            return Err(Broken::new(format!("{name}: {state:?}")));
        }
        let mine = events.iter().filter(|event| event.wallet == Some(*wallet));
        let committed: Vec<OperationId> = mine
            .filter(|event| event.act == Act::Committed)
            .filter_map(|event| event.operation)
            .collect();
        if committed.len() != *done {
            let many = committed.len();
            return Err(Broken::new(format!("{name}: told of {done}, and {many} are committed")));
        }
        for id in committed {
            let receipt = session.receipt(*wallet, id).await.map_err(broken)?;
            if receipt.unverified().id != id {
                return Err(Broken::new(format!("{name}: another receipt")));
            }
        }
        Ok(())
    }
}

/// Numbers without gaps, and each operation prepared once and ended once at most.
fn is_consistent(events: &[Event]) -> Result<(), Broken> {
    let mut prepared: BTreeMap<OperationId, usize> = BTreeMap::new();
    let mut ended: BTreeMap<OperationId, usize> = BTreeMap::new();
    for (event, number) in events.iter().zip(1..) {
        if event.number != number {
            return Err(Broken::new(format!("event {number} is missing from the log")));
        }
        let Some(id) = event.operation else { continue };
        match event.act {
            Act::Prepared => *prepared.entry(id).or_default() += 1,
            Act::Committed => {
                *ended.entry(id).or_default() += 1;
                if !prepared.contains_key(&id) {
                    return Err(Broken::new(format!("committed and not prepared: {event:?}")));
                }
            }
            Act::Abandoned | Act::Expired | Act::Displaced => *ended.entry(id).or_default() += 1,
            _ => {}
        }
    }
    let once = |counts: &BTreeMap<OperationId, usize>| counts.values().all(|count| *count == 1);
    if once(&prepared) && once(&ended) {
        Ok(())
    } else {
        Err(Broken::new("an operation is in the log twice"))
    }
}
