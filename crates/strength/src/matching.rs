mod char_indexing;
pub(crate) mod patterns;

use self::patterns::*;
use crate::keyboards::Graph;
use crate::words::{DictionaryType, RANKED_DICTIONARIES};
use char_indexing::{CharIndexable, CharIndexableStr};
use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

/// A match of a predictable pattern in the password.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Match {
    /// Beginning of the match.
    pub(crate) i: usize,
    /// End of the match.
    pub(crate) j: usize,
    /// Token that has been matched.
    pub(crate) token: String,
    /// Pattern type and details used to detect this match.
    pub(crate) pattern: MatchPattern,
    /// Estimated number of tries for guessing the match.
    pub(crate) guesses: Option<u64>,
}

impl Match {
    /// Get the range of the index of the chars that are included in the match.
    pub(crate) fn range_inclusive(&self) -> std::ops::RangeInclusive<usize> {
        self.i..=self.j
    }
}

#[allow(clippy::implicit_hasher)]
pub(crate) fn omnimatch(password: &str, user_inputs: &HashMap<String, usize>) -> Vec<Match> {
    let mut matches: Vec<Match> =
        MATCHERS.iter().flat_map(|x| x.get_matches(password, user_inputs)).collect();
    matches.sort_by(|a, b| {
        let range1 = a.range_inclusive();
        let range2 = b.range_inclusive();
        range1.start().cmp(range2.start()).then_with(|| range1.end().cmp(range2.end()))
    });
    matches
}

static L33T_TABLE: LazyLock<BTreeMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut table = BTreeMap::new();
    table.insert('a', vec!['4', '@']);
    table.insert('b', vec!['8']);
    table.insert('c', vec!['(', '{', '[', '<']);
    table.insert('e', vec!['3']);
    table.insert('g', vec!['6', '9']);
    table.insert('i', vec!['1', '!', '|']);
    table.insert('l', vec!['1', '|', '7']);
    table.insert('o', vec!['0']);
    table.insert('s', vec!['$', '5']);
    table.insert('t', vec!['+', '7']);
    table.insert('x', vec!['%']);
    table.insert('z', vec!['2']);
    table
});

static GRAPHS: LazyLock<BTreeMap<&'static str, &'static Graph>> = LazyLock::new(|| {
    let mut table = BTreeMap::new();
    table.insert("qwerty", &*super::keyboards::QWERTY);
    table.insert("dvorak", &*super::keyboards::DVORAK);
    table.insert("keypad", &*super::keyboards::KEYPAD);
    table.insert("mac_keypad", &*super::keyboards::MAC_KEYPAD);
    table
});

trait Matcher: Send + Sync {
    fn get_matches(&self, password: &str, user_inputs: &HashMap<String, usize>) -> Vec<Match>;
}

static MATCHERS: [&dyn Matcher; 8] = [
    &DictionaryMatch {},
    &ReverseDictionaryMatch {},
    &L33tMatch {},
    &SpatialMatch {},
    &RepeatMatch {},
    &SequenceMatch {},
    &RegexMatch {},
    &DateMatch {},
];

struct DictionaryMatch {}

impl Matcher for DictionaryMatch {
    fn get_matches(&self, password: &str, user_inputs: &HashMap<String, usize>) -> Vec<Match> {
        let password_lower_string = password.to_lowercase();
        let password_lower = CharIndexableStr::from(password_lower_string.as_str());

        let do_trials = move |matches: &mut Vec<Match>,
                              password: &str,
                              dictionary_name: DictionaryType,
                              ranked_dict: &HashMap<&str, usize>| {
            let len = password.chars().count();
            for i in 0..len {
                for j in i..len {
                    let word = password_lower.char_index(i..j + 1);
                    if let Some(rank) = ranked_dict.get(word).cloned() {
                        let pattern = MatchPattern::Dictionary(DictionaryPattern {
                            matched_word: word.to_string(),
                            rank,
                            dictionary_name,
                            ..DictionaryPattern::default()
                        });
                        matches.push(Match {
                            pattern,
                            i,
                            j,
                            token: password.chars().take(j + 1).skip(i).collect(),
                            ..Match::default()
                        });
                    }
                }
            }
        };

        let mut matches = Vec::new();

        for (dictionary_name, ranked_dict) in RANKED_DICTIONARIES.iter() {
            do_trials(&mut matches, password, *dictionary_name, ranked_dict);
        }
        do_trials(
            &mut matches,
            password,
            DictionaryType::UserInputs,
            &user_inputs.iter().map(|(x, &i)| (x.as_str(), i)).collect(),
        );

        matches
    }
}

