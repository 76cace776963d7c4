//! What is a choice and nothing else: Rust's own types, listed again so that a new variant does not compile
//! until it is here.

use twoshare::{
    Call, Level, Step,
    core::{
        id::{CurveId, Purpose, WalletKind},
        proof::Operation,
    },
};

/// How a request is made.
pub type HttpMethod = twoshare::protocol::http::Method;

/// How a request is made.
#[uniffi::remote(Enum)]
pub enum HttpMethod {
    /// Reads.
    Get,
    /// Acts; every act may be repeated.
    Post,
    /// Writes what the path names.
    Put,
    /// Deletes what the path names.
    Delete,
}

/// A curve that keys live on.
#[uniffi::remote(Enum)]
pub enum CurveId {
    /// secp256k1: Bitcoin, Ethereum.
    Secp256k1,
    /// Ed25519: Solana, NEAR, SSH.
    Ed25519,
}

/// Where a wallet's whole key is.
#[uniffi::remote(Enum)]
pub enum WalletKind {
    /// Nowhere: device and custodian sign together.
    Mpc,
    /// On the device, which signs alone.
    SingleKey,
}

/// What a pair of shares is for.
#[uniffi::remote(Enum)]
pub enum Purpose {
    /// Signing.
    Signing,
    /// The backup.
    Backup,
}

/// What an operation does.
#[uniffi::remote(Enum)]
pub enum Operation {
    /// Makes the signing pair of a new MPC wallet.
    Keygen,
    /// Makes the first backup of a wallet.
    FirstBackup,
    /// A new backup when every method is forgotten.
    Replace,
    /// A new device.
    Recover,
    /// A new epoch of the backup; methods may change.
    Refresh,
    /// Makes a pending epoch active.
    Commit,
    /// Gives a pending epoch up.
    Abandon,
    /// Writes a pending epoch's envelope to the custodian's store.
    Upload,
    /// Cancels a waiting request.
    Cancel,
    /// Proves that a recovery would succeed.
    Drill,
    /// Gives the whole key to the user.
    Eject,
    /// Gives the user what an offline recovery needs.
    Export,
    /// Moves to another custodian.
    Move,
    /// Makes a single-key wallet an MPC wallet.
    Convert,
}

/// A call that takes a while.
#[uniffi::remote(Enum)]
pub enum Call {
    /// `Client.create_wallet`.
    Create,
    /// `Client.backup`.
    Backup,
    /// `Client.replace`.
    Replace,
    /// `Client.recover`.
    Recover,
    /// `Client.refresh`.
    Refresh,
    /// `Client.change_methods`.
    ChangeMethods,
    /// `Client.convert`.
    Convert,
    /// `Client.drill`.
    Drill,
    /// `Client.eject`.
    Eject,
    /// `Client.move_wallet`.
    Move,
    /// `Client.resume`.
    Resume,
}

/// What a call does at a moment.
#[uniffi::remote(Enum)]
pub enum Step {
    /// Finishes or gives up what was interrupted before.
    Settle,
    /// Asks the custodian for the wallet's state.
    State,
    /// Reads the envelope from a store and opens it with the method, which a password takes a second or so for.
    Open,
    /// Sets up the methods: a second or so for each password.
    Methods,
    /// Lets the wallet leave its custodian, which goes on working until it is told.
    Leave,
    /// Makes the new shares with the custodian.
    Exchange,
    /// Writes the envelope to every store, reads it back, and opens it through every slot.
    Store,
    /// Commits. From here on only a crash is in the way, and `resume` is there for it.
    Commit,
    /// Asks the custodian for its proof, or for its shares.
    Ask,
    /// Tells the custodian that the wallet has left.
    HandOver,
    /// Makes a new epoch, so that what crossed the wire leads to nothing.
    Refresh,
    /// Writes receipts, deletes what is not needed any more.
    Tidy,
    /// It is done.
    Done,
}

/// How much a drill has shown.
#[uniffi::remote(Enum)]
pub enum Level {
    /// The stores have the envelope that the custodian names, intact.
    Present,
    /// And a method opens it.
    Openable,
    /// And the custodian proved that it holds the other half.
    Matches,
}
