//! What is explored: who takes part, what they may do, and how often.

use twoshare_core::id::WalletKind;
use twoshare_protocol::rules::Policy;

/// How often each thing may happen on one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Budget {
    /// Operations that the owner begins.
    pub operations: u8,
    /// Requests that arrive without their answer arriving, at once, late, or again.
    pub unanswered: u8,
    /// Jumps of the clock, to when something is due or to the second before.
    pub ticks: u8,
    /// What the thief does that changes something.
    pub thief: u8,
    /// Devices that the owner loses.
    pub lost_devices: u8,
    /// Restores of the custodian's database from an old copy.
    pub restores: u8,
    /// Freezes that the operator orders, and requests that it denies.
    pub operator: u8,
    /// Windows that the operator opens.
    pub windows: u8,
}

/// What the owner may want to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Plan {
    /// Make the keys of a new MPC wallet.
    Keygen,
    /// Make the first backup.
    FirstBackup,
    /// A new epoch for the same methods.
    Refresh,
    /// A new epoch without the first method.
    RemoveFirst,
    /// A new backup with a new method, all others being forgotten.
    Replace,
    /// Recover, with any method.
    Recover,
    /// Make an MPC wallet of a single-key wallet.
    Convert,
}

/// What the thief has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ThiefHas {
    /// A session token, and with it every envelope that was ever in a store.
    pub token: bool,
    /// Takes the owner's unlocked phone, at any moment at which no backup share is on it.
    pub phone: bool,
    /// Learns the first method, once the owner was told that it is removed.
    pub removed_method: bool,
}

/// One configuration.
#[derive(Debug, Clone)]
pub struct Config {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is about.
    pub about: &'static str,
    /// MPC or single-key, in the beginning.
    pub kind: WalletKind,
    /// The operator's policy, in small numbers.
    pub policy: Policy,
    /// Whether it begins before there are any keys.
    pub from_nothing: bool,
    /// Whether the second device takes part.
    pub second_device: bool,
    /// Whether the owner may forget every method.
    pub forgetful: bool,
    /// What the owner may do.
    pub plans: &'static [Plan],
    /// What the thief has.
    pub thief: ThiefHas,
    /// Whether old envelopes may be retired.
    pub retires: bool,
    /// How often.
    pub budget: Budget,
}

/// A policy in which everything is due at a different time, a few seconds apart.
const POLICY: Policy = Policy {
    pending: 2,
    grace: 5,
    recovery_wait: 0,
    eject_wait: 0,
    request_validity: 4,
    restore_window: 9,
};

const WAITING: Policy = Policy { recovery_wait: 3, eject_wait: 3, ..POLICY };

const NO_THIEF: ThiefHas = ThiefHas { token: false, phone: false, removed_method: false };
const TOKEN: ThiefHas = ThiefHas { token: true, ..NO_THIEF };
const PHONE: ThiefHas = ThiefHas { phone: true, ..TOKEN };
const REMOVED: ThiefHas = ThiefHas { removed_method: true, ..TOKEN };
const BOTH: ThiefHas = ThiefHas { removed_method: true, ..PHONE };

const NONE: Budget = Budget {
    operations: 0,
    unanswered: 0,
    ticks: 0,
    thief: 0,
    lost_devices: 0,
    restores: 0,
    operator: 0,
    windows: 0,
};

const BASE: Config = Config {
    name: "",
    about: "",
    kind: WalletKind::Mpc,
    policy: POLICY,
    from_nothing: false,
    second_device: true,
    forgetful: false,
    plans: &[Plan::Refresh, Plan::Recover],
    thief: NO_THIEF,
    retires: false,
    budget: NONE,
};

use Plan::{Convert, FirstBackup, Keygen, Recover, Refresh, RemoveFirst, Replace};
use WalletKind::SingleKey;

impl Config {
    /// What is explored in every test run: seconds, unoptimised.
    #[must_use]
    pub fn small() -> Vec<Self> {
        Self::all(false)
    }

    /// What `cargo xtask model` explores: minutes, optimised.
    #[must_use]
    pub fn full() -> Vec<Self> {
        Self::all(true)
    }

