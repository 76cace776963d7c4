use std::path::PathBuf;

use serde_json::json;
use twoshare::{DeviceState as _, Login as LoggedIn, Retry, device::Protection};

use crate::{
    answer::{Answer, Failure},
    config::{Config, CustodianConfig},
    device::Context,
    files::unreadable,
    session::{connect, identity, runtime, texts},
    tokens::TokenFile,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Login {
    /// The custodian's address.
    #[arg(long, value_name = "URL")]
    custodian: String,

    /// The custodian's identity key. A device without wallets may leave it out: it then believes the
    /// envelope that it opens, and can recover but not begin.
    #[arg(long, value_name = "KEY")]
    custodian_key: Option<String>,

    /// The file with the session token. It is read again whenever a token was refused.
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
}

impl Login {
    pub(crate) fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let given = self.custodian_key.as_deref().map(identity).transpose()?;
        let token_file = std::path::absolute(&self.token_file);
        let mut login = CustodianConfig {
            url: self.custodian.trim_end_matches('/').to_owned(),
            key: given.map(|key| key.to_string()),
            user: String::new(),
            token_file: token_file.map_err(unreadable(&self.token_file))?,
        };
        TokenFile::open(&login.token_file)?;
        let custodian = connect(&login, Retry::default())?;
        let directory = context.directory()?;
        let runtime = runtime()?;
        let device = runtime.block_on(context.open_state(&directory))?;
        let mut config = Config::read(runtime.block_on(device.settings())?.as_ref())?;
        let wallets = runtime.block_on(device.wallets())?;
        let LoggedIn { user, identity: stated } = runtime.block_on(custodian.user())?;

        if let Some(pinned) = given.filter(|pinned| *pinned != stated) {
            let message = "the custodian at this address has another identity key";
            return Err(Failure::new("wrong_custodian", message)
                .with("expected", pinned.to_string())
                .with("found", stated.to_string()));
        }
        if let Some(before) = config.custodian.take().filter(|_| !wallets.is_empty()) {
            if before.user != user {
                let message = format!(
                    "the wallets on this device are of {}: use another device",
                    before.user
                );
                return Err(Failure::new("other_user", message)
                    .with("expected", before.user)
                    .with("found", user));
            }
            // A key that is known is not forgotten.
            login.key = login.key.or(before.key);
        }
        if login.key.is_none() && !wallets.is_empty() {
            let message = "there are wallets on this device: say --custodian-key KEY";
            return Err(Failure::misuse("custodian_key_missing", message));
        }
        login.user.clone_from(&user);
        let protection = runtime.block_on(device.protection())?;
        let json = json!({
            "user": user, "custodian": login.url, "custodian_key": login.key,
            "device": directory.display().to_string(),
            "device_password": protection == Protection::Password,
            "wallets": texts(&wallets),
        });
        let text =
            format!("logged in as {user} at {}\ndevice   {}", login.url, directory.display());
        config.custodian = Some(login);
        runtime.block_on(device.save_settings(&config.to_bytes()?))?;
        Ok(Answer { json, text })
    }
}
