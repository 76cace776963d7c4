//! How a story goes, and how it ends: everything is set right, and then the owner recovers with each
//! method.

use twoshare::{
    MemoryDevice, Wallet,
    core::{
        id::WalletKind,
        store::{EnvelopeName, EnvelopeStoreExt as _},
    },
    protocol::rules::{Favour, Time},
};

use super::{
    Broken,
    act::{Act, Doing, Op, Story},
    methods::{Change, Set},
    op::{Ready, Said},
    server::USER,
    stage::Who,
    world::World,
};

/// How often a recovery is asked for again: after each wait, and after what was pending has expired.
const TRIES: usize = 4;

impl World {
    /// The whole story.
    pub(super) async fn play(&mut self, story: &Story) -> Result<(), Broken> {
        self.create(&story.create).await?;
        self.check().await?;
        let (methods, faults) = story.backup.clone();
        let backup = Doing { device: 0, op: Op::Backup(methods), faults };
        for (number, act) in [Act::Do(backup)].iter().chain(&story.acts).enumerate() {
            self.stage.log(format!("act {number}"));
            self.act(act).await?;
            self.check().await?;
            if self.model().is_some_and(|model| model.over) {
                self.stage.log("the owner let the grace pass: the wallet is the thief's");
                return Ok(());
            }
        }
        self.end().await
    }

    /// Everything is set right; then the owner recovers.
    async fn end(&mut self) -> Result<(), Broken> {
        let Some(wallet) = self.wallet else { return Ok(()) };
        self.stage.log("the end");
        // The clock is right again.
        self.pass(self.seen.saturating_sub(self.server.time()));
        while let Some((what, late)) = self.mail.take(0, false) {
            self.stage.log(format!("  arrives: {what}"));
            late().await;
            self.check().await?;
        }
        let dispute = self.last.as_ref().and_then(|state| state.dispute);
        if self.model().is_some_and(|model| model.ordered || model.disputed) {
            let done = self.server.unfreeze(wallet, dispute.map(Favour::Request)).await;
            self.stage.log(format!("  operator: unfreezes: {done}"));
            self.ledger.with(wallet, |model| (model.ordered, model.disputed) = (false, false));
            self.check().await?;
        }
        let same = Change::Without(Set::NONE);
        for device in 0..self.phones.len() {
            let here = self.phones[device].client.wallets_here().await.unwrap_or_default();
            if !here.contains(&wallet) {
                continue;
            }
            let client = self.phone(self.phones[device].device.clone()).client;
            let said = self.plainly((Who::Owner, device), client, (same, Ready::Resume)).await?;
            self.check().await?;
            if let Said::Failed(why) = said {
                return Err(Broken::new(format!("device {device} cannot resume: {why}")));
            }
        }
        self.signs().await?;
        let Some(backup) = self.model().and_then(|model| model.owners()) else { return Ok(()) };
        let mut set = backup.opens;
        let mut last = None;
        while let Some(number) = set.nth(0) {
            set = set.without(Set::only(number));
            self.before = self.model().and_then(|model| model.owners());
            last = Some(self.recover_with(number).await?);
            // Fewer where a restored custodian has gone on.
            let opens =
                self.model().and_then(|model| model.owners()).map_or(Set::NONE, |b| b.opens);
            set = Set::both(set, opens);
        }
        match last {
            Some((device, recovered)) => self.retires(device, recovered).await,
            None => Ok(()),
        }
    }

    /// The device that made the signing epoch which counts has its share, whatever happened to it.
    async fn signs(&self) -> Result<(), Broken> {
        let Some(model) = self.model() else { return Ok(()) };
        let Some((device, wallet)) = model.signs_on.zip(self.wallet) else { return Ok(()) };
        let found = self.phones[device].client.wallet(wallet).await;
        let signing = found.as_ref().ok().and_then(|found| found.signing_shares().first());
        if signing.map(|share| share.id().sharing.epoch) == model.signing {
            return Ok(());
        }
        Err(Broken::new(format!(
            "device {device} lacks signing epoch {:?}: {found:?}",
            model.signing
        )))
    }

