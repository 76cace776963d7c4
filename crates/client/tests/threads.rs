//! Every call of a client can run on any thread of an executor. That this compiles is the test.

use std::pin::Pin;

use twoshare::{
    Client, Method, Recovery,
    core::id::{CurveId, OperationId, WalletId},
};

type Call = Pin<Box<dyn Future<Output = ()> + Send>>;

/// All of them, in the form that an executor with several threads takes.
#[allow(dead_code, reason = "that it compiles is the test")]
fn every_call_can_run_on_any_thread(
    client: &Client,
    wallet: WalletId,
    method: &Method,
    id: OperationId,
) -> Vec<Call> {
    macro_rules! calls {
        ($($client:ident, $method:ident => $call:expr;)*) => { vec![$({
            let ($client, $method) = (client.clone(), method.clone());
            Box::pin(async move { drop($call.await) }) as Call
        },)*] };
    }
    calls! {
        c, _m => c.wallets();
        c, _m => c.wallets_here();
        c, _m => c.wallet(wallet);
        c, _m => c.state(wallet);
        c, _m => c.status(wallet);
        c, _m => c.create_wallet(&[CurveId::Secp256k1], None);
        c, _m => c.import_wallet(Vec::new(), None);
        c, m => c.backup(wallet, &[m]);
        c, m => c.replace(wallet, &[m]);
        c, m => c.replace_approved(wallet, &[m], id);
        c, m => c.refresh(wallet, &m);
        c, m => c.change_methods(wallet, &m, Vec::new());
        c, m => c.recover(wallet, Recovery::with(m));
        c, m => c.drill(wallet, Some(&m));
        c, m => c.eject(wallet, &m);
        c, _m => c.cancel(wallet, id);
        c, _m => c.resume(wallet);
        c, _m => c.forget(wallet);
    }
}
