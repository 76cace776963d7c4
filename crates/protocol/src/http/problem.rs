//! A refusal, as it travels (RFC 9457).

use serde_json::{Map, Value, json};

/// What a problem says besides its code.
pub type Data = Map<String, Value>;

/// Where the codes are explained: a problem's type is its heading there.
const TYPES: &str = "https://github.com/twoshare/twoshare/blob/main/crates/protocol/HTTP.md#";

/// The members that RFC 9457 gives a meaning to, and the code.
pub(super) const RESERVED: [&str; 6] = ["type", "title", "status", "detail", "instance", "code"];

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The stable name of the reason, in snake case.
    pub code: String,
    /// The status of the answer.
    pub status: u16,
    /// The same for a person.
    pub detail: String,
    /// What a program needs to act on it.
    pub data: Data,
}

impl Problem {
    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { code, status, detail, data } = self;
        let mut object = data.clone();
        let own = [
            ("type", json!(format!("{TYPES}{code}"))),
            ("title", json!(code.replace('_', " "))),
            ("status", json!(status)),
            ("detail", json!(detail)),
            ("code", json!(code)),
        ];
        object.extend(own.map(|(name, value)| (name.to_owned(), value)));
        Value::Object(object).to_string().into_bytes()
    }

    /// The problem with these bytes. The caller has bounded them.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let Ok(Value::Object(mut data)) = serde_json::from_slice(bytes) else { return None };
        let code = data.get("code")?.as_str()?.to_owned();
        let status = u16::try_from(data.get("status")?.as_u64()?).ok()?;
        let detail = data.get("detail").and_then(Value::as_str).unwrap_or_default().to_owned();
        RESERVED.iter().for_each(|name| drop(data.remove(*name)));
        Some(Self { code, status, detail, data })
    }
}
