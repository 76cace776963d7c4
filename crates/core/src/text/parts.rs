use core::fmt;
use std::collections::BTreeSet;

use minicbor::{Decoder, Encoder};

use super::{
    Candidate, MAX_LEN, TYPE, TextError, candidates,
    fountain::{Equation, Joiner},
    letters::{Body, crc32},
};

/// The most parts of an envelope: with 8 MiB, 2 KiB each.
const MAX_PARTS: u64 = 4096;
/// The most different mixed parts, times all parts. The work that each makes grows with the length
/// of the message: without this, a paste of 1 MiB could keep a reader busy for minutes. Up to 724
/// parts, as many may be lost as there are.
const MAX_MIXED: u64 = 724 * 724;

/// The COSE bytes of an envelope as parts for QR codes, of at most `fragment` bytes each: as many as
/// are needed when none is lost, and `extra` more of which any can stand in for any other.
///
/// A QR code takes a part in fewer dots when it is in upper case (alphanumeric mode), which is read
/// as well. 100 bytes make a code that phones read from each other's screens with ease.
///
/// # Errors
///
/// [`TextError::TooLarge`] when more than 4,096 parts would be needed, or none is possible.
pub fn write_parts(cose: &[u8], fragment: usize, extra: usize) -> Result<Vec<String>, TextError> {
    let too_large = |count: usize| TextError::TooLarge { claimed: count as u64, cap: MAX_PARTS };
    let count =
        cose.len().checked_div(fragment).map_or(usize::MAX, |count| count.saturating_add(1));
    if count as u64 > MAX_PARTS || extra as u64 > MAX_PARTS {
        return Err(too_large(count.max(extra)));
    }
    let mut encoder = ur::Encoder::new(cose, fragment, TYPE).map_err(|_| too_large(count))?;
    (0..encoder.fragment_count() + extra)
        .map(|_| encoder.next_part().map_err(|_| too_large(count)))
        .collect()
}

/// How far the parts that were received go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Parts' worth of the envelope that is there.
    pub have: usize,
    /// Parts that it takes.
    pub total: usize,
}

impl Progress {
    /// Whether nothing is missing.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.total > 0 && self.have >= self.total
    }
}

/// Puts an envelope together from its parts, in any order, with repetitions.
#[derive(Default)]
pub struct PartReader {
    joiner: Joiner,
    first: Option<Claim>,
    /// The numbers of the parts received.
    received: BTreeSet<u64>,
    mixed: u64,
}

/// What all parts of one envelope say alike.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Claim {
    total: u64,
    length: u64,
    checksum: u64,
}

impl PartReader {
    /// Nothing received yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one part, as it was scanned or pasted.
    ///
    /// # Errors
    ///
    /// See [`TextError`]. What was received before stays.
    pub fn receive(&mut self, text: &str) -> Result<Progress, TextError> {
        let candidate = candidates(text).next().ok_or(TextError::NoBackup)?;
        match Candidate::parse(candidate)? {
            Candidate::Part { sequence, total, body } => self.receive_body(sequence, total, body),
            Candidate::Single(_) => Err(TextError::MalformedPart { sequence: 0 }),
        }
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let total = self.first.map_or(0, |claim| usize::try_from(claim.total).unwrap_or(0));
        Progress { have: self.joiner.independent(), total }
    }

    /// The COSE bytes, when nothing is missing.
    ///
    /// # Errors
    ///
    /// [`TextError::MissingParts`], or [`TextError::Checksum`].
    pub fn finish(&self) -> Result<Vec<u8>, TextError> {
        let Progress { have, total } = self.progress();
        let (Some(claim), Some(mut message)) = (self.first, self.joiner.joined()) else {
            let missing = (1..=total).filter(|part| !self.received.contains(&(*part as u64)));
            return Err(TextError::MissingParts {
                have,
                total,
                missing: missing.take(16).collect(),
            });
        };
        let length = usize::try_from(claim.length).map_err(|_| TextError::Checksum)?;
        let padding = message.split_off(length.min(message.len()));
        let fits = u64::from(crc32(&message)) == claim.checksum;
        if fits && padding.iter().all(|byte| *byte == 0) {
            Ok(message)
        } else {
            Err(TextError::Checksum)
        }
    }

    /// The claims of a part are bounded before anything is allocated for them.
    pub(super) fn receive_body(
        &mut self,
        sequence: u64,
        total: u64,
        body: Body<'_>,
    ) -> Result<Progress, TextError> {
        if total > MAX_PARTS {
            return Err(TextError::TooLarge { claimed: total, cap: MAX_PARTS });
        }
        let malformed = TextError::MalformedPart { sequence };
        let part = body.read()?;
        let claim = Claim::read(&part, sequence, total, &malformed)?;
        if self.first.is_some_and(|first| first != claim) {
            return Err(TextError::MixedParts);
        }
        if self.joiner.is_complete() || self.received.contains(&sequence) {
            return Ok(self.progress());
        }
        let cap = MAX_MIXED / total;
        if sequence > total && self.mixed >= cap {
            return Err(TextError::TooLarge { claimed: self.mixed + 1, cap });
        }
        let count = usize::try_from(total).map_err(|_| malformed.clone())?;
        self.joiner.add(Equation::read(&part, count).map_err(|_| malformed)?, count);
        self.first = Some(claim);
        self.received.insert(sequence);
        self.mixed += u64::from(sequence > total);
        Ok(self.progress())
    }
}

impl Claim {
    /// What a part says of itself, checked against the numbers `sequence` and `total` before it.
    fn read(
        part: &[u8],
        sequence: u64,
        total: u64,
        malformed: &TextError,
    ) -> Result<Self, TextError> {
        let (numbers, fragment) = decode(part).ok_or_else(|| malformed.clone())?;
        let [number, count, length, checksum] = numbers.map(u64::from);
        if length > MAX_LEN as u64 {
            return Err(TextError::TooLarge { claimed: length, cap: MAX_LEN as u64 });
        }
        let same = number == sequence && count == total;
        let fits = length > 0 && fragment.len() as u64 == length.div_ceil(total.max(1));
        if same && fits { Ok(Self { total, length, checksum }) } else { Err(malformed.clone()) }
    }
}

/// `[sequence, total, length, checksum, fragment]`, in its one encoding.
fn decode(part: &[u8]) -> Option<([u32; 4], &[u8])> {
    let mut decoder = Decoder::new(part);
    (decoder.array().ok()? == Some(5)).then_some(())?;
    let numbers = [(); 4].map(|()| decoder.u32().ok());
    let [Some(number), Some(count), Some(length), Some(checksum)] = numbers else { return None };
    let fragment = decoder.bytes().ok()?;
    let mut again = Encoder::new(Vec::with_capacity(part.len()));
    again
        .array(5)
        .and_then(|e| e.u32(number)?.u32(count)?.u32(length)?.u32(checksum)?.bytes(fragment))
        .expect("a Vec takes everything");
    (again.into_writer() == part).then_some(([number, count, length, checksum], fragment))
}

impl fmt::Debug for PartReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartReader").field("progress", &self.progress()).finish_non_exhaustive()
    }
}
