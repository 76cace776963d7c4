use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};
use twoshare::{
    Client, DirectoryStore, StoreId, Verdict,
    core::{
        envelope::Envelope,
        id::WalletId,
        store::{EnvelopeName, EnvelopeStoreExt as _, FetchError, Part, StoreFault},
    },
    error::StateError,
    protocol::custodian::ReadError,
    stores::{StoreKind, Surveyed},
};

use crate::{
    answer::{Answer, Failure},
    backup::{describe, describe_in_words},
    codes::HasCode as _,
    config::{Placement, StoreConfig, WalletConfig},
    device::Context,
    places::Missing,
    session::Session,
    stores::{block_on, directory, open_directory, settled as settled_name},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Backups {
    /// What the stores have, and how it is. No secret is asked for.
    List(List),
    /// Write copies that are damaged or missing again, from those that are not.
    Repair {
        /// The store: dir:PATH.
        #[arg(long, value_name = "S")]
        store: StoreId,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Only this store. A directory is listed without a device, with everything in it.
    #[arg(long, value_name = "S")]
    store: Option<StoreId>,

    /// Only this wallet [default: all of the device].
    #[arg(long, value_name = "ID")]
    wallet: Option<WalletId>,

    /// Read the token of the app's own backend from this file.
    #[arg(long, value_name = "FILE", requires = "store")]
    store_token_file: Option<PathBuf>,
}

impl Backups {
    pub(crate) fn run(&self, context: &Context) -> Result<Answer, Failure> {
        match self {
            Self::List(named) => named.run(context),
            Self::Repair { store } => repair(&open_directory(&directory(store)?)?),
        }
    }
}

impl List {
    fn run(&self, context: &Context) -> Result<Answer, Failure> {
        if let Some(StoreKind::Directory(path)) = self.store.as_ref().map(StoreId::kind) {
            return list(&open_directory(path)?, self.wallet);
        }
        let session = Session::open(context)?;
        let wallets = match self.wallet {
            Some(wallet) => vec![wallet],
            None => session.here()?,
        };
        let (mut json, mut text, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for wallet in wallets {
            let client = session.client(&self.placement(&session, wallet)?, Missing::IsAbsent)?;
            let found = session.run(survey(&client, wallet));
            failed.extend(found.failed);
            for (store, name, result) in found.entries {
                let health = health_of(&result);
                json.push(with(
                    entry(name, result.as_ref().ok()),
                    [("store", store.as_str().into()), ("health", health.into())],
                ));
                let words = in_words(name, result.as_ref().ok());
                text.push(format!("{words}\nstore    {store}\nhealth   {health}"));
            }
        }
        text.extend(failed.iter().map(|(store, why)| format!("store    {store}\nhealth   {why}")));
        if text.is_empty() {
            text.push("no backups".to_owned());
        }
        let failed: Vec<_> =
            failed.iter().map(|(store, why)| json!({ "store": store, "code": why })).collect();
        let json = json!({ "backups": json, "unread": failed });
        Ok(Answer { json, text: text.join("\n\n") })
    }

    /// The store that was named, else those that are remembered.
    fn placement(&self, session: &Session, wallet: WalletId) -> Result<Placement, Failure> {
        let WalletConfig { settled, planned } = session.remembered(wallet);
        let remembered = settled.or(planned.map(|plan| plan.placement));
        let Some(store) = &self.store else {
            return Ok(remembered.unwrap_or_else(Placement::custodian));
        };
        let store = settled_name(store)?.to_string();
        let known = remembered.into_iter().flat_map(|placement| placement.stores);
        let mut config = known
            .into_iter()
            .find(|known| known.store == store)
            .unwrap_or(StoreConfig { store, independent: false, token_file: None });
        if let Some(path) = &self.store_token_file {
            config.token_file = Some(path.clone());
        }
        Ok(Placement { stores: vec![config], at_least: None, trust_custodian_alone: false })
    }
}

/// What was found of a wallet.
struct Survey {
    entries: Vec<(StoreId, EnvelopeName, Result<Envelope, FetchError>)>,
    /// The stores that did not say what they have, and why.
    failed: Vec<(String, &'static str)>,
}

async fn survey(client: &Client, wallet: WalletId) -> Survey {
    let listing = client.stores().list(wallet).await;
    let said = |error: &StoreFault| error.coded().0;
    let mut failed: Vec<_> =
        listing.failed.iter().map(|f| (f.store.to_string(), said(&f.error))).collect();
    let mut listed: Vec<(StoreId, EnvelopeName)> = listing
        .objects
        .into_iter()
        .filter(|object| object.name.part == Part::Envelope)
        .map(|object| (object.store, object.name.envelope))
        .collect();
    let custodian = StoreId::custodian();
    if client.stores().places().iter().any(|(id, _)| *id == custodian) {
        match client.state(wallet).await {
            Ok(state) => {
                let restorable = state.restorable.map(|restorable| restorable.epoch);
                for stated in state.backup.into_iter().chain(restorable) {
                    let digest = stated.envelope;
                    listed.extend(digest.map(|digest| {
                        (custodian.clone(), EnvelopeName { wallet, epoch: stated.epoch, digest })
                    }));
                }
            }
            Err(StateError::Read(ReadError::NotFound)) => {}
            Err(error) => failed.push((custodian.to_string(), error.coded().0)),
        }
    }
    let mut names: Vec<EnvelopeName> = listed.iter().map(|(_, name)| *name).collect();
    names.sort_unstable();
    names.dedup();
    let mut entries = Vec::new();
    for name in names {
        for Surveyed { store, result } in client.stores().survey(name).await {
            if listed.contains(&(store.clone(), name)) {
                entries.push((store, name, result));
            }
        }
    }
    Survey { entries, failed }
}

fn health_of(result: &Result<Envelope, FetchError>) -> &'static str {
    match result {
        Ok(_) => "intact",
        Err(error) => error.coded().0,
    }
}

fn list(store: &DirectoryStore, wallet: Option<WalletId>) -> Result<Answer, Failure> {
    let objects = block_on(store.health())??;
    let (mut json, mut text) = (Vec::new(), Vec::new());
    for health in objects.iter().filter(|health| health.name.part == Part::Envelope) {
        let name = health.name.envelope;
        if wallet.is_some_and(|wallet| name.wallet != wallet) {
            continue;
        }
        let envelope = block_on(store.get_envelope(name))?.ok();
        let copies = health.copies.map(|copy| copy.to_string());
        json.push(with(
            entry(name, envelope.as_ref()),
            [("health", health.verdict.to_string().into()), ("copies", copies.to_vec().into())],
        ));
        let [first, second, third] = health.copies;
        let words = in_words(name, envelope.as_ref());
        let verdict = &health.verdict;
        text.push(format!("{words}\nhealth   {verdict} (copies: {first}, {second}, {third})"));
    }
    if text.is_empty() {
        text.push("no backups".to_owned());
    }
    Ok(Answer { json: json!({ "backups": json }), text: text.join("\n\n") })
}

/// Only what its name says of one that cannot be read.
fn entry(name: EnvelopeName, envelope: Option<&Envelope>) -> Value {
    match envelope {
        Some(envelope) => describe(envelope),
        None => json!({
            "wallet": name.wallet.to_string(),
            "epoch": name.epoch.get(),
            "digest": name.digest.to_string(),
        }),
    }
}

fn in_words(name: EnvelopeName, envelope: Option<&Envelope>) -> String {
    match envelope {
        Some(envelope) => describe_in_words(envelope),
        None => format!("wallet   {}\nepoch    {}", name.wallet, name.epoch),
    }
}

fn with<const N: usize>(mut object: Value, more: [(&str, Value); N]) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.extend(more.map(|(name, value)| (name.to_owned(), value)));
    }
    object
}

fn repair(store: &DirectoryStore) -> Result<Answer, Failure> {
    let objects = block_on(store.health())??;
    let (mut repaired, mut lost) = (Vec::new(), Vec::new());
    for health in objects {
        match health.verdict {
            Verdict::Intact => {}
            Verdict::Repairable => {
                block_on(store.repair(&health.name))??;
                repaired.push(health.name.to_string());
            }
            Verdict::Lost => lost.push(health.name.to_string()),
        }
    }
    if !lost.is_empty() {
        let which = lost.join(", ");
        let message = format!("{which} cannot be repaired: put it again from elsewhere");
        return Err(Failure::new("lost", message).with("lost", lost).with("repaired", repaired));
    }
    let text = match repaired.len() {
        0 => "all copies are intact".to_owned(),
        count => format!("{count} repaired"),
    };
    Ok(Answer { json: json!({ "repaired": repaired }), text })
}
