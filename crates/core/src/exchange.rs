//! What the messages and kept states of every exchange have in common: a version and a kind, so
//! that none is taken for another.

use thiserror::Error;

use crate::wire::{Malformed, Reader, Writer};

const VERSION: u64 = 1;

/// How many bytes the name of a user can have, as the custodian knows them.
pub const MAX_USER_LEN: usize = 1024;

/// What bytes are. The numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    ReshareOffer = 1,
    ReshareResponse = 2,
    ReshareClientOffered = 3,
    ReshareCustodianCommitted = 4,
    KeygenAnswer = 5,
    KeygenOpening = 6,
    KeygenClosing = 7,
    KeygenClientCommitted = 8,
    KeygenClientOpened = 9,
    KeygenCustodianAnswered = 10,
    ReshareParcel = 11,
}

/// Why bytes are not the message, or the kept state, that was expected. The exchange is over:
/// begin a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MessageError {
    /// Not an encoding of it: damaged, or something else, such as the message of another step.
    #[error("not the encoding of the message that was expected")]
    Malformed,
    /// Written by a newer version of this library: update it.
    #[error("version {found} of the message is newer than {supported}, the newest known here")]
    NewerVersion {
        /// The version of these bytes.
        found: u64,
        /// The newest version read here.
        supported: u64,
    },
}

impl From<Malformed> for MessageError {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

/// Begins `[version, kind, …]` with `len` further items.
pub(crate) fn write_head(kind: Kind, len: usize, capacity: usize) -> Writer {
    Writer::new(capacity).array(2 + len).uint(VERSION).uint(kind as u64)
}

/// Reads what [`write_head`] wrote.
pub(crate) fn read_head(
    reader: &mut Reader<'_>,
    kind: Kind,
    len: usize,
) -> Result<(), MessageError> {
    let found = reader.array(usize::from(u8::MAX))?;
    match reader.uint()? {
        VERSION => {}
        0 => return Err(MessageError::Malformed),
        found => return Err(MessageError::NewerVersion { found, supported: VERSION }),
    }
    if found == 2 + len && reader.uint()? == kind as u64 {
        Ok(())
    } else {
        Err(MessageError::Malformed)
    }
}
