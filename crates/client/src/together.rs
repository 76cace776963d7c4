//! Several futures at once, on the caller's task, for a bounded time: dropping what waits for them drops
//! them all.

use std::{
    future::{pending, poll_fn},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

/// A future of which it does not matter what else it is.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Is ready after this time. Outside of a tokio runtime, which has the clock, never.
pub(crate) fn after(time: Duration) -> Boxed<'static, ()> {
    match tokio::runtime::Handle::try_current() {
        Ok(_) => Box::pin(tokio::time::sleep(time)),
        Err(_) => Box::pin(pending()),
    }
}

/// Runs all of them, and gives their outputs in their order: `None` for those that were not ready after
/// the time `each`, or after the time `others` once so many as are `enough` are good.
pub(crate) async fn together<'a, T>(
    futures: impl IntoIterator<Item = Boxed<'a, T>>,
    each: Duration,
    (enough, others): (usize, Duration),
    is_good: impl Fn(&T) -> bool,
) -> Vec<Option<T>> {
    let mut running: Vec<_> = futures.into_iter().map(Running::new).collect();
    let mut limits = vec![after(each)];
    poll_fn(|context| {
        let pending = running.iter_mut().filter_map(|one| one.is_pending(context).then_some(()));
        if pending.count() == 0 {
            return Poll::Ready(());
        }
        let good = running.iter().filter_map(|one| one.output.as_ref()).filter(|one| is_good(one));
        if limits.len() == 1 && good.count() >= enough {
            limits.push(after(others));
        }
        let over = limits.iter_mut().any(|limit| limit.as_mut().poll(context).is_ready());
        if over { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().map(|one| one.output).collect()
}

/// Runs one after the other, each with a head start before the next one runs as well, until `chosen`
/// takes an output. Gives that, and nothing if none was taken.
pub(crate) async fn first<'a, T, C>(
    futures: impl IntoIterator<Item = Boxed<'a, T>>,
    head_start: Duration,
    mut chosen: impl FnMut(T) -> Option<C>,
) -> Option<C> {
    let mut waiting = futures.into_iter();
    let mut running: Vec<Boxed<'a, T>> = Vec::new();
    let mut start = after(head_start);
    let mut begun = false;
    poll_fn(|context| {
        loop {
            let mut failed = false;
            let mut at = 0;
            while let Some(one) = running.get_mut(at) {
                let Poll::Ready(output) = one.as_mut().poll(context) else {
                    at += 1;
                    continue;
                };
                drop(running.remove(at));
                if let Some(chosen) = chosen(output) {
                    return Poll::Ready(Some(chosen));
                }
                failed = true;
            }
            let next = failed || !begun || start.as_mut().poll(context).is_ready();
            match next.then(|| waiting.next()).flatten() {
                Some(one) => running.push(one),
                None if running.is_empty() => return Poll::Ready(None),
                // With nobody left to start there is nothing to wake up for.
                None if next => {
                    start = Box::pin(pending());
                    return Poll::Pending;
                }
                None => return Poll::Pending,
            }
            begun = true;
            start = after(head_start);
        }
    })
    .await
}

/// The output of a future, unless it takes longer.
pub(crate) async fn within<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut limit = after(time);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => limit.as_mut().poll(context).map(|()| None),
    })
    .await
}

struct Running<'a, T> {
    future: Boxed<'a, T>,
    output: Option<T>,
}

impl<'a, T> Running<'a, T> {
    fn new(future: Boxed<'a, T>) -> Self {
        Self { future, output: None }
    }

    fn is_pending(&mut self, context: &mut Context<'_>) -> bool {
        if self.output.is_none()
            && let Poll::Ready(output) = self.future.as_mut().poll(context)
        {
            self.output = Some(output);
        }
        self.output.is_none()
    }
}
