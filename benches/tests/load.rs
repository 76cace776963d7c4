//! Everything that the load test measures works, once and quickly. What it took is not looked at.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the failure")]

use std::process::Command;

fn figures(part: &str) -> String {
    let program = env!("CARGO_BIN_EXE_load");
    let output = Command::new(program).args(["--quick", part]).output().unwrap();
    let (said, failed) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{said}\n{failed}");
    said
}

#[test]
fn uploads_beside_a_server_that_commits_each_by_itself() {
    assert!(figures("uploads").contains("uploads, 1 connection: median latency"));
}

#[test]
fn wallets_one_by_one() {
    assert!(figures("one wallet").contains("no network and no disk: recovery"));
}

#[test]
fn recoveries_at_once() {
    assert!(figures("recoveries").contains("at once: a second"));
}
