use twoshare::{
    Recovered, Recovery, Resumed,
    core::{
        id::{OperationId, WalletId},
        proof::Operation,
    },
    status::Recoverable,
};

use crate::{
    answer::{Answer, Failure},
    backup::rfc3339,
    config::Placement,
    device::Context,
    methods::{MethodName, Vouch},
    places::Missing,
    secrets::{Asked, Sources, standard_input_once},
    session::{Session, texts},
    stores::StoreArgs,
    view,
};

/// From then on the lost device can do nothing any more; of a single-key wallet it still knows the key.
/// What was interrupted on this device is finished first, and is this recovery then.
#[derive(Debug, clap::Args)]
pub(crate) struct Recover {
    /// The wallet [default: the only one of the user that is backed up].
    #[arg(long, value_name = "ID")]
    wallet: Option<WalletId>,

    /// The method that opens the backup: password, code.
    #[arg(long, value_name = "M")]
    method: MethodName,

    #[command(flatten)]
    stores: StoreArgs,

    #[command(flatten)]
    vouch: Vouch,

    /// The id that `operation-id` made and the operator of a restored custodian has approved.
    #[arg(long, value_name = "ID")]
    approved: Option<OperationId>,

    /// With this custodian, although the stores say that the wallet has moved to another one, which has
    /// lost it.
    #[arg(long)]
    accept_moved: bool,

    #[command(flatten)]
    secrets: Sources,
}

impl Recover {
    pub(crate) fn run(&self, context: &Context) -> Result<Answer, Failure> {
        let device = context.device.device_password_file.as_deref();
        let mine = [Asked::Password, Asked::Code].map(|asked| self.secrets.file(asked));
        standard_input_once([device].into_iter().chain(mine))?;
        self.method.supported()?;
        let vouched_by = self.vouch.vouched_by()?;
        let mut session = Session::open(context)?;
        let wallet = match self.wallet {
            Some(wallet) => wallet,
            None => the_only_one(&session)?,
        };
        if session.remembered(wallet).planned.is_some()
            && let Resumed::Finished { operation: Operation::Recover } = session.resume(wallet)?
        {
            // It was interrupted, and is this one.
            return done(&mut session, wallet);
        }
        let placement = self.stores.placement(session.remembered(wallet).settled.as_ref())?;
        let client = session.client(&placement, Missing::IsMade)?;
        let method = self.method.existing(&self.secrets)?;
        let mut recovery = Recovery::with(method).vouched_by(vouched_by);
        if let Some(approved) = self.approved {
            recovery = recovery.approved(approved);
        }
        if self.accept_moved {
            recovery = recovery.accept_moved();
        }
        session.plan(wallet, &client, placement)?;
        match session.run(client.recover(wallet, recovery))? {
            Recovered::Done(_) => {}
            Recovered::Waiting(waiting) => {
                let ready = rfc3339(waiting.ready_at);
                let message = format!("the operator lets recoveries wait: come back at {ready}");
                return Err(Failure::new("waiting", message)
                    .with("request", waiting.request.to_string())
                    .with("until", ready));
            }
        }
        session.settle(wallet, &client)?;
        done(&mut session, wallet)
    }
}

fn done(session: &mut Session, wallet: WalletId) -> Result<Answer, Failure> {
    session.pin_of(wallet)?;
    view::show(session, &session.client_of(wallet)?, wallet)
}

/// The wallet that there is to recover, where the user has one.
fn the_only_one(session: &Session) -> Result<WalletId, Failure> {
    let client = session.client(&Placement::custodian(), Missing::IsAbsent)?;
    let mut wallets = session.run(client.wallets())?;
    if wallets.len() > 1 {
        // One that was begun and given up, or never backed up, is not one of them.
        wallets.retain(|wallet| match session.run(client.status(*wallet)) {
            Ok(status) => status.recoverable != Recoverable::No,
            Err(_) => true,
        });
    }
    match &*wallets {
        [only] => Ok(*only),
        [] => Err(Failure::new("no_wallet", "the custodian has no wallet of this user to recover")),
        several => {
            let list = texts(several).join("\n  ");
            let message = format!("the user has several wallets: say --wallet ID\n  {list}");
            Err(Failure::misuse("several_wallets", message).with("wallets", texts(several)))
        }
    }
}