struct ReverseDictionaryMatch {}

impl Matcher for ReverseDictionaryMatch {
    fn get_matches(&self, password: &str, user_inputs: &HashMap<String, usize>) -> Vec<Match> {
        let reversed_password = password.chars().rev().collect::<String>();
        (DictionaryMatch {})
            .get_matches(&reversed_password, user_inputs)
            .into_iter()
            .map(|mut m| {
                // Reverse token back
                m.token = m.token.chars().rev().collect();
                if let MatchPattern::Dictionary(ref mut pattern) = m.pattern {
                    pattern.reversed = true;
                }
                let old_i = m.i;
                m.i = password.chars().count() - 1 - m.j;
                m.j = password.chars().count() - 1 - old_i;
                m
            })
            .collect()
    }
}

struct L33tMatch {}

impl Matcher for L33tMatch {
    fn get_matches(&self, password: &str, user_inputs: &HashMap<String, usize>) -> Vec<Match> {
        let mut matches = Vec::new();
        for sub in enumerate_l33t_replacements(&relevant_l33t_subtable(password)) {
            if sub.is_empty() {
                break;
            }
            let subbed_password = translate(password, &sub);
            for mut m4tch in (DictionaryMatch {}).get_matches(&subbed_password, user_inputs) {
                let token = password.chars().take(m4tch.j + 1).skip(m4tch.i).collect::<String>();
                {
                    let pattern = if let MatchPattern::Dictionary(ref mut pattern) = m4tch.pattern {
                        pattern
                    } else {
                        unreachable!()
                    };
                    if token.to_lowercase() == pattern.matched_word {
                        // Only return the matches that contain an actual substitution
                        continue;
                    }
                    let match_sub: BTreeMap<char, char> = sub
                        .clone()
                        .into_iter()
                        .filter(|&(subbed_chr, _)| token.contains(subbed_chr))
                        .collect();
                    m4tch.token = token;
                    pattern.l33t = true;
                    pattern.sub = Some(match_sub);
                }
                matches.push(m4tch);
            }
        }
        matches.into_iter().filter(|x| !x.token.is_empty()).collect()
    }
}

fn unique(subs: Vec<(char, char)>) -> Vec<(char, char)> {
    let mut kept: Vec<(char, char)> = Vec::with_capacity(subs.len());
    for sub in subs {
        if !kept.contains(&sub) {
            kept.push(sub);
        }
    }
    kept
}

fn translate(string: &str, chr_map: &BTreeMap<char, char>) -> String {
    string.chars().map(|c| *chr_map.get(&c).unwrap_or(&c)).collect()
}

fn relevant_l33t_subtable(password: &str) -> BTreeMap<char, Vec<char>> {
    let password_chars: Vec<char> = password.chars().collect();
    let mut subtable: BTreeMap<char, Vec<char>> = BTreeMap::new();
    for (letter, subs) in L33T_TABLE.iter() {
        let relevant_subs: Vec<char> =
            subs.iter().filter(|&x| password_chars.contains(x)).cloned().collect();
        if !relevant_subs.is_empty() {
            subtable.insert(*letter, relevant_subs);
        }
    }
    subtable
}

