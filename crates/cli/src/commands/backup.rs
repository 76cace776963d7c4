use twoshare::core::id::OperationId;

use crate::{
    answer::{Answer, Failure},
    device::Context,
    methods::{MethodName, New},
    new_code::CodeOut,
    places::Missing,
    secrets::{Asked, Sources, standard_input_once},
    session::{Session, WalletArg},
    stores::StoreArgs,
    view,
};

/// With `--replace` the last backup can be gone back to for some days, by whoever can open it.
#[derive(Debug, clap::Args)]
pub(crate) struct Backup {
    #[command(flatten)]
    wallet: WalletArg,

    /// A method that opens the backup: password, code. Give several for several.
    #[arg(long = "method", value_name = "M", required = true)]
    methods: Vec<MethodName>,

    #[command(flatten)]
    stores: StoreArgs,

    /// The id that `operation-id` made and the operator of a restored custodian has approved.
    #[arg(long, value_name = "ID", requires = "replace")]
    approved: Option<OperationId>,

    /// What the methods are called in lists. It is public.
    #[arg(long, value_name = "L")]
    label: Option<String>,

    /// Make a new backup because every method of the last one is forgotten.
    #[arg(long)]
    replace: bool,

    #[command(flatten)]
    secrets: Sources,

    #[command(flatten)]
    code: CodeOut,

    /// Do not ask whether the recovery code was written down.
    #[arg(long)]
    yes: bool,
}

impl Backup {
    pub(crate) fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let device = context.device.device_password_file.as_deref();
        standard_input_once([device, self.secrets.file(Asked::Password)])?;
        let new = New {
            password: Asked::Password,
            password_file: self.secrets.file(Asked::Password),
            code_out: &self.code,
            label: self.label.as_deref(),
            yes: self.yes,
        };
        new.check(&self.methods)?;
        let mut session = Session::open(context)?;
        let wallet = session.choose(&self.wallet)?;
        session.ready(wallet)?;
        let placement = self.stores.placement(session.remembered(wallet).settled.as_ref())?;
        let client = session.client(&placement, Missing::IsMade)?;
        let new = new.make(&self.methods, context)?;
        session.plan(wallet, &client, placement)?;
        let done = match (self.replace, self.approved) {
            (true, None) => session.run(client.replace(wallet, &new.methods)),
            (true, Some(approved)) => {
                session.run(client.replace_approved(wallet, &new.methods, approved))
            }
            (false, _) => session.run(client.backup(wallet, &new.methods)),
        };
        new.answer(done, || {
            session.settle(wallet, &client)?;
            view::show(&session, &client, wallet)
        })
    }
}
