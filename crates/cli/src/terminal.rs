//! Whoever sits before the terminal, if anybody does.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use crate::answer::Failure;

/// Whether somebody reads questions and can answer them.
pub(crate) fn is_attended() -> bool {
    io::stderr().is_terminal() && io::stdin().is_terminal()
}

/// Says something that the answer depends on, now.
pub(crate) fn say(text: &str) {
    // Nobody is left to be told where this fails.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Has whoever is there agree. Without a terminal only `--yes` does.
pub(crate) fn agree(yes: bool, warning: &str) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !is_attended() {
        return Err(Failure::misuse(
            "confirmation_missing",
            format!("{warning} Say --yes if that is meant, or run this on a terminal"),
        )
        .with("option", "--yes"));
    }
    say(warning);
    match ask("Type yes to go on: ")?.as_str() {
        "yes" | "YES" | "Yes" => Ok(()),
        _ => Err(Failure::new("not_confirmed", "nothing was done")),
    }
}

/// One line that is not secret.
pub(crate) fn ask(question: &str) -> Result<String, Failure> {
    let unanswered = |_| Failure::new("not_confirmed", "nobody answered: nothing was done");
    let mut stderr = io::stderr().lock();
    stderr.write_all(question.as_bytes()).and_then(|()| stderr.flush()).map_err(unanswered)?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(unanswered)?;
    Ok(line.trim().to_owned())
}
