//! The `twoshare-custodian` command: the server, and what its operator may do.
//!
//! Every command takes `--json`: one JSON object on standard output, and the text for people on
//! standard error. It exits with 0 on success, 2 on misuse and 1 otherwise; a failure is then
//! `{"error":{"code":"not_found","message":"…", …data}}`. The codes are the names of the error
//! variants in snake case, and they are stable.

mod answer;
mod commands;

use std::{ffi::OsString, process::ExitCode};

use answer::{Failure, finish};
use clap::Parser;

/// The custodian: holds the other half of every wallet.
#[derive(Debug, Parser)]
#[command(name = "twoshare-custodian", version, arg_required_else_help = true)]
struct Cli {
    /// Answer with one JSON object on standard output; text goes to standard error.
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: commands::Command,
}

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    match Cli::try_parse_from(&args) {
        Ok(cli) => finish(cli.json, cli.command.run()),
        Err(error) if !error.use_stderr() => {
            // `--help` and `--version`. Nobody is left to be told where printing fails.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        Err(error) => {
            // What follows `--` is not an option.
            let json = args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--json");
            if json {
                return finish(json, Err(Failure::misuse("usage", error.to_string().trim_end())));
            }
            let _ = error.print();
            ExitCode::from(2)
        }
    }
}
