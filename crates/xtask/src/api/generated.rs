//! What there is in Swift, Kotlin and Python, as it is generated.

use std::{collections::BTreeMap, fmt, fs};

use crate::{
    bindings::{self, Language},
    run::Failed,
};

/// A type, a function, or something in a type, by its name in `twoshare-ffi`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) owner: String,
    pub(super) member: Option<String>,
}

impl Target {
    /// `Client`, `Client::backup`, `Client::new`, `parse_wallet_id`.
    pub(super) fn parse(text: &str) -> Self {
        match text.trim().split_once("::") {
            Some((owner, member)) => {
                Self { owner: owner.to_owned(), member: Some(member.to_owned()) }
            }
            None => Self { owner: text.trim().to_owned(), member: None },
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            Some(member) => write!(f, "{}::{member}", self.owner),
            None => f.write_str(&self.owner),
        }
    }
}

/// The generated code of all languages.
#[derive(Debug)]
pub(super) struct Generated {
    swift: Source,
    kotlin: Source,
    python: Source,
}

/// Generated code, taken apart at the declarations that begin a line.
#[derive(Debug)]
struct Source {
    language: Language,
    whole: String,
    types: BTreeMap<String, String>,
}

impl Generated {
    /// Generates all of it.
    pub(super) fn read() -> Result<Self, Failed> {
        let read = |language, file: &str| {
            let path = bindings::generate(language)?.join(file);
            let whole = fs::read_to_string(&path)
                .map_err(|error| Failed(format!("{}: {error}", path.display())))?;
            let types = types(language, &whole);
            Ok(Source { language, whole, types })
        };
        Ok(Self {
            swift: read(Language::Swift, "Twoshare.swift")?,
            kotlin: read(Language::Kotlin, "io/twoshare/twoshare.kt")?,
            python: read(Language::Python, "twoshare.py")?,
        })
    }

    /// What it is called in Swift, Kotlin and Python; or the language that does not have it.
    pub(super) fn find(&self, target: &Target) -> Result<[String; 3], Language> {
        let [swift, kotlin, python] = [&self.swift, &self.kotlin, &self.python]
            .map(|source| source.find(target).ok_or(source.language));
        Ok([swift?, kotlin?, python?])
    }

    /// The types of the border, by their names there.
    pub(super) fn types(&self) -> impl Iterator<Item = &str> {
        // What Swift has besides: the protocol of a class, the class of a protocol that is Rust's.
        let is_own = |name: &&str| {
            let of = name.strip_suffix("Protocol").or_else(|| name.strip_suffix("Impl"));
            !of.is_some_and(|of| self.swift.types.contains_key(of))
                && !name.contains("niffi")
                && !name.contains("Ffi")
        };
        self.swift.types.keys().map(String::as_str).filter(is_own)
    }
}

impl Source {
    fn find(&self, target: &Target) -> Option<String> {
        let Target { owner, member } = target;
        let type_name = match self.language {
            // An error is an exception there.
            Language::Kotlin => match owner.strip_suffix("Error") {
                Some(stem) if self.types.contains_key(&format!("{stem}Exception")) => {
                    format!("{stem}Exception")
                }
                _ => owner.clone(),
            },
            _ => owner.clone(),
        };
        match (self.types.get(&type_name), member) {
            (Some(_), None) => Some(format!("`{type_name}`")),
            (Some(block), Some(member)) => self.member(&type_name, block, member),
            (None, None) if owner.starts_with(|first: char| first.is_ascii_lowercase()) => {
                self.function(owner)
            }
            (None, None) => self.converted(owner),
            (None, Some(_)) => None,
        }
    }

    fn function(&self, name: &str) -> Option<String> {
        let (name, declared) = match self.language {
            Language::Swift => (camel(name), format!("\npublic func {}(", camel(name))),
            Language::Kotlin => (camel(name), format!("fun `{}`(", camel(name))),
            Language::Python => (name.to_owned(), format!("def {name}(")),
        };
        self.whole.contains(&declared).then(|| format!("`{name}()`"))
    }

