//! Developer tasks: the one place that people and CI both call, as `cargo xtask TASK`.
//!
//! It depends on nothing but the standard library, so that a fresh clone starts its first step
//! within seconds. Tools that are not on this machine are fetched once, into `target/tools`. What
//! cannot run fails: no step is ever skipped.

mod api;
mod bindings;
mod border;
mod callgrind;
mod debian;
mod kotlin;
mod matrix;
mod mobile;
mod python;
mod run;
mod swift;
mod tasks;
mod tools;
#[cfg(test)]
mod workflows;

use std::process::ExitCode;

use run::{Failed, Steps};

const USAGE: &str = "\
Usage: cargo xtask TASK

  test                         every test: the workspace, the doc examples, the fuzz bodies, the
                               independent reader; Swift, Kotlin and Python, alone and together
  ci                           test, and formatting, lints, docs, dependencies, the small model
  model [--small] [ARGS]       explore the rules of the epochs exhaustively
  fuzz [TARGET] [--seconds N]  fuzz one target or all, N seconds each (60); needs a nightly toolchain
  crash [--runs N] [--seed S]  kill -9 custodian and command at random instants, N lives long (200)
  vectors                      write the frozen vectors anew; a change in them is a change of format
  bindings [LANGUAGE]          write the Swift, Kotlin or Python side of the library, or all of them, to
                               target/bindings
  python [build | NAME]        the Python package and its tests, or those with NAME in theirs; with `build`
                               the package alone
  matrix                       a backup made in each language, and by the command, recovered in every other
  api [--check]                write bindings/API.md, what every public item is called in each language; or
                               check that it is what the code is
  size                         how large a phone's library is, and what is in it; fails above 3 MiB
  xcframework [--all]          what a Swift package links: the device's slice, or every slice
  aar                          what an Android app links
  kotlin [CLASS]               compile the Kotlin package and run its tests on a real custodian; all of
                               them, or those of classes whose names have CLASS in them
  swift [ARGS]                 build the Swift package and run its tests; ARGS are for `swift test`
  callgrind [ARGS]             instruction counts per operation, over random secrets; needs valgrind
  bench [ARGS]                 the criterion benchmarks, side by side with their peers
  bench load [--quick] [PART]  the custodian and the client under load, over HTTP on this machine
  bench border [--quick]       what a call of Kotlin and of Swift costs beyond the same call in Rust
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let mut steps = Steps::default();
    let parsed = match args.as_slice() {
        ["test"] => tasks::test(&mut steps),
        ["ci"] => tasks::ci(&mut steps),
        ["model", rest @ ..] => tasks::model(&mut steps, rest),
        ["fuzz", rest @ ..] => tasks::fuzz(&mut steps, rest),
        ["crash", rest @ ..] => tasks::crash(&mut steps, rest),
        ["vectors"] => tasks::vectors(&mut steps),
        ["bindings", rest @ ..] => tasks::bindings(&mut steps, rest),
        ["matrix"] => matrix::task(&mut steps),
        ["python", rest @ ..] => python::python(&mut steps, rest),
        ["api", rest @ ..] => tasks::api(&mut steps, rest),
        ["size"] => mobile::size(&mut steps),
        ["xcframework", rest @ ..] => mobile::xcframework(&mut steps, rest),
        ["aar"] => mobile::aar(&mut steps),
        ["kotlin", rest @ ..] => kotlin::kotlin(&mut steps, rest),
        ["swift", rest @ ..] => tasks::swift(&mut steps, rest),
        ["callgrind", rest @ ..] => tasks::callgrind(&mut steps, rest),
        ["bench", "load", rest @ ..] => tasks::load(&mut steps, rest),
        ["bench", "border", rest @ ..] => border::task(&mut steps, rest),
        ["bench", rest @ ..] => tasks::bench(&mut steps, rest),
        ["help" | "-h" | "--help"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => Err(Failed("no such task".to_owned())),
    };
    if let Err(Failed(why)) = parsed {
        eprint!("{why}\n\n{USAGE}");
        return ExitCode::from(2);
    }
    steps.summary()
}
