//! What can happen, and how a story is made of it.

use proptest::{collection::vec, prelude::*, sample::select, strategy::Union};
use twoshare::protocol::rules::Time;

use super::stage::Fault;

const MINUTE: Time = 60;
const HOUR: Time = 60 * MINUTE;
const DAY: Time = 24 * HOUR;

/// How many devices the owner has.
pub(super) const DEVICES: usize = 3;

/// A story: everything that is decided before it begins.
#[derive(Debug, Clone)]
pub struct Story {
    pub(super) setting: Setting,
    pub(super) create: Faults,
    pub(super) backup: (u8, Faults),
    pub(super) acts: Vec<Act>,
}

/// What does not change in a story.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    /// Of a wallet without a key that is whole anywhere, from the beginning.
    pub(super) mpc: bool,
    pub(super) stores: Places,
    /// Recovery and eject wait for a day.
    pub(super) waits: bool,
}

/// Where envelopes are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Places {
    Custodian,
    CustodianAndNear,
    NearAndFar,
    TwoOfThree,
}

/// At which call of an act what goes wrong.
pub(super) type Faults = Vec<(u16, Fault)>;

/// One thing that happens.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// The owner does something.
    Do(Doing),
    /// The owner does two things at once, each step by step, in this order.
    Both(Doing, Doing, Vec<u8>),
    /// A thief copies everything that the unlocked device has.
    Steal(usize),
    /// The thief does something with it.
    Thief(ThiefOp),
    /// The same while the owner does something, step by step.
    Against(Doing, ThiefOp, Vec<u8>),
    Operator(OperatorAct),
    /// So many seconds pass.
    Pass(Time),
    /// The custodian's clock is set back by so many seconds.
    ClockBack(Time),
    CustodianRestarts,
    /// A message arrives that was on its way for long.
    Arrives {
        nth: u8,
        again: bool,
    },
    /// A device is lost, and a new one bought.
    Lose(usize),
    /// The near store loses everything.
    NearForgets,
    /// The operator copies the database.
    Copy,
    /// The operator starts the custodian from the copy.
    Restore,
}

/// The owner does this on this device.
#[derive(Debug, Clone)]
pub(super) struct Doing {
    pub(super) device: usize,
    pub(super) op: Op,
    pub(super) faults: Faults,
}

/// What an owner does. Methods are numbered around among those that should open the backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Backup(u8),
    Replace(u8),
    Refresh(u8),
    Add(u8, u8),
    Remove(u8, u8),
    Swap(u8, u8, u8),
    Recover(u8),
    /// With one that may not be among them.
    RecoverWith(u8),
    Drill(u8),
    Eject(u8),
    /// Of a wallet whose key is whole, until it is not.
    Convert(u8),
    Cancel,
    Resume,
    Status,
}

/// What a thief does, with a session token and perhaps what a device had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ThiefOp {
    /// A client's operations on the copied device.
    Replace,
    Backup,
    Refresh,
    Add,
    Recover,
    Eject,
    Convert,
    Cancel,
    Resume,
    /// Abandons what is pending, with whatever proof there is.
    Abandon,
    /// Everything that a token alone could try.
    Token,
    /// Deletes what the owner has in the stores that do not refuse it.
    Delete,
}

/// What the custodian's operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OperatorAct {
    Window,
    Freeze,
    /// For the request, where there is a dispute.
    Unfreeze,
    /// For the device.
    Deny,
}

/// Any story.
pub fn story() -> impl Strategy<Value = Story> {
    let places = select(vec![
        Places::Custodian,
        Places::CustodianAndNear,
        Places::CustodianAndNear,
        Places::NearAndFar,
        Places::TwoOfThree,
    ]);
    let setting = (prop::bool::weighted(0.6), places, prop::bool::weighted(0.2));
    let setting = setting.prop_map(|(mpc, stores, waits)| Setting { mpc, stores, waits });
    (setting, faults(16), (any::<u8>(), faults(24)), vec(act(), 1..20))
        .prop_map(|(setting, create, backup, acts)| Story { setting, create, backup, acts })
}

