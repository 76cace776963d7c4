//! Every reachable state, each judged; and what to show of a run.

use std::{
    collections::BTreeSet,
    fmt::{self, Write as _},
    time::{Duration, Instant},
};

use stateright::{Checker as _, Expectation, HasDiscoveries, Model, Property};
use twoshare_core::{
    digest::Digest,
    id::{Purpose, WalletKind},
    proof::Operation,
};
use twoshare_protocol::rules::{Admission, Ask, Authority, Evidence, Highest, Outcome, Time};

use super::{
    config::{Budget, Config, Plan},
    operator::Decision,
    owner::Message,
    symbols::{Envelope, FIRST_OF_THIEF, Methods, Sym, Syms, operation_id},
    thief::Act,
    world::{Device, Ghost, Rules, Thief, Violation, World},
};

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The owner begins an operation on this device.
    Begin(usize, Plan),
    /// This device does its next step.
    Step(usize),
    /// This device asks how its operation went.
    Status(usize),
    /// This device gives its operation up.
    GiveUp(usize),
    /// This device abandons the operation that is in its way.
    ClearTheWay(usize),
    /// The owner ejects.
    Eject,
    /// A message of the owner's arrives, now, late or again, and its answer does not.
    Unanswered(u8, Message),
    /// The owner loses this device and what is on it.
    Lose(usize),
    /// The owner forgets every method.
    Forget,
    /// The clock jumps to then.
    Tick(Time),
    /// The operator decides something.
    Operator(Decision),
    /// The thief does something.
    Thief(Act),
}

/// The first operation's number: it made what is there in the beginning.
const FIRST: u8 = 0;
/// When it all begins.
const START: Time = 1;

impl World {
    /// How it begins: with a signing pair where there is one, and a first backup.
    ///
    /// # Panics
    ///
    /// When the rules refuse the first backup of an empty wallet.
    #[must_use]
    pub fn start(config: &Config) -> Self {
        let mut wallet = Rules::new(config.kind, START);
        let signing = Sym::new(FIRST, false, Purpose::Signing);
        let backup = Sym::new(FIRST, false, Purpose::Backup);
        let first = twoshare_core::id::Epoch::FIRST;
        let methods = Methods::FIRST.or(Methods::SECOND);
        let envelope = Envelope { epoch: first, sym: backup, methods };
        let single = config.kind == WalletKind::SingleKey;
        let mut ghost = Ghost::default();
        let mut store = BTreeSet::new();
        let mut device = Device { key: single, ..Device::default() };
        if !config.from_nothing {
            let mut make = |operation, number: u8, evidence, made: [Option<Sym>; 2], envelope| {
                let [signing, backup] = made;
                let ask = Ask {
                    operation,
                    id: operation_id(number),
                    request: Digest::from_bytes([number; 32]),
                    evidence,
                    signing: signing.map(|_| first),
                    backup: backup.map(|_| first),
                    receipts: Highest::default(),
                };
                match wallet.admit(&ask, &config.policy) {
                    Ok(Admission::New(admitted)) => {
                        wallet.pend(admitted, signing, backup, (), &config.policy);
                    }
                    Ok(Admission::Repeated) | Err(_) => unreachable!("an empty wallet admits it"),
                }
                wallet
                    .commit(operation_id(number), envelope, &config.policy)
                    .expect("nothing stands between the prepare and the commit");
            };
            if !single {
                make(Operation::Keygen, u8::MAX, Evidence::Token, [Some(signing), None], None);
                device.signing = Some((first, signing));
                ghost.made.add(signing);
                ghost.epochs.insert(signing, first);
                ghost.told.signing = 1;
            }
            let evidence = if single { Evidence::Key } else { Evidence::Signing(first) };
            let made = [None, Some(backup)];
            make(Operation::FirstBackup, FIRST, evidence, made, Some(envelope.digest()));
            ghost.made.add(backup);
            ghost.epochs.insert(backup, first);
            ghost.told.backup = 1;
            ghost.owners = Some(backup);
            store.insert(envelope);
        }
        let second = Device { key: single, ..Device::default() };
        Self {
            wallet,
            clock: START,
            copy: None,
            written: store.clone(),
            store,
            devices: [device, second],
            sent: Vec::new(),
            methods,
            thief: Thief {
                client: Syms::default(),
                custodian: Syms::default(),
                methods: Methods::THIEFS,
                key: false,
                next: FIRST_OF_THIEF,
            },
            ghost,
            budget: config.budget,
        }
    }

