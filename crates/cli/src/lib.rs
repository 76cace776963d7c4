//! The `twoshare` command: what it understands, what it answers, and its exit codes.
//!
//! Every command takes `--json`: one JSON object on standard output, and the text for people on
//! standard error. It exits with 0 on success, 2 on misuse and 1 otherwise; a failure is then
//! `{"error":{"code":"wrong_password","message":"…", …data}}`. The codes are the names of the error
//! variants in snake case, and they are stable.

mod answer;
mod backup;
mod codes;
mod commands;
mod config;
mod demo;
mod device;
mod exports;
mod files;
mod imports;
mod methods;
mod new_code;
mod places;
mod progress;
mod secrets;
mod session;
mod stores;
mod terminal;
mod tokens;
mod view;

use std::{ffi::OsString, process::ExitCode};

use answer::{Failure, finish};
use clap::Parser;
use device::{Context, DeviceArgs};

/// Backs up wallet keys as two shares, and brings them back.
#[derive(Debug, Parser)]
#[command(name = "twoshare", version, arg_required_else_help = true)]
struct Cli {
    /// Answer with one JSON object on standard output; text goes to standard error.
    #[arg(long, global = true, help_heading = device::EVERYWHERE)]
    json: bool,

    #[command(flatten)]
    device: DeviceArgs,

    #[command(subcommand)]
    command: commands::Command,
}

/// Runs the command with these arguments, the program's name first.
#[must_use]
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    match Cli::try_parse_from(&args) {
        Ok(Cli { json, device, command }) => {
            // Behind a command that this version has not, nothing is read.
            let context = Context { json: json || asks_for_json(&args), device };
            finish(context.json, command.run(&context))
        }
        Err(error) if !error.use_stderr() => {
            // `--help` and `--version`. Nobody is left to be told where printing fails.
            let _ = error.print();
            ExitCode::SUCCESS
        }
        Err(error) => {
            if asks_for_json(&args) {
                return finish(true, Err(Failure::misuse("usage", error.to_string().trim_end())));
            }
            let _ = error.print();
            ExitCode::from(2)
        }
    }
}

/// What follows `--` is not an option.
fn asks_for_json(args: &[OsString]) -> bool {
    args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--json")
}
