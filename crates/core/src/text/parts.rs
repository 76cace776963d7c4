use core::fmt;

use minicbor::Decoder as CborDecoder;

use super::{Candidate, MAX_LEN, TYPE, TextError, candidates, letters::Body};

/// The most parts of an envelope: with 8 MiB, 2 KiB each.
const MAX_PARTS: u64 = 4096;
/// The most parts that are looked at, in multiples of those that it takes.
const MAX_RECEIVED: u64 = 4;
/// The most mixed parts times all parts. The decoder's memory grows with it, and its work with it
/// times the number of parts: a paste of 1 MiB could keep it busy for minutes. Up to 724 parts, as
/// many may be lost as there are.
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
    decoder: ur::Decoder,
    first: Option<Claim>,
    plain: Vec<u64>,
    received: u64,
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
        let have = if self.decoder.complete() {
            total
        } else {
            self.decoder.resolved_fragment_count().unwrap_or(0)
        };
        Progress { have, total }
    }

    /// The COSE bytes, when nothing is missing.
    ///
    /// # Errors
    ///
    /// [`TextError::MissingParts`], or [`TextError::Checksum`].
    pub fn finish(&self) -> Result<Vec<u8>, TextError> {
        let Progress { have, total } = self.progress();
        match self.decoder.message() {
            Ok(Some(message)) => Ok(message),
            Ok(None) => {
                let missing = (1..=total).filter(|part| !self.plain.contains(&(*part as u64)));
                Err(TextError::MissingParts { have, total, missing: missing.take(16).collect() })
            }
            Err(_) => Err(TextError::Checksum),
        }
    }

    /// The claims of a part are bounded before the fountain decoder, which allocates what they say,
    /// sees it.
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
        let claim = Claim::read(&part, sequence, total).ok_or(malformed.clone())?;
        if claim.length > MAX_LEN as u64 {
            return Err(TextError::TooLarge { claimed: claim.length, cap: MAX_LEN as u64 });
        }
        if self.first.is_some_and(|first| first != claim) {
            return Err(TextError::MixedParts);
        }
        if self.decoder.complete() || (sequence <= total && self.plain.contains(&sequence)) {
            return Ok(self.progress());
        }
        if self.received >= MAX_RECEIVED * total {
            return Err(TextError::TooLarge {
                claimed: self.received + 1,
                cap: MAX_RECEIVED * total,
            });
        }
        let cap = MAX_MIXED / total;
        if sequence > total && self.mixed >= cap {
            return Err(TextError::TooLarge { claimed: self.mixed + 1, cap });
        }
        let text = ur::ur::try_encode(&part, &ur::ur::Type::Custom(TYPE))
            .map_err(|_| malformed.clone())?;
        let letters = text.rsplit('/').next().unwrap_or_default();
        let normal = format!("ur:{TYPE}/{sequence}-{total}/{letters}");
        self.decoder.receive(&normal).map_err(|_| malformed)?;
        self.first = Some(claim);
        self.received += 1;
        if sequence <= total {
            self.plain.push(sequence);
        } else {
            self.mixed += 1;
        }
        Ok(self.progress())
    }
}

impl Claim {
    /// [sequence, total, length, checksum, fragment]; `None` where it contradicts itself or the text.
    fn read(part: &[u8], sequence: u64, total: u64) -> Option<Self> {
        let mut decoder = CborDecoder::new(part);
        let five = decoder.array().ok()? == Some(5);
        let same = decoder.u32().ok().map(u64::from)? == sequence
            && decoder.u32().ok().map(u64::from)? == total;
        let length = decoder.u32().ok()?.into();
        let checksum = decoder.u32().ok()?.into();
        let fragment = decoder.bytes().ok()?.len() as u64;
        let fits = sequence > 0
            && total > 0
            && fragment > 0
            && length > 0
            && fragment == u64::div_ceil(length, total);
        let end = decoder.position() == part.len();
        (five && same && fits && end).then_some(Self { total, length, checksum })
    }
}

impl fmt::Debug for PartReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartReader").field("progress", &self.progress()).finish_non_exhaustive()
    }
}
