//! A custodian over HTTP.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use twoshare::{HttpCustodian, Token};
//!
//! let token = Token::new("what the app's backend asked its custodian for")?;
//! let custodian = HttpCustodian::builder("https://custodian.example", token).build()?;
//! let login = custodian.user().await?;
//! println!("{} at {}", login.user, login.identity);
//! # Ok(()) }
//! ```
//!
//! A token is asked for again, once per call, when the custodian refuses it: tokens expire in the
//! middle of things. A call whose answer was lost is repeated, which the custodian answers with the
//! same; a refusal that is about the wallet never is. Needs a Tokio runtime.

pub(crate) mod call;
mod custodian;
mod retry;
#[cfg(test)]
mod tests;
mod token;
mod transport;

pub(crate) use self::transport::check_url;
pub use self::{
    custodian::{HttpCustodian, HttpCustodianBuilder, Login},
    retry::Retry,
    token::{Token, TokenError, TokenProvider, TokenTextError},
    transport::{
        HttpRequest, HttpResponse, HttpTransport, Precondition, ReqwestTransport, Timeouts,
        TransportError, UrlError,
    },
};
