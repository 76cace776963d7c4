//! The methods of the story, and sets of them.

use std::{fmt, sync::Arc};

use twoshare::core::method::{BackupMethod, RecoveryCode};

/// How many methods the owner has.
pub(super) const OWNERS: usize = 4;
/// The number of the thief's method.
pub(super) const THIEFS: usize = OWNERS;

/// All methods: recovery codes, which cost nothing to open.
#[derive(Debug, Clone)]
pub(super) struct Methods(Vec<Arc<dyn BackupMethod>>);

/// Some of them.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Set(u8);

/// What an operation does to the methods that open the wallet's backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// They are these.
    To(Set),
    /// None is added; these are gone.
    Without(Set),
    /// This one too.
    With(usize),
    /// The second in the place of the first.
    Instead(usize, usize),
}

impl Methods {
    pub(super) fn make() -> Self {
        let code = |number: usize| -> Arc<dyn BackupMethod> {
            Arc::new(RecoveryCode::make(&mut twoshare::rng()).with_label(label(number)))
        };
        Self((0..=THIEFS).map(code).collect())
    }

    pub(super) fn get(&self, number: usize) -> Arc<dyn BackupMethod> {
        Arc::clone(&self.0[number % self.0.len()])
    }

    pub(super) fn of(&self, set: Set) -> Vec<Arc<dyn BackupMethod>> {
        set.iter().map(|number| self.get(number)).collect()
    }
}

/// What a slot of this method is labelled.
pub(super) fn label(number: usize) -> String {
    format!("code {number}")
}

impl Set {
    pub(super) const NONE: Self = Self(0);
    pub(super) const THIEF: Self = Self(1 << THIEFS);

    /// These bits, of the owner's; the first method where that would be none.
    pub(super) const fn of_owner(bits: u8) -> Self {
        let bits = bits & ((1 << OWNERS) - 1);
        Self(if bits == 0 { 1 } else { bits })
    }

    pub(super) const fn only(number: usize) -> Self {
        Self(1 << number)
    }

    pub(super) fn iter(self) -> impl Iterator<Item = usize> {
        (0..=THIEFS).filter(move |number| self.has(*number))
    }

    pub(super) const fn has(self, number: usize) -> bool {
        self.0 & (1 << number) != 0
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// What is in both.
    pub(super) const fn both(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What this change makes of it.
    pub(super) const fn changed(self, change: Change) -> Self {
        match change {
            Change::To(set) => set,
            Change::Without(set) => self.without(set),
            Change::With(number) => self.with(Self::only(number)),
            Change::Instead(old, new) => self.without(Self::only(old)).with(Self::only(new)),
        }
    }

    /// One of them: the `nth`, counted around.
    pub(super) fn nth(self, nth: usize) -> Option<usize> {
        let count = self.iter().count();
        (count > 0).then(|| self.iter().nth(nth % count)).flatten()
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
