//! What the SDK's operations can end with.

use serde_json::{Value, json};
use twoshare::{
    device::{
        DeleteError, DeviceFault, LoadError, OpenDeviceError, PasswordChangeError, SaveError,
        SettingsError,
    },
    error::{
        BackupError, CancelError, ConvertError, CreateError, DeviceError, DrillError, EjectError,
        ExchangeError, GiveUpError, ImportError, MethodsError, MoveError, OpenBackupError,
        PublishError, RecoverError, RefreshError, ResumeError, RunError, StateError,
    },
    stores::{Failed, KeepError, StoresError, WriteStoresError},
};

use super::{Coded, HasCode, custodian::verdict, with_sources};

impl HasCode for DeviceError {
    fn coded(&self) -> Coded {
        match self {
            Self::NotHere { wallet } => ("no_wallet", json!({ "wallet": wallet.to_string() })),
            Self::Revoked { wallet } => ("revoked", json!({ "wallet": wallet.to_string() })),
            Self::OtherUser => ("other_user", json!({})),
            Self::OtherWallet => ("device_other_wallet", json!({})),
            Self::Record(error) => error.coded(),
            Self::Load(error) => error.coded(),
            Self::Save(error) => error.coded(),
            Self::Delete(error) => error.coded(),
            Self::Fault(error) => error.coded(),
        }
    }
}

impl HasCode for DeviceFault {
    fn coded(&self) -> Coded {
        match self {
            Self::Locked => ("device_locked", json!({})),
            Self::Denied { scope } => ("denied", json!({ "scope": scope })),
            Self::Failed(_) => ("device_failed", json!({})),
        }
    }
}

impl HasCode for OpenDeviceError {
    fn coded(&self) -> Coded {
        match self {
            Self::InUse { path } => ("device_in_use", json!({ "path": path })),
            Self::PasswordNeeded => ("device_password_needed", json!({})),
            Self::NoPassword => ("device_no_password", json!({})),
            Self::WrongPassword => ("wrong_device_password", json!({})),
            Self::PlatformKeyNeeded => ("device_platform_key_needed", json!({})),
            Self::NoPlatformKey => ("device_no_platform_key", json!({})),
            Self::WrongPlatformKey => ("wrong_device_platform_key", json!({})),
            Self::Damaged { path } => ("device_damaged", json!({ "path": path })),
            Self::NewerVersion { version } => ("newer_version", json!({ "version": version })),
            Self::ExcessiveWork => ("excessive_work", json!({})),
            Self::Denied { path } => ("denied", json!({ "path": path })),
            Self::Full => ("device_full", json!({})),
            Self::Failed { path, .. } => ("device_failed", json!({ "path": path })),
        }
    }
}

impl HasCode for PasswordChangeError {
    fn coded(&self) -> Coded {
        match self {
            Self::Full => ("device_full", json!({})),
            Self::NoMemory => ("excessive_work", json!({})),
            Self::NewerVersion { version } => ("newer_version", json!({ "version": version })),
            Self::Fault(fault) => fault.coded(),
        }
    }
}

impl HasCode for SettingsError {
    fn coded(&self) -> Coded {
        match self {
            Self::Full => ("device_full", json!({})),
            Self::TooLarge { len, cap } => ("too_large", json!({ "len": len, "cap": cap })),
            Self::Fault(fault) => fault.coded(),
        }
    }
}

impl HasCode for LoadError {
    fn coded(&self) -> Coded {
        match self {
            Self::Damaged => ("device_damaged", json!({})),
            Self::NewerVersion { version } => ("newer_version", json!({ "version": version })),
            Self::Fault(fault) => fault.coded(),
        }
    }
}

impl HasCode for SaveError {
    fn coded(&self) -> Coded {
        match self {
            Self::Conflict { found } => {
                ("device_conflict", json!({ "found": found.map(|found| found.get()) }))
            }
            Self::Damaged => ("device_damaged", json!({})),
            Self::NewerVersion { version } => ("newer_version", json!({ "version": version })),
            Self::Full => ("device_full", json!({})),
            Self::TooLarge { len, cap } => ("too_large", json!({ "len": len, "cap": cap })),
            Self::Fault(fault) => fault.coded(),
        }
    }
}

impl HasCode for DeleteError {
    fn coded(&self) -> Coded {
        match self {
            Self::Conflict { found } => ("device_conflict", json!({ "found": found.get() })),
            Self::Damaged => ("device_damaged", json!({})),
            Self::NewerVersion { version } => ("newer_version", json!({ "version": version })),
            Self::Full => ("device_full", json!({})),
            Self::Fault(fault) => fault.coded(),
        }
    }
}

