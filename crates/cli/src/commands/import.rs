use std::path::Path;

use serde_json::json;
use twoshare::{
    DirectoryStore, StoreId,
    core::{
        envelope::Envelope,
        store::{EnvelopeStoreExt as _, FetchError, GetError, Operator, Writable},
    },
    stores::{Condition, Failed, Mended},
};

use crate::{
    answer::{Answer, Failure},
    backup::{Backup, describe_in_words, mentions_ur},
    codes,
    device::Context,
    places::Missing,
    session::{Session, WalletArg},
    stores::{block_on, directory},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// The backup: a file in any form, `-` for standard input, or the text itself.
    #[arg(value_name = "FILE_OR_TEXT")]
    from: String,

    /// The directory that gets it, made if it is not there: dir:PATH [default: every store where the
    /// device's backup of that wallet is].
    #[arg(long, value_name = "S")]
    store: Option<StoreId>,
}

impl Import {
    pub(crate) fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let path = Path::new(&self.from);
        let backup = match mentions_ur(&self.from) && !path.exists() {
            true => Backup::from_text(&self.from)?,
            false => Backup::read(path)?,
        };
        match &self.store {
            Some(store) => into_directory(&backup.envelope, &directory(store)?, store),
            None => where_it_belongs(&backup.envelope, context),
        }
    }
}

fn into_directory(envelope: &Envelope, path: &Path, id: &StoreId) -> Result<Answer, Failure> {
    let name = envelope.name();
    let store = DirectoryStore::create(path)?;
    let already_there = match block_on(store.get_envelope(name))? {
        Ok(_) => true,
        Err(FetchError::Get(GetError::NotFound | GetError::Damaged)) => false,
        Err(error) => return Err(error.into()),
    };
    // A directory of the user's own: whoever could open the envelope does not read it.
    let writable = Writable::copy(envelope, Operator::User, None)
        .map_err(|error| Failure::new("custodian_alone", error.to_string()))?;
    // Also where it is there: copies that are damaged or missing are made again.
    block_on(store.put_envelope(&writable))??;
    block_on(store.get_envelope(name))??;

    let done = if already_there { "was there already in" } else { "written to" };
    Ok(Answer {
        text: format!("{}\n{done} {id}", describe_in_words(envelope)),
        json: json!({
            "wallet": name.wallet.to_string(), "epoch": name.epoch.get(),
            "digest": name.digest.to_string(), "store": id.as_str(), "already_there": already_there,
        }),
    })
}

/// Into every store where the device's backup is, the custodian's own among them where it is committed.
fn where_it_belongs(envelope: &Envelope, context: &Context) -> Result<Answer, Failure> {
    let name = envelope.name();
    let session = Session::open(context)?;
    let wallet = session.choose(&WalletArg { wallet: Some(name.wallet) })?;
    let client = session.client(&session.placement_of(wallet), Missing::IsMade)?;
    let (mut has, mut failed) = (Vec::new(), Vec::new());
    for Mended { store, result } in session.run(client.stores().mend(envelope)) {
        match result {
            Ok(condition) => has.push((store, condition == Condition::Intact)),
            Err(error) => failed.push(Failed { store, error }),
        }
    }
    let stores: Vec<_> = has
        .iter()
        .map(|(store, already_there)| {
            json!({ "store": store.as_str(), "already_there": already_there })
        })
        .collect();
    if !failed.is_empty() {
        let names = failed.iter().map(|failed| failed.store.as_str()).collect::<Vec<_>>();
        let message = format!("{} did not take it", names.join(", "));
        return Err(Failure::new("store_policy", message)
            .with("have", stores)
            .with("missing", codes::failed(&failed)));
    }
    let names = has.iter().map(|(store, _)| store.as_str()).collect::<Vec<_>>().join(", ");
    Ok(Answer {
        text: format!("{}\nis in {names}", describe_in_words(envelope)),
        json: json!({
            "wallet": wallet.to_string(), "epoch": name.epoch.get(),
            "digest": name.digest.to_string(), "stores": stores,
        }),
    })
}
