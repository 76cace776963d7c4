use clap::Subcommand;
use serde_json::json;
use twoshare::core::id::OperationId;

use crate::{
    answer::{Answer, Failure},
    backup::rfc3339,
    device::Context,
    session::{Session, WalletArg},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Requests {
    /// The recoveries and ejects that wait. One that is not yours was asked for by somebody else.
    List {
        #[command(flatten)]
        wallet: WalletArg,
    },
    /// Object to one. The wallet stands still until the custodian's operator has decided.
    Cancel {
        /// The request, as `requests list` names it.
        id: OperationId,

        #[command(flatten)]
        wallet: WalletArg,
    },
}

impl Requests {
    pub(crate) fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let mut session = Session::open(context)?;
        match self {
            Self::List { wallet } => {
                let wallet = session.choose(wallet)?;
                let status = session.run(session.client_of(wallet)?.status(wallet))?;
                // Here it is the answer that was asked for.
                status.asked?;
                let requests = status.waiting.iter().map(|waiting| {
                    json!({
                        "id": waiting.request.request.to_string(),
                        "operation": waiting.operation.name(),
                        "ready": rfc3339(waiting.request.ready_at),
                    })
                });
                let requests: Vec<_> = requests.collect();
                let text = match &status.waiting {
                    None => "nothing waits".to_owned(),
                    Some(waiting) => {
                        let (id, ready) =
                            (waiting.request.request, rfc3339(waiting.request.ready_at));
                        format!("{}  {id}, waits until {ready}", waiting.operation)
                    }
                };
                let dispute = status.frozen.and_then(|frozen| frozen.0.dispute);
                let json = json!({
                    "wallet": wallet.to_string(), "requests": requests,
                    "dispute": dispute.map(|id| id.to_string()), "frozen": status.frozen.is_some(),
                });
                Ok(Answer { json, text })
            }
            Self::Cancel { id, wallet } => {
                let wallet = session.choose(wallet)?;
                session.ready(wallet)?;
                session.run(session.client_of(wallet)?.cancel(wallet, *id))?;
                let text = "the wallet stands still until the custodian's operator has decided";
                let json = json!({ "wallet": wallet.to_string(), "cancelled": id.to_string() });
                Ok(Answer { json, text: text.to_owned() })
            }
        }
    }
}
