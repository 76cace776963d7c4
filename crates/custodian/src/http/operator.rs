//! What the operator may ask for. User ids stand in bodies, not in paths: paths end up in the logs of
//! whatever is in between.

use serde::{Deserialize, Serialize};
use twoshare_core::id::{OperationId, WalletId};
use twoshare_protocol::{http::Fault, rules::Favour};
use utoipa::ToSchema;

use crate::{UserId, WaitingRequest, audit::Event};

use super::{Answer, answer::Success, call::OperatorCall};

/// How long a session token lives that nothing else was said about, in seconds.
const DEFAULT_TTL: u64 = 60 * 60;

/// The longest that a session token may live, in seconds: 30 days.
const MAX_TTL: u64 = 30 * 24 * 60 * 60;

/// How long an eject window is open that nothing else was said about, in seconds.
const DEFAULT_WINDOW: u64 = 5 * 60;

/// How many events of the audit log are on one page.
const PAGE: u32 = 1000;

/// Asks for a session token.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SessionRequest {
    /// For whom.
    user: String,
    /// For how many seconds: an hour, 30 days at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<u64>,
}

/// A session token. It is shown once.
#[derive(Serialize, Deserialize, ToSchema)]
struct SessionAnswer {
    /// The token.
    token: String,
    /// When it expires, in seconds since the Unix epoch.
    expires: u64,
}

/// Names a wallet.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WalletRequest {
    /// Whose.
    user: String,
    /// Its id.
    wallet: String,
}

/// Opens a window.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WindowRequest {
    /// Whose.
    user: String,
    /// The wallet's id.
    wallet: String,
    /// For how many seconds: five minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seconds: Option<u64>,
}

/// An open window.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct WindowAnswer {
    /// Until when, in seconds since the Unix epoch.
    until: u64,
}

/// Lets a wallet go on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UnfreezeRequest {
    /// Whose.
    user: String,
    /// The wallet's id.
    wallet: String,
    /// Who won a dispute: `device`, or `request:` and the request's id.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    favour: Option<String>,
}

/// Approves an operation after a restore.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApproveRequest {
    /// Whose.
    user: String,
    /// The wallet's id.
    wallet: String,
    /// The id of the recovery or replace, as its owner reads it out.
    operation: String,
}

/// Names a user.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeleteUserRequest {
    /// Whom.
    user: String,
}

/// What was deleted.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct DeleteUserAnswer {
    /// How many wallets.
    wallets: u64,
}

/// What waits.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct RequestsAnswer {
    /// All of it.
    requests: Vec<RequestEntry>,
}

/// A recovery or an eject that waits.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct RequestEntry {
    /// Its id.
    request: String,
    /// Whose.
    user: String,
    /// The wallet's id.
    wallet: String,
    /// `recover` or `eject`.
    operation: String,
    /// From when on it may be used, in seconds since the Unix epoch.
    ready: u64,
    /// When it is forgotten, in seconds since the Unix epoch.
    expires: u64,
    /// Whether the device has objected, so that the operator has to decide.
    disputed: bool,
}

/// A custodian that wallets may be moved to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TrustedEntry {
    /// Its public identity, 112 letters and digits.
    identity: String,
    /// Where it is, for people: nothing is sent there.
    url: String,
}

/// The custodians that wallets may be moved to.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct TrustedAnswer {
    /// All of them.
    custodians: Vec<TrustedEntry>,
}

/// A page of the audit log.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct AuditAnswer {
    /// The events, in order.
    events: Vec<AuditEntry>,
}

/// One act.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct AuditEntry {
    /// Its place in the log.
    number: u64,
    /// When, in seconds since the Unix epoch.
    at: u64,
    /// `user`, `operator` or `custodian`.
    actor: String,
    /// What was done.
    act: String,
    /// Whose wallet, or whose session.
    user: Option<String>,
    /// To which wallet.
    wallet: Option<String>,
    /// In which operation.
    operation: Option<String>,
    /// More about it, for people.
    detail: String,
}

