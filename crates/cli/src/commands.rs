//! The commands, one module each.

mod backup;
mod backups;
mod completions;
mod demo;
mod device;
mod drill;
mod eject;
mod export;
mod import;
mod inspect;
mod later;
mod login;
mod man;
mod methods;
mod move_wallet;
mod operation_id;
mod recover;
mod refresh;
mod requests;
mod resume;
mod wallet;

use clap::Subcommand;

use crate::{
    answer::{Answer, Failure},
    device::Context,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The whole story in a temporary directory, with a custodian of its own; needs nothing.
    Demo(demo::Demo),
    /// Point the device at a custodian.
    Login(login::Login),
    /// The device itself.
    #[command(subcommand)]
    Device(device::Device),
    /// The wallets on the device.
    #[command(subcommand)]
    Wallet(wallet::Wallet),
    /// Make the wallet's first backup, or replace one that nobody can open any more.
    Backup(backup::Backup),
    /// What opens the backup, and changes of it.
    #[command(subcommand)]
    Methods(methods::Methods),
    /// Bring a wallet back on this device, with one of its methods.
    Recover(recover::Recover),
    /// Finish or give up whatever a crash interrupted.
    Resume(resume::Resume),
    /// Make a new backup for every method, opening one.
    Refresh(refresh::Refresh),
    /// Prove that a recovery would succeed, without performing it.
    Drill(drill::Drill),
    /// Move the wallet to another custodian, when the custodian's window is open.
    Move(move_wallet::Move),
    /// Get the whole private keys, when the custodian's window is open.
    Eject(eject::Eject),
    /// Recoveries and ejects that wait.
    #[command(subcommand)]
    Requests(requests::Requests),
    /// Make the id of an operation that the operator of a restored custodian has to approve.
    OperationId(operation_id::OperationId),
    /// Say what a backup is, without any secret; with `--method`, whether that opens it.
    Inspect(inspect::Inspect),
    /// What is in the stores, and the repair of a directory.
    #[command(subcommand)]
    Backups(backups::Backups),
    /// Write a backup as a file, as text to paste or as QR codes to scan.
    Export(export::Export),
    /// Put an exported backup into a store.
    Import(import::Import),
    /// Print what completes this command in a shell.
    Completions(completions::Completions),
    /// Write the manual pages.
    Man(man::Man),
    #[command(hide = true)]
    Kit(later::Later),
    #[command(hide = true)]
    OfflineRecover(later::Later),
}

impl Command {
    pub(crate) fn run(self, context: &Context) -> Result<Answer, Failure> {
        match self {
            Self::Demo(demo) => demo.run(),
            Self::Login(login) => login.run(context),
            Self::Device(device) => device.run(context),
            Self::Wallet(wallet) => wallet.run(context),
            Self::Backup(backup) => backup.run(context),
            Self::Methods(methods) => methods.run(context),
            Self::Recover(recover) => recover.run(context),
            Self::Resume(resume) => resume.run(context),
            Self::Refresh(refresh) => refresh.run(context),
            Self::Drill(drill) => drill.run(context),
            Self::Move(to) => to.run(context),
            Self::Eject(eject) => eject.run(context),
            Self::Requests(requests) => requests.run(context),
            Self::OperationId(operation_id) => Ok(operation_id.run()),
            Self::Inspect(inspect) => inspect.run(),
            Self::Backups(backups) => backups.run(context),
            Self::Export(export) => export.run(context),
            Self::Import(import) => import.run(context),
            Self::Completions(completions) => completions.run(),
            Self::Man(man) => man.run(),
            Self::Kit(later) => later.run("kit"),
            Self::OfflineRecover(later) => later.run("offline-recover"),
        }
    }
}