    fn all(full: bool) -> Vec<Self> {
        let size = |small: Budget, large: Budget| if full { large } else { small };
        vec![
            Self {
                name: "beginnings",
                about: "keys and the first backup, by two devices",
                from_nothing: true,
                plans: &[Keygen, FirstBackup, Recover],
                thief: TOKEN,
                budget: size(
                    Budget { operations: 2, unanswered: 1, ticks: 1, thief: 1, ..NONE },
                    Budget { operations: 3, unanswered: 2, ticks: 2, thief: 1, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "two-devices",
                about: "an MPC wallet, both devices at work at once, one may be lost",
                plans: &[Refresh, RemoveFirst, Recover],
                budget: size(
                    Budget { operations: 2, unanswered: 1, ticks: 1, ..NONE },
                    Budget { operations: 3, unanswered: 1, ticks: 1, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "two-devices-single-key",
                about: "the same with a single-key wallet on both devices, and forgotten methods",
                kind: SingleKey,
                forgetful: true,
                plans: &[Refresh, Replace, Recover],
                budget: size(
                    Budget { operations: 2, unanswered: 1, ticks: 1, ..NONE },
                    Budget { operations: 3, unanswered: 1, ticks: 1, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "repeats",
                about: "dealt backups given up and frozen, while what was sent for them arrives again",
                kind: SingleKey,
                second_device: false,
                forgetful: true,
                plans: &[Replace, Refresh, Recover],
                budget: size(
                    Budget { operations: 2, unanswered: 2, ticks: 1, operator: 1, ..NONE },
                    Budget { operations: 3, unanswered: 2, ticks: 2, operator: 1, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "phone",
                about: "a thief with the unlocked phone of an MPC wallet",
                thief: PHONE,
                budget: size(
                    Budget { operations: 1, ticks: 1, thief: 5, ..NONE },
                    Budget { operations: 1, unanswered: 1, ticks: 2, thief: 5, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "phone-single-key",
                about: "a thief with the unlocked phone, and so the key, of a single-key wallet",
                kind: SingleKey,
                thief: PHONE,
                budget: size(
                    Budget { operations: 1, ticks: 1, thief: 5, ..NONE },
                    Budget { operations: 1, unanswered: 1, ticks: 2, thief: 5, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "phone-forgotten",
                about: "a thief with the phone of an owner who forgot every method, and a restore",
                thief: PHONE,
                retires: true,
                forgetful: true,
                plans: &[Replace, Recover],
                budget: size(
                    Budget { operations: 1, ticks: 1, thief: 3, restores: 1, ..NONE },
                    Budget { operations: 1, ticks: 2, thief: 4, restores: 1, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "waiting",
                about: "recoveries wait, a thief with the phone disputes them, the operator decides",
                policy: WAITING,
                thief: PHONE,
                budget: size(
                    Budget { operations: 1, ticks: 2, thief: 4, operator: 1, ..NONE },
                    Budget { operations: 1, ticks: 3, thief: 4, operator: 1, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "denied",
                about: "a thief who asks for a recovery from a replace of its own, and is denied",
                policy: WAITING,
                second_device: false,
                plans: &[Recover],
                thief: PHONE,
                budget: size(
                    Budget { ticks: 1, thief: 5, operator: 1, ..NONE },
                    Budget { operations: 1, ticks: 2, thief: 5, operator: 1, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "removed",
                about: "a removed method leaks, and the database is restored from an old copy",
                plans: &[RemoveFirst, Recover],
                thief: REMOVED,
                retires: true,
                budget: size(
                    Budget { operations: 2, ticks: 1, thief: 3, restores: 1, ..NONE },
                    Budget { operations: 2, ticks: 2, thief: 3, restores: 1, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "removed-single-key",
                about: "the same with a single-key wallet",
                kind: SingleKey,
                plans: &[RemoveFirst, Recover],
                thief: REMOVED,
                retires: true,
                budget: size(
                    Budget { operations: 2, ticks: 1, thief: 2, restores: 1, ..NONE },
                    Budget { operations: 2, ticks: 2, thief: 3, restores: 1, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "replaced-restored",
                about: "the owner forgets and replaces, and the database is restored",
                second_device: false,
                forgetful: true,
                plans: &[Replace, Recover],
                thief: REMOVED,
                retires: true,
                budget: size(
                    Budget { operations: 2, ticks: 1, thief: 2, restores: 1, ..NONE },
                    Budget {
                        operations: 3,
                        unanswered: 1,
                        ticks: 3,
                        thief: 3,
                        restores: 1,
                        ..NONE
                    },
                ),
                ..BASE
            },
            Self {
                name: "store",
                about: "a store that lies, lost devices, retirement and an old copy of the database",
                plans: &[RemoveFirst, Recover],
                thief: TOKEN,
                retires: true,
                budget: size(
                    Budget { operations: 2, ticks: 2, restores: 1, ..NONE },
                    Budget {
                        operations: 2,
                        unanswered: 1,
                        ticks: 3,
                        lost_devices: 1,
                        restores: 1,
                        ..NONE
                    },
                ),
                second_device: full,
                ..BASE
            },
            Self {
                name: "eject",
                about: "windows, a thief with the phone and a removed method",
                plans: &[RemoveFirst, Recover],
                thief: BOTH,
                budget: size(
                    Budget { operations: 1, ticks: 1, thief: 4, windows: 1, ..NONE },
                    Budget { operations: 1, ticks: 2, thief: 5, windows: 1, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "eject-waiting",
                about: "the same where ejects and recoveries wait",
                policy: WAITING,
                plans: &[Recover],
                thief: PHONE,
                second_device: full,
                budget: size(
                    Budget { operations: 1, ticks: 2, thief: 3, windows: 1, ..NONE },
                    Budget { operations: 1, ticks: 3, thief: 4, windows: 1, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "mixed",
                about: "a thief with the phone and a removed method, a restore, waiting, the operator",
                policy: WAITING,
                plans: &[RemoveFirst, Recover],
                thief: BOTH,
                retires: true,
                budget: size(
                    Budget { operations: 1, ticks: 1, thief: 3, restores: 1, operator: 1, ..NONE },
                    Budget { operations: 2, ticks: 2, thief: 3, restores: 1, operator: 1, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "mixed-single-key",
                about: "the same with a single-key wallet",
                kind: SingleKey,
                policy: WAITING,
                plans: &[RemoveFirst, Recover],
                thief: BOTH,
                retires: true,
                budget: size(
                    Budget { operations: 1, ticks: 1, thief: 2, restores: 1, operator: 1, ..NONE },
                    Budget { operations: 2, ticks: 2, thief: 3, restores: 1, operator: 1, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "convert",
                about: "a single-key wallet is converted while a thief has its phone, and so its key",
                kind: SingleKey,
                plans: &[Convert, Recover],
                thief: PHONE,
                budget: size(
                    Budget { operations: 1, ticks: 1, thief: 4, ..NONE },
                    Budget { operations: 1, unanswered: 1, ticks: 2, thief: 4, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "convert-devices",
                about: "two devices convert, recover and replace at once, what they sent arrives again",
                kind: SingleKey,
                forgetful: true,
                plans: &[Convert, Replace, Recover],
                budget: size(
                    Budget { operations: 2, unanswered: 1, ticks: 1, ..NONE },
                    Budget { operations: 3, unanswered: 1, ticks: 1, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "convert-waiting",
                about: "conversions wait as recoveries do, a thief with the phone disputes them",
                kind: SingleKey,
                policy: WAITING,
                second_device: false,
                plans: &[Convert, Recover],
                thief: PHONE,
                budget: size(
                    Budget { operations: 1, ticks: 2, thief: 3, operator: 1, ..NONE },
                    Budget { operations: 2, ticks: 3, thief: 3, operator: 1, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "convert-removed",
                about: "a removed method leaks, the wallet is converted, an old copy is restored",
                kind: SingleKey,
                second_device: false,
                plans: &[RemoveFirst, Convert, Recover],
                thief: BOTH,
                retires: true,
                budget: size(
                    Budget { operations: 2, ticks: 1, thief: 2, restores: 1, ..NONE },
                    Budget { operations: 2, ticks: 2, thief: 2, restores: 1, ..NONE },
                ),
                ..BASE
            },
            Self {
                name: "convert-window",
                about: "a window is open when the wallet is converted, and the phone stolen",
                kind: SingleKey,
                second_device: full,
                plans: &[Convert, Recover],
                thief: PHONE,
                budget: size(
                    Budget { operations: 1, ticks: 1, thief: 3, windows: 1, ..NONE },
                    Budget { operations: 1, unanswered: 1, ticks: 2, thief: 4, windows: 1, ..NONE },
                ),
                ..BASE
            },
        ]
    }
}
