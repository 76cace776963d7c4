//! What is weak about a password, in words.

use std::fmt;

use crate::{
    matching::{
        Match,
        patterns::{DictionaryPattern, MatchPattern},
    },
    scoring::Score,
    words::DictionaryType,
};

/// What is weak about a password. The texts are zxcvbn's.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is a sentence")]
pub enum Warning {
    StraightRowsOfKeysAreEasyToGuess,
    ShortKeyboardPatternsAreEasyToGuess,
    RepeatsLikeAaaAreEasyToGuess,
    RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess,
    ThisIsATop10Password,
    ThisIsATop100Password,
    ThisIsACommonPassword,
    ThisIsSimilarToACommonlyUsedPassword,
    SequencesLikeAbcAreEasyToGuess,
    RecentYearsAreEasyToGuess,
    AWordByItselfIsEasyToGuess,
    DatesAreOftenEasyToGuess,
    NamesAndSurnamesByThemselvesAreEasyToGuess,
    CommonNamesAndSurnamesAreEasyToGuess,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StraightRowsOfKeysAreEasyToGuess => "Straight rows of keys are easy to guess.",
            Self::ShortKeyboardPatternsAreEasyToGuess => {
                "Short keyboard patterns are easy to guess."
            }
            Self::RepeatsLikeAaaAreEasyToGuess => "Repeats like \"aaa\" are easy to guess.",
            Self::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
                "Repeats like \"abcabcabc\" are only slightly harder to guess than \"abc\"."
            }
            Self::ThisIsATop10Password => "This is a top-10 common password.",
            Self::ThisIsATop100Password => "This is a top-100 common password.",
            Self::ThisIsACommonPassword => "This is a very common password.",
            Self::ThisIsSimilarToACommonlyUsedPassword => {
                "This is similar to a commonly used password."
            }
            Self::SequencesLikeAbcAreEasyToGuess => "Sequences like abc or 6543 are easy to guess.",
            Self::RecentYearsAreEasyToGuess => "Recent years are easy to guess.",
            Self::AWordByItselfIsEasyToGuess => "A word by itself is easy to guess.",
            Self::DatesAreOftenEasyToGuess => "Dates are often easy to guess.",
            Self::NamesAndSurnamesByThemselvesAreEasyToGuess => {
                "Names and surnames by themselves are easy to guess."
            }
            Self::CommonNamesAndSurnamesAreEasyToGuess => {
                "Common names and surnames are easy to guess."
            }
        })
    }
}

/// What is weak about the longest match of a weak password.
pub(crate) fn warning(score: Score, sequence: &[Match]) -> Option<Warning> {
    if score >= Score::Three {
        return None;
    }
    let longest = sequence.iter().max_by_key(|found| found.token.chars().count())?;
    match &longest.pattern {
        MatchPattern::Dictionary(pattern) => of_a_word(longest, pattern, sequence.len() == 1),
        MatchPattern::Spatial(pattern) if pattern.turns == 1 => {
            Some(Warning::StraightRowsOfKeysAreEasyToGuess)
        }
        MatchPattern::Spatial(_) => Some(Warning::ShortKeyboardPatternsAreEasyToGuess),
        MatchPattern::Repeat(pattern) if pattern.base_token.chars().count() == 1 => {
            Some(Warning::RepeatsLikeAaaAreEasyToGuess)
        }
        MatchPattern::Repeat(_) => Some(Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess),
        MatchPattern::Sequence(_) => Some(Warning::SequencesLikeAbcAreEasyToGuess),
        MatchPattern::RecentYear(_) => Some(Warning::RecentYearsAreEasyToGuess),
        MatchPattern::Date(_) => Some(Warning::DatesAreOftenEasyToGuess),
        MatchPattern::BruteForce => None,
    }
}

fn of_a_word(found: &Match, pattern: &DictionaryPattern, is_sole: bool) -> Option<Warning> {
    if found.token.is_empty() {
        return None;
    }
    match pattern.dictionary_name {
        DictionaryType::Passwords if is_sole && !pattern.l33t && !pattern.reversed => {
            Some(match pattern.rank {
                ..=10 => Warning::ThisIsATop10Password,
                11..=100 => Warning::ThisIsATop100Password,
                101.. => Warning::ThisIsACommonPassword,
            })
        }
        DictionaryType::Passwords => Some(Warning::ThisIsSimilarToACommonlyUsedPassword),
        DictionaryType::English if is_sole => Some(Warning::AWordByItselfIsEasyToGuess),
        DictionaryType::Surnames | DictionaryType::FemaleNames | DictionaryType::MaleNames => {
            Some(match is_sole {
                true => Warning::NamesAndSurnamesByThemselvesAreEasyToGuess,
                false => Warning::CommonNamesAndSurnamesAreEasyToGuess,
            })
        }
        DictionaryType::English | DictionaryType::UsTvAndFilm | DictionaryType::UserInputs => None,
    }
}
