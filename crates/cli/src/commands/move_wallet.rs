use std::path::PathBuf;

use serde_json::json;
use twoshare::{Login as LoggedIn, Moved, Retry};

use crate::{
    answer::{Answer, Failure},
    backup::rfc3339,
    config::CustodianConfig,
    device::Context,
    files::unreadable,
    methods::MethodName,
    secrets::{Asked, Sources, standard_input_once},
    session::{Session, WalletArg, connect, identity, texts},
    tokens::TokenFile,
};

/// The wallet's signing pair and its backup go together; nothing is asked of its other methods. The operator
/// of the custodian that it leaves has named the other one (`trust-custodian`) and opened the window
/// (`eject-window`). Afterwards this device is pointed at the other one.
#[derive(Debug, clap::Args)]
pub(crate) struct Move {
    #[command(flatten)]
    wallet: WalletArg,

    /// The other custodian's address.
    #[arg(long, value_name = "URL")]
    to: String,

    /// The other custodian's identity key.
    #[arg(long, value_name = "KEY")]
    to_key: String,

    /// The file that has the session token for the other custodian.
    #[arg(long, value_name = "F")]
    to_token_file: PathBuf,

    /// The method that opens the backup: password, code.
    #[arg(long, value_name = "M")]
    method: MethodName,

    #[command(flatten)]
    secrets: Sources,
}

impl Move {
    pub(crate) fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let device = context.device.device_password_file.as_deref();
        let mine = [Asked::Password, Asked::Code].map(|asked| self.secrets.file(asked));
        standard_input_once([device].into_iter().chain(mine))?;
        self.method.supported()?;
        let key = identity(&self.to_key)?;
        let token_file = std::path::absolute(&self.to_token_file);
        let mut to = CustodianConfig {
            url: self.to.trim_end_matches('/').to_owned(),
            key: Some(key.to_string()),
            user: String::new(),
            token_file: token_file.map_err(unreadable(&self.to_token_file))?,
        };
        TokenFile::open(&to.token_file)?;
        let mut session = Session::open(context)?;
        let wallet = session.choose(&self.wallet)?;
        let known = session.known()?;
        if known.len() > 1 {
            // It has one custodian.
            let message =
                "several wallets are on this device: recover the others on another one first";
            return Err(Failure::misuse("several_wallets", message).with("wallets", texts(&known)));
        }
        session.ready(wallet)?;
        let client = session.client_of(wallet)?;
        let LoggedIn { user, identity: stated } =
            session.run(connect(&to, Retry::default())?.user())?;
        if stated != key {
            let message = "the custodian at this address has another identity key";
            return Err(Failure::new("wrong_custodian", message)
                .with("expected", key.to_string())
                .with("found", stated.to_string()));
        }
        to.user = user;
        let method = self.method.existing(&self.secrets)?;
        let destination = Session::destination(&to)?;
        session.plan_move(to.clone())?;
        match session.run(client.move_wallet(wallet, &method, &destination))? {
            Moved::Done(_) => {}
            Moved::Waiting(waiting) => {
                let ready = rfc3339(waiting.ready_at);
                let message = format!("the operator lets moves wait: come back at {ready}");
                return Err(Failure::new("waiting", message)
                    .with("request", waiting.request.to_string())
                    .with("until", ready));
            }
        }
        session.settle_move(wallet, &client)?;
        let text = format!("{wallet} is with {} now, and so is this device", to.url);
        let json = json!({
            "wallet": wallet.to_string(),
            "custodian": to.url,
            "custodian_key": to.key,
            "user": to.user,
        });
        Ok(Answer { json, text })
    }
}
