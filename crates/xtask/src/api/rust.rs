//! What is public in Rust, as rustdoc's pages have it.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{
    run::{Failed, target},
    tasks,
};

/// A public item.
#[derive(Debug)]
pub(super) struct Item {
    /// `Client`, `Client::backup`, `stores::Place`, `core::id::WalletId`.
    pub(super) path: String,
    /// The path of the type that it is in.
    pub(super) owner: Option<String>,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Item,
    Method,
    Field,
    Variant,
}

/// All public items of the crate, and the types of the crates below it that its signatures name.
pub(super) fn items() -> Result<Vec<Item>, Failed> {
    tasks::documentation()?;
    let docs = target().join("doc");
    let mut items = Vec::new();
    let mut below = BTreeSet::new();
    for href in all(&docs.join("twoshare"))? {
        let path = path_of(&href)?;
        let page = read(&docs.join("twoshare").join(&href))?;
        let members = members(&page, &path)?;
        let signatures = between(&page, "<pre class=\"rust item-decl\">", "</pre>").chain(between(
            own(&page),
            "<h4 class=\"code-header\">",
            "</h4>",
        ));
        for signature in signatures {
            for title in between(signature, "title=\"", "\"") {
                let named = title.split_once(' ').map_or(title, |(_kind, path)| path);
                if named.starts_with("twoshare_core::") || named.starts_with("twoshare_protocol::")
                {
                    below.insert(named.to_owned());
                }
            }
        }
        items.push(Item { path, owner: None, kind: Kind::Item });
        items.extend(members);
    }
    for (name, shown) in [("twoshare_core", "core"), ("twoshare_protocol", "protocol")] {
        let public = all(&docs.join(name))?
            .iter()
            .map(|href| path_of(href))
            .collect::<Result<Vec<_>, _>>()?;
        let mut named = BTreeSet::new();
        for full in below.iter().filter_map(|path| path.strip_prefix(name)?.strip_prefix("::")) {
            // A page is titled with the module that defines it, which may be private.
            let mut fits: Vec<&String> =
                public.iter().filter(|path| is_reexport(path, full)).collect();
            fits.sort_by_key(|path| path.len());
            let Some(path) = fits.last() else {
                return Err(Failed(format!("{name}::{full} has no page")));
            };
            named.insert(format!("{shown}::{path}"));
        }
        items.extend(named.into_iter().map(|path| Item { path, owner: None, kind: Kind::Item }));
    }
    match items.len() {
        0..100 => {
            Err(Failed(format!("rustdoc's pages have {} items: read them anew", items.len())))
        }
        _ => Ok(items),
    }
}

/// Whether the item that is defined as `full` is public as `path`: the same name, in a module around.
fn is_reexport(path: &str, full: &str) -> bool {
    let split = |path: &str| match path.rsplit_once("::") {
        Some((module, name)) => (format!("{module}::"), name.to_owned()),
        None => (String::new(), path.to_owned()),
    };
    let ((module, name), (full_module, full_name)) = (split(path), split(full));
    name == full_name && full_module.starts_with(&module)
}

/// The pages of a crate's items, in the order of their paths.
fn all(folder: &Path) -> Result<Vec<String>, Failed> {
    let list = read(&folder.join("all.html"))?;
    let lists = between(&list, "<ul class=\"all-items\">", "</ul>");
    let mut all: Vec<String> =
        lists.flat_map(|list| between(list, "<a href=\"", "\"")).map(str::to_owned).collect();
    all.sort_by_key(|href| {
        let path = path_of(href).unwrap_or_default();
        (path.matches("::").count().min(1), path)
    });
    Ok(all)
}

/// `device/struct.Counter.html` is `device::Counter`.
fn path_of(href: &str) -> Result<String, Failed> {
    let (folder, file) = href.rsplit_once('/').unwrap_or(("", href));
    let name =
        file.strip_suffix(".html").and_then(|file| file.split_once('.')).map(|(_kind, name)| name);
    match (folder, name) {
        (_, None) => Err(Failed(format!("rustdoc has a page {href}"))),
        ("", Some(name)) => Ok(name.to_owned()),
        (folder, Some(name)) => Ok(format!("{}::{name}", folder.replace('/', "::"))),
    }
}

/// A page without what comes from traits.
fn own(page: &str) -> &str {
    let ends = [
        "id=\"trait-implementations\"",
        "id=\"synthetic-implementations\"",
        "id=\"blanket-implementations\"",
    ];
    let end = ends.iter().filter_map(|end| page.find(end)).min();
    page.get(..end.unwrap_or(page.len())).unwrap_or(page)
}

fn members(page: &str, owner: &str) -> Result<Vec<Item>, Failed> {
    let mut members: Vec<Item> = Vec::new();
    for id in between(own(page), "id=\"", "\"") {
        let Some((kind, name)) = id.split_once('.') else { continue };
        let kind = match kind {
            "method" | "tymethod" | "associatedconstant" => Kind::Method,
            "structfield" => Kind::Field,
            "variant" => Kind::Variant,
            _ => continue,
        };
        // Fields of tuples and of variants, which are compared where they are converted.
        if name.contains('.') || name.starts_with(|first: char| first.is_ascii_digit()) {
            continue;
        }
        let name = name.split('-').next().unwrap_or(name);
        let path = format!("{owner}::{name}");
        if !members.iter().any(|member| member.path == path) {
            members.push(Item { path, owner: Some(owner.to_owned()), kind });
        }
    }
    Ok(members)
}

/// Every text between the one and the next of the other.
fn between<'a>(text: &'a str, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(start).skip(1).filter_map(move |rest| rest.split(end).next())
}

fn read(path: &Path) -> Result<String, Failed> {
    fs::read_to_string(path).map_err(|error| Failed(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_what_is_public_and_not_of_a_trait() {
        let page = r#"<span id="structfield.envelope" class="x"><span id="structfield.0">
            <section id="variant.Done" class="variant"><span id="variant.Done.field.wallet">
            <section id="method.new"><section id="method.new-1"><section id="tymethod.load">
            <h2 id="trait-implementations"><section id="method.fmt">"#;
        let members = members(page, "Backup").unwrap();
        let paths: Vec<&str> = members.iter().map(|member| member.path.as_str()).collect();
        assert_eq!(paths, ["Backup::envelope", "Backup::Done", "Backup::new", "Backup::load"]);
        assert!(members.iter().all(|member| member.owner.as_deref() == Some("Backup")));
    }

    #[test]
    fn a_private_module_is_left_out_of_a_path() {
        assert!(is_reexport("store::EnvelopeName", "store::name::EnvelopeName"));
        assert!(is_reexport("store::EnvelopeName", "store::EnvelopeName"));
        assert!(!is_reexport("channel::OpenError", "envelope::error::OpenError"));
        assert_eq!(path_of("device/struct.Counter.html").unwrap(), "device::Counter");
        assert_eq!(path_of("fn.rng.html").unwrap(), "rng");
    }
}
