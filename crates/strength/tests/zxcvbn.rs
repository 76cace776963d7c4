//! It says about what zxcvbn says.

#![allow(missing_docs, reason = "a test")]

use std::cell::Cell;

use proptest::{
    prelude::*,
    sample::select,
    test_runner::{RngSeed, TestRunner},
};
use twoshare_strength::estimate;

const TRIES: usize = 100;

/// The lists know a word's rank to a 24th of it, and the lower one: so much lower is the estimate for a word, and
/// for several it is that for each of them.
fn about(ours: u64, theirs: u64) -> bool {
    ours.abs_diff(theirs) <= theirs / 4
}

/// What the two say of one password.
struct Compared {
    ours: u64,
    /// Of its answers, of which zxcvbn has several for some passwords, by the order of a hash map: the first
    /// that is about ours, else all.
    theirs: Vec<u64>,
    /// Whether the warnings are the same: of two matches that are as good as each other, zxcvbn takes the one
    /// that an unstable sort has put first.
    same_warning: bool,
}

impl Compared {
    fn is_about(&self) -> bool {
        self.theirs.iter().any(|&theirs| about(self.ours, theirs))
    }

    /// Two bits. zxcvbn does not find the best sequence of pieces, but keeps the best until here: where that is
    /// another one because of a rank, as with one password of thousands, the two are more than a quarter apart.
    fn is_within_four_times(&self) -> bool {
        let within = |&theirs: &u64| self.ours / 4 <= theirs && theirs / 4 <= self.ours;
        self.theirs.iter().any(within)
    }
}

fn compare(password: &str, inputs: &[&str]) -> Compared {
    let ours = estimate(password, inputs);
    let warning = ours.warning.map(|warning| warning.to_string());
    let mut compared = Compared { ours: ours.guesses, theirs: Vec::new(), same_warning: false };
    for _ in 0..TRIES {
        let theirs = zxcvbn::zxcvbn(password, inputs);
        if about(ours.guesses, theirs.guesses()) {
            // A score is one of the guesses, which may be just at its border.
            let scores = (u8::from(ours.score), u8::from(theirs.score()));
            assert!(scores.0.abs_diff(scores.1) <= 1, "{password:?}: {scores:?}");
            let theirs_warning = theirs.feedback().and_then(|feedback| feedback.warning());
            compared.same_warning = theirs_warning.map(|it| it.to_string()) == warning;
            compared.theirs = vec![theirs.guesses()];
            return compared;
        }
        compared.theirs.push(theirs.guesses());
    }
    compared
}

/// Whether the warnings are the same too.
fn same(password: &str, inputs: &[&str]) -> bool {
    let compared = compare(password, inputs);
    assert!(compared.is_about(), "{password:?}: {} and not {:?}", compared.ours, compared.theirs);
    compared.same_warning
}

const LISTS: [(&str, usize); 6] = [
    (include_str!("../words/passwords.txt"), 30_000),
    (include_str!("../words/english.txt"), 30_000),
    (include_str!("../words/female_names.txt"), 3_712),
    (include_str!("../words/male_names.txt"), 983),
    (include_str!("../words/surnames.txt"), 10_000),
    (include_str!("../words/us_tv_and_film.txt"), 19_160),
];

/// Every word of every list: what a list lacks or has in quite another place is estimated otherwise.
#[test]
fn every_word_is_known() {
    for (list, count) in LISTS {
        assert_eq!(list.lines().count(), count);
        let others = list.lines().filter(|word| !same(word, &[])).count();
        assert!(others * 20 <= count, "{others} other warnings for {count} words");
    }
}

