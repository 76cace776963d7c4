//! A process looking through its own memory.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
};

use twoshare::core::secret::SecretBytes;

/// A region that is read in one go, at most.
const CHUNK: usize = 1 << 20;

/// A copy of everything writable in this process's memory.
pub(super) struct Snapshot(Vec<SecretBytes>);

impl Snapshot {
    /// Copies it; `None` where the system does not let a process do so (it needs Linux's
    /// `/proc/self`).
    pub(super) fn take() -> Option<Self> {
        let maps = fs::read_to_string("/proc/self/maps").ok()?;
        let mut memory = File::open("/proc/self/mem").ok()?;
        let mut regions = Vec::new();
        for line in maps.lines() {
            let mut fields = line.split_ascii_whitespace();
            let (Some(range), Some(permissions)) = (fields.next(), fields.next()) else { continue };
            let Some((from, to)) = range.split_once('-') else { continue };
            let from = u64::from_str_radix(from, 16).ok()?;
            let to = u64::from_str_radix(to, 16).ok()?;
            if permissions.starts_with("rw") {
                regions.extend(copy(&mut memory, from, to));
            }
        }
        Some(Self(regions))
    }

    /// Whether these 32 bytes are anywhere, in either byte order.
    pub(super) fn contains(&self, scalar: &SecretBytes) -> bool {
        // To look for it.
        let forward = scalar.expose_secret();
        let mut backward = SecretBytes::from(forward);
        backward.expose_secret_mut().reverse();
        self.0.iter().any(|region| {
            let region = region.expose_secret();
            find(region, forward) || find(region, backward.expose_secret())
        })
    }

    pub(super) fn mebibytes(&self) -> usize {
        self.0.iter().map(SecretBytes::len).sum::<usize>() >> 20
    }
}

/// The region in one piece, so that nothing hides across a border; what cannot be read is left out.
fn copy(memory: &mut File, from: u64, to: u64) -> Option<SecretBytes> {
    let length = usize::try_from(to.checked_sub(from)?).ok()?;
    memory.seek(SeekFrom::Start(from)).ok()?;
    let mut region = SecretBytes::with_capacity(length);
    let mut chunk = SecretBytes::from(vec![0; CHUNK.min(length)]);
    while region.len() < length {
        let left = length - region.len();
        let into = chunk.expose_secret_mut().get_mut(..CHUNK.min(left))?;
        match memory.read(into) {
            Ok(read) if read > 0 => region.extend(into.get(..read)?),
            _ => break,
        }
    }
    Some(region)
}

fn find(region: &[u8], needle: &[u8]) -> bool {
    let Some(first) = needle.first() else { return false };
    let mut from = 0;
    while let Some(at) = region.get(from..).and_then(|rest| rest.iter().position(|b| b == first)) {
        from += at;
        if region.get(from..).is_some_and(|rest| rest.starts_with(needle)) {
            return true;
        }
        from += 1;
    }
    false
}
