//! One state of everything: the custodian, the stores, the owner's devices, the thief, and what the
//! checker remembers in order to judge.

use std::collections::{BTreeMap, BTreeSet};

use twoshare_core::{id::Epoch, proof::Operation};
use twoshare_protocol::rules::{Evidence, Highest, Time, Wallet};

use super::{
    config::Budget,
    symbols::{Envelope, Methods, Sym, Syms},
};

/// The rules under test: the custodian's material of an epoch is the name of its sharing.
pub type Rules = Wallet<Sym, ()>;

/// Who does something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// The owner.
    Owner,
    /// The thief.
    Thief,
}

/// Which property was broken. Each is a property of its own for the checker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Violation {
    /// A prepare was admitted, or let wait, on the proof of an epoch that had ended.
    EndedAdmitted,
    /// A pending epoch that had ended was committed.
    EndedCommitted,
    /// The custodian's share of an ended epoch was released.
    EndedReleased,
    /// An epoch that had ended counts again, and no restore freeze is left to guard it.
    EndedCounts,
    /// More than one of something, or numbers out of order.
    Structure,
    /// The thief has both shares of a sharing.
    ThiefHasBoth,
    /// The owner of an MPC wallet has both shares although nothing was ejected.
    OwnerHasBoth,
    /// The thief ended an epoch of the owner's.
    Undone,
    /// Another sharing got an epoch number that was in use.
    NumberReused,
    /// The grace ended before its time.
    GraceCut,
    /// The grace did not end in time.
    GraceOverrun,
    /// The envelope of an epoch that counts was deleted.
    EnvelopeLost,
    /// A request that the operator had settled was forgotten or could be disputed again.
    SettledForgotten,
    /// A session token alone, or a share that does not count yet, changed something.
    TokenMoved,
    /// A removed method opens an envelope of an epoch that counts, or is about to.
    RemovedOpens,
    /// What a denied request was for goes on.
    DeniedGoesOn,
    /// The proof of an ended epoch abandoned or disputed something.
    EndedObjected,
    /// The owner sealed for the thief.
    SealedForThief,
    /// The custodian's share was released outside of the operator's window.
    OutsideWindow,
    /// The custodian's share was released while the wallet stood still.
    FrozenReleased,
    /// What was proven with the restorable share, or recovered, left the old signing share alive.
    PhoneLeft,
    /// A recovery or an eject went on before its wait was over.
    NotWaited,
    /// A lower proof ended, or held up, what a higher one was for.
    Outranked,
    /// The proof of the key itself did something after the wallet was converted.
    KeyActed,
    /// The kind changed otherwise than by the one conversion.
    KindChanged,
    /// A wallet was converted while one of its epochs could be restored.
    ConvertedContested,
}

impl Violation {
    /// All of them, with what is claimed.
    pub const ALL: [(Self, &'static str); 26] = [
        (Self::EndedAdmitted, "no proof of an ended epoch begins anything"),
        (Self::EndedCommitted, "no ended epoch is committed"),
        (Self::EndedReleased, "no share of an ended epoch is released"),
        (Self::EndedCounts, "an ended epoch never counts again"),
        (Self::Structure, "one active, one restorable, one pending, in order"),
        (Self::ThiefHasBoth, "the thief never has both shares"),
        (Self::OwnerHasBoth, "the key of an MPC wallet is whole only after an eject"),
        (Self::Undone, "the thief ends no backup of the owner's"),
        (Self::NumberReused, "epoch numbers are never reused"),
        (Self::GraceCut, "the grace is never cut short"),
        (Self::GraceOverrun, "the grace ends"),
        (Self::EnvelopeLost, "the envelope of an epoch that counts is kept"),
        (Self::SettledForgotten, "a settled request stays settled"),
        (Self::TokenMoved, "a token alone, or a pending share, begins nothing"),
        (Self::RemovedOpens, "a removed method opens nothing that counts"),
        (Self::DeniedGoesOn, "a denied request does not go on"),
        (Self::EndedObjected, "no proof of an ended epoch abandons or disputes anything"),
        (Self::OutsideWindow, "nothing is released outside of a window"),
        (Self::FrozenReleased, "nothing is released while the wallet stands still"),
        (Self::PhoneLeft, "a recovery revokes the lost device"),
        (Self::Outranked, "no lower proof ends or holds up what a higher one is for"),
        (Self::NotWaited, "nothing that has to wait goes on before"),
        (Self::SealedForThief, "the owner seals nothing for the thief"),
        (Self::KeyActed, "the key of a converted wallet begins, ends and disputes nothing"),
        (Self::KindChanged, "the kind changes at most once, by a conversion"),
        (Self::ConvertedContested, "nothing is converted while an epoch is restorable"),
    ];
}

/// The shares that an operation makes, by their sharings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Made {
    /// The new signing pair.
    pub signing: Option<Sym>,
    /// The new backup pair.
    pub backup: Option<Sym>,
}

