//! A wallet with keys on more curves is another wallet.
//!
//! The keys of a wallet id never change: not their number, their curves, nor any of them. Everything that
//! protects a wallet hangs on it. Each method's slot has a tag over all of its public keys, by which a new
//! device tells the user's wallet from one that somebody put in its place; the check code is computed from
//! the id and the keys; and what is backed up is all keys or none. There is therefore no call that adds a
//! key. [`Client::create_wallet`](crate::Client::create_wallet) always makes a new id, and a custodian
//! refuses new keys under an id that exists.
//!
//! An app that signed on one curve and wants two, or whose users have seeds and mnemonics and get an MPC
//! wallet, makes a *new wallet* beside the old one and moves the funds.
//!
//! # The steps
//!
//! 1. **Make the new wallet**, with all the curves that the app will sign on, and give it a name of its own:
//!    the user will see both for a while.
//! 2. **Back it up** with the user's methods: the same password may serve, a recovery code is a new one.
//!    Show its check code. It differs from the old wallet's, and the user should write it beside: *two
//!    wallets, two codes*. A code of the old one never fits the new one, which is what it is for.
//! 3. **Drill it** with each method that the user set up, while the old wallet still has everything.
//! 4. **Move the funds**: a transaction from each old address to one of the new wallet, which the user
//!    confirms; then what else hangs on the old address (names, allowances, addresses that others have
//!    noted). Nothing that is not a transaction moves funds.
//! 5. **Keep the old wallet, and its backup**, as long as anything may still be paid to its addresses: it
//!    goes on being listed, refreshed and drilled, and the app shows it as the old one. Somebody always pays to
//!    an old address.
//! 6. **Then let it go**: only when it is empty, and the user has agreed to give its addresses up for good.
//!    [`Client::forget`](crate::Client::forget) takes it off this device; its backup stays with the stores
//!    and the custodian, and can be recovered still. What was lost is recovered by the wallet's own id: an
//!    empty device lists both ([`Client::wallets`](crate::Client::wallets)).
//!
//! Between the first step and the fourth the user has two wallets, and a lost device is recovered with
//! two calls of [`Client::recover`](crate::Client::recover), one for each.
//!
//! # The code
//!
//! ```
//! use std::sync::Arc;
//! use twoshare::{
//!     Client, Level, MemoryDevice, Method, Place, StoreId, Wallet,
//!     core::{id::CurveId, method::RecoveryCode},
//!     protocol::memory::MemoryCustodian,
//!     status::BackupState,
//! };
//!
//! # fn send_everything(_from: &Wallet, _to: &Wallet) {}
//! # fn main() -> Result<(), Box<dyn std::error::Error>> { pollster::block_on(async {
//! # let custodian = MemoryCustodian::start(twoshare::rng());
//! let client = Client::builder()
//!     .custodian(custodian.login("alice"))
//!     .pinned(custodian.identity())
//!     .user("alice")
//!     .device(MemoryDevice::new())
//!     .store(StoreId::custodian(), Place::Custodian)
//!     .build()?;
//! // The wallet that the user has had: one curve.
//! let old = client.create_wallet(&[CurveId::Secp256k1], Some("Savings".into())).await?;
//! # let old_code: Method = Arc::new(RecoveryCode::make(&mut twoshare::rng()));
//! # client.backup(old.id(), &[old_code.clone()]).await?;
//!
//! // 1. A new one, with both.
//! let curves = [CurveId::Secp256k1, CurveId::Ed25519];
//! let new = client.create_wallet(&curves, Some("Savings, 2".into())).await?;
//! assert_ne!(new.id(), old.id());
//!
//! // 2. Backed up; the user writes down the new code, and the new check code beside it.
//! let code: Method = Arc::new(RecoveryCode::make(&mut twoshare::rng()));
//! client.backup(new.id(), &[code.clone()]).await?;
//! assert_ne!(new.check_code(), old.check_code());
//!
//! // 3. Shown to be recoverable before anything is on it.
//! let drill = client.drill(new.id(), Some(&code)).await?;
//! assert_eq!(drill.level, Level::Matches);
//! let status = client.status(new.id()).await?;
//! assert!(status.keys.iter().all(|key| key.backup == BackupState::Complete));
//!
//! // 4. The app's part: transactions, signed with the old wallet.
//! send_everything(&old, &new);
//!
//! // 5. Both are listed, here and on an empty device, until nobody pays to the old one any more.
//! assert_eq!(client.wallets().await?.len(), 2);
//!
//! // 6. Off this device; its backup can still be recovered.
//! client.forget(old.id()).await?;
//! assert_eq!(client.wallets_here().await?, [new.id()]);
//! # client.recover(old.id(), twoshare::Recovery::with(old_code)).await?;
//! # Ok(()) }) }
//! ```
