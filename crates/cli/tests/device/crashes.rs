//! The command is killed, as a power cut would, at many instants; then it says `resume`.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::custodian::{Custodian, Phone};

/// At how many instants each operation is killed.
const INSTANTS: u32 = 10;

/// Runs it on a phone of its own for each instant, spread over the time that it takes undisturbed. `check` sees the phone after `resume`.
pub(crate) fn kill_at_every_instant(
    custodian: &Custodian,
    name: &str,
    mut prepare: impl FnMut(&str) -> Vec<String>,
    mut check: impl FnMut(&str, &Value),
) {
    let mut typical = Duration::from_millis(500);
    let mut killed = 0;
    for instant in 0..=INSTANTS {
        let name = format!("{name}-{instant}");
        let args = prepare(&name);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let phone = custodian.blank_phone(&name);
        let after = typical * instant / INSTANTS;
        let started = Instant::now();
        // The first runs to its end, to see how long that is.
        if instant == 0 {
            phone.success(&args);
            typical = started.elapsed();
        } else if phone.killed_after(&args, after) {
            killed += 1;
        } else {
            // The machine is less busy now.
            typical = started.elapsed();
        }
        let resumed = phone.success(&["resume"]);
        check(&name, &resumed);
        assert_eq!(phone.success(&["resume"])["outcome"], "nothing");
    }
    assert!(killed > INSTANTS / 4, "only {killed} were killed");
}

fn is_complete(shown: &Value) -> bool {
    shown["keys"].as_array().unwrap().iter().all(|key| key["backup"] == "complete")
}

fn matches(phone: &Phone<'_>, code: &str) {
    let drill = phone.success(&["drill", "--method", "code", "--code-file", code]);
    assert_eq!(drill["level"], "matches");
}

#[test]
fn a_wallet_is_made_or_not() {
    let custodian = Custodian::start();
    let prepare = |name: &str| {
        custodian.phone(name, name);
        ["wallet", "create", "--curve", "ed25519"].map(str::to_owned).to_vec()
    };
    kill_at_every_instant(&custodian, "create", prepare, |name, resumed| {
        let phone = custodian.blank_phone(name);
        if resumed["wallets"].as_array().unwrap().is_empty() || resumed["outcome"] == "abandoned" {
            phone.failure(&["wallet", "show"], "no_wallet", 1);
            phone.success(&["wallet", "create", "--curve", "ed25519"]);
        }
        let shown = phone.success(&["wallet", "show"]);
        assert_eq!(
            (&shown["on_device"], &shown["keys"][0]["backup"]),
            (&json!("here"), &json!("none"))
        );
        let code = custodian.path(&format!("{name}-code"));
        phone.success(&["backup", "--method", "code", "--code-out", &code]);
        matches(&phone, &code);
    });
}

#[test]
fn a_backup_is_made_or_not_and_its_code_is_never_missing() {
    let custodian = Custodian::start();
    let key = custodian.write("key", &[7; 32]);
    let stores = |name: &str| format!("dir:{}", custodian.path(&format!("{name}-store")));
    let prepare = |name: &str| {
        let phone = custodian.phone(name, name);
        if name.ends_with(['1', '3', '5', '7', '9']) {
            phone.success(&["wallet", "import", "--secp256k1-file", &key]);
        } else {
            phone.success(&["wallet", "create", "--curve", "ed25519"]);
        }
        let (code, store) = (custodian.path(&format!("{name}-code")), stores(name));
        let args = ["backup", "--method", "code", "--code-out", &code];
        let args = [&args[..], &["--store", "custodian", "--store", &store]].concat();
        args.into_iter().map(str::to_owned).collect()
    };
    kill_at_every_instant(&custodian, "backup", prepare, |name, _| {
        let (phone, code) = (custodian.blank_phone(name), custodian.path(&format!("{name}-code")));
        let shown = phone.success(&["wallet", "show"]);
        if is_complete(&shown) {
            // Both stores, though it was resume that finished it.
            assert_eq!(shown["stores"].as_array().unwrap().len(), 2);
            return matches(&phone, &code);
        }
        assert_eq!((&shown["epoch"], &shown["keys"][0]["backup"]), (&Value::Null, &json!("none")));
        let (again, store) = (custodian.path(&format!("{name}-again")), stores(name));
        let args = ["backup", "--method", "code", "--code-out", &again];
        phone.success(&[&args[..], &["--store", "custodian", "--store", &store]].concat());
        matches(&phone, &again);
    });
}

