//! The word lists: of each word its rank, from one.

use std::{collections::HashMap, sync::LazyLock};

static PACKED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/words.deflate"));
const LEN: usize = match usize::from_str_radix(env!("WORDS_LEN"), 10) {
    Ok(len) => len,
    Err(_) => panic!("build.rs sets a number"),
};

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
        static WORDS: LazyLock<String> = LazyLock::new(unpacked);
        LISTS
            .into_iter()
            .zip(WORDS.split("\n\n"))
            .map(|(list, words)| (list, words.split('\n').zip(1..).collect()))
            .collect()
    });

fn unpacked() -> String {
    let bytes = miniz_oxide::inflate::decompress_to_vec_with_limit(PACKED, LEN);
    String::from_utf8(bytes.expect("build.rs has packed it")).expect("build.rs has packed a text")
}
