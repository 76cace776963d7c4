//! Two parties of one of cggmp24's protocols, which are two machines in an app and two threads here.

use std::{convert::Infallible, thread};

use futures::{
    StreamExt as _,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
    stream::BoxStream,
};
use round_based::{Incoming, MessageDestination, MessageType, MpcParty, Outgoing};

/// A party's connection to the other one: in an app, a WebSocket or a queue.
pub type Connection<M> = MpcParty<
    M,
    (BoxStream<'static, Result<Incoming<M>, Infallible>>, UnboundedSender<Outgoing<M>>),
>;

/// Runs both parties, 0 and 1, each on its own thread.
///
/// # Panics
///
/// If one of them does.
pub fn both<M: Send + 'static, T: Send>(
    party: impl Fn(u16, Connection<M>) -> T + Send + Sync,
) -> [T; 2] {
    let ((to_other, from_one), (to_one, from_other)) = (unbounded(), unbounded());
    thread::scope(|scope| {
        let one = scope.spawn(|| party(0, connected(1, from_other, to_other)));
        let other = party(1, connected(0, from_one, to_one));
        [one.join().expect("the party did not panic"), other]
    })
}

fn connected<M: Send + 'static>(
    other: u16,
    from: UnboundedReceiver<Outgoing<M>>,
    to: UnboundedSender<Outgoing<M>>,
) -> Connection<M> {
    let received = from.enumerate().map(move |(id, Outgoing { recipient, msg })| {
        let msg_type = match recipient {
            MessageDestination::AllParties => MessageType::Broadcast,
            MessageDestination::OneParty(_) => MessageType::P2P,
        };
        Ok(Incoming { id: id as u64, sender: other, msg_type, msg })
    });
    MpcParty::connected((received.boxed(), to))
}
