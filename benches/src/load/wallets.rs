//! Wallets that are backed up and recovered with the client, as an app does it.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use tokio::task::JoinSet;
use twoshare::{
    Client, DeviceState, FileDevice, HttpCustodian, MemoryDevice, Method, Recovered, Recovery,
    core::{
        id::{CurveId, WalletId},
        identity::CustodianIdentity,
        method::RecoveryCode,
    },
    protocol::{Custodian, memory::MemoryCustodian},
    rng,
};

use super::{
    Failure, Load,
    figure::{Spread, Target, alone},
    machine,
    serve::User,
    server::{Done, Server},
    syncs::Library,
};

/// How long an app may wait, in milliseconds.
const PATIENCE: Target = Target::AtMost(25.0);

/// How many recoveries are asked for at once.
const AT_ONCE: usize = 32;

/// One wallet's owner: where they are logged in, and what they have written down.
#[derive(Clone)]
struct Owner<C> {
    custodian: C,
    identity: CustodianIdentity,
    name: String,
    code: Method,
}

impl<C: Custodian + Clone + 'static> Owner<C> {
    fn new(custodian: C, identity: CustodianIdentity, name: String) -> Self {
        let code: Method = Arc::new(RecoveryCode::make(&mut rng()));
        Self { custodian, identity, name, code }
    }

    fn client(&self, device: impl DeviceState + 'static) -> Result<Client, Failure> {
        let builder = Client::builder()
            .custodian(self.custodian.clone())
            .pinned(self.identity)
            .user(&self.name)
            .device(device);
        Ok(builder.build()?)
    }

    /// A new wallet, backed up; and how long the backup took, in milliseconds.
    async fn back_up(
        &self,
        curves: &[CurveId],
        device: impl DeviceState + 'static,
    ) -> Result<(WalletId, f64), Failure> {
        let client = self.client(device)?;
        let wallet = client.create_wallet(curves, None).await?.id();
        let start = Instant::now();
        client.backup(wallet, &[Arc::clone(&self.code)]).await?;
        Ok((wallet, start.elapsed().as_secs_f64() * 1e3))
    }

    /// A recovery on this device, which is empty; how long it took, in milliseconds.
    async fn recover(
        &self,
        wallet: WalletId,
        device: impl DeviceState + 'static,
    ) -> Result<f64, Failure> {
        let client = self.client(device)?;
        let start = Instant::now();
        match client.recover(wallet, Recovery::with(Arc::clone(&self.code))).await? {
            Recovered::Done(_) => Ok(start.elapsed().as_secs_f64() * 1e3),
            Recovered::Waiting(_) => Err("the custodian makes everybody wait".into()),
        }
    }
}

fn owner(server: &Server, user: User) -> Result<Owner<HttpCustodian>, Failure> {
    Ok(Owner::new(server.custodian(&user)?, server.identity, user.name))
}

/// What an app waits for, one call after the other.
pub(super) async fn one_by_one(load: &Load, library: Option<&Library>) -> Result<(), Failure> {
    let mut server = Server::start(load, library)?;
    let one = [CurveId::Secp256k1];
    let two = [CurveId::Secp256k1, CurveId::Ed25519];
    // The first calls open connections.
    calls(load, &mut server, &one, false, 3).await?;
    for (curves, what) in [(one.as_slice(), "1 key"), (&two, "2 keys")] {
        let Calls { backups, recoveries, done } =
            calls(load, &mut server, curves, false, load.sizes.calls).await?;
        alone(&format!("one wallet, {what}: backup, ms"), &backups, PATIENCE);
        alone(&format!("one wallet, {what}: recovery, ms"), &recoveries, PATIENCE);
        if curves == one {
            let each = |value: f64| Spread::of([value / load.sizes.calls as f64]);
            let syncs = each(done.syncs);
            alone("one wallet: syncs to create, back up and recover", &syncs, Target::None);
            let waited = each(done.sync_millis);
            alone("one wallet: ms in them", &waited, Target::None);
        }
    }
    let files = calls(load, &mut server, &one, true, load.sizes.calls.div_ceil(2)).await?;
    let what = "one wallet, 1 key, device in a directory";
    alone(&format!("{what}: backup, ms"), &files.backups, Target::None);
    alone(&format!("{what}: recovery, ms"), &files.recoveries, Target::None);

    // Neither network nor disk: what the cryptography of both sides takes, and what leads to it.
    let custodian = MemoryCustodian::start(rng());
    let (mut backups, mut recoveries) = (Vec::new(), Vec::new());
    for number in 0..load.sizes.calls {
        let name = format!("user {number}");
        let owner = Owner::new(custodian.login(&name), custodian.identity(), name);
        let (wallet, backup) = owner.back_up(&one, MemoryDevice::new()).await?;
        backups.push(backup);
        recoveries.push(owner.recover(wallet, MemoryDevice::new()).await?);
    }
    let what = "one wallet, 1 key, no network and no disk";
    alone(&format!("{what}: backup, ms"), &Spread::of(backups), Target::None);
    alone(&format!("{what}: recovery, ms"), &Spread::of(recoveries), Target::None);
    Ok(())
}

