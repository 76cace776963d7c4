//! How the operator's errors travel.

use twoshare_protocol::{
    custodian::Unavailable,
    http::{Coded, Data, Verdict},
    rules::{CancelRefusal, UnfreezeRefusal, WindowRefusal},
};

use crate::OperatorError;

const NOT_FOUND: (&str, u16) = ("not_found", 404);

impl Verdict for OperatorError {
    fn coded(&self) -> Coded {
        match self {
            Self::NotFound => Coded { code: NOT_FOUND.0, status: NOT_FOUND.1, data: Data::new() },
            Self::Window(refusal) => refusal.coded(),
            Self::Unfreeze(refusal) => refusal.coded(),
            Self::Cancel(refusal) => refusal.coded(),
            Self::Unavailable(unavailable) => unavailable.coded(),
        }
    }

    fn decode(code: &str, data: &Data) -> Option<Self> {
        (code == NOT_FOUND.0)
            .then_some(Self::NotFound)
            .or_else(|| WindowRefusal::decode(code, data).map(Self::Window))
            .or_else(|| UnfreezeRefusal::decode(code, data).map(Self::Unfreeze))
            .or_else(|| CancelRefusal::decode(code, data).map(Self::Cancel))
            .or_else(|| Unavailable::decode(code, data).map(Self::Unavailable))
    }

    fn codes() -> Vec<(&'static str, u16)> {
        [NOT_FOUND]
            .into_iter()
            .chain(WindowRefusal::codes())
            .chain(UnfreezeRefusal::codes())
            .chain(CancelRefusal::codes())
            .chain(Unavailable::codes())
            .collect()
    }
}
