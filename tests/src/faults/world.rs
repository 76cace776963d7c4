//! Everything that there is in a story, and the acts on it.

use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc};

use twoshare::{
    Client, MemoryDevice, Place, StoreId, StorePolicy,
    core::{
        curve::{AnyVerifyingKey, Secp256k1, SigningKey},
        digest::Digest,
        id::{WalletId, WalletKind},
        store::{IndependentOperator, MemoryStore, Operator},
    },
    protocol::{
        message::State,
        rules::{Favour, Policy, Time},
    },
};

use super::{
    Broken,
    act::{Act, DEVICES, Doing, Faults, OperatorAct, Places, Setting},
    ledger::{Ledger, Model},
    methods::{Change, Methods, Set},
    op::{Ready, Said, name, perform},
    pocket::Pocket,
    probe::Contents,
    server::{Copy, Server, USER},
    shelf::Shelf,
    stage::{Actor, ActorId, Boxed, Stage, Who},
    wire::{Mail, Wire},
};

/// How long a window that the operator opens is.
pub(super) const WINDOW: Time = 300;

/// Somebody on a device, and what they have begun there.
type Doer = ((Who, usize), Begun);
type Begun = (ActorId, Option<Boxed<'static, Said>>);

/// A story's world.
#[derive(Debug)]
pub(super) struct World {
    pub(super) setting: Setting,
    pub(super) stage: Stage,
    pub(super) server: Arc<Server>,
    pub(super) ledger: Ledger,
    pub(super) mail: Mail,
    pub(super) methods: Methods,
    pub(super) near: Arc<MemoryStore>,
    pub(super) far: Arc<MemoryStore>,
    pub(super) den: Arc<MemoryStore>,
    pub(super) phones: Vec<Phone>,
    pub(super) loot: Option<MemoryDevice>,
    /// The wallet of the story, once there is one, and its keys.
    pub(super) wallet: Option<WalletId>,
    pub(super) keys: Vec<AnyVerifyingKey>,
    pub(super) imported: Option<SigningKey<Secp256k1>>,
    pub(super) known: BTreeMap<Digest, Contents>,
    /// What the last recovery at the end has ended.
    pub(super) before: Option<super::ledger::Backup>,
    /// A store of the owner's has lost everything at some time.
    pub(super) emptied: bool,
    /// The last state, and the latest time that the wallet has seen.
    pub(super) last: Option<State>,
    pub(super) seen: Time,
    pub(super) copy: Option<OldCopy>,
}

/// A device of the owner's.
#[derive(Debug, Clone)]
pub(super) struct Phone {
    pub(super) device: MemoryDevice,
    pub(super) client: Client,
}

/// A copy of the database, and what was true when it was made.
pub(super) struct OldCopy {
    copy: Copy,
    model: Model,
    at: Time,
}

impl core::fmt::Debug for OldCopy {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "OldCopy(at {})", self.at)
    }
}

impl World {
    pub(super) async fn new(setting: Setting, on_sqlite: bool) -> Self {
        const DAY: Time = 24 * 60 * 60;
        let wait = if setting.waits { DAY } else { 0 };
        let policy = Policy { recovery_wait: wait, eject_wait: wait, ..Policy::default() };
        let server = match on_sqlite {
            true => Server::sqlite(policy).await,
            false => Server::memory(policy),
        };
        let seen = server.time();
        let mut world = Self {
            setting,
            stage: Stage::default(),
            server: Arc::new(server),
            ledger: Ledger::default(),
            mail: Mail::default(),
            methods: Methods::make(),
            near: Arc::default(),
            far: Arc::default(),
            den: Arc::default(),
            phones: Vec::new(),
            loot: None,
            wallet: None,
            keys: Vec::new(),
            imported: (!setting.mpc).then(|| SigningKey::make(&mut twoshare::rng())),
            known: BTreeMap::new(),
            before: None,
            emptied: false,
            last: None,
            seen,
            copy: None,
        };
        world.phones = (0..DEVICES).map(|_| world.phone(MemoryDevice::new())).collect();
        world
    }

    /// A device of the owner's with this in its storage, freshly started.
    pub(super) fn phone(&self, device: MemoryDevice) -> Phone {
        let client = self.client(device.clone(), Who::Owner, true);
        Phone { device, client }
    }

    pub(super) fn wire(&self) -> Wire {
        Wire {
            stage: self.stage.clone(),
            server: Arc::clone(&self.server),
            ledger: self.ledger.clone(),
            mail: self.mail.clone(),
            user: USER.into(),
        }
    }

