//! What is answered.

use axum::{
    body::Body,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use twoshare_core::secret::SecretBytes;
use twoshare_protocol::{
    http::{CBOR, Fault, JSON, OCTETS, PROBLEM, Problem, Verdict},
    wire::Message,
};

use super::{Answer, status};

/// What a request was answered with that did what it asked for.
#[derive(Debug)]
pub(super) enum Success {
    Done,
    Body(&'static str, Vec<u8>),
}

impl Success {
    pub(super) fn message<M: Message>(message: &M) -> Answer {
        let bytes: SecretBytes = message.to_bytes();
        // Exposed: what is secret in a message is sealed end to end.
        Ok(Self::Body(CBOR, bytes.expose_secret().to_vec()))
    }

    pub(super) fn json(value: &impl Serialize) -> Answer {
        let bytes = serde_json::to_vec(value).map_err(|_| Fault::Internal)?;
        Ok(Self::Body(JSON, bytes))
    }

    pub(super) fn octets(bytes: Vec<u8>) -> Answer {
        Ok(Self::Body(OCTETS, bytes))
    }
}

impl IntoResponse for Success {
    fn into_response(self) -> Response {
        let mut response = match self {
            Self::Done => StatusCode::NO_CONTENT.into_response(),
            Self::Body(media_type, bytes) => with_type(StatusCode::OK, media_type, bytes),
        };
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// Why a request was not done.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) Problem);

impl<E: Verdict> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.to_problem())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        let mut response = with_type(status(problem.status), PROBLEM, problem.to_bytes());
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = problem.data.get("retry_after").and_then(|value| value.as_u64()) {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if problem.status == 401 {
            // With a parameter, as RFC 6750 (section 3) has it: there are clients that break over none.
            let bearer = HeaderValue::from_static(r#"Bearer realm="twoshare""#);
            headers.insert(WWW_AUTHENTICATE, bearer);
        }
        response
    }
}

fn with_type(status: StatusCode, media_type: &'static str, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
