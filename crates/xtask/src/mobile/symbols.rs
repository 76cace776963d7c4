//! What is in a shared library: its sections, and its symbols by the crate that they come from.

use std::collections::{BTreeMap, BTreeSet};

use crate::run::Failed;

/// The bytes of a library that are loaded, by where they come from.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// Of each section that is loaded, by name.
    pub(super) sections: BTreeMap<String, u64>,
    /// Code and tables that have a name, by crate.
    pub(super) crates: BTreeMap<String, u64>,
    /// The largest, with their crate's name.
    pub(super) largest: Vec<(u64, String)>,
}

/// A section header of an ELF file.
struct Section {
    name: usize,
    kind: u32,
    is_loaded: bool,
    offset: usize,
    size: usize,
    link: usize,
}

const SYMBOL_TABLE: u32 = 2;
const DYNAMIC_SYMBOLS: u32 = 11;
const SYMBOL: usize = 24;

/// Reads a 64-bit, little-endian ELF file that has a symbol table.
pub(super) fn read(elf: &[u8]) -> Result<Contents, Failed> {
    read_elf(elf).ok_or_else(|| Failed("not an ELF file with a symbol table".to_owned()))
}

/// What a shared library asks others for, and what it offers them.
#[derive(Debug, Default)]
pub(super) struct Dynamic {
    /// Has to be there where it is loaded. What may be missing is not in it.
    pub(super) needed: BTreeSet<String>,
    pub(super) exported: BTreeSet<String>,
}

/// Reads a 64-bit, little-endian ELF file that is a shared library.
pub(super) fn dynamic(elf: &[u8]) -> Result<Dynamic, Failed> {
    read_dynamic(elf).ok_or_else(|| Failed("not a shared library".to_owned()))
}

fn read_dynamic(elf: &[u8]) -> Option<Dynamic> {
    let (sections, _) = sections(elf)?;
    let symbols = sections.iter().find(|section| section.kind == DYNAMIC_SYMBOLS)?;
    let names = sections.get(symbols.link)?.offset;
    let mut dynamic = Dynamic::default();
    // The first stands for none.
    for at in (symbols.offset..symbols.offset + symbols.size).step_by(SYMBOL).skip(1) {
        let name = text(elf, names + number(elf, at, 4)?)?.to_owned();
        let (binding, section) = (number(elf, at + 4, 1)? >> 4, number(elf, at + 6, 2)?);
        match (binding, section) {
            // STB_GLOBAL
            (1, 0) => dynamic.needed.insert(name),
            (_, 0) => continue,
            _ => dynamic.exported.insert(name),
        };
    }
    Some(dynamic)
}

/// The section headers, and where their names are.
fn sections(elf: &[u8]) -> Option<(Vec<Section>, usize)> {
    if !elf.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (table, count, names) = (number(elf, 40, 8)?, number(elf, 60, 2)?, number(elf, 62, 2)?);
    let sections = (0..count).map(|index| section(elf, table + index * 64));
    let sections = sections.collect::<Option<Vec<Section>>>()?;
    let names = sections.get(names)?.offset;
    Some((sections, names))
}

fn read_elf(elf: &[u8]) -> Option<Contents> {
    let (sections, names) = sections(elf)?;
    let mut contents = Contents::default();
    for section in sections.iter().filter(|section| section.is_loaded) {
        let name = text(elf, names + section.name)?;
        contents.sections.insert(name.to_owned(), section.size as u64);
    }
    let symbols = sections.iter().find(|section| section.kind == SYMBOL_TABLE)?;
    let names = sections.get(symbols.link)?.offset;
    // Several names of one place are one.
    let mut named = BTreeMap::new();
    for at in (symbols.offset..symbols.offset + symbols.size).step_by(SYMBOL) {
        let (name, kind) = (number(elf, at, 4)?, number(elf, at + 4, 1)? & 15);
        let (address, size) = (number(elf, at + 8, 8)?, number(elf, at + 16, 8)?);
        // Code and data.
        if size > 0 && matches!(kind, 1 | 2) {
            named.insert(address, (size as u64, text(elf, names + name)?));
        }
    }
    for (size, name) in named.into_values() {
        let of = crate_of(name);
        *contents.crates.entry(of.to_owned()).or_default() += size;
        contents.largest.push((size, name.to_owned()));
    }
    contents.largest.sort_by(|one, two| two.cmp(one));
    Some(contents)
}

fn section(elf: &[u8], at: usize) -> Option<Section> {
    Some(Section {
        name: number(elf, at, 4)?,
        kind: u32::try_from(number(elf, at + 4, 4)?).ok()?,
        // SHF_ALLOC, and not SHT_NOBITS.
        is_loaded: number(elf, at + 8, 8)? & 2 != 0 && number(elf, at + 4, 4)? != 8,
        offset: number(elf, at + 24, 8)?,
        size: number(elf, at + 32, 8)?,
        link: number(elf, at + 40, 4)?,
    })
}

fn number(bytes: &[u8], at: usize, len: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(len)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| (number << 8) | usize::from(*byte)))
}

fn text(bytes: &[u8], at: usize) -> Option<&str> {
    let bytes = bytes.get(at..)?;
    let end = bytes.iter().position(|byte| *byte == 0)?;
    str::from_utf8(bytes.get(..end)?).ok()
}