impl Made {
    /// Both, as a set.
    #[must_use]
    pub fn syms(self) -> Syms {
        self.signing.into_iter().chain(self.backup).collect()
    }
}

/// A prepare as it goes over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Request {
    /// The operation's number.
    pub number: u8,
    /// The number that names what it makes: its own, unless a thief uses the owner's id.
    pub maker: u8,
    /// What it is for.
    pub operation: Operation,
    /// What is proven.
    pub evidence: Evidence,
    /// The sharing whose share proves it.
    pub proof: Option<Sym>,
    /// The signing epoch it makes.
    pub signing: Option<Epoch>,
    /// The backup epoch it makes.
    pub backup: Option<Epoch>,
}

/// An operation of the owner's: what was ever sent for it, which may arrive at any time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Sent {
    /// Its prepare.
    pub request: Request,
    /// For whom its envelope is sealed.
    pub methods: Methods,
    /// What the client knows that it made.
    pub made: Option<Made>,
    /// Whether its commit was sent.
    pub commit: bool,
    /// Whether its abandon was sent.
    pub abandon: bool,
    /// Whether it was begun under a restore freeze, after looking at every store and receipt: the
    /// operator approves no other.
    pub held: bool,
}

impl Sent {
    /// Its envelope; none for key generation, and before the answer is known.
    #[must_use]
    pub fn envelope(&self) -> Option<Envelope> {
        let sym = self.made?.backup?;
        Some(Envelope { epoch: self.request.backup?, sym, methods: self.methods })
    }
}

/// How far the device is, by its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Before the answer to prepare is on its disk.
    Asking,
    /// Before its envelope is in every store.
    Prepared,
    /// Before it has the receipt.
    Written,
}

/// What a device has on its disk about the operation it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Journal {
    /// Which of the operations sent.
    pub sent: u8,
    /// How far it is.
    pub phase: Phase,
}

/// A device of the owner's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Device {
    /// Its signing share, or the last it had.
    pub signing: Option<(Epoch, Sym)>,
    /// Whether it has the key of a single-key wallet.
    pub key: bool,
    /// What it is in the middle of.
    pub journal: Option<Journal>,
}

/// What the thief has got.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Thief {
    /// Client shares, but for those in envelopes.
    pub client: Syms,
    /// Custodian shares.
    pub custodian: Syms,
    /// The methods it knows.
    pub methods: Methods,
    /// The key of a single-key wallet, from the phone.
    pub key: bool,
    /// The number of its next operation.
    pub next: u8,
}

/// An old copy of the database, and what was true when it was taken.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OldCopy {
    /// The wallet in it.
    pub wallet: Rules,
    /// Whose loss would count, then.
    pub owners: Option<Sym>,
    /// What was left of the grace, then.
    pub grace: Option<Time>,
    /// Whether the wallet had been converted, then.
    pub converted: bool,
}

/// What the checker remembers, and nobody in the model knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Ghost {
    /// Every sharing that ever counted or was pending, and then no more.
    pub ended: Syms,
    /// Every sharing ever made.
    pub made: Syms,
    /// The epoch of each.
    pub epochs: BTreeMap<Sym, Epoch>,
    /// The highest numbers of which the owner has had a receipt.
    pub told: Highest,
    /// The owner's last committed backup, until its loss is nobody's fault.
    pub owners: Option<Sym>,
    /// What is left of the grace, by the checker's own count.
    pub grace: Option<Time>,
    /// Whether the database was ever restored.
    pub restored: bool,
    /// The recovery of the owner's that the operator approved.
    pub approved: Option<u8>,
    /// Until when the operator said that the key may be released.
    pub window: Option<Time>,
    /// Whether the wallet was converted, by the custodian's present database.
    pub converted: bool,
    /// Whether the owner has ejected.
    pub ejected: bool,
    /// The custodian's shares that the owner has got.
    pub owner_custodian: Syms,
    /// Whether the owner let a whole grace pass, so that the wallet is the thief's: from there
    /// only the thief acts, and is claimed not to get the whole key.
    pub over: bool,
    /// What was broken.
    pub violation: Option<Violation>,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    /// The custodian's row, always as of now.
    pub wallet: Rules,
    /// The custodian's clock.
    pub clock: Time,
    /// An old copy of its database.
    pub copy: Option<OldCopy>,
    /// The envelopes in the one honest store.
    pub store: BTreeSet<Envelope>,
    /// Every envelope that was ever in any store.
    pub written: BTreeSet<Envelope>,
    /// The owner's devices.
    pub devices: [Device; 2],
    /// Every operation of the owner's.
    pub sent: Vec<Sent>,
    /// What the owner has in the head.
    pub methods: Methods,
    /// The thief.
    pub thief: Thief,
    /// What the checker remembers.
    pub ghost: Ghost,
    /// What may still happen.
    pub budget: Budget,
}
