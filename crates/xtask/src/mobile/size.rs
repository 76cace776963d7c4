//! How large the library is that an app's transport serves.

use std::{path::PathBuf, process::Command};

use super::{Linker, Platform, archive::Machine, bytes, symbols};
use crate::{
    run::{Failed, root, run},
    tools::{on_path, system_python},
};

const PLATFORM: Platform = Platform::of("x86_64-unknown-linux-gnu", Machine::ElfX86);

/// 2²⁰ bytes.
pub(crate) const MIB: u64 = 1 << 20;
/// The longest library, stripped.
pub(crate) const LIMIT: u64 = 3 * MIB;

/// So many crates, and symbols, are printed.
const LINES: usize = 40;

/// Builds the library, prints what is in it, and fails where it is too large.
pub(super) fn measure() -> Result<(), Failed> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Failed("the limit is for Linux on x86-64".to_owned()));
    }
    let library = PLATFORM.folder().join("libtwoshare_ffi.so");
    // Relocations in a tenth of their size, which glibc 2.36 and Android 11 read.
    let linker = Linker::Compiler(Command::new("cc"));
    PLATFORM.static_library()?.link(linker, &["-zpack-relative-relocs"], &library)?;
    let strip = on_path("strip").ok_or_else(|| Failed("strip is not on the PATH".to_owned()))?;
    let stripped = stripped();
    run(Command::new(strip).arg("--strip-all").arg("-o").arg(&stripped).arg(&library))?;
    let total = bytes(&stripped)?.len() as u64;
    let contents = symbols::read(&bytes(&library)?)?;

    println!("{:>9}  stripped, of at most {}", kib(total), kib(LIMIT));
    println!("\nby section");
    let mut sections: Vec<_> = contents.sections.iter().collect();
    sections.sort_by(|one, two| two.1.cmp(one.1));
    for (name, size) in sections {
        println!("{:>9}  {name}", kib(*size));
    }
    println!("\nby crate (code, and tables that have a name)");
    let mut crates: Vec<_> = contents.crates.iter().collect();
    crates.sort_by(|one, two| two.1.cmp(one.1));
    let named: u64 = contents.crates.values().sum();
    for (name, size) in crates.iter().take(LINES) {
        println!("{:>9}  {name}", kib(**size));
    }
    let rest: u64 = crates.iter().skip(LINES).map(|(_, size)| **size).sum();
    println!("{:>9}  {} others", kib(rest), crates.len().saturating_sub(LINES));
    let loaded: u64 = contents.sections.values().sum();
    println!(
        "{:>9}  without a name: texts, constants, unwinding, relocations",
        kib(loaded.saturating_sub(named))
    );
    println!("\nthe largest");
    for (size, name) in contents.largest.iter().take(LINES) {
        println!("{:>9}  {name}", kib(*size));
    }
    if total > LIMIT {
        return Err(Failed(format!("{} are more than {}", kib(total), kib(LIMIT))));
    }
    Ok(())
}

/// Sees that a panic in the library still unwinds to the border, whatever was left out.
pub(super) fn panics() -> Result<(), Failed> {
    let mut python = Command::new(system_python("it calls the library")?);
    python.arg(root().join("crates/xtask/src/mobile/panics.py"));
    run(python.arg(stripped()))
}

fn stripped() -> PathBuf {
    PLATFORM.folder().join("libtwoshare_ffi.stripped.so")
}

fn kib(bytes: u64) -> String {
    format!("{:.1} KiB", bytes as f64 / 1024.0)
}
