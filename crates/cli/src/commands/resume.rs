use serde_json::{Value, json};
use twoshare::{Resumed, core::id::WalletId};

use crate::{
    answer::{Answer, Failure},
    codes::{HasCode as _, with_sources},
    device::Context,
    session::Session,
};

/// Of every wallet on the device, unless one is named. It succeeds when nothing is left to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Resume {
    /// Only this wallet [default: all of the device].
    #[arg(long, value_name = "ID")]
    wallet: Option<WalletId>,
}

impl Resume {
    pub(crate) fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let mut session = Session::open(context)?;
        let wallets = match self.wallet {
            Some(wallet) => vec![wallet],
            None => session.known()?,
        };
        let (mut json, mut text) = (Vec::new(), Vec::new());
        for wallet in wallets {
            let resumed = session.resume(wallet)?;
            session.pin_of(wallet)?;
            json.push(describe(wallet, &resumed));
            text.push(format!("{wallet}: {}", in_words(&resumed)));
        }
        if text.is_empty() {
            text.push("nothing was interrupted".to_owned());
        }
        // Of several, the one that anything was to be done for.
        let outcome = json.iter().filter_map(|wallet| wallet.get("outcome")?.as_str());
        let outcome = outcome.max_by_key(|outcome| *outcome != "nothing").unwrap_or("nothing");
        Ok(Answer { json: json!({ "outcome": outcome, "wallets": json }), text: text.join("\n") })
    }
}

fn describe(wallet: WalletId, resumed: &Resumed) -> Value {
    let (outcome, operation, why) = match resumed {
        Resumed::Nothing => ("nothing", None, None),
        Resumed::Finished { operation } => ("finished", Some(operation), None),
        Resumed::GivenUp { operation, why } => ("abandoned", Some(operation), why.as_ref()),
        Resumed::Revoked => ("revoked", None, None),
    };
    json!({
        "wallet": wallet.to_string(),
        "outcome": outcome,
        "operation": operation.map(|operation| operation.name()),
        "why": why.map(|error| error.coded().0),
    })
}

fn in_words(resumed: &Resumed) -> String {
    match resumed {
        Resumed::Nothing => "nothing was interrupted".to_owned(),
        Resumed::Finished { operation } => format!("the interrupted {operation} is finished"),
        Resumed::GivenUp { operation, why } => {
            let why = why.as_ref().map(|error| format!(" ({})", with_sources(error)));
            let why = why.unwrap_or_default();
            format!("the interrupted {operation} is given up{why}: it can be done again")
        }
        Resumed::Revoked => {
            "another device has recovered this wallet: what is here does nothing any more"
                .to_owned()
        }
    }
}