fn enumerate_l33t_replacements(table: &BTreeMap<char, Vec<char>>) -> Vec<BTreeMap<char, char>> {
    /// Recursive function that does the work
    fn helper(
        table: &BTreeMap<char, Vec<char>>,
        subs: Vec<Vec<(char, char)>>,
        remaining_keys: &[char],
    ) -> Vec<Vec<(char, char)>> {
        if remaining_keys.is_empty() {
            return subs;
        }
        let (first_key, rest_keys) = remaining_keys.split_first().unwrap();
        let mut next_subs: Vec<Vec<(char, char)>> = Vec::new();
        for l33t_chr in &table[first_key] {
            for sub in &subs {
                let mut dup_l33t_index = None;
                for (i, item) in sub.iter().enumerate() {
                    if item.0 == *l33t_chr {
                        dup_l33t_index = Some(i);
                        break;
                    }
                }
                if let Some(idx) = dup_l33t_index {
                    let mut sub_alternative = sub.clone();
                    sub_alternative.remove(idx);
                    sub_alternative.push((*l33t_chr, *first_key));
                    next_subs.push(sub.clone());
                    next_subs.push(sub_alternative);
                } else {
                    let mut sub_extension = sub.clone();
                    sub_extension.push((*l33t_chr, *first_key));
                    next_subs.push(sub_extension);
                }
            }
        }
        helper(table, next_subs.into_iter().map(unique).collect(), rest_keys)
    }

    helper(table, vec![vec![]], table.keys().cloned().collect::<Vec<char>>().as_slice())
        .into_iter()
        .map(|sub| sub.into_iter().collect::<BTreeMap<char, char>>())
        .collect()
}

struct SpatialMatch {}

impl Matcher for SpatialMatch {
    fn get_matches(&self, password: &str, _user_inputs: &HashMap<String, usize>) -> Vec<Match> {
        GRAPHS
            .iter()
            .flat_map(|(graph_name, graph)| spatial_match_helper(password, graph, graph_name))
            .collect()
    }
}

const SHIFTED_CHARS: [char; 49] = [
    '[', '~', '!', '@', '#', '$', '%', '^', '&', '*', '(', ')', '_', '+', 'Q', 'W', 'E', 'R', 'T',
    'Y', 'U', 'I', 'O', 'P', '{', '}', '|', 'A', 'S', 'D', 'F', 'G', 'H', 'J', 'K', 'L', ':', '"',
    'Z', 'X', 'C', 'V', 'B', 'N', 'M', '<', '>', '?', ']',
];

fn spatial_match_helper(password: &str, graph: &Graph, graph_name: &str) -> Vec<Match> {
    let mut matches = Vec::new();
    let password_len = password.chars().count();
    if password_len <= 2 {
        return matches;
    }
    let mut i = 0;
    while i < password_len - 1 {
        let mut j = i + 1;
        let mut last_direction = None;
        let mut turns = 0;
        let mut shifted_count = if ["qwerty", "dvorak"].contains(&graph_name)
            && SHIFTED_CHARS.contains(&password.chars().nth(i).unwrap())
        {
            1
        } else {
            0
        };
        loop {
            let prev_char = password.chars().nth(j - 1).unwrap();
            let mut found = false;
            let found_direction;
            let mut cur_direction = -1;
            let adjacents = graph.get(&prev_char).cloned().unwrap_or_default();
            // consider growing pattern by one character if j hasn't gone over the edge.
            if j < password_len {
                let cur_char = password.chars().nth(j).unwrap();
                for adj in adjacents {
                    cur_direction += 1;
                    if let Some(adj_position) = adj.and_then(|adj| adj.find(cur_char)) {
                        found = true;
                        found_direction = cur_direction;
                        if adj_position == 1 {
                            // index 1 in the adjacency means the key is shifted,
                            // 0 means unshifted: A vs a, % vs 5, etc.
                            // for example, 'q' is adjacent to the entry '2@'.
                            // @ is shifted w/ index 1, 2 is unshifted.
                            shifted_count += 1;
                        }
                        if last_direction != Some(found_direction) {
                            // adding a turn is correct even in the initial case when last_direction is null:
                            // every spatial pattern starts with a turn.
                            turns += 1;
                            last_direction = Some(found_direction);
                        }
                        break;
                    }
                }
            }
            if found {
                // if the current pattern continued, extend j and try to grow again
                j += 1;
            } else {
                // otherwise push the pattern discovered so far, if any...
                if j - i > 2 {
                    // Don't consider length 1 or 2 chains
                    let pattern = MatchPattern::Spatial(SpatialPattern {
                        graph: graph_name.to_string(),
                        turns,
                        shifted_count,
                    });
                    matches.push(Match {
                        pattern,
                        i,
                        j: j - 1,
                        token: password.chars().take(j).skip(i).collect(),
                        ..Match::default()
                    });
                }
                i = j;
                break;
            }
        }
    }
    matches
}

