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
    /// Of a method that is added or changed.
    NewPassword,
    Code,
    /// Under which the device's own state is sealed.
    DevicePassword,
    /// Under which it will be.
    NewDevicePassword,
}

impl Asked {
    const fn option(self) -> &'static str {
        match self {
            Self::Password => "--password-file",
            Self::NewPassword => "--new-password-file",
            Self::Code => "--code-file",
            Self::DevicePassword => "--device-password-file",
            Self::NewDevicePassword => "--new-device-password-file",
        }
    }

    const fn variable(self) -> &'static str {
        match self {
            Self::Password => "TWOSHARE_PASSWORD",
            Self::NewPassword => "TWOSHARE_NEW_PASSWORD",
            Self::Code => "TWOSHARE_CODE",
            Self::DevicePassword => "TWOSHARE_DEVICE_PASSWORD",
            Self::NewDevicePassword => "TWOSHARE_NEW_DEVICE_PASSWORD",
        }
    }

    /// Whether `--…-file` or the variable gives it, so that nobody need be asked.
    pub(crate) fn is_given(self, file: Option<&Path>) -> bool {
        file.is_some() || std::env::var_os(self.variable()).is_some()
    }

    /// Reads a secret that exists already: from this file, else the environment, else a prompt.
    pub(crate) fn read(self, file: Option<&Path>) -> Result<SecretBytes, Failure> {
        match self.given(file)? {
            Some(secret) => Ok(secret),
            None => self.prompt(&self.to_string()),
        }
    }

    /// Reads a secret that the user chooses now: who types it types it twice.
    pub(crate) fn choose(self, file: Option<&Path>) -> Result<SecretBytes, Failure> {
        if let Some(secret) = self.given(file)? {
            return Ok(secret);
        }
        let chosen = self.prompt(&self.to_string())?;
        let again = self.prompt(&format!("the {self} again"))?;
        // Compared with itself, on its owner's own machine.
        if chosen.expose_secret() == again.expose_secret() {
            Ok(chosen)
        } else {
            Err(Failure::new("passwords_differ", "the two passwords differ: nothing was done"))
        }
    }

    fn given(self, file: Option<&Path>) -> Result<Option<SecretBytes>, Failure> {
        if let Some(path) = file {
            return read_file(self, path).map(Some);
        }
        let value = std::env::var_os(self.variable());
        Ok(value.map(|value| SecretBytes::from(value.into_encoded_bytes())))
    }

    fn prompt(self, prompt: &str) -> Result<SecretBytes, Failure> {
        if !io::stderr().is_terminal() {
            return Err(missing(self));
        }
        let typed = rpassword::prompt_password(format!("{prompt}: ")).map_err(|_| missing(self))?;
        Ok(SecretBytes::from(typed.into_bytes()))
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password => "password",
            Self::NewPassword => "new password",
            Self::Code => "recovery code",
            Self::DevicePassword => "device password",
            Self::NewDevicePassword => "new device password",
        })
    }
}

/// The text of a secret.
pub(crate) fn utf8(asked: Asked, secret: &SecretBytes) -> Result<&str, Failure> {
    let message = || Failure::misuse("secret_not_text", format!("the {asked} is not UTF-8 text"));
    // To be normalised or decoded.
    str::from_utf8(secret.expose_secret()).map_err(|_| message())
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
    /// Where this secret's file is.
    pub(crate) fn file(&self, asked: Asked) -> Option<&Path> {
        match asked {
            Asked::Password => self.password_file.as_deref(),
            Asked::Code => self.code_file.as_deref(),
            Asked::NewPassword | Asked::DevicePassword | Asked::NewDevicePassword => None,
        }
    }

    /// Reads a secret that exists already: from its file, else the environment, else a prompt.
    pub(crate) fn read(&self, asked: Asked) -> Result<SecretBytes, Failure> {
        asked.read(self.file(asked))
    }
}

/// Standard input can be read once.
pub(crate) fn standard_input_once<'a>(
    files: impl IntoIterator<Item = Option<&'a Path>>,
) -> Result<(), Failure> {
    match files.into_iter().flatten().filter(|path| *path == Path::new("-")).count() {
        0 | 1 => Ok(()),
        _ => Err(Failure::misuse(
            "standard_input_twice",
            "standard input is one thing only: give the others in files",
        )),
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
pub(crate) fn standard_input() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

#[cfg(not(unix))]
pub(crate) fn standard_input() -> io::Result<impl Read> {
    Ok(io::stdin().lock())
}

fn read_secret(from: impl Read) -> io::Result<SecretBytes> {
    let mut secret = read_bounded(from, MAX_LEN)?;
    // Looked at only to find the line's end.
    let len = match secret.expose_secret() {
        [line @ .., b'\r', b'\n'] | [line @ .., b'\n'] => line.len(),
        line => line.len(),
    };
    secret.truncate(len);
    Ok(secret)
}

/// Everything there is to read, and more than `max` bytes where there is more.
pub(crate) fn read_bounded(mut from: impl Read, max: usize) -> io::Result<SecretBytes> {
    let mut secret = SecretBytes::default();
    let mut piece = [0; 4096];
    while secret.len() <= max {
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
