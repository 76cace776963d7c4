//! The device that a command plays: a directory, and what is asked of every command.

use std::{
    env,
    path::{Path, PathBuf},
};

use twoshare::{
    FileDevice,
    core::method::{Password, PasswordPolicy},
    device::Protection,
};

use crate::{
    answer::Failure,
    files::unreadable,
    secrets::{Asked, utf8},
    terminal,
};

/// The variable that names the device where `--device` does not.
const VARIABLE: &str = "TWOSHARE_DEVICE";

/// Over the options of every command.
pub(crate) const EVERYWHERE: &str = "Options of every command";

/// The options of every command that is about the device.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct DeviceArgs {
    /// The directory that plays the phone [default: TWOSHARE_DEVICE, or the platform's data directory].
    #[arg(long, global = true, value_name = "DIR", help_heading = EVERYWHERE)]
    device: Option<PathBuf>,

    /// Read the password that the device's state is sealed under from this file, or from standard
    /// input for `-`. A new device gets it where it is given.
    #[arg(long, global = true, value_name = "FILE", help_heading = EVERYWHERE)]
    pub(crate) device_password_file: Option<PathBuf>,
}

/// What every command is told.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// Whether a program reads the answer.
    pub(crate) json: bool,
    pub(crate) device: DeviceArgs,
}

impl Context {
    /// The device's directory, whether it is there or not.
    pub(crate) fn directory(&self) -> Result<PathBuf, Failure> {
        let named = self.device.device.clone().or_else(|| variable(VARIABLE));
        let path = match named.or_else(platform_directory) {
            Some(path) => path,
            None => {
                let message = "no data directory is known here: say --device DIR";
                return Err(Failure::misuse("device_missing", message).with("option", "--device"));
            }
        };
        std::path::absolute(&path).map_err(unreadable(&path))
    }

    /// The device's own state, with the password where it has one. A device that is not there yet is
    /// made, and gets the password where one is given.
    pub(crate) async fn open_state(&self, directory: &Path) -> Result<FileDevice, Failure> {
        let file = self.device.device_password_file.as_deref();
        let asked = Asked::DevicePassword;
        let protection = FileDevice::protection_of(directory).await?;
        let password = match protection {
            // A file that is given all the same is refused below; a variable may be there for others.
            Some(Protection::KeyFile) if file.is_none() => {
                if asked.is_given(None) {
                    terminal::say(
                        "twoshare: this device has no password, and TWOSHARE_DEVICE_PASSWORD is not used; `twoshare device password` sets one",
                    );
                }
                None
            }
            None if !asked.is_given(file) => None,
            // It is a phone's: that it cannot be opened here is said below.
            Some(Protection::PlatformKey) => None,
            Some(Protection::Password | Protection::KeyFile) | None => {
                let secret = asked.read(file)?;
                let text = utf8(asked, &secret)?;
                if protection.is_none() {
                    PasswordPolicy::default().check(text)?;
                }
                Some(Password::new(text)?)
            }
        };
        Ok(FileDevice::open(directory, password).await?)
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Where the platform has applications keep what is theirs.
fn platform_directory() -> Option<PathBuf> {
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA")?
    } else if cfg!(target_os = "macos") {
        variable("HOME")?.join("Library/Application Support")
    } else {
        // XDG Base Directory Specification: a relative path is to be ignored.
        let named = variable("XDG_DATA_HOME").filter(|path| path.is_absolute());
        named.or_else(|| Some(variable("HOME")?.join(".local/share")))?
    };
    Some(base.join("twoshare"))
}
