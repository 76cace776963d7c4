//! What a static library says of itself: which functions it defines, and for which processor.

use std::collections::BTreeSet;

use crate::run::Failed;

/// A member's header in a static library.
const HEADER: usize = 60;

/// A processor and a system, as the first object file of a static library has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Machine {
    /// Mach-O, 64-bit, ARM.
    AppleArm64,
    /// Mach-O, 64-bit, x86.
    AppleX86,
    /// ELF, 64-bit, ARM.
    ElfArm64,
    /// ELF, 32-bit, ARM.
    ElfArm,
    /// ELF, 64-bit, x86.
    ElfX86,
}

/// What is in a static library.
#[derive(Debug)]
pub(super) struct Archive {
    /// The names in its index, which are those that it defines.
    pub(super) defined: BTreeSet<String>,
    /// What its object files are for.
    pub(super) machines: Vec<Machine>,
    /// How many object files there are.
    pub(super) objects: usize,
}

/// Reads a static library in either form, that of GNU or that of BSD and Apple.
pub(super) fn read(archive: &[u8]) -> Result<Archive, Failed> {
    members(archive).ok_or_else(|| Failed("not a static library with an index".to_owned()))
}

fn members(archive: &[u8]) -> Option<Archive> {
    let mut rest = archive.strip_prefix(b"!<arch>\n")?;
    let mut read = Archive { defined: BTreeSet::new(), machines: Vec::new(), objects: 0 };
    let mut has_index = false;
    while !rest.is_empty() {
        let header = str::from_utf8(rest.get(..HEADER)?).ok()?;
        let (name, size) = (header.get(..16)?.trim_end(), header.get(48..58)?.trim_end());
        let size: usize = size.parse().ok()?;
        let mut body = rest.get(HEADER..HEADER.checked_add(size)?)?;
        rest = rest.get(HEADER + size + (size & 1)..).unwrap_or_default();
        // A name that is too long stands before the body.
        let mut long = "";
        if let Some(length) = name.strip_prefix("#1/") {
            let (before, after) = body.split_at_checked(length.parse().ok()?)?;
            (long, body) = (str::from_utf8(before).ok()?.trim_end_matches('\0'), after);
        }
        match name {
            "/" | "/SYM64/" => {
                read.defined.extend(gnu(body, if name == "/" { 4 } else { 8 })?);
                has_index = true;
            }
            "//" => {}
            _ if name.starts_with("__.SYMDEF") || long.starts_with("__.SYMDEF") => {
                let width = if format!("{name}{long}").contains("_64") { 8 } else { 4 };
                read.defined.extend(bsd(body, width)?);
                has_index = true;
            }
            _ => {
                read.objects += 1;
                if let Some(machine) = machine(body).filter(|it| !read.machines.contains(it)) {
                    read.machines.push(machine);
                }
            }
        }
    }
    (has_index && read.objects > 0).then_some(read)
}

/// A count and as many places, big-endian, then the names.
fn gnu(body: &[u8], width: usize) -> Option<Vec<String>> {
    let count = big(body.get(..width)?);
    let names = body.get(width.checked_mul(count.checked_add(1)?)?..)?;
    Some(texts(names).take(count).collect())
}

/// The length of the table, pairs of a name's place and a member's, the length of the names, the names.
fn bsd(body: &[u8], width: usize) -> Option<Vec<String>> {
    let length = little(body.get(..width)?);
    let names = body.get(width.checked_add(length)?.checked_add(width)?..)?;
    let (pairs, _) = body.get(width..width + length)?.as_chunks::<8>();
    let step = width / 4;
    pairs
        .iter()
        .step_by(step)
        .map(|pair| {
            let at = little(pair.get(..4)?);
            texts(names.get(at..)?).next()
        })
        .collect()
}

fn texts(names: &[u8]) -> impl Iterator<Item = String> {
    names.split(|byte| *byte == 0).map(|name| String::from_utf8_lossy(name).into_owned())
}

