//! What time it is.

use core::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use twoshare_protocol::rules::Time;

/// The custodian's clock. It may be set back: no wallet's time goes back with it.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Seconds since the Unix epoch.
    fn now(&self) -> Time;
}

/// The clock of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}
