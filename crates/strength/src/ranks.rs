//! The ranks that a packed word can have: one byte says which. All up to 48, and from there on one of about every
//! four in a hundred. A word has the highest that is not above its own.

/// The step from one rank to the next is a 24th of it.
pub(crate) const STEP: usize = 24;

/// All of them, the lowest first.
pub(crate) fn ranks() -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1), |rank| Some(rank + (rank / STEP).max(1)))
}
