//! Both sides killed at random instants, in 200 lives of a wallet.

use std::time::UNIX_EPOCH;

use twoshare_tests::crash::campaign;

#[test]
fn nothing_is_lost_whoever_is_killed() {
    let seed = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    println!("seed {seed}");
    let tally = campaign(200, seed);
    println!("{tally:?}");
    // A campaign in which nobody died shows nothing.
    assert!(tally.commands_killed >= 50, "{tally:?}");
    assert!(tally.custodians_killed >= 50, "{tally:?}");
}
