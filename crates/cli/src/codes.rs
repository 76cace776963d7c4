//! The stable code and the data of every error that a command can end with.
//!
//! A code is the name of the variant in snake case, after that of what failed where it would say too
//! little alone; that of a variant which only carries another error is the inner one's. Core's errors
//! have their codes themselves. Matches name every variant, so that a new one is considered here.

use std::error::Error;

use serde_json::{Map, Value, json};
use twoshare::{DirectoryError, RepairError};
use twoshare_core::{
    check_code::CheckCodeError,
    container::ContainerError,
    envelope::{OpenError, ParseError},
    method::{CodeError, ExcessiveWork, MethodError, PasswordError, SlotKind, Work},
    store::{FetchError, GetError, PutError, StoreFault, WriteError},
    text::TextError,
};

use crate::answer::Failure;

mod client;
mod custodian;

pub(crate) use self::client::failed;

/// A code, and an object of data.
type Coded = (&'static str, Value);

/// An error that has a stable code.
pub(crate) trait HasCode: Error {
    fn coded(&self) -> Coded;
}

impl<E: HasCode> From<E> for Failure {
    fn from(error: E) -> Self {
        let (code, data) = error.coded();
        let message = with_sources(&error);
        let data = if let Value::Object(data) = data { data } else { Map::new() };
        data.into_iter()
            .fold(Self::new(code, message), |failure, (name, value)| failure.with(&name, value))
    }
}

/// What an error says, and after it what its sources say.
pub(crate) fn with_sources(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        message.push_str(": ");
        message.push_str(&inner.to_string());
        source = inner.source();
    }
    message
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
    fn coded(&self) -> Coded {
        let data = match self {
            Self::NewerVersion { version } => json!({ "version": version }),
            Self::Truncated { expected, found } => {
                json!({ "expected": expected, "found": found })
            }
            Self::OtherContent { found } => {
                json!({ "found": format!("{found:?}").to_lowercase() })
            }
            Self::TooLarge { len, cap } => json!({ "len": len, "cap": cap }),
            Self::NotAContainer | Self::Damaged => json!({}),
        };
        (self.code(), data)
    }
}

impl HasCode for ParseError {
    fn coded(&self) -> Coded {
        let data = match self {
            Self::NewerVersion { version } => json!({ "version": version }),
            Self::TooLarge { len, cap } => json!({ "len": len, "cap": cap }),
            Self::TooManySlots { count, cap } => {
                json!({ "count": count, "cap": cap })
            }
            Self::TrailingBytes { count } => json!({ "count": count }),
            Self::NotAnEnvelope
            | Self::Truncated
            | Self::UnsupportedAlgorithm
            | Self::Malformed => json!({}),
        };
        (self.code(), data)
    }
}

impl HasCode for TextError {
    fn coded(&self) -> Coded {
        let data = match self {
            Self::OtherType { found } => json!({ "found": found }),
            Self::Truncated { letters } => json!({ "letters": letters }),
            Self::Mistyped { letter } => json!({ "letter": letter }),
            Self::MissingParts { have, total, missing } => {
                json!({ "have": have, "total": total, "missing": missing })
            }
            Self::MalformedPart { sequence } => json!({ "sequence": sequence }),
            Self::TooLarge { claimed, cap } => {
                json!({ "claimed": claimed, "cap": cap })
            }
            Self::NoBackup | Self::Checksum | Self::MixedParts => json!({}),
        };
        (self.code(), data)
    }
}

impl HasCode for OpenError {
    fn coded(&self) -> Coded {
        let data = match self {
            Self::WrongWallet { expected, found } => {
                json!({ "expected": expected.to_string(), "found": found.to_string() })
            }
            Self::WrongEpoch { expected, found } => {
                json!({ "expected": expected.get(), "found": found.get() })
            }
            Self::WrongDigest { expected, found } => {
                json!({ "expected": expected.to_string(), "found": found.to_string() })
            }
            Self::NoSlot { kind } => json!({ "method": method_name(*kind) }),
            Self::WrongSecret { kind } => {
                return (wrong(*kind), json!({ "method": method_name(*kind) }));
            }
            Self::Method(error) => return error.coded(),
            Self::WrongCurve { index, expected, found } => json!({
                "index": index, "expected": expected.to_string(), "found": found.to_string()
            }),
            Self::Damaged(_)
            | Self::UnsupportedAlgorithm
            | Self::ForbiddenEphemeral
            | Self::Substituted
            | Self::Unvouched
            | Self::Payload(_) => json!({}),
        };
        (self.code(), data)
    }
}

