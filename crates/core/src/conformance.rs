//! Suites that every store and every method is held to: one macro line, one named test per case.
//!
//! ```ignore
//! mod my_store {
//!     // An expression that gives a new, empty store each time.
//!     twoshare_core::envelope_store_conformance!(MyStore::new());
//! }
//! mod my_method {
//!     // An expression that gives the same method each time, as if the user entered it again; and one
//!     // that gives another of its kind, whose secret is another.
//!     twoshare_core::backup_method_conformance!(MyMethod::new("right"), MyMethod::new("wrong"));
//! }
//! ```
//!
//! Stores that need a runtime name what runs a future to its end:
//! `envelope_store_conformance!(MyStore::new(), on_my_runtime)`.

pub mod decoders;
mod method;
mod store;

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

pub use self::{method::MethodCases, store::StoreCases};

/// Runs a future to its end on this thread.
pub fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Writes one named test for each case of the contract of [`EnvelopeStore`](crate::store::EnvelopeStore).
///
/// The first argument is an expression that gives a new, empty store each time it is evaluated; the
/// second, where the store needs a runtime, is what runs a future.
#[macro_export]
macro_rules! envelope_store_conformance {
    ($store:expr) => {
        $crate::envelope_store_conformance!($store, $crate::conformance::block_on);
    };
    ($store:expr, $block_on:expr) => {
        $crate::envelope_store_conformance!(@cases $store, $block_on,
            what_is_put_is_got,
            what_is_absent_is_not_found,
            putting_again_is_a_repetition,
            other_bytes_do_not_overwrite,
            of_two_writers_one_succeeds,
            empty_and_large_objects_come_back,
            every_byte_comes_back,
            objects_of_a_wallet_are_listed,
            wallets_do_not_see_each_other,
            receipts_are_beside_envelopes,
            what_is_deleted_is_gone,
            deleting_what_is_absent_succeeds,
            what_was_deleted_can_be_put_again,
            envelopes_come_back_by_name,
            damage_is_told,
        );
    };
    (@cases $store:expr, $block_on:expr, $($case:ident,)+) => {
        $(
            #[test]
            fn $case() {
                $block_on($crate::conformance::StoreCases::$case(&$store));
            }
        )+
    };
}

/// Writes one named test for each case of the contract of [`BackupMethod`](crate::method::BackupMethod).
///
/// The first argument gives the method, as if its user entered it, each time it is evaluated; the
/// second another method of the same kind with another secret; the third, where the method needs a
/// runtime, is what runs a future.
#[macro_export]
macro_rules! backup_method_conformance {
    ($method:expr, $other:expr) => {
        $crate::backup_method_conformance!($method, $other, $crate::conformance::block_on);
    };
    ($method:expr, $other:expr, $block_on:expr) => {
        $crate::backup_method_conformance!(@cases $method, $other, $block_on,
            what_it_makes_it_opens,
            every_slot_is_new,
            another_secret_does_not_open,
            other_kinds_are_not_its_own,
            unreadable_parameters_are_refused,
            it_opens_an_envelope,
            its_slot_survives_the_next_epoch,
            it_vouches_as_it_says,
            both_sides_agree,
            debug_is_short,
        );
    };
    (@cases $method:expr, $other:expr, $block_on:expr, $($case:ident,)+) => {
        $(
            #[test]
            fn $case() {
                $block_on($crate::conformance::MethodCases::$case(&$method, &$other));
            }
        )+
    };
}
