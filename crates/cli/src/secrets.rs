//! Where the secrets of the user come from: a file, the environment or a prompt, never an argument.

use std::{
    fmt,
    fs::File,
    io::{self, IsTerminal, Read},
    path::{Path, PathBuf},
};

use twoshare_core::secret::SecretBytes;
use zeroize::Zeroize;

use crate::answer::Failure;

/// The longest secret that is read. Far above every real one; not for secrets to be backed up.
const MAX_LEN: usize = 64 * 1024;

/// Which secret is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Password,
    Code,
}

impl Asked {
    const fn option(self) -> &'static str {
        match self {
            Self::Password => "--password-file",
            Self::Code => "--code-file",
        }
    }

    const fn variable(self) -> &'static str {
        match self {
            Self::Password => "TWOSHARE_PASSWORD",
            Self::Code => "TWOSHARE_CODE",
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password => "password",
            Self::Code => "recovery code",
        })
    }
}

/// The options that say where secrets are.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Sources {
    /// Read the password from this file, or from standard input for `-`.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Read the recovery code from this file, or from standard input for `-`.
    #[arg(long, value_name = "FILE")]
    code_file: Option<PathBuf>,
}

impl Sources {
    /// Reads a secret that exists already: from its file, else the environment, else a prompt.
    pub(crate) fn read(&self, asked: Asked) -> Result<SecretBytes, Failure> {
        let file = match asked {
            Asked::Password => self.password_file.as_deref(),
            Asked::Code => self.code_file.as_deref(),
        };
        if let Some(path) = file {
            return read_file(asked, path);
        }
        if let Some(value) = std::env::var_os(asked.variable()) {
            return Ok(SecretBytes::from(value.into_encoded_bytes()));
        }
        if !io::stderr().is_terminal() {
            return Err(missing(asked));
        }
        let typed = rpassword::prompt_password(format!("{asked}: ")).map_err(|_| missing(asked))?;
        Ok(SecretBytes::from(typed.into_bytes()))
    }

    /// Whether standard input is one of the sources, and so not free for anything else.
    pub(crate) fn take_standard_input(&self) -> bool {
        let is_input = |file: &Option<PathBuf>| file.as_deref() == Some(Path::new("-"));
        is_input(&self.password_file) || is_input(&self.code_file)
    }
}

fn missing(asked: Asked) -> Failure {
    let (option, variable) = (asked.option(), asked.variable());
    Failure::misuse(
        "secret_missing",
        format!("no {asked}: give {option} FILE, set {variable}, or run this on a terminal"),
    )
    .with("option", option)
    .with("variable", variable)
}

/// Reads a secret from a file, or from standard input for `-`. One line's end at the end of it is
/// not part of it.
fn read_file(asked: Asked, path: &Path) -> Result<SecretBytes, Failure> {
    let read = match path == Path::new("-") {
        true => standard_input().and_then(read_secret),
        false => File::open(path).and_then(read_secret),
    };
    match read {
        Ok(secret) if secret.len() > MAX_LEN => Err(Failure::misuse(
            "secret_too_long",
            format!("{}: a {asked} has at most {MAX_LEN} bytes", path.display()),
        )),
        Ok(secret) => Ok(secret),
        Err(error) => Err(Failure::misuse(
            "secret_unreadable",
            format!("{} {}: {error}", asked.option(), path.display()),
        )),
    }
}

/// Standard input without the buffer that `std` puts before it and never wipes.
#[cfg(unix)]
fn standard_input() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

#[cfg(not(unix))]
fn standard_input() -> io::Result<impl Read> {
    Ok(io::stdin().lock())
}

fn read_secret(mut from: impl Read) -> io::Result<SecretBytes> {
    let mut secret = SecretBytes::default();
    let mut piece = [0; 4096];
    while secret.len() <= MAX_LEN {
        match from.read(&mut piece) {
            Ok(0) => break,
            // Exposed only to be copied into memory that is wiped.
            Ok(count) => secret.extend(piece.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                piece.zeroize();
                return Err(error);
            }
        }
    }
    piece.zeroize();
    // Looked at only to find the line's end.
    let len = match secret.expose_secret() {
        [line @ .., b'\r', b'\n'] | [line @ .., b'\n'] => line.len(),
        line => line.len(),
    };
    secret.truncate(len);
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Vec<u8> {
        read_secret(bytes).unwrap().expose_secret().to_vec()
    }

    #[test]
    fn only_one_line_end_is_not_part_of_a_secret() {
        assert_eq!(read(b"correct horse"), b"correct horse");
        assert_eq!(read(b"correct horse\n"), b"correct horse");
        assert_eq!(read(b"correct horse\r\n"), b"correct horse");
        assert_eq!(read(b"correct horse\n\n"), b"correct horse\n");
        assert_eq!(read(b" correct horse \n"), b" correct horse ");
        assert_eq!(read(b"\n"), b"");
        assert_eq!(read(b"\r"), b"\r");
    }

    #[test]
    fn reading_stops_past_the_bound() {
        let endless = io::repeat(b'x');
        assert!(read_secret(endless).unwrap().len() < MAX_LEN + 8192);
    }
}
