//! Runs each operation of ours and of its peer in turns and prints the ratio of their times beside
//! its target. Turns, because both then see the same clock, heat and neighbours; the median of the
//! ratios, because a machine has hiccups. Nothing fails here: a time is no test.
//!
//! `cargo run --release -p twoshare-benches --bin ratios [PART OF A NAME]`

use std::time::{Duration, Instant};

use twoshare_benches::{Alone, Pair};

/// How many turns each side has.
const ROUNDS: usize = 401;

/// How long one turn takes at least: long enough for the clock, and short enough that on a busy
/// machine most turns are not interrupted.
const TURN: Duration = Duration::from_micros(200);

fn main() {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    println!(
        "{:<60} {:>10} {:>10} {:>7} {:>15} {:>7}",
        "operation (µs; ratio: median, middle half)", "twoshare", "peer", "ratio", "", "target"
    );
    for pair in twoshare_benches::sharing().into_iter().chain(twoshare_benches::resharing()) {
        if format!("{pair:?}").contains(&wanted) {
            compare(pair);
        }
    }
    println!("\n{:<60} {:>10} {:>10}", "operation (µs: quickest, median, target)", "", "");
    for alone in twoshare_benches::envelope() {
        if alone.operation.contains(&wanted) {
            time(alone);
        }
    }
}

/// One run at a time. Whatever else the machine does can only add to a time, so the quickest run is
/// the one that is held to the target.
fn time(mut alone: Alone) {
    let mut times: Vec<f64> = (0..ROUNDS).map(|_| turn(&mut alone.ours, 1)).collect();
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times.get((times.len() - 1) * part / 4).copied().unwrap_or(f64::NAN);
    let missed = if at(0) <= alone.target { "" } else { "  MISSED" };
    println!(
        "{:<60} {:>10.1} {:>10.1} {:>15} ≤ {:.0}{missed}",
        alone.operation,
        at(0),
        at(2),
        "",
        alone.target,
    );
}

fn compare(mut pair: Pair) {
    let (ours, theirs) = (&mut pair.ours, &mut pair.theirs);
    let (our_runs, their_runs) = (runs_in_a_turn(ours), runs_in_a_turn(theirs));
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        // Whoever comes second finds another cache; so they change places.
        let (ours, theirs) = if round % 2 == 0 {
            let ours = turn(ours, our_runs);
            (ours, turn(theirs, their_runs))
        } else {
            let theirs = turn(theirs, their_runs);
            (turn(ours, our_runs), theirs)
        };
        times.push((ours, theirs));
    }
    let of = |value: fn(&(f64, f64)) -> f64| {
        let mut values: Vec<f64> = times.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        move |part: usize| values.get((values.len() - 1) * part / 4).copied().unwrap_or(f64::NAN)
    };
    let (ours, theirs) = (of(|times| times.0), of(|times| times.1));
    let ratio = of(|(ours, theirs)| ours / theirs);
    let target = match pair.target {
        Some(target) if ratio(2) <= target => format!("≤ {target:.2}"),
        Some(target) => format!("≤ {target:.2}  MISSED"),
        None => String::new(),
    };
    println!(
        "{:<60} {:>10.1} {:>10.1} {:>7.3} {:>15} {target:>7}",
        format!("{pair:?}"),
        ours(2),
        theirs(2),
        ratio(2),
        format!("{:.3} … {:.3}", ratio(1), ratio(3)),
    );
}

/// How long one run takes, in microseconds.
fn turn(work: &mut dyn FnMut(), runs: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..runs {
        work();
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(runs)
}

fn runs_in_a_turn(work: &mut dyn FnMut()) -> u32 {
    let mut runs = 1;
    loop {
        let start = Instant::now();
        turn(work, runs);
        if start.elapsed() >= TURN {
            return runs;
        }
        runs *= 2;
    }
}