fn machine(object: &[u8]) -> Option<Machine> {
    let half = |at: usize| Some(little(object.get(at..at + 2)?));
    match object.get(..5)? {
        [0xcf, 0xfa, 0xed, 0xfe, 0x0c] => Some(Machine::AppleArm64),
        [0xcf, 0xfa, 0xed, 0xfe, 0x07] => Some(Machine::AppleX86),
        [0x7f, b'E', b'L', b'F', _] => match half(18)? {
            183 => Some(Machine::ElfArm64),
            40 => Some(Machine::ElfArm),
            62 => Some(Machine::ElfX86),
            _ => None,
        },
        _ => None,
    }
}

fn big(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, byte| (number << 8) | usize::from(*byte))
}

fn little(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |number, byte| (number << 8) | usize::from(*byte))
}

/// Static libraries of several processors in one file, as Apple's linker reads it: a table, then each at a
/// multiple of 2¹⁴ bytes.
pub(super) fn universal(parts: &[(Machine, Vec<u8>)]) -> Option<Vec<u8>> {
    const ALIGN: u32 = 14;
    let mut table = vec![0xca, 0xfe, 0xba, 0xbe];
    table.extend(u32::try_from(parts.len()).ok()?.to_be_bytes());
    let mut at = 1_usize << ALIGN;
    let mut bodies = Vec::new();
    for (machine, archive) in parts {
        let (processor, kind): (u32, u32) = match machine {
            Machine::AppleArm64 => (0x0100_000c, 0),
            Machine::AppleX86 => (0x0100_0007, 3),
            Machine::ElfArm64 | Machine::ElfArm | Machine::ElfX86 => return None,
        };
        let (start, size) = (u32::try_from(at).ok()?, u32::try_from(archive.len()).ok()?);
        for word in [processor, kind, start, size, ALIGN] {
            table.extend(word.to_be_bytes());
        }
        bodies.push((at, archive));
        at = (at + archive.len()).next_multiple_of(1 << ALIGN);
    }
    for (at, archive) in bodies {
        table.resize(at, 0);
        table.extend_from_slice(archive);
    }
    Some(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, body: &[u8]) -> Vec<u8> {
        let mut bytes =
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, body.len())
                .into_bytes();
        bytes.extend_from_slice(body);
        bytes.resize(bytes.len().next_multiple_of(2), b'\n');
        bytes
    }

    fn gnu_archive() -> Vec<u8> {
        let mut elf = b"\x7fELF\x02\x01".to_vec();
        elf.resize(64, 0);
        elf[18] = 183;
        let index = b"\0\0\0\x02\0\0\0\x10\0\0\0\x10one\0two\0";
        [b"!<arch>\n".to_vec(), member("/", index), member("a.o/", &elf)].concat()
    }

    #[test]
    fn an_index_of_either_form_is_read() {
        let read = read(&gnu_archive()).unwrap();
        assert_eq!(read.defined, ["one", "two"].map(str::to_owned).into());
        assert_eq!((read.machines, read.objects), (vec![Machine::ElfArm64], 1));

        let mut index = b"__.SYMDEF SORTED\0\0\0\0".to_vec();
        index.extend(b"\x10\0\0\0\x05\0\0\0\x10\0\0\0\0\0\0\0\x10\0\0\0\x0a\0\0\0_two\0_one\0");
        let object = [&[0xcf, 0xfa, 0xed, 0xfe, 0x0c][..], &[0; 27]].concat();
        let apple = [
            b"!<arch>\n".to_vec(),
            member("#1/20", &index),
            member("#1/4", &[b"a.o\0".to_vec(), object].concat()),
        ];
        let read = super::read(&apple.concat()).unwrap();
        assert_eq!(read.defined, ["_one", "_two"].map(str::to_owned).into());
        assert_eq!((read.machines, read.objects), (vec![Machine::AppleArm64], 1));
    }

    #[test]
    fn what_is_no_static_library_is_refused() {
        let whole = gnu_archive();
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn a_universal_library_says_where_each_is() {
        let parts =
            [(Machine::AppleArm64, b"first".to_vec()), (Machine::AppleX86, b"second".to_vec())];
        let whole = universal(&parts).unwrap();
        assert_eq!(&whole[..8], b"\xca\xfe\xba\xbe\0\0\0\x02");
        assert_eq!(&whole[16384..16389], b"first");
        assert_eq!(&whole[32768..], b"second");
        assert!(universal(&[(Machine::ElfArm, Vec::new())]).is_none());
    }
}
