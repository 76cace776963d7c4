//! Errors that come out at the other end as they went in.

use core::error::Error;

use serde_json::{Value, json};
use twoshare_core::{
    digest::Digest,
    id::{OperationId, WalletKind},
    identity::CustodianIdentity,
    proof::Operation,
};

use crate::{
    custodian::{
        AbandonError, BeginError, CancelError, CommitError, DepartError, EjectError, EvidenceError,
        HandOverError, Outage, PrepareError, ReadError, RetireError, Unavailable, UploadError,
    },
    memory::OperatorError,
    rules::{
        AbandonRefusal, CancelRefusal, CommitRefusal, DepartRefusal, Freezes, Frozen,
        HandOverRefusal, Moved, PrepareRefusal, ReleaseRefusal, Restored, RetireRefusal,
        UnfreezeRefusal, WaitRefusal, WindowRefusal,
    },
};

use super::{Data, Problem};

/// A stable code, the status it is answered with, and data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coded {
    /// The name of the variant in snake case.
    pub code: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// What the variant carries.
    pub data: Data,
}

/// An error that travels as a [`Problem`] and arrives as itself.
pub trait Verdict: Error + Sized {
    /// Its code, status and data.
    fn coded(&self) -> Coded;

    /// The error with this code and data; `None` where this operation has no such error.
    fn decode(code: &str, data: &Data) -> Option<Self>;

    /// Every code that it can have, with the status.
    fn codes() -> Vec<(&'static str, u16)>;

    /// The problem that says it.
    fn to_problem(&self) -> Problem {
        let Coded { code, status, data } = self.coded();
        Problem { code: code.to_owned(), status, detail: self.to_string(), data }
    }

    /// The error that a problem says; `None` where this operation has no such error.
    #[must_use]
    fn from_problem(problem: &Problem) -> Option<Self> {
        Self::decode(&problem.code, &problem.data)
    }
}

/// What the variants of errors carry.
pub(super) trait Datum: Sized {
    fn to_value(&self) -> Value;
    fn from_value(value: &Value) -> Option<Self>;
}

pub(super) fn read<T: Datum>(data: &Data, name: &str) -> Option<T> {
    T::from_value(data.get(name).unwrap_or(&Value::Null))
}

/// Both directions for the variants of one error: with named data, with one piece of data in
/// brackets, and those (after `=>`) that carry another error.
macro_rules! verdicts {
    ($error:ident {
        $($variant:ident $({ $($field:ident),+ })? $([$only:ident])? = $code:literal $status:literal,)*
        $(=> $nested:ident($inner:ty),)*
    }) => {
        impl $crate::http::verdict::Verdict for $error {
            fn coded(&self) -> $crate::http::verdict::Coded {
                match self {
                    $(Self::$variant $({ $($field),+ })? $(($only))? => {
                        #[allow(unused_mut, reason = "some variants have no data")]
                        let mut data = $crate::http::Data::new();
                        $($($crate::http::verdict::write(&mut data, stringify!($field), $field);)+)?
                        $($crate::http::verdict::write(&mut data, stringify!($only), $only);)?
                        $crate::http::verdict::Coded { code: $code, status: $status, data }
                    })*
                    $(Self::$nested(inner) => {
                        <$inner as $crate::http::verdict::Verdict>::coded(inner)
                    })*
                }
            }

            fn decode(
                code: &str,
                #[allow(unused_variables, reason = "some errors have no data")]
                data: &$crate::http::Data,
            ) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant
                        $({ $($field: $crate::http::verdict::read(data, stringify!($field))?),+ })?
                        $(($crate::http::verdict::read(data, stringify!($only))?))?
                    ),)*
                    _ => None
                        $(.or_else(|| {
                            <$inner as $crate::http::verdict::Verdict>::decode(code, data)
                                .map(Self::$nested)
                        }))*,
                }
            }

            fn codes() -> Vec<(&'static str, u16)> {
                #[allow(unused_mut, reason = "some errors carry no others")]
                let mut codes = vec![$(($code, $status)),*];
                $(codes.extend(<$inner as $crate::http::verdict::Verdict>::codes());)*
                codes
            }
        }
    };
}
pub(super) use verdicts;

pub(super) fn write<T: Datum>(data: &mut Data, name: &str, value: &T) {
    data.insert(name.to_owned(), value.to_value());
}

verdicts! { EvidenceError {
    NoSession = "no_session" 409,
    OtherSession = "other_session" 409,
    Invalid { key } = "evidence_invalid" 403,
    Count { needed, given } = "evidence_count" 422,
} }

verdicts! { ReadError {
    NotFound = "not_found" 404,
    Damaged = "damaged" 500,
    => Moved(Moved),
    => Unavailable(Unavailable),
} }

verdicts! { BeginError {
    NotFound = "not_found" 404,
    WrongKind = "wrong_kind" 422,
    EpochEnded = "epoch_ended" 409,
    WrongPlan = "wrong_plan" 422,
    TooMany = "too_many_sessions" 429,
    => Moved(Moved),
    => Unavailable(Unavailable),
} }

