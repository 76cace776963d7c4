//! Packs the ten word lists of BIP-39, which unpacked are half a megabyte of an app's library.

use std::{env, error::Error, fs, path::Path};

use bip39::Language;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let lists: Vec<String> =
        Language::ALL.iter().map(|language| language.word_list().join("\n")).collect();
    let text = lists.join("\n\n");
    let packed = miniz_oxide::deflate::compress_to_vec(text.as_bytes(), 10);
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    fs::write(Path::new(&out).join("mnemonics.deflate"), packed)?;
    println!("cargo::rustc-env=MNEMONICS_LEN={}", text.len());
    Ok(())
}
