//! What the model has in place of cryptography: a name for every sharing, and sets of them.

use std::fmt;

use twoshare_core::{
    digest::Digest,
    id::{Epoch, OperationId, Purpose},
};

/// The operations of the owner are numbered below this, those of the thief from here on.
pub const FIRST_OF_THIEF: u8 = 8;
/// The number of the owner's ejects, which leave nothing to resume.
pub const EJECT: u8 = FIRST_OF_THIEF - 2;
/// The number of the recovery that every state is tried for.
pub const TRIAL: u8 = FIRST_OF_THIEF - 1;
/// How many operations can be told apart: two bits of a sharing's six are for other things.
pub const OPERATIONS: u8 = 16;

/// The operation with this number.
#[must_use]
pub const fn operation_id(number: u8) -> OperationId {
    OperationId::from_bytes([number; 16])
}

/// The number of this operation.
#[must_use]
pub fn operation_number(id: OperationId) -> u8 {
    let [number, ..] = id.to_bytes();
    number
}

/// One sharing: whose shares combine with each other, and with no others. It is also the
/// custodian's material of its epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sym(u8);

impl Sym {
    /// The sharing that this operation makes for this purpose, the first time or, when a restored
    /// custodian has forgotten that it had made it, the second.
    #[must_use]
    pub const fn new(operation: u8, again: bool, purpose: Purpose) -> Self {
        let purpose = match purpose {
            Purpose::Signing => 0,
            Purpose::Backup => 1,
        };
        Self(operation * 4 + again as u8 * 2 + purpose)
    }

    /// What it is for.
    #[must_use]
    pub const fn purpose(self) -> Purpose {
        if self.0 & 1 == 0 { Purpose::Signing } else { Purpose::Backup }
    }

    /// Whether an operation of the owner made it.
    #[must_use]
    pub const fn is_owners(self) -> bool {
        self.0 < FIRST_OF_THIEF * 4
    }
}

impl fmt::Debug for Sym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = if self.is_owners() { "owner" } else { "thief" };
        let again = if self.0 & 2 == 0 { "" } else { "'" };
        write!(f, "{whose}#{}{again}.{}", self.0 / 4, self.purpose())
    }
}

/// A set of sharings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Syms(u64);

impl Syms {
    /// Whether it is in the set.
    #[must_use]
    pub const fn has(self, sym: Sym) -> bool {
        self.0 >> sym.0 & 1 == 1
    }

    /// Puts it into the set.
    pub const fn add(&mut self, sym: Sym) {
        self.0 |= 1 << sym.0;
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those in this one only.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Sym> {
        (0..64).map(Sym).filter(move |sym| self.has(*sym))
    }
}

impl FromIterator<Sym> for Syms {
    fn from_iter<I: IntoIterator<Item = Sym>>(syms: I) -> Self {
        let mut set = Self::default();
        for sym in syms {
            set.add(sym);
        }
        set
    }
}

impl fmt::Debug for Syms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// A set of backup methods.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Methods(u8);

impl Methods {
    /// None.
    pub const NONE: Self = Self(0);
    /// The password that the owner comes to remove, and that then leaks.
    pub const FIRST: Self = Self(1);
    /// The one that stays.
    pub const SECOND: Self = Self(2);
    /// The one entered when both are forgotten.
    pub const NEW: Self = Self(4);
    /// The thief's own.
    pub const THIEFS: Self = Self(8);

    /// Those in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those in this one only.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether any is in both.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl fmt::Debug for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [(1, "first"), (2, "second"), (4, "new"), (8, "thief's")];
        let names = names.iter().filter(|(bit, _)| self.0 & bit != 0);
        f.debug_set().entries(names.map(|(_, name)| name)).finish()
    }
}

/// An envelope: whoever knows one of its methods gets the client's share of this sharing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Envelope {
    /// The epoch it says it is of.
    pub epoch: Epoch,
    /// The sharing whose client's share it holds.
    pub sym: Sym,
    /// Its slot table.
    pub methods: Methods,
}

impl Envelope {
    /// Names exactly this envelope.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut digest = [0; 32];
        let bytes = self.epoch.get().to_be_bytes().into_iter().chain([self.sym.0, self.methods.0]);
        for (to, from) in digest.iter_mut().zip(bytes) {
            *to = from;
        }
        Digest::from_bytes(digest)
    }
}