    /// A type that is another one on the border: a text, a number.
    fn converted(&self, name: &str) -> Option<String> {
        match self.language {
            Language::Python => ["str", "int"]
                .into_iter()
                .find(|builtin| self.whole.contains(&format!("\n{name} = {builtin}\n")))
                .map(|builtin| format!("`{builtin}`")),
            _ => {
                self.whole.contains(&format!("FfiConverterType{name}")).then(|| format!("`{name}`"))
            }
        }
    }

    fn member(&self, owner: &str, block: &str, member: &str) -> Option<String> {
        if member == "new" {
            // Each object can be made of a handle, which is no constructor.
            let is_made = match self.language {
                Language::Swift if block.starts_with("public struct") => {
                    block.contains("public init(")
                }
                Language::Swift => block.contains("public convenience init("),
                Language::Kotlin => block.contains('('),
                Language::Python => block.contains("def __init__("),
            };
            return is_made.then(|| format!("`{owner}()`"));
        }
        let camel = camel(member);
        let is_variant = member.starts_with(|first: char| first.is_ascii_uppercase());
        let (forms, shown): (Vec<String>, _) = match (self.language, is_variant) {
            (Language::Swift, false) => (
                with(&camel, &["func @(", "let @:", "var @:", "func `@`(", "let `@`:", "var `@`:"]),
                camel,
            ),
            (Language::Swift, true) => {
                // Errors have the cases as they are, others begin small.
                let small = lower_first(member);
                match has_word(block, &format!("case {small}"))
                    || has_word(block, &format!("case `{small}`"))
                {
                    true => return Some(format!("`{owner}.{small}`")),
                    false => (with(member, &["case @(", "case @\n"]), member.to_owned()),
                }
            }
            (Language::Kotlin, false) => {
                (with(&camel, &["fun `@`(", "va_ `@`:", "va_ `@` "]), camel)
            }
            (Language::Kotlin, true) => {
                let loud = loud(member);
                match has_word(block, &loud) {
                    true => return Some(format!("`{owner}.{loud}`")),
                    false => (
                        with(member, &["class @(", "class @ ", "object @ ", "object @:"]),
                        member.to_owned(),
                    ),
                }
            }
            (Language::Python, false) => {
                (with(member, &["def @(", "self.@ ", "self.@="]), member.to_owned())
            }
            (Language::Python, true) => {
                let loud = loud(member);
                match has_word(block, &format!("    {loud} =")) {
                    true => return Some(format!("`{owner}.{loud}`")),
                    false => {
                        let loud_class = with(&loud, &["class @:", "class @("]);
                        let mut forms = with(member, &["class @:", "class @("]);
                        forms.extend(loud_class);
                        (forms, member.to_owned())
                    }
                }
            }
        };
        forms.iter().any(|form| contains(block, form)).then(|| format!("`{owner}.{shown}`"))
    }
}

/// The declarations that begin a line, each with what follows it: methods begin lines too.
fn types(language: Language, whole: &str) -> BTreeMap<String, String> {
    const BEFORE: [&str; 9] =
        ["public", "open", "internal", "abstract", "sealed", "data", "indirect", "final", "value"];
    const KINDS: [&str; 6] = ["class", "struct", "enum", "protocol", "interface", "object"];
    let mut types: BTreeMap<String, String> = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in whole.lines() {
        let mut words = line.split([' ', ':', '(', '{']).skip_while(|word| BEFORE.contains(word));
        let kind = words.next().filter(|kind| KINDS.contains(kind));
        let name = words.find(|word| !word.is_empty() && *word != "class");
        match (kind, name) {
            (Some(_), Some(name)) => current = Some(name.to_owned()),
            // In Python, what is not indented ends it.
            _ if language == Language::Python
                && !line.is_empty()
                && !line.starts_with([' ', '"', '#']) =>
            {
                current = None;
            }
            _ => {}
        }
        if let Some(name) = &current {
            let block = types.entry(name.clone()).or_default();
            block.push_str(line);
            block.push('\n');
        }
    }
    types
}

fn with(name: &str, forms: &[&str]) -> Vec<String> {
    forms.iter().map(|form| form.replace('@', name)).collect()
}

/// `va_` is `val` or `var`.
fn contains(block: &str, form: &str) -> bool {
    match form.strip_prefix("va_") {
        Some(rest) => {
            block.contains(&format!("val{rest}")) || block.contains(&format!("var{rest}"))
        }
        None => block.contains(form),
    }
}

