use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::json;
use twoshare::{
    Client, Method, MethodChange,
    core::{envelope::SlotId, id::WalletId},
    error::MethodsError,
};

use crate::{
    answer::{Answer, Failure},
    device::Context,
    methods::{MethodName, New, NewMethods},
    new_code::CodeOut,
    secrets::{Asked, Sources, standard_input_once},
    session::{Session, WalletArg},
    view,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Methods {
    /// What opens the backup.
    List(List),
    /// One more method. A present one is opened; nothing is asked of the others.
    Add(Add),
    /// A method opens nothing any more. Another one is opened.
    Remove(Remove),
    /// A method gives way to a new one of its kind: another password, a new code.
    Change(Change),
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    wallet: WalletArg,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    /// The new method: password, code.
    #[arg(long, value_name = "M")]
    method: MethodName,

    #[command(flatten)]
    new: NewArgs,

    #[command(flatten)]
    with: With,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Remove {
    /// The method, as `methods list` names it.
    slot: SlotId,

    #[command(flatten)]
    with: With,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Change {
    /// The method, as `methods list` names it.
    slot: SlotId,

    #[command(flatten)]
    new: NewArgs,

    #[command(flatten)]
    with: With,
}

/// The new method's own.
#[derive(Debug, clap::Args)]
struct NewArgs {
    /// What the new method is called in lists. It is public.
    #[arg(long, value_name = "L")]
    label: Option<String>,

    /// Read the new password from this file, or from standard input for `-`.
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,

    #[command(flatten)]
    code: CodeOut,

    /// Do not ask whether the recovery code was written down.
    #[arg(long)]
    yes: bool,
}

/// What the backup is opened with.
#[derive(Debug, clap::Args)]
struct With {
    #[command(flatten)]
    wallet: WalletArg,

    /// The method that opens the backup now: password, code.
    #[arg(long, value_name = "M")]
    with: MethodName,

    #[command(flatten)]
    secrets: Sources,
}

impl Methods {
    pub(crate) fn run(&self, context: &Context) -> Result<Answer, Failure> {
        match self {
            Self::List(list) => list.run(context),
            Self::Add(add) => add.run(context),
            Self::Remove(remove) => remove.run(context),
            Self::Change(change) => change.run(context),
        }
    }
}

impl List {
    fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let session = Session::open(context)?;
        let wallet = session.choose(&self.wallet)?;
        let status = session.run(session.glance(wallet)?.status(wallet))?;
        let methods: Vec<_> = status.methods.iter().map(view::method).collect();
        let text: Vec<_> = status.methods.iter().map(view::method_in_words).collect();
        let text = if text.is_empty() { "no methods".to_owned() } else { text.join("\n") };
        let json = json!({
            "wallet": wallet.to_string(), "epoch": status.epoch.map(|epoch| epoch.get()),
            "methods": methods,
        });
        Ok(Answer { json, text })
    }
}

impl Add {
    fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let new = self.new.of(self.new.label.as_deref());
        new.check(&[self.method])?;
        self.with.check(context, self.new.new_password_file.as_deref())?;
        let (session, wallet) = self.with.begin(context)?;
        let client = session.client_of(wallet)?;
        let with = self.with.with.existing(&self.with.secrets)?;
        let made = new.make(&[self.method], context)?;
        let changes = made.methods.iter().cloned().map(MethodChange::Add).collect();
        finish(&session, &client, wallet, &with, changes, &made)
    }
}

impl Remove {
    fn run(&self, context: &Context) -> Result<Answer, Failure> {
        self.with.check(context, None)?;
        let (session, wallet) = self.with.begin(context)?;
        let client = session.client_of(wallet)?;
        let with = self.with.with.existing(&self.with.secrets)?;
        let changes = vec![MethodChange::Remove(self.slot)];
        finish(&session, &client, wallet, &with, changes, &NewMethods::default())
    }
}

impl Change {
    fn run(&self, context: &Context) -> Result<Answer, Failure> {
        self.with.check(context, self.new.new_password_file.as_deref())?;
        let (session, wallet) = self.with.begin(context)?;
        let client = session.client_of(wallet)?;
        let status = session.run(client.status(wallet))?;
        let old = status.methods.iter().find(|method| method.slot == self.slot);
        let old = old.ok_or(MethodsError::NoSuchSlot { slot: self.slot })?;
        let kind = MethodName::of(old.kind)?;
        // Called as it was, where it is not given another name.
        let new = self.new.of(self.new.label.as_deref().or(Some(&old.label)));
        new.check(&[kind])?;
        let with = self.with.with.existing(&self.with.secrets)?;
        let made = new.make(&[kind], context)?;
        let change = |method| MethodChange::Replace(self.slot, method);
        let changes = made.methods.iter().cloned().map(change).collect();
        finish(&session, &client, wallet, &with, changes, &made)
    }
}

impl NewArgs {
    fn of<'a>(&'a self, label: Option<&'a str>) -> New<'a> {
        New {
            password: Asked::NewPassword,
            password_file: self.new_password_file.as_deref(),
            code_out: &self.code,
            label,
            yes: self.yes,
        }
    }
}

impl With {
    fn check(&self, context: &Context, new: Option<&Path>) -> Result<(), Failure> {
        let device = context.device.device_password_file.as_deref();
        let mine = [Asked::Password, Asked::Code].map(|asked| self.secrets.file(asked));
        standard_input_once([device, new].into_iter().chain(mine))?;
        self.with.supported().map(|_| ())
    }

    /// The wallet, with nothing interrupted before.
    fn begin(&self, context: &Context) -> Result<(Session, WalletId), Failure> {
        let mut session = Session::open(context)?;
        let wallet = session.choose(&self.wallet)?;
        session.ready(wallet)?;
        Ok((session, wallet))
    }
}

fn finish(
    session: &Session,
    client: &Client,
    wallet: WalletId,
    with: &Method,
    changes: Vec<MethodChange>,
    made: &NewMethods,
) -> Result<Answer, Failure> {
    let done = session.run(client.change_methods(wallet, with, changes));
    made.answer(done, || view::show(session, client, wallet))
}
