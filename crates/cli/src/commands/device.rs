use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;
use twoshare::{
    core::method::{Password, PasswordPolicy},
    device::Protection,
};

use crate::{
    answer::{Answer, Failure},
    device::Context,
    secrets::{Asked, standard_input_once, utf8},
    session::runtime,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// Seal what the device has under another password, or under none.
    Password(SetPassword),
}

/// Everything is sealed anew, under a new key. Without a device password whoever can read the directory
/// has what the device has.
#[derive(Debug, clap::Args)]
pub(crate) struct SetPassword {
    /// Read the new device password from this file, or from standard input for `-`.
    #[arg(long, value_name = "FILE")]
    new_device_password_file: Option<PathBuf>,

    /// From now on there is none.
    #[arg(long, conflicts_with = "new_device_password_file")]
    remove: bool,
}

impl Device {
    pub(crate) fn run(&self, context: &Context) -> Result<Answer, Failure> {
        match self {
            Self::Password(set) => set.run(context),
        }
    }
}

impl SetPassword {
    fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let new = self.new_device_password_file.as_deref();
        standard_input_once([context.device.device_password_file.as_deref(), new])?;
        let directory = context.directory()?;
        let runtime = runtime()?;
        let device = runtime.block_on(context.open_state(&directory))?;
        let password = match self.remove {
            true => None,
            false => {
                let asked = Asked::NewDevicePassword;
                let chosen = asked.choose(new)?;
                let text = utf8(asked, &chosen)?;
                PasswordPolicy::default().check(text)?;
                Some(Password::new(text)?)
            }
        };
        runtime.block_on(device.set_password(password))?;
        let is_set = runtime.block_on(device.protection())? == Protection::Password;
        let text = match is_set {
            true => "what the device has is sealed under the new password",
            false => "the device has no password: whoever can read its directory has what it has",
        };
        let json = json!({
            "device": directory.display().to_string(), "device_password": is_set,
        });
        Ok(Answer { json, text: text.to_owned() })
    }
}
