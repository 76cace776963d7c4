//! The suite that every [`DeviceState`](crate::DeviceState) is held to: one macro line, one named test
//! per case.
//!
//! ```ignore
//! mod my_device {
//!     // An expression that gives a new, empty device each time: a closure that opens it, and opens
//!     // the same one again once the last handle is dropped, as a restarted app does.
//!     twoshare::device_state_conformance!({ let path = new_path(); move || MyDevice::open(&path) });
//! }
//! ```
//!
//! Devices that need a runtime name what runs a future to its end:
//! `device_state_conformance!(…, on_my_runtime)`.

mod device;

pub use self::device::DeviceCases;
#[doc(hidden)]
pub use twoshare_core::conformance::block_on;

/// Writes one named test for each case of the contract of [`DeviceState`](crate::DeviceState).
///
/// The first argument is an expression that gives a closure, a new one with an empty device of its own
/// each time; the closure opens the device, and is called again after the last handle was dropped. The
/// second, where the device needs a runtime, is what runs a future.
#[macro_export]
macro_rules! device_state_conformance {
    ($opener:expr) => {
        $crate::device_state_conformance!($opener, $crate::conformance::block_on);
    };
    ($opener:expr, $block_on:expr) => {
        $crate::device_state_conformance!(@cases $opener, $block_on,
            what_is_saved_is_loaded,
            what_is_absent_is_none,
            what_is_saved_survives_the_app,
            counters_rise,
            a_late_writer_is_refused,
            a_second_first_record_is_refused,
            of_two_writers_one_succeeds,
            what_is_deleted_is_gone,
            deleting_what_is_absent_succeeds,
            a_late_deletion_is_refused,
            counters_rise_over_a_deletion,
            wallets_are_apart,
            wallets_are_listed_in_order,
            empty_and_large_records_come_back,
            an_absurd_record_is_refused,
            an_intact_record_is_not_discarded,
            a_dropped_save_has_happened_or_not,
            debug_shows_no_record,
        );
    };
    (@cases $opener:expr, $block_on:expr, $($case:ident,)+) => {
        $(
            #[test]
            fn $case() {
                let open = $opener;
                $block_on($crate::conformance::DeviceCases::$case(&open));
            }
        )+
    };
}
