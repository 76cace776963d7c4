//! Explores the rules of epochs and says what it found.

use std::process::ExitCode;

use twoshare_tests::model::{config::Config, explore::explore};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let configs = match args.as_slice() {
        ["--small"] | ["--config", "small"] => Config::small(),
        [] | ["--config", "full"] => Config::full(),
        ["--config", name] => Config::full().into_iter().filter(|c| c.name == *name).collect(),
        ["--small", "--config", name] => {
            Config::small().into_iter().filter(|c| c.name == *name).collect()
        }
        _ => vec![],
    };
    if configs.is_empty() {
        return ExitCode::from(2);
    }
    let mut good = true;
    for config in configs {
        let report = explore(&config, 1);
        println!(
            "{}: {} states, {} steps, depth {}, {:.1?}, {} claims; seen {:?}",
            report.name,
            report.states,
            report.steps,
            report.depth,
            report.took,
            report.claims,
            report.seen
        );
        for failure in &report.failures {
            good = false;
            println!("BROKEN in {} steps: {}\n{}", failure.length, failure.claim, failure.trace);
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
