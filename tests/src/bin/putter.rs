//! Puts objects into a directory store, one after the other, for the test `many_writers`.
//!
//! `putter DIRECTORY WRITER FIRST COUNT` prints a line for every object: its number and `ok`, or why
//! it was not put.

use std::{env, io::Write as _, process::ExitCode};

use twoshare::DirectoryStore;
use twoshare_core::store::{EnvelopeStore as _, PutError};
use twoshare_tests::directory::object;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().collect();
    let [_, directory, writer, first, count] = &args[..] else { return ExitCode::from(2) };
    let numbers = (writer.parse(), first.parse(), count.parse());
    let (Ok(writer), Ok(first), Ok(count)) = numbers else { return ExitCode::from(2) };
    let store = match DirectoryStore::create(directory) {
        Ok(store) => store,
        Err(error) => {
            eprintln!("{error}: {error:?}");
            return ExitCode::FAILURE;
        }
    };
    for number in (first..).take(count) {
        let (name, container): (_, Vec<u8>) = object(number, writer);
        let outcome = match pollster::block_on(store.put(&name, &container)) {
            Ok(()) => "ok",
            Err(PutError::Exists) => "exists",
            Err(PutError::Full) => "full",
            Err(PutError::TooLarge { .. }) => "too large",
            Err(PutError::Fault(fault)) => {
                eprintln!("{number}: {fault:?}");
                return ExitCode::FAILURE;
            }
        };
        let mut out = std::io::stdout().lock();
        if writeln!(out, "{number} {outcome}").and_then(|()| out.flush()).is_err() {
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
