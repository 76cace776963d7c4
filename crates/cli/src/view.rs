//! A wallet as it is shown: the JSON of the contract, and the same in words.

use std::fmt::Write as _;

use serde_json::{Value, json};
use twoshare::{
    BackupState, Client, Hazard, Status,
    core::id::WalletId,
    status::{KeyStatus, LastDrill, MethodStatus, OnDevice, Recoverable, StoreHas, StoreStatus},
};

use crate::{
    answer::{Answer, Failure},
    backup::{plain, rfc3339},
    codes::{HasCode as _, method_name},
    session::Session,
};

/// What the device and its custodian know of the wallet; where the custodian cannot be asked, what the
/// device knows.
pub(crate) fn show(
    session: &Session,
    client: &Client,
    wallet: WalletId,
) -> Result<Answer, Failure> {
    let status = session.run(client.status(wallet))?;
    Ok(Answer { json: as_json(&status), text: in_words(&status) })
}

fn as_json(status: &Status) -> Value {
    let keys: Vec<_> = status.keys.iter().map(key).collect();
    let methods: Vec<_> = status.methods.iter().map(method).collect();
    let stores: Vec<_> = status.stores.iter().map(store).collect();
    let hazards: Vec<_> = status.hazards.iter().map(hazard).collect();
    json!({
        "wallet": status.wallet.to_string(),
        "kind": status.kind.name(),
        "name": status.name,
        "check_code": status.check_code.to_string(),
        "keys": keys,
        "epoch": status.epoch.map(|epoch| epoch.get()),
        "since": status.since.map(rfc3339),
        "methods": methods,
        "stores": stores,
        "last_drill": status.last_drill.as_ref().map(last_drill),
        "hazards": hazards,
        "on_device": on_device(status.on_device),
        "interrupted": match status.on_device {
            OnDevice::Interrupted { operation } => Some(operation.name()),
            OnDevice::No | OnDevice::Here | OnDevice::Revoked => None,
        },
        "recoverable": recoverable(status.recoverable),
        "contested": status.contested.map(|contested| json!({
            "restorable": contested.restorable.get(), "left": contested.left,
        })),
        "frozen": status.frozen.map(|frozen| json!({
            "dispute": frozen.0.dispute.map(|id| id.to_string()),
            "operator": frozen.0.operator,
            "restored": frozen.0.restored.is_some(),
        })),
        "requests": status.waiting.iter().map(|waiting| json!({
            "id": waiting.request.request.to_string(),
            "operation": waiting.operation.name(),
            "ready": rfc3339(waiting.request.ready_at),
        })).collect::<Vec<_>>(),
        "pending": status.pending.map(|pending| json!({
            "id": pending.id.to_string(),
            "operation": pending.operation.name(),
            "expires": rfc3339(pending.expires),
        })),
        "window": status.window.map(rfc3339),
        "asked": status.asked.as_ref().ok().map(|at| rfc3339(*at)),
        "not_asked": status.asked.as_ref().err().map(|error| error.coded().0),
    })
}

fn key(key: &KeyStatus) -> Value {
    let mut value = json!({
        "curve": key.curve.name(),
        "public_key": hex(&key.public_key.to_bytes()),
        "backup": key.backup.name(),
    });
    let data = match &key.backup {
        BackupState::None | BackupState::Complete => json!({}),
        BackupState::Partial { missing } => {
            json!({ "missing": missing.iter().map(|store| store.as_str()).collect::<Vec<_>>() })
        }
        BackupState::Stale { since } => json!({ "since": rfc3339(*since) }),
        BackupState::Unverified { since, failed } => {
            json!({ "since": since.map(rfc3339), "failed": failed.map(rfc3339) })
        }
    };
    if let (Value::Object(fields), Value::Object(data)) = (&mut value, data) {
        fields.extend(data);
    }
    value
}

/// A method of the backup.
pub(crate) fn method(method: &MethodStatus) -> Value {
    json!({
        "slot": method.slot.to_string(),
        "method": method_name(method.kind),
        "label": method.label,
        "created": rfc3339(method.created),
    })
}

/// The same for a person.
pub(crate) fn method_in_words(method: &MethodStatus) -> String {
    let label = plain(&method.label);
    let gap = if label.is_empty() { "" } else { " " };
    let (name, created) = (method_name(method.kind), rfc3339(method.created));
    format!("{}  {name}{gap}{label}, since {created}", method.slot)
}

fn store(store: &StoreStatus) -> Value {
    json!({ "store": store.store.as_str(), "has": has(store.has) })
}

const fn has(has: StoreHas) -> &'static str {
    match has {
        StoreHas::Nothing => "nothing",
        StoreHas::Envelope => "envelope",
        StoreHas::Everything => "everything",
    }
}

