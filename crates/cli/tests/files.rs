//! `inspect`, `export`, `import` and `backups`, by running the command itself.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

mod common;

use std::{fs, process::Command};

use common::{CODE, Fixture, PASSWORD, twoshare};
use serde_json::{Value, json};
use twoshare_core::{
    container::{self, Content},
    text,
};

#[test]
fn inspect_says_what_a_backup_is_in_every_form() {
    let fixture = Fixture::new();
    let text = text::write(&fixture.cose);
    for (form, bytes) in [
        ("container", fixture.container.clone()),
        ("cose", fixture.cose.clone()),
        ("text", text.clone().into_bytes()),
        ("text", format!("Hi,\n  my backup: {}.\nBye", text.to_uppercase()).into_bytes()),
    ] {
        let file = fixture.write("backup", &bytes);
        let answer = twoshare(["inspect", &file, "--json"]).success();
        assert_eq!(answer["form"], form);
        assert_eq!(answer["wallet"], fixture.wallet);
        assert_eq!(answer["name"], "Savings");
        assert_eq!(answer["network"], Value::Null);
        assert_eq!(answer["epoch"], 1);
        assert_eq!(answer["created"], "2025-11-20T00:00:00Z");
        assert_eq!(answer["digest"], fixture.digest);
        assert_eq!(answer["health"], "intact");
        let methods = answer["methods"].as_array().unwrap();
        let named: Vec<_> = methods.iter().map(|m| (&m["method"], &m["label"])).collect();
        let expected = [(json!("password"), json!("a\x1b[2Jb")), (json!("code"), json!(""))];
        assert_eq!(named, expected.each_ref().map(|(method, label)| (method, label)));
        assert!(answer.get("opened").is_none());
    }
    let from_input = twoshare(["inspect", "-", "--json"]).with_input(&fixture.container);
    assert_eq!(from_input.success()["form"], "container");
}

#[test]
fn inspect_speaks_to_people_too() {
    let fixture = Fixture::new();
    let output = twoshare(["inspect", &fixture.file]).run();
    assert_eq!(output.code, 0, "{}", output.stderr);
    assert!(output.stdout.contains(&format!("wallet   {}\n", fixture.wallet)));
    assert!(output.stdout.contains("name     Savings\n"));
    assert!(!output.stdout.contains('\x1b'), "a label acts on the terminal");
    assert_eq!(output.stderr, "");
    // With --json, the same text is on standard error.
    let both = twoshare(["--json", "inspect", &fixture.file]).run();
    assert_eq!(both.stderr, output.stdout);
    assert_eq!(both.stdout.lines().count(), 1);
}

#[test]
fn inspect_opens_with_a_method_and_shows_nothing_secret() {
    let fixture = Fixture::new();
    let file = fixture.write("password", format!("{PASSWORD}\n").as_bytes());
    let inspect = ["inspect", &fixture.file, "--json", "--method", "password"];
    let by_file = twoshare(inspect).arg("--password-file").arg(&file).success();
    let by_input = twoshare(inspect).arg("--password-file").arg("-");
    assert_eq!(by_input.with_input(PASSWORD.as_bytes()).success(), by_file);
    let by_variable = twoshare(inspect).env("TWOSHARE_PASSWORD", PASSWORD);
    assert_eq!(by_variable.success(), by_file);

    let code = fixture.write("code", CODE.to_lowercase().replace('-', " ").as_bytes());
    let inspect = ["inspect", &fixture.file, "--json", "--method", "code", "--code-file", &code];
    let by_code = twoshare(inspect).success();
    let (opened, other) = (&by_file["opened"], &by_code["opened"]);
    assert_ne!(opened["with"], other["with"]);
    assert_eq!(opened["check_code"], other["check_code"]);
    assert_eq!(opened["check_code"], fixture.check_code);
    assert_eq!(opened["kind"], "single_key");
    assert_eq!(opened["keys"][0]["curve"], "secp256k1");
    assert_eq!(opened["keys"][0]["public_key"], fixture.public_key);
    assert_eq!(opened["slots_altered"], Value::Null);
    let kept = twoshare(inspect).arg("--check-code").arg(&fixture.check_code);
    assert_eq!(kept.success()["opened"], *other);
}

