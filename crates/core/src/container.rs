//! The container in which every store keeps an envelope or a receipt: a magic, a version, a length
//! and a public checksum, so that damage is told from a wrong password without any secret.
//!
//! ```text
//! magic     8   89 54 57 4F 53 0D 0A 1A   ("\x89TWOS\r\n\x1a")
//! version   1   01
//! content   1   01 envelope, 02 receipt
//! length    4   of the content, big-endian
//! checksum 32   SHA-256(version ‖ content ‖ length ‖ the content)
//! content  …
//! ```
//!
//! The magic is made like PNG's: a byte above 127, CR LF and Ctrl-Z, so that a transfer that changes
//! line ends or strips the eighth bit is seen at once. The checksum is the whole SHA-256 rather than
//! a CRC-32C: 28 bytes more are nothing beside an envelope, it misses no damage (a CRC misses one in
//! 2³² of what is not a short burst, and a bitwise majority of three copies makes other patterns
//! than bursts), and every reader that can open an envelope has SHA-256 already. It is no
//! protection against somebody who changes bytes on purpose: that is the envelope's own matter.
//!
//! A store with several copies writes the same container to each, takes the first copy that
//! [`unwrap`]s, and if none does tries [`majority`] of the three: see [`recover`].

use sha2::{Digest as _, Sha256};
use std::fmt;

use thiserror::Error;

use crate::envelope::MAX_LEN;

const MAGIC: [u8; 8] = *b"\x89TWOS\r\n\x1a";
const VERSION: u8 = 1;
/// Magic, version, kind of content, length, checksum.
pub const HEADER_LEN: usize = 8 + 1 + 1 + 4 + 32;

/// What is in a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Content {
    /// An envelope: COSE bytes.
    Envelope = 1,
    /// The custodian's receipt for an envelope.
    Receipt = 2,
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Envelope => "an envelope",
            Self::Receipt => "a receipt",
        })
    }
}

/// Why bytes are not an intact container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ContainerError {
    /// It does not begin like a container, and the rest is not one either: another file was chosen.
    #[error("not a backup container")]
    NotAContainer,
    /// Written by a newer version of the software: update, then try again.
    #[error("container version {version} is newer than this software")]
    NewerVersion {
        /// The version it claims.
        version: u8,
    },
    /// The end is missing: fetch or copy it again.
    #[error("the container is cut off: {found} of {expected} bytes")]
    Truncated {
        /// Bytes that the whole container has.
        expected: usize,
        /// Bytes that are there.
        found: usize,
    },
    /// Bytes were changed: use another copy.
    #[error("the container is damaged")]
    Damaged,
    /// An intact container of another content than was asked for.
    #[error("the container has another content: {found}")]
    OtherContent {
        /// What is in it.
        found: Content,
    },
    /// It claims more than the largest envelope may have.
    #[error("{len} bytes are more than {cap}")]
    TooLarge {
        /// The claimed length of the content.
        len: usize,
        /// The most that is accepted.
        cap: usize,
    },
}

impl ContainerError {
    /// A stable name of the variant, for JSON, logs and the vectors.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAContainer => "not_a_container",
            Self::NewerVersion { .. } => "container_newer_version",
            Self::Truncated { .. } => "container_truncated",
            Self::Damaged => "container_damaged",
            Self::OtherContent { .. } => "container_other_content",
            Self::TooLarge { .. } => "container_too_large",
        }
    }
}

/// Puts `bytes` into a container.
///
/// # Errors
///
/// [`ContainerError::TooLarge`] for more than 8 MiB.
pub fn wrap(content: Content, bytes: &[u8]) -> Result<Vec<u8>, ContainerError> {
    let too_large = ContainerError::TooLarge { len: bytes.len(), cap: MAX_LEN };
    if bytes.len() > MAX_LEN {
        return Err(too_large);
    }
    let length = u32::try_from(bytes.len()).map_err(|_| too_large)?.to_be_bytes();
    let mut container = Vec::with_capacity(HEADER_LEN + bytes.len());
    container.extend_from_slice(&MAGIC);
    container.push(VERSION);
    container.push(content as u8);
    container.extend_from_slice(&length);
    container.extend_from_slice(&checksum(content, length, bytes));
    container.extend_from_slice(bytes);
    Ok(container)
}

