use serde_json::json;
use twoshare::Level;

use crate::{
    answer::{Answer, Failure},
    backup::rfc3339,
    device::Context,
    methods::MethodName,
    secrets::{Asked, Sources, standard_input_once},
    session::{Session, WalletArg},
};

/// With a method it shows everything that a recovery needs; without one, that the stores have the
/// backup.
#[derive(Debug, clap::Args)]
pub(crate) struct Drill {
    #[command(flatten)]
    wallet: WalletArg,

    /// Also open the backup with this method: password, code.
    #[arg(long, value_name = "M")]
    method: Option<MethodName>,

    #[command(flatten)]
    secrets: Sources,
}

impl Drill {
    pub(crate) fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let device = context.device.device_password_file.as_deref();
        let mine = [Asked::Password, Asked::Code].map(|asked| self.secrets.file(asked));
        standard_input_once([device].into_iter().chain(mine))?;
        self.method.map(MethodName::supported).transpose()?;
        let mut session = Session::open(context)?;
        let wallet = session.choose(&self.wallet)?;
        session.ready(wallet)?;
        let client = session.client_of(wallet)?;
        let method = self.method.map(|method| method.existing(&self.secrets)).transpose()?;
        let drill = session.run(client.drill(wallet, method.as_ref()))?;
        let mended: Vec<_> = drill.mended.iter().map(|store| store.as_str()).collect();
        let (level, at) = (drill.level.name(), rfc3339(drill.at));
        let mut text = format!("{level}: {} (epoch {}, {at})", shown(drill.level), drill.epoch);
        if !mended.is_empty() {
            text.push_str(&format!("\nmended   {}", mended.join(", ")));
        }
        let json = json!({
            "wallet": wallet.to_string(), "level": level, "epoch": drill.epoch.get(), "at": at,
            "mended": mended,
        });
        Ok(Answer { json, text })
    }
}

const fn shown(level: Level) -> &'static str {
    match level {
        Level::Present => "the stores have the backup",
        Level::Openable => "the stores have the backup, and the method opens it",
        Level::Matches => "a recovery would succeed: the custodian has proven its half just now",
    }
}
