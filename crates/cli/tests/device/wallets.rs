//! A wallet's life, as a person lives it.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    OTHER_PASSWORD, PASSWORD,
    custodian::{Custodian, Phone},
};

const WORDS: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";

/// The options that name the stores of a test: the custodian, and a directory.
struct Stores {
    directory: String,
}

impl Stores {
    fn of(custodian: &Custodian) -> Self {
        Self { directory: format!("dir:{}", custodian.path("store")) }
    }

    fn add<'a>(&'a self, args: &[&'a str]) -> Vec<&'a str> {
        [args, &["--store", "custodian", "--store", &self.directory]].concat()
    }
}

/// Backs up with a password and a code, which is then in this file.
fn back_up(phone: &Phone<'_>, stores: &Stores, code: &str) -> Value {
    let args = ["backup", "--method", "password", "--method", "code", "--code-out", code];
    phone.with("TWOSHARE_PASSWORD", PASSWORD).success(&stores.add(&args))
}

fn check_complete(shown: &Value, stores: &Stores) {
    let keys = shown["keys"].as_array().unwrap();
    assert!(!keys.is_empty() && keys.iter().all(|key| key["backup"] == "complete"), "{shown}");
    let methods = shown["methods"].as_array().unwrap();
    let names: Vec<_> = methods.iter().map(|method| method["method"].as_str().unwrap()).collect();
    assert_eq!(names, ["password", "code"]);
    let has = |store: &str| json!({ "store": store, "has": "everything" });
    assert_eq!(shown["stores"], json!([has("custodian"), has(&stores.directory)]));
}

/// What does not change, whatever device shows it.
fn identity_of(shown: &Value) -> Vec<Value> {
    let keys = shown["keys"].as_array().unwrap().iter().map(|key| key["public_key"].clone());
    [shown["wallet"].clone(), shown["check_code"].clone(), shown["kind"].clone()]
        .into_iter()
        .chain(keys)
        .collect()
}

#[test]
fn an_mpc_wallet_comes_back_with_either_method_and_its_old_device_can_do_nothing() {
    let custodian = Custodian::start();
    let stores = Stores::of(&custodian);
    let first = custodian.phone("phone-1", "alice");
    let made = first.success(&["wallet", "create", "--name", "Savings"]);
    assert_eq!(made["kind"], "mpc");
    assert_eq!(made["name"], "Savings");
    assert_eq!(made["keys"][0]["curve"], "secp256k1");
    assert_eq!(made["keys"][1]["curve"], "ed25519");
    assert_eq!((&made["keys"][0]["backup"], &made["epoch"]), (&json!("none"), &Value::Null));

    let code = custodian.path("code");
    let backed_up = back_up(&first, &stores, &code);
    check_complete(&backed_up, &stores);
    assert_eq!(backed_up["epoch"], 1);
    let shown = first.success(&["wallet", "show"]);
    for name in ["wallet", "check_code", "keys", "epoch", "methods", "stores", "hazards"] {
        assert_eq!(shown[name], backed_up[name], "{name}");
    }
    assert_eq!(shown["hazards"], json!([]));
    let drill = first.success(&["drill", "--method", "code", "--code-file", &code]);
    assert_eq!((&drill["level"], &drill["epoch"]), (&json!("matches"), &json!(1)));
    assert_eq!(first.success(&["wallet", "show"])["last_drill"]["level"], "matches");
    assert_eq!(first.success(&["drill"])["level"], "present");

    // Lost, and recovered on empty phones: with the password, then with the code.
    let second = custodian.phone("phone-2", "alice");
    let recover = stores.add(&["recover", "--method", "password"]);
    let recovered = second.with("TWOSHARE_PASSWORD", PASSWORD).success(&recover);
    check_complete(&recovered, &stores);
    assert_eq!((identity_of(&recovered), &recovered["epoch"]), (identity_of(&made), &json!(2)));
    assert_eq!(recovered["hazards"], json!([]));
    let third = custodian.phone("phone-3", "alice");
    let recover = stores.add(&["recover", "--method", "code", "--code-file", &code]);
    let recovered = third.success(&recover);
    check_complete(&recovered, &stores);
    assert_eq!((identity_of(&recovered), &recovered["epoch"]), (identity_of(&made), &json!(3)));
    let drill =
        third.with("TWOSHARE_PASSWORD", PASSWORD).success(&["drill", "--method", "password"]);
    assert_eq!((&drill["level"], &drill["epoch"]), (&json!("matches"), &json!(3)));

    for old in [&first, &second] {
        let new = ["backup", "--replace", "--method", "code", "--code-out"];
        old.failure(&[&new[..], &[&custodian.path("thiefs-code")]].concat(), "revoked", 1);
        // Not even with a method that opens the backup: it may hold what is older than what counts.
        old.failure(&["refresh", "--method", "code", "--code-file", &code], "revoked", 1);
        // Nothing depends on it, and it is not left behind.
        assert!(!Path::new(&custodian.path("thiefs-code")).exists());
        assert_eq!(old.success(&["wallet", "show"])["on_device"], "revoked");
        assert_eq!(old.success(&["resume"])["outcome"], "revoked");
    }
    // The new one is not disturbed.
    assert_eq!(third.success(&["wallet", "show"])["epoch"], 3);
    assert_eq!(third.success(&["refresh", "--method", "code", "--code-file", &code])["epoch"], 4);

    // A phone that was found again gets the wallet like any other; or forgets it.
    let again = first.success(&recover);
    assert_eq!((&again["on_device"], identity_of(&again)), (&json!("here"), identity_of(&made)));
    assert_eq!(third.success(&["resume"])["outcome"], "revoked");
    second.failure(&["wallet", "forget"], "confirmation_missing", 2);
    second.success(&["wallet", "forget", "--yes"]);
    second.failure(&["wallet", "show"], "no_wallet", 1);
}

#[test]
fn a_single_key_wallet_of_several_secrets_comes_back_byte_for_byte() {
    let custodian = Custodian::start();
    let stores = Stores::of(&custodian);
    let key = custodian.write("key", format!("0x{}\n", "5c".repeat(32)).as_bytes());
    let seed = custodian.write("seed", &[9; 32]);
    let words = custodian.write("words", format!("{WORDS}\n").as_bytes());
    let blob = custodian.write("blob", b"\x00opaque\n");
    let first = custodian.phone("phone-1", "alice");
    let import = ["wallet", "import", "--secp256k1-file", &key, "--ed25519-seed-file", &seed];
    let more = ["--mnemonic-file", &words, "--opaque-file", &blob, "--label", "a blob"];
    let made = first.success(&[&import[..], &more].concat());
    assert_eq!(made["kind"], "single_key");
    assert_eq!(made["keys"].as_array().unwrap().len(), 4);
    let code = custodian.path("code");
    check_complete(&back_up(&first, &stores, &code), &stores);
    let exported = first.reveals(&["wallet", "export", "--yes"]);
    let secrets = &exported["secrets"];
    assert_eq!(secrets[0]["hex"], "5c".repeat(32));
    assert_eq!(
        (&secrets[1]["kind"], &secrets[1]["hex"]),
        (&json!("ed25519_seed"), &json!("09".repeat(32)))
    );
    assert_eq!((&secrets[2]["words"], &secrets[2]["label"]), (&json!(WORDS), &json!("words")));
    let blob = ("opaque", "a blob", hex::encode(b"\x00opaque\n"));
    assert_eq!(
        (&secrets[3]["kind"], &secrets[3]["label"], &secrets[3]["hex"]),
        (&json!(blob.0), &json!(blob.1), &json!(blob.2))
    );

    fs::remove_dir_all(&first.dir).unwrap();
    for (name, method) in [("phone-2", "password"), ("phone-3", "code")] {
        let phone = custodian.phone(name, "alice").with("TWOSHARE_PASSWORD", PASSWORD);
        let recover = ["recover", "--method", method, "--code-file", &code];
        let recovered = phone.success(&stores.add(&recover));
        check_complete(&recovered, &stores);
        assert_eq!(identity_of(&recovered), identity_of(&made));
        assert_eq!(recovered["hazards"][0]["hazard"], "lost_device_knows_key");
        assert_eq!(phone.reveals(&["wallet", "export", "--yes"]), exported);
        let drill = phone.success(&["drill", "--method", method, "--code-file", &code]);
        assert_eq!(drill["level"], "matches");
    }
}

#[test]
fn a_single_key_wallet_becomes_an_mpc_wallet_under_the_same_key() {
    let custodian = Custodian::start();
    let stores = Stores::of(&custodian);
    let key = custodian.write("key", format!("{}\n", "5c".repeat(32)).as_bytes());
    let first = custodian.phone("phone-1", "alice");
    let made = first.success(&["wallet", "import", "--secp256k1-file", &key]);
    let code = custodian.path("code");
    let convert = ["wallet", "convert", "--method", "code", "--code-file", &code];
    first.failure(&["wallet", "convert"], "usage", 2);
    back_up(&first, &stores, &code);
    let old = custodian.phone("phone-2", "alice").with("TWOSHARE_PASSWORD", PASSWORD);
    old.success(&stores.add(&["recover", "--method", "password"]));

    let converted = first.success(&convert);
    check_complete(&converted, &stores);
    assert_eq!((&converted["kind"], &converted["epoch"]), (&json!("mpc"), &json!(3)));
    let same = |shown: &Value| [&shown["wallet"], &shown["check_code"]].map(Value::clone);
    assert_eq!(same(&converted), same(&made));
    assert_eq!(converted["keys"][0]["public_key"], made["keys"][0]["public_key"]);
    assert_eq!(converted["hazards"][0]["hazard"], "key_was_whole");
    assert!(converted["hazards"][0]["until"].as_str().unwrap().ends_with('Z'));
    first.failure(&["wallet", "export", "--yes"], "no_secrets", 1);
    first.failure(&convert, "already_mpc", 1);
    // The phone of before has the key, and can do nothing with the wallet's backup.
    assert_eq!(old.success(&["wallet", "show"])["on_device"], "revoked");
    old.failure(&["wallet", "convert", "--method", "password"], "revoked", 1);
    assert_eq!(old.success(&["resume"])["outcome"], "revoked");
    let third = custodian.phone("phone-3", "alice").with("TWOSHARE_PASSWORD", PASSWORD);
    let recovered = third.success(&stores.add(&["recover", "--method", "password"]));
    assert_eq!(identity_of(&recovered), identity_of(&converted));
    assert_eq!(recovered["hazards"][0]["hazard"], "key_was_whole");

    // What is sealed is named.
    let words = custodian.write("words", format!("{WORDS}\n").as_bytes());
    let phone = custodian.phone("phone-4", "bob");
    let import = ["wallet", "import", "--secp256k1-file", &key, "--mnemonic-file", &words];
    phone.success(&import);
    let bobs = custodian.path("bobs-code");
    back_up(&phone, &stores, &bobs);
    let convert = ["wallet", "convert", "--method", "code", "--code-file", &bobs];
    let refused = phone.failure(&convert, "sealed_secrets", 1);
    let sealed = json!([{ "index": 1, "kind": "mnemonic", "label": "words" }]);
    assert_eq!(refused["sealed"], sealed);
    assert_eq!(phone.success(&["wallet", "show"])["kind"], "single_key");
}

#[test]
fn methods_come_change_and_go() {
    let custodian = Custodian::start();
    let stores = Stores::of(&custodian);
    let phone = custodian.phone("phone", "alice").with("TWOSHARE_PASSWORD", PASSWORD);
    phone.success(&["wallet", "create", "--curve", "ed25519"]);
    let code = custodian.path("code");
    back_up(&phone, &stores, &code);
    let new = custodian.write("new", format!("{OTHER_PASSWORD}\n").as_bytes());
    let with = ["--with", "code", "--code-file", &code];

    let add = [
        "methods",
        "add",
        "--method",
        "password",
        "--label",
        "second",
        "--new-password-file",
        &new,
    ];
    let added = phone.success(&[&add[..], &with].concat());
    assert_eq!(added["epoch"], 2);
    let listed = phone.success(&["methods", "list"]);
    assert_eq!(listed["methods"], added["methods"]);
    let methods = listed["methods"].as_array().unwrap();
    assert_eq!(methods.len(), 3);
    assert_eq!(
        (&methods[2]["method"], &methods[2]["label"]),
        (&json!("password"), &json!("second"))
    );
    let drill = ["drill", "--method", "password"];
    let other = phone.with("TWOSHARE_PASSWORD", OTHER_PASSWORD);
    assert_eq!(other.success(&drill)["level"], "matches");

    // Typed as a person types it.
    let first = methods[0]["slot"].as_str().unwrap().to_lowercase().replace('-', " ");
    let removed = other.success(&["methods", "remove", &first, "--with", "password"]);
    assert_eq!(removed["methods"].as_array().unwrap().len(), 2);
    phone.failure(&drill, "wrong_password", 1);
    other.failure(&["methods", "remove", &first, "--with", "password"], "no_such_slot", 1);

    let slot = methods[1]["slot"].as_str().unwrap();
    let new_code = custodian.path("new-code");
    let change = ["methods", "change", slot, "--with", "password", "--code-out", &new_code];
    let changed = other.success(&change);
    assert_eq!(changed["methods"].as_array().unwrap().len(), 2);
    phone.failure(&["drill", "--method", "code", "--code-file", &code], "wrong_code", 1);
    let drill = phone.success(&["drill", "--method", "code", "--code-file", &new_code]);
    assert_eq!((&drill["level"], &drill["epoch"]), (&json!("matches"), &json!(4)));
}

#[test]
fn stores_are_remembered() {
    let custodian = Custodian::start();
    let phone = custodian.phone("phone", "alice");
    phone.success(&["wallet", "create", "--curve", "ed25519"]);
    let directory = custodian.path("only here");
    let (code, store) = (custodian.path("code"), format!("dir:{directory}"));
    let backup = ["backup", "--method", "code", "--code-out", &code, "--store", &store];
    phone.success(&backup);
    let refreshed = phone.success(&["refresh", "--method", "code", "--code-file", &code]);
    assert_eq!(refreshed["stores"], json!([{ "store": store, "has": "everything" }]));
    let listed = phone.success(&["backups", "list"]);
    let newest = listed["backups"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&newest["store"], &newest["epoch"], &newest["health"]),
        (&json!(store), &json!(2), &json!("intact"))
    );
    let kept = newest["digest"].clone();

