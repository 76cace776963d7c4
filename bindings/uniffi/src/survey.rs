//! What the stores have of a wallet, for an app that shows it or copies it elsewhere.

use std::{fmt, sync::Arc};

use twoshare::{
    StoreId,
    core::{
        digest::Digest,
        envelope,
        id::{Epoch, WalletId, WalletKind},
        store::ObjectName,
        text,
    },
    stores::{self, Condition, Mended, Surveyed},
};

use crate::{
    Cancellation,
    error::{FailedFetch, Mirrors, Named, ParseError, StoreFault},
    log::{self, Log},
    runtime::{self, Call, CutShort},
    state::Slot,
    wallet::EnvelopeName,
};

/// The stores of a client. Backing up, drilling and resuming write them, read them and mend them: this is for looking, and for
/// copying a backup by hand.
#[derive(uniffi::Object)]
pub struct Stores {
    inner: stores::Stores,
    log: Option<Log>,
}

impl Stores {
    pub(crate) const fn new(inner: stores::Stores, log: Option<Log>) -> Self {
        Self { inner, log }
    }

    fn run<T, E, F>(
        &self,
        name: &'static str,
        wallet: WalletId,
        cancellation: Option<Arc<Cancellation>>,
        work: impl FnOnce(stores::Stores) -> F,
    ) -> Call<T, E>
    where
        T: Send + 'static,
        E: Named + Send + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let work = runtime::untyped(work(self.inner.clone()));
        let run = log::run(self.log.clone(), name, Some(wallet), cancellation, work);
        Call::of(Box::pin(async { run.await.0 }))
    }
}

#[uniffi::export]
impl Stores {
    /// Their names, in the order in which they are read from.
    #[must_use]
    pub fn places(&self) -> Vec<StoreId> {
        self.inner.places().iter().map(|(id, _)| id.clone()).collect()
    }

    /// What the stores say that they have of a wallet. Of the custodian's own, `Client.state` says it.
    ///
    /// # Errors
    ///
    /// None but the two that every call has: a store that does not say is in the list.
    #[uniffi::method(default(cancellation = None))]
    pub async fn list(
        &self,
        wallet: WalletId,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Listing, SurveyError> {
        self.run("stores.list", wallet, cancellation, move |stores| async move {
            let stores::Listing { objects, failed } = stores.list(wallet).await;
            Ok(Listing {
                objects: objects
                    .into_iter()
                    .map(|stores::Listed { store, name }| Listed { store, name })
                    .collect(),
                failed: failed
                    .into_iter()
                    .map(|stores::Failed { store, error }| FailedList {
                        store,
                        error: error.into(),
                    })
                    .collect(),
            })
        })
        .await
    }

    /// What every store has of the envelope of this name.
    ///
    /// # Errors
    ///
    /// None but the two that every call has: a store that does not have it intact is in the list.
    #[uniffi::method(default(cancellation = None))]
    pub async fn survey(
        &self,
        name: EnvelopeName,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Survey, SurveyError> {
        self.run("stores.survey", name.wallet, cancellation, move |stores| async move {
            let mut survey = Survey { intact: Vec::new(), failed: Vec::new() };
            for Surveyed { store, result } in stores.survey(name.into()).await {
                match result {
                    Ok(_) => survey.intact.push(store),
                    Err(error) => {
                        survey.failed.push(FailedFetch { store, error: error.into() });
                    }
                }
            }
            Ok(survey)
        })
        .await
    }

    /// The envelope of this name, from the first store that has it intact.
    ///
    /// # Errors
    ///
    /// No store has.
    #[uniffi::method(default(cancellation = None))]
    pub async fn read(
        &self,
        name: EnvelopeName,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Arc<Envelope>, NoEnvelopeError> {
        self.run("stores.read", name.wallet, cancellation, move |stores| async move {
            match stores.read(name.into()).await {
                Ok(found) => Ok(Arc::new(Envelope(found.envelope))),
                Err(none) => Err(NoEnvelopeError::NotFound {
                    stores: none.stores.into_iter().map(Mirrors::mirror).collect(),
                }),
            }
        })
        .await
    }

    /// Writes an envelope, such as one that the user kept in a file, to every store that does not have it intact. What is there in
    /// its place and is damaged is replaced.
    ///
    /// # Errors
    ///
    /// None but the two that every call has: a store that does not have it afterwards is in the list.
    #[uniffi::method(default(cancellation = None))]
    pub async fn mend(
        &self,
        envelope: Arc<Envelope>,
        cancellation: Option<Arc<Cancellation>>,
    ) -> Result<Mending, SurveyError> {
        let wallet = envelope.0.header().wallet;
        self.run("stores.mend", wallet, cancellation, move |stores| async move {
            let mut mending =
                Mending { intact: Vec::new(), mended: Vec::new(), failed: Vec::new() };
            for Mended { store, result } in stores.mend(&envelope.0).await {
                match result {
                    Ok(Condition::Intact) => mending.intact.push(store),
                    Ok(Condition::Absent | Condition::Damaged) => mending.mended.push(store),
                    Err(error) => {
                        mending.failed.push(crate::error::FailedKeep { store, error: error.into() })
                    }
                }
            }
            Ok(mending)
        })
        .await
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores").field("inner", &self.inner).finish_non_exhaustive()
    }
}

/// What the stores say that they have of a wallet.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Listing {
    /// Every object of every store.
    pub objects: Vec<Listed>,
    /// The stores that did not say.
    pub failed: Vec<FailedList>,
}

/// An object that a store says it has.
#[derive(Debug, Clone, PartialEq, Eq, Hash, uniffi::Record)]
pub struct Listed {
    /// Which store.
    pub store: StoreId,
    /// The object.
    pub name: ObjectName,
}

/// What a store said when it was asked for its objects.
#[derive(Debug, Clone, uniffi::Record)]
pub struct FailedList {
    /// Which store.
    pub store: StoreId,
    /// What it said.
    pub error: StoreFault,
}

/// What the stores have of an envelope.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Survey {
    /// Those that have it intact.
    pub intact: Vec<StoreId>,
    /// Those that do not, and what they said.
    pub failed: Vec<FailedFetch>,
}

/// What came of mending the stores.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Mending {
    /// Those that had it.
    pub intact: Vec<StoreId>,
    /// Those that did not, and have it now.
    pub mended: Vec<StoreId>,
    /// Those that do not, and why.
    pub failed: Vec<crate::error::FailedKeep>,
}

