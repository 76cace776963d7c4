//! The stable code and the data of every error that a command can end with.
//!
//! A code is the name of the variant in snake case; that of a variant which only carries another
//! error is the inner one's. Matches name every variant, so that a new one is considered here.

use std::error::Error;

use serde_json::{Map, Value, json};
use twoshare::{DirectoryError, RepairError};
use twoshare_core::{
    check_code::CheckCodeError,
    container::ContainerError,
    envelope::{Damage, OpenError, ParseError, PayloadError},
    method::{CodeError, ExcessiveWork, MethodError, PasswordError, SlotKind, Work},
    store::{FetchError, GetError, PutError, StoreFault, WriteError},
    text::TextError,
};

use crate::answer::Failure;

/// A code, and an object of data.
type Coded = (&'static str, Value);

/// An error that has a stable code.
pub(crate) trait HasCode: Error {
    fn code(&self) -> Coded;
}

impl<E: HasCode> From<E> for Failure {
    fn from(error: E) -> Self {
        let (code, data) = error.code();
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            message.push_str(": ");
            message.push_str(&inner.to_string());
            source = inner.source();
        }
        let data = if let Value::Object(data) = data { data } else { Map::new() };
        data.into_iter()
            .fold(Self::new(code, message), |failure, (name, value)| failure.with(&name, value))
    }
}

/// What the method of a slot is called on the command line and in JSON.
pub(crate) const fn method_name(kind: SlotKind) -> &'static str {
    match kind {
        SlotKind::RecoveryCode => "code",
        SlotKind::Password
        | SlotKind::Pin
        | SlotKind::Passkey
        | SlotKind::CustodialPasskey
        | SlotKind::Drive
        | SlotKind::Hardware
        | SlotKind::Device
        | SlotKind::Other(_) => kind.name(),
    }
}

const fn wrong(kind: SlotKind) -> &'static str {
    match kind {
        SlotKind::Password => "wrong_password",
        SlotKind::RecoveryCode => "wrong_code",
        SlotKind::Pin => "wrong_pin",
        SlotKind::Passkey
        | SlotKind::CustodialPasskey
        | SlotKind::Drive
        | SlotKind::Hardware
        | SlotKind::Device
        | SlotKind::Other(_) => "wrong_secret",
    }
}

impl HasCode for ContainerError {
    fn code(&self) -> Coded {
        match self {
            Self::NotAContainer => ("not_a_container", json!({})),
            Self::NewerVersion { version } => ("newer_version", json!({ "version": version })),
            Self::Truncated { expected, found } => {
                ("truncated", json!({ "expected": expected, "found": found }))
            }
            Self::Damaged => ("damaged", json!({})),
            Self::OtherContent { found } => {
                ("other_content", json!({ "found": format!("{found:?}").to_lowercase() }))
            }
            Self::TooLarge { len, cap } => ("too_large", json!({ "len": len, "cap": cap })),
        }
    }
}

impl HasCode for ParseError {
    fn code(&self) -> Coded {
        match self {
            Self::NotAnEnvelope => ("not_an_envelope", json!({})),
            Self::NewerVersion { version } => ("newer_version", json!({ "version": version })),
            Self::TooLarge { len, cap } => ("too_large", json!({ "len": len, "cap": cap })),
            Self::TooManySlots { count, cap } => {
                ("too_many_slots", json!({ "count": count, "cap": cap }))
            }
            Self::Truncated => ("truncated", json!({})),
            Self::TrailingBytes { count } => ("trailing_bytes", json!({ "count": count })),
            Self::UnsupportedAlgorithm => ("unsupported_algorithm", json!({})),
            Self::Malformed => ("malformed", json!({})),
        }
    }
}

impl HasCode for TextError {
    fn code(&self) -> Coded {
        match self {
            Self::NoBackup => ("no_backup", json!({})),
            Self::OtherType { found } => ("other_type", json!({ "found": found })),
            Self::Truncated { letters } => ("truncated", json!({ "letters": letters })),
            Self::Mistyped { letter } => ("mistyped", json!({ "letter": letter })),
            Self::Checksum => ("checksum", json!({})),
            Self::MissingParts { have, total, missing } => {
                ("missing_parts", json!({ "have": have, "total": total, "missing": missing }))
            }
            Self::MixedParts => ("mixed_parts", json!({})),
            Self::MalformedPart { sequence } => ("malformed_part", json!({ "sequence": sequence })),
            Self::TooLarge { claimed, cap } => {
                ("too_large", json!({ "claimed": claimed, "cap": cap }))
            }
        }
    }
}

impl HasCode for OpenError {
    fn code(&self) -> Coded {
        match self {
            Self::WrongWallet { expected, found } => (
                "wrong_wallet",
                json!({ "expected": expected.to_string(), "found": found.to_string() }),
            ),
            Self::WrongEpoch { expected, found } => {
                ("wrong_epoch", json!({ "expected": expected.get(), "found": found.get() }))
            }
            Self::WrongDigest { expected, found } => (
                "wrong_digest",
                json!({ "expected": expected.to_string(), "found": found.to_string() }),
            ),
            Self::NoSlot { kind } => ("no_slot", json!({ "method": method_name(*kind) })),
            Self::WrongSecret { kind } => (wrong(*kind), json!({ "method": method_name(*kind) })),
            Self::Method(error) => error.code(),
            Self::Damaged(part) => ("damaged", json!({ "part": damaged_part(*part) })),
            Self::UnsupportedAlgorithm => ("unsupported_algorithm", json!({})),
            Self::ForbiddenEphemeral => ("forbidden_ephemeral", json!({})),
            Self::Substituted => ("substituted", json!({})),
            Self::Unvouched => ("unvouched", json!({})),
            Self::WrongCurve { index, expected, found } => (
                "wrong_curve",
                json!({
                    "index": index, "expected": expected.to_string(), "found": found.to_string()
                }),
            ),
            Self::Payload(error) => ("payload", json!({ "reason": payload_reason(error) })),
        }
    }
}

