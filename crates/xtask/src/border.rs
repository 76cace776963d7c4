//! What a call of Kotlin and of Swift costs beyond the same call in Rust.

use std::{collections::HashMap, process::Command};

use crate::{
    kotlin, mobile,
    run::{Failed, Steps, cargo, output, run},
    swift,
};

/// What a call may cost beyond Rust's, in microseconds. It is printed, never judged.
const ALLOWED: f64 = 20.0;

/// The calls, as the programs name them and as they are shown.
const CALLS: [(&str, &str); 8] = [
    ("is_cancelled", "Cancellation.isCancelled: a flag"),
    ("parse", "WalletId of a text: text in, text out"),
    ("records", "Wallet.verifyingKeys: records"),
    ("wallets_here", "async Client.walletsHere: texts"),
    ("object", "async Client.wallet: an object, freed"),
    ("error", "async Client.wallet: NotHere"),
    ("long", "async Client.importWallet: Empty"),
    ("own", "async walletsHere, device of the app"),
];

/// Measures it. With `--quick`, it is seen within seconds that it works.
pub(crate) fn task(steps: &mut Steps, args: &[&str]) -> Result<(), Failed> {
    let seconds = match args {
        [] => "2",
        ["--quick"] => "0.1",
        _ => return Err(Failed("bench border takes --quick or nothing".to_owned())),
    };
    steps.step("border", || measure(seconds));
    Ok(())
}

fn measure(seconds: &str) -> Result<(), Failed> {
    // Everything is built before the first of them is measured.
    let library = mobile::shared_library()?;
    run(&mut cargo(["build", "--package", "twoshare-border", "--profile", mobile::PROFILE]))?;
    let program = format!("border{}", std::env::consts::EXE_SUFFIX);
    let mut programs = [
        Command::new(library.join(program)),
        kotlin::border(&library)?,
        swift::border(mobile::PROFILE)?,
    ];
    for program in &mut programs {
        program.arg(seconds);
    }
    table("on all processors", &mut programs)?;
    match first_processor() {
        Some(first) => table(
            "on one processor",
            &mut programs.each_ref().map(|program| pinned(program, &first)),
        ),
        None => Ok(()),
    }
}

/// Runs Rust's program, Kotlin's and Swift's, and shows what they print.
fn table(which: &str, [rust, kotlin, swift]: &mut [Command; 3]) -> Result<(), Failed> {
    let (rust, kotlin, swift) = (figures(rust)?, figures(kotlin)?, figures(swift)?);
    println!("µs for each call, {which:22}    Rust   Kotlin   beyond    Swift   beyond");
    for (name, shown) in CALLS {
        let of = |figures: &Figures| {
            let figure = figures.get(name).map(|nanoseconds| nanoseconds / 1000.0);
            figure.ok_or_else(|| Failed(format!("{name} was not measured in each language")))
        };
        let (rust, kotlin, swift) = (of(&rust)?, of(&kotlin)?, of(&swift)?);
        println!(
            "{shown:40} {rust:7.2}  {kotlin:7.2}  {:7.2}  {swift:7.2}  {:7.2}",
            kotlin - rust,
            swift - rust
        );
    }
    println!("beyond Rust: at most {ALLOWED} µs");
    if let Some(spawned) = rust.get("spawned") {
        println!(
            "in Rust alone, on another thread (`tokio::spawn`, awaited): {:.2} µs\n",
            spawned / 1e3
        );
    }
    Ok(())
}

/// The same program on one processor. There a thread that is woken is not waited for until an idle processor
/// has woken, which takes longer than a call, and each system and each machine another time.
fn pinned(program: &Command, processor: &str) -> Command {
    let mut pinned = Command::new("taskset");
    pinned.args(["--cpu-list", processor]).arg(program.get_program()).args(program.get_args());
    if let Some(folder) = program.get_current_dir() {
        pinned.current_dir(folder);
    }
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => pinned.env(name, value),
            None => pinned.env_remove(name),
        };
    }
    pinned
}

/// A processor that programs may run on. Only Linux says.
fn first_processor() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let first = list.trim().split(|other: char| !other.is_ascii_digit()).next()?;
    Some(first.to_owned())
}

type Figures = HashMap<String, f64>;

/// What a program prints: a name and nanoseconds in each line.
fn figures(program: &mut Command) -> Result<Figures, Failed> {
    let printed = output(program)?;
    let figures = printed.lines().map(|line| {
        let (name, nanoseconds) = line.split_once(' ')?;
        Some((name.to_owned(), nanoseconds.parse().ok()?))
    });
    let figures: Option<_> = figures.collect();
    figures.ok_or_else(|| Failed(format!("these are no figures: {printed}")))
}
