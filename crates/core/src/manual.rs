//! The manual: what is defended against whom, and why things are as they are.
//!
//! - [`threats`]: what each adversary can and cannot do.
//! - [`defaults`]: the values chosen, and why.
//!
//! The bytes are in `FORMAT.md` and `PROTOCOL.md` beside this crate.

pub mod defaults;
pub mod threats;