/// A text twice or more often in a row, in characters.
struct Repeated {
    start: usize,
    base: usize,
    count: usize,
}

impl Repeated {
    fn len(&self) -> usize {
        self.base * self.count
    }

    fn end(&self) -> usize {
        self.start + self.len()
    }
}

/// Which of the texts that are repeated from one place on.
enum Preferred {
    Longest,
    Shortest,
}
use Preferred::{Longest, Shortest};

/// What `(.+)\1+` or `(.+?)\1+` finds first.
fn repeat(chars: &[char], preferred: Preferred) -> Option<Repeated> {
    (0..chars.len()).find_map(|start| {
        // A point is any character but the end of a line.
        let rest = chars[start..].split(|char| *char == '\n').next().unwrap_or_default();
        let count_of = |base: usize| {
            let (pattern, after) = rest.split_at(base);
            1 + after.chunks_exact(base).take_while(|chunk| *chunk == pattern).count()
        };
        let repeated = |base: usize| {
            let count = count_of(base);
            (count > 1).then_some(Repeated { start, base, count })
        };
        match preferred {
            Longest => (1..=rest.len() / 2).rev().find_map(repeated),
            Shortest => (1..=rest.len() / 2).find_map(repeated),
        }
    })
}

/// The length of the shortest text that this is repetitions of.
fn shortest_period(chars: &[char]) -> usize {
    let is_period = |base: &usize| {
        chars.len().is_multiple_of(*base)
            && chars.chunks_exact(*base).all(|chunk| chunk == &chars[..*base])
    };
    (1..chars.len()).find(is_period).unwrap_or(chars.len())
}

struct RepeatMatch {}

impl Matcher for RepeatMatch {
    fn get_matches(&self, password: &str, user_inputs: &HashMap<String, usize>) -> Vec<Match> {
        let mut matches = Vec::new();
        let mut last_index = 0;
        let char_indexable_password = CharIndexableStr::from(password);
        let char_count = password.chars().count();
        while last_index < char_count {
            let token = char_indexable_password.char_index(last_index..char_count);
            let chars: Vec<char> = token.chars().collect();
            let Some(greedy) = repeat(&chars, Longest) else { break };
            let Some(lazy) = repeat(&chars, Shortest) else { break };
            let (found, base) = if greedy.len() > lazy.len() {
                // greedy beats lazy for 'aabaab'
                //   greedy: [aabaab, aab]
                //   lazy:   [aa,     a]
                // greedy's repeated string might itself be repeated, eg.
                // aabaab in aabaabaabaab.
                // find the shortest repeated string of it
                let base = shortest_period(&chars[greedy.start..greedy.end()]);
                (greedy, base)
            } else {
                // lazy beats greedy for 'aaaaa'
                //   greedy: [aaaa,  aa]
                //   lazy:   [aaaaa, a]
                let base = lazy.base;
                (lazy, base)
            };
            let whole = &chars[found.start..found.end()];
            let base_token: String = whole[..base].iter().collect();
            let (i, j) = (last_index + found.start, last_index + found.end() - 1);
            // recursively match and score the base string
            let base_analysis = super::scoring::most_guessable_match_sequence(
                &base_token,
                &omnimatch(&base_token, user_inputs),
                false,
            );
            let base_guesses = base_analysis.guesses;
            let pattern = MatchPattern::Repeat(RepeatPattern {
                repeat_count: whole.len() / base,
                base_token,
                base_guesses,
            });
            matches.push(Match {
                pattern,
                i,
                j,
                token: whole.iter().collect(),
                ..Match::default()
            });
            last_index = j + 1;
        }
        matches
    }
}

