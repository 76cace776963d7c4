//! What the command refuses, with which code, and how it exits.

use std::{fs, path::Path};

use serde_json::json;
use twoshare::protocol::rules::{Favour, Policy};

use crate::{OTHER_PASSWORD, PASSWORD, custodian::Custodian};

#[test]
fn wrong_secrets_are_told_from_everything_else() {
    let custodian = Custodian::start();
    let phone = custodian.phone("phone", "alice");
    phone.success(&["wallet", "create", "--curve", "ed25519"]);
    let weak = phone.with("TWOSHARE_PASSWORD", "12345678");
    weak.failure(&["backup", "--method", "password"], "password_too_weak", 1);
    let code = custodian.path("code");
    let backup = ["backup", "--method", "password", "--method", "code", "--code-out", &code];
    weak.failure(&backup, "password_too_weak", 1);
    assert!(!Path::new(&code).exists(), "a code for nothing");
    phone.with("TWOSHARE_PASSWORD", PASSWORD).success(&backup);
    phone.with("TWOSHARE_PASSWORD", PASSWORD).failure(&backup, "file_exists", 1);

    let wrong = phone.with("TWOSHARE_PASSWORD", OTHER_PASSWORD);
    let error = wrong.failure(&["drill", "--method", "password"], "wrong_password", 1);
    assert_eq!(error["method"], "password");
    wrong.failure(&["refresh", "--method", "password"], "wrong_password", 1);
    let second = custodian.phone("second", "alice").with("TWOSHARE_PASSWORD", OTHER_PASSWORD);
    second.failure(&["recover", "--method", "password"], "wrong_password", 1);
    second.failure(&["wallet", "show"], "no_wallet", 1);
    assert_eq!(second.success(&["resume"])["outcome"], "nothing");
    let mistyped =
        fs::read_to_string(&code).unwrap().replacen(|c: char| c.is_ascii_digit(), "Z", 1);
    let mistyped = custodian.write("mistyped", mistyped.as_bytes());
    phone.failure(&["drill", "--method", "code", "--code-file", &mistyped], "code_mistyped", 1);
    // Nothing of that did any harm.
    let right = phone.with("TWOSHARE_PASSWORD", PASSWORD);
    assert_eq!(right.success(&["drill", "--method", "password"])["level"], "matches");
    let again = ["backup", "--method", "code", "--code-out", &custodian.path("again")];
    phone.failure(&again, "already_backed_up", 1);
    assert!(!Path::new(&custodian.path("again")).exists());
}

#[test]
fn tokens_are_read_again_and_refused_when_they_are_wrong() {
    let custodian = Custodian::start();
    let phone = custodian.phone("phone", "alice");
    let made = phone.success(&["wallet", "create", "--curve", "ed25519"]);
    let token = custodian.path("alice.token");
    fs::write(&token, "0".repeat(64)).unwrap();
    let create = ["wallet", "create"];
    phone.failure(&create, "not_signed_in", 1);
    phone.failure(&["requests", "list"], "not_signed_in", 1);
    let shown = phone.success(&["wallet", "show"]);
    assert_eq!((&shown["wallet"], &shown["not_asked"]), (&made["wallet"], &json!("not_signed_in")));
    // Another user's token does not let this one's wallets be touched.
    fs::write(&token, custodian.new_token("mallory", 3600)).unwrap();
    phone.failure(&["requests", "cancel", &"0".repeat(26)], "not_found", 1);
    fs::write(&token, custodian.new_token("alice", 3600)).unwrap();
    phone.success(&["requests", "list"]);
    fs::write(&token, "not a token\n").unwrap();
    phone.failure(&create, "not_signed_in", 1);
    fs::remove_file(&token).unwrap();
    phone.failure(&create, "not_signed_in", 1);
    assert!(custodian.was_said("alice.token"), "it does not say which file");
    // What the phone has can be seen all the same.
    phone.success(&["wallet", "show"]);
}

