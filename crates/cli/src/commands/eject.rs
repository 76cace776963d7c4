use serde_json::{Value, json};
use twoshare::{Ejected, EjectedKey, Exported};

use crate::{
    answer::{Answer, Failure},
    backup::rfc3339,
    device::Context,
    exports::{hex_of, secret, secret_in_words},
    methods::MethodName,
    secrets::{Asked, Sources, standard_input_once},
    session::{Session, WalletArg},
    terminal,
    view::hex,
};

/// Whoever sees them has the wallet; its state says ever after that they were given out.
#[derive(Debug, clap::Args)]
pub(crate) struct Eject {
    #[command(flatten)]
    wallet: WalletArg,

    /// The method that opens the backup: password, code.
    #[arg(long, value_name = "M")]
    method: MethodName,

    /// Do not ask first.
    #[arg(long)]
    yes: bool,

    #[command(flatten)]
    secrets: Sources,
}

impl Eject {
    pub(crate) fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let device = context.device.device_password_file.as_deref();
        let mine = [Asked::Password, Asked::Code].map(|asked| self.secrets.file(asked));
        standard_input_once([device].into_iter().chain(mine))?;
        self.method.supported()?;
        let mut session = Session::open(context)?;
        let wallet = session.choose(&self.wallet)?;
        terminal::agree(
            self.yes,
            "The whole private keys are about to be made and shown. Whoever sees them has the wallet, and it is marked as ejected ever after.",
        )?;
        session.ready(wallet)?;
        let client = session.client_of(wallet)?;
        let method = self.method.existing(&self.secrets)?;
        let keys = match session.run(client.eject(wallet, &method))? {
            Ejected::Done(keys) => keys,
            Ejected::Waiting(waiting) => {
                let ready = rfc3339(waiting.ready_at);
                let message = format!("the operator lets ejects wait: come back at {ready}");
                return Err(Failure::new("waiting", message)
                    .with("request", waiting.request.to_string())
                    .with("until", ready));
            }
        };
        let text = keys.iter().map(key_in_words).collect::<Vec<_>>().join("\n");
        let keys: Vec<_> = keys.iter().map(key).collect();
        Ok(Answer { json: json!({ "wallet": wallet.to_string(), "keys": keys }), text })
    }
}

fn key(key: &EjectedKey) -> Value {
    let mut value = json!({
        "curve": key.curve().name(),
        "public_key": hex(&key.verifying_key().to_bytes()),
        // Exposed: to its owner, who asked for it.
        "private_key": hex_of(&key.expose_secret()),
    });
    if let Value::Object(fields) = &mut value {
        if let Some(note) = key.note() {
            fields.insert("note".to_owned(), note.to_string().into());
        }
        if let Some(sealed) = key.secret() {
            fields.insert("secret".to_owned(), secret(&Exported::Secret(sealed.clone())));
        }
    }
    value
}

fn key_in_words(key: &EjectedKey) -> String {
    if let Some(sealed) = key.secret() {
        return secret_in_words(&Exported::Secret(sealed.clone()));
    }
    // Exposed: to its owner, who asked for it.
    let line = format!("{:<13} {}", key.curve().name(), hex_of(&key.expose_secret()));
    match key.note() {
        Some(note) => format!("{line}\n  {note}"),
        None => line,
    }
}
