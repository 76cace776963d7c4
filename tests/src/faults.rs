//! The whole system in one process, with everything going wrong that can: devices, custodian, stores, an
//! operator and a thief, told as random stories and compared with a reference model after each act.
//!
//! A [`Story`] is a list of acts. An act of a device is a call of the real client; on its way
//! to the custodian, to a store, or into the device's own storage, at any of its calls, a message is lost,
//! arrives twice or late, or either end dies. Two devices are interleaved call by call. The custodian is
//! the real one, over SQLite in a temporary directory (or the one in memory, which decides the same).
//!
//! After each act, a look from outside shows whether it is as the ledger says, which sees every
//! message arrive and knows who means what:
//!
//! - one signing epoch and one backup epoch are active, at most one is restorable, exactly those that the
//!   commits lead to; nothing is prepared or committed on a proof of what has ended, no number is given
//!   out twice, the grace is as long as promised to the second;
//! - the envelope of each of the owner's epochs that count is in a store that is the owner's to read, opens
//!   with exactly the methods that it was made for, gives the wallet's public keys, and the custodian
//!   proves the other half;
//! - what somebody was told is done was committed, and whatever the thief does ends nothing of the owner's
//!   before the grace is over.
//!
//! At the end everything is set right: late messages arrive, devices resume, the operator decides. Then an
//! empty device recovers with each method that should open, and what has ended is gone from the database.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "in a test a panic is the failure"
)]

mod act;
mod crowd;
mod end;
mod ledger;
mod methods;
mod mortal;
mod op;
mod pocket;
mod probe;
mod rollback;
mod server;
mod shelf;
mod sqlite;
mod stage;
mod thief;
mod wire;
mod world;

use core::fmt;
use std::{collections::BTreeMap, sync::Mutex};

use self::world::World;
pub use self::{
    act::{Story, story},
    crowd::crowd,
    rollback::{clock_back, declared, same_method_again, undeclared},
};

/// A claim that does not hold, with the story that led there.
#[derive(Debug)]
pub struct Broken {
    what: String,
    story: Vec<String>,
}

impl Broken {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), story: Vec::new() }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.what)?;
        self.story.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// What happened in all stories so far: that nothing of it is missing shows that the stories are worth
/// something.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// How many stories.
    pub stories: u64,
    /// How many acts.
    pub acts: u64,
    /// How many calls were made, each of which could have gone wrong.
    pub calls: u64,
    /// How many commits there were.
    pub commits: u64,
    /// How often each fault happened.
    pub faults: BTreeMap<String, u64>,
    /// How often something that matters was seen.
    pub seen: BTreeMap<String, u64>,
}

/// Adds up.
#[derive(Debug, Default)]
pub struct Tallies(Mutex<Tally>);

impl Tallies {
    /// The sum.
    #[must_use]
    pub fn sum(&self) -> Tally {
        self.0.lock().unwrap().clone()
    }

    fn add(&self, world: &World, acts: usize) {
        let mut sum = self.0.lock().unwrap();
        let (faults, calls) = world.stage.happened();
        sum.stories += 1;
        sum.acts += acts as u64;
        sum.calls += calls;
        sum.commits += world.model().map_or(0, |model| model.commits);
        for (fault, count) in faults {
            *sum.faults.entry(format!("{fault:?}")).or_default() += count;
        }
        for line in world.stage.story() {
            for seen in SEEN.iter().filter(|seen| line.contains(**seen)) {
                *sum.seen.entry((*seen).to_owned()).or_default() += 1;
            }
        }
    }
}

/// Lines of a story that have to turn up now and then.
const SEEN: [&str; 10] = [
    "Wallet(",
    "Backup(Backup",
    "Ejected(",
    "Converted(",
    "Waiting(",
    "has died",
    "is restored from the copy",
    "a thief copies",
    "Finished",
    "GivenUp",
];

/// Tells a story, over the real custodian or the one in memory.
///
/// # Errors
///
/// A claim does not hold.
pub async fn tell(story: &Story, on_sqlite: bool, tallies: &Tallies) -> Result<(), Broken> {
    let mut world = World::new(story.setting, on_sqlite).await;
    world.stage.log(format!("{:?}", story.setting));
    let told = world.play(story).await;
    tallies.add(&world, story.acts.len());
    world.close().await;
    told.map_err(|mut broken| {
        broken.story = world.stage.story();
        broken
    })
}
