//! A clock that is set back, and a database that is restored from an old copy: what the documents say
//! comes of it.

use twoshare::{
    MethodChange, Recovery,
    core::{id::Epoch, store::EnvelopeStore as _},
    protocol::{message::State, rules::Time},
};

use super::{
    Broken,
    act::{Places, Setting},
    methods::{Change, Set},
    op::{Ready, Said},
    server::Copy,
    stage::Who,
    world::World,
};

const HOUR: Time = 60 * 60;
const DAY: Time = 24 * HOUR;

const SAME: Change = Change::Without(Set::NONE);

fn expect(what: &str, holds: bool) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken::new(what)) }
}

impl World {
    /// A wallet that two methods back up.
    async fn backed_up() -> Result<Self, Broken> {
        let setting = Setting { mpc: true, stores: Places::CustodianAndNear, waits: false };
        let mut world = Self::new(setting, true).await;
        world.create(&Vec::new()).await?;
        let both = Set::only(0).with(Set::only(1));
        let methods = world.methods.of(both);
        world.done(0, (Change::To(both), Ready::Backup(methods))).await?;
        Ok(world)
    }

    async fn on(&mut self, device: usize, ready: (Change, Ready)) -> Result<Said, Broken> {
        let client = self.phones[device].client.clone();
        let said = self.plainly((Who::Owner, device), client, ready).await?;
        self.check().await?;
        Ok(said)
    }

    async fn done(&mut self, device: usize, ready: (Change, Ready)) -> Result<(), Broken> {
        match self.on(device, ready).await? {
            Said::Failed(why) => Err(Broken::new(why)),
            _ => Ok(()),
        }
    }

    /// It is refused, and this is what is said of it.
    async fn refused(
        &mut self,
        device: usize,
        ready: (Change, Ready),
        why: &str,
    ) -> Result<(), Broken> {
        match self.on(device, ready).await? {
            Said::Failed(said) if said.contains(why) => Ok(()),
            said => Err(Broken::new(format!("{said:?}, and not {why}"))),
        }
    }

    fn recover(&self, number: usize) -> (Change, Ready) {
        (SAME, Ready::Recover(Recovery::with(self.methods.get(number))))
    }

    fn refresh(&self) -> (Change, Ready) {
        (SAME, Ready::Change(self.methods.get(0), Vec::new()))
    }

    async fn remove_second(&mut self) -> Result<(), Broken> {
        let active = self.model().and_then(|model| model.backup);
        let slots = active.and_then(|active| self.known.get(&active.digest));
        let slot = slots.and_then(|contents| contents.slots.get(&1)).copied();
        let change = MethodChange::Remove(slot.ok_or_else(|| Broken::new("no such slot"))?);
        let ready = Ready::Change(self.methods.get(0), vec![change]);
        self.done(0, (Change::Without(Set::only(1)), ready)).await
    }

    fn left(&self) -> Option<Time> {
        self.last.as_ref()?.restorable.as_ref().map(|restorable| restorable.left)
    }

    fn epochs(&self) -> (Option<Epoch>, Option<Epoch>) {
        let epoch = |of: fn(&State) -> Option<Epoch>| self.last.as_ref().and_then(of);
        (
            epoch(|state| state.signing.as_ref().map(|epoch| epoch.epoch)),
            epoch(|state| state.backup.as_ref().map(|epoch| epoch.epoch)),
        )
    }

    /// Sets the clock to this time, of which the wallet has seen so many seconds at most.
    fn forward(&self, to: Time, most: Time) {
        self.server.set_time(to);
        if let Some(wallet) = self.wallet {
            self.ledger.with(wallet, |model| model.pass((0, most), false));
        }
    }

    fn model_restores(&mut self, before: &super::ledger::Model) {
        if let Some(wallet) = self.wallet {
            self.ledger.with(wallet, |model| model.restore(before, true));
        }
    }

    fn broken_with_story(&self, told: Result<(), Broken>) -> Result<(), Broken> {
        told.map_err(|mut broken| {
            broken.story = self.stage.story();
            broken
        })
    }
}

/// The clock is set back: grace and pendings stand still until it has caught up; nothing ends early or
/// comes back.
///
/// # Errors
///
/// It is otherwise.
pub async fn clock_back() -> Result<(), Broken> {
    let mut world = World::backed_up().await?;
    let told = clock_back_in(&mut world).await;
    world.close().await;
    world.broken_with_story(told)
}

async fn clock_back_in(world: &mut World) -> Result<(), Broken> {
    let third = Set::only(2);
    let methods = world.methods.of(third);
    world.done(0, (Change::To(third), Ready::Replace(methods, None))).await?;
    expect("the whole grace is left", world.left() == Some(72 * HOUR))?;
    let noon = world.server.time();
    world.pass(HOUR);
    world.check().await?;
    expect("an hour is over", world.left() == Some(71 * HOUR))?;
    // Set back: nobody's grace gets shorter by it, and none is longer than it was.
    if let Some(wallet) = world.wallet {
        world.ledger.with(wallet, super::ledger::Model::clock_back);
    }
    world.server.set_time(noon - 10 * DAY);
    world.check().await?;
    expect("the grace stands still", world.left().is_some_and(|left| left >= 71 * HOUR))?;
    let stood = world.left();
    world.server.set_time(noon - DAY);
    world.check().await?;
    expect("the grace stands still until the clock has caught up", world.left() == stood)?;
    // An operation begun meanwhile works.
    world.done(1, world.recover(2)).await?;
    world.forward(noon + 71 * HOUR, 71 * HOUR);
    world.check().await?;
    expect("the grace is not over before its time", world.left().is_some())?;
    world.forward(noon + 74 * HOUR, 3 * HOUR);
    world.check().await?;
    expect("the grace is over in time", world.left().is_none())?;
    // What has ended does not come back with an earlier time.
    world.server.set_time(noon);
    world.server.restart().await;
    world.check().await?;
    expect("what has ended has ended", world.left().is_none())
}

