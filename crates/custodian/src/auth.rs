//! Who a token belongs to.

use core::fmt;

use async_trait::async_trait;
use thiserror::Error;
use twoshare_protocol::custodian::Unavailable;

use crate::UserId;

/// Tells whose token it is: the service's own sessions, or an app's issuer.
#[async_trait]
pub trait Authenticator: Send + Sync + fmt::Debug {
    /// The user whom this token, as it was sent, belongs to now. Compare in constant time, or look
    /// a hash up.
    async fn authenticate(&self, token: &str) -> Result<UserId, AuthError>;
}

/// Why nobody is logged in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthError {
    /// No such token, or it has expired: log in again.
    #[error("the token is unknown or has expired")]
    Unauthorized,
    /// See there.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}