    /// The owner, with an empty device and a method, gets the wallet back.
    async fn recover_with(&mut self, number: usize) -> Result<(MemoryDevice, Wallet), Broken> {
        let device = MemoryDevice::new();
        // An empty device may know nothing of the custodian either.
        let client = self.client(device.clone(), Who::Owner, number.is_multiple_of(2));
        for _ in 0..TRIES {
            let recovery = self.recovery(self.methods.get(number)).await;
            let ready = (Change::Without(Set::NONE), Ready::Recover(recovery));
            let said = self.plainly((Who::Owner, 0), client.clone(), ready).await?;
            self.check().await?;
            match said {
                Said::Wallet(wallet) => return Ok((device, self.has_it(wallet)?)),
                Said::Waiting(until) => self.pass(until.saturating_sub(self.server.time())),
                // The owner waits elsewhere with a stronger proof: the operator ends that.
                Said::Failed(why) if why.contains("RequestWaiting") => {
                    if let Some((request, wallet)) = self.waiting().zip(self.wallet) {
                        self.server.deny(wallet, request).await;
                    }
                }
                // What is pending of the same rank, or of the restorable epoch, expires.
                Said::Failed(why) if why.contains("Refused(Conflict") => self.pass(16 * 60),
                said => {
                    return Err(Broken::new(format!("method {number} does not recover: {said:?}")));
                }
            }
            self.check().await?;
        }
        Err(Broken::new(format!("method {number} does not recover")))
    }

    fn has_it(&self, wallet: Wallet) -> Result<Wallet, Broken> {
        let exported = wallet.export().map_err(|e| Broken::new(format!("{e:?}")))?;
        let keys: Vec<_> = exported
            .iter()
            .filter_map(|exported| match exported {
                twoshare::Exported::Key(key) => Some(*key.verifying_key()),
                twoshare::Exported::Secret(_) => None,
            })
            .collect();
        // Of a converted wallet nothing is whole any more.
        let is_mpc = self.model().is_some_and(|model| model.kind == WalletKind::Mpc);
        let imported = self.imported.iter().filter(|_| !is_mpc);
        let imported: Vec<_> = imported.map(|key| *key.verifying_key()).collect();
        match keys == imported && wallet.verifying_keys() == self.keys {
            true => Ok(wallet),
            false => Err(Broken::new("another key was recovered")),
        }
    }

    /// Long afterwards nothing is left of what has ended.
    async fn retires(&mut self, device: MemoryDevice, recovered: Wallet) -> Result<(), Broken> {
        const WINDOW: Time = 32 * 24 * 60 * 60;
        let wallet = recovered.id();
        let client = self.phone(device).client;
        for _ in 0..2 {
            self.pass(WINDOW);
            self.check().await?;
            let ready = (Change::Without(Set::NONE), Ready::Resume);
            self.plainly((Who::Owner, 0), client.clone(), ready).await?;
            self.check().await?;
        }
        let Some(active) = self.model().and_then(|model| model.backup) else { return Ok(()) };
        // What this device has recovered from, and everything that it has ended itself, is gone.
        let Some(before) = self.before else { return Ok(()) };
        let name = EnvelopeName { wallet, epoch: before.epoch, digest: before.digest };
        if before.digest != active.digest {
            let custodians = self.server.login(USER).envelope(wallet, before.digest).await.is_ok();
            let near = self.near.get_envelope(name).await.is_ok();
            if custodians || near {
                return Err(Broken::new(format!("{before:?} has ended, and its envelope is kept")));
            }
        }
        if let Some(database) = self.server.database() {
            database.is_clean(wallet).await?;
        }
        Ok(())
    }

    /// Nothing more happens.
    pub(super) async fn close(&self) {
        if let Some(database) = self.server.database() {
            database.close().await;
        }
    }
}
