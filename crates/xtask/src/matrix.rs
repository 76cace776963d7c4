//! A backup that is made in each language, and by the `twoshare` command, is recovered in every other.

use std::{ffi::OsString, process::Command};

use crate::{
    bindings, kotlin, python,
    run::{Failed, Steps, run},
    swift,
};

/// Builds every package, and then every pair of them.
pub(crate) fn task(steps: &mut Steps) -> Result<(), Failed> {
    steps.step("matrix", || {
        python::package()?;
        matrix()
    });
    Ok(())
}

/// Every pair of them, the same with the same too, over packages that were built.
pub(crate) fn matrix() -> Result<(), Failed> {
    let relays =
        [("python", python::relay()?), ("kotlin", kotlin::relay()?), ("swift", swift::relay()?)];
    let mut matrix = python::interpreter()?;
    matrix.arg(python::folder().join("matrix.py"));
    for (name, relay) in relays {
        let words = words(&relay);
        matrix.arg(format!("{name}:{}", words.len())).args(words);
    }
    run(matrix.env(bindings::FOLDER, bindings::programs()?))
}

/// What is typed to run it, its environment included.
fn words(relay: &Command) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec!["env".into()];
    let (set, unset): (Vec<_>, Vec<_>) = relay.get_envs().partition(|(_, value)| value.is_some());
    for (name, _) in unset {
        words.extend(["-u".into(), name.to_owned()]);
    }
    for (name, value) in set {
        let mut word = name.to_owned();
        word.push("=");
        word.push(value.unwrap_or_default());
        words.push(word);
    }
    words.push(relay.get_program().to_owned());
    words.extend(relay.get_args().map(OsString::from));
    words
}
