//! The envelope: the client's backup shares of one epoch, encrypted once, with one method slot for
//! each backup method. FORMAT.md specifies every byte.
//!
//! A [`COSE_Encrypt`](https://www.rfc-editor.org/rfc/rfc9052#section-5.1) message: the body under
//! AES-256-GCM; a slot per recipient, ECDH-ES + A256KW over P-256. Only the public side of a slot is
//! needed to write, so that whoever opens one method can write the next epoch for all the others.
//!
//! - [`seal`] writes an envelope for a [`SlotTable`], which is had from opening an envelope or from
//!   [`Slot::make`], and never from a store's bytes.
//! - [`Envelope::from_bytes`] reads one, with nothing decrypted; [`Envelope::open`] opens it with a
//!   method.

mod error;
mod frame;
mod header;
mod kdf;
mod open;
mod payload;
mod read;
mod seal;
mod slot;
mod tag;

#[cfg(test)]
mod tests;

pub use self::{
    error::{
        Damage, OpenError, ParseError, PayloadError, SealError, SlotError, SlotTableError,
        TestOpenError,
    },
    header::{Header, SlotHeader},
    open::{Expected, Opened, SlotsAltered, VouchedBy},
    payload::Payload,
    read::Envelope,
    seal::{Sealed, SlotKeys, seal},
    slot::{Slot, SlotId, SlotIdError, SlotTable},
    tag::KeyTag,
};

/// The longest envelope, in bytes of COSE.
pub const MAX_LEN: usize = 8 * 1024 * 1024;
/// The most slots of an envelope.
pub const MAX_SLOTS: usize = 16;
/// The most keys of a wallet.
pub const MAX_KEYS: usize = 64;
/// The version of the format that is written, and the newest that is read.
pub const VERSION: u64 = 1;
