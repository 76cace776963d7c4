//! twoshare for Swift, Kotlin and Python: what [`twoshare`] has, under the same names.
//!
//! There is no logic here: types are converted, calls run on a runtime of the library's own, calls into
//! the app's code have timeouts, and every way for them to go wrong is a typed error. The languages'
//! own layers, with what reads better in each, are in `bindings/swift` and `bindings/kotlin`; the docs
//! of what is here are written for their readers.
//!
//! - [`Client`] is where everything begins: made of a [`ClientConfig`], it creates, backs up, drills and
//!   recovers wallets.
//! - [`HttpCustodian`] speaks to the custodian, over the app's own [`HttpTransport`] and with the tokens
//!   of its [`TokenProvider`].
//! - [`FileDevice`] keeps what the device has of its wallets; an app may have its own [`DeviceState`].
//! - [`Method`] is what the user opens a backup with.

uniffi::setup_scaffolding!("twoshare");

mod allocator;
mod cancellation;
mod client;
mod device;
pub mod error;
mod foreign;
mod http;
mod kinds;
mod log;
mod method;
mod progress;
mod queue;
mod recovery;
mod runtime;
mod secret;
mod state;
mod status;
mod store;
mod survey;
mod text;
mod wallet;

pub use self::{
    cancellation::Cancellation,
    client::{Client, ClientConfig},
    device::{
        Device, DeviceState, FileDevice, MemoryDevice, PlatformKey, PlatformKeyError, Record,
        file_device_protection,
    },
    http::{
        HttpConfig, HttpCustodian, HttpHeader, HttpRequest, HttpResponse, HttpTransport, Login,
        Retry, TokenProvider, default_retry,
    },
    kinds::HttpMethod,
    log::{Answer, LogEntry, LogEvent, LogSink, Outcome, log_text},
    method::{Argon2Cost, Method, MethodChange, PasswordPolicy, RecoveryCode},
    progress::{ProgressListener, Progressed},
    recovery::{
        Converted, Destination, Drill, Moved, Recovered, Recovery, Resumed, VouchedBy, Waiting,
        make_operation_id,
    },
    secret::{
        Attachment, ClientShare, Ejected, EjectedKey, Exported, Import, ShareId, SigningKey,
        WalletSecret,
    },
    state::{EpochState, Leaving, Opened, RequestState, RestorableState, Slot, State},
    status::{
        Asked, Contested, DrillPolicy, KeyStatus, LastDrill, MethodStatus, PendingOperation,
        SlotKind, Status, StoreStatus, WaitingRequest,
    },
    store::{
        DirectoryStore, EnvelopeStore, MemoryStore, NamedPlace, ObjectHealth, Operator, Place,
        SelfManagedStore, StoreLimits, StorePolicy, default_store_limits, object_envelope,
        object_part,
    },
    survey::{
        Envelope, FailedList, Header, Listed, Listing, Mending, NoEnvelopeError, Stores, Survey,
        SurveyError,
    },
    text::{
        parse_check_code, parse_custodian_identity, parse_digest, parse_object_name,
        parse_operation_id, parse_slot_id, parse_store_id, parse_wallet_id,
    },
    wallet::{Backup, EnvelopeName, VerifyingKey, Wallet},
};