verdicts! { PrepareError {
    NotFound = "not_found" 404,
    Sealed = "sealed" 422,
    Material = "material" 422,
    ForeignReceipt = "foreign_receipt" 422,
    Damaged = "damaged" 500,
    => Evidence(EvidenceError),
    => Refused(PrepareRefusal),
    => Unavailable(Unavailable),
} }

verdicts! { PrepareRefusal {
    WrongKind[kind] = "wrong_kind" 422,
    NotEntitled = "not_entitled" 403,
    EpochEnded = "epoch_ended" 409,
    AlreadyBackedUp = "already_backed_up" 409,
    AlreadyExists = "already_exists" 409,
    NotBackedUp = "not_backed_up" 409,
    GraceRunning { left } = "grace_running" 409,
    Conflict { operation, until } = "conflict" 409,
    WrongEpochs = "wrong_epochs" 422,
    EpochUsed { asked, highest } = "epoch_used" 409,
    EpochJump { asked, highest } = "epoch_jump" 409,
    OperationReused = "operation_reused" 409,
    AlreadyCommitted = "already_committed" 409,
    OperationEnded = "operation_ended" 409,
    => Moved(Moved),
    => Frozen(Frozen),
    => Wait(WaitRefusal),
} }

verdicts! { WaitRefusal {
    Waiting { request, until } = "waiting" 409,
    RequestWaiting { request } = "request_waiting" 409,
} }

verdicts! { CommitError {
    NotFound = "not_found" 404,
    => Evidence(EvidenceError),
    => Refused(CommitRefusal),
    => Unavailable(Unavailable),
} }

verdicts! { CommitRefusal {
    NotPending = "not_pending" 409,
    OperationEnded = "operation_ended" 409,
    OtherEnvelope { committed } = "other_envelope" 409,
    WrongEnvelope = "wrong_envelope" 422,
    => Moved(Moved),
    => Frozen(Frozen),
} }

verdicts! { AbandonError {
    NotFound = "not_found" 404,
    => Evidence(EvidenceError),
    => Refused(AbandonRefusal),
    => Unavailable(Unavailable),
} }

verdicts! { AbandonRefusal {
    NotEntitled = "not_entitled" 403,
    EpochEnded = "epoch_ended" 409,
    AlreadyCommitted = "already_committed" 409,
    => Moved(Moved),
} }

verdicts! { CancelError {
    NotFound = "not_found" 404,
    => Evidence(EvidenceError),
    => Refused(CancelRefusal),
    => Unavailable(Unavailable),
} }

verdicts! { CancelRefusal {
    NoSuchRequest = "no_such_request" 404,
    NotEntitled = "not_entitled" 403,
    Settled = "settled" 409,
    => Moved(Moved),
} }

verdicts! { EjectError {
    NotFound = "not_found" 404,
    => Evidence(EvidenceError),
    => Refused(ReleaseRefusal),
    => Unavailable(Unavailable),
} }

verdicts! { ReleaseRefusal {
    WindowClosed = "window_closed" 403,
    GraceRunning { left } = "grace_running" 409,
    NotEntitled = "not_entitled" 403,
    => Moved(Moved),
    => Frozen(Frozen),
    => Wait(WaitRefusal),
} }

verdicts! { UploadError {
    NotFound = "not_found" 404,
    WrongEnvelope = "wrong_envelope" 422,
    TooMany = "too_many_envelopes" 409,
    => Evidence(EvidenceError),
    => Moved(Moved),
    => Frozen(Frozen),
    => Unavailable(Unavailable),
} }

verdicts! { RetireError {
    NotFound = "not_found" 404,
    => Refused(RetireRefusal),
    => Unavailable(Unavailable),
} }

verdicts! { RetireRefusal {
    NotEnded = "not_ended" 409,
    TooEarly { until } = "too_early" 409,
    => Frozen(Frozen),
} }

verdicts! { DepartError {
    NotFound = "not_found" 404,
    Untrusted = "untrusted" 403,
    NotExpected = "not_expected" 422,
    Damaged = "damaged" 500,
    => Evidence(EvidenceError),
    => Refused(DepartRefusal),
    => Unavailable(Unavailable),
} }

verdicts! { DepartRefusal {
    OperationEnded = "operation_ended" 409,
    GraceRunning { left } = "grace_running" 409,
    NotEntitled = "not_entitled" 403,
    WindowClosed = "window_closed" 403,
    Conflict { operation, until } = "conflict" 409,
    WrongEpochs = "wrong_epochs" 422,
    EpochUsed { asked, highest } = "epoch_used" 409,
    EpochJump { asked, highest } = "epoch_jump" 409,
    => Moved(Moved),
    => Frozen(Frozen),
    => Wait(WaitRefusal),
} }

verdicts! { HandOverError {
    NotFound = "not_found" 404,
    Untrusted = "untrusted" 403,
    ForeignReceipt = "foreign_receipt" 422,
    => Refused(HandOverRefusal),
    => Unavailable(Unavailable),
} }

verdicts! { HandOverRefusal {
    NotLeaving = "not_leaving" 409,
    => Moved(Moved),
    => Frozen(Frozen),
} }

