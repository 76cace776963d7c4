//! Looks for secrets in the memory of this process, freed memory included.

use std::{
    fmt,
    fs::{self, File},
    io,
    ops::Range,
    os::unix::fs::FileExt,
};

/// What masked bytes are combined with, so that looking for a secret does not bring it into memory.
pub const MASK: u8 = 0xa7;

/// Pieces of this length are looked for: half a secret in memory is a finding too, and no piece of
/// this length is there by chance.
const PIECE: usize = 16;

/// The traces that a secret would leave: pieces of it in the order of its bytes and, for a number
/// that was written big-endian, in the reverse order that the machine keeps it in.
#[derive(Debug, Clone)]
pub struct Trace {
    name: String,
    masked: [[u8; PIECE]; 4],
}

impl Trace {
    /// The trace of a secret, whose bytes come already masked.
    ///
    /// # Panics
    ///
    /// When there are fewer than 16 bytes.
    #[must_use]
    pub fn of_masked(name: &str, masked: &[u8]) -> Self {
        let first = masked.first_chunk::<PIECE>().expect("a secret of 16 bytes at least");
        let last = masked.last_chunk::<PIECE>().expect("a secret of 16 bytes at least");
        let reversed = |piece: &[u8; PIECE]| {
            let mut piece = *piece;
            piece.reverse();
            piece
        };
        Self { name: name.to_owned(), masked: [*first, *last, reversed(first), reversed(last)] }
    }

    /// The trace of a secret that is in memory now, and ought to be dropped before the search.
    #[must_use]
    pub fn of(name: &str, secret: &[u8]) -> Self {
        Self::of_masked(name, &secret.iter().map(|byte| byte ^ MASK).collect::<Vec<u8>>())
    }
}

/// Where a trace was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The secret's name.
    pub secret: String,
    /// What the memory is used for: `[heap]`, `[stack]`, a file, or nothing.
    pub place: String,
    /// Its address.
    pub address: u64,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:#x} {}", self.secret, self.address, self.place)
    }
}

/// Looks for the traces in all memory that this process can write.
///
/// # Errors
///
/// The kernel does not show the process its own memory.
pub fn search(traces: &[Trace]) -> io::Result<Vec<Finding>> {
    let memory = File::open("/proc/self/mem")?;
    let mut window = vec![0_u8; 1 << 20];
    let own = window.as_ptr().addr() as u64..(window.as_ptr().addr() + window.len()) as u64;
    let mut findings = Vec::new();
    for (range, place) in writable_maps()? {
        let mut at = range.start;
        while at < range.end {
            let len = usize::try_from(range.end - at).unwrap_or(usize::MAX).min(window.len());
            let Some(part) = window.get_mut(..len) else { break };
            // A mapping may be gone by now, this loop's own among them.
            let Ok(read) = memory.read_at(part, at) else { break };
            let part = part.get(..read).unwrap_or_default();
            for (offset, trace) in matches(part, traces) {
                let address = at + offset as u64;
                if !own.contains(&address) {
                    findings.push(Finding {
                        secret: trace.name.clone(),
                        place: place.clone(),
                        address,
                    });
                }
            }
            // Windows overlap, so that no piece is cut in two.
            at += if read > PIECE { (read - PIECE + 1) as u64 } else { len as u64 };
        }
    }
    findings.dedup();
    Ok(findings)
}

fn matches<'a>(
    part: &'a [u8],
    traces: &'a [Trace],
) -> impl Iterator<Item = (usize, &'a Trace)> + 'a {
    let mut begins: Vec<u8> =
        traces.iter().flat_map(|t| t.masked.map(|[b, ..]| b ^ MASK)).collect();
    begins.sort_unstable();
    begins.dedup();
    let candidates = part
        .windows(PIECE)
        .enumerate()
        .filter(move |(_, bytes)| bytes.first().is_some_and(|byte| begins.contains(byte)));
    candidates.flat_map(move |(offset, bytes)| {
        let is_here = |piece: &[u8; PIECE]| bytes.iter().zip(piece).all(|(a, b)| a ^ MASK == *b);
        traces
            .iter()
            .filter(move |trace| trace.masked.iter().any(is_here))
            .map(move |trace| (offset, trace))
    })
}

fn writable_maps() -> io::Result<Vec<(Range<u64>, String)>> {
    let maps = fs::read_to_string("/proc/self/maps")?;
    Ok(maps
        .lines()
        .filter_map(|line| {
            let mut words = line.split_ascii_whitespace();
            let (range, rights) = (words.next()?, words.next()?);
            let (start, end) = range.split_once('-')?;
            let start = u64::from_str_radix(start, 16).ok()?;
            let end = u64::from_str_radix(end, 16).ok()?;
            let place = words.nth(3).unwrap_or("anonymous").to_owned();
            rights.starts_with("rw").then_some((start..end, place))
        })
        .collect())
}
