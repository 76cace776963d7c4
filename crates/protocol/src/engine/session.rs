//! Sessions: what a custodian commits itself to before it hears what is proven. They live in
//! memory: whoever lost one begins again.

use core::fmt;
use std::collections::{BTreeMap, HashMap};

use twoshare_core::{channel::EphemeralSecret, digest::Digest, id::OperationId, keygen, reshare};

use crate::{
    Nonce,
    binding::Party,
    custodian::EvidenceError,
    message::{Begin, Begun, Depart, Departed, digest},
    rules::Time,
};

/// How many sessions a user may have open; the oldest gives way.
const MAX_SESSIONS: usize = 64;

/// A session between the custodian's nonce and the request that uses it.
pub struct Session {
    pub(super) party: Party,
    pub(super) begin: Begin,
    pub(super) begun: Begun,
    pub(super) expires: Time,
    pub(super) ephemeral: EphemeralSecret,
    pub(super) exchange: Exchange,
    /// What was given away in it, and the digest of what asked for that: nothing else is.
    pub(super) departed: Option<(Digest, Departed)>,
    /// How many were opened before it: many begin in one second.
    pub(super) number: u64,
}

/// The custodian's side of what the plan exchanges.
pub(super) enum Exchange {
    None,
    Keygen(keygen::CustodianAnswered),
    Reshare(reshare::CustodianCommitted),
}

impl Session {
    /// What it began with.
    #[must_use]
    pub const fn begin(&self) -> &Begin {
        &self.begin
    }

    /// The operation's id.
    #[must_use]
    pub const fn id(&self) -> OperationId {
        self.begin.id
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("party", &self.party)
            .field("begin", &self.begin)
            .finish_non_exhaustive()
    }
}

/// All open sessions.
#[derive(Default)]
pub struct Sessions {
    open: HashMap<Nonce, Session>,
    /// The nonces of each user's, the oldest first.
    of_user: HashMap<String, BTreeMap<u64, Nonce>>,
    /// How many sessions were ever opened.
    opened: u64,
}

impl Sessions {
    /// No sessions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Opens a session. The user's oldest gives way where there are too many.
    pub fn open(&mut self, mut session: Session, now: Time) {
        let user = session.party.user.clone();
        while let Some((_, oldest)) = self.oldest(&user) {
            let expired = self.open.get(&oldest).is_none_or(|session| session.expires <= now);
            let many = self.of_user.get(&user).map_or(0, BTreeMap::len) >= MAX_SESSIONS;
            if !expired && !many {
                break;
            }
            self.remove(&user, oldest);
        }
        session.number = self.opened;
        self.opened = self.opened.saturating_add(1);
        self.put_back(session);
    }

    /// What the user's session with this nonce began with.
    ///
    /// # Errors
    ///
    /// There is none, or none any more.
    pub fn find(&self, user: &str, nonce: Nonce, now: Time) -> Result<&Begin, EvidenceError> {
        let session = self.open.get(&nonce).filter(|session| session.party.user == user);
        let session = session.filter(|session| session.expires > now);
        session.map(|session| &session.begin).ok_or(EvidenceError::NoSession)
    }

    /// The answer to a departure whose session has given it already, while it lasts: these very bytes
    /// have.
    #[must_use]
    pub fn departed(&self, user: &str, depart: &Depart, now: Time) -> Option<Departed> {
        let nonce = depart.body.nonce;
        let session = self.open.get(&nonce).filter(|session| session.party.user == user);
        let session = session.filter(|session| session.expires > now)?;
        let (asked, answer) = session.departed.as_ref()?;
        (*asked == digest(depart)).then(|| answer.clone())
    }

    /// Takes the user's session with this nonce, which is used once.
    ///
    /// # Errors
    ///
    /// There is none, or none any more.
    pub fn take(&mut self, user: &str, nonce: Nonce, now: Time) -> Result<Session, EvidenceError> {
        self.find(user, nonce, now)?;
        self.remove(user, nonce).ok_or(EvidenceError::NoSession)
    }

    /// Puts a session back of which nothing was spent.
    pub fn put_back(&mut self, session: Session) {
        let nonce = session.begun.nonce;
        let mine = self.of_user.entry(session.party.user.clone()).or_default();
        mine.insert(session.number, nonce);
        self.open.insert(nonce, session);
    }

    /// Forgets the sessions whose time is over.
    pub fn expire(&mut self, now: Time) {
        let expired = self.open.iter().filter(|(_, session)| session.expires <= now);
        let expired: Vec<_> =
            expired.map(|(nonce, session)| (session.party.user.clone(), *nonce)).collect();
        for (user, nonce) in expired {
            self.remove(&user, nonce);
        }
    }

    /// Forgets all of them, as a restart does.
    pub fn clear(&mut self) {
        self.open.clear();
        self.of_user.clear();
    }

    fn oldest(&self, user: &str) -> Option<(u64, Nonce)> {
        let (number, nonce) = self.of_user.get(user)?.first_key_value()?;
        Some((*number, *nonce))
    }

    fn remove(&mut self, user: &str, nonce: Nonce) -> Option<Session> {
        let session = self.open.remove(&nonce)?;
        if let Some(mine) = self.of_user.get_mut(user) {
            mine.remove(&session.number);
            if mine.is_empty() {
                self.of_user.remove(user);
            }
        }
        Some(session)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sessions({} open)", self.open.len())
    }
}