/// A backup as it lies in a store: ciphertext, and what everybody who has it can read. A user may keep it in a file or on paper,
/// beside the stores.
#[derive(Debug, uniffi::Object)]
pub struct Envelope(envelope::Envelope);

#[uniffi::export]
impl Envelope {
    /// The envelope with these bytes, at most 8 MiB. Nothing is decrypted.
    ///
    /// # Errors
    ///
    /// They are none.
    #[uniffi::constructor]
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, ParseError> {
        Ok(Self(envelope::Envelope::from_bytes(&bytes)?))
    }

    /// Its bytes (COSE).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.as_bytes().to_vec()
    }

    /// Its bytes as text that survives being pasted: a Uniform Resource.
    #[must_use]
    pub fn to_text(&self) -> String {
        text::write(self.0.as_bytes())
    }

    /// The name under which stores keep it.
    #[must_use]
    pub fn name(&self) -> EnvelopeName {
        self.0.name().into()
    }

    /// What it says of itself.
    #[must_use]
    pub fn header(&self) -> Header {
        let envelope::Header { wallet, epoch, created, kind, name, network } =
            self.0.header().clone();
        let digest = self.0.digest();
        Header { wallet, epoch, digest, created, kind, name, network }
    }

    /// The slots that can be read, as the bytes have them: to show which methods may be tried. Nothing has vouched for them.
    #[must_use]
    pub fn slots(&self) -> Vec<Slot> {
        let slot = |header: &envelope::SlotHeader| Slot {
            id: envelope::SlotId::of(header),
            kind: header.kind.into(),
            label: header.label.clone(),
        };
        self.0.slots().into_iter().map(slot).collect()
    }

    /// Whether the custodian alone could open one of the slots, going by what they say.
    #[must_use]
    pub fn custodian_can_open(&self) -> bool {
        self.0.custodian_can_open()
    }
}

/// What everybody who has an envelope can read of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, uniffi::Record)]
pub struct Header {
    /// The wallet.
    pub wallet: WalletId,
    /// The epoch of the backup.
    pub epoch: Epoch,
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// When it was sealed, in seconds since 1970, by the clock of whoever sealed it.
    pub created: u64,
    /// Where the wallet's whole key is, if that is public.
    pub kind: Option<WalletKind>,
    /// The wallet's public name, if it has one.
    pub name: Option<String>,
    /// The network that the wallet is for, if that is public.
    pub network: Option<String>,
}

/// Why a look at the stores came to nothing.
#[derive(Debug, Clone, thiserror::Error, uniffi::Error)]
pub enum SurveyError {
    /// The app has cancelled the call.
    #[error("the call was cancelled")]
    Cancelled,
    /// The library has a bug: report it, with this. The call has ended; others go on.
    #[error("the library panicked: {reason}")]
    Panicked {
        /// What it said.
        reason: String,
    },
}

/// Why an envelope was not read.
#[derive(Debug, Clone, thiserror::Error, uniffi::Error)]
pub enum NoEnvelopeError {
    /// No store has it intact.
    #[error("no store has the envelope intact")]
    NotFound {
        /// What each store said.
        stores: Vec<FailedFetch>,
    },
    /// The app has cancelled the call.
    #[error("the call was cancelled")]
    Cancelled,
    /// The library has a bug: report it, with this. The call has ended; others go on.
    #[error("the library panicked: {reason}")]
    Panicked {
        /// What it said.
        reason: String,
    },
}

macro_rules! ended {
    ($($name:ident { $($variant:ident),* })+) => { $(
        impl CutShort for $name {
            fn cancelled() -> Self {
                Self::Cancelled
            }

            fn panicked(reason: String) -> Self {
                Self::Panicked { reason }
            }
        }

        impl Named for $name {
            fn name(&self, path: &mut Vec<&'static str>) {
                path.push(match self {
                    $( Self::$variant { .. } => stringify!($variant), )*
                    Self::Cancelled => "Cancelled",
                    Self::Panicked { .. } => "Panicked",
                });
            }
        }

    )+ };
}

ended! {
    SurveyError {}
    NoEnvelopeError { NotFound }
}
