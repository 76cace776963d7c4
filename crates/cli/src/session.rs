//! A command at work: the device, its custodian, and the client between them.

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use twoshare::{
    Client, Destination, FileDevice, HttpCustodian, Resumed, Retry,
    core::{id::WalletId, identity::CustodianIdentity, store::TrustCustodianAlone},
    error::{DeviceError, MoveError, ResumeError, StateError},
};

use crate::{
    answer::Failure,
    config::{Config, CustodianConfig, Placement, Plan, WalletConfig},
    device::Context,
    places::{self, Missing},
    progress::Bar,
    tokens::TokenFile,
};

/// How long somebody who only looks is kept waiting.
const SOON: Retry = Retry {
    first: Duration::from_millis(200),
    longest: Duration::from_millis(400),
    total: Duration::from_secs(2),
    attempts: 3,
};

/// Which wallet of the device.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct WalletArg {
    /// The wallet [default: the only one on the device].
    #[arg(long, value_name = "ID")]
    pub(crate) wallet: Option<WalletId>,
}

/// A device that is logged in, opened.
pub(crate) struct Session {
    config: Config,
    login: CustodianConfig,
    runtime: Runtime,
    device: FileDevice,
    custodian: HttpCustodian,
    json: bool,
}

impl Session {
    pub(crate) fn open(context: &Context) -> Result<Self, Failure> {
        let directory = context.directory()?;
        let runtime = runtime()?;
        let not_logged_in = || {
            let message = format!("{}: not logged in: `twoshare login` first", directory.display());
            Failure::new("not_logged_in", message)
        };
        // No device is made here.
        let there = runtime.block_on(FileDevice::protection_of(&directory))?;
        let _ = there.ok_or_else(not_logged_in)?;
        let device = runtime.block_on(context.open_state(&directory))?;
        let config = Config::read(runtime.block_on(device.settings())?.as_ref())?;
        let login = config.custodian.clone().ok_or_else(not_logged_in)?;
        let custodian = connect(&login, Retry::default())?;
        Ok(Self { config, login, runtime, device, custodian, json: context.json })
    }

    pub(crate) fn run<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// The wallet that was named, else the only one; on the device, whole.
    pub(crate) fn choose(&self, named: &WalletArg) -> Result<WalletId, Failure> {
        let here = self.here()?;
        match (named.wallet, &*here) {
            (Some(wallet), here) if here.contains(&wallet) => Ok(wallet),
            (None, [only]) => Ok(*only),
            (Some(wallet), _) => {
                Err(Failure::new("no_wallet", format!("wallet {wallet} is not on this device"))
                    .with("wallet", wallet.to_string()))
            }
            (None, []) => {
                let begun = self.known()?;
                let message = match begun.is_empty() {
                    true => "there is no wallet on this device",
                    false => "there is no wallet on this device yet: `twoshare resume` first",
                };
                Err(Failure::new("no_wallet", message).with("interrupted", texts(&begun)))
            }
            (None, several) => {
                let message = "several wallets are on this device: say --wallet ID";
                Err(Failure::misuse("several_wallets", message).with("wallets", texts(several)))
            }
        }
    }

