//! The whole story in one process: a wallet is made, backed up, lost and recovered, with everything
//! that is claimed of it shown on the way.

use std::{error::Error, path::Path, sync::Arc};

use serde_json::{Map, Value, json};
use twoshare::{
    Client, DirectoryStore, Exported, FileDevice, Import, Method, MethodChange, Place, Recovered,
    Recovery, StoreId, Wallet,
    core::{
        curve::AnySigningKey,
        id::{CurveId, WalletId},
        method::{Password, RecoveryCode, SlotKind},
        sealed::WalletSecret,
        share::{AnyClientShare, AnyCustodianShare},
        store::Operator,
    },
    error::{OpenBackupError, RecoverError},
    status::MethodStatus,
};

use self::server::Server;
use crate::{
    answer::{Answer, Failure},
    codes::with_sources,
    imports::Given,
    stores::block_on,
    view::hex,
};

mod frost;
mod memory;
mod server;

/// Strong enough for the policy; nobody keeps anything under it.
const PASSWORD: &str = "orbit-velvet-93-lantern";

/// The user of the demo's custodian.
const USER: &str = "demo";

/// Tells the story, and the single-key one too where secrets are given.
pub(crate) fn run(directory: &Path, given: Vec<Given>) -> Result<Answer, Failure> {
    let mut story = Story::default();
    block_on(tell(directory, given, &mut story))??;
    story.say("", "Done: nothing of this is kept.");
    Ok(story.into_answer())
}

async fn tell(directory: &Path, given: Vec<Given>, story: &mut Story) -> Result<(), Failure> {
    let server = Server::start(&directory.join("custodian")).await?;
    story.chapter("A custodian");
    story.say("started", format!("over HTTP at {}, on SQLite, with keys of its own", server.url));
    story.fact("custodian", server.url.as_str());
    mpc(&server, directory, story).await?;
    if !given.is_empty() {
        single_key(&server, directory, given, story).await?;
    }
    server.stop().await;
    Ok(())
}

async fn mpc(server: &Server, directory: &Path, story: &mut Story) -> Result<(), Failure> {
    let stores = directory.join("mpc");
    let phone = async |name| phone(server, &directory.join(name), &stores).await;

    story.chapter("An MPC wallet");
    let first = phone("phone-1").await?;
    let curves = [CurveId::Secp256k1, CurveId::Ed25519];
    let created = first.create_wallet(&curves, None).await.map_err(failed("create"))?;
    let (id, check_code) = (created.id(), created.check_code());
    story.say("created", format!("wallet {id}, its keys generated with the custodian"));
    for key in created.verifying_keys() {
        story.say("", format!("{:<10} {}", key.curve(), hex(&key.to_bytes())));
    }
    story.say("", format!("check code {check_code}"));
    story.fact("wallet", id.to_string());
    story.fact("check_code", check_code.to_string());
    let public: Vec<_> = created
        .verifying_keys()
        .iter()
        .map(|key| json!({ "curve": key.curve().name(), "public_key": hex(&key.to_bytes()) }))
        .collect();
    story.fact("keys", public);

    let password: Method = Arc::new(Password::new(PASSWORD)?.with_label("demo password"));
    let code = RecoveryCode::make(&mut twoshare::rng()).with_label("demo code");
    let code: Method = Arc::new(code);
    let methods = [password.clone(), code.clone()];
    let backup = first.backup(id, &methods).await.map_err(failed("back up"))?;
    story.say(
        "backed up",
        "with a password and a recovery code, at the custodian and in a directory,",
    );
    story.say("", "read back, opened through both slots, committed by the custodian");
    story.say("", format!("envelope {}", backup.envelope.object()));
    let drill = first.drill(id, Some(&password)).await.map_err(failed("drill"))?;
    story.say("drilled", "a recovery would succeed: the custodian has proven its half just now");
    story.fact("drill", drill.level.name());

    drop(first);
    let lost = phone("phone-1").await?;
    let kept = lost.wallet(id).await.map_err(failed("restart"))?;
    same_wallet(&kept, &created)?;
    story.say("restarted", "the phone has everything on its disk, sealed");
    story.say("lost", "the phone is gone");
    let second = phone("phone-2").await?;
    same_wallet(&recover(&second, id, &password).await?, &created)?;
    story.say("recovered", "with the password alone: the same public keys, new shares of them");
    let third = phone("phone-3").await?;
    same_wallet(&recover(&third, id, &code).await?, &created)?;
    story.say("recovered", "again, with the recovery code alone");
    story.fact("recovered_with", vec!["password", "code"]);
    revoked(&lost, id).await?;
    revoked(&second, id).await?;
    story.say("revoked", "what the lost phones have is refused by the custodian");

    let before = epoch(&third, id).await?;
    third.refresh(id, &password).await.map_err(failed("refresh"))?;
    story.say("refreshed", "a new epoch for both methods; nothing was asked of the code");
    let status = third.status(id).await.map_err(failed("ask for the status"))?;
    let is_code = |method: &&MethodStatus| method.kind == SlotKind::RecoveryCode;
    let slot = status.methods.iter().find(is_code).map(|method| method.slot);
    let slot = slot.ok_or_else(|| broken("the recovery code's slot is missing"))?;
    let changes = vec![MethodChange::Remove(slot)];
    let changed = third.change_methods(id, &password, changes).await;
    changed.map_err(failed("remove a method"))?;
    story.say("removed", "the recovery code, with the password's proof");
    match phone("phone-4").await?.recover(id, Recovery::with(code)).await {
        Err(RecoverError::Open(OpenBackupError::Open(_))) => {}
        Err(error) => return Err(failed("try a removed method")(error)),
        Ok(_) => return Err(broken("a removed method still recovered the wallet")),
    }
    story.say(
        "",
        "it opens nothing any more: its old epoch has ended, the new one has no slot for it",
    );
    story.fact("removed_method_refused", true);
    story.fact("epochs", json!([before, epoch(&third, id).await?]));

    let wallet = third.wallet(id).await.map_err(failed("sign"))?;
    let pairs = frost::pairs(&wallet, server)?;
    for (mine, theirs) in &pairs {
        let message = b"twoshare: recovered, refreshed, and still the same key";
        let signature = frost::sign(mine, theirs, message)?;
        let curve = mine.curve();
        story.say("signed", format!("{:<10} {}", curve.name(), hex(&signature)));
        story.fact(&format!("signature_{curve}"), hex(&signature));
    }
    story
        .say("", "by FROST, each side with its own share; valid under the keys from the beginning");

    never_whole(&pairs, story)
}

