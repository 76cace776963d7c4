//! A custodian over HTTP.
//!
//! ```no_run
//! # #[cfg(feature = "reqwest")]
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

//!
//! The requests are sent by [`ReqwestTransport`] (feature `reqwest`, on by default), or by the app's own
//! HTTP stack behind [`HttpTransport`]. With the feature `http` alone there is no C code in here, and a
//! custodian or store is only built once a transport is given.

mod address;
pub(crate) mod call;
mod custodian;
#[cfg(feature = "reqwest")]
mod reqwest;
mod retry;
#[cfg(test)]
#[cfg(feature = "reqwest")]
mod tests;
mod token;
mod transport;

pub(crate) use self::address::check_url;
#[cfg(feature = "reqwest")]
pub use self::reqwest::{ReqwestTransport, Timeouts};
pub use self::{
    address::UrlError,
    custodian::{HttpCustodian, HttpCustodianBuilder, Login},
    retry::Retry,
    token::{Token, TokenError, TokenProvider, TokenTextError},
    transport::{
        HttpRequest, HttpResponse, HttpTransport, NoTransport, OwnTransport, Precondition,
        TransportError,
    },
};