/// The database is replaced by yesterday's copy, and nobody says so: devices, and an empty one with the
/// stores' receipts, see it.
///
/// # Errors
///
/// It is otherwise.
pub async fn undeclared() -> Result<(), Broken> {
    let mut world = World::backed_up().await?;
    let told = undeclared_in(&mut world).await;
    world.close().await;
    world.broken_with_story(told)
}

async fn undeclared_in(world: &mut World) -> Result<(), Broken> {
    let Copy::Sqlite(copy) = world.server.copy().await else {
        return Err(Broken::new("there is no database"));
    };
    world.done(0, world.refresh()).await?;
    let database = world.server.database().ok_or_else(|| Broken::new("there is no database"))?;
    database.restore(&copy, false).await;
    // From here on the custodian lies, and the model is not asked.
    for (device, ready) in
        [(0, world.refresh()), (1, world.recover(0)), (2, world.recover(1)), (0, world.recover(0))]
    {
        let client = world.phones[device].client.clone();
        match world.plainly((Who::Owner, device), client, ready).await? {
            Said::Failed(why) if why.contains("RolledBack") => {}
            said => return Err(Broken::new(format!("device {device} was told {said:?}"))),
        }
    }
    let near = &world.near;
    let kept = near.list(world.wallet.unwrap()).await.map_err(|e| Broken::new(format!("{e:?}")))?;
    expect("the newer envelope and its receipt are kept", kept.len() >= 4)
}

/// The same, declared: the wallet stands still until its operator approves a recovery; no number is used
/// again, a removed method stays removed, a revoked device stays revoked.
///
/// # Errors
///
/// It is otherwise.
pub async fn declared() -> Result<(), Broken> {
    let mut world = World::backed_up().await?;
    let told = declared_in(&mut world).await;
    world.close().await;
    world.broken_with_story(told)
}

async fn declared_in(world: &mut World) -> Result<(), Broken> {
    let copy = world.server.copy().await;
    let before = world.model().ok_or_else(|| Broken::new("no model"))?;
    world.remove_second().await?;
    // Device 0 is lost; device 1 recovers, and revokes it.
    world.done(1, world.recover(0)).await?;
    let (signing, backup) = world.epochs();
    world.pass(DAY);
    world.check().await?;
    world.server.restore(&copy).await;
    world.model_restores(&before);
    world.check().await?;
    expect("the wallet is held", world.last.as_ref().is_some_and(|state| state.restored))?;
    // Nothing goes on without approval: neither the owner, nor whoever has the removed method, nor the
    // revoked device, of which the copy says that it counts.
    world.refused(1, world.refresh(), "").await?;
    world.refused(2, world.recover(0), "Restored").await?;
    world.refused(2, world.recover(1), "Restored").await?;
    let second = Set::only(1);
    let methods = world.methods.of(second);
    let replace = (Change::To(second), Ready::Replace(methods, None));
    world.refused(0, replace.clone(), "").await?;
    let recovery = world.recovery(world.methods.get(0)).await;
    world.done(2, (Change::Without(second), Ready::Recover(recovery))).await?;
    let (new_signing, new_backup) = world.epochs();
    expect("no backup number is used again", new_backup > backup)?;
    expect("no signing number is used again", new_signing > signing)?;
    let opens = world.model().and_then(|model| model.owners()).map(|owners| owners.opens);
    expect("the removed method stays removed", opens == Some(Set::only(0)))?;
    world.refused(1, world.recover(1), "").await?;
    // Both devices from before are revoked.
    world.refused(0, replace.clone(), "").await?;
    world.refused(1, replace, "").await?;
    world.done(2, world.refresh()).await
}

/// A method that was set up again since the copy was taken has another slot than the copy knows. It
/// recovers all the same.
///
/// # Errors
///
/// It is otherwise.
pub async fn same_method_again() -> Result<(), Broken> {
    let mut world = World::backed_up().await?;
    let told = same_method_again_in(&mut world).await;
    world.close().await;
    world.broken_with_story(told)
}

async fn same_method_again_in(world: &mut World) -> Result<(), Broken> {
    let copy = world.server.copy().await;
    let before = world.model().ok_or_else(|| Broken::new("no model"))?;
    let first = Set::only(0);
    let methods = world.methods.of(first);
    world.done(0, (Change::To(first), Ready::Replace(methods, None))).await?;
    world.server.restore(&copy).await;
    world.model_restores(&before);
    world.check().await?;
    let recovery = world.recovery(world.methods.get(0)).await;
    world.done(2, (SAME, Ready::Recover(recovery))).await?;
    let opens = world.model().and_then(|model| model.owners()).map(|owners| owners.opens);
    expect("the method that recovered is the only one", opens == Some(first))
}