verdicts! { OperatorError {
    NotFound = "not_found" 404,
    => Window(WindowRefusal),
    => Unfreeze(UnfreezeRefusal),
    => Cancel(CancelRefusal),
} }

verdicts! { WindowRefusal {
    GraceRunning { left } = "grace_running" 409,
    => Moved(Moved),
    => Frozen(Frozen),
} }

verdicts! { UnfreezeRefusal {
    NotFrozen = "not_frozen" 409,
    Dispute { request } = "dispute" 409,
    OtherRequest { request } = "other_request" 409,
} }

const UNAVAILABLE: (&str, u16) = ("unavailable", 503);

impl Verdict for Unavailable {
    fn coded(&self) -> Coded {
        let mut data = Data::new();
        write(&mut data, "cause", &self.cause);
        write(&mut data, "retry_after", &self.retry_after);
        let (code, status) = UNAVAILABLE;
        Coded { code, status, data }
    }

    fn decode(code: &str, data: &Data) -> Option<Self> {
        let retry_after = read(data, "retry_after")?;
        (code == UNAVAILABLE.0).then_some(Self { cause: read(data, "cause")?, retry_after })
    }

    fn codes() -> Vec<(&'static str, u16)> {
        vec![UNAVAILABLE]
    }
}

const FROZEN: (&str, u16) = ("frozen", 423);

impl Verdict for Frozen {
    fn coded(&self) -> Coded {
        let Self(Freezes { dispute, operator, restored }) = self;
        let mut data = Data::new();
        write(&mut data, "dispute", dispute);
        write(&mut data, "operator", operator);
        write(&mut data, "restored", restored);
        let (code, status) = FROZEN;
        Coded { code, status, data }
    }

    fn decode(code: &str, data: &Data) -> Option<Self> {
        if code != FROZEN.0 {
            return None;
        }
        Some(Self(Freezes {
            dispute: read(data, "dispute")?,
            operator: read(data, "operator")?,
            restored: read(data, "restored")?,
        }))
    }

    fn codes() -> Vec<(&'static str, u16)> {
        vec![FROZEN]
    }
}

const MOVED: (&str, u16) = ("moved", 410);

impl Verdict for Moved {
    fn coded(&self) -> Coded {
        let mut data = Data::new();
        write(&mut data, "to", &*self.to);
        let (code, status) = MOVED;
        Coded { code, status, data }
    }

    fn decode(code: &str, data: &Data) -> Option<Self> {
        (code == MOVED.0).then_some(())?;
        Some(Self { to: Box::new(read(data, "to")?) })
    }

    fn codes() -> Vec<(&'static str, u16)> {
        vec![MOVED]
    }
}

impl Datum for u64 {
    fn to_value(&self) -> Value {
        json!(self)
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.as_u64()
    }
}

macro_rules! as_integer {
    ($($name:ty),+) => { $(
        impl Datum for $name {
            fn to_value(&self) -> Value {
                json!(self)
            }

            fn from_value(value: &Value) -> Option<Self> {
                Self::try_from(value.as_u64()?).ok()
            }
        }
    )+ };
}

as_integer!(u8, usize);

impl Datum for bool {
    fn to_value(&self) -> Value {
        json!(self)
    }

    fn from_value(value: &Value) -> Option<Self> {
        value.as_bool()
    }
}

macro_rules! as_text {
    ($($name:ty),+) => { $(
        impl Datum for $name {
            fn to_value(&self) -> Value {
                json!(self.to_string())
            }

            fn from_value(value: &Value) -> Option<Self> {
                value.as_str()?.parse().ok()
            }
        }
    )+ };
}

as_text!(OperationId, Digest, CustodianIdentity);

macro_rules! as_name {
    ($($name:ty),+) => { $(
        impl Datum for $name {
            fn to_value(&self) -> Value {
                json!(self.name())
            }

            fn from_value(value: &Value) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| Some(known.name()) == value.as_str())
            }
        }
    )+ };
}

as_name!(Operation, WalletKind);

impl Datum for Restored {
    fn to_value(&self) -> Value {
        match self {
            Self::AwaitsApproval => json!("awaits_approval"),
            Self::Approved => json!("approved"),
        }
    }

    fn from_value(value: &Value) -> Option<Self> {
        match value.as_str()? {
            "awaits_approval" => Some(Self::AwaitsApproval),
            "approved" => Some(Self::Approved),
            _ => None,
        }
    }
}

impl Datum for Outage {
    fn to_value(&self) -> Value {
        match self {
            Self::Unreachable => json!("unreachable"),
            Self::Busy => json!("busy"),
            Self::Failed => json!("failed"),
            Self::NotSignedIn => json!("not_signed_in"),
            Self::NotUnderstood => json!("not_understood"),
        }
    }

    fn from_value(value: &Value) -> Option<Self> {
        match value.as_str()? {
            "unreachable" => Some(Self::Unreachable),
            "busy" => Some(Self::Busy),
            "failed" => Some(Self::Failed),
            "not_signed_in" => Some(Self::NotSignedIn),
            "not_understood" => Some(Self::NotUnderstood),
            _ => None,
        }
    }
}

impl<T: Datum> Datum for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, Datum::to_value)
    }

    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}
