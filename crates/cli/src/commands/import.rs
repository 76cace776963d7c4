use std::path::Path;

use serde_json::json;
use twoshare_core::store::{EnvelopeStoreExt as _, FetchError, GetError, Operator, Writable};

use crate::{
    answer::{Answer, Failure},
    backup::{Backup, describe_in_words, mentions_ur},
    stores::{StoreName, block_on},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// The backup: a file in any form, `-` for standard input, or the text itself.
    #[arg(value_name = "FILE_OR_TEXT")]
    from: String,

    /// The store that gets it: dir:PATH, made if it is not there.
    #[arg(long, value_name = "S")]
    store: StoreName,
}

impl Import {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        let path = Path::new(&self.from);
        let backup = match mentions_ur(&self.from) && !path.exists() {
            true => Backup::from_text(&self.from)?,
            false => Backup::read(path)?,
        };
        let envelope = backup.envelope;
        let name = envelope.name();
        let store = self.store.create()?;
        let already_there = match block_on(store.get_envelope(name))? {
            Ok(_) => true,
            Err(FetchError::Get(GetError::NotFound | GetError::Damaged)) => false,
            Err(error) => return Err(error.into()),
        };
        // A directory of the user's own: whoever could open the envelope does not read it.
        let writable = Writable::copy(&envelope, Operator::User, None)
            .map_err(|error| Failure::new("custodian_alone", error.to_string()))?;
        // Also where it is there: copies that are damaged or missing are made again.
        block_on(store.put_envelope(&writable))??;
        block_on(store.get_envelope(name))??;

        let (wallet, store) = (name.wallet.to_string(), self.store.to_string());
        let done = if already_there { "was there already in" } else { "written to" };
        Ok(Answer {
            text: format!("{}\n{done} {store}", describe_in_words(&envelope)),
            json: json!({
                "wallet": wallet, "epoch": name.epoch.get(), "digest": name.digest.to_string(),
                "store": store, "already_there": already_there,
            }),
        })
    }
}