    /// A client on this device.
    pub(super) fn client(&self, device: MemoryDevice, who: Who, pinned: bool) -> Client {
        let shelf = |store: &Arc<MemoryStore>| {
            let (stage, store, mail) = (self.stage.clone(), Arc::clone(store), self.mail.clone());
            Place::store(Shelf { stage, store, mail }, Operator::Independent(IndependentOperator))
        };
        let named = |name: &str| name.parse::<StoreId>().unwrap();
        let custodian = || (StoreId::custodian(), Place::Custodian);
        let near = || (named("near"), shelf(&self.near));
        let far = || (named("far"), shelf(&self.far));
        let two = StorePolicy::AtLeast(NonZeroUsize::MIN.saturating_add(1));
        let (places, policy) = match (who, self.setting.stores) {
            (Who::Thief, _) => {
                let den = (named("den"), shelf(&self.den));
                (vec![custodian(), den], StorePolicy::AtLeast(NonZeroUsize::MIN))
            }
            (Who::Owner, Places::Custodian) => (vec![custodian()], StorePolicy::All),
            (Who::Owner, Places::CustodianAndNear) => (vec![near(), custodian()], StorePolicy::All),
            (Who::Owner, Places::NearAndFar) => (vec![near(), far()], StorePolicy::All),
            (Who::Owner, Places::TwoOfThree) => (vec![near(), far(), custodian()], two),
        };
        let builder = Client::builder().custodian(self.wire());
        let builder = match pinned {
            true => builder.pinned(self.server.identity()),
            false => builder.unpinned(),
        };
        let pocket = Pocket { stage: self.stage.clone(), device };
        let mut builder = builder.user(USER).device(pocket).store_policy(policy);
        for (id, place) in places {
            builder = builder.store(id, place);
        }
        builder.build().unwrap()
    }

    pub(super) fn model(&self) -> Option<Model> {
        self.ledger.model(self.wallet?)
    }

    /// Somebody does something on a device, with what goes wrong.
    fn begin(
        &self,
        (who, device): (Who, usize),
        client: Client,
        (change, ready): (Change, Ready),
        faults: Faults,
    ) -> Begun {
        let what = match &ready {
            Ready::Change(..) if change == Change::Without(Set::NONE) => "Refresh".to_owned(),
            Ready::Change(..) | Ready::Backup(_) | Ready::Replace(..) => {
                format!("{} {change:?}", name(&ready))
            }
            ready => name(ready).to_owned(),
        };
        self.stage.log(format!("  {who:?}, device {device}: {what}"));
        let actor = self.stage.enter(Actor { who, device, change, faults });
        let wallet = self.wallet;
        (actor, Some(Box::pin(perform(client, wallet, ready))))
    }

    /// Runs them, and judges what each was told.
    async fn run(&mut self, doers: Vec<Doer>, order: &[u8]) -> Result<Vec<Option<Said>>, Broken> {
        let (who, futures): (Vec<_>, Vec<_>) = doers.into_iter().unzip();
        let alone = who.len() == 1;
        let stage = self.stage.clone();
        let mut order = order.iter().copied().cycle();
        let mut turn = 0;
        let said = stage
            .run(futures, |count| {
                turn += 1;
                // After a while they take turns, whatever the story says.
                if turn < 200 { order.next().unwrap_or(0).into() } else { turn % count.max(1) }
            })
            .await;
        for ((who, device), said) in who.into_iter().zip(&said) {
            match said {
                None => {
                    self.stage.log(format!("    device {device} has died"));
                    self.start_again(device);
                }
                Some(said) => {
                    let line = format!("{said:?}");
                    let line: String = line.chars().take(400).collect();
                    self.stage.log(format!("    device {device}: {line}"));
                    self.judge(who, said, alone)?;
                }
            }
        }
        Ok(said)
    }

    /// The app is started again on a device.
    fn start_again(&mut self, device: usize) {
        if let Some(phone) = self.phones.get(device) {
            let again = self.phone(phone.device.clone());
            self.phones[device] = again;
        }
    }

