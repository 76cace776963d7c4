//! What the client's wallet keeps beside its shares for a library.

use twoshare_core::attachment::{Attachment, AttachmentClass, AttachmentError};

/// How many bytes a chain code has (BIP-32).
pub(crate) const CHAIN_CODE_LEN: usize = 32;

pub(crate) fn per_device(name: &'static str) -> Attachment {
    Attachment::per_device(name).expect("these names are neither empty nor long")
}

pub(crate) fn durable(name: &'static str, code: &[u8; CHAIN_CODE_LEN]) -> Attachment {
    Attachment::durable(name, code.as_slice().into())
        .expect("these names are neither empty nor long, and a chain code is short")
}

pub(crate) fn chain_code(
    name: &str,
    attachments: &[Attachment],
) -> Result<Option<[u8; CHAIN_CODE_LEN]>, AttachmentError> {
    let Some(found) = attachments.iter().find(|found| found.name() == name) else {
        return Ok(None);
    };
    match (found.class(), found.bytes()) {
        // Exposed: it is known to both parties.
        (AttachmentClass::Durable, Some(code)) => {
            code.expose_secret().try_into().map(Some).map_err(|_| AttachmentError::Malformed)
        }
        (AttachmentClass::Durable | AttachmentClass::PerDevice, _) => {
            Err(AttachmentError::Malformed)
        }
    }
}