    fn apply(&mut self, action: Action, config: &Config) -> Option<()> {
        match action {
            Action::Begin(device, plan) => {
                self.budget.operations -= 1;
                self.begin(device, plan)
            }
            Action::Step(device) => self.step(device, config),
            Action::Status(device) => self.status(device, config),
            Action::GiveUp(device) => self.give_up(device),
            Action::ClearTheWay(device) => self.clear_the_way(device),
            Action::Eject => self.eject_own(config),
            Action::Unanswered(sent, message) => {
                self.budget.unanswered -= 1;
                self.unanswered(sent, message, config)
            }
            Action::Lose(device) => {
                self.budget.lost_devices -= 1;
                let lost = self.devices.get_mut(device)?;
                *lost = Device::default();
                Some(())
            }
            Action::Forget => {
                self.methods = Methods::NONE;
                Some(())
            }
            Action::Tick(to) => {
                self.budget.ticks -= 1;
                self.tick(to);
                Some(())
            }
            Action::Operator(decision) => self.decide(decision, config),
            Action::Thief(act) => {
                self.budget.thief -= 1;
                self.thief_does(act, config)
            }
        }
    }
}

impl Model for Config {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::start(self)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.ghost.violation.is_some() {
            return;
        }
        if world.ghost.over {
            // Only whether the thief gets the whole key is of interest from here.
            if world.budget.thief > 0 {
                let mut acts = Vec::new();
                world.thief_acts(self, &mut acts);
                actions.extend(acts.into_iter().map(Action::Thief));
            }
            return;
        }
        let Budget { operations, unanswered, ticks, thief, lost_devices, .. } = world.budget;
        let devices = if self.second_device { 2 } else { 1 };
        for (device, state) in world.devices.iter().enumerate().take(devices) {
            if state.journal.is_some() {
                actions.extend([
                    Action::Step(device),
                    Action::Status(device),
                    Action::GiveUp(device),
                    Action::ClearTheWay(device),
                ]);
            } else if operations > 0 {
                actions.extend(self.plans.iter().map(|plan| Action::Begin(device, *plan)));
            }
            if lost_devices > 0 && *state != Device::default() {
                actions.push(Action::Lose(device));
            }
        }
        if self.budget.windows > 0 {
            actions.push(Action::Eject);
        }
        if unanswered > 0 {
            for sent in 0..u8::try_from(world.sent.len()).unwrap_or(u8::MAX) {
                let messages = [Message::Prepare, Message::Commit, Message::Abandon];
                actions.extend(messages.map(|message| Action::Unanswered(sent, message)));
            }
        }
        if self.forgetful && world.methods.meets(Methods::FIRST.or(Methods::SECOND)) {
            actions.push(Action::Forget);
        }
        if ticks > 0
            && let Some(due) = world.due(self)
        {
            actions.push(Action::Tick(due));
            if due - 1 > world.clock {
                actions.push(Action::Tick(due - 1));
            }
        }
        let mut decisions = Vec::new();
        world.decisions(self, &mut decisions);
        actions.extend(decisions.into_iter().map(Action::Operator));
        if thief > 0 {
            let mut acts = Vec::new();
            world.thief_acts(self, &mut acts);
            actions.extend(acts.into_iter().map(Action::Thief));
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        next.apply(action, self)?;
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(RECOVERS, |config: &Self, world: &World| {
                world.ghost.violation.is_some() || world.recovers(config).is_ok()
            }),
            Property::always(REPLACES, |config: &Self, world: &World| {
                world.ghost.violation.is_some() || world.replaces(config).is_ok()
            }),
            Property::always(RESUMES, |config: &Self, world: &World| {
                world.ghost.violation.is_some() || world.resumes(config).is_ok()
            }),
            // What has to be seen, lest a claim be true because nothing happens.
            Property::sometimes("an operation of the owner's is committed", |_, world: &World| {
                world.sent.iter().any(|sent| committed(world, sent.request.number))
            }),
            Property::sometimes("the owner recovers", |_, world: &World| {
                world.sent.iter().any(|sent| {
                    sent.request.operation == Operation::Recover
                        && committed(world, sent.request.number)
                })
            }),
            Property::sometimes("the thief commits", |_, world: &World| {
                (FIRST_OF_THIEF..world.thief.next).any(|number| committed(world, number))
            }),
            Property::sometimes("the owner recovers from the restorable epoch", |_, w: &World| {
                let from = |sent: &super::world::Sent| sent.request.proof;
                w.sent.iter().any(|sent| {
                    sent.request.operation == Operation::Recover
                        && committed(w, sent.request.number)
                        && (FIRST_OF_THIEF..w.thief.next).any(|number| committed(w, number))
                        && from(sent).is_some_and(Sym::is_owners)
                })
            }),
            Property::sometimes("a restored wallet goes on", |_, world: &World| {
                world.ghost.restored
                    && world.ghost.approved.is_some()
                    && world.wallet.freezes().restored.is_none()
            }),
            Property::sometimes("the owner ejects", |_, world: &World| world.ghost.ejected),
            Property::sometimes("a request is settled", |_, world: &World| {
                world.wallet.request().is_some_and(|request| request.settled)
            }),
            Property::sometimes("the owner converts", |_, world: &World| {
                let converts = |op| op == Operation::Convert;
                let mut sent = world.sent.iter().map(|sent| sent.request);
                sent.any(|sent| converts(sent.operation) && committed(world, sent.number))
            }),
            Property::sometimes("a grace runs out", |_, world: &World| world.ghost.over),
        ];
        macro_rules! claims {
            ($($index:literal)*) => {$(
                properties.push(Property::always(
                    Violation::ALL[$index].1,
                    |_, world: &World| world.ghost.violation != Some(Violation::ALL[$index].0),
                ));
            )*};
        }
        claims!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25);
        properties
    }
}