    /// The wallets that are on the device, whole.
    pub(crate) fn here(&self) -> Result<Vec<WalletId>, Failure> {
        let client = self.client(&Placement::custodian(), Missing::IsAbsent)?;
        let mut here = Vec::new();
        for wallet in self.known()? {
            match self.run(client.wallet(wallet)) {
                Ok(_) => here.push(wallet),
                Err(DeviceError::NotHere { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(here)
    }

    /// The wallets that the device has anything of.
    pub(crate) fn known(&self) -> Result<Vec<WalletId>, Failure> {
        let client = self.client(&Placement::custodian(), Missing::IsAbsent)?;
        Ok(self.run(client.wallets_here())?)
    }

    /// What is remembered of where this wallet's backup is.
    pub(crate) fn remembered(&self, wallet: WalletId) -> WalletConfig {
        self.config.wallet(wallet)
    }

    /// The stores where this wallet's backup is, as far as is known.
    pub(crate) fn placement_of(&self, wallet: WalletId) -> Placement {
        let WalletConfig { settled, planned } = self.remembered(wallet);
        let placement = settled.or(planned.map(|plan| plan.placement));
        placement.unwrap_or_else(Placement::custodian)
    }

    /// A client of those.
    pub(crate) fn client_of(&self, wallet: WalletId) -> Result<Client, Failure> {
        self.client(&self.placement_of(wallet), Missing::IsAbsent)
    }

    /// The same for somebody who looks: where the custodian does not answer soon, what the device knows
    /// will do.
    pub(crate) fn glance(&self, wallet: WalletId) -> Result<Client, Failure> {
        let custodian = connect(&self.login, SOON)?;
        self.client_at(custodian, &self.placement_of(wallet), Missing::IsAbsent)
    }

    pub(crate) fn client(
        &self,
        placement: &Placement,
        missing: Missing,
    ) -> Result<Client, Failure> {
        self.client_at(self.custodian.clone(), placement, missing)
    }

    fn client_at(
        &self,
        custodian: HttpCustodian,
        placement: &Placement,
        missing: Missing,
    ) -> Result<Client, Failure> {
        let builder = Client::builder().custodian(custodian);
        let builder = match &self.login.key {
            Some(key) => builder.pinned(identity(key)?),
            None => builder.unpinned(),
        };
        let mut builder = builder
            .user(&self.login.user)
            .device(self.device.clone())
            .store_policy(placement.policy());
        for (id, place) in places::open(placement, missing)? {
            builder = builder.store(id, place);
        }
        if placement.trust_custodian_alone {
            builder = builder.trusting(TrustCustodianAlone);
        }
        if let Some(bar) = Bar::shown(self.json) {
            builder = builder.progress(bar);
        }
        builder.build().map_err(|error| Failure::from(error).into_misuse())
    }

    /// Finishes or gives up what was interrupted, with the stores that it was begun with.
    pub(crate) fn resume(&mut self, wallet: WalletId) -> Result<Resumed, Failure> {
        let WalletConfig { settled, planned } = self.remembered(wallet);
        let placement = planned.map(|plan| plan.placement).or(settled);
        let placement = placement.unwrap_or_else(Placement::custodian);
        let client = self.client(&placement, Missing::IsAbsent)?;
        if let Some(resumed) = self.resume_move(wallet, &client)? {
            return Ok(resumed);
        }
        let resumed = match self.run(client.resume(wallet)) {
            Ok(resumed) => resumed,
            // Only its stores were planned.
            Err(ResumeError::Device(DeviceError::NotHere { .. })) => Resumed::Nothing,
            Err(error) => return Err(error.into()),
        };
        self.settle(wallet, &client)?;
        Ok(resumed)
    }

    /// Remembers where a wallet is about to be moved, for whoever has to finish it.
    pub(crate) fn plan_move(&mut self, to: CustodianConfig) -> Result<(), Failure> {
        self.config.moving = Some(to);
        self.save()
    }

    /// The custodian at the other end of a move.
    pub(crate) fn destination(to: &CustodianConfig) -> Result<Destination, Failure> {
        let key = to.key.as_deref().map(identity).transpose()?;
        let key =
            key.ok_or_else(|| Failure::misuse("custodian_key_missing", "say --to-key KEY"))?;
        let custodian = connect(to, Retry::default())?;
        Ok(Destination::new(custodian, key).user(&*to.user))
    }

    /// Finishes or gives up a move that was interrupted; nothing where none was.
    fn resume_move(
        &mut self,
        wallet: WalletId,
        client: &Client,
    ) -> Result<Option<Resumed>, Failure> {
        let Some(to) = self.config.moving.clone() else { return Ok(None) };
        let destination = Self::destination(&to)?;
        let resumed = match self.run(client.resume_move(wallet, &destination)) {
            Ok(resumed) => resumed,
            Err(MoveError::Device(DeviceError::NotHere { .. })) => Resumed::Nothing,
            Err(error) => return Err(error.into()),
        };
        let is_there = self.settle_move(wallet, client)?;
        // Where nothing was interrupted, what else was is not known yet.
        let nothing = matches!(resumed, Resumed::Nothing) && !is_there;
        Ok(Some(resumed).filter(|_| !nothing))
    }

    /// A move is over, well or not: the custodian that the wallet was to leave says which. Where it has
    /// left, the device goes on with the other one; says whether it does.
    pub(crate) fn settle_move(
        &mut self,
        wallet: WalletId,
        client: &Client,
    ) -> Result<bool, Failure> {
        let Some(to) = self.config.moving.clone() else { return Ok(false) };
        let is_there = match self.run(client.state(wallet)) {
            Err(StateError::Moved(moved)) => Some(moved.to.to_string()) == to.key,
            Ok(_) => false,
            Err(error) => return Err(error.into()),
        };
        self.config.moving = None;
        if is_there {
            self.custodian = connect(&to, Retry::default())?;
            self.login = to.clone();
            self.config.custodian = Some(to);
        }
        self.save()?;
        Ok(is_there)
    }

    /// Before a new operation: what was interrupted ends where it was begun.
    pub(crate) fn ready(&mut self, wallet: WalletId) -> Result<(), Failure> {
        if self.remembered(wallet).planned.is_some() {
            self.resume(wallet)?;
        }
        Ok(())
    }

    /// Remembers where an operation that now begins writes to, for whoever has to finish it.
    pub(crate) fn plan(
        &mut self,
        wallet: WalletId,
        client: &Client,
        placement: Placement,
    ) -> Result<(), Failure> {
        let after = self.epoch(wallet, client)?;
        self.change(wallet, |remembered| remembered.planned = Some(Plan { after, placement }))
    }

    /// The operation is over, well or not: what the device has of the wallet says which.
    pub(crate) fn settle(&mut self, wallet: WalletId, client: &Client) -> Result<(), Failure> {
        if self.remembered(wallet).planned.is_none() {
            return Ok(());
        }
        let epoch = self.epoch(wallet, client)?;
        self.change(wallet, |remembered| {
            let planned = remembered.planned.take();
            if let Some(plan) = planned.filter(|plan| plan.after != epoch) {
                remembered.settled = Some(plan.placement);
            }
        })
    }

    /// The epoch of the backup that the device knows.
    fn epoch(&self, wallet: WalletId, client: &Client) -> Result<Option<u64>, Failure> {
        match self.run(client.wallet(wallet)) {
            Ok(wallet) => Ok(wallet.backup().map(|backup| backup.envelope.epoch.get())),
            Err(DeviceError::NotHere { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Pins the custodian of a wallet that is on the device, where none was pinned: what the opened
    /// envelope has named.
    pub(crate) fn pin_of(&mut self, wallet: WalletId) -> Result<(), Failure> {
        if self.login.key.is_some() {
            return Ok(());
        }
        let client = self.client(&Placement::custodian(), Missing::IsAbsent)?;
        // Where it cannot be asked, the wallet's own record has it for now.
        let Ok(state) = self.run(client.state(wallet)) else { return Ok(()) };
        let key = Some(state.custodian.to_string());
        self.login.key.clone_from(&key);
        if let Some(custodian) = &mut self.config.custodian {
            custodian.key = key;
        }
        self.save()
    }

    fn change(
        &mut self,
        wallet: WalletId,
        change: impl FnOnce(&mut WalletConfig),
    ) -> Result<(), Failure> {
        change(self.config.wallet_mut(wallet));
        self.save()
    }

    fn save(&self) -> Result<(), Failure> {
        Ok(self.run(self.device.save_settings(&self.config.to_bytes()?))?)
    }
}

/// The custodian at this address, with the tokens of this file. Nothing is sent yet.
pub(crate) fn connect(login: &CustodianConfig, retry: Retry) -> Result<HttpCustodian, Failure> {
    let tokens = TokenFile::at(&login.token_file);
    Ok(HttpCustodian::builder(&*login.url, tokens).retry(retry).build()?)
}

/// The identity with this text.
pub(crate) fn identity(key: &str) -> Result<CustodianIdentity, Failure> {
    key.parse::<CustodianIdentity>().map_err(|error| {
        Failure::misuse("custodian_key_refused", format!("the custodian's key: {error}"))
    })
}

pub(crate) fn runtime() -> Result<Runtime, Failure> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("runtime", error.to_string()))
}

pub(crate) fn texts(wallets: &[WalletId]) -> Vec<String> {
    wallets.iter().map(WalletId::to_string).collect()
}
