//! The custodian's steps, over one wallet that its caller has loaded: what every custodian does,
//! whatever it keeps its wallets in.
//!
//! Nothing here waits, stores or looks at a clock. A caller looks the wallet up, lets time pass in
//! it ([`arrive`]), takes the step, saves the wallet if it changed, and answers. What a step needs
//! of the custodian's own shares it says in between, so that nothing is unsealed which is not
//! needed, and nothing for somebody who has proven nothing:
//!
//! ```text
//! prepare   Desk::check_prepare → Checked ── Checked::needs: shares of one epoch ──▶
//!           Checked::make       → Made    ── Made::shares: to be kept, and read back ──▶
//!           Made::pend          → the answer, and the wallet with its pending epochs
//! eject     Desk::check_eject   → Ejecting ── Ejecting::epoch: its shares ──▶ Ejecting::answer
//! drill     drill_epoch         → the epoch ── its shares ──▶ Desk::drill
//! ```
//!
//! Of the outcomes and ended epochs of a wallet only those of the operation and the epoch at hand
//! need to be loaded. What a step adds to them is to be kept beside the others.

use rand_core::CryptoRng;
use twoshare_core::{
    id::{Epoch, WalletId, WalletKind},
    identity::CustodianKeys,
};

use crate::{
    Nonce,
    binding::{Nonces, Party},
    message::{Begin, Prepared},
    rules::{self, Policy, Time},
    wire::message,
};

mod begin;
mod commit;
mod custody;
mod evidence;
mod material;
mod prepare;
mod read;
mod request;
mod session;
mod upload;

pub use self::{
    commit::Abandoned,
    custody::{Departing, RefusedDeparture},
    material::{Damaged, Material, StoredCommitment, read_back},
    prepare::{Checked, Made, Refused},
    read::drill_epoch,
    request::Ejecting,
    session::{Session, Sessions},
    upload::{Admitted, MAX_UPLOADS},
};

/// A wallet as it is stored.
pub type Row = rules::Wallet<Material, PendingSession>;

/// What a step is taken with.
pub struct Desk<'a> {
    /// The custodian's identity.
    pub keys: &'a CustodianKeys,
    /// What the operator decided.
    pub policy: &'a Policy,
    /// Who is logged in.
    pub user: &'a str,
    /// What time it is.
    pub now: Time,
    /// Randomness.
    pub rng: &'a mut dyn CryptoRng,
}

impl core::fmt::Debug for Desk<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Desk").field("user", &self.user).field("now", &self.now).finish()
    }
}

impl Desk<'_> {
    /// Who a message of this user is about, once its wallet is known.
    fn party(&self, wallet: WalletId, kind: WalletKind) -> Party {
        let custodian = *self.keys.identity();
        Party { custodian, user: self.user.to_owned(), wallet, kind }
    }
}

message! {
    /// What is kept beside a pending epoch until it ends. It holds no secret.
    pub struct PendingSession = 48 {
        /// What the operation began with.
        begin: Begin,
        /// The client's nonce.
        client_nonce: Nonce,
        /// The custodian's nonce.
        custodian_nonce: Nonce,
        /// The answer as it was sent. The key that sealed it is gone already: an answer that is
        /// asked for again is sent again, and a copy of the database opens nothing.
        answer: Prepared,
    }
}

impl PendingSession {
    const fn nonces(&self) -> Nonces {
        Nonces { client: self.client_nonce, custodian: self.custodian_nonce }
    }
}

/// The wallet as it stands at this time; `None` for one that was never committed and is pending no
/// more, of which nothing is kept.
#[must_use]
pub fn arrive(mut row: Row, now: Time) -> Option<Row> {
    row.advance(now);
    (!row.is_empty()).then_some(row)
}

/// Whether envelopes of this backup epoch are kept: those of an operation that expired or was
/// displaced are nobody's, and never will be. Else whoever may prepare could fill the store, one
/// epoch after the other.
#[must_use]
pub fn keeps_envelopes_of(row: &Row, epoch: Epoch) -> bool {
    let counts = [
        row.backup().map(|active| active.epoch),
        row.restorable().map(|restorable| restorable.epoch),
        row.pending().and_then(|pending| pending.backup.as_ref()).map(|(epoch, _)| *epoch),
    ];
    counts.contains(&Some(epoch)) || row.ended().contains_key(&epoch)
}
