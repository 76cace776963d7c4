//! How many guesses a password takes, as [zxcvbn](https://docs.rs/zxcvbn) estimates it.
//!
//! This is zxcvbn 3.1.1 (Joshua Holmer, after Dropbox's), and says about what that says: the tests compare the
//! two over dictionaries, keyboards, dates and random texts. It is here because that one is a megabyte and
//! a half of an app's library: three regular expressions bring two engines and Unicode's tables, and its word
//! lists are kept unpacked. Here they are matched by hand, and packed until the first password is judged.
//!
//! Two things differ. A word's rank in its list is known to a 24th of it, and is the lower one. For one password of
//! thousands, other pieces of it are found because of that, and its estimate is more than a quarter away from
//! zxcvbn's: by a bit or two, and hardly ever by more. And where the estimate of zxcvbn hangs on the order of a hash
//! map, and is another one from one call to the next, the order here is always that of Dropbox's.
//!
//! It wipes none of its working memory.

mod feedback;
mod keyboards;
mod matching;
mod ranks;
mod scoring;
mod words;

use std::collections::HashMap;

pub use self::{feedback::Warning, scoring::Score};

/// So many characters are looked at, so that long texts take no more time.
const MAX_CHARACTERS: usize = 100;

/// What is known of a password.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// About how many guesses it takes.
    pub guesses: u64,
    /// The same in five steps.
    pub score: Score,
    /// What is weak about it, where that is known and the score is below three.
    pub warning: Option<Warning>,
}

/// Judges a password; `user_inputs` are words that somebody would try who knows the user.
#[must_use]
pub fn estimate(password: &str, user_inputs: &[&str]) -> Estimate {
    if password.is_empty() {
        return Estimate { guesses: 0, score: Score::Zero, warning: None };
    }
    let password: String = password.chars().take(MAX_CHARACTERS).collect();
    let inputs: HashMap<String, usize> =
        user_inputs.iter().zip(1..).map(|(input, rank)| (input.to_lowercase(), rank)).collect();
    let matches = matching::omnimatch(&password, &inputs);
    let found = scoring::most_guessable_match_sequence(&password, &matches, false);
    let score = Score::of(found.guesses);
    Estimate { guesses: found.guesses, score, warning: feedback::warning(score, &found.sequence) }
}
