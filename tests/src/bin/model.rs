//! Explores the rules of epochs and says what it found: `cargo xtask model`.

use std::{process::ExitCode, thread::available_parallelism};

use twoshare_tests::model::{config::Config, explore::explore};

const USAGE: &str = "\
Usage: model [--small | --config small|full|NAME] [--threads N]

  --small          every configuration within small bounds, as --config small
  --config full    every configuration within the stated bounds (the default)
  --config NAME    one configuration within the stated bounds; with --small within small ones
";

fn main() -> ExitCode {
    let mut small = false;
    let mut name = None;
    let mut threads = available_parallelism().map_or(1, usize::from);
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--small" => small = true,
            "--config" => match args.next().as_deref() {
                Some("small") => small = true,
                Some("full") => small = false,
                Some(one) => name = Some(one.to_owned()),
                None => return usage(),
            },
            "--threads" => match args.next().and_then(|number| number.parse().ok()) {
                Some(number) => threads = number,
                None => return usage(),
            },
            _ => return usage(),
        }
    }
    let all = if small { Config::small() } else { Config::full() };
    let configs: Vec<_> =
        all.into_iter().filter(|config| name.as_deref().is_none_or(|n| n == config.name)).collect();
    if configs.is_empty() {
        return usage();
    }
    let mut failed = 0;
    for config in &configs {
        let report = explore(config, threads);
        print!("{config}\n{report}\n");
        failed += report.failures.len();
    }
    if failed == 0 {
        println!("Every claim holds in every state of {} configurations.", configs.len());
        ExitCode::SUCCESS
    } else {
        println!("{failed} claims fail.");
        ExitCode::FAILURE
    }
}

fn usage() -> ExitCode {
    eprint!("{USAGE}");
    ExitCode::from(2)
}
