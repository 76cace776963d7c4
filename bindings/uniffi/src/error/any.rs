//! What to tell a person of an error.

use super::*;
use crate::{NoEnvelopeError, PlatformKeyError, SurveyError};

/// Lists every error that crosses the border: each language gives its own a method `text` by it, and does not
/// compile, or fails its tests, where one is missing. A function for each error would be a fifth of what the
/// border takes of a phone's library.
macro_rules! any {
    ($($error:ident),+ $(,)?) => {
        /// Any error of the library.
        #[derive(Debug, Clone, uniffi::Enum)]
        pub enum AnyError {
            $(
                /// See there.
                $error {
                    /// The error.
                    error: $error,
                },
            )+
        }

        /// What to tell a person, in English: what went wrong, and after each colon why. It is what `text()` of an
        /// error gives.
        #[uniffi::export]
        #[must_use]
        pub fn error_text(error: AnyError) -> String {
            let error: &dyn std::fmt::Display = match &error {
                $( AnyError::$error { error } => error, )+
            };
            error.to_string()
        }
    };
}

any! {
    AbandonError, AbandonRefusal, AdoptError, AttachmentError, BackupError, BeginError,
    CancelError, CancelRefusal, ChannelOpenError, ChannelSealError, CheckCodeError, CodeError,
    CommitError, CommitRefusal, CommitmentError, ContainerError, ContextError, ConvertError,
    CreateError, CustodianCancelError, CustodianEjectError, DecodeError, DeleteError, DepartError,
    DepartRefusal, DeviceError, DeviceFault, DigestError, DirectoryError, DiscardError, DrillError,
    EjectError, EvidenceError, ExchangeError, FetchError, GetError, GiveUpError, HandOverError,
    HandOverRefusal, IdError, IdentityError, ImportError, KeepError, KeygenError,
    KeygenSessionError, LoadError, MessageError, MethodError, MethodsError, MnemonicFault,
    MoveError, NoEnvelopeError, NotAHalf, ObjectNameError, OpenBackupError, OpenDeviceError,
    OpenError, OpenSecretError, ParseError, PasswordChangeError, PasswordError, PayloadError,
    PlatformKeyError, PointError, PrepareError, PrepareRefusal, ProofError, PublishError, PutError,
    ReadError, ReconstructError, RecoverError, RefreshError, ReleaseRefusal, RepairError,
    ReshareError, ResumeError, RunError, SaveError, SealError, SealedSecretError, SessionError,
    SettingsError, ShareError, SignatureError, SigningKeyError, SlotError, SlotIdError,
    SlotTableError, SourceError, StateError, StoreFault, StoreIdError, StoresError, SurveyError,
    TestOpenError, TokenError, TransportError, UnprovenError, UploadError, UrlError, WaitRefusal,
    WalletSecretError, WriteError, WriteStoresError,
}