const MAX_DELTA: i32 = 5;

/// Identifies sequences by looking for repeated differences in unicode codepoint.
/// this allows skipping, such as 9753, and also matches some extended unicode sequences
/// such as Greek and Cyrillic alphabets.
///
/// for example, consider the input 'abcdb975zy'
///
/// password: a   b   c   d   b    9   7   5   z   y
/// index:    0   1   2   3   4    5   6   7   8   9
/// delta:        1   1   1  -2  -41  -2  -2  69   1
///
/// expected result:
/// `[(i, j, delta), ...] = [(0, 3, 1), (5, 7, -2), (8, 9, 1)]`
struct SequenceMatch {}

impl Matcher for SequenceMatch {
    fn get_matches(&self, password: &str, _user_inputs: &HashMap<String, usize>) -> Vec<Match> {
        fn update(i: usize, j: usize, delta: i32, password: &str, matches: &mut Vec<Match>) {
            let delta_abs = delta.abs();
            if (j - i > 1 || delta_abs == 1) && (0 < delta_abs && delta_abs <= MAX_DELTA) {
                let token = password.chars().take(j + 1).skip(i).collect::<String>();
                let pattern = MatchPattern::Sequence(SequencePattern { ascending: delta > 0 });
                matches.push(Match { pattern, i, j, token, ..Match::default() });
            }
        }

        let mut matches = Vec::new();

        let password_len = password.chars().count();
        if password_len <= 1 {
            return matches;
        }

        let mut i = 0;
        let mut j;
        let mut last_delta = 0;

        for k in 1..password_len {
            let delta = password.chars().nth(k).unwrap() as i32
                - password.chars().nth(k - 1).unwrap() as i32;
            if last_delta == 0 {
                last_delta = delta;
            }
            if last_delta == delta {
                continue;
            }
            j = k - 1;
            update(i, j, last_delta, password, &mut matches);
            i = j;
            last_delta = delta;
        }
        update(i, password_len - 1, last_delta, password, &mut matches);
        matches
    }
}

struct RegexMatch {}

impl Matcher for RegexMatch {
    fn get_matches(&self, password: &str, _user_inputs: &HashMap<String, usize>) -> Vec<Match> {
        // 19[0-9]{2}|20[0-9]{2}
        let chars: Vec<char> = password.chars().collect();
        let mut matches = Vec::new();
        let mut i = 0;
        while let Some(four) = chars.get(i..i + 4) {
            let is_year = matches!(four, ['1', '9', ..] | ['2', '0', ..])
                && four[2..].iter().all(char::is_ascii_digit);
            if is_year {
                let token: String = four.iter().collect();
                let year = four.iter().fold(0, |year, digit| year * 10 + value(*digit));
                matches.push(Match {
                    pattern: MatchPattern::RecentYear(year),
                    token,
                    i,
                    j: i + 3,
                    ..Match::default()
                });
            }
            i += if is_year { 4 } else { 1 };
        }
        matches
    }
}

fn value(digit: char) -> i32 {
    digit.to_digit(10).map_or(0, |value| value as i32)
}

/// What `^([0-9]{1,4})([\s/\\_.-])([0-9]{1,2})([\s/\\_.-])([0-9]{1,4})$` finds, where both separators are
/// the same: three numbers.
fn three_numbers(text: &str) -> Option<[u16; 3]> {
    let is_separator =
        |char: char| char.is_whitespace() || matches!(char, '/' | '\\' | '_' | '.' | '-');
    let separator = text.chars().find(|char| is_separator(*char))?;
    let mut parts = text.split(is_separator);
    let mut number = |digits: usize| {
        let part = parts.next()?;
        let fits =
            (1..=digits).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| part.parse().ok()).flatten()
    };
    let numbers = [number(4)?, number(2)?, number(4)?];
    let same = text.chars().filter(|char| is_separator(*char)).all(|char| char == separator);
    (parts.next().is_none() && same).then_some(numbers)
}

