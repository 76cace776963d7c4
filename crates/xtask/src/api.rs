//! The listing of the whole API, `bindings/API.md`: what each public item of the crate `twoshare` is called in
//! Swift, Kotlin and Python, and why one is missing.
//!
//! What is public is read from rustdoc's pages, which know every re-export; what there is in the other languages,
//! from the code that is generated for them. An item's name is looked for there in each language's own form. What
//! goes by another name, or is missing for a reason, is in `bindings/api.txt`:
//!
//! ```text
//! Builder = ClientConfig              it goes by another name
//! Client::user - the app knows it     it is missing
//! ```
//!
//! A reason holds for everything in a type. An item that is neither found nor listed is an error, and so is a
//! line that is not needed.

mod generated;
mod rust;

use std::{collections::BTreeSet, fmt::Write as _, fs, path::PathBuf};

use self::{
    generated::{Generated, Target},
    rust::{Item, Kind},
};
use crate::run::{Failed, root};

/// What stands above the table.
const HEAD: &str = "\
<!-- Written by `cargo xtask api`, from rustdoc and the generated code. Edit bindings/api.txt. -->

# The API in four languages

Every public item of the Rust crate `twoshare`, and every type of `twoshare::core` and `twoshare::protocol` that its
signatures name, with what it is called in Swift, Kotlin and Python. Fields and variants have a row only where one is
missing or goes by another name. `T()` is T's constructor. A type that is `str` or `int` in Python is a small type of
its own in Swift and Kotlin, or a number there too.
";

/// What a line of `bindings/api.txt` says of an item.
#[derive(Debug)]
enum Note {
    Named(Vec<Target>),
    Missing(String),
}

#[derive(Debug)]
struct Noted {
    path: String,
    note: Note,
    line: usize,
}

/// Writes the page.
pub(crate) fn write() -> Result<(), Failed> {
    let page = page()?;
    fs::write(listing(), page).map_err(|error| failed(&listing(), &error))
}

/// That the page is what would be written.
pub(crate) fn check() -> Result<(), Failed> {
    let page = page()?;
    let there = fs::read_to_string(listing()).map_err(|error| failed(&listing(), &error))?;
    if there == page {
        return Ok(());
    }
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<BTreeSet<_>>();
    let (is, should) = (lines(&there), lines(&page));
    for line in is.difference(&should) {
        eprintln!("- {line}");
    }
    for line in should.difference(&is) {
        eprintln!("+ {line}");
    }
    Err(Failed("bindings/API.md is not what the code is: run `cargo xtask api`".to_owned()))
}

fn listing() -> PathBuf {
    root().join("bindings/API.md")
}

fn failed(path: &std::path::Path, error: &std::io::Error) -> Failed {
    Failed(format!("{}: {error}", path.display()))
}

fn page() -> Result<String, Failed> {
    let generated = Generated::read()?;
    let notes = notes()?;
    let mut page = Page::default();
    for item in rust::items()? {
        page.add(&item, &notes, &generated);
    }
    for noted in &notes {
        if !page.used.contains(&noted.line) {
            page.wrong(format!(
                "bindings/api.txt, line {}: {} needs no line",
                noted.line, noted.path
            ));
        }
    }
    page.finish(&generated)
}

fn notes() -> Result<Vec<Noted>, Failed> {
    let path = root().join("bindings/api.txt");
    let text = fs::read_to_string(&path).map_err(|error| failed(&path, &error))?;
    let mut notes = Vec::new();
    for (line, text) in text.lines().enumerate().map(|(line, text)| (line + 1, text.trim())) {
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let note = if let Some((path, named)) = text.split_once(" = ") {
            (path, Note::Named(named.split(", ").map(Target::parse).collect()))
        } else if let Some((path, why)) = text.split_once(" - ") {
            (path, Note::Missing(why.trim().to_owned()))
        } else {
            return Err(Failed(format!("bindings/api.txt, line {line}: neither ` = ` nor ` - `")));
        };
        notes.push(Noted { path: note.0.trim().to_owned(), note: note.1, line });
    }
    Ok(notes)
}

