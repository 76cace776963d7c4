//! The whole story in one process: a wallet is made, backed up, lost and recovered, with everything
//! that is claimed of it shown on the way.

use std::{error::Error, path::Path, sync::Arc};

use serde_json::{Map, Value, json};
use twoshare::{
    Client, DirectoryStore, Exported, Import, MethodChange, Wallet,
    core::{
        curve::AnySigningKey,
        envelope::{Slot, VouchedBy},
        id::{CurveId, WalletId},
        method::{BackupMethod, Password, RecoveryCode, SlotKind},
        sealed::WalletSecret,
        store::Operator,
    },
    error::{OpenBackupError, RecoverError},
    protocol::memory::MemoryCustodian,
};

use crate::{
    answer::{Answer, Failure},
    codes::with_sources,
    stores::block_on,
};

mod frost;
mod memory;

/// Strong enough for the policy; nobody keeps anything under it.
const PASSWORD: &str = "orbit-velvet-93-lantern";

/// The user of the demo's custodian.
const USER: &str = "demo";

/// A secret from a file of the user.
pub(crate) struct Given {
    /// Where it came from.
    pub(crate) from: String,
    /// What it is.
    pub(crate) import: Import,
}

/// Tells the story, and the single-key one too where secrets are given.
pub(crate) fn run(directory: &Path, given: Vec<Given>) -> Result<Answer, Failure> {
    let mut story = Story::default();
    block_on(mpc(directory, &mut story))??;
    if !given.is_empty() {
        block_on(single_key(directory, given, &mut story))??;
    }
    story.say("", "Done: nothing of this is kept.");
    Ok(story.into_answer())
}

async fn mpc(directory: &Path, story: &mut Story) -> Result<(), Failure> {
    let custodian = MemoryCustodian::start(twoshare::rng());
    let client = client(&custodian, &directory.join("mpc"))?;

    story.chapter("An MPC wallet");
    let curves = [CurveId::Secp256k1, CurveId::Ed25519];
    let mut wallet = client.create_wallet(&curves).await.map_err(failed("create"))?;
    let (id, keys, check_code) = (wallet.id(), wallet.verifying_keys(), wallet.check_code());
    story.say("created", format!("wallet {id}, its keys generated with the custodian"));
    for key in &keys {
        story.say("", format!("{:<10} {}", key.curve(), hex(&key.to_bytes())));
    }
    story.say("", format!("check code {check_code}"));
    story.fact("wallet", id.to_string());
    story.fact("check_code", check_code.to_string());
    let public: Vec<_> = keys
        .iter()
        .map(|key| json!({ "curve": key.curve().name(), "public_key": hex(&key.to_bytes()) }))
        .collect();
    story.fact("keys", public);

    let password = Password::new(PASSWORD)?.with_label("demo password");
    let code = RecoveryCode::make(&mut twoshare::rng()).with_label("demo code");
    let backup = client.backup(&mut wallet, &[&password, &code]).await;
    let backup = backup.map_err(failed("back up"))?;
    story.say("backed up", "with a password and a recovery code, in a directory (three copies),");
    story.say("", "read back, opened through both slots, committed by the custodian");
    story.say("", format!("envelope {}", backup.envelope.object()));
    client.drill(&wallet, &password).await.map_err(failed("drill"))?;
    story.say("drilled", "a recovery would succeed: the custodian has proven its half just now");

    let lost = wallet.clone();
    drop(wallet);
    story.say("lost", "the phone is gone");
    let recovered = recover(&client, id, &password).await?;
    same_wallet(&recovered, &lost)?;
    story.say("recovered", "with the password alone: the same public keys, new shares of them");
    drop(recovered);
    let mut wallet = recover(&client, id, &code).await?;
    same_wallet(&wallet, &lost)?;
    story.say("recovered", "again, with the recovery code alone");
    story.fact("recovered_with", vec!["password", "code"]);
    revoked(&client, &lost).await?;
    story.say("revoked", "what the lost phone has is refused by the custodian");

    let before = wallet.backup().copied();
    client.refresh(&mut wallet, &password).await.map_err(failed("refresh"))?;
    story.say("refreshed", "a new epoch for both methods; nothing was asked of the code");
    let opened = client.open(&wallet, &password).await.map_err(failed("open"))?;
    let is_code = |slot: &&Slot| slot.header().kind == SlotKind::RecoveryCode;
    let slot = opened.slots.iter().find(is_code).map(Slot::id);
    let slot = slot.ok_or_else(|| broken("the recovery code's slot is missing"))?;
    let changes = vec![MethodChange::Remove(slot)];
    let changed = client.change_methods(&mut wallet, &password, changes).await;
    changed.map_err(failed("remove a method"))?;
    story.say("removed", "the recovery code, with the password's proof");
    match client.recover(id, &code, VouchedBy::Method).await {
        Err(RecoverError::Open(OpenBackupError::Open(_))) => {}
        Err(error) => return Err(failed("try a removed method")(error)),
        Ok(_) => return Err(broken("a removed method still recovered the wallet")),
    }
    story.say(
        "",
        "it opens nothing any more: its old epoch has ended, the new one has no slot for it",
    );
    story.fact("removed_method_refused", true);
    let epochs = [before, wallet.backup().copied()].map(|b| b.map(|b| b.envelope.epoch.get()));
    story.fact("epochs", json!(epochs));

    for (mine, theirs) in frost::pairs(&wallet, &custodian)? {
        let message = b"twoshare: recovered, refreshed, and still the same key";
        let signature = frost::sign(&mine, &theirs, message)?;
        let curve = mine.curve();
        story.say("signed", format!("{:<10} {}", curve.name(), hex(&signature)));
        story.fact(&format!("signature_{curve}"), hex(&signature));
    }
    story
        .say("", "by FROST, each side with its own share; valid under the keys from the beginning");

    never_whole(&wallet, &custodian, story)
}

