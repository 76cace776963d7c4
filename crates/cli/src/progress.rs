//! A bar for whoever waits before a terminal; nothing anywhere else.

use std::{io::IsTerminal as _, sync::OnceLock, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use twoshare::{Progress, Progressed, Step};

/// Shows every step of a call, from the first on, and leaves nothing behind.
#[derive(Debug, Default)]
pub(crate) struct Bar(OnceLock<ProgressBar>);

impl Bar {
    /// On a terminal, for people; `None` on a pipe and for programs.
    pub(crate) fn shown(json: bool) -> Option<Self> {
        (!json && std::io::stderr().is_terminal()).then(Self::default)
    }
}

impl Progress for Bar {
    fn step(&self, at: Progressed) {
        let bar = self.0.get_or_init(begin);
        bar.set_length(u64::try_from(at.total).unwrap_or(u64::MAX));
        bar.set_position(u64::try_from(at.done).unwrap_or(u64::MAX));
        bar.set_message(in_words(at.step));
        if at.step == Step::Done {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = self.0.get() {
            bar.finish_and_clear();
        }
    }
}

fn begin() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg:<36} {wide_bar} {pos}/{len}");
    let bar = ProgressBar::no_length();
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

const fn in_words(step: Step) -> &'static str {
    match step {
        Step::Settle => "finishing what was interrupted",
        Step::State => "asking the custodian",
        Step::Open => "opening the backup",
        Step::Methods => "setting up the methods",
        Step::Leave => "leaving the custodian",
        Step::Exchange => "making new shares",
        Step::Store => "writing, reading back, test-opening",
        Step::Commit => "committing",
        Step::Ask => "asking for the custodian's half",
        Step::HandOver => "telling the custodian that was left",
        Step::Refresh => "refreshing",
        Step::Tidy => "tidying up",
        Step::Done => "done",
    }
}
