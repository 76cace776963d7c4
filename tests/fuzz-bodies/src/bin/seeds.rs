//! Writes the seeds of every target into the corpus folder given, and prints the targets' names.

use std::{env, fs, path::PathBuf, process::ExitCode};

use twoshare_fuzz_bodies::TARGETS;

fn main() -> ExitCode {
    let Some(corpus) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: seeds CORPUS_FOLDER");
        return ExitCode::from(2);
    };
    for target in TARGETS {
        let folder = corpus.join(target.name);
        let write = || {
            fs::create_dir_all(&folder)?;
            for (number, seed) in (target.seeds)().iter().enumerate() {
                fs::write(folder.join(format!("seed-{number}")), seed)?;
            }
            Ok::<(), std::io::Error>(())
        };
        if let Err(error) = write() {
            eprintln!("{}: {error}", folder.display());
            return ExitCode::FAILURE;
        }
        println!("{}", target.name);
    }
    ExitCode::SUCCESS
}
