//! What the workflows call must be there. They run elsewhere, so this is where they are looked at.

use std::{collections::BTreeSet, fs, path::PathBuf};

use saphyr::{LoadableYamlNode as _, Yaml};

use crate::{USAGE, run::root};

fn workflows() -> Vec<(PathBuf, String)> {
    let folder = root().join(".github/workflows");
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The tasks that the usage text lists.
fn tasks() -> BTreeSet<&'static str> {
    let lines = USAGE.lines().filter_map(|line| line.strip_prefix("  "));
    let named = lines.filter(|line| !line.starts_with(' '));
    named.filter_map(|line| line.split_whitespace().next()).collect()
}

/// Every text of every step's `run`, and every action that a step uses.
fn steps(text: &str) -> (Vec<String>, Vec<String>) {
    let documents = Yaml::load_from_str(text).unwrap();
    let [document] = documents.as_slice() else { panic!("{} documents", documents.len()) };
    assert!(document.as_mapping_get("on").is_some(), "it is started by nothing");
    let jobs = document.as_mapping_get("jobs").and_then(Yaml::as_mapping).unwrap();
    let (mut runs, mut uses) = (Vec::new(), Vec::new());
    for job in jobs.values() {
        assert!(job.as_mapping_get("runs-on").is_some(), "a job runs nowhere");
        for step in job.as_mapping_get("steps").and_then(Yaml::as_vec).unwrap() {
            let text = |key: &str| step.as_mapping_get(key).and_then(Yaml::as_str);
            match (text("run"), text("uses")) {
                (Some(run), None) => runs.push(run.to_owned()),
                (None, Some(action)) => uses.push(action.to_owned()),
                _ => panic!("a step either runs or uses something: {step:?}"),
            }
        }
    }
    (runs, uses)
}

#[test]
fn a_workflow_calls_tasks_that_exist() {
    let tasks = tasks();
    assert!(tasks.contains("xcframework"), "{tasks:?}");
    let mut called = BTreeSet::new();
    for (path, text) in workflows() {
        for run in steps(&text).0 {
            for line in run.lines() {
                let Some((_, rest)) = line.split_once("cargo xtask ") else { continue };
                let task = rest.split_whitespace().next().unwrap_or_default().to_owned();
                assert!(tasks.contains(task.as_str()), "{}: {line}", path.display());
                called.insert(task);
            }
        }
    }
    for wanted in ["xcframework", "kotlin", "aar"] {
        assert!(called.contains(wanted), "no workflow calls {wanted}");
    }
}

/// A tag can be moved by whoever has the repository of an action; a commit cannot.
#[test]
fn an_action_is_pinned_to_a_commit() {
    for (path, text) in workflows() {
        for action in steps(&text).1 {
            let commit = action.split_once('@').unwrap().1;
            let is_commit =
                commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(is_commit, "{}: {action}", path.display());
        }
    }
}

/// What a workflow attaches is what the tasks write.
#[test]
fn what_is_attached_is_made() {
    let sources = ["mobile/xcframework.rs", "mobile/aar.rs"]
        .map(|file| fs::read_to_string(root().join("crates/xtask/src").join(file)).unwrap())
        .concat();
    let mut attached = 0;
    for (path, text) in workflows() {
        for word in steps(&text).0.iter().flat_map(|run| run.split_whitespace()) {
            if let Some(file) = word.strip_prefix("target/") {
                let name = file.rsplit('/').next().unwrap_or_default();
                assert!(sources.contains(&format!("\"{name}\"")), "{}: {file}", path.display());
                attached += 1;
            }
        }
    }
    assert_eq!(attached, 2);
}