struct Calls {
    backups: Spread,
    recoveries: Spread,
    done: Done,
}

async fn calls(
    load: &Load,
    server: &mut Server,
    curves: &[CurveId],
    on_disk: bool,
    count: usize,
) -> Result<Calls, Failure> {
    let (mut backups, mut recoveries) = (Vec::new(), Vec::new());
    let users = server.users(count)?;
    let before = server.done()?;
    for user in users {
        let owner = owner(server, user)?;
        let (wallet, backup, recovery);
        if on_disk {
            let old = tempfile::tempdir_in(&load.directory)?;
            let new = tempfile::tempdir_in(&load.directory)?;
            let device = FileDevice::open(old.path(), None).await?;
            (wallet, backup) = owner.back_up(curves, device).await?;
            recovery = owner.recover(wallet, FileDevice::open(new.path(), None).await?).await?;
        } else {
            (wallet, backup) = owner.back_up(curves, MemoryDevice::new()).await?;
            recovery = owner.recover(wallet, MemoryDevice::new()).await?;
        }
        backups.push(backup);
        recoveries.push(recovery);
    }
    let done = server.done()?.since(before);
    Ok(Calls { backups: Spread::of(backups), recoveries: Spread::of(recoveries), done })
}

/// As many recoveries as both can do together, of wallets with one key.
pub(super) async fn at_once(load: &Load, library: Option<&Library>) -> Result<(), Failure> {
    let mut server = Server::start(load, library)?;
    let count = load.sizes.recoveries as f64;
    let mut turns = Vec::new();
    for _ in 0..load.sizes.rounds {
        let owners = owners(load, &mut server).await?;
        let (before, mine) = (server.done()?, machine::processor_time(std::process::id()));
        let start = Instant::now();
        recover_all(owners).await?;
        let seconds = start.elapsed().as_secs_f64();
        let mine = machine::processor_time(std::process::id())
            .zip(mine)
            .map_or(f64::NAN, |(after, before)| (after - before).as_secs_f64() * 1e3);
        turns.push((seconds, mine, server.done()?.since(before)));
    }
    let of = |value: &dyn Fn(&(f64, f64, Done)) -> f64| Spread::of(turns.iter().map(value));
    let rate = of(&|(seconds, ..)| count / seconds);
    alone(&format!("recoveries, {AT_ONCE} at once: a second"), &rate, Target::AtLeast(200.0));
    let name = |what: &str| format!("recoveries, {AT_ONCE} at once: {what}");
    alone(&name("server's processor, ms for each"), &of(&|t| t.2.processor_millis / count), NONE);
    alone(&name("clients' processor, ms for each"), &of(&|t| t.1 / count), NONE);
    alone(&name("syncs for each"), &of(&|t| t.2.syncs / count), NONE);
    let writes = of(&|t| t.2.written.writes as f64 / t.2.written.commits as f64);
    alone(&name("writes in a commit"), &writes, NONE);
    let in_syncs = of(&|(seconds, _, done)| done.sync_millis / 1e3 / seconds);
    alone(&name("part of the time in syncs"), &in_syncs, NONE);
    alone("memory of the server afterwards, MiB", &Spread::of([server.resident()]), NONE);
    Ok(())
}

const NONE: Target = Target::None;

type Call<T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send>>;

/// Wallets whose devices are lost.
async fn owners(
    load: &Load,
    server: &mut Server,
) -> Result<Vec<(Owner<HttpCustodian>, WalletId)>, Failure> {
    let users = server.users(load.sizes.recoveries)?;
    let owners = users.into_iter().map(|user| owner(server, user));
    let owners = owners.collect::<Result<Vec<_>, _>>()?;
    side_by_side(owners, |owner| {
        Box::pin(async move {
            let (wallet, _) = owner.back_up(&[CurveId::Secp256k1], MemoryDevice::new()).await?;
            Ok((owner, wallet))
        })
    })
    .await
}

async fn recover_all(owners: Vec<(Owner<HttpCustodian>, WalletId)>) -> Result<(), Failure> {
    side_by_side(owners, |(owner, wallet)| {
        Box::pin(async move { owner.recover(wallet, MemoryDevice::new()).await })
    })
    .await
    .map(drop)
}

/// So many at once, until all are done.
async fn side_by_side<T, U>(work: Vec<T>, each: fn(T) -> Call<U>) -> Result<Vec<U>, Failure>
where
    T: Send + 'static,
    U: Send + 'static,
{
    let work = Arc::new(Mutex::new(work));
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let work = Arc::clone(&work);
        workers.spawn(async move {
            let mut done = Vec::new();
            let next = || work.lock().unwrap_or_else(PoisonError::into_inner).pop();
            while let Some(next) = next() {
                done.push(each(next).await?);
            }
            Ok::<_, Failure>(done)
        });
    }
    let done: Result<Vec<_>, Failure> = workers.join_all().await.into_iter().collect();
    Ok(done?.into_iter().flatten().collect())
}