#[test]
fn a_secret_that_does_not_fit_is_told_apart() {
    let fixture = Fixture::new();
    let password = ["inspect", &fixture.file, "--json", "--method", "password"];
    let error = twoshare(password).env("TWOSHARE_PASSWORD", "another password").failure(1);
    assert_eq!((&error["code"], &error["method"]), (&json!("wrong_password"), &json!("password")));
    let long = "x".repeat(2000);
    for (entered, expected) in
        [("", "password_empty"), ("\u{7}bell", "password_characters"), (&long, "password_too_long")]
    {
        let error = twoshare(password).env("TWOSHARE_PASSWORD", entered).failure(1);
        assert_eq!(error["code"], expected);
    }
    let not_text = twoshare(password).arg("--password-file").arg("-").with_input(b"\xff\xfe");
    assert_eq!(not_text.failure(2)["code"], "secret_not_text");
    let endless = twoshare(password).arg("--password-file").arg("/dev/zero");
    assert_eq!(endless.failure(2)["code"], "secret_too_long");

    let code = ["inspect", &fixture.file, "--json", "--method", "code"];
    let mut typed = CODE.clone();
    typed.replace_range(6..7, if &typed[6..7] == "X" { "Y" } else { "X" });
    let error = twoshare(code).env("TWOSHARE_CODE", &typed).failure(1);
    assert_eq!((&error["code"], &error["group"]), (&json!("code_mistyped"), &json!(2)));
    let error = twoshare(code).env("TWOSHARE_CODE", &CODE[..CODE.len() - 1]).failure(1);
    assert_eq!((&error["code"], &error["group"]), (&json!("code_length"), &json!(7)));

    let check = |check: &str| {
        let command = twoshare(code).env("TWOSHARE_CODE", &CODE).arg("--check-code").arg(check);
        command.failure(1)["code"].clone()
    };
    assert_eq!(check("00000-00000-00000-00000"), "substituted");
    assert_eq!(check("0000"), "check_code_length");
    assert_eq!(check("0000!-00000-00000-00000"), "check_code_character");
}

#[test]
fn a_missing_secret_is_misuse() {
    let fixture = Fixture::new();
    let inspect = ["inspect", &fixture.file, "--json", "--method", "password"];
    let error = twoshare(inspect).failure(2);
    assert_eq!(error["code"], "secret_missing");
    assert_eq!(error["option"], "--password-file");
    assert_eq!(error["variable"], "TWOSHARE_PASSWORD");
    let error = twoshare(inspect).arg("--password-file").arg("/nowhere").failure(2);
    assert_eq!(error["code"], "secret_unreadable");
    let twice = ["inspect", "-", "--json", "--method", "password", "--password-file", "-"];
    assert_eq!(twoshare(twice).failure(2)["code"], "standard_input_twice");
    // A secret is never an argument.
    let argument = twoshare(inspect).arg("--password").arg(PASSWORD).failure(2);
    assert_eq!(argument["code"], "usage");
}

#[test]
fn what_is_no_backup_is_told_apart() {
    let fixture = Fixture::new();
    let inspect = |bytes: &[u8]| twoshare(["inspect", "-", "--json"]).with_input(bytes).failure(1);
    for at in 0..fixture.container.len() {
        // Every hundredth byte, and all of the container's own.
        if at < container::HEADER_LEN || at % 100 == 0 {
            let mut damaged = fixture.container.clone();
            damaged[at] ^= 4;
            assert_eq!(inspect(&damaged)["code"], "container_damaged", "byte {at}");
        }
    }
    let len = fixture.container.len();
    let error = inspect(&fixture.container[..len - 1]);
    assert_eq!((&error["code"], &error["found"]), (&json!("container_truncated"), &json!(len - 1)));
    assert_eq!(inspect(&fixture.cose[..fixture.cose.len() - 1])["code"], "truncated");
    let receipt = container::wrap(Content::Receipt, b"a receipt").unwrap();
    assert_eq!(inspect(&receipt)["code"], "container_other_content");
    assert_eq!(inspect(b"")["code"], "truncated");
    for other in [&b"hello"[..], &[0; 1000], &[0xd8; 50]] {
        assert_eq!(inspect(other)["code"], "not_an_envelope");
    }

    let text = text::write(&fixture.cose);
    assert_eq!(inspect(&text.as_bytes()[..text.len() / 2])["code"], "text_truncated");
    let mut mistyped = text.into_bytes();
    mistyped[60] = if mistyped[60] == b'a' { b'b' } else { b'a' };
    let code = inspect(&mistyped)["code"].clone();
    assert!(code == "text_mistyped" || code == "text_checksum", "{code}");
    assert_eq!(inspect(b"ur:crypto-seed/oyadgdaawzwplrbdhdpabgrhtlto")["code"], "text_other_type");

    let missing = twoshare(["inspect", "/nowhere", "--json"]).failure(1);
    let expected = (&json!("file_unreadable"), &json!("/nowhere"));
    assert_eq!((&missing["code"], &missing["path"]), expected);
    let folder = fixture.folder.path().to_str().unwrap();
    assert_eq!(twoshare(["inspect", folder, "--json"]).failure(1)["code"], "file_unreadable");
    #[cfg(unix)]
    {
        let endless = twoshare(["inspect", "/dev/zero", "--json"]).failure(1);
        assert_eq!(endless["code"], "too_large");
    }
}

