//! Packs the word lists, which are a third of a phone's library otherwise.

use std::{env, error::Error, fs, path::Path};

#[path = "src/ranks.rs"]
mod ranks;

/// In the order in which they are unpacked.
const LISTS: [&str; 6] =
    ["passwords", "english", "female_names", "male_names", "surnames", "us_tv_and_film"];

/// So many letters of the word before can stand for themselves: a byte that no word has says how many.
const MOST_SHARED: usize = 30;
/// What ends a list.
const END: u8 = 31;

fn main() -> Result<(), Box<dyn Error>> {
    // The words of each list in their order, each without what it shares with the one before; then
    // the ranks of all of them. Both pack better than the words in the order of their ranks.
    let (mut words, mut classes) = (Vec::new(), Vec::new());
    for list in LISTS {
        let path = format!("words/{list}.txt");
        println!("cargo::rerun-if-changed={path}");
        let text = fs::read_to_string(path)?;
        let mut sorted: Vec<(&str, usize)> = text.lines().zip(1..).collect();
        sorted.sort_unstable();
        let mut before = "";
        for (word, rank) in sorted {
            let shared = word.bytes().zip(before.bytes()).take_while(|(one, other)| one == other);
            let shared = shared.count().min(MOST_SHARED);
            words.push(u8::try_from(shared)?);
            words.extend(word.bytes().skip(shared));
            let class = ranks::ranks().take_while(|floor| *floor <= rank).count() - 1;
            classes.push(u8::try_from(class)?);
            before = word;
        }
        words.push(END);
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/ranks.rs");
    words.append(&mut classes);
    let packed = miniz_oxide::deflate::compress_to_vec(&words, 10);
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    fs::write(Path::new(&out).join("words.deflate"), packed)?;
    println!("cargo::rustc-env=WORDS_LEN={}", words.len());
    Ok(())
}