fn last_drill(drill: &LastDrill) -> Value {
    json!({ "level": drill.level.name(), "epoch": drill.epoch.get(), "at": rfc3339(drill.at) })
}

fn hazard(hazard: &Hazard) -> Value {
    let mut value = match hazard {
        Hazard::KeyWasWhole { until } => json!({ "until": rfc3339(*until) }),
        Hazard::Ejected { at } | Hazard::EjectUnanswered { at } => json!({ "at": rfc3339(*at) }),
        Hazard::MethodOpenableByDevice { slot } => json!({ "slot": slot.to_string() }),
        Hazard::CustodianRolledBack { custodian, seen } => {
            json!({ "custodian": custodian.map(|epoch| epoch.get()), "seen": seen.get() })
        }
        Hazard::LostDeviceKnowsKey | Hazard::TrustsCustodianAlone | Hazard::StoresDeletable => {
            json!({})
        }
    };
    if let Value::Object(fields) = &mut value {
        fields.insert("hazard".to_owned(), hazard.name().into());
        fields.insert("message".to_owned(), warning(hazard).into());
    }
    value
}

const fn warning(hazard: &Hazard) -> &'static str {
    match hazard {
        Hazard::LostDeviceKnowsKey => {
            "the lost device of this single-key wallet still knows the key: move the funds"
        }
        Hazard::KeyWasWhole { .. } => {
            "this was a single-key wallet: whatever knew its key then still does, alone"
        }
        Hazard::Ejected { .. } => "the whole key was given out: move the funds",
        Hazard::EjectUnanswered { .. } => {
            "the whole key was asked for, and the answer may have got lost on the way"
        }
        Hazard::TrustsCustodianAlone => {
            "a backup that the custodian can open is where the custodian can read it"
        }
        Hazard::MethodOpenableByDevice { .. } => {
            "whoever holds the unlocked device may open this method without knowing anything"
        }
        Hazard::StoresDeletable => {
            "whoever holds the unlocked device can delete the backup from every store"
        }
        Hazard::CustodianRolledBack { .. } => {
            "the custodian has gone back to an older backup than this device has seen: ask its operator"
        }
    }
}

const fn on_device(on_device: OnDevice) -> &'static str {
    match on_device {
        OnDevice::No => "no",
        OnDevice::Here => "here",
        OnDevice::Interrupted { .. } => "interrupted",
        OnDevice::Revoked => "revoked",
    }
}

const fn recoverable(recoverable: Recoverable) -> &'static str {
    match recoverable {
        Recoverable::No => "no",
        Recoverable::Yes => "yes",
        Recoverable::ByOperator => "by_operator",
    }
}

fn in_words(status: &Status) -> String {
    let mut lines = vec![format!("wallet   {} ({})", status.wallet, status.kind)];
    lines.extend(status.name.as_ref().map(|name| format!("name     {}", plain(name))));
    lines.push(format!("check    {}", status.check_code));
    for key in &status.keys {
        let (curve, public_key) = (key.curve, hex(&key.public_key.to_bytes()));
        lines.push(format!("key      {curve} {public_key}: backup {}", key.backup.name()));
    }
    if let (Some(epoch), Some(since)) = (status.epoch, status.since) {
        lines.push(format!("epoch    {epoch}, since {}", rfc3339(since)));
    }
    let methods =
        status.methods.iter().map(|method| format!("method   {}", method_in_words(method)));
    lines.extend(methods);
    let stores = status.stores.iter();
    lines.extend(stores.map(|store| format!("store    {}: {}", store.store, has(store.has))));
    lines.extend(status.last_drill.as_ref().map(|drill| {
        format!("drilled  {} of epoch {}, {}", drill.level.name(), drill.epoch, rfc3339(drill.at))
    }));
    match status.on_device {
        OnDevice::Here => {}
        OnDevice::No => lines.push("device   has nothing of it".to_owned()),
        OnDevice::Revoked => {
            lines.push(
                "device   revoked: another device has recovered or converted the wallet".to_owned(),
            );
        }
        OnDevice::Interrupted { operation } => {
            lines.push(format!("device   {operation} was interrupted: `twoshare resume`"));
        }
    }
    if let Some(waiting) = &status.waiting {
        let (id, ready) = (waiting.request.request, rfc3339(waiting.request.ready_at));
        lines.push(format!("waiting  {} {id}, until {ready}", waiting.operation));
    }
    if status.frozen.is_some() {
        lines.push("frozen   the custodian's operator lets it go on".to_owned());
    }
    let warnings = status.hazards.iter().map(|hazard| format!("WARNING  {}", warning(hazard)));
    lines.extend(warnings);
    if let Err(error) = &status.asked {
        lines.push(format!("(the custodian was not asked: {})", crate::codes::with_sources(error)));
    }
    lines.join("\n")
}

/// Hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // A String takes everything.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
