use std::{fmt, path::Path, str::FromStr, sync::Arc};

use thiserror::Error;

/// The longest, in bytes.
const MAX_LEN: usize = 4096;

/// What a store is called, in the device's record, in JSON and on the command line.
///
/// As text: `custodian`; `dir:PATH`; `https://…` for the app's own backend; `s3://…`, `webdav://…`; or a
/// name of the app's own, of lower-case letters, digits, `-`, `_` and `.`. It is shown to users and
/// holds no secret: an address with a password in it is refused.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreId(Arc<str>);

/// What a store's name says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind<'a> {
    /// The custodian's own store.
    Custodian,
    /// A directory.
    Directory(&'a Path),
    /// The app's own backend, over HTTP: its address.
    SelfManaged(&'a str),
    /// A bucket of an object store: its address.
    ObjectStore(&'a str),
    /// A WebDAV folder: its address.
    WebDav(&'a str),
    /// Whatever the app calls so.
    Named(&'a str),
}

/// Why a text names no store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StoreIdError {
    /// It is of none of the forms: see [`StoreId`].
    #[error(
        "a store is named custodian, dir:PATH, https://…, s3://…, webdav://… or by a short name"
    )]
    Form,
    /// There is nothing after `dir:` or `://`.
    #[error("a path or an address is missing")]
    Missing,
    /// There is a user or a password in the address: give them where secrets are given.
    #[error("an address of a store has no user or password in it")]
    Credentials,
    /// A control character, or more than 4,096 bytes.
    #[error("a store's name is at most 4,096 bytes, without control characters")]
    Characters,
}

impl StoreId {
    /// The custodian's own store.
    #[must_use]
    pub fn custodian() -> Self {
        Self("custodian".into())
    }

    /// The directory of this path. A path that is not Unicode has no name: have it renamed.
    ///
    /// # Errors
    ///
    /// See [`StoreIdError`].
    pub fn directory(path: &Path) -> Result<Self, StoreIdError> {
        format!("dir:{}", path.to_str().ok_or(StoreIdError::Characters)?).parse()
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What it says of the store.
    #[must_use]
    pub fn kind(&self) -> StoreKind<'_> {
        let text = self.as_str();
        match (text.strip_prefix("dir:"), text.split_once("://")) {
            (Some(path), _) => StoreKind::Directory(Path::new(path)),
            (None, Some(("https" | "http", _))) => StoreKind::SelfManaged(text),
            (None, Some(("s3", _))) => StoreKind::ObjectStore(text),
            (None, Some(("webdav" | "webdavs", _))) => StoreKind::WebDav(text),
            (None, _) if text == "custodian" => StoreKind::Custodian,
            (None, _) => StoreKind::Named(text),
        }
    }
}

impl FromStr for StoreId {
    type Err = StoreIdError;

    fn from_str(text: &str) -> Result<Self, StoreIdError> {
        if text.len() > MAX_LEN || text.chars().any(char::is_control) {
            return Err(StoreIdError::Characters);
        }
        let rest = match (text.strip_prefix("dir:"), text.split_once("://")) {
            (Some(path), _) => path,
            (None, Some(("https" | "http" | "s3" | "webdav" | "webdavs", address))) => {
                let authority = address.split(['/', '?', '#']).next().unwrap_or_default();
                if authority.contains('@') {
                    return Err(StoreIdError::Credentials);
                }
                authority
            }
            (None, _) => {
                let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
                let mut letters = text.chars();
                let fits = letters.next().is_some_and(is_name)
                    && letters.all(|c| is_name(c) || matches!(c, '-' | '_' | '.'));
                return if fits { Ok(Self(text.into())) } else { Err(StoreIdError::Form) };
            }
        };
        if rest.is_empty() { Err(StoreIdError::Missing) } else { Ok(Self(text.into())) }
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreId({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_say_what_they_name() {
        for (text, kind) in [
            ("custodian", StoreKind::Custodian),
            ("dir:/var/backups", StoreKind::Directory(Path::new("/var/backups"))),
            ("dir:a b:c@d", StoreKind::Directory(Path::new("a b:c@d"))),
            ("https://a.example/x", StoreKind::SelfManaged("https://a.example/x")),
            ("http://127.0.0.1:80", StoreKind::SelfManaged("http://127.0.0.1:80")),
            ("https://a.example/@me", StoreKind::SelfManaged("https://a.example/@me")),
            ("s3://bucket/prefix", StoreKind::ObjectStore("s3://bucket/prefix")),
            ("webdav://b.example/", StoreKind::WebDav("webdav://b.example/")),
            ("my-drive_2", StoreKind::Named("my-drive_2")),
        ] {
            let id: StoreId = text.parse().unwrap();
            assert_eq!((id.kind(), id.to_string()), (kind, text.to_owned()));
        }
        assert_eq!(StoreId::custodian().kind(), StoreKind::Custodian);
        assert_eq!(StoreId::directory(Path::new("/x")), "dir:/x".parse());
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for (text, error) in [
            ("", StoreIdError::Form),
            ("Custodian", StoreIdError::Form),
            ("ftp://a.example", StoreIdError::Form),
            ("-x", StoreIdError::Form),
            ("/var/backups", StoreIdError::Form),
            ("dir:", StoreIdError::Missing),
            ("https://", StoreIdError::Missing),
            ("https:///x", StoreIdError::Missing),
            ("https://alice:hunter2@a.example/", StoreIdError::Credentials),
            ("s3://key@bucket", StoreIdError::Credentials),
            ("dir:/a\nb", StoreIdError::Characters),
        ] {
            assert_eq!(text.parse::<StoreId>(), Err(error), "{text}");
        }
        assert_eq!(
            format!("dir:{}", "x".repeat(5000)).parse::<StoreId>(),
            Err(StoreIdError::Characters)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_comes_back(text: String) {
            if let Ok(id) = text.parse::<StoreId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }
    }
}
