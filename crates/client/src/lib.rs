//! Backs up wallet keys as two shares, and brings them back.
//!
//! The client share is encrypted on the device, in an envelope that any of the user's methods
//! opens; the custodian share is with a server. Neither says anything about the key. See
//! [`core::manual`] for what is promised against whom.
//!
//! The README has an example. An operation returns when it is done: the new epoch is in the stores that the
//! policy asks for, read back, opened through every slot, and committed. A [`Client`] keeps nothing itself:
//! what a wallet is, and what it is in the middle of, is a record in the [`DeviceState`], saved before each
//! message that could change the other side. So a call may be dropped and the process be killed at any
//! moment: [`Client::resume`] goes on from there. [`Client::status`] has what an app's screens show.

mod adopt;
mod backup;
mod client;
#[cfg(feature = "conformance")]
pub mod conformance;
mod convert;
mod create;
pub mod device;
mod directory;
mod drill;
mod eject;
pub mod error;
#[cfg(feature = "http")]
mod http;
mod kept;
pub mod manual;
mod method;
mod moving;
mod open;
mod operate;
mod progress;
mod record;
mod recover;
mod refresh;
mod restored;
mod resume;
pub mod status;
pub mod stores;
mod together;
mod wallet;

pub use self::{
    client::{
        Builder, Client, Complete, NeedsCustodian, NeedsDevice, NeedsIdentity, NeedsUser,
        make_operation_id, rng,
    },
    convert::Converted,
    device::{DeviceState, FileDevice, MemoryDevice},
    directory::{CopyHealth, DirectoryError, DirectoryStore, ObjectHealth, RepairError, Verdict},
    drill::{Drill, Level},
    eject::{Ed25519Scalar, Ejected, EjectedKey},
    method::{Method, MethodChange},
    moving::{Destination, Moved},
    progress::{Call, Progress, Progressed, Step},
    recover::{Recovered, Recovery, Waiting},
    resume::Resumed,
    status::{BackupState, DrillPolicy, Hazard, Status},
    stores::{Place, StoreId, StorePolicy, Stores},
    wallet::{Backup, Exported, Import, Wallet, WhatIsSealed},
};

#[cfg(feature = "http")]
pub use self::http::{
    HttpCustodian, HttpCustodianBuilder, HttpRequest, HttpResponse, HttpTransport, Login,
    NoTransport, OwnTransport, Precondition, Retry, Token, TokenError, TokenProvider,
    TokenTextError, TransportError, UrlError,
};
#[cfg(feature = "reqwest")]
pub use self::http::{ReqwestTransport, Timeouts};
#[cfg(feature = "http")]
pub use self::stores::SelfManagedStore;

/// The README's example, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

pub use twoshare_core as core;
pub use twoshare_protocol as protocol;
