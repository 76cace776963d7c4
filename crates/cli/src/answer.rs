//! What a command answers, and how it is printed.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use serde_json::{Map, Value, json};

/// A successful answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// One object.
    pub(crate) json: Value,
    /// The same for a person, without the last line's end.
    pub(crate) text: String,
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

    /// What it is called in JSON.
    #[cfg(test)]
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    #[cfg(test)]
    pub(crate) const fn data(&self) -> &Map<String, Value> {
        &self.data
    }

    /// The same, where it was called wrongly.
    pub(crate) fn into_misuse(mut self) -> Self {
        self.exit = 2;
        self
    }

    /// The same for a person.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Adds data that a program can act on.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }
}

/// Prints a line that has to arrive before anything else is done.
pub(crate) fn print_line(text: &str) -> io::Result<()> {
    line(&mut io::stdout(), text)
}

/// Prints an answer or a failure, and says how the process ends.
pub(crate) fn finish(as_json: bool, result: Result<Answer, Failure>) -> ExitCode {
    let (printed, exit) = match result {
        Ok(Answer { json, text }) if as_json => (both(&json, &text), 0),
        Ok(Answer { text, .. }) => (line(&mut io::stdout(), &text), 0),
        Err(Failure { code, message, data, exit }) => {
            let mut error = data;
            error.insert("code".to_owned(), code.into());
            error.insert("message".to_owned(), message.clone().into());
            let text = format!("twoshare: {message}");
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

fn line(to: &mut impl Write, text: &str) -> io::Result<()> {
    if !text.is_empty() {
        writeln!(to, "{text}")?;
    }
    to.flush()
}