impl From<WaitingRequest> for RequestEntry {
    fn from(waiting: WaitingRequest) -> Self {
        Self {
            request: waiting.id.to_string(),
            user: waiting.user.to_string(),
            wallet: waiting.wallet.to_string(),
            operation: waiting.operation.name().to_owned(),
            ready: waiting.ready,
            expires: waiting.expires,
            disputed: waiting.is_disputed,
        }
    }
}

impl From<Event> for AuditEntry {
    fn from(event: Event) -> Self {
        Self {
            number: event.number,
            at: event.at,
            actor: event.actor.name().to_owned(),
            act: event.act.name().to_owned(),
            user: event.user.map(|user| user.to_string()),
            wallet: event.wallet.map(|wallet| wallet.to_string()),
            operation: event.operation.map(|operation| operation.to_string()),
            detail: event.detail,
        }
    }
}

/// Who won a dispute, as the command and the body say it.
fn parse_favour(text: &str) -> Option<Favour> {
    match text.strip_prefix("request:") {
        Some(id) => id.parse().ok().map(Favour::Request),
        None => (text == "device").then_some(Favour::Device),
    }
}

fn wallet_of(user: &str, wallet: &str) -> Result<(UserId, WalletId), Fault> {
    let user = UserId::new(user).map_err(|_| Fault::Malformed)?;
    Ok((user, wallet.parse().map_err(|_| Fault::Malformed)?))
}

/// Makes a session token for a user, as the app's backend asks for it.
#[utoipa::path(post, path = "/v1/operator/session", request_body = SessionRequest,
    responses((status = 200, body = SessionAnswer)))]
pub(super) async fn session(call: &OperatorCall) -> Answer {
    let SessionRequest { user, ttl } = call.asked.json()?;
    let user = UserId::new(&user).map_err(|_| Fault::Malformed)?;
    let ttl = ttl.unwrap_or(DEFAULT_TTL);
    if !(1..=MAX_TTL).contains(&ttl) {
        return Err(Fault::Malformed.into());
    }
    let issued = call.service.issue_session(&user, ttl).await?;
    // Exposed: to the operator who asked for it.
    let token = issued.token.expose_secret().to_owned();
    Success::json(&SessionAnswer { token, expires: issued.expires })
}

/// Lets the key of a wallet be released for some time.
#[utoipa::path(post, path = "/v1/operator/eject-window", request_body = WindowRequest,
    responses((status = 200, body = WindowAnswer)))]
pub(super) async fn eject_window(call: &OperatorCall) -> Answer {
    let WindowRequest { user, wallet, seconds } = call.asked.json()?;
    let (user, wallet) = wallet_of(&user, &wallet)?;
    let seconds = seconds.unwrap_or(DEFAULT_WINDOW);
    let until = call.service.open_window(&user, wallet, seconds).await?;
    Success::json(&WindowAnswer { until })
}

/// Lets a wallet stand still.
#[utoipa::path(post, path = "/v1/operator/freeze", request_body = WalletRequest,
    responses((status = 204, description = "Done")))]
pub(super) async fn freeze(call: &OperatorCall) -> Answer {
    let WalletRequest { user, wallet } = call.asked.json()?;
    let (user, wallet) = wallet_of(&user, &wallet)?;
    call.service.freeze(&user, wallet).await?;
    Ok(Success::Done)
}

/// Lets a wallet go on; a dispute in somebody's favour.
#[utoipa::path(post, path = "/v1/operator/unfreeze", request_body = UnfreezeRequest,
    responses((status = 204, description = "Done")))]
pub(super) async fn unfreeze(call: &OperatorCall) -> Answer {
    let UnfreezeRequest { user, wallet, favour } = call.asked.json()?;
    let (user, wallet) = wallet_of(&user, &wallet)?;
    let favour = favour.map(|text| parse_favour(&text).ok_or(Fault::Malformed)).transpose()?;
    call.service.unfreeze(&user, wallet, favour).await?;
    Ok(Success::Done)
}

/// Lets one recovery or replace go on after the database was restored.
#[utoipa::path(post, path = "/v1/operator/approve", request_body = ApproveRequest,
    responses((status = 204, description = "Done")))]
