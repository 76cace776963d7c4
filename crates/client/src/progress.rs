//! How far a long call has got, for an app's progress bar.

use std::{fmt, sync::Arc};

use twoshare_core::id::WalletId;

/// Hears of every step of every long call. It is called on the task that makes the call, and should
/// return at once.
pub trait Progress: Send + Sync {
    /// A step begins.
    fn step(&self, at: Progressed);
}

impl<F: Fn(Progressed) + Send + Sync> Progress for F {
    fn step(&self, at: Progressed) {
        self(at);
    }
}

/// Where a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progressed {
    /// The wallet it is about.
    pub wallet: WalletId,
    /// What was called.
    pub call: Call,
    /// What it does now.
    pub step: Step,
    /// How many steps are done; `total` with [`Step::Done`].
    pub done: usize,
    /// How many steps the call has. A step may be skipped where there is nothing to do.
    pub total: usize,
}

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// A name that does not change, for JSON, logs and translations.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.id())
            }
        }
    };
}

named! {
    /// A call that takes a while.
    Call {
        /// [`Client::create_wallet`](crate::Client::create_wallet).
        Create = "create_wallet",
        /// [`Client::backup`](crate::Client::backup).
        Backup = "backup",
        /// [`Client::replace`](crate::Client::replace).
        Replace = "replace",
        /// [`Client::recover`](crate::Client::recover).
        Recover = "recover",
        /// [`Client::refresh`](crate::Client::refresh).
        Refresh = "refresh",
        /// [`Client::change_methods`](crate::Client::change_methods).
        ChangeMethods = "change_methods",
        /// [`Client::convert`](crate::Client::convert).
        Convert = "convert",
        /// [`Client::drill`](crate::Client::drill).
        Drill = "drill",
        /// [`Client::eject`](crate::Client::eject).
        Eject = "eject",
        /// [`Client::move_wallet`](crate::Client::move_wallet).
        Move = "move_wallet",
        /// [`Client::resume`](crate::Client::resume).
        Resume = "resume",
    }
}

named! {
    /// What a call does at a moment.
    Step {
        /// Finishes or gives up what was interrupted before.
        Settle = "settle",
        /// Asks the custodian for the wallet's state.
        State = "state",
        /// Reads the envelope from a store and opens it with the method, which a password takes a second
        /// or so for.
        Open = "open",
        /// Sets up the methods: a second or so for each password.
        Methods = "methods",
        /// Lets the wallet leave its custodian, which goes on working until it is told.
        Leave = "leave",
        /// Makes the new shares with the custodian.
        Exchange = "exchange",
        /// Writes the envelope to every store, reads it back, and opens it through every slot.
        Store = "store",
        /// Commits. From here on only a crash is in the way, and `resume` is there for it.
        Commit = "commit",
        /// Asks the custodian for its proof, or for its shares.
        Ask = "ask",
        /// Tells the custodian that the wallet has left.
        HandOver = "hand_over",
        /// Makes a new epoch, so that what crossed the wire leads to nothing.
        Refresh = "refresh",
        /// Writes receipts, deletes what is not needed any more.
        Tidy = "tidy",
        /// It is done.
        Done = "done",
    }
}

/// The steps of one call, told to whoever listens.
#[derive(Clone)]
pub(crate) struct Track {
    listener: Option<Arc<dyn Progress>>,
    wallet: WalletId,
    call: Call,
}

impl Track {
    pub(crate) const fn new(
        listener: Option<Arc<dyn Progress>>,
        wallet: WalletId,
        call: Call,
    ) -> Self {
        Self { listener, wallet, call }
    }

    /// For an older operation that has to be settled before the one that was called: it is one step.
    pub(crate) fn of_settling(&self) -> Self {
        match self.call {
            Call::Resume => self.clone(),
            _ => Self { listener: None, ..*self },
        }
    }

    /// A step of the call begins.
    pub(crate) fn at(&self, step: Step) {
        let Some(listener) = &self.listener else { return };
        let steps = steps(self.call);
        let total = steps.len();
        let listed = steps.iter().position(|listed| *listed == step);
        let Some(done) = listed.or_else(|| (step == Step::Done).then_some(total)) else { return };
        let Self { wallet, call, .. } = *self;
        listener.step(Progressed { wallet, call, step, done, total });
    }
}

const fn steps(call: Call) -> &'static [Step] {
    use Step::{
        Ask, Commit, Exchange, HandOver, Leave, Methods, Open, Refresh, Settle, State, Store, Tidy,
    };
    match call {
        Call::Create => &[Exchange, Commit],
        Call::Backup | Call::Replace => &[Settle, Methods, State, Exchange, Store, Commit, Tidy],
        Call::Recover | Call::Refresh | Call::Convert => {
            &[Settle, State, Open, Exchange, Store, Commit, Tidy]
        }
        Call::ChangeMethods => &[Settle, State, Open, Methods, Exchange, Store, Commit, Tidy],
        Call::Drill | Call::Eject => &[Settle, State, Open, Ask],
        Call::Move => &[Settle, State, Open, Leave, Store, Commit, Tidy, HandOver, Refresh],
        Call::Resume => &[State, Settle, Exchange, Store, Commit, Tidy],
    }
}