#[derive(Debug, Default)]
struct Page {
    rows: String,
    wrong: Vec<String>,
    used: BTreeSet<usize>,
    types: BTreeSet<String>,
    bound: usize,
    missing: usize,
}

impl Page {
    fn add(&mut self, item: &Item, notes: &[Noted], generated: &Generated) {
        let noted = |path: &str| notes.iter().find(|noted| noted.path == path);
        let own = noted(&item.path);
        let owner = item.owner.as_deref().and_then(noted);
        if let Some(Noted { note: Note::Missing(_), .. }) = owner {
            // The reason beside the type is the reason for all of it.
            return;
        }
        let owner_target = match owner {
            Some(Noted { note: Note::Named(targets), .. }) => {
                targets.first().map(|target| target.owner.clone())
            }
            _ => None,
        };
        let usual = item.usual(owner_target);
        let found = generated.find(&usual);
        let row = match (own, found) {
            (None, Ok(names)) => {
                self.types.insert(usual.owner);
                if item.kind.is_data() {
                    return;
                }
                names
            }
            (None, Err(missing)) => {
                return self.wrong(format!(
                    "{} is in no {missing}: bind it, or say in bindings/api.txt why not",
                    item.path
                ));
            }
            (Some(noted), found) => {
                self.used.insert(noted.line);
                match &noted.note {
                    Note::Missing(_) if found.is_ok() => {
                        return self.wrong(format!(
                            "bindings/api.txt, line {}: {} is bound",
                            noted.line, item.path
                        ));
                    }
                    Note::Missing(why) => {
                        self.missing += 1;
                        let _ = writeln!(self.rows, "| `{}` | | | | {why} |", item.path);
                        return;
                    }
                    Note::Named(targets) => {
                        let mut names = [String::new(), String::new(), String::new()];
                        for target in targets {
                            match generated.find(target) {
                                Ok(found) => {
                                    for (names, found) in names.iter_mut().zip(found) {
                                        let comma = if names.is_empty() { "" } else { ", " };
                                        *names = format!("{names}{comma}{found}");
                                    }
                                }
                                Err(missing) => self.wrong(format!(
                                    "bindings/api.txt, line {}: {target} is in no {missing}",
                                    noted.line
                                )),
                            }
                            self.types.insert(target.owner.clone());
                        }
                        names
                    }
                }
            }
        };
        self.bound += 1;
        let [swift, kotlin, python] = row;
        let _ = writeln!(self.rows, "| `{}` | {swift} | {kotlin} | {python} | |", item.path);
    }

    fn wrong(&mut self, what: String) {
        self.wrong.push(what);
    }

    fn finish(self, generated: &Generated) -> Result<String, Failed> {
        if !self.wrong.is_empty() {
            return Err(Failed(format!("the API:\n  {}", self.wrong.join("\n  "))));
        }
        let Self { rows, types, bound, missing, .. } = self;
        let mut page = format!(
            "{HEAD}\n{bound} items have names in the other languages, {missing} have a reason instead.\n\n\
             | Rust | Swift | Kotlin | Python | why it is missing |\n| --- | --- | --- | --- | --- |\n{rows}"
        );
        page.push_str("\n## On the border only\n\nWhat has no counterpart of this name in the crate: records instead of \
                       builders, what cancels, and the errors below those above.\n\n\
                       | Swift | Kotlin | Python |\n| --- | --- | --- |\n");
        for name in generated.types().filter(|name| !types.contains(*name)) {
            if let Ok([swift, kotlin, python]) = generated.find(&Target::parse(name)) {
                let _ = writeln!(page, "| {swift} | {kotlin} | {python} |");
            }
        }
        Ok(page)
    }
}

impl Item {
    /// Where it is to be found, if its name is the same.
    fn usual(&self, owner: Option<String>) -> Target {
        let last = |path: &str| path.rsplit("::").next().unwrap_or(path).to_owned();
        match &self.owner {
            Some(path) => Target {
                owner: owner.unwrap_or_else(|| last(path)),
                member: Some(last(&self.path)),
            },
            None => Target { owner: last(&self.path), member: None },
        }
    }
}

impl Kind {
    /// Whether it is a field or a variant.
    const fn is_data(self) -> bool {
        matches!(self, Self::Field | Self::Variant)
    }
}