    // A phone that was told of no other store than the custodian's finds nothing.
    let second = custodian.phone("second", "alice");
    let recover = ["recover", "--method", "code", "--code-file", &code];
    second.failure(&recover, "envelope_not_found", 1);
    second.success(&[&recover[..], &["--store", &store]].concat());
    // From then on it knows.
    let refreshed = second.success(&["refresh", "--method", "code", "--code-file", &code]);
    assert_eq!(refreshed["stores"], json!([{ "store": store, "has": "everything" }]));

    // Exported from where it is, imported somewhere else.
    let (file, copy) = (custodian.path("backup.envelope"), custodian.path("copy"));
    second.success(&["export", "--out", &file]);
    let imported = second.success(&["import", &file, "--store", &format!("dir:{copy}")]);
    assert_ne!(imported["digest"], kept);
    assert_eq!(second.success(&["inspect", &file])["digest"], imported["digest"]);
    fs::remove_dir_all(&directory).unwrap();
    second.failure(&["drill"], "envelope_not_found", 1);
    fs::create_dir(&directory).unwrap();
    second.success(&["import", &file]);
    assert_eq!(
        second.success(&["drill", "--method", "code", "--code-file", &code])["level"],
        "matches"
    );
}

#[test]
fn the_key_is_ejected_inside_the_window_only() {
    let custodian = Custodian::start();
    let phone = custodian.phone("phone", "alice");
    let made = phone.success(&["wallet", "create"]);
    let code = custodian.path("code");
    phone.success(&["backup", "--method", "code", "--code-out", &code]);
    let eject = ["eject", "--method", "code", "--code-file", &code, "--yes"];
    phone.failure(&eject, "window_closed", 1);
    let wallet = made["wallet"].as_str().unwrap().parse().unwrap();
    let user = "alice".parse().unwrap();
    custodian.operate(async |service| service.open_window(&user, wallet, 300).await).unwrap();
    phone.failure(&eject[..5], "confirmation_missing", 2);
    let ejected = phone.reveals(&eject);
    let keys = ejected["keys"].as_array().unwrap();
    let private = hex::decode(keys[0]["private_key"].as_str().unwrap()).unwrap();
    let key = k256::schnorr::SigningKey::from_slice(&private).unwrap();
    let public = hex::encode(key.verifying_key().to_bytes());
    assert!(made["keys"][0]["public_key"].as_str().unwrap().ends_with(&public));
    assert!(keys[1]["note"].as_str().unwrap().contains("seed"), "{}", keys[1]);
    assert_eq!(phone.success(&["wallet", "show"])["hazards"][0]["hazard"], "ejected");
}