impl HasCode for MethodError {
    fn coded(&self) -> Coded {
        let data = match self {
            Self::WrongSecret { kind, attempts_left } => {
                let data = json!({ "method": method_name(*kind), "attempts_left": attempts_left });
                return (wrong(*kind), data);
            }
            Self::Locked { retry_after } => json!({ "retry_after": retry_after }),
            Self::Password(error) => return error.coded(),
            Self::ExcessiveWork(ExcessiveWork { work, required, cap }) => {
                let work = match work {
                    Work::MemoryKib => "memory_kib",
                    Work::Passes => "passes",
                    Work::Lanes => "lanes",
                    Work::Total => "total",
                };
                json!({ "work": work, "required": required, "cap": cap })
            }
            Self::Parameters { kind } => json!({ "method": method_name(*kind) }),
            Self::NotAvailable { kind } => {
                json!({ "method": method_name(*kind) })
            }
            Self::WrongAccount { expected } => json!({ "expected": expected }),
            Self::Denied { scope } => json!({ "scope": scope }),
            Self::Cancelled | Self::Full | Self::CustodianFault | Self::Unreachable(_) => json!({}),
        };
        (self.code(), data)
    }
}

impl HasCode for PasswordError {
    fn coded(&self) -> Coded {
        let data = match self {
            Self::TooLong { found, max } => json!({ "found": found, "max": max }),
            Self::TooShort { found, min } => json!({ "found": found, "min": min }),
            Self::TooWeak(weakness) => {
                json!({ "score": weakness.score, "min": weakness.min })
            }
            Self::Empty | Self::Characters => json!({}),
        };
        (self.code(), data)
    }
}

impl HasCode for CodeError {
    fn coded(&self) -> Coded {
        let data = match self {
            Self::Mistyped { group } => json!({ "group": group }),
            Self::Length { found, expected, group } => {
                json!({ "found": found, "expected": expected, "group": group })
            }
        };
        (self.code(), data)
    }
}

impl HasCode for CheckCodeError {
    fn coded(&self) -> Coded {
        match self {
            Self::Character { position } => {
                ("check_code_character", json!({ "position": position }))
            }
            Self::Length { found } => ("check_code_length", json!({ "found": found })),
        }
    }
}

impl HasCode for StoreFault {
    fn coded(&self) -> Coded {
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
    fn coded(&self) -> Coded {
        match self {
            Self::Exists => ("exists", json!({})),
            Self::Full => ("full", json!({})),
            Self::TooLarge { len, cap } => ("too_large", json!({ "len": len, "cap": cap })),
            Self::Fault(fault) => fault.coded(),
        }
    }
}

impl HasCode for WriteError {
    fn coded(&self) -> Coded {
        match self {
            Self::Put(error) => error.coded(),
            Self::Container(error) => error.coded(),
        }
    }
}

impl HasCode for FetchError {
    fn coded(&self) -> Coded {
        match self {
            Self::Get(GetError::NotFound) => ("not_found", json!({})),
            Self::Get(GetError::Damaged) => ("damaged", json!({})),
            Self::Get(GetError::Fault(fault)) => fault.coded(),
            Self::Container(error) => error.coded(),
            Self::Envelope(error) => error.coded(),
            Self::OtherEnvelope { found } => {
                ("other_envelope", json!({ "found": found.object().to_string() }))
            }
        }
    }
}

impl HasCode for DirectoryError {
    fn coded(&self) -> Coded {
        match self {
            Self::NotAStore { path } => ("not_a_store", json!({ "path": path })),
            Self::Denied { path } => ("denied", json!({ "path": path })),
            Self::Full => ("full", json!({})),
            Self::Failed { path, .. } => ("failed", json!({ "path": path })),
        }
    }
}

impl HasCode for RepairError {
    fn coded(&self) -> Coded {
        match self {
            Self::NotFound => ("not_found", json!({})),
            Self::Damaged => ("damaged", json!({})),
            Self::Full => ("full", json!({})),
            Self::Fault(fault) => fault.coded(),
        }
    }
}