#[test]
fn a_refresh_is_made_or_not() {
    let custodian = Custodian::start();
    let code = |name: &str| custodian.path(&format!("{name}-code"));
    let prepare = |name: &str| {
        let phone = custodian.phone(name, name);
        phone.success(&["wallet", "create", "--curve", "ed25519"]);
        phone.success(&["backup", "--method", "code", "--code-out", &code(name)]);
        ["refresh", "--method", "code", "--code-file", &code(name)].map(str::to_owned).to_vec()
    };
    kill_at_every_instant(&custodian, "refresh", prepare, |name, resumed| {
        let phone = custodian.blank_phone(name);
        let shown = phone.success(&["wallet", "show"]);
        assert!(is_complete(&shown), "{shown}");
        if resumed["outcome"] == "finished" {
            assert!(shown["epoch"].as_u64() > Some(1), "{resumed}");
        }
        matches(&phone, &code(name));
    });
}

#[test]
fn a_recovery_is_made_or_not() {
    let custodian = Custodian::start();
    let key = custodian.write("key", &[7; 32]);
    let prepare = |name: &str| {
        let first = custodian.phone(&format!("{name}-first"), name);
        if name.ends_with(['1', '3', '5', '7', '9']) {
            first.success(&["wallet", "import", "--secp256k1-file", &key]);
        } else {
            first.success(&["wallet", "create", "--curve", "ed25519"]);
        }
        let code = custodian.path(&format!("{name}-code"));
        first.success(&["backup", "--method", "code", "--code-out", &code]);
        custodian.phone(name, name);
        ["recover", "--method", "code", "--code-file", &code].map(str::to_owned).to_vec()
    };
    kill_at_every_instant(&custodian, "recover", prepare, |name, resumed| {
        let phone = custodian.blank_phone(name);
        let code = custodian.path(&format!("{name}-code"));
        assert!(Path::new(&code).exists());
        let is_here = phone.run(&["wallet", "show"]).code == 0;
        assert!(is_here || resumed["outcome"] != "finished", "{resumed}");
        if !is_here {
            phone.failure(&["wallet", "show"], "no_wallet", 1);
            phone.success(&["recover", "--method", "code", "--code-file", &code]);
        }
        let shown = phone.success(&["wallet", "show"]);
        assert!(is_complete(&shown) && shown["epoch"].as_u64() > Some(1), "{shown}");
        matches(&phone, &code);
        let first = custodian.blank_phone(&format!("{name}-first"));
        if shown["kind"] == "mpc" {
            let new = custodian.path(&format!("{name}-new"));
            let replace = ["backup", "--replace", "--method", "code", "--code-out", &new];
            first.failure(&replace, "revoked", 1);
        } else {
            let exported = phone.reveals(&["wallet", "export", "--yes"]);
            assert_eq!(exported["secrets"][0]["hex"], "07".repeat(32));
        }
    });
}

#[test]
fn a_custodian_that_goes_away_is_waited_for() {
    let mut custodian = Custodian::start();
    custodian.phone("phone", "alice").success(&["wallet", "create", "--curve", "ed25519"]);
    let code = custodian.path("code");
    let backup = ["backup", "--method", "code", "--code-out", &code];
    custodian.stop();
    custodian.blank_phone("phone").failure(&backup, "unavailable", 1);
    assert!(!Path::new(&code).exists(), "nothing was begun: the code is not one");
    // What the phone knows can be seen all the same.
    let shown = custodian.blank_phone("phone").success(&["wallet", "show"]);
    assert_eq!((&shown["asked"], &shown["not_asked"]), (&Value::Null, &json!("unavailable")));
    custodian.resume();
    custodian.blank_phone("phone").success(&backup);
}