impl HasCode for StateError {
    fn coded(&self) -> Coded {
        match self {
            Self::Read(error) => verdict(error),
            Self::WrongCustodian(_) => ("wrong_custodian", json!({})),
            Self::OtherState => ("other_state", json!({})),
            Self::Moved(error) => verdict(error),
            Self::Unpinned => ("unpinned", json!({})),
            Self::OtherCustodian => ("other_custodian", json!({})),
        }
    }
}

impl HasCode for ExchangeError {
    fn coded(&self) -> Coded {
        match self {
            Self::Begin(error) => verdict(error),
            Self::Prepare(error) => verdict(error),
            Self::Session(error) => error.coded(),
            Self::NoEpochLeft => ("no_epoch_left", json!({})),
        }
    }
}

impl HasCode for PublishError {
    fn coded(&self) -> Coded {
        match self {
            Self::Seal(error) => error.coded(),
            Self::Stores(error) => error.coded(),
            Self::Commit(error) => verdict(error),
            Self::Receipt(error) => error.coded(),
        }
    }
}

impl HasCode for RunError {
    fn coded(&self) -> Coded {
        match self {
            Self::Device(error) => error.coded(),
            Self::Journal(error) => error.coded(),
            Self::Waiting(waiting) => (
                "waiting",
                json!({ "request": waiting.request.to_string(), "until": waiting.ready_at }),
            ),
            Self::Exchange(error) => error.coded(),
            Self::Reconstruct(error) => error.coded(),
            Self::Secret(error) => error.coded(),
            Self::Publish(error) => error.coded(),
        }
    }
}

impl HasCode for ResumeError {
    fn coded(&self) -> Coded {
        match self {
            Self::Device(error) => error.coded(),
            Self::State(error) => error.coded(),
            Self::Frozen(error) => verdict(error),
            Self::Run { source, .. } => source.coded(),
            Self::GiveUp(error) => error.coded(),
            Self::Receipt(error) => verdict(error),
            Self::NeedsCustodian { identity } => {
                ("needs_custodian", json!({ "identity": identity.to_string() }))
            }
            Self::Move(error) => error.coded(),
        }
    }
}

impl HasCode for MoveError {
    fn coded(&self) -> Coded {
        match self {
            Self::Device(error) => error.coded(),
            Self::Unsettled(error) => error.coded(),
            Self::Open(error) => error.coded(),
            Self::SameCustodian => ("same_custodian", json!({})),
            Self::IsThere => ("already_exists", json!({})),
            Self::State(error) => error.coded(),
            Self::Refused(error) => verdict(error),
            Self::Run(error) => error.coded(),
            Self::Overtaken => ("overtaken", json!({})),
            Self::HandOver(error) => verdict(error),
            Self::NotGone => ("not_gone", json!({})),
            Self::NotHeld => ("not_held", json!({})),
        }
    }
}

impl HasCode for GiveUpError {
    fn coded(&self) -> Coded {
        match self {
            Self::Device(error) => error.coded(),
            Self::Journal(error) => error.coded(),
            Self::Begin(error) => verdict(error),
            Self::Abandon(error) => verdict(error),
            Self::Session(error) => error.coded(),
        }
    }
}

impl HasCode for CreateError {
    fn coded(&self) -> Coded {
        match self {
            Self::State(error) => error.coded(),
            Self::Device(error) => error.coded(),
            Self::Run(error) => error.coded(),
        }
    }
}

impl HasCode for ImportError {
    fn coded(&self) -> Coded {
        match self {
            Self::Empty => ("nothing_to_import", json!({})),
            Self::TooMany { count, cap } => {
                ("too_many_secrets", json!({ "count": count, "cap": cap }))
            }
            Self::Device(error) => error.coded(),
        }
    }
}

impl HasCode for MethodsError {
    fn coded(&self) -> Coded {
        match self {
            Self::Slot(error) => error.coded(),
            Self::Table(error) => error.coded(),
            Self::NoSuchSlot { slot } => ("no_such_slot", json!({ "slot": slot.to_string() })),
        }
    }
}

impl HasCode for BackupError {
    fn coded(&self) -> Coded {
        match self {
            Self::Device(error) => error.coded(),
            Self::Unsettled(error) => error.coded(),
            Self::Methods(error) => error.coded(),
            Self::State(error) => error.coded(),
            Self::Run(error) => error.coded(),
        }
    }
}

impl HasCode for OpenBackupError {
    fn coded(&self) -> Coded {
        match self {
            Self::State(error) => error.coded(),
            Self::NotBackedUp { wallet } => {
                ("not_backed_up", json!({ "wallet": wallet.to_string() }))
            }
            Self::RolledBack { custodian, seen } => {
                ("rolled_back", json!({ "custodian": custodian.get(), "seen": seen.get() }))
            }
            Self::Restored { custodian } => ("restored", json!({ "custodian": custodian.get() })),
            Self::NotFound { stores } => {
                ("envelope_not_found", json!({ "stores": failed(stores) }))
            }
            Self::Open(error) => error.coded(),
            Self::OtherCustodian => ("other_custodian", json!({})),
            Self::Contested { restorable } => {
                ("contested", json!({ "restorable": restorable.get() }))
            }
            Self::OtherEpoch => ("other_epoch", json!({})),
        }
    }
}