/// Looks through everything this process has in memory for the keys: the shares are there, since they
/// are in use, and the keys are not, though both sides are in this one process.
fn never_whole(
    pairs: &[(AnyClientShare, AnyCustodianShare)],
    story: &mut Story,
) -> Result<(), Failure> {
    let Some(snapshot) = memory::Snapshot::take() else {
        story.say("", "(this system does not let a process look through its own memory)");
        story.fact("key_found_in_memory", Value::Null);
        return Ok(());
    };
    let mut shares_seen = true;
    for (mine, theirs) in pairs {
        // The one place where the key is made, to look for it in what was taken before.
        let key = AnySigningKey::reconstruct(mine, theirs, &mine.verifying_key());
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

async fn single_key(
    server: &Server,
    directory: &Path,
    given: Vec<Given>,
    story: &mut Story,
) -> Result<(), Failure> {
    let stores = directory.join("single-key");
    let phone = async |name| phone(server, &directory.join(name), &stores).await;

    story.chapter("A single-key wallet of your own secrets");
    let imports = given.iter().map(|given| given.import.clone()).collect();
    let lost = phone("phone-5").await?;
    let id = lost.import_wallet(imports, None).await.map_err(failed("import"))?.id();
    for given in &given {
        story.say("imported", format!("{} from {}", kind_of(&given.import), given.from));
    }
    let password: Method = Arc::new(Password::new(PASSWORD)?);
    let code: Method = Arc::new(RecoveryCode::make(&mut twoshare::rng()));
    let backup = lost.backup(id, &[password.clone(), code.clone()]).await;
    backup.map_err(failed("back up"))?;
    story.say("backed up", "with a password and a recovery code");
    drop(lost);
    story.say("lost", "the phone is gone");

    let with_password = recover(&phone("phone-6").await?, id, &password).await?;
    let with_code = recover(&phone("phone-7").await?, id, &code).await?;
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

/// A phone: what is on its disk, and its way to the custodian and to a directory of the user's.
async fn phone(server: &Server, disk: &Path, stores: &Path) -> Result<Client, Failure> {
    let custodian = server.connect()?;
    let directory = StoreId::directory(stores).map_err(failed("name a store"))?;
    let stores = DirectoryStore::create(stores)?;
    let phone = Client::builder()
        .custodian(custodian)
        .pinned(server.identity())
        .user(USER)
        .device(FileDevice::open(disk, None).await?)
        .store(directory, Place::store(stores, Operator::User))
        .store(StoreId::custodian(), Place::Custodian);
    Ok(phone.build()?)
}

async fn epoch(phone: &Client, wallet: WalletId) -> Result<Option<u64>, Failure> {
    let wallet = phone.wallet(wallet).await.map_err(failed("ask for the epoch"))?;
    Ok(wallet.backup().map(|backup| backup.envelope.epoch.get()))
}

/// A lost phone tries what it may: to make a backup of its own.
async fn revoked(lost: &Client, wallet: WalletId) -> Result<(), Failure> {
    let code: Method = Arc::new(RecoveryCode::make(&mut twoshare::rng()));
    match lost.replace(wallet, &[code]).await {
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

async fn recover(phone: &Client, wallet: WalletId, method: &Method) -> Result<Wallet, Failure> {
    match phone.recover(wallet, Recovery::with(method.clone())).await.map_err(failed("recover"))? {
        Recovered::Done(wallet) => Ok(wallet),
        Recovered::Waiting(_) => Err(broken("the demo's custodian lets its user wait")),
    }
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
