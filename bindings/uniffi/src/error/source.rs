//! What an error comes from where Rust leaves the type open.

use std::{error::Error, fmt, io, sync::Arc, time::Duration};

use tokio::task::JoinError;
use twoshare::{
    protocol::custodian::{Outage, Unavailable},
    stores::TimedOut,
};

use super::{Ended, Mirrors, Named, TransportError, chain};

/// What an error comes from, where that is not for the library to say: the app's own code, the operating
/// system, a library below. What the app's code throws comes back as it was thrown.
#[derive(Debug, Clone, uniffi::Error)]
pub enum SourceError {
    /// The app's code, or a store, did not answer in time.
    TimedOut {
        /// How long it was waited for.
        after: Duration,
    },
    /// The app's code threw something else than its function declares, or returned nonsense: correct it.
    Threw {
        /// What it says of itself.
        reason: String,
    },
    /// The library has a bug: report it, with this.
    Panicked {
        /// What it said.
        reason: String,
    },
    /// The call was cancelled.
    Cancelled,
    /// An HTTP request had no answer.
    Transport {
        /// See there.
        source: Box<TransportError>,
    },
    /// The custodian is unavailable.
    Custodian {
        /// What is the matter.
        outage: Outage,
        /// Seconds to wait before trying again, where the custodian said.
        retry_after: Option<u64>,
    },
    /// The operating system's file system failed.
    Io {
        /// Its number, where it has one: `errno`.
        code: Option<i32>,
        /// What it says.
        reason: String,
    },
    /// Anything else. This is what the app's code throws inside the errors of its traits, with what it has to say.
    Other {
        /// What it says.
        reason: String,
    },
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut { after } => TimedOut { after: *after }.fmt(f),
            Self::Threw { reason } => write!(f, "the app's code failed: {reason}"),
            Self::Panicked { reason } => Ended::Panicked(reason.clone()).fmt(f),
            Self::Cancelled => Ended::Cancelled.fmt(f),
            Self::Transport { source } => source.fmt(f),
            Self::Custodian { outage, retry_after } => {
                Unavailable { cause: *outage, retry_after: *retry_after }.fmt(f)
            }
            Self::Io { reason, .. } | Self::Other { reason } => f.write_str(reason),
        }
    }
}

impl Named for SourceError {
    fn name(&self, path: &mut Vec<&'static str>) {
        path.push(match self {
            Self::TimedOut { .. } => "TimedOut",
            Self::Threw { .. } => "Threw",
            Self::Panicked { .. } => "Panicked",
            Self::Cancelled => "Cancelled",
            Self::Transport { .. } => "Transport",
            Self::Custodian { .. } => "Custodian",
            Self::Io { .. } => "Io",
            Self::Other { .. } => "Other",
        });
        if let Self::Transport { source } = self {
            source.name(path);
        }
    }
}

/// It is boxed wherever Rust takes any error, and found there again.
impl Error for SourceError {}

impl SourceError {
    /// What is known of this error.
    fn of(error: &(dyn Error + 'static)) -> Self {
        if let Some(source) = error.downcast_ref::<Self>() {
            source.clone()
        } else if let Some(TimedOut { after }) = error.downcast_ref() {
            Self::TimedOut { after: *after }
        } else if let Some(error) = error.downcast_ref::<twoshare::TransportError>() {
            Self::Transport { source: Box::new(error.clone().into()) }
        } else if let Some(Unavailable { cause, retry_after }) = error.downcast_ref() {
            Self::Custodian { outage: *cause, retry_after: *retry_after }
        } else if let Some(error) = error.downcast_ref::<io::Error>() {
            Self::of_io(error)
        } else if error.downcast_ref::<JoinError>().is_some_and(JoinError::is_panic) {
            Self::Panicked { reason: error.to_string() }
        } else {
            Self::Other { reason: chain(error) }
        }
    }

    fn of_io(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()) {
            Some(source) => source.clone(),
            None => Self::Io { code: error.raw_os_error(), reason: chain(error) },
        }
    }
}

impl Mirrors<Box<dyn Error + Send + Sync>> for SourceError {
    fn mirror(rust: Box<dyn Error + Send + Sync>) -> Self {
        Self::of(&*rust)
    }

    fn unmirror(&self) -> Result<Box<dyn Error + Send + Sync>, Ended> {
        Ok(Box::new(self.clone()))
    }
}

impl Mirrors<Arc<dyn Error + Send + Sync>> for SourceError {
    fn mirror(rust: Arc<dyn Error + Send + Sync>) -> Self {
        Self::of(&*rust)
    }

    fn unmirror(&self) -> Result<Arc<dyn Error + Send + Sync>, Ended> {
        Ok(Arc::new(self.clone()))
    }
}

impl Mirrors<io::Error> for SourceError {
    fn mirror(rust: io::Error) -> Self {
        Self::of_io(&rust)
    }

    fn unmirror(&self) -> Result<io::Error, Ended> {
        Ok(io::Error::other(self.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_library_knows_keeps_its_data() {
        let of = |error: Box<dyn Error + Send + Sync>| SourceError::mirror(error);
        let after = Duration::from_secs(7);
        assert!(matches!(
            of(Box::new(TimedOut { after })),
            SourceError::TimedOut { after: found } if found == after
        ));
        assert!(matches!(
            of(Box::new(Unavailable { cause: Outage::Busy, retry_after: Some(3) })),
            SourceError::Custodian { outage: Outage::Busy, retry_after: Some(3) }
        ));
        assert!(matches!(
            of(Box::new(io::Error::from_raw_os_error(28))),
            SourceError::Io { code: Some(28), .. }
        ));
        let SourceError::Transport { source } =
            of(Box::new(twoshare::TransportError::TooLong { cap: 9 }))
        else {
            panic!("not a transport's")
        };
        assert!(matches!(*source, TransportError::TooLong { cap: 9 }));
        let other = of("the cable is out".into());
        assert!(matches!(other, SourceError::Other { reason } if reason == "the cable is out"));
    }

    /// Through the boxes of several of Rust's errors, one inside the other.
    #[test]
    fn what_the_app_threw_comes_back_as_it_was() {
        let thrown = SourceError::Threw { reason: "java.lang.IllegalStateException".to_owned() };
        let transport = TransportError::Unreachable { source: thrown };
        let rust: twoshare::TransportError = transport.unmirror().unwrap();
        let rust = twoshare::core::store::StoreFault::Unavailable {
            retry_after: Some(5),
            source: Box::new(rust),
        };
        let back = crate::error::StoreFault::from(rust);
        let crate::error::StoreFault::Unavailable { retry_after: Some(5), source } = back else {
            panic!("not the same variant")
        };
        let SourceError::Transport { source } = source else { panic!("not a transport's") };
        let TransportError::Unreachable { source } = *source else { panic!("not unreachable") };
        assert!(
            matches!(source, SourceError::Threw { reason } if reason == "java.lang.IllegalStateException")
        );
    }
}
