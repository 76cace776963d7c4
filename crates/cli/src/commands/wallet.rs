//! Wallets on the device: made, brought along, shown, taken out.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};
use twoshare::{Converted, Import, core::id::CurveId};

use crate::{
    answer::{Answer, Failure},
    backup::rfc3339,
    config::Placement,
    device::Context,
    exports::{secret, secret_in_words},
    imports::{self, SecretFiles},
    methods::MethodName,
    places::Missing,
    secrets::{Asked, Sources, standard_input_once},
    session::{Session, WalletArg, texts},
    terminal, view,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Wallet {
    /// Make an MPC wallet: its keys are generated with the custodian, and are never in one place.
    Create(Create),
    /// Make a single-key wallet of secrets that you have.
    Import(ImportSecrets),
    /// Say what the device has, and how it is backed up.
    Show(Show),
    /// Name the wallets on the device.
    List,
    /// Print the secrets of a single-key wallet. Whoever sees them has the wallet.
    Export(Export),
    /// Make an MPC wallet of a single-key wallet, under the same keys.
    Convert(Convert),
    /// Take a wallet off this device. What is not backed up, or on another device, is gone.
    Forget(Forget),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    /// The curves of its keys, one key each.
    #[arg(long, value_name = "CURVE", value_delimiter = ',', default_value = "secp256k1,ed25519", value_parser = curve)]
    curve: Vec<CurveId>,

    /// What it is called. The name is public.
    #[arg(long, value_name = "N", value_parser = name)]
    name: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ImportSecrets {
    #[command(flatten)]
    secrets: SecretFiles,

    /// Anything else, kept byte for byte; give a label for each.
    #[arg(long, value_name = "FILE")]
    opaque_file: Vec<PathBuf>,

    /// What the opaque file is called.
    #[arg(long, value_name = "L", requires = "opaque_file")]
    label: Vec<String>,

    /// What the wallet is called. The name is public.
    #[arg(long, value_name = "N", value_parser = name)]
    name: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    #[command(flatten)]
    wallet: WalletArg,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    #[command(flatten)]
    wallet: WalletArg,

    /// Do not ask first.
    #[arg(long)]
    yes: bool,
}

/// From then on signing takes this device and the custodian. Whatever knew the whole key still does. What
/// was interrupted on this device is finished first, and is this conversion then.
#[derive(Debug, clap::Args)]
pub(crate) struct Convert {
    #[command(flatten)]
    wallet: WalletArg,

    /// The method that opens the backup now: password, code.
    #[arg(long, value_name = "M")]
    method: MethodName,

    #[command(flatten)]
    secrets: Sources,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Forget {
    #[command(flatten)]
    wallet: WalletArg,

    /// Do not ask first.
    #[arg(long)]
    yes: bool,
}

fn curve(text: &str) -> Result<CurveId, String> {
    let known = CurveId::ALL.iter().copied();
    let names = || CurveId::ALL.iter().map(|curve| curve.name()).collect::<Vec<_>>().join(", ");
    known
        .clone()
        .find(|curve| curve.name() == text)
        .ok_or_else(|| format!("curves are {}", names()))
}

fn name(text: &str) -> Result<String, String> {
    /// The longest that a backup has room for, in bytes.
    const MAX: usize = 256;
    match text.len() {
        1..=MAX => Ok(text.to_owned()),
        found => Err(format!("a name has 1 to {MAX} bytes, not {found}")),
    }
}

impl Wallet {
    pub(crate) fn run(self, context: &Context) -> Result<Answer, Failure> {
        match self {
            Self::Create(create) => create.run(context),
            Self::Import(import) => import.run(context),
            Self::Show(show) => show.run(context),
            Self::List => list(context),
            Self::Export(export) => export.run(context),
            Self::Convert(convert) => convert.run(context),
            Self::Forget(forget) => forget.run(context),
        }
    }
}

impl Create {
    fn run(self, context: &Context) -> Result<Answer, Failure> {
        let session = Session::open(context)?;
        let client = session.client(&Placement::custodian(), Missing::IsAbsent)?;
        let wallet = session.run(client.create_wallet(&self.curve, self.name))?.id();
        view::show(&session, &client, wallet)
    }
}

impl ImportSecrets {
    fn run(self, context: &Context) -> Result<Answer, Failure> {
        let opaque = self.opaque_file.iter().map(PathBuf::as_path);
        let device = context.device.device_password_file.as_deref();
        standard_input_once(self.secrets.paths().chain(opaque).map(Some).chain([device]))?;
        if self.label.len() != self.opaque_file.len() {
            let message = "every --opaque-file has a --label of its own";
            return Err(Failure::misuse("label_missing", message).with("option", "--label"));
        }
        let session = Session::open(context)?;
        let mut given = self.secrets.read()?;
        for (path, label) in self.opaque_file.iter().zip(&self.label) {
            given.push(imports::opaque(path, label)?);
        }
        if given.is_empty() {
            let message = "give at least one file: --secp256k1-file, --ed25519-seed-file, --mnemonic-file or --opaque-file";
            return Err(Failure::misuse("nothing_to_import", message));
        }
        let imports: Vec<Import> = given.into_iter().map(|given| given.import).collect();
        let client = session.client(&Placement::custodian(), Missing::IsAbsent)?;
        let wallet = session.run(client.import_wallet(imports, self.name))?.id();
        view::show(&session, &client, wallet)
    }
}

impl Show {
    fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let session = Session::open(context)?;
        let wallet = session.choose(&self.wallet)?;
        view::show(&session, &session.glance(wallet)?, wallet)
    }
}

fn list(context: &Context) -> Result<Answer, Failure> {
    let session = Session::open(context)?;
    let wallets = texts(&session.here()?);
    let text = if wallets.is_empty() { "no wallets".to_owned() } else { wallets.join("\n") };
    Ok(Answer { json: json!({ "wallets": wallets }), text })
}

impl Export {
    fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let session = Session::open(context)?;
        let wallet = session.choose(&self.wallet)?;
        let client = session.client_of(wallet)?;
        let held = session.run(client.wallet(wallet))?;
        let exported = held.export()?;
        if exported.is_empty() {
            let message = "the key of an MPC wallet is nowhere: `twoshare eject` makes it, when the custodian's window is open";
            return Err(Failure::new("no_secrets", message).with("kind", held.kind().name()));
        }
        terminal::agree(
            self.yes,
            "The secrets of this wallet are about to be shown. Whoever sees them has it.",
        )?;
        let secrets: Vec<Value> = exported.iter().map(secret).collect();
        let text = exported.iter().map(secret_in_words).collect::<Vec<_>>().join("\n");
        let json = json!({
            "wallet": wallet.to_string(), "check_code": held.check_code().to_string(),
            "secrets": secrets,
        });
        Ok(Answer { json, text })
    }
}

impl Convert {
    fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let device = context.device.device_password_file.as_deref();
        let mine = [Asked::Password, Asked::Code].map(|asked| self.secrets.file(asked));
        standard_input_once([device].into_iter().chain(mine))?;
        self.method.supported()?;
        let mut session = Session::open(context)?;
        let wallet = session.choose(&self.wallet)?;
        session.ready(wallet)?;
        let client = session.client_of(wallet)?;
        let method = self.method.existing(&self.secrets)?;
        match session.run(client.convert(wallet, &method))? {
            Converted::Done(_) => view::show(&session, &client, wallet),
            Converted::Waiting(waiting) => {
                let ready = rfc3339(waiting.ready_at);
                let message = format!("the operator lets conversions wait: come back at {ready}");
                Err(Failure::new("waiting", message)
                    .with("request", waiting.request.to_string())
                    .with("until", ready))
            }
        }
    }
}

impl Forget {
    fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let session = Session::open(context)?;
        let wallet = session.choose(&self.wallet)?;
        terminal::agree(
            self.yes,
            "This device is about to forget the wallet. Unless it is backed up, or on another device, it is gone.",
        )?;
        session.run(session.client_of(wallet)?.forget(wallet))?;
        let text = format!("{wallet} is not on this device any more");
        Ok(Answer { json: json!({ "forgotten": wallet.to_string() }), text })
    }
}
