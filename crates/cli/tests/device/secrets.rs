//! What was secret in a story is in no output and in no file where it does not belong.

use std::{fs, path::Path};

use crate::{OTHER_PASSWORD, PASSWORD, custodian::Custodian};

const WORDS: &str = "legal winner thank year wave sausage worth useful legal winner thank yellow";

#[test]
fn nothing_secret_is_printed_or_left_in_a_file() {
    let custodian = Custodian::start();
    let key = [0x5c; 32];
    let key_file = custodian.write("secret-key", &key);
    let words = custodian.write("secret-words", WORDS.as_bytes());
    let code = custodian.path("secret-code");
    let phone = custodian.phone("phone", "alice").with("TWOSHARE_PASSWORD", PASSWORD);
    let store = format!("dir:{}", custodian.path("store"));

    phone.success(&["wallet", "import", "--secp256k1-file", &key_file, "--mnemonic-file", &words]);
    let backup = ["backup", "--method", "password", "--method", "code", "--code-out", &code];
    phone.success(&[&backup[..], &["--store", "custodian", "--store", &store]].concat());
    for args in [
        &["wallet", "show"][..],
        &["methods", "list"],
        &["backups", "list"],
        &["requests", "list"],
        &["resume"],
        &["export", "--text"],
        &["drill", "--method", "password"],
        &["refresh", "--method", "password"],
    ] {
        phone.success(args);
        // As people read it, too.
        assert_eq!(phone.run(args).code, 0);
    }
    phone.with("TWOSHARE_PASSWORD", OTHER_PASSWORD).failure(
        &["drill", "--method", "password"],
        "wrong_password",
        1,
    );
    let second = custodian.phone("second", "alice").with("TWOSHARE_PASSWORD", PASSWORD);
    second.success(&["recover", "--method", "password", "--store", "custodian", "--store", &store]);
    second.failure(&["wallet", "export"], "confirmation_missing", 2);

    let code = fs::read_to_string(&code).unwrap();
    let token = fs::read_to_string(custodian.path("alice.token")).unwrap();
    let texts = [PASSWORD, OTHER_PASSWORD, WORDS, code.trim(), token.trim(), &hex::encode(key)];
    for secret in texts {
        assert!(!custodian.was_said(secret), "it was printed");
        assert!(!custodian.was_said(&secret.replace('-', "")), "it was printed");
    }
    let mut searched = 0;
    let bytes: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).chain([&key[..]]).collect();
    search(custodian.folder(), &bytes, &mut searched);
    assert!(searched > 8, "only {searched} files");
}

/// Looks for them in every file that is not there to have one.
fn search(folder: &Path, secrets: &[&[u8]], searched: &mut usize) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            search(&path, secrets, searched);
        } else if !name.starts_with("secret-") && !name.ends_with(".token") {
            *searched += 1;
            let content = fs::read(&path).unwrap();
            for secret in secrets {
                let found = content.windows(secret.len()).any(|window| window == *secret);
                assert!(!found, "{} has a secret", path.display());
            }
        }
    }
}

#[test]
fn a_new_code_is_where_it_was_asked_for_and_nowhere_else() {
    let custodian = Custodian::start();
    let phone = custodian.phone("phone", "alice");
    phone.success(&["wallet", "create", "--curve", "ed25519"]);
    // Without a file it is in the answer.
    let backed_up = phone.reveals(&["backup", "--method", "code"]);
    let code = backed_up["code"].as_str().unwrap();
    assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [5; 7]);
    let with = phone.with("TWOSHARE_CODE", code);
    assert_eq!(with.success(&["drill", "--method", "code"])["level"], "matches");
    // With one it is there, for its owner alone, and not in the answer.
    let slot = backed_up["methods"][0]["slot"].as_str().unwrap();
    let out = custodian.path("code");
    let changed = with.success(&["methods", "change", slot, "--with", "code", "--code-out", &out]);
    assert!(changed.get("code").is_none());
    let new = fs::read_to_string(&out).unwrap();
    assert!(!custodian.was_said(new.trim()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // On a pipe, for a person, it is a line of its own before anything else.
    let add = ["methods", "add", "--method", "code", "--with", "code", "--code-file", &out];
    let printed = phone.command(&add).run();
    assert_eq!(printed.code, 0, "{}", printed.stderr);
    let third = printed.stdout.lines().next().unwrap();
    let with = phone.with("TWOSHARE_CODE", third);
    assert_eq!(with.success(&["drill", "--method", "code"])["level"], "matches");
}
