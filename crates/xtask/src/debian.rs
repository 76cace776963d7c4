//! Debian's packages as a source of tools: downloaded with `apt-get` and unpacked below `target/tools`.
//! Nothing is installed, and nobody needs to be root.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    run::{Failed, output, run, target},
    tools::on_path,
};

/// A package, at the version of Debian 12. A machine whose release has another one gets that; the version
/// that it got is printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    /// None where any is good, as of what only gets security fixes.
    pub(crate) version: Option<&'static str>,
}

/// The folder that has these packages unpacked, below `target/tools`, after fetching them where it has
/// not.
pub(crate) fn unpacked(name: &str, packages: &[Package]) -> Result<PathBuf, Failed> {
    unpack(name, packages, false)
}

/// The same, with the shared libraries that they need and that this machine has not installed.
pub(crate) fn unpacked_with_libraries(name: &str, packages: &[Package]) -> Result<PathBuf, Failed> {
    unpack(name, packages, true)
}

fn unpack(name: &str, packages: &[Package], with_libraries: bool) -> Result<PathBuf, Failed> {
    let kept = target().join("tools").join(name);
    let stamp = kept.join("unpacked.txt");
    let wanted: String = packages
        .iter()
        .map(|package| format!("{} {}\n", package.name, package.version.unwrap_or("any")))
        .collect();
    if fs::read_to_string(&stamp).unwrap_or_default() == wanted {
        return Ok(kept);
    }
    for needed in ["apt-get", "dpkg-deb"] {
        if on_path(needed).is_none() {
            return Err(Failed(format!("{needed} is not on the PATH")));
        }
    }
    let _ = fs::remove_dir_all(&kept);
    let debs = kept.join("debs");
    fs::create_dir_all(&debs).map_err(|error| failed(&debs, &error))?;
    let mut lists = None;
    for package in packages {
        download(package.name, package.version, &debs, &mut lists)?;
    }
    let (mut unpacked, mut wanted_libraries) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let fetched: Vec<PathBuf> = fs::read_dir(&debs)
            .map_err(|error| failed(&debs, &error))?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .filter(|path| unpacked.insert(path.clone()))
            .collect();
        if fetched.is_empty() {
            break;
        }
        for deb in fetched {
            output(Command::new("dpkg-deb").arg("--extract").arg(&deb).arg(&kept))?;
            if with_libraries {
                let needs =
                    output(Command::new("dpkg-deb").arg("--field").arg(&deb).arg("Depends"))?;
                for library in libraries(&needs) {
                    if wanted_libraries.insert(library.to_owned()) && !is_installed(library) {
                        download(library, None, &debs, &mut lists)?;
                    }
                }
            }
        }
    }
    let _ = fs::remove_dir_all(&debs);
    fs::write(&stamp, wanted).map_err(|error| failed(&stamp, &error))?;
    Ok(kept)
}

/// Downloads one package. `lists` is where package lists of our own are, once the machine's turned out to
/// know nothing: on a fresh machine nobody has asked for them yet, and only root may.
fn download(
    package: &str,
    version: Option<&str>,
    debs: &Path,
    lists: &mut Option<PathBuf>,
) -> Result<(), Failed> {
    let exact = version.map(|version| format!("{package}={version}"));
    let names: Vec<&str> = exact.as_deref().into_iter().chain([package]).collect();
    if let Some(done) = names.iter().find(|name| get(name, debs, lists.as_deref()).is_ok()) {
        return said(done);
    }
    if lists.is_none() {
        let own = debs.join("apt");
        for folder in ["lists/partial", "cache/archives/partial"] {
            let folder = own.join(folder);
            fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
        }
        run(apt(Some(&own)).args(["--quiet=2", "update"]))?;
        *lists = Some(own);
    }
    let mut last = Failed(String::new());
    for name in names {
        match get(name, debs, lists.as_deref()) {
            Ok(()) => return said(name),
            Err(why) => last = why,
        }
    }
    Err(Failed(format!("{package} could not be downloaded: {last}")))
}

/// The shared libraries among what a package needs: of alternatives the first, as apt does it; none that is
/// for compiling; and not that of C, which whoever has Debian's tools has.
fn libraries(needs: &str) -> impl Iterator<Item = &str> {
    needs
        .split(',')
        .filter_map(|need| need.split_whitespace().next())
        .filter(|name| name.starts_with("lib") && !name.ends_with("-dev") && *name != "libc6")
}

fn is_installed(package: &str) -> bool {
    let mut ask = Command::new("dpkg-query");
    let status = output(ask.args(["--show", "--showformat=${db:Status-Abbrev}", package]));
    status.is_ok_and(|status| status.starts_with("ii"))
}

#[allow(clippy::unnecessary_wraps, reason = "it ends what may have failed")]
fn said(name: &str) -> Result<(), Failed> {
    eprintln!("fetched {name} from Debian");
    Ok(())
}

fn get(name: &str, debs: &Path, lists: Option<&Path>) -> Result<(), Failed> {
    output(apt(lists).args(["--quiet=2", "download", name]).current_dir(debs)).map(drop)
}

fn apt(lists: Option<&Path>) -> Command {
    let mut apt = Command::new("apt-get");
    if let Some(lists) = lists {
        apt.arg("-o").arg(format!("Dir::State::lists={}", lists.join("lists").display()));
        apt.arg("-o").arg(format!("Dir::Cache={}", lists.join("cache").display()));
    }
    apt
}

fn failed(path: &Path, error: &std::io::Error) -> Failed {
    Failed(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_libraries_of_a_package_are_found() {
        let needs = "libc6 (>= 2.34), libgcc-s1 (>= 3.0), libstd-rust-web-dev (= 1.96.0), gcc, libc-dev, \
                     libfoo1 | libbar1, binutils (>= 2.26)\n";
        assert_eq!(libraries(needs).collect::<Vec<_>>(), ["libgcc-s1", "libfoo1"]);
        assert_eq!(libraries("").count(), 0);
    }
}
