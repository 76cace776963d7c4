use tokio::sync::watch;

/// Ends calls in the middle. Give the same one to every call that it is to end.
///
/// A call that is cancelled ends with the variant `Cancelled` of its error, and soon: when what it is
/// waiting for has been let go of. The last backup is as it was, and the wallet's turn is free for the
/// next call. What had been begun is kept on the device: `Client.resume` finishes it or gives it up, and
/// so does every other call about that wallet before it begins.
///
/// In Kotlin, cancelling the coroutine does the same without one of these; in Swift the calls without
/// this argument do it when their task is cancelled.
#[derive(Debug, uniffi::Object)]
pub struct Cancellation(watch::Sender<bool>);

#[uniffi::export]
impl Cancellation {
    /// One that has cancelled nothing yet.
    #[uniffi::constructor]
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Cancels every call that this was given to, and every one that it will be given to. Once is enough;
    /// it returns at once.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// Whether `cancel` has been called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }
}

impl Cancellation {
    /// Is ready when it is cancelled.
    pub(crate) async fn cancelled(&self) {
        // The sender is here, so that it does not close.
        let _ = self.0.subscribe().wait_for(|cancelled| *cancelled).await;
    }
}

impl Default for Cancellation {
    fn default() -> Self {
        Self::new()
    }
}
