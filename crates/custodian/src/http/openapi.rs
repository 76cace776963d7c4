//! `/openapi.json`, made from the handlers, the route table and the errors.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use twoshare_protocol::{
    custodian::{
        AbandonError, BeginError, CancelError, CommitError, DepartError, EjectError, HandOverError,
        PrepareError, ReadError, RetireError, Unavailable, UploadError,
    },
    http::{Caller, Fault, PROBLEM, Route, Verdict},
};
use utoipa::OpenApi;

use crate::OperatorError;

use super::{operator, user};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "twoshare custodian",
        description = "The other half of every wallet. Bodies are the messages of PROTOCOL.md; refusals are problem details with stable codes (HTTP.md).",
        license(name = "MIT OR Apache-2.0"),
    ),
    paths(
        user::who,
        user::wallets,
        user::state,
        user::receipt,
        user::begin,
        user::prepare,
        user::commit,
        user::abandon,
        user::cancel,
        user::eject,
        user::drill,
        user::put_envelope,
        user::envelope,
        user::retire,
        user::depart,
        user::hand_over,
        operator::session,
        operator::eject_window,
        operator::freeze,
        operator::unfreeze,
        operator::approve,
        operator::requests,
        operator::cancel_request,
        operator::trust_custodian,
        operator::trusted_custodians,
        operator::distrust_custodian,
        operator::audit,
        operator::delete_user,
        live,
        ready,
        document,
    )
)]
struct Handlers;

/// Says whether the process runs.
#[utoipa::path(get, path = "/health/live",
    responses((status = 200, description = "It does", content_type = "application/json")))]
#[allow(dead_code, reason = "only its annotation counts")]
fn live() {}

/// Says whether it takes writes.
#[utoipa::path(get, path = "/health/ready",
    responses((status = 200, description = "It does", content_type = "application/json")))]
#[allow(dead_code, reason = "only its annotation counts")]
fn ready() {}

/// Describes this interface.
#[utoipa::path(get, path = "/openapi.json",
    responses((status = 200, description = "This document", content_type = "application/json")))]
#[allow(dead_code, reason = "only its annotation counts")]
fn document() {}

/// Every code that a request to this route can be refused with, and its status.
pub(super) fn codes(route: Route) -> Vec<(&'static str, u16)> {
    let verdicts = match route {
        Route::User | Route::Live | Route::OpenApi => Vec::new(),
        Route::Wallets | Route::State | Route::Receipt | Route::Drill | Route::Envelope => {
            ReadError::codes()
        }
        Route::Begin => BeginError::codes(),
        Route::Prepare => PrepareError::codes(),
        Route::Commit => CommitError::codes(),
        Route::Abandon => AbandonError::codes(),
        Route::Cancel => CancelError::codes(),
        Route::Eject => EjectError::codes(),
        Route::PutEnvelope => UploadError::codes(),
        Route::Retire => RetireError::codes(),
        Route::Depart => DepartError::codes(),
        Route::HandOver => HandOverError::codes(),
        Route::EjectWindow
        | Route::Freeze
        | Route::Unfreeze
        | Route::Approve
        | Route::CancelRequest
        | Route::DeleteUser => OperatorError::codes(),
        Route::Session
        | Route::Requests
        | Route::Audit
        | Route::TrustCustodian
        | Route::TrustedCustodians
        | Route::DistrustCustodian => Unavailable::codes(),
        Route::Ready => return only(&["stopped_writing", "stopping", "internal"]),
    };
    let mut faults = vec!["internal"];
    if route != Route::Live {
        faults.extend(["rate_limited", "too_large", "timed_out"]);
    }
    if route.caller() != Caller::Anyone {
        faults.extend(["unauthenticated", "malformed", "stopped_writing", "stopping"]);
    }
    if route.max_body() > 0 {
        faults.push("unsupported_media_type");
    }
    if route.caller() == Caller::User && route.max_body() > 0 {
        faults.extend(["newer_version", "other_message"]);
    }
    if route == Route::PutEnvelope {
        faults.push("other_digest");
    }
    let unavailable = if route == Route::Live { Vec::new() } else { Unavailable::codes() };
    let mut codes: Vec<_> = verdicts.into_iter().chain(only(&faults)).chain(unavailable).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

fn only(wanted: &[&str]) -> Vec<(&'static str, u16)> {
    Fault::codes().into_iter().filter(|(code, _)| wanted.contains(code)).collect()
}

/// The document, as JSON.
///
/// # Panics
///
/// Never: a test makes it.
#[must_use]
pub fn openapi() -> String {
    let mut document = serde_json::to_value(Handlers::openapi()).unwrap_or_default();
    for route in Route::ALL {
        let method = route.method().name().to_ascii_lowercase();
        if let Some(operation) =
            document.pointer_mut(&format!("/paths/{}/{method}", escape(route.template())))
        {
            complete(operation, *route);
        }
    }
    if let Some(object) = document.as_object_mut() {
        // The paths are below wherever this document is.
        object.insert("servers".to_owned(), json!([{ "url": "." }]));
    }
    if let Some(components) = document.pointer_mut("/components").and_then(Value::as_object_mut) {
        components.insert(
            "securitySchemes".to_owned(),
            json!({
                "user": { "type": "http", "scheme": "bearer", "description": "A session token" },
                "operator": {
                    "type": "http", "scheme": "bearer", "description": "The operator's key",
                },
            }),
        );
    }
    if let Some(schemas) =
        document.pointer_mut("/components/schemas").and_then(Value::as_object_mut)
    {
        schemas.insert("Problem".to_owned(), problem_schema());
    }
    document.to_string()
}

/// Adds what the annotations do not say: who may ask, and every refusal.
fn complete(operation: &mut Value, route: Route) {
    let Some(operation) = operation.as_object_mut() else { return };
    let security = match route.caller() {
        Caller::Anyone => json!([]),
        Caller::User => json!([{ "user": [] }]),
        Caller::Operator => json!([{ "operator": [] }]),
    };
    operation.insert("security".to_owned(), security);
    let mut by_status = BTreeMap::<u16, Vec<&str>>::new();
    for (code, status) in codes(route) {
        by_status.entry(status).or_default().push(code);
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    for (status, codes) in by_status {
        let schema = json!({
            "allOf": [{ "$ref": "#/components/schemas/Problem" }],
            "properties": { "code": { "enum": codes } },
        });
        let response = json!({
            "description": codes.join(", "),
            "content": { PROBLEM: { "schema": schema } },
        });
        responses.insert(status.to_string(), response);
    }
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457. What else it carries depends on the code: see HTTP.md.",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": { "type": "string", "format": "uri" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "code": { "type": "string" },
            "retry_after": { "type": ["integer", "null"], "description": "Seconds" },
        },
        "additionalProperties": true,
    })
}

/// A key within a JSON pointer (RFC 6901).
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
