//! Counts the instructions of each operation over several random secrets.

use std::{fs, path::Path, process::Command};

use crate::{
    run::{Failed, cargo, output, run, target},
    tools::on_path,
};

/// So many secrets per operation.
const SEEDS: u64 = 8;

/// Counts the operations whose names contain one of `wanted`, or all; fails where a count depends
/// on the secret, unless the operation's name ends in `_public`.
pub(crate) fn compare(wanted: &[&str]) -> Result<(), Failed> {
    let valgrind = on_path("valgrind")
        .ok_or_else(|| Failed("valgrind is not on the PATH; callgrind is part of it".to_owned()))?;
    run(cargo(["build", "--release", "--package", "twoshare-benches", "--bin", "ops"])
        // Names of functions, by which collecting starts and stops.
        .env("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only"))?;
    let ops = target().join("release/ops");
    let names = output(&mut Command::new(&ops))?;
    let names: Vec<&str> = names
        .lines()
        .filter(|name| wanted.is_empty() || wanted.iter().any(|part| name.contains(part)))
        .collect();
    if names.is_empty() {
        return Err(Failed("no operation of such a name".to_owned()));
    }
    let mut differing = Vec::new();
    println!("{:<40} {:>14} {:>14}", "instructions over random secrets", "fewest", "most");
    for name in names {
        let counts = (1..=SEEDS)
            .map(|seed| count(&valgrind, &ops, name, seed))
            .collect::<Result<Vec<u64>, Failed>>()?;
        let fewest = counts.iter().copied().min().unwrap_or_default();
        let most = counts.iter().copied().max().unwrap_or_default();
        println!("{name:<40} {fewest:>14} {most:>14}");
        if fewest != most && !name.ends_with("_public") {
            differing.push(name);
        }
    }
    if differing.is_empty() {
        return Ok(());
    }
    Err(Failed(format!("the count depends on the secret: {}", differing.join(", "))))
}

fn count(valgrind: &Path, ops: &Path, name: &str, seed: u64) -> Result<u64, Failed> {
    let out = target().join(format!("callgrind.{name}"));
    output(
        Command::new(valgrind)
            .args(["--quiet", "--tool=callgrind", "--toggle-collect=*measured*"])
            .arg(format!("--callgrind-out-file={}", out.display()))
            .arg(ops)
            .args([name, &seed.to_string()]),
    )?;
    let text =
        fs::read_to_string(&out).map_err(|error| Failed(format!("{}: {error}", out.display())))?;
    let _ = fs::remove_file(&out);
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    match total.and_then(|total| total.trim().parse().ok()) {
        Some(0) | None => Err(Failed(format!("callgrind counted nothing in {name}"))),
        Some(total) => Ok(total),
    }
}