/// Whether the word is there with something else behind it.
fn has_word(block: &str, word: &str) -> bool {
    block.match_indices(word).any(|(at, _)| {
        let part = |c: char| c.is_alphanumeric() || c == '_';
        let (before, after) = (block.get(..at), block.get(at + word.len()..));
        !after.is_some_and(|after| after.starts_with(part))
            && !before.is_some_and(|before| before.ends_with(part))
    })
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        camel.push_str(&upper_first(word));
    }
    camel
}

/// `AwaitsApproval` is `AWAITS_APPROVAL`.
fn loud(name: &str) -> String {
    let mut loud = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            loud.push('_');
        }
        loud.push(letter.to_ascii_uppercase());
    }
    loud
}

fn upper_first(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn lower_first(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(language: Language, whole: &str) -> Source {
        Source { language, whole: whole.to_owned(), types: types(language, whole) }
    }

    fn generated() -> Generated {
        Generated {
            swift: source(
                Language::Swift,
                "open class Client: ClientProtocol {\npublic convenience init(config: ClientConfig)throws {\n}\n\
                 open func changeMethods(wallet: WalletId)async throws {\n}\n}\n\
                 public enum Purpose: Equatable {\n    case backup\n}\n\
                 public indirect \nenum ReadError: Swift.Error {\n    case NotFound\n}\n\
                 public struct FfiConverterTypeWalletId: FfiConverter {\n}\n\
                 \npublic func parseWalletId(text: String)throws {\n}\n",
            ),
            kotlin: source(
                Language::Kotlin,
                "open class Client: Disposable\n{\n    constructor(`config`: ClientConfig)\n    \
                 override suspend fun `changeMethods`(`wallet`: WalletId) {\n}\n}\n\
                 enum class Purpose {\n    BACKUP;\n}\n\
                 sealed class ReadException: kotlin.Exception() {\n    class NotFound(\n        ) : ReadException() {\n}\n\
                 public object FfiConverterTypeWalletId: FfiConverter {\n}\n fun `parseWalletId`(`text`: kotlin.String) {\n",
            ),
            python: source(
                Language::Python,
                "class Client(ClientProtocol):\n    def __init__(self):\n    async def change_methods(self):\n\
                 class Purpose(enum.Enum):\n    BACKUP = 1\n\
                 class ReadError(Exception):\n    class NotFound(_UniffiTempReadError):\n\
                 WalletId = str\ndef parse_wallet_id(text):\n",
            ),
        }
    }

    #[test]
    fn each_language_has_its_own_form_of_a_name() {
        let find =
            |target: &str| generated().find(&Target::parse(target)).map(|names| names.join(" "));
        assert_eq!(find("Client").unwrap(), "`Client` `Client` `Client`");
        assert_eq!(find("Client::new").unwrap(), "`Client()` `Client()` `Client()`");
        assert_eq!(
            find("Client::change_methods").unwrap(),
            "`Client.changeMethods` `Client.changeMethods` `Client.change_methods`"
        );
        assert_eq!(
            find("Purpose::Backup").unwrap(),
            "`Purpose.backup` `Purpose.BACKUP` `Purpose.BACKUP`"
        );
        assert_eq!(
            find("ReadError::NotFound").unwrap(),
            "`ReadError.NotFound` `ReadException.NotFound` `ReadError.NotFound`"
        );
        assert_eq!(find("WalletId").unwrap(), "`WalletId` `WalletId` `str`");
        assert_eq!(
            find("parse_wallet_id").unwrap(),
            "`parseWalletId()` `parseWalletId()` `parse_wallet_id()`"
        );
    }

    #[test]
    fn what_one_language_lacks_is_missing() {
        let mut generated = generated();
        for missing in
            ["Client::change", "Client::changeMethods", "Wallet", "Purpose::Back", "parse"]
        {
            assert!(generated.find(&Target::parse(missing)).is_err(), "{missing}");
        }
        generated.kotlin.types.remove("Purpose");
        assert_eq!(generated.find(&Target::parse("Purpose::Backup")), Err(Language::Kotlin));
    }
}