impl HasCode for RefreshError {
    fn coded(&self) -> Coded {
        match self {
            Self::Device(error) => error.coded(),
            Self::Unsettled(error) => error.coded(),
            Self::Open(error) => error.coded(),
            Self::Methods(error) => error.coded(),
            Self::Run(error) => error.coded(),
        }
    }
}

impl HasCode for RecoverError {
    fn coded(&self) -> Coded {
        match self {
            Self::Device(error) => error.coded(),
            Self::Unsettled(error) => error.coded(),
            Self::Open(error) => error.coded(),
            Self::Run(error) => error.coded(),
        }
    }
}

impl HasCode for ConvertError {
    fn coded(&self) -> Coded {
        match self {
            Self::Device(error) => error.coded(),
            Self::SealedSecrets { sealed } => {
                let sealed: Vec<_> = sealed
                    .iter()
                    .map(|secret| {
                        let (index, kind) = (secret.index, secret.kind.name());
                        json!({ "index": index, "kind": kind, "label": secret.label })
                    })
                    .collect();
                ("sealed_secrets", json!({ "sealed": sealed }))
            }
            Self::AlreadyMpc => ("already_mpc", json!({})),
            Self::GraceRunning { left } => ("grace_running", json!({ "left": left })),
            Self::Unsettled(error) => error.coded(),
            Self::Open(error) => error.coded(),
            Self::Run(error) => error.coded(),
        }
    }
}

impl HasCode for DrillError {
    fn coded(&self) -> Coded {
        match self {
            Self::Device(error) => error.coded(),
            Self::Open(error) => error.coded(),
            Self::Stores { needed, have, missing } => {
                ("store_policy", policy(*needed, have, missing))
            }
            Self::Read(error) => verdict(error),
            Self::NotHeld(error) => error.coded(),
        }
    }
}

impl HasCode for EjectError {
    fn coded(&self) -> Coded {
        match self {
            Self::Device(error) => error.coded(),
            Self::Unsettled(error) => error.coded(),
            Self::Open(error) => error.coded(),
            Self::Begin(error) => verdict(error),
            Self::Refused(error) => verdict(error),
            Self::Session(error) => error.coded(),
            Self::Reconstruct(error) => error.coded(),
            Self::Secret(error) => error.coded(),
        }
    }
}

impl HasCode for CancelError {
    fn coded(&self) -> Coded {
        match self {
            Self::Device(error) => error.coded(),
            Self::State(error) => error.coded(),
            Self::Begin(error) => verdict(error),
            Self::Refused(error) => verdict(error),
            Self::Session(error) => error.coded(),
        }
    }
}

impl HasCode for StoresError {
    fn coded(&self) -> Coded {
        match self {
            Self::Twice { store } => ("store_twice", json!({ "store": store.as_str() })),
            Self::TooFew { needed, stores } => {
                ("too_few_stores", json!({ "needed": needed, "stores": stores }))
            }
        }
    }
}

impl HasCode for WriteStoresError {
    fn coded(&self) -> Coded {
        match self {
            Self::NoStore => ("no_store", json!({})),
            Self::Policy { needed, kept, missing } => {
                ("store_policy", policy(*needed, kept, missing))
            }
        }
    }
}

impl HasCode for KeepError {
    fn coded(&self) -> Coded {
        match self {
            Self::CustodianAlone(_) => ("custodian_alone", json!({})),
            Self::Look(error) | Self::ReadBack(error) => error.coded(),
            Self::Write(error) => error.coded(),
            Self::Delete(fault) => fault.coded(),
            Self::Upload(error) => verdict(error),
            Self::TestOpen(error) => error.coded(),
        }
    }
}

/// Which stores have an envelope, and why the others have not.
fn policy(needed: usize, have: &[twoshare::StoreId], missing: &[Failed<KeepError>]) -> Value {
    let have: Vec<_> = have.iter().map(twoshare::StoreId::as_str).collect();
    json!({ "needed": needed, "have": have, "missing": failed(missing) })
}

/// What each store said.
pub(crate) fn failed<E: HasCode + 'static>(stores: &[Failed<E>]) -> Value {
    let each = stores.iter().map(|Failed { store, error }| {
        let (code, data) = error.coded();
        json!({ "store": store.as_str(), "code": code, "message": with_sources(error), "data": data })
    });
    each.collect()
}