    /// What somebody was told is true.
    fn judge(&self, who: Who, said: &Said, alone: bool) -> Result<(), Broken> {
        let Some(model) = self.model() else { return Ok(()) };
        match said {
            Said::Backup(backup) => {
                let name = backup.envelope;
                if !model.was_committed(name.epoch, name.digest) {
                    return Err(Broken::new(format!("{name:?} was never committed")));
                }
                let now = model.backup.map(|backup| (backup.epoch, backup.digest));
                if alone && now != Some((name.epoch, name.digest)) {
                    return Err(Broken::new(format!("told of {name:?}, while {now:?} counts")));
                }
                let all = self.setting.stores != Places::TwoOfThree && who == Who::Owner;
                if all && !backup.missing.is_empty() {
                    return Err(Broken::new(format!("{:?} lack the backup", backup.missing)));
                }
            }
            Said::Wallet(wallet) | Said::Converted(wallet) => {
                if !self.keys.is_empty() && wallet.verifying_keys() != self.keys {
                    return Err(Broken::new("the wallet has other keys"));
                }
                let whole = wallet.export().is_ok_and(|exported| !exported.is_empty());
                let is_single = wallet.kind() == WalletKind::SingleKey;
                if whole != is_single || (alone && wallet.kind() != model.kind) {
                    return Err(Broken::new(format!("{wallet:?} of a {} wallet", model.kind)));
                }
                let signing = wallet.signing_shares().first().map(|s| s.id().sharing.epoch);
                if alone && signing != model.signing {
                    return Err(Broken::new(format!("{signing:?}, not {:?}", model.signing)));
                }
            }
            Said::Ejected(keys) => {
                if who == Who::Thief && model.owners().is_some() {
                    return Err(Broken::new("the thief ejected"));
                }
                if *keys != self.keys {
                    return Err(Broken::new("another key was ejected"));
                }
                let window = self.last.as_ref().and_then(|state| state.window);
                if alone && (window.is_none() || model.restorable.is_some()) {
                    return Err(Broken::new("ejected outside of a window"));
                }
            }
            Said::Failed(why) => {
                // Whatever gets lost or dies, none of these can come of it.
                let never = ["Reconstruct", "Secret(", "Journal(", "WrongCustodian", "OtherState"];
                if let Some(never) = never.iter().find(|never| why.contains(**never)) {
                    return Err(Broken::new(format!("{never}: {why}")));
                }
            }
            Said::Waiting(_) | Said::Done(_) => {}
        }
        Ok(())
    }

    /// The owner does one thing.
    pub(super) async fn own(&mut self, doing: &Doing) -> Result<Option<Said>, Broken> {
        let doer = self.owner(doing).await;
        Ok(self.run(vec![doer], &[]).await?.pop().flatten())
    }

    async fn owner(&mut self, doing: &Doing) -> Doer {
        let who = (Who::Owner, doing.device);
        let ready = self.ready(doing.op).await;
        let client = self.phones[doing.device].client.clone();
        (who, self.begin(who, client, ready, doing.faults.clone()))
    }

    /// This on this client, with nothing going wrong.
    pub(super) async fn plainly(
        &mut self,
        who: (Who, usize),
        client: Client,
        ready: (Change, Ready),
    ) -> Result<Said, Broken> {
        let begun = self.begin(who, client, ready, Vec::new());
        let said = self.run(vec![(who, begun)], &[]).await?.pop().flatten();
        said.ok_or_else(|| Broken::new("a device died of nothing"))
    }

    /// A wallet is made, with what goes wrong; then without, where that has made none.
    pub(super) async fn create(&mut self, faults: &Faults) -> Result<(), Broken> {
        let make = match &self.imported {
            Some(key) => Ready::Import(key.clone()),
            None => Ready::Create,
        };
        let same = Change::Without(Set::NONE);
        for faults in [faults.clone(), Vec::new()] {
            let who = (Who::Owner, 0);
            let client = self.phones[0].client.clone();
            let begun = self.begin(who, client, (same, make.clone()), faults);
            self.run(vec![(who, begun)], &[]).await?;
            let device = self.phones[0].device.clone();
            let client = self.phone(device).client;
            for wallet in client.wallets_here().await.unwrap_or_default() {
                self.wallet = Some(wallet);
                self.plainly(who, client.clone(), (same, Ready::Resume)).await?;
                if let Ok(found) = client.wallet(wallet).await {
                    self.keys = found.verifying_keys().to_vec();
                    return Ok(());
                }
                self.wallet = None;
            }
        }
        Err(Broken::new("no wallet was made, although nothing went wrong"))
    }

