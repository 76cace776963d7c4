use crate::{
    answer::{Answer, Failure},
    device::Context,
    methods::MethodName,
    secrets::{Asked, Sources, standard_input_once},
    session::{Session, WalletArg},
    view,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Refresh {
    #[command(flatten)]
    wallet: WalletArg,

    /// The method that opens the backup now: password, code.
    #[arg(long, value_name = "M")]
    method: MethodName,

    #[command(flatten)]
    secrets: Sources,
}

impl Refresh {
    pub(crate) fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let device = context.device.device_password_file.as_deref();
        let mine = [Asked::Password, Asked::Code].map(|asked| self.secrets.file(asked));
        standard_input_once([device].into_iter().chain(mine))?;
        self.method.supported()?;
        let mut session = Session::open(context)?;
        let wallet = session.choose(&self.wallet)?;
        session.ready(wallet)?;
        let client = session.client_of(wallet)?;
        let method = self.method.existing(&self.secrets)?;
        session.run(client.refresh(wallet, &method))?;
        view::show(&session, &client, wallet)
    }
}
