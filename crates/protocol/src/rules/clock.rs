//! Time passing: pendings and requests expire, the grace of a restorable epoch runs down.

use super::{Authority, Ended, Outcome, Pending, Time, Wallet};

impl<M, P> Wallet<M, P> {
    /// Lets time pass until `to`, which every call on a wallet begins with. Whatever was due on the
    /// way happens in the order in which it was due: a pending recovery that stopped the clock of a
    /// restorable epoch lets it run again from the moment it expired.
    ///
    /// A clock that is set back stands still here until it has caught up.
    pub fn advance(&mut self, to: Time) {
        self.expire();
        while self.now < to {
            let stopped = self.grace_is_stopped();
            let grace_ends = self
                .restorable
                .as_ref()
                .filter(|_| !stopped)
                .map(|r| self.now.saturating_add(r.left));
            let held = self.freezes.any();
            let due = [
                self.pending.as_ref().map(|pending| pending.expires),
                self.request.as_ref().filter(|_| !held).map(|request| request.expires),
                grace_ends,
            ];
            let next = due.into_iter().flatten().fold(to, Time::min);
            let passed = next - self.now;
            self.now = next;
            if let Some(restorable) = self.restorable.as_mut().filter(|_| !stopped) {
                restorable.left = restorable.left.saturating_sub(passed);
            }
            if let Some(request) = self.request.as_mut().filter(|_| held) {
                // A request is not forgotten while its operator decides about it.
                request.expires = request.expires.saturating_add(passed);
            }
            self.expire();
        }
    }

    /// A freeze, a waiting request, or a pending recovery from the restorable epoch itself.
    pub(super) fn grace_is_stopped(&self) -> bool {
        self.freezes.any()
            || self.request.is_some()
            || self.pending.as_ref().is_some_and(Pending::is_from_restorable)
    }

    fn expire(&mut self) {
        if self.pending.as_ref().is_some_and(|pending| pending.expires <= self.now) {
            self.end_pending(Outcome::Expired);
        }
        if self.request.as_ref().is_some_and(|request| request.expires <= self.now) {
            self.request = None;
        }
        if self.window.is_some_and(|until| until <= self.now) {
            self.window = None;
        }
        if !self.grace_is_stopped() && self.restorable.as_ref().is_some_and(|r| r.left == 0) {
            self.end_restorable();
        }
    }

    /// Gives the pending epoch up. What the custodian kept of it is dropped; its number stays used.
    pub(super) fn end_pending(&mut self, outcome: Outcome) {
        if let Some(pending) = self.pending.take() {
            self.outcomes.insert(pending.id, outcome);
        }
    }

    pub(super) fn end_restorable(&mut self) {
        if let Some(restorable) = self.restorable.take() {
            self.ended
                .insert(restorable.epoch, Ended { envelope: restorable.envelope, at: self.now });
        }
    }

    pub(super) fn end_backup(&mut self) {
        if let Some(active) = self.backup.take() {
            self.ended.insert(active.epoch, Ended { envelope: active.envelope, at: self.now });
        }
    }
}

impl<M, P> Pending<M, P> {
    pub(super) fn is_from_restorable(&self) -> bool {
        self.authority == Authority::Restorable
    }
}
