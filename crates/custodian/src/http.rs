//! The custodian over HTTP: [`router`] to mount in a service of one's own, [`serve`] to be one.
//!
//! Which path does what, and how a refusal is written, is [`twoshare_protocol::http`], for both ends;
//! `/openapi.json` is made from the handlers. Every request is bounded before it is looked at: its
//! headers, its caller's rate, its body, its time. What goes wrong is `application/problem+json`
//! throughout.
//!
//! **What is logged.** One line a request: its id, method, route template, status, code, milliseconds,
//! and a hash of the user under a key that is drawn at every start. Never a body, a header, a token,
//! a query, a path with its ids or an address, at no level.

mod answer;
mod call;
mod dispatch;
mod limit;
mod openapi;
mod operator;
mod serve;
#[cfg(test)]
mod tests;
mod user;
mod verdict;

use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{RawPathParams, Request, rejection::RawPathParamsRejection},
    http::StatusCode,
    routing::{MethodFilter, on},
};
use rand::Rng as _;
use twoshare_protocol::http::{Fault, Method, Route};

use crate::Service;

use self::{
    answer::Refusal,
    limit::{Limiter, Room},
};

pub use self::{
    limit::Rate,
    openapi::openapi,
    serve::{Serving, serve},
};

/// How much of the network anybody may use.
#[derive(Debug, Clone)]
pub struct HttpLimits {
    /// Requests of one user. 300 at once, 100 a second.
    pub user: Rate,
    /// Requests from one address (of IPv6, one /64). 2,000 at once, 500 a second.
    pub address: Rate,
    /// Proxies whose `X-Forwarded-For` is believed. This machine is always one.
    pub proxies: Vec<IpAddr>,
    /// How long a request may take to be answered once it is there. 20 s.
    pub answer: Duration,
    /// How long a body may take to arrive, besides a second for every 32 KiB that its path takes.
    /// 20 s.
    pub body: Duration,
    /// How long the headers may take to arrive, a connection may be idle, and an answer may wait to be
    /// read. 30 s.
    pub headers: Duration,
    /// Connections at once. 4,096.
    pub connections: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            user: Rate { burst: 300, per_second: 100 },
            address: Rate { burst: 2000, per_second: 500 },
            proxies: Vec::new(),
            answer: Duration::from_secs(20),
            body: Duration::from_secs(20),
            headers: Duration::from_secs(30),
            connections: 4096,
        }
    }
}

/// The custodian, to be mounted in any axum service, also under a prefix. Its limits are the default
/// ones.
///
/// Rates are counted by address where the service was started with
/// [`into_make_service_with_connect_info::<SocketAddr>`](Router::into_make_service_with_connect_info).
pub fn router(service: Service) -> Router {
    router_with(service, HttpLimits::default())
}

/// The same with other limits.
pub fn router_with(service: Service, limits: HttpLimits) -> Router {
    let mut log_key = [0; 32];
    rand::rng().fill_bytes(&mut log_key);
    let app = Arc::new(App {
        service,
        users: Limiter::new(limits.user),
        addresses: Limiter::new(limits.address),
        room: Room::default(),
        openapi: openapi().into_bytes(),
        log_key,
        limits,
    });
    let router = Route::ALL.iter().fold(Router::new(), |router, route| {
        let (app, route) = (Arc::clone(&app), *route);
        let handler = move |params: Result<RawPathParams, RawPathParamsRejection>,
                            request: Request| {
            dispatch::answer(Arc::clone(&app), route, params.ok(), request)
        };
        let filter = match route.method() {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
            Method::Put => MethodFilter::PUT,
            Method::Delete => MethodFilter::DELETE,
        };
        router.route(route.template(), on(filter, handler))
    });
    let (here, elsewhere) = (Arc::clone(&app), app);
    router
        .method_not_allowed_fallback(move |request: Request| {
            dispatch::refuse(Arc::clone(&here), Fault::MethodNotAllowed, request)
        })
        .fallback(move |request: Request| {
            dispatch::refuse(Arc::clone(&elsewhere), Fault::NoSuchPath, request)
        })
}

/// What all requests share.
struct App {
    service: Service,
    users: Limiter,
    addresses: Limiter,
    room: Room,
    openapi: Vec<u8>,
    /// Under which users are hashed for the log. Gone with the process.
    log_key: [u8; 32],
    limits: HttpLimits,
}

/// What a handler answers.
type Answer = Result<answer::Success, Refusal>;

/// The status of a problem; every one of them is a valid status.
fn status(number: u16) -> StatusCode {
    StatusCode::from_u16(number).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