/// The claim of liveness.
const RECOVERS: &str = "the owner can recover, within the grace";
/// The claim of liveness for who forgot everything.
const REPLACES: &str = "an owner who forgot every method and has the device can replace";
/// The claim about what is under way.
const RESUMES: &str = "every device can end what it is in the middle of";

fn committed(world: &World, number: u8) -> bool {
    matches!(world.wallet.outcome(operation_id(number)), Some(Outcome::Committed(_)))
}

/// What came of exploring one configuration.
#[derive(Debug)]
pub struct Report {
    /// Which.
    pub name: &'static str,
    /// How many different states there are.
    pub states: usize,
    /// How many steps led to them, those to known states included.
    pub steps: usize,
    /// How many steps the longest path had.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// How many claims hold in every state.
    pub claims: usize,
    /// What was seen to happen.
    pub seen: Vec<&'static str>,
    /// The claims that fail, and how.
    pub failures: Vec<Failure>,
}

/// A claim that fails.
#[derive(Debug)]
pub struct Failure {
    /// What was claimed.
    pub claim: &'static str,
    /// How many steps it takes.
    pub length: usize,
    /// The steps, a line each, with what came of it.
    pub trace: String,
}

/// Explores every state of this configuration, with so many threads.
#[must_use]
pub fn explore(config: &Config, threads: usize) -> Report {
    let began = Instant::now();
    let properties = config.properties();
    let is_claim = |name: &str| {
        properties.iter().any(|p| p.name == name && p.expectation == Expectation::Always)
    };
    let finish = HasDiscoveries::AnyFailures;
    // Depth first, for its frontier is small.
    let checker = config.clone().checker().threads(threads).finish_when(finish.clone());
    let checker = checker.spawn_dfs().join();
    let mut found = checker.discoveries();
    if found.keys().any(|name| is_claim(name)) {
        // Somewhere a claim fails: the shortest trace is found by going deeper step by step.
        for depth in 2..=checker.max_depth() {
            let shallow = config.clone().checker().target_max_depth(depth);
            let shallow = shallow.finish_when(finish.clone()).spawn_bfs().join().discoveries();
            if shallow.keys().any(|name| is_claim(name)) {
                found = shallow;
                break;
            }
        }
    }
    let mut seen = Vec::new();
    let mut failures = Vec::new();
    for (name, path) in found {
        if !is_claim(name) {
            seen.push(name);
            continue;
        }
        let steps = path.into_vec();
        let length = steps.iter().filter(|(_, action)| action.is_some()).count();
        failures.push(Failure { claim: name, length, trace: trace(config, &steps) });
    }
    seen.sort_unstable();
    failures.sort_by_key(|failure| failure.claim);
    let claims = properties.iter().filter(|p| is_claim(p.name)).count() - failures.len();
    Report {
        name: config.name,
        states: checker.unique_state_count(),
        steps: checker.state_count(),
        depth: checker.max_depth().saturating_sub(1),
        took: began.elapsed(),
        claims,
        seen,
        failures,
    }
}

