//! The types of core, as the vectors write them.

use serde_json::{Value, json};
use twoshare_core::{
    id::{CurveId, Epoch, OperationId, Purpose, WalletId, WalletKind},
    keygen::Session,
    proof::{Operation, Stage, Statement, Transition},
    reshare::{Context, Item},
    share::{AnyCommitment, AnyShare, HasRole},
};

pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("a text")).expect("hexadecimal")
}

pub(crate) fn array<const N: usize>(value: &Value) -> [u8; N] {
    bytes(value).try_into().expect("as many bytes as are expected")
}

pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

pub(crate) fn list<T>(value: &Value, each: impl Fn(&Value) -> T) -> Vec<T> {
    value.as_array().expect("a list").iter().map(each).collect()
}

/// The value whose name this is.
pub(crate) fn named<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, value: &Value) -> T {
    let found = all.iter().copied().find(|one| Some(name(*one)) == value.as_str());
    found.unwrap_or_else(|| panic!("no such name: {value}"))
}

pub(crate) fn curve(value: &Value) -> CurveId {
    named(CurveId::ALL, CurveId::name, value)
}

pub(crate) fn share<R: HasRole>(value: &Value) -> AnyShare<R> {
    AnyShare::from_bytes(&bytes(value)).expect("a share")
}

pub(crate) fn stage(value: &Value) -> Option<Stage> {
    value.as_object()?;
    Some(Stage {
        purpose: named(Purpose::ALL, Purpose::name, &value["purpose"]),
        epoch: Epoch::new(number(&value["epoch"])).unwrap(),
    })
}

pub(crate) fn stage_json(stage: Option<Stage>) -> Value {
    stage.map_or(Value::Null, |s| json!({ "purpose": s.purpose.name(), "epoch": s.epoch.get() }))
}

pub(crate) fn statement(value: &Value) -> Statement {
    Statement {
        operation: named(Operation::ALL, Operation::name, &value["operation"]),
        operation_id: OperationId::from_bytes(array(&value["operation_id"])),
        custodian: array(&value["custodian"]),
        user: value["user"].as_str().unwrap().to_owned(),
        wallet: WalletId::from_bytes(array(&value["wallet"])),
        kind: named(WalletKind::ALL, WalletKind::name, &value["kind"]),
        epochs: list(&value["epochs"], |epochs| Transition {
            from: stage(&epochs["from"]),
            to: stage(&epochs["to"]),
        }),
        commitments: list(&value["commitments"], |commitment| {
            let (curve, bytes) = (curve(&commitment["curve"]), bytes(&commitment["bytes"]));
            AnyCommitment::from_bytes(curve, &bytes).unwrap()
        }),
        client_nonce: array(&value["client_nonce"]),
        custodian_nonce: array(&value["custodian_nonce"]),
        body: array(&value["body"]),
    }
}

pub(crate) fn statement_json(statement: &Statement) -> Value {
    let epochs = statement.epochs.iter();
    let commitments = statement.commitments.iter();
    json!({
        "operation": statement.operation.name(),
        "operation_id": hex::encode(statement.operation_id.to_bytes()),
        "custodian": hex::encode(statement.custodian),
        "user": statement.user,
        "wallet": hex::encode(statement.wallet.to_bytes()),
        "kind": statement.kind.name(),
        "epochs": epochs
            .map(|t| json!({ "from": stage_json(t.from), "to": stage_json(t.to) }))
            .collect::<Vec<_>>(),
        "commitments": commitments
            .map(|c| json!({ "curve": c.curve().name(), "bytes": hex::encode(c.to_bytes()) }))
            .collect::<Vec<_>>(),
        "client_nonce": hex::encode(statement.client_nonce),
        "custodian_nonce": hex::encode(statement.custodian_nonce),
        "body": hex::encode(statement.body),
        "digest": hex::encode(statement.digest()),
    })
}

pub(crate) fn context(value: &Value) -> Context {
    Context {
        custodian: array(&value["custodian"]),
        user: value["user"].as_str().unwrap().to_owned(),
        wallet: WalletId::from_bytes(array(&value["wallet"])),
        kind: named(WalletKind::ALL, WalletKind::name, &value["kind"]),
        operation: named(Operation::ALL, Operation::name, &value["operation"]),
        operation_id: OperationId::from_bytes(array(&value["operation_id"])),
        items: list(&value["items"], |item| Item {
            index: number(&item["index"]).try_into().unwrap(),
            curve: curve(&item["curve"]),
            from: stage(&item["from"]).unwrap(),
            to: stage(&item["to"]).unwrap(),
        }),
    }
}

pub(crate) fn context_json(context: &Context) -> Value {
    let items = context.items.iter().map(|item| {
        json!({
            "index": item.index,
            "curve": item.curve.name(),
            "from": stage_json(Some(item.from)),
            "to": stage_json(Some(item.to)),
        })
    });
    json!({
        "custodian": hex::encode(context.custodian),
        "user": context.user,
        "wallet": hex::encode(context.wallet.to_bytes()),
        "kind": context.kind.name(),
        "operation": context.operation.name(),
        "operation_id": hex::encode(context.operation_id.to_bytes()),
        "items": items.collect::<Vec<_>>(),
    })
}

pub(crate) fn session(value: &Value) -> Session {
    Session {
        custodian: array(&value["custodian"]),
        user: value["user"].as_str().unwrap().to_owned(),
        wallet: WalletId::from_bytes(array(&value["wallet"])),
        operation_id: OperationId::from_bytes(array(&value["operation_id"])),
        curves: list(&value["curves"], curve),
    }
}

pub(crate) fn session_json(session: &Session) -> Value {
    json!({
        "custodian": hex::encode(session.custodian),
        "user": session.user,
        "wallet": hex::encode(session.wallet.to_bytes()),
        "operation_id": hex::encode(session.operation_id.to_bytes()),
        "curves": session.curves.iter().map(|curve| curve.name()).collect::<Vec<_>>(),
    })
}
