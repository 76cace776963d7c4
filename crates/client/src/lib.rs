//! Backs up wallet keys as two shares, and brings them back.
//!
//! The client share is encrypted on the device, in an envelope that any of the user's methods
//! opens; the custodian share is with a server. Neither says anything about the key. See
//! [`core`] for what is promised against whom.
//!
//! ```
//! use twoshare::core::{envelope::VouchedBy, id::CurveId, method::Password};
//! use twoshare::core::store::{MemoryStore, Operator};
//! use twoshare::{Client, protocol::memory::MemoryCustodian};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let custodian = MemoryCustodian::start(twoshare::rng());
//! let client = Client::new(custodian.login("alice"), custodian.identity(), "alice")
//!     .with_store(MemoryStore::new(), Operator::User);
//!
//! let mut wallet = client.create_wallet(&[CurveId::Secp256k1, CurveId::Ed25519]).await?;
//! let password = Password::new("orbit-velvet-93-lantern")?;
//! client.backup(&mut wallet, &[&password]).await?;
//!
//! let (id, keys) = (wallet.id(), wallet.verifying_keys());
//! drop(wallet); // The phone is gone.
//! let wallet = client.recover(id, &password, VouchedBy::Method).await?;
//! assert_eq!(wallet.verifying_keys(), keys);
//! # Ok(()) }
//! ```

mod backup;
mod client;
mod create;
mod directory;
pub mod error;
mod recover;
mod wallet;

pub use self::{
    client::{Client, Published, rng},
    directory::{CopyHealth, DirectoryError, DirectoryStore, ObjectHealth, RepairError, Verdict},
    recover::MethodChange,
    wallet::{Backup, Exported, Import, Wallet},
};

pub use twoshare_core as core;
pub use twoshare_protocol as protocol;