/// The crate that a symbol is of. Generic code counts for the crate that wrote it, an implementation for
/// that of its type.
pub(super) fn crate_of(symbol: &str) -> &str {
    if let Some(mangled) = symbol.strip_prefix("_ZN") {
        legacy(mangled).unwrap_or("?")
    } else if let Some(mangled) = symbol.strip_prefix("_R") {
        v0(mangled).unwrap_or("?")
    } else if symbol.starts_with("uniffi_")
        || symbol.starts_with("UNIFFI_")
        || symbol.starts_with("ffi_")
    {
        "(functions of the border)"
    } else if symbol.starts_with("anon.") {
        "(constants without a name)"
    } else {
        "(C runtime and others)"
    }
}

/// `_ZN` then names with their lengths; the first is the crate, or `<Type as Trait>` spelled out.
fn legacy(mangled: &str) -> Option<&str> {
    let digits = mangled.find(|char: char| !char.is_ascii_digit())?;
    let length = mangled.get(..digits)?.parse().ok()?;
    let first = mangled.get(digits..)?.get(..length)?;
    if !first.contains('$') && !first.starts_with('_') {
        return Some(first);
    }
    // The first name that is followed by `..` is that of a crate; without one, the trait's says it.
    let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let path = first.find("..")?;
    let name = first.get(..path)?.rsplit(|char| !is_name(char)).next()?;
    Some(name).filter(|name| !name.is_empty())
}

/// The first crate root: `C`, perhaps `s…_`, then a name with its length.
fn v0(mangled: &str) -> Option<&str> {
    mangled.match_indices('C').find_map(|(at, _)| {
        let rest = mangled.get(at + 1..)?;
        let rest = match rest.strip_prefix('s') {
            Some(rest) => rest.split_once('_')?.1,
            None => rest,
        };
        let digits = rest.find(|char: char| !char.is_ascii_digit())?;
        let length: usize = rest.get(..digits)?.parse().ok()?;
        let name = rest.get(digits..)?;
        name.strip_prefix('_').unwrap_or(name).get(..length).filter(|name| !name.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_says_its_crate() {
        for (symbol, of) in [
            ("_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core"),
            (
                "_ZN60_$LT$zxcvbn..matching..Match$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE",
                "zxcvbn",
            ),
            (
                "_ZN50_$LT$$RF$mut$u20$W$u20$as$u20$core..fmt..Write$GT$9write_str17h0123456789abcdefE",
                "core",
            ),
            (
                "_ZN49_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$x..Y$GT$4iter17h0123456789abcdefE",
                "alloc",
            ),
            ("_RNvNtCs1234_7mycrate3foo3bar", "mycrate"),
            ("_RNvC6_123foo3bar", "123foo"),
            ("_RNvXs_NtCsabc_5alloc3vecINtB4_3VecpE", "alloc"),
            ("uniffi_twoshare_ffi_fn_method_client_backup", "(functions of the border)"),
            ("memcpy", "(C runtime and others)"),
        ] {
            assert_eq!(crate_of(symbol), of, "{symbol}");
        }
    }

    /// An ELF file with these dynamic symbols: a name, its binding, and whether it is defined.
    fn shared_library(symbols: &[(&str, u8, bool)]) -> Vec<u8> {
        let (mut names, mut table) = (vec![0], vec![0; SYMBOL]);
        for (name, binding, is_defined) in symbols {
            let mut symbol = [0; SYMBOL];
            symbol[..4].copy_from_slice(&u32::try_from(names.len()).unwrap().to_le_bytes());
            (symbol[4], symbol[6]) = (binding << 4, u8::from(*is_defined));
            table.extend(symbol);
            names.extend([name.as_bytes(), b"\0"].concat());
        }
        let section = |kind: u32, at: usize, size: usize, link: u8| {
            let mut section = [0; 64];
            section[4..8].copy_from_slice(&kind.to_le_bytes());
            section[24..32].copy_from_slice(&at.to_le_bytes());
            section[32..40].copy_from_slice(&size.to_le_bytes());
            section[40] = link;
            section
        };
        let mut elf = b"\x7fELF\x02\x01".to_vec();
        elf.resize(64, 0);
        let sections = 64 + table.len() + names.len();
        elf[40..48].copy_from_slice(&sections.to_le_bytes());
        (elf[60], elf[62]) = (3, 2);
        let headers = [
            section(0, 0, 0, 0),
            section(DYNAMIC_SYMBOLS, 64, table.len(), 2),
            section(3, 64 + table.len(), names.len(), 0),
        ];
        [elf, table, names, headers.concat()].concat()
    }

    #[test]
    fn what_a_library_needs_is_read() {
        let elf = shared_library(&[
            ("malloc", 1, false),
            ("getrandom", 2, false),
            ("uniffi_twoshare_ffi_fn", 1, true),
        ]);
        let dynamic = dynamic(&elf).unwrap();
        // What is weak may be missing.
        assert_eq!(dynamic.needed, ["malloc".to_owned()].into());
        assert_eq!(dynamic.exported, ["uniffi_twoshare_ffi_fn".to_owned()].into());
    }

    #[test]
    fn what_is_no_library_is_refused() {
        for bytes in [&b""[..], b"\x7fELF", b"\x7fELF\x02\x01", &[0; 100]] {
            assert!(read(bytes).is_err() && dynamic(bytes).is_err());
        }
    }
}