/// a "date" is recognized as:
///   any 3-tuple that starts or ends with a 2- or 4-digit year,
///   with 2 or 0 separator chars (1.1.91 or 1191),
///   maybe zero-padded (01-01-91 vs 1-1-91),
///   a month between 1 and 12,
///   a day between 1 and 31.
///
/// note: this isn't true date parsing in that "feb 31st" is allowed,
/// this doesn't check for leap years, etc.
///
/// recipe:
/// start with regex to find maybe-dates, then attempt to map the integers
/// onto month-day-year to filter the maybe-dates into dates.
/// finally, remove matches that are substrings of other matches to reduce noise.
///
/// note: instead of using a lazy or greedy regex to find many dates over the full string,
/// this uses a ^...$ regex against every substring of the password -- less performant but leads
/// to every possible date match.
struct DateMatch {}

impl Matcher for DateMatch {
    fn get_matches(&self, password: &str, _user_inputs: &HashMap<String, usize>) -> Vec<Match> {
        let mut matches = Vec::new();
        let char_indexable = CharIndexableStr::from(password);

        let password_len = password.chars().count();
        // dates without separators are between length 4 '1191' and 8 '11111991'
        if password_len < 4 {
            return matches;
        }
        for i in 0..(password_len - 3) {
            for j in (i + 3)..(i + 8) {
                if j >= password_len {
                    break;
                }
                let token_str = char_indexable.char_index(i..j + 1);
                if !token_str.bytes().all(|byte| byte.is_ascii_digit()) {
                    continue;
                }
                let token = CharIndexableStr::from(token_str);
                let mut candidates = Vec::new();
                for &(k, l) in &DATE_SPLITS[&token.char_count()] {
                    let ymd = map_ints_to_ymd(
                        token.char_index(0..k).parse().unwrap(),
                        token.char_index(k..l).parse().unwrap(),
                        token.char_index(l..j + 1).parse().unwrap(),
                    );
                    if let Some(ymd) = ymd {
                        candidates.push(ymd);
                    }
                }
                if candidates.is_empty() {
                    continue;
                }
                // at this point: different possible ymd mappings for the same i,j substring.
                // match the candidate date that likely takes the fewest guesses: a year closest to 2000.
                // (scoring.REFERENCE_YEAR).
                //
                // ie, considering '111504', prefer 11-15-04 to 1-1-1504
                // (interpreting '04' as 2004)
                let metric = |candidate: &(i32, i8, i8)| {
                    (candidate.0 - *crate::scoring::REFERENCE_YEAR).abs()
                };
                let best_candidate = candidates.iter().min_by_key(|&c| metric(c)).unwrap();
                let pattern = MatchPattern::Date(DatePattern {
                    has_separator: false,
                    year: best_candidate.0,
                    month: best_candidate.1,
                    day: best_candidate.2,
                });
                matches.push(Match {
                    pattern,
                    token: token_str.to_string(),
                    i,
                    j,
                    ..Match::default()
                });
            }
        }

        // dates with separators are between length 6 '1/1/91' and 10 '11/11/1991'
        if password_len >= 6 {
            for i in 0..(password_len - 5) {
                for j in (i + 5)..(i + 10) {
                    if j >= password_len {
                        break;
                    }
                    let token = char_indexable.char_index(i..j + 1);
                    let Some([first, second, third]) = three_numbers(token) else {
                        continue;
                    };
                    let ymd = map_ints_to_ymd(first, second, third);
                    if let Some(ymd) = ymd {
                        let pattern = MatchPattern::Date(DatePattern {
                            has_separator: true,
                            year: ymd.0,
                            month: ymd.1,
                            day: ymd.2,
                        });
                        matches.push(Match {
                            pattern,
                            token: token.to_string(),
                            i,
                            j,
                            ..Match::default()
                        });
                    }
                }
            }
        }

        matches
            .iter()
            .filter(|&x| !matches.iter().any(|y| *x != *y && y.i <= x.i && y.j >= x.j))
            .cloned()
            .collect()
    }
}

