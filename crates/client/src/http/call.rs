//! Calling a server until there is an answer, or nothing more to try.

use std::{pin::Pin, sync::Arc, time::Duration};

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
pub(crate) enum Heard<E> {
    Answer,
    /// Asking again changes nothing.
    Final(E),
    TokenRefused,
    /// Asking again may help.
    Later(Unavailable),
}

pub(crate) const NOT_UNDERSTOOD: Unavailable = Unavailable::because(Outage::NotUnderstood);

/// Whether to ask again.
enum Again {
    No,
    WithAnotherToken,
    Later(Unavailable),
}

type Answered<'a> = Pin<Box<dyn Future<Output = Result<HttpResponse, Unavailable>> + Send + 'a>>;

impl Caller {
    /// Repeats what was lost or came at a bad time, and asks for another token once.
    pub(crate) async fn call<E: From<Unavailable>>(
        &self,
        call: Call,
        read: fn(&HttpResponse) -> Heard<E>,
    ) -> Result<HttpResponse, E> {
        let again = |response: &HttpResponse| match read(response) {
            Heard::Answer | Heard::Final(_) => Again::No,
            Heard::TokenRefused => Again::WithAnotherToken,
            Heard::Later(unavailable) => Again::Later(unavailable),
        };
        let response = self.answered(call, &again).await?;
        match read(&response) {
            Heard::Final(error) => Err(error),
            Heard::Answer | Heard::TokenRefused | Heard::Later(_) => Ok(response),
        }
    }

    /// Boxed, and without the types: there is one of this, and not one for every message.
    fn answered<'a>(
        &'a self,
        call: Call,
        again: &'a (dyn Fn(&HttpResponse) -> Again + Sync),
    ) -> Answered<'a> {
        Box::pin(self.ask(call, again))
    }

    async fn ask(
        &self,
        call: Call,
        again: &(dyn Fn(&HttpResponse) -> Again + Sync),
    ) -> Result<HttpResponse, Unavailable> {
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
            let unavailable = match transport.send(request).await {
                Ok(response) => match again(&response) {
                    Again::No => return Ok(response),
                    Again::WithAnotherToken if renewed => {
                        return Err(Unavailable::because(Outage::NotSignedIn));
                    }
                    Again::WithAnotherToken => {
                        renewed = true;
                        token = tokens.token(Some(&token)).await.map_err(no_token)?;
                        continue;
                    }
                    Again::Later(unavailable) => unavailable,
                },
                Err(TransportError::TooLong { .. }) => return Err(NOT_UNDERSTOOD),
                Err(TransportError::Unreachable(_)) => Unavailable::because(Outage::Unreachable),
            };
            let asked = unavailable.retry_after.map(Duration::from_secs);
            match retry.pause(made, began.elapsed(), asked) {
                Some(pause) => sleep(pause).await,
                None => return Err(unavailable),
            }
        }
    }
}

/// What an answer means that says nothing but its status: a proxy's, or that of a server which is none of
/// ours.
pub(crate) fn read_status<E: From<Unavailable>>(status: u16, retry_after: Option<u64>) -> Heard<E> {
    match status {
        401 => Heard::TokenRefused,
        408 | 429 | 502..=504 => Heard::Later(Unavailable { cause: Outage::Busy, retry_after }),
        500..=599 => Heard::Later(Unavailable { cause: Outage::Failed, retry_after }),
        _ => Heard::Final(NOT_UNDERSTOOD.into()),
    }
}

fn no_token(error: TokenError) -> Unavailable {
    let cause = match error {
        TokenError::NotSignedIn => Outage::NotSignedIn,
        TokenError::Unavailable => Outage::Unreachable,
    };
    Unavailable::because(cause)
}
