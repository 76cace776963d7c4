//! The custodian: the server that holds the other half of every wallet.
//!
//! [`Service`] is all of it but the network: it keeps wallets in a [`Repository`], seals what it
//! holds of them under a [`Kms`], tells time by a [`Clock`], and takes every decision with the
//! protocol's own [engine](twoshare_protocol::engine). [`Service::login`] gives it to one user as a
//! [`Custodian`](twoshare_protocol::Custodian), in process; the operator's acts are methods of its
//! own.
//!
//! [`local`] is the whole thing without configuration: SQLite, a master key in a file.

pub mod audit;
mod auth;
mod clock;
mod files;
pub mod http;
pub mod kms;
pub mod local;
pub mod repository;
mod service;
pub mod signing;
pub mod sqlite;
mod token;
mod user;

pub use self::{
    auth::{AuthError, Authenticator},
    clock::{Clock, SystemClock},
    kms::Kms,
    repository::Repository,
    service::{
        AdoptError, Adopted, Config, Deleted, Health, IssuedSession, Limits, LocalSession,
        OpenError, OperatorError, Service, SigningError, WaitingRequest, Why,
    },
    signing::SigningShares,
    token::{Token, TokenError, TokenHash},
    user::{UserId, UserIdError},
};