#[test]
fn export_writes_a_new_file_and_never_over_one() {
    let fixture = Fixture::new();
    let cose = fixture.write("cose", &fixture.cose);
    let out = fixture.path("exported");
    let answer = twoshare(["export", &cose, "--out", &out, "--json"]).success();
    assert_eq!((&answer["out"], &answer["digest"]), (&json!(out), &json!(fixture.digest)));
    assert_eq!(fs::read(&out).unwrap(), fixture.container);

    let taken = fixture.write("taken", b"mine");
    let error = twoshare(["export", &cose, "--out", &taken, "--json"]).failure(1);
    assert_eq!((&error["code"], &error["path"]), (&json!("file_exists"), &json!(taken)));
    assert_eq!(fs::read(&taken).unwrap(), b"mine");
    let nowhere = fixture.path("nowhere/exported");
    let error = twoshare(["export", &cose, "--out", &nowhere, "--json"]).failure(1);
    assert_eq!(error["code"], "file_unwritable");

    let both = ["export", &cose, "--text", "--qr"];
    for misuse in [&both[..], &["export", &cose]] {
        let command = twoshare(misuse.iter().copied()).arg("--json");
        assert_eq!(command.failure(2)["code"], "usage");
    }
}

#[test]
fn export_as_text_is_pasted_back() {
    let fixture = Fixture::new();
    let printed = twoshare(["export", &fixture.file, "--text"]).run();
    assert_eq!(printed.stdout.trim_end(), text::write(&fixture.cose));
    let pasted = format!("> {}\n\nSent from my phone", printed.stdout.to_uppercase());
    let lines = pasted.as_bytes().chunks(60).map(|line| str::from_utf8(line).unwrap());
    let pasted = lines.collect::<Vec<_>>().join("\r\n> ");
    let store = format!("dir:{}", fixture.path("store"));
    let import = ["import", "-", "--store", &store, "--json"];
    let answer = twoshare(import).with_input(pasted.as_bytes()).success();
    assert_eq!(answer["wallet"], fixture.wallet);
    assert_eq!(answer["digest"], fixture.digest);
    assert_eq!((&answer["epoch"], &answer["already_there"]), (&json!(1), &json!(false)));
    // As an argument too.
    let text = printed.stdout.trim_end();
    let again = twoshare(["import", text, "--store", &store, "--json"]).success();
    assert_eq!(again["already_there"], true);
}

#[test]
fn export_as_qr_codes_is_scanned_back() {
    let fixture = Fixture::new();
    let answer = twoshare(["export", &fixture.file, "--qr", "--json"]).success();
    let parts = answer["parts"].as_array().unwrap();
    let mut parts: Vec<&str> = parts.iter().map(|part| part.as_str().unwrap()).collect();
    parts.reverse();
    let scanned = |parts: &[&str]| {
        twoshare(["inspect", "-", "--json"]).with_input(parts.join("\n").as_bytes())
    };
    assert_eq!(scanned(&parts).success()["digest"], fixture.digest);
    let error = scanned(&parts[1..]).failure(1);
    assert_eq!(error["code"], "text_missing_parts");
    assert_eq!(error["missing"], json!([parts.len()]));
    let shown = twoshare(["export", &fixture.file, "--qr"]).run().stdout;
    assert!(shown.starts_with(&format!("1 of {}\n", parts.len())) && shown.contains('█'));
}