#[test]
fn what_people_choose() {
    for password in [
        "",
        "a",
        "aa",
        "aaa",
        "aaaaaaaaaaaa",
        "abcabcabc",
        "aabaabaabaab",
        "abababcdcdcd",
        "aXXaXXbYYbYY",
        "qwertyuiop",
        "qwER43@!",
        "1qaz2wsx",
        "zxcvbn",
        "asdfghju7654rewq",
        "159753",
        "ZXCasd!@#",
        "Tr0ub4dour&3",
        "correcthorsebatterystaple",
        "coRrecth0rseba++ery9.23.2007staple$",
        "D0g..................",
        "p4ssw0rd",
        "P@$$w0rD!",
        "drowssap",
        "nauhgnitsirk",
        "1991",
        "13.5.1997",
        "5/13/1997",
        "1997-05-13",
        "1 1 2001",
        "1\u{a0}1\u{a0}2001",
        "1_1.2001",
        "13051997",
        "2011 2012",
        "19199191",
        "20191919",
        "1.1.1.1.1991",
        "abcdefghijk",
        "zyxwvut",
        "97531",
        "\u{3b1}\u{3b2}\u{3b3}\u{3b4}",
        "orbit-velvet-93-lantern",
        "eheuczkqyq",
        "rWibMFACxAUGZmxhVncy",
        "Ba9ZyWABu99[BK#6MBgbH88Tofv)vs$w",
        "\u{e9}t\u{e9}\u{e9}t\u{e9}",
        "a\nb\na\nb\n",
        "line\nline\n",
        "\\\\\\",
        "passwordpassword",
        "aaaaaaaaa1aaaaaaaaa1",
        "11111111",
        "\u{1f600}\u{1f600}\u{1f600}",
    ] {
        assert!(same(password, &[]), "{password:?}");
        same(password, &["Tr0ub4dour", "velvet", "lantern"]);
    }
    same(&"ab".repeat(200), &[]);
    same(&"x".repeat(1000), &[]);
}

fn piece() -> impl Strategy<Value = String> {
    let word = select(LISTS.map(|(list, _)| list).to_vec())
        .prop_flat_map(|list| select(list.lines().collect::<Vec<_>>()).prop_map(str::to_owned));
    prop_oneof![
        4 => word.clone(),
        1 => word.prop_map(|word| word.replace('a', "@").replace('e', "3").to_uppercase()),
        1 => "[0-9]{1,8}",
        1 => "[0-9]{1,4}[-/. _\\\\][0-9]{1,2}[-/. _\\\\][0-9]{1,4}",
        1 => "(19|20)[0-9]{2}",
        1 => "[a-c]{1,9}",
        1 => "[ -~]{1,6}",
        1 => "[a-z\u{e0}-\u{ff}\n\u{3b1}-\u{3c9}]{1,4}",
        1 => select(vec!["qwerty", "asdf", "7410", "poiu", "fedcba", "aoeu", "!QAZ"]).prop_map(str::to_owned),
    ]
}

/// Pieces of every kind, beside each other: the same ones each time, or this many new ones where
/// `TWOSHARE_STRENGTH_CASES` says how many.
#[test]
fn what_is_put_together() {
    let cases = std::env::var("TWOSHARE_STRENGTH_CASES").ok();
    let cases = cases.map(|cases| cases.parse().expect("a number of cases"));
    let rng_seed = if cases.is_some() { RngSeed::Random } else { RngSeed::Fixed(1) };
    let cases = cases.unwrap_or(1500);
    let config =
        ProptestConfig { rng_seed, failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    let others = Cell::new(0);
    let passwords = (prop::collection::vec(piece(), 1..4), any::<bool>());
    let ran = TestRunner::new(config).run(&passwords, |(pieces, twice)| {
        let text = pieces.concat();
        let text = if twice { text.repeat(2) } else { text };
        let compared = compare(&text, &["asdf"]);
        others.set(others.get() + u32::from(!compared.is_about()));
        prop_assert!(
            compared.is_within_four_times(),
            "{text:?}: {} and not {:?}",
            compared.ours,
            compared.theirs
        );
        Ok(())
    });
    ran.unwrap();
    assert!(
        others.get() * 500 <= cases,
        "{} of {cases} are more than a quarter away",
        others.get()
    );
}
