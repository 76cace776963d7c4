use crate::words::DictionaryType;
use std::collections::BTreeMap;

/// Pattern type used to detect a match
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum MatchPattern {
    /// A match based on a word in a dictionary
    Dictionary(DictionaryPattern),
    /// A match based on keys being close to one another on the keyboard
    Spatial(SpatialPattern),
    /// A match based on repeating patterns
    Repeat(RepeatPattern),
    /// A match based on sequences of characters, e.g. "abcd"
    Sequence(SequencePattern),
    /// A year of the last century or this
    RecentYear(i32),
    /// A match based on date patterns
    Date(DatePattern),
    /// A match based on bruteforce attempting to guess a password
    #[default]
    BruteForce,
}

/// A match based on a word in a dictionary
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct DictionaryPattern {
    /// Word that has been found in a dictionary.
    pub(crate) matched_word: String,
    /// Rank of the the word found in a dictionary.
    pub(crate) rank: usize,
    /// Name of the dictionary in which a word has been found.
    pub(crate) dictionary_name: DictionaryType,
    /// Whether a reversed word has been found in a dictionary.
    pub(crate) reversed: bool,
    /// Whether a l33t-substituted word has been found in a dictionary.
    pub(crate) l33t: bool,
    /// Substitutions used for the match.
    pub(crate) sub: Option<BTreeMap<char, char>>,
    /// Number of variations of the matched dictionary word.
    pub(crate) uppercase_variations: u64,
    /// Number of variations of the matched dictionary word.
    pub(crate) l33t_variations: u64,
    /// Estimated number of tries for guessing the dictionary word.
    pub(crate) base_guesses: u64,
}

/// A match based on keys being close to one another on the keyboard
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct SpatialPattern {
    /// Name of the graph for which a spatial match has been found.
    pub(crate) graph: String,
    /// Number of turns in the matched spatial pattern.
    pub(crate) turns: usize,
    /// Number of shifts in the matched spatial pattern.
    pub(crate) shifted_count: usize,
}

/// A match based on repeating patterns
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct RepeatPattern {
    /// Base token that repeats in the matched pattern.
    pub(crate) base_token: String,
    /// Estimated number of tries for guessing the repeating token.
    pub(crate) base_guesses: u64,
    /// Number of repetitions in the matched pattern.
    pub(crate) repeat_count: usize,
}

/// A match based on sequences of characters, e.g. "abcd"
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct SequencePattern {
    /// Whether the matched sequence is ascending.
    pub(crate) ascending: bool,
}

/// A match based on date patterns
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct DatePattern {
    /// Whether its parts are apart.
    pub(crate) has_separator: bool,
    /// Year that was matched.
    pub(crate) year: i32,
    /// Month that was matched.
    pub(crate) month: i8,
    /// Day that was matched.
    pub(crate) day: i8,
}
