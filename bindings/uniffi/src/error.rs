//! Why an operation did not happen.

use std::time::Duration;

use thiserror::Error;
use twoshare::{core, device, error, protocol};
use uniffi::UnexpectedUniFFICallbackError;

use crate::{foreign::NoAnswer, runtime::CutShort};

macro_rules! placeholders {
    ($($name:ident: $rust:ty;)+) => { $(
        /// Why it did not happen.
        #[derive(Debug, Error, uniffi::Error)]
        pub enum $name {
            /// It failed.
            #[error("{reason}")]
            Failed {
                /// What the library said.
                reason: String,
            },
            /// The app has cancelled the call.
            #[error("the call was cancelled")]
            Cancelled,
            /// The library has a bug.
            #[error("the library panicked: {reason}")]
            Panicked {
                /// What it said.
                reason: String,
            },
        }

        impl From<$rust> for $name {
            fn from(error: $rust) -> Self {
                Self::Failed { reason: error.to_string() }
            }
        }

        impl CutShort for $name {
            fn cancelled() -> Self {
                Self::Cancelled
            }

            fn panicked(reason: String) -> Self {
                Self::Panicked { reason }
            }
        }
    )+ };
}

placeholders! {
    IdError: core::id::IdError;
    SlotIdError: core::envelope::SlotIdError;
    StoreIdError: twoshare::stores::StoreIdError;
    IdentityError: core::identity::IdentityError;
    CheckCodeError: core::check_code::CheckCodeError;
    DigestError: core::digest::DigestError;
    ObjectNameError: core::store::ObjectNameError;
    PasswordError: core::method::PasswordError;
    CodeError: core::method::CodeError;
    UrlError: twoshare::UrlError;
    ReadError: protocol::custodian::ReadError;
    OpenDeviceError: device::OpenDeviceError;
    StoresError: twoshare::stores::StoresError;
    StateError: error::StateError;
    DeviceError: error::DeviceError;
    CreateError: error::CreateError;
    BackupError: error::BackupError;
    DrillError: error::DrillError;
    RecoverError: error::RecoverError;
    ResumeError: error::ResumeError;
    RunError: error::RunError;
}

impl From<PasswordError> for OpenDeviceError {
    fn from(error: PasswordError) -> Self {
        Self::Failed { reason: error.to_string() }
    }
}

macro_rules! foreign {
    ($($name:ident: $rust:ty, |$reason:ident| $into:expr;)+) => { $(
        /// Why it did not happen.
        #[derive(Debug, Error, uniffi::Error)]
        pub enum $name {
            /// It failed.
            #[error("{reason}")]
            Failed {
                /// What the app said.
                reason: String,
            },
        }

        impl From<UnexpectedUniFFICallbackError> for $name {
            fn from(error: UnexpectedUniFFICallbackError) -> Self {
                Self::Failed { reason: error.reason }
            }
        }

        impl NoAnswer for $name {
            fn timed_out(after: Duration) -> Self {
                Self::Failed { reason: format!("no answer within {} s", after.as_secs()) }
            }
        }

        impl From<$name> for $rust {
            fn from(error: $name) -> Self {
                let $name::Failed { reason: $reason } = error;
                $into
            }
        }
    )+ };
}

foreign! {
    DeviceFault: device::DeviceFault, |reason| Self::Failed(reason.into());
    LoadError: device::LoadError, |reason| Self::Fault(device::DeviceFault::Failed(reason.into()));
    SaveError: device::SaveError, |reason| Self::Fault(device::DeviceFault::Failed(reason.into()));
    DeleteError: device::DeleteError, |reason| Self::Fault(device::DeviceFault::Failed(reason.into()));
    DiscardError: device::DiscardError, |reason| Self::Fault(device::DeviceFault::Failed(reason.into()));
    TransportError: twoshare::TransportError, |reason| {
        Self::Unreachable(std::sync::Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(reason)))
    };
    TokenError: twoshare::TokenError, |_reason| Self::Unavailable;
}
