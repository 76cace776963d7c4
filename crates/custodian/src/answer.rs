//! What a command answers, and how it is printed.

use std::{
    error::Error,
    io::{self, Write},
    process::ExitCode,
};

use serde_json::{Map, Value, json};
use twoshare_custodian::OpenError;
use twoshare_protocol::http::{Problem, Verdict};

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// One object; `None` where the command has printed all it says.
    pub(crate) json: Option<Value>,
    /// The same for a person, without the last line's end.
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn new(json: Value, text: impl Into<String>) -> Self {
        Self { json: Some(json), text: text.into() }
    }

    /// Everything was printed already.
    pub(crate) const fn printed() -> Self {
        Self { json: None, text: String::new() }
    }
}

/// Why a command did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    code: String,
    message: String,
    data: Map<String, Value>,
    exit: u8,
}

impl Failure {
    /// The command was called wrongly; it exits with 2.
    pub(crate) fn misuse(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { exit: 2, ..Self::new(code, message) }
    }

    /// Something else; it exits with 1. `code` is in snake case.
    pub(crate) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), data: Map::new(), exit: 1 }
    }

    /// An error that has a code of its own.
    pub(crate) fn verdict(error: &impl Verdict) -> Self {
        error.to_problem().into()
    }

    /// Something failed, for this reason.
    pub(crate) fn because(code: &str, what: &str, error: &dyn Error) -> Self {
        Self::new(code, format!("{what}: {}", with_sources(error)))
    }

    /// Adds data that a program can act on.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { data: problem.data, ..Self::new(problem.code, problem.detail) }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let message = with_sources(&error);
        let path = |path: &std::path::Path| path.display().to_string();
        match &error {
            OpenError::Database(_) => Self::new("database", message),
            OpenError::NewerDatabase => Self::new("newer_database", message),
            OpenError::File { path: at, .. } => Self::new("file", message).with("path", path(at)),
            OpenError::MasterKeyMissing { path: at } => {
                Self::new("master_key_missing", message).with("path", path(at))
            }
            OpenError::WrongMasterKey => Self::new("wrong_master_key", message),
            OpenError::MalformedKey { path: at } => {
                Self::new("malformed_key", message).with("path", path(at))
            }
            OpenError::Store(_) => Self::new("store", message),
            OpenError::KmsUnavailable => Self::new("kms_unavailable", message),
        }
    }
}

/// What an error says, and after it what its sources say.
fn with_sources(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        message.push_str(": ");
        message.push_str(&inner.to_string());
        source = inner.source();
    }
    message
}

/// Prints an answer or a failure, and says how the process ends.
pub(crate) fn finish(as_json: bool, result: Result<Answer, Failure>) -> ExitCode {
    let (printed, exit) = match result {
        Ok(Answer { json: Some(json), text }) if as_json => (both(&json, &text), 0),
        Ok(Answer { text, .. }) => (line(&mut io::stdout(), &text), 0),
        Err(Failure { code, message, data, exit }) => {
            let mut error = data;
            error.insert("code".to_owned(), code.into());
            error.insert("message".to_owned(), message.clone().into());
            let text = format!("twoshare-custodian: {message}");
            let printed = match as_json {
                true => both(&json!({ "error": error }), &text),
                false => line(&mut io::stderr(), &text),
            };
            (printed, exit)
        }
    };
    match printed {
        Ok(()) => ExitCode::from(exit),
        // Whoever should read it is gone, or the disk is full.
        Err(_) => ExitCode::from(exit.max(1)),
    }
}

fn both(json: &Value, text: &str) -> io::Result<()> {
    // The text is a courtesy; the object is the answer.
    let _ = line(&mut io::stderr(), text);
    line(&mut io::stdout(), &json.to_string())
}

/// Prints a line, at once.
pub(crate) fn line(to: &mut impl Write, text: &str) -> io::Result<()> {
    if !text.is_empty() {
        writeln!(to, "{text}")?;
    }
    to.flush()
}