pub(super) async fn approve(call: &OperatorCall) -> Answer {
    let ApproveRequest { user, wallet, operation } = call.asked.json()?;
    let (user, wallet) = wallet_of(&user, &wallet)?;
    let operation = operation.parse().map_err(|_| Fault::Malformed)?;
    call.service.approve(&user, wallet, operation).await?;
    Ok(Success::Done)
}

/// Lists the recoveries and ejects that wait.
#[utoipa::path(get, path = "/v1/operator/requests",
    responses((status = 200, body = RequestsAnswer)))]
pub(super) async fn requests(call: &OperatorCall) -> Answer {
    let requests = call.service.requests().await?;
    Success::json(&RequestsAnswer { requests: requests.into_iter().map(Into::into).collect() })
}

/// Ends a waiting recovery or eject.
#[utoipa::path(delete, path = "/v1/operator/requests/{request}",
    params(("request" = String, Path, description = "The request's id")),
    responses((status = 204, description = "Done")))]
pub(super) async fn cancel_request(call: &OperatorCall) -> Answer {
    call.service.cancel_request(call.asked.part::<OperationId>("request")?).await?;
    Ok(Success::Done)
}

/// Reads the audit log, a page at a time: go on after the last number.
#[utoipa::path(get, path = "/v1/operator/audit",
    params(
        ("wallet" = Option<String>, Query, description = "Of this wallet only"),
        ("after" = Option<u64>, Query, description = "After this number"),
        ("limit" = Option<u32>, Query, description = "At most so many: 1,000"),
    ),
    responses((status = 200, body = AuditAnswer)))]
pub(super) async fn audit(call: &OperatorCall) -> Answer {
    let (wallet, after) = (call.asked.query("wallet")?, call.asked.query("after")?);
    let limit = call.asked.query("limit")?.unwrap_or(PAGE).min(PAGE);
    let events = call.service.audit(wallet, after.unwrap_or(0), limit).await?;
    Success::json(&AuditAnswer { events: events.into_iter().map(Into::into).collect() })
}

/// Names a custodian that wallets may be moved to.
#[utoipa::path(post, path = "/v1/operator/custodians", request_body = TrustedEntry,
    responses((status = 204, description = "Done")))]
pub(super) async fn trust_custodian(call: &OperatorCall) -> Answer {
    let TrustedEntry { identity, url } = call.asked.json()?;
    let identity = identity.parse().map_err(|_| Fault::Malformed)?;
    call.service.trust_custodian(identity, &url).await?;
    Ok(Success::Done)
}

/// Lists the custodians that wallets may be moved to.
#[utoipa::path(get, path = "/v1/operator/custodians",
    responses((status = 200, body = TrustedAnswer)))]
pub(super) async fn trusted_custodians(call: &OperatorCall) -> Answer {
    let trusted = call.service.trusted_custodians().await?.into_iter();
    let custodians = trusted
        .map(|trusted| TrustedEntry { identity: trusted.identity.to_string(), url: trusted.url });
    Success::json(&TrustedAnswer { custodians: custodians.collect() })
}

/// Takes back that wallets may be moved to a custodian.
#[utoipa::path(delete, path = "/v1/operator/custodians/{identity}",
    params(("identity" = String, Path, description = "The custodian's public identity")),
    responses((status = 204, description = "Done")))]
pub(super) async fn distrust_custodian(call: &OperatorCall) -> Answer {
    call.service.distrust_custodian(&call.asked.part("identity")?).await?;
    Ok(Success::Done)
}

/// Deletes everything of a user but the audit log.
#[utoipa::path(post, path = "/v1/operator/delete-user", request_body = DeleteUserRequest,
    responses((status = 200, body = DeleteUserAnswer)))]
pub(super) async fn delete_user(call: &OperatorCall) -> Answer {
    let DeleteUserRequest { user } = call.asked.json()?;
    let user = UserId::new(&user).map_err(|_| Fault::Malformed)?;
    let deleted = call.service.delete_user(&user).await?;
    Success::json(&DeleteUserAnswer { wallets: deleted.wallets })
}
