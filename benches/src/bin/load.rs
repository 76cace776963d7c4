//! Puts the custodian and the client under load: see [`twoshare_benches::load`].
//!
//! `cargo xtask bench load [PART OF A NAME]`, or by itself
//!
//! ```text
//! cargo build --release -p twoshare-custodian
//! cargo run --release -p twoshare-benches --bin load -- [--quick] [PART OF A NAME]
//! ```
//!
//! Databases are made beside the program, so that they are on a disk: a temporary directory may be in
//! memory, which nothing has to be synchronised to.

use std::{env, path::Path, process::ExitCode};

use twoshare_benches::load::{Failure, Load, Sizes, serve};

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["serve", directory] => serve(Path::new(directory), None),
        ["serve", directory, group] => match group.parse() {
            Ok(group) => serve(Path::new(directory), Some(group)),
            Err(error) => Err(Failure::from(error)),
        },
        ["--quick", rest @ ..] => measure(Sizes::QUICK, rest),
        rest => measure(Sizes::FULL, rest),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(sizes: Sizes, wanted: &[&str]) -> Result<(), Failure> {
    let program = env::current_exe()?;
    let directory = program.parent().ok_or("the program is nowhere")?.to_owned();
    let custodian = directory.join(format!("twoshare-custodian{}", env::consts::EXE_SUFFIX));
    let load = Load {
        sizes,
        wanted: wanted.join(" "),
        directory,
        custodian: custodian.exists().then_some(custodian),
    };
    tokio::runtime::Runtime::new()?.block_on(load.run())
}