fn trace(config: &Config, steps: &[(World, Option<Action>)]) -> String {
    let mut text = String::new();
    for (number, (world, action)) in steps.iter().enumerate() {
        let line = match action {
            Some(action) => writeln!(text, "{:>3}. {world}\n     → {action:?}", number),
            None => writeln!(text, "{:>3}. {world}", number),
        };
        line.expect("a string takes every line");
    }
    if let Some((world, _)) = steps.last() {
        let end = match &world.ghost.violation {
            Some(violation) => format!("broken: {violation:?}"),
            None => format!(
                "recovers: {:?}, replaces: {:?}, resumes: {:?}",
                world.recovers(config),
                world.replaces(config),
                world.resumes(config)
            ),
        };
        text.push_str(&end);
        text.push('\n');
    }
    text
}

impl fmt::Display for Config {
    /// Two lines: what it is about, and its bounds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Budget {
            operations,
            unanswered,
            ticks,
            thief,
            lost_devices,
            restores,
            operator,
            windows,
        } = self.budget;
        let (kind, devices) = (self.kind, if self.second_device { 2 } else { 1 });
        writeln!(f, "{}: {}", self.name, self.about)?;
        write!(f, "  {kind}, devices {devices}, operations {operations}, unanswered {unanswered}")?;
        write!(f, ", lost devices {lost_devices}, clock {ticks}, thief {thief}")?;
        write!(f, ", restores {restores}, operator {operator}, windows {windows}")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, steps, depth, took, claims, seen, failures, name: _ } = self;
        writeln!(f, "  {states} states, {steps} steps, {depth} deep, in {took:.1?}")?;
        writeln!(f, "  {claims} claims hold; seen: {}", seen.join("; "))?;
        for Failure { claim, length, trace } in failures {
            writeln!(f, "\n  BROKEN in {length} steps: {claim}\n{trace}")?;
        }
        Ok(())
    }
}

impl fmt::Display for World {
    /// One line: what the custodian has, and what the others are up to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wallet = &self.wallet;
        write!(f, "t={}", self.clock)?;
        if let Some(active) = wallet.signing() {
            write!(f, " signing {}={:?}", active.epoch, active.material)?;
        }
        if let Some(active) = wallet.backup() {
            write!(f, " active {}={:?}", active.epoch, active.material)?;
        }
        if let Some(r) = wallet.restorable() {
            write!(f, " restorable {}={:?} ({} left)", r.epoch, r.material, r.left)?;
        }
        if let Some(pending) = wallet.pending() {
            let rank = match pending.authority {
                Authority::Newcomer => "token",
                Authority::Device => "device",
                Authority::Active => "active",
                Authority::Restorable => "restorable",
            };
            let (op, id) = (pending.operation, super::symbols::operation_number(pending.id));
            write!(f, " pending {op}#{id} by {rank} until {}", pending.expires)?;
        }
        if let Some(request) = wallet.request() {
            let id = super::symbols::operation_number(request.id);
            let settled = if request.settled { ", settled" } else { "" };
            let (from, until) = (request.ready, request.expires);
            write!(f, " request {}#{id} {from}..{until}{settled}", request.operation)?;
        }
        if wallet.freezes().any() {
            let freezes = wallet.freezes();
            let dispute = freezes.dispute.map(super::symbols::operation_number);
            write!(f, " frozen(dispute {dispute:?}, operator {}", freezes.operator)?;
            write!(f, ", restored {})", freezes.restored.is_some())?;
        }
        if let Some(until) = wallet.window() {
            write!(f, " window until {until}")?;
        }
        for (number, device) in self.devices.iter().enumerate() {
            if let Some(journal) = device.journal {
                write!(f, " device{number}:#{} {:?}", journal.sent + 1, journal.phase)?;
            }
        }
        Ok(())
    }
}
