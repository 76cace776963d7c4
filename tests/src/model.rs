//! The rules of epochs, explored exhaustively.
//!
//! The rules of [`twoshare_protocol::rules`] were wrong several times on paper, each time in an
//! interleaving that nobody had thought of. Here they are not modelled but *run*: the reference rules
//! themselves are the custodian, with names of sharings ([`symbols::Sym`]) for shares. Around them:
//!
//! - an [`owner`] with one or two devices, whose client does each step separately and has it on disk
//!   before the next, so that a crash is to do nothing for a while; at any moment it may repeat its
//!   step, ask for the status, give up, abandon what is in its way, or be lost; the owner may forget;
//! - a network that delivers whatever was once sent, at any later moment and again, and loses answers;
//! - a [`thief`] with a session token and every envelope that was ever in any store (the malicious
//!   store keeps copies and returns nothing), who takes the unlocked phone at any moment at which no
//!   backup share is on it, learns a method once its owner was told that it is removed, uses ids that
//!   it sees, and seals for whom it likes;
//! - an [`operator`], honest and fallible: restores an old copy of the database, freezes, denies,
//!   opens windows, approves and settles for the true owner;
//! - a clock that jumps to when something is due, or to the second before.
//!
//! What is known is symbolic: whoever opens an envelope, prepares, or takes a phone gets the client's
//! share of that sharing; an eject, and the recovery of a single-key wallet, give the custodian's.
//! Messages of a reshare are sealed and erased, and give nobody anything. A proof is checked as a
//! custodian checks it, against the share kept of the epoch that it names; where none is kept it
//! passes, so that the rules have to refuse it themselves. Nonces are not modelled: every message can
//! be replayed.
//!
//! # Claims
//!
//! [`world::Violation`] lists what must never happen. Liveness is an invariant too ([`recovery`]): from
//! *every* state a script is run in which the thief rests and the operator helps, and it has to end
//! in a recovered wallet before the grace does. What has to be seen at least once is checked as well,
//! lest a claim be true because nothing happens.
//!
//! Not claimed: anything once the owner has let a whole grace pass (but that the thief does not get the
//! whole key by a window which was the owner's), of a phone taken while a backup
//! share is on it (which is as good as a method), or before the first backup (where the thief's phone
//! is as good as its owner's). After a restore a number may be given twice if the owner has no
//! receipt for it; an approved replace vouches for the device that proves it.
//!
//! # Bounds
//!
//! [`config::Config::small`] is explored in every test run, [`config::Config::full`] by
//! `cargo xtask model`; every run prints its bounds ([`config::Budget`]), states and steps. Times are
//! small numbers: pending 2, grace 5, waits 3, validity 4, restore window 9, windows 12. States are told
//! apart by 64-bit fingerprints.
//!
//! # Without a rule
//!
#![doc = include_str!("model/mutations.md")]

pub mod config;
pub mod custodian;
pub mod explore;
pub mod operator;
pub mod owner;
pub mod recovery;
pub mod symbols;
pub mod thief;
pub mod world;
