//! The rules of epochs, explored within the small bounds. The stated ones: `cargo xtask model`.

use twoshare_tests::model::{config::Config, explore::explore};

#[test]
fn every_claim_holds_within_the_small_bounds() {
    let reports: Vec<_> = Config::small().iter().map(|config| explore(config, 2)).collect();
    for report in &reports {
        assert!(report.failures.is_empty(), "{}\n{report}", report.name);
    }
    // A claim about what never happens would be true of nothing at all.
    for happens in [
        "the owner recovers",
        "the thief commits",
        "the owner recovers from the restorable epoch",
        "a restored wallet goes on",
        "the owner ejects",
        "a request is settled",
        "a grace runs out",
        "the owner converts",
    ] {
        assert!(reports.iter().any(|report| report.seen.contains(&happens)), "{happens}: never");
    }
}