#[test]
fn a_phone_without_the_custodians_key_takes_it_from_the_envelope() {
    let custodian = Custodian::start();
    let first = custodian.phone("phone-1", "alice");
    first.success(&["wallet", "create", "--curve", "ed25519"]);
    let code = custodian.path("code");
    first.success(&["backup", "--method", "code", "--code-out", &code]);
    let second = custodian.blank_phone("phone-2");
    let (url, token) = (custodian.url(), custodian.token("alice"));
    let login = ["login", "--custodian", &url, "--token-file", &token];
    assert_eq!(second.success(&login)["custodian_key"], Value::Null);
    second.failure(&["wallet", "create"], "unpinned", 1);
    second.success(&["recover", "--method", "code", "--code-file", &code]);
    // Known from now on, and not forgotten.
    assert_eq!(second.success(&login)["custodian_key"], custodian.identity.as_str());
    second.success(&["refresh", "--method", "code", "--code-file", &code]);
}

#[test]
fn several_wallets_are_told_apart() {
    let custodian = Custodian::start();
    let phone = custodian.phone("phone", "alice");
    let ids: Vec<String> = ["ed25519", "secp256k1"]
        .iter()
        .map(|curve| {
            let made = phone.success(&["wallet", "create", "--curve", curve]);
            made["wallet"].as_str().unwrap().to_owned()
        })
        .collect();
    let several = phone.failure(&["wallet", "show"], "several_wallets", 2);
    assert_eq!(several["wallets"].as_array().unwrap().len(), 2);
    let mut codes = Vec::new();
    for (id, name) in ids.iter().zip(["code-1", "code-2"]) {
        // Typed as a person types it.
        let typed = id.to_lowercase().replace('-', " ");
        codes.push(custodian.path(name));
        let code = codes.last().unwrap();
        phone.success(&["backup", "--wallet", &typed, "--method", "code", "--code-out", code]);
    }
    assert_eq!(phone.success(&["wallet", "list"])["wallets"].as_array().unwrap().len(), 2);
    let second = custodian.phone("second", "alice");
    let recover = ["recover", "--method", "code", "--code-file", &codes[1]];
    let listed = second.failure(&recover, "several_wallets", 2);
    assert_eq!(listed["wallets"].as_array().unwrap().len(), 2);
    let recovered = second.success(&[&recover[..], &["--wallet", &ids[1]]].concat());
    assert_eq!(
        (&recovered["wallet"], &recovered["keys"][0]["curve"]),
        (&json!(ids[1]), &json!("secp256k1"))
    );
}

