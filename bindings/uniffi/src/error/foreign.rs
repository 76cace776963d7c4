//! What the app's own code throws, into Rust: as it was thrown, or what it did wrong instead.

use std::time::Duration;

use uniffi::UnexpectedUniFFICallbackError;

use super::{
    DeleteError, DeviceFault, DiscardError, GetError, LoadError, Mirrors, PutError, SaveError,
    SourceError, StoreFault, TokenError, TransportError,
};
use crate::{foreign::NoAnswer, runtime::CutShort};

/// An error that the app's code throws, and a call into the app's code or the library's own ends with.
///
/// Each comes with the variant that has what went wrong instead, as its source.
macro_rules! thrown {
    ($($name:ident = $rust:ty, |$source:ident| $instead:expr;)+) => { $(
        impl From<SourceError> for $name {
            fn from($source: SourceError) -> Self {
                $instead
            }
        }

        impl From<UnexpectedUniFFICallbackError> for $name {
            fn from(error: UnexpectedUniFFICallbackError) -> Self {
                SourceError::Threw { reason: error.reason }.into()
            }
        }

        impl NoAnswer for $name {
            fn timed_out(after: Duration) -> Self {
                SourceError::TimedOut { after }.into()
            }
        }

        impl CutShort for $name {
            fn cancelled() -> Self {
                SourceError::Cancelled.into()
            }

            fn panicked(reason: String) -> Self {
                SourceError::Panicked { reason }.into()
            }
        }
    )+ };
}

/// Errors all of whose variants are Rust's.
macro_rules! total {
    ($($name:ident = $rust:ty, |$source:ident| $instead:expr;)+) => {
        thrown! { $( $name = $rust, |$source| $instead; )+ }

        $(
            impl From<$name> for $rust {
                fn from(error: $name) -> Self {
                    error.unmirror().unwrap_or_else(|ended| {
                        let ended = SourceError::Other { reason: ended.to_string() };
                        // Nothing of what the app throws has a variant that is not Rust's.
                        $name::from(ended).into()
                    })
                }
            }
        )+
    };
}

total! {
    DeviceFault = twoshare::device::DeviceFault, |source| Self::Failed { source };
    LoadError = twoshare::device::LoadError, |source| Self::Fault { source: source.into() };
    SaveError = twoshare::device::SaveError, |source| Self::Fault { source: source.into() };
    DeleteError = twoshare::device::DeleteError, |source| Self::Fault { source: source.into() };
    DiscardError = twoshare::device::DiscardError, |source| Self::Fault { source: source.into() };
    StoreFault = twoshare::core::store::StoreFault, |source| match source {
        SourceError::TimedOut { .. } => Self::Unavailable { retry_after: None, source },
        _ => Self::Broken { source },
    };
    PutError = twoshare::core::store::PutError, |source| Self::Fault { source: source.into() };
    GetError = twoshare::core::store::GetError, |source| Self::Fault { source: source.into() };
    TransportError = twoshare::TransportError, |source| Self::Unreachable { source };
}

thrown! {
    TokenError = twoshare::TokenError, |source| match source {
        SourceError::TimedOut { after } => Self::TimedOut { after },
        SourceError::Threw { reason } => Self::Threw { reason },
        source => Self::Threw { reason: source.to_string() },
    };
}

/// A custodian that cannot be spoken to is unavailable, whatever the app's code did wrong.
impl From<TokenError> for twoshare::TokenError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::NotSignedIn => Self::NotSignedIn,
            TokenError::Unavailable | TokenError::TimedOut { .. } | TokenError::Threw { .. } => {
                Self::Unavailable
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use super::*;
    use crate::error::tests::Samples;

    /// Every variant goes into Rust and comes back, as do a time-out and a stray exception.
    fn returns<Here, Rust>()
    where
        Here: From<Rust> + NoAnswer + From<UnexpectedUniFFICallbackError> + Debug + Clone,
        Rust: From<Here> + Samples,
    {
        let mut thrown: Vec<Here> = Rust::samples().iter().map(|sample| sample().into()).collect();
        thrown.push(Here::timed_out(Duration::from_secs(3)));
        thrown.push(UnexpectedUniFFICallbackError::new("a bug").into());
        for error in thrown {
            let back = Here::from(Rust::from(error.clone()));
            assert_eq!(format!("{back:?}"), format!("{error:?}"));
        }
    }

    #[test]
    fn what_the_app_throws_comes_back_as_it_was() {
        returns::<DeviceFault, twoshare::device::DeviceFault>();
        returns::<LoadError, twoshare::device::LoadError>();
        returns::<SaveError, twoshare::device::SaveError>();
        returns::<DeleteError, twoshare::device::DeleteError>();
        returns::<DiscardError, twoshare::device::DiscardError>();
        returns::<StoreFault, twoshare::core::store::StoreFault>();
        returns::<PutError, twoshare::core::store::PutError>();
        returns::<GetError, twoshare::core::store::GetError>();
        returns::<TransportError, twoshare::TransportError>();
    }

    #[test]
    fn a_time_out_and_a_stray_exception_have_variants_of_their_own() {
        let after = Duration::from_secs(3);
        let fault = DeviceFault::timed_out(after);
        assert!(
            matches!(fault, DeviceFault::Failed { source: SourceError::TimedOut { after: found } } if found == after)
        );
        let fault = DeviceFault::from(UnexpectedUniFFICallbackError::new("a bug"));
        let DeviceFault::Failed { source: SourceError::Threw { reason } } = fault else {
            panic!("not thrown")
        };
        assert_eq!(reason, "a bug");
        assert!(
            matches!(TokenError::timed_out(after), TokenError::TimedOut { after: found } if found == after)
        );
        let error = TokenError::from(UnexpectedUniFFICallbackError::new("a bug"));
        assert_eq!(error.to_string(), "the app's code failed: a bug");
        for rust in [twoshare::TokenError::NotSignedIn, twoshare::TokenError::Unavailable] {
            assert_eq!(TokenError::from(rust.clone()).to_string(), rust.to_string());
            assert_eq!(twoshare::TokenError::from(TokenError::from(rust.clone())), rust);
        }
    }
}