/// The content of an intact container.
///
/// A container whose checksum fits in spite of a changed magic, version or length is called
/// damaged: only one whose checksum does not fit can be something else, or newer.
///
/// # Errors
///
/// See [`ContainerError`].
pub fn unwrap(content: Content, container: &[u8]) -> Result<&[u8], ContainerError> {
    if container.len() > HEADER_LEN + MAX_LEN {
        return Err(ContainerError::TooLarge { len: container.len(), cap: HEADER_LEN + MAX_LEN });
    }
    let magic = container.get(..MAGIC.len()).is_some_and(|magic| magic == MAGIC);
    let Some((header, bytes)) = container.split_first_chunk::<HEADER_LEN>() else {
        return Err(match magic {
            true => ContainerError::Truncated { expected: HEADER_LEN, found: container.len() },
            false => ContainerError::NotAContainer,
        });
    };
    let [_, _, _, _, _, _, _, _, version, kind, l0, l1, l2, l3, sum @ ..] = *header;
    let length = [l0, l1, l2, l3];
    let true_length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
    let fits = |kind| checksum(kind, true_length, bytes) == sum;
    let content_there = [Content::Envelope, Content::Receipt].into_iter().find(|kind| fits(*kind));

    match content_there {
        Some(found)
            if magic && version == VERSION && kind == found as u8 && length == true_length =>
        {
            if found == content {
                Ok(bytes)
            } else {
                Err(ContainerError::OtherContent { found })
            }
        }
        Some(_) => Err(ContainerError::Damaged),
        None if !magic => Err(ContainerError::NotAContainer),
        None if version > VERSION => Err(ContainerError::NewerVersion { version }),
        None => {
            let len = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
            if len > MAX_LEN {
                return Err(ContainerError::TooLarge { len, cap: MAX_LEN });
            }
            if len > bytes.len() {
                return Err(ContainerError::Truncated {
                    expected: HEADER_LEN + len,
                    found: container.len(),
                });
            }
            Err(ContainerError::Damaged)
        }
    }
}

fn checksum(content: Content, length: [u8; 4], bytes: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update([VERSION, content as u8])
        .chain_update(length)
        .chain_update(bytes)
        .finalize()
        .into()
}

/// The bitwise majority of three copies: what at least two of them say, for every bit.
///
/// Copies of different lengths are compared as far as the length that two of them have (or, when
/// all differ, the middle one); where only two copies reach, the first of these is taken. The result
/// is a guess: [`unwrap`] says whether it is the container.
#[must_use]
pub fn majority(copies: [&[u8]; 3]) -> Vec<u8> {
    let mut lengths = copies.map(<[u8]>::len);
    lengths.sort_unstable();
    let [_, length, _] = lengths;
    (0..length)
        .map(|at| match copies.map(|copy| copy.get(at).copied()) {
            [Some(a), Some(b), Some(c)] => (a & b) | (a & c) | (b & c),
            [Some(a), _, _] | [None, Some(a), _] | [None, None, Some(a)] => a,
            [None, None, None] => 0,
        })
        .collect()
}

