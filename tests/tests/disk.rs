//! A custodian whose disk is full, or fails to keep what was written: it stops accepting writes and
//! says so; what it has is still read; started again on a disk that works, nothing is lost.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

use twoshare_tests::{
    disk::{Disk, FaultyDisk},
    process::{Phone, Server},
};

#[test]
fn a_full_disk_loses_nothing() {
    a_failing_disk_loses_nothing(Disk::Full);
}

#[test]
fn a_failed_fsync_loses_nothing() {
    a_failing_disk_loses_nothing(Disk::FsyncFails);
}

fn a_failing_disk_loses_nothing(fault: Disk) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let disk = FaultyDisk::new(folder.path());
    let data = folder.path().join("custodian");
    let mut server = Server::start_on(&data, &[], disk.environment());
    let token = server.session("alice", folder.path());
    let phone = Phone::new(&folder.path().join("phone"), &server, &token);
    phone.run(&["wallet", "create"]).done();
    let code = path("code");
    phone.run(&["backup", "--method", "code", "--code-out", &code]).done();
    let with_code = |command: &'static str| {
        [command, "--method", "code", "--code-file"]
            .map(str::to_owned)
            .into_iter()
            .chain([code.clone()])
    };
    let run = |phone: &Phone, command: &'static str| {
        let args: Vec<String> = with_code(command).collect();
        phone.run(&args.iter().map(String::as_str).collect::<Vec<_>>())
    };
    run(&phone, "refresh").done();
    let told = phone.run(&["wallet", "show"]).done();
    assert_eq!(server.get("/health/ready").0, 200);

    disk.set(fault);
    let refused = run(&phone, "refresh").code();
    assert_eq!(refused, "unavailable");
    let (status, body) = server.get("/health/ready");
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("stopped_writing"), "{body}");
    assert_eq!(server.get("/health/live").0, 200);
    // What it has is still read, and still proven.
    assert_eq!(run(&phone, "drill").done()["level"], "matches");

    // A disk that has failed once is not believed again by the same process.
    disk.set(Disk::Works);
    assert_eq!(run(&phone, "refresh").code(), "unavailable");
    assert_eq!(server.get("/health/ready").0, 503);

    server.kill();
    server.restart(&[]);
    phone.run(&["resume"]).done();
    let shown = phone.run(&["wallet", "show"]).done();
    assert!(shown["epoch"].as_u64() >= told["epoch"].as_u64(), "{shown}");
    assert_eq!(shown["keys"], told["keys"]);
    run(&phone, "refresh").done();
    let next = Phone::new(&folder.path().join("next"), &server, &token);
    run(&next, "recover").done();
    assert_eq!(next.run(&["wallet", "show"]).done()["check_code"], told["check_code"]);
}