/// Looks through everything this process has in memory for the keys: the shares are there, since they
/// are in use, and the keys are not, though both sides are in this one process.
fn never_whole(
    wallet: &Wallet,
    custodian: &MemoryCustodian,
    story: &mut Story,
) -> Result<(), Failure> {
    let Some(snapshot) = memory::Snapshot::take() else {
        story.say("", "(this system does not let a process look through its own memory)");
        story.fact("key_found_in_memory", Value::Null);
        return Ok(());
    };
    let mut shares_seen = true;
    for (mine, theirs) in frost::pairs(wallet, custodian)? {
        // The one place where the key is made, to look for it in what was taken before.
        let key = AnySigningKey::reconstruct(&mine, &theirs, &mine.verifying_key());
        let key = key.map_err(failed("compare"))?;
        if snapshot.contains(&key.expose_secret()) {
            return Err(broken("the whole key was found in memory"));
        }
        shares_seen &= snapshot.contains(&mine.expose_secret());
    }
    if !shares_seen {
        return Err(broken(
            "not even the shares were found in memory: the search is worth nothing",
        ));
    }
    story.say(
        "never whole",
        format!("{} MiB of memory searched: the shares in use are there,", snapshot.mebibytes()),
    );
    story.say("", "the keys are not, and never were: nothing above ever put two shares together");
    story.fact("key_found_in_memory", false);
    Ok(())
}

async fn single_key(directory: &Path, given: Vec<Given>, story: &mut Story) -> Result<(), Failure> {
    let custodian = MemoryCustodian::start(twoshare::rng());
    let client = client(&custodian, &directory.join("single-key"))?;

    story.chapter("A single-key wallet of your own secrets");
    let imports = given.iter().map(|given| given.import.clone()).collect();
    let mut wallet = client.import_wallet(imports).map_err(failed("import"))?;
    let id = wallet.id();
    for given in &given {
        story.say("imported", format!("{} from {}", kind_of(&given.import), given.from));
    }
    let password = Password::new(PASSWORD)?;
    let code = RecoveryCode::make(&mut twoshare::rng());
    let backup = client.backup(&mut wallet, &[&password, &code]).await;
    backup.map_err(failed("back up"))?;
    story.say("backed up", "with a password and a recovery code");
    drop(wallet);
    story.say("lost", "the phone is gone");

    let with_password = recover(&client, id, &password).await?;
    let with_code = recover(&client, id, &code).await?;
    let mut returned = Vec::new();
    for (recovered, method) in [(&with_password, "password"), (&with_code, "recovery code")] {
        let exported = recovered.export().map_err(failed("export"))?;
        for (given, exported) in given.iter().zip(&exported) {
            if !same_secret(&given.import, exported) {
                return Err(broken("a secret came back changed"));
            }
        }
        if exported.len() != given.len() {
            return Err(broken("a secret did not come back"));
        }
        story.say("recovered", format!("with the {method} alone: every secret byte for byte"));
    }
    for given in &given {
        returned.push(json!({
            "kind": kind_of(&given.import), "from": given.from, "byte_for_byte": true,
        }));
    }
    story.fact("returned", returned);
    story.say("", "(the lost phone of a single-key wallet still knows the key: move the funds)");
    Ok(())
}

