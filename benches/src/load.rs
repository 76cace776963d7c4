//! The custodian and the client under load: real servers, each in a process of its own, spoken to over
//! HTTP on this machine. Both share its processors with whoever asks them.
//!
//! What is compared takes turns, as everywhere here: the servers are the same program, and the peer
//! commits each write by itself. What each figure means:
//!
//! - **uploads**: envelopes of 2 KiB for pending operations, each with its token and its proof of
//!   possession, each new to the database and on the disk before it is acknowledged. *Syncs* are the
//!   `fsync` and `fdatasync` of the server, counted where it calls them, those of
//!   checkpoints included.
//! - **one wallet**: what an app waits for, one call after the other: a first backup, and a recovery on
//!   an empty device, of an MPC wallet whose method is a recovery code, which nothing stretches. The
//!   device is in memory; then a directory, which synchronises the disk for each step it remembers.
//! - **recoveries a second**: as many at once as keep the processors busy.
//! - **server**: the program `twoshare-custodian serve` as it is shipped: how long from its start to
//!   its first answer that it is ready, and what it holds of memory when nobody asks it anything.
//!
//! Medians, with the middle half of what was measured. Nothing fails because of a time.

mod figure;
mod machine;
mod serve;
mod server;
mod starts;
mod syncs;
mod uploads;
mod wallets;

use std::{error::Error, path::PathBuf};

pub use self::serve::serve;

/// Why nothing was measured.
pub type Failure = Box<dyn Error + Send + Sync>;

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Turns of each side.
    pub rounds: usize,
    /// Connections at once.
    pub connections: usize,
    /// Wallets that each connection writes envelopes of, in a turn; eight of each.
    pub wallets: usize,
    /// Turns of a single connection.
    pub single: usize,
    /// Wallets that are backed up and recovered one after the other.
    pub calls: usize,
    /// Recoveries in a turn.
    pub recoveries: usize,
    /// Starts of the server.
    pub starts: usize,
}

impl Sizes {
    /// Enough to believe, in about two minutes.
    pub const FULL: Self = Self {
        rounds: 7,
        connections: 64,
        wallets: 2,
        single: 30,
        calls: 60,
        recoveries: 200,
        starts: 11,
    };

    /// Enough to see that everything works.
    pub const QUICK: Self = Self {
        rounds: 1,
        connections: 4,
        wallets: 1,
        single: 1,
        calls: 2,
        recoveries: 4,
        starts: 1,
    };
}

/// What is measured, and where.
#[derive(Debug, Clone)]
pub struct Load {
    /// How much.
    pub sizes: Sizes,
    /// Only the parts whose name this is in.
    pub wanted: String,
    /// On which disk: databases are made in this directory, and removed.
    pub directory: PathBuf,
    /// The program `twoshare-custodian`; without it, its starts are not measured.
    pub custodian: Option<PathBuf>,
}

impl Load {
    /// Measures, and prints what came of it.
    ///
    /// # Errors
    ///
    /// Something did not work: no figure is printed of what failed.
    pub async fn run(&self) -> Result<(), Failure> {
        println!("{}\n", machine::describe(&self.directory)?);
        let syncs = syncs::Library::build(&self.directory);
        if let Err(why) = &syncs {
            println!("syncs are not counted: {why}\n");
        }
        let syncs = syncs.ok();
        figure::heading();
        if self.wants("uploads") {
            uploads::measure(self, syncs.as_ref()).await?;
        }
        if self.wants("one wallet") {
            wallets::one_by_one(self, syncs.as_ref()).await?;
        }
        if self.wants("recoveries") {
            wallets::at_once(self, syncs.as_ref()).await?;
        }
        if self.wants("server") {
            starts::measure(self)?;
        }
        println!("\n{}", machine::busy());
        Ok(())
    }

    fn wants(&self, part: &str) -> bool {
        part.contains(&self.wanted)
    }
}