#[test]
fn import_keeps_three_copies_that_list_and_repair_know() {
    let fixture = Fixture::new();
    let path = fixture.path("store");
    let store = format!("dir:{path}");
    let list = ["backups", "list", "--store", &store, "--json"];
    assert_eq!(twoshare(list).failure(1)["code"], "not_a_store");
    assert!(!fs::exists(&path).unwrap(), "looking makes nothing");

    twoshare(["import", &fixture.file, "--store", &store, "--json"]).success();
    let copies: Vec<_> = (1..=3)
        .map(|number| {
            let mut files = fs::read_dir(format!("{path}/copy-{number}")).unwrap();
            files.next().unwrap().unwrap().path()
        })
        .collect();
    for copy in &copies {
        assert_eq!(fs::read(copy).unwrap(), fixture.container);
        let copy = copy.to_str().unwrap();
        assert_eq!(twoshare(["inspect", copy, "--json"]).success()["wallet"], fixture.wallet);
    }
    let healthy = twoshare(list).success();
    let [backup] = &healthy["backups"].as_array().unwrap()[..] else { panic!("one backup") };
    assert_eq!((&backup["name"], &backup["health"]), (&json!("Savings"), &json!("intact")));

    fs::remove_file(&copies[0]).unwrap();
    fs::write(&copies[1], b"damaged").unwrap();
    let backup = twoshare(list).success()["backups"][0].clone();
    assert_eq!(backup["health"], "repairable");
    assert_eq!(backup["copies"], json!(["missing", "damaged", "intact"]));
    let repair = ["backups", "repair", "--store", &store, "--json"];
    assert_eq!(twoshare(repair).success()["repaired"].as_array().unwrap().len(), 1);
    assert_eq!(twoshare(list).success(), healthy);

    for copy in &copies {
        fs::write(copy, b"damaged").unwrap();
    }
    let backup = twoshare(list).success()["backups"][0].clone();
    assert_eq!((&backup["health"], &backup["digest"]), (&json!("lost"), &json!(fixture.digest)));
    let error = twoshare(repair).failure(1);
    assert_eq!(error["code"], "lost");
    assert_eq!(error["lost"].as_array().unwrap().len(), 1);
    // From elsewhere, it is put again.
    twoshare(["import", &fixture.file, "--store", &store, "--json"]).success();
    assert_eq!(twoshare(list).success(), healthy);
}

#[test]
fn stores_that_cannot_be_used_say_why() {
    let fixture = Fixture::new();
    for (name, code) in [
        ("", "usage"),
        ("dir:", "usage"),
        ("/tmp", "usage"),
        ("s3://bucket", "unsupported_store"),
        ("custodian", "store_not_a_directory"),
    ] {
        let error = twoshare(["import", &fixture.file, "--store", name, "--json"]).failure(2);
        assert_eq!(error["code"], code, "{name}");
    }
    let in_the_way = format!("dir:{}", fixture.file);
    let error = twoshare(["import", &fixture.file, "--store", &in_the_way, "--json"]).failure(1);
    assert_eq!((&error["code"], &error["path"]), (&json!("failed"), &json!(fixture.file)));
    #[cfg(target_os = "linux")]
    {
        let import = ["import", &fixture.file, "--store", "dir:/sys/twoshare", "--json"];
        assert_eq!(twoshare(import).failure(1)["code"], "denied");
    }
}

#[test]
fn misuse_exits_with_2_and_help_with_0() {
    for misuse in [&[][..], &["nonsense"], &["inspect"], &["inspect", "a", "b"], &["--nonsense"]] {
        assert_eq!(twoshare(misuse.iter().copied()).run().code, 2, "{misuse:?}");
    }
    for fine in [&["--help"][..], &["inspect", "--help"], &["--version"]] {
        let output = twoshare(fine.iter().copied()).run();
        assert_eq!((output.code, &*output.stderr), (0, ""), "{fine:?}");
        assert!(!output.stdout.is_empty());
    }
    assert_eq!(twoshare(["inspect", "--json"]).failure(2)["code"], "usage");
}

/// Whoever reads the answer is gone, or the disk is full: that is a failure, and no panic.
#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_is_a_failure() {
    let fixture = Fixture::new();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_twoshare"));
    let output = command.args(["inspect", &fixture.file]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