fn client(custodian: &Arc<MemoryCustodian>, directory: &Path) -> Result<Client, Failure> {
    let store = DirectoryStore::create(directory)?;
    let client = Client::new(custodian.login(USER), custodian.identity(), USER);
    Ok(client.with_store(store, Operator::User))
}

/// The lost phone tries what it may: to make a backup of its own.
async fn revoked(client: &Client, lost: &Wallet) -> Result<(), Failure> {
    let mut lost = lost.clone();
    let code = RecoveryCode::make(&mut twoshare::rng());
    match client.replace(&mut lost, &[&code]).await {
        Ok(_) => Err(broken("the lost phone could still replace the backup")),
        Err(_) => Ok(()),
    }
}

fn same_wallet(recovered: &Wallet, lost: &Wallet) -> Result<(), Failure> {
    if recovered.verifying_keys() == lost.verifying_keys()
        && recovered.check_code() == lost.check_code()
    {
        Ok(())
    } else {
        Err(broken("another wallet came back"))
    }
}

fn same_secret(given: &Import, exported: &Exported) -> bool {
    // Compared in the user's own demonstration, and with no one who could time it.
    match (given, exported) {
        (Import::Key(given), Exported::Key(exported)) => {
            given.expose_secret().expose_secret() == exported.expose_secret().expose_secret()
        }
        (Import::Secret(given), Exported::Secret(exported)) => {
            given.kind() == exported.kind()
                && given.bytes().expose_secret() == exported.bytes().expose_secret()
        }
        _ => false,
    }
}

fn kind_of(import: &Import) -> String {
    match import {
        Import::Key(_) => "secp256k1 key".to_owned(),
        Import::Secret(secret) => kind_of_secret(secret),
    }
}

fn kind_of_secret(secret: &WalletSecret) -> String {
    secret.kind().name().replace('_', " ")
}

async fn recover(
    client: &Client,
    wallet: WalletId,
    method: &dyn BackupMethod,
) -> Result<Wallet, Failure> {
    let recovered = client.recover(wallet, method, VouchedBy::Method).await;
    recovered.map_err(failed("recover"))
}

/// What stopped the story.
fn failed<E: Error>(step: &str) -> impl FnOnce(E) -> Failure {
    move |error| {
        let message = format!("could not {step}: {}", with_sources(&error));
        Failure::new("demo_failed", message).with("step", step)
    }
}

/// A promise that did not hold: this is a defect of twoshare, not of its use.
fn broken(what: &str) -> Failure {
    Failure::new("demo_failed", format!("{what}: please report this"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is told, for people and for programs.
#[derive(Default)]
struct Story {
    lines: Vec<String>,
    facts: Map<String, Value>,
}

impl Story {
    fn chapter(&mut self, title: &str) {
        if !self.lines.is_empty() {
            self.lines.push(String::new());
        }
        self.lines.push(title.to_owned());
    }

    fn say(&mut self, what: &str, text: impl AsRef<str>) {
        self.lines.push(format!("  {what:<12} {}", text.as_ref()).trim_end().to_owned());
    }

    fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.facts.insert(name.to_owned(), value.into());
    }

    fn into_answer(self) -> Answer {
        Answer { json: Value::Object(self.facts), text: self.lines.join("\n") }
    }
}
