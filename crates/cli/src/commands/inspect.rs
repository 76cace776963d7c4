use std::path::PathBuf;

use serde_json::{Value, json};
use twoshare_core::{
    check_code::CheckCode,
    curve::AnyVerifyingKey,
    envelope::{Expected, Opened, SlotId, SlotsAltered, VouchedBy},
};

use crate::{
    answer::{Answer, Failure},
    backup::{Backup, describe, describe_in_words, plain},
    codes::method_name,
    methods::MethodName,
    secrets::{Asked, Sources, standard_input_once},
    stores::block_on,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Inspect {
    /// The exported file, a copy in a directory store, or text; `-` for standard input.
    file: PathBuf,

    /// Also open it with this method. Nothing secret is shown.
    #[arg(long, value_name = "M")]
    method: Option<MethodName>,

    /// Also compare the check code that was kept.
    #[arg(long, value_name = "C", requires = "method")]
    check_code: Option<String>,

    #[command(flatten)]
    secrets: Sources,
}

impl Inspect {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        standard_input_once([
            Some(&*self.file),
            self.secrets.file(Asked::Password),
            self.secrets.file(Asked::Code),
        ])?;
        let backup = Backup::read(&self.file)?;
        let mut json = describe(&backup.envelope);
        let mut text = describe_in_words(&backup.envelope);
        insert(&mut json, "form", backup.form.name().into());
        insert(&mut json, "health", "intact".into());
        if let Some(method) = self.method {
            let opened = self.open(&backup, method)?;
            insert(&mut json, "opened", describe_opened(&opened));
            text.push('\n');
            text.push_str(&opened_in_words(&opened));
        }
        Ok(Answer { json, text })
    }

    fn open(&self, backup: &Backup, method: MethodName) -> Result<Opened, Failure> {
        let vouched_by = match &self.check_code {
            Some(code) => VouchedBy::CheckCode(code.parse::<CheckCode>()?),
            None => VouchedBy::Method,
        };
        let method = method.existing(&self.secrets)?;
        let expected = Expected { vouched_by, ..Expected::default() };
        Ok(block_on(backup.envelope.open(method.as_ref(), &expected))??)
    }
}

fn insert(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(name.to_owned(), value);
    }
}

fn describe_opened(opened: &Opened) -> Value {
    let keys = opened.payload.verifying_keys();
    let key =
        |key: &AnyVerifyingKey| json!({ "curve": key.curve().to_string(), "public_key": hex(key) });
    let secrets = opened.payload.secrets.iter();
    let secret = |kind: String, label: &str| json!({ "kind": kind, "label": label });
    json!({
        "with": opened.opened_with.to_string(),
        "kind": opened.payload.kind.to_string(),
        "check_code": CheckCode::of(opened.header.wallet, &keys).to_string(),
        "keys": keys.iter().map(key).collect::<Vec<_>>(),
        "secrets": secrets.map(|s| secret(s.kind().to_string(), s.label())).collect::<Vec<_>>(),
        "custodian": opened.payload.custodian.to_string(),
        "slots_altered": opened.altered.as_ref().map(describe_altered),
    })
}

fn describe_altered(altered: &SlotsAltered) -> Value {
    let added = altered.added.iter();
    let added = added.map(|slot| slot.as_ref().map(|slot| SlotId::of(slot).to_string()));
    let missing = altered.missing.iter().map(
        |slot| json!({ "slot": SlotId::of(slot).to_string(), "method": method_name(slot.kind) }),
    );
    json!({ "added": added.collect::<Vec<_>>(), "missing": missing.collect::<Vec<_>>() })
}

fn opened_in_words(opened: &Opened) -> String {
    let keys = opened.payload.verifying_keys();
    let mut lines = vec![
        format!("opened   with {}", opened.opened_with),
        format!("check    {}", CheckCode::of(opened.header.wallet, &keys)),
    ];
    lines.extend(keys.iter().map(|key| format!("key      {} {}", key.curve(), hex(key))));
    for secret in &opened.payload.secrets {
        lines.push(format!("secret   {} {}", secret.kind(), plain(secret.label())));
    }
    if let Some(altered) = &opened.altered {
        lines.push(format!(
            "WARNING  the store changed the methods: {} added, {} missing",
            altered.added.len(),
            altered.missing.len()
        ));
    }
    lines.join("\n")
}

fn hex(key: &AnyVerifyingKey) -> String {
    key.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