/// The content that three copies of one container still have: of the first intact one, else of their
/// bitwise majority.
///
/// # Errors
///
/// That of the first copy when neither a copy nor the majority is intact.
pub fn recover(content: Content, copies: [&[u8]; 3]) -> Result<Vec<u8>, ContainerError> {
    let [first, second, third] = copies.map(|copy| unwrap(content, copy));
    match (first, second, third) {
        (Ok(bytes), _, _) | (_, Ok(bytes), _) | (_, _, Ok(bytes)) => Ok(bytes.to_vec()),
        (Err(error), Err(_), Err(_)) => match unwrap(content, &majority(copies)) {
            Ok(bytes) => Ok(bytes.to_vec()),
            Err(_) => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]

    use proptest::prelude::*;

    use super::*;

    fn container() -> Vec<u8> {
        wrap(Content::Envelope, b"an envelope").unwrap()
    }

    #[test]
    fn what_is_wrapped_is_unwrapped() {
        assert_eq!(unwrap(Content::Envelope, &container()), Ok(b"an envelope".as_slice()));
        assert_eq!(
            unwrap(Content::Receipt, &container()),
            Err(ContainerError::OtherContent { found: Content::Envelope })
        );
    }

    #[test]
    fn every_flipped_bit_is_damage() {
        let intact = container();
        for bit in 0..intact.len() * 8 {
            let mut flipped = intact.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(
                unwrap(Content::Envelope, &flipped),
                Err(ContainerError::Damaged),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn every_truncation_is_named() {
        let intact = container();
        for length in 0..intact.len() {
            let refusal = unwrap(Content::Envelope, &intact[..length]).unwrap_err();
            let expected = match length {
                0..8 => ContainerError::NotAContainer,
                8..HEADER_LEN => ContainerError::Truncated { expected: HEADER_LEN, found: length },
                _ => ContainerError::Truncated { expected: intact.len(), found: length },
            };
            assert_eq!(refusal, expected, "{length} bytes");
        }
    }

    #[test]
    fn trailing_bytes_are_damage() {
        let mut longer = container();
        longer.push(0);
        assert_eq!(unwrap(Content::Envelope, &longer), Err(ContainerError::Damaged));
    }

    #[test]
    fn a_newer_version_is_told_from_a_flipped_version() {
        let mut newer = container();
        newer[8] = 2;
        assert_eq!(unwrap(Content::Envelope, &newer), Err(ContainerError::Damaged));
        newer[20] ^= 1;
        assert_eq!(
            unwrap(Content::Envelope, &newer),
            Err(ContainerError::NewerVersion { version: 2 })
        );
    }

    #[test]
    fn an_absurd_length_is_refused() {
        let mut huge = container();
        huge[10..14].copy_from_slice(&u32::MAX.to_be_bytes());
        huge[20] ^= 1;
        assert!(matches!(unwrap(Content::Envelope, &huge), Err(ContainerError::TooLarge { .. })));
        assert!(matches!(
            wrap(Content::Envelope, &vec![0; MAX_LEN + 1]),
            Err(ContainerError::TooLarge { .. })
        ));
        assert!(wrap(Content::Envelope, &vec![0; MAX_LEN]).is_ok());
    }

    #[test]
    fn three_damaged_copies_make_one_intact() {
        let intact = container();
        let mut copies = [intact.clone(), intact.clone(), intact.clone()];
        for (index, copy) in copies.iter_mut().enumerate() {
            for byte in copy.iter_mut().skip(index).step_by(3) {
                *byte ^= 0x5A;
            }
        }
        let [a, b, c] = &copies;
        assert!(copies.iter().all(|copy| unwrap(Content::Envelope, copy).is_err()));
        assert_eq!(recover(Content::Envelope, [a, b, c]), Ok(b"an envelope".to_vec()));
        // One cut short and one too long leave the length to the third and the longer one's first bytes.
        assert_eq!(
            recover(Content::Envelope, [&intact[..20], &intact, &[]]),
            Ok(b"an envelope".to_vec())
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_unwrapped(bytes: Vec<u8>, others: [Vec<u8>; 2]) {
            let _ = unwrap(Content::Envelope, &bytes);
            let _ = majority([&bytes, &others[0], &others[1]]);
        }

        #[test]
        fn any_content_comes_back(bytes: Vec<u8>) {
            let container = wrap(Content::Receipt, &bytes).unwrap();
            prop_assert_eq!(unwrap(Content::Receipt, &container), Ok(bytes.as_slice()));
        }
    }
}
