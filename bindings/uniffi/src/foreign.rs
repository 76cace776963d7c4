//! Calls into the app's code: each is waited for so long and no longer.

use std::time::Duration;

use crate::{
    error::{Named, path_of},
    log::{self, Answer},
};

/// How long a call into the app's code is waited for, where the app does not say.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// The error of a call into the app's code, which may not have answered.
pub(crate) trait NoAnswer {
    /// It did not answer in time.
    fn timed_out(after: Duration) -> Self;
}

/// Waits for the app's code, whose name is `what`. When it takes too long, the call is dropped, which cancels it where the
/// language can.
pub(crate) async fn call<T, E: NoAnswer + Named>(
    what: &'static str,
    timeout: Duration,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    match tokio::time::timeout(timeout, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            log::app(what, Answer::Threw { error: path_of(&error) });
            Err(error)
        }
        Err(_) => {
            log::app(what, Answer::TimedOut { after: timeout });
            Err(E::timed_out(timeout))
        }
    }
}
