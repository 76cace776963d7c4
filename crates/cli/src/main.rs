//! The `twoshare` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    twoshare_cli::main(std::env::args_os())
}
