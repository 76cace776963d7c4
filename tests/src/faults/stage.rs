//! Who acts when, and what goes wrong.
//!
//! Everything that a device does outside of itself (a message to the custodian, a call of a store, a save
//! of its own record) passes a *gate* here first. At a gate it waits for its turn, so that two devices are
//! interleaved at every one of them, by hand and by a seed; and there the fault that the story has for it
//! happens.

use std::{
    cell::Cell,
    collections::BTreeMap,
    future::{pending, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use rand::{RngExt as _, SeedableRng as _, rngs::ChaCha20Rng};

use super::methods::Change;

/// A future of which it does not matter what else it is.
pub(super) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fault {
    /// It does not arrive; the caller hears that nobody can be reached.
    Lost,
    /// It arrives, and its answer does not.
    Unanswered,
    /// It arrives twice; the second answer is the one that is heard.
    Twice,
    /// It does not arrive now, but later, when its caller has long given up waiting.
    Late,
    /// Its caller's connection breaks in the middle of it.
    Broken,
    /// The device dies before it.
    DiesBefore,
    /// The device dies after it, before it hears the answer.
    DiesAfter,
    /// The custodian dies before it has saved what it was asked.
    CustodianDies,
    /// The custodian dies after it has saved what it was asked, before it answers.
    CustodianDiesAfter,
    /// What a store gives is damaged; elsewhere like `Lost`.
    Damaged,
}

/// Whose acts they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    Owner,
    Thief,
}

/// Somebody who does one thing on one device.
#[derive(Debug, Clone)]
pub(super) struct Actor {
    pub(super) who: Who,
    pub(super) device: usize,
    /// What it means to do to the methods.
    pub(super) change: Change,
    /// At which of its gates what happens.
    pub(super) faults: Vec<(u16, Fault)>,
}

/// On a free stage one call in so many goes wrong.
const ODDS: usize = 12;

/// Which actor it is, for as long as the story lasts.
pub(super) type ActorId = usize;

/// Shared by everything that has a gate.
#[derive(Debug, Clone, Default)]
pub(super) struct Stage(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    actors: Vec<OnStage>,
    happened: BTreeMap<Fault, u64>,
    gates: u64,
    log: Vec<String>,
    /// Nobody waits for a turn, and what goes wrong is drawn.
    free: Option<ChaCha20Rng>,
}

#[derive(Debug)]
struct OnStage {
    actor: Actor,
    turn: u64,
    waits: bool,
    /// Calls under way, which nobody else's turn may come between: inside of them locks are held.
    inside: u32,
    gates: u16,
    dead: bool,
}

thread_local! {
    /// Whose future is being polled.
    static CURRENT: Cell<Option<ActorId>> = const { Cell::new(None) };
}

/// While it is alive, nobody else has a turn.
pub(super) struct Inside(Stage, Option<ActorId>);

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(actor) = self.1
            && let Some(on_stage) = self.0.lock().actors.get_mut(actor)
        {
            on_stage.inside -= 1;
        }
    }
}

impl Stage {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One on which everybody acts at once, on as many threads as there are, and one call in `ODDS` goes
    /// wrong.
    pub(super) fn free(seed: u64) -> Self {
        let stage = Self::default();
        stage.lock().free = Some(ChaCha20Rng::seed_from_u64(seed));
        stage
    }

    pub(super) fn is_free(&self) -> bool {
        self.lock().free.is_some()
    }

    /// Nothing goes wrong any more.
    pub(super) fn calm(&self) {
        self.lock().free = None;
    }

    fn draw(&self) -> Option<Fault> {
        const FAULTS: [Fault; 5] =
            [Fault::Lost, Fault::Unanswered, Fault::Twice, Fault::Late, Fault::Broken];
        let mut inner = self.lock();
        let rng = inner.free.as_mut()?;
        let drawn = rng.random_range(0..ODDS * FAULTS.len());
        inner.gates += 1;
        let fault = *FAULTS.get(drawn)?;
        *inner.happened.entry(fault).or_default() += 1;
        Some(fault)
    }

    /// One more actor.
    pub(super) fn enter(&self, actor: Actor) -> ActorId {
        let mut inner = self.lock();
        let (turn, waits, inside, gates, dead) = (0, false, 0, 0, false);
        inner.actors.push(OnStage { actor, turn, waits, inside, gates, dead });
        inner.actors.len() - 1
    }

    /// Who is polled now; nobody while the test itself asks.
    pub(super) fn current() -> Option<ActorId> {
        CURRENT.get()
    }

