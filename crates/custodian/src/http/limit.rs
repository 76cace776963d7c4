//! Rates, in memory that does not grow.

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher as _, Hash, RandomState},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::UserId;

/// How many counters there are. Two callers in the same one share its rate, which is rare, and which
/// nobody can bring about: the hash is keyed.
const COUNTERS: usize = 1 << 15;

/// So many at once, and so many a second over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// At once.
    pub burst: u32,
    /// A second, over time. None at all is no limit.
    pub per_second: u32,
}

impl Rate {
    /// No limit.
    pub const UNLIMITED: Self = Self { burst: 0, per_second: 0 };
}

/// Counts by the generic cell rate algorithm (ITU-T I.371): a counter is the time at which a caller
/// who never came faster than the rate would be due.
pub(super) struct Limiter {
    hasher: RandomState,
    started: Instant,
    /// In microseconds since the start.
    due: Box<[AtomicU64]>,
    rate: Rate,
}

impl Limiter {
    pub(super) fn new(rate: Rate) -> Self {
        let count = if rate.per_second == 0 { 0 } else { COUNTERS };
        let due = (0..count).map(|_| AtomicU64::new(0)).collect();
        Self { hasher: RandomState::new(), started: Instant::now(), due, rate }
    }

    /// Counts one more of this caller; or in how many seconds to come again.
    pub(super) fn pass(&self, caller: impl Hash) -> Result<(), u64> {
        self.pass_at(caller, self.started.elapsed())
    }

    fn pass_at(&self, caller: impl Hash, now: Duration) -> Result<(), u64> {
        let slots = u64::try_from(self.due.len()).unwrap_or(u64::MAX);
        let slot = self.hasher.hash_one(caller).checked_rem(slots);
        let slot = slot.and_then(|slot| usize::try_from(slot).ok());
        let Some(due) = slot.and_then(|slot| self.due.get(slot)) else { return Ok(()) };
        let now = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let step = 1_000_000 / u64::from(self.rate.per_second.max(1));
        let ahead = step.saturating_mul(u64::from(self.rate.burst.max(1)));
        due.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |due| {
            let next = due.max(now).saturating_add(step);
            (next <= now.saturating_add(ahead)).then_some(next)
        })
        .map(drop)
        .map_err(|due| due.saturating_add(step).saturating_sub(now + ahead).div_ceil(1_000_000))
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("rate", &self.rate).finish_non_exhaustive()
    }
}

/// How much of the bodies of one user may be on its way at once, in bytes, and of all users. A body
/// may arrive slowly: a rate of requests does not bound how many do.
const ROOM_OF_USER: usize = 64 * 1024 * 1024;
const ROOM: usize = 1024 * 1024 * 1024;

/// The memory of bodies that are on their way.
#[derive(Default)]
pub(super) struct Room(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    by: HashMap<UserId, usize>,
    all: usize,
}

/// Room for one body, until it is dropped.
pub(super) struct Taking<'a> {
    room: &'a Room,
    user: UserId,
    bytes: usize,
}

impl Room {
    /// Room for so many bytes, if there is.
    pub(super) fn take(&self, user: &UserId, bytes: usize) -> Option<Taking<'_>> {
        let mut taken = self.lock();
        let mine = taken.by.get(user).map_or(bytes, |mine| mine.saturating_add(bytes));
        let all = taken.all.saturating_add(bytes);
        if bytes > 0 && (mine > ROOM_OF_USER || all > ROOM) {
            return None;
        }
        taken.all = all;
        taken.by.insert(user.clone(), mine);
        Some(Taking { room: self, user: user.clone(), bytes })
    }

    /// Whole after every change.
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taking<'_> {
    fn drop(&mut self) {
        let mut taken = self.room.lock();
        taken.all = taken.all.saturating_sub(self.bytes);
        let left = taken.by.get(&self.user).map_or(0, |mine| mine.saturating_sub(self.bytes));
        if left == 0 {
            taken.by.remove(&self.user);
        } else {
            taken.by.insert(self.user.clone(), left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_on_their_way_are_bounded() {
        let (alice, bob) = (UserId::new("alice").unwrap(), UserId::new("bob").unwrap());
        let room = Room::default();
        let half = room.take(&alice, ROOM_OF_USER / 2).unwrap();
        let other = room.take(&alice, ROOM_OF_USER / 2).unwrap();
        assert!(room.take(&alice, 1).is_none());
        assert!(room.take(&alice, 0).is_some(), "what has no body is heard");
        assert!(room.take(&bob, ROOM_OF_USER).is_some());
        drop(half);
        assert!(room.take(&alice, ROOM_OF_USER / 2).is_some());
        drop(other);
        let users = (0..16).map(|n| UserId::new(&format!("user {n}")).unwrap());
        let all: Vec<_> = users.map(|user| room.take(&user, ROOM_OF_USER).unwrap()).collect();
        assert!(room.take(&alice, 1).is_none());
        drop(all);
        assert!(room.lock().by.is_empty() && room.lock().all == 0);
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let limiter = Limiter::new(Rate { burst: 3, per_second: 2 });
        let at = |millis| limiter.pass_at("alice", Duration::from_millis(millis));
        assert_eq!([at(0), at(0), at(0), at(0)], [Ok(()), Ok(()), Ok(()), Err(1)]);
        assert_eq!([at(499), at(500), at(500)], [Err(1), Ok(()), Err(1)]);
        assert_eq!(limiter.pass_at("bob", Duration::ZERO), Ok(()));
        // After a pause there is a burst again, and no more than that.
        assert_eq!([at(60_000), at(60_000), at(60_000)], [Ok(()); 3]);
        assert_eq!(at(60_000), Err(1));
    }

    #[test]
    fn what_waits_long_is_told_how_long() {
        let limiter = Limiter::new(Rate { burst: 1, per_second: 1 });
        let at = |millis| limiter.pass_at("alice", Duration::from_millis(millis));
        assert_eq!([at(10_000), at(10_100)], [Ok(()), Err(1)]);
        assert_eq!(Limiter::new(Rate::UNLIMITED).pass("alice"), Ok(()));
    }
}