#[test]
fn a_login_is_checked() {
    let custodian = Custodian::start();
    let other = Custodian::start();
    let phone = custodian.blank_phone("phone");
    let (url, token) = (custodian.url(), custodian.token("alice"));
    let at = |url: &str, key: &str, token: &str, code: &str, exit: i32| {
        let login = ["login", "--custodian", url, "--custodian-key", key, "--token-file", token];
        phone.failure(&login, code, exit);
    };
    at(&url, &other.identity, &token, "wrong_custodian", 1);
    at(&url, "ABC", &token, "custodian_key_refused", 2);
    at(&url, &custodian.identity, &other.token("alice"), "not_signed_in", 1);
    at("http://127.0.0.1:1", &custodian.identity, &token, "unavailable", 1);
    at("http://example.com", &custodian.identity, &token, "url_plain", 1);
    at("custodian", &custodian.identity, &token, "url_malformed", 1);
    at(&url, &custodian.identity, &custodian.path("nowhere"), "file_unreadable", 1);
    phone.failure(&["wallet", "show"], "not_logged_in", 1);
    custodian.blank_phone("never").failure(&["resume"], "not_logged_in", 1);
    assert!(!Path::new(&custodian.path("never")).exists(), "a look makes no device");

    // The wallets on a phone are one user's.
    let phone = custodian.phone("phone", "alice");
    phone.success(&["wallet", "create", "--curve", "ed25519"]);
    let token = custodian.token("bob");
    let login = ["login", "--custodian", &url, "--custodian-key", &custodian.identity];
    let error = phone.failure(&[&login[..], &["--token-file", &token]].concat(), "other_user", 1);
    assert_eq!((&error["expected"], &error["found"]), (&json!("alice"), &json!("bob")));
}

#[test]
fn misuse_is_told_before_anything_is_done() {
    let custodian = Custodian::start();
    let phone = custodian.phone("phone", "alice");
    let nobody = "0".repeat(26);
    phone.failure(&["wallet", "show"], "no_wallet", 1);
    phone.failure(&["wallet", "show", "--wallet", &nobody], "no_wallet", 1);
    phone.failure(&["backup", "--method", "code"], "no_wallet", 1);
    phone.failure(&["recover", "--method", "code", "--code-file", "x"], "no_wallet", 1);
    let code = custodian.write("code", b"x");
    let recover = ["recover", "--method", "code", "--code-file", &code, "--wallet", &nobody];
    phone.failure(&recover, "code_length", 1);
    phone.success(&["wallet", "create", "--curve", "ed25519"]);
    for (args, code) in [
        (vec!["backup"], "usage"),
        (vec!["backup", "--method", "fingerprint"], "usage"),
        (vec!["backup", "--method", "pin"], "unsupported_method"),
        (vec!["backup", "--method", "code", "--method", "passkey"], "unsupported_method"),
        (vec!["methods", "add", "--method", "drive", "--with", "code"], "unsupported_method"),
        (vec!["methods", "add", "--method", "code", "--with", "hardware"], "unsupported_method"),
        (vec!["recover", "--method", "pin"], "unsupported_method"),
        (vec!["backup", "--method", "code", "--store", "s3://bucket/x"], "unsupported_store"),
        (vec!["backup", "--method", "code", "--store", "webdav://host/x"], "unsupported_store"),
        (vec!["backup", "--method", "code", "--store", "ftp://host/x"], "usage"),
        (vec!["backup", "--method", "code", "--store", "https://a.example"], "secret_missing"),
        (vec!["backup", "--method", "code", "--method", "code"], "method_twice"),
        (vec!["backup", "--method", "password", "--code-out", "x"], "code_out_unused"),
        (vec!["backup", "--method", "password"], "secret_missing"),
        (
            vec!["backup", "--method", "code", "--store", "custodian", "--store", "custodian"],
            "store_twice",
        ),
        (
            vec!["backup", "--method", "code", "--store", "custodian", "--at-least", "2"],
            "too_few_stores",
        ),
        (vec!["backup", "--method", "code", "--password", PASSWORD], "usage"),
        (vec!["wallet", "show", "--wallet", "ABC"], "usage"),
        (vec!["wallet", "create", "--curve", "p256"], "usage"),
        (vec!["wallet", "import"], "nothing_to_import"),
        (vec!["wallet", "import", "--opaque-file", "x"], "label_missing"),
        (vec!["wallet", "import", "--ed25519-seed-file", &code], "secret_refused"),
        (vec!["recover", "--method", "code", "--check-code", "A", "--accept-unvouched"], "usage"),
        (
            vec!["wallet", "import", "--mnemonic-file", "-", "--device-password-file", "-"],
            "standard_input_twice",
        ),
        (vec!["kit", "--out", "x"], "unsupported_command"),
        (vec!["offline-recover", "--kit", "x", "--json"], "unsupported_command"),
        (vec!["fly"], "usage"),
    ] {
        phone.failure(&args, code, 2);
    }
    phone.failure(&["wallet", "export", "--yes"], "no_secrets", 1);
    phone.failure(&["drill"], "not_backed_up", 1);
    phone.failure(&["export", "--text"], "not_backed_up", 1);
    assert_eq!(phone.success(&["wallet", "show"])["keys"][0]["backup"], "none");
    let key = custodian.write("key", &[7; 32]);
    let single = custodian.phone("single", "alice");
    single.success(&["wallet", "import", "--secp256k1-file", &key]);
    single.failure(&["wallet", "export"], "confirmation_missing", 2);
}

