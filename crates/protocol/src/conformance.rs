//! What every [`Custodian`] must do, as one named test per case.
//!
//! ```ignore
//! twoshare_protocol::custodian_conformance!(MyHarness);
//! ```
//!
//! A [`Harness`] starts the custodian under test and plays its operator and its clock.

use core::future::Future;

use twoshare_core::{
    id::{OperationId, WalletId},
    identity::CustodianIdentity,
};

use crate::{
    custodian::Custodian,
    memory::OperatorError,
    rules::{Favour, Policy, Time},
};

pub mod cases;
pub mod device;
pub mod tap;

/// A custodian under test, with its operator and its clock.
pub trait Harness: Sized {
    /// The custodian as a logged-in user sees it.
    type Session: Custodian + Clone;
    /// A copy of what it has stored.
    type Snapshot;

    /// Starts a new custodian with this policy and nothing stored.
    fn start(policy: Policy) -> Self;
    /// Runs a future to its end.
    fn block_on<F: Future>(&self, future: F) -> F::Output;
    /// Its identity.
    fn identity(&self) -> CustodianIdentity;
    /// Logs a user in.
    fn login(&self, user: &str) -> Self::Session;
    /// Lets time pass.
    fn advance(&self, seconds: Time);
    /// Stops it and starts it again: what it has not stored is lost.
    fn restart(&self);
    /// Copies what it has stored.
    fn snapshot(&self) -> Self::Snapshot;
    /// Starts it from a copy.
    fn restore(&self, snapshot: Self::Snapshot);
    /// The operator opens a wallet's window.
    ///
    /// # Errors
    ///
    /// What the operator is told.
    fn open_window(&self, user: &str, wallet: WalletId, seconds: Time)
    -> Result<(), OperatorError>;
    /// The operator freezes a wallet.
    ///
    /// # Errors
    ///
    /// What the operator is told.
    fn freeze(&self, user: &str, wallet: WalletId) -> Result<(), OperatorError>;
    /// The operator lets a wallet go on.
    ///
    /// # Errors
    ///
    /// What the operator is told.
    fn unfreeze(
        &self,
        user: &str,
        wallet: WalletId,
        favour: Option<Favour>,
    ) -> Result<(), OperatorError>;
    /// The operator approves a recovery after a restore.
    ///
    /// # Errors
    ///
    /// What the operator is told.
    fn approve(&self, user: &str, wallet: WalletId, id: OperationId) -> Result<(), OperatorError>;
    /// The operator ends a waiting request.
    ///
    /// # Errors
    ///
    /// What the operator is told.
    fn deny(&self, user: &str, wallet: WalletId, id: OperationId) -> Result<(), OperatorError>;
    /// The operator lets wallets be moved to this custodian.
    fn trust(&self, custodian: CustodianIdentity);
    /// The operator takes that word back.
    fn distrust(&self, custodian: CustodianIdentity);
}

/// Makes a module with one test per case for a [`Harness`].
#[macro_export]
macro_rules! custodian_conformance {
    ($harness:ty) => {
        $crate::custodian_conformance_cases! { $harness:
            a_new_wallet_has_a_signed_state
            two_generations_of_keys_differ
            a_first_backup_is_of_the_same_keys
            an_imported_wallet_is_backed_up_by_dealing
            a_refresh_makes_shares_that_combine_with_no_older_ones
            a_recovery_makes_both_pairs_and_ends_the_old_ones
            a_single_key_recovery_brings_the_key_back
            a_replaced_backup_can_be_recovered_from
            a_repeated_prepare_has_the_same_answer
            a_repeated_prepare_has_the_same_answer_after_a_restart
            a_repeated_commit_has_the_same_receipt
            other_bytes_under_the_same_operation_are_refused
            a_session_is_used_once
            a_session_does_not_outlive_its_time
            a_proof_of_another_body_is_refused
            a_proof_of_another_session_is_refused
            a_proof_of_another_share_is_refused
            a_proof_is_needed_per_key
            an_offer_of_somebody_without_the_old_share_is_refused
            a_dealt_share_of_another_key_is_refused
            a_dealt_share_of_another_epoch_is_refused
            a_commit_needs_the_new_shares
            a_token_alone_moves_nothing
            the_device_alone_only_replaces
            another_users_wallet_does_not_exist
            a_pending_epoch_expires
            an_abandoned_operation_stays_abandoned
            what_is_abandoned_before_it_arrives_is_refused
            a_recovery_displaces_a_refresh
            two_recoveries_do_not_displace_each_other
            a_foreign_receipt_vouches_for_nothing
            an_own_receipt_lets_epochs_jump
            a_drill_is_proven_with_a_fresh_nonce
            an_eject_needs_the_window
            an_eject_is_sealed_to_its_asker
            a_waiting_recovery_can_be_disputed
            a_frozen_wallet_stands_still
            a_restored_copy_lets_an_approved_recovery_through
            an_abandoned_wallet_leaves_nothing
            a_used_epoch_number_is_refused
            the_wrong_plan_is_refused
            a_pending_epochs_envelope_is_kept
            an_envelope_needs_the_new_shares
            an_upload_proof_is_for_its_bytes
            uploads_are_bounded
            a_committed_envelope_is_repaired_by_its_digest
            an_abandoned_envelope_is_deleted
            an_ended_envelope_is_kept_until_it_is_retired
            an_envelope_that_is_never_committed_is_deleted
            a_token_alone_gives_nothing_up
            shares_of_something_else_prove_nothing
            a_pending_share_serves_its_own_operation
            a_request_serves_once_and_for_one_purpose
            a_prepare_of_another_wallet_is_refused
            a_flood_of_sessions_drowns_nobody
            a_single_key_wallet_becomes_an_mpc_wallet
            a_converted_wallet_has_the_same_key
            a_converted_wallets_key_proves_nothing
            a_conversion_needs_the_active_share_and_its_time
            a_conversion_waits_where_a_recovery_does
            a_converted_wallets_receipts_stay_as_they_were
            a_wallet_gets_no_more_keys
            a_wallet_moves
            a_single_key_wallet_moves
            a_wallet_comes_back
            a_move_needs_what_an_eject_needs
            a_move_goes_where_it_was_begun
            a_receipt_of_something_else_hands_nothing_over
            a_hand_over_waits_for_the_operator
            a_commit_keeps_a_wallet_that_was_leaving
            a_move_can_be_abandoned
            a_wallet_that_is_here_does_not_arrive
            a_move_has_its_own_plans
        }
    };
}

/// The list behind [`custodian_conformance!`], one test each.
#[doc(hidden)]
#[macro_export]
macro_rules! custodian_conformance_cases {
    ($harness:ty: $($case:ident)+) => { $(
        #[test]
        fn $case() {
            $crate::conformance::cases::$case::<$harness>();
        }
    )+ };
}
