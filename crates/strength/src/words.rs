//! The word lists: of each word its rank, from one.

use std::{collections::HashMap, sync::LazyLock};

use crate::ranks::ranks;

static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/words.deflate"));
const LEN: usize = match usize::from_str_radix(env!("WORDS_LEN"), 10) {
    Ok(len) => len,
    Err(_) => panic!("build.rs sets a number"),
};

/// What ends a list.
const END: u8 = 31;

/// Where a word is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum DictionaryType {
    #[default]
    Passwords,
    English,
    FemaleNames,
    MaleNames,
    Surnames,
    UsTvAndFilm,
    UserInputs,
}

const LISTS: [DictionaryType; 6] = [
    DictionaryType::Passwords,
    DictionaryType::English,
    DictionaryType::FemaleNames,
    DictionaryType::MaleNames,
    DictionaryType::Surnames,
    DictionaryType::UsTvAndFilm,
];

type Ranks = HashMap<&'static str, usize>;

pub(crate) static RANKED_DICTIONARIES: LazyLock<Vec<(DictionaryType, Ranks)>> =
    LazyLock::new(|| {
        static UNPACKED: LazyLock<(String, Vec<u8>)> = LazyLock::new(unpacked);
        let (words, classes) = &*UNPACKED;
        let ranks: Vec<usize> = ranks().take(usize::from(u8::MAX) + 1).collect();
        let mut ranks = classes.iter().map(|class| ranks[usize::from(*class)]);
        let lists = words.split("\n\n");
        LISTS
            .into_iter()
            .zip(lists.map(|words| words.split('\n').zip(&mut ranks).collect()))
            .collect()
    });

/// The words, a list after the other with an empty line behind each, and of each word which rank it has.
fn unpacked() -> (String, Vec<u8>) {
    let bytes = miniz_oxide::inflate::decompress_to_vec_with_limit(PACKED, LEN);
    let mut packed = bytes.expect("build.rs has packed it");
    let (mut words, mut before) = (Vec::new(), 0);
    let (mut at, mut lists) = (0, LISTS.len());
    while lists > 0 {
        let shared = packed[at];
        at += 1;
        if shared == END {
            lists -= 1;
        } else {
            let letters = packed[at..].iter().take_while(|byte| **byte > END).count();
            let begins = words.len();
            words.extend_from_within(before..before + usize::from(shared));
            words.extend_from_slice(&packed[at..at + letters]);
            before = begins;
            at += letters;
        }
        words.push(b'\n');
    }
    packed.drain(..at);
    (String::from_utf8(words).expect("build.rs has packed texts"), packed)
}
