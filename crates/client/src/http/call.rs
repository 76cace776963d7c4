//! Calling a server until there is an answer, or nothing more to try.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use twoshare_core::{id::OperationId, secret::SecretBytes};
use twoshare_protocol::{
    custodian::{Outage, Unavailable},
    http::Method,
};

use super::{
    HttpRequest, HttpResponse, HttpTransport, Precondition, Retry, TokenError, TokenProvider,
    TransportError,
};

/// Who calls whom, and how often.
pub(crate) struct Caller {
    /// Without a slash at its end.
    pub(crate) url: String,
    pub(crate) tokens: Box<dyn TokenProvider>,
    pub(crate) transport: Arc<dyn HttpTransport>,
    pub(crate) retry: Retry,
}

/// What is called for.
pub(crate) struct Call {
    pub(crate) method: Method,
    /// What follows the server's address.
    pub(crate) path: String,
    pub(crate) body: Option<(&'static str, SecretBytes)>,
    pub(crate) precondition: Option<Precondition>,
    pub(crate) accept: &'static str,
    pub(crate) max_answer: usize,
}

/// What an answer means.
pub(crate) enum Heard<T, E> {
    Answer(T),
    /// Asking again changes nothing.
    Final(E),
    TokenRefused,
    /// Asking again may help.
    Later(Unavailable),
}

pub(crate) const NOT_UNDERSTOOD: Unavailable = Unavailable::because(Outage::NotUnderstood);

impl Caller {
    /// Repeats what was lost or came at a bad time, and asks for another token once.
    pub(crate) async fn call<T, E: From<Unavailable>>(
        &self,
        call: Call,
        read: impl Fn(HttpResponse) -> Heard<T, E>,
    ) -> Result<T, E> {
        let Self { url, tokens, transport, retry } = self;
        let Call { method, path, body, precondition, accept, max_answer } = call;
        let (began, mut made, mut renewed) = (Instant::now(), 0u32, false);
        let mut token = tokens.token(None).await.map_err(no_token)?;
        let id = OperationId::make(&mut rand::rng()).to_string();
        loop {
            let request = HttpRequest {
                method,
                url: format!("{url}{path}"),
                token: Some(token.clone()),
                body: body.clone(),
                precondition,
                accept,
                max_answer,
                id: id.clone(),
            };
            made = made.saturating_add(1);
            let unavailable = match transport.send(request).await.map(&read) {
                Ok(Heard::Answer(answer)) => return Ok(answer),
                Ok(Heard::Final(error)) => return Err(error),
                Ok(Heard::TokenRefused) if renewed => {
                    return Err(Unavailable::because(Outage::NotSignedIn).into());
                }
                Ok(Heard::TokenRefused) => {
                    renewed = true;
                    token = tokens.token(Some(&token)).await.map_err(no_token)?;
                    continue;
                }
                Ok(Heard::Later(unavailable)) => unavailable,
                Err(TransportError::TooLong { .. }) => return Err(NOT_UNDERSTOOD.into()),
                Err(TransportError::Unreachable(_)) => Unavailable::because(Outage::Unreachable),
            };
            let asked = unavailable.retry_after.map(Duration::from_secs);
            match retry.pause(made, began.elapsed(), asked) {
                Some(pause) => sleep(pause).await,
                None => return Err(unavailable.into()),
            }
        }
    }
}

/// What an answer means that says nothing but its status: a proxy's, or that of a server which is none of
/// ours.
pub(crate) fn read_status<T, E: From<Unavailable>>(
    status: u16,
    retry_after: Option<u64>,
) -> Heard<T, E> {
    match status {
        401 => Heard::TokenRefused,
        408 | 429 | 502..=504 => Heard::Later(Unavailable { cause: Outage::Busy, retry_after }),
        500..=599 => Heard::Later(Unavailable { cause: Outage::Failed, retry_after }),
        _ => Heard::Final(NOT_UNDERSTOOD.into()),
    }
}

fn no_token<E: From<Unavailable>>(error: TokenError) -> E {
    let cause = match error {
        TokenError::NotSignedIn => Outage::NotSignedIn,
        TokenError::Unavailable => Outage::Unreachable,
    };
    Unavailable::because(cause).into()
}