    pub(super) fn actor(&self, id: ActorId) -> Option<Actor> {
        self.lock().actors.get(id).map(|on_stage| on_stage.actor.clone())
    }

    pub(super) fn log(&self, line: impl Into<String>) {
        self.lock().log.push(line.into());
    }

    /// What has happened so far, a line each.
    pub(super) fn story(&self) -> Vec<String> {
        self.lock().log.clone()
    }

    /// How often each fault has happened, and how many gates were passed.
    pub(super) fn happened(&self) -> (BTreeMap<Fault, u64>, u64) {
        let inner = self.lock();
        (inner.happened.clone(), inner.gates)
    }

    /// Waits for the actor's turn, and gives the fault that happens here. A fault that is the end of the
    /// device is this future's too, for the caller to ask with [`Stage::die`].
    pub(super) async fn gate(&self, what: &str) -> Option<Fault> {
        let Some(actor) = Self::current() else { return self.draw() };
        let mut mine = None;
        poll_fn(|_| {
            let mut inner = self.lock();
            let Some(on_stage) = inner.actors.get_mut(actor) else { return Poll::Ready(()) };
            let mine = *mine.get_or_insert(on_stage.turn);
            if on_stage.turn > mine {
                return Poll::Ready(());
            }
            on_stage.waits = true;
            Poll::Pending
        })
        .await;
        let mut inner = self.lock();
        inner.gates += 1;
        let on_stage = inner.actors.get_mut(actor)?;
        let number = on_stage.gates;
        on_stage.gates += 1;
        let fault = on_stage.actor.faults.iter().find(|(at, _)| *at == number).map(|(_, f)| *f);
        let device = on_stage.actor.device;
        if let Some(fault) = fault {
            *inner.happened.entry(fault).or_default() += 1;
            inner.log.push(format!("    device {device}, call {number} ({what}): {fault:?}"));
        }
        fault
    }

    /// Nobody else has a turn until what is given is dropped.
    pub(super) fn inside(&self) -> Inside {
        let current = Self::current();
        if let Some(actor) = current
            && let Some(on_stage) = self.lock().actors.get_mut(actor)
        {
            on_stage.inside += 1;
        }
        Inside(self.clone(), current)
    }

    /// The device of whoever is polled dies here: this never returns, and nothing of it runs any more.
    pub(super) async fn die<T>(&self) -> T {
        if let Some(actor) = Self::current()
            && let Some(on_stage) = self.lock().actors.get_mut(actor)
        {
            on_stage.dead = true;
        }
        pending().await
    }

    /// Runs all of them, each until its next gate, in the order that `choose` says; `None` for those whose
    /// device has died.
    pub(super) async fn run<T>(
        &self,
        mut futures: Vec<(ActorId, Option<Boxed<'_, T>>)>,
        mut choose: impl FnMut(usize) -> usize,
    ) -> Vec<Option<T>> {
        let mut done: Vec<Option<T>> = futures.iter().map(|_| None).collect();
        loop {
            let running: Vec<usize> = (0..futures.len())
                .filter(|index| futures.get(*index).is_some_and(|(_, future)| future.is_some()))
                .collect();
            if running.is_empty() {
                return done;
            }
            let Some(index) = running.get(choose(running.len()) % running.len()).copied() else {
                return done;
            };
            let Some((actor, slot)) = futures.get_mut(index) else { return done };
            let actor = *actor;
            if let Some(on_stage) = self.lock().actors.get_mut(actor) {
                on_stage.turn += 1;
                on_stage.waits = false;
            }
            let turned = poll_fn(|context| {
                let Some(future) = slot else { return Poll::Ready(Turned::Over(None)) };
                CURRENT.set(Some(actor));
                let polled = future.as_mut().poll(context);
                CURRENT.set(None);
                let inner = self.lock();
                let on_stage = inner.actors.get(actor);
                match polled {
                    Poll::Ready(value) => Poll::Ready(Turned::Over(Some(value))),
                    Poll::Pending if on_stage.is_some_and(|on_stage| on_stage.dead) => {
                        Poll::Ready(Turned::Died)
                    }
                    Poll::Pending if on_stage.is_some_and(|o| o.waits && o.inside == 0) => {
                        Poll::Ready(Turned::AtGate)
                    }
                    Poll::Pending => Poll::Pending,
                }
            })
            .await;
            match turned {
                Turned::AtGate => {}
                Turned::Over(value) => {
                    *slot = None;
                    if let Some(done) = done.get_mut(index) {
                        *done = value;
                    }
                }
                Turned::Died => *slot = None,
            }
        }
    }
}

enum Turned<T> {
    AtGate,
    Over(Option<T>),
    Died,
}
