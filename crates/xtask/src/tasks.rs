//! The tasks themselves.

use std::{fs, process::Command, thread};

use crate::{
    api,
    bindings::{self, Language},
    callgrind, kotlin, matrix, python,
    run::{Failed, Steps, cargo, output, root, run, target},
    swift, tools,
};

/// Every test there is.
pub(crate) fn test(steps: &mut Steps) -> Result<(), Failed> {
    // While Rust's tests compile. What fails here fails again, and is said, in the step that needs it.
    let fetching = thread::spawn(|| drop((kotlin::fetch(), swift::fetch())));
    // `--all-targets` has the fuzz bodies run over their seeds and random changes of them, the
    // examples and benchmarks compile, and each benchmark run once.
    steps.step("tests", || {
        let mut test = cargo(["test", "--workspace", "--all-features", "--all-targets"]);
        // The end-to-end tests run the commands, which this has built.
        run(test.env("TWOSHARE_COMMANDS_AS_BUILT", "1"))
    });
    steps.step("doc examples", || {
        run(&mut cargo(["test", "--workspace", "--all-features", "--doc"]))
    });
    steps.step("independent reader", reader);
    let _ = fetching.join();
    bindings::share_with_the_workspace();
    steps.step("python", || {
        python::package()?;
        python::tests(&[])
    });
    steps.step("kotlin", || kotlin::tests(None));
    steps.step("swift", || swift::test(&[]));
    steps.step("matrix", matrix::matrix);
    Ok(())
}

/// Everything that must hold before a change lands.
pub(crate) fn ci(steps: &mut Steps) -> Result<(), Failed> {
    // What fails fastest comes first.
    steps.step("formatting", || {
        run(&mut cargo(["fmt", "--all", "--check"]))?;
        run(&mut cargo(["fmt", "--check", "--manifest-path", "fuzz/Cargo.toml"]))
    });
    steps.step("dependencies", || {
        let deny = tools::DENY.find()?;
        let checks = ["bans", "licenses", "sources"];
        run(Command::new(deny).current_dir(root()).args(["--all-features", "check"]).args(checks))
    });
    steps.step("lints", || {
        let all =
            ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
        run(&mut cargo(all))
    });
    steps.step("without an HTTP stack of its own", || {
        run(&mut cargo([
            "check",
            "--package",
            "twoshare",
            "--no-default-features",
            "--features",
            "http",
        ]))?;
        no_c_code()
    });
    steps.step("documentation", documentation);
    test(steps)?;
    // Both are what the tests have built.
    steps.step("api listing", api::check);
    steps.step("model, small", || {
        let model = format!("model{}", std::env::consts::EXE_SUFFIX);
        run(Command::new(bindings::programs()?.join(model)).arg("--small"))
    });
    Ok(())
}

/// What an app links that sends the requests itself: nothing of an HTTP stack, and nothing that needs a C
/// compiler, which device targets have none of.
fn no_c_code() -> Result<(), Failed> {
    let tree = ["tree", "--package", "twoshare", "--no-default-features", "--features", "http"];
    let tree = output(cargo(tree).args(["--edges", "normal,build", "--prefix", "none"]))?;
    let crates: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    if !crates.contains(&"twoshare-core") {
        return Err(Failed("`cargo tree` lists no dependencies".to_owned()));
    }
    let found: Vec<&str> = NEEDS_C.iter().copied().filter(|name| crates.contains(name)).collect();
    if found.is_empty() {
        return Ok(());
    }
    Err(Failed(format!("the feature `http` alone brings {}", found.join(", "))))
}

/// An HTTP stack, and what builds C code.
const NEEDS_C: &[&str] = &[
    "reqwest",
    "hyper",
    "rustls",
    "ring",
    "aws-lc-sys",
    "openssl-sys",
    "cc",
    "cmake",
    "url",
    "idna",
];

/// The pages of rustdoc.
pub(crate) fn documentation() -> Result<(), Failed> {
    // Rustdoc links to the pages of a crate only where they have a folder already, and the crates are
    // documented side by side: without these, what links to what hangs on which is first.
    for name in ["twoshare", "twoshare_core", "twoshare_protocol"] {
        let folder = target().join("doc").join(name);
        fs::create_dir_all(&folder)
            .map_err(|error| Failed(format!("{}: {error}", folder.display())))?;
    }
    let all = ["doc", "--workspace", "--all-features", "--no-deps"];
    run(cargo(all).env("RUSTDOCFLAGS", "-D warnings"))
}

/// The listing of the API in all languages, written anew or checked.
pub(crate) fn api(steps: &mut Steps, args: &[&str]) -> Result<(), Failed> {
    match args {
        [] => steps.step("api listing", api::write),
        ["--check"] => steps.step("api listing", api::check),
        _ => return Err(Failed("api takes --check or nothing".to_owned())),
    }
    Ok(())
}

/// The rules of the epochs, explored exhaustively: within the bounds of a minute or two with
/// `--small`, else within those that the model states.
pub(crate) fn model(steps: &mut Steps, args: &[&str]) -> Result<(), Failed> {
    let small = args.contains(&"--small");
    steps.step(if small { "model, small" } else { "model" }, || {
        let mut model = cargo(["run"]);
        // The small one is over before the optimised build of everything would be.
        if !small {
            model.arg("--release");
        }
        run(model.args(["--package", "twoshare-tests", "--bin", "model", "--"]).args(args))
    });
    Ok(())
}

