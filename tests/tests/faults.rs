//! The whole system under faults, as random stories ([`twoshare_tests::faults`]).
//!
//! The gate tells the same stories each time: what it says of a change is about the change. To look for
//! more, `TWOSHARE_FAULT_CASES=N` tells N that nobody has told before. A story that fails is shrunk, told,
//! and kept beside this file; those that are kept are told first.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "in a test a panic is the failure"
)]

use std::time::Instant;

use proptest::test_runner::{
    Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestRng, TestRunner,
};
use tokio::runtime::{Builder, Runtime};
use twoshare_tests::faults::{
    Broken, Tallies, Tally, clock_back, crowd, declared, same_method_again, story, tell, undeclared,
};

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/faults.regressions");

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn stories(usual: u32, on_sqlite: bool) -> Tally {
    let asked = std::env::var("TWOSHARE_FAULT_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = asked.unwrap_or(usual);
    let config = Config {
        cases,
        max_shrink_iters: 400,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(KEPT))),
        ..Config::default()
    };
    let (tallies, start) = (Tallies::default(), Instant::now());
    let mut runner = match asked {
        Some(_) => TestRunner::new(config),
        None => {
            let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
            TestRunner::new_with_rng(config, rng)
        }
    };
    let told = runner.run(&story(), |story| {
        let told = runtime().block_on(tell(&story, on_sqlite, &tallies));
        told.map_err(|broken| TestCaseError::fail(broken.to_string()))
    });
    let tally = tallies.sum();
    println!("{tally:#?}\n{:?}", start.elapsed());
    if let Err(error) = told {
        panic!("{error}");
    }
    tally
}

#[test]
fn nothing_is_lost_in_any_story_over_memory() {
    stories(150, false);
}

#[test]
fn nothing_is_lost_in_any_story_over_sqlite() {
    stories(250, true);
}

#[test]
fn a_hundred_users_at_once_lose_nothing() {
    let start = Instant::now();
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    let tally = holds(runtime.block_on(crowd(100)));
    println!("{tally:#?}\n{:?}", start.elapsed());
    assert!(tally.faults.len() == 5, "{:?}", tally.faults);
}

#[test]
fn a_clock_set_back_ends_nothing_early_and_brings_nothing_back() {
    holds(runtime().block_on(clock_back()));
}

#[test]
fn an_old_copy_of_the_database_is_noticed_by_devices_and_stores() {
    holds(runtime().block_on(undeclared()));
}

#[test]
fn a_declared_old_copy_gives_nothing_back_to_what_was_removed_or_revoked() {
    holds(runtime().block_on(declared()));
}

#[test]
fn a_method_set_up_again_recovers_from_an_old_copy() {
    holds(runtime().block_on(same_method_again()));
}

fn holds<T>(told: Result<T, Broken>) -> T {
    told.unwrap_or_else(|broken| panic!("{broken}"))
}
