//! A new recovery code: with its user for good before anything depends on it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value;
use twoshare::{
    Method,
    core::{method::RecoveryCode, secret::SecretBytes},
};

use crate::{
    answer::Failure,
    device::Context,
    files::{unwritable, write_private},
    terminal,
};

/// Where a new code goes.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct CodeOut {
    /// Write the new recovery code into this new file, which only its owner can read, instead of
    /// showing it.
    #[arg(long, value_name = "FILE")]
    code_out: Option<PathBuf>,
}

/// A new code that its user has.
#[derive(Debug)]
pub(crate) struct NewCode {
    code: Arc<RecoveryCode>,
    kept: Kept,
}

#[derive(Debug)]
enum Kept {
    File(PathBuf),
    Shown,
    /// It is in the answer, and nowhere else.
    Answer,
}

impl CodeOut {
    #[cfg(test)]
    pub(crate) fn to(path: &Path) -> Self {
        Self { code_out: Some(path.to_owned()) }
    }

    pub(crate) const fn is_given(&self) -> bool {
        self.code_out.is_some()
    }

    /// Makes a code and gives it to its user: into the file, durable; on the terminal, confirmed; or,
    /// for programs, in the answer.
    pub(crate) fn hand_over(
        &self,
        label: Option<&str>,
        yes: bool,
        context: &Context,
    ) -> Result<NewCode, Failure> {
        let code = RecoveryCode::make(&mut twoshare::rng()).with_label(label.unwrap_or_default());
        let kept = match &self.code_out {
            Some(path) => {
                write(&code, path)?;
                Kept::File(path.clone())
            }
            None if context.json => Kept::Answer,
            None => {
                show(&code, yes)?;
                Kept::Shown
            }
        };
        Ok(NewCode { code: Arc::new(code), kept })
    }
}

impl NewCode {
    /// The method that it is.
    pub(crate) fn method(&self) -> Method {
        self.code.clone()
    }

    /// Adds the code to an answer that is the only place for it.
    pub(crate) fn tell(&self, answer: &mut Value) {
        let Value::Object(fields) = answer else { return };
        match &self.kept {
            // Exposed: to its owner, once.
            Kept::Answer => fields.insert("code".to_owned(), self.code.to_text().as_str().into()),
            Kept::File(path) => {
                fields.insert("code_out".to_owned(), path.display().to_string().into())
            }
            Kept::Shown => None,
        };
    }

    /// Adds it to a failure after which the operation may yet be finished.
    pub(crate) fn tell_all_the_same(&self, failure: Failure) -> Failure {
        match &self.kept {
            // Exposed: to its owner, once.
            Kept::Answer => failure.with("recovery_code", self.code.to_text().as_str()),
            Kept::File(_) | Kept::Shown => failure,
        }
    }

    /// The operation never began: nothing will ever depend on the code.
    pub(crate) fn forget(&self) {
        if let Kept::File(path) = &self.kept {
            // One that stays opens nothing, and is in the way only.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn write(code: &RecoveryCode, path: &Path) -> Result<(), Failure> {
    // Exposed: into its owner's file.
    let text = code.to_text();
    let mut line = SecretBytes::with_capacity(text.len() + 1);
    line.extend(text.as_bytes());
    line.extend(b"\n");
    write_private(path, line.expose_secret()).map_err(unwritable(path))
}

/// Shows it once. Who is there has it read back; a pipe has it before anything is done.
fn show(code: &RecoveryCode, yes: bool) -> Result<(), Failure> {
    // Exposed: shown to its owner.
    let text = code.to_text();
    if !terminal::is_attended() || yes {
        return crate::answer::print_line(&text)
            .map_err(|error| Failure::new("output_lost", format!("standard output: {error}")));
    }
    terminal::say(&format!(
        "The recovery code. Write it down now; it is not shown again:\n\n    {}\n",
        text.as_str()
    ));
    let last = text.rsplit('-').next().unwrap_or_default();
    for _ in 0..3 {
        let typed = terminal::ask("Its last group, from the paper: ")?;
        // Its owner compares what is on his own screen.
        if typed.eq_ignore_ascii_case(last) {
            return Ok(());
        }
        terminal::say("That is not its last group.");
    }
    Err(Failure::new("not_confirmed", "the recovery code was not written down: nothing was done"))
}
