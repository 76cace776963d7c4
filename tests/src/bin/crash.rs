//! `crash --runs N [--seed S]`: kills the custodian and the command at random instants, N lives long.

use std::{env, process::ExitCode, time::UNIX_EPOCH};

use twoshare_tests::crash::campaign;

fn main() -> ExitCode {
    let since = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
    let (mut runs, mut seed) = (200, since);
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        let number = args.next().and_then(|number| number.parse().ok());
        match (arg.as_str(), number) {
            ("--runs", Some(number)) => runs = number,
            ("--seed", Some(number)) => seed = number,
            _ => {
                eprintln!("crash [--runs N] [--seed S]");
                return ExitCode::from(2);
            }
        }
    }
    println!("{runs} lives from seed {seed}");
    println!("{:?}", campaign(runs, seed));
    ExitCode::SUCCESS
}
