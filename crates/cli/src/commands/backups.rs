use clap::Subcommand;
use serde_json::{Value, json};
use twoshare::{DirectoryStore, ObjectHealth, Verdict};
use twoshare_core::{
    envelope::Envelope,
    store::{EnvelopeStoreExt as _, Part},
};

use crate::{
    answer::{Answer, Failure},
    backup::{describe, describe_in_words},
    stores::{StoreName, block_on},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Backups {
    /// What a store has, and how its copies are. No secret is asked for.
    List {
        /// The store: dir:PATH.
        #[arg(long, value_name = "S")]
        store: StoreName,
    },
    /// Write copies that are damaged or missing again, from those that are not.
    Repair {
        /// The store: dir:PATH.
        #[arg(long, value_name = "S")]
        store: StoreName,
    },
}

impl Backups {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        match self {
            Self::List { store } => list(&store.open()?),
            Self::Repair { store } => repair(&store.open()?),
        }
    }
}

fn list(store: &DirectoryStore) -> Result<Answer, Failure> {
    let objects = block_on(store.health())??;
    let (mut json, mut text) = (Vec::new(), Vec::new());
    for health in objects.iter().filter(|health| health.name.part == Part::Envelope) {
        let name = health.name.envelope;
        let envelope = block_on(store.get_envelope(name))?.ok();
        json.push(entry(health, envelope.as_ref()));
        let words = match &envelope {
            Some(envelope) => describe_in_words(envelope),
            None => format!("wallet   {}\nepoch    {}", name.wallet, name.epoch),
        };
        text.push(format!("{words}\nhealth   {}", in_words(health)));
    }
    if text.is_empty() {
        text.push("no backups".to_owned());
    }
    Ok(Answer { json: json!({ "backups": json }), text: text.join("\n\n") })
}

fn entry(health: &ObjectHealth, envelope: Option<&Envelope>) -> Value {
    let name = health.name.envelope;
    let mut entry = match envelope {
        Some(envelope) => describe(envelope),
        // Only what its name says of one that cannot be read.
        None => json!({
            "wallet": name.wallet.to_string(),
            "epoch": name.epoch.get(),
            "digest": name.digest.to_string(),
        }),
    };
    if let Value::Object(fields) = &mut entry {
        let copies = health.copies.map(|copy| copy.to_string());
        fields.insert("health".to_owned(), health.verdict.to_string().into());
        fields.insert("copies".to_owned(), copies.to_vec().into());
    }
    entry
}

fn in_words(health: &ObjectHealth) -> String {
    let [first, second, third] = health.copies;
    format!("{} (copies: {first}, {second}, {third})", health.verdict)
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
