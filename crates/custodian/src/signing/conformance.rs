//! What every holder of signing shares must do, as one named test per case.
//!
//! ```ignore
//! twoshare_custodian::signing_shares_conformance!(MyHarness);
//! ```
//!
//! A [`Harness`] starts the holder under test, stops it and starts it again, and says with what it
//! would sign.

use core::future::Future;

use twoshare_core::{id::WalletId, share::AnyCustodianShare};

use super::SigningShares;
use crate::UserId;

#[doc(hidden)]
pub mod cases;

/// A holder under test.
pub trait Harness: Sized {
    /// The holder.
    type Holder: SigningShares;

    /// Starts a new one with nothing stored.
    fn start() -> Self;
    /// Runs a future to its end.
    fn block_on<F: Future>(&self, future: F) -> F::Output;
    /// The holder as it runs now.
    fn holder(&self) -> &Self::Holder;
    /// Ends it without a warning and starts it again: what it has not stored is lost.
    fn restart(&mut self);
    /// The shares that its signing service would sign with at this moment, asked as that service asks.
    fn signing(&self, user: &UserId, wallet: WalletId) -> Option<Vec<AnyCustodianShare>>;
}

/// Makes one test per case for a [`Harness`].
#[macro_export]
macro_rules! signing_shares_conformance {
    ($harness:ty) => {
        $crate::signing_shares_conformance_cases! { $harness:
            a_staged_epoch_is_read_back_as_it_was_given
            an_epoch_of_several_keys_is_kept_whole_and_in_order
            a_staged_epoch_does_not_sign
            staging_pauses_what_signed
            a_pause_outlives_a_restart
            the_active_epoch_signs_and_is_the_only_one_kept
            what_signs_outlives_a_restart
            a_pending_epoch_is_kept_and_pauses
            what_was_given_up_lets_the_old_epoch_sign_again
            what_was_displaced_is_dropped_and_the_pause_goes_on
            a_frozen_wallet_keeps_its_epochs_and_does_not_sign
            an_old_copy_pauses_and_drops_nothing
            a_repeated_stage_changes_nothing
            a_repeated_settle_changes_nothing
            a_late_settle_changes_nothing
            a_late_stage_changes_nothing
            lateness_outlives_a_restart
            a_deleted_wallet_leaves_nothing
            a_deleted_wallet_does_not_come_back
            the_same_number_of_another_operation_is_another_epoch
            wallets_are_apart
            users_are_apart
            what_is_missing_is_said_and_nothing_else_signs
            a_wallet_that_was_never_heard_of_settles_on_nothing
        }
    };
}

/// The list behind [`signing_shares_conformance!`], one test each.
#[doc(hidden)]
#[macro_export]
macro_rules! signing_shares_conformance_cases {
    ($harness:ty: $($case:ident)+) => { $(
        #[test]
        fn $case() {
            $crate::signing::conformance::cases::$case::<$harness>();
        }
    )+ };
}