/// Lives of a wallet in which the real custodian and the real command are killed at random instants.
/// The tests have 200.
pub(crate) fn crash(steps: &mut Steps, args: &[&str]) -> Result<(), Failed> {
    steps.step("crashes", || {
        let crash = ["run", "--package", "twoshare-tests", "--bin", "crash", "--"];
        run(cargo(crash).args(args))
    });
    Ok(())
}

/// Coverage-guided fuzzing of one target or all of them.
pub(crate) fn fuzz(steps: &mut Steps, args: &[&str]) -> Result<(), Failed> {
    let (mut wanted, mut seconds) = (None, 60_u64);
    let mut rest = args.iter();
    while let Some(&arg) = rest.next() {
        match arg {
            "--seconds" => {
                let number = rest.next().and_then(|number| number.parse().ok());
                seconds = number.ok_or(Failed("--seconds takes a whole number".to_owned()))?;
            }
            target if wanted.is_none() && !target.starts_with('-') => wanted = Some(target),
            other => return Err(Failed(format!("fuzz: {other} is not understood"))),
        }
    }
    let mut names = Vec::new();
    steps.step("fuzz seeds", || {
        // From the code as it is, so that the corpus starts inside the formats of today.
        let seeds = ["run", "--quiet", "--package", "twoshare-fuzz-bodies", "--bin", "seeds"];
        let written = output(cargo(seeds).arg("--").arg(root().join("fuzz/corpus")))?;
        names.extend(written.lines().map(str::to_owned));
        match wanted {
            Some(wanted) if !names.iter().any(|name| name == wanted) => {
                Err(Failed(format!("no target {wanted}; there are: {}", names.join(", "))))
            }
            _ => Ok(()),
        }
    });
    for name in names.iter().filter(|name| wanted.is_none_or(|wanted| wanted == name.as_str())) {
        steps.step(&format!("fuzz {name}"), || {
            let mut fuzz = tools::nightly("cargo")?;
            fuzz.env("PATH", tools::path_with(&tools::FUZZ.find()?)?);
            fuzz.args(["fuzz", "run", name, "--"]).arg(format!("-max_total_time={seconds}"));
            run(fuzz.args(["-rss_limit_mb=1024", "-timeout=10", "-print_final_stats=1"]))
        });
    }
    Ok(())
}

/// Writes the frozen vectors anew, with the generators that tests otherwise ignore.
pub(crate) fn vectors(steps: &mut Steps) -> Result<(), Failed> {
    steps.step("vectors", || {
        let generators = ["test", "--workspace", "--all-features", "generate_vectors", "--"];
        run(cargo(generators).arg("--ignored"))
    });
    Ok(())
}

/// The sides of the library that are generated: of these languages, or of all.
pub(crate) fn bindings(steps: &mut Steps, args: &[&str]) -> Result<(), Failed> {
    let named = |name: &&str| {
        Language::named(name).ok_or_else(|| Failed(format!("bindings: there is no {name}")))
    };
    let mut languages = args.iter().map(named).collect::<Result<Vec<_>, _>>()?;
    if languages.is_empty() {
        languages.extend(Language::ALL);
    }
    for language in languages {
        steps.step(&format!("bindings for {language}"), || {
            let folder = bindings::generate(language)?;
            eprintln!("in {}", folder.display());
            Ok(())
        });
    }
    Ok(())
}

/// The Swift package and its tests.
pub(crate) fn swift(steps: &mut Steps, args: &[&str]) -> Result<(), Failed> {
    steps.step("swift", || swift::test(args));
    Ok(())
}

/// Instruction counts per operation, over random secrets: where they differ, control flow depended
/// on a secret.
///
/// `ops` without arguments prints the names of its operations; `ops NAME SEED` prepares one from
/// that seed and performs it once inside a function named `measured`.
pub(crate) fn callgrind(steps: &mut Steps, args: &[&str]) -> Result<(), Failed> {
    steps.step("callgrind", || callgrind::compare(args));
    Ok(())
}

/// The benchmarks.
pub(crate) fn bench(steps: &mut Steps, args: &[&str]) -> Result<(), Failed> {
    steps.step("benchmarks", || {
        run(cargo(["bench", "--package", "twoshare-benches", "--"]).args(args))
    });
    // The pairs again, in turns, with each ratio beside its target. Times are printed, never judged.
    steps.step("ratios", || {
        let ratios = ["run", "--release", "--package", "twoshare-benches", "--bin", "ratios"];
        run(cargo(ratios).arg("--").args(args.iter().filter(|arg| !arg.starts_with('-'))))
    });
    Ok(())
}

/// The custodian and the client under load. Its figures are printed, never judged.
pub(crate) fn load(steps: &mut Steps, args: &[&str]) -> Result<(), Failed> {
    steps.step("load", || {
        // Both beside each other: the server is measured as it is shipped too.
        let packages = ["--package", "twoshare-custodian", "--package", "twoshare-benches"];
        run(cargo(["build", "--release", "--bins"]).args(packages))?;
        let load = target().join("release").join(format!("load{}", std::env::consts::EXE_SUFFIX));
        run(Command::new(load).args(args))
    });
    Ok(())
}

/// Reads the vectors with programs that follow FORMAT.md and PROTOCOL.md and share nothing with ours.
fn reader() -> Result<(), Failed> {
    let folder = root().join("tests/reader");
    let python = tools::python(&folder.join("requirements.txt"))?;
    for program in ["read_vectors.py", "read_sessions.py"] {
        let mut read = Command::new(&python);
        read.arg(folder.join(program)).arg(root().join("tests/vectors"));
        run(read.current_dir(target()))?;
    }
    Ok(())
}