const fn damaged_part(part: Damage) -> &'static str {
    match part {
        Damage::Slot => "slot",
        Damage::WrappedKey => "wrapped_key",
        Damage::KeyCommitment => "key_commitment",
        Damage::Ciphertext => "ciphertext",
    }
}

fn payload_reason(error: &PayloadError) -> String {
    error.to_string()
}

impl HasCode for MethodError {
    fn code(&self) -> Coded {
        match self {
            Self::WrongSecret { kind, attempts_left } => (
                wrong(*kind),
                json!({ "method": method_name(*kind), "attempts_left": attempts_left }),
            ),
            Self::Locked { retry_after } => ("locked", json!({ "retry_after": retry_after })),
            Self::Cancelled => ("cancelled", json!({})),
            Self::Password(error) => error.code(),
            Self::ExcessiveWork(ExcessiveWork { work, required, cap }) => {
                let work = match work {
                    Work::MemoryKib => "memory_kib",
                    Work::Passes => "passes",
                    Work::Lanes => "lanes",
                };
                ("excessive_work", json!({ "work": work, "required": required, "cap": cap }))
            }
            Self::Parameters { kind } => ("parameters", json!({ "method": method_name(*kind) })),
            Self::NotAvailable { kind } => {
                ("not_available", json!({ "method": method_name(*kind) }))
            }
            Self::WrongAccount { expected } => ("wrong_account", json!({ "expected": expected })),
            Self::Denied { scope } => ("denied", json!({ "scope": scope })),
            Self::Full => ("full", json!({})),
            Self::CustodianFault => ("custodian_fault", json!({})),
            Self::Unreachable(_) => ("unreachable", json!({})),
        }
    }
}

impl HasCode for PasswordError {
    fn code(&self) -> Coded {
        match self {
            Self::Empty => ("empty", json!({})),
            Self::TooLong { found, max } => ("too_long", json!({ "found": found, "max": max })),
            Self::TooShort { found, min } => ("too_short", json!({ "found": found, "min": min })),
            Self::Characters => ("characters", json!({})),
            Self::TooWeak(weakness) => {
                ("too_weak", json!({ "score": weakness.score, "min": weakness.min }))
            }
        }
    }
}

impl HasCode for CodeError {
    fn code(&self) -> Coded {
        match self {
            Self::Mistyped { group } => ("mistyped", json!({ "group": group })),
            Self::Length { found, expected, group } => {
                ("length", json!({ "found": found, "expected": expected, "group": group }))
            }
        }
    }
}

impl HasCode for CheckCodeError {
    fn code(&self) -> Coded {
        match self {
            Self::Character { position } => ("character", json!({ "position": position })),
            Self::Length { found } => ("length", json!({ "found": found })),
        }
    }
}

impl HasCode for StoreFault {
    fn code(&self) -> Coded {
        match self {
            Self::NotSignedIn => ("not_signed_in", json!({})),
            Self::WrongAccount { expected } => ("wrong_account", json!({ "expected": expected })),
            Self::Denied { scope } => ("denied", json!({ "scope": scope })),
            Self::Unavailable { retry_after, .. } => {
                ("unavailable", json!({ "retry_after": retry_after }))
            }
            Self::Broken(_) => ("broken", json!({})),
        }
    }
}

impl HasCode for PutError {
    fn code(&self) -> Coded {
        match self {
            Self::Exists => ("exists", json!({})),
            Self::Full => ("full", json!({})),
            Self::TooLarge { len, cap } => ("too_large", json!({ "len": len, "cap": cap })),
            Self::Fault(fault) => fault.code(),
        }
    }
}

impl HasCode for WriteError {
    fn code(&self) -> Coded {
        match self {
            Self::Put(error) => error.code(),
            Self::Container(error) => error.code(),
        }
    }
}

impl HasCode for FetchError {
    fn code(&self) -> Coded {
        match self {
            Self::Get(GetError::NotFound) => ("not_found", json!({})),
            Self::Get(GetError::Damaged) => ("damaged", json!({})),
            Self::Get(GetError::Fault(fault)) => fault.code(),
            Self::Container(error) => error.code(),
            Self::Envelope(error) => error.code(),
            Self::OtherEnvelope { found } => {
                ("other_envelope", json!({ "found": found.object().to_string() }))
            }
        }
    }
}

impl HasCode for DirectoryError {
    fn code(&self) -> Coded {
        match self {
            Self::NotAStore { path } => ("not_a_store", json!({ "path": path })),
            Self::Denied { path } => ("denied", json!({ "path": path })),
            Self::Full => ("full", json!({})),
            Self::Failed { path, .. } => ("failed", json!({ "path": path })),
        }
    }
}

impl HasCode for RepairError {
    fn code(&self) -> Coded {
        match self {
            Self::NotFound => ("not_found", json!({})),
            Self::Damaged => ("damaged", json!({})),
            Self::Full => ("full", json!({})),
            Self::Fault(fault) => fault.code(),
        }
    }
}