#[test]
fn a_device_password_seals_what_the_phone_has() {
    let custodian = Custodian::start();
    let phone = custodian.blank_phone("phone");
    let open = phone.with("TWOSHARE_DEVICE_PASSWORD", OTHER_PASSWORD);
    let (url, token) = (custodian.url(), custodian.token("alice"));
    let login = [
        "login",
        "--custodian",
        &url,
        "--custodian-key",
        &custodian.identity,
        "--token-file",
        &token,
    ];
    phone.with("TWOSHARE_DEVICE_PASSWORD", "12345678").failure(&login, "password_too_weak", 1);
    assert_eq!(open.success(&login)["device_password"], true);
    open.success(&["wallet", "create", "--curve", "ed25519"]);
    phone.failure(&["wallet", "show"], "secret_missing", 2);
    let wrong = phone.with("TWOSHARE_DEVICE_PASSWORD", PASSWORD);
    wrong.failure(&["wallet", "show"], "wrong_device_password", 1);
    let file = custodian.write("device-password", OTHER_PASSWORD.as_bytes());
    phone.success(&["wallet", "show", "--device-password-file", &file]);
    let by_input = phone.command(&["wallet", "show", "--json", "--device-password-file", "-"]);
    by_input.with_input(format!("{OTHER_PASSWORD}\n").as_bytes()).success();

    // Changed, and taken away.
    let new = custodian.write("new-device-password", PASSWORD.as_bytes());
    open.success(&["device", "password", "--new-device-password-file", &new]);
    open.failure(&["wallet", "show"], "wrong_device_password", 1);
    wrong.success(&["wallet", "show"]);
    assert_eq!(wrong.success(&["device", "password", "--remove"])["device_password"], false);
    phone.success(&["wallet", "show"]);
    // A variable may be there for other devices; a file is meant for this one.
    open.success(&["wallet", "show"]);
    assert!(custodian.was_said("TWOSHARE_DEVICE_PASSWORD is not used"));
    let given = ["wallet", "show", "--device-password-file", &file];
    phone.failure(&given, "device_no_password", 1);
}
