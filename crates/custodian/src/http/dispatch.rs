//! From a request to its answer: who asks, how often, how much, how long, and one line in the log.

use std::{
    future::poll_fn,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use axum::{
    body::{Body, HttpBody as _},
    extract::{ConnectInfo, RawPathParams, Request},
    http::{
        HeaderMap, HeaderValue,
        header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
};
use rand::Rng as _;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;
use twoshare_core::secret::SecretBytes;
use twoshare_protocol::{
    custodian::{Outage, Unavailable},
    http::{CBOR, Caller, Fault, JSON, REQUEST_ID, Route, Verdict as _},
};

use crate::{AuthError, Health, UserId};

use super::{
    Answer, App,
    answer::{Refusal, Success},
    call::{Asked, OperatorCall, UserCall},
    openapi::codes,
    operator, user,
};

/// The slowest connection that is waited for, in bytes a second.
const SLOWEST: u64 = 32 * 1024;

/// The longest request id of a caller that is repeated.
const MAX_REQUEST_ID: usize = 64;

/// Answers a request to a path that there is.
pub(super) async fn answer(
    app: Arc<App>,
    route: Route,
    params: Option<RawPathParams>,
    request: Request,
) -> Response {
    let mut line = Line::new(request.headers(), route.method().name(), route.template());
    let answer = heard(&app, route, params, request, &mut line);
    // A panic is one request's, not the server's. Nothing that it held is used again: what the
    // service shares among requests, it changes as a whole.
    let answer = no_panic(answer).await.unwrap_or_else(|| Err(Fault::Internal.into()));
    let answer = answer.map_err(|refusal| app.explain(refusal));
    if let Err(Refusal(problem)) = &answer {
        let known = || codes(route).iter().any(|(code, _)| *code == problem.code);
        debug_assert!(known(), "{route:?} does not describe {}", problem.code);
    }
    line.end(answer)
}

/// Answers a request that there is nothing for.
pub(super) async fn refuse(app: Arc<App>, fault: Fault, request: Request) -> Response {
    let line = Line::new(request.headers(), "-", "-");
    let refusal = match app.check_address(&request) {
        Ok(()) => fault.into(),
        Err(refusal) => refusal,
    };
    line.end(Err(refusal))
}

async fn heard(
    app: &Arc<App>,
    route: Route,
    params: Option<RawPathParams>,
    request: Request,
    line: &mut Line,
) -> Answer {
    match route {
        Route::Live => return Success::json(&json!({ "status": "live" })),
        Route::Ready => return ready(app),
        _ => app.check_address(&request)?,
    }
    let (parts, body) = request.into_parts();
    let caller = match route.caller() {
        Caller::Anyone => None,
        Caller::User => {
            let user = app.user(&parts.headers).await?;
            line.user = Some(app.hash(&user));
            app.users.pass(&user).map_err(|retry_after| Fault::RateLimited { retry_after })?;
            Some(user)
        }
        Caller::Operator => {
            let key = bearer(&parts.headers)?;
            app.service.check_operator_key(key).await.map_err(refused_key)?;
            None
        }
    };
    let _room = match &caller {
        Some(user) => {
            let room = app.room.take(user, app.expected(route, &parts.headers)?);
            Some(room.ok_or(Fault::RateLimited { retry_after: 1 })?)
        }
        None => None,
    };
    let body = app.body(route, &parts.headers, body).await?;
    let asked = Asked { params, query: parts.uri.query().map(str::to_owned), body };
    let service = app.service.clone();
    let done = async {
        match caller {
            Some(user) => {
                let session = service.login(&user);
                for_user(route, &UserCall { session, service, asked }).await
            }
            None if route == Route::OpenApi => Ok(Success::Body(JSON, app.openapi.clone())),
            None => for_operator(route, &OperatorCall { service, asked }).await,
        }
    };
    match timeout(app.limits.answer, done).await {
        Ok(answer) => answer,
        // Nobody knows what it did: every call may be repeated.
        Err(_) => Err(Unavailable::because(Outage::Busy).into()),
    }
}

async fn for_user(route: Route, call: &UserCall) -> Answer {
    match route {
        Route::User => user::who(call),
        Route::Wallets => user::wallets(call).await,
        Route::State => user::state(call).await,
        Route::Receipt => user::receipt(call).await,
        Route::Begin => user::begin(call).await,
        Route::Prepare => user::prepare(call).await,
        Route::Commit => user::commit(call).await,
        Route::Abandon => user::abandon(call).await,
        Route::Cancel => user::cancel(call).await,
        Route::Eject => user::eject(call).await,
        Route::Drill => user::drill(call).await,
        Route::PutEnvelope => user::put_envelope(call).await,
        Route::Envelope => user::envelope(call).await,
        Route::Retire => user::retire(call).await,
        Route::Depart => user::depart(call).await,
        Route::HandOver => user::hand_over(call).await,
        Route::Session
        | Route::EjectWindow
        | Route::Freeze
        | Route::Unfreeze
        | Route::Approve
        | Route::Requests
        | Route::CancelRequest
        | Route::TrustCustodian
        | Route::TrustedCustodians
        | Route::DistrustCustodian
        | Route::Audit
        | Route::DeleteUser
        | Route::Live
        | Route::Ready
        | Route::OpenApi => Err(Fault::NoSuchPath.into()),
    }
}

async fn for_operator(route: Route, call: &OperatorCall) -> Answer {
    match route {
        Route::Session => operator::session(call).await,
        Route::EjectWindow => operator::eject_window(call).await,
        Route::Freeze => operator::freeze(call).await,
        Route::Unfreeze => operator::unfreeze(call).await,
        Route::Approve => operator::approve(call).await,
        Route::Requests => operator::requests(call).await,
        Route::CancelRequest => operator::cancel_request(call).await,
        Route::TrustCustodian => operator::trust_custodian(call).await,
        Route::TrustedCustodians => operator::trusted_custodians(call).await,
        Route::DistrustCustodian => operator::distrust_custodian(call).await,
        Route::Audit => operator::audit(call).await,
        Route::DeleteUser => operator::delete_user(call).await,
        Route::User
        | Route::Wallets
        | Route::State
        | Route::Receipt
        | Route::Begin
        | Route::Prepare
        | Route::Commit
        | Route::Abandon
        | Route::Cancel
        | Route::Eject
        | Route::Drill
        | Route::PutEnvelope
        | Route::Envelope
        | Route::Retire
        | Route::Depart
        | Route::HandOver
        | Route::Live
        | Route::Ready
        | Route::OpenApi => Err(Fault::NoSuchPath.into()),
    }
}

fn ready(app: &App) -> Answer {
    match app.trouble() {
        None => Success::json(&json!({ "status": "ready" })),
        Some(fault) => Err(fault.into()),
    }
}

impl App {
    /// Why nothing can be written, where that is so.
    fn trouble(&self) -> Option<Fault> {
        match self.service.health() {
            Health::Ready => None,
            Health::StoppedWriting(_) => Some(Fault::StoppedWriting),
            Health::Closed => Some(Fault::Stopping),
        }
    }

    /// Says why something is unavailable where that is known, so that nobody asks again in vain.
    fn explain(&self, refusal: Refusal) -> Refusal {
        let is_unavailable = Unavailable::from_problem(&refusal.0).is_some();
        match self.trouble().filter(|_| is_unavailable) {
            Some(fault) => fault.into(),
            None => refusal,
        }
    }

    /// Counts the address that a request is from, where it is known.
    fn check_address(&self, request: &Request) -> Result<(), Refusal> {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let Some(ConnectInfo(peer)) = peer else { return Ok(()) };
        let Some(address) = self.address(peer.ip().to_canonical(), request.headers()) else {
            return Ok(());
        };
        let passed = self.addresses.pass(address);
        Ok(passed.map_err(|retry_after| Fault::RateLimited { retry_after })?)
    }

    /// Who is behind the proxies: going back from the peer, the first that is not one of them. `None`
    /// where this machine itself asks, for nobody else: no limit is for that.
    fn address(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let is_proxy =
            |address: IpAddr| address.is_loopback() || self.limits.proxies.contains(&address);
        let values: Vec<_> = headers.get_all("x-forwarded-for").iter().collect();
        // Each by itself: what a caller wrote before a proxy's own words may be any bytes.
        let hops = values.iter().rev().flat_map(|value| value.as_bytes().rsplit(|b| *b == b','));
        let hops = hops.map(|hop| str::from_utf8(hop).ok()?.trim().parse::<IpAddr>().ok());
        let mut address = peer;
        for hop in hops {
            match hop {
                Some(hop) if is_proxy(address) => address = hop.to_canonical(),
                // Nothing before a proxy that cannot say whom it forwards is to be believed.
                _ => break,
            }
        }
        match address {
            address if address.is_loopback() && values.is_empty() => None,
            IpAddr::V4(_) => Some(address),
            // A household has a /64 to choose its addresses from.
            IpAddr::V6(v6) => Some(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into()),
        }
    }

    async fn user(&self, headers: &HeaderMap) -> Result<UserId, Refusal> {
        let token = bearer(headers)?;
        self.service.authenticate(token).await.map_err(refused_key)
    }

    /// What the log calls a user.
    fn hash(&self, user: &UserId) -> String {
        let hash = Sha256::new().chain_update(self.log_key).chain_update(user.as_str()).finalize();
        hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// How long the body may be that is on its way.
    fn expected(&self, route: Route, headers: &HeaderMap) -> Result<usize, Fault> {
        let cap = route.max_body();
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        match length.and_then(|length| length.parse().ok()) {
            Some(length) if length > cap => {
                Err(Fault::TooLarge { cap: u64::try_from(cap).unwrap_or(u64::MAX) })
            }
            length => Ok(length.unwrap_or(cap)),
        }
    }

    /// Reads the body, where the route has one.
    async fn body(
        &self,
        route: Route,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<SecretBytes, Refusal> {
        let cap = route.max_body();
        let bound = u64::try_from(cap).unwrap_or(u64::MAX);
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        if length.and_then(|length| length.parse::<u64>().ok()).is_some_and(|len| len > bound) {
            return Err(Fault::TooLarge { cap: bound }.into());
        }
        if cap > 0 {
            let expected = if route.caller() == Caller::User { CBOR } else { JSON };
            let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
            let given = given.and_then(|value| value.split(';').next()).map(str::trim);
            if !given.is_some_and(|given| given.eq_ignore_ascii_case(expected)) {
                return Err(Fault::UnsupportedMediaType.into());
            }
        }
        let patience = self.limits.body.saturating_add(Duration::from_secs(bound / SLOWEST));
        match timeout(patience, read(body, cap)).await {
            Ok(read) => Ok(read?),
            Err(_) => Err(Fault::TimedOut.into()),
        }
    }
}

/// The token or key of a caller.
fn bearer(headers: &HeaderMap) -> Result<&str, Fault> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    // Of two, a proxy may have believed the other.
    let value = values.next().filter(|_| values.next().is_none());
    let value = value.and_then(|value| value.to_str().ok());
    let (scheme, token) = value.and_then(|v| v.split_once(' ')).ok_or(Fault::Unauthenticated)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim())
    } else {
        Err(Fault::Unauthenticated)
    }
}

fn refused_key(error: AuthError) -> Refusal {
    match error {
        AuthError::Unauthorized => Fault::Unauthenticated.into(),
        AuthError::Unavailable(unavailable) => unavailable.into(),
    }
}

async fn read(body: Body, cap: usize) -> Result<SecretBytes, Fault> {
    let mut body = pin!(body);
    let mut bytes = SecretBytes::default();
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        // It broke off: nobody will read the answer.
        let Ok(data) = frame.map_err(|_| Fault::TimedOut)?.into_data() else { continue };
        if bytes.len().saturating_add(data.len()) > cap {
            return Err(Fault::TooLarge { cap: u64::try_from(cap).unwrap_or(u64::MAX) });
        }
        bytes.extend(&data);
    }
    Ok(bytes)
}

