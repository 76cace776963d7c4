//! It says about what zxcvbn says.

#![allow(missing_docs, reason = "a test")]

use proptest::{prelude::*, sample::select};
use twoshare_strength::estimate;

const TRIES: usize = 100;

/// The lists know a word's rank to a 24th of it, and the lower one: so much lower is the estimate for a word. For
/// several, it is that for each of them; and the pieces that zxcvbn finds are now and then other ones then, which
/// may make it higher.
fn about(ours: u64, theirs: u64) -> bool {
    ours.abs_diff(theirs) <= theirs / 4
}

/// Whether the warnings are the same too: of two matches that are as good as each other, zxcvbn takes the one
/// that an unstable sort has put first.
fn same(password: &str, inputs: &[&str]) -> bool {
    let ours = estimate(password, inputs);
    let warning = ours.warning.map(|warning| warning.to_string());
    let (guesses, score) = (ours.guesses, u8::from(ours.score));
    let theirs = || {
        let theirs = zxcvbn::zxcvbn(password, inputs);
        let warning = theirs.feedback().and_then(|feedback| feedback.warning());
        ((theirs.guesses(), u8::from(theirs.score())), warning.map(|it| it.to_string()))
    };
    // It has several answers for some, by the order of a hash map.
    let mut seen = Vec::new();
    for _ in 0..TRIES {
        let (theirs, their_warning) = theirs();
        // A score is one of the guesses, which may be just at its border.
        if about(guesses, theirs.0) && score.abs_diff(theirs.1) <= 1 {
            return their_warning == warning;
        }
        seen.push(theirs);
    }
    panic!("{password:?}: {:?} and not {seen:?}", (guesses, score));
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn what_is_put_together(pieces in prop::collection::vec(piece(), 1..4), twice in any::<bool>()) {
        let text = pieces.concat();
        same(&if twice { text.repeat(2) } else { text }, &["asdf"]);
    }
}
