use core::fmt;

/// The kind of a method slot. Kinds that this version does not know are kept as they are, so that an
/// older app that refreshes a backup does not lose them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlotKind {
    /// A password (Argon2id).
    Password,
    /// A recovery code of 128 random bits.
    RecoveryCode,
    /// A PIN, hardened by a server's verifiable oblivious PRF.
    Pin,
    /// A passkey whose PRF output is the identity.
    Passkey,
    /// A passkey that makes the custodian return the identity that it holds.
    CustodialPasskey,
    /// An identity kept in the user's cloud drive.
    Drive,
    /// An identity inside hardware of the user's own.
    Hardware,
    /// Another person's device, or a device whose key was only scanned.
    Device,
    /// A kind that this version does not know.
    Other(OtherKind),
}

/// The number of a kind that this version does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OtherKind(u64);

impl SlotKind {
    /// The kinds that this version knows, in the order of their numbers.
    pub const KNOWN: [Self; 8] = [
        Self::Password,
        Self::RecoveryCode,
        Self::Pin,
        Self::Passkey,
        Self::CustodialPasskey,
        Self::Drive,
        Self::Hardware,
        Self::Device,
    ];

    /// The number in an envelope.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::Password => 1,
            Self::RecoveryCode => 2,
            Self::Pin => 3,
            Self::Passkey => 4,
            Self::CustodialPasskey => 5,
            Self::Drive => 6,
            Self::Hardware => 7,
            Self::Device => 8,
            Self::Other(OtherKind(number)) => number,
        }
    }

    /// The kind with this number.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        Self::KNOWN
            .into_iter()
            .find(|kind| kind.number() == number)
            .unwrap_or(Self::Other(OtherKind(number)))
    }

    /// The name used in JSON and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::RecoveryCode => "recovery_code",
            Self::Pin => "pin",
            Self::Passkey => "passkey",
            Self::CustodialPasskey => "custodial_passkey",
            Self::Drive => "drive",
            Self::Hardware => "hardware",
            Self::Device => "device",
            Self::Other(_) => "other",
        }
    }

    /// Whether the custodian alone could open a slot of this kind: it holds the identity, or can
    /// compute it, or can try all PINs. Of a kind it does not know, this says yes.
    #[must_use]
    pub const fn custodian_can_open(self) -> bool {
        match self {
            Self::Pin | Self::CustodialPasskey | Self::Other(_) => true,
            Self::Password
            | Self::RecoveryCode
            | Self::Passkey
            | Self::Drive
            | Self::Hardware
            | Self::Device => false,
        }
    }
}

impl fmt::Display for SlotKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What shows that an opened envelope is of the user's own wallet, and not of one that somebody made
/// and encrypted to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Vouching {
    /// The key tag in the slot, which only the identity's holder can make.
    KeyTag,
    /// Nothing in the slot: the user compares the check code, or accepts to go without.
    CheckCode,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_and_unknown_ones_are_kept() {
        for number in 0..300 {
            assert_eq!(SlotKind::from_number(number).number(), number);
        }
        assert!(SlotKind::from_number(9).custodian_can_open());
    }
}
