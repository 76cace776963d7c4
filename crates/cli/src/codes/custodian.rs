//! What the custodian says, and what its answers can be.

use serde_json::{Value, json};
use twoshare::{
    UrlError,
    core::{
        envelope::{SealError, SlotError, SlotTableError, TestOpenError},
        sealed::OpenSecretError,
        share::ReconstructError,
    },
    protocol::{
        custodian::ReadError,
        http::{Coded as Said, Verdict},
        session::SessionError,
        wire::DecodeError,
    },
};

use super::{Coded, HasCode};

/// The code that it has over HTTP too; a user who is not signed in is told apart from a custodian that
/// cannot be asked.
pub(super) fn verdict(error: &impl Verdict) -> Coded {
    let Said { code, data, .. } = error.coded();
    match data.get("cause").and_then(Value::as_str) {
        Some("not_signed_in") => ("not_signed_in", json!({})),
        _ => (code, Value::Object(data)),
    }
}

impl HasCode for ReadError {
    fn coded(&self) -> Coded {
        verdict(self)
    }
}

impl HasCode for UrlError {
    fn coded(&self) -> Coded {
        match self {
            Self::Malformed => ("url_malformed", json!({})),
            Self::Plain => ("url_plain", json!({})),
            Self::Tls(_) => ("tls", json!({})),
        }
    }
}

impl HasCode for SessionError {
    fn coded(&self) -> Coded {
        match self {
            Self::WrongCustodian(_) => ("wrong_custodian", json!({})),
            Self::OtherSession => ("other_session", json!({})),
            Self::Sealed(_) => ("session_sealed", json!({})),
            Self::TooLong(_) => ("session_too_long", json!({})),
            Self::Malformed(_) => ("session_malformed", json!({})),
            Self::MalformedPart(_) => ("session_malformed_part", json!({})),
            Self::Keygen(_) => ("session_keygen", json!({})),
            Self::Reshare(_) => ("session_reshare", json!({})),
            Self::Unproven(_) => ("session_unproven", json!({})),
            Self::NotHeld { key } => ("not_held", json!({ "key": key })),
            Self::Released(_) => ("session_released", json!({})),
            Self::OtherHalf { key } => ("other_half", json!({ "key": key })),
            Self::Misuse => ("session_misuse", json!({})),
            Self::OtherReceipt => ("other_receipt", json!({})),
        }
    }
}

impl HasCode for DecodeError {
    fn coded(&self) -> Coded {
        match self {
            Self::NewerVersion { found, .. } => ("newer_version", json!({ "version": found })),
            Self::Other { number } => ("other_message", json!({ "number": number })),
            Self::Malformed => ("device_damaged", json!({})),
        }
    }
}

impl HasCode for SealError {
    fn coded(&self) -> Coded {
        match self {
            Self::NoSlots => ("no_slots", json!({})),
            Self::HeaderTooLarge => ("header_too_large", json!({})),
            Self::Payload(error) => (error.code(), json!({})),
            Self::TooLarge { len, cap } => ("too_large", json!({ "len": len, "cap": cap })),
        }
    }
}

impl HasCode for SlotError {
    fn coded(&self) -> Coded {
        match self {
            Self::Method(error) => error.coded(),
            Self::TooLarge => ("label_too_long", json!({})),
            Self::NoIdentity => ("no_identity", json!({})),
        }
    }
}

impl HasCode for SlotTableError {
    fn coded(&self) -> Coded {
        match self {
            Self::Full { cap } => ("methods_full", json!({ "cap": cap })),
            Self::Duplicate { slot } => ("method_duplicate", json!({ "slot": slot.to_string() })),
            Self::Malformed => ("device_damaged", json!({})),
        }
    }
}

impl HasCode for TestOpenError {
    fn coded(&self) -> Coded {
        match self {
            Self::Parse(error) => error.coded(),
            Self::OtherBytes { expected, found } => (
                "other_bytes",
                json!({ "expected": expected.to_string(), "found": found.to_string() }),
            ),
            Self::Slot { slot, .. } => ("damaged_slot", json!({ "slot": slot.to_string() })),
            Self::Ciphertext => ("damaged_ciphertext", json!({})),
            Self::Payload(error) => (error.code(), json!({})),
            Self::Altered(_) => ("slots_altered", json!({})),
        }
    }
}

impl HasCode for OpenSecretError {
    fn coded(&self) -> Coded {
        match self {
            Self::WrongWallet { expected, found } => (
                "secret_wrong_wallet",
                json!({ "expected": expected.to_string(), "found": found.to_string() }),
            ),
            Self::WrongIndex { expected, found } => {
                ("secret_wrong_index", json!({ "expected": expected, "found": found }))
            }
            Self::WrongKey => ("secret_wrong_key", json!({})),
            Self::Damaged => ("secret_damaged", json!({})),
            Self::Inconsistent => ("secret_inconsistent", json!({})),
        }
    }
}

impl HasCode for ReconstructError {
    fn coded(&self) -> Coded {
        let code = match self {
            Self::WalletMismatch { .. } => "wallet_mismatch",
            Self::PurposeMismatch { .. } => "purpose_mismatch",
            Self::EpochMismatch { .. } => "epoch_mismatch",
            Self::KeyIndexMismatch { .. } => "key_index_mismatch",
            Self::CurveMismatch { .. } => "curve_mismatch",
            Self::CommitmentMismatch => "commitment_mismatch",
            Self::KeyMismatch => "key_mismatch",
        };
        (code, json!({}))
    }
}