    /// One act of the story.
    pub(super) async fn act(&mut self, act: &Act) -> Result<(), Broken> {
        let Some(wallet) = self.wallet else { return Ok(()) };
        match act {
            Act::Do(doing) => drop(self.own(doing).await?),
            Act::Both(first, second, order) => {
                let mut second = second.clone();
                if second.device == first.device {
                    // Calls of one device wait for each other: then it is no interleaving.
                    second.device = (second.device + 1) % DEVICES;
                }
                let doers = vec![self.owner(first).await, self.owner(&second).await];
                self.run(doers, order).await?;
            }
            Act::Steal(device) => self.steal(*device).await?,
            Act::Thief(op) => {
                self.stage.log(format!("  thief: {op:?}"));
                if let Some((change, ready)) = self.thieve(*op).await {
                    let (who, client) = self.thief();
                    self.plainly(who, client, (change, ready)).await?;
                }
            }
            Act::Against(doing, op, order) => {
                let mut doers = vec![self.owner(doing).await];
                if let Some(ready) = self.thieve(*op).await {
                    let (who, client) = self.thief();
                    doers.push((who, self.begin(who, client, ready, Vec::new())));
                }
                self.run(doers, order).await?;
            }
            Act::Operator(act) => self.operate(*act, wallet).await,
            Act::Pass(time) => self.pass(*time),
            Act::ClockBack(time) => {
                self.stage.log(format!("  the clock is set back by {time} s"));
                self.server.set_time(self.server.time().saturating_sub(*time));
                self.ledger.with(wallet, Model::clock_back);
            }
            Act::CustodianRestarts => {
                self.stage.log("  the custodian restarts");
                self.server.restart().await;
            }
            Act::Arrives { nth, again } => {
                if let Some((what, late)) = self.mail.take((*nth).into(), *again) {
                    self.stage.log(format!("  arrives: {what}"));
                    late().await;
                }
            }
            Act::Lose(device) => {
                self.stage.log(format!("  device {device} is lost, and a new one bought"));
                self.phones[*device] = self.phone(MemoryDevice::new());
                self.ledger.with(wallet, |model| {
                    model.signs_on = model.signs_on.filter(|signs_on| signs_on != device);
                });
            }
            Act::NearForgets => {
                if self.setting.stores != Places::Custodian {
                    self.stage.log("  the near store loses everything");
                    let near = Arc::clone(&self.near);
                    self.empty(&near).await;
                }
            }
            Act::Copy => {
                if let Some(model) = self.model().filter(|model| model.backup.is_some()) {
                    self.stage.log("  the database is copied");
                    let copy = self.server.copy().await;
                    self.copy = Some(OldCopy { copy, model, at: self.seen });
                }
            }
            Act::Restore => self.restore(wallet).await,
        }
        Ok(())
    }

    /// Everything in a store is gone.
    pub(super) async fn empty(&mut self, store: &MemoryStore) {
        use twoshare::core::store::EnvelopeStore as _;
        self.emptied = true;
        let Some(wallet) = self.wallet else { return };
        for name in store.list(wallet).await.unwrap() {
            store.delete(&name).await.unwrap();
        }
        self.ledger.with(wallet, Model::emptied);
    }

    /// Lets time pass.
    pub(super) fn pass(&mut self, time: Time) {
        self.stage.log(format!("  {time} s pass"));
        let now = self.server.time() + time;
        self.server.set_time(now);
        // A clock that was set back stands still until it has caught up, by what the wallet has saved.
        let passed = (now.saturating_sub(self.seen), time);
        self.seen = self.seen.max(now);
        let stopped = self.last.as_ref().is_some_and(|state| {
            let held = state.frozen || state.restored || state.dispute.is_some();
            held || state.request.is_some() || state.pending.is_some()
        });
        if let Some(wallet) = self.wallet {
            self.ledger.with(wallet, |model| model.pass(passed, stopped));
        }
    }

    async fn operate(&mut self, act: OperatorAct, wallet: WalletId) {
        let dispute = self.last.as_ref().and_then(|state| state.dispute);
        let request = self.waiting();
        let done = match (act, dispute, request) {
            (OperatorAct::Window, ..) => self.server.open_window(wallet, WINDOW).await,
            (OperatorAct::Freeze, ..) => self.server.freeze(wallet).await,
            (OperatorAct::Unfreeze, dispute, _) => {
                self.server.unfreeze(wallet, dispute.map(Favour::Request)).await
            }
            (OperatorAct::Deny, Some(_), _) => {
                self.server.unfreeze(wallet, Some(Favour::Device)).await
            }
            (OperatorAct::Deny, None, Some(request)) => self.server.deny(wallet, request).await,
            (OperatorAct::Deny, None, None) => false,
        };
        self.stage.log(format!("  operator: {act:?}: {done}"));
        if !done {
            return;
        }
        self.ledger.with(wallet, |model| match (act, dispute) {
            (OperatorAct::Window, _) | (OperatorAct::Deny, None) => {}
            (OperatorAct::Freeze, _) => model.ordered = true,
            (OperatorAct::Unfreeze, _) | (OperatorAct::Deny, Some(_)) => {
                (model.ordered, model.disputed) = (false, false);
            }
        });
    }

    async fn restore(&mut self, wallet: WalletId) {
        let Some(old) = self.copy.take() else { return };
        if self.seen - old.at >= self.server.policy().restore_window {
            return;
        }
        self.stage.log("  the custodian is restored from the copy");
        self.server.restore(&old.copy).await;
        let kept = self.setting.stores != Places::Custodian && !self.emptied;
        self.ledger.with(wallet, |model| model.restore(&old.model, kept));
        self.copy = Some(old);
    }
}