#[test]
fn a_frozen_wallet_and_a_waiting_request_say_so() {
    let custodian = Custodian::start();
    let phone = custodian.phone("phone", "alice");
    let made = phone.success(&["wallet", "create", "--curve", "ed25519"]);
    let code = custodian.path("code");
    phone.success(&["backup", "--method", "code", "--code-out", &code]);
    let none = phone.success(&["requests", "list"]);
    assert_eq!((&none["requests"], &none["frozen"]), (&json!([]), &json!(false)));
    let nobody = "0".repeat(26);
    phone.failure(&["requests", "cancel", &nobody], "no_such_request", 1);
    let (user, wallet) =
        ("alice".parse().unwrap(), made["wallet"].as_str().unwrap().parse().unwrap());
    custodian.operate(async |service| service.freeze(&user, wallet).await).unwrap();
    let error = phone.failure(&["refresh", "--method", "code", "--code-file", &code], "frozen", 1);
    assert_eq!(error["operator"], true);
    let shown = phone.success(&["wallet", "show"]);
    assert_eq!(
        (&shown["recoverable"], &shown["frozen"]["operator"]),
        (&json!("by_operator"), &json!(true))
    );
    custodian.operate(async |service| service.unfreeze(&user, wallet, None).await).unwrap();
    phone.success(&["refresh", "--method", "code", "--code-file", &code]);
}

#[test]
fn a_recovery_that_waits_can_be_objected_to_and_the_operator_decides() {
    let custodian = Custodian::start_with(Policy { recovery_wait: 1, ..Policy::default() });
    let first = custodian.phone("first", "alice");
    let made = first.success(&["wallet", "create", "--curve", "ed25519"]);
    let code = custodian.path("code");
    first.success(&["backup", "--method", "code", "--code-out", &code]);
    let second = custodian.phone("second", "alice");
    let recover = ["recover", "--method", "code", "--code-file", &code];
    let waiting = second.failure(&recover, "waiting", 1);
    let request = waiting["request"].as_str().unwrap();
    second.failure(&["wallet", "show"], "no_wallet", 1);

    let listed = first.success(&["requests", "list"]);
    assert_eq!(listed["requests"][0]["operation"], "recover");
    assert_eq!(listed["requests"][0]["id"], request);
    first.success(&["requests", "cancel", &request.to_lowercase()]);
    assert_eq!(first.success(&["requests", "list"])["dispute"], request);
    std::thread::sleep(std::time::Duration::from_secs(1));
    second.failure(&recover, "frozen", 1);
    let (user, wallet) =
        ("alice".parse().unwrap(), made["wallet"].as_str().unwrap().parse().unwrap());
    let favour = Some(Favour::Request(request.parse().unwrap()));
    custodian.operate(async |service| service.unfreeze(&user, wallet, favour).await).unwrap();
    let recovered = second.success(&recover);
    assert_eq!(recovered["check_code"], made["check_code"]);
    // The first phone has nothing to say any more.
    assert_eq!(first.run(&["requests", "cancel", request]).code, 1);
}

#[test]
fn a_restored_custodian_recovers_what_its_operator_approves() {
    let mut custodian = Custodian::start();
    let phone = custodian.phone("phone", "alice");
    let made = phone.success(&["wallet", "create", "--curve", "ed25519"]);
    let code = custodian.path("code");
    phone.success(&["backup", "--method", "code", "--code-out", &code]);
    custodian.stop();
    custodian.resume_restored();
    let phone = custodian.blank_phone("phone");
    assert_eq!(phone.success(&["wallet", "show"])["recoverable"], "by_operator");
    let second = custodian.phone("second", "alice");
    let recover = ["recover", "--method", "code", "--code-file", &code];
    second.failure(&recover, "restored", 1);
    let id = second.success(&["operation-id"])["operation"].as_str().unwrap().to_owned();
    let (user, wallet) =
        ("alice".parse().unwrap(), made["wallet"].as_str().unwrap().parse().unwrap());
    let approved = id.parse().unwrap();
    custodian.operate(async |service| service.approve(&user, wallet, approved).await).unwrap();
    second.success(&[&recover[..], &["--approved", &id]].concat());
    assert_eq!(second.success(&["wallet", "show"])["recoverable"], "yes");
    second.success(&["refresh", "--method", "code", "--code-file", &code]);
}
