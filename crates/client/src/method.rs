//! Methods at work, away from the executor: stretching a password takes a second and a lot of memory.

use std::{future::pending, panic::resume_unwind, sync::Arc};

use tokio::runtime::Handle;
use twoshare_core::{
    curve::AnyVerifyingKey,
    envelope::{Envelope, Expected, OpenError, Opened, Slot, SlotError, SlotId},
    id::WalletId,
    method::{BackupMethod, SlotKind},
};

use crate::client::rng;

/// A backup method, shared with the thread that it works on.
pub type Method = Arc<dyn BackupMethod>;

/// A change of the wallet's methods.
#[derive(Debug, Clone)]
pub enum MethodChange {
    /// A slot for one more method.
    Add(Method),
    /// The slot is gone from the new epoch on. [`Status::methods`](crate::Status::methods) has the ids.
    Remove(SlotId),
    /// The slot gives way to one for this method.
    Replace(SlotId, Method),
}

/// Opens an envelope.
pub(crate) async fn open(
    envelope: Envelope,
    method: &Method,
    expected: Expected,
) -> Result<Opened, OpenError> {
    let method = Arc::clone(method);
    aside(method.kind(), async move { envelope.open(&*method, &expected).await }).await
}

/// Makes a slot.
pub(crate) async fn make_slot(
    method: &Method,
    wallet: WalletId,
    keys: &[AnyVerifyingKey],
) -> Result<Slot, SlotError> {
    let (method, keys) = (Arc::clone(method), keys.to_vec());
    let kind = method.kind();
    aside(kind, async move { Slot::make(&*method, wallet, &keys, &mut rng()).await }).await
}

/// Where the kind of method stretches a secret, on a thread that may block; elsewhere, and without a
/// runtime, here. Dropped, that thread works to its end for nothing.
async fn aside<T, F>(kind: SlotKind, future: F) -> T
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let stretches = matches!(kind, SlotKind::Password | SlotKind::Pin | SlotKind::Other(_));
    let handle = match Handle::try_current() {
        Ok(handle) if stretches => handle,
        Ok(_) | Err(_) => return future.await,
    };
    let blocking = handle.clone();
    match handle.spawn_blocking(move || blocking.block_on(future)).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is shutting down, and this task with it.
            Err(_) => pending().await,
        },
    }
}
