//! A device changes its custodian.

use serde_json::{Value, json};
use twoshare::core::{id::WalletId, identity::CustodianIdentity};
use twoshare_custodian::{UserId, audit::Act};

use crate::{
    crashes::kill_at_every_instant,
    custodian::{Custodian, Phone},
};

/// What `move` is told of the other custodian.
fn to(new: &Custodian, user: &str) -> Vec<String> {
    let args = ["--to", &new.url(), "--to-key", &new.identity, "--to-token-file", &new.token(user)];
    args.map(str::to_owned).to_vec()
}

fn args<'a>(first: &[&'a str], rest: &'a [String]) -> Vec<&'a str> {
    first.iter().copied().chain(rest.iter().map(String::as_str)).collect()
}

fn trust(old: &Custodian, new: &Custodian) {
    let identity: CustodianIdentity = new.identity.parse().unwrap();
    let url = new.url();
    old.operate(async |service| service.trust_custodian(identity, &url).await).unwrap();
}

fn open_window(old: &Custodian, user: &str, wallet: &str) {
    let (user, wallet) = (UserId::new(user).unwrap(), wallet.parse().unwrap());
    old.operate(async |service| service.open_window(&user, wallet, 3600).await).unwrap();
}

fn acts(custodian: &Custodian, wallet: WalletId) -> Vec<(Act, String)> {
    let events = custodian.operate(async |service| service.audit(Some(wallet), 0, 1000).await);
    events.unwrap().into_iter().map(|event| (event.act, event.detail)).collect()
}

fn backed_up(phone: &Phone<'_>, code: &str) -> String {
    phone.success(&["wallet", "create", "--curve", "secp256k1,ed25519"]);
    phone.success(&["backup", "--method", "code", "--code-out", code]);
    phone.success(&["wallet", "show"])["wallet"].as_str().unwrap().to_owned()
}

fn keys(phone: &Phone<'_>) -> Vec<Value> {
    let shown = phone.success(&["wallet", "show"]);
    shown["keys"].as_array().unwrap().iter().map(|key| key["public_key"].clone()).collect()
}

#[test]
fn a_wallet_moves_when_both_operators_know() {
    let (old, new) = (Custodian::start(), Custodian::start());
    let phone = old.phone("phone", "alice");
    let code = old.path("code");
    let wallet = backed_up(&phone, &code);
    let keys_before = keys(&phone);
    let to = to(&new, "alice");
    let moves = args(&["move", "--method", "code", "--code-file", &code], &to);
    phone.failure(&moves, "untrusted", 1);
    trust(&old, &new);
    phone.failure(&moves, "window_closed", 1);
    open_window(&old, "alice", &wallet);
    let mut wrong = to.clone();
    wrong[3].clone_from(&old.identity);
    let wrong = args(&["move", "--method", "code", "--code-file", &code], &wrong);
    phone.failure(&wrong, "wrong_custodian", 1);

    let moved = phone.success(&moves);
    assert_eq!((&moved["custodian"], &moved["wallet"]), (&json!(new.url()), &json!(wallet)));
    assert_eq!(keys(&phone), keys_before);
    let drill = phone.success(&["drill", "--method", "code", "--code-file", &code]);
    assert_eq!(drill["level"], "matches");
    assert_eq!(phone.success(&["resume"])["outcome"], "nothing");
    phone.success(&["refresh", "--method", "code", "--code-file", &code]);
    phone.failure(&moves, "same_custodian", 1);

    let id: WalletId = wallet.parse().unwrap();
    let at_old = acts(&old, id);
    let departed = (Act::Departed, format!("to {}", new.identity));
    assert!(at_old.contains(&departed), "{at_old:?}");
    assert!(at_old.contains(&(Act::HandedOver, format!("to {}", new.identity))), "{at_old:?}");
    let at_new = acts(&new, id);
    assert!(at_new.contains(&(Act::Committed, "move".to_owned())), "{at_new:?}");

    // Another phone: of the old custodian nothing, of the new one everything.
    let recover = ["recover", "--wallet", &wallet, "--method", "code", "--code-file", &code];
    let lost = old.phone("lost", "alice");
    let error = lost.failure(&recover, "moved", 1);
    assert_eq!(error["to"], new.identity.as_str());
    let found = new.phone("found", "alice");
    found.success(&recover);
    assert_eq!(keys(&found), keys_before);
}

#[test]
fn a_wallet_is_moved_or_not() {
    let (old, new) = (Custodian::start(), Custodian::start());
    trust(&old, &new);
    let code = |name: &str| old.path(&format!("{name}-code"));
    let prepare = |name: &str| {
        let phone = old.phone(name, name);
        let wallet = backed_up(&phone, &code(name));
        open_window(&old, name, &wallet);
        let args = ["move", "--method", "code", "--code-file", &code(name)];
        args.map(str::to_owned).into_iter().chain(to(&new, name)).collect()
    };
    let mut moved = 0;
    kill_at_every_instant(&old, "move", prepare, |name, resumed| {
        let phone = old.blank_phone(name);
        let code = code(name);
        let drill = ["drill", "--method", "code", "--code-file", &code];
        assert_eq!(phone.success(&drill)["level"], "matches", "{resumed}");
        // With one of the two, and with no other.
        let wallet: WalletId =
            phone.success(&["wallet", "show"])["wallet"].as_str().unwrap().parse().unwrap();
        let is_with =
            |custodian: &Custodian, act| acts(custodian, wallet).iter().any(|a| a.0 == act);
        let is_there = is_with(&new, Act::Committed);
        assert_eq!(is_there, is_with(&old, Act::HandedOver), "{resumed}");
        moved += u32::from(is_there);
        if !is_there {
            let rest = to(&new, name);
            open_window(&old, name, &wallet.to_string());
            phone.success(&args(&["move", "--method", "code", "--code-file", &code], &rest));
            assert_eq!(phone.success(&drill)["level"], "matches");
        }
    });
    assert!(moved > 0);
}