/// What the future gives, or `None` when it panics.
async fn no_panic<F: Future>(future: F) -> Option<F::Output> {
    let mut future: Pin<_> = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Some(output)),
        Err(_) => Poll::Ready(None),
    })
    .await
}

/// The one line that the log has of a request.
struct Line {
    id: String,
    method: &'static str,
    route: &'static str,
    user: Option<String>,
    began: Instant,
}

impl Line {
    fn new(headers: &HeaderMap, method: &'static str, route: &'static str) -> Self {
        let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            (1..=MAX_REQUEST_ID).contains(&id.len()) && id.bytes().all(is_plain)
        });
        let id = given.map_or_else(|| format!("{:016x}", rand::rng().next_u64()), str::to_owned);
        Self { id, method, route, user: None, began: Instant::now() }
    }

    fn end(self, answer: Answer) -> Response {
        let Self { id, method, route, user, began } = self;
        let code = answer.as_ref().err().map(|Refusal(problem)| problem.code.clone());
        let mut response = match answer {
            Ok(success) => success.into_response(),
            Err(refusal) => refusal.into_response(),
        };
        let status = response.status().as_u16();
        let ms = began.elapsed().as_secs_f64() * 1000.0;
        tracing::info!(
            target: "twoshare_custodian::http",
            id, method, route, status, ms,
            code = code.as_deref().unwrap_or("-"),
            user = user.as_deref().unwrap_or("-"),
            "request"
        );
        if let Ok(id) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        response
    }
}
