//! When to ask again.

use std::time::Duration;

use rand::RngExt as _;

/// How often and how long a call is repeated whose answer was lost, or which came at a bad time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// The first pause; each further one is twice as long. 200 ms.
    pub first: Duration,
    /// The longest pause that is chosen here. 5 s. What the custodian asks for may be longer.
    pub longest: Duration,
    /// No attempt begins later than this after the first. 30 s.
    pub total: Duration,
    /// How many attempts there are at most. 8.
    pub attempts: u32,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(200),
            longest: Duration::from_secs(5),
            total: Duration::from_secs(30),
            attempts: 8,
        }
    }
}

impl Retry {
    /// Every call is made once.
    pub const NEVER: Self =
        Self { first: Duration::ZERO, longest: Duration::ZERO, total: Duration::ZERO, attempts: 1 };

    /// How long to wait before the next attempt; `None` when there is none. `made` counts the
    /// attempts so far, `since` is when the first began, `asked` what the custodian asked for.
    pub(super) fn pause(
        &self,
        made: u32,
        since: Duration,
        asked: Option<Duration>,
    ) -> Option<Duration> {
        if made >= self.attempts {
            return None;
        }
        let doubled = 2u32.saturating_pow(made.saturating_sub(1));
        let most = self.first.saturating_mul(doubled).min(self.longest);
        // Between half and all of it, so that those who failed together do not return together.
        let share = rand::rng().random_range(0.5..=1.0);
        // Never before the time that was asked for, and not all at that time either.
        let pause = most.mul_f64(share).saturating_add(asked.unwrap_or_default());
        (since.saturating_add(pause) <= self.total).then_some(pause)
    }
}