/// Takes three ints and returns them in a (y, m, d) tuple
fn map_ints_to_ymd(first: u16, second: u16, third: u16) -> Option<(i32, i8, i8)> {
    // given a 3-tuple, discard if:
    //   middle int is over 31 (for all ymd formats, years are never allowed in the middle)
    //   middle int is zero
    //   any int is over the max allowable year
    //   any int is over two digits but under the min allowable year
    //   2 ints are over 31, the max allowable day
    //   2 ints are zero
    //   all ints are over 12, the max allowable month
    if second > 31 || second == 0 {
        return None;
    }
    let mut over_12 = 0;
    let mut over_31 = 0;
    let mut zero = 0;
    for &i in &[first, second, third] {
        if 99 < i && i < DATE_MIN_YEAR || i > DATE_MAX_YEAR {
            return None;
        }
        if i > 31 {
            over_31 += 1;
        }
        if i > 12 {
            over_12 += 1;
        }
        if i == 0 {
            zero += 1;
        }
    }
    if over_31 >= 2 || over_12 == 3 || zero >= 2 {
        return None;
    }

    // first look for a four digit year: yyyy + daymonth or daymonth + yyyy
    let possible_year_splits = &[(third, first, second), (first, second, third)];
    for &(year, second, third) in possible_year_splits {
        if (DATE_MIN_YEAR..=DATE_MAX_YEAR).contains(&year) {
            let dm = map_ints_to_md(second, third);
            if let Some(dm) = dm {
                return Some((i32::from(year), dm.0, dm.1));
            } else {
                // for a candidate that includes a four-digit year,
                // when the remaining ints don't match to a day and month,
                // it is not a date.
                return None;
            }
        }
    }

    // given no four-digit year, two digit years are the most flexible int to match, so
    // try to parse a day-month out of (first, second) or (second, first)
    for &(year, second, third) in possible_year_splits {
        let dm = map_ints_to_md(second, third);
        if let Some(dm) = dm {
            let year = two_to_four_digit_year(year);
            return Some((i32::from(year), dm.0, dm.1));
        }
    }

    None
}

/// Takes two ints and returns them in a (m, d) tuple
fn map_ints_to_md(first: u16, second: u16) -> Option<(i8, i8)> {
    for &(d, m) in &[(first, second), (second, first)] {
        if (1..=31).contains(&d) && (1..=12).contains(&m) {
            return Some((m as i8, d as i8));
        }
    }
    None
}

fn two_to_four_digit_year(year: u16) -> u16 {
    if year > 99 {
        year
    } else if year > 50 {
        // 87 -> 1987
        year + 1900
    } else {
        // 15 -> 2015
        year + 2000
    }
}

const DATE_MIN_YEAR: u16 = 1000;
const DATE_MAX_YEAR: u16 = 2050;
static DATE_SPLITS: LazyLock<BTreeMap<usize, Vec<(usize, usize)>>> = LazyLock::new(|| {
    let mut table = BTreeMap::new();
    // for length-4 strings, eg 1191 or 9111, two ways to split:
    // 1 1 91 (2nd split starts at index 1, 3rd at index 2)
    // 91 1 1
    table.insert(4, vec![(1, 2), (2, 3)]);
    // 1 11 91
    // 11 1 91
    table.insert(5, vec![(1, 3), (2, 3)]);
    // 1 1 1991
    // 11 11 91
    // 1991 1 1
    table.insert(6, vec![(1, 2), (2, 4), (4, 5)]);
    // 1 11 1991
    // 11 1 1991
    // 1991 1 11
    // 1991 11 1
    table.insert(7, vec![(1, 3), (2, 3), (4, 5), (4, 6)]);
    // 11 11 1991
    // 1991 11 11
    table.insert(8, vec![(2, 4), (4, 6)]);
    table
});