fn faults(gates: u16) -> impl Strategy<Value = Faults> {
    let fault = select(vec![
        Fault::Lost,
        Fault::Lost,
        Fault::Unanswered,
        Fault::Unanswered,
        Fault::Twice,
        Fault::Twice,
        Fault::Late,
        Fault::Late,
        Fault::Broken,
        Fault::DiesBefore,
        Fault::DiesAfter,
        Fault::DiesAfter,
        Fault::CustodianDies,
        Fault::CustodianDiesAfter,
        Fault::CustodianDiesAfter,
        Fault::Damaged,
    ]);
    Union::new_weighted(vec![
        (2, Just(Vec::new()).boxed()),
        (4, vec((0..gates, fault.clone()), 1).boxed()),
        (2, vec((0..gates, fault), 2..4).boxed()),
    ])
}

fn op() -> impl Strategy<Value = Op> {
    let method = 0..4_u8;
    let pair = (0..4_u8, 0..4_u8);
    Union::new_weighted(vec![
        (1, any::<u8>().prop_map(Op::Backup).boxed()),
        (4, any::<u8>().prop_map(Op::Replace).boxed()),
        (3, method.clone().prop_map(Op::Refresh).boxed()),
        (2, pair.clone().prop_map(|(with, new)| Op::Add(with, new)).boxed()),
        (3, pair.prop_map(|(with, old)| Op::Remove(with, old)).boxed()),
        (2, (0..4_u8, 0..4_u8, 0..4_u8).prop_map(|(a, b, c)| Op::Swap(a, b, c)).boxed()),
        (5, method.clone().prop_map(Op::Recover).boxed()),
        (2, method.clone().prop_map(Op::RecoverWith).boxed()),
        (1, method.clone().prop_map(Op::Drill).boxed()),
        (2, method.clone().prop_map(Op::Eject).boxed()),
        (3, method.prop_map(Op::Convert).boxed()),
        (1, Just(Op::Cancel).boxed()),
        (4, Just(Op::Resume).boxed()),
        (1, Just(Op::Status).boxed()),
    ])
}

fn doing() -> impl Strategy<Value = Doing> {
    (0..DEVICES, op(), faults(24)).prop_map(|(device, op, faults)| Doing { device, op, faults })
}

fn thief() -> impl Strategy<Value = ThiefOp> {
    select(vec![
        ThiefOp::Replace,
        ThiefOp::Replace,
        ThiefOp::Replace,
        ThiefOp::Backup,
        ThiefOp::Refresh,
        ThiefOp::Add,
        ThiefOp::Recover,
        ThiefOp::Eject,
        ThiefOp::Convert,
        ThiefOp::Cancel,
        ThiefOp::Resume,
        ThiefOp::Abandon,
        ThiefOp::Token,
        ThiefOp::Delete,
    ])
}

fn act() -> impl Strategy<Value = Act> {
    let order = || vec(any::<u8>(), 8..48);
    let operator = select(vec![
        OperatorAct::Window,
        OperatorAct::Freeze,
        OperatorAct::Unfreeze,
        OperatorAct::Unfreeze,
        OperatorAct::Deny,
    ]);
    let pass = select(vec![
        MINUTE,
        16 * MINUTE,
        16 * MINUTE,
        25 * HOUR,
        25 * HOUR,
        48 * HOUR,
        73 * HOUR,
        31 * DAY,
    ]);
    let arrives = (any::<u8>(), any::<bool>());
    Union::new_weighted(vec![
        (16, doing().prop_map(Act::Do).boxed()),
        (5, (doing(), doing(), order()).prop_map(|(a, b, order)| Act::Both(a, b, order)).boxed()),
        (3, (0..DEVICES).prop_map(Act::Steal).boxed()),
        (4, thief().prop_map(Act::Thief).boxed()),
        (
            2,
            (doing(), thief(), order())
                .prop_map(|(doing, thief, order)| Act::Against(doing, thief, order))
                .boxed(),
        ),
        (2, operator.prop_map(Act::Operator).boxed()),
        (4, pass.prop_map(Act::Pass).boxed()),
        (1, select(vec![MINUTE, DAY, 30 * DAY]).prop_map(Act::ClockBack).boxed()),
        (1, Just(Act::CustodianRestarts).boxed()),
        (2, arrives.prop_map(|(nth, again)| Act::Arrives { nth, again }).boxed()),
        (2, (0..DEVICES).prop_map(Act::Lose).boxed()),
        (1, Just(Act::NearForgets).boxed()),
        (2, Just(Act::Copy).boxed()),
        (2, Just(Act::Restore).boxed()),
    ])
}
