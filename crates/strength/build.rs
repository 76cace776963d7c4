//! Packs the word lists, which are a third of a phone's library otherwise.

use std::{env, error::Error, fs, path::Path};

/// In the order in which they are unpacked.
const LISTS: [&str; 6] =
    ["passwords", "english", "female_names", "male_names", "surnames", "us_tv_and_film"];

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = String::new();
    for list in LISTS {
        let path = format!("words/{list}.txt");
        println!("cargo::rerun-if-changed={path}");
        words.push_str(&fs::read_to_string(path)?);
        // A list ends with an empty line.
        words.push('\n');
    }
    println!("cargo::rerun-if-changed=build.rs");
    let packed = miniz_oxide::deflate::compress_to_vec(words.as_bytes(), 10);
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    fs::write(Path::new(&out).join("words.deflate"), packed)?;
    println!("cargo::rustc-env=WORDS_LEN={}", words.len());
    Ok(())
}
