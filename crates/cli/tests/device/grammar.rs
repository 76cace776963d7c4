//! What the command says of itself.

use std::fs;

use crate::command::twoshare;

#[test]
fn every_command_is_completed_and_has_a_page() {
    let bash = twoshare(["completions", "bash"]).run();
    assert_eq!(bash.code, 0);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("man");
    let written = twoshare(["man", "--json", "--out", out.to_str().unwrap()]).success();
    let pages: Vec<_> =
        written["pages"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
    for command in [
        "login",
        "wallet",
        "wallet-create",
        "wallet-import",
        "wallet-show",
        "wallet-export",
        "backup",
        "methods",
        "methods-list",
        "methods-add",
        "methods-remove",
        "methods-change",
        "recover",
        "resume",
        "refresh",
        "drill",
        "eject",
        "requests",
        "requests-list",
        "requests-cancel",
        "backups",
        "backups-list",
        "inspect",
        "export",
        "import",
        "demo",
        "completions",
        "man",
    ] {
        let page = format!("twoshare-{command}.1");
        assert!(pages.contains(&&*page), "{page}: {pages:?}");
        assert!(fs::read_to_string(out.join(page)).unwrap().contains(".SH NAME"));
        assert!(bash.stdout.contains(command.rsplit('-').next().unwrap()), "{command}");
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), pages.len());
    // What comes later is understood, and not offered.
    assert!(!pages.iter().any(|page| page.contains("kit")));
    assert_eq!(twoshare(["kit", "--json"]).failure(2)["command"], "kit");
    for shell in ["zsh", "fish", "powershell", "elvish"] {
        assert_eq!(twoshare(["completions", shell]).run().code, 0, "{shell}");
    }
}

#[test]
fn ids_are_made_to_be_read_out() {
    let made = twoshare(["operation-id", "--json"]).success();
    let id = made["operation"].as_str().unwrap();
    assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [5, 5, 5, 5, 5, 1]);
}
